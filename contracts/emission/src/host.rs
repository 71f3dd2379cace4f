//! What the contract asks of the chain beyond storage: signatures, the chain id,
//! the token.
//!
//! Outside the chain this crate is only built to describe its messages, so there
//! every call fails.

use ink::U256;
use plimsoll_interface::events::Paid;
use plimsoll_interface::H160;
use plimsoll_mechanism::batch::SIGNATURE_BYTES;
use plimsoll_mechanism::Hash;

/// Keccak-256 by the host.
pub fn keccak(bytes: &[u8]) -> Hash {
    let mut hash = Hash::default();
    ink::env::hash_bytes::<ink::env::hash::Keccak256>(bytes, &mut hash);
    hash
}

/// Who signed `digest`; `None` for a signature that recovers to nobody.
///
/// ink!'s own `ecdsa_recover` hands the precompile its arguments in an order it
/// does not take, so it is called here: digest, `v` as a word, `r`, `s` in; the
/// address as a word out, nothing for a bad signature.
pub fn recover(digest: &Hash, signature: &[u8; SIGNATURE_BYTES]) -> Option<H160> {
    const ECRECOVER: H160 = H160([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let mut input = [0; 128];
    input[..32].copy_from_slice(digest);
    input[63] = signature[64];
    input[64..].copy_from_slice(&signature[..64]);
    let mut output = [0; 32];
    let length = call(&ECRECOVER, true, &input, &mut output)?;
    (length == 32).then(|| H160::from_slice(&output[12..]))
}

/// The EVM chain id, big-endian.
pub fn chain_id() -> [u8; 32] {
    let mut id = little_endian_chain_id();
    id.reverse();
    id
}

/// `balanceOf(owner)`, in all of its 256 bits: nobody may stop payments by sending
/// the contract more than an amount can count.
pub fn token_balance(token: &H160, owner: &H160) -> Option<U256> {
    let mut input = [0; 36];
    input[..4].copy_from_slice(&[0x70, 0xa0, 0x82, 0x31]);
    input[16..36].copy_from_slice(owner.as_bytes());
    let mut output = [0; 32];
    let length = call(token, true, &input, &mut output)?;
    (length == 32).then(|| U256::from_big_endian(&output))
}

/// `transfer(to, amount)`; whether the token says that it did.
pub fn token_transfer(token: &H160, to: &H160, amount: u128) -> bool {
    let mut input = [0; 68];
    input[..4].copy_from_slice(&[0xa9, 0x05, 0x9c, 0xbb]);
    input[16..36].copy_from_slice(to.as_bytes());
    input[52..].copy_from_slice(&amount.to_be_bytes());
    succeeds(token, &input)
}

/// `transferFrom(from, to, amount)`; whether the token says that it did.
pub fn token_transfer_from(token: &H160, from: &H160, to: &H160, amount: u128) -> bool {
    let mut input = [0; 100];
    input[..4].copy_from_slice(&[0x23, 0xb8, 0x72, 0xdd]);
    input[16..36].copy_from_slice(from.as_bytes());
    input[48..68].copy_from_slice(to.as_bytes());
    input[84..].copy_from_slice(&amount.to_be_bytes());
    succeeds(token, &input)
}

/// Some tokens answer nothing instead of `true`. That is taken for a yes, because
/// balances are compared around every transfer.
fn succeeds(token: &H160, input: &[u8]) -> bool {
    let mut output = [0; 32];
    match call(token, false, input, &mut output) {
        Some(0) => true,
        Some(32) => output[..31].iter().all(|byte| *byte == 0) && output[31] == 1,
        _ => false,
    }
}

/// Emits [`Paid`], with the topics and the data that ink! gives an event. Through ink!'s
/// own lists and buffers that would be more than a tenth of what paying one of many costs.
pub fn emit_paid(paid: &Paid) {
    const SIGNATURE: Hash = match <Paid as ink::env::Event<ink::abi::Ink>>::SIGNATURE_TOPIC {
        Some(topic) => topic,
        None => panic!("the event is not anonymous"),
    };
    let Paid {
        operator,
        payee,
        amount,
    } = paid;
    let mut data = [0; 40];
    data[..4].copy_from_slice(&operator.to_le_bytes());
    data[4..24].copy_from_slice(payee.as_bytes());
    data[24..].copy_from_slice(&amount.to_le_bytes());
    let mut topics = [SIGNATURE, Hash::default(), Hash::default()];
    topics[1][..4].copy_from_slice(&data[..4]);
    topics[2][..20].copy_from_slice(&data[4..24]);
    deposit(&topics, &data);
}

#[cfg(not(feature = "std"))]
fn deposit(topics: &[Hash], data: &[u8]) {
    use pallet_revive_uapi::{HostFn, HostFnImpl};
    HostFnImpl::deposit_event(topics, data);
}

#[cfg(feature = "std")]
fn deposit(_: &[Hash], _: &[u8]) {}

/// Calls `callee` and returns the length of its answer; `None` if it reverted or
/// trapped. The callee cannot call back: re-entry is not allowed.
#[cfg(not(feature = "std"))]
fn call(callee: &H160, read_only: bool, input: &[u8], output: &mut [u8]) -> Option<usize> {
    use pallet_revive_uapi::{CallFlags, HostFn, HostFnImpl};
    let flags = if read_only {
        CallFlags::READ_ONLY
    } else {
        CallFlags::empty()
    };
    let mut answer = output;
    HostFnImpl::call(
        flags,
        &callee.0,
        u64::MAX,
        u64::MAX,
        &[0xff; 32],
        &[0; 32],
        input,
        Some(&mut answer),
    )
    .ok()?;
    Some(answer.len())
}

#[cfg(feature = "std")]
fn call(_: &H160, _: bool, _: &[u8], _: &mut [u8]) -> Option<usize> {
    None
}

#[cfg(not(feature = "std"))]
fn little_endian_chain_id() -> [u8; 32] {
    use pallet_revive_uapi::{HostFn, HostFnImpl};
    let mut id = [0; 32];
    HostFnImpl::chain_id(&mut id);
    id
}

#[cfg(feature = "std")]
fn little_endian_chain_id() -> [u8; 32] {
    [0; 32]
}
