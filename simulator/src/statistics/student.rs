//! Quantiles of Student's t distribution.
//!
//! With mathematics from `libm` only, so that an interval has the same bits on every
//! machine; the tests compare it with the crate `statrs`.

/// The `t` that a Student variable with `freedom` degrees of freedom exceeds in either
/// direction with probability `error` (between 0 and 1), to within rounding.
///
/// Found by bisection of [`outside`], down to neighbouring floating-point numbers.
pub fn two_sided(error: f64, freedom: f64) -> f64 {
    let mut high = 1.0;
    while outside(high, freedom) > error {
        high *= 2.0;
    }
    let mut low = 0.0;
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if outside(middle, freedom) > error {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// Probability that a Student variable is further from zero than `t`: the regularized
/// incomplete beta function at `v / (v + t^2)` with parameters `v/2` and `1/2`
/// (Abramowitz and Stegun, 26.7.1 with 26.5.2).
fn outside(t: f64, freedom: f64) -> f64 {
    let square = t * t;
    incomplete_beta(
        0.5 * freedom,
        0.5,
        freedom / (freedom + square),
        square / (freedom + square),
    )
}

/// Regularized incomplete beta function at `x`, with `y = 1 - x` given beside it, by
/// the continued fraction on the side where that converges fast.
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 || y <= 0.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = libm::exp(
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
            + a * libm::log(x)
            + b * libm::log(y),
    );
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(a, b, x) / a
    } else {
        1.0 - front * continued_fraction(b, a, y) / b
    }
}

/// Abramowitz and Stegun, 26.5.8, evaluated forwards (W. J. Lentz, Applied Optics 15,
/// 1976).
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let not_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut above = 1.0;
    let mut below = 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = below;
    // It converges within some sqrt(max(a, b)) steps: enough for 10^6 runs.
    for step in 1..5_000u32 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            below = 1.0 / not_zero(1.0 + term * below);
            above = not_zero(1.0 + term / above);
            change = above * below;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, StudentsT};

    #[test]
    fn one_and_two_degrees_of_freedom_have_closed_forms() {
        for error in [0.5, 0.1, 0.05, 0.01, 0.05 / 13.0, 1e-6] {
            let half: f64 = core::f64::consts::FRAC_PI_2;
            let one = 1.0 / (half * error).tan();
            assert!((two_sided(error, 1.0) / one - 1.0).abs() < 1e-9, "{error}");
            let inside: f64 = 1.0 - error;
            let two = inside * (2.0 / (1.0 - inside * inside)).sqrt();
            assert!((two_sided(error, 2.0) / two - 1.0).abs() < 1e-9, "{error}");
        }
    }

    #[test]
    fn the_tables_are_met() {
        for (freedom, t) in [
            (4.0, 2.776_445),
            (9.0, 2.262_157),
            (29.0, 2.045_230),
            (99.0, 1.984_217),
        ] {
            assert!((two_sided(0.05, freedom) - t).abs() < 1e-6, "{freedom}");
        }
        // Normal in the limit.
        assert!((two_sided(0.05, 1e6) - 1.959_964).abs() < 1e-5);
    }

    #[test]
    fn statrs_agrees() {
        for freedom in [1.0, 3.0, 7.0, 19.0, 63.0, 199.0, 999.0, 9_999.0] {
            for error in [0.2, 0.1, 0.05, 0.01, 0.05 / 13.0] {
                let there = StudentsT::new(0.0, 1.0, freedom).unwrap();
                let back = 2.0 * (1.0 - there.cdf(two_sided(error, freedom)));
                assert!(
                    (back / error - 1.0).abs() < 1e-8,
                    "{freedom} {error}: {back}"
                );
            }
        }
    }

    #[test]
    fn near_zero_and_far_from_it_statrs_agrees_on_the_probability_too() {
        for freedom in [1.0, 99.0, 9_999.0, 1e6] {
            for t in [0.001, 0.1, 0.5, 1.0, 3.0] {
                let there = StudentsT::new(0.0, 1.0, freedom).unwrap();
                let probability = 2.0 * there.cdf(-t);
                let here = outside(t, freedom);
                assert!(
                    (here / probability - 1.0).abs() < 1e-8,
                    "{freedom} {t}: {here}"
                );
            }
            assert_eq!(outside(0.0, freedom), 1.0);
        }
    }
}
