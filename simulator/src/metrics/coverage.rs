//! Whether operators live on what they get.
//!
//! *Income* is reward and fees, *cost* electricity alone (what must be paid in cash
//! every month) or electricity and depreciation of the cards, all of a whole run, in
//! EUR. Electricity and depreciation are looked at separately: a cheap card at home
//! has lower cost in all and higher cost in cash than a data centre.
//!
//! # Edge cases, the same for all
//! - Income that equals cost covers it.
//! - Whoever has income and no cost covers it, and has no ratio of the two.
//! - Whoever has neither income nor cost takes no part and is not counted.
//! - Nobody left to count: `None`.

use super::quantile;
use crate::findings;

/// Whether `income` covers `cost`; `None` if there is neither.
#[must_use]
pub fn covers(income: f64, cost: f64) -> Option<bool> {
    (income > 0.0 || cost > 0.0).then_some(income >= cost)
}

/// Share of operators whose income covers their cost, 0 to 1.
///
/// # Panics
/// If the two do not have the same length.
#[must_use]
pub fn share_covering(income: &[f64], cost: &[f64]) -> Option<f64> {
    assert_eq!(income.len(), cost.len(), "one cost for each income");
    let mut tally = Tally::default();
    for (income, cost) in income.iter().zip(cost) {
        tally.add(covers(*income, *cost));
    }
    tally.share()
}

/// The margin that all but a tenth of operators reach: the 10th percentile of income
/// over cost.
///
/// # Panics
/// If the two do not have the same length.
#[must_use]
pub fn p10_margin(income: &[f64], cost: &[f64]) -> Option<f64> {
    quantile(&ratios(income, cost), 0.1)
}

/// Probability that an operator gets nothing for an epoch in which it worked: for each
/// the share of its epochs with work that were not paid, and the mean of that over
/// operators. Whoever never worked is not counted.
///
/// # Panics
/// If the two do not have the same length.
#[must_use]
pub fn no_pay(worked: &[u32], paid: &[u32]) -> Option<f64> {
    assert_eq!(worked.len(), paid.len(), "one number of each");
    let mut sum = 0.0;
    let mut count = 0.0;
    for (worked, paid) in worked.iter().zip(paid) {
        if *worked > 0 {
            sum += 1.0 - f64::from(*paid.min(worked)) / f64::from(*worked);
            count += 1.0;
        }
    }
    (count > 0.0).then(|| sum / count)
}

fn ratios(income: &[f64], cost: &[f64]) -> Vec<f64> {
    assert_eq!(income.len(), cost.len(), "one cost for each income");
    income
        .iter()
        .zip(cost)
        .filter(|(_, cost)| **cost > 0.0)
        .map(|(income, cost)| income / cost)
        .collect()
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    covering: u64,
    counted: u64,
}

impl Tally {
    fn add(&mut self, covering: Option<bool>) {
        if let Some(covering) = covering {
            self.counted += 1;
            self.covering += u64::from(covering);
        }
    }

    fn join(&mut self, other: Self) {
        self.counted += other.counted;
        self.covering += other.covering;
    }

    fn share(self) -> Option<f64> {
        (self.counted > 0).then(|| self.covering as f64 / self.counted as f64)
    }
}

/// Coverage of one design by class and country over many runs. Its memory does not
/// grow with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    countries: usize,
    runs: u64,
    groups: Vec<Group>,
}

/// Operators of one class in one country.
#[derive(Clone, Debug, Default, PartialEq)]
struct Group {
    operators: u64,
    electricity: Tally,
    full: Tally,
    /// Sum of the runs' medians of income over full cost.
    medians: f64,
    /// Runs that have one.
    with_median: u64,
    /// Income over full cost in the run at hand.
    ratios: Vec<f64>,
}

/// What [`Groups::add`] looks at: one run of one design, one entry an operator in each.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Class of each operator.
    pub class: &'a [usize],
    /// Country of each operator.
    pub country: &'a [usize],
    /// Reward and fees, in EUR.
    pub income: &'a [f64],
    /// Electricity, in EUR.
    pub electricity: &'a [f64],
    /// Depreciation, in EUR.
    pub depreciation: &'a [f64],
}

impl Groups {
    /// No run yet, for so many classes and countries.
    #[must_use]
    pub fn new(classes: usize, countries: usize) -> Self {
        Self {
            countries,
            runs: 0,
            groups: vec![Group::default(); classes * countries],
        }
    }

    /// Adds a run.
    ///
    /// # Panics
    /// If a class or a country is not one of those it was made for, or the slices do
    /// not have the same length.
    pub fn add(&mut self, run: &Run<'_>) {
        let operators = run.class.len();
        assert!(
            [
                run.country.len(),
                run.income.len(),
                run.electricity.len(),
                run.depreciation.len()
            ]
            .iter()
            .all(|length| *length == operators),
            "one entry an operator"
        );
        self.runs += 1;
        for index in 0..operators {
            assert!(run.country[index] < self.countries, "a known country");
            let group = &mut self.groups[run.class[index] * self.countries + run.country[index]];
            let income = run.income[index];
            let cost = run.electricity[index] + run.depreciation[index];
            group.operators += 1;
            group
                .electricity
                .add(covers(income, run.electricity[index]));
            group.full.add(covers(income, cost));
            if cost > 0.0 {
                group.ratios.push(income / cost);
            }
        }
        for group in &mut self.groups {
            if let Some(median) = quantile(&group.ratios, 0.5) {
                group.medians += median;
                group.with_median += 1;
            }
            group.ratios.clear();
        }
    }

