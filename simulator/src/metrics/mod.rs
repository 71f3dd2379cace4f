//! What is measured in a run of a design: definitions, edge cases and hand-worked
//! examples are in `docs/metrics.md`, whose tables a test holds equal to [`ALL`].
//!
//! All are pure functions of plain slices with one entry an operator identity.
//! [`measure`] computes what can be computed from one run; the metrics of [`ENGINE`]
//! need more (a second run with exits, capital that enters, the token's supply), and
//! whoever has that fills them in.

pub mod coverage;
pub mod deciles;
pub mod inequality;
pub mod variance;

use crate::findings::{Better, MetricFacts};
use inequality::{Concentration, Owners};
use variance::PayVariance;

/// A metric: one number for a design and a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Short name: `gini-owner`.
    pub id: &'static str,
    /// Name in a text.
    pub title: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// What is good for small operators.
    pub better: Better,
    /// Group of the table.
    pub group: &'static str,
    /// What it is, in a sentence.
    pub definition: &'static str,
}

impl From<&Metric> for MetricFacts {
    fn from(metric: &Metric) -> Self {
        Self {
            id: metric.id.to_owned(),
            title: metric.title.to_owned(),
            unit: metric.unit.to_owned(),
            better: metric.better,
            definition: metric.definition.to_owned(),
            group: metric.group.to_owned(),
        }
    }
}

