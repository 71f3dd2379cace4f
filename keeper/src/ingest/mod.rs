//! Taking receipts in: JSON Lines, CSV, and the Azure trace.
//!
//! What cannot be counted is quarantined with its reason and its line, and the rest
//! goes on. Reading a file again changes nothing, so an ingestion that was interrupted
//! is simply repeated.

pub mod azure;
mod files;
mod spool;

pub use files::{read, read_from, Flaw, Format, Line, Lines};
pub use spool::{take, Taken};

use crate::config::ReceiptsConfig;
use crate::journal::{Added, Journal, JournalError, Reason, Refusal};
use crate::meter::Meters;
use crate::receipt::{Network, Receipt};
use crate::{hexes, steps};
use plimsoll_interface::H160;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Receipts stored in one transaction. Enough that the transaction costs little beside
/// them, few enough that memory stays small and progress is seen.
const CHUNK: usize = 10_000;

/// Which receipts are taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intake {
    /// The network that receipts are signed for.
    pub network: Network,
    /// Whose receipts count.
    pub signers: BTreeSet<H160>,
    /// Whether receipts without a signature count.
    pub allow_unsigned: bool,
    /// The meters.
    pub meters: Meters,
}

/// Why a file was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// It cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nobody knows what it is.
    #[error("{}: its name ends in none of .jsonl, .ndjson, .json, .csv; say --format", .0.display())]
    Format(PathBuf),
    /// Its first line does not name the columns of receipts.
    #[error("{}: line 1: {reason}", .path.display())]
    Columns {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A trace was given to who expects receipts.
    #[error("{}: this is an Azure trace, which has neither operators nor clients; say --format azure with --operators, --clients and --start-ms", .0.display())]
    Trace(PathBuf),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Intake {
    /// As configured.
    #[must_use]
    pub fn new(receipts: &ReceiptsConfig, meters: &Meters) -> Self {
        Self {
            network: Network::new(&receipts.network),
            signers: receipts.signers.iter().copied().collect(),
            allow_unsigned: receipts.allow_unsigned,
            meters: meters.clone(),
        }
    }

    /// Whether a receipt may be taken in, as far as can be seen without the chain.
    ///
    /// # Errors
    /// The reason, in short and in words.
    pub fn check(&self, receipt: &Receipt) -> Result<(), (Reason, String)> {
        let impossible = |error: &dyn std::fmt::Display| (Reason::Impossible, error.to_string());
        receipt.check().map_err(|error| impossible(&error))?;
        let meters: Vec<_> = self.meters.clone().into();
        for meter in meters {
            meter.units(receipt).map_err(|error| impossible(&error))?;
        }
        if receipt.signature.is_none() {
            return if self.allow_unsigned {
                Ok(())
            } else {
                let reason = "it is not signed; receipts.allow_unsigned would let it in";
                Err((Reason::Unsigned, reason.into()))
            };
        }
        match receipt.signer(&self.network) {
            Some(signer) if self.signers.contains(&signer) => Ok(()),
            Some(signer) => Err((
                Reason::UnknownSigner,
                format!(
                    "signed by {}, who is not in receipts.signers; or it was changed, or signed for another network",
                    hexes::show(signer)
                ),
            )),
            None => Err((Reason::UnknownSigner, "its signature is nobody's".into())),
        }
    }

    fn sort(&self, lines: Vec<Line>) -> Sorted {
        let mut sorted = Sorted::default();
        for line in lines {
            match line {
                Err(flaw) if flaw.broken => sorted.broken = Some(flaw.reason),
                Err(flaw) => sorted.refusals.push(Refusal {
                    id: None,
                    line: flaw.line,
                    code: Reason::Unreadable,
                    reason: flaw.reason,
                    body: flaw.body,
                }),
                Ok((number, receipt)) => match self.check(&receipt) {
                    Ok(()) => sorted.receipts.push((Some(number), receipt)),
                    Err((code, reason)) => sorted.refusals.push(Refusal {
                        id: Some(receipt.id),
                        line: Some(number),
                        code,
                        reason,
                        body: serde_json::to_string(&receipt).unwrap_or_default(),
                    }),
                },
            }
        }
        sorted
    }
}

/// Lines of a file, as they are stored.
#[derive(Default)]
struct Sorted {
    receipts: Vec<(Option<u64>, Receipt)>,
    refusals: Vec<Refusal>,
    /// Why the rest of the file cannot be read.
    broken: Option<String>,
}

/// Takes the receipts of a file in. `progress` hears the sums so far, every few
/// thousand receipts.
///
/// # Errors
/// See [`IngestError`]; also if the file cannot be read to its end. What was stored
/// before stays; the file can be given again.
pub async fn ingest(
    journal: &Journal,
    intake: &Intake,
    path: &Path,
    mut lines: Lines,
    mut progress: impl FnMut(&Added),
) -> Result<Added, IngestError> {
    let intake = Arc::new(intake.clone());
    let mut sum = Added::default();
    loop {
        let checking = intake.clone();
        // Reading and recovering signers takes the processor, not the event loop.
        let chunk = tokio::task::spawn_blocking(move || {
            let chunk: Vec<Line> = lines.by_ref().take(CHUNK).collect();
            let done = chunk.len() < CHUNK;
            (checking.sort(chunk), lines, done)
        });
        let failed = |source| IngestError::File {
            path: path.to_owned(),
            source,
        };
        let (sorted, rest, done) = chunk
            .await
            .map_err(|error| failed(std::io::Error::other(error)))?;
        lines = rest;
        steps::reached(steps::INGEST_READ).await;
        let added = journal
            .add(path.display().to_string(), sorted.receipts, sorted.refusals)
            .await?;
        sum.added += added.added;
        sum.known += added.known;
        sum.quarantined += added.quarantined;
        progress(&sum);
        if let Some(reason) = sorted.broken {
            return Err(failed(std::io::Error::other(reason)));
        }
        if done {
            return Ok(sum);
        }
    }
}
