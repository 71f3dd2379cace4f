//! Whether a batch is signed.

use super::ledger::{self, Next, Proven};
use super::protocol::{
    AttestRequest, Attested, BatchKey, Checked, Code, Fault, Info, Refusal, RefusedReceipt,
    SignatureText, SignedBatch,
};
use super::views::{Moment, Reader, ViewError};
use crate::batch::{root, Rules};
use crate::clock::ChainTime;
use crate::hexes;
use crate::journal::{Database, JournalError};
use crate::keys::{keccak, recover, Key};
use crate::meter::Meters;
use crate::receipt::{Network, Receipt};
use futures::stream::{self, StreamExt as _};
use plimsoll_interface::{Attesters, H160};
use plimsoll_mechanism::batch::{lane_of, BatchHeader, Domain};
use plimsoll_mechanism::{Epoch, Hash};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokio::sync::Mutex;

/// How many views are asked at once. A node answers one in a few milliseconds, most of
/// which is the way there and back.
const VIEWS_AT_ONCE: usize = 16;

/// How many numbers of closed epochs are recorded at once, while more are read.
const RECORDED_AT_ONCE: usize = 256;

/// What an attester accepts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The network that receipts are signed for.
    pub network: Network,
    /// Whose receipts count.
    pub signers: BTreeSet<H160>,
    /// Whether receipts without a signature count.
    pub allow_unsigned: bool,
    /// How far ahead of the chain's clock a receipt may be, in ms.
    pub max_ahead_ms: u64,
    /// The meters.
    pub meters: Meters,
}

/// An attester.
pub struct Attester {
    key: Key,
    settings: Settings,
    rules: Rules,
    contract: plimsoll_interface::Settings,
    domain: Domain,
    reader: Reader,
    journal: Database,
    /// One batch at a time: what is decided on must not change meanwhile.
    turn: Mutex<()>,
}

/// Why an attester cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The chain.
    #[error(transparent)]
    Views(#[from] ViewError),
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        tracing::error!(%error, "the journal fails");
        Self::new(
            Code::Unavailable,
            "the attester's journal fails; see its log",
        )
    }
}

impl From<ViewError> for Refusal {
    fn from(error: ViewError) -> Self {
        Self::new(Code::Unavailable, error.to_string())
    }
}

impl Attester {
    /// An attester with its journal in `file`, for the deployment in `domain` that it
    /// reads through `reader`.
    ///
    /// # Errors
    /// What the journal cannot be opened for.
    pub async fn open(
        key: Key,
        settings: Settings,
        domain: Domain,
        reader: Reader,
        file: &Path,
    ) -> Result<Self, StartError> {
        let contract = reader.now().await?.settings().await?;
        let rules = Rules {
            network: settings.network.clone(),
            meters: settings.meters.clone(),
            fee_unit: contract.fee_unit,
            lanes: contract.lanes,
        };
        let journal = Database::open(file, ledger::MIGRATIONS)?;
        let path = file.to_owned();
        let facts = [
            ("chain id", hexes::show(domain.chain_id)),
            ("contract", hexes::show(domain.contract)),
            ("attester", hexes::show(key.address())),
        ];
        journal
            .with(move |t| crate::journal::claim_identity(t, &path, &facts))
            .await?;
        Ok(Self {
            key,
            settings,
            rules,
            contract,
            domain,
            reader,
            journal,
            turn: Mutex::new(()),
        })
    }

    /// Whose signatures it makes.
    #[must_use]
    pub fn address(&self) -> H160 {
        self.key.address()
    }

    /// Whether it would sign.
    ///
    /// # Errors
    /// The refusal.
    pub async fn check(&self, request: AttestRequest) -> Result<Checked, Refusal> {
        let digest = self.examine(request, false).await?;
        Ok(Checked {
            address: self.address(),
            digest,
        })
    }

    /// Signs, after everything that forbids another signature is on disk.
    ///
    /// # Errors
    /// The refusal.
    pub async fn attest(&self, request: AttestRequest) -> Result<Attested, Refusal> {
        let key = request.key;
        let digest = self.examine(request, true).await?;
        tracing::info!(epoch = key.epoch, lane = key.lane, seq = key.seq, digest = %hexes::show(digest), "signed");
        Ok(Attested {
            address: self.address(),
            digest,
            signature: SignatureText(self.key.sign(&digest)),
        })
    }

