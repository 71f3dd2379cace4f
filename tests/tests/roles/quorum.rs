//! `m` attesters that lie.

use crate::scene::{
    batch_of, conclude, crowd, everything, honest, settle, slash, BUDGET, CAP, CEILING, EVIDENCE,
};
use crate::stage::{stage, BOND, RESERVE};
use plimsoll_interface::mechanism::work::{Entry, WORK_LIMIT};
use plimsoll_interface::{calls, Attesters, Change, Error};
use plimsoll_tests::{entry, Actor, Attester, World};

/// The liar's vetted operator.
const VETTED: u32 = 4;
/// Its open ones.
const OPEN: std::ops::Range<u32> = 5..15;
/// Work that nobody did: with the hundred units of the honest twenty million.
const INVENTED: u64 = 1_000_000;

/// [`crowd`] with a lying quorum's identities in epoch 0.
fn stage_of_liars() -> (World, Vec<Actor>) {
    let (mut world, operators) = stage(5, 10);
    world.credit(0, &honest());
    (world, operators)
}

/// Work for every identity of the liar's.
fn invented() -> Vec<Entry> {
    (VETTED..OPEN.end)
        .map(|k| {
            let work = if k == VETTED {
                10 * INVENTED - 100
            } else {
                INVENTED
            };
            entry(k, work, 0, 1_000)
        })
        .collect()
}

#[test]
fn role_quorum_takes_what_the_caps_allow_of_an_epoch_and_not_a_unit_more() {
    let (mut world, _) = stage_of_liars();
    world.credit(0, &invented());
    let mine: Vec<u32> = (VETTED..OPEN.end).collect();
    let rewards = conclude(&mut world, 0, &mine);
    // One vetted identity and ten open ones: C + P, which is half of the budget here.
    assert_eq!(rewards[0], CAP);
    assert_eq!(rewards[1..], [CEILING / 10; 10]);
    assert_eq!(rewards.iter().sum::<u128>(), BUDGET / 2);
    // The honest did 25 units each of twenty million: the false work leaves them four
    // times (the uplift) an eighth of a base unit. What is left is nobody's and returns.
    let honest = world.book(&[0], &[0, 1, 2, 3]).done();
    assert_eq!(honest.amount, 0);
    let ledger = world.ledger();
    let dust = ledger.pots;
    assert_eq!(dust, 2);
    assert_eq!(ledger.reserve + ledger.inflows + dust, RESERVE - BUDGET / 2);
}

#[test]
fn role_quorum_with_more_open_identities_takes_the_same() {
    for count in [1, 2, 10, 40] {
        let (mut world, _) = stage(0, count);
        let entries: Vec<Entry> = (0..count).map(|k| entry(k, WORK_LIMIT - 1, 0, 0)).collect();
        world.credit(0, &entries);
        let all: Vec<u32> = (0..count).collect();
        let taken: u128 = conclude(&mut world, 0, &all).iter().sum();
        assert_eq!(taken, CEILING, "{count} identities");
    }
}

#[test]
fn role_quorum_reaches_nothing_but_the_budget_of_the_epochs_it_signs() {
    let (mut world, _) = crowd(1);
    world.credit(0, &honest());
    let rewards = conclude(&mut world, 0, &[0, 1, 2, 3]);
    assert_eq!(rewards, [CAP; 4]);
    // All the work that figures can hold, for itself, in every lane of the two epochs.
    let before = everything(&mut world, 4);
    let most = entry(VETTED, WORK_LIMIT - 1, WORK_LIMIT - 1, 0);
    for epoch in [2, 4, 6] {
        world.go_to_epoch(epoch);
        world.credit(epoch, &[most]);
        let reserve = world.ledger().reserve;
        let taken = conclude(&mut world, epoch, &[VETTED])[0];
        // A fifth of a tenth of what is there; it can never be more.
        assert_eq!(taken, reserve / 10 / 5, "epoch {epoch}");
        assert_eq!(world.ledger().bonds, BOND);
    }
    for (k, before) in (0..4).zip(before.1) {
        let view = world.operator(k);
        let earned = before.claimable + before.unvested;
        assert_eq!(view.claimable + view.unvested, earned, "operator {k}");
    }
    // Signing for what is over is too late for liars too.
    let late = world.batch(0, 1, &[most]);
    assert_eq!(world.attest(&late).refused(), Error::EpochClosed);
}

