//! Files that people write: the configuration, a deployment file, what is to be deployed.

use parity_scale_codec::{Decode as _, Encode as _};
use plimsoll_interface::{Settings, H160, MAX_ATTESTERS};
use plimsoll_keeper::config::{Config, ConfigError, Overrides, MAXIMAL};
use plimsoll_keeper::deploy::{Deployment, Terms, TermsError, TokenPlan};
use plimsoll_mechanism::record::MAX_LANES;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use toml::{Table, Value};

/// A configuration is within its bounds, written and read again the same, and its paths
/// follow its file; what is refused is refused with its line or its key.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let parse =
        |text: &str, path: &str| Config::parse(text, Path::new(path), &Overrides::default());
    match parse(text, "keeper.toml") {
        Ok(config) => {
            within_bounds(&config);
            let written = toml::to_string(&config).expect("plain data");
            assert_eq!(parse(&written, "keeper.toml").expect("as written"), config);
            let elsewhere = parse(text, "/etc/plimsoll/keeper.toml").expect("the same text");
            assert!(elsewhere.journal.file.is_absolute());
            let beside = Path::new("/etc/plimsoll").join(&config.chain.deployment);
            assert_eq!(elsewhere.chain.deployment, beside);
        }
        Err(ConfigError::Toml { reason, .. }) => {
            assert!(reason.contains("line "), "no line: {reason}");
        }
        Err(ConfigError::Range { key, reason }) => {
            assert!(!reason.is_empty() && key.contains('.'), "{key}");
        }
        Err(error) => panic!("there is no file and no flag: {error}"),
    }
}

fn within_bounds(config: &Config) {
    assert!((1..=6_143).contains(&config.batch.max_entries));
    assert!(config.batch.max_items >= 2 && config.batch.max_receipts >= 1);
    assert!(config.run.book_epochs >= 1 && config.run.interval_ms >= 1);
    assert!(config.run.backoff_max_ms >= 1 && config.attesters.timeout_ms >= 1);
    assert!(config.chain.request_timeout_ms >= 1 && config.chain.finality_timeout_ms >= 1);
    assert!(config.server.listen.ip().is_loopback());
    let meters: Vec<_> = config.meters.clone().into();
    assert_eq!(meters.first().map(|meter| meter.from_epoch), Some(0));
    assert!(meters.windows(2).all(|pair| {
        pair[0].version < pair[1].version && pair[0].from_epoch < pair[1].from_epoch
    }));
}

/// The keys of the configuration, each with the value it has in the maximal file.
static KEYS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let table: Table = MAXIMAL.parse().expect("the keeper's tests read it");
    let mut keys = BTreeMap::new();
    for (section, value) in table {
        match value {
            Value::Table(values) => keys.extend(
                values
                    .into_iter()
                    .map(|(name, value)| (format!("{section}.{name}"), value)),
            ),
            value => {
                keys.insert(section, value);
            }
        }
    }
    keys
});

/// The value at a key of a configuration; none if it is left out.
fn at(config: &Config, key: &str) -> Option<Value> {
    let table = Table::try_from(config).expect("plain data");
    match key.split_once('.') {
        None => table.get(key).cloned(),
        Some((section, name)) => table.get(section)?.get(name).cloned(),
    }
}

/// A flag sets its own key to what its text says, and nothing else; a refusal names it.
pub fn overrides(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    // One key a line; a line may go on in the next one with a backslash before its end.
    let text = text.replace("\\\n", "\u{1}");
    let mut config = Config::default();
    let mut all = Overrides::default();
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let Some((key, example)) = KEYS.get_key_value(name) else {
            continue;
        };
        let key: &'static str = key;
        let value = value.replace('\u{1}', "\n");
        let one = Overrides::default().with(key, value.as_str());
        match Config::parse("", Path::new(""), &one) {
            Ok(set) => {
                within_bounds(&set);
                for other in KEYS.keys().filter(|other| *other != key) {
                    let before = at(&Config::default(), other);
                    assert_eq!(at(&set, other), before, "{key} changes {other}");
                }
                set_to(&set, key, example, &value);
                all = all.with(key, value);
                config = Config::parse("", Path::new(""), &all).expect("each alone is taken");
            }
            Err(ConfigError::Override { place, reason }) => {
                let flag = key.replace(['.', '_'], "-");
                assert!(place.contains(&format!("--{flag} ")), "{place}");
                assert!(!reason.is_empty());
            }
            Err(ConfigError::Range { key: named, .. }) => assert_eq!(named, key),
            Err(error) => panic!("there is no file: {error}"),
        }
    }
    let written = toml::to_string(&config).expect("plain data");
    let again = Config::parse(&written, Path::new(""), &Overrides::default());
    assert_eq!(again.expect("as written"), config);
}

