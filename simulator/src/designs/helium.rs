//! Helium's HIP-149: a band around what clients pay.

use super::portion::Portion;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;
use plimsoll_mechanism::math::{mul_div_down, share_down, PPM};

/// Pro rata, but no more for a unit than three times what clients pay; the rest goes to stake.
///
/// ```text
/// cap_i    = 3 * R * w_i             R: what clients pay for a unit
/// r_i      = min( E * w_i / W , cap_i )  +  overflow * S_i / S
/// overflow = E - sum of the minima
/// ```
///
/// each quotient rounded down; the overflow returns if nobody has a stake.
///
/// Source: HIP-149 (approved, 2026-06; helium/HIP@6f6d0ba
/// `0149-helium-utility-and-emissions-realignment.md`, decision 1), for the data of mobile
/// hotspots: `D_cap = 3.0 * R_payer * bytes / price`, `staker_overflow = max(0, pool - D_cap)`,
/// and a target of half of `R_payer` below.
///
/// The target is reached by minting again what was burnt within the week ("a target, not a
/// guarantee"). An epoch here has its budget and no mint, so below the band everybody is paid
/// pro rata and the target is missed. Stakers are the operators by their stake, switched on or
/// not, since locked tokens earn without a hotspot. The buckets for operations and for a
/// service provider are left out: all of the budget is the data bucket.
///
/// **Splitting**: gains nothing, in work or in stake. Paying oneself does while the reward of a
/// unit is above its price: under the rule before HIP-10 a hotspot bought data for 145 dollars
/// and earned about 21,000.
#[derive(Clone, Copy, Debug)]
pub struct Helium {
    /// The most that is paid for a unit, as a multiple (ppm) of what clients pay.
    pub cap: u32,
}

impl Design for Helium {
    fn facts(&self) -> Facts {
        Facts {
            id: "helium",
            title: "Helium's HIP-149 band",
            formula: "r = min(E * w / W, 3 * price * w), the excess by stake",
            source: "HIP-149, helium/HIP@6f6d0ba",
        }
    }

    fn start(&self, _operators: usize) -> Box<dyn Payer> {
        Box::new(*self)
    }
}

impl Payer for Helium {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let work = u128::from(epoch.load.total());
        let most = share_down(epoch.market_price, self.cap);
        // All are paid the same rate, so the cap binds for all or for nobody.
        let capped = mul_div_down(most, work, u128::from(PPM)).unwrap_or(u128::MAX);
        let deployers = epoch.budget.min(capped);
        let stakes = epoch.operators.iter().map(|operator| operator.stake).sum();
        let by_work = Portion::new(deployers, work);
        let by_stake = Portion::new(epoch.budget - deployers, stakes);
        let mut left = epoch.budget;
        for (index, (pay, operator)) in out.iter_mut().zip(epoch.operators).enumerate() {
            let units = u128::from(epoch.load.units(index));
            let amount = by_work.of(units) + by_stake.of(operator.stake);
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

    const PUBLISHED: Helium = Helium { cap: 3_000_000 };

    #[test]
    fn what_is_above_the_band_goes_to_stake() {
        // 40 units at 5 each, three times that: 600 of 1,000 are for work, 400 for stake 1 : 3.
        let mut case = Case::new(1_000, &[10, 30, 0]);
        case.market_price = 5_000_000;
        case.stakes(&[1, 0, 3]);
        case.active[2] = false;
        assert_eq!(case.pay(&PUBLISHED), (vec![150 + 100, 450, 300], 0));
        case.stakes(&[0, 0, 0]);
        assert_eq!(case.pay(&PUBLISHED), (vec![150, 450, 0], 400));
    }

    #[test]
    fn within_the_band_everybody_is_paid_pro_rata() {
        let mut case = Case::new(1_000, &[10, 30]);
        case.market_price = 9_000_000;
        case.stakes(&[1, 0]);
        assert_eq!(case.pay(&PUBLISHED), (vec![250, 750], 0));
    }
}
