//! What is to be deployed: `deploy.toml`, checked key by key before anything is sent.

use crate::chain::H160;
use crate::hexes;
use crate::receipt::decimal;
use plimsoll_interface::{Attesters, Roles, Settings, MAX_ATTESTERS};
use plimsoll_mechanism::clock::{Times, TimesError};
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::record::MAX_LANES;
use plimsoll_mechanism::vesting::{Vesting, MAX_VESTING_PERIODS};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// How long after the deployment epoch 0 begins if nothing else is said: time to
/// register operators and to fund the reserve, for both count from the next epoch.
const GENESIS_IN_MS: u64 = 3_600_000;

/// Contracts see the time of a block in whole seconds.
const TIME_STEP_MS: u64 = 1_000;

/// `deploy.toml`. `keeper/config/deploy.toml` explains every key.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// What makes this deployment's addresses differ from another's with the same terms.
    #[serde(default, with = "hexes")]
    pub salt: [u8; 32],
    /// The token in which rewards are paid.
    pub token: TokenTerms,
    /// The epoch clock.
    pub clock: ClockTerms,
    /// The vesting schedule.
    pub vesting: VestingTerms,
    /// Everything else that is fixed for good.
    pub rules: RuleTerms,
    /// The first parameters.
    pub params: ParamTerms,
    /// Who may do what; whoever is left out is the deploying account.
    #[serde(default)]
    pub roles: RoleTerms,
    /// Who attests.
    pub attesters: AttesterTerms,
}

/// `[token]`: an address, or what a new token is like.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenTerms {
    /// Where a token is that exists; then nothing else is given.
    pub address: Option<H160>,
    /// A new token's name.
    pub name: Option<String>,
    /// Its symbol.
    pub symbol: Option<String>,
    /// Digits of an amount that are decimals.
    pub decimals: Option<u8>,
    /// How much there is, in base units.
    #[serde(with = "optional_decimal")]
    pub supply: Option<u128>,
}

/// The token to pay in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlan {
    /// One that exists.
    Existing(H160),
    /// A new one; its whole supply is the deploying account's.
    New {
        /// Its name.
        name: String,
        /// Its symbol.
        symbol: String,
        /// Digits of an amount that are decimals.
        decimals: u8,
        /// How much there is, in base units.
        supply: u128,
    },
}

/// `[clock]`, in ms.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of `Times`, with their unit")]
pub struct ClockTerms {
    /// When epoch 0 begins, in ms since 1970.
    pub genesis_ms: Option<u64>,
    /// Or how long after the deployment.
    pub genesis_in_ms: Option<u64>,
    pub epoch_ms: u64,
    pub attest_window_ms: u64,
    pub review_window_ms: u64,
    pub level_window_ms: u64,
    pub max_pause_ms: u64,
    pub pause_gap_ms: u64,
}

/// `[vesting]`, in epochs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of `Vesting`")]
pub struct VestingTerms {
    pub period_epochs: u32,
    pub vesting_periods: u8,
}

/// `[rules]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "fields of `Settings`, with their unit")]
pub struct RuleTerms {
    pub timelock_ms: u64,
    pub payee_delay_ms: u64,
    pub unbonding_epochs: u32,
    #[serde(with = "decimal")]
    pub min_open_bond: u128,
    pub max_vouches: u32,
    pub lanes: u32,
    #[serde(with = "decimal")]
    pub fee_unit: u128,
}

/// `[params]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of `Params`")]
pub struct ParamTerms {
    pub rate: u32,
    #[serde(default, with = "optional_decimal")]
    pub unit_ceiling: Option<u128>,
    pub fee_multiple: Option<u32>,
    pub fragment_floor: u32,
    pub fragment_premium: u32,
    pub operator_cap: u32,
    pub open_ceiling: u32,
    pub uplift: u32,
    pub bond_leverage: u32,
    pub liquid_share: u32,
    pub liquid_allowance: u32,
}

/// `[roles]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of `Roles`")]
pub struct RoleTerms {
    pub owner: Option<H160>,
    pub registrar: Option<H160>,
    pub guardian: Option<H160>,
}

