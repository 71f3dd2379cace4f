//! An operator with many identities.

use crate::scene::{conclude, BUDGET, CAP, CEILING};
use crate::stage::{stage, BOND, RESERVE};
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::{calls, Error};
use plimsoll_tests::entry;

#[test]
fn role_operator_with_any_number_of_open_identities_gets_at_most_the_open_ceiling() {
    for count in [1, 3, 30, 100] {
        let (mut world, _) = stage(1, count);
        let entries: Vec<Entry> = (0..=count).map(|k| entry(k, 10_000, 0, 0)).collect();
        world.credit(0, &entries);
        let mine: Vec<u32> = (1..=count).collect();
        let rewards = conclude(&mut world, 0, &mine);
        let sum: u128 = rewards.iter().sum();
        // Each share is rounded down by itself.
        assert!(sum <= CEILING, "{count}: {sum}");
        assert!(sum >= CEILING - u128::from(count), "{count}: {sum}");
    }
}

#[test]
fn role_operator_with_one_vetted_and_many_open_identities_gets_its_cap_and_the_ceiling() {
    let (mut world, _) = stage(2, 15);
    // The other vetted one does a hundredth of the work.
    let mut entries = vec![entry(0, 510, 0, 0), entry(1, 10, 0, 0)];
    entries.extend((2..17).map(|k| entry(k, 32, 0, 0)));
    world.credit(0, &entries);
    let mine: Vec<u32> = [0].into_iter().chain(2..17).collect();
    let rewards = conclude(&mut world, 0, &mine);
    assert_eq!(rewards[0], CAP);
    assert_eq!(rewards.iter().sum::<u128>(), CAP + CEILING);
    // What is not the large one's lifts the small one by the uplift, fourfold.
    assert_eq!(conclude_one(&mut world, 1), BUDGET / 100 * 4);
}

fn conclude_one(world: &mut plimsoll_tests::World, operator: u32) -> u128 {
    world.book(&[0], &[operator]).done().amount
}

#[test]
fn role_operator_gets_in_the_open_tier_no_more_than_its_bond_allows_however_it_is_split() {
    // One identity with all of the work and of a small bond, or ten with a tenth each.
    let bond = 5_000;
    let mut sums = Vec::new();
    for identities in [1_u32, 10] {
        let (mut world, _) = stage(0, 0);
        let share = u128::from(identities);
        for k in 0..identities {
            world.register(&format!("identity {k}"));
            world.bond(k, bond / share);
        }
        world.go_to_epoch(1);
        let work = 1_000 / u64::from(identities);
        let entries: Vec<Entry> = (0..identities).map(|k| entry(k, work, 0, 0)).collect();
        world.credit(1, &entries);
        let all: Vec<u32> = (0..identities).collect();
        let sum: u128 = conclude(&mut world, 1, &all).iter().sum();
        // What the bond does not allow is nobody's, and returns.
        let ledger = world.ledger();
        assert_eq!(ledger.pots, 0);
        assert_eq!(ledger.reserve + ledger.inflows, RESERVE - sum);
        sums.push(sum);
    }
    assert_eq!(sums, [bond; 2]);
}

#[test]
fn role_operator_reaches_nothing_of_anybody_elses() {
    let (mut world, operators) = stage(0, 2);
    let thief = operators[0].clone();
    for message in [
        calls::unbond(1, BOND),
        calls::set_payee(1, thief.address),
        calls::set_only_self(1, true),
        calls::cancel_payee(1),
    ] {
        let sent = world.send::<()>(&thief, message);
        assert_eq!(sent.refused(), Error::NotAllowed);
    }
    // It may claim and withdraw for the other, to the other's payee.
    world.credit(0, &[entry(0, 1, 0, 0), entry(1, 1, 0, 0)]);
    world
        .send::<u128>(&operators[1], calls::unbond(1, BOND))
        .done();
    conclude(&mut world, 0, &[0, 1]);
    world.go_to_epoch(8);
    let claimed = world.send::<u128>(&thief, calls::claim(1)).done();
    let bond = world.send::<u128>(&thief, calls::withdraw_bond(1)).done();
    assert_eq!((claimed, bond), (CEILING / 2, BOND));
    assert!(world.tokens(thief.address).is_zero());
    let paid = world.tokens(operators[1].address);
    assert_eq!(paid, alloy_primitives::U256::from(CEILING / 2 + BOND));
}
