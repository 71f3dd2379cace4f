//! A design, the honest, and the attacker among them.

use super::strategy::{Dial, Dials, Space, Strategy, Tier, DATES};
use super::Setting;
use crate::designs::{Design, Epoch, Pay};
use crate::random::{generator, Purpose};
use crate::room::{self, Work, WHOLE};
use crate::world::{Load, Operator};
use std::cmp::Reverse;
use std::collections::VecDeque;

/// The longest interval between two payments of a design, in epochs.
const LONGEST_INTERVAL: u32 = 64;

/// What a strategy brought, in base units an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Net pay of the owner, and of its partner if there is one.
    pub net: f64,
    /// Pay of the same people with the same resources, all honest.
    pub honest: f64,
    /// Their plain share of the budget: what a gain is measured against if honesty is
    /// paid nothing.
    pub plain: f64,
    /// Pay of the smaller half of the honest.
    pub small: f64,
    /// The same when all are honest.
    pub small_honest: f64,
    /// The budget of an epoch, by which pay becomes a share.
    pub budget: f64,
}

impl Outcome {
    /// Gain, as a share of the honest pay (of the plain share of the budget if that is 0).
    #[must_use]
    pub fn gain(&self) -> f64 {
        let base = if self.honest > 0.0 {
            self.honest
        } else {
            self.plain
        };
        if base > 0.0 {
            (self.net - self.honest) / base
        } else {
            0.0
        }
    }

    /// What the smaller half of the honest lose, as a share of their honest pay; below 0
    /// if they gain.
    #[must_use]
    pub fn small_lose(&self) -> f64 {
        if self.small_honest > 0.0 {
            (self.small_honest - self.small) / self.small_honest
        } else {
            0.0
        }
    }
}

/// Where strategies are played.
pub struct Stage<'a> {
    design: &'a dyn Design,
    setting: &'a Setting<'a>,
    space: Space,
    /// Number of the honest.
    honest: usize,
    /// The attacker's, before it is split up.
    own: Operator,
    /// Its honest work, by sample epoch.
    work: Vec<Work>,
    /// Epochs between payments.
    interval: u32,
    /// The reserve by date, if everybody is honest.
    reserves: Vec<u128>,
    /// Everybody, the attacker's identities last.
    operators: Vec<Operator>,
    active: Vec<bool>,
    /// Honest work of the others, by sample epoch.
    others: Vec<Load>,
    /// Everybody's work, by sample epoch.
    loads: Vec<Load>,
    /// Pay of the honest when all are, the attacker's last; base units an epoch.
    fair: Vec<f64>,
    /// Mean budget of an epoch at the date at which all but entry is looked at.
    budget: f64,
    /// Who belongs to the smaller half, by work.
    small: Vec<bool>,
    paid: Vec<f64>,
    pay: Vec<Pay>,
}

impl<'a> Stage<'a> {
    /// The stage for an attacker with the share `size` (above 0, below 1) of all work,
    /// stake and cards.
    ///
    /// # Panics
    /// If the setting has no operators or no loads.
    #[must_use]
    pub fn new(design: &'a dyn Design, setting: &'a Setting<'a>, size: f64) -> Self {
        let honest = setting.operators.len();
        let share = room::parts(size).clamp(1, WHOLE - 1);
        let own = attacker(setting, share);
        let samples = setting.loads.len();
        let (others, work): (Vec<Load>, Vec<Work>) = setting
            .loads
            .iter()
            .map(|load| room::make(load, share, |_| true))
            .unzip();
        let mean = |figure: fn(&Work) -> u64| {
            work.iter().map(|work| figure(work) as f64).sum::<f64>() / samples as f64
        };
        let space = Space::new(
            setting,
            size,
            mean(|work| work.jobs),
            mean(Work::units),
            work.iter().map(|work| work.bulk).max().unwrap_or(0),
        );
        let mut stage = Self {
            design,
            setting,
            space,
            honest,
            own,
            work,
            interval: 1,
            reserves: vec![setting.reserve],
            operators: Vec::new(),
            active: Vec::new(),
            loads: others.clone(),
            others,
            fair: Vec::new(),
            budget: 0.0,
            small: smaller_half(setting.loads, honest),
            paid: Vec::new(),
            pay: Vec::new(),
        };
        stage.cast(&Strategy::default());
        stage.interval = stage.find_interval();
        stage.let_the_honest_be_paid();
        stage
    }

