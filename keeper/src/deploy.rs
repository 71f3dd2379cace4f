//! `plimsoll deploy`: puts token and emission contract on a chain and checks them.
//!
//! ```text
//! terms checked -> deployment file reserved -> token that exists tried -> dry-runs
//!   -> all costs shown and asked for -> account mapped -> token -> emission
//!   -> code hash and views compared -> deployment file written
//! ```
//!
//! Nothing is sent before the whole cost was shown. Only where a runtime dry-runs nothing
//! for an account that is not mapped, mapping it is asked for first, by itself.
//!
//! Addresses follow from deployer, code, terms and salt (CREATE2). What is there already
//! is taken as it is and checked like the rest, so a deployment that was interrupted can
//! be run again if its terms name `clock.genesis_ms`.

mod file;
mod terms;

pub use file::{public_url, Deployment, DeploymentError, NewFile};
pub use terms::{Plan, Terms, TermsError, TokenPlan, TokenTerms};

use crate::chain::{At, Chain, ChainError, Class, Failure, Limits, Tx, H160};
use crate::clock::machine_time;
use crate::contract::{refusal, ContractError, Emission};
use crate::erc20::{Description, Token, TokenError};
use crate::hexes;
use crate::keys::keccak;
use crate::submit::{submit_once, SubmitError};
use plimsoll_interface::{calls, Error as Refusal};
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

/// The contracts' bytecode.
#[derive(Clone, Copy, Debug)]
pub struct Artifacts<'a> {
    /// The emission contract.
    pub emission: &'a [u8],
    /// The token.
    pub token: &'a [u8],
}

/// Why nothing was deployed, or not everything.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The terms.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The deployment file.
    #[error(transparent)]
    File(#[from] DeploymentError),
    /// The account has too little.
    #[error(
        "account {address} has {have} base units of the chain's own token to spend, and the deployment \
         needs {}; send it some",
        .need.map_or_else(|| "more".to_owned(), |need| format!("about {need}"))
    )]
    NotEnough {
        /// Whose account.
        address: String,
        /// What it has.
        have: u128,
        /// What is needed, if that is known.
        need: Option<u128>,
    },
    /// The token is none.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The contract refused the terms.
    #[error("the emission contract refused the terms: {0:?}")]
    Refused(Refusal),
    /// What was deployed is not what was meant to be.
    #[error("{what} at {address} is not what was deployed: {found} where {meant} was meant")]
    Different {
        /// What was compared.
        what: &'static str,
        /// Where.
        address: String,
        /// What is there.
        found: String,
        /// What should be.
        meant: String,
    },
    /// Nobody agreed.
    #[error("nothing was deployed: the answer was no")]
    Declined,
    /// The terminal.
    #[error("cannot ask: {0}; give --yes to deploy without being asked")]
    Terminal(std::io::Error),
    /// The contract.
    #[error(transparent)]
    Contract(ContractError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Sending.
    #[error(transparent)]
    Submit(SubmitError),
}

impl From<SubmitError> for DeployError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => Self::Refused(refusal),
            SubmitError::Chain(error) => Self::Chain(error),
            error => Self::Submit(error),
        }
    }
}

impl From<ContractError> for DeployError {
    fn from(error: ContractError) -> Self {
        match error {
            ContractError::Chain(error) => Self::Chain(error),
            error => Self::Contract(error),
        }
    }
}

/// What a transaction costs, in base units of the chain's own token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Its fee.
    pub fee: u128,
    /// Its storage deposit, which returns when the storage is freed.
    pub deposit: u128,
}

/// What something costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// Nothing: it is there already.
    There,
    /// So much.
    Of(Cost),
    /// The chain tells it only once the account is mapped.
    Later,
}

/// Something to be done, with what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What.
    pub what: String,
    /// Where it will be.
    pub address: Option<H160>,
    /// What it costs.
    pub price: Price,
}

/// What a deployment does and costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What is done, in order.
    pub items: Vec<Item>,
    /// What the account can spend, in base units of the chain's own token.
    pub balance: u128,
}

impl Quote {
    /// All of it, in base units of the chain's own token: fees and deposits.
    #[must_use]
    pub fn total(&self) -> u128 {
        let Cost { fee, deposit } = self.sums();
        fee.saturating_add(deposit)
    }

