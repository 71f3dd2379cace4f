//! Epochs: settle, raise, book.

use crate::stage::{settled, stage, stage_with, BOND, RESERVE};
use plimsoll_interface::mechanism::level::Level;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::mechanism::work::OPERATORS_PER_PAGE;
use plimsoll_interface::{calls, events, Booked, Error, Settled, OPEN_POOL};
use plimsoll_tests::{entry, Event, Setup, World};

#[test]
fn settling_takes_the_budget_out_of_the_reserve_and_sets_the_level() {
    let (mut world, _) = stage(2, 0);
    world.credit(0, &[entry(0, 90, 0, 0), entry(1, 10, 0, 0)]);
    world.go_to_settlement(0);
    let sent = world.settle();
    let budget = RESERVE / 10;
    let vetted = Work {
        fragment: 100,
        bulk: 0,
    };
    let at = world.clock().elapsed;
    assert_eq!(
        sent.events,
        [Event::from(events::EpochSettled {
            epoch: 0,
            budget,
            vetted,
            open: Work::default(),
            at,
        })]
    );
    assert_eq!(sent.done(), Settled { epoch: 0, budget });
    let ledger = world.ledger();
    assert_eq!((ledger.reserve, ledger.pots), (RESERVE - budget, budget));
    let view = world.epoch(0).expect("worked");
    let division = view.division.expect("settled");
    assert_eq!(division.fragment_budget, budget << 32);
    assert_eq!(division.bulk_budget, 0);
    assert_eq!(
        (division.operator_cap, division.open_ceiling),
        (20_000, 30_000)
    );
    assert_eq!(
        (division.vetted_weight, division.open_weight),
        (budget << 32, 0)
    );
    let settlement = view.settlement.expect("settled");
    let level = Level {
        numerator: budget,
        denominator: budget << 32,
    };
    assert_eq!((settlement.at, settlement.level), (at, level));
    assert!(!view.is_final);
    // Nobody is raised yet: the large one would be cut at its cap, the small one gets its share.
    assert_eq!([0, 1].map(|k| world.preview(0, k).reward), [20_000, 10_000]);
    let clock = world.clock();
    assert_eq!((clock.settled_to, clock.next_worked), (1, None));
}

#[test]
fn an_epoch_is_settled_after_its_review_window_and_once() {
    let (mut world, _) = stage(1, 0);
    assert_eq!(
        world.settle().refused(),
        Error::NothingToSettle,
        "no work at all"
    );
    world.credit(0, &[entry(0, 1, 0, 0)]);
    let times = world.settings().times;
    let review_end = times.epoch + times.attest_window + times.review_window;
    world.go_to(review_end - 1_000);
    assert_eq!(
        world.settle().refused(),
        Error::NothingToSettle,
        "in review"
    );
    world.go_to(review_end);
    world.settle().done();
    assert_eq!(world.settle().refused(), Error::NothingToSettle, "once");
}

#[test]
fn epochs_without_work_are_skipped_and_the_others_settled_in_order() {
    let (mut world, _) = stage(1, 0);
    for epoch in [0, 3, 4, 30] {
        world.go_to_epoch(epoch);
        world.credit(epoch, &[entry(0, 1, 0, 0)]);
    }
    world.go_to_epoch(5_000);
    world.credit(5_000, &[entry(0, 1, 0, 0)]);
    for epoch in [0, 3, 4, 30] {
        assert_eq!(world.clock().next_worked, Some(epoch));
        assert_eq!(world.settle().done().epoch, epoch);
    }
    assert_eq!(world.settle().refused(), Error::NothingToSettle);
    world.go_to_settlement(5_000);
    assert_eq!(world.settle().done().epoch, 5_000);
}

#[test]
fn a_late_settlement_changes_no_amount_and_moves_the_level_window() {
    let results = [0_u32, 40].map(|late| {
        let (mut world, _) = stage(2, 0);
        world.credit(0, &[entry(0, 90, 0, 0), entry(1, 10, 0, 0)]);
        world.go_to_epoch(1);
        world.fund(777);
        world.go_to_settlement(late);
        let budget = world.settle().done().budget;
        // The whole level window is left.
        let window = world.settings().times.level_window;
        world.pass(window - 1_000);
        assert_eq!(world.raise(0, &[0, 1]).done(), 2);
        world.pass(1_000);
        assert_eq!(world.raise(0, &[0]).refused(), Error::LevelFinal);
        (budget, [0, 1].map(|k| world.preview(0, k).reward))
    });
    assert_eq!(results[0], results[1]);
}

