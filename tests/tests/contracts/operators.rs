//! Registration, payees, *only I claim*.

use crate::stage::{booked, stage};
use plimsoll_interface::calls;
use plimsoll_interface::events;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::{Error, OperatorView, H160};
use plimsoll_tests::{Event, World};

#[test]
fn an_operator_is_registered_once_and_its_index_is_permanent() {
    let mut world = World::new();
    let payee = H160::repeat_byte(7);
    for expected in 0..3_u32 {
        let actor = world.actor(&format!("newcomer {expected}"));
        let sent = world.send::<u32>(&actor, calls::register(payee));
        assert_eq!(
            sent.events,
            [Event::from(events::Registered {
                operator: expected,
                address: actor.address,
                payee,
            })]
        );
        assert_eq!(sent.done(), expected);
        let again = world.send::<u32>(&actor, calls::register(payee));
        assert_eq!(again.refused(), Error::CannotRegister);
        let found: Option<u32> = world.view(calls::operator_of(actor.address));
        assert_eq!(found, Some(expected));
        assert_eq!(
            world.operator(expected),
            OperatorView {
                address: actor.address,
                payee,
                pending_payee: None,
                only_self: false,
                status: Status::Inactive,
                next_status: Status::Inactive,
                claimable: 0,
                unvested: 0,
                vesting: Vec::new(),
                bonded: 0,
                bond: 0,
                unbonding: Vec::new(),
            }
        );
    }
    assert_eq!(world.view::<u32>(calls::operators()), 3);
    assert_eq!(world.view::<Option<u32>>(calls::operator_of(payee)), None);
    let unknown: Option<OperatorView> = world.view(calls::operator(3));
    assert_eq!(unknown, None);
}

#[test]
fn nobody_is_paid_to_the_zero_address() {
    let (mut world, operators) = stage(1, 0);
    let nobody = H160::zero();
    let newcomer = world.actor("newcomer");
    let register = world.send::<u32>(&newcomer, calls::register(nobody));
    assert_eq!(register.refused(), Error::ZeroAddress);
    let change = world.send::<()>(&operators[0], calls::set_payee(0, nobody));
    assert_eq!(change.refused(), Error::ZeroAddress);
}

#[test]
fn a_new_payee_counts_after_the_delay_and_is_paid_from_then_on() {
    let (mut world, operators) = booked();
    let payee = H160::repeat_byte(9);
    let delay = world.settings().payee_delay;
    let now = world.clock().now;
    let sent = world.send::<()>(&operators[0], calls::set_payee(0, payee));
    let from = now + delay;
    assert_eq!(
        sent.events,
        [Event::from(events::PayeeAnnounced {
            operator: 0,
            payee,
            from,
        })]
    );
    sent.done();
    world.pass(delay - 1_000);
    let view = world.operator(0);
    assert_eq!(view.payee, operators[0].address);
    assert_eq!(view.pending_payee, Some((payee, from)));
    world.pass(1_000);
    let view = world.operator(0);
    assert_eq!((view.payee, view.pending_payee), (payee, None));
    let cancel = world.send::<()>(&operators[0], calls::cancel_payee(0));
    assert_eq!(cancel.refused(), Error::NoPendingPayee, "too late");
    world.claim(0).done();
    assert!(!world.tokens(payee).is_zero());
    assert!(world.tokens(operators[0].address).is_zero());
}

#[test]
fn the_current_payee_and_the_operator_can_cancel_a_new_one_and_nobody_else() {
    let mut world = World::new();
    let cold = world.actor("cold");
    let operator = world.actor("operator");
    let thief = world.actor("thief");
    world
        .send::<u32>(&operator, calls::register(cold.address))
        .done();
    let none = world.send::<()>(&cold, calls::cancel_payee(0));
    assert_eq!(none.refused(), Error::NoPendingPayee);
    for canceller in [&cold, &operator] {
        world
            .send::<()>(&operator, calls::set_payee(0, thief.address))
            .done();
        let refused = world.send::<()>(&thief, calls::cancel_payee(0));
        assert_eq!(refused.refused(), Error::NotAllowed);
        let sent = world.send::<()>(canceller, calls::cancel_payee(0));
        let cancelled = events::PayeeCancelled { operator: 0 };
        assert_eq!(sent.events, [Event::from(cancelled)]);
        sent.done();
        assert_eq!(world.operator(0).pending_payee, None);
    }
    let delay = world.settings().payee_delay;
    world.pass(delay * 2);
    assert_eq!(world.operator(0).payee, cold.address);
}

#[test]
fn a_second_announcement_replaces_the_first_and_waits_in_full() {
    let (mut world, operators) = stage(1, 0);
    let delay = world.settings().payee_delay;
    let [first, second] = [1, 2].map(H160::repeat_byte);
    world
        .send::<()>(&operators[0], calls::set_payee(0, first))
        .done();
    world.pass(delay - 1_000);
    world
        .send::<()>(&operators[0], calls::set_payee(0, second))
        .done();
    world.pass(delay - 1_000);
    assert_eq!(world.operator(0).payee, operators[0].address);
    world.pass(1_000);
    assert_eq!(world.operator(0).payee, second);
}

#[test]
fn only_the_operator_changes_its_payee_and_its_rule() {
    let (mut world, operators) = stage(2, 0);
    let payee = H160::repeat_byte(9);
    for message in [calls::set_payee(0, payee), calls::set_only_self(0, true)] {
        let by_another = world.send::<()>(&operators[1], message.clone());
        assert_eq!(by_another.refused(), Error::NotAllowed);
    }
    for message in [
        calls::set_payee(2, payee),
        calls::set_only_self(2, true),
        calls::cancel_payee(2),
        calls::unbond(2, 1),
    ] {
        let unknown = world.send::<()>(&operators[0], message);
        assert_eq!(unknown.refused(), Error::UnknownOperator(2));
    }
}

#[test]
fn only_i_claim_keeps_everybody_else_out_until_it_is_taken_back() {
    let (mut world, operators) = booked();
    let sent = world.send::<()>(&operators[0], calls::set_only_self(0, true));
    assert_eq!(
        sent.events,
        [Event::from(events::OnlySelfSet {
            operator: 0,
            only_self: true,
        })]
    );
    sent.done();
    assert!(world.operator(0).only_self);
    assert_eq!(world.claim(0).refused(), Error::OnlySelf);
    let many = world.claim_many(&[0, 1]).done();
    assert_eq!((many.paid, many.skipped, many.amount), (1, 1, 5_000));
    let own = world.send::<u128>(&operators[0], calls::claim(0));
    assert_eq!(own.done(), 5_000);
    world
        .send::<()>(&operators[0], calls::set_only_self(0, false))
        .done();
    assert_eq!(world.claim(0).refused(), Error::NothingDue);
}

#[test]
fn with_only_i_claim_the_operator_may_claim_in_a_list_too() {
    let (mut world, operators) = booked();
    world
        .send::<()>(&operators[0], calls::set_only_self(0, true))
        .done();
    let claimed = world
        .send::<plimsoll_interface::Claimed>(&operators[0], calls::claim_many(&[0]))
        .done();
    assert_eq!((claimed.paid, claimed.amount), (1, 5_000));
}
