//! Finding blocks, and what is in them.

use super::AuditError;
use crate::artifacts::EMISSION_METADATA;
use crate::chain::{Chain, ChainError, Past, H160};
use crate::contract::{ContractError, Emission, EventTopics};
use crate::deploy::Deployment;
use futures::stream::{self, StreamExt as _};
use plimsoll_index::{BatchId, Event};
use plimsoll_mechanism::Hash;
use std::time::Duration;

/// How often a block is asked for before its error is told, and the first pause; each one
/// is twice as long as the one before.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What finalized block `number` has of `contract`; asked for again if the connection
/// fails on the way.
///
/// # Errors
/// The chain's.
pub async fn past(chain: &Chain, contract: H160, number: u64) -> Result<Past, ChainError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match chain.past(contract, number).await {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, number, "a block is asked for again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    chain.past(contract, number).await
}

/// The block from which on the contract is there. The deployment file's is not earlier.
///
/// # Errors
/// The chain's.
pub async fn first(chain: &Chain, deployment: &Deployment) -> Result<u64, ChainError> {
    let contract = deployment.contract;
    let is_there = |number: u64| async move {
        let hash = past(chain, contract, number).await?.block.hash;
        let code = chain.code_hash_at(contract, hash).await?;
        Ok::<_, ChainError>(code.is_some())
    };
    let Some(before) = deployment.block.checked_sub(1) else {
        return Ok(0);
    };
    if !is_there(before).await? {
        return Ok(deployment.block);
    }
    let (mut low, mut high) = (0, before);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_there(middle).await? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(high)
}

/// A batch as the contract's event tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnChain {
    /// The block of the event.
    pub block: u64,
    /// The Merkle root of its receipts.
    pub root: Hash,
    /// How many receipts are under the root.
    pub receipts: u64,
}

/// Looks for a batch in the contract's events, from the first block of its epoch on.
///
/// # Errors
/// If the chain cannot be asked, or the contract is of another version.
pub async fn batch(
    chain: &Chain,
    deployment: &Deployment,
    id: BatchId,
) -> Result<Option<OnChain>, AuditError> {
    let topics = EventTopics::from_metadata(EMISSION_METADATA).map_err(AuditError::Metadata)?;
    let emission = Emission::new(chain.clone(), deployment.contract);
    let settings = emission.settings().await.map_err(told)?;
    if emission.next_seq(id.0, id.1).await.map_err(told)? <= id.2 {
        return Ok(None);
    }
    let begins = u64::from(id.0).saturating_mul(settings.times.epoch);
    let time = settings.times.genesis.saturating_add(begins);
    let head = chain.head().await?.finalized.number;
    // Pauses only make an epoch later: no block before this time has a batch of it.
    let (mut low, mut high) = (0, head);
    while low < high {
        let middle = low + (high - low) / 2;
        let block = past(chain, deployment.contract, middle).await?.block;
        if block.time_ms >= time {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let mut blocks = stream::iter(low..=head)
        .map(|number| past(chain, deployment.contract, number))
        .buffered(super::AT_ONCE);
    while let Some(past) = blocks.next().await {
        let past = past?;
        for event in &past.events {
            let decoded = topics.decode(event).map_err(AuditError::Metadata)?;
            if let Some(Event::BatchAccepted(e)) = decoded {
                if (e.epoch, e.lane, e.seq) == id {
                    return Ok(Some(OnChain {
                        block: past.block.number,
                        root: e.receipts_root,
                        receipts: e.receipts,
                    }));
                }
            }
        }
    }
    Ok(None)
}

fn told(error: ContractError) -> AuditError {
    match error {
        ContractError::Chain(error) => AuditError::Chain(error),
        other => AuditError::Input(other.to_string()),
    }
}
