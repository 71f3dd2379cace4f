//! The report as files: whole, complete, the same bytes every time, and loading nothing.

mod sample;

use plimsoll_simulator::findings::Findings;
use plimsoll_simulator::report::{self, ReportError};
use std::collections::BTreeMap;
use std::path::Path;

/// All files of a folder by their path in it.
fn read_all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap();
                let name = name.to_str().unwrap().replace('\\', "/");
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn written(findings: &Findings) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    report::write(findings, sample::SCENARIO, folder.path()).unwrap();
    read_all(folder.path())
}

fn text<'a>(files: &'a BTreeMap<String, Vec<u8>>, name: &str) -> &'a str {
    std::str::from_utf8(&files[name]).unwrap()
}

/// The records below the head of a table.
fn records(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(files[name].as_slice());
    let record = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader.records().map(|row| record(row.unwrap())).collect()
}

#[test]
fn the_same_findings_give_the_same_bytes() {
    let findings = sample::findings();
    let (one, two) = (written(&findings), written(&findings.clone()));
    assert!(one == two);
    assert!(one.len() > 15);
}

#[test]
fn every_file_is_named_and_there_is_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let findings = sample::findings();
    let paths = report::write(&findings, sample::SCENARIO, folder.path()).unwrap();
    let mut named: Vec<String> = paths
        .iter()
        .map(|path| path.strip_prefix(folder.path()).unwrap())
        .map(|path| path.to_str().unwrap().replace('\\', "/"))
        .collect();
    assert_eq!(named.last().unwrap(), "report.html");
    named.sort();
    let files = read_all(folder.path());
    assert_eq!(named, files.keys().cloned().collect::<Vec<_>>());
    assert_eq!(files["scenario.toml"], sample::SCENARIO.as_bytes());
    for chart in &findings.charts {
        assert!(files.contains_key(&format!("charts/{}.csv", chart.id)));
    }
}

#[test]
fn every_row_of_the_findings_is_in_a_table() {
    let findings = sample::findings();
    let files = written(&findings);
    let points = |series: &plimsoll_simulator::findings::Series| series.points.len();
    let mut expected = vec![
        ("results.csv".to_owned(), findings.results.len()),
        ("coverage.csv".into(), findings.coverage.len()),
        ("exits.csv".into(), findings.exits.len()),
        ("selling.csv".into(), findings.selling.len()),
        ("capital.csv".into(), findings.capital.len()),
        ("attacks.csv".into(), findings.attacks.len()),
        ("sensitivity.csv".into(), findings.sensitivity.len()),
        ("chain.csv".into(), findings.chain.len()),
        ("backtests.csv".into(), findings.backtests.len()),
        ("assumptions.csv".into(), findings.assumptions.len()),
        ("metrics.csv".into(), findings.metrics.len()),
        (
            "designs.csv".into(),
            findings.designs.len() + findings.vestings.len(),
        ),
    ];
    for chart in &findings.charts {
        let count = chart.series.iter().map(points).sum();
        expected.push((format!("charts/{}.csv", chart.id), count));
    }
    for (name, count) in expected {
        assert_eq!(records(&files, &name).len(), count, "{name}");
    }
}

#[test]
fn every_outcome_is_in_the_results_with_all_its_digits() {
    let findings = sample::findings();
    let files = written(&findings);
    for (row, outcome) in records(&files, "results.csv").iter().zip(&findings.results) {
        assert_eq!(row[..2], [outcome.design.clone(), outcome.metric.clone()]);
        let numbers: Vec<f64> = row[2..8].iter().map(|text| text.parse().unwrap()).collect();
        let (value, difference) = (outcome.value, outcome.difference);
        assert_eq!(numbers[..3], [value.mean, value.low, value.high]);
        assert_eq!(
            numbers[3..],
            [difference.mean, difference.low, difference.high]
        );
    }
}

#[test]
fn the_json_is_all_of_the_findings() {
    let findings = sample::findings();
    let files = written(&findings);
    let expected = serde_json::to_string_pretty(&findings).unwrap();
    assert!(text(&files, "findings.json").trim_end() == expected);
    let expected = serde_json::to_string_pretty(&findings.manifest).unwrap();
    assert!(text(&files, "manifest.json").trim_end() == expected);
}

