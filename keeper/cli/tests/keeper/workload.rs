//! Receipts of the tests, and what they are worth.

use plimsoll_keeper::demo::audit::Job;
use plimsoll_keeper::keys::{keccak, Key};
use plimsoll_keeper::meter::{Meter, DEFAULT};
use plimsoll_keeper::receipt::{hash_client, Mode, Network, Receipt};
use plimsoll_mechanism::Epoch;

/// The network that the receipts are signed for.
pub const NETWORK: &str = "plimsoll-e2e";

/// The meter: a threshold low enough that some clients' work is bulk work.
pub const METER: Meter = Meter {
    fragment_threshold: 3_000,
    ..DEFAULT
};

/// How many jobs each operator does in an epoch, the largest first. Skewed, so that the
/// cap binds.
const JOBS: [u64; 5] = [9, 3, 2, 4, 1];

/// What clients pay for a work unit, in base units: not a multiple of the fee unit.
const FEE_PER_UNIT: u128 = 1_001;

/// The gateway's key.
pub fn gateway() -> Key {
    Key::from_bytes(keccak(b"the gateway of the tests")).expect("a key")
}

/// Somebody whose receipts do not count.
pub fn stranger() -> Key {
    Key::from_bytes(keccak(b"a stranger")).expect("a key")
}

/// A signed receipt. Everything follows from `name`, which is unique.
pub fn receipt(name: &str, operator: u32, completed_at: u64) -> Receipt {
    let id = keccak(name.as_bytes());
    let pick = |k: usize| u64::from(id[k]);
    let mut receipt = Receipt {
        id,
        operator,
        client: hash_client(b"salt", &format!("client {}", id[2] % 3)),
        model: "test-chat".into(),
        verification: if id[3].is_multiple_of(2) {
            Mode::Tee
        } else {
            Mode::None
        },
        evidence: id[3].is_multiple_of(2).then(|| keccak(b"quote")),
        input_tokens: 100 + pick(4) * 5,
        cached_input_tokens: pick(5) % 100,
        output_tokens: 1 + pick(6),
        fee: 0,
        completed_at,
        signature: None,
    };
    receipt.fee = u128::from(METER.units(&receipt).expect("small")) * FEE_PER_UNIT;
    signed(receipt, &gateway())
}

/// The receipt, signed by `key`.
pub fn signed(mut receipt: Receipt, key: &Key) -> Receipt {
    receipt.sign(&Network::new(NETWORK), key);
    receipt
}

/// The receipts of an epoch, spread over the `span` of time from its `start`.
pub fn receipts(epoch: Epoch, start: u64, span: u64) -> Vec<Receipt> {
    let all: u64 = JOBS.iter().sum();
    let mut receipts = Vec::new();
    for (operator, jobs) in (0..).zip(JOBS) {
        for job in 0..jobs {
            let at = start + span * receipts.len() as u64 / all;
            receipts.push(receipt(
                &format!("epoch {epoch}, operator {operator}, job {job}"),
                operator,
                at,
            ));
        }
    }
    receipts
}

/// The job of a receipt that counts in `epoch`.
pub fn job(receipt: &Receipt, epoch: Epoch) -> Job {
    Job {
        epoch,
        operator: receipt.operator,
        client: receipt.client,
        units: METER.units(receipt).expect("small").into(),
        fee: receipt.fee,
    }
}

/// Receipts as JSON Lines.
pub fn lines(receipts: &[Receipt]) -> String {
    let line = |receipt| serde_json::to_string(receipt).expect("plain data") + "\n";
    receipts.iter().map(line).collect()
}
