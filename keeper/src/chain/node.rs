//! A chain behind a node's JSON-RPC.
//!
//! Calls are built from the node's own metadata, positionally, so that one keeper
//! speaks to every dialect of `pallet-revive`. Transactions are not watched: they are
//! sent, and then looked for in finalized blocks. That survives lost connections,
//! nodes that drop a transaction and take it again, and the keeper's own restarts.

mod blocks;
mod dialect;
mod endpoints;
mod pool;
mod rich;

use super::{
    At, BlockRef, ChainClient, ChainError, ChainInfo, ClockControl, ContractEvent, DryRun, Found,
    Hash, Head, Limits, Past, SignedTx, Tx, Weight, H160,
};
use dialect::{Code, CodeHash, ScaleWeight};
use endpoints::{Endpoints, ASK_TIMEOUT};
use sha3::{Digest, Keccak256};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use subxt::config::polkadot::PolkadotExtrinsicParamsBuilder;
use subxt::rpcs::rpc_params;
use subxt::tx::Payload;
use subxt::utils::AccountId32;
use subxt::PolkadotConfig;
use subxt_signer::sr25519::Keypair;

/// A block's state, with the metadata of its runtime.
type Block = subxt::client::OnlineClientAtBlock<PolkadotConfig>;

/// For how many blocks a transaction is valid. At six seconds a block that is more than
/// six minutes: long enough for a busy pool, short enough that a lost transaction does
/// not hold the keeper up. A power of two, as eras are.
pub const ERA_BLOCKS: u64 = 64;

/// How long to wait between two searches for a transaction: about a sixth of the block
/// time of a parachain is prompt, and no burden.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes at the end of an account that stands for an address.
const ADDRESS_SUFFIX: [u8; 12] = [0xee; 12];

/// A connection to one of several nodes of one chain, and an account on it.
///
/// Clones share the connection; [`NodeClient::with_signer`] gives one for another account.
#[derive(Clone)]
pub struct NodeClient {
    endpoints: Arc<Endpoints>,
    signer: Keypair,
    poll: Duration,
}

impl NodeClient {
    /// Connects to the first of `urls` that answers. The others are used when it fails.
    ///
    /// # Errors
    /// If none answers, if they are of different chains, or if the runtime has no
    /// contracts.
    pub async fn connect(urls: Vec<String>, signer: Keypair) -> Result<Self, ChainError> {
        Self::connect_within(urls, signer, ASK_TIMEOUT).await
    }

    /// As [`NodeClient::connect`], with a limit for each request.
    ///
    /// # Errors
    /// As there.
    pub async fn connect_within(
        urls: Vec<String>,
        signer: Keypair,
        limit: Duration,
    ) -> Result<Self, ChainError> {
        let client = Self {
            endpoints: Arc::new(Endpoints::new(urls, limit)?),
            signer,
            poll: POLL_INTERVAL,
        };
        client.info().await?;
        Ok(client)
    }

    /// The same chain, with another account.
    #[must_use]
    pub fn with_signer(&self, signer: Keypair) -> Self {
        Self {
            endpoints: self.endpoints.clone(),
            signer,
            poll: self.poll,
        }
    }

    /// The same, looking for transactions every `poll`: for development nodes, which seal
    /// and finalize at once.
    #[must_use]
    pub fn polling(self, poll: Duration) -> Self {
        Self { poll, ..self }
    }

    fn account(&self) -> AccountId32 {
        AccountId32(self.signer.public_key().0)
    }

    fn address(&self) -> H160 {
        address_of(&self.account().0)
    }

    async fn dry_run_from(
        &self,
        origin: AccountId32,
        block: &Block,
        tx: &Tx,
    ) -> Result<DryRun, ChainError> {
        match tx {
            Tx::Call { to, value, data } => {
                dialect::dry_run_call(block, (origin, to.0, *value, None, None, data.clone())).await
            }
            Tx::Instantiate {
                code,
                data,
                salt,
                value,
            } => {
                let code = Code::Upload(code.clone());
                let salt = Some(*salt);
                dialect::dry_run_instantiate(
                    block,
                    (origin, *value, None, None, code, data.clone(), salt),
                )
                .await
            }
            Tx::MapAccount => Ok(DryRun {
                weight: Weight::default(),
                deposit: dialect::mapping_deposit(block)?,
                result: Ok(Vec::new()),
                address: None,
            }),
        }
    }

