//! Batches and strikes.

use super::{Accepted, At, BatchId, Due, Index, Worked};
use crate::finding::{Finding, Kind};
use crate::{keccak, shown};
use parity_scale_codec::{Decode, Encode};
use plimsoll_interface::mechanism::batch::{BatchHeader, Domain};
use plimsoll_interface::mechanism::record::Record;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::work::{
    unpack, Credit, Entry, Figures, ENTRY_BYTES, FEES_LIMIT, WORK_LIMIT,
};
use plimsoll_interface::mechanism::{Epoch, Hash, OperatorIndex};
use plimsoll_interface::{events, Attesters};
use std::collections::{BTreeMap, BTreeSet};

/// A batch whose entries are still to come.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Batch {
    header: BatchHeader,
    digest: Hash,
    credited: u32,
    skipped: Vec<OperatorIndex>,
    packed: Vec<u8>,
}

/// A batch that the contract took, with what its signatures must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// What was signed beside the entries.
    pub header: BatchHeader,
    /// The packed entries.
    pub entries: Vec<u8>,
    /// The digest that was signed.
    pub digest: Hash,
    /// Who may sign in its epoch, and how many must.
    pub attesters: Attesters,
}

impl Batch {
    pub(super) fn id(&self) -> BatchId {
        (self.header.epoch, self.header.lane, self.header.seq)
    }

    /// How many bytes its entries must have.
    pub(super) fn bytes(&self) -> u64 {
        (u64::from(self.credited) + self.skipped.len() as u64) * ENTRY_BYTES as u64
    }
}

impl Index {
    pub(super) fn batch(&mut self, at: &At, e: &events::BatchAccepted) -> Result<(), Finding> {
        at.in_turn(
            at.clock.takes_work(e.epoch),
            "a batch of an epoch that takes work",
        )?;
        let lanes = self.settings.lanes;
        at.in_turn(e.lane < lanes, &format!("one of {lanes} lanes"))?;
        let next = match self.epochs.get(&e.epoch) {
            Some(worked) => worked.record.next_seq(e.lane).map_or(0, u64::from),
            None => 0,
        };
        if e.seq != next {
            let expected = format!("batch {next}");
            return Err(at.finding(Kind::Sequence, expected, format!("batch {}", e.seq)));
        }
        let batch = Batch {
            header: BatchHeader {
                epoch: e.epoch,
                lane: e.lane,
                seq: e.seq,
                receipts_root: e.receipts_root,
                receipts: e.receipts,
            },
            digest: e.digest,
            credited: e.credited,
            skipped: e.skipped.clone(),
            packed: Vec::new(),
        };
        at.in_turn(batch.bytes() > 0, "a batch with entries")?;
        self.due = Some(Due::Entries(batch));
        Ok(())
    }

    pub(super) fn entries(
        &mut self,
        at: &At,
        e: &events::Entries,
        due: Option<Due>,
    ) -> Result<Option<Attested>, Finding> {
        let Some(Due::Entries(mut batch)) = due else {
            return Err(at.finding(Kind::OutOfTurn, "BatchAccepted before it", "it alone"));
        };
        at.same(
            "epoch, lane and seq",
            &batch.id(),
            &(e.epoch, e.lane, e.seq),
        )?;
        batch.packed.extend(&e.packed);
        let (wanted, found) = (batch.bytes(), batch.packed.len() as u64);
        if found < wanted && !e.packed.is_empty() {
            self.due = Some(Due::Entries(batch));
            return Ok(None);
        }
        if found != wanted {
            let expected = format!("{wanted} bytes, as credited and skipped say");
            return Err(at
                .finding(Kind::Figure, expected, format!("{found} bytes"))
                .field("packed"));
        }
        self.check_digest(at, &batch)?;
        self.credit(at, &batch)?;
        let id = batch.id();
        let accepted = Accepted {
            root: batch.header.receipts_root,
            receipts: batch.header.receipts,
            at: at.now,
        };
        self.batches.insert(id, accepted);
        Ok(Some(Attested {
            attesters: self.attesters.at(id.0).clone(),
            header: batch.header,
            entries: batch.packed,
            digest: batch.digest,
        }))
    }

