//! Batches: which receipts go together, and what attesters sign for them.
//!
//! Within a batch receipts stand in ascending order of their ids; that is the order of
//! the leaves under `receipts_root`. So the same receipts always make the same batch.

use crate::keys::keccak;
use crate::meter::Meter;
use crate::receipt::{Network, Receipt};
use crate::tally::{Counted, Overflow, Tally};
use plimsoll_mechanism::batch::{BatchHeader, Domain};
use plimsoll_mechanism::status::OPERATORS_PER_STATUS_PAGE;
use plimsoll_mechanism::work::{locate, pack};
use plimsoll_mechanism::{merkle, Epoch, Hash, OperatorIndex};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// When a batch is made and how large it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The most operators in a batch. 6,000 are 126,000 bytes, below the 128 KiB that
    /// a call may carry.
    pub max_entries: u32,
    /// The most storage items a batch may touch: pages of 24 operators' work, and pages
    /// of 685 operators' status. Each costs some 10.4 kB of a block's proof whatever its
    /// size, so 350 are 3.7 MB, about half of what one transaction may use.
    pub max_items: u32,
    /// The most receipts in a batch: an attester checks some 10,000 signatures a second.
    pub max_receipts: u32,
    /// The least time between two batches of an epoch and lane, in ms of the chain's
    /// clock, unless the epoch closes or a batch is full.
    pub min_interval_ms: u64,
    /// So long before an epoch closes everything that waits for it is sent, in ms.
    pub close_margin_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_entries: 6_000,
            max_items: 350,
            max_receipts: 20_000,
            min_interval_ms: 600_000,
            close_margin_ms: 1_800_000,
        }
    }
}

impl Policy {
    /// Whether a batch is due: `waiting` receipts, the last batch (or the first
    /// receipt's completion) `since` ms ago, `left` ms until the epoch closes.
    #[must_use]
    pub fn due(&self, waiting: u64, since: u64, left: u64) -> bool {
        waiting > 0
            && (waiting >= u64::from(self.max_receipts)
                || since >= self.min_interval_ms
                || left <= self.close_margin_ms)
    }

    /// The same policy for batches of at most half as much, for a chain that refused
    /// the size of one with `entries` operators touching `items` items.
    #[must_use]
    pub fn halved(&self, entries: u32, items: u32) -> Self {
        Self {
            max_entries: self.max_entries.min(entries.div_ceil(2)).max(1),
            max_items: self.max_items.min(items.div_ceil(2)).max(2),
            ..*self
        }
    }
}

/// The storage items that operators lie in.
#[derive(Clone, Debug, Default)]
pub struct Footprint {
    operators: BTreeSet<OperatorIndex>,
    work: BTreeSet<u32>,
    status: BTreeSet<u32>,
}

impl Footprint {
    /// Adds an operator unless the policy forbids it; whether it is in now.
    pub fn admit(&mut self, operator: OperatorIndex, policy: &Policy) -> bool {
        if self.operators.contains(&operator) {
            return true;
        }
        let (page, status) = (locate(operator).0, operator / OPERATORS_PER_STATUS_PAGE);
        let items = self.items()
            + u32::from(!self.work.contains(&page))
            + u32::from(!self.status.contains(&status));
        if self.entries() >= policy.max_entries || items > policy.max_items {
            return false;
        }
        self.work.insert(page);
        self.status.insert(status);
        self.operators.insert(operator);
        true
    }

    /// Operators so far.
    #[must_use]
    pub fn entries(&self) -> u32 {
        // At most 2^24 operators exist.
        self.operators.len() as u32
    }

    /// Storage items so far.
    #[must_use]
    pub fn items(&self) -> u32 {
        (self.work.len() + self.status.len()) as u32
    }
}

/// A batch with the receipts it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What the contract checks.
    pub header: BatchHeader,
    /// The packed entries: the call data that is signed.
    pub entries: Vec<u8>,
    /// The receipts, ascending by id.
    pub receipts: Vec<Receipt>,
}

/// Why receipts do not make a batch.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError<E> {
    /// A receipt does not fit into what an operator can have in an epoch.
    #[error("receipt {}: {reason}", crate::hexes::show(.id))]
    Overflow {
        /// The receipt.
        id: Hash,
        /// Why.
        reason: Overflow,
    },
    /// Two receipts have one id.
    #[error("receipt {} is there twice", crate::hexes::show(.0))]
    Twice(Hash),
    /// The earlier totals could not be read.
    #[error(transparent)]
    Counted(E),
}

