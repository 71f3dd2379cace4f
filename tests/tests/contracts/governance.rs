//! Governance: announced changes, slashes, ownership, the pause.

use crate::stage::{booked, settled, stage, stage_with, BOND, RESERVE};
use plimsoll_interface::mechanism::clock::Pause;
use plimsoll_interface::mechanism::params::{Param, Params};
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::{
    calls, events, Announced, Attesters, Change, Error, GovernanceView, H160,
};
use plimsoll_tests::{entry, Actor, Attester, Event, Setup, World, PARAMS};

/// The epoch from which what is announced at the start of epoch 0 counts.
const IN_FORCE: u32 = 2;

fn doubled() -> Params {
    Params {
        rate: PARAMS.rate * 2,
        ..PARAMS
    }
}

fn slash(operator: u32, amount: u128) -> Change {
    Change::Slash {
        operator,
        amount,
        evidence: [0xe5; 32],
    }
}

#[test]
fn a_change_is_public_for_the_timelock_and_counts_from_an_epoch_that_begins_after_it() {
    let (mut world, _) = stage(1, 0);
    let change = Change::Params(doubled());
    let sent = world.queue(&change);
    assert_eq!(
        sent.events,
        [Event::from(events::ChangeAnnounced {
            id: 0,
            change: change.clone(),
            from: IN_FORCE,
        })]
    );
    assert_eq!(sent.done(), 0);
    let announced = Announced {
        change,
        from: IN_FORCE,
    };
    assert_eq!(world.change(0), Some(announced));
    let rates = [0, 1, 2, 3].map(|epoch| world.params(epoch).rate);
    assert_eq!(
        rates,
        [PARAMS.rate, PARAMS.rate, PARAMS.rate * 2, PARAMS.rate * 2]
    );
    world.go_to_epoch(IN_FORCE);
    // A late batch of the epoch before begins it with the parameters of its own epoch.
    world.credit(1, &[entry(0, 1, 0, 0)]);
    world.credit(2, &[entry(0, 1, 0, 0)]);
    let rates = [1, 2].map(|epoch| world.epoch(epoch).expect("worked").params.rate);
    assert_eq!(rates, [PARAMS.rate, PARAMS.rate * 2]);
}

#[test]
fn a_change_announced_later_in_an_epoch_waits_the_timelock_in_full() {
    let (mut world, _) = stage(0, 0);
    let times = world.settings().times;
    let from = |world: &mut World| {
        let id = world.queue(&Change::Params(PARAMS)).done();
        world.change(id).expect("announced").from
    };
    world.go_to(times.epoch / 2);
    assert_eq!(from(&mut world), 2, "half an epoch and one and a half");
    world.pass(1_000);
    assert_eq!(from(&mut world), 3);
}

#[test]
fn a_second_change_of_a_kind_replaces_the_first_and_says_so() {
    let (mut world, _) = stage(0, 0);
    world.queue(&Change::Params(doubled())).done();
    world.queue(&Change::Guardian(H160::repeat_byte(1))).done();
    world.go_to_epoch(1);
    let sent = world.queue(&Change::Params(PARAMS));
    let cancelled = events::ChangeCancelled { id: 0 };
    assert_eq!(sent.events[0], Event::from(cancelled));
    assert_eq!(sent.done(), 2);
    assert_eq!(world.change(0), None);
    assert!(world.change(1).is_some(), "another kind");
    assert_eq!(world.params(IN_FORCE), PARAMS);
    // What is in force is replaced without a word.
    world.go_to_epoch(9);
    let sent = world.queue(&Change::Params(doubled()));
    assert_eq!(sent.events.len(), 1);
    sent.done();
    assert_eq!(world.params(9), PARAMS);
}

