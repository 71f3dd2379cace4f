//! What an epoch has given is given: G11, G14, G16, G17.

use crate::plan::{order, plans, scramble, Plan};
use crate::play::{with_play, Play, Reward};
use crate::SUITE;
use plimsoll_interface::mechanism::math::PPM;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{calls, Booked, Change, Claimed, Credited, Error, Settled};
use plimsoll_tests::{entry, Actor, Batch, Event, PARAMS};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Plays up to the full level.
fn raised(play: &mut Play, plan: &Plan) {
    play.set(plan, &plan.people);
    play.work(&plan.people, 1, plan.seed);
    play.settle();
    play.raise_all(plan.people.len(), plan.seed);
    play.world.go_to_final(play.epoch);
}

fn everybody(plan: &Plan) -> Vec<OperatorIndex> {
    (0..plan.people.len() as OperatorIndex).collect()
}

#[test]
fn g11_nothing_done_after_an_epoch_is_final_changes_what_it_gives() {
    let name = "g11_nothing_done_after_an_epoch_is_final_changes_what_it_gives";
    let inputs = (plans(), any::<u64>(), 1..=1_000_u32);
    SUITE.property(name, inputs, |(plan, seed, wait)| {
        with_play(&plan, |play| {
            let count = plan.people.len();
            raised(play, &plan);
            let promised = play.as_if(|play| play.book_now(&order(plan.seed, count), count));
            disturb(play, &plan, seed, wait);
            // In two pieces, in any order.
            let order = order(seed, count);
            let (first, second) = order.split_at(seed as usize % (count + 1));
            let mut booked = play.book_now(first, count);
            let rest = play.book_now(second, count);
            for k in second {
                booked[*k as usize] = rest[*k as usize];
            }
            prop_assert_eq!(booked, promised);
            Ok(())
        })
    });
}

/// Everything that everybody can do to an epoch that is final, and years.
fn disturb(play: &mut Play, plan: &Plan, seed: u64, wait: u32) {
    let world = &play.world;
    let [bank, owner, registrar, guardian] =
        [&world.bank, &world.owner, &world.registrar, &world.guardian].map(Actor::clone);
    play.send::<()>(&bank, calls::fund(1 + u128::from(seed >> 8)));
    // Other parameters, at their bounds.
    let params = Params {
        rate: PPM,
        fee_multiple: Some(0),
        operator_cap: 1_000,
        open_ceiling: 0,
        bond_leverage: 0,
        liquid_share: 0,
        liquid_allowance: 0,
        ..PARAMS
    };
    play.send::<u32>(&owner, calls::queue(&Change::Params(params)));
    for (k, person) in (0..).zip(&plan.people) {
        let actor = play.actors[k as usize].clone();
        match person.bond {
            // More bond, less, none, or another tier.
            Some(bond) => match scramble(seed, k as usize) % 4 {
                0 => play.send::<()>(&bank, calls::bond(k, 1_u128 << 70)),
                1 => drop(play.send::<u128>(&actor, calls::unbond(k, bond))),
                2 => drop(play.send::<u128>(&actor, calls::unbond(k, bond.div_ceil(2)))),
                _ => play.send::<()>(&registrar, calls::vouch(&[k])),
            },
            None if scramble(seed, k as usize).is_multiple_of(2) => {
                play.send::<()>(&registrar, calls::revoke(k));
            }
            None => {}
        }
    }
    // Another epoch is worked, settled and booked.
    let epoch = play.world.clock().epoch + wait;
    play.world.go_to_epoch(epoch);
    play.attest(epoch, 0, &[entry(0, 1 << 20, 1 << 20, 1)]);
    play.world.go_to_settlement(epoch);
    let anyone = play.world.anyone.clone();
    play.send::<Settled>(&anyone, calls::settle());
    play.world.go_to_final(epoch);
    play.send::<Booked>(&anyone, calls::book(&[epoch], &[0]));
    // A stopped clock stops no booking.
    play.send::<()>(&guardian, calls::pause());
}

/// What the last message paid to whom.
fn paid(play: &Play, sums: &mut BTreeMap<OperatorIndex, u128>) {
    let (_, events) = play.world.history.last().expect("just sent");
    for event in events {
        let (operator, amount) = match event {
            Event::Paid(e) => (e.operator, e.amount),
            Event::BondPaid(e) => (e.operator, e.amount),
            _ => continue,
        };
        *sums.entry(operator).or_default() += amount;
    }
}

