//! What the contract should hold and answer: plain books without packing, rings,
//! checkpoints or cached totals. The division of a budget is the mechanism crate's,
//! which its own tests compare with exact fractions.

use crate::history::History;
use crate::step::{Payee, Set, Who, REGISTERED};
use crate::token::{Holder, Token};
use alloy_primitives::U256;
use parity_scale_codec::Encode;
use plimsoll_interface::mechanism::bond::Unbonding;
use plimsoll_interface::mechanism::level::Level;
use plimsoll_interface::mechanism::math::PPM;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::mechanism::record::Division;
use plimsoll_interface::mechanism::reward::{self, Reward};
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::work::{Entry, FEES_LIMIT, WORK_LIMIT};
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{
    Announced, Booked, Change, Claimed, Credited, Error, LedgerView, Settings, Settled, OPEN_POOL,
};
use std::collections::{BTreeMap, BTreeSet};

/// The answer of a message in SCALE, or why it is refused.
pub type Answer = Result<Vec<u8>, Error>;

/// What a batch's signatures come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    Well,
    Badly(Error),
    /// Over something else: they recover to strangers or to nobody.
    ForSomethingElse,
}

/// Budgets are below 2^96.
const MAX_BUDGET: u128 = (1 << 96) - 1;

/// Epochs in a page of those that were worked, and pages that one settlement searches.
const EPOCHS_PER_PAGE: Epoch = 2_048;
const SEARCHED_PAGES: Epoch = 64;

#[derive(Clone, Debug)]
pub struct Operator {
    pub payee: Payee,
    pub pending: Option<(Payee, u64)>,
    pub only_self: bool,
    pub status: History<Status>,
    pub bond: History<u128>,
    pub unbonding: Vec<Unbonding>,
    /// What still vests, by vesting period.
    pub vesting: BTreeMap<u32, u128>,
    released_to: Epoch,
    pub claimable: u128,
}

#[derive(Clone, Debug)]
struct Settlement {
    at: u64,
    budget: u128,
    vetted: Work,
    open: Work,
    level: Level,
    raised: BTreeSet<OperatorIndex>,
    open_raised: bool,
    closed: bool,
    pot: u128,
}

/// One operator's part of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub fragment: u64,
    pub bulk: u64,
    pub fees: u64,
    pub vetted: bool,
}

#[derive(Clone, Debug)]
pub struct Worked {
    params: Params,
    entered_before: u128,
    pub seqs: Vec<u64>,
    /// What is not booked and was not struck.
    pub shares: BTreeMap<OperatorIndex, Share>,
    settlement: Option<Settlement>,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub settings: Settings,
    /// Wall time in ms, whole seconds.
    pub now: u64,
    pub pauses: Vec<(u64, u64)>,
    pub operators: Vec<Operator>,
    pub epochs: BTreeMap<Epoch, Worked>,
    params: History<Params>,
    pub registrar: History<Who>,
    pub guardian: History<Who>,
    pub attesters: History<Set>,
    pub owner: Who,
    proposed: Option<(Who, Epoch)>,
    vouches: (Epoch, u32),
    pub changes: BTreeMap<u32, (Announced, Plan)>,
    announced: [Option<u32>; 4],
    pub next_change: u32,
    /// What entered the reserve, and in which epoch (none: before genesis).
    entered: Vec<(Option<Epoch>, u128)>,
    emitted: u128,
    /// Every worked epoch below this is settled.
    settled_to: Epoch,
    unvested: u128,
    received: u128,
    paid: u128,
    pub token: Token,
}

/// A change in the model's terms.
#[derive(Clone, Debug)]
pub enum Plan {
    Params(Params),
    Registrar(Who),
    Guardian(Who),
    Attesters(Set),
    /// Attesters that nobody may announce.
    InvalidAttesters,
    Slash(OperatorIndex, u128),
}

fn work(share: &Share) -> Work {
    Work {
        fragment: u128::from(share.fragment),
        bulk: u128::from(share.bulk),
    }
}

impl Worked {
    /// All work of a tier.
    pub fn total(&self, vetted: bool) -> Work {
        if let Some(settlement) = &self.settlement {
            return if vetted {
                settlement.vetted
            } else {
                settlement.open
            };
        }
        self.shares
            .values()
            .filter(|share| share.vetted == vetted)
            .fold(Work::default(), |sum, share| {
                sum.checked_add(&work(share)).expect("small")
            })
    }

    fn division(&self, settlement: &Settlement) -> Division {
        Division::new(
            &self.params,
            settlement.budget,
            settlement.vetted,
            settlement.open,
        )
    }

