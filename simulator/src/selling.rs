//! How much is sold of what unlocks month by month, and how large that is beside what
//! circulates.
//!
//! # Months
//! Month 0 is the first of the run. A month's *start* is before anything of it unlocks.
//! Tokens that are sold stay in circulation: selling changes who holds them.
//!
//! # Rules of selling
//! How operators sell is not known. Three rules span what was seen:
//! - [`Rule::AtOnce`]: everything, in the month in which it unlocks. The most that can
//!   come onto the market.
//! - [`Rule::Delayed`]: a constant share, a little later each month (a geometric
//!   delay), fitted to Livepeer's 48 months by [`DelayFit`].
//! - [`Rule::Bunched`]: the same share, part of it held and let go in bursts, so that
//!   the worst month is as much above the mean, and months vary as much, as those of
//!   Livepeer ([`BurstFit`]).
//!
//! # What the fit can say, and what not
//! Livepeer's withdrawals hold bought stake as well as rewards: 29.5 million LPT left
//! in 48 months in which 17.5 million were claimed. So the scale of the fit is above 1
//! and no share of rewards; the share is that scale held within what wallet-by-wallet
//! work on the same data found ([`Leaving`]). The fit's R² is low (see the tests):
//! rewards explain a tenth of when people withdraw. It shapes a curve and predicts
//! nothing.

use crate::findings;

/// How rewards that have unlocked are sold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Everything in the month in which it unlocks.
    AtOnce,
    /// `share` of it: of that, `1 - wait` in the month itself and `wait` times as much
    /// in every month after.
    Delayed {
        /// Part that is ever sold, 0 to 1.
        share: f64,
        /// Part of what is still to be sold that waits another month, 0 up to but not
        /// including 1.
        wait: f64,
    },
    /// `share` of it: of that, `steady` in the month itself, the rest in the next burst,
    /// of which there is one every `every` months.
    Bunched {
        /// Part that is ever sold, 0 to 1.
        share: f64,
        /// Part of that which is not held, 0 to 1.
        steady: f64,
        /// Months from burst to burst, at least 1.
        every: u32,
    },
}

impl Rule {
    /// Its name in a table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::Delayed { .. } => "delayed",
            Self::Bunched { .. } => "bunched",
        }
    }

    /// The rule in a sentence, with its numbers.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::AtOnce => "Everything is sold in the month in which it unlocks.".to_owned(),
            Self::Delayed { share, wait } => format!(
                "{:.0} % is ever sold: of that {:.0} % in the month in which it unlocks, and in every month after {:.0} % of what is left to sell.",
                100.0 * share,
                100.0 * (1.0 - wait),
                100.0 * (1.0 - wait),
            ),
            Self::Bunched {
                share,
                steady,
                every,
            } => format!(
                "{:.0} % is ever sold: of that {:.0} % in the month in which it unlocks, and all that was held every {every} months, in the months that make the worst one worst.",
                100.0 * share,
                100.0 * steady,
            ),
        }
    }

    /// What is sold in each month of what unlocks in each; bursts are in the months
    /// whose number leaves the rest `phase` (for the other rules it means nothing).
    #[must_use]
    pub fn sold(&self, unlocked: &[f64], phase: u32) -> Vec<f64> {
        let mut held = 0.0;
        let mut sell = |month: u32, new: f64| match *self {
            Self::AtOnce => new,
            Self::Delayed { share, wait } => {
                held += share * new;
                let sold = (1.0 - wait) * held;
                held -= sold;
                sold
            }
            Self::Bunched {
                share,
                steady,
                every,
            } => {
                held += share * new;
                let every = every.max(1);
                let sold = if month % every == phase % every {
                    held
                } else {
                    share * new * steady
                };
                held -= sold;
                sold
            }
        };
        (0u32..)
            .zip(unlocked)
            .map(|(month, new)| sell(month, *new))
            .collect()
    }

    /// How many phases there are.
    fn phases(&self) -> u32 {
        match self {
            Self::Bunched { every, .. } => (*every).max(1),
            Self::AtOnce | Self::Delayed { .. } => 1,
        }
    }
}

/// Bounds on the share of rewards that leaves, found by others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaving {
    /// A proxy: what of rewards can be followed out.
    pub proxy: f64,
    /// An upper bound: all that may have been rewards.
    pub upper: f64,
}

