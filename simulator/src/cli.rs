//! `plimsoll compare`.

use crate::compare::{self, CompareError, Extent, Keep};
use crate::export;
use crate::findings::Findings;
use crate::metrics;
use crate::progress::Progress;
use crate::report;
use crate::scenario::{self, Scenario, ScenarioError};
use crate::sweep::{self, Assignment, Sweep};
use clap::Args;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What is compared, and where the report goes.
#[derive(Args, Clone, Debug)]
pub struct Compare {
    /// Scenario file; the shipped one, OpenGradient's case, if none is named
    scenario: Option<PathBuf>,

    /// Folder for the report and its files; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "comparison")]
    out: PathBuf,

    /// Sets a number or a name of the scenario: run.runs=10, dispatch.model=open; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<Assignment>,

    /// Tries several values of a number: token.price=0.05..0.5 (five, ends included),
    /// token.price=0.05..0.5/10 (ten) or token.price=0.1,0.2; repeated: every combination
    #[arg(long, value_name = "KEY=A..B")]
    sweep: Vec<Sweep>,

    /// Also writes Plimsoll's parameters of the scenario as the contract's arguments
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,

    /// Prints the shipped scenario, to start one's own from, and ends
    #[arg(long)]
    print_scenario: bool,

    /// Threads to use; all cores if not given. The result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Shows no progress
    #[arg(long, short)]
    quiet: bool,
}

