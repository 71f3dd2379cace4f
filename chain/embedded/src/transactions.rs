//! Calls of the runtime itself: by dispatch, or as a signed transaction with its fee.

use codec::Encode;
use frame_support::{
    dispatch::{GetDispatchInfo, PostDispatchInfo, RawOrigin},
    weights::Weight,
};
use plimsoll_runtime::{
    native, AccountId, Nonce, RuntimeCall, RuntimeEvent, System, TxExtension, UncheckedExtrinsic,
};
use sp_core::{crypto::Pair, sr25519};
use sp_runtime::{
    generic::{self, Era, SignedPayload},
    traits::IdentifyAccount,
    transaction_validity::TransactionValidityError,
    DispatchErrorWithPostInfo, MultiSignature, MultiSigner,
};

use crate::{outcome::Dispatched, EmbeddedChain, Failure};

/// A signed transaction that did not make it into the block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the chain refused the transaction: {0:?}")]
pub struct SubmitError(pub TransactionValidityError);

impl EmbeddedChain {
    /// Calls the runtime as `origin`, without a fee. What it changed is rolled back if
    /// it fails.
    pub fn dispatch(&mut self, origin: RawOrigin<AccountId>, call: RuntimeCall) -> Dispatched {
        self.execute(|| {
            System::reset_events();
            if let RawOrigin::Signed(account) = &origin {
                System::inc_account_nonce(account);
            }
            let foreseen = call.get_dispatch_info().call_weight;
            let (info, result) = match native::dispatch(origin, call) {
                Ok(info) => (info, Ok(())),
                Err(DispatchErrorWithPostInfo { post_info, error }) => {
                    (post_info, Err(Failure::from(error)))
                }
            };
            Dispatched {
                weight: spent(info, foreseen),
                events: events(),
                result,
            }
        })
    }

    /// Submits `call` as a transaction signed by `signer` to the current block: checked,
    /// charged its fee and counted against the block's limits as on a node.
    ///
    /// A transaction that fails stays in the block, its fee paid.
    ///
    /// # Errors
    /// If the transaction is not valid, cannot be paid or does not fit the block.
    pub fn submit(
        &mut self,
        signer: &sr25519::Pair,
        call: RuntimeCall,
    ) -> Result<Dispatched, SubmitError> {
        self.execute(|| {
            System::reset_events();
            let foreseen = call.get_dispatch_info().call_weight;
            let transaction = sign(signer, call)?;
            let result = native::apply(transaction).map_err(SubmitError)?;
            let events = events();
            let weight = events.iter().find_map(paid_weight).unwrap_or(foreseen);
            Ok(Dispatched {
                weight,
                events,
                result: result.map_err(Failure::from),
            })
        })
    }
}

/// The transaction as a wallet would make it now.
fn sign(signer: &sr25519::Pair, call: RuntimeCall) -> Result<UncheckedExtrinsic, SubmitError> {
    let account = MultiSigner::from(signer.public()).into_account();
    let extension = extension(System::account_nonce(&account));
    let payload = SignedPayload::new(call, extension).map_err(SubmitError)?;
    let signature = payload.using_encoded(|bytes| signer.sign(bytes));
    let (call, extension, _) = payload.deconstruct();
    Ok(generic::UncheckedExtrinsic::new_signed(
        call,
        account.into(),
        MultiSignature::Sr25519(signature),
        extension,
    )
    .into())
}

/// Valid for ever, without a tip.
fn extension(nonce: Nonce) -> TxExtension {
    (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        pallet_revive::evm::tx_extension::SetOrigin::default(),
        frame_system::WeightReclaim::new(),
    )
}

fn spent(info: PostDispatchInfo, foreseen: Weight) -> Weight {
    info.actual_weight.unwrap_or(foreseen)
}

fn events() -> Vec<RuntimeEvent> {
    System::read_events_no_consensus()
        .map(|record| record.event)
        .collect()
}

/// The weight that the system says a transaction took.
fn paid_weight(event: &RuntimeEvent) -> Option<Weight> {
    match event {
        RuntimeEvent::System(
            frame_system::Event::ExtrinsicSuccess { dispatch_info }
            | frame_system::Event::ExtrinsicFailed { dispatch_info, .. },
        ) => Some(dispatch_info.weight),
        _ => None,
    }
}
