//! Blocks in, findings out.

use crate::finding::{Finding, Kind, Place};
use crate::index::Origin;
use crate::{signatures, Event, Index};
use parity_scale_codec::{Decode, Encode};
use plimsoll_interface::mechanism::batch::SIGNATURE_BYTES;
use plimsoll_interface::mechanism::Hash;
use plimsoll_interface::H160;

/// Whose signature of a digest this is; `None` if it is nobody's.
pub type Recover<'a> = &'a (dyn Fn(&Hash, &[u8; SIGNATURE_BYTES]) -> Option<H160> + Sync);

/// What a block has of the contract.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Its number.
    pub number: u64,
    /// Its timestamp, in ms since 1970.
    pub time_ms: u64,
    /// What the contract emitted in it, in order.
    pub events: &'a [Event],
    /// Its transactions as they are in it, where they are at hand.
    pub extrinsics: &'a [Vec<u8>],
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Tally {
    /// Blocks.
    pub blocks: u64,
    /// Events of the contract.
    pub events: u64,
    /// Batches.
    pub batches: u64,
    /// Batches whose attesters' signatures were checked.
    pub signed: u64,
    /// Receipts under the roots of all batches.
    pub receipts: u64,
    /// Rewards booked.
    pub rewards: u64,
    /// Payments of rewards.
    pub payments: u64,
}

/// An index that follows a chain block by block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Auditor {
    origin: Origin,
    index: Option<Index>,
    tally: Tally,
    /// The first block and the newest one that were looked at.
    blocks: Option<(u64, u64)>,
    time_ms: u64,
}

impl Auditor {
    /// Before the first block.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            index: None,
            tally: Tally::default(),
            blocks: None,
            time_ms: 0,
        }
    }

    /// Takes the next block.
    ///
    /// # Errors
    /// The first thing that does not add up. The auditor is of no use after that.
    pub fn take(&mut self, block: Block<'_>, recover: Recover<'_>) -> Result<(), Finding> {
        let there = |mut finding: Finding| {
            finding.place.block = Some(block.number);
            finding
        };
        let first = self.blocks.map_or(block.number, |(first, _)| first);
        self.blocks = Some((first, block.number));
        self.time_ms = self.time_ms.max(block.time_ms);
        self.tally.blocks += 1;
        self.tally.events += block.events.len() as u64;
        // The chain tells contracts whole seconds.
        let now = block.time_ms / 1_000 * 1_000;
        let mut events = block.events;
        let index = match (&mut self.index, events.split_first()) {
            (Some(index), _) => index,
            (None, None) => return Ok(()),
            (None, Some((Event::Deployed(deployed), rest))) => {
                events = rest;
                let begun = Index::begin(Some(self.origin), now, deployed).map_err(there)?;
                self.index.insert(begun)
            }
            (None, Some((event, _))) => {
                let place = Place::of(event.name());
                let expected = "Deployed as the contract's first event";
                let found = event.name();
                return Err(there(Finding::new(
                    Kind::Deployment,
                    place,
                    expected,
                    found,
                )));
            }
        };
        for batch in index.take(now, events).map_err(there)? {
            self.tally.batches += 1;
            self.tally.receipts = self.tally.receipts.saturating_add(batch.header.receipts);
            let signed = signatures::check(&batch, block.extrinsics, recover).map_err(there)?;
            self.tally.signed += u64::from(signed);
        }
        for event in events {
            match event {
                Event::RewardsBooked(e) => self.tally.rewards += e.rewards.len() as u64,
                Event::Paid(_) => self.tally.payments += 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// What the history comes to so far; none before the deployment.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// How much was looked at.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Time of the newest block as the chain tells contracts, in ms.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.time_ms / 1_000 * 1_000
    }

    /// The first block and the newest one that were looked at.
    #[must_use]
    pub fn blocks(&self) -> Option<(u64, u64)> {
        self.blocks
    }

    /// Checks at the newest block that the contract's `balance` of the token covers what it
    /// owes (G15). Gives what is there beyond: sent without a message, nobody's.
    ///
    /// # Errors
    /// If it does not.
    pub fn check_balance(&self, balance: u128) -> Result<u128, Finding> {
        let owed = self
            .index
            .as_ref()
            .map_or(0, |i| i.ledger(self.now()).owed());
        balance.checked_sub(owed).ok_or_else(|| {
            let place = Place {
                block: self.blocks.map(|(_, newest)| newest),
                ..Place::of("balanceOf the contract")
            };
            let expected = format!("at least {owed} base units, which it owes or keeps");
            Finding::new(Kind::Balance, place, expected, balance.to_string())
        })
    }

    /// Checks the code that the chain has at the contract's address.
    ///
    /// # Errors
    /// If it is another one.
    pub fn check_code(&self, wanted: &Hash, found: Option<Hash>) -> Result<(), Finding> {
        if found == Some(*wanted) {
            return Ok(());
        }
        let found = found.map_or("no contract".into(), crate::shown);
        let place = Place::of("the contract's code hash");
        Err(Finding::new(Kind::Code, place, crate::shown(wanted), found))
    }
}
