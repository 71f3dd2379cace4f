//! Attested work, packed for proof size.
//!
//! On pallet-revive a cold storage item costs about 10 kB of a block's proof
//! whatever its size, so the figures of 24 neighbouring operators share one item
//! of 414 bytes. A batch is a byte string of fixed-size entries, decoded in place.

use crate::pools::Work;
use crate::status::{self, Status, StatusPage, OPERATORS_PER_STATUS_PAGE};
use crate::{Epoch, OperatorIndex};
use alloc::vec::Vec;

/// Operators in one page: as many as fit in a storage item of 416 bytes with 17 bytes
/// of figures and two bits of flags each.
pub const OPERATORS_PER_PAGE: u32 = 24;

const PLACES: usize = OPERATORS_PER_PAGE as usize;

/// Where a page has the first words of all figures, one an operator.
const LOW_AT: usize = 0;
/// Where it has the second words.
const HIGH_AT: usize = LOW_AT + 8 * PLACES;
/// Where it has the last bytes of all figures.
const TOP_AT: usize = HIGH_AT + 8 * PLACES;
/// Where it has the flags, two bits an operator.
const FLAGS_AT: usize = TOP_AT + PLACES;

/// Bytes of a page.
pub const PAGE_BYTES: usize = FLAGS_AT + PLACES / 4;

/// Bytes of one entry of a batch: operator (3), fragment work (6), bulk work (6), fees (6).
pub const ENTRY_BYTES: usize = 21;

/// Operators an entry can name: indices are 24 bits.
pub const MAX_OPERATORS: u32 = 1 << 24;

/// Bits of fragment work in a page, and of bulk work.
const WORK_BITS: u32 = 46;
/// Bits of fees in a page: what the two kinds of work leave of 17 bytes.
const FEES_BITS: u32 = 44;
/// Bits of bulk work in the second word of an operator's figures; fees follow them.
const BULK_HIGH_BITS: u32 = 2 * WORK_BITS - 64;

/// Fragment and bulk work of one operator in one epoch stay below this many work units.
pub const WORK_LIMIT: u64 = 1 << WORK_BITS;

/// Fees of one operator in one epoch stay below this many fee units.
pub const FEES_LIMIT: u64 = 1 << FEES_BITS;

const VETTED: u8 = 1;
const RAISED: u8 = 2;

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

/// The figures of 24 neighbouring operators in one epoch, as they are stored.
///
/// An operator's fragment work, bulk work and fees follow one another in 136 bits: two
/// words, little-endian, and a byte. Words lie with words, so that they are aligned: the
/// contract's machine reads what is not aligned byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(8))]
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

    /// The figures at `place` (below 24).
    #[must_use]
    pub fn get(&self, place: usize) -> Figures {
        let low = self.word(LOW_AT, place);
        let high = self.word(HIGH_AT, place);
        let top = u64::from(self.0[TOP_AT + place]);
        let flags = self.0[FLAGS_AT + place / 4] >> (place % 4 * 2);
        Figures {
            fragment: low & (WORK_LIMIT - 1),
            bulk: (low >> WORK_BITS | high << (64 - WORK_BITS)) & (WORK_LIMIT - 1),
            fees: high >> BULK_HIGH_BITS | top << (64 - BULK_HIGH_BITS),
            vetted: flags & VETTED != 0,
            raised: flags & RAISED != 0,
        }
    }

    /// Sets the figures at `place` (below 24); `false`, and no change, if one is
    /// out of its limit.
    #[must_use]
    pub fn set(&mut self, place: usize, figures: &Figures) -> bool {
        if figures.fragment >= WORK_LIMIT
            || figures.bulk >= WORK_LIMIT
            || figures.fees >= FEES_LIMIT
        {
            return false;
        }
        let vetted = if figures.vetted { VETTED } else { 0 };
        let raised = if figures.raised { RAISED } else { 0 };
        self.put(
            place,
            figures.fragment | figures.bulk << WORK_BITS,
            figures.bulk >> (64 - WORK_BITS) | figures.fees << BULK_HIGH_BITS,
            // Eight bits, because fees have 44.
            (figures.fees >> (64 - BULK_HIGH_BITS)) as u8,
            vetted | raised,
        );
        true
    }

    /// Forgets the operator at `place` (below 24).
    pub fn clear(&mut self, place: usize) {
        self.put(place, 0, 0, 0, 0);
    }

    fn word(&self, start: usize, place: usize) -> u64 {
        let at = start + 8 * place;
        let mut word = [0; 8];
        word.copy_from_slice(&self.0[at..at + 8]);
        u64::from_le_bytes(word)
    }

    fn put(&mut self, place: usize, low: u64, high: u64, top: u8, flags: u8) {
        for (start, word) in [(LOW_AT, low), (HIGH_AT, high)] {
            let at = start + 8 * place;
            self.0[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        self.0[TOP_AT + place] = top;
        let shift = place % 4 * 2;
        let byte = &mut self.0[FLAGS_AT + place / 4];
        *byte = *byte & !(3 << shift) | flags << shift;
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
// Not generic: it is the loop that a full batch runs 6,000 times, and a generic function
// would be compiled with the crate that calls it, a contract optimised for size.
pub fn credit(pages: &mut dyn Pages, epoch: Epoch, packed: &[u8]) -> Result<Credit, CreditError> {
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
        // Each figure is below 2^48, here and in the entry: the sums fit in 64 bits.
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
    fn store(&self, pages: &mut dyn Pages) {
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
            assert!(page.set(23, &figures));
            assert_eq!(page.get(23), figures);
            assert!(page.get(22).is_empty());
            let out = Figures {
                fees: FEES_LIMIT,
                ..figures
            };
            assert!(!page.set(23, &out));
        }
        page.clear(23);
        assert!(page.is_empty());
    }

    #[test]
    fn a_batch_is_credited_by_tier_and_touches_each_page_once() {
        let mut memory = Memory::with(&[
            (0, Status::Vetted),
            (1, Status::Open),
            (22, Status::Open),
            (700, Status::Vetted),
        ]);
        let packed = pack(&[
            entry(0, 1, 2, 3),
            entry(1, 10, 20, 30),
            entry(2, 9, 9, 9),
            entry(22, 5, 0, 0),
            entry(700, 7, 0, 0),
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
