//! Random numbers that depend on the seed, the run and what they are for, and on
//! nothing else: all designs meet the same jobs, on any number of cores.

use rand::SeedableRng;
pub use rand_xoshiro::Xoshiro256PlusPlus as Rng;

/// What a sequence of random numbers is for. Each has its own, so that one purpose
/// that draws more does not shift another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Who takes part: class, country, size.
    Population = 1,
    /// Jobs and to whom they go.
    Demand = 2,
    /// Draws of a design that pays by lottery.
    Luck = 3,
    /// The search for attacks.
    Attack = 4,
}

/// The generator of `purpose` in run `run`.
#[must_use]
pub fn generator(seed: u64, run: u64, purpose: Purpose) -> Rng {
    let mixed = mix(mix(mix(seed) ^ run) ^ purpose as u64);
    Rng::seed_from_u64(mixed)
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014): neighbouring seeds give unrelated generators.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;

    #[test]
    fn runs_and_purposes_have_sequences_of_their_own() {
        let first = |run, purpose| generator(7, run, purpose).next_u64();
        assert_eq!(first(1, Purpose::Demand), first(1, Purpose::Demand));
        assert_ne!(first(1, Purpose::Demand), first(2, Purpose::Demand));
        assert_ne!(first(1, Purpose::Demand), first(1, Purpose::Luck));
    }
}
