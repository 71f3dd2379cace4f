//! From values to places on a page, and the round values that an axis names.

/// A straight map from values to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    /// Maps `from.0` to `to.0` and `from.1` to `to.1`. If the values do not differ, all
    /// go to the middle.
    #[must_use]
    pub fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        Self { from, to }
    }

    /// Where a value is.
    #[must_use]
    pub fn at(self, value: f64) -> f64 {
        let span = self.from.1 - self.from.0;
        if span == 0.0 {
            return (self.to.0 + self.to.1) / 2.0;
        }
        self.to.0 + (value - self.from.0) / span * (self.to.1 - self.to.0)
    }
}

/// Smallest and largest of the values that are numbers; `(0, 1)` if there is none.
#[must_use]
pub fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let mut ends: Option<(f64, f64)> = None;
    for value in values.into_iter().filter(|value| value.is_finite()) {
        ends = Some(match ends {
            None => (value, value),
            Some((low, high)) => (low.min(value), high.max(value)),
        });
    }
    ends.unwrap_or((0.0, 1.0))
}

/// An axis over values: where it begins and ends, and the values it names.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its first and last value.
    pub ends: (f64, f64),
    /// The values to name, rising.
    pub ticks: Vec<f64>,
    /// Decimals that tell the ticks apart.
    pub decimals: usize,
}

/// Steps between ticks, in powers of ten.
const STEPS: [f64; 4] = [1.0, 2.0, 5.0, 10.0];

impl Axis {
    /// An axis that ends at round values, with about `wanted` steps. It begins at zero
    /// unless what there is to see would then fill less than a fifth of it.
    #[must_use]
    pub fn round(values: (f64, f64), wanted: usize) -> Self {
        let (mut low, mut high) = values;
        if low > 0.0 && high - low >= high / 5.0 {
            low = 0.0;
        }
        if high < 0.0 && high - low >= -low / 5.0 {
            high = 0.0;
        }
        if low == high {
            // A single value: an axis from or to zero, or around zero.
            if low > 0.0 {
                low = 0.0;
            } else if low < 0.0 {
                high = 0.0;
            } else {
                high = 1.0;
            }
        }
        let (step, decimals) = step(high - low, wanted);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        Self {
            ends: (first * step, last * step),
            ticks: multiples(first, last, step),
            decimals,
        }
    }

    /// An axis that ends where the values do, with round values named between.
    #[must_use]
    pub fn tight(values: (f64, f64), wanted: usize) -> Self {
        let (low, high) = values;
        if low == high {
            return Self {
                ends: values,
                ticks: vec![low],
                decimals: 2,
            };
        }
        let (step, decimals) = step(high - low, wanted);
        Self {
            ends: values,
            ticks: multiples((low / step).ceil(), (high / step).floor(), step),
            decimals,
        }
    }
}

/// The round step that cuts a positive span into about `wanted` pieces, and its decimals.
fn step(span: f64, wanted: usize) -> (f64, usize) {
    let rough = span / wanted.max(1) as f64;
    let (mut power, mut decimals) = (1.0, 0);
    while power > rough {
        power /= 10.0;
        decimals += 1;
    }
    while power * 10.0 <= rough {
        power *= 10.0;
        decimals = 0;
    }
    let step = STEPS
        .into_iter()
        .find(|step| step * power >= rough)
        .unwrap_or(10.0);
    let decimals = if step == 10.0 && decimals > 0 {
        decimals - 1
    } else {
        decimals
    };
    (step * power, decimals)
}

fn multiples(first: f64, last: f64, step: f64) -> Vec<f64> {
    let mut ticks = Vec::new();
    let mut index = first;
    while index <= last {
        // No minus zero.
        ticks.push(index * step + 0.0);
        index += 1.0;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_maps_its_ends_and_the_middle() {
        let scale = Scale::new((0.0, 10.0), (100.0, 0.0));
        assert_eq!(scale.at(0.0), 100.0);
        assert_eq!(scale.at(10.0), 0.0);
        assert_eq!(scale.at(5.0), 50.0);
        assert_eq!(Scale::new((3.0, 3.0), (0.0, 10.0)).at(3.0), 5.0);
    }

    #[test]
    fn an_axis_names_round_values_and_holds_all() {
        let axis = Axis::round((0.03, 0.87), 5);
        assert_eq!(axis.ends, (0.0, 1.0));
        assert_eq!(axis.ticks.len(), 6);
        assert_eq!(axis.decimals, 1);
        for (low, high) in [(0.0, 1.0), (-3.0, 41.0), (17.0, 93_211.0), (-2e-7, 3e-6)] {
            let axis = Axis::round((low, high), 5);
            assert!(axis.ends.0 <= low && axis.ends.1 >= high, "{axis:?}");
            assert!((3..=11).contains(&axis.ticks.len()), "{axis:?}");
        }
    }

    #[test]
    fn an_axis_begins_at_zero_unless_that_hides_the_difference() {
        assert_eq!(Axis::round((40.0, 90.0), 5).ends.0, 0.0);
        assert_eq!(Axis::round((1000.0, 1010.0), 5).ends, (1000.0, 1010.0));
        assert_eq!(Axis::round((-90.0, -40.0), 5).ends.1, 0.0);
    }

    #[test]
    fn a_single_value_has_an_axis() {
        assert_eq!(Axis::round((0.0, 0.0), 4).ends, (0.0, 1.0));
        assert_eq!(Axis::round((2.0, 2.0), 4).ends, (0.0, 2.0));
        assert_eq!(Axis::round((-2.0, -2.0), 4).ends, (-2.0, 0.0));
        assert_eq!(Axis::tight((7.0, 7.0), 4).ticks, [7.0]);
    }

    #[test]
    fn a_tight_axis_ends_where_its_values_do() {
        let axis = Axis::tight((1.0, 10.0), 5);
        assert_eq!(axis.ends, (1.0, 10.0));
        assert_eq!(axis.ticks, [2.0, 4.0, 6.0, 8.0, 10.0]);
    }

    #[test]
    fn the_extent_passes_over_what_is_no_number() {
        assert_eq!(extent([3.0, f64::NAN, -1.0]), (-1.0, 3.0));
        assert_eq!(extent([f64::INFINITY]), (0.0, 1.0));
    }
}