#[test]
fn what_enters_during_an_epoch_counts_from_the_next_ones_budget() {
    let (mut world, _) = stage(1, 0);
    world.fund(500_000);
    let ledger = world.ledger();
    assert_eq!((ledger.reserve, ledger.inflows), (RESERVE, 500_000));
    world.credit(0, &[entry(0, 1, 0, 0)]);
    world.go_to_epoch(1);
    world.fund(250_000);
    world.credit(1, &[entry(0, 1, 0, 0)]);
    world.go_to_settlement(0);
    assert_eq!(world.settle().done().budget, RESERVE / 10);
    world.go_to_settlement(1);
    // A tenth of what is left of the first million and of the half that came in epoch 0.
    assert_eq!(
        world.settle().done().budget,
        (RESERVE * 9 / 10 + 500_000) / 10
    );
}

#[test]
fn a_raise_takes_the_eligible_skips_the_others_and_is_order_blind_in_the_end() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let (mut world, _) = stage(3, 0);
        world.credit(
            0,
            &[entry(0, 90, 0, 0), entry(1, 9, 0, 0), entry(2, 1, 0, 0)],
        );
        world.go_to_settlement(0);
        world.settle().done();
        let mut raised = 0;
        for _ in 0..3 {
            raised += world.raise(0, &order).done();
        }
        assert_eq!(raised, 2, "the uplift holds the smallest back");
        let level = world
            .epoch(0)
            .and_then(|e| e.settlement)
            .expect("settled")
            .level;
        assert_eq!((level.numerator, level.denominator), (60_000, 1_000 << 32));
        let rewards = [0, 1, 2].map(|k| world.preview(0, k));
        assert_eq!(rewards.map(|p| p.reward), [20_000, 20_000, 4_000]);
        assert_eq!(rewards.map(|p| p.raised), [true, true, false]);
    }
}

#[test]
fn a_raise_names_who_was_raised_and_the_new_level() {
    let (mut world, _) = stage(2, 1);
    world.credit(
        0,
        &[entry(0, 50, 0, 0), entry(1, 10, 0, 0), entry(2, 40, 0, 0)],
    );
    world.go_to_settlement(0);
    world.settle().done();
    // 1 is too small as yet, 2 is open, 7 unknown, 0 stands there twice.
    let sent = world.raise(0, &[1, 2, 7, OPEN_POOL, 0, 0, OPEN_POOL]);
    assert_eq!(
        sent.events,
        [Event::from(events::Raised {
            epoch: 0,
            operators: vec![OPEN_POOL, 0],
            level: Level {
                numerator: 50_000,
                denominator: 10_000 << 32,
            },
        })]
    );
    assert_eq!(sent.done(), 2);
    let nobody = world.raise(0, &[0, OPEN_POOL]);
    assert!(nobody.events.is_empty());
    assert_eq!(nobody.done(), 0);
    assert_eq!(world.raise(0, &[1]).done(), 1);
    let view = world.epoch(0).expect("worked");
    assert!(view.settlement.expect("settled").open_raised);
    assert_eq!(view.division.expect("settled").open_reward, 30_000);
}

#[test]
fn a_level_is_raised_between_settlement_and_finality() {
    let (mut world, _) = stage(1, 0);
    world.credit(0, &[entry(0, 1, 0, 0)]);
    assert_eq!(world.raise(0, &[0]).refused(), Error::NotSettled);
    assert_eq!(world.raise(7, &[0]).refused(), Error::NotSettled);
    world.go_to_settlement(0);
    world.settle().done();
    world.go_to_final(0);
    assert!(world.epoch(0).expect("worked").is_final);
    assert_eq!(world.raise(0, &[0]).refused(), Error::LevelFinal);
}

