//! Attesters over HTTP, before a contract whose views a test sets.

use super::client::{Attesters as Client, Earlier, Failure};
use super::protocol::{AttestRequest, BatchKey, Code, Fault, Refusal, SignedBatch};
use super::views::{Reader, ViewError, Views};
use super::{router, serve, Attester, Settings};
use crate::batch::tests::rules;
use crate::batch::{Batch, Rules};
use crate::clock::tests::TIMES;
use crate::journal::batches::tests::DOMAIN;
use crate::journal::JournalError;
use crate::keys::{recover, Key};
use crate::receipt::tests::receipt;
use crate::receipt::{Network, Receipt};
use crate::tally::{Nothing, Totals};
use parity_scale_codec::{Decode as _, Encode};
use plimsoll_interface::calls::{selector, Answer};
use plimsoll_interface::{Attesters, ClockView, H160};
use plimsoll_mechanism::clock::{Clock, Pauses};
use plimsoll_mechanism::Epoch;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The contract as a test says it is.
struct Contract {
    now: u64,
    next: BTreeMap<(Epoch, u32), u64>,
    quorum: Attesters,
}

#[derive(Clone)]
struct Chain(Arc<Mutex<Contract>>);

impl Chain {
    fn set(&self, change: impl FnOnce(&mut Contract)) {
        change(&mut self.0.lock().expect("whole"));
    }
}

#[async_trait::async_trait]
impl Views for Chain {
    async fn view(&self, data: Vec<u8>) -> Result<Vec<u8>, ViewError> {
        fn ok<T: Encode>(value: T) -> Vec<u8> {
            Answer::Ok(value).encode()
        }
        let contract = self.0.lock().expect("whole");
        let (message, mut arguments) = data.split_at(4);
        let is = |name| message == selector(name);
        Ok(if is("settings") {
            ok(crate::batch::tests::settings())
        } else if is("operators") {
            ok(100_u32)
        } else if is("clock") {
            let clock = Clock::at(TIMES, &Pauses::default(), contract.now);
            ok(ClockView {
                now: contract.now,
                elapsed: clock.elapsed(),
                started: true,
                epoch: clock.epoch(),
                stopped: false,
                pause: None,
                settled_to: 0,
                next_worked: None,
            })
        } else if is("next_seq") {
            let key = <(Epoch, u32)>::decode(&mut arguments).expect("arguments");
            ok(contract.next.get(&key).copied().unwrap_or(0))
        } else {
            assert!(is("attesters"), "an unexpected view");
            ok(contract.quorum.clone())
        })
    }
}

fn gateway() -> Key {
    Key::from_bytes([9; 32]).expect("a key")
}

fn attester_key(which: u8) -> Key {
    Key::from_bytes([which + 1; 32]).expect("a key")
}

/// Three attesters of which two must sign.
struct World {
    folder: tempfile::TempDir,
    chain: Chain,
    rules: Rules,
    urls: Vec<String>,
    attesters: Vec<Arc<Attester>>,
}

impl World {
    async fn new() -> Self {
        let mut members: Vec<H160> = (0..3).map(|k| attester_key(k).address()).collect();
        members.sort_unstable();
        let contract = Contract {
            now: 1_050,
            next: BTreeMap::new(),
            quorum: Attesters {
                threshold: 2,
                members,
            },
        };
        let mut world = Self {
            folder: tempfile::tempdir().expect("a folder"),
            chain: Chain(Arc::new(Mutex::new(contract))),
            rules: rules(),
            urls: Vec::new(),
            attesters: Vec::new(),
        };
        for which in 0..3 {
            world
                .start(which, BTreeSet::from([gateway().address()]), false)
                .await;
        }
        world
    }

    async fn start(&mut self, which: u8, signers: BTreeSet<H160>, allow_unsigned: bool) {
        let settings = Settings {
            network: Network::new("test"),
            signers,
            allow_unsigned,
            max_ahead_ms: 10,
            meters: self.rules.meters.clone(),
        };
        let number = self.attesters.len();
        let file = self
            .folder
            .path()
            .join(format!("attester-{number}-{which}"));
        let reader = Reader::new(Arc::new(self.chain.clone()));
        let attester = Attester::open(attester_key(which), settings, DOMAIN, reader, &file)
            .await
            .expect("opens");
        let attester = Arc::new(attester);
        let (told, address) = tokio::sync::oneshot::channel();
        let routes = router(attester.clone(), 1 << 20);
        tokio::spawn(serve(
            routes,
            ([127, 0, 0, 1], 0).into(),
            move |address| told.send(address).expect("awaited"),
            std::future::pending(),
        ));
        self.urls
            .push(format!("http://{}", address.await.expect("a port")));
        self.attesters.push(attester);
    }

