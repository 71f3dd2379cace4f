//! An epoch on the chain, message by message, as often as a property wants it.

use crate::plan::{order, scramble, Person, Plan, FEW, MANY};
use alloy_primitives::U256;
use plimsoll_embedded::Snapshot;
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{
    calls, Booked, Change, Claimed, Credited, EpochView, LedgerView, Settled, OPEN_POOL,
};
use plimsoll_tests::{entry, Actor, Batch, Event, Setup, World};
use std::cell::RefCell;

/// Identities beyond the people of a plan: for splitting, and for capital without work.
pub const SPARE: usize = 8;

/// As many as a message can pay.
const CLAIMED_AT_ONCE: usize = 50;

/// What somebody was booked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reward {
    pub amount: u128,
    pub liquid: u128,
    /// What was set aside for it beyond that.
    pub returned: u128,
}

/// A chain with so many operators, to which every play goes back.
pub struct Play {
    pub world: World,
    base: Snapshot,
    pub actors: Vec<Actor>,
    /// The epoch that is played.
    pub epoch: Epoch,
    /// The ledger and the contract's tokens after each message since the play began, if
    /// they are kept.
    pub books: Option<Vec<(LedgerView, U256)>>,
}

impl Play {
    fn new(operators: usize) -> Self {
        let mut setup = Setup::default();
        // The first parameters are announced before genesis, for the first epoch.
        setup.settings.timelock = 0;
        setup.settings.min_open_bond = 1;
        setup.settings.max_vouches = MANY as u32;
        let mut world = World::with(setup);
        world.audited = false;
        let registered = world.register_many(operators as u32);
        let bank = world.bank.clone();
        world.approve(&bank);
        Self {
            base: world.chain.snapshot(),
            world,
            actors: registered.into_iter().map(|(_, actor)| actor).collect(),
            epoch: 0,
            books: None,
        }
    }

    /// Sends a message that must be accepted.
    #[track_caller]
    pub fn send<T: parity_scale_codec::Decode>(&mut self, from: &Actor, message: Vec<u8>) -> T {
        let sent = self.world.send(from, message);
        if self.books.is_some() {
            let ledger = self.world.ledger();
            let held = self.world.tokens(self.world.emission);
            self.books.iter_mut().for_each(|b| b.push((ledger, held)));
        }
        sent.done()
    }

    /// Goes back and sets the stage for `people` under the plan's parameters, up to the
    /// start of the epoch that is played.
    pub fn set(&mut self, plan: &Plan, people: &[Person]) {
        self.world.chain.restore(&self.base);
        self.world.history.clear();
        let [bank, owner, registrar] =
            [&self.world.bank, &self.world.owner, &self.world.registrar].map(Actor::clone);
        if plan.reserve > 0 {
            self.send::<()>(&bank, calls::fund(plan.reserve));
        }
        let mut vetted: Vec<OperatorIndex> = Vec::new();
        for (operator, person) in (0..).zip(people) {
            match person.bond {
                None => vetted.push(operator),
                Some(0) => {}
                Some(bond) => self.send(&bank, calls::bond(operator, bond)),
            }
        }
        if !vetted.is_empty() {
            self.send::<()>(&registrar, calls::vouch(&vetted));
        }
        let change = Change::Params(plan.params);
        self.send::<u32>(&owner, calls::queue(&change));
        self.world.go_to_epoch(0);
        self.epoch = plan.idle;
        if plan.unbooked {
            self.attest(0, 0, &[entry(0, 1, 1, 1)]);
            self.epoch += 1;
        }
        if self.epoch > 0 {
            self.world.go_to_epoch(self.epoch);
        }
    }

    /// Sends the next batch of `epoch`.
    pub fn attest(&mut self, epoch: Epoch, lane: u32, entries: &[Entry]) -> Batch {
        let batch = self.world.batch(epoch, lane, entries);
        let anyone = self.world.anyone.clone();
        self.send::<Credited>(&anyone, batch.call());
        batch
    }

    /// Lets everybody work, cut into so many batches at random, over all lanes.
    pub fn work(&mut self, people: &[Person], batches: usize, seed: u64) -> Vec<Batch> {
        let cuts = cut(people, batches, seed);
        let lanes = self.world.settings().lanes;
        let (epoch, mut sent) = (self.epoch, Vec::new());
        for (k, entries) in (0..).zip(cuts) {
            if !entries.is_empty() {
                sent.push(self.attest(epoch, k % lanes, &entries));
            }
        }
        sent
    }

    /// Waits for the review to be over, settles, and tells the reserve that the epoch
    /// found and the budget that it got.
    pub fn settle(&mut self) -> (u128, u128) {
        self.world.go_to_settlement(self.epoch);
        let anyone = self.world.anyone.clone();
        loop {
            let ledger = self.world.ledger();
            let settled: Settled = self.send(&anyone, calls::settle());
            if settled.epoch == self.epoch {
                return (ledger.reserve + ledger.inflows, settled.budget);
            }
        }
    }

    /// Raises whoever of these can be, and tells how many were.
    pub fn raise(&mut self, operators: &[OperatorIndex]) -> u32 {
        let anyone = self.world.anyone.clone();
        self.send(&anyone, calls::raise(self.epoch, operators))
    }

    /// Raises everybody who can be.
    pub fn raise_all(&mut self, count: usize, seed: u64) {
        let list = with_pool(order(seed, count), seed);
        while self.raise(&list) > 0 {}
    }

