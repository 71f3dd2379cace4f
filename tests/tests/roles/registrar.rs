//! The registrar, hostile.

use crate::scene::{conclude, CAP, CEILING};
use crate::stage::{stage, stage_with, BOND};
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::{calls, Error};
use plimsoll_tests::{entry, Setup};

#[test]
fn role_registrar_vouches_for_max_vouches_sybils_an_epoch_and_each_gets_at_most_its_cap() {
    const MAX_VOUCHES: u32 = 2;
    let mut setup = Setup::default();
    setup.settings.max_vouches = MAX_VOUCHES;
    let (mut world, _) = stage_with(setup, 1, 0);
    let registrar = world.registrar.clone();
    for k in 1..10 {
        world.register(&format!("sybil {k}"));
    }
    for epoch in 0..4_u32 {
        world.go_to_epoch(epoch);
        // One vouch was used for the honest one before genesis, which is epoch 0 as well.
        let next = if epoch == 0 { 1 } else { epoch * MAX_VOUCHES };
        let left = if epoch == 0 { 1 } else { MAX_VOUCHES };
        let sybils: Vec<u32> = (next..next + left).collect();
        let more: Vec<u32> = (next..next + left + 1).collect();
        let sent = world.send::<()>(&registrar, calls::vouch(&more));
        assert_eq!(sent.refused(), Error::TooManyVouches, "epoch {epoch}");
        world.vouch(&sybils);
        let sent = world.send::<()>(&registrar, calls::vouch(&[next + left]));
        assert_eq!(sent.refused(), Error::TooManyVouches, "epoch {epoch}");
    }
    // One worker's work over all its identities: each gets the cap, and no more.
    world.go_to_epoch(4);
    let reserve = world.ledger().reserve;
    let vetted = 4 * MAX_VOUCHES;
    let entries: Vec<Entry> = (0..vetted).map(|k| entry(k, 1_000, 0, 0)).collect();
    world.credit(4, &entries);
    let sybils: Vec<u32> = (1..vetted).collect();
    let rewards = conclude(&mut world, 4, &sybils);
    let cap = reserve / 10 / 5;
    assert!(rewards.iter().all(|reward| *reward <= cap), "{rewards:?}");
    // Seven of eight equals share what eight equals share.
    assert_eq!(rewards, vec![reserve / 10 / 8; 7]);
}

#[test]
fn role_registrar_multiplies_a_workers_cap_by_its_vouches_and_no_further() {
    // A worker that does nine tenths of the work, beside an honest one.
    for identities in [1, 2, 3] {
        let (mut world, _) = stage(1 + identities, 0);
        let mut entries = vec![entry(0, 600, 0, 0)];
        let each = 5_400 / u64::from(identities);
        entries.extend((1..=identities).map(|k| entry(k, each, 0, 0)));
        world.credit(0, &entries);
        let mine: Vec<u32> = (1..=identities).collect();
        let taken: u128 = conclude(&mut world, 0, &mine).iter().sum();
        assert_eq!(taken, u128::from(identities) * CAP);
    }
}

#[test]
fn role_registrar_that_revokes_an_honest_operator_takes_nothing_it_has_earned() {
    // The same story with and without the revocation.
    let [revoked, kept] = [true, false].map(|revoke| {
        let (mut world, _) = stage(2, 0);
        world.credit(0, &[entry(0, 50, 0, 1), entry(1, 50, 0, 1)]);
        let first = conclude(&mut world, 0, &[0, 1]);
        world.go_to_epoch(2);
        world.credit(2, &[entry(0, 50, 0, 1)]);
        if revoke {
            let registrar = world.registrar.clone();
            world.send::<()>(&registrar, calls::revoke(0)).done();
        }
        // The rest of its work in this epoch counts as well.
        world.credit(2, &[entry(0, 50, 0, 1), entry(1, 100, 0, 1)]);
        let second = conclude(&mut world, 2, &[0, 1]);
        world.go_to_epoch(20);
        let paid = world.claim(0).done();
        (first, second, paid)
    });
    assert_eq!(revoked, kept);
    assert_eq!(revoked.2, revoked.0[0] + revoked.1[0]);
}

#[test]
fn role_registrar_unseats_an_open_operator_for_the_epochs_it_needs_to_bond_again() {
    // A vouch frees the bond and a revocation leaves its operator without one.
    let (mut world, operators) = stage(0, 1);
    world.credit(0, &[entry(0, 5, 0, 0)]);
    let registrar = world.registrar.clone();
    world.vouch(&[0]);
    world.send::<()>(&registrar, calls::revoke(0)).done();
    assert_eq!(world.operator(0).next_status, Status::Inactive);
    world.go_to_epoch(1);
    assert_eq!(world.credit(1, &[entry(0, 5, 0, 0)]).skipped, 1);
    world.bond(0, BOND);
    // What it earned stays, and so does every unit of the bond.
    assert_eq!(conclude(&mut world, 0, &[0]), [CEILING]);
    assert_eq!(world.operator(0).unbonding[0].amount, BOND);
    assert_eq!(world.operator(0).status, Status::Open);
    assert_eq!(world.credit(2, &[entry(0, 5, 0, 0)]).credited, 1);
    world.go_to_epoch(4);
    let anyone = world.anyone.clone();
    let back = world.send::<u128>(&anyone, calls::withdraw_bond(0)).done();
    assert_eq!(back, BOND);
    assert_eq!(
        world.tokens(operators[0].address),
        alloy_primitives::U256::from(BOND)
    );
}
