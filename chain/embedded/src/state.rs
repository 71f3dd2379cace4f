//! The key-value state under the runtime, with everything written since genesis in an
//! overlay: nothing is ever hashed into a trie, so a copy of the state is a copy of
//! the overlay.

use sp_core::{storage::Storage, Blake2Hasher};
use sp_externalities::{set_and_run_with_externalities, Extensions};
use sp_runtime::StateVersion;
use sp_state_machine::{Ext, InMemoryBackend, OverlayedChanges};

/// State of a chain.
pub(crate) struct State {
    /// Genesis, never changed.
    backend: InMemoryBackend<Blake2Hasher>,
    /// All that came after.
    overlay: OverlayedChanges<Blake2Hasher>,
    extensions: Extensions,
}

impl State {
    pub(crate) fn new(genesis: Storage) -> Self {
        Self {
            backend: (genesis, StateVersion::V1).into(),
            overlay: OverlayedChanges::default(),
            extensions: Extensions::default(),
        }
    }

    /// Runs `work` with this state as the runtime's storage.
    pub(crate) fn execute<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let mut ext = Ext::new(&mut self.overlay, &self.backend, Some(&mut self.extensions));
        set_and_run_with_externalities(&mut ext, work)
    }

    pub(crate) fn copy_overlay(&self) -> OverlayedChanges<Blake2Hasher> {
        self.overlay.clone()
    }

    pub(crate) fn replace_overlay(&mut self, overlay: OverlayedChanges<Blake2Hasher>) {
        self.overlay = overlay;
    }

    /// A second state with the same content.
    pub(crate) fn fork(&self) -> Self {
        Self {
            backend: self.backend.clone(),
            overlay: self.overlay.clone(),
            extensions: Extensions::default(),
        }
    }
}
