//! Livepeer: stakes of its operators, and what was claimed and withdrawn.

use super::Shipped;
use serde::Deserialize;

const LICENCE: &str = "MIT, (c) 2026 its-DeFine";
const SOURCE: &str = "its-DeFine/livepeer-delegation-research";

/// The 25 largest operators by bonded stake, January 2026.
pub const LARGEST: Shipped = Shipped {
    name: "livepeer_top25_delegates_latest.csv",
    text: include_str!("../../../data/livepeer_top25_delegates_latest.csv"),
    licence: LICENCE,
    source: SOURCE,
};

/// How many operators and delegators there were, and how concentrated, every month.
pub const CONCENTRATION: Shipped = Shipped {
    name: "livepeer_concentration_monthly.csv",
    text: include_str!("../../../data/livepeer_concentration_monthly.csv"),
    licence: LICENCE,
    source: SOURCE,
};

/// What was claimed and withdrawn, every month.
pub const WITHDRAWALS: Shipped = Shipped {
    name: "livepeer_rewards_withdraw_monthly.csv",
    text: include_str!("../../../data/livepeer_rewards_withdraw_monthly.csv"),
    licence: LICENCE,
    source: SOURCE,
};

/// The wallets that earned most, with the day of their first claim.
pub const EARNERS: Shipped = Shipped {
    name: "livepeer_top_earners.csv",
    text: include_str!("../../../data/livepeer_top_earners.csv"),
    licence: LICENCE,
    source: SOURCE,
};

/// 85 traced exits of ten chosen wallets.
pub const EXITS: Shipped = Shipped {
    name: "livepeer_extraction_cycles.csv",
    text: include_str!("../../../data/livepeer_extraction_cycles.csv"),
    licence: LICENCE,
    source: SOURCE,
};

/// A large operator.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Delegate {
    /// Stake bonded to it, in LPT.
    pub bonded_lpt: f64,
    /// Its share of all bonded stake.
    pub share: f64,
}

/// A month's concentration of operators.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Concentration {
    /// The snapshot: `2022-02-end`, or `latest`.
    pub label: String,
    /// Operators with stake.
    pub active_delegates: usize,
    /// Their Gini coefficient.
    pub delegates_gini: f64,
    /// Fewest of them with half of the stake.
    pub delegates_nakamoto50: usize,
}

/// What was claimed and withdrawn in a month.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Month {
    /// `2024-12`.
    pub month: String,
    /// Rewards claimed, in LPT.
    pub rewards_lpt: f64,
    /// Withdrawn, in LPT.
    pub withdraw_lpt: f64,
}

/// A wallet that earned much.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Earner {
    /// Rewards claimed, in LPT.
    pub rewards_lpt: f64,
    /// Withdrawn, in LPT.
    pub withdraw_lpt: f64,
    /// Day of the first claim, as 2024-12-23.
    pub first_claim_day: String,
}

/// A traced exit.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Exit {
    /// What left, in LPT.
    pub amount_lpt: f64,
    /// Days from leaving until it arrived on the other chain; none if it was not seen to.
    pub burn_to_receipt_days: Option<f64>,
    /// Hours from there to an exchange; none if it was not seen to reach one.
    pub receipt_to_exchange_hours: Option<f64>,
}

/// The 25 largest operators, the largest first.
#[must_use]
pub fn largest() -> Vec<Delegate> {
    super::shipped(&LARGEST)
}

/// Concentration by month, the oldest first.
#[must_use]
pub fn concentration() -> Vec<Concentration> {
    super::shipped(&CONCENTRATION)
}

/// Claims and withdrawals by month, the oldest first.
#[must_use]
pub fn withdrawals() -> Vec<Month> {
    super::shipped(&WITHDRAWALS)
}

/// Wallets by rewards, the largest first.
#[must_use]
pub fn earners() -> Vec<Earner> {
    super::shipped(&EARNERS)
}

/// Traced exits, by date.
#[must_use]
pub fn exits() -> Vec<Exit> {
    super::shipped(&EXITS)
}

/// Stakes of all operators in LPT, the largest first: the 25 largest as published, the
/// others on a geometric curve from the 25th down, whose slope is the one at which all
/// sum up to the published total.
#[must_use]
pub fn stakes() -> Vec<f64> {
    let largest = largest();
    let total = largest[0].bonded_lpt / largest[0].share;
    let operators = concentration()
        .last()
        .expect("the shipped file has 48 months")
        .active_delegates;
    let mut stakes: Vec<f64> = largest.iter().map(|delegate| delegate.bonded_lpt).collect();
    let smallest = stakes[stakes.len() - 1];
    let others = operators - stakes.len();
    let rest = total - stakes.iter().sum::<f64>();
    let ratio = tail_ratio(smallest, others, rest);
    let mut stake = smallest;
    for _ in 0..others {
        stake *= ratio;
        stakes.push(stake);
    }
    stakes
}

/// The ratio below 1 for which `first * (ratio + ratio^2 + ... + ratio^count) = sum`, by bisection.
fn tail_ratio(first: f64, count: usize, sum: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    // Each step halves the interval: 60 exhaust an f64.
    for _ in 0..60 {
        let ratio = (low + high) / 2.0;
        let mut term = first;
        let mut total = 0.0;
        for _ in 0..count {
            term *= ratio;
            total += term;
        }
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

    #[test]
    fn all_stakes_sum_up_to_the_published_total() {
        let stakes = stakes();
        assert_eq!(stakes.len(), 197);
        assert!((stakes.iter().sum::<f64>() / 17_916_582.0 - 1.0).abs() < 1e-4);
        assert!(stakes.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn four_years_of_claims_and_withdrawals_are_those_published() {
        let months = withdrawals();
        let claimed: f64 = months.iter().map(|month| month.rewards_lpt).sum();
        let withdrawn: f64 = months.iter().map(|month| month.withdraw_lpt).sum();
        assert_eq!(
            (
                months.len(),
                (claimed / 1e5).round(),
                (withdrawn / 1e5).round()
            ),
            (48, 175.0, 295.0)
        );
        assert_eq!(earners()[0].first_claim_day, "2024-12-23");
        let exits = exits();
        let reached = exits
            .iter()
            .filter(|exit| exit.receipt_to_exchange_hours.is_some())
            .count();
        assert_eq!((exits.len(), reached), (85, 68));
    }
}
