//! A keeper that operates too hands work in an epoch late.
//!
//! Two epochs with the same work. Whoever's receipts miss the first epoch are carried into
//! the second, marked late. One keeper that is awake hands them in on time, so what is done
//! to others' work needs all keepers; what is done to one's own needs nobody. What the first
//! epoch leaves unpaid is in neither play back in time for the second.

use super::{at, Attack, Play, Promise};
use crate::populations::{Population, FEE};
use crate::world::{ensure, permille_of};
use plimsoll_mechanism::allocate::{allocate, Allocation};
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;

/// Divides both epochs; the second has the reserve that the first left.
fn two_epochs(population: &Population, first: &[Part], second: &[Part]) -> [Allocation; 2] {
    let allocated = |reserve: u128, parts: &[Part]| {
        allocate(&population.params, reserve, parts).expect("work of a population is small")
    };
    let one = allocated(population.reserve, first);
    let two = allocated(population.reserve - one.budget(), second);
    [one, two]
}

fn paid(epochs: &[Allocation; 2], who: usize) -> u128 {
    epochs.iter().map(|epoch| epoch.rewards[who].amount).sum()
}

/// Moves a share of a part's work and fees to the epoch after.
fn delay(first: &mut Part, second: &mut Part, share: u64) {
    let late = permille_of(first.work, share);
    let fees = first.fees * u128::from(share) / 1_000;
    first.work.fragment -= late.fragment;
    first.work.bulk -= late.bulk;
    first.fees -= fees;
    second.work.fragment += late.fragment;
    second.work.bulk += late.bulk;
    second.fees += fees;
}

/// It holds back what others did.
pub struct OfOthers;

impl Attack for OfOthers {
    fn name(&self) -> &'static str {
        "withheld_of_others"
    }

    fn promise(&self) -> Promise {
        Promise::Found {
            what: "all keepers together can delay others' work, and it pays",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        // Who, how much of the vetted ones' work and of the open ones' is late.
        vec![population.places(|_| true).len() as u64, 1_001, 1_001]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let (mut first, mut second) = (population.parts(), population.parts());
        let honest = two_epochs(population, &first, &second);
        for k in (0..first.len()).filter(|k| *k != who) {
            let share = if first[k].vetted { dials[1] } else { dials[2] };
            delay(&mut first[k], &mut second[k], share);
        }
        let after = two_epochs(population, &first, &second);
        let own = &first[who];
        let bounds = after.iter().try_for_each(|epoch| {
            let most = if own.vetted {
                epoch.division.operator_cap
            } else {
                epoch.division.open_ceiling
            };
            ensure(epoch.rewards[who].amount <= most, || "its cap".into())
        });
        Play::bounded(paid(&honest, who), paid(&after, who), bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!(
            "operator {who} owns every keeper, and hands {}% of the other vetted ones' work and \
             {}% of the open ones' in an epoch late",
            dials[1] / 10,
            dials[2] / 10
        )
    }
}

/// It holds back its own, while the network's work stays as it is.
pub struct OfItsOwn;

impl Attack for OfItsOwn {
    fn name(&self) -> &'static str {
        "withheld_of_its_own"
    }

    fn promise(&self) -> Promise {
        Promise::Found {
            what: "an operator can hand its own work in late, and it pays a little where shares \
                   bend: at the premium, the uplift or a cap",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        vec![population.places(|_| true).len() as u64, 1_001]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let (mut first, mut second) = (population.parts(), population.parts());
        let honest = two_epochs(population, &first, &second);
        delay(&mut first[who], &mut second[who], dials[1]);
        let after = two_epochs(population, &first, &second);
        Play::new(paid(&honest, who), paid(&after, who))
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!(
            "operator {who} hands {}% of its own work in an epoch late",
            dials[1] / 10
        )
    }
}

/// A rush in the first epoch and nothing in the second, for the attacker alone: it carries a
/// share of each client's work over.
pub struct OfARush;

impl Attack for OfARush {
    fn name(&self) -> &'static str {
        "withheld_of_a_rush"
    }

    fn promise(&self) -> Promise {
        Promise::Found {
            what: "what one epoch's cap or threshold would cut off, the next one's pays for",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        vec![population.places(|_| true).len() as u64, 1_001]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let (mut first, mut second) = (population.parts(), population.parts());
        let nothing = |part: &mut Part| {
            part.work = Work::default();
            part.fees = 0;
        };
        nothing(&mut second[who]);
        let honest = two_epochs(population, &first, &second);
        let clients = &population.members[who].clients;
        let late: Vec<u64> = clients
            .iter()
            .map(|units| units * dials[1] / 1_000)
            .collect();
        let on_time: Vec<u64> = clients
            .iter()
            .zip(&late)
            .map(|(all, late)| all - late)
            .collect();
        for (part, clients) in [(&mut first[who], on_time), (&mut second[who], late)] {
            part.work = population.work(&clients);
            part.fees = part.work.total() * FEE;
        }
        let after = two_epochs(population, &first, &second);
        let vetted = first[who].vetted;
        let bounds = after.iter().try_for_each(|epoch| {
            let most = if vetted {
                epoch.division.operator_cap
            } else {
                epoch.division.open_ceiling
            };
            ensure(epoch.rewards[who].amount <= most, || "its cap".into())
        });
        Play::bounded(paid(&honest, who), paid(&after, who), bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!(
            "operator {who} has work in one epoch only, and hands {}% of it in for the next",
            dials[1] / 10
        )
    }
}
