//! What can happen.

use parity_scale_codec::{Decode, Encode};
use plimsoll_interface::mechanism::math::PPM;
use plimsoll_interface::mechanism::params::{Param, Params};
use plimsoll_interface::mechanism::work::{FEES_LIMIT, WORK_LIMIT};
use plimsoll_interface::mechanism::OperatorIndex;
use plimsoll_tests::{faults, param_mut, PARAMS};
use proptest::prelude::*;
use proptest::sample::select;

/// Operators that play, on both sides of a page's border.
pub const PLAYERS: [OperatorIndex; 7] = [0, 1, 2, 3, 22, 23, 24];

/// How many are registered.
pub const REGISTERED: u32 = 25;

/// Identities that nobody works with until the registrar vouches for them.
pub const SYBILS: [OperatorIndex; 4] = [5, 6, 7, 21];

/// Nobody's index.
pub const UNKNOWN: OperatorIndex = 77;

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Payee {
    Somebody(Who),
    Contract,
    Nobody,
}

/// What is wrong with a batch or its signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Forgery {
    Nothing,
    /// One that was accepted is sent again.
    Replay(Back),
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
pub type Back = u32;

/// Which attesters, by their place in [`SETS`].
pub type Set = u8;

/// All sets that there can be: how many must sign, of how many. A person alone and as
/// many as there can be are among them.
pub const SETS: [(u8, usize); 4] = [(3, 5), (2, 3), (1, 1), (9, 16)];

/// What an entry says of an operator: fragment work, bulk work, fees.
pub type Line = (OperatorIndex, u64, u64, u64);

/// What is wrong with attesters that the owner announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Invalid {
    /// None at all.
    Nobody,
    /// One of them is there twice.
    Twice,
    /// Half of them are enough.
    Half,
    /// More must sign than there are.
    TooMany,
    /// More of them than there can be.
    Crowd,
}

/// What the owner announces.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Plan {
    Params(Box<Params>),
    Registrar(Who),
    Guardian(Who),
    Attesters(Set),
    InvalidAttesters(Invalid),
    Slash(OperatorIndex, u128),
}

/// Whom a keeper raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Keeper {
    Idle,
    /// One operator alone.
    Lazy(OperatorIndex),
    Diligent,
}

/// What a token that misbehaves calls back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CallBack {
    Claim(OperatorIndex),
    ClaimMany,
    WithdrawBond(OperatorIndex),
    Fund,
    Settle,
    Ledger,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
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
        entries: Vec<Line>,
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
        entries: Vec<Line>,
        strike: Option<OperatorIndex>,
        keeper: Keeper,
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
    /// Epochs go by with nothing in them, as many as years have.
    Years(u32),
    /// The registrar vouches for everybody there is, as far as it may.
    Sybils,
    /// The registrar takes back whatever was vouched for.
    RevokeAll,
    /// The guardian strikes everybody's work of an epoch, once it is in review.
    StrikeAll(Back),
    /// The guardian stops the clock, again as soon as it may, and tries to in between.
    Harass,
    /// The token misbehaves from now on, if it is one that can.
    Misbehave(u8, CallBack),
    /// The token refuses whatever somebody sends or is sent, if it is one that can.
    Bar(Option<Who>),
    /// The token gives somebody, or the contract, `2^256 / 2^bits`, if it is one that can.
    Mint(Option<Who>, u8),
}

fn operator() -> impl Strategy<Value = OperatorIndex> {
    prop_oneof![20 => select(&PLAYERS[..]), 2 => select(&SYBILS[..]), 1 => Just(UNKNOWN)]
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
    prop_oneof![4 => 0..2_u32, 1 => 0..9_u32]
}

fn entries() -> impl Strategy<Value = Vec<Line>> {
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
    })
}

