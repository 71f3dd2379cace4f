//! Accounts: what they hold, where they are, and funding them. Contracts: what they
//! store.

use frame_support::{
    storage::with_storage_layer,
    traits::fungible::{Inspect, InspectHold, Mutate},
};
use pallet_revive::{AccountInfo, AddressMapper, HoldReason};
use plimsoll_runtime::{
    AccountId, Balance, Balances, Nonce, Revive, Runtime, RuntimeHoldReason, System,
};
use sp_core::{H160, H256};
use sp_runtime::DispatchError;

use crate::{EmbeddedChain, Failure};

/// Maps accounts and Ethereum addresses to each other.
type Mapper = <Runtime as pallet_revive::Config>::AddressMapper;

impl EmbeddedChain {
    /// Gives `account` `amount` base units, newly minted, and maps it to its address if
    /// it is not mapped yet, without a deposit.
    ///
    /// # Errors
    /// If the account would end up with less than the existential deposit, or the
    /// issuance would overflow.
    pub fn fund(&mut self, account: &AccountId, amount: Balance) -> Result<(), Failure> {
        self.execute(|| {
            with_storage_layer::<_, DispatchError, _>(|| {
                Balances::mint_into(account, amount)?;
                if !Mapper::is_mapped(account) {
                    Mapper::map_no_deposit_unchecked(account)?;
                }
                Ok(())
            })
            .map_err(Failure::from)
        })
    }

    /// [`Self::fund`] without the mapping: an account as a faucet would leave it.
    ///
    /// # Errors
    /// As [`Self::fund`].
    pub fn fund_unmapped(&mut self, account: &AccountId, amount: Balance) -> Result<(), Failure> {
        self.execute(|| {
            Balances::mint_into(account, amount)
                .map(drop)
                .map_err(Failure::from)
        })
    }

    /// Whether calls may come from `account`.
    pub fn is_mapped(&mut self, account: &AccountId) -> bool {
        self.execute(|| Mapper::is_mapped(account))
    }

    /// What `account` holds free, in base units.
    pub fn balance(&mut self, account: &AccountId) -> Balance {
        self.execute(|| Balances::balance(account))
    }

    /// What is held of `account` as deposit for contract storage, in base units. For a
    /// contract's account: what its storage has been paid with.
    pub fn storage_deposit(&mut self, account: &AccountId) -> Balance {
        let reason = RuntimeHoldReason::Revive(HoldReason::StorageDepositReserve);
        self.execute(|| Balances::balance_on_hold(&reason, account))
    }

    /// How many transactions `account` has made.
    pub fn nonce(&mut self, account: &AccountId) -> Nonce {
        self.execute(|| System::account_nonce(account))
    }

    /// The address under which contracts know `account`.
    pub fn address(&self, account: &AccountId) -> H160 {
        Mapper::to_address(account)
    }

    /// The account behind an address: a mapped account, or the one that belongs to the
    /// address alone, as a contract's does.
    pub fn account(&mut self, address: H160) -> AccountId {
        self.execute(|| Mapper::to_account_id(&address))
    }

    /// Whether a contract lives at `address`.
    pub fn is_contract(&mut self, address: H160) -> bool {
        self.execute(|| AccountInfo::<Runtime>::is_contract(&address))
    }

    /// Hash of the code of the contract at `address`, if there is one.
    pub fn code_hash(&mut self, address: H160) -> Option<H256> {
        self.execute(|| AccountInfo::<Runtime>::load_contract(&address).map(|info| info.code_hash))
    }

    /// How many items and bytes the contract at `address` stores, if there is one.
    pub fn storage_size(&mut self, address: H160) -> Option<(u32, u32)> {
        self.execute(|| {
            AccountInfo::<Runtime>::load_contract(&address)
                .map(|info| (info.storage_items, info.storage_bytes))
        })
    }

    /// What the contract at `address` stores under `key`, if anything; a key of 32 bytes
    /// is a Solidity slot, any other a key of variable length.
    pub fn storage(&mut self, address: H160, key: &[u8]) -> Option<Vec<u8>> {
        self.execute(|| match <[u8; 32]>::try_from(key) {
            Ok(slot) => Revive::get_storage(address, slot),
            Err(_) => Revive::get_storage_var_key(address, key.to_vec()),
        })
        .ok()
        .flatten()
    }
}
