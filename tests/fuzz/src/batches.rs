//! What goes to the contract: packed entries, and what attesters sign for them.

use crate::bytes::Bytes;
use crate::eip712;
use plimsoll_keeper::keys::{keccak, recover, Key};
use plimsoll_mechanism::batch::{canonical, BatchHeader, Domain, SIGNATURE_BYTES};
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::status::{self, Status, StatusPage};
use plimsoll_mechanism::work::{
    credit, locate, pack, unpack, Credit, CreditError, Entry, Page, Pages, ENTRY_BYTES, FEES_LIMIT,
    MAX_OPERATORS, WORK_LIMIT,
};
use std::collections::BTreeMap;

/// The epoch at hand.
const EPOCH: u32 = 3;

/// A contract's storage in which an operator's tier follows from its index.
struct Storage {
    tiers: u8,
    pages: BTreeMap<u32, Page>,
}

impl Storage {
    fn status_of(&self, operator: u32) -> Status {
        match (operator.wrapping_mul(2_654_435_761) >> 24) as u8 ^ self.tiers {
            0..=99 => Status::Vetted,
            100..=199 => Status::Open,
            _ => Status::Inactive,
        }
    }
}

impl Pages for Storage {
    fn page(&mut self, page: u32) -> Page {
        self.pages.get(&page).copied().unwrap_or_default()
    }

    fn set_page(&mut self, page: u32, content: &Page) {
        self.pages.insert(page, *content);
    }

    fn status(&mut self, page: u32) -> StatusPage {
        let mut content = StatusPage::default();
        let first = page * status::OPERATORS_PER_STATUS_PAGE;
        for operator in first..first + status::OPERATORS_PER_STATUS_PAGE {
            let (_, place) = status::locate(operator);
            content.set(place, self.status_of(operator), 0);
        }
        content
    }
}

/// Entries are unpacked and packed again the same, and credited as this plain reading of
/// the bytes says: the same refusals, the same totals, the same figures in the pages.
pub fn entries(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let mut storage = Storage {
        tiers: bytes.byte(),
        pages: BTreeMap::new(),
    };
    // Some hundred entries take every branch; a status page is made anew for each.
    let packed = bytes.rest();
    let packed = &packed[..packed.len().min(64 * ENTRY_BYTES)];
    let credited = credit(&mut storage, EPOCH, packed);
    if !packed.len().is_multiple_of(ENTRY_BYTES) {
        assert_eq!(unpack(packed), Err(CreditError::Length));
        return assert_eq!(credited, Err(CreditError::Length));
    }
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let plain: Vec<_> = packed
        .chunks(ENTRY_BYTES)
        .map(|chunk| Entry {
            operator: number(&chunk[..3]) as u32,
            fragment: number(&chunk[3..9]),
            bulk: number(&chunk[9..15]),
            fees: number(&chunk[15..]),
        })
        .collect();
    let falls = plain
        .windows(2)
        .position(|pair| pair[1].operator <= pair[0].operator)
        .map(|at| at + 1);
    let fits = |entry: &Entry| {
        assert!(entry.operator < MAX_OPERATORS);
        entry.fragment < WORK_LIMIT && entry.bulk < WORK_LIMIT && entry.fees < FEES_LIMIT
    };
    match falls {
        Some(at) => assert_eq!(unpack(packed), Err(CreditError::Order(plain[at].operator))),
        None => assert_eq!(unpack(packed).as_ref(), Ok(&plain)),
    }
    let wrong = plain.iter().position(|entry| !fits(entry));
    match (wrong, falls) {
        (None, None) => assert_eq!(pack(&plain).as_deref(), Ok(packed)),
        (a, b) => {
            let first = a.unwrap_or(usize::MAX).min(b.unwrap_or(usize::MAX));
            assert_eq!(pack(&plain), Err(first));
        }
    }

    let mut expected = Credit::default();
    for (at, entry) in plain.iter().enumerate() {
        if falls == Some(at) {
            return assert_eq!(credited, Err(CreditError::Order(entry.operator)));
        }
        let vetted = match storage.status_of(entry.operator) {
            Status::Inactive => {
                expected.skipped.push(entry.operator);
                continue;
            }
            tier => tier == Status::Vetted,
        };
        if !fits(entry) {
            return assert_eq!(credited, Err(CreditError::Overflow(entry.operator)));
        }
        expected.credited += 1;
        let total = if vetted {
            &mut expected.vetted
        } else {
            &mut expected.open
        };
        total.fragment += u128::from(entry.fragment);
        total.bulk += u128::from(entry.bulk);
    }
    assert_eq!(credited, Ok(expected));
    let mut stored = [Work::default(); 2];
    for entry in &plain {
        let (page, place) = locate(entry.operator);
        let page = storage.pages.get(&page).copied().unwrap_or_default();
        let figures = page.get(place);
        let empty = entry.fragment == 0 && entry.bulk == 0 && entry.fees == 0;
        if storage.status_of(entry.operator) == Status::Inactive || empty {
            assert_eq!(figures, Default::default());
            continue;
        }
        let kept = (figures.fragment, figures.bulk, figures.fees);
        assert_eq!(kept, (entry.fragment, entry.bulk, entry.fees));
        let vetted = storage.status_of(entry.operator) == Status::Vetted;
        assert!(figures.vetted == vetted && !figures.raised);
        let total = &mut stored[usize::from(vetted)];
        total.fragment += u128::from(entry.fragment);
        total.bulk += u128::from(entry.bulk);
    }
    let credit = credited.expect("compared above");
    assert_eq!(stored, [credit.open, credit.vetted]);
    let pages = storage.pages.values();
    assert!(
        pages.into_iter().all(|page| !page.is_empty()),
        "an empty page was stored"
    );
}

/// The digest is the standard's, a signature's signer is the one that another library
/// finds, and of one signature there is one form.
pub fn signatures(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let domain = Domain {
        chain_id: bytes.array(),
        contract: bytes.array(),
    };
    let header = BatchHeader {
        epoch: bytes.u32(),
        lane: bytes.u32(),
        seq: bytes.u64(),
        receipts_root: bytes.array(),
        receipts: bytes.u64(),
    };
    let secret: [u8; 32] = bytes.array();
    let place = usize::from(bytes.byte());
    let flip = bytes.byte();
    let given: [u8; SIGNATURE_BYTES] = bytes.array();
    let entries = bytes.rest();
    let digest = header.digest(&domain, entries, keccak);
    assert_eq!(digest, eip712::batch(&header, &domain, entries));

    let agree = |signature: &[u8; SIGNATURE_BYTES]| {
        let signer = recover(&digest, signature);
        assert_eq!(signer, eip712::signer(&digest, signature), "two libraries");
        assert!(signer.is_none() || canonical(signature));
        signer
    };
    agree(&given);
    let Some(key) = Key::from_bytes(secret) else {
        return;
    };
    let signature = key.sign(&digest);
    assert_eq!(signature, key.sign(&digest), "one digest, one signature");
    assert_eq!(agree(&signature), Some(key.address()));
    // Whatever is changed in it, it is no longer this signer's.
    let mut changed = signature;
    changed[place % SIGNATURE_BYTES] ^= flip;
    let signer = agree(&changed);
    assert!(flip == 0 || signer != Some(key.address()));
    // Nor is it anybody's for another batch.
    let other = BatchHeader {
        seq: header.seq ^ 1,
        ..header
    };
    let other = other.digest(&domain, entries, keccak);
    assert_ne!(recover(&other, &signature), Some(key.address()));
}
