//! Requests to an attester: a real one with a journal, before a contract that stands still.

use crate::receipts;
use parity_scale_codec::{Decode as _, Encode};
use plimsoll_interface::calls::{selector, Answer};
use plimsoll_interface::{Attesters, ClockView, Settings, H160};
use plimsoll_keeper::attester::protocol::{AttestRequest, Code};
use plimsoll_keeper::attester::views::{Reader, ViewError, Views};
use plimsoll_keeper::attester::{self, Attester};
use plimsoll_keeper::batch::{Batch, ComposeError, Rules};
use plimsoll_keeper::clock::ChainTime;
use plimsoll_keeper::keys::Key;
use plimsoll_keeper::meter::Meters;
use plimsoll_keeper::receipt::{Network, Receipt};
use plimsoll_keeper::tally::Nothing;
use plimsoll_mechanism::batch::{lane_of, Domain};
use plimsoll_mechanism::clock::{Clock, Pauses, Times};
use plimsoll_mechanism::vesting::Vesting;
use plimsoll_mechanism::work::unpack;
use plimsoll_mechanism::{Epoch, Hash};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use tokio::runtime::{Builder, Runtime};

const TIMES: Times = Times {
    genesis: 1_000,
    epoch: 100,
    attest_window: 20,
    review_window: 30,
    level_window: 50,
    max_pause: 250,
    pause_gap: 1_000,
};

/// The middle of epoch 1; epoch 0 takes no more batches.
const NOW: u64 = 1_150;
const EPOCH: Epoch = 1;

const OPERATORS: u32 = 100;
const LANES: u32 = 4;
const FEE_UNIT: u128 = 10;
const MAX_AHEAD_MS: u64 = 10;

/// The deployment of the requests in the corpus.
const DOMAIN: Domain = Domain {
    chain_id: [1; 32],
    contract: [2; 20],
};

struct Contract;

#[async_trait::async_trait]
impl Views for Contract {
    async fn newest(&self) -> Result<Hash, ViewError> {
        Ok([1; 32])
    }

    async fn view(&self, _: Hash, data: Vec<u8>) -> Result<Vec<u8>, ViewError> {
        fn ok<T: Encode>(value: T) -> Vec<u8> {
            Answer::Ok(value).encode()
        }
        let (message, mut arguments) = data.split_at(4);
        let is = |name| message == selector(name);
        Ok(if is("settings") {
            ok(Settings {
                token: H160([3; 20]),
                times: TIMES,
                vesting: Vesting {
                    period_epochs: 4,
                    vesting_periods: 12,
                },
                timelock: 100,
                payee_delay: 100,
                unbonding_epochs: 4,
                min_open_bond: 1,
                max_vouches: 100,
                lanes: LANES,
                fee_unit: FEE_UNIT,
            })
        } else if is("operators") {
            ok(OPERATORS)
        } else if is("clock") {
            let clock = Clock::at(TIMES, &Pauses::default(), NOW);
            ok(ClockView {
                now: NOW,
                elapsed: clock.elapsed(),
                started: true,
                epoch: clock.epoch(),
                stopped: false,
                pause: None,
                settled_to: 0,
                next_worked: None,
            })
        } else if is("next_seq") {
            <(Epoch, u32)>::decode(&mut arguments).expect("an epoch and a lane");
            ok(0_u64)
        } else {
            assert!(is("attesters"), "an unexpected view");
            ok(Attesters {
                threshold: 1,
                members: vec![Key::from_bytes([1; 32]).expect("a key").address()],
            })
        })
    }
}

struct Service {
    runtime: Runtime,
    attester: Attester,
    signer: H160,
    rules: Rules,
    time: ChainTime,
    /// Keeps the journal while the program runs.
    _folder: tempfile::TempDir,
}

/// Signs nothing, so that what it answers does not depend on what it was asked before.
static SERVICE: LazyLock<Mutex<Service>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let signer = Key::from_bytes(receipts::KEY).expect("a key").address();
    let settings = attester::Settings {
        network: Network::new(receipts::NETWORK),
        signers: BTreeSet::from([signer]),
        allow_unsigned: true,
        max_ahead_ms: MAX_AHEAD_MS,
        meters: Meters::default(),
    };
    let rules = Rules {
        network: settings.network.clone(),
        meters: settings.meters.clone(),
        fee_unit: FEE_UNIT,
        lanes: LANES,
    };
    let attester = runtime.block_on(Attester::open(
        Key::from_bytes([1; 32]).expect("a key"),
        settings,
        DOMAIN,
        Reader::new(Arc::new(Contract)),
        &folder.path().join("attester.sqlite"),
    ));
    Mutex::new(Service {
        runtime,
        attester: attester.expect("opens"),
        signer,
        rules,
        time: ChainTime {
            times: TIMES,
            pauses: Pauses::default(),
            now: NOW,
        },
        _folder: folder,
    })
});

