//! Sets the demo up: deploys token and emission, registers and vouches for the
//! population, posts bonds and funds the reserve, all before genesis.

use super::attesters::THRESHOLD;
use super::plan;
use super::population::Member;
use super::progress::Progress;
use super::world::World;
use super::DemoError;
use crate::chain::{Chain, H160};
use crate::contract::Emission;
use crate::deploy::{self, Artifacts, Deployment, Plan, TokenPlan};
use crate::erc20::Token;
use crate::keys::keccak;
use crate::submit::submit_once;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use plimsoll_interface::{calls, Attesters, Roles, Settings};
use plimsoll_mechanism::OperatorIndex;

/// Symbol of the demo's token.
pub const SYMBOL: &str = "PLIM";

/// Its decimal places.
pub const DECIMALS: u8 = 18;

/// Native tokens (in the chain's base units) that each operator's account gets: a
/// transaction's fee and deposit are far below a token, of 10^10 base units on the
/// chains this demo can drive.
const OPERATOR_ENDOWMENT: u128 = 100 * 10_000_000_000;

/// How many operators are vouched for in one transaction: each touches an item of its
/// own, some 10 kB of the block's proof, of which a transaction may use 7.5 MB.
const VOUCHES: usize = 100;

/// What was set up.
pub struct Stage {
    /// Where it all is.
    pub deployment: Deployment,
    /// The token.
    pub token: Token,
    /// The emission contract.
    pub emission: Emission,
    /// What was fixed at its deployment.
    pub settings: Settings,
    /// Where each operator is paid.
    pub payees: Vec<H160>,
}

/// Sets everything up.
///
/// # Errors
/// If the chain refuses any of it, or genesis came before all was done.
pub async fn set(
    world: &dyn World,
    artifacts: Artifacts<'_>,
    seed: u64,
    members: &[Member],
    attesters: Vec<H160>,
    progress: &mut Progress,
) -> Result<Stage, DemoError> {
    let chain = world.payer();
    let me = chain.info().await?.address;
    // Both contracts are at addresses that nobody has taken: time makes the salt new.
    let now = world.clock().now_ms().await?;
    let one = 10_u128.pow(u32::from(DECIMALS));
    let plan = Plan {
        salt: keccak(format!("plimsoll demo {seed} at {now}").as_bytes()),
        token: TokenPlan::New {
            name: "Plimsoll demo".into(),
            symbol: SYMBOL.into(),
            decimals: DECIMALS,
            supply: plan::SUPPLY_TOKENS * one,
        },
        // `deploy` puts the address of the new token in.
        settings: plan::settings(H160::zero(), DECIMALS, plan::genesis(now)),
        params: plan::PARAMS,
        roles: Roles {
            owner: me,
            registrar: me,
            guardian: me,
        },
        attesters: Attesters {
            threshold: THRESHOLD,
            members: attesters,
        },
    };
    let url = world.url().unwrap_or_else(|| "(embedded)".into());
    let deployment = deploy::deploy(&chain, &url, artifacts, &plan, &mut ()).await?;
    let token = Token::new(chain.clone(), deployment.token);
    let emission = Emission::new(chain.clone(), deployment.contract);
    progress.line(&format!(
        "deployed: token {:?}, emission {:?}",
        deployment.token, deployment.contract
    ));

    let payees: Vec<H160> = (0..members.len()).map(|k| payee(seed, k)).collect();
    register(world, seed, &emission, &payees, progress).await?;
    admit(&chain, &token, &emission, members, progress).await?;
    if emission.clock().await?.started {
        return Err(DemoError::Late);
    }
    let settings = emission.settings().await?;
    Ok(Stage {
        deployment,
        token,
        emission,
        settings,
        payees,
    })
}

/// Where an operator is paid: an address for which nobody has a key, as a cold one.
fn payee(seed: u64, operator: usize) -> H160 {
    let hash = keccak(format!("plimsoll demo {seed}, payee of operator {operator}").as_bytes());
    H160::from_slice(&hash[12..])
}

/// Registers the operators, in order, each from an account of its own.
async fn register(
    world: &dyn World,
    seed: u64,
    emission: &Emission,
    payees: &[H160],
    progress: &mut Progress,
) -> Result<(), DemoError> {
    // The accounts differ between runs on one node, so that each can register.
    let contract = hex::encode(&emission.address()[..4]);
    let uris: Vec<String> = (0..payees.len())
        .map(|k| format!("//demo-{seed}-{contract}//{k}"))
        .collect();
    let accounts = world.accounts(&uris, OPERATOR_ENDOWMENT).await?;
    for (k, (account, payee)) in accounts.iter().zip(payees).enumerate() {
        submit_once(
            account,
            "register",
            &emission.message(calls::register(*payee)),
        )
        .await?;
        progress.step("registering operators", k + 1, payees.len());
    }
    // Receipts name operators by index: each must have the one of its position.
    let count = emission.operators().await?;
    if count as usize != payees.len() {
        return Err(DemoError::Registered {
            wanted: payees.len(),
            found: count,
        });
    }
    let last = payees.len() as OperatorIndex - 1;
    stream::iter(0..=last)
        .map(Ok)
        .try_for_each_concurrent(8, |k| async move {
            let view = emission.operator(k).await?;
            match view.is_some_and(|view| view.payee == payees[k as usize]) {
                true => Ok(()),
                false => Err(DemoError::Order(k)),
            }
        })
        .await
}

/// Vouches, posts bonds and funds the reserve.
async fn admit(
    chain: &Chain,
    token: &Token,
    emission: &Emission,
    members: &[Member],
    progress: &mut Progress,
) -> Result<(), DemoError> {
    let vetted: Vec<OperatorIndex> = (0..)
        .zip(members)
        .filter(|(_, member)| member.vetted)
        .map(|(k, _)| k)
        .collect();
    for some in vetted.chunks(VOUCHES) {
        submit_once(chain, "vouch", &emission.message(calls::vouch(some))).await?;
    }
    let bonds: Vec<(OperatorIndex, u128)> = (0..)
        .zip(members)
        .filter(|(_, member)| member.bond > 0)
        .map(|(k, member)| (k, member.bond))
        .collect();
    let funding = plan::FUNDING_TOKENS * 10_u128.pow(u32::from(DECIMALS));
    let all = bonds.iter().fold(funding, |sum, (_, bond)| sum + bond);
    submit_once(chain, "approve", &token.approve(emission.address(), all)).await?;
    for (done, (operator, bond)) in bonds.iter().enumerate() {
        submit_once(
            chain,
            "bond",
            &emission.message(calls::bond(*operator, *bond)),
        )
        .await?;
        progress.step("posting bonds", done + 1, bonds.len());
    }
    submit_once(chain, "fund", &emission.message(calls::fund(funding))).await?;
    progress.line(&format!(
        "{} operators registered: {} vetted, {} open with bonds; the reserve is funded",
        members.len(),
        vetted.len(),
        bonds.len()
    ));
    Ok(())
}
