//! Whether receipts were counted, each once.
//!
//! A root is over all receipts of its batch, so they are looked for together: as a
//! journal tells them apart, or else a file's as a whole, or its receipts of one lane, or
//! of one lane and epoch.

use super::AuditError;
use crate::deploy::Deployment;
use crate::hexes;
use crate::ingest;
use crate::journal::{BatchState, Identity, Journal};
use crate::keys::keccak;
use crate::receipt::{Network, Receipt};
use plimsoll_index::{BatchId, Finding, Index, Kind, Place};
use plimsoll_mechanism::batch::lane_of;
use plimsoll_mechanism::{merkle, Epoch, Hash};
use std::collections::BTreeMap;
use std::path::Path;

/// A receipt, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: Hash,
    /// Its hash.
    pub hash: Hash,
    /// When the job was completed, in ms since 1970.
    pub completed_at: u64,
}

/// Receipts that were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Where they come from.
    pub source: String,
    /// The batch that they are all the receipts of, if that is known.
    pub batch: Option<BatchId>,
    /// The receipts.
    pub receipts: Vec<Known>,
}

impl Known {
    /// A receipt of a network.
    #[must_use]
    pub fn new(receipt: &Receipt, network: &Network) -> Self {
        Self {
            id: receipt.id,
            hash: receipt.hash(network),
            completed_at: receipt.completed_at,
        }
    }
}

/// The receipts of a file.
///
/// # Errors
/// If it cannot be read, or a line of it is no receipt: what cannot be read cannot be
/// shown to have been counted.
pub fn of_file(path: &Path) -> Result<Vec<Receipt>, AuditError> {
    let wrong = |what: String| AuditError::Input(format!("{}: {what}", path.display()));
    let lines = ingest::read(path, None).map_err(|error| AuditError::Input(error.to_string()))?;
    lines
        .map(|line| match line {
            Ok((_, receipt)) => Ok(receipt),
            Err(flaw) => {
                let at = flaw.line.map(|line| format!("line {line}: "));
                Err(wrong(format!("{}{}", at.unwrap_or_default(), flaw.reason)))
            }
        })
        .collect()
}

/// The receipts of a file of a network.
///
/// # Errors
/// See [`of_file`].
pub fn from_file(path: &Path, network: &Network) -> Result<Given, AuditError> {
    let receipts = of_file(path)?;
    Ok(Given {
        source: path.display().to_string(),
        batch: None,
        receipts: receipts.iter().map(|r| Known::new(r, network)).collect(),
    })
}

/// Opens the journal of a keeper that does not run.
///
/// # Errors
/// The journal's; also if there is none.
pub async fn open_journal(path: &Path, deployment: &Deployment) -> Result<Journal, AuditError> {
    if !path.exists() {
        return Err(AuditError::Input(format!(
            "there is no journal {}",
            path.display()
        )));
    }
    let identity = Identity {
        genesis: deployment.genesis,
        contract: deployment.contract,
        lanes: deployment.lanes,
    };
    Ok(Journal::open(path, identity).await?)
}

/// The accepted batches of a keeper's journal, each with its receipts.
///
/// # Errors
/// The journal's.
pub async fn from_journal(
    path: &Path,
    deployment: &Deployment,
    network: &Network,
) -> Result<Vec<Given>, AuditError> {
    let journal = open_journal(path, deployment).await?;
    let mut given = Vec::new();
    for batch in journal.recent(u32::MAX).await? {
        if batch.state != BatchState::Accepted {
            continue;
        }
        let receipts = journal.receipts_of(batch.number).await?;
        let header = &batch.header;
        given.push(Given {
            source: path.display().to_string(),
            batch: Some((header.epoch, header.lane, header.seq)),
            receipts: receipts.iter().map(|r| Known::new(r, network)).collect(),
        });
    }
    Ok(given)
}

/// Checks that every receipt was counted once, and says how many there are.
///
/// # Errors
/// The first that was not.
pub fn check(index: &Index, given: &[Given]) -> Result<u64, Finding> {
    let mut counted = BTreeMap::<Hash, BatchId>::new();
    for some in given {
        for (id, receipts) in place(index, some)? {
            for receipt in receipts {
                let before = counted.insert(receipt.id, id);
                if let Some(before) = before.filter(|before| *before != id) {
                    return Err(twice(&receipt.id, before, id));
                }
            }
        }
    }
    Ok(counted.len() as u64)
}

