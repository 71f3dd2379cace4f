//! What is measured, in the order in which a deployment lives it.

use plimsoll_interface::{
    calls,
    mechanism::{work::Entry, Epoch, OperatorIndex},
    Booked, Claimed, Settled,
};

use crate::world::{Cost, Deployment, Fallible, Population, World};

/// A large network: what the targets are for.
pub const CROWD: u32 = 100_000;
/// The smallest network with which every row can be measured.
pub const LEAST_CROWD: u32 = BATCH;
/// A small one.
const FEW: u32 = 100;
/// Operators in a full batch: what 128 KiB of call data can hold.
const BATCH: u32 = 6_000;
/// Operators raised to their caps: most of what caps of 2 % allow.
const CAPPED: u32 = 40;
/// Neighbouring operators booked, in two calls: their own items alone are more than
/// the proof of one block.
const BOOKED: u32 = 1_000;
/// The first of them.
const FIRST_BOOKED: u32 = 1_000;
/// Operators paid by one call.
const PAID: u32 = 50;
/// Epochs that one operator books at once.
const EPOCHS: u32 = 20;
/// An epoch in which rewards of the first ones are vesting.
const VESTING_EPOCH: Epoch = 30;
/// Work units of an ordinary operator in an epoch, of each kind. Large enough for the sums
/// to be above 2^32 in the small network too, as in a real one: division by less is cheaper.
const WORK: u64 = 1_000_000_000;
/// Fee units of an operator in an epoch.
const FEES: u64 = 1_000_000;

// Cases, as they are printed and written.
pub const NEW_PAGES: &str = "into new pages";
pub const OLD_PAGES: &str = "into existing pages";
pub const NONE_CAPPED: &str = "0 capped";
pub const NEIGHBOURS_CAPPED: &str = "40 capped, neighbours";
pub const SPREAD_CAPPED: &str = "40 capped, a page each";
pub const BOOKED_AGAIN: &str = "booked, again";
pub const VESTED: &str = "vesting steps due";
pub const ONE_EPOCH: &str = "one epoch";
pub const ALL_EPOCHS: &str = "20 epochs at once";

/// One row: a call or some calls of one kind.
pub struct Measurement {
    /// The kind of message.
    pub name: &'static str,
    /// Under which conditions.
    pub case: String,
    /// How many operators the cost is for.
    pub operators: u32,
    /// What it cost altogether.
    pub cost: Cost,
}

/// Everything measured.
pub struct Measured {
    /// Operators of the large network.
    pub many: u32,
    /// Rows.
    pub rows: Vec<Measurement>,
    /// Bytes of code of the emission contract and of the token.
    pub code_bytes: (usize, usize),
    /// What registering one operator cost.
    pub registered: Cost,
}

impl Measured {
    fn add(&mut self, name: &'static str, case: impl Into<String>, operators: u32, cost: Cost) {
        self.rows.push(Measurement {
            name,
            case: case.into(),
            operators,
            cost,
        });
    }

    /// The row of this name, case and number of operators.
    pub fn row(&self, name: &str, case: &str, operators: u32) -> Option<&Measurement> {
        self.rows
            .iter()
            .find(|row| row.name == name && row.case == case && row.operators == operators)
    }
}