    /// All fees and all deposits.
    #[must_use]
    pub fn sums(&self) -> Cost {
        self.items.iter().fold(Cost::default(), |sum, item| {
            let cost = match item.price {
                Price::Of(cost) => cost,
                Price::There | Price::Later => Cost::default(),
            };
            Cost {
                fee: sum.fee.saturating_add(cost.fee),
                deposit: sum.deposit.saturating_add(cost.deposit),
            }
        })
    }

    /// Whether nothing is left out of the total.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.items.iter().all(|item| item.price != Price::Later)
    }

    /// Whether there is nothing to be done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.items.iter().all(|item| item.price == Price::There)
    }
}

impl std::fmt::Display for Quote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let row = |what: &str, fee: &str, deposit: &str| {
            format!("  {what:<70} {fee:>18} {deposit:>18}\n")
        };
        f.write_str(&row("what", "fee", "deposit"))?;
        for item in &self.items {
            let what = match item.address {
                Some(address) => format!("{} at {}", item.what, hexes::show(address)),
                None => item.what.clone(),
            };
            f.write_str(&match item.price {
                Price::There => row(&what, "there already", ""),
                Price::Of(cost) => row(&what, &grouped(cost.fee), &grouped(cost.deposit)),
                Price::Later => row(&what, "told once mapped", ""),
            })?;
        }
        let Cost { fee, deposit } = self.sums();
        f.write_str(&row(
            "all fees, all deposits",
            &grouped(fee),
            &grouped(deposit),
        ))?;
        write!(
            f,
            "  {} {} base units of the chain's own token; the account has {}",
            if self.is_whole() { "in all" } else { "so far" },
            grouped(self.total()),
            grouped(self.balance)
        )
    }
}

/// Whoever watches a deployment.
pub trait Watcher: Send {
    /// What there is to do and what it costs, before anything is sent.
    fn quoted(&mut self, quote: &Quote);
    /// Whether to go on at the cost that was quoted.
    ///
    /// # Errors
    /// If nobody can be asked.
    fn agree(&mut self) -> Result<bool, DeployError>;
    /// Something is done now.
    fn doing(&mut self, what: &str);
}

/// Nobody watches, and everything is agreed to: for demos and tests.
impl Watcher for () {
    fn quoted(&mut self, _: &Quote) {}

    fn agree(&mut self) -> Result<bool, DeployError> {
        Ok(true)
    }

    fn doing(&mut self, _: &str) {}
}

/// The address of a contract that `deployer` makes of `code` with `data` and `salt`.
#[must_use]
pub fn create2(deployer: H160, code: &[u8], data: &[u8], salt: &[u8; 32]) -> H160 {
    let init = keccak(&[code, data].concat());
    let parts: [&[u8]; 4] = [&[0xff], deployer.as_bytes(), salt, &init];
    H160::from_slice(&keccak(&parts.concat())[12..])
}

/// A step of a deployment: a contract to be made, or there already.
struct Part {
    what: String,
    code_hash: [u8; 32],
    address: H160,
    tx: Tx,
    exists: bool,
}

impl Part {
    async fn new(
        chain: &Chain,
        what: String,
        deployer: H160,
        (code, data, salt): (&[u8], Vec<u8>, [u8; 32]),
    ) -> Result<Self, DeployError> {
        let address = create2(deployer, code, &data, &salt);
        Ok(Self {
            what,
            code_hash: keccak(code),
            address,
            exists: chain.code_hash(address).await?.is_some(),
            tx: Tx::Instantiate {
                code: code.to_vec(),
                data,
                salt,
                value: 0,
            },
        })
    }
}

