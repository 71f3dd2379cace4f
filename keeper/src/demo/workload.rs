//! Who did which job for whom: the trace's jobs handed to the population's operators,
//! as receipts that a gateway signed.
//!
//! The trace has neither clients nor operators, so both are drawn, from the seed:
//!
//! - A job's client, by the share of requests that each client sent in the measured
//!   service ([`super::data::client_requests`]).
//! - A job of at most [`SMALL_JOB_TOKENS`] tokens goes to any operator with equal
//!   chance: scattered small jobs. A larger one goes to an operator with a chance in
//!   proportion to its stake: whoever is large has the channels.
//!
//! The trace's span is stretched over the epochs, evenly; no figure of the mechanism
//! depends on how long an epoch is.

use super::data;
use super::population::Member;
use crate::ingest::azure::jobs_from;
use crate::ingest::{self, IngestError};
use crate::keys::{keccak, Key};
use crate::meter::Meter;
use crate::receipt::{hash_client, Mode, Network, Receipt};
use plimsoll_mechanism::{Hash, OperatorIndex};
use rand::Rng;
use rand_chacha::ChaCha20Rng;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A job of so many tokens is small: a third of the conversation trace's jobs, with a
/// tenth of its tokens.
pub const SMALL_JOB_TOKENS: u64 = 512;

/// What a client pays for a work unit, in millionths of a token.
const FEE_MILLIONTHS: u128 = 100;

/// The model named in the receipts.
const MODEL: &str = "demo-chat";

/// How a file with the columns of the Azure trace begins.
const TRACE_HEAD: &[u8] = b"TIMESTAMP,";

/// A job of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedJob {
    /// When it was done, in ms after the trace's first one.
    pub offset_ms: u64,
    /// Tokens of the input.
    pub input: u64,
    /// Tokens of the input that came from a cache.
    pub cached: u64,
    /// Tokens generated.
    pub output: u64,
    /// Who did it for whom, if the trace says so.
    pub parties: Option<(OperatorIndex, Hash)>,
}

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("trace {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line is not of the wanted form.
    #[error("trace {path}, line {line}: {reason}")]
    Line {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A file of receipts cannot be read.
    #[error(transparent)]
    Receipts(#[from] IngestError),
    /// There is nothing to replay.
    #[error("trace {0} has no jobs: give a CSV file with the columns TIMESTAMP, ContextTokens and GeneratedTokens, or receipts as JSON Lines or CSV")]
    Empty(String),
    /// The trace names operators that are not there.
    #[error("trace {path}, receipt {receipt}: operator {operator} is not one of the demo's {operators}; indices begin at 0")]
    Operator {
        /// Which file.
        path: String,
        /// The receipt's position, from 1.
        receipt: usize,
        /// Whom it names.
        operator: OperatorIndex,
        /// How many there are.
        operators: usize,
    },
}

/// How the replay is laid out in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Start of epoch 0, in ms since 1970.
    pub genesis: u64,
    /// Length of an epoch, in ms.
    pub epoch_ms: u64,
    /// Over how many epochs the trace is stretched.
    pub epochs: u32,
}

impl Span {
    /// The time of a job `offset` ms after the first one of a trace that spans `whole` ms.
    fn stretched(&self, offset: u64, whole: u64) -> u64 {
        let length = u128::from(self.epoch_ms) * u128::from(self.epochs);
        // The last job falls one part in `whole + 1` before the end of the last epoch.
        self.genesis + (u128::from(offset) * length / (u128::from(whole) + 1)) as u64
    }
}

/// The jobs of a file, or of the shipped trace.
///
/// # Errors
/// See [`TraceError`]; also if a receipt names none of the `operators` operators.
pub fn read(path: Option<&Path>, operators: usize) -> Result<Vec<TracedJob>, TraceError> {
    let Some(path) = path else {
        return azure(Path::new("(shipped)"), data::TRACE.as_bytes());
    };
    let name = path.display().to_string();
    let file = |source| TraceError::File {
        path: name.clone(),
        source,
    };
    let mut head = Vec::new();
    let opened = File::open(path).map_err(file)?;
    opened
        .take(TRACE_HEAD.len() as u64)
        .read_to_end(&mut head)
        .map_err(file)?;
    if head == TRACE_HEAD {
        return azure(path, File::open(path).map_err(file)?);
    }
    let mut receipts = Vec::new();
    for line in ingest::read(path, None)? {
        let (_, receipt) = line.map_err(|refusal| TraceError::Line {
            path: name.clone(),
            line: refusal.line.unwrap_or(0),
            reason: refusal.reason,
        })?;
        if receipt.operator as usize >= operators {
            let (operator, receipt) = (receipt.operator, receipts.len() + 1);
            return Err(TraceError::Operator {
                path: name,
                receipt,
                operator,
                operators,
            });
        }
        receipts.push(receipt);
    }
    let first = receipts.iter().map(|receipt| receipt.completed_at).min();
    let first = first.ok_or_else(|| TraceError::Empty(name.clone()))?;
    let job = |receipt: &Receipt| TracedJob {
        offset_ms: receipt.completed_at - first,
        input: receipt.input_tokens,
        cached: receipt.cached_input_tokens,
        output: receipt.output_tokens,
        parties: Some((receipt.operator, receipt.client)),
    };
    Ok(receipts.iter().map(job).collect())
}

/// The jobs of a trace with the columns of the Azure trace.
fn azure(path: &Path, from: impl Read + Send) -> Result<Vec<TracedJob>, TraceError> {
    let name = path.display().to_string();
    let mut jobs = Vec::new();
    let mut first = None;
    for job in jobs_from(path, from)? {
        let bad = |line, reason| TraceError::Line {
            path: name.clone(),
            line,
            reason,
        };
        let job = job.map_err(|refusal| bad(refusal.line.unwrap_or(0), refusal.reason))?;
        let start = *first.get_or_insert(job.at);
        let offset_ms = job
            .at
            .checked_sub(start)
            .ok_or_else(|| bad(job.row + 2, "its time is before the first one's".into()))?;
        let (input, output) = (job.input_tokens, job.output_tokens);
        jobs.push(TracedJob {
            offset_ms,
            input,
            cached: 0,
            output,
            parties: None,
        });
    }
    if jobs.is_empty() {
        return Err(TraceError::Empty(name));
    }
    Ok(jobs)
}

/// Who hands out the jobs and signs for them.
pub struct Gateway<'a> {
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Its key.
    pub key: &'a Key,
    /// The network it signs for.
    pub network: &'a Network,
    /// The meter by which clients are billed.
    pub meter: &'a Meter,
    /// Decimal places of the token.
    pub decimals: u8,
}

