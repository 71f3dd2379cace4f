//! What everybody should have got, recomputed from the receipts alone, and whether the
//! chain agrees.
//!
//! Nothing here comes from the keeper: the jobs are read off the signed receipts, the
//! amounts come from the mechanism crate, and what they are compared with are the
//! contract's views and the token's balances.

use plimsoll_interface::{EpochView, LedgerView, OperatorView, Preview};
use plimsoll_mechanism::allocate::{allocate, Allocation};
use plimsoll_mechanism::math::mul_div_down;
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::vesting::Vesting;
use plimsoll_mechanism::{Epoch, Hash, OperatorIndex};
use std::collections::BTreeMap;

/// Failures shown for one check; the rest is counted.
const FAILURES_SHOWN: usize = 3;

/// A job, read off its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The epoch in which it was completed.
    pub epoch: Epoch,
    /// Who did it.
    pub operator: OperatorIndex,
    /// For whom.
    pub client: Hash,
    /// How much work it was, in work units.
    pub units: u128,
    /// What the client paid, in base units.
    pub fee: u128,
}

/// An operator as it was set up before the first epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Whether it is vetted.
    pub vetted: bool,
    /// Its bond, in base units.
    pub bond: u128,
}

/// What was agreed before the first epoch.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The parameters, the same in all epochs.
    pub params: Params,
    /// Work of one client up to which it is fragment work, in work units.
    pub fragment_threshold: u128,
    /// Base units in one fee unit.
    pub fee_unit: u128,
    /// How rewards vest.
    pub vesting: Vesting,
    /// What the reserve was funded with before genesis, in base units.
    pub funded: u128,
    /// The operators, by index.
    pub tiers: Vec<Tier>,
    /// How many epochs are worked, from epoch 0.
    pub epochs: u32,
}

/// One epoch as it should be.
#[derive(Clone, Debug)]
pub struct ExpectedEpoch {
    /// The reserve at its start, in base units.
    pub reserve: u128,
    /// The rewards, by operator, and what led to them.
    pub allocation: Allocation,
    /// What plain pay by work would have given each operator out of the same budget,
    /// in base units.
    pub plain: Vec<u128>,
}

/// The contract's books as they should be at one moment, in base units. Whatever can be
/// claimed has been paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedLedger {
    /// The reserve, inflows included.
    pub reserve: u128,
    /// Budgets that are settled and not booked, and rounding dust.
    pub pots: u128,
    /// Booked and not vested.
    pub unvested: u128,
    /// Paid out, to everybody together.
    pub paid: u128,
    /// All bonds.
    pub bonds: u128,
}

impl ExpectedLedger {
    /// What the contract should hold of the token.
    #[must_use]
    pub fn balance(&self) -> u128 {
        self.reserve + self.pots + self.unvested + self.bonds
    }
}

/// Everything as it should be in the epoch after the last worked one, with all epochs
/// booked in the epoch after them.
#[derive(Clone, Debug)]
pub struct Expected {
    /// By epoch.
    pub epochs: Vec<ExpectedEpoch>,
    /// Three for each epoch, all in the epoch after it: attested, settled, paid.
    pub ledgers: Vec<ExpectedLedger>,
    /// By operator: claimable or paid by then, in base units.
    pub released: Vec<u128>,
    /// By operator: booked and not vested by then, in base units.
    pub unvested: Vec<u128>,
    /// By operator: the liquid part of all rewards, in base units.
    pub liquid: Vec<u128>,
    /// What the reserve should hold, inflows included, in base units.
    pub reserve: u128,
    /// Rounding dust that stays in the pots, in base units.
    pub dust: u128,
}

