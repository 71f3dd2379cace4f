//! The audit of a deployment: its whole history, recomputed and compared with what the
//! contract says and holds at a finalized block.
//!
//! ```text
//! code ── its hash is the one of the artefacts
//! blocks, from the deployment to the newest finalized one ── `plimsoll_index::Auditor`
//! views at that block ── `plimsoll_index::Index::checks`
//! the token's balance at that block ── covers what is owed
//! receipts, if any are given ── under the roots of their batches, each once
//! ```
//!
//! Nothing of the keeper is believed, and nothing that the contract claims: the first
//! difference ends it.

pub mod blocks;
pub mod receipts;
mod report;
mod state;

pub use report::Report;

use crate::artifacts::EMISSION_METADATA;
use crate::chain::{At, BlockRef, Chain, ChainError, Hash, Past};
use crate::contract::{EventError, EventTopics};
use crate::deploy::Deployment;
use crate::erc20::{Token, TokenError};
use crate::hexes;
use crate::journal::JournalError;
use crate::keys::recover;
use futures::stream::{self, StreamExt as _};
use plimsoll_index::{
    Auditor, Block, Checkpoint, CheckpointError, Event, Finding, Identity, Index, Kind, Origin,
    Place,
};
use receipts::Given;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How many blocks, or views, are asked for at once.
const AT_ONCE: usize = 32;

/// While the history was read the chain went on; what is at most so many blocks behind is
/// looked at as it is. A node without an archive keeps the states of some 256.
const CLOSE_ENOUGH: u64 = 32;

/// The least time between two checkpoints.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// What is audited, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The hash that the contract's code must have.
    pub code_hash: Hash,
    /// Where checkpoints are kept, if they are.
    pub state: Option<PathBuf>,
    /// Begin at the deployment, whatever is kept.
    pub from_scratch: bool,
    /// The least time between two checkpoints.
    pub checkpoint_every: Duration,
    /// Receipts that must have been counted, each once.
    pub receipts: Vec<Given>,
}

/// Hears how it goes.
pub trait Watcher: Send {
    /// Something that stays.
    fn line(&mut self, text: &str);
    /// So many blocks of so many are read.
    fn read(&mut self, done: u64, of: u64);
    /// So many views of about so many are compared.
    fn compared(&mut self, done: u64, about: u64);
}

/// Nobody.
impl Watcher for () {
    fn line(&mut self, _: &str) {}
    fn read(&mut self, _: u64, _: u64) {}
    fn compared(&mut self, _: u64, _: u64) {}
}

/// Why there is no clean report.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Something does not add up.
    #[error("{0}")]
    Found(Box<Finding>),
    /// The chain could not be asked. Nothing is known to be wrong.
    #[error("{0}")]
    Chain(#[from] ChainError),
    /// The chain is another one than the deployment's.
    #[error(
        "the chain at hand is another one than the deployment's: its {what} is {found}, the deployment \
         file has {wanted}; name a node of that chain with --url"
    )]
    OtherChain {
        /// What differs.
        what: &'static str,
        /// What the chain has.
        found: String,
        /// What the file has.
        wanted: String,
    },
    /// The token does not answer as one.
    #[error(transparent)]
    Token(TokenError),
    /// The metadata that is compiled in.
    #[error(transparent)]
    Metadata(EventError),
    /// The state file cannot be read or written.
    #[error("state file {}: {source}", .path.display())]
    StateFile {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The state file is none to go on with.
    #[error("state file {}: {reason}", .path.display())]
    State {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: CheckpointError,
    },
    /// The block of the state file is not on the chain.
    #[error(
        "state file {}: its block {block} has the hash {wanted}, and {found} on this chain; was the \
         chain begun anew? Remove the file, or say --from-scratch", .path.display()
    )]
    OffChain {
        /// Which file.
        path: PathBuf,
        /// The block.
        block: u64,
        /// Its hash in the file.
        wanted: String,
        /// Its hash on the chain, if it has such a block.
        found: String,
    },
    /// Files of receipts, or of artefacts.
    #[error("{0}")]
    Input(String),
    /// A keeper's journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl From<Finding> for AuditError {
    fn from(finding: Finding) -> Self {
        Self::Found(Box::new(finding))
    }
}

impl From<TokenError> for AuditError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Chain(error) => Self::Chain(error),
            error => Self::Token(error),
        }
    }
}

