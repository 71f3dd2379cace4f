//! The command line.

use clap::Parser;
use std::{path::PathBuf, str::FromStr, time::Duration};

/// How far a sealed block moves the clock unless told otherwise: the block time of
/// the chains this node stands in for, ms.
pub const DEFAULT_BLOCK_TIME_MS: u64 = 6_000;

/// The port Substrate nodes serve JSON-RPC on.
pub const DEFAULT_RPC_PORT: u16 = 9_944;

/// A development node for Plimsoll: blocks on demand and a clock that can be driven.
///
/// JSON-RPC is served on 127.0.0.1 by WebSocket and HTTP. Beside the usual methods:
/// plimsoll_now(), plimsoll_setTime(ms, seal?) and plimsoll_advance(ms, seal?) read
/// and move the clock; engine_createBlock(empty, finalize) seals a block.
#[derive(Debug, Clone, Parser)]
#[command(name = "plimsoll-node", version)]
pub struct Cli {
    /// The runtime's wasm (scripts/build-runtime.sh builds it and prints the path).
    /// Decides the first block only: a chain that exists keeps the runtime it has.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_RUNTIME_WASM")]
    pub runtime: PathBuf,

    /// When blocks are sealed: 'instant' (as soon as there is a transaction), or a
    /// number of milliseconds of real time between blocks, empty ones included.
    #[arg(long, value_name = "instant|MS", default_value = "instant")]
    pub seal: Seal,

    /// Milliseconds by which each block advances the chain's clock.
    #[arg(long, value_name = "MS", default_value_t = DEFAULT_BLOCK_TIME_MS, value_parser = clap::value_parser!(u64).range(1..))]
    pub block_time_ms: u64,

    /// Time of the first block in Unix milliseconds. Default: this machine's clock for
    /// a new chain. A chain that exists goes on from its last block.
    #[arg(long, value_name = "MS")]
    pub start_ms: Option<u64>,

    /// Keep the chain in this folder, and continue the one that is there.
    #[arg(long, value_name = "DIR", conflicts_with = "tmp")]
    pub base_path: Option<PathBuf>,

    /// Keep the chain in memory (the default without --base-path).
    #[arg(long)]
    pub tmp: bool,

    /// Port of the JSON-RPC server; 0 takes any free one. It is printed when ready.
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_RPC_PORT)]
    pub rpc_port: u16,

    /// The genesis preset of the runtime to start a new chain from.
    #[arg(long, value_name = "NAME", default_value = "development")]
    pub preset: String,

    /// What to log, to stderr: a level, or levels by target.
    #[arg(
        long,
        value_name = "DIRECTIVES",
        env = "RUST_LOG",
        default_value = "info"
    )]
    pub log: String,
}

/// When blocks are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// As soon as there is a transaction.
    Instant,
    /// Every so often in real time, with or without transactions.
    Timed(Duration),
}

impl FromStr for Seal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "instant" {
            return Ok(Self::Instant);
        }
        match text.parse::<u64>() {
            Ok(0) => Err("0 ms between blocks is not possible: use 1 or more, or 'instant'".into()),
            Ok(ms) => Ok(Self::Timed(Duration::from_millis(ms))),
            Err(_) => Err(format!(
                "'{text}' is neither 'instant' nor a number of milliseconds"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seal_is_instant_or_a_number_of_milliseconds() {
        assert_eq!("instant".parse(), Ok(Seal::Instant));
        assert_eq!("250".parse(), Ok(Seal::Timed(Duration::from_millis(250))));
        for (bad, reason) in [
            ("0", "not possible"),
            ("fast", "neither"),
            ("-1", "neither"),
        ] {
            let refusal = bad.parse::<Seal>().expect_err(bad);
            assert!(refusal.contains(reason), "{bad}: {refusal}");
        }
    }

    #[test]
    fn a_chain_is_either_kept_or_temporary() {
        let parse = |more: &[&str]| {
            Cli::try_parse_from(
                ["plimsoll-node", "--runtime", "r.wasm"]
                    .iter()
                    .chain(more.iter()),
            )
        };
        assert!(parse(&[]).is_ok());
        assert!(parse(&["--base-path", "d"]).is_ok());
        assert!(parse(&["--base-path", "d", "--tmp"]).is_err());
        assert!(parse(&["--block-time-ms", "0"]).is_err());
    }
}
