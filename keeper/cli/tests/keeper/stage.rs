//! A node with a deployment on it, operators, attesters, and a keeper's files.

use crate::node::Node;
use crate::programs::{free_addresses, plimsoll, succeed, write_private, Process, PATIENCE, POLL};
use crate::workload::{self, METER, NETWORK};
use plimsoll_interface::calls;
use plimsoll_interface::Settings;
use plimsoll_keeper::artifacts::EMISSION_METADATA;
use plimsoll_keeper::chain::node::NodeClient;
use plimsoll_keeper::chain::{Chain, ChainClient as _, ClockControl as _, H160};
use plimsoll_keeper::contract::{Emission, Event, EventTopics};
use plimsoll_keeper::demo::audit::{Expected, Job, Terms, Tier};
use plimsoll_keeper::deploy::Deployment;
use plimsoll_keeper::erc20::Token;
use plimsoll_keeper::hexes;
use plimsoll_keeper::journal::{Identity, Journal};
use plimsoll_keeper::keys::{keccak, Key};
use plimsoll_keeper::receipt::Receipt;
use plimsoll_keeper::status::Status;
use plimsoll_keeper::submit::submit_once;
use plimsoll_mechanism::{Epoch, OperatorIndex};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use subxt_signer::sr25519::{dev, Keypair};
use tempfile::TempDir;

/// Lengths of the deployment's clock, in ms.
pub const EPOCH_MS: u64 = 3_600_000;
const WINDOW_MS: u64 = 600_000;

/// When in an epoch its work is brought in, in ms after its start: after the epoch
/// before it is booked, which takes 30 minutes.
const WORK_AT_MS: u64 = 2_700_000;

/// A step is taken so long after its window opens, in ms: the blocks of the steps before
/// it move the clock by a second each.
const MARGIN_MS: u64 = 120_000;

/// What each operator bonds, in base units. Those without a bond are vetted.
const BONDS: [u128; 5] = [0, 0, 0, 40_000_000_000, 1_000_000_000];

/// What the reserve is funded with, in base units.
const FUNDING: u128 = 1_000_000_000_000_000;

/// How many attesters there are, of whom two sign.
pub const ATTESTERS: usize = 3;

/// What `plimsoll deploy` is told; `{...}` is filled in.
pub const TERMS: &str = r#"
salt = "{salt}"
[token]
name = "Test"
symbol = "TEST"
decimals = 12
supply = "1000000000000000000000"
[clock]
genesis_in_ms = 3600000
epoch_ms = 3600000
attest_window_ms = 600000
review_window_ms = 600000
level_window_ms = 600000
max_pause_ms = 3600000
pause_gap_ms = 36000000
[vesting]
period_epochs = 2
vesting_periods = 2
[rules]
timelock_ms = 7200000
payee_delay_ms = 3600000
unbonding_epochs = 4
min_open_bond = "1000000000"
max_vouches = 100
lanes = 2
fee_unit = "1000"
[params]
rate = 10000
fragment_floor = 400000
fragment_premium = 4000000
operator_cap = {cap}
open_ceiling = 150000
uplift = 4000000
bond_leverage = 10000
liquid_share = 250000
liquid_allowance = 100000
[attesters]
threshold = 2
members = {members}
"#;

/// A node with everything on it.
pub struct Stage {
    // Dropped first: processes before their files.
    pub attesters: Vec<Option<Process>>,
    pub node: Option<Node>,
    pub client: NodeClient,
    pub deployment: Deployment,
    pub emission: Emission,
    pub token: Token,
    pub settings: Settings,
    pub terms: Terms,
    addresses: Vec<SocketAddr>,
    listen: SocketAddr,
    folder: TempDir,
    files: usize,
    /// Everything that should count, with the epoch in which it should.
    pub jobs: Vec<Job>,
    /// How many receipts these are.
    pub receipts: u64,
}

/// The accounts of the operators, in the order of their indices.
fn operators() -> [Keypair; 5] {
    [
        dev::alice(),
        dev::bob(),
        dev::dave(),
        dev::eve(),
        dev::ferdie(),
    ]
}

/// The key of an attester.
pub fn attester_key(which: usize) -> Key {
    Key::from_bytes(attester_secret(which)).expect("a key")
}