    /// What the pot sets aside for the open pool, and what of it the pool gets.
    fn open_pool(&self, settlement: &Settlement) -> (u128, u128) {
        let division = self.division(settlement);
        let ceiling = division.open_ceiling;
        if settlement.open_raised {
            (ceiling, ceiling)
        } else if ceiling == 0 {
            (0, 0)
        } else {
            let set_aside = settlement
                .level
                .set_aside(division.open_weight, self.params.uplift);
            (set_aside, set_aside.min(ceiling))
        }
    }

    /// The reward of `operator` at the level as it stands.
    pub fn reward(&self, operator: OperatorIndex, bond: u128, fee_unit: u128) -> Option<Reward> {
        let settlement = self.settlement.as_ref()?;
        let share = self.shares.get(&operator)?;
        let division = self.division(settlement);
        let weight = division.pools.entitlement(work(share));
        let fees = u128::from(share.fees) * fee_unit;
        let params = &self.params;
        Some(if share.vetted {
            let cap = division.operator_cap;
            let set_aside = if settlement.raised.contains(&operator) {
                cap
            } else if cap == 0 {
                0
            } else {
                settlement.level.set_aside(weight, params.uplift)
            };
            reward::vetted(params, set_aside, cap, fees)
        } else {
            let pool = self.open_pool(settlement).1;
            reward::open(params, weight, division.open_weight, pool, bond, fees)
        })
    }

    /// Whether it is settled and what nobody gets has not returned.
    pub fn is_open(&self) -> bool {
        self.settlement.as_ref().is_some_and(|s| !s.closed)
    }

    /// What is left of the budget to be booked; `None` before the settlement.
    pub fn pot(&self) -> Option<u128> {
        self.settlement.as_ref().map(|settlement| settlement.pot)
    }
}

/// The clock.
impl Model {
    pub fn started(&self) -> bool {
        self.now >= self.settings.times.genesis
    }

    pub fn stopped(&self) -> bool {
        self.pauses
            .iter()
            .any(|(start, end)| (*start..*end).contains(&self.now))
    }

    pub fn elapsed(&self) -> u64 {
        let paused: u64 = self
            .pauses
            .iter()
            .map(|(start, end)| end.min(&self.now) - start)
            .sum();
        self.now
            .checked_sub(self.settings.times.genesis)
            .map_or(0, |wall| wall - paused)
    }

    pub fn epoch(&self) -> Epoch {
        u32::try_from(self.elapsed() / self.settings.times.epoch).expect("few epochs")
    }

    pub fn next_epoch(&self) -> Epoch {
        if self.started() {
            self.epoch() + 1
        } else {
            0
        }
    }

    fn running(&self) -> Option<Epoch> {
        self.started().then(|| self.epoch())
    }

    /// The first epoch that begins after the timelock.
    fn after_timelock(&self) -> Epoch {
        let at = self.elapsed() + self.settings.timelock;
        let epoch = u32::try_from(at.div_ceil(self.settings.times.epoch)).expect("few epochs");
        epoch.max(self.next_epoch())
    }

    pub fn attest_end(&self, epoch: Epoch) -> u64 {
        (u64::from(epoch) + 1) * self.settings.times.epoch + self.settings.times.attest_window
    }

    pub fn review_end(&self, epoch: Epoch) -> u64 {
        self.attest_end(epoch) + self.settings.times.review_window
    }

    fn final_at(&self, settled_at: u64) -> u64 {
        settled_at + self.settings.times.level_window
    }
}

/// The books.
impl Model {
    pub fn new(settings: Settings, params: Params, now: u64, bank: u128) -> Self {
        let operators = (0..REGISTERED)
            .map(|operator| Operator {
                payee: Payee::Somebody(Who::Operator(operator)),
                pending: None,
                only_self: false,
                status: History::new(Status::Inactive),
                bond: History::new(0),
                unbonding: Vec::new(),
                vesting: BTreeMap::new(),
                released_to: 0,
                claimable: 0,
            })
            .collect();
        Self {
            settings,
            now,
            pauses: Vec::new(),
            operators,
            epochs: BTreeMap::new(),
            params: History::new(params),
            registrar: History::new(Who::Registrar),
            guardian: History::new(Who::Guardian),
            attesters: History::new(0),
            owner: Who::Owner,
            proposed: None,
            vouches: (0, 0),
            changes: BTreeMap::new(),
            announced: [None; 4],
            next_change: 0,
            entered: Vec::new(),
            emitted: 0,
            settled_to: 0,
            unvested: 0,
            received: 0,
            paid: 0,
            token: Token::new(bank),
        }
    }

    /// How many were vouched for in the current epoch.
    pub fn vouches(&self) -> u32 {
        let (epoch, count) = self.vouches;
        if epoch == self.epoch() {
            count
        } else {
            0
        }
    }

    fn entered(&self) -> u128 {
        self.entered.iter().map(|(_, amount)| amount).sum()
    }

