//! Vesting: G14.

use crate::support::source::Source;
use crate::support::{draw, property};
use num_bigint::BigUint;
use plimsoll_mechanism::vesting::{Ring, Vesting};
use plimsoll_mechanism::Epoch;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A reward that vests: for which epoch, how many epochs after it is booked, how much.
#[derive(Clone, Copy, Debug)]
struct Booking {
    epoch: Epoch,
    late: Epoch,
    amount: u128,
}

impl Booking {
    fn at(&self) -> Epoch {
        self.epoch + 1 + self.late
    }
}

fn schedule(source: &mut Source) -> Vesting {
    Vesting {
        period_epochs: match source.weighted(&[1, 4, 1]) {
            0 => 1,
            1 => source.small(1..=6),
            _ => source.small(1..=30),
        },
        vesting_periods: match source.weighted(&[1, 1, 3]) {
            0 => 1,
            1 => 12,
            _ => source.small(1..=12) as u8,
        },
    }
}

fn bookings(source: &mut Source) -> Vec<Booking> {
    let count = source.count(0..=24);
    source.list(count, |source| Booking {
        epoch: source.small(0..=39),
        late: match source.weighted(&[8, 6, 1, 1]) {
            0 => 0,
            1 => source.small(0..=8),
            2 => source.small(0..=100),
            // Years, in epochs of a day.
            _ => source.small(0..=1_000),
        },
        amount: match source.weighted(&[1, 1, 3, 3]) {
            0 => 0,
            1 => 1,
            2 => u128::from(source.within(0..=5_000)),
            _ => draw::magnitude(source, (1 << 96) - 1),
        },
    })
}

/// Runs `bookings` and releases at the epochs for which `claims` holds; returns
/// what was paid out by the end of each epoch up to `last`.
fn paid_out(
    vesting: &Vesting,
    bookings: &[Booking],
    last: Epoch,
    claims: impl Fn(Epoch) -> bool,
) -> Result<Vec<u128>, TestCaseError> {
    let mut ring = Ring::default();
    let (mut paid, mut booked) = (0_u128, 0_u128);
    let mut by_epoch = Vec::with_capacity(last as usize + 1);
    let mut bookings = in_order(bookings).into_iter().peekable();
    for now in 0..=last {
        while let Some(booking) = bookings.next_if(|b| b.at() == now) {
            paid += ring.release(vesting, now);
            paid += ring.book(vesting, vesting.period(booking.epoch), booking.amount, now);
            booked += booking.amount;
        }
        if claims(now) {
            paid += ring.release(vesting, now);
        }
        prop_assert!(paid <= booked, "never above booked");
        prop_assert_eq!(ring.unvested(vesting), booked - paid, "to the unit");
        prop_assert!(ring.slots().count() <= usize::from(vesting.vesting_periods) + 1);
        by_epoch.push(paid);
    }
    Ok(by_epoch)
}

/// In the order in which they are booked.
fn in_order(bookings: &[Booking]) -> Vec<Booking> {
    let mut bookings = bookings.to_vec();
    bookings.sort_by_key(Booking::at);
    bookings
}

fn last_epoch(vesting: &Vesting, bookings: &[Booking]) -> Epoch {
    let length = u32::try_from(vesting.length()).expect("small");
    let last_booked = bookings.iter().map(Booking::at).max().unwrap_or(0);
    last_booked + length + vesting.period_epochs + 1
}

/// What the text gives in each epoch up to `last` for all bookings made by then.
fn vested_by_the_text(vesting: &Vesting, bookings: &[Booking], last: Epoch) -> Vec<u128> {
    let mut periods: BTreeMap<u64, u128> = BTreeMap::new();
    let (length, epochs) = (vesting.length(), u64::from(vesting.period_epochs));
    let mut bookings = in_order(bookings).into_iter().peekable();
    (0..=last)
        .map(|now| {
            while let Some(booking) = bookings.next_if(|b| b.at() == now) {
                let period = u64::from(booking.epoch) / epochs;
                *periods.entry(period).or_default() += booking.amount;
            }
            let vested = |(period, amount): (&u64, &u128)| {
                let passed = u64::from(now).saturating_sub((period + 1) * epochs);
                // Below 25 times 2^96, times 360.
                amount * u128::from(passed.min(length)) / u128::from(length)
            };
            periods.iter().map(vested).sum()
        })
        .collect()
}

