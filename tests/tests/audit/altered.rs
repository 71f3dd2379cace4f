//! Whatever is altered in an honest history is found, or comes to the same state to the
//! last figure.

use crate::play::{play, Play, Told};
use plimsoll_evidence::Suite;
use plimsoll_index::Event;
use plimsoll_tests::Setup;
use proptest::prelude::*;
use std::cell::RefCell;

const SUITE: Suite = Suite {
    name: "audit",
    cases: 300,
    package: env!("CARGO_MANIFEST_DIR"),
};

/// How a history is altered; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Alteration {
    /// A bit of an event.
    Bit(usize, usize, u8),
    /// An event is left out.
    Left(usize),
    /// An event is told twice.
    Twice(usize),
    /// An event changes places with the one behind it.
    Swapped(usize),
}

fn alteration() -> impl Strategy<Value = Alteration> {
    let place = || 0..100_000_usize;
    prop_oneof![
        6 => (place(), place(), 0..8_u8).prop_map(|(e, b, bit)| Alteration::Bit(e, b, bit)),
        1 => place().prop_map(Alteration::Left),
        1 => place().prop_map(Alteration::Twice),
        1 => place().prop_map(Alteration::Swapped),
    ]
}

/// Alters `blocks`; `false` if that gives no history of events.
fn alter(blocks: &mut [Told], alteration: &Alteration) -> bool {
    let places: Vec<(usize, usize)> = blocks
        .iter()
        .enumerate()
        .flat_map(|(b, block)| (0..block.events.len()).map(move |e| (b, e)))
        .collect();
    let of = |k: usize| places[k % places.len()];
    match *alteration {
        Alteration::Bit(k, byte, bit) => {
            let (b, e) = of(k);
            let event = &mut blocks[b].events[e];
            let mut bytes = event.data();
            if bytes.is_empty() {
                return false;
            }
            let at = byte % bytes.len();
            bytes[at] ^= 1 << bit;
            match Event::named(event.name(), &bytes) {
                Some(altered) => *event = altered,
                None => return false,
            }
        }
        Alteration::Left(k) => {
            let (b, e) = of(k);
            blocks[b].events.remove(e);
        }
        Alteration::Twice(k) => {
            let (b, e) = of(k);
            let event = blocks[b].events[e].clone();
            blocks[b].events.insert(e, event);
        }
        Alteration::Swapped(k) => {
            let (b, e) = of(k);
            if e + 1 >= blocks[b].events.len() {
                return false;
            }
            blocks[b].events.swap(e, e + 1);
        }
    }
    true
}

/// The first event that differs.
fn told(honest: &[Told], altered: &[Told]) -> String {
    let events = |blocks: &[Told]| -> Vec<Event> {
        let events = blocks.iter().flat_map(|block| block.events.clone());
        events.collect()
    };
    let (before, after) = (events(honest), events(altered));
    let differs = before.iter().zip(&after).find(|(a, b)| a != b);
    format!("{differs:?}")
}

#[test]
fn g1_g2_g14_g15_g16_whatever_is_altered_in_a_history_is_found() {
    let play: RefCell<Play> = RefCell::new(play(Setup::default(), |_| {}));
    let honest = play.borrow().blocks.clone();
    let audited = play.borrow_mut().audit_of(&honest);
    let plain = audited.unwrap_or_else(|finding| panic!("{finding}"));
    SUITE.property(
        "g1_g2_g14_g15_g16_whatever_is_altered_in_a_history_is_found",
        alteration(),
        |alteration| {
            let mut blocks = honest.clone();
            prop_assume!(alter(&mut blocks, &alteration));
            if let Ok(auditor) = play.borrow_mut().audit_of(&blocks) {
                // Such as the order of two payments, who funded, what evidence was named, and
                // what was announced and cancelled.
                let same = auditor.index() == plain.index();
                prop_assert!(same, "it was not found: {}", told(&honest, &blocks));
            }
            Ok(())
        },
    );
}
