//! How unequally something is divided: Gini, Herfindahl-Hirschman, Nakamoto, Theil,
//! Jain and Lorenz.
//!
//! Definitions are those of the University of Edinburgh's `consensus-decentralization`
//! (`docs/metrics.md` there: Nakamoto counts *more* than the threshold; Gini,
//! Herfindahl-Hirschman and Theil over all entities) and of R. Jain, D. Chiu and
//! W. Hawe, "A Quantitative Measure of Fairness", DEC-TR-301, 1984.
//!
//! # Edge cases, the same for all
//! - Whoever has zero is counted: it is one of the people among whom was divided.
//! - Nobody, or nothing to divide (all zero): `None`. Nothing was divided, so it was
//!   divided neither equally nor unequally.
//! - One holder: it has everything, and all holders have the same. Gini and Theil
//!   are 0, Herfindahl-Hirschman, Jain and Nakamoto are 1.
//! - Values are finite and not negative; anything else is a bug of the caller
//!   (checked in debug builds).
//! - The order of the values does not matter, to the last bit: they are sorted first.

/// How much more than a threshold a share must be to count as more, as a part of the
/// whole: above rounding errors, below any share that means something.
const MARGIN: f64 = 1e-9;

/// All measures of one division, for the cost of one sort.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concentration {
    /// Gini coefficient, 0 (all the same) to `1 - 1/n`.
    pub gini: f64,
    /// Herfindahl-Hirschman index, `1/n` (all the same) to 1.
    pub hhi: f64,
    /// Fewest holders with more than 33 %.
    pub nakamoto33: usize,
    /// Fewest holders with more than 50 %.
    pub nakamoto50: usize,
    /// Theil index in nats, 0 (all the same) to `ln n`.
    pub theil: f64,
    /// Jain's index, `1/n` to 1 (all the same).
    pub jain: f64,
}

/// All measures of `values`, one a holder; `None` if nothing was divided.
#[must_use]
pub fn concentration(values: &[f64]) -> Option<Concentration> {
    let sorted = Sorted::new(values)?;
    Some(Concentration {
        gini: sorted.gini(),
        hhi: sorted.hhi(),
        nakamoto33: sorted.fewest_above(0.33 * sorted.total)?,
        nakamoto50: sorted.fewest_above(0.50 * sorted.total)?,
        theil: sorted.theil(),
        jain: sorted.jain(),
    })
}

/// Gini coefficient: `sum_ij |x_i - x_j| / (2 n^2 mean)`, half the mean difference of
/// two holders over the mean. 0 if all have the same, `1 - 1/n` if one has everything.
#[must_use]
pub fn gini(values: &[f64]) -> Option<f64> {
    Some(Sorted::new(values)?.gini())
}

/// Herfindahl-Hirschman index: the sum of squared shares, `1/n` to 1.
#[must_use]
pub fn hhi(values: &[f64]) -> Option<f64> {
    Some(Sorted::new(values)?.hhi())
}

/// The same in points, as competition authorities state it (shares in percent): up to
/// 10,000. The US Department of Justice calls more than 2,500 (since 2023: 1,800)
/// highly concentrated.
#[must_use]
pub fn hhi_points(values: &[f64]) -> Option<f64> {
    Some(1e4 * hhi(values)?)
}

/// Nakamoto coefficient: the fewest holders who together have *more* than `threshold`
/// (a share, 0 up to but not including 1) of the total. Exactly the threshold is not
/// more.
#[must_use]
pub fn nakamoto(values: &[f64], threshold: f64) -> Option<usize> {
    let sorted = Sorted::new(values)?;
    sorted.fewest_above(threshold * sorted.total)
}

/// The same where only the largest holders are known, and `total` is of all; `None`
/// too if those who are known do not reach the threshold.
#[must_use]
pub fn nakamoto_of(largest: &[f64], total: f64, threshold: f64) -> Option<usize> {
    Sorted::new(largest)?.fewest_above(threshold * total)
}

/// Theil index in nats: `1/n * sum x/m ln(x/m)` with the mean `m`; what has zero adds
/// zero. 0 if all have the same, `ln n` if one has everything.
#[must_use]
pub fn theil(values: &[f64]) -> Option<f64> {
    Some(Sorted::new(values)?.theil())
}

/// Jain's fairness index: `(sum x)^2 / (n sum x^2)`, `1/n` to 1 (all the same). It
/// equals `1 / (1 + CV^2)`: read as "so large a part of them is treated equally".
#[must_use]
pub fn jain(values: &[f64]) -> Option<f64> {
    Some(Sorted::new(values)?.jain())
}