impl Expected {
    /// Recomputes everything from the jobs.
    ///
    /// What an epoch leaves over enters the reserve when the epoch is booked, which is
    /// in the epoch after it, and so counts from two epochs later.
    ///
    /// # Panics
    /// If the work of an epoch does not fit 128 bits; a receipt's does not fit 64.
    #[must_use]
    pub fn of(terms: &Terms, jobs: &[Job]) -> Self {
        let mut parts = parts(terms, jobs);
        let bonds = terms.tiers.iter().map(|tier| tier.bond).sum();
        let mut entered = vec![terms.funded];
        let (mut emitted, mut dust) = (0_u128, 0_u128);
        let mut rings = vec![Ring::default(); terms.tiers.len()];
        let (mut epochs, mut ledgers) = (Vec::new(), Vec::new());
        for epoch in 0..terms.epochs {
            // All that entered before this epoch: the funding, and the leftovers of the
            // epochs up to the last but one.
            let before: u128 = entered[..(epoch as usize).max(1)].iter().sum();
            let reserve = before - emitted;
            let parts = parts.remove(&epoch).unwrap_or_else(|| idle(terms));
            let allocation = allocate(&terms.params, reserve, &parts).expect(
                "figures of receipts are below 2^64 and there are fewer than 2^64 receipts",
            );
            let pot = allocation
                .record
                .settlement
                .map_or(0, |settlement| settlement.pot);
            let paid: u128 = allocation.rewards.iter().map(|reward| reward.amount).sum();
            let returned: u128 = allocation
                .rewards
                .iter()
                .map(|reward| reward.returned)
                .sum();
            let budget = allocation.budget();
            let books = |rings: &[Ring], held: u128, pots: u128| {
                let sum = |part: fn(&Ring, &Vesting, Epoch) -> u128| -> u128 {
                    rings
                        .iter()
                        .map(|ring| part(ring, &terms.vesting, epoch + 1))
                        .sum()
                };
                ExpectedLedger {
                    reserve: held,
                    pots,
                    unvested: sum(Ring::unvested),
                    paid: sum(Ring::released),
                    bonds,
                }
            };
            let held = entered.iter().sum::<u128>() - emitted;
            ledgers.push(books(&rings, held, dust));
            ledgers.push(books(&rings, held - budget, dust + budget));
            for (ring, reward) in rings.iter_mut().zip(&allocation.rewards) {
                ring.liquid += reward.liquid;
                let period = terms.vesting.period(epoch);
                *ring.periods.entry(period).or_default() += reward.vesting();
            }
            emitted += budget;
            dust += pot - paid - returned;
            entered.push(budget - pot + returned);
            let held = entered.iter().sum::<u128>() - emitted;
            ledgers.push(books(&rings, held, dust));
            let work = allocation.record.work().total();
            let plain = parts
                .iter()
                .map(|part| mul_div_down(part.work.total(), budget, work).unwrap_or(0))
                .collect();
            epochs.push(ExpectedEpoch {
                reserve,
                allocation,
                plain,
            });
        }
        let now = terms.epochs;
        let all = |part: fn(&Ring, &Vesting, Epoch) -> u128| -> Vec<u128> {
            let of = |ring| part(ring, &terms.vesting, now);
            rings.iter().map(of).collect()
        };
        Self {
            epochs,
            ledgers,
            released: all(Ring::released),
            unvested: all(Ring::unvested),
            liquid: rings.iter().map(|ring| ring.liquid).collect(),
            reserve: entered.iter().sum::<u128>() - emitted,
            dust,
        }
    }

    /// What each operator got over all epochs, in base units.
    #[must_use]
    pub fn rewards(&self) -> Vec<u128> {
        self.sums(|epoch, operator| epoch.allocation.rewards[operator].amount)
    }

    /// What plain pay by work would have given each operator, in base units.
    #[must_use]
    pub fn plain(&self) -> Vec<u128> {
        self.sums(|epoch, operator| epoch.plain[operator])
    }

    fn sums(&self, figure: impl Fn(&ExpectedEpoch, usize) -> u128) -> Vec<u128> {
        (0..self.released.len())
            .map(|operator| {
                self.epochs
                    .iter()
                    .map(|epoch| figure(epoch, operator))
                    .sum()
            })
            .collect()
    }
}

/// What an operator has been booked.
#[derive(Clone, Debug, Default)]
struct Ring {
    /// The liquid parts of its rewards.
    liquid: u128,
    /// The others, by vesting period.
    periods: BTreeMap<u32, u128>,
}