/// Measures everything with a large network of `many` operators.
pub fn all(many: u32) -> Fallible<Measured> {
    let mut world = World::new()?;
    eprintln!("==> deploying for {many} operators");
    let crowd = world.deploy(1, &population(many))?;
    eprintln!("==> deploying for {FEW} operators");
    let few = world.deploy(2, &population(FEW))?;
    let mut measured = Measured {
        many,
        rows: Vec::new(),
        code_bytes: world.code_bytes(&crowd),
        registered: crowd.registered,
    };
    measured.add(
        "instantiate",
        "the whole transaction",
        0,
        crowd.instantiated,
    );

    let even = |_| WORK;
    eprintln!("==> epoch 0: equal work, nobody capped");
    world.go_to(&crowd, 0, 0)?;
    for case in [NEW_PAGES, OLD_PAGES] {
        let cost = world.credit(&crowd, 0, &entries(0..BATCH, even))?;
        measured.add("credit", case, BATCH, cost);
    }
    credit_all(&mut world, &crowd, 0, BATCH..many, even)?;
    credit_all(&mut world, &few, 0, 0..FEW, even)?;

    world.go_to_settlement(&crowd, 0)?;
    let neighbours: Vec<_> = (0..CAPPED).collect();
    for (to, operators) in [(&few, FEW), (&crowd, many)] {
        let cost = settle(&mut world, to, 0)? + raise(&mut world, to, 0, &neighbours, 0)?;
        measured.add("settle", NONE_CAPPED, operators, cost);
    }

    eprintln!("==> epoch 1: {CAPPED} neighbours capped");
    for (to, operators) in [(&few, FEW), (&crowd, many)] {
        let work = move |i| if i < CAPPED { heavy(operators) } else { WORK };
        credit_all(&mut world, to, 1, 0..operators, work)?;
    }
    world.go_to_final(&crowd, 0)?;
    book_and_claim(&mut world, &crowd, 0, "first", &mut measured)?;

    world.go_to_settlement(&crowd, 1)?;
    for (to, operators) in [(&few, FEW), (&crowd, many)] {
        let cost = settle(&mut world, to, 1)? + raise(&mut world, to, 1, &neighbours, CAPPED)?;
        measured.add("settle", NEIGHBOURS_CAPPED, operators, cost);
    }

    eprintln!("==> epoch 2: {CAPPED} operators of as many pages capped");
    let apart = many / CAPPED;
    let work = move |i| if i % apart == 0 { heavy(many) } else { WORK };
    credit_all(&mut world, &crowd, 2, 0..many, work)?;
    world.go_to_final(&crowd, 1)?;
    book_and_claim(&mut world, &crowd, 1, "again", &mut measured)?;

    // From here on the small network only, but for two more settlements.
    credit_all(&mut world, &few, 2, 0..FEW, even)?;
    world.go_to_settlement(&crowd, 2)?;
    let spread: Vec<_> = (0..CAPPED).map(|i| i * apart).collect();
    let cost = settle(&mut world, &crowd, 2)? + raise(&mut world, &crowd, 2, &spread, CAPPED)?;
    measured.add("settle", SPREAD_CAPPED, many, cost);
    settle(&mut world, &few, 2)?;

    eprintln!("==> epoch 3: work of {FEW} operators only, {CAPPED} of as many pages capped");
    let mut hundred = entries(0..FEW - CAPPED, even);
    hundred.iter_mut().for_each(|entry| entry.operator += 1);
    hundred.extend(spread.iter().map(|operator| Entry {
        operator: *operator,
        fragment: heavy(FEW),
        bulk: heavy(FEW),
        fees: FEES,
    }));
    hundred.sort_unstable_by_key(|entry| entry.operator);
    hundred.dedup_by_key(|entry| entry.operator);
    world.credit(&crowd, 3, &hundred)?;

    eprintln!("==> {EPOCHS} epochs booked at once");
    for epoch in 3..EPOCHS {
        credit_all(&mut world, &few, epoch, 0..FEW, even)?;
        world.go_to_settlement(&few, epoch)?;
        settle(&mut world, &few, epoch)?;
    }
    let cost = settle(&mut world, &crowd, 3)? + raise(&mut world, &crowd, 3, &spread, CAPPED)?;
    measured.add("settle", SPREAD_CAPPED, FEW, cost);
    world.go_to_final(&few, EPOCHS - 1)?;
    let epochs: Vec<_> = (0..EPOCHS).collect();
    // Two operators that were never booked, of pages that others stay in.
    for (operator, epochs, case) in [(50, &epochs[..1], ONE_EPOCH), (52, &epochs[..], ALL_EPOCHS)] {
        let cost = book(&mut world, &few, epochs, &[operator])?;
        measured.add("book", case, 1, cost);
    }

    eprintln!("==> some steps of the first vesting period later");
    world.go_to(&crowd, VESTING_EPOCH, 0)?;
    // Open ones: what vetted operators of this size get is liquid at once.
    let open = booked_neighbours()
        .into_iter()
        .filter(|k| (population(many).open)(*k));
    let due: Vec<_> = open.take(PAID as usize).collect();
    let (claimed, cost) = world.call::<Claimed>(&crowd, calls::claim_many(&due))?;
    expect("operators paid", claimed.paid, PAID)?;
    measured.add("claim_many", VESTED, PAID, cost);
    Ok(measured)
}

