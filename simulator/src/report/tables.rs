//! The tables as CSV: every row of the findings, with every digit.

use super::ReportError;
use crate::findings::{Chart, Findings, Interval};

/// Every table: its file's name and content.
pub(super) fn all(findings: &Findings) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let mut files = vec![
        ("backtests.csv".into(), backtests(findings)?),
        ("designs.csv".into(), designs(findings)?),
        ("metrics.csv".into(), metrics(findings)?),
        ("results.csv".into(), results(findings)?),
        ("against.csv".into(), against(findings)?),
        ("coverage.csv".into(), coverage(findings)?),
        ("exits.csv".into(), exits(findings)?),
        ("selling.csv".into(), selling(findings)?),
        ("capital.csv".into(), capital(findings)?),
        ("attacks.csv".into(), attacks(findings)?),
        ("sensitivity.csv".into(), sensitivity(findings)?),
        ("chain.csv".into(), chain(findings)?),
        ("assumptions.csv".into(), assumptions(findings)?),
    ];
    for points in &findings.charts {
        files.push((format!("charts/{}.csv", points.id), chart(points)?));
    }
    Ok(files)
}

fn backtests(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    table(
        ["name", "kind", "expected", "computed", "passed", "file"],
        findings.backtests.iter().map(|test| {
            [
                test.name.clone(),
                if test.history {
                    "history"
                } else {
                    "consistency"
                }
                .into(),
                test.expected.clone(),
                test.computed.clone(),
                test.passed.to_string(),
                test.file.clone(),
            ]
        }),
    )
}

fn designs(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    let rewards = findings.designs.iter().map(|facts| ("design", facts));
    let vestings = findings.vestings.iter().map(|facts| ("vesting", facts));
    table(
        ["kind", "id", "title", "formula", "source"],
        rewards.chain(vestings).map(|(kind, facts)| {
            [
                kind.into(),
                facts.id.clone(),
                facts.title.clone(),
                facts.formula.clone(),
                facts.source.clone(),
            ]
        }),
    )
}

fn metrics(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    findings
        .metrics
        .iter()
        .map(|metric| {
            Ok([
                metric.id.clone(),
                metric.title.clone(),
                metric.unit.clone(),
                word(&metric.better)?,
                metric.group.clone(),
                metric.definition.clone(),
            ])
        })
        .collect::<Result<Vec<_>, ReportError>>()
        .and_then(|rows| {
            table(
                ["id", "title", "unit", "better", "group", "definition"],
                rows,
            )
        })
}

fn results(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    let head = [
        "design",
        "metric",
        "mean",
        "low",
        "high",
        "difference_mean",
        "difference_low",
        "difference_high",
        "call",
    ];
    let mut rows = Vec::new();
    for outcome in &findings.results {
        let [mean, low, high] = interval(outcome.value);
        let [difference, difference_low, difference_high] = interval(outcome.difference);
        rows.push([
            outcome.design.clone(),
            outcome.metric.clone(),
            mean,
            low,
            high,
            difference,
            difference_low,
            difference_high,
            word(&outcome.call)?,
        ]);
    }
    table(head, rows)
}

fn coverage(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    table(
        [
            "design",
            "class",
            "country",
            "operators",
            "electricity",
            "full",
            "median_cover",
        ],
        findings.coverage.iter().map(|row| {
            [
                row.design.clone(),
                row.class.clone(),
                row.country.clone(),
                number(row.operators),
                number(row.electricity),
                number(row.full),
                number(row.median_cover),
            ]
        }),
    )
}

fn exits(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    table(
        ["design", "class", "gone", "mean_epoch", "order"],
        findings.exits.iter().map(|row| {
            [
                row.design.clone(),
                row.class.clone(),
                number(row.gone),
                row.mean_epoch.map_or_else(String::new, number),
                row.order
                    .map_or_else(String::new, |order| order.to_string()),
            ]
        }),
    )
}

fn selling(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    table(
        [
            "design",
            "vesting",
            "rule",
            "unlocked",
            "worst_month_share",
            "worst_month",
        ],
        findings.selling.iter().map(|row| {
            [
                row.design.clone(),
                row.vesting.clone(),
                row.rule.clone(),
                number(row.unlocked),
                number(row.worst_month_share),
                row.worst_month.to_string(),
            ]
        }),
    )
}

fn capital(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    table(
        [
            "design",
            "entrant",
            "capital_eur",
            "entry_epoch",
            "return_per_year_mean",
            "return_per_year_low",
            "return_per_year_high",
        ],
        findings.capital.iter().map(|row| {
            let [mean, low, high] = interval(row.return_per_year);
            [
                row.design.clone(),
                row.entrant.clone(),
                number(row.capital),
                row.entry.to_string(),
                mean,
                low,
                high,
            ]
        }),
    )
}