    /// The epoch as it is now.
    pub fn view(&mut self) -> EpochView {
        self.world.epoch(self.epoch).expect("there was a batch")
    }

    /// Waits for the level to be final and books everybody.
    pub fn book(&mut self, count: usize, seed: u64) -> Vec<Reward> {
        self.world.go_to_final(self.epoch);
        self.book_now(&order(seed, count), count)
    }

    /// Books these of so many.
    pub fn book_now(&mut self, operators: &[OperatorIndex], count: usize) -> Vec<Reward> {
        let anyone = self.world.anyone.clone();
        let epochs = [self.epoch];
        self.send::<Booked>(&anyone, calls::book(&epochs, operators));
        let mut rewards = vec![Reward::default(); count];
        let (_, events) = self.world.history.last().expect("just sent");
        for event in events {
            if let Event::RewardsBooked(booked) = event {
                for (operator, amount, liquid, returned) in booked.rewards.iter().copied() {
                    rewards[operator as usize] = Reward {
                        amount,
                        liquid,
                        returned,
                    };
                }
            }
        }
        rewards
    }

    /// Does something and goes back to where it began.
    pub fn as_if<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.world.chain.snapshot(), self.books.clone());
        let result = act(self);
        self.world.chain.restore(&before.0);
        self.books = before.1;
        result
    }

    /// The whole epoch with a diligent keeper, from the start to the booking.
    pub fn whole(&mut self, plan: &Plan, people: &[Person]) -> Vec<Reward> {
        self.set(plan, people);
        self.work(people, 1, plan.seed);
        self.settle();
        self.raise_all(people.len(), plan.seed);
        self.book(people.len(), plan.seed)
    }
}

/// A list to raise with the open pool somewhere in it.
pub fn with_pool(mut list: Vec<OperatorIndex>, seed: u64) -> Vec<OperatorIndex> {
    list.insert(seed as usize % (list.len() + 1), OPEN_POOL);
    list
}

/// Everybody's work in so many batches, each figure whole or in two pieces.
pub fn cut(people: &[Person], batches: usize, seed: u64) -> Vec<Vec<Entry>> {
    let mut cuts = vec![Vec::new(); batches];
    for (k, person) in people.iter().enumerate() {
        let drawn = scramble(seed, k);
        let first = drawn as usize % batches;
        let second = (first + 1) % batches;
        let piece = |whole: u64, salt: usize| match scramble(drawn, salt) % 3 {
            _ if first == second => whole,
            0 => whole,
            1 => whole / 2,
            _ => 0,
        };
        let (f, b, fees) = (
            piece(person.fragment, 0),
            piece(person.bulk, 1),
            piece(person.fees, 2),
        );
        let operator = k as OperatorIndex;
        cuts[first].push(entry(operator, f, b, fees));
        if first != second {
            let rest = entry(
                operator,
                person.fragment - f,
                person.bulk - b,
                person.fees - fees,
            );
            cuts[second].push(rest);
        }
    }
    cuts
}

thread_local! {
    /// Each test has a thread, and on it chains of its own: for few people, and for many.
    static PLAYS: RefCell<[Option<Play>; 2]> = const { RefCell::new([None, None]) };
}

/// Plays with enough operators for a plan.
pub fn with_play<T>(plan: &Plan, act: impl FnOnce(&mut Play) -> T) -> T {
    PLAYS.with(|plays| {
        let large = plan.people.len() > FEW;
        let place = &mut plays.borrow_mut()[usize::from(large)];
        let count = if large { MANY } else { FEW } + SPARE;
        let play = place.get_or_insert_with(|| Play::new(count));
        play.books = None;
        act(play)
    })
}

/// What came of an epoch.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The reserve that the epoch found, and its budget.
    pub reserve: u128,
    pub budget: u128,
    /// The epoch at the full level.
    pub view: EpochView,
    /// What everybody was booked at the full level, and at a level that lazy keepers left.
    pub full: Vec<Reward>,
    pub lazy: Vec<Reward>,
    /// The ledger and the contract's tokens after each message.
    pub books: Vec<(LedgerView, U256)>,
}

impl Outcome {
    /// Plays an epoch to its end.
    pub fn of(plan: &Plan) -> Self {
        with_play(plan, |play| {
            let count = plan.people.len();
            play.books = Some(Vec::new());
            play.set(plan, &plan.people);
            play.work(&plan.people, 1 + plan.seed as usize % 3, plan.seed);
            let (reserve, budget) = play.settle();
            let lazy = play.as_if(|play| {
                let some = count / 2;
                let list = with_pool(order(plan.seed ^ 1, count), plan.seed);
                play.raise(&list[..some]);
                play.book(count, plan.seed)
            });
            play.raise_all(count, plan.seed);
            play.world.go_to_final(play.epoch);
            let view = play.view();
            let full = play.book_now(&order(plan.seed, count), count);
            let anyone = play.world.anyone.clone();
            let all: Vec<OperatorIndex> = (0..count as OperatorIndex).collect();
            for some in all.chunks(CLAIMED_AT_ONCE) {
                play.send::<Claimed>(&anyone, calls::claim_many(some));
            }
            Self {
                reserve,
                budget,
                view,
                full,
                lazy,
                books: play.books.take().unwrap_or_default(),
            }
        })
    }
}
