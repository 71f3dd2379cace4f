//! Attesters and what they sign.

use crate::keccak;
use plimsoll_embedded::{CHAIN_ID, H160};
use plimsoll_interface::calls;
use plimsoll_interface::mechanism::batch::{BatchHeader, Domain, SIGNATURE_BYTES};
use plimsoll_interface::mechanism::work::{pack, Entry};
use plimsoll_interface::mechanism::{Epoch, Hash, OperatorIndex};
use secp256k1::{Message, SecretKey, SECP256K1};

/// A signer with its own secp256k1 key.
#[derive(Clone, Debug)]
pub struct Attester {
    secret: SecretKey,
    /// Its Ethereum address.
    pub address: H160,
}

impl Attester {
    /// The attester of this name: always the same key.
    pub fn named(name: &str) -> Self {
        let seed = keccak(format!("plimsoll attester {name}").as_bytes());
        let secret = SecretKey::from_byte_array(seed).expect("a hash is a key but for 2^-128");
        let public = secret.public_key(SECP256K1).serialize_uncompressed();
        let address = H160::from_slice(&keccak(&public[1..])[12..]);
        Self { secret, address }
    }

    /// `count` attesters in the order of their addresses.
    pub fn sorted(count: usize) -> Vec<Self> {
        let mut attesters: Vec<Self> = (0..count).map(|k| Self::named(&k.to_string())).collect();
        attesters.sort_by_key(|attester| attester.address);
        attesters
    }

    /// `r`, `s` (low) and `v` (27 or 28) over `digest`.
    pub fn sign(&self, digest: &Hash) -> [u8; SIGNATURE_BYTES] {
        let message = Message::from_digest(*digest);
        let (id, compact) = SECP256K1
            .sign_ecdsa_recoverable(message, &self.secret)
            .serialize_compact();
        let mut signature = [0; SIGNATURE_BYTES];
        signature[..64].copy_from_slice(&compact);
        signature[64] = 27 + u8::try_from(i32::from(id)).expect("0 to 3");
        signature
    }
}

/// A batch with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What is signed beside the entries.
    pub header: BatchHeader,
    /// Packed entries.
    pub entries: Vec<u8>,
    /// Signatures, one behind the other.
    pub signatures: Vec<u8>,
}

impl Batch {
    /// A batch without signatures. Its receipts are invented.
    ///
    /// # Panics
    /// If `entries` are not ascending or out of range: such batches are made by hand.
    pub fn unsigned(epoch: Epoch, lane: u32, seq: u64, entries: &[Entry]) -> Self {
        Self {
            header: BatchHeader {
                epoch,
                lane,
                seq,
                receipts_root: keccak(&[epoch.to_le_bytes(), lane.to_le_bytes()].concat()),
                receipts: entries.len() as u64,
            },
            entries: pack(entries).expect("the entries are ascending and in range"),
            signatures: Vec::new(),
        }
    }

    /// The digest that attesters sign for `contract` on the embedded chain.
    pub fn digest(&self, contract: H160) -> Hash {
        self.digest_for(contract, CHAIN_ID)
    }

    /// [`Self::digest`] for another chain.
    pub fn digest_for(&self, contract: H160, chain: u64) -> Hash {
        let mut chain_id = [0; 32];
        chain_id[24..].copy_from_slice(&chain.to_be_bytes());
        let domain = Domain {
            chain_id,
            contract: contract.0,
        };
        self.header.digest(&domain, &self.entries, keccak)
    }

    /// The batch signed by `signers`, in their order.
    #[must_use]
    pub fn signed<'a>(
        mut self,
        contract: H160,
        signers: impl IntoIterator<Item = &'a Attester>,
    ) -> Self {
        let digest = self.digest(contract);
        self.signatures = signers
            .into_iter()
            .flat_map(|attester| attester.sign(&digest))
            .collect();
        self
    }

    /// The message that submits it.
    pub fn call(&self) -> Vec<u8> {
        calls::attest(&self.header, &self.entries, &self.signatures)
    }
}

/// An entry of a batch; works in work units, fees in fee units.
pub fn entry(operator: OperatorIndex, fragment: u64, bulk: u64, fees: u64) -> Entry {
    Entry {
        operator,
        fragment,
        bulk,
        fees,
    }
}
