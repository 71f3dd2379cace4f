//! The keeper's side: asking attesters for their signatures.
//!
//! All are asked at once; those that are down or refuse do not keep the others back.
//! First they are asked whether they *would* sign ([`Attesters::check`]): nothing is
//! bound by that, so a batch with a poison receipt can still be made anew. Then they are
//! asked to sign ([`Attesters::sign`]).

use super::examine::prove_one;
use super::protocol::{
    AttestRequest, Attested, BatchKey, Checked, Code, Fault, Refusal, RefusedReceipt,
    SignatureText, SignedBatch,
};
use crate::batch::{Batch, Rules};
use crate::hexes;
use crate::journal::{Journal, JournalError, Poison, Reason};
use crate::keys::{recover, Signature};
use crate::urls::{shown, Http};
use futures::stream::{FuturesUnordered, StreamExt as _};
use plimsoll_interface::{self as interface, H160};
use plimsoll_mechanism::batch::{BatchHeader, Domain};
use plimsoll_mechanism::{Epoch, Hash};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many bytes of batches, as JSON, an attester is sent at once that lacks some. It
/// keeps what it takes in, and they come on top of the batch that it is asked about.
const PIECE_BYTES: usize = 20_000_000;

/// The attesters' services.
#[derive(Clone)]
pub struct Attesters {
    http: Http,
    urls: Vec<String>,
    piece_bytes: usize,
}

/// Where batches that an attester lacks come from.
#[async_trait::async_trait]
pub trait Earlier: Send + Sync {
    /// These batches, as far as they are known.
    async fn batches(&self, keys: &[BatchKey]) -> Result<Vec<SignedBatch>, JournalError>;
    /// Which batches of an epoch are accepted.
    async fn of_epoch(&self, epoch: Epoch) -> Result<Vec<BatchKey>, JournalError>;
}

/// Why an attester did not answer with what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It cannot be reached, or answers nonsense.
    #[error("no answer: {0}")]
    Down(String),
    /// It refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What it answers is not what it should be.
    #[error("a wrong answer: {0}")]
    Wrong(String),
}

/// What came of asking all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round<T> {
    /// What the attesters of the epoch answered, by address.
    pub agreed: BTreeMap<H160, T>,
    /// Who did not, and why, by the address of its service without secrets.
    pub failed: Vec<(String, Failure)>,
    /// How many are needed.
    pub threshold: usize,
}

impl<T> Round<T> {
    /// Whether enough agreed.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.agreed.len() >= self.threshold
    }

    /// The receipts that so many refuse for good that the others are too few, out of
    /// `members` attesters. They are to be quarantined.
    #[must_use]
    pub fn poison(&self, members: usize) -> Vec<Poison> {
        let mut refused = BTreeMap::<Hash, (usize, &RefusedReceipt)>::new();
        for (_, failure) in &self.failed {
            let Failure::Refused(refusal) = failure else {
                continue;
            };
            let lasting = refusal.receipts.iter().filter(|r| !r.fault.passes());
            // Once each: whoever names a receipt twice is still one attester.
            let lasting: BTreeMap<_, _> = lasting.map(|receipt| (receipt.id, receipt)).collect();
            for (id, receipt) in lasting {
                refused.entry(id).or_insert((0, receipt)).0 += 1;
            }
        }
        refused
            .into_iter()
            .filter(|(_, (count, _))| count + self.threshold > members)
            .map(|(id, (count, receipt))| Poison {
                id,
                code: Reason::Refused,
                reason: format!("{count} attesters refuse it: {}", receipt.reason),
            })
            .collect()
    }

    /// Whether somebody refuses with this code.
    #[must_use]
    pub fn has(&self, code: Code) -> bool {
        self.failed
            .iter()
            .any(|(_, failure)| matches!(failure, Failure::Refused(r) if r.code == code))
    }

    /// Who failed and why, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let failed: Vec<_> = self
            .failed
            .iter()
            .map(|(url, why)| format!("{url}: {why}"))
            .collect();
        format!(
            "{} of {} agree; {}",
            self.agreed.len(),
            self.threshold,
            failed.join("; ")
        )
    }
}