fn attester_secret(which: usize) -> [u8; 32] {
    keccak(format!("attester {which} of the tests").as_bytes())
}

/// `deploy.toml` with the tests' attesters.
pub fn terms(salt: &str) -> String {
    let members: Vec<String> = (0..ATTESTERS)
        .map(|which| hexes::show(attester_key(which).address()))
        .collect();
    TERMS
        .replace("{salt}", &hexes::show(keccak(salt.as_bytes())))
        .replace("{cap}", "200000")
        .replace("{members}", &format!("{members:?}"))
}

impl Stage {
    /// Starts a node, deploys with `plimsoll deploy`, and admits the operators.
    pub async fn set() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let node = Node::start(path);
        write_private(&path.join("alice"), "//Alice");
        write_private(&path.join("charlie"), "//Charlie");
        std::fs::write(path.join("deploy.toml"), terms("stage")).expect("writable");
        succeed(
            plimsoll()
                .args(["deploy", "--yes", "--url", node.url()])
                .arg("--suri-file")
                .arg(path.join("alice"))
                .arg("--config")
                .arg(path.join("deploy.toml"))
                .arg("--out")
                .arg(path.join("deployment.toml")),
        );
        let deployment = Deployment::load(&path.join("deployment.toml")).expect("just written");
        let client = NodeClient::connect(vec![node.url().to_owned()], dev::alice())
            .await
            .expect("the node answers")
            .polling(POLL);
        let chain: Chain = Arc::new(client.clone());
        let emission = Emission::new(chain.clone(), deployment.contract);
        let token = Token::new(chain.clone(), deployment.token);
        let settings = emission.settings().await.expect("deployed");
        let params = emission.params(0).await.expect("deployed");
        admit(&client, &emission, &token).await;

