//! Finding transactions and events in finalized blocks.

use super::dialect::failure_of;
use super::endpoints::Connection;
use super::{client, Block};
use crate::chain::{At, ChainError, ContractEvent, Found, Hash, Outcome, SignedTx, H160};
use subxt::events::{DecodeAsEvent, Phase};
use subxt::ext::scale_decode::DecodeAsType;
use subxt::ext::scale_value::Value;
use subxt::utils::AccountId32;

/// The most blocks searched in one request, so that the answer comes before its time
/// is up also on a slow node.
const BLOCKS_AT_ONCE: u64 = 32;

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ContractEmitted {
    contract: [u8; 20],
    data: Vec<u8>,
    topics: Vec<[u8; 32]>,
}

impl DecodeAsEvent for ContractEmitted {
    fn is_event(pallet: &str, event: &str) -> bool {
        pallet == "Revive" && event == "ContractEmitted"
    }
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Instantiated {
    contract: [u8; 20],
}

impl DecodeAsEvent for Instantiated {
    fn is_event(pallet: &str, event: &str) -> bool {
        pallet == "Revive" && event == "Instantiated"
    }
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct FeePaid {
    actual_fee: u128,
}

impl DecodeAsEvent for FeePaid {
    fn is_event(pallet: &str, event: &str) -> bool {
        pallet == "TransactionPayment" && event == "TransactionFeePaid"
    }
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ExtrinsicFailed {
    dispatch_error: Value,
}

impl DecodeAsEvent for ExtrinsicFailed {
    fn is_event(pallet: &str, event: &str) -> bool {
        pallet == "System" && event == "ExtrinsicFailed"
    }
}

/// Looks for a transaction in finalized blocks from `from` on.
pub(super) async fn find(
    connection: &Connection,
    account: &AccountId32,
    tx: &SignedTx,
    from: u64,
) -> Result<Found, ChainError> {
    let head = connection.block(At::Finalized).await?;
    let newest = head.block_number();
    let from = from.max(tx.anchor + 1);
    let to = newest
        .min(tx.last_block)
        .min(from.saturating_add(BLOCKS_AT_ONCE - 1));
    for number in from..=to {
        let block = connection.block_at(number).await?;
        if let Some(outcome) = outcome_in(connection, &block, tx).await? {
            return Ok(Found::Included(outcome));
        }
    }
    let next = from.max(to + 1);
    if next > tx.last_block {
        return Ok(Found::Dead);
    }
    if next > newest {
        // Everything finalized is searched. If the account has used the nonce by now, it
        // was for another transaction.
        let nonce = head
            .transactions()
            .account_nonce(account)
            .await
            .map_err(client("read the account's nonce"))?;
        if nonce > tx.nonce {
            return Ok(Found::Dead);
        }
    }
    Ok(Found::Pending { next })
}

async fn outcome_in(
    connection: &Connection,
    block: &Block,
    tx: &SignedTx,
) -> Result<Option<Outcome>, ChainError> {
    let body = connection
        .methods
        .chain_get_block(Some(block.block_hash()))
        .await
        .map_err(client("read a block's transactions"))?
        .ok_or_else(|| ChainError::Client {
            what: "read a block's transactions",
            reason: format!("the node does not have block {}", block.block_number()),
        })?;
    let position = body
        .block
        .extrinsics
        .iter()
        .position(|extrinsic| extrinsic.0 == tx.bytes);
    match position {
        None => Ok(None),
        Some(index) => outcome(block, index).await.map(Some),
    }
}

/// How the transaction at `index` of a block ended.
async fn outcome(block: &Block, index: usize) -> Result<Outcome, ChainError> {
    let undecodable = client("read a block's events");
    let events = block
        .events()
        .fetch()
        .await
        .map_err(client("read a block's events"))?;
    let mut outcome = Outcome {
        block: block.block_number(),
        block_hash: block.block_hash().0,
        fee: 0,
        result: Ok(()),
        events: Vec::new(),
        instantiated: None,
    };
    for event in events.iter() {
        let event = event.map_err(client("read a block's events"))?;
        if !matches!(event.phase(), Phase::ApplyExtrinsic(of) if of as usize == index) {
            continue;
        }
        if let Some(paid) = event.decode_fields_as::<FeePaid>() {
            outcome.fee = paid.map_err(&undecodable)?.actual_fee;
        } else if let Some(failed) = event.decode_fields_as::<ExtrinsicFailed>() {
            let error = failed.map_err(&undecodable)?.dispatch_error;
            outcome.result = Err(failure_of(block, &error));
        } else if let Some(made) = event.decode_fields_as::<Instantiated>() {
            outcome.instantiated = Some(H160(made.map_err(&undecodable)?.contract));
        } else if let Some(emitted) = event.decode_fields_as::<ContractEmitted>() {
            outcome
                .events
                .push(contract_event(block, emitted.map_err(&undecodable)?));
        }
    }
    Ok(outcome)
}

/// What `contract` emitted in a block.
pub(super) async fn contract_events(
    block: &Block,
    contract: H160,
) -> Result<Vec<ContractEvent>, ChainError> {
    let events = block
        .events()
        .fetch()
        .await
        .map_err(client("read a block's events"))?;
    let mut found = Vec::new();
    for emitted in events.find::<ContractEmitted>() {
        let emitted = emitted.map_err(client("read a block's events"))?;
        if emitted.contract == contract.0 {
            found.push(contract_event(block, emitted));
        }
    }
    Ok(found)
}

fn contract_event(block: &Block, emitted: ContractEmitted) -> ContractEvent {
    ContractEvent {
        block: block.block_number(),
        contract: H160(emitted.contract),
        topics: emitted
            .topics
            .into_iter()
            .map(|topic: Hash| topic)
            .collect(),
        data: emitted.data,
    }
}
