//! A whole comparison, from a scenario to its findings.

use crate::attacks;
use crate::backtests;
use crate::chain_costs;
use crate::charts;
use crate::data;
use crate::designs::{self, Design};
use crate::engine::{self, pool, Aggregate, Entrants, Stage, Unlocking};
use crate::findings::{
    Backtest, DataFile, DesignFacts, Exit, Findings, Manifest, MetricFacts, Verdict,
};
use crate::markets::Markets;
use crate::metrics;
use crate::progress::Progress;
use crate::scenario::Scenario;
use crate::sensitivity;
use crate::verdict;
use crate::vesting::Vesting;
use crate::world::{Load, Operator, World};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// How much of a comparison is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    Whole,
    /// Metrics only: no attacks, no entrants, no sensitivity; for sweeps.
    Metrics,
}

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// Known history was not reproduced, so nothing may be forecast.
    #[error("{0}")]
    Backtest(String),
    /// What the runs gave could not be kept.
    #[error("{0}")]
    Keep(#[from] std::io::Error),
}

/// Takes the metrics of every run as it is done, in the order of the runs: `run`, the
/// design, and its values in the order of [`metrics::ALL`].
pub trait Keep {
    /// Keeps one row.
    ///
    /// # Errors
    /// If it cannot.
    fn keep(&mut self, run: u64, design: &str, values: &[f64]) -> std::io::Result<()>;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forget;

impl Keep for Forget {
    fn keep(&mut self, _run: u64, _design: &str, _values: &[f64]) -> std::io::Result<()> {
        Ok(())
    }
}

/// `tests`, if known history was reproduced.
///
/// # Errors
/// [`CompareError::Backtest`] with what was expected and what was computed, if any part of
/// it was not.
fn reproduced(tests: Vec<Backtest>) -> Result<Vec<Backtest>, CompareError> {
    let mut failed = String::new();
    for test in tests.iter().filter(|test| !test.passed) {
        // Writing to a string cannot fail.
        let _ = write!(
            failed,
            "\n  {} ({}): known {}, computed {}",
            test.name, test.file, test.expected, test.computed
        );
    }
    if failed.is_empty() {
        Ok(tests)
    } else {
        Err(CompareError::Backtest(format!(
            "known history is not reproduced, so nothing is forecast:{failed}\n\
             Either a data file has changed or the code is wrong."
        )))
    }
}

/// Compares the designs of `scenario`. `command` is what makes it again.
///
/// # Errors
/// See [`CompareError`].
pub fn compare(
    scenario: &Scenario,
    extent: Extent,
    command: &str,
    keep: &mut dyn Keep,
    progress: &Progress,
) -> Result<Findings, CompareError> {
    let backtests = reproduced(backtests::run())?;
    let world = World::new(scenario);
    let designs = designs_of(scenario);
    let markets = Markets::new(scenario);
    let unlocking = Unlocking::new(scenario.settings());
    let mut stage = Stage {
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
    let entrants = (extent == Extent::Whole).then(|| Entrants::new(&stage));
    stage.entrants = entrants.as_ref();
    let aggregate = runs(&stage, keep, progress)?;

    let settings = scenario.settings();
    let ids: Vec<&str> = designs.iter().map(|design| design.facts().id).collect();
    let mut findings = Findings {
        manifest: manifest(scenario, command),
        assumptions: scenario.assumptions().to_vec(),
        backtests,
        designs: designs.iter().map(|design| facts(design.facts())).collect(),
        vestings: Vesting::ALL
            .iter()
            .map(|vesting| facts(vesting.facts()))
            .collect(),
        metrics: metrics::ALL.iter().map(MetricFacts::from).collect(),
        results: aggregate
            .paired
            .outcomes(&ids, metrics::ALL, settings.run.confidence),
        charts: drawn(&stage, &aggregate),
        coverage: Vec::new(),
        exits: Vec::new(),
        selling: markets.table(&stage, &aggregate),
        capital: Vec::new(),
        attacks: Vec::new(),
        sensitivity: Vec::new(),
        chain: chain_costs::costs(),
        verdict: Verdict::default(),
    };
    let classes: Vec<String> = stage.class_names();
    let countries: Vec<String> = stage.country_names();
    for (id, shapes) in ids.iter().zip(&aggregate.designs) {
        findings
            .coverage
            .extend(shapes.coverage.rows(id, &classes, &countries));
        findings.exits.extend(exits(id, &shapes.exits, &classes));
    }
    if let Some(entrants) = &entrants {
        for (id, shapes) in ids.iter().zip(&aggregate.designs) {
            let confidence = settings.run.confidence;
            findings
                .capital
                .extend(entrants.rows(id, &shapes.returns, confidence));
        }
        findings.attacks = searched(&stage, progress);
        findings.sensitivity = sensitivity::table(scenario, progress);
    }
    findings.verdict = verdict::of(&findings);
    Ok(findings)
}

/// Every curve.
fn drawn(stage: &Stage<'_>, aggregate: &Aggregate) -> Vec<crate::findings::Chart> {
    let mut charts = charts::of(stage, aggregate);
    charts.extend(stage.markets.charts(stage, aggregate));
    charts
}

/// The designs of a scenario, Plimsoll last.
#[must_use]
pub fn designs_of(scenario: &Scenario) -> Vec<Box<dyn Design>> {
    let settings = scenario.settings();
    designs::all(settings.params, &settings.designs)
}

/// All runs of a comparison.
///
/// # Errors
/// That of `keep`.
pub fn runs(
    stage: &Stage<'_>,
    keep: &mut dyn Keep,
    progress: &Progress,
) -> std::io::Result<Aggregate> {
    let runs = u64::from(stage.scenario.settings().run.runs);
    progress.begin("runs", runs);
    let mut aggregate = Aggregate::new(stage);
    pool::in_order(
        runs,
        |run| {
            let result = engine::play(stage, run);
            progress.step(1);
            result
        },
        |run, result| {
            for (design, values) in stage.designs.iter().zip(&result.designs) {
                keep.keep(run, design.facts().id, &values.metrics)?;
            }
            aggregate.add(&result);
            Ok::<_, std::io::Error>(())
        },
    )?;
    Ok(aggregate)
}

/// Epochs in which attacks are tried: with the samples played one after the other, whole
/// intervals of the design that pays every four weeks.
const ATTACKED_EPOCHS: u32 = 14;

/// The best attacks found, in the world of the first run.
fn searched(stage: &Stage<'_>, progress: &Progress) -> Vec<crate::findings::Attack> {
    let settings = stage.scenario.settings();
    let operators = stage.world.population(0);
    let mut demand = stage.world.demand(0, &operators);
    let loads: Vec<Load> = (0..ATTACKED_EPOCHS.min(settings.run.epochs))
        .map(|_| {
            let mut load = Load::idle(operators.len());
            demand.next(&mut load);
            load
        })
        .collect();
    let setting = attacks::Setting {
        operators: &operators,
        loads: &loads,
        params: settings.params,
        reserve: settings.emission.reserve,
        horizon: settings.run.epochs,
        market_price: stage.world.market_price(),
        eur_per_base_unit: stage.world.eur_per_base_unit(0),
        base_units_per_token: 1.0 / stage.token(),
        terms: attacks::Terms {
            sizes: settings.attack.sizes.to_vec(),
            rent_per_year: settings.attack.bond_rent,
            burnt_share: settings.demand.burnt_fees,
            running_cost_per_million_units_eur: cost_of_work(stage, &operators),
            identity_cost_eur_per_year: settings.attack.identity_cost,
            vetted_identities: settings.attack.vetted_identities,
            fragment_threshold: settings.fragment_threshold,
            smallest_job: stage
                .scenario
                .inputs()
                .jobs
                .iter()
                .copied()
                .min()
                .unwrap_or(1),
            epochs_per_year: 1.0 / settings.run.epoch_years(),
        },
    };
    let searches = stage.designs.len() * setting.terms.sizes.len() * attacks::Kind::ALL.len();
    progress.begin("attacks", searches as u64);
    let seed = settings.run.seed;
    attacks::search(stage.designs, &setting, seed, &|_| progress.step(1))
}

/// What a million more work units cost an operator in electricity, in EUR: the median.
fn cost_of_work(stage: &Stage<'_>, operators: &[Operator]) -> f64 {
    let costs: Vec<f64> = operators
        .iter()
        .map(|operator| {
            let at = |units| stage.world.running_cost(operator, units);
            at(1_000_000) - at(0)
        })
        .collect();
    metrics::quantile(&costs, 0.5).unwrap_or(0.0)
}

fn facts(of: designs::Facts) -> DesignFacts {
    DesignFacts {
        id: of.id.into(),
        title: of.title.into(),
        formula: of.formula.into(),
        source: of.source.into(),
    }
}

/// Who left, by class, in the order in which classes do.
fn exits(design: &str, of: &engine::exits::Exits, classes: &[String]) -> Vec<Exit> {
    let mut rows: Vec<Exit> = classes
        .iter()
        .enumerate()
        .filter(|(class, _)| of.members[*class] > 0)
        .map(|(class, name)| Exit {
            design: design.into(),
            class: name.clone(),
            gone: of.gone[class] as f64 / of.members[class] as f64,
            mean_epoch: (of.gone[class] > 0)
                .then(|| of.epochs[class] as f64 / of.gone[class] as f64),
            order: None,
        })
        .collect();
    let mut leaving: Vec<usize> = (0..rows.len())
        .filter(|row| rows[*row].mean_epoch.is_some())
        .collect();
    leaving.sort_by(|a, b| {
        let epoch = |row: usize| rows[row].mean_epoch.unwrap_or(f64::INFINITY);
        epoch(*a).total_cmp(&epoch(*b)).then(a.cmp(b))
    });
    for (place, row) in leaving.into_iter().enumerate() {
        // There are as many places as classes, a handful.
        rows[row].order = Some(place as u32 + 1);
    }
    rows
}

/// What a comparison of `scenario` is computed from.
#[must_use]
pub fn manifest(scenario: &Scenario, command: &str) -> Manifest {
    let run = &scenario.settings().run;
    let mut files: Vec<DataFile> = data::FILES.iter().map(data::Shipped::in_manifest).collect();
    files.extend(
        scenario
            .inputs()
            .files
            .iter()
            .map(|(name, sha256)| DataFile {
                file: name.clone(),
                sha256: sha256.clone(),
                licence: "the scenario's own".into(),
                source: "the scenario's own".into(),
            }),
    );
    Manifest {
        version: env!("CARGO_PKG_VERSION").into(),
        code_sha256: env!("PLIMSOLL_CODE_HASH").into(),
        scenario: scenario.name().into(),
        scenario_sha256: hex::encode(Sha256::digest(scenario.canonical().as_bytes())),
        data: files,
        seed: run.seed,
        runs: run.runs,
        epochs: run.epochs,
        command: command.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::exits::Exits;

    #[test]
    fn history_that_is_not_reproduced_stops_the_run_and_says_what_was_computed() {
        let mut tests = backtests::run();
        assert!(tests.len() > 4);
        assert!(reproduced(tests.clone()).is_ok());
        tests[0].passed = false;
        tests[0].computed = "7".into();
        let error = reproduced(tests).expect_err("history").to_string();
        assert!(error.contains("nothing is forecast"), "{error}");
        assert!(error.contains("computed 7"), "{error}");
    }

    #[test]
    fn classes_leave_in_the_order_of_their_mean_epoch() {
        let of = Exits {
            members: vec![4, 2, 0, 5],
            gone: vec![2, 1, 0, 0],
            epochs: vec![200, 60, 0, 0],
            staying: Vec::new(),
        };
        let names: Vec<String> = ["a", "b", "c", "d"].map(String::from).into();
        let rows = exits("x", &of, &names);
        assert_eq!(rows.len(), 3, "a class without members has no row");
        assert_eq!((rows[0].gone, rows[0].mean_epoch), (0.5, Some(100.0)));
        let order: Vec<_> = rows.iter().map(|row| row.order).collect();
        assert_eq!(order, [Some(2), Some(1), None]);
    }
}
