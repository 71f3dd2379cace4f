//! The node as a process, spoken to by JSON-RPC as a client would.

use codec::{Decode, Encode};
use jsonrpsee::{
    core::client::{ClientT, Error as RpcError, Subscription, SubscriptionClientT},
    rpc_params,
    ws_client::{WsClient, WsClientBuilder},
};
use plimsoll_runtime::{EthExtraImpl, Runtime, RuntimeCall, UncheckedExtrinsic, VERSION};
use serde_json::Value;
use sp_keyring::Sr25519Keyring;
use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A Monday in 2026, Unix ms.
const START_MS: u64 = 1_772_409_600_000;
const STEP_MS: u64 = 6_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Longest wait for anything a node does, on a machine that is busy otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// The runtime's wasm: from the environment, as scripts/test.sh sets it, or from the
/// script that builds it where it is missing.
fn runtime_wasm() -> PathBuf {
    if let Ok(path) = std::env::var("PLIMSOLL_RUNTIME_WASM") {
        return path.into();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/build-runtime.sh");
    let output = Command::new("bash")
        .arg(script)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "scripts/build-runtime.sh failed");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// A node that runs until it is dropped.
struct Node {
    process: Child,
    url: String,
}

impl Node {
    /// Starts a node and waits until it serves.
    fn start(arguments: &[&str]) -> Self {
        let mut process = Self::command(arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("ready"), "the node said: {line}");
        let url = words.next().unwrap().to_string();
        Self { process, url }
    }

    fn command(arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll-node"));
        command
            .env("PLIMSOLL_RUNTIME_WASM", runtime_wasm())
            .env_remove("RUST_LOG")
            .args(["--log", "warn", "--rpc-port", "0"])
            .args(arguments)
            .stdout(Stdio::piped());
        command
    }

    async fn connect(&self) -> Client {
        let rpc = WsClientBuilder::default()
            .request_timeout(PATIENCE)
            .build(&self.url)
            .await
            .unwrap();
        let genesis = rpc
            .request("chain_getBlockHash", rpc_params![0])
            .await
            .unwrap();
        Client { rpc, genesis }
    }

    /// Ends the node as a service manager would, and waits for it.
    fn stop(mut self) {
        // The shell's own kill: the program of that name is not everywhere.
        let command = format!("kill -TERM {}", self.process.id());
        assert!(Command::new("sh")
            .args(["-c", &command])
            .status()
            .unwrap()
            .success());
        assert!(
            self.process.wait().unwrap().success(),
            "the node ended badly"
        );
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Client {
    rpc: WsClient,
    genesis: String,
}

impl Client {
    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        params: jsonrpsee::core::params::ArrayParams,
    ) -> Result<T, RpcError> {
        self.rpc.request(method, params).await
    }

    async fn now(&self) -> u64 {
        self.call("plimsoll_now", rpc_params![]).await.unwrap()
    }

    /// Hash of the best block.
    async fn best(&self) -> String {
        self.call("chain_getBlockHash", rpc_params![])
            .await
            .unwrap()
    }

    /// Seals a block, even an empty one, and returns its hash.
    async fn seal(&self) -> String {
        let created: Value = self
            .call("engine_createBlock", rpc_params![true, true])
            .await
            .unwrap();
        created["hash"].as_str().unwrap().into()
    }

    /// The timestamp in a block's state.
    async fn time_of(&self, block: &str) -> u64 {
        let key = format!("0x{}", hex(&pallet_timestamp::Now::<Runtime>::hashed_key()));
        let value: String = self
            .call("state_getStorage", rpc_params![key, block])
            .await
            .unwrap();
        u64::decode(&mut &unhex(&value)[..]).unwrap()
    }

    /// Heads of blocks as they become final.
    async fn finalized(&self) -> Subscription<Value> {
        self.rpc
            .subscribe(
                "chain_subscribeFinalizedHeads",
                rpc_params![],
                "chain_unsubscribeFinalizedHeads",
            )
            .await
            .unwrap()
    }

    /// Sends a signed remark of `from`.
    async fn remark(&self, from: Sr25519Keyring, nonce: u32) -> Result<String, RpcError> {
        let call = RuntimeCall::System(frame_system::Call::remark {
            remark: vec![7; 32],
        });
        let extrinsic = signed(call, from, nonce, &self.genesis);
        self.call(
            "author_submitExtrinsic",
            rpc_params![format!("0x{}", hex(&extrinsic.encode()))],
        )
        .await
    }

    async fn nonce(&self, of: Sr25519Keyring) -> u32 {
        self.call(
            "system_accountNextIndex",
            rpc_params![of.to_account_id().to_string()],
        )
        .await
        .unwrap()
    }
}

/// The next head, or a failure when none comes.
async fn next_head(heads: &mut Subscription<Value>) -> u32 {
    let head = tokio::time::timeout(PATIENCE, heads.next())
        .await
        .expect("no block became final")
        .unwrap()
        .unwrap();
    u32::from_str_radix(&head["number"].as_str().unwrap()[2..], 16).unwrap()
}

fn signed(
    call: RuntimeCall,
    from: Sr25519Keyring,
    nonce: u32,
    genesis: &str,
) -> UncheckedExtrinsic {
    use pallet_revive::evm::runtime::EthExtra;
    let genesis = plimsoll_runtime::Hash::from_slice(&unhex(genesis));
    let extension = EthExtraImpl::get_eth_extension(nonce, 0);
    let payload = sp_runtime::generic::SignedPayload::from_raw(
        call.clone(),
        extension.clone(),
        (
            (),
            VERSION.spec_version,
            VERSION.transaction_version,
            genesis,
            genesis,
            (),
            (),
            (),
            (),
            (),
        ),
    );
    let signature = payload.using_encoded(|bytes| from.sign(bytes));
    sp_runtime::generic::UncheckedExtrinsic::new_signed(
        call,
        from.to_account_id().into(),
        signature.into(),
        extension,
    )
    .into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

/// Arguments of a new chain in memory with a known clock.
fn fresh() -> [String; 4] {
    [
        "--start-ms".into(),
        START_MS.to_string(),
        "--block-time-ms".into(),
        STEP_MS.to_string(),
    ]
}

fn start_fresh(more: &[&str]) -> Node {
    let fresh = fresh();
    let mut arguments: Vec<&str> = fresh.iter().map(String::as_str).collect();
    arguments.extend(more);
    Node::start(&arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_sealed_and_final_at_once_and_moves_the_clock_by_the_step() {
    let node = start_fresh(&[]);
    let client = node.connect().await;
    assert_eq!(client.now().await, START_MS);
    let mut heads = client.finalized().await;
    assert_eq!(next_head(&mut heads).await, 0, "the head at subscription");

    for number in 1..=3 {
        client
            .remark(Sr25519Keyring::Alice, number - 1)
            .await
            .unwrap();
        assert_eq!(next_head(&mut heads).await, number);
        let expected = START_MS + u64::from(number - 1) * STEP_MS;
        assert_eq!(client.time_of(&client.best().await).await, expected);
        assert_eq!(client.now().await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_time_is_the_time_of_the_next_block() {
    let node = start_fresh(&[]);
    let client = node.connect().await;
    let first = client.seal().await;
    assert_eq!(client.time_of(&first).await, START_MS);

    let target = START_MS + 21 * DAY_MS + 1;
    let set: u64 = client
        .call("plimsoll_setTime", rpc_params![target])
        .await
        .unwrap();
    assert_eq!((set, client.now().await), (target, target));
    assert_eq!(client.best().await, first, "setting the time seals nothing");
    let second = client.seal().await;
    assert_eq!(client.time_of(&second).await, target);
    assert_eq!(client.time_of(&client.seal().await).await, target + STEP_MS);

    // With a block at once.
    let later: u64 = client
        .call("plimsoll_advance", rpc_params![DAY_MS, true])
        .await
        .unwrap();
    assert_eq!(later, target + STEP_MS + DAY_MS);
    assert_eq!(client.time_of(&client.best().await).await, later);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_refuses_to_go_back_and_says_what_it_would_take() {
    let node = start_fresh(&[]);
    let client = node.connect().await;
    client.seal().await;
    for (method, ms, reason) in [
        ("plimsoll_setTime", START_MS, "forward only"),
        ("plimsoll_setTime", 0, "forward only"),
        ("plimsoll_setTime", START_MS * 1000, "Unix milliseconds"),
        ("plimsoll_advance", 0, "cannot advance by 0"),
        ("plimsoll_advance", u64::MAX, "Unix milliseconds"),
    ] {
        match client.call::<u64>(method, rpc_params![ms]).await {
            Err(RpcError::Call(error)) => assert!(error.message().contains(reason), "{error}"),
            other => panic!("{method}({ms}): {other:?}"),
        }
    }
    assert_eq!(client.now().await, START_MS, "a refusal changes nothing");
    assert_eq!(
        client.time_of(&client.seal().await).await,
        START_MS + STEP_MS
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transaction_of_a_burst_gets_into_a_block_whatever_their_order() {
    const BURST: u32 = 150;
    let node = start_fresh(&[]);
    let client = node.connect().await;
    let mut heads = client.finalized().await;
    // Two senders; one's transactions arrive last first, so that all but one wait.
    for nonce in 0..BURST {
        client.remark(Sr25519Keyring::Alice, nonce).await.unwrap();
        client
            .remark(Sr25519Keyring::Bob, BURST - 1 - nonce)
            .await
            .unwrap();
    }
    while included(&client, Sr25519Keyring::Alice).await < BURST
        || included(&client, Sr25519Keyring::Bob).await < BURST
    {
        next_head(&mut heads).await;
    }
}

/// Transactions of an account that are in blocks.
async fn included(client: &Client, of: Sr25519Keyring) -> u32 {
    let account = format!("0x{}", hex(&of.to_account_id().encode()));
    let answer: String = client
        .call(
            "state_call",
            rpc_params!["AccountNonceApi_account_nonce", account],
        )
        .await
        .unwrap();
    u32::decode(&mut &unhex(&answer)[..]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn timed_seal_makes_blocks_without_transactions() {
    let node = start_fresh(&["--seal", "100"]);
    let client = node.connect().await;
    let mut heads = client.finalized().await;
    let first = next_head(&mut heads).await;
    let third = loop {
        let head = next_head(&mut heads).await;
        if head >= first + 3 {
            break head;
        }
    };
    let hash: String = client
        .call("chain_getBlockHash", rpc_params![third])
        .await
        .unwrap();
    assert_eq!(
        client.time_of(&hash).await,
        START_MS + u64::from(third - 1) * STEP_MS
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_in_a_folder_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let node = start_fresh(&["--base-path", path]);
    let client = node.connect().await;
    let mut heads = client.finalized().await;
    client.remark(Sr25519Keyring::Alice, 0).await.unwrap();
    while next_head(&mut heads).await < 1 {}
    let later: u64 = client
        .call("plimsoll_advance", rpc_params![30 * DAY_MS, true])
        .await
        .unwrap();
    let (genesis, best) = (client.genesis.clone(), client.best().await);
    node.stop();

    let node = Node::start(&["--base-path", path]);
    let client = node.connect().await;
    assert_eq!(client.genesis, genesis);
    assert_eq!(client.best().await, best);
    assert_eq!(client.now().await, later);
    assert_eq!(client.nonce(Sr25519Keyring::Alice).await, 1);
    let finalized: String = client
        .call("chain_getFinalizedHead", rpc_params![])
        .await
        .unwrap();
    assert_eq!(finalized, best);
    assert_eq!(
        client.time_of(&client.seal().await).await,
        later + plimsoll_node::cli::DEFAULT_BLOCK_TIME_MS
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_generations_of_json_rpc_are_served() {
    let node = start_fresh(&[]);
    let client = node.connect().await;
    let listed: Value = client.call("rpc_methods", rpc_params![]).await.unwrap();
    let listed: Vec<&str> = listed["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    for method in [
        "author_submitAndWatchExtrinsic",
        "chain_subscribeNewHeads",
        "state_call",
        "state_getMetadata",
        "system_dryRun",
        "system_health",
        "chainHead_v1_follow",
        "chainSpec_v1_genesisHash",
        "transactionWatch_v1_submitAndWatch",
        "transaction_v1_broadcast",
        "archive_v1_storage",
        "engine_createBlock",
        "plimsoll_now",
        "plimsoll_setTime",
        "plimsoll_advance",
    ] {
        assert!(listed.contains(&method), "{method} is missing: {listed:?}");
    }
    let health: Value = client.call("system_health", rpc_params![]).await.unwrap();
    assert_eq!(health["peers"], 0);
    assert_eq!(health["isSyncing"], false);
    let metadata: String = client
        .call("state_getMetadata", rpc_params![])
        .await
        .unwrap();
    assert!(metadata.starts_with("0x6d657461"), "no metadata");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named_and_so_is_the_way_out() {
    let node = start_fresh(&[]);
    let port = node.url.rsplit(':').next().unwrap();
    let mut second = Command::new(env!("CARGO_BIN_EXE_plimsoll-node"))
        .env("PLIMSOLL_RUNTIME_WASM", runtime_wasm())
        .args(["--tmp", "--rpc-port", port])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = second.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert!(!second.wait().unwrap().success());
    assert!(said.contains(port) && said.contains("choose one"), "{said}");
}
