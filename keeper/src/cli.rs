//! The command line. Both programs have this one; they differ only in the
//! [`ChainFactory`] that they pass.

mod attester;
mod audit;
mod daemon;
mod propose;
mod receipt;
mod receipts;

use crate::chain::node::NodeClient;
use crate::chain::{Chain, ChainError};
use crate::config::{ChainConfig, Config, ConfigError, Overrides};
use crate::demo::world::World;
use crate::deploy::{self, Artifacts, Deployment};
use crate::ingest::Format;
use crate::journal::{Identity, Journal};
use crate::keys::{secret_text, write_secret, Key};
use crate::urls::shown;
use crate::{allocate, artifacts, demo, hexes, logging, status, steps};
use clap::{Args, Parser, Subcommand};
use plimsoll_simulator::cli::Compare;
use std::error::Error;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use subxt_signer::sr25519::Keypair;
use subxt_signer::SecretUri;
use zeroize::Zeroizing;

/// The environment variable with the secret URI of the account that pays.
pub const SURI: &str = "PLIMSOLL_SURI";

/// The environment variable with an attester's key.
pub const ATTESTER_KEY: &str = "PLIMSOLL_ATTESTER_KEY";

/// The environment variable with a gateway's key, to sign the receipts of a trace.
pub const GATEWAY_KEY: &str = "PLIMSOLL_GATEWAY_KEY";

/// Anything that ends a command.
type Failure = Box<dyn Error + Send + Sync>;

/// How a program gets at chains.
#[async_trait::async_trait]
pub trait ChainFactory: Send + Sync + 'static {
    /// A chain reached through one of `urls`, with the account of a secret URI; without
    /// one it is only read.
    async fn connect(
        &self,
        urls: Vec<String>,
        suri: Option<Zeroizing<String>>,
        request_timeout: Duration,
    ) -> Result<Chain, ChainError>;

    /// The chain that the demo runs on unless it is given a node.
    async fn world(&self) -> Result<Option<Arc<dyn World>>, ChainError>;
}

/// Chains reached over JSON-RPC.
#[derive(Clone, Copy, Debug)]
pub struct Nodes;

#[async_trait::async_trait]
impl ChainFactory for Nodes {
    async fn connect(
        &self,
        urls: Vec<String>,
        suri: Option<Zeroizing<String>>,
        request_timeout: Duration,
    ) -> Result<Chain, ChainError> {
        let signer = match suri {
            Some(suri) => keypair(&suri)?,
            // Whoever only reads needs an account in name only.
            None => keypair("//nobody")?,
        };
        let client = NodeClient::connect_within(urls, signer, request_timeout).await?;
        Ok(Arc::new(client))
    }

    async fn world(&self) -> Result<Option<Arc<dyn World>>, ChainError> {
        Ok(None)
    }
}

/// The key pair of a secret URI, which is not repeated in errors.
fn keypair(suri: &str) -> Result<Keypair, ChainError> {
    let wrong = || ChainError::Client {
        what: "read the account's secret URI",
        reason: "it is none: a seed phrase, 0x and 64 hexadecimal digits, or //Name is wanted"
            .into(),
    };
    let uri: SecretUri = suri.trim().parse().map_err(|_| wrong())?;
    Keypair::from_uri(&uri).map_err(|_| wrong())
}

/// The keeper of Plimsoll: job receipts in, attested batches, settlements, rewards and
/// payouts out.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Takes files of receipts into the journal. The daemon must not run: it takes
    /// files from its spool folder itself.
    Ingest(Ingest),
    /// Does everything, until told to stop by SIGINT or SIGTERM.
    Run(Configured),
    /// Serves an attester, which re-checks batches and signs them.
    Attester(Configured),
    /// Shows how the keeper is.
    Status(StatusArgs),
    /// Computes the allocation of one epoch, as JSON.
    Allocate(Allocate),
    /// Puts the contracts on a chain and writes the deployment file.
    Deploy(Deploy),
    /// Compares reward designs on real jobs, operators and costs, and writes a report that
    /// can be attached to a proposal. Needs no configuration.
    Compare(Compare),
    /// Prepares or sends the announcement of exported parameters, by the contract's owner.
    Propose(propose::Propose),
    /// Audits a deployment: recomputes its whole history and compares every view, what it
    /// holds and its code. Says the first thing that does not add up.
    Audit(audit::Audit),
    /// Proves that a receipt was counted, and checks such proofs.
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// Replays a measured workload over a population of operators and checks every
    /// amount. Needs no configuration.
    Demo(demo::Options),
    /// Makes a secp256k1 key for an attester or a gateway and shows its address.
    Keygen(Keygen),
}

/// Where the configuration is.
#[derive(Debug, Args)]
struct Configured {
    /// The configuration file; each of its keys is also a flag and a variable (see
    /// --help).
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_CONFIG")]
    config: Option<PathBuf>,

    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Args)]
