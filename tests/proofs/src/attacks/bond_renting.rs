//! Two open operators put their bonds or their work together.

use super::{at, Attack, Play, Promise};
use crate::populations::Population;
use crate::world::{divide, ensure, income, permille};

/// One lends bond to the other, from a little to all of it, which is merging.
pub struct BondRenting;

impl Attack for BondRenting {
    fn name(&self) -> &'static str {
        "bond_renting"
    }

    fn promise(&self) -> Promise {
        Promise::Admitted {
            item: "merging stays profitable for open operators whose bond and work are \
                   mismatched; renting bonds cannot be prevented",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        let open = population.places(|member| !member.vetted).len() as u64;
        if open < 2 {
            return Vec::new();
        }
        vec![open, open, 1_001]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let open = population.places(|member| !member.vetted);
        let (lender, borrower) = (open[at(dials[0])], open[at(dials[1])]);
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let pair = || {
            [lender, borrower]
                .into_iter()
                .take(if lender == borrower { 1 } else { 2 })
        };
        let lent = permille(parts[lender].bond, dials[2]);
        parts[lender].bond -= lent;
        parts[borrower].bond += lent;
        let after = divide(&population.params, population.reserve, &parts);
        let paid = income(&after, pair());
        let bonds: u128 = pair().map(|k| parts[k].bond).sum();
        let leverage = u128::from(population.params.bond_leverage);
        let most = (bonds * leverage / 1_000_000).min(after.division.open_ceiling);
        // Nobody else notices: who gets more gets what would have gone back to the reserve.
        let others = (0..parts.len()).filter(|k| *k != lender && *k != borrower);
        let bounds = ensure(paid <= most, || format!("{paid} of {most}")).and_then(|()| {
            ensure(
                income(&after, others.clone()) == income(&honest, others),
                || "G19: another one's reward changed".into(),
            )
        });
        Play::bounded(income(&honest, pair()), paid, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let open = population.places(|member| !member.vetted);
        format!(
            "open operator {} lends {}% of its bond to {}",
            open[at(dials[0])],
            dials[2] / 10,
            open[at(dials[1])]
        )
    }
}