    async fn dry_run_at(&self, block: &Block, tx: &Tx) -> Result<DryRun, ChainError> {
        self.dry_run_from(self.account(), block, tx).await
    }

    fn signed_at(
        &self,
        block: &Block,
        tx: &Tx,
        limits: Limits,
        nonce: u64,
    ) -> Result<SignedTx, ChainError> {
        let weight = ScaleWeight::from(limits.weight);
        match tx.clone() {
            Tx::Call { to, value, data } => self.signed_call(
                block,
                nonce,
                &subxt::dynamic::transaction(
                    "Revive",
                    "call",
                    (to.0, value, weight, limits.deposit, data),
                ),
            ),
            Tx::Instantiate {
                code,
                data,
                salt,
                value,
            } => self.signed_call(
                block,
                nonce,
                &subxt::dynamic::transaction(
                    "Revive",
                    "instantiate_with_code",
                    (value, weight, limits.deposit, code, data, Some(salt)),
                ),
            ),
            Tx::MapAccount => self.signed_call(
                block,
                nonce,
                &subxt::dynamic::transaction("Revive", "map_account", ()),
            ),
        }
    }

    fn signed_call<C: Payload>(
        &self,
        block: &Block,
        nonce: u64,
        call: &C,
    ) -> Result<SignedTx, ChainError> {
        let anchor = block.block_number();
        let params = PolkadotExtrinsicParamsBuilder::<PolkadotConfig>::new()
            .nonce(nonce)
            .mortal_from_unchecked(ERA_BLOCKS, anchor, block.block_hash())
            .build();
        let signed = block
            .transactions()
            .create_signable_offline(call, params)
            .and_then(|mut signable| signable.sign(&self.signer))
            .map_err(client("sign the transaction"))?;
        Ok(SignedTx {
            hash: signed.hash().0,
            bytes: signed.into_encoded(),
            nonce,
            anchor,
            last_block: anchor + ERA_BLOCKS,
        })
    }

    /// Refuses a signed transaction that no block would take.
    async fn check_size(&self, block: &Block, tx: &SignedTx) -> Result<(), ChainError> {
        let limits = dialect::block_limits(block)?;
        let length = tx.bytes.len() as u64;
        let (weight, _) = dialect::weight_and_fee(block, &tx.bytes).await?;
        let too_large = |unit, needed, most| ChainError::TooLarge { unit, needed, most };
        let most = limits.max_weight;
        // A transaction's length counts as proof, too.
        let proof = weight.proof_size.saturating_add(length);
        if length > limits.max_length {
            return Err(too_large("bytes of length", length, limits.max_length));
        }
        if weight.ref_time > most.ref_time {
            return Err(too_large("ps of execution", weight.ref_time, most.ref_time));
        }
        if proof > most.proof_size {
            return Err(too_large("bytes of proof", proof, most.proof_size));
        }
        Ok(())
    }
}

/// The address of an account: its first 20 bytes if it stands for an address, else the
/// last 20 of its keccak-256.
#[must_use]
pub fn address_of(account: &[u8; 32]) -> H160 {
    if account.ends_with(&ADDRESS_SUFFIX) {
        H160::from_slice(&account[..20])
    } else {
        H160::from_slice(&Keccak256::digest(account)[12..])
    }
}

/// The account that stands for an address and belongs to it alone.
fn account_of(address: H160) -> AccountId32 {
    let mut account = [0; 32];
    account[..20].copy_from_slice(address.as_bytes());
    account[20..].copy_from_slice(&ADDRESS_SUFFIX);
    AccountId32(account)
}

/// The account that is mapped to an address.
async fn mapped_account(block: &Block, address: H160) -> Result<Option<AccountId32>, ChainError> {
    let entry = subxt::dynamic::storage::<([u8; 20],), AccountId32>("Revive", "OriginalAccount");
    let failed = "read which account is mapped to an address";
    let found = block
        .storage()
        .try_fetch(entry, (address.0,))
        .await
        .map_err(client(failed))?;
    found
        .map(|value| value.decode().map_err(client(failed)))
        .transpose()
}

#[async_trait::async_trait]
impl ChainClient for NodeClient {
    fn poll_interval(&self) -> Duration {
        self.poll
    }