/// Maps the account, deploys token and emission, and checks them.
///
/// `url`: the node, as it goes into the deployment file if it cannot hold a secret.
///
/// # Errors
/// See [`DeployError`]. What was deployed before an error stays.
pub async fn deploy(
    chain: &Chain,
    url: &str,
    artifacts: Artifacts<'_>,
    plan: &Plan,
    watcher: &mut dyn Watcher,
) -> Result<Deployment, DeployError> {
    let info = chain.info().await?;
    let deployer = info.address;
    let mut unmapped = !chain.mapped().await?;

    let mut plan = plan.clone();
    let mut parts = Vec::new();
    plan.settings.token = match &plan.token {
        TokenPlan::Existing(address) => *address,
        TokenPlan::New {
            name,
            symbol,
            decimals,
            supply,
        } => {
            let data = crate::erc20::constructor(name, symbol, *decimals, *supply);
            let of = (artifacts.token, data, plan.salt);
            let part = Part::new(chain, format!("token {symbol}"), deployer, of).await?;
            let address = part.address;
            parts.push(part);
            address
        }
    };
    let data = calls::new(&plan.settings, &plan.params, &plan.roles, &plan.attesters);
    let of = (artifacts.emission, data, plan.salt);
    let part = Part::new(chain, "emission contract".into(), deployer, of).await?;
    let contract = part.address;
    parts.push(part);

    if unmapped && !dry_runs_the_unmapped(chain).await? {
        agreed(chain, &quote(chain, true, false, &parts).await?, watcher).await?;
        map_account(chain, watcher).await?;
        unmapped = false;
    }
    if let TokenPlan::Existing(address) = plan.token {
        check_token(chain, address, deployer).await?;
    }
    agreed(chain, &quote(chain, unmapped, true, &parts).await?, watcher).await?;
    if unmapped {
        map_account(chain, watcher).await?;
    }
    for part in &parts {
        make(chain, part, watcher).await?;
    }

    watcher.doing("checking what was deployed");
    let description = check_token(chain, plan.settings.token, deployer).await?;
    check_emission(chain, contract, &plan).await?;
    Ok(Deployment {
        url: public_url(url).unwrap_or_default(),
        genesis: info.genesis,
        chain_id: info.chain_id,
        spec_name: info.spec_name,
        contract,
        lanes: plan.settings.lanes,
        code_hash: keccak(artifacts.emission),
        block: chain.head().await?.finalized.number,
        token: plan.settings.token,
        token_symbol: description.symbol,
        token_decimals: description.decimals,
        deployer,
    })
}

/// Whether the chain dry-runs what an account does that is not mapped, as if it were.
/// Runtimes of before 2026 do not.
async fn dry_runs_the_unmapped(chain: &Chain) -> Result<bool, DeployError> {
    let nothing = Tx::Call {
        to: H160::zero(),
        value: 0,
        data: Vec::new(),
    };
    let unmapped = |failure: &Failure| matches!(failure, Failure::Runtime(name) if name.ends_with("::AccountUnmapped"));
    Ok(match chain.dry_run(&nothing).await {
        Ok(run) => !run.result.as_ref().is_err_and(unmapped),
        Err(ChainError::Failed(failure)) if unmapped(&failure) => false,
        Err(error) => return Err(error.into()),
    })
}

/// Shows the quote, and goes on only if the account can pay and nobody minds.
async fn agreed(
    chain: &Chain,
    quote: &Quote,
    watcher: &mut dyn Watcher,
) -> Result<(), DeployError> {
    watcher.quoted(quote);
    if quote.total() > quote.balance {
        return Err(not_enough(chain, Some(quote.total())).await);
    }
    if !quote.is_done() && !watcher.agree()? {
        return Err(DeployError::Declined);
    }
    Ok(())
}

/// Maps the account to its address.
async fn map_account(chain: &Chain, watcher: &mut dyn Watcher) -> Result<(), DeployError> {
    watcher.doing("mapping the account");
    match submit_once(chain, "map_account", &Tx::MapAccount).await {
        Ok(_) => Ok(()),
        Err(error) => Err(explained(chain, error.into()).await),
    }
}

/// What is to be done and what it costs. `mapping`: whether the account is to be mapped.
/// `dry_runs`: whether the contracts can be dry-run already.
async fn quote(
    chain: &Chain,
    mapping: bool,
    dry_runs: bool,
    parts: &[Part],
) -> Result<Quote, DeployError> {
    let mut items = Vec::new();
    let mut before = 0;
    if mapping {
        let cost = cost(chain, &Tx::MapAccount, before).await?;
        before += 1;
        items.push(Item {
            what: "mapping the account to its address".into(),
            address: None,
            price: Price::Of(cost),
        });
    }
    for part in parts {
        let price = match (part.exists, dry_runs) {
            (true, _) => Price::There,
            (false, false) => Price::Later,
            (false, true) => {
                let cost = match cost(chain, &part.tx, before).await {
                    Ok(cost) => cost,
                    Err(error) => return Err(explained(chain, error).await),
                };
                before += 1;
                Price::Of(cost)
            }
        };
        items.push(Item {
            what: part.what.clone(),
            address: Some(part.address),
            price,
        });
    }
    Ok(Quote {
        items,
        balance: chain.balance().await?,
    })
}

