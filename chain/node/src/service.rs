//! The node put together: client, transaction pool, sealing, clock and RPC.

use crate::{chain_spec, clock::Clock, rpc, sealing, system, Cli, Error};
use futures::channel::mpsc;
use plimsoll_runtime::{apis::RuntimeApi, opaque::Block};
use sc_basic_authorship::ProposerFactory;
use sc_client_api::execution_extensions::ExecutionExtensions;
use sc_client_api::Backend;
use sc_client_db::{BlocksPruning, DatabaseSettings, DatabaseSource, PruningMode};
use sc_consensus::LongestChain;
use sc_consensus_manual_seal::{run_manual_seal, ManualSealParams};
use sc_executor::WasmExecutor;
use sc_service::{ClientConfig, GenesisBlockBuilder, TFullBackend, TFullClient, TaskManager};
use sc_transaction_pool::{
    notification_future, Builder, TransactionPoolHandle, TransactionPoolOptions,
    TransactionPoolType,
};
use sp_blockchain::HeaderBackend;
use sp_core::storage::Storage;
use sp_database::MemDb;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Runs the wasm runtime.
pub type Executor = WasmExecutor;
/// The chain and its state.
pub type FullClient = TFullClient<Block, RuntimeApi, Executor>;
/// Where they are kept.
pub type FullBackend = TFullBackend<Block>;
/// Transactions that wait for a block.
pub type FullPool = TransactionPoolHandle<Block, FullClient>;

/// Memory for trie nodes read lately, bytes: the whole state of a test chain.
const TRIE_CACHE: usize = 64 * 1024 * 1024;
/// Transactions that may wait, and their size in bytes: some hundred full batches.
const POOL_TRANSACTIONS: usize = 8_192;
const POOL_BYTES: usize = 64 * 1024 * 1024;
/// Commands to seal that may wait for the block before them.
const SEAL_QUEUE: usize = 1_024;
/// Questions about the network that may wait for their (always the same) answer.
const SYSTEM_QUEUE: usize = 1_000;
/// Calls into the runtime at once, from JSON-RPC and while a block is made, before
/// one has to wait for a fresh instance.
const RUNTIME_INSTANCES: usize = 8;
/// Folder of the database inside the base path.
const DATABASE_FOLDER: &str = "chain";

/// A node that runs. Dropping it ends its tasks and closes its database.
pub struct Node {
    /// Everything that runs; its future resolves when an essential task ends.
    pub tasks: TaskManager,
    /// Where JSON-RPC is served.
    pub address: SocketAddr,
    /// Hash of the first block.
    pub genesis: <Block as sp_runtime::traits::Block>::Hash,
}

/// Starts a node as `cli` says.
///
/// # Errors
///
/// See [`crate::run`].
pub async fn start(cli: &Cli) -> Result<Node, Error> {
    let wasm = chain_spec::read_runtime(&cli.runtime)?;
    let spec = chain_spec::development(&wasm);
    let mut tasks = TaskManager::new(tokio::runtime::Handle::current(), None)
        .map_err(sc_service::Error::from)?;
    let (client, backend) = open_chain(cli, &wasm, &tasks)?;
    let genesis = client.info().genesis_hash;

    let pool = Arc::new(
        Builder::new(
            tasks.spawn_essential_handle(),
            client.clone(),
            // A validator's pool: transactions wait here for a block.
            true.into(),
        )
        .with_options(pool_options())
        .build(),
    );
    tasks.spawn_handle().spawn(
        "txpool-notifications",
        Some("transaction-pool"),
        notification_future(client.clone(), pool.clone(), false),
    );

    let clock = Arc::new(Clock::new(
        client.clone(),
        cli.block_time_ms,
        start_time(cli, &client),
    ));
    let engine = start_sealing(cli, &tasks, &client, &backend, &pool, &clock);

    let chain = rpc::Chain {
        client,
        backend,
        pool,
        spec: Box::new(spec),
    };
    let server = start_rpc(cli, &tasks, chain, rpc::Control { clock, engine }).await?;
    let address = *server
        .listen_addrs()
        .first()
        .expect("the server was given one address, and fails if it cannot listen on it");
    tasks.keep_alive(server);
    Ok(Node {
        tasks,
        address,
        genesis,
    })
}

