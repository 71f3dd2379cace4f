//! What the keeper does, step by step: the same engine for the daemon, the demo and the
//! tests. Whoever owns it calls [`Engine::tick`] as often as there may be something to do.
//!
//! ```text
//! ingest -> build -> sign -> attest -> settle -> raise -> book -> claim
//! ```
//!
//! Each step finds out by itself what there is to do, from the journal and from the
//! contract's finalized state, and asks the contract before it sends anything. So every
//! step may be interrupted anywhere and run again, and a step that fails keeps none of
//! the others from running. Only while the end of a transaction is not known nothing else
//! is sent: what there is to do depends on it.

mod attest;
mod chunks;
mod claims;
mod epochs;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod gather;
pub mod level;
pub mod run;
#[cfg(test)]
mod tests;

pub use attest::fitting;
pub use error::StepError;

use crate::attester::client::Attesters;
use crate::batch::{Policy, Rules};
use crate::clock::ChainTime;
use crate::config::Config;
use crate::contract::Emission;
use crate::ingest::Intake;
use crate::journal::submissions::Purpose;
use crate::journal::Journal;
use crate::submit::{SubmitError, Submitter};
use plimsoll_interface::{Booked, Claimed, ClockView, Settings, Settled};
use plimsoll_mechanism::batch::Domain;
use plimsoll_mechanism::level::Level;
use plimsoll_mechanism::Epoch;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A step of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Taking receipts in from the spool.
    Ingest,
    /// Building batches.
    Build,
    /// Gathering signatures.
    Sign,
    /// Bringing batches to the contract.
    Attest,
    /// Settling epochs.
    Settle,
    /// Raising operators to their caps.
    Raise,
    /// Booking rewards.
    Book,
    /// Paying out.
    Claim,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 8] = [
        Self::Ingest,
        Self::Build,
        Self::Sign,
        Self::Attest,
        Self::Settle,
        Self::Raise,
        Self::Book,
        Self::Claim,
    ];

    /// Its name in logs, metrics and `/status`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Build => "build",
            Self::Sign => "sign",
            Self::Attest => "attest",
            Self::Settle => "settle",
            Self::Raise => "raise",
            Self::Book => "book",
            Self::Claim => "claim",
        }
    }

    /// Whether it sends transactions.
    #[must_use]
    pub fn sends(self) -> bool {
        !matches!(self, Self::Ingest | Self::Build | Self::Sign)
    }
}

/// What the engine is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// How batches are cut; lowered to what the chain allows.
    pub policy: Policy,
    /// Where receipts are taken from, if anywhere.
    pub spool: Option<Spool>,
    /// How far clocks may differ: a receipt so far ahead of the chain's and this machine's
    /// is quarantined, in ms.
    pub max_ahead_ms: u64,
    /// Whether to book final epochs.
    pub book: bool,
    /// How many final epochs are booked together: more of them at once cost less each,
    /// and rewards come later. At least 1.
    pub book_epochs: u32,
    /// The least that is claimed, in base units; none: nothing is.
    pub claim_min: Option<u128>,
}

/// A folder that receipts are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spool {
    /// The folder.
    pub folder: PathBuf,
    /// Which receipts are taken in.
    pub intake: Intake,
}

impl EngineConfig {
    /// As configured.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            policy: config.batch,
            spool: config.receipts.spool.clone().map(|folder| Spool {
                folder,
                intake: Intake::new(&config.receipts, &config.meters),
            }),
            max_ahead_ms: config.receipts.max_ahead_ms,
            book: config.run.book,
            book_epochs: config.run.book_epochs,
            claim_min: config.run.claim.then_some(config.run.claim_min),
        }
    }
}

/// What a tick did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Receipts taken in.
    pub ingested: u64,
    /// Batches built.
    pub built: u32,
    /// Batches signed.
    pub signed: u32,
    /// Batches that the contract took.
    pub accepted: u32,
    /// Epochs settled.
    pub settled: Vec<Settled>,
    /// Operators raised to their caps.
    pub raised: u32,
    /// Rewards booked.
    pub booked: Booked,
    /// Rewards paid out.
    pub claimed: Claimed,
}

