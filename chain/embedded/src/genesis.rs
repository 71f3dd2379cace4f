//! The state a chain starts with.

use std::{str::FromStr, sync::LazyLock};

use plimsoll_runtime::{
    genesis::{development_accounts, ENDOWMENT},
    AccountId, Balance, BalancesConfig, ReviveConfig, RuntimeGenesisConfig,
};
use sp_core::{
    crypto::{ExposeSecret, Pair, SecretUri, DEV_PHRASE},
    sr25519,
    storage::Storage,
};
use sp_runtime::{traits::IdentifyAccount, BuildStorage, MultiSigner};

/// Time of the first block unless genesis says otherwise: 2026-01-01T00:00:00Z, in
/// milliseconds since 1970.
pub const GENESIS_TIME_MS: u64 = 1_767_225_600_000;

/// What a chain starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Accounts and what they hold, in base units; all are mapped to their Ethereum
    /// addresses. A balance must be at least the existential deposit, an account may
    /// be named once.
    pub balances: Vec<(AccountId, Balance)>,
    /// Time of the first block, in milliseconds since 1970; at least 1.
    pub time_ms: u64,
}

impl Default for Genesis {
    /// The development accounts `//Alice` to `//Ferdie`, each with a billion tokens, at
    /// [`GENESIS_TIME_MS`]: what a development node starts with.
    fn default() -> Self {
        Self {
            balances: development_accounts()
                .into_iter()
                .map(|account| (account, ENDOWMENT))
                .collect(),
            time_ms: GENESIS_TIME_MS,
        }
    }
}

impl Genesis {
    /// # Panics
    /// If a balance is below the existential deposit or an account is named twice.
    pub(crate) fn into_storage(self) -> Storage {
        RuntimeGenesisConfig {
            revive: ReviveConfig {
                mapped_accounts: self
                    .balances
                    .iter()
                    .map(|(account, _)| account.clone())
                    .collect(),
                ..Default::default()
            },
            balances: BalancesConfig {
                balances: self.balances,
                ..Default::default()
            },
            ..Default::default()
        }
        .build_storage()
        .expect("the parts of the genesis state have no key in common")
    }
}

/// The sr25519 account of a secret URI such as `//Alice`: a path from the well-known
/// development phrase, or from a phrase of one's own.
///
/// # Panics
/// If `uri` is not a secret URI.
pub fn account_of(uri: &str) -> AccountId {
    MultiSigner::from(pair_of(uri).public()).into_account()
}

/// The sr25519 key of a secret URI, as [`account_of`] takes it.
///
/// # Panics
/// If `uri` is not a secret URI.
pub fn pair_of(uri: &str) -> sr25519::Pair {
    /// Stretching a phrase into a key takes half a millisecond: the development phrase,
    /// which tests use by the thousand, is stretched once.
    static DEVELOPMENT: LazyLock<sr25519::Pair> = LazyLock::new(|| {
        sr25519::Pair::from_string(DEV_PHRASE, None).expect("the well-known phrase is valid")
    });
    let parsed = SecretUri::from_str(uri)
        .unwrap_or_else(|error| panic!("`{uri}` is not a secret URI: {error}"));
    let own = parsed.phrase.expose_secret() != DEV_PHRASE || parsed.password.is_some();
    let pair = if own {
        sr25519::Pair::from_string(uri, None).ok()
    } else {
        DEVELOPMENT
            .derive(parsed.junctions.into_iter(), None)
            .ok()
            .map(|(pair, _)| pair)
    };
    pair.unwrap_or_else(|| panic!("`{uri}` is not a secret URI of an sr25519 key"))
}
