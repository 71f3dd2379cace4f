//! What an epoch may emit.

use crate::math::{mul_div_down, share_down, PPM};
use crate::params::Params;

/// Budgets are below this, so that with [`crate::pools::FRACTION_BITS`]
/// fractional bits they still fit in 128.
pub const BUDGET_LIMIT: u128 = 1 << 96;

/// The budget of an epoch in base units, rounded down:
///
/// ```text
/// E = min( R * rate / 1e6 , work * unit_ceiling / 1e6 )     E < 2^96
/// ```
///
/// `reserve` is what stood in the reserve at the start of the epoch, `work` the
/// epoch's total work, fragment and bulk. No work, no budget. The second term
/// counts only if `unit_ceiling` is set. What is not emitted stays in the reserve.
#[must_use]
pub fn budget(params: &Params, reserve: u128, work: u128) -> u128 {
    if work == 0 {
        return 0;
    }
    let emission = share_down(reserve, params.rate);
    let ceiling = params.unit_ceiling.map_or(u128::MAX, |ceiling| {
        mul_div_down(work, ceiling, u128::from(PPM)).unwrap_or(u128::MAX)
    });
    emission.min(ceiling).min(BUDGET_LIMIT - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::tests::PARAMS;

    #[test]
    fn the_budget_is_a_share_of_the_reserve() {
        assert_eq!(budget(&PARAMS, 1_000_000, 1), 10_000);
        assert_eq!(budget(&PARAMS, 99, 1), 0);
        assert_eq!(budget(&PARAMS, 1_000_000, 0), 0);
    }

    #[test]
    fn a_quiet_epoch_pays_at_most_the_unit_ceiling() {
        let params = Params {
            unit_ceiling: Some(2_000_000),
            ..PARAMS
        };
        assert_eq!(budget(&params, 1_000_000, 7), 14);
        assert_eq!(budget(&params, 1_000_000, 1 << 40), 10_000);
    }

    #[test]
    fn the_budget_stays_below_its_limit() {
        let params = Params {
            rate: PPM,
            ..PARAMS
        };
        assert_eq!(budget(&params, u128::MAX, 1), BUDGET_LIMIT - 1);
    }
}