    /// What can be done on it.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The design that pays.
    #[must_use]
    pub fn design(&self) -> &'a dyn Design {
        self.design
    }

    /// Where a search for mergers starts: with each of the honest, or so many of them,
    /// evenly spaced, and a loan from each of those with the most stake.
    #[must_use]
    pub fn mergers(&self) -> Vec<Dials> {
        const MOST: usize = 200;
        const LENDERS: usize = 50;
        let start = |partner: usize, lent: u32| {
            let mut dials = Dials::default();
            dials[Dial::Partner as usize] = partner as u32 + 1;
            dials[Dial::Lent as usize] = lent;
            dials
        };
        let mut by_stake: Vec<usize> = (0..self.honest).collect();
        by_stake.sort_by_key(|index| (Reverse(self.setting.operators[*index].stake), *index));
        let loans = by_stake.iter().take(LENDERS).map(|index| start(*index, 3));
        let step = self.honest.div_ceil(MOST);
        let mergers = (0..self.honest).step_by(step).map(|index| start(index, 11));
        mergers.chain(loans).collect()
    }

    /// Lets the design pay everybody when the attacker does what `strategy` says.
    pub fn play(&mut self, strategy: &Strategy) -> Outcome {
        self.cast(strategy);
        self.pay_everybody(strategy.entry);
        let partner = strategy.partner;
        let mut net: f64 = self.paid[self.honest..].iter().sum();
        let mut honest = self.fair[self.honest];
        let mut plain = self.space.size * self.budget;
        if let Some(partner) = partner {
            net += self.paid[partner];
            honest += self.fair[partner];
            plain *= 2.0;
        }
        let (mut small, mut small_honest) = (0.0, 0.0);
        for index in 0..self.honest {
            if self.small[index] && partner != Some(index) {
                small += self.paid[index];
                small_honest += self.fair[index];
            }
        }
        Outcome {
            net: net - self.costs(strategy),
            honest,
            plain,
            small,
            small_honest,
            budget: self.budget,
        }
    }

    /// What a strategy costs, in base units an epoch.
    fn costs(&self, strategy: &Strategy) -> f64 {
        let terms = &self.setting.terms;
        let rent = strategy.rented as f64 * terms.rent_per_year / terms.epochs_per_year;
        let million = strategy.fake * self.space.units / 1e6;
        let burnt = million * self.setting.market_price as f64 * terms.burnt_share;
        let running = million * terms.running_cost_per_million_units_eur;
        let identities = f64::from(strategy.identities() - 1) * terms.identity_cost_eur_per_year
            / terms.epochs_per_year;
        let money = running + identities;
        // Whoever has to pay money and earns a token worth nothing never gets it back.
        let money = if money > 0.0 {
            money / self.setting.eur_per_base_unit
        } else {
            0.0
        };
        rent + burnt + money
    }

    /// Puts the attacker's identities and their work beside the honest.
    fn cast(&mut self, strategy: &Strategy) {
        let first = strategy.first as usize;
        let all = strategy.identities() as usize;
        let mut own = self.own.clone();
        own.stake += strategy.rented;
        own.bond += strategy.rented;
        self.operators.clear();
        self.operators.extend_from_slice(self.setting.operators);
        self.active.clear();
        self.active.resize(self.honest + all, true);
        let mut merged = None;
        if let Some(partner) = strategy.partner {
            let lender = &mut self.operators[partner];
            let tenths = u128::from(strategy.lent.min(10));
            for (from, to) in [
                (&mut lender.stake, &mut own.stake),
                (&mut lender.bond, &mut own.bond),
            ] {
                let lent = *from * tenths / 10;
                *from -= lent;
                *to += lent;
            }
            if strategy.lent > 10 {
                own.cards += lender.cards;
                own.capacity += lender.capacity;
                self.active[partner] = false;
                merged = Some(partner);
            }
        }
        for index in 0..all {
            let place = Place { index, first, all };
            // Cards go where the work is; an identity without one lives on another's.
            let cards = place.part(u128::from(own.cards), strategy.work);
            self.operators.push(Operator {
                vetted: own.vetted && index < first,
                stake: place.part(own.stake, strategy.stake),
                bond: place.part(own.bond, strategy.stake),
                cards: u32::try_from(cards).unwrap_or(u32::MAX),
                capacity: own.capacity * cards as f64 / f64::from(own.cards),
                ..own.clone()
            });
        }
        let work = self.handed_in(strategy, merged);
        for (epoch, work) in work.iter().enumerate() {
            let load = &mut self.loads[epoch];
            load.clone_from(&self.others[epoch]);
            if let Some(partner) = merged {
                load.jobs[partner] = 0;
                load.fragment[partner] = 0;
                load.bulk[partner] = 0;
            }
            for index in 0..all {
                let place = Place { index, first, all };
                for (figures, total) in [
                    (&mut load.jobs, work.jobs),
                    (&mut load.fragment, work.fragment),
                    (&mut load.bulk, work.bulk),
                ] {
                    let part = place.part(u128::from(total), strategy.work);
                    figures.push(u64::try_from(part).unwrap_or(u64::MAX));
                }
            }
        }
    }

    /// What the owner hands in, by sample epoch.
    fn handed_in(&self, strategy: &Strategy, merged: Option<usize>) -> Vec<Work> {
        let mut work = self.work.clone();
        if let Some(partner) = merged {
            for (own, others) in work.iter_mut().zip(&self.others) {
                own.jobs += others.jobs[partner];
                own.fragment += others.fragment[partner];
                own.bulk += others.bulk[partner];
            }
        }
        if strategy.limit > 0 {
            work = delayed(&work, strategy.limit);
        }
        let threshold = self.setting.terms.fragment_threshold;
        for (handed_in, honest) in work.iter_mut().zip(&self.work) {
            let joined = thousandths(handed_in.fragment, strategy.joined);
            handed_in.fragment -= joined;
            handed_in.bulk += joined;
            let spread = handed_in
                .bulk
                .min(strategy.invented.saturating_mul(threshold));
            handed_in.bulk -= spread;
            handed_in.fragment += spread;
            // Its own jobs are as large as its clients'.
            let fake = |figure: u64| (figure as f64 * strategy.fake) as u64;
            let units = fake(honest.units());
            let small = thousandths(units, strategy.fake_small);
            handed_in.jobs += fake(honest.jobs);
            handed_in.fragment += small;
            handed_in.bulk += units - small;
            handed_in.jobs *= strategy.parts;
        }
        work
    }

    /// Lets the design pay at date `entry` of the grid; fills `paid`, and returns the mean
    /// of the budget and of what of it is spent, in base units an epoch.
    fn pay_everybody(&mut self, entry: usize) -> (f64, f64) {
        // Everybody is in for half of the horizon; the middle of that stands for it.
        let middle = entry + DATES / 4;
        let date = middle.min(self.reserves.len() - 1);
        self.pay_at(middle, self.reserves[date])
    }

    fn pay_at(&mut self, date: usize, reserve: u128) -> (f64, f64) {
        let samples = self.loads.len();
        // As many epochs as make whole intervals of whole samples.
        let epochs = least_common_multiple(samples, self.interval as usize);
        let number = date as u32 * self.space.step / self.interval * self.interval;
        let all = self.operators.len();
        self.paid.clear();
        self.paid.resize(all, 0.0);
        self.pay.clear();
        self.pay.resize(all, Pay::default());
        let mut payer = self.design.start(all);
        // Expected pay is looked at: luck has no part in it.
        let mut luck = generator(0, 0, Purpose::Attack);
        let (mut budgets, mut spent) = (0.0, 0.0);
        for (epoch, number) in (0..epochs).zip(number..) {
            let load = &self.loads[epoch % samples];
            let params = &self.setting.params;
            let budget = self.design.budget(params, reserve, number, load.total());
            let epoch = Epoch {
                number,
                budget,
                operators: &self.operators,
                active: &self.active,
                load,
                market_price: self.setting.market_price,
            };
            let returned = payer.pay(&epoch, &mut luck, &mut self.pay);
            budgets += budget as f64;
            spent += budget.saturating_sub(returned) as f64;
            for (paid, pay) in self.paid.iter_mut().zip(&self.pay) {
                *paid += pay.expected as f64;
            }
        }
        for paid in &mut self.paid {
            *paid /= epochs as f64;
        }
        (budgets / epochs as f64, spent / epochs as f64)
    }

    /// How many epochs lie between payments: some designs pay by the month.
    fn find_interval(&self) -> u32 {
        let all = self.operators.len();
        let mut payer = self.design.start(all);
        let mut luck = generator(0, 0, Purpose::Attack);
        let mut pay = vec![Pay::default(); all];
        for number in 0..LONGEST_INTERVAL {
            let load = &self.loads[number as usize % self.loads.len()];
            let params = &self.setting.params;
            let reserve = self.setting.reserve;
            let epoch = Epoch {
                number,
                budget: self.design.budget(params, reserve, number, load.total()),
                operators: &self.operators,
                active: &self.active,
                load,
                market_price: self.setting.market_price,
            };
            payer.pay(&epoch, &mut luck, &mut pay);
            if pay.iter().any(|pay| pay.expected > 0) {
                return number + 1;
            }
        }
        1
    }

    /// The reserve by date, and what everybody gets, if all are honest.
    fn let_the_honest_be_paid(&mut self) {
        let last = DATES / 4 + self.space.last_entry();
        for date in 0..last {
            let reserve = self.reserves[date];
            let (_, spent) = self.pay_at(date, reserve);
            let spent = (spent * f64::from(self.space.step)) as u128;
            self.reserves.push(reserve.saturating_sub(spent));
        }
        self.budget = self.pay_everybody(0).0;
        self.fair.clone_from(&self.paid);
    }
}

