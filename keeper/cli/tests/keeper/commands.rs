//! The command line, without a chain.

use crate::programs::{fail, free_addresses, plimsoll, succeed, write_private};
use crate::workload::{gateway, lines, receipt, NETWORK};
use plimsoll_keeper::chain::H160;
use plimsoll_keeper::deploy::Deployment;
use plimsoll_keeper::hexes;
use plimsoll_keeper::receipt::Receipt;
use plimsoll_keeper::status::Status;
use serde_json::{json, Value};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

const COMMANDS: [&str; 10] = [
    "ingest", "run", "attester", "status", "allocate", "deploy", "audit", "receipt", "demo",
    "keygen",
];

#[test]
fn every_command_explains_itself() {
    let all = succeed(plimsoll().arg("--help"));
    for command in COMMANDS {
        assert!(
            all.contains(&format!("  {command}")),
            "{command} is not in:\n{all}"
        );
        let help = succeed(plimsoll().args([command, "--help"]));
        assert!(
            help.contains(&format!("Usage: plimsoll {command}")),
            "{help}"
        );
    }
    for command in ["ingest", "run", "attester", "status"] {
        let help = succeed(plimsoll().args([command, "--help"]));
        assert!(
            help.contains("--chain-urls") && help.contains("PLIMSOLL__CHAIN__URLS"),
            "{help}"
        );
    }
    assert!(succeed(plimsoll().arg("--version")).starts_with("plimsoll "));
    fail(plimsoll().arg("rum"), &["rum", "run"]);
    fail(
        plimsoll().args(["demo"]),
        &["--node", "plimsoll-local demo"],
    );
}

/// Files of a keeper that never saw a chain.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [listen] = free_addresses(1)[..] else {
            panic!("one address")
        };
        let files = Self { folder };
        files.write(
            "keeper.toml",
            &format!(
                "[receipts]\nnetwork = \"{NETWORK}\"\nsigners = [\"{}\"]\n[server]\nlisten = \"{listen}\"\n",
                hexes::show(gateway().address())
            ),
        );
        let deployment = Deployment {
            url: "ws://127.0.0.1:1".into(),
            genesis: [1; 32],
            chain_id: [2; 32],
            spec_name: "plimsoll".into(),
            contract: H160([3; 20]),
            lanes: 2,
            code_hash: [4; 32],
            block: 5,
            token: H160([6; 20]),
            token_symbol: "T".into(),
            token_decimals: 12,
            deployer: H160([7; 20]),
        };
        deployment
            .save(&files.path("deployment.toml"))
            .expect("a new file");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("writable");
        path
    }

    fn status(&self) -> Status {
        let text = succeed(
            plimsoll()
                .args(["status", "--json", "--config"])
                .arg(self.path("keeper.toml")),
        );
        serde_json::from_str(&text).expect("a status")
    }
}

