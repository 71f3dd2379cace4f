//! Blocks and the clock. A block begins whenever time moves, and lasts until it moves
//! again.

use frame_support::{
    dispatch::{DispatchClass, RawOrigin},
    traits::{OnFinalize, OnIdle, OnInitialize},
    weights::Weight,
};
use plimsoll_runtime::{
    configs::RuntimeBlockWeights, AllPalletsWithSystem, BlockNumber, Hash, RuntimeCall, System,
    Timestamp,
};
use sp_runtime::{
    traits::{BlakeTwo256, Dispatchable, Hash as _},
    Digest,
};

use crate::EmbeddedChain;

/// The clock was asked to do what a chain's clock cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// Every block is later than the one before.
    #[error("cannot set the chain's time to {asked} ms: it is {now} ms already; time only moves forward")]
    NotForward {
        /// The chain's time, in milliseconds since 1970.
        now: u64,
        /// The time asked for.
        asked: u64,
    },
    /// Past the last millisecond of a 64-bit clock.
    #[error(
        "cannot advance the chain's time of {now} ms by {by} ms: that is past the end of its clock"
    )]
    Overflow {
        /// The chain's time, in milliseconds since 1970.
        now: u64,
        /// The step asked for.
        by: u64,
    },
}

impl EmbeddedChain {
    /// Time of the current block, in milliseconds since 1970: what contracts see.
    pub fn now_ms(&mut self) -> u64 {
        self.execute(Timestamp::get)
    }

    /// Number of the current block; the first is 1.
    pub fn block_number(&mut self) -> BlockNumber {
        self.execute(System::block_number)
    }

    /// Ends the block and begins one at `time_ms`, in milliseconds since 1970. However
    /// far the jump, it is one block.
    ///
    /// # Errors
    /// If `time_ms` is not later than now.
    pub fn set_time(&mut self, time_ms: u64) -> Result<(), ClockError> {
        let now = self.now_ms();
        if time_ms <= now {
            return Err(ClockError::NotForward {
                now,
                asked: time_ms,
            });
        }
        self.execute(|| {
            end();
            begin(time_ms);
        });
        Ok(())
    }

    /// Ends the block and begins one `by_ms` milliseconds later.
    ///
    /// # Errors
    /// If `by_ms` is 0 or leads past the end of the clock.
    pub fn advance(&mut self, by_ms: u64) -> Result<(), ClockError> {
        let now = self.now_ms();
        let time_ms = now
            .checked_add(by_ms)
            .ok_or(ClockError::Overflow { now, by: by_ms })?;
        self.set_time(time_ms)
    }
}

/// Begins the block after the last one, as a node does: hooks first, then the clock.
pub(crate) fn begin(time_ms: u64) {
    let number = System::block_number() + 1;
    System::reset_events();
    System::initialize(&number, &stand_in_hash(number - 1), &Digest::default());
    let weight = AllPalletsWithSystem::on_initialize(number);
    System::register_extra_weight_unchecked(
        weight.saturating_add(RuntimeBlockWeights::get().base_block),
        DispatchClass::Mandatory,
    );
    RuntimeCall::Timestamp(pallet_timestamp::Call::set { now: time_ms })
        .dispatch(RawOrigin::None.into())
        .expect("time is set once a block, to a later time than the last block's");
}

/// Ends the current block, with what is left of its weight for housekeeping.
fn end() {
    System::note_finished_extrinsics();
    let number = System::block_number();
    let left = RuntimeBlockWeights::get()
        .max_block
        .saturating_sub(System::block_weight().total());
    let _: Weight = AllPalletsWithSystem::on_idle(number, left);
    AllPalletsWithSystem::on_finalize(number);
}

/// Stands for a block's hash: blocks here have no headers to hash.
fn stand_in_hash(number: BlockNumber) -> Hash {
    BlakeTwo256::hash_of(&("plimsoll embedded block", number))
}
