//! `plimsoll receipt`

use super::audit::{told, Located, DIFFERENCE};
use super::{ChainFactory, Failure};
use crate::audit::{blocks, receipts, AuditError};
use crate::deploy::Deployment;
use crate::hexes;
use crate::journal::BatchState;
use crate::proof::{Proof, ProofError};
use crate::receipt::Receipt;
use clap::{Args, Subcommand};
use plimsoll_index::BatchId;
use plimsoll_mechanism::batch::lane_of;
use plimsoll_mechanism::{Epoch, Hash};
use rusqlite::OptionalExtension as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Proves that a receipt was counted: writes the proof as JSON.
    Prove(Prove),
    /// Checks such a proof against the batch's root on the chain, or one that is given.
    Verify(Verify),
}

const PROVE_AFTER: &str = "\
Examples:
  plimsoll receipt prove --receipt 0x1f...e2 --network my-network --journal keeper.sqlite
  plimsoll receipt prove --receipt 0x1f...e2 --network my-network --receipts batch.jsonl \\
      --epoch 3 --lane 1 --seq 0 --out proof.json

A proof needs all receipts of the batch: the journal of the keeper that sent it has them (while
that keeper does not run), and every attester gives them as `GET /v1/batch/EPOCH/LANE/SEQ`.";

#[derive(Debug, Args)]
#[command(after_help = PROVE_AFTER)]
pub(super) struct Prove {
    /// The receipt: its id (0x and 64 digits), or a file with it alone as JSON.
    #[arg(long, value_name = "ID|FILE")]
    receipt: String,

    /// The network that receipts are signed for.
    #[arg(long, value_name = "NAME")]
    network: String,

    /// The deployment file.
    #[arg(long, value_name = "FILE", default_value = "deployment.toml")]
    deployment: PathBuf,

    /// The journal of a keeper that does not run; it knows the batch.
    #[arg(long, value_name = "FILE", required_unless_present = "receipts")]
    journal: Option<PathBuf>,

    /// A file with all receipts of the batch, and only those (.jsonl or .csv).
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "journal",
        requires_all = ["epoch", "seq"]
    )]
    receipts: Option<PathBuf>,

    /// With --receipts: the batch's epoch.
    #[arg(long, value_name = "N")]
    epoch: Option<Epoch>,

    /// With --receipts: the batch's lane; the receipt's if left out.
    #[arg(long, value_name = "N")]
    lane: Option<u32>,

    /// With --receipts: the batch's number in its epoch and lane.
    #[arg(long, value_name = "N")]
    seq: Option<u64>,

    /// Where the proof goes; standard output if left out.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

const VERIFY_AFTER: &str = "\
Examples:
  plimsoll receipt verify proof.json --deployment deployment.toml --url wss://rpc.example
  plimsoll receipt verify proof.json --root 0x5c...07

Exit codes: 0 the receipt was counted; 1 the proof does not show it; 2 a wrong command line; 3 it
could not be checked.";

#[derive(Debug, Args)]
#[command(after_help = VERIFY_AFTER)]
pub(super) struct Verify {
    /// The proof.
    #[arg(value_name = "FILE")]
    proof: PathBuf,

    /// The batch's root, known from elsewhere: no chain is asked.
    #[arg(long, value_name = "HEX")]
    root: Option<String>,

    #[command(flatten)]
    located: Located,
}

pub(super) async fn run(
    command: &Command,
    factory: &dyn ChainFactory,
) -> Result<ExitCode, Failure> {
    let ended = match command {
        Command::Prove(options) => prove(options).await,
        Command::Verify(options) => verify(options, factory).await,
    };
    Ok(ended.unwrap_or_else(|error| told(&error, None)))
}

/// What does not prove anything.
fn unproven(error: &ProofError) -> ExitCode {
    eprintln!("not proven: {error}");
    ExitCode::from(DIFFERENCE)
}

fn input(path: &Path, error: &dyn std::fmt::Display) -> AuditError {
    AuditError::Input(format!("{}: {error}", path.display()))
}

