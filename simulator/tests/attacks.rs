//! The search for attacks, on designs of which theory says what the best attack brings.

use plimsoll_mechanism::params::Params;
use plimsoll_simulator::attacks::{search, Dial, Setting, Stage, Strategy, Terms, Tier};
use plimsoll_simulator::designs::{Design, Epoch, Facts, Pay, Payer, Plimsoll, ProRata};
use plimsoll_simulator::findings::Attack;
use plimsoll_simulator::random::Rng;
use plimsoll_simulator::world::{Load, Operator};

const TOKEN: u128 = 1_000_000_000_000;
const RESERVE: u128 = 100_000_000 * TOKEN;

fn params() -> Params {
    Params {
        rate: 10_000,
        unit_ceiling: None,
        fee_multiple: None,
        fragment_floor: 400_000,
        fragment_premium: 4_000_000,
        operator_cap: 20_000,
        open_ceiling: 150_000,
        uplift: 4_000_000,
        bond_leverage: 10_000,
        liquid_share: 250_000,
        liquid_allowance: 100_000,
    }
}

fn terms() -> Terms {
    Terms {
        sizes: vec![0.1],
        rent_per_year: 0.12,
        burnt_share: 0.3,
        running_cost_per_million_units_eur: 0.0,
        identity_cost_eur_per_year: 0.0,
        vetted_identities: 1,
        fragment_threshold: 1_000_000,
        smallest_job: 100,
        epochs_per_year: 365.0,
    }
}

/// Operators of 1 to 5 shares of work, three quarters vetted, with work in four epochs of
/// different size; every fourth has bulk.
struct Scene {
    operators: Vec<Operator>,
    loads: Vec<Load>,
}

fn scene(operators: usize) -> Scene {
    let members = (0..operators)
        .map(|index| Operator {
            owner: index as u32,
            class: 0,
            country: 0,
            cards: 5,
            vetted: index % 4 != 3,
            channel: false,
            stake: (1 + index as u128 % 7) * 100_000 * TOKEN,
            bond: (1 + index as u128 % 7) * 100_000 * TOKEN,
            electricity: 0.3,
            capacity: 1e9,
        })
        .collect();
    let loads = [4, 2, 5, 3]
        .map(|busy: u64| {
            let mut load = Load::idle(operators);
            for index in 0..operators {
                let work = busy * (1 + index as u64 % 5) * 1_000_000;
                load.jobs[index] = work / 2_000;
                if index % 4 == 0 {
                    load.fragment[index] = work / 4;
                    load.bulk[index] = work * 3 / 4;
                } else {
                    load.fragment[index] = work;
                }
            }
            load
        })
        .to_vec();
    Scene {
        operators: members,
        loads,
    }
}

impl Scene {
    fn setting(&self, params: Params, terms: Terms) -> Setting<'_> {
        Setting {
            operators: &self.operators,
            loads: &self.loads,
            params,
            reserve: RESERVE,
            horizon: 320,
            market_price: 0,
            eur_per_base_unit: 1e-12,
            base_units_per_token: TOKEN as f64,
            terms,
        }
    }

    fn work(&self) -> f64 {
        let total: u64 = self.loads.iter().map(Load::total).sum();
        total as f64 / self.loads.len() as f64
    }
}

/// The budget at the date at which all but entry is looked at: a quarter of the horizon
/// of 320 epochs in steps of ten, each of which spends a tenth of what is left.
fn budget() -> f64 {
    0.01 * RESERVE as f64 * libm::pow(0.9, 8.0)
}

fn attacks(design: impl Design + 'static, setting: &Setting<'_>) -> Vec<Attack> {
    search(&[Box::new(design)], setting, 7, &|_| ())
}

fn of<'a>(attacks: &'a [Attack], kind: &str) -> &'a Attack {
    attacks
        .iter()
        .find(|attack| attack.kind == kind)
        .expect("every kind is searched")
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 0.01 * expected.abs()
}

/// A design that divides its budget by a weight of each operator's own.
struct ByWeight(fn(&Operator, &Load, usize) -> f64);

impl Design for ByWeight {
    fn facts(&self) -> Facts {
        Facts {
            id: "by-weight",
            title: "By weight",
            formula: "r = E * w / W",
            source: "this test",
        }
    }

    fn start(&self, _: usize) -> Box<dyn Payer> {
        Box::new(Self(self.0))
    }
}

