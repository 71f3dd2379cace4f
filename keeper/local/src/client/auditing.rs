//! The audit of a deployment on the real runtime: an honest one, one that goes on, and
//! ones that were tampered with.

use super::EmbeddedClient;
use codec::{Decode, Encode};
use plimsoll_index::{Checkpoint, CheckpointError, Kind};
use plimsoll_interface::calls;
use plimsoll_interface::mechanism::batch::{lane_of, BatchHeader, Domain};
use plimsoll_interface::mechanism::work::{pack, Entry};
use plimsoll_interface::mechanism::Epoch;
use plimsoll_keeper::artifacts;
use plimsoll_keeper::audit::receipts::{Given, Known};
use plimsoll_keeper::audit::{audit, blocks, AuditError, Plan, Report, Watcher};
use plimsoll_keeper::batch::root;
use plimsoll_keeper::chain::{Chain, ChainClient as _, ClockControl as _, H160};
use plimsoll_keeper::contract::Emission;
use plimsoll_keeper::deploy::{self, Artifacts, Deployment, Terms};
use plimsoll_keeper::erc20::Token;
use plimsoll_keeper::keys::{keccak, Key};
use plimsoll_keeper::proof::{Proof, ProofError};
use plimsoll_keeper::receipt::{Mode, Network, Receipt};
use plimsoll_keeper::submit::submit_once;
use plimsoll_runtime::Revive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const NETWORK: &str = "test";

/// What the reserve is funded with, in base units.
const FUNDING: u128 = 1_000_000_000_000;

const WEEK: u64 = 604_800_000;
const DAY: u64 = 86_400_000;

/// A deployment with two vetted operators, whose one attester signs whatever it is given.
struct Scene {
    client: EmbeddedClient,
    chain: Chain,
    deployment: Deployment,
    emission: Emission,
    attester: Key,
    genesis: u64,
}

/// Receipts of the first lane.
fn receipts(numbers: std::ops::Range<u64>) -> Vec<Receipt> {
    numbers
        .map(|number| {
            let mut id = [0; 32];
            id[24..].copy_from_slice(&number.to_be_bytes());
            Receipt {
                id,
                operator: 0,
                client: [1; 32],
                model: "m".into(),
                verification: Mode::None,
                evidence: None,
                input_tokens: 10,
                cached_input_tokens: 0,
                output_tokens: 1,
                fee: 0,
                completed_at: 1_000,
                signature: None,
            }
        })
        .collect()
}

fn given(name: &str, receipts: &[Receipt]) -> Given {
    let network = Network::new(NETWORK);
    Given {
        source: name.into(),
        batch: None,
        receipts: receipts.iter().map(|r| Known::new(r, &network)).collect(),
    }
}

fn plan() -> Plan {
    Plan {
        code_hash: keccak(artifacts::EMISSION),
        state: None,
        from_scratch: false,
        checkpoint_every: Duration::ZERO,
        receipts: Vec::new(),
    }
}

impl Scene {
    async fn set() -> Self {
        Self::with_salt(7).await
    }

    async fn with_salt(salt: u8) -> Self {
        let client = EmbeddedClient::start("//Alice").expect("a chain");
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/deploy.toml");
        let info = client.info().await.expect("the chain runs");
        let now = client.now_ms().await.expect("the chain runs");
        let terms = Terms::load(&example).expect("shipped");
        let mut plan = terms.plan(info.address, now).expect("in bounds");
        let attester = Key::from_bytes([3; 32]).expect("a key");
        plan.salt = [salt; 32];
        plan.attesters.threshold = 1;
        plan.attesters.members = vec![attester.address()];
        let chain: Chain = Arc::new(client.clone());
        let artifacts = Artifacts {
            emission: artifacts::EMISSION,
            token: artifacts::TOKEN,
        };
        let deployment = deploy::deploy(&chain, "(embedded)", artifacts, &plan, &mut ())
            .await
            .expect("deployed");
        let emission = Emission::new(chain.clone(), deployment.contract);
        let token = Token::new(chain.clone(), deployment.token);
        let scene = Self {
            genesis: plan.settings.times.genesis,
            client,
            chain,
            deployment,
            emission,
            attester,
        };
        let me = info.address;
        scene.send(calls::register(me)).await;
        let bob = scene.client.with_account("//Bob").expect("a URI");
        bob.endow(1_000_000_000_000).await.expect("the chain runs");
        let payee = bob.info().await.expect("the chain runs").address;
        let bob: Chain = Arc::new(bob);
        let register = scene.emission.message(calls::register(payee));
        submit_once(&bob, "register", &register)
            .await
            .expect("registered");
        scene.send(calls::vouch(&[0, 1])).await;
        let approve = token.approve(scene.deployment.contract, FUNDING);
        submit_once(&scene.chain, "approve", &approve)
            .await
            .expect("approved");
        scene.send(calls::fund(FUNDING)).await;
        scene
    }

