//! What an attester knows of the contract.
//!
//! It reads the chain itself and believes no keeper: the clock, the numbers of the next
//! batches, who attests. The one exception is a *gateway*, through which a keeper
//! answers for a chain embedded in its own process; that is for demonstrations.

use crate::chain::{At, Chain};
use crate::clock::ChainTime;
use crate::hexes;
use crate::urls::{shown, Http};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use parity_scale_codec::Decode;
use plimsoll_interface::{calls, Attesters, ClockView, Settings, H160};
use plimsoll_mechanism::batch::Domain;
use plimsoll_mechanism::{Epoch, Hash};
use serde::de::DeserializeOwned;
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
    /// The hash of the newest finalized block: of an older one than before never.
    async fn newest(&self) -> Result<Hash, ViewError>;

    /// The answer to an encoded call of a view, as of a block that [`Views::newest`] gave.
    /// A chain that keeps no past states may answer as of a newer one.
    async fn view(&self, at: Hash, data: Vec<u8>) -> Result<Vec<u8>, ViewError>;
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
    async fn newest(&self) -> Result<Hash, ViewError> {
        self.chain
            .finalized()
            .await
            .map_err(|error| ViewError(error.to_string()))
    }

    async fn view(&self, at: Hash, data: Vec<u8>) -> Result<Vec<u8>, ViewError> {
        self.chain
            .read(self.contract, data, At::Block(at))
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

/// A finalized block.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Block {
    #[serde(with = "hexes")]
    at: Hash,
}

/// A call of a view, as of a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Call {
    #[serde(with = "hexes")]
    at: Hash,
    #[serde(with = "hexes")]
    data: Vec<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bytes {
    #[serde(with = "hexes")]
    data: Vec<u8>,
}

/// The contract, read through a keeper's gateway.
pub struct GatewayViews {
    http: Http,
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
        let gateway = Self {
            http: Http::new(GATEWAY_TIMEOUT).map_err(|error| failed(&url, error))?,
            url,
        };
        let request = gateway.http.to(&gateway.url);
        let request = request.get(format!("{}/v1/deployment", gateway.url));
        let deployment: Deployment = gateway.ask(request).await?;
        let domain = Domain {
            chain_id: deployment.chain_id,
            contract: deployment.contract.0,
        };
        Ok((gateway, domain))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, ViewError> {
        let failed = |error| failed(&self.url, error);
        let answer = request.send().await.map_err(failed)?;
        let answer = answer.error_for_status().map_err(failed)?;
        answer.json().await.map_err(failed)
    }
}

/// What happened at a gateway, without what may be secret in its address.
fn failed(url: &str, error: reqwest::Error) -> ViewError {
    ViewError(format!("gateway {}: {}", shown(url), error.without_url()))
}

#[async_trait::async_trait]
impl Views for GatewayViews {
    async fn newest(&self) -> Result<Hash, ViewError> {
        let request = self
            .http
            .to(&self.url)
            .get(format!("{}/v1/newest", self.url));
        Ok(self.ask::<Block>(request).await?.at)
    }

    async fn view(&self, at: Hash, data: Vec<u8>) -> Result<Vec<u8>, ViewError> {
        let request = self
            .http
            .to(&self.url)
            .post(format!("{}/v1/view", self.url));
        let request = request.json(&Call { at, data });
        Ok(self.ask::<Bytes>(request).await?.data)
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
        .route("/v1/newest", get(answer_newest))
        .route("/v1/view", post(answer_view))
        .with_state(views)
}

/// What a gateway says when the chain fails it.
fn unanswered(error: ViewError) -> (StatusCode, String) {
    (StatusCode::BAD_GATEWAY, error.to_string())
}

async fn answer_newest(
    State(views): State<Arc<dyn Views>>,
) -> Result<Json<Block>, (StatusCode, String)> {
    let at = views.newest().await.map_err(unanswered)?;
    Ok(Json(Block { at }))
}

async fn answer_view(
    State(views): State<Arc<dyn Views>>,
    Json(Call { at, data }): Json<Call>,
) -> Result<Json<Bytes>, (StatusCode, String)> {
    let data = views.view(at, data).await.map_err(unanswered)?;
    Ok(Json(Bytes { data }))
}

/// The contract as an attester sees it.
#[derive(Clone)]
pub struct Reader(Arc<dyn Views>);

impl Reader {
    /// Reads through `views`.
    #[must_use]
    pub fn new(views: Arc<dyn Views>) -> Self {
        Self(views)
    }

    /// The contract as of the newest finalized block. What one decision is made of is
    /// read through one such moment, so that it is of one block whichever node answers.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn now(&self) -> Result<Moment, ViewError> {
        Ok(Moment {
            at: self.0.newest().await?,
            views: self.0.clone(),
        })
    }
}

/// The views that an attester needs, decoded, as of one finalized block.
#[derive(Clone)]
pub struct Moment {
    at: Hash,
    views: Arc<dyn Views>,
}

impl Moment {
    async fn read<T: Decode>(&self, data: Vec<u8>) -> Result<T, ViewError> {
        let answer = self.views.view(self.at, data).await?;
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