        let mut addresses = free_addresses(ATTESTERS + 1);
        let listen = addresses.pop().expect("one more");
        for which in 0..ATTESTERS {
            let secret = hexes::show(attester_secret(which));
            write_private(&path.join(format!("attester-{which}.key")), &secret);
        }
        std::fs::create_dir(path.join("spool")).expect("a folder");
        let terms = Terms {
            params,
            fragment_threshold: METER.fragment_threshold.into(),
            fee_unit: settings.fee_unit,
            vesting: settings.vesting,
            funded: FUNDING,
            tiers: BONDS
                .map(|bond| Tier {
                    vetted: bond == 0,
                    bond,
                })
                .to_vec(),
            epochs: 0,
        };
        let mut stage = Self {
            attesters: (0..ATTESTERS).map(|_| None).collect(),
            node: Some(node),
            client,
            deployment,
            emission,
            token,
            settings,
            terms,
            addresses,
            listen,
            folder,
            files: 0,
            jobs: Vec::new(),
            receipts: 0,
        };
        stage.write_keeper_config();
        for which in 0..ATTESTERS {
            stage
                .start_attester(which, workload::gateway().address())
                .await;
        }
        stage
    }

    /// The folder with all files.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn common(&self, signer: H160) -> String {
        let signer = hexes::show(signer);
        let threshold = METER.fragment_threshold;
        format!(
            "[receipts]\nnetwork = \"{NETWORK}\"\nsigners = [\"{signer}\"]\nspool = \"spool\"\n\
             [[meters]]\nversion = 1\nprefill = 1000000\ncached_prefill = 250000\ndecode = 4000000\n\
             fragment_threshold = {threshold}\n\
             [chain]\ndeployment = \"deployment.toml\"\nsuri_file = \"charlie\"\nfinality_timeout_ms = 10000\n"
        )
    }

    fn keeper_text(&self, listen: SocketAddr) -> String {
        let urls: Vec<String> = (0..ATTESTERS)
            .map(|which| self.attester_url(which))
            .collect();
        let mut text = self.common(workload::gateway().address());
        write!(
            text,
            "[batch]\nmin_interval_ms = 0\n[attesters]\nurls = {urls:?}\ntimeout_ms = 10000\n\
             [run]\ninterval_ms = 100\nbackoff_max_ms = 1000\n[server]\nlisten = \"{listen}\"\n"
        )
        .expect("a string");
        text
    }

    fn write_keeper_config(&self) {
        std::fs::write(self.keeper_config(), self.keeper_text(self.listen)).expect("writable");
    }

    /// Starts a second keeper beside the first, with an account, a journal and a spool of
    /// its own.
    pub fn start_second_keeper(&self) -> Process {
        let [listen] = free_addresses(1)[..] else {
            panic!("one address")
        };
        let text = self
            .keeper_text(listen)
            .replace("\"charlie\"", "\"alice\"")
            .replace("\"spool\"", "\"spool-2\"")
            + "[journal]\nfile = \"second.sqlite\"\n";
        let config = self.path().join("second.toml");
        std::fs::write(&config, text).expect("writable");
        let mut command = plimsoll();
        command.arg("run").arg("--config").arg(config);
        Process::start(&mut command, &self.path().join("second.log"))
    }

    /// The keeper's configuration.
    pub fn keeper_config(&self) -> PathBuf {
        self.path().join("keeper.toml")
    }

    /// Where an attester listens.
    pub fn attester_url(&self, which: usize) -> String {
        format!("http://{}", self.addresses[which])
    }

    /// Starts an attester that knows `signer`, and waits until it is well.
    pub async fn start_attester(&mut self, which: usize, signer: H160) {
        self.attesters[which] = None;
        let address = self.addresses[which];
        let text = self.common(signer)
            + &format!(
                "[attester]\nlisten = \"{address}\"\njournal = \"attester-{which}.sqlite\"\nkey_file = \"attester-{which}.key\"\n"
            );
        let config = self.path().join(format!("attester-{which}.toml"));
        std::fs::write(&config, text).expect("writable");
        let log = self.path().join(format!("attester-{which}.log"));
        let mut process =
            Process::start(plimsoll().arg("attester").arg("--config").arg(config), &log);
        let health = format!("{}/health", self.attester_url(which));
        let started = Instant::now();
        while !reqwest::get(&health)
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            assert!(
                !process.ended(),
                "attester {which} ended:\n{}",
                process.said()
            );
            assert!(
                started.elapsed() < PATIENCE,
                "attester {which} is not well:\n{}",
                process.said()
            );
            tokio::time::sleep(POLL).await;
        }
        self.attesters[which] = Some(process);
    }

    /// Starts the keeper; with `hold` it stops at that step for ever.
    pub fn start_keeper(&self, hold: Option<&str>) -> Process {
        let mut command = plimsoll();
        command.arg("run").arg("--config").arg(self.keeper_config());
        if let Some(step) = hold {
            command.env("PLIMSOLL_HOLD_AT", step);
        }
        Process::start(&mut command, &self.path().join("keeper.log"))
    }

    /// What `plimsoll status --json` says.
    pub fn status(&self) -> Status {
        let text = succeed(
            plimsoll()
                .args(["status", "--json", "--config"])
                .arg(self.keeper_config()),
        );
        serde_json::from_str(&text).expect("a status")
    }

    /// Moves the chain's clock to `ms` after the start of an epoch.
    pub async fn to(&self, epoch: Epoch, ms: u64) {
        let time = self.start_of(epoch) + ms;
        self.client
            .set_time(time)
            .await
            .expect("a clock that can be driven");
    }

    /// When an epoch starts, in ms since 1970.
    pub fn start_of(&self, epoch: Epoch) -> u64 {
        self.settings.times.genesis + u64::from(epoch) * EPOCH_MS
    }

    /// Puts a file into the spool.
    pub fn spool(&mut self, text: &str) {
        self.spool_into("spool", text);
    }

    fn spool_into(&mut self, spool: &str, text: &str) {
        self.files += 1;
        let half = self.path().join("half");
        std::fs::write(&half, text).expect("writable");
        let name = format!("{spool}/{:03}.jsonl", self.files);
        std::fs::rename(half, self.path().join(name)).expect("same disk");
    }

    /// As [`Stage::bring_work`], to two keepers: every second operator's work to the second.
    pub async fn bring_work_to_both(&mut self, epoch: Epoch) {
        self.to(epoch, WORK_AT_MS).await;
        let receipts = workload::receipts(epoch, self.start_of(epoch), WORK_AT_MS);
        self.expect(&receipts, epoch);
        let (second, first): (Vec<_>, Vec<_>) = receipts
            .into_iter()
            .partition(|receipt| receipt.operator % 2 == 1);
        self.spool_into("spool", &workload::lines(&first));
        self.spool_into("spool-2", &workload::lines(&second));
    }

    /// Notes that these receipts should count in `epoch`.
    pub fn expect(&mut self, receipts: &[Receipt], epoch: Epoch) {
        self.receipts += receipts.len() as u64;
        self.jobs
            .extend(receipts.iter().map(|receipt| workload::job(receipt, epoch)));
        self.terms.epochs = self.terms.epochs.max(epoch + 1);
    }

    /// Moves to the time at which an epoch's work is brought in, and brings it.
    pub async fn bring_work(&mut self, epoch: Epoch) {
        self.to(epoch, WORK_AT_MS).await;
        let receipts = workload::receipts(epoch, self.start_of(epoch), WORK_AT_MS);
        self.spool(&workload::lines(&receipts));
        self.expect(&receipts, epoch);
    }

    /// Moves to when an epoch can be settled.
    pub async fn to_settlement(&self, epoch: Epoch) {
        self.to(epoch, EPOCH_MS + 2 * WINDOW_MS + MARGIN_MS).await;
    }

    /// Moves to when an epoch can be booked.
    pub async fn to_booking(&self, epoch: Epoch) {
        self.to(epoch, EPOCH_MS + 3 * WINDOW_MS + 2 * MARGIN_MS)
            .await;
    }

    /// What everything should come to.
    pub fn expected(&self) -> Expected {
        Expected::of(&self.terms, &self.jobs)
    }

    /// Whether all work of an epoch is on the chain; says what is if it is not.
    pub async fn attested(&self, epoch: Epoch) -> Result<(), String> {
        let wanted = &self.expected().epochs[epoch as usize].allocation.record;
        let view = self
            .emission
            .epoch(epoch)
            .await
            .map_err(|error| error.to_string())?;
        let found = view.map(|view| (view.vetted, view.open));
        let wanted = Some((wanted.vetted, wanted.open));
        same("work", found, wanted)
    }

    /// Whether an epoch is settled with its budget and everybody's reward is as it should
    /// be at the full level.
    pub async fn settled(&self, epoch: Epoch) -> Result<(), String> {
        let wanted = &self.expected().epochs[epoch as usize];
        let view = self
            .emission
            .epoch(epoch)
            .await
            .map_err(|error| error.to_string())?;
        let settlement = view.and_then(|view| view.settlement);
        let budget = settlement.map(|settlement| settlement.budget);
        same("budget", budget, Some(wanted.allocation.budget()))?;
        // Rewards may be the same before everybody is raised, and what is left over not.
        let level = settlement.map(|settlement| (settlement.level, settlement.open_raised));
        let full = wanted.allocation.record.settlement;
        same(
            "level",
            level,
            full.map(|full| (full.level, full.open_raised)),
        )?;
        for (operator, reward) in (0..).zip(&wanted.allocation.rewards) {
            let preview = self
                .emission
                .preview(epoch, operator)
                .await
                .map_err(|error| error.to_string())?;
            let found = (preview.reward, preview.liquid);
            same(
                &format!("reward of {operator}"),
                found,
                (reward.amount, reward.liquid),
            )?;
        }
        Ok(())
    }

    /// Whether an epoch is booked and everything that can be claimed is paid.
    pub async fn paid(&self, epoch: Epoch) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let view = self
            .emission
            .epoch(epoch)
            .await
            .map_err(|error| text(&error))?;
        let closed = view
            .and_then(|view| view.settlement)
            .is_some_and(|settlement| settlement.closed);
        same("closed", closed, true)?;
        let (expected, mut terms) = (self.expected(), self.terms.clone());
        terms.epochs = epoch + 1;
        let expected = if terms.epochs == self.terms.epochs {
            expected
        } else {
            Expected::of(&terms, &self.jobs)
        };
        for (operator, released) in (0..).zip(&expected.released) {
            let view = self
                .emission
                .operator(operator)
                .await
                .map_err(|error| text(&error))?;
            let view = view.ok_or("an operator is not registered")?;
            let paid = self
                .token
                .balance_of(payee(operator))
                .await
                .map_err(|error| text(&error))?;
            let wanted = (*released, 0, expected.unvested[operator as usize]);
            same(
                &format!("paid, claimable and unvested of {operator}"),
                (paid, view.claimable, view.unvested),
                wanted,
            )?;
        }
        Ok(())
    }

    /// At the end: no secret in any log, the ledger as it should be, and every receipt
    /// counted exactly once in the events of the contract. Gives how many batches it has,
    /// and in which blocks there are effects of which transactions.
    pub async fn audit_chain(&self) -> (u64, BTreeSet<(u64, &'static str)>) {
        let logs = self.logs();
        let secrets = (0..ATTESTERS).map(|which| hex_digits(attester_secret(which)));
        for secret in secrets.chain(["//Alice".into(), "//Charlie".into()]) {
            assert!(!logs.contains(&secret), "a secret is in a log");
        }
        let expected = self.expected();
        let ledger = self.emission.ledger().await.expect("a view");
        assert!(ledger.conserves(), "{ledger:?}");
        let held = self
            .token
            .balance_of(self.deployment.contract)
            .await
            .expect("a balance");
        assert_eq!(held, ledger.owed(), "{ledger:?}");
        assert_eq!(
            ledger.reserve + ledger.inflows,
            expected.reserve,
            "{ledger:?}"
        );
        assert_eq!(ledger.pots, expected.dust, "{ledger:?}");
        let unvested: u128 = expected.unvested.iter().sum();
        assert_eq!(
            (ledger.unvested, ledger.claimable),
            (unvested, 0),
            "{ledger:?}"
        );

        let topics = EventTopics::from_metadata(EMISSION_METADATA).expect("of the contract");
        let head = self
            .client
            .head()
            .await
            .expect("the node answers")
            .finalized
            .number;
        let events = self
            .client
            .events(self.deployment.contract, 0, head)
            .await
            .expect("events");
        let (mut batches, mut receipts, mut work) = (0_u64, 0, 0_u128);
        let mut effects = BTreeSet::new();
        for event in events {
            let decoded = topics.decode(&event).expect("of this version");
            let kind = decoded.as_ref().and_then(kind_of);
            effects.extend(kind.map(|kind| (event.block, kind)));
            match decoded {
                Some(Event::BatchAccepted(batch)) => {
                    assert_eq!(batch.skipped, Vec::<OperatorIndex>::new());
                    batches += 1;
                    receipts += batch.receipts;
                }
                Some(Event::Entries(entries)) => {
                    let entries =
                        plimsoll_mechanism::work::unpack(&entries.packed).expect("entries");
                    work += entries
                        .iter()
                        .map(|entry| u128::from(entry.fragment) + u128::from(entry.bulk))
                        .sum::<u128>();
                }
                _ => {}
            }
        }
        let metered: u128 = self.jobs.iter().map(|job| job.units).sum();
        assert_eq!(
            (receipts, work),
            (self.receipts, metered),
            "in {batches} batches on the chain"
        );
        (batches, effects)
    }

    /// As [`Stage::audit_chain`], and the same in the journal and by the account's
    /// transactions. No keeper may run.
    pub async fn audit(&self) {
        let (batches, effects) = self.audit_chain().await;
        let journal = Journal::open(&self.path().join("keeper.sqlite"), self.identity())
            .await
            .expect("free");
        let counts = journal.counts().await.expect("readable");
        assert_eq!(
            (counts.counted, counts.batched, counts.pending),
            (self.receipts, 0, 0)
        );
        let sent: Vec<(String, String, Option<u64>)> = journal
            .with(|t| {
                let mut rows = t.prepare("SELECT kind, state, block FROM submissions")?;
                let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
            .expect("readable");
        // Everything that was sent succeeded, each in a block of its own, and did something
        // there: nothing was sent that the contract had.
        let mut blocks = BTreeSet::new();
        for (kind, state, block) in &sent {
            assert_eq!(state, "included", "{kind} in {block:?}");
            let block = block.expect("it is in one");
            assert!(blocks.insert(block), "two transactions are in {block}");
            assert!(
                effects.contains(&(block, kind.as_str())),
                "{kind} in block {block} did nothing"
            );
        }
        let keeper = self.client.with_signer(dev::charlie());
        assert_eq!(
            keeper.next_nonce().await.expect("a nonce"),
            sent.len() as u64
        );
        let accepted: u64 = journal
            .with(|t| {
                Ok(t.query_row(
                    "SELECT count(*) FROM batches WHERE state = 'accepted'",
                    [],
                    |row| row.get(0),
                )?)
            })
            .await
            .expect("readable");
        assert_eq!(accepted, batches);
    }

    fn identity(&self) -> Identity {
        Identity {
            genesis: self.deployment.genesis,
            contract: self.deployment.contract,
            lanes: self.deployment.lanes,
        }
    }

    /// What the processes have said, for a test that fails.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for name in [
            "keeper.log",
            "second.log",
            "attester-0.log",
            "attester-1.log",
            "attester-2.log",
            "node.log",
        ] {
            let log = std::fs::read_to_string(self.path().join(name)).unwrap_or_default();
            let _ = writeln!(text, "--- {name}\n{log}");
        }
        text
    }
}

