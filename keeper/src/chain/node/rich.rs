//! An account with funds, whoever's it is: a dry-run needs no signature, so what a
//! transaction would cost can be told before the account that will pay is funded.

use super::endpoints::Connection;
use super::{client, dialect, Block};
use crate::chain::ChainError;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use subxt::utils::AccountId32;

/// How many accounts are looked at. They lie in the order of their hashes, so these are
/// drawn at random, and the richest of so many has funds on any chain that is used.
const ACCOUNTS: u32 = 100;

/// How many are looked at at once.
const AT_ONCE: usize = 16;

/// The richest of some accounts; none if the chain has none.
pub(super) async fn richest(
    connection: &Connection,
    block: &Block,
) -> Result<Option<AccountId32>, ChainError> {
    let prefix = dialect::accounts(block)?;
    let keys = connection
        .methods
        .state_get_keys_paged(&prefix, ACCOUNTS, None, Some(block.block_hash()))
        .await
        .map_err(client("list accounts"))?;
    let balances: Vec<(u128, AccountId32)> = stream::iter(keys)
        .filter_map(|key| async move { account(&key) })
        .map(|account| async move {
            let balance = dialect::spendable(block, &account).await?;
            Ok::<_, ChainError>((balance, account))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(balances
        .into_iter()
        .max_by_key(|(balance, _)| *balance)
        .map(|(_, account)| account))
}

/// The account of a key of `System.Account`, which ends with it.
fn account(key: &[u8]) -> Option<AccountId32> {
    key.last_chunk::<32>().copied().map(AccountId32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_the_end_of_its_key() {
        let key = [&[1; 48][..], &[7; 32]].concat();
        assert_eq!(account(&key), Some(AccountId32([7; 32])));
        assert_eq!(account(&[1; 31]), None);
    }
}
