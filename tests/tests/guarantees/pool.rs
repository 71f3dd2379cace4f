//! Epochs that many properties look at are played once, on as many threads as there are.

use crate::plan::{plans_of_any_size, Plan};
use crate::play::Outcome;
use crate::SUITE;
use plimsoll_evidence::seed;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use std::collections::HashMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

/// Contracts call each other, and the interpreter's frames are large in this build.
const STACK_BYTES: usize = 64 * 1024 * 1024;

type Pool = HashMap<String, Arc<Outcome>>;

/// What came of a plan: of those that every property of the suite tries, from the pool.
/// Others are played now: shrunk ones, and those that failed before.
pub fn outcome(plan: &Plan) -> Arc<Outcome> {
    static POOL: OnceLock<Pool> = OnceLock::new();
    let pool = POOL.get_or_init(fill);
    pool.get(&key(plan))
        .cloned()
        .unwrap_or_else(|| Arc::new(Outcome::of(plan)))
}

fn key(plan: &Plan) -> String {
    format!("{plan:?}")
}

/// The inputs that a property of the suite is given, which follow from the seed.
fn inputs() -> Vec<Plan> {
    let plans = std::cell::RefCell::new(Vec::new());
    let config = Config {
        cases: SUITE.cases(),
        rng_seed: RngSeed::Fixed(seed()),
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&plans_of_any_size(), |plan| {
            plans.borrow_mut().push(plan);
            Ok(())
        })
        .expect("nothing is tested yet");
    plans.into_inner()
}

fn fill() -> Pool {
    let (plans, next) = (inputs(), AtomicUsize::new(0));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut played = Vec::new();
        while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
            // One that panics is not kept: its property plays it again and says so.
            if let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| Outcome::of(plan))) {
                played.push((key(plan), Arc::new(outcome)));
            }
        }
        played
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                thread::Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, work)
                    .expect("the system gives a thread")
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("panics are caught"))
            .collect()
    })
}
