//! Tokens that misbehave: whatever they do, the ledger conserves and what is owed is
//! there (G1, G15), or the call is refused as a whole.

use crate::stage::{settled_with, BOND};
use alloy_primitives::U256;
use plimsoll_interface::{calls, Claimed, Error};
use plimsoll_tests::{faults, Actor, Fault, FaultyToken, Refusal, Setup, TokenKind, World};

/// Operators 0 and 1 with 5,000 to claim each, 2 with a bond that does not count yet,
/// in a token that calls back with a claim for 1 as soon as it may.
fn stage() -> (World, Actor) {
    let setup = Setup {
        token: TokenKind::Faulty,
        ..Setup::default()
    };
    let (mut world, _) = settled_with(setup);
    world.book(&[0], &[0, 1]).done();
    let (_, open) = world.register("open");
    world.bond(2, BOND);
    let bank = world.bank.clone();
    let call_back = FaultyToken::callBackCall {
        target: world.emission.0.into(),
        message: calls::claim(1).into(),
    };
    world.token_send(&bank, &call_back).expect("it is told");
    (world, open)
}

/// Which faults a payment survives, because the amount moved to the unit.
fn is_harmless(fault: Fault) -> bool {
    matches!(fault, Fault::SaysNothing | Fault::CallsBack)
}

/// Why a payment fails with a fault.
fn error_of(fault: Fault) -> Refusal {
    match fault {
        Fault::TaxesSender | Fault::Lies | Fault::PaysTwice => Refusal::Contract(Error::TokenTaxes),
        _ => Refusal::Contract(Error::TransferFailed),
    }
}

#[test]
fn g1_g15_funds_and_bonds_come_in_to_the_unit_or_not_at_all() {
    let (mut world, _) = stage();
    let bank = world.bank.clone();
    let start = world.chain.snapshot();
    for fault in faults() {
        for (message, received) in [
            (calls::fund(10_000), 10_000),
            (calls::bond(2, 10_000), 10_000),
        ] {
            world.chain.restore(&start);
            let before = world.ledger();
            world.misbehave(fault);
            let sent = world.send::<()>(&bank, message);
            let expected = match fault {
                fault if is_harmless(fault) => Ok(()),
                Fault::TaxesRecipient | Fault::Lies | Fault::PaysTwice => {
                    Err(Refusal::Contract(Error::TokenTaxes))
                }
                // What else the sender pays is not the contract's.
                Fault::TaxesSender | Fault::CallsBackOnBalance => Ok(()),
                _ => Err(Refusal::Contract(Error::TransferFailed)),
            };
            if fault == Fault::Exhausts {
                assert!(!sent.succeeded());
            } else {
                assert_eq!(sent.result, expected, "{fault:?}");
            }
            let came = world.ledger().received - before.received;
            assert_eq!(
                came,
                if sent.succeeded() { received } else { 0 },
                "{fault:?}"
            );
        }
    }
}

#[test]
fn g1_g15_claims_are_paid_to_the_unit_or_not_at_all() {
    let (mut world, _) = stage();
    let start = world.chain.snapshot();
    for fault in faults() {
        world.chain.restore(&start);
        world.misbehave(fault);
        let before = world.ledger();
        let sent = world.claim(0);
        match fault {
            // The contract pays to the unit; what the payee loses is between it and the token.
            Fault::TaxesRecipient | Fault::CallsBackOnBalance => {
                assert_eq!(sent.result, Ok(5_000), "{fault:?}");
            }
            fault if is_harmless(fault) => assert_eq!(sent.result, Ok(5_000), "{fault:?}"),
            Fault::Exhausts => assert!(!sent.succeeded()),
            fault => assert_eq!(sent.result, Err(error_of(fault)), "{fault:?}"),
        }
        if !sent.succeeded() {
            assert_eq!(world.ledger(), before, "{fault:?}");
            // Nothing is lost: once the token is honest, it pays.
            world.misbehave(Fault::None);
            assert_eq!(world.claim(0).done(), 5_000, "{fault:?}");
        }
    }
}