/// `[attesters]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttesterTerms {
    /// How many must sign.
    pub threshold: u8,
    /// Their addresses, in any order.
    pub members: Vec<H160>,
}

/// Why there is nothing to deploy.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// The file cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file does not say what to deploy. The reason names the line and the key.
    #[error("{}: {reason}", .path.display())]
    Toml {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A value out of its range.
    #[error("key {key}: {reason}")]
    Range {
        /// Which key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What is to be deployed, within all bounds. `settings.token` is zero until the token
/// has an address.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Makes the addresses differ.
    pub salt: [u8; 32],
    /// The token.
    pub token: TokenPlan,
    /// What is fixed for good.
    pub settings: Settings,
    /// The first parameters.
    pub params: Params,
    /// The first roles.
    pub roles: Roles,
    /// The first attesters.
    pub attesters: Attesters,
}

impl Terms {
    /// Reads a file.
    ///
    /// # Errors
    /// See [`TermsError`].
    pub fn load(path: &Path) -> Result<Self, TermsError> {
        let text = std::fs::read_to_string(path).map_err(|source| TermsError::File {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| TermsError::Toml {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })
    }

    /// Checks every bound, for a deployment by `deployer` at the chain's time `now` (ms).
    ///
    /// # Errors
    /// [`TermsError::Range`] with the key that is out of its bounds.
    pub fn plan(&self, deployer: H160, now: u64) -> Result<Plan, TermsError> {
        let token = self.token()?;
        let times = self.times(now)?;
        let vesting = self.vesting()?;
        let RuleTerms {
            lanes, fee_unit, ..
        } = self.rules;
        if !(1..=MAX_LANES).contains(&lanes) {
            return range("rules.lanes", format!("{lanes} is not 1 to {MAX_LANES}"));
        }
        if fee_unit == 0 {
            return range("rules.fee_unit", "at least 1");
        }
        if self.rules.min_open_bond == 0 {
            return range("rules.min_open_bond", "at least 1");
        }
        Ok(Plan {
            salt: self.salt,
            token,
            settings: Settings {
                token: H160::zero(),
                times,
                vesting,
                timelock: self.rules.timelock_ms,
                payee_delay: self.rules.payee_delay_ms,
                unbonding_epochs: self.rules.unbonding_epochs,
                min_open_bond: self.rules.min_open_bond,
                max_vouches: self.rules.max_vouches,
                lanes,
                fee_unit,
            },
            params: self.params()?,
            roles: self.roles(deployer)?,
            attesters: self.attesters()?,
        })
    }

    fn token(&self) -> Result<TokenPlan, TermsError> {
        let TokenTerms {
            address,
            name,
            symbol,
            decimals,
            supply,
        } = self.token.clone();
        if let Some(address) = address {
            if address.is_zero() {
                return range("token.address", "the zero address is no token");
            }
            if name.is_some() || symbol.is_some() || decimals.is_some() || supply.is_some() {
                return range(
                    "token.address",
                    "a token that exists has its name, symbol, decimals and supply already; leave them out",
                );
            }
            return Ok(TokenPlan::Existing(address));
        }
        let missing = |key: &str| TermsError::Range {
            key: format!("token.{key}"),
            reason: "it is missing; give `address`, or `name`, `symbol`, `decimals` and `supply`"
                .into(),
        };
        let token = TokenPlan::New {
            name: name.ok_or_else(|| missing("name"))?,
            symbol: symbol
                .filter(|symbol| !symbol.is_empty())
                .ok_or_else(|| missing("symbol"))?,
            decimals: decimals.ok_or_else(|| missing("decimals"))?,
            supply: supply.ok_or_else(|| missing("supply"))?,
        };
        match token {
            TokenPlan::New { supply: 0, .. } => range("token.supply", "at least 1"),
            token => Ok(token),
        }
    }

    fn times(&self, now: u64) -> Result<Times, TermsError> {
        let clock = &self.clock;
        let genesis = match (clock.genesis_ms, clock.genesis_in_ms) {
            (Some(_), Some(_)) => {
                return range(
                    "clock.genesis_in_ms",
                    "give it or clock.genesis_ms, not both",
                )
            }
            (Some(genesis), None) => genesis,
            (None, after) => now.saturating_add(after.unwrap_or(GENESIS_IN_MS)),
        };
        let times = Times {
            // Up to a whole second, as the contract sees time.
            genesis: genesis.div_ceil(TIME_STEP_MS).saturating_mul(TIME_STEP_MS),
            epoch: clock.epoch_ms,
            attest_window: clock.attest_window_ms,
            review_window: clock.review_window_ms,
            level_window: clock.level_window_ms,
            max_pause: clock.max_pause_ms,
            pause_gap: clock.pause_gap_ms,
        };
        let lengths = [
            ("clock.epoch_ms", times.epoch),
            ("clock.attest_window_ms", times.attest_window),
            ("clock.review_window_ms", times.review_window),
            ("clock.level_window_ms", times.level_window),
        ];
        for (key, length) in lengths {
            if length < TIME_STEP_MS {
                return range(
                    key,
                    format!("{length} is less than {TIME_STEP_MS}: contracts see whole seconds"),
                );
            }
        }
        match times.check(now) {
            Ok(()) => Ok(times),
            Err(TimesError::GenesisPast) => range(
                "clock.genesis_ms",
                format!("{genesis} has passed: the chain's time is {now}"),
            ),
            Err(TimesError::WindowsTooLong) => range(
                "clock.attest_window_ms",
                format!(
                    "it, review_window_ms and level_window_ms together are longer than an epoch of \
                     {} ms",
                    times.epoch
                ),
            ),
            Err(TimesError::ZeroLength) => range("clock.epoch_ms", "at least 1"),
        }
    }

    fn vesting(&self) -> Result<Vesting, TermsError> {
        let VestingTerms {
            period_epochs,
            vesting_periods,
        } = self.vesting;
        if period_epochs == 0 {
            return range("vesting.period_epochs", "at least 1");
        }
        let vesting = Vesting {
            period_epochs,
            vesting_periods,
        };
        if !vesting.valid() {
            return range(
                "vesting.vesting_periods",
                format!("{vesting_periods} is not 1 to {MAX_VESTING_PERIODS}"),
            );
        }
        Ok(vesting)
    }

    fn params(&self) -> Result<Params, TermsError> {
        let given = &self.params;
        let params = Params {
            rate: given.rate,
            unit_ceiling: given.unit_ceiling,
            fee_multiple: given.fee_multiple,
            fragment_floor: given.fragment_floor,
            fragment_premium: given.fragment_premium,
            operator_cap: given.operator_cap,
            open_ceiling: given.open_ceiling,
            uplift: given.uplift,
            bond_leverage: given.bond_leverage,
            liquid_share: given.liquid_share,
            liquid_allowance: given.liquid_allowance,
        };
        match params.check() {
            Ok(()) => Ok(params),
            Err(param) => {
                let (low, high) = param.bounds();
                range(
                    &format!("params.{}", param.name()),
                    format!("{} is not {low} to {high}", param.of(&params)),
                )
            }
        }
    }

    fn roles(&self, deployer: H160) -> Result<Roles, TermsError> {
        let role = |key: &str, given: Option<H160>| match given {
            Some(address) if address.is_zero() => range(key, "the zero address is nobody"),
            Some(address) => Ok(address),
            None => Ok(deployer),
        };
        Ok(Roles {
            owner: role("roles.owner", self.roles.owner)?,
            registrar: role("roles.registrar", self.roles.registrar)?,
            guardian: role("roles.guardian", self.roles.guardian)?,
        })
    }

    fn attesters(&self) -> Result<Attesters, TermsError> {
        let AttesterTerms { threshold, members } = self.attesters.clone();
        let mut sorted = members;
        sorted.sort_unstable();
        let count = sorted.len();
        sorted.dedup();
        if sorted.len() != count {
            return range("attesters.members", "an address is there twice");
        }
        if !(1..=MAX_ATTESTERS).contains(&count) {
            return range(
                "attesters.members",
                format!("{count} are not 1 to {MAX_ATTESTERS}"),
            );
        }
        if sorted.iter().any(H160::is_zero) {
            return range("attesters.members", "the zero address is nobody");
        }
        let most = usize::from(threshold);
        if most * 2 <= count || most > count {
            let least = count / 2 + 1;
            return range(
                "attesters.threshold",
                format!("{threshold} is not {least} to {count}: more than half of the members"),
            );
        }
        Ok(Attesters {
            threshold,
            members: sorted,
        })
    }
}

fn range<T>(key: &str, reason: impl Into<String>) -> Result<T, TermsError> {
    Err(TermsError::Range {
        key: key.to_owned(),
        reason: reason.into(),
    })
}

mod optional_decimal {
    use serde::{Deserialize as _, Deserializer};

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u128>, D::Error> {
        let text = String::deserialize(from)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten();
        number.map(Some).ok_or_else(|| {
            serde::de::Error::custom(format_args!("`{text}` is not a decimal number below 2^128"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shipped example.
    const EXAMPLE: &str = include_str!("../../config/deploy.toml");

    const NOW: u64 = 1_800_000_000_123;

    fn deployer() -> H160 {
        H160([9; 20])
    }

    fn with(find: &str, put: &str) -> Result<Plan, String> {
        assert!(EXAMPLE.contains(find), "the example has no `{find}`");
        let text = EXAMPLE.replace(find, put);
        let terms: Terms = toml::from_str(&text).map_err(|error| error.to_string())?;
        terms
            .plan(deployer(), NOW)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_is_within_all_bounds() {
        let terms: Terms = toml::from_str(EXAMPLE).expect("parses");
        let plan = terms.plan(deployer(), NOW).expect("in bounds");
        assert_eq!(plan.roles.owner, deployer());
        assert_eq!(plan.settings.times.genesis % 1_000, 0, "a whole second");
        assert!(plan.settings.times.genesis > NOW);
        assert!(plan.attesters.members.is_sorted());
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_its_key() {
        for (find, put, key) in [
            (
                "operator_cap = 20000",
                "operator_cap = 999",
                "params.operator_cap",
            ),
            ("threshold = 2", "threshold = 1", "attesters.threshold"),
            ("threshold = 2", "threshold = 4", "attesters.threshold"),
            (
                "vesting_periods = 12",
                "vesting_periods = 13",
                "vesting.vesting_periods",
            ),
            ("lanes = 4", "lanes = 17", "rules.lanes"),
            (
                "fee_unit = \"1000000\"",
                "fee_unit = \"0\"",
                "rules.fee_unit",
            ),
            (
                "min_open_bond = \"1000000000000000\"",
                "min_open_bond = \"0\"",
                "rules.min_open_bond",
            ),
            (
                "genesis_in_ms = 3600000",
                "genesis_ms = 1000",
                "clock.genesis_ms",
            ),
            (
                "level_window_ms = ",
                "level_window_ms = 9",
                "clock.attest_window_ms",
            ),
            (
                "review_window_ms = ",
                "review_window_ms = 10 # ",
                "clock.review_window_ms",
            ),
        ] {
            let error = with(find, put).expect_err(put);
            assert!(error.contains(&format!("key {key}:")), "{put}: {error}");
        }
    }

    #[test]
    fn a_key_that_does_not_exist_is_refused_with_its_line() {
        let error = with("lanes = 4", "lane = 4").expect_err("unknown");
        assert!(
            error.contains("`lane`") && error.contains("line"),
            "{error}"
        );
    }

    #[test]
    fn a_token_that_exists_is_named_by_its_address_alone() {
        let token = "[token]\naddress = \"0x0101010101010101010101010101010101010101\"\n";
        let rest = &EXAMPLE[EXAMPLE.find("[clock]").expect("a section")..];
        let terms: Terms = toml::from_str(&format!("{token}{rest}")).expect("parses");
        let plan = terms.plan(deployer(), NOW).expect("in bounds");
        assert_eq!(plan.token, TokenPlan::Existing(H160([1; 20])));
        let both = token.replace("]\n", "]\nname = \"X\"\n");
        let terms: Terms = toml::from_str(&format!("{both}{rest}")).expect("parses");
        let error = terms.plan(deployer(), NOW).expect_err("both").to_string();
        assert!(error.contains("key token.address:"), "{error}");
    }
}
