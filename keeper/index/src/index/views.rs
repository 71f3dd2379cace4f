//! What the contract's views must show.

use super::{Index, Search};
use crate::finding::{difference, Finding, Kind, Place};
use parity_scale_codec::Decode;
use plimsoll_interface::calls::{self, AnswerError};
use plimsoll_interface::mechanism::bond::Bond;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::record::{Part, Record};
use plimsoll_interface::mechanism::work::Figures;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{
    Announced, Attesters, ClockView, DivisionView, EpochView, GovernanceView, LedgerView,
    OperatorView, Preview, Roles, Settings, H160,
};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// A view of the contract, with the answer that it must give.
pub struct Check {
    place: Place,
    call: Vec<u8>,
    expected: Box<dyn Expected>,
}

/// The answer that a view must give.
trait Expected: Send + Sync {
    /// Where the answer first differs: field, expected, found.
    fn differs(&self, answer: &[u8]) -> Option<(String, String, String)>;
}

struct Is<T>(T);

impl<T: Decode + PartialEq + Debug + Send + Sync> Expected for Is<T> {
    fn differs(&self, answer: &[u8]) -> Option<(String, String, String)> {
        match calls::view::<T>(answer) {
            Ok(found) if found == self.0 => None,
            Ok(found) => Some(difference(&self.0, &found)),
            Err(error) => {
                let found = match error {
                    AnswerError::CouldNotReadInput => "a contract that cannot read the call",
                    _ => "bytes that are no answer of this view",
                };
                Some((String::new(), format!("{:?}", self.0), found.to_owned()))
            }
        }
    }
}

impl Check {
    fn new<T: Decode + PartialEq + Debug + Send + Sync + 'static>(
        place: Place,
        call: Vec<u8>,
        expected: T,
    ) -> Self {
        Self {
            place,
            call,
            expected: Box::new(Is(expected)),
        }
    }

    /// Which view, and of what.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The call of the view.
    #[must_use]
    pub fn call(&self) -> &[u8] {
        &self.call
    }

    /// Compares the contract's answer.
    ///
    /// # Errors
    /// The first field that differs.
    pub fn compare(&self, answer: &[u8]) -> Result<(), Finding> {
        let Some((field, expected, found)) = self.expected.differs(answer) else {
            return Ok(());
        };
        let finding = Finding::new(Kind::State, self.place.clone(), expected, found);
        Err(finding.field(&field))
    }
}

/// What the contract's views show.
impl Index {
    /// What was fixed at deployment.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The terms of G1 at wall time `now` (ms).
    #[must_use]
    pub fn ledger(&self, now: u64) -> LedgerView {
        let epoch = self.clock(now).epoch();
        let ledger = &self.ledger;
        LedgerView {
            reserve: ledger.reserve(epoch),
            inflows: ledger.inflows(epoch),
            pots: ledger.pots,
            unvested: ledger.unvested,
            claimable: ledger.claimable,
            bonds: ledger.bonds,
            received: ledger.received,
            paid: ledger.paid,
        }
    }

    /// An operator at wall time `now` (ms).
    #[must_use]
    pub fn operator_view(&self, now: u64, index: OperatorIndex) -> Option<OperatorView> {
        let clock = self.clock(now);
        let epoch = clock.epoch();
        let mut operator = self.operators.get(index as usize)?.clone();
        operator.account.release(&self.settings.vesting, epoch);
        Some(OperatorView {
            address: operator.address,
            payee: operator.payee_at(now),
            pending_payee: operator.pending.filter(|(_, from)| now < *from),
            only_self: operator.only_self,
            status: operator.status(epoch),
            next_status: operator.status(clock.next_epoch()),
            claimable: operator.account.claimable,
            unvested: operator.account.ring.unvested(&self.settings.vesting),
            vesting: operator.account.ring.slots().collect(),
            bonded: operator.account.bond.bonded(),
            bond: operator.bond_at(epoch),
            unbonding: operator.account.bond.withdrawals().to_vec(),
        })
    }

    /// How many operators there are.
    #[must_use]
    pub fn operators(&self) -> u32 {
        // There are fewer than 2^24.
        self.operators.len() as u32
    }

    /// The records of all worked epochs.
    pub fn records(&self) -> impl Iterator<Item = (Epoch, &Record)> {
        self.epochs.iter().map(|(epoch, w)| (*epoch, &w.record))
    }

    /// What an operator has to book for an epoch.
    #[must_use]
    pub fn figures(&self, epoch: Epoch, operator: OperatorIndex) -> Figures {
        let worked = self.epochs.get(&epoch);
        let figures = worked.and_then(|worked| worked.figures.get(&operator));
        figures.copied().unwrap_or_default()
    }

