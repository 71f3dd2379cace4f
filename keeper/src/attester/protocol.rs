//! What keeper and attester say to each other: JSON over HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/check` [`AttestRequest`] | [`Checked`]: it would be signed |
//! | `POST /v1/attest` [`AttestRequest`] | [`Attested`]: it is signed |
//! | `GET /v1/batch/{epoch}/{lane}/{seq}` | [`SignedBatch`], with this attester's own signature if it has no other |
//! | `GET /v1/info` | [`Info`] |
//! | `GET /health` | [`Health`] |
//!
//! A refusal is a [`Refusal`] with the status of its code.

use crate::batch::Batch;
use crate::hexes;
use crate::keys::Signature;
use crate::receipt::Receipt;
use plimsoll_interface::H160;
use plimsoll_mechanism::{Epoch, Hash};
use serde::{Deserialize, Serialize};

/// Which batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchKey {
    /// The epoch it counts in.
    pub epoch: Epoch,
    /// The lane.
    pub lane: u32,
    /// Its number there.
    pub seq: u64,
}

/// A batch to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestRequest {
    /// EVM chain id of the deployment, big-endian.
    #[serde(with = "hexes")]
    pub chain_id: [u8; 32],
    /// The contract.
    pub contract: H160,
    /// Version of the meter.
    pub meter: u32,
    /// Which batch.
    pub key: BatchKey,
    /// The Merkle root that the keeper computed.
    #[serde(with = "hexes")]
    pub receipts_root: Hash,
    /// The packed entries that the keeper computed.
    #[serde(with = "hexes")]
    pub entries: Vec<u8>,
    /// The receipts, ascending by id.
    pub receipts: Vec<Receipt>,
    /// Batches that the contract has and that the attester asked for.
    #[serde(default)]
    pub earlier: Vec<SignedBatch>,
}

/// A batch with its receipts and signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBatch {
    /// Which batch.
    pub key: BatchKey,
    /// The packed entries.
    #[serde(with = "hexes")]
    pub entries: Vec<u8>,
    /// The receipts, ascending by id.
    pub receipts: Vec<Receipt>,
    /// Signatures of attesters.
    pub signatures: Vec<SignatureText>,
}

/// A signature as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignatureText(#[serde(with = "hexes")] pub Signature);

/// The answer to `/v1/attest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attested {
    /// Who signed.
    pub address: H160,
    /// What was signed.
    #[serde(with = "hexes")]
    pub digest: Hash,
    /// The signature.
    pub signature: SignatureText,
}

/// The answer to `/v1/check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Who would sign.
    pub address: H160,
    /// What would be signed.
    #[serde(with = "hexes")]
    pub digest: Hash,
}

/// The answer to `/v1/info`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The attester's address.
    pub address: H160,
    /// The contract it attests for.
    pub contract: H160,
    /// EVM chain id, big-endian.
    #[serde(with = "hexes")]
    pub chain_id: [u8; 32],
    /// The program's version.
    pub version: String,
    /// Batches it signed.
    pub signed: u64,
}

/// The answer to `/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`, or what is wrong.
    pub status: String,
}

/// Why a batch is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request cannot be read.
    Malformed,
    /// The request is larger than the attester reads: make smaller batches.
    TooLarge,
    /// It is about another contract or chain.
    WrongDeployment,
    /// Keeper and attester have different meters for the epoch.
    WrongMeter,
    /// The epoch takes no work: it is over, has not begun, or the clock stands.
    EpochClosed,
    /// The contract expects another number.
    NotNext,
    /// The attester signed another batch with this number.
    AlreadySigned,
    /// Operators of this batch are in another one of the epoch that the contract does
    /// not have yet.
    Busy,
    /// The attester does not know all batches that the contract has: send them along.
    MissingBatches,
    /// A batch sent along is not what enough attesters signed.
    WrongEarlier,
    /// Receipts that it does not accept; they are listed.
    Receipts,
    /// It computes other figures from the same receipts.
    Differs,
    /// It cannot read the chain or its journal now.
    Unavailable,
}

impl Code {
    /// The HTTP status of a refusal: 4xx with the request at fault, 409 where time or
    /// more data may change the answer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::TooLarge => 413,
            Self::WrongDeployment | Self::WrongMeter | Self::WrongEarlier => 422,
            Self::Receipts | Self::Differs => 422,
            Self::EpochClosed
            | Self::NotNext
            | Self::AlreadySigned
            | Self::Busy
            | Self::MissingBatches => 409,
            Self::Unavailable => 503,
        }
    }
}

/// What is wrong with a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Numbers that cannot be, or more work than fits.
    Impossible,
    /// No signature.
    Unsigned,
    /// Signed by somebody unknown.
    UnknownSigner,
    /// Completed before genesis, or too far ahead of the chain's time.
    WrongTime,
    /// No such operator yet.
    UnknownOperator,
    /// The contract has it already.
    Counted,
    /// It is in a batch that the contract can still accept.
    Held,
    /// It belongs to another epoch now.
    WrongEpoch,
    /// It belongs to another lane, or stands out of order.
    WrongPlace,
}

impl Fault {
    /// Whether time cures it. What time does not cure is to be quarantined.
    ///
    /// A keeper asks about operators and times that its own node knows: an attester that
    /// does not has a node that is behind, and it catches up.
    #[must_use]
    pub fn passes(self) -> bool {
        match self {
            Self::Held
            | Self::WrongEpoch
            | Self::WrongPlace
            | Self::WrongTime
            | Self::UnknownOperator => true,
            Self::Impossible | Self::Unsigned | Self::UnknownSigner | Self::Counted => false,
        }
    }
}

/// A receipt that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedReceipt {
    /// Which receipt.
    #[serde(with = "hexes")]
    pub id: Hash,
    /// Why, in short.
    pub fault: Fault,
    /// Why, in words.
    pub reason: String,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Why, in short.
    pub code: Code,
    /// Why, in words.
    pub reason: String,
    /// The receipts at fault; at most [`MAX_LISTED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<RefusedReceipt>,
    /// The batches that are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<BatchKey>,
}

/// The most receipts that a refusal lists. More are found when the batch comes again.
pub const MAX_LISTED: usize = 1_000;

impl Refusal {
    /// A refusal without lists.
    #[must_use]
    pub fn new(code: Code, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            receipts: Vec::new(),
            missing: Vec::new(),
        }
    }
}

impl AttestRequest {
    /// The request to sign `batch` for a deployment, metered by version `meter`.
    #[must_use]
    pub fn new(domain: &plimsoll_mechanism::batch::Domain, meter: u32, batch: &Batch) -> Self {
        let header = batch.header;
        Self {
            chain_id: domain.chain_id,
            contract: H160(domain.contract),
            meter,
            key: BatchKey {
                epoch: header.epoch,
                lane: header.lane,
                seq: header.seq,
            },
            receipts_root: header.receipts_root,
            entries: batch.entries.clone(),
            receipts: batch.receipts.clone(),
            earlier: Vec::new(),
        }
    }
}