#[test]
fn the_owner_cancels_what_is_not_in_force() {
    let (mut world, _) = stage(1, 0);
    let owner = world.owner.clone();
    let members = world.attesters_of(0);
    let fresh = Attesters {
        threshold: 1,
        members: vec![H160::repeat_byte(1)],
    };
    let changes = [
        Change::Params(doubled()),
        Change::Registrar(H160::repeat_byte(1)),
        Change::Guardian(H160::repeat_byte(1)),
        Change::Attesters(fresh),
        slash(0, 5),
    ];
    let ids: Vec<u32> = changes.iter().map(|c| world.queue(c).done()).collect();
    let before = world.roles();
    for id in ids {
        let sent = world.send::<()>(&owner, calls::cancel(id));
        let cancelled = events::ChangeCancelled { id };
        assert_eq!(sent.events, [Event::from(cancelled)]);
        sent.done();
        assert_eq!(world.change(id), None);
        let again = world.send::<()>(&owner, calls::cancel(id));
        assert_eq!(again.refused(), Error::UnknownChange);
        let execute = world.send::<u128>(&owner, calls::execute_slash(id, &[]));
        assert_eq!(execute.refused(), Error::UnknownChange);
    }
    world.go_to_epoch(9);
    assert_eq!(world.params(9), PARAMS);
    assert_eq!(world.roles(), before);
    assert_eq!(world.attesters_of(9), members);
    // In force: no way back but another change.
    let id = world.queue(&Change::Params(doubled())).done();
    world.go_to_epoch(11);
    let late = world.send::<()>(&owner, calls::cancel(id));
    assert_eq!(late.refused(), Error::InForce);
    assert_eq!(world.params(11), doubled());
}

#[test]
fn only_the_owner_governs() {
    let (mut world, operators) = stage(1, 0);
    let id = world.queue(&slash(0, 5)).done();
    world.go_to_epoch(9);
    let others: [Actor; 3] = [
        world.registrar.clone(),
        world.guardian.clone(),
        operators[0].clone(),
    ];
    for who in others {
        for message in [
            calls::queue(&Change::Params(PARAMS)),
            calls::cancel(id),
            calls::execute_slash(id, &[]),
            calls::propose_owner(who.address),
            calls::accept_owner(),
        ] {
            let sent = world.send::<()>(&who, message);
            assert_eq!(sent.refused(), Error::NotAllowed);
        }
    }
}

#[test]
fn changes_out_of_bounds_are_refused_when_they_are_announced() {
    let (mut world, _) = stage(1, 0);
    let params = Params {
        open_ceiling: 1_000_001,
        ..PARAMS
    };
    let attesters = Attesters {
        threshold: 1,
        members: vec![H160::repeat_byte(1), H160::repeat_byte(2)],
    };
    for (change, error) in [
        (Change::Params(params), Error::Params(Param::OpenCeiling)),
        (Change::Attesters(attesters), Error::Attesters),
        (slash(1, 5), Error::UnknownOperator(1)),
        (slash(0, 0), Error::ZeroAmount),
    ] {
        assert_eq!(world.queue(&change).refused(), error);
    }
    assert_eq!(world.queue(&slash(0, 1)).done(), 0, "no number was used up");
}

#[test]
fn a_new_registrar_and_a_new_guardian_take_over_together_with_their_epoch() {
    let (mut world, _) = stage(1, 1);
    let (old_registrar, old_guardian) = (world.registrar.clone(), world.guardian.clone());
    let [registrar, guardian] = ["second registrar", "second guardian"].map(|n| world.actor(n));
    world.queue(&Change::Registrar(registrar.address)).done();
    world.queue(&Change::Guardian(guardian.address)).done();
    world.go_to_epoch(1);
    for (who, message) in [
        (&registrar, calls::vouch(&[1])),
        (&guardian, calls::pause()),
    ] {
        assert_eq!(world.send::<()>(who, message).refused(), Error::NotAllowed);
    }
    world.go_to_epoch(IN_FORCE);
    let roles = world.roles();
    assert_eq!(
        (roles.registrar, roles.guardian),
        (registrar.address, guardian.address)
    );
    for (who, message) in [
        (&old_registrar, calls::vouch(&[1])),
        (&old_guardian, calls::pause()),
    ] {
        assert_eq!(world.send::<()>(who, message).refused(), Error::NotAllowed);
    }
    world.send::<()>(&registrar, calls::vouch(&[1])).done();
    world.send::<()>(&guardian, calls::pause()).done();
}

