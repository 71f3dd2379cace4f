//! Rocket Pool: what every node was paid, by stake (RPL) and from the smoothing pool (ETH).

use super::Shipped;
use serde::Deserialize;

/// Totals of the 52 reward intervals.
pub const INTERVALS: Shipped = Shipped {
    name: "rocketpool_intervals.csv",
    text: include_str!("../../../data/rocketpool_intervals.csv"),
    licence: "Apache-2.0",
    source: "rocket-pool/rewards-trees",
};

/// What every node was paid in every interval.
pub const REWARDS: Shipped = Shipped {
    name: "rocketpool_node_rewards.csv",
    text: include_str!("../../../data/rocketpool_node_rewards.csv"),
    licence: "Apache-2.0",
    source: "rocket-pool/rewards-trees",
};

/// An interval of 28 days.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Interval {
    /// Its number, from 0.
    pub interval: u32,
    /// When it ended, UTC.
    pub end_utc: String,
    /// Nodes that were paid.
    pub nodes_paid: usize,
}

/// What a node was paid in an interval.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Reward {
    /// The interval.
    pub interval: u32,
    /// The node, the same number in all intervals.
    pub node_id: u32,
    /// RPL, by stake.
    pub rpl_reward: f64,
    /// ETH, from the smoothing pool.
    pub smoothing_pool_eth: f64,
}

/// All intervals.
#[must_use]
pub fn intervals() -> Vec<Interval> {
    super::shipped(&INTERVALS)
}

/// All rewards, by interval.
#[must_use]
pub fn rewards() -> Vec<Reward> {
    super::shipped(&REWARDS)
}

/// What every node got from the smoothing pool in the last interval, in ETH, the
/// largest first; it grows with the number of validators a node runs.
#[must_use]
pub fn pool_shares() -> Vec<f64> {
    let last = intervals().last().map_or(0, |interval| interval.interval);
    let mut shares: Vec<f64> = rewards()
        .into_iter()
        .filter(|reward| reward.interval == last && reward.smoothing_pool_eth > 0.0)
        .map(|reward| reward.smoothing_pool_eth)
        .collect();
    shares.sort_by(|a, b| b.total_cmp(a));
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_and_rewards_count_the_same_nodes() {
        let rewards = rewards();
        for interval in intervals() {
            let paid = rewards
                .iter()
                .filter(|reward| reward.interval == interval.interval)
                .count();
            assert_eq!(paid, interval.nodes_paid, "interval {}", interval.interval);
        }
    }

    #[test]
    fn the_last_pool_paid_1149_nodes() {
        assert_eq!(pool_shares().len(), 1_149);
    }
}
