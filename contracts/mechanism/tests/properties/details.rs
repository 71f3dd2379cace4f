//! Single cases that hardly any random input shows.

use plimsoll_mechanism::allocate::{allocate, raise_all};
use plimsoll_mechanism::bond::Bond;
use plimsoll_mechanism::clock::{PauseError, Pauses, Times};
use plimsoll_mechanism::ledger::Ledger;
use plimsoll_mechanism::params::{Param, Params};
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::{Part, Record};
use plimsoll_mechanism::status::{self, Status, StatusPage, OPERATORS_PER_STATUS_PAGE};
use plimsoll_mechanism::vesting::{Ring, Vesting, MAX_VESTING_PERIODS};
use plimsoll_mechanism::work::{
    self, CreditError, Entry, Figures, Page, ENTRY_BYTES, FEES_LIMIT, MAX_OPERATORS,
    OPERATORS_PER_PAGE, WORK_LIMIT,
};

/// Nobody is bounded by fees or bonds; a tenth of the budget is a cap.
const PARAMS: Params = Params {
    rate: 1_000_000,
    unit_ceiling: None,
    fee_multiple: None,
    fragment_floor: 0,
    fragment_premium: 1_000_000,
    operator_cap: 100_000,
    open_ceiling: 100_000,
    uplift: 1_000_000_000,
    bond_leverage: 1_000_000_000,
    liquid_share: 0,
    liquid_allowance: 0,
};

fn part(fragment: u128, vetted: bool) -> Part {
    Part {
        work: Work { fragment, bulk: 0 },
        vetted,
        bond: 1 << 100,
        ..Part::default()
    }
}

#[test]
fn raising_all_says_how_many_were_raised_and_again_that_none_were() {
    let mut parts = vec![
        part(10, true),
        part(30, true),
        part(20, true),
        part(5, false),
    ];
    let mut record = Record::new(PARAMS, 10_000, 1);
    for part in &parts {
        let total = if part.vetted {
            &mut record.vetted
        } else {
            &mut record.open
        };
        *total = total.checked_add(&part.work).expect("small");
    }
    assert_eq!(raise_all(&mut record, &mut parts), 0, "not settled");
    record.settle(10_000, 0);
    assert_eq!(
        raise_all(&mut record, &mut parts),
        4,
        "three and the open pool"
    );
    assert!(parts.iter().all(|part| part.raised == part.vetted));
    assert_eq!(raise_all(&mut record, &mut parts), 0);
}

#[test]
fn what_was_raised_before_does_not_count_in_a_whole_epoch_at_once() {
    let parts = [part(1, true), part(1_000, true)];
    let raised = parts.map(|part| Part {
        raised: true,
        ..part
    });
    let fresh = allocate(&PARAMS, 10_000, &parts).expect("small");
    assert_eq!(allocate(&PARAMS, 10_000, &raised), Ok(fresh));
}

#[test]
fn a_promotion_of_nothing_leaves_the_bond_as_it_is() {
    let mut bond = Bond::default();
    bond.deposit(100, 1).expect("small");
    bond.withdraw(100, true, 3, 4).expect("enough");
    let before = bond.clone();
    let withdrawal = bond.retire(true, 8, 9);
    assert_eq!((withdrawal.amount, withdrawal.free), (0, 0));
    assert_eq!(withdrawal.archive, None);
    assert_eq!(bond, before, "no checkpoint for nothing");
}

#[test]
fn a_withdrawal_that_is_slashed_whole_makes_room_for_another() {
    let mut bond = Bond::default();
    bond.deposit(100, 1).expect("small");
    for epoch in 1..=3 {
        bond.withdraw(10, true, epoch, epoch + 1).expect("room");
    }
    assert!(bond.withdraw(10, true, 4, 5).is_err(), "three at once");
    // All of the bond and the newest of the withdrawals.
    assert_eq!(bond.slash(80, 5, |_| false).0, 80);
    assert_eq!(bond.withdrawals().len(), 2);
    bond.deposit(50, 5).expect("small");
    bond.withdraw(50, true, 6, 7).expect("room");
    assert_eq!(bond.withdrawals().len(), 3);
}

