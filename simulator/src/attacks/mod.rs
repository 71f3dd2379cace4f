//! What breaks a design: for an attacker of given size the best strategy is *searched*,
//! not looked up, and set against honesty with the same resources.
//!
//! The attacker is one more owner of a given share of all work, stake and cards. Everybody
//! else's work is scaled down so that demand stays what it was; stake and cards are added.
//! A [`Strategy`] says what it does with them, a [`Stage`] lets the design's own code pay
//! everybody, and [`climb`] looks for the strategy that leaves the owner most. Pay is what
//! could be expected before lots are drawn: luck is no strategy.
//!
//! # What counts
//! Net pay of an epoch is the pay of all the owner's identities, less rent, less fees that
//! are burnt, less the running cost of work nobody wanted, less a yearly cost for every
//! identity but the first. Fees of honest work and its running cost are the same whatever
//! the attacker does, and so are in neither side of a gain.
//!
//! # What is in no strategy
//! Uneven cuts among identities of a tier; a conspiracy with attesters or keepers; and what
//! moves the token's price.

mod climb;
mod stage;
mod strategy;

pub use climb::{climb, Found};
pub use stage::{Outcome, Stage};
pub use strategy::{Dial, Dials, Space, Strategy, Tier};

use crate::designs::Design;
use crate::findings;
use crate::random::{generator, Purpose};
use crate::world::{Load, Operator};
use plimsoll_mechanism::params::Params;
use rayon::prelude::*;

/// A gain below this share of the honest pay is reported as none.
///
/// Amounts are rounded to base units and work to work units; a part in a million is far
/// above both and far below what anybody would run an attack for.
pub const DUST: f64 = 1e-6;

/// What an attacker is up against.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The attacker's share of all work, stake and cards, each above 0 and below 1.
    pub sizes: Vec<f64>,
    /// What lent stake costs, as a share of it and year.
    pub rent_per_year: f64,
    /// Part of the fees of a job that is burnt or taken, 0 to 1; the rest comes back to
    /// who paid itself.
    pub burnt_share: f64,
    /// What a million units of work cost to run, in EUR; 0 if nobody checks that work
    /// was done.
    pub running_cost_per_million_units_eur: f64,
    /// What every identity but the first costs, in EUR a year.
    pub identity_cost_eur_per_year: f64,
    /// Identities for which the registrar vouches; 0 for an attacker that is open.
    pub vetted_identities: u32,
    /// Work of one client at one operator in an epoch that counts as fragment, in work units.
    pub fragment_threshold: u64,
    /// The smallest job that a network takes, in work units; at least 1.
    pub smallest_job: u64,
    /// Epochs in a year.
    pub epochs_per_year: f64,
}

/// The world in which attacks are tried.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// The honest.
    pub operators: &'a [Operator],
    /// Their work in sample epochs, one entry an operator. Seven or fourteen samples
    /// make whole intervals of 28 epochs, for the design that pays by those.
    pub loads: &'a [Load],
    /// The mechanism's parameters, for the budget.
    pub params: Params,
    /// The reserve at the start, in base units.
    pub reserve: u128,
    /// Epochs over which a date of entry is looked for.
    pub horizon: u32,
    /// What clients pay for a million work units, in base units.
    pub market_price: u128,
    /// Price of the token, in EUR per base unit.
    pub eur_per_base_unit: f64,
    /// Base units in a token, for words.
    pub base_units_per_token: f64,
    /// What attackers are up against.
    pub terms: Terms,
}

/// What an attacker may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Several identities.
    Identities,
    /// Jobs cut into parts.
    Jobs,
    /// One client declared as many, or small ones as one.
    Clients,
    /// Work nobody wanted, paid by itself.
    Wash,
    /// The date of entry.
    Entry,
    /// Stake and bond rented.
    RentedBond,
    /// Work of heavy epochs handed in later.
    Withheld,
    /// Two operators put stake or everything together.
    Merger,
    /// All that one owner can do alone.
    Together,
}

impl Kind {
    /// Every kind; the one that begins from what the others found is last.
    pub const ALL: [Self; 9] = [
        Self::Identities,
        Self::Jobs,
        Self::Clients,
        Self::Wash,
        Self::Entry,
        Self::RentedBond,
        Self::Withheld,
        Self::Merger,
        Self::Together,
    ];

