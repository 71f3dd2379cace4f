//! What a design paid in a run, summed up for each operator and for each epoch.

use super::run::Stage;
use crate::designs::{Epoch, Pay};
use crate::metrics::variance::PayVariance;
use crate::vesting::Vesting;
use crate::world::Operator;

/// Sums of a run in progress.
pub struct Tally {
    earned: Vec<u128>,
    income: Vec<f64>,
    /// Place of the design's own way to vest in [`Vesting::ALL`].
    own: usize,
    cash: Vec<f64>,
    periods: Periods,
    periods_paid: Vec<u32>,
    variance: PayVariance,
    budget: u128,
    returned: u128,
    each_epoch: Vec<f64>,
    /// By way to vest: what each operator will have unlocked when the run ends, in tokens.
    received: Vec<Vec<f64>>,
    /// By way to vest: what of each epoch's rewards is liquid at once, in tokens.
    liquid: Vec<Vec<f64>>,
    /// Pay since the last whole period, and what of it could be expected, in tokens.
    amounts: Vec<f64>,
    expected: Vec<f64>,
    /// Whether each has worked since, and whether lots were drawn.
    worked: Vec<bool>,
    lots: bool,
}

/// Days of the periods in which pay is looked at: some designs pay every four weeks.
const PERIOD_DAYS: f64 = 28.0;

/// The periods of a run in which pay is looked at. What is left of the run after the
/// last whole one is not; a run that has no whole one is one.
#[derive(Clone, Copy, Debug)]
pub struct Periods {
    epochs: u32,
}

impl Periods {
    /// Those of a run of `epochs` epochs of `epoch_days` days each.
    pub fn new(epochs: u32, epoch_days: f64) -> Self {
        let whole = (PERIOD_DAYS / epoch_days).round().max(1.0) as u32;
        Self {
            epochs: whole.min(epochs.max(1)),
        }
    }

    /// Whether a period ends with epoch `number`.
    pub fn ends_with(&self, number: u32) -> bool {
        (number + 1).is_multiple_of(self.epochs)
    }
}

/// Sums of a whole run, amounts in tokens.
pub struct Sums {
    /// Rewards of each operator.
    pub earned: Vec<f64>,
    /// The same in EUR, at the price of the epoch they were earned in.
    pub income: Vec<f64>,
    /// Of it, what is unlocked at the end by the design's own way to vest.
    pub cash: Vec<f64>,
    /// Periods with work in which each was paid.
    pub periods_paid: Vec<u32>,
    /// How each one's pay varied.
    pub variance: PayVariance,
    /// All budgets.
    pub budget: f64,
    /// All rewards.
    pub paid: f64,
    /// What went back to the reserve.
    pub returned: f64,
    /// Rewards of each epoch.
    pub each_epoch: Vec<f64>,
    /// By way to vest: what each operator has unlocked at the end.
    pub received: Vec<Vec<f64>>,
    /// By way to vest: what unlocks in each epoch.
    pub unlocked: Vec<Vec<f64>>,
}

/// An amount as a float; most fit in 64 bits, from which that is one instruction.
#[inline]
fn units(amount: u128) -> f64 {
    u64::try_from(amount).map_or(amount as f64, |amount| amount as f64)
}

impl Tally {
    /// Nothing paid yet to `operators` operators, in a run of `epochs`.
    pub fn new(operators: usize, epochs: u32, periods: Periods, own: usize) -> Self {
        let ways = Vesting::ALL.len();
        Self {
            earned: vec![0; operators],
            income: vec![0.0; operators],
            own,
            cash: vec![0.0; operators],
            periods,
            periods_paid: vec![0; operators],
            variance: PayVariance::new(operators),
            budget: 0,
            returned: 0,
            each_epoch: Vec::with_capacity(epochs as usize),
            received: vec![vec![0.0; operators]; ways],
            liquid: vec![Vec::with_capacity(epochs as usize); ways],
            amounts: vec![0.0; operators],
            expected: vec![0.0; operators],
            worked: vec![false; operators],
            lots: false,
        }
    }