#[test]
fn pages_are_stored_as_they_are() {
    let mut page = Page::default();
    let figures = Figures {
        fragment: 5,
        bulk: 7,
        fees: 9,
        vetted: true,
        raised: true,
    };
    let last = OPERATORS_PER_PAGE as usize - 1;
    assert!(page.set(last, &figures));
    let stored = Page::from_bytes(*page.as_bytes());
    assert_eq!((stored, stored.get(last)), (page, figures));

    let mut status = StatusPage::default();
    status.set(6, Status::Vetted, 3);
    let stored = StatusPage::from_bytes(*status.as_bytes());
    assert_eq!((stored, stored.get(6, 3)), (status, Status::Vetted));
    assert_eq!(stored.get(6, 2), Status::Inactive);
}

/// What the proof of a block pays for: neighbours share one storage item.
#[test]
fn as_many_operators_share_a_page_as_fit() {
    assert_eq!((OPERATORS_PER_PAGE, OPERATORS_PER_STATUS_PAGE), (24, 685));
    assert_eq!(work::locate(23), (0, 23));
    assert_eq!(work::locate(24), (1, 0));
    assert_eq!(status::locate(684), (0, 684));
    assert_eq!(status::locate(685), (1, 0));
    assert_eq!((WORK_LIMIT, FEES_LIMIT), (1 << 46, 1 << 44));
    assert_eq!((MAX_OPERATORS, ENTRY_BYTES), (1 << 24, 21));
}

#[test]
fn an_entry_keeps_to_each_of_its_limits() {
    let largest = Entry {
        operator: MAX_OPERATORS - 1,
        fragment: WORK_LIMIT - 1,
        bulk: WORK_LIMIT - 1,
        fees: FEES_LIMIT - 1,
    };
    let packed = work::pack(&[largest]).expect("in range");
    assert_eq!(work::unpack(&packed), Ok(vec![largest]));
    let beyond = [
        Entry {
            operator: MAX_OPERATORS,
            ..largest
        },
        Entry {
            fragment: WORK_LIMIT,
            ..largest
        },
        Entry {
            bulk: WORK_LIMIT,
            ..largest
        },
        Entry {
            fees: FEES_LIMIT,
            ..largest
        },
    ];
    for entry in beyond {
        assert_eq!(work::pack(&[entry]), Err(0), "{entry:?}");
    }
}

#[test]
fn a_page_takes_each_figure_up_to_its_limit_and_no_further() {
    let largest = Figures {
        fragment: WORK_LIMIT - 1,
        bulk: WORK_LIMIT - 1,
        fees: FEES_LIMIT - 1,
        vetted: false,
        raised: false,
    };
    let mut page = Page::default();
    assert!(page.set(3, &largest));
    let beyond = [
        Figures {
            fragment: WORK_LIMIT,
            ..largest
        },
        Figures {
            bulk: WORK_LIMIT,
            ..largest
        },
        Figures {
            fees: FEES_LIMIT,
            ..largest
        },
    ];
    for figures in beyond {
        assert!(!page.set(3, &figures), "{figures:?}");
        assert_eq!(page.get(3), largest);
    }
}

#[test]
fn the_same_operator_twice_is_out_of_order() {
    let entry = Entry {
        operator: 7,
        fragment: 1,
        bulk: 0,
        fees: 0,
    };
    let twice = work::pack(&[entry]).expect("in range").repeat(2);
    assert_eq!(work::unpack(&twice), Err(CreditError::Order(7)));
    let mut pages = Open;
    assert_eq!(
        work::credit(&mut pages, 0, &twice),
        Err(CreditError::Order(7))
    );
}

/// Where everybody is open and nothing is kept.
struct Open;

