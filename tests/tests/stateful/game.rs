//! The contract and the model side by side.

use crate::model::{Answer, Model, Plan, Signed};
use crate::step::{self, Back, CallBack, Forgery, Invalid, Keeper, Line, Payee, Set, Step, Who};
use crate::step::{PLAYERS, REGISTERED, SETS};
use crate::token::Holder;
use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolValue};
use parity_scale_codec::{Decode, Encode};
use plimsoll_embedded::{Failure, Snapshot, H160};
use plimsoll_interface::calls;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{Attesters, Change, Error, GovernanceView, LedgerView, OPEN_POOL};
use plimsoll_tests::{entry, faults, keccak, Actor, Attester, Batch, Erc20, Event, Fault};
use plimsoll_tests::{FaultyToken, Index, Setup, TokenKind, World};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;

pub type Outcome = Result<(), TestCaseError>;

/// What everybody but the bank starts with, in base units.
const PURSE: u128 = 1_000_000;

/// What the reserve starts with.
const RESERVE: u128 = 1 << 40;

/// What open operators are bonded with at first.
const BOND: u128 = 50_000;

/// So many operators the registrar may vouch for in an epoch: fewer than there are.
const MAX_VOUCHES: u32 = 12;

/// Where `FaultyToken.sol` has its balances.
const HELD_SLOT: u64 = 5;

/// A year of 365 days, in seconds.
const YEAR: u64 = 365 * 24 * 60 * 60;

/// What an epoch looked like when it was compared last: its record's bytes, and what the
/// model had of it.
type Seen = (Vec<u8>, [Work; 2], Option<u128>, Vec<u64>);

/// The contract and the model side by side.
pub struct Game {
    world: World,
    pub(crate) model: Model,
    /// What the events alone come to.
    index: Index,
    start: (Snapshot, Model, Index),
    actors: BTreeMap<Who, Actor>,
    /// Every set of attesters, in order of their addresses, and as many who are in none.
    sets: Vec<Vec<Attester>>,
    outsiders: Vec<Attester>,
    /// Batches that were accepted, with their entries.
    accepted: Vec<(Batch, Vec<Entry>)>,
    seen: BTreeMap<Epoch, Seen>,
    /// When the ledgers were compared last; nothing has moved since but time.
    compared: u64,
    /// The events of the last message.
    pub(crate) events: Vec<Event>,
    /// How often each message was accepted and refused.
    pub counts: Counts,
    /// Which faults of the token met a transfer, and how often.
    pub faults: BTreeMap<u8, u64>,
}

/// How often each message was accepted and refused.
pub type Counts = BTreeMap<&'static str, (u64, u64)>;

/// How many of a set must sign.
fn threshold(set: Set) -> usize {
    usize::from(SETS[usize::from(set)].0)
}

/// `count` attesters of this name in the order of their addresses.
fn attesters(name: &str, count: usize) -> Vec<Attester> {
    let mut attesters: Vec<Attester> = (0..count)
        .map(|k| Attester::named(&format!("{name} {k}")))
        .collect();
    attesters.sort_by_key(|attester| attester.address);
    attesters
}

fn entries_of(lines: &[Line]) -> Vec<Entry> {
    lines
        .iter()
        .map(|(operator, fragment, bulk, fees)| entry(*operator, *fragment, *bulk, *fees))
        .collect()
}

impl Game {
    /// A game on a chain of its own, in a token that is honest at first.
    pub fn new(token: TokenKind) -> Self {
        let mut setup = Setup {
            token,
            ..Setup::default()
        };
        setup.settings.max_vouches = MAX_VOUCHES;
        let mut world = World::with(setup);
        world.audited = false;
        let mut actors = BTreeMap::from([
            (Who::Owner, world.owner.clone()),
            (Who::Registrar, world.registrar.clone()),
            (Who::Guardian, world.guardian.clone()),
            (Who::Bank, world.bank.clone()),
        ]);
        for (who, name) in [(Who::Deputy, "deputy"), (Who::Stranger, "stranger")] {
            actors.insert(who, world.actor(name));
        }
        for (operator, actor) in world.register_many(REGISTERED) {
            actors.insert(Who::Operator(operator), actor);
        }
        let settings = *world.settings();
        let (params, now) = (world.setup.params, world.clock().now);
        let mut model = Model::new(settings, params, now, plimsoll_tests::SUPPLY);
        for (who, actor) in &actors {
            if *who != Who::Stranger {
                world.approve(actor);
            }
            if *who != Who::Bank {
                world.give(actor.address, PURSE);
                let (bank, to) = (Holder::Somebody(Who::Bank), Holder::Somebody(*who));
                assert!(model.token.transfer(bank, to, PURSE), "the bank has enough");
            }
        }
        let mut sets = vec![world.attesters.clone()];
        for (k, (_, count)) in SETS.iter().enumerate().skip(1) {
            sets.push(attesters(&format!("of set {k}"), *count));
        }
        let mut index = Index::new(&world.deployed);
        for (now, events) in &world.history {
            index.take(*now, events);
        }
        let start = (world.chain.snapshot(), model.clone(), index.clone());
        let mut game = Self {
            world,
            model,
            index,
            start,
            actors,
            sets,
            outsiders: attesters("outsider", 16),
            accepted: Vec::new(),
            seen: BTreeMap::new(),
            compared: 0,
            events: Vec::new(),
            counts: BTreeMap::new(),
            faults: BTreeMap::new(),
        };
        game.set_up().expect("the stage is set as the model says");
        game.counts.clear();
        let bank = game.address(Who::Bank);
        assert_eq!(game.tokens(bank), game.world.tokens(bank), "in its slot");
        let snapshot = game.world.chain.snapshot();
        game.start = (snapshot, game.model.clone(), game.index.clone());
        game
    }

