//! What can go wrong before and while the node runs.

use std::{net::SocketAddr, path::PathBuf};

/// A reason for the node not to start, or to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runtime's wasm is not there.
    #[error("cannot read the runtime's wasm from {path}: {error}. Build it with scripts/build-runtime.sh, which prints its path, and pass that by --runtime or PLIMSOLL_RUNTIME_WASM")]
    ReadRuntime {
        /// Where it was looked for.
        path: PathBuf,
        /// What the file system said.
        error: std::io::Error,
    },
    /// The file given as the runtime is something else.
    #[error("{path} is not WebAssembly: it does not begin with the bytes \\0asm. Pass the plimsoll_runtime.wasm that scripts/build-runtime.sh prints")]
    NotWasm {
        /// The file.
        path: PathBuf,
    },
    /// The first block could not be built from the runtime.
    #[error("cannot build the genesis block from the preset '{preset}': {error}")]
    Genesis {
        /// The preset's name.
        preset: String,
        /// What the runtime or the client said.
        error: String,
    },
    /// The log directives are not understood.
    #[error("cannot start logging with --log '{directives}': {error}. Use for example 'info' or 'info,txpool=debug'")]
    Logging {
        /// The value of `--log`.
        directives: String,
        /// What the logger said.
        error: String,
    },
    /// The chain's clock could not be read from its state.
    #[error("cannot read the time of block {block}: {error}")]
    ReadTime {
        /// The block's hash.
        block: String,
        /// What the client said.
        error: String,
    },
    /// The RPC server does not come up.
    #[error("cannot listen on {address}: {error}. Another node may be using the port: choose one with --rpc-port (0 takes any free one)")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the server said.
        error: String,
    },
    /// No threads to run on.
    #[error("cannot start the node's threads: {0}")]
    Tokio(std::io::Error),
    /// Signals cannot be received.
    #[error("cannot wait for SIGINT and SIGTERM: {0}")]
    Signal(std::io::Error),
    /// The client, the database or an essential task.
    #[error("{0}")]
    Service(Box<sc_service::Error>),
    /// The client or its database.
    #[error("the chain's database: {0}")]
    Blockchain(Box<sp_blockchain::Error>),
}

// Boxed, because they are large and rare.
impl From<sc_service::Error> for Error {
    fn from(error: sc_service::Error) -> Self {
        Self::Service(Box::new(error))
    }
}

impl From<sp_blockchain::Error> for Error {
    fn from(error: sp_blockchain::Error) -> Self {
        Self::Blockchain(Box::new(error))
    }
}
