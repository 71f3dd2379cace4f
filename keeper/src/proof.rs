//! Proofs that a receipt was counted.
//!
//! A batch carries the Merkle root of its receipts, so the receipt, its place and the
//! siblings up to the root are enough to show that it is one of them, to anybody and
//! without the other receipts.

use crate::hexes;
use crate::keys::keccak;
use crate::receipt::{Network, Receipt};
use plimsoll_index::BatchId;
use plimsoll_interface::H160;
use plimsoll_mechanism::batch::lane_of;
use plimsoll_mechanism::{merkle, Epoch, Hash};
use serde::{Deserialize, Serialize};

/// A proof that a receipt is under the root of a batch. As JSON it is one object with
/// these keys; unknown ones are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The network that the receipt is signed for.
    pub network: String,
    /// The contract.
    #[serde(with = "hexes::address")]
    pub contract: H160,
    /// The epoch in which the batch counts.
    pub epoch: Epoch,
    /// Its lane.
    pub lane: u32,
    /// Its number in epoch and lane.
    pub seq: u64,
    /// The root that the proof leads to.
    #[serde(with = "hexes")]
    pub root: Hash,
    /// How many receipts are under the root.
    pub receipts: u64,
    /// The receipt's place among them, ascending by id, from 0.
    pub position: u64,
    /// The siblings from the receipt's leaf up to the root.
    #[serde(with = "hashes")]
    pub siblings: Vec<Hash>,
    /// The receipt.
    pub receipt: Receipt,
}

/// Why there is no proof, or why one proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The receipt is not among those that were given.
    #[error(
        "receipt {} is not among the {among} receipts given for its batch; give all receipts of the \
         batch that counted it, and only those", hexes::show(.id)
    )]
    NotThere {
        /// The receipt's id.
        id: Hash,
        /// How many were given.
        among: usize,
    },
    /// Two receipts have one id.
    #[error("receipt {} is given twice; a batch has each once", hexes::show(.0))]
    Twice(Hash),
    /// The proof is of another contract.
    #[error("the proof is of contract {}, not of {}; give that one's deployment file", hexes::show(.found), hexes::show(.wanted))]
    Contract {
        /// The proof's.
        found: H160,
        /// The wanted one.
        wanted: H160,
    },
    /// The receipt belongs to another lane.
    #[error("the receipt's id belongs to lane {wanted}, and the proof is of lane {found}: no attester signs such a batch")]
    Lane {
        /// The proof's.
        found: u32,
        /// The receipt's.
        wanted: u32,
    },
    /// The batch has another number of receipts.
    #[error("the batch has {wanted} receipts on the chain, and the proof is for {found}; it was made from other receipts than the batch's")]
    Count {
        /// The proof's.
        found: u64,
        /// The batch's.
        wanted: u64,
    },
    /// The siblings do not lead to the root.
    #[error(
        "the receipt is not under the root {}: the proof does not lead to it from place {position} of \
         {receipts}. The receipt or the proof was changed, the network `{network}` is not the one it \
         was signed for, or it was made from other receipts than the batch's", hexes::show(.root)
    )]
    Root {
        /// The root.
        root: Hash,
        /// The place.
        position: u64,
        /// How many receipts there should be.
        receipts: u64,
        /// The network.
        network: String,
    },
}

impl Proof {
    /// Proves that the receipt `id` is one of the `receipts` of a batch, which are all of
    /// that batch's.
    ///
    /// # Errors
    /// [`ProofError::NotThere`], [`ProofError::Twice`].
    pub fn of(
        id: &Hash,
        mut receipts: Vec<Receipt>,
        network: &str,
        contract: H160,
        (epoch, lane, seq): BatchId,
    ) -> Result<Self, ProofError> {
        receipts.sort_unstable_by_key(|receipt| receipt.id);
        if let Some(pair) = receipts.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(ProofError::Twice(pair[0].id));
        }
        let among = receipts.len();
        let not_there = ProofError::NotThere { id: *id, among };
        let found = receipts.binary_search_by_key(id, |receipt| receipt.id);
        let position = found.map_err(|_| not_there.clone())?;
        let known = Network::new(network);
        let leaves: Vec<Hash> = receipts
            .iter()
            .map(|receipt| merkle::leaf(&receipt.hash(&known), keccak))
            .collect();
        let siblings = merkle::proof(&leaves, position, keccak).ok_or(not_there)?;
        Ok(Self {
            network: network.to_owned(),
            contract,
            epoch,
            lane,
            seq,
            root: merkle::root(&leaves, keccak),
            receipts: among as u64,
            position: position as u64,
            siblings,
            receipt: receipts.swap_remove(position),
        })
    }

    /// The batch.
    #[must_use]
    pub fn batch(&self) -> BatchId {
        (self.epoch, self.lane, self.seq)
    }

    /// Checks that the receipt is under `root`, the batch's root as the chain has it, over
    /// `receipts` receipts if that is known.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify(&self, root: &Hash, receipts: Option<u64>) -> Result<(), ProofError> {
        if let Some(wanted) = receipts.filter(|wanted| *wanted != self.receipts) {
            return Err(ProofError::Count {
                found: self.receipts,
                wanted,
            });
        }
        let hash = self.receipt.hash(&Network::new(&self.network));
        let leaf = merkle::leaf(&hash, keccak);
        let places = (
            usize::try_from(self.position),
            usize::try_from(self.receipts),
        );
        let (Ok(position), Ok(count)) = places else {
            return Err(self.no_proof(root));
        };
        if merkle::verify(root, &leaf, position, count, &self.siblings, keccak) {
            Ok(())
        } else {
            Err(self.no_proof(root))
        }
    }

    /// Checks that the proof is of a contract with so many lanes.
    ///
    /// # Errors
    /// [`ProofError::Contract`], [`ProofError::Lane`].
    pub fn check_place(&self, contract: H160, lanes: u32) -> Result<(), ProofError> {
        if self.contract != contract {
            return Err(ProofError::Contract {
                found: self.contract,
                wanted: contract,
            });
        }
        let wanted = lane_of(&self.receipt.id, lanes);
        if self.lane != wanted {
            return Err(ProofError::Lane {
                found: self.lane,
                wanted,
            });
        }
        Ok(())
    }

    fn no_proof(&self, root: &Hash) -> ProofError {
        ProofError::Root {
            root: *root,
            position: self.position,
            receipts: self.receipts,
            network: self.network.clone(),
        }
    }
}

