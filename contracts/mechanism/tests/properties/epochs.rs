//! Many epochs, messages in any order: G1, G11, G15, G17.

use crate::support::draw;
use crate::support::host::Host;
use crate::support::play::{self, Play, Step};
use crate::support::property;
use crate::support::raise::at_or_above;
use crate::support::source::Source;
use plimsoll_mechanism::bond::Unbonding;
use plimsoll_mechanism::level::Level;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::Epoch;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Plays all steps and calls `check` after each.
fn played(
    play: &Play,
    mut check: impl FnMut(&Host, &Step) -> Result<(), TestCaseError>,
) -> Result<Host, TestCaseError> {
    let mut host = play::start(play);
    for step in &play.steps {
        play::take(&mut host, step);
        check(&host, step)?;
    }
    Ok(host)
}

/// Brings everything that was worked to its end: settled, raised, final.
fn finish(host: &mut Host) {
    let _ = host.unpause();
    host.pass(300);
    while let Ok(epoch) = host.settle() {
        play::raise_all(host, epoch, 1);
    }
    host.pass(host.settings.times.level_window);
}

fn worked(host: &Host) -> Vec<Epoch> {
    host.records.keys().copied().collect()
}

/// The host puts back what a refused message changed, piece by piece. What the properties
/// see is what a contract shows only if nothing is left over.
#[test]
fn a_refused_message_leaves_no_trace() {
    let mut put_back = 0;
    for seed in 0..1_000 {
        let play = play::plays(&mut Source::new(seed));
        let mut host = play::start(&play);
        host.watched = true;
        for step in &play.steps {
            play::take(&mut host, step);
        }
        put_back += host.put_back;
    }
    assert!(put_back > 500, "only {put_back} things were put back");
}

#[test]
fn g1_every_unit_is_somewhere_after_every_call() {
    property(
        "g1_every_unit_is_somewhere_after_every_call",
        play::plays,
        |play| {
            played(&play, |host, step| {
                let ledger = &host.ledger;
                let now = host.clock().epoch();
                prop_assert!(ledger.conserves(), "after {:?}: {:?}", step, ledger);
                prop_assert_eq!(ledger.reserve(now) + ledger.inflows(now), ledger.balance());
                // Each term is what the accounts and the epochs say.
                let accounts = || host.operators.iter().map(|operator| &operator.account);
                let pots = host.records.values().filter_map(|record| record.settlement);
                prop_assert_eq!(ledger.pots, pots.map(|s| s.pot).sum::<u128>());
                prop_assert_eq!(
                    ledger.claimable,
                    accounts().map(|account| account.claimable).sum::<u128>()
                );
                let vesting = &host.settings.vesting;
                prop_assert_eq!(
                    ledger.unvested,
                    accounts().map(|a| a.ring.unvested(vesting)).sum::<u128>()
                );
                prop_assert_eq!(
                    ledger.bonds,
                    accounts().map(|a| a.bond.total()).sum::<u128>()
                );
                Ok(())
            })?;
            Ok(())
        },
    );
}

/// `R` of an epoch is what had entered before it began less what earlier epochs
/// were given, whatever the moment of its first batch and of its settlement.
#[test]
fn g1_an_epoch_counts_the_reserve_at_its_start() {
    property(
        "g1_an_epoch_counts_the_reserve_at_its_start",
        play::plays,
        |mut play| {
            // Steps that let time pass and move amounts at once hide when was what.
            play.steps
                .retain(|step| !matches!(step, Step::Cycle { .. }));
            // What had entered when each epoch began: passing time enters nothing, so
            // all epochs that begin in one step began with the same.
            let mut before = play::start(&play).ledger.entered;
            let mut at_start = vec![before];
            played(&play, |host, step| {
                let begun = host.clock().epoch() as usize + 1;
                at_start.resize(at_start.len().max(begun), before);
                for (epoch, record) in &host.records {
                    prop_assert_eq!(
                        record.entered_before,
                        at_start[*epoch as usize],
                        "epoch {} after {:?}",
                        epoch,
                        step
                    );
                }
                before = host.ledger.entered;
                Ok(())
            })?;
            Ok(())
        },
    );
}

