//! Portions of one whole, without a division each.

use super::Pay;
use plimsoll_mechanism::math::mul_div_down;

/// `whole * part / total`, rounded down, for many parts of one whole.
///
/// The same integers as [`mul_div_down`] (tested), which divides up to 256 bits each time.
/// Here the only divisions are taken once, when the whole and the total are known; a portion
/// is then estimated by a product, and its remainder says by how much the estimate is short.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portion {
    whole: u128,
    total: u128,
    way: Way,
}

/// How to get at a portion.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// For `0 < total < 2^64`. With `whole = quotient * total + remainder` and
    /// `reciprocal = remainder * 2^64 / total`, rounded down:
    ///
    /// ```text
    /// whole * part / total     = quotient * part + remainder * part / total
    /// remainder * part / total = reciprocal * part / 2^64, or one more
    /// ```
    Narrow {
        quotient: u128,
        remainder: u64,
        reciprocal: u64,
    },
    /// For `2^64 <= total < 2^126` and `whole < 2^63`. With `2^63 <= total / 2^shift < 2^64`
    /// and `reciprocal = whole * 2^(64 + shift) / total`, rounded down, so below 2^64:
    ///
    /// ```text
    /// whole * part / total = reciprocal * (part / 2^shift) / 2^64, or up to two more
    /// ```
    Wide { shift: u32, reciprocal: u64 },
    /// By division.
    Divide,
}

impl Portion {
    /// Portions of `whole`, each by its part of `total`.
    pub fn new(whole: u128, total: u128) -> Self {
        Self {
            whole,
            total,
            way: Way::to(whole, total).unwrap_or(Way::Divide),
        }
    }

    /// The portion of `part`; the whole if `part` is at least the total, nothing if the
    /// total is 0.
    #[inline]
    pub fn of(&self, part: u128) -> u128 {
        if part >= self.total {
            return if self.total == 0 { 0 } else { self.whole };
        }
        match self.way {
            Way::Narrow {
                quotient,
                remainder,
                reciprocal,
            } => {
                // part < total < 2^64: products of two words cannot overflow, and
                // quotient * part is at most the whole.
                let (part, total) = (part as u64, self.total as u64);
                let estimate = (product(reciprocal, part) >> 64) as u64;
                let rest = product(remainder, part).wrapping_sub(product(estimate, total));
                let short = u64::from(rest >= u128::from(total));
                quotient
                    .wrapping_mul(u128::from(part))
                    .wrapping_add(u128::from(estimate + short))
            }
            Way::Wide { shift, reciprocal } => {
                // Short by less than three: each of the two roundings and the final one
                // loses less than one. The remainder is below 3 * total < 2^128, so it is
                // right even where the two products do not fit.
                // part / 2^shift is below 2^64, as total / 2^shift is.
                let estimate = product(reciprocal, (part >> shift) as u64) >> 64;
                let rest = part
                    .wrapping_mul(self.whole)
                    .wrapping_sub(estimate.wrapping_mul(self.total));
                let (one, two) = (rest >= self.total, rest >= self.total << 1);
                estimate + u128::from(u8::from(one) + u8::from(two))
            }
            Way::Divide => mul_div_down(self.whole, part, self.total).unwrap_or(self.whole),
        }
    }
}

/// The product of two words.
fn product(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

impl Way {
    /// The fast way, if the figures allow one.
    fn to(whole: u128, total: u128) -> Option<Self> {
        let bits = u128::BITS - total.leading_zeros();
        if (1..=64).contains(&bits) {
            let remainder = whole % total;
            let reciprocal = (remainder << 64) / total;
            return Some(Self::Narrow {
                quotient: whole / total,
                remainder: u64::try_from(remainder).ok()?,
                reciprocal: u64::try_from(reciprocal).ok()?,
            });
        }
        if (65..=126).contains(&bits) && whole >> 63 == 0 {
            let shift = bits - 64;
            let reciprocal = mul_div_down(whole << 63, 1 << (shift + 1), total)?;
            return Some(Self::Wide {
                shift,
                reciprocal: u64::try_from(reciprocal).ok()?,
            });
        }
        None
    }
}

/// Pays every operator its portion of `pot`, by `part(index)` of `total`, which the parts
/// must not exceed together. Returns what rounding leaves, or all of it if `total` is 0.
pub(super) fn divide(
    pot: u128,
    total: u128,
    out: &mut [Pay],
    part: impl Fn(usize) -> u128,
) -> u128 {
    let portion = Portion::new(pot, total);
    let mut left = pot;
    for (index, pay) in out.iter_mut().enumerate() {
        let amount = portion.of(part(index));
        *pay = Pay::sure(amount);
        left -= amount;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every order of magnitude alike.
    fn magnitude(bits: u32) -> impl Strategy<Value = u128> {
        (any::<u128>(), 0..=bits).prop_map(|(value, bits)| match bits {
            0 => 0,
            bits => value >> (128 - bits),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_portion_is_the_quotient_of_the_mechanism(
            whole in prop_oneof![magnitude(128), magnitude(63)],
            a in magnitude(128),
            b in magnitude(128),
            near in 0_u128..3,
        ) {
            let (part, total) = (a.min(b), a.max(b));
            let portion = Portion::new(whole, total);
            for part in [part, total.saturating_sub(near), near.min(total)] {
                let expected = mul_div_down(whole, part, total).unwrap_or(0);
                prop_assert_eq!(portion.of(part), expected);
            }
        }
    }

    #[test]
    fn the_estimate_is_put_right_where_it_is_short() {
        // 2 * 3 / 6 = 1, but a third of 2^64, rounded down, times 3 is short of 2^64.
        assert_eq!(Portion::new(2, 6).of(3), 1);
        // The same with a total above 2^64.
        let unit = 1 << 70;
        assert_eq!(Portion::new(2, 6 * unit).of(3 * unit), 1);
        assert_eq!(Portion::new(2, 6 * unit).of(3 * unit - 1), 0);
        // Short by two: both roundings lose nearly one.
        let (whole, total, part) = ((1 << 63) - 1, (1 << 68) + 210, (1 << 68) + 157);
        assert_eq!(
            Some(Portion::new(whole, total).of(part)),
            mul_div_down(whole, part, total)
        );
        assert_eq!(Portion::new(10, 0).of(0), 0, "no total");
        assert_eq!(Portion::new(10, 4).of(9), 10, "never more than the whole");
    }

    #[test]
    fn every_way_is_taken() {
        let way = |whole, total| Portion::new(whole, total).way;
        assert!(matches!(way(1 << 100, 1 << 63), Way::Narrow { .. }));
        assert!(matches!(way(1 << 62, 1 << 64), Way::Wide { .. }));
        assert!(matches!(way(1 << 62, 1 << 125), Way::Wide { .. }));
        assert!(matches!(way(1 << 62, 1 << 126), Way::Divide));
        assert!(matches!(way(1 << 63, 1 << 64), Way::Divide));
    }

    #[test]
    fn what_rounding_leaves_is_returned() {
        // 10 over 1 : 1 : 1 is 3 each, and one is left.
        let mut out = [Pay::default(); 3];
        assert_eq!(divide(10, 3, &mut out, |_| 1), 1);
        assert_eq!(out, [Pay::sure(3); 3]);
        assert_eq!(divide(10, 0, &mut out, |_| 0), 10);
    }
}
