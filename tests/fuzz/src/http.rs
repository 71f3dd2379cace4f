//! What attesters and the daemon answer, as JSON.

use crate::bytes::Bytes;
use plimsoll_keeper::attester::client::{Failure, Round};
use plimsoll_keeper::attester::protocol::{
    AttestRequest, Attested, Checked, Health, Info, Refusal, SignedBatch,
};
use plimsoll_keeper::status::Status;
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// What was read is written and read again the same, and a refusal has the status of one.
pub fn answers(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let kind = bytes.byte();
    let text = bytes.rest();
    match kind {
        b'0' => read::<Checked>(text),
        b'1' => read::<Attested>(text),
        b'2' => {
            let Some(refusal) = both_ways::<Refusal>(text) else {
                return;
            };
            assert!((400..600).contains(&refusal.code.status()));
            poison(refusal);
        }
        b'3' => read::<Info>(text),
        b'4' => read::<Health>(text),
        b'5' => read::<SignedBatch>(text),
        b'6' => read::<AttestRequest>(text),
        b'7' => {
            if let Some(status) = both_ways::<Status>(text) {
                let shown = status.to_string();
                let steers = |c: char| c.is_control() && c != '\n';
                assert!(!shown.contains(steers), "it steers a terminal: {shown:?}");
            }
        }
        _ => {}
    }
}

/// What one attester refuses for good is poison where its signature is needed, and
/// nothing is where another's will do, however often it says so.
fn poison(refusal: Refusal) {
    let lasting: BTreeSet<_> = refusal
        .receipts
        .iter()
        .filter(|receipt| !receipt.fault.passes())
        .map(|receipt| receipt.id)
        .collect();
    let round = Round::<()> {
        failed: vec![("an attester".into(), Failure::Refused(refusal))],
        threshold: 1,
        ..Round::default()
    };
    let poison: Vec<_> = round.poison(1).iter().map(|poison| poison.id).collect();
    assert!(poison.iter().eq(&lasting));
    assert!(round.poison(2).is_empty(), "one attester counts as two");
}

fn read<T: DeserializeOwned + Serialize + PartialEq + Debug>(text: &[u8]) {
    both_ways::<T>(text);
}

fn both_ways<T: DeserializeOwned + Serialize + PartialEq + Debug>(text: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(text).ok()?;
    let written = serde_json::to_vec(&value).expect("plain data");
    let again: T = serde_json::from_slice(&written).expect("as it was written");
    assert_eq!(again, value);
    Some(value)
}
