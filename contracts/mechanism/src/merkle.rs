//! The Merkle tree of a batch's receipts.
//!
//! A leaf is `H(0x00 || receipt)`, a node `H(0x01 || left || right)` (the domain
//! separation of RFC 6962); a node without a sibling moves up unchanged. So
//! anyone can prove that a receipt was counted, or find that one was counted twice.

use crate::Hash;
use alloc::vec::Vec;

/// The root of a tree without leaves.
pub const EMPTY_ROOT: Hash = [0; 32];

/// The leaf of a receipt given by its hash.
#[must_use]
pub fn leaf(receipt: &Hash, keccak: impl Fn(&[u8]) -> Hash) -> Hash {
    keccak(&[&[0x00], &receipt[..]].concat())
}

fn node(left: &Hash, right: &Hash, keccak: impl Fn(&[u8]) -> Hash) -> Hash {
    keccak(&[&[0x01], &left[..], &right[..]].concat())
}

fn parents(level: &[Hash], keccak: &impl Fn(&[u8]) -> Hash) -> Vec<Hash> {
    level
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => node(left, right, keccak),
            single => single[0],
        })
        .collect()
}

/// The root over `leaves` in their order; [`EMPTY_ROOT`] without any.
#[must_use]
pub fn root(leaves: &[Hash], keccak: impl Fn(&[u8]) -> Hash) -> Hash {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = parents(&level, &keccak);
    }
    level.first().copied().unwrap_or(EMPTY_ROOT)
}

/// The siblings from the leaf at `position` up to the root; `None` if there is no
/// such leaf.
#[must_use]
pub fn proof(
    leaves: &[Hash],
    mut position: usize,
    keccak: impl Fn(&[u8]) -> Hash,
) -> Option<Vec<Hash>> {
    if position >= leaves.len() {
        return None;
    }
    let mut level = leaves.to_vec();
    let mut siblings = Vec::new();
    while level.len() > 1 {
        siblings.extend(level.get(position ^ 1));
        level = parents(&level, &keccak);
        position /= 2;
    }
    Some(siblings)
}

/// Whether `leaf` stands at `position` among `count` leaves under `root`.
#[must_use]
pub fn verify(
    root: &Hash,
    leaf: &Hash,
    mut position: usize,
    mut count: usize,
    proof: &[Hash],
    keccak: impl Fn(&[u8]) -> Hash,
) -> bool {
    if position >= count {
        return false;
    }
    let mut hash = *leaf;
    let mut siblings = proof.iter();
    while count > 1 {
        if position ^ 1 < count {
            let Some(sibling) = siblings.next() else {
                return false;
            };
            hash = if position.is_multiple_of(2) {
                node(&hash, sibling, &keccak)
            } else {
                node(sibling, &hash, &keccak)
            };
        }
        position /= 2;
        count = count.div_ceil(2);
    }
    siblings.next().is_none() && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in that mixes every byte; the tree's shape is what is tested here.
    fn mix(bytes: &[u8]) -> Hash {
        let mut hash = [0_u8; 32];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for (k, byte) in bytes.iter().enumerate() {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3) ^ (k as u64) << 7;
            hash[k % 32] ^= (state >> 24) as u8;
            hash[(k * 7 + 3) % 32] ^= (state >> 40) as u8;
        }
        hash
    }

    #[test]
    fn every_leaf_has_a_proof_and_nothing_else_has() {
        for count in 1..20_usize {
            let leaves: Vec<Hash> = (0..count).map(|k| leaf(&[k as u8; 32], mix)).collect();
            let root = root(&leaves, mix);
            for position in 0..count {
                let proof = proof(&leaves, position, mix).expect("in range");
                let check = |leaf, at, count| verify(&root, leaf, at, count, &proof, mix);
                assert!(check(&leaves[position], position, count));
                assert!(!check(&[9; 32], position, count));
                if count > 1 {
                    assert!(!check(&leaves[position], (position + 1) % count, count));
                }
                assert!(!check(&leaves[position], position, position));
            }
            assert_eq!(proof(&leaves, count, mix), None);
        }
        assert_eq!(root(&[], mix), EMPTY_ROOT);
    }
}
