//! A deployment that was tampered with, each time in another way. Each is found as what it
//! is, where it is.

use crate::play::{extrinsic, genuine, play, take, Play, Told};
use parity_scale_codec::{Decode, Encode};
use plimsoll_embedded::{Code, RawOrigin, RuntimeCall, H160};
use plimsoll_index::{Event, Finding, Kind};
use plimsoll_interface::mechanism::account::Account;
use plimsoll_interface::mechanism::clock::Pauses;
use plimsoll_interface::mechanism::ledger::Ledger;
use plimsoll_interface::mechanism::record::Record;
use plimsoll_interface::mechanism::schedule::Schedule;
use plimsoll_interface::mechanism::work::{Figures, Page, PAGE_BYTES};
use plimsoll_interface::mechanism::Epoch;
use plimsoll_interface::{calls, Attesters, Roles, Settings};
use plimsoll_runtime::Revive;
use plimsoll_tests::{artifacts, entry, Attester, Setup, TokenKind, World};

/// The prefix of all items but the root, and the numbers of their kinds, as in the
/// contract's `store`.
const PREFIX: [u8; 2] = *b"pl";
const EPOCH: u8 = 3;
const WORK: u8 = 5;
const OPERATOR: u8 = 7;
/// The root's key.
const ROOT: [u8; 4] = [0; 4];

/// An operator as it is stored.
type Operator = (H160, H160, Option<(H160, u64)>, bool, Account);

/// The root as it is stored.
type Root = (Settings, Ledger, Pauses, Epoch, u32, Schedule<u32>);

fn key(kind: u8, which: impl Encode) -> Vec<u8> {
    (PREFIX, kind, which).encode()
}

/// Changes what the contract stores, under it.
fn rewrite<T: Decode + Encode>(play: &mut Play, key: &[u8], change: impl FnOnce(&mut T)) {
    let emission = play.world.emission;
    let bytes = play
        .world
        .chain
        .storage(emission, key)
        .expect("it is stored");
    let mut item = T::decode(&mut &*bytes).expect("as the contract writes it");
    assert_eq!(item.encode(), bytes, "the layout is the contract's");
    change(&mut item);
    store(play, key, item.encode());
}

fn store(play: &mut Play, key: &[u8], bytes: Vec<u8>) {
    let (emission, key) = (play.world.emission, key.to_vec());
    let written = play
        .world
        .chain
        .execute(|| Revive::set_storage_var_key(emission, key, Some(bytes)));
    assert!(written.is_ok());
}

fn played() -> Play {
    play(Setup::default(), |_| {})
}

/// What is found once the contract's storage is changed.
fn found_in_storage(change: impl FnOnce(&mut Play)) -> Finding {
    let mut play = played();
    let blocks = play.blocks.clone();
    change(&mut play);
    play.finding_of(&blocks)
}

/// What is found once the history is changed.
fn found_in_history(change: impl FnOnce(&Play, &mut Vec<Told>)) -> Finding {
    let mut play = played();
    let mut blocks = play.blocks.clone();
    change(&play, &mut blocks);
    assert_ne!(blocks, play.blocks, "something was changed");
    play.finding_of(&blocks)
}

#[test]
fn g1_a_unit_added_to_what_an_operator_can_claim_is_found() {
    let finding = found_in_storage(|play| {
        rewrite::<Operator>(play, &key(OPERATOR, 4_u32), |operator| {
            operator.4.add_claimable(1);
        });
    });
    assert_eq!(finding.kind, Kind::State);
    assert_eq!(finding.place.of, "operator");
    assert_eq!(finding.place.operator, Some(4));
    assert_eq!(
        (
            &finding.field[..],
            &finding.expected[..],
            &finding.found[..]
        ),
        ("claimable", "0", "1")
    );
}

#[test]
fn g1_a_unit_moved_within_the_contracts_books_is_found() {
    let finding = found_in_storage(|play| {
        rewrite::<Root>(play, &ROOT, |(_, ledger, ..)| {
            ledger.pots -= 1;
            ledger.claimable += 1;
        });
    });
    assert_eq!(
        (finding.kind, &finding.place.of[..]),
        (Kind::State, "ledger")
    );
    assert_eq!(finding.field, "pots");
}

#[test]
fn g2_a_budget_raised_by_a_unit_in_the_contracts_storage_is_found() {
    let finding = found_in_storage(|play| {
        rewrite::<Record>(play, &key(EPOCH, 1_u32), |record| {
            record.settlement.as_mut().expect("settled").budget += 1;
        });
    });
    assert_eq!((finding.kind, finding.place.epoch), (Kind::State, Some(1)));
    assert_eq!(finding.place.of, "epoch");
    assert_eq!(finding.field, "settlement.budget");
}

