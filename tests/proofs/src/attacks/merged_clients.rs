//! Small clients are handed in as one: their fragments become bulk.
//!
//! A unit of fragment work is never entitled to less than one of bulk, so this looks like a
//! loss. But while the floor binds, what fragments get together is fixed: who has most of
//! the fragments loses little of them by declaring fewer, and gains a share of the bulk.

use super::{at, Attack, Play, Promise};
use crate::populations::Population;
use crate::world::{divide, permille, within_the_premium};

/// See the module.
pub struct MergedClients;

impl Attack for MergedClients {
    fn name(&self) -> &'static str {
        "merged_clients"
    }

    fn promise(&self) -> Promise {
        Promise::Found {
            what: "who has most of the fragments gains by declaring some of them as bulk, \
                   while the floor binds",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        vec![population.places(|_| true).len() as u64, 1_001]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        // Merged clients keep one threshold among them.
        let clients = population.members[who].clients.len() as u128;
        let most = permille(parts[who].work.fragment, dials[1]);
        let kept =
            (parts[who].work.fragment / clients.max(1)).min(u128::from(population.threshold));
        let moved = most.min(parts[who].work.fragment - kept);
        parts[who].work.fragment -= moved;
        parts[who].work.bulk += moved;
        let after = divide(&population.params, population.reserve, &parts);
        let bounds = within_the_premium(&after, parts[who].work);
        Play::of(who, &honest, &after, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!(
            "operator {who} hands small clients in as one, so that {}% of its fragments are bulk",
            dials[1] / 10
        )
    }
}