/// Audits a deployment.
///
/// # Errors
/// [`AuditError::Found`] with the first thing that does not add up; the others if it could
/// not be carried through.
pub async fn audit(
    chain: &Chain,
    deployment: &Deployment,
    plan: &Plan,
    watcher: &mut dyn Watcher,
) -> Result<Report, AuditError> {
    let topics = EventTopics::from_metadata(EMISSION_METADATA).map_err(AuditError::Metadata)?;
    check_chain(chain, deployment).await?;
    let mut head = chain.head().await?.finalized;
    let begun = Auditor::new(Origin {
        contract: deployment.contract,
        chain_id: deployment.chain_id,
    });
    check_code(chain, deployment, plan, &begun, head.hash).await?;

    let identity = Identity {
        genesis: deployment.genesis,
        contract: deployment.contract,
        code_hash: deployment.code_hash,
        from: deployment.block,
    };
    let mut audit = Audit {
        chain,
        deployment,
        plan,
        topics: &topics,
        identity,
        auditor: begun,
        next: 0,
        saved: Instant::now(),
    };
    audit.begin(watcher).await?;
    let resumed = audit.next;
    loop {
        audit.read_to(&head, resumed, watcher).await?;
        let newer = chain.head().await?.finalized;
        if newer.number <= head.number.saturating_add(CLOSE_ENOUGH) {
            break;
        }
        head = newer;
    }
    let index = audit.index(&head)?;
    check_file(deployment, index)?;
    let views = audit.compare_views(index, &head, watcher).await?;
    let token = Token::new(chain.clone(), deployment.token).at(At::Block(head.hash));
    let balance = token.balance_of(deployment.contract).await?;
    let beyond = audit.auditor.check_balance(balance)?;
    // The code once more: what was read above is of the block at which it is looked at.
    check_code(chain, deployment, plan, &audit.auditor, head.hash).await?;
    let receipts = receipts::check(index, &plan.receipts)?;
    Ok(Report {
        contract: deployment.contract,
        code_hash: plan.code_hash,
        symbol: deployment.token_symbol.clone(),
        head,
        blocks: audit.auditor.blocks(),
        resumed: (resumed > 0).then_some(resumed),
        tally: *audit.auditor.tally(),
        epochs: index.epoch_counts(),
        operators: index.operators(),
        ledger: index.ledger(audit.auditor.now()),
        balance,
        beyond,
        views,
        receipts,
    })
}

/// Checks that a chain is the deployment's.
///
/// # Errors
/// If it is another one, or cannot be asked.
pub async fn check_chain(chain: &Chain, deployment: &Deployment) -> Result<(), AuditError> {
    let info = chain.info().await?;
    let facts = [
        ("genesis", info.genesis, deployment.genesis),
        ("chain id", info.chain_id, deployment.chain_id),
    ];
    for (what, found, wanted) in facts {
        if found != wanted {
            return Err(AuditError::OtherChain {
                what,
                found: hexes::show(found),
                wanted: hexes::show(wanted),
            });
        }
    }
    Ok(())
}

async fn check_code(
    chain: &Chain,
    deployment: &Deployment,
    plan: &Plan,
    auditor: &Auditor,
    at: Hash,
) -> Result<(), AuditError> {
    let found = chain.code_hash_at(deployment.contract, at).await?;
    auditor.check_code(&plan.code_hash, found)?;
    if deployment.code_hash != plan.code_hash {
        let place = Place::of("the deployment file's code_hash");
        let (wanted, found) = (plan.code_hash, deployment.code_hash);
        let shown = (hexes::show(wanted), hexes::show(found));
        return Err(Finding::new(Kind::Code, place, shown.0, shown.1).into());
    }
    Ok(())
}

/// Compares what the deployment file says with what was deployed.
fn check_file(deployment: &Deployment, index: &Index) -> Result<(), Finding> {
    let settings = index.settings();
    let facts = [
        (
            "token",
            hexes::show(settings.token),
            hexes::show(deployment.token),
        ),
        (
            "lanes",
            settings.lanes.to_string(),
            deployment.lanes.to_string(),
        ),
    ];
    for (what, expected, found) in facts {
        if expected != found {
            let place = Place::of("the deployment file");
            return Err(Finding::new(Kind::Deployment, place, expected, found).field(what));
        }
    }
    Ok(())
}

/// An audit on its way.
struct Audit<'a> {
    chain: &'a Chain,
    deployment: &'a Deployment,
    plan: &'a Plan,
    topics: &'a EventTopics,
    identity: Identity,
    auditor: Auditor,
    /// The next block to read.
    next: u64,
    saved: Instant,
}