impl work::Pages for Open {
    fn page(&mut self, _: u32) -> Page {
        Page::default()
    }
    fn set_page(&mut self, _: u32, _: &Page) {}
    fn status(&mut self, _: u32) -> StatusPage {
        let mut page = StatusPage::default();
        for place in 0..OPERATORS_PER_STATUS_PAGE as usize {
            page.set(place, Status::Open, 0);
        }
        page
    }
}

#[test]
fn a_vesting_schedule_keeps_to_its_bounds() {
    let schedule = |period_epochs, vesting_periods| Vesting {
        period_epochs,
        vesting_periods,
    };
    for (vesting, valid) in [
        (schedule(1, 1), true),
        (schedule(30, MAX_VESTING_PERIODS), true),
        (schedule(u32::MAX, 1), true),
        (schedule(0, 1), false),
        (schedule(1, 0), false),
        (schedule(1, MAX_VESTING_PERIODS + 1), false),
        (schedule(u32::MAX, 2), false),
    ] {
        assert_eq!(vesting.valid(), valid, "{vesting:?}");
    }
}

#[test]
fn a_ring_forgets_what_is_gone_and_knows_how_far_it_was_released() {
    let vesting = Vesting {
        period_epochs: 2,
        vesting_periods: 3,
    };
    let mut ring = Ring::default();
    ring.book(&vesting, 0, 600, 5);
    assert_eq!(ring.released_to(), 5);
    ring.book(&vesting, 2, 600, 5);
    assert_eq!(ring.slots().count(), 3);
    assert_eq!(ring.slash(&vesting, u128::MAX), 900);
    assert_eq!(ring.slots().count(), 0, "what has vested was released");
    ring.release(&vesting, 8);
    assert_eq!(ring.released_to(), 8);
}

#[test]
fn a_unit_that_is_nowhere_breaks_the_conservation_law() {
    let mut ledger = Ledger::default();
    ledger.bond(5).expect("small");
    assert!(ledger.conserves());
    ledger.bonds -= 1;
    assert!(!ledger.conserves());
    ledger.paid += 1;
    assert!(ledger.conserves());
    ledger.paid = u128::MAX;
    assert!(!ledger.conserves());
}

/// The table of the text.
#[test]
fn every_parameter_has_the_name_and_the_bounds_of_the_text() {
    let expected = [
        ("rate", 0, 1_000_000),
        ("fragment_floor", 0, 500_000),
        ("fragment_premium", 1_000_000, 100_000_000),
        ("operator_cap", 1_000, 1_000_000),
        ("open_ceiling", 0, 1_000_000),
        ("uplift", 1_000_000, 1_000_000_000),
        ("bond_leverage", 0, 1_000_000_000),
        ("liquid_share", 0, 1_000_000),
        ("liquid_allowance", 0, 1_000_000),
    ];
    let actual = Param::ALL.map(|param| {
        let (low, high) = param.bounds();
        (param.name(), low, high)
    });
    assert_eq!(actual, expected);
}

#[test]
fn a_clock_can_be_stopped_from_genesis_on_and_a_pause_is_over_at_its_end() {
    let times = Times {
        genesis: 1_000,
        epoch: 100,
        attest_window: 20,
        review_window: 30,
        level_window: 50,
        max_pause: 70,
        pause_gap: 200,
    };
    let mut pauses = Pauses::default();
    assert_eq!(pauses.pause(&times, 999), Err(PauseError::NotStarted));
    let mut at_genesis = pauses;
    at_genesis.pause(&times, 1_000).expect("the clock runs");
    pauses.pause(&times, 1_100).expect("the clock runs");
    assert_eq!(pauses.pause(&times, 1_169), Err(PauseError::Paused));
    assert_eq!(pauses.pause(&times, 1_170), Err(PauseError::TooSoon));
    let without_gap = Times {
        pause_gap: 0,
        ..times
    };
    pauses
        .pause(&without_gap, 1_170)
        .expect("the pause is over");
}
