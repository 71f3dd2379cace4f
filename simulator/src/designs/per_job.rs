//! The same for every job.

use super::portion::divide;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;

/// `r_i = E * j_i / J`, rounded down: `j_i` of all `J` jobs, whatever their size.
///
/// Source: what a chain can pay that records no amount of work, as OpenGradient's: its
/// `batchSettle` takes a root and a number of jobs (inference-facilitator@f7a0cfc
/// `contracts/settlement.sol`).
///
/// **Splitting**: a job cut in two is paid twice. On real traces the smallest quarter of jobs
/// earns 7 to 20 times more per token than the largest.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerJob;

impl Design for PerJob {
    fn facts(&self) -> Facts {
        Facts {
            id: "per-job",
            title: "Per job",
            formula: "r = E * jobs / J",
            source: "jobs counted without their size, as in OpenGradient's batchSettle",
        }
    }

    fn start(&self, _operators: usize) -> Box<dyn Payer> {
        Box::new(*self)
    }
}

impl Payer for PerJob {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let jobs = &epoch.load.jobs;
        let total = jobs.iter().map(|jobs| u128::from(*jobs)).sum();
        divide(epoch.budget, total, out, |index| u128::from(jobs[index]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    #[test]
    fn the_size_of_a_job_does_not_count() {
        // Three jobs of 1 unit earn three times what one job of 997 does: 75 and 25.
        let mut case = Case::new(100, &[3, 997]);
        case.load.jobs = vec![3, 1];
        assert_eq!(case.pay(&PerJob), (vec![75, 25], 0));
    }
}
