//! What can happen.

use plimsoll_interface::mechanism::math::PPM;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::work::{Entry, FEES_LIMIT, WORK_LIMIT};
use plimsoll_interface::mechanism::OperatorIndex;
use plimsoll_tests::{entry, PARAMS};
use proptest::prelude::*;
use proptest::sample::select;

/// Operators that play, on both sides of a page's border.
pub const PLAYERS: [OperatorIndex; 7] = [0, 1, 2, 3, 22, 23, 24];

/// How many are registered.
pub const REGISTERED: u32 = 25;

/// Nobody's index.
pub const UNKNOWN: OperatorIndex = 77;

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Operator(OperatorIndex),
    Owner,
    Registrar,
    Guardian,
    /// A second person for every role.
    Deputy,
    Bank,
    /// Has tokens and has not allowed the contract to take them.
    Stranger,
}

/// Where an operator is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payee {
    Somebody(Who),
    Contract,
    Nobody,
}

/// What is wrong with a batch or its signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    Nothing,
    /// One that was accepted is sent again.
    Replay(usize),
    Ahead,
    OneTooFew,
    SomeStranger,
    OtherAttesters,
    Twice,
    Tampered,
    OtherLane,
    Unsorted,
}

/// Which epochs or changes are meant, counted back from the newest.
pub type Back = usize;

/// What the owner announces.
#[derive(Clone, Debug)]
pub enum Plan {
    Params(Box<Params>),
    Registrar(Who),
    Guardian(Who),
    /// The first or the second set.
    Attesters(bool),
    Slash(OperatorIndex, u128),
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// Seconds.
    Pass(u64),
    Donate(u128),
    Fund(Who, u128),
    SetPayee(Who, OperatorIndex, Payee),
    CancelPayee(Who, OperatorIndex),
    OnlySelf(Who, OperatorIndex, bool),
    Bond(Who, OperatorIndex, u128),
    Unbond(Who, OperatorIndex, u128),
    WithdrawBond(Who, OperatorIndex),
    Vouch(Who, Vec<OperatorIndex>),
    Revoke(Who, OperatorIndex),
    Attest {
        forgery: Forgery,
        back: u32,
        lane: u32,
        entries: Vec<Entry>,
    },
    Strike(Who, Back, OperatorIndex),
    Settle,
    Raise(Back, Vec<OperatorIndex>),
    Book(Vec<Back>, Vec<OperatorIndex>),
    Claim(Who, OperatorIndex),
    ClaimMany(Who, Vec<OperatorIndex>),
    Queue(Who, Plan),
    Cancel(Who, Back),
    ExecuteSlash(Who, Back, Vec<Back>),
    ProposeOwner(Who, Who),
    AcceptOwner(Who),
    Pause(Who),
    Unpause(Who),
    /// A whole epoch in order: work, strike (maybe), settle, raise, book.
    Epoch {
        entries: Vec<Entry>,
        strike: Option<OperatorIndex>,
        raise: bool,
        book: bool,
    },
    /// Bond is withdrawn, waited for, and collected.
    Leave(OperatorIndex, u128),
    /// A slash is announced, waited for, and executed after booking.
    Slash(OperatorIndex, u128, Vec<Back>),
    /// Ownership is handed over in full.
    HandOver(Who),
    /// A new payee is announced and taken back.
    SecondThoughts(OperatorIndex, Payee),
}

fn operator() -> impl Strategy<Value = OperatorIndex> {
    prop_oneof![20 => select(&PLAYERS[..]), 1 => Just(UNKNOWN)]
}

fn operators() -> impl Strategy<Value = Vec<OperatorIndex>> {
    prop::collection::vec(operator(), 0..8)
}

fn anybody() -> impl Strategy<Value = Who> {
    prop_oneof![
        6 => select(&PLAYERS[..]).prop_map(Who::Operator),
        2 => Just(Who::Bank),
        4 => select(vec![Who::Owner, Who::Registrar, Who::Guardian, Who::Deputy, Who::Stranger]),
    ]
}