/// A constant scale and a geometric delay: `withdrawn = scale * sum_k (1 - wait) wait^k
/// rewards[-k]`, fitted by least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelayFit {
    /// Tokens withdrawn for each one rewarded; above 1 if more than rewards leaves.
    pub scale: f64,
    /// Part that waits another month, to a thousandth.
    pub wait: f64,
    /// Share of the variance of withdrawals that the fit explains; below 0 if it is
    /// worse than their mean.
    pub r2: f64,
}

impl DelayFit {
    /// Fits monthly `rewards` to what was `withdrawn` in the same months. For each
    /// `wait` of 0, 0.001 to 0.99 the best scale has a closed form; the best of these is
    /// taken, the first if two are as good. What was rewarded before the first month is
    /// not known and taken as nothing.
    ///
    /// `None` if there are fewer than three months, nothing was rewarded, or all
    /// withdrawals are the same.
    ///
    /// # Panics
    /// If the two do not have the same length.
    #[must_use]
    pub fn new(rewards: &[f64], withdrawn: &[f64]) -> Option<Self> {
        assert_eq!(rewards.len(), withdrawn.len(), "one of each a month");
        let mean = withdrawn.iter().sum::<f64>() / withdrawn.len() as f64;
        let variation: f64 = withdrawn.iter().map(|x| (x - mean) * (x - mean)).sum();
        let rewarded = rewards.iter().any(|reward| *reward > 0.0);
        if withdrawn.len() < 3 || variation <= 0.0 || !rewarded {
            return None;
        }
        let mut best: Option<(f64, Self)> = None;
        for thousandths in 0..=990u32 {
            let wait = f64::from(thousandths) / 1000.0;
            let rule = Rule::Delayed { share: 1.0, wait };
            let model = rule.sold(rewards, 0);
            let product: f64 = model.iter().zip(withdrawn).map(|(m, w)| m * w).sum();
            let square: f64 = model.iter().map(|m| m * m).sum();
            let scale = product / square;
            let error: f64 = model
                .iter()
                .zip(withdrawn)
                .map(|(m, w)| (w - scale * m) * (w - scale * m))
                .sum();
            if best.is_none_or(|(least, _)| error < least) {
                let r2 = 1.0 - error / variation;
                best = Some((error, Self { scale, wait, r2 }));
            }
        }
        best.map(|(_, fit)| fit)
    }

    /// The share of rewards that is sold: the scale, held within what is known.
    #[must_use]
    pub fn share(&self, leaving: Leaving) -> f64 {
        self.scale.clamp(leaving.proxy, leaving.upper)
    }
}

/// How bunched withdrawals are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurstFit {
    /// The worst month over the mean.
    pub worst: f64,
    /// Standard deviation (of a sample) over the mean.
    pub cv: f64,
    /// Months from burst to burst.
    pub every: u32,
    /// Part that is not held for a burst.
    pub steady: f64,
}

impl BurstFit {
    /// Matches a rhythm to monthly withdrawals. With the same amount to sell in each
    /// month, selling `b` of it in `T - 1` months and everything held in one gives a
    /// worst month of `M = 1 + (T - 1)(1 - b)` times the mean and a coefficient of
    /// variation of `(M - 1) / sqrt(T - 1)`. So
    ///
    /// ```text
    /// T = 1 + ((M - 1) / CV)^2, rounded, at least M       b = 1 - (M - 1) / (T - 1)
    /// ```
    ///
    /// `None` if there are fewer than two months or they are all the same.
    #[must_use]
    pub fn new(withdrawn: &[f64]) -> Option<Self> {
        let months = withdrawn.len() as f64;
        let mean = withdrawn.iter().sum::<f64>() / months;
        let squares: f64 = withdrawn.iter().map(|x| (x - mean) * (x - mean)).sum();
        if withdrawn.len() < 2 || squares <= 0.0 {
            return None;
        }
        let cv = (squares / (months - 1.0)).sqrt() / mean;
        let worst = withdrawn.iter().copied().fold(0.0, f64::max) / mean;
        let ratio = (worst - 1.0) / cv;
        let every = (1.0 + ratio * ratio).round().max(worst.ceil());
        Some(Self {
            worst,
            cv,
            every: every as u32,
            steady: 1.0 - (worst - 1.0) / (every - 1.0),
        })
    }
}