    async fn info(&self) -> Result<ChainInfo, ChainError> {
        let account = self.account().0;
        let address = self.address();
        self.endpoints
            .ask("the chain's constants", |connection| async move {
                let block = connection.block(At::Finalized).await?;
                let limits = dialect::block_limits(&block)?;
                Ok(ChainInfo {
                    genesis: connection.genesis,
                    chain_id: dialect::chain_id(&block)?,
                    spec_name: dialect::spec_name(&block).await?,
                    spec_version: block.spec_version(),
                    account,
                    address,
                    max_weight: limits.max_weight,
                    max_length: limits.max_length,
                })
            })
            .await
    }

    async fn head(&self) -> Result<Head, ChainError> {
        self.endpoints
            .ask("the newest blocks", |connection| async move {
                Ok(Head {
                    finalized: block_ref(&connection.block(At::Finalized).await?).await?,
                    best: block_ref(&connection.block(At::Best).await?).await?,
                })
            })
            .await
    }

    async fn finalized(&self) -> Result<Hash, ChainError> {
        self.endpoints
            .ask("the newest finalized block", |connection| async move {
                Ok(connection.block(At::Finalized).await?.block_hash().0)
            })
            .await
    }

    async fn read(&self, to: H160, data: Vec<u8>, at: At) -> Result<Vec<u8>, ChainError> {
        let tx = &Tx::Call { to, value: 0, data };
        let run = self
            .endpoints
            .ask("a view", |connection| async move {
                let block = connection.block(at).await?;
                self.dry_run_at(&block, tx).await
            })
            .await?;
        Ok(run.result?)
    }

    async fn dry_run(&self, tx: &Tx) -> Result<DryRun, ChainError> {
        self.endpoints
            .ask("a dry run", |connection| async move {
                let block = connection.block(At::Best).await?;
                self.dry_run_at(&block, tx).await
            })
            .await
    }

    async fn dry_run_by_the_rich(&self, tx: &Tx) -> Result<Option<DryRun>, ChainError> {
        self.endpoints
            .ask("a dry run by another account", |connection| async move {
                let block = connection.block(At::Best).await?;
                let Some(richest) = rich::richest(&connection, &block).await? else {
                    return Ok(None);
                };
                self.dry_run_from(richest, &block, tx).await.map(Some)
            })
            .await
    }

    async fn dry_run_as(&self, caller: H160, tx: &Tx) -> Result<DryRun, ChainError> {
        self.endpoints
            .ask("a dry run by another account", |connection| async move {
                let block = connection.block(At::Best).await?;
                let mapped = mapped_account(&block, caller).await?;
                let origin = mapped.unwrap_or_else(|| account_of(caller));
                self.dry_run_from(origin, &block, tx).await
            })
            .await
    }

    async fn sign(&self, tx: &Tx, limits: Limits, nonce: u64) -> Result<SignedTx, ChainError> {
        self.endpoints
            .ask(
                "what a transaction is signed for",
                |connection| async move {
                    let block = connection.block(At::Finalized).await?;
                    let signed = self.signed_at(&block, tx, limits, nonce)?;
                    self.check_size(&block, &signed).await?;
                    Ok(signed)
                },
            )
            .await
    }

    async fn fee(&self, tx: &SignedTx) -> Result<u128, ChainError> {
        self.endpoints
            .ask("a transaction's fee", |connection| async move {
                let block = connection.block(At::Best).await?;
                Ok(dialect::weight_and_fee(&block, &tx.bytes).await?.1)
            })
            .await
    }

    async fn next_nonce(&self) -> Result<u64, ChainError> {
        let account = self.account();
        let account = &account;
        self.endpoints
            .ask("the account's nonce", |connection| async move {
                connection
                    .methods
                    .system_account_next_index(account)
                    .await
                    .map_err(client("read the account's nonce"))
            })
            .await
    }

    async fn send(&self, tx: &SignedTx) -> Result<(), ChainError> {
        let asked = &AtomicBool::new(false);
        self.endpoints
            .ask("the transaction pool", |connection| async move {
                // If this is not the first, the one before gave no answer.
                let again = asked.swap(true, Ordering::SeqCst);
                match connection.methods.author_submit_extrinsic(&tx.bytes).await {
                    Ok(_) => Ok(()),
                    Err(subxt::rpcs::Error::User(refusal)) => {
                        pool::refusal(&refusal).map_err(|error| pool::told(error, again))
                    }
                    Err(error) => Err(client("send the transaction")(error)),
                }
            })
            .await
    }

    async fn find(&self, tx: &SignedTx, from: u64) -> Result<Found, ChainError> {
        let account = self.account();
        let account = &account;
        self.endpoints
            .ask("finalized blocks", |connection| async move {
                blocks::find(&connection, account, tx, from).await
            })
            .await
    }