    async fn send(&self, message: Vec<u8>) {
        submit_once(&self.chain, "a message", &self.emission.message(message))
            .await
            .expect("sent");
    }

    /// Goes to `ms` after genesis.
    async fn to(&self, ms: u64) {
        let set = self.client.set_time(self.genesis + ms).await;
        set.expect("the chain runs");
    }

    /// Attests a batch of these receipts in lane 0 of an epoch.
    async fn attest(&self, epoch: Epoch, seq: u64, receipts: &[Receipt]) {
        assert!(receipts
            .iter()
            .all(|receipt| lane_of(&receipt.id, self.deployment.lanes) == 0));
        let header = BatchHeader {
            epoch,
            lane: 0,
            seq,
            receipts_root: root(receipts, &Network::new(NETWORK)),
            receipts: receipts.len() as u64,
        };
        let entry = |operator| Entry {
            operator,
            fragment: 100 + seq,
            bulk: 5,
            fees: 0,
        };
        let entries = pack(&[entry(0), entry(1)]).expect("in range");
        let domain = Domain {
            chain_id: self.deployment.chain_id,
            contract: self.deployment.contract.0,
        };
        let signature = self
            .attester
            .sign(&header.digest(&domain, &entries, keccak));
        self.send(calls::attest(&header, &entries, &signature))
            .await;
    }

    /// Two batches in epoch 0, settled, booked and paid; the chain is in epoch 1.
    async fn work(&self) {
        self.to(WEEK / 2).await;
        self.attest(0, 0, &receipts(0..5)).await;
        self.attest(0, 1, &receipts(5..8)).await;
        self.to(WEEK + 4 * DAY).await;
        self.send(calls::settle()).await;
        self.send(calls::raise(0, &[0, 1])).await;
        self.to(WEEK + 6 * DAY).await;
        self.send(calls::book(&[0], &[0, 1])).await;
        self.send(calls::claim(0)).await;
    }

    async fn audit(&self, plan: &Plan) -> Result<Report, AuditError> {
        audit(&self.chain, &self.deployment, plan, &mut ()).await
    }

    /// Changes what the contract stores about operator 0, under it.
    async fn rewrite(&self, claimable: u128) {
        let key = (*b"pl", 7_u8, 0_u32).encode();
        let contract = self.deployment.contract;
        self.client
            .run("change the storage", move |chain| {
                let bytes = chain.storage(contract, &key).expect("stored");
                // Address, payee, no pending one, not only self: then what is claimable.
                let mut bytes = bytes;
                let at = 20 + 20 + 1 + 1;
                let was = u128::decode(&mut &bytes[at..at + 16]).expect("16 bytes");
                bytes[at..at + 16].copy_from_slice(&(was + claimable).to_le_bytes());
                let written =
                    chain.execute(|| Revive::set_storage_var_key(contract, key, Some(bytes)));
                assert!(written.is_ok());
            })
            .await
            .expect("the chain runs");
    }
}

fn finding(audited: Result<Report, AuditError>) -> plimsoll_index::Finding {
    match audited {
        Err(AuditError::Found(finding)) => *finding,
        Err(other) => panic!("another error: {other}"),
        Ok(report) => panic!("nothing was found:\n{report}"),
    }
}

#[tokio::test]
async fn an_honest_deployment_is_accounted_for_to_the_unit() {
    let scene = Scene::set().await;
    scene.work().await;
    let report = scene.audit(&plan()).await.expect("honest");
    assert_eq!((report.tally.batches, report.tally.signed), (2, 2));
    assert_eq!((report.epochs, report.operators), ((1, 1), 2));
    assert_eq!(report.ledger.received, FUNDING);
    assert!(report.ledger.paid > 0 && report.ledger.unvested > 0);
    assert_eq!(report.balance, report.ledger.owed());
    assert_eq!(report.beyond, 0);
    assert!(report.views > 20 && report.tally.receipts == 8);
    let text = report.to_string();
    assert!(text.starts_with("every unit accounted for\n"), "{text}");
    assert!(text.contains(&FUNDING.to_string()), "{text}");
}

#[tokio::test]
async fn an_account_that_nobody_knows_can_audit() {
    let scene = Scene::set().await;
    let nobody = scene.client.with_account("//nobody").expect("a URI");
    let chain: Chain = Arc::new(nobody);
    let report = audit(&chain, &scene.deployment, &plan(), &mut ()).await;
    report.expect("honest");
}

