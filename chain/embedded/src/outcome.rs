//! What came of a call.

use frame_support::{traits::PalletsInfoAccess, weights::Weight};
use plimsoll_runtime::{AllPalletsWithSystem, Balance, RuntimeEvent};
use sp_core::{H160, H256};
use sp_runtime::DispatchError;

/// An event that a contract emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractEvent {
    /// Who emitted it.
    pub contract: H160,
    /// At most four topics; the first names the event.
    pub topics: Vec<H256>,
    /// The rest, encoded as the contract's ABI says.
    pub data: Vec<u8>,
}

/// Why a call failed. All it had changed was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The contract reverted, with this output: an encoded error of the contract.
    #[error("the contract reverted with {} bytes: 0x{}", .0.len(), hex(.0))]
    Reverted(Vec<u8>),
    /// The runtime refused or stopped the call.
    #[error("{name}")]
    Runtime {
        /// The error's name: `Revive::OutOfGas`, `Token::FundsUnavailable`, `BadOrigin`.
        name: String,
        /// The error itself.
        error: DispatchError,
    },
}

/// What came of a message or a constructor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<T> {
    /// What executing it took.
    pub weight: Weight,
    /// The least weight limit under which it would have come out the same.
    pub weight_required: Weight,
    /// What it takes of a block as a signed transaction of its own: `weight` plus what
    /// the transaction, its signature check, its length and its fee take.
    pub transaction_weight: Weight,
    /// Storage deposit in base units: what the origin paid, or got back if negative.
    pub deposit: i128,
    /// The most storage deposit that it needed at any moment, in base units.
    pub deposit_required: Balance,
    /// Events of contracts in order; none if it failed.
    pub events: Vec<ContractEvent>,
    /// What it returned, or why it failed.
    pub result: Result<T, Failure>,
}

impl<T> Outcome<T> {
    /// Whether it succeeded.
    pub fn succeeded(&self) -> bool {
        self.result.is_ok()
    }

    /// The same outcome with another result.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome {
            weight: self.weight,
            weight_required: self.weight_required,
            transaction_weight: self.transaction_weight,
            deposit: self.deposit,
            deposit_required: self.deposit_required,
            events: self.events,
            result: self.result.map(change),
        }
    }
}

/// What came of a call of the runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatched {
    /// What executing it took; of a submitted transaction, what it took of its block
    /// apart from its length.
    pub weight: Weight,
    /// All events in order, those of the runtime included.
    pub events: Vec<RuntimeEvent>,
    /// Whether it succeeded.
    pub result: Result<(), Failure>,
}

impl Dispatched {
    /// The events that contracts emitted.
    pub fn contract_events(&self) -> Vec<ContractEvent> {
        self.events
            .iter()
            .cloned()
            .filter_map(contract_event)
            .collect()
    }
}

impl From<DispatchError> for Failure {
    fn from(error: DispatchError) -> Self {
        Self::Runtime {
            name: name_of(&error),
            error,
        }
    }
}

/// The contract's event in a runtime event, if it is one.
pub(crate) fn contract_event(event: RuntimeEvent) -> Option<ContractEvent> {
    match event {
        RuntimeEvent::Revive(pallet_revive::Event::ContractEmitted {
            contract,
            data,
            topics,
        }) => Some(ContractEvent {
            contract,
            topics,
            data,
        }),
        _ => None,
    }
}

/// `Pallet::Error` for a pallet's error, `Kind::Detail` or `Kind` for the others.
fn name_of(error: &DispatchError) -> String {
    match error {
        DispatchError::Module(module) => {
            let pallet = AllPalletsWithSystem::infos()
                .into_iter()
                .find(|info| info.index == usize::from(module.index))
                .map_or("Unknown", |info| info.name);
            match module.message {
                Some(name) => format!("{pallet}::{name}"),
                None => format!("{pallet}::{:?}", module.error),
            }
        }
        DispatchError::Token(detail) => format!("Token::{detail:?}"),
        DispatchError::Arithmetic(detail) => format!("Arithmetic::{detail:?}"),
        other => format!("{other:?}"),
    }
}

/// The first bytes in hexadecimal, for messages.
fn hex(bytes: &[u8]) -> String {
    /// More would not help a reader.
    const SHOWN: usize = 64;
    let mut text: String = bytes
        .iter()
        .take(SHOWN)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if bytes.len() > SHOWN {
        text.push('…');
    }
    text
}