#[test]
fn raising_goes_on_while_the_clock_stands() {
    let (mut world, _) = stage(1, 0);
    world.credit(0, &[entry(0, 1, 0, 0)]);
    world.go_to_epoch(1);
    world.credit(1, &[entry(0, 1, 0, 0)]);
    world.go_to_settlement(0);
    world.settle().done();
    let guardian = world.guardian.clone();
    world.go_to_settlement(1);
    world.send::<()>(&guardian, calls::pause()).done();
    assert_eq!(
        world.settle().refused(),
        Error::NothingToSettle,
        "settling waits"
    );
    world.pass(500_000);
    // Epoch 0 was final before the pause, so it can be booked and claimed.
    assert_eq!(world.book(&[0], &[0]).done().booked, 1);
    world.claim(0).done();
    world.send::<()>(&guardian, calls::unpause()).done();
    world.settle().done();
    // A pause in the level window of epoch 1 keeps it open.
    let times = world.settings().times;
    world.go_to_epoch(3);
    world.credit(3, &[entry(0, 1, 0, 0)]);
    world.go_to_settlement(3);
    world.settle().done();
    world.send::<()>(&guardian, calls::pause()).done();
    world.pass(times.level_window);
    assert_eq!(world.raise(3, &[0]).done(), 1, "as of the stopped clock");
    world.send::<()>(&guardian, calls::unpause()).done();
    world.pass(times.level_window);
    assert_eq!(world.raise(3, &[0]).refused(), Error::LevelFinal);
}

#[test]
fn what_a_pause_does_not_stop() {
    let (mut world, operators) = stage(1, 1);
    world.credit(0, &[entry(0, 1, 0, 0), entry(1, 1, 0, 0)]);
    world.go_to_review(0);
    let guardian = world.guardian.clone();
    world.send::<()>(&guardian, calls::pause()).done();
    let batch = world.batch(1, 0, &[entry(0, 1, 0, 0)]);
    assert_eq!(world.attest(&batch).refused(), Error::EpochClosed);
    world
        .send::<()>(&guardian, calls::strike(0, 0, [7; 32]))
        .done();
    world
        .send::<u128>(&operators[1], calls::unbond(1, 10))
        .done();
    world.bond(1, 5);
    world.vouch(&[1]);
    assert_eq!(world.settle().refused(), Error::NothingToSettle);
}

#[test]
fn settling_goes_on_behind_a_very_long_time_without_work_and_passes_over_no_open_epoch() {
    let (mut world, _) = stage(1, 0);
    world.go_to_settlement(0);
    assert_eq!(world.settle().refused(), Error::NothingToSettle);
    // 64 pages of 2,048 epochs are searched by one call. The first epoch behind them has
    // just begun, so the one before it still takes batches.
    let (searched, guardian) = (64 * 2_048, world.guardian.clone());
    world.go_to_epoch(searched);
    assert_eq!(world.clock().next_worked, Some(searched - 2));
    world.send::<()>(&guardian, calls::pause()).done();
    assert_eq!(world.settle().refused(), Error::NothingToSettle);
    world.send::<()>(&guardian, calls::unpause()).done();
    let sent = world.settle();
    let to = searched - 1;
    assert_eq!(sent.events, [Event::from(events::IdleSkipped { to })]);
    assert_eq!((sent.done().budget, world.clock().settled_to), (0, to));
    world.credit(to, &[entry(0, 1, 0, 0)]);
    world.go_to_settlement(to);
    let settled = world.settle().done();
    assert_eq!((settled.epoch, settled.budget), (to, RESERVE / 10));
}

#[test]
fn nothing_can_be_booked_for_an_epoch_that_never_had_work() {
    let (mut world, _) = stage(1, 0);
    assert_eq!(world.book(&[0], &[0]).refused(), Error::NotFinal);
    assert_eq!(world.book(&[9], &[0]).refused(), Error::NotFinal);
    world.go_to_review(0);
    assert_eq!(world.book(&[0], &[0]).refused(), Error::NoWork);
}

#[test]
fn booking_pays_out_of_the_pot_once_and_returns_what_nobody_gets() {
    let (mut world, _) = settled();
    let before = world.ledger();
    let sent = world.book(&[0], &[1, 0, 1, 5]);
    // D is 0 once both are raised: what is left of 100,000 returns.
    assert_eq!(
        sent.events,
        [
            Event::from(events::EpochClosed {
                epoch: 0,
                leftover: 60_000,
            }),
            Event::from(events::RewardsBooked {
                epoch: 0,
                rewards: vec![(1, 20_000, 5_000, 0), (0, 20_000, 5_000, 0)],
            }),
        ]
    );
    let booked = Booked {
        booked: 2,
        amount: 40_000,
    };
    assert_eq!(sent.done(), booked);
    let ledger = world.ledger();
    assert_eq!(ledger.pots, 0);
    assert_eq!((ledger.claimable, ledger.unvested), (10_000, 30_000));
    assert_eq!(ledger.inflows, before.inflows + 60_000);
    let view = world.operator(0);
    assert_eq!((view.claimable, view.unvested), (5_000, 15_000));
    assert_eq!(view.vesting.last(), Some(&(0, 15_000)));
    let again = world.book(&[0], &[0, 1]);
    assert!(again.events.is_empty());
    assert_eq!(again.done(), Booked::default(), "each once");
    assert_eq!(world.ledger(), ledger);
    assert_eq!(world.preview(0, 0), Default::default());
}

