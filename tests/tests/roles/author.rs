//! A block author that sets the clock.
//!
//! The contract reads the block's timestamp. What bounds it is the chain: time never
//! goes back (pallet-timestamp), and honest nodes refuse a block that is more than 30
//! seconds ahead of their own clock; on a parachain it is bound to the relay chain's
//! slots. Within that an author moves every deadline by its own skew, and no more.

use crate::scene::{conclude, honest, raise_all, BUDGET, CAP};
use crate::stage::{stage, BOND, RESERVE};
use plimsoll_embedded::ClockError;
use plimsoll_interface::{calls, Error};
use plimsoll_tests::entry;

/// What honest nodes let a block be ahead of their clock, in ms.
const DRIFT: u64 = 30_000;

#[test]
fn role_author_cannot_turn_the_clock_back_nor_let_two_blocks_have_one_time() {
    let (mut world, _) = stage(0, 0);
    world.go_to_epoch(3);
    let now = world.chain.now_ms();
    for asked in [0, now - DRIFT, now - 1, now] {
        let refused = world.chain.set_time(asked);
        assert_eq!(refused, Err(ClockError::NotForward { now, asked }));
    }
    assert_eq!(world.clock().epoch, 3);
}

#[test]
fn role_author_that_lets_time_stand_still_keeps_every_window_where_it_is() {
    let (mut world, _) = stage(1, 0);
    world.credit(0, &[entry(0, 1, 0, 0)]);
    world.go_to_settlement(0);
    world.pass(1);
    let before = world.clock();
    // A thousand blocks within what is left of the second: contracts see none of them.
    for _ in 0..998 {
        world.chain.advance(1).expect("time moves forward");
    }
    assert_eq!(world.clock(), before);
    // What is due may be done all the same, and what is not is still refused.
    world.settle().done();
    assert_eq!(world.book(&[0], &[0]).refused(), Error::NotFinal);
    assert_eq!(world.claim(0).refused(), Error::NothingDue);
}

#[test]
fn role_author_that_is_ahead_closes_a_window_by_as_much_and_the_work_counts_in_the_next_epoch() {
    let (mut world, _) = stage(4, 0);
    let times = world.settings().times;
    let end = times.epoch + times.attest_window;
    // Honest time: half a minute and a second before the window ends.
    world.go_to(end - DRIFT - 1_000);
    let batch = world.batch(0, 0, &honest());
    let start = world.chain.snapshot();
    world.attest(&batch).done();
    // As far ahead as honest nodes allow: still one second left.
    world.chain.restore(&start);
    world.pass(DRIFT);
    world.attest(&batch).done();
    // A second later the same skew closes it; the work is carried, not lost.
    world.chain.restore(&start);
    world.pass(1_000 + DRIFT);
    assert_eq!(world.attest(&batch).refused(), Error::EpochClosed);
    world.credit(1, &honest());
    assert_eq!(conclude(&mut world, 1, &[0, 1, 2, 3]), [CAP; 4]);
}

#[test]
fn role_author_that_jumps_far_ahead_skips_windows_and_changes_no_amount() {
    // Everything below is what a chain whose clock lies without any bound would allow.
    let mut seen = Vec::new();
    for jump in [0, 1_000] {
        let (mut world, _) = stage(2, 1);
        let work = [entry(0, 70, 0, 0), entry(1, 10, 0, 0), entry(2, 20, 0, 0)];
        world.credit(0, &work);
        if jump > 0 {
            world.go_to_epoch(jump);
            // The review window is missed: nobody strikes any more.
            let guardian = world.guardian.clone();
            let late = world.send::<()>(&guardian, calls::strike(0, 0, [1; 32]));
            assert_eq!(late.refused(), Error::NotInReview);
        } else {
            world.go_to_settlement(0);
        }
        assert_eq!(world.settle().done().budget, BUDGET);
        // The level window begins with the settlement, so nobody misses it.
        raise_all(&mut world, 0);
        assert_eq!(world.book(&[0], &[0]).refused(), Error::NotFinal);
        world.go_to_final(0);
        seen.push([0, 1, 2].map(|k| world.preview(0, k).reward));
        assert_eq!(world.book(&[0], &[0, 1, 2]).done().booked, 3);
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn role_author_that_jumps_ends_at_once_what_only_time_holds_back() {
    let (mut world, operators) = stage(4, 1);
    world.credit(0, &honest());
    conclude(&mut world, 0, &[0, 1, 2, 3]);
    world
        .send::<u128>(&operators[4], calls::unbond(4, BOND))
        .done();
    let id = world.queue(&crate::scene::slash(0, 1)).done();
    world.go_to_epoch(1_000);
    // Vesting, the wait of a bond, and the timelock: all of them are times.
    assert_eq!(world.claim(0).done(), CAP);
    let anyone = world.anyone.clone();
    let bond = world.send::<u128>(&anyone, calls::withdraw_bond(4)).done();
    assert_eq!(bond, BOND);
    let owner = world.owner.clone();
    let slash = calls::execute_slash(id, &[]);
    assert_eq!(
        world.send::<u128>(&owner, slash).done(),
        0,
        "all has vested"
    );
    // No epoch in between had work, so none has a budget: the reserve is what it was.
    assert_eq!(world.settle().refused(), Error::NothingToSettle);
    let ledger = world.ledger();
    assert_eq!(ledger.reserve, RESERVE - 4 * CAP);
}

#[test]
fn role_author_that_jumps_to_the_end_of_time_locks_nobody_in() {
    let (mut world, operators) = stage(4, 1);
    world.credit(0, &honest());
    world
        .send::<u128>(&operators[4], calls::unbond(4, BOND))
        .done();
    world.go_to_settlement(0);
    world.settle().done();
    raise_all(&mut world, 0);
    // Half a billion years on, past the last epoch that can be counted.
    world.chain.set_time(u64::MAX - 10_000).expect("forward");
    assert_eq!(world.clock().epoch, u32::MAX);
    assert_eq!(world.book(&[0], &[0, 1, 2, 3]).done().amount, 4 * CAP);
    assert_eq!(world.claim_many(&[0, 1, 2, 3]).done().amount, 4 * CAP);
    let anyone = world.anyone.clone();
    let bond = world.send::<u128>(&anyone, calls::withdraw_bond(4)).done();
    assert_eq!(bond, BOND);
}
