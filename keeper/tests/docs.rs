//! What people look up in the documentation is there, and is what the program has.

use plimsoll_index::Kind;
use plimsoll_keeper::config::{Config, MAXIMAL};
use plimsoll_keeper::journal::{BatchState, Reason};
use plimsoll_keeper::pipeline::Step;
use plimsoll_keeper::receipt::Receipt;
use plimsoll_keeper::{metrics, steps};
use std::path::Path;
use toml::{Table, Value};

const KEEPER: &str = include_str!("../../docs/keeper.md");
const DEPLOY: &str = include_str!("../../docs/deploy.md");
const TERMS: &str = include_str!("../config/deploy.toml");

/// Keys of `deploy.toml` that the example leaves out.
const OTHER_TERMS: [&str; 7] = [
    "token.address",
    "clock.genesis_ms",
    "params.unit_ceiling",
    "params.fee_multiple",
    "roles.owner",
    "roles.registrar",
    "roles.guardian",
];

/// Sections and keys of a file, as `section.key`, with the values.
fn keys(text: &str) -> Vec<(String, Value)> {
    keys_of(text.parse().expect("a shipped file"))
}

fn keys_of(table: Table) -> Vec<(String, Value)> {
    let mut keys = Vec::new();
    for (section, value) in table {
        match value {
            Value::Table(values) => keys.extend(
                values
                    .into_iter()
                    .map(|(name, value)| (format!("{section}.{name}"), value)),
            ),
            other => keys.push((section, other)),
        }
    }
    keys
}

fn row<'a>(document: &'a str, key: &str) -> &'a str {
    document
        .lines()
        .find(|line| line.starts_with(&format!("| `{key}` |")))
        .unwrap_or_else(|| panic!("no table has a row for `{key}`"))
}

/// The names of an enum's variants in a source file.
fn variants<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let (_, rest) = source
        .split_once(&format!("pub enum {name} {{"))
        .expect("the enum");
    let (body, _) = rest.split_once("\n}").expect("its end");
    body.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.split(['(', ',', ' ']).next().unwrap_or(line))
        .collect()
}

/// The flags of a command: the fields of its options in a source file.
fn fields(source: &str, name: &str) -> Vec<String> {
    let (_, rest) = source
        .split_once(&format!("pub(super) struct {name} {{"))
        .expect("the options");
    let (body, _) = rest.split_once("\n}").expect("their end");
    body.split("#[arg(")
        .skip(1)
        .filter_map(|field| field.split_once(")]\n"))
        .filter_map(|(_, rest)| rest.trim().split(':').next())
        .map(|field| field.trim_start_matches("pub ").replace('_', "-"))
        .collect()
}

