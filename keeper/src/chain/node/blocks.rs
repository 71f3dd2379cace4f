//! Finding transactions and events in finalized blocks.

use super::dialect::failure_of;
use super::endpoints::Connection;
use super::{block_ref, client, Block};
use crate::chain::{At, ChainError, ContractEvent, Found, Hash, Outcome, Past, SignedTx, H160};
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

/// What a search needs of a node.
#[async_trait::async_trait]
trait Blocks: Sync {
    /// The number of the newest finalized block.
    fn newest(&self) -> u64;

    /// The account's next nonce as of that block.
    async fn nonce(&self) -> Result<u64, ChainError>;

    /// The hash of a finalized block and the place of a transaction with these bytes in
    /// it, if it is there. Needs no state.
    async fn place(&self, number: u64, bytes: &[u8]) -> Result<Option<(Hash, usize)>, ChainError>;

    /// How the transaction at a place of a block ended. Needs the block's state.
    async fn outcome(&self, number: u64, place: (Hash, usize)) -> Result<Outcome, ChainError>;
}

/// Looks for a transaction in finalized blocks from `from` on.
async fn search(blocks: &impl Blocks, tx: &SignedTx, from: u64) -> Result<Found, ChainError> {
    let newest = blocks.newest();
    let from = from.max(tx.anchor + 1);
    if blocks.nonce().await? <= tx.nonce {
        // It would have used its nonce: no block up to the newest has it.
        return Ok(if newest >= tx.last_block {
            Found::Dead
        } else {
            Found::Pending {
                next: from.max(newest + 1),
            }
        });
    }
    let last = newest.min(tx.last_block);
    let to = last.min(from.saturating_add(BLOCKS_AT_ONCE - 1));
    for number in from..=to {
        if let Some(place) = blocks.place(number, &tx.bytes).await? {
            let outcome = blocks.outcome(number, place).await?;
            return Ok(Found::Included(outcome));
        }
    }
    let next = from.max(to + 1);
    Ok(if next > last {
        // The nonce is used, and not by it.
        Found::Dead
    } else {
        Found::Pending { next }
    })
}

/// Looks for a transaction in a node's finalized blocks from `from` on.
pub(super) async fn find(
    connection: &Connection,
    account: &AccountId32,
    tx: &SignedTx,
    from: u64,
) -> Result<Found, ChainError> {
    let blocks = OnNode {
        head: connection.block(At::Finalized).await?,
        connection,
        account,
    };
    search(&blocks, tx, from).await
}

struct OnNode<'a> {
    head: Block,
    connection: &'a Connection,
    account: &'a AccountId32,
}

#[async_trait::async_trait]
impl Blocks for OnNode<'_> {
    fn newest(&self) -> u64 {
        self.head.block_number()
    }

    async fn nonce(&self) -> Result<u64, ChainError> {
        self.head
            .transactions()
            .account_nonce(self.account)
            .await
            .map_err(client("read the account's nonce"))
    }

    async fn place(&self, number: u64, bytes: &[u8]) -> Result<Option<(Hash, usize)>, ChainError> {
        const WHAT: &str = "read a block's transactions";
        let methods = &self.connection.methods;
        let hash = methods
            .chain_get_block_hash(Some(number.into()))
            .await
            .map_err(client(WHAT))?
            .ok_or(ChainError::Pruned { block: number })?;
        let body = methods
            .chain_get_block(Some(hash))
            .await
            .map_err(client(WHAT))?
            .ok_or(ChainError::Pruned { block: number })?;
        let extrinsics = body.block.extrinsics.iter();
        let place = extrinsics.map(|extrinsic| &extrinsic.0[..]);
        Ok(place
            .enumerate()
            .find(|(_, extrinsic)| *extrinsic == bytes)
            .map(|(index, _)| (hash.0, index)))
    }

    async fn outcome(&self, number: u64, place: (Hash, usize)) -> Result<Outcome, ChainError> {
        let (hash, index) = place;
        let outcome = async {
            let block = self.connection.block(At::Block(hash)).await?;
            outcome(&block, index).await
        };
        outcome.await.map_err(|error| stateless(error, number))
    }
}

/// What a node says of a block whose state it has dropped.
const DISCARDED: &str = "State already discarded";

