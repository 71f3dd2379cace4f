//! What the accepted batches of each epoch add up to. The attester's journal has the
//! same tables.

use super::JournalError;
use crate::tally::{Counted, OperatorTotal, Tally};
use plimsoll_mechanism::{Epoch, Hash, OperatorIndex};
use rusqlite::{params, OptionalExtension as _, Row, Transaction};

/// The tables.
pub(crate) const TABLES: &str = "
CREATE TABLE operator_totals (
    epoch    INTEGER NOT NULL,
    operator INTEGER NOT NULL,
    fragment INTEGER NOT NULL,
    bulk     INTEGER NOT NULL,
    -- Base units, a decimal number.
    fees     TEXT    NOT NULL,
    PRIMARY KEY (epoch, operator)
) STRICT, WITHOUT ROWID;
CREATE TABLE client_totals (
    epoch    INTEGER NOT NULL,
    operator INTEGER NOT NULL,
    client   BLOB    NOT NULL,
    units    INTEGER NOT NULL,
    PRIMARY KEY (epoch, operator, client)
) STRICT, WITHOUT ROWID;
";

/// What the accepted batches of an epoch counted.
pub(crate) struct Accepted<'a> {
    /// Where it is recorded.
    pub(crate) t: &'a Transaction<'a>,
    /// The epoch.
    pub(crate) epoch: Epoch,
}

impl Counted for Accepted<'_> {
    type Error = JournalError;

    fn operator(&self, operator: OperatorIndex) -> Result<OperatorTotal, JournalError> {
        let mut query = self.t.prepare_cached(
            "SELECT fragment, bulk, fees FROM operator_totals WHERE epoch = ?1 AND operator = ?2",
        )?;
        let mut rows = query.query([self.epoch, operator])?;
        rows.next()?
            .map_or(Ok(OperatorTotal::default()), |row| total(row, 0))
    }

    fn client(&self, operator: OperatorIndex, client: &Hash) -> Result<u64, JournalError> {
        let units = self
            .t
            .prepare_cached(
                "SELECT units FROM client_totals WHERE epoch = ?1 AND operator = ?2 AND client = ?3",
            )?
            .query_row(params![self.epoch, operator, client], |row| row.get(0))
            .optional()?;
        Ok(units.unwrap_or(0))
    }
}

fn total(row: &Row<'_>, at: usize) -> Result<OperatorTotal, JournalError> {
    let fees: String = row.get(at + 2)?;
    Ok(OperatorTotal {
        fragment: row.get(at)?,
        bulk: row.get(at + 1)?,
        fees: fees
            .parse()
            .map_err(|_| JournalError::Corrupt(format!("the fees `{fees}`")))?,
    })
}

/// Records an epoch's new totals.
pub(crate) fn put<C: Counted>(
    t: &Transaction<'_>,
    epoch: Epoch,
    tally: &Tally<'_, C>,
) -> Result<(), JournalError> {
    let mut put = t.prepare_cached(
        "INSERT INTO operator_totals (epoch, operator, fragment, bulk, fees) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (epoch, operator) DO UPDATE SET fragment = ?3, bulk = ?4, fees = ?5",
    )?;
    for (operator, total) in tally.operators() {
        put.execute(params![
            epoch,
            operator,
            total.fragment,
            total.bulk,
            total.fees.to_string()
        ])?;
    }
    let mut put = t.prepare_cached(
        "INSERT INTO client_totals (epoch, operator, client, units) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (epoch, operator, client) DO UPDATE SET units = ?4",
    )?;
    for (operator, client, units) in tally.clients() {
        put.execute(params![epoch, operator, client, units])?;
    }
    Ok(())
}

/// Forgets an epoch's totals, to count them anew.
pub(crate) fn clear(t: &Transaction<'_>, epoch: Epoch) -> Result<(), JournalError> {
    t.execute("DELETE FROM operator_totals WHERE epoch = ?1", [epoch])?;
    t.execute("DELETE FROM client_totals WHERE epoch = ?1", [epoch])?;
    Ok(())
}

/// All totals of an epoch, ascending by operator.
pub(crate) fn all(
    t: &Transaction<'_>,
    epoch: Epoch,
) -> Result<Vec<(OperatorIndex, OperatorTotal)>, JournalError> {
    let mut query = t.prepare_cached(
        "SELECT operator, fragment, bulk, fees FROM operator_totals WHERE epoch = ?1 ORDER BY operator",
    )?;
    let mut rows = query.query([epoch])?;
    let mut totals = Vec::new();
    while let Some(row) = rows.next()? {
        totals.push((row.get(0)?, total(row, 1)?));
    }
    Ok(totals)
}
