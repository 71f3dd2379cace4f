//! Paying out what operators can claim.

use super::chunks::Sending;
use super::epochs::{keyed, VIEWS_AT_ONCE};
use super::error::StepError;
use super::{Engine, Moment};
use crate::chain::Class;
use crate::journal::submissions::Purpose;
use crate::steps;
use crate::submit::SubmitError;
use futures::{StreamExt as _, TryStreamExt as _};
use plimsoll_interface::{calls, Claimed, Error as Refusal};
use plimsoll_mechanism::OperatorIndex;

/// How many are paid in one transaction. Each costs some 30 kB of proof with a small
/// token, so fifty are a fifth of a block.
const CLAIM_AT_ONCE: usize = 50;

/// Where the journal remembers in which epoch everybody was last paid.
const CLAIMED_IN: &str = "everybody was paid in epoch";

impl Engine {
    /// Once an epoch: pays everybody who can claim at least the configured amount. In
    /// between, nothing vests. Whoever the token does not pay to the unit is left out, and
    /// tried again an epoch later.
    pub(super) async fn claim(
        &mut self,
        moment: &Moment,
        sum: &mut Claimed,
    ) -> Result<(), StepError> {
        let Some(least) = self.config.claim_min else {
            return Ok(());
        };
        let (epoch, booked_below) = (moment.clock.epoch, self.booked().await?.below());
        let turn = format!("{epoch} after booking all below {booked_below}");
        if self.claimed_in.is_none() {
            self.claimed_in = self.journal.recall(CLAIMED_IN).await?;
        }
        if self.claimed_in.as_ref() == Some(&turn) {
            return Ok(());
        }
        let due = self.due(least.max(1)).await?;
        let sending = Sending {
            length: CLAIM_AT_ONCE,
            message: |piece: &[OperatorIndex]| {
                let purpose = Purpose::new("claim_many", keyed(&[epoch], piece));
                (purpose, calls::claim_many(piece))
            },
            useful: |output| calls::answer::<Claimed>(output).is_ok_and(|claimed| claimed.paid > 0),
            // The contract compares the sum of all transfers with what left it, and a
            // transfer may use up all that the transaction may.
            spoilt: |error| {
                matches!(error, SubmitError::Refused(Refusal::TokenTaxes))
                    || error.class() == Class::Split
            },
        };
        let culprits = self
            .submit_pieces(due, sending, |submitted| {
                if let Ok(more) = calls::answer::<Claimed>(&submitted.output) {
                    sum.paid += more.paid;
                    sum.skipped += more.skipped;
                    sum.amount += more.amount;
                }
            })
            .await?;
        for operator in &culprits {
            sum.skipped += 1;
            tracing::warn!(
                operator,
                "the token does not pay this operator what the contract tells it to; the others are paid"
            );
        }
        steps::reached(steps::REWARDS_CLAIMED).await;
        self.journal.remember(CLAIMED_IN, turn.clone()).await?;
        self.claimed_in = Some(turn);
        Ok(())
    }

    /// Everybody whom anyone may pay and who can claim at least `least` base units.
    async fn due(&self, least: u128) -> Result<Vec<OperatorIndex>, StepError> {
        futures::stream::iter(self.everybody().await?)
            .map(|operator| async move {
                let view = self.emission.operator(operator).await?;
                let due = view.is_some_and(|view| !view.only_self && view.claimable >= least);
                Ok::<_, StepError>(due.then_some(operator))
            })
            .buffered(VIEWS_AT_ONCE)
            .try_filter_map(|operator| async move { Ok(operator) })
            .try_collect()
            .await
    }
}