fn attacks(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    table(
        [
            "design",
            "kind",
            "size",
            "gain_percent",
            "honest_share",
            "attack_share",
            "small_lose_percent",
            "strategy",
            "tried",
        ],
        findings.attacks.iter().map(|row| {
            [
                row.design.clone(),
                row.kind.clone(),
                number(row.size),
                number(row.gain_percent),
                number(row.honest_share),
                number(row.attack_share),
                number(row.small_lose_percent),
                row.strategy.clone(),
                row.tried.to_string(),
            ]
        }),
    )
}

fn against(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    let known = |value: Option<f64>| value.map_or_else(String::new, number);
    table(
        [
            "design",
            "plimsoll_better",
            "other_better",
            "undecided",
            "split_gain",
            "attack_share",
            "small_lose_percent",
        ],
        findings.verdict.against.iter().map(|row| {
            [
                row.design.clone(),
                row.plimsoll_better.to_string(),
                row.other_better.to_string(),
                row.undecided.to_string(),
                known(row.split_gain),
                known(row.attack_share),
                known(row.small_lose_percent),
            ]
        }),
    )
}

fn sensitivity(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    table(
        [
            "key",
            "metric",
            "winner",
            "winner_low",
            "winner_high",
            "swing",
            "flip",
            "words",
        ],
        findings.sensitivity.iter().map(|row| {
            [
                row.key.clone(),
                row.metric.clone(),
                row.winner.clone(),
                row.winner_low.clone(),
                row.winner_high.clone(),
                number(row.swing),
                row.flip.map_or_else(String::new, number),
                row.words.clone(),
            ]
        }),
    )
}

fn chain(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    table(
        ["call", "microseconds", "proof_bytes", "source"],
        findings.chain.iter().map(|row| {
            [
                row.call.clone(),
                number(row.microseconds),
                number(row.proof_bytes),
                row.source.clone(),
            ]
        }),
    )
}

fn assumptions(findings: &Findings) -> Result<Vec<u8>, ReportError> {
    table(
        ["key", "value", "unit", "low", "high", "source"],
        findings.assumptions.iter().map(|row| {
            [
                row.key.clone(),
                number(row.value),
                row.unit.clone(),
                row.low.map_or_else(String::new, number),
                row.high.map_or_else(String::new, number),
                row.source.clone(),
            ]
        }),
    )
}

fn chart(chart: &Chart) -> Result<Vec<u8>, ReportError> {
    table(
        ["series", "design", "x", "y"],
        chart.series.iter().flat_map(|series| {
            series.points.iter().map(|(x, y)| {
                [
                    series.name.clone(),
                    series.design.clone().unwrap_or_default(),
                    number(*x),
                    number(*y),
                ]
            })
        }),
    )
}

fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<Vec<u8>, ReportError> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(head)?;
    for row in rows {
        out.write_record(&row)?;
    }
    out.into_inner()
        .map_err(|failed| csv::Error::from(failed.into_error()).into())
}

/// A number with all its digits, so that reading it gives the same `f64`; nothing where
/// there is none.
fn number(value: f64) -> String {
    if value.is_nan() {
        String::new()
    } else {
        value.to_string()
    }
}

fn interval(interval: Interval) -> [String; 3] {
    [interval.mean, interval.low, interval.high].map(number)
}

/// The word by which JSON knows a value.
fn word(value: &impl serde::Serialize) -> Result<String, ReportError> {
    Ok(serde_json::to_string(value)?.trim_matches('"').into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{Call, Series};

    #[test]
    fn a_number_is_read_back_as_it_was() {
        for value in [0.1 + 0.2, 1e-300, -7.0, f64::MAX] {
            assert_eq!(number(value).parse(), Ok(value));
        }
        assert_eq!(number(f64::NAN), "");
    }

    #[test]
    fn a_comma_or_a_quote_stays_in_its_field() {
        let points = Chart {
            id: "a".into(),
            title: String::new(),
            caption: String::new(),
            x: String::new(),
            y: String::new(),
            series: vec![Series {
                name: "Pro rata, \"by work\"".into(),
                design: None,
                points: vec![(0.5, 2.0)],
            }],
        };
        let text = String::from_utf8(chart(&points).unwrap()).unwrap();
        assert_eq!(
            text,
            "series,design,x,y\n\"Pro rata, \"\"by work\"\"\",,0.5,2\n"
        );
    }

    #[test]
    fn a_call_has_the_word_of_the_json() {
        assert_eq!(word(&Call::NotCompared).unwrap(), "not-compared");
    }
}