impl Payer for ByWeight {
    fn pay(&mut self, epoch: &Epoch<'_>, _: &mut Rng, out: &mut [Pay]) -> u128 {
        let weigh = |index| self.0(&epoch.operators[index], epoch.load, index);
        let all: f64 = (0..out.len()).map(weigh).sum();
        for (index, pay) in out.iter_mut().enumerate() {
            *pay = Pay::sure((epoch.budget as f64 * weigh(index) / all) as u128);
        }
        0
    }
}

/// Pro rata up to 2 % of the budget for an identity; the excess returns.
struct FlatCap;

impl Design for FlatCap {
    fn facts(&self) -> Facts {
        Facts {
            id: "flat",
            title: "Flat cap",
            formula: "r = min(E * w / W, E / 50)",
            source: "this test",
        }
    }

    fn start(&self, _: usize) -> Box<dyn Payer> {
        Box::new(Self)
    }
}

impl Payer for FlatCap {
    fn pay(&mut self, epoch: &Epoch<'_>, luck: &mut Rng, out: &mut [Pay]) -> u128 {
        ProRata.pay(epoch, luck, out);
        let mut left = epoch.budget;
        for pay in out {
            *pay = Pay::sure(pay.amount.min(epoch.budget / 50));
            left -= pay.amount;
        }
        left
    }
}

/// Pays in every third epoch what was earned since, and nothing before.
struct ByInterval {
    held: Vec<u128>,
}

impl Design for ByInterval {
    fn facts(&self) -> Facts {
        Facts {
            id: "interval",
            title: "By interval",
            formula: "r = sum of E * w / W over three epochs",
            source: "this test",
        }
    }

    fn start(&self, operators: usize) -> Box<dyn Payer> {
        Box::new(Self {
            held: vec![0; operators],
        })
    }
}

impl Payer for ByInterval {
    fn pay(&mut self, epoch: &Epoch<'_>, luck: &mut Rng, out: &mut [Pay]) -> u128 {
        ProRata.pay(epoch, luck, out);
        let due = epoch.number % 3 == 2;
        for (held, pay) in self.held.iter_mut().zip(out) {
            *held += pay.amount;
            *pay = Pay::sure(if due { std::mem::take(held) } else { 0 });
        }
        0
    }
}

#[test]
fn pro_rata_is_proof_against_splitting_cutting_inventing_and_merging() {
    let scene = scene(40);
    let found = attacks(ProRata, &scene.setting(params(), terms()));
    for (kind, at_least) in [
        ("identities", 100),
        ("jobs", 20),
        ("invented clients", 50),
        ("rented bond", 60),
        ("merger", 150),
        ("entry", 17),
    ] {
        let attack = of(&found, kind);
        assert_eq!(attack.gain_percent, 0.0, "{kind}: {}", attack.strategy);
        assert!(attack.tried >= at_least, "{kind}: {}", attack.tried);
    }
}

#[test]
fn per_job_pay_is_gained_by_cutting_jobs_as_small_as_they_may_be() {
    let scene = scene(40);
    let found = attacks(
        ByWeight(|_, load, index| load.jobs[index] as f64),
        &scene.setting(params(), terms()),
    );
    // Jobs of 2,000 units in parts of 100: 20 times the jobs of a tenth of all.
    let share = 0.1 * 20.0 / (0.1 * 20.0 + 0.9);
    let jobs = of(&found, "jobs");
    assert!(
        close(jobs.gain_percent, 100.0 * (share / 0.1 - 1.0)),
        "{jobs:?}"
    );
    assert!(jobs.strategy.contains("into 20 parts"), "{jobs:?}");
    // Everybody else's share falls from 0.9 to 1 - share.
    let lost = 100.0 * (1.0 - (1.0 - share) / 0.9);
    assert!(close(jobs.small_lose_percent, lost), "{jobs:?}");
    assert_eq!(of(&found, "identities").gain_percent, 0.0);
}