    /// A batch that it signed or that the contract has.
    ///
    /// # Errors
    /// A refusal if the journal fails.
    pub async fn batch(&self, key: BatchKey) -> Result<Option<SignedBatch>, Refusal> {
        let found = self.journal.with(move |t| {
            let ours = ledger::signed(t, key)?;
            Ok(ledger::batch(t, key)?.map(|(batch, digest)| (batch, ours == Some(digest), digest)))
        });
        Ok(found.await?.map(|(mut batch, ours, digest)| {
            let signature = SignatureText(self.key.sign(&digest));
            if ours && !batch.signatures.contains(&signature) {
                batch.signatures.push(signature);
            }
            batch
        }))
    }

    /// Who it is.
    ///
    /// # Errors
    /// A refusal if the journal fails.
    pub async fn info(&self) -> Result<Info, Refusal> {
        Ok(Info {
            address: self.address(),
            contract: H160(self.domain.contract),
            chain_id: self.domain.chain_id,
            version: env!("CARGO_PKG_VERSION").into(),
            signed: self.journal.with(ledger::count_signed).await?,
        })
    }

    /// Whether it could sign now.
    ///
    /// # Errors
    /// What it lacks.
    pub async fn health(&self) -> Result<(), Refusal> {
        self.reader.now().await?.time(&self.contract).await?;
        self.journal.with(ledger::count_signed).await?;
        Ok(())
    }

    async fn examine(&self, request: AttestRequest, sign: bool) -> Result<Hash, Refusal> {
        let _turn = self.turn.lock().await;
        self.refuse_foreign(&request)?;
        let key = request.key;
        if let Some(digest) = self.signed_before(&request).await? {
            return Ok(digest);
        }

        // All that is decided on is of one block: a batch that the contract does not have
        // when its epoch is closed, it never will.
        let moment = self.reader.now().await?;
        let time = moment.time(&self.contract).await?;
        if !time.clock().takes_work(key.epoch) {
            let state = if time.clock().stopped() {
                "stands"
            } else {
                "runs"
            };
            return Err(Refusal::new(
                Code::EpochClosed,
                format!(
                    "epoch {} takes no work: the current one is {}, and the clock {state}",
                    key.epoch,
                    time.clock().epoch()
                ),
            ));
        }
        let operators = moment.operators().await?;
        self.check_receipts(&request, time, operators).await?;

        let oldest = request
            .receipts
            .iter()
            .filter_map(|receipt| time.epoch_of(receipt.completed_at))
            .min()
            .unwrap_or(key.epoch);
        let next = self.read_next(&moment, &time, key, oldest).await?;
        let proven = self
            .prove(&moment, request.earlier, key.epoch, &next)
            .await?;
        let rules = self.rules.clone();
        let known = next.clone();
        let missing = self
            .journal
            .with(move |t| {
                ledger::catch_up(t, &rules, &time, &known)?;
                for batch in &proven {
                    ledger::learn(t, &rules, batch)?;
                }
                ledger::missing(t, key, oldest, &known)
            })
            .await?;
        if !missing.is_empty() {
            let reason = format!(
                "{} batches that the contract has are not known here",
                missing.len()
            );
            return Err(Refusal {
                missing,
                ..Refusal::new(Code::MissingBatches, reason)
            });
        }
        let expected = next.get(&(key.epoch, key.lane)).copied().unwrap_or(0);
        if key.seq != expected {
            return Err(Refusal::new(
                Code::NotNext,
                format!(
                    "batch {} is asked for, the contract expects {expected}",
                    key.seq
                ),
            ));
        }

        let (rules, domain) = (self.rules.clone(), self.domain);
        let (claimed_root, entries) = (request.receipts_root, request.entries);
        let receipts = request.receipts;
        self.journal
            .with(move |t| {
                let claimed = (&claimed_root, &entries[..]);
                let digest_of = |batch: &crate::batch::Batch| batch.digest(&domain);
                ledger::consider(t, &rules, key, receipts, claimed, digest_of, sign)
            })
            .await?
    }

    fn refuse_foreign(&self, request: &AttestRequest) -> Result<(), Refusal> {
        let BatchKey { epoch, lane, .. } = request.key;
        if request.chain_id != self.domain.chain_id || request.contract.0 != self.domain.contract {
            return Err(Refusal::new(
                Code::WrongDeployment,
                format!(
                    "this attester is for contract {} on chain {}",
                    hexes::show(self.domain.contract),
                    hexes::show(self.domain.chain_id)
                ),
            ));
        }
        let meter = self.rules.meter(epoch).version;
        if request.meter != meter {
            return Err(Refusal::new(
                Code::WrongMeter,
                format!(
                    "meter {} is asked for, in epoch {epoch} version {meter} counts here",
                    request.meter
                ),
            ));
        }
        if lane >= self.rules.lanes {
            let reason = format!("lane {lane}, where there are {}", self.rules.lanes);
            return Err(Refusal::new(Code::Malformed, reason));
        }
        if request.receipts.is_empty() {
            return Err(Refusal::new(Code::Malformed, "a batch without receipts"));
        }
        Ok(())
    }

