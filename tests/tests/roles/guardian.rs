//! The guardian, hostile.

use crate::scene::{conclude, everything, raise_all, BUDGET, CAP, EVIDENCE};
use crate::stage::{stage, BOND, RESERVE};
use plimsoll_interface::{calls, Error};
use plimsoll_tests::entry;

#[test]
fn role_guardian_strikes_honest_work_in_the_review_window_and_never_after_it() {
    let (mut world, _) = stage(4, 0);
    let guardian = world.guardian.clone();
    let strike = |epoch, operator| calls::strike(epoch, operator, EVIDENCE);
    world.credit(0, &crate::scene::honest());
    let early = world.send::<()>(&guardian, strike(0, 0));
    assert_eq!(early.refused(), Error::NotInReview, "in the epoch");
    world.go_to_epoch(1);
    let early = world.send::<()>(&guardian, strike(0, 0));
    assert_eq!(
        early.refused(),
        Error::NotInReview,
        "while it takes batches"
    );
    world.go_to_review(0);
    let sent = world.send::<()>(&guardian, strike(0, 0));
    assert_eq!(sent.events[0].name(), "Struck", "in public");
    sent.done();
    world.go_to_settlement(0);
    let before = everything(&mut world, 4);
    for moment in ["to be settled", "settled", "final", "booked", "years later"] {
        match moment {
            "settled" => {
                world.settle().done();
                raise_all(&mut world, 0);
            }
            "final" => world.go_to_final(0),
            "booked" => {
                let rewards = [0, 1, 2, 3].map(|k| world.preview(0, k).reward);
                assert_eq!(rewards, [0, CAP, CAP, CAP], "the others keep theirs");
                world.book(&[0], &[1]).done();
            }
            "years later" => world.go_to_epoch(10_000),
            _ => assert_eq!(everything(&mut world, 4), before),
        }
        for operator in [1, 2] {
            let late = world.send::<()>(&guardian, strike(0, operator));
            assert_eq!(late.refused(), Error::NotInReview, "{moment}");
        }
    }
    assert_eq!(world.book(&[0], &[2, 3]).done().amount, 2 * CAP);
}

#[test]
fn role_guardian_that_strikes_everybody_leaves_the_budget_in_the_reserve() {
    let (mut world, _) = stage(4, 0);
    world.credit(0, &crate::scene::honest());
    world.go_to_review(0);
    let guardian = world.guardian.clone();
    for operator in 0..4 {
        let strike = calls::strike(0, operator, EVIDENCE);
        world.send::<()>(&guardian, strike).done();
    }
    world.go_to_settlement(0);
    assert_eq!(world.settle().done().budget, 0);
    let ledger = world.ledger();
    assert_eq!((ledger.reserve, ledger.pots), (RESERVE, 0));
    // The next epoch emits as if nothing had been.
    world.go_to_epoch(2);
    world.credit(2, &[entry(0, 1, 0, 0)]);
    world.go_to_settlement(2);
    assert_eq!(world.settle().done().budget, BUDGET);
}

#[test]
fn role_guardian_stops_the_clock_for_max_pause_in_every_pause_gap_and_no_longer() {
    const ROUNDS: u64 = 12;
    let (mut world, _) = stage(0, 0);
    let guardian = world.guardian.clone();
    let times = world.settings().times;
    // It pauses at every moment at which it may, and tries at every other.
    let begun = world.clock();
    let (step, mut wall, mut stopped, mut pauses) = (100_000, 0, 0, 0);
    while pauses < ROUNDS || wall % (times.max_pause + times.pause_gap) != 0 {
        let sent = world.send::<()>(&guardian, calls::pause());
        if sent.succeeded() {
            pauses += 1;
        } else {
            let refused = sent.refused();
            let expected = matches!(refused, Error::Paused | Error::PauseTooSoon);
            assert!(expected, "{refused:?}");
        }
        if world.clock().stopped {
            stopped += step;
        }
        world.pass(step);
        wall += step;
    }
    assert_eq!(pauses, ROUNDS);
    assert_eq!(stopped, ROUNDS * times.max_pause);
    let now = world.clock();
    assert_eq!(now.now - begun.now, wall);
    assert_eq!(wall, ROUNDS * (times.max_pause + times.pause_gap));
    // 700 of every 2,700 seconds, and the rest of the time is the clock's.
    assert_eq!(now.elapsed - begun.elapsed, ROUNDS * times.pause_gap);
}

#[test]
fn role_guardian_that_pauses_and_resumes_gains_no_time_by_it() {
    let (mut world, _) = stage(0, 0);
    let guardian = world.guardian.clone();
    let times = world.settings().times;
    let send = |world: &mut plimsoll_tests::World, message| world.send::<()>(&guardian, message);
    let before = world.clock();
    send(&mut world, calls::pause()).done();
    world.pass(1_000);
    send(&mut world, calls::unpause()).done();
    // The gap is the same after a pause of a second, and from its end on.
    world.pass(times.pause_gap - 1_000);
    let soon = send(&mut world, calls::pause());
    assert_eq!(soon.refused(), Error::PauseTooSoon);
    world.pass(1_000);
    send(&mut world, calls::pause()).done();
    world.pass(times.max_pause + 5_000);
    let now = world.clock();
    assert_eq!(now.elapsed - before.elapsed, times.pause_gap + 5_000);
}

#[test]
fn role_guardian_keeps_nobody_in_whatever_it_pauses_and_strikes() {
    let (mut world, operators) = stage(2, 1);
    world.credit(
        0,
        &[entry(0, 50, 0, 1), entry(1, 50, 0, 1), entry(2, 50, 0, 1)],
    );
    let rewards = conclude(&mut world, 0, &[0, 1, 2]);
    let owed: u128 = rewards.iter().sum::<u128>() + BOND;
    world
        .send::<u128>(&operators[2], calls::unbond(2, BOND))
        .done();
    let guardian = world.guardian.clone();
    let anyone = world.anyone.clone();
    let times = world.settings().times;
    // From now on the clock stands whenever the guardian can make it.
    let (mut left, mut rounds) = (owed, 0);
    while left > 0 {
        world.send::<()>(&guardian, calls::pause()).done();
        // As of the stopped clock, everything that is due goes out.
        world.pass(times.max_pause / 2);
        let late = world.send::<()>(&guardian, calls::strike(0, 0, EVIDENCE));
        assert_eq!(late.refused(), Error::NotInReview);
        left -= world.claim_many(&[0, 1, 2]).done().amount;
        if let Ok(bond) = world.send::<u128>(&anyone, calls::withdraw_bond(2)).result {
            left -= bond;
        }
        world.pass(times.max_pause - times.max_pause / 2 + times.pause_gap);
        rounds += 1;
        assert!(rounds < 10, "{left} of {owed} is still inside");
    }
    let paid = [0, 1, 2].map(|k| world.tokens(operators[k].address));
    let paid: alloy_primitives::U256 = paid.into_iter().sum();
    assert_eq!(paid, alloy_primitives::U256::from(owed));
    // The last step is due at epoch 8: at 8,000 seconds, and after the three pauses before
    // the one in which it was paid.
    let (clock, began) = (world.clock(), 8 * times.epoch + 3 * times.max_pause);
    assert_eq!(rounds, 4);
    let paid_at = clock.now - times.genesis - times.max_pause.div_ceil(2) - times.pause_gap;
    assert_eq!(paid_at, began + times.max_pause / 2);
}
