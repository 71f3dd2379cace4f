//! `plimsoll audit`

use super::{ChainFactory, Failure};
use crate::artifacts::{EMISSION, MANIFEST};
use crate::audit::{self, receipts, AuditError, Plan, Report, Watcher, CHECKPOINT_EVERY};
use crate::chain::{Chain, ChainError, Hash};
use crate::config::ChainConfig;
use crate::deploy::Deployment;
use crate::hexes;
use crate::keys::keccak;
use crate::receipt::Network;
use clap::Args;
use plimsoll_index::{Finding, Kind, Place};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Exit code when something does not add up.
pub const DIFFERENCE: u8 = 1;

/// Exit code when the audit could not be carried through.
pub const NOT_CHECKED: u8 = 3;

/// How often progress is drawn on a terminal, and told elsewhere.
const REDRAW: Duration = Duration::from_millis(100);
const RETELL: Duration = Duration::from_secs(30);

/// Examples, and what the exit codes say.
const AFTER: &str = "\
Examples:
  plimsoll audit --deployment deployment.toml --url wss://rpc.example
  plimsoll audit --deployment deployment.toml --state audit.state
  plimsoll audit --deployment deployment.toml --network my-network --journal keeper.sqlite

Exit codes: 0 every unit accounted for; 1 something does not add up, and the first such thing
is told; 2 a wrong command line; 3 it could not be carried through (no connection, a state that
the node has dropped, an unreadable file), which says nothing about the deployment.";

/// Where a deployment is.
#[derive(Debug, Args)]
pub(super) struct Located {
    /// The deployment file, as `plimsoll deploy` wrote it.
    #[arg(long, value_name = "FILE", default_value = "deployment.toml")]
    pub deployment: PathBuf,

    /// A node; several are used in turn when one fails. The deployment file's if left out.
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub url: Vec<String>,
}

impl Located {
    pub(super) fn load(&self) -> Result<Deployment, AuditError> {
        Deployment::load(&self.deployment).map_err(|error| AuditError::Input(error.to_string()))
    }

    /// The chain, for reading.
    pub(super) async fn connect(
        &self,
        deployment: &Deployment,
        factory: &dyn ChainFactory,
    ) -> Result<Chain, AuditError> {
        let mut urls = self.url.clone();
        if urls.is_empty() && !deployment.url.is_empty() {
            urls.push(deployment.url.clone());
        }
        if urls.is_empty() {
            return Err(AuditError::Input(format!(
                "the deployment file {} has no address of a node; name one with --url",
                self.deployment.display()
            )));
        }
        let timeout = Duration::from_millis(ChainConfig::default().request_timeout_ms);
        Ok(factory.connect(urls, None, timeout).await?)
    }
}

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Audit {
    #[command(flatten)]
    located: Located,

    /// The contract's artefacts (`manifest.json` and bytecode) that its code must be of.
    /// The ones of this program if left out.
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,

    /// Keeps the audit in this file, and goes on from it: a history is read once. Replaced
    /// as a whole every few seconds, so that a killed audit goes on too.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Begins at the deployment, whatever the state file has.
    #[arg(long)]
    from_scratch: bool,

    /// Journals of keepers that do not run: every receipt of their accepted batches must be
    /// counted, once.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "network")]
    journal: Vec<PathBuf>,

    /// Files of receipts (.jsonl or .csv), all of which must be counted, once. Each has all
    /// receipts of a batch, of a lane, or of a lane and epoch.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "network")]
    receipts: Vec<PathBuf>,

    /// The network that receipts are signed for.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
}

pub(super) async fn run(options: &Audit, factory: &dyn ChainFactory) -> Result<ExitCode, Failure> {
    let mut progress = Progress::start();
    let ended = audited(options, factory, &mut progress).await;
    progress.clear();
    Ok(match ended {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => told(&error, options.state.as_deref()),
    })
}

async fn audited(
    options: &Audit,
    factory: &dyn ChainFactory,
    progress: &mut Progress,
) -> Result<Report, AuditError> {
    let deployment = options.located.load()?;
    let mut given = Vec::new();
    let network = options.network.as_deref().map(Network::new);
    if let Some(network) = &network {
        for path in &options.journal {
            given.extend(receipts::from_journal(path, &deployment, network).await?);
        }
        for path in &options.receipts {
            given.push(receipts::from_file(path, network)?);
        }
    }
    let plan = Plan {
        code_hash: code_hash(options.artifacts.as_deref())?,
        state: options.state.clone(),
        from_scratch: options.from_scratch,
        checkpoint_every: CHECKPOINT_EVERY,
        receipts: given,
    };
    let chain = options.located.connect(&deployment, factory).await?;
    audit::audit(&chain, &deployment, &plan, progress).await
}

/// Tells why there is no clean report.
pub(super) fn told(error: &AuditError, state: Option<&Path>) -> ExitCode {
    let AuditError::Found(finding) = error else {
        eprintln!("error: {error}{}", advice(error, state));
        return ExitCode::from(NOT_CHECKED);
    };
    println!("not everything adds up; the first difference:");
    println!("  where     {}", finding.place);
    println!("  what      {}", finding.kind.name());
    if !finding.field.is_empty() {
        println!("  field     {}", finding.field);
    }
    println!("  expected  {}", finding.expected);
    println!("  found     {}", finding.found);
    ExitCode::from(DIFFERENCE)
}

