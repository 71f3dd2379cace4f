//! From exported parameters to the parameters in force, on the real runtime: by the owner's
//! own key and by somebody who only prepares, and what is refused.

use super::EmbeddedClient;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::{calls, Change, Error, Settings};
use plimsoll_keeper::artifacts;
use plimsoll_keeper::chain::{
    At, Chain, ChainClient as _, ClockControl as _, Limits, Tx, Weight, H160,
};
use plimsoll_keeper::contract::Emission;
use plimsoll_keeper::deploy::{deploy, Artifacts, Terms};
use plimsoll_keeper::hexes;
use plimsoll_keeper::propose::{prepare, price, submit, ProposeError};
use plimsoll_keeper::submit::submit_once;
use plimsoll_simulator::export::{self, DataHash, Exported, Provenance};
use plimsoll_simulator::scenario::Scenario;
use std::path::Path;
use std::sync::Arc;

/// A deployment of the shipped example, whose owner is Alice unless it is said otherwise.
struct Scene {
    client: EmbeddedClient,
    emission: Emission,
    settings: Settings,
    /// The parameters it was deployed with.
    first: Params,
}

impl Scene {
    async fn set() -> Self {
        Self::owned_by(None).await
    }

    async fn owned_by(owner: Option<H160>) -> Self {
        let client = EmbeddedClient::start("//Alice").expect("a chain");
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/deploy.toml");
        let me = client.info().await.expect("the chain runs").address;
        let now = client.now_ms().await.expect("the chain runs");
        let terms = Terms::load(&example).expect("shipped");
        let mut plan = terms.plan(me, now).expect("in bounds");
        plan.roles.owner = owner.unwrap_or(me);
        let chain: Chain = Arc::new(client.clone());
        let artifacts = Artifacts {
            emission: artifacts::EMISSION,
            token: artifacts::TOKEN,
        };
        let deployment = deploy(&chain, "(embedded)", artifacts, &plan, &mut ())
            .await
            .expect("deployed");
        let emission = Emission::new(chain, deployment.contract);
        Self {
            settings: emission.settings().await.expect("deployed"),
            client,
            emission,
            first: plan.params,
        }
    }

    /// The contract as another account sees it.
    async fn seen_by(&self, uri: &str, amount: u128) -> Emission {
        let account = self.client.with_account(uri).expect("a URI");
        if amount > 0 {
            account.endow(amount).await.expect("the chain runs");
        }
        Emission::new(Arc::new(account), self.emission.address())
    }

    /// Goes to `ms` after genesis.
    async fn to(&self, ms: u64) {
        let set = self.client.set_time(self.settings.times.genesis + ms).await;
        set.expect("the chain runs");
    }

    async fn send(&self, data: Vec<u8>) {
        submit_once(
            self.emission.chain(),
            "a message",
            &self.emission.message(data),
        )
        .await
        .expect("sent");
    }

    async fn params(&self, epoch: u32) -> Params {
        self.emission.params(epoch).await.expect("deployed")
    }
}

/// Parameters that differ from the first ones in every place.
fn chosen(first: &Params) -> Params {
    Params {
        rate: first.rate + 1,
        unit_ceiling: Some(u128::MAX - 1),
        fee_multiple: Some(u32::MAX),
        fragment_floor: first.fragment_floor + 1,
        fragment_premium: first.fragment_premium + 1,
        operator_cap: first.operator_cap + 1,
        open_ceiling: first.open_ceiling + 1,
        uplift: first.uplift + 1,
        bond_leverage: first.bond_leverage + 1,
        liquid_share: first.liquid_share + 1,
        liquid_allowance: first.liquid_allowance + 1,
    }
}

