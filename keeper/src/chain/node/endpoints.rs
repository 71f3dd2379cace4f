//! Several endpoints of one chain, one of them in use.

use super::{client, Block};
use crate::chain::{At, ChainError, Hash};
use crate::urls::shown;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use subxt::backend::LegacyBackend;
use subxt::config::RpcConfigFor;
use subxt::rpcs::client::reconnecting_rpc_client::{FixedInterval, RpcClient as Reconnecting};
use subxt::rpcs::methods::legacy::LegacyRpcMethods;
use subxt::rpcs::RpcClient;
use subxt::utils::H256;
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

/// The newest finalized block that any of the endpoints has shown: whoever has less is
/// behind, and what it says of the chain may have changed since for good.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<AtomicU64>);

impl Seen {
    fn number(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// A finalized block is shown.
    fn shows(&self, number: u64) {
        self.0.fetch_max(number, Ordering::SeqCst);
    }
}

/// Refuses what `url` says if its newest block is `at`, where block `seen` was final
/// before it was asked.
fn up_to_date(url: &str, at: u64, seen: u64) -> Result<(), ChainError> {
    if at >= seen {
        return Ok(());
    }
    Err(ChainError::Behind {
        url: url.to_owned(),
        at,
        seen,
    })
}

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
    seen: Seen,
    /// The block that was read last: many views are of one block.
    last: std::sync::Mutex<Option<Block>>,
}

impl Connection {
    async fn open(url: &str, limit: Duration, seen: Seen) -> Result<Self, ChainError> {
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
            seen,
            last: std::sync::Mutex::default(),
        })
    }

    /// A block, for its state.
    ///
    /// # Errors
    /// [`ChainError::Behind`] if the node's newest finalized or best block is below a
    /// finalized one that was seen before.
    pub async fn block(&self, at: At) -> Result<Block, ChainError> {
        // Read first: an answer that was on its way meanwhile is not behind for that.
        let seen = self.seen.number();
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
            At::Block(hash) => return self.block_of(H256(hash)).await,
        };
        let block = self.block_of(hash).await?;
        up_to_date(&self.url, block.block_number(), seen)?;
        if at == At::Finalized {
            self.seen.shows(block.block_number());
        }
        Ok(block)
    }

    async fn block_of(&self, hash: H256) -> Result<Block, ChainError> {
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = last().as_ref().filter(|block| block.block_hash() == hash) {
            return Ok(block.clone());
        }
        let opened = self.client.at_block(hash).await;
        let block = opened.map_err(client("read a block"))?;
        *last() = Some(block.clone());
        Ok(block)
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
    seen: Seen,
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
            seen: Seen::default(),
            state: Mutex::new(State {
                next: 0,
                connection: None,
                genesis: None,
            }),
        })
    }

    /// Asks `question` of the endpoint in use. If that fails because the endpoint does not
    /// live, is behind or has dropped what is asked for, it is asked of the others in
    /// turn, each once.
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
                    last = Some(weightier(last, error));
                    continue;
                }
            };
            let error = match tokio::time::timeout(self.limit, question(connection.clone())).await {
                Ok(Err(ChainError::Client { reason, .. })) if !connection.alive().await => {
                    ChainError::Connection {
                        url: connection.url.clone(),
                        reason,
                    }
                }
                Ok(Err(error @ ChainError::Behind { .. })) => error,
                Ok(Err(error @ ChainError::Pruned { .. })) if self.urls.len() > 1 => error,
                Ok(answer) => return answer,
                Err(_) => ChainError::Timeout {
                    what,
                    after: self.limit,
                },
            };
            self.give_up(&connection, &error).await;
            last = Some(weightier(last, error));
        }
        Err(last.unwrap_or_else(|| ChainError::Unsupported("no endpoint is given".into())))
    }

    async fn connection(&self) -> Result<Arc<Connection>, ChainError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok(connection.clone());
        }
        let url = &self.urls[state.next % self.urls.len()];
        let connection = match self.open(url, state.genesis).await {
            Ok(connection) => connection,
            Err(error) => {
                state.next += 1;
                return Err(error);
            }
        };
        state.genesis = Some(connection.genesis);
        tracing::info!(url = connection.url, "connected");
        let connection = Arc::new(connection);
        state.connection = Some(connection.clone());
        Ok(connection)
    }

    /// Connects to an endpoint that is of the chain with this genesis and not behind.
    async fn open(&self, url: &str, genesis: Option<Hash>) -> Result<Connection, ChainError> {
        let connection = Connection::open(url, self.limit, self.seen.clone()).await?;
        if let Some(genesis) = genesis.filter(|genesis| *genesis != connection.genesis) {
            return Err(ChainError::Unsupported(format!(
                "{} is of another chain: its genesis is 0x{}, not 0x{}",
                connection.url,
                hex::encode(connection.genesis),
                hex::encode(genesis)
            )));
        }
        let failed = |reason| ChainError::Connection {
            url: connection.url.clone(),
            reason,
        };
        let newest = match tokio::time::timeout(self.limit, connection.block(At::Finalized)).await {
            Ok(Err(ChainError::Client { reason, .. })) => Err(failed(reason)),
            Ok(newest) => newest,
            Err(_) => Err(failed(format!(
                "no answer within {} s",
                self.limit.as_secs()
            ))),
        };
        if let Err(error) = newest {
            tracing::warn!(%error, "an endpoint is not used");
            return Err(error);
        }
        Ok(connection)
    }

    /// Moves on to the next endpoint, unless another task has done so.
    async fn give_up(&self, failed: &Arc<Connection>, error: &ChainError) {
        let mut state = self.state.lock().await;
        let in_use = state.connection.as_ref();
        if in_use.is_some_and(|connection| Arc::ptr_eq(connection, failed)) {
            tracing::warn!(url = failed.url, %error, "the endpoint is given up");
            state.connection = None;
            state.next += 1;
        }
    }
}

/// Of two endpoints' errors the one to tell: that one is behind or has dropped something
/// says more than that the next one does not answer.
fn weightier(before: Option<ChainError>, error: ChainError) -> ChainError {
    match before {
        Some(before @ (ChainError::Behind { .. } | ChainError::Pruned { .. })) => before,
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_behind_a_finalized_block_that_was_seen_is_refused() {
        let seen = Seen::default();
        assert_eq!(up_to_date("ws://a", 0, seen.number()), Ok(()));
        seen.shows(100);
        let behind = up_to_date("ws://b", 99, seen.number()).expect_err("one block is enough");
        let text = behind.to_string();
        assert!(
            text.contains("ws://b") && text.contains("99") && text.contains("100"),
            "{text}"
        );
        assert_eq!(behind.class(), crate::chain::Class::Retry);
        assert_eq!(up_to_date("ws://b", 100, seen.number()), Ok(()));
        // Clones are of the same endpoints, and nothing makes it smaller.
        seen.clone().shows(7);
        assert_eq!(seen.number(), 100);
    }

    #[test]
    fn that_an_endpoint_is_behind_is_told_rather_than_that_another_is_down() {
        let behind = up_to_date("ws://b", 1, 2).expect_err("behind");
        let down = ChainError::Connection {
            url: "ws://a".into(),
            reason: "refused".into(),
        };
        assert_eq!(weightier(Some(behind.clone()), down.clone()), behind);
        assert_eq!(weightier(Some(down.clone()), behind.clone()), behind);
        assert_eq!(weightier(None, down.clone()), down);
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
