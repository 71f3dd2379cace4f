//! One call: who calls, when, and the root it works on.

use crate::host;
use crate::store::{self, Operator, Root};
use ink::U256;
use plimsoll_interface::mechanism::bond::{archived_at, Lookup};
use plimsoll_interface::mechanism::clock::Clock;
use plimsoll_interface::mechanism::status::{self, Status};
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{Error, H160};

/// One call.
pub struct Context<'a> {
    /// Who calls.
    pub caller: H160,
    /// This contract.
    pub contract: H160,
    /// Wall time in ms. The chain tells contracts whole seconds.
    pub now: u64,
    /// The epoch clock now.
    pub clock: Clock,
    /// The root.
    pub root: &'a mut Root,
}

impl<'a> Context<'a> {
    /// The call at wall time `seconds`.
    pub fn new(root: &'a mut Root, caller: H160, contract: H160, seconds: u64) -> Self {
        let now = seconds.saturating_mul(1_000);
        Self {
            caller,
            contract,
            now,
            clock: Clock::at(root.settings.times, &root.pauses, now),
            root,
        }
    }

    /// The current epoch, `None` before genesis.
    pub fn running_epoch(&self) -> Option<Epoch> {
        self.clock.started().then(|| self.clock.epoch())
    }

    /// Refuses callers other than `role`.
    pub fn only(&self, role: H160) -> Result<(), Error> {
        if self.caller == role {
            Ok(())
        } else {
            Err(Error::NotAllowed)
        }
    }

    /// An operator that must exist.
    pub fn operator(&self, operator: OperatorIndex) -> Result<Operator, Error> {
        store::operator(operator).ok_or(Error::UnknownOperator(operator))
    }

    /// An operator that must be the caller.
    pub fn own(&self, operator: OperatorIndex) -> Result<Operator, Error> {
        let own = self.operator(operator)?;
        self.only(own.address)?;
        Ok(own)
    }

    /// Takes `amount` of the token from the caller, to the unit.
    pub fn take(&mut self, amount: u128) -> Result<(), Error> {
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        let token = self.root.settings.token;
        let before = self.balance()?;
        if !host::token_transfer_from(&token, &self.caller, &self.contract, amount) {
            return Err(Error::TransferFailed);
        }
        if self.balance()?.checked_sub(before) != Some(amount.into()) {
            return Err(Error::TokenTaxes);
        }
        Ok(())
    }

    /// Pays `amount` of the token to `to`, to the unit.
    pub fn pay(&mut self, to: &H160, amount: u128) -> Result<(), Error> {
        let token = self.root.settings.token;
        let before = self.balance()?;
        if !host::token_transfer(&token, to, amount) {
            return Err(Error::TransferFailed);
        }
        if before.checked_sub(self.balance()?) != Some(amount.into()) {
            return Err(Error::TokenTaxes);
        }
        Ok(())
    }

    /// The contract's own balance of the token.
    pub fn balance(&self) -> Result<U256, Error> {
        host::token_balance(&self.root.settings.token, &self.contract).ok_or(Error::TransferFailed)
    }

    /// Moves what has vested of an operator's rewards until now to claimable.
    pub fn release(&mut self, operator: &mut Operator) -> Result<(), Error> {
        let vesting = self.root.settings.vesting;
        let released = operator.account.release(&vesting, self.clock.epoch());
        self.root.ledger.vest(released)?;
        Ok(())
    }

    /// The bond of `operator` that counts in `epoch`.
    pub fn bond_at(&self, index: OperatorIndex, operator: &Operator, epoch: Epoch) -> u128 {
        match operator.account.bond.at(epoch) {
            Lookup::Known(amount) => amount,
            Lookup::Archived(count) => {
                archived_at(epoch, count, |number| store::archived_bond(index, number))
            }
        }
    }

    /// An operator's status in `epoch` (the previous one or later).
    pub fn status(&self, operator: OperatorIndex, epoch: Epoch) -> Status {
        let (page, place) = status::locate(operator);
        store::status(page).get(place, epoch)
    }

    /// Sets an operator's status from the next epoch on.
    pub fn set_status(&self, operator: OperatorIndex, status: Status) {
        let (number, place) = status::locate(operator);
        let mut page = store::status(number);
        let from = self.clock.next_epoch();
        if page.get(place, from) != status {
            page.set(place, status, from);
            store::set_status(number, &page);
        }
    }

    /// The status of an operator in the open tier with a bond of `bonded`.
    pub fn open_status(&self, bonded: u128) -> Status {
        if bonded >= self.root.settings.min_open_bond {
            Status::Open
        } else {
            Status::Inactive
        }
    }

    /// Sets the status of an operator whose bond has changed, unless it is vetted.
    pub fn refresh_status(&self, operator: OperatorIndex, bonded: u128) {
        if self.status(operator, self.clock.next_epoch()) != Status::Vetted {
            self.set_status(operator, self.open_status(bonded));
        }
    }
}
