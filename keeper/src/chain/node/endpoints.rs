//! Several endpoints of one chain, one of them in use.

use super::{client, Block};
use crate::chain::{At, ChainError, Hash};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use subxt::backend::LegacyBackend;
use subxt::config::RpcConfigFor;
use subxt::rpcs::client::reconnecting_rpc_client::{FixedInterval, RpcClient as Reconnecting};
use subxt::rpcs::methods::legacy::LegacyRpcMethods;
use subxt::rpcs::RpcClient;
use subxt::{OnlineClient, PolkadotConfig};
use tokio::sync::Mutex;

/// How long to wait for a connection. A node that is up answers within a second or two,
/// also from another continent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait for an answer. The longest question is the dry-run of a full batch,
/// some seconds on a slow node.
pub(super) const ASK_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait for a sign of life from a node that has just failed.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a lost connection is tried again before the next endpoint is: with the
/// pauses below that is about a second, the length of a node's restart behind a proxy.
const RECONNECTS: usize = 4;

/// The pause before each reconnect.
const RECONNECT_PAUSE: Duration = Duration::from_millis(250);

/// A connection to one node.
pub(super) struct Connection {
    /// Where to, without secrets.
    url: String,
    /// For methods of this project's node.
    pub rpc: RpcClient,
    /// The methods that every node has.
    pub methods: LegacyRpcMethods<RpcConfigFor<PolkadotConfig>>,
    /// Hash of block 0.
    pub genesis: Hash,
    client: OnlineClient<PolkadotConfig>,
}

impl Connection {
    async fn open(url: &str, limit: Duration) -> Result<Self, ChainError> {
        let shown = shown(url);
        let failed = |reason: String| ChainError::Connection {
            url: shown.clone(),
            reason,
        };
        let opening = async {
            let rpc = Reconnecting::builder()
                .retry_policy(FixedInterval::new(RECONNECT_PAUSE).take(RECONNECTS))
                .request_timeout(limit)
                .connection_timeout(CONNECT_TIMEOUT)
                .build(url)
                .await
                .map_err(|error| failed(error.to_string()))?;
            let rpc = RpcClient::new(rpc);
            let backend = Arc::new(LegacyBackend::builder().build(rpc.clone()));
            let client = OnlineClient::<PolkadotConfig>::from_backend(backend)
                .await
                .map_err(|error| failed(error.to_string()))?;
            Ok::<_, ChainError>((rpc, client))
        };
        let (rpc, client) = tokio::time::timeout(CONNECT_TIMEOUT, opening)
            .await
            .map_err(|_| failed(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())))??;
        Ok(Self {
            methods: LegacyRpcMethods::new(rpc.clone()),
            genesis: client.genesis_hash().0,
            url: shown,
            rpc,
            client,
        })
    }

    /// The newest finalized or the best block.
    pub async fn block(&self, at: At) -> Result<Block, ChainError> {
        let hash = match at {
            At::Finalized => self
                .methods
                .chain_get_finalized_head()
                .await
                .map_err(client("read the finalized block"))?,
            At::Best => self
                .methods
                .chain_get_block_hash(None)
                .await
                .map_err(client("read the best block"))?
                .ok_or_else(|| ChainError::Unsupported("it has no best block".into()))?,
        };
        self.client
            .at_block(hash)
            .await
            .map_err(client("read a block"))
    }

    /// The block of this number on the node's best chain.
    pub async fn block_at(&self, number: u64) -> Result<Block, ChainError> {
        self.client
            .at_block(number)
            .await
            .map_err(client("read a block"))
    }

    async fn alive(&self) -> bool {
        let ping = self.methods.system_health();
        matches!(tokio::time::timeout(PING_TIMEOUT, ping).await, Ok(Ok(_)))
    }
}

/// Endpoints in the order in which they are tried.
pub(super) struct Endpoints {
    urls: Vec<String>,
    limit: Duration,
    state: Mutex<State>,
}

struct State {
    /// Which endpoint is next or in use.
    next: usize,
    connection: Option<Arc<Connection>>,
    /// Of the first connection; all others must have the same.
    genesis: Option<Hash>,
}