#[test]
fn a_flat_cap_is_worth_as_many_identities_as_the_work_fills() {
    let scene = scene(60);
    let found = attacks(FlatCap, &scene.setting(params(), terms()));
    // A tenth of the work, capped at a fiftieth: five identities are paid for all of it.
    let identities = of(&found, "identities");
    assert!(close(identities.gain_percent, 400.0), "{identities:?}");
    // An identity that costs more than the cap brings is not worth it.
    // What is not paid goes back: 8 % that the attacker would have got, and half a percent
    // of each of the twelve largest others. So a little more is left by then.
    let budget = 0.01 * RESERVE as f64 * libm::pow(1.0 - 0.1 * 0.86, 8.0);
    let cap_in_eur = budget / 50.0 * 1e-12;
    for (cost, pays) in [(0.99, true), (1.01, false)] {
        let dear = Terms {
            identity_cost_eur_per_year: cap_in_eur * 365.0 * cost,
            ..terms()
        };
        let found = attacks(FlatCap, &scene.setting(params(), dear));
        let identities = of(&found, "identities");
        assert_eq!(identities.gain_percent > 0.0, pays, "{identities:?}");
    }
}

#[test]
fn a_penalty_by_wallet_is_lifted_by_wallets() {
    // Nine of a hundred cards. Nine in a wallet weigh 9 * e^(-0.65 * 6) = 0.18; in three
    // wallets, nine.
    let mut scene = scene(91);
    for operator in &mut scene.operators {
        operator.cards = 1;
    }
    let setting = scene.setting(
        params(),
        Terms {
            sizes: vec![0.09],
            ..terms()
        },
    );
    let found = attacks(
        ByWeight(|operator, _, _| {
            let cards = f64::from(operator.cards);
            cards * libm::exp(-0.65 * (cards - 3.0).max(0.0))
        }),
        &setting,
    );
    let alone = 9.0 * libm::exp(-0.65 * 6.0);
    assert!((alone - 0.18).abs() < 0.005);
    let gain = (9.0 / 100.0) / (alone / (91.0 + alone)) - 1.0;
    let identities = of(&found, "identities");
    assert!(
        close(identities.gain_percent, 100.0 * gain),
        "{identities:?}"
    );
}

#[test]
fn stake_is_rented_as_long_as_it_returns_more_than_its_rent() {
    let scene = scene(40);
    let staked = || ByWeight(|operator, _, _| operator.stake as f64);
    let stakes = scene.operators.iter().map(|operator| operator.stake as f64);
    let others: f64 = stakes.sum();
    let all = others / 0.9;
    let budget = budget();
    let profit =
        |rented: f64, rent: f64| budget * (all / 10.0 + rented) / (all + rented) - rented * rent;
    for (multiple, pays) in [(0.5, true), (0.9, true), (1.05, false)] {
        // A multiple of what the first token rented returns.
        let rent = multiple * budget * others / (all * all);
        let terms = Terms {
            rent_per_year: rent * 365.0,
            ..terms()
        };
        let found = attacks(staked(), &scene.setting(params(), terms));
        let rented = of(&found, "rented bond");
        if pays {
            let best = libm::sqrt(budget * others / rent) - all;
            let gain = profit(best, rent) / profit(0.0, rent) - 1.0;
            assert!(
                close(rented.gain_percent, 100.0 * gain),
                "{gain} {rented:?}"
            );
        } else {
            assert_eq!(rented.gain_percent, 0.0, "{rented:?}");
        }
    }
}

#[test]
fn nothing_is_gained_by_splitting_in_the_open_tier() {
    // G9.
    let scene = scene(40);
    let terms = Terms {
        sizes: vec![0.01, 0.1, 0.4],
        vetted_identities: 0,
        ..terms()
    };
    let params = params();
    let found = attacks(Plimsoll { params }, &scene.setting(params, terms));
    let split = found.iter().filter(|attack| attack.kind == "identities");
    assert_eq!(split.clone().count(), 3);
    for attack in split {
        assert_eq!(attack.gain_percent, 0.0, "{attack:?}");
        assert!(attack.tried > 20, "{attack:?}");
    }
}

#[test]
fn beyond_its_cap_an_operator_gains_by_open_identities_up_to_the_ceiling() {
    let scene = scene(80);
    let params = params();
    let terms = Terms {
        sizes: vec![0.3],
        ..terms()
    };
    let setting = scene.setting(params, terms);
    let found = attacks(Plimsoll { params }, &setting);
    // It gets its cap of 2 %; with open identities at most 15 % more.
    let most = 100.0 * 15.0 / 2.0;
    let identities = of(&found, "identities");
    assert!(identities.gain_percent > 100.0, "{identities:?}");
    assert!(identities.gain_percent <= most, "{identities:?}");
    assert!(identities.strategy.contains("open"), "{identities:?}");
    let together = of(&found, "all together");
    assert!(together.gain_percent >= identities.gain_percent);
    assert!(together.gain_percent <= most, "{together:?}");
}