    fn client(&self, urls: &[String]) -> Client {
        Client::new(urls, Duration::from_secs(20)).expect("a client")
    }

    fn quorum(&self) -> Attesters {
        self.chain.0.lock().expect("whole").quorum.clone()
    }

    fn batch(&self, key: (Epoch, u32, u64), receipts: Vec<Receipt>) -> Batch {
        Batch::compose(key, receipts, &Nothing, &self.rules)
            .expect("fits")
            .0
    }

    fn request(&self, batch: &Batch) -> AttestRequest {
        AttestRequest::new(&DOMAIN, 1, batch)
    }

    /// What one attester says to a request to sign.
    async fn ask(&self, which: usize, batch: &Batch) -> Result<[u8; 65], Refusal> {
        let answer = self.attesters[which].attest(self.request(batch)).await?;
        Ok(answer.signature.0)
    }
}

/// A signed receipt.
fn job(lane: u64, number: u64, operator: u32, at: u64) -> Receipt {
    let mut job = Receipt {
        completed_at: at,
        ..receipt(lane, number, operator)
    };
    job.sign(&Network::new("test"), &gateway());
    job
}

/// Batches that a keeper has.
struct Has(Vec<SignedBatch>);

#[async_trait::async_trait]
impl Earlier for Has {
    async fn batches(&self, keys: &[BatchKey]) -> Result<Vec<SignedBatch>, JournalError> {
        let wanted = self.0.iter().filter(|batch| keys.contains(&batch.key));
        Ok(wanted.cloned().collect())
    }

    async fn of_epoch(&self, epoch: Epoch) -> Result<Vec<SignedBatch>, JournalError> {
        Ok(self
            .0
            .iter()
            .filter(|batch| batch.key.epoch == epoch)
            .cloned()
            .collect())
    }
}

#[tokio::test]
async fn enough_signatures_are_gathered_with_one_down_and_refused_with_two() {
    let world = World::new().await;
    let batch = world.batch((0, 0, 0), vec![job(0, 1, 3, 1_010), job(0, 2, 4, 1_020)]);
    let (request, digest, quorum) = (world.request(&batch), batch.digest(&DOMAIN), world.quorum());
    let down = "http://127.0.0.1:9".to_owned();
    let urls = [world.urls[2].clone(), down.clone(), world.urls[0].clone()];
    let client = world.client(&urls);
    let check = client.check(&request, &digest, &quorum, &Has(vec![])).await;
    assert!(check.is_enough(), "{}", check.summary());
    let round = client.sign(&request, &digest, &quorum, &Has(vec![])).await;
    let signatures = round.signatures();
    assert_eq!(signatures.len(), 2);
    assert!(signatures[0].0 < signatures[1].0);
    for (signer, signature) in &signatures {
        assert_eq!(recover(&digest, signature), Some(*signer));
    }
    let client = world.client(&[down.clone(), down, world.urls[1].clone()]);
    let round = client.sign(&request, &digest, &quorum, &Has(vec![])).await;
    assert!(!round.is_enough());
    assert_eq!(round.failed.len(), 2);
}

#[tokio::test]
async fn one_digest_is_signed_for_a_number_and_the_same_again_gives_the_same() {
    let world = World::new().await;
    let batch = world.batch((0, 0, 0), vec![job(0, 1, 3, 1_010)]);
    let signature = world.ask(0, &batch).await.expect("fine");
    // Even when the epoch is over: it says nothing new.
    world.chain.set(|contract| contract.now = 1_300);
    assert_eq!(world.ask(0, &batch).await, Ok(signature));
    world.chain.set(|contract| contract.now = 1_050);
    let other = world.batch((0, 0, 0), vec![job(0, 2, 4, 1_010)]);
    let refusal = world.ask(0, &other).await.expect_err("another digest");
    assert_eq!(refusal.code, Code::AlreadySigned);
    world
        .ask(1, &other)
        .await
        .expect("this one has not signed any");
}

