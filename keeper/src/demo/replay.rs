//! The replay: receipts into the spool, the clock forward, the engine's ticks, and a
//! look at the chain after each step.

use super::attesters::{gateway_key, key, Cast, Trouble, ATTESTERS};
use super::audit::{Job, Seen, SeenLedger, Terms};
use super::figures::{grouped, percent, tokens};
use super::population::{members, Member};
use super::progress::Progress;
use super::stage::{self, Stage, DECIMALS, SYMBOL};
use super::workload::{self, Gateway, Span};
use super::world::World;
use super::{data, plan, DemoError, Options};
use crate::attester::client::Attesters;
use crate::attester::views::{gateway, ChainViews};
use crate::batch::{Policy, Rules};
use crate::config::ReceiptsConfig;
use crate::deploy::Artifacts;
use crate::ingest::Intake;
use crate::journal::{Identity, Journal};
use crate::meter::Meters;
use crate::pipeline::{Engine, EngineConfig, Spool};
use crate::receipt::{Network, Receipt};
use crate::submit::Submitter;
use plimsoll_interface::H160;
use plimsoll_mechanism::batch::Domain;
use plimsoll_mechanism::Epoch;
use rand_chacha::rand_core::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The network that the demo's receipts are signed for.
const NETWORK: &str = "plimsoll-demo";

/// How long after a window opens the demo acts, in ms: two dozen blocks of six seconds
/// for what the steps before it sent.
const MARGIN_MS: u64 = 150_000;

/// How often the engine is asked at one moment before it must have come to rest.
const TICKS: usize = 12;

/// How long an attester may take to answer.
const ATTESTER_TIMEOUT: Duration = Duration::from_secs(30);

/// What was played, for the audit.
pub struct Played {
    /// The operators.
    pub members: Vec<Member>,
    /// What was agreed.
    pub terms: Terms,
    /// The jobs, read off the receipts.
    pub jobs: Vec<Job>,
    /// What the chain showed.
    pub seen: Seen,
}