/// Stops an audit in the middle, as a kill does.
struct Killer(u64);

impl Watcher for Killer {
    fn line(&mut self, _: &str) {}
    fn read(&mut self, done: u64, _: u64) {
        assert!(done < self.0, "killed");
    }
    fn compared(&mut self, _: u64, _: u64) {}
}

#[tokio::test]
async fn a_killed_audit_goes_on_from_its_state_file_and_comes_to_the_same() {
    let scene = Scene::set().await;
    scene.work().await;
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("audit.state");
    let kept = Plan {
        state: Some(state.clone()),
        ..plan()
    };
    let (chain, deployment) = (scene.chain.clone(), scene.deployment.clone());
    let killed = kept.clone();
    let run = tokio::spawn(async move {
        let _ = audit(&chain, &deployment, &killed, &mut Killer(9)).await;
    });
    assert!(run.await.is_err(), "it was killed");
    let whole = scene.audit(&plan()).await.expect("honest");
    let rest = scene.audit(&kept).await.expect("it goes on");
    let resumed = rest.resumed.expect("behind the state file");
    assert!(resumed >= 8, "{resumed}");
    assert_eq!((rest.tally, rest.ledger), (whole.tally, whole.ledger));
    assert_eq!(rest.blocks, whole.blocks);

    // And again when the chain has gone on: only what is new is read.
    let before = rest.head.number;
    scene.to(2 * WEEK).await;
    scene.attest(2, 0, &receipts(8..9)).await;
    let newer = scene.audit(&kept).await.expect("honest");
    assert_eq!(newer.resumed, Some(before + 1));
    assert_eq!(newer.tally.batches, 3);
    let fresh = Plan {
        from_scratch: true,
        ..kept
    };
    let fresh = scene.audit(&fresh).await.expect("honest");
    assert_eq!(fresh.tally, newer.tally);
}

#[tokio::test]
async fn a_state_file_of_another_deployment_or_chain_is_refused_by_what_differs() {
    let scene = Scene::set().await;
    let other = Scene::with_salt(8).await;
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("audit.state");
    let kept = Plan {
        state: Some(state.clone()),
        ..plan()
    };
    scene.audit(&kept).await.expect("honest");
    let refused = other.audit(&kept).await.expect_err("another contract");
    let AuditError::State { reason, .. } = &refused else {
        panic!("{refused}");
    };
    assert!(
        matches!(
            reason,
            CheckpointError::Other {
                what: "contract",
                ..
            }
        ),
        "{reason}"
    );

    let bytes = std::fs::read(&state).expect("written");
    let identity = plimsoll_index::Identity {
        genesis: scene.deployment.genesis,
        contract: scene.deployment.contract,
        code_hash: scene.deployment.code_hash,
        from: scene.deployment.block,
    };
    let mut checkpoint = Checkpoint::from_bytes(&bytes, &identity).expect("as written");
    checkpoint.hash[0] ^= 1;
    std::fs::write(&state, checkpoint.to_bytes()).expect("writable");
    let refused = scene.audit(&kept).await.expect_err("not on the chain");
    assert!(matches!(refused, AuditError::OffChain { .. }), "{refused}");
    assert!(refused.to_string().contains("--from-scratch"), "{refused}");
    let anew = Plan {
        from_scratch: true,
        ..kept
    };
    scene.audit(&anew).await.expect("begun anew");
}

#[tokio::test]
async fn storage_that_was_changed_under_the_contract_is_found_at_its_block_and_operator() {
    let scene = Scene::set().await;
    scene.work().await;
    scene.rewrite(1).await;
    let finding = finding(scene.audit(&plan()).await);
    assert_eq!(finding.kind, Kind::State);
    let head = scene.client.head().await.expect("the chain runs").finalized;
    assert_eq!(finding.place.block, Some(head.number));
    assert_eq!(finding.place.operator, Some(0));
    assert_eq!(finding.field, "claimable");
}

#[tokio::test]
async fn a_unit_more_that_is_paid_out_of_changed_storage_is_found_at_its_payment() {
    let scene = Scene::set().await;
    scene.work().await;
    // In the epoch after, something more has vested: it is claimed with what was added.
    scene.to(30 * WEEK).await;
    scene.rewrite(1).await;
    // The ledger of the contract, which is right, still has enough for that.
    scene.send(calls::claim(0)).await;
    let found = finding(scene.audit(&plan()).await);
    assert_eq!((found.kind, &found.field[..]), (Kind::Figure, "amount"));
    assert_eq!(
        (&found.place.of[..], found.place.operator),
        ("Paid", Some(0))
    );
    let figures: [u128; 2] =
        [&found.expected, &found.found].map(|text| text.parse().expect("a figure"));
    assert_eq!(figures[1], figures[0] + 1);
}

