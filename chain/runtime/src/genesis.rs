//! The state a chain starts with.

use alloc::{string::ToString, vec, vec::Vec};

use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET};
use sp_keyring::Sr25519Keyring;

use crate::{
    constants::UNIT, AccountId, Balance, BalancesConfig, ReviveConfig, RuntimeGenesisConfig,
};

/// What every development account starts with, in base units.
pub const ENDOWMENT: Balance = 1_000_000_000 * UNIT;

/// The accounts that a development chain funds: the sr25519 keys of `//Alice`,
/// `//Bob`, `//Charlie`, `//Dave`, `//Eve` and `//Ferdie`.
pub fn development_accounts() -> Vec<AccountId> {
    [
        Sr25519Keyring::Alice,
        Sr25519Keyring::Bob,
        Sr25519Keyring::Charlie,
        Sr25519Keyring::Dave,
        Sr25519Keyring::Eve,
        Sr25519Keyring::Ferdie,
    ]
    .into_iter()
    .map(|key| key.to_account_id())
    .collect()
}

/// Genesis of a development chain: [`development_accounts`], each with
/// [`ENDOWMENT`] and mapped to its Ethereum address.
fn development() -> Value {
    let accounts = development_accounts();
    build_struct_json_patch!(RuntimeGenesisConfig {
        balances: BalancesConfig {
            balances: accounts
                .iter()
                .cloned()
                .map(|account| (account, ENDOWMENT))
                .collect(),
        },
        revive: ReviveConfig {
            mapped_accounts: accounts
        },
    })
}

/// The preset of this name as JSON, if there is one.
pub fn preset(id: &PresetId) -> Option<Vec<u8>> {
    (id.as_str() == DEV_RUNTIME_PRESET).then(|| development().to_string().into_bytes())
}

/// Names of all presets.
pub fn preset_names() -> Vec<PresetId> {
    vec![PresetId::from(DEV_RUNTIME_PRESET)]
}
