//! Registrations without end.

use crate::block::{fits, register, vouch, world};
use plimsoll_embedded::Weight;
use plimsoll_interface::mechanism::OperatorIndex;
use plimsoll_interface::{calls, OPEN_POOL};
use plimsoll_tests::{entry, Setup, World};

/// Registrations of strangers.
const FLOOD: u32 = 5_000;

/// Honest operators, the last of them in the open tier.
const HONEST: u32 = 3;

/// An epoch of `operators` from its batch to the last payment, and what each message took
/// of its block.
fn life(world: &mut World, operators: &[OperatorIndex]) -> Vec<(&'static str, Weight)> {
    let mut costs = Vec::new();
    let open = operators[operators.len() - 1];
    world.go_to_epoch(0);
    let work: Vec<_> = operators.iter().map(|k| entry(*k, 1_000, 10, 1)).collect();
    let batch = world.batch(0, 0, &work);
    macro_rules! take {
        ($name:literal, $sent:expr) => {
            let sent = $sent;
            fits($name, &sent, 15);
            costs.push(($name, sent.outcome.weight));
            sent.done();
        };
    }
    take!("attest", world.attest(&batch));
    world.go_to_settlement(0);
    take!("settle", world.settle());
    let everybody: Vec<_> = operators.iter().copied().chain([OPEN_POOL]).collect();
    take!("raise", world.raise(0, &everybody));
    world.go_to_final(0);
    take!("book", world.book(&[0], operators));
    take!("claim", world.claim(operators[0]));
    take!("claim_many", world.claim_many(operators));
    let owner = world.actor(&format!("honest {}", HONEST - 1));
    take!(
        "unbond",
        world.send::<u128>(&owner, calls::unbond(open, 1_000))
    );
    world.go_to_epoch(9);
    take!(
        "withdraw_bond",
        world.send::<u128>(&owner, calls::withdraw_bond(open))
    );
    costs
}

/// Honest operators, and strangers before and after them.
fn flooded(before: u32, after: u32) -> (World, Vec<OperatorIndex>) {
    let mut world = world(Setup::default(), 1_000_000);
    register(&mut world, "stranger", before);
    let honest = register(&mut world, "honest", HONEST);
    vouch(&mut world, &honest[..2]);
    world.bond(honest[2], 10_000);
    register(&mut world, "late stranger", after);
    (world, honest)
}

#[test]
fn limit_registrations_that_flood_the_index_change_no_cost_of_anybodys() {
    let (mut alone, honest) = flooded(0, 0);
    let quiet = life(&mut alone, &honest);
    // Behind a flood they lie on other pages; the flood goes on behind them.
    let (mut crowded, honest) = flooded(FLOOD, 50);
    assert_eq!(honest[0], FLOOD);
    let loud = life(&mut crowded, &honest);
    for ((name, quiet), (_, loud)) in quiet.into_iter().zip(loud) {
        assert_eq!(quiet.proof_size(), loud.proof_size(), "{name}");
        // Larger indices are numbers like any other; a thousandth is what decoding takes.
        let differ = quiet.ref_time().abs_diff(loud.ref_time());
        assert!(
            differ <= quiet.ref_time() / 50,
            "{name}: {quiet:?} {loud:?}"
        );
    }
}

#[test]
fn limit_registering_costs_as_much_for_the_last_as_for_the_first() {
    let mut world = world(Setup::default(), 1);
    let mut costs = Vec::new();
    for k in 0..1_000 {
        let actor = world.actor(&format!("newcomer {k}"));
        let sent = world.send::<u32>(&actor, calls::register(actor.address));
        fits("register", &sent, 10);
        costs.push(sent.outcome.weight.proof_size());
        sent.done();
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}