async fn prove(options: &Prove) -> Result<ExitCode, AuditError> {
    let deployment = Deployment::load(&options.deployment)
        .map_err(|error| AuditError::Input(error.to_string()))?;
    let id = receipt_id(&options.receipt)?;
    let (batch, receipts) = match (&options.journal, &options.receipts) {
        (Some(journal), _) => match of_journal(journal, &deployment, id).await? {
            Ok(found) => found,
            Err(why) => {
                eprintln!("not proven: {why}");
                return Ok(ExitCode::from(DIFFERENCE));
            }
        },
        (None, Some(file)) => {
            let lane = options
                .lane
                .unwrap_or_else(|| lane_of(&id, deployment.lanes));
            let batch = (
                options.epoch.unwrap_or_default(),
                lane,
                options.seq.unwrap_or_default(),
            );
            (batch, receipts::of_file(file)?)
        }
        (None, None) => return Err(AuditError::Input("give --journal or --receipts".into())),
    };
    let made = Proof::of(&id, receipts, &options.network, deployment.contract, batch);
    let proof = match made {
        Ok(proof) => proof,
        Err(error) => return Ok(unproven(&error)),
    };
    let text = serde_json::to_string_pretty(&proof)
        .map_err(|error| AuditError::Input(error.to_string()))?;
    match &options.out {
        None => println!("{text}"),
        Some(path) => {
            std::fs::write(path, text + "\n").map_err(|error| input(path, &error))?;
            let (epoch, lane, seq) = batch;
            println!(
                "{}: receipt {} in epoch {epoch}, lane {lane}, batch {seq}, place {} of {}",
                path.display(),
                hexes::show(id),
                proof.position,
                proof.receipts
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The id in an argument, or that of the receipt in the file that it names.
fn receipt_id(text: &str) -> Result<Hash, AuditError> {
    if text.starts_with("0x") {
        return hexes::parse(text)
            .map_err(|error| AuditError::Input(format!("--receipt {text}: {error}")));
    }
    let path = Path::new(text);
    let content = std::fs::read_to_string(path).map_err(|error| input(path, &error))?;
    let receipt: Receipt = serde_json::from_str(&content).map_err(|error| input(path, &error))?;
    Ok(receipt.id)
}

/// The batch that counts a receipt with all its receipts, or why there is none.
async fn of_journal(
    path: &Path,
    deployment: &Deployment,
    id: Hash,
) -> Result<Result<(BatchId, Vec<Receipt>), String>, AuditError> {
    let journal = receipts::open_journal(path, deployment).await?;
    let number: Option<Option<i64>> = journal
        .with(move |t| {
            let sql = "SELECT batch FROM receipts WHERE id = ?1";
            Ok(t.query_row(sql, [&id[..]], |row| row.get(0)).optional()?)
        })
        .await?;
    let shown = hexes::show(id);
    let waits = format!(
        "receipt {shown} waits in {}: no batch has it yet",
        path.display()
    );
    let number = match number {
        None => {
            let other = "ask the keeper that took it in";
            return Ok(Err(format!(
                "receipt {shown} is not in {}; {other}",
                path.display()
            )));
        }
        Some(None) => return Ok(Err(waits)),
        Some(Some(number)) => number,
    };
    let Some(batch) = journal.batch(number).await? else {
        return Ok(Err(waits));
    };
    let header = &batch.header;
    let place = (header.epoch, header.lane, header.seq);
    if batch.state != BatchState::Accepted {
        return Ok(Err(format!(
            "receipt {shown} is in a batch of epoch {} that is {}: the contract does not have it yet",
            place.0,
            batch.state.name()
        )));
    }
    Ok(Ok((place, journal.receipts_of(number).await?)))
}

async fn verify(options: &Verify, factory: &dyn ChainFactory) -> Result<ExitCode, AuditError> {
    let path = &options.proof;
    let text = std::fs::read_to_string(path).map_err(|error| input(path, &error))?;
    let proof: Proof = serde_json::from_str(&text).map_err(|error| input(path, &error))?;
    let (epoch, lane, seq) = proof.batch();
    if let Some(root) = &options.root {
        let root: Hash = hexes::parse(root)
            .map_err(|error| AuditError::Input(format!("--root {root}: {error}")))?;
        return Ok(match proof.verify(&root, None) {
            Ok(()) => {
                println!(
                    "receipt {} is under the root {}",
                    hexes::show(proof.receipt.id),
                    hexes::show(root)
                );
                ExitCode::SUCCESS
            }
            Err(error) => unproven(&error),
        });
    }
    let deployment = options.located.load()?;
    if let Err(error) = proof.check_place(deployment.contract, deployment.lanes) {
        return Ok(unproven(&error));
    }
    let chain = options.located.connect(&deployment, factory).await?;
    crate::audit::check_chain(&chain, &deployment).await?;
    let Some(found) = blocks::batch(&chain, &deployment, proof.batch()).await? else {
        eprintln!(
            "not proven: the contract has no batch {seq} of epoch {epoch} in lane {lane} at its newest \
             finalized block"
        );
        return Ok(ExitCode::from(DIFFERENCE));
    };
    if let Err(error) = proof.verify(&found.root, Some(found.receipts)) {
        return Ok(unproven(&error));
    }
    println!(
        "receipt {} was counted: epoch {epoch}, lane {lane}, batch {seq}, operator {}, block {}",
        hexes::show(proof.receipt.id),
        proof.receipt.operator,
        found.block
    );
    Ok(ExitCode::SUCCESS)
}
