//! What the property tests share: how they run, what they draw, and what they
//! compare with.

pub mod draw;
pub mod exact;
pub mod host;
pub mod play;
pub mod raise;
pub mod source;

use plimsoll_evidence::Suite;
use proptest::test_runner::TestCaseResult;
use source::{drawn, Source};
use std::fmt::Debug;

/// The properties of the mechanism crate.
const SUITE: Suite = Suite {
    name: "mechanism",
    cases: 2_000,
    package: env!("CARGO_MANIFEST_DIR"),
};

/// Runs the property `name`, which starts with the guarantee's id, on inputs that
/// `generator` draws.
pub fn property<T: Debug>(
    name: &str,
    generator: impl Fn(&mut Source) -> T + Clone,
    test: impl Fn(T) -> TestCaseResult,
) {
    SUITE.property(name, drawn(generator), test);
}
