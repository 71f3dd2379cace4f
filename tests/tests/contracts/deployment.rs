//! What a deployment fixes, and which ones are refused.

use plimsoll_interface::calls::{self, selector};
use plimsoll_interface::events;
use plimsoll_interface::mechanism::params::Param;
use plimsoll_interface::{Attesters, Error, Roles, H160};
use plimsoll_tests::{artifacts, Attester, Event, Refusal, Setup, World};
use std::collections::BTreeSet;

#[test]
fn a_deployment_tells_and_shows_everything_that_is_fixed() {
    let mut world = World::new();
    let setup = world.setup.clone();
    let members = world.attesters.iter().map(|a| a.address).collect();
    let attesters = Attesters {
        threshold: setup.threshold,
        members,
    };
    let roles = Roles {
        owner: world.owner.address,
        registrar: world.registrar.address,
        guardian: world.guardian.address,
    };
    let deployed = events::Deployed {
        settings: setup.settings,
        params: setup.params,
        roles,
        attesters: attesters.clone(),
    };
    assert_eq!(world.deployed, [Event::from(deployed)]);
    let shown: plimsoll_interface::Settings = world.view(calls::settings());
    assert_eq!(shown, setup.settings);
    assert_eq!(shown.token, world.token);
    assert_eq!(world.params(0), setup.params);
    assert_eq!(world.roles(), roles);
    assert_eq!(world.attesters_of(0), attesters);
    assert_eq!(world.view::<u32>(calls::operators()), 0);
    let clock = world.clock();
    assert!(!clock.started && !clock.stopped);
    assert_eq!(
        (clock.elapsed, clock.epoch, clock.next_worked),
        (0, 0, None)
    );
    assert_eq!(world.ledger().owed(), 0);
    assert_eq!(world.epoch(0), None);
    assert_eq!(world.change(0), None);
}

#[test]
fn settings_out_of_bounds_are_refused() {
    let refused = |change: fn(&mut Setup)| {
        let mut setup = Setup::default();
        change(&mut setup);
        World::try_with(setup).err()
    };
    let changes: [fn(&mut Setup); 12] = [
        |s| s.settings.times.genesis = plimsoll_embedded::GENESIS_TIME_MS - 1_000,
        |s| s.settings.times.epoch = 0,
        |s| s.settings.times.attest_window = 0,
        |s| s.settings.times.review_window = 0,
        |s| s.settings.times.level_window = 0,
        |s| s.settings.times.level_window += 1,
        |s| s.settings.vesting.period_epochs = 0,
        |s| s.settings.vesting.vesting_periods = 0,
        |s| s.settings.vesting.vesting_periods = 13,
        |s| s.settings.lanes = 17,
        |s| s.settings.fee_unit = 0,
        |s| s.settings.min_open_bond = 0,
    ];
    for (k, change) in changes.into_iter().enumerate() {
        assert_eq!(refused(change), Some(Error::Settings), "change {k}");
    }
    assert_eq!(refused(|s| s.settings.lanes = 0), Some(Error::Settings));
    assert_eq!(refused(|s| s.settings.lanes = 16), None);
    let now = |s: &mut Setup| s.settings.times.genesis = plimsoll_embedded::GENESIS_TIME_MS;
    assert_eq!(refused(now), None, "genesis may be now");
}

#[test]
fn parameters_out_of_bounds_are_refused_by_name() {
    let mut setup = Setup::default();
    setup.params.rate = 1_000_001;
    assert_eq!(
        World::try_with(setup.clone()).err(),
        Some(Error::Params(Param::Rate))
    );
    setup.params.rate = 0;
    setup.params.fragment_floor = 500_001;
    assert_eq!(
        World::try_with(setup).err(),
        Some(Error::Params(Param::FragmentFloor))
    );
}

