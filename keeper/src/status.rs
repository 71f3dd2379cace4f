//! `plimsoll status`: how the keeper is.
//!
//! It asks the daemon, and opens the journal itself only when none runs.

use crate::hexes;
use crate::journal::{Counts, Journal, JournalError, Quarantined, StoredBatch};
use plimsoll_interface::ClockView;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

/// How many of the newest batches are shown, and of the newest quarantined texts unless
/// somebody wants more.
pub const SHOWN: u32 = 10;

/// How long the daemon may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How a keeper is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Whether the daemon runs.
    pub running: bool,
    /// The contract.
    pub contract: String,
    /// Whether the contract answered at the last look; none if nobody looks.
    pub chain_up: Option<bool>,
    /// The contract's clock at the last look.
    pub clock: Option<ClockStatus>,
    /// Where receipts are.
    pub receipts: Counts,
    /// The newest batches.
    pub batches: Vec<BatchStatus>,
    /// The newest quarantined texts.
    pub quarantine: Vec<Quarantined>,
    /// How each step is; none if the daemon does not run.
    pub steps: Vec<StepStatus>,
}

/// The contract's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStatus {
    /// The chain's time, in ms since 1970.
    pub now: u64,
    /// The current epoch.
    pub epoch: u32,
    /// Whether genesis has come.
    pub started: bool,
    /// Whether a pause is on.
    pub stopped: bool,
    /// Every worked epoch below it is settled.
    pub settled_to: u32,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchStatus {
    /// The epoch.
    pub epoch: u32,
    /// The lane.
    pub lane: u32,
    /// Its number there.
    pub seq: u64,
    /// How many receipts it counts.
    pub receipts: u64,
    /// How far it has come.
    pub state: String,
    /// What was last said about it.
    pub note: Option<String>,
}

/// A step of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStatus {
    /// Its name.
    pub step: String,
    /// Seconds since it last did all there was to do, or since the start.
    pub seconds_since_success: u64,
    /// Failures since then.
    pub failures: u32,
    /// The last failure.
    pub last_error: Option<String>,
    /// Whether only a person can mend it.
    pub needs_attention: bool,
}

impl From<ClockView> for ClockStatus {
    fn from(view: ClockView) -> Self {
        Self {
            now: view.now,
            epoch: view.epoch,
            started: view.started,
            stopped: view.stopped,
            settled_to: view.settled_to,
        }
    }
}

impl From<StoredBatch> for BatchStatus {
    fn from(batch: StoredBatch) -> Self {
        Self {
            epoch: batch.header.epoch,
            lane: batch.header.lane,
            seq: batch.header.seq,
            receipts: batch.header.receipts,
            state: batch.state.name().into(),
            note: batch.note,
        }
    }
}

impl Status {
    /// What the journal tells by itself, with the newest `quarantined` quarantined texts.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn of_journal(journal: &Journal, quarantined: u32) -> Result<Self, JournalError> {
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").into(),
            contract: hexes::show(journal.identity().contract),
            receipts: journal.counts().await?,
            batches: journal
                .recent(SHOWN)
                .await?
                .into_iter()
                .map(Into::into)
                .collect(),
            quarantine: journal.quarantined(quarantined).await?,
            ..Self::default()
        })
    }
}

