//! A contract in memory: it drives the crate through the messages of the real one,
//! with a token balance beside it that knows nothing of the crate's ledger.

use plimsoll_mechanism::account::Account;
use plimsoll_mechanism::bond::{archived_at, Checkpoint, Lookup};
use plimsoll_mechanism::clock::{Clock, Pauses, Times};
use plimsoll_mechanism::ledger::Ledger;
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::record::{Part, Record};
use plimsoll_mechanism::reward::Reward;
use plimsoll_mechanism::schedule::Schedule;
use plimsoll_mechanism::status::{self, Status, StatusPage};
use plimsoll_mechanism::vesting::Vesting;
use plimsoll_mechanism::work::{self, Figures, Page, Pages};
use plimsoll_mechanism::{Epoch, OperatorIndex};
use std::collections::BTreeMap;

/// What is fixed at deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub times: Times,
    pub vesting: Vesting,
    pub lanes: u32,
    pub fee_unit: u128,
    pub min_open_bond: u128,
    pub unbonding_epochs: u32,
    pub timelock: u64,
}

/// Wall time at which the clock begins.
pub const GENESIS: u64 = 1_000;

/// Settings whose windows divide an epoch evenly.
pub const SETTINGS: Settings = Settings {
    times: Times {
        genesis: GENESIS,
        epoch: 100,
        attest_window: 20,
        review_window: 30,
        level_window: 50,
        max_pause: 70,
        pause_gap: 200,
    },
    vesting: Vesting {
        period_epochs: 2,
        vesting_periods: 3,
    },
    lanes: 3,
    fee_unit: 7,
    min_open_bond: 100,
    unbonding_epochs: 2,
    timelock: 150,
};

/// The message was refused and left no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// Puts back what was at `key`, which may be nothing.
fn put_back<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, old: Option<V>) {
    match old {
        Some(old) => drop(map.insert(key, old)),
        None => drop(map.remove(&key)),
    }
}

type Outcome<T = ()> = Result<T, Refused>;

/// Any error of the crate refuses the message.
fn refuse<E>(_: E) -> Refused {
    Refused
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    pub account: Account,
    archive: Vec<Checkpoint>,
    /// What it was paid in rewards, in base units.
    pub paid: u128,
    /// Bonds that became claimable at a promotion, having backed nothing.
    pub freed: u128,
    /// What slashes took from its rewards.
    pub slashed: u128,
}

/// One thing as it was before the message that changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Before {
    Operator(OperatorIndex, Account, usize),
    Record(Epoch, Option<Record>),
    Page((Epoch, u32), Option<Box<Page>>),
    Status(u32, Option<Box<StatusPage>>),
}

/// Everything the contract stores, the time, and the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub settings: Settings,
    /// Wall time in ms.
    pub now: u64,
    pub pauses: Pauses,
    pub params: Schedule<Params>,
    pub ledger: Ledger,
    pub records: BTreeMap<Epoch, Record>,
    pub operators: Vec<Operator>,
    pages: BTreeMap<(Epoch, u32), Box<Page>>,
    status: BTreeMap<u32, Box<StatusPage>>,
    /// What the token says the contract holds, in base units.
    pub tokens: u128,
    /// What each final epoch owes each operator, noted the moment it was final.
    pub promised: BTreeMap<Epoch, Vec<Reward>>,
    /// What was booked.
    pub booked: BTreeMap<(Epoch, OperatorIndex), Reward>,
    /// What the message at hand changed, the newest last. It is put back if the message
    /// is refused, which costs less than a copy of everything before each message.
    before: Vec<Before>,
    /// Whether everything is compared after a refused message.
    pub watched: bool,
    /// How many things were put back while it was.
    pub put_back: usize,
}

/// The pages of one epoch, as a batch sees them.
struct EpochPages<'a> {
    epoch: Epoch,
    pages: &'a mut BTreeMap<(Epoch, u32), Box<Page>>,
    status: &'a BTreeMap<u32, Box<StatusPage>>,
    before: &'a mut Vec<Before>,
}

impl Pages for EpochPages<'_> {
    fn page(&mut self, page: u32) -> Page {
        self.pages
            .get(&(self.epoch, page))
            .map(|page| **page)
            .unwrap_or_default()
    }
    fn set_page(&mut self, page: u32, content: &Page) {
        let key = (self.epoch, page);
        let old = self.pages.insert(key, Box::new(*content));
        self.before.push(Before::Page(key, old));
    }
    fn status(&mut self, page: u32) -> StatusPage {
        self.status
            .get(&page)
            .map(|page| **page)
            .unwrap_or_default()
    }
}