impl Audit<'_> {
    /// Takes up what is kept, or begins at the deployment.
    async fn begin(&mut self, watcher: &mut dyn Watcher) -> Result<(), AuditError> {
        let kept = match &self.plan.state {
            Some(path) if !self.plan.from_scratch => state::load(path, &self.identity)?,
            _ => None,
        };
        let Some(kept) = kept else {
            self.next = blocks::first(self.chain, self.deployment).await?;
            return Ok(());
        };
        let off_chain = |found: String| AuditError::OffChain {
            path: self.plan.state.clone().unwrap_or_default(),
            block: kept.block,
            wanted: hexes::show(kept.hash),
            found,
        };
        let head = self.chain.head().await?.finalized.number;
        if kept.block > head {
            return Err(off_chain(format!("the newest block {head}")));
        }
        let there = blocks::past(self.chain, self.deployment.contract, kept.block).await?;
        if there.block.hash != kept.hash {
            return Err(off_chain(hexes::show(there.block.hash)));
        }
        watcher.line(&format!("going on behind block {}", kept.block));
        self.next = kept.block + 1;
        self.auditor = kept.auditor;
        Ok(())
    }

    /// Reads the blocks up to `head`.
    async fn read_to(
        &mut self,
        head: &BlockRef,
        from: u64,
        watcher: &mut dyn Watcher,
    ) -> Result<(), AuditError> {
        let of = (head.number + 1).saturating_sub(from);
        let (chain, contract) = (self.chain, self.deployment.contract);
        let mut blocks = stream::iter(self.next..=head.number)
            .map(|number| blocks::past(chain, contract, number))
            .buffered(AT_ONCE);
        let mut newest = None;
        while let Some(past) = blocks.next().await {
            let past = past?;
            self.take(&past)?;
            let number = past.block.number;
            self.next = number + 1;
            newest = Some(past.block);
            watcher.read(self.next - from, of);
            if number < head.number && self.saved.elapsed() >= self.plan.checkpoint_every {
                self.save(&past.block)?;
            }
        }
        newest.map_or(Ok(()), |block| self.save(&block))
    }

    fn take(&mut self, past: &Past) -> Result<(), AuditError> {
        let mut events = Vec::with_capacity(past.events.len());
        for event in &past.events {
            let decoded = self.topics.decode(event);
            let found = match decoded {
                Ok(Some(event)) => {
                    events.push(event);
                    continue;
                }
                Ok(None) => "an event of another kind".to_owned(),
                Err(error) => error.to_string(),
            };
            let place = Place {
                block: Some(past.block.number),
                ..Place::of("an event")
            };
            let expected = format!("one of {} events", Event::NAMES.len());
            return Err(Finding::new(Kind::Foreign, place, expected, found).into());
        }
        let block = Block {
            number: past.block.number,
            time_ms: past.block.time_ms,
            events: &events,
            extrinsics: &past.extrinsics,
        };
        self.auditor.take(block, &recover)?;
        Ok(())
    }

    fn save(&mut self, block: &BlockRef) -> Result<(), AuditError> {
        let Some(path) = &self.plan.state else {
            return Ok(());
        };
        let checkpoint = Checkpoint {
            identity: self.identity,
            block: block.number,
            hash: block.hash,
            auditor: self.auditor.clone(),
        };
        state::save(path, &checkpoint)?;
        self.saved = Instant::now();
        Ok(())
    }

    fn index(&self, head: &BlockRef) -> Result<&Index, Finding> {
        self.auditor.index().ok_or_else(|| {
            let place = Place {
                block: Some(head.number),
                ..Place::of("the contract's events")
            };
            let expected = "Deployed in a block up to here";
            Finding::new(Kind::Deployment, place, expected, "no event of it")
        })
    }

    /// Compares every view at `head`, and says how many there were.
    async fn compare_views(
        &self,
        index: &Index,
        head: &BlockRef,
        watcher: &mut dyn Watcher,
    ) -> Result<u64, AuditError> {
        let about = index.checks_about();
        let (contract, at) = (self.deployment.contract, At::Block(head.hash));
        let mut answers = stream::iter(index.checks(self.auditor.now()))
            .map(|check| async move {
                let answer = self.chain.read(contract, check.call().to_vec(), at).await;
                (check, answer)
            })
            .buffered(AT_ONCE);
        let mut done = 0;
        while let Some((check, answer)) = answers.next().await {
            let there = |mut finding: Finding| {
                finding.place.block = Some(head.number);
                finding
            };
            match answer {
                Ok(answer) => check.compare(&answer).map_err(there)?,
                Err(ChainError::Failed(failure)) => {
                    let place = check.place().clone();
                    let found = failure.to_string();
                    let finding = Finding::new(Kind::State, place, "an answer", found);
                    return Err(there(finding).into());
                }
                Err(error) => return Err(error.into()),
            }
            done += 1;
            watcher.compared(done, about.max(done));
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_told_as_it_is() {
        let finding = Finding::new(Kind::Balance, Place::of("balanceOf"), "5", "4");
        let text = AuditError::from(finding.clone()).to_string();
        assert_eq!(text, finding.to_string());
    }
}
