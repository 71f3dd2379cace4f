//! Every input that is kept goes through its target, without the fuzzer.

use plimsoll_fuzz::TARGETS;
use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries
        .map(|entry| entry.expect("readable").path())
        .collect()
}

#[test]
fn everything_in_the_corpus_is_answered_without_a_panic() {
    let mut failed = Vec::new();
    for target in TARGETS {
        let files = files(&target.corpus());
        assert!(!files.is_empty(), "{} has no input", target.name);
        for file in files {
            let input = std::fs::read(&file).expect("readable");
            if catch_unwind(|| target.run(&input)).is_err() {
                failed.push(file);
            }
        }
        // Nothing and a zero are inputs, too.
        target.run(&[]);
        target.run(&[0]);
    }
    assert!(failed.is_empty(), "these fail: {failed:#?}");
}

#[test]
fn every_folder_of_the_corpus_is_a_targets() {
    let corpus = TARGETS[0].corpus();
    let folders = files(corpus.parent().expect("it is in a folder"));
    let targets: BTreeSet<_> = TARGETS.iter().map(|target| target.corpus()).collect();
    assert_eq!(folders, targets);
}
