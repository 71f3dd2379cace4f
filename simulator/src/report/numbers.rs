//! How numbers are written in the report: with as many digits as they are worth, the
//! thousands apart, and shares in percent. The files beside it hold every digit.

use crate::findings::Interval;

/// Most decimals of a number in a table.
const MOST_DECIMALS: usize = 4;

/// How the numbers of one column are written, so that they can be compared down it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Shares are written in percent.
    pub percent: bool,
    /// Digits after the point.
    pub decimals: usize,
}

impl Format {
    /// Fits a column of `values` of this unit: three digits of the largest, two of the
    /// smallest that is not zero, and no more decimals than four (shares: one or two,
    /// in percent).
    #[must_use]
    pub fn fitting(unit: &str, values: impl IntoIterator<Item = f64>) -> Self {
        if is_share(unit) {
            let smallest = magnitudes(values).fold(f64::INFINITY, f64::min);
            let decimals = if smallest < 0.001 { 2 } else { 1 };
            return Self {
                percent: true,
                decimals,
            };
        }
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for size in magnitudes(values) {
            least = least.min(size);
            most = most.max(size);
        }
        let decimals = if most == 0.0 {
            0
        } else {
            decimals_for(most, 3).max(decimals_for(least, 2))
        };
        Self {
            percent: false,
            decimals: decimals.min(MOST_DECIMALS),
        }
    }

    /// Writes a value. What is not zero is never written as zero.
    #[must_use]
    pub fn write(self, value: f64) -> String {
        if !value.is_finite() {
            return no_number(value).into();
        }
        let (value, sign) = if self.percent {
            (value * 100.0, "%")
        } else {
            (value, "")
        };
        let text = fixed(value, self.decimals);
        if value != 0.0 && text.chars().all(|c| !('1'..='9').contains(&c)) {
            let least = fixed(10_f64.powi(-count(self.decimals)), self.decimals);
            return if value > 0.0 {
                format!("<{least}{sign}")
            } else {
                format!(">−{least}{sign}")
            };
        }
        format!("{text}{sign}")
    }

    /// Writes the ends of a confidence interval: `0.39 to 0.43`.
    #[must_use]
    pub fn write_ends(self, interval: Interval) -> String {
        format!(
            "{} to {}",
            self.write(interval.low),
            self.write(interval.high)
        )
    }

    /// Writes a mean with its interval: `0.41 (0.39 to 0.43)`.
    #[must_use]
    pub fn write_interval(self, interval: Interval) -> String {
        format!(
            "{} ({})",
            self.write(interval.mean),
            self.write_ends(interval)
        )
    }
}

/// Whether a unit is a share of 1, which is written in percent.
#[must_use]
pub fn is_share(unit: &str) -> bool {
    unit == "share" || unit.starts_with("share ")
}

/// A whole number, the thousands apart: `1,234,567`.
#[must_use]
pub fn whole(value: u64) -> String {
    apart(&value.to_string())
}

/// A value as it was given: with all its digits, the thousands apart.
#[must_use]
pub fn as_given(value: f64) -> String {
    if value.is_finite() {
        signed(&value.to_string())
    } else {
        no_number(value).into()
    }
}

/// A value with a number of significant digits, trailing zeros dropped: for axes and
/// for tables whose columns hold many magnitudes.
#[must_use]
pub fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() || value == 0.0 {
        return as_given(value);
    }
    let text = fixed(value, decimals_for(value.abs(), digits));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

/// A value in percent with a sign: `+12.3%`.
#[must_use]
pub fn signed_percent(percent: f64) -> String {
    let format = Format {
        percent: false,
        decimals: if percent.abs() < 1000.0 { 1 } else { 0 },
    };
    let plus = if percent > 0.0 { "+" } else { "" };
    format!("{plus}{}%", format.write(percent))
}

/// A share of 1 in percent: `41.2%`.
#[must_use]
pub fn percent(share: f64, decimals: usize) -> String {
    if share.is_finite() {
        format!("{}%", fixed(share * 100.0, decimals))
    } else {
        no_number(share).into()
    }
}

/// A share of 1 in whole percent; only nobody is 0%, only everybody 100%.
#[must_use]
pub fn whole_percent(share: f64) -> String {
    if share > 0.0 && share < 0.01 {
        "<1%".into()
    } else if share > 0.99 && share < 1.0 {
        ">99%".into()
    } else {
        percent(share, 0)
    }
}

/// A value with a fixed number of decimals, the thousands apart, and a minus sign of
/// the width of a plus.
#[must_use]
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return no_number(value).into();
    }
    let text = format!("{value:.decimals$}");
    // A negative number that rounds to zero is zero.
    if text.chars().all(|c| matches!(c, '-' | '0' | '.')) {
        return text.trim_start_matches('-').into();
    }
    signed(&text)
}

