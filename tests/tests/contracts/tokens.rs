//! The token in ABI terms, and emission paying tokens of every make.

use crate::stage::{booked_with, settled_with, BOND};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{sol, SolCall, SolError, SolEvent};
use plimsoll_embedded::{ContractEvent, Failure, H160};
use plimsoll_interface::{calls, Error};
use plimsoll_tests::{entry, Actor, Erc20, Setup, TokenKind, World, DECIMALS, SUPPLY};

sol! {
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientBalance();
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientAllowance();
    #[derive(Debug, PartialEq, Eq)]
    error InvalidReceiver();
}

const EVERY_MAKE: [TokenKind; 4] = [
    TokenKind::Ink,
    TokenKind::Solidity,
    TokenKind::Faulty,
    TokenKind::Asset,
];

fn address(actor: &Actor) -> Address {
    actor.address.0.into()
}

fn transfer(to: Address, value: u128) -> Erc20::transferCall {
    let value = U256::from(value);
    Erc20::transferCall { to, value }
}

/// A token alone, with its bank and somebody else.
fn token(kind: TokenKind) -> (World, Actor, Actor) {
    let mut world = World::paying_in(kind);
    let (bank, other) = (world.bank.clone(), world.actor("other"));
    (world, bank, other)
}

/// The token's events of a call, and whether it succeeded.
fn events(world: &mut World, from: &Actor, call: &impl SolCall) -> Vec<ContractEvent> {
    let token = world.token;
    let outcome = world.chain.call(&from.account, token, 0, call.abi_encode());
    assert!(outcome.succeeded());
    outcome.events
}

fn decode<E: SolEvent>(event: &ContractEvent) -> E {
    let topics = event.topics.iter().map(|topic| B256::from(topic.0));
    E::decode_raw_log(topics, &event.data)
        .unwrap_or_else(|error| panic!("{} is not {}: {error}", event.topics[0], E::SIGNATURE))
}

#[test]
fn the_token_tells_what_wallets_ask() {
    for kind in [TokenKind::Ink, TokenKind::Solidity] {
        let (mut world, bank, other) = token(kind);
        let name = world.token_view(&Erc20::nameCall {});
        assert_eq!(name.as_deref(), Ok("Plimsoll Test"), "{kind:?}");
        let symbol = world.token_view(&Erc20::symbolCall {});
        assert_eq!(symbol.as_deref(), Ok("PLT"));
        assert_eq!(world.token_view(&Erc20::decimalsCall {}), Ok(DECIMALS));
        let supply = world.token_view(&Erc20::totalSupplyCall {});
        assert_eq!(supply, Ok(U256::from(SUPPLY)));
        assert_eq!(world.tokens(bank.address), U256::from(SUPPLY));
        assert!(world.tokens(other.address).is_zero());
    }
}

#[test]
fn every_make_of_token_moves_to_the_unit() {
    for kind in EVERY_MAKE {
        let (mut world, bank, other) = token(kind);
        let moved = world.token_send(&bank, &transfer(address(&other), 700));
        assert_eq!(moved, Ok(true), "{kind:?}");
        assert_eq!(world.tokens(other.address), U256::from(700));
        assert_eq!(world.tokens(bank.address), U256::from(SUPPLY - 700));
        // To oneself, and nothing at all.
        let same = world.token_send(&other, &transfer(address(&other), 700));
        assert_eq!(same, Ok(true), "{kind:?}");
        assert_eq!(world.tokens(other.address), U256::from(700));
        let beyond = world.token_send(&other, &transfer(address(&bank), 701));
        assert!(beyond.is_err(), "{kind:?}");
        assert_eq!(world.tokens(other.address), U256::from(700));
    }
}

#[test]
fn an_allowance_is_used_up_and_bounds_who_spends() {
    for kind in EVERY_MAKE {
        let (mut world, bank, spender) = token(kind);
        let payee = world.actor("payee");
        let (from, to) = (address(&bank), address(&payee));
        let take = |value: u128| Erc20::transferFromCall {
            from,
            to,
            value: U256::from(value),
        };
        let none = world.token_send(&spender, &take(1));
        assert!(none.is_err(), "{kind:?}");
        let approve = Erc20::approveCall {
            spender: address(&spender),
            value: U256::from(100),
        };
        assert_eq!(world.token_send(&bank, &approve), Ok(true));
        let allowance = Erc20::allowanceCall {
            owner: from,
            spender: address(&spender),
        };
        assert_eq!(world.token_view(&allowance), Ok(U256::from(100)));
        assert_eq!(world.token_send(&spender, &take(60)), Ok(true), "{kind:?}");
        assert_eq!(world.token_view(&allowance), Ok(U256::from(40)));
        assert!(world.token_send(&spender, &take(41)).is_err());
        assert_eq!(world.token_send(&spender, &take(40)), Ok(true));
        assert_eq!(world.tokens(payee.address), U256::from(100));
    }
}

