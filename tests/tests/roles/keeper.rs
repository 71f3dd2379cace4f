//! The keeper, hostile or lazy.

use crate::scene::{conclude, honest, raise_all, BUDGET, CAP};
use crate::stage::{booked, stage, RESERVE};
use plimsoll_interface::{calls, Credited, Error};
use plimsoll_tests::entry;

#[test]
fn role_keeper_that_withholds_work_delays_it_into_a_later_epoch_where_anybody_submits_it() {
    let (mut world, _) = stage(4, 0);
    // Signed in time, and not sent until it is too late.
    let withheld = world.batch(0, 0, &honest());
    world.go_to_review(0);
    assert_eq!(world.attest(&withheld).refused(), Error::EpochClosed);
    // The same work, for the epoch that takes it now, from somebody else.
    let other = world.actor("another keeper");
    let carried = world.batch(1, 0, &honest());
    let sent = world.send::<Credited>(&other, carried.call());
    assert_eq!(sent.done().credited, 4);
    assert_eq!(
        world.ledger().reserve,
        RESERVE,
        "nothing was emitted meanwhile"
    );
    assert_eq!(conclude(&mut world, 1, &[0, 1, 2, 3]), [CAP; 4]);
}

#[test]
fn role_keeper_that_leaves_out_one_operator_cannot_keep_others_from_submitting_its_work() {
    let (mut world, _) = stage(4, 0);
    world.credit(0, &honest()[1..]);
    // Another lane, another keeper, the same epoch.
    let other = world.actor("another keeper");
    let left_out = world.batch(0, 1, &honest()[..1]);
    world.send::<Credited>(&other, left_out.call()).done();
    assert_eq!(conclude(&mut world, 0, &[0, 1, 2, 3]), [CAP; 4]);
}

#[test]
fn role_keeper_that_cuts_and_orders_batches_at_will_changes_no_reward() {
    let mut seen = Vec::new();
    let cuts: [&[&[u32]]; 3] = [
        &[&[0, 1, 2, 3]],
        &[&[0], &[1], &[2], &[3]],
        &[&[2, 3], &[0, 1]],
    ];
    for cut in cuts {
        let (mut world, _) = stage(4, 0);
        let work = [40, 30, 20, 10];
        for (lane, part) in (0..).zip(cut) {
            let entries: Vec<_> = part
                .iter()
                .map(|k| entry(*k, work[*k as usize], 0, 1))
                .collect();
            let batch = world.batch(0, lane % 3, &entries);
            world.attest(&batch).done();
        }
        seen.push(conclude(&mut world, 0, &[3, 1, 0, 2]));
    }
    assert!(seen.iter().all(|rewards| *rewards == seen[0]), "{seen:?}");
}

#[test]
fn role_keeper_that_raises_nobody_lowers_nobody_and_whoever_is_eligible_raises_itself() {
    let play = |raise: &dyn Fn(&mut plimsoll_tests::World, &[plimsoll_tests::Actor])| {
        let (mut world, operators) = stage(3, 0);
        let entries = [entry(0, 70, 0, 0), entry(1, 20, 0, 0), entry(2, 10, 0, 0)];
        world.credit(0, &entries);
        world.go_to_settlement(0);
        world.settle().done();
        raise(&mut world, &operators);
        world.go_to_final(0);
        [0, 1, 2].map(|k| world.preview(0, k).reward)
    };
    let lazy = play(&|_, _| {});
    let honest = play(&|world, _| raise_all(world, 0));
    // Unraised, the large one is cut at its cap and the small get their plain share.
    assert_eq!(lazy, [CAP, BUDGET / 5, BUDGET / 10]);
    assert_eq!(honest, [CAP, CAP, CAP]);
    // One of them is enough: it raises the others with itself.
    let by_the_smallest = play(&|world, operators| {
        while world
            .send::<u32>(&operators[2], calls::raise(0, &[2, 1, 0]))
            .done()
            > 0
        {}
    });
    assert_eq!(by_the_smallest, honest);
}

#[test]
fn role_keeper_that_books_late_changes_no_reward_and_only_delays_what_returns() {
    let [early, late] = [2, 400].map(|epoch| {
        let (mut world, _) = stage(2, 0);
        world.credit(0, &[entry(0, 90, 0, 0), entry(1, 10, 0, 0)]);
        world.go_to_settlement(0);
        world.settle().done();
        raise_all(&mut world, 0);
        world.go_to_epoch(epoch);
        assert_eq!(world.ledger().reserve, RESERVE - BUDGET);
        let booked = world.book(&[0], &[1, 0]).done();
        let ledger = world.ledger();
        assert_eq!(ledger.inflows, BUDGET - 2 * CAP);
        let sums = [0, 1].map(|k| {
            let view = world.operator(k);
            view.claimable + view.unvested
        });
        (booked, sums)
    });
    assert_eq!(early, late);
    assert_eq!(early.1, [CAP; 2]);
}

#[test]
fn role_keeper_that_chooses_the_order_of_claims_changes_nothing_that_is_paid() {
    let mut seen = Vec::new();
    for order in [[0, 1], [1, 0]] {
        for epochs in [vec![2, 3, 5, 9], vec![9]] {
            let (mut world, operators) = booked();
            for epoch in epochs {
                world.go_to_epoch(epoch);
                world.claim_many(&order).done();
            }
            let paid = operators.iter().map(|k| world.tokens(k.address));
            seen.push(paid.collect::<Vec<_>>());
        }
    }
    let all = alloy_primitives::U256::from(CAP);
    assert!(seen.iter().all(|paid| *paid == [all, all]), "{seen:?}");
}
