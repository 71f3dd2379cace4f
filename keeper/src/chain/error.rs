//! Why a chain did not do what was asked, and what to do about it.
//!
//! Errors are told apart by *name* (`Revive::OutOfGas`), because their numbers move
//! from one runtime to the next.

use std::fmt::Write as _;
use std::time::Duration;

/// Why a transaction or a call failed on the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The contract reverted with this output.
    #[error("the contract reverted with {}", shown(.0))]
    Reverted(Vec<u8>),
    /// The runtime refused or stopped it. The name is `Pallet::Error` for a pallet's
    /// error (`Revive::OutOfGas`), `Kind::Detail` or `Kind` for the others
    /// (`Token::FundsUnavailable`, `BadOrigin`).
    #[error("the runtime stopped it: {0}")]
    Runtime(String),
}

/// Why the chain could not be asked, or what it answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No endpoint answers.
    #[error("no connection to {url}: {reason}; check that the node runs and the address is right")]
    Connection {
        /// The endpoint, without secrets.
        url: String,
        /// What happened.
        reason: String,
    },
    /// An endpoint took longer than it may.
    #[error("{what} took longer than {} s", .after.as_secs())]
    Timeout {
        /// What was asked.
        what: &'static str,
        /// The limit.
        after: Duration,
    },
    /// An endpoint does not have the finalized block that was seen before.
    #[error(
        "{url} is behind: its newest block is {at}, and block {seen} was final before; wait \
         until it has caught up, or name another endpoint. If the chain itself began anew, \
         start again"
    )]
    Behind {
        /// The endpoint, without secrets.
        url: String,
        /// The number of its newest block.
        at: u64,
        /// The number of the newest finalized block seen so far.
        seen: u64,
    },
    /// An endpoint no longer has what is asked of a finalized block.
    #[error(
        "the node no longer has block {block} or its state, where the end of a transaction is \
         to be read; add an archive node to the endpoints"
    )]
    Pruned {
        /// The block's number.
        block: u64,
    },
    /// An endpoint that did not answer may have taken the transaction, which another one
    /// then refused.
    #[error(
        "one endpoint did not answer and may have the transaction, another one refuses it: \
         {name} ({detail}); it is looked for"
    )]
    Unsure {
        /// The name of the other's reason, as in [`ChainError::Pool`].
        name: String,
        /// The other's own words.
        detail: String,
    },
    /// The transaction or call failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The node's pool refused the transaction. The name is the pool's or the
    /// runtime's: `Stale`, `Future`, `BadProof`, `AncientBirthBlock`, `Payment`,
    /// `ExhaustsResources`, `TooLowPriority`, `ImmediatelyDropped`, ...
    #[error("the node's pool refused the transaction: {name} ({detail})")]
    Pool {
        /// The reason's name.
        name: String,
        /// The node's own words.
        detail: String,
    },
    /// The transaction needs more than a block gives one transaction.
    #[error("the transaction needs {needed} {unit}, and a block gives one at most {most}")]
    TooLarge {
        /// What is short: `ps of execution`, `bytes of proof`, `bytes of length`.
        unit: &'static str,
        /// How much it needs.
        needed: u64,
        /// How much there is.
        most: u64,
    },
    /// Our address is not mapped to an account.
    #[error(
        "the account {0} is not mapped to its address on this chain; run `plimsoll deploy` or \
         send `revive.mapAccount` from it once"
    )]
    Unmapped(String),
    /// The node or its runtime is not of a kind this keeper knows.
    #[error("the node does not fit: {0}")]
    Unsupported(String),
    /// Anything else the client library reports.
    #[error("{what}: {reason}")]
    Client {
        /// What was asked.
        what: &'static str,
        /// What happened.
        reason: String,
    },
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Ask again later; nothing changed.
    Retry,
    /// The limits were too small: dry-run again and send with new ones.
    Reestimate,
    /// It is too much for one transaction: send less at once.
    Split,
    /// It is not known whether the transaction got in: look for it first.
    Reconcile,
    /// Somebody has to do something: fund or map the account, fix the configuration.
    OperatorAction,
    /// It will fail again.
    Permanent,
}

impl ChainError {
    /// What to do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Connection { .. } | Self::Client { .. } | Self::Behind { .. } => Class::Retry,
            Self::Timeout { .. } | Self::Unsure { .. } => Class::Reconcile,
            Self::Failed(failure) => failure.class(),
            Self::Pool { name, .. } => pool_class(name),
            Self::TooLarge { .. } => Class::Split,
            Self::Unmapped(_) | Self::Unsupported(_) | Self::Pruned { .. } => Class::OperatorAction,
        }
    }

    /// Whether asking again later may help by itself.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.class(),
            Class::Retry | Class::Reconcile | Class::Reestimate
        )
    }
}

