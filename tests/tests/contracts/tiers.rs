//! Tiers: vouching, revoking, and what becomes of bonds.

use crate::stage::{stage, stage_with, BOND};
use plimsoll_interface::mechanism::bond::Unbonding;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::{calls, events, Error};
use plimsoll_tests::{entry, Event, Setup};

#[test]
fn a_vouched_operator_is_vetted_from_the_next_epoch_on() {
    let (mut world, _) = stage(0, 0);
    world.register_many(2);
    let registrar = world.registrar.clone();
    let sent = world.send::<()>(&registrar, calls::vouch(&[0, 1]));
    assert_eq!(
        sent.events,
        [0, 1].map(|operator| Event::from(events::Vouched { operator, from: 1 }))
    );
    sent.done();
    let view = world.operator(1);
    assert_eq!(
        (view.status, view.next_status),
        (Status::Inactive, Status::Vetted)
    );
    assert_eq!(world.credit(0, &[entry(0, 5, 0, 0)]).skipped, 1);
    world.go_to_epoch(1);
    assert_eq!(world.operator(1).status, Status::Vetted);
    assert_eq!(world.credit(1, &[entry(0, 5, 0, 0)]).credited, 1);
    // A late batch counts it as what it was in that epoch.
    assert_eq!(world.credit(0, &[entry(1, 5, 0, 0)]).skipped, 1);
}

#[test]
fn a_revoked_operator_stays_vetted_for_the_epoch_and_its_work() {
    let (mut world, _) = stage(1, 0);
    world.credit(0, &[entry(0, 5, 0, 0)]);
    let registrar = world.registrar.clone();
    let sent = world.send::<()>(&registrar, calls::revoke(0));
    let revoked = events::Revoked {
        operator: 0,
        from: 1,
    };
    assert_eq!(sent.events, [Event::from(revoked)]);
    sent.done();
    assert_eq!(world.credit(0, &[entry(0, 5, 0, 0)]).credited, 1);
    assert!(world.preview(0, 0).vetted);
    world.go_to_epoch(1);
    assert_eq!(world.operator(0).status, Status::Inactive, "it has no bond");
    assert_eq!(world.credit(1, &[entry(0, 5, 0, 0)]).skipped, 1);
    assert_eq!(world.credit(0, &[entry(0, 5, 0, 0)]).credited, 1, "late");
}

#[test]
fn a_revoked_operator_with_a_bond_is_open() {
    let (mut world, _) = stage(1, 0);
    world.bond(0, BOND);
    assert_eq!(
        world.operator(0).next_status,
        Status::Vetted,
        "a bond does not demote"
    );
    let registrar = world.registrar.clone();
    world.send::<()>(&registrar, calls::revoke(0)).done();
    assert_eq!(world.operator(0).next_status, Status::Open);
}

#[test]
fn a_promotion_frees_the_bond_the_way_a_withdrawal_does() {
    let (mut world, _) = stage(0, 1);
    world.go_to_epoch(3);
    let registrar = world.registrar.clone();
    let sent = world.send::<()>(&registrar, calls::vouch(&[0]));
    assert_eq!(
        sent.events,
        [
            Event::from(events::Unbonding {
                operator: 0,
                amount: BOND,
                free: 0,
                epoch: 3,
            }),
            Event::from(events::Vouched {
                operator: 0,
                from: 4,
            }),
        ]
    );
    sent.done();
    let view = world.operator(0);
    let waiting = Unbonding {
        epoch: 3,
        amount: BOND,
    };
    assert_eq!((view.bonded, view.bond), (0, BOND));
    assert_eq!(view.unbonding, [waiting]);
    assert_eq!(
        (view.status, view.next_status),
        (Status::Open, Status::Vetted)
    );
    let times = world.settings().times;
    let windows = times.attest_window + times.review_window + times.level_window;
    world.go_to(4 * times.epoch + windows + 2 * times.epoch);
    let anyone = world.anyone.clone();
    let sent = world.send::<u128>(&anyone, calls::withdraw_bond(0));
    assert_eq!(sent.done(), BOND);
    assert_eq!(world.operator(0).status, Status::Vetted);
}