struct Ingest {
    /// Files: JSON Lines (.jsonl, .ndjson, .json) or CSV.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// What the files hold, whatever their names end in.
    #[arg(long, value_enum)]
    format: Option<Format>,

    #[command(flatten)]
    trace: Trace,

    #[command(flatten)]
    configured: Configured,
}

/// What the Azure trace does not have. Its jobs are spread evenly over operators and
/// clients and keep their distance in time.
#[derive(Debug, Args)]
struct Trace {
    /// With --format azure: how many operators did the jobs.
    #[arg(long, value_name = "N")]
    operators: Option<u32>,

    /// With --format azure: for how many clients.
    #[arg(long, value_name = "N")]
    clients: Option<u32>,

    /// With --format azure: when the first job was completed, in ms since 1970.
    #[arg(long, value_name = "MS")]
    start_ms: Option<u64>,

    /// With --format azure: what a token costs, in base units.
    #[arg(long, value_name = "AMOUNT", default_value_t = 1)]
    fee_per_token: u128,

    /// With --format azure: what the draws follow from.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// With --format azure: file with the key that signs the receipts. Without one
    /// PLIMSOLL_GATEWAY_KEY has it, or they are not signed.
    #[arg(long, value_name = "FILE")]
    gateway_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct StatusArgs {
    /// As JSON.
    #[arg(long)]
    json: bool,

    /// How many of the newest quarantined texts are shown.
    #[arg(long, value_name = "N", default_value_t = status::SHOWN)]
    quarantine: u32,

    #[command(flatten)]
    configured: Configured,
}

#[derive(Debug, Args)]
struct Allocate {
    /// The epoch as JSON; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
}

#[derive(Debug, Args)]
struct Deploy {
    /// The node. Its address goes into the deployment file if it is scheme, host and port
    /// alone: what else it has may be secret.
    #[arg(long, value_name = "URL")]
    url: String,

    /// File with the secret URI of the account that deploys; without one PLIMSOLL_SURI
    /// has it.
    #[arg(long, value_name = "FILE")]
    suri_file: Option<PathBuf>,

    /// What to deploy; keeper/config/deploy.toml is an example.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// The deployment file to write; it is made before anything is sent.
    #[arg(long, value_name = "FILE", default_value = "deployment.toml")]
    out: PathBuf,

    /// Deploy without asking.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
struct Keygen {
    /// The new file for the key; only its owner will be able to read it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Configured {
    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref(), &self.overrides)
    }
}

