//! The state, and how events change it.

mod batches;
mod claims;
mod epochs;
mod governance;
mod operators;
mod views;

use crate::finding::{Finding, Kind, Place};
use crate::Event;
use batches::Batch;
use parity_scale_codec::{Decode, Encode};
use plimsoll_interface::mechanism::account::Account;
use plimsoll_interface::mechanism::bond::{archived_at, Checkpoint, Lookup};
use plimsoll_interface::mechanism::clock::{Clock, Pauses};
use plimsoll_interface::mechanism::ledger::{Ledger, LedgerError};
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::record::{Record, MAX_LANES};
use plimsoll_interface::mechanism::schedule::Schedule;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::work::Figures;
use plimsoll_interface::mechanism::{Epoch, Hash, OperatorIndex};
use plimsoll_interface::{events, Announced, Attesters, Settings, H160};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

pub use batches::Attested;
use epochs::Search;
pub use views::Check;

/// A batch, by its epoch, lane and number there.
pub type BatchId = (Epoch, u32, u64);

/// Where batches count: what their digests are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Origin {
    /// The contract.
    pub contract: H160,
    /// The EVM chain id, big-endian.
    pub chain_id: Hash,
}

/// A batch that the contract has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Accepted {
    /// The Merkle root of its receipts.
    pub root: Hash,
    /// How many receipts are under the root.
    pub receipts: u64,
    /// Wall time of its block, in ms.
    pub at: u64,
}