/// One list of all metrics makes their places and what is said of them.
macro_rules! metrics {
    ($($group:literal { $($name:ident, $id:literal, $title:literal, $unit:literal, $better:ident, $definition:literal;)+ })+) => {
        /// Place of a metric in [`ALL`] and in what [`measure`] returns.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(usize)]
        pub enum Id {
            $($(#[doc = $definition] $name,)+)+
        }

        /// All metrics, in the order of the tables.
        pub const ALL: &[Metric] = &[
            $($(Metric {
                id: $id,
                title: $title,
                unit: $unit,
                better: Better::$better,
                group: $group,
                definition: $definition,
            },)+)+
        ];
    };
}

metrics! {
    "coverage" {
        CoverageElectricity, "coverage-electricity", "Operators covering electricity", "share", Higher,
            "Share of operators whose income over the run covers their electricity.";
        CoverageFull, "coverage-full", "Operators covering electricity and depreciation", "share", Higher,
            "Share of operators whose income over the run covers electricity and depreciation.";
        CoverageElectricityOwner, "coverage-electricity-owner", "Owners covering electricity", "share", Higher,
            "The same as coverage-electricity, income and cost of all identities of an owner added up.";
        CoverageFullOwner, "coverage-full-owner", "Owners covering electricity and depreciation", "share", Higher,
            "The same as coverage-full, income and cost of all identities of an owner added up.";
        CoverageFullSmall, "coverage-full-small", "Owners of one card covering electricity and depreciation", "share", Higher,
            "The same as coverage-full-owner among owners whose identities have one card in all.";
        CoverageFullOpen, "coverage-full-open", "Open operators covering electricity and depreciation", "share", Higher,
            "The same as coverage-full among operators for which no registrar vouches.";
        CashElectricity, "cash-electricity", "Operators covering electricity with what is unlocked", "share", Higher,
            "Share of operators whose fees and rewards unlocked by the end cover their electricity.";
        CashFullSmall, "cash-full-small", "Owners of one card covering all costs with what is unlocked", "share", Higher,
            "Share of owners of one card whose fees and rewards unlocked by the end cover electricity and depreciation.";
        P10Margin, "p10-margin", "Margin that nine in ten operators reach", "income / cost", Higher,
            "10th percentile over operators of income over electricity and depreciation.";
        ExitShare, "exit-share", "Operators that switch off", "share", Lower,
            "Share of operators that have switched off at the end if whoever does not cover electricity does.";
    }
    "concentration" {
        GiniIdentity, "gini-identity", "Gini coefficient, identities", "0 to 1", Lower,
            "Gini coefficient of what identities earned: 0 if all earned the same.";
        GiniOwner, "gini-owner", "Gini coefficient, owners", "0 to 1", Lower,
            "Gini coefficient of what owners earned.";
        HhiIdentity, "hhi-identity", "Herfindahl-Hirschman index, identities", "0 to 1", Lower,
            "Sum of the squared shares of what identities earned.";
        HhiOwner, "hhi-owner", "Herfindahl-Hirschman index, owners", "0 to 1", Lower,
            "Sum of the squared shares of what owners earned.";
        Nakamoto33Identity, "nakamoto33-identity", "Nakamoto coefficient at 33 %, identities", "identities", Higher,
            "Fewest identities that together earned more than 33 % of everything.";
        Nakamoto33Owner, "nakamoto33-owner", "Nakamoto coefficient at 33 %, owners", "owners", Higher,
            "Fewest owners that together earned more than 33 % of everything.";
        Nakamoto50Identity, "nakamoto50-identity", "Nakamoto coefficient at 50 %, identities", "identities", Higher,
            "Fewest identities that together earned more than 50 % of everything.";
        Nakamoto50Owner, "nakamoto50-owner", "Nakamoto coefficient at 50 %, owners", "owners", Higher,
            "Fewest owners that together earned more than 50 % of everything.";
        TheilIdentity, "theil-identity", "Theil index, identities", "nats", Lower,
            "Theil index of what identities earned: 0 if all earned the same.";
        TheilOwner, "theil-owner", "Theil index, owners", "nats", Lower,
            "Theil index of what owners earned.";
        JainIdentity, "jain-identity", "Jain's fairness index, identities", "0 to 1", Higher,
            "Jain's fairness index of what identities earned: 1 if all earned the same.";
        JainOwner, "jain-owner", "Jain's fairness index, owners", "0 to 1", Higher,
            "Jain's fairness index of what owners earned.";
    }
    "pay" {
        SmallOverLarge, "small-over-large", "Pay per unit of work, smallest over largest decile", "ratio", Higher,
            "Reward per unit of work of the tenth of operators with least work over that of the tenth with most.";
        SmallerHalf, "smaller-half", "Pay of the smaller half", "share", Higher,
            "Share of all rewards earned by the half of operators with less work.";
        Spent, "spent", "Budget paid out", "share", Neither,
            "Rewards paid over the budgets of all epochs.";
        Returned, "returned", "Budget returned", "share", Neither,
            "What went back to the reserve over the budgets of all epochs.";
    }
    "variance" {
        NoPay, "p-no-pay", "Probability of no pay", "share", Lower,
            "Share of an operator's periods of four weeks with work in which it was paid nothing, mean over operators.";
        CvPay, "cv-pay", "Variation of pay", "CV", Lower,
            "Coefficient of variation of an operator's pay of four weeks from one to the next, median over operators.";
        CvPool, "cv-pool", "Variation of pay by the pool", "CV", Lower,
            "Part of it that comes from what all together are paid, median over operators.";
        CvShare, "cv-share", "Variation of pay by the share", "CV", Lower,
            "Part of it that comes from the operator's part of that, negative where it calms, median over operators.";
        CvLuck, "cv-luck", "Variation of pay by luck", "CV", Lower,
            "Part of it that comes from a lottery, median over operators.";
    }
    "splitting" {
        SplitGain, "split-gain", "Gain of the largest owners by splitting", "share", Lower,
            "What the largest tenth of owners earns more if each opens further identities where that pays it, over what they earn without.";
        SplitCoverageSmall, "split-coverage-full-small", "Owners of one card covering all costs when the largest split", "share", Higher,
            "The same as coverage-full-small when the largest tenth of owners splits where that pays.";
        SplitGini, "split-gini-owner", "Gini coefficient, owners, when the largest split", "0 to 1", Lower,
            "The same as gini-owner when the largest tenth of owners splits where that pays.";
        SplitNakamoto50, "split-nakamoto50-owner", "Nakamoto coefficient at 50 %, owners, when the largest split", "owners", Higher,
            "The same as nakamoto50-owner when the largest tenth of owners splits where that pays.";
    }
    "capital" {
        ReturnEarly, "return-early", "Return on capital entering early", "share a year", Higher,
            "Reward less running cost over capital and a year, of one card that enters at the start.";
        ReturnLate, "return-late", "Return on capital entering late", "share a year", Neither,
            "The same of one card that enters late.";
        ReturnLarge, "return-large", "Return on large capital entering late", "share a year", Neither,
            "The same of large capital that enters late.";
    }
    "selling" {
        Unlocked, "unlocked", "Rewards unlocked", "share", Higher,
            "Share of the rewards earned in the run that is unlocked at its end.";
        UnlockedSmall, "unlocked-small", "Rewards unlocked, owners of one card", "share", Higher,
            "The same of what owners whose identities have one card in all earned.";
        WorstMonth, "worst-month", "Sales in the worst month", "share of circulating", Lower,
            "Largest monthly sale of rewards over the tokens in circulation at the start of that month.";
    }
}

/// The metrics that [`measure`] leaves undefined, because they need more than a run.
pub const ENGINE: [Id; 10] = [
    Id::ExitShare,
    Id::Returned,
    Id::SplitGain,
    Id::SplitCoverageSmall,
    Id::SplitGini,
    Id::SplitNakamoto50,
    Id::ReturnEarly,
    Id::ReturnLate,
    Id::ReturnLarge,
    Id::WorstMonth,
];

/// One run of one design: every slice has one entry an operator identity, and every
/// sum is over the whole run.
#[derive(Clone, Copy, Debug)]
pub struct RunInput<'a> {
    /// Owner of each identity.
    pub owner: &'a [u32],
    /// Cards it runs.
    pub cards: &'a [u32],
    /// Whether a registrar vouches for it.
    pub vetted: &'a [bool],
    /// Work, in work units.
    pub work: &'a [f64],
    /// Rewards earned, in tokens (or any other unit, the same for all).
    pub earned: &'a [f64],
    /// Part of them that is unlocked when the run ends, in the same unit.
    pub received: &'a [f64],
    /// Reward and fees, in EUR.
    pub income: &'a [f64],
    /// The same with what is unlocked by the end instead of what was earned, in EUR.
    pub cash: &'a [f64],
    /// Electricity, in EUR.
    pub electricity: &'a [f64],
    /// Depreciation, in EUR.
    pub depreciation: &'a [f64],
    /// Periods of four weeks in which it worked.
    pub periods_worked: &'a [u32],
    /// Of those, the ones in which it was paid more than nothing.
    pub periods_paid: &'a [u32],
    /// Its pay, period by period.
    pub variance: &'a PayVariance,
    /// Sum of the budgets of all epochs, in the unit of `earned`.
    pub budget: f64,
    /// Sum of all rewards, in the same unit.
    pub paid: f64,
}

/// All metrics of a run, in the order of [`ALL`]. NaN where one is undefined: what it
/// is a share of is zero, or it is one of [`ENGINE`].
///
/// # Panics
/// If the slices do not have the same length.
#[must_use]
pub fn measure(run: &RunInput<'_>) -> Vec<f64> {
    let mut values = vec![f64::NAN; ALL.len()];
    let mut set = |id: Id, value: Option<f64>| values[id as usize] = value.unwrap_or(f64::NAN);
    let owners = Owners::new(run.owner);
    let small = of_one_card(&owners, run.cards);

    let cost: Vec<f64> = run
        .electricity
        .iter()
        .zip(run.depreciation)
        .map(|(electricity, depreciation)| electricity + depreciation)
        .collect();
    let owner_income = owners.sum(run.income);
    let owner_cost = owners.sum(&cost);
    set(
        Id::CoverageElectricity,
        coverage::share_covering(run.income, run.electricity),
    );
    set(
        Id::CoverageFull,
        coverage::share_covering(run.income, &cost),
    );
    set(
        Id::CoverageElectricityOwner,
        coverage::share_covering(&owner_income, &owners.sum(run.electricity)),
    );
    set(
        Id::CoverageFullOwner,
        coverage::share_covering(&owner_income, &owner_cost),
    );
    set(
        Id::CoverageFullSmall,
        coverage::share_covering(&only(&owner_income, &small), &only(&owner_cost, &small)),
    );
    let open: Vec<bool> = run.vetted.iter().map(|vetted| !vetted).collect();
    set(
        Id::CoverageFullOpen,
        coverage::share_covering(&only(run.income, &open), &only(&cost, &open)),
    );
    set(
        Id::CashElectricity,
        coverage::share_covering(run.cash, run.electricity),
    );
    let owner_cash = owners.sum(run.cash);
    set(
        Id::CashFullSmall,
        coverage::share_covering(&only(&owner_cash, &small), &only(&owner_cost, &small)),
    );
    set(Id::P10Margin, coverage::p10_margin(run.income, &cost));

    let owner_earned = owners.sum(run.earned);
    let identities = inequality::concentration(run.earned);
    let of_owners = inequality::concentration(&owner_earned);
    for (identity, owner, part) in CONCENTRATIONS {
        set(identity, identities.as_ref().map(part));
        set(owner, of_owners.as_ref().map(part));
    }

    let by_size = deciles::BySize::new(run.work, run.earned);
    set(
        Id::SmallOverLarge,
        by_size
            .pay_per_unit()
            .and_then(|deciles| ratio(deciles[0], deciles[9])),
    );
    set(Id::SmallerHalf, by_size.share_of_smaller_half());
    set(Id::Spent, ratio(run.paid, run.budget));

    set(
        Id::NoPay,
        coverage::no_pay(run.periods_worked, run.periods_paid),
    );
    let variation = run.variance.median();
    set(Id::CvPay, variation.map(|of| of.pay));
    set(Id::CvPool, variation.map(|of| of.pool));
    set(Id::CvShare, variation.map(|of| of.share));
    set(Id::CvLuck, variation.map(|of| of.luck));

    let owner_received = owners.sum(run.received);
    let sum = |values: &[f64]| values.iter().sum::<f64>();
    set(
        Id::Unlocked,
        ratio(sum(&owner_received), sum(&owner_earned)),
    );
    set(
        Id::UnlockedSmall,
        ratio(
            sum(&only(&owner_received, &small)),
            sum(&only(&owner_earned, &small)),
        ),
    );
    values
}

/// The measures of concentration: of identities, of owners, and which it is.
#[allow(clippy::type_complexity)] // Three columns of one table.
const CONCENTRATIONS: [(Id, Id, fn(&Concentration) -> f64); 6] = [
    (Id::GiniIdentity, Id::GiniOwner, |of| of.gini),
    (Id::HhiIdentity, Id::HhiOwner, |of| of.hhi),
    (Id::Nakamoto33Identity, Id::Nakamoto33Owner, |of| {
        of.nakamoto33 as f64
    }),
    (Id::Nakamoto50Identity, Id::Nakamoto50Owner, |of| {
        of.nakamoto50 as f64
    }),
    (Id::TheilIdentity, Id::TheilOwner, |of| of.theil),
    (Id::JainIdentity, Id::JainOwner, |of| of.jain),
];

/// What is measured of owners once the largest have split: how many of those with one card
/// cover all costs, the Gini coefficient and the Nakamoto coefficient at 50 %, in the order
/// of the metrics. `earned` in tokens, `income` and `cost` in EUR, by identity of before the
/// split.
#[must_use]
pub fn after_split(
    owner: &[u32],
    cards: &[u32],
    earned: &[f64],
    income: &[f64],
    cost: &[f64],
) -> [f64; 3] {
    let owners = Owners::new(owner);
    let small = of_one_card(&owners, cards);
    let covering = coverage::share_covering(
        &only(&owners.sum(income), &small),
        &only(&owners.sum(cost), &small),
    );
    let earned = inequality::concentration(&owners.sum(earned));
    [
        covering.unwrap_or(f64::NAN),
        earned.as_ref().map_or(f64::NAN, |of| of.gini),
        earned.as_ref().map_or(f64::NAN, |of| of.nakamoto50 as f64),
    ]
}

/// Whether each owner has one card in all.
fn of_one_card(owners: &Owners, cards: &[u32]) -> Vec<bool> {
    let cards: Vec<f64> = cards.iter().map(|cards| f64::from(*cards)).collect();
    owners
        .sum(&cards)
        .iter()
        .map(|cards| *cards == 1.0)
        .collect()
}

fn only(values: &[f64], which: &[bool]) -> Vec<f64> {
    values
        .iter()
        .zip(which)
        .filter(|(_, wanted)| **wanted)
        .map(|(value, _)| *value)
        .collect()
}

/// A quotient; `None` if there is nothing to divide by.
fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// The value below which a share `part` (0 to 1) of `values` is, between two values on
/// the straight line: `x[k] + (h - k)(x[k+1] - x[k])` with `h = (n - 1) part` and
/// `k = floor(h)`, x in ascending order from 0 (type 7 of R. Hyndman and Y. Fan, "Sample
/// Quantiles in Statistical Packages", The American Statistician 50, 1996). `None` if
/// there are none.
#[must_use]
pub fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let place = values.len().checked_sub(1)? as f64 * part.clamp(0.0, 1.0);
    let below = place.floor();
    let mut values = values.to_vec();
    let (_, low, above) = values.select_nth_unstable_by(below as usize, f64::total_cmp);
    let next = above.iter().copied().min_by(f64::total_cmp);
    let low = *low;
    Some(low + (place - below) * (next.unwrap_or(low) - low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_metric_is_at_its_place() {
        assert_eq!(
            ALL[Id::CoverageElectricity as usize].id,
            "coverage-electricity"
        );
        assert_eq!(ALL[Id::JainOwner as usize].id, "jain-owner");
        assert_eq!(ALL[Id::WorstMonth as usize].id, "worst-month");
        assert_eq!(Id::WorstMonth as usize + 1, ALL.len());
        let ids: BTreeSet<_> = ALL.iter().map(|metric| metric.id).collect();
        assert_eq!(ids.len(), ALL.len(), "no id twice");
        let facts = MetricFacts::from(&ALL[Id::GiniOwner as usize]);
        assert_eq!(
            (facts.id.as_str(), facts.better),
            ("gini-owner", Better::Lower)
        );
        assert_eq!(facts.group, "concentration");
    }

    #[test]
    fn a_quantile_is_between_two_values_on_the_straight_line() {
        assert_eq!(quantile(&[4.0, 1.0, 3.0], 0.5), Some(3.0));
        assert_eq!(quantile(&[4.0, 1.0], 0.5), Some(2.5));
        assert_eq!(quantile(&[4.0, 1.0], 0.0), Some(1.0));
        assert_eq!(quantile(&[4.0, 1.0], 1.0), Some(4.0));
        assert_eq!(quantile(&[7.0], 0.1), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    /// The run of `docs/metrics.md`: owner 0 has two identities of one card, owner 1
    /// one of one card, owner 2 one of eight.
    fn by_hand(variance: &PayVariance) -> RunInput<'_> {
        RunInput {
            owner: &[0, 0, 1, 2],
            cards: &[1, 1, 1, 8],
            vetted: &[false, true, false, true],
            work: &[10.0, 20.0, 10.0, 60.0],
            earned: &[1.0, 2.0, 2.0, 5.0],
            received: &[0.5, 1.0, 2.0, 1.5],
            income: &[1.0, 2.0, 2.0, 5.0],
            cash: &[0.5, 1.0, 2.0, 1.5],
            electricity: &[1.0, 1.0, 1.0, 4.0],
            depreciation: &[0.5, 0.5, 1.5, 0.0],
            periods_worked: &[2, 2, 2, 2],
            periods_paid: &[1, 2, 2, 2],
            variance,
            budget: 20.0,
            paid: 10.0,
        }
    }

    #[test]
    fn a_run_measured_by_hand() {
        let mut variance = PayVariance::new(4);
        variance.add(&[0.0, 1.0, 1.0, 2.0], None);
        variance.add(&[1.0, 1.0, 1.0, 3.0], None);
        let values = measure(&by_hand(&variance));
        let expect = |id: Id, expected: f64| {
            let value = values[id as usize];
            assert!(
                (value - expected).abs() < 1e-9,
                "{}: {value} is not {expected}",
                ALL[id as usize].id
            );
        };
        expect(Id::CoverageElectricity, 1.0);
        // 1 < 1.5, 2 >= 1.5, 2 < 2.5, 5 >= 4.
        expect(Id::CoverageFull, 0.5);
        expect(Id::CoverageElectricityOwner, 1.0);
        // 3 >= 3, 2 < 2.5, 5 >= 4.
        expect(Id::CoverageFullOwner, 2.0 / 3.0);
        // Owner 1 only: owner 0 has two cards.
        expect(Id::CoverageFullSmall, 0.0);
        // 2/3, 0.8, 1.25, 4/3: three tenths of the way from the first to the second.
        // a has 1 for 1.5, c 2 for 2.5.
        expect(Id::CoverageFullOpen, 0.0);
        // b has 1 for 1, c 2 for 1.
        expect(Id::CashElectricity, 0.5);
        // B has 2 for 2.5.
        expect(Id::CashFullSmall, 0.0);
        expect(Id::P10Margin, 2.0 / 3.0 + 0.3 * (0.8 - 2.0 / 3.0));
        // 1, 2, 2, 5: (-3 - 2 + 2 + 15) / (4 * 10). Owners 2, 3, 5: (-4 + 0 + 10) / 30.
        expect(Id::GiniIdentity, 0.3);
        expect(Id::GiniOwner, 0.2);
        expect(Id::HhiIdentity, 0.34);
        expect(Id::HhiOwner, 0.38);
        expect(Id::Nakamoto33Identity, 1.0);
        expect(Id::Nakamoto33Owner, 1.0);
        // 5 of 10 is not more than half.
        expect(Id::Nakamoto50Identity, 2.0);
        expect(Id::Nakamoto50Owner, 2.0);
        expect(Id::JainIdentity, 100.0 / 136.0);
        expect(Id::JainOwner, 100.0 / 114.0);
        let theil = |relative: &[f64]| {
            relative.iter().map(|x| x * x.ln()).sum::<f64>() / relative.len() as f64
        };
        expect(Id::TheilIdentity, theil(&[0.4, 0.8, 0.8, 2.0]));
        expect(Id::TheilOwner, theil(&[0.6, 0.9, 1.5]));
        // Both with 10 units are one block of 20 units and 3 tokens.
        expect(Id::SmallOverLarge, (3.0 / 20.0) / (5.0 / 60.0));
        expect(Id::SmallerHalf, 0.3);
        expect(Id::Spent, 0.5);
        expect(Id::NoPay, 0.5 / 4.0);
        // Pays 0 1, 1 1, 1 1, 2 3: CV 1, 0, 0, 0.2; pools 4 and 6: CV 0.2 for all.
        expect(Id::CvPay, 0.1);
        expect(Id::CvPool, 0.2);
        // Squares 1 - 0.04, -0.04, -0.04, 0.
        expect(Id::CvShare, -0.1);
        expect(Id::CvLuck, 0.0);
        expect(Id::Unlocked, 0.5);
        expect(Id::UnlockedSmall, 1.0);
        for id in ENGINE {
            assert!(values[id as usize].is_nan(), "{}", ALL[id as usize].id);
        }
        let undefined = values.iter().filter(|value| value.is_nan()).count();
        assert_eq!(undefined, ENGINE.len());
    }

    #[test]
    fn whoever_splits_changes_what_identities_show_and_nothing_of_owners() {
        let variance = PayVariance::new(4);
        let whole = measure(&RunInput {
            owner: &[0, 1, 2],
            cards: &[2, 1, 8],
            vetted: &[true, false, true],
            work: &[30.0, 10.0, 60.0],
            earned: &[3.0, 2.0, 5.0],
            received: &[1.5, 2.0, 1.5],
            income: &[3.0, 2.0, 5.0],
            cash: &[1.5, 2.0, 1.5],
            electricity: &[2.0, 1.0, 4.0],
            depreciation: &[1.0, 1.5, 0.0],
            periods_worked: &[2, 2, 2],
            periods_paid: &[2, 2, 2],
            ..by_hand(&variance)
        });
        let split = measure(&by_hand(&variance));
        for (metric, (whole, split)) in ALL.iter().zip(whole.iter().zip(&split)) {
            // Whoever has more than a run fills in what is undefined here.
            if metric.id.ends_with("-owner") && !(whole.is_nan() && split.is_nan()) {
                assert_eq!(whole, split, "{}", metric.id);
            }
            if metric.id.ends_with("-identity") && !metric.id.starts_with("nakamoto") {
                assert_ne!(whole, split, "{}", metric.id);
            }
        }
    }

    #[test]
    fn a_run_in_which_nothing_happens_has_no_metrics() {
        let none = measure(&RunInput {
            owner: &[],
            cards: &[],
            vetted: &[],
            work: &[],
            earned: &[],
            received: &[],
            income: &[],
            cash: &[],
            electricity: &[],
            depreciation: &[],
            periods_worked: &[],
            periods_paid: &[],
            variance: &PayVariance::new(0),
            budget: 0.0,
            paid: 0.0,
        });
        assert!(none.iter().all(|value| value.is_nan()));
    }

    /// `docs/metrics.md` has this table for each group, so that the page cannot say
    /// anything else than the report.
    #[test]
    fn the_page_has_every_metric_and_no_other() {
        const PAGE: &str = include_str!("../../../docs/metrics.md");
        let mut rows = Vec::new();
        for metric in ALL {
            let better = match metric.better {
                Better::Higher => "more",
                Better::Lower => "less",
                Better::Neither => "neither",
            };
            rows.push(format!(
                "| `{}` | {} | {} | {better} | {} |",
                metric.id, metric.title, metric.unit, metric.definition
            ));
        }
        let page: Vec<&str> = PAGE
            .lines()
            .filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 4)
            .collect();
        assert!(
            page == rows,
            "docs/metrics.md should have these rows and has others:\n{}",
            rows.join("\n")
        );
    }
}