/// `E <= R`, `R` being what had entered before the epoch less what was emitted for
/// earlier ones, and what an epoch gives to all is at most its `E`.
#[test]
fn g2_every_budget_is_in_the_reserve_of_its_epoch() {
    property(
        "g2_every_budget_is_in_the_reserve_of_its_epoch",
        play::plays,
        |play| {
            let mut host = played(&play, |_, _| Ok(()))?;
            finish(&mut host);
            let mut emitted = 0;
            for (epoch, record) in &host.records {
                let settlement = record.settlement.expect("settled");
                let reserve = record.entered_before.checked_sub(emitted);
                prop_assert!(reserve.is_some(), "earlier budgets were not there");
                prop_assert!(settlement.budget <= reserve.unwrap_or(0), "epoch {}", epoch);
                let rewards = host.promised[epoch].iter().map(|reward| reward.amount);
                prop_assert!(rewards.sum::<u128>() <= settlement.budget);
                emitted += settlement.budget;
            }
            prop_assert_eq!(host.ledger.emitted, emitted);
            Ok(())
        },
    );
}

/// From its settlement on nothing that anybody does lowers an epoch's level, or what
/// anybody would get at it, by more than the unit that rounding `N'` may cost.
#[test]
fn g13_no_message_lowers_the_level_or_a_reward() {
    /// An epoch's level, and the most that was in sight for each operator.
    type Sight = (Level, Vec<u128>);
    property(
        "g13_no_message_lowers_the_level_or_a_reward",
        play::plays,
        |play| {
            let mut before: BTreeMap<Epoch, Sight> = BTreeMap::new();
            played(&play, |host, step| {
                for (epoch, record) in &host.records {
                    let Some(settlement) = record.settlement else {
                        continue;
                    };
                    let now = settlement.level;
                    let (level, most) = before
                        .entry(*epoch)
                        .or_insert_with(|| (now, vec![0; play::operators().len()]));
                    prop_assert!(at_or_above(now, *level), "after {:?}", step);
                    *level = now;
                    for (most, operator) in most.iter_mut().zip(play::operators()) {
                        if host.booked.contains_key(&(*epoch, *operator)) {
                            continue;
                        }
                        let amount = host.reward(*epoch, *operator).amount;
                        prop_assert!(amount + 1 >= *most, "{} after {:?}", operator, step);
                        *most = amount.max(*most);
                    }
                }
                Ok(())
            })?;
            Ok(())
        },
    );
}

/// What the records add up is what the pages hold: nothing is credited, struck or
/// skipped in one place only.
#[test]
fn g12_totals_are_the_sum_of_all_figures_after_every_call() {
    property(
        "g12_totals_are_the_sum_of_all_figures_after_every_call",
        play::plays,
        |play| {
            played(&play, |host, step| {
                for (epoch, record) in &host.records {
                    if record.settlement.is_some() {
                        continue;
                    }
                    let mut totals = [Work::default(); 2];
                    for operator in play::operators() {
                        let figures = host.figures(*epoch, *operator);
                        let total = &mut totals[usize::from(figures.vetted)];
                        *total = total.checked_add(&figures.work()).expect("small");
                    }
                    prop_assert_eq!(totals, [record.open, record.vetted], "after {:?}", step);
                }
                Ok(())
            })?;
            Ok(())
        },
    );
}

#[test]
fn g15_the_token_balance_covers_all_that_is_owed() {
    property(
        "g15_the_token_balance_covers_all_that_is_owed",
        play::plays,
        |play| {
            let mut donated = 0_u128;
            played(&play, |host, step| {
                if let Step::Donate(amount) = step {
                    donated += amount;
                }
                let ledger = &host.ledger;
                prop_assert!(host.tokens >= ledger.owed(), "after {:?}", step);
                prop_assert_eq!(host.tokens, ledger.owed() + donated);
                prop_assert_eq!(host.tokens, ledger.received - ledger.paid + donated);
                Ok(())
            })?;
            Ok(())
        },
    );
}

#[test]
fn g11_nothing_done_after_an_epoch_is_final_changes_what_it_gives() {
    property(
        "g11_nothing_done_after_an_epoch_is_final_changes_what_it_gives",
        play::plays,
        |play| {
            let mut host = played(&play, |_, _| Ok(()))?;
            finish(&mut host);
            // Years later: other parameters, other bonds, more funds.
            host.pass(100_000);
            let _ = host.fund(1 << 90);
            for operator in play::operators() {
                let _ = host.unbond(*operator, 50_000);
                let _ = host.vouch(*operator);
            }
            host.pass(5_000);
            for epoch in worked(&host) {
                for operator in play::operators() {
                    let promised = host.promised[&epoch][*operator as usize];
                    if !host.booked.contains_key(&(epoch, *operator)) {
                        prop_assert_eq!(host.reward(epoch, *operator), promised);
                    }
                }
                prop_assert!(host.book(epoch, play::operators()).is_ok());
            }
            for ((epoch, operator), booked) in &host.booked {
                let promised = &host.promised[epoch][*operator as usize];
                prop_assert_eq!(booked, promised, "{} {}", epoch, operator);
            }
            prop_assert_eq!(host.stored_pages(), 0, "pages go with their last operator");
            Ok(())
        },
    );
}

