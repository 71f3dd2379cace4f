//! The epoch clock: `epoch(t) = (t - genesis - paused) / epoch_ms`.
//!
//! After epoch `e` come three windows, together at most one epoch long:
//!
//! ```text
//! | epoch e        | attest | review | level |
//!                  end      strike   settle  final
//! ```
//!
//! *Wall time* is what the chain's clock says; *clock time* is wall time since
//! genesis without the pauses. All windows are measured in clock time, so a pause
//! moves everything by its own length.

use crate::Epoch;

/// The times fixed at deployment, all in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Times {
    /// Wall time at which epoch 0 begins (milliseconds since 1970).
    pub genesis: u64,
    /// Length of an epoch; at least 1.
    pub epoch: u64,
    /// How long after its end an epoch still takes batches; at least 1.
    pub attest_window: u64,
    /// How long the guardian may then strike; at least 1.
    pub review_window: u64,
    /// How long anyone may raise once the epoch is settled; at least 1.
    pub level_window: u64,
    /// The longest pause.
    pub max_pause: u64,
    /// The shortest time from the end of a pause to the next one.
    pub pause_gap: u64,
}

/// Why [`Times::check`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimesError {
    /// `epoch` or one of the windows is 0.
    ZeroLength,
    /// The three windows together are longer than an epoch.
    WindowsTooLong,
    /// Genesis lies in the past.
    GenesisPast,
}

/// The pauses so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Pauses {
    /// Total length of all pauses before the newest one, in ms.
    pub before: u64,
    /// The newest pause: wall time of its start, and of its end if it was ended by hand.
    pub newest: Option<Pause>,
}

/// One pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Pause {
    /// Wall time at which it began, in ms.
    pub start: u64,
    /// Wall time at which it ends at the latest (or ended), in ms.
    pub end: u64,
}

/// Why a pause was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseError {
    /// The clock is stopped already.
    Paused,
    /// The clock is not stopped.
    NotPaused,
    /// The last pause ended less than `pause_gap` ago.
    TooSoon,
    /// Genesis has not come.
    NotStarted,
}

impl Times {
    /// Checks the bounds of a deployment at wall time `now` (ms).
    ///
    /// # Errors
    /// See [`TimesError`].
    pub fn check(&self, now: u64) -> Result<(), TimesError> {
        let windows = [self.attest_window, self.review_window, self.level_window];
        if self.epoch == 0 || windows.contains(&0) {
            return Err(TimesError::ZeroLength);
        }
        let total = windows.iter().map(|w| u128::from(*w)).sum::<u128>();
        if total > u128::from(self.epoch) {
            return Err(TimesError::WindowsTooLong);
        }
        if self.genesis < now {
            return Err(TimesError::GenesisPast);
        }
        Ok(())
    }
}

impl Pauses {
    /// Total length of all pauses up to wall time `now`, in ms.
    #[must_use]
    pub fn total(&self, now: u64) -> u64 {
        let newest = self
            .newest
            .map_or(0, |p| p.end.min(now).saturating_sub(p.start));
        self.before.saturating_add(newest)
    }

    /// Whether the clock stands still at wall time `now`.
    #[must_use]
    pub fn stopped(&self, now: u64) -> bool {
        self.newest.is_some_and(|p| now >= p.start && now < p.end)
    }

    /// Stops the clock at wall time `now`, until it is started again or
    /// `max_pause` is over.
    ///
    /// # Errors
    /// See [`PauseError`].
    pub fn pause(&mut self, times: &Times, now: u64) -> Result<(), PauseError> {
        if now < times.genesis {
            return Err(PauseError::NotStarted);
        }
        if let Some(newest) = self.newest {
            if now < newest.end {
                return Err(PauseError::Paused);
            }
            if now - newest.end < times.pause_gap {
                return Err(PauseError::TooSoon);
            }
            self.before = self.total(now);
        }
        self.newest = Some(Pause {
            start: now,
            end: now.saturating_add(times.max_pause),
        });
        Ok(())
    }

    /// Starts the clock again at wall time `now`.
    ///
    /// # Errors
    /// [`PauseError::NotPaused`] if it runs.
    pub fn unpause(&mut self, now: u64) -> Result<(), PauseError> {
        match &mut self.newest {
            Some(pause) if now < pause.end => {
                pause.end = now;
                Ok(())
            }
            _ => Err(PauseError::NotPaused),
        }
    }
}

