//! What the attacks share: an epoch divided by the mechanism crate, and batches credited
//! by it.

use num_bigint::BigUint;
use plimsoll_mechanism::allocate::{allocate, Allocation};
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::{Part, Record};
use plimsoll_mechanism::status::{self, Status, StatusPage};
use plimsoll_mechanism::work::{self, Credit, CreditError, Entry, Figures, Page, Pages};
use plimsoll_mechanism::{Epoch, OperatorIndex};
use std::collections::BTreeMap;

/// One whole in parts per million.
pub const PPM: u32 = plimsoll_mechanism::math::PPM;

/// Divides an epoch at the full level.
///
/// # Panics
/// If all work together does not fit in 128 bits: the populations are far from that.
pub fn divide(params: &Params, reserve: u128, parts: &[Part]) -> Allocation {
    allocate(params, reserve, parts).expect("work of a population fits in 128 bits")
}

/// What the operators at `places` get together.
pub fn income(allocation: &Allocation, places: impl IntoIterator<Item = usize>) -> u128 {
    places
        .into_iter()
        .map(|place| allocation.rewards[place].amount)
        .sum()
}

/// `permille` of `amount`, rounded down.
pub fn permille(amount: u128, permille: u64) -> u128 {
    amount * u128::from(permille) / 1_000
}

/// `permille` of `work`, each figure rounded down.
pub fn permille_of(work: Work, share: u64) -> Work {
    Work {
        fragment: permille(work.fragment, share),
        bulk: permille(work.bulk, share),
    }
}

/// All work of an epoch.
fn all_work(allocation: &Allocation) -> BigUint {
    let work = allocation.record.work();
    BigUint::from(work.fragment) + work.bulk
}

/// G8: the fragments of those who cheat nobody, `others` units, are entitled to their
/// plain share, less two units of 2^-32.
///
/// # Errors
/// If they are not.
pub fn others_keep_the_plain_share(allocation: &Allocation, others: u128) -> Result<(), String> {
    let entitled = allocation.division.pools.entitlement(Work {
        fragment: others,
        bulk: 0,
    });
    let whole = BigUint::from(allocation.budget()) << 32_u32;
    if BigUint::from(entitled + 2) * all_work(allocation) >= whole * others {
        Ok(())
    } else {
        Err(format!(
            "{others} honest fragments are entitled to {entitled} / 2^32"
        ))
    }
}

/// G7: nobody's work is entitled to more than the premium on the plain rate.
///
/// # Errors
/// If `work` is.
pub fn within_the_premium(allocation: &Allocation, work: Work) -> Result<(), String> {
    let entitled = allocation.division.pools.entitlement(work);
    let whole = BigUint::from(allocation.budget()) << 32_u32;
    let premium = allocation.record.params.fragment_premium;
    // What fragments leave is rounded up, so there is a unit of 2^-32 in it for bulk work.
    let units = BigUint::from(work.fragment) + work.bulk;
    let most = whole * units * premium + all_work(allocation) * PPM;
    if BigUint::from(entitled) * all_work(allocation) * PPM <= most {
        Ok(())
    } else {
        Err(format!("{work:?} is entitled to {entitled} / 2^32"))
    }
}

/// `ok` or an error that says `what`.
///
/// # Errors
/// Unless `ok`.
pub fn ensure(ok: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if ok {
        Ok(())
    } else {
        Err(what())
    }
}

/// Where batches of one epoch are credited, as the contract does it: work pages, tiers,
/// and the epoch's record.
pub struct Desk {
    epoch: Epoch,
    pages: BTreeMap<u32, Page>,
    status: BTreeMap<u32, StatusPage>,
    /// The epoch's record.
    pub record: Record,
}

/// The lanes of a desk.
pub const LANES: u32 = 4;

impl Desk {
    /// An empty epoch `epoch` with `reserve` base units at its start.
    pub fn new(params: Params, reserve: u128, epoch: Epoch) -> Self {
        Self {
            epoch,
            pages: BTreeMap::new(),
            status: BTreeMap::new(),
            record: Record::new(params, reserve, LANES),
        }
    }

    /// Lets an operator count in a tier from epoch `from`.
    pub fn admit(&mut self, operator: OperatorIndex, vetted: bool, from: Epoch) {
        let (page, place) = status::locate(operator);
        let status = if vetted { Status::Vetted } else { Status::Open };
        self.status
            .entry(page)
            .or_default()
            .set(place, status, from);
    }

    /// Credits a batch of `lane`.
    ///
    /// # Errors
    /// As the crate's.
    ///
    /// # Panics
    /// If there is no such lane.
    pub fn credit(&mut self, lane: u32, entries: &[Entry]) -> Result<Credit, CreditError> {
        let packed = work::pack(entries).expect("entries are sorted and within their limits");
        let epoch = self.epoch;
        let credit = work::credit(self, epoch, &packed)?;
        self.record
            .add(lane, &credit)
            .expect("the lane exists and the totals are small");
        Ok(credit)
    }

    /// An operator's figures.
    pub fn figures(&self, operator: OperatorIndex) -> Figures {
        let (page, place) = work::locate(operator);
        self.pages
            .get(&page)
            .map(|page| page.get(place))
            .unwrap_or_default()
    }
}

impl Pages for Desk {
    fn page(&mut self, page: u32) -> Page {
        self.pages.get(&page).copied().unwrap_or_default()
    }
    fn set_page(&mut self, page: u32, content: &Page) {
        self.pages.insert(page, *content);
    }
    fn status(&mut self, page: u32) -> StatusPage {
        self.status.get(&page).copied().unwrap_or_default()
    }
}
