//! Vetted names with a unit of work each, to be lifted by the level.

use super::{at, Attack, Play, Promise};
use crate::populations::{Population, FEE};
use crate::world::{divide, ensure, income, PPM};
use num_bigint::BigUint;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;

/// A vetted operator gives a few units of its work to each of many ghosts.
///
/// Ghosts of an open operator are a case of `splitting`: they gain nothing.
pub struct Ghosts;

impl Attack for Ghosts {
    fn name(&self) -> &'static str {
        "ghosts"
    }

    fn promise(&self) -> Promise {
        Promise::Admitted {
            item: "a cap on a person is only as good as the vouching",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        let who = population.places(|member| member.vetted).len() as u64;
        if who == 0 {
            return Vec::new();
        }
        vec![who, 60, 4, 4]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|member| member.vetted)[at(dials[0])];
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let first = parts.len();
        for _ in 0..=dials[1] {
            let left = &mut parts[who];
            let work = Work {
                fragment: u128::from(dials[2]).min(left.work.fragment),
                bulk: u128::from(dials[3]).min(left.work.bulk),
            };
            left.work.fragment -= work.fragment;
            left.work.bulk -= work.bulk;
            left.fees -= work.total() * FEE;
            parts.push(Part {
                work,
                fees: work.total() * FEE,
                vetted: true,
                ..Part::default()
            });
        }
        let after = divide(&population.params, population.reserve, &parts);
        // Work keeps mattering: the uplift bounds what a ghost gets for its unit.
        let uplift = u128::from(population.params.uplift);
        let bounds = (first..parts.len()).try_for_each(|ghost| {
            let entitled = after.division.pools.entitlement(parts[ghost].work);
            let paid = after.rewards[ghost].amount;
            let lifted = (BigUint::from(entitled) * uplift) >> 32_u32;
            ensure(BigUint::from(paid) * PPM <= lifted + PPM, || {
                format!("a ghost gets {paid} for {:?}", parts[ghost].work)
            })
        });
        Play::bounded(
            income(&honest, [who]),
            income(&after, (first..parts.len()).chain([who])),
            bounds,
        )
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|member| member.vetted)[at(dials[0])];
        format!(
            "vetted operator {who} gives {} fragment and {} bulk units to each of {} vouched ghosts",
            dials[2],
            dials[3],
            dials[1] + 1
        )
    }
}