impl Ring {
    fn vested(&self, vesting: &Vesting, now: Epoch) -> u128 {
        self.periods
            .iter()
            .map(|(period, amount)| vesting.vested(*amount, *period, now))
            .sum()
    }

    fn unvested(&self, vesting: &Vesting, now: Epoch) -> u128 {
        self.periods.values().sum::<u128>() - self.vested(vesting, now)
    }

    fn released(&self, vesting: &Vesting, now: Epoch) -> u128 {
        self.liquid + self.vested(vesting, now)
    }
}

/// What each operator did in each epoch.
fn parts(terms: &Terms, jobs: &[Job]) -> BTreeMap<Epoch, Vec<Part>> {
    let mut clients = BTreeMap::<(Epoch, OperatorIndex, Hash), u128>::new();
    let mut fees = BTreeMap::<(Epoch, OperatorIndex), u128>::new();
    for job in jobs {
        *clients
            .entry((job.epoch, job.operator, job.client))
            .or_default() += job.units;
        *fees.entry((job.epoch, job.operator)).or_default() += job.fee;
    }
    let mut parts = BTreeMap::<Epoch, Vec<Part>>::new();
    for ((epoch, operator, _), units) in clients {
        let work = &mut parts.entry(epoch).or_insert_with(|| idle(terms))[operator as usize].work;
        let split = Work::of_client(units, terms.fragment_threshold);
        work.fragment += split.fragment;
        work.bulk += split.bulk;
    }
    for ((epoch, operator), fee) in fees {
        if let Some(parts) = parts.get_mut(&epoch) {
            parts[operator as usize].fees = fee / terms.fee_unit * terms.fee_unit;
        }
    }
    parts
}

fn idle(terms: &Terms) -> Vec<Part> {
    let part = |tier: &Tier| Part {
        vetted: tier.vetted,
        bond: tier.bond,
        ..Part::default()
    };
    terms.tiers.iter().map(part).collect()
}

/// An epoch as the chain shows it, raised to the full level and not yet booked.
#[derive(Clone, Debug)]
pub struct SeenEpoch {
    /// The contract's view of it.
    pub view: EpochView,
    /// The contract's view of every operator in it.
    pub previews: Vec<Preview>,
}

/// The contract's books at one moment, in base units.
#[derive(Clone, Debug)]
pub struct SeenLedger {
    /// When: `epoch 3 booked`.
    pub moment: String,
    /// The contract's own view.
    pub ledger: LedgerView,
    /// What the token says the contract holds.
    pub balance: u128,
}

/// Everything the chain was asked.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// By epoch; none if the contract knows of no work in it.
    pub epochs: Vec<Option<SeenEpoch>>,
    /// After every step, as [`Expected::ledgers`]; the last one is the state at the end.
    pub ledgers: Vec<SeenLedger>,
    /// At the end, by operator.
    pub operators: Vec<OperatorView>,
    /// At the end, by operator: what the token says its payee holds, in base units.
    pub paid: Vec<u128>,
}

impl Seen {
    /// Falsifies by one unit each: the work of the largest job, a vetted and an open
    /// reward, what a payee has, and what the contract holds of what it owes.
    pub fn tamper(&mut self, terms: &Terms, jobs: &mut [Job]) {
        if let Some(job) = jobs.iter_mut().max_by_key(|job| job.units) {
            job.units += 1;
        }
        if let Some(paid) = self.paid.first_mut() {
            *paid += 1;
        }
        if let Some(step) = self.ledgers.last_mut() {
            step.balance = step.ledger.owed().saturating_sub(1);
        }
        for vetted in [true, false] {
            // Somebody who got something, in whichever epoch; else anybody of the kind.
            for least in [1, 0] {
                let some = self
                    .epochs
                    .iter_mut()
                    .flatten()
                    .flat_map(|epoch| epoch.previews.iter_mut().zip(&terms.tiers))
                    .find(|(preview, tier)| tier.vetted == vetted && preview.reward >= least);
                if let Some((preview, _)) = some {
                    preview.reward += 1;
                    break;
                }
            }
        }
    }

