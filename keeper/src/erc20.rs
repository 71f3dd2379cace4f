//! An ERC-20 token, through the Solidity ABI: the same bytes for a Solidity contract,
//! an asset precompile and this project's own token.

use crate::chain::{At, Chain, ChainError, Tx, H160};
use alloy_sol_types::{sol, SolCall};

sol! {
    /// The messages of an ERC-20.
    interface IERC20 {
        function transfer(address to, uint256 amount) external returns (bool);
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
        function approve(address spender, uint256 amount) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function name() external view returns (string);
        function symbol() external view returns (string);
        function decimals() external view returns (uint8);
    }

    /// The constructor of this project's own token.
    function tokenConstructor(string name, string symbol, uint8 decimals, uint256 supply);
}

pub use alloy_sol_types::private::{Address, U256};

/// Why a token could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The contract at the address does not answer as an ERC-20 does.
    #[error("{token:?} is no ERC-20: `{message}` {reason}")]
    NotAToken {
        /// Who was asked.
        token: H160,
        /// What was asked.
        message: &'static str,
        /// What came of it.
        reason: String,
    },
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// A token at an address.
#[derive(Clone)]
pub struct Token {
    chain: Chain,
    address: H160,
    at: At,
}

/// What a token says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its symbol; empty if it has none.
    pub symbol: String,
    /// How many digits of an amount are decimals.
    pub decimals: u8,
    /// How much there is, in base units; `u128::MAX` if more.
    pub supply: u128,
}

impl Token {
    /// The token at `address`, read at the newest finalized block.
    #[must_use]
    pub fn new(chain: Chain, address: H160) -> Self {
        Self {
            chain,
            address,
            at: At::Finalized,
        }
    }

    /// The same token, read at another block.
    #[must_use]
    pub fn at(&self, at: At) -> Self {
        Self { at, ..self.clone() }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> H160 {
        self.address
    }

    /// What `account` has, in base units; saturates.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn balance_of(&self, account: H160) -> Result<u128, TokenError> {
        let call = IERC20::balanceOfCall {
            account: to_alloy(account),
        };
        self.ask("balanceOf", call).await.map(narrow)
    }

    /// How much `spender` may take from `owner`, in base units; saturates.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn allowance(&self, owner: H160, spender: H160) -> Result<u128, TokenError> {
        let call = IERC20::allowanceCall {
            owner: to_alloy(owner),
            spender: to_alloy(spender),
        };
        self.ask("allowance", call).await.map(narrow)
    }

    /// What the token says about itself.
    ///
    /// # Errors
    /// [`TokenError::NotAToken`] if it does not know its supply or its decimals. The
    /// symbol is optional in the standard.
    pub async fn describe(&self) -> Result<Description, TokenError> {
        let supply = self.ask("totalSupply", IERC20::totalSupplyCall {}).await?;
        let decimals = self.ask("decimals", IERC20::decimalsCall {}).await?;
        let symbol = match self.ask("symbol", IERC20::symbolCall {}).await {
            Ok(symbol) => symbol,
            Err(TokenError::NotAToken { .. }) => String::new(),
            Err(error) => return Err(error),
        };
        Ok(Description {
            symbol,
            decimals,
            supply: narrow(supply),
        })
    }

    /// A transaction that moves `amount` base units to `to`.
    #[must_use]
    pub fn transfer(&self, to: H160, amount: u128) -> Tx {
        self.message(IERC20::transferCall {
            to: to_alloy(to),
            amount: U256::from(amount),
        })
    }

    /// A transaction that lets `spender` take `amount` base units.
    #[must_use]
    pub fn approve(&self, spender: H160, amount: u128) -> Tx {
        self.message(IERC20::approveCall {
            spender: to_alloy(spender),
            amount: U256::from(amount),
        })
    }

    /// Dry-runs a transfer and checks that it answers `true`, as an ERC-20 must.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn check_transfer(&self, to: H160, amount: u128) -> Result<(), TokenError> {
        let run = self.chain.dry_run(&self.transfer(to, amount)).await?;
        let wrong = |reason: String| TokenError::NotAToken {
            token: self.address,
            message: "transfer",
            reason,
        };
        match run.result {
            Ok(data) => match IERC20::transferCall::abi_decode_returns(&data) {
                Ok(true) => Ok(()),
                Ok(false) => Err(wrong("answers false".into())),
                Err(error) => Err(wrong(format!("answers something else: {error}"))),
            },
            Err(failure) => Err(wrong(format!("fails: {failure}"))),
        }
    }

    fn message(&self, call: impl SolCall) -> Tx {
        Tx::Call {
            to: self.address,
            value: 0,
            data: call.abi_encode(),
        }
    }

    async fn ask<C: SolCall>(
        &self,
        message: &'static str,
        call: C,
    ) -> Result<C::Return, TokenError> {
        let wrong = |reason: String| TokenError::NotAToken {
            token: self.address,
            message,
            reason,
        };
        let answer = match self
            .chain
            .read(self.address, call.abi_encode(), self.at)
            .await
        {
            Ok(answer) => answer,
            Err(ChainError::Failed(failure)) => return Err(wrong(format!("fails: {failure}"))),
            Err(error) => return Err(error.into()),
        };
        C::abi_decode_returns(&answer)
            .map_err(|error| wrong(format!("answers something else: {error}")))
    }
}

/// The constructor's message of this project's own token.
#[must_use]
pub fn constructor(name: &str, symbol: &str, decimals: u8, supply: u128) -> Vec<u8> {
    let call = tokenConstructorCall {
        name: name.to_owned(),
        symbol: symbol.to_owned(),
        decimals,
        supply: U256::from(supply),
    };
    // In the Solidity ABI a constructor has no selector.
    call.abi_encode().split_off(4)
}

fn to_alloy(address: H160) -> Address {
    Address::from(address.0)
}

/// The amount, or `u128::MAX` if it is more: a token with more than that cannot be told
/// apart by a contract that counts in 128 bits.
fn narrow(amount: U256) -> u128 {
    u128::try_from(amount).unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_that_every_wallet_sends() {
        assert_eq!(IERC20::transferCall::SELECTOR, [0xa9, 0x05, 0x9c, 0xbb]);
        assert_eq!(IERC20::approveCall::SELECTOR, [0x09, 0x5e, 0xa7, 0xb3]);
        assert_eq!(IERC20::balanceOfCall::SELECTOR, [0x70, 0xa0, 0x82, 0x31]);
        assert_eq!(IERC20::decimalsCall::SELECTOR, [0x31, 0x3c, 0xe5, 0x67]);
        assert_eq!(IERC20::totalSupplyCall::SELECTOR, [0x18, 0x16, 0x0d, 0xdd]);
    }

    #[test]
    fn amounts_beyond_128_bits_saturate() {
        assert_eq!(narrow(U256::from(7)), 7);
        assert_eq!(narrow(U256::from(u128::MAX) + U256::from(1)), u128::MAX);
    }
}