fn claim(play: &mut Play, plan: &Plan, sums: &mut BTreeMap<OperatorIndex, u128>) {
    let anyone = play.world.anyone.clone();
    play.send::<Claimed>(&anyone, calls::claim_many(&everybody(plan)));
    paid(play, sums);
}

#[test]
fn g14_vesting_is_smooth_complete_and_the_same_whenever_it_is_booked_or_claimed() {
    let name = "g14_vesting_is_smooth_complete_and_the_same_whenever_it_is_booked_or_claimed";
    let inputs = (plans(), 0..=10_u32, 0..=2_000_u32);
    SUITE.property(name, inputs, |(plan, late, years)| {
        with_play(&plan, |play| {
            let count = plan.people.len();
            raised(play, &plan);
            let vesting = play.world.settings().vesting;
            let length = vesting.length() as u32;
            let end = (vesting.period(play.epoch) + 1) * vesting.period_epochs;
            let first = play.world.clock().epoch;
            let last = first.max(end + length);
            // Booked at once and claimed in every epoch.
            let (rewards, history) = play.as_if(|play| {
                let rewards = play.book_now(&order(plan.seed, count), count);
                let mut sums = BTreeMap::new();
                let mut history: BTreeMap<Epoch, Vec<u128>> = BTreeMap::new();
                for epoch in first..=last {
                    if epoch > first {
                        play.world.go_to_epoch(epoch);
                    }
                    claim(play, &plan, &mut sums);
                    let got = everybody(&plan).into_iter().map(|k| sums.get(&k).copied());
                    history.insert(epoch, got.map(Option::unwrap_or_default).collect());
                }
                (rewards, history)
            });
            for (k, reward) in rewards.iter().enumerate() {
                let vests = reward.amount - reward.liquid;
                let step = vests.div_ceil(u128::from(length));
                let arrears = u128::from(first.saturating_sub(end).min(length));
                let mut before = reward.liquid + vests * arrears / u128::from(length);
                prop_assert_eq!(history[&first][k], before, "at once");
                for (epoch, got) in history.iter().map(|(epoch, sums)| (*epoch, sums[k])) {
                    prop_assert!(got >= before && got - before <= step, "in {}", epoch);
                    prop_assert!(epoch > end || got == reward.liquid, "before the end");
                    before = got;
                }
                prop_assert_eq!(before, reward.amount, "complete after V");
            }
            // Booked late, and claimed then for the first time.
            let epoch = first + late;
            let late_sums = |play: &mut Play, epoch| {
                if epoch > play.world.clock().epoch {
                    play.world.go_to_epoch(epoch);
                }
                play.book_now(&order(plan.seed, count), count);
                let mut sums = BTreeMap::new();
                claim(play, &plan, &mut sums);
                sums
            };
            let sums = play.as_if(|play| late_sums(play, epoch));
            let eager = &history[&epoch.min(last)];
            for (k, eager) in (0..).zip(eager) {
                prop_assert_eq!(sums.get(&k).copied().unwrap_or(0), *eager, "late");
            }
            // Years late, all of it at once.
            let sums = late_sums(play, last + years);
            for (k, reward) in (0..).zip(&rewards) {
                prop_assert_eq!(sums.get(&k).copied().unwrap_or(0), reward.amount);
            }
            Ok(())
        })
    });
}

