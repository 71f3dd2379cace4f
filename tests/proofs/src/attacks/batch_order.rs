//! An epoch's work in other batches, other lanes and another order.

use super::{at, Attack, Dice, Play, Promise};
use crate::populations::Population;
use crate::world::{divide, ensure, Desk, LANES};
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::work::Entry;

/// A keeper cuts everybody's work into batches as it likes.
pub struct BatchOrder;

impl Attack for BatchOrder {
    fn name(&self) -> &'static str {
        "batch_order"
    }

    fn promise(&self) -> Promise {
        Promise::Excluded {
            by: "G12",
            within: 0,
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        // Who is to gain, how many batches, and how they are made.
        vec![population.places(|_| true).len() as u64, 9, 1 << 32]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);

        let mut dice = Dice::new(dials[2]);
        let mut desk = Desk::new(population.params, population.reserve, 0);
        let mut batches = vec![Vec::new(); at(dials[1]) + 1];
        for (operator, part) in (0..).zip(&parts) {
            desk.admit(operator, part.vetted, 0);
            let mut left = [part.work.fragment, part.work.bulk, part.fees]
                .map(|figure| u64::try_from(figure).expect("work of a population is small"));
            let last = batches.len() - 1;
            for (k, batch) in batches.iter_mut().enumerate() {
                let [fragment, bulk, fees] = left.map(|left| {
                    if k == last {
                        left
                    } else {
                        dice.below(left + 1)
                    }
                });
                left = [left[0] - fragment, left[1] - bulk, left[2] - fees];
                // An entry with nothing in it is as good as none.
                if fragment + bulk + fees > 0 || dice.below(2) == 0 {
                    batch.push(Entry {
                        operator,
                        fragment,
                        bulk,
                        fees,
                    });
                }
            }
        }
        dice.shuffle(&mut batches);
        for batch in &batches {
            let lane = u32::try_from(dice.below(u64::from(LANES))).expect("few");
            desk.credit(lane, batch)
                .expect("the population's work is far below the limits");
        }
        let credited: Vec<Part> = (0..)
            .zip(&parts)
            .map(|(k, part)| Part::new(&desk.figures(k), 1, part.bond))
            .collect();
        let after = divide(&population.params, population.reserve, &credited);
        let bounds = ensure(after == honest, || "G12: a figure changed".into()).and_then(|()| {
            let record = &desk.record;
            let totals = (record.vetted, record.open);
            ensure(totals == (honest.record.vetted, honest.record.open), || {
                "G12: a total changed".into()
            })
        });
        Play::of(who, &honest, &after, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!("a keeper for operator {who} makes {} batches", dials[1] + 1)
    }
}
