//! The engine before a chain that a test drives.

use super::fake::{attester, Fake};
use super::{Engine, EngineConfig, Step, StepError, Tick};
use crate::attester::client::Attesters;
use crate::attester::protocol::{BatchKey, SignatureText, SignedBatch};
use crate::batch::tests::rules;
use crate::batch::{Batch, Policy};
use crate::chain::Weight;
use crate::contract::Emission;
use crate::journal::batches::tests::DOMAIN;
use crate::journal::tests::open;
use crate::journal::{BatchState, Journal};
use crate::receipt::tests::receipt;
use crate::receipt::Receipt;
use crate::submit::{SubmitError, Submitter};
use crate::tally::Nothing;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{routing, Json, Router};
use plimsoll_interface::H160;
use plimsoll_mechanism::work::unpack;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long the engine waits for a transaction here.
const PATIENCE: Duration = Duration::from_millis(200);

type Batches = Arc<Mutex<BTreeMap<(u32, u32, u64), SignedBatch>>>;

/// An engine, its chain, and the batches that an attester shows. It signs none.
struct World {
    folder: tempfile::TempDir,
    fake: Fake,
    shown: Batches,
    url: String,
}

impl World {
    async fn new() -> Self {
        let shown = Batches::default();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let routes = Router::new()
            .route("/v1/batch/{epoch}/{lane}/{seq}", routing::get(show))
            .with_state(shown.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            fake: Fake::new(),
            shown,
            url,
        }
    }

    async fn engine(&self, change: impl FnOnce(&mut EngineConfig)) -> Engine {
        let journal = open(&self.folder).await;
        let mut config = EngineConfig {
            policy: Policy {
                min_interval_ms: 0,
                ..Policy::default()
            },
            spool: None,
            max_ahead_ms: 10,
            book: true,
            book_epochs: 1,
            claim_min: Some(1),
        };
        change(&mut config);
        let chain = self.fake.chain();
        let submitter = Submitter::start_patient(chain.clone(), journal.clone(), PATIENCE);
        let attesters = Attesters::new(std::slice::from_ref(&self.url), Duration::from_secs(20))
            .expect("a client");
        let emission = Emission::new(chain, H160(DOMAIN.contract));
        Engine::new(emission, journal, submitter, attesters, rules(), config)
            .await
            .expect("the chain answers")
    }

    /// What an attester shows: the batch with the signatures of two.
    fn show(&self, batch: &Batch) {
        let digest = batch.digest(&DOMAIN);
        let key = (batch.header.epoch, batch.header.lane, batch.header.seq);
        let signed = SignedBatch {
            key: BatchKey {
                epoch: key.0,
                lane: key.1,
                seq: key.2,
            },
            entries: batch.entries.clone(),
            receipts: batch.receipts.clone(),
            signatures: [0, 1]
                .map(|which| SignatureText(attester(which).sign(&digest)))
                .to_vec(),
        };
        self.shown.lock().expect("whole").insert(key, signed);
    }
}

async fn show(
    State(shown): State<Batches>,
    Path(key): Path<(u32, u32, u64)>,
) -> Result<Json<SignedBatch>, StatusCode> {
    let shown = shown.lock().expect("whole");
    shown
        .get(&key)
        .cloned()
        .map(Json)
        .ok_or(StatusCode::NOT_FOUND)
}

async fn add(journal: &Journal, receipts: Vec<Receipt>) {
    let receipts = receipts.into_iter().map(|one| (None, one)).collect();
    journal
        .add("test".into(), receipts, vec![])
        .await
        .expect("writable");
}

/// The end of a process: the journal is free afterwards.
async fn stop(engine: Engine) {
    drop(engine);
    tokio::time::sleep(PATIENCE).await;
}

async fn tick(engine: &mut Engine) -> Tick {
    engine.tick(|_| false).await.expect("the chain answers")
}

