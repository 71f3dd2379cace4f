//! The embedded chain as the keeper sees chains.
//!
//! Every transaction gets a block of its own, final at once, as on a development node
//! with instant seal; its clock moves [`BLOCK_TIME_MS`] a block and can be set.

use codec::{Decode, Encode};
use frame_support::dispatch::{DispatchClass, RawOrigin};
use plimsoll_embedded::{
    sr25519, AccountId, Code, Dispatched, EmbeddedChain, EmbeddedHandle, Failure as Refusal,
    Genesis, RuntimeCall, RuntimeEvent, Weight as ChainWeight, CHAIN_ID,
};
use plimsoll_keeper::chain::{
    At, BlockRef, Chain, ChainClient, ChainError, ChainInfo, ClockControl, ContractEvent, DryRun,
    Failure, Found, Hash, Head, Limits, Outcome, Past, SignedTx, Tx, Weight, H160,
};
use plimsoll_keeper::demo::world::World;
use plimsoll_keeper::keys::keccak;
use plimsoll_runtime::{constants, VERSION};
use sp_core::Pair;
use sp_runtime::traits::IdentifyAccount;
use sp_runtime::transaction_validity::{InvalidTransaction, TransactionValidityError};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// By how much a block moves the clock: the block time of the chains that this one
/// stands for.
const BLOCK_TIME_MS: u64 = 6_000;

/// For how many blocks a transaction is valid, as on a node.
const ERA_BLOCKS: u64 = 64;

/// What an account is given, in base units, for as long as it is told what something would
/// cost: 10,000 whole native tokens.
const RICHES: u128 = 10_000 * 10_000_000_000;

/// What happened on the chain, kept for who asks later.
#[derive(Default)]
struct History {
    outcomes: HashMap<Hash, Outcome>,
    events: Vec<ContractEvent>,
    /// Times of blocks, in ms since 1970; those in between have the one before.
    times: BTreeMap<u64, u64>,
    /// Transactions of blocks.
    extrinsics: HashMap<u64, Vec<Vec<u8>>>,
}

impl History {
    /// Notes when the newest block is.
    fn seal(&mut self, block: BlockRef) {
        self.times.insert(block.number, block.time_ms);
    }

    fn time_of(&self, number: u64) -> u64 {
        let known = self.times.range(..=number).next_back();
        known.map_or(0, |(_, time)| *time)
    }
}

/// A chain in this process, and an account on it. Clones share the chain.
#[derive(Clone)]
pub struct EmbeddedClient {
    chain: EmbeddedHandle,
    history: Arc<Mutex<History>>,
    signer: sr25519::Pair,
}

/// What stands for a transaction's bytes. It is signed when it is sent: the chain is
/// in the same process, and gone with it.
#[derive(Encode, Decode)]
struct Packed {
    account: [u8; 32],
    nonce: u64,
    limits: (u64, u64, u128),
    tx: PackedTx,
}

#[derive(Encode, Decode)]
enum PackedTx {
    Call([u8; 20], u128, Vec<u8>),
    Instantiate(Vec<u8>, Vec<u8>, [u8; 32], u128),
    MapAccount,
}

impl EmbeddedClient {
    /// Starts a chain and gives a client of the account `uri` on it.
    ///
    /// # Errors
    /// If the uri is no secret URI or the system gives no thread.
    pub fn start(uri: &str) -> Result<Self, ChainError> {
        let chain = EmbeddedHandle::start(Genesis::default())
            .map_err(|error| failed("start the embedded chain", &error))?;
        let signer = signer(uri)?;
        Ok(Self {
            chain,
            history: Arc::default(),
            signer,
        })
    }

    /// The same chain with another account.
    ///
    /// # Errors
    /// If the uri is no secret URI.
    pub fn with_account(&self, uri: &str) -> Result<Self, ChainError> {
        Ok(Self {
            signer: signer(uri)?,
            ..self.clone()
        })
    }

