//! Why a step did not do its work.

use crate::chain::{ChainError, Class};
use crate::contract::ContractError;
use crate::ingest::IngestError;
use crate::journal::JournalError;
use crate::submit::SubmitError;

/// Why a step did not do its work, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Asking the contract.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// Sending a transaction.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Taking receipts in.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// Too few attesters have signed.
    #[error("{0}")]
    Signatures(String),
}

impl From<ChainError> for StepError {
    fn from(error: ChainError) -> Self {
        Self::Contract(error.into())
    }
}

impl StepError {
    /// What to do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Contract(ContractError::Chain(error)) => error.class(),
            Self::Contract(_) => Class::OperatorAction,
            Self::Submit(error) => error.class(),
            Self::Journal(JournalError::Rule(_)) => Class::Permanent,
            Self::Journal(_) => Class::OperatorAction,
            Self::Ingest(IngestError::Journal(_)) => Class::OperatorAction,
            Self::Ingest(_) | Self::Signatures(_) => Class::Retry,
        }
    }
}
