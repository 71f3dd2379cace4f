//! All runs of a comparison in memory that does not grow with them.

use super::exits::Exits;
use super::run::{RunResult, Stage};
use crate::metrics::coverage::Groups;
use crate::metrics::ALL;
use crate::statistics::{Paired, Stream};
use crate::vesting::Vesting;

/// What the runs so far gave, added in the order of the runs.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// All metrics of all designs, and their differences to the last design.
    pub paired: Paired,
    /// By design.
    pub designs: Vec<Shapes>,
}

/// Curves and tables of one design, summed over runs.
#[derive(Clone, Debug)]
pub struct Shapes {
    runs: f64,
    lorenz_identity: Vec<f64>,
    lorenz_owner: Vec<f64>,
    /// Reward for a million work units by decile of work, in tokens.
    pub deciles: [Stream; 10],
    /// Who covers its costs.
    pub coverage: Groups,
    earned: Vec<f64>,
    unlocked: Vec<Vec<f64>>,
    /// Part of all rewards unlocked at the end, by way to vest.
    pub unlocked_share: Vec<Stream>,
    /// Who left, summed.
    pub exits: Exits,
    /// What the capital of each entrant returned in a year.
    pub returns: [Stream; 4],
}

impl Aggregate {
    /// No run yet.
    #[must_use]
    pub fn new(stage: &Stage<'_>) -> Self {
        let designs = stage.designs.len();
        Self {
            paired: Paired::new(designs, ALL.len(), designs - 1),
            designs: vec![Shapes::new(stage); designs],
        }
    }

    /// Adds the next run.
    pub fn add(&mut self, result: &RunResult) {
        let values: Vec<f64> = result
            .designs
            .iter()
            .flat_map(|design| design.metrics.iter().copied())
            .collect();
        self.paired.add(&values);
        for (shapes, run) in self.designs.iter_mut().zip(&result.designs) {
            shapes.runs += 1.0;
            add(&mut shapes.lorenz_identity, &run.lorenz_identity);
            add(&mut shapes.lorenz_owner, &run.lorenz_owner);
            add(&mut shapes.earned, &run.earned);
            for (sums, more) in shapes.unlocked.iter_mut().zip(&run.unlocked) {
                add(sums, more);
            }
            for (stream, value) in shapes.deciles.iter_mut().zip(run.deciles) {
                stream.add(value);
            }
            for (stream, value) in shapes.unlocked_share.iter_mut().zip(&run.unlocked_share) {
                stream.add(*value);
            }
            shapes.coverage.merge(&run.coverage);
            shapes.exits.merge(&run.exits);
        }
        for (shapes, returns) in self.designs.iter_mut().zip(result.returns.iter().flatten()) {
            for (stream, value) in shapes.returns.iter_mut().zip(returns) {
                stream.add(*value);
            }
        }
    }
}

impl Shapes {
    fn new(stage: &Stage<'_>) -> Self {
        Self {
            runs: 0.0,
            lorenz_identity: Vec::new(),
            lorenz_owner: Vec::new(),
            deciles: [Stream::default(); 10],
            coverage: Groups::new(stage.classes(), stage.countries()),
            earned: Vec::new(),
            unlocked: vec![Vec::new(); Vesting::ALL.len()],
            unlocked_share: vec![Stream::default(); Vesting::ALL.len()],
            exits: Exits::none(stage.classes()),
            returns: [Stream::default(); 4],
        }
    }

    /// Mean Lorenz curve of identities.
    #[must_use]
    pub fn lorenz_identity(&self) -> Vec<f64> {
        self.mean(&self.lorenz_identity)
    }

    /// Mean Lorenz curve of owners.
    #[must_use]
    pub fn lorenz_owner(&self) -> Vec<f64> {
        self.mean(&self.lorenz_owner)
    }

    /// Mean rewards of each epoch, in tokens.
    #[must_use]
    pub fn earned(&self) -> Vec<f64> {
        self.mean(&self.earned)
    }

    /// Mean of what unlocks in each epoch, in tokens, with the `way`-th way to vest.
    #[must_use]
    pub fn unlocked(&self, way: usize) -> Vec<f64> {
        self.mean(&self.unlocked[way])
    }

    /// Mean share of operators still there at the end of each epoch.
    #[must_use]
    pub fn staying(&self) -> Vec<f64> {
        self.mean(&self.exits.staying)
    }

    fn mean(&self, sums: &[f64]) -> Vec<f64> {
        sums.iter().map(|sum| sum / self.runs).collect()
    }
}

/// Adds `more` to `sums` place by place; the first time, `sums` is empty.
fn add(sums: &mut Vec<f64>, more: &[f64]) {
    sums.resize(more.len(), 0.0);
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}