    /// Gives the account native tokens to pay with, in base units, and maps it.
    ///
    /// # Errors
    /// If the chain has stopped or refuses.
    pub async fn endow(&self, amount: u128) -> Result<(), ChainError> {
        let account = self.account();
        self.run("fund an account", move |chain| chain.fund(&account, amount))
            .await?
            .map_err(|refusal| ChainError::Failed(failure(refusal)))
    }

    fn account(&self) -> AccountId {
        sp_runtime::MultiSigner::from(self.signer.public()).into_account()
    }

    /// Runs `work` on the chain's thread without blocking this one.
    async fn run<R: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut EmbeddedChain) -> R + Send + 'static,
    ) -> Result<R, ChainError> {
        let (answer, wait) = tokio::sync::oneshot::channel();
        self.chain
            .then(work, move |result| {
                // Whoever asked may have stopped waiting.
                let _ = answer.send(result);
            })
            .map_err(|error| failed(what, &error))?;
        wait.await
            .map_err(|_| failed(what, &plimsoll_embedded::ChainStopped))
    }
}

fn signer(uri: &str) -> Result<sr25519::Pair, ChainError> {
    // The uri is a secret: the error does not repeat it.
    sr25519::Pair::from_string(uri, None).map_err(|_| {
        ChainError::Unsupported("the account is no secret URI such as //Alice or a seed".into())
    })
}

fn failed(what: &'static str, error: &dyn std::error::Error) -> ChainError {
    ChainError::Client {
        what,
        reason: error.to_string(),
    }
}

fn failure(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Reverted(output) => Failure::Reverted(output),
        Refusal::Runtime { name, .. } => Failure::Runtime(name),
    }
}

fn weight(weight: ChainWeight) -> Weight {
    Weight {
        ref_time: weight.ref_time(),
        proof_size: weight.proof_size(),
    }
}

fn locked(history: &Mutex<History>) -> MutexGuard<'_, History> {
    // The history is only appended to, so it is whole even if a holder panicked.
    history
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Blocks here have no headers: a hash of the number stands for a block's.
fn block_hash(number: u64) -> Hash {
    keccak(&("plimsoll embedded block", number).encode())
}

fn head(chain: &mut EmbeddedChain) -> BlockRef {
    let number = u64::from(chain.block_number());
    BlockRef {
        number,
        hash: block_hash(number),
        time_ms: chain.now_ms(),
    }
}

fn call(tx: PackedTx, (ref_time, proof_size, deposit): (u64, u64, u128)) -> RuntimeCall {
    let weight_limit = ChainWeight::from_parts(ref_time, proof_size);
    RuntimeCall::Revive(match tx {
        PackedTx::Call(dest, value, data) => pallet_revive::Call::call {
            dest: dest.into(),
            value,
            weight_limit,
            storage_deposit_limit: deposit,
            data,
        },
        PackedTx::Instantiate(code, data, salt, value) => {
            pallet_revive::Call::instantiate_with_code {
                value,
                weight_limit,
                storage_deposit_limit: deposit,
                code,
                data,
                salt: Some(salt),
            }
        }
        PackedTx::MapAccount => pallet_revive::Call::map_account {},
    })
}

/// What would become of a transaction.
fn dry_run(chain: &mut EmbeddedChain, account: &AccountId, tx: Tx) -> DryRun {
    match tx {
        Tx::Call { to, value, data } => {
            let ran = chain.dry_run(account, to, value, data);
            DryRun {
                weight: weight(ran.weight_required),
                deposit: ran.deposit_required,
                result: ran.result.map_err(failure),
                address: None,
            }
        }
        Tx::Instantiate {
            code,
            data,
            salt,
            value,
        } => {
            let code = Code::Upload(code);
            let ran = chain.dry_run_instantiate(account, code, data, Some(salt), value);
            let address = ran.result.as_ref().ok().copied();
            DryRun {
                weight: weight(ran.weight_required),
                deposit: ran.deposit_required,
                result: ran.result.map(|_| Vec::new()).map_err(failure),
                address,
            }
        }
        Tx::MapAccount => {
            let before = chain.snapshot();
            let free = chain.balance(account);
            let call = RuntimeCall::Revive(pallet_revive::Call::map_account {});
            let mapped = chain.dispatch(RawOrigin::Signed(account.clone()), call);
            let deposit = free.saturating_sub(chain.balance(account));
            chain.restore(&before);
            DryRun {
                weight: Weight::default(),
                deposit,
                result: mapped.result.map(|()| Vec::new()).map_err(failure),
                address: None,
            }
        }
    }
}

