//! Attested work, packed for proof size.
//!
//! On pallet-revive a cold storage item costs about 10 kB of a block's proof
//! whatever its size, so the figures of 23 neighbouring operators share one item
//! of 414 bytes. A batch is a byte string of fixed-size entries, decoded in place.

use crate::pools::Work;
use crate::status::{self, Status, StatusPage, OPERATORS_PER_STATUS_PAGE};
use crate::{Epoch, OperatorIndex};
use alloc::vec::Vec;

/// Operators in one page: as many 18-byte figures as fit in a storage item of 416 bytes.
pub const OPERATORS_PER_PAGE: u32 = 23;

/// Bytes of one operator's figures in a page.
const FIGURES_BYTES: usize = 18;

/// Bytes of a page.
pub const PAGE_BYTES: usize = OPERATORS_PER_PAGE as usize * FIGURES_BYTES;

/// Bytes of one entry of a batch: operator (3), fragment work (6), bulk work (6), fees (6).
pub const ENTRY_BYTES: usize = 21;

/// Operators an entry can name: indices are 24 bits.
pub const MAX_OPERATORS: u32 = 1 << 24;

/// Fragment and bulk work of one operator in one epoch stay below this many work units.
pub const WORK_LIMIT: u64 = 1 << 48;

/// Fees of one operator in one epoch stay below this many fee units.
pub const FEES_LIMIT: u64 = 1 << 46;

const VETTED_BIT: u64 = 1 << 47;
const RAISED_BIT: u64 = 1 << 46;

/// What is known of one operator's work in one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Figures {
    /// Fragment work units; below [`WORK_LIMIT`].
    pub fragment: u64,
    /// Bulk work units; below [`WORK_LIMIT`].
    pub bulk: u64,
    /// Fees paid for that work, in fee units; below [`FEES_LIMIT`].
    pub fees: u64,
    /// The tier in which the work counts: vetted or open.
    pub vetted: bool,
    /// Whether the operator was raised to its cap.
    pub raised: bool,
}

impl Figures {
    /// The work alone.
    #[must_use]
    pub fn work(&self) -> Work {
        Work {
            fragment: u128::from(self.fragment),
            bulk: u128::from(self.bulk),
        }
    }

    /// Whether there is nothing to book.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fragment == 0 && self.bulk == 0 && self.fees == 0
    }
}

/// The figures of 23 neighbouring operators in one epoch, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page([u8; PAGE_BYTES]);

impl Default for Page {
    fn default() -> Self {
        Self([0; PAGE_BYTES])
    }
}

/// The page of an operator and its place there.
#[must_use]
pub fn locate(operator: OperatorIndex) -> (u32, usize) {
    (
        operator / OPERATORS_PER_PAGE,
        (operator % OPERATORS_PER_PAGE) as usize,
    )
}

impl Page {
    /// A page as it is stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; PAGE_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PAGE_BYTES] {
        &self.0
    }

    /// Whether nobody in the page has anything to book, so that it can be removed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// The figures at `place` (below 23).
    #[must_use]
    pub fn get(&self, place: usize) -> Figures {
        let at = place * FIGURES_BYTES;
        let fees = read_u48(&self.0, at + 12);
        Figures {
            fragment: read_u48(&self.0, at),
            bulk: read_u48(&self.0, at + 6),
            fees: fees & (FEES_LIMIT - 1),
            vetted: fees & VETTED_BIT != 0,
            raised: fees & RAISED_BIT != 0,
        }
    }

    /// Sets the figures at `place` (below 23); `false`, and no change, if one is
    /// out of its limit.
    #[must_use]
    pub fn set(&mut self, place: usize, figures: &Figures) -> bool {
        if figures.fragment >= WORK_LIMIT
            || figures.bulk >= WORK_LIMIT
            || figures.fees >= FEES_LIMIT
        {
            return false;
        }
        let at = place * FIGURES_BYTES;
        let vetted = if figures.vetted { VETTED_BIT } else { 0 };
        let raised = if figures.raised { RAISED_BIT } else { 0 };
        write_u48(&mut self.0, at, figures.fragment);
        write_u48(&mut self.0, at + 6, figures.bulk);
        write_u48(&mut self.0, at + 12, figures.fees | vetted | raised);
        true
    }

    /// Forgets the operator at `place`.
    pub fn clear(&mut self, place: usize) {
        let at = place * FIGURES_BYTES;
        self.0[at..at + FIGURES_BYTES].fill(0);
    }
}

