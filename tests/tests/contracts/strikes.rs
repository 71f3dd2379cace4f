//! Strikes: in the review window, by the guardian, once.

use crate::stage::stage;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::{calls, events, Error};
use plimsoll_tests::{entry, Event};

const EVIDENCE: [u8; 32] = [0xe5; 32];

#[test]
fn a_strike_takes_work_and_fees_away_and_tells_why() {
    let (mut world, _) = stage(2, 1);
    world.credit(
        0,
        &[entry(0, 30, 2, 9), entry(1, 70, 0, 9), entry(2, 10, 4, 9)],
    );
    world.go_to_review(0);
    let guardian = world.guardian.clone();
    let work = Work {
        fragment: 30,
        bulk: 2,
    };
    let sent = world.send::<()>(&guardian, calls::strike(0, 0, EVIDENCE));
    assert_eq!(
        sent.events,
        [Event::from(events::Struck {
            epoch: 0,
            operator: 0,
            work,
            evidence: EVIDENCE,
        })]
    );
    sent.done();
    world
        .send::<()>(&guardian, calls::strike(0, 2, EVIDENCE))
        .done();
    let epoch = world.epoch(0).expect("worked");
    let left = Work {
        fragment: 70,
        bulk: 0,
    };
    assert_eq!((epoch.vetted, epoch.open), (left, Work::default()));
    assert_eq!(world.preview(0, 0).work, Work::default());
    assert_eq!(world.preview(0, 0).fees, 0);
    let again = world.send::<()>(&guardian, calls::strike(0, 0, EVIDENCE));
    assert_eq!(again.refused(), Error::NoWork, "once");
    world.go_to_settlement(0);
    world.settle().done();
    world.go_to_final(0);
    let booked = world.book(&[0], &[0, 1, 2]).done();
    assert_eq!(booked.booked, 1, "only 1 has anything");
}

#[test]
fn strikes_fall_in_the_review_window_only() {
    let (mut world, _) = stage(3, 0);
    let times = world.settings().times;
    world.credit(
        0,
        &[entry(0, 1, 0, 0), entry(1, 1, 0, 0), entry(2, 1, 0, 0)],
    );
    let guardian = world.guardian.clone();
    let review = times.epoch + times.attest_window;
    for (at, operator, accepted) in [
        (0, 0, false),
        (review - 1_000, 0, false),
        (review, 0, true),
        (review + times.review_window - 1_000, 1, true),
        (review + times.review_window, 2, false),
    ] {
        world.go_to(at);
        let sent = world.send::<()>(&guardian, calls::strike(0, operator, EVIDENCE));
        if accepted {
            sent.done();
        } else {
            assert_eq!(sent.refused(), Error::NotInReview, "at {at}");
        }
    }
}

#[test]
fn only_the_guardian_strikes_and_only_where_there_is_work() {
    let (mut world, operators) = stage(2, 0);
    world.credit(0, &[entry(0, 1, 0, 0)]);
    world.go_to_review(0);
    for who in [
        world.owner.clone(),
        world.registrar.clone(),
        operators[0].clone(),
    ] {
        let sent = world.send::<()>(&who, calls::strike(0, 0, EVIDENCE));
        assert_eq!(sent.refused(), Error::NotAllowed);
    }
    let guardian = world.guardian.clone();
    for idle in [1, 2, 99] {
        let sent = world.send::<()>(&guardian, calls::strike(0, idle, EVIDENCE));
        assert_eq!(sent.refused(), Error::NoWork);
    }
    // An epoch without any work.
    world.go_to_review(1);
    let sent = world.send::<()>(&guardian, calls::strike(1, 0, EVIDENCE));
    assert_eq!(sent.refused(), Error::NoWork);
}

#[test]
fn an_epoch_struck_whole_has_no_budget_and_loses_nothing() {
    let (mut world, _) = stage(1, 0);
    world.credit(0, &[entry(0, 1, 0, 0)]);
    world.go_to_review(0);
    let guardian = world.guardian.clone();
    world
        .send::<()>(&guardian, calls::strike(0, 0, EVIDENCE))
        .done();
    world.go_to_settlement(0);
    assert_eq!(world.settle().done().budget, 0);
    assert_eq!(world.ledger().reserve, crate::stage::RESERVE);
}
