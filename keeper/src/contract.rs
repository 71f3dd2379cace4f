//! The emission contract, seen from outside: its views decoded, its messages encoded,
//! its refusals and events told by name.

use crate::chain::{At, Chain, ChainError, ContractEvent, Failure, Hash, Tx, H160};
use parity_scale_codec::Decode;
use plimsoll_interface::calls::{self, AnswerError};
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::{
    events, Announced, Attesters, ClockView, EpochView, Error, GovernanceView, LedgerView,
    OperatorView, Preview, Roles, Settings,
};
use plimsoll_mechanism::{Epoch, OperatorIndex};
use std::collections::BTreeMap;

pub use plimsoll_index::Event;

/// Why the contract could not be asked, or what it answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// The contract refused.
    #[error("the contract refused: {0:?}")]
    Refused(Error),
    /// The contract speaks another version of the interface.
    #[error(
        "contract {contract:?} answered `{message}` with something else ({reason}); is it an \
         emission contract of this version?"
    )]
    Answer {
        /// Who was asked.
        contract: H160,
        /// What was asked.
        message: &'static str,
        /// What is wrong with the answer.
        reason: &'static str,
    },
    /// The chain.
    #[error(transparent)]
    Chain(ChainError),
}

impl From<ChainError> for ContractError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Failed(failure) => match refusal(&failure) {
                Some(error) => Self::Refused(error),
                None => Self::Chain(failure.into()),
            },
            error => Self::Chain(error),
        }
    }
}

/// What the contract says in a revert, if it says anything.
#[must_use]
pub fn refusal(failure: &Failure) -> Option<Error> {
    let Failure::Reverted(data) = failure else {
        return None;
    };
    match calls::answer::<()>(data) {
        Err(AnswerError::Refused(error)) => Some(error),
        _ => None,
    }
}

/// The emission contract at an address.
#[derive(Clone)]
pub struct Emission {
    chain: Chain,
    address: H160,
    at: At,
}

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// See [`ContractError`].
            pub async fn $name(&self, $($argument: $type),*) -> Result<$answer, ContractError> {
                self.view(stringify!($name), calls::$name($($argument),*)).await
            }
        )*
    };
}

impl Emission {
    /// The contract at `address`, read at the newest finalized block.
    #[must_use]
    pub fn new(chain: Chain, address: H160) -> Self {
        Self {
            chain,
            address,
            at: At::Finalized,
        }
    }

    /// The same contract, read at another block.
    #[must_use]
    pub fn at(&self, at: At) -> Self {
        Self { at, ..self.clone() }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> H160 {
        self.address
    }

    /// The chain it is on.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// A transaction with a message of [`calls`].
    #[must_use]
    pub fn message(&self, data: Vec<u8>) -> Tx {
        Tx::Call {
            to: self.address,
            value: 0,
            data,
        }
    }

    views! {
        /// What was fixed at deployment.
        settings() -> Settings;
        /// The parameters of an epoch: the previous one or later.
        params(epoch: Epoch) -> Params;
        /// Who may do what.
        roles() -> Roles;
        /// What was announced and is not in force yet.
        governance() -> GovernanceView;
        /// Who attests in an epoch: the previous one or later.
        attesters(epoch: Epoch) -> Attesters;
        /// The clock.
        clock() -> ClockView;
        /// An epoch; none if it has no batch.
        epoch(epoch: Epoch) -> Option<EpochView>;
        /// An operator; none if the index is not given.
        operator(operator: OperatorIndex) -> Option<OperatorView>;
        /// The index of an operator's address.
        operator_of(address: H160) -> Option<OperatorIndex>;
        /// How many operators are registered.
        operators() -> u32;
        /// The terms of the conservation law.
        ledger() -> LedgerView;
        /// The number that the next batch of this epoch and lane must carry.
        next_seq(epoch: Epoch, lane: u32) -> u64;
        /// An operator's work in an epoch and its reward at the level as it stands.
        preview(epoch: Epoch, operator: OperatorIndex) -> Preview;
        /// The bond that counts in an epoch, in base units.
        bond_at(epoch: Epoch, operator: OperatorIndex) -> u128;
        /// An announced change.
        change(id: u32) -> Option<Announced>;
    }

    async fn view<T: Decode>(
        &self,
        message: &'static str,
        data: Vec<u8>,
    ) -> Result<T, ContractError> {
        let answer = self.chain.read(self.address, data, self.at).await?;
        calls::view(&answer).map_err(|error| ContractError::Answer {
            contract: self.address,
            message,
            reason: match error {
                AnswerError::CouldNotReadInput => "it could not read the call",
                _ => "the answer cannot be decoded",
            },
        })
    }
}

/// Which first topic names which event, as the contract's metadata has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTopics(BTreeMap<Hash, String>);

/// Why events could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The metadata does not have what is needed.
    #[error("the contract's metadata: {0}")]
    Metadata(String),
    /// An event that the metadata names cannot be decoded.
    #[error(
        "event `{name}` of block {block} cannot be decoded; the contract is of another version"
    )]
    Undecodable {
        /// Which.
        name: String,
        /// Where.
        block: u64,
    },
}