#[test]
fn what_is_wrong_with_a_configuration_is_named() {
    let files = Files::new();
    let config = |name: &str, text: &str| {
        let mut command = plimsoll();
        command
            .args(["run", "--config"])
            .arg(files.write(name, text));
        command
    };
    fail(
        &mut config("a.toml", "[chain]\nurls = []\nurl = \"x\"\n"),
        &["a.toml", "line 3", "`url`"],
    );
    fail(
        &mut config("b.toml", "[chains]\n"),
        &["b.toml", "line 1", "`chains`"],
    );
    fail(
        &mut config("c.toml", "[batch]\nmax_entries = \"many\"\n"),
        &["c.toml", "max_entries"],
    );
    fail(
        &mut config("d.toml", "[batch]\nmax_entries = 0\n"),
        &["batch.max_entries"],
    );
    fail(
        &mut config("e.toml", "[server]\nlisten = \"0.0.0.0:80\"\n"),
        &["server.listen", "0.0.0.0:80"],
    );
    fail(
        &mut config("f.toml", "[[meters]]\nversion = 1\n"),
        &["f.toml", "prefill"],
    );
    fail(
        plimsoll()
            .args(["run", "--config"])
            .arg(files.path("none.toml")),
        &["none.toml"],
    );
    fail(
        plimsoll().args(["run", "--chain-url", "x"]),
        &["--chain-url"],
    );
    fail(
        plimsoll().arg("run").env("PLIMSOLL__CHAIN__URL", "x"),
        &["PLIMSOLL__CHAIN__URL"],
    );
    fail(
        plimsoll().arg("run").env("PLIMSOLL_HOLD_AT", "nowhere"),
        &["PLIMSOLL_HOLD_AT", "nowhere", "batch-built"],
    );
    for unknown in ["batch-built:attest", "submission-sent:fund"] {
        fail(
            plimsoll().arg("run").env("PLIMSOLL_HOLD_AT", unknown),
            &["PLIMSOLL_HOLD_AT", unknown],
        );
    }
    fail(
        plimsoll().args(["run", "--batch-max-entries", "many"]),
        &["--batch-max-entries"],
    );
    fail(
        plimsoll()
            .args(["run", "--log-filter", "=="])
            .arg("--config")
            .arg(files.path("keeper.toml")),
        &["log.filter"],
    );
    // Without what it needs.
    write_private(&files.path("suri"), "//Alice");
    let mut run = plimsoll();
    run.args(["run", "--config"]).arg(files.path("keeper.toml"));
    fail(&mut run, &["chain.suri_file", "PLIMSOLL_SURI"]);
    fail(
        run.arg("--chain-suri-file").arg(files.path("suri")),
        &["attesters.urls"],
    );
    std::fs::remove_file(files.path("deployment.toml")).expect("there");
    fail(&mut run, &["deployment.toml"]);
}

#[test]
fn a_flag_goes_before_the_environment_and_the_environment_before_the_file() {
    let files = Files::new();
    let run = || {
        let mut command = plimsoll();
        command
            .args(["run", "--config"])
            .arg(files.path("keeper.toml"));
        command
    };
    let (variable, wrong) = ("PLIMSOLL__SERVER__LISTEN", "0.0.0.0:81");
    fail(run().env(variable, wrong), &["server.listen", wrong]);
    let said = fail(
        run()
            .env(variable, wrong)
            .args(["--server-listen", "127.0.0.1:0"]),
        &["chain.suri_file"],
    );
    assert!(!said.err.contains(wrong), "{}", said.err);
}

#[test]
fn secrets_are_never_shown() {
    let files = Files::new();
    let key = files.path("new.key");
    let said = succeed(plimsoll().args(["keygen", "--out"]).arg(&key));
    let text = std::fs::read_to_string(&key).expect("written");
    let digits = text.trim().strip_prefix("0x").expect("hexadecimal");
    assert_eq!(digits.len(), 64);
    assert!(
        !said.contains(digits) && hexes::parse::<20>(said.trim()).is_ok(),
        "{said}"
    );
    let mode = std::fs::metadata(&key).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fail(plimsoll().args(["keygen", "--out"]).arg(&key), &["new.key"]);
    assert_eq!(
        std::fs::read_to_string(&key).expect("there"),
        text,
        "never overwritten"
    );

    // A key that others may read, and texts that are no keys.
    let attester = |key: &Path| {
        let mut command = plimsoll();
        command
            .args(["attester", "--config"])
            .arg(files.path("keeper.toml"));
        command.arg("--attester-key-file").arg(key);
        command
    };
    let open = files.write("open.key", &text);
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let said = fail(&mut attester(&open), &["open.key", "chmod 600"]);
    assert!(!said.err.contains(digits));
    let secret = "correct horse battery staple";
    let no_key = files.path("no.key");
    write_private(&no_key, secret);
    let said = fail(&mut attester(&no_key), &["no.key", "no secp256k1 key"]);
    assert!(!said.err.contains(secret), "{}", said.err);
    let terms = files.write("deploy.toml", &crate::stage::terms("secrets"));
    let said = fail(
        plimsoll()
            .args(["deploy", "--url", "ws://127.0.0.1:1", "--config"])
            .arg(terms)
            .env("PLIMSOLL_SURI", secret),
        &["secret URI"],
    );
    assert!(!said.err.contains("horse"), "{}", said.err);

    // No flag takes a secret, and help does not show what the environment holds.
    fail(plimsoll().args(["run", "--suri", secret]), &["--suri"]);
    fail(
        plimsoll().args(["attester", "--attester-key", secret]),
        &["--attester-key"],
    );
    let help = succeed(
        plimsoll()
            .args(["run", "--help"])
            .env("PLIMSOLL_SURI", secret),
    );
    assert!(!help.contains("horse"));
}

