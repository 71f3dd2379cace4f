//! A plain ERC-20 with a fixed supply, in ink!, speaking the Solidity ABI, so that
//! EVM wallets and explorers read it. It neither taxes nor rebases, has no owner
//! and cannot be paused.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// The token.
#[ink::contract]
pub mod token {
    use ink::prelude::string::String;
    use ink::storage::{Lazy, Mapping};
    use ink::U256;

    /// Balances and allowances in base units.
    #[ink(storage)]
    pub struct Token {
        balances: Mapping<Address, U256>,
        allowances: Mapping<(Address, Address), U256>,
        description: Lazy<Description>,
    }

    /// What only wallets ask for.
    #[derive(Clone, Debug, Default)]
    #[ink::storage_item(packed)]
    pub struct Description {
        name: String,
        symbol: String,
        decimals: u8,
        supply: U256,
    }

    /// Tokens moved.
    #[ink(event)]
    pub struct Transfer {
        /// Whose they were; zero at the token's creation.
        #[ink(topic)]
        pub from: Address,
        /// Whose they are.
        #[ink(topic)]
        pub to: Address,
        /// How many base units.
        pub value: U256,
    }

    /// An allowance was set.
    #[ink(event)]
    pub struct Approval {
        /// Whose tokens.
        #[ink(topic)]
        pub owner: Address,
        /// Who may move them.
        #[ink(topic)]
        pub spender: Address,
        /// How many base units.
        pub value: U256,
    }

    /// Why the token refused (errors of ERC-6093, shortened).
    #[ink::error]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Error {
        /// The balance is smaller than the amount.
        InsufficientBalance,
        /// The allowance is smaller than the amount.
        InsufficientAllowance,
        /// The zero address can hold nothing.
        InvalidReceiver,
    }

    impl Token {
        /// Creates `supply` base units for the caller.
        #[ink(constructor)]
        pub fn new(name: String, symbol: String, decimals: u8, supply: U256) -> Self {
            let caller = Self::env().caller();
            let mut balances = Mapping::default();
            balances.insert(caller, &supply);
            let mut description = Lazy::default();
            description.set(&Description {
                name,
                symbol,
                decimals,
                supply,
            });
            Self::env().emit_event(Transfer {
                from: Address::zero(),
                to: caller,
                value: supply,
            });
            Self {
                balances,
                allowances: Mapping::default(),
                description,
            }
        }

        /// The token's name.
        #[ink(message)]
        pub fn name(&self) -> String {
            self.describe().name
        }

        /// The token's symbol.
        #[ink(message)]
        pub fn symbol(&self) -> String {
            self.describe().symbol
        }

        /// One token is `10^decimals` base units.
        #[ink(message)]
        pub fn decimals(&self) -> u8 {
            self.describe().decimals
        }

        /// All there is, in base units.
        #[ink(message, name = "totalSupply")]
        pub fn total_supply(&self) -> U256 {
            self.describe().supply
        }

        /// What `owner` holds, in base units.
        #[ink(message, name = "balanceOf")]
        pub fn balance_of(&self, owner: Address) -> U256 {
            self.balances.get(owner).unwrap_or_default()
        }

        /// What `spender` may move of `owner`'s, in base units.
        #[ink(message)]
        pub fn allowance(&self, owner: Address, spender: Address) -> U256 {
            self.allowances.get((owner, spender)).unwrap_or_default()
        }

        /// Lets `spender` move `value` base units of the caller's.
        #[ink(message)]
        pub fn approve(&mut self, spender: Address, value: U256) -> bool {
            let owner = self.env().caller();
            self.allowances.insert((owner, spender), &value);
            self.env().emit_event(Approval {
                owner,
                spender,
                value,
            });
            true
        }

        /// Moves `value` base units of the caller's to `to`.
        ///
        /// # Errors
        /// [`Error::InsufficientBalance`], [`Error::InvalidReceiver`].
        #[ink(message)]
        pub fn transfer(&mut self, to: Address, value: U256) -> Result<bool, Error> {
            let from = self.env().caller();
            self.shift(from, to, value)
        }

        /// Moves `value` base units of `from`'s, out of the caller's allowance, to
        /// `to`. The largest allowance is never used up.
        ///
        /// # Errors
        /// [`Error::InsufficientAllowance`], [`Error::InsufficientBalance`],
        /// [`Error::InvalidReceiver`].
        #[ink(message, name = "transferFrom")]
        pub fn transfer_from(
            &mut self,
            from: Address,
            to: Address,
            value: U256,
        ) -> Result<bool, Error> {
            let spender = self.env().caller();
            let allowance = self.allowance(from, spender);
            let rest = allowance
                .checked_sub(value)
                .ok_or(Error::InsufficientAllowance)?;
            if allowance != U256::MAX {
                self.allowances.insert((from, spender), &rest);
            }
            self.shift(from, to, value)
        }

        fn shift(&mut self, from: Address, to: Address, value: U256) -> Result<bool, Error> {
            if to.is_zero() {
                return Err(Error::InvalidReceiver);
            }
            let rest = self
                .balance_of(from)
                .checked_sub(value)
                .ok_or(Error::InsufficientBalance)?;
            self.balances.insert(from, &rest);
            // The sum of all balances is the supply, which fits.
            let sum = self.balance_of(to).saturating_add(value);
            self.balances.insert(to, &sum);
            self.env().emit_event(Transfer { from, to, value });
            Ok(true)
        }

        fn describe(&self) -> Description {
            self.description.get().unwrap_or_default()
        }
    }
}
