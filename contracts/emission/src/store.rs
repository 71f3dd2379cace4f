//! Where everything is stored. One item costs about 10 kB of proof whatever its
//! size (at most 416 bytes), so what is used together lies together:
//!
//! | item | content | touched by |
//! |---|---|---|
//! | root | settings, ledger, pauses, counters | every call |
//! | governance | roles, announced changes | few |
//! | params | the parameters' versions | the first batch of an epoch |
//! | attesters, version | addresses and threshold | every batch |
//! | epoch | totals, sequence numbers, settlement | attest, settle, raise, book |
//! | worked, page | which of 2,048 epochs have a record | the first batch, settle |
//! | work, epoch, page | figures of 24 operators | attest, strike, raise, book |
//! | status, page | status of 685 operators | attest, vouch, bond |
//! | operator | payee, rewards, bond | book, claim, bond |
//! | index, address | an address's operator | register |
//! | bond, operator, number | bonds of long ago | rarely |
//! | change, number | an announced change | governance |

use ink::prelude::vec;
use ink::prelude::vec::Vec;
use parity_scale_codec::{Decode, Encode, Input, Output};
use plimsoll_interface::mechanism::account::Account;
use plimsoll_interface::mechanism::bond::Checkpoint;
use plimsoll_interface::mechanism::clock::Pauses;
use plimsoll_interface::mechanism::ledger::Ledger;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::record::Record;
use plimsoll_interface::mechanism::schedule::Schedule;
use plimsoll_interface::mechanism::status::{StatusPage, STATUS_PAGE_BYTES};
use plimsoll_interface::mechanism::work::{Page, Pages, PAGE_BYTES};
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{Announced, Attesters, Settings, H160};

/// The item every call reads.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
pub struct Root {
    /// Fixed at deployment.
    pub settings: Settings,
    /// What is held and for whom.
    pub ledger: Ledger,
    /// The pauses so far.
    pub pauses: Pauses,
    /// Every worked epoch below this is settled.
    pub settled_to: Epoch,
    /// Number of operators.
    pub operators: u32,
    /// Versions of the attesters by epoch.
    pub attesters: Schedule<u32>,
}

#[cfg(feature = "std")]
impl ink::storage::traits::StorageLayout for Root {
    fn layout(key: &ink::primitives::Key) -> ink::metadata::layout::Layout {
        ink::metadata::layout::Layout::Leaf(ink::metadata::layout::LeafLayout::from_key::<Self>(
            ink::metadata::layout::LayoutKey::from(key),
        ))
    }
}

/// Roles and what was announced.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Governance {
    /// The owner.
    pub owner: H160,
    /// A proposed owner and the epoch from which it may accept.
    pub proposed: Option<(H160, Epoch)>,
    /// The registrar by epoch.
    pub registrar: Schedule<H160>,
    /// The guardian by epoch.
    pub guardian: Schedule<H160>,
    /// The epoch of the newest vouch and how many it saw.
    pub vouches: (Epoch, u32),
    /// Number of the next change.
    pub next_change: u32,
    /// Numbers of the announced changes of the parameters, the registrar, the
    /// guardian and the attesters.
    pub announced: [Option<u32>; 4],
}

/// What is kept of an operator. [`OperatorItem`] knows the places of its first fields.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Operator {
    /// Who it is.
    pub address: H160,
    /// Where it is paid.
    pub payee: H160,
    /// A new payee and the wall time (ms) from which it counts.
    pub pending_payee: Option<(H160, u64)>,
    /// Whether only the operator itself may claim.
    pub only_self: bool,
    /// Rewards and bond.
    pub account: Account,
}

impl Operator {
    /// Where the operator is paid at wall time `now` (ms).
    pub fn payee_at(&self, now: u64) -> H160 {
        match self.pending_payee {
            Some((payee, from)) if now >= from => payee,
            _ => self.payee,
        }
    }
}

/// The bytes of an [`Operator`] with what a payment looks at, at their places: decoding
/// and encoding all of it would be a tenth of what paying one of many costs.
///
/// ```text
/// address 20 | payee 20 | 0, or 1 with payee 20 and time 8 | only self 1 | claimable 16 | released to 4 | ...
/// ```
pub struct OperatorItem {
    /// On the heap, so that handing it on moves no bytes.
    bytes: Vec<u8>,
    /// Where the part behind the pending payee begins.
    tail: usize,
}

