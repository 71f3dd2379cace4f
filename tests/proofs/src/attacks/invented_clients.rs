//! A large client's work is spread over clients that do not exist.

use super::{at, Attack, Play, Promise};
use crate::populations::Population;
use crate::world::{divide, others_keep_the_plain_share, within_the_premium};

/// See the module.
pub struct InventedClients;

impl Attack for InventedClients {
    fn name(&self) -> &'static str {
        "invented_clients"
    }

    fn promise(&self) -> Promise {
        Promise::Admitted {
            item: "spreading a large client's work over invented clients moves bulk into the \
                   fragment pool",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        // Who, clients invented for each, and how much of the work goes to them.
        vec![population.places(|_| true).len() as u64, 1_000, 1_001]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let mut clients = Vec::new();
        for units in &population.members[who].clients {
            let moved = units * dials[2] / 1_000;
            let each = moved / (dials[1] + 1);
            if each == 0 {
                clients.push(*units);
                continue;
            }
            clients.extend((0..=dials[1]).map(|_| each));
            clients.push(units - each * (dials[1] + 1));
        }
        parts[who].work = population.work(&clients);
        let others = parts
            .iter()
            .enumerate()
            .filter(|(k, _)| *k != who)
            .map(|(_, part)| part.work.fragment)
            .sum();
        let after = divide(&population.params, population.reserve, &parts);
        let bounds = others_keep_the_plain_share(&after, others)
            .and_then(|()| within_the_premium(&after, parts[who].work));
        Play::of(who, &honest, &after, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!(
            "operator {who} spreads {}% of each client's work over {} invented ones",
            dials[2] / 10,
            dials[1] + 1
        )
    }
}
