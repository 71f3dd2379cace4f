//! Batches: G12 and G16.

use crate::support::host::{Host, Settings, GENESIS, SETTINGS};
use crate::support::{draw, property};
use plimsoll_mechanism::batch::{lane_of, BatchHeader, Domain};
use plimsoll_mechanism::merkle;
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::status::Status;
use plimsoll_mechanism::work::{self, Entry};
use plimsoll_mechanism::{Epoch, Hash, OperatorIndex};
use proptest::prelude::*;
use sha3::{Digest, Keccak256};
use std::collections::{BTreeMap, BTreeSet};

fn keccak(bytes: &[u8]) -> Hash {
    Keccak256::digest(bytes).into()
}

/// Entries of `pieces` as one batch has them: sorted, one for each operator.
fn merged(pieces: impl Iterator<Item = Entry>) -> Vec<u8> {
    let mut entries: BTreeMap<OperatorIndex, Entry> = BTreeMap::new();
    for piece in pieces {
        entries
            .entry(piece.operator)
            .and_modify(|sum| {
                sum.fragment += piece.fragment;
                sum.bulk += piece.bulk;
                sum.fees += piece.fees;
            })
            .or_insert(piece);
    }
    work::pack(&entries.into_values().collect::<Vec<_>>()).expect("sorted and in range")
}

/// Operators in both tiers on three pages of work, some of them nobody.
const CROWD: u32 = 60;

fn crowd(params: plimsoll_mechanism::params::Params, funds: u128) -> Host {
    let mut host = Host::new(SETTINGS, params);
    for operator in 0..CROWD {
        host.register();
        match operator % 5 {
            0 | 1 => host.vouch(operator).expect("before genesis"),
            2 | 3 => host.bond(operator, 1 << 60).expect("before genesis"),
            _ => {}
        }
    }
    host.fund(funds).expect("the first funds fit");
    host.pass(GENESIS);
    host
}

/// Sends `pieces` in batches that `seed` makes up: which pieces go together, in
/// which order, in which lane, how many of them only after the epoch has ended,
/// with other messages in between.
fn send(host: &mut Host, pieces: &[Entry], seed: u64) {
    let most = 1 + seed % 12;
    let mut batches: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
    for k in draw::order(seed, pieces.len()) {
        let number = draw::scramble(!seed, k) % most;
        batches.entry(number).or_default().push(pieces[k]);
    }
    let late = seed % (most + 1);
    for number in 0..most {
        if number == late {
            host.pass(105);
        }
        let Some(batch) = batches.get(&number) else {
            continue;
        };
        let lane = (draw::scramble(seed, number as usize) % 3) as u32;
        let seq = host.next_seq(0, lane).expect("a lane");
        host.attest(0, lane, u64::from(seq), &merged(batch.iter().copied()))
            .expect("in the epoch or its attest window");
        // What is done now counts from the next epoch.
        let operator = (draw::scramble(seed, 99 + number as usize) % u64::from(CROWD)) as u32;
        match number % 3 {
            0 => drop(host.vouch(operator)),
            1 => drop(host.revoke(operator)),
            _ => drop(host.bond(operator, 5)),
        }
        host.fund(1_000).expect("small");
    }
    if late == most {
        host.pass(105);
    }
}