impl Host {
    pub fn new(settings: Settings, params: Params) -> Self {
        Self {
            settings,
            now: 0,
            pauses: Pauses::default(),
            params: Schedule::new(params),
            ledger: Ledger::default(),
            records: BTreeMap::new(),
            operators: Vec::new(),
            pages: BTreeMap::new(),
            status: BTreeMap::new(),
            tokens: 0,
            promised: BTreeMap::new(),
            booked: BTreeMap::new(),
            before: Vec::new(),
            watched: false,
            put_back: 0,
        }
    }

    pub fn clock(&self) -> Clock {
        Clock::at(self.settings.times, &self.pauses, self.now)
    }

    /// The current epoch, `None` before genesis.
    fn epoch(&self) -> Option<Epoch> {
        let clock = self.clock();
        clock.started().then(|| clock.epoch())
    }

    /// Runs a message: what it did stays only if it succeeds.
    fn message<T>(&mut self, body: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        let whole = self.watched.then(|| self.clone());
        let (ledger, tokens) = (self.ledger, self.tokens);
        let outcome = body(self);
        if outcome.is_ok() {
            self.before.clear();
            return outcome;
        }
        (self.ledger, self.tokens) = (ledger, tokens);
        let changed = self.before.len();
        while let Some(before) = self.before.pop() {
            match before {
                Before::Operator(operator, account, archived) => {
                    let operator = &mut self.operators[operator as usize];
                    operator.account = account;
                    operator.archive.truncate(archived);
                }
                Before::Record(epoch, old) => put_back(&mut self.records, epoch, old),
                Before::Page(key, old) => put_back(&mut self.pages, key, old),
                Before::Status(page, old) => put_back(&mut self.status, page, old),
            }
        }
        if let Some(whole) = whole {
            assert_eq!(*self, whole, "a refused message left a trace");
            self.put_back += changed;
        }
        outcome
    }