fn fee_paid(events: &[RuntimeEvent]) -> u128 {
    events
        .iter()
        .find_map(|event| match event {
            RuntimeEvent::TransactionPayment(
                pallet_transaction_payment::Event::TransactionFeePaid { actual_fee, .. },
            ) => Some(*actual_fee),
            _ => None,
        })
        .unwrap_or(0)
}

fn outcome(chain: &mut EmbeddedChain, dispatched: Dispatched) -> Outcome {
    let block = u64::from(chain.block_number());
    let events = dispatched
        .contract_events()
        .into_iter()
        .map(|event| ContractEvent {
            block,
            contract: event.contract,
            topics: event.topics.into_iter().map(|topic| topic.0).collect(),
            data: event.data,
        })
        .collect();
    let instantiated = dispatched.events.iter().find_map(|event| match event {
        RuntimeEvent::Revive(pallet_revive::Event::Instantiated { contract, .. }) => {
            Some(*contract)
        }
        _ => None,
    });
    Outcome {
        block,
        block_hash: block_hash(block),
        fee: fee_paid(&dispatched.events),
        result: dispatched.result.map_err(failure),
        events,
        instantiated,
    }
}

fn pool_error(error: TransactionValidityError) -> ChainError {
    let name = match error {
        TransactionValidityError::Invalid(InvalidTransaction::Payment) => "Payment",
        TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources) => {
            "ExhaustsResources"
        }
        TransactionValidityError::Invalid(InvalidTransaction::Stale) => "Stale",
        TransactionValidityError::Invalid(InvalidTransaction::Future) => "Future",
        _ => "Invalid",
    };
    ChainError::Pool {
        name: name.into(),
        detail: format!("{error:?}"),
    }
}

#[async_trait::async_trait]
impl ChainClient for EmbeddedClient {
    async fn info(&self) -> Result<ChainInfo, ChainError> {
        let account = self.account();
        let id = account.clone();
        let address = self
            .run("look an account up", move |chain| chain.address(&id))
            .await?;
        let mut chain_id = [0; 32];
        chain_id[24..].copy_from_slice(&CHAIN_ID.to_be_bytes());
        let class = DispatchClass::Normal;
        let weights = constants::block_weights();
        Ok(ChainInfo {
            genesis: block_hash(0),
            chain_id,
            spec_name: VERSION.spec_name.to_string(),
            spec_version: VERSION.spec_version,
            account: account.into(),
            address,
            max_weight: weight(
                weights
                    .get(class)
                    .max_extrinsic
                    .unwrap_or(constants::MAXIMUM_BLOCK_WEIGHT),
            ),
            max_length: u64::from(*constants::block_length().max.get(class)),
        })
    }

    async fn head(&self) -> Result<Head, ChainError> {
        let block = self.run("read the newest block", head).await?;
        Ok(Head {
            finalized: block,
            best: block,
        })
    }

    async fn read(&self, to: H160, data: Vec<u8>, _at: At) -> Result<Vec<u8>, ChainError> {
        let account = self.account();
        self.run("call a view", move |chain| {
            chain.dry_run(&account, to, 0, data).result
        })
        .await?
        .map_err(|refusal| ChainError::Failed(failure(refusal)))
    }

    async fn dry_run(&self, tx: &Tx) -> Result<DryRun, ChainError> {
        let (account, tx) = (self.account(), tx.clone());
        self.run("dry-run a transaction", move |chain| {
            dry_run(chain, &account, tx)
        })
        .await
    }

