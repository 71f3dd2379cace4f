//! The model whose speed is measured: every operator's work of every epoch is a draw
//! from a Pareto distribution, a design pays it, and what each operator earned is summed.

use crate::designs::{Design, Epoch, Pay};
use crate::engine::Reserve;
use crate::pareto::Pareto;
use crate::random::{generator, Purpose};
use crate::world::{Load, Operator};
use plimsoll_mechanism::params::Params;
use rayon::prelude::*;

/// How much is computed.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Independent runs.
    pub runs: u64,
    /// Epochs in each.
    pub epochs: u32,
    /// Operators in each.
    pub operators: usize,
}

impl Size {
    /// Operators times epochs times runs.
    #[must_use]
    pub fn operator_epochs(&self) -> u64 {
        self.runs * u64::from(self.epochs) * self.operators as u64
    }
}

/// Work units that an operator does at least; a day of a small job now and then.
const SCALE: f64 = 1e6;

/// Tail index of the work: the top tenth does 56 % of it.
const SHAPE: f64 = 1.25;

/// Work units of one client that count as fragments.
const THRESHOLD: u64 = 2_000_000;

/// Plays all runs and returns how much was paid, in base units: something that depends
/// on every draw, so that nothing can be left out. Each thread has buffers of one run,
/// so memory does not depend on the number of runs.
#[must_use]
pub fn play(design: &dyn Design, params: &Params, reserve: u128, size: Size) -> u128 {
    let pareto = Pareto::new(SCALE, SHAPE);
    let operators = population(size.operators);
    (0..size.runs)
        .into_par_iter()
        .map_init(
            || Buffers::new(size.operators),
            |buffers, run| {
                one_run(
                    design, params, reserve, size, run, &pareto, &operators, buffers,
                )
            },
        )
        .sum()
}

struct Buffers {
    load: Load,
    pay: Vec<Pay>,
    earned: Vec<u128>,
    active: Vec<bool>,
}

impl Buffers {
    fn new(operators: usize) -> Self {
        Self {
            load: Load::idle(operators),
            pay: vec![Pay::default(); operators],
            earned: vec![0; operators],
            active: vec![true; operators],
        }
    }
}

#[allow(clippy::too_many_arguments)] // All of them are fixed for the whole measurement.
fn one_run(
    design: &dyn Design,
    params: &Params,
    reserve: u128,
    size: Size,
    run: u64,
    pareto: &Pareto,
    operators: &[Operator],
    buffers: &mut Buffers,
) -> u128 {
    let mut rng = generator(1, run, Purpose::Demand);
    let mut luck = generator(1, run, Purpose::Luck);
    let mut payer = design.start(size.operators);
    let mut reserve = Reserve::funded(reserve);
    buffers.earned.fill(0);
    for number in 0..size.epochs {
        let load = &mut buffers.load;
        for ((jobs, fragment), bulk) in load
            .jobs
            .iter_mut()
            .zip(load.fragment.iter_mut())
            .zip(load.bulk.iter_mut())
        {
            let units = pareto.draw(&mut rng);
            *jobs = 1;
            *fragment = units.min(THRESHOLD);
            *bulk = units - *fragment;
        }
        let budget = design.budget(params, reserve.at_start(number), number, load.total());
        let epoch = Epoch {
            number,
            budget,
            operators,
            active: &buffers.active,
            load,
            market_price: 0,
        };
        let returned = payer.pay(&epoch, &mut luck, &mut buffers.pay);
        reserve.settle(number, budget, returned);
        for (earned, pay) in buffers.earned.iter_mut().zip(&buffers.pay) {
            *earned += pay.amount;
        }
    }
    buffers.earned.iter().sum()
}

/// Operators of which nine in ten are vetted, all with enough bond and stake.
fn population(operators: usize) -> Vec<Operator> {
    (0..operators)
        .map(|index| Operator {
            owner: index as u32,
            class: 0,
            country: 0,
            cards: 1 + (index % 8) as u32,
            vetted: index % 10 != 0,
            channel: false,
            stake: 1_000_000_000_000 * (1 + index as u128),
            bond: 1_000_000_000_000_000,
            electricity: 0.2,
            capacity: 3e8,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::designs::ProRata;

    #[test]
    fn the_result_does_not_depend_on_the_number_of_threads() {
        let params = crate::designs::tests::PARAMS;
        let size = Size {
            runs: 20,
            epochs: 10,
            operators: 30,
        };
        let with = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads")
                .install(|| play(&ProRata, &params, 1_000_000_000_000, size))
        };
        assert_eq!(with(1), with(3));
        assert!(with(2) > 0);
    }
}