/// Both tiers in turn among those whose crediting is measured; everybody else, and
/// those that will be capped, are vetted.
fn population(operators: u32) -> Population {
    Population {
        operators,
        open: |operator| operator % 2 == 1 && (CAPPED..BATCH).contains(&operator),
    }
}

/// Work with which `CAPPED` operators do nine tenths of all: their caps together are
/// eight tenths of the budget, so all of them are above, and nobody else is.
fn heavy(operators: u32) -> u64 {
    WORK * u64::from(operators - CAPPED) * 9 / u64::from(CAPPED)
}

fn entries(who: std::ops::Range<u32>, work: impl Fn(OperatorIndex) -> u64) -> Vec<Entry> {
    who.map(|operator| Entry {
        operator,
        fragment: work(operator),
        bulk: work(operator),
        fees: FEES,
    })
    .collect()
}

/// Credits everybody in full batches, whose cost is known by then.
fn credit_all(
    world: &mut World,
    to: &Deployment,
    epoch: Epoch,
    who: std::ops::Range<u32>,
    work: impl Fn(OperatorIndex) -> u64,
) -> Fallible<()> {
    for batch in entries(who, work).chunks(BATCH as usize) {
        world.credit(to, epoch, batch)?;
    }
    Ok(())
}

fn settle(world: &mut World, to: &Deployment, epoch: Epoch) -> Fallible<Cost> {
    let (settled, cost) = world.call::<Settled>(to, calls::settle())?;
    expect("the settled epoch", settled.epoch, epoch)?;
    Ok(cost)
}

fn raise(
    world: &mut World,
    to: &Deployment,
    epoch: Epoch,
    operators: &[OperatorIndex],
    raised: u32,
) -> Fallible<Cost> {
    let (count, cost) = world.call::<u32>(to, calls::raise(epoch, operators))?;
    expect("operators raised", count, raised)?;
    Ok(cost)
}

fn book(
    world: &mut World,
    to: &Deployment,
    epochs: &[Epoch],
    operators: &[OperatorIndex],
) -> Fallible<Cost> {
    let (booked, cost) = world.call::<Booked>(to, calls::book(epochs, operators))?;
    let rewards = epochs.len() * operators.len();
    expect("rewards booked", booked.booked, rewards as u32)?;
    Ok(cost)
}

/// Books neighbours, and pays some of them: many in one call, and one by itself.
fn book_and_claim(
    world: &mut World,
    to: &Deployment,
    epoch: Epoch,
    time: &str,
    measured: &mut Measured,
) -> Fallible<()> {
    let booked: Vec<_> = booked_neighbours();
    let mut cost = Cost::default();
    for half in booked.chunks(booked.len() / 2) {
        cost = cost + book(world, to, &[epoch], half)?;
    }
    measured.add("book", format!("neighbours, {time}"), BOOKED, cost);

    let (many, one) = split_paid();
    let (claimed, cost) = world.call::<Claimed>(to, calls::claim_many(&many))?;
    expect("operators paid", claimed.paid, PAID)?;
    measured.add("claim_many", format!("booked, {time}"), PAID, cost);
    let (_, cost) = world.call::<u128>(to, calls::claim(one))?;
    measured.add("claim", format!("booked, {time}"), 1, cost);
    Ok(())
}

/// Who is booked.
fn booked_neighbours() -> Vec<OperatorIndex> {
    (FIRST_BOOKED..FIRST_BOOKED + BOOKED).collect()
}

/// Who of them is paid by one call, and who by itself.
fn split_paid() -> (Vec<OperatorIndex>, OperatorIndex) {
    let mut many = booked_neighbours();
    many.truncate(PAID as usize);
    (many, FIRST_BOOKED + PAID)
}

/// A benchmark that did something else than it says is no benchmark.
fn expect(what: &str, found: u32, expected: u32) -> Fallible<()> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found}, and {expected} were expected").into())
    }
}
