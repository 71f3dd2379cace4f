//! Deploying on the real runtime: what is told before anything is paid, to accounts that
//! are not mapped or poor, and for assets with a minimum balance.

use super::EmbeddedClient;
use frame_support::dispatch::RawOrigin;
use plimsoll_keeper::artifacts;
use plimsoll_keeper::chain::{Chain, ChainClient as _, ChainError, H160};
use plimsoll_keeper::deploy::{
    deploy, Artifacts, Cost, DeployError, Deployment, Plan, Price, Quote, Terms, TokenPlan, Watcher,
};
use plimsoll_runtime::Assets;
use std::path::Path;
use std::sync::Arc;

/// A whole native token, in base units.
const UNIT: u128 = 10_000_000_000;

/// What whoever deploys was told and asked.
#[derive(Default)]
struct Notes {
    quotes: Vec<Quote>,
    asked: usize,
    done: Vec<String>,
    yes: bool,
}

impl Notes {
    fn agreeing() -> Self {
        Self {
            yes: true,
            ..Self::default()
        }
    }
}

impl Watcher for Notes {
    fn quoted(&mut self, quote: &Quote) {
        self.quotes.push(quote.clone());
    }

    fn agree(&mut self) -> Result<bool, DeployError> {
        self.asked += 1;
        Ok(self.yes)
    }

    fn doing(&mut self, what: &str) {
        self.done.push(what.to_owned());
    }
}

/// A chain, and an account on it that nobody knows and that has so many base units.
async fn stranger(amount: u128) -> EmbeddedClient {
    let chain = EmbeddedClient::start("//Alice").expect("a chain");
    let stranger = chain.with_account("//Stranger").expect("a URI");
    give(&stranger, amount).await;
    stranger
}

async fn give(to: &EmbeddedClient, amount: u128) {
    let account = to.account();
    to.run("fund an account", move |chain| {
        chain.fund_unmapped(&account, amount)
    })
    .await
    .expect("the chain runs")
    .expect("minted");
}

/// The terms of the shipped example.
async fn plan(by: &EmbeddedClient) -> Plan {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/deploy.toml");
    let info = by.info().await.expect("the chain runs");
    let now = by.head().await.expect("the chain runs").best.time_ms;
    let terms = Terms::load(&example).expect("shipped");
    terms.plan(info.address, now).expect("in bounds")
}

async fn deployed(
    by: &EmbeddedClient,
    plan: &Plan,
    notes: &mut Notes,
) -> Result<Deployment, DeployError> {
    let chain: Chain = Arc::new(by.clone());
    let artifacts = Artifacts {
        emission: artifacts::EMISSION,
        token: artifacts::TOKEN,
    };
    deploy(&chain, "wss://rpc.example/v1/key", artifacts, plan, notes).await
}

#[tokio::test]
async fn an_account_that_is_not_mapped_is_told_the_whole_cost_before_the_first_question() {
    let by = stranger(1_000 * UNIT).await;
    let plan = plan(&by).await;
    let mut notes = Notes::default();
    let answer = deployed(&by, &plan, &mut notes).await;
    assert!(matches!(answer, Err(DeployError::Declined)), "{answer:?}");
    assert_eq!((notes.asked, notes.quotes.len()), (1, 1));
    let quote = &notes.quotes[0];
    assert!(quote.is_whole());
    let names: Vec<_> = quote.items.iter().map(|item| &item.what[..]).collect();
    assert_eq!(
        names,
        [
            "mapping the account to its address",
            "token tPLIM",
            "emission contract"
        ]
    );
    for item in &quote.items {
        let Price::Of(Cost { fee, deposit }) = item.price else {
            panic!("{item:?}");
        };
        assert!(fee > 0 && deposit > 0, "{item:?}");
    }
    assert_eq!(by.next_nonce().await, Ok(0), "nothing was sent");

    let mut notes = Notes::agreeing();
    let deployment = deployed(&by, &plan, &mut notes).await.expect("deployed");
    assert_eq!(notes.asked, 1, "one question");
    assert_eq!(notes.done[0], "mapping the account");
    let total = notes.quotes[0].total();
    let spent = 1_000 * UNIT - by.balance().await.expect("the chain runs");
    assert!(
        spent <= total && spent > total / 10 * 9,
        "{spent} of {total}"
    );
    assert_eq!(deployment.url, "", "it may hold a key");
}

