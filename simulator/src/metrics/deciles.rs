//! Pay by size of operator.
//!
//! Operators are put in order of their work and cut into ten equal parts. The cut is
//! exact: an operator across a cut belongs to both sides in proportion, so that any
//! number of operators has ten deciles, fewer than ten too. Operators with the same
//! work are one block across whose length their pay is spread evenly, so that their
//! order does not matter.

/// Reward per unit of work in each tenth of those who worked, the smallest first.
///
/// Whoever did no work is left out: it has no reward per unit of work. A decile's
/// value is its pay over its work. `None` if nobody worked.
///
/// # Panics
/// If the two do not have the same length.
#[must_use]
pub fn pay_per_unit(work: &[f64], pay: &[f64]) -> Option<[f64; 10]> {
    BySize::new(work, pay).pay_per_unit()
}

/// Share of all pay that goes to the smaller half of operators by work, 0 to 1.
///
/// Everybody counts, whoever did no work too: it is among the smallest. `None` if
/// nothing was paid.
///
/// # Panics
/// If the two do not have the same length.
#[must_use]
pub fn share_of_smaller_half(work: &[f64], pay: &[f64]) -> Option<f64> {
    BySize::new(work, pay).share_of_smaller_half()
}

/// Operators in order of their work: both answers for the cost of one sort.
pub struct BySize {
    blocks: Vec<Block>,
    operators: f64,
}

impl BySize {
    /// Work and pay of each operator.
    ///
    /// # Panics
    /// If the two do not have the same length.
    #[must_use]
    pub fn new(work: &[f64], pay: &[f64]) -> Self {
        assert_eq!(work.len(), pay.len(), "one pay for each work");
        Self {
            blocks: blocks(work, pay),
            operators: work.len() as f64,
        }
    }

    /// See [`pay_per_unit`].
    #[must_use]
    pub fn pay_per_unit(&self) -> Option<[f64; 10]> {
        // The first one of who worked, behind all who did not.
        let idle = self.blocks.partition_point(|block| block.work <= 0.0);
        let start = self.blocks.get(idle)?.start;
        let tenth = (self.operators - start) / 10.0;
        let mut deciles = [0.0; 10];
        for (number, decile) in (0u32..).zip(&mut deciles) {
            let from = start + f64::from(number) * tenth;
            let (units, amount) = between(&self.blocks, from, from + tenth);
            *decile = amount / units;
        }
        Some(deciles)
    }

    /// See [`share_of_smaller_half`].
    #[must_use]
    pub fn share_of_smaller_half(&self) -> Option<f64> {
        let total: f64 = self.blocks.iter().map(|block| block.pay).sum();
        let (_, smaller) = between(&self.blocks, 0.0, self.operators / 2.0);
        (total > 0.0).then(|| smaller / total)
    }
}

/// Operators with the same work.
struct Block {
    /// How many are before them.
    start: f64,
    /// How many they are.
    count: f64,
    /// Work of all of them.
    work: f64,
    /// Pay of all of them.
    pay: f64,
}

/// By ascending work. Within a block pay is added in ascending order, so that the
/// order of the operators does not change a bit of it.
fn blocks(work: &[f64], pay: &[f64]) -> Vec<Block> {
    let mut order: Vec<usize> = (0..work.len()).collect();
    order.sort_unstable_by(|&a, &b| {
        work[a]
            .total_cmp(&work[b])
            .then_with(|| pay[a].total_cmp(&pay[b]))
    });
    let mut blocks: Vec<Block> = Vec::new();
    let mut last = None;
    for (place, &index) in order.iter().enumerate() {
        match blocks.last_mut() {
            Some(block) if last == Some(work[index]) => {
                block.count += 1.0;
                block.work += work[index];
                block.pay += pay[index];
            }
            _ => blocks.push(Block {
                start: place as f64,
                count: 1.0,
                work: work[index],
                pay: pay[index],
            }),
        }
        last = Some(work[index]);
    }
    blocks
}