/// Runs the program.
pub async fn main(factory: impl ChainFactory) -> ExitCode {
    let cli = Cli::parse();
    if let Some(step) = steps::unknown_hold() {
        eprintln!(
            "error: {} names no step: {step}; there are {}",
            steps::HOLD_AT,
            steps::ALL.join(", ")
        );
        return ExitCode::from(2);
    }
    match run(cli.command, &factory).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", chain_of(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, each told once.
fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

async fn run(command: Command, factory: &dyn ChainFactory) -> Result<ExitCode, Failure> {
    match command {
        Command::Ingest(options) => receipts::ingest(&options).await?,
        Command::Run(configured) => daemon::run(configured.load()?, factory).await?,
        Command::Attester(configured) => attester::run(configured.load()?, factory).await?,
        Command::Status(options) => show_status(&options).await?,
        Command::Allocate(options) => println!("{}", allocate::run(&read_input(&options.input)?)?),
        Command::Deploy(options) => deploy(&options, factory).await?,
        Command::Compare(options) => return compare(options).await,
        Command::Propose(options) => propose::run(&options, factory).await?,
        Command::Audit(options) => return audit::run(&options, factory).await,
        Command::Receipt(command) => return receipt::run(&command, factory).await,
        Command::Demo(options) => {
            let local = match options.node {
                Some(_) => None,
                None => factory.world().await?,
            };
            let passed = demo::run(&options, local, ARTIFACTS).await?;
            return Ok(if passed {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Keygen(options) => {
            let (key, text) = Key::generate()?;
            write_secret(&options.out, &text)?;
            println!("{}", hexes::show(key.address()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The contracts that are compiled in.
const ARTIFACTS: Artifacts<'static> = Artifacts {
    emission: artifacts::EMISSION,
    token: artifacts::TOKEN,
};

async fn compare(options: Compare) -> Result<ExitCode, Failure> {
    // It computes on all cores, for a minute: not on a thread that serves others.
    let compared = tokio::task::spawn_blocking(move || plimsoll_simulator::cli::run(&options));
    Ok(compared.await??)
}

async fn deploy(options: &Deploy, factory: &dyn ChainFactory) -> Result<(), Failure> {
    let (suri, _) = secret_text(options.suri_file.as_deref(), "--suri-file", SURI)?;
    let timeout = Duration::from_millis(ChainConfig::default().request_timeout_ms);
    let chain = factory
        .connect(vec![options.url.clone()], Some(suri), timeout)
        .await?;
    let options = deploy::Options {
        url: options.url.clone(),
        terms: options.config.clone(),
        out: options.out.clone(),
        yes: options.yes,
    };
    deploy::command(&chain, ARTIFACTS, &options).await?;
    Ok(())
}

async fn show_status(options: &StatusArgs) -> Result<(), Failure> {
    let config = options.configured.load()?;
    let most = options.quarantine;
    let status = match status::ask(config.server.listen, most).await? {
        Some(status) => status,
        None => status::Status::of_journal(&existing_journal(&config).await?, most).await?,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&status)?);
    } else {
        print!("{status}");
    }
    Ok(())
}

fn read_input(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn identity(deployment: &Deployment) -> Identity {
    Identity {
        genesis: deployment.genesis,
        contract: deployment.contract,
        lanes: deployment.lanes,
    }
}

async fn open_journal(config: &Config) -> Result<Journal, Failure> {
    let deployment = Deployment::load(&config.chain.deployment)?;
    Ok(Journal::open(&config.journal.file, identity(&deployment)).await?)
}

/// As [`open_journal`], without making one.
async fn existing_journal(config: &Config) -> Result<Journal, Failure> {
    let file = &config.journal.file;
    if !file.exists() {
        let listen = config.server.listen;
        return Err(format!(
            "no daemon answers at {listen}, and there is no journal {}",
            file.display()
        )
        .into());
    }
    open_journal(config).await
}

/// The chain of a deployment, checked to be that one. `suri`: the account; none to read.
async fn connect(
    config: &ChainConfig,
    deployment: &Deployment,
    suri: Option<Zeroizing<String>>,
    factory: &dyn ChainFactory,
) -> Result<Chain, Failure> {
    let urls = if config.urls.is_empty() {
        if deployment.url.is_empty() {
            return Err(format!(
                "configuration key chain.urls: it is empty, and the deployment file {} has no address \
                 of a node either (`deploy` leaves one out that may hold a secret); name the nodes",
                config.deployment.display()
            )
            .into());
        }
        vec![deployment.url.clone()]
    } else {
        config.urls.clone()
    };
    let timeout = Duration::from_millis(config.request_timeout_ms);
    let chain = factory.connect(urls.clone(), suri, timeout).await?;
    let info = chain.info().await?;
    if info.genesis != deployment.genesis {
        return Err(format!(
            "the chain at {} is another one than the deployment's: its genesis is {}, the deployment file has {}",
            urls.iter()
                .map(|url| shown(url))
                .collect::<Vec<_>>()
                .join(", "),
            hexes::show(info.genesis),
            hexes::show(deployment.genesis)
        )
        .into());
    }
    let code = chain.code_hash(deployment.contract).await?;
    if code != Some(deployment.code_hash) {
        return Err(format!(
            "contract {} has {}, the deployment file has code {}",
            hexes::show(deployment.contract),
            code.map_or("no code".into(), |code| format!(
                "code {}",
                hexes::show(code)
            )),
            hexes::show(deployment.code_hash)
        )
        .into());
    }
    Ok(chain)
}

fn start_logging(config: &Config) -> Result<(), Failure> {
    Ok(logging::start(&config.log)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_flag_takes_a_secret() {
        for command in Cli::command().get_subcommands() {
            for argument in command.get_arguments() {
                let Some(name) = argument.get_long() else {
                    continue;
                };
                let secret = ["key", "suri", "seed-phrase", "secret"]
                    .iter()
                    .any(|word| name.contains(word));
                assert!(
                    !secret || name.ends_with("-file"),
                    "{} --{name}",
                    command.get_name()
                );
            }
        }
    }

    #[test]
    fn the_short_help_leaves_the_configuration_keys_to_the_long_one() {
        let mut command = Cli::command();
        let run = command.find_subcommand_mut("run").expect("there");
        assert!(!run.render_help().to_string().contains("--chain-urls"));
        let help = run.render_long_help().to_string();
        assert!(
            help.contains("--chain-urls") && help.contains("PLIMSOLL__CHAIN__URLS"),
            "{help}"
        );
    }

    #[tokio::test]
    async fn without_any_address_of_a_node_the_key_is_named() {
        let deployment = Deployment {
            url: String::new(),
            genesis: [1; 32],
            chain_id: [2; 32],
            spec_name: "plimsoll".into(),
            contract: Default::default(),
            lanes: 1,
            code_hash: [3; 32],
            block: 1,
            token: Default::default(),
            token_symbol: "T".into(),
            token_decimals: 12,
            deployer: Default::default(),
        };
        let asked = connect(&ChainConfig::default(), &deployment, None, &Nodes).await;
        let error = asked.err().expect("no address").to_string();
        assert!(
            error.contains("chain.urls") && error.contains("deployment.toml"),
            "{error}"
        );
    }

    #[test]
    fn a_secret_uri_is_not_repeated_in_an_error() {
        let error = keypair("not a seed phrase at all")
            .expect_err("no URI")
            .to_string();
        assert!(!error.contains("not a seed phrase at all"), "{error}");
        keypair("//Alice").expect("a development account");
    }
}