#[test]
fn g11_a_late_settlement_changes_no_amount() {
    let inputs = |source: &mut Source| {
        (
            play::plays(source),
            play::plays(source),
            play::entries(source),
        )
    };
    property(
        "g11_a_late_settlement_changes_no_amount",
        inputs,
        |(play, later, entries)| {
            let mut host = played(&play, |_, _| Ok(()))?;
            finish(&mut host);
            let epoch = host.clock().epoch();
            play::take(
                &mut host,
                &Step::Attest {
                    back: 0,
                    lane: 0,
                    entries,
                },
            );
            prop_assume!(host.records.contains_key(&epoch));
            host.pass(100 + 50);
            let mut late = host.clone();
            for step in &later.steps {
                // Anything but the settlement itself.
                if !matches!(
                    step,
                    Step::Settle | Step::Cycle { .. } | Step::Strike { .. }
                ) {
                    play::take(&mut late, step);
                }
            }
            finish(&mut late);
            finish(&mut host);
            let (in_time, late_record) = (&host.records[&epoch], &late.records[&epoch]);
            prop_assert_eq!(in_time.division(0), late_record.division(0));
            prop_assert_eq!(
                in_time.settlement.expect("settled").budget,
                late_record.settlement.expect("settled").budget
            );
            prop_assert_eq!(&host.promised[&epoch], &late.promised[&epoch]);
            Ok(())
        },
    );
}

#[test]
fn g17_whatever_happened_rewards_and_bonds_can_be_withdrawn() {
    let inputs = |source: &mut Source| (play::plays(source), source.word());
    property(
        "g17_whatever_happened_rewards_and_bonds_can_be_withdrawn",
        inputs,
        |(play, seed)| {
            let mut host = played(&play, |_, _| Ok(()))?;
            finish(&mut host);
            for epoch in worked(&host) {
                prop_assert!(host.book(epoch, play::operators()).is_ok());
            }
            let times = host.settings.times;
            // Withdrawals on their way may have to leave before another one starts.
            for _ in 0..2 {
                host.pass(times.epoch * (4 + u64::from(host.settings.unbonding_epochs)));
                for operator in play::operators() {
                    prop_assert!(host.withdraw_bond(*operator).is_ok());
                    let bonded = host.operators[*operator as usize].account.bond.bonded();
                    prop_assert!(host.unbond(*operator, bonded).is_ok());
                }
            }
            // A pause in between delays and takes nothing.
            if seed % 2 == 0 {
                let _ = host.pause();
            }
            host.pass(times.epoch * (host.settings.vesting.length() + 8) + times.max_pause);
            for operator in play::operators() {
                prop_assert!(host.withdraw_bond(*operator).is_ok());
                prop_assert!(host.claim(*operator, false).is_ok());
                let booked: u128 = host
                    .booked
                    .iter()
                    .filter(|((_, who), _)| who == operator)
                    .map(|(_, reward)| reward.amount)
                    .sum();
                let one = &host.operators[*operator as usize];
                prop_assert_eq!(
                    booked + one.freed,
                    one.paid + one.slashed,
                    "operator {}",
                    operator
                );
            }
            let ledger = &host.ledger;
            prop_assert_eq!(ledger.unvested, 0);
            prop_assert_eq!(ledger.claimable, 0);
            prop_assert_eq!(ledger.bonds, 0);
            // One unit an operator and epoch, and one for the open pool.
            let dust = host.records.len() * (play::operators().len() + 1);
            prop_assert!(ledger.pots <= dust as u128, "{} in the pots", ledger.pots);
            Ok(())
        },
    );
}