/// Why a comparison failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The comparison.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// The report.
    #[error(transparent)]
    Report(#[from] report::ReportError),
    /// The parameters for the contract.
    #[error(transparent)]
    Export(#[from] export::ExportError),
    /// A file of the comparison's own.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// The number of threads.
    #[error("--threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Runs `plimsoll compare`.
///
/// # Errors
/// See [`CliError`]. What was done before an error stays in the folder.
pub fn run(arguments: &Compare) -> Result<ExitCode, CliError> {
    if arguments.print_scenario {
        print!("{}", scenario::SHIPPED);
        return Ok(ExitCode::SUCCESS);
    }
    let mut scenario = match &arguments.scenario {
        Some(path) => Scenario::open(path)?,
        None => Scenario::shipped(),
    };
    for assignment in &arguments.set {
        scenario = assignment.apply(&scenario)?;
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads.unwrap_or(0))
        .build()?;
    pool.install(|| {
        if arguments.sweep.is_empty() {
            one(arguments, &scenario)
        } else {
            many(arguments, &scenario)
        }
    })?;
    if let Some(path) = &arguments.export {
        let manifest = compare::manifest(&scenario, &command(arguments));
        export::write(path, &scenario.settings().params, &(&manifest).into())?;
        eprintln!("parameters for the contract: {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// One comparison with everything in it.
fn one(arguments: &Compare, scenario: &Scenario) -> Result<(), CliError> {
    let progress = Progress::new(arguments.quiet);
    let findings = compared(
        arguments,
        scenario,
        Extent::Whole,
        &arguments.out,
        &progress,
    )?;
    progress.end();
    for line in summary(&findings) {
        println!("{line}");
    }
    println!("\nreport: {}", arguments.out.join("report.html").display());
    Ok(())
}

/// A comparison for every combination of the sweeps.
fn many(arguments: &Compare, scenario: &Scenario) -> Result<(), CliError> {
    let points = sweep::product(&arguments.sweep);
    let progress = Progress::new(arguments.quiet);
    progress.say(&format!(
        "sweep: {}, each of {} runs of {} epochs",
        sweep::count_in_words(&arguments.sweep),
        scenario.settings().run.runs,
        scenario.settings().run.epochs,
    ));
    // Every point is checked before the first one is computed.
    let scenarios: Vec<Scenario> = points
        .iter()
        .map(|point| {
            point
                .iter()
                .try_fold(scenario.clone(), |scenario, value| value.apply(&scenario))
        })
        .collect::<Result<_, _>>()?;
    make_folder(&arguments.out)?;
    let table = arguments.out.join("sweep.csv");
    let failed = |error| CliError::File(table.display().to_string(), error);
    let mut rows = csv::Writer::from_path(&table).map_err(|error| failed(error.into()))?;
    let keys = arguments.sweep.iter().map(|sweep| sweep.key.as_str());
    let header = keys.chain(["design", "metric", "mean", "low", "high", "call"]);
    rows.write_record(header)
        .map_err(|error| failed(error.into()))?;
    for (number, (point, scenario)) in points.iter().zip(&scenarios).enumerate() {
        let name: Vec<String> = point.iter().map(ToString::to_string).collect();
        progress.say(&format!(
            "{} of {}: {}",
            number + 1,
            points.len(),
            name.join(" ")
        ));
        let folder = arguments
            .out
            .join(format!("{:04}-{}", number + 1, name.join("-")));
        let findings = compared(arguments, scenario, Extent::Metrics, &folder, &progress)?;
        for result in &findings.results {
            let values = point.iter().map(|value| value.value.to_string());
            let call = serde_json::to_value(result.call)
                .ok()
                .and_then(|call| call.as_str().map(str::to_owned))
                .unwrap_or_default();
            let rest = [
                result.design.clone(),
                result.metric.clone(),
                result.value.mean.to_string(),
                result.value.low.to_string(),
                result.value.high.to_string(),
                call,
            ];
            rows.write_record(values.chain(rest))
                .map_err(|error| failed(error.into()))?;
        }
        // What is done stays, whatever happens to the next one.
        rows.flush().map_err(failed)?;
    }
    progress.end();
    println!("sweep: {}", table.display());
    Ok(())
}

/// Compares and writes everything into `folder`.
fn compared(
    arguments: &Compare,
    scenario: &Scenario,
    extent: Extent,
    folder: &Path,
    progress: &Progress,
) -> Result<Findings, CliError> {
    make_folder(folder)?;
    let path = folder.join("runs.csv");
    let failed = |error| CliError::File(path.display().to_string(), error);
    let mut rows = Rows::create(&path).map_err(failed)?;
    let findings = compare::compare(scenario, extent, &command(arguments), &mut rows, progress)?;
    rows.file.flush().map_err(failed)?;
    report::write(&findings, &scenario.canonical(), folder)?;
    Ok(findings)
}

fn make_folder(folder: &Path) -> Result<(), CliError> {
    fs::create_dir_all(folder).map_err(|error| CliError::File(folder.display().to_string(), error))
}

/// The metrics of every run, a row for each design, written as the runs are done.
struct Rows {
    file: BufWriter<File>,
}

impl Rows {
    fn create(path: &Path) -> std::io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        write!(file, "run,design")?;
        for metric in metrics::ALL {
            write!(file, ",{}", metric.id)?;
        }
        writeln!(file)?;
        Ok(Self { file })
    }
}

impl Keep for Rows {
    fn keep(&mut self, run: u64, design: &str, values: &[f64]) -> std::io::Result<()> {
        write!(self.file, "{run},{design}")?;
        for value in values {
            if value.is_nan() {
                write!(self.file, ",")?;
            } else {
                write!(self.file, ",{value}")?;
            }
        }
        writeln!(self.file)?;
        // A run that fails later leaves the rows of those before it.
        self.file.flush()
    }
}

/// The command that makes the comparison again, without what does not change it.
fn command(arguments: &Compare) -> String {
    let mut words = vec!["plimsoll compare".to_owned()];
    if let Some(path) = &arguments.scenario {
        words.push(
            path.file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy()
                .into_owned(),
        );
    }
    words.extend(
        arguments
            .set
            .iter()
            .map(|assignment| format!("--set {assignment}")),
    );
    words.join(" ")
}

/// The verdict, for the terminal.
fn summary(findings: &Findings) -> Vec<String> {
    let verdict = &findings.verdict;
    let mut lines = vec![verdict.headline.clone()];
    let parts = [
        ("No other design is better:", &verdict.wins),
        (
            "Another design is better, by the best one:",
            &verdict.losses,
        ),
        ("Undecided:", &verdict.undecided),
        ("What breaks it:", &verdict.breaks),
        ("What flips it:", &verdict.flips),
    ];
    for (title, sentences) in parts {
        if sentences.is_empty() {
            continue;
        }
        lines.push(String::new());
        lines.push(title.into());
        lines.extend(sentences.iter().map(|sentence| format!("  - {sentence}")));
    }
    lines
}
