//! `docs/assumptions.md` is what the shipped scenario says.

use plimsoll_simulator::scenario::{document, Scenario};

#[test]
fn the_document_lists_the_shipped_scenario() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/assumptions.md");
    let expected = document(&Scenario::shipped());
    if std::env::var_os("PLIMSOLL_WRITE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap();
    assert!(
        found == expected,
        "docs/assumptions.md differs from simulator/scenarios/opg.toml; write it again with \
         PLIMSOLL_WRITE_DOCS=1 cargo test -p plimsoll-simulator --test assumptions"
    );
}
