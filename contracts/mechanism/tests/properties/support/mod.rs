//! What the property tests share: how they run, what they draw, and what they
//! compare with.

pub mod draw;
pub mod exact;
pub mod host;
pub mod play;
pub mod raise;

use plimsoll_evidence::Suite;
use proptest::strategy::Strategy;
use proptest::test_runner::TestCaseResult;
use std::fmt::Debug;

/// The properties of the mechanism crate.
const SUITE: Suite = Suite {
    name: "mechanism",
    cases: 2_000,
    package: env!("CARGO_MANIFEST_DIR"),
};

/// Runs the property `name`, which starts with the guarantee's id, on inputs of
/// `strategy`.
pub fn property<S: Strategy>(name: &str, strategy: S, test: impl Fn(S::Value) -> TestCaseResult)
where
    S::Value: Debug,
{
    SUITE.property(name, strategy, test);
}