/// The place of an identity among those of its owner.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    /// Identities of the first kind; the others are the further ones.
    first: usize,
    all: usize,
}

impl Place {
    /// What of `total` the identity gets; the parts of all sum up to it.
    fn part(self, total: u128, tier: Tier) -> u128 {
        let further = self.all - self.first;
        match tier {
            Tier::Thousandths(share) if further > 0 => {
                let theirs = total * u128::from(share.min(1_000)) / 1_000;
                match self.index.checked_sub(self.first) {
                    Some(index) => evenly(theirs, index, further),
                    None => evenly(total - theirs, self.index, self.first),
                }
            }
            _ => evenly(total, self.index, self.all),
        }
    }
}

/// Part `index` of `total` in `parts` parts that differ by at most one.
fn evenly(total: u128, index: usize, parts: usize) -> u128 {
    let (index, parts) = (index as u128, parts as u128);
    total / parts + u128::from(index < total % parts)
}

fn thousandths(total: u64, share: u32) -> u64 {
    let part = u128::from(total) * u128::from(share.min(1_000)) / 1_000;
    u64::try_from(part).unwrap_or(total)
}

/// The same work with at most `limit` thousandths of its mean in an epoch, the first that
/// came first. The samples are taken to follow one another again and again, so that nothing
/// is lost and nothing is won at their ends.
fn delayed(work: &[Work], limit: u32) -> Vec<Work> {
    let total: u128 = work.iter().map(|work| u128::from(work.units())).sum();
    let most = (total * u128::from(limit)).div_ceil(1_000 * work.len() as u128);
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let mut waiting = VecDeque::new();
    let mut handed_in = Vec::new();
    // After one round as much waits at the end as at the beginning.
    for _ in 0..2 {
        handed_in.clear();
        for work in work {
            waiting.push_back(*work);
            handed_in.push(take(&mut waiting, most));
        }
    }
    handed_in
}