#[test]
fn receipts_are_taken_in_and_status_tells_without_a_daemon() {
    let files = Files::new();
    let keeper = files.path("keeper.toml");
    fail(
        plimsoll().args(["status", "--config"]).arg(&keeper),
        &["no daemon answers", "keeper.sqlite"],
    );

    let receipts: Vec<Receipt> = (0..5)
        .map(|k| receipt(&format!("job {k}"), k, 1_772_409_600_000))
        .collect();
    let mut text = lines(&receipts);
    text += "{\"id\": 1}\n";
    text += &lines(&[Receipt {
        fee: 1,
        ..receipts[0].clone()
    }]);
    let file = files.write("jobs.jsonl", &text);
    let ingest = |file: &Path| {
        let mut command = plimsoll();
        command.arg("ingest").arg(file).arg("--config").arg(&keeper);
        command
    };
    let out = succeed(&mut ingest(&file));
    assert!(
        out.contains("5 taken in, 0 known already, 2 quarantined"),
        "{out}"
    );
    let out = succeed(&mut ingest(&file));
    assert!(out.contains("0 taken in, 5 known already"), "{out}");

    let status = files.status();
    assert!(!status.running);
    assert_eq!((status.receipts.pending, status.receipts.counted), (5, 0));
    let lines: Vec<_> = status.quarantine.iter().map(|one| one.line).collect();
    assert!(
        lines.contains(&Some(6)) && lines.contains(&Some(7)),
        "{:?}",
        status.quarantine
    );
    let text = succeed(plimsoll().args(["status", "--config"]).arg(&keeper));
    assert!(
        text.contains("not running") && text.contains("5 waiting"),
        "{text}"
    );
    assert!(text.contains("jobs.jsonl:6"), "{text}");
    let mut status = plimsoll();
    status.args(["status", "--quarantine", "1", "--config"]);
    let text = succeed(status.arg(&keeper));
    assert_eq!(text.matches("jobs.jsonl:").count(), 1, "{text}");
    assert!(text.contains("the newest 1 of 2"), "{text}");

    // A trace, signed by the gateway; then one that nobody knows.
    let trace = files.write(
        "trace.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,374,44\n2023-11-16 18:17:04.0319600,396,109\n",
    );
    fail(&mut ingest(&trace), &["--format azure"]);
    fail(ingest(&trace).args(["--format", "azure"]), &["--operators"]);
    let azure = |seed: &str| {
        let mut command = ingest(&trace);
        command.args(["--format", "azure", "--operators", "3", "--clients", "2"]);
        command.args(["--start-ms", "1772409600000", "--seed", seed]);
        command
    };
    let out = succeed(&mut azure("1"));
    assert!(
        out.contains("0 taken in, 0 known already, 2 quarantined"),
        "unsigned: {out}"
    );
    let key = hexes::show(plimsoll_keeper::keys::keccak(b"the gateway of the tests"));
    let out = succeed(azure("2").env("PLIMSOLL_GATEWAY_KEY", key));
    assert!(out.contains("2 taken in"), "{out}");

    fail(&mut ingest(&files.path("none.jsonl")), &["none.jsonl"]);
    let unknown = files.write("jobs.txt", "");
    fail(&mut ingest(&unknown), &["jobs.txt", "--format"]);

    // The journal belongs to its deployment.
    let deployment = std::fs::read_to_string(files.path("deployment.toml")).expect("there");
    files.write(
        "deployment.toml",
        &deployment.replace(&"03".repeat(20), &"09".repeat(20)),
    );
    fail(
        plimsoll().args(["status", "--config"]).arg(&keeper),
        &["contract", &"03".repeat(20)],
    );
}

