//! Messages and constructors, for good or as a dry run.

use codec::Encode;
use frame_support::{
    dispatch::{DispatchClass, RawOrigin},
    storage::with_transaction,
    traits::{
        fungible::Inspect,
        tokens::{Fortitude, Preservation},
    },
    weights::Weight,
};
use pallet_revive::{Code, ContractResult, ExecReturnValue, StorageDeposit, TransactionLimits};
use plimsoll_runtime::{
    configs::RuntimeBlockWeights, native, AccountId, Balance, Balances, Runtime, RuntimeCall,
    System,
};
use sp_core::{H160, H256};
use sp_runtime::{DispatchError, TransactionOutcome};

use crate::{
    outcome::{contract_event, Failure, Outcome},
    EmbeddedChain,
};

/// What a signed transaction holds beside its call, in bytes: length, version,
/// address, signature, mortality, nonce and tip, at their longest.
const SIGNED_ENVELOPE_BYTES: u64 = 4 + 1 + 33 + 65 + 2 + 5 + 17;

/// What a call may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Execution and proof size; none: as much as one transaction of a block may have.
    pub weight: Option<Weight>,
    /// Storage deposit in base units; none: all that the origin can spare.
    pub deposit: Option<Balance>,
}

impl Limits {
    /// No limit on weight, for measuring what no block could hold.
    pub fn unlimited() -> Self {
        Self {
            weight: Some(Weight::MAX),
            deposit: None,
        }
    }
}

/// Whether what a call changes stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    ForGood,
    DryRun,
}

impl EmbeddedChain {
    /// Sends a message to a contract within a transaction's limits.
    ///
    /// `value` is in base units of the native token, `data` the message as the
    /// contract's ABI encodes it.
    pub fn call(
        &mut self,
        origin: &AccountId,
        contract: H160,
        value: Balance,
        data: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        self.call_with(origin, contract, value, data, Limits::default())
    }

    /// [`Self::call`] with limits of one's own.
    pub fn call_with(
        &mut self,
        origin: &AccountId,
        contract: H160,
        value: Balance,
        data: Vec<u8>,
        limits: Limits,
    ) -> Outcome<Vec<u8>> {
        let request = Request::call(contract, value, data);
        self.run(origin, request, limits, Mode::ForGood)
            .map(|(_, output)| output)
    }

    /// What [`Self::call`] would give; nothing stays. An origin that is not mapped to an
    /// address is taken as mapped.
    pub fn dry_run(
        &mut self,
        origin: &AccountId,
        contract: H160,
        value: Balance,
        data: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        self.dry_run_with(origin, contract, value, data, Limits::default())
    }

    /// [`Self::dry_run`] with limits of one's own.
    pub fn dry_run_with(
        &mut self,
        origin: &AccountId,
        contract: H160,
        value: Balance,
        data: Vec<u8>,
        limits: Limits,
    ) -> Outcome<Vec<u8>> {
        let request = Request::call(contract, value, data);
        self.run(origin, request, limits, Mode::DryRun)
            .map(|(_, output)| output)
    }

    /// Makes a contract and gives its address.
    ///
    /// PolkaVM code takes the constructor's message as `data`. EVM code takes none: the
    /// code is the init code followed by the encoded arguments. With a salt the address
    /// depends on origin, code, data and salt; without, on origin and nonce.
    pub fn instantiate(
        &mut self,
        origin: &AccountId,
        code: Code,
        data: Vec<u8>,
        salt: Option<[u8; 32]>,
        value: Balance,
    ) -> Outcome<H160> {
        self.instantiate_with(origin, code, data, salt, value, Limits::default())
    }

    /// [`Self::instantiate`] with limits of one's own.
    pub fn instantiate_with(
        &mut self,
        origin: &AccountId,
        code: Code,
        data: Vec<u8>,
        salt: Option<[u8; 32]>,
        value: Balance,
        limits: Limits,
    ) -> Outcome<H160> {
        let request = Request::instantiate(code, data, salt, value);
        self.run(origin, request, limits, Mode::ForGood)
            .map(|(address, _)| address)
    }

