//! The owner, hostile.

use crate::scene::{attempt, conclude, everything, honest, settle, slash, BUDGET, CAP};
use crate::stage::{booked, stage, BOND, RESERVE};
use plimsoll_interface::mechanism::math::PPM;
use plimsoll_interface::mechanism::params::{Param, Params};
use plimsoll_interface::{calls, events, Attesters, Change, Error};
use plimsoll_tests::{entry, param_mut, Event, PARAMS};

/// The epoch from which what is announced at the start of epoch 0 counts.
const IN_FORCE: u32 = 2;

/// `params` with one parameter set.
fn with(param: Param, value: u32) -> Params {
    let mut params = PARAMS;
    *param_mut(&mut params, param) = value;
    params
}

#[test]
fn role_owner_sets_no_parameter_out_of_its_bounds() {
    let (mut world, _) = stage(0, 0);
    for param in Param::ALL {
        let (low, high) = param.bounds();
        for (value, allowed) in [
            (low.checked_sub(1), false),
            (Some(low), true),
            (Some(high), true),
            (high.checked_add(1), false),
        ] {
            let Some(value) = value else { continue };
            let sent = world.queue(&Change::Params(with(param, value)));
            if allowed {
                sent.done();
            } else {
                assert_eq!(sent.refused(), Error::Params(param), "{}", param.name());
            }
        }
    }
}

#[test]
fn role_owner_changes_with_the_worst_parameters_nothing_of_epochs_that_began_before_them() {
    let nothing = Params {
        rate: 0,
        unit_ceiling: Some(0),
        fee_multiple: Some(0),
        fragment_floor: 0,
        fragment_premium: PPM,
        operator_cap: 1_000,
        open_ceiling: 0,
        uplift: PPM,
        bond_leverage: 0,
        liquid_share: 0,
        liquid_allowance: 0,
    };
    let everything = Params {
        rate: PPM,
        unit_ceiling: None,
        fee_multiple: None,
        fragment_floor: 500_000,
        fragment_premium: 100 * PPM,
        operator_cap: PPM,
        open_ceiling: PPM,
        uplift: 1_000 * PPM,
        bond_leverage: 1_000 * PPM,
        liquid_share: PPM,
        liquid_allowance: PPM,
    };
    let plays = [PARAMS, nothing, everything].map(|params| {
        let (mut world, _) = stage(2, 1);
        let work = [entry(0, 70, 3, 1), entry(1, 20, 9, 1), entry(2, 10, 5, 1)];
        world.queue(&Change::Params(params)).done();
        let mut rewards = Vec::new();
        for epoch in 0..=IN_FORCE {
            world.go_to_epoch(epoch);
            world.credit(epoch, &work);
        }
        // The old epochs are settled, raised and booked with the new parameters in force.
        world.go_to_settlement(IN_FORCE);
        for epoch in 0..=IN_FORCE {
            world.settle().done();
            crate::scene::raise_all(&mut world, epoch);
        }
        world.go_to_final(IN_FORCE);
        for epoch in 0..=IN_FORCE {
            let parts = [0, 1, 2].map(|k| world.preview(epoch, k));
            rewards.push(parts.map(|part| (part.reward, part.liquid)));
            world.book(&[epoch], &[0, 1, 2]).done();
        }
        rewards
    });
    for play in &plays {
        assert_eq!(play[..2], plays[0][..2]);
    }
    // From then on they are what they are: nothing, or the whole reserve at once.
    assert_eq!(plays[1][2], [(0, 0); 3]);
    let sum: u128 = plays[2][2].iter().map(|(reward, _)| reward).sum();
    let reserve = RESERVE - BUDGET - (RESERVE - BUDGET) / 10;
    assert!(sum <= reserve && sum + 4 >= reserve, "{sum} of {reserve}");
}

