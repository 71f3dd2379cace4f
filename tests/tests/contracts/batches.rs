//! Batches: what is credited, what is skipped, what is refused.

use crate::stage::stage;
use parity_scale_codec::Encode;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::mechanism::work::{Entry, FEES_LIMIT, WORK_LIMIT};
use plimsoll_interface::{calls, events, Credited, Error, MAX_EVENT_ENTRIES};
use plimsoll_tests::{entry, Actor, Batch, Event, World};

#[test]
fn a_batch_credits_work_by_tier_and_tells_everything_about_itself() {
    let (mut world, _) = stage(1, 1);
    let entries = [entry(0, 1, 2, 3), entry(1, 10, 20, 30)];
    let batch = world.batch(0, 2, &entries);
    let sent = world.attest(&batch);
    let header = batch.header;
    assert_eq!(
        sent.events,
        [
            Event::from(events::BatchAccepted {
                epoch: 0,
                lane: 2,
                seq: 0,
                receipts_root: header.receipts_root,
                receipts: 2,
                digest: batch.digest(world.emission),
                credited: 2,
                skipped: Vec::new(),
            }),
            Event::from(events::Entries {
                epoch: 0,
                lane: 2,
                seq: 0,
                packed: batch.entries.clone(),
            }),
        ]
    );
    let credited = Credited {
        credited: 2,
        skipped: 0,
    };
    assert_eq!(sent.done(), credited);
    let epoch = world.epoch(0).expect("it has work");
    let work = |fragment, bulk| Work { fragment, bulk };
    assert_eq!((epoch.vetted, epoch.open), (work(1, 2), work(10, 20)));
    assert_eq!(epoch.entered_before, crate::stage::RESERVE);
    assert_eq!(epoch.params, world.setup.params);
    assert!(epoch.settlement.is_none() && !epoch.is_final);
    let (vetted, open) = (world.preview(0, 0), world.preview(0, 1));
    let unit = world.settings().fee_unit;
    assert_eq!(
        (vetted.work, vetted.fees, vetted.vetted),
        (work(1, 2), 3 * unit, true)
    );
    assert_eq!(
        (open.work, open.fees, open.vetted),
        (work(10, 20), 30 * unit, false)
    );
    assert_eq!((vetted.reward, vetted.entitlement), (0, 0), "not settled");
    assert_eq!([0, 1, 2].map(|lane| world.next_seq(0, lane)), [0, 0, 1]);
    let clock = world.clock();
    assert_eq!((clock.settled_to, clock.next_worked), (0, Some(0)));
}

#[test]
fn batches_of_one_epoch_add_up_over_lanes() {
    let (mut world, _) = stage(1, 0);
    for lane in 0..3 {
        for seq in 0..2 {
            let batch = world.batch(0, lane, &[entry(0, 1, 10, 100)]);
            assert_eq!(batch.header.seq, seq);
            world.attest(&batch).done();
        }
    }
    let work = Work {
        fragment: 6,
        bulk: 60,
    };
    assert_eq!(world.preview(0, 0).work, work);
    assert_eq!(world.epoch(0).expect("worked").vetted, work);
}

#[test]
fn g16_a_batch_sent_again_is_refused_with_the_number_that_comes_next() {
    let (mut world, _) = stage(1, 0);
    let first = world.batch(0, 0, &[entry(0, 5, 0, 0)]);
    let mut ahead = first.clone();
    ahead.header.seq = 1;
    let ahead = ahead.signed(world.emission, &world.attesters[..3]);
    assert_eq!(world.attest(&ahead).refused(), Error::WrongSeq(0), "a gap");
    world.attest(&first).done();
    assert_eq!(
        world.attest(&first).refused(),
        Error::WrongSeq(1),
        "a replay"
    );
    world.attest(&ahead).done();
    assert_eq!(world.attest(&first).refused(), Error::WrongSeq(2));
    assert_eq!(world.preview(0, 0).work.fragment, 10);
}

#[test]
fn an_epoch_takes_batches_until_its_attest_window_ends() {
    let (mut world, _) = stage(1, 0);
    let times = world.settings().times;
    let entries = [entry(0, 1, 0, 0)];
    let ahead = world.batch(1, 0, &entries);
    assert_eq!(
        world.attest(&ahead).refused(),
        Error::EpochClosed,
        "not begun"
    );
    world.go_to(times.epoch + times.attest_window - 1_000);
    world.credit(0, &entries);
    world.credit(1, &entries);
    world.go_to_review(0);
    let late = world.batch(0, 0, &entries);
    assert_eq!(world.attest(&late).refused(), Error::EpochClosed, "over");
    world.credit(1, &entries);
    assert_eq!(world.epoch(0).expect("worked").vetted.fragment, 1);
}

#[test]
fn before_genesis_there_is_no_work() {
    let mut world = World::new();
    world.register("early");
    world.vouch(&[0]);
    let batch = world.batch(0, 0, &[entry(0, 1, 0, 0)]);
    assert_eq!(world.attest(&batch).refused(), Error::EpochClosed);
}

#[test]
fn a_stopped_clock_takes_no_batches() {
    let (mut world, _) = stage(1, 0);
    let batch = world.batch(0, 0, &[entry(0, 1, 0, 0)]);
    let guardian = world.guardian.clone();
    world.send::<()>(&guardian, calls::pause()).done();
    assert_eq!(world.attest(&batch).refused(), Error::EpochClosed);
    world.send::<()>(&guardian, calls::unpause()).done();
    world.attest(&batch).done();
}