#[test]
fn a_slash_takes_the_bond_first_after_its_timelock() {
    let (mut world, _) = stage(0, 1);
    let owner = world.owner.clone();
    let id = world.queue(&slash(0, BOND - 40)).done();
    let execute = calls::execute_slash(id, &[]);
    world.go_to_epoch(1);
    let early = world.send::<u128>(&owner, execute.clone());
    assert_eq!(early.refused(), Error::Timelocked);
    world.go_to_epoch(IN_FORCE);
    let before = world.ledger();
    let sent = world.send::<u128>(&owner, execute.clone());
    assert_eq!(
        sent.events,
        [Event::from(events::SlashExecuted {
            id,
            operator: 0,
            bond: BOND - 40,
            unvested: 0,
        })]
    );
    assert_eq!(sent.done(), BOND - 40);
    let ledger = world.ledger();
    assert_eq!(
        (ledger.bonds, ledger.inflows),
        (40, before.inflows + BOND - 40)
    );
    let view = world.operator(0);
    assert_eq!(
        (view.bonded, view.bond),
        (40, BOND),
        "it backs the current epoch"
    );
    assert_eq!(
        (view.status, view.next_status),
        (Status::Open, Status::Inactive)
    );
    let again = world.send::<u128>(&owner, execute);
    assert_eq!(again.refused(), Error::UnknownChange, "once");
    assert_eq!(world.change(id), None);
}

#[test]
fn a_slash_takes_bond_withdrawals_and_unvested_rewards_in_this_order() {
    let (mut world, operators) = stage(1, 0);
    let owner = world.owner.clone();
    world.credit(0, &[entry(0, 1, 0, 0)]);
    world.go_to_settlement(0);
    world.settle().done();
    world.raise(0, &[0]).done();
    world.go_to_final(0);
    world.book(&[0], &[0]).done();
    world.bond(0, BOND);
    world.go_to_epoch(3);
    world
        .send::<u128>(&operators[0], calls::unbond(0, BOND / 2))
        .done();
    let unvested = world.operator(0).unvested;
    let id = world.queue(&slash(0, u128::MAX)).done();
    world.go_to_epoch(3 + IN_FORCE);
    let left = world.operator(0).unvested;
    assert!(0 < left && left < unvested, "some of it has vested");
    let sent = world.send::<u128>(&owner, calls::execute_slash(id, &[0]));
    assert_eq!(
        sent.events,
        [Event::from(events::SlashExecuted {
            id,
            operator: 0,
            bond: BOND,
            unvested: left,
        })]
    );
    assert_eq!(sent.done(), BOND + left);
    let view = world.operator(0);
    assert_eq!((view.bonded, view.unvested), (0, 0));
    assert!(view.unbonding.is_empty());
    assert!(view.claimable > 0, "what has vested is out of reach");
}

#[test]
fn what_is_announced_can_be_seen_until_it_is_in_force() {
    let (mut world, _) = stage(0, 1);
    let view = |world: &mut World| world.view::<GovernanceView>(calls::governance());
    let mut expected = GovernanceView {
        proposed_owner: None,
        next_change: 0,
        waiting: Vec::new(),
        vouches: 0,
    };
    assert_eq!(view(&mut world), expected);
    let owner = world.owner.clone();
    let heir = world.actor("heir").address;
    world.queue(&slash(0, 1)).done();
    let change = world.queue(&Change::Guardian(heir)).done();
    world.send::<()>(&owner, calls::propose_owner(heir)).done();
    world.vouch(&[0]);
    expected.next_change = 2;
    expected.waiting = vec![change];
    expected.proposed_owner = Some((heir, IN_FORCE));
    expected.vouches = 1;
    assert_eq!(view(&mut world), expected);
    world.go_to_epoch(IN_FORCE);
    expected.waiting = Vec::new();
    expected.vouches = 0;
    assert_eq!(view(&mut world), expected);
    let late = world.send::<()>(&owner, calls::cancel(change));
    assert_eq!(late.refused(), Error::InForce);
}