#[test]
fn the_page_shows_every_part_of_the_findings() {
    let findings = sample::findings();
    let files = written(&findings);
    let page = text(&files, "report.html");
    let has = |text: &str| {
        let text = plimsoll_simulator::report::svg::escape(text);
        assert!(
            page.contains(&text) || page.contains(&text.replace("&quot;", "&#34;")),
            "not in the page: {text}"
        );
    };
    let verdict = &findings.verdict;
    has(&verdict.headline);
    let lists = [
        &verdict.wins,
        &verdict.losses,
        &verdict.undecided,
        &verdict.breaks,
        &verdict.flips,
        &verdict.not_shown,
    ];
    for sentence in lists.into_iter().flatten() {
        has(sentence);
    }
    findings.backtests.iter().for_each(|test| has(&test.name));
    findings
        .metrics
        .iter()
        .for_each(|metric| has(&metric.title));
    findings.charts.iter().for_each(|chart| has(&chart.title));
    findings.sensitivity.iter().for_each(|row| has(&row.words));
    findings.chain.iter().for_each(|cost| has(&cost.call));
    findings.assumptions.iter().for_each(|row| has(&row.key));
    findings.manifest.data.iter().for_each(|row| has(&row.file));
    has(&findings.manifest.code_sha256);
    has(&findings.manifest.command);
    // A row of results for each design and group, the attacks with their strategies.
    let groups = 6;
    for design in findings
        .designs
        .iter()
        .filter(|design| design.title != sample::HOSTILE)
    {
        let row = format!(
            r#"<th scope="row">{}</th>"#,
            plimsoll_simulator::report::svg::escape(&design.title)
        );
        assert!(page.matches(&row).count() >= groups, "{row}");
    }
    assert_eq!(
        page.matches("open 7 identities of equal work").count(),
        findings.attacks.len()
    );
}

#[test]
fn a_design_s_title_is_never_markup() {
    let files = written(&sample::findings());
    let page = text(&files, "report.html");
    assert!(!page.contains("<b>") && !page.contains("<script"));
    assert!(page.contains("&lt;b&gt;") || page.contains("&#60;b&#62;"));
}

#[test]
fn the_page_loads_nothing() {
    let files = written(&sample::findings());
    let page = text(&files, "report.html");
    for loads in [
        "src=", "url(", "@import", "<script", "<iframe", "<img", "<object", "<embed",
    ] {
        assert!(!page.contains(loads), "{loads}");
    }
    // The one link element is an icon without content.
    assert_eq!(page.matches("<link").count(), 1);
    assert!(page.contains(r#"<link rel="icon" href="data:,">"#));
    // An address is only ever where a reader may go by himself, or text.
    for (place, _) in page.match_indices("http") {
        let before = &page[..place];
        let in_link = before.ends_with(r#"<a href=""#);
        let in_tag = before.rfind('<') > before.rfind('>');
        assert!(in_link || !in_tag, "{}", &page[place..place + 40]);
    }
}

#[test]
fn every_file_the_page_names_is_beside_it() {
    let files = written(&sample::findings());
    let page = text(&files, "report.html");
    let mut named = 0;
    for piece in page.split(r#"<a href=""#).skip(1) {
        let target = piece.split('"').next().unwrap();
        if !(target.starts_with('#') || target.starts_with("http")) {
            assert!(files.contains_key(target), "{target}");
            named += 1;
        }
    }
    assert!(named > 20);
}

#[test]
fn findings_of_nothing_are_shown_and_say_so() {
    let mut findings = sample::findings();
    findings.backtests.clear();
    findings.results.clear();
    findings.charts.clear();
    findings.coverage.clear();
    findings.exits.clear();
    findings.selling.clear();
    findings.capital.clear();
    findings.attacks.clear();
    findings.sensitivity.clear();
    findings.verdict.wins.clear();
    findings.verdict.losses.clear();
    let files = written(&findings);
    let page = text(&files, "report.html");
    assert!(page.contains("There is no metric on which no other design is better."));
    assert!(page.contains("do not trust the forecasts"));
    assert!(!page.contains("NaN"));
}

#[test]
fn what_is_no_number_does_not_reach_the_page() {
    let mut findings = sample::findings();
    let none = f64::NAN;
    findings.results[0].value.mean = none;
    findings.coverage[0].full = none;
    findings.coverage[1].median_cover = f64::INFINITY;
    findings.capital[0].return_per_year.high = f64::INFINITY;
    findings.sensitivity[0].swing = none;
    findings.charts[0].series[0].points[3].1 = none;
    findings.selling[0].worst_month_share = none;
    findings.exits[0].gone = none;
    findings.attacks[0].gain_percent = f64::INFINITY;
    let files = written(&findings);
    let page = text(&files, "report.html");
    assert!(!page.contains("NaN") && !page.contains("inf%"));
    assert_eq!(records(&files, "results.csv")[0][2], "");
}

#[test]
fn an_id_that_is_no_file_name_is_refused_before_anything_is_written() {
    for id in ["../up", "A", "", "lorenz-owner"] {
        let mut findings = sample::findings();
        findings.charts[1].id = id.into();
        let folder = tempfile::tempdir().unwrap();
        let refused = report::write(&findings, sample::SCENARIO, folder.path());
        assert!(matches!(refused, Err(ReportError::ChartId(bad)) if bad == id));
        assert!(read_all(folder.path()).is_empty());
    }
}

#[test]
fn a_run_that_fails_keeps_what_is_done() {
    let findings = sample::findings();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("findings.json")).unwrap();
    let failed = report::write(&findings, sample::SCENARIO, folder.path());
    let Err(ReportError::Io { path, .. }) = failed else {
        panic!("{failed:?}");
    };
    assert!(path.ends_with("findings.json"));
    let files = read_all(folder.path());
    let whole = written(&findings);
    assert_eq!(files.len(), whole.len() - 2);
    for (name, content) in files {
        assert!(content == whole[&name], "{name}");
    }
}
