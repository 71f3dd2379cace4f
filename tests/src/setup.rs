//! What a world is deployed with.

use crate::TokenKind;
use plimsoll_embedded::{GENESIS_TIME_MS, H160};
use plimsoll_interface::mechanism::clock::Times;
use plimsoll_interface::mechanism::params::{Param, Params};
use plimsoll_interface::mechanism::vesting::Vesting;
use plimsoll_interface::Settings;

/// Number of attesters, unless a test says otherwise.
pub const ATTESTERS: usize = 5;

/// How many of them must sign, unless a test says otherwise.
pub const THRESHOLD: u8 = 3;

/// Round figures: an epoch emits a tenth of the reserve, of which one vetted operator
/// gets at most a fifth and all open ones together at most three tenths.
pub const PARAMS: Params = Params {
    rate: 100_000,
    unit_ceiling: None,
    fee_multiple: None,
    fragment_floor: 400_000,
    fragment_premium: 4_000_000,
    operator_cap: 200_000,
    open_ceiling: 300_000,
    uplift: 4_000_000,
    bond_leverage: 1_000_000,
    liquid_share: 250_000,
    liquid_allowance: 100_000,
};

/// What a [`World`](crate::World) is deployed with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Settings; the token's address is filled in.
    pub settings: Settings,
    /// The first parameters.
    pub params: Params,
    /// How many attesters there are.
    pub attesters: usize,
    /// How many of them must sign.
    pub threshold: u8,
    /// The token in which is paid.
    pub token: TokenKind,
}

impl Default for Setup {
    /// Our own token, 3 of 5 attesters, epochs of 1,000 seconds with windows of 200, 300
    /// and 500, an hour before genesis.
    fn default() -> Self {
        Self {
            settings: Settings {
                token: H160::zero(),
                times: Times {
                    genesis: GENESIS_TIME_MS + 3_600_000,
                    epoch: 1_000_000,
                    attest_window: 200_000,
                    review_window: 300_000,
                    level_window: 500_000,
                    max_pause: 700_000,
                    pause_gap: 2_000_000,
                },
                vesting: Vesting {
                    period_epochs: 2,
                    vesting_periods: 3,
                },
                timelock: 1_500_000,
                payee_delay: 250_000,
                unbonding_epochs: 2,
                min_open_bond: 100,
                max_vouches: 100,
                lanes: 3,
                fee_unit: 7,
            },
            params: PARAMS,
            attesters: ATTESTERS,
            threshold: THRESHOLD,
            token: TokenKind::Ink,
        }
    }
}

/// The parameter of this name.
pub fn param_mut(params: &mut Params, param: Param) -> &mut u32 {
    match param {
        Param::Rate => &mut params.rate,
        Param::FragmentFloor => &mut params.fragment_floor,
        Param::FragmentPremium => &mut params.fragment_premium,
        Param::OperatorCap => &mut params.operator_cap,
        Param::OpenCeiling => &mut params.open_ceiling,
        Param::Uplift => &mut params.uplift,
        Param::BondLeverage => &mut params.bond_leverage,
        Param::LiquidShare => &mut params.liquid_share,
        Param::LiquidAllowance => &mut params.liquid_allowance,
    }
}
