//! The meter: how many work units a job is.
//!
//! ```text
//! units = ( fresh_input * prefill + cached_input * cached_prefill + output * decode ) / 1e6
//! ```
//!
//! rounded down once, the weights in ppm of a work unit per token. A meter has a
//! version and an epoch from which it counts, so that it changes at the same boundary
//! for every keeper and attester.
//!
//! # Where the default weights come from
//! One work unit is one fresh input token. What the other tokens are worth follows the
//! list prices of GPT-4.1 (OpenAI, 2025: 2.00, 0.50 and 8.00 US dollars per million
//! input, cached input and output tokens), which GPT-4.1 mini and nano repeat at lower
//! levels: 1 : 0.25 : 4. Measured cost points the same way: under a load of 16 requests
//! a second of about 205 input and 195 output tokens, an H100 with an 8B model needs some
//! 0.06 ms for an input and 0.45 ms for an output token (IOG-Foundation,
//! llm-inference-benchmarks), so decode is worth several times prefill, and 4 does not
//! overpay it.

use crate::receipt::Receipt;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::work::WORK_LIMIT;
use plimsoll_mechanism::Epoch;
use serde::{Deserialize, Serialize};

/// Weights are in millionths.
const PPM: u128 = 1_000_000;

/// One version of the meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// Its version, named in batches that attesters check.
    pub version: u32,
    /// The first epoch in which it counts.
    #[serde(default)]
    pub from_epoch: Epoch,
    /// Weight of an input token that was not in the cache, in ppm of a work unit.
    pub prefill: u32,
    /// Weight of an input token from the cache, in ppm of a work unit.
    pub cached_prefill: u32,
    /// Weight of an output token, in ppm of a work unit.
    pub decode: u32,
    /// For each client at each operator in each epoch, so many work units are fragment
    /// work and the rest is bulk.
    pub fragment_threshold: u64,
}

/// The version that counts where nothing else is configured.
///
/// The fragment threshold is about fifty requests of the Azure conversation trace,
/// which average 1,155 input and 211 output tokens, or 2,000 work units.
pub const DEFAULT: Meter = Meter {
    version: 1,
    from_epoch: 0,
    prefill: 1_000_000,
    cached_prefill: 250_000,
    decode: 4_000_000,
    fragment_threshold: 100_000,
};

impl Default for Meter {
    fn default() -> Self {
        DEFAULT
    }
}

/// Why a receipt cannot be metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{units} work units in one job, where an operator's whole epoch holds less than {WORK_LIMIT}"
)]
pub struct TooMuch {
    /// The units it would be; saturated.
    pub units: u128,
}

impl Meter {
    /// The work units of a job, below [`WORK_LIMIT`], rounded down.
    ///
    /// # Errors
    /// [`TooMuch`].
    pub fn units(&self, receipt: &Receipt) -> Result<u64, TooMuch> {
        let cached = receipt.cached_input_tokens.min(receipt.input_tokens);
        // Each product is below 2^96, and so is their sum but for two bits.
        let sum = u128::from(receipt.input_tokens - cached) * u128::from(self.prefill)
            + u128::from(cached) * u128::from(self.cached_prefill)
            + u128::from(receipt.output_tokens) * u128::from(self.decode);
        let units = sum / PPM;
        u64::try_from(units)
            .ok()
            .filter(|units| *units < WORK_LIMIT)
            .ok_or(TooMuch { units })
    }

    /// What `more` units add for a client at an operator that had `before` units in
    /// the epoch: the part below the fragment threshold is fragment work. Adding at
    /// once and adding in parts come to the same.
    #[must_use]
    pub fn split(&self, before: u64, more: u64) -> Work {
        let of =
            |units: u64| Work::of_client(u128::from(units), u128::from(self.fragment_threshold));
        let after = of(before.saturating_add(more));
        // A larger total has at least as much of either kind.
        after.checked_sub(&of(before)).unwrap_or_default()
    }
}

