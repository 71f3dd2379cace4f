//! A development node around `plimsoll-runtime`.
//!
//! It is one machine on its own: no peers, no consensus but its own word. A block is
//! sealed when a transaction arrives, on a timer, or on demand, and it is final at
//! once. Its clock belongs to whoever runs it: each block advances it by a stated
//! step, and a call sets it forward, so that weeks of epochs pass in seconds. The
//! rest is real: the runtime as wasm with its production weights, a transaction pool,
//! a database, and the JSON-RPC that wallets and `subxt` speak.
//!
//! The parts, from the outside in: [`cli`] (what can be asked for), [`service`] (the
//! node put together), [`sealing`] (when blocks are made), [`clock`] (what time they
//! carry), [`rpc`] (the server and our own methods), [`chain_spec`] (the first block).

pub mod chain_spec;
pub mod cli;
pub mod clock;
pub mod error;
pub mod rpc;
pub mod sealing;
pub mod service;
pub mod system;

pub use cli::Cli;
pub use error::Error;

use sc_tracing::logging::LoggerBuilder;
use std::time::Duration;

/// How long tasks may take to end after a signal, before they are cut off. Blocks
/// take milliseconds; this only bounds a database that is flushing.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// Threads for the node's own tasks: sealing one block at a time and answering a few
/// local clients needs no more.
const WORKER_THREADS: usize = 2;

/// Runs the node until SIGINT or SIGTERM, or until a task it cannot do without fails.
///
/// Prints one line to stdout when it is ready:
/// `ready ws://127.0.0.1:PORT genesis 0x...`.
///
/// # Errors
///
/// When the options contradict each other, the runtime's wasm cannot be read or has
/// no genesis preset, the database cannot be opened, the port is taken, or an
/// essential task ended.
pub fn run(cli: Cli) -> Result<(), Error> {
    LoggerBuilder::new(cli.log.as_str())
        .init()
        .map_err(|error| Error::Logging {
            directives: cli.log.clone(),
            error: error.to_string(),
        })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(Error::Tokio)?;

    let outcome = runtime.block_on(async {
        let mut node = service::start(&cli).await?;
        println!("ready ws://{} genesis {:?}", node.address, node.genesis);
        tokio::select! {
            signal = stop_signal() => signal.map_err(Error::Signal),
            ended = node.tasks.future() => ended.map_err(Error::from),
        }
        // The tasks are dropped here, still inside the runtime: they end, and the
        // database is closed when the last of them lets go of it.
    });
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    outcome
}

/// Resolves on SIGINT or SIGTERM.
async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{signal, SignalKind};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
