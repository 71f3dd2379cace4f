//! What the property tests share: how they run, what they draw, and what they
//! compare with.
#![allow(
    dead_code,
    reason = "every test binary compiles this module and uses a part of it"
)]

pub mod draw;
pub mod exact;
pub mod host;
pub mod play;
pub mod raise;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use std::fmt::Debug;
use std::io::Write;

/// Cases of each property, unless `PLIMSOLL_CASES` says otherwise.
const CASES: u32 = 2_000;

/// How many cases a property runs: at least one.
pub fn cases() -> u32 {
    let Ok(wanted) = std::env::var("PLIMSOLL_CASES") else {
        return CASES;
    };
    match wanted.parse() {
        Ok(cases) if cases > 0 => cases,
        _ => panic!("PLIMSOLL_CASES is {wanted:?}: it takes a number of cases, at least 1"),
    }
}

/// Runs the property `name`, which starts with the guarantee's id, on inputs of
/// `strategy`, and says on stderr how many cases it passed: `property g2: 2000
/// cases (rewards_never_exceed_the_budget)`.
pub fn property<S: Strategy>(name: &str, strategy: S, test: impl Fn(S::Value) -> TestCaseResult)
where
    S::Value: Debug,
{
    let config = Config {
        cases: cases(),
        failure_persistence: None,
        // An input of thousands of operators shrinks in steps of a millisecond.
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let cases = config.cases;
    if let Err(error) = TestRunner::new(config).run(&strategy, test) {
        panic!("{name}: {error}");
    }
    let (id, promise) = name.split_once('_').unwrap_or((name, ""));
    // Past the test harness, which swallows what passing tests print.
    writeln!(
        std::io::stderr(),
        "property {id}: {cases} cases ({promise})"
    )
    .expect("stderr takes a line");
}