#[test]
fn g14_vesting_does_not_depend_on_when_it_is_claimed() {
    let inputs = |source: &mut Source| (schedule(source), bookings(source), source.word());
    property(
        "g14_vesting_does_not_depend_on_when_it_is_claimed",
        inputs,
        |(vesting, bookings, seed)| {
            let last = last_epoch(&vesting, &bookings);
            let often = paid_out(&vesting, &bookings, last, |_| true)?;
            let rarely = paid_out(&vesting, &bookings, last, |now| {
                now == last || draw::scramble(seed, now as usize).is_multiple_of(5)
            })?;
            let once = paid_out(&vesting, &bookings, last, |now| now == last)?;
            let booked: u128 = bookings.iter().map(|b| b.amount).sum();
            for paid in [&often, &rarely, &once] {
                prop_assert_eq!(paid.last(), Some(&booked), "complete after V epochs");
            }
            let expected = vested_by_the_text(&vesting, &bookings, last);
            prop_assert_eq!(&often, &expected);
            prop_assert!(often.is_sorted(), "monotone");
            let ahead = rarely
                .iter()
                .zip(&often)
                .any(|(rarely, often)| rarely > often);
            prop_assert!(!ahead, "nobody is ahead by claiming less often");
            Ok(())
        },
    );
}

#[test]
fn g14_vesting_does_not_depend_on_when_it_is_booked() {
    let inputs = |source: &mut Source| (schedule(source), bookings(source));
    property(
        "g14_vesting_does_not_depend_on_when_it_is_booked",
        inputs,
        |(vesting, bookings)| {
            let at_once: Vec<Booking> =
                bookings.iter().map(|b| Booking { late: 0, ..*b }).collect();
            let last = last_epoch(&vesting, &bookings);
            let late = paid_out(&vesting, &bookings, last, |_| true)?;
            let early = paid_out(&vesting, &at_once, last, |_| true)?;
            let all_booked = bookings.iter().map(Booking::at).max().unwrap_or(0);
            for now in 0..=last {
                prop_assert!(late[now as usize] <= early[now as usize]);
                prop_assert!(
                    now < all_booked || late[now as usize] == early[now as usize],
                    "at {}",
                    now
                );
            }
            Ok(())
        },
    );
}

#[test]
fn g14_an_epoch_releases_at_most_its_step() {
    let inputs = |source: &mut Source| (schedule(source), bookings(source));
    property(
        "g14_an_epoch_releases_at_most_its_step",
        inputs,
        |(vesting, mut bookings)| {
            // Booked as soon as possible: no arrears, unless the period is an epoch long.
            for booking in &mut bookings {
                booking.late = 0;
            }
            let last = last_epoch(&vesting, &bookings);
            let paid = paid_out(&vesting, &bookings, last, |_| true)?;
            let mut slots: BTreeMap<u32, u128> = BTreeMap::new();
            for booking in &bookings {
                *slots.entry(vesting.period(booking.epoch)).or_default() += booking.amount;
            }
            let length = u128::from(vesting.length());
            for now in 1..=last {
                let step = paid[now as usize] - paid[now as usize - 1];
                let most: u128 = slots
                    .iter()
                    .filter(|(period, _)| {
                        let end = u64::from((**period + 1) * vesting.period_epochs);
                        u64::from(now) > end && u64::from(now) <= end + vesting.length()
                    })
                    .map(|(_, amount)| amount.div_ceil(length))
                    .sum();
                prop_assert!(step <= most, "{} of at most {} at {}", step, most, now);
            }
            Ok(())
        },
    );
}

/// One reward by itself: nothing before the end of its period, which is at most
/// `period_epochs` away; all of it `V` epochs after that, or at once when it is booked
/// later; arrears at once; and then no more than its step an epoch.
#[test]
fn g14_a_reward_vests_from_the_end_of_its_period_and_is_complete_v_epochs_later() {
    property(
        "g14_a_reward_vests_from_the_end_of_its_period_and_is_complete_v_epochs_later",
        |source| {
            let amount = match source.weighted(&[1, 1, 1]) {
                0 => u128::from(source.within(0..=5_000)),
                1 => draw::magnitude(source, (1 << 96) - 1),
                _ => draw::magnitude(source, u128::MAX),
            };
            let late = match source.weighted(&[1, 1, 1]) {
                0 => 0,
                1 => source.small(0..=40),
                _ => source.small(0..=1_000),
            };
            (schedule(source), source.small(0..=60), late, amount)
        },
        |(vesting, epoch, late, amount)| {
            let booked_at = epoch + 1 + late;
            let epochs = vesting.period_epochs;
            let end = (epoch / epochs + 1) * epochs;
            let length = epochs * u32::from(vesting.vesting_periods);
            prop_assert!(end > epoch && end <= epoch + epochs);

            let mut ring = Ring::default();
            let mut paid = ring.book(&vesting, vesting.period(epoch), amount, booked_at);
            let passed = booked_at.saturating_sub(end).min(length);
            let arrears = BigUint::from(amount) * passed / length;
            prop_assert_eq!(BigUint::from(paid), arrears, "arrears at once");
            for now in booked_at + 1..=booked_at.max(end + length) {
                let step = ring.release(&vesting, now);
                prop_assert!(step <= amount.div_ceil(u128::from(length)), "at {}", now);
                paid += step;
                prop_assert!(now > end || paid == 0, "{} before the end", paid);
                prop_assert!(now >= end + length || amount == 0 || paid < amount || passed > 0);
            }
            prop_assert_eq!(paid, amount, "complete");
            prop_assert_eq!(ring.unvested(&vesting), 0);
            Ok(())
        },
    );
}