/// That `text`, all of it, is the value the key has.
fn set_to(config: &Config, key: &str, example: &Value, text: &str) {
    let value = at(config, key);
    if example.is_str() {
        let Some(Value::String(value)) = value else {
            panic!("{key} is not text: {value:?}");
        };
        // Addresses and numbers as text have more than one form.
        let as_it_is = !matches!(key, "run.claim_min" | "server.listen" | "attester.listen");
        assert!(!as_it_is || value == text, "{key}: {value:?} for {text:?}");
        return;
    }
    let is_list =
        matches!(example, Value::Array(items) if items.first().is_some_and(Value::is_str));
    if is_list && !text.trim_start().starts_with('[') {
        let Some(Value::Array(value)) = value else {
            panic!("{key} is no list: {value:?}");
        };
        let named = text.split(',').filter(|item| !item.trim().is_empty());
        assert_eq!(value.len(), named.count());
        return;
    }
    let table: Table = format!("value = {text}").parse().expect("it was taken");
    assert_eq!(table.len(), 1, "more than one value was taken: {text:?}");
    if !matches!(key, "receipts.signers" | "meters") {
        assert_eq!(value.as_ref(), table.get("value"), "{key}");
    }
}

/// A deployment is written and read again the same.
pub fn deployment(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match toml::from_str::<Deployment>(text) {
        Ok(deployment) => {
            let written = toml::to_string(&deployment).expect("plain data");
            let again: Deployment = toml::from_str(&written).expect("as it was written");
            assert_eq!(again, deployment);
        }
        Err(error) => has_a_place(&error),
    }
}

/// An error about a text says where in it, unless it is about all of it.
fn has_a_place(error: &toml::de::Error) {
    let said = error.to_string();
    assert!(
        said.contains("line ") || said.contains("missing field"),
        "{said}"
    );
}

/// The chain's time when something is deployed.
const NOW: u64 = 1_800_000_000_123;

/// What may be deployed is what the contract's constructor takes.
pub fn terms(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let terms = match toml::from_str::<Terms>(text) {
        Ok(terms) => terms,
        Err(error) => return has_a_place(&error),
    };
    let deployer = H160([9; 20]);
    let plan = match terms.plan(deployer, NOW) {
        Ok(plan) => plan,
        Err(TermsError::Range { key, reason }) => {
            return assert!(key.contains('.') && !reason.is_empty(), "{key}: {reason}")
        }
        Err(error) => panic!("there is no file: {error}"),
    };
    let Settings { times, vesting, .. } = plan.settings;
    assert_eq!(times.check(NOW), Ok(()));
    assert_eq!(times.genesis % 1_000, 0, "contracts see whole seconds");
    let windows = [times.attest_window, times.review_window, times.level_window];
    assert!(times.epoch >= 1_000 && windows.iter().all(|window| *window >= 1_000));
    assert!(vesting.valid());
    assert!((1..=MAX_LANES).contains(&plan.settings.lanes));
    assert!(plan.settings.fee_unit > 0 && plan.settings.min_open_bond > 0);
    assert_eq!(plan.params.check(), Ok(()));
    let roles = [plan.roles.owner, plan.roles.registrar, plan.roles.guardian];
    assert!(roles.iter().all(|role| !role.is_zero()));
    let members = &plan.attesters.members;
    assert!((1..=MAX_ATTESTERS).contains(&members.len()) && !members[0].is_zero());
    assert!(members.windows(2).all(|pair| pair[0] < pair[1]));
    let threshold = usize::from(plan.attesters.threshold);
    assert!(threshold <= members.len() && threshold * 2 > members.len());
    match &plan.token {
        TokenPlan::Existing(address) => assert!(!address.is_zero()),
        TokenPlan::New { symbol, supply, .. } => assert!(!symbol.is_empty() && *supply > 0),
    }
    let encoded = plan.settings.encode();
    assert_eq!(Settings::decode(&mut &encoded[..]), Ok(plan.settings));
}
