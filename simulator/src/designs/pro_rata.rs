//! Pro rata by work: the rule that splitting, merging and colluding cannot beat.

use super::portion::divide;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;

/// `r_i = E * w_i / W`, rounded down.
///
/// Source: X. Chen, C. Papadimitriou and T. Roughgarden, "An Axiomatic Approach to Block
/// Rewards", AFT 2019 (arXiv 1909.10645): the only rule that is anonymous, spends its whole
/// budget, and gains nothing by splitting or merging.
///
/// **Splitting**: gains nothing, up to a unit of rounding.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProRata;

impl Design for ProRata {
    fn facts(&self) -> Facts {
        Facts {
            id: "pro-rata",
            title: "Pro rata by work",
            formula: "r = E * w / W",
            source: "Chen, Papadimitriou, Roughgarden, AFT 2019",
        }
    }

    fn start(&self, _operators: usize) -> Box<dyn Payer> {
        Box::new(*self)
    }
}

impl Payer for ProRata {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let total = u128::from(epoch.load.total());
        divide(epoch.budget, total, out, |index| {
            u128::from(epoch.load.units(index))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    #[test]
    fn pay_follows_work() {
        // 100 over work 1 : 2 : 4 is 14.28, 28.57, 57.14: rounded down, one is left.
        let mut case = Case::new(100, &[1, 2, 4]);
        let (paid, returned) = case.pay(&ProRata);
        assert_eq!((paid, returned), (vec![14, 28, 57], 1));
    }
}