/// Whatever it is asked, an attester answers. What a keeper makes of receipts that all
/// count here is what the attester makes of them, to the byte; and it takes nothing else.
pub fn request(input: &[u8]) {
    let Ok(request) = serde_json::from_slice::<AttestRequest>(input) else {
        return;
    };
    // As HTTP's own limit would keep more away: some receipts take every branch.
    if request.receipts.len() > 16 || request.earlier.len() > 4 {
        return;
    }
    request.receipts.iter().for_each(receipts::one);
    let service = SERVICE.lock().unwrap_or_else(PoisonError::into_inner);
    let check = |request| service.runtime.block_on(service.attester.check(request));
    match check(request.clone()) {
        Ok(checked) => {
            let key = request.key;
            assert_eq!((key.epoch, key.seq, request.meter), (EPOCH, 0, 1));
            let (batch, _) = service
                .compose(key.lane, request.receipts.clone())
                .expect("it would be signed");
            assert_eq!(batch.receipts, request.receipts, "out of order");
            assert_eq!(batch.entries, request.entries);
            assert_eq!(batch.header.receipts_root, request.receipts_root);
            assert_eq!(checked.digest, batch.digest(&DOMAIN));
            assert!(request.receipts.iter().all(|r| service.counts(r, key.lane)));
        }
        Err(refusal) => {
            assert!(!refusal.reason.is_empty());
            assert_ne!(refusal.code, Code::Unavailable, "{}", refusal.reason);
        }
    }

    let receipts = request.receipts;
    let Some(lane) = receipts.first().map(|first| lane_of(&first.id, LANES)) else {
        return;
    };
    if receipts.iter().any(|receipt| receipt.check().is_err()) {
        return;
    }
    let batch = match service.compose(lane, receipts.clone()) {
        Ok((batch, _)) => batch,
        Err(ComposeError::Twice(id)) => {
            return assert!(receipts.iter().filter(|r| r.id == id).count() > 1);
        }
        Err(ComposeError::Overflow { id, .. }) => {
            return assert!(receipts.iter().any(|r| r.id == id));
        }
    };
    let mut turned = receipts.clone();
    turned.reverse();
    let (same, _) = service.compose(lane, turned).expect("the same receipts");
    assert_eq!(same, batch, "the order of receipts matters");
    let entries = unpack(&batch.entries).expect("a keeper's entries are in order");
    let fees: u128 = entries.iter().map(|entry| u128::from(entry.fees)).sum();
    let paid = receipts.iter().map(|receipt| receipt.fee);
    assert!(fees * FEE_UNIT <= paid.fold(0, u128::saturating_add));

    let asked = AttestRequest::new(&DOMAIN, 1, &batch);
    let written = serde_json::to_vec(&asked).expect("plain data");
    let read: AttestRequest = serde_json::from_slice(&written).expect("as written");
    assert_eq!(read, asked);
    let counts = receipts.iter().all(|receipt| service.counts(receipt, lane));
    match check(asked) {
        Ok(checked) => assert!(counts && checked.digest == batch.digest(&DOMAIN)),
        Err(refusal) => assert!(!counts && refusal.code == Code::Receipts, "{refusal:?}"),
    }
}

impl Service {
    fn compose(
        &self,
        lane: u32,
        receipts: Vec<Receipt>,
    ) -> Result<
        (Batch, plimsoll_keeper::tally::Tally<'_, Nothing>),
        ComposeError<std::convert::Infallible>,
    > {
        Batch::compose((EPOCH, lane, 0), receipts, &Nothing, &self.rules)
    }

    /// Whether a receipt may be in a batch of this lane now.
    fn counts(&self, receipt: &Receipt, lane: u32) -> bool {
        let signed = receipt.signer(&self.rules.network) == Some(self.signer);
        receipt.check().is_ok()
            && receipt.operator < OPERATORS
            && receipt.completed_at <= NOW + MAX_AHEAD_MS
            && self.time.may_hold(EPOCH, receipt.completed_at)
            && lane_of(&receipt.id, LANES) == lane
            && (receipt.signature.is_none() || signed)
    }
}
