//! One epoch's record: what it was credited, how it was settled, what is left.
//!
//! A record begins with the first batch of its epoch and takes everything it
//! needs with it (the parameters and the reserve at the start of the epoch), so
//! that settling and booking read nothing else, however late they come.

use crate::budget::budget;
use crate::level::Level;
use crate::math::share_down;
use crate::params::Params;
use crate::pools::{Pools, Work};
use crate::reward::{self, Reward};
use crate::work::{Credit, Figures};
use alloc::vec::Vec;

/// The most lanes a deployment may choose: the sequence numbers of all lanes of
/// an epoch live in its record.
pub const MAX_LANES: u32 = 16;

/// One epoch, from its first batch on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Record {
    /// The parameters that stood at the start of the epoch.
    pub params: Params,
    /// What had entered the reserve before the epoch began, in base units.
    pub entered_before: u128,
    /// Work of all vetted operators.
    pub vetted: Work,
    /// Work of all open operators.
    pub open: Work,
    /// Next sequence number of each lane.
    next_seq: Vec<u32>,
    /// Set once the epoch is settled.
    pub settlement: Option<Settlement>,
}

/// What settling fixed and raising moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Settlement {
    /// Clock time of the settlement, in ms; the level window begins with it.
    pub at: u64,
    /// `E`, in base units.
    pub budget: u128,
    /// The level `N / D`.
    pub level: Level,
    /// Whether the open pool was raised to its ceiling.
    pub open_raised: bool,
    /// Whether what nobody is entitled to has returned to the reserve.
    pub closed: bool,
    /// What is still to be booked (and rounding dust), in base units.
    pub pot: u128,
}

/// The figures of an epoch that follow from its totals and its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// The two pools.
    pub pools: Pools,
    /// `C`, the cap of a vetted operator, in base units.
    pub operator_cap: u128,
    /// `P`, the ceiling of the open pool, in base units.
    pub open_ceiling: u128,
    /// `S_V`, the weight of all vetted operators, in units of 2^-32.
    pub vetted_weight: u128,
    /// `S_O`, the weight of the open pool, in units of 2^-32.
    pub open_weight: u128,
}

impl Division {
    /// Divides `budget` over the work of the two tiers.
    #[must_use]
    pub fn new(params: &Params, budget: u128, vetted: Work, open: Work) -> Self {
        let work = Work {
            fragment: vetted.fragment.saturating_add(open.fragment),
            bulk: vetted.bulk.saturating_add(open.bulk),
        };
        let pools = Pools::divide(params, budget, work);
        Self {
            pools,
            operator_cap: share_down(budget, params.operator_cap),
            open_ceiling: share_down(budget, params.open_ceiling),
            vetted_weight: pools.entitlement(vetted),
            open_weight: pools.entitlement(open),
        }
    }

    /// The level before anybody is raised: all of the budget over the weight of
    /// everybody who has a cap; whoever has none takes no part.
    #[must_use]
    pub fn level(&self, budget: u128) -> Level {
        let vetted = if self.operator_cap > 0 {
            self.vetted_weight
        } else {
            0
        };
        let open = if self.open_ceiling > 0 {
            self.open_weight
        } else {
            0
        };
        Level {
            numerator: budget,
            denominator: vetted.saturating_add(open),
        }
    }
}

/// One operator's part in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its work.
    pub work: Work,
    /// What clients paid for that work, in base units.
    pub fees: u128,
    /// The tier in which it counts: vetted or open.
    pub vetted: bool,
    /// Whether it was raised to its cap.
    pub raised: bool,
    /// The bond that counts in the epoch, in base units; matters in the open tier only.
    pub bond: u128,
}

impl Part {
    /// The part of an operator with packed `figures`, fees at `fee_unit` base
    /// units each and a bond of `bond` base units.
    #[must_use]
    pub fn new(figures: &Figures, fee_unit: u128, bond: u128) -> Self {
        Self {
            work: figures.work(),
            fees: u128::from(figures.fees).saturating_mul(fee_unit),
            vetted: figures.vetted,
            raised: figures.raised,
            bond,
        }
    }
}

/// Why a record refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// A sum would leave its range. Work figures are below 2^46 and operators below
    /// 2^24, so no sequence of batches reaches it.
    Overflow,
    /// There is no such lane.
    UnknownLane,
    /// What is to be taken out of the totals is not in them.
    NotInTotals,
    /// The epoch has no settlement.
    NotSettled,
    /// The pot does not have as much.
    NotInPot,
}

impl Record {
    /// The record of an epoch that begins with its first batch: the parameters at
    /// its start, what had entered the reserve before, and the number of lanes.
    #[must_use]
    pub fn new(params: Params, entered_before: u128, lanes: u32) -> Self {
        Self {
            params,
            entered_before,
            vetted: Work::default(),
            open: Work::default(),
            next_seq: alloc::vec![0; lanes.min(MAX_LANES) as usize],
            settlement: None,
        }
    }

    /// The sequence number that the next batch of `lane` must carry; `None` for an
    /// unknown lane.
    #[must_use]
    pub fn next_seq(&self, lane: u32) -> Option<u32> {
        self.next_seq.get(lane as usize).copied()
    }

