//! A chain with the emission contract as a test says it is.

use crate::batch::tests::settings;
use crate::chain::{
    At, BlockRef, Chain, ChainClient, ChainError, ChainInfo, ContractEvent, DryRun, Failure, Found,
    Hash, Head, Limits, Outcome, SignedTx, Tx, Weight, H160,
};
use crate::clock::tests::TIMES;
use crate::keys::{keccak, Key};
use parity_scale_codec::{Decode, Encode};
use plimsoll_interface::calls::{selector, Answer, MESSAGES};
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::{
    Attesters, Booked, Claimed, ClockView, Credited, EpochView, Error, OperatorView,
};
use plimsoll_mechanism::batch::BatchHeader;
use plimsoll_mechanism::clock::{Clock, Pauses};
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::status::Status;
use plimsoll_mechanism::work::ENTRY_BYTES;
use plimsoll_mechanism::{Epoch, OperatorIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The contract, and the chain it is on.
pub(crate) struct Contract {
    /// The time, in ms.
    pub now: u64,
    /// How many operators are registered.
    pub operators: u32,
    /// The number of the next batch, by epoch and lane.
    pub next: BTreeMap<(Epoch, u32), u64>,
    /// Every epoch below it is settled and final.
    pub settled_to: Epoch,
    /// What operators can claim.
    pub claimable: BTreeMap<OperatorIndex, u128>,
    /// Whom the token does not pay to the unit.
    pub taxed: BTreeSet<OperatorIndex>,
    /// Operators whose payment takes all the weight that a transaction may have.
    pub greedy: BTreeSet<OperatorIndex>,
    /// What crediting one entry takes.
    pub entry_weight: Weight,
    /// The runtime's version.
    pub spec_version: u32,
    /// Whether no block takes a transaction.
    pub stands: bool,
    /// The messages of transactions in blocks.
    pub included: Vec<&'static str>,
    /// How often each view was asked.
    pub asked: BTreeMap<&'static str, u32>,
    pool: Vec<SignedTx>,
    blocks: BTreeSet<Hash>,
    nonce: u64,
}

/// What one transaction may weigh here.
pub(crate) const MOST: Weight = Weight {
    ref_time: 100_000_000_000,
    proof_size: 5_000_000,
};

/// A client of that chain. Clones share it.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Mutex<Contract>>);

/// The key of an attester.
pub(crate) fn attester(which: u8) -> Key {
    Key::from_bytes([which + 1; 32]).expect("a key")
}

/// Two of three attesters must sign.
pub(crate) fn quorum() -> Attesters {
    let mut members: Vec<H160> = (0..3).map(|which| attester(which).address()).collect();
    members.sort_unstable();
    Attesters {
        threshold: 2,
        members,
    }
}

fn name_of(data: &[u8]) -> &'static str {
    MESSAGES
        .iter()
        .find(|name| data.starts_with(&selector(name)))
        .expect("a message of the contract")
}

fn arguments<T: Decode>(data: &[u8]) -> T {
    T::decode(&mut &data[4..]).expect("its arguments")
}

impl Fake {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Contract {
            now: 1_050,
            operators: 100,
            next: BTreeMap::new(),
            settled_to: 0,
            claimable: BTreeMap::new(),
            taxed: BTreeSet::new(),
            greedy: BTreeSet::new(),
            entry_weight: Weight::default(),
            spec_version: 1,
            stands: false,
            included: Vec::new(),
            asked: BTreeMap::new(),
            pool: Vec::new(),
            blocks: BTreeSet::new(),
            nonce: 0,
        })))
    }

    pub fn chain(&self) -> Chain {
        Arc::new(self.clone())
    }

    /// The contract, to look at and to change.
    pub fn contract(&self) -> MutexGuard<'_, Contract> {
        self.0.lock().expect("whole")
    }

    /// Blocks are made again, with what waits in the pool.
    pub fn goes_on(&self) {
        let mut contract = self.contract();
        contract.stands = false;
        for tx in std::mem::take(&mut contract.pool) {
            contract.include(&tx);
        }
    }
}

impl Contract {
    /// How many transactions wait in the pool.
    pub fn waiting(&self) -> usize {
        self.pool.len()
    }