/// Lorenz curve at `points` (at least 2) equally distant places: what share of the
/// total (second) the smallest share of holders (first) has, from `(0, 0)` to
/// `(1, 1)`. Between two holders it is the straight line.
#[must_use]
pub fn lorenz(values: &[f64], points: usize) -> Option<Vec<(f64, f64)>> {
    let sorted = Sorted::new(values)?;
    let count = sorted.ascending.len();
    let mut below = Vec::with_capacity(count + 1);
    let mut sum = 0.0;
    below.push(0.0);
    for value in &sorted.ascending {
        sum += value;
        below.push(sum);
    }
    let last = points.max(2) - 1;
    let curve = (0..=last).map(|point| {
        let place = (point * count) / last;
        let rest = ((point * count) % last) as f64 / last as f64;
        let next = sorted.ascending.get(place).copied().unwrap_or(0.0);
        (
            point as f64 / last as f64,
            (below[place] + rest * next) / sum,
        )
    });
    Some(curve.collect())
}

/// What each owner has: the sum over its identities, by ascending number of the owner.
///
/// # Panics
/// If the two do not have the same length.
#[must_use]
pub fn by_owner(values: &[f64], owners: &[u32]) -> Vec<f64> {
    Owners::new(owners).sum(values)
}

/// Which identities belong together, found once for many sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owners {
    /// Place of each identity's owner among all owners.
    places: Vec<usize>,
    count: usize,
}

impl Owners {
    /// `owners` has the number of the owner of each identity.
    #[must_use]
    pub fn new(owners: &[u32]) -> Self {
        let mut numbers = owners.to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        let places = owners
            .iter()
            .map(|owner| numbers.partition_point(|number| number < owner))
            .collect();
        Self {
            places,
            count: numbers.len(),
        }
    }

    /// How many owners there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The sum of `values` (one an identity) for each owner, by ascending number.
    ///
    /// # Panics
    /// If there is not one value an identity.
    #[must_use]
    pub fn sum(&self, values: &[f64]) -> Vec<f64> {
        assert_eq!(values.len(), self.places.len(), "one value an identity");
        let mut sums = vec![0.0; self.count];
        for (place, value) in self.places.iter().zip(values) {
            sums[*place] += value;
        }
        sums
    }
}

/// Values in ascending order, and their sum, which is not zero.
struct Sorted {
    ascending: Vec<f64>,
    total: f64,
}

impl Sorted {
    fn new(values: &[f64]) -> Option<Self> {
        debug_assert!(
            values
                .iter()
                .all(|value| value.is_finite() && *value >= 0.0),
            "values are finite and not negative"
        );
        let mut ascending = values.to_vec();
        ascending.sort_unstable_by(f64::total_cmp);
        let total: f64 = ascending.iter().sum();
        (total > 0.0).then_some(Self { ascending, total })
    }

    fn count(&self) -> f64 {
        self.ascending.len() as f64
    }

    /// The double sum of the definition, for values in ascending order:
    /// `sum_k (2k - n - 1) x_k / (n total)` with k from 1.
    fn gini(&self) -> f64 {
        let count = self.count();
        let weighted: f64 = (1u32..)
            .zip(&self.ascending)
            .map(|(place, value)| (2.0 * f64::from(place) - count - 1.0) * value)
            .sum();
        (weighted / (count * self.total)).max(0.0)
    }

    fn squares(&self) -> f64 {
        self.ascending
            .iter()
            .map(|value| (value / self.total) * (value / self.total))
            .sum()
    }

    fn hhi(&self) -> f64 {
        self.squares().min(1.0)
    }

    fn jain(&self) -> f64 {
        (1.0 / (self.count() * self.squares())).min(1.0)
    }

    fn theil(&self) -> f64 {
        let mean = self.total / self.count();
        let sum: f64 = self
            .ascending
            .iter()
            .filter(|value| **value > 0.0)
            .map(|value| value / mean * libm::log(value / mean))
            .sum();
        (sum / self.count()).max(0.0)
    }

