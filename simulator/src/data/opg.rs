//! OpenGradient's token: who gets how much, and when it unlocks. Secondary sources.

use super::Shipped;
use serde::Deserialize;

/// The buckets of the supply.
pub const ALLOCATION: Shipped = Shipped {
    name: "opg_allocation.csv",
    text: include_str!("../../../data/opg_allocation.csv"),
    licence: "facts restated; secondary sources",
    source: "public posts of 2026, named in data/README.md",
};

/// What is unlocked every month, in two readings, as computed when the buckets were collected.
pub const CURVE: Shipped = Shipped {
    name: "opg_unlock_curve.csv",
    text: include_str!("../../../data/opg_unlock_curve.csv"),
    licence: "own computation from opg_allocation.csv",
    source: "opg_allocation.csv",
};

/// A bucket of the supply.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Bucket {
    /// Whose it is.
    pub bucket: String,
    /// How much, in tokens.
    pub tokens: f64,
    /// Its share of the supply, in percent.
    pub share_pct: f64,
    /// Part unlocked at the start, 0 to 1.
    pub tge_unlocked_fraction: f64,
    /// Months before anything else unlocks.
    pub cliff_months: u32,
    /// Months after the cliff until all is unlocked.
    pub vest_months_after_cliff: u32,
}

/// What a cliff does, which the published sentence leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Vesting begins at the cliff: nothing unlocks at once.
    FromCliff,
    /// Vesting counts from the start: what accrued unlocks at the cliff at once.
    FromStart,
}

impl Bucket {
    /// What is unlocked `month` months after the start, in tokens.
    ///
    /// After the start's part `a`, with cliff `c` and vesting `v` months: from the
    /// cliff `a + (1 - a) (m - c) / v`, from the start `a + (1 - a) m / (c + v)` from month `c`
    /// on, and all in the end.
    #[must_use]
    pub fn unlocked(&self, month: u32, reading: Reading) -> f64 {
        let at_start = self.tokens * self.tge_unlocked_fraction;
        let rest = self.tokens - at_start;
        let end = self.cliff_months + self.vest_months_after_cliff;
        let part = if month >= end {
            1.0
        } else if month < self.cliff_months {
            0.0
        } else {
            match reading {
                Reading::FromCliff => {
                    f64::from(month - self.cliff_months) / f64::from(self.vest_months_after_cliff)
                }
                Reading::FromStart => f64::from(month) / f64::from(end),
            }
        };
        at_start + rest * part
    }
}

/// A month of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct CurvePoint {
    /// Months after the start.
    pub month_after_tge: u32,
    /// Unlocked tokens, [`Reading::FromCliff`].
    pub unlocked_reading_a_linear_from_cliff: f64,
    /// Unlocked tokens, [`Reading::FromStart`].
    pub unlocked_reading_b_accrues_from_tge: f64,
}

/// The buckets.
#[must_use]
pub fn allocation() -> Vec<Bucket> {
    super::shipped(&ALLOCATION)
}

/// The curve.
#[must_use]
pub fn curve() -> Vec<CurvePoint> {
    super::shipped(&CURVE)
}

/// Tokens of all `buckets` unlocked `month` months after the start.
#[must_use]
pub fn unlocked(buckets: &[Bucket], month: u32, reading: Reading) -> f64 {
    buckets
        .iter()
        .map(|bucket| bucket.unlocked(month, reading))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cliff_is_read_in_two_ways() {
        let bucket = Bucket {
            bucket: "Team".into(),
            tokens: 480.0,
            share_pct: 10.0,
            tge_unlocked_fraction: 0.0,
            cliff_months: 12,
            vest_months_after_cliff: 36,
        };
        let at = |month| {
            (
                bucket.unlocked(month, Reading::FromCliff),
                bucket.unlocked(month, Reading::FromStart),
            )
        };
        assert_eq!(at(11), (0.0, 0.0));
        assert_eq!(at(12), (0.0, 120.0));
        assert_eq!(at(30), (240.0, 300.0));
        assert_eq!(at(48), (480.0, 480.0));
        assert_eq!(at(99), (480.0, 480.0));
    }

    #[test]
    fn the_buckets_are_the_whole_supply() {
        let buckets = allocation();
        assert_eq!(buckets.iter().map(|bucket| bucket.tokens).sum::<f64>(), 1e9);
        assert_eq!(
            buckets.iter().map(|bucket| bucket.share_pct).sum::<f64>(),
            100.0
        );
    }
}