#[tokio::test]
async fn what_it_signed_is_on_disk_before_the_signature_exists() {
    let world = World::new().await;
    let batch = world.batch((0, 0, 0), vec![job(0, 1, 3, 1_010)]);
    world.ask(0, &batch).await.expect("fine");
    let key = BatchKey {
        epoch: 0,
        lane: 0,
        seq: 0,
    };
    let file = world.folder.path().join("attester-0-0");
    let copy = world.folder.path().join("copy");
    // As a killed process leaves it: the file and its log.
    std::fs::copy(&file, &copy).expect("copied");
    std::fs::copy(
        file.with_file_name("attester-0-0-wal"),
        copy.with_file_name("copy-wal"),
    )
    .expect("copied");
    let reopened = crate::journal::Database::open(&copy, super::ledger::MIGRATIONS).expect("opens");
    let signed = reopened
        .with(move |t| super::ledger::signed(t, key))
        .await
        .expect("readable");
    assert_eq!(signed, Some(batch.digest(&DOMAIN)));
}

#[tokio::test]
async fn g16_a_receipt_is_held_while_its_batch_can_be_accepted_and_free_when_it_cannot() {
    let world = World::new().await;
    let receipt = job(0, 1, 3, 1_010);
    let first = world.batch((0, 0, 0), vec![receipt.clone()]);
    world.ask(0, &first).await.expect("fine");
    // Epoch 0 still takes batches: the receipt may not go into epoch 1.
    world.chain.set(|contract| contract.now = 1_119);
    let carried = world.batch((1, 0, 0), vec![receipt.clone()]);
    let refusal = world.ask(0, &carried).await.expect_err("its epoch is open");
    assert_eq!(refusal.receipts[0].fault, Fault::WrongEpoch);
    // It is closed, and the contract does not have the batch.
    world.chain.set(|contract| contract.now = 1_120);
    world
        .ask(0, &carried)
        .await
        .expect("the first batch is dead");
    // The carried one was accepted: never again.
    world.chain.set(|contract| {
        contract.next.insert((1, 0), 1);
        contract.now = 1_250;
    });
    let again = world.batch((2, 0, 0), vec![receipt]);
    let refusal = world.ask(0, &again).await.expect_err("counted");
    assert_eq!(refusal.receipts[0].fault, Fault::Counted);
}

#[tokio::test]
async fn g16_an_accepted_batch_is_never_free_again() {
    let world = World::new().await;
    let receipt = job(0, 1, 3, 1_010);
    let first = world.batch((0, 0, 0), vec![receipt.clone()]);
    world.ask(0, &first).await.expect("fine");
    world.chain.set(|contract| {
        contract.next.insert((0, 0), 1);
        contract.now = 1_150;
    });
    let carried = world.batch((1, 0, 0), vec![receipt]);
    let refusal = world.ask(0, &carried).await.expect_err("counted");
    assert_eq!(refusal.receipts[0].fault, Fault::Counted);
}

