//! Render's penalty on many nodes in one wallet.

use super::portion::divide;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;

/// Work counts less, the more cards a wallet has beyond three.
///
/// ```text
/// penalty(n) = 1 for n <= 3, else e^(-0.65 * (n - 3))
/// r_i = E * w_i * penalty(cards_i) / sum of all w * penalty           rounded down
/// ```
///
/// A penalty is taken to 2^-60 and rounded down, but at least 2^-60, so that whoever works
/// alone is paid however many cards it has.
///
/// Source: RNP-015 (rendernetwork/RNPs@a7ced77 `RNP-015.md`, `high_node_penalty`, the factor
/// "Centralization Penalty" of availability rewards), meant to reward smaller nodes.
///
/// A wallet is an identity here, a node a card. RNP-015 weighs idle time by benchmark, memory
/// and age; here it weighs work, which is what this comparison has to divide.
///
/// **Splitting**: pays, and RNP-015 says so: nine nodes in one wallet weigh 9 * e^-3.9 = 0.18,
/// in three wallets 9.
#[derive(Clone, Debug)]
pub struct Render {
    /// Penalty by number of cards, in units of 2^-60; the last entry stands for all beyond.
    penalties: Vec<u64>,
}

/// Penalties are in units of 2^-60.
const WHOLE: u64 = 1 << 60;

impl Render {
    /// The rule with so many `free_cards` and `decay` for each card beyond.
    #[must_use]
    pub fn new(free_cards: u32, decay: f64) -> Self {
        let mut penalties = vec![WHOLE; free_cards as usize + 1];
        // A decay of e^-k reaches 2^-60 after 42/k cards; without one nothing ever changes.
        for beyond in 1..=10_000 {
            let factor = libm::exp(-decay * f64::from(beyond));
            let penalty = (factor * WHOLE as f64) as u64;
            penalties.push(penalty.clamp(1, WHOLE));
            if penalty <= 1 {
                break;
            }
        }
        Self { penalties }
    }

    /// The penalty of a wallet with `cards` cards, in units of 2^-60.
    fn penalty(&self, cards: u32) -> u64 {
        let last = self.penalties.len() - 1;
        self.penalties[(cards as usize).min(last)]
    }
}

impl Design for Render {
    fn facts(&self) -> Facts {
        Facts {
            id: "render",
            title: "Render's per-wallet penalty",
            formula: "r by w * e^(-0.65 (cards - 3)) beyond 3 cards a wallet",
            source: "RNP-015, rendernetwork/RNPs@a7ced77",
        }
    }

    fn start(&self, operators: usize) -> Box<dyn Payer> {
        Box::new(State {
            design: self.clone(),
            weights: vec![0; operators],
        })
    }
}

struct State {
    design: Render,
    /// Work after the penalty, in units of 2^-60 work units.
    weights: Vec<u128>,
}

impl Payer for State {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let mut total = 0_u128;
        for (index, (weight, operator)) in self.weights.iter_mut().zip(epoch.operators).enumerate()
        {
            let penalty = u128::from(self.design.penalty(operator.cards));
            // Work of all is a u64, so the sum is below 2^64 * 2^60.
            *weight = u128::from(epoch.load.units(index)) * penalty;
            total += *weight;
        }
        let weights = &self.weights;
        divide(epoch.budget, total, out, |index| weights[index])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    fn published() -> Render {
        Render::new(3, 0.65)
    }

    #[test]
    fn the_penalty_begins_with_the_fourth_card() {
        // e^-0.65 = 0.522046, e^-3.9 = 0.020242.
        let penalty = |cards| published().penalty(cards) as f64 / WHOLE as f64;
        assert_eq!([1, 2, 3].map(penalty), [1.0; 3]);
        assert!((penalty(4) - 0.522_046).abs() < 1e-6);
        assert!((9.0 * penalty(9) - 0.182_18).abs() < 1e-5);
        assert_eq!(published().penalty(u32::MAX), 1, "never nothing");
        // e^-50 is below 2^-60 = e^-41.6 with the first card beyond.
        assert_eq!(Render::new(3, 50.0).penalty(4), 1, "never nothing");
    }

    #[test]
    fn nine_cards_in_one_wallet_earn_a_fiftieth_of_nine_in_three() {
        // Work 9 with nine cards weighs 0.18218, against 9 with one card: 1.984 % of 10,000.
        let mut case = Case::new(10_000, &[9, 9]);
        case.operators[0].cards = 9;
        assert_eq!(case.pay(&published()), (vec![198, 9_801], 1));
        let mut case = Case::new(10_000, &[3, 3, 3, 9]);
        for operator in &mut case.operators[..3] {
            operator.cards = 3;
        }
        assert_eq!(case.pay(&published()).0, [1_666, 1_666, 1_666, 5_000]);
    }
}