impl Round<Signature> {
    /// The signatures as the contract wants them: as many as are needed, ascending by
    /// signer.
    #[must_use]
    pub fn signatures(&self) -> Vec<(H160, Signature)> {
        self.agreed
            .iter()
            .take(self.threshold)
            .map(|(signer, signature)| (*signer, *signature))
            .collect()
    }
}

impl Attesters {
    /// The services at `urls`; each may take `timeout` for an answer.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub fn new(urls: &[String], timeout: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: Http::new(timeout)?,
            urls: urls
                .iter()
                .map(|url| url.trim_end_matches('/').to_owned())
                .collect(),
            piece_bytes: PIECE_BYTES,
        })
    }

    /// The same, sending batches in smaller pieces.
    #[cfg(test)]
    pub(super) fn in_pieces(self, piece_bytes: usize) -> Self {
        Self {
            piece_bytes,
            ..self
        }
    }

    /// Asks all whether they would sign. Ends when enough would.
    pub async fn check(
        &self,
        request: &AttestRequest,
        digest: &Hash,
        quorum: &interface::Attesters,
        earlier: &dyn Earlier,
    ) -> Round<()> {
        let accept = |answer: Checked| {
            same_digest(digest, &answer.digest)?;
            Ok((member(quorum, answer.address)?, ()))
        };
        self.ask("v1/check", request, quorum, earlier, accept).await
    }

    /// Asks all to sign. Ends when there are enough signatures.
    pub async fn sign(
        &self,
        request: &AttestRequest,
        digest: &Hash,
        quorum: &interface::Attesters,
        earlier: &dyn Earlier,
    ) -> Round<Signature> {
        let accept = |answer: Attested| {
            same_digest(digest, &answer.digest)?;
            let SignatureText(signature) = answer.signature;
            let signer = recover(digest, &signature)
                .ok_or_else(|| Failure::Wrong("its signature is nobody's".into()))?;
            Ok((member(quorum, signer)?, signature))
        };
        self.ask("v1/attest", request, quorum, earlier, accept)
            .await
    }

    /// A batch that the contract has, from whichever attesters know it, with the
    /// signatures of a quorum; `None` if they do not have it together.
    pub async fn fetch(
        &self,
        key: BatchKey,
        domain: &Domain,
        rules: &Rules,
        quorum: &interface::Attesters,
    ) -> Option<(Batch, Vec<(H160, Signature)>)> {
        let asked = self.urls.iter().map(|url| async move {
            let path = format!("v1/batch/{}/{}/{}", key.epoch, key.lane, key.seq);
            let answer = self
                .http
                .to(url)
                .get(format!("{url}/{path}"))
                .send()
                .await
                .ok()?
                .error_for_status()
                .ok()?;
            answer.json::<SignedBatch>().await.ok()
        });
        let found: Vec<_> = futures::future::join_all(asked)
            .await
            .into_iter()
            .flatten()
            .collect();
        found.iter().find_map(|batch| {
            // Several may have signed the same batch and none know all the signatures.
            let mut whole = batch.clone();
            whole
                .signatures
                .extend(found.iter().flat_map(|b| b.signatures.iter().copied()));
            let proven = prove_one(whole, quorum, domain, &rules.network).ok()?;
            let header = BatchHeader {
                epoch: key.epoch,
                lane: key.lane,
                seq: key.seq,
                receipts_root: crate::batch::root(&proven.receipts, &rules.network),
                receipts: proven.receipts.len() as u64,
            };
            let batch = Batch {
                header,
                entries: proven.entries,
                receipts: proven.receipts,
            };
            Some((batch, proven.signatures))
        })
    }

    async fn ask<A: DeserializeOwned, T>(
        &self,
        path: &str,
        request: &AttestRequest,
        quorum: &interface::Attesters,
        earlier: &dyn Earlier,
        accept: impl Fn(A) -> Result<(H160, T), Failure>,
    ) -> Round<T> {
        let mut round = Round {
            agreed: BTreeMap::new(),
            failed: Vec::new(),
            threshold: usize::from(quorum.threshold),
        };
        let mut asked: FuturesUnordered<_> = self
            .urls
            .iter()
            .map(|url| async move {
                let answer = self.ask_one::<A>(url, path, request, earlier).await;
                (shown(url), answer)
            })
            .collect();
        while let Some((url, answer)) = asked.next().await {
            match answer.and_then(&accept) {
                Ok((address, value)) => {
                    round.agreed.insert(address, value);
                }
                Err(failure) => {
                    tracing::debug!(%url, %failure, "an attester does not agree");
                    round.failed.push((url, failure));
                }
            }
            if round.is_enough() {
                break;
            }
        }
        round
    }

    /// Asks one, and again with the batches that it lacks, piece by piece.
    async fn ask_one<A: DeserializeOwned>(
        &self,
        url: &str,
        path: &str,
        request: &AttestRequest,
        earlier: &dyn Earlier,
    ) -> Result<A, Failure> {
        let mut refusal = match self.post(url, path, request).await {
            Err(Failure::Refused(refusal)) => refusal,
            other => return other,
        };
        let mut request = request.clone();
        let mut room = self.piece_bytes;
        // How many it lacked before, and what it was shown.
        let mut lacked = usize::MAX;
        let mut known = BTreeSet::new();
        loop {
            let wanted = match refusal.code {
                Code::MissingBatches if refusal.missing.len() < lacked => {
                    lacked = refusal.missing.len();
                    Ok(refusal.missing.clone())
                }
                // It may hold a batch that the contract did not take for the one it took, and
                // the receipts in it for counted.
                Code::Differs => accepted(earlier, request.key.epoch, &known).await,
                Code::Receipts if counted(&refusal) => {
                    accepted(earlier, request.key.epoch, &known).await
                }
                // It takes less than we send at once, or a proxy before it does.
                Code::TooLarge if request.earlier.len() > 1 => {
                    room = json_bytes(&request.earlier) / 2;
                    Ok(request.earlier.iter().map(|batch| batch.key).collect())
                }
                _ => return Err(refusal.into()),
            };
            let piece = match wanted {
                Ok(keys) => piece(earlier, &keys, room).await,
                Err(error) => Err(error),
            };
            request.earlier = match piece {
                Ok(piece) if !piece.is_empty() => piece,
                Ok(_) => return Err(refusal.into()),
                Err(error) => {
                    tracing::error!(%error, "batches that an attester lacks cannot be read");
                    return Err(refusal.into());
                }
            };
            refusal = match self.post(url, path, &request).await {
                Err(Failure::Refused(refusal)) => refusal,
                other => return other,
            };
            if refusal.code != Code::TooLarge {
                known.extend(request.earlier.iter().map(|batch| batch.key));
            }
        }
    }

    async fn post<A: DeserializeOwned>(
        &self,
        url: &str,
        path: &str,
        request: &AttestRequest,
    ) -> Result<A, Failure> {
        let down = |error: reqwest::Error| Failure::Down(error.without_url().to_string());
        let answer = self
            .http
            .to(url)
            .post(format!("{url}/{path}"))
            .json(request)
            .send()
            .await
            .map_err(down)?;
        let status = answer.status();
        if status.is_success() {
            return answer.json().await.map_err(down);
        }
        let body = answer.bytes().await.map_err(down)?;
        Err(serde_json::from_slice::<Refusal>(&body).map_or_else(
            |_| Failure::Down(format!("status {status} without a reason")),
            Failure::Refused,
        ))
    }
}