/// Work and pay of the operators from place `from` to place `to`.
fn between(blocks: &[Block], from: f64, to: f64) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    for block in blocks {
        let overlap = to.min(block.start + block.count) - from.max(block.start);
        if overlap > 0.0 {
            sums.0 += block.work * overlap / block.count;
            sums.1 += block.pay * overlap / block.count;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn ten_operators_are_a_decile_each() {
        let work: Vec<f64> = (1..=10).map(f64::from).collect();
        let pay: Vec<f64> = work.iter().map(|units| 110.0 - units * units).collect();
        for (n, value) in (1..=10)
            .map(f64::from)
            .zip(pay_per_unit(&work, &pay).unwrap())
        {
            close(value, (110.0 - n * n) / n);
        }
    }

    #[test]
    fn fewer_than_ten_have_deciles_too() {
        // Two operators: five deciles each. One works 1 and gets 3, the other 4 and 4.
        let deciles = pay_per_unit(&[4.0, 1.0], &[4.0, 3.0]).unwrap();
        for (number, value) in deciles.into_iter().enumerate() {
            close(value, if number < 5 { 3.0 } else { 1.0 });
        }
    }

    #[test]
    fn who_is_across_a_cut_counts_on_both_sides() {
        // Fifteen operators, one and a half in a decile. The first two do 1 and 2 and
        // get 10 and 8: the first decile has 1 + 2/2 work and 10 + 8/2 pay.
        let mut work = vec![3.0; 15];
        let mut pay = vec![3.0; 15];
        (work[0], pay[0], work[1], pay[1]) = (1.0, 10.0, 2.0, 8.0);
        let deciles = pay_per_unit(&work, &pay).unwrap();
        close(deciles[0], 14.0 / 2.0);
        // Half of the second operator, and one of the others.
        close(deciles[1], (4.0 + 3.0) / (1.0 + 3.0));
        close(deciles[9], 1.0);
    }

    #[test]
    fn the_same_work_is_the_same_decile_whatever_the_order() {
        // Twenty do the same, half of them for nothing: every decile is at the mean.
        let work = vec![2.0; 20];
        let pay: Vec<f64> = (0..20).map(|n| if n < 10 { 0.0 } else { 4.0 }).collect();
        for value in pay_per_unit(&work, &pay).unwrap() {
            close(value, 1.0);
        }
        close(share_of_smaller_half(&work, &pay).unwrap(), 0.5);
        // To the last bit: (0.1 + 0.2) + 0.3 is not (0.3 + 0.2) + 0.1 in binary.
        assert_eq!(
            pay_per_unit(&[1.0; 3], &[0.1, 0.2, 0.3]),
            pay_per_unit(&[1.0; 3], &[0.3, 0.2, 0.1])
        );
    }

    #[test]
    fn who_did_nothing_has_no_pay_per_unit() {
        let deciles = pay_per_unit(&[0.0, 1.0], &[9.0, 2.0]).unwrap();
        for value in deciles {
            close(value, 2.0);
        }
        // Nor does it move the cuts between the others.
        let (work, pay) = ([1.0, 0.0, 4.0, 2.0, 0.0], [9.0, 5.0, 4.0, 8.0, 0.0]);
        let alone = pay_per_unit(&[1.0, 4.0, 2.0], &[9.0, 4.0, 8.0]).unwrap();
        for (value, alone) in pay_per_unit(&work, &pay).unwrap().into_iter().zip(alone) {
            close(value, alone);
        }
        assert_eq!(pay_per_unit(&[0.0, 0.0], &[1.0, 1.0]), None);
        assert_eq!(pay_per_unit(&[], &[]), None);
    }

    #[test]
    fn the_smaller_half_of_five_is_two_and_a_half() {
        // 1 + 2 and half of 4, of 31; the idle one is among the smallest.
        let share = share_of_smaller_half(&[5.0, 4.0, 0.0, 2.0, 3.0], &[16.0, 8.0, 1.0, 2.0, 4.0]);
        close(share.unwrap(), (1.0 + 2.0 + 2.0) / 31.0);
        assert_eq!(share_of_smaller_half(&[1.0], &[0.0]), None);
        assert_eq!(share_of_smaller_half(&[], &[]), None);
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_pro_rata_is_flat(
            work in prop::collection::vec(0u32..20, 1..40),
            shift in 0usize..40,
        ) {
            let work: Vec<f64> = work.into_iter().map(f64::from).collect();
            let pay: Vec<f64> = work.iter().map(|units| 3.0 * units).collect();
            if let Some(deciles) = pay_per_unit(&work, &pay) {
                for value in deciles {
                    prop_assert!((value - 3.0).abs() < 1e-9);
                }
            }
            let other: Vec<f64> = (0..work.len()).map(|n| ((n * 7) % 11) as f64).collect();
            let turn = |values: &[f64]| {
                let mut values = values.to_vec();
                values.rotate_left(shift % work.len());
                values
            };
            prop_assert_eq!(
                pay_per_unit(&turn(&work), &turn(&other)),
                pay_per_unit(&work, &other)
            );
            prop_assert_eq!(
                share_of_smaller_half(&turn(&work), &turn(&other)),
                share_of_smaller_half(&work, &other)
            );
        }
    }
}