/// Waits until `$condition`, an expression that gives `Result<(), String>`, holds.
#[macro_export]
macro_rules! until {
    ($stage:expr, $what:expr, $condition:expr) => {{
        let started = std::time::Instant::now();
        loop {
            match $condition {
                Ok(()) => break,
                Err(reason) if started.elapsed() >= $crate::programs::PATIENCE => {
                    panic!("{}: {reason}\n{}", $what, $stage.logs())
                }
                Err(_) => tokio::time::sleep($crate::stage::LOOK).await,
            }
        }
    }};
}

/// How often the chain is looked at while something is waited for.
pub const LOOK: Duration = Duration::from_millis(200);

/// The kind of transaction that an event shows the effect of.
fn kind_of(event: &Event) -> Option<&'static str> {
    Some(match event {
        Event::BatchAccepted(_) => "attest",
        Event::EpochSettled(_) => "settle",
        Event::Raised(_) => "raise",
        Event::RewardsBooked(_) => "book",
        Event::EpochClosed(_) => "close",
        Event::Paid(_) => "claim_many",
        _ => return None,
    })
}

fn hex_digits(bytes: [u8; 32]) -> String {
    hexes::show(bytes).trim_start_matches("0x").to_owned()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: {found:?} on the chain, {wanted:?} wanted"))
}

