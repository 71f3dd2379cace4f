//! The Azure inference trace as receipts.
//!
//! | receipt | from |
//! |---|---|
//! | `id` | keccak-256 of the dispatcher's salt and the row's number |
//! | `operator`, `client`, `fee`, `completed_at` | the [`Dispatcher`]: the trace has none of them, or not on our clock |
//! | `model` | [`MODEL`] |
//! | `verification` | none |
//! | `input_tokens` | `ContextTokens` |
//! | `cached_input_tokens` | 0 |
//! | `output_tokens` | `GeneratedTokens` |
//! | `signature` | of the key that is given, else none |

use super::files::{Flaw, Line, Lines};
use super::IngestError;
use crate::keys::{keccak, Key};
use crate::receipt::{hash_client, Mode, Network, Receipt};
use plimsoll_mechanism::{Hash, OperatorIndex};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::PrimitiveDateTime;

/// The trace's columns.
pub const COLUMNS: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

/// The name of the model, which the trace does not tell.
pub const MODEL: &str = "azure-llm-2023-conv";

const STAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]");

/// A job of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number in the file, from 0.
    pub row: u64,
    /// When it came, in ms since 1970 as the trace has it.
    pub at: u64,
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// Tokens generated.
    pub output_tokens: u64,
}

/// What the trace does not tell of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Who did it.
    pub operator: OperatorIndex,
    /// For whom.
    pub client: Hash,
    /// For how much, in base units.
    pub fee: u128,
    /// When it was completed, in ms since 1970.
    pub completed_at: u64,
}

/// Decides who does which job.
pub trait Dispatcher: Send {
    /// Who does this job, for whom.
    fn assign(&mut self, job: &Job) -> Assignment;
    /// What makes the ids of this replay differ from those of others.
    fn salt(&self) -> Hash;
}

/// Operators and clients drawn evenly, by hashes of a seed: enough to try a keeper.
#[derive(Clone, Debug)]
pub struct Even {
    /// How many operators there are; at least 1.
    pub operators: u32,
    /// How many clients there are; at least 1.
    pub clients: u32,
    /// When the first job is completed, in ms since 1970; the others keep their distance.
    pub start_ms: u64,
    /// What is paid for a token, in base units.
    pub fee_per_token: u128,
    /// What the draws follow from.
    pub seed: u64,
    /// The trace's time of the first job.
    pub first: Option<u64>,
}

impl Even {
    fn draw(&self, what: &str, row: u64, below: u32) -> u32 {
        let hash = keccak(format!("{what} {} {row}", self.seed).as_bytes());
        let mut head = [0; 8];
        head.copy_from_slice(&hash[..8]);
        // The remainder is below a u32.
        (u64::from_be_bytes(head) % u64::from(below.max(1))) as u32
    }
}

impl Dispatcher for Even {
    fn assign(&mut self, job: &Job) -> Assignment {
        let first = *self.first.get_or_insert(job.at);
        let client = self.draw("client", job.row, self.clients);
        let tokens = u128::from(job.input_tokens) + u128::from(job.output_tokens);
        Assignment {
            operator: self.draw("operator", job.row, self.operators),
            client: hash_client(&self.seed.to_be_bytes(), &format!("client {client}")),
            fee: tokens.saturating_mul(self.fee_per_token),
            completed_at: self.start_ms.saturating_add(job.at.saturating_sub(first)),
        }
    }

    fn salt(&self) -> Hash {
        keccak(format!("azure {} {}", self.seed, self.start_ms).as_bytes())
    }
}

/// The jobs of a trace.
///
/// # Errors
/// If the file cannot be read or has other columns.
pub fn jobs(path: &Path) -> Result<impl Iterator<Item = Result<Job, Flaw>> + Send, IngestError> {
    let file = File::open(path).map_err(|source| IngestError::File {
        path: path.to_owned(),
        source,
    })?;
    jobs_from(path, file)
}

/// The jobs of a trace read from anywhere; `path` names it in errors.
///
/// # Errors
/// If it has other columns.
pub fn jobs_from(
    path: &Path,
    from: impl Read + Send,
) -> Result<impl Iterator<Item = Result<Job, Flaw>> + Send, IngestError> {
    let mut reader = csv::Reader::from_reader(from);
    let columns = |reason: String| IngestError::Columns {
        path: path.to_owned(),
        reason,
    };
    let headers = reader
        .headers()
        .map_err(|error| columns(error.to_string()))?;
    if !headers.iter().eq(COLUMNS) {
        return Err(columns(format!(
            "the columns are not {}",
            COLUMNS.join(",")
        )));
    }
    let (path, mut ended) = (path.to_owned(), false);
    let mut rows = reader.into_records().enumerate();
    Ok(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let (row, record) = rows.next()?;
        let line = row as u64 + 2;
        Some(match record {
            Err(error) => {
                let flaw = Flaw::row(&path, line, &error);
                ended = flaw.broken;
                Err(flaw)
            }
            Ok(record) => parse(row as u64, &record).map_err(|reason| {
                Flaw::new(line, reason, record.iter().collect::<Vec<_>>().join(","))
            }),
        })
    }))
}

