//! What capital returns to an entrant: early, late, large, or without any work.
//!
//! An entrant buys cards and stake, in whatever proportion returns most, and is paid by the design's
//! own code over a whole history in which it does its share of the work. Early and late
//! are compared fairly: the same capital, in for the same number of epochs, in the same
//! history; see [`Dates`].

use crate::designs::{Design, Epoch, Pay};
use crate::engine::Reserve;
use crate::random::Rng;
use crate::room;
use crate::world::{Load, Operator};
use plimsoll_mechanism::params::Params;

/// What surrounds an entrant: prices, costs, and whose jobs it can get.
pub trait Surroundings {
    /// Price of the token in an epoch, in EUR per base unit; above 0.
    fn eur_per_base_unit(&self, epoch: u32) -> f64;

    /// What clients pay for a million work units in an epoch, in base units.
    fn market_price(&self, epoch: u32) -> u128;

    /// What an operator pays to be switched on for an epoch and do `units` work units, in EUR.
    fn running_cost(&self, operator: &Operator, units: u64) -> f64;

    /// What an operator is left of the fees for `units` work units, in EUR.
    fn fees(&self, units: u64) -> f64;

    /// Whether jobs that went to `operator` could as well go to `entrant`: by default those
    /// of the operators that have a channel to large clients if it has one, or have none.
    fn competes(&self, entrant: &Operator, operator: &Operator) -> bool {
        entrant.channel == operator.channel
    }
}

/// A recorded history without the entrant.
#[derive(Clone, Copy)]
pub struct History<'a> {
    /// Who takes part.
    pub operators: &'a [Operator],
    /// Their work, by epoch.
    pub loads: &'a [Load],
    /// The mechanism's parameters, for the budget.
    pub params: Params,
    /// The reserve at the start, in base units.
    pub reserve: u128,
    /// Epochs in a year.
    pub epochs_per_year: f64,
    /// Prices and costs.
    pub surroundings: &'a dyn Surroundings,
}

/// Somebody who puts capital in.
#[derive(Clone, Debug, PartialEq)]
pub struct Entrant {
    /// As in the findings: `early`, `late`, `large late`, `late, stake only`.
    pub name: &'static str,
    /// What it puts in, in EUR; above 0.
    pub capital: f64,
    /// The epoch in which it enters.
    pub entry: u32,
    /// Epochs it is in; at least 1, and at most what the history has from `entry` on.
    pub stay: u32,
    /// Whether it buys cards; if not, all is stake.
    pub works: bool,
}

/// What an entrant buys, and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Price of a card with its part of the host, in EUR; above 0.
    pub card_price: f64,
    /// Work that a card can do in an epoch at full load, in work units.
    pub card_capacity: f64,
    /// The operator it becomes: class, country, electricity and channel are taken from
    /// here, and whether it is vetted, if it works. Capital alone is never vetted.
    pub like: Operator,
}

/// What became of an entrant's capital.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Returned {
    /// Cards bought.
    pub cards: u32,
    /// Stake bought, in base units.
    pub stake: u128,
    /// Rewards, each in EUR of its epoch.
    pub rewards: f64,
    /// What clients paid for its work, in EUR.
    pub fees: f64,
    /// Running cost, in EUR.
    pub running_cost: f64,
    /// Rewards and fees less running cost, over capital and a year of being in.
    pub per_year: f64,
}

/// When entrants enter and for how long they are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// The epoch in which the late enter; the early enter in epoch 0.
    pub late: u32,
    /// Epochs that each is in; at least 1.
    pub stay: u32,
}

impl Dates {
    /// Dates in a history of `horizon` epochs (at least 2), of which the late enter in epoch
    /// `late`. Both are rounded down to whole `interval`s, so that a design that pays by
    /// intervals has paid early and late for the same epochs; not so if there is no whole
    /// interval before or after.
    #[must_use]
    pub fn new(horizon: u32, late: u32, interval: u32) -> Self {
        let whole = |epochs: u32| {
            let rounded = epochs - epochs % interval.max(1);
            if rounded > 0 {
                rounded
            } else {
                epochs
            }
        };
        let late = whole(late.clamp(1, horizon.max(2) - 1));
        Self {
            late,
            stay: whole(horizon.max(2) - late),
        }
    }
}