    /// What entered before `epoch` began.
    fn entered_before(&self, epoch: Epoch) -> u128 {
        self.entered
            .iter()
            .filter(|(since, _)| since.is_none_or(|since| since < epoch))
            .map(|(_, amount)| amount)
            .sum()
    }

    pub fn ledger(&self) -> LedgerView {
        let inflows: u128 = self
            .entered
            .iter()
            .filter(|(since, _)| *since == Some(self.epoch()))
            .map(|(_, amount)| amount)
            .sum();
        let bonds = self.operators.iter().map(|operator| {
            let leaving: u128 = operator.unbonding.iter().map(|u| u.amount).sum();
            operator.bond.last() + leaving
        });
        LedgerView {
            reserve: self.entered() - self.emitted - inflows,
            inflows,
            pots: self.epochs.values().filter_map(Worked::pot).sum(),
            unvested: self.unvested,
            claimable: self.operators.iter().map(|o| o.claimable).sum(),
            bonds: bonds.sum(),
            received: self.received,
            paid: self.paid,
        }
    }

    fn operator(&mut self, operator: OperatorIndex) -> Result<&mut Operator, Error> {
        self.operators
            .get_mut(operator as usize)
            .ok_or(Error::UnknownOperator(operator))
    }

    fn own(&mut self, from: Who, operator: OperatorIndex) -> Result<&mut Operator, Error> {
        let own = self.operator(operator)?;
        if from == Who::Operator(operator) {
            Ok(own)
        } else {
            Err(Error::NotAllowed)
        }
    }

    pub fn payee(&self, operator: OperatorIndex) -> Payee {
        let operator = &self.operators[operator as usize];
        match operator.pending {
            Some((payee, from)) if self.now >= from => payee,
            _ => operator.payee,
        }
    }

    /// Takes tokens from whoever has them and has allowed it.
    fn take(&mut self, from: Who, amount: u128) -> Result<(), Error> {
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        let before = self.balance()?;
        let allowed = from != Who::Stranger;
        let from = Holder::Somebody(from);
        if !allowed || !self.token.transfer(from, Holder::Contract, amount) {
            return Err(Error::TransferFailed);
        }
        if self.balance()?.checked_sub(before) != Some(U256::from(amount)) {
            return Err(Error::TokenTaxes);
        }
        // No more than can be counted, whatever the token's supply is.
        let received = self.received.checked_add(amount);
        self.received = received.ok_or(Error::Overflow)?;
        Ok(())
    }

    /// What the token says that the contract holds.
    fn balance(&self) -> Result<U256, Error> {
        self.token
            .balance(Holder::Contract)
            .ok_or(Error::TransferFailed)
    }

    fn transfer(&mut self, payee: Payee, amount: u128) -> bool {
        let to = match payee {
            Payee::Somebody(who) => Holder::Somebody(who),
            Payee::Contract => Holder::Contract,
            Payee::Nobody => unreachable!("nobody is never a payee"),
        };
        self.token.transfer(Holder::Contract, to, amount)
    }

    /// Pays a single payee.
    fn pay(&mut self, payee: Payee, amount: u128) -> Result<(), Error> {
        let before = self.balance()?;
        if !self.transfer(payee, amount) {
            return Err(Error::TransferFailed);
        }
        if before.checked_sub(self.balance()?) != Some(U256::from(amount)) {
            return Err(Error::TokenTaxes);
        }
        self.paid += amount;
        Ok(())
    }

    /// An operator counts as open while its bond is large enough, unless it is vetted.
    fn refresh(&mut self, operator: OperatorIndex) {
        let (from, smallest) = (self.next_epoch(), self.settings.min_open_bond);
        let operator = &mut self.operators[operator as usize];
        if operator.status.at(from) != Status::Vetted {
            let open = operator.bond.last() >= smallest;
            let status = if open { Status::Open } else { Status::Inactive };
            operator.status.set(from, status);
        }
    }

    /// `amount * clamp(t - end, 0, V) / V`.
    fn vested(&self, amount: u128, period: u32, now: Epoch) -> u128 {
        let vesting = self.settings.vesting;
        let length = vesting.period_epochs * u32::from(vesting.vesting_periods);
        let end = (period + 1) * vesting.period_epochs;
        let passed = now.saturating_sub(end).min(length);
        amount * u128::from(passed) / u128::from(length)
    }

    /// What of an operator's vesting rewards has vested since it was last looked at.
    fn arrears(&self, operator: &Operator) -> u128 {
        let now = self.epoch().max(operator.released_to);
        operator
            .vesting
            .iter()
            .map(|(period, amount)| {
                self.vested(*amount, *period, now)
                    - self.vested(*amount, *period, operator.released_to)
            })
            .sum()
    }

    fn release(&mut self, operator: OperatorIndex) {
        let released = self.arrears(&self.operators[operator as usize]);
        let now = self.epoch();
        let operator = &mut self.operators[operator as usize];
        operator.claimable += released;
        operator.released_to = operator.released_to.max(now);
        self.unvested -= released;
    }