    /// What [`Self::instantiate`] would give; nothing stays.
    pub fn dry_run_instantiate(
        &mut self,
        origin: &AccountId,
        code: Code,
        data: Vec<u8>,
        salt: Option<[u8; 32]>,
        value: Balance,
    ) -> Outcome<H160> {
        let request = Request::instantiate(code, data, salt, value);
        self.run(origin, request, Limits::default(), Mode::DryRun)
            .map(|(address, _)| address)
    }

    /// Stores PolkaVM code for later [`Code::Existing`], and gives its hash.
    ///
    /// # Errors
    /// If the code is not valid or the origin cannot pay its deposit.
    pub fn upload(&mut self, origin: &AccountId, code: Vec<u8>) -> Result<H256, Failure> {
        let hash = H256(pallet_revive::keccak_256(&code));
        let call = pallet_revive::Call::upload_code {
            code,
            storage_deposit_limit: self.execute(|| spare_balance(origin)),
        };
        self.dispatch(RawOrigin::Signed(origin.clone()), RuntimeCall::Revive(call))
            .result?;
        Ok(hash)
    }

    fn run(
        &mut self,
        origin: &AccountId,
        request: Request,
        limits: Limits,
        mode: Mode,
    ) -> Outcome<(H160, Vec<u8>)> {
        self.execute(|| {
            System::reset_events();
            if mode == Mode::ForGood {
                // Like a transaction's: it stays even if the call fails.
                System::inc_account_nonce(origin);
            }
            let ran: Result<_, Rolled> = with_transaction(|| {
                if mode == Mode::DryRun {
                    native::prepare_dry_run(origin);
                }
                let outcome = request.execute(origin, limits);
                if mode == Mode::ForGood && outcome.succeeded() {
                    TransactionOutcome::Commit(Ok(outcome))
                } else {
                    TransactionOutcome::Rollback(Ok(outcome))
                }
            });
            match ran {
                Ok(outcome) => outcome,
                Err(Rolled(error)) => {
                    unreachable!("storage layers nest one deep here, not to their limit: {error:?}")
                }
            }
        })
    }
}

/// The error of a storage layer that could not be opened.
struct Rolled(DispatchError);

impl From<DispatchError> for Rolled {
    fn from(error: DispatchError) -> Self {
        Self(error)
    }
}

/// A message or a constructor, with what its transaction takes beside it.
struct Request {
    kind: Kind,
    value: Balance,
    data: Vec<u8>,
    overhead: Overhead,
}

enum Kind {
    Call(H160),
    Instantiate { code: Code, salt: Option<[u8; 32]> },
}

impl Request {
    fn call(contract: H160, value: Balance, data: Vec<u8>) -> Self {
        let overhead = Overhead::of(pallet_revive::Call::call {
            dest: contract,
            value,
            weight_limit: Weight::zero(),
            storage_deposit_limit: Balance::MAX,
            data: data.clone(),
        });
        Self {
            kind: Kind::Call(contract),
            value,
            data,
            overhead,
        }
    }

    fn instantiate(code: Code, data: Vec<u8>, salt: Option<[u8; 32]>, value: Balance) -> Self {
        let weight_limit = Weight::zero();
        let storage_deposit_limit = Balance::MAX;
        let overhead = Overhead::of(match code.clone() {
            Code::Upload(code) => pallet_revive::Call::instantiate_with_code {
                value,
                weight_limit,
                storage_deposit_limit,
                code,
                data: data.clone(),
                salt,
            },
            Code::Existing(code_hash) => pallet_revive::Call::instantiate {
                value,
                weight_limit,
                storage_deposit_limit,
                code_hash,
                data: data.clone(),
                salt,
            },
        });
        Self {
            kind: Kind::Instantiate { code, salt },
            value,
            data,
            overhead,
        }
    }

