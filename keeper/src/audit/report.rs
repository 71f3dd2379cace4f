//! What a clean audit says.

use crate::chain::{BlockRef, Hash, H160};
use crate::hexes;
use plimsoll_index::Tally;
use plimsoll_interface::LedgerView;
use std::fmt;

/// An audit in which everything added up.
#[derive(Clone, Debug)]
pub struct Report {
    /// The contract.
    pub contract: H160,
    /// Hash of its code.
    pub code_hash: Hash,
    /// The token's symbol; may be empty.
    pub symbol: String,
    /// The finalized block at which everything was compared.
    pub head: BlockRef,
    /// The first block and the newest one that were read, in this run or before.
    pub blocks: Option<(u64, u64)>,
    /// The first block that this run read.
    pub resumed: Option<u64>,
    /// How much was looked at, in this run or before.
    pub tally: Tally,
    /// Worked epochs, and those of them that are settled.
    pub epochs: (u64, u64),
    /// Operators.
    pub operators: u32,
    /// The recomputed books, which are the contract's.
    pub ledger: LedgerView,
    /// What the contract holds of the token, in base units.
    pub balance: u128,
    /// What of it is nobody's: it came without a message.
    pub beyond: u128,
    /// Views compared.
    pub views: u64,
    /// Receipts shown to have been counted once.
    pub receipts: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tally, ledger) = (&self.tally, &self.ledger);
        let (first, newest) = self.blocks.unwrap_or_default();
        let (worked, settled) = self.epochs;
        writeln!(f, "every unit accounted for")?;
        writeln!(f, "  contract   {}", hexes::show(self.contract))?;
        writeln!(f, "  code       {}", hexes::show(self.code_hash))?;
        writeln!(
            f,
            "  block      {} {}",
            self.head.number,
            hexes::show(self.head.hash)
        )?;
        writeln!(
            f,
            "  history    blocks {first} to {newest}: {} read, {} events",
            tally.blocks, tally.events
        )?;
        writeln!(
            f,
            "  epochs     {worked} worked, {settled} settled; {} rewards booked, {} payments",
            tally.rewards, tally.payments
        )?;
        writeln!(
            f,
            "  batches    {}, signatures checked of {}; {} receipts under their roots",
            tally.batches, tally.signed, tally.receipts
        )?;
        writeln!(f, "  operators  {}", self.operators)?;
        let units = match &self.symbol[..] {
            "" => "base units".to_owned(),
            symbol => format!("base units of {symbol}"),
        };
        writeln!(f, "  received   {} {units}", ledger.received)?;
        writeln!(f, "  paid       {}", ledger.paid)?;
        writeln!(
            f,
            "  owed       {}: reserve {}, inflows {}, pots {}, unvested {}, claimable {}, bonds {}",
            ledger.owed(),
            ledger.reserve,
            ledger.inflows,
            ledger.pots,
            ledger.unvested,
            ledger.claimable,
            ledger.bonds
        )?;
        writeln!(
            f,
            "  held       {}, {} beyond what is owed",
            self.balance, self.beyond
        )?;
        write!(f, "  compared   {} views", self.views)?;
        if self.receipts > 0 {
            write!(f, "; {} receipts, each counted once", self.receipts)?;
        }
        Ok(())
    }
}
