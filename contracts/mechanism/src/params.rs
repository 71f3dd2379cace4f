//! The parameters of the emission and their bounds.

use crate::math::PPM;

/// Everything governance may change. What stood at the start of an epoch counts
/// for the whole epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Params {
    /// Share of the reserve that an epoch emits, in ppm; at most one whole.
    pub rate: u32,
    /// At most so many base units per million work units, if set.
    pub unit_ceiling: Option<u128>,
    /// Nobody gets more than this multiple (ppm) of the fees its work paid, if set.
    pub fee_multiple: Option<u32>,
    /// Share of the budget to which fragments are entitled at least, in ppm; at most 500,000.
    pub fragment_floor: u32,
    /// At most this multiple (ppm) of the plain rate for a unit of fragment work
    /// while the floor binds; 1e6 to 1e8.
    pub fragment_premium: u32,
    /// Cap of one vetted operator, as a share of the budget in ppm; 1,000 to 1e6.
    pub operator_cap: u32,
    /// Ceiling of all open operators together, as a share of the budget in ppm; at most one whole.
    pub open_ceiling: u32,
    /// At most this multiple (ppm) of the plain entitlement through the level; 1e6 to 1e9.
    pub uplift: u32,
    /// Reward per bond for an open operator, in ppm; at most 1e9.
    pub bond_leverage: u32,
    /// Share of a reward that is claimable at once, in ppm; at most one whole.
    pub liquid_share: u32,
    /// A vetted operator gets at least this share (ppm) of the cap at once; at most one whole.
    pub liquid_allowance: u32,
}

/// A parameter, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub enum Param {
    /// [`Params::rate`]
    Rate,
    /// [`Params::fragment_floor`]
    FragmentFloor,
    /// [`Params::fragment_premium`]
    FragmentPremium,
    /// [`Params::operator_cap`]
    OperatorCap,
    /// [`Params::open_ceiling`]
    OpenCeiling,
    /// [`Params::uplift`]
    Uplift,
    /// [`Params::bond_leverage`]
    BondLeverage,
    /// [`Params::liquid_share`]
    LiquidShare,
    /// [`Params::liquid_allowance`]
    LiquidAllowance,
}

impl Param {
    /// Every bounded parameter, in the order of [`Params`].
    pub const ALL: [Self; 9] = [
        Self::Rate,
        Self::FragmentFloor,
        Self::FragmentPremium,
        Self::OperatorCap,
        Self::OpenCeiling,
        Self::Uplift,
        Self::BondLeverage,
        Self::LiquidShare,
        Self::LiquidAllowance,
    ];

    /// The name of the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::FragmentFloor => "fragment_floor",
            Self::FragmentPremium => "fragment_premium",
            Self::OperatorCap => "operator_cap",
            Self::OpenCeiling => "open_ceiling",
            Self::Uplift => "uplift",
            Self::BondLeverage => "bond_leverage",
            Self::LiquidShare => "liquid_share",
            Self::LiquidAllowance => "liquid_allowance",
        }
    }

    /// Smallest and largest value allowed, both included.
    #[must_use]
    pub fn bounds(self) -> (u32, u32) {
        match self {
            Self::Rate | Self::OpenCeiling | Self::LiquidShare | Self::LiquidAllowance => (0, PPM),
            // Above one half more bulk work could lower its worker's own reward.
            Self::FragmentFloor => (0, 500_000),
            Self::FragmentPremium => (PPM, 100 * PPM),
            // Bounds how many operators can be raised in an epoch: E / C, below 2,000.
            Self::OperatorCap => (1_000, PPM),
            Self::Uplift => (PPM, 1_000 * PPM),
            Self::BondLeverage => (0, 1_000 * PPM),
        }
    }

    /// The value in `params`.
    #[must_use]
    pub fn of(self, params: &Params) -> u32 {
        match self {
            Self::Rate => params.rate,
            Self::FragmentFloor => params.fragment_floor,
            Self::FragmentPremium => params.fragment_premium,
            Self::OperatorCap => params.operator_cap,
            Self::OpenCeiling => params.open_ceiling,
            Self::Uplift => params.uplift,
            Self::BondLeverage => params.bond_leverage,
            Self::LiquidShare => params.liquid_share,
            Self::LiquidAllowance => params.liquid_allowance,
        }
    }
}

impl Params {
    /// Checks every bound.
    ///
    /// # Errors
    /// The first parameter out of its [`Param::bounds`].
    pub fn check(&self) -> Result<(), Param> {
        for param in Param::ALL {
            let (low, high) = param.bounds();
            let value = param.of(self);
            if value < low || value > high {
                return Err(param);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const PARAMS: Params = Params {
        rate: 10_000,
        unit_ceiling: None,
        fee_multiple: None,
        fragment_floor: 400_000,
        fragment_premium: 4_000_000,
        operator_cap: 20_000,
        open_ceiling: 150_000,
        uplift: 4_000_000,
        bond_leverage: 10_000,
        liquid_share: 250_000,
        liquid_allowance: 100_000,
    };

    #[test]
    fn every_bound_is_enforced_on_both_sides() {
        assert_eq!(PARAMS.check(), Ok(()));
        for param in Param::ALL {
            let (low, high) = param.bounds();
            for (value, allowed) in [
                (Some(low), true),
                (Some(high), true),
                (low.checked_sub(1), false),
                (high.checked_add(1), false),
            ] {
                let Some(value) = value else { continue };
                let mut params = PARAMS;
                match param {
                    Param::Rate => params.rate = value,
                    Param::FragmentFloor => params.fragment_floor = value,
                    Param::FragmentPremium => params.fragment_premium = value,
                    Param::OperatorCap => params.operator_cap = value,
                    Param::OpenCeiling => params.open_ceiling = value,
                    Param::Uplift => params.uplift = value,
                    Param::BondLeverage => params.bond_leverage = value,
                    Param::LiquidShare => params.liquid_share = value,
                    Param::LiquidAllowance => params.liquid_allowance = value,
                }
                let expected = if allowed { Ok(()) } else { Err(param) };
                assert_eq!(params.check(), expected, "{} = {value}", param.name());
            }
        }
    }
}
