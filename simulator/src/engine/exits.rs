//! The exit spiral: whoever's income does not cover electricity switches off, its work
//! goes to those who stay, and the question is asked again.

use super::run::{own_way, Stage};
use super::till::{Due, Till};
use crate::designs::Design;
use crate::world::{Load, Operator};

/// Days between two looks at the books: some designs pay every four weeks.
const REVIEW_DAYS: f64 = 28.0;

/// Who left in a run, by class.
#[derive(Clone, Debug, PartialEq)]
pub struct Exits {
    /// Operators of each class.
    pub members: Vec<u64>,
    /// Of them, who left.
    pub gone: Vec<u64>,
    /// Sum of the epochs in which they did.
    pub epochs: Vec<u64>,
    /// Share of all operators still there at the end of each epoch.
    pub staying: Vec<f64>,
}

impl Exits {
    /// Nobody, of nobody.
    #[must_use]
    pub fn none(classes: usize) -> Self {
        Self {
            members: vec![0; classes],
            gone: vec![0; classes],
            epochs: vec![0; classes],
            staying: Vec::new(),
        }
    }

    /// Share of all operators that left; NaN if there were none.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.gone.iter().sum::<u64>() as f64 / self.members.iter().sum::<u64>() as f64
    }

    /// Adds another run's.
    pub fn merge(&mut self, other: &Self) {
        let add = |sums: &mut Vec<u64>, more: &[u64]| {
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        };
        add(&mut self.members, &other.members);
        add(&mut self.gone, &other.gone);
        add(&mut self.epochs, &other.epochs);
        if self.staying.is_empty() {
            self.staying = vec![0.0; other.staying.len()];
        }
        for (sum, more) in self.staying.iter_mut().zip(&other.staying) {
            *sum += more;
        }
    }
}

/// A design that pays operators who may leave.
///
/// Every four weeks each operator that is there compares what it received since
/// the last look (rewards as they unlock, and fees) with what electricity cost it. Below,
/// it switches off for good: no work, no cost, but what it has earned goes on unlocking.
pub struct Leaving<'a> {
    till: Till<'a>,
    /// Place of the design's way to vest in [`crate::vesting::Vesting::ALL`].
    way: usize,
    review: u32,
    active: Vec<bool>,
    left_at: Vec<Option<u32>>,
    /// Since the last look: what is liquid, and fees, in EUR; what electricity cost.
    cash: Vec<f64>,
    cost: Vec<f64>,
    /// What each earned in each period between two looks and is not liquid, in base units.
    locked: Vec<Vec<f64>>,
    staying: Vec<f64>,
}

impl<'a> Leaving<'a> {
    /// A design at the start of run `run`.
    pub fn new(
        stage: &Stage<'_>,
        design: &'a dyn Design,
        operators: &[Operator],
        run: u64,
    ) -> Self {
        let settings = stage.scenario.settings();
        let count = operators.len();
        let review = (REVIEW_DAYS / settings.run.epoch_days()).round().max(1.0);
        Self {
            till: Till::new(stage, design, count, run),
            way: own_way(design.facts().id),
            review: review as u32,
            active: vec![true; count],
            left_at: vec![None; count],
            cash: vec![0.0; count],
            cost: vec![0.0; count],
            locked: vec![vec![0.0; count]],
            staying: Vec::with_capacity(settings.run.epochs as usize),
        }
    }

    /// Whether nobody has left so far.
    pub fn everybody_stays(&self) -> bool {
        self.left_at.iter().all(Option::is_none)
    }

    /// Who is there.
    pub fn active(&self) -> &[bool] {
        &self.active
    }

    /// Pays an epoch, and looks at the books if it is time.
    pub fn epoch(&mut self, stage: &Stage<'_>, operators: &[Operator], number: u32, load: &Load) {
        let settings = stage.scenario.settings();
        let due = Due {
            number,
            operators,
            active: &self.active,
            load,
        };
        let (epoch, _) = self.till.pay(stage, due);
        let budget = epoch.budget;

        let price = stage.world.eur_per_base_unit(number);
        let period = self.locked.len() - 1;
        for (index, operator) in operators.iter().enumerate() {
            let amount = self.till.pay[index].amount;
            let liquid =
                stage
                    .unlocking
                    .liquid(self.way, &settings.params, amount, budget, operator.vetted);
            self.locked[period][index] += (amount - liquid) as f64;
            self.cash[index] += liquid as f64 * price;
            if self.active[index] {
                let units = load.units(index);
                self.cash[index] += stage.fees(units);
                self.cost[index] += stage.world.running_cost(operator, units);
            }
        }
        if (number + 1).is_multiple_of(self.review) {
            self.look(stage, number);
        }
        let there = self.active.iter().filter(|active| **active).count();
        self.staying.push(there as f64 / operators.len() as f64);
    }

    /// Whoever received less than electricity cost since the last look leaves.
    fn look(&mut self, stage: &Stage<'_>, number: u32) {
        let price = stage.world.eur_per_base_unit(number);
        let now = number + 1;
        let before = now - self.review;
        // The part of what was locked in each period that unlocked since the last look,
        // as if all of a period had been earned in its middle.
        let parts: Vec<f64> = (0..self.locked.len() as u32)
            .map(|period| {
                let earned = period * self.review + self.review / 2;
                let share = |at: u32| {
                    if at <= earned {
                        0.0
                    } else {
                        stage.unlocking.share(self.way, earned, at)
                    }
                };
                share(now) - share(before)
            })
            .collect();
        for index in 0..self.active.len() {
            let unlocked: f64 = self
                .locked
                .iter()
                .zip(&parts)
                .map(|(locked, part)| locked[index] * part)
                .sum();
            let cash = self.cash[index] + unlocked * price;
            if self.active[index] && cash < self.cost[index] {
                self.active[index] = false;
                self.left_at[index] = Some(number);
            }
        }
        self.cash.fill(0.0);
        self.cost.fill(0.0);
        self.locked.push(vec![0.0; self.active.len()]);
    }

    /// Who left.
    pub fn end(self, stage: &Stage<'_>, operators: &[Operator]) -> Exits {
        let mut exits = Exits::none(stage.classes());
        for (operator, left) in operators.iter().zip(&self.left_at) {
            exits.members[operator.class] += 1;
            if let Some(epoch) = left {
                exits.gone[operator.class] += 1;
                exits.epochs[operator.class] += u64::from(*epoch);
            }
        }
        exits.staying = self.staying;
        exits
    }
}
