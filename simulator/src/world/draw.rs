//! Distributions whose draws are the same on every machine: mathematics from `libm`.

use crate::random::Rng;
use rand::Rng as _;

/// A number from 0 (included) to 1 (excluded).
pub fn uniform(rng: &mut Rng) -> f64 {
    rng.random::<f64>()
}

/// Draws from the standard normal distribution by the polar method, which makes two at
/// a time (Marsaglia and Bray, "A convenient method for generating normal variables", SIAM
/// Review 1964).
#[derive(Clone, Debug, Default)]
pub struct Normal {
    spare: Option<f64>,
}

impl Normal {
    /// The next number.
    pub fn draw(&mut self, rng: &mut Rng) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x = 2.0 * uniform(rng) - 1.0;
            let y = 2.0 * uniform(rng) - 1.0;
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                let factor = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }
}

/// A number from the Gamma distribution with mean 1 and `variance`, by squeezing
/// (Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS
/// 2000); 1 if the variance is 0.
pub fn gamma(rng: &mut Rng, normal: &mut Normal, variance: f64) -> f64 {
    if variance <= 0.0 {
        return 1.0;
    }
    let shape = 1.0 / variance;
    // Below shape 1 the method draws with one more and is corrected by a power.
    let (larger, correction) = if shape < 1.0 {
        let u = 1.0 - uniform(rng);
        (shape + 1.0, libm::pow(u, variance))
    } else {
        (shape, 1.0)
    };
    let d = larger - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal.draw(rng);
        let t = 1.0 + c * x;
        if t <= 0.0 {
            continue;
        }
        let v = t * t * t;
        let u = 1.0 - uniform(rng);
        if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v * correction * variance;
        }
    }
}

/// `value` rounded to one of its two whole neighbours at random, so that its mean is kept.
pub fn round(rng: &mut Rng, value: f64) -> u64 {
    let whole = value.floor();
    whole as u64 + u64::from(uniform(rng) < value - whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{generator, Purpose};

    /// Mean and variance of a hundred thousand draws.
    fn moments(mut draw: impl FnMut(&mut Rng) -> f64) -> (f64, f64) {
        let mut rng = generator(3, 0, Purpose::Demand);
        let count = 100_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..count {
            let value = draw(&mut rng);
            sum += value;
            squares += value * value;
        }
        let mean = sum / f64::from(count);
        (mean, squares / f64::from(count) - mean * mean)
    }

    #[test]
    fn normal_draws_have_mean_0_and_variance_1() {
        let mut normal = Normal::default();
        let (mean, variance) = moments(|rng| normal.draw(rng));
        assert!(
            mean.abs() < 0.015 && (variance - 1.0).abs() < 0.02,
            "{mean} {variance}"
        );
    }

    #[test]
    fn gamma_draws_have_mean_1_and_the_variance_asked_for() {
        let mut normal = Normal::default();
        for asked in [0.01, 0.5, 1.0, 4.0] {
            let (mean, variance) = moments(|rng| gamma(rng, &mut normal, asked));
            assert!((mean - 1.0).abs() < 0.03, "mean {mean}");
            assert!((variance / asked - 1.0).abs() < 0.1, "{asked}: {variance}");
        }
        assert_eq!(moments(|rng| gamma(rng, &mut normal, 0.0)), (1.0, 0.0));
    }

    #[test]
    fn rounding_keeps_the_mean() {
        let (mean, _) = moments(|rng| round(rng, 2.25) as f64);
        assert!((mean - 2.25).abs() < 0.01, "{mean}");
        assert_eq!(moments(|rng| round(rng, 7.0) as f64), (7.0, 0.0));
    }
}