fn error(tick: &Tick, step: Step) -> Option<&StepError> {
    let ran = tick.steps.iter().find(|ran| ran.step == step);
    ran.expect("it ran").result.as_ref().err()
}

/// What a step waits for, if it does.
fn waits_for(tick: &Tick, step: Step) -> Option<String> {
    match error(tick, step) {
        Some(StepError::Submit(SubmitError::Unresolved { purpose })) => Some(purpose.kind.clone()),
        _ => None,
    }
}

/// The batch of an epoch's lane, signed by whom the contract wants.
async fn signed(journal: &Journal, lane: u32) -> i64 {
    let built = journal
        .build(
            (0, lane, 0),
            &rules(),
            &DOMAIN,
            &Policy::default(),
            (time(), 100),
        )
        .await
        .expect("builds")
        .expect("waiting");
    let signatures = [0, 1].map(|which| {
        let key = attester(which);
        (key.address(), key.sign(&built.digest))
    });
    journal.offered(built.number).await.expect("built");
    journal
        .signed(built.number, signatures.to_vec())
        .await
        .expect("offered");
    built.number
}

fn time() -> crate::clock::ChainTime {
    crate::clock::tests::at(1_050)
}

async fn state(journal: &Journal, number: i64) -> BatchState {
    let batch = journal.batch(number).await.expect("readable");
    batch.expect("there").state
}

#[tokio::test]
async fn while_the_chain_stands_one_transaction_waits_and_nothing_else_is_sent_or_waited_for() {
    let world = World::new().await;
    let mut engine = world.engine(|_| {}).await;
    let journal = engine.journal().clone();
    add(&journal, vec![receipt(0, 1, 3), receipt(1, 2, 4)]).await;
    let (first, second) = (signed(&journal, 0).await, signed(&journal, 1).await);
    world.fake.contract().claimable.insert(5, 7);
    world.fake.contract().stands = true;

    let started = Instant::now();
    let one = tick(&mut engine).await;
    assert!(started.elapsed() < 2 * PATIENCE, "{:?}", started.elapsed());
    let sending = Step::ALL.into_iter().filter(|step| step.sends());
    for step in sending.clone() {
        assert_eq!(waits_for(&one, step).as_deref(), Some("attest"), "{step:?}");
    }
    assert!(error(&one, Step::Ingest).is_none() && error(&one, Step::Build).is_none());
    let started = Instant::now();
    let two = tick(&mut engine).await;
    assert!(started.elapsed() < PATIENCE, "one look");
    for step in sending {
        assert_eq!(waits_for(&two, step).as_deref(), Some("attest"), "{step:?}");
    }
    assert_eq!(world.fake.contract().waiting(), 1);

    world.fake.goes_on();
    let three = tick(&mut engine).await;
    assert_eq!((three.work.accepted, three.work.claimed.paid), (2, 1));
    assert_eq!(
        world.fake.contract().included,
        ["attest", "attest", "claim_many"]
    );
    assert_eq!(state(&journal, first).await, BatchState::Accepted);
    assert_eq!(state(&journal, second).await, BatchState::Accepted);
}

#[tokio::test]
async fn what_an_open_transaction_did_is_not_sent_again_after_a_restart() {
    let world = World::new().await;
    let mut engine = world.engine(|_| {}).await;
    world.fake.contract().claimable.insert(5, 7);
    world.fake.contract().stands = true;
    let one = tick(&mut engine).await;
    assert_eq!(waits_for(&one, Step::Claim).as_deref(), Some("claim_many"));
    // The row stays open while the transaction gets into a block.
    stop(engine).await;
    world.fake.goes_on();
    let mut engine = world.engine(|_| {}).await;
    for _ in 0..2 {
        tick(&mut engine).await.into_result().expect("all is well");
    }
    assert_eq!(world.fake.contract().included, ["claim_many"]);
}

