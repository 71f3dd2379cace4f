//! One epoch, from its reserve and its work to what everybody gets.

use super::level::{Level, Participant};
use super::number::{Fraction, Whole};

/// Parts of a whole are per million.
const MILLION: u128 = 1_000_000;

/// Budgets are below `2^96`.
const BUDGET_END: u128 = 1 << 96;

/// The numbers an epoch begins with. Shares are parts per million.
#[derive(Clone, Debug, Default)]
pub struct Epoch {
    /// `R`, base units.
    pub reserve: u128,
    /// Share of the reserve.
    pub rate: u32,
    /// Base units per million work units.
    pub unit_ceiling: Option<u128>,
    /// What fragments are entitled to at least, a share of the budget.
    pub fragment_floor: u32,
    /// How much above the plain rate the floor may lift a unit of fragment work.
    pub fragment_premium: u32,
    /// Cap of a vetted operator, a share of the budget.
    pub operator_cap: u32,
    /// Ceiling of all open ones together, a share of the budget.
    pub open_ceiling: u32,
    /// How far the level may lift anybody above the plain entitlement.
    pub uplift: u32,
    /// Reward for bond of an open operator.
    pub bond_leverage: u32,
    /// Reward for fees.
    pub fee_multiple: Option<u32>,
    /// Everybody.
    pub operators: Vec<Operator>,
}

/// One operator's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// Vetted, or open.
    pub vetted: bool,
    /// `f`, work units.
    pub fragment: u128,
    /// `b`, work units.
    pub bulk: u128,
    /// Base units.
    pub bond: u128,
    /// Base units.
    pub fees: u128,
}

/// What the text says of an epoch. Fractions are base units, exact.
#[derive(Clone, Debug)]
pub struct Opinion<W> {
    /// `E`, rounded down, as the text has it.
    pub budget: W,
    /// `C`, rounded down.
    pub cap: W,
    /// `P`, rounded down.
    pub ceiling: W,
    /// `E_F`.
    pub fragments: Fraction<W>,
    /// `s`, of everybody.
    pub entitlements: Vec<Fraction<W>>,
    /// What the open pool gets as one.
    pub open_pool: Fraction<W>,
    /// `r`, of everybody.
    pub rewards: Vec<Fraction<W>>,
    /// What the level was found from: budget, vetted participants with the open pool last,
    /// and the uplift, for [`Level::certify`].
    pub level: (Level<W>, Vec<Participant<W>>, Fraction<W>),
}

/// What is divided by 10^6: `amount * share / 1e6`, rounded down.
fn part_of<W: Whole>(amount: &W, share: u32) -> W {
    amount
        .times(&W::of(u128::from(share)))
        .over(&W::of(MILLION))
}

impl Epoch {
    fn sum<W: Whole>(&self, figure: impl Fn(&Operator) -> u128) -> W {
        self.operators
            .iter()
            .fold(W::of(0), |sum, o| sum.plus(&W::of(figure(o))))
    }

    /// `E = min( R * rate / 1e6 , (F + B) * unit_ceiling / 1e6 )`, below `2^96`; no work,
    /// no budget.
    pub fn budget<W: Whole>(&self) -> W {
        let work: W = self.sum::<W>(|o| o.fragment).plus(&self.sum(|o| o.bulk));
        if work == W::of(0) {
            return W::of(0);
        }
        let budget = part_of(&W::of(self.reserve), self.rate).min(W::of(BUDGET_END - 1));
        match self.unit_ceiling {
            Some(ceiling) => budget.min(work.times(&W::of(ceiling)).over(&W::of(MILLION))),
            None => budget,
        }
    }

