//! From entries back to TOML.

use super::keys::{Kind, LISTS};
use super::read::{Document, Entry, Value};
use std::fmt::Write as _;

/// `document` as TOML, which reads as the same document.
#[must_use]
pub fn toml(document: &Document) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "name = {}\ndescription = {}",
        quoted(&document.name),
        quoted(&document.description)
    );
    let mut open = String::new();
    for entry in &document.entries {
        let table = entry.definition.table;
        let prefix = entry
            .key
            .strip_suffix(entry.definition.name)
            .map_or(table, |prefix| prefix.trim_end_matches('.'));
        if prefix != open {
            prefix.clone_into(&mut open);
            let _ = if LISTS.contains(&table) {
                let name = &prefix[table.len() + 1..];
                writeln!(text, "\n[[{table}]]\nname = {}", quoted(name))
            } else {
                writeln!(text, "\n[{table}]")
            };
        }
        let _ = writeln!(text, "{} = {}", entry.definition.name, value(entry));
    }
    text
}

fn value(entry: &Entry) -> String {
    let source = quoted(&entry.source);
    match &entry.value {
        Value::Name(name) => format!("{{ value = {}, source = {source} }}", quoted(name)),
        Value::Number { value, low, high } => {
            let unit = match entry.definition.kind {
                Kind::Number { unit, .. } => unit,
                Kind::Name { .. } => "",
            };
            let mut text = format!("{{ value = {value:?}, unit = {}", quoted(unit));
            for (name, end) in [("low", low), ("high", high)] {
                if let Some(end) = end {
                    let _ = write!(text, ", {name} = {end:?}");
                }
            }
            format!("{text}, source = {source} }}")
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use crate::scenario::{Scenario, SHIPPED};
    use std::path::Path;

    #[test]
    fn what_is_written_reads_as_the_same_scenario() {
        let scenario = Scenario::parse(SHIPPED, Path::new(".")).expect("shipped");
        let changed = scenario
            .set("token.price", 0.2)
            .and_then(|scenario| scenario.set("class.home.share", 0.5))
            .expect("allowed");
        let chosen = scenario
            .choose("dispatch.model", "open")
            .and_then(|scenario| scenario.set("plimsoll.fee_multiple", 100_000.0))
            .expect("allowed");
        assert_eq!(chosen.settings().params.fee_multiple, Some(100_000));
        assert!(scenario.choose("dispatch.model", "opened").is_err());
        assert!(scenario.choose("dispatch.modell", "open").is_err());
        for scenario in [scenario, changed, chosen] {
            let text = scenario.canonical();
            let again = Scenario::parse(&text, Path::new(".")).expect("written");
            assert_eq!(again.settings(), scenario.settings());
            assert_eq!(again.canonical(), text);
        }
    }
}
