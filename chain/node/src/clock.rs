//! The chain's clock: what time the next block carries.
//!
//! The only state beside the chain itself is a *floor*, the latest time somebody
//! set. A block whose parent is older than the floor carries the floor; any other
//! carries its parent's time plus the step. So a set time is hit exactly, a block
//! that fails uses nothing up, and a node that is started again goes on from its
//! last block.

use crate::{service::FullClient, Error};
use codec::Decode;
use plimsoll_runtime::{opaque::Block, Runtime};
use sc_client_api::{StorageKey, StorageProvider};
use sp_blockchain::HeaderBackend;
use sp_runtime::traits::Get;
use std::sync::{
    atomic::{AtomicU64, Ordering},
    Arc,
};

type Hash = <Block as sp_runtime::traits::Block>::Hash;

/// Latest time the clock accepts, Unix ms: the end of the year 9999. Anything later
/// is a mistake of units (microseconds, say), and there would be no way back.
pub const LATEST_MS: u64 = 253_402_300_799_999;

/// Reads and moves the time of the blocks to come.
pub struct Clock {
    client: Arc<FullClient>,
    step_ms: u64,
    floor_ms: AtomicU64,
}

/// Why the clock was not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The time asked for has passed.
    #[error("time {asked_ms} ms is not after the chain's time {now_ms} ms: the clock goes forward only. The earliest time that can be set is {earliest_ms} ms")]
    Backward {
        /// The time asked for, Unix ms.
        asked_ms: u64,
        /// The chain's time, Unix ms.
        now_ms: u64,
        /// The earliest time that would be accepted, Unix ms.
        earliest_ms: u64,
    },
    /// The time asked for is absurd.
    #[error(
        "time {asked_ms} ms is after the year 9999 ({LATEST_MS} ms): times are Unix milliseconds"
    )]
    TooLate {
        /// The time asked for, Unix ms.
        asked_ms: u64,
    },
    /// Nothing to advance by.
    #[error("cannot advance by 0 ms: give the number of milliseconds to move forward")]
    NoAdvance,
}

impl Clock {
    /// A clock that moves by `step_ms` a block.
    ///
    /// A new chain's first block carries `start_ms`; a chain that has blocks goes on
    /// from the last of them, or from `start_ms` if that is later.
    pub fn new(client: Arc<FullClient>, step_ms: u64, start_ms: u64) -> Self {
        Self {
            client,
            // The runtime refuses blocks closer together than this.
            step_ms: step_ms.max(min_step_ms()),
            floor_ms: AtomicU64::new(start_ms),
        }
    }

    /// The chain's time, Unix ms: the best block's, or the time set since.
    ///
    /// # Errors
    ///
    /// When the best block's state cannot be read.
    pub fn now(&self) -> Result<u64, Error> {
        let best = self.time_of(self.client.info().best_hash)?;
        Ok(best.max(self.floor_ms.load(Ordering::SeqCst)))
    }

    /// Sets the time of the next block and returns it, Unix ms.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the time is not after the chain's or absurdly late; nothing
    /// has changed then.
    pub fn set(&self, asked_ms: u64) -> Result<Result<u64, Refusal>, Error> {
        let best = self.time_of(self.client.info().best_hash)?;
        let mut floor = self.floor_ms.load(Ordering::SeqCst);
        loop {
            if let Err(refusal) = check(asked_ms, best, floor, min_step_ms()) {
                return Ok(Err(refusal));
            }
            match self.floor_ms.compare_exchange(
                floor,
                asked_ms,
                Ordering::SeqCst,
                Ordering::SeqCst,
            ) {
                Ok(_) => return Ok(Ok(asked_ms)),
                Err(newer) => floor = newer,
            }
        }
    }

    /// Moves the clock forward by `by_ms` and returns the time of the next block, Unix ms.
    ///
    /// # Errors
    ///
    /// As [`Clock::set`]; also for 0 ms.
    pub fn advance(&self, by_ms: u64) -> Result<Result<u64, Refusal>, Error> {
        if by_ms == 0 {
            return Ok(Err(Refusal::NoAdvance));
        }
        // A sum too large for the type is too late for the clock as well.
        self.set(self.now()?.saturating_add(by_ms))
    }

    /// The time a block on top of `parent` carries, Unix ms.
    ///
    /// # Errors
    ///
    /// When the parent's state cannot be read.
    pub fn next(&self, parent: Hash) -> Result<u64, Error> {
        Ok(next_ms(
            self.time_of(parent)?,
            self.floor_ms.load(Ordering::SeqCst),
            self.step_ms,
        ))
    }

    /// The time in a block's state, Unix ms; 0 for the first block.
    fn time_of(&self, block: Hash) -> Result<u64, Error> {
        let failed = |error: String| Error::ReadTime {
            block: format!("{block:?}"),
            error,
        };
        let key = StorageKey(pallet_timestamp::Now::<Runtime>::hashed_key().to_vec());
        match self.client.storage(block, &key) {
            Ok(Some(data)) => {
                u64::decode(&mut &data.0[..]).map_err(|error| failed(error.to_string()))
            }
            Ok(None) => Ok(0),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

/// The least distance between two blocks that the runtime accepts, ms.
fn min_step_ms() -> u64 {
    <Runtime as pallet_timestamp::Config>::MinimumPeriod::get()
}

/// The time of a block whose parent carries `parent_ms`.
fn next_ms(parent_ms: u64, floor_ms: u64, step_ms: u64) -> u64 {
    if floor_ms > parent_ms {
        floor_ms
    } else {
        parent_ms.saturating_add(step_ms)
    }
}

/// May the clock be set to `asked_ms`?
fn check(asked_ms: u64, best_ms: u64, floor_ms: u64, min_step_ms: u64) -> Result<(), Refusal> {
    if asked_ms > LATEST_MS {
        return Err(Refusal::TooLate { asked_ms });
    }
    let earliest_ms = best_ms
        .saturating_add(min_step_ms)
        .max(floor_ms.saturating_add(1));
    if asked_ms < earliest_ms {
        return Err(Refusal::Backward {
            asked_ms,
            now_ms: best_ms.max(floor_ms),
            earliest_ms,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_time_is_hit_exactly_and_blocks_step_on_from_it() {
        assert_eq!(next_ms(0, 1_000, 6_000), 1_000, "the first block");
        assert_eq!(next_ms(1_000, 1_000, 6_000), 7_000);
        assert_eq!(
            next_ms(7_000, 7_500, 6_000),
            7_500,
            "set to less than a step away"
        );
        assert_eq!(next_ms(7_500, 7_500, 6_000), 13_500);
    }

    #[test]
    fn the_clock_goes_forward_only() {
        assert_eq!(check(1_001, 1_000, 1_000, 1), Ok(()));
        let backward = check(1_000, 1_000, 0, 1).unwrap_err().to_string();
        assert!(backward.contains("1001 ms"), "{backward}");
        assert!(
            check(1_500, 1_000, 2_000, 1).is_err(),
            "before a time already set"
        );
        assert!(
            check(1_050, 1_000, 0, 100).is_err(),
            "closer than the runtime allows"
        );
        assert_eq!(
            check(u64::MAX, 0, 0, 1),
            Err(Refusal::TooLate { asked_ms: u64::MAX })
        );
    }
}