/// Mostly whoever may, sometimes anybody.
fn mostly(who: Who) -> impl Strategy<Value = Who> {
    prop_oneof![6 => Just(who), 1 => Just(Who::Deputy), 1 => anybody()]
}

/// Mostly the operator itself, sometimes anybody.
fn own() -> impl Strategy<Value = (Who, OperatorIndex)> {
    prop_oneof![
        5 => operator().prop_map(|operator| (Who::Operator(operator.min(REGISTERED - 1)), operator)),
        1 => (anybody(), operator()),
    ]
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![
        1 => select(vec![0, 1, 99, 100, u128::MAX]),
        6 => (0..=34_u32, any::<u64>()).prop_map(|(bits, value)| {
            u128::from(if bits == 0 { 0 } else { value >> (64 - bits) })
        }),
    ]
}

fn back() -> impl Strategy<Value = Back> {
    prop_oneof![4 => 0..2_usize, 1 => 0..9_usize]
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    // Twice the largest of these leaves its range.
    let figure = |limit: u64| {
        prop_oneof![
            2 => Just(0),
            6 => (0..=20_u32, any::<u64>()).prop_map(|(bits, value)| {
                if bits == 0 { 0 } else { value >> (64 - bits) }
            }),
            1 => Just(limit / 2),
        ]
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
            .map(|(operator, fragment, bulk, fees)| entry(operator, fragment, bulk, fees))
            .collect()
    })
}

fn forgery() -> impl Strategy<Value = Forgery> {
    use Forgery::*;
    prop_oneof![
        10 => Just(Nothing),
        2 => (0..9_usize).prop_map(Replay),
        4 => select(vec![
            Ahead,
            OneTooFew,
            SomeStranger,
            OtherAttesters,
            Twice,
            Tampered,
            OtherLane,
            Unsorted,
        ]),
    ]
}

fn params() -> impl Strategy<Value = Params> {
    (
        0..=PPM + 1,
        prop_oneof![3 => Just(None), 1 => (0..=1_u128 << 40).prop_map(Some)],
        prop_oneof![3 => Just(None), 1 => any::<u32>().prop_map(Some)],
        0..=500_000_u32,
        1_000..=PPM,
        0..=PPM,
        select(vec![PPM, 2 * PPM, 50 * PPM, 1_000 * PPM]),
        select(vec![0, 10_000, PPM, 1_000 * PPM]),
        (0..=PPM, 0..=PPM),
    )
        .prop_map(
            |(rate, unit_ceiling, fee_multiple, floor, cap, ceiling, uplift, leverage, liquid)| {
                Params {
                    rate,
                    unit_ceiling,
                    fee_multiple,
                    fragment_floor: floor,
                    operator_cap: cap,
                    open_ceiling: ceiling,
                    uplift,
                    bond_leverage: leverage,
                    liquid_share: liquid.0,
                    liquid_allowance: liquid.1,
                    ..PARAMS
                }
            },
        )
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        3 => params().prop_map(|params| Plan::Params(Box::new(params))),
        1 => anybody().prop_map(Plan::Registrar),
        1 => anybody().prop_map(Plan::Guardian),
        2 => any::<bool>().prop_map(Plan::Attesters),
        5 => (operator(), amount()).prop_map(|(operator, amount)| Plan::Slash(operator, amount)),
    ]
}

fn payee() -> impl Strategy<Value = Payee> {
    prop_oneof![
        6 => anybody().prop_map(Payee::Somebody),
        1 => Just(Payee::Contract),
        1 => Just(Payee::Nobody),
    ]
}

