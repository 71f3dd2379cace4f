//! Jobs cut into pieces, merged, and handed in in any order and in many batches.

use super::{at, Attack, Dice, Play, Promise};
use crate::populations::{Population, FEE};
use crate::world::{divide, Desk, LANES};
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::work::Entry;

/// A journal counts each client's units as they come, and each batch credits what the
/// journal has more than before.
pub struct JobCutting;

impl Attack for JobCutting {
    fn name(&self) -> &'static str {
        "job_cutting"
    }

    fn promise(&self) -> Promise {
        Promise::Excluded {
            by: "G8",
            within: 0,
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        // Who, pieces of each client's work, how uneven, and the order.
        vec![population.places(|_| true).len() as u64, 12, 64, 1 << 32]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);

        let mut dice = Dice::new(dials[3]);
        let mut jobs: Vec<(usize, u64)> = Vec::new();
        for (client, units) in population.members[who].clients.iter().enumerate() {
            let mut left = *units;
            for _ in 0..dials[1] {
                // Down to single units and up to nearly all that is left.
                let most = (left >> dice.below(dials[2] + 1).min(63)).max(1);
                let job = dice.below(most + 1).min(left);
                left -= job;
                jobs.push((client, job));
            }
            jobs.push((client, left));
        }
        dice.shuffle(&mut jobs);

        let mut desk = Desk::new(population.params, population.reserve, 0);
        desk.admit(0, population.members[who].vetted, 0);
        let mut journal = vec![0_u64; population.members[who].clients.len()];
        let threshold = u128::from(population.threshold);
        for (client, job) in jobs {
            let of = |units: u64| Work::of_client(u128::from(units), threshold);
            let before = of(journal[client]);
            journal[client] += job;
            let more = of(journal[client])
                .checked_sub(&before)
                .expect("a journal only grows");
            let narrow = |figure: u128| u64::try_from(figure).expect("jobs are small");
            let entry = Entry {
                operator: 0,
                fragment: narrow(more.fragment),
                bulk: narrow(more.bulk),
                fees: job * narrow(FEE),
            };
            let lane = u32::try_from(dice.below(u64::from(LANES))).expect("few");
            desk.credit(lane, &[entry])
                .expect("the population's work is far below the limits");
        }
        let bond = parts[who].bond;
        parts[who] = Part::new(&desk.figures(0), 1, bond);
        let after = divide(&population.params, population.reserve, &parts);
        // Everybody's figures are the same, not only the attacker's.
        let bounds = if after == honest {
            Ok(())
        } else {
            Err("G8: a figure changed".to_string())
        };
        Play::of(who, &honest, &after, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!(
            "operator {who} cuts each client's work into {} jobs",
            dials[1] + 1
        )
    }
}
