//! `SECURITY.md` and the tests name each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The names of this test target's roles by how the table calls them.
const ROLES: [(&str, &str); 10] = [
    ("anyone", "anyone"),
    ("keeper", "keeper"),
    ("operator", "operator"),
    ("fewer than `m` attesters", "attesters"),
    ("`m` attesters", "quorum"),
    ("registrar", "registrar"),
    ("guardian", "guardian"),
    ("owner", "owner"),
    ("token", "token"),
    ("block author", "author"),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The tests with this prefix in the sources of a target.
fn tests_of(target: &str, prefix: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder("tests").join(target)).expect("the target has sources");
    let mut tests = BTreeSet::new();
    for file in files {
        let text = read(&file.expect("it can be read").path());
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(next) = lines.peek().filter(|_| line == "#[test]") else {
                continue;
            };
            let name = next
                .strip_prefix("fn ")
                .and_then(|rest| rest.split('(').next());
            tests.extend(
                name.filter(|name| name.starts_with(prefix))
                    .map(str::to_owned),
            );
        }
    }
    tests
}

/// The words in backticks of a text that begin with `prefix`.
fn named(text: &str, prefix: &str) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let names = quoted.filter(|word| word.starts_with(prefix));
    names.map(str::to_owned).collect()
}

/// The part of `SECURITY.md` under a heading.
fn section(heading: &str) -> String {
    let text = read(&folder("../SECURITY.md"));
    let start = text
        .find(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("SECURITY.md has a part `{heading}`"));
    let part = &text[start + 4 + heading.len()..];
    part.split("\n## ").next().unwrap_or(part).to_owned()
}

/// The rows of the first table of a part, cell by cell, without its head.
fn rows(part: &str) -> Vec<Vec<String>> {
    let lines = part.lines().skip_while(|line| !line.starts_with('|'));
    lines
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

#[test]
fn every_row_of_the_roles_names_tests_of_that_role_that_exist() {
    let known = tests_of("roles", "role_");
    let rows = rows(&section("What each role can do at worst"));
    let mut seen = BTreeSet::new();
    for row in &rows {
        let [role, _, _, tests] = row.as_slice() else {
            panic!("a row has a role, what it can do, a bound and tests: {row:?}");
        };
        let prefix = ROLES
            .iter()
            .find(|(name, _)| name == role)
            .unwrap_or_else(|| panic!("{role} is no role"))
            .1;
        let tests = named(tests, "role_");
        assert!(!tests.is_empty(), "no test shows this: {row:?}");
        for test in &tests {
            assert!(known.contains(test), "there is no test {test}");
            let begins = test.starts_with(&format!("role_{prefix}_"));
            assert!(begins, "{test} stands beside {role}");
        }
        seen.extend(tests);
    }
    let unnamed: Vec<_> = known.difference(&seen).collect();
    assert!(unnamed.is_empty(), "no row names {unnamed:?}");
    for (role, _) in ROLES {
        assert!(rows.iter().any(|row| row[0] == role), "{role} has no row");
    }
}

#[test]
fn every_limit_names_a_test_that_exists() {
    let known = tests_of("limits", "limit_");
    let part = section("Limits");
    let rows = rows(&part);
    assert!(!rows.is_empty());
    for row in &rows {
        let tests = named(&row.join(" | "), "limit_");
        assert!(!tests.is_empty(), "no test shows this: {row:?}");
    }
    assert_eq!(named(&part, "limit_"), known);
}
