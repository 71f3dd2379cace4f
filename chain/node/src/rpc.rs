//! JSON-RPC: the server, and the methods that drive the clock.

use crate::{
    clock::{Clock, Refusal},
    sealing::{seal, Engine},
    service::{FullBackend, FullClient, FullPool},
    Error,
};
use jsonrpsee::{
    core::{async_trait, RpcResult},
    proc_macros::rpc,
    types::{
        error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE},
        ErrorObjectOwned,
    },
    Methods, RpcModule,
};
use plimsoll_runtime::opaque::Block;
use sc_consensus_manual_seal::rpc::{ManualSeal, ManualSealApiServer};
use sc_rpc::{
    author::{Author, AuthorApiServer},
    chain::ChainApiServer,
    state::{ChildStateApiServer, StateApiServer},
    system::{Request, SystemApiServer, SystemInfo},
    SubscriptionTaskExecutor,
};
use sc_rpc_server::{BatchRequestConfig, RpcEndpoint, RpcMethods, Server};
use sc_rpc_spec_v2::{
    archive::{Archive, ArchiveApiServer},
    chain_head::{ChainHead, ChainHeadApiServer, ChainHeadConfig},
    chain_spec::{ChainSpec as ChainSpecRpc, ChainSpecApiServer},
    transaction::{
        Transaction, TransactionApiServer, TransactionBroadcast, TransactionBroadcastApiServer,
    },
};
use sc_service::{config::KeystoreConfig, ChainSpec, KeystoreContainer};
use sc_utils::mpsc::TracingUnboundedSender;
use sp_blockchain::HeaderBackend;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use substrate_frame_rpc_system::{System as AccountSystem, SystemApiServer as _};

/// Connections served at once.
pub const MAX_CONNECTIONS: u32 = 100;
/// Largest request and answer, MiB. A batch of receipts is an eighth of this.
const MAX_PAYLOAD_MIB: u32 = 15;
/// Subscriptions a connection may hold.
const MAX_SUBSCRIPTIONS: u32 = 1024;
/// Messages kept for a connection that reads slowly.
const MESSAGE_BUFFER: u32 = 64;
/// Characters of a request that are logged.
const LOGGED_CHARACTERS: u32 = 1024;

/// Transactions a connection may have broadcast at once, as in other Substrate nodes.
const MAX_BROADCASTS_PER_CONNECTION: usize = 16;

/// The methods that read and move the chain's clock. Times are Unix milliseconds.
#[rpc(server)]
pub trait ClockApi {
    /// The chain's time: the best block's, or the time set since.
    #[method(name = "plimsoll_now")]
    fn now(&self) -> RpcResult<u64>;

    /// Sets the time of the next block, forward only, and returns it. With `seal` an
    /// empty block that carries it is sealed before the call returns, so that the
    /// state at the best block has the new time.
    #[method(name = "plimsoll_setTime")]
    async fn set_time(&self, ms: u64, seal: Option<bool>) -> RpcResult<u64>;

    /// Moves the clock forward by `ms` and returns the time of the next block. `seal`
    /// as in `plimsoll_setTime`.
    #[method(name = "plimsoll_advance")]
    async fn advance(&self, ms: u64, seal: Option<bool>) -> RpcResult<u64>;
}

/// What moves the chain: its clock, and the engine that seals blocks.
pub struct Control {
    /// Sets the time of the blocks to come.
    pub clock: Arc<Clock>,
    /// Takes commands to seal.
    pub engine: Engine,
}

impl Control {
    /// Answers with the clock's refusal or new time, sealing a block if asked to.
    async fn moved(
        &self,
        moved: Result<Result<u64, Refusal>, Error>,
        also_seal: Option<bool>,
    ) -> RpcResult<u64> {
        let time = moved
            .map_err(internal)?
            .map_err(|refusal| error(INVALID_PARAMS_CODE, refusal.to_string()))?;
        if also_seal == Some(true) {
            seal(&mut self.engine.clone(), true).await?;
        }
        Ok(time)
    }
}

#[async_trait]
impl ClockApiServer for Control {
    fn now(&self) -> RpcResult<u64> {
        self.clock.now().map_err(internal)
    }

    async fn set_time(&self, ms: u64, seal: Option<bool>) -> RpcResult<u64> {
        self.moved(self.clock.set(ms), seal).await
    }

    async fn advance(&self, ms: u64, seal: Option<bool>) -> RpcResult<u64> {
        self.moved(self.clock.advance(ms), seal).await
    }
}

fn error(code: i32, message: String) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(code, message, None::<()>)
}

