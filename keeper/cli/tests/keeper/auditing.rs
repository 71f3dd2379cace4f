//! `plimsoll audit` and `plimsoll receipt` against a node: what attesters signed and the
//! keeper sent is accounted for, and what was tampered with is found.

use crate::programs::{fail, plimsoll, run, succeed, Said};
use crate::stage::Stage;
use crate::until;
use crate::workload::NETWORK;
use plimsoll_keeper::deploy::Deployment;
use plimsoll_keeper::hexes;
use plimsoll_keeper::journal::{Identity, Journal};
use plimsoll_keeper::proof::Proof;
use plimsoll_keeper::receipt::Receipt;
use std::path::Path;
use std::process::Command;

/// Runs a command that must end with `code`.
#[track_caller]
fn ends(command: &mut Command, code: i32) -> Said {
    let said = run(command);
    assert_eq!(
        said.status.code(),
        Some(code),
        "{command:?}\n{}\n{}",
        said.out,
        said.err
    );
    said
}

fn audit(folder: &Path) -> Command {
    let mut command = plimsoll();
    command
        .arg("audit")
        .arg("--deployment")
        .arg(folder.join("deployment.toml"));
    command
}

/// A receipt that the keeper's journal has as counted, with all of its batch.
async fn counted(stage: &Stage) -> (Receipt, Vec<Receipt>, (u32, u32, u64)) {
    let deployment = &stage.deployment;
    let identity = Identity {
        genesis: deployment.genesis,
        contract: deployment.contract,
        lanes: deployment.lanes,
    };
    let journal = Journal::open(&stage.path().join("keeper.sqlite"), identity)
        .await
        .expect("free");
    let batch = journal.recent(1).await.expect("readable").pop();
    let batch = batch.expect("there was one");
    let receipts = journal.receipts_of(batch.number).await.expect("readable");
    let header = batch.header;
    let one = receipts[receipts.len() / 2].clone();
    (one, receipts, (header.epoch, header.lane, header.seq))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_on_a_node_is_audited_and_its_receipts_are_proven() {
    let mut stage = Stage::set().await;
    let keeper = stage.start_keeper(None);
    for epoch in 0..2 {
        stage.bring_work(epoch).await;
        until!(
            stage,
            format!("epoch {epoch} attested"),
            stage.attested(epoch).await
        );
        stage.to_settlement(epoch).await;
        until!(
            stage,
            format!("epoch {epoch} settled"),
            stage.settled(epoch).await
        );
        stage.to_booking(epoch).await;
        until!(
            stage,
            format!("epoch {epoch} paid"),
            stage.paid(epoch).await
        );
    }
    keeper.stop();
    let folder = stage.path().to_owned();
    let state = folder.join("audit.state");

    // Everything, with every receipt of the keeper's journal.
    let text = succeed(
        audit(&folder)
            .arg("--state")
            .arg(&state)
            .args(["--network", NETWORK, "--journal"])
            .arg(folder.join("keeper.sqlite")),
    );
    assert!(text.starts_with("every unit accounted for"), "{text}");
    let receipts = format!("{} receipts, each counted once", stage.receipts);
    assert!(text.contains(&receipts), "no `{receipts}` in:\n{text}");
    let ledger = stage.emission.ledger().await.expect("a view");
    assert!(
        text.contains(&format!("paid       {}", ledger.paid)),
        "{text}"
    );

    // What is kept is gone on from; without it the whole history comes to the same.
    let again = run(audit(&folder).arg("--state").arg(&state));
    assert!(again.err.contains("going on behind block"), "{}", again.err);
    assert!(again.status.success(), "{}", again.err);
    let fresh = succeed(
        audit(&folder)
            .arg("--state")
            .arg(&state)
            .arg("--from-scratch"),
    );
    let summary = |text: &str| -> Vec<String> {
        let kept = ["epochs", "batches", "received", "paid", "owed"];
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines
            .filter(|line| kept.iter().any(|name| line.starts_with(name)))
            .collect()
    };
    assert_eq!(summary(&again.out), summary(&fresh));
    assert_eq!(summary(&fresh).len(), 5, "{fresh}");

    proofs(&stage, &folder).await;
    tampered(&stage, &folder, &state);
}

async fn proofs(stage: &Stage, folder: &Path) {
    let (receipt, all, (epoch, lane, seq)) = counted(stage).await;
    let id = hexes::show(receipt.id);
    let deployment = folder.join("deployment.toml");
    let proof = folder.join("proof.json");
    let said = succeed(
        plimsoll()
            .args(["receipt", "prove", "--receipt", &id, "--network", NETWORK])
            .arg("--journal")
            .arg(folder.join("keeper.sqlite"))
            .arg("--deployment")
            .arg(&deployment)
            .arg("--out")
            .arg(&proof),
    );
    assert!(said.contains(&id), "{said}");
    let verify = |file: &Path| {
        let mut command = plimsoll();
        command
            .args(["receipt", "verify"])
            .arg(file)
            .arg("--deployment")
            .arg(&deployment);
        command
    };
    let said = succeed(&mut verify(&proof));
    let place = format!("epoch {epoch}, lane {lane}, batch {seq}");
    assert!(said.contains(&place), "no `{place}` in {said}");

    // From a file with the batch's receipts it is the same, and offline it is checked too.
    let text = std::fs::read_to_string(&proof).expect("written");
    let parsed: Proof = serde_json::from_str(&text).expect("a proof");
    let file = folder.join("batch.jsonl");
    let lines: Vec<String> = all
        .iter()
        .map(|receipt| serde_json::to_string(receipt).expect("plain data"))
        .collect();
    std::fs::write(&file, lines.join("\n")).expect("writable");
    let from_file = succeed(
        plimsoll()
            .args(["receipt", "prove", "--receipt", &id, "--network", NETWORK])
            .args(["--epoch", &epoch.to_string(), "--seq", &seq.to_string()])
            .arg("--receipts")
            .arg(&file)
            .arg("--deployment")
            .arg(&deployment),
    );
    let same: Proof = serde_json::from_str(&from_file).expect("a proof");
    assert_eq!(same, parsed);
    let root = hexes::show(parsed.root);
    succeed(
        plimsoll()
            .args(["receipt", "verify", "--root", &root])
            .arg(&proof),
    );

    // A receipt that was changed was not counted.
    let mut changed = parsed;
    changed.receipt.fee += 1;
    let text = serde_json::to_string(&changed).expect("plain data");
    let forged = folder.join("forged.json");
    std::fs::write(&forged, text).expect("writable");
    let said = ends(&mut verify(&forged), 1);
    assert!(said.err.contains("not under the root"), "{}", said.err);
    let said = ends(
        plimsoll()
            .args(["receipt", "verify", "--root", &root])
            .arg(&forged),
        1,
    );
    assert!(said.err.contains("not proven"), "{}", said.err);
}

fn tampered(stage: &Stage, folder: &Path, state: &Path) {
    // Artefacts of another contract.
    let artifacts = folder.join("artifacts");
    std::fs::create_dir(&artifacts).expect("a folder");
    let manifest = plimsoll_keeper::artifacts::MANIFEST;
    std::fs::write(artifacts.join("manifest.json"), manifest).expect("writable");
    let mut code = plimsoll_keeper::artifacts::EMISSION.to_vec();
    std::fs::write(artifacts.join("emission.polkavm"), &code).expect("writable");
    succeed(audit(folder).arg("--artifacts").arg(&artifacts));
    code[298] ^= 1;
    std::fs::write(artifacts.join("emission.polkavm"), &code).expect("writable");
    let said = ends(audit(folder).arg("--artifacts").arg(&artifacts), 1);
    assert!(said.out.contains("what      code"), "{}", said.out);

    // A deployment file of another contract, with the state of this one.
    let mut other = stage.deployment.clone();
    other.contract = stage.deployment.token;
    let file = folder.join("other.toml");
    other.save(&file).expect("a new file");
    let said = ends(plimsoll().arg("audit").arg("--deployment").arg(&file), 1);
    assert!(said.out.contains("what      code"), "{}", said.out);
    std::fs::write(state, "something else").expect("writable");
    let said = ends(audit(folder).arg("--state").arg(state), 3);
    assert!(said.err.contains("audit.state"), "{}", said.err);

    // Another chain, and none.
    let mut elsewhere: Deployment = stage.deployment.clone();
    elsewhere.genesis[0] ^= 1;
    let file = folder.join("elsewhere.toml");
    elsewhere.save(&file).expect("a new file");
    let said = ends(plimsoll().arg("audit").arg("--deployment").arg(&file), 3);
    assert!(said.err.contains("genesis"), "{}", said.err);
    let said = ends(audit(folder).args(["--url", "ws://127.0.0.1:1"]), 3);
    assert!(
        said.err.contains("ws://127.0.0.1:1") && said.err.contains("nothing is known to be wrong"),
        "{}",
        said.err
    );
}

#[test]
fn what_is_missing_for_an_audit_or_a_proof_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let said = ends(&mut audit(folder), 3);
    assert!(said.err.contains("deployment.toml"), "{}", said.err);
    let said = ends(audit(folder).args(["--receipts", "a.jsonl"]), 2);
    assert!(said.err.contains("--network"), "{}", said.err);
    fail(
        plimsoll().args(["receipt", "prove", "--receipt", "0x1", "--network", "n"]),
        &["--journal"],
    );
    let none = folder.join("none.json");
    let said = ends(plimsoll().args(["receipt", "verify"]).arg(&none), 3);
    assert!(said.err.contains("none.json"), "{}", said.err);
    std::fs::write(&none, "{\"network\": 7}").expect("writable");
    let said = ends(plimsoll().args(["receipt", "verify"]).arg(&none), 3);
    assert!(said.err.contains("none.json"), "{}", said.err);
}