#[test]
fn a_promotion_makes_deposits_that_never_counted_claimable() {
    let (mut world, operators) = stage(0, 1);
    world.go_to_epoch(3);
    world.bond(0, 300);
    let registrar = world.registrar.clone();
    let sent = world.send::<()>(&registrar, calls::vouch(&[0]));
    let freed = events::BondFreed {
        operator: 0,
        amount: 300,
    };
    assert_eq!(sent.events[1], Event::from(freed));
    sent.done();
    let view = world.operator(0);
    assert_eq!((view.bonded, view.claimable), (0, 300));
    assert_eq!(view.unbonding[0].amount, BOND);
    let anyone = world.anyone.clone();
    assert_eq!(world.send::<u128>(&anyone, calls::claim(0)).done(), 300);
    let payee = operators[0].address;
    assert_eq!(u128::try_from(world.tokens(payee)), Ok(300));
}

#[test]
fn a_promotion_moves_no_withdrawal_that_is_on_its_way() {
    let (mut world, operators) = stage(0, 1);
    for epoch in 0..3 {
        world.go_to_epoch(epoch);
        world
            .send::<u128>(&operators[0], calls::unbond(0, 10))
            .done();
    }
    world.go_to_epoch(20);
    let before = world.operator(0).unbonding;
    world.bond(0, 5);
    world.vouch(&[0]);
    let view = world.operator(0);
    assert_eq!(view.unbonding, before);
    assert_eq!(view.next_status, Status::Vetted);
    assert_eq!(
        (view.bonded, view.claimable),
        (BOND - 30, 5),
        "the rest stays"
    );
    // They have left, and then it can be withdrawn.
    let full = world.send::<u128>(&operators[0], calls::unbond(0, BOND - 30));
    assert_eq!(full.refused(), Error::TooManyWithdrawals);
    let anyone = world.anyone.clone();
    let sent = world.send::<u128>(&anyone, calls::withdraw_bond(0));
    assert_eq!(sent.done(), 30);
    world
        .send::<u128>(&operators[0], calls::unbond(0, BOND - 30))
        .done();
    assert_eq!(world.operator(0).bonded, 0);
}

#[test]
fn only_the_registrar_vouches_and_revokes_and_only_what_makes_sense() {
    let (mut world, operators) = stage(1, 1);
    for who in [
        world.owner.clone(),
        world.guardian.clone(),
        operators[1].clone(),
    ] {
        let vouch = world.send::<()>(&who, calls::vouch(&[1]));
        assert_eq!(vouch.refused(), Error::NotAllowed);
        let revoke = world.send::<()>(&who, calls::revoke(0));
        assert_eq!(revoke.refused(), Error::NotAllowed);
    }
    let registrar = world.registrar.clone();
    for (operators, error) in [
        (&[0][..], Error::Tier),
        (&[1, 1], Error::Tier),
        (&[1, 2], Error::UnknownOperator(2)),
    ] {
        let sent = world.send::<()>(&registrar, calls::vouch(operators));
        assert_eq!(sent.refused(), error);
    }
    assert_eq!(world.operator(1).next_status, Status::Open, "all or nobody");
    for (operator, error) in [(1, Error::Tier), (2, Error::UnknownOperator(2))] {
        let sent = world.send::<()>(&registrar, calls::revoke(operator));
        assert_eq!(sent.refused(), error);
    }
}

#[test]
fn the_registrar_vouches_for_so_many_in_an_epoch_and_no_more() {
    let mut setup = Setup::default();
    setup.settings.max_vouches = 3;
    let (mut world, _) = stage_with(setup, 0, 0);
    world.register_many(8);
    world.vouch(&[0, 1]);
    let registrar = world.registrar.clone();
    let sent = world.send::<()>(&registrar, calls::vouch(&[2, 3]));
    assert_eq!(sent.refused(), Error::TooManyVouches);
    world.vouch(&[2]);
    let sent = world.send::<()>(&registrar, calls::vouch(&[3]));
    assert_eq!(sent.refused(), Error::TooManyVouches);
    world.send::<()>(&registrar, calls::revoke(2)).done();
    let sent = world.send::<()>(&registrar, calls::vouch(&[2]));
    assert_eq!(
        sent.refused(),
        Error::TooManyVouches,
        "revoking gives none back"
    );
    world.go_to_epoch(1);
    world.vouch(&[3, 4, 5]);
}
