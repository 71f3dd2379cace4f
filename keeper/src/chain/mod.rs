//! What the keeper needs from a chain.
//!
//! There are two implementations: [`node`] talks to a node over JSON-RPC, and the
//! binary `plimsoll-local` passes one that runs the runtime in its own process.
//! Everything above this trait is the same for both.

mod error;
pub mod node;

pub use error::{ChainError, Class, Failure};
pub use plimsoll_interface::H160;

use std::sync::Arc;
use std::time::Duration;

/// A block or transaction hash, or an event's topic.
pub type Hash = [u8; 32];

/// A chain that can be shared between tasks.
pub type Chain = Arc<dyn ChainClient>;

/// Execution and proof size, as the runtime measures them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Execution time in picoseconds of the reference machine.
    pub ref_time: u64,
    /// Bytes of proof.
    pub proof_size: u64,
}

impl Weight {
    /// Whether both parts are at most those of `other`.
    #[must_use]
    pub fn fits(self, other: Self) -> bool {
        self.ref_time <= other.ref_time && self.proof_size <= other.proof_size
    }
}

/// What a transaction may use at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Weight of the contract's execution.
    pub weight: Weight,
    /// Storage deposit, in base units of the native token.
    pub deposit: u128,
}

/// By how much a limit exceeds what the dry-run needed, in percent. State moves
/// between the dry-run and the block: a page of work that another keeper's batch made
/// cold, a name that grew. A tenth covers that and is not charged unless it is used.
pub const LIMIT_MARGIN_PERCENT: u64 = 10;

impl Limits {
    /// What was required and [`LIMIT_MARGIN_PERCENT`] more, rounded up.
    #[must_use]
    pub fn with_margin(required: Weight, deposit: u128) -> Self {
        let more = |value: u64| {
            value.saturating_add(
                (u128::from(value) * u128::from(LIMIT_MARGIN_PERCENT)).div_ceil(100) as u64,
            )
        };
        let deposit = deposit.saturating_add(
            deposit
                .div_ceil(100)
                .saturating_mul(u128::from(LIMIT_MARGIN_PERCENT)),
        );
        Self {
            weight: Weight {
                ref_time: more(required.ref_time),
                proof_size: more(required.proof_size),
            },
            deposit,
        }
    }
}

/// A transaction before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tx {
    /// A message to a contract.
    Call {
        /// The contract.
        to: H160,
        /// Native tokens to send along, in base units.
        value: u128,
        /// The message in the contract's ABI.
        data: Vec<u8>,
    },
    /// A new contract at an address that depends on code, data and salt only (CREATE2).
    Instantiate {
        /// The bytecode.
        code: Vec<u8>,
        /// The constructor's message.
        data: Vec<u8>,
        /// What makes the address differ.
        salt: [u8; 32],
        /// Native tokens to send along, in base units.
        value: u128,
    },
    /// Tells the chain which account our address belongs to. Needed once, before
    /// the first call.
    MapAccount,
}

/// A signed transaction: sending these bytes again is the same transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTx {
    /// Its hash, by which it is found in a block.
    pub hash: Hash,
    /// What is sent.
    pub bytes: Vec<u8>,
    /// The nonce it carries.
    pub nonce: u64,
    /// The finalized block at which it was signed: it can be in later ones only.
    pub anchor: u64,
    /// The last block that can hold it. After that it is dead and its nonce free.
    pub last_block: u64,
}

/// What would become of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// The least weight limit with which it comes out so.
    pub weight: Weight,
    /// The least deposit limit with which it comes out so, in base units.
    pub deposit: u128,
    /// What it returns, or why it fails.
    pub result: Result<Vec<u8>, Failure>,
    /// The new contract's address, for [`Tx::Instantiate`].
    pub address: Option<H160>,
}

