//! What work arrives: jobs of clients, epoch after epoch.

use super::dispatch::Dispatcher;
use super::draw::{gamma, round, uniform, Normal};
use super::{Load, Operator};
use crate::data::servegen;
use crate::random::{generator, Purpose, Rng};
use crate::scenario::{Inputs, Settings};
use plimsoll_mechanism::pools::Work;
use std::sync::Arc;

/// Up to so many jobs their sizes are drawn one by one. For more, their sum is drawn from
/// the normal distribution with the exact mean and variance of the sum: for 32 jobs of
/// the Azure trace, whose skewness is 2, that of the sum is below 0.4.
pub const DRAWN_ONE_BY_ONE: u64 = 32;

/// Sizes of jobs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Jobs {
    sizes: Vec<u64>,
    /// Mean size, in work units.
    pub(super) mean: f64,
    /// Standard deviation, in work units.
    deviation: f64,
    smallest: u64,
    largest: u64,
}

impl Jobs {
    /// # Panics
    /// Never for a scenario's jobs, of which there is at least one.
    pub(super) fn new(sizes: Vec<u64>) -> Self {
        let count = sizes.len() as f64;
        let mean = sizes.iter().map(|size| *size as f64).sum::<f64>() / count;
        let square = |size: &u64| (*size as f64 - mean) * (*size as f64 - mean);
        let variance = sizes.iter().map(square).sum::<f64>() / count;
        Self {
            mean,
            deviation: variance.sqrt(),
            smallest: sizes.iter().copied().min().unwrap_or(0),
            largest: sizes.iter().copied().max().unwrap_or(0),
            sizes,
        }
    }

    /// Work units of `jobs` jobs.
    fn units(&self, jobs: u64, rng: &mut Rng, normal: &mut Normal) -> u64 {
        if jobs <= DRAWN_ONE_BY_ONE {
            let count = self.sizes.len();
            return (0..jobs)
                .map(|_| self.sizes[(uniform(rng) * count as f64) as usize])
                .sum();
        }
        let sum =
            jobs as f64 * self.mean + (jobs as f64).sqrt() * self.deviation * normal.draw(rng);
        (sum.round() as u64).clamp(jobs * self.smallest, jobs * self.largest)
    }
}

/// A client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Client {
    /// Its share of all requests.
    pub(super) share: f64,
    /// Square of the coefficient of variation of the gaps between its requests.
    gaps: f64,
    /// Square of the coefficient of variation of what it sends in a day, for that it
    /// does not send all the time.
    days: f64,
}

/// Days of the client data: a client that was active at all was so on one of them.
const MEASURED_DAYS: f64 = 14.0;

/// The clients, the largest first.
pub(super) fn clients(rows: &[servegen::Client]) -> Vec<Client> {
    let total: f64 = rows.iter().map(|row| row.requests_total as f64).sum();
    let mut clients: Vec<Client> = rows
        .iter()
        .map(|row| {
            // Active in a part `a` of all windows. How they lie over days is not in the
            // data; if they fill whole days, what is sent in a day is 1/a times the mean with
            // probability a and 0 otherwise: variance (1 - a) / a, the most there can be.
            let active = f64::from(row.active_10min_windows) / f64::from(row.windows.max(1));
            let active = active.clamp(1.0 / MEASURED_DAYS, 1.0);
            Client {
                share: row.requests_total as f64 / total,
                gaps: row.rate_weighted_cv * row.rate_weighted_cv,
                days: (1.0 - active) / active,
            }
        })
        .collect();
    clients.sort_by(|a, b| b.share.total_cmp(&a.share));
    clients
}

/// A load curve, repeated for ever.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curve {
    /// Beginning of each step, in seconds, and the load before it, in load seconds.
    steps: Vec<(f64, f64)>,
    /// Load of each step; the mean of all is 1.
    rates: Vec<f64>,
    /// Length, in seconds.
    period: f64,
}