#[tokio::test]
async fn what_an_attester_missed_it_takes_only_with_a_quorums_signatures() {
    let world = World::new().await;
    let first = world.batch((0, 0, 0), vec![job(0, 1, 3, 1_010)]);
    world.ask(0, &first).await.expect("fine");
    world.ask(1, &first).await.expect("fine");
    world.chain.set(|contract| {
        contract.next.insert((0, 0), 1);
    });

    // The next batch of the epoch, in the other lane, continues the first one's figures.
    let mut totals = Totals::default();
    let before = Nothing;
    let (_, tally) =
        Batch::compose((0, 0, 0), first.receipts.clone(), &before, &world.rules).expect("fits");
    totals.absorb(&tally);
    let receipts = vec![job(1, 2, 3, 1_020)];
    let (second, _) = Batch::compose((0, 1, 0), receipts, &totals, &world.rules).expect("fits");
    let refusal = world.ask(2, &second).await.expect_err("it was down");
    assert_eq!(refusal.code, Code::MissingBatches);
    assert_eq!(
        refusal.missing,
        [BatchKey {
            epoch: 0,
            lane: 0,
            seq: 0
        }]
    );

    let (request, digest, quorum) = (
        world.request(&second),
        second.digest(&DOMAIN),
        world.quorum(),
    );
    let key = refusal.missing[0];
    let known = world.attesters[0]
        .batch(key)
        .await
        .expect("works")
        .expect("signed");
    let third = world.client(&world.urls[2..3]);
    let round = third
        .sign(&request, &digest, &quorum, &Has(vec![known.clone()]))
        .await;
    let Failure::Refused(refusal) = &round.failed[0].1 else {
        panic!("{}", round.summary());
    };
    assert_eq!(
        refusal.code,
        Code::WrongEarlier,
        "one signature is no quorum"
    );

    let all = world.client(&world.urls);
    let (fetched, signatures) = all
        .fetch(key, &DOMAIN, &world.rules, &quorum)
        .await
        .expect("together they have it");
    assert_eq!(fetched, first);
    assert_eq!(signatures.len(), 2);
    let mut whole = known;
    whole.signatures = signatures
        .iter()
        .map(|(_, s)| super::protocol::SignatureText(*s))
        .collect();
    let mut forged = whole.clone();
    forged.receipts[0].fee += 1;
    let round = third
        .sign(&request, &digest, &quorum, &Has(vec![forged]))
        .await;
    assert!(round.has(Code::WrongEarlier), "{}", round.summary());
    let round = third
        .sign(&request, &digest, &quorum, &Has(vec![whole]))
        .await;
    assert_eq!(round.agreed.len(), 1, "{}", round.summary());

    // And what it took in, it knows as counted.
    world.chain.set(|contract| contract.now = 1_150);
    let again = world.batch((1, 0, 0), first.receipts);
    let refusal = world.ask(2, &again).await.expect_err("counted");
    assert_eq!(refusal.receipts[0].fault, Fault::Counted);
}

#[tokio::test]
async fn a_batch_that_another_one_displaced_gives_its_receipts_back() {
    let world = World::new().await;
    // The first attester alone signs one batch, the two others another with its number.
    let mine = world.batch((0, 0, 0), vec![job(0, 1, 3, 1_010)]);
    let theirs = world.batch((0, 0, 0), vec![job(0, 2, 3, 1_020)]);
    world.ask(0, &mine).await.expect("fine");
    world.ask(1, &theirs).await.expect("fine");
    world.ask(2, &theirs).await.expect("fine");
    world.chain.set(|contract| {
        contract.next.insert((0, 0), 1);
    });
    let before = Nothing;
    let (_, tally) =
        Batch::compose((0, 0, 0), theirs.receipts.clone(), &before, &world.rules).expect("fits");
    let mut totals = Totals::default();
    totals.absorb(&tally);
    let (next, _) =
        Batch::compose((0, 0, 1), mine.receipts.clone(), &totals, &world.rules).expect("fits");
    let refusal = world
        .ask(0, &next)
        .await
        .expect_err("as far as it knows they are counted");
    assert_eq!(refusal.receipts[0].fault, Fault::Counted);

    let quorum = world.quorum();
    let key = BatchKey {
        epoch: 0,
        lane: 0,
        seq: 0,
    };
    let others = world.client(&world.urls[1..]);
    let (_, signatures) = others
        .fetch(key, &DOMAIN, &world.rules, &quorum)
        .await
        .expect("signed");
    let mut request = world.request(&next);
    request.earlier = vec![SignedBatch {
        key,
        entries: theirs.entries,
        receipts: theirs.receipts,
        signatures: signatures
            .iter()
            .map(|(_, s)| super::protocol::SignatureText(*s))
            .collect(),
    }];
    world.attesters[0]
        .attest(request)
        .await
        .expect("its own batch is dead");
}

#[tokio::test]
async fn receipts_of_unknown_signers_are_listed_and_unsigned_ones_count_only_where_allowed() {
    let mut world = World::new().await;
    let mut unsigned = job(0, 1, 3, 1_010);
    unsigned.signature = None;
    let mut stranger = job(0, 2, 3, 1_010);
    stranger.sign(&Network::new("test"), &attester_key(7));
    let mut changed = job(0, 3, 3, 1_010);
    changed.fee += 1;
    let unknown = job(0, 4, 100, 1_010);
    let fine = job(0, 5, 3, 1_010);
    let all = vec![unsigned.clone(), stranger, changed, unknown, fine];
    let batch = world.batch((0, 0, 0), all);
    let refusal = world.ask(0, &batch).await.expect_err("four faults");
    assert_eq!(refusal.code, Code::Receipts);
    let faults: Vec<_> = refusal.receipts.iter().map(|r| r.fault).collect();
    let expected = [
        Fault::Unsigned,
        Fault::UnknownSigner,
        Fault::UnknownSigner,
        Fault::UnknownOperator,
    ];
    assert_eq!(faults, expected);

    world.start(0, BTreeSet::new(), true).await;
    let batch = world.batch((0, 0, 0), vec![unsigned]);
    world.ask(3, &batch).await.expect("allowed");
}

