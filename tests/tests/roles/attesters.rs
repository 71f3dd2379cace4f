//! Fewer than `m` attesters: they can refuse, and nothing else.

use crate::scene::{batch_of, everything, honest, BUDGET, CAP};
use crate::stage::{stage, RESERVE};
use plimsoll_interface::{Attesters, Change, Error};
use plimsoll_tests::{entry, Attester};

#[test]
fn role_attesters_fewer_than_m_credit_nothing_whatever_they_sign() {
    let (mut world, _) = stage(4, 0);
    let liars = world.attesters[..2].to_vec();
    let before = everything(&mut world, 4);
    let stranger = Attester::named("stranger");
    let mut with_a_stranger = [liars.clone(), vec![stranger]].concat();
    with_a_stranger.sort_by_key(|attester| attester.address);
    let twice = [0, 0, 1].map(|k| liars[k].clone()).to_vec();
    for (signers, why) in [
        (liars[..0].to_vec(), "nobody"),
        (liars[..1].to_vec(), "one"),
        (liars.clone(), "two"),
        (twice, "two, one of them twice"),
        (with_a_stranger, "two and a stranger"),
    ] {
        let lie = batch_of(&mut world, 0, &[entry(0, 1_000_000, 0, 0)], &signers);
        let refused = world.attest(&lie).refused();
        assert!(
            matches!(
                refused,
                Error::SignatureCount | Error::SignerOrder(_) | Error::UnknownAttester(_)
            ),
            "{why}: {refused:?}"
        );
    }
    assert_eq!(world.epoch(0), None);
    assert_eq!(everything(&mut world, 4), before);
}

#[test]
fn role_attesters_that_refuse_delay_work_until_they_are_replaced_and_lose_none_of_it() {
    let (mut world, _) = stage(4, 0);
    // Three of five refuse, so that no three sign.
    let willing = world.attesters[3..].to_vec();
    let short = batch_of(&mut world, 0, &honest(), &willing);
    assert_eq!(world.attest(&short).refused(), Error::SignatureCount);
    let mut members: Vec<_> = [&willing[0], &willing[1], &Attester::named("new")]
        .iter()
        .map(|attester| attester.address)
        .collect();
    members.sort();
    let id = world
        .queue(&Change::Attesters(Attesters {
            threshold: 2,
            members,
        }))
        .done();
    let from = world.change(id).expect("announced").from;
    assert_eq!(from, 2, "a timelock of an epoch and a half");
    world.go_to_epoch(from);
    // Nothing was emitted for what could not be signed.
    assert_eq!(world.ledger().reserve, RESERVE);
    let carried = batch_of(&mut world, from, &honest(), &willing);
    assert_eq!(world.attest(&carried).done().credited, 4);
    let rewards = crate::scene::conclude(&mut world, from, &[0, 1, 2, 3]);
    assert_eq!(rewards, [CAP; 4]);
    assert_eq!(
        world
            .epoch(from)
            .and_then(|e| e.settlement)
            .map(|s| s.budget),
        Some(BUDGET)
    );
}