impl Curve {
    /// Every point lasts until the next, the last one as long as the one before it.
    pub(super) fn new(points: &[servegen::Point]) -> Self {
        let start = points[0].t_seconds;
        let begins = |index: usize| (points[index].t_seconds - start) as f64;
        let last = points.len() - 1;
        let period = begins(last) + (begins(last) - begins(last - 1));
        let lasts = |index: usize| {
            let end = if index == last {
                period
            } else {
                begins(index + 1)
            };
            end - begins(index)
        };
        let all: f64 = (0..points.len())
            .map(|index| points[index].rate_rps * lasts(index))
            .sum();
        let rates: Vec<f64> = points
            .iter()
            .map(|point| point.rate_rps * period / all)
            .collect();
        let mut before = 0.0;
        let steps = (0..points.len())
            .map(|index| {
                let step = (begins(index), before);
                before += rates[index] * lasts(index);
                step
            })
            .collect();
        Self {
            steps,
            rates,
            period,
        }
    }

    /// Mean load from `from` to `to`, in seconds; 1 over whole periods.
    pub(super) fn mean(&self, from: f64, to: f64) -> f64 {
        (self.until(to) - self.until(from)) / (to - from)
    }

    /// Load seconds up to `time`.
    fn until(&self, time: f64) -> f64 {
        let periods = (time / self.period).floor();
        let within = time - periods * self.period;
        let step = self.steps.partition_point(|(begin, _)| *begin <= within) - 1;
        let (begin, before) = self.steps[step];
        // Rates have mean 1: a period carries as many load seconds as it is long.
        periods * self.period + before + self.rates[step] * (within - begin)
    }
}

/// What is the same for all runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Workload {
    pub(super) jobs: Jobs,
    pub(super) clients: Vec<Client>,
    pub(super) curve: Curve,
}

impl Workload {
    pub(super) fn new(inputs: &Inputs) -> Self {
        Self {
            jobs: Jobs::new(inputs.jobs.clone()),
            clients: clients(&inputs.clients),
            curve: Curve::new(&inputs.load),
        }
    }
}

/// The work of one run, epoch after epoch, as it would reach operators that are all
/// switched on.
#[derive(Clone, Debug)]
pub struct Demand {
    settings: Settings,
    workload: Arc<Workload>,
    dispatcher: Dispatcher,
    rng: Rng,
    normal: Normal,
    epoch: u32,
    /// Jobs of each client in this epoch.
    jobs: Vec<u64>,
}

impl Demand {
    pub(super) fn new(
        settings: &Settings,
        workload: &Arc<Workload>,
        run: u64,
        operators: &[Operator],
    ) -> Self {
        Self {
            dispatcher: Dispatcher::new(settings, workload, operators),
            settings: settings.clone(),
            workload: Arc::clone(workload),
            rng: generator(settings.run.seed, run, Purpose::Demand),
            normal: Normal::default(),
            epoch: 0,
            jobs: Vec::new(),
        }
    }

    /// Sets `load` to the work of the next epoch. `load` is for as many operators as the
    /// demand was made for.
    ///
    /// What all clients together ask for above what all operators together can do is
    /// turned away, from everybody the same part. Nobody is given more than it can do but
    /// by what the sizes of its jobs miss their mean by.
    pub fn next(&mut self, load: &mut Load) {
        for figures in [&mut load.jobs, &mut load.fragment, &mut load.bulk] {
            figures.fill(0);
        }
        self.arrive();
        self.epoch += 1;
        let threshold = u128::from(self.settings.fragment_threshold);
        self.dispatcher.clear();
        for (client, jobs) in self.jobs.iter().enumerate() {
            self.dispatcher.spread(client, *jobs, &mut self.rng);
            for (operator, jobs) in self.dispatcher.served() {
                let units = self
                    .workload
                    .jobs
                    .units(jobs, &mut self.rng, &mut self.normal);
                let work = Work::of_client(u128::from(units), threshold);
                load.jobs[operator] += jobs;
                // Neither is more than the units.
                load.fragment[operator] += work.fragment as u64;
                load.bulk[operator] += work.bulk as u64;
            }
        }
    }

