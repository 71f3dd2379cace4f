//! `plimsoll allocate`: the allocation of one epoch as JSON.
//!
//! The input names everything that decides an epoch: the parameters and the reserve
//! at its start, and each operator's work, fees and bond. The numbers come from the
//! same crate as the contract's, so they are what the contract would pay. Amounts
//! and work are decimal strings, because JSON numbers lose digits above 2^53;
//! parameters are JSON integers. An example is `docs/examples/epoch.json`.

use plimsoll_mechanism::allocate::allocate;
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

/// Why an input was refused: the key at fault and what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct AllocateError {
    /// The key at fault, for example `operators[3].tier`; `input` for the whole.
    pub path: String,
    /// What is wrong with it and what is allowed.
    pub problem: String,
}

impl AllocateError {
    fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

/// Allocates the epoch described by `input` (JSON) at the full level and returns the
/// allocation as JSON. The budgets of the pools, entitlements, the open pool's weight
/// and the level's denominator are in units of 2^-32, everything else in base units.
///
/// # Errors
/// The first key that is unknown, missing, given twice, of the wrong type or out of
/// its range, with what is allowed there.
pub fn run(input: &str) -> Result<String, AllocateError> {
    let Input {
        params: Object(params),
        reserve,
        operators,
    } = parse(input)?;
    let params = params.checked()?;
    let operators: Vec<OperatorInput> = operators.into_iter().map(|o| o.0).collect();
    check_ids(&operators)?;
    check_work(&operators)?;
    let parts: Vec<Part> = operators.iter().map(OperatorInput::part).collect();
    let allocation = allocate(&params, reserve.0, &parts).map_err(|_| {
        // Unreachable after check_work, and still no reason to panic.
        AllocateError::new("operators", TOO_MUCH_WORK)
    })?;

    let settlement = allocation.record.settlement;
    let level = settlement.map(|s| s.level).unwrap_or_default();
    let division = &allocation.division;
    let output = Output {
        budget: Amount(allocation.budget()),
        fragment_budget: Amount(division.pools.fragment),
        bulk_budget: Amount(division.pools.bulk),
        operator_cap: Amount(division.operator_cap),
        level: LevelOutput {
            numerator: Amount(level.numerator),
            denominator: Amount(level.denominator),
            used: Amount(level.used(params.uplift)),
        },
        open_pool: OpenPoolOutput {
            weight: Amount(division.open_weight),
            cap: Amount(division.open_ceiling),
            reward: Amount(allocation.record.open_reward()),
            raised: settlement.is_some_and(|s| s.open_raised),
        },
        raised: operators
            .iter()
            .zip(&allocation.parts)
            .filter(|(_, part)| part.raised)
            .map(|(operator, _)| operator.id.as_str())
            .collect(),
        rewards: operators
            .iter()
            .zip(&allocation.parts)
            .zip(&allocation.rewards)
            .map(|((operator, part), reward)| RewardOutput {
                id: &operator.id,
                entitlement: Amount(division.pools.entitlement(part.work)),
                reward: Amount(reward.amount),
                liquid: Amount(reward.liquid),
                vesting: Amount(reward.vesting()),
            })
            .collect(),
        carry: Amount(allocation.carry()),
    };
    serde_json::to_string_pretty(&output)
        .map_err(|error| AllocateError::new("output", error.to_string()))
}

const TOO_MUCH_WORK: &str =
    "the work of all operators together, fragment and bulk, must be below 2^128";

fn parse(input: &str) -> Result<Input, AllocateError> {
    let mut json = serde_json::Deserializer::from_str(input);
    let Object(parsed) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // A key that is cut off has no name yet, which the path shows as a question mark.
        let path = error.path().to_string();
        let path = path.trim_end_matches('?').trim_end_matches('.');
        let path = if path.is_empty() { "input" } else { path };
        AllocateError::new(path, error.inner().to_string())
    })?;
    json.end()
        .map_err(|error| AllocateError::new("input", error.to_string()))?;
    Ok(parsed)
}