    /// The digest if exactly this batch was signed before.
    async fn signed_before(&self, request: &AttestRequest) -> Result<Option<Hash>, Refusal> {
        let key = request.key;
        let Some(signed) = self.journal.with(move |t| ledger::signed(t, key)).await? else {
            return Ok(None);
        };
        let header = BatchHeader {
            epoch: key.epoch,
            lane: key.lane,
            seq: key.seq,
            receipts_root: request.receipts_root,
            receipts: request.receipts.len() as u64,
        };
        let digest = header.digest(&self.domain, &request.entries, keccak);
        if digest == signed {
            return Ok(Some(digest));
        }
        Err(Refusal::new(
            Code::AlreadySigned,
            format!(
                "another batch {} of epoch {}, lane {} was signed here: {}",
                key.seq,
                key.epoch,
                key.lane,
                hexes::show(signed)
            ),
        ))
    }

    /// Everything about the receipts that needs no journal.
    async fn check_receipts(
        &self,
        request: &AttestRequest,
        time: ChainTime,
        operators: u32,
    ) -> Result<(), Refusal> {
        let (settings, lanes) = (self.settings.clone(), self.rules.lanes);
        let (key, receipts) = (request.key, request.receipts.clone());
        let work = move || {
            let mut last: Option<Hash> = None;
            let mut faults = Vec::new();
            for receipt in &receipts {
                let ordered = last.is_none_or(|last| last < receipt.id);
                last = Some(receipt.id);
                let fault = if !ordered || lane_of(&receipt.id, lanes) != key.lane {
                    let reason = format!("it does not belong in lane {} at this place", key.lane);
                    Some((Fault::WrongPlace, reason))
                } else {
                    fault(&settings, receipt, &time, key.epoch, operators)
                };
                if let Some((fault, reason)) = fault {
                    faults.push(RefusedReceipt {
                        id: receipt.id,
                        fault,
                        reason,
                    });
                }
            }
            faults
        };
        let faults = blocking(work).await?;
        if faults.is_empty() {
            return Ok(());
        }
        Err(ledger::listed(faults))
    }

    /// The contract's next numbers, of everything that matters for this batch. A receipt
    /// that comes years late needs those of many epochs: what will never change is
    /// recorded on the way, so that whoever asks again waits for the rest only.
    async fn read_next(
        &self,
        moment: &Moment,
        time: &ChainTime,
        key: BatchKey,
        oldest: Epoch,
    ) -> Result<Next, Refusal> {
        let lanes = (0..self.rules.lanes).map(|lane| (key.epoch, lane));
        let before = (oldest..key.epoch).map(|epoch| (epoch, key.lane));
        let mut wanted: BTreeSet<_> = lanes.chain(before).collect();
        let (mut next, wanted) = self
            .journal
            .with(move |t| {
                wanted.extend(ledger::open_lanes(t)?);
                Ok((ledger::closed_next(t, &wanted)?, wanted))
            })
            .await?;
        let unknown: Vec<_> = wanted
            .into_iter()
            .filter(|place| !next.contains_key(place))
            .collect();
        let mut answers = stream::iter(unknown)
            .map(|(epoch, lane)| {
                let moment = moment.clone();
                async move {
                    let number = moment.next_seq(epoch, lane).await?;
                    Ok::<_, ViewError>(((epoch, lane), number))
                }
            })
            .buffered(VIEWS_AT_ONCE);
        let mut closed = Next::new();
        let failed = loop {
            match answers.next().await {
                Some(Ok((place, number))) => {
                    next.insert(place, number);
                    if time.closed(place.0) {
                        closed.insert(place, number);
                    }
                    if closed.len() >= RECORDED_AT_ONCE {
                        self.record_closed(std::mem::take(&mut closed)).await?;
                    }
                }
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        };
        self.record_closed(closed).await?;
        failed.map_or(Ok(next), |error| Err(error.into()))
    }

    async fn record_closed(&self, closed: Next) -> Result<(), Refusal> {
        Ok(self
            .journal
            .with(move |t| ledger::record_closed(t, &closed))
            .await?)
    }

    /// The batches sent along, as far as the contract has them, each with the
    /// signatures of a quorum.
    async fn prove(
        &self,
        moment: &Moment,
        earlier: Vec<SignedBatch>,
        epoch: Epoch,
        next: &Next,
    ) -> Result<Vec<Proven>, Refusal> {
        let mut proven = Vec::new();
        let mut quorums = BTreeMap::<Epoch, Attesters>::new();
        for batch in earlier {
            let taken = next.get(&(batch.key.epoch, batch.key.lane));
            if taken.is_none_or(|next| batch.key.seq >= *next) {
                continue;
            }
            let quorum = match quorums.get(&batch.key.epoch) {
                Some(quorum) => quorum.clone(),
                None => {
                    let quorum = quorum(moment, batch.key.epoch, epoch).await?;
                    quorums.insert(batch.key.epoch, quorum.clone());
                    quorum
                }
            };
            let (domain, network) = (self.domain, self.settings.network.clone());
            let work = move || prove_one(batch, &quorum, &domain, &network);
            proven.push(blocking(work).await??);
        }
        Ok(proven)
    }
}

/// Who attested in `epoch`; for one that the contract has forgotten, who attests in
/// `now`, whose word is as good.
async fn quorum(moment: &Moment, epoch: Epoch, now: Epoch) -> Result<Attesters, Refusal> {
    match moment.attesters(epoch).await {
        Ok(attesters) if !attesters.members.is_empty() => Ok(attesters),
        _ => Ok(moment.attesters(now).await?),
    }
}

/// Runs what takes the processor long on a thread for that.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a check did not end");
        Refusal::new(
            Code::Unavailable,
            "the attester could not finish a check; see its log",
        )
    })
}

