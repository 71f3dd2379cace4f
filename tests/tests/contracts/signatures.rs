//! Who must sign a batch, and what a signature is good for.

use crate::stage::{stage, stage_with};
use plimsoll_embedded::{CHAIN_ID, H160};
use plimsoll_interface::{Attesters, Change, Error};
use plimsoll_tests::{entry, Attester, Batch, Setup, World};

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
fn as_many_as_the_threshold_or_more_must_sign() {
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
fn any_three_of_the_five_will_do() {
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
fn a_cut_signature_is_none() {
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
fn nobody_signs_twice_and_signers_come_in_order() {
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
fn a_stranger_does_not_count_even_beside_enough_attesters() {
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
fn a_signature_counts_for_one_chain_one_contract_and_one_batch() {
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
fn a_signature_has_one_accepted_form() {
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
fn the_attesters_of_the_batchs_epoch_sign_it_however_late_it_comes() {
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
fn one_of_one_and_sixteen_of_sixteen_work_too() {
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
