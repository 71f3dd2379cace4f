//! A history with every event in it, and the audit of it.

use parity_scale_codec::{Decode, Input};
use plimsoll_embedded::{CHAIN_ID, H160, H256};
use plimsoll_index::{Auditor, Block, Event, Finding, Kind, Origin, Place};
use plimsoll_interface::mechanism::batch::SIGNATURE_BYTES;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::mechanism::{Epoch, Hash, OperatorIndex};
use plimsoll_interface::{calls, Change, OPEN_POOL};
use plimsoll_tests::{artifacts, entry, keccak, Actor, Batch, Setup, World, PARAMS};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};

/// What is in the reserve when epoch 0 begins, in base units.
const RESERVE: u128 = 1_000_000_007;

/// The first block: what lies before it is not the contract's.
const FIRST_BLOCK: u64 = 100;

/// An answer of any message.
#[derive(Debug)]
struct Anything;

impl Decode for Anything {
    fn decode<I: Input>(input: &mut I) -> Result<Self, parity_scale_codec::Error> {
        while input.read_byte().is_ok() {}
        Ok(Self)
    }
}

/// A block of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub number: u64,
    pub time_ms: u64,
    pub events: Vec<Event>,
    pub extrinsics: Vec<Vec<u8>>,
}

/// A world, and the blocks that tell of it.
pub struct Play {
    pub world: World,
    pub blocks: Vec<Told>,
    /// How many messages of the world's history are told.
    told: usize,
}

impl Play {
    /// A world at its deployment, which is one block.
    pub fn new(mut world: World) -> Self {
        let first = Told {
            number: FIRST_BLOCK,
            time_ms: world.chain.now_ms(),
            events: world.deployed.iter().map(Into::into).collect(),
            extrinsics: Vec::new(),
        };
        world.audited = false;
        Self {
            world,
            blocks: vec![first],
            told: 0,
        }
    }

    /// Makes a block of what was sent since the last one, together with `extrinsics`.
    pub fn seal(&mut self, extrinsics: Vec<Vec<u8>>) {
        let messages = &self.world.history[self.told..];
        let events = messages.iter().flat_map(|(_, events)| events);
        let block = Told {
            number: FIRST_BLOCK + self.blocks.len() as u64,
            time_ms: self.world.chain.now_ms(),
            events: events.map(Into::into).collect(),
            extrinsics,
        };
        self.told = self.world.history.len();
        self.blocks.push(block);
    }

    /// Sends a message by `from` that must succeed, in a block of its own.
    #[track_caller]
    pub fn send(&mut self, from: &Actor, message: Vec<u8>) {
        let sent = self.world.send::<Anything>(from, message.clone());
        assert!(sent.succeeded(), "{:?}", sent.result);
        self.seal(vec![extrinsic(&message)]);
    }

    /// Attests the next batch of an epoch and lane.
    pub fn attest(&mut self, epoch: Epoch, lane: u32, entries: &[Entry]) -> Batch {
        let batch = self.world.batch(epoch, lane, entries);
        let anyone = self.world.anyone.clone();
        self.send(&anyone, batch.call());
        batch
    }

    pub fn anyone(&mut self, message: Vec<u8>) {
        let anyone = self.world.anyone.clone();
        self.send(&anyone, message);
    }

    /// What an audit of `blocks` finds in the history, the code, the views and the balance.
    pub fn audit_of(&mut self, blocks: &[Told]) -> Result<Auditor, Finding> {
        let mut auditor = self.auditor();
        for block in blocks {
            take(&mut auditor, block)?;
        }
        let code = self.world.chain.code_hash(self.world.emission);
        auditor.check_code(&genuine(), code.map(|hash: H256| hash.0))?;
        self.compare(&auditor)?;
        let held = self.world.tokens(self.world.emission);
        auditor.check_balance(held.try_into().expect("below 2^128"))?;
        Ok(auditor)
    }

    /// An audit before its first block.
    pub fn auditor(&self) -> Auditor {
        let mut chain_id = [0; 32];
        chain_id[24..].copy_from_slice(&CHAIN_ID.to_be_bytes());
        Auditor::new(Origin {
            contract: self.world.emission,
            chain_id,
        })
    }