/// Lists of hashes as hexadecimal text.
mod hashes {
    use crate::hexes;
    use plimsoll_mechanism::Hash;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(hashes: &[Hash], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(hashes.iter().map(hexes::show))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Hash>, D::Error> {
        Vec::<String>::deserialize(from)?
            .iter()
            .map(|text| hexes::parse(text).map_err(serde::de::Error::custom))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::root;
    use crate::receipt::tests::receipt;

    const CONTRACT: H160 = H160([7; 20]);
    const BATCH: BatchId = (3, 1, 2);

    fn receipts(count: u64) -> Vec<Receipt> {
        (0..count).map(|number| receipt(1, number, 5)).collect()
    }

    fn proof(count: u64, number: u64) -> Proof {
        let id = receipt(1, number, 5).id;
        Proof::of(&id, receipts(count), "test", CONTRACT, BATCH).expect("among them")
    }

    #[test]
    fn every_receipt_of_a_batch_has_a_proof_that_leads_to_its_root() {
        for count in 1..20 {
            let root = root(&receipts(count), &Network::new("test"));
            for number in 0..count {
                let proof = proof(count, number);
                assert_eq!(proof.root, root);
                assert_eq!(proof.verify(&root, Some(count)), Ok(()));
                let text = serde_json::to_string(&proof).expect("plain data");
                assert_eq!(
                    serde_json::from_str::<Proof>(&text).expect("as written"),
                    proof
                );
            }
        }
    }

    #[test]
    fn whatever_is_changed_proves_nothing() {
        let honest = proof(9, 4);
        let root = honest.root;
        let changes: [fn(&mut Proof); 7] = [
            |p| p.receipt.fee += 1,
            |p| p.receipt.operator += 1,
            |p| p.network.push('x'),
            |p| p.position += 1,
            |p| p.siblings[0][0] ^= 1,
            |p| p.siblings.truncate(1),
            |p| p.position = u64::MAX,
        ];
        for (k, change) in changes.into_iter().enumerate() {
            let mut changed = honest.clone();
            change(&mut changed);
            let error = changed.verify(&root, None).expect_err("changed");
            assert!(matches!(error, ProofError::Root { .. }), "{k}: {error}");
        }
        let mut fewer = honest.clone();
        fewer.receipts -= 1;
        assert!(matches!(
            fewer.verify(&root, Some(9)),
            Err(ProofError::Count {
                found: 8,
                wanted: 9
            })
        ));
        assert!(honest.verify(&[1; 32], None).is_err());
    }

    #[test]
    fn a_proof_of_another_contract_or_lane_is_refused() {
        let proof = proof(3, 1);
        assert_eq!(proof.check_place(CONTRACT, 2), Ok(()));
        assert!(matches!(
            proof.check_place(H160([8; 20]), 2),
            Err(ProofError::Contract { .. })
        ));
        let mut moved = proof;
        moved.lane = 0;
        assert!(matches!(
            moved.check_place(CONTRACT, 2),
            Err(ProofError::Lane {
                found: 0,
                wanted: 1
            })
        ));
    }

    #[test]
    fn a_receipt_that_is_not_there_or_there_twice_has_no_proof() {
        let error = Proof::of(&[9; 32], receipts(3), "test", CONTRACT, BATCH);
        assert!(matches!(error, Err(ProofError::NotThere { among: 3, .. })));
        let mut twice = receipts(3);
        twice.push(receipt(1, 2, 5));
        let id = receipt(1, 0, 5).id;
        let error = Proof::of(&id, twice, "test", CONTRACT, BATCH);
        assert!(matches!(error, Err(ProofError::Twice(_))));
    }
}