#[tokio::test]
async fn artefacts_of_another_contract_and_a_file_that_says_otherwise_are_found() {
    let scene = Scene::set().await;
    let other = Plan {
        code_hash: [9; 32],
        ..plan()
    };
    assert_eq!(finding(scene.audit(&other).await).kind, Kind::Code);
    let mut file = scene.deployment.clone();
    file.token = H160([9; 20]);
    let found = finding(audit(&scene.chain, &file, &plan(), &mut ()).await);
    assert_eq!((found.kind, &found.field[..]), (Kind::Deployment, "token"));
    let mut file = scene.deployment.clone();
    file.genesis = [9; 32];
    let refused = audit(&scene.chain, &file, &plan(), &mut ()).await;
    assert!(matches!(
        refused,
        Err(AuditError::OtherChain {
            what: "genesis",
            ..
        })
    ));
}

#[tokio::test]
async fn a_deployment_file_whose_block_is_late_loses_no_event() {
    let scene = Scene::set().await;
    scene.work().await;
    let mut late = scene.deployment.clone();
    late.block += 5;
    let report = audit(&scene.chain, &late, &plan(), &mut ()).await;
    assert_eq!(report.expect("honest").tally.batches, 2);
}

#[tokio::test]
async fn receipts_are_shown_to_be_counted_once_or_the_first_that_is_not_is_named() {
    let scene = Scene::set().await;
    scene.work().await;
    let with = |receipts: Vec<Given>| Plan { receipts, ..plan() };
    let both = with(vec![
        given("a", &receipts(0..5)),
        given("b", &receipts(5..8)),
    ]);
    let report = scene.audit(&both).await.expect("both batches");
    assert_eq!(report.receipts, 8);

    // One is missing from what was given, so no root fits.
    let missing = with(vec![given("a", &receipts(1..5))]);
    let found = finding(scene.audit(&missing).await);
    assert_eq!(found.kind, Kind::Receipt);
    assert!(found.found.contains("--journal"), "{found}");

    let mut altered = receipts(0..5);
    altered[2].output_tokens += 1;
    let mut altered = given("a", &altered);
    altered.batch = Some((0, 0, 0));
    let found = finding(scene.audit(&with(vec![altered])).await);
    assert_eq!(
        (found.kind, &found.field[..]),
        (Kind::Receipt, "receipts_root")
    );
    assert_eq!((found.place.epoch, found.place.seq), (Some(0), Some(0)));

    let nowhere = Given {
        batch: Some((0, 0, 9)),
        ..given("a", &receipts(0..5))
    };
    let found = finding(scene.audit(&with(vec![nowhere])).await);
    assert_eq!((found.kind, found.place.seq), (Kind::Receipt, Some(9)));

    // The attester lies: receipt 4 again, in a later epoch.
    scene.to(2 * WEEK + DAY).await;
    scene.attest(2, 0, &receipts(4..6)).await;
    let twice = with(vec![
        given("a", &receipts(0..5)),
        given("b", &receipts(4..6)),
    ]);
    let found = finding(scene.audit(&twice).await);
    assert_eq!((found.kind, found.place.epoch), (Kind::Twice, Some(2)));
    assert!(found.field.ends_with("04"), "{found}");
}

#[tokio::test]
async fn a_proof_of_a_receipt_is_checked_against_the_batchs_root_on_the_chain() {
    let scene = Scene::set().await;
    scene.work().await;
    let contract = scene.deployment.contract;
    let id = receipts(6..7)[0].id;
    let proof = Proof::of(&id, receipts(5..8), NETWORK, contract, (0, 0, 1)).expect("there");
    let found = blocks::batch(&scene.chain, &scene.deployment, proof.batch())
        .await
        .expect("the chain runs")
        .expect("the contract has it");
    assert_eq!(proof.verify(&found.root, Some(found.receipts)), Ok(()));
    proof
        .check_place(contract, scene.deployment.lanes)
        .expect("of this contract and lane");

    // Of another batch than it says.
    let other = Proof::of(&id, receipts(5..8), NETWORK, contract, (0, 0, 0)).expect("there");
    let found = blocks::batch(&scene.chain, &scene.deployment, other.batch()).await;
    let found = found.expect("the chain runs").expect("there");
    assert!(matches!(
        other.verify(&found.root, Some(found.receipts)),
        Err(ProofError::Count {
            found: 3,
            wanted: 5
        })
    ));
    let none = blocks::batch(&scene.chain, &scene.deployment, (0, 0, 2)).await;
    assert_eq!(none.expect("the chain runs"), None);
}