    fn set_up(&mut self) -> Outcome {
        self.fund(Who::Bank, RESERVE)?;
        self.vouch(Who::Registrar, &[0, 1, 22, 23])?;
        for operator in [2, 3] {
            self.bond(Who::Bank, operator, BOND)?;
        }
        Ok(())
    }

    /// Goes back to the start; unless it is `early`, genesis comes at once.
    pub fn restart(&mut self, early: bool) {
        self.world.chain.restore(&self.start.0);
        self.model = self.start.1.clone();
        self.index = self.start.2.clone();
        self.accepted.clear();
        self.seen.clear();
        self.compared = 0;
        if !early {
            self.world.go_to_epoch(0);
            self.model.now = self.model.settings.times.genesis;
        }
    }

    /// Does something and goes back to where it began. It counts as no message.
    ///
    /// # Errors
    /// Those of what is done.
    pub fn as_if(&mut self, act: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let chain = self.world.chain.snapshot();
        let books = (self.model.clone(), self.index.clone(), self.seen.clone());
        let counts = (self.counts.clone(), self.faults.clone());
        act(self)?;
        self.world.chain.restore(&chain);
        (self.model, self.index, self.seen) = books;
        (self.counts, self.faults) = counts;
        Ok(())
    }

    pub(crate) fn ledger(&mut self) -> LedgerView {
        self.world.ledger()
    }

    fn address(&self, who: Who) -> H160 {
        self.actors[&who].address
    }

    fn payee(&self, payee: Payee) -> H160 {
        match payee {
            Payee::Somebody(who) => self.address(who),
            Payee::Contract => self.world.emission,
            Payee::Nobody => H160::zero(),
        }
    }

    fn attesters(&self, set: Set) -> Attesters {
        let members = &self.sets[usize::from(set)];
        Attesters {
            threshold: SETS[usize::from(set)].0,
            members: members.iter().map(|attester| attester.address).collect(),
        }
    }

    fn invalid_attesters(&self, invalid: Invalid) -> Attesters {
        let addresses = self.outsiders.iter().map(|attester| attester.address);
        let mut members: Vec<H160> = addresses.collect();
        let mut threshold = 9;
        match invalid {
            Invalid::Nobody => members.clear(),
            Invalid::Twice => members[8] = members[7],
            Invalid::Half => threshold = 8,
            Invalid::TooMany => threshold = 17,
            Invalid::Crowd => members.push(H160::repeat_byte(0xff)),
        }
        Attesters { threshold, members }
    }

    /// What an address holds of the token, whatever the token says.
    pub(crate) fn tokens(&mut self, owner: H160) -> U256 {
        if self.world.setup.token != TokenKind::Faulty {
            return self.world.tokens(owner);
        }
        let owner = alloy_primitives::Address::from(owner.0);
        let slot = keccak(&(owner, U256::from(HELD_SLOT)).abi_encode());
        let held = self.world.chain.storage(self.world.token, &slot);
        held.map_or(U256::ZERO, |bytes| U256::from_be_slice(&bytes))
    }

    /// The worked epoch so many before the newest, or the newest there could be.
    fn worked(&self, back: Back) -> Epoch {
        let worked = self.model.epochs.keys().rev().nth(back as usize).copied();
        worked.unwrap_or_else(|| self.model.epoch())
    }

    fn change(&self, back: Back) -> u32 {
        let known = self.model.changes.keys().rev().nth(back as usize).copied();
        known.unwrap_or(self.model.next_change)
    }

