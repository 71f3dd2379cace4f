//! The keeper of Plimsoll with a chain in its own process, on which its demo runs.

mod client;

use client::EmbeddedClient;
use plimsoll_keeper::chain::{Chain, ChainError};
use plimsoll_keeper::cli::{self, ChainFactory, Nodes};
use plimsoll_keeper::demo::world::World;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The account that pays for the demo: one of those that the embedded chain funds.
const PAYER: &str = "//Alice";

/// Nodes where an address is given, else the embedded chain.
struct Local;

#[async_trait::async_trait]
impl ChainFactory for Local {
    async fn connect(
        &self,
        urls: Vec<String>,
        suri: Option<Zeroizing<String>>,
        request_timeout: Duration,
    ) -> Result<Chain, ChainError> {
        Nodes.connect(urls, suri, request_timeout).await
    }

    async fn world(&self) -> Result<Option<Arc<dyn World>>, ChainError> {
        Ok(Some(Arc::new(EmbeddedClient::start(PAYER)?)))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::main(Local).await
}