    /// Its name in findings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identities => "identities",
            Self::Jobs => "jobs",
            Self::Clients => "invented clients",
            Self::Wash => "wash",
            Self::Entry => "entry",
            Self::RentedBond => "rented bond",
            Self::Withheld => "withheld work",
            Self::Merger => "merger",
            Self::Together => "all together",
        }
    }

    /// What it may turn.
    #[must_use]
    pub fn dials(self) -> &'static [Dial] {
        match self {
            Self::Identities => &[Dial::Vetted, Dial::Further, Dial::Work, Dial::Stake],
            Self::Jobs => &[Dial::Parts],
            Self::Clients => &[Dial::Invented, Dial::Joined],
            Self::Wash => &[Dial::Fake, Dial::FakeSmall],
            Self::Entry => &[Dial::Entry],
            Self::RentedBond => &[Dial::Rented],
            Self::Withheld => &[Dial::Limit],
            Self::Merger => &[Dial::Partner, Dial::Lent],
            Self::Together => &[
                Dial::Vetted,
                Dial::Further,
                Dial::Work,
                Dial::Stake,
                Dial::Parts,
                Dial::Invented,
                Dial::Joined,
                Dial::Fake,
                Dial::FakeSmall,
                Dial::Entry,
                Dial::Rented,
                Dial::Limit,
            ],
        }
    }

    /// How many strategies to try at most, beside the starts.
    fn evaluations(self) -> u64 {
        match self {
            Self::Jobs | Self::Entry | Self::Withheld | Self::RentedBond => 120,
            Self::Clients | Self::Wash => 120,
            Self::Identities => 200,
            Self::Merger => 80,
            Self::Together => 600,
        }
    }
}

/// The best strategy of each kind against each design, for each size of attacker, in the
/// order design, size, [`Kind::ALL`].
///
/// `progress` hears how many more strategies were tried. The result does not depend on
/// the number of cores. Without operators or loads there is nobody to attack: no findings.
#[must_use]
pub fn search(
    designs: &[Box<dyn Design>],
    setting: &Setting<'_>,
    seed: u64,
    progress: &(dyn Fn(u64) + Sync),
) -> Vec<findings::Attack> {
    if setting.operators.is_empty() || setting.loads.is_empty() {
        return Vec::new();
    }
    let cases: Vec<(usize, usize)> = (0..designs.len())
        .flat_map(|design| (0..setting.terms.sizes.len()).map(move |size| (design, size)))
        .collect();
    let found: Vec<Vec<findings::Attack>> = cases
        .into_par_iter()
        .map(|(design, size)| {
            // Attackers of all kinds against all designs draw from sequences of their own.
            let case = (design * setting.terms.sizes.len() + size) as u64;
            of_size(
                designs[design].as_ref(),
                setting,
                setting.terms.sizes[size],
                (seed, case),
                progress,
            )
        })
        .collect();
    found.into_iter().flatten().collect()
}

/// All kinds of attack of one attacker on one design.
fn of_size(
    design: &dyn Design,
    setting: &Setting<'_>,
    size: f64,
    (seed, case): (u64, u64),
    progress: &(dyn Fn(u64) + Sync),
) -> Vec<findings::Attack> {
    let mut stage = Stage::new(design, setting, size);
    let mut starts = Vec::new();
    let mut attacks = Vec::new();
    for (index, kind) in (0..).zip(Kind::ALL) {
        let run = case * Kind::ALL.len() as u64 + index;
        let mut dice = generator(seed, run, Purpose::Attack);
        let from = match kind {
            Kind::Together => {
                let at_once = starts.iter().fold(Dials::default(), at_once);
                starts.push(at_once);
                starts.append(&mut stage.space().lattice());
                std::mem::take(&mut starts)
            }
            Kind::Merger => stage.mergers(),
            _ => Vec::new(),
        };
        let evaluations = kind.evaluations() + from.len() as u64;
        let found = climb(&mut stage, kind.dials(), &from, evaluations, &mut dice);
        progress(found.tried);
        if kind != Kind::Merger {
            starts.push(found.dials);
        }
        attacks.push(report(&mut stage, kind, &found));
    }
    attacks
}

/// Everything that either does.
fn at_once(mut one: Dials, other: &Dials) -> Dials {
    for (one, other) in one.iter_mut().zip(other) {
        *one = (*one).max(*other);
    }
    one
}

fn report(stage: &mut Stage<'_>, kind: Kind, found: &Found) -> findings::Attack {
    let strategy = stage.space().strategy(&found.dials);
    let pays = found.outcome.gain() > DUST;
    let mut words = if pays {
        strategy.words(stage.space())
    } else {
        format!("none found in {} strategies", found.tried)
    };
    if kind == Kind::Entry && !pays {
        // What the schedule does to who comes late is worth knowing as well.
        let last = stage.space().last_entry();
        let late = stage.play(&Strategy {
            entry: last,
            ..Strategy::default()
        });
        if late.gain() < -DUST {
            words += &format!(
                "; entering in epoch {} brings {:.1} % less a day in",
                stage.space().entry_epoch(last),
                -100.0 * late.gain()
            );
        }
    }
    findings::Attack {
        design: stage.design().facts().id.into(),
        kind: kind.name().into(),
        size: stage.space().size,
        gain_percent: if pays {
            100.0 * found.outcome.gain()
        } else {
            0.0
        },
        honest_share: found.outcome.honest / found.outcome.budget,
        attack_share: if pays {
            found.outcome.net / found.outcome.budget
        } else {
            found.outcome.honest / found.outcome.budget
        },
        strategy: words,
        tried: found.tried,
        small_lose_percent: if pays {
            100.0 * found.outcome.small_lose()
        } else {
            0.0
        },
    }
}
