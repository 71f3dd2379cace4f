//! When blocks are made: commands to the manual-seal engine, which makes them one at
//! a time and finalizes each at once.

use crate::{cli::Seal, service::FullPool};
use futures::{
    channel::{mpsc, oneshot},
    FutureExt, SinkExt, StreamExt,
};
use plimsoll_runtime::opaque::Block;
use sc_consensus_manual_seal::{CreatedBlock, EngineCommand, Error};
use sc_transaction_pool_api::TransactionPool;
use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;

type Hash = <Block as sp_runtime::traits::Block>::Hash;

/// Where the engine takes its commands.
pub type Engine = mpsc::Sender<EngineCommand<Hash>>;

/// Asks for one block, final at once, and waits for it.
///
/// # Errors
///
/// [`Error::EmptyTransactionPool`] when there is nothing to put into the block and
/// `create_empty` is not set; else what the engine says.
pub async fn seal(engine: &mut Engine, create_empty: bool) -> Result<CreatedBlock<Hash>, Error> {
    let (sender, receiver) = oneshot::channel();
    engine
        .send(EngineCommand::SealNewBlock {
            create_empty,
            finalize: true,
            parent_hash: None,
            sender: Some(sender),
        })
        .await?;
    receiver.await?
}

/// Seals blocks as `mode` says, for as long as the node runs.
pub async fn run(mode: Seal, pool: Arc<FullPool>, engine: Engine) {
    match mode {
        Seal::Instant => instant(pool, engine).await,
        Seal::Timed(every) => timed(every, engine).await,
    }
}

/// A block as soon as a transaction is ready, and another as long as any is left.
async fn instant(pool: Arc<FullPool>, mut engine: Engine) {
    let mut ready = pool.import_notification_stream();
    while ready.next().await.is_some() {
        // What arrived in the meantime goes into the same block.
        while ready.next().now_or_never().flatten().is_some() {}
        loop {
            match seal(&mut engine, false).await {
                // A full block leaves transactions behind.
                Ok(_) if pool.status().ready > 0 => {}
                Ok(_) | Err(Error::EmptyTransactionPool) => break,
                Err(error) => {
                    tracing::error!("a transaction is ready but no block could be sealed: {error}");
                    break;
                }
            }
        }
    }
}

/// A block every `every` of real time. Missed ticks are not made up for.
async fn timed(every: Duration, mut engine: Engine) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = seal(&mut engine, true).await {
            tracing::error!("no block could be sealed: {error}");
        }
    }
}