    /// What an operator could claim now, and what is still to vest.
    pub fn due(&self, operator: OperatorIndex) -> (u128, u128) {
        let operator = &self.operators[operator as usize];
        let now = self.epoch().max(operator.released_to);
        let unvested = operator
            .vesting
            .iter()
            .map(|(period, amount)| amount - self.vested(*amount, *period, now))
            .sum();
        (operator.claimable + self.arrears(operator), unvested)
    }
}

/// Messages. Each changes the model half-way when it is refused: the caller goes back.
impl Model {
    pub fn fund(&mut self, from: Who, amount: u128) -> Answer {
        self.take(from, amount)?;
        self.entered.push((self.running(), amount));
        Ok(().encode())
    }

    pub fn set_payee(&mut self, from: Who, operator: OperatorIndex, payee: Payee) -> Answer {
        if payee == Payee::Nobody {
            return Err(Error::ZeroAddress);
        }
        let counts = self.now + self.settings.payee_delay;
        self.own(from, operator)?;
        let current = self.payee(operator);
        let own = self.own(from, operator)?;
        own.payee = current;
        own.pending = Some((payee, counts));
        Ok(().encode())
    }

    pub fn cancel_payee(&mut self, from: Who, operator: OperatorIndex) -> Answer {
        self.operator(operator)?;
        let payee = self.payee(operator);
        if from != Who::Operator(operator) && payee != Payee::Somebody(from) {
            return Err(Error::NotAllowed);
        }
        let own = self.operator(operator)?;
        if own.pending.is_none() || payee != own.payee {
            return Err(Error::NoPendingPayee);
        }
        own.pending = None;
        Ok(().encode())
    }

    pub fn set_only_self(&mut self, from: Who, operator: OperatorIndex, only: bool) -> Answer {
        self.own(from, operator)?.only_self = only;
        Ok(().encode())
    }

    pub fn bond(&mut self, from: Who, operator: OperatorIndex, amount: u128) -> Answer {
        self.operator(operator)?;
        self.take(from, amount)?;
        let next = self.next_epoch();
        let content = self.operator(operator)?;
        let sum = content.bond.last() + amount;
        content.bond.set(next, sum);
        self.refresh(operator);
        Ok(().encode())
    }

    /// Puts bond on its way out; at most three epochs' at once.
    fn leave(operator: &mut Operator, amount: u128, epoch: Epoch) -> Result<(), Error> {
        if amount == 0 {
            return Ok(());
        }
        if let Some(same) = operator.unbonding.iter_mut().find(|u| u.epoch == epoch) {
            same.amount += amount;
        } else if operator.unbonding.len() < 3 {
            operator.unbonding.push(Unbonding { epoch, amount });
        } else {
            return Err(Error::TooManyWithdrawals);
        }
        Ok(())
    }

    /// What of a bond does not back the current epoch: all of it but what stood at the
    /// epoch's start and was not withdrawn since.
    fn not_counting(operator: &Operator, epoch: Epoch) -> u128 {
        let withdrawn: u128 = operator
            .unbonding
            .iter()
            .filter(|u| u.epoch == epoch)
            .map(|u| u.amount)
            .sum();
        let backing = operator.bond.at(epoch).saturating_sub(withdrawn);
        operator.bond.last().saturating_sub(backing)
    }

    pub fn unbond(&mut self, from: Who, operator: OperatorIndex, amount: u128) -> Answer {
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        let (started, epoch, next) = (self.started(), self.epoch(), self.next_epoch());
        let own = self.own(from, operator)?;
        let bonded = own.bond.last();
        let rest = bonded.checked_sub(amount).ok_or(Error::BondTooSmall)?;
        let free = if started {
            amount.min(Self::not_counting(own, epoch))
        } else {
            amount
        };
        Self::leave(own, amount - free, epoch)?;
        own.bond.set(next, rest);
        self.refresh(operator);
        if free > 0 {
            self.pay(self.payee(operator), free)?;
        }
        Ok(free.encode())
    }

    /// Whether a bond withdrawn in `epoch` has left: that epoch is final long enough.
    fn is_free(&self, epoch: Epoch) -> bool {
        let wait = u64::from(self.settings.unbonding_epochs) * self.settings.times.epoch;
        let settled_at = match self.epochs.get(&epoch) {
            None => Some(self.review_end(epoch)),
            Some(worked) => worked.settlement.as_ref().map(|s| s.at),
        };
        settled_at.is_some_and(|at| self.elapsed() >= self.final_at(at) + wait)
    }

