//! No history makes the index panic, and none that it takes loses a unit.

use plimsoll_evidence::Suite;
use plimsoll_index::{Event, Finding, Index};
use plimsoll_interface::mechanism::clock::Times;
use plimsoll_interface::mechanism::level::Level;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::mechanism::record::Part;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::vesting::Vesting;
use plimsoll_interface::mechanism::work::{pack, unpack, Entry};
use plimsoll_interface::{events, Attesters, Change, Roles, Settings, H160, OPEN_POOL};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeSet;

const SUITE: Suite = Suite {
    name: "index",
    cases: 2_000,
    package: env!("CARGO_MANIFEST_DIR"),
};

const EPOCH_MS: u64 = 100_000;
const GENESIS: u64 = 1_000_000;

fn deployed() -> events::Deployed {
    events::Deployed {
        settings: Settings {
            token: H160([1; 20]),
            times: Times {
                genesis: GENESIS,
                epoch: EPOCH_MS,
                attest_window: 20_000,
                review_window: 30_000,
                level_window: 50_000,
                max_pause: 70_000,
                pause_gap: 100_000,
            },
            vesting: Vesting {
                period_epochs: 2,
                vesting_periods: 3,
            },
            timelock: 150_000,
            payee_delay: 25_000,
            unbonding_epochs: 2,
            min_open_bond: 100,
            max_vouches: 3,
            lanes: 2,
            fee_unit: 7,
        },
        params: Params {
            rate: 100_000,
            unit_ceiling: None,
            fee_multiple: None,
            fragment_floor: 400_000,
            fragment_premium: 4_000_000,
            operator_cap: 200_000,
            open_ceiling: 300_000,
            uplift: 4_000_000,
            bond_leverage: 1_000_000,
            liquid_share: 250_000,
            liquid_allowance: 100_000,
        },
        roles: Roles {
            owner: H160([2; 20]),
            registrar: H160([3; 20]),
            guardian: H160([4; 20]),
        },
        attesters: Attesters {
            threshold: 1,
            members: vec![H160([5; 20])],
        },
    }
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![
        4 => 0..2_000_u128,
        1 => Just(u128::MAX),
        1 => any::<u128>(),
    ]
}

fn operator() -> impl Strategy<Value = u32> {
    prop_oneof![9 => 0..4_u32, 1 => any::<u32>()]
}

fn epoch() -> impl Strategy<Value = u32> {
    prop_oneof![9 => 0..12_u32, 1 => any::<u32>()]
}

fn work() -> impl Strategy<Value = Work> {
    (amount(), amount()).prop_map(|(fragment, bulk)| Work { fragment, bulk })
}

fn change() -> impl Strategy<Value = Change> {
    let who = any::<u8>().prop_map(|byte| H160([byte; 20]));
    prop_oneof![
        any::<u32>().prop_map(|rate| Change::Params(Params {
            rate,
            ..deployed().params
        })),
        who.clone().prop_map(Change::Registrar),
        who.clone().prop_map(Change::Guardian),
        who.prop_map(|member| Change::Attesters(Attesters {
            threshold: 1,
            members: vec![member],
        })),
        (operator(), amount()).prop_map(|(operator, amount)| Change::Slash {
            operator,
            amount,
            evidence: [0; 32],
        }),
    ]
}

