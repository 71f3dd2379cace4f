//! What is signed, by a second implementation: alloy's EIP-712 and k256's curve.

use alloy_primitives::{keccak256, Address, Bytes, FixedBytes, U256};
use alloy_sol_types::{sol, Eip712Domain, SolStruct};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use plimsoll_interface::H160;
use plimsoll_keeper::receipt;
use plimsoll_mechanism::batch::{BatchHeader, Domain, SIGNATURE_BYTES};
use plimsoll_mechanism::Hash;

sol! {
    struct Batch {
        uint64 epoch;
        uint32 lane;
        uint64 seq;
        bytes32 receiptsRoot;
        uint64 receipts;
        bytes entries;
    }

    struct Receipt {
        bytes32 id;
        uint32 operator;
        bytes32 client;
        string model;
        uint8 verification;
        bytes32 evidence;
        uint64 inputTokens;
        uint64 cachedInputTokens;
        uint64 outputTokens;
        uint128 fee;
        uint64 completedAt;
    }
}

/// The digest of a batch.
pub fn batch(header: &BatchHeader, domain: &Domain, entries: &[u8]) -> Hash {
    let domain = Eip712Domain {
        name: Some("Plimsoll".into()),
        version: Some("1".into()),
        chain_id: Some(U256::from_be_bytes(domain.chain_id)),
        verifying_contract: Some(Address::from(domain.contract)),
        salt: None,
    };
    let batch = Batch {
        epoch: header.epoch.into(),
        lane: header.lane,
        seq: header.seq,
        receiptsRoot: FixedBytes(header.receipts_root),
        receipts: header.receipts,
        entries: Bytes::copy_from_slice(entries),
    };
    batch.eip712_signing_hash(&domain).0
}

/// The digest of a receipt for the network of this name.
pub fn receipt(receipt: &receipt::Receipt, network: &str) -> Hash {
    let domain = Eip712Domain {
        name: Some("Plimsoll Receipt".into()),
        version: Some("1".into()),
        chain_id: None,
        verifying_contract: None,
        salt: Some(keccak256(network)),
    };
    let verification = match receipt.verification {
        receipt::Mode::None => 0,
        receipt::Mode::Tee => 1,
        receipt::Mode::ZkMl => 2,
    };
    let receipt = Receipt {
        id: FixedBytes(receipt.id),
        operator: receipt.operator,
        client: FixedBytes(receipt.client),
        model: receipt.model.clone(),
        verification,
        evidence: FixedBytes(receipt.evidence.unwrap_or_default()),
        inputTokens: receipt.input_tokens,
        cachedInputTokens: receipt.cached_input_tokens,
        outputTokens: receipt.output_tokens,
        fee: receipt.fee,
        completedAt: receipt.completed_at,
    };
    receipt.eip712_signing_hash(&domain).0
}

/// Half of the order of the curve, rounded down.
const HALF_ORDER: U256 = U256::from_limbs([
    0xdfe9_2f46_681b_20a0,
    0x5d57_6e73_57a4_501d,
    0xffff_ffff_ffff_ffff,
    0x7fff_ffff_ffff_ffff,
]);

/// Whose signature this is: the rules of the one accepted form, and k256's recovery.
pub fn signer(digest: &Hash, signature: &[u8; SIGNATURE_BYTES]) -> Option<H160> {
    let (point, v) = signature.split_at(64);
    let id = match v {
        [27] => 0,
        [28] => 1,
        _ => return None,
    };
    if U256::from_be_slice(&point[32..]) > HALF_ORDER {
        return None;
    }
    let signature = Signature::from_slice(point).ok()?;
    let id = RecoveryId::from_byte(id)?;
    let key = VerifyingKey::recover_from_prehash(digest, &signature, id).ok()?;
    let point = key.to_encoded_point(false);
    let hash = keccak256(&point.as_bytes()[1..]);
    Some(H160::from_slice(&hash[12..]))
}