/// Windows are multiples of 100 seconds: most jumps land on their edges or a second
/// beside them.
fn seconds() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => (1..=12_u64).prop_map(|k| k * 100),
        2 => (1..=30_u64).prop_map(|k| k * 100 + 1),
        2 => (1..=30_u64).prop_map(|k| k * 100 - 1),
        1 => (1..=40_u64).prop_map(|k| k * 1_000),
    ]
}

/// Any one step.
pub fn step() -> impl Strategy<Value = Step> {
    let amounts = || (own(), amount());
    prop_oneof![
        14 => seconds().prop_map(Step::Pass),
        1 => (0..=1_u128 << 40).prop_map(Step::Donate),
        3 => (mostly(Who::Bank), amount()).prop_map(|(who, amount)| Step::Fund(who, amount)),
        2 => (own(), payee()).prop_map(|((who, k), payee)| Step::SetPayee(who, k, payee)),
        1 => own().prop_map(|(who, k)| Step::CancelPayee(who, k)),
        1 => (own(), any::<bool>()).prop_map(|((who, k), only)| Step::OnlySelf(who, k, only)),
        4 => (mostly(Who::Bank), operator(), amount()).prop_map(|(who, k, a)| Step::Bond(who, k, a)),
        4 => amounts().prop_map(|((who, k), amount)| Step::Unbond(who, k, amount)),
        3 => (anybody(), operator()).prop_map(|(who, k)| Step::WithdrawBond(who, k)),
        2 => (mostly(Who::Registrar), prop::collection::vec(operator(), 1..3))
            .prop_map(|(who, operators)| Step::Vouch(who, operators)),
        2 => (mostly(Who::Registrar), operator()).prop_map(|(who, k)| Step::Revoke(who, k)),
        14 => (forgery(), 0..=2_u32, 0..=3_u32, entries())
            .prop_map(|(forgery, back, lane, entries)| Step::Attest { forgery, back, lane, entries }),
        3 => (mostly(Who::Guardian), back(), operator()).prop_map(|(who, b, k)| Step::Strike(who, b, k)),
        6 => Just(Step::Settle),
        5 => (back(), operators()).prop_map(|(back, operators)| Step::Raise(back, operators)),
        7 => (prop::collection::vec(back(), 0..4), operators())
            .prop_map(|(backs, operators)| Step::Book(backs, operators)),
        4 => (anybody(), operator()).prop_map(|(who, k)| Step::Claim(who, k)),
        4 => (anybody(), operators()).prop_map(|(who, operators)| Step::ClaimMany(who, operators)),
        5 => (mostly(Who::Owner), plan()).prop_map(|(who, plan)| Step::Queue(who, plan)),
        1 => (mostly(Who::Owner), back()).prop_map(|(who, back)| Step::Cancel(who, back)),
        4 => (mostly(Who::Owner), back(), prop::collection::vec(back(), 0..3))
            .prop_map(|(who, back, epochs)| Step::ExecuteSlash(who, back, epochs)),
        1 => (mostly(Who::Owner), anybody()).prop_map(|(who, heir)| Step::ProposeOwner(who, heir)),
        1 => anybody().prop_map(Step::AcceptOwner),
        2 => mostly(Who::Guardian).prop_map(Step::Pause),
        2 => mostly(Who::Guardian).prop_map(Step::Unpause),
        14 => (
            entries(),
            prop::option::weighted(0.3, operator()),
            prop::bool::weighted(0.8),
            prop::bool::weighted(0.7),
        )
            .prop_map(|(entries, strike, raise, book)| Step::Epoch { entries, strike, raise, book }),
        3 => (operator(), amount()).prop_map(|(k, amount)| Step::Leave(k, amount)),
        3 => (operator(), amount(), prop::collection::vec(back(), 0..3))
            .prop_map(|(k, amount, epochs)| Step::Slash(k, amount, epochs)),
        1 => anybody().prop_map(Step::HandOver),
        1 => (select(&PLAYERS[..]), payee()).prop_map(|(k, payee)| Step::SecondThoughts(k, payee)),
    ]
}