#[test]
fn g16_work_that_is_put_back_after_it_was_booked_is_found() {
    let finding = found_in_storage(|play| {
        let mut page = Page::default();
        let figures = Figures {
            fragment: 1,
            vetted: true,
            ..Figures::default()
        };
        assert!(page.set(3, &figures));
        let bytes: [u8; PAGE_BYTES] = *page.as_bytes();
        store(play, &key(WORK, (0_u32, 0_u32)), bytes.encode());
    });
    assert_eq!(finding.kind, Kind::State);
    let place = &finding.place;
    assert_eq!((&place.of[..], place.epoch), ("preview", Some(0)));
    assert_eq!(place.operator, Some(3));
    assert_eq!(finding.field, "work.fragment");
}

#[test]
fn g15_a_token_balance_that_is_a_unit_short_is_found() {
    let mut play = play(
        Setup {
            token: TokenKind::Asset,
            ..Setup::default()
        },
        |_| {},
    );
    let blocks = play.blocks.clone();
    let held = play.world.tokens(play.world.emission);
    let owed = play.world.ledger().owed();
    let beyond = u128::try_from(held).expect("below 2^128") - owed;
    // Somebody who has the contract's account in hand, which nobody has.
    let contract = play.world.chain.account(play.world.emission);
    let transfer = pallet_assets::Call::transfer {
        id: 7_u32.into(),
        target: play.world.bank.account.clone().into(),
        amount: beyond + 1,
    };
    play.world
        .chain
        .dispatch(RawOrigin::Signed(contract), RuntimeCall::Assets(transfer))
        .result
        .expect("it moves");
    let finding = play.finding_of(&blocks);
    assert_eq!(finding.kind, Kind::Balance);
    assert_eq!(finding.found, (owed - 1).to_string());
    assert_eq!(finding.place.block, blocks.last().map(|block| block.number));
}

/// A deployment of bytecode with another name in its EIP-712 domain: it works, and takes
/// batches that nobody signed for it as it should be.
fn modified() -> Play {
    let mut world = World::new();
    let code = artifacts::emission_code();
    let at = code
        .windows(8)
        .position(|window| window == b"Plimsoll")
        .expect("the domain's name is in the bytecode");
    let mut changed = code;
    changed[at..at + 8].copy_from_slice(b"Plimsolk");
    let roles = Roles {
        owner: world.owner.address,
        registrar: world.registrar.address,
        guardian: world.guardian.address,
    };
    let attesters = Attesters {
        threshold: 1,
        members: vec![world.attesters[0].address],
    };
    let data = calls::new(
        &world.setup.settings,
        &world.setup.params,
        &roles,
        &attesters,
    );
    let owner = world.owner.account.clone();
    let made = world
        .chain
        .instantiate(&owner, Code::Upload(changed), data, None, 0);
    world.emission = made.result.expect("the code is valid");
    world.deployed = made
        .events
        .iter()
        .filter(|event| event.contract == world.emission)
        .map(plimsoll_tests::Event::decode)
        .collect();
    Play::new(world)
}

#[test]
fn a_modified_contract_is_found_by_its_code() {
    let mut play = modified();
    let blocks = play.blocks.clone();
    let finding = play.finding_of(&blocks);
    assert_eq!(finding.kind, Kind::Code);
    let code = play.world.chain.code_hash(play.world.emission);
    let hexadecimal = |hash: &[u8]| format!("0x{}", hex::encode(hash));
    assert_eq!(finding.expected, hexadecimal(&genuine()));
    assert_eq!(finding.found, hexadecimal(&code.expect("there").0));
}

#[test]
fn g16_a_modified_contract_whose_code_is_taken_for_genuine_is_found_by_its_first_batch() {
    let mut play = modified();
    let (operator, vetted) = (0, play.world.actor("operator 0"));
    play.send(&vetted, calls::register(vetted.address));
    let registrar = play.world.registrar.clone();
    play.send(&registrar, calls::vouch(&[operator]));
    play.world.go_to_epoch(0);
    // Signed as that contract wants it, which no tool of this project does.
    let batch = plimsoll_tests::Batch::unsigned(0, 0, 0, &[entry(operator, 5, 0, 0)]);
    let digest = digest_under(b"Plimsolk", &play, &batch);
    let signature = play.world.attesters[0].sign(&digest);
    play.anyone(calls::attest(&batch.header, &batch.entries, &signature));
    let mut auditor = play.auditor();
    let finding = play
        .blocks
        .iter()
        .find_map(|block| take(&mut auditor, block).err())
        .expect("it is found");
    assert_eq!(finding.kind, Kind::Digest);
    let place = finding.place;
    assert_eq!(
        (place.epoch, place.lane, place.seq),
        (Some(0), Some(0), Some(0))
    );
    assert_eq!(place.block, play.blocks.last().map(|block| block.number));
}