fn check_ids(operators: &[OperatorInput]) -> Result<(), AllocateError> {
    let mut seen = HashMap::new();
    for (k, operator) in operators.iter().enumerate() {
        let path = || format!("operators[{k}].id");
        if operator.id.is_empty() {
            return Err(AllocateError::new(path(), "an id must not be empty"));
        }
        if let Some(first) = seen.insert(operator.id.as_str(), k) {
            let problem = format!(
                "duplicate id {:?}: operators[{first}] has it already; give every operator an id of its own",
                operator.id
            );
            return Err(AllocateError::new(path(), problem));
        }
    }
    Ok(())
}

/// Names the figure with which the sum of all work leaves 128 bits.
fn check_work(operators: &[OperatorInput]) -> Result<(), AllocateError> {
    let mut sum = 0_u128;
    for (k, operator) in operators.iter().enumerate() {
        for (key, figure) in [
            ("fragment_work", &operator.fragment_work),
            ("bulk_work", &operator.bulk_work),
        ] {
            sum = sum.checked_add(figure.0).ok_or_else(|| {
                AllocateError::new(format!("operators[{k}].{key}"), TOO_MUCH_WORK)
            })?;
        }
    }
    Ok(())
}

/// An amount or an amount of work, in JSON a string of decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Amount(u128);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of decimal digits, for example \"1000000\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return Err(E::custom(format!(
                "{text:?} is not a whole number of at least 0: use decimal digits only"
            )));
        }
        text.parse().map(Amount).map_err(|_| {
            E::custom(format!(
                "{text} is too large: the largest number is {}",
                u128::MAX
            ))
        })
    }
}

/// A JSON object and nothing else: serde would also take an array of the fields.
struct Object<T>(T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// An optional value that may be null and must not be missing.
fn nullable<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    params: Object<ParamsInput>,
    reserve: Amount,
    operators: Vec<Object<OperatorInput>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParamsInput {
    rate: u32,
    #[serde(deserialize_with = "nullable")]
    unit_ceiling: Option<Amount>,
    #[serde(deserialize_with = "nullable")]
    fee_multiple: Option<u32>,
    fragment_floor: u32,
    fragment_premium: u32,
    operator_cap: u32,
    open_ceiling: u32,
    uplift: u32,
    bond_leverage: u32,
    liquid_share: u32,
    liquid_allowance: u32,
}

impl ParamsInput {
    fn checked(&self) -> Result<Params, AllocateError> {
        let params = Params {
            rate: self.rate,
            unit_ceiling: self.unit_ceiling.map(|ceiling| ceiling.0),
            fee_multiple: self.fee_multiple,
            fragment_floor: self.fragment_floor,
            fragment_premium: self.fragment_premium,
            operator_cap: self.operator_cap,
            open_ceiling: self.open_ceiling,
            uplift: self.uplift,
            bond_leverage: self.bond_leverage,
            liquid_share: self.liquid_share,
            liquid_allowance: self.liquid_allowance,
        };
        params.check().map_err(|param| {
            let (low, high) = param.bounds();
            AllocateError::new(
                format!("params.{}", param.name()),
                format!(
                    "{} is out of bounds: use {low} to {high}",
                    param.of(&params)
                ),
            )
        })?;
        Ok(params)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorInput {
    id: String,
    tier: Tier,
    fragment_work: Amount,
    bulk_work: Amount,
    fees: Amount,
    bond: Amount,
}

impl OperatorInput {
    fn part(&self) -> Part {
        Part {
            work: Work {
                fragment: self.fragment_work.0,
                bulk: self.bulk_work.0,
            },
            fees: self.fees.0,
            vetted: matches!(self.tier, Tier::Vetted),
            raised: false,
            bond: self.bond.0,
        }
    }
}

enum Tier {
    Vetted,
    Open,
}

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "vetted" => Ok(Self::Vetted),
            "open" => Ok(Self::Open),
            other => Err(D::Error::custom(format!(
                "unknown tier {other:?}: use \"vetted\" or \"open\""
            ))),
        }
    }
}

#[derive(Serialize)]
struct Output<'a> {
    budget: Amount,
    fragment_budget: Amount,
    bulk_budget: Amount,
    operator_cap: Amount,
    level: LevelOutput,
    open_pool: OpenPoolOutput,
    raised: Vec<&'a str>,
    rewards: Vec<RewardOutput<'a>>,
    carry: Amount,
}

