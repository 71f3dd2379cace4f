//! What an attester knows of the contract.
//!
//! It reads the chain itself and believes no keeper: the clock, the numbers of the next
//! batches, who attests. The one exception is a *gateway*, through which a keeper
//! answers for a chain embedded in its own process; that is for demonstrations.

use crate::chain::{At, Chain};
use crate::clock::ChainTime;
use crate::hexes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use parity_scale_codec::Decode;
use plimsoll_interface::{calls, Attesters, ClockView, Settings, H160};
use plimsoll_mechanism::batch::Domain;
use plimsoll_mechanism::Epoch;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Why the contract cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the contract cannot be read: {0}")]
pub struct ViewError(pub String);

/// The contract's views, at finalized blocks.
#[async_trait::async_trait]
pub trait Views: Send + Sync + 'static {
    /// The answer to an encoded call of a view.
    async fn view(&self, data: Vec<u8>) -> Result<Vec<u8>, ViewError>;
}

/// The contract, read through a chain client.
pub struct ChainViews {
    chain: Chain,
    contract: H160,
}

impl ChainViews {
    /// The contract at an address.
    #[must_use]
    pub fn new(chain: Chain, contract: H160) -> Self {
        Self { chain, contract }
    }
}

#[async_trait::async_trait]
impl Views for ChainViews {
    async fn view(&self, data: Vec<u8>) -> Result<Vec<u8>, ViewError> {
        self.chain
            .read(self.contract, data, At::Finalized)
            .await
            .map_err(|error| ViewError(error.to_string()))
    }
}

/// Which deployment a gateway answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Deployment {
    #[serde(with = "hexes")]
    chain_id: [u8; 32],
    contract: H160,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bytes {
    #[serde(with = "hexes")]
    data: Vec<u8>,
}

/// The contract, read through a keeper's gateway.
pub struct GatewayViews {
    http: reqwest::Client,
    url: String,
}

/// How long a gateway may take for one view: it answers from memory.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(20);

impl GatewayViews {
    /// The gateway at `url`, and the deployment it answers for.
    ///
    /// # Errors
    /// [`ViewError`] if it does not answer.
    pub async fn connect(url: &str) -> Result<(Self, Domain), ViewError> {
        let url = url.trim_end_matches('/').to_owned();
        let failed = |error: reqwest::Error| ViewError(format!("gateway {url}: {error}"));
        let http = reqwest::Client::builder()
            .timeout(GATEWAY_TIMEOUT)
            .build()
            .map_err(failed)?;
        let answer = http.get(format!("{url}/v1/deployment")).send().await;
        let answer = answer
            .and_then(reqwest::Response::error_for_status)
            .map_err(failed)?;
        let deployment: Deployment = answer.json().await.map_err(failed)?;
        let domain = Domain {
            chain_id: deployment.chain_id,
            contract: deployment.contract.0,
        };
        Ok((Self { http, url }, domain))
    }
}

#[async_trait::async_trait]
impl Views for GatewayViews {
    async fn view(&self, data: Vec<u8>) -> Result<Vec<u8>, ViewError> {
        let url = &self.url;
        let failed = |error: reqwest::Error| ViewError(format!("gateway {url}: {error}"));
        let request = self
            .http
            .post(format!("{url}/v1/view"))
            .json(&Bytes { data });
        let answer = request.send().await;
        let answer = answer
            .and_then(reqwest::Response::error_for_status)
            .map_err(failed)?;
        Ok(answer.json::<Bytes>().await.map_err(failed)?.data)
    }
}

/// The routes with which a keeper answers for the chain in its own process. Serve them
/// on a local address only.
pub fn gateway(views: Arc<dyn Views>, domain: Domain) -> Router {
    let deployment = Deployment {
        chain_id: domain.chain_id,
        contract: H160(domain.contract),
    };
    Router::new()
        .route(
            "/v1/deployment",
            get(move || async move { Json(deployment) }),
        )
        .route("/v1/view", post(answer_view))
        .with_state(views)
}

async fn answer_view(
    State(views): State<Arc<dyn Views>>,
    Json(call): Json<Bytes>,
) -> Result<Json<Bytes>, (StatusCode, String)> {
    let answer = views.view(call.data).await;
    answer
        .map(|data| Json(Bytes { data }))
        .map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))
}

/// The views that an attester needs, decoded.
#[derive(Clone)]
pub struct Reader(Arc<dyn Views>);

impl Reader {
    /// Reads through `views`.
    #[must_use]
    pub fn new(views: Arc<dyn Views>) -> Self {
        Self(views)
    }

    async fn read<T: Decode>(&self, data: Vec<u8>) -> Result<T, ViewError> {
        let answer = self.0.view(data).await?;
        calls::view(&answer).map_err(|error| {
            ViewError(format!(
                "its answer cannot be used ({error:?}); is it this version's contract?"
            ))
        })
    }

    /// What was fixed at deployment.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn settings(&self) -> Result<Settings, ViewError> {
        self.read(calls::settings()).await
    }

    /// The clock.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn time(&self, settings: &Settings) -> Result<ChainTime, ViewError> {
        let view: ClockView = self.read(calls::clock()).await?;
        Ok(ChainTime::new(settings, &view))
    }

    /// How many operators are registered.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn operators(&self) -> Result<u32, ViewError> {
        self.read(calls::operators()).await
    }

    /// The number that the next batch of an epoch and lane must carry.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn next_seq(&self, epoch: Epoch, lane: u32) -> Result<u64, ViewError> {
        self.read(calls::next_seq(epoch, lane)).await
    }

    /// Who attests in an epoch: the previous one or later.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn attesters(&self, epoch: Epoch) -> Result<Attesters, ViewError> {
        self.read(calls::attesters(epoch)).await
    }
}
