//! A flat cap on every identity, without redistribution.

use super::portion::Portion;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;
use plimsoll_mechanism::math::share_down;

/// `r_i = min( E * w_i / W , E * cap / 1e6 )`, each rounded down; what the cap cuts off returns.
///
/// Source: arXiv 2507.02951 proposes a flat cap (on stake, at the 88th percentile) for
/// Bittensor. Here it is a share of the budget.
///
/// **Splitting**: pays. A capped operator that opens a second identity gets up to twice the
/// cap: Ethereum's 32 ETH a validator led to 830,000 validators, many "controlled by a single
/// entity" (EIP-7251).
#[derive(Clone, Copy, Debug)]
pub struct FlatCap {
    /// The cap, as a share of the budget in ppm.
    pub cap: u32,
}

impl Design for FlatCap {
    fn facts(&self) -> Facts {
        Facts {
            id: "flat-cap",
            title: "Flat cap",
            formula: "r = min(E * w / W, cap), the rest returns",
            source: "arXiv 2507.02951, a flat cap for Bittensor",
        }
    }

    fn start(&self, _operators: usize) -> Box<dyn Payer> {
        Box::new(*self)
    }
}

impl Payer for FlatCap {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let plain = Portion::new(epoch.budget, u128::from(epoch.load.total()));
        let cap = share_down(epoch.budget, self.cap);
        let mut left = epoch.budget;
        for (index, pay) in out.iter_mut().enumerate() {
            let amount = plain.of(u128::from(epoch.load.units(index))).min(cap);
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
    fn the_cap_returns_what_it_cuts_off() {
        // Entitled to 700 and 300 of 1,000, at most 500: 200 return.
        let mut case = Case::new(1_000, &[7, 3]);
        let design = FlatCap { cap: 500_000 };
        assert_eq!(case.pay(&design), (vec![500, 300], 200));
    }

    #[test]
    fn a_second_identity_gets_round_the_cap() {
        let mut case = Case::new(1_000, &[4, 3, 3]);
        assert_eq!(
            case.pay(&FlatCap { cap: 500_000 }),
            (vec![400, 300, 300], 0)
        );
    }
}