/// Whether an attester takes some of the receipts for counted.
fn counted(refusal: &Refusal) -> bool {
    let mut faults = refusal.receipts.iter().map(|receipt| receipt.fault);
    faults.any(|fault| fault == Fault::Counted)
}

/// The batches that were accepted for `epoch` and for the one before, from which late
/// receipts come, without those it was shown.
async fn accepted(
    earlier: &dyn Earlier,
    epoch: Epoch,
    shown: &BTreeSet<BatchKey>,
) -> Result<Vec<BatchKey>, JournalError> {
    let mut keys = earlier.of_epoch(epoch).await?;
    if let Some(before) = epoch.checked_sub(1) {
        keys.extend(earlier.of_epoch(before).await?);
    }
    keys.retain(|key| !shown.contains(key));
    Ok(keys)
}

/// The first of these batches, as far as they are known, that take up to `room` bytes as
/// JSON; one at least.
async fn piece(
    earlier: &dyn Earlier,
    keys: &[BatchKey],
    room: usize,
) -> Result<Vec<SignedBatch>, JournalError> {
    let mut piece = Vec::new();
    let mut taken = 0;
    for key in keys {
        for batch in earlier.batches(std::slice::from_ref(key)).await? {
            taken += json_bytes(&batch);
            if taken > room && !piece.is_empty() {
                return Ok(piece);
            }
            piece.push(batch);
        }
    }
    Ok(piece)
}

