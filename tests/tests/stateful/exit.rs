//! Everybody leaves: whatever happened before, what is booked and bonded can be taken
//! out on schedule by whoever owns it and by anybody at all (G17).

use crate::game::{Game, Outcome};
use crate::model::Model;
use crate::step::{CallBack, Payee, Who, REGISTERED, UNKNOWN};
use plimsoll_interface::calls;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_tests::{Event, Fault};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Who has no role and no part.
const ANYBODY: Who = Who::Deputy;

/// What an operator is to get in all, and what it got.
type Dues = BTreeMap<OperatorIndex, (u128, u128)>;

fn everybody() -> impl Iterator<Item = OperatorIndex> {
    0..REGISTERED
}

impl Model {
    /// What an operator has that is booked or bonded.
    fn owned(&self, operator: OperatorIndex) -> u128 {
        let (claimable, unvested) = self.due(operator);
        let operator = &self.operators[operator as usize];
        let leaving: u128 = operator.unbonding.iter().map(|u| u.amount).sum();
        claimable + unvested + operator.bond.last() + leaving
    }

    /// The newest epoch in which there was work.
    fn newest(&self) -> Option<Epoch> {
        self.epochs.keys().next_back().copied()
    }
}

impl Game {
    /// Everybody takes what it has, without the help of any role. The token pays: whoever
    /// holds one that never pays has nothing. A hostile guardian stops the clock whenever
    /// it may.
    pub fn everybody_leaves(&mut self, hostile: bool) -> Outcome {
        self.misbehave(Fault::None, CallBack::Claim(UNKNOWN));
        self.bar(None);
        let genesis = self.model.settings.times.genesis;
        if !self.model.started() {
            self.pass((genesis - self.model.now) / 1_000);
        }
        let mut dues: Dues = everybody().map(|k| (k, (self.model.owned(k), 0))).collect();
        let (begun, clock) = (self.model.now, self.model.elapsed());

        // The contract cannot pay itself: who asked for that asks for something else.
        for k in everybody() {
            let operator = &self.model.operators[k as usize];
            let pending = operator.pending.map(|(payee, _)| payee);
            if self.model.payee(k) == Payee::Contract || pending == Some(Payee::Contract) {
                let own = Who::Operator(k);
                self.set_payee(own, k, Payee::Somebody(own))?;
            }
        }
        self.unbond_all(&mut dues)?;
        self.book_all(hostile, &mut dues)?;

        // All that is booked has vested, and what was withdrawn has left.
        let settings = self.model.settings;
        let (vesting, epoch) = (settings.vesting, settings.times.epoch);
        let end = self.model.epoch() + 1 + vesting.period_epochs;
        let vested = u64::from(end) + vesting.length();
        self.clock_to(vested * epoch, hostile)?;
        self.withdraw_all(&mut dues)?;
        // Whoever had as many withdrawals on their way as can be goes on now.
        self.unbond_all(&mut dues)?;
        let left = u64::from(self.model.epoch() + 2 + settings.unbonding_epochs);
        self.clock_to(left * epoch, hostile)?;
        self.withdraw_all(&mut dues)?;
        self.claim_all(&mut dues)?;
        self.compare_exit(&dues)?;

        // Pauses delay by at most `max_pause` in every `pause_gap`.
        let times = settings.times;
        let (wall, passed) = (self.model.now - begun, self.model.elapsed() - clock);
        let pauses = passed / times.pause_gap + 2;
        prop_assert!(
            wall <= passed + pauses * times.max_pause,
            "G17: {} ms for {} ms of the clock",
            wall,
            passed
        );
        Ok(())
    }

