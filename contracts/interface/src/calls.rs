//! Encoding of calls and decoding of answers.

use crate::error::Error;
use crate::types::{Attesters, Change, Roles, Settings};
use alloc::vec::Vec;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use parity_scale_codec::{Decode, Encode};
use plimsoll_mechanism::batch::BatchHeader;
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::{Epoch, Hash, OperatorIndex};
use primitive_types::H160;

/// How ink! answers every message: its own refusal of what it could not read
/// outside, the contract's answer inside.
pub type Answer<T> = Result<T, LangError>;

/// ink!'s own refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum LangError {
    /// The selector or the arguments could not be read: caller and contract are of
    /// different versions.
    #[codec(index = 1)]
    CouldNotReadInput,
}

/// Why an answer could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// The contract refused.
    Refused(Error),
    /// The contract could not read the call.
    CouldNotReadInput,
    /// The bytes are no answer of this message.
    Undecodable,
}

/// The selector that ink! derives from a message's name: the first four bytes of
/// its blake2b-256 hash.
#[must_use]
pub fn selector(message: &str) -> [u8; 4] {
    let hash = Blake2b::<U32>::digest(message.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A call of `message` with `arguments` (a tuple).
#[must_use]
pub fn call(message: &str, arguments: impl Encode) -> Vec<u8> {
    let mut data = selector(message).to_vec();
    arguments.encode_to(&mut data);
    data
}

/// The answer of a message that can refuse.
///
/// # Errors
/// See [`AnswerError`].
pub fn answer<T: Decode>(mut data: &[u8]) -> Result<T, AnswerError> {
    match Answer::<Result<T, Error>>::decode(&mut data) {
        Ok(Ok(Ok(value))) if data.is_empty() => Ok(value),
        Ok(Ok(Err(error))) => Err(AnswerError::Refused(error)),
        Ok(Err(LangError::CouldNotReadInput)) => Err(AnswerError::CouldNotReadInput),
        _ => Err(AnswerError::Undecodable),
    }
}

/// The answer of a view, which cannot refuse.
///
/// # Errors
/// See [`AnswerError`].
pub fn view<T: Decode>(mut data: &[u8]) -> Result<T, AnswerError> {
    match Answer::<T>::decode(&mut data) {
        Ok(Ok(value)) if data.is_empty() => Ok(value),
        Ok(Err(LangError::CouldNotReadInput)) => Err(AnswerError::CouldNotReadInput),
        _ => Err(AnswerError::Undecodable),
    }
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name($($argument: $type),*) -> Vec<u8> {
                call(stringify!($name), ($($argument,)*))
            }
        )*

        /// The names of all messages and of the constructor.
        pub const MESSAGES: &[&str] = &[$(stringify!($name)),*];
    };
}