#[tokio::test]
async fn a_batch_that_is_not_what_the_receipts_come_to_is_refused() {
    let world = World::new().await;
    let batch = world.batch((0, 0, 0), vec![job(0, 1, 3, 1_010), job(0, 2, 4, 1_020)]);
    type Change = fn(&mut AttestRequest);
    let cases: [(Change, Code); 8] = [
        (|r| r.entries[3] ^= 1, Code::Differs),
        (|r| r.receipts_root[0] ^= 1, Code::Differs),
        (|r| r.receipts.truncate(1), Code::Differs),
        (|r| r.receipts.reverse(), Code::Receipts),
        (|r| r.key.lane = 1, Code::Receipts),
        (|r| r.key.seq = 1, Code::NotNext),
        (|r| r.key.epoch = 1, Code::EpochClosed),
        (|r| r.meter = 2, Code::WrongMeter),
    ];
    for (which, (change, code)) in cases.into_iter().enumerate() {
        let mut request = world.request(&batch);
        change(&mut request);
        let refusal = world.attesters[0]
            .attest(request)
            .await
            .expect_err("changed");
        assert_eq!(refusal.code, code, "case {which}: {}", refusal.reason);
    }
    let mut request = world.request(&batch);
    request.chain_id = [0; 32];
    let refusal = world.attesters[0]
        .attest(request)
        .await
        .expect_err("another chain");
    assert_eq!(refusal.code, Code::WrongDeployment);
    world
        .ask(0, &batch)
        .await
        .expect("nothing of all that was recorded");
}

#[tokio::test]
async fn operators_of_a_batch_under_way_are_not_signed_for_in_another_lane() {
    let world = World::new().await;
    let first = world.batch((0, 0, 0), vec![job(0, 1, 3, 1_010)]);
    world.ask(0, &first).await.expect("fine");
    let same = world.batch((0, 1, 0), vec![job(1, 2, 3, 1_010)]);
    assert_eq!(
        world.ask(0, &same).await.expect_err("busy").code,
        Code::Busy
    );
    let other = world.batch((0, 1, 0), vec![job(1, 3, 4, 1_010)]);
    world.ask(0, &other).await.expect("another operator");
}

#[tokio::test]
async fn checking_binds_nothing() {
    let world = World::new().await;
    let first = world.batch((0, 0, 0), vec![job(0, 1, 3, 1_010)]);
    let second = world.batch((0, 0, 0), vec![job(0, 2, 3, 1_010)]);
    world.attesters[0]
        .check(world.request(&first))
        .await
        .expect("fine");
    world.attesters[0]
        .check(world.request(&second))
        .await
        .expect("fine");
    world.ask(0, &second).await.expect("fine");
    assert_eq!(world.attesters[0].info().await.expect("works").signed, 1);
}

#[tokio::test]
async fn requests_that_are_no_batches_are_refused_with_a_reason() {
    let world = World::new().await;
    let http = reqwest::Client::new();
    let url = format!("{}/v1/attest", world.urls[0]);
    let post = |body: Vec<u8>| {
        http.post(&url)
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    let answer = post(b"{\"chain\": 1}".to_vec()).await.expect("answers");
    assert_eq!(answer.status(), 400);
    let refusal: Refusal = answer.json().await.expect("a refusal");
    assert_eq!(refusal.code, Code::Malformed);
    let answer = post(vec![b' '; 2 << 20]).await.expect("answers");
    assert_eq!(answer.status(), 413);
    let health = http
        .get(format!("{}/health", world.urls[0]))
        .send()
        .await
        .expect("answers");
    assert_eq!(health.status(), 200);
    let none = http
        .get(format!("{}/v1/batch/0/0/0", world.urls[0]))
        .send()
        .await
        .expect("answers");
    assert_eq!(none.status(), 404);
}
