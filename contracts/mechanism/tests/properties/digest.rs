//! The digest that attesters sign is a standard EIP-712 digest: a wallet or a
//! library that knows nothing of Plimsoll computes the same from the type alone.

use crate::support::property;
use crate::support::source::Source;
use alloy_primitives::{keccak256, Address, Bytes, FixedBytes, U256};
use alloy_sol_types::{eip712_domain, sol, SolStruct};
use plimsoll_mechanism::batch::{BatchHeader, Domain};
use plimsoll_mechanism::Hash;
use proptest::prelude::*;
use sha3::{Digest, Keccak256};

sol! {
    /// The type as section 9 of the mechanism gives it.
    struct Batch {
        uint64 epoch;
        uint32 lane;
        uint64 seq;
        bytes32 receiptsRoot;
        uint64 receipts;
        bytes entries;
    }
}

fn keccak(bytes: &[u8]) -> Hash {
    Keccak256::digest(bytes).into()
}

fn standard(header: &BatchHeader, domain: &Domain, entries: &[u8]) -> Hash {
    let separator = eip712_domain! {
        name: "Plimsoll",
        version: "1",
        chain_id: 0,
        verifying_contract: Address::from(domain.contract),
    };
    let separator = alloy_sol_types::Eip712Domain {
        chain_id: Some(U256::from_be_bytes(domain.chain_id)),
        ..separator
    };
    let batch = Batch {
        epoch: header.epoch.into(),
        lane: header.lane,
        seq: header.seq,
        receiptsRoot: FixedBytes(header.receipts_root),
        receipts: header.receipts,
        entries: Bytes::copy_from_slice(entries),
    };
    batch.eip712_signing_hash(&separator).0
}

/// Any bytes.
fn bytes<const N: usize>(source: &mut Source) -> [u8; N] {
    let mut bytes = [0; N];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&source.word().to_be_bytes()[..chunk.len()]);
    }
    bytes
}

/// What is signed: a header for a domain, and the packed entries.
type Signed = (BatchHeader, Domain, Vec<u8>);

fn signed(source: &mut Source) -> Signed {
    let header = BatchHeader {
        epoch: source.small(0..=u32::MAX),
        lane: source.small(0..=u32::MAX),
        seq: source.word(),
        receipts_root: bytes(source),
        receipts: source.word(),
    };
    let chain_id = match source.weighted(&[1, 1]) {
        0 => U256::from(source.word()).to_be_bytes(),
        _ => bytes(source),
    };
    let contract = bytes(source);
    let domain = Domain { chain_id, contract };
    let length = source.count(0..=399);
    let words = source.list(length.div_ceil(8), |source| source.word().to_be_bytes());
    let mut entries = words.concat();
    entries.truncate(length);
    (header, domain, entries)
}

#[test]
fn g16_the_digest_is_the_standard_one() {
    assert_eq!(keccak(b""), keccak256(b"").0, "two libraries, one hash");
    property(
        "g16_the_digest_is_the_standard_one",
        signed,
        |(header, domain, entries)| {
            prop_assert_eq!(
                header.digest(&domain, &entries, keccak),
                standard(&header, &domain, &entries)
            );
            Ok(())
        },
    );
}

#[test]
fn g16_a_signature_holds_for_one_batch_of_one_contract_only() {
    property(
        "g16_a_signature_holds_for_one_batch_of_one_contract_only",
        |source| (signed(source), signed(source)),
        |(one, other)| {
            // Whatever single thing is taken from another batch changes the digest.
            let digest =
                |(header, domain, entries): &Signed| header.digest(domain, entries, keccak);
            for change in 0..8 {
                let mut changed = one.clone();
                let (header, domain) = (&mut changed.0, &mut changed.1);
                match change {
                    0 => header.epoch = other.0.epoch,
                    1 => header.lane = other.0.lane,
                    2 => header.seq = other.0.seq,
                    3 => header.receipts_root = other.0.receipts_root,
                    4 => header.receipts = other.0.receipts,
                    5 => domain.chain_id = other.1.chain_id,
                    6 => domain.contract = other.1.contract,
                    _ => changed.2.clone_from(&other.2),
                }
                prop_assert_eq!(digest(&changed) == digest(&one), changed == one);
            }
            Ok(())
        },
    );
}