    /// Runs it; the address is that of the contract called or made.
    fn execute(self, origin: &AccountId, limits: Limits) -> Outcome<(H160, Vec<u8>)> {
        let Self {
            kind,
            value,
            data,
            overhead,
        } = self;
        let limits = TransactionLimits::WeightAndDeposit {
            weight_limit: limits
                .weight
                .unwrap_or_else(|| overhead.most_for_execution()),
            deposit_limit: limits.deposit.unwrap_or_else(|| spare_balance(origin)),
        };
        let origin = origin.clone();
        let ran = match kind {
            Kind::Call(contract) => native::call(origin, contract, value, limits, data)
                .map_result(|output| (contract, output)),
            Kind::Instantiate { code, salt } => {
                native::instantiate(origin, value, limits, code, data, salt)
                    .map_result(|made| (made.addr, made.result))
            }
        };
        outcome(ran, overhead)
    }
}

fn outcome(
    ran: ContractResult<(H160, ExecReturnValue), Balance>,
    overhead: Overhead,
) -> Outcome<(H160, Vec<u8>)> {
    let result = match ran.result {
        Ok((_, output)) if output.did_revert() => Err(Failure::Reverted(output.data)),
        Ok((address, output)) => Ok((address, output.data)),
        Err(error) => Err(error.into()),
    };
    let succeeded = result.is_ok();
    let deposit = match ran.storage_deposit {
        _ if !succeeded => 0,
        StorageDeposit::Charge(amount) => signed(amount),
        StorageDeposit::Refund(amount) => -signed(amount),
    };
    Outcome {
        weight: ran.weight_consumed,
        weight_required: ran.weight_required,
        transaction_weight: ran.weight_consumed.saturating_add(overhead.of_block()),
        deposit,
        deposit_required: ran.max_storage_deposit.charge_or_zero(),
        events: if succeeded { emitted() } else { Vec::new() },
        result,
    }
}

fn signed(amount: Balance) -> i128 {
    i128::try_from(amount).expect("the native token's whole issuance fits 127 bits")
}

/// Events of contracts since events were last reset.
fn emitted() -> Vec<crate::ContractEvent> {
    System::read_events_no_consensus()
        .filter_map(|record| contract_event(record.event))
        .collect()
}

/// What an account can spend and live.
fn spare_balance(account: &AccountId) -> Balance {
    Balances::reducible_balance(account, Preservation::Preserve, Fortitude::Polite)
}

/// What a signed transaction takes beside executing the contract.
struct Overhead {
    /// Dispatching the call and checking and charging the transaction.
    dispatch: Weight,
    /// Its length, which counts as proof.
    length: u64,
}

impl Overhead {
    fn of(call: pallet_revive::Call<Runtime>) -> Self {
        let call = RuntimeCall::Revive(call);
        Self {
            dispatch: native::foreseen_weight(&call),
            length: SIGNED_ENVELOPE_BYTES + call.encoded_size() as u64,
        }
    }

    /// What it takes of a block.
    fn of_block(&self) -> Weight {
        self.dispatch
            .saturating_add_proof_size(self.length)
            .saturating_add(
                RuntimeBlockWeights::get()
                    .get(DispatchClass::Normal)
                    .base_extrinsic,
            )
    }

    /// What is left for executing the contract in the largest transaction allowed.
    fn most_for_execution(&self) -> Weight {
        RuntimeBlockWeights::get()
            .get(DispatchClass::Normal)
            .max_extrinsic
            .expect("the block's limits bound a normal transaction")
            .saturating_sub(self.dispatch)
            .saturating_sub_proof_size(self.length)
    }
}

impl EmbeddedChain {
    /// The largest weight limit that a message of `data_bytes` bytes may ask for in a
    /// transaction.
    pub fn most_weight(&mut self, data_bytes: usize) -> Weight {
        Request::call(H160::zero(), 0, vec![0; data_bytes])
            .overhead
            .most_for_execution()
    }
}