    async fn events(
        &self,
        contract: H160,
        from: u64,
        to: u64,
    ) -> Result<Vec<ContractEvent>, ChainError> {
        let mut events = Vec::new();
        for number in from..=to {
            // One request limit for each block, not for all of them.
            events.extend(
                self.endpoints
                    .ask("a block's events", |connection| async move {
                        blocks::contract_events(&connection, number, contract).await
                    })
                    .await?,
            );
        }
        Ok(events)
    }

    async fn balance(&self) -> Result<u128, ChainError> {
        let account = self.account();
        let account = &account;
        self.endpoints
            .ask("the account's balance", |connection| async move {
                let block = connection.block(At::Best).await?;
                dialect::spendable(&block, account).await
            })
            .await
    }

    async fn mapped(&self) -> Result<bool, ChainError> {
        let account = self.account().0;
        let address = self.address();
        if account.ends_with(&ADDRESS_SUFFIX) {
            return Ok(true);
        }
        self.endpoints
            .ask("whether the account is mapped", |connection| async move {
                let block = connection.block(At::Best).await?;
                Ok(mapped_account(&block, address).await?.is_some())
            })
            .await
    }

    async fn code_hash(&self, at: H160) -> Result<Option<Hash>, ChainError> {
        self.endpoints
            .ask("a contract's code hash", |connection| async move {
                code_hash(&connection.block(At::Best).await?, at).await
            })
            .await
    }

    async fn code_hash_at(&self, at: H160, hash: Hash) -> Result<Option<Hash>, ChainError> {
        self.endpoints
            .ask("a contract's code hash", |connection| async move {
                code_hash(&connection.block(At::Block(hash)).await?, at).await
            })
            .await
    }

    async fn past(&self, contract: H160, number: u64) -> Result<Past, ChainError> {
        self.endpoints
            .ask("a block's events", |connection| async move {
                blocks::past(&connection, number, contract).await
            })
            .await
    }
}

#[async_trait::async_trait]
impl ClockControl for NodeClient {
    async fn set_time(&self, ms: u64) -> Result<(), ChainError> {
        if self.now_ms().await? >= ms {
            // The clock goes forward only, and it is there already.
            return Ok(());
        }
        self.endpoints
            .ask("the node's clock", |connection| async move {
                connection
                    .rpc
                    .request::<u64>("plimsoll_setTime", rpc_params![ms, true])
                    .await
                    .map(drop)
                    .map_err(client("set the node's clock (a development node's only)"))
            })
            .await
    }

    async fn now_ms(&self) -> Result<u64, ChainError> {
        Ok(self.head().await?.best.time_ms)
    }
}

async fn code_hash(block: &Block, at: H160) -> Result<Option<Hash>, ChainError> {
    let entry = subxt::dynamic::storage::<([u8; 20],), CodeHash>("Revive", "AccountInfoOf");
    let found = block
        .storage()
        .try_fetch(entry, (at.0,))
        .await
        .map_err(client("read the contract"))?;
    match found {
        None => Ok(None),
        Some(value) => {
            let info = value.decode().map_err(client("read the contract"))?;
            Ok(info.code_hash())
        }
    }
}

async fn block_ref(block: &Block) -> Result<BlockRef, ChainError> {
    let now = subxt::dynamic::storage::<(), u64>("Timestamp", "Now");
    let time_ms = block
        .storage()
        .fetch(now, ())
        .await
        .map_err(client("read the block's time"))?
        .decode()
        .map_err(client("read the block's time"))?;
    Ok(BlockRef {
        number: block.block_number(),
        hash: block.block_hash().0,
        time_ms,
    })
}

/// An error of the client library.
fn client<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> ChainError {
    move |error| ChainError::Client {
        what,
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_stands_for_an_address_has_that_address() {
        let mut account = [0xee; 32];
        account[..20].copy_from_slice(&[7; 20]);
        assert_eq!(address_of(&account), H160([7; 20]));
        assert_eq!(account_of(H160([7; 20])).0, account);
    }

    #[test]
    fn another_accounts_address_is_the_end_of_its_hash() {
        // Alice of the development chains, as `pallet-revive` maps her.
        let alice = subxt_signer::sr25519::dev::alice().public_key().0;
        let expected = hex::decode("9621dde636de098b43efb0fa9b61facfe328f99d").expect("hex");
        assert_eq!(address_of(&alice).as_bytes(), expected);
    }
}