/// The digest of a batch under another name of the domain.
fn digest_under(name: &[u8], play: &Play, batch: &plimsoll_tests::Batch) -> [u8; 32] {
    use plimsoll_interface::mechanism::batch::Domain;
    use plimsoll_tests::keccak;
    let mut chain_id = [0; 32];
    chain_id[24..].copy_from_slice(&plimsoll_embedded::CHAIN_ID.to_be_bytes());
    let domain = Domain {
        chain_id,
        contract: play.world.emission.0,
    };
    batch.header.digest(&domain, &batch.entries, |bytes| {
        keccak(if bytes == b"Plimsoll" { name } else { bytes })
    })
}

#[test]
fn g16_a_batch_that_strangers_signed_is_found() {
    let finding = found_in_history(|play, blocks| {
        let (at, _) = play.find(|event| matches!(event, Event::BatchAccepted(e) if e.lane == 1));
        let strangers: Vec<Attester> = ["x", "y", "z"].map(Attester::named).into();
        let batch = plimsoll_tests::Batch {
            signatures: Vec::new(),
            ..batch_in(&blocks[at])
        };
        let signed = batch.signed(play.world.emission, &strangers);
        blocks[at].extrinsics = vec![extrinsic(&signed.call())];
    });
    assert_eq!(finding.kind, Kind::Signatures);
    let place = &finding.place;
    assert_eq!(
        (place.epoch, place.lane, place.seq),
        (Some(0), Some(1), Some(0))
    );
    assert!(place.block.is_some());
}

#[test]
fn g16_a_batch_with_fewer_signatures_than_the_threshold_is_found() {
    let finding = found_in_history(|play, blocks| {
        let (at, _) = play.find(|event| matches!(event, Event::BatchAccepted(_)));
        let mut batch = batch_in(&blocks[at]);
        let signers = &play.world.attesters[..2];
        batch.signatures.clear();
        let signed = batch.signed(play.world.emission, signers);
        blocks[at].extrinsics = vec![extrinsic(&signed.call())];
    });
    assert_eq!(finding.kind, Kind::Signatures);
    assert_eq!(finding.found, "2 signatures");
}

/// The batch that a block tells of, without signatures.
fn batch_in(block: &Told) -> plimsoll_tests::Batch {
    let mut batch = plimsoll_tests::Batch::unsigned(0, 0, 0, &[]);
    batch.entries.clear();
    for event in &block.events {
        match event {
            Event::BatchAccepted(e) => {
                batch.header.epoch = e.epoch;
                batch.header.lane = e.lane;
                batch.header.seq = e.seq;
                batch.header.receipts_root = e.receipts_root;
                batch.header.receipts = e.receipts;
            }
            Event::Entries(e) => batch.entries.extend(&e.packed),
            _ => {}
        }
    }
    batch
}

#[test]
fn g16_a_wrong_receipts_root_is_found() {
    let finding = found_in_history(|play, blocks| {
        let (block, event) = play.find(|event| matches!(event, Event::BatchAccepted(_)));
        let Event::BatchAccepted(e) = &mut blocks[block].events[event] else {
            panic!("just found");
        };
        e.receipts_root[0] ^= 1;
    });
    assert_eq!((finding.kind, &finding.field[..]), (Kind::Digest, "digest"));
    assert_eq!(finding.place.of, "BatchAccepted");
}

#[test]
fn g16_an_entry_that_was_altered_is_found() {
    let finding = found_in_history(|play, blocks| {
        let (block, event) = play.find(|event| matches!(event, Event::Entries(_)));
        let Event::Entries(e) = &mut blocks[block].events[event] else {
            panic!("just found");
        };
        e.packed[3] += 1;
    });
    assert_eq!(finding.kind, Kind::Digest);
}

#[test]
fn g16_a_batch_left_out_of_the_history_or_told_twice_is_found_by_its_number() {
    let left_out = found_in_history(|play, blocks| {
        let (block, _) = play.find(|event| matches!(event, Event::BatchAccepted(_)));
        blocks[block].events.clear();
    });
    assert_eq!(
        (left_out.kind, left_out.place.seq),
        (Kind::Sequence, Some(1)),
        "{left_out}"
    );
    assert_eq!(left_out.expected, "batch 0");
    let twice = found_in_history(|play, blocks| {
        let (block, _) = play.find(|event| matches!(event, Event::BatchAccepted(_)));
        let again = blocks[block].events.clone();
        blocks[block].events.extend(again);
    });
    assert_eq!((twice.kind, twice.place.seq), (Kind::Sequence, Some(0)));
    assert_eq!(twice.expected, "batch 1");
}

