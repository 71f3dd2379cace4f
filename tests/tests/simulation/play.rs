//! One history, in the contract and beside it.

use crate::draw::{Draw, Work};
use plimsoll_interface::mechanism::math::{mul_div_down, share_down, PPM};
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{calls, Change, OPEN_POOL};
use plimsoll_simulator::designs::{self, Design as _, Pay, Plimsoll};
use plimsoll_simulator::engine::Reserve;
use plimsoll_simulator::random::{generator, Purpose, Rng};
use plimsoll_simulator::vesting::{Schedule, Vesting};
use plimsoll_simulator::world::{Load, Operator};
use plimsoll_tests::{entry, Actor, Event, Setup, World};

/// Identities: vetted, open with a bond, and without either.
const VETTED: usize = 12;
const OPEN: usize = 12;
const OPERATORS: usize = VETTED + OPEN + 2;

/// What the reserve is funded with before the first epoch, in base units.
const FUNDED: u128 = 900_000_000_000_007;

/// What clients pay for a million work units, in base units.
const MARKET_PRICE: u128 = 12_345_679;

/// When in an epoch what is done, in ms after its start: the one before it is settled,
/// raised and booked within it, as a keeper does.
const SETTLED_AT: u64 = 400_000;
const BOOKED_AT: u64 = 600_000;
const WORKED_AT: u64 = 700_000;

/// What the simulator says of an epoch.
struct Simulated {
    epoch: Epoch,
    units: u64,
    budget: u128,
    pays: Vec<Pay>,
    liquid: Vec<u128>,
    /// What goes back to the reserve.
    returned: u128,
}

/// How often what happened, so that a history in which nothing happens proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    epochs: u32,
    idle: u32,
    raised: u32,
    open_raised: u32,
    unit_ceilings: u32,
    bond_or_fee_ceilings: u32,
    new_params: u32,
    new_tiers: u32,
    new_bonds: u32,
    rewards: u32,
    small_rewards: u32,
}

pub struct Play {
    world: World,
    draw: Draw,
    actors: Vec<Actor>,
    params: Params,
    /// Announced parameters with the epoch from which they count.
    announced: Option<(Epoch, Params)>,
    reserve: Reserve,
    luck: Rng,
    /// What the simulator paid so far.
    paid: u128,
    /// The epoch that is not settled yet.
    open: Option<Simulated>,
    pub seen: Seen,
}