    async fn dry_run_by_the_rich(&self, tx: &Tx) -> Result<Option<DryRun>, ChainError> {
        let (account, tx) = (self.account(), tx.clone());
        self.run("dry-run a transaction", move |chain| {
            let before = chain.snapshot();
            let run = chain
                .fund_unmapped(&account, RICHES)
                .map(|()| dry_run(chain, &account, tx));
            chain.restore(&before);
            run.ok()
        })
        .await
    }

    async fn dry_run_as(&self, caller: H160, tx: &Tx) -> Result<DryRun, ChainError> {
        let tx = tx.clone();
        self.run("dry-run a transaction", move |chain| {
            let account = chain.account(caller);
            dry_run(chain, &account, tx)
        })
        .await
    }

    async fn sign(&self, tx: &Tx, limits: Limits, nonce: u64) -> Result<SignedTx, ChainError> {
        let anchor = self.head().await?.finalized.number;
        let tx = match tx.clone() {
            Tx::Call { to, value, data } => PackedTx::Call(to.0, value, data),
            Tx::Instantiate {
                code,
                data,
                salt,
                value,
            } => PackedTx::Instantiate(code, data, salt, value),
            Tx::MapAccount => PackedTx::MapAccount,
        };
        let Limits { weight, deposit } = limits;
        let account = self.account().into();
        let limits = (weight.ref_time, weight.proof_size, deposit);
        let bytes = Packed {
            account,
            nonce,
            limits,
            tx,
        }
        .encode();
        let last_block = anchor + ERA_BLOCKS;
        Ok(SignedTx {
            hash: keccak(&bytes),
            bytes,
            nonce,
            anchor,
            last_block,
        })
    }

    async fn fee(&self, tx: &SignedTx) -> Result<u128, ChainError> {
        let packed = unpacked(tx)?;
        let signer = self.signer.clone();
        let account = self.account();
        self.run("estimate a fee", move |chain| {
            let before = chain.snapshot();
            // What it costs is told also to who cannot pay it yet, or is not mapped yet.
            let mapping = matches!(packed.tx, PackedTx::MapAccount);
            let ready = if mapping {
                chain.fund_unmapped(&account, RICHES)
            } else {
                chain.fund(&account, RICHES)
            };
            let sent = chain.submit(&signer, call(packed.tx, packed.limits));
            chain.restore(&before);
            ready.map_err(|refusal| ChainError::Failed(failure(refusal)))?;
            sent.map(|dispatched| fee_paid(&dispatched.events))
                .map_err(|refusal| pool_error(refusal.0))
        })
        .await?
    }

    async fn next_nonce(&self) -> Result<u64, ChainError> {
        let account = self.account();
        self.run("read a nonce", move |chain| {
            u64::from(chain.nonce(&account))
        })
        .await
    }

    async fn send(&self, tx: &SignedTx) -> Result<(), ChainError> {
        let packed = unpacked(tx)?;
        if packed.account != <[u8; 32]>::from(self.account()) {
            return Err(ChainError::Unsupported(
                "the transaction is another account's".into(),
            ));
        }
        let (hash, last_block, bytes) = (tx.hash, tx.last_block, tx.bytes.clone());
        let (account, signer) = (self.account(), self.signer.clone());
        let history = self.history.clone();
        self.run("send a transaction", move |chain| {
            if locked(&history).outcomes.contains_key(&hash) {
                return Ok(());
            }
            let refused = |name: &str| {
                Err(ChainError::Pool {
                    name: name.into(),
                    detail: "by the embedded chain".into(),
                })
            };
            if u64::from(chain.block_number()) > last_block {
                return refused("AncientBirthBlock");
            }
            match packed.nonce.cmp(&u64::from(chain.nonce(&account))) {
                std::cmp::Ordering::Less => return refused("Stale"),
                std::cmp::Ordering::Greater => return refused("Future"),
                std::cmp::Ordering::Equal => {}
            }
            let sent = chain.submit(&signer, call(packed.tx, packed.limits));
            let dispatched = sent.map_err(|refusal| pool_error(refusal.0))?;
            let outcome = outcome(chain, dispatched);
            let mut history = locked(&history);
            let block = head(chain);
            history.seal(block);
            let extrinsics = history.extrinsics.entry(block.number).or_default();
            extrinsics.push(bytes);
            history.events.extend(outcome.events.iter().cloned());
            history.outcomes.insert(hash, outcome);
            chain
                .advance(BLOCK_TIME_MS)
                .map_err(|error| failed("seal a block", &error))?;
            history.seal(head(chain));
            Ok(())
        })
        .await?
    }

