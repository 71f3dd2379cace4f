//! Batches: G12 and G16.

use crate::support::host::{Host, Settings, GENESIS, SETTINGS};
use crate::support::source::Source;
use crate::support::{draw, property};
use plimsoll_mechanism::batch::{lane_of, BatchHeader, Domain};
use plimsoll_mechanism::merkle;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::status::{self, Status, StatusPage};
use plimsoll_mechanism::work::{
    self, CreditError, Entry, Figures, Page, Pages, ENTRY_BYTES, FEES_LIMIT, MAX_OPERATORS,
    WORK_LIMIT,
};
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
    let inputs = |source: &mut Source| {
        let (params, funds) = (draw::params(source), draw::magnitude(source, 1 << 120));
        let count = source.count(1..=59);
        let pieces = source.list(count, |source| Entry {
            operator: source.small(0..=CROWD - 1),
            fragment: draw::magnitude64(source, 1 << 40),
            bulk: draw::magnitude64(source, 1 << 40),
            fees: draw::magnitude64(source, 1 << 40),
        });
        (params, funds, pieces, source.word(), source.word())
    };
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

/// What is signed is a byte string; what it says is one list of entries, and the other way
/// round, and a page of work holds figures without touching its neighbours'.
#[test]
fn g16_what_is_signed_is_what_is_credited() {
    fn figure(source: &mut Source, limit: u64) -> u64 {
        match source.weighted(&[1, 1, 6]) {
            0 => 0,
            1 => limit - 1,
            _ => draw::magnitude64(source, limit - 1),
        }
    }
    let inputs = |source: &mut Source| {
        let count = source.count(0..=20);
        let most = source.one(&[30, 2_000, MAX_OPERATORS - 1]);
        let mut entries = source.list(count, |source| Entry {
            operator: source.small(0..=most),
            fragment: figure(source, WORK_LIMIT),
            bulk: figure(source, WORK_LIMIT),
            fees: figure(source, FEES_LIMIT),
        });
        entries.sort_by_key(|entry| entry.operator);
        entries.dedup_by_key(|entry| entry.operator);
        (entries, source.word())
    };
    property(
        "g16_what_is_signed_is_what_is_credited",
        inputs,
        |(entries, seed)| {
            let packed = work::pack(&entries).expect("sorted and in range");
            prop_assert_eq!(packed.len(), entries.len() * ENTRY_BYTES);
            prop_assert_eq!(work::unpack(&packed), Ok(entries.clone()));
            let mut memory = Memory::default();
            for entry in &entries {
                let (page, place) = status::locate(entry.operator);
                let known = match draw::scramble(seed, entry.operator as usize) % 3 {
                    0 => Status::Inactive,
                    1 => Status::Open,
                    _ => Status::Vetted,
                };
                memory.status.entry(page).or_default().set(place, known, 0);
            }
            let credit = work::credit(&mut memory, 3, &packed).expect("in order and in range");
            let mut sums = [Work::default(); 2];
            let (mut credited, mut skipped) = (0, Vec::new());
            for entry in &entries {
                let figures = memory.figures(entry.operator);
                let kind = draw::scramble(seed, entry.operator as usize) % 3;
                if kind == 0 {
                    skipped.push(entry.operator);
                    prop_assert_eq!(figures, Figures::default());
                    continue;
                }
                credited += 1;
                let sum = &mut sums[usize::from(kind == 2)];
                *sum = sum.checked_add(&figures.work()).expect("small");
                let expected = Figures {
                    fragment: entry.fragment,
                    bulk: entry.bulk,
                    fees: entry.fees,
                    vetted: kind == 2,
                    raised: false,
                };
                let nothing = entry.fragment == 0 && entry.bulk == 0 && entry.fees == 0;
                let expected = if nothing {
                    Figures::default()
                } else {
                    expected
                };
                prop_assert_eq!(figures, expected);
            }
            prop_assert_eq!([credit.open, credit.vetted], sums);
            prop_assert_eq!((credit.credited, credit.skipped), (credited, skipped));
            // Anything out of order, twice, or cut is no batch.
            if entries.len() > 1 {
                let k = seed as usize % (entries.len() - 1);
                let mut disorder = entries.clone();
                disorder.swap(k, k + 1);
                prop_assert_eq!(work::pack(&disorder), Err(k + 1));
                let mut swapped = packed.clone();
                swapped[k * ENTRY_BYTES..(k + 2) * ENTRY_BYTES].rotate_left(ENTRY_BYTES);
                let refused = CreditError::Order(entries[k].operator);
                prop_assert_eq!(work::unpack(&swapped), Err(refused));
                let credit = work::credit(&mut Memory::default(), 3, &swapped);
                prop_assert_eq!(credit, Err(refused));
                let mut twice = entries.clone();
                twice[k + 1] = twice[k];
                prop_assert_eq!(work::pack(&twice), Err(k + 1));
            }
            if !entries.is_empty() {
                let cut = &packed[..packed.len() - 1 - seed as usize % (ENTRY_BYTES - 1)];
                prop_assert_eq!(work::unpack(cut), Err(CreditError::Length));
                prop_assert_eq!(
                    work::credit(&mut Memory::default(), 3, cut),
                    Err(CreditError::Length)
                );
            }
            Ok(())
        },
    );
}

