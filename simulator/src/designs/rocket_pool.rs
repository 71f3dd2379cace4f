//! Rocket Pool's smoothing pool.

use super::portion::divide;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;
use plimsoll_mechanism::math::mul_div_down;

/// Budgets are pooled for an interval and divided by what each card was there for.
///
/// ```text
/// score of a card and epoch = (1 - fee) * bond / stake + fee       if it did work, else 0
/// r_i = pool * score_i / all scores                                at the interval's end
/// ```
///
/// Scores are in units of 10^-18, their quotients and the rewards are rounded down; rounding
/// dust returns. Until its end the interval holds its budgets, and an interval without any
/// score leaves them to the next: nothing is lost.
///
/// Source: rocket-pool/rocketpool-research@2f65e3d `Merkle Rewards System/
/// rewards-calculation-spec.md` (`minipoolScore`; "missing a rewards interval does not cause a
/// loss of rewards"), in which every good attestation of a validator scores. Intervals of 28
/// days.
///
/// A validator is a card. How much work it did does not count, only that it did some: of an
/// operator with `j` jobs, at most `j` cards. Bond over 32 ETH is bond over stake, its own part
/// of what stands behind the operator. In Rocket Pool the rest of a score goes to those who
/// lent the 32 ETH; nobody lent a card, so the scores divide all of the pool.
///
/// **Splitting**: of an operator into several with the same share of bond gains nothing; cutting
/// jobs so that every card has one does.
#[derive(Clone, Copy, Debug)]
pub struct RocketPool {
    /// Epochs in an interval; at least 1.
    pub interval: u32,
    /// Commission on what others lent, in ppm; at most 1e6.
    pub fee: u32,
}

/// One whole of a score.
const WHOLE: u128 = 1_000_000_000_000_000_000;

impl RocketPool {
    /// What a card scores for an epoch, in units of 10^-18, when `bond` of `stake` is the
    /// operator's own.
    fn score(&self, bond: u128, stake: u128) -> u128 {
        let fee = (u128::from(self.fee) * 1_000_000_000_000).min(WHOLE);
        // At most the first factor, because the bond is a part of the stake.
        fee + mul_div_down(WHOLE - fee, bond.min(stake), stake).unwrap_or(0)
    }
}

impl Design for RocketPool {
    fn facts(&self) -> Facts {
        Facts {
            id: "rocket-pool",
            title: "Rocket Pool's smoothing pool",
            formula: "r = pool of 28 epochs by cards that worked * (fee + (1 - fee) * bond/stake)",
            source: "rocketpool-research@2f65e3d, rewards-calculation-spec.md",
        }
    }

    fn start(&self, operators: usize) -> Box<dyn Payer> {
        Box::new(State {
            design: *self,
            pool: 0,
            scores: vec![0; operators],
        })
    }
}

struct State {
    design: RocketPool,
    /// Budgets of the interval so far, in base units.
    pool: u128,
    /// Scores of the interval so far, by operator, in units of 10^-18.
    scores: Vec<u128>,
}

impl Payer for State {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        self.pool += epoch.budget;
        for (index, (score, operator)) in self.scores.iter_mut().zip(epoch.operators).enumerate() {
            if epoch.load.units(index) > 0 {
                let jobs = epoch.load.jobs[index].max(1);
                let cards = jobs.min(u64::from(operator.cards));
                *score += u128::from(cards) * self.design.score(operator.bond, operator.stake);
            }
        }
        out.fill(Pay::default());
        let interval = self.design.interval.max(1);
        if !(epoch.number + 1).is_multiple_of(interval) {
            return 0;
        }
        let total: u128 = self.scores.iter().sum();
        if total == 0 {
            return 0;
        }
        let scores = &self.scores;
        let returned = divide(self.pool, total, out, |index| scores[index]);
        self.pool = 0;
        self.scores.fill(0);
        returned
    }

    fn held(&self) -> u128 {
        self.pool
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    const DESIGN: RocketPool = RocketPool {
        interval: 2,
        fee: 100_000,
    };

    #[test]
    fn an_interval_is_paid_at_its_end_by_cards_that_worked() {
        // Bond 1/4: 0.1 + 0.9 / 4 = 0.325 a card. All of it: 1. None: 0.1.
        let mut case = Case::new(1_000, &[9, 1, 5]);
        case.stakes(&[400, 70, 50]);
        case.bonds(&[100, 70, 0]);
        case.operators[0].cards = 4;
        case.load.jobs = vec![4, 1, 7];
        let mut payer = DESIGN.start(3);
        assert_eq!(case.pay_by(&mut *payer), (vec![0; 3], 0));
        assert_eq!(payer.held(), 1_000);
        // Second epoch: the first has one job for its four cards, the second is idle. Scores:
        // (4 + 1) * 0.325 = 1.625, 1, 0.2; all 2.825. Of 2,000: 1,150.44, 707.96, 141.59.
        case.number = 1;
        case.load.jobs = vec![1, 0, 7];
        case.load.bulk = vec![9, 0, 5];
        assert_eq!(case.pay_by(&mut *payer), (vec![1_150, 707, 141], 2));
        assert_eq!(payer.held(), 0);
        // The next interval begins with no scores: only the third works in it.
        case.load.jobs = vec![0, 0, 1];
        case.load.bulk = vec![0, 0, 1];
        for (number, paid) in [(2, 0), (3, 2_000)] {
            case.number = number;
            assert_eq!(case.pay_by(&mut *payer), (vec![0, 0, paid], 0));
        }
    }

    #[test]
    fn a_missed_interval_loses_nothing() {
        let mut case = Case::new(500, &[0]);
        let mut payer = DESIGN.start(1);
        for number in 0..3 {
            case.number = number;
            assert_eq!(case.pay_by(&mut *payer), (vec![0], 0));
        }
        case.number = 3;
        case.load.bulk = vec![1];
        assert_eq!(case.pay_by(&mut *payer), (vec![2_000], 0));
    }
}