/// What to do about it.
fn advice(error: &AuditError, state: Option<&Path>) -> String {
    let AuditError::Chain(error) = error else {
        return String::new();
    };
    let again = match state {
        Some(path) => format!("run it again, it goes on from {}", path.display()),
        None => "run it again; with --state FILE it would go on from where it was".to_owned(),
    };
    match error {
        ChainError::Pruned { .. } => {
            "; a history is read from an archive node only, name one with --url".to_owned()
        }
        error if error.is_transient() => format!("; nothing is known to be wrong: {again}"),
        _ => String::new(),
    }
}

/// The hash that the contract's code must have: the manifest's, which must be the bytecode's.
fn code_hash(artifacts: Option<&Path>) -> Result<Hash, AuditError> {
    let Some(folder) = artifacts else {
        return manifest_hash("the program's manifest", MANIFEST, EMISSION);
    };
    let manifest = folder.join("manifest.json");
    let failed = |path: &Path, error: &dyn std::fmt::Display| {
        AuditError::Input(format!("artefacts {}: {error}", path.display()))
    };
    let text = std::fs::read_to_string(&manifest).map_err(|error| failed(&manifest, &error))?;
    let code = folder.join("emission.polkavm");
    let bytes = std::fs::read(&code).map_err(|error| failed(&code, &error))?;
    manifest_hash(&manifest.display().to_string(), &text, &bytes)
}

fn manifest_hash(name: &str, manifest: &str, code: &[u8]) -> Result<Hash, AuditError> {
    let wrong = |reason: String| AuditError::Input(format!("artefacts {name}: {reason}"));
    let json: serde_json::Value =
        serde_json::from_str(manifest).map_err(|error| wrong(error.to_string()))?;
    let text = json["code_hash"]["emission"]
        .as_str()
        .ok_or_else(|| wrong("it has no `code_hash.emission`".into()))?;
    let hash: Hash = hexes::parse(text).map_err(|error| wrong(error.to_string()))?;
    let found = keccak(code);
    if found == hash {
        return Ok(hash);
    }
    let place = Place::of(&format!("the bytecode beside {name}"));
    let (expected, found) = (hexes::show(hash), hexes::show(found));
    Err(Finding::new(Kind::Code, place, expected, found).into())
}

/// Progress on standard error: a line that moves on a terminal, now and then one elsewhere.
struct Progress {
    began: Instant,
    terminal: bool,
    drawn: Option<Instant>,
    /// When the first block of this run was read.
    reading: Option<Instant>,
}

impl Progress {
    fn start() -> Self {
        Self {
            began: Instant::now(),
            terminal: std::io::stderr().is_terminal(),
            drawn: None,
            reading: None,
        }
    }

    fn draw(&mut self, text: impl FnOnce() -> String, last: bool) {
        let every = if self.terminal { REDRAW } else { RETELL };
        let since = self.drawn.unwrap_or(self.began).elapsed();
        if since < every && !(last && self.terminal) {
            return;
        }
        self.drawn = Some(Instant::now());
        if self.terminal {
            eprint!("\r\x1b[K{}", text());
            // Progress that cannot be shown is no reason to stop.
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{}", text());
        }
    }

    fn clear(&self) {
        if self.terminal && self.drawn.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

/// Blocks a second, and how long the rest takes at that rate.
fn pace(done: u64, of: u64, seconds: f64) -> String {
    let rate = done as f64 / seconds.max(0.001);
    let left = of.saturating_sub(done) as f64 / rate.max(0.001);
    let minutes = (left / 60.0).floor();
    format!(
        "{rate:.0} a second, {minutes:.0} min {:.0} s left",
        left - minutes * 60.0
    )
}

impl Watcher for Progress {
    fn line(&mut self, text: &str) {
        self.clear();
        eprintln!("{text}");
    }

    fn read(&mut self, done: u64, of: u64) {
        let since = *self.reading.get_or_insert_with(Instant::now);
        let seconds = since.elapsed().as_secs_f64();
        self.draw(
            || format!("blocks {done} of {of}, {}", pace(done, of, seconds)),
            done == of,
        );
    }

    fn compared(&mut self, done: u64, about: u64) {
        self.draw(|| format!("views {done} of about {about}"), done == about);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_own_artefacts_are_those_of_their_manifest() {
        assert_eq!(code_hash(None).expect("as committed"), keccak(EMISSION));
    }

    #[test]
    fn bytecode_that_is_not_its_manifests_is_a_finding() {
        let mut code = EMISSION.to_vec();
        code[100] ^= 1;
        let error = manifest_hash("m", MANIFEST, &code).expect_err("changed");
        assert!(
            matches!(&error, AuditError::Found(finding) if finding.kind == Kind::Code),
            "{error}"
        );
        let error = manifest_hash("m", "{}", &code).expect_err("no manifest");
        assert!(error.to_string().contains("code_hash.emission"), "{error}");
    }

    #[test]
    fn connection_trouble_is_told_with_what_to_do() {
        let lost = AuditError::Chain(ChainError::Connection {
            url: "ws://a".into(),
            reason: "refused".into(),
        });
        assert!(advice(&lost, None).contains("--state"));
        let state = Path::new("audit.state");
        assert!(advice(&lost, Some(state)).contains("audit.state"));
        let pruned = AuditError::Chain(ChainError::Pruned { block: 7 });
        assert!(advice(&pruned, None).contains("archive"));
    }

    #[test]
    fn the_rest_is_estimated_from_the_rate() {
        assert_eq!(pace(100, 700, 2.0), "50 a second, 0 min 12 s left");
        assert_eq!(pace(0, 10, 0.0), "0 a second, 166 min 40 s left");
    }
}