#[test]
fn what_pays_only_together_is_found() {
    // A small operator of the vetted tier gains by owning the open pool, for which it needs
    // an open identity, work nobody wanted and a rented bond; each by itself loses.
    let mut scene = scene(80);
    for operator in &mut scene.operators {
        operator.bond /= 10;
        operator.stake /= 10;
    }
    let params = params();
    let mut setting = scene.setting(params, terms());
    setting.terms.sizes = vec![0.01];
    setting.market_price = (budget() * 0.3 * 1e6 / scene.work()) as u128;
    let found = attacks(Plimsoll { params }, &setting);
    for attack in &found[..found.len() - 1] {
        assert!(attack.gain_percent < 80.0, "{attack:?}");
    }
    let together = of(&found, "all together");
    assert!(together.gain_percent > 300.0, "{together:?}");
    for part in ["open", "nobody wanted", "rents"] {
        assert!(together.strategy.contains(part), "{together:?}");
    }
}

#[test]
fn invented_clients_take_from_the_floor_of_small_jobs() {
    let mut scene = scene(80);
    for load in &mut scene.loads {
        for index in 0..80 {
            // One part in ten is fragments, so that the floor binds.
            let units = load.units(index);
            load.fragment[index] = units / 10;
            load.bulk[index] = units - units / 10;
        }
    }
    let params = Params {
        operator_cap: 500_000,
        open_ceiling: 1_000_000,
        ..params()
    };
    let found = attacks(Plimsoll { params }, &scene.setting(params, terms()));
    let clients = of(&found, "invented clients");
    // All its work as fragments, 0.1 of 0.19, of a floor of 0.4, instead of a tenth of all.
    assert!(
        close(clients.gain_percent, 100.0 * (0.4 / 0.19 - 1.0)),
        "{clients:?}"
    );
    assert!(clients.strategy.contains("invented"), "{clients:?}");
    assert!(clients.small_lose_percent > 0.0, "{clients:?}");
}

#[test]
fn wash_work_pays_unless_its_fees_bound_it() {
    let scene = scene(80);
    let free = params();
    let bound = Params {
        fee_multiple: Some(300_000),
        ..free
    };
    // Fees are half of what work is paid on average.
    let price = (budget() / 2.0 * 1e6 / scene.work()) as u128;
    for (params, pays) in [(free, true), (bound, false)] {
        let mut setting = scene.setting(params, terms());
        setting.market_price = price;
        setting.terms.sizes = vec![0.005];
        let found = attacks(Plimsoll { params }, &setting);
        let wash = of(&found, "wash");
        // G18: what a unit of fees allows is what is burnt of it.
        assert_eq!(wash.gain_percent > 0.0, pays, "{wash:?}");
    }
}

#[test]
fn the_best_wash_volume_is_where_the_next_unit_pays_what_it_costs() {
    let mut scene = scene(40);
    scene.loads.truncate(1);
    // With all honest work as the unit, E * (s + v) / (1 + v) - cost * v is best at
    // v = sqrt(E * (1 - s) / cost) - 1.
    let cost = budget() / 2.0;
    let volume = libm::sqrt(budget() * 0.9 / cost) - 1.0;
    let best = budget() * (0.1 + volume) / (1.0 + volume) - cost * volume;
    let gain = best / (0.1 * budget()) - 1.0;
    for by_fees in [true, false] {
        let mut setting = scene.setting(params(), terms());
        let million = cost / scene.work() * 1e6;
        if by_fees {
            setting.market_price = (million / setting.terms.burnt_share) as u128;
        } else {
            setting.terms.running_cost_per_million_units_eur = million * 1e-12;
        }
        let found = attacks(ProRata, &setting);
        let wash = of(&found, "wash");
        assert!(close(wash.gain_percent, 100.0 * gain), "{gain} {wash:?}");
    }
}