    /// Counts a batch of `lane` and adds what it credited.
    ///
    /// # Errors
    /// [`RecordError::UnknownLane`], [`RecordError::Overflow`].
    pub fn add(&mut self, lane: u32, credit: &Credit) -> Result<(), RecordError> {
        let seq = self
            .next_seq
            .get_mut(lane as usize)
            .ok_or(RecordError::UnknownLane)?;
        *seq = seq.checked_add(1).ok_or(RecordError::Overflow)?;
        self.vetted = self
            .vetted
            .checked_add(&credit.vetted)
            .ok_or(RecordError::Overflow)?;
        self.open = self
            .open
            .checked_add(&credit.open)
            .ok_or(RecordError::Overflow)?;
        Ok(())
    }

    /// Removes a struck operator's work from the totals.
    ///
    /// # Errors
    /// [`RecordError::NotInTotals`].
    pub fn strike(&mut self, figures: &Figures) -> Result<(), RecordError> {
        let total = if figures.vetted {
            &mut self.vetted
        } else {
            &mut self.open
        };
        *total = total
            .checked_sub(&figures.work())
            .ok_or(RecordError::NotInTotals)?;
        Ok(())
    }

    /// All work of the epoch.
    #[must_use]
    pub fn work(&self) -> Work {
        Work {
            fragment: self.vetted.fragment.saturating_add(self.open.fragment),
            bulk: self.vetted.bulk.saturating_add(self.open.bulk),
        }
    }

    /// The budget that the epoch gets when everything emitted for earlier epochs
    /// is `emitted`, in base units.
    #[must_use]
    pub fn budget(&self, emitted: u128) -> u128 {
        let reserve = self.entered_before.saturating_sub(emitted);
        budget(&self.params, reserve, self.work().total())
    }

    /// The figures that follow from `budget`.
    #[must_use]
    pub fn division(&self, budget: u128) -> Division {
        Division::new(&self.params, budget, self.vetted, self.open)
    }

    /// Settles the epoch with `budget` at clock time `at` (ms).
    pub fn settle(&mut self, budget: u128, at: u64) {
        self.settlement = Some(Settlement {
            at,
            budget,
            level: self.division(budget).level(budget),
            open_raised: false,
            closed: false,
            pot: budget,
        });
    }

    /// Raises the open pool if it is eligible.
    pub fn raise_open(&mut self) -> bool {
        let uplift = self.params.uplift;
        let Some((division, settlement)) = self.settled_mut() else {
            return false;
        };
        let raised = !settlement.open_raised
            && settlement
                .level
                .raise(division.open_weight, division.open_ceiling, uplift);
        settlement.open_raised |= raised;
        raised
    }

    /// Raises a vetted operator with this work, not raised before, if it is
    /// eligible. An open operator never is by itself.
    #[must_use]
    pub fn raise(&mut self, work: Work) -> bool {
        let uplift = self.params.uplift;
        let Some((division, settlement)) = self.settled_mut() else {
            return false;
        };
        let weight = division.pools.entitlement(work);
        settlement
            .level
            .raise(weight, division.operator_cap, uplift)
    }

    /// Once the level is final: returns, once, what nobody is entitled to, which
    /// is `N - N'` and the open pool's own leftover. Base units.
    pub fn close(&mut self) -> u128 {
        let uplift = self.params.uplift;
        let Some((division, settlement)) = self.settled_mut() else {
            return 0;
        };
        if settlement.closed {
            return 0;
        }
        settlement.closed = true;
        let level = settlement.level;
        let unused = level.numerator - level.used(uplift);
        let (set_aside, reward) = open_pool(&division, settlement, uplift);
        let leftover = unused.saturating_add(set_aside - reward);
        // What is set aside for all is at most N' plus the caps of the raised, so the
        // pot always has the leftover.
        let leftover = leftover.min(settlement.pot);
        settlement.pot -= leftover;
        leftover
    }

    /// `Q`, what the open pool as a whole gets at the level as it stands, in base units.
    #[must_use]
    pub fn open_reward(&self) -> u128 {
        self.settled().map_or(0, |(division, settlement)| {
            open_pool(&division, &settlement, self.params.uplift).1
        })
    }

    /// The reward of an operator with this part, at the level as it stands;
    /// nothing before the epoch is settled.
    #[must_use]
    pub fn reward(&self, part: &Part) -> Reward {
        let Some((division, settlement)) = self.settled() else {
            return Reward::default();
        };
        reward_at(&self.params, &division, &settlement, part)
    }

    /// Takes a booked reward, and what returns with it, out of the pot.
    ///
    /// # Errors
    /// [`RecordError::NotSettled`], [`RecordError::NotInPot`].
    pub fn book(&mut self, reward: &Reward) -> Result<(), RecordError> {
        let settlement = self.settlement.as_mut().ok_or(RecordError::NotSettled)?;
        let taken = reward
            .amount
            .checked_add(reward.returned)
            .ok_or(RecordError::NotInPot)?;
        settlement.pot = settlement
            .pot
            .checked_sub(taken)
            .ok_or(RecordError::NotInPot)?;
        Ok(())
    }