/// The four entrants of the findings, in their order: `capital` EUR early and late, `large`
/// EUR late, and `capital` EUR late in stake alone.
#[must_use]
pub fn entrants(capital: f64, large: f64, dates: Dates) -> [Entrant; 4] {
    let entrant = |name, capital, entry, works| Entrant {
        name,
        capital,
        entry,
        stay: dates.stay,
        works,
    };
    [
        entrant("early", capital, 0, true),
        entrant("late", capital, dates.late, true),
        entrant("large late", large, dates.late, true),
        entrant("late, stake only", capital, dates.late, false),
    ]
}

/// How many cards the entrant best buys; the rest of its capital becomes stake.
///
/// It tries as many as it can pay for, three quarters, a half and a quarter of them, and one;
/// of those that return the same, the most. 0 if it does not work or cannot pay for one.
#[must_use]
pub fn best_cards(
    design: &dyn Design,
    history: &History<'_>,
    entrant: &Entrant,
    offer: &Offer,
    luck: &mut Rng,
) -> u32 {
    if !entrant.works {
        return 0;
    }
    // A saturating cast; nobody pays for four billion cards.
    let most = (entrant.capital / offer.card_price) as u32;
    let mut choices = vec![most, most / 4 * 3, most / 2, most / 4, 1];
    choices.retain(|cards| (1..=most).contains(cards));
    choices.dedup();
    let mut best = (most, f64::NEG_INFINITY);
    for cards in choices {
        let returned = invest(design, history, entrant, offer, cards, luck).per_year;
        // What rounding makes of the same return is not more of it.
        if returned > best.1 + 1e-9 {
            best = (cards, returned);
        }
    }
    best.0
}

/// Puts the entrant's capital into `cards` cards, and into stake what they leave.
///
/// The work it gets is that of its competitors in proportion to capacity. Pay is what can be
/// expected before lots are drawn, in EUR at the price of its epoch; what stake and cards
/// are worth at the end is not in it.
///
/// # Panics
/// If the history is shorter than the entrant is in.
#[must_use]
pub fn invest(
    design: &dyn Design,
    history: &History<'_>,
    entrant: &Entrant,
    offer: &Offer,
    cards: u32,
    luck: &mut Rng,
) -> Returned {
    let around = history.surroundings;
    let own = history.operators.len();
    let newcomer = buy(history, entrant, offer, cards);
    let stake = newcomer.stake;
    let share = share_of_work(history, &newcomer);
    let competes: Vec<bool> = history
        .operators
        .iter()
        .map(|operator| around.competes(&newcomer, operator))
        .collect();

    // Until it enters it is there by name only.
    let mut operators = history.operators.to_vec();
    operators.push(Operator {
        stake: 0,
        bond: 0,
        ..newcomer.clone()
    });
    let mut active = vec![true; own];
    active.push(false);
    let mut pay = vec![Pay::default(); own + 1];
    let mut payer = design.start(own + 1);
    let mut reserve = Reserve::funded(history.reserve);
    let (mut rewards, mut fees, mut running_cost) = (0.0, 0.0, 0.0);
    let end = entrant.entry + entrant.stay;
    for (number, load) in (0..end).zip(&history.loads[..end as usize]) {
        let mut load = load.clone();
        let mut work = room::Work::default();
        if number == entrant.entry {
            operators[own] = newcomer.clone();
            active[own] = true;
        }
        if number >= entrant.entry {
            (load, work) = room::make(&load, share, |index| competes[index]);
        }
        load.jobs.push(work.jobs);
        load.fragment.push(work.fragment);
        load.bulk.push(work.bulk);
        let budget = design.budget(
            &history.params,
            reserve.at_start(number),
            number,
            load.total(),
        );
        let epoch = Epoch {
            number,
            budget,
            operators: &operators,
            active: &active,
            load: &load,
            market_price: around.market_price(number),
        };
        let returned = payer.pay(&epoch, luck, &mut pay);
        reserve.settle(number, budget, returned);
        if number >= entrant.entry {
            rewards += pay[own].expected as f64 * around.eur_per_base_unit(number);
            fees += around.fees(work.units());
            if cards > 0 {
                running_cost += around.running_cost(&newcomer, work.units());
            }
        }
    }
    let years = f64::from(entrant.stay) / history.epochs_per_year;
    Returned {
        cards,
        stake,
        rewards,
        fees,
        running_cost,
        per_year: (rewards + fees - running_cost) / (entrant.capital * years),
    }
}

/// The operator that the capital makes of an entrant.
fn buy(history: &History<'_>, entrant: &Entrant, offer: &Offer, cards: u32) -> Operator {
    let left = (entrant.capital - f64::from(cards) * offer.card_price).max(0.0);
    let price = history.surroundings.eur_per_base_unit(entrant.entry);
    let stake = (left / price) as u128;
    Operator {
        owner: history
            .operators
            .iter()
            .map(|operator| operator.owner)
            .max()
            .map_or(0, |owner| owner.saturating_add(1)),
        cards,
        vetted: offer.like.vetted && entrant.works,
        stake,
        bond: stake,
        capacity: f64::from(cards) * offer.card_capacity,
        ..offer.like.clone()
    }
}

