//! What nobody looked at for years.

use crate::block::{fits, register, vouch, world};
use plimsoll_embedded::Weight;
use plimsoll_interface::calls;
use plimsoll_interface::mechanism::vesting::MAX_VESTING_PERIODS;
use plimsoll_tests::{entry, Setup, World};

/// Epochs of ten seconds, so that years of them pass at once.
fn short_epochs() -> Setup {
    let mut setup = Setup::default();
    let times = &mut setup.settings.times;
    times.epoch = 10_000;
    times.attest_window = 3_000;
    times.review_window = 3_000;
    times.level_window = 4_000;
    setup
}

/// One vetted operator with work in epoch 0.
fn worked(setup: Setup) -> World {
    let mut world = world(setup, 1_000_000);
    let all = register(&mut world, "operator", 1);
    vouch(&mut world, &all);
    world.go_to_epoch(0);
    world.credit(0, &[entry(0, 1, 1, 1)]);
    world
}

#[test]
fn limit_an_epoch_that_nobody_settles_or_books_for_years_costs_what_it_would_have_at_once() {
    let costs = [1, 10_000_000].map(|late| {
        let mut world = worked(short_epochs());
        world.go_to_settlement(0);
        if late > 1 {
            world.go_to_epoch(late);
        }
        let settled = world.settle();
        world.pass(4_000);
        if late > 1 {
            world.go_to_epoch(2 * late);
        }
        let booked = world.book(&[0], &[0]);
        let claimed = world.claim(0);
        let costs = [
            settled.outcome.weight,
            booked.outcome.weight,
            claimed.outcome.weight,
        ];
        fits("settle", &settled, 5);
        fits("book", &booked, 5);
        fits("claim", &claimed, 5);
        settled.done();
        assert_eq!(booked.done().booked, 1);
        claimed.done();
        costs.map(|cost| cost.proof_size())
    });
    let [at_once, late] = costs;
    assert_eq!(at_once[..2], late[..2]);
    // A payment's event tells larger numbers in more bytes.
    assert!(late[2].abs_diff(at_once[2]) < 1_000, "{costs:?}");
}

#[test]
fn limit_the_longest_search_for_an_epoch_to_settle_fits_in_a_block_and_goes_on_behind_it() {
    let mut world = worked(short_epochs());
    world.go_to_settlement(0);
    world.settle().done();
    // Three times as far as one call searches: forty-five years of hours.
    let last = 3 * 64 * 2_048;
    world.go_to_epoch(last);
    world.credit(last, &[entry(0, 1, 1, 1)]);
    world.go_to_settlement(last);
    for calls in 1.. {
        let sent = world.settle();
        fits("settle", &sent, 20);
        if sent.done().epoch == last {
            assert_eq!(calls, 4);
            break;
        }
    }
}

/// An open operator that has changed its bond in each of so many epochs.
fn changed(times: u32) -> World {
    let mut world = world(short_epochs(), 1_000_000);
    register(&mut world, "operator", 1);
    world.bond(0, 1_000);
    world.go_to_epoch(0);
    world.credit(0, &[entry(0, 1, 1, 1)]);
    world.go_to_settlement(0);
    world.settle().done();
    for epoch in 2..2 + times {
        world.go_to_epoch(epoch);
        world.bond(0, 1);
    }
    world
}

#[test]
fn limit_the_oldest_bond_is_found_in_an_archive_of_any_length() {
    let cost = |times| {
        let mut world = changed(times);
        let sent = world.book(&[0], &[0]);
        let weight = sent.outcome.weight;
        fits("book", &sent, 10);
        assert_eq!(sent.done().booked, 1);
        weight
    };
    let (short, long) = (cost(20), cost(320));
    // Sixteen times as long is four steps of the search more, or five.
    let more = long.proof_size() - short.proof_size();
    let step = more / 4;
    assert!(more > 0 && step < 20_000, "{short:?} {long:?}");
    // An archive of all epochs that there can be is 32 steps long.
    let longest = long.proof_size() + 28 * step;
    assert!(
        longest < crate::block::block().proof_size() / 5,
        "{longest}"
    );
}

#[test]
fn limit_an_operator_with_the_most_withdrawals_and_the_fullest_ring_pays_no_more_to_leave() {
    let mut setup = short_epochs();
    setup.settings.vesting.vesting_periods = MAX_VESTING_PERIODS;
    setup.settings.vesting.period_epochs = 1;
    let mut world = world(setup, 1_000_000_000);
    let (_, operator) = world.register("operator");
    world.bond(0, 1_000);
    world.go_to_epoch(0);
    let mut costs: Vec<Weight> = Vec::new();
    let epochs = u32::from(MAX_VESTING_PERIODS) + 3;
    for epoch in 0..epochs {
        world.go_to_epoch(epoch);
        world.credit(epoch, &[entry(0, 1, 1, 1)]);
        if epoch >= epochs - 3 {
            world.send::<u128>(&operator, calls::unbond(0, 100)).done();
        }
        if let Some(last) = epoch.checked_sub(2) {
            let sent = world.book(&[last], &[0]);
            fits("book", &sent, 10);
            costs.push(sent.outcome.weight);
            assert_eq!(sent.done().booked, 1);
        }
        if let Some(last) = epoch.checked_sub(1) {
            world.go_to_settlement(last);
            world.settle().done();
        }
    }
    world.go_to_settlement(epochs - 1);
    world.settle().done();
    let view = world.operator(0);
    assert_eq!(view.unbonding.len(), 3);
    assert!(view.vesting.len() >= usize::from(MAX_VESTING_PERIODS));
    let (first, last) = (costs[0].proof_size(), costs[costs.len() - 1].proof_size());
    // One item more than the first time: where its bond of long ago lies.
    assert!(last <= first + 25_000, "{first} {last}");
    let sent = world.claim(0);
    fits("claim", &sent, 5);
    sent.done();
    world.go_to_epoch(epochs + 50);
    let sent = world.send::<u128>(&operator, calls::withdraw_bond(0));
    fits("withdraw_bond", &sent, 6);
    assert_eq!(sent.done(), 300);
    let sent = world.claim(0);
    fits("claim", &sent, 5);
    sent.done();
    assert_eq!(world.operator(0).unvested, 0);
}

#[test]
fn limit_many_epochs_of_arrears_are_booked_in_one_block() {
    let mut setup = short_epochs();
    setup.settings.vesting.vesting_periods = MAX_VESTING_PERIODS;
    setup.settings.vesting.period_epochs = 1;
    let mut world = world(setup, 1_000_000_000);
    let all = register(&mut world, "operator", 2);
    vouch(&mut world, &all);
    // A hundred epochs that nobody booked.
    let epochs: Vec<u32> = (0..100).collect();
    for epoch in &epochs {
        world.go_to_epoch(*epoch);
        world.credit(*epoch, &[entry(0, 3, 1, 1), entry(1, 1, 0, 0)]);
    }
    world.go_to_settlement(99);
    for _ in &epochs {
        world.settle().done();
    }
    world.go_to_epoch(102);
    let sent = world.book(&epochs, &[0]);
    fits("booking a hundred epochs", &sent, 75);
    assert_eq!(sent.done().booked, 100);
    let sent = world.claim(0);
    fits("claim", &sent, 5);
    sent.done();
}