    /// Adds what `pay` paid for `epoch`, of whose budget `returned` went back.
    pub fn add(&mut self, stage: &Stage<'_>, epoch: &Epoch<'_>, pay: &[Pay], returned: u128) {
        let settings = stage.scenario.settings();
        let token = stage.token();
        let price = stage.world.eur_per_base_unit(epoch.number);
        let mut sum = 0_u128;
        for (index, pay) in pay.iter().enumerate() {
            sum += pay.amount;
            self.earned[index] += pay.amount;
            self.income[index] += units(pay.amount) * price;
            self.worked[index] |= epoch.load.units(index) > 0;
            self.amounts[index] += units(pay.amount) * token;
            self.expected[index] += units(pay.expected) * token;
            self.lots |= pay.amount != pay.expected;
        }
        if self.periods.ends_with(epoch.number) {
            self.end_period();
        }
        self.budget += epoch.budget;
        self.returned += returned;
        self.each_epoch.push(units(sum) * token);

        if !stage.vesting {
            return;
        }
        let unlocking = stage.unlocking;
        let end = stage.epochs();
        for way in 0..Vesting::ALL.len() {
            let later = unlocking.share(way, epoch.number, end);
            let mut liquid_sum = 0_u128;
            for (index, pay) in pay.iter().enumerate() {
                if pay.amount == 0 {
                    continue;
                }
                let liquid = unlocking.liquid(
                    way,
                    &settings.params,
                    pay.amount,
                    epoch.budget,
                    epoch.operators[index].vetted,
                );
                liquid_sum += liquid;
                let rest = pay.amount - liquid;
                let unlocked = units(liquid) + units(rest) * later;
                self.received[way][index] += unlocked * token;
                if way == self.own {
                    self.cash[index] += unlocked * price;
                }
            }
            self.liquid[way].push(units(liquid_sum) * token);
        }
    }

    /// What each operator has earned so far, in base units.
    pub fn earned(&self) -> &[u128] {
        &self.earned
    }

    fn end_period(&mut self) {
        for (index, paid) in self.periods_paid.iter_mut().enumerate() {
            *paid += u32::from(self.worked[index] && self.amounts[index] > 0.0);
        }
        let expected = self.lots.then_some(self.expected.as_slice());
        self.variance.add(&self.amounts, expected);
        self.amounts.fill(0.0);
        self.expected.fill(0.0);
        self.worked.fill(false);
        self.lots = false;
    }

    /// The sums of the run, now that it has ended.
    pub fn finish(self, stage: &Stage<'_>, operators: &[Operator]) -> Sums {
        debug_assert_eq!(self.earned.len(), operators.len());
        let token = stage.token();
        let unlocked = self
            .liquid
            .iter()
            .enumerate()
            .map(|(way, liquid)| {
                let mut each = liquid.clone();
                for (earned, (all, liquid)) in self.each_epoch.iter().zip(liquid).enumerate() {
                    let rest = all - liquid;
                    if rest <= 0.0 {
                        continue;
                    }
                    let mut before = 0.0;
                    for (at, unlocked) in each.iter_mut().enumerate().skip(earned) {
                        // By the end of epoch `at`.
                        let share = stage.unlocking.share(way, earned as u32, at as u32 + 1);
                        *unlocked += rest * (share - before);
                        before = share;
                    }
                }
                each
            })
            .collect();
        let paid: u128 = self.earned.iter().sum();
        Sums {
            earned: self
                .earned
                .iter()
                .map(|amount| *amount as f64 * token)
                .collect(),
            income: self.income,
            cash: self.cash,
            periods_paid: self.periods_paid,
            variance: self.variance,
            budget: self.budget as f64 * token,
            paid: paid as f64 * token,
            returned: self.returned as f64 * token,
            each_epoch: self.each_epoch,
            received: self.received,
            unlocked,
        }
    }
}