    pub fn withdraw_bond(&mut self, operator: OperatorIndex) -> Answer {
        self.operator(operator)?;
        let (free, waiting): (Vec<Unbonding>, Vec<Unbonding>) = self.operators[operator as usize]
            .unbonding
            .iter()
            .copied()
            .partition(|unbonding| self.is_free(unbonding.epoch));
        let amount: u128 = free.iter().map(|unbonding| unbonding.amount).sum();
        if amount == 0 {
            return Err(Error::NothingDue);
        }
        self.operators[operator as usize].unbonding = waiting;
        self.pay(self.payee(operator), amount)?;
        Ok(amount.encode())
    }

    pub fn vouch(&mut self, from: Who, operators: &[OperatorIndex]) -> Answer {
        let (started, epoch, next) = (self.started(), self.epoch(), self.next_epoch());
        if from != self.registrar.at(epoch) {
            return Err(Error::NotAllowed);
        }
        let count = self.vouches() + operators.len() as u32;
        if count > self.settings.max_vouches {
            return Err(Error::TooManyVouches);
        }
        self.vouches = (epoch, count);
        for operator in operators.iter().copied() {
            let content = self.operator(operator)?;
            if content.status.at(next) == Status::Vetted {
                return Err(Error::Tier);
            }
            let bonded = content.bond.last();
            if bonded > 0 {
                let free = if started {
                    Self::not_counting(content, epoch)
                } else {
                    bonded
                };
                // Where three are on their way, the rest stays bonded.
                let waits = Self::leave(content, bonded - free, epoch).is_ok();
                content
                    .bond
                    .set(next, if waits { 0 } else { bonded - free });
                content.claimable += free;
            }
            content.status.set(next, Status::Vetted);
        }
        Ok(().encode())
    }

    pub fn revoke(&mut self, from: Who, operator: OperatorIndex) -> Answer {
        let next = self.next_epoch();
        if from != self.registrar.at(self.epoch()) {
            return Err(Error::NotAllowed);
        }
        let content = self.operator(operator)?;
        if content.status.at(next) != Status::Vetted {
            return Err(Error::Tier);
        }
        content.status.set(next, Status::Inactive);
        self.refresh(operator);
        Ok(().encode())
    }

    pub fn attest(
        &mut self,
        (epoch, lane, seq): (Epoch, u32, u64),
        entries: &[Entry],
        signed: Signed,
    ) -> Answer {
        let takes_work = self.started()
            && !self.stopped()
            && epoch <= self.epoch()
            && self.elapsed() < self.attest_end(epoch);
        if !takes_work {
            return Err(Error::EpochClosed);
        }
        let fresh = Worked {
            params: self.params.at(epoch),
            entered_before: self.entered_before(epoch),
            seqs: vec![0; self.settings.lanes as usize],
            shares: BTreeMap::new(),
            settlement: None,
        };
        let worked = self.epochs.entry(epoch).or_insert(fresh);
        let next = worked
            .seqs
            .get_mut(lane as usize)
            .ok_or(Error::UnknownLane)?;
        if seq != *next {
            return Err(Error::WrongSeq(*next));
        }
        *next += 1;
        let mut last = None;
        let mut credited = Credited {
            credited: 0,
            skipped: 0,
        };
        for entry in entries {
            if last.is_some_and(|last| entry.operator <= last) {
                return Err(Error::EntryOrder(entry.operator));
            }
            last = Some(entry.operator);
            let status = self
                .operators
                .get(entry.operator as usize)
                .map_or(Status::Inactive, |operator| operator.status.at(epoch));
            if status == Status::Inactive {
                credited.skipped += 1;
                continue;
            }
            credited.credited += 1;
            if (entry.fragment, entry.bulk, entry.fees) == (0, 0, 0) {
                continue;
            }
            let share = worked.shares.entry(entry.operator).or_default();
            share.fragment += entry.fragment;
            share.bulk += entry.bulk;
            share.fees += entry.fees;
            share.vetted = status == Status::Vetted;
            if share.fragment >= WORK_LIMIT || share.bulk >= WORK_LIMIT || share.fees >= FEES_LIMIT
            {
                return Err(Error::EntryOverflow(entry.operator));
            }
        }
        match signed {
            Signed::Well => Ok(credited.encode()),
            Signed::Badly(error) => Err(error),
            Signed::ForSomethingElse => Err(Error::UnknownAttester(0)),
        }
    }

    pub fn strike(&mut self, from: Who, epoch: Epoch, operator: OperatorIndex) -> Answer {
        if from != self.guardian.at(self.epoch()) {
            return Err(Error::NotAllowed);
        }
        let window = self.attest_end(epoch)..self.review_end(epoch);
        if !self.started() || !window.contains(&self.elapsed()) {
            return Err(Error::NotInReview);
        }
        let worked = self.epochs.get_mut(&epoch).ok_or(Error::NoWork)?;
        worked.shares.remove(&operator).ok_or(Error::NoWork)?;
        Ok(().encode())
    }

