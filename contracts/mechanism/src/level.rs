//! The water level: what capped operators cannot take flows to the small.

use crate::math::{mul_div_down, wide, PPM};
use crate::pools::FRACTION_BITS;
use primitive_types::U256;

/// The level `N / D`: what is left for those not raised, over their weight.
///
/// Starting at all of the budget over all of the weight, every raise takes one
/// participant out at its cap. The level never falls, and every sequence of
/// raises after which nobody is eligible ends at the same level: the weighted
/// max-min fair division with individual ceilings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Level {
    /// `N`, in base units.
    pub numerator: u128,
    /// `D`, in units of 2^-32.
    pub denominator: u128,
}

impl Level {
    /// Whether a participant of weight `weight` (units of 2^-32) and cap `cap`
    /// (base units) may be raised:
    ///
    /// ```text
    /// w > 0,  c > 0,  w * N >= c * D  and  w * uplift >= c * 1e6 * 2^32
    /// ```
    ///
    /// The level would give it at least its cap, and so would the uplift.
    #[must_use]
    pub fn eligible(&self, weight: u128, cap: u128, uplift: u32) -> bool {
        weight > 0
            && cap > 0
            && wide(weight, self.numerator) >= wide(cap, self.denominator)
            && wide(weight, u128::from(uplift)) >= wide(cap, u128::from(PPM) << FRACTION_BITS)
    }

    /// Takes an eligible participant out at its cap; `false`, and no change, if
    /// it is not eligible.
    pub fn raise(&mut self, weight: u128, cap: u128, uplift: u32) -> bool {
        if !self.eligible(weight, cap, uplift) {
            return false;
        }
        let (Some(numerator), Some(denominator)) = (
            self.numerator.checked_sub(cap),
            self.denominator.checked_sub(weight),
        ) else {
            // Weights sum to at most D and w * N >= c * D, so neither can be negative
            // for a participant that was not raised before.
            return false;
        };
        self.numerator = numerator;
        self.denominator = denominator;
        true
    }

    /// `N'`, what is paid to those not raised, in base units, rounded down:
    ///
    /// ```text
    /// N' = min( N , D * uplift / (1e6 * 2^32) )
    /// ```
    ///
    /// The uplift bounds how far the level carries anybody above the plain
    /// entitlement; `N - N'` returns to the reserve.
    #[must_use]
    pub fn used(&self, uplift: u32) -> u128 {
        let bound = wide(self.denominator, u128::from(uplift)) / (U256::from(PPM) << FRACTION_BITS);
        crate::math::narrow(bound).map_or(self.numerator, |bound| self.numerator.min(bound))
    }

    /// What the pot sets aside for a participant of weight `weight` that was not
    /// raised, in base units, rounded down: `w * N' / D`; 0 if `D` is 0.
    #[must_use]
    pub fn set_aside(&self, weight: u128, uplift: u32) -> u128 {
        mul_div_down(weight, self.used(uplift), self.denominator).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: u128 = 1 << FRACTION_BITS;

    #[test]
    fn the_excess_of_a_capped_participant_flows_to_the_others() {
        // Weights 80 and 20, budget 100, cap 50: one is raised, the other gets the rest.
        let mut level = Level {
            numerator: 100,
            denominator: 100 * ONE,
        };
        assert!(!level.eligible(20 * ONE, 50, 4 * PPM));
        assert!(level.raise(80 * ONE, 50, 4 * PPM));
        assert_eq!(level.set_aside(20 * ONE, 4 * PPM), 50);
        // Now the small one would get its cap too.
        assert!(level.raise(20 * ONE, 50, 4 * PPM));
        assert_eq!(level, Level::default());
        assert_eq!(level.set_aside(0, 4 * PPM), 0);
    }

    #[test]
    fn the_uplift_bounds_what_the_level_can_do() {
        let level = Level {
            numerator: 100,
            denominator: ONE,
        };
        assert_eq!(level.used(4 * PPM), 4);
        assert_eq!(level.set_aside(ONE, 4 * PPM), 4);
        assert!(!level.eligible(ONE, 5, 4 * PPM));
        assert!(level.eligible(ONE, 4, 4 * PPM));
    }
}