/// Where an operator is paid: an address that nobody else pays.
pub fn payee(operator: OperatorIndex) -> H160 {
    H160::from_slice(&keccak(&operator.to_le_bytes())[12..])
}

/// Registers the operators, vouches, bonds and funds, all before genesis.
async fn admit(client: &NodeClient, emission: &Emission, token: &Token) {
    let chain: Chain = Arc::new(client.clone());
    let send = |what: &'static str, tx| {
        let chain = chain.clone();
        async move {
            submit_once(&chain, what, &tx)
                .await
                .unwrap_or_else(|error| panic!("{what}: {error}"))
        }
    };
    for (operator, key) in (0..).zip(operators()) {
        let account: Chain = Arc::new(client.with_signer(key));
        let tx = emission.message(calls::register(payee(operator)));
        submit_once(&account, "register", &tx)
            .await
            .expect("registers");
    }
    let vetted: Vec<OperatorIndex> = (0..)
        .zip(BONDS)
        .filter(|(_, bond)| *bond == 0)
        .map(|(k, _)| k)
        .collect();
    send("vouch", emission.message(calls::vouch(&vetted))).await;
    let all = FUNDING + BONDS.iter().sum::<u128>();
    send("approve", token.approve(emission.address(), all)).await;
    for (operator, bond) in (0..).zip(BONDS).filter(|(_, bond)| *bond > 0) {
        send("bond", emission.message(calls::bond(operator, bond))).await;
    }
    send("fund", emission.message(calls::fund(FUNDING))).await;
    assert!(!emission.clock().await.expect("a view").started);
}
