//! Room for one more: what a newcomer does, others do less.

use crate::world::Load;

/// One whole, of which shares are given in whole parts.
pub const WHOLE: u128 = 1_000_000_000_000;

/// Work of one operator in one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Jobs served.
    pub jobs: u64,
    /// Work up to the threshold of each client, in work units.
    pub fragment: u64,
    /// Work above it, in work units.
    pub bulk: u64,
}

impl Work {
    /// All of it, in work units.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.fragment + self.bulk
    }
}

/// `share` (0 to 1) in parts of [`WHOLE`], rounded down.
#[must_use]
pub fn parts(share: f64) -> u128 {
    ((share * WHOLE as f64) as u128).min(WHOLE)
}

/// Takes `share` (parts of [`WHOLE`], at most one whole) of the work of those whom `from`
/// names; returns what is left to everybody, and what was taken.
///
/// All together lose the share of each figure, rounded down; each by itself, within one
/// unit. Nothing is lost.
#[must_use]
pub fn make(load: &Load, share: u128, from: impl Fn(usize) -> bool) -> (Load, Work) {
    let take = |figures: &[u64]| {
        // Rounded by what was taken so far, so that many small figures leave their share too.
        let (mut seen, mut taken) = (0_u128, 0_u64);
        let left = (0..)
            .zip(figures)
            .map(|(index, figure)| {
                if !from(index) {
                    return *figure;
                }
                seen += u128::from(*figure);
                // At most the sum of the figures, which fits in a u64 like all work.
                let due = u64::try_from(seen * share / WHOLE).unwrap_or(taken);
                let left = figure - (due - taken);
                taken = due;
                left
            })
            .collect();
        (left, taken)
    };
    let (jobs, own_jobs) = take(&load.jobs);
    let (fragment, own_fragment) = take(&load.fragment);
    let (bulk, own_bulk) = take(&load.bulk);
    (
        Load {
            jobs,
            fragment,
            bulk,
        },
        Work {
            jobs: own_jobs,
            fragment: own_fragment,
            bulk: own_bulk,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_figures_leave_their_share_too() {
        let load = Load {
            jobs: vec![3; 100],
            fragment: vec![7; 100],
            bulk: vec![0; 100],
        };
        // A hundredth of 300 and of 700, of which no operator alone has a whole unit.
        let (left, taken) = make(&load, parts(0.01), |_| true);
        assert_eq!((taken.jobs, taken.fragment, taken.bulk), (3, 7, 0));
        assert_eq!(left.total() + taken.units(), load.total());
        assert!(left.jobs.iter().all(|jobs| (2..=3).contains(jobs)));
    }

    #[test]
    fn only_those_named_make_room() {
        let load = Load {
            jobs: vec![10, 10],
            fragment: vec![100, 100],
            bulk: vec![50, 50],
        };
        let (left, taken) = make(&load, parts(0.5), |index| index == 1);
        assert_eq!((left.units(0), left.units(1)), (150, 75));
        assert_eq!((taken.jobs, taken.units()), (5, 75));
    }
}