impl Batch {
    /// The batch of `receipts` after what `before` counted in the epoch, with its tally.
    ///
    /// # Errors
    /// See [`ComposeError`].
    pub fn compose<'a, C: Counted>(
        (epoch, lane, seq): (Epoch, u32, u64),
        mut receipts: Vec<Receipt>,
        before: &'a C,
        rules: &'a Rules,
    ) -> Result<(Self, Tally<'a, C>), ComposeError<C::Error>> {
        receipts.sort_unstable_by_key(|receipt| receipt.id);
        if let Some(pair) = receipts.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(ComposeError::Twice(pair[0].id));
        }
        let mut tally = Tally::new(before, rules.meters.at(epoch), rules.fee_unit);
        for receipt in &receipts {
            tally
                .add(receipt)
                .map_err(ComposeError::Counted)?
                .map_err(|reason| ComposeError::Overflow {
                    id: receipt.id,
                    reason,
                })?;
        }
        let entries = pack(&tally.entries())
            .expect("a tally's entries are ascending and within the limits it checks");
        let header = BatchHeader {
            epoch,
            lane,
            seq,
            receipts_root: root(&receipts, &rules.network),
            receipts: receipts.len() as u64,
        };
        let batch = Self {
            header,
            entries,
            receipts,
        };
        Ok((batch, tally))
    }

    /// The EIP-712 digest that attesters sign.
    #[must_use]
    pub fn digest(&self, domain: &Domain) -> Hash {
        self.header.digest(domain, &self.entries, keccak)
    }
}

/// What keeper and attesters must agree on to come to the same batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The network that receipts are signed for.
    pub network: Network,
    /// The meters.
    pub meters: crate::meter::Meters,
    /// The contract's fee unit, in base units.
    pub fee_unit: u128,
    /// The contract's number of lanes.
    pub lanes: u32,
}

impl Rules {
    /// The meter of an epoch.
    #[must_use]
    pub fn meter(&self, epoch: Epoch) -> &Meter {
        self.meters.at(epoch)
    }
}

/// The Merkle root over receipts in the order given.
#[must_use]
pub fn root(receipts: &[Receipt], network: &Network) -> Hash {
    let leaves: Vec<Hash> = receipts
        .iter()
        .map(|receipt| merkle::leaf(&receipt.hash(network), keccak))
        .collect();
    merkle::root(&leaves, keccak)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::receipt::tests::receipt;
    use crate::tally::Nothing;
    use plimsoll_interface::{Settings, H160};
    use plimsoll_mechanism::vesting::Vesting;
    use plimsoll_mechanism::work::unpack;

    pub(crate) fn settings() -> Settings {
        Settings {
            token: H160::zero(),
            times: crate::clock::tests::TIMES,
            vesting: Vesting {
                period_epochs: 2,
                vesting_periods: 2,
            },
            timelock: 0,
            payee_delay: 0,
            unbonding_epochs: 1,
            min_open_bond: 0,
            max_vouches: 1,
            lanes: 2,
            fee_unit: 10,
        }
    }

    pub(crate) fn rules() -> Rules {
        Rules {
            network: Network::new("test"),
            meters: crate::meter::Meters::default(),
            fee_unit: 10,
            lanes: 2,
        }
    }

    #[test]
    fn the_order_in_which_receipts_come_changes_nothing() {
        let rules = rules();
        let one: Vec<_> = (0..5).map(|k| receipt(0, k, 3)).collect();
        let other: Vec<_> = one.iter().rev().cloned().collect();
        let (a, _) = Batch::compose((1, 0, 2), one, &Nothing, &rules).expect("fits");
        let (b, _) = Batch::compose((1, 0, 2), other, &Nothing, &rules).expect("fits");
        assert_eq!(a, b);
        let entries = unpack(&a.entries).expect("well formed");
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].operator, entries[0].fragment), (3, 700));
        assert_eq!(entries[0].fees, 12, "125 base units in units of ten");
    }

    #[test]
    fn a_receipt_twice_is_no_batch() {
        let rules = rules();
        let twice = vec![receipt(0, 1, 3), receipt(0, 1, 3)];
        assert!(matches!(
            Batch::compose((1, 0, 0), twice, &Nothing, &rules),
            Err(ComposeError::Twice(_))
        ));
    }

    #[test]
    fn a_batch_keeps_to_its_limits() {
        let policy = Policy {
            max_entries: 3,
            max_items: 3,
            ..Policy::default()
        };
        let mut footprint = Footprint::default();
        assert!(footprint.admit(0, &policy));
        assert!(footprint.admit(23, &policy), "the same page");
        assert!(!footprint.admit(700, &policy), "two more items");
        assert!(footprint.admit(24, &policy), "one more item");
        assert!(!footprint.admit(1, &policy), "a fourth operator");
        assert!(footprint.admit(0, &policy), "already in");
        assert_eq!((footprint.entries(), footprint.items()), (3, 3));
    }

    #[test]
    fn a_batch_is_due_when_full_or_old_or_late() {
        let policy = Policy {
            max_receipts: 10,
            min_interval_ms: 100,
            close_margin_ms: 5,
            ..Policy::default()
        };
        assert!(!policy.due(0, 1_000, 0));
        assert!(!policy.due(9, 99, 6));
        assert!(policy.due(10, 0, 6));
        assert!(policy.due(1, 100, 6));
        assert!(policy.due(1, 0, 5));
    }
}
