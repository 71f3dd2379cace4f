//! A contract small enough to read as bytecode.

use plimsoll_embedded::{account_of, AccountId, Code, EmbeddedChain, Genesis, H160};

/// EVM bytecode that does one of four things, by the length of the message:
/// 0 bytes: adds 1 to slot 0, emits it under topic `0x2a` and returns it;
/// 1 byte: writes 7 to slot 0 and reverts with 7;
/// 2 bytes: returns the block's time;
/// 3 bytes or more: clears slot 0.
const COUNTER: [u8; 76] = [
    // 00: if the message is not empty, go to 1d
    0x36, 0x60, 0x1d, 0x57, //
    // 04: n = slot[0] + 1; slot[0] = n; memory[0] = n
    0x60, 0x00, 0x54, 0x60, 0x01, 0x01, 0x80, 0x60, 0x00, 0x55, 0x60, 0x00, 0x52, //
    // 11: log1(memory[0..32], 2a); return memory[0..32]
    0x60, 0x2a, 0x60, 0x20, 0x60, 0x00, 0xa1, 0x60, 0x20, 0x60, 0x00, 0xf3, //
    // 1d: if the message is not 1 byte, go to 34
    0x5b, 0x36, 0x60, 0x01, 0x03, 0x60, 0x34, 0x57, //
    // 25: slot[0] = 7; memory[0] = 7; revert with memory[0..32]
    0x60, 0x07, 0x60, 0x00, 0x55, 0x60, 0x07, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00,
    0xfd, //
    // 34: if the message is not 2 bytes, go to 45
    0x5b, 0x36, 0x60, 0x02, 0x03, 0x60, 0x45, 0x57, //
    // 3c: memory[0] = time; return memory[0..32]
    0x42, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3, //
    // 45: slot[0] = 0
    0x5b, 0x60, 0x00, 0x60, 0x00, 0x55, 0x00,
];

/// Init code that returns the 76 bytes behind it as the contract.
const INIT: [u8; 11] = [0x60, 76, 0x80, 0x60, 11, 0x60, 0x00, 0x39, 0x60, 0x00, 0xf3];

pub const BUMP: [u8; 0] = [];
pub const REVERT: [u8; 1] = [0];
pub const TIME: [u8; 2] = [0; 2];
pub const CLEAR: [u8; 3] = [0; 3];

pub fn counter_code() -> Code {
    Code::Upload([INIT.as_slice(), COUNTER.as_slice()].concat())
}

pub fn alice() -> AccountId {
    account_of("//Alice")
}

pub fn bob() -> AccountId {
    account_of("//Bob")
}

/// A new chain with the counter on it.
pub fn chain_with_counter() -> (EmbeddedChain, H160) {
    let mut chain = EmbeddedChain::new(Genesis::default());
    let made = chain.instantiate(&alice(), counter_code(), Vec::new(), None, 0);
    let counter = made.result.expect("the counter deploys");
    (chain, counter)
}

/// A 32-byte big-endian word as a number.
pub fn number(word: &[u8]) -> u64 {
    assert_eq!(word.len(), 32, "not a word: {word:?}");
    u64::from_be_bytes(word[24..].try_into().unwrap())
}
