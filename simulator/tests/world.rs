//! Worlds: who takes part, what work arrives and where it goes.

use plimsoll_simulator::data::livepeer;
use plimsoll_simulator::scenario::{Scenario, SHIPPED};
use plimsoll_simulator::world::{serve_what_the_absent_leave, Load, Operator, World};
use std::path::Path;

fn shipped() -> Scenario {
    Scenario::shipped()
}

/// The shipped scenario with another way of dispatch.
fn dispatched(model: &str) -> Scenario {
    let text = SHIPPED.replacen("value = \"channels\"", &format!("value = \"{model}\""), 1);
    Scenario::parse(&text, Path::new(".")).unwrap()
}

/// Half the mean difference of all pairs over the mean, by its definition.
fn gini(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let differences: f64 = values
        .iter()
        .flat_map(|a| values.iter().map(move |b| (a - b).abs()))
        .sum();
    differences / (2.0 * count * count * mean)
}

/// Work of every operator over `epochs` epochs.
fn served(world: &World, run: u64, operators: &[Operator], epochs: u32) -> Load {
    let mut demand = world.demand(run, operators);
    let mut load = Load::idle(operators.len());
    let mut sum = Load::idle(operators.len());
    for _ in 0..epochs {
        demand.next(&mut load);
        for index in 0..operators.len() {
            sum.jobs[index] += load.jobs[index];
            sum.fragment[index] += load.fragment[index];
            sum.bulk[index] += load.bulk[index];
        }
    }
    sum
}

/// Work over capacity of those for whom `choose` holds.
fn utilisation(
    sum: &Load,
    operators: &[Operator],
    epochs: u32,
    choose: impl Fn(&Operator) -> bool,
) -> f64 {
    let (mut units, mut capacity) = (0.0, 0.0);
    for (index, operator) in operators.iter().enumerate() {
        if choose(operator) {
            units += sum.units(index) as f64;
            capacity += operator.capacity * f64::from(epochs);
        }
    }
    units / capacity
}

#[test]
fn stakes_are_as_skewed_as_the_published_ones() {
    let published = livepeer::concentration().pop().unwrap();
    let world = World::new(&shipped());
    for run in 0..5 {
        let stakes: Vec<f64> = world
            .population(run)
            .iter()
            .map(|operator| operator.stake as f64)
            .collect();
        let computed = gini(&stakes);
        assert!(
            (computed - published.delegates_gini).abs() < 0.01,
            "{computed}"
        );
    }
    // Half as many operators are a sample of that: about as skewed.
    let fewer = World::new(&shipped().set("population.operators", 98.0).unwrap());
    let stakes: Vec<f64> = fewer.population(0).iter().map(|o| o.stake as f64).collect();
    assert_eq!(stakes.len(), 98);
    assert!((gini(&stakes) - published.delegates_gini).abs() < 0.03);
}

#[test]
fn cards_are_as_skewed_as_stakes_where_everybody_has_many() {
    // With a thousand cards on average the least of one card hardly counts, and with one
    // class all are of the same size in cards as in stake.
    let scenario = shipped()
        .set("class.home.share", 1.0)
        .and_then(|scenario| scenario.set("class.home.cards", 1e4))
        .unwrap();
    let operators = World::new(&scenario).population(0);
    let cards: Vec<f64> = operators.iter().map(|o| f64::from(o.cards)).collect();
    assert!((gini(&cards) - 0.8634).abs() < 0.01, "{}", gini(&cards));
    assert!(cards.windows(2).all(|pair| pair[0] >= pair[1]));
}

#[test]
fn rocket_pool_s_nodes_are_less_skewed() {
    let text = SHIPPED.replacen("value = \"livepeer\"", "value = \"rocket-pool\"", 1);
    let world = World::new(&Scenario::parse(&text, Path::new(".")).unwrap());
    let stakes: Vec<f64> = world.population(0).iter().map(|o| o.stake as f64).collect();
    // Its published Gini is 0.705, of 1,149 nodes.
    assert!((gini(&stakes) - 0.705).abs() < 0.04, "{}", gini(&stakes));
}