    /// All that was worked is settled, final and booked.
    fn book_all(&mut self, hostile: bool, dues: &mut Dues) -> Outcome {
        let Some(newest) = self.model.newest() else {
            return Ok(());
        };
        self.clock_to(self.model.review_end(newest), hostile)?;
        // A pause stops settling.
        self.run_on()?;
        while self.settle()? {}
        let level = self.model.settings.times.level_window;
        self.clock_to(self.model.elapsed() + level, hostile)?;
        let worked = self.model.epochs.iter();
        let waiting: Vec<Epoch> = worked
            .filter(|(_, worked)| !worked.shares.is_empty() || worked.is_open())
            .map(|(epoch, _)| *epoch)
            .collect();
        let operators: Vec<OperatorIndex> = everybody().collect();
        for epochs in waiting.chunks(8) {
            self.book(epochs, &operators)?;
            for event in &self.events {
                if let Event::RewardsBooked(booked) = event {
                    for (operator, amount, ..) in &booked.rewards {
                        dues.entry(*operator).or_default().0 += amount;
                    }
                }
            }
        }
        let left = self.model.epochs.values().filter(|w| !w.shares.is_empty());
        prop_assert_eq!(left.count(), 0, "G17: everything is booked");
        Ok(())
    }

    fn unbond_all(&mut self, dues: &mut Dues) -> Outcome {
        for k in everybody() {
            let bonded = self.model.operators[k as usize].bond.last();
            if bonded > 0 {
                self.unbond(Who::Operator(k), k, bonded)?;
                self.count(dues);
            }
        }
        Ok(())
    }

    fn withdraw_all(&mut self, dues: &mut Dues) -> Outcome {
        for k in everybody() {
            if !self.model.operators[k as usize].unbonding.is_empty() {
                self.withdraw_bond(ANYBODY, k)?;
                self.count(dues);
            }
        }
        Ok(())
    }

    fn claim_all(&mut self, dues: &mut Dues) -> Outcome {
        let (own, any): (Vec<_>, Vec<_>) = everybody()
            .filter(|k| self.model.due(*k).0 > 0)
            .partition(|k| self.model.operators[*k as usize].only_self);
        for k in own {
            let who = Who::Operator(k);
            self.send("claim", who, calls::claim(k), |m| m.claim(who, k))?;
            self.count(dues);
        }
        let message = calls::claim_many(&any);
        self.send("claim_many", ANYBODY, message, |m| {
            m.claim_many(ANYBODY, &any)
        })?;
        self.count(dues);
        Ok(())
    }

    /// Counts what the last message paid.
    fn count(&self, dues: &mut Dues) {
        for event in &self.events {
            let (operator, amount) = match event {
                Event::Paid(e) => (e.operator, e.amount),
                Event::BondPaid(e) => (e.operator, e.amount),
                _ => continue,
            };
            dues.entry(operator).or_default().1 += amount;
        }
    }

    /// Everybody got what it had, and the contract owes nothing but its reserve.
    fn compare_exit(&mut self, dues: &Dues) -> Outcome {
        for (operator, (due, got)) in dues {
            prop_assert_eq!(due, got, "G17: operator {}", operator);
        }
        let ledger = self.ledger();
        let owed = (ledger.unvested, ledger.claimable, ledger.bonds);
        prop_assert_eq!(owed, (0, 0, 0), "G17: {:?}", ledger);
        // Dust: one unit for each operator and epoch, and one for the open pool.
        let dust = self.model.epochs.len() as u128 * (u128::from(REGISTERED) + 1);
        prop_assert!(ledger.pots <= dust, "G17: {:?}", ledger);
        Ok(())
    }

    /// Lets a pause end by itself.
    fn run_on(&mut self) -> Outcome {
        if self.model.stopped() {
            let (_, end) = *self.model.pauses.last().expect("it is stopped");
            self.pass((end - self.model.now) / 1_000);
        }
        prop_assert!(!self.model.stopped(), "G17: a pause ends by itself");
        Ok(())
    }

    /// Lets time pass until clock time `elapsed`, whatever the guardian does.
    fn clock_to(&mut self, elapsed: u64, hostile: bool) -> Outcome {
        let gap = self.model.settings.times.pause_gap;
        loop {
            self.run_on()?;
            let now = self.model.elapsed();
            if now >= elapsed {
                return Ok(());
            }
            let mut left = elapsed - now;
            if hostile {
                let free = self.model.pauses.last().map_or(0, |(_, end)| end + gap);
                if self.model.now >= free {
                    let guardian = self.model.guardian.at(self.model.epoch());
                    self.pause(guardian)?;
                    continue;
                }
                left = left.min(free - self.model.now);
            }
            self.pass(left.div_ceil(1_000));
        }
    }
}