fn read_u48(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word[..6].copy_from_slice(&bytes[at..at + 6]);
    u64::from_le_bytes(word)
}

fn write_u48(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 6].copy_from_slice(&value.to_le_bytes()[..6]);
}

/// One operator's work in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The operator, below [`MAX_OPERATORS`].
    pub operator: OperatorIndex,
    /// Fragment work units, below [`WORK_LIMIT`].
    pub fragment: u64,
    /// Bulk work units, below [`WORK_LIMIT`].
    pub bulk: u64,
    /// Fees in fee units, below [`FEES_LIMIT`].
    pub fees: u64,
}

impl Entry {
    /// The entry in `chunk`, which holds exactly [`ENTRY_BYTES`] bytes, little-endian.
    #[must_use]
    fn decode(chunk: &[u8]) -> Self {
        Self {
            operator: u32::from_le_bytes([chunk[0], chunk[1], chunk[2], 0]),
            fragment: read_u48(chunk, 3),
            bulk: read_u48(chunk, 9),
            fees: read_u48(chunk, 15),
        }
    }

    /// Whether it credits nothing.
    fn is_empty(&self) -> bool {
        self.fragment == 0 && self.bulk == 0 && self.fees == 0
    }

    fn encode(&self) -> Option<[u8; ENTRY_BYTES]> {
        let in_range = self.operator < MAX_OPERATORS
            && self.fragment < WORK_LIMIT
            && self.bulk < WORK_LIMIT
            && self.fees < FEES_LIMIT;
        in_range.then(|| {
            let mut chunk = [0; ENTRY_BYTES];
            chunk[..3].copy_from_slice(&self.operator.to_le_bytes()[..3]);
            write_u48(&mut chunk, 3, self.fragment);
            write_u48(&mut chunk, 9, self.bulk);
            write_u48(&mut chunk, 15, self.fees);
            chunk
        })
    }
}

/// Packs entries as they are signed and sent.
///
/// # Errors
/// The position of the first entry that is out of range or not above the one before it.
pub fn pack(entries: &[Entry]) -> Result<Vec<u8>, usize> {
    let mut packed = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    let mut next = 0;
    for (position, entry) in entries.iter().enumerate() {
        let chunk = entry
            .encode()
            .filter(|_| entry.operator >= next)
            .ok_or(position)?;
        packed.extend_from_slice(&chunk);
        next = entry.operator + 1;
    }
    Ok(packed)
}

/// Unpacks entries, checking their order.
///
/// # Errors
/// See [`CreditError`]; [`CreditError::Overflow`] never.
pub fn unpack(packed: &[u8]) -> Result<Vec<Entry>, CreditError> {
    let chunks = packed.chunks_exact(ENTRY_BYTES);
    if !chunks.remainder().is_empty() {
        return Err(CreditError::Length);
    }
    let mut next = 0;
    chunks
        .map(|chunk| {
            let entry = Entry::decode(chunk);
            if entry.operator < next {
                return Err(CreditError::Order(entry.operator));
            }
            next = entry.operator + 1;
            Ok(entry)
        })
        .collect()
}

/// Why a batch's entries were refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditError {
    /// The bytes are not a whole number of entries.
    Length,
    /// This operator's entry is not above the one before it.
    Order(OperatorIndex),
    /// A figure of this operator would leave its range.
    Overflow(OperatorIndex),
}

/// What a batch added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Work credited to vetted operators.
    pub vetted: Work,
    /// Work credited to open operators.
    pub open: Work,
    /// Entries credited.
    pub credited: u32,
    /// Operators whose entries were skipped: unknown, or open and below the smallest bond.
    pub skipped: Vec<OperatorIndex>,
}

