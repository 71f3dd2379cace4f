//! What attesters sign: the EIP-712 digest of a batch.
//!
//! The hash function is handed in, so that the contract uses its host's and
//! everybody else a library's.

use crate::{Epoch, Hash};

/// Name in the EIP-712 domain.
pub const DOMAIN_NAME: &[u8] = b"Plimsoll";

/// Version in the EIP-712 domain.
pub const DOMAIN_VERSION: &[u8] = b"1";

const DOMAIN_TYPE: &[u8] =
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

const BATCH_TYPE: &[u8] = b"Batch(uint64 epoch,uint32 lane,uint64 seq,bytes32 receiptsRoot,uint64 receipts,bytes entries)";

/// Half of the order of secp256k1, big-endian: a signature's `s` must not be
/// above it, or anyone could turn a signature into a second one of the same signer.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// Bytes of a signature: `r`, `s`, `v`.
pub const SIGNATURE_BYTES: usize = 65;

/// Where a batch counts: this contract on this chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// EVM chain id, big-endian.
    pub chain_id: [u8; 32],
    /// The contract's address.
    pub contract: [u8; 20],
}

/// A batch without its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct BatchHeader {
    /// The epoch in which the work counts.
    pub epoch: Epoch,
    /// The lane; each counts its batches by itself.
    pub lane: u32,
    /// Number of the batch in its epoch and lane, from 0 without gaps.
    pub seq: u64,
    /// Merkle root of the receipts ([`crate::merkle`]).
    pub receipts_root: Hash,
    /// Number of receipts under the root.
    pub receipts: u64,
}

impl BatchHeader {
    /// The EIP-712 digest of this batch with `entries`, the packed call data.
    #[must_use]
    pub fn digest(&self, domain: &Domain, entries: &[u8], keccak: impl Fn(&[u8]) -> Hash) -> Hash {
        let separator = keccak(
            &[
                keccak(DOMAIN_TYPE),
                keccak(DOMAIN_NAME),
                keccak(DOMAIN_VERSION),
                domain.chain_id,
                left_pad(&domain.contract),
            ]
            .concat(),
        );
        let message = keccak(
            &[
                keccak(BATCH_TYPE),
                left_pad(&self.epoch.to_be_bytes()),
                left_pad(&self.lane.to_be_bytes()),
                left_pad(&self.seq.to_be_bytes()),
                self.receipts_root,
                left_pad(&self.receipts.to_be_bytes()),
                keccak(entries),
            ]
            .concat(),
        );
        keccak(&[&[0x19, 0x01][..], &separator, &message].concat())
    }
}

/// Whether a signature (`r`, `s`, `v`) has the one accepted form: `v` is 27 or 28
/// and `s` is low.
#[must_use]
pub fn canonical(signature: &[u8; SIGNATURE_BYTES]) -> bool {
    matches!(signature[64], 27 | 28) && signature[32..64] <= HALF_ORDER[..]
}

/// The lane of a receipt among `lanes` (at least 1): a fixed function of its id,
/// so that two keepers put it in the same lane.
#[must_use]
pub fn lane_of(receipt_id: &Hash, lanes: u32) -> u32 {
    let mut head = [0; 8];
    head.copy_from_slice(&receipt_id[..8]);
    // The remainder is below `lanes`, a u32.
    (u64::from_be_bytes(head) % u64::from(lanes.max(1))) as u32
}

fn left_pad(bytes: &[u8]) -> Hash {
    let mut word = [0; 32];
    word[32 - bytes.len()..].copy_from_slice(bytes);
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_form_of_a_signature_is_accepted() {
        let mut signature = [0; SIGNATURE_BYTES];
        signature[32..64].copy_from_slice(&HALF_ORDER);
        for (v, accepted) in [(0, false), (1, false), (27, true), (28, true), (29, false)] {
            signature[64] = v;
            assert_eq!(canonical(&signature), accepted, "v = {v}");
        }
        signature[64] = 27;
        signature[63] += 1;
        assert!(!canonical(&signature), "high s");
    }

    #[test]
    fn a_lane_is_a_function_of_the_id_alone() {
        let mut id = [0; 32];
        id[7] = 5;
        id[31] = 9;
        assert_eq!(lane_of(&id, 4), 1);
        assert_eq!(lane_of(&id, 0), 0);
    }
}