    async fn find(&self, tx: &SignedTx, _from: u64) -> Result<Found, ChainError> {
        if let Some(outcome) = locked(&self.history).outcomes.get(&tx.hash) {
            return Ok(Found::Included(outcome.clone()));
        }
        let next = self.next_nonce().await?;
        let head = self.head().await?.finalized.number;
        if next > tx.nonce || head > tx.last_block {
            return Ok(Found::Dead);
        }
        Ok(Found::Pending { next: head + 1 })
    }

    async fn events(
        &self,
        contract: H160,
        from: u64,
        to: u64,
    ) -> Result<Vec<ContractEvent>, ChainError> {
        let history = locked(&self.history);
        let wanted = |event: &&ContractEvent| {
            event.contract == contract && (from..=to).contains(&event.block)
        };
        Ok(history.events.iter().filter(wanted).cloned().collect())
    }

    async fn past(&self, contract: H160, number: u64) -> Result<Past, ChainError> {
        let newest = self.head().await?.finalized;
        if number > newest.number {
            return Err(ChainError::Unsupported(format!(
                "there is no block {number} yet"
            )));
        }
        let events = self.events(contract, number, number).await?;
        let history = locked(&self.history);
        let time_ms = if number == newest.number {
            newest.time_ms
        } else {
            history.time_of(number)
        };
        Ok(Past {
            block: BlockRef {
                number,
                hash: block_hash(number),
                time_ms,
            },
            events,
            extrinsics: history.extrinsics.get(&number).cloned().unwrap_or_default(),
        })
    }

    async fn balance(&self) -> Result<u128, ChainError> {
        let account = self.account();
        self.run("read a balance", move |chain| chain.balance(&account))
            .await
    }

    async fn mapped(&self) -> Result<bool, ChainError> {
        let account = self.account();
        self.run("look a mapping up", move |chain| chain.is_mapped(&account))
            .await
    }

    async fn code_hash(&self, at: H160) -> Result<Option<Hash>, ChainError> {
        self.run("read a code hash", move |chain| {
            chain.code_hash(at).map(|hash| hash.0)
        })
        .await
    }

    fn poll_interval(&self) -> Duration {
        // What is sent is final at once.
        Duration::from_millis(1)
    }
}

#[async_trait::async_trait]
impl ClockControl for EmbeddedClient {
    async fn set_time(&self, ms: u64) -> Result<(), ChainError> {
        let history = self.history.clone();
        self.run("set the clock", move |chain| {
            if chain.now_ms() >= ms {
                // The clock goes forward only, and it is there already.
                return Ok(());
            }
            let set = chain.set_time(ms);
            locked(&history).seal(head(chain));
            set
        })
        .await?
        .map_err(|error| failed("set the clock", &error))
    }

    async fn now_ms(&self) -> Result<u64, ChainError> {
        self.run("read the clock", EmbeddedChain::now_ms).await
    }
}

fn unpacked(tx: &SignedTx) -> Result<Packed, ChainError> {
    Packed::decode(&mut &tx.bytes[..]).map_err(|error| failed("read a signed transaction", &error))
}

#[async_trait::async_trait]
impl World for EmbeddedClient {
    fn name(&self) -> String {
        "the embedded chain".into()
    }

    fn url(&self) -> Option<String> {
        None
    }

    fn payer(&self) -> Chain {
        Arc::new(self.clone())
    }

    fn clock(&self) -> Arc<dyn ClockControl> {
        Arc::new(self.clone())
    }

