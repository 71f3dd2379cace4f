//! What many runs say: means, paired differences, and which of them may be called.
//!
//! All designs meet the same random numbers in a run, so designs are compared run by
//! run: what is a lucky run for one is a lucky run for all, and the difference varies
//! far less than either.
//!
//! # Intervals
//! `mean +- t sd / sqrt(n)` over `n` runs, with the quantile `t` of Student's
//! distribution with `n - 1` degrees of freedom. A value's interval has the confidence
//! asked for. The intervals of *differences* are wider: for each metric as many designs
//! as are compared with Plimsoll share the error (Bonferroni), so that with 95 % in 95 of
//! 100 such rows of a table all intervals hold at once. Over metrics nothing is shared: of
//! twenty metrics that say nothing one may, on average, still call something.
//!
//! # Undefined values
//! A value that is not finite (a share of nothing) is left out of its mean, and a
//! difference is of the runs in which both are defined. [`Paired::undefined`] counts
//! what was left out. With fewer than two runs there is no interval: its ends are NaN,
//! and nothing is called.
//!
//! # The same bits on any number of cores
//! Runs are added in order, or in chunks (cut without regard to cores) that are merged
//! in order: sums of floating-point numbers depend on their order.

mod student;

use crate::findings::{Better, Call, Interval, Outcome};
use crate::metrics::Metric;

/// Differences that are smaller than this part of what is compared are rounding errors
/// of summation, however sure they are.
const ROUNDING: f64 = 1e-9;

/// Mean and sum of squared deviations of a stream of numbers, by Welford's method.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stream {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Stream {
    /// Adds a number. One that is not finite is ignored.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// Adds all that `later` has (T. Chan, G. Golub and R. LeVeque, "Algorithms for
    /// Computing the Sample Variance", The American Statistician 37, 1983).
    pub fn merge(&mut self, later: &Self) {
        if later.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *later;
            return;
        }
        let (here, there) = (self.count as f64, later.count as f64);
        let both = here + there;
        let apart = later.mean - self.mean;
        self.count += later.count;
        self.mean += apart * (there / both);
        self.squares += later.squares + apart * apart * (here * there / both);
    }

    /// How many numbers were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; NaN if there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            f64::NAN
        } else {
            self.mean
        }
    }

    /// Standard deviation of the population they are a sample of (divided by one less
    /// than their number); NaN if there are fewer than two.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        if self.count < 2 {
            f64::NAN
        } else {
            (self.squares / (self.count - 1) as f64).sqrt()
        }
    }

    /// Interval that holds the population's mean with `confidence` (between 0 and 1):
    /// exact for normal numbers, and for others in the limit of many.
    #[must_use]
    pub fn interval(&self, confidence: f64) -> Interval {
        self.interval_with(&mut Quantiles::default(), 1.0 - confidence)
    }

    fn interval_with(&self, quantiles: &mut Quantiles, error: f64) -> Interval {
        let half =
            quantiles.two_sided(error, self.count) * self.deviation() / (self.count as f64).sqrt();
        Interval {
            mean: self.mean(),
            low: self.mean() - half,
            high: self.mean() + half,
        }
    }
}

/// Quantiles that were computed already: the cells of a table share a few.
#[derive(Default)]
struct Quantiles(Vec<(f64, u64, f64)>);

impl Quantiles {
    /// For the mean of `count` numbers; NaN if they are fewer than two.
    fn two_sided(&mut self, error: f64, count: u64) -> f64 {
        if count < 2 {
            return f64::NAN;
        }
        let same = |known: &&(f64, u64, f64)| known.0 == error && known.1 == count;
        if let Some((_, _, quantile)) = self.0.iter().find(same) {
            return *quantile;
        }
        let quantile = student::two_sided(error, (count - 1) as f64);
        self.0.push((error, count, quantile));
        quantile
    }
}

/// Values and paired differences of all designs and metrics over the runs, in memory
/// that does not grow with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    designs: usize,
    metrics: usize,
    reference: usize,
    runs: u64,
    /// By design, then by metric.
    values: Vec<Stream>,
    /// The same of the design minus the reference.
    differences: Vec<Stream>,
}

