//! The runtime's own calls: signed transactions and assets.

use crate::counter::*;
use codec::Compact;
use plimsoll_embedded::{
    account_of, pair_of, AccountId, EmbeddedChain, Genesis, RawOrigin, RuntimeCall, CENT, H160,
    UNIT,
};
use sp_core::{sr25519, Pair};
use sp_runtime::MultiAddress;

const ASSET: u32 = 7;
/// Of `transfer(address,uint256)`.
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
/// Of `balanceOf(address)`.
const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];
/// Of `totalSupply()`.
const TOTAL_SUPPLY: [u8; 4] = [0x18, 0x16, 0x0d, 0xdd];
/// Of `approve(address,uint256)`.
const APPROVE: [u8; 4] = [0x09, 0x5e, 0xa7, 0xb3];
/// Of `transferFrom(address,address,uint256)`.
const TRANSFER_FROM: [u8; 4] = [0x23, 0xb8, 0x72, 0xdd];

/// Where the precompile serves [`ASSET`].
fn asset_address() -> H160 {
    let mut address = [0; 20];
    address[..4].copy_from_slice(&ASSET.to_be_bytes());
    address[16..18].copy_from_slice(&0x0120u16.to_be_bytes());
    address.into()
}

fn word(address: H160) -> [u8; 32] {
    let mut word = [0; 32];
    word[12..].copy_from_slice(address.as_bytes());
    word
}

fn amount(value: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    word
}

/// A chain on which Alice holds 1,000 of the asset.
fn chain_with_asset() -> EmbeddedChain {
    let mut chain = EmbeddedChain::new(Genesis::default());
    let alice = alice();
    let create = pallet_assets::Call::create {
        id: Compact(ASSET),
        admin: MultiAddress::Id(alice.clone()),
        min_balance: 1,
    };
    let mint = pallet_assets::Call::mint {
        id: Compact(ASSET),
        beneficiary: MultiAddress::Id(alice.clone()),
        amount: 1_000,
    };
    for call in [create, mint] {
        let done = chain.dispatch(RawOrigin::Signed(alice.clone()), RuntimeCall::Assets(call));
        done.result.unwrap();
    }
    chain
}

fn balance_of(chain: &mut EmbeddedChain, owner: &AccountId) -> u64 {
    let data = [BALANCE_OF.as_slice(), &word(chain.address(owner))].concat();
    number(
        &chain
            .dry_run(&alice(), asset_address(), 0, data)
            .result
            .unwrap(),
    )
}

#[test]
fn an_asset_answers_as_an_erc20_token() {
    let mut chain = chain_with_asset();
    let (alice, bob) = (alice(), bob());
    assert_eq!(balance_of(&mut chain, &alice), 1_000);
    let supply = chain.dry_run(&bob, asset_address(), 0, TOTAL_SUPPLY.to_vec());
    assert_eq!(number(&supply.result.unwrap()), 1_000);

    let to_bob = word(chain.address(&bob));
    let transfer = [TRANSFER.as_slice(), &to_bob, &amount(300)].concat();
    let sent = chain.call(&alice, asset_address(), 0, transfer);
    assert_eq!(number(&sent.result.unwrap()), 1);
    assert_eq!(sent.events.len(), 1);
    assert_eq!(sent.events[0].contract, asset_address());
    assert_eq!(number(&sent.events[0].data), 300);
    assert_eq!(balance_of(&mut chain, &alice), 700);
    assert_eq!(balance_of(&mut chain, &bob), 300);
}

#[test]
fn an_asset_is_moved_by_whom_its_owner_approved() {
    let mut chain = chain_with_asset();
    let (alice, bob) = (alice(), bob());
    let (from, to) = (word(chain.address(&alice)), word(chain.address(&bob)));
    let approve = [APPROVE.as_slice(), &to, &amount(50)].concat();
    chain
        .call(&alice, asset_address(), 0, approve)
        .result
        .unwrap();
    let take = |value| [TRANSFER_FROM.as_slice(), &from, &to, &amount(value)].concat();
    assert!(!chain.call(&bob, asset_address(), 0, take(51)).succeeded());
    chain
        .call(&bob, asset_address(), 0, take(50))
        .result
        .unwrap();
    assert_eq!(balance_of(&mut chain, &bob), 50);
}

#[test]
fn an_asset_refuses_what_its_owner_does_not_have() {
    let mut chain = chain_with_asset();
    let to = word(chain.address(&alice()));
    let transfer = [TRANSFER.as_slice(), &to, &amount(1)].concat();
    assert!(!chain.call(&bob(), asset_address(), 0, transfer).succeeded());
    assert_eq!(balance_of(&mut chain, &alice()), 1_000);
}

#[test]
fn a_signed_transaction_pays_its_fee_and_counts_as_the_same_call_does() {
    let (mut chain, counter) = chain_with_counter();
    let signer = pair_of("//Bob");
    let foretold = chain.dry_run(&bob(), counter, 0, BUMP.to_vec());
    let (before, nonce) = (chain.balance(&bob()), chain.nonce(&bob()));
    let call = RuntimeCall::Revive(pallet_revive::Call::call {
        dest: counter,
        value: 0,
        weight_limit: foretold.weight_required,
        storage_deposit_limit: foretold.deposit_required,
        data: BUMP.to_vec(),
    });
    let done = chain.submit(&signer, call).unwrap();
    done.result.clone().unwrap();
    assert_eq!(done.contract_events(), foretold.events);
    assert_eq!(chain.nonce(&bob()), nonce + 1);

    let deposit = u128::try_from(foretold.deposit).unwrap();
    let fee = before - chain.balance(&bob()) - deposit;
    assert!(fee > CENT / 1_000 && fee < UNIT, "the fee was {fee}");
    // The length counts against the block, but is not in the transaction's own weight.
    let length = foretold.transaction_weight - done.weight;
    assert_eq!(length.ref_time(), 0);
    assert!(
        length.proof_size() > 100 && length.proof_size() < 250,
        "{length:?}"
    );
}

#[test]
fn a_transaction_that_cannot_pay_is_refused() {
    let (mut chain, counter) = chain_with_counter();
    let signer = pair_of("//Beggar");
    chain.fund(&account_of("//Beggar"), CENT).unwrap();
    let call = RuntimeCall::Revive(pallet_revive::Call::call {
        dest: counter,
        value: 0,
        weight_limit: chain.most_weight(0),
        storage_deposit_limit: UNIT,
        data: BUMP.to_vec(),
    });
    let refused = chain.submit(&signer, call).unwrap_err();
    assert!(refused.to_string().contains("Payment"), "{refused}");
}

#[test]
fn keys_are_those_that_every_wallet_derives() {
    for uri in ["//Alice", "//Bob//stash", "/soft", "//Alice///secret"] {
        let wallets = sr25519::Pair::from_string(uri, None).unwrap();
        assert_eq!(pair_of(uri).public(), wallets.public(), "{uri}");
    }
}