/// How a transaction in a finalized block ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The block's number.
    pub block: u64,
    /// The block's hash.
    pub block_hash: Hash,
    /// What it paid in fees, in base units of the native token.
    pub fee: u128,
    /// Whether it succeeded.
    pub result: Result<(), Failure>,
    /// Events of contracts, in order; none if it failed.
    pub events: Vec<ContractEvent>,
    /// The new contract, for [`Tx::Instantiate`].
    pub instantiated: Option<H160>,
}

/// Where a transaction was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// In a finalized block.
    Included(Outcome),
    /// Not yet, and it still can be. The next search may begin at this block.
    Pending {
        /// The first block not searched.
        next: u64,
    },
    /// Never: its era is over, or another transaction took its nonce.
    Dead,
}

/// An event that a contract emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractEvent {
    /// Number of the block it was emitted in.
    pub block: u64,
    /// Who emitted it.
    pub contract: H160,
    /// At most four; the first names the event.
    pub topics: Vec<Hash>,
    /// The rest, as the contract's ABI encodes it.
    pub data: Vec<u8>,
}

/// What a finalized block has of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The block.
    pub block: BlockRef,
    /// What the contract emitted in it, in order.
    pub events: Vec<ContractEvent>,
    /// The block's transactions as they are in it; none if there are no events.
    pub extrinsics: Vec<Vec<u8>>,
}

/// A block seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its timestamp, in milliseconds since 1970.
    pub time_ms: u64,
}

/// The chain's newest blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The newest that cannot be undone.
    pub finalized: BlockRef,
    /// The newest.
    pub best: BlockRef,
}

/// At which block a view is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The newest finalized block: what is decided on. Never an older one than before,
    /// whichever node answers.
    Finalized,
    /// The best block: what the next transaction will meet.
    Best,
    /// A block that [`ChainClient::finalized`] gave, for views that belong together. A
    /// chain that keeps no past states may answer as of a newer one.
    Block(Hash),
}

/// What does not change while connected, runtime upgrades aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainInfo {
    /// Hash of block 0.
    pub genesis: Hash,
    /// EVM chain id, big-endian, as the EIP-712 domain has it.
    pub chain_id: [u8; 32],
    /// The runtime's name.
    pub spec_name: String,
    /// The runtime's version.
    pub spec_version: u32,
    /// Our account.
    pub account: [u8; 32],
    /// Our address on the contracts' side.
    pub address: H160,
    /// The most weight one transaction may have, its own overhead included.
    pub max_weight: Weight,
    /// The most bytes one transaction may have.
    pub max_length: u64,
}