/// A folder of the demo's own, gone with it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Result<Self, DemoError> {
        let folder = tempfile::Builder::new().prefix("plimsoll-demo-").tempdir();
        folder
            .map(Self)
            .map_err(DemoError::files("a temporary folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Plays everything.
///
/// # Errors
/// See [`DemoError`].
pub async fn play(
    options: &Options,
    world: &dyn World,
    artifacts: Artifacts<'_>,
    progress: &mut Progress,
) -> Result<Played, DemoError> {
    let seed = options.seed;
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let members = members(DECIMALS, &mut rng);
    let jobs = workload::read(options.trace.as_deref(), members.len(), &plan::METER)?;
    let clients = data::client_requests();
    let trace = match &options.trace {
        Some(path) => path.display().to_string(),
        None => "Azure's conversation trace of 2023".into(),
    };
    progress.line(&format!(
        "{} jobs: {trace}, its {} minutes stretched over {} epochs of a day, 0 to {}; seed {seed}",
        grouped(jobs.len() as u128),
        jobs.iter().map(|job| job.offset_ms).max().unwrap_or(0) / 60_000,
        options.epochs,
        options.epochs - 1
    ));
    progress.line(&format!(
        "{} operators with the stakes of Livepeer's, {}; on {}",
        members.len(),
        match jobs.iter().any(|job| job.parties.is_none()) {
            true => format!("{} clients with the shares of ServeGen's", clients.len()),
            false => "operators and clients as the receipts have them".into(),
        },
        world.name()
    ));

    let mut attesters: Vec<_> = (0..ATTESTERS)
        .map(|which| key(seed, which).address())
        .collect();
    attesters.sort_unstable();
    let stage = stage::set(world, artifacts, seed, &members, attesters, progress).await?;

    let network = Network::new(NETWORK);
    let signer = gateway_key(seed);
    let span = Span {
        genesis: stage.settings.times.genesis,
        epoch_ms: stage.settings.times.epoch,
        epochs: options.epochs,
    };
    let receipts = Gateway {
        seed,
        key: &signer,
        network: &network,
        meter: &plan::METER,
        decimals: DECIMALS,
    }
    .receipts(&jobs, &members, &clients, &span, &mut rng);

    let folder = Folder::new()?;
    let config = attester_config(world, &stage, folder.path()).await?;
    let cast = Cast::new(folder.path(), seed, config)?;
    let mut replay = Replay {
        engine: engine(&stage, folder.path(), &cast, network, signer.address()).await?,
        world,
        stage,
        cast,
        gateway: signer.address(),
        folder: folder.path().join("spool"),
        receipts: &receipts,
        spooled: 0,
        seen: Seen::default(),
    };
    for epoch in 0..options.epochs {
        replay.epoch(epoch, progress).await?;
    }
    let counts = replay.engine.journal().counts().await?;
    let quarantined: u64 = counts.quarantined.values().sum();
    if counts.pending + counts.batched + quarantined > 0 {
        progress.line(&format!(
            "of the receipts {} were quarantined and {} wait for a batch",
            quarantined,
            counts.pending + counts.batched
        ));
    }
    let (operators, paid) = replay.stage.see_operators().await?;
    let mut seen = replay.seen;
    (seen.operators, seen.paid) = (operators, paid);

    let terms = plan::terms(&replay.stage.settings, &members, DECIMALS, options.epochs);
    let jobs = receipts.iter().map(|receipt| job(receipt, &span)).collect();
    Ok(Played {
        members,
        terms,
        jobs,
        seen,
    })
}

/// The job that a receipt is about.
fn job(receipt: &Receipt, span: &Span) -> Job {
    let epoch = (receipt.completed_at - span.genesis) / span.epoch_ms;
    Job {
        // The last receipt is in the last epoch, a u32.
        epoch: epoch as Epoch,
        operator: receipt.operator,
        client: receipt.client,
        // What cannot be metered the keeper has quarantined.
        units: plan::METER.units(receipt).map_or(0, u128::from),
        fee: receipt.fee,
    }
}

async fn engine(
    stage: &Stage,
    folder: &Path,
    cast: &Cast,
    network: Network,
    gateway: H160,
) -> Result<Engine, DemoError> {
    let chain = stage.emission.chain();
    let identity = Identity {
        genesis: chain.info().await?.genesis,
        contract: stage.emission.address(),
        lanes: stage.settings.lanes,
    };
    let journal = Journal::open(&folder.join("keeper.sqlite"), identity).await?;
    let submitter = Submitter::start(chain.clone(), journal.clone());
    let attesters = Attesters::new(&cast.urls(), ATTESTER_TIMEOUT)?;
    let spool = folder.join("spool");
    std::fs::create_dir(&spool).map_err(DemoError::files("the spool"))?;
    let intake = Intake {
        network: network.clone(),
        signers: BTreeSet::from([gateway]),
        allow_unsigned: false,
        meters: Meters::from(plan::METER),
    };
    let rules = Rules {
        network,
        meters: Meters::from(plan::METER),
        fee_unit: stage.settings.fee_unit,
        lanes: stage.settings.lanes,
    };
    let config = EngineConfig {
        // Time stands still while the engine works: nothing need wait for more.
        policy: Policy {
            min_interval_ms: 0,
            ..Policy::default()
        },
        spool: Some(Spool {
            folder: spool,
            intake,
        }),
        max_ahead_ms: ReceiptsConfig::default().max_ahead_ms,
        book: true,
        book_epochs: 1,
        claim_min: Some(1),
    };
    Ok(Engine::new(
        stage.emission.clone(),
        journal,
        submitter,
        attesters,
        rules,
        config,
    )
    .await?)
}

/// What all attesters' configurations have in common; `{signer}` stands for the gateway
/// that each knows.
async fn attester_config(
    world: &dyn World,
    stage: &Stage,
    folder: &Path,
) -> Result<String, DemoError> {
    let meter = &plan::METER;
    let mut text = format!(
        "[receipts]\nnetwork = \"{NETWORK}\"\nsigners = [\"{{signer}}\"]\n\
         [[meters]]\nversion = {}\nprefill = {}\ncached_prefill = {}\ndecode = {}\nfragment_threshold = {}\n",
        meter.version, meter.prefill, meter.cached_prefill, meter.decode, meter.fragment_threshold
    );
    let attester = match world.url() {
        Some(url) => {
            stage.deployment.save(&folder.join("deployment.toml"))?;
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "[chain]\nurls = [\"{url}\"]\ndeployment = \"deployment.toml\"\n"
            );
            String::new()
        }
        None => format!("gateway = \"{}\"\n", serve_views(stage).await?),
    };
    Ok(text + "[attester]\n" + &attester)
}

/// Answers for the chain in this process, so that attesters in theirs can read it.
async fn serve_views(stage: &Stage) -> Result<String, DemoError> {
    let chain = stage.emission.chain().clone();
    let domain = Domain {
        chain_id: chain.info().await?.chain_id,
        contract: stage.emission.address().0,
    };
    let views = Arc::new(ChainViews::new(chain, stage.emission.address()));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(DemoError::files("a local port"))?;
    let address = listener
        .local_addr()
        .map_err(DemoError::files("a local port"))?;
    tokio::spawn(async move {
        // It serves until the process ends; if it ends before, the attesters say so.
        let _ = axum::serve(listener, gateway(views, domain)).await;
    });
    Ok(format!("http://{address}"))
}

struct Replay<'a> {
    world: &'a dyn World,
    stage: Stage,
    engine: Engine,
    cast: Cast,
    gateway: H160,
    /// The spool.
    folder: PathBuf,
    receipts: &'a [Receipt],
    /// How many receipts are in the spool or were.
    spooled: usize,
    seen: Seen,
}