impl EventTopics {
    /// Reads `spec.events[].signature_topic` of the contract's metadata (JSON).
    ///
    /// # Errors
    /// [`EventError::Metadata`] if it is no JSON, or an event of the interface is not in it.
    pub fn from_metadata(json: &str) -> Result<Self, EventError> {
        let wrong = |what: &str| EventError::Metadata(what.to_owned());
        let metadata: serde_json::Value =
            serde_json::from_str(json).map_err(|error| wrong(&error.to_string()))?;
        let listed = metadata["spec"]["events"]
            .as_array()
            .ok_or_else(|| wrong("it has no `spec.events`"))?;
        let mut topics = BTreeMap::new();
        for event in listed {
            let name = event["label"]
                .as_str()
                .ok_or_else(|| wrong("an event has no `label`"))?;
            let topic = event["signature_topic"]
                .as_str()
                .and_then(|text| hex::decode(text.trim_start_matches("0x")).ok())
                .and_then(|bytes| Hash::try_from(bytes).ok())
                .ok_or_else(|| {
                    wrong(&format!(
                        "event `{name}` has no `signature_topic` of 32 bytes"
                    ))
                })?;
            topics.insert(topic, name.to_owned());
        }
        for name in events::NAMES {
            if !topics.values().any(|listed| listed == name) {
                return Err(wrong(&format!("event `{name}` is missing")));
            }
        }
        Ok(Self(topics))
    }

    /// The emission contract's event in a chain's event; none if it is another kind.
    ///
    /// # Errors
    /// [`EventError::Undecodable`].
    pub fn decode(&self, event: &ContractEvent) -> Result<Option<Event>, EventError> {
        let Some(name) = event.topics.first().and_then(|topic| self.0.get(topic)) else {
            return Ok(None);
        };
        match Event::named(name, &event.data) {
            Some(event) => Ok(Some(event)),
            None => Err(EventError::Undecodable {
                name: name.clone(),
                block: event.block,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parity_scale_codec::Encode;

    fn metadata(names: &[&str]) -> String {
        let events: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                serde_json::json!({
                    "label": name,
                    "signature_topic": format!("0x{}", hex::encode([i as u8; 32])),
                })
            })
            .collect();
        serde_json::json!({ "spec": { "events": events } }).to_string()
    }

    #[test]
    fn events_are_told_by_their_first_topic() {
        let topics = EventTopics::from_metadata(&metadata(events::NAMES)).expect("complete");
        let position = events::NAMES.iter().position(|name| *name == "EpochClosed");
        let closed = events::EpochClosed {
            epoch: 3,
            leftover: 9,
        };
        let mut event = ContractEvent {
            block: 1,
            contract: H160::zero(),
            topics: vec![[position.expect("an event") as u8; 32]],
            data: closed.encode(),
        };
        assert_eq!(topics.decode(&event), Ok(Some(Event::EpochClosed(closed))));
        event.data.push(0);
        assert!(topics.decode(&event).is_err());
        event.topics = vec![[0xff; 32]];
        assert_eq!(topics.decode(&event), Ok(None));
    }

    #[test]
    fn metadata_without_an_event_is_refused_by_its_name() {
        let error = EventTopics::from_metadata(&metadata(&events::NAMES[1..]));
        let text = error.expect_err("one is missing").to_string();
        assert!(text.contains(events::NAMES[0]), "{text}");
        assert!(EventTopics::from_metadata("{}").is_err());
        assert!(EventTopics::from_metadata("").is_err());
    }

    #[test]
    fn a_revert_says_why() {
        let answer: calls::Answer<Result<(), Error>> = Ok(Err(Error::WrongSeq(4)));
        let failure = Failure::Reverted(answer.encode());
        assert_eq!(refusal(&failure), Some(Error::WrongSeq(4)));
        assert_eq!(
            ContractError::from(ChainError::from(failure)),
            ContractError::Refused(Error::WrongSeq(4))
        );
        assert_eq!(refusal(&Failure::Reverted(vec![1, 2, 3])), None);
        assert_eq!(refusal(&Failure::Runtime("Revive::OutOfGas".into())), None);
    }
}