#[test]
fn g12_how_work_is_cut_into_batches_changes_no_reward() {
    let figure = || draw::magnitude(1 << 40).prop_map(|f| u64::try_from(f).expect("small"));
    let piece =
        (0..CROWD, figure(), figure(), figure()).prop_map(|(operator, fragment, bulk, fees)| {
            Entry {
                operator,
                fragment,
                bulk,
                fees,
            }
        });
    let inputs = (
        draw::params(),
        draw::magnitude(1 << 120),
        prop::collection::vec(piece, 1..60),
        any::<u64>(),
        any::<u64>(),
    );
    property(
        "g12_how_work_is_cut_into_batches_changes_no_reward",
        inputs,
        |(params, funds, pieces, seed, other_seed)| {
            let run = |seed| {
                let mut host = crowd(params, funds);
                send(&mut host, &pieces, seed);
                host.pass(60);
                host.settle().expect("after the review window");
                let everybody: Vec<_> = (0..CROWD).map(Some).chain([None]).collect();
                while host.raise(0, &everybody).expect("not final") > 0 {}
                host.pass(50);
                host
            };
            let (one, other) = (run(seed), run(other_seed));
            let (a, b) = (&one.records[&0], &other.records[&0]);
            prop_assert_eq!(a.vetted, b.vetted);
            prop_assert_eq!(a.open, b.open);
            prop_assert_eq!(a.entered_before, b.entered_before);
            let budgets = [a, b].map(|record| record.settlement.expect("settled").budget);
            prop_assert_eq!(budgets[0], budgets[1]);
            for operator in 0..CROWD {
                prop_assert_eq!(one.figures(0, operator), other.figures(0, operator));
                prop_assert_eq!(one.reward(0, operator), other.reward(0, operator));
            }
            // And it is what the pieces say, by the tier at the start of the epoch.
            for operator in 0..CROWD {
                let own = || pieces.iter().filter(|p| p.operator == operator);
                let part = Part::new(&one.figures(0, operator), 1, 0);
                let counted = one.status(operator, 0) != Status::Inactive && operator % 5 != 4;
                let sum = |figure: fn(&Entry) -> u64| -> u128 {
                    own().map(|p| u128::from(figure(p))).sum::<u128>() * u128::from(counted)
                };
                prop_assert_eq!(part.work.fragment, sum(|p| p.fragment));
                prop_assert_eq!(part.work.bulk, sum(|p| p.bulk));
                prop_assert_eq!(part.fees, sum(|p| p.fees));
                let empty = part.work.total() == 0 && part.fees == 0;
                prop_assert!(empty || part.vetted == (operator % 5 < 2));
            }
            Ok(())
        },
    );
}

/// A job's receipt, as far as counting it goes.
#[derive(Clone, Debug)]
struct Receipt {
    operator: OperatorIndex,
    units: u64,
    /// Of its completion time.
    epoch: Epoch,
}

fn id(receipt: usize) -> Hash {
    keccak(&(receipt as u64).to_be_bytes())
}

#[derive(Clone, Debug)]
struct Batch {
    header: BatchHeader,
    receipts: Vec<usize>,
    entries: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct Attester {
    lies: bool,
    signed: Vec<Batch>,
}

/// Attesters, relayers and the contract. Signatures are kept by what they sign: the digest.
#[derive(Clone)]
struct World {
    host: Host,
    domain: Domain,
    receipts: Vec<Receipt>,
    attesters: Vec<Attester>,
    threshold: usize,
    signatures: BTreeMap<Hash, BTreeSet<usize>>,
    /// Every batch anybody ever made up.
    known: Vec<Batch>,
    /// What the contract took: header and entries as they were sent.
    accepted: Vec<(BatchHeader, Vec<u8>)>,
}

impl World {
    fn digest(&self, header: &BatchHeader, entries: &[u8]) -> Hash {
        header.digest(&self.domain, entries, keccak)
    }

    fn batch(&self, epoch: Epoch, lane: u32, seq: u64, receipts: Vec<usize>) -> Batch {
        let leaves: Vec<Hash> = receipts
            .iter()
            .map(|r| merkle::leaf(&id(*r), keccak))
            .collect();
        let entries = merged(receipts.iter().map(|r| Entry {
            operator: self.receipts[*r].operator,
            fragment: self.receipts[*r].units,
            bulk: 0,
            fees: 1,
        }));
        Batch {
            header: BatchHeader {
                epoch,
                lane,
                seq,
                receipts_root: merkle::root(&leaves, keccak),
                receipts: receipts.len() as u64,
            },
            receipts,
            entries,
        }
    }

    /// Whether epoch `epoch` may still take a batch, now or after a pause.
    fn open(&self, epoch: Epoch) -> bool {
        let clock = self.host.clock();
        clock.elapsed() < clock.attest_end(epoch)
    }

