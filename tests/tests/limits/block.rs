//! What a block holds, and worlds that fill one.

use parity_scale_codec::Encode;
use plimsoll_embedded::Weight;
use plimsoll_interface::mechanism::status::{self, Status, StatusPage};
use plimsoll_interface::mechanism::OperatorIndex;
use plimsoll_runtime::constants::{MAXIMUM_BLOCK_WEIGHT, NORMAL_DISPATCH_RATIO};
use plimsoll_runtime::Revive;
use plimsoll_tests::{Refusal, Sent, Setup, World};
use std::collections::BTreeMap;
use std::ops::Range;

/// What all ordinary transactions of a block may take together.
pub fn block() -> Weight {
    NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_WEIGHT
}

/// Expects that the whole transaction took at most `percent` of a block, both of its
/// time and of its proof.
#[track_caller]
pub fn fits<T>(what: &str, sent: &Sent<T>, percent: u64) {
    let (taken, whole) = (sent.outcome.transaction_weight, block());
    let part = Weight::from_parts(
        whole.ref_time() / 100 * percent,
        whole.proof_size() / 100 * percent,
    );
    assert!(
        taken.all_lte(part),
        "{what} takes {taken:?}, which is more than {percent} % of {whole:?}"
    );
}

/// Expects that the chain stopped the message because a block does not hold it.
#[track_caller]
pub fn is_beyond_a_block<T: std::fmt::Debug>(what: &str, sent: &Sent<T>) {
    match &sent.result {
        Err(Refusal::Runtime(_)) => {}
        other => panic!("{what} is not beyond a block: {other:?}"),
    }
}

/// A world whose views are not asked after every message, funded and before genesis.
pub fn world(setup: Setup, reserve: u128) -> World {
    let mut world = World::with(setup);
    world.audited = false;
    world.fund(reserve);
    world
}

/// Registers so many operators, one for each name.
pub fn register(world: &mut World, what: &str, count: u32) -> Vec<OperatorIndex> {
    (0..count)
        .map(|k| world.register(&format!("{what} {k}")).0)
        .collect()
}

/// Vouches for operators, as many at a time as a block holds.
pub fn vouch(world: &mut World, operators: &[OperatorIndex]) {
    for part in operators.chunks(100) {
        world.vouch(part);
    }
}

/// Makes operators vetted whom nobody registered, by writing into the contract's storage
/// what vouching for them would: crediting, settling and raising read nothing else of an
/// operator, and registering so many takes longer than everything that is measured.
pub fn vet(world: &mut World, operators: Range<OperatorIndex>, apart: OperatorIndex) {
    let mut pages: BTreeMap<u32, StatusPage> = BTreeMap::new();
    for operator in operators {
        let (number, place) = status::locate(operator * apart);
        let page = pages.entry(number).or_insert_with(|| {
            let stored = world.chain.storage(world.emission, &status_key(number));
            stored.map_or_else(StatusPage::default, |bytes| {
                StatusPage::from_bytes(bytes.as_slice().try_into().expect("a page's length"))
            })
        });
        page.set(place, Status::Vetted, 0);
    }
    for (number, page) in pages {
        let (address, content) = (world.emission, page.as_bytes().to_vec());
        world
            .chain
            .execute(|| Revive::set_storage_var_key(address, status_key(number), Some(content)))
            .expect("a page can be written");
    }
}

/// Where the contract stores a status page: its prefix, and the seventh of its keys.
fn status_key(page: u32) -> Vec<u8> {
    (*b"pl", 6_u8, page).encode()
}
