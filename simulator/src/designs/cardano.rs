//! Cardano: saturation, with a bonus for the pledge; and the same under CIP-50.

use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;
use crate::world::Operator;
use plimsoll_mechanism::math::{mul_div_down, share_down, PPM};

/// A pool earns by its stake up to one `k`-th of all stake, and more with a pledge.
///
/// ```text
/// z = 1/k,  s' = min(stake, z),  p' = min(pledge, z)              as shares of all stake
/// r = R / (1 + a0) * ( s' + p' * a0 * (s' - p' * (1 - s'/z)) / z )
/// CIP-50: s' = min(stake, L * pledge, z)
/// ```
///
/// Here in whole base units of stake `S'`, `P'` and `Z = S / k`; `R / (1 + a0)`, each quotient of
/// the bonus, and each reward are rounded down, and what is subtracted is rounded up. What
/// saturation cuts off, and what nobody's pledge earns, returns.
///
/// Source: the code of L. Bruenjes, A. Kiayias, E. Koutsoupias and A. Stouka, "Reward Sharing
/// Schemes for Stake Pools", EuroS&P 2020 (Rewards-Sharing-Simulation-Engine
/// `logic/reward_schemes.py`); k = 500, a0 = 0.3. CIP-50 (cardano-foundation/CIPs@eb451034).
///
/// A pool is an operator, its stake and pledge the operator's stake and bond. All stake is that
/// of everybody who is switched on (in Cardano: of the whole supply). Blocks are drawn by stake
/// and a pool that misses its own earns less; here whoever did any work has performed, and
/// whoever did none earns nothing. How much work does not count.
///
/// **Splitting**: pays without CIP-50. 473 pools without pledge hold 2.74 billion ADA, and
/// fewer than 30 entities more than half of all stake. Under CIP-50 "splitting yields no gain
/// under a fixed pledge budget".
#[derive(Clone, Copy, Debug)]
pub struct Cardano {
    /// Number of pools that is wanted; at least 1.
    pub k: u32,
    /// Influence of the pledge, in ppm.
    pub a0: u32,
    /// CIP-50's `L`, if it is in force.
    pub leverage: Option<u32>,
}

impl Cardano {
    /// `s' + bonus` of a pool, in base units of stake; `z` is the saturation in the same.
    fn weight(&self, operator: &Operator, z: u128) -> u128 {
        if z == 0 {
            return 0;
        }
        // A pledge is part of the stake.
        let pledge = operator.bond.min(operator.stake);
        let mut stake = operator.stake.min(z);
        if let Some(leverage) = self.leverage {
            stake = stake.min(pledge.saturating_mul(u128::from(leverage)));
        }
        let pledge = pledge.min(z);
        // stake and pledge are at most z, so each quotient is at most its first factor.
        let lost = pledge - mul_div_down(pledge, stake, z).unwrap_or(0);
        let bonus = mul_div_down(stake.saturating_sub(lost), pledge, z).unwrap_or(0);
        stake + share_down(bonus, self.a0)
    }
}

impl Design for Cardano {
    fn facts(&self) -> Facts {
        if self.leverage.is_some() {
            Facts {
                id: "cardano-cip50",
                title: "Cardano with CIP-50",
                formula: "as Cardano, with s' = min(stake, L * pledge, 1/k)",
                source: "CIP-50, cardano-foundation/CIPs@eb451034",
            }
        } else {
            Facts {
                id: "cardano",
                title: "Cardano's saturation with pledge",
                formula: "r = E/(1+a0) * (s' + p' a0 (s' - p' (1 - s'k)) k), s' = min(s, 1/k)",
                source: "Bruenjes et al., Reward Sharing Schemes, EuroS&P 2020",
            }
        }
    }

    fn start(&self, _operators: usize) -> Box<dyn Payer> {
        Box::new(*self)
    }
}

impl Payer for Cardano {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let total: u128 = epoch
            .operators
            .iter()
            .zip(epoch.active)
            .filter(|(_, active)| **active)
            .map(|(operator, _)| operator.stake)
            .sum();
        let saturation = total / u128::from(self.k.max(1));
        let whole = u128::from(PPM);
        let pot = mul_div_down(epoch.budget, whole, whole + u128::from(self.a0)).unwrap_or(0);
        let mut left = epoch.budget;
        for (index, (pay, operator)) in out.iter_mut().zip(epoch.operators).enumerate() {
            let performed = epoch.active[index] && epoch.load.units(index) > 0;
            let amount = if performed {
                // At most stake * (1 + a0), so that all together are at most the budget.
                let weight = self.weight(operator, saturation);
                mul_div_down(pot, weight, total).unwrap_or(0)
            } else {
                0
            };
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

    const PUBLISHED: Cardano = Cardano {
        k: 4,
        a0: 300_000,
        leverage: None,
    };

    #[test]
    fn a_saturated_pool_earns_no_more_and_a_pledge_earns_a_bonus() {
        // All stake 400, k 4: saturated at 100. Budget 5,200, so R / 1.3 = 4,000: 10 a unit.
        let mut case = Case::new(5_200, &[1, 1, 1]);
        case.stakes(&[250, 100, 50]);
        // Nobody pledged: 100, 100 and 50 count.
        assert_eq!(case.pay(&PUBLISHED), (vec![1_000, 1_000, 500], 2_700));
        // A pledge of 100 on a saturated pool: 100 + 0.3 * 100 = 130. A pledge of 40 on the
        // small one: 40 * (1 - 1/2) = 20 is lost of 50, (50 - 20) * 40/100 = 12, times 0.3 is
        // 3.6, rounded down: 53.
        case.bonds(&[0, 100, 40]);
        assert_eq!(case.pay(&PUBLISHED), (vec![1_000, 1_300, 530], 2_370));
        // A pledge above the saturation counts up to it, and only as far as it is staked.
        case.bonds(&[250, 999, 40]);
        assert_eq!(case.pay(&PUBLISHED), (vec![1_300, 1_300, 530], 2_070));
    }

    #[test]
    fn splitting_pays_without_and_not_with_cip50() {
        // 250 of 400 staked, pledge 10. One pool counts for 100; split into 125 and 125 it
        // counts for 200, pledge or not.
        let one = |stakes: &[u128], bonds: &[u128], leverage| {
            let mut case = Case::new(5_200, &vec![1; stakes.len()]);
            case.stakes(stakes);
            case.bonds(bonds);
            let (paid, _) = case.pay(&Cardano {
                leverage,
                a0: 0,
                ..PUBLISHED
            });
            paid
        };
        assert_eq!(one(&[250, 150], &[10, 0], None)[0], 1_300);
        assert_eq!(one(&[125, 125, 150], &[5, 5, 0], None)[..2], [1_300; 2]);
        // With L = 8 the pledge of 10 carries 80, whole or in halves: 80 * 13.
        assert_eq!(one(&[250, 150], &[10, 0], Some(8)), [1_040, 0]);
        assert_eq!(one(&[125, 125, 150], &[5, 5, 0], Some(8)), [520, 520, 0]);
    }

    #[test]
    fn whoever_did_not_work_earns_nothing() {
        let mut case = Case::new(5_200, &[1, 0, 0]);
        case.stakes(&[20, 180, 200]);
        case.active[2] = false;
        // All stake that is switched on is 200: saturated at 50, and 4,000 * 20 / 200.
        assert_eq!(case.pay(&PUBLISHED), (vec![400, 0, 0], 4_800));
    }
}