#[test]
fn g16_an_epoch_named_twice_in_one_booking_is_booked_once() {
    let (mut world, _) = settled();
    // Another epoch's pot, out of which a second booking would be paid.
    world.credit(1, &[entry(0, 50, 0, 1), entry(1, 50, 0, 1)]);
    world.go_to_settlement(1);
    world.settle().done();
    world.go_to_final(1);
    let booked = world.book(&[0, 0, 0], &[0, 1, 0]).done();
    assert_eq!((booked.booked, booked.amount), (2, 40_000));
    let pot = world
        .epoch(1)
        .and_then(|e| e.settlement)
        .expect("settled")
        .pot;
    assert_eq!(world.ledger().pots, pot);
    let view = world.operator(0);
    assert_eq!(view.claimable + view.unvested, 20_000);
}

#[test]
fn only_final_epochs_are_booked_and_one_that_is_not_refuses_all() {
    let (mut world, _) = stage(1, 0);
    assert_eq!(world.book(&[0], &[0]).refused(), Error::NotFinal, "no work");
    world.credit(0, &[entry(0, 1, 0, 0)]);
    assert_eq!(
        world.book(&[0], &[0]).refused(),
        Error::NotFinal,
        "not settled"
    );
    world.go_to_settlement(0);
    world.settle().done();
    assert_eq!(
        world.book(&[0], &[0]).refused(),
        Error::NotFinal,
        "not final"
    );
    world.credit(1, &[entry(0, 1, 0, 0)]);
    world.go_to_final(0);
    assert_eq!(world.book(&[0, 1], &[0]).refused(), Error::NotFinal);
    assert_eq!(world.book(&[0], &[0]).done().booked, 1);
}

#[test]
fn many_epochs_are_booked_at_once_and_late() {
    let (mut world, _) = stage(2, 0);
    let epochs: Vec<u32> = (0..20).collect();
    for epoch in &epochs {
        world.go_to_epoch(*epoch);
        world.credit(*epoch, &[entry(0, 3, 0, 0), entry(1, 1, 0, 0)]);
    }
    world.go_to_settlement(19);
    for _ in &epochs {
        world.settle().done();
    }
    world.go_to_epoch(25);
    let rewards: Vec<u128> = epochs.iter().map(|e| world.preview(*e, 0).reward).collect();
    let liquid: u128 = epochs.iter().map(|e| world.preview(*e, 0).liquid).sum();
    let sent = world.book(&epochs, &[0]);
    let weight = sent.outcome.weight;
    let booked = sent.done();
    assert_eq!((booked.booked, booked.amount), (20, rewards.iter().sum()));
    assert!(weight.proof_size() < 1_000_000, "{weight:?}");
    // Everything that has vested by now is there at once: arrears.
    let vesting = world.settings().vesting;
    let arrears: u128 = (0..10)
        .map(|period| {
            let of_period: u128 = epochs
                .iter()
                .filter(|epoch| vesting.period(**epoch) == period)
                .map(|epoch| rewards[*epoch as usize])
                .sum::<u128>();
            let liquid: u128 = of_period - unvested_of(&rewards, &vesting, period);
            vesting.vested(of_period - liquid, period, 25)
        })
        .sum();
    assert_eq!(world.operator(0).claimable, liquid + arrears);
    assert_eq!(world.book(&epochs, &[0]).done(), Booked::default());
    assert_eq!(world.book(&epochs, &[1]).done().booked, 20);
}

/// What of the rewards of a period vests: all but the liquid quarter, or what the
/// allowance leaves.
fn unvested_of(
    rewards: &[u128],
    vesting: &plimsoll_interface::mechanism::vesting::Vesting,
    period: u32,
) -> u128 {
    (0_u32..)
        .zip(rewards)
        .filter(|(epoch, _)| vesting.period(*epoch) == period)
        .map(|(_, reward)| reward - reward / 4)
        .sum()
}

