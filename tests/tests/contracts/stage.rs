//! Where most tests begin.

use plimsoll_interface::mechanism::OperatorIndex;
use plimsoll_tests::{entry, Actor, Setup, World};

/// What is in the reserve when epoch 0 begins, in base units: its budget is a tenth.
pub const RESERVE: u128 = 1_000_000;

/// Bond of every open operator, in base units.
pub const BOND: u128 = 100_000;

/// A world at the start of epoch 0 with [`RESERVE`], `vetted` vetted operators and
/// behind them `open` open ones with [`BOND`] each.
pub fn stage(vetted: u32, open: u32) -> (World, Vec<Actor>) {
    stage_with(Setup::default(), vetted, open)
}

/// [`stage`] in a world of another make.
pub fn stage_with(setup: Setup, vetted: u32, open: u32) -> (World, Vec<Actor>) {
    let mut world = World::with(setup);
    world.fund(RESERVE);
    let operators: Vec<Actor> = world
        .register_many(vetted + open)
        .into_iter()
        .map(|(_, actor)| actor)
        .collect();
    let all: Vec<OperatorIndex> = (0..vetted).collect();
    if !all.is_empty() {
        world.vouch(&all);
    }
    for operator in vetted..vetted + open {
        world.bond(operator, BOND);
    }
    world.go_to_epoch(0);
    (world, operators)
}

/// Two vetted operators whose rewards for epoch 0, settled, raised and final, are
/// 20,000 each: 5,000 at once and 15,000 vesting.
pub fn settled() -> (World, Vec<Actor>) {
    settled_with(Setup::default())
}

/// [`settled`] in a world of another make.
pub fn settled_with(setup: Setup) -> (World, Vec<Actor>) {
    let (mut world, operators) = stage_with(setup, 2, 0);
    world.credit(0, &[entry(0, 90, 0, 1), entry(1, 10, 0, 1)]);
    world.go_to_settlement(0);
    world.settle().done();
    assert_eq!(world.raise(0, &[0, 1]).done(), 2);
    world.go_to_final(0);
    (world, operators)
}

/// [`settled`], and booked.
pub fn booked() -> (World, Vec<Actor>) {
    booked_with(Setup::default())
}

/// [`booked`] in a world of another make.
pub fn booked_with(setup: Setup) -> (World, Vec<Actor>) {
    let (mut world, operators) = settled_with(setup);
    assert_eq!(world.book(&[0], &[0, 1]).done().booked, 2);
    (world, operators)
}