    fn target(&self, receipt: usize) -> Option<Epoch> {
        self.host.clock().counts_in(self.receipts[receipt].epoch)
    }

    /// The receipts of every batch that the contract took, found by their root.
    fn counted(&self) -> Vec<usize> {
        self.accepted
            .iter()
            .flat_map(|(header, _)| {
                let batch = self
                    .known
                    .iter()
                    .find(|b| b.header.receipts_root == header.receipts_root);
                batch.map(|b| b.receipts.clone()).unwrap_or_default()
            })
            .collect()
    }

    fn could_be_accepted(&self, batch: &Batch) -> bool {
        let (epoch, lane) = (batch.header.epoch, batch.header.lane);
        let next = self.host.next_seq(epoch, lane).map(u64::from);
        self.open(epoch) && next.is_some_and(|next| batch.header.seq >= next)
    }

    /// What an honest attester checks.
    fn is_right(&self, attester: &Attester, batch: &Batch) -> bool {
        let header = &batch.header;
        let lanes = self.host.settings.lanes;
        let rebuilt = self.batch(
            header.epoch,
            header.lane,
            header.seq,
            batch.receipts.clone(),
        );
        let distinct: BTreeSet<usize> = batch.receipts.iter().copied().collect();
        let next = self.host.next_seq(header.epoch, header.lane).map(u64::from);
        let signed_other = attester.signed.iter().any(|b| {
            let place = (b.header.epoch, b.header.lane, b.header.seq);
            place == (header.epoch, header.lane, header.seq)
                && self.digest(&b.header, &b.entries) != self.digest(header, &batch.entries)
        });
        let counted = self.counted();
        let live: BTreeSet<usize> = attester
            .signed
            .iter()
            .filter(|b| b.header != *header && self.could_be_accepted(b))
            .flat_map(|b| b.receipts.iter().copied())
            .collect();
        !batch.receipts.is_empty()
            && distinct.len() == batch.receipts.len()
            && (rebuilt.header, &rebuilt.entries) == (*header, &batch.entries)
            && next == Some(header.seq)
            && !signed_other
            && batch.receipts.iter().all(|r| {
                lane_of(&id(*r), lanes) == header.lane
                    && self.target(*r) == Some(header.epoch)
                    && !counted.contains(r)
                    && !live.contains(r)
            })
    }

    /// Asks the attesters of `asked` (a bit each) to sign; who lies signs anything.
    fn ask(&mut self, batch: &Batch, asked: u64) {
        let digest = self.digest(&batch.header, &batch.entries);
        for k in 0..self.attesters.len() {
            let reached = asked >> k & 1 == 1;
            let attester = &self.attesters[k];
            if attester.lies || (reached && self.is_right(attester, batch)) {
                self.attesters[k].signed.push(batch.clone());
                self.signatures.entry(digest).or_default().insert(k);
            }
        }
    }