    fn include(&mut self, tx: &SignedTx) {
        if !self.blocks.insert(tx.hash) {
            return;
        }
        self.nonce += 1;
        let name = name_of(&tx.bytes);
        self.included.push(name);
        if name == "attest" {
            let (header, ..): (BatchHeader, Vec<u8>, Vec<u8>) = arguments(&tx.bytes);
            *self.next.entry((header.epoch, header.lane)).or_default() += 1;
        } else if name == "claim_many" {
            let (operators,): (Vec<OperatorIndex>,) = arguments(&tx.bytes);
            for operator in operators {
                self.claimable.remove(&operator);
            }
        }
    }

    fn view(&self, data: &[u8]) -> Vec<u8> {
        fn ok<T: Encode>(value: T) -> Vec<u8> {
            Answer::Ok(value).encode()
        }
        match name_of(data) {
            "settings" => ok(settings()),
            "operators" => ok(self.operators),
            "attesters" => ok(quorum()),
            "clock" => {
                let clock = Clock::at(TIMES, &Pauses::default(), self.now);
                ok(ClockView {
                    now: self.now,
                    elapsed: clock.elapsed(),
                    started: true,
                    epoch: clock.epoch(),
                    stopped: false,
                    pause: None,
                    settled_to: self.settled_to,
                    next_worked: None,
                })
            }
            "next_seq" => {
                let place: (Epoch, u32) = arguments(data);
                ok(self.next.get(&place).copied().unwrap_or(0))
            }
            "epoch" => {
                let (epoch,): (Epoch,) = arguments(data);
                ok((epoch < self.settled_to).then_some(EpochView {
                    params: PARAMS,
                    entered_before: 0,
                    vetted: Work::default(),
                    open: Work::default(),
                    settlement: None,
                    division: None,
                    is_final: true,
                }))
            }
            "operator" => {
                let (operator,): (OperatorIndex,) = arguments(data);
                ok((operator < self.operators).then_some(OperatorView {
                    address: H160::zero(),
                    payee: H160::zero(),
                    pending_payee: None,
                    only_self: false,
                    status: Status::Vetted,
                    next_status: Status::Vetted,
                    claimable: self.claimable.get(&operator).copied().unwrap_or(0),
                    unvested: 0,
                    vesting: Vec::new(),
                    bonded: 0,
                    bond: 0,
                    unbonding: Vec::new(),
                }))
            }
            other => panic!("the view {other}"),
        }
    }

    /// Whether a payment in it takes more weight than there is.
    fn exhausts(&self, data: &[u8]) -> bool {
        if name_of(data) != "claim_many" {
            return false;
        }
        let (operators,): (Vec<OperatorIndex>,) = arguments(data);
        let mut greedy = operators.iter().filter(|k| self.greedy.contains(k));
        greedy.next().is_some()
    }

    fn run(&self, data: &[u8]) -> (Weight, Result<Vec<u8>, Error>) {
        fn ok<T: Encode>(value: T) -> Result<Vec<u8>, Error> {
            Ok(Answer::Ok(Ok::<T, Error>(value)).encode())
        }
        let mut weight = Weight::default();
        let result = match name_of(data) {
            "attest" => {
                let (header, entries, signatures): (BatchHeader, Vec<u8>, Vec<u8>) =
                    arguments(data);
                let place = (header.epoch, header.lane);
                let next = self.next.get(&place).copied().unwrap_or(0);
                let count = (entries.len() / ENTRY_BYTES) as u64;
                weight.ref_time = self.entry_weight.ref_time * count;
                weight.proof_size = self.entry_weight.proof_size * count;
                if header.seq != next {
                    Err(Error::WrongSeq(next))
                } else if signatures.is_empty() {
                    Err(Error::SignatureCount)
                } else {
                    ok(Credited {
                        credited: count as u32,
                        skipped: 0,
                    })
                }
            }
            "claim_many" => {
                let (operators,): (Vec<OperatorIndex>,) = arguments(data);
                let mut claimed = Claimed::default();
                for operator in &operators {
                    let amount = self.claimable.get(operator).copied().unwrap_or(0);
                    claimed.amount += amount;
                    *match amount {
                        0 => &mut claimed.skipped,
                        _ => &mut claimed.paid,
                    } += 1;
                }
                if operators
                    .iter()
                    .any(|operator| self.taxed.contains(operator))
                {
                    Err(Error::TokenTaxes)
                } else {
                    ok(claimed)
                }
            }
            "settle" => Err(Error::NothingToSettle),
            "raise" => ok(0_u32),
            "book" => ok(Booked::default()),
            other => panic!("the message {other}"),
        };
        (weight, result)
    }
}

