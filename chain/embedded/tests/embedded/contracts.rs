//! Contracts on the embedded chain.

use crate::counter::*;
use plimsoll_embedded::{
    account_of, Code, EmbeddedChain, Failure, Genesis, Limits, RawOrigin, RuntimeCall, Weight,
    EXISTENTIAL_DEPOSIT, H160, H256, UNIT,
};

#[test]
fn a_message_changes_the_contract_and_returns() {
    let (mut chain, counter) = chain_with_counter();
    for expected in 1..=3 {
        let outcome = chain.call(&alice(), counter, 0, BUMP.to_vec());
        assert_eq!(number(&outcome.result.unwrap()), expected);
    }
    assert_eq!(number(&chain.storage(counter, &[0; 32]).unwrap()), 3);
}

#[test]
fn events_name_the_contract_and_only_the_calls_own_are_given() {
    let (mut chain, counter) = chain_with_counter();
    for expected in 1..=2 {
        let outcome = chain.call(&alice(), counter, 0, BUMP.to_vec());
        assert_eq!(outcome.events.len(), 1);
        let event = &outcome.events[0];
        assert_eq!(event.contract, counter);
        assert_eq!(event.topics, [H256::from_low_u64_be(0x2a)]);
        assert_eq!(number(&event.data), expected);
    }
}

#[test]
fn a_revert_gives_its_data_and_leaves_nothing_behind_but_the_nonce() {
    let (mut chain, counter) = chain_with_counter();
    let before = (chain.balance(&alice()), chain.nonce(&alice()));
    let outcome = chain.call(&alice(), counter, 5, REVERT.to_vec());
    match outcome.result.unwrap_err() {
        Failure::Reverted(data) => assert_eq!(number(&data), 7),
        other => panic!("{other}"),
    }
    assert!(outcome.events.is_empty());
    assert_eq!(outcome.deposit, 0);
    assert_eq!(chain.storage(counter, &[0; 32]), None);
    assert_eq!(chain.balance(&alice()), before.0);
    assert_eq!(chain.nonce(&alice()), before.1 + 1);
}

#[test]
fn a_dry_run_tells_what_a_call_gives_and_changes_nothing() {
    let (mut chain, counter) = chain_with_counter();
    let before = (chain.balance(&alice()), chain.nonce(&alice()));
    let dry = chain.dry_run(&alice(), counter, 0, BUMP.to_vec());
    assert_eq!(chain.storage(counter, &[0; 32]), None);
    assert_eq!((chain.balance(&alice()), chain.nonce(&alice())), before);
    let real = chain.call(&alice(), counter, 0, BUMP.to_vec());
    assert_eq!(dry, real);
}

#[test]
fn a_dry_run_of_a_constructor_foretells_the_address() {
    let mut chain = EmbeddedChain::new(Genesis::default());
    let salt = Some([9; 32]);
    let dry = chain.dry_run_instantiate(&alice(), counter_code(), Vec::new(), salt, 0);
    let address = dry.result.unwrap();
    assert!(!chain.is_contract(address));
    let real = chain.instantiate(&alice(), counter_code(), Vec::new(), salt, 0);
    assert_eq!(real.result.unwrap(), address);
    assert!(chain.is_contract(address));
    assert!(chain.code_hash(address).is_some());
}

#[test]
fn without_a_salt_each_contract_has_an_address_of_its_own() {
    let (mut chain, first) = chain_with_counter();
    let second = chain
        .instantiate(&alice(), counter_code(), Vec::new(), None, 0)
        .result
        .unwrap();
    assert_ne!(first, second);
}

#[test]
fn storage_is_paid_by_who_fills_it_and_refunded_to_who_clears_it() {
    let (mut chain, counter) = chain_with_counter();
    let (alice, bob) = (alice(), bob());
    let contract = chain.account(counter);
    let held = chain.storage_deposit(&contract);
    let before = (chain.balance(&alice), chain.balance(&bob));

    let filled = chain.call(&alice, counter, 0, BUMP.to_vec());
    let paid = u128::try_from(filled.deposit).unwrap();
    assert!(paid > 0);
    assert_eq!(chain.balance(&alice), before.0 - paid);
    assert_eq!(chain.storage_deposit(&contract), held + paid);

    let cleared = chain.call(&bob, counter, 0, CLEAR.to_vec());
    assert_eq!(cleared.deposit, -filled.deposit);
    assert_eq!(chain.balance(&bob), before.1 + paid);
    assert_eq!(chain.storage_deposit(&contract), held);
}

#[test]
fn an_unknown_account_is_told_to_map_itself() {
    let (mut chain, counter) = chain_with_counter();
    let newcomer = account_of("//Newcomer");
    chain.fund_unmapped(&newcomer, 100 * UNIT).unwrap();
    let refused = chain
        .call(&newcomer, counter, 0, BUMP.to_vec())
        .result
        .unwrap_err();
    assert_eq!(refused.to_string(), "Revive::AccountUnmapped");

    let map = RuntimeCall::Revive(pallet_revive::Call::map_account {});
    chain
        .dispatch(RawOrigin::Signed(newcomer.clone()), map)
        .result
        .unwrap();
    assert!(chain.is_mapped(&newcomer));
    assert!(chain.call(&newcomer, counter, 0, BUMP.to_vec()).succeeded());
}

#[test]
fn a_call_without_a_contract_or_without_weight_fails_by_name() {
    let (mut chain, counter) = chain_with_counter();
    let tight = Limits {
        weight: Some(Weight::from_parts(1_000, 1_000)),
        deposit: None,
    };
    let outcome = chain.call_with(&alice(), counter, 0, BUMP.to_vec(), tight);
    assert_eq!(outcome.result.unwrap_err().to_string(), "Revive::OutOfGas");

    let broke = Limits {
        weight: None,
        deposit: Some(0),
    };
    let outcome = chain.call_with(&alice(), counter, 0, BUMP.to_vec(), broke);
    assert_eq!(
        outcome.result.unwrap_err().to_string(),
        "Revive::StorageDepositLimitExhausted"
    );

    let nonsense = Code::Existing(H256::repeat_byte(1));
    let outcome = chain.instantiate(&alice(), nonsense, Vec::new(), None, 0);
    assert_eq!(
        outcome.result.unwrap_err().to_string(),
        "Revive::CodeNotFound"
    );
}

#[test]
fn value_travels_with_a_call() {
    let mut chain = EmbeddedChain::new(Genesis::default());
    let plain = H160::repeat_byte(0x77);
    chain
        .call(&alice(), plain, 3 * UNIT, Vec::new())
        .result
        .unwrap();
    let account = chain.account(plain);
    // Who sends to a new account brings it to life with the existential deposit.
    assert_eq!(chain.balance(&account), 3 * UNIT + EXISTENTIAL_DEPOSIT);
}

#[test]
fn what_one_transaction_may_use_is_the_blocks_limit() {
    let (mut chain, counter) = chain_with_counter();
    let most = chain.most_weight(0);
    // 75 % of a block, less what the block's own start and the transaction take.
    assert!(
        most.ref_time() > 1_200_000_000_000 && most.ref_time() < 1_500_000_000_000,
        "{most:?}"
    );
    assert!(
        most.proof_size() > 6_500_000 && most.proof_size() < 7_864_320,
        "{most:?}"
    );
    // A byte of message is a byte of proof.
    let longer = chain.most_weight(100_000);
    assert!(most.proof_size() - longer.proof_size() >= 100_000);

    let outcome = chain.call(&alice(), counter, 0, BUMP.to_vec());
    assert!(outcome.transaction_weight.all_gt(outcome.weight));
}
