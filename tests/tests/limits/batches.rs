//! Batches of the largest size, and of the worst shape.

use crate::block::{fits, is_beyond_a_block, vet, world};
use plimsoll_interface::mechanism::status::OPERATORS_PER_STATUS_PAGE;
use plimsoll_interface::mechanism::work::{Entry, OPERATORS_PER_PAGE};
use plimsoll_tests::{entry, Setup};

/// Entries in the largest batch: what 128 KiB of call data can hold.
const LARGEST: u32 = 6_000;

#[test]
fn limit_the_largest_batch_fits_in_a_block_into_new_pages_and_into_old_ones() {
    let mut world = world(Setup::default(), 1);
    vet(&mut world, 0..LARGEST, 1);
    world.go_to_epoch(0);
    let work: Vec<Entry> = (0..LARGEST)
        .map(|k| entry(k, 1 << 40, 1 << 40, 1 << 40))
        .collect();
    for pages in ["new", "old"] {
        let batch = world.batch(0, 0, &work);
        let sent = world.attest(&batch);
        fits(&format!("a full batch into {pages} pages"), &sent, 50);
        assert_eq!(sent.done().credited, LARGEST);
    }
}

#[test]
fn limit_a_batch_spread_over_too_many_pages_is_refused_whole_and_goes_in_parts() {
    let count = 1_000;
    let mut world = world(Setup::default(), 1);
    vet(&mut world, 0..count, OPERATORS_PER_PAGE);
    world.go_to_epoch(0);
    let work: Vec<Entry> = (0..count)
        .map(|k| entry(k * OPERATORS_PER_PAGE, 1, 1, 1))
        .collect();
    let whole = world.batch(0, 0, &work);
    let sent = world.attest(&whole);
    is_beyond_a_block("a thousand pages", &sent);
    assert_eq!((world.epoch(0), world.next_seq(0, 0)), (None, 0));
    for part in work.chunks(400) {
        let batch = world.batch(0, 0, part);
        let sent = world.attest(&batch);
        fits("four hundred pages", &sent, 75);
        assert_eq!(sent.done().credited as usize, part.len());
    }
    let all = world.epoch(0).expect("worked").vetted.fragment;
    assert_eq!(all, u128::from(count));
}

#[test]
fn limit_strangers_in_a_batch_cost_a_page_for_hundreds_of_them_and_leave_nothing_behind() {
    let mut world = world(Setup::default(), 1);
    world.go_to_epoch(0);
    let items = |world: &mut plimsoll_tests::World| {
        let size = world.chain.storage_size(world.emission);
        size.expect("it is a contract").0
    };
    let before = items(&mut world);
    // As far from each other as their number allows, among all indices that there can be.
    let apart = OPERATORS_PER_STATUS_PAGE;
    let strangers: Vec<Entry> = (0..400).map(|k| entry(k * apart, 1, 1, 1)).collect();
    let batch = world.batch(0, 0, &strangers);
    let sent = world.attest(&batch);
    fits("strangers of 400 status pages", &sent, 75);
    assert_eq!(sent.done().skipped, 400);
    // The record of the epoch and the page of worked epochs, and none of theirs.
    assert_eq!(items(&mut world), before + 2);
}
