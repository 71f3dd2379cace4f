//! What unlocks each month, and what is sold of it beside what circulates.

use crate::data::livepeer;
use crate::data::opg::{self, Reading};
use crate::engine::{own_vesting, Aggregate, Stage};
use crate::findings::{Chart, Selling, Series};
use crate::scenario::Scenario;
use crate::selling::{rules, Leaving, Market, Rule, Sellers};
use crate::vesting::Vesting;

/// Days of a mean month.
const MONTH: f64 = 365.25 / 12.0;

/// The most that a fit may say of Livepeer's rewards leaving it: the published upper bound.
/// The share itself is the scenario's, because withdrawals hold more than rewards.
const MOST_LEAVING: f64 = 0.65;

/// The token's market in a scenario, month by month.
#[derive(Clone, Debug)]
pub struct Markets {
    months: usize,
    months_per_epoch: f64,
    /// What other buckets have unlocked at the start of each month and the end of the last.
    others: Vec<f64>,
    rules: [Rule; 3],
}

impl Markets {
    /// The market of `scenario`.
    ///
    /// # Panics
    /// If the shipped withdrawals fit no rule; a test holds that they do.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let settings = scenario.settings();
        let months_per_epoch = settings.run.epoch_days() / MONTH;
        let months = (f64::from(settings.run.epochs) * months_per_epoch)
            .round()
            .max(1.0) as usize;
        let first = settings.emission.months_since_start;
        let buckets = &scenario.inputs().other_buckets;
        let rows = livepeer::withdrawals();
        let rewards: Vec<f64> = rows.iter().map(|row| row.rewards_lpt).collect();
        let withdrawn: Vec<f64> = rows.iter().map(|row| row.withdraw_lpt).collect();
        let sold = settings.selling.sold;
        let leaving = Leaving {
            proxy: sold,
            upper: sold.max(MOST_LEAVING),
        };
        let mut rules =
            rules(&rewards, &withdrawn, leaving).expect("the shipped withdrawals fit every rule");
        // The share that is sold is the scenario's; delay and bursts are the fit's.
        for rule in &mut rules {
            if let Rule::Delayed { share, .. } | Rule::Bunched { share, .. } = rule {
                *share = sold;
            }
        }
        Self {
            months,
            months_per_epoch,
            others: (0..=months as u32)
                .map(|month| opg::unlocked(buckets, first + month, Reading::FromCliff))
                .collect(),
            rules,
        }
    }

    /// What unlocks in each month, of what unlocks in each epoch; what is left of the
    /// run after the last whole month counts to that.
    #[must_use]
    pub fn by_month(&self, by_epoch: &[f64]) -> Vec<f64> {
        let mut months = vec![0.0; self.months];
        for (epoch, amount) in by_epoch.iter().enumerate() {
            let month = (epoch as f64 * self.months_per_epoch) as usize;
            months[month.min(self.months - 1)] += amount;
        }
        months
    }

    /// The worst month's sale beside what circulates when operators sell with the fitted
    /// delay what unlocks in each epoch; NaN if nothing circulates.
    #[must_use]
    pub fn worst_month(&self, by_epoch: &[f64]) -> f64 {
        let [_, delayed, _] = self.rules;
        Market::new(
            &self.by_month(by_epoch),
            &self.others,
            delayed,
            Sellers::Operators,
        )
        .map_or(f64::NAN, |market| market.worst_share)
    }

    /// A row for every design, way to vest and rule; and, with a design's own way to
    /// vest, for every rule if all other buckets sell by it too.
    #[must_use]
    pub fn table(&self, stage: &Stage<'_>, aggregate: &Aggregate) -> Vec<Selling> {
        let mut rows = Vec::new();
        for (design, shapes) in stage.designs.iter().zip(&aggregate.designs) {
            let id = design.facts().id;
            let earned: f64 = shapes.earned().iter().sum();
            for (way, vesting) in Vesting::ALL.iter().enumerate() {
                let months = self.by_month(&shapes.unlocked(way));
                for rule in self.rules {
                    let name = vesting.facts().id;
                    let market = |sellers| Market::new(&months, &self.others, rule, sellers);
                    if let Some(market) = market(Sellers::Operators) {
                        rows.push(market.finding(id, name, rule, earned));
                    }
                    if *vesting != own_vesting(id) {
                        continue;
                    }
                    if let Some(market) = market(Sellers::Everybody) {
                        let mut row = market.finding(id, name, rule, earned);
                        row.rule = format!("{}, other buckets too", row.rule);
                        rows.push(row);
                    }
                }
            }
        }
        rows
    }

    /// What unlocks month by month: of the other buckets, in both readings of the cliff,
    /// and of Plimsoll's rewards and those of immediate vesting.
    #[must_use]
    pub fn charts(&self, stage: &Stage<'_>, aggregate: &Aggregate) -> Vec<Chart> {
        let settings = stage.scenario.settings();
        let first = settings.emission.months_since_start;
        let buckets = &stage.scenario.inputs().other_buckets;
        let line = |name: &str, values: Vec<f64>| Series {
            name: name.into(),
            design: None,
            points: (0..values.len())
                .map(|month| (month as f64, values[month] / 1e6))
                .collect(),
        };
        let each_month = |reading| -> Vec<f64> {
            (0..self.months as u32)
                .map(|month| {
                    let at = |month| opg::unlocked(buckets, first + month, reading);
                    at(month + 1) - at(month)
                })
                .collect()
        };
        let ours = aggregate.designs.last();
        let rewards = |vesting: Vesting| -> Vec<f64> {
            let way = Vesting::ALL.iter().position(|other| *other == vesting);
            match (ours, way) {
                (Some(shapes), Some(way)) => self.by_month(&shapes.unlocked(way)),
                _ => Vec::new(),
            }
        };
        let sold = |rule: Rule| -> Vec<f64> {
            let months = rewards(Vesting::Plimsoll);
            Market::new(&months, &self.others, rule, Sellers::Operators)
                .map_or_else(Vec::new, |market| market.sold)
        };
        let [at_once, delayed, bunched] = self.rules;
        vec![
            Chart {
                id: "unlock-months".into(),
                title: "What unlocks each month".into(),
                caption: "Other buckets of the allocation, in the two readings of a twelve-month \
                          cliff, beside what operators' rewards add. Month 0 is the first of the \
                          comparison."
                    .into(),
                x: "Month".into(),
                y: "Million tokens a month".into(),
                series: vec![
                    line(
                        "Other buckets, linear from the cliff",
                        each_month(Reading::FromCliff),
                    ),
                    line(
                        "Other buckets, accrued from the start",
                        each_month(Reading::FromStart),
                    ),
                    line("Rewards, immediate vesting", rewards(Vesting::Immediate)),
                    line("Rewards, Plimsoll's vesting", rewards(Vesting::Plimsoll)),
                ],
            },
            Chart {
                id: "sold-months".into(),
                title: "What operators sell each month".into(),
                caption: format!(
                    "Plimsoll's rewards by its own vesting, with each selling rule. {} {} {}",
                    at_once.words(),
                    delayed.words(),
                    bunched.words()
                ),
                x: "Month".into(),
                y: "Million tokens a month".into(),
                series: self
                    .rules
                    .iter()
                    .map(|rule| line(rule.name(), sold(*rule)))
                    .collect(),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_take_all_that_unlocks() {
        let markets = Markets::new(&Scenario::shipped());
        assert_eq!(markets.months, 12);
        let months = markets.by_month(&vec![1.0; 365]);
        assert_eq!(months.iter().sum::<f64>(), 365.0);
        assert_eq!(months[0], 31.0);
        assert!(months.iter().all(|month| (30.0..=32.0).contains(month)));
    }

    #[test]
    fn the_scenario_says_how_much_is_sold() {
        let half = Scenario::shipped()
            .set("selling.sold", 0.5)
            .expect("a share");
        let markets = Markets::new(&half);
        for rule in markets.rules {
            if let Rule::Delayed { share, .. } | Rule::Bunched { share, .. } = rule {
                assert_eq!(share, 0.5);
            }
        }
    }
}
