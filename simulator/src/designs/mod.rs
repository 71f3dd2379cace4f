//! Reward designs, each a small module with its formula and source.
//!
//! All get the same work and, but for the one as published by OpenGradient, the same
//! budget rule, so that what differs between them is how they divide.

mod cardano;
mod csm;
mod flat_cap;
mod graph;
mod helium;
mod livepeer;
mod opg;
mod per_job;
mod plimsoll;
mod portion;
mod pro_rata;
#[cfg(test)]
mod properties;
mod render;
mod rocket_pool;
mod settings;
mod stake;
#[cfg(test)]
mod testing;

pub use cardano::Cardano;
pub use csm::Csm;
pub use flat_cap::FlatCap;
pub use graph::Graph;
pub use helium::Helium;
pub use livepeer::Livepeer;
pub use opg::Opg;
pub use per_job::PerJob;
pub use plimsoll::Plimsoll;
pub use pro_rata::ProRata;
pub use render::Render;
pub use rocket_pool::RocketPool;
pub use settings::Settings;
pub use stake::Stake;

use crate::random::Rng;
use crate::world::{Load, Operator};
use plimsoll_mechanism::budget;
use plimsoll_mechanism::params::Params;

/// What a reader has to know of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Short name, as in files and scenario keys: `pro-rata`.
    pub id: &'static str,
    /// Name in a text: `Pro rata by work`.
    pub title: &'static str,
    /// The rule, in a line.
    pub formula: &'static str,
    /// Where the rule was published.
    pub source: &'static str,
}

/// What a design is asked to divide.
#[derive(Clone, Copy, Debug)]
pub struct Epoch<'a> {
    /// Its number, from 0.
    pub number: u32,
    /// What the design may pay for it, in base units.
    pub budget: u128,
    /// Everybody, those who have switched off too.
    pub operators: &'a [Operator],
    /// Who is switched on. Whoever is not has no work.
    pub active: &'a [bool],
    /// Who did what.
    pub load: &'a Load,
    /// What clients pay for a million work units, in base units.
    pub market_price: u128,
}

/// What one operator is paid in one epoch, in base units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pay {
    /// What it gets.
    pub amount: u128,
    /// What it could expect for its work before any lottery was drawn; equal to
    /// `amount` unless the design draws lots.
    pub expected: u128,
}

impl Pay {
    /// Pay without luck.
    #[must_use]
    pub fn sure(amount: u128) -> Self {
        Self {
            amount,
            expected: amount,
        }
    }
}

/// A reward design.
pub trait Design: Send + Sync {
    /// What a reader has to know.
    fn facts(&self) -> Facts;

    /// Begins a run with `operators` operators.
    fn start(&self, operators: usize) -> Box<dyn Payer>;

    /// What the epoch may pay of a `reserve` (base units at its start) when `units` work
    /// units were done. By default the mechanism's rule: a fixed share of the reserve,
    /// so that designs differ in how they divide and not in how much.
    fn budget(&self, params: &Params, reserve: u128, epoch: u32, units: u64) -> u128 {
        let _ = epoch;
        budget::budget(params, reserve, u128::from(units))
    }
}

/// A design at work in one run.
pub trait Payer: Send {
    /// Divides the epoch: sets every entry of `out` (one an operator), and returns what
    /// goes back to the reserve, in base units. What is neither paid nor returned is
    /// held for a later epoch, or is rounding dust.
    fn pay(&mut self, epoch: &Epoch<'_>, luck: &mut Rng, out: &mut [Pay]) -> u128;

    /// What it holds for later epochs, in base units.
    fn held(&self) -> u128 {
        0
    }
}

/// Every design, with the constants in `settings`, Plimsoll with `params` and last.
#[must_use]
pub fn all(params: Params, settings: &Settings) -> Vec<Box<dyn Design>> {
    let cardano = |leverage| Cardano {
        k: settings.cardano_k,
        a0: settings.cardano_a0,
        leverage,
    };
    vec![
        Box::new(PerJob),
        Box::new(ProRata),
        Box::new(Stake),
        Box::new(Opg {
            pool: settings.opg_pool,
            months: settings.opg_months,
            epoch_hours: settings.epoch_hours,
        }),
        Box::new(Livepeer {
            redeem_cost: settings.livepeer_redeem_cost,
            face_multiple: settings.livepeer_face_multiple,
        }),
        Box::new(RocketPool {
            interval: settings.rocket_pool_interval,
            fee: settings.rocket_pool_fee,
        }),
        Box::new(cardano(None)),
        Box::new(cardano(Some(settings.cardano_leverage))),
        Box::new(Graph {
            lambda: settings.graph_lambda,
            epochs: settings.graph_epochs,
        }),
        Box::new(Helium {
            cap: settings.helium_cap,
        }),
        Box::new(Render::new(
            settings.render_free_cards,
            settings.render_decay,
        )),
        Box::new(Csm {
            full: settings.csm_full,
            base: settings.csm_base,
            full_cards: settings.csm_full_cards,
        }),
        Box::new(FlatCap {
            cap: settings.flat_cap.unwrap_or(params.operator_cap),
        }),
        Box::new(Plimsoll { params }),
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    use plimsoll_mechanism::params::Params;

    /// Parameters for small tests: a budget of 1 % of the reserve, a cap of 2 % of it.
    pub(crate) const PARAMS: Params = Params {
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
}
