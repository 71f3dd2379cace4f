//! Ways to cheat, one file each, and the search that tries them.

pub mod batch_order;
pub mod bond_renting;
pub mod bond_timing;
pub mod booking;
pub mod ghosts;
pub mod hiding;
pub mod invented_clients;
pub mod job_cutting;
pub mod late_entry;
pub mod merged_clients;
pub mod raising;
pub mod rerouting;
pub mod splitting;
pub mod vouched;
pub mod wash;
pub mod withheld;

mod report;
mod search;

pub use report::{assault, Row};
pub use search::{search, Found};

use crate::populations::Population;
use plimsoll_mechanism::allocate::Allocation;

/// What an attack brought.
#[derive(Clone, Debug)]
pub struct Play {
    /// What honesty pays to the same people, in base units.
    pub honest: u128,
    /// What the attack pays them; costs are taken off.
    pub deviating: i128,
    /// Whether everything that must hold even so did.
    pub bounds: Result<(), String>,
}

impl Play {
    /// With nothing else to hold.
    pub fn new(honest: u128, deviating: u128) -> Self {
        Self::bounded(honest, deviating, Ok(()))
    }

    /// With bounds that the text states.
    pub fn bounded(honest: u128, deviating: u128, bounds: Result<(), String>) -> Self {
        Self {
            honest,
            deviating: signed(deviating),
            bounds,
        }
    }

    /// What one operator of a division gets where it deviates, with bounds that the text
    /// states.
    pub fn of(
        who: usize,
        honest: &Allocation,
        after: &Allocation,
        bounds: Result<(), String>,
    ) -> Self {
        let paid = |division: &Allocation| division.rewards[who].amount;
        Self::bounded(paid(honest), paid(after), bounds)
    }

    /// The profit, in base units.
    pub fn gain(&self) -> i128 {
        self.deviating - signed(self.honest)
    }
}

/// An amount that costs may be taken off.
fn signed(amount: u128) -> i128 {
    i128::try_from(amount).expect("amounts of a population are far below 2^127")
}

/// What the text says of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// A guarantee excludes a profit of more than so many base units.
    Excluded {
        /// The guarantee.
        by: &'static str,
        /// The rounding that it states.
        within: i128,
    },
    /// The text admits it, and says within which bounds.
    Admitted {
        /// Where.
        item: &'static str,
    },
    /// No guarantee excludes it, and the search found it before any text named it.
    Found {
        /// What there is to say.
        what: &'static str,
    },
}

/// A way to cheat.
pub trait Attack: Sync {
    /// Its name in the record and, after `attack_`, of its test.
    fn name(&self) -> &'static str;

    /// What the text says of it.
    fn promise(&self) -> Promise;

    /// How many settings each dial has, at least 1; none if the attack is impossible in
    /// that population.
    fn dials(&self, population: &Population) -> Vec<u64>;

    /// Plays it with each dial at a setting below its number of settings.
    fn play(&self, population: &Population, dials: &[u64]) -> Play;

    /// What the dials mean, for people.
    fn words(&self, population: &Population, dials: &[u64]) -> String;
}

/// A dial's setting as a place in a list.
fn at(dial: u64) -> usize {
    usize::try_from(dial).expect("dials are small")
}

/// SplitMix64: numbers that depend on a seed alone.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as `seed` says.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.any() % end
    }

    /// Another order of `things`.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for k in (1..things.len()).rev() {
            let other = at(self.below(k as u64 + 1));
            things.swap(k, other);
        }
    }
}
