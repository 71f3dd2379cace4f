//! Asks the chain for what the audit compares: views of the contract and balances of
//! the token.

use super::audit::{SeenEpoch, SeenLedger};
use super::stage::Stage;
use super::DemoError;
use crate::contract::ContractError;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use plimsoll_interface::OperatorView;
use plimsoll_mechanism::{Epoch, OperatorIndex};

/// How many views are asked at once.
const AT_ONCE: usize = 16;

impl Stage {
    /// An epoch and everybody in it, before it is booked; none if it has no work.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn see_epoch(&self, epoch: Epoch) -> Result<Option<SeenEpoch>, DemoError> {
        let Some(view) = self.emission.epoch(epoch).await? else {
            return Ok(None);
        };
        let previews = stream::iter(self.operators())
            .map(|operator| self.emission.preview(epoch, operator))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Some(SeenEpoch { view, previews }))
    }

    /// The contract's books and what it holds.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn see_ledger(&self, moment: String) -> Result<SeenLedger, DemoError> {
        let ledger = self.emission.ledger().await?;
        let balance = self.token.balance_of(self.emission.address()).await?;
        Ok(SeenLedger {
            moment,
            ledger,
            balance,
        })
    }

    /// Every operator, and what its payee holds in base units.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn see_operators(&self) -> Result<(Vec<OperatorView>, Vec<u128>), DemoError> {
        let views: Vec<Option<OperatorView>> = stream::iter(self.operators())
            .map(|operator| self.emission.operator(operator))
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await
            .map_err(|error: ContractError| error)?;
        let views = views
            .into_iter()
            .enumerate()
            .map(|(operator, view)| view.ok_or(DemoError::Order(operator as OperatorIndex)))
            .collect::<Result<_, _>>()?;
        let paid = stream::iter(&self.payees)
            .map(|payee| self.token.balance_of(*payee))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok((views, paid))
    }

    fn operators(&self) -> std::ops::Range<OperatorIndex> {
        // There are fewer than 2^24 operators.
        0..self.payees.len() as OperatorIndex
    }
}
