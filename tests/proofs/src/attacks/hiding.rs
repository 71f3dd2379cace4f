//! Work that is done and not handed in.

use super::{at, Attack, Play, Promise};
use crate::populations::{Population, FEE};
use crate::world::{divide, ensure, income, permille};

/// An operator hands in less than it did.
pub struct Hiding;

impl Attack for Hiding {
    fn name(&self) -> &'static str {
        "hiding"
    }

    fn promise(&self) -> Promise {
        Promise::Excluded {
            by: "G10",
            within: 1,
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        // Who, and of fragments and of bulk a share and some units.
        vec![
            population.places(|_| true).len() as u64,
            1_001,
            1_001,
            50,
            50,
        ]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let hide = |figure: u128, share: u64, units: u64| {
            (figure - permille(figure, share)).saturating_sub(u128::from(units))
        };
        let work = &mut parts[who].work;
        let before = work.total();
        work.fragment = hide(work.fragment, dials[1], dials[3]);
        work.bulk = hide(work.bulk, dials[2], dials[4]);
        let hidden = before - work.total();
        parts[who].fees -= hidden * FEE;
        let after = divide(&population.params, population.reserve, &parts);
        Play::new(honest.rewards[who].amount, after.rewards[who].amount)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!(
            "operator {who} hides {}% and {} units of its fragments, {}% and {} units of its bulk",
            dials[1] / 10,
            dials[3],
            dials[2] / 10,
            dials[4]
        )
    }
}

/// An operator hides work for the sake of another one: what both get is the profit.
pub struct HidingForAFriend;

impl Attack for HidingForAFriend {
    fn name(&self) -> &'static str {
        "hiding_for_a_friend"
    }

    fn promise(&self) -> Promise {
        Promise::Found {
            what: "work that earns its worker nothing more (at its cap, or without bond) dilutes \
                   others, and whoever has two names can spare one of them that",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        let all = population.places(|_| true).len() as u64;
        vec![all, all, 1_001, 1_001]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let places = population.places(|_| true);
        let (who, friend) = (places[at(dials[0])], places[at(dials[1])]);
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let work = &mut parts[who].work;
        let before = work.total();
        work.fragment -= permille(work.fragment, dials[2]);
        work.bulk -= permille(work.bulk, dials[3]);
        let hidden = before - work.total();
        parts[who].fees -= hidden * FEE;
        let after = divide(&population.params, population.reserve, &parts);
        let pair = || {
            [who, friend]
                .into_iter()
                .take(if who == friend { 1 } else { 2 })
        };
        // The hider by itself is covered by G10.
        let (had, has) = (honest.rewards[who].amount, after.rewards[who].amount);
        let bounds = ensure(has <= had + 1, || format!("G10: {has} after {had}"));
        Play::bounded(income(&honest, pair()), income(&after, pair()), bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let places = population.places(|_| true);
        format!(
            "operator {} hides {}% of its fragments and {}% of its bulk for operator {}",
            places[at(dials[0])],
            dials[2] / 10,
            dials[3] / 10,
            places[at(dials[1])]
        )
    }
}