#[tokio::test]
async fn an_account_with_too_little_is_told_how_much_it_needs() {
    let by = stranger(UNIT).await;
    let plan = plan(&by).await;
    let mut notes = Notes::agreeing();
    let error = deployed(&by, &plan, &mut notes).await.expect_err("poor");
    let DeployError::NotEnough {
        need: Some(need), ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(notes.asked, 0);
    assert_eq!(notes.quotes[0].total(), need);
    assert_eq!(by.next_nonce().await, Ok(0), "nothing was sent");
    // That much is enough, with what keeps an account alive.
    give(&by, need).await;
    let deployed = deployed(&by, &plan, &mut Notes::agreeing()).await;
    deployed.expect("enough");
}

/// An asset of which an account must have so many units or none.
async fn asset(by: &EmbeddedClient, least: u128) -> H160 {
    let account = by.account();
    by.run("make an asset", move |chain| {
        chain.execute(|| {
            let origin = || RawOrigin::Signed(account.clone()).into();
            Assets::create(origin(), 7.into(), account.clone().into(), least)?;
            Assets::set_metadata(origin(), 7.into(), b"Asset".to_vec(), b"AST".to_vec(), 6)?;
            Assets::mint(origin(), 7.into(), account.clone().into(), 5 * least)
        })
    })
    .await
    .expect("the chain runs")
    .expect("an asset");
    let mut address = H160::zero();
    address.0[..4].copy_from_slice(&7_u32.to_be_bytes());
    address.0[16..18]
        .copy_from_slice(&plimsoll_runtime::constants::ASSET_PRECOMPILE_PREFIX.to_be_bytes());
    address
}

#[tokio::test]
async fn an_asset_with_a_minimum_balance_is_a_token() {
    let by = stranger(10_000 * UNIT).await;
    let token = asset(&by, 1_000).await;
    let plan = Plan {
        token: TokenPlan::Existing(token),
        ..plan(&by).await
    };
    let deployment = deployed(&by, &plan, &mut Notes::agreeing()).await;
    let deployment = deployment.expect("deployed");
    assert_eq!(
        (deployment.token, &deployment.token_symbol[..]),
        (token, "AST")
    );
}

#[tokio::test]
async fn what_is_no_token_is_refused_before_anything_is_asked_or_paid() {
    let by = stranger(10_000 * UNIT).await;
    let token = asset(&by, 1_000).await;
    // An asset that is frozen describes itself and moves nothing.
    let account = by.account();
    by.run("freeze the asset", move |chain| {
        chain.execute(|| Assets::freeze_asset(RawOrigin::Signed(account).into(), 7.into()))
    })
    .await
    .expect("the chain runs")
    .expect("frozen");
    for token in [token, H160::repeat_byte(0xaa)] {
        let plan = Plan {
            token: TokenPlan::Existing(token),
            ..plan(&by).await
        };
        let mut notes = Notes::agreeing();
        let error = deployed(&by, &plan, &mut notes)
            .await
            .expect_err("no token");
        assert!(matches!(error, DeployError::Token(_)), "{error}");
        assert_eq!((notes.asked, notes.quotes.len()), (0, 0));
        assert_eq!(by.next_nonce().await, Ok(0), "nothing was sent");
    }
}

#[tokio::test]
async fn mapping_takes_a_deposit_and_is_told_to_the_poor() -> Result<(), ChainError> {
    let by = stranger(UNIT).await;
    let tx = plimsoll_keeper::chain::Tx::MapAccount;
    let run = by.dry_run(&tx).await?;
    assert!(run.deposit > 0, "{run:?}");
    assert!(!by.mapped().await?, "a dry-run leaves nothing");
    assert_eq!(by.balance().await?, UNIT);
    Ok(())
}