/// The newcomer's share of the work of its competitors, in parts of a whole: that of its
/// capacity in theirs and its own.
fn share_of_work(history: &History<'_>, newcomer: &Operator) -> u128 {
    let others: f64 = history
        .operators
        .iter()
        .filter(|operator| history.surroundings.competes(newcomer, operator))
        .map(|operator| operator.capacity)
        .sum();
    if newcomer.capacity > 0.0 {
        room::parts(newcomer.capacity / (others + newcomer.capacity))
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::designs::{Plimsoll, ProRata, RocketPool, Stake};
    use crate::random::{generator, Purpose};

    /// A base unit costs a cent, a card costs a euro an epoch and a cent a unit.
    struct Plain;

    impl Surroundings for Plain {
        fn eur_per_base_unit(&self, _: u32) -> f64 {
            0.01
        }

        fn market_price(&self, _: u32) -> u128 {
            0
        }

        fn running_cost(&self, operator: &Operator, units: u64) -> f64 {
            f64::from(operator.cards) + 0.01 * units as f64
        }

        fn fees(&self, _: u64) -> f64 {
            0.0
        }
    }

    /// A tenth of what is left every epoch.
    fn params() -> Params {
        Params {
            rate: 100_000,
            unit_ceiling: None,
            fee_multiple: None,
            fragment_floor: 0,
            fragment_premium: 1_000_000,
            operator_cap: 1_000_000,
            open_ceiling: 1_000_000,
            uplift: 1_000_000,
            bond_leverage: 1_000,
            liquid_share: 250_000,
            liquid_allowance: 100_000,
        }
    }

    fn operator() -> Operator {
        Operator {
            owner: 0,
            class: 0,
            country: 0,
            cards: 10,
            vetted: true,
            channel: false,
            stake: 90_000,
            bond: 90_000,
            electricity: 0.3,
            capacity: 900.0,
        }
    }

    struct Scene {
        operators: Vec<Operator>,
        loads: Vec<Load>,
    }

    impl Scene {
        /// One operator that does 800 units, and 10 jobs, in each of so many epochs.
        fn new(epochs: usize) -> Self {
            Self {
                operators: vec![operator()],
                loads: vec![
                    Load {
                        jobs: vec![10],
                        fragment: vec![800],
                        bulk: vec![0],
                    };
                    epochs
                ],
            }
        }

        fn history(&self) -> History<'_> {
            History {
                operators: &self.operators,
                loads: &self.loads,
                params: params(),
                reserve: 1_000_000_000,
                epochs_per_year: 8.0,
                surroundings: &Plain,
            }
        }
    }

    /// Cards of 500 EUR that can do 100 units an epoch.
    fn offer() -> Offer {
        Offer {
            card_price: 500.0,
            card_capacity: 100.0,
            like: operator(),
        }
    }

    /// Two epochs, the late in epoch `late`.
    fn at(late: u32) -> Dates {
        Dates { late, stay: late }
    }

    fn luck() -> Rng {
        generator(1, 1, Purpose::Luck)
    }

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-6 * other.abs()
    }

    #[test]
    fn an_entrant_is_paid_for_its_share_of_the_work_less_what_it_costs() {
        let scene = Scene::new(8);
        let [early, late, large, _] = entrants(500.0, 5_000.0, at(2));
        let put_in = |entrant: &Entrant, cards| {
            invest(
                &ProRata,
                &scene.history(),
                entrant,
                &offer(),
                cards,
                &mut luck(),
            )
        };
        // One card: 100 of 1,000 units of capacity, so a tenth of the work: 80 units, which
        // cost 1 + 0.8 EUR. It is paid a tenth of 10^8 and of 0.9 * 10^8, at a cent each, and
        // is in for a quarter of a year.
        let got = put_in(&early, 1);
        assert_eq!((got.cards, got.stake), (1, 0));
        assert!(close(got.rewards, 190_000.0), "{got:?}");
        assert!(close(got.running_cost, 3.6), "{got:?}");
        assert!(close(got.per_year, (190_000.0 - 3.6) / 500.0 * 4.0));
        // Two epochs later 0.81 of that is left to be divided.
        let got = put_in(&late, 1);
        assert!(close(got.rewards, 0.81 * 190_000.0), "{got:?}");
        // Ten cards: 1,000 of 1,900 units of capacity; ten times the capital, but not ten
        // times the work.
        let got = put_in(&large, 10);
        assert!((got.rewards / (0.81 * 1_900_000.0 * 10.0 / 19.0) - 1.0).abs() < 0.01);
    }

    #[test]
    fn what_cards_leave_becomes_stake_at_the_price_of_entry() {
        let scene = Scene::new(2);
        let [early, ..] = entrants(700.0, 700.0, at(1));
        let got = invest(&Stake, &scene.history(), &early, &offer(), 1, &mut luck());
        // 200 EUR, at a cent each, beside 90,000.
        assert_eq!((got.cards, got.stake), (1, 20_000));
        assert!(close(got.rewards, 1e6 * 2.0 / 11.0), "{got:?}");
    }

    #[test]
    fn capital_without_work_earns_by_stake_and_not_by_work() {
        // G19.
        let scene = Scene::new(4);
        let [.., idle] = entrants(100.0, 100.0, at(2));
        let put_in = |design: &dyn Design| {
            let cards = best_cards(design, &scene.history(), &idle, &offer(), &mut luck());
            assert_eq!(cards, 0);
            invest(
                design,
                &scene.history(),
                &idle,
                &offer(),
                cards,
                &mut luck(),
            )
        };
        // 10,000 base units of stake beside 90,000: a tenth of every budget.
        let got = put_in(&Stake);
        assert_eq!((got.cards, got.stake), (0, 10_000));
        assert!(close(got.rewards, 0.81 * 190_000.0), "{got:?}");
        assert_eq!(got.running_cost, 0.0);
        for design in [&ProRata as &dyn Design, &Plimsoll { params: params() }] {
            assert_eq!(put_in(design).rewards, 0.0, "{}", design.facts().id);
        }
    }

    #[test]
    fn stake_is_bought_where_it_returns_more_than_cards() {
        let scene = Scene::new(4);
        let [early, ..] = entrants(4_000.0, 4_000.0, at(2));
        let best = |design: &dyn Design| {
            best_cards(design, &scene.history(), &early, &offer(), &mut luck())
        };
        assert_eq!(best(&ProRata), 8);
        assert_eq!(best(&Stake), 1);
        let poor = Entrant {
            capital: 499.0,
            ..early
        };
        let cards = best_cards(&ProRata, &scene.history(), &poor, &offer(), &mut luck());
        assert_eq!(cards, 0);
    }

    #[test]
    fn work_comes_from_those_who_have_the_same_channels() {
        let mut scene = Scene::new(1);
        scene.operators.push(Operator {
            channel: true,
            ..operator()
        });
        scene.loads[0] = Load {
            jobs: vec![10, 1],
            fragment: vec![800, 100],
            bulk: vec![0, 7_100],
        };
        let [early, ..] = entrants(500.0, 500.0, at(1));
        let got = invest(&ProRata, &scene.history(), &early, &offer(), 1, &mut luck());
        // A tenth of 800 units, of 8,000 in all.
        assert!(close(got.rewards, 10_000.0), "{got:?}");
    }

    #[test]
    fn early_and_late_are_in_for_the_same_whole_intervals() {
        let dates = |horizon, late, interval| {
            let dates = Dates::new(horizon, late, interval);
            (dates.late, dates.stay)
        };
        assert_eq!(dates(365, 182, 28), (168, 196));
        assert_eq!(dates(365, 182, 1), (182, 183));
        assert_eq!(dates(365, 300, 28), (280, 84));
        assert_eq!(dates(20, 10, 28), (10, 10));
        assert_eq!(dates(1, 5, 0), (1, 1));
        // With 4 epochs in an interval, epochs 8 to 16 are two intervals.
        let scene = Scene::new(17);
        let [early, late, ..] = entrants(1_000.0, 1_000.0, Dates::new(17, 9, 4));
        assert_eq!((early.stay, late.entry), (8, 8));
        let design = RocketPool {
            interval: 4,
            fee: 0,
        };
        let put_in = |entrant: &Entrant| {
            invest(&design, &scene.history(), entrant, &offer(), 1, &mut luck()).rewards
        };
        // One card of ten that worked, both times paid twice, for all of its eight epochs; the
        // second time of what is left.
        let left = libm::pow(0.9, 8.0);
        let all = 0.1 * 1e9 * (1.0 - left) * 0.01;
        assert!(close(put_in(&early), all));
        assert!(close(put_in(&late), left * all));
    }
}
