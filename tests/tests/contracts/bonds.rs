//! Bonds: deposits, withdrawals, and when each counts and leaves.

use crate::stage::{stage, BOND};
use plimsoll_interface::mechanism::bond::Unbonding;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::{calls, events, Error};
use plimsoll_tests::{entry, Event, World};

#[test]
fn a_deposit_counts_from_the_next_epoch() {
    let (mut world, _) = stage(0, 1);
    assert_eq!(
        world.operator(0).status,
        Status::Open,
        "bonded before genesis"
    );
    world.register("newcomer");
    let bank = world.bank.clone();
    let before = world.tokens(bank.address);
    let sent = world.send::<()>(&bank, calls::bond(1, 500));
    assert_eq!(
        sent.events,
        [Event::from(events::Bonded {
            operator: 1,
            amount: 500,
            from: 1,
        })]
    );
    sent.done();
    let paid = before - world.tokens(bank.address);
    assert_eq!(u128::try_from(paid), Ok(500));
    let view = world.operator(1);
    assert_eq!((view.bonded, view.bond), (500, 0));
    assert_eq!(
        (view.status, view.next_status),
        (Status::Inactive, Status::Open)
    );
    assert_eq!([0, 1, 9].map(|e| world.bond_at(e, 1)), [0, 500, 500]);
    world.go_to_epoch(1);
    let view = world.operator(1);
    assert_eq!((view.bond, view.status), (500, Status::Open));
    assert_eq!(world.ledger().bonds, BOND + 500);
}

#[test]
fn a_bond_below_the_smallest_does_not_make_an_operator_active() {
    let (mut world, _) = stage(0, 0);
    world.register("small");
    let smallest = world.settings().min_open_bond;
    world.bond(0, smallest - 1);
    assert_eq!(world.operator(0).next_status, Status::Inactive);
    world.bond(0, 1);
    assert_eq!(world.operator(0).next_status, Status::Open);
}

#[test]
fn anyone_may_bond_for_an_operator_that_exists_with_tokens_it_has() {
    let (mut world, _) = stage(0, 1);
    let bank = world.bank.clone();
    let unknown = world.send::<()>(&bank, calls::bond(1, 5));
    assert_eq!(unknown.refused(), Error::UnknownOperator(1));
    let nothing = world.send::<()>(&bank, calls::bond(0, 0));
    assert_eq!(nothing.refused(), Error::ZeroAmount);
    let pauper = world.actor("pauper");
    let broke = world.send::<()>(&pauper, calls::bond(0, 5));
    assert_eq!(broke.refused(), Error::TransferFailed);
    world.approve(&pauper);
    world.give(pauper.address, 4);
    let short = world.send::<()>(&pauper, calls::bond(0, 5));
    assert_eq!(short.refused(), Error::TransferFailed);
    world.send::<()>(&pauper, calls::bond(0, 4)).done();
    assert_eq!(world.operator(0).bonded, BOND + 4);
}

#[test]
fn a_withdrawal_takes_deposits_that_do_not_count_yet_first_and_pays_them_at_once() {
    let (mut world, operators) = stage(0, 1);
    world.bond(0, 300);
    let sent = world.send::<u128>(&operators[0], calls::unbond(0, 1_000));
    let payee = operators[0].address;
    assert_eq!(
        sent.events,
        [
            Event::from(events::Unbonding {
                operator: 0,
                amount: 1_000,
                free: 300,
                epoch: 0,
            }),
            Event::from(events::BondPaid {
                operator: 0,
                payee,
                amount: 300,
            }),
        ]
    );
    assert_eq!(sent.done(), 300);
    assert_eq!(u128::try_from(world.tokens(payee)), Ok(300));
    let view = world.operator(0);
    let waiting = Unbonding {
        epoch: 0,
        amount: 700,
    };
    assert_eq!((view.bonded, view.bond), (BOND - 700, BOND));
    assert_eq!(view.unbonding, [waiting]);
}

