//! Random sequences of messages and times on a [`Host`].

use super::draw;
use super::host::{Host, GENESIS, SETTINGS};
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::vesting::Vesting;
use plimsoll_mechanism::work::{self, Entry, FEES_LIMIT, WORK_LIMIT};
use plimsoll_mechanism::{Epoch, OperatorIndex};
use proptest::prelude::*;
use proptest::sample::select;

/// Who takes part: neighbours, and both sides of a page's border.
const OPERATORS: [OperatorIndex; 9] = [0, 1, 2, 3, 21, 22, 23, 24, 25];

/// Clock time from the start of an epoch until it may be settled, in ms.
const UNTIL_SETTLED: u64 = 150;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    Pass(u64),
    Fund(u128),
    Donate(u128),
    Bond(OperatorIndex, u128),
    Unbond(OperatorIndex, u128),
    WithdrawBond(OperatorIndex),
    Vouch(OperatorIndex),
    Revoke(OperatorIndex),
    Params(Box<Params>),
    Pause,
    Unpause,
    Attest {
        back: u32,
        lane: u32,
        entries: Vec<Entry>,
    },
    Strike {
        back: u32,
        operator: OperatorIndex,
    },
    Settle,
    Raise {
        back: u32,
        seed: u64,
    },
    Book {
        back: u32,
        seed: u64,
    },
    Claim {
        operator: OperatorIndex,
        refuses: bool,
    },
    Slash(OperatorIndex, u128),
    /// A bond, and three withdrawals from it in as many epochs: so many can be on their
    /// way at once.
    Trickle(OperatorIndex, u128),
    /// A whole epoch: work, settle, raise, book, and time in between.
    Cycle {
        entries: Vec<Entry>,
        seed: u64,
    },
}

fn operator() -> impl Strategy<Value = OperatorIndex> {
    select(&OPERATORS[..])
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![
        6 => draw::magnitude(1 << 40),
        3 => draw::magnitude(1 << 100),
        1 => select(vec![0, 1, 1 << 127, u128::MAX]),
    ]
}

