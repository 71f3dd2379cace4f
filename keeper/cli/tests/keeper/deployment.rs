//! `plimsoll deploy` on a node where nothing is.

use crate::node::Node;
use crate::programs::{fail, plimsoll, run, succeed, write_private};
use crate::stage::terms;
use plimsoll_keeper::deploy::Deployment;
use std::path::Path;
use std::process::Command;
use subxt::dynamic::Value;
use subxt::{OnlineClient, PolkadotConfig};
use subxt_signer::sr25519::{dev, Keypair};

/// A whole native token, in base units.
const UNIT: u128 = 10_000_000_000;

fn deploy(node: &Node, folder: &Path, suri: &str, out: &str) -> Command {
    let file = folder.join(format!("suri {}", suri.replace('/', "_")));
    if !file.exists() {
        write_private(&file, suri);
    }
    let mut command = plimsoll();
    command
        .args(["deploy", "--url", node.url()])
        .arg("--suri-file")
        .arg(file)
        .arg("--config")
        .arg(folder.join("deploy.toml"))
        .arg("--out")
        .arg(folder.join(out));
    command
}

/// Gives an account that the chain does not know so many base units of the native token.
async fn endow(node: &Node, suri: &str, amount: u128) {
    let key = Keypair::from_uri(&suri.parse().expect("a URI")).expect("a key");
    let api = OnlineClient::<PolkadotConfig>::from_insecure_url(node.url())
        .await
        .expect("the node answers");
    let to = Value::unnamed_variant("Id", [Value::from_bytes(key.public_key().0)]);
    let transfer = subxt::dynamic::transaction(
        "Balances",
        "transfer_keep_alive",
        vec![to, Value::u128(amount)],
    );
    let mut tx = api.tx().await.expect("the node answers");
    let sent = tx
        .sign_and_submit_then_watch_default(&transfer, &dev::alice())
        .await
        .expect("sent");
    sent.wait_for_finalized_success()
        .await
        .expect("transferred");
}

#[tokio::test(flavor = "multi_thread")]
async fn deploying_says_what_it_costs_and_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let node = Node::start(folder);
    let terms = terms("deployment");
    let config = folder.join("deploy.toml");

    // Nothing is sent without a yes.
    std::fs::write(&config, &terms).expect("writable");
    let said = fail(
        &mut deploy(&node, folder, "//Alice", "no.toml"),
        &["nothing was deployed"],
    );
    assert!(
        said.out.contains("emission contract at 0x") && said.out.contains("deposit"),
        "{}",
        said.out
    );
    assert!(!folder.join("no.toml").exists());

    // Addresses without a token.
    let with_token = |token: &str| {
        let (before, rest) = terms.split_once("[token]").expect("a section");
        let (_, after) = rest.split_once("[clock]").expect("a section");
        format!("{before}[token]\n{token}\n[clock]{after}")
    };
    std::fs::write(
        &config,
        with_token("address = \"0x00000000000000000000000000000000000000aa\""),
    )
    .expect("writable");
    fail(
        deploy(&node, folder, "//Alice", "no.toml").arg("--yes"),
        &["0x00000000000000000000000000000000000000aa", "is no ERC-20"],
    );
    std::fs::write(&config, with_token("address = \"0x00aa\"")).expect("writable");
    fail(
        deploy(&node, folder, "//Alice", "no.toml").arg("--yes"),
        &["deploy.toml", "address"],
    );

    // An account that has nothing, and one that has too little.
    std::fs::write(&config, &terms).expect("writable");
    fail(
        deploy(&node, folder, "//Nobody", "no.toml").arg("--yes"),
        &["has 0 base units", "send it some"],
    );

    endow(&node, "//Poor", UNIT).await;
    let said = fail(
        deploy(&node, folder, "//Poor", "no.toml").arg("--yes"),
        &["base units", "send it some"],
    );
    assert!(!said.out.contains("deploying"), "{}", said.out);

    // No node, another key file, terms that nobody can mean.
    let mut nowhere = deploy(&node, folder, "//Alice", "no.toml");
    nowhere.args(["--url", "ws://127.0.0.1:1"]);
    let said = run(&mut nowhere);
    assert!(!said.status.success());
    fail(
        deploy(&node, folder, "not a secret uri", "no.toml").arg("--yes"),
        &["secret URI"],
    );
    std::fs::write(
        &config,
        terms.replace("rate = 10000", "rate = 10000\nrat = 1"),
    )
    .expect("writable");
    fail(
        deploy(&node, folder, "//Alice", "no.toml").arg("--yes"),
        &["deploy.toml", "`rat`"],
    );
    std::fs::write(&config, terms.replace("threshold = 2", "threshold = 1")).expect("writable");
    fail(
        deploy(&node, folder, "//Alice", "no.toml").arg("--yes"),
        &["attesters.threshold"],
    );
    assert!(!folder.join("no.toml").exists());

    // It works, and a deployment file is never overwritten.
    std::fs::write(&config, &terms).expect("writable");
    let out = succeed(deploy(&node, folder, "//Alice", "yes.toml").arg("--yes"));
    assert!(
        out.contains("deploying the token TEST") && out.contains("wrote"),
        "{out}"
    );
    let deployment = Deployment::load(&folder.join("yes.toml")).expect("just written");
    assert_eq!(
        (deployment.lanes, &deployment.token_symbol[..]),
        (2, "TEST")
    );
    fail(
        deploy(&node, folder, "//Alice", "yes.toml").arg("--yes"),
        &["yes.toml exists"],
    );

    // An account that has enough and is not mapped: it is mapped first.
    endow(&node, "//Rich", 100_000 * UNIT).await;
    let out = succeed(deploy(&node, folder, "//Rich", "rich.toml").arg("--yes"));
    assert!(
        out.contains("mapping the account") && out.contains("wrote"),
        "{out}"
    );

    // Another token that exists: ours of the deployment before.
    let token = format!("address = \"{:?}\"", deployment.token);
    std::fs::write(&config, with_token(&token)).expect("writable");
    succeed(deploy(&node, folder, "//Alice", "second.toml").arg("--yes"));
    let second = Deployment::load(&folder.join("second.toml")).expect("just written");
    assert_eq!(second.token, deployment.token);
    assert_ne!(second.contract, deployment.contract);
}
