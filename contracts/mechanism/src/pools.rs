//! Pools: small jobs count together.
//!
//! For each client at each operator in each epoch, the first
//! `fragment_threshold` work units are *fragment* work and the rest is *bulk*, so
//! cutting a job into pieces changes nothing. Both kinds share one budget.

use crate::math::{mul_div_down, PPM};
use crate::params::Params;

/// Entitlements are in units of 2^-32 base units.
pub const FRACTION_BITS: u32 = 32;

/// Work of one operator, or of many, in work units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Work {
    /// The first `fragment_threshold` units of each client.
    pub fragment: u128,
    /// Everything above.
    pub bulk: u128,
}

impl Work {
    /// All work of one client at one operator in one epoch, split at `threshold`.
    #[must_use]
    pub fn of_client(units: u128, threshold: u128) -> Self {
        let fragment = units.min(threshold);
        Self {
            fragment,
            bulk: units - fragment,
        }
    }

    /// Fragment and bulk work together; saturates.
    #[must_use]
    pub fn total(&self) -> u128 {
        self.fragment.saturating_add(self.bulk)
    }

    /// The sum, `None` if a figure does not fit in 128 bits.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        Some(Self {
            fragment: self.fragment.checked_add(other.fragment)?,
            bulk: self.bulk.checked_add(other.bulk)?,
        })
    }

    /// The difference, `None` if a figure would be negative.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        Some(Self {
            fragment: self.fragment.checked_sub(other.fragment)?,
            bulk: self.bulk.checked_sub(other.bulk)?,
        })
    }
}

/// The budget of an epoch divided between the two pools, in units of 2^-32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pools {
    /// `E_F`, what fragment work is entitled to.
    pub fragment: u128,
    /// `E_B`, what bulk work is entitled to.
    pub bulk: u128,
    /// All work of the epoch.
    pub work: Work,
}

impl Pools {
    /// Divides `budget` (base units, below 2^96):
    ///
    /// ```text
    /// X   = budget * 2^32
    /// E_F = 0 if F = 0;  X if B = 0;
    ///       else max( X*F/(F+B) , min( X*floor/1e6 , X*F*premium/((F+B)*1e6) ) )
    /// E_B = X - E_F
    /// ```
    ///
    /// Each quotient is rounded down. Fragments together are entitled to their
    /// floor, unless a unit of them would then get more than the premium.
    #[must_use]
    pub fn divide(params: &Params, budget: u128, work: Work) -> Self {
        let whole = budget << FRACTION_BITS;
        let fragment = if work.fragment == 0 {
            0
        } else if work.bulk == 0 {
            whole
        } else {
            let plain = portion(whole, work.fragment, work.total());
            let floor = portion(whole, u128::from(params.fragment_floor), u128::from(PPM));
            plain.max(floor.min(premium(params, whole, work)))
        };
        Self {
            fragment,
            bulk: whole - fragment,
            work,
        }
    }

    /// What `work` (one operator's or a tier's) is entitled to, in units of 2^-32:
    ///
    /// ```text
    /// s = E_F * f / F + E_B * b / B       each term rounded down by itself
    /// ```
    #[must_use]
    pub fn entitlement(&self, work: Work) -> u128 {
        let fragment = portion(self.fragment, work.fragment, self.work.fragment);
        let bulk = portion(self.bulk, work.bulk, self.work.bulk);
        // The two pools together are below 2^128, and so is the sum of two parts of them.
        fragment.saturating_add(bulk)
    }
}

/// `X * F * premium / ((F+B) * 1e6)`, rounded down, at most `X`.
fn premium(params: &Params, whole: u128, work: Work) -> u128 {
    use primitive_types::U256;
    // F is below 2^81 in a contract but any u128 in the library: X * F needs 256 bits by
    // itself, so the premium (at most 1e8) is applied to F and F + B in turn.
    let share = U256::from(work.fragment) * U256::from(params.fragment_premium);
    let base = (U256::from(work.fragment) + U256::from(work.bulk)) * U256::from(PPM);
    if share >= base {
        return whole;
    }
    // share < base < 2^149: the product with X (below 2^128) may need 277 bits.
    match U256::from(whole).checked_mul(share) {
        Some(product) => (product / base).low_u128(),
        None => wide_quotient(whole, share, base),
    }
}

/// `whole * share / base` for `share < base`, rounded down, by long division of
/// the 128 bits of `whole`; only taken where the product does not fit in 256 bits.
fn wide_quotient(whole: u128, share: primitive_types::U256, base: primitive_types::U256) -> u128 {
    let mut quotient = 0_u128;
    let mut remainder = primitive_types::U256::zero();
    for bit in (0..128).rev() {
        remainder <<= 1;
        quotient <<= 1;
        if whole >> bit & 1 == 1 {
            remainder += share;
        }
        // remainder < 2 * base + share < 3 * base: at most two subtractions.
        while remainder >= base {
            remainder -= base;
            quotient += 1;
        }
    }
    quotient
}

/// `whole * part / total`, rounded down; 0 if `total` is 0; at most `whole`.
fn portion(whole: u128, part: u128, total: u128) -> u128 {
    if part >= total {
        return if total == 0 { 0 } else { whole };
    }
    mul_div_down(whole, part, total).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::tests::PARAMS;

    const ONE: u128 = 1 << FRACTION_BITS;

    fn divide(fragment: u128, bulk: u128) -> Pools {
        Pools::divide(&PARAMS, 1_000, Work { fragment, bulk })
    }

    #[test]
    fn cutting_a_job_changes_nothing() {
        assert_eq!(
            Work::of_client(10, 4),
            Work {
                fragment: 4,
                bulk: 6
            }
        );
        assert_eq!(
            Work::of_client(3, 4),
            Work {
                fragment: 3,
                bulk: 0
            }
        );
    }

    #[test]
    fn fragments_are_entitled_to_their_floor() {
        // A fifth of the work, entitled to the floor of two fifths.
        assert_eq!(divide(20, 80).fragment, 400 * ONE);
        // Above the floor the plain share counts.
        assert_eq!(divide(60, 40).fragment, 600 * ONE);
    }

    #[test]
    fn a_lone_tiny_job_cannot_take_a_pool() {
        // One part in a thousand, four times the plain rate at most.
        assert_eq!(divide(1, 999).fragment, 4 * ONE);
    }

    #[test]
    fn a_pool_without_work_gets_nothing() {
        assert_eq!(divide(0, 5).fragment, 0);
        assert_eq!(divide(5, 0).bulk, 0);
        assert_eq!(divide(0, 0).fragment, 0);
    }

    #[test]
    fn the_long_division_agrees_with_the_wide_product() {
        use primitive_types::U256;
        for (whole, share, base) in [
            (u128::MAX, 5_u64, 7_u64),
            (1 << 96, 1, 3),
            (12_345, 999, 1_000),
        ] {
            let (share, base) = (U256::from(share), U256::from(base));
            let expected = (U256::from(whole) * share / base).low_u128();
            assert_eq!(wide_quotient(whole, share, base), expected);
        }
    }
}