#[test]
fn a_role_is_handed_to_nobody() {
    let (mut world, _) = stage(0, 0);
    for change in [
        Change::Registrar(H160::zero()),
        Change::Guardian(H160::zero()),
    ] {
        assert_eq!(world.queue(&change).refused(), Error::ZeroAddress);
    }
}

#[test]
fn attesters_that_never_come_into_force_leave_nothing_behind() {
    let (mut world, _) = stage(0, 0);
    let owner = world.owner.clone();
    let items = |world: &mut World| {
        let size = world.chain.storage_size(world.emission);
        size.expect("it is a contract").0
    };
    let before = items(&mut world);
    let change = |count| {
        let attesters = Attester::sorted(count);
        Change::Attesters(Attesters {
            threshold: count as u8,
            members: attesters.iter().map(|a| a.address).collect(),
        })
    };
    world.queue(&change(3)).done();
    let replaced = world.queue(&change(4)).done();
    // The attesters and the change.
    assert_eq!(items(&mut world), before + 2);
    world.send::<()>(&owner, calls::cancel(replaced)).done();
    assert_eq!(items(&mut world), before);
}

#[test]
fn a_slash_reaches_a_bond_on_its_way_out() {
    let (mut world, operators) = stage(0, 1);
    let owner = world.owner.clone();
    let id = world.queue(&slash(0, BOND)).done();
    world.go_to_epoch(1);
    world
        .send::<u128>(&operators[0], calls::unbond(0, BOND))
        .done();
    world.go_to_epoch(IN_FORCE);
    let sent = world.send::<u128>(&owner, calls::execute_slash(id, &[]));
    assert_eq!(sent.done(), BOND);
    assert_eq!(world.ledger().bonds, 0);
    assert!(world.operator(0).unbonding.is_empty());
}

#[test]
fn g17_a_bond_that_is_free_is_out_of_a_slashs_reach_collected_or_not() {
    let (mut world, operators) = stage(0, 1);
    let owner = world.owner.clone();
    world
        .send::<u128>(&operators[0], calls::unbond(0, BOND / 2))
        .done();
    let id = world.queue(&slash(0, BOND)).done();
    // Withdrawn in epoch 0, which is final at the end of 1, and free two epochs later.
    world.go_to_epoch(4);
    let sent = world.send::<u128>(&owner, calls::execute_slash(id, &[]));
    assert_eq!(sent.done(), BOND / 2);
    let anyone = world.anyone.clone();
    let sent = world.send::<u128>(&anyone, calls::withdraw_bond(0));
    assert_eq!(sent.done(), BOND / 2);
}

