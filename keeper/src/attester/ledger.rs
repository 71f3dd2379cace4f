//! The attester's journal: what it signed, and the batches that the contract has.

use super::protocol::{
    BatchKey, Code, Fault, Refusal, RefusedReceipt, SignatureText, SignedBatch, MAX_LISTED,
};
use crate::batch::{Batch, Rules};
use crate::clock::ChainTime;
use crate::journal::receipts::{from_json, to_json};
use crate::journal::totals::{self, Accepted};
use crate::journal::JournalError;
use crate::keys::Signature;
use crate::receipt::Receipt;
use crate::tally::Tally;
use plimsoll_interface::H160;
use plimsoll_mechanism::work::unpack;
use plimsoll_mechanism::{Epoch, Hash};
use rusqlite::{params, OptionalExtension as _, Transaction};
use std::collections::{BTreeMap, BTreeSet};

/// The tables. A change is a new script at the end.
pub const MIGRATIONS: &[&str] = &[FIRST, totals::TABLES];

const FIRST: &str = "
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- What this attester's key signed: one digest for a number.
CREATE TABLE signed (
    epoch  INTEGER NOT NULL,
    lane   INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    digest BLOB    NOT NULL,
    PRIMARY KEY (epoch, lane, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE batches (
    number  INTEGER PRIMARY KEY,
    epoch   INTEGER NOT NULL,
    lane    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    digest  BLOB    NOT NULL,
    entries BLOB    NOT NULL,
    -- open: the contract may still take it; accepted: it has; dead: it never will
    state   TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX batches_living ON batches (epoch, lane, seq) WHERE state <> 'dead';
CREATE INDEX batches_open ON batches (state) WHERE state = 'open';

CREATE TABLE signatures (
    batch     INTEGER NOT NULL REFERENCES batches (number),
    signer    BLOB    NOT NULL,
    signature BLOB    NOT NULL,
    PRIMARY KEY (batch, signer)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipts (
    batch    INTEGER NOT NULL REFERENCES batches (number),
    id       BLOB    NOT NULL,
    operator INTEGER NOT NULL,
    body     TEXT    NOT NULL,
    PRIMARY KEY (batch, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_id ON receipts (id);

-- How many batches an epoch that is closed has, by lane.
CREATE TABLE closed (
    epoch INTEGER NOT NULL,
    lane  INTEGER NOT NULL,
    next  INTEGER NOT NULL,
    PRIMARY KEY (epoch, lane)
) STRICT, WITHOUT ROWID;
";

/// By epoch and lane, the number of the next batch as the contract says.
pub type Next = BTreeMap<(Epoch, u32), u64>;

/// A batch that a quorum signed.
#[derive(Clone, Debug)]
pub struct Proven {
    /// Which batch.
    pub key: BatchKey,
    /// What was signed.
    pub digest: Hash,
    /// The packed entries.
    pub entries: Vec<u8>,
    /// Its receipts.
    pub receipts: Vec<Receipt>,
    /// Who signed.
    pub signatures: Vec<(H160, Signature)>,
}

/// The digest that this attester signed for a number.
pub fn signed(t: &Transaction<'_>, key: BatchKey) -> Result<Option<Hash>, JournalError> {
    Ok(
        t.prepare_cached("SELECT digest FROM signed WHERE epoch = ?1 AND lane = ?2 AND seq = ?3")?
            .query_row(params![key.epoch, key.lane, key.seq], |row| row.get(0))
            .optional()?,
    )
}

/// How many digests this attester signed.
pub fn count_signed(t: &Transaction<'_>) -> Result<u64, JournalError> {
    Ok(t.query_row("SELECT count(*) FROM signed", [], |row| row.get(0))?)
}

/// Epochs and lanes of batches whose fate is open.
pub fn open_lanes(t: &Transaction<'_>) -> Result<BTreeSet<(Epoch, u32)>, JournalError> {
    let mut query =
        t.prepare_cached("SELECT DISTINCT epoch, lane FROM batches WHERE state = 'open'")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What is known of epochs that are closed.
pub fn closed_next(
    t: &Transaction<'_>,
    wanted: &BTreeSet<(Epoch, u32)>,
) -> Result<Next, JournalError> {
    let mut query = t.prepare_cached("SELECT next FROM closed WHERE epoch = ?1 AND lane = ?2")?;
    let mut known = Next::new();
    for (epoch, lane) in wanted {
        if let Some(next) = query
            .query_row([epoch, lane], |row| row.get(0))
            .optional()?
        {
            known.insert((*epoch, *lane), next);
        }
    }
    Ok(known)
}

/// Records the numbers of closed epochs: they never change.
pub fn record_closed(t: &Transaction<'_>, closed: &Next) -> Result<(), JournalError> {
    let mut put =
        t.prepare_cached("INSERT OR IGNORE INTO closed (epoch, lane, next) VALUES (?1, ?2, ?3)")?;
    for ((epoch, lane), next) in closed {
        put.execute(params![epoch, lane, next])?;
    }
    Ok(())
}

/// Brings the journal to what the chain says. `next` is of the same block as `time`, or
/// of a later one, so what it does not have of an epoch closed by then, it never will.
pub fn catch_up(
    t: &Transaction<'_>,
    rules: &Rules,
    time: &ChainTime,
    next: &Next,
) -> Result<(), JournalError> {
    let open = {
        let mut query = t.prepare_cached(
            "SELECT number, epoch, lane, seq FROM batches WHERE state = 'open' ORDER BY number",
        )?;
        let rows = query.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        rows.collect::<Result<Vec<(i64, Epoch, u32, u64)>, _>>()?
    };
    for (number, epoch, lane, seq) in open {
        match next.get(&(epoch, lane)) {
            // Its number is taken: by itself, unless a quorum's signatures on another
            // digest show up later.
            Some(next) if *next > seq => accept(t, rules, number, epoch)?,
            Some(_) if time.closed(epoch) => set_state(t, number, "dead")?,
            _ => {}
        }
    }
    Ok(())
}

/// Takes in a batch that the contract has.
pub fn learn(t: &Transaction<'_>, rules: &Rules, proven: &Proven) -> Result<(), JournalError> {
    let BatchKey { epoch, lane, seq } = proven.key;
    let known: Option<(i64, Hash, String)> = t
        .prepare_cached(
            "SELECT number, digest, state FROM batches
             WHERE epoch = ?1 AND lane = ?2 AND seq = ?3 AND state <> 'dead'",
        )?
        .query_row(params![epoch, lane, seq], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    match known {
        Some((number, digest, state)) if digest == proven.digest => {
            put_signatures(t, number, &proven.signatures)?;
            if state == "open" {
                accept(t, rules, number, epoch)?;
            }
            return Ok(());
        }
        Some((number, _, state)) => {
            set_state(t, number, "dead")?;
            if state == "accepted" {
                recount(t, rules, epoch)?;
            }
        }
        None => {}
    }
    let number = insert(
        t,
        proven.key,
        &proven.digest,
        &proven.entries,
        &proven.receipts,
    )?;
    put_signatures(t, number, &proven.signatures)?;
    accept(t, rules, number, epoch)
}

/// The batches that the contract has and this journal does not know: of `key`'s epoch
/// all, of the epochs from `oldest` on those of its lane.
pub fn missing(
    t: &Transaction<'_>,
    key: BatchKey,
    oldest: Epoch,
    next: &Next,
) -> Result<Vec<BatchKey>, JournalError> {
    let mut query = t.prepare_cached(
        "SELECT seq FROM batches WHERE epoch = ?1 AND lane = ?2 AND state = 'accepted'",
    )?;
    let mut missing = Vec::new();
    for ((epoch, lane), next) in next {
        let wanted =
            *epoch == key.epoch || (*lane == key.lane && (oldest..key.epoch).contains(epoch));
        if !wanted || *next == 0 {
            continue;
        }
        let known = query
            .query_map([epoch, lane], |row| row.get::<_, u64>(0))?
            .collect::<Result<BTreeSet<_>, _>>()?;
        let unknown = (0..*next).filter(|seq| !known.contains(seq));
        missing.extend(unknown.map(|seq| BatchKey {
            epoch: *epoch,
            lane: *lane,
            seq,
        }));
    }
    Ok(missing)
}

/// Checks a batch against what is recorded, computes it from its receipts, compares,
/// and records it if it is to be signed.
pub fn consider(
    t: &Transaction<'_>,
    rules: &Rules,
    key: BatchKey,
    receipts: Vec<Receipt>,
    claimed: (&Hash, &[u8]),
    digest_of: impl Fn(&Batch) -> Hash,
    sign: bool,
) -> Result<Result<Hash, Refusal>, JournalError> {
    if let Some(refusal) = faults(t, &receipts)? {
        return Ok(Err(refusal));
    }
    if let Some(refusal) = busy(t, key, &receipts)? {
        return Ok(Err(refusal));
    }
    let counted = Accepted {
        t,
        epoch: key.epoch,
    };
    let composed = Batch::compose((key.epoch, key.lane, key.seq), receipts, &counted, rules);
    let batch = match composed {
        Ok((batch, _)) => batch,
        Err(crate::batch::ComposeError::Counted(error)) => return Err(error),
        Err(crate::batch::ComposeError::Overflow { id, reason }) => {
            return Ok(Err(listed(vec![RefusedReceipt {
                id,
                fault: Fault::Impossible,
                reason: reason.to_string(),
            }])))
        }
        Err(other) => return Ok(Err(Refusal::new(Code::Malformed, other.to_string()))),
    };
    let (root, entries) = claimed;
    if batch.header.receipts_root != *root {
        let reason =
            "the Merkle root of the receipts is another one; is `receipts.network` the same?";
        return Ok(Err(Refusal::new(Code::Differs, reason)));
    }
    if batch.entries != entries {
        let reason = difference(&batch.entries, entries);
        return Ok(Err(Refusal::new(Code::Differs, reason)));
    }
    let digest = digest_of(&batch);
    if sign {
        insert(t, key, &digest, &batch.entries, &batch.receipts)?;
        t.execute(
            "INSERT INTO signed (epoch, lane, seq, digest) VALUES (?1, ?2, ?3, ?4)",
            params![key.epoch, key.lane, key.seq, digest],
        )?;
    }
    Ok(Ok(digest))
}

/// A batch that is not dead, with the signatures known here.
pub fn batch(
    t: &Transaction<'_>,
    key: BatchKey,
) -> Result<Option<(SignedBatch, Hash)>, JournalError> {
    let found: Option<(i64, Hash, Vec<u8>)> = t
        .prepare_cached(
            "SELECT number, digest, entries FROM batches
             WHERE epoch = ?1 AND lane = ?2 AND seq = ?3 AND state <> 'dead'",
        )?
        .query_row(params![key.epoch, key.lane, key.seq], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((number, digest, entries)) = found else {
        return Ok(None);
    };
    let mut query =
        t.prepare_cached("SELECT signature FROM signatures WHERE batch = ?1 ORDER BY signer")?;
    let signatures = query
        .query_map([number], |row| Ok(SignatureText(row.get(0)?)))?
        .collect::<Result<_, _>>()?;
    let batch = SignedBatch {
        key,
        entries,
        receipts: receipts_of(t, number)?,
        signatures,
    };
    Ok(Some((batch, digest)))
}

/// Receipts that are counted, or held by a batch whose fate is open.
fn faults(t: &Transaction<'_>, receipts: &[Receipt]) -> Result<Option<Refusal>, JournalError> {
    let mut query = t.prepare_cached(
        "SELECT b.state, b.epoch, b.lane, b.seq FROM receipts r JOIN batches b ON r.batch = b.number
         WHERE r.id = ?1 AND b.state <> 'dead' ORDER BY b.state LIMIT 1",
    )?;
    let mut faults = Vec::new();
    for receipt in receipts {
        let held: Option<(String, Epoch, u32, u64)> = query
            .query_row([receipt.id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        if let Some((state, epoch, lane, seq)) = held {
            let (fault, says) = if state == "accepted" {
                (Fault::Counted, "which the contract has")
            } else {
                (Fault::Held, "which the contract may still accept")
            };
            faults.push(RefusedReceipt {
                id: receipt.id,
                fault,
                reason: format!("it is in batch {seq} of epoch {epoch}, lane {lane}, {says}"),
            });
        }
    }
    Ok((!faults.is_empty()).then(|| listed(faults)))
}

/// A refusal that lists receipts.
pub fn listed(mut receipts: Vec<RefusedReceipt>) -> Refusal {
    let reason = format!("{} receipts are not accepted", receipts.len());
    receipts.truncate(MAX_LISTED);
    Refusal {
        receipts,
        ..Refusal::new(Code::Receipts, reason)
    }
}

/// Whether an operator is in another batch of the epoch whose fate is open: then it is
/// not known after what this batch's figures count.
fn busy(
    t: &Transaction<'_>,
    key: BatchKey,
    receipts: &[Receipt],
) -> Result<Option<Refusal>, JournalError> {
    let mut query = t.prepare_cached(
        "SELECT DISTINCT r.operator FROM receipts r JOIN batches b ON r.batch = b.number
         WHERE b.state = 'open' AND b.epoch = ?1",
    )?;
    let busy = query
        .query_map([key.epoch], |row| row.get::<_, u32>(0))?
        .collect::<Result<BTreeSet<_>, _>>()?;
    let operator = receipts
        .iter()
        .map(|r| r.operator)
        .find(|o| busy.contains(o));
    Ok(operator.map(|operator| {
        Refusal::new(
            Code::Busy,
            format!("operator {operator} is in another batch of epoch {} that the contract does not have yet", key.epoch),
        )
    }))
}

fn difference(ours: &[u8], theirs: &[u8]) -> String {
    let (Ok(ours), Ok(theirs)) = (unpack(ours), unpack(theirs)) else {
        return "the entries are not well formed".into();
    };
    let differs = ours.iter().zip(&theirs).find(|(a, b)| a != b);
    match differs {
        Some((a, b)) => format!("the first entry that differs is {a:?} here and {b:?} there"),
        None => format!(
            "there are {} entries here and {} there",
            ours.len(),
            theirs.len()
        ),
    }
}

fn insert(
    t: &Transaction<'_>,
    key: BatchKey,
    digest: &Hash,
    entries: &[u8],
    receipts: &[Receipt],
) -> Result<i64, JournalError> {
    t.execute(
        "INSERT INTO batches (epoch, lane, seq, digest, entries, state) VALUES (?1, ?2, ?3, ?4, ?5, 'open')",
        params![key.epoch, key.lane, key.seq, digest, entries],
    )?;
    let number = t.last_insert_rowid();
    let mut put = t.prepare_cached(
        "INSERT INTO receipts (batch, id, operator, body) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for receipt in receipts {
        put.execute(params![
            number,
            receipt.id,
            receipt.operator,
            to_json(receipt)?
        ])?;
    }
    Ok(number)
}

fn put_signatures(
    t: &Transaction<'_>,
    number: i64,
    signatures: &[(H160, Signature)],
) -> Result<(), JournalError> {
    let mut put = t.prepare_cached(
        "INSERT OR IGNORE INTO signatures (batch, signer, signature) VALUES (?1, ?2, ?3)",
    )?;
    for (signer, signature) in signatures {
        put.execute(params![number, signer.0, signature])?;
    }
    Ok(())
}

fn accept(
    t: &Transaction<'_>,
    rules: &Rules,
    number: i64,
    epoch: Epoch,
) -> Result<(), JournalError> {
    set_state(t, number, "accepted")?;
    count(t, rules, number, epoch)
}

fn count(
    t: &Transaction<'_>,
    rules: &Rules,
    number: i64,
    epoch: Epoch,
) -> Result<(), JournalError> {
    let counted = Accepted { t, epoch };
    let mut tally = Tally::new(&counted, rules.meter(epoch), rules.fee_unit);
    for receipt in receipts_of(t, number)? {
        // What the contract has did not overflow there; if the meter was changed for an
        // epoch that had begun, the figures differ and the batch is refused for that.
        let _ = tally.add(&receipt)?;
    }
    totals::put(t, epoch, &tally)
}

fn recount(t: &Transaction<'_>, rules: &Rules, epoch: Epoch) -> Result<(), JournalError> {
    totals::clear(t, epoch)?;
    let numbers = {
        let mut query = t.prepare_cached(
            "SELECT number FROM batches WHERE epoch = ?1 AND state = 'accepted' ORDER BY number",
        )?;
        let rows = query.query_map([epoch], |row| row.get(0))?;
        rows.collect::<Result<Vec<i64>, _>>()?
    };
    numbers
        .into_iter()
        .try_for_each(|number| count(t, rules, number, epoch))
}

fn set_state(t: &Transaction<'_>, number: i64, state: &str) -> Result<(), JournalError> {
    t.execute(
        "UPDATE batches SET state = ?2 WHERE number = ?1",
        params![number, state],
    )?;
    Ok(())
}

fn receipts_of(t: &Transaction<'_>, number: i64) -> Result<Vec<Receipt>, JournalError> {
    let mut query = t.prepare_cached("SELECT body FROM receipts WHERE batch = ?1 ORDER BY id")?;
    let mut rows = query.query([number])?;
    let mut receipts = Vec::new();
    while let Some(row) = rows.next()? {
        receipts.push(from_json(
            row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
        )?);
    }
    Ok(receipts)
}
