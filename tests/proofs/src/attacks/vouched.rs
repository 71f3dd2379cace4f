//! One entity under several names, some of them vetted: the limits of the vouching.

use super::{at, Attack, Play, Promise};
use crate::populations::{Population, FEE};
use crate::world::{divide, ensure, income, permille_of};
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;

/// A vetted operator opens an anonymous identity beside itself.
pub struct VettedAndOpen;

impl Attack for VettedAndOpen {
    fn name(&self) -> &'static str {
        "splitting_vetted_and_open"
    }

    fn promise(&self) -> Promise {
        Promise::Admitted {
            item: "a large operator's real cap is operator_cap + open_ceiling",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        let who = population.places(|member| member.vetted).len() as u64;
        if who == 0 {
            return Vec::new();
        }
        // Who, how much of fragments and of bulk, and the bits of the bond.
        vec![who, 1_001, 1_001, 45]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|member| member.vetted)[at(dials[0])];
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let moved = Work {
            fragment: permille_of(parts[who].work, dials[1]).fragment,
            bulk: permille_of(parts[who].work, dials[2]).bulk,
        };
        parts[who].work.fragment -= moved.fragment;
        parts[who].work.bulk -= moved.bulk;
        parts[who].fees = parts[who].work.total() * FEE;
        parts.push(Part {
            work: moved,
            fees: moved.total() * FEE,
            bond: 1 << dials[3],
            ..Part::default()
        });
        let after = divide(&population.params, population.reserve, &parts);
        let paid = income(&after, [who, parts.len() - 1]);
        let most = after.division.operator_cap + after.division.open_ceiling;
        let bounds = ensure(paid <= most, || format!("G4: {paid} of {most}"));
        Play::bounded(income(&honest, [who]), paid, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|member| member.vetted)[at(dials[0])];
        format!(
            "vetted operator {who} does {}% of its fragments and {}% of its bulk as an open one \
             with a bond of 2^{}",
            dials[1] / 10,
            dials[2] / 10,
            dials[3]
        )
    }
}

/// A vetted operator was vouched for under several names, and works under all of them.
pub struct VouchedTwice;

impl Attack for VouchedTwice {
    fn name(&self) -> &'static str {
        "vouched_twice"
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
        vec![who, 4, 1_001, 1_001]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|member| member.vetted)[at(dials[0])];
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let first = parts.len();
        let whole = parts[who];
        let others = dials[1] + 1;
        for _ in 0..others {
            let share = Work {
                fragment: permille_of(whole.work, dials[2]).fragment / u128::from(others),
                bulk: permille_of(whole.work, dials[3]).bulk / u128::from(others),
            };
            parts[who].work.fragment -= share.fragment;
            parts[who].work.bulk -= share.bulk;
            parts[who].fees -= share.total() * FEE;
            parts.push(Part {
                work: share,
                fees: share.total() * FEE,
                ..whole
            });
        }
        let after = divide(&population.params, population.reserve, &parts);
        let paid = income(&after, (first..parts.len()).chain([who]));
        let most = after.division.operator_cap * u128::from(others + 1);
        let bounds = ensure(paid <= most, || format!("G4: {paid} of {most}"));
        Play::bounded(income(&honest, [who]), paid, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|member| member.vetted)[at(dials[0])];
        format!(
            "vetted operator {who} does {}% of its fragments and {}% of its bulk under {} other names",
            dials[2] / 10,
            dials[3] / 10,
            dials[1] + 1
        )
    }
}
