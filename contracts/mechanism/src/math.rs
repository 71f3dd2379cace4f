//! Products in 256 bits, with the rounding direction in the name.

use primitive_types::U256;

/// One whole in parts per million.
pub const PPM: u32 = 1_000_000;

/// `a * b / divisor`, rounded down. `None` if `divisor` is 0 or the quotient
/// does not fit in 128 bits.
#[must_use]
pub fn mul_div_down(a: u128, b: u128, divisor: u128) -> Option<u128> {
    if divisor == 0 {
        return None;
    }
    // Most figures fit in 128 bits, where a product costs a fraction of a wide one.
    if let Some(product) = a.checked_mul(b) {
        return Some(product / divisor);
    }
    narrow(wide(a, b) / U256::from(divisor))
}

/// `amount * share / 1e6`, rounded down, for any share in ppm. Saturates at
/// `u128::MAX`, which only a share above one whole can reach.
#[must_use]
pub fn share_down(amount: u128, share_ppm: u32) -> u128 {
    mul_div_down(amount, u128::from(share_ppm), u128::from(PPM)).unwrap_or(u128::MAX)
}

/// The full 256-bit product of two 128-bit numbers.
#[must_use]
pub fn wide(a: u128, b: u128) -> U256 {
    // 128 + 128 bits always fit in 256.
    U256::from(a) * U256::from(b)
}

/// A 256-bit number as 128 bits, `None` if it is too large.
#[must_use]
pub fn narrow(value: U256) -> Option<u128> {
    (value.bits() <= 128).then(|| value.low_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mul_div_rounds_as_its_name_says() {
        assert_eq!(mul_div_down(7, 3, 2), Some(10));
        assert_eq!(
            mul_div_down(u128::MAX, u128::MAX, u128::MAX),
            Some(u128::MAX)
        );
        assert_eq!(
            mul_div_down(u128::MAX, 3, 4),
            Some(u128::MAX / 4 * 3 + 2),
            "a product above 128 bits is taken in 256"
        );
    }

    #[test]
    fn mul_div_refuses_a_zero_divisor_and_an_overflow() {
        assert_eq!(mul_div_down(1, 1, 0), None);
        assert_eq!(mul_div_down(u128::MAX, 2, 1), None);
    }
}
