//! Which assumption decides: every one that has a range is set to its ends, alone, and
//! the winner is asked for again; where it changes, the flip point is looked for.

use crate::compare::designs_of;
use crate::engine::{self, Stage, Unlocking};
use crate::findings::{Assumption, Better, Sensitivity};
use crate::markets::Markets;
use crate::metrics::{Id, ALL};
use crate::progress::Progress;
use crate::scenario::{Scenario, ScenarioError};
use crate::statistics::Stream;
use crate::world::World;
use rayon::prelude::*;
use std::cell::RefCell;

/// Runs of each value: few, because all designs and values meet the same random numbers.
const RUNS: u64 = 5;

/// Epochs of each run at most: three of the intervals by which one design pays.
const EPOCHS: u32 = 84;

/// How often the interval in which the winner changes is halved: the flip point is then
/// known to a sixteenth of the distance to the end of the range.
const HALVINGS: u32 = 4;

/// The metrics whose winner is looked at.
pub const METRICS: [Id; 6] = [
    Id::CoverageElectricity,
    Id::CoverageFullSmall,
    Id::GiniOwner,
    Id::Nakamoto50Owner,
    Id::SplitCoverageSmall,
    Id::SplitNakamoto50,
];

/// A row for each assumption with a range and each of [`METRICS`], the largest effect on
/// Plimsoll first.
#[must_use]
pub fn table(scenario: &Scenario, progress: &Progress) -> Vec<Sensitivity> {
    let varied: Vec<&Assumption> = scenario
        .assumptions()
        .iter()
        .filter(|assumption| assumption.low.is_some() || assumption.high.is_some())
        .collect();
    progress.begin("sensitivity", varied.len() as u64 + 1);
    let base = Ranking::of(scenario);
    progress.step(1);
    let mut rows: Vec<Sensitivity> = varied
        .par_iter()
        .flat_map_iter(|assumption| {
            let rows = of_one(scenario, assumption, &base);
            progress.step(1);
            rows
        })
        .collect();
    // Stable: what has no effect stays in the scenario's order.
    rows.sort_by(|a, b| b.swing.abs().total_cmp(&a.swing.abs()));
    rows
}

/// What an assumption does to each metric's winner.
fn of_one(scenario: &Scenario, assumption: &Assumption, base: &Ranking) -> Vec<Sensitivity> {
    // The search for one metric's flip point asks for values that another one's has had.
    let known: RefCell<Vec<(f64, Ranking)>> = RefCell::new(Vec::new());
    let at = |value: f64| -> Result<Ranking, ScenarioError> {
        let before = known
            .borrow()
            .iter()
            .find(|(other, _)| *other == value)
            .map(|(_, ranking)| ranking.clone());
        if let Some(ranking) = before {
            return Ok(ranking);
        }
        let there = ranking(scenario, &assumption.key, value)?;
        known.borrow_mut().push((value, there.clone()));
        Ok(there)
    };
    let end = |value: Option<f64>| value.and_then(|value| Some((value, at(value).ok()?)));
    let (low, high) = (end(assumption.low), end(assumption.high));
    METRICS
        .iter()
        .enumerate()
        .map(|(metric, id)| {
            let flips: Vec<(f64, String)> = [&low, &high]
                .into_iter()
                .flatten()
                .filter(|(_, there)| base.flipped(there, metric))
                .map(|(value, there)| {
                    let flip = flip_point(&at, assumption.value, *value, base, metric);
                    (flip, there.winner(metric))
                })
                .collect();
            let nearest = flips.iter().min_by(|a, b| {
                let distance = |flip: f64| (flip - assumption.value).abs();
                distance(a.0).total_cmp(&distance(b.0))
            });
            let name = |there: &Option<(f64, Ranking)>| {
                there
                    .as_ref()
                    .map_or_else(|| base.winner(metric), |(_, there)| there.winner(metric))
            };
            let ours = |there: &Option<(f64, Ranking)>| {
                there
                    .as_ref()
                    .map_or_else(|| base.ours(metric), |(_, there)| there.ours(metric))
            };
            let facts = &ALL[*id as usize];
            Sensitivity {
                key: assumption.key.clone(),
                metric: facts.id.into(),
                winner: base.winner(metric),
                winner_low: name(&low),
                winner_high: name(&high),
                swing: ours(&high) - ours(&low),
                flip: nearest.map(|(flip, _)| *flip),
                words: words(assumption, facts.title, base, metric, nearest),
            }
        })
        .collect()
}