    /// `E_F / E`: the plain share `F / (F + B)`, or the floor, but that only as far as
    /// it pays no more than `premium` times the plain rate.
    pub fn fragment_share<W: Whole>(&self) -> Fraction<W> {
        let (fragment, bulk): (W, W) = (self.sum(|o| o.fragment), self.sum(|o| o.bulk));
        if fragment == W::of(0) {
            return Fraction::whole(W::of(0));
        }
        if bulk == W::of(0) {
            return Fraction::whole(W::of(1));
        }
        let plain = Fraction::new(fragment.clone(), fragment.plus(&bulk)).reduced();
        let ppm = |share: u32| Fraction::new(W::of(u128::from(share)), W::of(MILLION)).reduced();
        let premium = ppm(self.fragment_premium);
        let lifted = Fraction::new(
            plain.top.times(&premium.top),
            plain.bottom.times(&premium.bottom),
        );
        plain.max(ppm(self.fragment_floor).min(lifted)).reduced()
    }

    /// What the text says of all of it.
    pub fn opinion<W: Whole>(&self) -> Opinion<W> {
        let zero = W::of(0);
        let budget: W = self.budget();
        let cap = part_of(&budget, self.operator_cap);
        let ceiling = part_of(&budget, self.open_ceiling);

        // s = E_F * f / F + E_B * b / B, all over one common bottom.
        let share = self.fragment_share::<W>();
        let not_zero = |sum: W| sum.max(W::of(1));
        let fragment = not_zero(self.sum(|o| o.fragment));
        let bulk = not_zero(self.sum(|o| o.bulk));
        let scale = share.bottom.times(&fragment).times(&bulk);
        let for_fragment = budget.times(&share.top).times(&bulk);
        let for_bulk = budget
            .times(&share.bottom.minus(&share.top))
            .times(&fragment);
        let weights: Vec<W> = self
            .operators
            .iter()
            .map(|o| {
                let fragment = W::of(o.fragment).times(&for_fragment);
                fragment.plus(&W::of(o.bulk).times(&for_bulk))
            })
            .collect();
        let open_weight = self
            .operators
            .iter()
            .zip(&weights)
            .filter(|(o, _)| !o.vetted)
            .fold(zero.clone(), |sum, (_, weight)| sum.plus(weight));

        // Every vetted operator, and the open pool as one.
        let participant = |weight: &W, cap: &W| Participant {
            weight: weight.clone(),
            cap: cap.clone(),
        };
        let participants: Vec<_> = self
            .operators
            .iter()
            .zip(&weights)
            .filter(|(o, _)| o.vetted)
            .map(|(_, weight)| participant(weight, &cap))
            .chain([participant(&open_weight, &ceiling)])
            .collect();
        // Nobody gets more than uplift / 1e6 times its plain entitlement.
        let uplift = Fraction::new(W::of(u128::from(self.uplift)), W::of(MILLION)).reduced();
        let uplift = Fraction::new(uplift.top, uplift.bottom.times(&scale));
        let level = Level::find(&budget, &participants, &uplift);

        // What the open pool gets goes to its own by entitlement: a rate for each weight.
        let open_rate = if open_weight == zero {
            Fraction::whole(W::of(0))
        } else {
            let full = Fraction::new(ceiling.clone(), open_weight.clone());
            level.rate.clone().min(full)
        };
        let rewards = self
            .operators
            .iter()
            .zip(&weights)
            .map(|(operator, weight)| {
                let by_work = if operator.vetted {
                    level.gives(&participant(weight, &cap))
                } else {
                    let bond = part_of(&W::of(operator.bond), self.bond_leverage);
                    open_rate.times(weight).min(Fraction::whole(bond))
                };
                match self.fee_multiple {
                    Some(multiple) => {
                        by_work.min(Fraction::whole(part_of(&W::of(operator.fees), multiple)))
                    }
                    None => by_work,
                }
            })
            .collect();
        Opinion {
            fragments: Fraction::new(budget.times(&share.top), share.bottom),
            entitlements: weights
                .iter()
                .map(|weight| Fraction::new(weight.clone(), scale.clone()))
                .collect(),
            open_pool: open_rate.times(&open_weight),
            rewards,
            level: (level, participants, uplift),
            budget,
            cap,
            ceiling,
        }
    }
}
