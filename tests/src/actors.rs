//! Who calls.

use crate::keccak;
use plimsoll_embedded::{AccountId, EmbeddedChain, H160, UNIT};

/// Native tokens with which an actor starts, in base units: far more than the deposits
/// of any test.
const PURSE: u128 = 1_000_000 * UNIT;

/// An account that calls, and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub account: AccountId,
    /// The address under which contracts know it.
    pub address: H160,
}

impl Actor {
    /// The actor of this name: always the same account. It has nothing yet.
    pub fn named(chain: &EmbeddedChain, name: &str) -> Self {
        let account = AccountId::from(keccak(format!("plimsoll test {name}").as_bytes()));
        let address = chain.address(&account);
        Self { account, address }
    }

    /// The actor of this name, funded with native tokens and mapped.
    pub fn funded(chain: &mut EmbeddedChain, name: &str) -> Self {
        let actor = Self::named(chain, name);
        chain
            .fund(&actor.account, PURSE)
            .expect("the issuance has room for a purse");
        actor
    }
}
