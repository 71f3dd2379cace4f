//! Whether the transaction that carried a batch has the attesters' signatures.
//!
//! Call data stand in a transaction as they are, also within a batch of calls or a
//! proxied one, and the events say how they begin: selector, header and entries. What
//! follows are the signatures.

use crate::finding::{Finding, Kind, Place};
use crate::index::Attested;
use crate::Recover;
use parity_scale_codec::{Decode, Encode};
use plimsoll_interface::calls::selector;
use plimsoll_interface::mechanism::batch::{canonical, SIGNATURE_BYTES};

/// Checks the signatures of a batch in its block's transactions; `false` if none of them
/// carries it, as when another contract sent it.
///
/// # Errors
/// If it is there, and nowhere with enough signatures of its epoch's attesters.
pub(crate) fn check(
    batch: &Attested,
    extrinsics: &[Vec<u8>],
    recover: Recover<'_>,
) -> Result<bool, Finding> {
    let mut call = selector("attest").to_vec();
    batch.header.encode_to(&mut call);
    batch.entries.encode_to(&mut call);
    let mut flaw = None;
    for extrinsic in extrinsics {
        for signatures in behind(extrinsic, &call) {
            match flaw_of(batch, &signatures, recover) {
                None => return Ok(true),
                Some(found) => flaw = Some(found),
            }
        }
    }
    let Some(found) = flaw else {
        return Ok(false);
    };
    let header = &batch.header;
    let threshold = batch.attesters.threshold;
    Err(Finding::new(
        Kind::Signatures,
        Place::of("BatchAccepted").batch((header.epoch, header.lane, header.seq)),
        format!("signatures of {threshold} attesters, ascending"),
        found,
    ))
}

/// The byte strings that stand behind `call` wherever it occurs.
fn behind(bytes: &[u8], call: &[u8]) -> Vec<Vec<u8>> {
    bytes
        .windows(call.len())
        .enumerate()
        .filter(|(_, window)| *window == call)
        .filter_map(|(start, _)| Vec::<u8>::decode(&mut &bytes[start + call.len()..]).ok())
        .collect()
}

/// What is wrong with the signatures, if anything is.
fn flaw_of(batch: &Attested, signatures: &[u8], recover: Recover<'_>) -> Option<String> {
    let (chunks, rest) = signatures.as_chunks::<SIGNATURE_BYTES>();
    if !rest.is_empty() || chunks.len() < usize::from(batch.attesters.threshold) {
        return Some(format!("{} signatures", chunks.len()));
    }
    let mut last = None;
    for (position, signature) in chunks.iter().enumerate() {
        let signer = canonical(signature)
            .then(|| recover(&batch.digest, signature))
            .flatten();
        let Some(signer) = signer else {
            return Some(format!("signature {position}, which is nobody's"));
        };
        if last.is_some_and(|last| signer <= last) {
            return Some(format!("signature {position} out of order"));
        }
        if !batch.attesters.members.contains(&signer) {
            return Some(format!(
                "signature {position} of {}, who is no attester of the epoch",
                crate::shown(signer)
            ));
        }
        last = Some(signer);
    }
    None
}