#[tokio::test]
async fn whoever_the_token_does_not_pay_keeps_no_other_from_being_paid() {
    let world = World::new().await;
    let mut engine = world.engine(|_| {}).await;
    for operator in 0..80 {
        world.fake.contract().claimable.insert(operator, 10);
    }
    world.fake.contract().taxed.insert(17);
    world.fake.contract().greedy.insert(60);
    let (_, work) = tick(&mut engine).await.into_result().expect("all is well");
    assert_eq!(
        (work.claimed.paid, work.claimed.skipped, work.claimed.amount),
        (78, 2, 780)
    );
    let left: Vec<u32> = world.fake.contract().claimable.keys().copied().collect();
    assert_eq!(left, [17, 60]);
}

#[tokio::test]
async fn a_batch_that_its_signatures_would_make_too_heavy_is_split_before_it_is_offered() {
    let world = World::new().await;
    // Two entries weigh less than a transaction may, and leave no room for signatures.
    world.fake.contract().entry_weight = Weight {
        ref_time: 44_900_000_000,
        proof_size: 1,
    };
    let mut engine = world.engine(|_| {}).await;
    let journal = engine.journal().clone();
    add(&journal, vec![receipt(0, 1, 3), receipt(0, 2, 4)]).await;
    let one = tick(&mut engine).await;
    assert_eq!(one.work.built, 1);
    let living = journal.living().await.expect("readable");
    assert!(living.is_empty(), "{living:?}");
    tick(&mut engine).await;
    let living = journal.living().await.expect("readable");
    assert_eq!(living.len(), 1);
    assert_eq!(unpack(&living[0].entries).expect("well formed").len(), 1);

    // What was learned holds until there is another runtime.
    drop(journal);
    stop(engine).await;
    let mut engine = world.engine(|_| {}).await;
    assert_eq!(engine.policy.max_entries, 1);
    world.fake.contract().spec_version = 2;
    engine.renew_policy().await.expect("the chain answers");
    assert!(engine.policy.max_entries > 1);
}

#[tokio::test]
async fn a_batch_that_nobody_signed_is_made_anew_when_what_it_continues_has_changed() {
    let world = World::new().await;
    let mut engine = world.engine(|_| {}).await;
    let journal = engine.journal().clone();
    add(&journal, vec![receipt(0, 1, 3)]).await;
    tick(&mut engine).await;
    let old = journal.living().await.expect("readable").remove(0);
    assert_eq!(old.state, BatchState::Built, "nobody signs");

    // Another keeper's batch has the operator whose fees make a unit with ours.
    let theirs = Receipt {
        fee: 5,
        ..receipt(1, 2, 3)
    };
    let (theirs, _) = Batch::compose((0, 1, 0), vec![theirs], &Nothing, &rules()).expect("fits");
    world.show(&theirs);
    world.fake.contract().next.insert((0, 1), 1);
    tick(&mut engine).await;
    assert_eq!(state(&journal, old.number).await, BatchState::Dead);
    tick(&mut engine).await;
    let new = journal.living().await.expect("readable").remove(0);
    assert_ne!(new.entries, old.entries);
    assert_eq!(new.header.receipts, 1, "nothing was quarantined");
}

#[tokio::test]
async fn a_batch_that_somebody_else_sent_with_our_signatures_is_ours() {
    for other in [false, true] {
        let world = World::new().await;
        let mut engine = world.engine(|_| {}).await;
        let journal = engine.journal().clone();
        add(&journal, vec![receipt(0, 1, 3)]).await;
        let number = signed(&journal, 0).await;
        let receipts = match other {
            true => vec![receipt(0, 9, 3)],
            false => journal.receipts_of(number).await.expect("readable"),
        };
        let (taken, _) = Batch::compose((0, 0, 0), receipts, &Nothing, &rules()).expect("fits");
        world.fake.contract().next.insert((0, 0), 1);
        // Nobody shows it: nothing is decided.
        let one = tick(&mut engine).await;
        assert!(error(&one, Step::Attest).is_some());
        assert_eq!(state(&journal, number).await, BatchState::Signed);
        world.show(&taken);
        let two = tick(&mut engine).await;
        assert_eq!(two.work.accepted, u32::from(!other));
        let counts = journal.counts().await.expect("readable");
        if other {
            assert_eq!(state(&journal, number).await, BatchState::Dead);
            assert_eq!((counts.counted, counts.pending), (1, 1));
        } else {
            assert_eq!(state(&journal, number).await, BatchState::Accepted);
            assert_eq!((counts.counted, counts.pending), (1, 0));
        }
        assert!(world.fake.contract().included.is_empty());
    }
}

