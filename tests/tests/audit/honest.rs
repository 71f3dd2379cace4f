//! An honest history adds up.

use crate::play::{play, take, Play};
use plimsoll_index::{Auditor, Checkpoint, Event, Identity};
use plimsoll_tests::{Setup, TokenKind};

fn names(play: &Play) -> Vec<&'static str> {
    let events = play.blocks.iter().flat_map(|block| &block.events);
    events.map(Event::name).collect()
}

#[test]
fn g1_g15_after_every_message_every_view_is_what_the_history_comes_to() {
    let mut auditor: Option<Auditor> = None;
    let mut taken = 0;
    let play = play(Setup::default(), |play| {
        let auditor = auditor.get_or_insert_with(|| play.auditor());
        for block in &play.blocks[taken..] {
            take(auditor, block).unwrap_or_else(|finding| panic!("{finding}"));
        }
        taken = play.blocks.len();
        let auditor = auditor.clone();
        if let Err(finding) = play.compare(&auditor) {
            panic!("behind block {taken}: {finding}");
        }
    });
    let names = names(&play);
    let missing: Vec<_> = Event::NAMES
        .iter()
        .filter(|name| !names.contains(name))
        .collect();
    assert_eq!(missing, [&"IdleSkipped", &"PaymentFailed"]);
}

#[test]
fn g1_g15_an_honest_deployment_is_accounted_for_and_every_batchs_signatures_are_checked() {
    // The asset does not reach an account that is not there, as one payee's: two payments fail.
    for (token, paid, failed) in [(TokenKind::Ink, 7, 0), (TokenKind::Asset, 5, 2)] {
        let setup = Setup {
            token,
            ..Setup::default()
        };
        let mut play = play(setup, |_| {});
        let blocks = play.blocks.clone();
        let audited = play.audit_of(&blocks);
        let auditor = audited.unwrap_or_else(|finding| panic!("{token:?}: {finding}"));
        let tally = auditor.tally();
        assert_eq!((tally.batches, tally.signed), (8, 8));
        assert_eq!(tally.blocks, blocks.len() as u64);
        let events: usize = blocks.iter().map(|block| block.events.len()).sum();
        assert_eq!(tally.events, events as u64);
        assert_eq!((tally.rewards, tally.payments), (11, paid));
        let names = names(&play);
        let fails = names.iter().filter(|name| **name == "PaymentFailed");
        assert_eq!(fails.count(), failed);
    }
}

#[test]
fn g1_g15_an_audit_that_is_stored_between_any_two_blocks_goes_on_as_if_it_had_not_been() {
    let play = play(Setup::default(), |_| {});
    let identity = Identity {
        genesis: [1; 32],
        contract: play.world.emission,
        code_hash: [2; 32],
        from: 1,
    };
    let mut through = play.auditor();
    let mut stored = play.auditor();
    for block in &play.blocks {
        take(&mut through, block).expect("honest");
        take(&mut stored, block).expect("honest");
        let checkpoint = Checkpoint {
            identity,
            block: block.number,
            hash: [3; 32],
            auditor: stored,
        };
        let bytes = checkpoint.to_bytes();
        stored = Checkpoint::from_bytes(&bytes, &identity)
            .expect("as written")
            .auditor;
        assert_eq!(stored, through);
    }
}
