//! The keeper for chains reached over JSON-RPC.

use plimsoll_keeper::cli::{self, Nodes};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    cli::main(Nodes).await
}
