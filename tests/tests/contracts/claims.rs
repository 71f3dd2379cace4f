//! Vesting and claims.

use crate::stage::{booked, booked_with, stage};
use alloy_primitives::U256;
use plimsoll_interface::{calls, events, Claimed, Error, H160};
use plimsoll_tests::{Event, FaultyToken, Setup, TokenKind, World};

#[test]
fn a_claim_pays_the_liquid_part_at_once_to_the_payee() {
    let (mut world, operators) = booked();
    let payee = operators[0].address;
    let sent = world.claim(0);
    assert_eq!(
        sent.events,
        [Event::from(events::Paid {
            operator: 0,
            payee,
            amount: 5_000,
        })]
    );
    assert_eq!(sent.done(), 5_000);
    assert_eq!(world.tokens(payee), U256::from(5_000));
    let ledger = world.ledger();
    assert_eq!((ledger.claimable, ledger.paid), (5_000, 5_000));
    assert_eq!(world.claim(0).refused(), Error::NothingDue);
    assert_eq!(world.claim(9).refused(), Error::UnknownOperator(9));
}

#[test]
fn g14_rewards_vest_a_step_an_epoch_after_their_period() {
    let (mut world, _) = booked();
    world.claim(0).done();
    // Period 0 is epochs 0 and 1, the vesting six epochs long: 2,500 each of 15,000.
    let mut paid = 0;
    for epoch in 2..=12_u32 {
        world.go_to_epoch(epoch);
        let expected = 2_500 * u128::from((epoch - 2).min(6));
        assert_eq!(
            world.operator(0).claimable,
            expected - paid,
            "epoch {epoch}"
        );
        if epoch % 3 == 0 {
            if let Ok(amount) = world.claim(0).result {
                paid += amount;
            }
            assert_eq!(paid, expected);
        }
    }
    // Claimed often or once, it is the same.
    assert_eq!(paid, 15_000);
    assert_eq!(world.claim(1).done(), 20_000);
    let ledger = world.ledger();
    assert_eq!((ledger.unvested, ledger.claimable), (0, 0));
    assert!(world.operator(0).vesting.is_empty());
}

#[test]
fn what_is_booked_years_late_is_claimable_at_once() {
    let (mut world, _) = crate::stage::settled();
    world.go_to_epoch(20_000);
    world.book(&[0], &[0]).done();
    assert_eq!(world.operator(0).claimable, 20_000);
    assert_eq!(world.claim(0).done(), 20_000);
}

#[test]
fn a_claim_of_many_pays_whom_it_can_and_skips_the_rest() {
    let (mut world, operators) = booked();
    world.register("idle");
    let sent = world.claim_many(&[1, 0, 2, 9, 1]);
    let paid = |operator: u32| {
        Event::from(events::Paid {
            operator,
            payee: operators[operator as usize].address,
            amount: 5_000,
        })
    };
    assert_eq!(sent.events, [paid(1), paid(0)]);
    let claimed = Claimed {
        paid: 2,
        skipped: 3,
        amount: 10_000,
    };
    assert_eq!(sent.done(), claimed);
    let nobody = world.claim_many(&[0, 1]).done();
    assert_eq!((nobody.paid, nobody.skipped), (0, 2));
    assert_eq!(world.claim_many(&[]).done(), Claimed::default());
}

#[test]
fn a_transfer_that_fails_is_skipped_and_stays_claimable() {
    let setup = Setup {
        token: TokenKind::Faulty,
        ..Setup::default()
    };
    let (mut world, operators) = booked_with(setup);
    let bank = world.bank.clone();
    let payee = operators[0].address;
    let bar = |world: &mut World, account: H160| {
        let account = account.0.into();
        let call = FaultyToken::barCall { account };
        world.token_send(&bank, &call).expect("anyone bars");
    };
    bar(&mut world, payee);
    assert_eq!(world.claim(0).refused(), Error::TransferFailed);
    let sent = world.claim_many(&[0, 1]);
    assert_eq!(
        sent.events[0],
        Event::from(events::PaymentFailed {
            operator: 0,
            payee,
            amount: 5_000,
        })
    );
    let claimed = sent.done();
    assert_eq!((claimed.paid, claimed.skipped), (1, 1));
    assert_eq!(world.operator(0).claimable, 5_000);
    bar(&mut world, H160::zero());
    assert_eq!(world.claim(0).done(), 5_000);
}

#[test]
fn an_operator_paid_to_the_contract_itself_does_not_spoil_a_claim_of_many() {
    let (mut world, operators) = booked();
    let emission = world.emission;
    world
        .send::<()>(&operators[0], calls::set_payee(0, emission))
        .done();
    let delay = world.settings().payee_delay;
    world.pass(delay);
    let claimed = world.claim_many(&[0, 1]).done();
    assert_eq!(
        (claimed.paid, claimed.skipped, claimed.amount),
        (1, 1, 5_000)
    );
    assert!(!world.claim(0).succeeded());
    assert_eq!(world.operator(0).claimable, 5_000, "nothing is lost");
}

#[test]
fn funding_takes_tokens_to_the_unit_from_who_has_and_allows_them() {
    let (mut world, _) = stage(0, 0);
    let donor = world.actor("donor");
    let refused =
        |world: &mut World, amount| world.send::<()>(&donor, calls::fund(amount)).refused();
    assert_eq!(refused(&mut world, 0), Error::ZeroAmount);
    world.give(donor.address, 900);
    assert_eq!(
        refused(&mut world, 900),
        Error::TransferFailed,
        "not allowed"
    );
    world.approve(&donor);
    assert_eq!(refused(&mut world, 901), Error::TransferFailed, "not there");
    let sent = world.send::<()>(&donor, calls::fund(900));
    let funded = events::Funded {
        from: donor.address,
        amount: 900,
    };
    assert_eq!(sent.events, [Event::from(funded)]);
    sent.done();
    assert_eq!(world.ledger().inflows, 900);
    assert_eq!(world.ledger().received, crate::stage::RESERVE + 900);
}

#[test]
fn tokens_sent_without_a_message_are_nobodys_and_in_nobodys_way() {
    let (mut world, _) = booked();
    let before = world.ledger();
    world.give(world.emission, 123_456);
    assert_eq!(world.ledger(), before);
    world.claim(0).done();
    world.fund(5);
    assert_eq!(world.ledger().received, before.received + 5);
}

#[test]
fn funds_beyond_the_range_are_refused_and_in_nobodys_way() {
    let setup = Setup {
        token: TokenKind::Faulty,
        ..Setup::default()
    };
    let (mut world, _) = booked_with(setup);
    let bank = world.bank.clone();
    let mint = |world: &mut World, to: H160, value: U256| {
        let to = to.0.into();
        let call = FaultyToken::mintCall { to, value };
        world.token_send(&bank, &call).expect("anyone mints");
    };
    mint(&mut world, bank.address, U256::MAX >> 1);
    world.fund(u128::MAX / 2);
    for message in [calls::fund(u128::MAX), calls::bond(0, u128::MAX)] {
        let beyond = world.send::<()>(&bank, message);
        assert_eq!(beyond.refused(), Error::Overflow);
    }
    assert_eq!(world.claim(0).done(), 5_000);
    // Somebody sends the contract more than 128 bits can count.
    let emission = world.emission;
    mint(&mut world, emission, U256::from(1) << 200);
    assert_eq!(world.claim(1).done(), 5_000);
    assert_eq!(world.claim_many(&[0, 1]).done().paid, 0);
}
