//! Lido's Community Staking Module: two tiers.

use super::portion::Portion;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;
use plimsoll_mechanism::math::mul_div_down;

/// The first cards of an identified operator in full, everything else at a lower rate.
///
/// ```text
/// r_i = E * w_i / W * share_i
/// share_i = ( full * min(cards, 16) + base * max(cards - 16, 0) ) / ( full * cards )     vetted
/// share_i = base / full                                                                  others
/// ```
///
/// each quotient rounded down; what a lower rate leaves returns.
///
/// Source: Lido CSM v2: 6 % of staking rewards for validators 1 to 16 of an Identified Community Staker, 3.5 % for its others and for everybody else's. A validator
/// is a card here, an Identified Community Staker whoever a registrar vouches for, and the
/// reward of a validator is the plain entitlement of the work. All cards of an operator share
/// its work alike.
///
/// **Splitting**: an un-vetted operator's rate does not depend on how many identities it has,
/// so splitting gains nothing; a vetted one with more than 16 cards gains by a second *vetted*
/// identity, which is what the identification is for.
#[derive(Clone, Copy, Debug)]
pub struct Csm {
    /// Rate in full, in ppm; at least 1.
    pub full: u32,
    /// Rate of everything else, in ppm; at most `full`.
    pub base: u32,
    /// Cards of a vetted operator that earn in full.
    pub full_cards: u32,
}

impl Csm {
    /// The rate of an operator's work, as a ratio of two numbers.
    fn rate(&self, vetted: bool, cards: u32) -> (u64, u64) {
        let full = u64::from(self.full.max(1));
        let base = u64::from(self.base).min(full);
        let cards = u64::from(cards.max(1));
        let first = if vetted {
            cards.min(u64::from(self.full_cards))
        } else {
            0
        };
        (full * first + base * (cards - first), full * cards)
    }
}

impl Design for Csm {
    fn facts(&self) -> Facts {
        Facts {
            id: "csm",
            title: "Lido CSM, two tiers",
            formula: "r = E * w / W, times 1 for a vetted operator's first 16 cards, 3.5/6 else",
            source: "Lido CSM v2: 6 % for keys 1-16 of the identified, else 3.5 %",
        }
    }

    fn start(&self, _operators: usize) -> Box<dyn Payer> {
        Box::new(*self)
    }
}

impl Payer for Csm {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let plain = Portion::new(epoch.budget, u128::from(epoch.load.total()));
        let mut left = epoch.budget;
        for (index, (pay, operator)) in out.iter_mut().zip(epoch.operators).enumerate() {
            let (rate, whole) = self.rate(operator.vetted, operator.cards);
            let entitled = plain.of(u128::from(epoch.load.units(index)));
            // rate <= whole, so the quotient is at most what it is taken of.
            let amount = mul_div_down(entitled, u128::from(rate), u128::from(whole)).unwrap_or(0);
            *pay = Pay::sure(amount);
            left -= amount;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    #[test]
    fn the_first_cards_of_the_vetted_earn_in_full() {
        // Equal work, 1,200 each. Vetted with 16 cards: all. Vetted with 20: 16 at 6 and 4 at
        // 3.5 over 20 at 6 is 110 / 120, 1,100. Open: 3.5 / 6, 700. The rest is 100 + 500.
        let mut case = Case::new(3_600, &[5, 5, 5]);
        for (operator, (vetted, cards)) in
            case.operators
                .iter_mut()
                .zip([(true, 16), (true, 20), (false, 1)])
        {
            operator.vetted = vetted;
            operator.cards = cards;
        }
        let design = Csm {
            full: 60_000,
            base: 35_000,
            full_cards: 16,
        };
        assert_eq!(case.pay(&design), (vec![1_200, 1_100, 700], 600));
    }
}
