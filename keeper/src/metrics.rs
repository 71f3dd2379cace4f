//! What the daemon counts, for Prometheus. All metrics are there from the start, at 0.

use crate::journal::{BatchState, Counts, Reason};
use crate::pipeline::run::Health;
use crate::pipeline::{Step, Tick};
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};
use std::time::Instant;

/// The name of a receipt's states.
const RECEIPT_STATES: [&str; 4] = ["pending", "batched", "counted", "late"];

/// Bounds of how long a step takes, in seconds: from a look at the journal to waiting
/// for finality.
const STEP_BOUNDS: [f64; 10] = [0.01, 0.05, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0, 120.0, 300.0];

/// The names of all metrics, as the documentation lists them.
pub const NAMES: [&str; 20] = [
    "plimsoll_info",
    "plimsoll_epoch",
    "plimsoll_clock_stopped",
    "plimsoll_chain_time_seconds",
    "plimsoll_chain_up",
    "plimsoll_receipts",
    "plimsoll_quarantined",
    "plimsoll_batches",
    "plimsoll_receipts_ingested_total",
    "plimsoll_batches_built_total",
    "plimsoll_batches_signed_total",
    "plimsoll_batches_accepted_total",
    "plimsoll_epochs_settled_total",
    "plimsoll_operators_raised_total",
    "plimsoll_rewards_booked_total",
    "plimsoll_claims_paid_total",
    "plimsoll_step_seconds_since_success",
    "plimsoll_step_failures_total",
    "plimsoll_step_needs_attention",
    "plimsoll_step_duration_seconds",
];

/// The metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    epoch: IntGauge,
    stopped: IntGauge,
    time: Gauge,
    up: IntGauge,
    receipts: IntGaugeVec,
    quarantined: IntGaugeVec,
    batches: IntGaugeVec,
    ingested: IntCounter,
    built: IntCounter,
    signed: IntCounter,
    accepted: IntCounter,
    settled: IntCounter,
    raised: IntCounter,
    booked: IntCounter,
    claimed: IntCounter,
    since_success: GaugeVec,
    failures: IntCounterVec,
    attention: IntGaugeVec,
    duration: HistogramVec,
}