#[test]
fn role_owner_has_no_message_that_takes_anything_out_of_the_reserve() {
    let (mut world, _) = booked();
    let owner = world.owner.clone();
    let before = world.ledger();
    let (reserve, held) = (
        before.reserve + before.inflows,
        world.tokens(world.emission),
    );
    for message in [
        calls::queue(&Change::Params(with(Param::Rate, PPM))),
        calls::queue(&Change::Registrar(owner.address)),
        calls::queue(&Change::Guardian(owner.address)),
        calls::queue(&slash(0, 1)),
        calls::propose_owner(owner.address),
    ] {
        attempt(&mut world, &owner, message).expect("the owner may");
    }
    world.go_to_epoch(5);
    let slash = calls::execute_slash(3, &[]);
    world.send::<u128>(&owner, slash).done();
    world.send::<()>(&owner, calls::accept_owner()).done();
    let ledger = world.ledger();
    // A slash goes into the reserve, not to the owner.
    assert_eq!(ledger.reserve + ledger.inflows, reserve + 1);
    assert_eq!((ledger.paid, world.tokens(world.emission)), (0, held));
    assert!(world.tokens(owner.address).is_zero());
}

#[test]
fn role_owner_that_takes_every_role_can_emit_the_reserve_to_itself_after_the_timelock_only() {
    let (mut world, operators) = stage(4, 1);
    world.credit(0, &honest());
    let earned = conclude(&mut world, 0, &[0, 1, 2, 3]);
    world
        .send::<u128>(&operators[4], calls::unbond(4, 1_000))
        .done();
    // Its own attester, registrar and operator; all of it is public from here on.
    let owner = world.owner.clone();
    let me = plimsoll_tests::Attester::named("owner");
    let greedy = Params {
        rate: PPM,
        operator_cap: PPM,
        liquid_share: PPM,
        ..PARAMS
    };
    let (mine, _) = world.register("owner's");
    let mut from = 0;
    for change in [
        Change::Params(greedy),
        Change::Registrar(owner.address),
        Change::Attesters(Attesters {
            threshold: 1,
            members: vec![me.address],
        }),
    ] {
        let sent = world.queue(&change);
        assert_eq!(sent.events[0].name(), "ChangeAnnounced");
        let id = sent.done();
        from = world.change(id).expect("announced").from;
    }
    assert_eq!(from, 4, "announced in epoch 2, an epoch and a half before");
    // Until then it has nothing to say.
    for epoch in 2..from {
        world.go_to_epoch(epoch);
        let sent = world.send::<()>(&owner, calls::vouch(&[mine]));
        assert_eq!(sent.refused(), Error::NotAllowed);
        let lie = crate::scene::batch_of(
            &mut world,
            epoch,
            &[entry(mine, 1, 0, 0)],
            std::slice::from_ref(&me),
        );
        assert_eq!(world.attest(&lie).refused(), Error::SignatureCount);
    }
    world.go_to_epoch(from);
    world.send::<()>(&owner, calls::vouch(&[mine])).done();
    world.go_to_epoch(from + 1);
    let lie = crate::scene::batch_of(
        &mut world,
        from + 1,
        &[entry(mine, 1, 0, 0)],
        std::slice::from_ref(&me),
    );
    world.attest(&lie).done();
    let (ledger, views) = everything(&mut world, 5);
    let taken = conclude(&mut world, from + 1, &[mine]);
    // The whole reserve, and nothing that was anybody's.
    assert_eq!(taken, [ledger.reserve]);
    assert_eq!(world.claim(mine).done(), ledger.reserve);
    let after = world.ledger();
    assert_eq!((after.pots, after.bonds), (ledger.pots, ledger.bonds));
    for (k, before) in (0..4).zip(views) {
        let view = world.operator(k);
        let sum = view.claimable + view.unvested;
        assert_eq!(sum, before.claimable + before.unvested);
        assert_eq!(sum, earned[k as usize]);
    }
    // All of it still goes out.
    world.go_to_epoch(20);
    let claimed = world.claim_many(&[0, 1, 2, 3]).done();
    assert_eq!(claimed.amount, 4 * CAP);
    let anyone = world.anyone.clone();
    let bond = world.send::<u128>(&anyone, calls::withdraw_bond(4)).done();
    assert_eq!(bond, 1_000);
}