/// Whether a table has a row for a flag.
fn lists_flag(section: &str, flag: &str) -> bool {
    section.contains(&format!("| `--{flag}` |")) || section.contains(&format!("| `--{flag} "))
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[test]
fn every_configuration_key_is_listed_with_its_flag_its_variable_and_its_default() {
    let defaults = keys_of(Table::try_from(Config::default()).expect("plain data"));
    for (key, _) in keys(MAXIMAL) {
        let row = row(KEEPER, &key);
        let flag = format!("`--{}`", key.replace(['.', '_'], "-"));
        let variable = format!("`PLIMSOLL__{}`", key.replace('.', "__").to_uppercase());
        let default = defaults.iter().find(|(name, _)| *name == key);
        let default = match default.map(|(_, value)| value) {
            None => "none".to_owned(),
            Some(Value::Array(list)) if list.is_empty() => "the one|none".to_owned(),
            Some(Value::Array(_)) => "version 1".to_owned(),
            Some(Value::String(text)) => format!("`{text}`"),
            Some(other) => format!("`{other}`"),
        };
        let cell = row.split(" | ").nth(3).expect("a cell for the default");
        let fits = default.split('|').any(|start| cell.starts_with(start));
        assert!(
            row.contains(&flag) && row.contains(&variable) && fits,
            "{key} is {flag}, {variable}, default {default}; the row is {row}"
        );
    }
}

#[test]
fn every_metric_step_state_and_reason_is_listed() {
    for name in metrics::NAMES.iter().chain(steps::ALL) {
        row(KEEPER, name);
    }
    for step in Step::ALL {
        row(KEEPER, step.name());
    }
    for reason in Reason::ALL {
        row(KEEPER, reason.name());
    }
    for state in BatchState::ALL {
        assert!(
            row(KEEPER, "plimsoll_batches").contains(&format!("`{}`", state.name())),
            "{}",
            state.name()
        );
    }
}

#[test]
fn everything_an_attester_answers_is_listed() {
    let source = include_str!("../src/attester/protocol.rs");
    for name in variants(source, "Code")
        .into_iter()
        .chain(variants(source, "Fault"))
    {
        row(KEEPER, &snake_case(name));
    }
    for request in [
        "POST /v1/check",
        "POST /v1/attest",
        "GET /v1/batch/{epoch}/{lane}/{seq}",
        "GET /v1/info",
        "GET /health",
    ] {
        row(KEEPER, request);
    }
}

#[test]
fn every_finding_and_flag_of_an_audit_is_listed() {
    let (_, section) = KEEPER
        .split_once("\n## Auditing a deployment\n")
        .expect("a section");
    for kind in Kind::ALL {
        row(section, kind.name());
    }
    let source = include_str!("../src/cli/audit.rs");
    let flags = [fields(source, "Located"), fields(source, "Audit")].concat();
    assert_eq!(flags.len(), 8, "{flags:?}");
    for flag in flags {
        assert!(lists_flag(section, &flag), "--{flag}");
    }
    for code in [0, 1, 2, 3] {
        assert!(section.contains(&format!("| {code} | ")), "{code}");
    }
}

#[test]
fn every_flag_and_key_of_a_proposal_is_listed() {
    let (_, section) = KEEPER
        .split_once("\n## Proposing parameters\n")
        .expect("a section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let located = include_str!("../src/cli/audit.rs");
    let source = include_str!("../src/cli/propose.rs");
    let flags = [fields(located, "Located"), fields(source, "Propose")].concat();
    // The file of parameters is no flag.
    let flags: Vec<_> = flags.iter().filter(|flag| *flag != "params").collect();
    assert_eq!(flags.len(), 7, "{flags:?}");
    for flag in flags {
        assert!(lists_flag(section, flag), "--{flag}");
    }
    let source = include_str!("../src/propose.rs");
    let (_, json) = source
        .split_once("        json!({\n            \"format\"")
        .expect("there");
    let (json, _) = json.split_once("\n        })").expect("its end");
    let keys = json
        .lines()
        .filter_map(|line| line.strip_prefix("            \""));
    let keys: Vec<_> = keys.filter_map(|line| line.split('"').next()).collect();
    assert!(keys.len() > 7, "{keys:?}");
    for key in keys {
        assert!(section.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn every_error_that_is_told_by_name_is_listed() {
    let contract = include_str!("../../contracts/interface/src/error.rs");
    let names = variants(contract, "Error");
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(KEEPER.contains(&format!("`{name}`")), "{name}");
    }
    let chain = include_str!("../src/chain/error.rs");
    let (_, classes) = chain.split_once("fn runtime_class").expect("there");
    let (classes, _) = classes
        .split_once("/// Bytes for a message")
        .expect("there");
    for name in classes.split('"').skip(1).step_by(2) {
        assert!(KEEPER.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_example_of_a_receipt_is_one_and_every_field_is_listed() {
    let json = KEEPER
        .lines()
        .find(|line| line.starts_with("    {\"id\""))
        .expect("an example");
    let mut receipt: Receipt = serde_json::from_str(json.trim()).expect("a receipt");
    receipt.check().expect("possible");

    let rows: Vec<_> = KEEPER
        .lines()
        .skip_while(|line| !line.starts_with("    id,operator,"))
        .take(2)
        .map(str::trim)
        .collect();
    let text = rows.join("\n");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let same: Receipt = reader
        .deserialize()
        .next()
        .expect("a row")
        .expect("a receipt");
    assert_eq!(same, receipt);

    receipt.evidence = Some([1; 32]);
    receipt.signature = Some([1; 65]);
    let fields = serde_json::to_value(&receipt).expect("plain data");
    let fields = fields.as_object().expect("one object");
    assert_eq!(rows[0].split(',').count(), fields.len());
    for field in fields.keys() {
        row(KEEPER, field);
    }
}

#[test]
fn what_is_signed_is_told_as_it_is() {
    let source = include_str!("../src/receipt.rs");
    let words = |text: &str| text.split_whitespace().collect::<String>();
    let document = words(KEEPER);
    for name in ["DOMAIN_TYPE", "RECEIPT_TYPE"] {
        let (_, rest) = source
            .split_once(&format!("const {name}: &[u8] = b\""))
            .expect("there");
        let (signed, _) = rest.split_once('"').expect("its end");
        assert!(document.contains(&words(signed)), "{signed}");
    }
}

#[test]
fn every_key_of_deploy_toml_is_listed() {
    let listed = keys(TERMS).into_iter().map(|(key, _)| key);
    for key in listed.chain(OTHER_TERMS.map(str::to_owned)) {
        row(DEPLOY, &key);
    }
}

#[test]
fn every_file_that_is_linked_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let documents = [
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "data/README.md",
        "docs/architecture.md",
        "docs/assumptions.md",
        "docs/compare.md",
        "docs/deploy.md",
        "docs/keeper.md",
        "docs/mechanism.md",
        "docs/metrics.md",
    ];
    let anchor = |heading: &str| -> String {
        let kept = |letter: &char| letter.is_alphanumeric() || *letter == ' ' || *letter == '-';
        let text: String = heading.to_lowercase().chars().filter(kept).collect();
        text.trim().replace(' ', "-")
    };
    for name in documents {
        let document = root.join(name);
        let text = std::fs::read_to_string(&document).expect("a document");
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap_or(link);
            if link.contains("://") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.clone(),
                file => document.with_file_name("").join(file),
            };
            assert!(target.exists(), "{name} links to {link}");
            if !place.is_empty() {
                let text = std::fs::read_to_string(&target).expect("text");
                let found = text
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| anchor(line.trim_start_matches('#')) == place);
                assert!(
                    found,
                    "{name} links to {link}, and there is no such heading"
                );
            }
        }
    }
}