    /// Lets seconds pass.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.world.pass(seconds * 1_000);
        self.model.now += seconds * 1_000;
    }

    /// Lets time pass until clock time `elapsed`, if the clock runs and it is to come.
    fn go_to(&mut self, elapsed: u64) {
        if self.model.stopped() || !self.model.started() {
            return;
        }
        let left = elapsed.saturating_sub(self.model.elapsed());
        if left > 0 {
            self.pass(left.div_ceil(1_000));
        }
    }

    /// Sends a message, lets the model answer it, and compares.
    pub(crate) fn send(
        &mut self,
        name: &'static str,
        from: Who,
        message: Vec<u8>,
        answer: impl FnOnce(&mut Model) -> Answer,
    ) -> Result<bool, TestCaseError> {
        let before = self.model.clone();
        self.model.token.exhausted = false;
        self.model.token.asked = false;
        let expected = answer(&mut self.model);
        let token = &self.model.token;
        let exhausted = token.exhausted;
        let hidden = token.fault == Fault::HidesBalances;
        if token.asked || (hidden && expected == Err(Error::TransferFailed)) {
            *self.faults.entry(token.fault as u8).or_default() += 1;
        }
        let (account, emission) = (self.actors[&from].account.clone(), self.world.emission);
        let outcome = self.world.chain.call(&account, emission, 0, message);
        let events: Vec<Event> = outcome
            .events
            .iter()
            .filter(|event| event.contract == emission)
            .map(Event::decode)
            .collect();
        self.events = events;
        self.index.take(self.model.now, &self.events);
        let got = match outcome.result {
            Ok(data) => {
                prop_assert_eq!(&data[..2], &[0, 0], "{}: an answer", name);
                Ok(data[2..].to_vec())
            }
            Err(Failure::Reverted(data)) => {
                prop_assert_eq!(&data[..2], &[0, 1], "{}: an error", name);
                Err(Error::decode(&mut &data[2..]).expect("an error of the contract"))
            }
            // Where the token used up all there was, the call fails somehow.
            Err(_) if exhausted => Err(Error::TransferFailed),
            Err(failure) => {
                return Err(TestCaseError::fail(format!("{name}: {failure}")));
            }
        };
        // A refused message changed nothing; that an exhausted one is refused is up to the
        // chain.
        if expected.is_err() || got.is_err() {
            self.model = before;
        }
        let same = got == expected
            || (exhausted && got.is_err())
            // Who signed something else recovers to a stranger, or to nobody.
            || (expected == Err(Error::UnknownAttester(0)) && got == Err(Error::BadSignature(0)));
        prop_assert!(same, "{name} from {from:?}: {got:?}, expected {expected:?}");
        let count = self.counts.entry(name).or_default();
        if got.is_ok() {
            count.0 += 1;
        } else {
            count.1 += 1;
        }
        self.compare_ledger(name)?;
        Ok(got.is_ok())
    }

    /// G1 and G15, and that both have the same books.
    fn compare_ledger(&mut self, name: &str) -> Outcome {
        self.compared = self.model.now;
        let ledger = self.world.ledger();
        prop_assert!(ledger.conserves(), "G1 after {name}: {ledger:?}");
        prop_assert_eq!(ledger, self.model.ledger(), "after {}", name);
        let indexed = self.index.ledger(self.model.now);
        prop_assert_eq!(ledger, indexed, "by its events, after {}", name);
        let held = self.tokens(self.world.emission);
        prop_assert!(
            held >= U256::from(ledger.owed()),
            "G15 after {name}: {held} for {ledger:?}"
        );
        let expected = self.model.token.held(Holder::Contract);
        prop_assert_eq!(held, expected, "after {}", name);
        Ok(())
    }

    /// The bytes of an epoch's record, where the contract has them.
    fn record(&mut self, epoch: Epoch) -> Vec<u8> {
        // `store.rs`: the prefix, and the fourth of the keys.
        let key = (*b"pl", 3_u8, epoch).encode();
        let emission = self.world.emission;
        self.world.chain.storage(emission, &key).unwrap_or_default()
    }

    /// G16: the totals of an epoch are the sums of the batches that were accepted.
    ///
    /// What has not changed since it was compared, here and there, is not asked for again.
    fn compare_epoch(&mut self, epoch: Epoch) -> Outcome {
        let bytes = self.record(epoch);
        let Some(worked) = self.model.epochs.get(&epoch) else {
            prop_assert!(bytes.is_empty(), "a record of {}", epoch);
            prop_assert_eq!(self.world.epoch(epoch), None);
            return Ok(());
        };
        let totals = [worked.total(true), worked.total(false)];
        let seen = (bytes, totals, worked.pot(), worked.seqs.clone());
        if self.seen.get(&epoch) == Some(&seen) {
            return Ok(());
        }
        self.seen.insert(epoch, seen);
        let view = self.world.epoch(epoch);
        let worked = &self.model.epochs[&epoch];
        let view = view.expect("a batch was accepted");
        prop_assert_eq!(view.vetted, worked.total(true), "epoch {}", epoch);
        prop_assert_eq!(view.open, worked.total(false), "epoch {}", epoch);
        prop_assert_eq!(view.settlement.map(|s| s.pot), worked.pot());
        for (lane, seq) in (0..).zip(worked.seqs.clone()) {
            prop_assert_eq!(self.world.next_seq(epoch, lane), seq);
        }
        Ok(())
    }

    /// Whoever has something to book, and somebody who has not, as the model and the
    /// index of events have them.
    fn compare_shares(&mut self, epoch: Epoch) -> Outcome {
        let shares = self.model.epochs[&epoch].shares.clone();
        let nothing = PLAYERS.iter().find(|player| !shares.contains_key(player));
        for operator in shares.keys().chain(nothing).copied() {
            let bond = self.model.operators[operator as usize].bond.at(epoch);
            let fee_unit = self.model.settings.fee_unit;
            let worked = &self.model.epochs[&epoch];
            let share = shares.get(&operator).copied().unwrap_or_default();
            let reward = worked
                .reward(operator, bond, fee_unit)
                .map_or((0, 0), |reward| (reward.amount, reward.liquid));
            let preview = self.world.preview(epoch, operator);
            let work = Work {
                fragment: u128::from(share.fragment),
                bulk: u128::from(share.bulk),
            };
            prop_assert_eq!(preview.work, work, "{} in {}", operator, epoch);
            prop_assert_eq!(preview.fees, u128::from(share.fees) * fee_unit);
            prop_assert_eq!(preview.vetted, share.vetted);
            prop_assert_eq!((preview.reward, preview.liquid), reward);
            let figures = self.index.figures(epoch, operator);
            prop_assert_eq!(preview.work, figures.work());
            let tier = (figures.vetted, figures.raised);
            prop_assert_eq!((preview.vetted, preview.raised), tier);
        }
        for operator in PLAYERS.iter().filter(|k| !shares.contains_key(k)) {
            let figures = self.index.figures(epoch, *operator);
            prop_assert_eq!(figures.work(), Work::default());
        }
        Ok(())
    }

    /// Everything that can be seen.
    pub fn finish(&mut self) -> Outcome {
        let epochs: Vec<Epoch> = self.model.epochs.keys().copied().collect();
        for epoch in epochs {
            self.compare_epoch(epoch)?;
            self.compare_shares(epoch)?;
        }
        self.compare_index()?;
        let clock = self.world.clock();
        prop_assert_eq!(clock.now, self.model.now);
        prop_assert_eq!(clock.elapsed, self.model.elapsed());
        prop_assert_eq!(clock.stopped, self.model.stopped());
        let holders: Vec<_> = self.model.token.holders().collect();
        for (holder, amount) in holders {
            if let Holder::Somebody(who) = holder {
                let address = self.address(who);
                prop_assert_eq!(self.tokens(address), amount, "{:?}", who);
            }
        }
        Ok(())
    }

    fn compare_operator(&mut self, index: OperatorIndex) -> Outcome {
        let (epoch, next) = (self.model.epoch(), self.model.next_epoch());
        let view = self.world.operator(index);
        let indexed = self.index.operator_view(self.model.now, index);
        prop_assert_eq!(&view, &indexed, "{} by its events", index);
        let operator = &self.model.operators[index as usize];
        prop_assert_eq!((view.claimable, view.unvested), self.model.due(index));
        prop_assert_eq!(view.bonded, operator.bond.last());
        prop_assert_eq!(view.bond, operator.bond.at(epoch));
        prop_assert_eq!(&view.unbonding, &operator.unbonding);
        prop_assert_eq!(view.status, operator.status.at(epoch));
        prop_assert_eq!(view.next_status, operator.status.at(next));
        prop_assert_eq!(view.only_self, operator.only_self);
        prop_assert_eq!(view.payee, self.payee(self.model.payee(index)));
        Ok(())
    }

    /// An indexer that reads nothing but events knows all that the views show.
    fn compare_index(&mut self) -> Outcome {
        let (now, epoch) = (self.model.now, self.model.epoch());
        let index = self.index.clone();
        let clock = self.world.clock();
        let time = (clock.elapsed, clock.stopped, clock.settled_to);
        prop_assert_eq!(index.time(now), time);
        prop_assert_eq!(
            self.world.view::<u32>(calls::operators()),
            index.operators()
        );
        for operator in 0..index.operators() {
            self.compare_operator(operator)?;
        }
        for (epoch, record) in index.records() {
            let view = self.world.epoch(epoch).expect("it had a batch");
            prop_assert_eq!(view.params, record.params);
            prop_assert_eq!(view.entered_before, record.entered_before);
            prop_assert_eq!((view.vetted, view.open), (record.vetted, record.open));
            prop_assert_eq!(view.settlement, record.settlement);
            for lane in 0..self.model.settings.lanes {
                let next = record.next_seq(lane).map(u64::from);
                prop_assert_eq!(Some(self.world.next_seq(epoch, lane)), next);
            }
        }
        for epoch in [epoch, epoch + 1, epoch + 2] {
            prop_assert_eq!(self.world.params(epoch), index.params(epoch));
            prop_assert_eq!(self.world.attesters_of(epoch), index.attesters(epoch));
        }
        let governance: GovernanceView = self.world.view(calls::governance());
        let (roles, proposed) = index.roles(now);
        prop_assert_eq!(self.world.roles(), roles);
        prop_assert_eq!(governance.proposed_owner, proposed);
        for (id, change) in index.changes().filter(|(_, change)| change.from > epoch) {
            prop_assert_eq!(self.world.change(id), Some(change.clone()));
            let slash = matches!(change.change, Change::Slash { .. });
            prop_assert!(slash || governance.waiting.contains(&id), "{}", id);
        }
        Ok(())
    }

    fn fund(&mut self, from: Who, amount: u128) -> Outcome {
        self.send("fund", from, calls::fund(amount), |m| m.fund(from, amount))?;
        Ok(())
    }

    fn vouch(&mut self, from: Who, operators: &[OperatorIndex]) -> Outcome {
        self.send("vouch", from, calls::vouch(operators), |m| {
            m.vouch(from, operators)
        })?;
        Ok(())
    }

    fn cancel(&mut self, from: Who, id: u32) -> Outcome {
        self.send("cancel", from, calls::cancel(id), |m| m.cancel(from, id))?;
        Ok(())
    }

    pub(crate) fn pause(&mut self, from: Who) -> Outcome {
        self.send("pause", from, calls::pause(), |m| m.pause(from))?;
        Ok(())
    }

    fn unpause(&mut self, from: Who) -> Outcome {
        self.send("unpause", from, calls::unpause(), |m| m.unpause(from))?;
        Ok(())
    }

    fn bond(&mut self, from: Who, operator: OperatorIndex, amount: u128) -> Outcome {
        self.send("bond", from, calls::bond(operator, amount), |m| {
            m.bond(from, operator, amount)
        })?;
        Ok(())
    }

    fn attest(&mut self, forgery: Forgery, back: u32, lane: u32, entries: &[Entry]) -> Outcome {
        let (batch, entries, signed) = self.forge(forgery, back, lane, entries);
        let header = batch.header;
        let place = (header.epoch, header.lane, header.seq);
        let accepted = self.send("attest", Who::Deputy, batch.call(), |m| {
            m.attest(place, &entries, signed)
        })?;
        self.compare_epoch(header.epoch)?;
        if accepted {
            self.accepted.push((batch, entries));
        }
        Ok(())
    }

    /// The batch to be sent, its entries, and what its signatures come to.
    fn forge(
        &self,
        forgery: Forgery,
        back: u32,
        lane: u32,
        entries: &[Entry],
    ) -> (Batch, Vec<Entry>, Signed) {
        if let Forgery::Replay(which) = forgery {
            if let Some((batch, entries)) = self.accepted.iter().rev().nth(which as usize) {
                return (batch.clone(), entries.clone(), Signed::Well);
            }
        }
        let epoch = self.model.epoch().saturating_sub(back);
        let next = self.model.epochs.get(&epoch).and_then(|worked| {
            let seq = worked.seqs.get(lane as usize)?;
            Some(*seq)
        });
        let seq = next.unwrap_or(0) + u64::from(forgery == Forgery::Ahead);
        let mut entries = entries.to_vec();
        let mut batch = Batch::unsigned(epoch, lane, seq, &entries);
        if forgery == Forgery::Unsorted {
            // The last entry once more, behind itself.
            entries.extend(entries.last().copied());
            let packed = batch.entries.len() - 21;
            batch.entries.extend_from_within(packed..);
        }
        let set = self.model.attesters.at(epoch);
        let needed = threshold(set);
        let mut signers = self.sets[usize::from(set)][..needed].to_vec();
        let mut signed = Signed::Well;
        match forgery {
            Forgery::OneTooFew => {
                signers.pop();
                signed = Signed::Badly(Error::SignatureCount);
            }
            Forgery::SomeStranger => {
                let stranger = Attester::named("stranger");
                signers[needed - 1] = stranger.clone();
                signers.sort_by_key(|signer| signer.address);
                let at = signers
                    .iter()
                    .position(|signer| signer.address == stranger.address)
                    .expect("it is there");
                signed = Signed::Badly(Error::UnknownAttester(at as u32));
            }
            Forgery::OtherAttesters => {
                signers = self.outsiders[..needed].to_vec();
                signed = Signed::Badly(Error::UnknownAttester(0));
            }
            Forgery::Twice => {
                // More than are needed, of which one is a repetition.
                signers.push(signers[needed - 1].clone());
                signed = Signed::Badly(Error::SignerOrder(needed as u32));
            }
            _ => {}
        }
        let mut batch = batch.signed(self.world.emission, &signers);
        match forgery {
            Forgery::Tampered => {
                batch.header.receipts_root[31] ^= 1;
                signed = Signed::ForSomethingElse;
            }
            Forgery::OtherLane => {
                batch.header.lane = (lane + 1) % self.model.settings.lanes;
                let lane = batch.header.lane as usize;
                let next = self
                    .model
                    .epochs
                    .get(&epoch)
                    .map(|worked| worked.seqs[lane]);
                batch.header.seq = next.unwrap_or(0);
                signed = Signed::ForSomethingElse;
            }
            _ => {}
        }
        (batch, entries, signed)
    }

    pub(crate) fn settle(&mut self) -> Result<bool, TestCaseError> {
        self.send("settle", Who::Stranger, calls::settle(), Model::settle)
    }

    fn raise(&mut self, epoch: Epoch, operators: &[OperatorIndex]) -> Outcome {
        self.send(
            "raise",
            Who::Stranger,
            calls::raise(epoch, operators),
            |m| m.raise(epoch, operators),
        )?;
        Ok(())
    }

    pub(crate) fn book(&mut self, epochs: &[Epoch], operators: &[OperatorIndex]) -> Outcome {
        let message = calls::book(epochs, operators);
        self.send("book", Who::Stranger, message, |m| {
            m.book(epochs, operators)
        })?;
        Ok(())
    }

    fn queue(&mut self, from: Who, plan: &step::Plan) -> Outcome {
        let (change, plan) = match plan {
            step::Plan::Params(params) => (Change::Params(**params), Plan::Params(**params)),
            step::Plan::Registrar(who) => {
                (Change::Registrar(self.address(*who)), Plan::Registrar(*who))
            }
            step::Plan::Guardian(who) => {
                (Change::Guardian(self.address(*who)), Plan::Guardian(*who))
            }
            step::Plan::Attesters(set) => (
                Change::Attesters(self.attesters(*set)),
                Plan::Attesters(*set),
            ),
            step::Plan::InvalidAttesters(invalid) => (
                Change::Attesters(self.invalid_attesters(*invalid)),
                Plan::InvalidAttesters,
            ),
            step::Plan::Slash(operator, amount) => (
                Change::Slash {
                    operator: *operator,
                    amount: *amount,
                    evidence: [0xe5; 32],
                },
                Plan::Slash(*operator, *amount),
            ),
        };
        self.send("queue", from, calls::queue(&change), |m| {
            m.queue(from, &change, plan)
        })?;
        Ok(())
    }

    pub(crate) fn set_payee(&mut self, from: Who, k: OperatorIndex, payee: Payee) -> Outcome {
        let message = calls::set_payee(k, self.payee(payee));
        self.send("set_payee", from, message, |m| m.set_payee(from, k, payee))?;
        Ok(())
    }

    fn cancel_payee(&mut self, from: Who, k: OperatorIndex) -> Outcome {
        let message = calls::cancel_payee(k);
        self.send("cancel_payee", from, message, |m| m.cancel_payee(from, k))?;
        Ok(())
    }

    pub(crate) fn unbond(&mut self, from: Who, k: OperatorIndex, amount: u128) -> Outcome {
        let message = calls::unbond(k, amount);
        self.send("unbond", from, message, |m| m.unbond(from, k, amount))?;
        Ok(())
    }

    pub(crate) fn withdraw_bond(&mut self, from: Who, k: OperatorIndex) -> Outcome {
        let message = calls::withdraw_bond(k);
        self.send("withdraw_bond", from, message, |m| m.withdraw_bond(k))?;
        Ok(())
    }

    fn strike(&mut self, from: Who, epoch: Epoch, k: OperatorIndex) -> Outcome {
        let message = calls::strike(epoch, k, [0xe5; 32]);
        self.send("strike", from, message, |m| m.strike(from, epoch, k))?;
        self.compare_epoch(epoch)
    }

    fn execute_slash(&mut self, from: Who, id: u32, backs: &[Back]) -> Outcome {
        let epochs: Vec<Epoch> = backs.iter().map(|back| self.worked(*back)).collect();
        let message = calls::execute_slash(id, &epochs);
        self.send("execute_slash", from, message, |m| {
            m.execute_slash(from, id, &epochs)
        })?;
        Ok(())
    }

    fn propose_owner(&mut self, from: Who, heir: Who) -> Outcome {
        let message = calls::propose_owner(self.address(heir));
        self.send("propose_owner", from, message, |m| {
            m.propose_owner(from, heir)
        })?;
        Ok(())
    }

    fn accept_owner(&mut self, from: Who) -> Outcome {
        let message = calls::accept_owner();
        self.send("accept_owner", from, message, |m| m.accept_owner(from))?;
        Ok(())
    }

    /// Lets so many epochs pass and settles what can be.
    fn wait(&mut self, epochs: u64) -> Outcome {
        self.pass(epochs * self.model.settings.times.epoch / 1_000);
        while self.settle()? {}
        Ok(())
    }

    fn years(&mut self, years: u32) {
        self.pass(u64::from(years) * YEAR);
    }

    /// The registrar vouches for everybody who is not vetted: for too many at once, and
    /// then for as many as it still may.
    fn sybils(&mut self) -> Outcome {
        let (epoch, next) = (self.model.epoch(), self.model.next_epoch());
        let registrar = self.model.registrar.at(epoch);
        let everybody: Vec<OperatorIndex> = (0..REGISTERED)
            .filter(|k| self.model.operators[*k as usize].status.at(next) != Status::Vetted)
            .collect();
        self.vouch(registrar, &everybody)?;
        let left = MAX_VOUCHES - self.model.vouches();
        let some = &everybody[..everybody.len().min(left as usize)];
        self.vouch(registrar, some)
    }

    fn revoke(&mut self, from: Who, k: OperatorIndex) -> Outcome {
        self.send("revoke", from, calls::revoke(k), |m| m.revoke(from, k))?;
        Ok(())
    }

    fn revoke_all(&mut self) -> Outcome {
        let (epoch, next) = (self.model.epoch(), self.model.next_epoch());
        let registrar = self.model.registrar.at(epoch);
        for operator in 0..REGISTERED {
            if self.model.operators[operator as usize].status.at(next) == Status::Vetted {
                self.revoke(registrar, operator)?;
            }
        }
        Ok(())
    }

    fn strike_all(&mut self, back: Back) -> Outcome {
        let epoch = self.worked(back);
        self.go_to(self.model.attest_end(epoch));
        let guardian = self.model.guardian.at(self.model.epoch());
        let working = self.model.epochs.get(&epoch);
        let all: Vec<OperatorIndex> = working.map_or_else(
            || PLAYERS[..1].to_vec(),
            |worked| worked.shares.keys().copied().collect(),
        );
        all.into_iter()
            .try_for_each(|operator| self.strike(guardian, epoch, operator))
    }

    fn harass(&mut self) -> Outcome {
        let times = self.model.settings.times;
        let guardian = self.model.guardian.at(self.model.epoch());
        self.pause(guardian)?;
        for seconds in [times.max_pause / 2_000, times.max_pause / 2_000] {
            self.pass(seconds);
            self.pause(guardian)?;
        }
        self.pass(times.pause_gap / 1_000);
        self.pause(guardian)
    }

    /// Lets the token do as it likes from now on, and call back with `message`.
    pub(crate) fn misbehave(&mut self, fault: Fault, message: CallBack) {
        if self.world.setup.token != TokenKind::Faulty {
            return;
        }
        let message = match message {
            CallBack::Claim(operator) => calls::claim(operator),
            CallBack::ClaimMany => calls::claim_many(&PLAYERS),
            CallBack::WithdrawBond(operator) => calls::withdraw_bond(operator),
            CallBack::Fund => calls::fund(1),
            CallBack::Settle => calls::settle(),
            CallBack::Ledger => calls::ledger(),
        };
        let call_back = FaultyToken::callBackCall {
            target: self.world.emission.0.into(),
            message: message.into(),
        };
        self.tell_token(&call_back);
        self.world.misbehave(fault);
        self.model.token.fault = fault;
    }

    pub(crate) fn bar(&mut self, who: Option<Who>) {
        if self.world.setup.token != TokenKind::Faulty {
            return;
        }
        let account = who.map_or(H160::zero(), |who| self.address(who)).0.into();
        self.tell_token(&FaultyToken::barCall { account });
        self.model.token.barred = who.map(Holder::Somebody);
    }

    fn mint(&mut self, to: Option<Who>, bits: u8) -> Outcome {
        if self.world.setup.token != TokenKind::Faulty {
            return Ok(());
        }
        let value = U256::MAX >> usize::from(bits);
        let (holder, address) = match to {
            None => (Holder::Contract, self.world.emission),
            Some(who) => (Holder::Somebody(who), self.address(who)),
        };
        // A token whose own sums wrap would take from the contract what it holds.
        if to.is_none() && self.model.token.held(holder).checked_add(value).is_none() {
            return Ok(());
        }
        let to = address.0.into();
        self.tell_token(&FaultyToken::mintCall { to, value });
        self.model.token.mint(holder, value);
        self.compare_ledger("tokens out of nothing")
    }

    fn tell_token<C: SolCall>(&mut self, call: &C)
    where
        C::Return: std::fmt::Debug,
    {
        let bank = self.actors[&Who::Bank].clone();
        self.world
            .token_send(&bank, call)
            .expect("anyone may tell it");
    }

    /// Tokens come without a message, as far as the token moves them.
    fn donate(&mut self, amount: u128) -> Outcome {
        let (bank, contract) = (Holder::Somebody(Who::Bank), Holder::Contract);
        let value = U256::from(amount);
        let fits = self.model.token.held(contract).checked_add(value + value);
        // A token that calls the contract now is a stranger who sends it a message: nothing
        // of the contract's is under way that it could enter.
        let calls_back = [Fault::CallsBack, Fault::CallsBackOrFails];
        let fault = self.model.token.fault;
        if fits.is_none() || fault == Fault::Exhausts || calls_back.contains(&fault) {
            return Ok(());
        }
        let to = self.world.emission.0.into();
        let message = Erc20::transferCall { to, value }.abi_encode();
        let (from, token) = (self.actors[&Who::Bank].account.clone(), self.world.token);
        self.world.chain.call(&from, token, 0, message);
        self.model.token.transfer(bank, contract, amount);
        self.compare_ledger("a donation")
    }

    fn leave(&mut self, operator: OperatorIndex, amount: u128) -> Outcome {
        let bonded = self
            .model
            .operators
            .get(operator as usize)
            .map_or(0, |content| content.bond.last());
        if bonded < amount {
            self.bond(Who::Bank, operator, amount)?;
            self.wait(1)?;
        }
        let own = Who::Operator(operator.min(REGISTERED - 1));
        self.unbond(own, operator, amount)?;
        self.wait(2)?;
        self.wait(4)?;
        self.withdraw_bond(Who::Stranger, operator)
    }

    /// Does one step, after which G1, G15 and G16 are looked at.
    pub fn take(&mut self, step: &Step) -> Outcome {
        self.act(step)?;
        // Time alone moves the ledger's terms, too.
        if self.compared != self.model.now {
            self.compare_ledger("a step")?;
        }
        let epochs: Vec<Epoch> = self.model.epochs.keys().copied().collect();
        epochs
            .into_iter()
            .try_for_each(|epoch| self.compare_epoch(epoch))
    }

    fn act(&mut self, step: &Step) -> Outcome {
        match step.clone() {
            Step::Pass(seconds) => self.pass(seconds),
            Step::Donate(amount) => self.donate(amount)?,
            Step::Fund(from, amount) => self.fund(from, amount)?,
            Step::SetPayee(from, k, payee) => self.set_payee(from, k, payee)?,
            Step::CancelPayee(from, k) => self.cancel_payee(from, k)?,
            Step::OnlySelf(from, k, only) => {
                let message = calls::set_only_self(k, only);
                self.send("set_only_self", from, message, |m| {
                    m.set_only_self(from, k, only)
                })?;
            }
            Step::Bond(from, k, amount) => self.bond(from, k, amount)?,
            Step::Unbond(from, k, amount) => self.unbond(from, k, amount)?,
            Step::WithdrawBond(from, k) => self.withdraw_bond(from, k)?,
            Step::Vouch(from, operators) => self.vouch(from, &operators)?,
            Step::Revoke(from, k) => self.revoke(from, k)?,
            Step::Attest {
                forgery,
                back,
                lane,
                entries,
            } => self.attest(forgery, back, lane, &entries_of(&entries))?,
            Step::Strike(from, back, k) => self.strike(from, self.worked(back), k)?,
            Step::Settle => drop(self.settle()?),
            Step::Raise(back, mut operators) => {
                if operators.len().is_multiple_of(2) {
                    operators.push(OPEN_POOL);
                }
                self.raise(self.worked(back), &operators)?;
            }
            Step::Book(backs, operators) => {
                let epochs: Vec<Epoch> = backs.iter().map(|back| self.worked(*back)).collect();
                self.book(&epochs, &operators)?;
            }
            Step::Claim(from, k) => {
                self.send("claim", from, calls::claim(k), |m| m.claim(from, k))?;
            }
            Step::ClaimMany(from, operators) => {
                let message = calls::claim_many(&operators);
                self.send("claim_many", from, message, |m| {
                    m.claim_many(from, &operators)
                })?;
            }
            Step::Queue(from, plan) => self.queue(from, &plan)?,
            Step::Cancel(from, back) => {
                let id = self.change(back);
                self.cancel(from, id)?;
            }
            Step::ExecuteSlash(from, back, backs) => {
                self.execute_slash(from, self.slash(back), &backs)?;
            }
            Step::ProposeOwner(from, heir) => self.propose_owner(from, heir)?,
            Step::AcceptOwner(from) => self.accept_owner(from)?,
            Step::Pause(from) => self.pause(from)?,
            Step::Unpause(from) => self.unpause(from)?,
            Step::Epoch {
                entries,
                strike,
                keeper,
                book,
            } => self.whole_epoch(&entries_of(&entries), strike, keeper, book)?,
            Step::Leave(operator, amount) => self.leave(operator, amount)?,
            Step::Slash(operator, amount, backs) => {
                let owner = self.model.owner;
                let id = self.model.next_change;
                self.queue(owner, &step::Plan::Slash(operator, amount))?;
                self.wait(3)?;
                self.execute_slash(owner, id, &backs)?;
            }
            Step::HandOver(heir) => {
                let owner = self.model.owner;
                self.propose_owner(owner, heir)?;
                self.wait(3)?;
                self.accept_owner(heir)?;
            }
            Step::SecondThoughts(operator, payee) => {
                let who = Who::Operator(operator);
                self.set_payee(who, operator, payee)?;
                self.cancel_payee(who, operator)?;
                let (owner, id) = (self.model.owner, self.model.next_change);
                self.queue(owner, &step::Plan::Attesters((operator % 4) as Set))?;
                self.cancel(owner, id)?;
                let guardian = self.model.guardian.at(self.model.epoch());
                self.pause(guardian)?;
                self.pass(7);
                self.unpause(guardian)?;
            }
            Step::Years(years) => self.years(years),
            Step::Sybils => self.sybils()?,
            Step::RevokeAll => self.revoke_all()?,
            Step::StrikeAll(back) => self.strike_all(back)?,
            Step::Harass => self.harass()?,
            Step::Misbehave(fault, message) => {
                let known = usize::from(fault).checked_sub(1);
                self.misbehave(known.map_or(Fault::None, |k| faults()[k]), message);
                // It is tried at once, both ways, or few faults would meet a transfer.
                self.fund(Who::Bank, 1_000)?;
                let message = calls::claim_many(&PLAYERS);
                self.send("claim_many", Who::Stranger, message, |m| {
                    m.claim_many(Who::Stranger, &PLAYERS)
                })?;
            }
            Step::Bar(who) => self.bar(who),
            Step::Mint(to, bits) => self.mint(to, bits)?,
        }
        Ok(())
    }

    /// A slash that waits, so many before the newest, or else any change.
    fn slash(&self, back: Back) -> u32 {
        let slashes = self.model.changes.iter().rev();
        let mut slashes = slashes.filter(|(_, (_, plan))| matches!(plan, Plan::Slash(..)));
        slashes
            .nth(back as usize)
            .map_or_else(|| self.change(back), |(id, _)| *id)
    }

    fn whole_epoch(
        &mut self,
        entries: &[Entry],
        strike: Option<OperatorIndex>,
        keeper: Keeper,
        book: bool,
    ) -> Outcome {
        let epoch = self.model.epoch();
        self.attest(Forgery::Nothing, 0, 0, entries)?;
        if let Some(operator) = strike {
            self.go_to(self.model.attest_end(epoch));
            let guardian = self.model.guardian.at(self.model.epoch());
            self.strike(guardian, epoch, operator)?;
        }
        self.go_to(self.model.review_end(epoch));
        while self.settle()? {}
        if let Keeper::Lazy(operator) = keeper {
            self.raise(epoch, &[operator])?;
        }
        if keeper == Keeper::Diligent {
            let mut everybody = PLAYERS.to_vec();
            everybody.insert(3, OPEN_POOL);
            for _ in 0..2 {
                self.raise(epoch, &everybody)?;
            }
        }
        if book {
            let elapsed = self.model.elapsed();
            self.go_to(elapsed + self.model.settings.times.level_window);
            self.book(&[epoch], &PLAYERS)?;
        }
        Ok(())
    }
}