/// Events of one message. What depends on the state is often filled in as it should be by
/// [`fit`], so that histories get somewhere.
fn message() -> impl Strategy<Value = Vec<Event>> {
    let one = |event: Event| vec![event];
    prop_oneof![
        (operator(), any::<u8>()).prop_map(move |(operator, byte)| one(events::Registered {
            operator,
            address: H160([byte; 20]),
            payee: H160([byte; 20]),
        }
        .into())),
        (operator(), epoch()).prop_map(move |(operator, from)| one(events::Vouched {
            operator,
            from
        }
        .into())),
        (operator(), epoch()).prop_map(move |(operator, from)| one(events::Revoked {
            operator,
            from
        }
        .into())),
        (operator(), amount(), epoch()).prop_map(move |(operator, amount, from)| one(
            events::Bonded {
                operator,
                amount,
                from
            }
            .into()
        )),
        (operator(), amount(), amount(), epoch(), any::<bool>()).prop_map(
            |(operator, amount, free, epoch, paid)| {
                let mut events: Vec<Event> = vec![events::Unbonding {
                    operator,
                    amount,
                    free,
                    epoch,
                }
                .into()];
                if paid {
                    let payee = H160([1; 20]);
                    events.push(
                        events::BondPaid {
                            operator,
                            payee,
                            amount: free,
                        }
                        .into(),
                    );
                }
                events
            }
        ),
        (operator(), amount()).prop_map(move |(operator, amount)| one(events::BondFreed {
            operator,
            amount
        }
        .into())),
        amount().prop_map(move |amount| one(events::Funded {
            from: H160([9; 20]),
            amount
        }
        .into())),
        (
            epoch(),
            0..3_u32,
            0..3_u64,
            prop::collection::vec((0..5_u32, 0..1_000_u64, 0..1_000_u64), 0..4),
            any::<bool>()
        )
            .prop_map(|(epoch, lane, seq, entries, whole)| batch(
                epoch, lane, seq, &entries, whole
            )),
        (epoch(), operator(), work()).prop_map(move |(epoch, operator, work)| one(
            events::Struck {
                epoch,
                operator,
                work,
                evidence: [0; 32],
            }
            .into()
        )),
        (epoch(), amount(), work(), work()).prop_map(move |(epoch, budget, vetted, open)| one(
            events::EpochSettled {
                epoch,
                budget,
                vetted,
                open,
                at: 0,
            }
            .into()
        )),
        epoch().prop_map(move |to| one(events::IdleSkipped { to }.into())),
        (
            epoch(),
            prop::collection::vec(operator(), 0..3),
            amount(),
            amount()
        )
            .prop_map(move |(epoch, operators, numerator, denominator)| one(
                events::Raised {
                    epoch,
                    operators,
                    level: Level {
                        numerator,
                        denominator
                    },
                }
                .into()
            )),
        (epoch(), amount()).prop_map(move |(epoch, leftover)| one(events::EpochClosed {
            epoch,
            leftover
        }
        .into())),
        (
            epoch(),
            prop::collection::vec((operator(), amount(), amount(), amount()), 0..3)
        )
            .prop_map(move |(epoch, rewards)| one(events::RewardsBooked {
                epoch,
                rewards
            }
            .into())),
        (operator(), amount()).prop_map(move |(operator, amount)| one(events::Paid {
            operator,
            payee: H160([1; 20]),
            amount
        }
        .into())),
        (0..4_u32, change(), epoch()).prop_map(move |(id, change, from)| one(
            events::ChangeAnnounced { id, change, from }.into()
        )),
        (0..4_u32).prop_map(move |id| one(events::ChangeCancelled { id }.into())),
        (0..4_u32, operator(), amount(), amount()).prop_map(
            move |(id, operator, bond, unvested)| {
                one(events::SlashExecuted {
                    id,
                    operator,
                    bond,
                    unvested,
                }
                .into())
            }
        ),
        any::<u64>().prop_map(move |at| one(events::ClockPaused { at, until: at }.into())),
        any::<u64>().prop_map(move |at| one(events::ClockResumed { at }.into())),
    ]
}

fn batch(epoch: u32, lane: u32, seq: u64, entries: &[(u32, u64, u64)], whole: bool) -> Vec<Event> {
    let mut sorted: Vec<Entry> = entries
        .iter()
        .map(|(operator, fragment, bulk)| Entry {
            operator: *operator,
            fragment: *fragment,
            bulk: *bulk,
            fees: 1,
        })
        .collect();
    sorted.sort_by_key(|entry| entry.operator);
    sorted.dedup_by_key(|entry| entry.operator);
    let packed = pack(&sorted).expect("ascending and small");
    let mut events: Vec<Event> = vec![events::BatchAccepted {
        epoch,
        lane,
        seq,
        receipts_root: [0; 32],
        receipts: 1,
        digest: [0; 32],
        credited: sorted.len() as u32,
        skipped: Vec::new(),
    }
    .into()];
    if whole {
        events.push(
            events::Entries {
                epoch,
                lane,
                seq,
                packed,
            }
            .into(),
        );
    }
    events
}