impl Metrics {
    /// All metrics at 0.
    ///
    /// # Errors
    /// If two have one name, which the tests rule out.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let gauges =
            |name: &str, help: &str, label: &str| -> Result<IntGaugeVec, prometheus::Error> {
                let metric = IntGaugeVec::new(Opts::new(name, help), &[label])?;
                registry.register(Box::new(metric.clone()))?;
                Ok(metric)
            };
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let metric = IntCounter::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let info = gauges(
            "plimsoll_info",
            "Always 1; the label is the program's version.",
            "version",
        )?;
        info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let time = Gauge::new(
            "plimsoll_chain_time_seconds",
            "The chain's time at the newest finalized block, seconds since 1970.",
        )?;
        registry.register(Box::new(time.clone()))?;
        let since_success = GaugeVec::new(
            Opts::new(
                "plimsoll_step_seconds_since_success",
                "Seconds since a step last did all there was to do, or since the start.",
            ),
            &["step"],
        )?;
        registry.register(Box::new(since_success.clone()))?;
        let failures = IntCounterVec::new(
            Opts::new("plimsoll_step_failures_total", "Failures of a step."),
            &["step"],
        )?;
        registry.register(Box::new(failures.clone()))?;
        let duration = HistogramVec::new(
            HistogramOpts::new(
                "plimsoll_step_duration_seconds",
                "How long a step took, waiting included.",
            )
            .buckets(STEP_BOUNDS.to_vec()),
            &["step"],
        )?;
        registry.register(Box::new(duration.clone()))?;
        let metrics = Self {
            epoch: gauge("plimsoll_epoch", "The current epoch.")?,
            stopped: gauge(
                "plimsoll_clock_stopped",
                "1 while the guardian has stopped the clock.",
            )?,
            up: gauge(
                "plimsoll_chain_up",
                "1 if the contract answered at the last look.",
            )?,
            receipts: gauges(
                "plimsoll_receipts",
                "Receipts in the journal, by state.",
                "state",
            )?,
            quarantined: gauges(
                "plimsoll_quarantined",
                "Receipts in quarantine, by reason.",
                "reason",
            )?,
            batches: gauges(
                "plimsoll_batches",
                "Batches in the journal, by state.",
                "state",
            )?,
            ingested: counter(
                "plimsoll_receipts_ingested_total",
                "Receipts taken in since the start.",
            )?,
            built: counter(
                "plimsoll_batches_built_total",
                "Batches built since the start.",
            )?,
            signed: counter(
                "plimsoll_batches_signed_total",
                "Batches signed since the start.",
            )?,
            accepted: counter(
                "plimsoll_batches_accepted_total",
                "Batches that the contract took since the start.",
            )?,
            settled: counter(
                "plimsoll_epochs_settled_total",
                "Epochs this keeper settled since the start.",
            )?,
            raised: counter(
                "plimsoll_operators_raised_total",
                "Operators this keeper raised since the start.",
            )?,
            booked: counter(
                "plimsoll_rewards_booked_total",
                "Rewards this keeper booked since the start.",
            )?,
            claimed: counter(
                "plimsoll_claims_paid_total",
                "Operators this keeper paid since the start.",
            )?,
            registry,
            time,
            since_success,
            failures,
            attention: IntGaugeVec::new(
                Opts::new(
                    "plimsoll_step_needs_attention",
                    "1 if only a person can mend what keeps a step back.",
                ),
                &["step"],
            )?,
            duration,
        };
        metrics
            .registry
            .register(Box::new(metrics.attention.clone()))?;
        metrics.zero();
        Ok(metrics)
    }

    fn zero(&self) {
        for state in RECEIPT_STATES {
            self.receipts.with_label_values(&[state]).set(0);
        }
        for reason in Reason::ALL {
            self.quarantined.with_label_values(&[reason.name()]).set(0);
        }
        for state in BatchState::ALL {
            self.batches.with_label_values(&[state.name()]).set(0);
        }
        for step in Step::ALL {
            let label = &[step.name()];
            self.since_success.with_label_values(label).set(0.0);
            self.failures.with_label_values(label).reset();
            self.attention.with_label_values(label).set(0);
            let _ = self.duration.with_label_values(label);
        }
    }

    /// After a tick; `None` if the contract did not answer.
    pub fn ticked(&self, tick: Option<&Tick>) {
        self.up.set(i64::from(tick.is_some()));
        let Some(tick) = tick else {
            return;
        };
        self.epoch.set(i64::from(tick.clock.epoch));
        self.stopped.set(i64::from(tick.clock.stopped));
        self.time.set(tick.clock.now as f64 / 1_000.0);
        let work = &tick.work;
        self.ingested.inc_by(work.ingested);
        self.built.inc_by(work.built.into());
        self.signed.inc_by(work.signed.into());
        self.accepted.inc_by(work.accepted.into());
        self.settled.inc_by(work.settled.len() as u64);
        self.raised.inc_by(work.raised.into());
        self.booked.inc_by(work.booked.booked.into());
        self.claimed.inc_by(work.claimed.paid.into());
        for ran in &tick.steps {
            let label = &[ran.step.name()];
            self.duration
                .with_label_values(label)
                .observe(ran.took.as_secs_f64());
            if ran.result.is_err() {
                self.failures.with_label_values(label).inc();
            }
        }
    }

    /// What is only known when somebody asks.
    pub fn refresh(&self, health: &Health, counts: &Counts, batches: &[(String, u64)]) {
        let now = Instant::now();
        for step in Step::ALL {
            let label = &[step.name()];
            let since = health.since_success(step, now).as_secs_f64();
            self.since_success.with_label_values(label).set(since);
            let attention = health.steps.get(&step).is_some_and(|s| s.needs_attention);
            self.attention
                .with_label_values(label)
                .set(attention.into());
        }
        let set = |gauge: &IntGaugeVec, label: &str, value: u64| {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            gauge.with_label_values(&[label]).set(value);
        };
        set(&self.receipts, "pending", counts.pending);
        set(&self.receipts, "batched", counts.batched);
        set(&self.receipts, "counted", counts.counted);
        set(&self.receipts, "late", counts.late);
        for reason in Reason::ALL {
            let count = counts.quarantined.get(reason.name()).copied().unwrap_or(0);
            set(&self.quarantined, reason.name(), count);
        }
        for state in BatchState::ALL {
            let count = batches.iter().find(|(name, _)| name == state.name());
            set(
                &self.batches,
                state.name(),
                count.map_or(0, |(_, count)| *count),
            );
        }
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// If the metrics cannot be written as text.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_there_from_the_start() {
        let text = Metrics::new()
            .expect("distinct names")
            .text()
            .expect("text");
        for name in NAMES {
            assert!(
                text.contains(&format!("# TYPE {name} ")),
                "{name} is missing"
            );
        }
        let types = text
            .lines()
            .filter(|line| line.starts_with("# TYPE"))
            .count();
        assert_eq!(types, NAMES.len(), "a metric is not in the list");
        for step in Step::ALL {
            let line = format!("plimsoll_step_failures_total{{step=\"{}\"}} 0", step.name());
            assert!(text.contains(&line), "{line}");
        }
    }
}
