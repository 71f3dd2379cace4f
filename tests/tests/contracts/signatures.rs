//! Who must sign a batch, and what a signature is good for.

use crate::stage::{stage, stage_with};
use plimsoll_embedded::{CHAIN_ID, H160};
use plimsoll_evidence::Suite;
use plimsoll_interface::mechanism::Hash;
use plimsoll_interface::{Attesters, Change, EpochView, Error, LedgerView};
use plimsoll_tests::{entry, keccak, Attester, Batch, Setup, World};
use proptest::prelude::*;
use std::cell::RefCell;

const SIGNATURE: usize = 65;

/// Changes one signature.
type Spoil = dyn Fn(&mut [u8]);

fn unsigned() -> Batch {
    Batch::unsigned(0, 0, 0, &[entry(0, 5, 0, 0)])
}

/// Submits a batch for which `signed` makes the signatures, and expects `error`.
#[track_caller]
fn refused(world: &mut World, error: Error, signed: impl FnOnce(&World, Batch) -> Batch) {
    let batch = signed(world, unsigned());
    assert_eq!(world.attest(&batch).refused(), error);
    assert_eq!(world.next_seq(0, 0), 0);
}

#[test]
fn signature_as_many_as_the_threshold_or_more_must_sign() {
    for signers in 0..=5 {
        let (mut world, _) = stage(1, 0);
        let batch = unsigned().signed(world.emission, &world.attesters[..signers]);
        let sent = world.attest(&batch);
        if signers < 3 {
            assert_eq!(sent.refused(), Error::SignatureCount);
        } else {
            sent.done();
        }
    }
}

#[test]
fn signature_any_three_of_the_five_will_do() {
    let (mut world, _) = stage(1, 0);
    for (a, b, c) in [(0, 1, 4), (0, 2, 3), (1, 3, 4), (2, 3, 4)] {
        let mut batch = unsigned();
        batch.header.seq = world.next_seq(0, 0);
        let signers = [a, b, c].map(|k| world.attesters[k].clone());
        let batch = batch.signed(world.emission, &signers);
        world.attest(&batch).done();
    }
}

#[test]
fn signature_that_is_cut_is_none() {
    let (mut world, _) = stage(1, 0);
    for length in [SIGNATURE * 3 - 1, SIGNATURE * 3 + 1, SIGNATURE * 2 + 64] {
        refused(&mut world, Error::SignatureCount, |world, batch| {
            let mut batch = batch.signed(world.emission, &world.attesters[..4]);
            batch.signatures.truncate(length);
            batch
        });
    }
}

#[test]
fn signature_of_nobody_counts_twice_and_signers_come_in_order() {
    let (mut world, _) = stage(1, 0);
    for (order, at) in [
        ([0, 0, 1], 1),
        ([0, 1, 1], 2),
        ([1, 0, 2], 1),
        ([0, 2, 1], 2),
    ] {
        refused(&mut world, Error::SignerOrder(at), |world, batch| {
            let signers = order.map(|k| &world.attesters[k]);
            batch.signed(world.emission, signers)
        });
    }
}

#[test]
fn signature_of_a_stranger_refuses_the_batch_even_beside_enough_attesters() {
    let (mut world, _) = stage(1, 0);
    let stranger = Attester::named("stranger");
    for attesters in [2, 3, 5] {
        let mut signers: Vec<Attester> = world.attesters[..attesters].to_vec();
        signers.push(stranger.clone());
        signers.sort_by_key(|signer| signer.address);
        let is_stranger = |signer: &Attester| signer.address == stranger.address;
        let at = signers.iter().position(is_stranger).expect("it is there");
        let error = Error::UnknownAttester(u32::try_from(at).expect("few"));
        refused(&mut world, error, |world, batch| {
            batch.signed(world.emission, &signers)
        });
    }
}