impl Replay<'_> {
    /// Work of one epoch, from its first receipts to its payout, which is in the next.
    async fn epoch(&mut self, epoch: Epoch, progress: &mut Progress) -> Result<(), DemoError> {
        let times = self.stage.settings.times;
        let start = times.genesis + u64::from(epoch) * times.epoch;
        let end = start + times.epoch;
        let reviewed = end + times.attest_window + times.review_window;
        let trouble = Trouble::of(epoch);
        let first = self.spooled;
        let show = |progress: &mut Progress, step| {
            progress.step(&format!("epoch {epoch}: {trouble}"), step, 4)
        };

        show(progress, 0);
        self.clock(start + times.epoch / 2).await?;
        self.cast.befall(trouble, self.gateway).await?;
        self.spool(start + times.epoch / 2)?;
        let mut batches = self.work(epoch).await?;
        show(progress, 1);
        self.clock(end + times.attest_window / 2).await?;
        self.spool(end)?;
        batches += self.work(epoch).await?;
        let jobs = self.spooled - first;
        self.look(format!("epoch {epoch} attested")).await?;
        show(progress, 2);
        self.clock(reviewed + MARGIN_MS).await?;
        self.work(epoch).await?;
        let seen = self.stage.see_epoch(epoch).await?;
        self.seen.epochs.push(seen);
        self.look(format!("epoch {epoch} settled")).await?;
        show(progress, 3);
        self.clock(reviewed + times.level_window + 2 * MARGIN_MS)
            .await?;
        self.work(epoch).await?;
        let books = self.look(format!("epoch {epoch} paid")).await?;
        show(progress, 4);
        progress.line(&self.line(epoch, jobs, batches, trouble, books));
        Ok(())
    }

    async fn clock(&self, time: u64) -> Result<(), DemoError> {
        Ok(self.world.clock().set_time(time).await?)
    }

    /// Puts what was completed before `time` into the spool.
    fn spool(&mut self, time: u64) -> Result<(), DemoError> {
        let done = self
            .receipts
            .partition_point(|receipt| receipt.completed_at < time);
        if done > self.spooled {
            let lines: String = self.receipts[self.spooled..done]
                .iter()
                .map(|receipt| serde_json::to_string(receipt).map(|line| line + "\n"))
                .collect::<Result<_, _>>()
                .map_err(|error| DemoError::files("a receipt")(error.into()))?;
            // Written beside the spool and moved in, so that it is never read half.
            let (half, whole) = (
                self.folder.with_extension("part"),
                self.folder.join(format!("{done:07}.jsonl")),
            );
            std::fs::write(&half, lines).map_err(DemoError::files("the spool"))?;
            std::fs::rename(&half, &whole).map_err(DemoError::files("the spool"))?;
            self.spooled = done;
        }
        Ok(())
    }

    /// Ticks until there is nothing left to do, and gives how many batches were accepted.
    async fn work(&mut self, epoch: Epoch) -> Result<u32, DemoError> {
        let mut accepted = 0;
        for _ in 0..TICKS {
            let tick = self.engine.tick(|_| false).await?;
            let (_, work) = tick
                .into_result()
                .map_err(|(step, error)| DemoError::Step { epoch, step, error })?;
            accepted += work.accepted;
            if work.is_nothing() {
                return Ok(accepted);
            }
        }
        Err(DemoError::Restless(epoch))
    }

    /// Looks at the contract's books; gives whether they balance.
    async fn look(&mut self, moment: String) -> Result<bool, DemoError> {
        let step: SeenLedger = self.stage.see_ledger(moment).await?;
        let balanced = step.ledger.conserves() && step.balance >= step.ledger.owed();
        self.seen.ledgers.push(step);
        Ok(balanced)
    }

    /// What an epoch came to.
    fn line(
        &self,
        epoch: Epoch,
        jobs: usize,
        batches: u32,
        trouble: Trouble,
        balanced: bool,
    ) -> String {
        let Some(Some(seen)) = self.seen.epochs.last() else {
            return format!("epoch {epoch:>2}  no work");
        };
        let (vetted, open) = (seen.view.vetted, seen.view.open);
        let budget = seen
            .view
            .settlement
            .map_or(0, |settlement| settlement.budget);
        let capped = seen
            .previews
            .iter()
            .filter(|preview| preview.raised)
            .count();
        format!(
            "epoch {epoch:>2}  {:>6} jobs {batches:>2} batches  {:>10} {SYMBOL}  fragments {:>5}  capped {capped:>2}  books {}  {trouble}",
            grouped(jobs as u128),
            tokens(budget, DECIMALS),
            percent(vetted.fragment + open.fragment, vetted.total() + open.total()),
            if balanced { "balance" } else { "DO NOT BALANCE" },
        )
    }
}