/// The meters that ever counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Meter>", into = "Vec<Meter>")]
pub struct Meters(Vec<Meter>);

/// Why a list of meters is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetersError {
    /// No meter counts in epoch 0.
    #[error("the first meter must have from_epoch = 0")]
    First,
    /// A version or an epoch does not rise.
    #[error(
        "meter version {0} must have a version and a from_epoch above those of the one before it"
    )]
    Order(u32),
}

impl Default for Meters {
    fn default() -> Self {
        Self(vec![DEFAULT])
    }
}

impl TryFrom<Vec<Meter>> for Meters {
    type Error = MetersError;

    fn try_from(meters: Vec<Meter>) -> Result<Self, MetersError> {
        if meters.first().is_none_or(|m| m.from_epoch != 0) {
            return Err(MetersError::First);
        }
        for pair in meters.windows(2) {
            if pair[1].version <= pair[0].version || pair[1].from_epoch <= pair[0].from_epoch {
                return Err(MetersError::Order(pair[1].version));
            }
        }
        Ok(Self(meters))
    }
}

impl From<Meter> for Meters {
    /// This meter alone, from the first epoch on.
    fn from(meter: Meter) -> Self {
        Self(vec![Meter {
            from_epoch: 0,
            ..meter
        }])
    }
}

impl From<Meters> for Vec<Meter> {
    fn from(meters: Meters) -> Self {
        meters.0
    }
}

impl Meters {
    /// The meter that counts for batches of `epoch`.
    #[must_use]
    pub fn at(&self, epoch: Epoch) -> &Meter {
        self.0
            .iter()
            .rev()
            .find(|m| m.from_epoch <= epoch)
            .unwrap_or(&DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::tests::receipt;
    use proptest::prelude::*;

    #[test]
    fn units_are_weighted_and_rounded_down_once() {
        let meter = Meter {
            prefill: 1_000_000,
            cached_prefill: 250_000,
            decode: 4_000_000,
            ..DEFAULT
        };
        let mut job = receipt(0, 1, 0);
        job.input_tokens = 10;
        job.cached_input_tokens = 3;
        job.output_tokens = 2;
        assert_eq!(
            meter.units(&job),
            Ok(7 + 8),
            "0.75 units of cached input round down"
        );
        job.cached_input_tokens = 4;
        assert_eq!(meter.units(&job), Ok(6 + 1 + 8));
    }

    #[test]
    fn an_impossible_amount_of_work_is_refused() {
        let mut job = receipt(0, 1, 0);
        job.output_tokens = u64::MAX;
        assert!(DEFAULT.units(&job).is_err());
        job.input_tokens = u64::MAX;
        let heaviest = Meter {
            prefill: u32::MAX,
            decode: u32::MAX,
            ..DEFAULT
        };
        assert!(heaviest.units(&job).is_err());
    }

    #[test]
    fn a_meter_counts_from_its_epoch() {
        let second = Meter {
            version: 2,
            from_epoch: 5,
            ..DEFAULT
        };
        let meters = Meters::try_from(vec![DEFAULT, second]).expect("rising");
        assert_eq!(meters.at(4).version, 1);
        assert_eq!(meters.at(5).version, 2);
        assert_eq!(Meters::try_from(vec![second]), Err(MetersError::First));
        assert_eq!(
            Meters::try_from(vec![DEFAULT, DEFAULT]),
            Err(MetersError::Order(1))
        );
    }

    proptest! {
        #[test]
        fn g8_cutting_a_job_changes_no_figure(parts in prop::collection::vec(0_u64..1 << 40, 1..20), threshold in 0_u64..1 << 42) {
            let meter = Meter { fragment_threshold: threshold, ..DEFAULT };
            let mut before = 0;
            let mut sum = Work::default();
            for part in &parts {
                sum = sum.checked_add(&meter.split(before, *part)).expect("small");
                before += part;
            }
            prop_assert_eq!(sum, meter.split(0, before));
        }
    }
}