impl Endpoints {
    /// Endpoints, of which each may take `limit` for an answer.
    pub fn new(urls: Vec<String>, limit: Duration) -> Result<Self, ChainError> {
        if urls.is_empty() {
            return Err(ChainError::Unsupported("no endpoint is given".into()));
        }
        for url in &urls {
            if !subxt::rpcs::utils::url_is_secure(url).map_err(|error| ChainError::Connection {
                url: shown(url),
                reason: error.to_string(),
            })? {
                tracing::warn!(url = shown(url), "the connection is not encrypted");
            }
        }
        Ok(Self {
            urls,
            limit,
            state: Mutex::new(State {
                next: 0,
                connection: None,
                genesis: None,
            }),
        })
    }

    /// Asks `question` of the endpoint in use. If that fails because the endpoint does not
    /// live, it is asked of the others in turn, each once.
    pub async fn ask<T, F, Q>(&self, what: &'static str, question: Q) -> Result<T, ChainError>
    where
        F: Future<Output = Result<T, ChainError>>,
        Q: Fn(Arc<Connection>) -> F,
    {
        let mut last = None;
        for _ in 0..=self.urls.len() {
            let connection = match self.connection().await {
                Ok(connection) => connection,
                Err(error) => {
                    last = Some(error);
                    continue;
                }
            };
            match tokio::time::timeout(self.limit, question(connection.clone())).await {
                Ok(Err(ChainError::Client { reason, .. })) if !connection.alive().await => {
                    last = Some(ChainError::Connection {
                        url: connection.url.clone(),
                        reason,
                    });
                }
                Ok(answer) => return answer,
                Err(_) => {
                    last = Some(ChainError::Timeout {
                        what,
                        after: self.limit,
                    });
                }
            }
            self.give_up(&connection).await;
        }
        Err(last.unwrap_or_else(|| ChainError::Unsupported("no endpoint is given".into())))
    }

    async fn connection(&self) -> Result<Arc<Connection>, ChainError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok(connection.clone());
        }
        let url = &self.urls[state.next % self.urls.len()];
        let connection = match Connection::open(url, self.limit).await {
            Ok(connection) => connection,
            Err(error) => {
                state.next += 1;
                return Err(error);
            }
        };
        match state.genesis {
            Some(genesis) if genesis != connection.genesis => {
                state.next += 1;
                return Err(ChainError::Unsupported(format!(
                    "{} is of another chain: its genesis is 0x{}, not 0x{}",
                    connection.url,
                    hex::encode(connection.genesis),
                    hex::encode(genesis)
                )));
            }
            _ => state.genesis = Some(connection.genesis),
        }
        tracing::info!(url = connection.url, "connected");
        let connection = Arc::new(connection);
        state.connection = Some(connection.clone());
        Ok(connection)
    }

    /// Moves on to the next endpoint, unless another task has done so.
    async fn give_up(&self, failed: &Arc<Connection>) {
        let mut state = self.state.lock().await;
        let in_use = state.connection.as_ref();
        if in_use.is_some_and(|connection| Arc::ptr_eq(connection, failed)) {
            tracing::warn!(url = failed.url, "the endpoint does not answer");
            state.connection = None;
            state.next += 1;
        }
    }
}

/// An endpoint without what may be secret: user, password, path and query, in which
/// providers put keys.
fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_shown_without_secrets() {
        assert_eq!(
            shown("wss://me:word@rpc.example:443/key?k=1"),
            "wss://rpc.example:443"
        );
        assert_eq!(shown("ws://127.0.0.1:9944"), "ws://127.0.0.1:9944");
    }

    #[test]
    fn at_least_one_endpoint_must_be_given() {
        assert!(Endpoints::new(vec![], ASK_TIMEOUT).is_err());
        assert!(Endpoints::new(vec!["not a url".into()], ASK_TIMEOUT).is_err());
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_named() {
        let endpoints =
            Endpoints::new(vec!["ws://127.0.0.1:1".into()], ASK_TIMEOUT).expect("a url");
        let asked = endpoints.ask("nothing", |_| async { Ok(()) }).await;
        let error = asked.expect_err("nobody listens there").to_string();
        assert!(error.contains("ws://127.0.0.1:1"), "{error}");
    }
}