#[test]
fn signature_counts_for_one_chain_one_contract_and_one_batch() {
    let (mut world, _) = stage(1, 0);
    // What was signed differs from what is sent, so that every signature recovers to
    // somebody else.
    let others: [fn(&World, &mut Batch); 6] = [
        |_, batch| batch.header.epoch = 1,
        |_, batch| batch.header.lane = 1,
        |_, batch| batch.header.seq = 1,
        |_, batch| batch.header.receipts_root[0] ^= 1,
        |_, batch| batch.header.receipts += 1,
        |_, batch| batch.entries[3] ^= 1,
    ];
    let sign = |world: &World, digest| -> Vec<u8> {
        let signers = &world.attesters[..3];
        signers.iter().flat_map(|a| a.sign(&digest)).collect()
    };
    for (k, change) in others.into_iter().enumerate() {
        let mut other = unsigned();
        change(&world, &mut other);
        let mut batch = unsigned();
        batch.signatures = sign(&world, other.digest(world.emission));
        expect_strangers(&mut world, &batch, &format!("change {k}"));
    }
    let mut batch = unsigned();
    batch.signatures = sign(&world, batch.digest(H160::repeat_byte(3)));
    expect_strangers(&mut world, &batch, "another contract");
    batch.signatures = sign(&world, batch.digest_for(world.emission, CHAIN_ID + 1));
    expect_strangers(&mut world, &batch, "another chain");
    batch.signatures = sign(&world, batch.digest(world.emission));
    world.attest(&batch).done();
}

/// Signatures over something else recover to nobody's address, whose order is chance.
#[track_caller]
fn expect_strangers(world: &mut World, batch: &Batch, what: &str) {
    let error = world.attest(batch).refused();
    assert!(
        matches!(error, Error::UnknownAttester(0) | Error::BadSignature(0)),
        "{what}: {error:?}"
    );
}

#[test]
fn signature_has_one_accepted_form() {
    let (mut world, _) = stage(1, 0);
    let spoilt = |world: &World, spoil: &Spoil| {
        let mut batch = unsigned().signed(world.emission, &world.attesters[..3]);
        spoil(&mut batch.signatures[SIGNATURE..2 * SIGNATURE]);
        batch
    };
    let high_s = |signature: &mut [u8]| {
        // s becomes the order minus s, and v changes sides: the same signer, another form.
        let order = secp256k1::constants::CURVE_ORDER;
        let mut borrow = 0;
        for k in (0..32).rev() {
            let digit = i32::from(order[k]) - i32::from(signature[32 + k]) - borrow;
            borrow = i32::from(digit < 0);
            signature[32 + k] = u8::try_from(digit.rem_euclid(256)).expect("a byte");
        }
        signature[64] ^= 27 ^ 28;
    };
    let forms: [(&str, &Spoil); 7] = [
        ("high s", &high_s),
        ("v of 0 or 1", &|signature| signature[64] -= 27),
        ("v of 29 or 30", &|signature| signature[64] += 2),
        ("v with the chain id", &|signature| signature[64] += 10),
        ("r of zero", &|signature| signature[..32].fill(0)),
        ("s of zero", &|signature| signature[32..64].fill(0)),
        ("r beyond the field", &|signature| {
            signature[..32].fill(0xff)
        }),
    ];
    for (form, spoil) in forms {
        let batch = spoilt(&world, spoil);
        assert_eq!(
            world.attest(&batch).refused(),
            Error::BadSignature(1),
            "{form}"
        );
    }
    let other_v = spoilt(&world, &|signature| signature[64] ^= 27 ^ 28);
    let error = world.attest(&other_v).refused();
    assert!(
        matches!(
            error,
            Error::UnknownAttester(1) | Error::SignerOrder(1) | Error::BadSignature(1)
        ),
        "{error:?}"
    );
}

/// Announces other attesters, and returns them.
fn rotate(world: &mut World) -> Vec<Attester> {
    let mut fresh: Vec<Attester> = ["x", "y", "z"].map(Attester::named).to_vec();
    fresh.sort_by_key(|attester| attester.address);
    let members = fresh.iter().map(|attester| attester.address).collect();
    world
        .queue(&Change::Attesters(Attesters {
            threshold: 2,
            members,
        }))
        .done();
    fresh
}

