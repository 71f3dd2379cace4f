//! The demo on a development node: accounts are funded by a development account.

use super::world::World;
use crate::chain::node::NodeClient;
use crate::chain::{Chain, ChainError, ClockControl, Tx};
use crate::submit::{submit_once, SubmitError};
use crate::urls::shown;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use std::sync::Arc;
use std::time::Duration;
use subxt::dynamic::Value;
use subxt::utils::AccountId32;
use subxt::{OnlineClient, PolkadotConfig};
use subxt_signer::sr25519::{dev, Keypair};
use subxt_signer::SecretUri;

/// How often a transaction is looked for: a development node seals and finalizes at once.
const POLL: Duration = Duration::from_millis(20);

/// How many accounts are mapped at once.
const AT_ONCE: usize = 16;

/// A development node, with `//Alice` as the payer.
pub struct NodeWorld {
    url: String,
    client: NodeClient,
}

impl NodeWorld {
    /// Connects to the node.
    ///
    /// # Errors
    /// If it does not answer, or its payer cannot be mapped.
    pub async fn connect(url: &str) -> Result<Self, ChainError> {
        let client = NodeClient::connect(vec![url.to_owned()], dev::alice())
            .await?
            .polling(POLL);
        let world = Self {
            url: url.to_owned(),
            client,
        };
        map(&world.payer()).await?;
        if world.client.now_ms().await? == 0 {
            // A chain without a block has no time yet: the payer pays itself to make one.
            let payer = AccountId32(dev::alice().public_key().0);
            endow(url, vec![payer], 1).await?;
        }
        Ok(world)
    }
}

#[async_trait::async_trait]
impl World for NodeWorld {
    fn name(&self) -> String {
        format!("the node at {}", shown(&self.url))
    }

    fn url(&self) -> Option<String> {
        Some(self.url.clone())
    }

    fn payer(&self) -> Chain {
        Arc::new(self.client.clone())
    }

    fn clock(&self) -> Arc<dyn ClockControl> {
        Arc::new(self.client.clone())
    }

    async fn accounts(&self, uris: &[String], amount: u128) -> Result<Vec<Chain>, ChainError> {
        let keys: Vec<Keypair> = uris
            .iter()
            .map(|uri| keypair(uri))
            .collect::<Result<_, _>>()?;
        let ids = keys
            .iter()
            .map(|key| AccountId32(key.public_key().0))
            .collect();
        endow(&self.url, ids, amount).await?;
        stream::iter(keys)
            .map(|key| async move {
                let chain: Chain = Arc::new(self.client.with_signer(key));
                map(&chain).await?;
                Ok(chain)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }
}

fn keypair(uri: &str) -> Result<Keypair, ChainError> {
    let wrong = || ChainError::Unsupported("an account's secret URI cannot be read".into());
    let uri: SecretUri = uri.parse().map_err(|_| wrong())?;
    Keypair::from_uri(&uri).map_err(|_| wrong())
}

/// Maps an account if it is not.
async fn map(chain: &Chain) -> Result<(), ChainError> {
    if chain.mapped().await? {
        return Ok(());
    }
    match submit_once(chain, "map_account", &Tx::MapAccount).await {
        Ok(_) => Ok(()),
        Err(SubmitError::Chain(error)) => Err(error),
        Err(error) => Err(failed("map an account")(error)),
    }
}

/// Sends each account `amount` base units of the native token, in one transaction.
async fn endow(url: &str, accounts: Vec<AccountId32>, amount: u128) -> Result<(), ChainError> {
    const WHAT: &str = "fund accounts";
    let api = OnlineClient::<PolkadotConfig>::from_insecure_url(url)
        .await
        .map_err(failed(WHAT))?;
    let transfers: Vec<Value> = accounts
        .into_iter()
        .map(|account| {
            let to = Value::unnamed_variant("Id", [Value::from_bytes(account.0)]);
            let transfer = Value::unnamed_variant("transfer_keep_alive", [to, Value::u128(amount)]);
            Value::unnamed_variant("Balances", [transfer])
        })
        .collect();
    let batch = subxt::dynamic::transaction(
        "Utility",
        "batch_all",
        vec![Value::unnamed_composite(transfers)],
    );
    api.tx()
        .await
        .map_err(failed(WHAT))?
        .sign_and_submit_then_watch_default(&batch, &dev::alice())
        .await
        .map_err(failed(WHAT))?
        .wait_for_finalized_success()
        .await
        .map_err(failed(WHAT))?;
    Ok(())
}

fn failed<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> ChainError {
    move |error| ChainError::Client {
        what,
        reason: error.to_string(),
    }
}