fn forgery() -> impl Strategy<Value = Forgery> {
    use Forgery::*;
    prop_oneof![
        10 => Just(Nothing),
        2 => (0..9_u32).prop_map(Replay),
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

/// Each parameter at one of its bounds, or where it was; sometimes one is beyond.
fn extreme_params() -> impl Strategy<Value = Params> {
    let any_of = prop::collection::vec(0..3_u8, Param::ALL.len());
    let beyond = prop::option::weighted(0.1, select(&Param::ALL[..]));
    let optional = (
        select(vec![None, Some(0), Some(1), Some(u128::MAX)]),
        select(vec![None, Some(0), Some(1), Some(u32::MAX)]),
    );
    (any_of, beyond, optional).prop_map(|(choices, beyond, (unit_ceiling, fee_multiple))| {
        let mut params = Params {
            unit_ceiling,
            fee_multiple,
            ..PARAMS
        };
        for (param, choice) in Param::ALL.into_iter().zip(choices) {
            let (low, high) = param.bounds();
            let value = match choice {
                0 => low,
                1 => high,
                _ => param.of(&PARAMS),
            };
            *param_mut(&mut params, param) = if beyond == Some(param) {
                high + 1
            } else {
                value
            };
        }
        params
    })
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
        2 => params().prop_map(|params| Plan::Params(Box::new(params))),
        2 => extreme_params().prop_map(|params| Plan::Params(Box::new(params))),
        1 => anybody().prop_map(Plan::Registrar),
        1 => anybody().prop_map(Plan::Guardian),
        2 => (0..SETS.len() as u8).prop_map(Plan::Attesters),
        1 => {
            use Invalid::*;
            select(vec![Nobody, Twice, Half, TooMany, Crowd]).prop_map(Plan::InvalidAttesters)
        },
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

/// What a faulty token can be up to.
fn token_step() -> impl Strategy<Value = Step> {
    let call_back = prop_oneof![
        2 => operator().prop_map(CallBack::Claim),
        1 => operator().prop_map(CallBack::WithdrawBond),
        2 => select(vec![CallBack::ClaimMany, CallBack::Fund, CallBack::Settle, CallBack::Ledger]),
    ];
    // Honesty comes back in between, or nothing would ever be paid.
    let fault = prop_oneof![1 => Just(0), 4 => 1..=faults().len() as u8];
    prop_oneof![
        10 => (fault, call_back).prop_map(|(fault, message)| Step::Misbehave(fault, message)),
        2 => prop::option::weighted(0.7, anybody()).prop_map(Step::Bar),
        1 => (prop::option::of(anybody()), 0..=160_u8).prop_map(|(to, bits)| Step::Mint(to, bits)),
    ]
}

/// Any one step in a world whose token can misbehave.
pub fn step_with_faults() -> impl Strategy<Value = Step> {
    prop_oneof![6 => step(), 1 => token_step()]
}

/// Any one step.
pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        100 => ordinary(),
        1 => (1..=5_u32).prop_map(Step::Years),
        1 => Just(Step::Sybils),
        1 => Just(Step::RevokeAll),
        1 => back().prop_map(Step::StrikeAll),
        1 => Just(Step::Harass),
    ]
}

fn keeper() -> impl Strategy<Value = Keeper> {
    prop_oneof![
        2 => Just(Keeper::Idle),
        2 => operator().prop_map(Keeper::Lazy),
        6 => Just(Keeper::Diligent),
    ]
}

fn ordinary() -> impl Strategy<Value = Step> {
    let amounts = || (own(), amount());
    prop_oneof![
        14 => seconds().prop_map(Step::Pass),
        1 => prop_oneof![0..=1_u128 << 40, (0..=1_u128 << 97)].prop_map(Step::Donate),
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
            keeper(),
            prop::bool::weighted(0.7),
        )
            .prop_map(|(entries, strike, keeper, book)| Step::Epoch { entries, strike, keeper, book }),
        3 => (operator(), amount()).prop_map(|(k, amount)| Step::Leave(k, amount)),
        3 => (operator(), amount(), prop::collection::vec(back(), 0..3))
            .prop_map(|(k, amount, epochs)| Step::Slash(k, amount, epochs)),
        1 => anybody().prop_map(Step::HandOver),
        1 => (select(&PLAYERS[..]), payee()).prop_map(|(k, payee)| Step::SecondThoughts(k, payee)),
    ]
}
