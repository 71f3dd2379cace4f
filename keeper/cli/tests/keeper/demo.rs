//! The demo comes to the same on the embedded chain and on a node.

use crate::node::Node;
use crate::programs::{neighbour, plimsoll, succeed};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// How many of the trace's jobs are replayed: enough for every epoch and for operators
/// of all kinds.
const JOBS: usize = 1_200;

/// Every so many lines of the trace one is taken, so that its whole span is there.
const ONE_IN: usize = 16;

#[test]
fn the_demo_reaches_the_same_rewards_to_the_unit_on_a_node_and_embedded() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/azure_llm_2023_conv.csv");
    let whole = std::fs::read_to_string(data).expect("shipped");
    let mut lines = whole.lines();
    let mut cut = format!("{}\n", lines.next().expect("the columns"));
    for line in lines.step_by(ONE_IN).take(JOBS) {
        writeln!(cut, "{line}").expect("a string");
    }
    std::fs::write(folder.join("trace.csv"), cut).expect("writable");
    let play = |command: &mut Command, out: &str| -> Value {
        let out = folder.join(out);
        let text = succeed(
            command
                .arg("--trace")
                .arg(folder.join("trace.csv"))
                .arg("--json")
                .arg(&out),
        );
        assert!(text.contains("every check passed"), "{text}");
        serde_json::from_str(&std::fs::read_to_string(out).expect("written")).expect("JSON")
    };
    let embedded = play(
        neighbour("plimsoll-local", "PLIMSOLL_LOCAL").arg("demo"),
        "embedded.json",
    );
    let node = Node::start(folder);
    let on_node = play(plimsoll().args(["demo", "--node", node.url()]), "node.json");
    for key in ["digest", "epochs", "operators"] {
        assert!(!embedded[key].is_null());
        assert_eq!(on_node[key], embedded[key], "{key}");
    }
    assert_eq!(
        (&on_node["passed"], &embedded["passed"]),
        (&Value::Bool(true), &Value::Bool(true))
    );
}