/// Puts in what the index itself shows, so that more of the history is possible.
fn fit(index: &Index, now: u64, events: &mut Vec<Event>) {
    let clock = index.clock_view(now);
    let next = if clock.started { clock.epoch + 1 } else { 0 };
    let registered = |operator: u32| operator % index.operators().max(1);
    match &mut events[..] {
        [Event::Registered(e)] => e.operator = index.operators(),
        [Event::Vouched(e)] => e.from = next,
        [Event::Revoked(e)] => e.from = next,
        [Event::Bonded(e)] => (e.operator, e.from) = (registered(e.operator), next),
        [Event::Unbonding(e), rest @ ..] => {
            e.operator = registered(e.operator);
            let Some(view) = index.operator_view(now, e.operator) else {
                return;
            };
            e.epoch = clock.epoch;
            e.amount = 1 + e.amount % view.bonded.max(1);
            let counted = if clock.started { view.bond } else { 0 };
            e.free = e.amount.min(view.bonded.saturating_sub(counted));
            if let [Event::BondPaid(paid)] = rest {
                paid.operator = e.operator;
                (paid.payee, paid.amount) = (view.payee, e.free);
            }
            if e.free == 0 {
                events.truncate(1);
            }
        }
        [Event::BatchAccepted(e), Event::Entries(entries)] => {
            (e.epoch, e.lane) = (clock.epoch, e.lane % 2);
            let record = index.records().find(|(epoch, _)| *epoch == e.epoch);
            let seq = record.and_then(|(_, record)| record.next_seq(e.lane));
            e.seq = seq.map_or(0, u64::from);
            let unpacked = unpack(&entries.packed).expect("just packed");
            let inactive = |operator: &u32| {
                let view = index.operator_view(now, *operator);
                view.is_none_or(|view| view.status == Status::Inactive)
            };
            let named = unpacked.iter().map(|entry| entry.operator);
            e.skipped = named.filter(inactive).collect();
            e.credited = (unpacked.len() - e.skipped.len()) as u32;
            (entries.epoch, entries.lane, entries.seq) = (e.epoch, e.lane, e.seq);
        }
        [Event::Struck(e)] => {
            e.epoch = clock.epoch.saturating_sub(1);
            e.work = index.figures(e.epoch, e.operator).work();
        }
        [Event::EpochSettled(e)] => {
            let Some(next) = clock.next_worked else {
                return;
            };
            let Some((_, record)) = index.records().find(|(epoch, _)| *epoch == next) else {
                return;
            };
            e.epoch = next;
            (e.vetted, e.open, e.at) = (record.vetted, record.open, clock.elapsed);
        }
        [Event::Raised(e)] => {
            let settled = index.records().find(|(_, record)| {
                let settlement = record.settlement;
                settlement.is_some_and(|s| clock.elapsed < s.at + 50_000)
            });
            let Some((epoch, record)) = settled else {
                return;
            };
            e.epoch = epoch;
            let mut record = record.clone();
            let mut operators = vec![OPEN_POOL, 0, 1, 2, 3];
            operators.retain(|operator| match *operator {
                OPEN_POOL => record.raise_open(),
                operator => {
                    let figures = index.figures(epoch, operator);
                    figures.vetted && !figures.raised && record.raise(figures.work())
                }
            });
            e.operators = operators;
            e.level = record.settlement.map(|s| s.level).unwrap_or_default();
        }
        [Event::EpochClosed(e)] => {
            let settled = index
                .records()
                .find(|(_, record)| record.settlement.is_some_and(|s| !s.closed));
            if let Some((epoch, record)) = settled {
                e.epoch = epoch;
                e.leftover = record.clone().close();
            }
        }
        [Event::RewardsBooked(e)] => {
            let mut closed = index
                .records()
                .filter(|(_, record)| record.settlement.is_some_and(|s| s.closed));
            let worked = |epoch: u32| {
                let some = move |operator: &u32| !index.figures(epoch, *operator).is_empty();
                (0..4_u32).filter(some)
            };
            let Some((epoch, record)) = closed.find(|(epoch, _)| worked(*epoch).next().is_some())
            else {
                return;
            };
            e.epoch = epoch;
            let reward = |operator: u32| {
                let bond = index
                    .operator_view(now, operator)
                    .map_or(0, |view| view.bond);
                let figures = index.figures(epoch, operator);
                let reward = record.reward(&Part::new(&figures, 7, bond));
                (operator, reward.amount, reward.liquid, reward.returned)
            };
            e.rewards = worked(epoch).map(reward).collect();
        }
        [Event::Paid(e)] => {
            let due = |operator: &u32| {
                let view = index.operator_view(now, *operator);
                view.is_some_and(|view| view.claimable > 0)
            };
            e.operator = (0..4).find(due).unwrap_or(e.operator);
            if let Some(view) = index.operator_view(now, e.operator) {
                (e.payee, e.amount) = (view.payee, view.claimable);
            }
        }
        [Event::ChangeAnnounced(e)] => {
            e.id = index.governance(now).next_change;
            let after = (clock.elapsed + 150_000).div_ceil(EPOCH_MS) as u32;
            e.from = after.max(next);
        }
        [Event::ClockPaused(e)] => (e.at, e.until) = (now, now + 70_000),
        [Event::ClockResumed(e)] => e.at = now,
        _ => {}
    }
}