#[test]
fn g1_g15_a_claim_of_many_pays_or_skips_and_never_pays_more_than_it_says() {
    let (mut world, _) = stage();
    let start = world.chain.snapshot();
    for fault in faults() {
        world.chain.restore(&start);
        world.misbehave(fault);
        let before = world.ledger();
        let sent = world.claim_many(&[0, 1]);
        let all = Claimed {
            paid: 2,
            skipped: 0,
            amount: 10_000,
        };
        let none = Claimed {
            paid: 0,
            skipped: 2,
            amount: 0,
        };
        match fault {
            Fault::TaxesRecipient | Fault::CallsBackOnBalance => {
                assert_eq!(sent.result, Ok(all), "{fault:?}");
            }
            fault if is_harmless(fault) => assert_eq!(sent.result, Ok(all), "{fault:?}"),
            Fault::SaysNo | Fault::Reverts | Fault::CallsBackOrFails => {
                assert_eq!(sent.result, Ok(none), "{fault:?}");
            }
            // Said no, or said nothing sensible, and moved the amount all the same.
            Fault::Denies | Fault::SaysTwo => {
                assert_eq!(sent.result, Err(Refusal::Contract(Error::TokenTaxes)));
            }
            Fault::HidesBalances => {
                assert_eq!(sent.result, Err(Refusal::Contract(Error::TransferFailed)));
            }
            // It leaves too little to go on with.
            Fault::Exhausts => assert!(!sent.succeeded(), "{fault:?}"),
            fault => assert_eq!(sent.result, Err(error_of(fault)), "{fault:?}"),
        }
        let paid = world.ledger().paid - before.paid;
        let claimed = sent.result.map_or(0, |claimed| claimed.amount);
        assert_eq!(paid, claimed, "{fault:?}");
    }
}

#[test]
fn g1_a_claim_of_many_that_fails_loses_nothing_of_what_vested_on_the_way() {
    let (mut world, _) = stage();
    // Some steps have vested since the rewards were booked, and nobody was paid since.
    world.go_to_epoch(5);
    let before = [0, 1].map(|k| world.operator(k));
    assert!(before[0].claimable > 5_000, "{before:?}");
    world.misbehave(Fault::SaysNo);
    let anyone = world.anyone.clone();
    let sent = world.send::<Claimed>(&anyone, calls::claim_many(&[0, 1]));
    assert_eq!(sent.done().skipped, 2);
    assert_eq!([0, 1].map(|k| world.operator(k)), before);
    world.misbehave(Fault::None);
    let sent = world.send::<Claimed>(&anyone, calls::claim_many(&[0, 1]));
    let due = before[0].claimable + before[1].claimable;
    assert_eq!(sent.done().amount, due);
}

#[test]
fn g1_g15_bonds_are_paid_back_to_the_unit_or_not_at_all() {
    let (mut world, open) = stage();
    let start = world.chain.snapshot();
    for fault in faults() {
        world.chain.restore(&start);
        world.misbehave(fault);
        let before = (world.ledger(), world.operator(2));
        let sent = world.send::<u128>(&open, calls::unbond(2, 400));
        if sent.succeeded() {
            assert_eq!(world.ledger().bonds, BOND - 400, "{fault:?}");
        } else {
            assert_eq!((world.ledger(), world.operator(2)), before, "{fault:?}");
        }
    }
}

#[test]
fn a_token_cannot_call_back_into_the_contract_while_it_is_asked() {
    let (mut world, _) = stage();
    let bank = world.bank.clone();
    for message in [
        calls::claim(1),
        calls::claim_many(&[1]),
        calls::settle(),
        calls::ledger(),
    ] {
        let call_back = FaultyToken::callBackCall {
            target: world.emission.0.into(),
            message: message.into(),
        };
        world.misbehave(Fault::CallsBack);
        world.token_send(&bank, &call_back).expect("it is told");
        world.fund(10);
        // A view while it is asked for a balance fails too, or the token would revert.
        world.misbehave(Fault::CallsBackOnBalance);
        world.fund(10);
    }
    let refused = world.token_view(&FaultyToken::refusedCall {});
    assert_eq!(refused, Ok(U256::from(4)));
    let entered = world.token_view(&FaultyToken::enteredCall {});
    assert_eq!(entered, Ok(U256::ZERO));
    assert_eq!(world.operator(1).claimable, 5_000);
    world.misbehave(Fault::CallsBack);
    assert_eq!(world.claim(0).done(), 5_000);
    assert_eq!(
        world.operator(1).claimable,
        5_000,
        "nobody claimed in between"
    );
}