    /// Sends a batch to the contract, which checks the signatures of its digest.
    fn submit(&mut self, header: &BatchHeader, entries: &[u8]) {
        let digest = self.digest(header, entries);
        let signers = self.signatures.get(&digest).map_or(0, BTreeSet::len);
        if signers >= self.threshold
            && self
                .host
                .attest(header.epoch, header.lane, header.seq, entries)
                .is_ok()
        {
            self.accepted.push((*header, entries.to_vec()));
        }
    }
}

/// What keepers, relayers and time do.
#[derive(Clone, Debug)]
enum Move {
    /// Somebody builds a batch, honestly or not, and asks some attesters.
    Build {
        seed: u64,
        honest: bool,
        asked: u64,
    },
    /// Somebody asks other attesters for a batch that is known.
    Ask {
        which: usize,
        asked: u64,
    },
    /// Somebody sends a known batch, perhaps not for the first time.
    Send {
        which: usize,
    },
    /// Somebody sends a batch that was signed with something changed.
    Forge {
        which: usize,
        other: usize,
        change: u8,
    },
    Pass(u64),
    Pause,
    Unpause,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let which = || prop_oneof![3 => 0..3_usize, 1 => 0..40_usize];
    // One attester, so that another knows nothing of the batch, or some.
    let asked = || prop_oneof![2 => (0..7_u32).prop_map(|k| 1 << k), 1 => any::<u64>()];
    let step = prop_oneof![
        8 => (any::<u64>(), prop::bool::weighted(0.6), asked())
            .prop_map(|(seed, honest, asked)| Move::Build { seed, honest, asked }),
        4 => (which(), asked()).prop_map(|(which, asked)| Move::Ask { which, asked }),
        8 => which().prop_map(|which| Move::Send { which }),
        2 => (which(), which(), 0..6_u8)
            .prop_map(|(which, other, change)| Move::Forge { which, other, change }),
        4 => (1..70_u64).prop_map(Move::Pass),
        2 => (90..125_u64).prop_map(Move::Pass),
        1 => Just(Move::Pause),
        1 => Just(Move::Unpause),
    ];
    prop::collection::vec(step, 1..70)
}

fn worlds() -> impl Strategy<Value = World> {
    let receipt =
        (0..30_u32, 1..1_000_u64, 0..3_u32).prop_map(|(operator, units, epoch)| Receipt {
            operator,
            units,
            epoch,
        });
    let quorum = (1..=7_usize).prop_flat_map(|n| {
        let majority = n / 2 + 1;
        (Just(n), prop_oneof![Just(majority), majority..=n])
    });
    (
        draw::params(),
        prop::collection::vec(receipt, 1..12),
        quorum,
        1..=3_u32,
        any::<u64>(),
    )
        .prop_map(|(params, receipts, (members, threshold), lanes, seed)| {
            let mut settings = Settings { lanes, ..SETTINGS };
            // Half of the time two epochs take batches.
            settings.times.attest_window = 50;
            settings.times.level_window = 20;
            let mut host = Host::new(settings, params);
            for _ in 0..30 {
                let operator = host.register();
                host.vouch(operator).expect("before genesis");
            }
            host.pass(GENESIS);
            // As many lie as may: one fewer than must sign.
            let liars: BTreeSet<usize> = draw::order(seed, members)
                .into_iter()
                .take(threshold - 1)
                .collect();
            World {
                host,
                domain: Domain {
                    chain_id: keccak(b"chain"),
                    contract: [7; 20],
                },
                receipts,
                attesters: (0..members)
                    .map(|k| Attester {
                        lies: liars.contains(&k),
                        signed: Vec::new(),
                    })
                    .collect(),
                threshold,
                signatures: BTreeMap::new(),
                known: Vec::new(),
                accepted: Vec::new(),
            }
        })
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("receipts", &self.receipts)
            .field("attesters", &self.attesters)
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}

/// A batch of what `seed` picks; an honest one keeps to the rules.
fn build(world: &World, seed: u64, honest: bool) -> Batch {
    // Around one receipt: in its lane, and where it may count now.
    let focus = (seed % world.receipts.len() as u64) as usize;
    let lane = lane_of(&id(focus), world.host.settings.lanes);
    let current = world.host.clock().epoch();
    let back = (seed >> 8 & 1) as u32;
    let epoch = match world.target(focus) {
        Some(epoch) if honest => epoch,
        _ => current.saturating_sub(back),
    };
    let counted = world.counted();
    let mut receipts: Vec<usize> = draw::order(seed, world.receipts.len())
        .into_iter()
        .filter(|r| {
            let picked = !draw::scramble(!seed, *r).is_multiple_of(3);
            let allowed = lane_of(&id(*r), world.host.settings.lanes) == lane
                && world.target(*r) == Some(epoch)
                && !counted.contains(r);
            // A dishonest one breaks one rule or another, or none.
            picked && (allowed || (!honest && draw::scramble(seed, *r).is_multiple_of(4)))
        })
        .collect();
    if !honest && seed >> 9 & 3 == 0 {
        receipts.extend(receipts.first().copied());
    }
    let next = world.host.next_seq(epoch, lane).map_or(0, u64::from);
    let ahead = if honest { 0 } else { seed >> 11 & 1 };
    world.batch(epoch, lane, next + ahead, receipts)
}

#[test]
fn g16_a_receipt_is_counted_once_whatever_is_resent_or_withheld() {
    let inputs = (worlds(), moves());
    property(
        "g16_a_receipt_is_counted_once_whatever_is_resent_or_withheld",
        inputs,
        |(mut world, moves)| {
            for step in moves {
                // The newest batches are the likeliest.
                let nth = |known: &[Batch], which: usize| known.iter().rev().nth(which).cloned();
                match step {
                    Move::Build {
                        seed,
                        honest,
                        asked,
                    } => {
                        let batch = build(&world, seed, honest);
                        world.known.push(batch.clone());
                        world.ask(&batch, asked);
                    }
                    Move::Ask { which, asked } => {
                        if let Some(batch) = nth(&world.known, which) {
                            world.ask(&batch, asked);
                        }
                    }
                    Move::Send { which } => {
                        if let Some(batch) = nth(&world.known, which) {
                            world.submit(&batch.header, &batch.entries);
                        }
                    }
                    Move::Forge {
                        which,
                        other,
                        change,
                    } => {
                        let (one, other) = (nth(&world.known, which), nth(&world.known, other));
                        if let (Some(mut one), Some(other)) = (one, other) {
                            match change {
                                0 => one.header.epoch = other.header.epoch,
                                1 => one.header.lane = other.header.lane,
                                2 => one.header.seq += 1,
                                3 => one.header.receipts_root = other.header.receipts_root,
                                4 => one.header.receipts += 1,
                                _ => one.entries = other.entries,
                            }
                            world.submit(&one.header, &one.entries);
                        }
                    }
                    Move::Pass(ms) => world.host.pass(ms),
                    Move::Pause => drop(world.host.pause()),
                    Move::Unpause => drop(world.host.unpause()),
                }
                check_counts(&world)?;
            }
            Ok(())
        },
    );
}

/// Every receipt at most once, each provable, and the figures are their sum.
fn check_counts(world: &World) -> Result<(), TestCaseError> {
    let counted = world.counted();
    let distinct: BTreeSet<usize> = counted.iter().copied().collect();
    prop_assert_eq!(counted.len(), distinct.len(), "{:?}", counted);
    let mut sums: BTreeMap<(Epoch, OperatorIndex), u64> = BTreeMap::new();
    for (header, _) in &world.accepted {
        let batch = world
            .known
            .iter()
            .find(|b| b.header.receipts_root == header.receipts_root);
        let receipts = batch.map(|b| b.receipts.clone()).unwrap_or_default();
        prop_assert_eq!(receipts.len() as u64, header.receipts);
        let leaves: Vec<Hash> = receipts
            .iter()
            .map(|r| merkle::leaf(&id(*r), keccak))
            .collect();
        for (position, receipt) in receipts.iter().enumerate() {
            let proof = merkle::proof(&leaves, position, keccak).expect("a leaf");
            prop_assert!(merkle::verify(
                &header.receipts_root,
                &leaves[position],
                position,
                leaves.len(),
                &proof,
                keccak
            ));
            let receipt = &world.receipts[*receipt];
            *sums.entry((header.epoch, receipt.operator)).or_default() += receipt.units;
        }
    }
    for (epoch, record) in &world.host.records {
        let mut total = 0;
        for operator in 0..30 {
            let figures = world.host.figures(*epoch, operator);
            let sum = sums.get(&(*epoch, operator)).copied().unwrap_or(0);
            prop_assert_eq!(
                figures.fragment,
                sum,
                "epoch {} operator {}",
                epoch,
                operator
            );
            total += u128::from(sum);
        }
        prop_assert_eq!(record.work().total(), total);
    }
    Ok(())
}
