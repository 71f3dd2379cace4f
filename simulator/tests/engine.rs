//! What the engine promises of every run.

use plimsoll_simulator::compare::designs_of;
use plimsoll_simulator::engine::{play, Stage, Unlocking};
use plimsoll_simulator::markets::Markets;
use plimsoll_simulator::metrics::Id;
use plimsoll_simulator::scenario::Scenario;
use plimsoll_simulator::world::World;

/// The shipped scenario with some numbers changed, small.
fn scenario(changes: &[(&str, f64)]) -> Scenario {
    let small = [
        ("run.epochs", 84.0),
        ("population.operators", 60.0),
        ("demand.units", 7e9),
    ];
    small
        .iter()
        .chain(changes)
        .fold(Scenario::shipped(), |scenario, (key, value)| {
            scenario.set(key, *value).expect("allowed")
        })
}

/// Run `run` of a scenario: the metric `id` of each design, by id.
fn metrics(scenario: &Scenario, run: u64, ids: &[Id]) -> Vec<(&'static str, Vec<f64>)> {
    let world = World::new(scenario);
    let designs = designs_of(scenario);
    let markets = Markets::new(scenario);
    let unlocking = Unlocking::new(scenario.settings());
    let stage = Stage {
        scenario,
        world: &world,
        designs: &designs,
        unlocking: &unlocking,
        vesting: true,
        markets: &markets,
        entrants: None,
        splitting: true,
        exits: true,
    };
    designs
        .iter()
        .zip(play(&stage, run).designs)
        .map(|(design, result)| {
            let values = ids.iter().map(|id| result.metrics[*id as usize]);
            (design.facts().id, values.collect())
        })
        .collect()
}

#[test]
fn what_is_spent_and_what_returns_is_the_budget_but_for_what_is_held() {
    for (design, values) in metrics(&scenario(&[]), 0, &[Id::Spent, Id::Returned]) {
        let all = values[0] + values[1];
        assert!(all <= 1.0 + 1e-9, "{design}: {all}");
        // Livepeer's lottery spends on redeeming, and holds what its purse could not pay;
        // Rocket Pool holds what is paid at the end of an interval.
        let least = if matches!(design, "livepeer" | "rocket-pool") {
            0.9
        } else {
            1.0 - 1e-6
        };
        assert!(all >= least, "{design}: {all}");
    }
}

#[test]
fn a_worthless_token_and_free_work_drive_everybody_off_and_a_dear_one_nobody() {
    let ids = [Id::ExitShare, Id::CoverageElectricity];
    let worthless = scenario(&[("token.price", 1e-9), ("demand.price", 1e-6)]);
    for (design, values) in metrics(&worthless, 0, &ids) {
        assert_eq!(values, [1.0, 0.0], "{design}");
    }
    let dear = scenario(&[("token.price", 1e4), ("demand.price", 1e3)]);
    for (design, values) in metrics(&dear, 0, &ids) {
        // By stake, by capacity or by lot somebody may get nothing; fees cover electricity.
        assert_eq!(values, [0.0, 1.0], "{design}");
    }
}

#[test]
fn splitting_pays_nobody_where_work_alone_is_paid() {
    for (design, values) in metrics(&scenario(&[]), 1, &[Id::SplitGain]) {
        match design {
            "pro-rata" | "helium" | "stake" | "opg" => {
                assert!(values[0].abs() < 1e-6, "{design}: {}", values[0]);
            }
            // Its penalty is by wallet.
            "render" => assert!(values[0] > 0.2, "{design}: {}", values[0]),
            _ => {}
        }
    }
}

#[test]
fn lots_are_luck_and_nothing_else_is() {
    let found = metrics(&scenario(&[]), 0, &[Id::CvLuck]);
    for (design, values) in found {
        assert_eq!(
            values[0] > 0.0,
            design == "livepeer",
            "{design}: {}",
            values[0]
        );
    }
}

#[test]
fn a_run_is_the_same_again_and_another_one_is_another() {
    let ids = [Id::GiniOwner, Id::P10Margin];
    let once = metrics(&scenario(&[]), 0, &ids);
    assert_eq!(once, metrics(&scenario(&[]), 0, &ids));
    assert_ne!(once, metrics(&scenario(&[]), 1, &ids));
}