#[test]
fn a_slash_books_first_and_takes_unvested_rewards_newest_first_and_leaves_what_has_vested() {
    let (mut world, _) = stage(1, 0);
    let owner = world.owner.clone();
    // Capped rewards, a quarter of each liquid: of epoch 0 (period 0) and 2 (period 1).
    for epoch in [0, 2] {
        world.go_to_epoch(epoch);
        world.credit(epoch, &[entry(0, 1, 0, 0)]);
        world.go_to_settlement(epoch);
        world.settle().done();
        world.raise(epoch, &[0]).done();
        world.go_to_final(epoch);
    }
    let rewards = [0, 2].map(|epoch| world.preview(epoch, 0));
    let vesting = rewards.map(|preview| preview.vesting);
    let liquid: u128 = rewards.iter().map(|preview| preview.liquid).sum();
    let id = world.queue(&slash(0, vesting[1] + 100)).done();
    world.go_to_epoch(5);
    let taken = world.send::<u128>(&owner, calls::execute_slash(id, &[]));
    assert_eq!(taken.refused(), Error::Timelocked);
    // Four of six steps of the first have vested by then, two of the second.
    world.go_to_epoch(6);
    let before = world.ledger();
    let sent = world.send::<u128>(&owner, calls::execute_slash(id, &[0, 2]));
    let names: Vec<&str> = sent.events.iter().map(Event::name).collect();
    assert_eq!(
        names,
        [
            "EpochClosed",
            "EpochClosed",
            "RewardsBooked",
            "RewardsBooked",
            "SlashExecuted"
        ]
    );
    assert_eq!(sent.done(), vesting[1] + 100);
    let vested = vesting[0] * 4 / 6 + vesting[1] * 2 / 6;
    let view = world.operator(0);
    assert_eq!(view.claimable, liquid + vested);
    let unvested = vesting[0] + vesting[1] - vested;
    assert_eq!(view.unvested, unvested - vesting[1] - 100);
    // The newest lost all that was unvested in it, the older one the rest.
    let left = view.vesting.iter().filter(|(_, amount)| *amount > 0);
    assert_eq!(left.map(|(period, _)| *period).collect::<Vec<_>>(), [0]);
    let ledger = world.ledger();
    let leftovers = before.pots - ledger.pots - rewards.map(|p| p.reward).iter().sum::<u128>();
    assert_eq!(
        ledger.inflows - before.inflows,
        leftovers + vesting[1] + 100
    );
    assert_eq!(world.claim(0).done(), liquid + vested);
    // The rest vests to the last unit.
    let rest = world.operator(0).unvested;
    world.go_to_epoch(40);
    assert_eq!(world.claim(0).done(), rest);
}

#[test]
fn a_slash_of_more_than_there_is_takes_what_there_is() {
    let (mut world, _) = booked();
    let owner = world.owner.clone();
    let id = world.queue(&slash(0, u128::MAX)).done();
    world.go_to_epoch(4);
    // 5,000 liquid and two of six steps of 15,000 are out of reach.
    let sent = world.send::<u128>(&owner, calls::execute_slash(id, &[]));
    assert_eq!(sent.done(), 10_000);
    let view = world.operator(0);
    assert_eq!((view.claimable, view.unvested), (10_000, 0));
    assert_eq!(world.operator(1).unvested, 10_000, "nobody else's");
}

#[test]
fn a_slash_books_only_what_is_final() {
    let (mut world, _) = stage(1, 0);
    let owner = world.owner.clone();
    let id = world.queue(&slash(0, 5)).done();
    world.go_to_epoch(2);
    world.credit(2, &[entry(0, 1, 0, 0)]);
    let sent = world.send::<u128>(&owner, calls::execute_slash(id, &[2]));
    assert_eq!(sent.refused(), Error::NotFinal);
    assert!(world.change(id).is_some());
}

#[test]
fn any_number_of_slashes_waits_side_by_side() {
    let (mut world, _) = stage(0, 2);
    let owner = world.owner.clone();
    let ids: Vec<u32> = [slash(0, 1), slash(0, 2), slash(1, 4)]
        .iter()
        .map(|change| world.queue(change).done())
        .collect();
    world.go_to_epoch(IN_FORCE);
    for (id, taken) in [(ids[2], 4), (ids[0], 1), (ids[1], 2)] {
        let sent = world.send::<u128>(&owner, calls::execute_slash(id, &[]));
        assert_eq!(sent.done(), taken);
    }
    assert_eq!(
        [0, 1].map(|k| world.operator(k).bonded),
        [BOND - 3, BOND - 4]
    );
}

#[test]
fn what_is_announced_before_genesis_can_be_executed_after_it_only() {
    let mut setup = Setup::default();
    setup.settings.timelock = 0;
    let mut world = World::with(setup);
    world.register("early");
    world.bond(0, 50);
    let owner = world.owner.clone();
    let id = world.queue(&slash(0, 20)).done();
    let early = world.send::<u128>(&owner, calls::execute_slash(id, &[]));
    assert_eq!(early.refused(), Error::Timelocked);
    world.go_to_epoch(0);
    let sent = world.send::<u128>(&owner, calls::execute_slash(id, &[]));
    assert_eq!(sent.done(), 20);
}

