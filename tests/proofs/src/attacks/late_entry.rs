//! Capital that comes late and wants a share of what was earned before it came.

use super::{at, Attack, Play, Promise};
use crate::populations::Population;
use crate::world::{ensure, income, Desk};
use plimsoll_mechanism::bond::{Bond, Lookup};
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::work::Entry;
use plimsoll_mechanism::Epoch;

/// Epochs of the play.
const EPOCHS: u32 = 5;

/// An entrant bonds in some epoch and hands work in for all of them, as far back as the
/// attest window reaches. What it gets for its epoch of entry and before is the profit;
/// honest is nothing.
pub struct LateEntry;

impl Attack for LateEntry {
    fn name(&self) -> &'static str {
        "late_entry"
    }

    fn promise(&self) -> Promise {
        Promise::Excluded {
            by: "G11",
            within: 0,
        }
    }

    fn dials(&self, _: &Population) -> Vec<u64> {
        // When it comes, the bits of its bond, and its work.
        vec![u64::from(EPOCHS), 60, 1 << 20, 1 << 20]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let entry = u32::try_from(dials[0]).expect("few");
        let entrant = u32::try_from(population.members.len()).expect("few");
        let mut bond = Bond::default();
        bond.deposit(1 << dials[1], entry + 1)
            .expect("the only deposit");
        let mut early = 0;
        let mut bounds = Ok(());
        for epoch in 0..EPOCHS {
            let paid = |with: bool| {
                let own = with.then_some((entrant, dials[2], dials[3]));
                divided(population, epoch, own, entry, &bond)
            };
            let (alone, together) = (paid(false), paid(true));
            if epoch <= entry {
                early += together[entrant as usize];
                bounds = bounds.and(ensure(alone == together, || {
                    format!("G11: somebody's reward of epoch {epoch} changed")
                }));
            }
        }
        Play::bounded(0, early, bounds)
    }

    fn words(&self, _: &Population, dials: &[u64]) -> String {
        format!(
            "somebody bonds 2^{} in epoch {} and hands in {} fragment and {} bulk units for every epoch",
            dials[1], dials[0], dials[2], dials[3]
        )
    }
}

/// Everybody's reward of an epoch, the entrant's last; batches are credited by the crate,
/// each one by the tiers that stood when the epoch began.
fn divided(
    population: &Population,
    epoch: Epoch,
    own: Option<(u32, u64, u64)>,
    entered: Epoch,
    bond: &Bond,
) -> Vec<u128> {
    let mut desk = Desk::new(population.params, population.reserve, epoch);
    let mut entries = Vec::new();
    let parts = population.parts();
    let small = |figure: u128| u64::try_from(figure).expect("work of a population is small");
    for (operator, part) in (0..).zip(&parts) {
        desk.admit(operator, part.vetted, 0);
        entries.push(Entry {
            operator,
            fragment: small(part.work.fragment),
            bulk: small(part.work.bulk),
            fees: small(part.fees),
        });
    }
    let entrant = u32::try_from(parts.len()).expect("few");
    // Its status follows its bond: from the epoch after the deposit.
    desk.admit(entrant, false, entered + 1);
    if let Some((operator, fragment, bulk)) = own {
        entries.push(Entry {
            operator,
            fragment,
            bulk,
            fees: 1 << 40,
        });
    }
    desk.credit(0, &entries)
        .expect("the population's work is far below the limits");
    let bonds = parts
        .iter()
        .map(|part| part.bond)
        .chain([match bond.at(epoch) {
            Lookup::Known(amount) => amount,
            Lookup::Archived(_) => 0,
        }]);
    let parts: Vec<Part> = (0..)
        .zip(bonds)
        .map(|(k, bond)| Part::new(&desk.figures(k), 1, bond))
        .collect();
    let allocation = crate::world::divide(&population.params, population.reserve, &parts);
    (0..parts.len())
        .map(|k| income(&allocation, [at(k as u64)]))
        .collect()
}