calls! {
    /// The constructor. Answers `()`.
    new(settings: &Settings, params: &Params, roles: &Roles, attesters: &Attesters);
    /// Registers the caller as an operator paid to `payee`. Answers its index.
    register(payee: H160);
    /// Announces a new payee. By the operator. Answers `()`.
    set_payee(operator: OperatorIndex, payee: H160);
    /// Cancels an announced payee. By the operator or its current payee. Answers `()`.
    cancel_payee(operator: OperatorIndex);
    /// Sets whether only the operator may claim. By the operator. Answers `()`.
    set_only_self(operator: OperatorIndex, only_self: bool);
    /// Adds to an operator's bond, out of the caller's tokens (approve first). Answers `()`.
    bond(operator: OperatorIndex, amount: u128);
    /// Withdraws from the bond. By the operator. Answers what was free and paid at once.
    unbond(operator: OperatorIndex, amount: u128);
    /// Pays withdrawn bond that is free to the payee. By anyone. Answers the amount.
    withdraw_bond(operator: OperatorIndex);
    /// Makes operators vetted. By the registrar. Answers `()`.
    vouch(operators: &[OperatorIndex]);
    /// Takes vetting back. By the registrar. Answers `()`.
    revoke(operator: OperatorIndex);
    /// Funds the reserve out of the caller's tokens (approve first). Answers `()`.
    fund(amount: u128);
    /// Credits an attested batch. By anyone. Answers [`crate::Credited`].
    attest(header: &BatchHeader, entries: &[u8], signatures: &[u8]);
    /// Removes an operator's work of an epoch in review. By the guardian. Answers `()`.
    strike(epoch: Epoch, operator: OperatorIndex, evidence: Hash);
    /// Settles the next worked epoch. By anyone. Answers [`crate::Settled`].
    settle();
    /// Raises whoever of the list is eligible. By anyone. Answers how many.
    raise(epoch: Epoch, operators: &[OperatorIndex]);
    /// Books operators for final epochs. By anyone. Answers [`crate::Booked`].
    book(epochs: &[Epoch], operators: &[OperatorIndex]);
    /// Pays what is claimable to the payee. By anyone, unless *only I*. Answers the amount.
    claim(operator: OperatorIndex);
    /// Pays many. By anyone. Answers [`crate::Claimed`].
    claim_many(operators: &[OperatorIndex]);
    /// Announces a change. By the owner. Answers its number.
    queue(change: &Change);
    /// Cancels a change that is not in force. By the owner. Answers `()`.
    cancel(id: u32);
    /// Executes an announced slash, booking `epochs` for the operator first. By
    /// the owner. Answers the amount taken.
    execute_slash(id: u32, epochs: &[Epoch]);
    /// Proposes a new owner. By the owner. Answers `()`.
    propose_owner(owner: H160);
    /// Takes the proposal. By the proposed owner, after the timelock. Answers `()`.
    accept_owner();
    /// Stops the clock. By the guardian. Answers `()`.
    pause();
    /// Starts the clock again. By the guardian. Answers `()`.
    unpause();
    /// View: [`Settings`].
    settings();
    /// View: the [`Params`] of `epoch` (the previous one or later).
    params(epoch: Epoch);
    /// View: [`Roles`] now.
    roles();
    /// View: [`crate::GovernanceView`] now.
    governance();
    /// View: the [`Attesters`] of `epoch` (the previous one or later).
    attesters(epoch: Epoch);
    /// View: [`crate::ClockView`].
    clock();
    /// View: `Option<`[`crate::EpochView`]`>`, none for an epoch without a batch.
    epoch(epoch: Epoch);
    /// View: `Option<`[`crate::OperatorView`]`>`.
    operator(operator: OperatorIndex);
    /// View: `Option<OperatorIndex>` of an address.
    operator_of(address: H160);
    /// View: how many operators are registered, `u32`.
    operators();
    /// View: [`crate::LedgerView`].
    ledger();
    /// View: the sequence number that the next batch must carry, `u64`.
    next_seq(epoch: Epoch, lane: u32);
    /// View: [`crate::Preview`].
    preview(epoch: Epoch, operator: OperatorIndex);
    /// View: the bond that counts in `epoch`, `u128`.
    bond_at(epoch: Epoch, operator: OperatorIndex);
    /// View: `Option<`[`crate::Announced`]`>`.
    change(id: u32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_those_of_ink() {
        // `blake2b_256("new")[..4]`, as in every ink! contract's metadata.
        assert_eq!(selector("new"), [0x9b, 0xae, 0x9d, 0x5e]);
    }

    #[test]
    fn answers_are_told_apart() {
        let ok: Answer<Result<u32, Error>> = Ok(Ok(7));
        assert_eq!(answer::<u32>(&ok.encode()), Ok(7));
        let refused: Answer<Result<u32, Error>> = Ok(Err(Error::NoWork));
        assert_eq!(
            answer::<u32>(&refused.encode()),
            Err(AnswerError::Refused(Error::NoWork))
        );
        let unread: Answer<Result<u32, Error>> = Err(LangError::CouldNotReadInput);
        assert_eq!(
            answer::<u32>(&unread.encode()),
            Err(AnswerError::CouldNotReadInput)
        );
        assert_eq!(answer::<u32>(&[]), Err(AnswerError::Undecodable));
    }
}