    pub fn settle(&mut self) -> Answer {
        let (elapsed, emitted, now) = (self.elapsed(), self.emitted, self.epoch());
        let ready = self.started() && !self.stopped();
        // One call searches whole pages of epochs, and so many of them.
        let searched = (self.settled_to / EPOCHS_PER_PAGE + SEARCHED_PAGES) * EPOCHS_PER_PAGE;
        let next = self
            .epochs
            .iter()
            .find(|(_, worked)| worked.settlement.is_none())
            .map(|(epoch, _)| *epoch)
            .filter(|epoch| *epoch < searched);
        if next.is_none() && ready && now >= searched {
            self.settled_to = searched.min(now - 1);
            let epoch = self.settled_to - 1;
            return Ok(Settled { epoch, budget: 0 }.encode());
        }
        let epoch = next
            .filter(|epoch| ready && elapsed >= self.review_end(*epoch))
            .ok_or(Error::NothingToSettle)?;
        let worked = self.epochs.get_mut(&epoch).expect("just found");
        let (vetted, open) = (worked.total(true), worked.total(false));
        let total = vetted.fragment + vetted.bulk + open.fragment + open.bulk;
        let params = worked.params;
        let reserve = U256::from(worked.entered_before - emitted);
        let by_rate: u128 = (reserve * U256::from(params.rate) / U256::from(PPM)).to();
        let by_work = params
            .unit_ceiling
            .and_then(|ceiling| total.checked_mul(ceiling))
            .map_or(u128::MAX, |product| product / u128::from(PPM));
        let budget = if total == 0 {
            0
        } else {
            by_rate.min(by_work).min(MAX_BUDGET)
        };
        let level = Division::new(&params, budget, vetted, open).level(budget);
        worked.settlement = Some(Settlement {
            at: elapsed,
            budget,
            vetted,
            open,
            level,
            raised: BTreeSet::new(),
            open_raised: false,
            closed: false,
            pot: budget,
        });
        self.emitted += budget;
        self.settled_to = epoch + 1;
        Ok(Settled { epoch, budget }.encode())
    }

    pub fn raise(&mut self, epoch: Epoch, operators: &[OperatorIndex]) -> Answer {
        let settled_at = self
            .epochs
            .get(&epoch)
            .and_then(|worked| worked.settlement.as_ref())
            .ok_or(Error::NotSettled)?
            .at;
        if self.elapsed() >= self.final_at(settled_at) {
            return Err(Error::LevelFinal);
        }
        let worked = self.epochs.get_mut(&epoch).expect("just found");
        let mut settlement = worked.settlement.clone().expect("just found");
        let division = worked.division(&settlement);
        let uplift = worked.params.uplift;
        let mut count = 0_u32;
        for operator in operators.iter().copied() {
            let raised = if operator == OPEN_POOL {
                let raised = !settlement.open_raised
                    && settlement
                        .level
                        .raise(division.open_weight, division.open_ceiling, uplift);
                settlement.open_raised |= raised;
                raised
            } else {
                let share = worked.shares.get(&operator).filter(|share| share.vetted);
                share.is_some_and(|share| {
                    let weight = division.pools.entitlement(work(share));
                    !settlement.raised.contains(&operator)
                        && settlement
                            .level
                            .raise(weight, division.operator_cap, uplift)
                        && settlement.raised.insert(operator)
                })
            };
            count += u32::from(raised);
        }
        worked.settlement = Some(settlement);
        Ok(count.encode())
    }

    pub fn book(&mut self, epochs: &[Epoch], operators: &[OperatorIndex]) -> Answer {
        Ok(self.book_all(epochs, operators)?.encode())
    }

    fn book_all(&mut self, epochs: &[Epoch], operators: &[OperatorIndex]) -> Result<Booked, Error> {
        let now = self.epoch();
        for epoch in epochs {
            let Some(worked) = self.epochs.get(epoch) else {
                let over = self.elapsed() >= self.attest_end(*epoch);
                return Err(if over { Error::NoWork } else { Error::NotFinal });
            };
            let settled_at = worked.settlement.as_ref().ok_or(Error::NotFinal)?.at;
            if self.elapsed() < self.final_at(settled_at) {
                return Err(Error::NotFinal);
            }
            let worked = self.epochs.get_mut(epoch).expect("just found");
            let mut settlement = worked.settlement.clone().expect("just found");
            if !settlement.closed {
                settlement.closed = true;
                let (set_aside, gets) = worked.open_pool(&settlement);
                let level = settlement.level;
                let unused = level.numerator - level.used(worked.params.uplift);
                let leftover = unused + set_aside - gets;
                assert!(leftover <= settlement.pot, "more returns than there is");
                settlement.pot -= leftover;
                self.entered.push((Some(now), leftover));
            }
            worked.settlement = Some(settlement);
        }
        let mut booked = Booked::default();
        for operator in operators.iter().copied() {
            for epoch in epochs.iter().copied() {
                if !self.epochs[&epoch].shares.contains_key(&operator) {
                    continue;
                }
                self.release(operator);
                let bond = self.operators[operator as usize].bond.at(epoch);
                let fee_unit = self.settings.fee_unit;
                let period = self.settings.vesting.period(epoch);
                let worked = self.epochs.get_mut(&epoch).expect("it has a share");
                let reward = worked
                    .reward(operator, bond, fee_unit)
                    .expect("settled, and it has a share");
                worked.shares.remove(&operator);
                let settlement = worked.settlement.as_mut().expect("settled");
                settlement.pot -= reward.amount + reward.returned;
                self.entered.push((Some(now), reward.returned));
                self.unvested += reward.vesting();
                let before = self.operators[operator as usize]
                    .vesting
                    .get(&period)
                    .copied()
                    .unwrap_or(0);
                let after = before + reward.vesting();
                let vested = self.vested(after, period, now) - self.vested(before, period, now);
                let content = &mut self.operators[operator as usize];
                content.vesting.insert(period, after);
                content.claimable += reward.liquid + vested;
                self.unvested -= vested;
                booked.booked += 1;
                booked.amount += reward.amount;
            }
        }
        Ok(booked)
    }