/// Takes up to `most` units from the front.
fn take(waiting: &mut VecDeque<Work>, most: u64) -> Work {
    let mut taken = Work::default();
    while let Some(next) = waiting.front_mut() {
        let left = most - taken.units();
        let units = next.units();
        let piece = if units <= left {
            *next
        } else {
            let part = |figure: u64| {
                let part = u128::from(figure) * u128::from(left) / u128::from(units);
                u64::try_from(part).unwrap_or(figure)
            };
            let fragment = part(next.fragment);
            Work {
                jobs: part(next.jobs),
                fragment,
                bulk: (left - fragment).min(next.bulk),
            }
        };
        taken.jobs += piece.jobs;
        taken.fragment += piece.fragment;
        taken.bulk += piece.bulk;
        if units <= left {
            waiting.pop_front();
        } else {
            next.jobs -= piece.jobs;
            next.fragment -= piece.fragment;
            next.bulk -= piece.bulk;
            break;
        }
    }
    taken
}

/// The attacker before it is split up: the share `share` of all stake and cards beside the
/// honest, elsewhere like the one of them that can do most.
fn attacker(setting: &Setting<'_>, share: u128) -> Operator {
    let honest = setting.operators;
    let mut own = honest[0].clone();
    for operator in honest {
        if operator.capacity > own.capacity {
            own = operator.clone();
        }
    }
    let beside = |total: u128| {
        total / (WHOLE - share) * share + total % (WHOLE - share) * share / (WHOLE - share)
    };
    let sum = |figure: fn(&Operator) -> u128| honest.iter().map(figure).sum::<u128>();
    let cards = beside(sum(|operator| u128::from(operator.cards)));
    let capacity: f64 = honest.iter().map(|operator| operator.capacity).sum();
    Operator {
        owner: honest
            .iter()
            .map(|operator| operator.owner)
            .max()
            .map_or(0, |owner| owner.saturating_add(1)),
        vetted: setting.terms.vetted_identities > 0,
        stake: beside(sum(|operator| operator.stake)),
        bond: beside(sum(|operator| operator.bond)),
        cards: u32::try_from(cards).unwrap_or(u32::MAX).max(1),
        capacity: capacity * share as f64 / (WHOLE - share) as f64,
        ..own
    }
}