/// What a list of events comes to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Index {
    origin: Option<Origin>,
    settings: Settings,
    params: Schedule<Params>,
    owner: H160,
    proposed: Option<(H160, Epoch)>,
    registrar: Schedule<H160>,
    guardian: Schedule<H160>,
    attesters: Schedule<Attesters>,
    changes: BTreeMap<u32, Announced>,
    /// The newest change of the parameters, the registrar, the guardian and the attesters.
    announced: [Option<u32>; 4],
    next_change: u32,
    /// The epoch of the newest vouch, and how many operators were vouched for in it.
    vouches: (Epoch, u32),
    pauses: Pauses,
    ledger: Ledger,
    settled_to: Epoch,
    operators: Vec<Operator>,
    addresses: BTreeMap<H160, OperatorIndex>,
    epochs: BTreeMap<Epoch, Worked>,
    batches: BTreeMap<BatchId, Accepted>,
    /// What the next event must be.
    due: Option<Due>,
    /// The newest time that was seen, in ms.
    now: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Operator {
    address: H160,
    payee: H160,
    pending: Option<(H160, u64)>,
    only_self: bool,
    /// From which epoch it had which status; the last one counts.
    status: Vec<(Epoch, Status)>,
    account: Account,
    /// Bonds of long ago.
    archive: Vec<Checkpoint>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Worked {
    record: Record,
    /// What is still to be booked.
    figures: BTreeMap<OperatorIndex, Figures>,
    /// Who was booked or struck, so that nothing may be left.
    done: BTreeSet<OperatorIndex>,
}

/// What an event announces, so that the next one must be it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
enum Due {
    /// Entries of a batch.
    Entries(Batch),
    /// A bond that is free at once is paid, or becomes claimable because of a vouch.
    Free(OperatorIndex, u128),
    /// The vouch for which a bond was freed.
    Vouch(OperatorIndex),
}

impl Operator {
    fn status(&self, epoch: Epoch) -> Status {
        let known = self.status.iter().rev().find(|(from, _)| *from <= epoch);
        known.map_or(Status::Inactive, |(_, status)| *status)
    }

    fn set_status(&mut self, status: Status, from: Epoch) {
        self.status.retain(|(since, _)| *since < from);
        self.status.push((from, status));
    }

    /// Keeps a checkpoint. They come in order, and there are fewer than 2^32.
    fn archive(&mut self, kept: Option<(u32, Checkpoint)>) {
        self.archive.extend(kept.map(|(_, checkpoint)| checkpoint));
    }

    fn bond_at(&self, epoch: Epoch) -> u128 {
        match self.account.bond.at(epoch) {
            Lookup::Known(amount) => amount,
            Lookup::Archived(count) => {
                archived_at(epoch, count, |k| self.archive.get(k as usize).copied())
            }
        }
    }

    fn payee_at(&self, now: u64) -> H160 {
        match self.pending {
            Some((payee, from)) if now >= from => payee,
            _ => self.payee,
        }
    }
}

/// Where and when an event is looked at.
struct At {
    now: u64,
    clock: Clock,
    place: Place,
}

impl At {
    /// The current epoch.
    fn epoch(&self) -> Epoch {
        self.clock.epoch()
    }

    /// The current epoch, `None` before genesis.
    fn running(&self) -> Option<Epoch> {
        self.clock.started().then(|| self.clock.epoch())
    }

    fn finding(
        &self,
        kind: Kind,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Finding {
        Finding::new(kind, self.place.clone(), expected, found)
    }

    /// Refuses what cannot come here.
    fn in_turn(&self, holds: bool, expected: &str) -> Result<(), Finding> {
        if holds {
            return Ok(());
        }
        let found = format!(
            "it in epoch {} at clock time {} ms",
            self.clock.epoch(),
            self.clock.elapsed()
        );
        Err(self.finding(Kind::OutOfTurn, expected, found))
    }

    /// Compares what an event says with what follows.
    fn same<T: Debug + PartialEq>(
        &self,
        field: &str,
        expected: &T,
        found: &T,
    ) -> Result<(), Finding> {
        if expected == found {
            return Ok(());
        }
        let (path, expected, found) = crate::finding::difference(expected, found);
        let field = match &path[..] {
            "" => field.to_owned(),
            path => format!("{field}.{path}"),
        };
        Err(self.finding(Kind::Figure, expected, found).field(&field))
    }

    /// A sum that leaves its range, or a term that does not have as much.
    fn ledger(&self, error: &impl Debug) -> Finding {
        self.finding(Kind::Ledger, "amounts that are there", format!("{error:?}"))
    }
}

impl Index {
    /// Begins with the event of the deployment, in a block of wall time `now` (ms). Digests
    /// of batches are checked if the `origin` is known.
    ///
    /// # Errors
    /// If no contract could have been deployed so.
    pub fn begin(
        origin: Option<Origin>,
        now: u64,
        deployed: &events::Deployed,
    ) -> Result<Self, Finding> {
        let events::Deployed {
            settings,
            params,
            roles,
            attesters,
        } = deployed;
        let place = || Place::of("Deployed");
        let wrong = |what: &str| {
            let expected = "terms that the contract takes";
            Err(Finding::new(Kind::Deployment, place(), expected, what).field(what))
        };
        if settings.times.check(now).is_err() {
            return wrong("settings.times");
        }
        if !settings.vesting.valid() {
            return wrong("settings.vesting");
        }
        if !(1..=MAX_LANES).contains(&settings.lanes) {
            return wrong("settings.lanes");
        }
        if settings.fee_unit == 0 || settings.min_open_bond == 0 {
            return wrong("settings.fee_unit or settings.min_open_bond");
        }
        if let Err(param) = params.check() {
            return wrong(&format!("params.{}", param.name()));
        }
        if !governance::valid(attesters) {
            return wrong("attesters");
        }
        let addresses = [settings.token, roles.owner, roles.registrar, roles.guardian];
        if addresses.iter().any(H160::is_zero) {
            return wrong("a zero address");
        }
        Ok(Self {
            origin,
            settings: *settings,
            params: Schedule::new(*params),
            owner: roles.owner,
            proposed: None,
            registrar: Schedule::new(roles.registrar),
            guardian: Schedule::new(roles.guardian),
            attesters: Schedule::new(attesters.clone()),
            changes: BTreeMap::new(),
            announced: [None; 4],
            next_change: 0,
            vouches: (0, 0),
            pauses: Pauses::default(),
            ledger: Ledger::default(),
            settled_to: 0,
            operators: Vec::new(),
            addresses: BTreeMap::new(),
            epochs: BTreeMap::new(),
            batches: BTreeMap::new(),
            due: None,
            now,
        })
    }

    /// Takes events in a block of wall time `now` (ms, whole seconds, as the chain tells
    /// contracts). They may be those of several messages, each with all of its own. Gives
    /// the batches among them.
    ///
    /// # Errors
    /// The first event that does not follow from those before it. The index is of no use
    /// after that.
    pub fn take(&mut self, now: u64, events: &[Event]) -> Result<Vec<Attested>, Finding> {
        let mut attested = Vec::new();
        for event in events {
            attested.extend(self.apply(now, event)?);
        }
        match &self.due {
            None => Ok(attested),
            Some(due) => Err(Finding::new(
                Kind::OutOfTurn,
                due.place(),
                due.name(),
                "the end of the message",
            )),
        }
    }

    fn apply(&mut self, now: u64, event: &Event) -> Result<Option<Attested>, Finding> {
        let at = At {
            now,
            clock: self.clock(now),
            place: place_of(event),
        };
        if now < self.now {
            let expected = format!("a time of at least {} ms", self.now);
            return Err(at.finding(Kind::OutOfTurn, expected, format!("{now} ms")));
        }
        self.now = now;
        let due = self.due.take();
        if let Some(due) = due.as_ref().filter(|due| !due.is_met_by(event)) {
            let found = format!("{} behind it", event.name());
            return Err(Finding::new(
                Kind::OutOfTurn,
                due.place(),
                due.name(),
                found,
            ));
        }
        let attested = match event {
            Event::Deployed(_) => {
                return Err(at.finding(Kind::Deployment, "one deployment", "a second one"))
            }
            Event::BatchAccepted(e) => self.batch(&at, e).map(|()| None),
            Event::Entries(e) => self.entries(&at, e, due),
            other => self.other(&at, other, due).map(|()| None),
        }?;
        if !self.ledger.conserves() {
            let ledger = &self.ledger;
            let owed = format!("{} owed or kept", ledger.owed());
            let came = format!("{} received, {} paid", ledger.received, ledger.paid);
            return Err(at.finding(Kind::Ledger, owed, came));
        }
        Ok(attested)
    }

    fn other(&mut self, at: &At, event: &Event, due: Option<Due>) -> Result<(), Finding> {
        let free = match due {
            Some(Due::Free(_, amount)) => Some(amount),
            _ => None,
        };
        match event {
            // Taken above.
            Event::Deployed(_) | Event::BatchAccepted(_) | Event::Entries(_) => Ok(()),
            Event::Registered(e) => self.registered(at, e),
            Event::PayeeAnnounced(e) => self.payee_announced(at, e),
            Event::PayeeCancelled(e) => self.payee_cancelled(at, e),
            Event::OnlySelfSet(e) => {
                self.operator(at, e.operator)?.only_self = e.only_self;
                Ok(())
            }
            Event::Vouched(e) => self.vouched(at, e),
            Event::Revoked(e) => self.revoked(at, e),
            Event::Bonded(e) => self.bonded(at, e),
            Event::Unbonding(e) => self.unbonding(at, e),
            Event::BondPaid(e) => self.bond_paid(at, e, free),
            Event::BondFreed(e) => self.bond_freed(at, e, free),
            Event::Funded(e) => self.funded(at, e),
            Event::Struck(e) => self.struck(at, e),
            Event::EpochSettled(e) => self.epoch_settled(at, e),
            Event::IdleSkipped(e) => self.idle_skipped(at, e),
            Event::Raised(e) => self.raised(at, e),
            Event::EpochClosed(e) => self.epoch_closed(at, e),
            Event::RewardsBooked(e) => self.rewards_booked(at, e),
            Event::Paid(e) => self.paid(at, e),
            Event::PaymentFailed(e) => self.payment_failed(at, e),
            Event::ChangeAnnounced(e) => self.change_announced(at, e),
            Event::ChangeCancelled(e) => self.change_cancelled(at, e),
            Event::SlashExecuted(e) => self.slash_executed(at, e),
            Event::OwnerProposed(e) => self.owner_proposed(at, e),
            Event::OwnerChanged(e) => self.owner_changed(at, e),
            Event::ClockPaused(e) => self.clock_paused(at, e),
            Event::ClockResumed(e) => self.clock_resumed(at, e),
        }
    }

    fn clock(&self, now: u64) -> Clock {
        Clock::at(self.settings.times, &self.pauses, now)
    }

    fn operator(&mut self, at: &At, operator: OperatorIndex) -> Result<&mut Operator, Finding> {
        let count = self.operators.len();
        self.operators.get_mut(operator as usize).ok_or_else(|| {
            let expected = format!("one of {count} operators");
            at.finding(Kind::OutOfTurn, expected, format!("operator {operator}"))
        })
    }

    fn worked(&mut self, at: &At, epoch: Epoch) -> Result<&mut Worked, Finding> {
        self.epochs.get_mut(&epoch).ok_or_else(|| {
            at.finding(
                Kind::OutOfTurn,
                "an epoch with a batch",
                format!("epoch {epoch}, which has none"),
            )
        })
    }

    /// Moves what has vested of an operator's rewards until now to claimable.
    fn release(&mut self, at: &At, operator: OperatorIndex) -> Result<(), Finding> {
        let vesting = self.settings.vesting;
        let account = &mut self.operator(at, operator)?.account;
        let released = account.release(&vesting, at.epoch());
        self.in_ledger(at, |ledger| ledger.vest(released))
    }

    fn in_ledger(
        &mut self,
        at: &At,
        change: impl FnOnce(&mut Ledger) -> Result<(), LedgerError>,
    ) -> Result<(), Finding> {
        change(&mut self.ledger).map_err(|error| at.ledger(&error))
    }
}

impl Due {
    fn is_met_by(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::Entries(_), Event::Entries(_)) => true,
            (Self::Free(who, _), Event::BondPaid(e)) => e.operator == *who,
            (Self::Free(who, _), Event::BondFreed(e)) => e.operator == *who,
            (Self::Vouch(who), Event::Vouched(e)) => e.operator == *who,
            _ => false,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Entries(batch) => {
                format!("Entries of {} bytes in all behind it", batch.bytes())
            }
            Self::Free(_, amount) => format!("BondPaid or BondFreed of {amount} behind it"),
            Self::Vouch(_) => "Vouched behind it".into(),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::Entries(batch) => Place::of("BatchAccepted").batch(batch.id()),
            Self::Free(operator, _) => Place::of("Unbonding").operator(*operator),
            Self::Vouch(operator) => Place::of("BondFreed").operator(*operator),
        }
    }
}

