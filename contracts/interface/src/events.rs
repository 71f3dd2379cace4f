//! Events: together they let an indexer rebuild all of the contract's state.
//!
//! Amounts are base units, epochs count from 0. With ink!'s encoding, the data of
//! an event are all its fields in SCALE; the first topic is the event's signature.

use crate::types::{Attesters, Change, Roles, Settings};
use alloc::vec::Vec;
#[cfg(not(feature = "ink"))]
use parity_scale_codec::{Decode, Encode};
use plimsoll_mechanism::level::Level;
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::{Epoch, Hash, OperatorIndex};
use primitive_types::H160;

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[cfg_attr(feature = "ink", ink::event)]
            #[cfg_attr(not(feature = "ink"), derive(Encode, Decode))]
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name {
                $($(#[$attr])* pub $field: $type,)*
            }

            impl $name {
                /// The event's name in the contract's metadata.
                pub const NAME: &'static str = stringify!($name);
            }
        )*

        /// The names of all events.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

events! {
    /// The contract was deployed.
    Deployed {
        /// What is fixed for good.
        settings: Settings,
        /// The first parameters.
        params: Params,
        /// The first roles.
        roles: Roles,
        /// The first attesters.
        attesters: Attesters,
    }
    /// An operator was registered, in the open tier.
    Registered {
        /// Its index, permanent.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// Its address.
        #[cfg_attr(feature = "ink", ink(topic))]
        address: H160,
        /// Where it is paid.
        payee: H160,
    }
    /// A new payee was announced.
    PayeeAnnounced {
        /// Whose.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// The new payee.
        payee: H160,
        /// Wall time from which it counts, in ms.
        from: u64,
    }
    /// An announced payee was cancelled.
    PayeeCancelled {
        /// Whose.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
    }
    /// Whether only the operator itself may claim was set.
    OnlySelfSet {
        /// Whose.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// The new rule.
        only_self: bool,
    }
    /// An operator became vetted.
    Vouched {
        /// Whom.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// The epoch from which it counts.
        from: Epoch,
    }
    /// An operator is vetted no longer.
    Revoked {
        /// Whom.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// The epoch from which it counts.
        from: Epoch,
    }
    /// A bond grew.
    Bonded {
        /// Whose.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// By how much.
        amount: u128,
        /// The epoch from which it counts.
        from: Epoch,
    }
    /// A bond is being withdrawn.
    Unbonding {
        /// Whose.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// How much, with what is free at once.
        amount: u128,
        /// What of it had not counted yet and is free at once: [`BondPaid`] follows, or
        /// [`BondFreed`] if it leaves because its operator becomes vetted.
        free: u128,
        /// The last epoch it backs.
        epoch: Epoch,
    }
    /// A bond that never backed anything became claimable, because its operator
    /// becomes vetted.
    BondFreed {
        /// Whose.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// How much.
        amount: u128,
    }
    /// A withdrawn bond was paid out.
    BondPaid {
        /// Whose.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// To whom.
        payee: H160,
        /// How much.
        amount: u128,
    }
    /// Tokens entered the reserve from outside.
    Funded {
        /// From whom.
        #[cfg_attr(feature = "ink", ink(topic))]
        from: H160,
        /// How much.
        amount: u128,
    }
    /// A batch was accepted. Its entries follow in [`Entries`].
    BatchAccepted {
        /// The epoch in which the work counts.
        #[cfg_attr(feature = "ink", ink(topic))]
        epoch: Epoch,
        /// Its lane.
        #[cfg_attr(feature = "ink", ink(topic))]
        lane: u32,
        /// Its number in epoch and lane.
        seq: u64,
        /// Merkle root of its receipts.
        receipts_root: Hash,
        /// Number of receipts under the root.
        receipts: u64,
        /// The digest that was signed.
        #[cfg_attr(feature = "ink", ink(topic))]
        digest: Hash,
        /// Entries credited.
        credited: u32,
        /// Operators whose entries were skipped: unknown, or open and below the smallest bond.
        skipped: Vec<OperatorIndex>,
    }
    /// A part of the entries of the batch accepted in the same call, in order.
    Entries {
        /// The epoch in which the work counts.
        #[cfg_attr(feature = "ink", ink(topic))]
        epoch: Epoch,
        /// Its lane.
        #[cfg_attr(feature = "ink", ink(topic))]
        lane: u32,
        /// Its number in epoch and lane.
        seq: u64,
        /// Whole entries of 21 bytes, as they were signed.
        packed: Vec<u8>,
    }
    /// An operator's work of an epoch was struck.
    Struck {
        /// The epoch.
        #[cfg_attr(feature = "ink", ink(topic))]
        epoch: Epoch,
        /// Whose work.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// How much work.
        work: Work,
        /// Hash of the evidence.
        evidence: Hash,
    }
    /// An epoch was settled.
    EpochSettled {
        /// The epoch.
        #[cfg_attr(feature = "ink", ink(topic))]
        epoch: Epoch,
        /// Its budget.
        budget: u128,
        /// Work of the vetted operators.
        vetted: Work,
        /// Work of the open operators.
        open: Work,
        /// Clock time of the settlement, in ms.
        at: u64,
    }
    /// A very long run of epochs without work was passed over: nothing below this epoch
    /// is left to be settled.
    IdleSkipped {
        /// The first epoch that may still have to be settled.
        to: Epoch,
    }
    /// Operators were raised to their caps.
    Raised {
        /// The epoch.
        #[cfg_attr(feature = "ink", ink(topic))]
        epoch: Epoch,
        /// Who, in the order in which they were raised; `u32::MAX` is the open pool.
        operators: Vec<OperatorIndex>,
        /// The level afterwards.
        level: Level,
    }
    /// An epoch's level became final and what nobody is entitled to returned to the reserve.
    EpochClosed {
        /// The epoch.
        #[cfg_attr(feature = "ink", ink(topic))]
        epoch: Epoch,
        /// What returned.
        leftover: u128,
    }
    /// Rewards were booked: for each the operator, its reward, the part claimable at
    /// once, and what returned to the reserve beyond it.
    RewardsBooked {
        /// The epoch.
        #[cfg_attr(feature = "ink", ink(topic))]
        epoch: Epoch,
        /// The rewards.
        rewards: Vec<(OperatorIndex, u128, u128, u128)>,
    }
    /// An operator was paid what was claimable.
    Paid {
        /// Whom.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// Where.
        #[cfg_attr(feature = "ink", ink(topic))]
        payee: H160,
        /// How much.
        amount: u128,
    }
    /// A claim of many skipped an operator whose transfer failed.
    PaymentFailed {
        /// Whose.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// Where it should have gone.
        payee: H160,
        /// How much; it stays claimable.
        amount: u128,
    }
    /// Governance announced a change.
    ChangeAnnounced {
        /// Its number.
        #[cfg_attr(feature = "ink", ink(topic))]
        id: u32,
        /// What.
        change: Change,
        /// The epoch from which it counts.
        from: Epoch,
    }
    /// A change was cancelled before it took effect, by the owner or by a newer one of its kind.
    ChangeCancelled {
        /// Its number.
        #[cfg_attr(feature = "ink", ink(topic))]
        id: u32,
    }
    /// A slash was executed.
    SlashExecuted {
        /// Number of the change that announced it.
        #[cfg_attr(feature = "ink", ink(topic))]
        id: u32,
        /// Whom.
        #[cfg_attr(feature = "ink", ink(topic))]
        operator: OperatorIndex,
        /// What the bond lost.
        bond: u128,
        /// What the unvested rewards lost.
        unvested: u128,
    }
    /// A new owner was proposed.
    OwnerProposed {
        /// Who may accept.
        owner: H160,
        /// The epoch from which it may accept.
        from: Epoch,
    }
    /// The proposed owner accepted.
    OwnerChanged {
        /// The new owner.
        owner: H160,
    }
    /// The clock was stopped.
    ClockPaused {
        /// Wall time in ms.
        at: u64,
        /// Wall time at which it runs again at the latest, in ms.
        until: u64,
    }
    /// The clock was started again.
    ClockResumed {
        /// Wall time in ms.
        at: u64,
    }
}
