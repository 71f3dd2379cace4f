//! A job receipt: what the gateway or TEE that saw a job says about it.
//!
//! # What is signed
//! The EIP-712 digest of the receipt, so that a gateway can sign with any Ethereum
//! tool or hardware key. The domain has the name `Plimsoll Receipt`, the version `1`
//! and, as its salt, keccak-256 of the *network* ([`Network`]): a receipt signed for a
//! test network is worth nothing on another. The type is
//!
//! ```text
//! Receipt(bytes32 id,uint32 operator,bytes32 client,string model,uint8 verification,bytes32 evidence,
//!         uint64 inputTokens,uint64 cachedInputTokens,uint64 outputTokens,uint128 fee,uint64 completedAt)
//! ```
//!
//! `verification` is 0 for none, 1 for a TEE, 2 for zkML; `evidence` is zero without one.
//! The digest is also the receipt's hash, a leaf's content in the batch's Merkle tree.

use crate::hexes;
use crate::keys::{keccak, recover, Key, Signature};
use plimsoll_interface::H160;
use plimsoll_mechanism::work::MAX_OPERATORS;
use plimsoll_mechanism::{Hash, OperatorIndex};
use serde::{Deserialize, Serialize};

const DOMAIN_TYPE: &[u8] = b"EIP712Domain(string name,string version,bytes32 salt)";
const DOMAIN_NAME: &[u8] = b"Plimsoll Receipt";
const DOMAIN_VERSION: &[u8] = b"1";
const RECEIPT_TYPE: &[u8] = b"Receipt(bytes32 id,uint32 operator,bytes32 client,string model,uint8 verification,bytes32 evidence,uint64 inputTokens,uint64 cachedInputTokens,uint64 outputTokens,uint128 fee,uint64 completedAt)";

/// The longest name of a model, in bytes. Names of models with their provider's are a
/// few dozen; this only keeps a receipt from carrying anything else.
pub const MAX_MODEL_BYTES: usize = 128;

/// Times are below 2^53 ms, which every reader of JSON understands and which is
/// 285,000 years away.
pub const MAX_TIME: u64 = 1 << 53;

/// The network that receipts are signed for: part of what is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    separator: Hash,
}

impl Network {
    /// The network of this name, for example `plimsoll-test`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let words = [
            keccak(DOMAIN_TYPE),
            keccak(DOMAIN_NAME),
            keccak(DOMAIN_VERSION),
            keccak(name.as_bytes()),
        ];
        Self {
            separator: keccak(&words.concat()),
        }
    }
}

/// How it was verified that the job was done as stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Not at all, beyond the gateway's word.
    None,
    /// In a trusted execution environment.
    Tee,
    /// By a zero-knowledge proof.
    ZkMl,
}

/// A job receipt.
///
/// As JSON it is one flat object with these keys, as CSV a row with these columns.
/// Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Identity of the job: 32 bytes that never repeat.
    #[serde(with = "hexes")]
    pub id: Hash,
    /// The operator who did the job.
    pub operator: OperatorIndex,
    /// Hash of the client's name ([`hash_client`]).
    #[serde(with = "hexes")]
    pub client: Hash,
    /// The model that was run, at most [`MAX_MODEL_BYTES`] bytes.
    pub model: String,
    /// How it was verified.
    pub verification: Mode,
    /// Hash of the TEE quote or of the proof; none if it was not verified.
    #[serde(
        default,
        with = "optional_hex",
        skip_serializing_if = "Option::is_none"
    )]
    pub evidence: Option<Hash>,
    /// All tokens of the input, those from the cache included.
    pub input_tokens: u64,
    /// Tokens of the input whose prefill came from the cache; at most `input_tokens`.
    #[serde(default)]
    pub cached_input_tokens: u64,
    /// Tokens generated.
    pub output_tokens: u64,
    /// What the client paid, in base units of the reward token. A decimal string.
    #[serde(with = "decimal")]
    pub fee: u128,
    /// When the job was completed, in ms since 1970.
    pub completed_at: u64,
    /// Of the gateway or TEE that saw the job; without one it only counts where
    /// unsigned receipts are allowed.
    #[serde(
        default,
        with = "optional_hex",
        skip_serializing_if = "Option::is_none"
    )]
    pub signature: Option<Signature>,
}