/// What an event is about.
fn place_of(event: &Event) -> Place {
    let place = Place::of(event.name());
    match event {
        Event::Registered(e) => place.operator(e.operator),
        Event::PayeeAnnounced(e) => place.operator(e.operator),
        Event::PayeeCancelled(e) => place.operator(e.operator),
        Event::OnlySelfSet(e) => place.operator(e.operator),
        Event::Vouched(e) => place.operator(e.operator),
        Event::Revoked(e) => place.operator(e.operator),
        Event::Bonded(e) => place.operator(e.operator),
        Event::Unbonding(e) => place.operator(e.operator),
        Event::BondFreed(e) => place.operator(e.operator),
        Event::BondPaid(e) => place.operator(e.operator),
        Event::Paid(e) => place.operator(e.operator),
        Event::PaymentFailed(e) => place.operator(e.operator),
        Event::BatchAccepted(e) => place.batch((e.epoch, e.lane, e.seq)),
        Event::Entries(e) => place.batch((e.epoch, e.lane, e.seq)),
        Event::Struck(e) => place.epoch(e.epoch).operator(e.operator),
        Event::EpochSettled(e) => place.epoch(e.epoch),
        Event::Raised(e) => place.epoch(e.epoch),
        Event::EpochClosed(e) => place.epoch(e.epoch),
        Event::RewardsBooked(e) => place.epoch(e.epoch),
        Event::ChangeAnnounced(e) => place.change(e.id),
        Event::ChangeCancelled(e) => place.change(e.id),
        Event::SlashExecuted(e) => place.change(e.id).operator(e.operator),
        Event::Deployed(_)
        | Event::Funded(_)
        | Event::IdleSkipped(_)
        | Event::OwnerProposed(_)
        | Event::OwnerChanged(_)
        | Event::ClockPaused(_)
        | Event::ClockResumed(_) => place,
    }
}

/// What is known of batches, for receipts.
impl Index {
    /// A batch that the contract has.
    #[must_use]
    pub fn accepted(&self, batch: BatchId) -> Option<&Accepted> {
        self.batches.get(&batch)
    }

    /// All batches that the contract has.
    pub fn all_accepted(&self) -> impl Iterator<Item = (BatchId, &Accepted)> {
        self.batches.iter().map(|(id, batch)| (*id, batch))
    }

    /// Which batch has this root over so many receipts.
    #[must_use]
    pub fn with_root(&self, root: &Hash, receipts: u64) -> Option<BatchId> {
        let wanted = |batch: &Accepted| batch.root == *root && batch.receipts == receipts;
        self.all_accepted()
            .find(|(_, batch)| wanted(batch))
            .map(|(id, _)| id)
    }

    /// Worked epochs, and those of them that are settled.
    #[must_use]
    pub fn epoch_counts(&self) -> (u64, u64) {
        let settled = self.records().filter(|(_, r)| r.settlement.is_some());
        (self.epochs.len() as u64, settled.count() as u64)
    }
}
