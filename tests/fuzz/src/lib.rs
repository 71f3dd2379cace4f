//! Fuzzing of everything that parses what comes from outside.
//!
//! A [`Target`] takes any bytes and must answer without a panic. Each promises more than
//! that: what was read is written and read again as the same; two ways to the same answer
//! agree; what is accepted is within the bounds; what is refused is refused with its place.
//!
//! `scripts/fuzz.sh` runs the targets under libFuzzer, which follows the code's branches to
//! new inputs. The inputs worth keeping are in `corpus/TARGET/`: real ones, edge cases, and
//! those that once failed. An ordinary `cargo test` gives each of them to its target.

mod allocation;
mod attester;
mod batches;
mod bytes;
mod chain;
mod eip712;
mod exports;
mod http;
mod receipts;
mod settings;
mod texts;

use std::path::PathBuf;
use std::sync::OnceLock;

/// Something that parses what comes from outside, with what it promises.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of its folder in the corpus, and for `scripts/fuzz.sh`.
    pub name: &'static str,
    /// What it is given.
    pub input: &'static str,
    run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target(
        "receipts-json",
        "a file of receipts, one JSON object a line",
        receipts::json,
    ),
    target(
        "receipts-csv",
        "a file of receipts as comma-separated values",
        receipts::csv,
    ),
    target(
        "trace",
        "a file in the Azure trace's columns",
        receipts::trace,
    ),
    target(
        "config",
        "the configuration of a keeper or an attester",
        settings::config,
    ),
    target(
        "overrides",
        "keys of the configuration as flags or variables, one a line",
        settings::overrides,
    ),
    target("deployment", "a deployment file", settings::deployment),
    target("terms", "what is to be deployed", settings::terms),
    target(
        "entries",
        "the packed entries of a batch, after a byte for the operators' tiers",
        batches::entries,
    ),
    target(
        "signatures",
        "a batch's header and entries, a signature and a key",
        batches::signatures,
    ),
    target(
        "attester",
        "a request to an attester, as JSON",
        attester::request,
    ),
    target(
        "answers",
        "an answer of an attester or a daemon as JSON, after a byte for its kind",
        http::answers,
    ),
    target(
        "views",
        "an answer or event of the contract in SCALE, after a byte for its kind",
        chain::views,
    ),
    target(
        "token",
        "an answer of an ERC-20, after a byte for its kind",
        chain::token,
    ),
    target(
        "allocate",
        "the input of `plimsoll allocate`",
        allocation::allocate,
    ),
    target(
        "params",
        "parameters that a comparison exported, as JSON",
        exports::params,
    ),
    target("urls", "the address of a service", texts::urls),
    target("hex", "bytes as hexadecimal text", texts::hex),
];

const fn target(name: &'static str, input: &'static str, run: fn(&[u8])) -> Target {
    Target { name, input, run }
}

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Gives it an input.
    ///
    /// # Panics
    /// If what it promises does not hold.
    pub fn run(&self, input: &[u8]) {
        (self.run)(input);
    }

    /// The folder of the inputs that are kept.
    #[must_use]
    pub fn corpus(&self) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "corpus", self.name]
            .iter()
            .collect()
    }
}

/// The target that the environment variable `PLIMSOLL_FUZZ_TARGET` names.
///
/// # Panics
/// If it names none.
pub fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("PLIMSOLL_FUZZ_TARGET").unwrap_or_default();
        Target::find(&name).unwrap_or_else(|| {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            panic!("PLIMSOLL_FUZZ_TARGET is {name:?}: it takes one of {names:?}")
        })
    })
}
