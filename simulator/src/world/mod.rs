//! The world in which designs are compared: who takes part, what work arrives, how it
//! reaches operators, and what they pay for it.

pub mod cost;
mod demand;
mod dispatch;
mod draw;
mod population;

pub use demand::{Demand, DRAWN_ONE_BY_ONE};

use crate::data::opg::{self, Reading};
use crate::scenario::{Inputs, Scenario, Settings};
use demand::Workload;
use std::sync::Arc;

/// The world of a scenario.
#[derive(Clone, Debug)]
pub struct World {
    settings: Settings,
    inputs: Inputs,
    workload: Arc<Workload>,
}

impl World {
    /// The world that `scenario` describes.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            settings: scenario.settings().clone(),
            inputs: scenario.inputs().clone(),
            workload: Arc::new(Workload::new(scenario.inputs())),
        }
    }

    /// What the scenario says.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Who takes part in run `run`, the largest first.
    #[must_use]
    pub fn population(&self, run: u64) -> Vec<Operator> {
        population::draw(&self.settings, &self.inputs, run)
    }

    /// The work of run `run` for `operators`.
    #[must_use]
    pub fn demand(&self, run: u64, operators: &[Operator]) -> Demand {
        Demand::new(&self.settings, &self.workload, run, operators)
    }

    /// Name of class `index`.
    #[must_use]
    pub fn class(&self, index: usize) -> &str {
        &self.settings.classes[index].name
    }

    /// Name of country `index`.
    #[must_use]
    pub fn country(&self, index: usize) -> &str {
        &self.settings.countries[index].name
    }

    /// What clients pay for a million work units in the first epoch, in base units, rounded down.
    #[must_use]
    pub fn market_price(&self) -> u128 {
        self.market_price_at(0)
    }

    /// What clients pay for a million work units in epoch `epoch`, in base units, rounded
    /// down: the price is in USD, so it moves with the token's.
    #[must_use]
    pub fn market_price_at(&self, epoch: u32) -> u128 {
        let token = &self.settings.token;
        token.base_units(self.settings.demand.price_usd / self.token_price_usd(epoch))
    }

    /// What a base unit is worth in epoch `epoch`, in EUR: the price grows by the scenario's
    /// drift, exponentially.
    #[must_use]
    pub fn eur_per_base_unit(&self, epoch: u32) -> f64 {
        let token = &self.settings.token;
        let one = 10_u128.pow(u32::from(token.decimals)) as f64;
        self.token_price_usd(epoch) * token.eur_per_usd / one
    }

    /// Price of a token in epoch `epoch`, in USD.
    fn token_price_usd(&self, epoch: u32) -> f64 {
        let token = &self.settings.token;
        let years = f64::from(epoch) * self.settings.run.epoch_years();
        token.price_usd * libm::pow(1.0 + token.price_drift, years)
    }

    /// Base units that are in circulation at the start of epoch `epoch` beside what the
    /// comparison emits: what the other buckets of the allocation have unlocked by then
    /// (whole months, linear from the cliff). The bucket that is emitted counts as untouched
    /// when the comparison begins.
    #[must_use]
    pub fn circulating(&self, epoch: u32) -> u128 {
        let emission = &self.settings.emission;
        let token = &self.settings.token;
        let years = f64::from(epoch) * self.settings.run.epoch_years();
        // Far below 2^32 months: a run has at most 36,500 epochs of a year.
        let month = emission.months_since_start + (years * 12.0) as u32;
        let others = opg::unlocked(&self.inputs.other_buckets, month, Reading::FromCliff);
        token.base_units(others)
    }
}

/// Hands the work of whoever is switched off to whoever is switched on, each in
/// proportion to the room it has left; what is beyond all room is not done. Jobs, fragments
/// and bulk go in the same proportion. Returns the work units that nobody does.
pub fn serve_what_the_absent_leave(
    load: &mut Load,
    active: &[bool],
    operators: &[Operator],
) -> u64 {
    let room: Vec<u64> = (0..load.len())
        .map(|index| match active[index] {
            true => (operators[index].capacity as u64).saturating_sub(load.units(index)),
            false => 0,
        })
        .collect();
    let all_room: u64 = room.iter().sum();
    let mut left = [0_u64; 3];
    for index in (0..load.len()).filter(|index| !active[*index]) {
        let figures = [&mut load.jobs, &mut load.fragment, &mut load.bulk];
        for (sum, figure) in left.iter_mut().zip(figures) {
            *sum += std::mem::take(&mut figure[index]);
        }
    }
    let work = left[1] + left[2];
    if work == 0 {
        return 0;
    }
    // What fits, of each kind, rounded down.
    let portion = |whole: u64, part: u64, of: u64| match of {
        0 => 0,
        _ => (u128::from(whole) * u128::from(part) / u128::from(of)) as u64,
    };
    let served = left.map(|figure| portion(figure, all_room.min(work), work));
    for (figures, total) in [&mut load.jobs, &mut load.fragment, &mut load.bulk]
        .into_iter()
        .zip(served)
    {
        // By cumulated room, so that the parts sum up to the total.
        let (mut before, mut given) = (0, 0);
        for (figure, room) in figures.iter_mut().zip(&room) {
            before += room;
            let upto = portion(total, before, all_room);
            *figure += upto - given;
            given = upto;
        }
    }
    work - served[1] - served[2]
}

/// One operator identity during a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// The person or company behind it; several identities may have one owner.
    pub owner: u32,
    /// Index into the scenario's classes.
    pub class: usize,
    /// Index into the world's countries.
    pub country: usize,
    /// Cards it runs; at least 1.
    pub cards: u32,
    /// Whether a registrar vouches for it as one real-world operator.
    pub vetted: bool,
    /// Whether large clients' jobs reach it when dispatch is by channels.
    pub channel: bool,
    /// Stake behind it, its own and what others delegated, in base units.
    pub stake: u128,
    /// Its own part of the stake: pledge, bond or collateral, in base units.
    pub bond: u128,
    /// What it pays for electricity, in EUR per kWh.
    pub electricity: f64,
    /// Work it can do in an epoch at full load, in work units.
    pub capacity: f64,
}

/// Work of every operator in one epoch, by operator. All vectors have one entry an operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Jobs served.
    pub jobs: Vec<u64>,
    /// Work up to the threshold of each client, in work units.
    pub fragment: Vec<u64>,
    /// Work above it, in work units.
    pub bulk: Vec<u64>,
}

impl Load {
    /// No work for `operators` operators.
    #[must_use]
    pub fn idle(operators: usize) -> Self {
        Self {
            jobs: vec![0; operators],
            fragment: vec![0; operators],
            bulk: vec![0; operators],
        }
    }

    /// How many operators it is for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether it is for nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// All work of operator `index`, in work units.
    #[must_use]
    pub fn units(&self, index: usize) -> u64 {
        self.fragment[index] + self.bulk[index]
    }

    /// All work, in work units.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.fragment.iter().sum::<u64>() + self.bulk.iter().sum::<u64>()
    }
}
