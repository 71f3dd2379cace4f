//! Known history, computed again from the shipped files before anything is forecast:
//! outcomes of real networks, and consistency checks of OpenGradient's figures.
//!
//! Nothing is read from a column that holds the result.

use crate::data::livepeer::{self, Delegate, Earner, Month};
use crate::data::opg::{self, Bucket, CurvePoint, Reading};
use crate::data::rocketpool::{self, Reward};
use crate::data::Shipped;
use crate::findings::Backtest;
use crate::metrics::inequality::{nakamoto, nakamoto_of};
use std::collections::BTreeSet;

/// What the backtests are computed from.
#[derive(Clone, Debug)]
pub struct History {
    /// Livepeer's largest operators, January 2026.
    pub delegates: Vec<Delegate>,
    /// Livepeer's wallets by rewards, the largest first.
    pub earners: Vec<Earner>,
    /// Livepeer's claims and withdrawals by month.
    pub months: Vec<Month>,
    /// What Rocket Pool paid its nodes.
    pub rewards: Vec<Reward>,
    /// OpenGradient's buckets.
    pub buckets: Vec<Bucket>,
    /// OpenGradient's unlocked tokens by month.
    pub curve: Vec<CurvePoint>,
}

impl History {
    /// The shipped files.
    #[must_use]
    pub fn shipped() -> Self {
        Self {
            delegates: livepeer::largest(),
            earners: livepeer::earners(),
            months: livepeer::withdrawals(),
            rewards: rocketpool::rewards(),
            buckets: opg::allocation(),
            curve: opg::curve(),
        }
    }

    /// All backtests, history first.
    #[must_use]
    pub fn backtests(&self) -> Vec<Backtest> {
        let mut all = vec![self.livepeer_nakamoto()];
        // Three of the 52 intervals: an early one, one in the middle, and the last.
        for (interval, expected) in [(10, "111 to 125"), (30, "47 to 62"), (51, "36 to 57")] {
            all.push(self.pooling(interval, expected));
        }
        all.push(self.staying());
        all.push(self.late_capital());
        all.push(self.worst_month());
        all.push(self.start_float());
        all.push(self.cliff_as_a_slope());
        all.push(self.cliff_at_once());
        all.push(self.unlock_curve());
        all
    }

    /// Livepeer, January 2026: six operators have half of all stake. The shares are of all
    /// stake, so the 25 largest are enough to see it.
    fn livepeer_nakamoto(&self) -> Backtest {
        let shares: Vec<f64> = self
            .delegates
            .iter()
            .map(|delegate| delegate.share)
            .collect();
        Known {
            name: "Livepeer 2026-01: fewest operators with half of the stake".to_owned(),
            history: true,
            expected: "6".to_owned(),
            files: &[livepeer::LARGEST],
        }
        .against(match nakamoto_of(&shares, 1.0, 0.5) {
            Some(count) => count.to_string(),
            None => "more than are listed".to_owned(),
        })
    }

    /// Rocket Pool: among nodes paid both ways, fewest with half of what was paid by stake, and
    /// fewest with half of what was paid from the smoothing pool.
    fn pooling(&self, interval: u32, expected: &str) -> Backtest {
        let both = || {
            self.rewards.iter().filter(move |reward| {
                reward.interval == interval
                    && reward.rpl_reward > 0.0
                    && reward.smoothing_pool_eth > 0.0
            })
        };
        let half = |values: Vec<f64>| nakamoto(&values, 0.5).unwrap_or(0);
        let stake = half(both().map(|reward| reward.rpl_reward).collect());
        let pooled = half(both().map(|reward| reward.smoothing_pool_eth).collect());
        Known {
            name: format!(
                "Rocket Pool, interval {interval}, nodes paid both ways: fewest with half, \
                 by stake to pooled"
            ),
            history: true,
            expected: expected.to_owned(),
            files: &[rocketpool::REWARDS],
        }
        .against(format!("{stake} to {pooled}"))
    }

    /// Rocket Pool: of the nodes paid in interval 12 (July 2023), those still paid in 51.
    fn staying(&self) -> Backtest {
        let paid = |interval| {
            let rewards = self.rewards.iter();
            let nodes: BTreeSet<u32> = rewards
                .filter(|reward| reward.interval == interval)
                .map(|reward| reward.node_id)
                .collect();
            nodes
        };
        let (before, after) = (paid(12), paid(51));
        let stayed = before.intersection(&after).count();
        Known {
            name: "Rocket Pool: nodes paid in interval 12, and how many of them in 51".to_owned(),
            history: true,
            expected: "2443, 973".to_owned(),
            files: &[rocketpool::REWARDS],
        }
        .against(format!("{}, {stayed}", before.len()))
    }

