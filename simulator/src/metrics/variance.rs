//! Why an operator's pay varies: because the pool does, because its share does, or by
//! luck.
//!
//! # Definition
//! An *epoch* is here whatever period pay is looked at in; the engine takes four weeks.
//! In epoch `t` everybody together can expect `P` (the *pool*), an operator can expect
//! `e` for its work, before any lottery, and gets `x`. Let `s = sum e / sum P` be its
//! share over all epochs. Then, exactly,
//!
//! ```text
//! x  =  s P          what it would get if its share never changed
//!    +  (e - s P)    what its share of the pool was more or less than that
//!    +  (x - e)      luck
//!
//! pool   =  s^2 var(P)
//! luck   =  var(x - e)
//! share  =  var(x) - pool - luck
//! ```
//!
//! so the three add up to `var(x)`. Pool and luck are never negative. **All
//! covariances are in the share**: a share that grows when the pool shrinks calms pay,
//! and is then negative. Luck is independent of what was expected, so what of it is in
//! the share goes to zero with the number of epochs.
//!
//! Variances are those of the run (divided by the number of epochs, not one less): they
//! describe what happened. Every epoch counts, those without work or pay too.
//!
//! # Memory
//! Four numbers an operator, whatever the number of epochs; updated by Welford's method
//! (B. P. Welford, Technometrics 4, 1962), which does not lose digits when the mean is
//! large beside the deviation.

/// How large a part of a variance may be and still be nothing but rounding errors, as
/// a part of the whole.
const ROUNDING: f64 = 1e-12;

/// Mean and sum of squared deviations of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub squares: f64,
}

impl Moments {
    /// Adds `value`; `weight` is one over the number of values, this one counted.
    #[inline]
    pub fn add(&mut self, value: f64, weight: f64) {
        let before = value - self.mean;
        self.mean += before * weight;
        self.squares += before * (value - self.mean);
    }
}

/// What a variance consists of, in squared units of pay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts {
    /// Because what everybody together can expect varies.
    pub pool: f64,
    /// Because the operator's part of it varies, and all covariances.
    pub share: f64,
    /// Because lots are drawn.
    pub luck: f64,
}

impl Parts {
    /// The whole variance.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.pool + self.share + self.luck
    }
}

/// The same as coefficients of variation: roots of the parts over the mean. Their
/// *squares* add up. A part that is negative, because it calms, has a negative root.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coefficients {
    /// Of all together; never negative.
    pub pay: f64,
    /// Of the pool.
    pub pool: f64,
    /// Of the share.
    pub share: f64,
    /// Of luck.
    pub luck: f64,
}

/// Pay of all operators in a run, epoch by epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct PayVariance {
    epochs: u32,
    pool: Moments,
    pay: Vec<Moments>,
    luck: Vec<Moments>,
    drawn: bool,
}

impl PayVariance {
    /// Nothing paid yet, to `operators` operators.
    #[must_use]
    pub fn new(operators: usize) -> Self {
        Self {
            epochs: 0,
            pool: Moments::default(),
            pay: vec![Moments::default(); operators],
            luck: vec![Moments::default(); operators],
            drawn: false,
        }
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.epochs = 0;
        self.pool = Moments::default();
        self.pay.fill(Moments::default());
        self.luck.fill(Moments::default());
        self.drawn = false;
    }

    /// Adds an epoch: what each operator got, and what it could expect (`None`: the
    /// same, no lots were drawn). Any unit, the same in all epochs.
    ///
    /// # Panics
    /// If there is not one entry an operator.
    pub fn add(&mut self, amounts: &[f64], expected: Option<&[f64]>) {
        assert_eq!(amounts.len(), self.pay.len(), "one amount an operator");
        self.epochs += 1;
        let weight = 1.0 / f64::from(self.epochs);
        for (moments, amount) in self.pay.iter_mut().zip(amounts) {
            moments.add(*amount, weight);
        }
        self.pool
            .add(expected.unwrap_or(amounts).iter().sum(), weight);
        let Some(expected) = expected else {
            if self.drawn {
                for moments in &mut self.luck {
                    moments.add(0.0, weight);
                }
            }
            return;
        };
        assert_eq!(
            expected.len(),
            self.luck.len(),
            "one expectation an operator"
        );
        // Epochs without lots were nothing but zeros, which leave the moments at zero.
        self.drawn = true;
        for ((moments, amount), expected) in self.luck.iter_mut().zip(amounts).zip(expected) {
            moments.add(amount - expected, weight);
        }
    }

    /// How many operators it is for.
    #[must_use]
    pub fn operators(&self) -> usize {
        self.pay.len()
    }

    /// Epochs added.
    #[must_use]
    pub fn epochs(&self) -> u32 {
        self.epochs
    }

