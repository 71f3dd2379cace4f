//! Entry points for callers in process. Each needs the runtime's storage around it
//! (`sp_externalities`).
//!
//! They only pass on what they are given. They are here because FRAME's code is
//! generic and compiled where it is called: called from here, it is compiled once,
//! with this crate, at this crate's level of optimisation.

use alloc::vec::Vec;

use frame_support::{
    dispatch::{DispatchResultWithPostInfo, GetDispatchInfo, RawOrigin},
    storage::with_storage_layer,
    traits::{OnFinalize, OnIdle, OnInitialize},
    weights::Weight,
};
use pallet_revive::{
    evm::runtime::EthExtra, Code, ContractResult, ExecConfig, ExecReturnValue,
    InstantiateReturnValue, TransactionLimits,
};
use sp_core::H160;
use sp_runtime::{
    traits::{Dispatchable, TransactionExtension},
    ApplyExtrinsicResult, Digest,
};

use crate::{
    AccountId, AllPalletsWithSystem, Balance, BlockNumber, EthExtraImpl, Executive, Hash, Revive,
    Runtime, RuntimeCall, System, UncheckedExtrinsic,
};

/// Begins a block and runs the hooks of its start; returns what they took.
pub fn begin_block(number: BlockNumber, parent: Hash) -> Weight {
    System::reset_events();
    System::initialize(&number, &parent, &Digest::default());
    AllPalletsWithSystem::on_initialize(number)
}

/// Runs the hooks of a block's end, with `left` for those that may be put off.
pub fn end_block(number: BlockNumber, left: Weight) {
    System::note_finished_extrinsics();
    let _: Weight = AllPalletsWithSystem::on_idle(number, left);
    AllPalletsWithSystem::on_finalize(number);
}

/// Dispatches a call; what it changed is rolled back if it fails.
pub fn dispatch(origin: RawOrigin<AccountId>, call: RuntimeCall) -> DispatchResultWithPostInfo {
    with_storage_layer(|| call.dispatch(origin.into()))
}

/// What a call takes as a transaction before it has run: dispatching it, and checking
/// and charging the transaction.
pub fn foreseen_weight(call: &RuntimeCall) -> Weight {
    let extension = EthExtraImpl::get_eth_extension(0, 0).weight(call);
    call.get_dispatch_info()
        .call_weight
        .saturating_add(extension)
}

/// Applies a transaction to the current block.
pub fn apply(transaction: UncheckedExtrinsic) -> ApplyExtrinsicResult {
    Executive::apply_extrinsic(transaction)
}

/// Readies `origin` for a dry run, in state that will be rolled back.
pub fn prepare_dry_run(origin: &AccountId) {
    Revive::prepare_dry_run(origin);
}

/// Sends a message to a contract. `value` is in base units of the native token.
pub fn call(
    origin: AccountId,
    contract: H160,
    value: Balance,
    limits: TransactionLimits<Runtime>,
    data: Vec<u8>,
) -> ContractResult<ExecReturnValue, Balance> {
    Revive::bare_call(
        RawOrigin::Signed(origin).into(),
        contract,
        Revive::convert_native_to_evm(value),
        limits,
        data,
        &ExecConfig::new_substrate_tx(),
    )
}

/// Makes a contract. `value` is in base units of the native token.
pub fn instantiate(
    origin: AccountId,
    value: Balance,
    limits: TransactionLimits<Runtime>,
    code: Code,
    data: Vec<u8>,
    salt: Option<[u8; 32]>,
) -> ContractResult<InstantiateReturnValue, Balance> {
    Revive::bare_instantiate(
        RawOrigin::Signed(origin).into(),
        Revive::convert_native_to_evm(value),
        limits,
        code,
        data,
        salt,
        &ExecConfig::new_substrate_tx(),
    )
}