/// What makes a receipt impossible, whatever the state of the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No operator can have such an index.
    #[error("operator {0} is above the largest index there can be")]
    Operator(OperatorIndex),
    /// More tokens from the cache than there were.
    #[error("{cached} cached input tokens of only {input}")]
    Cached {
        /// Cached tokens.
        cached: u64,
        /// All input tokens.
        input: u64,
    },
    /// Neither input nor output.
    #[error("a job without any token")]
    Empty,
    /// A time out of every range.
    #[error("completed_at {0} is no time in ms since 1970")]
    Time(u64),
    /// A model's name that is empty or too long.
    #[error("a model name of {0} bytes, where 1 to {MAX_MODEL_BYTES} are wanted")]
    Model(usize),
    /// A verified job without evidence.
    #[error("verification without an evidence hash")]
    NoEvidence,
    /// Evidence of nothing.
    #[error("an evidence hash without verification")]
    Evidence,
}

impl Receipt {
    /// The EIP-712 digest: what is signed, and the receipt's hash.
    #[must_use]
    pub fn hash(&self, network: &Network) -> Hash {
        let message = [
            keccak(RECEIPT_TYPE),
            self.id,
            word(u128::from(self.operator)),
            self.client,
            keccak(self.model.as_bytes()),
            word(self.verification as u128),
            self.evidence.unwrap_or_default(),
            word(u128::from(self.input_tokens)),
            word(u128::from(self.cached_input_tokens)),
            word(u128::from(self.output_tokens)),
            word(self.fee),
            word(u128::from(self.completed_at)),
        ];
        let message = keccak(&message.concat());
        keccak(&[&[0x19, 0x01][..], &network.separator, &message].concat())
    }

    /// Signs it with a gateway's key.
    pub fn sign(&mut self, network: &Network, key: &Key) {
        self.signature = Some(key.sign(&self.hash(network)));
    }

    /// Who signed it; none if nobody did or the signature is not well formed.
    #[must_use]
    pub fn signer(&self, network: &Network) -> Option<H160> {
        recover(&self.hash(network), &self.signature?)
    }

    /// Refuses what no honest gateway states.
    ///
    /// # Errors
    /// See [`Malformed`].
    pub fn check(&self) -> Result<(), Malformed> {
        if self.operator >= MAX_OPERATORS {
            return Err(Malformed::Operator(self.operator));
        }
        if self.cached_input_tokens > self.input_tokens {
            return Err(Malformed::Cached {
                cached: self.cached_input_tokens,
                input: self.input_tokens,
            });
        }
        if self.input_tokens == 0 && self.output_tokens == 0 {
            return Err(Malformed::Empty);
        }
        if self.completed_at >= MAX_TIME {
            return Err(Malformed::Time(self.completed_at));
        }
        if self.model.is_empty() || self.model.len() > MAX_MODEL_BYTES {
            return Err(Malformed::Model(self.model.len()));
        }
        match (self.verification, self.evidence) {
            (Mode::None, Some(_)) => Err(Malformed::Evidence),
            (Mode::Tee | Mode::ZkMl, None) => Err(Malformed::NoEvidence),
            _ => Ok(()),
        }
    }
}

/// How a client appears in receipts: keccak-256 of a salt that only the gateways of
/// this network know and the client's name, so that names cannot be guessed from hashes.
#[must_use]
pub fn hash_client(salt: &[u8], name: &str) -> Hash {
    keccak(&[&keccak(salt)[..], name.as_bytes()].concat())
}

fn word(value: u128) -> Hash {
    let mut word = [0; 32];
    word[16..].copy_from_slice(&value.to_be_bytes());
    word
}

/// `u128` as a decimal string, because JSON's numbers end at 2^53 in many readers.
pub(crate) mod decimal {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().ok_or_else(|| {
            serde::de::Error::custom(format_args!("`{text}` is not a decimal number below 2^128"))
        })
    }
}