fn twice(receipt: &Hash, before: BatchId, id: BatchId) -> Finding {
    let place = Place::of("a receipt").batch(id);
    let found = format!(
        "it in epoch {}, lane {}, batch {} as well",
        before.0, before.1, before.2
    );
    Finding::new(Kind::Twice, place, "a receipt that is counted once", found)
        .field(&hexes::show(receipt))
}

/// In which batches receipts were counted.
fn place(index: &Index, given: &Given) -> Result<Vec<(BatchId, Vec<Known>)>, Finding> {
    let whole = ordered(&given.receipts)?;
    if let Some(id) = given.batch {
        in_batch(index, id, &whole)?;
        return Ok(vec![(id, whole)]);
    }
    if whole.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(id) = index.with_root(&root(&whole), whole.len() as u64) {
        return Ok(vec![(id, whole)]);
    }
    let settings = index.settings();
    let mut lanes = BTreeMap::<u32, Vec<Known>>::new();
    for receipt in &whole {
        let lane = lane_of(&receipt.id, settings.lanes);
        lanes.entry(lane).or_default().push(*receipt);
    }
    let mut placed = Vec::new();
    for (lane, receipts) in lanes {
        if let Some(id) = index.with_root(&root(&receipts), receipts.len() as u64) {
            placed.push((id, receipts));
            continue;
        }
        let mut epochs = BTreeMap::<Epoch, Vec<Known>>::new();
        for receipt in receipts {
            let times = &settings.times;
            let passed = receipt.completed_at.saturating_sub(times.genesis) / times.epoch;
            let epoch = Epoch::try_from(passed).unwrap_or(Epoch::MAX);
            epochs.entry(epoch).or_default().push(receipt);
        }
        for (epoch, receipts) in epochs {
            let root = root(&receipts);
            let Some(id) = index.with_root(&root, receipts.len() as u64) else {
                return Err(nowhere(given, (epoch, lane), &root, &receipts));
            };
            placed.push((id, receipts));
        }
    }
    Ok(placed)
}

fn nowhere(given: &Given, (epoch, lane): (Epoch, u32), root: &Hash, all: &[Known]) -> Finding {
    let place = Place {
        lane: Some(lane),
        ..Place::of("receipts").epoch(epoch)
    };
    let expected = format!(
        "a batch with the root {} over the {} receipts of this lane and epoch in {}",
        hexes::show(root),
        all.len(),
        given.source
    );
    let found = "none; if they are of several batches, give the journal of the keeper that sent \
                 them (--journal) or a file for each batch (--receipts)";
    let first = all.first().map(|receipt| hexes::show(receipt.id));
    Finding::new(Kind::Receipt, place, expected, found).field(&first.unwrap_or_default())
}

/// Receipts in the order of the leaves, each once.
fn ordered(receipts: &[Known]) -> Result<Vec<Known>, Finding> {
    let mut ordered = receipts.to_vec();
    ordered.sort_unstable_by_key(|receipt| receipt.id);
    match ordered.windows(2).find(|pair| pair[0].id == pair[1].id) {
        None => Ok(ordered),
        Some(pair) => {
            let place = Place::of("receipts");
            let expected = "a receipt that is given once";
            let finding = Finding::new(Kind::Twice, place, expected, "it twice");
            Err(finding.field(&hexes::show(pair[0].id)))
        }
    }
}

/// The root over receipts in their order.
fn root(receipts: &[Known]) -> Hash {
    let leaves: Vec<Hash> = receipts
        .iter()
        .map(|receipt| merkle::leaf(&receipt.hash, keccak))
        .collect();
    merkle::root(&leaves, keccak)
}

/// Checks that `receipts` are all those of a batch on the chain.
fn in_batch(index: &Index, id: BatchId, receipts: &[Known]) -> Result<(), Finding> {
    let place = || Place::of("receipts").batch(id);
    let Some(accepted) = index.accepted(id) else {
        let expected = "a batch that the contract has";
        return Err(Finding::new(Kind::Receipt, place(), expected, "none"));
    };
    let found = receipts.len() as u64;
    if accepted.receipts != found {
        let expected = format!("{} receipts", accepted.receipts);
        return Err(Finding::new(
            Kind::Receipt,
            place(),
            expected,
            format!("{found}"),
        ));
    }
    let found = root(receipts);
    if accepted.root != found {
        let expected = hexes::show(accepted.root);
        let finding = Finding::new(Kind::Receipt, place(), expected, hexes::show(found));
        return Err(finding.field("receipts_root"));
    }
    Ok(())
}