#[test]
fn signature_is_one_of_the_attesters_of_the_batchs_epoch_however_late_it_comes() {
    let (mut world, _) = stage(1, 0);
    let fresh = rotate(&mut world);
    let old = world.attesters.clone();
    // Announced in epoch 0 with a timelock of an epoch and a half: they count from 2.
    world.go_to_epoch(2);
    let batch = |epoch, seq| Batch::unsigned(epoch, 0, seq, &[entry(0, 1, 0, 0)]);
    let emission = world.emission;
    for (epoch, signers, count, accepted) in [
        (1, &fresh, 2, false),
        (1, &old, 3, true),
        (2, &old, 3, false),
        (2, &fresh, 1, false),
        (2, &fresh, 2, true),
    ] {
        let sent = world.attest(&batch(epoch, 0).signed(emission, &signers[..count]));
        assert_eq!(sent.succeeded(), accepted, "{count} for epoch {epoch}");
    }
    let members: Vec<H160> = fresh.iter().map(|attester| attester.address).collect();
    assert_eq!(world.attesters_of(2).members, members);
    assert_eq!(world.attesters_of(1).members.len(), 5);
    // A second rotation, announced in force's own epoch, leaves both in place.
    let back = Change::Attesters(world.attesters_of(1));
    world.queue(&back).done();
    world.go_to_epoch(4);
    let first = world.attest(&batch(3, 0).signed(emission, &fresh[..2]));
    assert!(first.succeeded());
    let second = world.attest(&batch(4, 0).signed(emission, &old[..3]));
    assert!(second.succeeded());
}

#[test]
fn signature_of_one_of_one_and_of_sixteen_of_sixteen_work_too() {
    for count in [1, 16_u8] {
        let setup = Setup {
            attesters: usize::from(count),
            threshold: count,
            ..Setup::default()
        };
        let (mut world, _) = stage_with(setup, 1, 0);
        world.credit(0, &[entry(0, 1, 0, 0)]);
        let mut short = world.batch(0, 0, &[entry(0, 1, 0, 0)]);
        short
            .signatures
            .truncate(SIGNATURE * usize::from(count - 1));
        assert_eq!(world.attest(&short).refused(), Error::SignatureCount);
    }
}

/// What stands in the EIP-712 digest beside the batch.
struct Words {
    domain: &'static str,
    name: &'static str,
    version: &'static str,
    chain: u64,
    batch: &'static str,
}

/// The words of this contract.
const WORDS: Words = Words {
    domain: "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
    name: "Plimsoll",
    version: "1",
    chain: CHAIN_ID,
    batch: "Batch(uint64 epoch,uint32 lane,uint64 seq,bytes32 receiptsRoot,uint64 receipts,bytes entries)",
};

/// The EIP-712 digest, put together by hand from the standard and not by the mechanism.
fn digest_by_hand(words: &Words, contract: H160, batch: &Batch) -> Hash {
    let word = |bytes: &[u8]| [&[0; 32][bytes.len()..], bytes].concat();
    let hashed = |text: &str| keccak(text.as_bytes()).to_vec();
    let separator = keccak(
        &[
            hashed(words.domain),
            hashed(words.name),
            hashed(words.version),
            word(&words.chain.to_be_bytes()),
            word(contract.as_bytes()),
        ]
        .concat(),
    );
    let header = &batch.header;
    let content = keccak(
        &[
            hashed(words.batch),
            word(&u64::from(header.epoch).to_be_bytes()),
            word(&header.lane.to_be_bytes()),
            word(&header.seq.to_be_bytes()),
            header.receipts_root.to_vec(),
            word(&header.receipts.to_be_bytes()),
            keccak(&batch.entries).to_vec(),
        ]
        .concat(),
    );
    keccak(&[&b"\x19\x01"[..], &separator, &content].concat())
}