/// Pages in memory.
#[derive(Default)]
struct Memory {
    work: BTreeMap<u32, Page>,
    status: BTreeMap<u32, StatusPage>,
}

impl Memory {
    fn figures(&self, operator: OperatorIndex) -> Figures {
        let (page, place) = work::locate(operator);
        self.work
            .get(&page)
            .map(|page| page.get(place))
            .unwrap_or_default()
    }
}

impl Pages for Memory {
    fn page(&mut self, page: u32) -> Page {
        self.work.get(&page).copied().unwrap_or_default()
    }
    fn set_page(&mut self, page: u32, content: &Page) {
        self.work.insert(page, *content);
    }
    fn status(&mut self, page: u32) -> StatusPage {
        self.status.get(&page).copied().unwrap_or_default()
    }
}

/// Anybody can prove that a receipt was counted, and nothing else can be proven.
#[test]
fn g16_a_proof_holds_for_its_own_receipt_in_its_own_place_only() {
    let inputs = |source: &mut Source| {
        let count = match source.weighted(&[3, 1]) {
            0 => source.count(1..=9),
            _ => source.count(1..=40),
        };
        (count, source.count(0..=count - 1), source.word())
    };
    property(
        "g16_a_proof_holds_for_its_own_receipt_in_its_own_place_only",
        inputs,
        |(count, position, seed)| {
            let leaves: Vec<Hash> = (0..count)
                .map(|k| merkle::leaf(&keccak(&(seed ^ k as u64).to_be_bytes()), keccak))
                .collect();
            let root = merkle::root(&leaves, keccak);
            let proof = merkle::proof(&leaves, position, keccak).expect("a leaf");
            let holds = |leaf: &Hash, position, count, proof: &[Hash]| {
                merkle::verify(&root, leaf, position, count, proof, keccak)
            };
            let leaf = &leaves[position];
            prop_assert!(holds(leaf, position, count, &proof));
            let other = seed as usize % count;
            prop_assert_eq!(
                holds(&leaves[other], position, count, &proof),
                other == position
            );
            prop_assert_eq!(holds(leaf, other, count, &proof), other == position);
            prop_assert!(
                !holds(leaf, position + count, count, &proof),
                "no such place"
            );
            prop_assert!(!holds(leaf, position, position, &proof), "not in so few");
            prop_assert!(!holds(&root, position, count, &proof) || count == 1);
            let mut longer = proof.clone();
            longer.push(root);
            prop_assert!(
                !holds(leaf, position, count, &longer),
                "nothing is left over"
            );
            if let Some((_, shorter)) = proof.split_last() {
                prop_assert!(!holds(leaf, position, count, shorter));
                let mut changed = proof.clone();
                changed[seed as usize % proof.len()][seed as usize % 32] ^= 1 << (seed % 8);
                prop_assert!(!holds(leaf, position, count, &changed));
            }
            // Whatever single leaf is another one, the root is another one.
            let mut others = leaves.clone();
            others[other][seed as usize % 32] ^= 1 << (seed % 8);
            prop_assert!(merkle::root(&others, keccak) != root);
            prop_assert!(merkle::proof(&leaves, count, keccak).is_none());
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
    /// The id of each receipt, and its leaf in the tree of a batch.
    ids: Vec<Hash>,
    leaves: Vec<Hash>,
    attesters: Vec<Attester>,
    threshold: usize,
    signatures: BTreeMap<Hash, BTreeSet<usize>>,
    /// Every batch anybody ever made up.
    known: Vec<Batch>,
    /// What the contract took: header as it was sent, and the receipts under its root.
    accepted: Vec<(BatchHeader, Vec<usize>)>,
    /// How many of those have been checked.
    checked: usize,
}

impl World {
    fn digest(&self, header: &BatchHeader, entries: &[u8]) -> Hash {
        header.digest(&self.domain, entries, keccak)
    }

    fn batch(&self, epoch: Epoch, lane: u32, seq: u64, receipts: Vec<usize>) -> Batch {
        let leaves: Vec<Hash> = receipts.iter().map(|r| self.leaves[*r]).collect();
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
            .flat_map(|(_, receipts)| receipts.iter().copied())
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
                lane_of(&self.ids[*r], lanes) == header.lane
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
            // Found by the root, as anybody finds them.
            let root = header.receipts_root;
            let batch = self.known.iter().find(|b| b.header.receipts_root == root);
            let receipts = batch.map(|b| b.receipts.clone()).unwrap_or_default();
            self.accepted.push((*header, receipts));
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

fn moves(source: &mut Source) -> Vec<Move> {
    fn which(source: &mut Source) -> usize {
        match source.weighted(&[3, 1]) {
            0 => source.count(0..=2),
            _ => source.count(0..=39),
        }
    }
    // One attester, so that another knows nothing of the batch, or some.
    fn asked(source: &mut Source) -> u64 {
        match source.weighted(&[2, 1]) {
            0 => 1 << source.small(0..=6),
            _ => source.word(),
        }
    }
    let count = source.count(1..=69);
    source.list(count, |source| {
        match source.weighted(&[8, 4, 8, 2, 4, 2, 1, 1]) {
            0 => Move::Build {
                seed: source.word(),
                honest: source.below(10) < 6,
                asked: asked(source),
            },
            1 => Move::Ask {
                which: which(source),
                asked: asked(source),
            },
            2 => Move::Send {
                which: which(source),
            },
            3 => Move::Forge {
                which: which(source),
                other: which(source),
                change: source.small(0..=5) as u8,
            },
            4 => Move::Pass(source.within(1..=69)),
            5 => Move::Pass(source.within(90..=124)),
            6 => Move::Pause,
            _ => Move::Unpause,
        }
    })
}

/// As many lie as may: one fewer than must sign.
fn world(source: &mut Source) -> World {
    let params = draw::params(source);
    let count = source.count(1..=11);
    let receipts = source.list(count, |source| Receipt {
        operator: source.small(0..=29),
        units: source.within(1..=999),
        epoch: source.small(0..=2),
    });
    let ids: Vec<Hash> = (0..count as u64)
        .map(|k| keccak(&k.to_be_bytes()))
        .collect();
    let members = source.count(1..=7);
    let majority = members / 2 + 1;
    let threshold = match source.weighted(&[1, 1]) {
        0 => majority,
        _ => source.count(majority..=members),
    };
    let mut settings = Settings {
        lanes: source.small(1..=3),
        ..SETTINGS
    };
    // Half of the time two epochs take batches.
    settings.times.attest_window = 50;
    settings.times.level_window = 20;
    let mut host = Host::new(settings, params);
    for _ in 0..30 {
        let operator = host.register();
        host.vouch(operator).expect("before genesis");
    }
    host.pass(GENESIS);
    let liars: BTreeSet<usize> = draw::order(source.word(), members)
        .into_iter()
        .take(threshold - 1)
        .collect();
    World {
        host,
        domain: Domain {
            chain_id: keccak(b"chain"),
            contract: [7; 20],
        },
        leaves: ids.iter().map(|id| merkle::leaf(id, keccak)).collect(),
        ids,
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
        checked: 0,
    }
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
    let lane = lane_of(&world.ids[focus], world.host.settings.lanes);
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
            let allowed = lane_of(&world.ids[*r], world.host.settings.lanes) == lane
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
    let inputs = |source: &mut Source| (world(source), moves(source));
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
                check_counts(&mut world)?;
            }
            Ok(())
        },
    );
}

/// Every receipt at most once, each provable, and the figures are their sum.
fn check_counts(world: &mut World) -> Result<(), TestCaseError> {
    let counted = world.counted();
    let distinct: BTreeSet<usize> = counted.iter().copied().collect();
    prop_assert_eq!(counted.len(), distinct.len(), "{:?}", counted);
    let mut sums: BTreeMap<(Epoch, OperatorIndex), u64> = BTreeMap::new();
    for (header, receipts) in &world.accepted {
        for receipt in receipts {
            let receipt = &world.receipts[*receipt];
            *sums.entry((header.epoch, receipt.operator)).or_default() += receipt.units;
        }
    }
    for (header, receipts) in world.accepted.iter().skip(world.checked) {
        prop_assert_eq!(receipts.len() as u64, header.receipts);
        let leaves: Vec<Hash> = receipts.iter().map(|r| world.leaves[*r]).collect();
        for (position, leaf) in leaves.iter().enumerate() {
            let proof = merkle::proof(&leaves, position, keccak).expect("a leaf");
            let root = &header.receipts_root;
            prop_assert!(merkle::verify(
                root,
                leaf,
                position,
                leaves.len(),
                &proof,
                keccak
            ));
        }
    }
    world.checked = world.accepted.len();
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
