//! A design at work in a run: what it may pay, and what it pays.

use super::run::Stage;
use super::Reserve;
use crate::designs::{Design, Epoch, Pay, Payer};
use crate::random::{generator, Purpose, Rng};
use crate::world::{Load, Operator};

/// A design that pays one epoch after the other out of its reserve.
pub struct Till<'a> {
    /// The design.
    pub design: &'a dyn Design,
    payer: Box<dyn Payer>,
    reserve: Reserve,
    luck: Rng,
    /// What each operator got in the last epoch.
    pub pay: Vec<Pay>,
}

/// What one epoch is paid for.
#[derive(Clone, Copy)]
pub struct Due<'a> {
    /// Its number.
    pub number: u32,
    /// Everybody.
    pub operators: &'a [Operator],
    /// Who is switched on.
    pub active: &'a [bool],
    /// Who did what.
    pub load: &'a Load,
}

impl<'a> Till<'a> {
    /// `design` at the start of run `run`, with nothing paid yet to `operators` operators.
    pub fn new(stage: &Stage<'_>, design: &'a dyn Design, operators: usize, run: u64) -> Self {
        let settings = stage.scenario.settings();
        Self {
            design,
            payer: design.start(operators),
            reserve: Reserve::funded(settings.emission.reserve),
            luck: generator(settings.run.seed, run, Purpose::Luck),
            pay: vec![Pay::default(); operators],
        }
    }

    /// Pays the next epoch, and returns it, its budget in it, and what of the budget went
    /// back to the reserve, in base units.
    pub fn pay<'b>(&mut self, stage: &Stage<'_>, due: Due<'b>) -> (Epoch<'b>, u128) {
        let params = &stage.scenario.settings().params;
        let at_start = self.reserve.at_start(due.number);
        let units = due.load.total();
        let epoch = Epoch {
            number: due.number,
            budget: self.design.budget(params, at_start, due.number, units),
            operators: due.operators,
            active: due.active,
            load: due.load,
            market_price: stage.world.market_price_at(due.number),
        };
        let returned = self.payer.pay(&epoch, &mut self.luck, &mut self.pay);
        self.reserve.settle(due.number, epoch.budget, returned);
        (epoch, returned)
    }
}