/// What a transaction costs that is sent after `before` others, whether or not the account
/// can pay for it.
async fn cost(chain: &Chain, tx: &Tx, before: u64) -> Result<Cost, DeployError> {
    let mut run = chain.dry_run(tx).await?;
    if run.result.as_ref().is_err_and(lacks_funds) {
        // A node that does not tell leaves the need unknown, no more.
        if let Ok(Some(richer)) = chain.dry_run_by_the_rich(tx).await {
            run = richer;
        }
    }
    if let Err(failure) = run.result {
        return Err(match refusal(&failure) {
            Some(error) => DeployError::Refused(error),
            None => ChainError::from(failure).into(),
        });
    }
    let limits = Limits::with_margin(run.weight, run.deposit);
    let nonce = chain.next_nonce().await? + before;
    let signed = chain.sign(tx, limits, nonce).await?;
    Ok(Cost {
        fee: chain.fee(&signed).await?,
        deposit: run.deposit,
    })
}

async fn make(chain: &Chain, part: &Part, watcher: &mut dyn Watcher) -> Result<(), DeployError> {
    let shown = hexes::show(part.address);
    if part.exists {
        watcher.doing(&format!("{} is there already, at {shown}", part.what));
    } else {
        watcher.doing(&format!("deploying the {} to {shown}", part.what));
        if let Err(error) = submit_once(chain, &part.what, &part.tx).await {
            return Err(explained(chain, error.into()).await);
        }
    }
    let found = chain.code_hash(part.address).await?;
    if found != Some(part.code_hash) {
        return Err(DeployError::Different {
            what: "the code",
            address: shown,
            found: found.map_or_else(|| "nothing".to_owned(), hexes::show),
            meant: hexes::show(part.code_hash),
        });
    }
    Ok(())
}

/// A token that describes itself and answers to a transfer as an ERC-20 does. Nothing is
/// sent: a unit is moved in a dry-run, from the deployer to itself, because anybody else may
/// be somebody to whom the token moves no less than its minimum balance.
async fn check_token(
    chain: &Chain,
    address: H160,
    deployer: H160,
) -> Result<Description, DeployError> {
    let token = Token::new(chain.clone(), address).at(At::Best);
    let description = token.describe().await?;
    let amount = token.balance_of(deployer).await?.min(1);
    token.check_transfer(deployer, amount).await?;
    Ok(description)
}

async fn check_emission(chain: &Chain, contract: H160, plan: &Plan) -> Result<(), DeployError> {
    let emission = Emission::new(chain.clone(), contract).at(At::Best);
    same(
        "the settings",
        contract,
        emission.settings().await?,
        plan.settings,
    )?;
    same(
        "the parameters",
        contract,
        emission.params(0).await?,
        plan.params,
    )?;
    same("the roles", contract, emission.roles().await?, plan.roles)?;
    let attesters = emission.attesters(0).await?;
    same("the attesters", contract, attesters, plan.attesters.clone())
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &'static str,
    address: H160,
    found: T,
    meant: T,
) -> Result<(), DeployError> {
    if found == meant {
        return Ok(());
    }
    Err(DeployError::Different {
        what,
        address: hexes::show(address),
        found: format!("{found:?}"),
        meant: format!("{meant:?}"),
    })
}

/// The chain's words for an empty account, in ours.
async fn explained(chain: &Chain, error: DeployError) -> DeployError {
    let poor = match &error {
        DeployError::Chain(ChainError::Failed(failure)) => is_poverty(failure),
        DeployError::Chain(ChainError::Pool { name, .. }) => name == "Payment",
        _ => false,
    };
    if poor {
        not_enough(chain, None).await
    } else {
        error
    }
}

/// As [`is_poverty`], in a dry-run: no limit was given for the deposit, so what limits it is
/// what the account has.
pub(crate) fn lacks_funds(failure: &Failure) -> bool {
    let limit = "Revive::StorageDepositLimitExhausted";
    is_poverty(failure) || *failure == Failure::Runtime(limit.into())
}

