//! Attesters over HTTP, before a contract whose views a test sets.

use super::client::{Attesters as Client, Earlier, Failure};
use super::protocol::{AttestRequest, BatchKey, Code, Fault, Refusal, SignatureText, SignedBatch};
use super::views::{self, GatewayViews, Reader, ViewError, Views};
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
use plimsoll_mechanism::{Epoch, Hash};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The contract as a test says it is.
#[derive(Clone)]
struct Contract {
    now: u64,
    next: BTreeMap<(Epoch, u32), u64>,
    quorum: Attesters,
}

/// A chain with a block for each state that the contract had.
struct Blocks {
    blocks: Vec<Contract>,
    /// How often the newest block may still be asked for before the node that answers
    /// dies and the next one does, which is a block behind.
    until_behind: Option<u32>,
    /// How many numbers of batches may still be asked for before the node dies.
    numbers: usize,
    /// How long a number takes.
    slow: Duration,
    /// How many numbers were given, are being asked for, and were at most at once.
    given: usize,
    asking: usize,
    most_asking: usize,
}

#[derive(Clone)]
struct Chain(Arc<Mutex<Blocks>>);

impl Chain {
    fn new(contract: Contract) -> Self {
        Self(Arc::new(Mutex::new(Blocks {
            blocks: vec![contract],
            until_behind: None,
            numbers: usize::MAX,
            slow: Duration::ZERO,
            given: 0,
            asking: 0,
            most_asking: 0,
        })))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Blocks) -> T) -> T {
        look(&mut self.0.lock().expect("whole"))
    }

    /// A new block, in which the contract is another one.
    fn set(&self, change: impl FnOnce(&mut Contract)) {
        self.with(|chain| {
            let mut contract = chain.blocks.last().expect("the first").clone();
            change(&mut contract);
            chain.blocks.push(contract);
        });
    }

    fn newest(&self) -> Contract {
        self.with(|chain| chain.blocks.last().expect("the first").clone())
    }
}

#[async_trait::async_trait]
impl Views for Chain {
    async fn newest(&self) -> Result<Hash, ViewError> {
        let number = self.with(|chain| {
            let newest = chain.blocks.len() - 1;
            match &mut chain.until_behind {
                None => newest,
                Some(0) => newest - 1,
                Some(left) => {
                    *left -= 1;
                    newest
                }
            }
        });
        Ok([u8::try_from(number).expect("few blocks"); 32])
    }