impl Play {
    /// A contract with operators and a funded reserve, before genesis.
    pub fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let mut setup = Setup::default();
        // So that an epoch is final well within the next one.
        setup.settings.times.attest_window = 200_000;
        setup.settings.times.review_window = 200_000;
        setup.settings.times.level_window = 200_000;
        // The simulator has fees in base units.
        setup.settings.fee_unit = 1;
        if seed > 1 {
            setup.params = draw.params();
        }
        let params = setup.params;
        let mut world = World::with(setup);
        world.audited = false;
        let registered = world.register_many(OPERATORS as u32);
        let bank = world.bank.clone();
        world.approve(&bank);
        world.send::<()>(&bank, calls::fund(FUNDED)).done();
        let vetted: Vec<OperatorIndex> = (0..VETTED as OperatorIndex).collect();
        world.vouch(&vetted);
        for operator in VETTED..VETTED + OPEN {
            let amount = 100 + u128::from(draw.magnitude(46));
            let message = calls::bond(operator as OperatorIndex, amount);
            world.send::<()>(&bank, message).done();
        }
        Self {
            world,
            draw,
            actors: registered.into_iter().map(|(_, actor)| actor).collect(),
            params,
            announced: None,
            reserve: Reserve::funded(FUNDED),
            luck: generator(seed, 0, Purpose::Luck),
            paid: 0,
            open: None,
            seen: Seen::default(),
        }
    }

    fn to(&mut self, epoch: Epoch, ms: u64) {
        let at = self.world.start_of(epoch) + ms;
        self.world.go_to(at);
    }

    /// Lets everybody work in `epoch`, and the simulator say what that comes to.
    pub fn work(&mut self, epoch: Epoch) {
        self.to(epoch, WORKED_AT);
        if let Some((from, params)) = self.announced {
            if from <= epoch {
                self.params = params;
                self.announced = None;
                self.seen.new_params += 1;
            }
        }
        assert_eq!(self.world.params(epoch), self.params, "in {epoch}");
        let operators = self.operators(epoch);
        let idle = self.draw.once_in(9);
        let mut load = Load::idle(OPERATORS);
        for (k, operator) in operators.iter().enumerate() {
            let counts = operator.vetted || operator.bond >= self.world.settings().min_open_bond;
            let Work { fragment, bulk } = self.draw.work();
            if counts && !idle {
                load.fragment[k] = fragment;
                load.bulk[k] = bulk;
                load.jobs[k] = u64::from(fragment + bulk > 0);
            }
        }
        self.attest(epoch, &load);
        self.simulate(epoch, &operators, &load);
    }

    /// Who counts as what in `epoch`, as the contract has it.
    fn operators(&mut self, epoch: Epoch) -> Vec<Operator> {
        let identity = |k: u32, status, bond| Operator {
            owner: k,
            class: 0,
            country: 0,
            cards: 1,
            vetted: status == Status::Vetted,
            channel: false,
            stake: bond,
            bond,
            electricity: 0.0,
            capacity: 0.0,
        };
        (0..OPERATORS as OperatorIndex)
            .map(|k| {
                let status = self.world.operator(k).status;
                identity(k, status, self.world.bond_at(epoch, k))
            })
            .collect()
    }

    /// Attests the work of an epoch, in one to three batches.
    fn attest(&mut self, epoch: Epoch, load: &Load) {
        let worked: Vec<usize> = (0..OPERATORS).filter(|k| load.units(*k) > 0).collect();
        let batches = 1 + self.draw.one_of(3);
        let mut cut: Vec<Vec<Entry>> = vec![Vec::new(); batches];
        for k in worked {
            let index = k as OperatorIndex;
            let units = u128::from(load.units(k));
            let fees = mul_div_down(units, MARKET_PRICE, PPM.into()).expect("below 2^64");
            let whole = entry(index, load.fragment[k], load.bulk[k], fees as u64);
            let batch = self.draw.one_of(batches);
            if batches == 1 || self.draw.once_in(2) {
                cut[batch].push(whole);
                continue;
            }
            // Some of it in one batch and the rest in the next.
            let first = entry(index, whole.fragment / 3, whole.bulk / 2, whole.fees / 5);
            cut[(batch + 1) % batches].push(entry(
                index,
                whole.fragment - first.fragment,
                whole.bulk - first.bulk,
                whole.fees - first.fees,
            ));
            cut[batch].push(first);
        }
        let lanes = self.world.settings().lanes;
        for (lane, entries) in (0..).zip(cut) {
            if entries.is_empty() {
                continue;
            }
            let batch = self.world.batch(epoch, lane % lanes, &entries);
            let credited = self.world.attest(&batch).done();
            assert_eq!(
                credited.credited as usize,
                entries.len(),
                "nobody is skipped"
            );
        }
    }

    fn simulate(&mut self, epoch: Epoch, operators: &[Operator], load: &Load) {
        let design = Plimsoll {
            params: self.params,
        };
        let units = load.total();
        let found = self.reserve.at_start(epoch);
        let budget = design.budget(&self.params, found, epoch, units);
        let mut pays = vec![Pay::default(); OPERATORS];
        let returned = design.start(OPERATORS).pay(
            &designs::Epoch {
                number: epoch,
                budget,
                operators,
                active: &[true; OPERATORS],
                load,
                market_price: MARKET_PRICE,
            },
            &mut self.luck,
            &mut pays,
        );
        self.reserve.settle(epoch, budget, returned);
        let emission = share_down(found, self.params.rate);
        self.seen.unit_ceilings += u32::from(units > 0 && budget < emission);
        let liquid = pays.iter().zip(operators).map(|(pay, operator)| {
            let schedule = &Schedule::default();
            Vesting::Plimsoll.liquid(&self.params, schedule, pay.amount, budget, operator.vetted)
        });
        self.open = Some(Simulated {
            epoch,
            units,
            budget,
            liquid: liquid.collect(),
            pays,
            returned,
        });
    }

    /// In `now`, settles, raises and books the epoch before it, and compares.
    pub fn settle_before(&mut self, now: Epoch) {
        let Some(simulated) = self.open.take() else {
            return;
        };
        self.seen.epochs += 1;
        let epoch = simulated.epoch;
        assert_eq!(epoch + 1, now);
        self.to(now, SETTLED_AT);
        let mut booked = vec![(0, 0); OPERATORS];
        let mut returned = 0;
        if simulated.units > 0 {
            let settled = self.world.settle().done();
            assert_eq!((settled.epoch, settled.budget), (epoch, simulated.budget));
            self.raise(epoch);
            self.to(now, BOOKED_AT);
            let order = self.order();
            self.world.book(&[epoch], &order).done();
            let (_, events) = self.world.history.last().expect("just sent");
            for event in events {
                match event {
                    Event::RewardsBooked(event) => {
                        for (k, amount, liquid, back) in &event.rewards {
                            booked[*k as usize] = (*amount, *liquid);
                            returned += back;
                            self.seen.bond_or_fee_ceilings += u32::from(*back > 0);
                        }
                    }
                    Event::EpochClosed(event) => returned += event.leftover,
                    _ => {}
                }
            }
        } else {
            self.seen.idle += 1;
            assert_eq!(simulated.budget, 0);
        }
        let expected: Vec<(u128, u128)> = simulated
            .pays
            .iter()
            .zip(&simulated.liquid)
            .map(|(pay, liquid)| (pay.amount, *liquid))
            .collect();
        assert_eq!(booked, expected, "rewards and liquid parts of {epoch}");
        assert_eq!(returned, simulated.returned, "what {epoch} leaves over");
        self.seen.rewards += booked.iter().filter(|(amount, _)| *amount > 0).count() as u32;
        let small = |(amount, liquid): &&(u128, u128)| *amount > 0 && amount == liquid;
        self.seen.small_rewards += booked.iter().filter(small).count() as u32;

        self.paid += booked.iter().map(|(amount, _)| amount).sum::<u128>();
        let ledger = self.world.ledger();
        assert_eq!(ledger.reserve, self.reserve.at_start(now), "at {now}");
        assert_eq!(ledger.inflows, returned, "to count from {}", now + 1);
        assert_eq!(ledger.pots, self.reserve.out() - self.paid, "dust at {now}");
        self.world.audit();
    }

    /// Raises until nobody is eligible.
    fn raise(&mut self, epoch: Epoch) {
        let mut list = self.order();
        let place = self.draw.one_of(list.len() + 1);
        list.insert(place, OPEN_POOL);
        loop {
            let raised = self.world.raise(epoch, &list).done();
            if raised == 0 {
                break;
            }
            self.seen.raised += raised;
        }
        let view = self.world.epoch(epoch).expect("there was a batch");
        let open = view.settlement.is_some_and(|s| s.open_raised);
        self.seen.open_raised += u32::from(open);
    }

    /// Everybody, in any order.
    fn order(&mut self) -> Vec<OperatorIndex> {
        let mut order: Vec<OperatorIndex> = (0..OPERATORS as OperatorIndex).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, self.draw.one_of(last + 1));
        }
        order
    }

    /// Bonds, tiers and parameters that count from the next epoch on, or later.
    pub fn change(&mut self, epoch: Epoch) {
        for k in 0..OPERATORS as OperatorIndex {
            if !self.draw.once_in(12) {
                continue;
            }
            let view = self.world.operator(k);
            let actor = self.actors[k as usize].clone();
            let (bank, registrar) = (self.world.bank.clone(), self.world.registrar.clone());
            let vetted = view.next_status == Status::Vetted;
            match self.draw.one_of(4) {
                0 if vetted => {
                    self.world.send::<()>(&registrar, calls::revoke(k)).done();
                    self.seen.new_tiers += 1;
                }
                0 => {
                    self.world.send::<()>(&registrar, calls::vouch(&[k])).done();
                    self.seen.new_tiers += 1;
                }
                1 if !vetted && view.bonded > 0 && view.unbonding.is_empty() => {
                    let amount = 1 + u128::from(self.draw.magnitude(63)) % view.bonded;
                    self.world
                        .send::<u128>(&actor, calls::unbond(k, amount))
                        .done();
                    self.seen.new_bonds += 1;
                }
                _ if !vetted => {
                    let amount = 100 + u128::from(self.draw.magnitude(46));
                    self.world.send::<()>(&bank, calls::bond(k, amount)).done();
                    self.seen.new_bonds += 1;
                }
                _ => {}
            }
        }
        if self.announced.is_none() && self.draw.once_in(6) {
            let params = self.draw.params();
            let id = self.world.queue(&Change::Params(params)).done();
            let change = self.world.change(id).expect("just announced");
            assert!(change.from > epoch);
            self.announced = Some((change.from, params));
        }
    }
}

impl Seen {
    /// Adds what happened in another history.
    pub fn add(&mut self, other: &Self) {
        let mut other = *other;
        for ((_, sum), (_, one)) in self.counts().into_iter().zip(other.counts()) {
            *sum += *one;
        }
    }

    fn counts(&mut self) -> [(&'static str, &mut u32); 11] {
        [
            ("epochs", &mut self.epochs),
            ("idle epochs", &mut self.idle),
            ("raised operators", &mut self.raised),
            ("raised open pools", &mut self.open_raised),
            ("unit ceilings that bind", &mut self.unit_ceilings),
            (
                "bond and fee ceilings that bind",
                &mut self.bond_or_fee_ceilings,
            ),
            ("new parameters", &mut self.new_params),
            ("new tiers", &mut self.new_tiers),
            ("new bonds", &mut self.new_bonds),
            ("rewards", &mut self.rewards),
            ("rewards that are liquid whole", &mut self.small_rewards),
        ]
    }

    /// Everything happened often enough to say something.
    pub fn check(mut self, epochs: u32) {
        assert_eq!(self.epochs, epochs);
        for (what, count) in self.counts() {
            println!("{what}: {count}");
            assert!(*count >= 5, "only {count} {what}");
        }
    }
}