/// The three rules, fitted to monthly rewards and withdrawals; `None` if they say
/// nothing (see [`DelayFit::new`], [`BurstFit::new`]).
///
/// # Panics
/// If the two do not have the same length.
#[must_use]
pub fn rules(rewards: &[f64], withdrawn: &[f64], leaving: Leaving) -> Option<[Rule; 3]> {
    let delay = DelayFit::new(rewards, withdrawn)?;
    let bursts = BurstFit::new(withdrawn)?;
    let share = delay.share(leaving);
    Some([
        Rule::AtOnce,
        Rule::Delayed {
            share,
            wait: delay.wait,
        },
        Rule::Bunched {
            share,
            steady: bursts.steady,
            every: bursts.every,
        },
    ])
}

/// Whose tokens are sold by a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sellers {
    /// Operators sell their rewards; whoever holds other buckets sells nothing.
    Operators,
    /// What unlocks of other buckets is sold by the same rule.
    Everybody,
}

/// A market month by month, in tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    /// What unlocks for whoever sells.
    pub unlocked: Vec<f64>,
    /// What of it is sold.
    pub sold: Vec<f64>,
    /// What circulates at the start of the month.
    pub circulating: Vec<f64>,
    /// The month with the largest sale beside what circulates; the first of several.
    pub worst_month: u32,
    /// That sale over what circulates at the start of that month.
    pub worst_share: f64,
    /// Rewards that unlock in all months, whoever sells.
    pub rewards: f64,
}

impl Market {
    /// What happens when `rewards` unlock in each month while other buckets have
    /// unlocked `others` at the start of each month and the end of the last (one value
    /// more), and it is sold by `rule`. Of a rule with bursts, the months for them are
    /// those that make the worst month worst.
    ///
    /// A month in which nothing circulates at the start is not looked at for the worst
    /// one. `None` if there is no other.
    ///
    /// # Panics
    /// If `others` does not have one value more than `rewards`.
    #[must_use]
    pub fn new(rewards: &[f64], others: &[f64], rule: Rule, sellers: Sellers) -> Option<Self> {
        assert_eq!(others.len(), rewards.len() + 1, "starts, and the last end");
        let mut before = 0.0;
        let mut circulating = Vec::with_capacity(rewards.len());
        let mut unlocked = Vec::with_capacity(rewards.len());
        for (new, other) in rewards.iter().zip(others.windows(2)) {
            circulating.push(other[0] + before);
            before += new;
            unlocked.push(match sellers {
                Sellers::Operators => *new,
                Sellers::Everybody => new + (other[1] - other[0]),
            });
        }
        let mut worst: Option<(u32, f64, Vec<f64>)> = None;
        for phase in 0..rule.phases() {
            let sold = rule.sold(&unlocked, phase);
            let Some((month, share)) = worst_of(&sold, &circulating) else {
                continue;
            };
            if worst.as_ref().is_none_or(|(_, known, _)| share > *known) {
                worst = Some((month, share, sold));
            }
        }
        let (worst_month, worst_share, sold) = worst?;
        Some(Self {
            unlocked,
            sold,
            circulating,
            worst_month,
            worst_share,
            rewards: before,
        })
    }

    /// The row of a table, where `earned` tokens of rewards were earned in all.
    #[must_use]
    pub fn finding(
        &self,
        design: &str,
        vesting: &str,
        rule: Rule,
        earned: f64,
    ) -> findings::Selling {
        findings::Selling {
            design: design.to_owned(),
            vesting: vesting.to_owned(),
            rule: rule.name().to_owned(),
            unlocked: self.rewards / earned,
            worst_month_share: self.worst_share,
            worst_month: self.worst_month,
        }
    }
}