    async fn view(&self, at: Hash, data: Vec<u8>) -> Result<Vec<u8>, ViewError> {
        fn ok<T: Encode>(value: T) -> Vec<u8> {
            Answer::Ok(value).encode()
        }
        let contract = self.with(|chain| chain.blocks[usize::from(at[0])].clone());
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
            let slow = self.with(|chain| {
                chain.asking += 1;
                chain.most_asking = chain.most_asking.max(chain.asking);
                chain.slow
            });
            tokio::time::sleep(slow).await;
            self.with(|chain| {
                chain.asking -= 1;
                let dead = ViewError("the node is dead".into());
                chain.numbers = chain.numbers.checked_sub(1).ok_or(dead)?;
                chain.given += 1;
                Ok(())
            })?;
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
    /// The largest request that attesters read which are started next.
    max_request_bytes: usize,
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
            chain: Chain::new(contract),
            rules: rules(),
            urls: Vec::new(),
            attesters: Vec::new(),
            max_request_bytes: 1 << 20,
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
        let routes = router(attester.clone(), self.max_request_bytes);
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
        self.chain.newest().quorum
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

    async fn of_epoch(&self, epoch: Epoch) -> Result<Vec<BatchKey>, JournalError> {
        let keys = self.0.iter().map(|batch| batch.key);
        Ok(keys.filter(|key| key.epoch == epoch).collect())
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
async fn g16_what_is_decided_on_is_of_one_block_though_a_node_dies_and_the_next_is_behind() {
    let world = World::new().await;
    let receipt = job(0, 1, 3, 1_010);
    let first = world.batch((0, 0, 0), vec![receipt.clone()]);
    world.ask(0, &first).await.expect("fine");
    // The contract takes the batch, its epoch closes; then the node dies that showed it.
    world.chain.set(|contract| contract.now = 1_119);
    world.chain.set(|contract| {
        contract.next.insert((0, 0), 1);
        contract.now = 1_120;
    });
    world.chain.with(|chain| chain.until_behind = Some(1));
    let carried = world.batch((1, 0, 0), vec![receipt]);
    let refusal = world.ask(0, &carried).await.expect_err("counted");
    assert_eq!(refusal.receipts[0].fault, Fault::Counted);
    // And nothing wrong is recorded for later.
    world.chain.with(|chain| chain.until_behind = None);
    world.chain.set(|contract| contract.now = 1_150);
    let refusal = world.ask(0, &carried).await.expect_err("counted");
    assert_eq!(refusal.receipts[0].fault, Fault::Counted);
}

/// The chain long after epoch 0, and a batch with a receipt of then.
fn years_late(world: &World) -> Batch {
    const EPOCHS: u32 = 600;
    let now = TIMES.genesis + u64::from(EPOCHS) * TIMES.epoch + TIMES.attest_window;
    world.chain.set(|contract| contract.now = now);
    world.batch((EPOCHS, 0, 0), vec![job(0, 1, 3, 1_010)])
}

#[tokio::test]
async fn what_was_read_for_a_receipt_that_comes_years_late_is_not_read_again() {
    let world = World::new().await;
    let batch = years_late(&world);
    world.chain.with(|chain| {
        chain.numbers = 400;
        chain.slow = Duration::from_millis(1);
    });
    let refusal = world.ask(0, &batch).await.expect_err("the node dies");
    assert_eq!(refusal.code, Code::Unavailable);
    let most = world.chain.with(|chain| chain.most_asking);
    assert!((2..=16).contains(&most), "{most} at once");

    world.chain.with(|chain| {
        chain.numbers = usize::MAX;
        chain.given = 0;
    });
    world.ask(0, &batch).await.expect("fine");
    // Of 600 epochs, those that are left, and the lanes of the batch's own. Some were on
    // their way when the node died.
    let given = world.chain.with(|chain| chain.given);
    assert!((202..=218).contains(&given), "{given} were read again");
}

#[tokio::test]
async fn a_check_goes_on_when_whoever_asked_has_hung_up() {
    let world = World::new().await;
    let batch = years_late(&world);
    world
        .chain
        .with(|chain| chain.slow = Duration::from_millis(50));
    let (request, digest, quorum) = (world.request(&batch), batch.digest(&DOMAIN), world.quorum());
    let hasty = Client::new(&world.urls[..1], Duration::from_secs(1)).expect("a client");
    let round = hasty.check(&request, &digest, &quorum, &Has(vec![])).await;
    assert!(
        matches!(round.failed[0].1, Failure::Down(_)),
        "{}",
        round.summary()
    );
    let started = std::time::Instant::now();
    while world.chain.with(|chain| chain.given) < 602 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "it has stopped"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.chain.with(|chain| chain.given = 0);
    let client = world.client(&world.urls[..1]);
    let round = client.check(&request, &digest, &quorum, &Has(vec![])).await;
    assert_eq!(round.agreed.len(), 1, "{}", round.summary());
    assert_eq!(world.chain.with(|chain| chain.given), 2);
}

#[tokio::test]
async fn an_attester_that_lacks_more_than_one_request_holds_catches_up_piece_by_piece() {
    let mut world = World::new().await;
    let quorum = world.quorum();
    let mut known = Vec::new();
    for seq in 0..6 {
        let operator = u32::try_from(seq).expect("few");
        let jobs = (0..5).map(|number| job(0, 10 * seq + number, operator, 1_010));
        let batch = world.batch((0, 0, seq), jobs.collect());
        let mut signatures = Vec::new();
        for which in 0..2 {
            signatures.push(SignatureText(world.ask(which, &batch).await.expect("fine")));
        }
        world.chain.set(|contract| {
            contract.next.insert((0, 0), seq + 1);
        });
        known.push(SignedBatch {
            key: BatchKey {
                epoch: 0,
                lane: 0,
                seq,
            },
            entries: batch.entries,
            receipts: batch.receipts,
            signatures,
        });
    }
    let batch = world.batch((0, 0, 6), vec![job(0, 99, 99, 1_010)]);
    let (request, digest) = (world.request(&batch), batch.digest(&DOMAIN));
    let size = |value: &[SignedBatch]| serde_json::to_vec(value).expect("plain").len();
    // Room for the request and two of the batches, and a bit.
    world.max_request_bytes =
        serde_json::to_vec(&request).expect("plain").len() + size(&known[..2]) + 500;
    // Sent as much as fits, and sent too much at first.
    for piece_bytes in [size(&known[..1]) + 100, usize::MAX] {
        let which = world.attesters.len();
        world
            .start(2, BTreeSet::from([gateway().address()]), false)
            .await;
        let client = world.client(&world.urls[which..]).in_pieces(piece_bytes);
        let has = Has(known.clone());
        let round = client.sign(&request, &digest, &quorum, &has).await;
        assert_eq!(round.agreed.len(), 1, "{}", round.summary());
    }
}

#[tokio::test]
async fn an_attester_whose_batches_the_keeper_lacks_too_is_not_asked_for_ever() {
    let world = World::new().await;
    world.chain.set(|contract| {
        contract.next.insert((0, 0), 3);
    });
    let batch = world.batch((0, 0, 3), vec![job(0, 1, 3, 1_010)]);
    let (request, digest, quorum) = (world.request(&batch), batch.digest(&DOMAIN), world.quorum());
    let client = world.client(&world.urls[..1]);
    let round = client.check(&request, &digest, &quorum, &Has(vec![])).await;
    assert!(round.has(Code::MissingBatches), "{}", round.summary());
}

#[tokio::test]
async fn failures_are_told_without_what_is_secret_in_an_attesters_address() {
    let world = World::new().await;
    let batch = world.batch((0, 0, 0), vec![job(0, 1, 3, 1_010)]);
    let (request, digest, quorum) = (world.request(&batch), batch.digest(&DOMAIN), world.quorum());
    let client = world.client(&["http://me:word@127.0.0.1:9/key?k=1".to_owned()]);
    let round = client.check(&request, &digest, &quorum, &Has(vec![])).await;
    let text = format!("{} {:?}", round.summary(), round.failed);
    assert!(text.contains("http://127.0.0.1:9"), "{text}");
    assert!(!text.contains("word") && !text.contains("key"), "{text}");
}

#[tokio::test]
async fn a_gateway_answers_as_of_the_block_that_it_is_asked_about() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let routes = views::gateway(Arc::new(world.chain.clone()), DOMAIN);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let (gateway, domain) = GatewayViews::connect(&url).await.expect("it answers");
    assert_eq!(domain, DOMAIN);
    let before = Reader::new(Arc::new(gateway)).now().await.expect("answers");
    world.chain.set(|contract| {
        contract.next.insert((0, 0), 1);
    });
    assert_eq!(before.next_seq(0, 0).await, Ok(0));
    let refused = GatewayViews::connect("http://me:word@127.0.0.1:9").await;
    let error = refused.err().expect("nobody listens there").to_string();
    assert!(
        error.contains("http://127.0.0.1:9") && !error.contains("word"),
        "{error}"
    );
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
    whole.signatures = signatures.iter().map(|(_, s)| SignatureText(*s)).collect();
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
    let taken = SignedBatch {
        key,
        entries: theirs.entries,
        receipts: theirs.receipts,
        signatures: signatures.iter().map(|(_, s)| SignatureText(*s)).collect(),
    };
    // The keeper shows the batch that the contract took, and its own is dead.
    let request = world.request(&next);
    let alone = world.client(&world.urls[..1]);
    let shown = Has(vec![taken]);
    let round = alone
        .check(&request, &next.digest(&DOMAIN), &quorum, &shown)
        .await;
    assert_eq!(round.agreed.len(), 1, "{}", round.summary());
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