#[test]
fn the_largest_allowance_is_never_used_up() {
    for kind in [TokenKind::Ink, TokenKind::Solidity] {
        let (mut world, bank, spender) = token(kind);
        let approve = Erc20::approveCall {
            spender: address(&spender),
            value: U256::MAX,
        };
        world.token_send(&bank, &approve).expect("approves");
        let take = Erc20::transferFromCall {
            from: address(&bank),
            to: address(&spender),
            value: U256::from(5),
        };
        world.token_send(&spender, &take).expect("moves");
        let allowance = Erc20::allowanceCall {
            owner: address(&bank),
            spender: address(&spender),
        };
        assert_eq!(world.token_view(&allowance), Ok(U256::MAX));
    }
}

#[test]
fn the_tokens_events_are_those_of_the_standard() {
    for kind in [TokenKind::Ink, TokenKind::Solidity] {
        let (mut world, bank, other) = token(kind);
        let value = U256::from(9);
        let seen = events(&mut world, &bank, &transfer(address(&other), 9));
        let expected = Erc20::Transfer {
            from: address(&bank),
            to: address(&other),
            value,
        };
        assert_eq!(seen.len(), 1);
        assert_eq!(decode::<Erc20::Transfer>(&seen[0]), expected, "{kind:?}");
        let approve = Erc20::approveCall {
            spender: address(&other),
            value,
        };
        let seen = events(&mut world, &bank, &approve);
        let expected = Erc20::Approval {
            owner: address(&bank),
            spender: address(&other),
            value,
        };
        assert_eq!(decode::<Erc20::Approval>(&seen[0]), expected, "{kind:?}");
    }
}

#[test]
fn our_token_says_by_name_why_it_refuses() {
    let (mut world, bank, other) = token(TokenKind::Ink);
    let mut refused = |from: &Actor, call: &dyn Fn() -> Vec<u8>| {
        let token = world.token;
        match world.chain.call(&from.account, token, 0, call()).result {
            Err(Failure::Reverted(data)) => data,
            other => panic!("{other:?}"),
        }
    };
    let to = address(&bank);
    let data = refused(&other, &|| transfer(to, 1).abi_encode());
    assert_eq!(data, InsufficientBalance {}.abi_encode());
    let data = refused(&bank, &|| transfer(Address::ZERO, 1).abi_encode());
    assert_eq!(data, InvalidReceiver {}.abi_encode());
    let take = Erc20::transferFromCall {
        from: address(&bank),
        to: address(&other),
        value: U256::from(1),
    };
    let data = refused(&other, &|| take.abi_encode());
    assert_eq!(data, InsufficientAllowance {}.abi_encode());
}

#[test]
fn emission_is_funded_bonded_and_pays_in_tokens_of_every_make() {
    for token in EVERY_MAKE {
        let setup = Setup {
            token,
            ..Setup::default()
        };
        let (mut world, operators) = settled_with(setup);
        world.register("open");
        world.bond(2, BOND);
        assert_eq!(world.book(&[0], &[0, 1]).done().booked, 2, "{token:?}");
        assert_eq!(world.claim(0).done(), 5_000, "{token:?}");
        assert_eq!(world.claim_many(&[0, 1]).done().amount, 5_000);
        for operator in &operators {
            assert_eq!(world.tokens(operator.address), U256::from(5_000));
        }
        let open = world.actor("open");
        let free = world.send::<u128>(&open, calls::unbond(2, BOND));
        assert_eq!(free.done(), BOND, "it did not count yet");
        assert_eq!(world.tokens(open.address), U256::from(BOND));
        let ledger = world.ledger();
        let held = world.tokens(world.emission);
        assert_eq!(held, U256::from(ledger.owed()), "{token:?}: to the unit");
    }
}

#[test]
fn a_payee_that_an_asset_cannot_reach_is_skipped() {
    let setup = Setup {
        token: TokenKind::Asset,
        ..Setup::default()
    };
    let (mut world, operators) = booked_with(setup);
    // Pallet-assets refuses accounts that it has frozen.
    let payee = operators[0].account.clone();
    let freeze = [
        pallet_assets::Call::touch_other {
            id: 7.into(),
            who: payee.clone().into(),
        },
        pallet_assets::Call::block {
            id: 7.into(),
            who: payee.into(),
        },
    ];
    for call in freeze {
        let origin = plimsoll_embedded::RawOrigin::Signed(world.bank.account.clone());
        let call = plimsoll_embedded::RuntimeCall::Assets(call);
        let _ = world.chain.dispatch(origin, call).result;
    }
    let claimed = world.claim_many(&[0, 1]).done();
    assert_eq!((claimed.paid, claimed.skipped), (1, 1));
    assert_eq!(world.claim(0).refused(), Error::TransferFailed);
}

#[test]
fn what_is_no_token_takes_no_funds() {
    let mut setup = Setup::default();
    setup.settings.token = H160::repeat_byte(0x77);
    let mut world = World::with(setup);
    world.audited = false;
    let bank = world.bank.clone();
    let sent = world.send::<()>(&bank, calls::fund(5));
    assert_eq!(sent.refused(), Error::TransferFailed);
    assert_eq!(world.ledger().received, 0);
    // Everything that needs no token goes on.
    world.go_to_epoch(0);
    world.register("operator");
    assert_eq!(world.credit(0, &[entry(0, 1, 0, 0)]).skipped, 1);
}