/// A text from outside as it may stand on a terminal: what would steer it, or begin a
/// line of its own, is a mark instead.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            f.write_char(if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            })
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = if self.running {
            "running"
        } else {
            "not running"
        };
        writeln!(
            f,
            "keeper {} of contract {}, {running}",
            Plain(&self.version),
            Plain(&self.contract)
        )?;
        if self.chain_up == Some(false) {
            writeln!(f, "chain: the contract did not answer at the last look")?;
        }
        if let Some(clock) = self.clock {
            let state = match (clock.started, clock.stopped) {
                (false, _) => ", before genesis",
                (true, true) => ", the clock is stopped",
                (true, false) => "",
            };
            writeln!(
                f,
                "epoch {}{state}; settled below {}",
                clock.epoch, clock.settled_to
            )?;
        }
        let receipts = &self.receipts;
        writeln!(
            f,
            "receipts: {} waiting, {} in batches, {} counted; {} late",
            receipts.pending, receipts.batched, receipts.counted, receipts.late
        )?;
        let quarantined: Vec<_> = receipts
            .quarantined
            .iter()
            .map(|(reason, count)| format!("{} {count}", Plain(reason)))
            .collect();
        if !quarantined.is_empty() {
            writeln!(f, "quarantined: {}", quarantined.join(", "))?;
        }
        let counts = receipts.quarantined.values();
        let all = counts.fold(0_u64, |all, count| all.saturating_add(*count));
        let shown = self.quarantine.len() as u64;
        if shown < all {
            writeln!(
                f,
                "the newest {shown} of {all}; `plimsoll status --quarantine N` shows more:"
            )?;
        }
        for item in &self.quarantine {
            let line = item.line.map_or(String::new(), |line| format!(":{line}"));
            let id = Plain(item.id.as_deref().unwrap_or("no id"));
            writeln!(
                f,
                "  {}{line}: {id}: {}: {}",
                Plain(&item.source),
                Plain(&item.code),
                Plain(&item.reason)
            )?;
        }
        if !self.batches.is_empty() {
            writeln!(f, "batches, the newest first:")?;
        }
        for batch in &self.batches {
            let note = batch
                .note
                .as_ref()
                .map_or(String::new(), |note| format!(": {}", Plain(note)));
            writeln!(
                f,
                "  epoch {} lane {} number {}: {} receipts, {}{note}",
                batch.epoch,
                batch.lane,
                batch.seq,
                batch.receipts,
                Plain(&batch.state)
            )?;
        }
        for step in self.steps.iter().filter(|step| step.failures > 0) {
            let attention = if step.needs_attention {
                ", needs attention"
            } else {
                ""
            };
            let error = Plain(step.last_error.as_deref().unwrap_or("unknown"));
            writeln!(
                f,
                "step {}: {} failures, last success {} s ago{attention}: {error}",
                Plain(&step.step),
                step.failures,
                step.seconds_since_success
            )?;
        }
        Ok(())
    }
}

/// What a daemon says of itself, with the newest `quarantined` quarantined texts; `None`
/// if none listens there.
///
/// # Errors
/// If something listens there and does not answer as a daemon.
pub async fn ask(listen: SocketAddr, quarantined: u32) -> Result<Option<Status>, reqwest::Error> {
    let http = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .build()?;
    let url = format!("http://{listen}/status?quarantine={quarantined}");
    match http.get(url).send().await {
        Ok(answer) => answer.error_for_status()?.json().await.map(Some),
        Err(error) if error.is_connect() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::open;
    use crate::receipt::tests::receipt;

    #[tokio::test]
    async fn without_a_daemon_the_journal_tells() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let twin = crate::receipt::Receipt {
            fee: 1,
            ..receipt(0, 1, 3)
        };
        let receipts = vec![(Some(1), receipt(0, 1, 3)), (Some(2), twin)];
        journal
            .add("a.jsonl".into(), receipts, vec![])
            .await
            .expect("writable");
        let text = Status::of_journal(&journal, SHOWN)
            .await
            .expect("readable")
            .to_string();
        assert!(text.contains("not running"), "{text}");
        assert!(text.contains("1 waiting"), "{text}");
        assert!(
            text.contains("a.jsonl:2") && text.contains("duplicate_id"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn more_of_the_quarantine_is_shown_to_whoever_wants_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let refusals = (0..30)
            .map(|number| crate::journal::Refusal {
                id: None,
                line: Some(number),
                code: crate::journal::Reason::Unreadable,
                reason: "no receipt".into(),
                body: number.to_string(),
            })
            .collect();
        journal
            .add("a.jsonl".into(), vec![], refusals)
            .await
            .expect("writable");
        for (wanted, lines) in [(SHOWN, 10), (20, 20), (100, 30)] {
            let status = Status::of_journal(&journal, wanted)
                .await
                .expect("readable");
            let text = status.to_string();
            assert_eq!(text.matches("a.jsonl:").count(), lines, "{text}");
            let hint = text.contains("--quarantine N");
            assert_eq!(hint, lines < 30, "{text}");
        }
    }

    #[tokio::test]
    async fn nobody_listening_is_no_error() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("bound");
        drop(free);
        assert_eq!(ask(address, SHOWN).await.expect("not an error"), None);
    }
}