/// Arrears aside: in an epoch in which nothing is booked, each period gives at most its
/// step, however late its rewards were booked.
#[test]
fn g14_without_arrears_an_epoch_releases_at_most_its_step_however_late_it_was_booked() {
    let inputs = |source: &mut Source| (schedule(source), bookings(source));
    property(
        "g14_without_arrears_an_epoch_releases_at_most_its_step_however_late_it_was_booked",
        inputs,
        |(vesting, bookings)| {
            let last = last_epoch(&vesting, &bookings);
            let paid = paid_out(&vesting, &bookings, last, |_| true)?;
            let length = u128::from(vesting.length());
            let mut periods: BTreeMap<u32, u128> = BTreeMap::new();
            let mut bookings = in_order(&bookings).into_iter().peekable();
            for now in 1..=last {
                let mut arrears = false;
                while let Some(booking) = bookings.next_if(|b| b.at() == now) {
                    let period = booking.epoch / vesting.period_epochs;
                    *periods.entry(period).or_default() += booking.amount;
                    arrears = true;
                }
                let most: u128 = periods.values().map(|amount| amount.div_ceil(length)).sum();
                let step = paid[now as usize] - paid[now as usize - 1];
                prop_assert!(arrears || step <= most, "{} of {} at {}", step, most, now);
            }
            Ok(())
        },
    );
}

#[test]
fn g14_a_slash_takes_what_it_says_and_never_what_has_vested() {
    let inputs = |source: &mut Source| {
        let count = source.count(0..=5);
        let slashes = source.list(count, |source| {
            (source.small(0..=59), draw::magnitude(source, 1 << 97))
        });
        (schedule(source), bookings(source), slashes)
    };
    property(
        "g14_a_slash_takes_what_it_says_and_never_what_has_vested",
        inputs,
        |(vesting, bookings, slashes)| {
            let last = last_epoch(&vesting, &bookings).max(61);
            let mut ring = Ring::default();
            let (mut booked, mut paid, mut slashed) = (0_u128, 0_u128, 0_u128);
            for now in 0..=last {
                paid += ring.release(&vesting, now);
                for booking in bookings.iter().filter(|b| b.at() == now) {
                    paid += ring.book(&vesting, vesting.period(booking.epoch), booking.amount, now);
                    booked += booking.amount;
                }
                for (_, wanted) in slashes.iter().filter(|(at, _)| *at == now) {
                    let unvested = ring.unvested(&vesting);
                    let newest_first: Vec<u128> = ring.slots().map(|(_, amount)| amount).collect();
                    let taken = ring.slash(&vesting, *wanted);
                    prop_assert_eq!(taken, unvested.min(*wanted), "to the unit");
                    prop_assert_eq!(ring.unvested(&vesting), unvested - taken);
                    // Only a prefix is emptied: an older slot is touched after every newer one.
                    let after: Vec<u128> = ring.slots().map(|(_, amount)| amount).collect();
                    let touched = |k: usize| after.get(k).copied().unwrap_or(0) != newest_first[k];
                    if let Some(oldest) = (0..newest_first.len()).rev().find(|k| touched(*k)) {
                        let newer = ring
                            .slots()
                            .take(oldest)
                            .map(|(period, amount)| amount - vesting.vested(amount, period, now));
                        prop_assert_eq!(newer.sum::<u128>(), 0, "the newest first");
                    }
                    slashed += taken;
                }
                prop_assert_eq!(booked, paid + slashed + ring.unvested(&vesting));
            }
            prop_assert_eq!(booked, paid + slashed, "the rest vests whole");
            Ok(())
        },
    );
}