fn words(
    assumption: &Assumption,
    title: &str,
    base: &Ranking,
    metric: usize,
    flip: Option<&(f64, String)>,
) -> String {
    let value = |value: f64| format!("{} {}", short(value), assumption.unit);
    match flip {
        None => format!(
            "{title}: {} from {} to {}, whatever {} is in that range.",
            base.winner(metric),
            value(assumption.low.unwrap_or(assumption.value)),
            value(assumption.high.unwrap_or(assumption.value)),
            assumption.key
        ),
        Some((at, then)) => {
            let side = if *at > assumption.value {
                "above"
            } else {
                "below"
            };
            format!(
                "{title}: {then} instead of {} {side} {} = {} (the scenario has {}).",
                base.winner(metric),
                assumption.key,
                value(*at),
                short(assumption.value)
            )
        }
    }
}

/// Three significant digits.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let size = value.abs();
    if size >= 1e6 {
        return format!("{value:.2e}");
    }
    let places = (2.0 - libm::log10(size).floor()).max(0.0) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

/// The value nearest to `from` at which the winner is not the scenario's, to within the
/// last halving; between `from`, where it is, and `to`, where it is not.
fn flip_point(
    at: &impl Fn(f64) -> Result<Ranking, ScenarioError>,
    from: f64,
    to: f64,
    base: &Ranking,
    metric: usize,
) -> f64 {
    let (mut same, mut other) = (from, to);
    for _ in 0..HALVINGS {
        let middle = (same + other) / 2.0;
        // A value between two that are allowed is allowed, but for whole numbers; there
        // the flip point is as exact as it gets.
        let Ok(there) = at(middle) else { break };
        if base.flipped(&there, metric) {
            other = middle;
        } else {
            same = middle;
        }
    }
    other
}

fn ranking(scenario: &Scenario, key: &str, value: f64) -> Result<Ranking, ScenarioError> {
    Ok(Ranking::of(&scenario.set(key, value)?))
}

/// Who is best on each of [`METRICS`].
#[derive(Clone, Debug)]
struct Ranking {
    names: Vec<&'static str>,
    /// By metric: mean of every design.
    means: Vec<Vec<f64>>,
    /// By metric: the designs that cannot be told apart from the best one, it included.
    best: Vec<Vec<usize>>,
}

impl Ranking {
    fn of(scenario: &Scenario) -> Self {
        let epochs = scenario.settings().run.epochs.min(EPOCHS);
        // Fewer epochs than a scenario has are allowed wherever its own number is.
        let shorter = scenario
            .set("run.epochs", f64::from(epochs))
            .unwrap_or_else(|_| scenario.clone());
        let world = World::new(&shorter);
        let designs = designs_of(&shorter);
        let markets = Markets::new(&shorter);
        let unlocking = Unlocking::new(shorter.settings());
        let stage = Stage {
            scenario: &shorter,
            world: &world,
            designs: &designs,
            unlocking: &unlocking,
            vesting: false,
            markets: &markets,
            entrants: None,
            splitting: true,
            exits: false,
        };
        let runs: Vec<Vec<Vec<f64>>> = (0..RUNS)
            .map(|run| {
                engine::play(&stage, run)
                    .designs
                    .iter()
                    .map(|design| {
                        METRICS
                            .iter()
                            .map(|id| design.metrics[*id as usize])
                            .collect()
                    })
                    .collect()
            })
            .collect();
        Self::ranked(
            designs.iter().map(|design| design.facts().id).collect(),
            &runs,
            shorter.settings().run.confidence,
        )
    }

