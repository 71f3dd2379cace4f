//! The simulator against the contract: whole random histories played through the bytecode
//! and through the design with which `plimsoll compare` speaks of Plimsoll, and every
//! amount of every epoch held equal to the last unit.
//!
//! The contract is told who worked, bonded and was vouched for, and asked who counts as
//! what; the simulator is told the same. Budgets, rewards, liquid parts, what returns and
//! what the reserve then has are computed by each alone.

mod draw;
mod play;

use play::{Play, Seen};

/// Epochs of a history: the first are played with what stood at the deployment, the last
/// with what many changes left.
const EPOCHS: u32 = 64;

/// Histories.
const SEEDS: [u64; 4] = [1, 2, 3, 4];

#[test]
fn simulation_and_contract_agree_to_the_last_unit_in_every_epoch_of_whole_histories() {
    let mut seen = Seen::default();
    for seed in SEEDS {
        let mut play = Play::new(seed);
        for epoch in 0..EPOCHS {
            play.settle_before(epoch);
            play.work(epoch);
            play.change(epoch);
        }
        play.settle_before(EPOCHS);
        seen.add(&play.seen);
    }
    seen.check(EPOCHS * SEEDS.len() as u32);
}