    pub fn claim(&mut self, from: Who, operator: OperatorIndex) -> Answer {
        if self.operator(operator)?.only_self && from != Who::Operator(operator) {
            return Err(Error::OnlySelf);
        }
        self.release(operator);
        let amount = std::mem::take(&mut self.operators[operator as usize].claimable);
        if amount == 0 {
            return Err(Error::NothingDue);
        }
        self.pay(self.payee(operator), amount)?;
        Ok(amount.encode())
    }

    pub fn claim_many(&mut self, from: Who, operators: &[OperatorIndex]) -> Answer {
        let balance = self.balance()?;
        let mut claimed = Claimed::default();
        for operator in operators.iter().copied() {
            let allowed = self
                .operators
                .get(operator as usize)
                .is_some_and(|content| !content.only_self || from == Who::Operator(operator));
            let mut amount = 0;
            if allowed {
                let before = (self.operators[operator as usize].clone(), self.unvested);
                self.release(operator);
                amount = std::mem::take(&mut self.operators[operator as usize].claimable);
                if amount == 0 {
                    // Nothing is stored of an operator that is skipped, so a release of
                    // nothing is not noted either.
                    assert_eq!(self.unvested, before.1);
                } else {
                    let payee = self.payee(operator);
                    // Who is paid to the contract itself is left out: nothing would move.
                    if payee != Payee::Contract && self.transfer(payee, amount) {
                        self.paid += amount;
                    } else {
                        self.operators[operator as usize].claimable = amount;
                        amount = 0;
                    }
                }
            }
            if amount == 0 {
                claimed.skipped += 1;
            } else {
                claimed.paid += 1;
                claimed.amount += amount;
            }
        }
        if balance.checked_sub(self.balance()?) != Some(U256::from(claimed.amount)) {
            return Err(Error::TokenTaxes);
        }
        Ok(claimed.encode())
    }

    pub fn queue(&mut self, from: Who, change: &Change, plan: Plan) -> Answer {
        if from != self.owner {
            return Err(Error::NotAllowed);
        }
        let (now, counts) = (self.epoch(), self.after_timelock());
        let id = self.next_change;
        let kind = match &plan {
            Plan::Params(params) => {
                params.check().map_err(Error::Params)?;
                self.params.forget_after(now);
                self.params.set(counts, *params);
                Some(0)
            }
            Plan::Registrar(who) => {
                self.registrar.forget_after(now);
                self.registrar.set(counts, *who);
                Some(1)
            }
            Plan::Guardian(who) => {
                self.guardian.forget_after(now);
                self.guardian.set(counts, *who);
                Some(2)
            }
            Plan::Attesters(set) => {
                self.attesters.forget_after(now);
                self.attesters.set(counts, *set);
                Some(3)
            }
            Plan::InvalidAttesters => return Err(Error::Attesters),
            Plan::Slash(operator, amount) => {
                self.operator(*operator)?;
                if *amount == 0 {
                    return Err(Error::ZeroAmount);
                }
                None
            }
        };
        if let Some(kind) = kind {
            if let Some(old) = self.announced[kind].replace(id) {
                self.changes.remove(&old);
            }
        }
        self.next_change += 1;
        let announced = Announced {
            change: change.clone(),
            from: counts,
        };
        self.changes.insert(id, (announced, plan));
        Ok(id.encode())
    }

