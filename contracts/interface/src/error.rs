//! Why the contract refuses a message.

use parity_scale_codec::{Decode, Encode};
use plimsoll_mechanism::bond::BondError;
use plimsoll_mechanism::clock::PauseError;
use plimsoll_mechanism::ledger::LedgerError;
use plimsoll_mechanism::params::Param;
use plimsoll_mechanism::record::RecordError;
use plimsoll_mechanism::work::CreditError;

/// Why a message was refused. Nothing it did stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub enum Error {
    /// The caller does not have the role that this message needs.
    NotAllowed,
    /// A setting fixed at deployment is out of its bounds (`min_open_bond`, `fee_unit`
    /// and `lanes` are at least 1).
    Settings,
    /// This parameter is out of its bounds.
    Params(Param),
    /// The attesters are not 1 to 16 distinct ascending addresses, none of them zero,
    /// with a threshold above half of them.
    Attesters,
    /// There is no operator with this index.
    UnknownOperator(u32),
    /// The address is registered already, or all indices are given.
    CannotRegister,
    /// No address may be zero here.
    ZeroAddress,
    /// No amount may be zero here.
    ZeroAmount,
    /// The registrar has vouched for as many operators as it may in this epoch.
    TooManyVouches,
    /// The operator is vetted already, or is not vetted.
    Tier,
    /// The epoch takes no batches now: it has not begun, its attest window is over,
    /// or the clock is stopped.
    EpochClosed,
    /// There is no such lane.
    UnknownLane,
    /// The batch's sequence number is not the next one of its epoch and lane, which
    /// is given: it was accepted before, or one before it is missing.
    WrongSeq(u64),
    /// The batch has no entries, or its entries are not a whole number of them.
    Entries,
    /// The entry of this operator is not above the one before it.
    EntryOrder(u32),
    /// A figure of this operator would leave its range.
    EntryOverflow(u32),
    /// The signatures are not a whole number of 65-byte signatures, or not as many as
    /// the threshold.
    SignatureCount,
    /// The signature at this position is not in canonical form, or recovers to nobody.
    BadSignature(u32),
    /// The signature at this position is not by an attester of that epoch.
    UnknownAttester(u32),
    /// Signers are not strictly ascending at this position.
    SignerOrder(u32),
    /// The epoch's review window is not open.
    NotInReview,
    /// There is no work in this epoch, or none of this operator.
    NoWork,
    /// No worked epoch is ready to be settled.
    NothingToSettle,
    /// The epoch is not settled.
    NotSettled,
    /// The epoch's level window is over.
    LevelFinal,
    /// The epoch's level is not final yet.
    NotFinal,
    /// Only the operator itself may claim.
    OnlySelf,
    /// There is nothing to claim or to withdraw.
    NothingDue,
    /// The token refused the transfer.
    TransferFailed,
    /// The token moved another amount than it was told to.
    TokenTaxes,
    /// There is not as much bond.
    BondTooSmall,
    /// As many withdrawals are on their way as can be; collect one that is free first.
    TooManyWithdrawals,
    /// No payee change is pending.
    NoPendingPayee,
    /// There is no such change, or it was cancelled or executed.
    UnknownChange,
    /// The change is in force and can only be replaced by another one.
    InForce,
    /// The change is still within its timelock.
    Timelocked,
    /// The clock is stopped already.
    Paused,
    /// The clock is not stopped.
    NotPaused,
    /// The last pause ended less than the gap ago.
    PauseTooSoon,
    /// Genesis has not come.
    NotStarted,
    /// A sum would leave its range.
    Overflow,
    /// A term of the ledger, a pot or a total does not have what should be taken out of
    /// it. No sequence of messages reaches it.
    Short,
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Overflow => Self::Overflow,
            LedgerError::Short => Self::Short,
        }
    }
}

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Overflow => Self::Overflow,
            RecordError::UnknownLane => Self::UnknownLane,
            RecordError::NotSettled => Self::NotSettled,
            RecordError::NotInTotals | RecordError::NotInPot => Self::Short,
        }
    }
}

impl From<BondError> for Error {
    fn from(error: BondError) -> Self {
        match error {
            BondError::TooMuch => Self::BondTooSmall,
            BondError::TooManyWithdrawals => Self::TooManyWithdrawals,
        }
    }
}

impl From<PauseError> for Error {
    fn from(error: PauseError) -> Self {
        match error {
            PauseError::Paused => Self::Paused,
            PauseError::NotPaused => Self::NotPaused,
            PauseError::TooSoon => Self::PauseTooSoon,
            PauseError::NotStarted => Self::NotStarted,
        }
    }
}

impl From<CreditError> for Error {
    fn from(error: CreditError) -> Self {
        match error {
            CreditError::Length => Self::Entries,
            CreditError::Order(operator) => Self::EntryOrder(operator),
            CreditError::Overflow(operator) => Self::EntryOverflow(operator),
        }
    }
}