#[test]
fn classes_countries_tiers_and_owners_are_in_the_proportions_of_the_scenario() {
    let scenario = shipped();
    let world = World::new(&scenario);
    let operators = world.population(1);
    let count =
        |choose: &dyn Fn(&Operator) -> bool| operators.iter().filter(|o| choose(o)).count() as f64;
    for (index, class) in scenario.settings().classes.iter().enumerate() {
        let off = count(&|o| o.class == index) - class.share * 197.0;
        assert!(off.abs() <= 1.0, "{}: {off}", class.name);
    }
    for (index, country) in scenario.settings().countries.iter().enumerate() {
        let off = count(&|o| o.country == index) - country.share * 197.0;
        assert!(off.abs() <= 1.0, "{}: {off}", country.name);
    }
    assert!((count(&|o| o.vetted) - 0.8 * 197.0).abs() <= 1.0);
    assert_eq!(count(&|o| o.channel), 8.0);
    assert!(operators[..8].iter().all(|operator| operator.channel));
    let total: u128 = operators.iter().map(|operator| operator.stake).sum();
    let missing = scenario.settings().population.stake - total;
    assert!(
        missing < 200,
        "{missing} base units of stake lost by rounding"
    );
    for operator in &operators {
        assert_eq!(operator.bond, (operator.stake as f64 * 0.1) as u128);
    }
    // 197 / 1.06 = 185.8 owners; the other identities are open ones.
    let mut owners: Vec<u32> = operators.iter().map(|operator| operator.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    assert_eq!(owners, (0..186).collect::<Vec<_>>());
    for operator in operators.iter().filter(|operator| operator.vetted) {
        let same = operators
            .iter()
            .filter(|o| o.vetted && o.owner == operator.owner)
            .count();
        assert_eq!(same, 1, "two vetted identities have one owner");
    }
}

#[test]
fn dear_cards_go_to_the_large_as_far_as_the_scenario_says() {
    let mean_rank = |by_size: f64| {
        let world = World::new(&shipped().set("population.class_by_size", by_size).unwrap());
        let operators = world.population(0);
        let ranks: Vec<usize> = (0..operators.len())
            .filter(|index| world.class(operators[*index].class) == "data-centre")
            .collect();
        ranks.iter().sum::<usize>() as f64 / ranks.len() as f64
    };
    // Strictly: the first 59 of 197, mean rank 29. Not at all: anywhere, mean 98.
    assert!((mean_rank(1.0) - 29.0).abs() < 1.0);
    assert!((mean_rank(0.0) - 98.0).abs() < 20.0);
    assert!((30.0..70.0).contains(&mean_rank(0.7)));
}

#[test]
fn a_population_is_drawn_anew_for_every_run_and_the_same_for_the_same_run() {
    let world = World::new(&shipped());
    assert_eq!(world.population(1), world.population(1));
    assert_ne!(world.population(1), world.population(2));
    let reseeded = World::new(&shipped().set("run.seed", 7.0).unwrap());
    assert_ne!(world.population(1), reseeded.population(1));
}

#[test]
fn the_same_run_meets_the_same_work() {
    let world = World::new(&shipped());
    let operators = world.population(1);
    let sums = [1, 1, 2].map(|run| served(&world, run, &operators, 5));
    assert_eq!(sums[0], sums[1]);
    assert_ne!(sums[0], sums[2]);
}

#[test]
fn all_ways_of_dispatch_serve_all_that_is_asked_for() {
    for model in ["open", "least-loaded", "channels"] {
        // Without noise a fortnight carries exactly fourteen days of work, but for the
        // fraction of a job of each client and the sizes drawn.
        let scenario = dispatched(model).set("demand.client_noise", 0.0).unwrap();
        let world = World::new(&scenario);
        let operators = world.population(0);
        let sum = served(&world, 0, &operators, 14);
        let asked = 14.0 * scenario.settings().demand.units_per_day;
        let off = sum.total() as f64 / asked - 1.0;
        assert!(off.abs() < 2e-4, "{model}: off by {off}");
        let mean = sum.total() as f64 / sum.jobs.iter().sum::<u64>() as f64;
        assert!((mean - 1_365.82).abs() < 0.5, "{model}: {mean} units a job");
    }
}

#[test]
fn work_beyond_all_capacity_is_turned_away_and_nobody_does_more_than_it_can() {
    for model in ["open", "least-loaded", "channels"] {
        let scenario = dispatched(model)
            .set("demand.client_noise", 0.0)
            .and_then(|scenario| scenario.set("demand.units", 1e13))
            .unwrap();
        let world = World::new(&scenario);
        let operators = world.population(0);
        let mut load = Load::idle(operators.len());
        world.demand(0, &operators).next(&mut load);
        for (index, operator) in operators.iter().enumerate() {
            let full = load.units(index) as f64 / operator.capacity;
            // Jobs are turned away by their mean size; sizes drawn miss it by little.
            assert!(full < 1.02, "{model}: operator {index} at {full}");
            assert!(full > 0.95, "{model}: operator {index} at {full}");
        }
    }
}

#[test]
fn open_dispatch_gives_everybody_work_in_proportion_to_capacity() {
    let world = World::new(&dispatched("open"));
    let operators = world.population(0);
    let sum = served(&world, 0, &operators, 100);
    let all = utilisation(&sum, &operators, 100, |_| true);
    let large = utilisation(&sum, &operators, 100, |operator| operator.channel);
    let small = utilisation(&sum, &operators, 100, |operator| operator.cards == 1);
    assert!((large / all - 1.0).abs() < 0.05, "{large} of {all}");
    assert!((small / all - 1.0).abs() < 0.05, "{small} of {all}");
}

#[test]
fn least_loaded_dispatch_evens_utilisation_out() {
    let spread = |model: &str| {
        let world = World::new(&dispatched(model));
        let operators = world.population(0);
        let sum = served(&world, 0, &operators, 1);
        let each: Vec<f64> = (0..operators.len())
            .map(|index| sum.units(index) as f64 / operators[index].capacity)
            .collect();
        gini(&each)
    };
    let (open, least) = (spread("open"), spread("least-loaded"));
    assert!(least < 0.7 * open, "{least} against {open}");
}

#[test]
fn channels_keep_the_large_clients_from_the_others() {
    let scenario = dispatched("channels")
        .set("demand.client_noise", 0.0)
        .unwrap();
    let world = World::new(&scenario);
    let operators = world.population(0);
    let sum = served(&world, 0, &operators, 14);
    let of = |choose: &dyn Fn(&Operator) -> bool| {
        let units = |index: &usize| sum.units(*index) as f64;
        (0..operators.len())
            .filter(|index| choose(&operators[*index]))
            .map(|index| units(&index))
            .sum::<f64>()
    };
    let channels = of(&|operator| operator.channel);
    let part = channels / sum.total() as f64;
    // The nine largest clients send 60.65 % of all, through channels; of the rest those
    // eight operators get what their capacity is of all.
    let capacity = |choose: &dyn Fn(&Operator) -> bool| {
        operators
            .iter()
            .filter(|o| choose(o))
            .map(|o| o.capacity)
            .sum::<f64>()
    };
    let by_capacity = capacity(&|o| o.channel) / capacity(&|_| true);
    let expected = 0.6065 + (1.0 - 0.6065) * by_capacity;
    assert!((part - expected).abs() < 0.02, "{part} against {expected}");
}

#[test]
fn the_first_units_of_each_client_at_each_operator_are_fragments() {
    let total = |threshold: f64| {
        let scenario = shipped()
            .set("plimsoll.fragment_threshold", threshold)
            .unwrap();
        let world = World::new(&scenario);
        let operators = world.population(0);
        let sum = served(&world, 0, &operators, 3);
        (
            sum.fragment.iter().sum::<u64>(),
            sum.bulk.iter().sum::<u64>(),
            sum.jobs.iter().sum::<u64>(),
        )
    };
    let (none, all, jobs) = total(0.0);
    assert_eq!(none, 0);
    let (everything, nothing, same_jobs) = total(9e15);
    assert_eq!((everything, nothing, same_jobs), (all, 0, jobs));
    let (some, rest, _) = total(1e6);
    assert_eq!(some + rest, all);
    assert!(some > 0 && rest > 0);
}

#[test]
fn demand_grows_and_follows_the_load_curve() {
    let scenario = shipped()
        .set("demand.client_noise", 0.0)
        .and_then(|scenario| scenario.set("demand.growth", 1.0))
        .unwrap();
    let world = World::new(&scenario);
    let operators = world.population(0);
    let mut demand = world.demand(0, &operators);
    let mut load = Load::idle(operators.len());
    let days: Vec<f64> = (0..365)
        .map(|_| {
            demand.next(&mut load);
            load.total() as f64
        })
        .collect();
    // ServeGen's busiest and quietest day of m-large: 1.426 and 0.536 of the mean.
    assert!((days[0] / 25e9 - 1.426).abs() < 0.01, "{}", days[0] / 25e9);
    let growth = f64::powf(2.0, 12.0 / 365.25);
    assert!((days[12] / 25e9 / growth - 0.536).abs() < 0.01);
    // 364 days are 26 rounds of the curve: 13 of them later work has grown by half a year.
    let half: f64 = days[182..196].iter().sum::<f64>() / days[..14].iter().sum::<f64>();
    assert!(
        (half - f64::powf(2.0, 182.0 / 365.25)).abs() < 0.01,
        "{half}"
    );
}

#[test]
fn the_absent_s_work_goes_to_whoever_has_room() {
    let world = World::new(&shipped());
    let mut operators = world.population(0);
    operators.truncate(4);
    for (operator, capacity) in operators.iter_mut().zip([100.0, 100.0, 400.0, 100.0]) {
        operator.capacity = capacity;
    }
    let mut load = Load {
        jobs: vec![6, 1, 2, 0],
        fragment: vec![10, 20, 0, 0],
        bulk: vec![50, 0, 100, 100],
    };
    // The first is off: its 60 units go to the second (room 80) and the third (300); the
    // fourth has none.
    let lost = serve_what_the_absent_leave(&mut load, &[false, true, true, true], &operators);
    assert_eq!(lost, 0);
    assert_eq!(load.fragment, [0, 22, 8, 0]);
    assert_eq!(load.bulk, [0, 10, 140, 100]);
    assert_eq!(load.jobs, [0, 2, 7, 0]);
}

#[test]
fn what_finds_no_room_is_lost_and_counted() {
    let world = World::new(&shipped());
    let mut operators = world.population(0);
    operators.truncate(2);
    operators[0].capacity = 100.0;
    operators[1].capacity = 100.0;
    let mut load = Load {
        jobs: vec![9, 7],
        fragment: vec![30, 0],
        bulk: vec![60, 70],
    };
    // Room for 30 of 90.
    let lost = serve_what_the_absent_leave(&mut load, &[false, true], &operators);
    assert_eq!((lost, load.total()), (60, 100));
    assert_eq!((load.fragment[1], load.bulk[1], load.jobs[1]), (10, 90, 10));
    // Nobody is left.
    let lost = serve_what_the_absent_leave(&mut load, &[false, false], &operators);
    assert_eq!((lost, load.total()), (100, 0));
}

#[test]
fn prices_are_in_base_units_and_move_with_the_token() {
    let scenario = shipped().set("token.price_drift", 0.21).unwrap();
    let world = World::new(&scenario);
    // USD 0.05 at USD 0.155 a token of 10^9 base units.
    assert_eq!(world.market_price(), 322_580_645);
    assert!((world.eur_per_base_unit(0) / 0.155e-9 - 1.0).abs() < 1e-12);
    // Half a year and 1.21^0.5 = 1.1.
    let later = world.eur_per_base_unit(1_461 / 8) / world.eur_per_base_unit(0);
    assert!((later - 1.1).abs() < 1e-3, "{later}");
    assert!(world.market_price_at(182) < world.market_price());
}

#[test]
fn circulation_is_what_the_other_buckets_have_unlocked() {
    let world = World::new(&shipped());
    // Month 7: 190 M at the start and 7 months of 360/60 + 100/48 M from ecosystem and
    // foundation; the foundation's start is 0.3333, not a third.
    let tokens = |epoch| world.circulating(epoch) as f64 / 1e9;
    assert!((tokens(0) - 246.58e6).abs() < 0.02e6, "{}", tokens(0));
    // Five months later the cliff of 250 M is reached, and another month later 1/36 is out.
    let step = tokens(183) - tokens(153);
    assert!((step - (8.083e6 + 250e6 / 36.0)).abs() < 0.01e6, "{step}");
}