impl Work {
    /// Whether nothing was done.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// How a step went.
#[derive(Debug)]
pub struct Ran {
    /// Which step.
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// Whether it did all there was to do.
    pub result: Result<(), StepError>,
}

/// How a tick went.
#[derive(Debug)]
pub struct Tick {
    /// The contract's clock at its beginning, at the finalized state.
    pub clock: ClockView,
    /// What was done.
    pub work: Work,
    /// The steps that ran.
    pub steps: Vec<Ran>,
}

impl Tick {
    /// The first error, if a step had one.
    ///
    /// # Errors
    /// That one.
    pub fn into_result(self) -> Result<(ClockView, Work), (Step, StepError)> {
        for ran in self.steps {
            ran.result.map_err(|error| (ran.step, error))?;
        }
        Ok((self.clock, self.work))
    }
}

/// The contract's clock at the beginning of a tick.
#[derive(Clone, Copy, Debug)]
struct Moment {
    clock: ClockView,
    time: ChainTime,
}

/// The engine.
pub struct Engine {
    emission: Emission,
    settings: Settings,
    journal: Journal,
    submitter: Submitter,
    attesters: Attesters,
    rules: Rules,
    domain: Domain,
    config: EngineConfig,
    policy: Policy,
    /// The runtime's version for which the policy holds.
    policy_for: Option<u32>,
    /// When a batch of an epoch and lane was last built, by the chain's clock.
    last_built: BTreeMap<(Epoch, u32), u64>,
    /// The epochs that are booked; read from the journal when first needed.
    booked: Option<epochs::Done>,
    /// If we do not book: the epochs in which nobody can be raised any more.
    level_final: epochs::Done,
    /// Levels at which nobody was left to raise.
    level_checked: BTreeMap<Epoch, Level>,
    /// When everybody was last paid.
    claimed_in: Option<String>,
}

impl Engine {
    /// An engine for a contract. Reads what is fixed at deployment.
    ///
    /// # Errors
    /// If the chain or the journal cannot be read.
    pub async fn new(
        emission: Emission,
        journal: Journal,
        submitter: Submitter,
        attesters: Attesters,
        rules: Rules,
        config: EngineConfig,
    ) -> Result<Self, StepError> {
        let info = emission.chain().info().await?;
        let settings = emission.settings().await?;
        let mut engine = Self {
            domain: Domain {
                chain_id: info.chain_id,
                contract: emission.address().0,
            },
            policy: fitting(&config.policy, &info),
            policy_for: None,
            emission,
            settings,
            journal,
            submitter,
            attesters,
            rules,
            config,
            last_built: BTreeMap::new(),
            booked: None,
            level_final: epochs::Done::default(),
            level_checked: BTreeMap::new(),
            claimed_in: None,
        };
        engine.renew_policy().await?;
        Ok(engine)
    }

    /// The contract.
    #[must_use]
    pub fn emission(&self) -> &Emission {
        &self.emission
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Does what there is to do now, leaving out the steps for which `skip` says so.
    ///
    /// # Errors
    /// If the contract's clock cannot be read. What goes wrong in a step is in the tick.
    pub async fn tick(&mut self, mut skip: impl FnMut(Step) -> bool) -> Result<Tick, StepError> {
        // Before anything is worked out: what it did is in the state that is read below.
        let mut open = self.look().await;
        let clock = self.emission.clock().await?;
        let moment = Moment {
            clock,
            time: ChainTime::new(&self.settings, &clock),
        };
        let mut work = Work::default();
        let mut steps = Vec::new();
        for step in Step::ALL {
            if skip(step) {
                continue;
            }
            let started = Instant::now();
            let result = match &open {
                Some(purpose) if step.sends() => Err(StepError::Submit(SubmitError::Unresolved {
                    purpose: purpose.clone(),
                })),
                _ => self.run(step, &moment, &mut work).await,
            };
            if let Err(StepError::Submit(SubmitError::Unresolved { purpose })) = &result {
                open = Some(purpose.clone());
            }
            steps.push(Ran {
                step,
                took: started.elapsed(),
                result,
            });
        }
        Ok(Tick { clock, work, steps })
    }

    /// What the transaction is about whose end is not known, if there is one.
    async fn look(&self) -> Option<Purpose> {
        match self.submitter.look().await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(%error, "an open transaction cannot be looked for");
                // If the journal cannot be read either, the steps say so.
                let open = self.journal.open_submission().await.ok().flatten();
                open.map(|open| open.purpose)
            }
        }
    }

    async fn run(&mut self, step: Step, moment: &Moment, work: &mut Work) -> Result<(), StepError> {
        match step {
            Step::Ingest => self.ingest(&mut work.ingested).await,
            // Before genesis nothing can be counted.
            _ if !moment.clock.started => Ok(()),
            Step::Build => self.build(moment, &mut work.built).await,
            Step::Sign => self.sign(moment, &mut work.signed).await,
            Step::Attest => self.attest(moment, &mut work.accepted).await,
            Step::Settle => self.settle(moment, &mut work.settled).await,
            Step::Raise => self.raise(moment, &mut work.raised).await,
            Step::Book if self.config.book => self.book(moment, &mut work.booked).await,
            Step::Book => Ok(()),
            Step::Claim => self.claim(moment, &mut work.claimed).await,
        }
    }
}