#[test]
fn signature_is_over_the_eip_712_digest_with_this_name_version_chain_and_type() {
    let (mut world, _) = stage(1, 0);
    let emission = world.emission;
    let sign = |world: &World, words: &Words| {
        let mut batch = unsigned();
        let digest = digest_by_hand(words, emission, &batch);
        let signers = &world.attesters[..3];
        batch.signatures = signers.iter().flat_map(|a| a.sign(&digest)).collect();
        batch
    };
    let others = [
        (
            "another name",
            Words {
                name: "Plimsol",
                ..WORDS
            },
        ),
        (
            "another version",
            Words {
                version: "2",
                ..WORDS
            },
        ),
        (
            "no version",
            Words {
                version: "",
                ..WORDS
            },
        ),
        ("another chain", Words { chain: 1, ..WORDS }),
        ("no chain", Words { chain: 0, ..WORDS }),
        (
            "a domain of another type",
            Words {
                domain: "EIP712Domain(string name,string version,uint256 chainId)",
                ..WORDS
            },
        ),
        (
            "a batch of another type",
            Words {
                batch:
                    "Batch(uint64 epoch,uint32 lane,uint64 seq,bytes32 receiptsRoot,bytes entries)",
                ..WORDS
            },
        ),
    ];
    for (what, words) in others {
        let batch = sign(&world, &words);
        expect_strangers(&mut world, &batch, what);
    }
    let batch = sign(&world, &WORDS);
    world.attest(&batch).done();
}

#[test]
fn signature_given_before_a_change_of_the_threshold_counts_by_the_batchs_epoch() {
    for (before, after) in [(3, 4), (4, 3), (3, 5)] {
        let setup = Setup {
            threshold: before,
            ..Setup::default()
        };
        let (mut world, _) = stage_with(setup, 1, 0);
        let members = world.attesters_of(0).members;
        world
            .queue(&Change::Attesters(Attesters {
                threshold: after,
                members,
            }))
            .done();
        let emission = world.emission;
        let batch = |world: &World, epoch, seq, signers: u8| {
            Batch::unsigned(epoch, 0, seq, &[entry(0, 1, 0, 0)])
                .signed(emission, &world.attesters[..usize::from(signers)])
        };
        // All are signed now, in epoch 0, and sent when the change is in force.
        let late = [1, 2].map(|epoch| [before, after].map(|n| batch(&world, epoch, 0, n)));
        world.go_to_epoch(2);
        for (needed, signed) in [(before, &late[0]), (after, &late[1])] {
            let fewer = &signed[usize::from(after < before)];
            let more = &signed[usize::from(after > before)];
            let sent = world.attest(fewer);
            if needed == before.min(after) {
                sent.done();
                // The longer list signs the same batch, which is counted by now.
                assert_eq!(world.attest(more).refused(), Error::WrongSeq(1));
            } else {
                assert_eq!(sent.refused(), Error::SignatureCount);
                world.attest(more).done();
            }
        }
    }
}

/// A change of a batch on its way to the contract.
#[derive(Clone, Debug)]
enum Corruption {
    /// The epoch, the lane, the number, or how many receipts, by this difference.
    Header(u8, u64),
    /// A byte of the receipts root is another one.
    Root(usize, u8),
    /// A byte of the entries is another one.
    Entry(usize, u8),
    /// Entries are cut to so many, or the last one is repeated.
    Entries(usize),
    /// A byte of the signatures is another one.
    Signature(usize, u8),
    /// A signature takes another one's place.
    Copied(usize, usize),
    /// Two change places.
    Swapped(usize, usize),
    /// The signatures end here.
    Cut(usize),
    /// A signature of a stranger's, or of an attester's over something else.
    Foreign(usize, Hash),
}

fn corruption() -> impl Strategy<Value = Corruption> {
    let byte = 1..=u8::MAX;
    let at = 0..10_000_usize;
    prop_oneof![
        1 => (0..4_u8, prop_oneof![1..4_u64, 1..=u64::MAX]).prop_map(|(k, by)| Corruption::Header(k, by)),
        1 => (at.clone(), byte.clone()).prop_map(|(at, by)| Corruption::Root(at, by)),
        2 => (at.clone(), byte.clone()).prop_map(|(at, by)| Corruption::Entry(at, by)),
        1 => at.clone().prop_map(Corruption::Entries),
        4 => (at.clone(), byte).prop_map(|(at, by)| Corruption::Signature(at, by)),
        1 => (0..3_usize, 1..3_usize).prop_map(|(a, by)| Corruption::Copied(a, (a + by) % 3)),
        1 => (0..3_usize, 1..3_usize).prop_map(|(a, by)| Corruption::Swapped(a, (a + by) % 3)),
        1 => (0..SIGNATURE * 3).prop_map(Corruption::Cut),
        1 => (0..3_usize, any::<Hash>()).prop_map(|(at, over)| Corruption::Foreign(at, over)),
    ]
}

