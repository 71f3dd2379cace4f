//! `plimsoll attester`

use super::{connect, start_logging, ChainFactory, Failure, ATTESTER_KEY};
use crate::attester::views::{ChainViews, GatewayViews, Reader};
use crate::attester::{router, serve, Attester, Settings};
use crate::config::Config;
use crate::deploy::Deployment;
use crate::hexes;
use crate::keys::Key;
use crate::pipeline::run::told_to_stop;
use crate::receipt::Network;
use crate::urls::shown;
use plimsoll_mechanism::batch::Domain;
use std::sync::Arc;

pub(super) async fn run(config: Config, factory: &dyn ChainFactory) -> Result<(), Failure> {
    start_logging(&config)?;
    let own = &config.attester;
    let key = Key::load(own.key_file.as_deref(), "attester.key_file", ATTESTER_KEY)?;
    let (reader, domain) = reader(&config, factory).await?;
    let receipts = &config.receipts;
    let settings = Settings {
        network: Network::new(&receipts.network),
        signers: receipts.signers.iter().copied().collect(),
        allow_unsigned: receipts.allow_unsigned,
        max_ahead_ms: receipts.max_ahead_ms,
        meters: config.meters.clone(),
    };
    if receipts.allow_unsigned {
        tracing::warn!("receipts.allow_unsigned is set: anybody can make receipts up");
    } else if receipts.signers.is_empty() {
        return Err(
            "configuration key receipts.signers: it is empty, so no receipt would ever count"
                .into(),
        );
    }
    let attester = Attester::open(key, settings, domain, reader, &own.journal).await?;
    let address = hexes::show(attester.address());
    let router = router(Arc::new(attester), own.max_request_bytes);
    let ready = |listen| tracing::info!(%listen, %address, "the attester is ready");
    serve(router, own.listen, ready, told_to_stop()?)
        .await
        .map_err(|error| format!("configuration key attester.listen: {}: {error}", own.listen))?;
    Ok(())
}

/// How the contract is read, and which one it is.
async fn reader(config: &Config, factory: &dyn ChainFactory) -> Result<(Reader, Domain), Failure> {
    if let Some(url) = &config.attester.gateway {
        tracing::warn!(
            url = shown(url),
            "a keeper is believed about the chain: for demonstrations only"
        );
        let (views, domain) = GatewayViews::connect(url).await?;
        return Ok((Reader::new(Arc::new(views)), domain));
    }
    let deployment = Deployment::load(&config.chain.deployment)?;
    let chain = connect(&config.chain, &deployment, None, factory).await?;
    let domain = Domain {
        chain_id: deployment.chain_id,
        contract: deployment.contract.0,
    };
    let views = ChainViews::new(chain, deployment.contract);
    Ok((Reader::new(Arc::new(views)), domain))
}
