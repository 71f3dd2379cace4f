//! What storage costs whoever makes the contract keep something.

use crate::block::{block, world};
use plimsoll_interface::calls;
use plimsoll_interface::mechanism::work::MAX_OPERATORS;
use plimsoll_tests::{Actor, Sent, Setup, World};
use std::fs;
use std::path::Path;

/// Sends a message and returns its storage deposit in base units of the native token.
fn deposit(world: &mut World, from: &Actor, message: Vec<u8>) -> i128 {
    let sent = world.send::<()>(from, message);
    let deposit = sent.outcome.deposit;
    sent.done();
    deposit
}

/// A world with two operators, and what the second registration took.
fn registered() -> (World, Sent<u32>) {
    let mut world = world(Setup::default(), 1);
    world.register("first");
    let actor = world.actor("second");
    let sent = world.send::<u32>(&actor, calls::register(actor.address));
    assert!(sent.succeeded());
    (world, sent)
}

/// Expects that `SECURITY.md` says this of `what`.
#[track_caller]
fn is_documented(what: &str, figure: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../SECURITY.md");
    let text = fs::read_to_string(file).expect("SECURITY.md is there");
    let row = format!("| {what} | {figure} |");
    assert!(text.contains(&row), "SECURITY.md has no row `{row}`");
}

/// An amount in native tokens.
fn in_words(amount: i128) -> String {
    let unit = i128::try_from(plimsoll_embedded::UNIT).expect("small");
    let text = format!("{}.{:010}", amount / unit, amount % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[test]
fn limit_a_registration_holds_a_deposit_that_makes_flooding_the_index_dear() {
    let (_, sent) = registered();
    let each = sent.outcome.deposit;
    assert!(each > 0);
    is_documented("a registration", &in_words(each));
    let all = each * i128::from(MAX_OPERATORS);
    is_documented(
        &format!("registrations for all {MAX_OPERATORS} indices"),
        &in_words(all),
    );
    let (whole, taken) = (block(), sent.outcome.transaction_weight);
    let in_a_block =
        (whole.ref_time() / taken.ref_time()).min(whole.proof_size() / taken.proof_size());
    println!("registrations in a block: {in_a_block}");
    let blocks = u64::from(MAX_OPERATORS) / in_a_block;
    // At a block every six seconds.
    assert!(blocks * 6 > 10 * 86_400, "ten days of full blocks");
}

#[test]
fn limit_a_vouch_and_a_bond_hold_a_deposit_for_what_they_add_and_no_more() {
    let (mut world, _) = registered();
    let start = world.chain.snapshot();
    let registrar = world.registrar.clone();
    // A status page is kept for 685 neighbours.
    let first = deposit(&mut world, &registrar, calls::vouch(&[0]));
    let second = deposit(&mut world, &registrar, calls::vouch(&[1]));
    is_documented(
        "a vouch or a bond, the first of 685 neighbours",
        &in_words(first),
    );
    assert_eq!(second, 0);
    world.chain.restore(&start);
    let bank = world.bank.clone();
    let bond = calls::bond(1, 1_000);
    assert_eq!(deposit(&mut world, &bank, bond.clone()), first);
    assert_eq!(deposit(&mut world, &bank, bond.clone()), 0);
    // From the third epoch of changes on the bond before the last one is archived.
    let mut later = Vec::new();
    for epoch in 0..6 {
        world.go_to_epoch(epoch);
        later.push(deposit(&mut world, &bank, bond.clone()));
    }
    println!("bonds in epochs of their own: {later:?}");
    is_documented(
        "a bond that changes in an epoch of its own, from the third on",
        &in_words(later[5]),
    );
    assert!(later[5] > 0 && later[4] == later[5], "{later:?}");
}