impl Gateway<'_> {
    /// The receipts of `jobs`, signed, in order of time.
    ///
    /// `clients` are the weights of the clients to draw from.
    #[must_use]
    pub fn receipts(
        &self,
        jobs: &[TracedJob],
        members: &[Member],
        clients: &[u64],
        span: &Span,
        rng: &mut ChaCha20Rng,
    ) -> Vec<Receipt> {
        let whole = jobs.iter().map(|job| job.offset_ms).max().unwrap_or(0);
        let stakes = Weights::new(members.iter().map(|member| member.stake));
        let clients = Weights::new(clients.iter().copied());
        let mut receipts: Vec<Receipt> = jobs
            .iter()
            .enumerate()
            .map(|(number, job)| {
                let (operator, client) = job.parties.unwrap_or_else(|| {
                    let small = job.input + job.output <= SMALL_JOB_TOKENS;
                    let operator = if small {
                        rng.random_range(0..members.len())
                    } else {
                        stakes.draw(rng)
                    };
                    // There are fewer than 2^24 operators.
                    (operator as OperatorIndex, self.client(clients.draw(rng)))
                });
                let vetted = members[operator as usize].vetted;
                self.receipt(
                    number,
                    job,
                    operator,
                    client,
                    vetted,
                    span.stretched(job.offset_ms, whole),
                )
            })
            .collect();
        receipts.sort_by_key(|receipt| receipt.completed_at);
        receipts
    }

    fn client(&self, number: usize) -> Hash {
        hash_client(&self.seed.to_be_bytes(), &format!("client {number}"))
    }

    fn receipt(
        &self,
        number: usize,
        job: &TracedJob,
        operator: OperatorIndex,
        client: Hash,
        vetted: bool,
        completed_at: u64,
    ) -> Receipt {
        let id = keccak(format!("plimsoll demo {}, job {number}", self.seed).as_bytes());
        let mut receipt = Receipt {
            id,
            operator,
            client,
            model: MODEL.into(),
            verification: if vetted { Mode::Tee } else { Mode::None },
            evidence: vetted.then(|| keccak(&[b"quote of ", &id[..]].concat())),
            input_tokens: job.input,
            cached_input_tokens: job.cached,
            output_tokens: job.output,
            fee: 0,
            completed_at,
            signature: None,
        };
        let units = self.meter.units(&receipt).unwrap_or(0);
        receipt.fee =
            u128::from(units) * FEE_MILLIONTHS * 10_u128.pow(u32::from(self.decimals)) / 1_000_000;
        receipt.sign(self.network, self.key);
        receipt
    }
}

/// Draws positions with chances in proportion to their weights.
struct Weights {
    /// The sum of the weights up to and with each position.
    sums: Vec<u64>,
}