fn fault(
    settings: &Settings,
    receipt: &Receipt,
    time: &ChainTime,
    epoch: Epoch,
    operators: u32,
) -> Option<(Fault, String)> {
    if let Err(malformed) = receipt.check() {
        return Some((Fault::Impossible, malformed.to_string()));
    }
    if receipt.operator >= operators {
        let reason = format!(
            "operator {}, where {operators} are registered",
            receipt.operator
        );
        return Some((Fault::UnknownOperator, reason));
    }
    let at = receipt.completed_at;
    if time.epoch_of(at).is_none() {
        let reason = format!("completed at {at} ms, before the first epoch");
        return Some((Fault::WrongTime, reason));
    }
    if at > time.now.saturating_add(settings.max_ahead_ms) {
        let reason = format!(
            "completed at {at} ms, where the chain's time is {} ms",
            time.now
        );
        return Some((Fault::WrongTime, reason));
    }
    if !time.may_hold(epoch, at) {
        let reason = format!("completed at {at} ms, which does not count in epoch {epoch} now");
        return Some((Fault::WrongEpoch, reason));
    }
    signature_fault(settings, receipt)
}

fn signature_fault(settings: &Settings, receipt: &Receipt) -> Option<(Fault, String)> {
    if receipt.signature.is_none() {
        let reason = "it is not signed, and unsigned receipts do not count here";
        return (!settings.allow_unsigned).then(|| (Fault::Unsigned, reason.into()));
    }
    match receipt.signer(&settings.network) {
        Some(signer) if settings.signers.contains(&signer) => None,
        Some(signer) => Some((
            Fault::UnknownSigner,
            format!(
                "signed by {}, who is not among the known signers (or it was changed)",
                hexes::show(signer)
            ),
        )),
        None => Some((Fault::UnknownSigner, "its signature is nobody's".into())),
    }
}

/// The batch if a quorum signed it.
pub(super) fn prove_one(
    batch: SignedBatch,
    quorum: &Attesters,
    domain: &Domain,
    network: &Network,
) -> Result<Proven, Refusal> {
    let key = batch.key;
    let header = BatchHeader {
        epoch: key.epoch,
        lane: key.lane,
        seq: key.seq,
        receipts_root: root(&batch.receipts, network),
        receipts: batch.receipts.len() as u64,
    };
    let digest = header.digest(domain, &batch.entries, keccak);
    let signatures: BTreeMap<H160, _> = batch
        .signatures
        .iter()
        .filter_map(|SignatureText(signature)| Some((recover(&digest, signature)?, *signature)))
        .filter(|(signer, _)| quorum.members.contains(signer))
        .collect();
    if signatures.len() < usize::from(quorum.threshold) || quorum.threshold == 0 {
        return Err(Refusal::new(
            Code::WrongEarlier,
            format!(
                "batch {} of epoch {}, lane {} that was sent along has the signatures of {} attesters, {} are needed",
                key.seq, key.epoch, key.lane, signatures.len(), quorum.threshold
            ),
        ));
    }
    Ok(Proven {
        key,
        digest,
        entries: batch.entries,
        receipts: batch.receipts,
        signatures: signatures.into_iter().collect(),
    })
}
