//! The figures that decide what a transaction may cost: units, deposits, fees and
//! block limits. They follow Polkadot Hub, so that a price seen here is the price
//! to expect there.

use frame_support::{
    dispatch::DispatchClass,
    weights::{
        constants::{BlockExecutionWeight, ExtrinsicBaseWeight, WEIGHT_REF_TIME_PER_SECOND},
        Weight,
    },
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::Perbill;

use crate::Balance;

/// Decimal places of the native token, as on Polkadot Hub.
pub const DECIMALS: u8 = 10;
/// Symbol of the native token of a development chain.
pub const TOKEN_SYMBOL: &str = "UNIT";
/// One native token in base units.
pub const UNIT: Balance = 10_000_000_000;
/// A hundredth of a token in base units.
pub const CENT: Balance = UNIT / 100;
/// A thousandth of [`CENT`] in base units.
pub const MILLICENT: Balance = CENT / 1_000;

/// The least balance an account may hold; below it the account is removed.
pub const EXISTENTIAL_DEPOSIT: Balance = CENT;

/// One native base unit in wei: Ethereum's 18 decimals over our [`DECIMALS`].
pub const NATIVE_TO_ETH_RATIO: u32 = 100_000_000;

/// EIP-155 chain id: the letters `PLIM`. It is part of what attesters sign, so a
/// signature for this chain is worth nothing on another.
pub const CHAIN_ID: u64 = u32::from_be_bytes(*b"PLIM") as u64;

/// SS58 prefix of addresses: 42, the one for chains without a registered prefix.
pub const SS58_PREFIX: u8 = 42;

/// Scale of the gas price. With it a gas costs 50 gwei at a fee multiplier of 1 and
/// a block holds some 40 million gas, so that wallets see familiar figures.
pub const GAS_SCALE: u32 = 500;

/// What an address keeps in deposit for `items` storage items of together `bytes`
/// bytes, in base units: 20 cents an item and a millicent a byte.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
    items as Balance * 20 * CENT + bytes as Balance * MILLICENT
}

/// Deposit for one storage item of a contract. It is a hundredth of [`deposit`]'s:
/// such an item lives in the contract's own trie, not in the main one.
pub const DEPOSIT_PER_CONTRACT_ITEM: Balance = deposit(1, 0) / 100;

/// Fee for one byte of a transaction, in base units.
pub const TRANSACTION_BYTE_FEE: Balance = MILLICENT;

/// Numerator and denominator of base units per picosecond of execution: a full
/// block of two seconds costs two tokens. Proof size costs in proportion to its
/// share of the block.
pub const REF_TIME_FEE: (u128, u128) = (1, 100);

/// The asset precompile's address ends in this prefix and two zero bytes; its first
/// four bytes are the asset's id, big-endian. Polkadot Hub has the same prefix.
pub const ASSET_PRECOMPILE_PREFIX: u16 = 0x0120;

/// Share of a block that ordinary transactions may fill.
pub const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

/// Share of a block set aside for what runs before its transactions.
pub const AVERAGE_ON_INITIALIZE_RATIO: Perbill = Perbill::from_percent(10);

/// What a block may take: two seconds of execution and 10 MiB of proof, as a
/// parachain's block.
pub const MAXIMUM_BLOCK_WEIGHT: Weight =
    Weight::from_parts(2 * WEIGHT_REF_TIME_PER_SECOND, 10 * 1024 * 1024);

/// The most bytes of transactions a block may hold: 5 MiB.
pub const MAXIMUM_BLOCK_LENGTH: u32 = 5 * 1024 * 1024;

/// The block's weight limits per class of transaction.
pub fn block_weights() -> BlockWeights {
    BlockWeights::builder()
        .base_block(BlockExecutionWeight::get())
        .for_class(DispatchClass::all(), |weights| {
            weights.base_extrinsic = ExtrinsicBaseWeight::get();
        })
        .for_class(DispatchClass::Normal, |weights| {
            weights.max_total = Some(NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_WEIGHT);
        })
        .for_class(DispatchClass::Operational, |weights| {
            weights.max_total = Some(MAXIMUM_BLOCK_WEIGHT);
            // What ordinary transactions leave free belongs to operational ones.
            weights.reserved =
                Some(MAXIMUM_BLOCK_WEIGHT - NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_WEIGHT);
        })
        .avg_block_initialization(AVERAGE_ON_INITIALIZE_RATIO)
        .build_or_panic()
}

/// The block's length limits per class of transaction.
pub fn block_length() -> BlockLength {
    BlockLength::builder()
        .max_length(MAXIMUM_BLOCK_LENGTH)
        .modify_max_length_for_class(DispatchClass::Normal, |length| {
            *length = NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_LENGTH;
        })
        .build()
}