    /// Adds what `other` holds, of later runs. In the order of the runs and with the
    /// same cuts it gives the same bits whoever computed which.
    ///
    /// # Panics
    /// If the two were not made for the same classes and countries.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.countries, other.countries, "the same countries");
        assert_eq!(self.groups.len(), other.groups.len(), "the same classes");
        self.runs += other.runs;
        for (group, other) in self.groups.iter_mut().zip(&other.groups) {
            group.operators += other.operators;
            group.electricity.join(other.electricity);
            group.full.join(other.full);
            group.medians += other.medians;
            group.with_median += other.with_median;
        }
    }

    /// A row for each class and country that anybody is in, by class and then by
    /// country. Shares are of all operators of all runs; the median is the mean of the
    /// runs' medians. Where it was never defined (nobody had a cost) it is NaN, as is a
    /// share of nobody.
    ///
    /// # Panics
    /// If there is not a name for each class and each country.
    #[must_use]
    pub fn rows(
        &self,
        design: &str,
        classes: &[String],
        countries: &[String],
    ) -> Vec<findings::Coverage> {
        assert_eq!(countries.len(), self.countries, "a name for each country");
        assert_eq!(
            classes.len() * self.countries,
            self.groups.len(),
            "a name for each class"
        );
        let names = classes
            .iter()
            .flat_map(|class| countries.iter().map(move |country| (class, country)));
        self.groups
            .iter()
            .zip(names)
            .filter(|(group, _)| group.operators > 0)
            .map(|(group, (class, country))| findings::Coverage {
                design: design.to_owned(),
                class: class.clone(),
                country: country.clone(),
                operators: group.operators as f64 / self.runs as f64,
                electricity: group.electricity.share().unwrap_or(f64::NAN),
                full: group.full.share().unwrap_or(f64::NAN),
                median_cover: group.medians / group.with_median as f64,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_four_cover_and_who_takes_no_part_is_not_counted() {
        // 3 >= 2, 2 >= 2, 1 < 2, 0 < 1; the last has neither.
        let income = [3.0, 2.0, 1.0, 0.0, 0.0];
        let cost = [2.0, 2.0, 2.0, 1.0, 0.0];
        assert_eq!(share_covering(&income, &cost), Some(0.5));
        assert_eq!(covers(1.0, 0.0), Some(true));
        assert_eq!(covers(0.0, 0.0), None);
        assert_eq!(share_covering(&[0.0], &[0.0]), None);
        assert_eq!(share_covering(&[], &[]), None);
    }

    #[test]
    fn a_tenth_of_operators_is_below_the_p10_margin() {
        // Ratios 0 to 10: the 10th percentile is 1. Whoever has no cost has no ratio.
        let mut income: Vec<f64> = (0..=10).rev().map(|n| f64::from(n) * 2.0).collect();
        let mut cost = vec![2.0; 11];
        income.push(5.0);
        cost.push(0.0);
        assert_eq!(p10_margin(&income, &cost), Some(1.0));
        // Ratios 1 and 3: a tenth of the way from the one to the other.
        let margin = p10_margin(&[3.0, 2.0], &[1.0, 2.0]).unwrap();
        assert!((margin - 1.2).abs() < 1e-12);
        assert_eq!(p10_margin(&[1.0], &[0.0]), None);
    }

    #[test]
    fn no_pay_is_the_mean_share_of_worked_epochs_without_pay() {
        // 1 of 4, 0 of 2, 3 of 3; the last never worked.
        let no_pay_of = no_pay(&[4, 2, 3, 0], &[3, 2, 0, 0]).unwrap();
        assert!((no_pay_of - (0.25 + 0.0 + 1.0) / 3.0).abs() < 1e-12);
        // Paid in more epochs than it worked in (by stake): never without pay.
        assert_eq!(no_pay(&[2], &[5]), Some(0.0));
        assert_eq!(no_pay(&[0], &[0]), None);
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    const HOME: Run<'_> = Run {
        class: &[0, 0, 0, 1],
        country: &[1, 1, 0, 1],
        income: &[3.0, 1.0, 0.0, 4.0],
        electricity: &[1.0, 1.0, 1.0, 1.0],
        depreciation: &[1.0, 1.0, 1.0, 4.0],
    };

    #[test]
    fn groups_count_by_class_and_country() {
        let mut groups = Groups::new(2, 2);
        groups.add(&HOME);
        groups.add(&Run {
            class: &[0],
            country: &[1],
            income: &[4.0],
            electricity: &[5.0],
            depreciation: &[5.0],
        });
        let rows = groups.rows(
            "pro-rata",
            &names(&["home", "centre"]),
            &names(&["BG", "DE"]),
        );
        let named: Vec<_> = rows
            .iter()
            .map(|row| (row.class.as_str(), row.country.as_str(), row.operators))
            .collect();
        assert_eq!(
            named,
            [
                ("home", "BG", 0.5),
                ("home", "DE", 1.5),
                ("centre", "DE", 0.5)
            ]
        );
        // Home in DE: 3 and 1 of 1 cover electricity, 4 of 5 does not.
        assert_eq!(rows[1].electricity, 2.0 / 3.0);
        assert_eq!(rows[1].full, 1.0 / 3.0);
        // Medians 1 (of 3/2 and 1/2) and 0.4.
        assert!((rows[1].median_cover - 0.7).abs() < 1e-12);
        assert_eq!((rows[0].electricity, rows[0].full), (0.0, 0.0));
        assert_eq!((rows[2].electricity, rows[2].full), (1.0, 0.0));
        assert_eq!(rows[2].design, "pro-rata");
    }

    #[test]
    fn merged_groups_are_what_one_would_have_counted() {
        let mut one = Groups::new(2, 2);
        one.add(&HOME);
        one.add(&HOME);
        let mut first = Groups::new(2, 2);
        first.add(&HOME);
        let second = first.clone();
        first.merge(&second);
        assert_eq!(first, one);
    }
}
