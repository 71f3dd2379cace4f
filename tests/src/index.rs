//! The contract's state rebuilt from its events and the times of their blocks alone, as
//! an indexer rebuilds it: no view is asked and no storage is read.

use crate::Event;
use plimsoll_embedded::H160;
use plimsoll_interface::mechanism::account::Account;
use plimsoll_interface::mechanism::bond::{archived_at, Checkpoint, Lookup};
use plimsoll_interface::mechanism::clock::{Clock, Pause, Pauses};
use plimsoll_interface::mechanism::ledger::Ledger;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::record::Record;
use plimsoll_interface::mechanism::reward::Reward;
use plimsoll_interface::mechanism::schedule::Schedule;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::work::{unpack, Credit, Figures, ENTRY_BYTES};
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{
    Announced, Attesters, Change, LedgerView, OperatorView, Roles, Settings, OPEN_POOL,
};
use std::collections::BTreeMap;

/// What a list of events comes to.
#[derive(Clone, Debug)]
pub struct Index {
    settings: Settings,
    params: Schedule<Params>,
    owner: H160,
    proposed: Option<(H160, Epoch)>,
    registrar: Schedule<H160>,
    guardian: Schedule<H160>,
    attesters: Schedule<Attesters>,
    changes: BTreeMap<u32, Announced>,
    pauses: Pauses,
    ledger: Ledger,
    settled_to: Epoch,
    operators: Vec<Operator>,
    epochs: BTreeMap<Epoch, Worked>,
    /// The batch whose entries are still to come.
    batch: Option<Batch>,
}

#[derive(Clone, Debug)]
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

#[derive(Clone, Debug)]
struct Worked {
    record: Record,
    figures: BTreeMap<OperatorIndex, Figures>,
}

#[derive(Clone, Debug)]
struct Batch {
    epoch: Epoch,
    lane: u32,
    entries: usize,
    skipped: Vec<OperatorIndex>,
    packed: Vec<u8>,
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

