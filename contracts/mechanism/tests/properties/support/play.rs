//! Random sequences of messages and times on a [`Host`].

use super::draw;
use super::host::{Host, GENESIS, SETTINGS};
use super::source::Source;
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::vesting::Vesting;
use plimsoll_mechanism::work::{self, Entry, FEES_LIMIT, WORK_LIMIT};
use plimsoll_mechanism::{Epoch, OperatorIndex};

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

fn operator(source: &mut Source) -> OperatorIndex {
    source.one(&OPERATORS)
}

fn amount(source: &mut Source) -> u128 {
    match source.weighted(&[6, 3, 1]) {
        0 => draw::magnitude(source, 1 << 40),
        1 => draw::magnitude(source, 1 << 100),
        _ => source.one(&[0, 1, 1 << 127, u128::MAX]),
    }
}

/// Entries as a batch has them, sorted and without repeats.
pub fn entries(source: &mut Source) -> Vec<Entry> {
    // Two of the largest stay within the limit, more may leave it.
    fn figure(source: &mut Source, limit: u64) -> u64 {
        match source.weighted(&[1, 4, 2]) {
            0 => 0,
            1 => draw::magnitude64(source, 1 << 20),
            _ => draw::magnitude64(source, limit / 2),
        }
    }
    let count = source.count(1..=8);
    let mut drawn = source.list(count, |source| Entry {
        operator: operator(source),
        fragment: figure(source, WORK_LIMIT),
        bulk: figure(source, WORK_LIMIT),
        fees: figure(source, FEES_LIMIT),
    });
    drawn.sort_by_key(|entry| entry.operator);
    drawn.dedup_by_key(|entry| entry.operator);
    drawn
}

fn step(source: &mut Source) -> Step {
    fn back(source: &mut Source) -> u32 {
        match source.weighted(&[4, 1]) {
            0 => source.small(0..=1),
            _ => source.small(0..=9),
        }
    }
    const WEIGHTS: [u32; 22] = [
        12, 2, 3, 1, 3, 3, 2, 1, 1, 2, 1, 1, 8, 3, 6, 5, 8, 6, 3, 2, 8, 1,
    ];
    match source.weighted(&WEIGHTS) {
        0 => Step::Pass(source.within(0..=120)),
        1 => Step::Pass(source.within(120..=900)),
        2 => Step::Fund(amount(source)),
        3 => Step::Donate(draw::magnitude(source, 1 << 90)),
        4 => Step::Bond(operator(source), amount(source)),
        5 => Step::Unbond(operator(source), amount(source)),
        6 => Step::WithdrawBond(operator(source)),
        7 => Step::Vouch(operator(source)),
        8 => Step::Revoke(operator(source)),
        9 => Step::Params(Box::new(draw::params(source))),
        10 => Step::Pause,
        11 => Step::Unpause,
        12 => Step::Attest {
            back: back(source),
            lane: source.small(0..=3),
            entries: entries(source),
        },
        13 => Step::Strike {
            back: back(source),
            operator: operator(source),
        },
        14 => Step::Settle,
        15 => Step::Raise {
            back: back(source),
            seed: source.word(),
        },
        16 => Step::Book {
            back: back(source),
            seed: source.word(),
        },
        17 => Step::Claim {
            operator: operator(source),
            refuses: source.rarely(5),
        },
        18 => Step::Slash(operator(source), amount(source)),
        19 => Step::Trickle(operator(source), draw::magnitude(source, 1 << 40)),
        20 => Step::Cycle {
            entries: entries(source),
            seed: source.word(),
        },
        // Years, in epochs of a day.
        _ => Step::Pass(source.within(73_000..=365_000)),
    }
}

/// A sequence with what it starts from.
#[derive(Clone, Debug)]
pub struct Play {
    pub params: Params,
    pub vesting: Vesting,
    pub funds: u128,
    pub steps: Vec<Step>,
}

/// What a sequence starts from, without steps.
pub fn beginning(source: &mut Source) -> Play {
    Play {
        params: draw::params(source),
        vesting: Vesting {
            period_epochs: source.small(1..=3),
            vesting_periods: source.small(1..=12) as u8,
        },
        funds: match source.weighted(&[1, 1]) {
            0 => draw::magnitude(source, 1 << 60),
            _ => draw::reserve(source),
        },
        steps: Vec::new(),
    }
}

/// Sequences of up to 50 steps.
pub fn plays(source: &mut Source) -> Play {
    let play = beginning(source);
    let count = source.count(1..=49);
    Play {
        steps: source.list(count, step),
        ..play
    }
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