/// As they come out of a file that `plimsoll compare --export` wrote.
fn exported(params: &Params) -> Exported {
    let from = Provenance {
        version: "0.1.0".into(),
        code_sha256: "0c".repeat(32),
        scenario: "opg".into(),
        scenario_sha256: "5e".repeat(32),
        data: vec![DataHash {
            file: "jobs.csv".into(),
            sha256: "da".repeat(32),
        }],
        seed: 1,
        runs: 100,
        epochs: 365,
        command: "plimsoll compare".into(),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("params.json");
    export::write(&path, params, &from).expect("in bounds");
    export::load(&path).expect("just written")
}

/// Exports `chosen`, proposes it in the middle of epoch 0, and waits.
async fn goes_from_file_to_force(scene: &Scene, chosen: Params, changes: usize) {
    let epoch = scene.settings.times.epoch;
    scene.to(epoch / 2).await;
    let prepared = prepare(&scene.emission, exported(&chosen))
        .await
        .expect("the contract takes it");
    assert_eq!(prepared.differences.len(), changes);
    assert_eq!((prepared.epoch, prepared.in_force), (0, scene.first));
    // Two weeks of timelock from the middle of week 0.
    let timing = prepared.timing;
    let genesis = scene.settings.times.genesis;
    assert_eq!((timing.from, timing.begins_ms), (3, genesis + 3 * epoch));
    let text = prepared.to_string();
    for part in ["rate: 10000 (1 %) -> ", "from epoch 3", "cancel(0)"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.contains(&"5e".repeat(32)), "{text}");

    let before = scene.client.balance().await.expect("the chain runs");
    let price = price(&scene.emission, &prepared).await.expect("the owner");
    assert_eq!(scene.client.balance().await, Ok(before), "nothing was sent");
    let announced = submit(&scene.emission, &prepared).await.expect("sent");
    assert_eq!((announced.id, announced.from), (prepared.id, timing.from));
    assert_eq!(announced.replaced, None);
    assert!(announced.fee > 0 && announced.fee <= price.fee);
    let spent = before - scene.client.balance().await.expect("the chain runs");
    assert!(spent <= price.fee + price.deposit, "{spent} of {price:?}");
    assert_eq!(scene.params(0).await, scene.first, "announced and no more");

    for week in 1..=2 {
        scene.to(week * epoch).await;
        assert_eq!(scene.params(week as u32).await, scene.first);
    }
    // To the last second before, and then.
    scene.to(3 * epoch - 1_000).await;
    let clock = scene.emission.clock().await.expect("deployed");
    assert_eq!(scene.params(clock.epoch).await, scene.first);
    scene.to(3 * epoch).await;
    let clock = scene.emission.clock().await.expect("deployed");
    assert_eq!(clock.epoch, 3);
    assert_eq!(scene.params(clock.epoch).await, chosen);
    assert_eq!(scene.params(2).await, scene.first, "the epoch before");

    // What is in force is no change any more; going back would be one.
    let again = prepare(&scene.emission, exported(&chosen)).await;
    assert!(matches!(again, Err(ProposeError::NoChange(3))), "{again:?}");
    let back = prepare(&scene.emission, exported(&scene.first)).await;
    assert_eq!(back.expect("another change").differences.len(), changes);
}

#[tokio::test]
async fn every_exported_parameter_is_in_force_after_the_timelock_to_the_unit() {
    let scene = Scene::set().await;
    let chosen = chosen(&scene.first);
    goes_from_file_to_force(&scene, chosen, 11).await;
}

#[tokio::test]
async fn the_parameters_of_a_scenario_are_in_force_after_the_timelock() {
    let scene = Scene::set().await;
    let scenario = Scenario::shipped()
        .set("plimsoll.operator_cap", 30_000.0)
        .expect("in bounds");
    let chosen = scenario.settings().params;
    assert_eq!(chosen.operator_cap, 30_000);
    // Epochs of a day there and of a week here: rate and leverage differ too.
    goes_from_file_to_force(&scene, chosen, 3).await;
}

#[tokio::test]
async fn a_call_that_a_stranger_prepared_is_what_its_owner_signs() {
    let scene = Scene::set().await;
    let stranger = scene.seen_by("//Nobody", 0).await;
    let chosen = Params {
        rate: 20_000,
        ..scene.first
    };
    let prepared = prepare(&stranger, exported(&chosen)).await;
    let json = prepared.expect("tried as the owner").json();
    let text = |pointer: &str| json.pointer(pointer).and_then(|value| value.as_str());
    let number = |pointer: &str| json.pointer(pointer).and_then(serde_json::Value::as_u64);
    let info = scene.client.info().await.expect("the chain runs");
    assert_eq!(text("/chain/genesis"), Some(&*hexes::show(info.genesis)));
    assert_eq!(text("/caller"), Some(&*hexes::show(info.address)));
    assert_eq!(json["changes"][0]["after"], "20000");

    // What a wallet does with it: nothing but what is in the file.
    let to: [u8; 20] = hexes::parse(text("/call/dest").expect("there")).expect("hex");
    let tx = Tx::Call {
        to: H160(to),
        value: 0,
        data: hexes::parse_vec(text("/call/data").expect("there")).expect("hex"),
    };
    let limits = Limits {
        weight: Weight {
            ref_time: number("/call/limits/weight_limit/ref_time").expect("there"),
            proof_size: number("/call/limits/weight_limit/proof_size").expect("there"),
        },
        deposit: text("/call/limits/storage_deposit_limit")
            .and_then(|digits| digits.parse().ok())
            .expect("there"),
    };
    let before = number("/if_executed_before_ms").expect("there");
    let from = number("/from_epoch").expect("there") as u32;
    assert!(scene.client.now_ms().await.expect("the chain runs") < before);
    let chain = &scene.client;
    let nonce = chain.next_nonce().await.expect("the chain runs");
    let signed = chain.sign(&tx, limits, nonce).await.expect("signed");
    chain.send(&signed).await.expect("taken");

    let id = number("/change").expect("there") as u32;
    let announced = scene.emission.change(id).await.expect("deployed");
    let announced = announced.expect("announced");
    assert_eq!(announced.change, Change::Params(chosen));
    assert_eq!(announced.from, from);
    // And the cancellation that it names undoes it.
    let cancel = hexes::parse_vec(text("/cancel_data").expect("there")).expect("hex");
    scene.send(cancel).await;
    assert_eq!(scene.emission.change(id).await, Ok(None));
    assert_eq!(scene.params(from).await, scene.first);
}

#[tokio::test]
async fn an_announced_change_is_not_lost_by_another_one() {
    let scene = Scene::set().await;
    let with_rate = |rate| Params {
        rate,
        ..scene.first
    };
    // Another kind of change is announced: it is no reason, and stays.
    let guardian = Change::Guardian(H160::repeat_byte(7));
    scene.send(calls::queue(&guardian)).await;
    let first = prepare(&scene.emission, exported(&with_rate(20_000))).await;
    let first = first.expect("taken");
    assert_eq!(first.others.len(), 1);
    assert!(first.to_string().contains("change 0 (a new guardian)"));
    let first = submit(&scene.emission, &first).await.expect("sent");
    let kept = scene.emission.change(0).await.expect("deployed");
    assert_eq!(kept.expect("it stays").change, guardian);

    // The same parameters, and others.
    let same = prepare(&scene.emission, exported(&with_rate(20_000))).await;
    let ProposeError::Announced { id, from } = same.expect_err("announced") else {
        panic!("another error");
    };
    assert_eq!((id, from), (first.id, first.from));
    let other = prepare(&scene.emission, exported(&with_rate(30_000))).await;
    let error = other.expect_err("one is announced");
    assert!(
        matches!(error, ProposeError::Pending { id: 1, .. }),
        "{error}"
    );
    let told = error.to_string();
    let cancel = hexes::show(calls::cancel(1));
    for part in [
        "change 1",
        "10000 (1 %) -> 20000 (2 %)",
        "cancel(1)",
        &cancel,
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    // Back to what is in force is no way to cancel it either.
    let back = prepare(&scene.emission, exported(&scene.first)).await;
    assert!(
        matches!(back, Err(ProposeError::Pending { .. })),
        "{back:?}"
    );

    scene.send(calls::cancel(1)).await;
    let other = prepare(&scene.emission, exported(&with_rate(30_000))).await;
    let other = other.expect("nothing is announced");
    // Announced in between by somebody else with the owner's key: told, not hidden.
    let between = Change::Params(with_rate(40_000));
    scene.send(calls::queue(&between)).await;
    let announced = submit(&scene.emission, &other).await.expect("sent");
    assert_eq!((announced.id, announced.replaced), (3, Some(2)));
    assert!(announced.to_string().contains("warning: change 2"));
    let from = announced.from;
    assert_eq!(scene.params(from).await, with_rate(30_000));
}

#[tokio::test]
async fn only_the_owner_can_send_and_is_told_so_before_anything_is_sent() {
    let scene = Scene::set().await;
    let bob = scene.seen_by("//Bob", 1_000_000_000_000).await;
    let chosen = exported(&chosen(&scene.first));
    let prepared = prepare(&bob, chosen.clone()).await.expect("as the owner");
    let alice = scene.client.info().await.expect("the chain runs").address;
    for refused in [
        price(&bob, &prepared).await.map(drop),
        submit(&bob, &prepared).await.map(drop),
    ] {
        let error = refused.expect_err("not the owner");
        assert!(matches!(error, ProposeError::NotOwner { .. }), "{error}");
        assert!(error.to_string().contains(&hexes::show(alice)), "{error}");
    }
    assert_eq!(bob.chain().next_nonce().await, Ok(0), "nothing was sent");
    // The contract says the same of Bob's call as of anybody's.
    let run = bob.chain().dry_run(&bob.message(chosen.data)).await;
    let failure = run
        .expect("the chain runs")
        .result
        .expect_err("not allowed");
    assert_eq!(
        plimsoll_keeper::contract::refusal(&failure),
        Some(Error::NotAllowed)
    );
}

#[tokio::test]
async fn an_owner_without_an_account_or_funds_gets_the_call_without_limits() {
    let owner = H160::repeat_byte(0xaa);
    let scene = Scene::owned_by(Some(owner)).await;
    let chosen = exported(&chosen(&scene.first));
    let prepared = prepare(&scene.emission, chosen).await.expect("taken");
    assert_eq!((prepared.owner, prepared.limits), (owner, None));
    assert!(prepared.json()["call"]["limits"].is_null());
    assert!(prepared.to_string().contains("cannot pay"));
    let error = submit(&scene.emission, &prepared).await.expect_err("Alice");
    assert!(matches!(error, ProposeError::NotOwner { .. }), "{error}");
}

#[tokio::test]
async fn a_contract_that_is_none_is_told_and_so_is_one_that_refuses() {
    let scene = Scene::set().await;
    let nothing = Emission::new(scene.emission.chain().clone(), H160::repeat_byte(1));
    let answer = prepare(&nothing, exported(&chosen(&scene.first))).await;
    assert!(
        matches!(answer, Err(ProposeError::Contract(_))),
        "{answer:?}"
    );
    // What no export has, because its reader refuses it: the contract does too.
    let mut export = exported(&chosen(&scene.first));
    export.params.rate = 1_000_001;
    export.data = calls::queue(&Change::Params(export.params));
    let answer = prepare(&scene.emission, export).await;
    assert!(
        matches!(answer, Err(ProposeError::Refused(Error::Params(_)))),
        "{answer:?}"
    );
    let head = scene.emission.at(At::Best);
    let governance = head.governance().await.expect("deployed");
    assert_eq!((governance.next_change, governance.waiting), (0, vec![]));
}