fn internal(failure: Error) -> ErrorObjectOwned {
    error(INTERNAL_ERROR_CODE, failure.to_string())
}

/// The chain that the methods read.
pub struct Chain {
    /// Blocks and the runtime.
    pub client: Arc<FullClient>,
    /// State.
    pub backend: Arc<FullBackend>,
    /// Transactions that wait.
    pub pool: Arc<FullPool>,
    /// The chain's name and properties.
    pub spec: Box<dyn ChainSpec>,
}

/// All methods: those of every Substrate node (the old interface and the new one, for
/// an archive), those of manual seal, and the clock's.
///
/// # Errors
///
/// When two methods have the same name.
pub fn methods(
    chain: Chain,
    control: Control,
    system_requests: TracingUnboundedSender<Request<Block>>,
    executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Error> {
    let Chain {
        client,
        backend,
        pool,
        spec,
    } = chain;
    let genesis = client.info().genesis_hash;
    let keystore = KeystoreContainer::new(&KeystoreConfig::InMemory)?.keystore();
    let system_info = SystemInfo {
        chain_name: spec.name().into(),
        impl_name: env!("CARGO_PKG_NAME").into(),
        impl_version: env!("CARGO_PKG_VERSION").into(),
        properties: spec.properties(),
        chain_type: spec.chain_type(),
    };
    let (state, child_state) = sc_rpc::state::new_full(client.clone(), executor.clone(), None);
    let blocks = sc_rpc::chain::new_full(client.clone(), executor.clone());
    let author = Author::new(client.clone(), pool.clone(), keystore, executor.clone());

    let head = ChainHead::new(
        client.clone(),
        backend.clone(),
        executor.clone(),
        ChainHeadConfig::default(),
    );
    let archive = Archive::new(client.clone(), backend, genesis, executor.clone());
    let watch = Transaction::new(client.clone(), pool.clone(), executor.clone(), None);
    let broadcast = TransactionBroadcast::new(
        client.clone(),
        pool.clone(),
        executor,
        MAX_BROADCASTS_PER_CONNECTION,
    );
    let chain_spec = ChainSpecRpc::new(spec.name().into(), genesis, spec.properties());

    let mut all = RpcModule::new(());
    let modules: [Methods; 13] = [
        sc_rpc::system::System::new(system_info, system_requests)
            .into_rpc()
            .into(),
        blocks.into_rpc().into(),
        state.into_rpc().into(),
        child_state.into_rpc().into(),
        author.into_rpc().into(),
        head.into_rpc().into(),
        archive.into_rpc().into(),
        watch.into_rpc().into(),
        broadcast.into_rpc().into(),
        chain_spec.into_rpc().into(),
        AccountSystem::new(client, pool).into_rpc().into(),
        ManualSeal::new(control.engine.clone()).into_rpc().into(),
        control.into_rpc().into(),
    ];
    for module in modules {
        all.merge(module)
            .map_err(|error| sc_service::Error::Application(error.into()))?;
    }
    Ok(all)
}

/// Starts to serve `methods` on 127.0.0.1 by WebSocket and HTTP; port 0 is any free one.
///
/// # Errors
///
/// When the port cannot be used.
pub async fn serve(
    methods: RpcModule<()>,
    runtime: tokio::runtime::Runtime,
    port: u16,
) -> Result<Server, Error> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let endpoint = RpcEndpoint {
        listen_addr: address,
        batch_config: BatchRequestConfig::Unlimited,
        max_connections: MAX_CONNECTIONS,
        max_payload_in_mb: MAX_PAYLOAD_MIB,
        max_payload_out_mb: MAX_PAYLOAD_MIB,
        max_subscriptions_per_connection: MAX_SUBSCRIPTIONS,
        max_buffer_capacity_per_connection: MESSAGE_BUFFER,
        rate_limit: None,
        rate_limit_trust_proxy_headers: false,
        rate_limit_whitelisted_ips: Vec::new(),
        // Local wallets in a browser may connect from any page.
        cors: None,
        // Whoever reaches 127.0.0.1 of a development node may do everything.
        rpc_methods: RpcMethods::Unsafe,
        is_optional: false,
        retry_random_port: false,
    };
    sc_rpc_server::start_server(sc_rpc_server::Config {
        endpoints: vec![endpoint],
        metrics: None,
        rpc_api: methods,
        id_provider: None,
        request_logger_limit: LOGGED_CHARACTERS,
        rpc_runtime: runtime,
    })
    .await
    .map_err(|error| Error::Listen {
        address,
        error: error.to_string(),
    })
}