    /// The rewards that the contract shows, as lines `epoch,operator,reward,liquid` of
    /// everybody who gets anything, in order: equal on every chain for equal receipts.
    pub fn rewards(&self) -> impl Iterator<Item = String> + '_ {
        (0..)
            .zip(&self.epochs)
            .flat_map(|(epoch, seen): (Epoch, _)| {
                let previews = seen.iter().flat_map(|seen| &seen.previews);
                (0..)
                    .zip(previews)
                    .filter(|(_, preview)| preview.reward > 0)
                    .map(move |(operator, preview): (OperatorIndex, _)| {
                        format!("{epoch},{operator},{},{}\n", preview.reward, preview.liquid)
                    })
            })
    }
}

/// A guarantee that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its id in `docs/mechanism.md`.
    pub id: &'static str,
    /// What was compared with what.
    pub what: &'static str,
    /// How many comparisons were made.
    pub compared: usize,
    /// How many failed.
    pub failed: usize,
    /// The first that failed.
    pub failures: Vec<String>,
}

impl Check {
    fn new(id: &'static str, what: &'static str) -> Self {
        Self {
            id,
            what,
            compared: 0,
            failed: 0,
            failures: Vec::new(),
        }
    }

    /// Whether everything agreed, and there was something to compare.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failed == 0 && self.compared > 0
    }

    fn hold(&mut self, holds: bool, failure: impl FnOnce() -> String) {
        self.compared += 1;
        if !holds {
            self.failed += 1;
            if self.failures.len() < FAILURES_SHOWN {
                self.failures.push(failure());
            }
        }
    }

    fn equal(&mut self, what: impl FnOnce() -> String, chain: u128, receipts: u128) {
        self.hold(chain == receipts, || {
            format!("{}: {chain} on chain, {receipts} from the receipts", what())
        });
    }
}

/// Compares the chain with what the receipts say.
#[must_use]
pub fn checks(terms: &Terms, expected: &Expected, seen: &Seen) -> Vec<Check> {
    vec![
        conservation(terms, expected, seen),
        budget(expected, seen),
        cap(expected, seen),
        ceiling(expected, seen),
        solvency(expected, seen),
    ]
}

fn conservation(terms: &Terms, expected: &Expected, seen: &Seen) -> Check {
    let mut check = Check::new(
        "G1",
        "every unit is accounted for, and every term is the recomputed one",
    );
    for step in &seen.ledgers {
        check.hold(step.ledger.conserves(), || {
            format!("{}: the ledger's two sides differ", step.moment)
        });
        let held = step.ledger.received.checked_sub(step.ledger.paid);
        check.hold(held == Some(step.balance), || {
            format!(
                "{}: the contract holds {} and not received - paid",
                step.moment, step.balance
            )
        });
    }
    let received = terms.funded + terms.tiers.iter().map(|tier| tier.bond).sum::<u128>();
    for (step, books) in steps(&mut check, expected, seen) {
        let ledger = &step.ledger;
        for (term, chain, receipts) in [
            (
                "reserve with inflows",
                ledger.reserve.saturating_add(ledger.inflows),
                books.reserve,
            ),
            ("pots", ledger.pots, books.pots),
            ("unvested", ledger.unvested, books.unvested),
            ("claimable", ledger.claimable, 0),
            ("paid out", ledger.paid, books.paid),
            ("bonds", ledger.bonds, books.bonds),
            ("received", ledger.received, received),
        ] {
            check.equal(|| format!("{}, {term}", step.moment), chain, receipts);
        }
    }
    check.hold(expected.released.iter().any(|amount| *amount > 0), || {
        "nobody was to be paid anything".into()
    });
    check.hold(seen.operators.len() == terms.tiers.len(), || {
        format!("{} operators were seen", seen.operators.len())
    });
    for (operator, (view, paid)) in seen.operators.iter().zip(&seen.paid).enumerate() {
        let of = |what: &str| format!("operator {operator}, {what}");
        let released = expected.released[operator];
        check.equal(|| of("its payee's token balance"), *paid, released);
        check.equal(|| of("claimable"), view.claimable, 0);
        check.equal(
            || of("unvested"),
            view.unvested,
            expected.unvested[operator],
        );
    }
    check
}