/// The clock read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    times: Times,
    /// Clock time in ms, `None` before genesis.
    elapsed: Option<u64>,
    stopped: bool,
}

impl Clock {
    /// The clock at wall time `now` (ms).
    #[must_use]
    pub fn at(times: Times, pauses: &Pauses, now: u64) -> Self {
        Self {
            times,
            elapsed: now
                .checked_sub(times.genesis)
                .map(|t| t.saturating_sub(pauses.total(now))),
            stopped: pauses.stopped(now),
        }
    }

    /// Whether genesis has come.
    #[must_use]
    pub fn started(&self) -> bool {
        self.elapsed.is_some()
    }

    /// Whether a pause is on.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Clock time in ms; 0 before genesis.
    #[must_use]
    pub fn elapsed(&self) -> u64 {
        self.elapsed.unwrap_or(0)
    }

    /// The current epoch; 0 before genesis.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        // 2^32 epochs of a second are 136 years (`plimsoll deploy` takes no shorter ones).
        // A clock that ran past the last epoch would stay in it.
        Epoch::try_from(self.elapsed() / self.times.epoch).unwrap_or(Epoch::MAX)
    }

    /// The first epoch for which a change made now counts: the next one, or epoch
    /// 0 before genesis.
    #[must_use]
    pub fn next_epoch(&self) -> Epoch {
        if self.started() {
            self.epoch().saturating_add(1)
        } else {
            0
        }
    }

    /// The first epoch that begins at least `delay` ms of clock time from now.
    #[must_use]
    pub fn epoch_after(&self, delay: u64) -> Epoch {
        let at = self.elapsed().saturating_add(delay);
        let epoch = at.div_ceil(self.times.epoch);
        Epoch::try_from(epoch)
            .unwrap_or(Epoch::MAX)
            .max(self.next_epoch())
    }

    /// Clock time at which epoch `e` ends, in ms.
    #[must_use]
    pub fn end(&self, epoch: Epoch) -> u64 {
        (u64::from(epoch) + 1).saturating_mul(self.times.epoch)
    }

    /// Clock time at which epoch `e` takes no more batches.
    #[must_use]
    pub fn attest_end(&self, epoch: Epoch) -> u64 {
        self.end(epoch).saturating_add(self.times.attest_window)
    }

    /// Clock time at which the guardian may no longer strike in `e`, and `e` may be settled.
    #[must_use]
    pub fn review_end(&self, epoch: Epoch) -> u64 {
        self.attest_end(epoch)
            .saturating_add(self.times.review_window)
    }

    /// Clock time at which an epoch settled at clock time `settled_at` is final.
    #[must_use]
    pub fn final_at(&self, settled_at: u64) -> u64 {
        settled_at.saturating_add(self.times.level_window)
    }

    /// Whether batches for epoch `e` are taken now: it is the current epoch, or
    /// the one before within its attest window, and the clock runs.
    #[must_use]
    pub fn takes_work(&self, epoch: Epoch) -> bool {
        self.started()
            && !self.stopped
            && epoch <= self.epoch()
            && self.elapsed() < self.attest_end(epoch)
    }

    /// The one epoch in which a receipt of epoch `own` may count now: its own while
    /// that is not over, else the oldest that is not; `None` if `own` lies ahead.
    /// An epoch is over when its attest window is, however long a pause lasts.
    ///
    /// Right after an epoch's end two epochs take batches. If one attester could sign
    /// a late receipt for the first and another one for the second, both batches could
    /// be accepted and the receipt be counted twice, so there is no choice.
    #[must_use]
    pub fn counts_in(&self, own: Epoch) -> Option<Epoch> {
        let current = self.epoch();
        if !self.started() || own > current {
            return None;
        }
        let oldest = match current.checked_sub(1) {
            Some(previous) if self.elapsed() < self.attest_end(previous) => previous,
            _ => current,
        };
        Some(own.max(oldest))
    }

    /// Whether the guardian may strike in epoch `e` now.
    #[must_use]
    pub fn takes_strikes(&self, epoch: Epoch) -> bool {
        self.started()
            && self.elapsed() >= self.attest_end(epoch)
            && self.elapsed() < self.review_end(epoch)
    }

    /// Whether epoch `e` may be settled now.
    #[must_use]
    pub fn takes_settlement(&self, epoch: Epoch) -> bool {
        self.started() && !self.stopped && self.elapsed() >= self.review_end(epoch)
    }

    /// Whether an epoch settled at clock time `settled_at` is final.
    #[must_use]
    pub fn is_final(&self, settled_at: u64) -> bool {
        self.elapsed() >= self.final_at(settled_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        genesis: 1_000,
        epoch: 100,
        attest_window: 20,
        review_window: 30,
        level_window: 50,
        max_pause: 250,
        pause_gap: 1_000,
    };

    fn clock(pauses: &Pauses, now: u64) -> Clock {
        Clock::at(TIMES, pauses, now)
    }

    #[test]
    fn windows_follow_each_other_without_gap_or_overlap() {
        let none = Pauses::default();
        for now in 1_000..1_400 {
            let c = clock(&none, now);
            let phases = [c.takes_work(1), c.takes_strikes(1), c.takes_settlement(1)];
            let open = phases.iter().filter(|p| **p).count();
            assert_eq!(open, usize::from(now >= 1_100), "at {now}");
        }
        assert!(clock(&none, 1_219).takes_work(1));
        assert!(clock(&none, 1_220).takes_strikes(1));
        assert!(clock(&none, 1_250).takes_settlement(1));
    }

    #[test]
    fn a_pause_moves_every_window_by_its_own_length() {
        let mut pauses = Pauses::default();
        pauses.pause(&TIMES, 1_150).expect("clock runs");
        assert_eq!(clock(&pauses, 1_300).epoch(), 1);
        assert!(!clock(&pauses, 1_300).takes_work(1));
        pauses.unpause(1_300).expect("clock stands");
        assert_eq!(clock(&pauses, 1_349).epoch(), 1);
        assert_eq!(clock(&pauses, 1_350).epoch(), 2);
    }

    #[test]
    fn a_pause_ends_by_itself_and_not_again_within_the_gap() {
        let mut pauses = Pauses::default();
        pauses.pause(&TIMES, 1_100).expect("clock runs");
        assert_eq!(pauses.pause(&TIMES, 1_200), Err(PauseError::Paused));
        assert!(!pauses.stopped(1_350));
        assert_eq!(pauses.unpause(1_350), Err(PauseError::NotPaused));
        assert_eq!(pauses.pause(&TIMES, 2_349), Err(PauseError::TooSoon));
        pauses.pause(&TIMES, 2_350).expect("the gap is over");
        assert_eq!(pauses.total(2_450), 350);
    }

    #[test]
    fn a_late_receipt_counts_in_the_oldest_epoch_that_is_not_over() {
        let mut pauses = Pauses::default();
        // Epoch 2 begins at 1,200; epoch 1 takes batches until 1,220.
        let at = |pauses: &Pauses, now, own| clock(pauses, now).counts_in(own);
        assert_eq!(at(&pauses, 999, 0), None);
        assert_eq!(at(&pauses, 1_219, 3), None);
        assert_eq!(
            [0, 1, 2].map(|own| at(&pauses, 1_219, own)),
            [1, 1, 2].map(Some)
        );
        assert_eq!([0, 1, 2].map(|own| at(&pauses, 1_220, own)), [Some(2); 3]);
        // A pause takes no batches, and none of these epochs is over for that.
        pauses.pause(&TIMES, 1_210).expect("clock runs");
        assert_eq!(
            [0, 1, 2].map(|own| at(&pauses, 1_300, own)),
            [1, 1, 2].map(Some)
        );
    }

    #[test]
    fn changes_count_from_an_epoch_that_begins_after_the_delay() {
        let none = Pauses::default();
        assert_eq!(clock(&none, 900).next_epoch(), 0);
        assert_eq!(clock(&none, 1_000).next_epoch(), 1);
        assert_eq!(clock(&none, 1_010).epoch_after(0), 1);
        assert_eq!(clock(&none, 1_010).epoch_after(90), 1);
        assert_eq!(clock(&none, 1_010).epoch_after(91), 2);
    }

    #[test]
    fn deployments_out_of_bounds_are_refused() {
        assert_eq!(TIMES.check(1_000), Ok(()));
        assert_eq!(TIMES.check(1_001), Err(TimesError::GenesisPast));
        let mut long = TIMES;
        long.level_window = 51;
        assert_eq!(long.check(0), Err(TimesError::WindowsTooLong));
        let mut zero = TIMES;
        zero.review_window = 0;
        assert_eq!(zero.check(0), Err(TimesError::ZeroLength));
    }
}
