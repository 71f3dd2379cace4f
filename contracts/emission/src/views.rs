//! Views: everything that is stored, in the units of the interface.

use crate::context::Context;
use crate::epochs::{self, Search};
use crate::store;
use plimsoll_interface::mechanism::record::{Part, Record};
use plimsoll_interface::mechanism::work::locate;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{
    ClockView, DivisionView, EpochView, GovernanceView, LedgerView, OperatorView, Preview, Roles,
};

pub fn roles(ctx: &Context) -> Roles {
    let governance = store::governance();
    let epoch = ctx.clock.epoch();
    Roles {
        owner: governance.owner,
        registrar: *governance.registrar.at(epoch),
        guardian: *governance.guardian.at(epoch),
    }
}

pub fn governance(ctx: &Context) -> GovernanceView {
    let governance = store::governance();
    let epoch = ctx.clock.epoch();
    let vouches = match governance.vouches {
        (of, count) if of == epoch => count,
        _ => 0,
    };
    GovernanceView {
        proposed_owner: governance.proposed,
        next_change: governance.next_change,
        waiting: governance
            .announced
            .into_iter()
            .flatten()
            .filter(|id| store::change(*id).is_some_and(|change| change.from > epoch))
            .collect(),
        vouches,
    }
}

pub fn clock(ctx: &Context) -> ClockView {
    ClockView {
        now: ctx.now,
        elapsed: ctx.clock.elapsed(),
        started: ctx.clock.started(),
        epoch: ctx.clock.epoch(),
        stopped: ctx.clock.stopped(),
        pause: ctx.root.pauses.newest,
        settled_to: ctx.root.settled_to,
        next_worked: match epochs::next_worked(ctx) {
            Search::Found(epoch) => Some(epoch),
            Search::Unfinished(next) => Some(next.saturating_sub(1)),
            Search::None => None,
        },
    }
}

pub fn epoch(ctx: &Context, epoch: Epoch) -> Option<EpochView> {
    let record = store::record(epoch)?;
    Some(EpochView {
        params: record.params,
        entered_before: record.entered_before,
        vetted: record.vetted,
        open: record.open,
        settlement: record.settlement,
        division: division(&record),
        is_final: record
            .settlement
            .is_some_and(|settlement| ctx.clock.is_final(settlement.at)),
    })
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

pub fn operator(ctx: &Context, index: OperatorIndex) -> Option<OperatorView> {
    let mut operator = store::operator(index)?;
    let vesting = ctx.root.settings.vesting;
    let epoch = ctx.clock.epoch();
    operator.account.release(&vesting, epoch);
    let bond = ctx.bond_at(index, &operator, epoch);
    let payee = operator.payee_at(ctx.now);
    let account = &operator.account;
    Some(OperatorView {
        address: operator.address,
        payee,
        pending_payee: operator.pending_payee.filter(|(_, from)| ctx.now < *from),
        only_self: operator.only_self,
        status: ctx.status(index, epoch),
        next_status: ctx.status(index, ctx.clock.next_epoch()),
        claimable: account.claimable,
        unvested: account.ring.unvested(&vesting),
        vesting: account.ring.slots().collect(),
        bonded: account.bond.bonded(),
        bond,
        unbonding: account.bond.withdrawals().to_vec(),
    })
}

pub fn ledger(ctx: &Context) -> LedgerView {
    let ledger = &ctx.root.ledger;
    let epoch = ctx.clock.epoch();
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

pub fn preview(ctx: &Context, epoch: Epoch, index: OperatorIndex) -> Preview {
    let (number, place) = locate(index);
    let figures = store::work(epoch, number).get(place);
    let bond = store::operator(index)
        .map(|operator| ctx.bond_at(index, &operator, epoch))
        .unwrap_or_default();
    let part = Part::new(&figures, ctx.root.settings.fee_unit, bond);
    let record = store::record(epoch);
    let settled = record
        .as_ref()
        .and_then(|record| Some((record.settled()?.0, record.reward(&part))));
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