/// Slashes aside, an operator can take at any moment what the text gives it by then: the
/// liquid part of each booked reward, and of the rest of each period what has vested.
#[test]
fn g17_booked_rewards_can_be_claimed_on_schedule_whatever_anybody_does() {
    property(
        "g17_booked_rewards_can_be_claimed_on_schedule_whatever_anybody_does",
        play::plays,
        |play| {
            played(&play, |host, step| {
                let vesting = host.settings.vesting;
                let epochs = u128::from(vesting.period_epochs);
                let length = epochs * u128::from(vesting.vesting_periods);
                let now = u128::from(host.clock().epoch());
                // Liquid, and what vests by period, of each operator.
                let mut booked: BTreeMap<u32, (u128, BTreeMap<u128, u128>)> = BTreeMap::new();
                for ((epoch, operator), reward) in &host.booked {
                    let (liquid, periods) = booked.entry(*operator).or_default();
                    *liquid += reward.liquid;
                    *periods.entry(u128::from(*epoch) / epochs).or_default() +=
                        reward.amount - reward.liquid;
                }
                for (operator, (liquid, periods)) in booked {
                    let one = &host.operators[operator as usize];
                    if one.slashed > 0 {
                        continue;
                    }
                    let vested = |(period, amount): (&u128, &u128)| {
                        let end = (period + 1) * epochs;
                        let passed = now.saturating_sub(end).min(length);
                        // Budgets are below 2^96 and epochs few: times 36 it fits.
                        amount * passed / length
                    };
                    let due = one.freed + liquid + periods.iter().map(vested).sum::<u128>();
                    let mut account = one.account.clone();
                    account.release(&vesting, host.clock().epoch());
                    prop_assert_eq!(
                        one.paid + account.claimable,
                        due,
                        "operator {} after {:?}",
                        operator,
                        step
                    );
                }
                Ok(())
            })?;
            Ok(())
        },
    );
}

/// Slashes aside, nothing that anybody does makes a withdrawal smaller or lets it wait
/// longer: not another withdrawal, not a deposit by a stranger, not a promotion.
#[test]
fn g17_a_withdrawal_on_its_way_neither_shrinks_nor_waits_longer() {
    property(
        "g17_a_withdrawal_on_its_way_neither_shrinks_nor_waits_longer",
        play::plays,
        |mut play| {
            // Whoever has as many on their way as can be is promoted some time later.
            let steps = std::mem::take(&mut play.steps);
            for (k, step) in steps.into_iter().enumerate() {
                let promoted = match step {
                    Step::Trickle(operator, _) => Some(operator),
                    _ => None,
                };
                play.steps.push(step);
                if let Some(operator) = promoted {
                    play.steps.push(Step::Pass(110 * (k as u64 % 7)));
                    play.steps.push(Step::Vouch(operator));
                }
            }
            let mut before: Vec<Vec<Unbonding>> =
                vec![Vec::new(); play::start(&play).operators.len()];
            played(&play, |host, step| {
                for (operator, before) in host.operators.iter().zip(&mut before) {
                    let now = operator.account.bond.withdrawals();
                    if !matches!(step, Step::WithdrawBond(_) | Step::Slash(..)) {
                        for old in before.iter() {
                            let same = now.iter().find(|new| new.epoch == old.epoch);
                            prop_assert!(
                                same.is_some_and(|new| new.amount >= old.amount),
                                "{:?} became {:?} by {:?}",
                                before,
                                now,
                                step
                            );
                        }
                    }
                    *before = now.to_vec();
                }
                Ok(())
            })?;
            Ok(())
        },
    );
}

/// Runs of a few epochs under a keeper that does everything at once, against one
/// that books and claims only at the end: everybody is paid the same.
#[test]
fn g14_claiming_every_epoch_and_claiming_once_pay_the_same() {
    let inputs = |source: &mut Source| {
        let play = play::beginning(source);
        let count = source.count(1..=7);
        (play, source.list(count, play::entries), source.word())
    };
    property(
        "g14_claiming_every_epoch_and_claiming_once_pay_the_same",
        inputs,
        |(play, epochs, seed)| {
            let mut eager = play::start(&play);
            for (k, entries) in epochs.iter().enumerate() {
                let seed = draw::scramble(seed, k) | 1;
                play::take(
                    &mut eager,
                    &Step::Cycle {
                        entries: entries.clone(),
                        seed,
                    },
                );
            }
            finish(&mut eager);
            for epoch in worked(&eager) {
                prop_assert!(eager.book(epoch, play::operators()).is_ok());
            }
            let mut lazy = eager.clone();
            for _ in 0..50 {
                for operator in play::operators() {
                    prop_assert!(eager.claim(*operator, false).is_ok());
                }
                eager.pass(100);
                lazy.pass(100);
            }
            for operator in play::operators() {
                prop_assert!(eager.claim(*operator, false).is_ok());
                prop_assert!(lazy.claim(*operator, true).is_ok());
                prop_assert!(lazy.claim(*operator, false).is_ok());
            }
            let paid =
                |host: &Host| -> Vec<u128> { host.operators.iter().map(|o| o.paid).collect() };
            prop_assert_eq!(paid(&eager), paid(&lazy));
            prop_assert_eq!(eager.ledger, lazy.ledger);
            Ok(())
        },
    );
}
