//! The guarantees on the bytecode: random epochs played through messages (attested with
//! signatures, settled, raised, booked, claimed) on the embedded chain, and what came of
//! them read from events and views.
//!
//! The mechanism crate has a property for each guarantee, over millions of inputs. Here
//! are fewer, and nothing between them and what runs on chain: a contract that calls the
//! wrong rule, or the right one with the wrong figures, fails here.

mod alternatives;
mod division;
mod plan;
mod play;
mod pool;
mod schedule;
mod text;

use plimsoll_evidence::Suite;

/// Where these properties run.
const SUITE: Suite = Suite {
    name: "bytecode",
    cases: 100,
    package: env!("CARGO_MANIFEST_DIR"),
};