/// Entries as a batch has them, sorted and without repeats.
pub fn entries() -> impl Strategy<Value = Vec<Entry>> {
    // Two of the largest stay within the limit, more may leave it.
    let figure = |limit: u64| {
        prop_oneof![
            4 => draw::magnitude(1 << 20),
            2 => draw::magnitude(u128::from(limit / 2)),
            1 => Just(0),
        ]
        .prop_map(|figure| u64::try_from(figure).expect("below the limit"))
    };
    let drawn = (
        operator(),
        figure(WORK_LIMIT),
        figure(WORK_LIMIT),
        figure(FEES_LIMIT),
    );
    prop::collection::vec(drawn, 1..9).prop_map(|mut drawn| {
        drawn.sort_unstable();
        drawn.dedup_by_key(|(operator, ..)| *operator);
        drawn
            .into_iter()
            .map(|(operator, fragment, bulk, fees)| Entry {
                operator,
                fragment,
                bulk,
                fees,
            })
            .collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    let back = || prop_oneof![4 => 0..=1_u32, 1 => 0..=9_u32];
    prop_oneof![
        12 => (0..=120_u64).prop_map(Step::Pass),
        2 => (120..=900_u64).prop_map(Step::Pass),
        3 => amount().prop_map(Step::Fund),
        1 => draw::magnitude(1 << 90).prop_map(Step::Donate),
        3 => (operator(), amount()).prop_map(|(o, a)| Step::Bond(o, a)),
        3 => (operator(), amount()).prop_map(|(o, a)| Step::Unbond(o, a)),
        2 => operator().prop_map(Step::WithdrawBond),
        1 => operator().prop_map(Step::Vouch),
        1 => operator().prop_map(Step::Revoke),
        2 => draw::params().prop_map(|p| Step::Params(Box::new(p))),
        1 => Just(Step::Pause),
        1 => Just(Step::Unpause),
        8 => (back(), 0..4_u32, entries())
            .prop_map(|(back, lane, entries)| Step::Attest { back, lane, entries }),
        3 => (back(), operator()).prop_map(|(back, operator)| Step::Strike { back, operator }),
        6 => Just(Step::Settle),
        5 => (back(), any::<u64>()).prop_map(|(back, seed)| Step::Raise { back, seed }),
        8 => (back(), any::<u64>()).prop_map(|(back, seed)| Step::Book { back, seed }),
        6 => (operator(), prop::bool::weighted(0.2))
            .prop_map(|(operator, refuses)| Step::Claim { operator, refuses }),
        3 => (operator(), amount()).prop_map(|(o, a)| Step::Slash(o, a)),
        2 => (operator(), draw::magnitude(1 << 40)).prop_map(|(o, a)| Step::Trickle(o, a)),
        8 => (entries(), any::<u64>()).prop_map(|(entries, seed)| Step::Cycle { entries, seed }),
    ]
}

/// A sequence with what it starts from.
#[derive(Clone, Debug)]
pub struct Play {
    pub params: Params,
    pub vesting: Vesting,
    pub funds: u128,
    pub steps: Vec<Step>,
}

/// Sequences of up to 50 steps.
pub fn plays() -> impl Strategy<Value = Play> {
    let vesting = (1..=3_u32, 1..=12_u8).prop_map(|(period_epochs, vesting_periods)| Vesting {
        period_epochs,
        vesting_periods,
    });
    let funds = prop_oneof![1 => draw::reserve(), 1 => draw::magnitude(1 << 60)];
    (
        draw::params(),
        vesting,
        funds,
        prop::collection::vec(step(), 1..50),
    )
        .prop_map(|(params, vesting, funds, steps)| Play {
            params,
            vesting,
            funds,
            steps,
        })
}

/// A host with operators of both tiers, funded, just before genesis.
pub fn start(play: &Play) -> Host {
    let mut settings = SETTINGS;
    settings.vesting = play.vesting;
    let mut host = Host::new(settings, play.params);
    for _ in 0..=OPERATORS[OPERATORS.len() - 1] {
        host.register();
    }
    for (k, operator) in OPERATORS.into_iter().enumerate() {
        // Two of three are vetted.
        let set_up = if k % 3 == 2 {
            host.bond(operator, 1_000_000)
        } else {
            host.vouch(operator)
        };
        set_up.expect("nothing stands in the way before genesis");
    }
    host.fund(play.funds).expect("the first funds fit");
    host.pass(GENESIS);
    host
}

/// Everybody who can take part.
pub fn operators() -> &'static [OperatorIndex] {
    &OPERATORS
}

/// Some of the operators, in an order that depends on `seed`.
fn some(seed: u64) -> Vec<OperatorIndex> {
    let mut chosen = draw::order(seed, OPERATORS.len());
    chosen.truncate(1 + seed as usize % OPERATORS.len());
    chosen.into_iter().map(|k| OPERATORS[k]).collect()
}

/// The worked epoch `back` before the newest one.
fn worked(host: &Host, back: u32) -> Option<Epoch> {
    host.records.keys().rev().nth(back as usize).copied()
}

fn attest(host: &mut Host, epoch: Epoch, lane: u32, entries: &[Entry]) {
    let packed = work::pack(entries).expect("sorted and in range");
    let seq = host.next_seq(epoch, lane).unwrap_or(0);
    let _ = host.attest(epoch, lane, u64::from(seq), &packed);
}

/// Raises, in the order of `seed`, until nobody is eligible.
pub fn raise_all(host: &mut Host, epoch: Epoch, seed: u64) {
    let mut who: Vec<Option<OperatorIndex>> = OPERATORS.iter().copied().map(Some).collect();
    who.push(None);
    let who: Vec<_> = draw::order(seed, who.len())
        .into_iter()
        .map(|k| who[k])
        .collect();
    while host.raise(epoch, &who).is_ok_and(|raised| raised > 0) {}
}

/// Does one step. Refused messages are part of the game.
pub fn take(host: &mut Host, step: &Step) {
    let now = host.clock().epoch();
    match step {
        Step::Pass(ms) => host.pass(*ms),
        Step::Fund(amount) => drop(host.fund(*amount)),
        Step::Donate(amount) => host.donate(*amount),
        Step::Bond(operator, amount) => drop(host.bond(*operator, *amount)),
        Step::Unbond(operator, amount) => drop(host.unbond(*operator, *amount)),
        Step::WithdrawBond(operator) => drop(host.withdraw_bond(*operator)),
        Step::Vouch(operator) => drop(host.vouch(*operator)),
        Step::Revoke(operator) => drop(host.revoke(*operator)),
        Step::Params(params) => drop(host.set_params(**params)),
        Step::Pause => drop(host.pause()),
        Step::Unpause => drop(host.unpause()),
        Step::Attest {
            back,
            lane,
            entries,
        } => attest(host, now.saturating_sub(*back), *lane, entries),
        Step::Strike { back, operator } => {
            let _ = host.strike(now.saturating_sub(*back), *operator);
        }
        Step::Settle => drop(host.settle()),
        Step::Raise { back, seed } => {
            if let Some(epoch) = worked(host, *back) {
                let who: Vec<_> = some(*seed)
                    .into_iter()
                    .map(|operator| (operator != 3).then_some(operator))
                    .collect();
                let _ = host.raise(epoch, &who);
            }
        }
        Step::Book { back, seed } => {
            if let Some(epoch) = worked(host, *back) {
                let _ = host.book(epoch, &some(*seed));
            }
        }
        Step::Claim { operator, refuses } => drop(host.claim(*operator, *refuses)),
        Step::Slash(operator, amount) => drop(host.slash(*operator, *amount)),
        Step::Trickle(operator, amount) => {
            let _ = host.bond(*operator, 4 * amount);
            for _ in 0..3 {
                host.pass(host.settings.times.epoch);
                let _ = host.unbond(*operator, *amount);
            }
        }
        Step::Cycle { entries, seed } => {
            attest(host, now, 0, entries);
            host.pass(UNTIL_SETTLED + seed % 50);
            while let Ok(epoch) = host.settle() {
                if seed % 4 != 0 {
                    raise_all(host, epoch, *seed);
                }
            }
            if seed % 3 != 0 {
                host.pass(host.settings.times.level_window);
                let _ = host.book(now, &some(*seed));
            }
        }
    }
}