    /// Mean pay of an operator in an epoch, in the unit of what was added.
    #[must_use]
    pub fn mean(&self, operator: usize) -> f64 {
        self.pay[operator].mean
    }

    /// The parts of an operator's variance. All zero if no epoch was added; without a
    /// pool (nobody could expect anything) everything is share and luck.
    #[must_use]
    pub fn parts(&self, operator: usize) -> Parts {
        let epochs = f64::from(self.epochs.max(1));
        let (pay, luck) = (self.pay[operator], self.luck[operator]);
        let share = if self.pool.mean > 0.0 {
            (pay.mean - luck.mean) / self.pool.mean
        } else {
            0.0
        };
        let pool = share * share * self.pool.squares / epochs;
        let luck = luck.squares / epochs;
        Parts {
            pool,
            share: pay.squares / epochs - pool - luck,
            luck,
        }
    }

    /// Coefficients of variation of an operator's pay; `None` if it was paid nothing.
    #[must_use]
    pub fn coefficients(&self, operator: usize) -> Option<Coefficients> {
        let mean = self.mean(operator);
        let parts = self.parts(operator);
        let pay = self.pay[operator].squares / f64::from(self.epochs.max(1));
        // A root would make 10^-8 of what rounding left over, 10^-16 of the whole.
        let rounding = ROUNDING * (pay + parts.pool + parts.luck);
        let root = |part: f64| {
            if part.abs() <= rounding {
                0.0
            } else {
                part.abs().sqrt().copysign(part) / mean
            }
        };
        (mean > 0.0).then(|| Coefficients {
            pay: root(pay),
            pool: root(parts.pool),
            share: root(parts.share),
            luck: root(parts.luck),
        })
    }

