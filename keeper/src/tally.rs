//! From receipts to the entries of a batch.
//!
//! Keeper and attester compute with this one function. It continues where the
//! earlier batches of the epoch stopped: what a client's work is split into, and how
//! fees are rounded, depends on the epoch's total and not on how it was cut into
//! batches.

use crate::meter::Meter;
use crate::receipt::Receipt;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::work::{Entry, FEES_LIMIT, WORK_LIMIT};
use plimsoll_mechanism::{Hash, OperatorIndex};
use std::collections::{BTreeMap, HashMap};

/// What one operator has in one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperatorTotal {
    /// Fragment work units.
    pub fragment: u64,
    /// Bulk work units.
    pub bulk: u64,
    /// Fees, in base units.
    pub fees: u128,
}

/// What the earlier batches of an epoch counted.
pub trait Counted {
    /// What keeps the answer back.
    type Error;
    /// The operator's total.
    ///
    /// # Errors
    /// Whatever keeps the answer back.
    fn operator(&self, operator: OperatorIndex) -> Result<OperatorTotal, Self::Error>;
    /// The work units of one client at one operator.
    ///
    /// # Errors
    /// Whatever keeps the answer back.
    fn client(&self, operator: OperatorIndex, client: &Hash) -> Result<u64, Self::Error>;
}

/// Nothing was counted before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Counted for Nothing {
    type Error = std::convert::Infallible;

    fn operator(&self, _: OperatorIndex) -> Result<OperatorTotal, Self::Error> {
        Ok(OperatorTotal::default())
    }

    fn client(&self, _: OperatorIndex, _: &Hash) -> Result<u64, Self::Error> {
        Ok(0)
    }
}

/// Why a receipt was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overflow {
    /// One job alone is more than an epoch holds.
    #[error(transparent)]
    Job(#[from] crate::meter::TooMuch),
    /// The operator's work in the epoch would not fit.
    #[error("operator {0} would have {WORK_LIMIT} or more work units in one epoch")]
    Work(OperatorIndex),
    /// The operator's fees in the epoch would not fit.
    #[error("operator {0} would have {FEES_LIMIT} or more fee units in one epoch")]
    Fees(OperatorIndex),
}

/// What a batch comes to, receipt by receipt.
#[derive(Debug)]
pub struct Tally<'a, C> {
    before: &'a C,
    meter: &'a Meter,
    fee_unit: u128,
    operators: BTreeMap<OperatorIndex, (OperatorTotal, OperatorTotal)>,
    clients: HashMap<(OperatorIndex, Hash), u64>,
}

impl<'a, C: Counted> Tally<'a, C> {
    /// An empty batch after what `before` counted. `fee_unit` (base units, at least 1)
    /// is the contract's.
    pub fn new(before: &'a C, meter: &'a Meter, fee_unit: u128) -> Self {
        Self {
            before,
            meter,
            fee_unit: fee_unit.max(1),
            operators: BTreeMap::new(),
            clients: HashMap::new(),
        }
    }

    /// Adds a receipt, or leaves everything as it was if it does not fit.
    ///
    /// # Errors
    /// Outside: what `before` says. Inside: [`Overflow`].
    pub fn add(&mut self, receipt: &Receipt) -> Result<Result<(), Overflow>, C::Error> {
        let operator = receipt.operator;
        let key = (operator, receipt.client);
        let units = match self.meter.units(receipt) {
            Ok(units) => units,
            Err(too_much) => return Ok(Err(too_much.into())),
        };
        let had = match self.clients.get(&key) {
            Some(had) => *had,
            None => self.before.client(operator, &receipt.client)?,
        };
        let (before, now) = match self.operators.get(&operator) {
            Some(totals) => *totals,
            None => {
                let before = self.before.operator(operator)?;
                (before, before)
            }
        };
        let Work { fragment, bulk } = self.meter.split(had, units);
        let add = |total: u64, more: u128| {
            u64::try_from(u128::from(total).checked_add(more)?)
                .ok()
                .filter(|total| *total < WORK_LIMIT)
        };
        let (Some(fragment), Some(bulk)) = (add(now.fragment, fragment), add(now.bulk, bulk))
        else {
            return Ok(Err(Overflow::Work(operator)));
        };
        let fees = now.fees.checked_add(receipt.fee);
        let Some(fees) = fees.filter(|fees| fees / self.fee_unit < u128::from(FEES_LIMIT)) else {
            return Ok(Err(Overflow::Fees(operator)));
        };
        let now = OperatorTotal {
            fragment,
            bulk,
            fees,
        };
        self.operators.insert(operator, (before, now));
        self.clients.insert(key, had.saturating_add(units));
        Ok(Ok(()))
    }