    /// `runs`: by run, design and metric.
    fn ranked(names: Vec<&'static str>, runs: &[Vec<Vec<f64>>], confidence: f64) -> Self {
        let mut means = Vec::new();
        let mut best = Vec::new();
        for (metric, id) in METRICS.iter().enumerate() {
            let stream = |design: usize, against: Option<usize>| {
                let mut stream = Stream::default();
                for run in runs {
                    let other = against.map_or(0.0, |other| run[other][metric]);
                    stream.add(run[design][metric] - other);
                }
                stream
            };
            let sign = if ALL[*id as usize].better == Better::Lower {
                -1.0
            } else {
                1.0
            };
            let of: Vec<f64> = (0..names.len())
                .map(|design| stream(design, None).mean())
                .collect();
            let first = (0..names.len())
                .filter(|design| of[*design].is_finite())
                .max_by(|a, b| (sign * of[*a]).total_cmp(&(sign * of[*b])).then(b.cmp(a)));
            best.push(first.map_or_else(Vec::new, |first| {
                (0..names.len())
                    .filter(|design| {
                        let behind = stream(first, Some(*design)).interval(confidence);
                        // Not told apart: the interval of the difference holds zero.
                        *design == first || !(behind.low > 0.0 || behind.high < 0.0)
                    })
                    .filter(|design| of[*design].is_finite())
                    .collect()
            }));
            means.push(of);
        }
        Self { names, means, best }
    }

    /// Whether `there` has other winners on `metric`: none in common, or Plimsoll is one
    /// of them in one place only.
    fn flipped(&self, there: &Self, metric: usize) -> bool {
        let (here, there) = (&self.best[metric], &there.best[metric]);
        let ours = self.names.len() - 1;
        here.contains(&ours) != there.contains(&ours)
            || !here.iter().any(|design| there.contains(design))
    }

    /// The winners by name.
    fn winner(&self, metric: usize) -> String {
        let best = &self.best[metric];
        if best.len() > self.names.len() / 2 {
            let ours = best.contains(&(self.names.len() - 1));
            return format!(
                "a tie of {} designs{}",
                best.len(),
                if ours { "" } else { " without plimsoll" }
            );
        }
        best.iter()
            .map(|design| self.names[*design])
            .collect::<Vec<_>>()
            .join(" = ")
    }

    /// Plimsoll's value.
    fn ours(&self, metric: usize) -> f64 {
        self.means[metric].last().copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs in which every metric of a design is `values[design]`, varied by `noise`.
    fn ranking(values: &[f64], noise: &[f64]) -> Ranking {
        let runs: Vec<Vec<Vec<f64>>> = (0..4)
            .map(|run| {
                values
                    .iter()
                    .zip(noise)
                    .map(|(value, noise)| {
                        let sign = if run % 2 == 0 { 1.0 } else { -1.0 };
                        vec![value + sign * noise; METRICS.len()]
                    })
                    .collect()
            })
            .collect();
        Ranking::ranked(vec!["a", "b", "plimsoll"], &runs, 0.95)
    }

    #[test]
    fn whoever_cannot_be_told_apart_from_the_best_wins_too() {
        let clear = ranking(&[1.0, 2.0, 3.0], &[0.0, 0.0, 0.0]);
        assert_eq!(clear.winner(0), "plimsoll");
        // Less is better: the Gini coefficient.
        assert_eq!(clear.winner(2), "a");
        let unclear = ranking(&[1.0, 3.1, 3.0], &[0.0, 1.0, 0.0]);
        assert_eq!(unclear.winner(0), "a tie of 2 designs");
    }

    #[test]
    fn a_flip_is_a_change_of_winners_and_not_of_places_among_them() {
        let ours = ranking(&[1.0, 2.0, 3.0], &[0.0; 3]);
        let also_ours = ranking(&[2.0, 1.0, 3.0], &[0.0; 3]);
        let theirs = ranking(&[1.0, 4.0, 3.0], &[0.0; 3]);
        assert!(!ours.flipped(&also_ours, 0));
        assert!(ours.flipped(&theirs, 0));
        assert!(theirs.flipped(&ours, 0));
    }

    #[test]
    fn the_flip_point_is_found_by_halving() {
        let base = ranking(&[1.0, 2.0, 3.0], &[0.0; 3]);
        // Plimsoll wins below 0.7.
        let at = |value: f64| {
            let b = if value < 0.7 { 2.0 } else { 4.0 };
            Ok(ranking(&[1.0, b, 3.0], &[0.0; 3]))
        };
        let flip = flip_point(&at, 0.2, 1.0, &base, 0);
        assert!((0.7..=0.7 + 0.8 / 32.0).contains(&flip), "{flip}");
    }

    #[test]
    fn numbers_in_words_have_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.155, "0.155"),
            (0.1, "0.1"),
            (1599.0, "1599"),
            (12.345, "12.3"),
            (3.2e9, "3.20e9"),
            (-0.05, "-0.05"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
