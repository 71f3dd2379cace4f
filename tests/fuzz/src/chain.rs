//! What contracts answer: ours in SCALE, the token in the Solidity ABI.

use crate::bytes::Bytes;
use alloy_sol_types::SolCall;
use parity_scale_codec::{Decode, Encode};
use plimsoll_interface::calls::{self, Answer, AnswerError, LangError};
use plimsoll_interface::{
    events, Announced, Attesters, Booked, Claimed, ClockView, Credited, EpochView, Error,
    GovernanceView, LedgerView, OperatorView, Preview, Roles, Settings, Settled,
};
use plimsoll_keeper::clock::ChainTime;
use plimsoll_keeper::erc20::IERC20;
use plimsoll_mechanism::params::Params;
use std::fmt::Debug;

/// A value has one encoding: what could be decoded is encoded to the same bytes. Whatever
/// clock a node tells of, asking it what counts where is no panic.
pub fn views(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let kind = bytes.byte();
    let data = bytes.rest();
    match kind {
        0 => view::<Settings>(data),
        1 => view::<Params>(data),
        2 => view::<Roles>(data),
        3 => view::<Attesters>(data),
        4 => view::<GovernanceView>(data),
        5 => view::<EpochView>(data),
        6 => view::<OperatorView>(data),
        7 => {
            if let Some(ledger) = read::<LedgerView>(data) {
                assert!(!ledger.conserves() || ledger.owed() <= ledger.received);
            }
        }
        8 => view::<Preview>(data),
        9 => view::<Option<Announced>>(data),
        10 => view::<u64>(data),
        11 => {
            if let Some((settings, view)) = read::<(Settings, ClockView)>(data) {
                clock(&settings, &view);
            }
        }
        12 => answer::<Credited>(data),
        13 => answer::<Settled>(data),
        14 => answer::<Booked>(data),
        15 => answer::<Claimed>(data),
        16 => answer::<u128>(data),
        17 => whole::<events::Deployed>(data),
        18 => whole::<events::Registered>(data),
        19 => whole::<events::BatchAccepted>(data),
        20 => whole::<events::Entries>(data),
        _ => {}
    }
}

fn view<T: Encode + Decode>(data: &[u8]) {
    read::<T>(data);
}

fn read<T: Encode + Decode>(data: &[u8]) -> Option<T> {
    let value = calls::view::<T>(data).ok()?;
    let value = Answer::<T>::Ok(value);
    assert_eq!(value.encode(), data, "two encodings of one value");
    value.ok()
}

fn answer<T: Encode + Decode + Debug>(data: &[u8]) {
    let said: Answer<Result<T, Error>> = match calls::answer::<T>(data) {
        Ok(value) => Ok(Ok(value)),
        Err(AnswerError::Refused(error)) => Ok(Err(error)),
        Err(AnswerError::CouldNotReadInput) => Err(LangError::CouldNotReadInput),
        Err(AnswerError::Undecodable) => return,
    };
    let encoded = said.encode();
    // A refusal is told from its head; what follows an answer makes it none.
    assert!(data.starts_with(&encoded), "two encodings of one answer");
    assert!(!matches!(said, Ok(Ok(_))) || encoded == data);
}

fn whole<T: Encode + Decode>(mut data: &[u8]) {
    let all = data;
    if let Ok(event) = T::decode(&mut data) {
        let encoded = event.encode();
        assert_eq!(encoded, all[..all.len() - data.len()]);
    }
}

fn clock(settings: &Settings, view: &ClockView) {
    let time = ChainTime::new(settings, view);
    for at in [0, view.now, settings.times.genesis, u64::MAX] {
        let target = time.target(at);
        if let Some(target) = target {
            assert!(time.may_hold(target.epoch, at));
            assert_eq!(target.late, time.epoch_of(at) != Some(target.epoch));
        }
    }
    let epoch = time.clock().epoch();
    for epoch in [0, epoch, epoch.saturating_add(1), u32::MAX] {
        assert!(time.clock().started() || !time.closed(epoch));
        assert!(!time.closed(epoch) || time.left(epoch) == 0);
    }
}

/// What a token answers is decoded to one value, which is encoded and decoded the same.
pub fn token(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let kind = bytes.byte();
    let data = bytes.rest();
    match kind {
        0 => abi::<IERC20::symbolCall>(data),
        1 => abi::<IERC20::decimalsCall>(data),
        2 => abi::<IERC20::totalSupplyCall>(data),
        3 => abi::<IERC20::transferCall>(data),
        4 => abi::<IERC20::allowanceCall>(data),
        _ => {}
    }
}

fn abi<C: SolCall>(data: &[u8])
where
    C::Return: PartialEq + Debug,
{
    if let Ok(value) = C::abi_decode_returns(data) {
        let encoded = C::abi_encode_returns(&value);
        let again = C::abi_decode_returns_validate(&encoded).expect("as it was encoded");
        assert_eq!(again, value);
    }
}
