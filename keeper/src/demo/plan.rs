//! What the demo deploys: the clock, the parameters and the amounts.

use super::audit::{Terms, Tier};
use super::population::{Member, SMALLEST_BOND_TOKENS};
use crate::meter::{Meter, DEFAULT};
use plimsoll_interface::{Settings, H160};
use plimsoll_mechanism::clock::Times;
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::vesting::Vesting;

const HOUR: u64 = 3_600_000;

/// Length of an epoch, in ms: a day, into which the trace is stretched.
pub const EPOCH_MS: u64 = 24 * HOUR;

/// Clock of the deployment without its genesis. An epoch is final eleven hours after its
/// end at the earliest, before the next one is half over.
pub const TIMES: Times = Times {
    genesis: 0,
    epoch: EPOCH_MS,
    attest_window: 4 * HOUR,
    review_window: 4 * HOUR,
    level_window: 3 * HOUR,
    max_pause: 2 * EPOCH_MS,
    pause_gap: 14 * EPOCH_MS,
};

/// From the deployment to genesis, in ms: time for registering everybody, a block each.
const BEFORE_GENESIS_MS: u64 = EPOCH_MS;

/// Genesis of a deployment at `now` (ms since 1970). Contracts see whole seconds, so it
/// is at one.
#[must_use]
pub fn genesis(now: u64) -> u64 {
    (now + BEFORE_GENESIS_MS).next_multiple_of(1_000)
}

/// The fewest epochs of a demo: two vesting periods, so that rewards of the first one vest.
pub const FEWEST_EPOCHS: u32 = 14;

/// The most epochs of a demo: a year of days.
pub const MOST_EPOCHS: u32 = 365;

/// What the reserve is funded with, in tokens: an epoch emits about a hundredth.
pub const FUNDING_TOKENS: u128 = 1_000_000;

/// What the token's first holder has, in tokens: ample for funding and bonds.
pub const SUPPLY_TOKENS: u128 = 100_000_000;

/// The meter of the demo. A client asks one operator for about one job an epoch here, so
/// the threshold of fragment work is half an average job and not the fifty of a busy day.
pub const METER: Meter = Meter {
    fragment_threshold: 1_000,
    ..DEFAULT
};

/// The parameters, the same in all epochs.
pub const PARAMS: Params = Params {
    rate: 10_000,
    unit_ceiling: None,
    fee_multiple: None,
    fragment_floor: 400_000,
    fragment_premium: 4_000_000,
    operator_cap: 20_000,
    open_ceiling: 150_000,
    uplift: 4_000_000,
    bond_leverage: 20_000,
    liquid_share: 250_000,
    liquid_allowance: 100_000,
};

/// How rewards vest: by weeks, over four of them.
pub const VESTING: Vesting = Vesting {
    period_epochs: 7,
    vesting_periods: 4,
};

/// A fee unit, in millionths of a token: with 44 bits of them an operator's fees of an
/// epoch may reach 17 million tokens.
const FEE_UNIT_MILLIONTHS: u128 = 1;

/// What is fixed at deployment.
#[must_use]
pub fn settings(token: H160, decimals: u8, genesis: u64) -> Settings {
    let one = 10_u128.pow(u32::from(decimals));
    Settings {
        token,
        times: Times { genesis, ..TIMES },
        vesting: VESTING,
        timelock: 2 * EPOCH_MS,
        payee_delay: EPOCH_MS,
        unbonding_epochs: 7,
        min_open_bond: SMALLEST_BOND_TOKENS * one,
        // The whole population is vouched for at once.
        max_vouches: 1_000,
        lanes: 2,
        fee_unit: (FEE_UNIT_MILLIONTHS * one / 1_000_000).max(1),
    }
}

/// What was agreed, for the audit.
#[must_use]
pub fn terms(settings: &Settings, members: &[Member], decimals: u8, epochs: u32) -> Terms {
    Terms {
        params: PARAMS,
        fragment_threshold: u128::from(METER.fragment_threshold),
        fee_unit: settings.fee_unit,
        vesting: settings.vesting,
        funded: FUNDING_TOKENS * 10_u128.pow(u32::from(decimals)),
        tiers: members
            .iter()
            .map(|member| Tier {
                vetted: member.vetted,
                bond: member.bond,
            })
            .collect(),
        epochs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployment_is_within_all_bounds() {
        let settings = settings(H160::zero(), 18, 1_000);
        assert_eq!(settings.times.check(1_000), Ok(()));
        assert_eq!(PARAMS.check(), Ok(()));
        assert!(settings.vesting.valid());
    }
}
