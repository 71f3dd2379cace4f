//! The clock and its pauses: G17.

use crate::support::property;
use crate::support::source::Source;
use plimsoll_mechanism::clock::{Clock, PauseError, Pauses, Times};
use proptest::prelude::*;

/// Times within the bounds of a deployment, small ones, so that their edges are met.
fn times(source: &mut Source) -> Times {
    let windows = [(); 3].map(|()| source.within(1..=30));
    Times {
        genesis: source.within(0..=50),
        epoch: windows.iter().sum::<u64>() + source.within(0..=40),
        attest_window: windows[0],
        review_window: windows[1],
        level_window: windows[2],
        max_pause: source.within(0..=120),
        pause_gap: source.within(0..=120),
    }
}

/// Times between attempts to pause (or, if so, to unpause).
fn attempts(source: &mut Source) -> Vec<(u64, bool)> {
    let count = source.count(0..=20);
    source.list(count, |source| {
        (source.within(0..=80), source.below(3) == 0)
    })
}

/// The pauses that come of `attempts`, with what each moment is like: whether the clock
/// stands in it, by a model that knows no formula.
fn run(times: &Times, attempts: &[(u64, bool)]) -> Result<(Pauses, Vec<bool>), TestCaseError> {
    let mut pauses = Pauses::default();
    let mut stands: Vec<bool> = Vec::new();
    // Until when the newest pause lasts, if there was one.
    let mut until: Option<u64> = None;
    let stop = |stands: &mut Vec<bool>, now: u64, until: Option<u64>| {
        while (stands.len() as u64) < now {
            let moment = stands.len() as u64;
            stands.push(until.is_some_and(|until| moment < until));
        }
    };
    for (wait, ends) in attempts {
        let now = stands.len() as u64 + wait;
        stop(&mut stands, now, until);
        let stopped = until.is_some_and(|until| now < until);
        if *ends {
            let ended = pauses.unpause(now);
            prop_assert_eq!(ended.is_ok(), stopped);
            prop_assert!(stopped || ended == Err(PauseError::NotPaused));
            until = if stopped { Some(now) } else { until };
        } else {
            let expected = if now < times.genesis {
                Err(PauseError::NotStarted)
            } else if stopped {
                Err(PauseError::Paused)
            } else if until.is_some_and(|until| now < until + times.pause_gap) {
                Err(PauseError::TooSoon)
            } else {
                until = Some(now + times.max_pause);
                Ok(())
            };
            prop_assert_eq!(pauses.pause(times, now), expected);
        }
        prop_assert_eq!(pauses.stopped(now), until.is_some_and(|until| now < until));
        let stood = stands.iter().filter(|stands| **stands).count() as u64;
        prop_assert_eq!(pauses.total(now), stood);
    }
    let last = stands.len() as u64 + times.max_pause + 1;
    stop(&mut stands, last, until);
    Ok((pauses, stands))
}

#[test]
fn g17_a_pause_delays_by_at_most_max_pause_in_every_pause_gap() {
    property(
        "g17_a_pause_delays_by_at_most_max_pause_in_every_pause_gap",
        |source| (times(source), attempts(source)),
        |(times, attempts)| {
            let (_, stands) = run(&times, &attempts)?;
            // How long the clock stood before each moment.
            let mut stood = vec![0_u64];
            for stands in stands {
                stood.push(stood[stood.len() - 1] + u64::from(stands));
            }
            for from in 0..stood.len() {
                let to = (from + times.pause_gap as usize).min(stood.len() - 1);
                let most = times.max_pause.min(times.pause_gap);
                prop_assert!(stood[to] - stood[from] <= most, "{} to {}", from, to);
            }
            Ok(())
        },
    );
}

/// Clock time is wall time since genesis without the pauses, and every window follows from
/// it: at any moment an epoch is in one phase, and the phases come in order.
#[test]
fn g17_every_window_opens_on_schedule_and_a_pause_moves_it_by_its_own_length() {
    property(
        "g17_every_window_opens_on_schedule_and_a_pause_moves_it_by_its_own_length",
        |source| (times(source), attempts(source), source.small(0..=4)),
        |(times, attempts, epoch)| {
            let (pauses, stands) = run(&times, &attempts)?;
            let begins = attempts.iter().map(|(wait, _)| wait).sum::<u64>();
            let mut elapsed = 0;
            for (now, stands) in stands.into_iter().enumerate() {
                let now = now as u64;
                let started = now >= times.genesis;
                // What the pauses know of the past is the newest one and a sum.
                if now >= begins {
                    let clock = Clock::at(times, &pauses, now);
                    prop_assert_eq!(clock.started(), started);
                    prop_assert_eq!(clock.stopped(), stands);
                    prop_assert_eq!(clock.elapsed(), elapsed);
                    let current = elapsed / times.epoch;
                    prop_assert_eq!(u64::from(clock.epoch()), current);
                    let next = if started { current + 1 } else { 0 };
                    prop_assert_eq!(u64::from(clock.next_epoch()), next);
                    // Epoch, attest window, review window.
                    let begin = u64::from(epoch) * times.epoch;
                    let late = begin + times.epoch + times.attest_window;
                    let reviewed = late + times.review_window;
                    let runs = started && !stands;
                    let taken = runs && (begin..late).contains(&elapsed);
                    prop_assert_eq!(clock.takes_work(epoch), taken);
                    let struck = started && (late..reviewed).contains(&elapsed);
                    prop_assert_eq!(clock.takes_strikes(epoch), struck);
                    let settled = runs && elapsed >= reviewed;
                    prop_assert_eq!(clock.takes_settlement(epoch), settled);
                    for at in [elapsed.saturating_sub(times.level_window), elapsed] {
                        let is_final = elapsed >= at + times.level_window;
                        prop_assert_eq!(clock.is_final(at), is_final);
                    }
                    for delay in [0, 1, times.epoch, begins] {
                        let after = u64::from(clock.epoch_after(delay));
                        prop_assert!(after >= next && after * times.epoch >= elapsed + delay);
                        let early = after.checked_sub(1).is_some_and(|sooner| {
                            sooner >= next && sooner * times.epoch >= elapsed + delay
                        });
                        prop_assert!(!early, "an epoch too late");
                    }
                }
                if started && !stands {
                    elapsed += 1;
                }
            }
            Ok(())
        },
    );
}