fn json_bytes(value: &impl Serialize) -> usize {
    // What cannot be written is refused when it is sent.
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

fn same_digest(ours: &Hash, theirs: &Hash) -> Result<(), Failure> {
    if ours == theirs {
        return Ok(());
    }
    Err(Failure::Wrong(format!(
        "it signs digest {}",
        hexes::show(theirs)
    )))
}

fn member(quorum: &interface::Attesters, address: H160) -> Result<H160, Failure> {
    if quorum.members.contains(&address) {
        return Ok(address);
    }
    Err(Failure::Wrong(format!(
        "{} is no attester of this epoch",
        hexes::show(address)
    )))
}

#[async_trait::async_trait]
impl Earlier for Journal {
    async fn batches(&self, keys: &[BatchKey]) -> Result<Vec<SignedBatch>, JournalError> {
        let mut found = Vec::new();
        for key in keys {
            let place = (key.epoch, key.lane, key.seq);
            if let Some(stored) = self.batch_at(place).await? {
                found.push(SignedBatch {
                    key: *key,
                    receipts: self.receipts_of(stored.number).await?,
                    signatures: stored
                        .signatures
                        .iter()
                        .map(|(_, s)| SignatureText(*s))
                        .collect(),
                    entries: stored.entries,
                });
            }
        }
        Ok(found)
    }

    async fn of_epoch(&self, epoch: Epoch) -> Result<Vec<BatchKey>, JournalError> {
        self.accepted_keys(epoch).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::Fault;
    use super::*;

    fn refused(fault: Fault) -> Failure {
        let mut refusal = Refusal::new(Code::Receipts, "one receipt");
        refusal.receipts.push(RefusedReceipt {
            id: [1; 32],
            fault,
            reason: "unknown".into(),
        });
        Failure::Refused(refusal)
    }

    fn round(failures: Vec<Failure>) -> Round<()> {
        Round {
            agreed: BTreeMap::new(),
            failed: failures
                .into_iter()
                .map(|f| ("url".to_owned(), f))
                .collect(),
            threshold: 2,
        }
    }

    #[test]
    fn a_receipt_is_poison_only_when_too_few_are_left_to_sign_it() {
        let unknown = || refused(Fault::UnknownSigner);
        let down = || Failure::Down("refused".into());
        assert!(round(vec![unknown(), down(), down()]).poison(3).is_empty());
        assert_eq!(round(vec![unknown(), unknown(), down()]).poison(3).len(), 1);
        for fault in [
            Fault::Held,
            Fault::WrongEpoch,
            Fault::WrongPlace,
            // The keeper's node has the operator and the time: theirs is behind.
            Fault::UnknownOperator,
            Fault::WrongTime,
        ] {
            let held = || refused(fault);
            assert!(
                round(vec![held(), held(), held()]).poison(3).is_empty(),
                "time cures {fault:?}"
            );
        }
    }
}
