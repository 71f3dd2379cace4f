//! How properties run, and the record of what ran.
//!
//! Every property of the project goes through [`Suite::property`], so that all of them
//! take the number of cases and the seed from one place, keep what failed, and leave a
//! line of evidence. `docs/audit.md` is generated from those lines and from the test
//! harness's own output, never typed.
//!
//! * `PLIMSOLL_CASES`: cases of each property, at least 1.
//! * `PLIMSOLL_SEED`: a number, or `fresh` for one that nobody has tried. Unset, it is
//!   [`FIXED_SEED`], so that a run of the tests says the same everywhere.
//! * `PLIMSOLL_JUDGE`: set where code is wrong on purpose and only the verdict counts: what
//!   fails is neither shrunk nor kept.
//! * `PLIMSOLL_EVIDENCE`: a folder for the record. Unset, nothing is recorded.

use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngSeed, TestCaseResult, TestError, TestRunner,
};
use std::fmt::Debug;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

/// The seed of an ordinary run.
pub const FIXED_SEED: u64 = 1;

/// Shrinking stops after this long: an input of thousands of operators shrinks in steps
/// of a millisecond.
const MAX_SHRINK_MS: u32 = 60_000;

/// The value of an environment variable that holds a number.
///
/// # Panics
/// If it is set to something else, or to less than `least`.
pub fn number(name: &str, otherwise: u64, least: u64) -> u64 {
    let Ok(text) = std::env::var(name) else {
        return otherwise;
    };
    match text.parse() {
        Ok(value) if value >= least => value,
        _ => panic!("{name} is {text:?}: it takes a number, at least {least}"),
    }
}

/// The seed of this process, see `PLIMSOLL_SEED`. A fresh one is said on stderr.
///
/// # Panics
/// If the variable holds neither a number nor `fresh`.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| match std::env::var("PLIMSOLL_SEED").as_deref() {
        Err(_) => FIXED_SEED,
        Ok("fresh") => {
            // The standard library's hasher is seeded by the operating system.
            let seed = RandomState::new().build_hasher().finish();
            say(&format!(
                "seed: {seed} (PLIMSOLL_SEED={seed} tries the same again)"
            ));
            seed
        }
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("PLIMSOLL_SEED is {text:?}: it takes a number or `fresh`")),
    })
}

/// Whether only the verdict counts, see `PLIMSOLL_JUDGE`.
pub fn only_judges() -> bool {
    std::env::var_os("PLIMSOLL_JUDGE").is_some()
}

/// Says a line past the test harness, which swallows what passing tests print.
///
/// # Panics
/// If stderr is closed.
pub fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("stderr takes a line");
}

/// A set of tests that share a place and a number of cases.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Its name in the record, for example `mechanism`.
    pub name: &'static str,
    /// Cases of each property, unless `PLIMSOLL_CASES` says otherwise.
    pub cases: u32,
    /// The folder of the package, for what failed: `env!("CARGO_MANIFEST_DIR")`.
    pub package: &'static str,
}

impl Suite {
    /// How many cases a property of this suite runs.
    ///
    /// # Panics
    /// If `PLIMSOLL_CASES` is not a number from 1 to `u32::MAX`.
    pub fn cases(&self) -> u32 {
        u32::try_from(number("PLIMSOLL_CASES", u64::from(self.cases), 1))
            .expect("PLIMSOLL_CASES is beyond what a property can count")
    }

    /// Runs the property `name`, which starts with the ids of its guarantees
    /// (`g2_rewards_never_exceed_the_budget`), on inputs of `strategy`.
    ///
    /// Inputs that failed before are tried first. One that fails now is shrunk, and its
    /// seed is added to `tests/regressions/NAME.txt` of the package, to be committed.
    ///
    /// # Panics
    /// If the property fails, with the shrunk input and how to run it again.
    pub fn property<S: Strategy>(
        &self,
        name: &str,
        strategy: S,
        test: impl Fn(S::Value) -> TestCaseResult,
    ) where
        S::Value: Debug,
    {
        self.property_of(name, self.cases(), strategy, test);
    }

    /// [`Suite::property`] with a number of cases of its own.
    ///
    /// # Panics
    /// As that.
    pub fn property_of<S: Strategy>(
        &self,
        name: &str,
        cases: u32,
        strategy: S,
        test: impl Fn(S::Value) -> TestCaseResult,
    ) where
        S::Value: Debug,
    {
        let kept: PathBuf = [self.package, "tests", "regressions", name]
            .iter()
            .collect();
        let kept = kept.with_extension("txt");
        // The runner wants a text that lives as long as the program; there is one a property.
        let kept: &'static str = Box::leak(kept.display().to_string().into_boxed_str());
        let mut config = Config {
            cases,
            failure_persistence: Some(Box::new(FileFailurePersistence::Direct(kept))),
            rng_seed: RngSeed::Fixed(seed()),
            max_shrink_time: MAX_SHRINK_MS,
            // An input that says nothing is not counted as a case; of a million there may
            // be more such than the runner allows by itself.
            max_global_rejects: cases.max(1_024),
            ..Config::default()
        };
        if only_judges() {
            config.failure_persistence = None;
            config.max_shrink_iters = 0;
        }
        let begun = Instant::now();
        match TestRunner::new(config).run(&strategy, test) {
            Ok(()) => self.record(name, u64::from(cases), begun),
            Err(TestError::Fail(reason, input)) => panic!(
                "{name}: {reason}\nthe smallest input found: {input:#?}\n\
                 with seed {}; kept in {kept}",
                seed()
            ),
            Err(TestError::Abort(reason)) => panic!("{name} gave up: {reason}"),
        }
    }

    /// Records that `name` passed `cases` cases since `begun`: on stderr, and as a line of
    /// `PLIMSOLL_EVIDENCE/SUITE.jsonl`.
    ///
    /// # Panics
    /// If the record cannot be written: evidence that is lost is worse than a stop.
    pub fn record(&self, name: &str, cases: u64, begun: Instant) {
        let (id, promise) = name.split_once('_').unwrap_or((name, ""));
        say(&format!("property {id}: {cases} cases ({promise})"));
        let Some(folder) = std::env::var_os("PLIMSOLL_EVIDENCE") else {
            return;
        };
        let line = serde_json::json!({
            "suite": self.name,
            "name": name,
            "cases": cases,
            "seed": seed(),
            "seconds": begun.elapsed().as_secs(),
        });
        append(
            &Path::new(&folder).join(format!("{}.jsonl", self.name)),
            &line.to_string(),
        );
    }
}

/// Adds a line to a file in one piece, so that tests that run at once do not mix.
fn append(file: &Path, line: &str) {
    let folder = file.parent().expect("it is in a folder");
    fs::create_dir_all(folder).expect("the folder of the evidence can be made");
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
