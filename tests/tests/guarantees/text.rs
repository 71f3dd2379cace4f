//! What the text says of an epoch, in exact numbers: nothing here is the crate's.

use crate::plan::Plan;
use num_bigint::BigUint;

/// A million parts.
const PPM: u32 = 1_000_000;

/// `share` ppm of `amount`, rounded down.
pub fn share_of(amount: u128, share: u32) -> BigUint {
    BigUint::from(amount) * share / PPM
}

/// The pools of a plan with a budget.
pub struct Pools {
    /// `F` and `B`.
    pub work: [BigUint; 2],
    /// `X`, and of it `E_F` and `E_B`.
    pub whole: BigUint,
    pub budgets: [BigUint; 2],
}

impl Pools {
    pub fn of(plan: &Plan, budget: u128) -> Self {
        let sum = |of: fn(&crate::plan::Person) -> u64| -> BigUint {
            plan.people.iter().map(|p| BigUint::from(of(p))).sum()
        };
        let (f, b) = (sum(|p| p.fragment), sum(|p| p.bulk));
        let (zero, all) = (BigUint::ZERO, &f + &b);
        let whole = BigUint::from(budget) << 32_u32;
        let fragment = if f == zero {
            zero
        } else if b == zero {
            whole.clone()
        } else {
            let plain = &whole * &f / &all;
            let floor = &whole * plan.params.fragment_floor / PPM;
            let premium = &whole * &f * plan.params.fragment_premium / (&all * PPM);
            plain.max(floor.min(premium))
        };
        Self {
            budgets: [fragment.clone(), &whole - fragment],
            work: [f, b],
            whole,
        }
    }

    /// All work.
    pub fn all(&self) -> BigUint {
        &self.work[0] + &self.work[1]
    }

    /// `s`, each term rounded down by itself.
    pub fn entitlement(&self, fragment: u64, bulk: u64) -> BigUint {
        [fragment, bulk]
            .into_iter()
            .zip(&self.budgets)
            .zip(&self.work)
            .map(|((own, budget), work)| {
                if *work == BigUint::ZERO {
                    BigUint::ZERO
                } else {
                    budget * own / work
                }
            })
            .sum()
    }
}