impl OperatorItem {
    fn new(bytes: Vec<u8>) -> Self {
        let pending = bytes.get(TAIL - 1).is_some_and(|tag| *tag == 1);
        let tail = if pending { TAIL_WITH_PENDING } else { TAIL };
        Self { bytes, tail }
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[at..at + N]);
        array
    }

    /// Whether only the operator itself may claim.
    pub fn only_self(&self) -> bool {
        self.bytes[self.tail] == 1
    }

    /// Who it is.
    pub fn address(&self) -> H160 {
        H160(self.array(0))
    }

    /// Where the operator is paid at wall time `now` (ms).
    pub fn payee_at(&self, now: u64) -> H160 {
        let pending = self.tail == TAIL_WITH_PENDING
            && now >= u64::from_le_bytes(self.array(TAIL_WITH_PENDING - 8));
        H160(self.array(if pending { TAIL } else { 20 }))
    }

    /// What the next claim pays.
    pub fn claimable(&self) -> u128 {
        u128::from_le_bytes(self.array(self.tail + 1))
    }

    /// Sets what the next claim pays.
    pub fn set_claimable(&mut self, amount: u128) {
        let at = self.tail + 1;
        self.bytes[at..at + 16].copy_from_slice(&amount.to_le_bytes());
    }

    /// The epoch up to which vested amounts were released.
    pub fn released_to(&self) -> Epoch {
        Epoch::from_le_bytes(self.array(self.tail + 17))
    }

    /// All of it.
    pub fn read(&self) -> Operator {
        Operator::decode(&mut &*self.bytes).expect("an item decodes as what it was written as")
    }
}

/// Bytes up to *only self*, without and with a pending payee.
const TAIL: usize = 41;
const TAIL_WITH_PENDING: usize = TAIL + 28;

impl From<&Operator> for OperatorItem {
    fn from(operator: &Operator) -> Self {
        Self::new(operator.encode())
    }
}

impl Decode for OperatorItem {
    fn decode<I: Input>(input: &mut I) -> Result<Self, parity_scale_codec::Error> {
        let length = input.remaining_len()?.ok_or("an item of unknown length")?;
        let mut bytes = vec![0; length];
        input.read(&mut bytes)?;
        Ok(Self::new(bytes))
    }
}

impl Encode for OperatorItem {
    fn size_hint(&self) -> usize {
        self.bytes.len()
    }

    fn encode_to<T: Output + ?Sized>(&self, dest: &mut T) {
        dest.write(&self.bytes);
    }
}

/// Epochs in one page of the bitmap of worked epochs.
pub const EPOCHS_PER_PAGE: u32 = 2_048;

/// Which of [`EPOCHS_PER_PAGE`] epochs have a record.
pub type WorkedPage = [u8; EPOCHS_PER_PAGE as usize / 8];

/// The keys of all items but the root.
#[derive(Encode)]
enum Key {
    Governance,
    Params,
    Attesters(u32),
    Epoch(Epoch),
    Worked(u32),
    Work(Epoch, u32),
    Status(u32),
    Operator(OperatorIndex),
    Index(H160),
    Bond(OperatorIndex, u32),
    Change(u32),
}

/// The root lives under a key of its own kind, four zero bytes; this prefix keeps
/// all others apart from it.
const PREFIX: [u8; 2] = *b"pl";

fn get<T: Encode + Decode>(key: &Key) -> Option<T> {
    // An item is only ever written by this very code, which is never replaced.
    ink::env::get_contract_storage(&(PREFIX, key))
        .expect("an item decodes as what it was written as")
}

fn set<T: Encode + Decode>(key: &Key, value: &T) {
    ink::env::set_contract_storage(&(PREFIX, key), value);
}

fn clear(key: &Key) {
    ink::env::clear_contract_storage(&(PREFIX, key));
}

/// Roles and announced changes.
pub fn governance() -> Governance {
    get(&Key::Governance).expect("the constructor writes it")
}

/// Stores [`governance`].
pub fn set_governance(governance: &Governance) {
    set(&Key::Governance, governance);
}

/// The parameters' versions.
pub fn params() -> Schedule<Params> {
    get(&Key::Params).expect("the constructor writes it")
}

/// Stores [`params`].
pub fn set_params(params: &Schedule<Params>) {
    set(&Key::Params, params);
}

/// The attesters of a version.
pub fn attesters(version: u32) -> Attesters {
    get(&Key::Attesters(version)).expect("a version is written before it is announced")
}

/// Stores a version of the attesters.
pub fn set_attesters(version: u32, attesters: &Attesters) {
    set(&Key::Attesters(version), attesters);
}

/// Forgets a version of the attesters.
pub fn clear_attesters(version: u32) {
    clear(&Key::Attesters(version));
}

/// The record of an epoch; `None` before its first batch.
pub fn record(epoch: Epoch) -> Option<Record> {
    get(&Key::Epoch(epoch))
}

/// Stores a record.
pub fn set_record(epoch: Epoch, record: &Record) {
    set(&Key::Epoch(epoch), record);
}

/// A page of the bitmap of worked epochs.
pub fn worked(page: u32) -> Option<WorkedPage> {
    get(&Key::Worked(page))
}