mod optional_hex {
    use crate::hexes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer, T: AsRef<[u8]>>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(hexes::show).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        let text = Option::<std::borrow::Cow<'de, str>>::deserialize(from)?;
        // A CSV file writes nothing where there is nothing.
        text.filter(|text| !text.is_empty())
            .map(|text| hexes::parse(&text))
            .transpose()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A receipt whose id begins with `lane`, so that it falls into that lane.
    pub(crate) fn receipt(lane: u64, number: u64, operator: u32) -> Receipt {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&lane.to_be_bytes());
        id[24..].copy_from_slice(&number.to_be_bytes());
        Receipt {
            id,
            operator,
            client: hash_client(b"salt", "client"),
            model: "llama-3-8b".into(),
            verification: Mode::Tee,
            evidence: Some([7; 32]),
            input_tokens: 100,
            cached_input_tokens: 0,
            output_tokens: 10,
            fee: 25,
            completed_at: 1_000,
            signature: None,
        }
    }

    fn key() -> Key {
        Key::from_bytes([9; 32]).expect("a key")
    }

    #[test]
    fn a_receipt_names_its_signer_until_any_field_changes() {
        let network = Network::new("test");
        let mut signed = receipt(0, 1, 3);
        signed.sign(&network, &key());
        assert_eq!(signed.signer(&network), Some(key().address()));
        assert_ne!(signed.signer(&Network::new("other")), Some(key().address()));
        let changes: [fn(&mut Receipt); 11] = [
            |r| r.id[31] ^= 1,
            |r| r.operator += 1,
            |r| r.client[0] ^= 1,
            |r| r.model.push('x'),
            |r| r.verification = Mode::ZkMl,
            |r| r.evidence = Some([8; 32]),
            |r| r.input_tokens += 1,
            |r| r.cached_input_tokens += 1,
            |r| r.output_tokens += 1,
            |r| r.fee += 1,
            |r| r.completed_at += 1,
        ];
        for (field, change) in changes.into_iter().enumerate() {
            let mut changed = signed.clone();
            change(&mut changed);
            assert_ne!(
                changed.signer(&network),
                Some(key().address()),
                "field {field}"
            );
        }
    }

    #[test]
    fn json_goes_both_ways_and_unknown_keys_are_refused() {
        let mut signed = receipt(0, 1, 3);
        signed.sign(&Network::new("test"), &key());
        let text = serde_json::to_string(&signed).expect("plain data");
        assert_eq!(
            serde_json::from_str::<Receipt>(&text).expect("as written"),
            signed
        );
        let unknown = text.replacen("\"fee\"", "\"fees\"", 1);
        let error = serde_json::from_str::<Receipt>(&unknown).expect_err("unknown key");
        assert!(
            error.to_string().contains("unknown field `fees`"),
            "{error}"
        );
        let number = text.replacen("\"25\"", "\"-25\"", 1);
        let error = serde_json::from_str::<Receipt>(&number).expect_err("negative");
        assert!(
            error.to_string().contains("not a decimal number"),
            "{error}"
        );
    }

    #[test]
    fn impossible_receipts_are_refused() {
        type Case = (fn(&mut Receipt), Malformed);
        let cases: [Case; 7] = [
            (|r| r.completed_at = u64::MAX, Malformed::Time(u64::MAX)),
            (|r| r.operator = 1 << 24, Malformed::Operator(1 << 24)),
            (
                |r| r.cached_input_tokens = 101,
                Malformed::Cached {
                    cached: 101,
                    input: 100,
                },
            ),
            (
                |r| {
                    r.input_tokens = 0;
                    r.output_tokens = 0;
                },
                Malformed::Empty,
            ),
            (|r| r.model.clear(), Malformed::Model(0)),
            (|r| r.evidence = None, Malformed::NoEvidence),
            (|r| r.verification = Mode::None, Malformed::Evidence),
        ];
        assert_eq!(receipt(0, 1, 3).check(), Ok(()));
        for (change, expected) in cases {
            let mut changed = receipt(0, 1, 3);
            change(&mut changed);
            assert_eq!(changed.check(), Err(expected));
        }
    }
}