    /// How many of the largest hold more than `amount`.
    fn fewest_above(&self, amount: f64) -> Option<usize> {
        let mut sum = 0.0;
        for (before, value) in self.ascending.iter().rev().enumerate() {
            sum += value;
            if sum > amount * (1.0 + MARGIN) {
                return Some(before + 1);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Three people who have 1, 2 and 5: everything by hand in `docs/metrics.md`.
    const BY_HAND: [f64; 3] = [5.0, 1.0, 2.0];

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn gini_is_half_the_mean_difference_over_the_mean() {
        // Differences |1-2| + |1-5| + |2-5| = 8, each counted twice: 16.
        // 16 / (2 * 9 * 8/3) = 1/3.
        close(gini(&BY_HAND).unwrap(), 1.0 / 3.0);
    }

    #[test]
    fn hhi_is_the_sum_of_squared_shares() {
        // (1 + 4 + 25) / 64.
        close(hhi(&BY_HAND).unwrap(), 30.0 / 64.0);
        close(hhi_points(&BY_HAND).unwrap(), 4687.5);
    }

    #[test]
    fn nakamoto_counts_holders_with_more_than_the_threshold() {
        // The largest has 5/8 = 62.5 %.
        assert_eq!(nakamoto(&BY_HAND, 0.33), Some(1));
        assert_eq!(nakamoto(&BY_HAND, 0.50), Some(1));
        // 5/8 is not more than 5/8; with the next one it is 7/8.
        assert_eq!(nakamoto(&BY_HAND, 0.625), Some(2));
        assert_eq!(nakamoto(&BY_HAND, 0.9), Some(3));
        assert_eq!(nakamoto(&BY_HAND, 1.0), None);
    }

    #[test]
    fn exactly_half_is_not_more_than_half_whatever_rounding_says() {
        // Ten times 0.1 sums to a little less than 1 in binary.
        assert_eq!(nakamoto(&[0.1; 10], 0.5), Some(6));
        assert_eq!(nakamoto(&[1.0, 1.0, 1.0, 1.0], 0.5), Some(3));
    }

    #[test]
    fn livepeer_in_january_2026_has_nakamoto_3_and_6() {
        let shares: Vec<f64> = include_str!("../../../data/livepeer_top25_delegates_latest.csv")
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(2).unwrap().parse().unwrap())
            .collect();
        assert_eq!(shares.len(), 25);
        assert_eq!(nakamoto_of(&shares, 1.0, 0.33), Some(3));
        assert_eq!(nakamoto_of(&shares, 1.0, 0.50), Some(6));
        assert_eq!(nakamoto_of(&shares, 1.0, 0.95), None);
    }

    #[test]
    fn theil_is_the_mean_of_relative_size_times_its_logarithm() {
        // Relative to the mean 8/3: 3/8, 6/8, 15/8.
        let by_hand = (0.375 * 0.375f64.ln() + 0.75 * 0.75f64.ln() + 1.875 * 1.875f64.ln()) / 3.0;
        close(theil(&BY_HAND).unwrap(), by_hand);
        assert!((by_hand - 0.198_356).abs() < 1e-6);
    }

    #[test]
    fn jain_is_the_squared_sum_over_n_times_the_sum_of_squares() {
        // 64 / (3 * 30).
        close(jain(&BY_HAND).unwrap(), 64.0 / 90.0);
    }

    #[test]
    fn lorenz_goes_through_what_the_smallest_have() {
        let curve = lorenz(&BY_HAND, 4).unwrap();
        let by_hand = [
            (0.0, 0.0),
            (1.0 / 3.0, 1.0 / 8.0),
            (2.0 / 3.0, 3.0 / 8.0),
            (1.0, 1.0),
        ];
        for (point, expected) in curve.iter().zip(by_hand) {
            close(point.0, expected.0);
            close(point.1, expected.1);
        }
        // Half of three people: the smallest, and half of the next one.
        close(lorenz(&BY_HAND, 3).unwrap()[1].1, 2.0 / 8.0);
    }

    #[test]
    fn owners_have_what_their_identities_have() {
        assert_eq!(
            by_owner(&[1.0, 2.0, 4.0, 8.0], &[7, 3, 7, 0]),
            [8.0, 2.0, 5.0]
        );
        assert!(by_owner(&[], &[]).is_empty());
    }

    #[test]
    fn nobody_and_nothing_have_no_measure() {
        for values in [&[][..], &[0.0, 0.0][..]] {
            assert_eq!(concentration(values), None);
            assert_eq!(gini(values), None);
            assert_eq!(hhi(values), None);
            assert_eq!(hhi_points(values), None);
            assert_eq!(nakamoto(values, 0.5), None);
            assert_eq!(theil(values), None);
            assert_eq!(jain(values), None);
            assert_eq!(lorenz(values, 11), None);
        }
    }

    #[test]
    fn among_equals_nothing_is_unequal() {
        let of = concentration(&[3.0; 4]).unwrap();
        close(of.gini, 0.0);
        close(of.hhi, 0.25);
        close(of.theil, 0.0);
        close(of.jain, 1.0);
        assert_eq!((of.nakamoto33, of.nakamoto50), (2, 3));
        let alone = concentration(&[3.0]).unwrap();
        assert_eq!((alone.gini, alone.theil), (0.0, 0.0));
        assert_eq!((alone.hhi, alone.jain), (1.0, 1.0));
        assert_eq!((alone.nakamoto33, alone.nakamoto50), (1, 1));
    }

    #[test]
    fn whoever_has_zero_is_counted() {
        let of = concentration(&[1.0, 0.0, 0.0, 0.0]).unwrap();
        close(of.gini, 0.75);
        close(of.hhi, 1.0);
        close(of.theil, 4.0f64.ln());
        close(of.jain, 0.25);
    }

    #[test]
    fn cutting_one_identity_in_two_changes_identities_and_not_owners() {
        let whole = ([6.0, 2.0], [0, 1]);
        let cut = ([3.0, 3.0, 2.0], [0, 0, 1]);
        assert_ne!(concentration(&whole.0), concentration(&cut.0));
        assert_eq!(
            concentration(&by_owner(&whole.0, &whole.1)),
            concentration(&by_owner(&cut.0, &cut.1))
        );
    }

    fn holdings() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0u32..1_000_000, 1..60)
            .prop_map(|values| values.into_iter().map(f64::from).collect())
    }