/// Every step, seen and recomputed.
fn steps<'a>(
    check: &mut Check,
    expected: &'a Expected,
    seen: &'a Seen,
) -> impl Iterator<Item = (&'a SeenLedger, &'a ExpectedLedger)> {
    let (found, wanted) = (seen.ledgers.len(), expected.ledgers.len());
    check.hold(found == wanted, || {
        format!("{found} steps were seen, and there are {wanted}")
    });
    seen.ledgers.iter().zip(&expected.ledgers)
}

/// Every worked epoch, recomputed and seen.
fn epochs<'a>(
    check: &mut Check,
    expected: &'a Expected,
    seen: &'a Seen,
) -> Vec<(usize, &'a ExpectedEpoch, &'a SeenEpoch)> {
    let mut both = Vec::new();
    for (epoch, expected) in expected.epochs.iter().enumerate() {
        let seen = seen.epochs.get(epoch).and_then(Option::as_ref);
        let worked = expected.allocation.record.work().total() > 0;
        check.hold(worked == seen.is_some(), || {
            format!(
                "epoch {epoch}: worked is {worked}, seen is {}",
                seen.is_some()
            )
        });
        both.extend(seen.map(|seen| (epoch, expected, seen)));
    }
    both
}

fn budget(expected: &Expected, seen: &Seen) -> Check {
    let mut check = Check::new(
        "G2",
        "work, budgets and rewards are the recomputed ones, all rewards <= E <= R",
    );
    for (epoch, expected, seen) in epochs(&mut check, expected, seen) {
        let budget = seen
            .view
            .settlement
            .map_or(0, |settlement| settlement.budget);
        check.equal(
            || format!("epoch {epoch}, budget"),
            budget,
            expected.allocation.budget(),
        );
        let record = &expected.allocation.record;
        for (what, chain, receipts) in [
            (
                "vetted fragment work",
                seen.view.vetted.fragment,
                record.vetted.fragment,
            ),
            (
                "vetted bulk work",
                seen.view.vetted.bulk,
                record.vetted.bulk,
            ),
            (
                "open fragment work",
                seen.view.open.fragment,
                record.open.fragment,
            ),
            ("open bulk work", seen.view.open.bulk, record.open.bulk),
        ] {
            check.equal(|| format!("epoch {epoch}, {what}"), chain, receipts);
        }
        let rewards: u128 = seen.previews.iter().map(|preview| preview.reward).sum();
        let recomputed = expected
            .allocation
            .rewards
            .iter()
            .map(|reward| reward.amount)
            .sum();
        check.equal(
            || format!("epoch {epoch}, all rewards"),
            rewards,
            recomputed,
        );
        check.hold(rewards <= budget && budget <= expected.reserve, || {
            format!(
                "epoch {epoch}: rewards {rewards}, E {budget}, R {}",
                expected.reserve
            )
        });
    }
    check
}

fn cap(expected: &Expected, seen: &Seen) -> Check {
    let mut check = Check::new(
        "G3",
        "each vetted reward is the recomputed one and at most the cap C",
    );
    for (epoch, expected, seen) in epochs(&mut check, expected, seen) {
        let cap = expected.allocation.division.operator_cap;
        let chain_cap = seen
            .view
            .division
            .map_or(0, |division| division.operator_cap);
        check.equal(|| format!("epoch {epoch}, C"), chain_cap, cap);
        for (operator, (preview, part)) in seen
            .previews
            .iter()
            .zip(&expected.allocation.parts)
            .enumerate()
        {
            if !part.vetted {
                continue;
            }
            let recomputed = expected.allocation.rewards[operator];
            let of = |what: &str| format!("epoch {epoch}, operator {operator}, {what}");
            check.equal(|| of("reward"), preview.reward, recomputed.amount);
            check.equal(|| of("liquid part"), preview.liquid, recomputed.liquid);
            check.hold(preview.reward <= cap, || {
                format!("{} {} above C {cap}", of("reward"), preview.reward)
            });
        }
    }
    check
}

