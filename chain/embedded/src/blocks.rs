//! Blocks and the clock. A block begins whenever time moves, and lasts until it moves
//! again.

use frame_support::dispatch::{DispatchClass, RawOrigin};
use plimsoll_runtime::{
    configs::RuntimeBlockWeights, native, BlockNumber, Hash, RuntimeCall, System, Timestamp,
};
use sp_runtime::traits::{BlakeTwo256, Hash as _};

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
    let weight = native::begin_block(number, stand_in_hash(number - 1));
    System::register_extra_weight_unchecked(
        weight.saturating_add(RuntimeBlockWeights::get().base_block),
        DispatchClass::Mandatory,
    );
    let clock = RuntimeCall::Timestamp(pallet_timestamp::Call::set { now: time_ms });
    native::dispatch(RawOrigin::None, clock)
        .expect("time is set once a block, to a later time than the last block's");
}

/// Ends the current block, with what is left of its weight for housekeeping.
fn end() {
    let left = RuntimeBlockWeights::get()
        .max_block
        .saturating_sub(System::block_weight().total());
    native::end_block(System::block_number(), left);
}

/// Stands for a block's hash: blocks here have no headers to hash.
fn stand_in_hash(number: BlockNumber) -> Hash {
    BlakeTwo256::hash_of(&("plimsoll embedded block", number))
}
