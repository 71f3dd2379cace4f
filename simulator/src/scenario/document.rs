//! `docs/assumptions.md`, made from a scenario.

use super::Scenario;
use std::fmt::Write as _;

/// What the document says before its tables.
const PREFACE: &str = "\
# Assumptions of the shipped comparison

Everything that `plimsoll compare` takes for granted when it is given no scenario: the numbers and
names of [`simulator/scenarios/opg.toml`](../simulator/scenarios/opg.toml), each with its unit, its source
and, if it is uncertain, the range in which the sensitivity moves it. What is measured names its file;
[`data/README.md`](../data/README.md) says where that is from. What is a choice says so: of OpenGradient's
network neither the number of operators nor their cards, countries or work is public.

This file is generated, and a test fails if it differs from the scenario. To write it again:

    PLIMSOLL_WRITE_DOCS=1 cargo test -p plimsoll-simulator --test assumptions

A share of a class or country that is moved moves the others in proportion, so that all sum up to 1.
Numbers without a range are measurements, definitions or choices that are not varied.
";

/// The document for `scenario`.
#[must_use]
pub fn document(scenario: &Scenario) -> String {
    let mut text = format!(
        "{PREFACE}\n## Numbers\n\n| key | value | unit | range | source |\n|---|---|---|---|---|\n"
    );
    for assumption in scenario.assumptions() {
        let range = match (assumption.low, assumption.high) {
            (Some(low), Some(high)) => format!("{} to {}", plain(low), plain(high)),
            _ => String::new(),
        };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {range} | {} |",
            assumption.key,
            plain(assumption.value),
            assumption.unit,
            assumption.source
        );
    }
    text.push_str("\n## Choices\n\n| key | value | source |\n|---|---|---|\n");
    for choice in scenario.choices() {
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} |",
            choice.key, choice.value, choice.source
        );
    }
    text
}

/// A number as people write it: thousands in groups, no digits that are not there.
fn plain(number: f64) -> String {
    let text = number.to_string();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (digits, String::new()),
    };
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn numbers_are_grouped_and_keep_their_fraction() {
        assert_eq!(plain(25_000_000_000.0), "25,000,000,000");
        assert_eq!(plain(-0.5), "-0.5");
        assert_eq!(plain(1_599.25), "1,599.25");
        assert_eq!(plain(999.0), "999");
    }
}