    /// The division and settlement of a settled epoch.
    #[must_use]
    pub fn settled(&self) -> Option<(Division, Settlement)> {
        let settlement = self.settlement?;
        Some((self.division(settlement.budget), settlement))
    }

    fn settled_mut(&mut self) -> Option<(Division, &mut Settlement)> {
        let budget = self.settlement?.budget;
        let division = self.division(budget);
        Some((division, self.settlement.as_mut()?))
    }
}

/// The reward of an operator with `part` in a settled epoch, at its level as it
/// stands. For many operators of one epoch: [`Record::settled`] is taken once.
#[must_use]
pub fn reward_at(
    params: &Params,
    division: &Division,
    settlement: &Settlement,
    part: &Part,
) -> Reward {
    let weight = division.pools.entitlement(part.work);
    if part.vetted {
        let cap = division.operator_cap;
        let set_aside = if part.raised {
            cap
        } else if cap == 0 {
            0
        } else {
            settlement.level.set_aside(weight, params.uplift)
        };
        reward::vetted(params, set_aside, cap, part.fees)
    } else {
        let pool = open_pool(division, settlement, params.uplift).1;
        let pool_weight = division.open_weight;
        reward::open(params, weight, pool_weight, pool, part.bond, part.fees)
    }
}

/// What the pot sets aside for the open pool, and what of it the pool gets.
fn open_pool(division: &Division, settlement: &Settlement, uplift: u32) -> (u128, u128) {
    let ceiling = division.open_ceiling;
    if settlement.open_raised {
        return (ceiling, ceiling);
    }
    if ceiling == 0 {
        return (0, 0);
    }
    let set_aside = settlement.level.set_aside(division.open_weight, uplift);
    (set_aside, set_aside.min(ceiling))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::PPM;
    use crate::params::tests::PARAMS;

    fn record(vetted: u128, open: u128, params: Params) -> Record {
        let mut record = Record::new(params, 1_000_000, 1);
        let credit = Credit {
            vetted: Work {
                fragment: vetted,
                bulk: 0,
            },
            open: Work {
                fragment: open,
                bulk: 0,
            },
            ..Credit::default()
        };
        record.add(0, &credit).expect("small");
        record
    }

    fn part(units: u128, vetted: bool, bond: u128) -> Part {
        Part {
            work: Work {
                fragment: units,
                bulk: 0,
            },
            vetted,
            bond,
            ..Part::default()
        }
    }

    #[test]
    fn an_operator_at_its_cap_leaves_the_rest_to_the_small() {
        let params = Params {
            operator_cap: 400_000,
            ..PARAMS
        };
        let mut record = record(100, 0, params);
        let budget = record.budget(0);
        assert_eq!(budget, 10_000);
        record.settle(budget, 7);
        let (mut large, mut small) = (part(80, true, 0), part(20, true, 0));
        assert!(!record.raise(small.work));
        large.raised = record.raise(large.work);
        assert!(large.raised);
        // The excess lifts the small one threefold, so far that it reaches its cap.
        small.raised = record.raise(small.work);
        assert!(small.raised);
        assert_eq!([large, small].map(|p| record.reward(&p).amount), [4_000; 2]);
        // With nobody left, what is not needed returns to the reserve.
        assert_eq!(record.close(), 2_000);
        assert_eq!(record.close(), 0);
        for part in [large, small] {
            record.book(&record.reward(&part)).expect("in the pot");
        }
        assert_eq!(record.settlement.expect("settled").pot, 0);
    }

    #[test]
    fn the_open_pool_gets_at_most_its_ceiling() {
        let params = Params {
            bond_leverage: PPM,
            ..PARAMS
        };
        let mut record = record(0, 100, params);
        record.settle(10_000, 7);
        assert!(record.raise_open());
        assert!(!record.raise_open(), "once");
        assert_eq!(record.open_reward(), 1_500);
        assert_eq!(record.close(), 8_500);
        assert_eq!(record.reward(&part(50, false, 1_000)).amount, 750);
        assert_eq!(record.reward(&part(50, false, 10)).amount, 10);
    }

    #[test]
    fn a_tier_without_a_cap_takes_no_part() {
        let params = Params {
            open_ceiling: 0,
            operator_cap: PPM,
            ..PARAMS
        };
        let mut record = record(50, 50, params);
        record.settle(10_000, 7);
        assert_eq!(record.reward(&part(50, false, 1_000_000)).amount, 0);
        assert!(record.raise(part(50, true, 0).work));
        assert_eq!(record.close(), 0);
    }

    #[test]
    fn a_struck_operator_stays_with_nothing() {
        let mut record = record(100, 0, PARAMS);
        let figures = Figures {
            fragment: 80,
            vetted: true,
            ..Figures::default()
        };
        record.strike(&figures).expect("in the totals");
        assert_eq!(record.work().total(), 20);
        assert_eq!(record.strike(&figures), Err(RecordError::NotInTotals));
    }
}