/// Opens the chain in the base path, or begins a new one there or in memory.
fn open_chain(
    cli: &Cli,
    wasm: &[u8],
    tasks: &TaskManager,
) -> Result<(Arc<FullClient>, Arc<FullBackend>), Error> {
    let source = match &cli.base_path {
        Some(path) => DatabaseSource::ParityDb {
            path: path.join(DATABASE_FOLDER),
        },
        None => DatabaseSource::Custom {
            db: Arc::new(MemDb::default()),
            require_create_flag: true,
        },
    };
    let backend = sc_service::new_db_backend::<Block>(DatabaseSettings {
        trie_cache_maximum_size: Some(TRIE_CACHE),
        // An archive: every state and block can be asked for, and the archive methods work.
        state_pruning: Some(STATE_PRUNING),
        blocks_pruning: BLOCKS_PRUNING,
        source,
        pruning_filters: Vec::new(),
        metrics_registry: None,
    })?;
    let executor = Executor::builder()
        .with_max_runtime_instances(RUNTIME_INSTANCES)
        .with_cache_path(compiled_folder(&cli.runtime))
        .build();
    // A chain that exists needs no first block.
    let state = match backend.blockchain().hash(0)? {
        None => chain_spec::genesis(&executor, wasm, &cli.preset)?,
        Some(_) => Storage::default(),
    };
    let genesis =
        GenesisBlockBuilder::new_with_storage(state, true, backend.clone(), executor.clone())?;
    let client = sc_service::new_client(
        backend.clone(),
        executor.clone(),
        genesis,
        None,
        None,
        ExecutionExtensions::new(None, Arc::new(executor)),
        Box::new(tasks.spawn_handle()),
        None,
        None,
        ClientConfig::default(),
    )?;
    Ok((Arc::new(client), backend))
}

/// Where the machine code of the runtime is kept, beside its wasm: to compile it takes
/// seconds, to load it milliseconds. The executor does without if it cannot write there.
fn compiled_folder(runtime: &Path) -> PathBuf {
    runtime.with_extension("compiled")
}

const STATE_PRUNING: PruningMode = PruningMode::ArchiveAll;
const BLOCKS_PRUNING: BlocksPruning = BlocksPruning::KeepAll;

fn pool_options() -> TransactionPoolOptions {
    TransactionPoolOptions::new_with_params(
        POOL_TRANSACTIONS,
        POOL_BYTES,
        None,
        // There are no forks to be aware of.
        TransactionPoolType::SingleState,
        // A transaction that failed once may be sent again at once.
        true,
        false,
    )
}

/// Time of a new chain's first block, Unix ms; a chain that exists is later already,
/// unless the caller says otherwise.
fn start_time(cli: &Cli, client: &FullClient) -> u64 {
    match cli.start_ms {
        Some(ms) => ms,
        None if client.info().best_number == 0 => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64),
        None => 0,
    }
}

/// Starts the engine that makes blocks and the task that asks it to.
fn start_sealing(
    cli: &Cli,
    tasks: &TaskManager,
    client: &Arc<FullClient>,
    backend: &Arc<FullBackend>,
    pool: &Arc<FullPool>,
    clock: &Arc<Clock>,
) -> sealing::Engine {
    let (engine, commands) = mpsc::channel(SEAL_QUEUE);
    let proposer = ProposerFactory::new(
        tasks.spawn_handle(),
        client.clone(),
        pool.clone(),
        None,
        None,
    );
    let clock = clock.clone();
    let authorship = run_manual_seal(ManualSealParams {
        block_import: client.clone(),
        env: proposer,
        client: client.clone(),
        pool: pool.clone(),
        commands_stream: commands,
        select_chain: LongestChain::new(backend.clone()),
        consensus_data_provider: None,
        create_inherent_data_providers: move |parent, ()| {
            let time = clock.next(parent);
            async move { Ok(sp_timestamp::InherentDataProvider::new(time?.into())) }
        },
    });
    let essential = tasks.spawn_essential_handle();
    essential.spawn_blocking("manual-seal", Some("block-authoring"), authorship);
    essential.spawn(
        "sealing",
        Some("block-authoring"),
        sealing::run(cli.seal, pool.clone(), engine.clone()),
    );
    engine
}

/// Starts the tasks behind JSON-RPC and its server.
async fn start_rpc(
    cli: &Cli,
    tasks: &TaskManager,
    chain: rpc::Chain,
    control: rpc::Control,
) -> Result<sc_rpc_server::Server, Error> {
    let (requests, answered) = sc_utils::mpsc::tracing_unbounded("mpsc_system_rpc", SYSTEM_QUEUE);
    tasks.spawn_handle().spawn(
        "system-rpc",
        Some("rpc"),
        system::answer(chain.client.clone(), answered),
    );
    let runtime = sc_rpc_server::create_rpc_runtime(rpc::MAX_CONNECTIONS).map_err(Error::Tokio)?;
    let executor = Arc::new(sc_rpc_server::RpcSpawnHandle::new(runtime.handle().clone()));
    match rpc::methods(chain, control, requests, executor) {
        Ok(methods) => rpc::serve(methods, runtime, cli.rpc_port).await,
        Err(error) => {
            // Dropping a runtime inside another would block it.
            runtime.shutdown_background();
            Err(error)
        }
    }
}