/// Where pages are kept.
pub trait Pages {
    /// The page of work numbered `page` in the epoch at hand; empty if there is none.
    fn page(&mut self, page: u32) -> Page;
    /// Stores a page of work.
    fn set_page(&mut self, page: u32, content: &Page);
    /// The status page numbered `page`; empty if there is none.
    fn status(&mut self, page: u32) -> StatusPage;
}

/// Credits the packed entries of a batch for `epoch`, reading and writing each
/// page once. After an error some pages may be written: the caller rolls back.
///
/// # Errors
/// See [`CreditError`].
pub fn credit(pages: &mut impl Pages, epoch: Epoch, packed: &[u8]) -> Result<Credit, CreditError> {
    let chunks = packed.chunks_exact(ENTRY_BYTES);
    if !chunks.remainder().is_empty() {
        return Err(CreditError::Length);
    }
    let mut credit = Credit::default();
    let mut next = 0;
    let mut work_at = Cursor::new(0, Page::default());
    let mut status_at = Cursor::new(0, StatusPage::default());
    for chunk in chunks {
        let entry = Entry::decode(chunk);
        if entry.operator < next {
            return Err(CreditError::Order(entry.operator));
        }
        next = entry.operator + 1;

        let status_page = entry.operator / OPERATORS_PER_STATUS_PAGE;
        if status_at.leaves(status_page) {
            status_at = Cursor::loaded(status_page, pages.status(status_page));
        }
        let place = status::locate(entry.operator).1;
        let vetted = match status_at.content.get(place, epoch) {
            Status::Inactive => {
                credit.skipped.push(entry.operator);
                continue;
            }
            Status::Open => false,
            Status::Vetted => true,
        };
        credit.credited += 1;
        if entry.is_empty() {
            // It must leave no trace: a page goes when its last operator is booked,
            // and here is nothing to book.
            continue;
        }

        let (page, place) = locate(entry.operator);
        if work_at.leaves(page) {
            work_at.store(pages);
            work_at = Cursor::loaded(page, pages.page(page));
        }
        let before = work_at.content.get(place);
        // Each figure is below 2^48 before and in the entry: the sums fit in 64 bits.
        let after = Figures {
            fragment: before.fragment + entry.fragment,
            bulk: before.bulk + entry.bulk,
            fees: before.fees + entry.fees,
            vetted,
            raised: false,
        };
        if !work_at.content.set(place, &after) {
            return Err(CreditError::Overflow(entry.operator));
        }
        let total = if vetted {
            &mut credit.vetted
        } else {
            &mut credit.open
        };
        // At most 2^24 entries below 2^48 each.
        total.fragment += u128::from(entry.fragment);
        total.bulk += u128::from(entry.bulk);
    }
    work_at.store(pages);
    Ok(credit)
}

/// The page a walk over sorted operators is in.
struct Cursor<T> {
    page: u32,
    loaded: bool,
    content: T,
}

impl<T> Cursor<T> {
    fn new(page: u32, content: T) -> Self {
        Self {
            page,
            loaded: false,
            content,
        }
    }

    fn loaded(page: u32, content: T) -> Self {
        Self {
            page,
            loaded: true,
            content,
        }
    }

    fn leaves(&self, page: u32) -> bool {
        !self.loaded || self.page != page
    }
}

