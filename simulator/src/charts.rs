//! Curves of a comparison, for the report to draw.

use crate::engine::aggregate::Shapes;
use crate::engine::{Aggregate, Stage};
use crate::findings::{Chart, Series};
use crate::vesting::Vesting;

/// A point of a curve over epochs is drawn for so many of them.
const EPOCHS_A_POINT: usize = 5;

/// All curves that come from the runs.
#[must_use]
pub fn of(stage: &Stage<'_>, aggregate: &Aggregate) -> Vec<Chart> {
    let lines = |points: &dyn Fn(&Shapes) -> Vec<(f64, f64)>| -> Vec<Series> {
        stage
            .designs
            .iter()
            .zip(&aggregate.designs)
            .map(|(design, shapes)| {
                let facts = design.facts();
                Series {
                    name: facts.title.into(),
                    design: Some(facts.id.into()),
                    points: points(shapes),
                }
            })
            .collect()
    };
    let days = stage.scenario.settings().run.epoch_days();
    vec![
        Chart {
            id: "lorenz-owner".into(),
            title: "Lorenz curves, owners".into(),
            caption: "The share of all rewards that the poorest part of owners earned. The \
                      further below the diagonal, the fewer earn most of it. Mean of all runs."
                .into(),
            x: "Share of owners, poorest first".into(),
            y: "Share of rewards".into(),
            series: with_diagonal(lines(&|shapes| spread(&shapes.lorenz_owner()))),
        },
        Chart {
            id: "lorenz-identity".into(),
            title: "Lorenz curves, identities".into(),
            caption: "The same of identities. Where it differs from the owners', a design pays \
                      by the number of names."
                .into(),
            x: "Share of identities, poorest first".into(),
            y: "Share of rewards".into(),
            series: with_diagonal(lines(&|shapes| spread(&shapes.lorenz_identity()))),
        },
        Chart {
            id: "deciles".into(),
            title: "Reward for a unit of work".into(),
            caption: "What a million work units earned, from the tenth of operators with the \
                      least work (1) to the tenth with the most (10). A level line pays work \
                      alone. Mean of all runs."
                .into(),
            x: "Decile of operators by work".into(),
            y: "Tokens for a million work units".into(),
            series: lines(&|shapes| {
                shapes
                    .deciles
                    .iter()
                    .enumerate()
                    .map(|(decile, stream)| (decile as f64 + 1.0, stream.mean()))
                    .filter(|(_, y)| y.is_finite())
                    .collect()
            }),
        },
        Chart {
            id: "staying".into(),
            title: "Operators still switched on".into(),
            caption: "If whoever's income of four weeks does not cover electricity switches off, \
                      and those who stay serve its work. Mean of all runs."
                .into(),
            x: "Days".into(),
            y: "Share of operators".into(),
            series: lines(&|shapes| {
                shapes
                    .staying()
                    .iter()
                    .enumerate()
                    .step_by(EPOCHS_A_POINT)
                    .map(|(epoch, share)| (epoch as f64 * days, *share))
                    .collect()
            }),
        },
        unlocking(stage, aggregate, days),
    ]
}

/// The line of a Lorenz curve on which all earn the same, behind the others.
fn with_diagonal(mut series: Vec<Series>) -> Vec<Series> {
    series.insert(
        0,
        Series {
            name: "All the same".into(),
            design: None,
            points: vec![(0.0, 0.0), (1.0, 1.0)],
        },
    );
    series
}

/// How Plimsoll's rewards would unlock with each way to vest.
fn unlocking(stage: &Stage<'_>, aggregate: &Aggregate, days: f64) -> Chart {
    let ours = stage.designs.len() - 1;
    let shapes = &aggregate.designs[ours];
    let earned = sums(&shapes.earned());
    let all = earned.last().copied().unwrap_or(0.0);
    let line = |name: String, sums: &[f64]| Series {
        name,
        design: None,
        points: sums
            .iter()
            .enumerate()
            .step_by(EPOCHS_A_POINT)
            .map(|(epoch, sum)| (epoch as f64 * days, sum / all))
            .filter(|(_, share)| share.is_finite())
            .collect(),
    };
    Chart {
        id: "unlocking".into(),
        title: "How rewards unlock".into(),
        caption: "Plimsoll's rewards, as a share of all that is earned by the end, with each way \
                  to vest. The line for immediate vesting is what is earned."
            .into(),
        x: "Days".into(),
        y: "Share of rewards unlocked".into(),
        series: Vesting::ALL
            .iter()
            .enumerate()
            .map(|(way, vesting)| line(vesting.facts().title.into(), &sums(&shapes.unlocked(way))))
            .collect(),
    }
}

fn sums(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .scan(0.0, |sum, value| {
            *sum += value;
            Some(*sum)
        })
        .collect()
}

/// Heights at equal steps from 0 to 1.
fn spread(heights: &[f64]) -> Vec<(f64, f64)> {
    let last = (heights.len().max(2) - 1) as f64;
    heights
        .iter()
        .enumerate()
        .map(|(k, height)| (k as f64 / last, *height))
        .collect()
}
