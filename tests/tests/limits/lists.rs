//! Lists as long as a block holds, and longer.

use crate::block::{fits, is_beyond_a_block, register, vouch, world};
use plimsoll_interface::mechanism::OperatorIndex;
use plimsoll_interface::{calls, Booked, Claimed};
use plimsoll_tests::{entry, Setup, World};

/// More than a block can book or pay.
const MANY: u32 = 700;

/// [`MANY`] operators with work in an epoch that is final.
fn crowd() -> (World, Vec<OperatorIndex>) {
    let mut setup = Setup::default();
    setup.settings.max_vouches = u32::MAX;
    let mut world = world(setup, 1_000_000_000);
    let all = register(&mut world, "operator", MANY);
    vouch(&mut world, &all);
    world.go_to_epoch(0);
    let work: Vec<_> = all.iter().map(|k| entry(*k, 1_000, 10, 1)).collect();
    world.credit(0, &work);
    world.go_to_settlement(0);
    world.settle().done();
    world.go_to_final(0);
    (world, all)
}

#[test]
fn limit_lists_beyond_a_block_are_refused_whole_and_lose_nothing() {
    let (mut world, all) = crowd();
    let ledger = world.ledger();
    let sent = world.book(&[0], &all);
    is_beyond_a_block("booking all", &sent);
    assert_eq!(world.ledger(), ledger);
    let mut booked = Booked::default();
    for part in all.chunks(500) {
        let sent = world.book(&[0], part);
        fits("booking 500", &sent, 90);
        let more = sent.done();
        booked.booked += more.booked;
        booked.amount += more.amount;
    }
    assert_eq!(booked.booked, MANY);

    let ledger = world.ledger();
    let sent = world.claim_many(&all);
    is_beyond_a_block("paying all", &sent);
    assert_eq!(world.ledger(), ledger);
    let mut claimed = Claimed::default();
    for part in all.chunks(100) {
        let sent = world.claim_many(part);
        fits("paying 100", &sent, 95);
        let more = sent.done();
        claimed.paid += more.paid;
        claimed.amount += more.amount;
    }
    assert_eq!(claimed.paid, MANY);
    assert_eq!(world.ledger().paid, claimed.amount);
}

#[test]
fn limit_what_is_named_a_thousand_times_is_done_once_and_costs_a_look_each() {
    let mut world = world(Setup::default(), 1_000_000);
    let all = register(&mut world, "operator", 2);
    vouch(&mut world, &all);
    world.go_to_epoch(0);
    world.credit(0, &[entry(0, 1_000, 0, 0), entry(1, 1_000, 0, 0)]);
    world.go_to_settlement(0);
    world.settle().done();
    let list: Vec<OperatorIndex> = (0..1_000).map(|k| k % 2).collect();
    let sent = world.raise(0, &list);
    fits("raising two, 500 times each", &sent, 50);
    assert_eq!(sent.done(), 2);
    world.go_to_final(0);
    let sent = world.book(&[0; 50], &list);
    fits("booking two, 500 times each", &sent, 50);
    assert_eq!(sent.done().booked, 2);
    let anyone = world.anyone.clone();
    let sent = world.send::<Claimed>(&anyone, calls::claim_many(&list));
    fits("paying two, 500 times each", &sent, 90);
    assert_eq!(sent.done().paid, 2);
}