/// An error at block `number`, with the case told apart that its state is gone.
fn stateless(error: ChainError, number: u64) -> ChainError {
    match error {
        ChainError::Client { reason, .. } if reason.contains(DISCARDED) => {
            ChainError::Pruned { block: number }
        }
        error => error,
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

/// What `contract` emitted in block `number`.
pub(super) async fn contract_events(
    connection: &Connection,
    number: u64,
    contract: H160,
) -> Result<Vec<ContractEvent>, ChainError> {
    let events = async {
        let block = connection.block_at(number).await?;
        contract_events_of(&block, contract).await
    };
    events.await.map_err(|error| stateless(error, number))
}

/// What block `number` has of `contract`.
pub(super) async fn past(
    connection: &Connection,
    number: u64,
    contract: H160,
) -> Result<Past, ChainError> {
    const WHAT: &str = "read a block's transactions";
    let reading = async {
        let block = connection.block_at(number).await?;
        let events = contract_events_of(&block, contract).await?;
        let mut extrinsics = Vec::new();
        if !events.is_empty() {
            let body = connection
                .methods
                .chain_get_block(Some(block.block_hash()))
                .await
                .map_err(client(WHAT))?
                .ok_or(ChainError::Pruned { block: number })?;
            let bodies = body.block.extrinsics.into_iter();
            extrinsics.extend(bodies.map(|extrinsic| extrinsic.0));
        }
        let block = block_ref(&block).await?;
        Ok::<_, ChainError>(Past {
            block,
            events,
            extrinsics,
        })
    };
    reading.await.map_err(|error| stateless(error, number))
}

async fn contract_events_of(
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// The nonce that the transaction under test carries.
    const NONCE: u64 = 7;

    /// A chain that has the transaction in a block, or not.
    struct Chain {
        newest: u64,
        nonce: u64,
        holds: Option<u64>,
        /// Blocks below it have lost their state.
        state_from: u64,
        /// The blocks whose bodies were read.
        read: Mutex<Vec<u64>>,
    }

    impl Chain {
        fn new(newest: u64, nonce: u64, holds: Option<u64>) -> Self {
            Self {
                newest,
                nonce,
                holds,
                state_from: 0,
                read: Mutex::default(),
            }
        }

        fn read(&self) -> Vec<u64> {
            self.read.lock().expect("whole").clone()
        }
    }

    #[async_trait::async_trait]
    impl Blocks for Chain {
        fn newest(&self) -> u64 {
            self.newest
        }

        async fn nonce(&self) -> Result<u64, ChainError> {
            Ok(self.nonce)
        }

        async fn place(&self, number: u64, _: &[u8]) -> Result<Option<(Hash, usize)>, ChainError> {
            self.read.lock().expect("whole").push(number);
            Ok((self.holds == Some(number)).then_some(([1; 32], 2)))
        }

        async fn outcome(&self, number: u64, place: (Hash, usize)) -> Result<Outcome, ChainError> {
            if number < self.state_from {
                let error = ChainError::Client {
                    what: "read a block",
                    reason: "UnknownBlock: State already discarded for 0x01".into(),
                };
                return Err(stateless(error, number));
            }
            Ok(Outcome {
                block: number,
                block_hash: place.0,
                fee: 0,
                result: Ok(()),
                events: Vec::new(),
                instantiated: None,
            })
        }
    }

    fn sent() -> SignedTx {
        SignedTx {
            hash: [3; 32],
            bytes: vec![1, 2, 3],
            nonce: NONCE,
            anchor: 100,
            last_block: 164,
        }
    }

    #[tokio::test]
    async fn what_has_not_used_its_nonce_is_pending_or_dead_and_no_block_is_read() {
        let chain = Chain::new(163, NONCE, None);
        let found = search(&chain, &sent(), 101).await;
        assert_eq!(found, Ok(Found::Pending { next: 164 }));
        // Its era is over. After an outage of any length that is known without the blocks.
        for newest in [164, 165, 100_000] {
            let chain = Chain::new(newest, NONCE, None);
            assert_eq!(search(&chain, &sent(), 101).await, Ok(Found::Dead));
            assert_eq!(chain.read(), Vec::<u64>::new(), "{newest}");
        }
        // A node that has just begun to follow the chain: nothing to look at yet.
        let chain = Chain::new(100, NONCE, None);
        let found = search(&chain, &sent(), 101).await;
        assert_eq!(found, Ok(Found::Pending { next: 101 }));
    }

    #[tokio::test]
    async fn what_has_used_its_nonce_is_found_in_the_bodies_some_at_a_time() {
        let chain = Chain::new(100_000, NONCE + 1, Some(150));
        let found = search(&chain, &sent(), 0).await;
        assert_eq!(found, Ok(Found::Pending { next: 133 }));
        assert_eq!(chain.read(), (101..=132).collect::<Vec<_>>());
        let found = search(&chain, &sent(), 133).await.expect("answers");
        assert!(matches!(found, Found::Included(outcome) if outcome.block == 150));
    }

    #[tokio::test]
    async fn a_nonce_that_another_transaction_used_makes_it_dead() {
        let chain = Chain::new(120, NONCE + 1, None);
        assert_eq!(search(&chain, &sent(), 101).await, Ok(Found::Dead));
        let chain = Chain::new(100_000, NONCE + 9, None);
        let found = search(&chain, &sent(), 133).await;
        assert_eq!(found, Ok(Found::Dead));
        assert_eq!(
            chain.read().last(),
            Some(&164),
            "no later block can hold it"
        );
    }

    #[tokio::test]
    async fn an_end_that_a_node_can_no_longer_tell_is_an_error_that_says_what_to_do() {
        let mut chain = Chain::new(100_000, NONCE + 1, Some(110));
        chain.state_from = 99_744;
        let error = search(&chain, &sent(), 101).await.expect_err("pruned");
        assert_eq!(error, ChainError::Pruned { block: 110 });
        assert!(!error.is_transient(), "somebody has to do something");
        assert!(error.to_string().contains("archive node"), "{error}");
    }
}