    /// Compares every view of the contract with what the history came to.
    pub fn compare(&mut self, auditor: &Auditor) -> Result<(), Finding> {
        let Some(index) = auditor.index() else {
            let place = Place::of("the history");
            return Err(Finding::new(
                Kind::Deployment,
                place,
                "a deployment",
                "none",
            ));
        };
        let from = self.world.anyone.account.clone();
        for check in index.checks(auditor.now()) {
            let call = check.call().to_vec();
            let answer = self
                .world
                .chain
                .dry_run(&from, self.world.emission, 0, call);
            match answer.result {
                Ok(answer) => check.compare(&answer)?,
                Err(failure) => {
                    let place = check.place().clone();
                    return Err(Finding::new(
                        Kind::State,
                        place,
                        "an answer",
                        failure.to_string(),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The finding of an audit of `blocks`, which must have one.
    #[track_caller]
    pub fn finding_of(&mut self, blocks: &[Told]) -> Finding {
        match self.audit_of(blocks) {
            Ok(_) => panic!("it was not found"),
            Err(finding) => finding,
        }
    }

    /// Where the first event is that `wanted` picks: block and place in it.
    #[track_caller]
    pub fn find(&self, wanted: impl Fn(&Event) -> bool) -> (usize, usize) {
        let places = self
            .blocks
            .iter()
            .enumerate()
            .flat_map(|(b, block)| (0..block.events.len()).map(move |e| (b, e)));
        places
            .into_iter()
            .find(|(b, e)| wanted(&self.blocks[*b].events[*e]))
            .expect("the history has such an event")
    }
}

pub fn take(auditor: &mut Auditor, block: &Told) -> Result<(), Finding> {
    let block = Block {
        number: block.number,
        time_ms: block.time_ms,
        events: &block.events,
        extrinsics: &block.extrinsics,
    };
    auditor.take(block, &recover)
}

/// The hash of the committed bytecode.
pub fn genuine() -> Hash {
    keccak(&artifacts::emission_code())
}

/// A message as it stands in a transaction: between other bytes.
pub fn extrinsic(message: &[u8]) -> Vec<u8> {
    [&[0x84; 37][..], message, &[0; 9]].concat()
}

/// Whose signature this is.
pub fn recover(digest: &Hash, signature: &[u8; SIGNATURE_BYTES]) -> Option<H160> {
    let id = RecoveryId::try_from(i32::from(signature[64]) - 27).ok()?;
    let signature = RecoverableSignature::from_compact(&signature[..64], id).ok()?;
    let message = Message::from_digest(*digest);
    let key = SECP256K1.recover_ecdsa(message, &signature).ok()?;
    let hash = keccak(&key.serialize_uncompressed()[1..]);
    Some(H160::from_slice(&hash[12..]))
}

/// Parameters that governance announces.
fn other_params() -> Params {
    Params {
        rate: 50_000,
        ..PARAMS
    }
}

/// A history with every event in it but `IdleSkipped` and `PaymentFailed`: six operators,
/// five worked epochs, late batches, a strike, changes, a slash, a pause, and claims years
/// later. `watch` sees it after every block.
pub fn play(setup: Setup, mut watch: impl FnMut(&mut Play)) -> Play {
    let mut play = Play::new(World::with(setup));
    let [owner, registrar, guardian, bank] = [
        &play.world.owner,
        &play.world.registrar,
        &play.world.guardian,
        &play.world.bank,
    ]
    .map(Clone::clone);
    play.world.approve(&bank);
    let mut step = |play: &mut Play, from: &Actor, message: Vec<u8>| {
        play.send(from, message);
        watch(play);
    };
    let actors: Vec<Actor> = (0..6)
        .map(|k| play.world.actor(&format!("operator {k}")))
        .collect();
    for actor in &actors {
        step(&mut play, actor, calls::register(actor.address));
    }
    step(&mut play, &bank, calls::fund(RESERVE));
    step(&mut play, &registrar, calls::vouch(&[0, 1]));
    for (operator, amount) in [(2, 100_000), (3, 70_000), (4, 99), (5, 5_000)] {
        step(&mut play, &bank, calls::bond(operator, amount));
    }
    // Before genesis nothing counts yet: it is free at once, and goes to the first payee.
    step(&mut play, &bank, calls::bond(1, 50));
    step(&mut play, &actors[1], calls::unbond(1, 50));
    step(&mut play, &actors[3], calls::unbond(3, 10_000));

    play.world.go_to_epoch(0);
    let entries = |scale: u64| {
        [
            entry(0, 900 * scale, 5_000, 100_000),
            entry(1, 30, 2, 400),
            entry(2, 250, 100 * scale, 9_000),
            entry(3, 80, 0, 50),
            entry(4, 5, 5, 5),
            entry(5, 0, 0, 7),
            entry(77, 1, 1, 1),
        ]
    };
    let attest = |play: &mut Play, epoch, lane, entries: &[Entry]| {
        play.attest(epoch, lane, entries);
    };
    attest(&mut play, 0, 0, &entries(1));
    attest(
        &mut play,
        0,
        1,
        &[entry(1, 0, 1_000, 3), entry(5, 12, 0, 1)],
    );
    attest(&mut play, 0, 0, &[entry(0, 7, 0, 0)]);
    step(&mut play, &bank, calls::fund(1_000));
    step(&mut play, &bank, calls::bond(3, 500));
    // What counts waits, what never did becomes claimable.
    step(&mut play, &registrar, calls::vouch(&[3]));
    let payee = H160::repeat_byte(0x77);
    step(&mut play, &actors[0], calls::set_payee(0, payee));
    step(&mut play, &actors[0], calls::cancel_payee(0));
    step(&mut play, &actors[1], calls::set_payee(1, payee));
    step(&mut play, &actors[2], calls::set_only_self(2, true));
    step(
        &mut play,
        &owner,
        calls::queue(&Change::Params(other_params())),
    );
    step(
        &mut play,
        &owner,
        calls::queue(&Change::Registrar(owner.address)),
    );
    step(&mut play, &owner, calls::cancel(1));
    let slash = Change::Slash {
        operator: 2,
        amount: 120_000,
        evidence: [5; 32],
    };
    step(&mut play, &owner, calls::queue(&slash));
    step(&mut play, &owner, calls::propose_owner(bank.address));

    play.world.go_to_epoch(1);
    attest(&mut play, 0, 2, &[entry(2, 1, 0, 0)]);
    attest(&mut play, 1, 0, &entries(2));
    step(&mut play, &actors[2], calls::unbond(2, 30_000));
    play.world.go_to_review(0);
    step(&mut play, &guardian, calls::strike(0, 5, [9; 32]));
    step(&mut play, &guardian, calls::pause());
    play.world.pass(300_000);
    step(&mut play, &guardian, calls::unpause());
    play.world.go_to_settlement(0);
    step(&mut play, &bank, calls::settle());
    let everybody = [OPEN_POOL, 0, 1, 2, 3];
    step(&mut play, &bank, calls::raise(0, &everybody));
    play.world.go_to_final(0);
    step(&mut play, &bank, calls::book(&[0], &[0, 1, 3]));
    step(&mut play, &bank, calls::claim_many(&[0, 1, 2, 3]));
    attest(&mut play, 2, 0, &[entry(2, 4, 4, 4)]);
    // The first replaces what is in force, the second what waits: that is cancelled.
    for rate in [70_000, PARAMS.rate] {
        let change = Change::Params(Params { rate, ..PARAMS });
        step(&mut play, &owner, calls::queue(&change));
    }

    play.world.go_to_settlement(1);
    step(&mut play, &bank, calls::settle());
    play.world.go_to_final(1);
    step(&mut play, &bank, calls::book(&[1], &[0, 2]));
    step(&mut play, &registrar, calls::revoke(0));
    step(&mut play, &owner, calls::execute_slash(2, &[0]));
    step(&mut play, &bank, calls::accept_owner());
    let late: Epoch = 4;
    play.world.go_to_epoch(late);
    attest(&mut play, late, 1, &entries(3));
    attest(&mut play, late - 1, 0, &[entry(3, 1, 1, 1)]);
    for operator in [3_u32, 2] {
        step(&mut play, &bank, calls::bond(operator, 1_000));
    }
    play.world.go_to_epoch(late + 3);
    step(&mut play, &bank, calls::settle());
    step(&mut play, &bank, calls::settle());
    step(&mut play, &bank, calls::settle());
    step(&mut play, &bank, calls::withdraw_bond(3));
    step(&mut play, &bank, calls::bond(3, 2_000));
    play.world.go_to_epoch(late + 5);
    let all: [OperatorIndex; 6] = [0, 1, 2, 3, 4, 5];
    step(&mut play, &bank, calls::book(&[2, late - 1, late, 0], &all));
    step(&mut play, &actors[2], calls::claim(2));
    step(&mut play, &actors[2], calls::unbond(2, 500));
    play.world.go_to_epoch(late + 30);
    step(&mut play, &bank, calls::claim_many(&all));
    play
}
