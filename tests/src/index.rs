//! The contract's state rebuilt from its events and the times of their blocks alone, as
//! an indexer rebuilds it: no view is asked and no storage is read.
//!
//! It is the index with which `plimsoll audit` recomputes a deployment; here whatever does
//! not follow is a failed test.

use crate::Event;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::OperatorView;
use std::ops::Deref;

/// What a list of events comes to.
#[derive(Clone, Debug)]
pub struct Index(plimsoll_index::Index);

impl Index {
    /// Begins with the event of the deployment.
    ///
    /// # Panics
    /// If the first event is another one.
    pub fn new(events: &[Event]) -> Self {
        let [Event::Deployed(deployed)] = events else {
            panic!("a contract begins with `Deployed`, not {events:?}");
        };
        let begun = plimsoll_index::Index::begin(None, 0, deployed);
        Self(begun.unwrap_or_else(|finding| panic!("{finding}")))
    }

    /// Takes the events of one message in a block of wall time `now` (ms).
    ///
    /// # Panics
    /// If an event does not follow from those before it.
    pub fn take(&mut self, now: u64, events: &[Event]) {
        let events: Vec<_> = events.iter().map(Into::into).collect();
        if let Err(finding) = self.0.take(now, &events) {
            panic!("{finding}");
        }
    }

    /// An operator at wall time `now` (ms).
    ///
    /// # Panics
    /// If there is none.
    pub fn operator_view(&self, now: u64, index: OperatorIndex) -> OperatorView {
        let view = self.0.operator_view(now, index);
        view.unwrap_or_else(|| panic!("there is no operator {index}"))
    }

    /// Clock time at wall time `now` (ms), whether it stands, and every worked epoch
    /// below what is settled.
    pub fn time(&self, now: u64) -> (u64, bool, Epoch) {
        let clock = self.0.clock_view(now);
        (clock.elapsed, clock.stopped, clock.settled_to)
    }
}

impl Deref for Index {
    type Target = plimsoll_index::Index;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