#[test]
fn role_quorum_is_struck_in_review_and_then_takes_nothing() {
    let (mut world, _) = stage_of_liars();
    world.credit(0, &invented());
    world.go_to_review(0);
    let guardian = world.guardian.clone();
    for liar in VETTED..OPEN.end {
        let strike = calls::strike(0, liar, EVIDENCE);
        world.send::<()>(&guardian, strike).done();
    }
    let all: Vec<u32> = (0..OPEN.end).collect();
    let rewards = conclude(&mut world, 0, &all);
    assert_eq!(rewards[..4], [CAP; 4], "as if nobody had lied");
    assert_eq!(rewards[4..], [0; 11]);
}

#[test]
fn role_quorum_loses_to_a_slash_its_bonds_and_what_has_not_vested() {
    let (mut world, _) = stage_of_liars();
    world.credit(0, &invented());
    let mine: Vec<u32> = (VETTED..OPEN.end).collect();
    settle(&mut world, 0);
    // It is found out when the level is final, at the end of epoch 1.
    let owner = world.owner.clone();
    let slashes: Vec<(u32, u32)> = mine
        .iter()
        .map(|k| (*k, world.queue(&slash(*k, u128::MAX)).done()))
        .collect();
    world.book(&[0], &mine).done();
    world.claim_many(&mine).done();
    let from = world.change(slashes[0].1).expect("announced").from;
    assert_eq!(from, 4, "the first epoch that begins after the timelock");
    world.go_to_epoch(from);
    for (operator, id) in slashes {
        let taken = world
            .send::<u128>(&owner, calls::execute_slash(id, &[]))
            .done();
        // A quarter was liquid; two of six steps of the rest have vested.
        let expected = if operator == VETTED {
            CAP * 3 / 4 * 4 / 6
        } else {
            BOND + CEILING / 10 * 3 / 4 * 4 / 6
        };
        assert_eq!(taken, expected, "operator {operator}");
        let view = world.operator(operator);
        assert_eq!((view.bonded, view.unvested), (0, 0));
    }
    // The bonds alone were more than all that the open identities took.
    const { assert!(10 * BOND > CEILING) };
}

#[test]
fn role_quorum_is_replaced_after_the_timelock_and_signs_nothing_more() {
    let (mut world, _) = stage_of_liars();
    let liars = world.attesters.clone();
    let mut fresh: Vec<Attester> = ["x", "y", "z"].map(Attester::named).to_vec();
    fresh.sort_by_key(|attester| attester.address);
    let members = fresh.iter().map(|attester| attester.address).collect();
    let id = world
        .queue(&Change::Attesters(Attesters {
            threshold: 2,
            members,
        }))
        .done();
    let from = world.change(id).expect("announced").from;
    assert_eq!(from, 2);
    // The epoch in which it is announced, and the one that the timelock reaches into.
    for epoch in 0..from {
        world.go_to_epoch(epoch);
        if epoch > 0 {
            world.credit(epoch, &honest());
        }
        let lie = batch_of(&mut world, epoch, &invented(), &liars[..3]);
        world.attest(&lie).done();
    }
    let mine: Vec<u32> = (VETTED..OPEN.end).collect();
    let first: u128 = conclude(&mut world, 0, &mine).iter().sum();
    world.go_to_epoch(from);
    let lie = batch_of(&mut world, from, &invented(), &liars);
    let refused = world.attest(&lie).refused();
    assert!(matches!(refused, Error::UnknownAttester(_)), "{refused:?}");
    let truth = batch_of(&mut world, from, &honest(), &fresh[..2]);
    assert_eq!(world.attest(&truth).done().credited, 4);
    let second: u128 = conclude(&mut world, 1, &mine).iter().sum();
    // Half of a tenth of the reserve, and half of a tenth of the nine tenths left.
    assert_eq!([first, second], [BUDGET / 2, (RESERVE - BUDGET) / 10 / 2]);
    world.go_to_settlement(from);
    assert_eq!(conclude(&mut world, from, &mine), [0; 11]);
}