    /// The parameters of `epoch`, the previous one or later.
    #[must_use]
    pub fn params(&self, epoch: Epoch) -> Params {
        *self.params.at(epoch)
    }

    /// The attesters of `epoch`, the previous one or later.
    #[must_use]
    pub fn attesters(&self, epoch: Epoch) -> Attesters {
        self.attesters.at(epoch).clone()
    }

    /// Who has which role at wall time `now` (ms), and who may become the owner.
    #[must_use]
    pub fn roles(&self, now: u64) -> (Roles, Option<(H160, Epoch)>) {
        let epoch = self.clock(now).epoch();
        let roles = Roles {
            owner: self.owner,
            registrar: *self.registrar.at(epoch),
            guardian: *self.guardian.at(epoch),
        };
        (roles, self.proposed)
    }

    /// The clock at wall time `now` (ms).
    #[must_use]
    pub fn clock_view(&self, now: u64) -> ClockView {
        let clock = self.clock(now);
        let epoch = clock.epoch();
        ClockView {
            now,
            elapsed: clock.elapsed(),
            started: clock.started(),
            epoch,
            stopped: clock.stopped(),
            pause: self.pauses.newest,
            settled_to: self.settled_to,
            next_worked: match self.next_worked(epoch) {
                Search::Found(epoch) => Some(epoch),
                Search::Unfinished(next) => Some(next.saturating_sub(1)),
                Search::None => None,
            },
        }
    }

    /// Announced changes of which the contract still knows.
    pub fn changes(&self) -> impl Iterator<Item = (u32, &Announced)> {
        self.changes.iter().map(|(id, change)| (*id, change))
    }

    /// What governance has announced at wall time `now` (ms).
    #[must_use]
    pub fn governance(&self, now: u64) -> GovernanceView {
        let epoch = self.clock(now).epoch();
        let waits = |id: &u32| self.changes.get(id).is_some_and(|c| c.from > epoch);
        GovernanceView {
            proposed_owner: self.proposed,
            next_change: self.next_change,
            waiting: self.announced.into_iter().flatten().filter(waits).collect(),
            vouches: match self.vouches {
                (of, count) if of == epoch => count,
                _ => 0,
            },
        }
    }

    /// An epoch at wall time `now` (ms); none before its first batch.
    #[must_use]
    pub fn epoch_view(&self, now: u64, epoch: Epoch) -> Option<EpochView> {
        let clock = self.clock(now);
        let record = &self.epochs.get(&epoch)?.record;
        Some(EpochView {
            params: record.params,
            entered_before: record.entered_before,
            vetted: record.vetted,
            open: record.open,
            settlement: record.settlement,
            division: division(record),
            is_final: record.settlement.is_some_and(|s| clock.is_final(s.at)),
        })
    }

    /// An operator's work in an epoch, and its reward at the level as it stands.
    #[must_use]
    pub fn preview(&self, epoch: Epoch, operator: OperatorIndex) -> Preview {
        let figures = self.figures(epoch, operator);
        let content = self.operators.get(operator as usize);
        let bond = content.map_or(0, |operator| operator.bond_at(epoch));
        let part = Part::new(&figures, self.settings.fee_unit, bond);
        let record = self.epochs.get(&epoch).map(|worked| &worked.record);
        let settled = record.and_then(|record| Some((record.settled()?.0, record.reward(&part))));
        let (entitlement, reward) = settled
            .map(|(division, reward)| (division.pools.entitlement(part.work), reward))
            .unwrap_or_default();
        Preview {
            work: part.work,
            fees: part.fees,
            vetted: part.vetted,
            raised: part.raised,
            entitlement,
            reward: reward.amount,
            liquid: reward.liquid,
            vesting: reward.vesting(),
        }
    }
}