/// Whether the runtime stopped it because the account has too little.
fn is_poverty(failure: &Failure) -> bool {
    failure.class() == Class::OperatorAction && !failure.to_string().contains("Unmapped")
}

async fn not_enough(chain: &Chain, need: Option<u128>) -> DeployError {
    let address = match chain.info().await {
        Ok(info) => hexes::show(info.address),
        Err(error) => return error.into(),
    };
    match chain.balance().await {
        Ok(have) => DeployError::NotEnough {
            address,
            have,
            need,
        },
        Err(error) => error.into(),
    }
}

/// What `plimsoll deploy` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The node. It goes into the deployment file if it cannot hold a secret.
    pub url: String,
    /// `deploy.toml`.
    pub terms: PathBuf,
    /// The deployment file to write.
    pub out: PathBuf,
    /// Whether to deploy without asking.
    pub yes: bool,
}

/// Runs `plimsoll deploy` and says on standard output what it does.
///
/// # Errors
/// See [`DeployError`].
pub async fn command(
    chain: &Chain,
    artifacts: Artifacts<'_>,
    options: &Options,
) -> Result<Deployment, DeployError> {
    let terms = Terms::load(&options.terms)?;
    // Before anything is paid for: what cannot be written down is as good as lost.
    let out = NewFile::reserve(&options.out)?;
    let (info, head) = (chain.info().await?, chain.head().await?);
    println!(
        "chain {} (version {}), as {}",
        info.spec_name,
        info.spec_version,
        hexes::show(info.address)
    );
    let plan = terms.plan(info.address, now_ms(head.best.time_ms))?;
    let mut watcher = Terminal { yes: options.yes };
    let deployment = deploy(chain, &options.url, artifacts, &plan, &mut watcher).await?;
    out.write(&deployment)?;
    println!("wrote {}", options.out.display());
    if deployment.url.is_empty() {
        println!(
            "warning: the node's address is not in it, because a user, password, path or query may be \
             secret: name the node in the keeper's configuration, key chain.urls"
        );
    }
    Ok(deployment)
}

/// The chain's time. Block 0 has none, and then it is this machine's, as it will be the
/// next block's.
fn now_ms(best_ms: u64) -> u64 {
    if best_ms > 0 {
        return best_ms;
    }
    machine_time()
}

/// Asks at the terminal whether to go on.
///
/// # Errors
/// The terminal's.
pub(crate) fn asked() -> std::io::Result<bool> {
    print!("Go on? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Somebody at a terminal.
struct Terminal {
    yes: bool,
}

impl Watcher for Terminal {
    fn quoted(&mut self, quote: &Quote) {
        println!("{quote}");
    }

    fn agree(&mut self) -> Result<bool, DeployError> {
        if self.yes {
            return Ok(true);
        }
        asked().map_err(DeployError::Terminal)
    }

    fn doing(&mut self, what: &str) {
        println!("{what}");
    }
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_runtime() {
        // The runtime's own example.
        let deployer = [1; 20];
        let salt =
            hexes::parse("0x1234567890123456789012345678901234567890123456789012345678901234");
        let address = create2(
            H160(deployer),
            &hex::decode("600060005560016000").expect("hex"),
            &hex::decode("55").expect("hex"),
            &salt.expect("hex"),
        );
        assert_eq!(
            hexes::show(address),
            "0x7f31e795e5836a19a8f919ab5a9de9a197ecd2b6"
        );
    }

    #[test]
    fn a_quote_adds_up_what_is_not_there_yet() {
        let item = |price| Item {
            what: "something".into(),
            address: None,
            price,
        };
        let cost = |fee, deposit| Price::Of(Cost { fee, deposit });
        let mut quote = Quote {
            items: vec![
                item(cost(1, 20)),
                item(Price::There),
                item(cost(300, 4_000)),
            ],
            balance: 5,
        };
        assert_eq!(quote.total(), 4_321);
        assert!(quote.is_whole() && !quote.is_done());
        let shown = quote.to_string();
        assert!(
            shown.ends_with("in all 4,321 base units of the chain's own token; the account has 5"),
            "{shown}"
        );
        assert!(shown.contains("there already"), "{shown}");
        quote.items.push(item(Price::Later));
        assert!(!quote.is_whole());
        assert!(quote.to_string().contains("so far 4,321"), "{quote}");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
