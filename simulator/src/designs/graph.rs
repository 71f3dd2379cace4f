//! The Graph: exponential rebates.

use super::portion::Portion;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;
use plimsoll_mechanism::math::mul_div_down;

/// Fees are paid out as far as the stake behind them is large enough.
///
/// ```text
/// fees_i = E * w_i / W
/// r_i    = fees_i * (1 - e^(-lambda * stake_i / (epochs * fees_i)))         alpha = 1
/// ```
///
/// `fees_i` and `r_i` are rounded down, the factor is taken to 2^-53 and rounded down; from an
/// exponent of 16 on all fees are paid. What is not paid returns.
///
/// Source: graphprotocol/contracts@687d928 `packages/contracts/contracts/staking/libs/
/// Exponential.sol`, lambda 0.6 and alpha 1 in `packages/contracts/config/
/// graph.arbitrum-one.yml:114-118`.
///
/// Fees are what an epoch's budget gives for the work, pro rata; the stake is the operator's.
/// The Graph sets a stake against the fees of a whole allocation of up to 28 epochs, so here it
/// is set against `epochs` times the fees of one.
///
/// **Splitting**: gains nothing, because the rule is linear in (work, stake); renting stake or
/// merging with somebody who has too much does (checked on 20,000 random splits).
#[derive(Clone, Copy, Debug)]
pub struct Graph {
    /// `lambda`.
    pub lambda: f64,
    /// Epochs of fees that a stake is set against; above 0.
    pub epochs: f64,
}

/// From this exponent on all fees are paid.
const MAX_EXPONENT: f64 = 16.0;

/// The factor is a multiple of this fraction, 2^-53.
const WHOLE: u128 = 1 << 53;

impl Graph {
    /// What of `fees` a `stake` (base units) carries.
    fn rebate(&self, fees: u128, stake: u128) -> u128 {
        if fees == 0 {
            return 0;
        }
        let exponent = self.lambda * stake as f64 / (self.epochs * fees as f64);
        if exponent >= MAX_EXPONENT {
            return fees;
        }
        // expm1 keeps small exponents exact. Within [0, 1], and nothing for what is no number.
        let factor = (-libm::expm1(-exponent)).clamp(0.0, 1.0);
        let parts = (factor * WHOLE as f64) as u128;
        mul_div_down(fees, parts.min(WHOLE), WHOLE).unwrap_or(0)
    }
}

impl Design for Graph {
    fn facts(&self) -> Facts {
        Facts {
            id: "graph",
            title: "The Graph's exponential rebate",
            formula: "r = fees * (1 - e^(-0.6 * stake / fees)), fees = E * w / W",
            source: "graphprotocol/contracts@687d928, Exponential.sol",
        }
    }

    fn start(&self, _operators: usize) -> Box<dyn Payer> {
        Box::new(*self)
    }
}

impl Payer for Graph {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let plain = Portion::new(epoch.budget, u128::from(epoch.load.total()));
        let mut left = epoch.budget;
        for (index, (pay, operator)) in out.iter_mut().zip(epoch.operators).enumerate() {
            let fees = plain.of(u128::from(epoch.load.units(index)));
            let amount = self.rebate(fees, operator.stake);
            *pay = Pay::sure(amount);
            left -= amount;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    const DAILY: Graph = Graph {
        lambda: 0.6,
        epochs: 1.0,
    };

    #[test]
    fn a_stake_carries_fees_of_its_own_size_for_less_than_half() {
        // Fees 10,000 each. Stake 10,000: 1 - e^-0.6 = 0.451188; twice that: 1 - e^-1.2 =
        // 0.698805; none: nothing; thirty times: the exponent is 18, all fees.
        let mut case = Case::new(40_000, &[1, 1, 1, 1]);
        case.stakes(&[10_000, 20_000, 0, 300_000]);
        let (paid, returned) = case.pay(&DAILY);
        assert_eq!(paid, [4_511, 6_988, 0, 10_000]);
        assert_eq!(returned, 40_000 - 21_499);
    }

    #[test]
    fn stake_is_set_against_the_fees_of_an_allocation() {
        // 28 epochs of fees of 1,000 against a stake of 28,000: as 1,000 against 1,000.
        let design = Graph {
            epochs: 28.0,
            ..DAILY
        };
        assert_eq!(design.rebate(1_000, 28_000), DAILY.rebate(1_000, 1_000));
        assert_eq!(DAILY.rebate(1_000, 1_000), 451);
    }

    #[test]
    fn splitting_work_and_stake_gains_nothing() {
        let whole = DAILY.rebate(9_000, 12_000);
        for (fees, stake) in [(3_000, 4_000), (1_000, 11_000), (8_999, 0), (4_500, 1)] {
            let parts = DAILY.rebate(fees, stake) + DAILY.rebate(9_000 - fees, 12_000 - stake);
            assert!(parts <= whole, "{fees} with {stake}: {parts} > {whole}");
        }
    }
}
