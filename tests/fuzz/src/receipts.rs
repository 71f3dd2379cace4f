//! Files of receipts.

use crate::eip712;
use plimsoll_interface::H160;
use plimsoll_keeper::config::ReceiptsConfig;
use plimsoll_keeper::ingest::{self, azure, Format, IngestError, Intake, Line};
use plimsoll_keeper::keys::Key;
use plimsoll_keeper::meter::Meters;
use plimsoll_keeper::receipt::{Mode, Network, Receipt, MAX_MODEL_BYTES, MAX_TIME};
use plimsoll_mechanism::work::{MAX_OPERATORS, WORK_LIMIT};
use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;
use time::OffsetDateTime;

/// The network of signed receipts in the corpus.
pub const NETWORK: &str = "plimsoll";

/// The key that signed them.
pub const KEY: [u8; 32] = [7; 32];

/// A line of JSON ends before so many bytes.
const LINE_LIMIT: usize = 64 * 1_024;

struct Known {
    network: Network,
    signer: H160,
    strict: Intake,
    lenient: Intake,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let signer = Key::from_bytes(KEY).expect("a key").address();
    let intake = |allow_unsigned| {
        let config = ReceiptsConfig {
            network: NETWORK.into(),
            signers: vec![signer],
            allow_unsigned,
            ..ReceiptsConfig::default()
        };
        Intake::new(&config, &Meters::default())
    };
    Known {
        network: Network::new(NETWORK),
        signer,
        strict: intake(false),
        lenient: intake(true),
    }
});

fn read(format: Format, input: &[u8]) -> Result<Vec<Line>, IngestError> {
    let from = Cursor::new(input.to_vec());
    let lines = ingest::read_from(Path::new("file"), format, from)?;
    // Every line takes a byte at least, so a reader that stands still is seen.
    let lines: Vec<Line> = lines.take(input.len() + 2).collect();
    assert!(lines.len() <= input.len() + 1, "more lines than there are");
    Ok(lines)
}

/// Each line that is not blank gives one receipt or one flaw, with its number; what comes
/// out is what serde makes of that line alone.
pub fn json(input: &[u8]) {
    let lines = read(Format::Jsonl, input).expect("JSON Lines have no head to refuse");
    let mut expected = Vec::new();
    for (number, line) in (1..).zip(input.split(|byte| *byte == b'\n')) {
        let text = std::str::from_utf8(line).map(str::trim);
        match text {
            Ok("") => {}
            Ok(text) if line.len() < LINE_LIMIT && text.starts_with('{') => {
                expected.push((number, serde_json::from_str::<Receipt>(text).ok()));
            }
            _ => expected.push((number, None)),
        }
    }
    assert_eq!(lines.len(), expected.len(), "a line was lost or made up");
    let mut receipts = Vec::new();
    for (line, (number, receipt)) in lines.into_iter().zip(expected) {
        match line {
            Ok((at, read)) => {
                assert_eq!((at, Some(&read)), (number, receipt.as_ref()));
                receipts.push(read);
            }
            Err(flaw) => {
                assert_eq!((flaw.line, receipt), (Some(number), None));
                assert!(!flaw.broken && !flaw.reason.is_empty(), "{flaw:?}");
            }
        }
    }
    receipts.iter().for_each(one);
    as_csv(receipts);
}

/// What is read from CSV is what would be read from JSON; every row stands where it says.
pub fn csv(input: &[u8]) {
    let lines = match read(Format::Csv, input) {
        Ok(lines) => lines,
        Err(IngestError::Columns { reason, .. }) => return assert!(!reason.is_empty()),
        Err(IngestError::Trace(_)) => return,
        Err(error) => panic!("a file in memory can be read: {error}"),
    };
    let last = input.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    let mut before = 1;
    for line in lines {
        let at = match line {
            Ok((at, receipt)) => {
                one(&receipt);
                at
            }
            Err(flaw) => {
                assert!(!flaw.broken && !flaw.reason.is_empty(), "{flaw:?}");
                flaw.line.expect("rows have lines")
            }
        };
        assert!((before..=last).contains(&at), "line {at} of {last}");
        before = at;
    }
}

