//! What the daemon answers on its local address: `/status`, `/health`, `/metrics`.

use crate::config::RunConfig;
use crate::journal::{Journal, JournalError};
use crate::metrics::Metrics;
use crate::pipeline::run::{Health, Observer};
use crate::pipeline::{Step, Tick};
use crate::status::{ClockStatus, Status, StepStatus, SHOWN};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use plimsoll_interface::ClockView;
use serde_json::{json, Value};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A daemon that did not finish a round for so many intervals is not healthy: one round
/// may wait for a transaction's finality, a few cannot.
const ROUNDS_MISSED: u32 = 10;

/// What the daemon shows of itself.
pub struct Board {
    journal: Journal,
    metrics: Metrics,
    latest: Mutex<Latest>,
    patience: Duration,
}

struct Latest {
    health: Health,
    clock: Option<ClockView>,
    /// When the last round ended, with or without the contract's answer.
    round: Instant,
    /// Whether the contract answered then; none before the first round.
    up: Option<bool>,
}

impl Board {
    /// A board for a daemon that begins now; nothing takes longer than `longest_wait`
    /// (a transaction's finality).
    #[must_use]
    pub fn new(
        journal: Journal,
        metrics: Metrics,
        run: &RunConfig,
        longest_wait: Duration,
    ) -> Self {
        let interval = Duration::from_millis(run.interval_ms.max(run.backoff_max_ms));
        Self {
            journal,
            metrics,
            latest: Mutex::new(Latest {
                health: Health::default(),
                clock: None,
                round: Instant::now(),
                up: None,
            }),
            patience: interval.saturating_mul(2) + longest_wait.saturating_mul(ROUNDS_MISSED),
        }
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        // Whoever panicked while holding it left whole values.
        self.latest
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// How everything is, with the newest `quarantined` quarantined texts.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn status(&self, quarantined: u32) -> Result<Status, JournalError> {
        let mut status = Status::of_journal(&self.journal, quarantined).await?;
        let latest = self.latest();
        let now = Instant::now();
        status.running = true;
        status.chain_up = latest.up;
        status.clock = latest.clock.map(ClockStatus::from);
        status.steps = Step::ALL
            .iter()
            .map(|step| {
                let health = latest.health.steps.get(step);
                StepStatus {
                    step: step.name().into(),
                    seconds_since_success: latest.health.since_success(*step, now).as_secs(),
                    failures: health.map_or(0, |h| h.failures),
                    last_error: health.and_then(|h| h.last_error.clone()),
                    needs_attention: health.is_some_and(|h| h.needs_attention),
                }
            })
            .collect();
        Ok(status)
    }

    /// Whether the daemon does its rounds; a step that needs a person is told, and is no
    /// reason to restart the daemon.
    #[must_use]
    pub fn health(&self) -> (bool, Value) {
        let latest = self.latest();
        let since = latest.round.elapsed();
        let alive = since <= self.patience;
        let attention: Vec<_> = latest
            .health
            .steps
            .iter()
            .filter(|(_, health)| health.needs_attention)
            .map(|(step, _)| step.name())
            .collect();
        let state = if alive { "ok" } else { "stalled" };
        let body = json!({
            "status": state,
            "seconds_since_round": since.as_secs(),
            "chain_up": latest.up,
            "needs_attention": attention,
        });
        (alive, body)
    }

    async fn metrics(&self) -> Result<String, String> {
        let counts = self
            .journal
            .counts()
            .await
            .map_err(|error| error.to_string())?;
        let batches = self
            .journal
            .batch_counts()
            .await
            .map_err(|error| error.to_string())?;
        self.metrics
            .refresh(&self.latest().health, &counts, &batches);
        self.metrics.text().map_err(|error| error.to_string())
    }
}

impl Observer for Board {
    fn ticked(&self, tick: Option<&Tick>, health: &Health) {
        self.metrics.ticked(tick);
        let mut latest = self.latest();
        latest.health = health.clone();
        latest.round = Instant::now();
        latest.up = Some(tick.is_some());
        if let Some(tick) = tick {
            latest.clock = Some(tick.clock);
        }
    }
}

/// The routes.
pub fn router(board: Arc<Board>) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(board)
}

async fn status(
    State(board): State<Arc<Board>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Status>, (StatusCode, String)> {
    let quarantined = match query.as_deref().filter(|query| !query.is_empty()) {
        None => SHOWN,
        Some(query) => query
            .strip_prefix("quarantine=")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| {
                let reason = format!("{query}: /status takes quarantine=N and nothing else");
                (StatusCode::BAD_REQUEST, reason)
            })?,
    };
    let status = board.status(quarantined).await;
    status
        .map(Json)
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

async fn health(State(board): State<Arc<Board>>) -> (StatusCode, Json<Value>) {
    let (alive, body) = board.health();
    let status = if alive {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(body))
}

async fn metrics(State(board): State<Arc<Board>>) -> Result<String, (StatusCode, String)> {
    let text = board.metrics().await;
    text.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::open;
    use crate::journal::{Reason, Refusal};
    use crate::status::ask;

    #[tokio::test]
    async fn whoever_asks_says_how_much_of_the_quarantine_it_wants() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let refusals = (0..12)
            .map(|number| Refusal {
                id: None,
                line: Some(number),
                code: Reason::Unreadable,
                reason: "no receipt".into(),
                body: number.to_string(),
            })
            .collect();
        journal
            .add("a.jsonl".into(), vec![], refusals)
            .await
            .expect("writable");
        let metrics = Metrics::new().expect("distinct names");
        let second = Duration::from_secs(1);
        let board = Arc::new(Board::new(journal, metrics, &RunConfig::default(), second));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(listener, router(board)).await });
        for (wanted, shown) in [(0, 0), (SHOWN, 10), (100, 12)] {
            let status = ask(address, wanted).await.expect("it answers");
            let status = status.expect("it runs");
            assert_eq!(status.quarantine.len(), shown);
            assert_eq!(status.receipts.quarantined["unreadable"], 12);
        }
        let get = |query: &'static str| reqwest::get(format!("http://{address}/status{query}"));
        assert_eq!(get("").await.expect("it answers").status(), 200);
        for wrong in ["?quarantine=many", "?all=1"] {
            assert_eq!(get(wrong).await.expect("it answers").status(), 400);
        }
    }
}