    fn archive(&mut self, kept: Option<(u32, Checkpoint)>) {
        if let Some((number, checkpoint)) = kept {
            assert_eq!(
                number as usize,
                self.archive.len(),
                "the archive only grows"
            );
            self.archive.push(checkpoint);
        }
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

impl Index {
    /// Begins with the event of the deployment.
    ///
    /// # Panics
    /// If the first event is another one.
    pub fn new(events: &[Event]) -> Self {
        let [Event::Deployed(deployed)] = events else {
            panic!("a contract begins with `Deployed`, not {events:?}");
        };
        Self {
            settings: deployed.settings,
            params: Schedule::new(deployed.params),
            owner: deployed.roles.owner,
            proposed: None,
            registrar: Schedule::new(deployed.roles.registrar),
            guardian: Schedule::new(deployed.roles.guardian),
            attesters: Schedule::new(deployed.attesters.clone()),
            changes: BTreeMap::new(),
            pauses: Pauses::default(),
            ledger: Ledger::default(),
            settled_to: 0,
            operators: Vec::new(),
            epochs: BTreeMap::new(),
            batch: None,
        }
    }

    /// Takes the events of one message in a block of wall time `now` (ms).
    ///
    /// # Panics
    /// If an event does not follow from those before it.
    pub fn take(&mut self, now: u64, events: &[Event]) {
        let mut freed_at_once = false;
        for event in events {
            self.apply(now, event, &mut freed_at_once);
        }
        assert!(
            self.batch.is_none(),
            "a batch's entries come in its message"
        );
    }

    fn clock(&self, now: u64) -> Clock {
        Clock::at(self.settings.times, &self.pauses, now)
    }

    fn operator(&mut self, operator: OperatorIndex) -> &mut Operator {
        &mut self.operators[operator as usize]
    }

    fn worked(&mut self, epoch: Epoch) -> &mut Worked {
        self.epochs.get_mut(&epoch).expect("the epoch had a batch")
    }

    /// Sets what an operator that is not vetted counts as.
    fn refresh(&mut self, operator: OperatorIndex, from: Epoch) {
        let least = self.settings.min_open_bond;
        let operator = self.operator(operator);
        if operator.status(from) != Status::Vetted {
            let open = operator.account.bond.bonded() >= least;
            let status = if open { Status::Open } else { Status::Inactive };
            operator.set_status(status, from);
        }
    }

    fn release(&mut self, operator: OperatorIndex, epoch: Epoch) {
        let vesting = self.settings.vesting;
        let released = self.operator(operator).account.release(&vesting, epoch);
        self.ledger.vest(released).expect("it was unvested");
    }

    /// Whether a bond withdrawn in `epoch` has left.
    fn is_free(&self, clock: &Clock, epoch: Epoch) -> bool {
        let settled_at = match self.epochs.get(&epoch) {
            Some(worked) => worked.record.settlement.map(|s| s.at),
            None => Some(clock.review_end(epoch)),
        };
        let wait = u64::from(self.settings.unbonding_epochs) * self.settings.times.epoch;
        settled_at.is_some_and(|at| clock.elapsed() >= clock.final_at(at) + wait)
    }

    /// Epochs of an operator's withdrawals that have left.
    fn free_withdrawals(&self, clock: &Clock, operator: OperatorIndex) -> Vec<Epoch> {
        let bond = &self.operators[operator as usize].account.bond;
        let epochs = bond.withdrawals().iter().map(|waiting| waiting.epoch);
        epochs.filter(|epoch| self.is_free(clock, *epoch)).collect()
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each event")]
    fn apply(&mut self, now: u64, event: &Event, freed_at_once: &mut bool) {
        const FITS: &str = "the contract counted it";
        let clock = self.clock(now);
        let (epoch, next) = (clock.epoch(), clock.next_epoch());
        let running = clock.started().then_some(epoch);
        match event {
            Event::Deployed(_) => panic!("a contract is deployed once"),
            Event::Registered(e) => {
                assert_eq!(e.operator as usize, self.operators.len(), "dense");
                self.operators.push(Operator {
                    address: e.address,
                    payee: e.payee,
                    pending: None,
                    only_self: false,
                    status: Vec::new(),
                    account: Account::default(),
                    archive: Vec::new(),
                });
            }
            Event::PayeeAnnounced(e) => {
                let operator = self.operator(e.operator);
                operator.payee = operator.payee_at(now);
                operator.pending = Some((e.payee, e.from));
            }
            Event::PayeeCancelled(e) => self.operator(e.operator).pending = None,
            Event::OnlySelfSet(e) => self.operator(e.operator).only_self = e.only_self,
            Event::Vouched(e) => self.operator(e.operator).set_status(Status::Vetted, e.from),
            Event::Revoked(e) => {
                self.operator(e.operator)
                    .set_status(Status::Inactive, e.from);
                self.refresh(e.operator, e.from);
            }
            Event::Bonded(e) => {
                self.ledger.bond(e.amount).expect(FITS);
                let operator = self.operator(e.operator);
                let kept = operator.account.bond.deposit(e.amount, e.from).expect(FITS);
                operator.archive(kept);
                self.refresh(e.operator, e.from);
            }
            Event::Unbonding(e) => {
                let operator = self.operator(e.operator);
                let withdrawal = operator
                    .account
                    .bond
                    .withdraw(e.amount, clock.started(), e.epoch, next)
                    .expect(FITS);
                assert_eq!(withdrawal.free, e.free, "what is free at once");
                operator.archive(withdrawal.archive);
                self.refresh(e.operator, next);
                *freed_at_once = e.free > 0;
            }
            Event::BondPaid(e) => {
                if !*freed_at_once {
                    let free = self.free_withdrawals(&clock, e.operator);
                    let bond = &mut self.operator(e.operator).account.bond;
                    let left = bond.release(|epoch| free.contains(&epoch));
                    assert_eq!(left, e.amount, "what has left is paid");
                }
                self.ledger.unbond(e.amount).expect(FITS);
            }
            Event::BondFreed(e) => {
                self.operator(e.operator).account.add_claimable(e.amount);
                self.ledger.free_bond(e.amount).expect(FITS);
            }
            Event::Funded(e) => {
                self.ledger.receive(e.amount).expect(FITS);
                self.ledger.enter(e.amount, running).expect(FITS);
            }
            Event::BatchAccepted(e) => {
                self.batch = Some(Batch {
                    epoch: e.epoch,
                    lane: e.lane,
                    entries: e.credited as usize + e.skipped.len(),
                    skipped: e.skipped.clone(),
                    packed: Vec::new(),
                });
            }
            Event::Entries(e) => {
                let batch = self.batch.as_mut().expect("entries follow their batch");
                batch.packed.extend(&e.packed);
                if batch.packed.len() == batch.entries * ENTRY_BYTES {
                    let batch = self.batch.take().expect("just seen");
                    self.credit(epoch, &batch);
                }
            }
            Event::Struck(e) => {
                let worked = self.worked(e.epoch);
                let figures = worked.figures.remove(&e.operator).expect(FITS);
                assert_eq!(figures.work(), e.work);
                worked.record.strike(&figures).expect(FITS);
            }
            Event::EpochSettled(e) => {
                let emitted = self.ledger.emitted;
                let record = &mut self.worked(e.epoch).record;
                assert_eq!(record.budget(emitted), e.budget, "the budget");
                assert_eq!((record.vetted, record.open), (e.vetted, e.open));
                record.settle(e.budget, e.at);
                self.ledger.emit(e.budget).expect(FITS);
                self.settled_to = e.epoch + 1;
            }
            Event::IdleSkipped(e) => self.settled_to = e.to,
            Event::Raised(e) => {
                let worked = self.worked(e.epoch);
                for operator in &e.operators {
                    let raised = if *operator == OPEN_POOL {
                        worked.record.raise_open()
                    } else {
                        let figures = worked.figures.get_mut(operator).expect(FITS);
                        figures.raised = true;
                        worked.record.raise(figures.work())
                    };
                    assert!(raised, "{operator} is eligible");
                }
                let level = worked.record.settlement.map(|s| s.level);
                assert_eq!(level, Some(e.level), "the level");
            }
            Event::EpochClosed(e) => {
                let leftover = self.worked(e.epoch).record.close();
                assert_eq!(leftover, e.leftover, "what returns");
                self.ledger.leftover(leftover, epoch).expect(FITS);
            }
            Event::RewardsBooked(e) => {
                for (operator, amount, liquid, returned) in e.rewards.iter().copied() {
                    let reward = Reward {
                        amount,
                        liquid,
                        returned,
                    };
                    let worked = self.worked(e.epoch);
                    worked.figures.remove(&operator).expect("it had work");
                    worked.record.book(&reward).expect(FITS);
                    self.release(operator, epoch);
                    let vesting = self.settings.vesting;
                    let account = &mut self.operator(operator).account;
                    let arrears = account.book(&vesting, e.epoch, &reward, epoch);
                    self.ledger.book(liquid, amount - liquid).expect(FITS);
                    self.ledger.vest(arrears).expect(FITS);
                    self.ledger.leftover(returned, epoch).expect(FITS);
                }
            }
            Event::Paid(e) => {
                self.release(e.operator, epoch);
                let operator = self.operator(e.operator);
                assert_eq!(operator.payee_at(now), e.payee, "to the payee");
                assert_eq!(operator.account.claim(), e.amount, "all that is claimable");
                self.ledger.claim(e.amount).expect(FITS);
            }
            Event::PaymentFailed(e) => self.release(e.operator, epoch),
            Event::ChangeAnnounced(e) => {
                let (from, change) = (e.from, e.change.clone());
                match change.clone() {
                    Change::Params(params) => self.params.announce(params, from, epoch),
                    Change::Registrar(who) => self.registrar.announce(who, from, epoch),
                    Change::Guardian(who) => self.guardian.announce(who, from, epoch),
                    Change::Attesters(who) => self.attesters.announce(who, from, epoch),
                    Change::Slash { .. } => {}
                }
                self.changes.insert(e.id, Announced { change, from });
            }
            Event::ChangeCancelled(e) => {
                let cancelled = self.changes.remove(&e.id).expect("it was announced");
                let _ = match cancelled.change {
                    Change::Params(_) => self.params.withdraw(epoch),
                    Change::Registrar(_) => self.registrar.withdraw(epoch),
                    Change::Guardian(_) => self.guardian.withdraw(epoch),
                    Change::Attesters(_) => self.attesters.withdraw(epoch),
                    Change::Slash { .. } => true,
                };
            }
            Event::SlashExecuted(e) => {
                self.changes.remove(&e.id);
                self.release(e.operator, epoch);
                let free = self.free_withdrawals(&clock, e.operator);
                let vesting = self.settings.vesting;
                let operator = self.operator(e.operator);
                let bond = &mut operator.account.bond;
                let (taken, kept) = bond.slash(e.bond, next, |epoch| free.contains(&epoch));
                assert_eq!(taken, e.bond, "the bond has it");
                operator.archive(kept);
                let taken = operator.account.ring.slash(&vesting, e.unvested);
                assert_eq!(taken, e.unvested, "it is unvested");
                self.refresh(e.operator, next);
                self.ledger.slash(e.bond, e.unvested, running).expect(FITS);
            }
            Event::OwnerProposed(e) => self.proposed = Some((e.owner, e.from)),
            Event::OwnerChanged(e) => {
                self.owner = e.owner;
                self.proposed = None;
            }
            Event::ClockPaused(e) => {
                self.pauses.before = self.pauses.total(e.at);
                self.pauses.newest = Some(Pause {
                    start: e.at,
                    end: e.until,
                });
            }
            Event::ClockResumed(e) => {
                self.pauses.newest.as_mut().expect("it was stopped").end = e.at;
            }
        }
    }

    fn credit(&mut self, now: Epoch, batch: &Batch) {
        let entered = self.ledger.entered_before(batch.epoch, now);
        let (params, lanes) = (*self.params.at(batch.epoch), self.settings.lanes);
        let worked = self.epochs.entry(batch.epoch).or_insert_with(|| Worked {
            record: Record::new(params, entered.expect("a recent epoch"), lanes),
            figures: BTreeMap::new(),
        });
        let mut credit = Credit::default();
        for entry in unpack(&batch.packed).expect("whole entries in order") {
            let nothing = (entry.fragment, entry.bulk, entry.fees) == (0, 0, 0);
            if nothing || batch.skipped.contains(&entry.operator) {
                continue;
            }
            let operator = &self.operators[entry.operator as usize];
            let vetted = operator.status(batch.epoch) == Status::Vetted;
            let figures = worked.figures.entry(entry.operator).or_default();
            figures.fragment += entry.fragment;
            figures.bulk += entry.bulk;
            figures.fees += entry.fees;
            figures.vetted = vetted;
            let total = if vetted {
                &mut credit.vetted
            } else {
                &mut credit.open
            };
            total.fragment += u128::from(entry.fragment);
            total.bulk += u128::from(entry.bulk);
        }
        worked
            .record
            .add(batch.lane, &credit)
            .expect("the contract counted it");
    }
}

/// What the contract's views show.
impl Index {
    /// The terms of G1 at wall time `now` (ms).
    pub fn ledger(&self, now: u64) -> LedgerView {
        let epoch = self.clock(now).epoch();
        let ledger = &self.ledger;
        LedgerView {
            reserve: ledger.reserve(epoch),
            inflows: ledger.inflows(epoch),
            pots: ledger.pots,
            unvested: ledger.unvested,
            claimable: ledger.claimable,
            bonds: ledger.bonds,
            received: ledger.received,
            paid: ledger.paid,
        }
    }

    /// An operator at wall time `now` (ms).
    pub fn operator_view(&self, now: u64, index: OperatorIndex) -> OperatorView {
        let clock = self.clock(now);
        let epoch = clock.epoch();
        let mut operator = self.operators[index as usize].clone();
        operator.account.release(&self.settings.vesting, epoch);
        OperatorView {
            address: operator.address,
            payee: operator.payee_at(now),
            pending_payee: operator.pending.filter(|(_, from)| now < *from),
            only_self: operator.only_self,
            status: operator.status(epoch),
            next_status: operator.status(clock.next_epoch()),
            claimable: operator.account.claimable,
            unvested: operator.account.ring.unvested(&self.settings.vesting),
            vesting: operator.account.ring.slots().collect(),
            bonded: operator.account.bond.bonded(),
            bond: operator.bond_at(epoch),
            unbonding: operator.account.bond.withdrawals().to_vec(),
        }
    }

    /// How many operators there are.
    pub fn operators(&self) -> u32 {
        self.operators.len() as u32
    }

    /// The records of all worked epochs.
    pub fn records(&self) -> impl Iterator<Item = (Epoch, &Record)> {
        self.epochs.iter().map(|(epoch, w)| (*epoch, &w.record))
    }

    /// What an operator has to book for an epoch.
    pub fn figures(&self, epoch: Epoch, operator: OperatorIndex) -> Figures {
        let worked = self.epochs.get(&epoch);
        let figures = worked.and_then(|worked| worked.figures.get(&operator));
        figures.copied().unwrap_or_default()
    }

    /// The parameters of `epoch`.
    pub fn params(&self, epoch: Epoch) -> Params {
        *self.params.at(epoch)
    }

    /// The attesters of `epoch`.
    pub fn attesters(&self, epoch: Epoch) -> Attesters {
        self.attesters.at(epoch).clone()
    }

    /// Who has which role at wall time `now` (ms), and who may become the owner.
    pub fn roles(&self, now: u64) -> (Roles, Option<(H160, Epoch)>) {
        let epoch = self.clock(now).epoch();
        let roles = Roles {
            owner: self.owner,
            registrar: *self.registrar.at(epoch),
            guardian: *self.guardian.at(epoch),
        };
        (roles, self.proposed)
    }

    /// Clock time at wall time `now` (ms), whether it stands, and every worked epoch
    /// below what is settled.
    pub fn time(&self, now: u64) -> (u64, bool, Epoch) {
        let clock = self.clock(now);
        (clock.elapsed(), clock.stopped(), self.settled_to)
    }

    /// Announced changes that were neither cancelled nor executed.
    pub fn changes(&self) -> impl Iterator<Item = (u32, &Announced)> {
        self.changes.iter().map(|(id, change)| (*id, change))
    }
}