const PARAMS: Params = Params {
    rate: 10_000,
    unit_ceiling: None,
    fee_multiple: None,
    fragment_floor: 400_000,
    fragment_premium: 4_000_000,
    operator_cap: 100_000,
    open_ceiling: 150_000,
    uplift: 100_000_000,
    bond_leverage: 1_000_000,
    liquid_share: 250_000,
    liquid_allowance: 100_000,
};

fn message(tx: &Tx) -> &[u8] {
    match tx {
        Tx::Call { data, .. } => data,
        other => panic!("{other:?}"),
    }
}

#[async_trait::async_trait]
impl ChainClient for Fake {
    async fn info(&self) -> Result<ChainInfo, ChainError> {
        Ok(ChainInfo {
            genesis: [1; 32],
            chain_id: [4; 32],
            spec_name: "fake".into(),
            spec_version: self.contract().spec_version,
            account: [0; 32],
            address: H160::zero(),
            max_weight: MOST,
            max_length: 1_000_000,
        })
    }

    async fn head(&self) -> Result<Head, ChainError> {
        let block = BlockRef {
            number: 1,
            hash: [1; 32],
            time_ms: self.contract().now,
        };
        Ok(Head {
            finalized: block,
            best: block,
        })
    }

    async fn read(&self, _: H160, data: Vec<u8>, _: At) -> Result<Vec<u8>, ChainError> {
        let mut contract = self.contract();
        *contract.asked.entry(name_of(&data)).or_default() += 1;
        Ok(contract.view(&data))
    }

    async fn dry_run(&self, tx: &Tx) -> Result<DryRun, ChainError> {
        let data = message(tx);
        let (weight, result) = self.contract().run(data);
        let mut result =
            result.map_err(|error| Failure::Reverted(Answer::Ok(Err::<(), Error>(error)).encode()));
        if self.contract().exhausts(data) {
            result = Err(Failure::Runtime("Revive::OutOfGas".into()));
        }
        Ok(DryRun {
            weight,
            deposit: 0,
            result,
            address: None,
        })
    }

    async fn sign(&self, tx: &Tx, _: Limits, nonce: u64) -> Result<SignedTx, ChainError> {
        let bytes = message(tx).to_vec();
        Ok(SignedTx {
            hash: keccak(&[&nonce.to_be_bytes()[..], &bytes].concat()),
            bytes,
            nonce,
            anchor: 1,
            last_block: 65,
        })
    }

    async fn fee(&self, _: &SignedTx) -> Result<u128, ChainError> {
        Ok(1)
    }

    async fn next_nonce(&self) -> Result<u64, ChainError> {
        Ok(self.contract().nonce)
    }

    async fn send(&self, tx: &SignedTx) -> Result<(), ChainError> {
        let mut contract = self.contract();
        if !contract.stands {
            contract.include(tx);
        } else if !contract.pool.contains(tx) {
            contract.pool.push(tx.clone());
        }
        Ok(())
    }

    async fn find(&self, tx: &SignedTx, from: u64) -> Result<Found, ChainError> {
        if !self.contract().blocks.contains(&tx.hash) {
            return Ok(Found::Pending { next: from });
        }
        Ok(Found::Included(Outcome {
            block: 2,
            block_hash: [2; 32],
            fee: 1,
            result: Ok(()),
            events: Vec::new(),
            instantiated: None,
        }))
    }

    async fn events(&self, _: H160, _: u64, _: u64) -> Result<Vec<ContractEvent>, ChainError> {
        Ok(Vec::new())
    }

    async fn balance(&self) -> Result<u128, ChainError> {
        Ok(0)
    }

    async fn mapped(&self) -> Result<bool, ChainError> {
        Ok(true)
    }

    async fn code_hash(&self, _: H160) -> Result<Option<Hash>, ChainError> {
        Ok(None)
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(1)
    }
}