impl Failure {
    /// What to do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Reverted(_) => Class::Permanent,
            Self::Runtime(name) => runtime_class(name),
        }
    }
}

/// The class of a runtime's error by its name. A name that is not listed is permanent:
/// nobody knows that trying again helps.
fn runtime_class(name: &str) -> Class {
    match name {
        "Revive::StorageDepositLimitExhausted" => Class::Reestimate,
        // A dry-run has the whole of a block to itself: what runs out of gas or traps
        // there is too much for one transaction. In a block it may also be a limit that
        // has become too small; sending less helps then as well.
        "Revive::OutOfGas"
        | "Revive::ContractTrapped"
        | "Revive::CallDataTooLarge"
        | "Revive::OutOfTransientStorage"
        | "Revive::StaticMemoryTooLarge"
        | "Revive::TransferFailedDueToWeight"
        | "Exhausted"
        | "Transactional::LimitReached" => Class::Split,
        "Revive::AccountUnmapped"
        | "Revive::StorageDepositNotEnoughFunds"
        | "Revive::TransferFailed"
        | "Token::FundsUnavailable"
        | "Token::BelowMinimum"
        | "Token::CannotCreate"
        | "Balances::InsufficientBalance" => Class::OperatorAction,
        "Unavailable" => Class::Retry,
        _ => Class::Permanent,
    }
}

/// The class of a refusal by the transaction pool, by its name.
fn pool_class(name: &str) -> Class {
    match name {
        // The nonce is used (perhaps by this very transaction), or taken in the pool, or
        // what it was signed for has changed.
        "Stale" | "Future" | "BadProof" | "AncientBirthBlock" | "TooLowPriority"
        | "AlreadyImported" | "CycleDetected" => Class::Reconcile,
        "ExhaustsResources" | "TooLarge" => Class::Split,
        "ImmediatelyDropped"
        | "TemporarilyBanned"
        | "CannotLookup"
        | "NoUnsignedValidator"
        | "Rejected" => Class::Retry,
        "Payment" | "BadSigner" => Class::OperatorAction,
        _ => Class::Permanent,
    }
}

/// Bytes for a message: in hexadecimal, the first ones.
fn shown(bytes: &[u8]) -> String {
    /// Enough to see a selector and a short error.
    const MOST: usize = 68;
    if bytes.is_empty() {
        return "no output".to_owned();
    }
    let mut text = String::from("0x");
    for byte in bytes.iter().take(MOST) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > MOST {
        let _ = write!(text, "... ({} bytes)", bytes.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(name: &str) -> Class {
        ChainError::from(Failure::Runtime(name.into())).class()
    }

    fn pool(name: &str) -> Class {
        ChainError::Pool {
            name: name.into(),
            detail: String::new(),
        }
        .class()
    }

    #[test]
    fn what_is_too_much_for_one_transaction_is_split() {
        for name in [
            "Revive::OutOfGas",
            "Revive::ContractTrapped",
            "Revive::CallDataTooLarge",
        ] {
            assert_eq!(runtime(name), Class::Split, "{name}");
        }
        assert_eq!(pool("ExhaustsResources"), Class::Split);
    }

    #[test]
    fn what_a_person_must_mend_is_not_tried_again() {
        for name in [
            "Revive::AccountUnmapped",
            "Revive::StorageDepositNotEnoughFunds",
        ] {
            assert_eq!(runtime(name), Class::OperatorAction, "{name}");
        }
        assert_eq!(pool("Payment"), Class::OperatorAction);
    }

    #[test]
    fn a_nonce_in_use_is_looked_for_before_anything_is_sent_again() {
        for name in [
            "Stale",
            "Future",
            "BadProof",
            "AncientBirthBlock",
            "TooLowPriority",
        ] {
            assert_eq!(pool(name), Class::Reconcile, "{name}");
        }
    }

    #[test]
    fn an_unknown_error_is_permanent() {
        assert_eq!(runtime("Revive::SomethingNew"), Class::Permanent);
        assert_eq!(pool("SomethingNew"), Class::Permanent);
        assert_eq!(Failure::Reverted(vec![1]).class(), Class::Permanent);
    }

    #[test]
    fn a_limit_too_small_is_estimated_again() {
        assert_eq!(
            runtime("Revive::StorageDepositLimitExhausted"),
            Class::Reestimate
        );
    }

    #[test]
    fn reverts_show_the_first_bytes_only() {
        assert_eq!(
            Failure::Reverted(vec![]).to_string(),
            "the contract reverted with no output"
        );
        let long = Failure::Reverted(vec![0xab; 100]).to_string();
        assert!(long.ends_with("... (100 bytes)"), "{long}");
    }
}
