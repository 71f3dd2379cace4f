//! One operator serves each client through several identities.
//!
//! Fragment work is counted for each client *at each operator*, so a large client that is
//! served through `k` identities has `k` thresholds. What G9 says of figures that are split
//! (`splitting`) it cannot say here, where the figures change: bulk becomes fragments, as
//! with invented clients, and inside the same bounds.

use super::{at, Attack, Play, Promise};
use crate::populations::Population;
use crate::world::{
    divide, ensure, income, others_keep_the_plain_share, permille, within_the_premium,
};
use plimsoll_mechanism::record::Part;

/// The most identities.
const MOST: u64 = 40;

/// See the module.
pub struct Rerouting;

impl Attack for Rerouting {
    fn name(&self) -> &'static str {
        "rerouting"
    }

    fn promise(&self) -> Promise {
        Promise::Found {
            what: "identities have a threshold each for the same client, so that serving it \
                   through several moves bulk into the fragment pool, as invented clients do",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        let who = population.places(|member| !member.vetted).len() as u64;
        if who == 0 {
            return Vec::new();
        }
        vec![who, MOST, 1_001]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|member| !member.vetted)[at(dials[0])];
        let identities = dials[1] + 1;
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let member = &population.members[who];
        let whole = parts.remove(who);
        let others: u128 = parts.iter().map(|part| part.work.fragment).sum();
        let first = parts.len();
        // A share of each client's work goes round the other identities in equal parts, and
        // so does that share of the bond.
        let mut left = whole;
        for k in 1..identities {
            let clients: Vec<u64> = member
                .clients
                .iter()
                .map(|units| piece(*units, dials[2], identities, k))
                .collect();
            let work = population.work(&clients);
            let bond = permille(whole.bond, dials[2]) / u128::from(identities);
            let fees = whole.fees * work.total() / whole.work.total();
            left.bond -= bond;
            left.fees -= fees;
            parts.push(Part {
                work,
                fees,
                bond,
                ..whole
            });
        }
        let clients: Vec<u64> = member
            .clients
            .iter()
            .map(|units| {
                let away = (1..identities).map(|k| piece(*units, dials[2], identities, k));
                units - away.sum::<u64>()
            })
            .collect();
        left.work = population.work(&clients);
        parts.push(left);

        let after = divide(&population.params, population.reserve, &parts);
        let paid = income(&after, first..parts.len());
        let bounds = others_keep_the_plain_share(&after, others)
            .and_then(|()| {
                parts[first..]
                    .iter()
                    .try_for_each(|part| within_the_premium(&after, part.work))
            })
            .and_then(|()| ensure(paid <= after.division.open_ceiling, || "G4".into()));
        Play::bounded(income(&honest, [who]), paid, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|member| !member.vetted)[at(dials[0])];
        format!(
            "open operator {who} serves each client through {} identities, {}% of the work evenly",
            dials[1] + 1,
            dials[2] / 10
        )
    }
}

/// What of a client's `units` goes to identity `k` of so many.
fn piece(units: u64, share: u64, identities: u64, k: u64) -> u64 {
    let moved = units * share / 1_000;
    // The first ones take what does not divide.
    moved / identities + u64::from(k <= moved % identities && k < identities)
}
