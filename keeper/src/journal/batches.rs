//! Batches in the journal, from the receipts they are built of to the contract's word
//! that it has them.
//!
//! Within an epoch the figures of a batch depend on what was counted before it. So a
//! batch is built on what the contract *has*, and operators of a batch that is still
//! under way stay out of others of that epoch until its fate is known.

use super::receipts::{bounded, eject, from_json, open_target, to_json, Reason};
use super::totals::{self, Accepted};
use super::{Journal, JournalError};
use crate::attester::protocol::BatchKey;
use crate::batch::{Batch, ComposeError, Footprint, Policy, Rules};
use crate::clock::ChainTime;
use crate::hexes;
use crate::keys::Signature;
use crate::receipt::Receipt;
use crate::tally::{OperatorTotal, Tally};
use plimsoll_interface::H160;
use plimsoll_mechanism::batch::{lane_of, BatchHeader, Domain};
use plimsoll_mechanism::{Epoch, Hash, OperatorIndex};
use rusqlite::{params, OptionalExtension as _, Transaction};
use std::collections::BTreeSet;

/// How far a batch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// Recorded. Nobody has signed it: it may be withdrawn.
    Built,
    /// Attesters may have signed it, so there is no other batch of its number.
    Offered,
    /// Enough of them have.
    Signed,
    /// A transaction that carries it is recorded.
    Submitted,
    /// The contract has it.
    Accepted,
    /// The contract does not have it and never will.
    Dead,
}

impl BatchState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Built,
        Self::Offered,
        Self::Signed,
        Self::Submitted,
        Self::Accepted,
        Self::Dead,
    ];

    /// Its name, as it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::Offered => "offered",
            Self::Signed => "signed",
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Dead => "dead",
        }
    }

    fn parse(name: &str) -> Result<Self, JournalError> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| JournalError::Corrupt(format!("the batch state `{name}`")))
    }
}

/// A batch as it is recorded, without its receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// Its number in this journal.
    pub number: i64,
    /// What the contract checks.
    pub header: BatchHeader,
    /// The packed entries.
    pub entries: Vec<u8>,
    /// What attesters sign.
    pub digest: Hash,
    /// How far it has come.
    pub state: BatchState,
    /// The chain's time at which it was built, in ms.
    pub built_at: u64,
    /// Why it is dead, or what was last said about it.
    pub note: Option<String>,
    /// The signatures gathered, ascending by signer.
    pub signatures: Vec<(H160, Signature)>,
}

impl StoredBatch {
    /// The signatures as the contract wants them: ascending by signer, one after the other.
    #[must_use]
    pub fn packed_signatures(&self) -> Vec<u8> {
        self.signatures
            .iter()
            .flat_map(|(_, signature)| *signature)
            .collect()
    }
}

/// A batch that was just built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Its number in this journal.
    pub number: i64,
    /// The batch.
    pub batch: Batch,
    /// What attesters sign.
    pub digest: Hash,
    /// Storage items of the contract that it touches.
    pub items: u32,
}

/// A receipt that somebody refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// Which receipt.
    pub id: Hash,
    /// Why, in short.
    pub code: Reason,
    /// Why, in words.
    pub reason: String,
}

impl Journal {
    /// Builds and records the batch `seq` of an epoch and lane out of the receipts of the
    /// first `operators` operators that wait for it; `None` if there are none, if they come
    /// to nothing, or while another batch of this epoch and lane is under way. A receipt
    /// that does not fit into its operator's epoch is quarantined. One that comes to nothing
    /// waits for more of its operator until its epoch is over, and is quarantined then.
    ///
    /// # Errors
    /// SQLite's; [`JournalError::Rule`] if the journal does not know all batches before
    /// `seq`: [`Journal::import`] them first.
    pub async fn build(
        &self,
        (epoch, lane, seq): (Epoch, u32, u64),
        rules: &Rules,
        domain: &Domain,
        policy: &Policy,
        (time, operators): (ChainTime, u32),
    ) -> Result<Option<Built>, JournalError> {
        let (rules, domain, policy) = (rules.clone(), *domain, *policy);
        self.with(move |t| {
            if living_in_lane(t, epoch, lane)? {
                return Ok(None);
            }
            let known: u64 = t
                .prepare_cached(
                    "SELECT count(*) FROM batches WHERE epoch = ?1 AND lane = ?2 AND state = 'accepted'",
                )?
                .query_row([epoch, lane], |row| row.get(0))?;
            if known != seq {
                return Err(JournalError::Rule(format!(
                    "batch {seq} of epoch {epoch}, lane {lane} cannot be built: of those before it only {known} are known"
                )));
            }
            let place = (epoch, lane);
            let Some((receipts, footprint, full)) =
                choose(t, place, &rules, &policy, (&time, operators))?
            else {
                return Ok(None);
            };
            let counted = Accepted { t, epoch };
            let (batch, _) =
                Batch::compose((epoch, lane, seq), receipts, &counted, &rules).map_err(composed)?;
            if batch.entries.is_empty() {
                eject_worthless(t, &batch.receipts, full, &time)?;
                return Ok(None);
            }
            let digest = batch.digest(&domain);
            let number = insert(t, &batch, &digest, BatchState::Built, time.now)?;
            let mut take = t.prepare_cached(
                "UPDATE receipts SET state = 'batched', batch = ?2, late = late OR ?3 WHERE id = ?1",
            )?;
            for receipt in &batch.receipts {
                let late = time.target(receipt.completed_at).is_some_and(|target| target.late);
                take.execute(params![receipt.id, number, late])?;
            }
            Ok(Some(Built {
                number,
                batch,
                digest,
                items: footprint.items(),
            }))
        })
        .await
    }