fn ceiling(expected: &Expected, seen: &Seen) -> Check {
    let mut check = Check::new(
        "G4",
        "each open reward is the recomputed one, together at most the ceiling P",
    );
    for (epoch, expected, seen) in epochs(&mut check, expected, seen) {
        let ceiling = expected.allocation.division.open_ceiling;
        let chain_ceiling = seen
            .view
            .division
            .map_or(0, |division| division.open_ceiling);
        check.equal(|| format!("epoch {epoch}, P"), chain_ceiling, ceiling);
        let mut together = 0_u128;
        for (operator, (preview, part)) in seen
            .previews
            .iter()
            .zip(&expected.allocation.parts)
            .enumerate()
        {
            if part.vetted {
                continue;
            }
            together = together.saturating_add(preview.reward);
            let recomputed = expected.allocation.rewards[operator].amount;
            check.equal(
                || format!("epoch {epoch}, operator {operator}"),
                preview.reward,
                recomputed,
            );
        }
        check.hold(together <= ceiling, || {
            format!("epoch {epoch}: {together} above P {ceiling}")
        });
    }
    check
}

fn solvency(expected: &Expected, seen: &Seen) -> Check {
    let mut check = Check::new(
        "G15",
        "the contract holds the recomputed amount, and all it owes, after every step",
    );
    for (step, books) in steps(&mut check, expected, seen) {
        let moment = || format!("{}, the contract's token balance", step.moment);
        check.equal(moment, step.balance, books.balance());
        let owed = step.ledger.owed();
        check.hold(step.balance >= owed, || {
            format!(
                "{}: the contract holds {} and owes {owed}",
                step.moment, step.balance
            )
        });
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_interface::{DivisionView, H160};
    use plimsoll_mechanism::status::Status;

    fn terms() -> Terms {
        Terms {
            params: Params {
                rate: 10_000,
                unit_ceiling: None,
                fee_multiple: None,
                fragment_floor: 400_000,
                fragment_premium: 4_000_000,
                operator_cap: 300_000,
                open_ceiling: 150_000,
                uplift: 4_000_000,
                bond_leverage: 10_000,
                liquid_share: 250_000,
                liquid_allowance: 100_000,
            },
            fragment_threshold: 100,
            fee_unit: 10,
            vesting: Vesting {
                period_epochs: 1,
                vesting_periods: 2,
            },
            funded: 1_000_000_007,
            tiers: vec![
                Tier {
                    vetted: true,
                    bond: 0,
                },
                Tier {
                    vetted: true,
                    bond: 0,
                },
                Tier {
                    vetted: false,
                    bond: 123_456,
                },
            ],
            epochs: 3,
        }
    }

    fn jobs() -> Vec<Job> {
        let job = |epoch, operator, client, units| Job {
            epoch,
            operator,
            client: [client; 32],
            units,
            fee: 25,
        };
        vec![
            job(0, 0, 1, 5_000),
            job(0, 1, 1, 70),
            job(0, 1, 1, 60),
            job(0, 2, 2, 333),
            // Nothing is done in epoch 1.
            job(2, 1, 3, 41),
            job(2, 2, 3, 1_000),
        ]
    }

    /// A chain that does what the mechanism says.
    fn honest(terms: &Terms, expected: &Expected) -> Seen {
        let mut seen = Seen::default();
        for epoch in &expected.epochs {
            let allocation = &epoch.allocation;
            let worked = allocation.record.work().total() > 0;
            let previews = allocation.rewards.iter().map(|reward| Preview {
                reward: reward.amount,
                liquid: reward.liquid,
                ..Preview::default()
            });
            let view = EpochView {
                params: terms.params,
                entered_before: 0,
                vetted: allocation.record.vetted,
                open: allocation.record.open,
                settlement: allocation.record.settlement,
                division: Some(DivisionView {
                    fragment_budget: 0,
                    bulk_budget: 0,
                    operator_cap: allocation.division.operator_cap,
                    open_ceiling: allocation.division.open_ceiling,
                    vetted_weight: 0,
                    open_weight: 0,
                    used: 0,
                    open_reward: 0,
                }),
                is_final: false,
            };
            seen.epochs.push(worked.then(|| SeenEpoch {
                view,
                previews: previews.collect(),
            }));
        }
        for (step, books) in expected.ledgers.iter().enumerate() {
            seen.ledgers.push(SeenLedger {
                moment: format!("step {step}"),
                ledger: LedgerView {
                    reserve: books.reserve,
                    inflows: 0,
                    pots: books.pots,
                    unvested: books.unvested,
                    claimable: 0,
                    bonds: books.bonds,
                    received: terms.funded + books.bonds,
                    paid: books.paid,
                },
                balance: books.balance(),
            });
        }
        for unvested in &expected.unvested {
            seen.operators.push(OperatorView {
                address: H160::zero(),
                payee: H160::zero(),
                pending_payee: None,
                only_self: false,
                status: Status::Vetted,
                next_status: Status::Vetted,
                claimable: 0,
                unvested: *unvested,
                vesting: Vec::new(),
                bonded: 0,
                bond: 0,
                unbonding: Vec::new(),
            });
        }
        seen.paid = expected.released.clone();
        seen
    }

    fn failing(seen: &Seen, jobs: &[Job]) -> Vec<&'static str> {
        let terms = terms();
        checks(&terms, &Expected::of(&terms, jobs), seen)
            .into_iter()
            .filter(|check| !check.passed())
            .map(|check| check.id)
            .collect()
    }

    #[test]
    fn recomputed_amounts_conserve_every_unit() {
        let terms = terms();
        let expected = Expected::of(&terms, &jobs());
        let out: u128 = expected.released.iter().chain(&expected.unvested).sum();
        assert_eq!(expected.reserve + expected.dust + out, terms.funded);
        assert_eq!(out, expected.rewards().iter().sum::<u128>());
        assert_eq!(expected.epochs[1].allocation.budget(), 0);
        assert_eq!(expected.ledgers.len(), 3 * terms.epochs as usize);
        let received = terms.funded + 123_456;
        for books in &expected.ledgers {
            assert_eq!(books.balance() + books.paid, received, "{books:?}");
        }
        let last = expected.ledgers[8];
        assert_eq!((last.reserve, last.pots), (expected.reserve, expected.dust));
        assert_eq!(last.unvested, expected.unvested.iter().sum::<u128>());
        assert_eq!(last.paid, expected.released.iter().sum::<u128>());
    }

    #[test]
    fn leftovers_count_from_the_second_epoch_after() {
        let terms = terms();
        let expected = Expected::of(&terms, &jobs());
        let first = &expected.epochs[0];
        let kept = terms.funded - first.allocation.budget();
        assert_eq!(expected.epochs[1].reserve, kept);
        let paid: u128 = first
            .allocation
            .rewards
            .iter()
            .map(|reward| reward.amount)
            .sum();
        let leftover = first.allocation.budget() - paid - expected.dust;
        let third = expected.epochs[2].reserve;
        assert!(
            third.abs_diff(kept + leftover) <= 3,
            "{third} is not about {}",
            kept + leftover
        );
    }

    #[test]
    fn the_work_of_one_client_is_split_once_per_operator_and_epoch() {
        let parts = parts(&terms(), &jobs());
        assert_eq!(
            parts[&0][1].work,
            Work {
                fragment: 100,
                bulk: 30
            }
        );
        assert_eq!(parts[&0][1].fees, 50);
        assert_eq!(parts[&0][2].fees, 20);
    }

    #[test]
    fn an_honest_chain_passes_every_check() {
        let terms = terms();
        let seen = honest(&terms, &Expected::of(&terms, &jobs()));
        assert_eq!(failing(&seen, &jobs()), Vec::<&str>::new());
    }

    #[test]
    fn a_chain_that_was_not_asked_passes_nothing() {
        assert_eq!(failing(&Seen::default(), &jobs()).len(), 5);
    }

    #[test]
    fn one_unit_moved_is_found() {
        let terms = terms();
        let honest = honest(&terms, &Expected::of(&terms, &jobs()));

        let mut seen = honest.clone();
        seen.paid[1] += 1;
        assert_eq!(failing(&seen, &jobs()), ["G1"]);

        let mut seen = honest.clone();
        seen.ledgers[0].balance -= 1;
        assert_eq!(failing(&seen, &jobs()), ["G1", "G15"]);

        // A contract whose own books agree with what it holds, at the wrong amount.
        let mut seen = honest.clone();
        seen.ledgers[4].balance -= 1;
        seen.ledgers[4].ledger.reserve -= 1;
        seen.ledgers[4].ledger.paid += 1;
        assert!(seen.ledgers[4].ledger.conserves());
        assert_eq!(failing(&seen, &jobs()), ["G1", "G15"]);

        let mut seen = honest.clone();
        seen.operators[0].claimable += 1;
        assert_eq!(failing(&seen, &jobs()), ["G1"]);

        let mut seen = honest.clone();
        seen.epochs[0].as_mut().expect("worked").previews[0].reward += 1;
        assert_eq!(failing(&seen, &jobs()), ["G2", "G3"]);

        let mut seen = honest.clone();
        seen.epochs[2].as_mut().expect("worked").previews[2].reward -= 1;
        assert_eq!(failing(&seen, &jobs()), ["G2", "G4"]);
    }

    #[test]
    fn a_run_in_which_nobody_is_paid_fails() {
        let terms = terms();
        let expected = Expected::of(&terms, &jobs());
        let mut seen = honest(&terms, &expected);
        for (operator, paid) in seen.paid.iter_mut().enumerate() {
            seen.operators[operator].claimable = std::mem::take(paid);
        }
        for step in &mut seen.ledgers {
            let ledger = &mut step.ledger;
            ledger.claimable = std::mem::take(&mut ledger.paid);
            step.balance += ledger.claimable;
            assert!(ledger.conserves() && step.balance == ledger.owed());
        }
        assert_eq!(failing(&seen, &jobs()), ["G1", "G15"]);
    }

    #[test]
    fn tampering_makes_every_check_fail_wherever_the_kinds_work() {
        let only = |operators: [OperatorIndex; 2]| {
            let mut some = Vec::new();
            for (epoch, operator) in [(0, operators[0]), (2, operators[1])] {
                some.push(Job {
                    epoch,
                    operator,
                    client: [1; 32],
                    units: 500,
                    fee: 25,
                });
            }
            some
        };
        let terms = terms();
        // The vetted ones and the open one never in one epoch; and one kind alone.
        for mut jobs in [
            only([0, 2]),
            only([2, 1]),
            only([1, 1]),
            only([2, 2]),
            jobs(),
        ] {
            let mut seen = honest(&terms, &Expected::of(&terms, &jobs));
            assert_eq!(failing(&seen, &jobs), Vec::<&str>::new());
            seen.tamper(&terms, &mut jobs);
            assert_eq!(failing(&seen, &jobs), ["G1", "G2", "G3", "G4", "G15"]);
        }
    }

    #[test]
    fn altered_receipts_are_found() {
        let terms = terms();
        let seen = honest(&terms, &Expected::of(&terms, &jobs()));
        let mut altered = jobs();
        altered[1].units += 1;
        assert!(!failing(&seen, &altered).is_empty());
    }

    #[test]
    fn the_digest_lists_who_got_anything() {
        let terms = terms();
        let expected = Expected::of(&terms, &jobs());
        let seen = honest(&terms, &expected);
        let lines: Vec<String> = seen.rewards().collect();
        assert!(lines[0].starts_with("0,0,"), "{lines:?}");
        assert_eq!(lines.len(), 5);
    }
}