    /// The entries, ascending by operator. An operator for whom everything rounds to
    /// nothing has none.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let fee_units = |fees: u128| (fees / self.fee_unit) as u64;
        self.operators
            .iter()
            .map(|(operator, (before, now))| Entry {
                operator: *operator,
                fragment: now.fragment - before.fragment,
                bulk: now.bulk - before.bulk,
                // Both are below FEES_LIMIT, checked when they were added.
                fees: fee_units(now.fees) - fee_units(before.fees),
            })
            .filter(|entry| entry.fragment > 0 || entry.bulk > 0 || entry.fees > 0)
            .collect()
    }

    /// The operators' new totals, ascending by operator.
    pub fn operators(&self) -> impl Iterator<Item = (OperatorIndex, OperatorTotal)> + '_ {
        self.operators
            .iter()
            .map(|(operator, (_, now))| (*operator, *now))
    }

    /// The clients' new totals of work units.
    pub fn clients(&self) -> impl Iterator<Item = (OperatorIndex, Hash, u64)> + '_ {
        self.clients
            .iter()
            .map(|((operator, client), units)| (*operator, *client, *units))
    }
}

/// Totals in memory.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    operators: HashMap<OperatorIndex, OperatorTotal>,
    clients: HashMap<(OperatorIndex, Hash), u64>,
}

impl Counted for Totals {
    type Error = std::convert::Infallible;

    fn operator(&self, operator: OperatorIndex) -> Result<OperatorTotal, Self::Error> {
        Ok(self.operators.get(&operator).copied().unwrap_or_default())
    }

    fn client(&self, operator: OperatorIndex, client: &Hash) -> Result<u64, Self::Error> {
        Ok(self
            .clients
            .get(&(operator, *client))
            .copied()
            .unwrap_or_default())
    }
}

impl Totals {
    /// Takes over what a batch came to.
    pub fn absorb<C: Counted>(&mut self, tally: &Tally<'_, C>) {
        self.operators.extend(tally.operators());
        self.clients.extend(
            tally
                .clients()
                .map(|(operator, client, units)| ((operator, client), units)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::DEFAULT;
    use crate::receipt::tests::receipt;
    use proptest::prelude::*;

    fn meter() -> Meter {
        Meter {
            fragment_threshold: 500,
            ..DEFAULT
        }
    }

    fn all_at_once(receipts: &[Receipt], fee_unit: u128) -> Vec<Entry> {
        let meter = meter();
        let mut tally = Tally::new(&Nothing, &meter, fee_unit);
        for receipt in receipts {
            tally.add(receipt).expect("infallible").expect("small");
        }
        tally.entries()
    }

    #[test]
    fn fees_are_rounded_down_over_the_epoch_and_not_over_each_batch() {
        let job = receipt(0, 1, 3);
        let entries = all_at_once(&[job.clone(), job.clone(), job], 30);
        assert_eq!(entries[0].fees, 2, "75 base units are two of 30");
    }

    #[test]
    fn what_does_not_fit_is_left_out_alone() {
        let meter = meter();
        let mut tally = Tally::new(&Nothing, &meter, 1);
        let mut huge = receipt(0, 1, 3);
        huge.fee = u128::MAX;
        assert_eq!(
            tally.add(&huge).expect("infallible"),
            Err(Overflow::Fees(3))
        );
        let mut long = receipt(0, 2, 3);
        long.output_tokens = WORK_LIMIT / 5;
        tally.add(&long).expect("infallible").expect("once fits");
        assert_eq!(
            tally.add(&long).expect("infallible"),
            Err(Overflow::Work(3))
        );
        tally
            .add(&receipt(0, 3, 3))
            .expect("infallible")
            .expect("small");
        assert_eq!(tally.entries().len(), 1);
    }

    proptest! {
        #[test]
        fn g12_cutting_into_batches_changes_no_figure(
            jobs in prop::collection::vec((0_u32..3, 0_u8..3, 0_u64..400, 0_u128..50), 1..40),
            cuts in prop::collection::vec(1_usize..8, 1..40),
        ) {
            let receipts: Vec<Receipt> = jobs
                .iter()
                .enumerate()
                .map(|(k, (operator, client, output, fee))| {
                    let mut job = receipt(0, k as u64, *operator);
                    job.client = [*client; 32];
                    job.output_tokens = *output;
                    job.fee = *fee;
                    job
                })
                .collect();
            let meter = meter();
            let mut totals = Totals::default();
            let mut sums = BTreeMap::<u32, (u64, u64, u64)>::new();
            let (mut rest, mut cuts) = (&receipts[..], cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (batch, later) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                rest = later;
                let before = totals.clone();
                let mut tally = Tally::new(&before, &meter, 7);
                for receipt in batch {
                    tally.add(receipt).expect("infallible").expect("small");
                }
                for entry in tally.entries() {
                    let sum = sums.entry(entry.operator).or_default();
                    *sum = (sum.0 + entry.fragment, sum.1 + entry.bulk, sum.2 + entry.fees);
                }
                totals.absorb(&tally);
            }
            let whole: BTreeMap<_, _> = all_at_once(&receipts, 7)
                .into_iter()
                .map(|e| (e.operator, (e.fragment, e.bulk, e.fees)))
                .collect();
            prop_assert_eq!(sums, whole);
        }
    }
}