#[test]
fn g16_a_batch_counts_once_and_needs_its_attesters() {
    let name = "g16_a_batch_counts_once_and_needs_its_attesters";
    SUITE.property(name, (plans(), 1..=3_usize), |(plan, batches)| {
        with_play(&plan, |play| {
            play.set(&plan, &plan.people);
            let sent = play.work(&plan.people, batches, plan.seed);
            let (anyone, emission) = (play.world.anyone.clone(), play.world.emission);
            let attesters = play.world.attesters.clone();
            let threshold = usize::from(play.world.setup.threshold);
            let lanes = play.world.settings().lanes;
            for batch in &sent {
                let refused = |play: &mut Play, batch: &Batch| {
                    play.world.send::<Credited>(&anyone, batch.call()).refused()
                };
                // As it was, and signed by others who are attesters as well.
                let next = play.world.next_seq(batch.header.epoch, batch.header.lane);
                prop_assert_eq!(refused(play, batch), Error::WrongSeq(next));
                let others = &attesters[attesters.len() - threshold..];
                let again = batch.clone().signed(emission, others);
                prop_assert_eq!(refused(play, &again), Error::WrongSeq(next));
                // As the next one, with the old signatures or with too few.
                let mut moved = batch.clone();
                moved.header.seq = next;
                let error = refused(play, &moved);
                let strangers = matches!(
                    error,
                    Error::UnknownAttester(_) | Error::BadSignature(_) | Error::SignerOrder(_)
                );
                // Or its figures would leave their range, which is seen before.
                let beyond = matches!(error, Error::EntryOverflow(_));
                prop_assert!(strangers || beyond, "{:?}", error);
                let few = moved.clone().signed(emission, &attesters[..threshold - 1]);
                let error = refused(play, &few);
                prop_assert!(error == Error::SignatureCount || beyond, "{:?}", error);
                // In another lane.
                let mut lane = batch.clone();
                lane.header.lane = (lane.header.lane + 1) % lanes;
                lane.header.seq = play.world.next_seq(lane.header.epoch, lane.header.lane);
                let error = refused(play, &lane);
                prop_assert!(!matches!(error, Error::WrongSeq(_)), "{:?}", error);
            }
            // All of it counted once.
            let view = play.view();
            let sum = |vetted: bool| {
                let mine = plan.people.iter().filter(|p| p.bond.is_none() == vetted);
                mine.fold(Work::default(), |sum, person| Work {
                    fragment: sum.fragment + u128::from(person.fragment),
                    bulk: sum.bulk + u128::from(person.bulk),
                })
            };
            prop_assert_eq!((view.vetted, view.open), (sum(true), sum(false)));
            // And after the window not even with everybody's signature.
            play.world.go_to_review(play.epoch);
            let mut late = sent[0].clone();
            late.header.seq = play.world.next_seq(play.epoch, late.header.lane);
            let late = late.signed(emission, &attesters);
            let refused = play.world.send::<Credited>(&anyone, late.call()).refused();
            prop_assert_eq!(refused, Error::EpochClosed);
            Ok(())
        })
    });
}

/// The guardian stops the clock whenever it may: everybody is paid all the same, and
/// waits no longer than that can take.
#[test]
fn g17_rewards_and_bonds_leave_on_schedule_whatever_the_guardian_does() {
    let name = "g17_rewards_and_bonds_leave_on_schedule_whatever_the_guardian_does";
    SUITE.property(name, (plans(), any::<u64>()), |(plan, seed)| {
        with_play(&plan, |play| {
            let count = plan.people.len();
            raised(play, &plan);
            let rewards: Vec<Reward> = play.book_now(&order(seed, count), count);
            let mut sums = BTreeMap::new();
            for (k, person) in (0..).zip(&plan.people) {
                if let Some(bond) = person.bond {
                    let actor = play.actors[k as usize].clone();
                    play.send::<u128>(&actor, calls::unbond(k, bond));
                    paid(play, &mut sums);
                }
            }
            let settings = *play.world.settings();
            let times = settings.times;
            let begun = play.world.clock();
            let end = u64::from(begun.epoch + 1 + settings.vesting.period_epochs);
            let vested = (end + settings.vesting.length()) * times.epoch;
            let left = u64::from(begun.epoch + 2 + settings.unbonding_epochs) * times.epoch;
            let until = vested.max(left);
            let guardian = play.world.guardian.clone();
            loop {
                let clock = play.world.clock();
                if clock.elapsed >= until {
                    break;
                }
                if play.world.send::<()>(&guardian, calls::pause()).succeeded() {
                    // The clock stands as long as it can.
                    play.world.pass(times.max_pause);
                    continue;
                }
                let step = (until - clock.elapsed).min(times.pause_gap);
                play.world.pass(step);
            }
            let clock = play.world.clock();
            let (wall, passed) = (clock.now - begun.now, clock.elapsed - begun.elapsed);
            let pauses = passed / times.pause_gap + 2;
            prop_assert!(
                wall <= passed + pauses * times.max_pause,
                "{} {}",
                wall,
                passed
            );
            let anyone = play.world.anyone.clone();
            for (k, person) in (0..).zip(&plan.people) {
                if person.bond.is_some() && !play.world.operator(k).unbonding.is_empty() {
                    play.send::<u128>(&anyone, calls::withdraw_bond(k));
                    paid(play, &mut sums);
                }
            }
            claim(play, &plan, &mut sums);
            for (k, (person, reward)) in (0..).zip(plan.people.iter().zip(&rewards)) {
                let due = person.bond.unwrap_or(0) + reward.amount;
                prop_assert_eq!(sums.get(&k).copied().unwrap_or(0), due, "{}", k);
            }
            let ledger = play.world.ledger();
            let owed = (ledger.unvested, ledger.claimable, ledger.bonds);
            prop_assert_eq!(owed, (0, 0, 0), "{:?}", ledger);
            Ok(())
        })
    });
}