#[test]
fn there_are_only_so_many_lanes() {
    let (mut world, _) = stage(1, 0);
    for lane in [3, u32::MAX] {
        let batch = world.batch(0, lane, &[entry(0, 1, 0, 0)]);
        assert_eq!(world.attest(&batch).refused(), Error::UnknownLane);
    }
}

#[test]
fn who_does_not_count_is_skipped_and_named() {
    let (mut world, operators) = stage(1, 1);
    // 2 has no bond, 3 too small a one, 4 and the last are not registered.
    world.register("without bond");
    world.register("small bond");
    world.bond(3, 99);
    let last = (1 << 24) - 1;
    let entries = [0, 1, 2, 3, 4, last].map(|operator| entry(operator, 1, 1, 1));
    let batch = world.batch(0, 0, &entries);
    let sent = world.attest(&batch);
    let skipped = match &sent.events[0] {
        Event::BatchAccepted(accepted) => accepted.skipped.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(skipped, [2, 3, 4, last]);
    let credited = sent.done();
    assert_eq!((credited.credited, credited.skipped), (2, 4));
    assert_eq!(world.epoch(0).expect("worked").vetted.fragment, 1);
    assert_eq!(world.preview(0, 2).work, Work::default());
    // Withdrawn below the smallest bond: it counts for this epoch, not for the next.
    world
        .send::<u128>(&operators[1], calls::unbond(1, crate::stage::BOND - 99))
        .done();
    assert_eq!(world.credit(0, &[entry(1, 1, 0, 0)]).credited, 1);
    world.go_to_epoch(1);
    assert_eq!(world.credit(1, &[entry(1, 1, 0, 0)]).skipped, 1);
}

#[test]
fn a_batch_of_skipped_entries_alone_still_counts_as_a_batch() {
    let (mut world, _) = stage(0, 0);
    assert_eq!(world.credit(0, &[entry(7, 1, 1, 1)]).skipped, 1);
    assert_eq!(world.next_seq(0, 0), 1);
    let work = world.epoch(0).expect("a batch came").vetted;
    assert_eq!(work, Work::default());
    // Without work there is no budget.
    world.go_to_settlement(0);
    assert_eq!(world.settle().done().budget, 0);
}

/// A batch with entries that nobody should sign, signed.
fn forged(world: &World, entries: Vec<u8>) -> Batch {
    let mut batch = Batch::unsigned(0, 0, 0, &[]);
    batch.entries = entries;
    batch.signed(world.emission, &world.attesters[..3])
}

#[test]
fn entries_that_are_not_entries_refuse_the_batch() {
    let (mut world, _) = stage(3, 0);
    let packed = |entries: &[Entry]| Batch::unsigned(0, 0, 0, entries).entries;
    let one = |operator| packed(&[entry(operator, 1, 1, 1)]);
    let overflow = [2, 0, 0].into_iter().chain([0xff; 18]).collect();
    for (entries, error) in [
        (Vec::new(), Error::Entries),
        (vec![0; 20], Error::Entries),
        ([one(0), vec![0]].concat(), Error::Entries),
        ([one(1), one(0)].concat(), Error::EntryOrder(0)),
        ([one(1), one(1)].concat(), Error::EntryOrder(1)),
        (overflow, Error::EntryOverflow(2)),
    ] {
        let batch = forged(&world, entries);
        assert_eq!(world.attest(&batch).refused(), error);
    }
    assert_eq!(world.epoch(0), None, "nothing stays of a refused batch");
    assert_eq!(world.next_seq(0, 0), 0);
}

#[test]
fn a_figure_that_would_leave_its_range_refuses_the_batch_and_keeps_what_was() {
    let (mut world, _) = stage(2, 0);
    let most = entry(1, WORK_LIMIT - 1, WORK_LIMIT - 1, FEES_LIMIT - 1);
    world.credit(0, &[entry(0, 1, 1, 1), most]);
    let before = (world.epoch(0), world.preview(0, 0), world.preview(0, 1));
    for more in [entry(1, 1, 0, 0), entry(1, 0, 1, 0), entry(1, 0, 0, 1)] {
        let batch = world.batch(0, 0, &[entry(0, 5, 5, 5), more]);
        assert_eq!(world.attest(&batch).refused(), Error::EntryOverflow(1));
    }
    let after = (world.epoch(0), world.preview(0, 0), world.preview(0, 1));
    assert_eq!(before, after);
}

#[test]
fn the_largest_batch_fits_and_its_entries_come_in_parts_of_whole_entries() {
    let (mut world, _) = stage(0, 0);
    let entries: Vec<Entry> = (0..6_000).map(|k| entry(k * 2, 1, 1, 1)).collect();
    let batch = world.batch(0, 0, &entries);
    let sent = world.attest(&batch);
    let entry_events = sent.events.iter().filter_map(|event| match event {
        Event::Entries(part) => Some(part),
        _ => None,
    });
    assert!(entry_events
        .clone()
        .all(|event| event.encode().len() <= 60_000));
    let parts: Vec<Vec<u8>> = sent
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Entries(part) => Some(part.packed.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(parts.len(), 3);
    assert!(parts
        .iter()
        .all(|part| part.len() <= MAX_EVENT_ENTRIES && part.len() % 21 == 0));
    assert_eq!(entry_events.count(), parts.len());
    assert_eq!(parts.concat(), batch.entries);
    assert_eq!(sent.done().skipped, 6_000);
}

#[test]
fn anyone_may_submit_what_attesters_signed() {
    let (mut world, operators) = stage(1, 0);
    let submitters: Vec<Actor> = vec![operators[0].clone(), world.actor("stranger")];
    for submitter in submitters {
        let batch = world.batch(0, 0, &[entry(0, 1, 0, 0)]);
        world.send::<Credited>(&submitter, batch.call()).done();
    }
}