/// Everything that can be asked.
impl Index {
    /// All views with the answers that they must give at wall time `now` (ms): those of
    /// one thing first, the ledger's sums last, so that what differs is told where it is.
    pub fn checks(&self, now: u64) -> impl Iterator<Item = Check> + Send + '_ {
        let epochs = self.epochs.keys().copied();
        let pairs = self.epochs.iter().flat_map(|(epoch, worked)| {
            let operators = worked.figures.keys().chain(&worked.done);
            operators.map(|operator| (*epoch, *operator))
        });
        let ledger = Check::new(Place::of("ledger"), calls::ledger(), self.ledger(now));
        self.general_checks(now)
            .into_iter()
            .chain(epochs.flat_map(move |epoch| self.epoch_checks(now, epoch)))
            .chain((0..self.operators()).flat_map(move |k| self.operator_checks(now, k)))
            .chain(pairs.map(|(epoch, operator)| {
                Check::new(
                    Place::of("preview").epoch(epoch).operator(operator),
                    calls::preview(epoch, operator),
                    self.preview(epoch, operator),
                )
            }))
            .chain([ledger])
    }

    /// How many [`Index::checks`] there are, about: without bonds of the past.
    #[must_use]
    pub fn checks_about(&self) -> u64 {
        let lanes = u64::from(self.settings.lanes);
        let pairs = self.epochs.values().map(|w| w.figures.len() + w.done.len());
        self.epochs.len() as u64 * (1 + lanes)
            + self.operators.len() as u64 * 2
            + u64::from(self.next_change)
            + pairs.sum::<usize>() as u64
    }

    fn general_checks(&self, now: u64) -> Vec<Check> {
        let (roles, _) = self.roles(now);
        let view = Place::of;
        let mut checks = vec![
            Check::new(view("settings"), calls::settings(), self.settings),
            Check::new(view("clock"), calls::clock(), self.clock_view(now)),
            Check::new(view("operators"), calls::operators(), self.operators()),
            Check::new(view("roles"), calls::roles(), roles),
            Check::new(
                view("governance"),
                calls::governance(),
                self.governance(now),
            ),
        ];
        let current = self.clock(now).epoch();
        // From the previous epoch, the oldest that may be asked, to what is announced.
        let announced = self.changes.values().map(|change| change.from);
        let last = announced.max().unwrap_or(0).max(current.saturating_add(1));
        let known = [
            current.saturating_sub(1),
            current,
            current.saturating_add(1),
            last,
        ];
        let known: BTreeSet<Epoch> = known.into();
        for epoch in known {
            let (params, attesters) = (self.params(epoch), self.attesters(epoch));
            checks.extend([
                Check::new(view("params").epoch(epoch), calls::params(epoch), params),
                Check::new(
                    view("attesters").epoch(epoch),
                    calls::attesters(epoch),
                    attesters,
                ),
            ]);
            // Epochs without work, too: nothing may be there.
            if !self.epochs.contains_key(&epoch) {
                checks.extend(self.epoch_checks(now, epoch));
            }
        }
        // One more than there are: nothing may be announced behind the newest one.
        for id in 0..=self.next_change {
            let change = self.changes.get(&id).cloned();
            checks.push(Check::new(
                view("change").change(id),
                calls::change(id),
                change,
            ));
        }
        let next = self.operators();
        checks.push(Check::new(
            view("operator").operator(next),
            calls::operator(next),
            None::<OperatorView>,
        ));
        checks
    }

    fn epoch_checks(&self, now: u64, epoch: Epoch) -> Vec<Check> {
        let place = |name: &str| Place::of(name).epoch(epoch);
        let view = self.epoch_view(now, epoch);
        let record = self.epochs.get(&epoch).map(|worked| &worked.record);
        let mut checks = vec![Check::new(place("epoch"), calls::epoch(epoch), view)];
        for lane in 0..self.settings.lanes {
            let next = record.and_then(|record| record.next_seq(lane));
            let next = next.map_or(0, u64::from);
            let place = Place {
                lane: Some(lane),
                ..place("next_seq")
            };
            checks.push(Check::new(place, calls::next_seq(epoch, lane), next));
        }
        checks
    }

    fn operator_checks(&self, now: u64, index: OperatorIndex) -> Vec<Check> {
        let Some(operator) = self.operators.get(index as usize) else {
            return Vec::new();
        };
        let place = |name: &str| Place::of(name).operator(index);
        let mut checks = vec![
            Check::new(
                place("operator"),
                calls::operator(index),
                self.operator_view(now, index),
            ),
            Check::new(
                place("operator_of"),
                calls::operator_of(operator.address),
                Some(index),
            ),
        ];
        // What its bond was where it may ever matter: in every epoch with work, and from every
        // checkpoint that was put away.
        if operator.account.bond != Bond::default() {
            let archived = operator.archive.iter().map(|checkpoint| checkpoint.from);
            let epochs: BTreeSet<Epoch> = self.epochs.keys().copied().chain(archived).collect();
            checks.extend(epochs.into_iter().map(|epoch| {
                Check::new(
                    place("bond_at").epoch(epoch),
                    calls::bond_at(epoch, index),
                    operator.bond_at(epoch),
                )
            }));
        }
        checks
    }
}

fn division(record: &Record) -> Option<DivisionView> {
    let (division, settlement) = record.settled()?;
    Some(DivisionView {
        fragment_budget: division.pools.fragment,
        bulk_budget: division.pools.bulk,
        operator_cap: division.operator_cap,
        open_ceiling: division.open_ceiling,
        vetted_weight: division.vetted_weight,
        open_weight: division.open_weight,
        used: settlement.level.used(record.params.uplift),
        open_reward: record.open_reward(),
    })
}