impl Paired {
    /// No run yet. `reference` is the place of the design that all others are compared
    /// with.
    ///
    /// # Panics
    /// If there is no design at that place.
    #[must_use]
    pub fn new(designs: usize, metrics: usize, reference: usize) -> Self {
        assert!(reference < designs, "the reference is one of the designs");
        Self {
            designs,
            metrics,
            reference,
            runs: 0,
            values: vec![Stream::default(); designs * metrics],
            differences: vec![Stream::default(); designs * metrics],
        }
    }

    /// Adds a run: all metrics of the first design, then of the next one. All designs
    /// must have met the same random numbers in it.
    ///
    /// # Panics
    /// If there is not one value for each design and metric.
    pub fn add(&mut self, values: &[f64]) {
        assert_eq!(
            values.len(),
            self.values.len(),
            "one value for each of both"
        );
        self.runs += 1;
        let start = self.reference * self.metrics;
        for (place, value) in values.iter().enumerate() {
            self.values[place].add(*value);
            let reference = values[start + place % self.metrics];
            self.differences[place].add(value - reference);
        }
    }

    /// Adds what `later` has, of later runs.
    ///
    /// # Panics
    /// If the two are not for the same designs and metrics.
    pub fn merge(&mut self, later: &Self) {
        assert_eq!(
            (self.designs, self.metrics, self.reference),
            (later.designs, later.metrics, later.reference),
            "of the same designs and metrics"
        );
        self.runs += later.runs;
        let all = self.values.iter_mut().chain(&mut self.differences);
        for (here, there) in all.zip(later.values.iter().chain(&later.differences)) {
            here.merge(there);
        }
    }

    /// Runs added.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Values of a metric of a design.
    #[must_use]
    pub fn value(&self, design: usize, metric: usize) -> &Stream {
        &self.values[design * self.metrics + metric]
    }

    /// Differences of a metric between a design and the reference.
    #[must_use]
    pub fn difference(&self, design: usize, metric: usize) -> &Stream {
        &self.differences[design * self.metrics + metric]
    }

    /// Runs in which a metric of a design was undefined.
    #[must_use]
    pub fn undefined(&self, design: usize, metric: usize) -> u64 {
        self.runs - self.value(design, metric).count()
    }

    /// Interval of a difference, by Bonferroni for all designs that are compared with
    /// the reference.
    #[must_use]
    pub fn difference_interval(&self, design: usize, metric: usize, confidence: f64) -> Interval {
        self.difference(design, metric)
            .interval_with(&mut Quantiles::default(), self.shared_error(confidence))
    }

    /// The part of the error that each of the compared designs has.
    fn shared_error(&self, confidence: f64) -> f64 {
        (1.0 - confidence) / (self.designs - 1).max(1) as f64
    }

    /// What the difference says at `confidence`.
    #[must_use]
    pub fn call(&self, design: usize, metric: usize, better: Better, confidence: f64) -> Call {
        let interval = self.difference_interval(design, metric, confidence);
        self.call_of(design, metric, better, interval)
    }

    fn call_of(&self, design: usize, metric: usize, better: Better, interval: Interval) -> Call {
        if design == self.reference || better == Better::Neither {
            return Call::NotCompared;
        }
        let size = self
            .value(design, metric)
            .mean()
            .abs()
            .max(self.value(self.reference, metric).mean().abs());
        // Comparisons with NaN are false: without an interval nothing is called.
        let more = interval.low > 0.0 && interval.mean > ROUNDING * size;
        let less = interval.high < 0.0 && -interval.mean > ROUNDING * size;
        match (more, less, better) {
            (true, _, Better::Higher) | (_, true, Better::Lower) => Call::Better,
            (true, _, Better::Lower) | (_, true, Better::Higher) => Call::Worse,
            _ => Call::Undecided,
        }
    }

