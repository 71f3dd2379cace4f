//! What the token does, with each of its faults: `tests/solidity/FaultyToken.sol` once
//! more, in plain books. An honest one is the shipped token too.

use crate::step::Who;
use alloy_primitives::U256;
use plimsoll_tests::Fault;
use std::collections::BTreeMap;

/// Who holds tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    Contract,
    /// Where taxes go.
    Tax,
    Somebody(Who),
}

/// The token's books.
#[derive(Clone, Debug)]
pub struct Token {
    held: BTreeMap<Holder, U256>,
    pub fault: Fault,
    pub barred: Option<Holder>,
    /// It was asked for a transfer and used up all that the call had.
    pub exhausted: bool,
    /// It was asked for a transfer.
    pub asked: bool,
}

impl Token {
    /// An honest token, all of it the bank's.
    pub fn new(supply: u128) -> Self {
        Self {
            held: BTreeMap::from([(Holder::Somebody(Who::Bank), U256::from(supply))]),
            fault: Fault::None,
            barred: None,
            exhausted: false,
            asked: false,
        }
    }

    /// What somebody holds, whatever the token says.
    pub fn held(&self, holder: Holder) -> U256 {
        self.held.get(&holder).copied().unwrap_or_default()
    }

    /// Everybody who ever held something.
    pub fn holders(&self) -> impl Iterator<Item = (Holder, U256)> + '_ {
        self.held.iter().map(|(holder, amount)| (*holder, *amount))
    }

    /// Makes tokens out of nothing. Balances wrap, as the token's do.
    pub fn mint(&mut self, to: Holder, amount: U256) {
        let held = self.held.entry(to).or_default();
        *held = held.wrapping_add(amount);
    }

    /// What it says that somebody holds, if it says.
    pub fn balance(&self, holder: Holder) -> Option<U256> {
        (self.fault != Fault::HidesBalances).then(|| self.held(holder))
    }

    /// `transfer`, or `transferFrom` with an allowance that is large enough: whether the
    /// answer is a yes. What a reverted call moved is moved back.
    pub fn transfer(&mut self, from: Holder, to: Holder, amount: u128) -> bool {
        self.asked = true;
        let before = self.held.clone();
        let says = self.try_transfer(from, to, U256::from(amount));
        if says.is_none() {
            self.held = before;
        }
        says.unwrap_or(false)
    }

    /// What it answers; `None` if it reverts.
    fn try_transfer(&mut self, from: Holder, to: Holder, amount: U256) -> Option<bool> {
        if [from, to].map(Some).contains(&self.barred) {
            return None;
        }
        match self.fault {
            Fault::SaysNo => return Some(false),
            Fault::Lies => return Some(true),
            // The contract cannot be entered again, so the call back fails.
            Fault::Reverts | Fault::CallsBackOrFails => return None,
            Fault::Exhausts => {
                self.exhausted = true;
                return None;
            }
            _ => {}
        }
        let tax = amount / U256::from(100);
        self.shift(from, to, amount)?;
        match self.fault {
            Fault::PaysTwice => self.shift(from, to, amount)?,
            Fault::TaxesRecipient => self.shift(to, Holder::Tax, tax)?,
            Fault::TaxesSender => self.shift(from, Holder::Tax, tax)?,
            _ => {}
        }
        Some(!matches!(self.fault, Fault::Denies | Fault::SaysTwo))
    }

    fn shift(&mut self, from: Holder, to: Holder, amount: U256) -> Option<()> {
        let rest = self.held(from).checked_sub(amount)?;
        self.held.insert(from, rest);
        self.mint(to, amount);
        Some(())
    }
}