fn worst_of(sold: &[f64], circulating: &[f64]) -> Option<(u32, f64)> {
    let mut worst: Option<(u32, f64)> = None;
    for (month, (sold, circulating)) in (0u32..).zip(sold.iter().zip(circulating)) {
        let share = sold / circulating;
        if *circulating > 0.0 && worst.is_none_or(|(_, known)| share > known) {
            worst = Some((month, share));
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAVING: Leaving = Leaving {
        proxy: 0.41,
        upper: 0.65,
    };

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} is not {b}");
    }

    fn all_close(a: &[f64], b: &[f64]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            close(*a, *b);
        }
    }

    #[test]
    fn three_ways_to_sell_a_hundred() {
        let unlocked = [100.0, 0.0, 0.0, 0.0];
        all_close(&Rule::AtOnce.sold(&unlocked, 0), &unlocked);
        let delayed = Rule::Delayed {
            share: 0.5,
            wait: 0.5,
        };
        all_close(&delayed.sold(&unlocked, 0), &[25.0, 12.5, 6.25, 3.125]);
        let bunched = Rule::Bunched {
            share: 0.5,
            steady: 0.2,
            every: 3,
        };
        all_close(&bunched.sold(&unlocked, 2), &[10.0, 0.0, 40.0, 0.0]);
        all_close(&bunched.sold(&unlocked, 0), &[50.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn nothing_is_sold_that_was_not_unlocked() {
        let unlocked: Vec<f64> = (0..120).map(|month| f64::from(month % 7)).collect();
        let total: f64 = unlocked.iter().sum();
        for rule in [
            Rule::AtOnce,
            Rule::Delayed {
                share: 0.65,
                wait: 0.4,
            },
            Rule::Bunched {
                share: 0.65,
                steady: 0.7,
                every: 14,
            },
        ] {
            let sold = rule.sold(&unlocked, 13);
            let (mut got, mut had) = (0.0, 0.0);
            for (sold, unlocked) in sold.iter().zip(&unlocked) {
                assert!(*sold >= 0.0);
                got += sold;
                had += unlocked;
                assert!(got <= had + 1e-9);
            }
            let share = if rule == Rule::AtOnce { 1.0 } else { 0.65 };
            assert!(got <= share * total + 1e-9);
            assert!(got > (share - 0.05) * total);
        }
    }

    #[test]
    fn a_fit_finds_the_rule_that_made_the_months() {
        let rewards: Vec<f64> = (0..48).map(|month| f64::from(month * 37 % 11)).collect();
        let rule = Rule::Delayed {
            share: 0.5,
            wait: 0.25,
        };
        let fit = DelayFit::new(&rewards, &rule.sold(&rewards, 0)).unwrap();
        close(fit.scale, 0.5);
        close(fit.wait, 0.25);
        close(fit.r2, 1.0);
        close(fit.share(LEAVING), 0.5);
    }

    #[test]
    fn months_that_say_nothing_have_no_fit() {
        assert_eq!(DelayFit::new(&[1.0, 2.0], &[1.0, 2.0]), None);
        assert_eq!(DelayFit::new(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), None);
        assert_eq!(DelayFit::new(&[0.0; 3], &[1.0, 2.0, 3.0]), None);
        assert_eq!(BurstFit::new(&[5.0, 5.0]), None);
        assert_eq!(BurstFit::new(&[5.0]), None);
        assert_eq!(rules(&[1.0; 3], &[5.0; 3], LEAVING), None);
    }

    #[test]
    fn bursts_are_as_bad_and_as_rare_as_what_they_are_fitted_to() {
        // Five months at 1/2 and one at 3.5: mean 1, worst 3.5; by the formula for a
        // population 1.118, for a sample sqrt(7.5/5) = 1.2247.
        let months = [0.5, 0.5, 3.5, 0.5, 0.5, 0.5];
        let fit = BurstFit::new(&months).unwrap();
        close(fit.worst, 3.5);
        close(fit.cv, 1.5f64.sqrt());
        // 1 + (2.5 / 1.2247)^2 = 5.17.
        assert_eq!(fit.every, 5);
        close(fit.steady, 1.0 - 2.5 / 4.0);
        // With the same amount in each month the rule's worst month is that multiple.
        let rule = Rule::Bunched {
            share: 1.0,
            steady: fit.steady,
            every: fit.every,
        };
        let sold = rule.sold(&[1.0; 50], 4);
        close(sold.iter().copied().fold(0.0, f64::max), 3.5);
        close(sold.iter().sum::<f64>(), 50.0);
    }

    /// Rewards and withdrawals of Livepeer's 48 months.
    fn livepeer() -> (Vec<f64>, Vec<f64>) {
        include_str!("../../data/livepeer_rewards_withdraw_monthly.csv")
            .lines()
            .skip(1)
            .map(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                let number = |field: usize| fields[field].parse::<f64>().unwrap();
                (number(2), number(4))
            })
            .unzip()
    }

    #[test]
    fn livepeers_withdrawals_are_explained_by_rewards_to_a_tenth() {
        let (rewards, withdrawn) = livepeer();
        assert_eq!(rewards.len(), 48);
        let fit = DelayFit::new(&rewards, &withdrawn).unwrap();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 5e-4, "{a} is not {b}");
        near(fit.wait, 0.402);
        near(fit.scale, 1.4452);
        near(fit.r2, 0.1105);
        // More leaves than was rewarded: the upper bound holds.
        assert_eq!(fit.share(LEAVING), 0.65);
    }

    #[test]
    fn livepeers_worst_month_is_four_and_a_half_times_the_mean() {
        let (_, withdrawn) = livepeer();
        let fit = BurstFit::new(&withdrawn).unwrap();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 5e-4, "{a} is not {b}");
        near(fit.worst, 4.4708);
        near(fit.cv, 0.9766);
        assert_eq!(fit.every, 14);
        near(fit.steady, 0.7330);
    }

    #[test]
    fn rules_share_the_share() {
        let (rewards, withdrawn) = livepeer();
        let rules = rules(&rewards, &withdrawn, LEAVING).unwrap();
        let names = rules.map(|rule| rule.name());
        assert_eq!(names, ["at once", "delayed", "bunched"]);
        assert!(matches!(rules[1], Rule::Delayed { share, .. } if share == 0.65));
        assert!(matches!(rules[2], Rule::Bunched { share, every: 14, .. } if share == 0.65));
        assert!(rules[1]
            .words()
            .starts_with("65 % is ever sold: of that 60 %"));
        assert!(rules[2].words().contains("every 14 months"));
        assert!(rules[0].words().starts_with("Everything"));
    }

    #[test]
    fn the_worst_month_is_beside_what_circulates_at_its_start() {
        // Circulating at the starts: 100, 110 + 10, 120 + 10 + 30.
        let market = Market::new(
            &[10.0, 30.0, 36.0],
            &[100.0, 110.0, 120.0, 130.0],
            Rule::AtOnce,
            Sellers::Operators,
        )
        .unwrap();
        all_close(&market.circulating, &[100.0, 120.0, 160.0]);
        all_close(&market.sold, &[10.0, 30.0, 36.0]);
        // 10 %, 25 %, 22.5 %: not the month of the largest sale.
        assert_eq!(market.worst_month, 1);
        close(market.worst_share, 0.25);
        let row = market.finding("flat-cap", "immediate", Rule::AtOnce, 152.0);
        assert_eq!((row.worst_month, row.rule.as_str()), (1, "at once"));
        assert_eq!(
            (row.design.as_str(), row.vesting.as_str()),
            ("flat-cap", "immediate")
        );
        close(row.unlocked, 0.5);
        close(row.worst_month_share, 0.25);
    }

    #[test]
    fn everybody_sells_other_buckets_too() {
        let market = Market::new(
            &[10.0, 10.0],
            &[100.0, 110.0, 160.0],
            Rule::AtOnce,
            Sellers::Everybody,
        )
        .unwrap();
        all_close(&market.sold, &[20.0, 60.0]);
        close(market.worst_share, 60.0 / 120.0);
        // What is unlocked of rewards does not depend on who else sells.
        let row = market.finding("flat-cap", "immediate", Rule::AtOnce, 40.0);
        close(row.unlocked, 0.5);
    }

    #[test]
    fn bursts_fall_where_they_hurt_most() {
        let rule = Rule::Bunched {
            share: 1.0,
            steady: 0.0,
            every: 2,
        };
        // Bursts in months 0 and 2 sell 10 of 100 and 20 of 120; in month 1, 20 of 110.
        let market = Market::new(&[10.0; 3], &[100.0; 4], rule, Sellers::Operators).unwrap();
        all_close(&market.sold, &[0.0, 20.0, 0.0]);
        assert_eq!(market.worst_month, 1);
        close(market.worst_share, 20.0 / 110.0);
    }

    #[test]
    fn where_nothing_circulates_there_is_no_worst_month() {
        let none = Market::new(&[5.0], &[0.0, 0.0], Rule::AtOnce, Sellers::Operators);
        assert_eq!(none, None);
        let market = Market::new(&[5.0, 1.0], &[0.0; 3], Rule::AtOnce, Sellers::Operators).unwrap();
        assert_eq!(market.worst_month, 1);
        close(market.worst_share, 0.2);
    }
}
