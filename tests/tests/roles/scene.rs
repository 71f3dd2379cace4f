//! What several roles' tests begin with.

use crate::stage::stage;
use plimsoll_embedded::Failure;
use plimsoll_interface::calls::{self, AnswerError};
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{Change, LedgerView, OperatorView, OPEN_POOL};
use plimsoll_tests::{entry, Actor, Attester, Batch, Refusal, World};

/// The budget of epoch 0 in base units: a tenth of the reserve.
pub const BUDGET: u128 = crate::stage::RESERVE / 10;

/// What one vetted operator gets of [`BUDGET`] at most: a fifth.
pub const CAP: u128 = BUDGET / 5;

/// What all open operators together get of [`BUDGET`] at most: three tenths.
pub const CEILING: u128 = BUDGET * 3 / 10;

/// Some evidence.
pub const EVIDENCE: [u8; 32] = [0xe5; 32];

/// Everything the views show of the contract and of its first operators.
pub fn everything(world: &mut World, operators: u32) -> (LedgerView, Vec<OperatorView>) {
    let views = (0..operators).map(|k| world.operator(k)).collect();
    (world.ledger(), views)
}

/// Settles `epoch`, raises whoever can be, waits for the level to be final, and books.
/// Returns the rewards of `operators` in their order.
pub fn conclude(world: &mut World, epoch: Epoch, operators: &[OperatorIndex]) -> Vec<u128> {
    settle(world, epoch);
    let rewards = operators.iter().map(|k| world.preview(epoch, *k).reward);
    let rewards: Vec<u128> = rewards.collect();
    let booked = world.book(&[epoch], operators).done();
    assert_eq!(booked.amount, rewards.iter().sum::<u128>());
    rewards
}

/// Settles `epoch`, raises whoever can be, and waits for the level to be final.
pub fn settle(world: &mut World, epoch: Epoch) {
    world.go_to_settlement(epoch);
    assert_eq!(world.settle().done().epoch, epoch);
    raise_all(world, epoch);
    world.go_to_final(epoch);
}

/// Raises until nobody is eligible any more.
pub fn raise_all(world: &mut World, epoch: Epoch) {
    let count: u32 = world.view(calls::operators());
    let all: Vec<OperatorIndex> = (0..count).chain([OPEN_POOL]).collect();
    while world.raise(epoch, &all).done() > 0 {}
}

/// A slash of `operator`.
pub fn slash(operator: OperatorIndex, amount: u128) -> Change {
    Change::Slash {
        operator,
        amount,
        evidence: EVIDENCE,
    }
}

/// A batch that `signers` sign, whoever they are.
pub fn batch_of(world: &mut World, epoch: Epoch, entries: &[Entry], signers: &[Attester]) -> Batch {
    let seq = world.next_seq(epoch, 0);
    Batch::unsigned(epoch, 0, seq, entries).signed(world.emission, signers)
}

/// Four honest vetted operators, and behind them one vetted and `open` open ones that are
/// all the same person's.
pub fn crowd(open: u32) -> (World, Vec<Actor>) {
    let (mut world, mut operators) = stage(5, 0);
    // The open ones bond before epoch 1, so they count in it.
    for k in 0..open {
        let (index, actor) = world.register(&format!("sybil {k}"));
        world.bond(index, crate::stage::BOND);
        operators.push(actor);
    }
    (world, operators)
}

/// Equal work of the four honest ones.
pub fn honest() -> Vec<Entry> {
    (0..4).map(|k| entry(k, 25, 0, 1)).collect()
}

/// Sends a message whatever it answers, and checks G1 and G15 afterwards.
pub fn attempt(world: &mut World, from: &Actor, message: Vec<u8>) -> Result<(), Refusal> {
    let emission = world.emission;
    let outcome = world.chain.call(&from.account, emission, 0, message);
    world.audit();
    match outcome.result {
        Ok(_) => Ok(()),
        Err(Failure::Runtime { name, .. }) => Err(Refusal::Runtime(name)),
        Err(Failure::Reverted(data)) => match calls::answer::<()>(&data) {
            Err(AnswerError::Refused(error)) => Err(Refusal::Contract(error)),
            other => panic!("the contract reverted with {other:?}"),
        },
    }
}