    async fn accounts(&self, uris: &[String], amount: u128) -> Result<Vec<Chain>, ChainError> {
        let mut accounts: Vec<Chain> = Vec::with_capacity(uris.len());
        for uri in uris {
            let account = self.with_account(uri)?;
            account.endow(amount).await?;
            accounts.push(Arc::new(account));
        }
        Ok(accounts)
    }
}

#[cfg(test)]
mod auditing;
#[cfg(test)]
mod deploying;
#[cfg(test)]
mod proposing;

#[cfg(test)]
mod tests {
    use super::*;

    /// A payment to somebody, signed with the next nonce.
    async fn payment(client: &EmbeddedClient, amount: u128) -> SignedTx {
        let tx = Tx::Call {
            to: H160::repeat_byte(0x11),
            value: amount,
            data: Vec::new(),
        };
        let run = client.dry_run(&tx).await.expect("the chain runs");
        assert_eq!(run.result, Ok(Vec::new()));
        let limits = Limits::with_margin(run.weight, run.deposit);
        let nonce = client.next_nonce().await.expect("the chain runs");
        client.sign(&tx, limits, nonce).await.expect("it is signed")
    }

    fn start() -> EmbeddedClient {
        EmbeddedClient::start("//Alice").expect("a chain")
    }

    #[tokio::test]
    async fn the_same_bytes_are_one_transaction_however_often_they_are_sent() {
        let client = start();
        let signed = payment(&client, 1_000_000_000_000).await;
        let pending = client.find(&signed, 0).await.expect("the chain runs");
        assert!(matches!(pending, Found::Pending { .. }));
        for _ in 0..3 {
            client.send(&signed).await.expect("taken, or there already");
        }
        assert_eq!(client.next_nonce().await, Ok(signed.nonce + 1));
        let found = client.find(&signed, 0).await.expect("the chain runs");
        let Found::Included(outcome) = found else {
            panic!("{found:?}");
        };
        assert_eq!(outcome.result, Ok(()));
        assert!(outcome.fee > 0);
    }

    #[tokio::test]
    async fn a_used_nonce_makes_a_transaction_dead() {
        let client = start();
        let first = payment(&client, 1_000_000_000_000).await;
        let second = payment(&client, 2_000_000_000_000).await;
        client.send(&first).await.expect("taken");
        let refused = client.send(&second).await.expect_err("its nonce is used");
        assert!(matches!(refused, ChainError::Pool { name, .. } if name == "Stale"));
        assert_eq!(client.find(&second, 0).await, Ok(Found::Dead));
    }

    #[tokio::test]
    async fn a_fee_is_told_without_being_paid() {
        let client = start();
        let signed = payment(&client, 1_000_000_000_000).await;
        let before = client.balance().await;
        assert!(client.fee(&signed).await.expect("an estimate") > 0);
        assert_eq!(client.balance().await, before);
        assert_eq!(client.next_nonce().await, Ok(signed.nonce));
    }

    #[tokio::test]
    async fn time_stands_still_between_blocks_and_goes_forward_only() {
        let client = start();
        let now = client.now_ms().await.expect("the chain runs");
        client.set_time(now + 86_400_000).await.expect("forward");
        client.set_time(now).await.expect("it is there already");
        assert_eq!(client.now_ms().await, Ok(now + 86_400_000));
        let signed = payment(&client, 1_000_000_000_000).await;
        client.send(&signed).await.expect("taken");
        assert_eq!(client.now_ms().await, Ok(now + 86_400_000 + BLOCK_TIME_MS));
    }

    #[tokio::test]
    async fn new_accounts_can_pay_and_are_mapped() {
        let client = start();
        let uris = ["//one".to_owned(), "//two".to_owned()];
        for account in client
            .accounts(&uris, 7_000_000_000_000)
            .await
            .expect("funded")
        {
            assert_eq!(account.mapped().await, Ok(true));
            assert_eq!(account.balance().await, Ok(7_000_000_000_000));
        }
        assert!(client.with_account("no uri at all").is_err());
    }
}
