//! Random sequences of messages and times on the contracts' bytecode, against a plain
//! model of what the contract should hold.
//!
//! After every message the answer, the ledger and the token balance must be the
//! model's, which is to say: the ledger conserves (G1), the tokens cover what is owed
//! (G15), and every accepted batch is counted once (G16). In the end everybody leaves and
//! gets all that it has (G17). A third of the sequences is in a token that misbehaves on
//! the way. An indexer beside them reads nothing but events, and in the end knows
//! everything that the views show.
//!
//! * `PLIMSOLL_SEQUENCES`, `PLIMSOLL_STEPS`: how many sequences, of how many steps.
//! * `PLIMSOLL_SEED`: as everywhere. A sequence follows from the seed and its number alone.
//! * `PLIMSOLL_THREADS`: on how many threads; all there are unless it is set.
//!
//! A sequence that fails is made short and kept in `regressions`, which every run plays
//! first.

mod exit;
mod game;
mod history;
mod model;
mod step;
mod story;
mod token;

use game::Counts;
use plimsoll_evidence::{number, only_judges, say, seed, Suite};
use plimsoll_tests::faults;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;
use story::{Stage, Story};

/// Sequences, unless `PLIMSOLL_SEQUENCES` says otherwise.
const SEQUENCES: u32 = 100;

/// Steps of a sequence, unless `PLIMSOLL_STEPS` says otherwise. Most steps are one
/// message or one jump of the clock, some a whole epoch.
const STEPS: u64 = 50;

/// Contracts call each other, and the interpreter's frames are large in this build.
const STACK_BYTES: usize = 64 * 1024 * 1024;

const SUITE: Suite = Suite {
    name: "stateful",
    cases: SEQUENCES,
    package: env!("CARGO_MANIFEST_DIR"),
};

/// What came of the stories of one thread.
#[derive(Default)]
struct Found {
    counts: Counts,
    faults: BTreeMap<u8, u64>,
    /// Why a story failed, and where its shortest form is kept.
    failure: Option<String>,
}

/// Plays story after story until there is none left or one has failed.
fn play_on(next: &AtomicU64, stop: &AtomicBool, sequences: u64, steps: usize) -> Found {
    let mut stage = Stage::default();
    let mut failure = None;
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= sequences {
            break;
        }
        let story = Story::drawn(seed(), number, steps);
        if let Err(reason) = stage.play(&story) {
            stop.store(true, Ordering::Relaxed);
            if only_judges() {
                failure = Some(reason);
                break;
            }
            let story = story.shortest(|story| stage.play(story).is_err());
            let reason = stage.play(&story).err().unwrap_or(reason);
            let path = story.keep();
            let (seed, path) = (seed(), path.display());
            failure = Some(format!(
                "{reason}\nsequence {number} of seed {seed}; these steps are enough, and \
                 kept in {path}: {story:#?}"
            ));
        }
    }
    Found {
        counts: stage.counts,
        faults: stage.faults,
        failure,
    }
}

/// Plays all stories on so many threads.
fn play_all(threads: u64, sequences: u64, steps: usize) -> Vec<Found> {
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                thread::Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, || play_on(&next, &stop, sequences, steps))
                    .expect("the system gives a thread")
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a panic is a failure of its story"))
            .collect()
    })
}

#[test]
fn g1_g15_g16_g17_hold_after_every_message_whoever_sends_it_and_whenever() {
    let begun = Instant::now();
    let kept = Story::kept();
    let mut stage = Stage::default();
    for (path, story) in &kept {
        if let Err(reason) = stage.play(story) {
            panic!("{reason}\nin {}: {story:#?}", path.display());
        }
    }
    let sequences = number("PLIMSOLL_SEQUENCES", u64::from(SEQUENCES), 1);
    let steps = number("PLIMSOLL_STEPS", STEPS, 1);
    let all = thread::available_parallelism().map_or(1, usize::from) as u64;
    let threads = number("PLIMSOLL_THREADS", all, 1).min(sequences);
    let mut counts = Counts::new();
    let mut met: BTreeMap<u8, u64> = BTreeMap::new();
    for found in play_all(threads, sequences, steps as usize) {
        if let Some(failure) = found.failure {
            panic!("{failure}");
        }
        for (name, (accepted, refused)) in found.counts {
            let count = counts.entry(name).or_default();
            *count = (count.0 + accepted, count.1 + refused);
        }
        for (fault, times) in found.faults {
            *met.entry(fault).or_default() += times;
        }
    }
    SUITE.record(
        "g1_g15_g16_g17_hold_after_every_message_whoever_sends_it_and_whenever",
        sequences,
        begun,
    );
    say(&format!(
        "stateful: {sequences} sequences of {steps} steps, {} kept ones before them",
        kept.len()
    ));
    // So few sequences may miss something.
    let enough = sequences >= u64::from(SEQUENCES) && steps >= STEPS;
    for (name, (accepted, refused)) in &counts {
        say(&format!("  {name}: {accepted} accepted, {refused} refused"));
        assert!(!enough || *accepted > 0, "{name} was never accepted");
    }
    for fault in faults() {
        let times = met.get(&(fault as u8)).copied().unwrap_or(0);
        say(&format!("  {fault:?} met {times} transfers"));
        assert!(!enough || times > 0, "{fault:?} was never tried");
    }
}

/// Shrinking and keeping are tried with a failure that is made up.
#[test]
fn a_story_that_fails_is_made_short_and_reads_back_as_it_was_kept() {
    let story = Story::drawn(seed(), 2, 30);
    let wanted = [story.steps[4].clone(), story.steps[17].clone()];
    let fails = |story: &Story| {
        let mut steps = story.steps.iter();
        wanted.iter().all(|step| steps.any(|other| other == step))
    };
    let short = story.shortest(fails);
    assert_eq!(short.steps, wanted);
    assert_eq!(Story::read(&short.text()), Some(short));
}