impl Cursor<Page> {
    fn store(&self, pages: &mut impl Pages) {
        if self.loaded {
            pages.set_page(self.page, &self.content);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec;

    #[derive(Default)]
    struct Memory {
        work: BTreeMap<u32, Page>,
        status: BTreeMap<u32, StatusPage>,
        reads: u32,
    }

    impl Memory {
        fn with(statuses: &[(u32, Status)]) -> Self {
            let mut memory = Self::default();
            for (operator, status) in statuses {
                let (page, place) = status::locate(*operator);
                memory
                    .status
                    .entry(page)
                    .or_default()
                    .set(place, *status, 0);
            }
            memory
        }

        fn figures(&self, operator: u32) -> Figures {
            let (page, place) = locate(operator);
            self.work
                .get(&page)
                .map(|p| p.get(place))
                .unwrap_or_default()
        }
    }

    impl Pages for Memory {
        fn page(&mut self, page: u32) -> Page {
            self.reads += 1;
            self.work.get(&page).copied().unwrap_or_default()
        }
        fn set_page(&mut self, page: u32, content: &Page) {
            self.work.insert(page, *content);
        }
        fn status(&mut self, page: u32) -> StatusPage {
            self.reads += 1;
            self.status.get(&page).copied().unwrap_or_default()
        }
    }

    fn entry(operator: u32, fragment: u64, bulk: u64, fees: u64) -> Entry {
        Entry {
            operator,
            fragment,
            bulk,
            fees,
        }
    }

    #[test]
    fn pages_fit_in_one_storage_item_and_batches_of_six_thousand_in_call_data() {
        const { assert!(PAGE_BYTES <= 416) };
        const { assert!(6_000 * ENTRY_BYTES + 1_024 <= 128 * 1_024) };
    }

    #[test]
    fn figures_survive_packing_at_their_limits() {
        let mut page = Page::default();
        for vetted in [false, true] {
            let figures = Figures {
                fragment: WORK_LIMIT - 1,
                bulk: WORK_LIMIT - 1,
                fees: FEES_LIMIT - 1,
                vetted,
                raised: !vetted,
            };
            assert!(page.set(22, &figures));
            assert_eq!(page.get(22), figures);
            assert!(page.get(21).is_empty());
            let out = Figures {
                fees: FEES_LIMIT,
                ..figures
            };
            assert!(!page.set(22, &out));
        }
        page.clear(22);
        assert!(page.is_empty());
    }

    #[test]
    fn a_batch_is_credited_by_tier_and_touches_each_page_once() {
        let mut memory = Memory::with(&[
            (0, Status::Vetted),
            (1, Status::Open),
            (22, Status::Open),
            (600, Status::Vetted),
        ]);
        let packed = pack(&[
            entry(0, 1, 2, 3),
            entry(1, 10, 20, 30),
            entry(2, 9, 9, 9),
            entry(22, 5, 0, 0),
            entry(600, 7, 0, 0),
        ])
        .expect("sorted and in range");
        let credit = credit(&mut memory, 4, &packed).expect("valid");
        assert_eq!(credit.credited, 4);
        assert_eq!(credit.skipped, vec![2]);
        assert_eq!((credit.vetted.fragment, credit.vetted.bulk), (8, 2));
        assert_eq!((credit.open.fragment, credit.open.bulk), (15, 20));
        assert_eq!(memory.reads, 4);
        assert!(memory.figures(0).vetted);
        assert_eq!(memory.figures(1).fees, 30);
        assert!(memory.figures(2).is_empty());
    }

    #[test]
    fn an_entry_of_nothing_leaves_no_page_behind() {
        let mut memory = Memory::with(&[(0, Status::Vetted), (1, Status::Open)]);
        let packed = pack(&[entry(0, 0, 0, 0), entry(1, 0, 0, 0)]).expect("sorted");
        let credit = credit(&mut memory, 0, &packed).expect("valid");
        assert_eq!(credit.credited, 2);
        assert!(memory.work.is_empty());
    }

    #[test]
    fn disorder_repeats_and_overflow_refuse_the_batch() {
        assert_eq!(pack(&[entry(1, 0, 0, 0), entry(1, 0, 0, 0)]), Err(1));
        assert_eq!(pack(&[entry(0, 0, 0, FEES_LIMIT)]), Err(0));
        let mut memory = Memory::with(&[(0, Status::Open), (1, Status::Open)]);
        let ok = pack(&[entry(0, WORK_LIMIT - 1, 0, 0)]).expect("in range");
        credit(&mut memory, 0, &ok).expect("fits once");
        assert_eq!(
            credit(&mut memory, 0, &ok),
            Err(CreditError::Overflow(0)),
            "twice does not fit"
        );
        let mut reversed = pack(&[entry(1, 1, 1, 1)]).expect("in range");
        reversed.extend(ok);
        assert_eq!(
            credit(&mut memory, 0, &reversed),
            Err(CreditError::Order(0))
        );
        assert_eq!(credit(&mut memory, 0, &[0; 20]), Err(CreditError::Length));
    }
}