    /// Work units that all clients together send in epoch `epoch` on average.
    fn expected(&self, epoch: u32) -> f64 {
        let run = &self.settings.run;
        let from = f64::from(epoch) * run.epoch_hours * 3_600.0;
        let to = from + run.epoch_hours * 3_600.0;
        let years = f64::from(epoch) * run.epoch_years();
        self.settings.demand.units_per_day
            * run.epoch_days()
            * libm::pow(1.0 + self.settings.demand.growth, years)
            * self.workload.curve.mean(from, to)
    }

    /// Draws how many jobs every client sends in this epoch.
    fn arrive(&mut self) {
        let mean = self.workload.jobs.mean;
        let all = self.expected(self.epoch) / mean;
        let noise = self.settings.demand.client_noise;
        let days = self.settings.run.epoch_days().max(1.0);
        self.jobs.clear();
        for client in &self.workload.clients {
            let expected = all * client.share;
            // Requests whose gaps vary by c: their number n in a long time has variance c^2 n
            // (Cox, "Renewal Theory", 1962).
            let variance = client.gaps / expected.max(1.0) + client.days / days;
            let sent = expected * gamma(&mut self.rng, &mut self.normal, noise * noise * variance);
            self.jobs.push(round(&mut self.rng, sent));
        }
        let sent: u64 = self.jobs.iter().sum();
        let room = self.dispatcher.all_room();
        if sent > room {
            let part = room as f64 / sent as f64;
            for jobs in &mut self.jobs {
                *jobs = (*jobs as f64 * part) as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(t_seconds: u64, rate_rps: f64) -> servegen::Point {
        servegen::Point {
            t_seconds,
            rate_rps,
        }
    }

    #[test]
    fn a_curve_is_repeated_and_has_mean_1() {
        // Ten seconds at 1, ten at 3: mean 2.
        let curve = Curve::new(&[point(100, 1.0), point(110, 3.0)]);
        assert_eq!(curve.mean(0.0, 20.0), 1.0);
        assert_eq!(curve.mean(0.0, 10.0), 0.5);
        assert_eq!(curve.mean(15.0, 25.0), 1.0);
        assert_eq!(curve.mean(30.0, 40.0), 1.5);
        assert_eq!(curve.mean(5.0, 15.0), 1.0);
    }

    #[test]
    fn a_client_that_is_always_active_varies_only_by_its_gaps() {
        let row = |active| servegen::Client {
            requests_total: 10,
            rate_weighted_cv: 2.0,
            active_10min_windows: active,
            windows: 2_016,
        };
        let clients = clients(&[row(2_016), row(1_008), row(1)]);
        let days: Vec<f64> = clients.iter().map(|client| client.days).collect();
        // Half of the time: variance 1. Once in two weeks: one day of fourteen.
        assert_eq!(days[..2], [0.0, 1.0]);
        assert!((days[2] - 13.0).abs() < 1e-9);
        assert!(clients.iter().all(|client| client.gaps == 4.0));
    }

    #[test]
    fn many_jobs_are_as_large_as_jobs_drawn_one_by_one() {
        let jobs = Jobs::new(
            crate::data::azure::requests()
                .iter()
                .map(|r| r.units())
                .collect(),
        );
        let mut rng = generator(1, 0, Purpose::Demand);
        let mut normal = Normal::default();
        let mut of = |count: u64, times: u32| {
            let sums: Vec<f64> = (0..times)
                .map(|_| jobs.units(count, &mut rng, &mut normal) as f64 / count as f64)
                .collect();
            let mean = sums.iter().sum::<f64>() / f64::from(times);
            let square = |sum: &f64| (sum - mean) * (sum - mean);
            (
                mean,
                sums.iter().map(square).sum::<f64>() / f64::from(times) * count as f64,
            )
        };
        // Mean 1,365.8 and variance 1,102.4^2 of the trace, on both sides of the switch.
        for count in [DRAWN_ONE_BY_ONE, DRAWN_ONE_BY_ONE + 1] {
            let (mean, variance) = of(count, 20_000);
            assert!((mean - 1_365.8).abs() < 6.0, "{count}: {mean}");
            assert!(
                (variance / (1_102.4 * 1_102.4) - 1.0).abs() < 0.04,
                "{count}: {variance}"
            );
        }
    }
}