    fn check_digest(&self, at: &At, batch: &Batch) -> Result<(), Finding> {
        let Some(origin) = self.origin else {
            return Ok(());
        };
        let domain = Domain {
            chain_id: origin.chain_id,
            contract: origin.contract.0,
        };
        let digest = batch.header.digest(&domain, &batch.packed, keccak);
        if digest == batch.digest {
            return Ok(());
        }
        let mut finding = at.finding(Kind::Digest, shown(digest), shown(batch.digest));
        finding.place.of = "BatchAccepted".into();
        Err(finding.field("digest"))
    }

    fn credit(&mut self, at: &At, batch: &Batch) -> Result<(), Finding> {
        let epoch = batch.header.epoch;
        let packed = unpack(&batch.packed).map_err(|error| {
            let found = format!("{error:?}");
            at.finding(Kind::Figure, "whole entries in order", found)
                .field("packed")
        })?;
        self.begin_epoch(at, epoch)?;
        let mut credit = Credit::default();
        for entry in packed {
            match self.status(entry.operator, epoch) {
                Status::Inactive => credit.skipped.push(entry.operator),
                status => {
                    credit.credited += 1;
                    self.credit_entry(at, epoch, &entry, status == Status::Vetted, &mut credit)?;
                }
            }
        }
        at.same("credited", &credit.credited, &batch.credited)?;
        at.same("skipped", &credit.skipped, &batch.skipped)?;
        let lane = batch.header.lane;
        let record = &mut self.worked(at, epoch)?.record;
        record.add(lane, &credit).map_err(|error| at.ledger(&error))
    }

    /// The record with which an epoch begins to be worked.
    fn begin_epoch(&mut self, at: &At, epoch: Epoch) -> Result<(), Finding> {
        if self.epochs.contains_key(&epoch) {
            return Ok(());
        }
        let entered = self.ledger.entered_before(epoch, at.epoch());
        let Some(entered) = entered else {
            return at.in_turn(false, "a batch of the current epoch or the one before");
        };
        let record = Record::new(*self.params.at(epoch), entered, self.settings.lanes);
        let worked = Worked {
            record,
            figures: BTreeMap::new(),
            done: BTreeSet::new(),
        };
        self.epochs.insert(epoch, worked);
        Ok(())
    }

    fn status(&self, operator: OperatorIndex, epoch: Epoch) -> Status {
        let known = self.operators.get(operator as usize);
        known.map_or(Status::Inactive, |operator| operator.status(epoch))
    }

    fn credit_entry(
        &mut self,
        at: &At,
        epoch: Epoch,
        entry: &Entry,
        vetted: bool,
        credit: &mut Credit,
    ) -> Result<(), Finding> {
        if (entry.fragment, entry.bulk, entry.fees) == (0, 0, 0) {
            return Ok(());
        }
        let figures = &mut self.worked(at, epoch)?.figures;
        let figures = figures.entry(entry.operator).or_default();
        // Each figure is below 2^48, here and in the entry: the sums fit in 64 bits.
        figures.fragment += entry.fragment;
        figures.bulk += entry.bulk;
        figures.fees += entry.fees;
        figures.vetted = vetted;
        let in_range =
            figures.fragment < WORK_LIMIT && figures.bulk < WORK_LIMIT && figures.fees < FEES_LIMIT;
        if !in_range {
            let mut finding = at.finding(
                Kind::Ledger,
                "figures within their limits",
                format!("{figures:?}"),
            );
            finding.place.operator = Some(entry.operator);
            return Err(finding);
        }
        let total = if vetted {
            &mut credit.vetted
        } else {
            &mut credit.open
        };
        total.fragment += u128::from(entry.fragment);
        total.bulk += u128::from(entry.bulk);
        Ok(())
    }

    pub(super) fn struck(&mut self, at: &At, e: &events::Struck) -> Result<(), Finding> {
        let in_review = at.clock.takes_strikes(e.epoch);
        at.in_turn(in_review, "a strike in the epoch's review window")?;
        let worked = self.worked(at, e.epoch)?;
        let figures: Figures = worked.figures.remove(&e.operator).unwrap_or_default();
        at.in_turn(!figures.is_empty(), "work to strike")?;
        at.same("work", &figures.work(), &e.work)?;
        worked.done.insert(e.operator);
        let struck = worked.record.strike(&figures);
        struck.map_err(|error| at.ledger(&error))
    }
}