/// Takes a message, and once more with the budget that should be, which shows nowhere else.
fn take(index: &Index, now: u64, events: &mut [Event]) -> Result<Index, Finding> {
    let mut tried = index.clone();
    let Err(finding) = tried.take(now, events) else {
        return Ok(tried);
    };
    let budget = match (&finding.field[..], finding.expected.parse()) {
        ("budget", Ok(budget)) => budget,
        _ => return Err(finding),
    };
    if let [Event::EpochSettled(e)] = events {
        e.budget = budget;
    }
    tried = index.clone();
    tried.take(now, events).map(|_| tried)
}

/// A deployment with a reserve, two vetted operators and two open ones.
fn stage() -> Index {
    let mut index = Index::begin(None, 0, &deployed()).expect("in bounds");
    let mut events: Vec<Event> = vec![events::Funded {
        from: H160([9; 20]),
        amount: 1 << 40,
    }
    .into()];
    for operator in 0..4_u32 {
        let address = H160([operator as u8; 20]);
        let payee = H160([1; 20]);
        events.push(
            events::Registered {
                operator,
                address,
                payee,
            }
            .into(),
        );
        events.push(match operator {
            0 | 1 => events::Vouched { operator, from: 0 }.into(),
            _ => events::Bonded {
                operator,
                amount: 100_000,
                from: 0,
            }
            .into(),
        });
    }
    index.take(GENESIS - 90_000, &events).expect("honest");
    index
}

#[test]
fn g1_no_history_makes_the_index_panic_and_none_that_it_takes_loses_a_unit() {
    let step = (message(), 0..60_000_u64, any::<bool>());
    let taken: RefCell<BTreeSet<&'static str>> = RefCell::default();
    SUITE.property(
        "g1_no_history_makes_the_index_panic_and_none_that_it_takes_loses_a_unit",
        (any::<bool>(), prop::collection::vec(step, 1..120)),
        |(staged, steps)| {
            let mut index = if staged {
                stage()
            } else {
                Index::begin(None, 0, &deployed()).expect("in bounds")
            };
            let mut now = GENESIS - 60_000;
            for (mut events, passed, fitting) in steps {
                now += passed / 1_000 * 1_000;
                if fitting {
                    fit(&index, now, &mut events);
                }
                match take(&index, now, &mut events) {
                    Ok(tried) => {
                        prop_assert!(tried.ledger(now).conserves());
                        // Every view can be told, whatever came.
                        prop_assert!(tried.checks(now).count() > 0);
                        index = tried;
                        taken.borrow_mut().extend(events.iter().map(Event::name));
                    }
                    Err(finding) => prop_assert!(!finding.to_string().is_empty()),
                }
            }
            Ok(())
        },
    );
    // The histories get somewhere.
    let taken = taken.into_inner();
    for name in [
        "Bonded",
        "BondPaid",
        "Vouched",
        "Entries",
        "Struck",
        "EpochSettled",
        "Raised",
        "EpochClosed",
        "RewardsBooked",
        "Paid",
        "ChangeCancelled",
        "ClockResumed",
    ] {
        assert!(taken.contains(name), "{name} never came in turn: {taken:?}");
    }
}
