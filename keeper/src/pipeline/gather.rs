//! What comes from outside: receipts from the spool, signatures and other keepers'
//! batches from attesters.

use super::error::StepError;
use super::{Engine, Moment};
use crate::attester::protocol::{AttestRequest, BatchKey};
use crate::batch::Batch;
use crate::ingest::{self, Taken};
use crate::journal::StoredBatch;
use crate::keys::Signature;
use plimsoll_interface::{Attesters as Quorum, H160};
use plimsoll_mechanism::Epoch;

/// What attesters are asked about a batch.
pub(super) struct Asked {
    request: AttestRequest,
    quorum: Quorum,
}

impl Asked {
    /// How many signatures the contract wants.
    pub(super) fn threshold(&self) -> u64 {
        self.quorum.threshold.into()
    }
}

impl Engine {
    /// The question to attesters about a batch.
    pub(super) async fn asked(&self, stored: &StoredBatch) -> Result<Asked, StepError> {
        let epoch = stored.header.epoch;
        let batch = Batch {
            header: stored.header,
            entries: stored.entries.clone(),
            receipts: self.journal.receipts_of(stored.number).await?,
        };
        let meter = self.rules.meter(epoch).version;
        Ok(Asked {
            request: AttestRequest::new(&self.domain, meter, &batch),
            quorum: self.emission.attesters(epoch).await?,
        })
    }

    /// Whether enough attesters would sign. If they refuse receipts for good, the batch
    /// is withdrawn and those are quarantined; the rest is batched anew.
    pub(super) async fn would_be_signed(
        &self,
        stored: &StoredBatch,
        asked: &Asked,
    ) -> Result<bool, StepError> {
        let Asked { request, quorum } = asked;
        let round = self
            .attesters
            .check(request, &stored.digest, quorum, &self.journal)
            .await;
        if round.is_enough() {
            return Ok(true);
        }
        let poison = round.poison(quorum.members.len());
        if poison.is_empty() {
            return Err(StepError::Signatures(round.summary()));
        }
        self.withdraw(stored, poison, &round.summary()).await?;
        Ok(false)
    }

    /// Gathers signatures for an offered batch and records them.
    pub(super) async fn gather(
        &self,
        stored: &StoredBatch,
        asked: &Asked,
    ) -> Result<(), StepError> {
        let Asked { request, quorum } = asked;
        let round = self
            .attesters
            .sign(request, &stored.digest, quorum, &self.journal)
            .await;
        if !round.is_enough() {
            return Err(StepError::Signatures(round.summary()));
        }
        Ok(self
            .journal
            .signed(stored.number, round.signatures())
            .await?)
    }

    /// Takes in the batches of an epoch that other keepers sent: what ours come to
    /// depends on them.
    pub(super) async fn import_missing(
        &self,
        epoch: Epoch,
        moment: &Moment,
    ) -> Result<(), StepError> {
        let missing = self.missing_batches(epoch).await?;
        if missing.is_empty() {
            return Ok(());
        }
        // A transaction of ours may be on its way with what seems to be missing.
        if self.journal.open_submission().await?.is_some() {
            return Err(StepError::Signatures(
                "a transaction is on its way; batches wait for it".into(),
            ));
        }
        let quorum = self.emission.attesters(epoch).await?;
        for (lane, seq) in missing {
            let key = BatchKey { epoch, lane, seq };
            let (batch, signatures) = self
                .shown(key, &quorum)
                .await
                .ok_or_else(|| not_shown(key))?;
            tracing::info!(epoch, lane, seq, "took in another keeper's batch");
            self.journal
                .import(batch, signatures, &self.rules, &self.domain, moment.time)
                .await?;
        }
        Ok(())
    }

    /// A batch that the contract has, from the attesters that signed it; `None` if they do
    /// not show it now.
    pub(super) async fn shown(
        &self,
        key: BatchKey,
        quorum: &Quorum,
    ) -> Option<(Batch, Vec<(H160, Signature)>)> {
        self.attesters
            .fetch(key, &self.domain, &self.rules, quorum)
            .await
    }

    /// Takes in receipts from the spool.
    pub(super) async fn ingest(&self, ingested: &mut u64) -> Result<(), StepError> {
        let Some(spool) = &self.config.spool else {
            return Ok(());
        };
        let mut taken = Taken::default();
        let result = ingest::take(&self.journal, &spool.intake, &spool.folder, &mut taken).await;
        *ingested += taken.receipts.added;
        Ok(result?)
    }
}

/// What to say of a batch that only attesters could tell.
pub(super) fn not_shown(key: BatchKey) -> StepError {
    let BatchKey { epoch, lane, seq } = key;
    StepError::Signatures(format!(
        "the contract has batch {seq} of epoch {epoch}, lane {lane}, which another keeper sent; \
         attesters do not show it now"
    ))
}
