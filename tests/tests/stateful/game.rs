//! The contract and the model side by side.

use crate::model::{Answer, Model, Plan, Set, Signed};
use crate::step::{self, Back, Forgery, Payee, Step, Who, PLAYERS, REGISTERED};
use alloy_primitives::U256;
use parity_scale_codec::Decode;
use plimsoll_embedded::{Failure, Snapshot, H160};
use plimsoll_interface::calls;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{Attesters, Change, Error, GovernanceView, OPEN_POOL};
use plimsoll_tests::{Actor, Attester, Batch, Event, Index, Setup, World};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;

type Outcome = Result<(), TestCaseError>;

/// What everybody but the bank starts with, in base units.
const PURSE: u128 = 1_000_000;

/// What the reserve starts with.
const RESERVE: u128 = 1 << 40;

/// What open operators are bonded with at first.
const BOND: u128 = 50_000;

/// The contract and the model side by side.
pub struct Game {
    world: World,
    model: Model,
    /// What the events alone come to.
    index: Index,
    start: (Snapshot, Model, Index),
    actors: BTreeMap<Who, Actor>,
    /// Both sets of attesters, in order of their addresses.
    sets: [Vec<Attester>; 2],
    /// Batches that were accepted, with their entries.
    accepted: Vec<(Batch, Vec<Entry>)>,
    /// How often each message was accepted and refused.
    pub counts: BTreeMap<&'static str, (u64, u64)>,
}

/// How many of a set must sign.
fn threshold(set: Set) -> usize {
    if set {
        2
    } else {
        3
    }
}