/// A chain, and one account on it.
#[async_trait::async_trait]
pub trait ChainClient: Send + Sync + 'static {
    /// What does not change while connected.
    async fn info(&self) -> Result<ChainInfo, ChainError>;

    /// The newest blocks.
    async fn head(&self) -> Result<Head, ChainError>;

    /// The hash of the newest finalized block.
    async fn finalized(&self) -> Result<Hash, ChainError> {
        Ok(self.head().await?.finalized.hash)
    }

    /// Calls a contract without a transaction and gives what it returns.
    ///
    /// # Errors
    /// Also [`ChainError::Failed`] if the contract reverts.
    async fn read(&self, to: H160, data: Vec<u8>, at: At) -> Result<Vec<u8>, ChainError>;

    /// What would become of a transaction at the best block. An account that is not
    /// mapped is taken as mapped: ask [`ChainClient::mapped`].
    async fn dry_run(&self, tx: &Tx) -> Result<DryRun, ChainError>;

    /// As [`ChainClient::dry_run`], by some account that has what ours may lack: to tell what
    /// a transaction would cost before ours is funded. `None` if no such account is known.
    async fn dry_run_by_the_rich(&self, _tx: &Tx) -> Result<Option<DryRun>, ChainError> {
        Ok(None)
    }

    /// As [`ChainClient::dry_run`], by whoever has this address: a dry-run needs no
    /// signature, so a call that a multisig is to make can be tried before it signs.
    async fn dry_run_as(&self, _caller: H160, _tx: &Tx) -> Result<DryRun, ChainError> {
        Err(ChainError::Unsupported(
            "it dry-runs what its own account does, and nothing else".into(),
        ))
    }

    /// Signs with this nonce and these limits. The bytes are final.
    async fn sign(&self, tx: &Tx, limits: Limits, nonce: u64) -> Result<SignedTx, ChainError>;

    /// What the transaction would pay in fees, in base units of the native token.
    async fn fee(&self, tx: &SignedTx) -> Result<u128, ChainError>;

    /// The next nonce of our account, transactions in the node's pool counted.
    async fn next_nonce(&self) -> Result<u64, ChainError>;

    /// Hands the bytes to the node's pool. Sending what the pool has already is fine.
    ///
    /// # Errors
    /// [`ChainError::Pool`] if the pool refuses it. Also then the transaction may be in
    /// a block already: [`ChainClient::find`] knows.
    async fn send(&self, tx: &SignedTx) -> Result<(), ChainError>;

    /// Looks for the transaction in finalized blocks from `from` on (its anchor plus one,
    /// or what an earlier search gave).
    async fn find(&self, tx: &SignedTx, from: u64) -> Result<Found, ChainError>;

    /// Events of `contract` in the finalized blocks `from` to `to`, both included.
    async fn events(
        &self,
        contract: H160,
        from: u64,
        to: u64,
    ) -> Result<Vec<ContractEvent>, ChainError>;

    /// What finalized block `number` has of `contract`.
    async fn past(&self, _contract: H160, number: u64) -> Result<Past, ChainError> {
        Err(ChainError::Unsupported(format!(
            "it does not tell its past, and block {number} is asked for"
        )))
    }

    /// What our account can spend, in base units of the native token.
    async fn balance(&self) -> Result<u128, ChainError>;

    /// Whether the chain knows which account our address belongs to.
    async fn mapped(&self) -> Result<bool, ChainError>;

    /// Hash of the code at an address; none if there is no contract.
    async fn code_hash(&self, at: H160) -> Result<Option<Hash>, ChainError>;

    /// As [`ChainClient::code_hash`] at a finalized block. A chain that keeps no past
    /// states may answer as of a newer one.
    async fn code_hash_at(&self, at: H160, _block: Hash) -> Result<Option<Hash>, ChainError> {
        self.code_hash(at).await
    }

    /// How long to wait between two searches for a transaction.
    fn poll_interval(&self) -> Duration {
        // About a sixth of the block time of a parachain: prompt, and no burden.
        Duration::from_secs(1)
    }
}

/// A chain whose clock can be driven: the embedded one and the development node.
#[async_trait::async_trait]
pub trait ClockControl: Send + Sync + 'static {
    /// Moves the chain's clock to `ms` (milliseconds since 1970). When it returns, the
    /// best and the finalized block have that time.
    async fn set_time(&self, ms: u64) -> Result<(), ChainError>;

    /// The chain's time, in milliseconds since 1970.
    async fn now_ms(&self) -> Result<u64, ChainError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_exceed_what_the_dry_run_needed_by_a_tenth() {
        let limits = Limits::with_margin(
            Weight {
                ref_time: 1_000,
                proof_size: 15,
            },
            200,
        );
        assert_eq!(
            limits.weight,
            Weight {
                ref_time: 1_100,
                proof_size: 17
            }
        );
        assert_eq!(limits.deposit, 220);
    }

    #[test]
    fn limits_do_not_overflow() {
        let all = Weight {
            ref_time: u64::MAX,
            proof_size: u64::MAX,
        };
        assert_eq!(Limits::with_margin(all, u128::MAX).weight, all);
    }

    #[test]
    fn a_weight_fits_only_if_both_parts_do() {
        let room = Weight {
            ref_time: 10,
            proof_size: 10,
        };
        assert!(room.fits(room));
        assert!(!Weight {
            ref_time: 11,
            proof_size: 1
        }
        .fits(room));
        assert!(!Weight {
            ref_time: 1,
            proof_size: 11
        }
        .fits(room));
    }
}
