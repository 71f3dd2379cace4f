//! What every design promises, on random histories.

use super::testing::{operator, PARAMS};
use super::{all, Epoch, Pay, Settings};
use crate::random::{generator, Purpose};
use crate::world::{Load, Operator};
use plimsoll_mechanism::params::Params;
use proptest::collection::vec;
use proptest::prelude::*;

/// Every order of magnitude below 2^`bits` alike.
pub fn magnitude(bits: u32) -> impl Strategy<Value = u128> {
    (any::<u128>(), 0..=bits).prop_map(|(value, bits)| match bits {
        0 => 0,
        bits => value >> (128 - bits),
    })
}

/// [`magnitude`] of at most 63 bits.
pub fn units(bits: u32) -> impl Strategy<Value = u64> {
    magnitude(bits).prop_map(|value| value as u64)
}

/// An operator of any size.
pub fn any_operator() -> impl Strategy<Value = Operator> {
    (any::<bool>(), 1..200_u32, magnitude(70), magnitude(70)).prop_map(
        |(vetted, cards, stake, bond)| Operator {
            cards,
            vetted,
            stake,
            bond,
            ..operator()
        },
    )
}

/// One epoch of a history.
#[derive(Clone, Debug)]
struct Step {
    reserve: u128,
    active: Vec<bool>,
    load: Load,
    market_price: u128,
}

fn step(operators: usize) -> impl Strategy<Value = Step> {
    let bits = prop_oneof![Just(0_u32), Just(4), Just(40)];
    bits.prop_flat_map(move |bits| {
        (
            magnitude(102),
            vec(prop::bool::weighted(0.8), operators),
            (vec(units(12), operators), vec(units(bits), operators)),
            vec(units(bits), operators),
            magnitude(60),
        )
    })
    .prop_map(|(reserve, active, (jobs, fragment), bulk, market_price)| {
        let mut load = Load {
            jobs,
            fragment,
            bulk,
        };
        for (index, active) in active.iter().enumerate() {
            // Whoever is switched off has no work, and without work there is no job.
            if !active || load.units(index) == 0 {
                load.jobs[index] = 0;
                load.fragment[index] = 0;
                load.bulk[index] = 0;
            }
        }
        Step {
            reserve,
            active,
            load,
            market_price,
        }
    })
}

fn history() -> impl Strategy<Value = (Vec<Operator>, Vec<Step>)> {
    (1..30_usize).prop_flat_map(|operators| {
        (
            vec(any_operator(), operators),
            vec(step(operators), 1..8_usize),
        )
    })
}

/// Settings under which intervals end within a short history and tickets win.
fn settings() -> impl Strategy<Value = Settings> {
    (1..4_u32, magnitude(60), 1..60_u32, any::<u32>()).prop_map(|(interval, cost, k, fee)| {
        Settings {
            rocket_pool_interval: interval,
            rocket_pool_fee: fee % 1_100_000,
            livepeer_redeem_cost: cost,
            cardano_k: k,
            ..Settings::default()
        }
    })
}

/// Pays whoever is switched off, too: for its stake, or for what it did before.
fn pays_the_absent(id: &str) -> bool {
    matches!(id, "opg" | "helium" | "rocket-pool" | "livepeer")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn budgets_are_paid_returned_or_held_to_the_unit(
        (operators, steps) in history(), settings in settings()
    ) {
        for design in all(PARAMS, &settings) {
            let id = design.facts().id;
            let mut payer = design.start(operators.len());
            let mut luck = generator(1, 2, Purpose::Luck);
            let (mut budgets, mut paid, mut returned) = (0, 0, 0);
            for (number, step) in steps.iter().enumerate() {
                let number = number as u32;
                let budget = design.budget(&PARAMS, step.reserve, number, step.load.total());
                prop_assert!(budget <= step.reserve, "{id} spends what is not there");
                let epoch = Epoch {
                    number,
                    budget,
                    operators: &operators,
                    active: &step.active,
                    load: &step.load,
                    market_price: step.market_price,
                };
                let mut out = vec![Pay::sure(1); operators.len()];
                budgets += budget;
                returned += payer.pay(&epoch, &mut luck, &mut out);
                paid += out.iter().map(|pay| pay.amount).sum::<u128>();
                let used = paid + returned + payer.held();
                prop_assert!(used <= budgets, "{id} pays {used} of {budgets}");
                // What is left is dust: of Plimsoll's pot a unit for each operator, of the
                // lottery what redeeming a ticket costs, a hundredth of it.
                let dust = match id {
                    "plimsoll" => (operators.len() as u128 + 2) * (u128::from(number) + 1),
                    "livepeer" if settings.livepeer_redeem_cost > 0 => paid / 99,
                    _ => 0,
                };
                if id == "plimsoll" {
                    prop_assert!(budgets - used <= dust, "{id} loses {}", budgets - used);
                } else {
                    prop_assert_eq!(budgets - used, dust, "{}", id);
                }
                for (pay, active) in out.iter().zip(&step.active) {
                    if !active && !pays_the_absent(id) {
                        prop_assert_eq!(*pay, Pay::default(), "{} pays the absent", id);
                    }
                    if id != "livepeer" {
                        prop_assert_eq!(pay.amount, pay.expected, "{}", id);
                    }
                }
            }
        }
    }

    #[test]
    fn whoever_never_worked_and_has_no_stake_is_never_paid(
        (mut operators, mut steps) in history(), settings in settings()
    ) {
        operators[0].stake = 0;
        for step in &mut steps {
            step.active[0] = false;
            (step.load.jobs[0], step.load.fragment[0], step.load.bulk[0]) = (0, 0, 0);
        }
        for design in all(PARAMS, &settings) {
            let mut payer = design.start(operators.len());
            let mut luck = generator(1, 2, Purpose::Luck);
            for (number, step) in steps.iter().enumerate() {
                let epoch = Epoch {
                    number: number as u32,
                    budget: step.reserve >> 8,
                    operators: &operators,
                    active: &step.active,
                    load: &step.load,
                    market_price: step.market_price,
                };
                let mut out = vec![Pay::sure(1); operators.len()];
                payer.pay(&epoch, &mut luck, &mut out);
                prop_assert_eq!(out[0], Pay::default(), "{}", design.facts().id);
            }
        }
    }
}

#[test]
fn designs_come_in_the_order_of_the_tables_and_plimsoll_last() {
    let ids: Vec<_> = all(PARAMS, &Settings::default())
        .iter()
        .map(|design| design.facts().id)
        .collect();
    assert_eq!(
        ids,
        [
            "per-job",
            "pro-rata",
            "stake",
            "opg",
            "livepeer",
            "rocket-pool",
            "cardano",
            "cardano-cip50",
            "graph",
            "helium",
            "render",
            "csm",
            "flat-cap",
            "plimsoll"
        ]
    );
}

#[test]
fn the_flat_cap_is_that_of_the_mechanism_unless_it_is_set() {
    let params = Params {
        operator_cap: 300_000,
        ..PARAMS
    };
    let capped = |flat_cap| {
        let settings = Settings {
            flat_cap,
            ..Settings::default()
        };
        let designs = all(params, &settings);
        super::testing::Case::new(1_000, &[1]).pay(&*designs[designs.len() - 2])
    };
    assert_eq!(capped(None), (vec![300], 700));
    assert_eq!(capped(Some(100_000)), (vec![100], 900));
}
