//! Figures of a distribution, and how they are written.

/// The Gini coefficient of `values`: 0 if all are equal, towards 1 if one has all.
/// Those who have nothing count; 0 for nobody.
#[must_use]
pub fn gini(values: &[u128]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().map(|value| *value as f64).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let sum: f64 = sorted.iter().sum();
    let count = sorted.len() as f64;
    if sum == 0.0 {
        return 0.0;
    }
    let weighted: f64 = (1..=sorted.len())
        .zip(&sorted)
        .map(|(rank, value)| (2.0 * rank as f64 - count - 1.0) * value)
        .sum();
    weighted / (count * sum)
}

/// The Lorenz curve at `steps` equal steps: what share of the sum the poorest 1/steps,
/// 2/steps, ... of all have together. The last one is 1.
#[must_use]
pub fn lorenz(values: &[u128], steps: usize) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let sum: u128 = sorted.iter().sum();
    (1..=steps)
        .map(|step| {
            let poorest = sorted.len() * step / steps;
            sorted[..poorest].iter().sum::<u128>() as f64 / (sum.max(1) as f64)
        })
        .collect()
}

/// The smallest number of members who together have more than half of the sum (the
/// Nakamoto coefficient at 50%); 0 if nobody has anything.
#[must_use]
pub fn nakamoto(values: &[u128]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let sum: u128 = sorted.iter().sum();
    let mut held = 0;
    sorted
        .iter()
        .take_while(|value| {
            let needed = held * 2 <= sum && sum > 0;
            held += **value;
            needed
        })
        .count()
}

/// A bar of at most `width` characters for `value` of `most`, in eighths.
#[must_use]
pub fn bar(value: f64, most: f64, width: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    if most <= 0.0 {
        return String::new();
    }
    let eighths = (value.clamp(0.0, most) / most * width as f64 * 8.0).round() as usize;
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.push(EIGHTHS[eighths % 8]);
    }
    text
}

/// One character a value, its height in proportion to the largest.
#[must_use]
pub fn sparkline(values: &[f64]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    values
        .iter()
        .map(|value| HEIGHTS[((value / most * 8.0) as usize).min(7)])
        .collect()
}

/// An amount of base units as tokens with two places, rounded down: `1,234.56`.
#[must_use]
pub fn tokens(amount: u128, decimals: u8) -> String {
    let one = 10_u128.pow(u32::from(decimals));
    let hundredths = amount % one * 100 / one;
    format!("{}.{hundredths:02}", grouped(amount / one))
}

/// A number with a comma before every third digit.
#[must_use]
pub fn grouped(value: u128) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole in percent with one place; 0 of nothing is 0.
#[must_use]
pub fn percent(part: u128, whole: u128) -> String {
    if whole == 0 {
        return "0.0%".into();
    }
    format!("{:.1}%", part as f64 / whole as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gini_is_zero_for_equals_and_near_one_if_one_has_all() {
        assert_eq!(gini(&[]), 0.0);
        assert_eq!(gini(&[0, 0]), 0.0);
        assert_eq!(gini(&[5, 5, 5]), 0.0);
        assert_eq!(gini(&[0, 0, 0, 1]), 0.75);
        // By hand: mean difference 8/9 of three values with mean 2, halved.
        assert!((gini(&[1, 2, 3]) - 2.0 / 9.0).abs() < 1e-12);
    }

    #[test]
    fn the_lorenz_curve_sums_from_the_poorest() {
        assert_eq!(lorenz(&[4, 1, 3, 2], 4), [0.1, 0.3, 0.6, 1.0]);
        assert_eq!(lorenz(&[], 2), [0.0, 0.0]);
    }

    #[test]
    fn nakamoto_counts_who_holds_more_than_half() {
        assert_eq!(nakamoto(&[]), 0);
        assert_eq!(nakamoto(&[0, 0]), 0);
        assert_eq!(nakamoto(&[1, 1, 1, 1]), 3);
        assert_eq!(nakamoto(&[1, 6, 1]), 1);
    }

    #[test]
    fn amounts_are_grouped_and_never_rounded_up() {
        assert_eq!(tokens(1_234_567_999, 6), "1,234.56");
        assert_eq!(tokens(999, 3), "0.99");
        assert_eq!(tokens(5, 0), "5.00");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(0), "0");
        assert_eq!(percent(1, 8), "12.5%");
    }

    #[test]
    fn bars_have_the_length_of_their_value() {
        assert_eq!(bar(1.0, 2.0, 4), "██");
        assert_eq!(bar(9.0, 2.0, 4), "████");
        assert_eq!(bar(1.0, 0.0, 4), "");
        assert_eq!(sparkline(&[0.0, 1.0, 0.5]), "▁█▅");
    }
}