    /// Lets time pass, and notes what every epoch that became final owes.
    pub fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.note_promises();
    }

    fn receive(&mut self, amount: u128) -> Outcome {
        self.tokens = self.tokens.checked_add(amount).ok_or(Refused)?;
        Ok(())
    }

    fn send(&mut self, amount: u128) -> Outcome {
        self.tokens = self.tokens.checked_sub(amount).ok_or(Refused)?;
        Ok(())
    }

    /// Tokens sent without a message.
    pub fn donate(&mut self, amount: u128) {
        self.tokens = self.tokens.saturating_add(amount);
    }

    pub fn register(&mut self) -> OperatorIndex {
        self.operators.push(Operator::default());
        u32::try_from(self.operators.len() - 1).expect("few")
    }

    pub fn fund(&mut self, amount: u128) -> Outcome {
        self.message(|host| {
            host.receive(amount)?;
            host.ledger.receive(amount).map_err(refuse)?;
            let now = host.epoch();
            host.ledger.enter(amount, now).map_err(refuse)
        })
    }

    pub fn status(&self, operator: OperatorIndex, epoch: Epoch) -> Status {
        let (page, place) = status::locate(operator);
        self.status
            .get(&page)
            .map_or(Status::Inactive, |page| page.get(place, epoch))
    }

    fn set_status(&mut self, operator: OperatorIndex, status: Status) {
        let from = self.clock().next_epoch();
        let (page, place) = status::locate(operator);
        let old = self.status.get(&page).cloned();
        self.before.push(Before::Status(page, old));
        self.status
            .entry(page)
            .or_default()
            .set(place, status, from);
    }

    /// An open operator counts from the next epoch while its bond is large enough.
    fn refresh_open(&mut self, operator: OperatorIndex) {
        if self.status(operator, self.clock().next_epoch()) == Status::Vetted {
            return;
        }
        let bonded = self.operators[operator as usize].account.bond.bonded();
        let status = if bonded >= self.settings.min_open_bond {
            Status::Open
        } else {
            Status::Inactive
        };
        self.set_status(operator, status);
    }

    fn operator(&mut self, operator: OperatorIndex) -> Outcome<&mut Operator> {
        let found = self.operators.get_mut(operator as usize).ok_or(Refused)?;
        let (account, archived) = (found.account.clone(), found.archive.len());
        self.before
            .push(Before::Operator(operator, account, archived));
        Ok(found)
    }

    fn record(&mut self, epoch: Epoch) -> Outcome<&mut Record> {
        let record = self.records.get_mut(&epoch).ok_or(Refused)?;
        self.before
            .push(Before::Record(epoch, Some(record.clone())));
        Ok(record)
    }

    fn archive(&mut self, operator: OperatorIndex, kept: Option<(u32, Checkpoint)>) {
        let archive = &mut self.operators[operator as usize].archive;
        if let Some((index, checkpoint)) = kept {
            assert_eq!(index as usize, archive.len(), "the archive only grows");
            archive.push(checkpoint);
        }
    }

    pub fn bond(&mut self, operator: OperatorIndex, amount: u128) -> Outcome {
        self.message(|host| {
            let next = host.clock().next_epoch();
            host.receive(amount)?;
            host.ledger.bond(amount).map_err(refuse)?;
            let bond = &mut host.operator(operator)?.account.bond;
            let kept = bond.deposit(amount, next).map_err(refuse)?;
            host.archive(operator, kept);
            host.refresh_open(operator);
            Ok(())
        })
    }

    pub fn unbond(&mut self, operator: OperatorIndex, amount: u128) -> Outcome<u128> {
        self.message(|host| {
            let clock = host.clock();
            let bond = &mut host.operator(operator)?.account.bond;
            let withdrawal = bond
                .withdraw(amount, clock.started(), clock.epoch(), clock.next_epoch())
                .map_err(refuse)?;
            host.archive(operator, withdrawal.archive);
            host.ledger.unbond(withdrawal.free).map_err(refuse)?;
            host.send(withdrawal.free)?;
            host.refresh_open(operator);
            Ok(withdrawal.free)
        })
    }

    /// Whether a bond withdrawn in an epoch is free: that epoch is final long enough.
    fn is_free(&self, epoch: Epoch) -> bool {
        let clock = self.clock();
        let wait = u64::from(self.settings.unbonding_epochs) * self.settings.times.epoch;
        let settled_at = match self.records.get(&epoch).map(|record| record.settlement) {
            Some(Some(settlement)) => settlement.at,
            Some(None) => return false,
            None => clock.review_end(epoch),
        };
        clock.elapsed() >= clock.final_at(settled_at) + wait
    }

    /// Of the operator's withdrawals those that are free, as a question.
    fn free_bonds(&self, operator: OperatorIndex) -> impl Fn(Epoch) -> bool {
        let withdrawals = self
            .operators
            .get(operator as usize)
            .map_or(&[][..], |operator| operator.account.bond.withdrawals());
        let free: Vec<Epoch> = withdrawals
            .iter()
            .map(|withdrawal| withdrawal.epoch)
            .filter(|epoch| self.is_free(*epoch))
            .collect();
        move |epoch| free.contains(&epoch)
    }

    /// Pays withdrawals of which the last backed epoch is final long enough.
    pub fn withdraw_bond(&mut self, operator: OperatorIndex) -> Outcome<u128> {
        self.message(|host| {
            let free = host.free_bonds(operator);
            let amount = host.operator(operator)?.account.bond.release(free);
            host.ledger.unbond(amount).map_err(refuse)?;
            host.send(amount)?;
            Ok(amount)
        })
    }

    /// Vouches: vetted from the next epoch on, and the bond leaves as far as it can; what
    /// never backed anything becomes claimable.
    pub fn vouch(&mut self, operator: OperatorIndex) -> Outcome {
        self.message(|host| {
            host.operator(operator)?;
            host.set_status(operator, Status::Vetted);
            let clock = host.clock();
            let bond = &mut host.operator(operator)?.account.bond;
            let withdrawal = bond.retire(clock.started(), clock.epoch(), clock.next_epoch());
            host.archive(operator, withdrawal.archive);
            host.ledger.free_bond(withdrawal.free).map_err(refuse)?;
            let operator = &mut host.operators[operator as usize];
            operator.account.add_claimable(withdrawal.free);
            operator.freed += withdrawal.free;
            Ok(())
        })
    }

    pub fn revoke(&mut self, operator: OperatorIndex) -> Outcome {
        self.message(|host| {
            host.operator(operator)?;
            host.set_status(operator, Status::Inactive);
            host.refresh_open(operator);
            Ok(())
        })
    }

    /// Announces parameters, which count from an epoch after the timelock.
    pub fn set_params(&mut self, params: Params) -> Outcome {
        params.check().map_err(refuse)?;
        let clock = self.clock();
        let from = clock.epoch_after(self.settings.timelock);
        self.params.announce(params, from, clock.epoch());
        Ok(())
    }

    pub fn pause(&mut self) -> Outcome {
        let times = self.settings.times;
        self.pauses.pause(&times, self.now).map_err(refuse)
    }

    pub fn unpause(&mut self) -> Outcome {
        self.pauses.unpause(self.now).map_err(refuse)
    }

    pub fn next_seq(&self, epoch: Epoch, lane: u32) -> Option<u32> {
        match self.records.get(&epoch) {
            Some(record) => record.next_seq(lane),
            None => (lane < self.settings.lanes).then_some(0),
        }
    }

    /// Credits a batch whose signatures were checked.
    pub fn attest(&mut self, epoch: Epoch, lane: u32, seq: u64, packed: &[u8]) -> Outcome {
        self.message(|host| {
            let clock = host.clock();
            if !clock.takes_work(epoch) {
                return Err(Refused);
            }
            let next = u64::from(host.next_seq(epoch, lane).ok_or(Refused)?);
            if seq != next {
                return Err(Refused);
            }
            let mut pages = EpochPages {
                epoch,
                pages: &mut host.pages,
                status: &host.status,
                before: &mut host.before,
            };
            let credit = work::credit(&mut pages, epoch, packed).map_err(refuse)?;
            let entered = host
                .ledger
                .entered_before(epoch, clock.epoch())
                .ok_or(Refused)?;
            let params = *host.params.at(epoch);
            let lanes = host.settings.lanes;
            let old = host.records.get(&epoch).cloned();
            host.before.push(Before::Record(epoch, old));
            host.records
                .entry(epoch)
                .or_insert_with(|| Record::new(params, entered, lanes))
                .add(lane, &credit)
                .map_err(refuse)
        })
    }

    pub fn figures(&self, epoch: Epoch, operator: OperatorIndex) -> Figures {
        let (page, place) = work::locate(operator);
        self.pages
            .get(&(epoch, page))
            .map(|page| page.get(place))
            .unwrap_or_default()
    }

    fn page(&mut self, epoch: Epoch, operator: OperatorIndex) -> (&mut Page, usize) {
        let (page, place) = work::locate(operator);
        let key = (epoch, page);
        self.before
            .push(Before::Page(key, self.pages.get(&key).cloned()));
        (self.pages.entry(key).or_default(), place)
    }

    /// Forgets an operator's work, and the page with its last operator.
    fn clear(&mut self, epoch: Epoch, operator: OperatorIndex) {
        let (page, place) = self.page(epoch, operator);
        page.clear(place);
        if page.is_empty() {
            self.pages.remove(&(epoch, work::locate(operator).0));
        }
    }

    pub fn strike(&mut self, epoch: Epoch, operator: OperatorIndex) -> Outcome {
        self.message(|host| {
            if !host.clock().takes_strikes(epoch) {
                return Err(Refused);
            }
            let figures = host.figures(epoch, operator);
            if figures.is_empty() {
                return Err(Refused);
            }
            let record = host.record(epoch)?;
            record.strike(&figures).map_err(refuse)?;
            host.clear(epoch, operator);
            Ok(())
        })
    }

    /// Settles the next worked epoch and returns it.
    pub fn settle(&mut self) -> Outcome<Epoch> {
        self.message(|host| {
            let clock = host.clock();
            let (epoch, _) = host
                .records
                .iter()
                .find(|(_, record)| record.settlement.is_none())
                .ok_or(Refused)?;
            let epoch = *epoch;
            if !clock.takes_settlement(epoch) {
                return Err(Refused);
            }
            let emitted = host.ledger.emitted;
            let record = host.record(epoch)?;
            let budget = record.budget(emitted);
            assert!(
                budget <= record.entered_before - emitted,
                "G2: the budget is in the reserve"
            );
            record.settle(budget, clock.elapsed());
            host.ledger.emit(budget).map_err(refuse)?;
            Ok(epoch)
        })
    }

    fn settled_at(&self, epoch: Epoch) -> Outcome<u64> {
        let record = self.records.get(&epoch).ok_or(Refused)?;
        record.settlement.map(|s| s.at).ok_or(Refused)
    }

    /// Raises those of `operators` that are eligible; `None` is the open pool.
    pub fn raise(&mut self, epoch: Epoch, operators: &[Option<OperatorIndex>]) -> Outcome<u32> {
        self.message(|host| {
            if host.clock().is_final(host.settled_at(epoch)?) {
                return Err(Refused);
            }
            let mut raised = 0;
            for operator in operators {
                let Some(operator) = operator else {
                    raised += u32::from(host.record(epoch)?.raise_open());
                    continue;
                };
                let mut figures = host.figures(epoch, *operator);
                if !figures.vetted || figures.raised {
                    continue;
                }
                let record = host.record(epoch)?;
                if !record.raise(figures.work()) {
                    continue;
                }
                figures.raised = true;
                let (page, place) = host.page(epoch, *operator);
                assert!(page.set(place, &figures), "the figures were in range");
                raised += 1;
            }
            Ok(raised)
        })
    }

    /// The bond that counts in `epoch`, however long ago.
    pub fn bond_at(&self, epoch: Epoch, operator: OperatorIndex) -> u128 {
        let operator = &self.operators[operator as usize];
        match operator.account.bond.at(epoch) {
            Lookup::Known(amount) => amount,
            Lookup::Archived(count) => archived_at(epoch, count, |index| {
                operator.archive.get(index as usize).copied()
            }),
        }
    }

    pub fn reward(&self, epoch: Epoch, operator: OperatorIndex) -> Reward {
        let figures = self.figures(epoch, operator);
        let bond = if figures.vetted {
            0
        } else {
            self.bond_at(epoch, operator)
        };
        self.records[&epoch].reward(&Part::new(&figures, self.settings.fee_unit, bond))
    }

    pub fn is_final(&self, epoch: Epoch) -> bool {
        self.settled_at(epoch)
            .is_ok_and(|at| self.clock().is_final(at))
    }

    fn note_promises(&mut self) {
        // Epochs are settled in order, so they are final in order.
        for epoch in self.records.keys().skip(self.promised.len()) {
            if !self.is_final(*epoch) {
                break;
            }
            let rewards = (0..self.operators.len() as u32)
                .map(|operator| match self.figures(*epoch, operator) {
                    figures if figures.is_empty() => Reward::default(),
                    _ => self.reward(*epoch, operator),
                })
                .collect();
            self.promised.insert(*epoch, rewards);
        }
    }

    /// Books those of `operators` that have something to book and returns how many.
    pub fn book(&mut self, epoch: Epoch, operators: &[OperatorIndex]) -> Outcome<usize> {
        self.message(|host| {
            if !host.is_final(epoch) {
                return Err(Refused);
            }
            let now = host.clock().epoch();
            let leftover = host.record(epoch)?.close();
            host.ledger.leftover(leftover, now).map_err(refuse)?;
            let mut booked = Vec::new();
            for operator in operators {
                if host.figures(epoch, *operator).is_empty() {
                    continue;
                }
                let reward = host.reward(epoch, *operator);
                host.clear(epoch, *operator);
                let record = host.record(epoch)?;
                record.book(&reward).map_err(refuse)?;
                host.ledger.leftover(reward.returned, now).map_err(refuse)?;
                host.ledger
                    .book(reward.liquid, reward.vesting())
                    .map_err(refuse)?;
                let vesting = host.settings.vesting;
                let account = &mut host.operator(*operator)?.account;
                let released = account.release(&vesting, now);
                let arrears = account.book(&vesting, epoch, &reward, now);
                host.ledger.vest(released + arrears).map_err(refuse)?;
                booked.push((*operator, reward));
            }
            for (operator, reward) in &booked {
                let twice = host.booked.insert((epoch, *operator), *reward);
                assert!(twice.is_none(), "booked once");
            }
            Ok(booked.len())
        })
    }

    /// Pays what is claimable, unless the token `refuses` the transfer.
    pub fn claim(&mut self, operator: OperatorIndex, refuses: bool) -> Outcome<u128> {
        self.message(|host| {
            let now = host.clock().epoch();
            let vesting = host.settings.vesting;
            let account = &mut host.operator(operator)?.account;
            let released = account.release(&vesting, now);
            let amount = account.claim();
            host.ledger.vest(released).map_err(refuse)?;
            if refuses {
                host.operators[operator as usize]
                    .account
                    .add_claimable(amount);
                return Ok(0);
            }
            host.ledger.claim(amount).map_err(refuse)?;
            host.send(amount)?;
            host.operators[operator as usize].paid += amount;
            Ok(amount)
        })
    }

    /// Takes up to `amount`: the bond first, then unvested rewards.
    pub fn slash(&mut self, operator: OperatorIndex, amount: u128) -> Outcome<u128> {
        self.message(|host| {
            let (now, clock) = (host.epoch(), host.clock());
            let vesting = host.settings.vesting;
            let free = host.free_bonds(operator);
            let account = &mut host.operator(operator)?.account;
            let released = account.release(&vesting, clock.epoch());
            let (bond, kept) = account.bond.slash(amount, clock.next_epoch(), free);
            let unvested = account.ring.slash(&vesting, amount - bond);
            host.archive(operator, kept);
            host.ledger.vest(released).map_err(refuse)?;
            host.ledger.slash(bond, unvested, now).map_err(refuse)?;
            host.refresh_open(operator);
            host.operators[operator as usize].slashed += unvested;
            Ok(bond + unvested)
        })
    }

    /// Pages of work that are stored.
    pub fn stored_pages(&self) -> usize {
        self.pages.len()
    }
}