    /// The median of each coefficient over all operators who were paid; `None` if
    /// nobody was. Each is a median of its own: their squares need not add up.
    #[must_use]
    pub fn median(&self) -> Option<Coefficients> {
        let all: Vec<Coefficients> = (0..self.operators())
            .filter_map(|operator| self.coefficients(operator))
            .collect();
        let of = |part: fn(&Coefficients) -> f64| {
            super::quantile(&all.iter().map(part).collect::<Vec<_>>(), 0.5)
        };
        Some(Coefficients {
            pay: of(|all| all.pay)?,
            pool: of(|all| all.pool)?,
            share: of(|all| all.share)?,
            luck: of(|all| all.luck)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn a_pool_that_varies_is_pool_only() {
        // Pools of 10 and 30, always a fifth of it: pay 2 and 6, mean 4, variance 4.
        let mut pay = PayVariance::new(2);
        pay.add(&[2.0, 8.0], None);
        pay.add(&[6.0, 24.0], None);
        let parts = pay.parts(0);
        close(parts.pool, 4.0);
        close(parts.share, 0.0);
        close(parts.luck, 0.0);
        let coefficients = pay.coefficients(0).unwrap();
        close(coefficients.pay, 0.5);
        close(coefficients.pool, 0.5);
    }

    #[test]
    fn a_share_that_varies_is_share_only() {
        // Always 10 in all; 2 and then 6 of it.
        let mut pay = PayVariance::new(2);
        pay.add(&[2.0, 8.0], None);
        pay.add(&[6.0, 4.0], None);
        assert_eq!(pay.parts(0).pool, 0.0);
        close(pay.parts(0).share, 4.0);
        close(pay.coefficients(0).unwrap().share, 0.5);
    }

    #[test]
    fn a_share_that_calms_is_negative() {
        // Pools of 10 and 30, and 5 of each whatever it is: with a constant share of
        // 10 in 40 it would be 2.5 and 7.5, variance 6.25.
        let mut pay = PayVariance::new(2);
        pay.add(&[5.0, 5.0], None);
        pay.add(&[5.0, 25.0], None);
        close(pay.parts(0).pool, 6.25);
        close(pay.parts(0).share, -6.25);
        close(pay.parts(0).total(), 0.0);
        close(pay.coefficients(0).unwrap().share, -0.5);
        assert_eq!(pay.coefficients(0).unwrap().pay, 0.0);
    }

    #[test]
    fn a_lottery_is_luck_only() {
        // 5 of 10 can be expected by each; one gets all.
        let mut pay = PayVariance::new(2);
        pay.add(&[10.0, 0.0], Some(&[5.0, 5.0]));
        pay.add(&[0.0, 10.0], Some(&[5.0, 5.0]));
        let parts = pay.parts(0);
        close(parts.pool, 0.0);
        close(parts.share, 0.0);
        close(parts.luck, 25.0);
        close(pay.coefficients(0).unwrap().luck, 1.0);
    }

    #[test]
    fn all_three_at_once_by_hand() {
        // Expected 2, 6, 4 of pools 10, 20, 10; paid 0, 8, 4.
        // s = 12/40 = 0.3; var(P) = 200/9, so pool = 0.09 * 200/9 = 2.
        // Luck -2, 2, 0: variance 8/3. Pay 0, 8, 4: variance 32/3. Share: 6.
        let mut pay = PayVariance::new(2);
        pay.add(&[0.0, 10.0], Some(&[2.0, 8.0]));
        pay.add(&[8.0, 12.0], Some(&[6.0, 14.0]));
        pay.add(&[4.0, 6.0], None);
        let parts = pay.parts(0);
        close(parts.pool, 2.0);
        close(parts.luck, 8.0 / 3.0);
        close(parts.share, 6.0);
        close(parts.total(), 32.0 / 3.0);
    }

    #[test]
    fn who_is_lucky_on_average_has_a_share_of_what_was_expected() {
        // Expected 4 of 10 and 8 of 20, paid 6 and 12; the other gets 0 and 7.
        // s = 12/30, var(P) = 25: pool 4. Luck 2 and 4: 1. Pay: 9. So share is 4, twice
        // the covariance of what was expected and luck.
        let mut pay = PayVariance::new(2);
        pay.add(&[6.0, 0.0], Some(&[4.0, 6.0]));
        pay.add(&[12.0, 7.0], Some(&[8.0, 12.0]));
        let parts = pay.parts(0);
        close(parts.pool, 4.0);
        close(parts.luck, 1.0);
        close(parts.share, 4.0);
    }

    #[test]
    fn what_rounding_leaves_over_is_no_part() {
        let parts = [0.1, 0.15, 0.2, 0.25, 0.3];
        let mut pay = PayVariance::new(parts.len());
        for step in 0..50 {
            let pool = 0.1 + 0.7 * f64::from(step * step % 11);
            pay.add(&parts.map(|part| part * pool), None);
        }
        let left = (0..parts.len()).filter(|operator| pay.parts(*operator).share != 0.0);
        assert!(left.count() > 0);
        for operator in 0..parts.len() {
            assert_eq!(pay.coefficients(operator).unwrap().share, 0.0);
        }
    }

    #[test]
    fn epochs_without_lots_before_and_after_a_draw_count_as_no_luck() {
        let mut with = PayVariance::new(1);
        with.add(&[4.0], None);
        with.add(&[9.0], Some(&[5.0]));
        with.add(&[4.0], None);
        let mut all = PayVariance::new(1);
        all.add(&[4.0], Some(&[4.0]));
        all.add(&[9.0], Some(&[5.0]));
        all.add(&[4.0], Some(&[4.0]));
        assert_eq!(with, all);
        // Luck 0, 4, 0: mean 4/3, variance 32/9.
        close(with.parts(0).luck, 32.0 / 9.0);
    }

    #[test]
    fn a_large_mean_costs_no_digits() {
        // 10^15 + 0, 1, 2: the variance is 2/3, and the naive sum of squares loses it.
        let mut pay = PayVariance::new(1);
        for extra in [0.0, 1.0, 2.0] {
            pay.add(&[1e15 + extra], None);
        }
        let variance = pay.parts(0).total();
        assert!((variance - 2.0 / 3.0).abs() < 0.1, "{variance}");
    }

    #[test]
    fn who_is_never_paid_has_no_coefficient_and_is_not_in_the_median() {
        let mut pay = PayVariance::new(3);
        assert_eq!(pay.median(), None);
        pay.add(&[0.0, 1.0, 1.0], None);
        pay.add(&[0.0, 3.0, 1.0], None);
        assert_eq!(pay.coefficients(0), None);
        close(pay.coefficients(1).unwrap().pay, 0.5);
        close(pay.coefficients(2).unwrap().pay, 0.0);
        close(pay.median().unwrap().pay, 0.25);
        assert_eq!((pay.operators(), pay.epochs(), pay.mean(1)), (3, 2, 2.0));
        pay.clear();
        assert_eq!(pay, PayVariance::new(3));
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_variance_of_pay(
            epochs in prop::collection::vec(
                (0u32..1000, 0u32..1000, 0u32..1000, 0u32..1000), 1..50,
            ),
        ) {
            let mut pay = PayVariance::new(2);
            for (a, b, c, d) in &epochs {
                pay.add(
                    &[f64::from(*a), f64::from(*b)],
                    Some(&[f64::from(*c), f64::from(*d)]),
                );
            }
            let n = epochs.len() as f64;
            let mean = epochs.iter().map(|epoch| f64::from(epoch.0)).sum::<f64>() / n;
            let variance =
                epochs.iter().map(|epoch| (f64::from(epoch.0) - mean).powi(2)).sum::<f64>() / n;
            let parts = pay.parts(0);
            prop_assert!((parts.total() - variance).abs() < 1e-6);
            prop_assert!(parts.pool >= 0.0 && parts.luck >= 0.0);
        }
    }
}
