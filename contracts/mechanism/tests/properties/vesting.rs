//! Vesting: G14.

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

fn schedules() -> impl Strategy<Value = Vesting> {
    let periods = prop_oneof![1 => Just(1_u8), 1 => Just(12), 3 => 1..=12_u8];
    let epochs = prop_oneof![1 => Just(1_u32), 4 => 1..=6_u32, 1 => 1..=30_u32];
    (epochs, periods).prop_map(|(period_epochs, vesting_periods)| Vesting {
        period_epochs,
        vesting_periods,
    })
}

fn bookings() -> impl Strategy<Value = Vec<Booking>> {
    let late = prop_oneof![4 => Just(0_u32), 3 => 0..=8_u32, 1 => 0..=400_u32];
    let amount = prop_oneof![
        1 => Just(0_u128),
        1 => Just(1),
        3 => 0..=5_000_u128,
        3 => draw::magnitude((1 << 96) - 1),
    ];
    let booking = (0..40_u32, late, amount).prop_map(|(epoch, late, amount)| Booking {
        epoch,
        late,
        amount,
    });
    prop::collection::vec(booking, 0..25)
}

/// Runs `bookings` and releases at the epochs for which `claims` holds; returns
/// what was paid out by the end of each epoch up to `last`.
fn paid_out(
    vesting: &Vesting,
    bookings: &[Booking],
    last: Epoch,
    claims: impl Fn(Epoch) -> bool,
) -> Result<BTreeMap<Epoch, u128>, TestCaseError> {
    let mut ring = Ring::default();
    let (mut paid, mut booked) = (0_u128, 0_u128);
    let mut by_epoch = BTreeMap::new();
    for now in 0..=last {
        for booking in bookings.iter().filter(|b| b.at() == now) {
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
        by_epoch.insert(now, paid);
    }
    Ok(by_epoch)
}

fn last_epoch(vesting: &Vesting, bookings: &[Booking]) -> Epoch {
    let length = u32::try_from(vesting.length()).expect("small");
    let last_booked = bookings.iter().map(Booking::at).max().unwrap_or(0);
    last_booked + length + vesting.period_epochs + 1
}

/// What the text gives for all bookings made by `now`.
fn vested_by_the_text(vesting: &Vesting, bookings: &[Booking], now: Epoch) -> BigUint {
    let mut slots: BTreeMap<u32, BigUint> = BTreeMap::new();
    for booking in bookings.iter().filter(|b| b.at() <= now) {
        *slots
            .entry(booking.epoch / vesting.period_epochs)
            .or_default() += booking.amount;
    }
    let length = vesting.length();
    slots
        .into_iter()
        .map(|(period, amount)| {
            let end = u64::from((period + 1) * vesting.period_epochs);
            let passed = u64::from(now).saturating_sub(end).min(length);
            amount * passed / length
        })
        .sum()
}

#[test]
fn g14_vesting_does_not_depend_on_when_it_is_claimed() {
    let inputs = (schedules(), bookings(), any::<u64>());
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
            prop_assert_eq!(often[&last], booked, "complete after V epochs");
            prop_assert_eq!(rarely[&last], booked);
            prop_assert_eq!(once[&last], booked);
            let mut before = 0;
            for (now, paid) in often {
                prop_assert!(paid >= before, "monotone");
                prop_assert!(
                    rarely[&now] <= paid,
                    "nobody is ahead by claiming less often"
                );
                let expected = vested_by_the_text(&vesting, &bookings, now);
                prop_assert_eq!(BigUint::from(paid), expected, "at {}", now);
                before = paid;
            }
            Ok(())
        },
    );
}

#[test]
fn g14_vesting_does_not_depend_on_when_it_is_booked() {
    let inputs = (schedules(), bookings());
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
                prop_assert!(late[&now] <= early[&now]);
                prop_assert!(now < all_booked || late[&now] == early[&now], "at {}", now);
            }
            Ok(())
        },
    );
}

#[test]
fn g14_an_epoch_releases_at_most_its_step() {
    let inputs = (schedules(), bookings());
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
                let step = paid[&now] - paid[&(now - 1)];
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

#[test]
fn g14_a_slash_takes_what_it_says_and_never_what_has_vested() {
    let slash = (0..60_u32, draw::magnitude(1 << 97));
    let inputs = (schedules(), bookings(), prop::collection::vec(slash, 0..6));
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