impl Game {
    pub fn new() -> Self {
        let mut world = World::with(Setup::default());
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
                model.tokens.insert(*who, PURSE);
                *model.tokens.get_mut(&Who::Bank).expect("it has some") -= PURSE;
            }
        }
        let mut second: Vec<Attester> = ["x", "y", "z"].map(Attester::named).to_vec();
        second.sort_by_key(|attester| attester.address);
        let sets = [world.attesters.clone(), second];
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
            accepted: Vec::new(),
            counts: BTreeMap::new(),
        };
        game.set_up().expect("the stage is set as the model says");
        game.counts.clear();
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
        if !early {
            self.world.go_to_epoch(0);
            self.model.now = self.model.settings.times.genesis;
        }
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
            threshold: u8::try_from(threshold(set)).expect("2 or 3"),
            members: members.iter().map(|attester| attester.address).collect(),
        }
    }

    /// The worked epoch so many before the newest, or the newest there could be.
    fn worked(&self, back: Back) -> Epoch {
        let worked = self.model.epochs.keys().rev().nth(back).copied();
        worked.unwrap_or_else(|| self.model.epoch())
    }

    fn change(&self, back: Back) -> u32 {
        let known = self.model.changes.keys().rev().nth(back).copied();
        known.unwrap_or(self.model.next_change)
    }

    /// Lets seconds pass.
    fn pass(&mut self, seconds: u64) {
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
    fn send(
        &mut self,
        name: &'static str,
        from: Who,
        message: Vec<u8>,
        answer: impl FnOnce(&mut Model) -> Answer,
    ) -> Result<bool, TestCaseError> {
        let before = self.model.clone();
        let expected = answer(&mut self.model);
        if expected.is_err() {
            self.model = before;
        }
        let (account, emission) = (self.actors[&from].account.clone(), self.world.emission);
        let outcome = self.world.chain.call(&account, emission, 0, message);
        let events: Vec<Event> = outcome
            .events
            .iter()
            .filter(|event| event.contract == emission)
            .map(Event::decode)
            .collect();
        self.index.take(self.model.now, &events);
        let got = match outcome.result {
            Ok(data) => {
                prop_assert_eq!(&data[..2], &[0, 0], "{}: an answer", name);
                Ok(data[2..].to_vec())
            }
            Err(Failure::Reverted(data)) => {
                prop_assert_eq!(&data[..2], &[0, 1], "{}: an error", name);
                Err(Error::decode(&mut &data[2..]).expect("an error of the contract"))
            }
            Err(failure) => {
                return Err(TestCaseError::fail(format!("{name}: {failure}")));
            }
        };
        let same = got == expected
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
        let ledger = self.world.ledger();
        prop_assert!(ledger.conserves(), "G1 after {name}: {ledger:?}");
        prop_assert_eq!(ledger, self.model.ledger(), "after {}", name);
        let indexed = self.index.ledger(self.model.now);
        prop_assert_eq!(ledger, indexed, "by its events, after {}", name);
        let held = self.world.tokens(self.world.emission);
        prop_assert!(
            held >= U256::from(ledger.owed()),
            "G15 after {name}: {held} for {ledger:?}"
        );
        prop_assert_eq!(held, U256::from(self.model.held()), "after {}", name);
        Ok(())
    }

    /// G16: the totals of an epoch are the sums of the batches that were accepted.
    fn compare_epoch(&mut self, epoch: Epoch) -> Outcome {
        let view = self.world.epoch(epoch);
        let Some(worked) = self.model.epochs.get(&epoch) else {
            prop_assert_eq!(view, None);
            return Ok(());
        };
        let view = view.expect("a batch was accepted");
        prop_assert_eq!(view.vetted, worked.total(true), "epoch {}", epoch);
        prop_assert_eq!(view.open, worked.total(false), "epoch {}", epoch);
        prop_assert_eq!(view.settlement.map(|s| s.pot), worked.pot());
        for (lane, seq) in (0..).zip(worked.seqs.clone()) {
            prop_assert_eq!(self.world.next_seq(epoch, lane), seq);
        }
        Ok(())
    }

    fn compare_shares(&mut self, epoch: Epoch) -> Outcome {
        for operator in PLAYERS {
            let bond = self.model.operators[operator as usize].bond.at(epoch);
            let fee_unit = self.model.settings.fee_unit;
            let worked = &self.model.epochs[&epoch];
            let share = worked.shares.get(&operator).copied().unwrap_or_default();
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
        let (now, next) = (self.model.epoch(), self.model.next_epoch());
        let clock = self.world.clock();
        prop_assert_eq!(clock.now, self.model.now);
        prop_assert_eq!(clock.elapsed, self.model.elapsed());
        prop_assert_eq!(clock.stopped, self.model.stopped());
        for index in PLAYERS {
            let view = self.world.operator(index);
            let operator = &self.model.operators[index as usize];
            prop_assert_eq!((view.claimable, view.unvested), self.model.due(index));
            prop_assert_eq!(view.bonded, operator.bond.last());
            prop_assert_eq!(view.bond, operator.bond.at(now));
            prop_assert_eq!(&view.unbonding, &operator.unbonding);
            prop_assert_eq!(view.status, operator.status.at(now));
            prop_assert_eq!(view.next_status, operator.status.at(next));
            prop_assert_eq!(view.only_self, operator.only_self);
            prop_assert_eq!(view.payee, self.payee(self.model.payee(index)));
        }
        for (who, amount) in self.model.tokens.clone() {
            let address = self.address(who);
            prop_assert_eq!(self.world.tokens(address), U256::from(amount), "{:?}", who);
        }
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
            let view = self.world.operator(operator);
            prop_assert_eq!(view, index.operator_view(now, operator), "{}", operator);
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
            for operator in PLAYERS {
                let (figures, seen) = (
                    index.figures(epoch, operator),
                    self.world.preview(epoch, operator),
                );
                prop_assert_eq!(seen.work, figures.work());
                prop_assert_eq!((seen.vetted, seen.raised), (figures.vetted, figures.raised));
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

    fn pause(&mut self, from: Who) -> Outcome {
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
            if let Some((batch, entries)) = self.accepted.iter().rev().nth(which) {
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
                signers = self.sets[usize::from(!set)][..3].to_vec();
                signed = Signed::Badly(Error::UnknownAttester(0));
            }
            Forgery::Twice => {
                signers[needed - 1] = signers[needed - 2].clone();
                signed = Signed::Badly(Error::SignerOrder(needed as u32 - 1));
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

    fn settle(&mut self) -> Result<bool, TestCaseError> {
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

    fn book(&mut self, epochs: &[Epoch], operators: &[OperatorIndex]) -> Outcome {
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

    fn set_payee(&mut self, from: Who, k: OperatorIndex, payee: Payee) -> Outcome {
        let message = calls::set_payee(k, self.payee(payee));
        self.send("set_payee", from, message, |m| m.set_payee(from, k, payee))?;
        Ok(())
    }

    fn cancel_payee(&mut self, from: Who, k: OperatorIndex) -> Outcome {
        let message = calls::cancel_payee(k);
        self.send("cancel_payee", from, message, |m| m.cancel_payee(from, k))?;
        Ok(())
    }

    fn unbond(&mut self, from: Who, k: OperatorIndex, amount: u128) -> Outcome {
        let message = calls::unbond(k, amount);
        self.send("unbond", from, message, |m| m.unbond(from, k, amount))?;
        Ok(())
    }

    fn withdraw_bond(&mut self, from: Who, k: OperatorIndex) -> Outcome {
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
        self.compare_ledger("a step")?;
        let epochs: Vec<Epoch> = self.model.epochs.keys().copied().collect();
        epochs
            .into_iter()
            .try_for_each(|epoch| self.compare_epoch(epoch))
    }

    fn act(&mut self, step: &Step) -> Outcome {
        match step.clone() {
            Step::Pass(seconds) => self.pass(seconds),
            Step::Donate(amount) => {
                self.world.give(self.world.emission, amount);
                self.model.donate(amount);
                self.compare_ledger("a donation")?;
            }
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
            Step::Revoke(from, k) => {
                self.send("revoke", from, calls::revoke(k), |m| m.revoke(from, k))?;
            }
            Step::Attest {
                forgery,
                back,
                lane,
                entries,
            } => self.attest(forgery, back, lane, &entries)?,
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
                raise,
                book,
            } => self.whole_epoch(&entries, strike, raise, book)?,
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
                self.queue(owner, &step::Plan::Attesters(operator % 2 == 0))?;
                self.cancel(owner, id)?;
                let guardian = self.model.guardian.at(self.model.epoch());
                self.pause(guardian)?;
                self.pass(7);
                self.unpause(guardian)?;
            }
        }
        Ok(())
    }

    /// A slash that waits, so many before the newest, or else any change.
    fn slash(&self, back: Back) -> u32 {
        let slashes = self.model.changes.iter().rev();
        let mut slashes = slashes.filter(|(_, (_, plan))| matches!(plan, Plan::Slash(..)));
        slashes
            .nth(back)
            .map_or_else(|| self.change(back), |(id, _)| *id)
    }

    fn whole_epoch(
        &mut self,
        entries: &[Entry],
        strike: Option<OperatorIndex>,
        raise: bool,
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
        if raise {
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
