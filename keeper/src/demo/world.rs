//! The chain that the demo runs on, and accounts on it.

use crate::chain::{Chain, ChainError, ClockControl};
use std::sync::Arc;

/// A chain with a driven clock, on which accounts can be made.
#[async_trait::async_trait]
pub trait World: Send + Sync + 'static {
    /// What it is, in words.
    fn name(&self) -> String;

    /// Address of a node that others can reach it by; none if it is in this process.
    fn url(&self) -> Option<String>;

    /// The chain, with the account that pays for the demo: it has native tokens and is mapped.
    fn payer(&self) -> Chain;

    /// The chain's clock.
    fn clock(&self) -> Arc<dyn ClockControl>;

    /// Accounts of these secret URIs, each with `amount` native base units and mapped.
    async fn accounts(&self, uris: &[String], amount: u128) -> Result<Vec<Chain>, ChainError>;
}