/// What stands where a number should.
fn no_number(value: f64) -> &'static str {
    if value.is_nan() {
        "none"
    } else if value > 0.0 {
        "∞"
    } else {
        "−∞"
    }
}

fn magnitudes(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = f64> {
    values
        .into_iter()
        .map(f64::abs)
        .filter(|size| size.is_finite() && *size > 0.0)
}

/// Decimals that show `digits` significant digits of a positive number.
fn decimals_for(size: f64, digits: usize) -> usize {
    let mut decimals = digits.saturating_sub(1);
    let mut scaled = size;
    while scaled >= 10.0 && decimals > 0 {
        scaled /= 10.0;
        decimals -= 1;
    }
    while scaled < 1.0 && decimals < 12 {
        scaled *= 10.0;
        decimals += 1;
    }
    decimals
}

fn count(decimals: usize) -> i32 {
    i32::try_from(decimals).unwrap_or(i32::MAX)
}

fn signed(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(size) => format!("−{}", apart(size)),
        None => apart(text),
    }
}

/// Puts commas between the thousands of an unsigned decimal number.
fn apart(text: &str) -> String {
    let (whole, rest) = text
        .split_once('.')
        .map_or((text, None), |(a, b)| (a, Some(b)));
    let mut out = String::with_capacity(text.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_as_many_decimals_as_its_numbers_are_worth() {
        let gini = Format::fitting("index", [0.4123, 0.7]);
        assert_eq!(gini.write(0.4123), "0.412");
        let money = Format::fitting("EUR per day", [1234.5, 12.0]);
        assert_eq!(money.write(1234.5), "1,234");
        let mixed = Format::fitting("EUR per day", [1234.5, 0.05]);
        assert_eq!(mixed.write(0.05), "0.050");
        assert_eq!(Format::fitting("operators", [0.0]).write(0.0), "0");
    }

    #[test]
    fn shares_are_in_percent() {
        let format = Format::fitting("share", [0.4, 0.05]);
        assert_eq!(format.write(0.4123), "41.2%");
        assert_eq!(
            format.write_interval(Interval {
                mean: 0.41,
                low: 0.39,
                high: 0.43
            }),
            "41.0% (39.0% to 43.0%)"
        );
        assert!(!is_share("shares sold"));
    }

    #[test]
    fn what_is_not_zero_is_not_written_as_zero() {
        let format = Format {
            percent: false,
            decimals: 2,
        };
        assert_eq!(format.write(0.0001), "<0.01");
        assert_eq!(format.write(-0.0001), ">−0.01");
        assert_eq!(format.write(0.0), "0.00");
        assert_eq!(format.write(-0.0), "0.00");
    }

    #[test]
    fn an_interval_is_its_mean_and_its_ends() {
        let format = Format {
            percent: false,
            decimals: 2,
        };
        let interval = Interval {
            mean: 0.41,
            low: -0.39,
            high: 0.43,
        };
        assert_eq!(format.write_interval(interval), "0.41 (−0.39 to 0.43)");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(whole(1_234_567), "1,234,567");
        assert_eq!(whole(999), "999");
        assert_eq!(fixed(-1234.5, 1), "−1,234.5");
        assert_eq!(as_given(1_000_000.25), "1,000,000.25");
        assert_eq!(significant(0.012_345, 3), "0.0123");
        assert_eq!(significant(123_456.0, 3), "123,456");
        assert_eq!(significant(0.5, 3), "0.5");
        assert_eq!(signed_percent(12.34), "+12.3%");
        assert_eq!(signed_percent(-12.34), "−12.3%");
    }

    #[test]
    fn only_nobody_is_no_percent_and_only_everybody_all() {
        let written = [0.0, 0.001, 0.01, 0.42, 0.99, 0.999, 1.0].map(whole_percent);
        assert_eq!(written, ["0%", "<1%", "1%", "42%", "99%", ">99%", "100%"]);
    }

    #[test]
    fn what_is_no_number_has_a_word() {
        let format = Format::fitting("share", [f64::NAN]);
        assert_eq!(format.write(f64::NAN), "none");
        assert_eq!(format.write(f64::INFINITY), "∞");
        assert_eq!(fixed(f64::NAN, 1), "none");
        assert_eq!(percent(f64::NEG_INFINITY, 1), "−∞");
        assert_eq!(as_given(f64::NAN), "none");
        assert_eq!(significant(f64::INFINITY, 3), "∞");
    }
}
