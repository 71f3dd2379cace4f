//! The chain itself: making one, copying one, going back.

use sp_core::Blake2Hasher;
use sp_state_machine::OverlayedChanges;

use crate::{state::State, Genesis};

/// A chain in process. See the crate's documentation.
///
/// If the runtime panics inside a call the chain is left half-way and must be dropped.
pub struct EmbeddedChain {
    state: State,
}

/// The whole state of a chain at one moment, its clock and block number included.
///
/// It belongs to the chain that it was taken of and to [forks](EmbeddedChain::fork) of it.
#[derive(Clone)]
pub struct Snapshot(OverlayedChanges<Blake2Hasher>);

impl EmbeddedChain {
    /// A new chain in its first block, which has the genesis' time.
    ///
    /// # Panics
    /// If `genesis` breaks the rules of its fields.
    pub fn new(genesis: Genesis) -> Self {
        let time_ms = genesis.time_ms;
        assert!(
            time_ms > 0,
            "the genesis time is 0: give milliseconds since 1970"
        );
        let mut chain = Self {
            state: State::new(genesis.into_storage()),
        };
        chain.execute(|| crate::blocks::begin(time_ms));
        chain
    }

    /// The state as it is now. Costs a copy of everything written since genesis.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.state.copy_overlay())
    }

    /// Goes back to a snapshot of this chain, time included.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.state.replace_overlay(snapshot.0.clone());
    }

    /// A second chain in the same state; each goes its own way from here.
    pub fn fork(&self) -> Self {
        Self {
            state: self.state.fork(),
        }
    }

    /// Runs `work` inside the runtime's storage, for what the other functions do not
    /// offer: any read or write of a pallet. What it writes stays.
    pub fn execute<R>(&mut self, work: impl FnOnce() -> R) -> R {
        self.state.execute(work)
    }
}