    /// Livepeer: of the twenty wallets that earned most from February 2022 to January 2026,
    /// those that first claimed in 2024 or later, and their part of all rewards claimed.
    fn late_capital(&self) -> Backtest {
        let late: Vec<f64> = self
            .earners
            .iter()
            .take(20)
            .filter(|earner| earner.first_claim_day.as_str() >= "2024")
            .map(|earner| earner.rewards_lpt)
            .collect();
        let theirs: f64 = late.iter().sum();
        let all: f64 = self.months.iter().map(|month| month.rewards_lpt).sum();
        Known {
            name: "Livepeer 2022 to 2026: how many of the 20 largest earners came in 2024 or \
                   later, and what part of all rewards they took"
                .to_owned(),
            history: true,
            expected: "6, 2.92 M LPT, 16.6 %".to_owned(),
            files: &[livepeer::EARNERS, livepeer::WITHDRAWALS],
        }
        .against(format!(
            "{}, {:.2} M LPT, {:.1} %",
            late.len(),
            theirs / 1e6,
            theirs / all * 100.0
        ))
    }

    /// Livepeer: the month in which most was withdrawn, and how far above the mean.
    fn worst_month(&self) -> Backtest {
        let mean = self
            .months
            .iter()
            .map(|month| month.withdraw_lpt)
            .sum::<f64>()
            / self.months.len() as f64;
        let worst = self
            .months
            .iter()
            .max_by(|a, b| a.withdraw_lpt.total_cmp(&b.withdraw_lpt));
        Known {
            name: "Livepeer 2022 to 2026: the month of most withdrawals".to_owned(),
            history: true,
            expected: "2024-12, 2.75 M LPT, 4.5 times the mean".to_owned(),
            files: &[livepeer::WITHDRAWALS],
        }
        .against(worst.map_or("none".to_owned(), |month| {
            format!(
                "{}, {:.2} M LPT, {:.1} times the mean",
                month.month,
                month.withdraw_lpt / 1e6,
                month.withdraw_lpt / mean
            )
        }))
    }

    /// OpenGradient: what the buckets release at the start is the circulating supply that
    /// posts give.
    fn start_float(&self) -> Backtest {
        let float = opg::unlocked(&self.buckets, 0, Reading::FromCliff);
        Known {
            name: "OPG: tokens in circulation at the start".to_owned(),
            history: false,
            expected: "190.0 M".to_owned(),
            files: &[opg::ALLOCATION],
        }
        .against(format!("{:.1} M", float / 1e6))
    }

    /// OpenGradient, April 2027 (month 12), if vesting begins at the cliff.
    fn cliff_as_a_slope(&self) -> Backtest {
        let at = |month| opg::unlocked(&self.buckets, month, Reading::FromCliff);
        let before = at(12) - at(11);
        let after = at(13) - at(12);
        Known {
            name: "OPG: what unlocks a month before and after April 2027, if vesting begins at \
                   the cliff"
                .to_owned(),
            history: false,
            expected: "9.1 M, 16.1 M, +76 %".to_owned(),
            files: &[opg::ALLOCATION],
        }
        .against(format!(
            "{:.1} M, {:.1} M, +{:.0} %",
            before / 1e6,
            after / 1e6,
            (after / before - 1.0) * 100.0
        ))
    }

    /// OpenGradient, April 2027 (month 12), if vesting counts from the start.
    fn cliff_at_once(&self) -> Backtest {
        let at = |month| opg::unlocked(&self.buckets, month, Reading::FromStart);
        let step = at(12) - at(11);
        Known {
            name: "OPG: what unlocks at once in April 2027, if vesting counts from the start, \
                   and its part of what circulated"
                .to_owned(),
            history: false,
            expected: "71.6 M, 25 %".to_owned(),
            files: &[opg::ALLOCATION],
        }
        .against(format!(
            "{:.1} M, {:.0} %",
            step / 1e6,
            step / at(11) * 100.0
        ))
    }