#[tokio::test]
async fn a_batch_that_only_was_offered_counts_when_its_epoch_closes_after_somebody_sent_it() {
    let world = World::new().await;
    let mut engine = world.engine(|_| {}).await;
    let journal = engine.journal().clone();
    add(&journal, vec![receipt(0, 1, 3)]).await;
    let built = journal
        .build(
            (0, 0, 0),
            &rules(),
            &DOMAIN,
            &Policy::default(),
            (time(), 100),
        )
        .await
        .expect("builds")
        .expect("waiting");
    journal.offered(built.number).await.expect("built");
    world.show(&built.batch);
    world.fake.contract().next.insert((0, 0), 1);
    world.fake.contract().now = 1_130;
    tick(&mut engine).await;
    assert_eq!(state(&journal, built.number).await, BatchState::Accepted);
}

#[tokio::test]
async fn a_batch_that_was_offered_for_a_number_that_another_took_is_made_anew_at_once() {
    let world = World::new().await;
    let mut engine = world.engine(|_| {}).await;
    let journal = engine.journal().clone();
    add(&journal, vec![receipt(0, 1, 3)]).await;
    tick(&mut engine).await;
    let old = journal.living().await.expect("readable").remove(0);
    journal.offered(old.number).await.expect("built");
    let theirs = vec![receipt(0, 9, 4)];
    let (theirs, _) = Batch::compose((0, 0, 0), theirs, &Nothing, &rules()).expect("fits");
    world.show(&theirs);
    world.fake.contract().next.insert((0, 0), 1);
    tick(&mut engine).await;
    assert_eq!(state(&journal, old.number).await, BatchState::Dead);
    tick(&mut engine).await;
    let new = journal.living().await.expect("readable").remove(0);
    assert_eq!((new.header.epoch, new.header.seq), (0, 1));
}

#[tokio::test]
async fn final_epochs_are_asked_about_once_if_others_book() {
    let world = World::new().await;
    world.fake.contract().settled_to = 5;
    world.fake.contract().now = 1_750;
    let mut engine = world.engine(|config| config.book = false).await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        tick(&mut engine).await.into_result().expect("all is well");
        asked.push(world.fake.contract().asked["epoch"]);
    }
    assert_eq!(asked, [5, 5, 5]);
    // Whoever books again begins where it had stopped.
    stop(engine).await;
    let mut engine = world.engine(|_| {}).await;
    tick(&mut engine).await.into_result().expect("all is well");
    assert!(world.fake.contract().asked["epoch"] > 5);
}

#[tokio::test]
async fn what_was_done_is_counted_also_when_a_part_fails() {
    let world = World::new().await;
    let mut engine = world.engine(|_| {}).await;
    let journal = engine.journal().clone();
    add(&journal, vec![receipt(0, 1, 3), receipt(1, 2, 4)]).await;
    let (_, second) = (signed(&journal, 0).await, signed(&journal, 1).await);
    // The number of the second is taken, and nobody shows by which batch.
    world.fake.contract().next.insert((0, 1), 1);
    let one = tick(&mut engine).await;
    assert!(error(&one, Step::Attest).is_some());
    assert_eq!(one.work.accepted, 1);
    assert_eq!(state(&journal, second).await, BatchState::Signed);
}
