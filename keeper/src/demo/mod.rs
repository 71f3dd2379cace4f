//! The demo: a measured workload, attested in batches, settled, vested and paid, and
//! every amount recomputed from the receipts.
//!
//! ```text
//! trace + stakes + clients --seed--> signed receipts --+--> spool -> the keeper's engine -> chain
//!                                                      |                                      |
//!                                                      +--> the audit: recomputed amounts <---+ views, balances
//! ```
//!
//! The engine is the daemon's, the attesters are three processes of this same program,
//! of which in each epoch one is down or refuses. Only the clock is the demo's.

pub mod attesters;
pub mod audit;
pub mod data;
pub mod figures;
pub mod node;
pub mod observe;
pub mod plan;
pub mod population;
pub mod progress;
pub mod replay;
pub mod report;
pub mod stage;
pub mod workload;
pub mod world;

use crate::chain::ChainError;
use crate::contract::ContractError;
use crate::deploy::{Artifacts, DeployError, DeploymentError};
use crate::erc20::TokenError;
use crate::journal::JournalError;
use crate::keys::keccak;
use crate::pipeline::run::told_to_stop;
use crate::pipeline::{Step, StepError};
use crate::submit::SubmitError;
use audit::{checks, Expected};
use plimsoll_mechanism::OperatorIndex;
use progress::Progress;
use report::Outcome;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use world::World;

/// The demo says so when it took longer than this.
const AMPLE: Duration = Duration::from_secs(120);

/// What `demo` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Replay this file: CSV with the columns TIMESTAMP, ContextTokens and
    /// GeneratedTokens, or receipts as JSON Lines or CSV. Of a receipt its operator, client
    /// and tokens are kept; its time is stretched with the others over the epochs; its id,
    /// model, verification, evidence, fee and signature are replaced by the demo's gateway's.
    /// Default: the shipped Azure conversation trace.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,

    /// Over how many epochs the trace is stretched.
    #[arg(long, value_name = "N", default_value_t = plan::FEWEST_EPOCHS,
          value_parser = clap::value_parser!(u32).range(i64::from(plan::FEWEST_EPOCHS)..=i64::from(plan::MOST_EPOCHS)))]
    pub epochs: u32,

    /// Decides everything that is drawn: tiers, bonds, clients, who does which job.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// Run on the development node at this address instead of the embedded chain.
    #[arg(long, value_name = "URL")]
    pub node: Option<String>,

    /// Falsify what the audit is given, each by one unit (a receipt's work, two rewards, a
    /// payee's and the contract's balance), to see every check fail.
    #[arg(long)]
    pub tamper: bool,

    /// Write the outcome to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Why the demo did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The trace.
    #[error(transparent)]
    Trace(#[from] workload::TraceError),
    /// Somebody stopped it; its attesters are stopped and its files removed.
    #[error("interrupted")]
    Interrupted,
    /// There is no chain.
    #[error("this program has no chain of its own: give --node with the address of a development node, or run plimsoll-local demo")]
    NoChain,
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The contract.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Deploying.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// Writing the deployment file.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// Sending.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The keeper's journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] StepError),
    /// A step of the engine.
    #[error("epoch {epoch}, step {}: {error}", .step.name())]
    Step {
        /// In which epoch.
        epoch: u32,
        /// Which step.
        step: Step,
        /// What happened.
        error: StepError,
    },
    /// The engine still finds something to do.
    #[error("epoch {0}: the keeper does not come to rest")]
    Restless(u32),
    /// Others registered at the same time, or not everybody could.
    #[error("{found} operators are registered where {wanted} should be")]
    Registered {
        /// How many should be.
        wanted: usize,
        /// How many are.
        found: u32,
    },
    /// An operator has another index than its position.
    #[error("operator {0} is not the one that the demo registered at this position")]
    Order(OperatorIndex),
    /// Setting up took longer than the time to genesis.
    #[error("genesis came before everything was set up: the node's blocks move its clock too fast; start it with a smaller --block-time-ms")]
    Late,
    /// An attester does not run.
    #[error("attester {which} does not run; its last words: {last}")]
    Attester {
        /// Which one, from 1.
        which: usize,
        /// The last line of its log.
        last: String,
    },
    /// The client of the attesters.
    #[error("the attesters' client: {0}")]
    Http(#[from] reqwest::Error),
    /// A file, a port or a process.
    #[error("{what}: {source}")]
    Files {
        /// What it was.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The outcome cannot be written.
    #[error("--json {}: {source}", .path.display())]
    Json {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl DemoError {
    fn files(what: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Files { what, source }
    }
}

/// Runs the demo on the node that `options` names, or on `local`, and prints the report.
/// Gives whether every check passed.
///
/// # Errors
/// See [`DemoError`].
pub async fn run(
    options: &Options,
    local: Option<Arc<dyn World>>,
    artifacts: Artifacts<'_>,
) -> Result<bool, DemoError> {
    let world = match &options.node {
        Some(url) => Arc::new(node::NodeWorld::connect(url).await?),
        None => local.ok_or(DemoError::NoChain)?,
    };
    let mut progress = Progress::start();
    let stop = told_to_stop().map_err(DemoError::files("the signals to stop"))?;
    let mut played = tokio::select! {
        played = replay::play(options, &*world, artifacts, &mut progress) => played?,
        () = stop => return Err(DemoError::Interrupted),
    };
    let rewards: String = played.seen.rewards().collect();
    let digest = hex::encode(keccak(rewards.as_bytes()));
    if options.tamper {
        progress.line(
            "tampering by one unit each: a receipt, two rewards, a payee's and the contract's balance",
        );
        played.seen.tamper(&played.terms, &mut played.jobs);
    }
    let expected = Expected::of(&played.terms, &played.jobs);
    let checks = checks(&played.terms, &expected, &played.seen);
    let outcome = Outcome {
        seed: options.seed,
        members: &played.members,
        terms: &played.terms,
        expected: &expected,
        seen: &played.seen,
        checks: &checks,
        digest: &digest,
        symbol: stage::SYMBOL,
        decimals: stage::DECIMALS,
    };
    println!("{}", outcome.text());
    if let Some(path) = &options.json {
        let text = format!("{:#}\n", outcome.json());
        std::fs::write(path, text).map_err(|source| DemoError::Json {
            path: path.clone(),
            source,
        })?;
    }
    let verdict = if outcome.passed() {
        "every check passed"
    } else {
        "CHECKS FAILED"
    };
    let elapsed = progress.elapsed();
    println!("{verdict}, after {:.0} s", elapsed.as_secs_f64());
    if elapsed > AMPLE {
        println!(
            "warning: that is more than {} s; the machine is slow or busy, or there was more to do than \
             the shipped trace in {} epochs, or it was on a node, which takes several times as long \
             as the embedded chain",
            AMPLE.as_secs(),
            plan::FEWEST_EPOCHS
        );
    }
    Ok(outcome.passed())
}
