//! The attester over HTTP.

use super::examine::Attester;
use super::protocol::{
    AttestRequest, Attested, BatchKey, Checked, Code, Health, Info, Refusal, SignedBatch,
};
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use plimsoll_mechanism::Epoch;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        tracing::warn!(code = ?self.code, reason = %self.reason, receipts = self.receipts.len(), missing = self.missing.len(), "refused");
        let status = StatusCode::from_u16(self.code.status())
            .expect("the codes' numbers are statuses of HTTP");
        (status, Json(self)).into_response()
    }
}

/// The routes; see [`super::protocol`]. Requests above `max_request_bytes` are refused.
pub fn router(attester: Arc<Attester>, max_request_bytes: usize) -> Router {
    Router::new()
        .route("/v1/check", post(check))
        .route("/v1/attest", post(attest))
        .route("/v1/batch/{epoch}/{lane}/{seq}", get(batch))
        .route("/v1/info", get(info))
        .route("/health", get(health))
        .layer(DefaultBodyLimit::max(max_request_bytes))
        .with_state(attester)
}

/// Serves until `stop` ends; what is under way is answered first. `ready` is told the
/// address that was taken.
///
/// # Errors
/// If the address cannot be taken.
pub async fn serve(
    router: Router,
    listen: SocketAddr,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    ready(listener.local_addr()?);
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
}

type Asked = Result<Json<AttestRequest>, JsonRejection>;

fn readable(asked: Asked) -> Result<AttestRequest, Refusal> {
    match asked {
        Ok(Json(request)) => Ok(request),
        Err(rejection) => {
            let code = match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
                _ => Code::Malformed,
            };
            Err(Refusal::new(code, rejection.body_text()))
        }
    }
}

/// Does `work` to its end also if whoever asked hangs up: what was read of the chain and
/// taken in stays, and nothing stops half-way between recording and signing.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<Json<T>, Refusal> {
    let lost = |_| Refusal::new(Code::Unavailable, "the attester failed; see its log");
    tokio::spawn(work).await.map_err(lost)?.map(Json)
}

async fn check(
    State(attester): State<Arc<Attester>>,
    asked: Asked,
) -> Result<Json<Checked>, Refusal> {
    let request = readable(asked)?;
    to_its_end(async move { attester.check(request).await }).await
}

async fn attest(
    State(attester): State<Arc<Attester>>,
    asked: Asked,
) -> Result<Json<Attested>, Refusal> {
    let request = readable(asked)?;
    to_its_end(async move { attester.attest(request).await }).await
}

async fn batch(
    State(attester): State<Arc<Attester>>,
    Path((epoch, lane, seq)): Path<(Epoch, u32, u64)>,
) -> Result<Json<SignedBatch>, Response> {
    let key = BatchKey { epoch, lane, seq };
    let found = attester.batch(key).await.map_err(Refusal::into_response)?;
    found
        .map(Json)
        .ok_or_else(|| StatusCode::NOT_FOUND.into_response())
}

async fn info(State(attester): State<Arc<Attester>>) -> Result<Json<Info>, Refusal> {
    attester.info().await.map(Json)
}

async fn health(State(attester): State<Arc<Attester>>) -> (StatusCode, Json<Health>) {
    match attester.health().await {
        Ok(()) => (
            StatusCode::OK,
            Json(Health {
                status: "ok".into(),
            }),
        ),
        Err(refusal) => {
            let status = refusal.reason;
            (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status }))
        }
    }
}