impl Corruption {
    /// Changes `batch`, which `signers` signed.
    fn apply(&self, batch: &mut Batch, signers: &[Attester]) {
        let header = &mut batch.header;
        let place = |k: &usize| k * SIGNATURE..(k + 1) * SIGNATURE;
        match self {
            Self::Header(0, by) => header.epoch ^= 1 + (*by as u32) % 7,
            Self::Header(1, by) => header.lane = header.lane.wrapping_add(*by as u32 | 1),
            Self::Header(2, by) => header.seq = header.seq.wrapping_add(*by),
            Self::Header(_, by) => header.receipts = header.receipts.wrapping_add(*by),
            Self::Root(at, by) => header.receipts_root[at % 32] ^= by,
            Self::Entry(at, by) => {
                let length = batch.entries.len();
                batch.entries[at % length] ^= by;
            }
            Self::Entries(count) => {
                let length = batch.entries.len();
                match count % (length / 21 + 1) * 21 {
                    kept if kept < length => batch.entries.truncate(kept),
                    _ => batch.entries.extend_from_within(length - 21..),
                }
            }
            Self::Signature(at, by) => batch.signatures[at % (SIGNATURE * 3)] ^= by,
            Self::Copied(from, to) => {
                let copied = batch.signatures[place(from)].to_vec();
                batch.signatures[place(to)].copy_from_slice(&copied);
            }
            Self::Swapped(a, b) => {
                let [first, second] = [a, b].map(|k| batch.signatures[place(k)].to_vec());
                batch.signatures[place(a)].copy_from_slice(&second);
                batch.signatures[place(b)].copy_from_slice(&first);
            }
            Self::Cut(length) => batch.signatures.truncate(*length),
            Self::Foreign(at, over) => {
                let signature = if over[0] % 2 == 0 {
                    signers[*at].sign(over)
                } else {
                    Attester::named(&hex::encode(over)).sign(&batch.digest(H160::zero()))
                };
                batch.signatures[place(at)].copy_from_slice(&signature);
            }
        }
    }
}

/// Everything that a batch could leave a trace in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Traces {
    storage: Option<(u32, u32)>,
    epochs: [Option<EpochView>; 2],
    /// By lane.
    numbers: [u64; 3],
    ledger: LedgerView,
}

fn traces(world: &mut World) -> Traces {
    Traces {
        storage: world.chain.storage_size(world.emission),
        epochs: [0, 1].map(|epoch| world.epoch(epoch)),
        numbers: [0, 1, 2].map(|lane| world.next_seq(1, lane)),
        ledger: world.ledger(),
    }
}

#[test]
fn g16_signature_or_field_that_is_changed_refuses_the_batch_and_leaves_no_trace() {
    let suite = Suite {
        name: "bytecode",
        cases: 200,
        package: env!("CARGO_MANIFEST_DIR"),
    };
    // Epoch 1 with epoch 0 still open: another epoch would be taken too.
    let (mut world, _) = stage(3, 0);
    world.go_to_epoch(1);
    let entries = [entry(0, 5, 1, 2), entry(1, 6, 2, 3), entry(2, 7, 3, 4)];
    let honest = world.batch(1, 0, &entries);
    let signers = world.attesters[..3].to_vec();
    let before = traces(&mut world);
    let world = RefCell::new(world);
    suite.property(
        "g16_signature_or_field_that_is_changed_refuses_the_batch_and_leaves_no_trace",
        corruption(),
        |corruption| {
            let mut batch = honest.clone();
            corruption.apply(&mut batch, &signers);
            prop_assert_ne!(&batch, &honest, "it changes something");
            let mut world = world.borrow_mut();
            let sent = world.attest(&batch);
            prop_assert!(!sent.succeeded(), "{:?} is accepted", batch);
            prop_assert_eq!(traces(&mut world), before);
            Ok(())
        },
    );
    // And the batch as it was signed is good.
    world.borrow_mut().attest(&honest).done();
}