fn parse(row: u64, record: &csv::StringRecord) -> Result<Job, String> {
    let number = |column: usize| {
        record[column].parse().map_err(|_| {
            format!(
                "column {}: `{}` is no number of tokens",
                COLUMNS[column], &record[column]
            )
        })
    };
    let stamp = PrimitiveDateTime::parse(&record[0], STAMP)
        .map_err(|error| format!("column {}: {error}", COLUMNS[0]))?;
    let nanoseconds = stamp.assume_utc().unix_timestamp_nanos();
    Ok(Job {
        row,
        at: u64::try_from(nanoseconds / 1_000_000)
            .map_err(|_| format!("column {}: before 1970", COLUMNS[0]))?,
        input_tokens: number(1)?,
        output_tokens: number(2)?,
    })
}

/// The receipt of a job.
#[must_use]
pub fn receipt(job: &Job, dispatcher: &mut dyn Dispatcher) -> Receipt {
    let Assignment {
        operator,
        client,
        fee,
        completed_at,
    } = dispatcher.assign(job);
    let id = keccak(&[&dispatcher.salt()[..], &job.row.to_be_bytes()].concat());
    Receipt {
        id,
        operator,
        client,
        model: MODEL.into(),
        verification: Mode::None,
        evidence: None,
        input_tokens: job.input_tokens,
        cached_input_tokens: 0,
        output_tokens: job.output_tokens,
        fee,
        completed_at,
        signature: None,
    }
}

/// The receipts of a trace, signed if a key is given.
///
/// # Errors
/// If the file cannot be read or has other columns.
pub fn read(
    path: &Path,
    mut dispatcher: Box<dyn Dispatcher>,
    signer: Option<(Network, Key)>,
) -> Result<Lines, IngestError> {
    let lines = jobs(path)?.map(move |job| -> Line {
        let job = job?;
        let mut receipt = receipt(&job, dispatcher.as_mut());
        if let Some((network, key)) = &signer {
            receipt.sign(network, key);
        }
        Ok((job.row + 2, receipt))
    });
    Ok(Box::new(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
        2023-11-16 18:15:46.6805900,374,44\n\
        2023-11-16 18:15:50.9951690,396,109\n\
        yesterday,1,2\n\
        2023-11-16 18:15:52,879,55\n";

    #[test]
    fn a_trace_becomes_receipts_and_a_bad_row_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("trace.csv");
        std::fs::write(&path, TRACE).expect("writable");
        let key = Key::from_bytes([5; 32]).expect("a key");
        let network = Network::new("test");
        let even = Even {
            operators: 3,
            clients: 2,
            start_ms: 1_000,
            fee_per_token: 2,
            seed: 7,
            first: None,
        };
        let signer = Some((network.clone(), key.clone()));
        let lines: Vec<_> = read(&path, Box::new(even.clone()), signer)
            .expect("a trace")
            .collect();
        let (line, first) = lines[0].clone().expect("a receipt");
        assert_eq!((line, first.completed_at), (2, 1_000));
        assert_eq!((first.input_tokens, first.output_tokens), (374, 44));
        assert_eq!(first.fee, 2 * 418);
        assert!(first.operator < 3);
        assert_eq!(first.signer(&network), Some(key.address()));
        let (_, second) = lines[1].clone().expect("a receipt");
        assert_eq!(
            second.completed_at,
            1_000 + 4_315,
            "to the ms, rounded down on both sides"
        );
        assert_ne!(first.id, second.id);
        let bad = lines[2].clone().expect_err("no time");
        assert_eq!(bad.line, Some(4));
        assert!(bad.reason.contains("TIMESTAMP"), "{}", bad.reason);
        assert!(lines[3].is_ok(), "without a fraction");

        let again: Vec<_> = read(&path, Box::new(even), None)
            .expect("a trace")
            .collect();
        assert_eq!(
            again[0].clone().expect("a receipt").1.id,
            first.id,
            "the same ids"
        );
    }
}
