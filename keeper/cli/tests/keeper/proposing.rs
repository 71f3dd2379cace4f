//! `plimsoll propose`: from a file of parameters to the parameters in force, by the program
//! and over JSON-RPC.

use crate::node::Node;
use crate::programs::{fail, plimsoll, run, succeed, write_private};
use crate::stage::{terms, EPOCH_MS};
use plimsoll_interface::calls;
use plimsoll_interface::Change;
use plimsoll_keeper::chain::node::NodeClient;
use plimsoll_keeper::chain::ClockControl as _;
use plimsoll_keeper::contract::Emission;
use plimsoll_keeper::deploy::Deployment;
use plimsoll_keeper::hexes;
use plimsoll_mechanism::params::Params;
use plimsoll_simulator::export::{self, Provenance};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use subxt_signer::sr25519::dev;

fn propose(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = plimsoll();
    command
        .arg("propose")
        .arg(folder.join("params.json"))
        .args(arguments)
        .current_dir(folder);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_go_from_a_file_to_the_chain_and_what_would_go_wrong_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let node = Node::start(folder);
    write_private(&folder.join("alice"), "//Alice");
    write_private(&folder.join("charlie"), "//Charlie");
    std::fs::write(folder.join("deploy.toml"), terms("proposing")).expect("writable");
    succeed(
        plimsoll()
            .current_dir(folder)
            .args(["deploy", "--yes", "--suri-file", "alice"])
            .args(["--config", "deploy.toml", "--url", node.url()]),
    );
    let deployment = Deployment::load(&folder.join("deployment.toml")).expect("just written");
    let client = NodeClient::connect(vec![node.url().to_owned()], dev::bob())
        .await
        .expect("the node answers");
    let emission = Emission::new(Arc::new(client.clone()), deployment.contract);
    let first = emission.params(0).await.expect("deployed");
    let chosen = Params {
        rate: 12_500,
        unit_ceiling: Some(u128::from(u64::MAX) + 1),
        ..first
    };
    let from = Provenance {
        version: "0.1.0".into(),
        code_sha256: "0c".repeat(32),
        scenario: "opg".into(),
        scenario_sha256: "5e".repeat(32),
        data: Vec::new(),
        seed: 1,
        runs: 100,
        epochs: 365,
        command: "plimsoll compare".into(),
    };
    let write = |params: &Params| {
        export::write(&folder.join("params.json"), params, &from).expect("in bounds");
    };

    // Nothing would change; bounds and words that do not fit; flags that do not go together.
    write(&first);
    fail(&mut propose(folder, &[]), &["nothing to propose"]);
    write(&chosen);
    let text = std::fs::read_to_string(folder.join("params.json")).expect("just written");
    let tampered = text.replacen("\"value\": 12500", "\"value\": 12501", 1);
    assert_ne!(tampered, text);
    std::fs::write(folder.join("params.json"), tampered).expect("writable");
    fail(
        &mut propose(folder, &[]),
        &[
            "params.json",
            "the file says rate 12501",
            "call data says 12500",
        ],
    );
    write(&chosen);
    let both = run(&mut propose(
        folder,
        &["--config", "k.toml", "--url", "ws://a"],
    ));
    assert_eq!(both.status.code(), Some(2), "{}", both.err);

    // Prepared by nobody in particular, to standard output and to a file.
    let said = run(&mut propose(folder, &[]));
    assert!(said.status.success(), "{}", said.err);
    let call: Value = serde_json::from_str(&said.out).expect("JSON and nothing else");
    let data = hexes::show(calls::queue(&Change::Params(chosen)));
    assert_eq!(call["call"]["data"], *data);
    assert_eq!(call["call"]["dest"], *hexes::show(deployment.contract));
    assert!(call["call"]["limits"]["weight_limit"]["ref_time"].as_u64() > Some(0));
    for part in [
        "rate: 10000 (1 %) -> 12500 (1.25 %)",
        "cancel(0)",
        &"5e".repeat(32),
    ] {
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
    std::fs::write(
        folder.join("keeper.toml"),
        "[chain]\ndeployment = \"deployment.toml\"\nsuri_file = \"alice\"\n",
    )
    .expect("writable");
    let with_file = ["--config", "keeper.toml", "--out", "call.json"];
    succeed(&mut propose(folder, &with_file));
    let same = std::fs::read_to_string(folder.join("call.json")).expect("just written");
    let same: Value = serde_json::from_str(&same).expect("JSON");
    assert_eq!(same["call"], call["call"]);

    // Sent by somebody else, without a yes, and then by the owner.
    fail(
        &mut propose(folder, &["--submit", "--yes", "--suri-file", "charlie"]),
        &[
            "is not the contract's owner",
            &hexes::show(deployment.deployer),
        ],
    );
    fail(
        &mut propose(folder, &["--submit", "--config", "keeper.toml"]),
        &["costs", "nothing was sent"],
    );
    assert_eq!(emission.change(0).await, Ok(None));
    let out = succeed(&mut propose(
        folder,
        &["--submit", "--yes", "--config", "keeper.toml"],
    ));
    assert!(
        out.contains("announced in block") && out.contains("cancel(0)"),
        "{out}"
    );
    fail(&mut propose(folder, &[]), &["nothing to propose: change 0"]);
    write(&Params {
        rate: 9_000,
        ..first
    });
    fail(
        &mut propose(folder, &[]),
        &["change 0 of the parameters is announced", "cancel(0)"],
    );

    // In force from the epoch that was told, and not before.
    let announced = emission.change(0).await.expect("deployed");
    let announced = announced.expect("it waits");
    assert_eq!(u64::from(announced.from), call["from_epoch"]);
    let genesis = emission.settings().await.expect("deployed").times.genesis;
    let begins = genesis + u64::from(announced.from) * EPOCH_MS;
    assert_eq!(begins, call["from_about_ms"]);
    for (at, params) in [(begins - EPOCH_MS, first), (begins, chosen)] {
        client.set_time(at).await.expect("a development node");
        let clock = emission.clock().await.expect("deployed");
        assert_eq!(emission.params(clock.epoch).await, Ok(params));
    }
}
