//! Random sequences of messages and times on the contracts' bytecode, against a plain
//! model of what the contract should hold.
//!
//! After every message the answer, the ledger and the token balance must be the
//! model's, which is to say: the ledger conserves (G1), the tokens cover what is owed
//! (G15), and every accepted batch is counted once (G16). An indexer beside them reads
//! nothing but events, and in the end knows everything that the views show.

mod game;
mod history;
mod model;
mod step;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use std::cell::RefCell;
use std::io::Write;
use step::Step;

/// Sequences, unless `PLIMSOLL_SEQUENCES` says otherwise.
const SEQUENCES: u32 = 100;

/// Steps of a sequence, unless `PLIMSOLL_STEPS` says otherwise. Most steps are one
/// message or one jump of the clock, some a whole epoch.
const STEPS: usize = 40;

fn number<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    std::env::var(name).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not `{text}`"))
    })
}

/// Leaves out every step without which it still fails, the last ones first.
fn shortest(mut story: Vec<Step>, fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    for k in (0..story.len()).rev() {
        let mut shorter = story.clone();
        shorter.remove(k);
        if fails(&shorter) {
            story = shorter;
        }
    }
    story
}

#[test]
fn g1_g15_g16_hold_after_every_message_whoever_sends_it_and_whenever() {
    let sequences = number("PLIMSOLL_SEQUENCES", SEQUENCES);
    let steps = number("PLIMSOLL_STEPS", STEPS);
    let game = RefCell::new(game::Game::new());
    let strategy = (any::<bool>(), prop::collection::vec(step::step(), steps));
    let config = Config {
        cases: sequences,
        failure_persistence: None,
        // Values do not shrink: leaving steps out makes a shorter story.
        max_shrink_iters: 0,
        ..Config::default()
    };
    let play = |early: bool, sequence: &[Step]| {
        let mut game = game.borrow_mut();
        game.restart(early);
        for step in sequence {
            game.take(step)?;
        }
        game.finish()
    };
    let result = TestRunner::new(config).run(&strategy, |(early, sequence)| play(early, &sequence));
    if let Err(TestError::Fail(reason, (early, sequence))) = result {
        let story = shortest(sequence, |story| play(early, story).is_err());
        panic!("{reason}\nbefore genesis: {early}\nthese steps are enough: {story:#?}");
    }
    result.expect("nothing aborts the runner but a failure");
    let game = game.borrow();
    // Past the test harness, which swallows what passing tests print.
    let mut stderr = std::io::stderr();
    writeln!(stderr, "stateful: {sequences} sequences of {steps} steps").expect("stderr is open");
    for (name, (accepted, refused)) in &game.counts {
        writeln!(stderr, "  {name}: {accepted} accepted, {refused} refused")
            .expect("stderr is open");
        // So many sequences that miss a message try something else than they say.
        let enough = sequences < SEQUENCES || steps < STEPS || *accepted > 0;
        assert!(enough, "{name} was never accepted");
    }
}
