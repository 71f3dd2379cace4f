//! By stake, for whoever is switched on.

use super::portion::divide;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;

/// `r_i = E * S_i / S`, rounded down: the stake of `i` over that of all who are switched on.
///
/// Source: the inflation of Livepeer goes to orchestrators by stake when they call `reward()`
/// (LIP-100: 2 to 36 % a year; LIP-118: "skipping a round permanently forfeits"). Bittensor's
/// comes near it: "overwhelmingly driven by stake" (arXiv 2507.02951). How much work was done
/// does not count; that there is a budget depends on work as in the other designs.
///
/// **Splitting**: gains nothing. Capital without work earns as much as with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stake;

impl Design for Stake {
    fn facts(&self) -> Facts {
        Facts {
            id: "stake",
            title: "By stake",
            formula: "r = E * stake / all stake that is switched on",
            source: "Livepeer's inflation, LIP-100",
        }
    }

    fn start(&self, _operators: usize) -> Box<dyn Payer> {
        Box::new(*self)
    }
}

impl Payer for Stake {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let stake = |index: usize| {
            if epoch.active[index] {
                epoch.operators[index].stake
            } else {
                0
            }
        };
        let total = (0..out.len()).map(stake).sum();
        divide(epoch.budget, total, out, stake)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    #[test]
    fn pay_follows_the_stake_of_whoever_is_switched_on() {
        // Stakes 10, 30 and 60, the last one switched off: 10/40 and 30/40 of 100.
        let mut case = Case::new(100, &[99, 1, 0]);
        case.stakes(&[10, 30, 60]);
        case.active[2] = false;
        assert_eq!(case.pay(&Stake), (vec![25, 75, 0], 0));
    }
}
