//! Two ways to doubt the mechanism.
//!
//! # A second opinion
//! [`opinion`] divides an epoch and vests rewards once more. It is written from the text
//! (`docs/mechanism.md`, sections "Budget" to "Booking and vesting") and not from
//! `contracts/mechanism`: it imports nothing of that crate (a test reads its sources), has
//! its own plain structs of numbers, and works in exact fractions, where the crate
//! rounds at each step. What the crate reaches by raising one participant after the other,
//! it finds as the root of a piecewise linear function.
//!
//! To check it, read `opinion/epoch.rs` beside the text: each method is one formula, and
//! the only divisions are those of amounts that the text itself rounds (budget, caps,
//! ceilings). The root in `opinion/level.rs` need not be believed: `Level::certify` proves
//! of each division that it is the max-min fair one, by the definition of that.
//! `tests/opinion.rs` compares both, on random epochs and on every small one, and says by
//! how much the crate may differ.
//!
//! # An attacker that searches
//! [`attacks`] has one file for each way to cheat. An attack has dials; the search turns
//! them on each of the [`populations`], and what it measures is the attacker's income by
//! the mechanism crate itself, against what honesty would have paid. `tests/attacks.rs`
//! says of each attack whether a guarantee excludes it, or up to what bound the text
//! admits it.
//!
//! # To run it
//!
//! ```text
//! cargo test --package plimsoll-proofs --profile audit
//! ```
//!
//! | variable | what it sets | unset |
//! |---|---|---|
//! | `PLIMSOLL_CASES` | random epochs for each property of the opinion | 2,000 |
//! | `PLIMSOLL_EXHAUSTIVE` | operators of the largest of the small populations | 2 |
//! | `PLIMSOLL_EVALUATIONS` | settings that an attack tries in each population | 400 |
//! | `PLIMSOLL_SEED`, `PLIMSOLL_EVIDENCE` | as everywhere, see `plimsoll_evidence` | |
#![forbid(unsafe_code)]

pub mod attacks;
pub mod opinion;
pub mod populations;
pub mod world;
