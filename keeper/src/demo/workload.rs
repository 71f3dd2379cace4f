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
use plimsoll_mechanism::work::FEES_LIMIT;
use plimsoll_mechanism::{Hash, OperatorIndex};
use rand::Rng;
use rand_chacha::ChaCha20Rng;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A job of so many tokens is small: a third of the conversation trace's jobs, with a
/// tenth of its tokens.
pub const SMALL_JOB_TOKENS: u64 = 512;

/// What a client pays for a work unit, in millionths of a token.
const FEE_MILLIONTHS: u64 = 100;

/// All jobs of a trace together are less work than this, so that an operator's fees of an
/// epoch fit whoever does them, and when: a fee unit of the demo is a millionth of a token.
const WORK_MOST: u64 = FEES_LIMIT / FEE_MILLIONTHS;

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
/// See [`TraceError`]; also if a line is a job that no keeper would count: an impossible or
/// repeated receipt, none of the `operators` operators, or too much work by `meter`.
pub fn read(
    path: Option<&Path>,
    operators: usize,
    meter: &Meter,
) -> Result<Vec<TracedJob>, TraceError> {
    let Some(path) = path else {
        return azure(Path::new("(shipped)"), data::TRACE.as_bytes(), meter);
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
        return azure(path, File::open(path).map_err(file)?, meter);
    }
    let bad = |line, reason| TraceError::Line {
        path: name.clone(),
        line,
        reason,
    };
    let mut receipts = Vec::new();
    let mut lines = HashMap::new();
    let mut work = Work::new(meter);
    for line in ingest::read(path, None)? {
        let (line, receipt) =
            line.map_err(|refusal| bad(refusal.line.unwrap_or(0), refusal.reason))?;
        receipt
            .check()
            .map_err(|malformed| bad(line, malformed.to_string()))?;
        if receipt.operator as usize >= operators {
            let reason = format!(
                "operator {} is not one of the demo's {operators}; indices begin at 0",
                receipt.operator
            );
            return Err(bad(line, reason));
        }
        if let Some(first) = lines.insert(receipt.id, line) {
            return Err(bad(line, format!("its id is that of line {first}")));
        }
        work.add(&receipt).map_err(|reason| bad(line, reason))?;
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
fn azure(path: &Path, from: impl Read + Send, meter: &Meter) -> Result<Vec<TracedJob>, TraceError> {
    let name = path.display().to_string();
    let mut jobs = Vec::new();
    let mut first = None;
    let mut work = Work::new(meter);
    for job in jobs_from(path, from)? {
        let bad = |line, reason| TraceError::Line {
            path: name.clone(),
            line,
            reason,
        };
        let job = job.map_err(|refusal| bad(refusal.line.unwrap_or(0), refusal.reason))?;
        let line = job.row + 2;
        let start = *first.get_or_insert(job.at);
        let offset_ms = job
            .at
            .checked_sub(start)
            .ok_or_else(|| bad(line, "its time is before the first one's".into()))?;
        let (input, output) = (job.input_tokens, job.output_tokens);
        let job = TracedJob {
            offset_ms,
            input,
            cached: 0,
            output,
            parties: None,
        };
        let receipt = job.unsigned();
        receipt
            .check()
            .map_err(|malformed| bad(line, malformed.to_string()))?;
        work.add(&receipt).map_err(|reason| bad(line, reason))?;
        jobs.push(job);
    }
    if jobs.is_empty() {
        return Err(TraceError::Empty(name));
    }
    Ok(jobs)
}

/// All work of a trace, in work units.
struct Work<'a> {
    meter: &'a Meter,
    units: u64,
}

impl<'a> Work<'a> {
    fn new(meter: &'a Meter) -> Self {
        Self { meter, units: 0 }
    }

    /// Adds a job, or says why it is too much.
    fn add(&mut self, receipt: &Receipt) -> Result<(), String> {
        let units = self
            .meter
            .units(receipt)
            .map_err(|error| error.to_string())?;
        // Both are below 2^46.
        self.units += units;
        if self.units >= WORK_MOST {
            return Err(format!(
                "up to here {} work units, and a trace must have fewer than {WORK_MOST}: an operator's \
                 fees of an epoch would not fit",
                self.units
            ));
        }
        Ok(())
    }
}

impl TracedJob {
    /// A receipt of its tokens, by nobody for nobody.
    fn unsigned(&self) -> Receipt {
        Receipt {
            id: Hash::default(),
            operator: 0,
            client: Hash::default(),
            model: MODEL.into(),
            verification: Mode::None,
            evidence: None,
            input_tokens: self.input,
            cached_input_tokens: self.cached,
            output_tokens: self.output,
            fee: 0,
            completed_at: 0,
            signature: None,
        }
    }
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
                    let small = job.input.saturating_add(job.output) <= SMALL_JOB_TOKENS;
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
            verification: if vetted { Mode::Tee } else { Mode::None },
            evidence: vetted.then(|| keccak(&[b"quote of ", &id[..]].concat())),
            completed_at,
            ..job.unsigned()
        };
        // What cannot be metered was refused when the trace was read.
        let units = self.meter.units(&receipt).unwrap_or(0);
        let one = 10_u128.pow(u32::from(self.decimals));
        receipt.fee = u128::from(units) * u128::from(FEE_MILLIONTHS) * one / 1_000_000;
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
        let jobs = read(None, 197, &meter::DEFAULT).expect("the shipped trace");
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
        let jobs = read(None, 197, &meter::DEFAULT).expect("the shipped trace");
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
        let azure = |csv: &str| azure(Path::new("x.csv"), csv.as_bytes(), &meter::DEFAULT);
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
    fn a_job_that_no_keeper_would_count_is_refused_by_its_line() {
        let head = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.1,3,4\n";
        let huge = u64::MAX.to_string();
        for (tokens, reason) in [
            (format!("{huge},{huge}"), "work units in one job"),
            (format!("0,{}", 1_u64 << 38), "a trace must have fewer"),
            ("0,0".into(), "without any token"),
        ] {
            let csv = format!("{head}2023-11-16 18:15:47,{tokens}\n");
            let error = azure(Path::new("x.csv"), csv.as_bytes(), &meter::DEFAULT)
                .expect_err(reason)
                .to_string();
            assert!(
                error.contains("x.csv, line 3") && error.contains(reason),
                "{error}"
            );
        }

        let fine = receipts(1)[0].clone();
        type Change = fn(&mut Receipt);
        let cases: [(Change, &str); 5] = [
            (|r| r.cached_input_tokens = r.input_tokens + 1, "cached"),
            (|r| r.output_tokens = u64::MAX, "work units in one job"),
            (|r| r.operator = 5, "operator 5 is not one of the demo's 5"),
            (|r| r.model.clear(), "model name"),
            (|_| {}, "its id is that of line 1"),
        ];
        for (change, reason) in cases {
            let mut bad = Receipt {
                operator: 3,
                ..fine.clone()
            };
            let good = bad.clone();
            change(&mut bad);
            if bad != good {
                bad.id = [9; 32];
            }
            // A blank line counts as a line.
            let file = json_lines(&[&good, &bad], "\n\n");
            let error = read(Some(file.path()), 5, &meter::DEFAULT)
                .expect_err(reason)
                .to_string();
            assert!(
                error.contains("line 3") && error.contains(reason),
                "{error}"
            );
        }
    }

    fn json_lines(receipts: &[&Receipt], between: &str) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new()
            .suffix(".jsonl")
            .tempfile()
            .expect("a file");
        let lines: Vec<_> = receipts
            .iter()
            .map(|receipt| serde_json::to_string(receipt).expect("JSON"))
            .collect();
        std::fs::write(file.path(), lines.join(between)).expect("written");
        file
    }

    #[test]
    fn receipts_keep_their_parties_and_distances() {
        let mut one = receipts(1)[0].clone();
        let mut two = one.clone();
        (one.operator, one.completed_at) = (3, 5_000);
        (two.id, two.operator, two.completed_at) = ([9; 32], 4, 6_500);
        let file = json_lines(&[&one, &two], "\n");
        let jobs = read(Some(file.path()), 5, &meter::DEFAULT).expect("receipts");
        assert_eq!((jobs[0].offset_ms, jobs[1].offset_ms), (0, 1_500));
        assert_eq!(jobs[1].parties, Some((4, two.client)));
    }
}
