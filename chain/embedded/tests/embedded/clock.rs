//! The clock and the state of the embedded chain.

use std::thread;

use crate::counter::*;
use plimsoll_embedded::{ClockError, EmbeddedChain, EmbeddedHandle, Genesis, GENESIS_TIME_MS};

/// Four weeks.
const LONG_MS: u64 = 28 * 24 * 3_600_000;

#[test]
fn time_stands_still_until_it_is_set() {
    let (mut chain, counter) = chain_with_counter();
    assert_eq!((chain.block_number(), chain.now_ms()), (1, GENESIS_TIME_MS));
    chain
        .call(&alice(), counter, 0, BUMP.to_vec())
        .result
        .unwrap();
    assert_eq!((chain.block_number(), chain.now_ms()), (1, GENESIS_TIME_MS));
}

#[test]
fn a_jump_of_weeks_is_one_block_and_contracts_see_it() {
    let (mut chain, counter) = chain_with_counter();
    chain.advance(LONG_MS).unwrap();
    assert_eq!(
        (chain.block_number(), chain.now_ms()),
        (2, GENESIS_TIME_MS + LONG_MS)
    );
    let seen = chain
        .call(&alice(), counter, 0, TIME.to_vec())
        .result
        .unwrap();
    // The EVM counts in seconds.
    assert_eq!(number(&seen), (GENESIS_TIME_MS + LONG_MS) / 1_000);
    chain.set_time(GENESIS_TIME_MS + LONG_MS + 1).unwrap();
    assert_eq!(chain.block_number(), 3);
}

#[test]
fn time_never_goes_back_or_round() {
    let mut chain = EmbeddedChain::new(Genesis::default());
    let now = chain.now_ms();
    assert_eq!(
        chain.advance(0),
        Err(ClockError::NotForward { now, asked: now })
    );
    assert_eq!(
        chain.set_time(now - 1),
        Err(ClockError::NotForward {
            now,
            asked: now - 1
        })
    );
    assert_eq!(
        chain.advance(u64::MAX),
        Err(ClockError::Overflow { now, by: u64::MAX })
    );
    assert_eq!((chain.block_number(), chain.now_ms()), (1, now));
}

#[test]
fn a_snapshot_brings_back_contracts_balances_and_time() {
    let (mut chain, counter) = chain_with_counter();
    chain
        .call(&alice(), counter, 0, BUMP.to_vec())
        .result
        .unwrap();
    let snapshot = chain.snapshot();
    let balance = chain.balance(&alice());

    chain.advance(LONG_MS).unwrap();
    chain
        .call(&alice(), counter, 0, BUMP.to_vec())
        .result
        .unwrap();
    chain
        .call(&alice(), counter, 0, CLEAR.to_vec())
        .result
        .unwrap();
    for _ in 0..2 {
        chain.restore(&snapshot);
        assert_eq!((chain.block_number(), chain.now_ms()), (1, GENESIS_TIME_MS));
        assert_eq!(chain.balance(&alice()), balance);
        let next = chain
            .call(&alice(), counter, 0, BUMP.to_vec())
            .result
            .unwrap();
        assert_eq!(number(&next), 2);
    }
}

#[test]
fn forks_go_their_own_ways() {
    let (mut chain, counter) = chain_with_counter();
    let mut fork = chain.fork();
    fork.call(&alice(), counter, 0, BUMP.to_vec())
        .result
        .unwrap();
    fork.advance(1).unwrap();
    assert_eq!(chain.storage(counter, &[0; 32]), None);
    assert_eq!(chain.block_number(), 1);
    assert_eq!(fork.block_number(), 2);
}

#[test]
fn many_threads_share_one_chain_through_a_handle() {
    let handle = EmbeddedHandle::start(Genesis::default()).unwrap();
    let counter = handle
        .run(|chain| {
            chain
                .instantiate(&alice(), counter_code(), Vec::new(), None, 0)
                .result
        })
        .unwrap()
        .unwrap();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let handle = handle.clone();
            thread::spawn(move || {
                for _ in 0..5 {
                    handle
                        .run(move |chain| chain.call(&bob(), counter, 0, BUMP.to_vec()).result)
                        .unwrap()
                        .unwrap();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let count = handle
        .run(move |chain| chain.storage(counter, &[0; 32]))
        .unwrap()
        .unwrap();
    assert_eq!(number(&count), 20);
}

#[test]
fn a_handle_says_when_its_chain_has_stopped() {
    let handle = EmbeddedHandle::start(Genesis::default()).unwrap();
    assert!(handle.run(|_| -> () { panic!("on purpose") }).is_err());
    assert!(handle.run(|chain| chain.now_ms()).is_err());
}
