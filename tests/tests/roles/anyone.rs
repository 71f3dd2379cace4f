//! A stranger that sends every message there is.

use crate::scene::{attempt, conclude, everything, raise_all, BUDGET, CAP, CEILING, EVIDENCE};
use crate::stage::{stage, BOND};
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::{calls, Change, Error};
use plimsoll_tests::{entry, Actor, Attester, Batch, Refusal, World, PARAMS};

/// A world in which everything is due: an epoch to be booked, one to be settled, rewards
/// and a bond to be paid, a slash to be executed.
fn all_due() -> (World, Vec<Actor>) {
    let (mut world, operators) = stage(2, 1);
    let work: Vec<Entry> = (0..3).map(|k| entry(k, 10, 0, 1)).collect();
    world.queue(&crate::scene::slash(2, 7)).done();
    world.credit(0, &work);
    conclude(&mut world, 0, &[0, 1]);
    world
        .send::<u128>(&operators[2], calls::unbond(2, 50))
        .done();
    world
        .send::<()>(&operators[0], calls::set_payee(0, operators[1].address))
        .done();
    world.credit(2, &work);
    world.go_to_epoch(3);
    world.credit(3, &work);
    (world, operators)
}

/// Messages of a role, each at its worst for a stranger to send.
fn of_a_role(world: &World, stranger: &Actor) -> Vec<Vec<u8>> {
    let me = stranger.address;
    let mut strangers: Vec<Attester> = ["p", "q", "r"].map(Attester::named).to_vec();
    strangers.sort_by_key(|stranger| stranger.address);
    let lie =
        Batch::unsigned(3, 1, 0, &[entry(0, 1_000_000, 0, 0)]).signed(world.emission, &strangers);
    vec![
        calls::set_payee(0, me),
        calls::cancel_payee(0),
        calls::set_only_self(0, true),
        calls::unbond(2, 1),
        calls::vouch(&[2]),
        calls::revoke(0),
        lie.call(),
        calls::strike(2, 0, EVIDENCE),
        calls::queue(&Change::Params(PARAMS)),
        calls::queue(&Change::Guardian(me)),
        calls::queue(&crate::scene::slash(0, 1)),
        calls::cancel(0),
        calls::execute_slash(0, &[0]),
        calls::propose_owner(me),
        calls::accept_owner(),
        calls::pause(),
        calls::unpause(),
    ]
}

#[test]
fn role_anyone_is_refused_every_message_that_is_not_for_all_and_changes_nothing_by_it() {
    let (mut world, _) = all_due();
    let stranger = world.actor("stranger");
    world.go_to_review(2);
    let before = everything(&mut world, 3);
    let state = |world: &mut World| {
        let root = world.chain.storage_size(world.emission);
        (root, world.roles(), world.epoch(2), world.clock().pause)
    };
    let (rest, waiting) = (state(&mut world), world.change(0));
    for message in of_a_role(&world, &stranger) {
        let sent = world.send::<()>(&stranger, message.clone());
        let refused = sent.refused();
        assert!(
            matches!(refused, Error::NotAllowed | Error::UnknownAttester(0)),
            "0x{}: {refused:?}",
            hex::encode(&message[..4])
        );
    }
    assert_eq!(everything(&mut world, 3), before);
    assert_eq!((state(&mut world), world.change(0)), (rest, waiting));
}

#[test]
fn role_anyone_may_send_what_is_for_all_and_gains_nothing_by_it() {
    let (mut world, operators) = all_due();
    let stranger = world.actor("stranger");
    let free = [
        calls::settle(),
        calls::raise(2, &[0, 1, 2, u32::MAX]),
        calls::book(&[0], &[2]),
        calls::claim(0),
        calls::claim_many(&[0, 1, 2]),
        calls::withdraw_bond(2),
        calls::register(stranger.address),
    ];
    world.go_to_settlement(2);
    let held = |world: &mut World| {
        let payees = [&operators[0], &operators[1], &operators[2], &stranger];
        payees.map(|actor| world.tokens(actor.address))
    };
    for message in &free {
        // Some are not due at this moment; none needs a role.
        let refused = attempt(&mut world, &stranger, message.clone()).err();
        assert_ne!(refused, Some(Refusal::Contract(Error::NotAllowed)));
    }
    let paid = held(&mut world);
    assert!(paid[3].is_zero(), "the stranger got {}", paid[3]);
    // Funds and bonds it may give, out of its own.
    for message in [calls::fund(5), calls::bond(0, 5)] {
        let sent = world.send::<()>(&stranger, message);
        assert_eq!(sent.refused(), Error::TransferFailed);
    }
}

#[test]
fn role_anyone_chooses_the_moment_of_settling_raising_booking_and_no_amount() {
    // At once, or whenever and in whatever order a stranger likes.
    for (settled_at, booked_at, order) in [(1, 2, [0, 1, 2]), (7, 30, [2, 0, 1]), (3, 9, [1, 2, 0])]
    {
        let (mut world, _) = stage(2, 1);
        let work = [entry(0, 70, 0, 0), entry(1, 10, 0, 0), entry(2, 20, 0, 0)];
        world.credit(0, &work);
        world.go_to_settlement(settled_at - 1);
        world.settle().done();
        raise_all(&mut world, 0);
        world.go_to_final(0);
        if booked_at > settled_at + 1 {
            world.go_to_epoch(booked_at);
        }
        for operator in order {
            world.book(&[0], &[operator]).done();
        }
        world.go_to_epoch(60);
        let paid: Vec<u128> = (0..3).map(|k| world.claim(k).done()).collect();
        assert_eq!(paid, [CAP, CAP, CEILING], "{settled_at} {booked_at}");
        assert_eq!(world.operator(2).bonded, BOND);
        const { assert!(2 * CAP + CEILING < BUDGET) };
    }
}