#[test]
fn a_bond_backs_its_last_epoch_and_leaves_when_that_is_final_long_enough() {
    let (mut world, operators) = stage(1, 1);
    world.credit(0, &[entry(0, 1, 0, 0), entry(1, 1, 0, 0)]);
    let sent = world.send::<u128>(&operators[1], calls::unbond(1, BOND));
    assert_eq!(sent.done(), 0, "all of it waits");
    assert_eq!([0, 1].map(|e| world.bond_at(e, 1)), [BOND, 0]);
    assert_eq!(world.operator(1).next_status, Status::Inactive);
    let anyone = world.anyone.clone();
    let withdraw = calls::withdraw_bond(1);
    // Its epoch is never final without a settlement.
    world.go_to_epoch(20);
    let early = world.send::<u128>(&anyone, withdraw.clone());
    assert_eq!(early.refused(), Error::NothingDue);
    let times = world.settings().times;
    world.settle().done();
    let settled = world.clock().elapsed;
    let free = settled + times.level_window + 2 * times.epoch;
    world.go_to(free - 1_000);
    let early = world.send::<u128>(&anyone, withdraw.clone());
    assert_eq!(early.refused(), Error::NothingDue);
    world.go_to(free);
    let sent = world.send::<u128>(&anyone, withdraw.clone());
    let payee = operators[1].address;
    assert_eq!(
        sent.events,
        [Event::from(events::BondPaid {
            operator: 1,
            payee,
            amount: BOND,
        })]
    );
    assert_eq!(sent.done(), BOND);
    assert_eq!(u128::try_from(world.tokens(payee)), Ok(BOND));
    let again = world.send::<u128>(&anyone, withdraw);
    assert_eq!(again.refused(), Error::NothingDue);
    assert_eq!(world.ledger().bonds, 0);
    // Its reward of epoch 0 is still bounded by the bond of that epoch.
    assert_eq!(world.bond_at(0, 1), BOND);
}

#[test]
fn an_epoch_without_work_is_final_with_its_windows() {
    let (mut world, operators) = stage(0, 1);
    world
        .send::<u128>(&operators[0], calls::unbond(0, BOND))
        .done();
    let times = world.settings().times;
    let windows = times.attest_window + times.review_window + times.level_window;
    let free = times.epoch + windows + 2 * times.epoch;
    let anyone = world.anyone.clone();
    world.go_to(free - 1_000);
    let early = world.send::<u128>(&anyone, calls::withdraw_bond(0));
    assert_eq!(early.refused(), Error::NothingDue);
    world.go_to(free);
    let sent = world.send::<u128>(&anyone, calls::withdraw_bond(0));
    assert_eq!(sent.done(), BOND);
}

#[test]
fn before_genesis_all_of_a_bond_is_free_at_once() {
    let mut world = World::new();
    let (_, operator) = world.register("early");
    world.bond(0, BOND);
    let sent = world.send::<u128>(&operator, calls::unbond(0, 30_000));
    assert_eq!(sent.done(), 30_000);
    assert_eq!(world.operator(0).bonded, BOND - 30_000);
    assert!(world.operator(0).unbonding.is_empty());
}

#[test]
fn withdrawals_beyond_the_bond_or_without_an_amount_are_refused() {
    let (mut world, operators) = stage(0, 2);
    let unbond = |world: &mut World, who: usize, amount| {
        world.send::<u128>(&operators[who], calls::unbond(0, amount))
    };
    assert_eq!(unbond(&mut world, 1, 5).refused(), Error::NotAllowed);
    assert_eq!(unbond(&mut world, 0, 0).refused(), Error::ZeroAmount);
    assert_eq!(
        unbond(&mut world, 0, BOND + 1).refused(),
        Error::BondTooSmall
    );
    let anyone = world.anyone.clone();
    let unknown = world.send::<u128>(&anyone, calls::withdraw_bond(2));
    assert_eq!(unknown.refused(), Error::UnknownOperator(2));
}

#[test]
fn at_most_three_withdrawals_wait_at_once_and_a_collected_one_makes_room() {
    let (mut world, operators) = stage(0, 1);
    let unbond = |world: &mut World| world.send::<u128>(&operators[0], calls::unbond(0, 10));
    for epoch in 0..3 {
        world.go_to_epoch(epoch);
        unbond(&mut world).done();
        unbond(&mut world).done();
    }
    assert_eq!(world.operator(0).unbonding.len(), 3, "one for each epoch");
    world.go_to_epoch(3);
    assert_eq!(unbond(&mut world).refused(), Error::TooManyWithdrawals);
    world.go_to_epoch(4);
    let anyone = world.anyone.clone();
    let sent = world.send::<u128>(&anyone, calls::withdraw_bond(0));
    assert_eq!(sent.done(), 20, "epoch 0 is final two epochs ago");
    unbond(&mut world).done();
}

#[test]
fn the_bond_of_every_epoch_stays_known_however_often_it_changes() {
    let (mut world, _) = stage(0, 1);
    for epoch in 0..6_u32 {
        world.go_to_epoch(epoch);
        world.bond(0, 10);
    }
    world.go_to_epoch(30);
    for epoch in 0..8_u32 {
        let expected = BOND + 10 * u128::from(epoch.min(6));
        assert_eq!(world.bond_at(epoch, 0), expected, "epoch {epoch}");
    }
}