#[test]
fn ownership_passes_in_two_steps_with_the_timelock_between() {
    let (mut world, _) = stage(0, 0);
    let owner = world.owner.clone();
    let [heir, rival] = ["heir", "rival"].map(|name| world.actor(name));
    let accept = |world: &mut World, who: &Actor| world.send::<()>(who, calls::accept_owner());
    let sent = world.send::<()>(&owner, calls::propose_owner(heir.address));
    let proposed = events::OwnerProposed {
        owner: heir.address,
        from: IN_FORCE,
    };
    assert_eq!(sent.events, [Event::from(proposed)]);
    sent.done();
    assert_eq!(accept(&mut world, &heir).refused(), Error::Timelocked);
    world.go_to_epoch(IN_FORCE);
    assert_eq!(accept(&mut world, &rival).refused(), Error::NotAllowed);
    assert_eq!(accept(&mut world, &owner).refused(), Error::NotAllowed);
    assert_eq!(world.roles().owner, owner.address, "until it is accepted");
    let sent = accept(&mut world, &heir);
    let changed = events::OwnerChanged {
        owner: heir.address,
    };
    assert_eq!(sent.events, [Event::from(changed)]);
    sent.done();
    assert_eq!(world.roles().owner, heir.address);
    assert_eq!(
        accept(&mut world, &heir).refused(),
        Error::NotAllowed,
        "once"
    );
    assert_eq!(
        world.queue(&Change::Params(PARAMS)).refused(),
        Error::NotAllowed,
        "the owner before has no say"
    );
    world
        .send::<u32>(&heir, calls::queue(&Change::Params(PARAMS)))
        .done();
}

#[test]
fn a_second_proposal_replaces_the_first() {
    let (mut world, _) = stage(0, 0);
    let owner = world.owner.clone();
    let [first, second] = ["first", "second"].map(|name| world.actor(name));
    for heir in [&first, &second] {
        world
            .send::<()>(&owner, calls::propose_owner(heir.address))
            .done();
    }
    world.go_to_epoch(9);
    let sent = world.send::<()>(&first, calls::accept_owner());
    assert_eq!(sent.refused(), Error::NotAllowed);
    world.send::<()>(&second, calls::accept_owner()).done();
}

#[test]
fn a_pause_stops_the_epoch_clock_and_moves_everything_by_its_length() {
    let (mut world, _) = stage(1, 0);
    world.go_to(400_000);
    let guardian = world.guardian.clone();
    let start = world.clock().now;
    let max = world.settings().times.max_pause;
    let sent = world.send::<()>(&guardian, calls::pause());
    let paused = events::ClockPaused {
        at: start,
        until: start + max,
    };
    assert_eq!(sent.events, [Event::from(paused)]);
    sent.done();
    world.pass(300_000);
    let clock = world.clock();
    assert!(clock.stopped);
    assert_eq!((clock.elapsed, clock.epoch), (400_000, 0));
    let pause = Pause {
        start,
        end: start + max,
    };
    assert_eq!(clock.pause, Some(pause));
    let again = world.send::<()>(&guardian, calls::pause());
    assert_eq!(again.refused(), Error::Paused);
    let sent = world.send::<()>(&guardian, calls::unpause());
    let resumed = events::ClockResumed {
        at: start + 300_000,
    };
    assert_eq!(sent.events, [Event::from(resumed)]);
    sent.done();
    world.pass(599_000);
    assert_eq!(world.clock().epoch, 0);
    world.pass(1_000);
    assert_eq!(world.clock().epoch, 1);
}

