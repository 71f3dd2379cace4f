//! The chain's time, and into which epoch a receipt goes.

use plimsoll_interface::{ClockView, Settings};
use plimsoll_mechanism::clock::{Clock, Pauses, Times};
use plimsoll_mechanism::Epoch;
use std::time::{SystemTime, UNIX_EPOCH};

/// This machine's time, in ms since 1970; 0 if its clock stands before that, which is as
/// good as none.
#[must_use]
pub fn machine_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// The contract's clock as it stood at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainTime {
    /// The times fixed at deployment.
    pub times: Times,
    /// The pauses so far.
    pub pauses: Pauses,
    /// The chain's time, in ms since 1970.
    pub now: u64,
}

/// The epoch in which a receipt is to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The epoch.
    pub epoch: Epoch,
    /// Whether the epoch of its completion takes no more work, so that it is carried.
    pub late: bool,
}

impl ChainTime {
    /// From the contract's views.
    #[must_use]
    pub fn new(settings: &Settings, view: &ClockView) -> Self {
        let newest = Pauses {
            before: 0,
            newest: view.pause,
        };
        // now - genesis - elapsed is the length of all pauses up to now.
        let total = view
            .now
            .saturating_sub(settings.times.genesis)
            .saturating_sub(view.elapsed);
        Self {
            // The constructor takes no epoch of no length; a node that tells of one must
            // not end whoever asks it.
            times: Times {
                epoch: settings.times.epoch.max(1),
                ..settings.times
            },
            pauses: Pauses {
                before: total.saturating_sub(newest.total(view.now)),
                newest: view.pause,
            },
            now: view.now,
        }
    }

    /// The clock now.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::at(self.times, &self.pauses, self.now)
    }

    /// The epoch of wall time `at` (ms); `None` before genesis. Exact since the start
    /// of the second newest pause; before it, pauses that came later are taken off too.
    #[must_use]
    pub fn epoch_of(&self, at: u64) -> Option<Epoch> {
        let clock = Clock::at(self.times, &self.pauses, at);
        clock.started().then(|| clock.epoch())
    }

    /// Whether `epoch` is over and can never take another batch.
    #[must_use]
    pub fn closed(&self, epoch: Epoch) -> bool {
        let clock = self.clock();
        clock.started() && clock.elapsed() >= clock.attest_end(epoch)
    }

    /// Where a receipt completed at `at` (ms) counts now: in the epoch of its
    /// completion, or, when that is over, in the oldest one that is not. There is only
    /// one such epoch at any time ([`Clock::counts_in`] says why). `None` before genesis
    /// and for epochs that have not begun.
    #[must_use]
    pub fn target(&self, at: u64) -> Option<Target> {
        let own = self.epoch_of(at)?;
        let epoch = self.clock().counts_in(own)?;
        Some(Target {
            epoch,
            late: epoch != own,
        })
    }

    /// Whether a batch of `epoch` may hold a receipt completed at `at` (ms).
    #[must_use]
    pub fn may_hold(&self, epoch: Epoch, at: u64) -> bool {
        self.target(at).is_some_and(|target| target.epoch == epoch)
    }

    /// Clock time left until `epoch` takes no more batches, in ms.
    #[must_use]
    pub fn left(&self, epoch: Epoch) -> u64 {
        let clock = self.clock();
        clock.attest_end(epoch).saturating_sub(clock.elapsed())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use plimsoll_mechanism::clock::Pause;

    pub(crate) const TIMES: Times = Times {
        genesis: 1_000,
        epoch: 100,
        attest_window: 20,
        review_window: 30,
        level_window: 50,
        max_pause: 250,
        pause_gap: 1_000,
    };

    pub(crate) fn at(now: u64) -> ChainTime {
        ChainTime {
            times: TIMES,
            pauses: Pauses::default(),
            now,
        }
    }

    #[test]
    fn a_receipt_goes_to_its_own_epoch_until_that_is_over() {
        let own = Target {
            epoch: 0,
            late: false,
        };
        assert_eq!(at(1_119).target(1_050), Some(own));
        assert_eq!(
            at(1_120).target(1_050),
            Some(Target {
                epoch: 1,
                late: true
            })
        );
        assert_eq!(
            at(1_119).target(1_100),
            Some(Target {
                epoch: 1,
                late: false
            })
        );
        assert_eq!(at(1_119).target(999), None, "before genesis");
        assert_eq!(at(1_119).target(1_200), None, "its epoch has not begun");
    }

    #[test]
    fn what_is_late_may_be_held_by_one_epoch_only() {
        for now in 1_000..1_500 {
            for completed in (1_000..1_500).step_by(10) {
                let epochs = (0..6)
                    .filter(|epoch| at(now).may_hold(*epoch, completed))
                    .count();
                assert!(epochs <= 1, "{completed} at {now}");
            }
        }
        // Epoch 1 still takes batches, so what is late goes there and not into epoch 2.
        assert!(at(1_210).may_hold(1, 1_050));
        assert!(!at(1_210).may_hold(2, 1_050));
    }

    #[test]
    fn pauses_are_rebuilt_from_the_contracts_view() {
        let mut pauses = Pauses::default();
        pauses.pause(&TIMES, 1_150).expect("runs");
        pauses.unpause(1_200).expect("stands");
        pauses.pause(&TIMES, 2_300).expect("the gap is over");
        for now in [2_310, 2_400, 2_700] {
            let clock = Clock::at(TIMES, &pauses, now);
            let view = ClockView {
                now,
                elapsed: clock.elapsed(),
                started: true,
                epoch: clock.epoch(),
                stopped: clock.stopped(),
                pause: Some(Pause {
                    start: 2_300,
                    end: 2_550,
                }),
                settled_to: 0,
                next_worked: None,
            };
            let settings = crate::batch::tests::settings();
            assert_eq!(
                ChainTime::new(&settings, &view),
                ChainTime {
                    times: TIMES,
                    pauses,
                    now
                }
            );
        }
    }
}
