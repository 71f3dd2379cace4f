//! What came of a message to the emission contract.

use crate::Event;
use parity_scale_codec::Decode;
use plimsoll_embedded::{Failure, Outcome, H160};
use plimsoll_interface::calls::{self, AnswerError};
use plimsoll_interface::Error;

/// Why a message failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The contract refused.
    Contract(Error),
    /// The contract could not read the message.
    Unreadable,
    /// The runtime stopped it, by this name.
    Runtime(String),
}

/// What came of a message.
#[derive(Clone, Debug)]
pub struct Sent<T> {
    /// Its answer.
    pub result: Result<T, Refusal>,
    /// The emission contract's events, in order; none if it failed.
    pub events: Vec<Event>,
    /// What the chain says of it: weight, deposit, raw answer.
    pub outcome: Outcome<Vec<u8>>,
}

impl<T: Decode> Sent<T> {
    pub(crate) fn new(emission: H160, outcome: Outcome<Vec<u8>>) -> Self {
        let result = match &outcome.result {
            Ok(data) => calls::answer(data).map_err(refusal),
            Err(Failure::Reverted(data)) => match calls::answer::<T>(data) {
                Ok(_) => panic!("the contract reverted with an answer"),
                Err(error) => Err(refusal(error)),
            },
            Err(Failure::Runtime { name, .. }) => Err(Refusal::Runtime(name.clone())),
        };
        let events = outcome
            .events
            .iter()
            .filter(|event| event.contract == emission)
            .map(Event::decode)
            .collect();
        Self {
            result,
            events,
            outcome,
        }
    }
}

impl<T> Sent<T> {
    /// The answer of a message that must have succeeded.
    #[track_caller]
    pub fn done(self) -> T {
        match self.result {
            Ok(value) => value,
            Err(refusal) => panic!("the message was refused: {refusal:?}"),
        }
    }

    /// The error of a message that the contract must have refused.
    #[track_caller]
    pub fn refused(self) -> Error {
        match self.result {
            Ok(_) => panic!("the message was not refused"),
            Err(Refusal::Contract(error)) => error,
            Err(other) => panic!("the message failed otherwise: {other:?}"),
        }
    }

    /// Whether it succeeded.
    pub fn succeeded(&self) -> bool {
        self.result.is_ok()
    }
}

fn refusal(error: AnswerError) -> Refusal {
    match error {
        AnswerError::Refused(error) => Refusal::Contract(error),
        AnswerError::CouldNotReadInput => Refusal::Unreadable,
        AnswerError::Undecodable => panic!("the answer is not one of this message"),
    }
}
