//! The largest set of operators that can be raised to their caps.

use crate::block::{fits, is_beyond_a_block, vet, world};
use plimsoll_interface::mechanism::work::{Entry, OPERATORS_PER_PAGE};
use plimsoll_interface::mechanism::OperatorIndex;
use plimsoll_tests::{entry, Setup, World, PARAMS};

/// With the smallest cap, a thousandth of the budget, and a budget of 1,999 the cap rounds
/// down to one unit: so many operators, and never more, are at it.
const MOST: u32 = 1_999;

/// [`MOST`] operators of equal work, `apart` indices from one to the next, in an epoch
/// that can be settled.
fn crowd(apart: OperatorIndex) -> (World, Vec<OperatorIndex>) {
    let mut setup = Setup::default();
    setup.params.operator_cap = 1_000;
    assert_eq!(PARAMS.rate, 100_000, "a tenth is emitted");
    let mut world = world(setup, u128::from(MOST) * 10);
    vet(&mut world, 0..MOST, apart);
    world.go_to_epoch(0);
    let all: Vec<OperatorIndex> = (0..MOST).map(|k| k * apart).collect();
    let work: Vec<Entry> = all.iter().map(|k| entry(*k, 1_000, 0, 0)).collect();
    for part in work.chunks(400) {
        world.credit(0, part);
    }
    world.go_to_settlement(0);
    (world, all)
}

/// Raises everybody in lists of `length`, each in a block.
fn raise_in_lists(world: &mut World, all: &[OperatorIndex], length: usize, percent: u64) {
    let sent = world.settle();
    // Settling does not know how many will be raised.
    fits("settle", &sent, 10);
    assert_eq!(sent.done().budget, u128::from(MOST));
    let mut raised = 0;
    for list in all.chunks(length) {
        let sent = world.raise(0, list);
        fits("raise", &sent, percent);
        raised += sent.done();
    }
    assert_eq!(raised, MOST);
    let settlement = world.epoch(0).and_then(|epoch| epoch.settlement);
    let level = settlement.expect("it is settled").level;
    assert_eq!((level.numerator, level.denominator), (0, 0));
}

#[test]
fn limit_the_largest_capped_set_of_neighbours_is_raised_in_lists_that_fit_in_a_block() {
    let (mut world, all) = crowd(1);
    raise_in_lists(&mut world, &all, 500, 75);
}

#[test]
fn limit_the_largest_capped_set_of_a_page_each_is_raised_in_lists_that_fit_in_a_block() {
    let (mut world, all) = crowd(OPERATORS_PER_PAGE);
    let start = world.chain.snapshot();
    raise_in_lists(&mut world, &all, 200, 75);
    // All of them in one list are beyond a block: it is refused whole, and nothing is lost.
    world.chain.restore(&start);
    world.settle().done();
    let before = world.epoch(0);
    let sent = world.raise(0, &all);
    is_beyond_a_block("raising all at once", &sent);
    assert_eq!(world.epoch(0), before);
    // Anybody raises itself, alone.
    let sent = world.raise(0, &all[MOST as usize - 1..]);
    fits("raising one", &sent, 10);
    assert_eq!(sent.done(), 1);
}