#[derive(Serialize)]
struct LevelOutput {
    numerator: Amount,
    denominator: Amount,
    used: Amount,
}

#[derive(Serialize)]
struct OpenPoolOutput {
    weight: Amount,
    cap: Amount,
    reward: Amount,
    raised: bool,
}

#[derive(Serialize)]
struct RewardOutput<'a> {
    id: &'a str,
    entitlement: Amount,
    reward: Amount,
    liquid: Amount,
    vesting: Amount,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, Value};

    /// The example that ships with the documentation.
    const SHIPPED: &str = include_str!("../../docs/examples/epoch.json");

    /// The smallest epoch: one vetted operator with five units of fragment work.
    fn lone() -> Value {
        json!({
            "params": {
                "rate": 10000, "unit_ceiling": null, "fee_multiple": null,
                "fragment_floor": 400000, "fragment_premium": 4000000,
                "operator_cap": 20000, "open_ceiling": 150000, "uplift": 4000000,
                "bond_leverage": 10000, "liquid_share": 250000, "liquid_allowance": 100000
            },
            "reserve": "1000000",
            "operators": [{
                "id": "a", "tier": "vetted", "fragment_work": "5", "bulk_work": "0",
                "fees": "0", "bond": "0"
            }]
        })
    }

    fn ran(input: &Value) -> Value {
        serde_json::from_str(&run(&input.to_string()).expect("a good input")).expect("JSON")
    }

    fn refused(input: &str) -> String {
        run(input).expect_err("a bad input").to_string()
    }

    /// What is said when the value at `pointer` is `value` instead.
    fn refused_with(pointer: &str, value: Value) -> String {
        let mut input = lone();
        *input.pointer_mut(pointer).expect("a key of the input") = value;
        refused(&input.to_string())
    }

    #[test]
    fn a_lone_operator_is_raised_to_its_cap() {
        // Budget 1% of 1,000,000; all of it, times 2^32, to fragments; the cap is 2% of
        // it; of 200 a quarter is liquid, which is more than the allowance of 20.
        let expected = json!({
            "budget": "10000",
            "fragment_budget": "42949672960000",
            "bulk_budget": "0",
            "operator_cap": "200",
            "level": {"numerator": "9800", "denominator": "0", "used": "0"},
            "open_pool": {"weight": "0", "cap": "1500", "reward": "0", "raised": false},
            "raised": ["a"],
            "rewards": [{
                "id": "a", "entitlement": "42949672960000", "reward": "200",
                "liquid": "50", "vesting": "150"
            }],
            "carry": "9800"
        });
        assert_eq!(ran(&lone()), expected);
    }

    #[test]
    fn keys_come_in_the_documented_order() {
        let output = run(&lone().to_string()).expect("a good input");
        let keys = [
            "budget",
            "fragment_budget",
            "bulk_budget",
            "operator_cap",
            "level",
            "numerator",
            "denominator",
            "used",
            "open_pool",
            "weight",
            "cap",
            "reward",
            "raised",
            "raised",
            "rewards",
            "id",
            "entitlement",
            "reward",
            "liquid",
            "vesting",
            "carry",
        ];
        let mut rest = output.as_str();
        for key in keys {
            let at = rest
                .find(&format!("\"{key}\":"))
                .unwrap_or_else(|| panic!("{key}"));
            rest = &rest[at + key.len()..];
        }
    }

    #[test]
    fn the_shipped_example_by_hand() {
        let input: Value = serde_json::from_str(SHIPPED).expect("JSON");
        let output = ran(&input);
        // 1% of 100,000,000. Fragments are 100 of 1,000 units of work: a tenth plainly,
        // four times that with the premium, which is just the floor of two fifths.
        let one: u128 = 1 << 32;
        let units = |value: u128| Value::from((value * one).to_string());
        assert_eq!(output["budget"], "1000000");
        assert_eq!(output["fragment_budget"], units(400_000));
        assert_eq!(output["bulk_budget"], units(600_000));
        assert_eq!(output["operator_cap"], "200000");
        // whale: 600,000 * 750 / 900. home: 400,000 * 60 / 100 + 600,000 * 90 / 900.
        // open: 400,000 * 40 / 100 + 600,000 * 60 / 900.
        let entitlements = [500_000, 300_000, 200_000_u128];
        for (k, id) in ["whale", "home", "pool"].iter().enumerate() {
            assert_eq!(
                output["rewards"][k]["entitlement"],
                units(entitlements[k]),
                "{id}"
            );
        }
        // The whale and home are raised to 200,000 each, which leaves 600,000 to the
        // open pool: more than its ceiling of 150,000, so it is raised too.
        assert_eq!(output["raised"], json!(["whale", "home"]));
        assert_eq!(
            output["open_pool"],
            json!({"weight": units(200_000), "cap": "150000", "reward": "150000", "raised": true})
        );
        assert_eq!(
            output["level"],
            json!({"numerator": "450000", "denominator": "0", "used": "0"})
        );
        // The bond of 10,000,000 allows 1% of it, 100,000 of the pool's 150,000.
        let rewards = ["200000", "200000", "100000", "0"];
        for (k, reward) in rewards.iter().enumerate() {
            assert_eq!(output["rewards"][k]["reward"], *reward, "operator {k}");
        }
        assert_eq!(output["rewards"][2]["liquid"], "25000");
        assert_eq!(output["rewards"][2]["vesting"], "75000");
        assert_eq!(output["carry"], "500000");
    }

    #[test]
    fn an_epoch_without_operators_or_work_pays_nothing() {
        let mut input = lone();
        input["operators"] = json!([]);
        let output = ran(&input);
        assert_eq!(output["budget"], "0");
        assert_eq!(output["rewards"], json!([]));
        assert_eq!(output["level"]["denominator"], "0");
        input = lone();
        input["operators"][0]["fragment_work"] = json!("0");
        assert_eq!(ran(&input)["rewards"][0]["reward"], "0");
    }

    #[test]
    fn works_are_any_128_bits_as_long_as_their_sum_fits() {
        let mut input = lone();
        input["reserve"] = json!(u128::MAX.to_string());
        input["operators"][0]["fragment_work"] = json!((u128::MAX - 1).to_string());
        input["operators"][0]["bulk_work"] = json!("1");
        // 1% of 2^128 is above 2^96, where budgets end.
        assert_eq!(ran(&input)["budget"], ((1_u128 << 96) - 1).to_string());
        input["operators"][0]["bulk_work"] = json!("2");
        let error = refused(&input.to_string());
        assert!(error.starts_with("operators[0].bulk_work: "), "{error}");
        assert!(error.contains("2^128"), "{error}");
    }

    #[test]
    fn ceilings_may_be_set() {
        let mut input = lone();
        input["params"]["unit_ceiling"] = json!("100000000");
        input["params"]["fee_multiple"] = json!(500000);
        input["operators"][0]["fees"] = json!("7");
        let output = ran(&input);
        // Five units at 100 base units each; the cap is 10; half of 7 is 3.
        assert_eq!(output["budget"], "500");
        assert_eq!(output["operator_cap"], "10");
        assert_eq!(output["rewards"][0]["reward"], "3");
        assert_eq!(output["carry"], "497");
    }

    #[test]
    fn every_missing_key_is_named_with_its_place() {
        for (parent, place) in [
            ("", "input"),
            ("/params", "params"),
            ("/operators/0", "operators[0]"),
        ] {
            let input = lone();
            let keys = input
                .pointer(parent)
                .and_then(Value::as_object)
                .expect("an object");
            for key in keys.keys() {
                let mut input = input.clone();
                let object = input.pointer_mut(parent).and_then(Value::as_object_mut);
                object.expect("an object").remove(key);
                let error = refused(&input.to_string());
                assert!(
                    error.starts_with(&format!("{place}: missing field `{key}`")),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        for (parent, place) in [
            ("", "surprise"),
            ("/params", "params.surprise"),
            ("/operators/0", "operators[0].surprise"),
        ] {
            let mut input = lone();
            input.pointer_mut(parent).expect("an object")["surprise"] = json!(1);
            let error = refused(&input.to_string());
            assert!(
                error.starts_with(&format!("{place}: unknown field `surprise`")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_key_given_twice_is_named() {
        for key in ["\"rate\":10000", "\"id\":\"a\"", "\"reserve\":\"1000000\""] {
            let input = lone().to_string().replace(key, &format!("{key},{key}"));
            let error = refused(&input);
            let name = key.split('"').nth(1).expect("quoted");
            assert!(
                error.contains(&format!("duplicate field `{name}`")),
                "{error}"
            );
        }
    }

    #[test]
    fn parameters_out_of_bounds_are_named_with_their_bounds() {
        for (name, value, bounds) in [
            ("rate", 1_000_001, "0 to 1000000"),
            ("fragment_floor", 500_001, "0 to 500000"),
            ("fragment_premium", 999_999, "1000000 to 100000000"),
            ("fragment_premium", 100_000_001, "1000000 to 100000000"),
            ("operator_cap", 999, "1000 to 1000000"),
            ("operator_cap", 1_000_001, "1000 to 1000000"),
            ("open_ceiling", 1_000_001, "0 to 1000000"),
            ("uplift", 999_999, "1000000 to 1000000000"),
            ("bond_leverage", 1_000_000_001, "0 to 1000000000"),
            ("liquid_share", 1_000_001, "0 to 1000000"),
            ("liquid_allowance", 1_000_001, "0 to 1000000"),
        ] {
            let error = refused_with(&format!("/params/{name}"), json!(value));
            let expected = format!("params.{name}: {value} is out of bounds: use {bounds}");
            assert_eq!(error, expected);
        }
        for value in [
            json!(-1),
            json!(1.5),
            json!(4_294_967_296_u64),
            json!("10000"),
            json!(null),
        ] {
            let error = refused_with("/params/rate", value);
            assert!(error.starts_with("params.rate: "), "{error}");
            let error = refused_with("/params/fee_multiple", json!(-1));
            assert!(error.starts_with("params.fee_multiple: "), "{error}");
        }
    }

    #[test]
    fn what_is_no_decimal_string_is_named() {
        for key in [
            "/reserve",
            "/operators/0/fragment_work",
            "/operators/0/bulk_work",
            "/operators/0/fees",
            "/operators/0/bond",
            "/params/unit_ceiling",
        ] {
            for value in [
                json!(""),
                json!("-1"),
                json!("+1"),
                json!("1.0"),
                json!("1e3"),
                json!(" 1"),
                json!("0x10"),
                json!("1_000"),
                json!("٣"),
                json!(5),
                json!(1.5),
                json!(true),
                json!(["1"]),
                json!("340282366920938463463374607431768211456"),
            ] {
                let error = refused_with(key, value.clone());
                let place = key[1..]
                    .replace("operators/0/", "operators[0].")
                    .replace('/', ".");
                assert!(
                    error.starts_with(&format!("{place}: ")),
                    "{key} {value}: {error}"
                );
            }
        }
        assert!(refused_with("/reserve", json!(null)).starts_with("reserve: "));
    }

    #[test]
    fn a_duplicate_id_and_an_unknown_tier_are_named() {
        let mut input = lone();
        let twin = input["operators"][0].clone();
        input["operators"]
            .as_array_mut()
            .expect("a list")
            .push(twin);
        let error = refused(&input.to_string());
        assert!(
            error.starts_with("operators[1].id: duplicate id \"a\": operators[0]"),
            "{error}"
        );
        let error = refused_with("/operators/0/tier", json!("Vetted"));
        let expected = "operators[0].tier: unknown tier \"Vetted\": use \"vetted\" or \"open\"";
        assert!(error.starts_with(expected), "{error}");
        assert!(refused_with("/operators/0/id", json!("")).starts_with("operators[0].id: "));
        assert!(refused_with("/operators/0/id", json!(7)).starts_with("operators[0].id: "));
    }

    #[test]
    fn what_is_no_object_or_no_json_is_refused() {
        assert!(refused_with("/params", json!([10000])).starts_with("params: "));
        assert!(refused_with("/operators/0", json!(["a"])).starts_with("operators[0]: "));
        assert!(refused_with("/operators", json!({})).starts_with("operators: "));
        for text in ["", "null", "[]", "{", "7"] {
            assert!(
                refused(text).starts_with("input: "),
                "{text}: {}",
                refused(text)
            );
        }
        let trailing = format!("{} {{}}", lone());
        assert!(
            refused(&trailing).starts_with("input: trailing"),
            "{}",
            refused(&trailing)
        );
    }
}
