//! Paying out what operators can claim.

use super::epochs::VIEWS_AT_ONCE;
use super::error::StepError;
use super::{Engine, Moment};
use crate::journal::submissions::Purpose;
use crate::steps;
use futures::{StreamExt as _, TryStreamExt as _};
use plimsoll_interface::calls;
use plimsoll_interface::Claimed;
use plimsoll_mechanism::OperatorIndex;

/// How many are paid in one transaction. Each costs some 30 kB of proof with a small
/// token, so fifty are a fifth of a block.
const CLAIM_AT_ONCE: usize = 50;

/// Where the journal remembers in which epoch everybody was last paid.
const CLAIMED_IN: &str = "everybody was paid in epoch";

impl Engine {
    /// Once an epoch: pays everybody who can claim at least the configured amount. In
    /// between, nothing vests.
    pub(super) async fn claim(&mut self, moment: &Moment) -> Result<Claimed, StepError> {
        let mut sum = Claimed::default();
        let Some(least) = self.config.claim_min else {
            return Ok(sum);
        };
        let turn = (moment.clock.epoch, self.booked_below.unwrap_or(0));
        let turn_text = format!("{} after booking all below {}", turn.0, turn.1);
        if self.claimed_in.is_none() {
            self.claimed_in = self.journal.recall(CLAIMED_IN).await?;
        }
        if self.claimed_in.as_ref() == Some(&turn_text) {
            return Ok(sum);
        }
        let due = self.due(least.max(1)).await?;
        let mut paid = Vec::new();
        let this = &*self;
        this.submit_pieces(
            due,
            CLAIM_AT_ONCE,
            |piece| async move {
                let tx = this.emission.message(calls::claim_many(&piece));
                let key = format!("{}/{:?}..{:?}", turn.0, piece.first(), piece.last());
                Ok(Some((Purpose::new("claim_many", key), tx)))
            },
            |_, submitted| paid.extend(calls::answer::<Claimed>(&submitted.output)),
        )
        .await?;
        steps::reached(steps::REWARDS_CLAIMED).await;
        for more in paid {
            sum.paid += more.paid;
            sum.skipped += more.skipped;
            sum.amount += more.amount;
        }
        self.journal.remember(CLAIMED_IN, turn_text.clone()).await?;
        self.claimed_in = Some(turn_text);
        Ok(sum)
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