#[test]
fn a_page_of_work_goes_with_its_last_operator_and_its_deposit_returns() {
    // A page and one more.
    let (last, beyond) = (OPERATORS_PER_PAGE - 1, OPERATORS_PER_PAGE);
    let (mut world, _) = stage(beyond + 1, 0);
    let items = |world: &mut World| {
        let size = world.chain.storage_size(world.emission);
        size.expect("it is a contract").0
    };
    let entries: Vec<_> = (0..=beyond).map(|k| entry(k, 1, 0, 0)).collect();
    let empty = items(&mut world);
    let batch = world.batch(0, 0, &entries);
    let sent = world.attest(&batch);
    assert!(sent.outcome.deposit > 0);
    sent.done();
    // Two pages, the record, and the page of worked epochs.
    let full = items(&mut world);
    assert_eq!(full, empty + 4);
    world.go_to_settlement(0);
    world.settle().done();
    world.go_to_final(0);
    let most: Vec<u32> = (0..last).collect();
    world.book(&[0], &most).done();
    assert_eq!(items(&mut world), full, "one operator is left in the page");
    let sent = world.book(&[0], &[last]);
    let deposit = sent.outcome.deposit;
    sent.done();
    assert!(deposit < 0, "the deposit returns: {deposit}");
    assert_eq!(items(&mut world), full - 1);
    world.book(&[0], &[beyond]).done();
    assert_eq!(items(&mut world), full - 2);
}

#[test]
fn a_struck_operator_does_not_hold_its_page() {
    let (mut world, _) = stage(1, 0);
    world.credit(0, &[entry(0, 1, 1, 1)]);
    let full = world
        .chain
        .storage_size(world.emission)
        .expect("a contract")
        .0;
    world.go_to_review(0);
    let guardian = world.guardian.clone();
    world
        .send::<()>(&guardian, calls::strike(0, 0, [0; 32]))
        .done();
    let left = world
        .chain
        .storage_size(world.emission)
        .expect("a contract")
        .0;
    assert_eq!(left, full - 1);
}

#[test]
fn an_open_operator_gets_what_its_bond_allows_and_the_rest_returns() {
    let setup = Setup::default();
    let (mut world, _) = stage_with(setup, 0, 2);
    world.credit(0, &[entry(0, 50, 0, 0), entry(1, 50, 0, 0)]);
    // A thousandth of the bond is left for the rest of epoch 0's work: none of it counts.
    world.go_to_settlement(0);
    world.settle().done();
    assert_eq!(world.raise(0, &[OPEN_POOL]).done(), 1);
    world.go_to_final(0);
    assert_eq!([0, 1].map(|k| world.preview(0, k).reward), [15_000; 2]);
    assert_eq!(world.bond_at(0, 0), BOND);
    let sent = world.book(&[0], &[0, 1]);
    assert_eq!(sent.done().amount, 30_000);

    // A small bond bounds the reward in its own epoch, whatever comes later.
    let (mut world, _) = stage(0, 0);
    world.register_many(2);
    world.bond(0, 4_000);
    world.bond(1, BOND);
    world.go_to_epoch(1);
    world.credit(1, &[entry(0, 50, 0, 0), entry(1, 50, 0, 0)]);
    world.bond(0, BOND);
    world.go_to_settlement(1);
    world.settle().done();
    world.raise(1, &[OPEN_POOL]).done();
    world.go_to_final(1);
    let sent = world.book(&[1], &[0]);
    let rewards = match &sent.events[1] {
        Event::RewardsBooked(booked) => booked.rewards.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rewards, [(0, 4_000, 1_000, 11_000)]);
    assert_eq!(sent.done().amount, 4_000);
}

#[test]
fn fees_bound_a_reward_when_a_multiple_is_set() {
    let mut setup = Setup::default();
    setup.params.fee_multiple = Some(500_000);
    let (mut world, _) = stage_with(setup, 1, 0);
    world.credit(0, &[entry(0, 50, 0, 100)]);
    world.go_to_settlement(0);
    world.settle().done();
    world.raise(0, &[0]).done();
    world.go_to_final(0);
    // 100 fee units are 700 base units, half of that is 350.
    assert_eq!(world.book(&[0], &[0]).done().amount, 350);
}

#[test]
fn the_next_budget_is_a_share_of_what_is_left() {
    let mut world: World = stage(1, 0).0;
    let mut reserve = RESERVE;
    for epoch in [0, 2, 4, 6] {
        world.go_to_epoch(epoch);
        world.credit(epoch, &[entry(0, 1, 0, 0)]);
        world.go_to_settlement(epoch);
        let budget = world.settle().done().budget;
        assert_eq!(budget, reserve / 10, "epoch {epoch}");
        reserve -= budget;
    }
}