#[test]
fn role_owner_slashes_an_honest_operator_in_public_and_reaches_neither_vested_nor_claimable() {
    let (mut world, operators) = stage(1, 1);
    world.credit(0, &[entry(0, 50, 0, 0), entry(1, 50, 0, 0)]);
    conclude(&mut world, 0, &[0, 1]);
    let owner = world.owner.clone();
    let sent = world.queue(&slash(1, u128::MAX));
    let from = 4;
    assert_eq!(
        sent.events,
        [Event::from(events::ChangeAnnounced {
            id: 0,
            change: slash(1, u128::MAX),
            from,
        })]
    );
    sent.done();
    let execute = calls::execute_slash(0, &[0]);
    for epoch in 2..from {
        world.go_to_epoch(epoch);
        let early = world.send::<u128>(&owner, execute.clone());
        assert_eq!(early.refused(), Error::Timelocked, "epoch {epoch}");
    }
    world.go_to_epoch(from);
    let before = world.operator(1);
    // 30,000, of which a quarter was liquid, and two of six steps have vested by now.
    assert_eq!(before.claimable, 7_500 + 22_500 * 2 / 6);
    let taken = world.send::<u128>(&owner, execute).done();
    assert_eq!(taken, BOND + 22_500 * 4 / 6);
    let paid = world.claim(1).done();
    assert_eq!(paid, before.claimable);
    let held = world.tokens(operators[1].address);
    assert_eq!(held, alloy_primitives::U256::from(paid));
    let other = world.operator(0);
    assert_eq!(other.claimable + other.unvested, CAP, "nobody else's");
}

#[test]
fn role_owner_leaves_an_operator_time_to_go_before_a_slash() {
    let (mut world, operators) = stage(0, 1);
    // Withdrawn when the slash is announced: a bond is free later than a timelock ends, so
    // it is reached. Withdrawn long before, it is not.
    world
        .send::<u128>(&operators[0], calls::unbond(0, 60_000))
        .done();
    world.go_to_epoch(3);
    let owner = world.owner.clone();
    world.queue(&slash(0, u128::MAX)).done();
    world
        .send::<u128>(&operators[0], calls::unbond(0, 30_000))
        .done();
    world.go_to_epoch(5);
    let slash = calls::execute_slash(0, &[]);
    let taken = world.send::<u128>(&owner, slash).done();
    assert_eq!(taken, BOND - 60_000);
    let anyone = world.anyone.clone();
    let left = world.send::<u128>(&anyone, calls::withdraw_bond(0)).done();
    assert_eq!(left, 60_000);
}

#[test]
fn role_owner_changes_no_final_epoch_whatever_it_announces() {
    let (mut world, _) = stage(4, 0);
    world.credit(0, &honest());
    settle(&mut world, 0);
    let before = [0, 1, 2, 3].map(|k| world.preview(0, k));
    for change in [
        Change::Params(with(Param::OperatorCap, 1_000)),
        Change::Registrar(plimsoll_embedded::H160::repeat_byte(1)),
        Change::Guardian(plimsoll_embedded::H160::repeat_byte(2)),
        Change::Attesters(Attesters {
            threshold: 1,
            members: vec![plimsoll_embedded::H160::repeat_byte(3)],
        }),
    ] {
        world.queue(&change).done();
    }
    world.go_to_epoch(50);
    assert_eq!([0, 1, 2, 3].map(|k| world.preview(0, k)), before);
    assert_eq!(world.book(&[0], &[0, 1, 2, 3]).done().amount, 4 * CAP);
}
