//! The daemon's loop: tick, look after failures, stop when told to.

use super::{Engine, Step, StepError, Tick};
use crate::chain::Class;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long a tick may go on after the daemon was told to stop. Whatever is sent by then
/// is in the journal and is found again at the next start.
const GRACE: Duration = Duration::from_secs(20);

/// How often the loop looks, and how long it pauses after failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two ticks.
    pub interval: Duration,
    /// At most, after failures in a row.
    pub longest: Duration,
}

impl Pace {
    /// How long a step rests after its `failures`-th failure in a row. What only a person
    /// can mend is looked at as rarely as anything; what mends itself soon at first.
    #[must_use]
    pub fn rest(&self, failures: u32, class: Class) -> Duration {
        match class {
            Class::OperatorAction => self.longest,
            _ => {
                let doubled = self
                    .interval
                    .saturating_mul(1 << failures.saturating_sub(1).min(16));
                doubled.min(self.longest)
            }
        }
    }
}

/// What is known of a step.
#[derive(Clone, Debug)]
pub struct StepHealth {
    /// When it last did all there was to do.
    pub last_success: Option<Instant>,
    /// Failures since then.
    pub failures: u32,
    /// The last failure.
    pub last_error: Option<String>,
    /// Whether somebody has to do something.
    pub needs_attention: bool,
    /// Until when it rests.
    rests_until: Option<Instant>,
}

/// What is known of all steps.
#[derive(Clone, Debug)]
pub struct Health {
    /// When the daemon started.
    pub started: Instant,
    /// By step.
    pub steps: BTreeMap<Step, StepHealth>,
}

impl Default for Health {
    fn default() -> Self {
        let never = StepHealth {
            last_success: None,
            failures: 0,
            last_error: None,
            needs_attention: false,
            rests_until: None,
        };
        Self {
            started: Instant::now(),
            steps: Step::ALL.map(|step| (step, never.clone())).into(),
        }
    }
}

impl Health {
    /// Whether a step rests at `now`.
    #[must_use]
    pub fn rests(&self, step: Step, now: Instant) -> bool {
        self.steps
            .get(&step)
            .and_then(|health| health.rests_until)
            .is_some_and(|until| now < until)
    }

    /// How long ago a step last did all there was to do; since the start if it never did.
    #[must_use]
    pub fn since_success(&self, step: Step, now: Instant) -> Duration {
        let since = self
            .steps
            .get(&step)
            .and_then(|health| health.last_success)
            .unwrap_or(self.started);
        now.saturating_duration_since(since)
    }

    /// Takes in how a step went at `now`.
    pub fn took(&mut self, step: Step, result: Result<(), &StepError>, pace: &Pace, now: Instant) {
        let Some(health) = self.steps.get_mut(&step) else {
            return;
        };
        match result {
            Ok(()) => {
                health.last_success = Some(now);
                health.failures = 0;
                health.last_error = None;
                health.needs_attention = false;
                health.rests_until = None;
            }
            Err(error) => {
                let class = error.class();
                health.failures = health.failures.saturating_add(1);
                health.last_error = Some(error.to_string());
                health.needs_attention = matches!(class, Class::OperatorAction | Class::Permanent);
                health.rests_until = Some(now + pace.rest(health.failures, class));
            }
        }
    }
}

/// Whoever wants to know how the daemon is.
pub trait Observer: Send + Sync {
    /// After each tick. `None` if the contract's clock could not be read.
    fn ticked(&self, tick: Option<&Tick>, health: &Health);
}

/// Nobody wants to know.
impl Observer for () {
    fn ticked(&self, _: Option<&Tick>, _: &Health) {}
}

/// Ticks until `stop` is ready. A tick that is under way then may go on for a short
/// while.
pub async fn run(
    engine: &mut Engine,
    pace: Pace,
    observer: &dyn Observer,
    stop: impl Future<Output = ()>,
) {
    let mut health = Health::default();
    let mut failures = 0_u32;
    tokio::pin!(stop);
    loop {
        let now = Instant::now();
        let resting: Vec<Step> = Step::ALL
            .into_iter()
            .filter(|step| health.rests(*step, now))
            .collect();
        let mut tick = Box::pin(engine.tick(|step| resting.contains(&step)));
        let (result, stopping) = tokio::select! {
            result = &mut tick => (Some(result), false),
            () = &mut stop => {
                tracing::info!("stopping");
                (tokio::time::timeout(GRACE, &mut tick).await.ok(), true)
            }
        };
        let pause = match result {
            Some(Ok(tick)) => {
                failures = 0;
                note(&tick, &mut health, &pace);
                observer.ticked(Some(&tick), &health);
                pace.interval
            }
            Some(Err(error)) => {
                failures = failures.saturating_add(1);
                tracing::warn!(%error, "the contract's clock cannot be read");
                observer.ticked(None, &health);
                pace.rest(failures, error.class())
            }
            None => {
                tracing::warn!("a transaction is still on its way; the next start looks for it");
                pace.interval
            }
        };
        if stopping {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = &mut stop => {
                tracing::info!("stopping");
                return;
            }
        }
    }
}

fn note(tick: &Tick, health: &mut Health, pace: &Pace) {
    let now = Instant::now();
    for ran in &tick.steps {
        let step = ran.step;
        health.took(step, ran.result.as_ref().copied(), pace, now);
        let Err(error) = &ran.result else {
            continue;
        };
        match error.class() {
            Class::OperatorAction | Class::Permanent => {
                tracing::error!(step = step.name(), %error, "a step needs attention");
            }
            _ => tracing::warn!(step = step.name(), %error, "a step will be tried again"),
        }
    }
    let work = &tick.work;
    if !work.is_nothing() {
        tracing::info!(
            epoch = tick.clock.epoch,
            ingested = work.ingested,
            built = work.built,
            signed = work.signed,
            accepted = work.accepted,
            settled = work.settled.len(),
            raised = work.raised,
            booked = work.booked.booked,
            claimed = work.claimed.paid,
            "worked"
        );
    }
}

/// Ready when the process is told to stop, by SIGINT or SIGTERM.
///
/// # Errors
/// If the system does not let us listen.
pub fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{signal, SignalKind};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        interval: Duration::from_secs(6),
        longest: Duration::from_secs(300),
    };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let rests: Vec<u64> = [1, 2, 3, 6, 7, 40]
            .map(|failures| PACE.rest(failures, Class::Retry).as_secs())
            .into();
        assert_eq!(rests, [6, 12, 24, 192, 300, 300]);
    }

    #[test]
    fn what_a_person_must_mend_is_looked_at_rarely() {
        assert_eq!(PACE.rest(1, Class::OperatorAction), PACE.longest);
    }

    #[test]
    fn a_step_that_fails_rests_alone_and_recovers_at_once() {
        let mut health = Health::default();
        let now = health.started;
        let error = StepError::Signatures("one of three".into());
        health.took(Step::Sign, Err(&error), &PACE, now);
        assert!(health.rests(Step::Sign, now + Duration::from_secs(5)));
        assert!(!health.rests(Step::Sign, now + Duration::from_secs(6)));
        assert!(!health.rests(Step::Settle, now));
        let later = now + Duration::from_secs(60);
        assert_eq!(health.since_success(Step::Sign, later).as_secs(), 60);
        health.took(Step::Sign, Ok(()), &PACE, later);
        assert_eq!(health.since_success(Step::Sign, later).as_secs(), 0);
        assert_eq!(health.steps[&Step::Sign].failures, 0);
    }
}