/// Marks an epoch as worked.
pub fn set_worked(epoch: Epoch) {
    let page = epoch / EPOCHS_PER_PAGE;
    let place = epoch % EPOCHS_PER_PAGE;
    let mut bits = worked(page).unwrap_or([0; EPOCHS_PER_PAGE as usize / 8]);
    bits[place as usize / 8] |= 1 << (place % 8);
    set(&Key::Worked(page), &bits);
}

/// A page of work.
pub fn work(epoch: Epoch, page: u32) -> Page {
    get::<[u8; PAGE_BYTES]>(&Key::Work(epoch, page)).map_or_else(Page::default, Page::from_bytes)
}

/// Stores a page of work, or removes it when nobody in it has anything to book.
pub fn set_work(epoch: Epoch, page: u32, content: &Page) {
    if content.is_empty() {
        clear(&Key::Work(epoch, page));
    } else {
        set(&Key::Work(epoch, page), content.as_bytes());
    }
}

/// A status page.
pub fn status(page: u32) -> StatusPage {
    get::<[u8; STATUS_PAGE_BYTES]>(&Key::Status(page))
        .map_or_else(StatusPage::default, StatusPage::from_bytes)
}

/// Stores a status page.
pub fn set_status(page: u32, content: &StatusPage) {
    set(&Key::Status(page), content.as_bytes());
}

/// An operator.
pub fn operator(operator: OperatorIndex) -> Option<Operator> {
    get(&Key::Operator(operator))
}

/// Stores an operator.
pub fn set_operator(operator: OperatorIndex, content: &Operator) {
    set(&Key::Operator(operator), content);
}

/// An operator as its bytes.
pub fn operator_item(operator: OperatorIndex) -> Option<OperatorItem> {
    get(&Key::Operator(operator))
}

/// Stores an operator's bytes.
pub fn set_operator_item(operator: OperatorIndex, item: &OperatorItem) {
    set(&Key::Operator(operator), item);
}

/// The operator of an address.
pub fn index(address: &H160) -> Option<OperatorIndex> {
    get(&Key::Index(*address))
}

/// Stores the operator of an address.
pub fn set_index(address: &H160, operator: OperatorIndex) {
    set(&Key::Index(*address), &operator);
}

/// An archived bond.
pub fn archived_bond(operator: OperatorIndex, number: u32) -> Option<Checkpoint> {
    get(&Key::Bond(operator, number))
}

/// Archives a bond.
pub fn archive_bond(operator: OperatorIndex, archive: Option<(u32, Checkpoint)>) {
    if let Some((number, checkpoint)) = archive {
        set(&Key::Bond(operator, number), &checkpoint);
    }
}

/// An announced change.
pub fn change(id: u32) -> Option<Announced> {
    get(&Key::Change(id))
}

/// Stores an announced change.
pub fn set_change(id: u32, change: &Announced) {
    set(&Key::Change(id), change);
}

/// Forgets an announced change.
pub fn clear_change(id: u32) {
    clear(&Key::Change(id));
}

/// The pages of one epoch.
pub struct EpochPages(pub Epoch);

impl Pages for EpochPages {
    fn page(&mut self, page: u32) -> Page {
        work(self.0, page)
    }

    fn set_page(&mut self, page: u32, content: &Page) {
        set_work(self.0, page, content);
    }

    fn status(&mut self, page: u32) -> StatusPage {
        status(page)
    }
}

/// One epoch's work while a list of operators is walked: holds one page at a time
/// and writes it when the walk leaves it.
pub struct Walk {
    epoch: Epoch,
    at: Option<(u32, Page, bool)>,
}

impl Walk {
    /// A walk through the work of `epoch`.
    pub fn new(epoch: Epoch) -> Self {
        Self { epoch, at: None }
    }

    /// The page numbered `page`, read if the walk is not in it.
    pub fn page(&mut self, page: u32) -> &Page {
        &self.enter(page).1
    }

    /// The page numbered `page`, to be changed.
    pub fn page_mut(&mut self, page: u32) -> &mut Page {
        let at = self.enter(page);
        at.2 = true;
        &mut at.1
    }

    /// Writes what was changed last.
    pub fn finish(&mut self) {
        if let Some((page, content, true)) = &self.at {
            set_work(self.epoch, *page, content);
        }
        self.at = None;
    }

    fn enter(&mut self, page: u32) -> &mut (u32, Page, bool) {
        if self.at.as_ref().is_some_and(|at| at.0 != page) {
            self.finish();
        }
        let epoch = self.epoch;
        self.at
            .get_or_insert_with(|| (page, work(epoch, page), false))
    }
}

/// The entries of a batch in parts of whole entries that fit in an event.
pub fn event_parts(entries: &[u8], entry_bytes: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    let part = plimsoll_interface::MAX_EVENT_ENTRIES / entry_bytes * entry_bytes;
    entries.chunks(part).map(<[u8]>::to_vec)
}
