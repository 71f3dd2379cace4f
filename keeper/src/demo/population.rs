//! Who takes part in the demo: as many operators as Livepeer has, with the stakes it
//! has, in both tiers.

use super::data;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha20Rng;

/// One in so many operators, by size, is open: enough open ones of every size to see
/// the open pool at its ceiling, and few enough that the vetted tier is the rule.
const ONE_OPEN_IN: usize = 5;

/// One in so many open operators has a thin bond, to show a bond that limits a reward.
const ONE_THIN_IN: usize = 3;

/// What an open operator bonds, in tokens for each thousand of its stake.
const BOND_PER_THOUSAND_STAKE: u128 = 100;

/// The smallest bond, in tokens.
pub const SMALLEST_BOND_TOKENS: u128 = 500;

/// One operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its capacity: stake in whole tokens of the measured network, at least 1.
    pub stake: u64,
    /// Whether the registrar vouches for it.
    pub vetted: bool,
    /// Bond of an open operator, in base units; 0 for a vetted one.
    pub bond: u128,
}

/// The population, the largest first. An operator's position is its index.
///
/// The 25 largest stakes are the published ones. The others lie on a geometric curve
/// from the 25th down, whose slope is the one at which all stakes sum up to the
/// published total.
#[must_use]
pub fn members(decimals: u8, rng: &mut ChaCha20Rng) -> Vec<Member> {
    let stakes = all_stakes(&data::stakes());
    let one = 10_u128.pow(u32::from(decimals));
    let mut open = vec![false; stakes.len()];
    for block in (0..stakes.len()).collect::<Vec<_>>().chunks(ONE_OPEN_IN) {
        // A chunk is never empty.
        if let Some(position) = block.choose(rng) {
            open[*position] = true;
        }
    }
    let mut opened = 0;
    stakes
        .into_iter()
        .zip(open)
        .map(|(stake, open)| {
            let whole = u128::from(stake) * BOND_PER_THOUSAND_STAKE / 1_000;
            opened += usize::from(open);
            let thin = opened % ONE_THIN_IN == 0;
            let bond = if thin { whole / 10 } else { whole };
            Member {
                stake,
                vetted: !open,
                bond: if open {
                    bond.max(SMALLEST_BOND_TOKENS) * one
                } else {
                    0
                },
            }
        })
        .collect()
}

fn all_stakes(published: &data::Stakes) -> Vec<u64> {
    let smallest = published.largest[published.largest.len() - 1];
    let others = published.operators - published.largest.len();
    let rest = published.total - published.largest.iter().sum::<f64>();
    let ratio = tail_ratio(smallest, others, rest);
    let tail = (1..=others).map(|rank| smallest * ratio.powi(rank as i32));
    // Stakes are between one token and the total, which fits by far.
    published
        .largest
        .iter()
        .copied()
        .chain(tail)
        .map(|stake| stake.max(1.0) as u64)
        .collect()
}

/// The ratio below 1 for which `first * (ratio + ratio^2 + ... + ratio^count) = sum`.
fn tail_ratio(first: f64, count: usize, sum: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // Each step halves the interval: 60 exhaust an f64.
    for _ in 0..60 {
        let ratio: f64 = (low + high) / 2.0;
        let total: f64 = (1..=count)
            .map(|rank| first * ratio.powi(rank as i32))
            .sum();
        if total < sum {
            low = ratio;
        } else {
            high = ratio;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::figures::gini;
    use rand_chacha::rand_core::SeedableRng;

    fn population(seed: u64) -> Vec<Member> {
        members(18, &mut ChaCha20Rng::seed_from_u64(seed))
    }

    #[test]
    fn the_population_is_as_skewed_as_the_measured_one() {
        let published = data::stakes();
        let stakes: Vec<u128> = population(1)
            .iter()
            .map(|member| u128::from(member.stake))
            .collect();
        assert_eq!(stakes.len(), published.operators);
        assert!(
            (gini(&stakes) - published.gini).abs() < 0.01,
            "Gini {}",
            gini(&stakes)
        );
        let off = stakes.iter().sum::<u128>() as f64 / published.total - 1.0;
        assert!(off.abs() < 1e-4, "total off by {off}");
    }

    #[test]
    fn both_tiers_have_large_and_small_operators() {
        let members = population(1);
        for block in members.chunks(ONE_OPEN_IN) {
            assert_eq!(block.iter().filter(|member| !member.vetted).count(), 1);
        }
        assert!(members
            .iter()
            .all(|member| member.vetted == (member.bond == 0)));
    }

    #[test]
    fn the_same_seed_gives_the_same_population() {
        assert_eq!(population(7), population(7));
        assert_ne!(population(7), population(8));
    }
}
