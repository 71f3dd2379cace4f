//! `plimsoll ingest`

use super::{open_journal, start_logging, Failure, Ingest, Trace, GATEWAY_KEY};
use crate::config::Config;
use crate::ingest::{self, azure, Format, Intake, Lines};
use crate::journal::Added;
use crate::keys::Key;
use crate::receipt::Network;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

pub(super) async fn ingest(options: &Ingest) -> Result<(), Failure> {
    let config = options.configured.load()?;
    start_logging(&config)?;
    let journal = open_journal(&config).await?;
    let intake = Intake::new(&config.receipts, &config.meters);
    let mut sum = Added::default();
    for path in &options.files {
        let lines = lines(path, options, &config)?;
        let added = ingest::ingest(&journal, &intake, path, lines, |so_far| {
            show_progress(path, so_far)
        })
        .await?;
        println!("{}: {}", path.display(), words(&added));
        sum.added += added.added;
        sum.known += added.known;
        sum.quarantined += added.quarantined;
    }
    if options.files.len() > 1 {
        println!("in all: {}", words(&sum));
    }
    if sum.quarantined > 0 {
        println!("`plimsoll status` shows what is quarantined and why");
    }
    Ok(())
}

fn words(added: &Added) -> String {
    format!(
        "{} taken in, {} known already, {} quarantined",
        added.added, added.known, added.quarantined
    )
}

fn show_progress(path: &Path, so_far: &Added) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        let receipts = so_far.added + so_far.known + so_far.quarantined;
        // Nobody misses a progress line that cannot be written.
        let _ = write!(out, "\r{}: {receipts} receipts\r", path.display());
    }
}

fn lines(path: &Path, options: &Ingest, config: &Config) -> Result<Lines, Failure> {
    if options.format != Some(Format::Azure) {
        return Ok(ingest::read(path, options.format)?);
    }
    let dispatcher = dispatcher(&options.trace)?;
    let key = gateway_key(&options.trace)?;
    let signer = key.map(|key| (Network::new(&config.receipts.network), key));
    Ok(azure::read(path, Box::new(dispatcher), signer)?)
}

fn dispatcher(trace: &Trace) -> Result<azure::Even, Failure> {
    let need = |flag: &str| format!("--format azure needs {flag}: the trace has no such thing");
    Ok(azure::Even {
        operators: trace
            .operators
            .filter(|n| *n > 0)
            .ok_or_else(|| need("--operators"))?,
        clients: trace
            .clients
            .filter(|n| *n > 0)
            .ok_or_else(|| need("--clients"))?,
        start_ms: trace.start_ms.ok_or_else(|| need("--start-ms"))?,
        fee_per_token: trace.fee_per_token,
        seed: trace.seed,
        first: None,
    })
}

fn gateway_key(trace: &Trace) -> Result<Option<Key>, Failure> {
    let file = trace.gateway_key_file.as_deref();
    if file.is_none() && std::env::var_os(GATEWAY_KEY).is_none() {
        return Ok(None);
    }
    Ok(Some(Key::load(file, "--gateway-key-file", GATEWAY_KEY)?))
}