#[test]
fn attesters_out_of_bounds_are_refused() {
    let deploy = |threshold, members: Vec<H160>| {
        let members = Attesters { threshold, members };
        World::deploy(Setup::default(), Vec::new(), members, |_| {}).err()
    };
    let sorted = |count| -> Vec<H160> {
        let attesters = Attester::sorted(count);
        attesters.iter().map(|a| a.address).collect()
    };
    let mut reversed = sorted(3);
    reversed.reverse();
    let repeated = [sorted(2), vec![sorted(2)[1]]].concat();
    for (threshold, members) in [
        (0, sorted(0)),
        (1, sorted(0)),
        (0, sorted(1)),
        (1, sorted(2)),
        (2, sorted(4)),
        (4, sorted(3)),
        (17, sorted(17)),
        (9, sorted(17)),
        (1, vec![H160::zero()]),
        (2, [vec![H160::zero()], sorted(2)].concat()),
        (2, reversed),
        (2, repeated),
    ] {
        let count = members.len();
        let refused = deploy(threshold, members);
        assert_eq!(refused, Some(Error::Attesters), "{threshold} of {count}");
    }
    for (threshold, count) in [(1, 1), (2, 2), (2, 3), (9, 16), (16, 16)] {
        assert_eq!(
            deploy(threshold, sorted(count)),
            None,
            "{threshold} of {count}"
        );
    }
}

#[test]
fn neither_the_token_nor_a_role_may_be_nobody() {
    let changes: [fn(&mut H160, &mut Roles); 4] = [
        |token, _| *token = H160::zero(),
        |_, roles| roles.owner = H160::zero(),
        |_, roles| roles.registrar = H160::zero(),
        |_, roles| roles.guardian = H160::zero(),
    ];
    for change in changes {
        let members = Attesters {
            threshold: 1,
            members: vec![Attester::named("0").address],
        };
        let refused = World::deploy_with(Setup::default(), Vec::new(), members, change).err();
        assert_eq!(refused, Some(Error::ZeroAddress));
    }
}

#[test]
fn the_metadata_names_what_the_interface_names() {
    let metadata = artifacts::emission_metadata();
    let labels = |list: &str| -> BTreeSet<String> {
        let items = metadata["spec"][list].as_array().expect("a list");
        let label = |item: &serde_json::Value| item["label"].as_str().expect("text").to_owned();
        items.iter().map(label).collect()
    };
    let messages = &labels("messages") | &labels("constructors");
    let expected: BTreeSet<String> = calls::MESSAGES.iter().map(|m| (*m).to_owned()).collect();
    assert_eq!(messages, expected);
    let expected: BTreeSet<String> = events::NAMES.iter().map(|m| (*m).to_owned()).collect();
    assert_eq!(labels("events"), expected);
    assert_eq!(Event::NAMES, events::NAMES);
    for list in ["messages", "constructors"] {
        for message in metadata["spec"][list].as_array().expect("a list") {
            let label = message["label"].as_str().expect("text");
            let shown = message["selector"].as_str().expect("text");
            assert_eq!(shown, format!("0x{}", hex::encode(selector(label))));
        }
    }
}

#[test]
fn the_costs_in_the_documents_are_those_of_the_committed_code() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |name: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(root.join(name)).expect(name);
        serde_json::from_str(&text).expect(name)
    };
    let measured = read("docs/measured/chain.json");
    let manifest = read("contracts/artifacts/manifest.json");
    assert_eq!(
        measured["emission_code_hash"], manifest["code_hash"]["emission"],
        "run scripts/bench-chain.sh and commit what it writes"
    );
}

#[test]
fn what_is_no_message_is_refused_and_changes_nothing() {
    let mut world = World::new();
    let anyone = world.anyone.clone();
    let unknown = world.send::<()>(&anyone, calls::selector("withdraw_everything").to_vec());
    assert_eq!(unknown.result, Err(Refusal::Unreadable));
    // There is no tenth kind of change.
    let unread = world.send::<u32>(&anyone, calls::call("queue", 9_u8));
    assert_eq!(unread.result, Err(Refusal::Unreadable));
    assert!(!world.send::<()>(&anyone, Vec::new()).succeeded());
}

#[test]
fn native_tokens_cannot_be_sent_along() {
    let mut world = World::new();
    let anyone = world.anyone.account.clone();
    let emission = world.emission;
    let outcome = world
        .chain
        .call(&anyone, emission, 5, calls::register(H160::repeat_byte(1)));
    assert!(!outcome.succeeded());
    assert_eq!(world.view::<u32>(calls::operators()), 0);
}