    /// Records that attesters may sign the batch from now on.
    ///
    /// # Errors
    /// SQLite's; [`JournalError::Rule`] if it has come further.
    pub async fn offered(&self, number: i64) -> Result<(), JournalError> {
        self.advance(
            number,
            &[BatchState::Built, BatchState::Offered],
            BatchState::Offered,
        )
        .await
    }

    /// Records the signatures. It does not matter in which order they come.
    ///
    /// # Errors
    /// SQLite's; [`JournalError::Rule`] if it was not offered.
    pub async fn signed(
        &self,
        number: i64,
        signatures: Vec<(H160, Signature)>,
    ) -> Result<(), JournalError> {
        self.with(move |t| {
            let from = [BatchState::Offered, BatchState::Signed];
            advance(t, number, &from, BatchState::Signed)?;
            put_signatures(t, number, &signatures)
        })
        .await
    }

    /// Records that a transaction with the batch is on its way.
    ///
    /// # Errors
    /// SQLite's; [`JournalError::Rule`] if it is not signed.
    pub async fn submitted(&self, number: i64) -> Result<(), JournalError> {
        self.advance(
            number,
            &[BatchState::Signed, BatchState::Submitted],
            BatchState::Submitted,
        )
        .await
    }

    /// Records what was last said about a batch, for `status`.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn note(&self, number: i64, note: String) -> Result<(), JournalError> {
        self.with(move |t| {
            t.execute(
                "UPDATE batches SET note = ?2 WHERE number = ?1",
                params![number, note],
            )?;
            Ok(())
        })
        .await
    }

    /// Records that the contract has the batch: its receipts are counted and the
    /// epoch's totals grow. A second time changes nothing.
    ///
    /// # Errors
    /// SQLite's; [`JournalError::Rule`] if it is dead.
    pub async fn accepted(&self, number: i64, rules: &Rules) -> Result<(), JournalError> {
        let rules = rules.clone();
        self.with(move |t| accept(t, number, &rules)).await
    }

    /// Records that the contract does not have the batch and never will, because its
    /// epoch is closed or its number is taken: the receipts wait again, marked late.
    ///
    /// # Errors
    /// SQLite's; [`JournalError::Rule`] if the contract has it.
    pub async fn bury(&self, number: i64, why: String) -> Result<(), JournalError> {
        self.with(move |t| bury(t, number, true, &why)).await
    }

    /// Takes back a batch that no attester was asked to sign, and quarantines the
    /// receipts for which it was refused.
    ///
    /// # Errors
    /// SQLite's; [`JournalError::Rule`] if it was offered.
    pub async fn withdraw(
        &self,
        number: i64,
        poison: Vec<Poison>,
        why: String,
    ) -> Result<(), JournalError> {
        self.with(move |t| {
            advance(t, number, &[BatchState::Built], BatchState::Built)?;
            bury(t, number, false, &why)?;
            for receipt in &poison {
                eject(t, &receipt.id, receipt.code, &receipt.reason)?;
            }
            Ok(())
        })
        .await
    }

    /// Quarantines receipts that wait.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn quarantine(&self, poison: Vec<Poison>) -> Result<(), JournalError> {
        self.with(move |t| {
            for receipt in &poison {
                eject(t, &receipt.id, receipt.code, &receipt.reason)?;
            }
            Ok(())
        })
        .await
    }

    /// Whether a batch that is not accepted still comes to its entries after what the
    /// journal knows the contract has. It does not if another batch with one of its
    /// operators was accepted since it was built.
    ///
    /// # Errors
    /// SQLite's; [`JournalError::Rule`] if there is no such batch.
    pub async fn still_fits(&self, number: i64, rules: &Rules) -> Result<bool, JournalError> {
        let rules = rules.clone();
        self.with(move |t| {
            let stored = load(t, "number = ?1", params![number])?
                .pop()
                .ok_or_else(|| JournalError::Rule(format!("there is no batch {number}")))?;
            let BatchHeader {
                epoch, lane, seq, ..
            } = stored.header;
            let counted = Accepted { t, epoch };
            let receipts = receipts_of(t, number)?;
            match Batch::compose((epoch, lane, seq), receipts, &counted, &rules) {
                Ok((batch, _)) => Ok(batch.entries == stored.entries),
                Err(ComposeError::Counted(error)) => Err(error),
                Err(_) => Ok(false),
            }
        })
        .await
    }

    /// All batches that are neither accepted nor dead, in the order they were built.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn living(&self) -> Result<Vec<StoredBatch>, JournalError> {
        self.with(|t| {
            load(
                t,
                "state NOT IN ('accepted', 'dead') ORDER BY number",
                params![],
            )
        })
        .await
    }

    /// A batch by its number in this journal.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn batch(&self, number: i64) -> Result<Option<StoredBatch>, JournalError> {
        self.with(move |t| Ok(load(t, "number = ?1", params![number])?.pop()))
            .await
    }

    /// The batch of an epoch, lane and number that is not dead.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn batch_at(
        &self,
        (epoch, lane, seq): (Epoch, u32, u64),
    ) -> Result<Option<StoredBatch>, JournalError> {
        self.with(move |t| {
            let key = params![epoch, lane, seq];
            Ok(load(
                t,
                "epoch = ?1 AND lane = ?2 AND seq = ?3 AND state <> 'dead'",
                key,
            )?
            .pop())
        })
        .await
    }

    /// The newest `most` batches, whatever became of them, the newest first.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn recent(&self, most: u32) -> Result<Vec<StoredBatch>, JournalError> {
        self.with(move |t| load(t, "TRUE ORDER BY number DESC LIMIT ?1", params![most]))
            .await
    }

    /// How many batches are in which state.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn batch_counts(&self) -> Result<Vec<(String, u64)>, JournalError> {
        self.with(|t| {
            let mut query =
                t.prepare_cached("SELECT name, count FROM counts WHERE kind = 'batch'")?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The receipts of a batch, ascending by id.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn receipts_of(&self, number: i64) -> Result<Vec<Receipt>, JournalError> {
        self.with(move |t| receipts_of(t, number)).await
    }

    /// Which batches of an epoch are accepted.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn accepted_keys(&self, epoch: Epoch) -> Result<Vec<BatchKey>, JournalError> {
        self.with(move |t| {
            let mut query = t.prepare_cached(
                "SELECT lane, seq FROM batches WHERE epoch = ?1 AND state = 'accepted' ORDER BY lane, seq",
            )?;
            let rows = query.query_map([epoch], |row| {
                Ok(BatchKey {
                    epoch,
                    lane: row.get(0)?,
                    seq: row.get(1)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The accepted batches of an epoch that the contract has and the journal does not
    /// know: other keepers sent them. `next` gives each lane's next sequence number, as
    /// the contract says.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn missing(
        &self,
        epoch: Epoch,
        next: Vec<(u32, u64)>,
    ) -> Result<Vec<(u32, u64)>, JournalError> {
        self.with(move |t| {
            let mut query = t.prepare_cached(
                "SELECT seq FROM batches WHERE epoch = ?1 AND lane = ?2 AND state = 'accepted'",
            )?;
            let mut missing = Vec::new();
            for (lane, next) in next {
                let known = query
                    .query_map([epoch, lane], |row| row.get::<_, u64>(0))?
                    .collect::<Result<BTreeSet<_>, _>>()?;
                missing.extend(
                    (0..next)
                        .filter(|seq| !known.contains(seq))
                        .map(|seq| (lane, seq)),
                );
            }
            Ok(missing)
        })
        .await
    }

    /// Takes in a batch that the contract has and that this keeper did not send, with
    /// the attesters' signatures; the caller has checked that they are enough. Its
    /// receipts are counted, and a batch of ours with the same number is dead.
    ///
    /// # Errors
    /// SQLite's; [`JournalError::Rule`] if a receipt of it is counted already.
    pub async fn import(
        &self,
        batch: Batch,
        signatures: Vec<(H160, Signature)>,
        rules: &Rules,
        domain: &Domain,
        time: ChainTime,
    ) -> Result<(), JournalError> {
        let (rules, domain, lanes) = (rules.clone(), *domain, self.identity().lanes);
        self.with(move |t| {
            let BatchHeader { epoch, lane, seq, .. } = batch.header;
            let digest = batch.digest(&domain);
            let ours = load(
                t,
                "epoch = ?1 AND lane = ?2 AND seq = ?3 AND state <> 'dead'",
                params![epoch, lane, seq],
            )?
            .pop();
            if let Some(ours) = ours {
                if ours.digest == digest {
                    put_signatures(t, ours.number, &signatures)?;
                    return accept(t, ours.number, &rules);
                }
                // Whether they are late is known when they are batched again.
                bury(t, ours.number, false, "another keeper's batch has this number")?;
            }
            let number = insert(t, &batch, &digest, BatchState::Submitted, time.now)?;
            put_signatures(t, number, &signatures)?;
            let mut put = t.prepare_cached(
                "INSERT INTO receipts (id, lane, operator, completed_at, body, state, batch)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'batched', ?6)
                 ON CONFLICT (id) DO UPDATE SET state = 'batched', batch = ?6, body = ?5,
                 operator = ?3, completed_at = ?4 WHERE state = 'pending'",
            )?;
            for receipt in &batch.receipts {
                let changed = put.execute(params![
                    receipt.id,
                    lane_of(&receipt.id, lanes),
                    receipt.operator,
                    receipt.completed_at,
                    to_json(receipt)?,
                    number
                ])?;
                if changed != 1 {
                    return Err(JournalError::Rule(format!(
                        "receipt {} is in batch {seq} of epoch {epoch}, lane {lane} and was batched before",
                        hexes::show(receipt.id)
                    )));
                }
            }
            accept(t, number, &rules)
        })
        .await
    }

    /// What the accepted batches of an epoch add up to, ascending by operator.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn totals(
        &self,
        epoch: Epoch,
    ) -> Result<Vec<(OperatorIndex, OperatorTotal)>, JournalError> {
        self.with(move |t| totals::all(t, epoch)).await
    }

    async fn advance(
        &self,
        number: i64,
        from: &'static [BatchState],
        to: BatchState,
    ) -> Result<(), JournalError> {
        self.with(move |t| advance(t, number, from, to)).await
    }
}

/// Operators of batches of `epoch` that are under way.
const BUSY: &str = "SELECT DISTINCT r.operator FROM receipts r JOIN batches b ON r.batch = b.number
    WHERE b.epoch = ?1 AND b.state NOT IN ('accepted', 'dead')";

/// The receipts of the next batch: by operator, so that the contract's pages are few,
/// then by time and id.
fn choose(
    t: &Transaction<'_>,
    (epoch, lane): (Epoch, u32),
    rules: &Rules,
    policy: &Policy,
    (time, operators): (&ChainTime, u32),
) -> Result<Option<(Vec<Receipt>, Footprint, bool)>, JournalError> {
    let busy = t
        .prepare_cached(BUSY)?
        .query_map([epoch], |row| row.get(0))?
        .collect::<Result<BTreeSet<OperatorIndex>, _>>()?;
    let counted = Accepted { t, epoch };
    let mut tally = Tally::new(&counted, rules.meter(epoch), rules.fee_unit);
    let mut footprint = Footprint::default();
    let (mut chosen, mut poison, mut full) = (Vec::new(), Vec::new(), false);
    {
        let mut query = t.prepare_cached(
            "SELECT id, operator, completed_at, body FROM receipts
             WHERE state = 'pending' AND lane = ?1 AND completed_at <= ?2 AND operator < ?3
             ORDER BY operator, completed_at, id",
        )?;
        let mut rows = query.query(params![lane, bounded(time.now), operators])?;
        while let Some(row) = rows.next()? {
            if chosen.len() >= policy.max_receipts as usize {
                full = true;
                break;
            }
            let (operator, at): (OperatorIndex, u64) = (row.get(1)?, row.get(2)?);
            let here = open_target(time, at).is_some_and(|target| target.epoch == epoch);
            if !here || busy.contains(&operator) {
                continue;
            }
            if !footprint.admit(operator, policy) {
                full = true;
                continue;
            }
            let receipt = from_json(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?;
            match tally.add(&receipt)? {
                Ok(()) => chosen.push(receipt),
                Err(overflow) => poison.push((receipt.id, overflow)),
            }
        }
    }
    for (id, overflow) in &poison {
        eject(t, id, Reason::Impossible, &overflow.to_string())?;
    }
    Ok((!chosen.is_empty()).then_some((chosen, footprint, full)))
}

/// Quarantines receipts that together come to nothing, unless more of the same epoch may
/// make something of them: a fee below the contract's unit adds up. If they fill a batch,
/// what comes after them would never be reached.
fn eject_worthless(
    t: &Transaction<'_>,
    receipts: &[Receipt],
    full: bool,
    time: &ChainTime,
) -> Result<(), JournalError> {
    for receipt in receipts {
        let late = time
            .target(receipt.completed_at)
            .is_some_and(|target| target.late);
        if full || late || receipt.fee == 0 {
            let reason = "it comes to no work unit and no fee unit of the contract";
            eject(t, &receipt.id, Reason::Worthless, reason)?;
        }
    }
    Ok(())
}

fn composed(error: ComposeError<JournalError>) -> JournalError {
    match error {
        ComposeError::Counted(error) => error,
        other => JournalError::Corrupt(format!("what was chosen for a batch ({other})")),
    }
}

fn living_in_lane(t: &Transaction<'_>, epoch: Epoch, lane: u32) -> Result<bool, JournalError> {
    Ok(t.prepare_cached(
        "SELECT 1 FROM batches WHERE epoch = ?1 AND lane = ?2 AND state NOT IN ('accepted', 'dead')",
    )?
    .exists([epoch, lane])?)
}

fn insert(
    t: &Transaction<'_>,
    batch: &Batch,
    digest: &Hash,
    state: BatchState,
    now: u64,
) -> Result<i64, JournalError> {
    let BatchHeader {
        epoch,
        lane,
        seq,
        receipts_root,
        receipts,
    } = batch.header;
    t.execute(
        "INSERT INTO batches (epoch, lane, seq, root, receipts, entries, digest, state, built_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            epoch,
            lane,
            seq,
            receipts_root,
            receipts,
            batch.entries,
            digest,
            state.name(),
            now
        ],
    )?;
    Ok(t.last_insert_rowid())
}

fn put_signatures(
    t: &Transaction<'_>,
    number: i64,
    signatures: &[(H160, Signature)],
) -> Result<(), JournalError> {
    let mut put = t.prepare_cached(
        "INSERT INTO signatures (batch, signer, signature) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for (signer, signature) in signatures {
        put.execute(params![number, signer.0, signature])?;
    }
    Ok(())
}

fn state_of(t: &Transaction<'_>, number: i64) -> Result<BatchState, JournalError> {
    let name: Option<String> = t
        .query_row(
            "SELECT state FROM batches WHERE number = ?1",
            [number],
            |row| row.get(0),
        )
        .optional()?;
    let name = name.ok_or_else(|| JournalError::Rule(format!("there is no batch {number}")))?;
    BatchState::parse(&name)
}

fn advance(
    t: &Transaction<'_>,
    number: i64,
    from: &[BatchState],
    to: BatchState,
) -> Result<(), JournalError> {
    let state = state_of(t, number)?;
    if !from.contains(&state) {
        return Err(JournalError::Rule(format!(
            "batch {number} is {} and cannot become {}",
            state.name(),
            to.name()
        )));
    }
    t.execute(
        "UPDATE batches SET state = ?2 WHERE number = ?1",
        params![number, to.name()],
    )?;
    Ok(())
}

fn accept(t: &Transaction<'_>, number: i64, rules: &Rules) -> Result<(), JournalError> {
    let state = state_of(t, number)?;
    if state == BatchState::Accepted {
        return Ok(());
    }
    let living = [
        BatchState::Built,
        BatchState::Offered,
        BatchState::Signed,
        BatchState::Submitted,
    ];
    advance(t, number, &living, BatchState::Accepted)?;
    let epoch: Epoch = t.query_row(
        "SELECT epoch FROM batches WHERE number = ?1",
        [number],
        |row| row.get(0),
    )?;
    let counted = Accepted { t, epoch };
    let mut tally = Tally::new(&counted, rules.meter(epoch), rules.fee_unit);
    for receipt in receipts_of(t, number)? {
        if let Err(overflow) = tally.add(&receipt)? {
            return Err(JournalError::Corrupt(format!(
                "an accepted batch ({overflow})"
            )));
        }
    }
    totals::put(t, epoch, &tally)?;
    t.execute(
        "UPDATE receipts SET state = 'counted' WHERE batch = ?1",
        [number],
    )?;
    Ok(())
}

fn bury(t: &Transaction<'_>, number: i64, late: bool, why: &str) -> Result<(), JournalError> {
    let state = state_of(t, number)?;
    match state {
        BatchState::Dead => return Ok(()),
        BatchState::Accepted => {
            return Err(JournalError::Rule(format!(
                "batch {number} is accepted and cannot die"
            )))
        }
        _ => {}
    }
    // Nobody asks for what a dead batch came to.
    t.execute(
        "UPDATE batches SET state = 'dead', note = ?2, entries = x'' WHERE number = ?1",
        params![number, why],
    )?;
    t.execute(
        "UPDATE receipts SET state = 'pending', batch = NULL, late = late OR ?2 WHERE batch = ?1",
        params![number, late],
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

fn load(
    t: &Transaction<'_>,
    filter: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<StoredBatch>, JournalError> {
    let mut query = t.prepare_cached(&format!(
        "SELECT number, epoch, lane, seq, root, receipts, entries, digest, state, built_at, note
         FROM batches WHERE {filter}"
    ))?;
    let mut rows = query.query(params)?;
    let mut batches = Vec::new();
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        batches.push(StoredBatch {
            number,
            header: BatchHeader {
                epoch: row.get(1)?,
                lane: row.get(2)?,
                seq: row.get(3)?,
                receipts_root: row.get(4)?,
                receipts: row.get(5)?,
            },
            entries: row.get(6)?,
            digest: row.get(7)?,
            state: BatchState::parse(&row.get::<_, String>(8)?)?,
            built_at: row.get(9)?,
            note: row.get(10)?,
            signatures: signatures_of(t, number)?,
        });
    }
    Ok(batches)
}

fn signatures_of(t: &Transaction<'_>, number: i64) -> Result<Vec<(H160, Signature)>, JournalError> {
    let mut query = t.prepare_cached(
        "SELECT signer, signature FROM signatures WHERE batch = ?1 ORDER BY signer",
    )?;
    let rows = query.query_map([number], |row| Ok((H160(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::tests::open;
    use super::*;
    use crate::batch::tests::rules;
    use crate::clock::tests::at;
    use crate::keys::Key;
    use crate::receipt::tests::receipt;
    use plimsoll_mechanism::work::unpack;

    pub(crate) const DOMAIN: Domain = Domain {
        chain_id: [4; 32],
        contract: [5; 20],
    };

    async fn add(journal: &Journal, receipts: Vec<Receipt>) {
        let receipts = receipts
            .into_iter()
            .map(|receipt| (None, receipt))
            .collect();
        journal
            .add("test".into(), receipts, vec![])
            .await
            .expect("writable");
    }

    async fn build(
        journal: &Journal,
        key: (Epoch, u32, u64),
        policy: &Policy,
        now: u64,
    ) -> Option<Built> {
        journal
            .build(key, &rules(), &DOMAIN, policy, (at(now), 100))
            .await
            .expect("builds")
    }

    async fn through(journal: &Journal, built: &Built) {
        let signer = Key::from_bytes([6; 32]).expect("a key");
        let signatures = vec![(signer.address(), signer.sign(&built.digest))];
        journal.offered(built.number).await.expect("built");
        journal
            .signed(built.number, signatures)
            .await
            .expect("offered");
        journal.submitted(built.number).await.expect("signed");
        journal
            .accepted(built.number, &rules())
            .await
            .expect("submitted");
    }

    fn job(lane: u64, number: u64, operator: u32, at: u64) -> Receipt {
        Receipt {
            completed_at: at,
            // 4 * 20,000 units: two jobs are above the fragment threshold of 100,000.
            input_tokens: 1,
            output_tokens: 20_000,
            ..receipt(lane, number, operator)
        }
    }

    #[tokio::test]
    async fn g12_batches_of_an_epoch_continue_where_the_earlier_ones_stopped() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        add(
            &journal,
            (0..4).map(|k| job(k % 2, k, 3, 1_010 + k)).collect(),
        )
        .await;
        let one = Policy {
            max_receipts: 1,
            ..Policy::default()
        };
        let mut sum = (0, 0, 0);
        for (lane, seq) in [(0, 0), (1, 0), (1, 1), (0, 1)] {
            let built = build(&journal, (0, lane, seq), &one, 1_050)
                .await
                .expect("waiting");
            through(&journal, &built).await;
            for entry in unpack(&built.batch.entries).expect("well formed") {
                sum = (
                    sum.0 + entry.fragment,
                    sum.1 + entry.bulk,
                    sum.2 + entry.fees,
                );
            }
        }
        assert_eq!(
            sum,
            (100_000, 220_004, 10),
            "as one batch of all four would have it"
        );
        let totals = journal.totals(0).await.expect("readable");
        assert_eq!(
            totals[0].1,
            OperatorTotal {
                fragment: 100_000,
                bulk: 220_004,
                fees: 100
            }
        );
        assert_eq!(journal.counts().await.expect("readable").counted, 4);
    }

    #[tokio::test]
    async fn a_batch_is_built_once_and_the_same_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        add(
            &journal,
            vec![
                job(0, 1, 3, 1_010),
                job(0, 2, 4, 1_011),
                job(1, 3, 5, 1_012),
            ],
        )
        .await;
        let built = build(&journal, (0, 0, 0), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        assert_eq!(built.batch.receipts.len(), 2);
        assert_eq!(
            build(&journal, (0, 0, 0), &Policy::default(), 1_050).await,
            None
        );
        drop(journal);
        let journal = open(&folder).await;
        let living = journal.living().await.expect("readable");
        assert_eq!(living.len(), 1);
        assert_eq!(
            (living[0].digest, &living[0].entries),
            (built.digest, &built.batch.entries)
        );
        let receipts = journal
            .receipts_of(living[0].number)
            .await
            .expect("readable");
        assert_eq!(receipts, built.batch.receipts);
    }

    #[tokio::test]
    async fn receipts_of_a_dead_batch_are_carried_into_the_next_epoch_and_marked_late() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        add(&journal, vec![job(0, 1, 3, 1_010)]).await;
        let built = build(&journal, (0, 0, 0), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        journal.offered(built.number).await.expect("built");
        journal
            .bury(built.number, "epoch 0 is closed".into())
            .await
            .expect("living");
        assert_eq!(
            build(&journal, (0, 0, 0), &Policy::default(), 1_130).await,
            None
        );
        let again = build(&journal, (1, 0, 0), &Policy::default(), 1_130)
            .await
            .expect("carried");
        assert_eq!(again.batch.receipts, built.batch.receipts);
        through(&journal, &again).await;
        let counts = journal.counts().await.expect("readable");
        assert_eq!((counts.counted, counts.late), (1, 1));
        let error = journal
            .bury(again.number, "no".into())
            .await
            .expect_err("accepted");
        assert!(matches!(error, JournalError::Rule(_)));
        journal
            .accepted(again.number, &rules())
            .await
            .expect("a second time changes nothing");
        assert_eq!(journal.totals(1).await.expect("readable")[0].1.fees, 25);
    }

    #[tokio::test]
    async fn a_batch_is_withdrawn_only_before_anybody_may_have_signed_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let poisoned = job(0, 1, 3, 1_010);
        add(&journal, vec![poisoned.clone(), job(0, 2, 4, 1_011)]).await;
        let built = build(&journal, (0, 0, 0), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        let poison = Poison {
            id: poisoned.id,
            code: Reason::Refused,
            reason: "unknown signer".into(),
        };
        journal
            .withdraw(built.number, vec![poison], "refused".into())
            .await
            .expect("built");
        let state = journal.state_of(poisoned.id).await.expect("readable");
        assert_eq!(state.as_deref(), Some("quarantined"));
        let again = build(&journal, (0, 0, 0), &Policy::default(), 1_050)
            .await
            .expect("the rest");
        assert_eq!(again.batch.receipts.len(), 1);
        journal.offered(again.number).await.expect("built");
        journal
            .withdraw(again.number, vec![], "no".into())
            .await
            .expect_err("offered");
        assert_eq!(journal.counts().await.expect("readable").late, 0);
    }

    #[tokio::test]
    async fn operators_of_a_batch_under_way_stay_out_of_others_of_the_epoch() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let jobs = vec![
            job(0, 1, 3, 1_010),
            job(1, 2, 3, 1_011),
            job(1, 3, 4, 1_012),
        ];
        add(&journal, jobs).await;
        let first = build(&journal, (0, 0, 0), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        let second = build(&journal, (0, 1, 0), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        let operators: Vec<_> = second.batch.receipts.iter().map(|r| r.operator).collect();
        assert_eq!(operators, [4]);
        through(&journal, &first).await;
        through(&journal, &second).await;
        let third = build(&journal, (0, 1, 1), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        let entries = unpack(&third.batch.entries).expect("well formed");
        assert_eq!((entries[0].fragment, entries[0].bulk), (19_999, 60_002));
    }

    #[tokio::test]
    async fn another_keepers_batch_is_taken_in_and_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        add(&journal, vec![job(0, 1, 3, 1_010), job(0, 2, 3, 1_011)]).await;
        assert_eq!(
            journal
                .missing(0, vec![(0, 1), (1, 0)])
                .await
                .expect("readable"),
            [(0, 0)]
        );
        let error = journal
            .build(
                (0, 0, 1),
                &rules(),
                &DOMAIN,
                &Policy::default(),
                (at(1_050), 100),
            )
            .await
            .expect_err("batch 0 is not known");
        assert!(matches!(error, JournalError::Rule(_)), "{error}");

        let rules = rules();
        let theirs = vec![job(0, 1, 3, 1_010), job(0, 9, 3, 1_009)];
        let before = crate::tally::Nothing;
        let (batch, _) = Batch::compose((0, 0, 0), theirs, &before, &rules).expect("fits");
        // Ours with the same number is under way.
        let ours = build(&journal, (0, 0, 0), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        journal
            .import(batch.clone(), vec![], &rules, &DOMAIN, at(1_050))
            .await
            .expect("new");
        let state = journal
            .batch(ours.number)
            .await
            .expect("readable")
            .expect("there")
            .state;
        assert_eq!(state, BatchState::Dead);
        let late = journal.counts().await.expect("readable").late;
        assert_eq!(late, 0, "its epoch is open");
        assert!(journal
            .missing(0, vec![(0, 1)])
            .await
            .expect("readable")
            .is_empty());
        let rest = build(&journal, (0, 0, 1), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        assert_eq!(
            rest.batch.receipts.len(),
            1,
            "one of ours was counted by theirs"
        );
        let entries = unpack(&rest.batch.entries).expect("well formed");
        assert_eq!(entries[0].fragment, 0, "theirs is above the threshold");
        journal
            .import(batch, vec![], &rules, &DOMAIN, at(1_050))
            .await
            .expect("a second time changes nothing");
    }

    #[tokio::test]
    async fn operators_that_are_not_registered_yet_wait() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        add(&journal, vec![job(0, 1, 3, 1_010), job(0, 2, 4, 1_011)]).await;
        let (policy, view) = (Policy::default(), (at(1_050), 4));
        let built = journal
            .build((0, 0, 0), &rules(), &DOMAIN, &policy, view)
            .await
            .expect("builds")
            .expect("waiting");
        let operators: Vec<_> = built.batch.receipts.iter().map(|r| r.operator).collect();
        assert_eq!(operators, [3]);
        assert_eq!(journal.counts().await.expect("readable").pending, 1);
    }

    /// A receipt of cached tokens only: no work unit, and a fee below the unit of ten.
    fn crumb(number: u64, fee: u128) -> Receipt {
        Receipt {
            input_tokens: 3,
            cached_input_tokens: 3,
            output_tokens: 0,
            fee,
            completed_at: 1_010,
            ..receipt(0, number, 3)
        }
    }

    #[tokio::test]
    async fn receipts_that_come_to_nothing_make_no_batch_and_are_not_carried() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let policy = Policy::default();
        add(&journal, vec![crumb(1, 0), crumb(2, 6)]).await;
        // What has a fee may still add up to a unit of it.
        assert_eq!(build(&journal, (0, 0, 0), &policy, 1_050).await, None);
        let counts = journal.counts().await.expect("readable");
        assert_eq!((counts.pending, counts.quarantined["worthless"]), (1, 1));
        add(&journal, vec![crumb(3, 5)]).await;
        let built = build(&journal, (0, 0, 0), &policy, 1_050)
            .await
            .expect("a fee unit");
        assert_eq!(built.batch.receipts.len(), 2);
        through(&journal, &built).await;
        // Its epoch is over.
        add(&journal, vec![crumb(4, 6)]).await;
        assert_eq!(build(&journal, (1, 0, 0), &policy, 1_130).await, None);
        let counts = journal.counts().await.expect("readable");
        assert_eq!((counts.pending, counts.quarantined["worthless"]), (0, 2));
    }

    #[tokio::test]
    async fn what_comes_to_nothing_does_not_keep_what_comes_after_it_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let two = Policy {
            max_receipts: 2,
            ..Policy::default()
        };
        add(
            &journal,
            vec![crumb(1, 1), crumb(2, 1), job(0, 3, 4, 1_010)],
        )
        .await;
        assert_eq!(build(&journal, (0, 0, 0), &two, 1_050).await, None);
        let built = build(&journal, (0, 0, 0), &two, 1_050).await.expect("work");
        assert_eq!(built.batch.receipts[0].operator, 4);
    }

    #[tokio::test]
    async fn a_batch_fits_until_another_with_its_operator_is_accepted() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        add(&journal, vec![job(0, 1, 3, 1_010)]).await;
        let built = build(&journal, (0, 0, 0), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        let rules = rules();
        assert!(journal
            .still_fits(built.number, &rules)
            .await
            .expect("there"));
        let theirs = vec![job(1, 2, 4, 1_010)];
        let (other, _) =
            Batch::compose((0, 1, 0), theirs, &crate::tally::Nothing, &rules).expect("fits");
        let import = |batch| journal.import(batch, vec![], &rules, &DOMAIN, at(1_050));
        import(other).await.expect("new");
        assert!(journal
            .still_fits(built.number, &rules)
            .await
            .expect("there"));
        let theirs = vec![job(1, 3, 3, 1_010)];
        let (same, _) =
            Batch::compose((0, 1, 1), theirs, &crate::tally::Nothing, &rules).expect("fits");
        import(same).await.expect("new");
        assert!(!journal
            .still_fits(built.number, &rules)
            .await
            .expect("there"));
    }

    #[tokio::test]
    async fn a_receipt_that_does_not_fit_is_quarantined_and_the_rest_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let mut huge = job(0, 1, 3, 1_010);
        huge.fee = u128::MAX;
        add(&journal, vec![huge.clone(), job(0, 2, 3, 1_011)]).await;
        let built = build(&journal, (0, 0, 0), &Policy::default(), 1_050)
            .await
            .expect("waiting");
        assert_eq!(built.batch.receipts.len(), 1);
        let state = journal.state_of(huge.id).await.expect("readable");
        assert_eq!(state.as_deref(), Some("quarantined"));
    }

    /// The counts as the tables have them.
    async fn scanned(journal: &Journal) -> (super::super::Counts, Vec<(String, u64)>) {
        journal
            .with(|t| {
                let number = |sql: &str| -> Result<u64, JournalError> {
                    Ok(t.query_row(sql, [], |row| row.get(0))?)
                };
                let groups = |sql: &str| -> Result<Vec<(String, u64)>, JournalError> {
                    let mut query = t.prepare(sql)?;
                    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                    Ok(rows.collect::<Result<_, _>>()?)
                };
                let counts = super::super::Counts {
                    pending: number("SELECT count(*) FROM receipts WHERE state = 'pending'")?,
                    batched: number("SELECT count(*) FROM receipts WHERE state = 'batched'")?,
                    counted: number("SELECT count(*) FROM receipts WHERE state = 'counted'")?,
                    late: number("SELECT count(*) FROM receipts WHERE late")?,
                    quarantined: groups("SELECT code, count(*) FROM quarantine GROUP BY code")?
                        .into_iter()
                        .collect(),
                };
                let batches = groups("SELECT state, count(*) FROM batches GROUP BY state")?;
                Ok((counts, batches))
            })
            .await
            .expect("readable")
    }

    #[tokio::test]
    async fn the_counts_are_those_of_a_scan_whatever_was_done() {
        use rand::{Rng as _, SeedableRng as _};
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let small = Policy {
            max_receipts: 4,
            ..Policy::default()
        };
        let mut now = 1_000_u64;
        for _ in 0..400 {
            now += rng.random_range(0..3);
            let living = journal.living().await.expect("readable");
            let some = living.first().map(|batch| batch.number);
            match rng.random_range(0..9) {
                0..=2 => {
                    let lane = rng.random_range(0..2);
                    let receipts = (0..3).map(|_| {
                        let at = (now + 10).saturating_sub(rng.random_range(0..150));
                        job(lane, rng.random_range(0..400), rng.random_range(0..9), at)
                    });
                    add(&journal, receipts.collect()).await;
                }
                3 => {
                    let future = super::super::Future {
                        machine: 0,
                        max_ahead: 5,
                    };
                    journal.screen(at(now), 8, future).await.expect("writable");
                }
                4 | 5 => {
                    for (epoch, lane) in journal
                        .waiting(at(now), 8)
                        .await
                        .expect("readable")
                        .into_keys()
                    {
                        let accepted = journal.accepted_keys(epoch).await.expect("readable");
                        let seq = accepted.iter().filter(|key| key.lane == lane).count() as u64;
                        build(&journal, (epoch, lane, seq), &small, now).await;
                    }
                }
                6 => {
                    if let Some(number) = some {
                        let poison = Poison {
                            id: journal.receipts_of(number).await.expect("readable")[0].id,
                            code: Reason::Refused,
                            reason: "no".into(),
                        };
                        let withdrawn = journal.withdraw(number, vec![poison], "no".into());
                        // One that was offered stays.
                        let _ = withdrawn.await;
                    }
                }
                7 => {
                    if let Some(number) = some {
                        journal.accepted(number, &rules()).await.expect("living");
                    }
                }
                _ => {
                    if let Some(number) = some {
                        let _ = journal.offered(number).await;
                        journal.bury(number, "late".into()).await.expect("living");
                    }
                }
            }
            let (counts, batches) = scanned(&journal).await;
            assert_eq!(journal.counts().await.expect("readable"), counts);
            let mut kept = journal.batch_counts().await.expect("readable");
            kept.retain(|(_, count)| *count > 0);
            assert_eq!(kept, batches);
        }
        let (counts, batches) = scanned(&journal).await;
        let all = [
            counts.counted,
            counts.late,
            counts.quarantined.values().sum(),
        ];
        assert!(all.iter().all(|count| *count > 0), "{counts:?}");
        assert!(
            batches.iter().any(|(state, _)| state == "dead"),
            "{batches:?}"
        );
    }
}