/// Who belongs to the half of the honest that did the least work.
fn smaller_half(loads: &[Load], honest: usize) -> Vec<bool> {
    let work =
        |index: usize| -> u128 { loads.iter().map(|load| u128::from(load.units(index))).sum() };
    let mut order: Vec<usize> = (0..honest).collect();
    order.sort_by_key(|index| (work(*index), *index));
    let mut small = vec![false; honest];
    for index in &order[..honest.div_ceil(2)] {
        small[*index] = true;
    }
    small
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut divisor, mut rest) = (a, b);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    a / divisor * b
}

#[cfg(test)]
mod tests {
    use super::super::Terms;
    use super::*;
    use crate::designs::ProRata;
    use plimsoll_mechanism::params::Params;

    fn work(jobs: u64, fragment: u64, bulk: u64) -> Work {
        Work {
            jobs,
            fragment,
            bulk,
        }
    }

    #[test]
    fn what_waits_is_handed_in_later_and_nothing_is_lost() {
        // The mean of 40, 0, 0 and 20 units is 15; handed in at most 18 an epoch.
        let came = [work(4, 40, 0), work(0, 0, 0), work(0, 0, 0), work(2, 0, 20)];
        let handed_in = delayed(&came, 1_200);
        let units: Vec<u64> = handed_in.iter().map(Work::units).collect();
        // Two units of the last epoch wait until the first of the next round.
        assert_eq!(units, [18, 18, 6, 18]);
        let sum = |figure: fn(&Work) -> u64| -> (u64, u64) {
            (
                came.iter().map(figure).sum(),
                handed_in.iter().map(figure).sum(),
            )
        };
        for (before, after) in [sum(|w| w.jobs), sum(|w| w.fragment), sum(|w| w.bulk)] {
            assert_eq!(before, after);
        }
        // First come, first served: the two units are bulk, as they came.
        assert_eq!((handed_in[0].fragment, handed_in[0].bulk), (16, 2));
    }

    #[test]
    fn no_more_than_the_mean_is_handed_in_at_the_tightest_limit() {
        let came = [work(0, 3, 0), work(0, 3, 0), work(0, 0, 9), work(0, 1, 0)];
        for work in delayed(&came, 1_000) {
            assert_eq!(work.units(), 4);
        }
    }