#[test]
fn a_pause_ends_by_itself_and_does_not_come_again_within_the_gap() {
    let (mut world, _) = stage(0, 0);
    let guardian = world.guardian.clone();
    let times = world.settings().times;
    let none = world.send::<()>(&guardian, calls::unpause());
    assert_eq!(none.refused(), Error::NotPaused);
    world.send::<()>(&guardian, calls::pause()).done();
    world.pass(times.max_pause - 1_000);
    assert!(world.clock().stopped);
    world.pass(1_000);
    assert!(!world.clock().stopped);
    let late = world.send::<()>(&guardian, calls::unpause());
    assert_eq!(late.refused(), Error::NotPaused);
    world.pass(times.pause_gap - 1_000);
    let soon = world.send::<()>(&guardian, calls::pause());
    assert_eq!(soon.refused(), Error::PauseTooSoon);
    world.pass(1_000);
    world.send::<()>(&guardian, calls::pause()).done();
    let clock = world.clock();
    let wall = clock.now - times.genesis;
    assert_eq!(clock.elapsed, wall - times.max_pause);
}

#[test]
fn only_the_guardian_pauses_and_not_before_genesis() {
    let mut world = World::new();
    let guardian = world.guardian.clone();
    let early = world.send::<()>(&guardian, calls::pause());
    assert_eq!(early.refused(), Error::NotStarted);
    world.go_to_epoch(0);
    for who in [
        world.owner.clone(),
        world.registrar.clone(),
        world.anyone.clone(),
    ] {
        for message in [calls::pause(), calls::unpause()] {
            assert_eq!(world.send::<()>(&who, message).refused(), Error::NotAllowed);
        }
    }
}

#[test]
fn g17_everybody_leaves_with_what_is_theirs_while_the_clock_stands() {
    let (mut world, operators) = stage(1, 1);
    world.credit(0, &[entry(0, 50, 0, 0), entry(1, 50, 0, 0)]);
    world
        .send::<u128>(&operators[1], calls::unbond(1, BOND))
        .done();
    world.go_to_settlement(0);
    world.settle().done();
    world.go_to_epoch(20);
    let guardian = world.guardian.clone();
    world.send::<()>(&guardian, calls::pause()).done();
    world.pass(100_000);
    assert_eq!(world.book(&[0], &[0, 1]).done().booked, 2);
    assert_eq!(world.claim_many(&[0, 1]).done().paid, 2);
    let anyone = world.anyone.clone();
    let sent = world.send::<u128>(&anyone, calls::withdraw_bond(1));
    assert_eq!(sent.done(), BOND);
}

#[test]
fn governance_has_no_way_to_the_reserve() {
    // Everything the owner can announce, at its worst, leaves the reserve where it is.
    let (mut world, _) = settled();
    let owner = world.owner.clone();
    let reserve = |world: &mut World| {
        let ledger = world.ledger();
        ledger.reserve + ledger.inflows
    };
    let before = reserve(&mut world);
    let members = vec![owner.address];
    let threshold = 1;
    for change in [
        Change::Params(doubled()),
        Change::Registrar(owner.address),
        Change::Guardian(owner.address),
        Change::Attesters(Attesters { threshold, members }),
    ] {
        world.queue(&change).done();
    }
    world.go_to_epoch(9);
    assert_eq!(reserve(&mut world), before);
    assert!(world.tokens(owner.address).is_zero());
    let ledger = world.ledger();
    assert_eq!(ledger.received, RESERVE);
    assert_eq!(ledger.paid, 0);
}

#[test]
fn the_timelock_counts_on_the_epoch_clock() {
    let (mut world, _) = stage_with(Setup::default(), 0, 0);
    world.queue(&Change::Params(doubled())).done();
    let guardian = world.guardian.clone();
    world.send::<()>(&guardian, calls::pause()).done();
    world.pass(700_000);
    world.pass(1_999_000);
    assert_eq!(world.clock().epoch, 1, "the pause does not count");
    world.pass(1_000);
    let clock = world.clock();
    assert_eq!(clock.epoch, IN_FORCE);
    assert_eq!(world.params(clock.epoch), doubled());
}
