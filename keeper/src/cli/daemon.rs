//! `plimsoll run`

use super::{connect, identity, start_logging, ChainFactory, Failure, SURI};
use crate::attester::client::Attesters;
use crate::attester::serve;
use crate::batch::Rules;
use crate::config::Config;
use crate::contract::Emission;
use crate::deploy::Deployment;
use crate::journal::Journal;
use crate::keys::secret_text;
use crate::metrics::Metrics;
use crate::pipeline::run::{run as ticks, told_to_stop, Health, Observer as _, Pace};
use crate::pipeline::{Engine, EngineConfig};
use crate::receipt::Network;
use crate::server::{router, Board};
use crate::submit::Submitter;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

pub(super) async fn run(config: Config, factory: &dyn ChainFactory) -> Result<(), Failure> {
    start_logging(&config)?;
    let deployment = Deployment::load(&config.chain.deployment)?;
    let (suri, _) = secret_text(config.chain.suri_file.as_deref(), "chain.suri_file", SURI)?;
    if config.attesters.urls.is_empty() {
        return Err(
            "configuration key attesters.urls: it is empty, and without signatures no batch counts"
                .into(),
        );
    }
    if let Some(spool) = &config.receipts.spool {
        std::fs::create_dir_all(spool).map_err(|error| {
            format!(
                "configuration key receipts.spool: {}: {error}",
                spool.display()
            )
        })?;
    }
    let journal = Journal::open(&config.journal.file, identity(&deployment)).await?;

    // The server first: whoever watches sees that there is no chain.
    let finality = Duration::from_millis(config.chain.finality_timeout_ms);
    let board = Arc::new(Board::new(
        journal.clone(),
        Metrics::new()?,
        &config.run,
        finality,
    ));
    let (stop_server, server_stopped) = tokio::sync::oneshot::channel::<()>();
    let listen = config.server.listen;
    let routes = router(board.clone());
    let (up, is_up) = tokio::sync::oneshot::channel();
    let server = tokio::spawn(async move {
        let ready = |listen| {
            tracing::info!(%listen, "status, health and metrics are served");
            let _ = up.send(());
        };
        serve(routes, listen, ready, async { drop(server_stopped.await) }).await
    });
    if is_up.await.is_err() {
        let reason = match server.await {
            Ok(Err(error)) => error.to_string(),
            _ => "it ended".into(),
        };
        return Err(format!("configuration key server.listen: {listen}: {reason}").into());
    }

    let stop = told_to_stop()?;
    tokio::pin!(stop);
    let start = start(&config, &deployment, &suri, &journal, &board, factory);
    let started = tokio::select! {
        engine = start => Some(engine?),
        () = &mut stop => None,
    };
    if let Some(mut engine) = started {
        let pace = Pace {
            interval: Duration::from_millis(config.run.interval_ms),
            longest: Duration::from_millis(config.run.backoff_max_ms),
        };
        ticks(&mut engine, pace, &*board, stop).await;
    }
    // If the server is gone already there is nothing to stop.
    let _ = stop_server.send(());
    let _ = server.await;
    Ok(())
}

/// The engine, as soon as the chain answers.
async fn start(
    config: &Config,
    deployment: &Deployment,
    suri: &Zeroizing<String>,
    journal: &Journal,
    board: &Board,
    factory: &dyn ChainFactory,
) -> Result<Engine, Failure> {
    let mut pause = Duration::from_millis(config.run.interval_ms);
    let longest = Duration::from_millis(config.run.backoff_max_ms);
    let chain = loop {
        match connect(&config.chain, deployment, Some(suri.clone()), factory).await {
            Ok(chain) => break chain,
            Err(error) if is_down(&error) => {
                tracing::warn!(%error, "the chain does not answer; trying again in {} s", pause.as_secs_f32());
                board.ticked(None, &Health::default());
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
            Err(error) => return Err(error),
        }
    };
    if !chain.mapped().await? {
        return Err("the account is not mapped on this chain, so it cannot call contracts; `plimsoll deploy` maps the account it deploys with, and any wallet can send Revive.map_account".into());
    }
    let emission = Emission::new(chain.clone(), deployment.contract);
    let settings = emission.settings().await?;
    let rules = Rules {
        network: Network::new(&config.receipts.network),
        meters: config.meters.clone(),
        fee_unit: settings.fee_unit,
        lanes: settings.lanes,
    };
    let finality = Duration::from_millis(config.chain.finality_timeout_ms);
    let submitter = Submitter::start_patient(chain, journal.clone(), finality);
    let timeout = Duration::from_millis(config.attesters.timeout_ms);
    let attesters = Attesters::new(&config.attesters.urls, timeout)?;
    let engine = EngineConfig::new(config);
    Ok(Engine::new(
        emission,
        journal.clone(),
        submitter,
        attesters,
        rules,
        engine,
    )
    .await?)
}

/// Whether waiting may help.
fn is_down(error: &Failure) -> bool {
    use crate::chain::ChainError;
    matches!(
        error.downcast_ref::<ChainError>(),
        Some(
            ChainError::Connection { .. } | ChainError::Timeout { .. } | ChainError::Behind { .. }
        )
    )
}