    /// A row for each design and metric, by design.
    ///
    /// # Panics
    /// If there are not as many names and metrics as it was made for.
    #[must_use]
    pub fn outcomes(&self, designs: &[&str], metrics: &[Metric], confidence: f64) -> Vec<Outcome> {
        assert_eq!(designs.len(), self.designs, "a name for each design");
        assert_eq!(metrics.len(), self.metrics, "a metric for each value");
        let mut quantiles = Quantiles::default();
        let mut rows = Vec::with_capacity(self.values.len());
        for (design, name) in designs.iter().enumerate() {
            for (metric, facts) in metrics.iter().enumerate() {
                let value = self.value(design, metric);
                let difference = self
                    .difference(design, metric)
                    .interval_with(&mut quantiles, self.shared_error(confidence));
                rows.push(Outcome {
                    design: (*name).to_owned(),
                    metric: facts.id.to_owned(),
                    value: value.interval_with(&mut quantiles, 1.0 - confidence),
                    difference,
                    call: self.call_of(design, metric, facts.better, difference),
                });
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Id, ALL};
    use crate::random::{generator, Purpose, Rng};
    use rand_distr::{Distribution, Exp1, StandardNormal};

    fn stream(values: &[f64]) -> Stream {
        let mut stream = Stream::default();
        for value in values {
            stream.add(*value);
        }
        stream
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }

    fn normal(rng: &mut Rng) -> f64 {
        StandardNormal.sample(rng)
    }

    #[test]
    fn an_interval_by_hand() {
        // 1, 2, 3, 4, 5: mean 3, deviation sqrt(10/4), t(0.975, 4) = 2.776445.
        let stream = stream(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        close(stream.deviation(), 2.5f64.sqrt());
        let half = 2.776_445 * (2.5f64 / 5.0).sqrt();
        let interval = stream.interval(0.95);
        close(interval.mean, 3.0);
        close(interval.low, 3.0 - half);
        close(interval.high, 3.0 + half);
    }

    #[test]
    fn what_is_undefined_is_left_out_and_counted() {
        let mut paired = Paired::new(2, 1, 1);
        paired.add(&[3.0, 1.0]);
        paired.add(&[f64::NAN, 5.0]);
        paired.add(&[7.0, f64::INFINITY]);
        paired.add(&[4.0, 3.0]);
        close(paired.value(0, 0).mean(), (3.0 + 7.0 + 4.0) / 3.0);
        close(paired.value(1, 0).mean(), 3.0);
        // Both are defined in the first and the last.
        close(paired.difference(0, 0).mean(), 1.5);
        assert_eq!(paired.difference(0, 0).count(), 2);
        assert_eq!((paired.undefined(0, 0), paired.undefined(1, 0)), (1, 1));
        assert_eq!(paired.runs(), 4);
    }

    #[test]
    fn one_run_has_no_interval_and_calls_nothing() {
        let mut paired = Paired::new(2, 1, 1);
        paired.add(&[3.0, 1.0]);
        let interval = paired.difference_interval(0, 0, 0.95);
        assert_eq!(interval.mean, 2.0);
        assert!(interval.low.is_nan() && interval.high.is_nan());
        assert_eq!(paired.call(0, 0, Better::Higher, 0.95), Call::Undecided);
        assert!(Stream::default().mean().is_nan());
    }

    #[test]
    fn a_call_follows_what_is_better_and_only_beyond_the_interval() {
        let mut paired = Paired::new(3, 1, 2);
        for step in 0..10 {
            let noise = f64::from(step % 2);
            // The first is 2 to 3 above, the second between 2 below and 2 above.
            paired.add(&[12.0 + noise, 8.0 + 4.0 * noise, 10.0]);
        }
        assert_eq!(paired.call(0, 0, Better::Higher, 0.95), Call::Better);
        assert_eq!(paired.call(0, 0, Better::Lower, 0.95), Call::Worse);
        assert_eq!(paired.call(0, 0, Better::Neither, 0.95), Call::NotCompared);
        assert_eq!(paired.call(1, 0, Better::Higher, 0.95), Call::Undecided);
        assert_eq!(paired.call(2, 0, Better::Higher, 0.95), Call::NotCompared);

        let mut below = Paired::new(2, 1, 0);
        below.add(&[5.0, 3.0]);
        below.add(&[5.0, 2.0]);
        below.add(&[5.0, 3.0]);
        assert_eq!(below.call(1, 0, Better::Higher, 0.95), Call::Worse);
        assert_eq!(below.call(1, 0, Better::Lower, 0.95), Call::Better);
    }

    #[test]
    fn the_same_in_every_run_is_undecided_and_a_constant_difference_is_called() {
        let mut paired = Paired::new(4, 1, 3);
        for run in 0..5 {
            let base = 0.1 * f64::from(run) + 0.3;
            // Other orders of summation, the same thing; and a real, constant gap.
            let (above, below) = (base * (1.0 + 1e-14), base * (1.0 - 1e-14));
            paired.add(&[above, below, base + 0.5, base]);
        }
        assert!(paired.difference_interval(0, 0, 0.95).low > 0.0);
        assert!(paired.difference_interval(1, 0, 0.95).high < 0.0);
        assert_eq!(paired.call(0, 0, Better::Lower, 0.95), Call::Undecided);
        assert_eq!(paired.call(1, 0, Better::Lower, 0.95), Call::Undecided);
        assert_eq!(paired.call(2, 0, Better::Lower, 0.95), Call::Worse);
    }

    #[test]
    fn the_error_is_shared_by_all_designs_that_are_compared() {
        let values = [0.3, -0.1, 0.5, 0.2, 0.4];
        let of = |designs: usize| {
            let mut paired = Paired::new(designs, 1, designs - 1);
            for value in values {
                let mut run = vec![value; designs];
                run[designs - 1] = 0.0;
                paired.add(&run);
            }
            paired.difference_interval(0, 0, 0.95)
        };
        let alone = stream(&values).interval(0.95);
        assert_eq!(of(2), alone);
        // Thirteen compared: 1 - 0.05 / 13.
        let shared = stream(&values).interval(1.0 - 0.05 / 13.0);
        close(of(14).low, shared.low);
        close(of(14).high, shared.high);
        assert!(shared.low < alone.low && shared.high > alone.high);
    }

    #[test]
    fn pairing_sees_what_unpaired_runs_hide() {
        let mut paired = Paired::new(2, 1, 1);
        let mut rng = generator(11, 0, Purpose::Demand);
        for _ in 0..30 {
            let luck = 100.0 * normal(&mut rng);
            paired.add(&[luck + 1.0 + 0.1 * normal(&mut rng), luck]);
        }
        assert_eq!(paired.call(0, 0, Better::Higher, 0.99), Call::Better);
        let value = paired.value(0, 0).interval(0.99);
        let other = paired.value(1, 0).interval(0.99);
        assert!(value.low < other.high && other.low < value.high);
    }

    /// In how many of 2,000 experiments the interval of 20 draws with mean `mean`
    /// holds it.
    fn covered(mean: f64, draw: impl Fn(&mut Rng) -> f64) -> u32 {
        (0..2_000)
            .filter(|experiment| {
                let mut rng = generator(3, *experiment, Purpose::Demand);
                let mut stream = Stream::default();
                for _ in 0..20 {
                    stream.add(draw(&mut rng));
                }
                let interval = stream.interval(0.95);
                interval.low <= mean && mean <= interval.high
            })
            .map(|_| 1)
            .sum()
    }

    #[test]
    fn ninety_five_percent_is_ninety_five_percent() {
        let normal = covered(4.0, |rng| 4.0 + 3.0 * normal(rng));
        assert!((1_860..=1_940).contains(&normal), "{normal}");
        // Twenty draws of a skewed distribution promise a little too much.
        let skewed = covered(1.0, |rng| Exp1.sample(rng));
        assert!((1_780..=1_900).contains(&skewed), "{skewed}");
    }

    #[test]
    fn all_of_a_row_hold_at_once_as_often_as_promised() {
        let mut held = 0;
        for experiment in 0..1_000 {
            let mut rng = generator(5, experiment, Purpose::Demand);
            let mut paired = Paired::new(14, 1, 13);
            for _ in 0..20 {
                let run: Vec<f64> = (0..14).map(|_| normal(&mut rng)).collect();
                paired.add(&run);
            }
            held += u32::from((0..13).all(|design| {
                let interval = paired.difference_interval(design, 0, 0.95);
                interval.low <= 0.0 && 0.0 <= interval.high
            }));
        }
        // Bonferroni holds what it promises and a little more: the differences share
        // the reference.
        assert!((940..=990).contains(&held), "{held}");
    }

    #[test]
    fn chunks_merged_in_order_give_the_same_bits_whoever_computes_them() {
        use rayon::prelude::*;
        let chunk = |number: u64| {
            let mut paired = Paired::new(2, 2, 1);
            for run in number * 8..(number + 1) * 8 {
                let mut rng = generator(9, run, Purpose::Demand);
                let values: Vec<f64> = (0..4).map(|_| normal(&mut rng)).collect();
                paired.add(&values);
            }
            paired
        };
        let with = |cores: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(cores)
                .build()
                .unwrap();
            let chunks: Vec<Paired> =
                pool.install(|| (0u64..12).into_par_iter().map(chunk).collect());
            let mut all = Paired::new(2, 2, 1);
            for chunk in &chunks {
                all.merge(chunk);
            }
            all
        };
        let one = with(1);
        assert_eq!(one, with(3));
        // And the same numbers as without chunks.
        let mut sequential = Paired::new(2, 2, 1);
        for run in 0..96 {
            let mut rng = generator(9, run, Purpose::Demand);
            let values: Vec<f64> = (0..4).map(|_| normal(&mut rng)).collect();
            sequential.add(&values);
        }
        assert_eq!(one.runs(), 96);
        for (a, b) in one.values.iter().zip(&sequential.values) {
            assert_eq!(a.count(), b.count());
            assert!((a.mean() - b.mean()).abs() < 1e-12);
            assert!((a.deviation() - b.deviation()).abs() < 1e-12);
        }
    }

    #[test]
    fn rows_are_by_design_and_then_by_metric() {
        let metrics = [ALL[Id::GiniOwner as usize], ALL[Id::Spent as usize]];
        let mut paired = Paired::new(2, 2, 1);
        paired.add(&[0.9, 0.5, 0.6, 0.7]);
        paired.add(&[0.8, 0.6, 0.5, 0.7]);
        let rows = paired.outcomes(&["stake", "plimsoll"], &metrics, 0.9);
        let names: Vec<_> = rows
            .iter()
            .map(|row| (row.design.as_str(), row.metric.as_str(), row.call))
            .collect();
        assert_eq!(
            names,
            [
                ("stake", "gini-owner", Call::Worse),
                ("stake", "spent", Call::NotCompared),
                ("plimsoll", "gini-owner", Call::NotCompared),
                ("plimsoll", "spent", Call::NotCompared),
            ]
        );
        close(rows[0].value.mean, 0.85);
        close(rows[0].difference.mean, 0.3);
        close(rows[2].difference.mean, 0.0);
    }

    #[test]
    fn a_table_has_the_intervals_that_each_of_its_cells_has_alone() {
        let metrics = [ALL[Id::GiniOwner as usize], ALL[Id::P10Margin as usize]];
        let mut paired = Paired::new(3, 2, 2);
        let mut rng = generator(13, 0, Purpose::Demand);
        for run in 0..6 {
            let mut values: Vec<f64> = (0..6).map(|_| normal(&mut rng)).collect();
            // The second metric of the first design is undefined in half of the runs.
            if run % 2 == 0 {
                values[1] = f64::NAN;
            }
            paired.add(&values);
        }
        let rows = paired.outcomes(&["a", "b", "c"], &metrics, 0.9);
        for (place, row) in rows.iter().enumerate() {
            let (design, metric) = (place / 2, place % 2);
            let value = paired.value(design, metric).interval(0.9);
            assert_eq!(row.value, value);
            let difference = paired.difference_interval(design, metric, 0.9);
            assert_eq!(row.difference, difference);
            let call = paired.call(design, metric, metrics[metric].better, 0.9);
            assert_eq!(row.call, call);
        }
    }
}
