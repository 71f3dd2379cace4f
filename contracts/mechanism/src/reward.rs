//! From an operator's figures to its reward, and the reward's two parts.

use crate::math::{mul_div_down, share_down};
use crate::params::Params;

/// What one operator gets for one epoch, in base units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Reward {
    /// `r_i`.
    pub amount: u128,
    /// The part claimable at once.
    pub liquid: u128,
    /// What the pot had set aside beyond `r_i`; returns to the reserve.
    pub returned: u128,
}

impl Reward {
    /// The part that vests.
    #[must_use]
    pub fn vesting(&self) -> u128 {
        self.amount - self.liquid
    }
}

/// The ceiling that an open operator's bond sets: `bond * leverage / 1e6`, rounded down.
#[must_use]
pub fn bond_ceiling(params: &Params, bond: u128) -> u128 {
    share_down(bond, params.bond_leverage)
}

/// The ceiling that fees set: `fees * fee_multiple / 1e6`, rounded down; none if
/// `fee_multiple` is not set.
#[must_use]
pub fn fee_ceiling(params: &Params, fees: u128) -> u128 {
    params
        .fee_multiple
        .map_or(u128::MAX, |multiple| share_down(fees, multiple))
}

/// The reward of a vetted operator for which the pot set aside `set_aside`, with
/// cap `cap` and fees `fees`, all in base units.
#[must_use]
pub fn vetted(params: &Params, set_aside: u128, cap: u128, fees: u128) -> Reward {
    let amount = set_aside.min(cap).min(fee_ceiling(params, fees));
    let allowance = amount.min(share_down(cap, params.liquid_allowance));
    Reward {
        amount,
        liquid: share_down(amount, params.liquid_share).max(allowance),
        returned: set_aside - amount,
    }
}

/// The reward of an open operator of entitlement `entitlement`, when the open
/// pool of weight `pool_weight` (both in units of 2^-32) gets `pool_reward`.
/// Linear in work and bond, so splitting gains nothing.
#[must_use]
pub fn open(
    params: &Params,
    entitlement: u128,
    pool_weight: u128,
    pool_reward: u128,
    bond: u128,
    fees: u128,
) -> Reward {
    let set_aside = mul_div_down(entitlement, pool_reward, pool_weight).unwrap_or(0);
    let amount = set_aside
        .min(bond_ceiling(params, bond))
        .min(fee_ceiling(params, fees));
    Reward {
        amount,
        liquid: share_down(amount, params.liquid_share),
        returned: set_aside - amount,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::PPM;
    use crate::params::tests::PARAMS;

    #[test]
    fn who_lives_on_small_rewards_gets_all_of_them_at_once() {
        // Cap 200, allowance a tenth of it.
        assert_eq!(vetted(&PARAMS, 15, 200, 0).liquid, 15);
        assert_eq!(vetted(&PARAMS, 60, 200, 0).liquid, 20);
        assert_eq!(vetted(&PARAMS, 200, 200, 0).liquid, 50);
    }

    #[test]
    fn what_is_set_aside_beyond_a_ceiling_returns() {
        let params = Params {
            fee_multiple: Some(PPM / 2),
            ..PARAMS
        };
        assert_eq!(
            vetted(&params, 100, 200, 60),
            Reward {
                amount: 30,
                liquid: 20,
                returned: 70
            }
        );
        // Leverage 1%: a bond of 500 allows 5.
        let reward = open(&PARAMS, 10, 100, 1_000, 500, 0);
        assert_eq!((reward.amount, reward.returned), (5, 95));
    }
}
