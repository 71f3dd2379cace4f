//! The token, hostile.

use crate::scene::attempt;
use crate::stage::{settled_with, BOND};
use alloy_primitives::U256;
use plimsoll_embedded::H160;
use plimsoll_interface::{calls, Claimed};
use plimsoll_tests::{faults, Actor, Fault, FaultyToken, Setup, TokenKind, World};

/// Operators 0 and 1 with 5,000 to claim each; 2 with a withdrawn bond that is free and a
/// deposit that does not count yet. The token calls back with a claim for 1.
fn stage() -> (World, Actor) {
    let setup = Setup {
        token: TokenKind::Faulty,
        ..Setup::default()
    };
    let (mut world, _) = settled_with(setup);
    world.book(&[0], &[0, 1]).done();
    let (_, open) = world.register("open");
    world.bond(2, BOND);
    world.go_to_epoch(3);
    world.send::<u128>(&open, calls::unbond(2, 600)).done();
    world.go_to_epoch(9);
    world.bond(2, 400);
    let bank = world.bank.clone();
    let call_back = FaultyToken::callBackCall {
        target: world.emission.0.into(),
        message: calls::claim(1).into(),
    };
    world.token_send(&bank, &call_back).expect("it is told");
    (world, open)
}

/// What is owed to whom: claimable, bonded and on its way out.
fn owed(world: &mut World) -> Vec<(u128, u128, u128)> {
    (0..3)
        .map(|k| {
            let view = world.operator(k);
            let leaving = view.unbonding.iter().map(|u| u.amount).sum();
            (view.claimable, view.bonded, leaving)
        })
        .collect()
}

#[test]
fn role_token_that_misbehaves_makes_a_payment_fail_and_loses_nobody_anything() {
    let (mut world, open) = stage();
    let (bank, anyone) = (world.bank.clone(), world.anyone.clone());
    let start = world.chain.snapshot();
    for fault in faults() {
        for (sender, message) in [
            (&anyone, calls::claim(0)),
            (&anyone, calls::claim_many(&[0, 1])),
            (&anyone, calls::withdraw_bond(2)),
            (&open, calls::unbond(2, 400)),
            (&bank, calls::fund(5)),
            (&bank, calls::bond(2, 5)),
        ] {
            world.chain.restore(&start);
            let (before, ledger) = (owed(&mut world), world.ledger());
            world.misbehave(fault);
            let name = hex::encode(&message[..4]);
            // Whatever comes of it, G1 and G15 hold: the world checks both.
            let reverted = attempt(&mut world, sender, message).is_err();
            let now = world.ledger();
            if reverted {
                assert_eq!(owed(&mut world), before, "{fault:?} 0x{name}");
                assert_eq!(now, ledger, "{fault:?} 0x{name}");
            }
            // Nobody is paid twice, and nothing is taken without being paid.
            let sum = |owed: &[(u128, u128, u128)]| -> u128 {
                owed.iter().map(|(a, b, c)| a + b + c).sum()
            };
            let (gone, came) = (now.paid - ledger.paid, now.received - ledger.received);
            let funded = now.inflows + now.reserve - ledger.inflows - ledger.reserve;
            let after = owed(&mut world);
            assert_eq!(sum(&after) + gone + funded, sum(&before) + came);
            // Honest again, it pays all that is due.
            world.misbehave(Fault::None);
            let claimed = world.send::<Claimed>(&anyone, calls::claim_many(&[0, 1]));
            assert_eq!(claimed.done().amount, after[0].0 + after[1].0);
            let bond = world.send::<u128>(&anyone, calls::withdraw_bond(2));
            let bond = bond.result.unwrap_or(0);
            assert_eq!(bond, after[2].2, "{fault:?} 0x{name}");
        }
    }
}

#[test]
fn role_token_that_refuses_one_payee_keeps_nobody_else_from_being_paid() {
    let (mut world, _) = stage();
    let bank = world.bank.clone();
    let barred = world.operator(0).payee;
    let account = barred.0.into();
    let bar = FaultyToken::barCall { account };
    world.token_send(&bank, &bar).expect("anyone bars");
    let sent = world.claim_many(&[0, 1]);
    assert_eq!(sent.events[0].name(), "PaymentFailed");
    let claimed = sent.done();
    assert_eq!((claimed.paid, claimed.skipped), (1, 1));
    assert!(world.operator(0).claimable > 0);
    assert_eq!(world.operator(1).claimable, 0);
}

#[test]
fn role_token_cannot_enter_the_contract_while_it_is_called() {
    let (mut world, open) = stage();
    let bank = world.bank.clone();
    let due = owed(&mut world);
    for message in [
        calls::claim(1),
        calls::claim_many(&[1]),
        calls::withdraw_bond(2),
        calls::settle(),
    ] {
        let call_back = FaultyToken::callBackCall {
            target: world.emission.0.into(),
            message: message.into(),
        };
        world.token_send(&bank, &call_back).expect("it is told");
        world.misbehave(Fault::CallsBack);
        world.fund(1);
        world.misbehave(Fault::None);
    }
    let entered = world.token_view(&FaultyToken::enteredCall {});
    assert_eq!(entered, Ok(U256::ZERO));
    assert_eq!(owed(&mut world), due);
    world.misbehave(Fault::CallsBack);
    world.send::<u128>(&open, calls::unbond(2, 400)).done();
    assert_eq!(
        world.operator(1).claimable,
        due[1].0,
        "nobody claimed in between"
    );
}

#[test]
fn role_token_that_gives_the_contract_more_than_it_can_count_stops_nothing() {
    let (mut world, open) = stage();
    let bank = world.bank.clone();
    let to = world.emission.0.into();
    let value = U256::MAX >> 1;
    let mint = FaultyToken::mintCall { to, value };
    world.token_send(&bank, &mint).expect("anyone mints");
    let ledger = world.ledger();
    let due = owed(&mut world);
    assert_eq!(world.claim(0).done(), due[0].0);
    assert_eq!(world.claim_many(&[1]).done().amount, due[1].0);
    let anyone = world.anyone.clone();
    let sent = world.send::<u128>(&anyone, calls::withdraw_bond(2));
    assert_eq!(sent.done(), 600);
    let sent = world.send::<u128>(&open, calls::unbond(2, 400));
    assert_eq!(sent.done(), 400);
    world.fund(3);
    assert_eq!(world.ledger().received, ledger.received + 3);
}

#[test]
fn role_token_that_burns_what_it_is_given_fails_one_payment_and_no_other_message() {
    let (mut world, _) = stage();
    world.misbehave(Fault::Exhausts);
    assert!(!world.claim(0).succeeded());
    assert!(!world.claim_many(&[0, 1]).succeeded());
    // Everything that pays nothing goes on.
    world.credit(9, &[plimsoll_tests::entry(0, 1, 0, 0)]);
    let registered = world.actor("newcomer");
    let payee = H160::repeat_byte(1);
    world
        .send::<u32>(&registered, calls::register(payee))
        .done();
    world.go_to_settlement(9);
    world.settle().done();
    world.go_to_final(9);
    assert_eq!(world.book(&[9], &[0]).done().booked, 1);
    world.misbehave(Fault::None);
    assert!(world.claim(0).done() > 5_000);
}