    #[test]
    fn the_parts_of_all_identities_sum_up() {
        for (tier, parts) in [
            (Tier::Evenly, [34, 33, 33]),
            (Tier::Thousandths(0), [100, 0, 0]),
            (Tier::Thousandths(505), [50, 25, 25]),
            (Tier::Thousandths(1_000), [0, 50, 50]),
        ] {
            let part = |index| {
                let place = Place {
                    index,
                    first: 1,
                    all: 3,
                };
                place.part(100, tier)
            };
            assert_eq!([0, 1, 2].map(part), parts, "{tier:?}");
        }
    }

    #[test]
    fn the_smaller_half_is_that_which_worked_less() {
        let mut load = Load::idle(5);
        load.fragment = vec![5, 1, 4, 2, 3];
        let small = smaller_half(&[load], 5);
        assert_eq!(small, [false, true, false, true, true]);
    }

    #[test]
    fn intervals_and_samples_meet_in_their_common_multiple() {
        assert_eq!(least_common_multiple(8, 28), 56);
        assert_eq!(least_common_multiple(14, 28), 28);
        assert_eq!(least_common_multiple(5, 1), 5);
    }

    #[test]
    fn a_gain_over_nothing_is_told_against_the_plain_share() {
        let outcome = |net, honest| Outcome {
            net,
            honest,
            plain: 50.0,
            ..Outcome::default()
        };
        assert_eq!(outcome(150.0, 100.0).gain(), 0.5);
        assert_eq!(outcome(10.0, 0.0).gain(), 0.2);
        assert_eq!(Outcome::default().gain(), 0.0);
        assert_eq!(Outcome::default().small_lose(), 0.0);
    }

    #[test]
    fn a_merger_and_a_loan_move_things_and_make_none() {
        let operator = |stake| Operator {
            owner: 0,
            class: 0,
            country: 0,
            cards: 3,
            vetted: false,
            channel: false,
            stake,
            bond: stake / 2,
            electricity: 0.3,
            capacity: 10.0,
        };
        let operators = [operator(1_000), operator(3_000)];
        let loads = [Load {
            jobs: vec![10, 10],
            fragment: vec![100, 100],
            bulk: vec![0, 200],
        }];
        let setting = Setting {
            operators: &operators,
            loads: &loads,
            params: Params {
                rate: 1_000,
                unit_ceiling: None,
                fee_multiple: None,
                fragment_floor: 0,
                fragment_premium: 1_000_000,
                operator_cap: 1_000_000,
                open_ceiling: 1_000_000,
                uplift: 1_000_000,
                bond_leverage: 1_000,
                liquid_share: 0,
                liquid_allowance: 0,
            },
            reserve: 1_000_000_000,
            horizon: 64,
            market_price: 0,
            eur_per_base_unit: 1.0,
            base_units_per_token: 1.0,
            terms: Terms {
                sizes: vec![0.5],
                rent_per_year: 0.1,
                burnt_share: 0.1,
                running_cost_per_million_units_eur: 0.0,
                identity_cost_eur_per_year: 0.0,
                vetted_identities: 0,
                fragment_threshold: 10,
                smallest_job: 1,
                epochs_per_year: 365.0,
            },
        };
        // Half of all: the attacker has 4,000 of stake, 2,000 of bond, 6 cards, 200 units.
        let mut stage = Stage::new(&ProRata, &setting, 0.5);
        for (lent, stakes, bonds, cards, works) in [
            (3, (4_900, 2_100), (2_450, 1_050), 6, true),
            (11, (7_000, 0), (3_500, 0), 9, false),
        ] {
            let outcome = stage.play(&Strategy {
                partner: Some(1),
                lent,
                ..Strategy::default()
            });
            let (partner, own) = (&stage.operators[1], &stage.operators[2]);
            assert_eq!((own.stake, partner.stake), stakes);
            assert_eq!((own.bond, partner.bond), bonds);
            assert_eq!(own.cards, cards);
            assert_eq!(stage.active, [true, works, true]);
            assert_eq!(stage.loads[0].units(1) > 0, works);
            assert_eq!(stage.loads[0].total(), 400);
            // A base unit of rounding.
            assert!((outcome.net - outcome.honest).abs() <= 1.0, "{outcome:?}");
        }
        // Everything is where it was afterwards.
        let honest = stage.play(&Strategy::default());
        assert_eq!(stage.operators[1], operators[1]);
        assert_eq!(honest.gain(), 0.0);
    }
}
