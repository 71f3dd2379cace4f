//! `plimsoll propose`

use super::audit::Located;
use super::{connect, ChainFactory, Failure, SURI};
use crate::config::{ChainConfig, Config, Overrides};
use crate::contract::Emission;
use crate::deploy::{asked, grouped, Deployment};
use crate::keys::secret_text;
use crate::propose::{prepare, price, submit};
use clap::Args;
use plimsoll_simulator::export;
use std::path::PathBuf;

/// Examples, and where it says what.
const AFTER: &str = "\
Examples:
  plimsoll propose params.json --deployment deployment.toml --out call.json
  plimsoll propose params.json --config keeper.toml --submit --suri-file owner

Without --submit nothing is sent: the call goes to standard output or to --out as JSON, for a
multisig or another signer, and what it does is told on standard error.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Propose {
    /// The parameters, as `plimsoll compare --export` wrote them.
    #[arg(value_name = "FILE")]
    params: PathBuf,

    /// A keeper's configuration file, whose deployment file and nodes are taken.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["deployment", "url"])]
    config: Option<PathBuf>,

    #[command(flatten)]
    located: Located,

    /// Where the prepared call goes; standard output if left out.
    #[arg(long, value_name = "FILE", conflicts_with = "submit")]
    out: Option<PathBuf>,

    /// Signs the call with the owner's account, sends it and waits until it is final.
    #[arg(long)]
    submit: bool,

    /// With --submit: file with the secret URI of the owner's account; without one the
    /// configuration names it, or PLIMSOLL_SURI has it.
    #[arg(long, value_name = "FILE", requires = "submit")]
    suri_file: Option<PathBuf>,

    /// With --submit: send without asking.
    #[arg(long, requires = "submit")]
    yes: bool,
}

impl Propose {
    /// How the chain is reached.
    fn chain(&self) -> Result<ChainConfig, Failure> {
        if let Some(path) = &self.config {
            return Ok(Config::load(Some(path), &Overrides::default())?.chain);
        }
        Ok(ChainConfig {
            urls: self.located.url.clone(),
            deployment: self.located.deployment.clone(),
            ..ChainConfig::default()
        })
    }
}

pub(super) async fn run(options: &Propose, factory: &dyn ChainFactory) -> Result<(), Failure> {
    let file = &options.params;
    let exported = export::load(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let config = options.chain()?;
    let deployment = Deployment::load(&config.deployment)?;
    let suri = if options.submit {
        let named = options.suri_file.as_deref();
        let file = named.or(config.suri_file.as_deref());
        Some(secret_text(file, "--suri-file", SURI)?.0)
    } else {
        None
    };
    let chain = connect(&config, &deployment, suri, factory).await?;
    let emission = Emission::new(chain, deployment.contract);
    let prepared = prepare(&emission, exported).await?;
    eprintln!("{prepared}");

    if !options.submit {
        let text = serde_json::to_string_pretty(&prepared.json())? + "\n";
        match &options.out {
            None => print!("{text}"),
            Some(path) => {
                std::fs::write(path, text)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                eprintln!("wrote {}", path.display());
            }
        }
        return Ok(());
    }
    let price = price(&emission, &prepared).await?;
    eprintln!(
        "costs {} in fees and at most {} in deposits, base units of the chain's own token; the \
         account has {}",
        grouped(price.fee),
        grouped(price.deposit),
        grouped(price.balance)
    );
    if !options.yes {
        let agreed = asked().map_err(|error| {
            format!("cannot ask: {error}; give --yes to send without being asked")
        })?;
        if !agreed {
            return Err("nothing was sent: the answer was no".into());
        }
    }
    println!("{}", submit(&emission, &prepared).await?);
    Ok(())
}
