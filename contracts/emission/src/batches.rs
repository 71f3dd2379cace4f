//! Batches: attest and strike.

use crate::context::Context;
use crate::host;
use crate::store::{self, EpochPages};
use ink::env::emit_event;
use plimsoll_interface::mechanism::batch::{canonical, BatchHeader, Domain, SIGNATURE_BYTES};
use plimsoll_interface::mechanism::record::Record;
use plimsoll_interface::mechanism::work::{credit, locate, ENTRY_BYTES};
use plimsoll_interface::mechanism::{Epoch, Hash, OperatorIndex};
use plimsoll_interface::{events, Attesters, Credited, Error};

pub fn attest(
    ctx: &mut Context,
    header: &BatchHeader,
    entries: &[u8],
    signatures: &[u8],
) -> Result<Credited, Error> {
    let BatchHeader {
        epoch,
        lane,
        seq,
        receipts_root,
        receipts,
    } = *header;
    if !ctx.clock.takes_work(epoch) {
        return Err(Error::EpochClosed);
    }
    if entries.is_empty() {
        return Err(Error::Entries);
    }
    let (mut record, is_new) = match store::record(epoch) {
        Some(record) => (record, false),
        None => (first_record(ctx, epoch)?, true),
    };
    let next = record.next_seq(lane).ok_or(Error::UnknownLane)?;
    if seq != u64::from(next) {
        return Err(Error::WrongSeq(u64::from(next)));
    }
    let domain = Domain {
        chain_id: host::chain_id(),
        contract: ctx.contract.0,
    };
    let digest = header.digest(&domain, entries, host::keccak);
    // Signatures last: whatever else is wrong with a batch, and what it will cost, shows
    // in a dry-run before anybody has signed it. A refusal undoes what was credited.
    let credit = credit(&mut EpochPages(epoch), epoch, entries)?;
    record.add(lane, &credit)?;
    let attesters = store::attesters(*ctx.root.attesters.at(epoch));
    check_signatures(&attesters, &digest, signatures)?;

    if is_new {
        store::set_worked(epoch);
    }
    store::set_record(epoch, &record);
    let answer = Credited {
        credited: credit.credited,
        skipped: credit.skipped.len() as u32,
    };
    emit_event(events::BatchAccepted {
        epoch,
        lane,
        seq,
        receipts_root,
        receipts,
        digest,
        credited: credit.credited,
        skipped: credit.skipped,
    });
    for packed in store::event_parts(entries, ENTRY_BYTES) {
        emit_event(events::Entries {
            epoch,
            lane,
            seq,
            packed,
        });
    }
    Ok(answer)
}

/// The record with which an epoch begins to be worked.
fn first_record(ctx: &Context, epoch: Epoch) -> Result<Record, Error> {
    let entered = ctx
        .root
        .ledger
        .entered_before(epoch, ctx.clock.epoch())
        // Work is taken for the current epoch and the previous one only.
        .ok_or(Error::EpochClosed)?;
    Ok(Record::new(
        *store::params().at(epoch),
        entered,
        ctx.root.settings.lanes,
    ))
}

/// At least the threshold of distinct attesters must have signed `digest`.
fn check_signatures(attesters: &Attesters, digest: &Hash, signatures: &[u8]) -> Result<(), Error> {
    let (chunks, rest) = signatures.as_chunks::<SIGNATURE_BYTES>();
    if !rest.is_empty() || chunks.len() < usize::from(attesters.threshold) {
        return Err(Error::SignatureCount);
    }
    let mut last = None;
    for (position, signature) in chunks.iter().enumerate() {
        let at = position as u32;
        let signer = canonical(signature)
            .then(|| host::recover(digest, signature))
            .flatten()
            .ok_or(Error::BadSignature(at))?;
        if last.is_some_and(|last| signer <= last) {
            return Err(Error::SignerOrder(at));
        }
        if !attesters.members.contains(&signer) {
            return Err(Error::UnknownAttester(at));
        }
        last = Some(signer);
    }
    Ok(())
}

pub fn strike(
    ctx: &mut Context,
    epoch: Epoch,
    operator: OperatorIndex,
    evidence: Hash,
) -> Result<(), Error> {
    let governance = store::governance();
    ctx.only(*governance.guardian.at(ctx.clock.epoch()))?;
    if !ctx.clock.takes_strikes(epoch) {
        return Err(Error::NotInReview);
    }
    let mut record = store::record(epoch).ok_or(Error::NoWork)?;
    let (number, place) = locate(operator);
    let mut page = store::work(epoch, number);
    let figures = page.get(place);
    if figures.is_empty() {
        return Err(Error::NoWork);
    }
    record.strike(&figures)?;
    page.clear(place);
    store::set_work(epoch, number, &page);
    store::set_record(epoch, &record);
    emit_event(events::Struck {
        epoch,
        operator,
        work: figures.work(),
        evidence,
    });
    Ok(())
}