/// A contract that pays a unit more than it should would tell so, and have it in its books.
#[test]
fn g2_a_reward_of_a_unit_more_is_found_with_its_epoch_operator_and_field() {
    let finding = found_in_history(|play, blocks| {
        let (block, event) = play.find(|event| matches!(event, Event::RewardsBooked(_)));
        let Event::RewardsBooked(e) = &mut blocks[block].events[event] else {
            panic!("just found");
        };
        e.rewards[1].1 += 1;
    });
    assert_eq!(finding.kind, Kind::Figure);
    let place = &finding.place;
    assert_eq!(
        (&place.of[..], place.epoch, place.operator),
        ("RewardsBooked", Some(0), Some(1))
    );
    assert!(place.block.is_some());
    assert_eq!(finding.field, "reward.amount");
    let figures: [u128; 2] =
        [&finding.expected, &finding.found].map(|text| text.parse().expect("a figure"));
    assert_eq!(figures[1], figures[0] + 1);
}

#[test]
fn g14_a_payment_of_a_unit_more_is_found() {
    let finding = found_in_history(|play, blocks| {
        let (block, event) = play.find(|event| matches!(event, Event::Paid(_)));
        let Event::Paid(e) = &mut blocks[block].events[event] else {
            panic!("just found");
        };
        e.amount += 1;
    });
    assert_eq!((finding.kind, &finding.field[..]), (Kind::Figure, "amount"));
    assert_eq!(finding.place.of, "Paid");
    assert!(finding.place.operator.is_some());
}

#[test]
fn g2_g13_a_budget_or_a_level_that_does_not_follow_is_found() {
    let budget = found_in_history(|play, blocks| {
        let (block, event) = play.find(|event| matches!(event, Event::EpochSettled(_)));
        let Event::EpochSettled(e) = &mut blocks[block].events[event] else {
            panic!("just found");
        };
        e.budget -= 1;
    });
    assert_eq!((budget.kind, &budget.field[..]), (Kind::Figure, "budget"));
    assert_eq!(budget.place.epoch, Some(0));
    let level = found_in_history(|play, blocks| {
        let (block, event) = play.find(|event| matches!(event, Event::Raised(_)));
        let Event::Raised(e) = &mut blocks[block].events[event] else {
            panic!("just found");
        };
        e.level.denominator += 1;
    });
    assert_eq!(level.kind, Kind::Figure);
    assert!(level.field.starts_with("level"), "{level}");
    assert_eq!(level.place.epoch, Some(0));
}

#[test]
fn g1_funding_left_out_of_the_history_is_found_by_the_budget_that_it_made() {
    let finding = found_in_history(|play, blocks| {
        let (block, event) = play.find(|event| matches!(event, Event::Funded(_)));
        blocks[block].events.remove(event);
    });
    assert_eq!((finding.kind, &finding.field[..]), (Kind::Figure, "budget"));
}

#[test]
fn a_payment_told_to_another_payee_is_found() {
    let finding = found_in_history(|play, blocks| {
        let (block, event) = play.find(|event| matches!(event, Event::Paid(_)));
        let Event::Paid(e) = &mut blocks[block].events[event] else {
            panic!("just found");
        };
        e.payee = H160::repeat_byte(0xee);
    });
    assert_eq!((finding.kind, &finding.field[..]), (Kind::Figure, "payee"));
}

#[test]
fn g11_what_is_told_out_of_turn_is_found() {
    let rewards_first = found_in_history(|play, blocks| {
        let (block, _) = play.find(|event| matches!(event, Event::EpochClosed(_)));
        blocks[block].events.reverse();
    });
    assert_eq!(rewards_first.kind, Kind::OutOfTurn, "{rewards_first}");
    assert_eq!(rewards_first.place.of, "RewardsBooked");
    let too_early = found_in_history(|play, blocks| {
        let (block, _) = play.find(|event| matches!(event, Event::EpochSettled(_)));
        let earlier = blocks[block - 1].time_ms - 100_000_000;
        for block in &mut blocks[..=block] {
            block.time_ms = block.time_ms.min(earlier);
        }
    });
    assert!(
        matches!(too_early.kind, Kind::OutOfTurn | Kind::Figure),
        "{too_early}"
    );
    let without_entries = found_in_history(|play, blocks| {
        let (block, event) = play.find(|event| matches!(event, Event::Entries(_)));
        blocks[block].events.remove(event);
    });
    assert_eq!(without_entries.kind, Kind::OutOfTurn);
    assert!(without_entries.expected.starts_with("Entries"));
}

#[test]
fn a_history_that_does_not_begin_with_the_deployment_or_has_two_is_found() {
    let headless = found_in_history(|_, blocks| {
        blocks.remove(0);
    });
    assert_eq!(headless.kind, Kind::Deployment);
    assert_eq!(headless.found, "Registered");
    let twice = found_in_history(|_, blocks| {
        let first = blocks[0].events.clone();
        blocks[1].events.extend(first);
    });
    assert_eq!(twice.kind, Kind::Deployment);
    assert_eq!(twice.found, "a second one");
}