/// Every row gives a job or a flaw; a job's time can be written and read again.
pub fn trace(input: &[u8]) {
    let path = Path::new("file");
    let Ok(jobs) = azure::jobs_from(path, input) else {
        return;
    };
    let jobs: Vec<_> = jobs.take(input.len() + 2).collect();
    assert!(jobs.len() <= input.len() + 1, "more rows than there are");
    let mut dispatcher = azure::Even {
        operators: 3,
        clients: 5,
        start_ms: 1_000,
        fee_per_token: 2,
        seed: 1,
        first: None,
    };
    let mut again = azure::COLUMNS.join(",");
    let mut kept = Vec::new();
    for (row, job) in (0..).zip(jobs) {
        let job = match job {
            Ok(job) => job,
            Err(flaw) => {
                assert!(!flaw.broken && !flaw.reason.is_empty(), "{flaw:?}");
                continue;
            }
        };
        assert_eq!(job.row, row);
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(job.at) * 1_000_000)
            .expect("it came from such a time");
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second, ms) = at.to_hms_milli();
        again += &format!(
            "\n{year:04}-{:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{ms:03},{},{}",
            u8::from(month),
            job.input_tokens,
            job.output_tokens
        );
        let receipt = azure::receipt(&job, &mut dispatcher);
        assert!(receipt.operator < 3 && receipt.completed_at >= 1_000);
        assert_eq!(receipt.input_tokens, job.input_tokens);
        one(&receipt);
        kept.push(job);
    }
    let jobs = azure::jobs_from(path, again.as_bytes()).expect("its columns are right");
    let read: Vec<_> = jobs
        .map(|job| job.map(|job| (job.at, job.input_tokens, job.output_tokens)))
        .collect();
    let kept: Vec<_> = kept
        .iter()
        .map(|job| Ok((job.at, job.input_tokens, job.output_tokens)))
        .collect();
    assert_eq!(read, kept);
}

/// What holds of any receipt that could be read.
pub fn one(receipt: &Receipt) {
    let text = serde_json::to_string(receipt).expect("plain data");
    let again: Receipt = serde_json::from_str(&text).expect("as it was written");
    assert_eq!(again, *receipt);
    let tree: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let again: Receipt = serde_json::from_value(tree).expect("the same keys");
    assert_eq!(again, *receipt);

    let known = &*KNOWN;
    let digest = receipt.hash(&known.network);
    assert_eq!(digest, eip712::receipt(receipt, NETWORK), "two digests");
    let signer = receipt.signer(&known.network);
    let second = receipt
        .signature
        .and_then(|signature| eip712::signer(&digest, &signature));
    assert_eq!(signer, second, "two libraries, two signers");

    let verified = receipt.verification != Mode::None;
    let possible = receipt.operator < MAX_OPERATORS
        && receipt.cached_input_tokens <= receipt.input_tokens
        && (receipt.input_tokens > 0 || receipt.output_tokens > 0)
        && receipt.completed_at < MAX_TIME
        && (1..=MAX_MODEL_BYTES).contains(&receipt.model.len())
        && verified == receipt.evidence.is_some();
    assert_eq!(receipt.check().is_ok(), possible, "{receipt:?}");
    // The default meter's weights are 1, a quarter and 4.
    let quarters = u128::from(
        receipt
            .input_tokens
            .saturating_sub(receipt.cached_input_tokens),
    ) * 4
        + u128::from(receipt.cached_input_tokens.min(receipt.input_tokens))
        + u128::from(receipt.output_tokens) * 16;
    let fits = possible && quarters / 4 < u128::from(WORK_LIMIT);
    assert_eq!(
        known.strict.check(receipt).is_ok(),
        fits && signer == Some(known.signer)
    );
    let allowed = receipt.signature.is_none() || signer == Some(known.signer);
    assert_eq!(known.lenient.check(receipt).is_ok(), fits && allowed);
}

/// The same receipts as CSV are read as the same.
fn as_csv(mut receipts: Vec<Receipt>) {
    // CSV is read without the spaces around its fields.
    receipts.retain(|receipt| receipt.model.trim() == receipt.model);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let hex = |bytes: &[u8]| format!("0x{}", alloy_primitives::hex::encode(bytes));
    writer
        .write_record([
            "id",
            "operator",
            "client",
            "model",
            "verification",
            "evidence",
            "input_tokens",
            "cached_input_tokens",
            "output_tokens",
            "fee",
            "completed_at",
            "signature",
        ])
        .expect("into memory");
    for receipt in &receipts {
        let verification = match receipt.verification {
            Mode::None => "none",
            Mode::Tee => "tee",
            Mode::ZkMl => "zkml",
        };
        writer
            .write_record([
                hex(&receipt.id),
                receipt.operator.to_string(),
                hex(&receipt.client),
                receipt.model.clone(),
                verification.into(),
                receipt.evidence.map(|hash| hex(&hash)).unwrap_or_default(),
                receipt.input_tokens.to_string(),
                receipt.cached_input_tokens.to_string(),
                receipt.output_tokens.to_string(),
                receipt.fee.to_string(),
                receipt.completed_at.to_string(),
                receipt
                    .signature
                    .map(|bytes| hex(&bytes))
                    .unwrap_or_default(),
            ])
            .expect("into memory");
    }
    let text = writer.into_inner().expect("into memory");
    let read: Vec<_> = read(Format::Csv, &text)
        .expect("its columns are right")
        .into_iter()
        .map(|line| line.map(|(_, receipt)| receipt))
        .collect();
    let receipts: Vec<_> = receipts.into_iter().map(Ok).collect();
    assert_eq!(read, receipts);
}
