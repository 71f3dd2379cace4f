//! Draws from a Pareto distribution, fast.

use crate::random::Rng;
use rand::RngCore;

/// Chords of the inverse distribution function.
const CHORDS: usize = 4_096;

/// A Pareto distribution of work, `P(w > x) = (scale / x)^shape` for `x >= scale`, cut
/// off at [`Pareto::LIMIT`] times the scale.
///
/// The inverse distribution function is drawn as chords between exact points, which
/// cost a multiplication instead of a power; the last chord, where the curve is
/// steepest, is computed exactly. The table fits into the first-level cache.
#[derive(Clone, Debug)]
pub struct Pareto {
    /// The inverse distribution function at `k / CHORDS`.
    points: Vec<f64>,
    scale: f64,
    exponent: f64,
}

impl Pareto {
    /// The largest draw, in scales.
    pub const LIMIT: f64 = 1e6;

    /// The distribution with smallest value `scale` (work units) and tail index `shape`,
    /// above 0.
    #[must_use]
    pub fn new(scale: f64, shape: f64) -> Self {
        let exponent = -1.0 / shape;
        let point = |k: usize| scale * libm::pow(1.0 - k as f64 / CHORDS as f64, exponent);
        Self {
            points: (0..CHORDS).map(point).collect(),
            scale,
            exponent,
        }
    }

    /// One draw, in work units, rounded down.
    #[inline]
    pub fn draw(&self, rng: &mut Rng) -> u64 {
        let bits = rng.next_u64();
        // 12 bits choose the chord, 52 more the place on it.
        let chord = (bits >> 52) as usize;
        let place = (bits & ((1 << 52) - 1)) as f64 * (1.0 / (1_u64 << 52) as f64);
        match self.points.get(chord..chord + 2) {
            Some(ends) => (ends[0] + (ends[1] - ends[0]) * place) as u64,
            None => self.tail(place),
        }
    }

    /// A draw from the last chord, computed exactly.
    #[cold]
    fn tail(&self, place: f64) -> u64 {
        let above = (1.0 - place) / CHORDS as f64;
        (self.scale * libm::pow(above, self.exponent).min(Self::LIMIT)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{generator, Purpose};

    #[test]
    fn draws_follow_the_distribution() {
        let pareto = Pareto::new(1_000.0, 1.5);
        let mut rng = generator(1, 0, Purpose::Demand);
        let draws: Vec<u64> = (0..200_000).map(|_| pareto.draw(&mut rng)).collect();
        for x in [1_100.0, 2_000.0, 10_000.0, 300_000.0] {
            let expected = libm::pow(1_000.0 / x, 1.5);
            let seen = draws.iter().filter(|draw| **draw as f64 > x).count() as f64;
            let deviation = (seen / 200_000.0 - expected).abs();
            // Five standard deviations of a count.
            let allowed = 5.0 * (expected / 200_000.0).sqrt();
            assert!(deviation < allowed, "P(w > {x}): off by {deviation}");
        }
        assert!(draws.iter().all(|draw| *draw >= 1_000));
    }
}