    pub fn cancel(&mut self, from: Who, id: u32) -> Answer {
        if from != self.owner {
            return Err(Error::NotAllowed);
        }
        let now = self.epoch();
        let (announced, plan) = self.changes.get(&id).ok_or(Error::UnknownChange)?;
        let in_force = announced.from <= now;
        let kind = match plan {
            Plan::Params(_) => Some(0),
            Plan::Registrar(_) => Some(1),
            Plan::Guardian(_) => Some(2),
            Plan::Attesters(_) => Some(3),
            Plan::Slash(..) | Plan::InvalidAttesters => None,
        };
        if kind.is_some() && in_force {
            return Err(Error::InForce);
        }
        match kind {
            Some(0) => self.params.forget_after(now),
            Some(1) => self.registrar.forget_after(now),
            Some(2) => self.guardian.forget_after(now),
            Some(_) => self.attesters.forget_after(now),
            None => {}
        }
        if let Some(kind) = kind {
            self.announced[kind] = None;
        }
        self.changes.remove(&id);
        Ok(().encode())
    }

    pub fn execute_slash(&mut self, from: Who, id: u32, epochs: &[Epoch]) -> Answer {
        if from != self.owner {
            return Err(Error::NotAllowed);
        }
        let (announced, plan) = self.changes.get(&id).ok_or(Error::UnknownChange)?;
        let Plan::Slash(operator, amount) = *plan else {
            return Err(Error::UnknownChange);
        };
        if !self.started() || self.epoch() < announced.from {
            return Err(Error::Timelocked);
        }
        self.book_all(epochs, &[operator])?;
        self.release(operator);
        let mut left = amount;
        let next = self.next_epoch();
        let free: Vec<bool> = self.operators[operator as usize]
            .unbonding
            .iter()
            .map(|unbonding| self.is_free(unbonding.epoch))
            .collect();
        let content = &mut self.operators[operator as usize];
        let of_bond = left.min(content.bond.last());
        if of_bond > 0 {
            let rest = content.bond.last() - of_bond;
            content.bond.set(next, rest);
            left -= of_bond;
        }
        for (unbonding, free) in content.unbonding.iter_mut().zip(&free).rev() {
            let taken = if *free { 0 } else { left.min(unbonding.amount) };
            unbonding.amount -= taken;
            left -= taken;
        }
        content.unbonding.retain(|unbonding| unbonding.amount > 0);
        self.refresh(operator);
        // Then what has not vested, the newest first.
        let now = self.epoch();
        let periods: Vec<(u32, u128)> = self.operators[operator as usize]
            .vesting
            .iter()
            .rev()
            .map(|(period, amount)| (*period, *amount))
            .collect();
        for (period, amount) in periods {
            let unvested = amount - self.vested(amount, period, now);
            let taken = left.min(unvested);
            if taken == 0 {
                continue;
            }
            // The largest amount of which so much is still to vest, by bisection.
            let wanted = unvested - taken;
            let (mut low, mut high) = (0, amount);
            while low < high {
                let middle = low + (high - low).div_ceil(2);
                if middle - self.vested(middle, period, now) <= wanted {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            assert_eq!(low - self.vested(low, period, now), wanted);
            let content = &mut self.operators[operator as usize];
            content.vesting.insert(period, low);
            self.unvested -= taken;
            left -= taken;
        }
        let taken = amount - left;
        self.entered.push((Some(now), taken));
        self.changes.remove(&id);
        Ok(taken.encode())
    }

    pub fn propose_owner(&mut self, from: Who, owner: Who) -> Answer {
        if from != self.owner {
            return Err(Error::NotAllowed);
        }
        self.proposed = Some((owner, self.after_timelock()));
        Ok(().encode())
    }

    pub fn accept_owner(&mut self, from: Who) -> Answer {
        let (owner, counts) = self.proposed.ok_or(Error::NotAllowed)?;
        if from != owner {
            return Err(Error::NotAllowed);
        }
        if !self.started() || self.epoch() < counts {
            return Err(Error::Timelocked);
        }
        self.owner = owner;
        self.proposed = None;
        Ok(().encode())
    }

    pub fn pause(&mut self, from: Who) -> Answer {
        if from != self.guardian.at(self.epoch()) {
            return Err(Error::NotAllowed);
        }
        if !self.started() {
            return Err(Error::NotStarted);
        }
        if self.stopped() {
            return Err(Error::Paused);
        }
        let last = self.pauses.last().map(|(_, end)| *end);
        if last.is_some_and(|end| self.now - end < self.settings.times.pause_gap) {
            return Err(Error::PauseTooSoon);
        }
        self.pauses
            .push((self.now, self.now + self.settings.times.max_pause));
        Ok(().encode())
    }

    pub fn unpause(&mut self, from: Who) -> Answer {
        if from != self.guardian.at(self.epoch()) {
            return Err(Error::NotAllowed);
        }
        if !self.stopped() {
            return Err(Error::NotPaused);
        }
        let now = self.now;
        self.pauses.last_mut().expect("it is stopped").1 = now;
        Ok(().encode())
    }
}
