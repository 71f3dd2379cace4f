//! A lean FRAME runtime around pallet-revive: the system, a clock, balances, fees,
//! batches of calls, assets with their ERC-20 precompile, and smart contracts, with
//! production weights and a parachain's block limits.
//!
//! It is built twice from this one crate: natively, for the chain that runs in
//! process, and as the wasm blob of the development node (see `Cargo.toml`).
//!
//! - [`constants`]: units, deposits, fees and limits.
//! - [`configs`]: how each pallet is set up.
//! - [`genesis`]: the state a chain starts with.
//! - [`apis`]: what a node asks of the runtime.
//! - `native`: the same for callers in process, in a native build.

#![cfg_attr(not(feature = "std"), no_std)]
// What FRAME's macros generate carries no documentation of its own.
#![allow(missing_docs)]
// The runtime API macros recurse once for each function they implement.
#![recursion_limit = "512"]

extern crate alloc;

use alloc::vec::Vec;

use pallet_revive::evm::{runtime::EthExtra, tx_extension::SetOrigin};
use pallet_transaction_payment::ChargeTransactionPayment;
use sp_runtime::{
    generic::Era,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
    MultiAddress, MultiSignature,
};
use sp_version::{runtime_version, RuntimeVersion};

pub mod apis;
pub mod configs;
pub mod constants;
pub mod genesis;
#[cfg(feature = "std")]
pub mod native;

/// A signature by any of the supported schemes.
pub type Signature = MultiSignature;
/// Who an account belongs to: a public key or a hash, 32 bytes.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// An amount of the native token, in base units (see [`constants::UNIT`]).
pub type Balance = u128;
/// Number of a block.
pub type BlockNumber = u32;
/// Count of an account's transactions.
pub type Nonce = u32;
/// Hash of blocks and storage.
pub type Hash = sp_core::H256;
/// Header of a block.
pub type Header = sp_runtime::generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = sp_runtime::generic::Block<Header, UncheckedExtrinsic>;
/// A transaction as it travels, signed or Ethereum's.
pub type UncheckedExtrinsic =
    pallet_revive::evm::runtime::UncheckedExtrinsic<Address, Signature, EthExtraImpl>;

/// Blocks and transactions whose content a node need not understand.
pub mod opaque {
    use super::{BlakeTwo256, BlockNumber};

    /// Header of a block.
    pub type Header = sp_runtime::generic::Header<BlockNumber, BlakeTwo256>;
    /// A block of undecoded transactions.
    pub type Block = sp_runtime::generic::Block<Header, sp_runtime::OpaqueExtrinsic>;
}

/// What is checked and charged around each transaction, in this order.
pub type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    ChargeTransactionPayment<Runtime>,
    // After all that rely on a signed origin: it may replace the origin.
    SetOrigin<Runtime>,
    // Last, to see the weight that the others gave back.
    frame_system::WeightReclaim<Runtime>,
);

/// The extension values of a transaction that came in as Ethereum's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EthExtraImpl;

impl EthExtra for EthExtraImpl {
    type Config = Runtime;
    type ExtensionOtherVersions = sp_runtime::traits::InvalidVersion;
    type ExtensionV0 = TxExtension;

    fn get_eth_extension(nonce: u32, tip: Balance) -> Self::ExtensionV0 {
        (
            frame_system::CheckNonZeroSender::new(),
            frame_system::CheckSpecVersion::new(),
            frame_system::CheckTxVersion::new(),
            frame_system::CheckGenesis::new(),
            frame_system::CheckEra::from(Era::Immortal),
            frame_system::CheckNonce::from(nonce),
            frame_system::CheckWeight::new(),
            ChargeTransactionPayment::from(tip),
            SetOrigin::new_from_eth_transaction(),
            frame_system::WeightReclaim::new(),
        )
    }
}

/// Runs blocks and transactions.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

/// Name and version of the runtime.
#[runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: alloc::borrow::Cow::Borrowed("plimsoll"),
    impl_name: alloc::borrow::Cow::Borrowed("plimsoll-runtime"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

/// The pallets of the runtime and their indices.
#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;

    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;

    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances;

    #[runtime::pallet_index(3)]
    pub type TransactionPayment = pallet_transaction_payment;

    #[runtime::pallet_index(4)]
    pub type Utility = pallet_utility;

    #[runtime::pallet_index(5)]
    pub type Assets = pallet_assets;

    #[runtime::pallet_index(6)]
    pub type AssetsPermit = pallet_assets_precompiles::permit;

    #[runtime::pallet_index(7)]
    pub type Revive = pallet_revive;
}