/// The example of the documentation.
fn example() -> (PathBuf, Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/epoch.json");
    let text = std::fs::read_to_string(&path).expect("there");
    (path, serde_json::from_str(&text).expect("JSON"))
}

/// `plimsoll allocate` with `text` on its standard input.
fn allocate(text: &str) -> (bool, String, String) {
    let mut child = plimsoll()
        .args(["allocate", "--input", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(text.as_bytes())
        .expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn an_epoch_is_allocated_from_a_file_and_from_standard_input() {
    let (path, input) = example();
    let out = succeed(plimsoll().args(["allocate", "--input"]).arg(path));
    let (success, piped, _) = allocate(&input.to_string());
    assert!(success);
    let (out, piped): (Value, Value) = (
        serde_json::from_str(&out).expect("JSON"),
        serde_json::from_str(&piped).expect("JSON"),
    );
    assert_eq!(out, piped);
    let amount = |value: &Value| {
        value
            .as_str()
            .expect("a decimal string")
            .parse::<u128>()
            .expect("decimal")
    };
    let rewards = out["rewards"].as_array().expect("a list");
    let ids: Vec<_> = rewards.iter().map(|reward| reward["id"].clone()).collect();
    let given: Vec<_> = input["operators"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(ids, given);
    let paid: u128 = rewards.iter().map(|reward| amount(&reward["reward"])).sum();
    assert_eq!(paid + amount(&out["carry"]), amount(&out["budget"]));
    for reward in rewards {
        assert_eq!(
            amount(&reward["liquid"]) + amount(&reward["vesting"]),
            amount(&reward["reward"])
        );
    }
}

#[test]
fn bad_input_to_allocate_is_refused_by_its_key() {
    let cases: [(&str, Value, &str); 10] = [
        ("/params/rate", json!(1_000_001), "rate"),
        (
            "/params/operator_cap",
            json!(4_000_000_000_u32),
            "operator_cap",
        ),
        ("/params/unit_ceiling", json!(5), "unit_ceiling"),
        ("/reserve", json!("-1"), "reserve"),
        (
            "/reserve",
            json!("340282366920938463463374607431768211456"),
            "reserve",
        ),
        ("/reserve", json!(1), "reserve"),
        ("/operators/1/tier", json!("golden"), "tier"),
        ("/operators/1/id", json!("whale"), "whale"),
        ("/operators/0/bulk_work", json!("1e3"), "bulk_work"),
        ("/operators/0/fees", Value::Null, "fees"),
    ];
    for (pointer, value, word) in cases {
        let (_, mut input) = example();
        *input.pointer_mut(pointer).expect("there") = value.clone();
        let (success, out, err) = allocate(&input.to_string());
        assert!(
            !success && out.is_empty(),
            "{pointer} = {value} was taken: {out}"
        );
        assert!(err.contains(word), "{pointer} = {value}: {err}");
    }
    let (_, mut input) = example();
    input["params"]["speed"] = json!(1);
    assert!(allocate(&input.to_string()).2.contains("speed"));
    let (_, mut input) = example();
    input.as_object_mut().expect("an object").remove("reserve");
    assert!(allocate(&input.to_string()).2.contains("reserve"));
    for nothing in ["", "[]", "{"] {
        assert!(!allocate(nothing).0);
    }
    fail(
        plimsoll().args(["allocate", "--input", "/nowhere/epoch.json"]),
        &["/nowhere/epoch.json"],
    );
    fail(plimsoll().arg("allocate"), &["--input"]);
}