    proptest! {
        #[test]
        fn lorenz_is_below_the_diagonal_and_bends_upwards(values in holdings()) {
            prop_assume!(values.iter().any(|value| *value > 0.0));
            let curve = lorenz(&values, 41).unwrap();
            prop_assert_eq!(curve[0], (0.0, 0.0));
            prop_assert!((curve[40].1 - 1.0).abs() < 1e-12);
            let mut steepness = 0.0;
            for pair in curve.windows(2) {
                let step = pair[1].1 - pair[0].1;
                prop_assert!(step >= steepness - 1e-12);
                steepness = step;
                prop_assert!(pair[1].1 <= pair[1].0 + 1e-12);
            }
        }

        #[test]
        fn gini_is_one_minus_twice_the_area_below_lorenz(values in holdings()) {
            prop_assume!(values.iter().any(|value| *value > 0.0));
            // With a point for each holder the trapezoids are exact.
            let curve = lorenz(&values, values.len() + 1).unwrap();
            let area: f64 = curve
                .windows(2)
                .map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0)
                .sum();
            prop_assert!((gini(&values).unwrap() - (1.0 - 2.0 * area)).abs() < 1e-10);
        }

        #[test]
        fn neither_unit_nor_order_matters(values in holdings(), scale in 1u32..1000) {
            prop_assume!(values.iter().any(|value| *value > 0.0));
            let of = concentration(&values).unwrap();
            let mut turned = values.clone();
            turned.reverse();
            prop_assert_eq!(concentration(&turned).unwrap(), of);
            let scaled: Vec<f64> =
                values.iter().map(|value| value * f64::from(scale) / 7.0).collect();
            let scaled = concentration(&scaled).unwrap();
            prop_assert!((scaled.gini - of.gini).abs() < 1e-9);
            prop_assert!((scaled.hhi - of.hhi).abs() < 1e-9);
            prop_assert!((scaled.theil - of.theil).abs() < 1e-9);
            prop_assert!((scaled.jain - of.jain).abs() < 1e-9);
            prop_assert_eq!(scaled.nakamoto33, of.nakamoto33);
            prop_assert_eq!(scaled.nakamoto50, of.nakamoto50);
        }

        #[test]
        fn every_measure_is_in_its_range(values in holdings()) {
            prop_assume!(values.iter().any(|value| *value > 0.0));
            let n = values.len() as f64;
            let of = concentration(&values).unwrap();
            prop_assert!((0.0..=1.0 - 1.0 / n + 1e-12).contains(&of.gini));
            prop_assert!((1.0 / n - 1e-12..=1.0).contains(&of.hhi));
            prop_assert!((1.0 / n - 1e-12..=1.0).contains(&of.jain));
            prop_assert!((0.0..=n.ln() + 1e-12).contains(&of.theil));
            prop_assert!((of.jain - 1.0 / (n * of.hhi)).abs() < 1e-12);
            prop_assert!(1 <= of.nakamoto33 && of.nakamoto33 <= of.nakamoto50);
            prop_assert!(of.nakamoto50 <= values.len());
        }

        #[test]
        fn a_transfer_from_a_larger_to_a_smaller_lessens_inequality(
            mut values in prop::collection::vec(0u32..1_000_000, 2..40),
        ) {
            values.sort_unstable();
            let last = values.len() - 1;
            prop_assume!(values[last] >= values[0] + 2);
            let before: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            let gap = values[last] - values[0];
            values[0] += gap / 2;
            values[last] -= gap / 2;
            let after: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            let (before, after) =
                (concentration(&before).unwrap(), concentration(&after).unwrap());
            prop_assert!(after.gini < before.gini + 1e-12);
            prop_assert!(after.hhi < before.hhi + 1e-12);
            prop_assert!(after.theil < before.theil + 1e-12);
            prop_assert!(after.jain > before.jain - 1e-12);
        }
    }
}
