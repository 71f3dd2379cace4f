//! Arguments and views.

use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};
use plimsoll_mechanism::bond::{Checkpoint, Unbonding};
use plimsoll_mechanism::clock::{Pause, Times};
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Settlement;
use plimsoll_mechanism::status::Status;
use plimsoll_mechanism::vesting::{Period, Vesting};
use plimsoll_mechanism::{Epoch, Hash, OperatorIndex};
use primitive_types::H160;

/// In a list of operators to raise: the open pool as one.
pub const OPEN_POOL: OperatorIndex = OperatorIndex::MAX;

/// The most attesters there can be.
pub const MAX_ATTESTERS: usize = 16;

/// The most bytes of entries in one event, whose data with everything else in it are
/// then at most 60 kB.
pub const MAX_EVENT_ENTRIES: usize = 59_900;

/// Everything fixed at deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Settings {
    /// The ERC-20 in which rewards, funding and bonds are paid. It must neither
    /// tax nor rebase.
    pub token: H160,
    /// The epoch clock, in milliseconds.
    pub times: Times,
    /// The vesting schedule, in epochs.
    pub vesting: Vesting,
    /// How long a change is public before it can take effect, in ms of clock time.
    pub timelock: u64,
    /// How long a new payee is public before it takes effect, in ms of wall time.
    pub payee_delay: u64,
    /// How long a bond stays after its last epoch is final, in epochs.
    pub unbonding_epochs: u32,
    /// The smallest bond with which an open operator's work counts, in base units.
    pub min_open_bond: u128,
    /// The most operators the registrar may vouch for in an epoch.
    pub max_vouches: u32,
    /// Number of lanes; 1 to 16.
    pub lanes: u32,
    /// Base units in one fee unit, in which batches count fees; at least 1.
    pub fee_unit: u128,
}

/// Who may do what. The owner is governance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Roles {
    /// Announces changes and slashes.
    pub owner: H160,
    /// Vouches for operators.
    pub registrar: H160,
    /// Pauses, and strikes false work.
    pub guardian: H160,
}

/// Who attests batches.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Attesters {
    /// How many must sign: more than half of the members, at most all.
    pub threshold: u8,
    /// Addresses, strictly ascending; at most [`MAX_ATTESTERS`].
    pub members: Vec<H160>,
}

/// What governance can announce.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub enum Change {
    /// New parameters.
    Params(Params),
    /// A new registrar.
    Registrar(H160),
    /// A new guardian.
    Guardian(H160),
    /// New attesters.
    Attesters(Attesters),
    /// Take up to `amount` base units from an operator's bond, then from its unvested rewards.
    Slash {
        /// Whom.
        operator: OperatorIndex,
        /// How much at most, in base units.
        amount: u128,
        /// Hash of the evidence.
        evidence: Hash,
    },
}

/// A change as it was announced.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Announced {
    /// What.
    pub change: Change,
    /// The epoch from which it counts; a slash can be executed from then on.
    pub from: Epoch,
}

/// The clock, seen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct ClockView {
    /// The chain's time, ms since 1970.
    pub now: u64,
    /// Clock time since genesis without pauses, in ms; 0 before genesis.
    pub elapsed: u64,
    /// Whether genesis has come.
    pub started: bool,
    /// The current epoch.
    pub epoch: Epoch,
    /// Whether a pause is on.
    pub stopped: bool,
    /// The newest pause.
    pub pause: Option<Pause>,
    /// Every worked epoch below this is settled.
    pub settled_to: Epoch,
    /// What a call of `settle` would settle: the first worked epoch not settled, if any.
    /// After 131,072 epochs without work, the last one that the call passes over.
    pub next_worked: Option<Epoch>,
}

/// The state of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct EpochView {
    /// The parameters at its start.
    pub params: Params,
    /// What had entered the reserve before it began, in base units.
    pub entered_before: u128,
    /// Work of the vetted operators.
    pub vetted: Work,
    /// Work of the open operators.
    pub open: Work,
    /// Set once it is settled.
    pub settlement: Option<Settlement>,
    /// Set once it is settled: the figures that follow.
    pub division: Option<DivisionView>,
    /// Whether its level is final, so that it can be booked.
    pub is_final: bool,
}

