//! Strategic times of booking and claiming.

use super::{at, Attack, Play, Promise};
use crate::populations::Population;
use crate::world::{divide, ensure};
use plimsoll_mechanism::account::Account;
use plimsoll_mechanism::reward::Reward;
use plimsoll_mechanism::vesting::Vesting;

/// Epochs in which the attacker works.
const WORKED: u32 = 6;

/// By then everything is booked and has vested.
const LAST: u32 = 80;

/// Rewards of six epochs, each booked at some time, claimed at some times. The profit is
/// the most that it is ahead, at any time, of booking and claiming at once.
pub struct BookingTimes;

impl Attack for BookingTimes {
    fn name(&self) -> &'static str {
        "booking_and_claiming_times"
    }

    fn promise(&self) -> Promise {
        Promise::Excluded {
            by: "G14",
            within: 0,
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        let mut dials = vec![population.places(|_| true).len() as u64, 5, 4];
        // How late each is booked, and 32 epochs in which it claims or not.
        dials.extend(std::iter::repeat_n(40, WORKED as usize));
        dials.push(1 << 32);
        dials
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let vesting = Vesting {
            period_epochs: u32::try_from(dials[1] + 1).expect("few"),
            vesting_periods: u8::try_from(dials[2] + 1).expect("few"),
        };
        let reserve = population.reserve;
        let allocation = divide(&population.params, reserve, &population.parts());
        // Another amount each epoch, so that slots are told apart.
        let reward = |epoch: u32| {
            let part = |amount: u128| amount * u128::from(epoch + 3) / 8;
            let whole = allocation.rewards[who];
            Reward {
                amount: part(whole.amount),
                liquid: part(whole.liquid),
                returned: 0,
            }
        };
        let prompt = paid_by(&vesting, reward, |_| 0, |_| true);
        let late = |epoch: u32| u32::try_from(dials[3 + epoch as usize]).expect("few");
        let claims = |now: u32| dials[9] >> (now % 32) & 1 == 1 || now == LAST;
        let timed = paid_by(&vesting, reward, late, claims);
        let ahead = prompt
            .iter()
            .zip(&timed)
            .map(|(prompt, timed)| super::signed(*timed) - super::signed(*prompt))
            .max()
            .unwrap_or(0);
        let (prompt, timed) = (prompt[LAST as usize], timed[LAST as usize]);
        Play {
            honest: prompt,
            deviating: super::signed(prompt) + ahead,
            bounds: ensure(prompt == timed, || {
                format!("G14: {timed} of {prompt} in the end")
            }),
        }
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!(
            "operator {who} books {:?} epochs late, vesting {} periods of {}",
            &dials[3..9],
            dials[2] + 1,
            dials[1] + 1
        )
    }
}

/// What is paid by the end of each epoch.
fn paid_by(
    vesting: &Vesting,
    reward: impl Fn(u32) -> Reward,
    late: impl Fn(u32) -> u32,
    claims: impl Fn(u32) -> bool,
) -> Vec<u128> {
    let mut account = Account::default();
    let mut paid = 0;
    (0..=LAST)
        .map(|now| {
            for epoch in (0..WORKED).filter(|epoch| epoch + 1 + late(*epoch) == now) {
                account.release(vesting, now);
                account.book(vesting, epoch, &reward(epoch), now);
            }
            if claims(now) {
                account.release(vesting, now);
                paid += account.claim();
            }
            paid
        })
        .collect()
}