    /// OpenGradient: the curve that came with the buckets, month by month in both readings.
    /// The foundation's third is written with four digits, which is 5,000 tokens.
    fn unlock_curve(&self) -> Backtest {
        let worst = self
            .curve
            .iter()
            .flat_map(|point| {
                let of = |reading| opg::unlocked(&self.buckets, point.month_after_tge, reading);
                [
                    of(Reading::FromCliff) - point.unlocked_reading_a_linear_from_cliff,
                    of(Reading::FromStart) - point.unlocked_reading_b_accrues_from_tge,
                ]
            })
            .fold(0.0, |worst: f64, off| worst.max(off.abs()));
        Known {
            name: "OPG: months and readings of the unlock curve that differ by more than 0.01 M"
                .to_owned(),
            history: false,
            expected: "none of 97".to_owned(),
            files: &[opg::ALLOCATION, opg::CURVE],
        }
        .against(if worst <= 10_000.0 {
            format!("none of {}", self.curve.len())
        } else {
            format!("some, by up to {:.2} M", worst / 1e6)
        })
    }
}

/// All backtests on the shipped files, history first. A comparison with one that has not
/// passed is not worth reading.
#[must_use]
pub fn run() -> Vec<Backtest> {
    History::shipped().backtests()
}

/// A known fact, to the digits with which it is known.
struct Known {
    name: String,
    history: bool,
    expected: String,
    files: &'static [Shipped],
}

impl Known {
    /// Compares it with what was computed, to the same digits.
    fn against(self, computed: String) -> Backtest {
        let files: Vec<&str> = self.files.iter().map(|file| file.name).collect();
        Backtest {
            passed: computed == self.expected,
            name: self.name,
            history: self.history,
            expected: self.expected,
            computed,
            file: files.join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(history: &History) -> Vec<String> {
        history
            .backtests()
            .into_iter()
            .filter(|test| !test.passed)
            .map(|test| {
                format!(
                    "{}: {} instead of {}",
                    test.name, test.computed, test.expected
                )
            })
            .collect()
    }

    #[test]
    fn the_shipped_files_reproduce_what_is_known() {
        assert_eq!(failed(&History::shipped()), [""; 0]);
    }

    #[test]
    fn consistency_checks_are_not_called_history() {
        let tests = run();
        let history: Vec<bool> = tests.iter().map(|test| test.history).collect();
        // Seven outcomes, four checks.
        assert_eq!(
            history,
            [[true; 7].as_slice(), [false; 4].as_slice()].concat()
        );
        assert!(tests
            .iter()
            .all(|test| test.name.starts_with("OPG") != test.history));
    }

    #[test]
    fn another_share_is_another_coefficient() {
        let mut history = History::shipped();
        // The largest had as much as the second, third and fourth as well.
        history.delegates[0].share = 0.45;
        assert_eq!(
            failed(&history),
            ["Livepeer 2026-01: fewest operators with half of the stake: 2 instead of 6"]
        );
        history.delegates.truncate(1);
        assert!(failed(&history)[0].contains("more than are listed"));
    }

    #[test]
    fn a_node_that_is_paid_otherwise_fails_its_interval_only() {
        let mut history = History::shipped();
        let largest = history
            .rewards
            .iter_mut()
            .filter(|reward| reward.interval == 30)
            .max_by(|a, b| a.rpl_reward.total_cmp(&b.rpl_reward))
            .unwrap();
        largest.rpl_reward *= 3.0;
        largest.smoothing_pool_eth = largest.smoothing_pool_eth.max(0.01);
        let failed = failed(&history);
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert!(failed[0].starts_with("Rocket Pool, interval 30"));
    }

    #[test]
    fn late_capital_and_the_worst_month_are_computed_from_rows() {
        let mut history = History::shipped();
        history.earners[0].first_claim_day = "2022-03-01".to_owned();
        assert!(
            failed(&history)[0].contains("5, 1.71 M LPT"),
            "{:?}",
            failed(&history)
        );
        let mut history = History::shipped();
        history.months[5].withdraw_lpt = 9e6;
        assert!(
            failed(&history)[0].contains("2022-07, 9.00 M LPT"),
            "{:?}",
            failed(&history)
        );
    }

    #[test]
    fn another_bucket_fails_the_checks_that_it_enters() {
        let mut history = History::shipped();
        history.buckets[0].tge_unlocked_fraction = 0.2;
        let names = failed(&history);
        assert!(names[0].starts_with("OPG: tokens in circulation at the start: 230.0 M"));
        assert!(
            names.last().unwrap().contains("some, by up to 39.99 M"),
            "{names:?}"
        );
    }
}
