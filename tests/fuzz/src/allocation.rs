//! `plimsoll allocate`.

use alloy_primitives::U256;
use serde_json::Value;
use std::collections::BTreeMap;

/// A share in millionths of an amount, rounded down.
fn ppm(amount: u128, share: u64) -> U256 {
    U256::from(amount) * U256::from(share) / U256::from(1_000_000)
}

fn amount(value: &Value) -> u128 {
    let text = value.as_str().expect("amounts are texts");
    text.parse().expect("amounts are numbers")
}

/// A refusal names a key of the input. An allocation pays exactly its budget or less, each
/// operator within its ceilings, and depends neither on the order of the operators nor on
/// how the input is laid out.
pub fn allocate(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let output = match plimsoll_keeper::allocate::run(text) {
        Ok(output) => output,
        Err(error) => {
            let root = error.path.split(['.', '[']).next().unwrap_or_default();
            let known = ["input", "params", "reserve", "operators"].contains(&root);
            assert!(known || error.problem.contains("unknown field"), "{error}");
            return assert!(!error.problem.is_empty());
        }
    };
    let mut input: Value = serde_json::from_str(text).expect("it was read");
    let output: Value = serde_json::from_str(&output).expect("JSON");
    check(&input, &output);

    let rewards = |output: &Value| -> BTreeMap<String, Value> {
        let rewards = output["rewards"].as_array().expect("a list");
        let named = |reward: &Value| (reward["id"].to_string(), reward.clone());
        rewards.iter().map(named).collect()
    };
    let again = |input: &Value| -> Value {
        let output = plimsoll_keeper::allocate::run(&input.to_string());
        serde_json::from_str(&output.expect("the same input")).expect("JSON")
    };
    assert_eq!(again(&input), output, "the layout matters");
    let operators = input["operators"].as_array_mut().expect("a list");
    operators.reverse();
    let turned = again(&input);
    assert_eq!(rewards(&turned), rewards(&output), "the order matters");
    assert_eq!(turned["carry"], output["carry"]);
}

fn check(input: &Value, output: &Value) {
    let param = |name: &str| input["params"][name].as_u64().expect("a number");
    let reserve = amount(&input["reserve"]);
    let budget = amount(&output["budget"]);
    assert!(U256::from(budget) <= ppm(reserve, param("rate")) && budget < 1 << 96);
    let pools = amount(&output["fragment_budget"]) + amount(&output["bulk_budget"]);
    assert_eq!(pools, budget << 32, "the two pools are the budget");
    let cap = amount(&output["operator_cap"]);
    assert_eq!(U256::from(cap), ppm(budget, param("operator_cap")));
    let pool = amount(&output["open_pool"]["reward"]);
    let ceiling = amount(&output["open_pool"]["cap"]);
    assert_eq!(U256::from(ceiling), ppm(budget, param("open_ceiling")));
    assert!(pool <= ceiling);

    let operators = input["operators"].as_array().expect("a list");
    let rewards = output["rewards"].as_array().expect("a list");
    assert_eq!(operators.len(), rewards.len());
    let (mut paid, mut open, mut work) = (0, 0, 0_u128);
    for (operator, reward) in operators.iter().zip(rewards) {
        assert_eq!(operator["id"], reward["id"]);
        let got = amount(&reward["reward"]);
        let parts = amount(&reward["liquid"]) + amount(&reward["vesting"]);
        assert_eq!(got, parts, "liquid and vesting are the reward");
        paid += got;
        let units = amount(&operator["fragment_work"]) + amount(&operator["bulk_work"]);
        assert!(units > 0 || got == 0, "paid for nothing");
        work += units;
        let raised = output["raised"].as_array().expect("a list");
        if operator["tier"] == "vetted" {
            assert!(got <= cap, "above the cap");
        } else {
            open += got;
            let leverage = ppm(amount(&operator["bond"]), param("bond_leverage"));
            assert!(U256::from(got) <= leverage, "above what the bond allows");
            assert!(
                !raised.contains(&operator["id"]),
                "the open are raised together"
            );
        }
        if let Some(multiple) = input["params"]["fee_multiple"].as_u64() {
            let most = ppm(amount(&operator["fees"]), multiple);
            assert!(U256::from(got) <= most, "above its fees' multiple");
        }
    }
    assert!(open <= pool, "the open operators have more than the pool");
    assert_eq!(
        paid + amount(&output["carry"]),
        budget,
        "budget is lost or made"
    );
    assert!(work > 0 || budget == 0);
    if let Some(ceiling) = input["params"]["unit_ceiling"].as_str() {
        let ceiling: u128 = ceiling.parse().expect("it was read");
        let most = U256::from(work).saturating_mul(U256::from(ceiling)) / U256::from(1_000_000);
        assert!(U256::from(budget) <= most, "above the unit ceiling");
    }
}