#[test]
fn work_is_held_back_for_quiet_epochs() {
    // Two epochs of work 3 and 1, a tenth of it the attacker's: by handing in the mean it
    // gets 0.2 / 2.9 + 0.2 / 1.1 of a budget instead of 0.1 + 0.1.
    let mut scene = scene(40);
    let work = scene.loads[0].clone();
    let times = |factor: u64| Load {
        jobs: work.jobs.iter().map(|figure| figure * factor).collect(),
        fragment: work.fragment.iter().map(|figure| figure * factor).collect(),
        bulk: work.bulk.iter().map(|figure| figure * factor).collect(),
    };
    scene.loads = vec![times(3), times(1)];
    let found = attacks(ProRata, &scene.setting(params(), terms()));
    let held = of(&found, "withheld work");
    let gain = (0.2 / 2.9 + 0.2 / 1.1) / 0.2 - 1.0;
    assert!(close(held.gain_percent, 100.0 * gain), "{held:?}");
    assert!(held.strategy.contains("at most 100 % of its mean"));
}

#[test]
fn bond_and_work_that_do_not_match_gain_by_merging() {
    let mut scene = scene(40);
    for (index, operator) in scene.operators.iter_mut().enumerate() {
        operator.vetted = false;
        operator.bond = if index == 5 { 10_000_000 * TOKEN } else { 0 };
    }
    let params = Params {
        bond_leverage: 1_000,
        open_ceiling: 1_000_000,
        ..params()
    };
    let mut setting = scene.setting(params, terms());
    setting.terms.vetted_identities = 0;
    setting.terms.sizes = vec![0.02];
    let found = attacks(Plimsoll { params }, &setting);
    let merger = of(&found, "merger");
    assert!(merger.gain_percent > 0.0, "{merger:?}");
    assert!(merger.strategy.contains("operator 5"), "{merger:?}");
}

#[test]
fn what_a_design_pays_by_interval_is_judged_over_whole_intervals() {
    let scene = scene(40);
    let setting = scene.setting(params(), terms());
    let by_epoch = attacks(ProRata, &setting);
    let by_interval = attacks(ByInterval { held: Vec::new() }, &setting);
    for (one, other) in by_epoch.iter().zip(&by_interval) {
        assert_eq!(one.kind, other.kind);
        assert!(
            (one.gain_percent - other.gain_percent).abs() < 1e-3,
            "{one:?} {other:?}"
        );
    }
}

#[test]
fn the_late_are_told_what_the_schedule_costs_them() {
    let scene = scene(40);
    let found = attacks(ProRata, &scene.setting(params(), terms()));
    // In each of 16 steps of ten epochs a tenth of what is left is spent.
    let words = format!(
        "entering in epoch 160 brings {:.1} % less",
        100.0 * (1.0 - libm::pow(0.9, 16.0))
    );
    let entry = of(&found, "entry");
    assert!(entry.strategy.contains(&words), "{entry:?} {words}");
}

#[test]
fn identities_share_what_their_owner_has_to_the_last_unit() {
    let scene = scene(40);
    let setting = scene.setting(params(), terms());
    let mut stage = Stage::new(&ProRata, &setting, 0.1);
    for (work, stake) in [
        (Tier::Evenly, Tier::Evenly),
        (Tier::Thousandths(1_000), Tier::Thousandths(0)),
        (Tier::Thousandths(370), Tier::Thousandths(990)),
    ] {
        let strategy = Strategy {
            further: 6,
            work,
            stake,
            ..Strategy::default()
        };
        let outcome = stage.play(&strategy);
        assert!(outcome.gain().abs() < 1e-12, "{outcome:?}");
        assert!(outcome.small_lose().abs() < 1e-12, "{outcome:?}");
    }
    assert_eq!(stage.space().end(Dial::Vetted), 1);
}

#[test]
fn the_same_seed_finds_the_same_on_any_number_of_cores() {
    let scene = scene(40);
    let terms = Terms {
        sizes: vec![0.05, 0.3],
        ..terms()
    };
    let setting = scene.setting(params(), terms);
    let find = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads start")
            .install(|| {
                let params = params();
                let designs: [Box<dyn Design>; 2] =
                    [Box::new(FlatCap), Box::new(Plimsoll { params })];
                format!("{:?}", search(&designs, &setting, 3, &|_| ()))
            })
    };
    assert_eq!(find(1), find(3));
}

#[test]
fn without_anybody_there_is_nobody_to_attack() {
    let scene = Scene {
        operators: Vec::new(),
        loads: Vec::new(),
    };
    assert!(attacks(ProRata, &scene.setting(params(), terms())).is_empty());
}
