//! Who is to be raised, and in which order: worked out off the chain, so that one
//! message does it.

use plimsoll_interface::{DivisionView, EpochView, OPEN_POOL};
use plimsoll_mechanism::pools::{Pools, Work};
use plimsoll_mechanism::OperatorIndex;

/// A vetted operator who was not raised yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub operator: OperatorIndex,
    /// Its work in the epoch.
    pub work: Work,
}

/// The operators in the order in which to ask about them, the one entitled to most first.
/// As all vetted operators share one cap, none of them is eligible unless all heavier
/// ones are: who meets one that is not need ask no further.
#[must_use]
pub fn asked(epoch: &EpochView, known: &[(OperatorIndex, Work)]) -> Vec<OperatorIndex> {
    let Some(division) = &epoch.division else {
        return Vec::new();
    };
    let mut weighted: Vec<(u128, OperatorIndex)> = known
        .iter()
        .map(|(operator, work)| (weight(epoch, division, *work), *operator))
        .collect();
    heaviest_first(&mut weighted);
    weighted.into_iter().map(|(_, operator)| operator).collect()
}

/// What `work` is entitled to in a settled epoch, in units of 2^-32.
fn weight(epoch: &EpochView, division: &DivisionView, work: Work) -> u128 {
    let pools = Pools {
        fragment: division.fragment_budget,
        bulk: division.bulk_budget,
        work: Work {
            fragment: epoch.vetted.fragment.saturating_add(epoch.open.fragment),
            bulk: epoch.vetted.bulk.saturating_add(epoch.open.bulk),
        },
    };
    pools.entitlement(work)
}

fn heaviest_first(weighted: &mut [(u128, OperatorIndex)]) {
    weighted.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
}

/// Whoever of `candidates`, and the open pool, is eligible at the epoch's level as it
/// stands or as their own raises make it, in an order in which the contract will take
/// all of them. Afterwards none of them is eligible. Empty if the epoch is not settled.
///
/// The level never falls, so an order of falling weights over caps needs one pass:
/// vetted operators share one cap, and the open pool is tried before each of them.
#[must_use]
pub fn raises(epoch: &EpochView, candidates: &[Candidate]) -> Vec<OperatorIndex> {
    let (Some(settlement), Some(division)) = (&epoch.settlement, &epoch.division) else {
        return Vec::new();
    };
    let mut weighted: Vec<(u128, OperatorIndex)> = candidates
        .iter()
        .map(|candidate| (weight(epoch, division, candidate.work), candidate.operator))
        .collect();
    heaviest_first(&mut weighted);

    let uplift = epoch.params.uplift;
    let mut level = settlement.level;
    let mut open_raised = settlement.open_raised;
    let mut order = Vec::new();
    let mut rest = weighted.into_iter().peekable();
    loop {
        let before = order.len();
        if !open_raised && level.raise(division.open_weight, division.open_ceiling, uplift) {
            open_raised = true;
            order.push(OPEN_POOL);
        }
        while let Some((weight, operator)) = rest.peek().copied() {
            if !level.raise(weight, division.operator_cap, uplift) {
                break;
            }
            order.push(operator);
            rest.next();
        }
        if order.len() == before {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_mechanism::params::Params;
    use plimsoll_mechanism::record::{Division, Record};
    use plimsoll_mechanism::work::Credit;

    const PARAMS: Params = Params {
        rate: 10_000,
        unit_ceiling: None,
        fee_multiple: None,
        fragment_floor: 400_000,
        fragment_premium: 4_000_000,
        operator_cap: 100_000,
        open_ceiling: 150_000,
        uplift: 100_000_000,
        bond_leverage: 1_000_000,
        liquid_share: 250_000,
        liquid_allowance: 100_000,
    };

    const BUDGET: u128 = 1_000_000;

    fn settled(vetted: &[u128], open: u128) -> (Record, Vec<Candidate>) {
        let mut record = Record::new(PARAMS, 100 * BUDGET, 1);
        let work = |fragment| Work { fragment, bulk: 0 };
        let credit = Credit {
            vetted: work(vetted.iter().sum()),
            open: work(open),
            ..Credit::default()
        };
        record.add(0, &credit).expect("small");
        record.settle(BUDGET, 0);
        let candidates = (0..)
            .zip(vetted)
            .map(|(operator, units)| Candidate {
                operator,
                work: work(*units),
            })
            .collect();
        (record, candidates)
    }

    fn view(record: &Record) -> EpochView {
        let (division, settlement) = record.settled().expect("settled");
        let Division {
            pools,
            operator_cap,
            open_ceiling,
            vetted_weight,
            open_weight,
        } = division;
        EpochView {
            params: record.params,
            entered_before: record.entered_before,
            vetted: record.vetted,
            open: record.open,
            settlement: Some(settlement),
            division: Some(DivisionView {
                fragment_budget: pools.fragment,
                bulk_budget: pools.bulk,
                operator_cap,
                open_ceiling,
                vetted_weight,
                open_weight,
                used: settlement.level.used(record.params.uplift),
                open_reward: record.open_reward(),
            }),
            is_final: false,
        }
    }

    /// Whatever the keeper lists, the contract takes, and nobody is left.
    fn check(vetted: &[u128], open: u128) -> usize {
        let (mut record, candidates) = settled(vetted, open);
        let order = raises(&view(&record), &candidates);
        for operator in &order {
            let raised = if *operator == OPEN_POOL {
                record.raise_open()
            } else {
                record.raise(candidates[*operator as usize].work)
            };
            assert!(raised, "{operator} of {order:?}");
        }
        let left: Vec<Candidate> = candidates
            .into_iter()
            .filter(|candidate| !order.contains(&candidate.operator))
            .collect();
        let again: Vec<_> = raises(&view(&record), &left)
            .into_iter()
            .filter(|operator| *operator != OPEN_POOL)
            .collect();
        assert_eq!(again, Vec::<OperatorIndex>::new());
        order.len()
    }

    #[test]
    fn raising_one_makes_others_eligible_and_all_are_found_in_one_pass() {
        // Half of the work is one operator's; at its cap of a tenth, the level rises so
        // far that the next ones reach their caps, too.
        assert_eq!(check(&[1_000, 200, 190, 50, 10, 10], 0), 6);
        assert!(check(&[500, 90, 90, 90, 90, 90, 50], 0) >= 1);
    }

    #[test]
    fn the_open_pool_is_raised_among_the_vetted() {
        assert!(check(&[10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10], 900) >= 1);
        assert!(check(&[900, 1, 1, 1], 100) >= 2);
    }

    #[test]
    fn the_heaviest_are_asked_about_first() {
        let (record, _) = settled(&[5, 50, 20], 30);
        let work = |fragment| Work { fragment, bulk: 0 };
        let known = [(0, work(5)), (1, work(50)), (2, work(20)), (3, work(30))];
        assert_eq!(asked(&view(&record), &known), [1, 3, 2, 0]);
    }

    #[test]
    fn where_nobody_is_large_nobody_is_raised() {
        assert_eq!(check(&[1; 40], 1), 0);
    }

    #[test]
    fn an_epoch_that_is_not_settled_has_nobody_to_raise() {
        let (mut record, candidates) = settled(&[1_000], 0);
        let mut epoch = view(&record);
        record.settlement = None;
        epoch.settlement = None;
        assert!(raises(&epoch, &candidates).is_empty());
    }
}