impl Weights {
    /// At least one weight must not be 0.
    fn new(weights: impl Iterator<Item = u64>) -> Self {
        let sums = weights
            .scan(0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        Self { sums }
    }

    fn draw(&self, rng: &mut ChaCha20Rng) -> usize {
        let whole = self.sums.last().copied().unwrap_or(0);
        let at = rng.random_range(0..whole);
        self.sums.partition_point(|sum| *sum <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::population;
    use crate::meter;
    use rand_chacha::rand_core::SeedableRng;

    const SPAN: Span = Span {
        genesis: 1_000_000,
        epoch_ms: 86_400_000,
        epochs: 14,
    };

    fn receipts(seed: u64) -> Vec<Receipt> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let members = population::members(18, &mut rng);
        let jobs = read(None, 197).expect("the shipped trace");
        let key = Key::from_bytes([7; 32]).expect("a key");
        let network = Network::new("test");
        let gateway = Gateway {
            seed,
            key: &key,
            network: &network,
            meter: &meter::DEFAULT,
            decimals: 18,
        };
        gateway.receipts(
            &jobs[..500],
            &members,
            &data::client_requests(),
            &SPAN,
            &mut rng,
        )
    }

    #[test]
    fn the_shipped_trace_spans_58_minutes() {
        let jobs = read(None, 197).expect("the shipped trace");
        assert_eq!(jobs.len(), 19_366);
        assert_eq!(jobs.last().map(|job| job.offset_ms / 60_000), Some(58));
    }

    #[test]
    fn the_trace_is_stretched_over_all_epochs_and_no_further() {
        assert_eq!(SPAN.stretched(0, 3_500_000), SPAN.genesis);
        let last = SPAN.stretched(3_500_000, 3_500_000);
        assert_eq!((last - SPAN.genesis) / SPAN.epoch_ms, 13);
    }

    #[test]
    fn the_same_seed_gives_the_same_receipts() {
        let receipts = receipts(3);
        assert_eq!(receipts, self::receipts(3));
        assert_ne!(receipts, self::receipts(4));
        assert!(receipts.iter().all(|receipt| receipt.check().is_ok()));
        let signer = Key::from_bytes([7; 32]).expect("a key").address();
        assert_eq!(receipts[0].signer(&Network::new("test")), Some(signer));
    }

    #[test]
    fn large_jobs_go_to_the_large() {
        let receipts = receipts(5);
        let large: Vec<_> = receipts
            .iter()
            .filter(|r| r.input_tokens + r.output_tokens > SMALL_JOB_TOKENS)
            .collect();
        let top = large.iter().filter(|receipt| receipt.operator < 10).count();
        // The ten largest have 61.7% of the stake.
        assert!(
            (0.5..0.75).contains(&(top as f64 / large.len() as f64)),
            "{top} of {}",
            large.len()
        );
    }

    #[test]
    fn weights_of_nothing_are_never_drawn() {
        let weights = Weights::new([0, 3, 0, 1, 0].into_iter());
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for _ in 0..200 {
            assert!([1, 3].contains(&weights.draw(&mut rng)));
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        let azure = |csv: &str| azure(Path::new("x.csv"), csv.as_bytes());
        let head = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
        let wrong = azure(&format!("{head}2023-11-16 18:15:46.1,3,4\nyesterday,3,4\n"));
        let error = wrong.expect_err("a bad time").to_string();
        assert!(error.contains("x.csv, line 3"), "{error}");
        let back = azure(&format!(
            "{head}2023-11-16 18:15:46.1,3,4\n2023-11-16 18:15:46.0,3,4\n"
        ));
        assert!(back
            .expect_err("back in time")
            .to_string()
            .contains("x.csv, line 3"));
        assert!(matches!(azure(head), Err(TraceError::Empty(_))));
    }

    #[test]
    fn receipts_keep_their_parties_and_distances() {
        let mut one = receipts(1)[0].clone();
        let mut two = one.clone();
        (one.operator, one.completed_at) = (3, 5_000);
        (two.id, two.operator, two.completed_at) = ([9; 32], 4, 6_500);
        let file = tempfile::Builder::new()
            .suffix(".jsonl")
            .tempfile()
            .expect("a file");
        let lines = [&one, &two].map(|receipt| serde_json::to_string(receipt).expect("JSON"));
        std::fs::write(file.path(), lines.join("\n")).expect("written");
        let jobs = read(Some(file.path()), 5).expect("receipts");
        assert_eq!((jobs[0].offset_ms, jobs[1].offset_ms), (0, 1_500));
        assert_eq!(jobs[1].parties, Some((4, two.client)));
        assert!(matches!(
            read(Some(file.path()), 4),
            Err(TraceError::Operator { receipt: 2, .. })
        ));
    }
}
