//! An epoch to pay in tests.

use super::{Design, Epoch, Pay, Payer};
use crate::random::{generator, Purpose};
use crate::world::{Load, Operator};
use plimsoll_mechanism::params::Params;

/// Parameters within their bounds.
pub const PARAMS: Params = Params {
    rate: 10_000,
    unit_ceiling: None,
    fee_multiple: None,
    fragment_floor: 400_000,
    fragment_premium: 4_000_000,
    operator_cap: 20_000,
    open_ceiling: 150_000,
    uplift: 4_000_000,
    bond_leverage: 10_000,
    liquid_share: 250_000,
    liquid_allowance: 100_000,
};

/// An operator with one card and no stake, vetted.
pub fn operator() -> Operator {
    Operator {
        owner: 0,
        class: 0,
        country: 0,
        cards: 1,
        vetted: true,
        channel: false,
        stake: 0,
        bond: 0,
        electricity: 0.0,
        capacity: 0.0,
    }
}

/// An epoch, and who takes part.
#[derive(Clone, Debug)]
pub struct Case {
    pub number: u32,
    pub budget: u128,
    pub operators: Vec<Operator>,
    pub active: Vec<bool>,
    pub load: Load,
    pub market_price: u128,
    /// What was expected when it was last paid.
    pub expected: Vec<u128>,
}

impl Case {
    /// An epoch of `budget` in which everybody is switched on and did so many `units`, all of
    /// them bulk work in one job.
    pub fn new(budget: u128, units: &[u64]) -> Self {
        let mut load = Load::idle(units.len());
        load.bulk.copy_from_slice(units);
        for (jobs, units) in load.jobs.iter_mut().zip(units) {
            *jobs = u64::from(*units > 0);
        }
        Self {
            number: 0,
            budget,
            operators: vec![operator(); units.len()],
            active: vec![true; units.len()],
            load,
            market_price: 1_000_000,
            expected: Vec::new(),
        }
    }

    pub fn stakes(&mut self, stakes: &[u128]) {
        for (operator, stake) in self.operators.iter_mut().zip(stakes) {
            operator.stake = *stake;
        }
    }

    pub fn bonds(&mut self, bonds: &[u128]) {
        for (operator, bond) in self.operators.iter_mut().zip(bonds) {
            operator.bond = *bond;
        }
    }

    /// Amounts and what returns, by a payer that starts with this epoch.
    pub fn pay(&mut self, design: &dyn Design) -> (Vec<u128>, u128) {
        self.pay_by(&mut *design.start(self.operators.len()))
    }

    /// Amounts and what returns, by a payer at work.
    pub fn pay_by(&mut self, payer: &mut dyn Payer) -> (Vec<u128>, u128) {
        let epoch = Epoch {
            number: self.number,
            budget: self.budget,
            operators: &self.operators,
            active: &self.active,
            load: &self.load,
            market_price: self.market_price,
        };
        // Entries are to be set, whatever is in them.
        let mut out = vec![Pay::sure(77); self.operators.len()];
        let mut luck = generator(7, u64::from(self.number), Purpose::Luck);
        let returned = payer.pay(&epoch, &mut luck, &mut out);
        self.expected = out.iter().map(|pay| pay.expected).collect();
        (out.iter().map(|pay| pay.amount).collect(), returned)
    }
}
