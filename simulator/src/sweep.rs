//! Sweeps: several values for several keys, every combination of them.

use crate::scenario::{Scenario, ScenarioError};
use std::fmt;
use std::str::FromStr;

/// Points of a range for which no number was given.
const DEFAULT_POINTS: usize = 5;

/// The most points that one key may have.
const MAX_POINTS: usize = 1_000;

/// The values of one scenario key.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The key: `token.price`.
    pub key: String,
    /// Its values, in the order they are tried.
    pub values: Vec<Setting>,
}

/// A value for a scenario key.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Setting,
}

/// What a key is set to.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A number, in the unit of the scenario.
    Number(f64),
    /// A name: `open`.
    Name(String),
}

impl Assignment {
    /// `scenario` with this value.
    ///
    /// # Errors
    /// Those of [`Scenario::set`] and [`Scenario::choose`].
    pub fn apply(&self, scenario: &Scenario) -> Result<Scenario, ScenarioError> {
        match &self.value {
            Setting::Number(value) => scenario.set(&self.key, *value),
            Setting::Name(name) => scenario.choose(&self.key, name),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => write!(f, "{value}"),
            Self::Name(name) => write!(f, "{name}"),
        }
    }
}

/// Why a sweep or an assignment could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}: {why}")]
pub struct SweepError {
    text: String,
    wanted: &'static str,
    why: String,
}

impl FromStr for Sweep {
    type Err = SweepError;

    /// Reads `key=a..b` (five points, both ends included), `key=a..b/9` (nine points)
    /// or `key=a,b,c`.
    fn from_str(text: &str) -> Result<Self, SweepError> {
        let fail = |why: String| SweepError {
            text: text.into(),
            wanted: "a sweep (key=a..b, key=a..b/points or key=a,b,c)",
            why,
        };
        let (key, values) = text
            .split_once('=')
            .ok_or_else(|| fail("there is no `=` in it".into()))?;
        if key.is_empty() {
            return Err(fail("it names no key".into()));
        }
        let values = match values.split_once("..") {
            Some((from, rest)) => {
                let (to, points) = rest.split_once('/').unwrap_or((rest, ""));
                let points = if points.is_empty() {
                    DEFAULT_POINTS
                } else {
                    points
                        .parse()
                        .map_err(|_| fail(format!("`{points}` is no number of points")))?
                };
                if !(2..=MAX_POINTS).contains(&points) {
                    return Err(fail(format!("a range has 2 to {MAX_POINTS} points")));
                }
                let (from, to) = (number(from).map_err(&fail)?, number(to).map_err(&fail)?);
                if from >= to {
                    return Err(fail(format!("{from} is not below {to}")));
                }
                between(from, to, points)
                    .into_iter()
                    .map(Setting::Number)
                    .collect()
            }
            None => values
                .split(',')
                .map(setting)
                .collect::<Result<_, _>>()
                .map_err(fail)?,
        };
        Ok(Self {
            key: key.into(),
            values,
        })
    }
}

impl FromStr for Assignment {
    type Err = SweepError;

    fn from_str(text: &str) -> Result<Self, SweepError> {
        let fail = |why: String| SweepError {
            text: text.into(),
            wanted: "a value for a key (key=value)",
            why,
        };
        let (key, value) = text
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| fail("it has no key before a `=`".into()))?;
        Ok(Self {
            key: key.into(),
            value: setting(value).map_err(fail)?,
        })
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// A number, or a name if it does not look like one.
fn setting(text: &str) -> Result<Setting, String> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && !["inf", "nan"].contains(&text) {
        return Ok(Setting::Name(text.into()));
    }
    number(text).map(Setting::Number)
}

fn number(text: &str) -> Result<f64, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
        .ok_or_else(|| format!("`{text}` is no number"))
}

/// `points` values from `from` to `to`, both included.
fn between(from: f64, to: f64, points: usize) -> Vec<f64> {
    let last = points - 1;
    (0..points)
        .map(|k| {
            if k == last {
                to
            } else {
                // Rounded to nine digits, so that 0.1..0.5 gives 0.2 and not 0.19999999999999998.
                let raw = from + (to - from) * k as f64 / last as f64;
                format!("{raw:.9e}").parse().unwrap_or(raw)
            }
        })
        .collect()
}

/// Every combination of the sweeps' values, the last key changing fastest; one empty
/// combination if there is no sweep.
#[must_use]
pub fn product(sweeps: &[Sweep]) -> Vec<Vec<Assignment>> {
    sweeps.iter().fold(vec![Vec::new()], |points, sweep| {
        points
            .iter()
            .flat_map(|point| {
                sweep.values.iter().map(move |value| {
                    let mut longer = point.clone();
                    longer.push(Assignment {
                        key: sweep.key.clone(),
                        value: value.clone(),
                    });
                    longer
                })
            })
            .collect()
    })
}

/// The product in words: `3 x 4 = 12 comparisons`.
#[must_use]
pub fn count_in_words(sweeps: &[Sweep]) -> String {
    let factors: Vec<String> = sweeps
        .iter()
        .map(|sweep| format!("{} ({})", sweep.values.len(), sweep.key))
        .collect();
    let count: usize = sweeps.iter().map(|sweep| sweep.values.len()).product();
    format!("{} = {count} comparisons", factors.join(" x "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(text: &str) -> Sweep {
        text.parse().expect("a sweep")
    }

    #[test]
    fn a_range_has_both_ends_and_a_list_its_values() {
        let numbers = |text: &str| sweep(text).values;
        let expected = |values: &[f64]| -> Vec<Setting> {
            values.iter().copied().map(Setting::Number).collect()
        };
        assert_eq!(
            numbers("token.price=0.1..0.5"),
            expected(&[0.1, 0.2, 0.3, 0.4, 0.5])
        );
        assert_eq!(numbers("a.b=1..2/3"), expected(&[1.0, 1.5, 2.0]));
        assert_eq!(numbers("a.b=3,1"), expected(&[3.0, 1.0]));
        let names = ["open", "least-loaded"].map(|name| Setting::Name(name.into()));
        assert_eq!(sweep("dispatch.model=open,least-loaded").values, names);
    }

    #[test]
    fn a_product_has_every_combination_once_and_says_how_many() {
        let sweeps = [sweep("a=1,2"), sweep("b=1..3/3")];
        let points = product(&sweeps);
        assert_eq!(points.len(), 6);
        let names: Vec<String> = points
            .iter()
            .map(|point| {
                point
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(names[0], "a=1 b=1");
        assert_eq!(names[5], "a=2 b=3");
        assert_eq!(count_in_words(&sweeps), "2 (a) x 3 (b) = 6 comparisons");
        assert_eq!(product(&[]), [Vec::new()]);
    }

    #[test]
    fn what_is_no_sweep_is_refused_with_the_reason() {
        for (text, part) in [
            ("token.price", "no `=`"),
            ("=1..2", "names no key"),
            ("a=2..1", "2 is not below 1"),
            ("a=1..x", "`x` is no number"),
            ("a=1..2/1", "2 to 1000 points"),
            ("a=1,,2", "`` is no number"),
            ("a=1..inf", "`inf` is no number"),
        ] {
            let error = text.parse::<Sweep>().expect_err(text).to_string();
            assert!(error.contains(part) && error.contains(text), "{error}");
        }
        let error = "x".parse::<Assignment>().expect_err("no value").to_string();
        assert!(error.contains("no key before"), "{error}");
    }
}