/// The figures that follow from an epoch's totals and its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct DivisionView {
    /// What fragment work is entitled to, in units of 2^-32.
    pub fragment_budget: u128,
    /// What bulk work is entitled to, in units of 2^-32.
    pub bulk_budget: u128,
    /// Cap of a vetted operator, in base units.
    pub operator_cap: u128,
    /// Ceiling of the open pool, in base units.
    pub open_ceiling: u128,
    /// Weight of the vetted, in units of 2^-32.
    pub vetted_weight: u128,
    /// Weight of the open pool, in units of 2^-32.
    pub open_weight: u128,
    /// What those not raised are paid at the level as it stands, in base units.
    pub used: u128,
    /// What the open pool gets at the level as it stands, in base units.
    pub open_reward: u128,
}

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct OperatorView {
    /// Who it is.
    pub address: H160,
    /// Where it is paid now.
    pub payee: H160,
    /// A new payee and the wall time (ms) from which it counts.
    pub pending_payee: Option<(H160, u64)>,
    /// Whether only the operator itself may claim.
    pub only_self: bool,
    /// Status in the current epoch.
    pub status: Status,
    /// Status from the next epoch on.
    pub next_status: Status,
    /// What a claim would pay now, in base units.
    pub claimable: u128,
    /// Booked and not vested now, in base units.
    pub unvested: u128,
    /// The vesting amounts by period, the newest first, in base units.
    pub vesting: Vec<(Period, u128)>,
    /// Bond with deposits that do not count yet, in base units.
    pub bonded: u128,
    /// Bond that counts in the current epoch, in base units.
    pub bond: u128,
    /// Withdrawals on their way out.
    pub unbonding: Vec<Unbonding>,
}

/// What governance has announced and what is not in force yet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct GovernanceView {
    /// A proposed owner and the epoch from which it may accept.
    pub proposed_owner: Option<(H160, Epoch)>,
    /// Number of the next change; those below it were announced.
    pub next_change: u32,
    /// Numbers of the announced changes of parameters, registrar, guardian and
    /// attesters that are not in force yet. Slashes are not among them: any number of
    /// them can wait.
    pub waiting: Vec<u32>,
    /// How many operators were vouched for in the current epoch.
    pub vouches: u32,
}

/// The terms of the conservation law, in base units:
/// `reserve + inflows + pots + unvested + claimable + bonds = received - paid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct LedgerView {
    /// The reserve without what entered in the current epoch.
    pub reserve: u128,
    /// What entered the reserve in the current epoch, to count from the next.
    pub inflows: u128,
    /// Settled and not yet booked, rounding dust included.
    pub pots: u128,
    /// Booked and not vested, as of each operator's last release.
    pub unvested: u128,
    /// Vested, liquid, or bond freed by a promotion, and not claimed.
    pub claimable: u128,
    /// Bonds, those on their way out included.
    pub bonds: u128,
    /// Everything received through messages.
    pub received: u128,
    /// Everything paid out.
    pub paid: u128,
}

impl LedgerView {
    /// Everything owed or kept: what the token balance must cover.
    #[must_use]
    pub fn owed(&self) -> u128 {
        [
            self.reserve,
            self.inflows,
            self.pots,
            self.unvested,
            self.claimable,
            self.bonds,
        ]
        .into_iter()
        .fold(0_u128, u128::saturating_add)
    }

    /// Whether the conservation law holds, to the unit.
    #[must_use]
    pub fn conserves(&self) -> bool {
        self.paid.checked_add(self.owed()) == Some(self.received)
    }
}

/// An operator's work in an epoch and its reward at the level as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Preview {
    /// Work that is not booked yet; nothing if it is booked, was struck or never came.
    pub work: Work,
    /// Fees paid for it, in base units.
    pub fees: u128,
    /// The tier in which it counts.
    pub vetted: bool,
    /// Whether it was raised to its cap.
    pub raised: bool,
    /// What it is entitled to, in units of 2^-32; 0 until the epoch is settled.
    pub entitlement: u128,
    /// Its reward, in base units; 0 until the epoch is settled.
    pub reward: u128,
    /// The part claimable at once, in base units.
    pub liquid: u128,
    /// The part that vests, in base units.
    pub vesting: u128,
}

/// What a batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Credited {
    /// Entries credited.
    pub credited: u32,
    /// Entries skipped: unknown operators, or open ones below the smallest bond.
    pub skipped: u32,
}

/// What a settlement fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Settled {
    /// The settled epoch.
    pub epoch: Epoch,
    /// Its budget, in base units.
    pub budget: u128,
}

/// What a booking did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Booked {
    /// Rewards booked.
    pub booked: u32,
    /// Their sum, in base units.
    pub amount: u128,
}

/// What a claim of many did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Claimed {
    /// Operators paid.
    pub paid: u32,
    /// Operators skipped: nothing to claim, only they may claim, or their transfer failed.
    pub skipped: u32,
    /// Sum paid, in base units.
    pub amount: u128,
}

/// An archived bond, as [`Checkpoint`] is stored.
pub type ArchivedBond = Checkpoint;
