//! What the properties are tried on: the inputs reach the edges, shown by counting.

use crate::support::draw::{self, CROWD, RESERVE_LIMIT, WORK_MAX};
use crate::support::host::Host;
use crate::support::play::{self, Step};
use crate::support::source::Source;
use num_bigint::BigUint;
use plimsoll_mechanism::allocate::allocate;
use plimsoll_mechanism::math::PPM;
use plimsoll_mechanism::params::Param;
use std::collections::{BTreeMap, BTreeSet};

/// How often each edge was met.
#[derive(Default)]
struct Met(BTreeMap<String, u32>);

impl Met {
    fn note(&mut self, edge: &str, met: bool) {
        if let Some(count) = self.0.get_mut(edge) {
            *count += u32::from(met);
        } else {
            self.0.insert(edge.to_owned(), u32::from(met));
        }
    }

    /// All of them, at least `least` times.
    fn all(&self, least: u32) {
        let few: Vec<_> = self.0.iter().filter(|(_, count)| **count < least).collect();
        assert!(
            few.is_empty(),
            "never or hardly met: {few:?} of {:#?}",
            self.0
        );
    }
}

#[test]
fn the_inputs_reach_every_edge_of_an_epoch() {
    let mut met = Met::default();
    for seed in 0..20_000 {
        let epoch = draw::epoch(&mut Source::new(seed));
        let params = &epoch.params;
        for param in Param::ALL {
            let (low, high) = param.bounds();
            met.note(
                &format!("{} at its least", param.name()),
                param.of(params) == low,
            );
            met.note(
                &format!("{} at its most", param.name()),
                param.of(params) == high,
            );
        }
        let shares = [
            params.rate,
            params.open_ceiling,
            params.liquid_share,
            params.liquid_allowance,
        ];
        met.note(
            "all shares 0",
            shares == [0; 4] && params.fragment_floor == 0,
        );
        met.note(
            "all shares one whole",
            shares == [PPM; 4] && params.operator_cap == PPM,
        );
        met.note("a reserve of nothing", epoch.reserve == 0);
        met.note("a reserve of one unit", epoch.reserve == 1);
        met.note("a reserve of 2^127", epoch.reserve == RESERVE_LIMIT);

        let parts = &epoch.parts;
        let total = |part: &plimsoll_mechanism::record::Part| part.work.total();
        let work: u128 = parts.iter().map(total).sum();
        let most = parts.iter().map(total).max().unwrap_or(0);
        let fragment: u128 = parts.iter().map(|p| p.work.fragment).sum();
        let some = !parts.is_empty();
        met.note("nobody", parts.is_empty());
        met.note("one operator", parts.len() == 1);
        met.note("ten thousand operators", parts.len() == CROWD);
        met.note("nobody vetted", some && parts.iter().all(|p| !p.vetted));
        met.note("everybody vetted", some && parts.iter().all(|p| p.vetted));
        met.note("an epoch without work", some && work == 0);
        met.note("one unit of work", work == 1);
        met.note("no fragment work", work > 0 && fragment == 0);
        met.note("no bulk work", work > 0 && fragment == work);
        met.note(
            "work at its limit",
            parts
                .iter()
                .any(|p| p.work.fragment == WORK_MAX || p.work.bulk == WORK_MAX),
        );
        met.note(
            "one of many does half of all work",
            parts.len() > 20 && most >= work.div_ceil(2) && work > 0,
        );
        // The tail of a Pareto distribution: a fifth does most of it, the rest do some.
        let mut ranked: Vec<u128> = parts.iter().map(total).collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        let top: u128 = ranked.iter().take(parts.len() / 5).sum();
        let all_work = ranked.last().is_some_and(|least| *least > 0);
        met.note(
            "a Pareto tail",
            parts.len() > 40 && all_work && top * 10 >= work * 6 && most < work / 2,
        );

        let full = allocate(params, epoch.reserve, parts).expect("drawn so that it fits");
        let division = &full.division;
        let settlement = full.record.settlement.expect("settled");
        let raised = full.parts.iter().filter(|p| p.raised).count();
        met.note(
            "a budget of nothing",
            full.budget() == 0 && work > 0 && epoch.reserve > 0,
        );
        met.note("a budget of one unit", full.budget() == 1);
        met.note("the largest budget", full.budget() == (1 << 96) - 1);
        met.note(
            "everybody at its cap",
            parts.len() > 1 && raised == parts.len(),
        );
        met.note("some at their caps", raised > 0 && raised < parts.len());
        met.note(
            "nobody at its cap",
            parts.len() > 1 && full.budget() > 0 && raised == 0,
        );
        met.note("the open pool at its ceiling", settlement.open_raised);
        let open_work = parts.iter().any(|p| !p.vetted && p.work.total() > 0);
        met.note(
            "an open pool without a ceiling",
            open_work && full.budget() > 0 && division.open_ceiling == 0,
        );
        met.note(
            "an open pool without work",
            parts.iter().any(|p| !p.vetted) && !open_work,
        );
        let whole = BigUint::from(full.budget()) << 32_u32;
        let floor = whole * params.fragment_floor / PPM;
        let pool = division.pools.fragment;
        let binds = pool > 0 && fragment < work && BigUint::from(pool) == floor;
        met.note("the floor binds", binds);
        met.note("the uplift binds", {
            let level = settlement.level;
            level.denominator > 0 && level.used(params.uplift) < level.numerator
        });
        for (part, reward) in full.parts.iter().zip(&full.rewards) {
            let set_aside = reward.amount + reward.returned;
            let entitled = set_aside > 0;
            let less = entitled && reward.returned > 0;
            met.note("less than set aside", less);
            met.note(
                "a fee ceiling of nothing",
                entitled && reward.amount == 0 && part.fees == 0 && params.fee_multiple.is_some(),
            );
            met.note(
                "a bond of nothing",
                entitled && !part.vetted && part.bond == 0,
            );
            met.note(
                "all of a reward at once",
                reward.amount > 0 && reward.liquid == reward.amount,
            );
            met.note(
                "nothing of a reward at once",
                reward.amount > 0 && reward.liquid == 0,
            );
        }
    }
    met.all(1);
}

/// Epochs without work between worked ones, and how many final ones have something to book.
fn shape(host: &Host) -> (bool, usize) {
    let worked: BTreeSet<u32> = host.records.keys().copied().collect();
    let gap = worked
        .iter()
        .zip(worked.iter().skip(1))
        .any(|(one, next)| next - one > 1);
    let unbooked = worked
        .iter()
        .filter(|epoch| {
            host.is_final(**epoch)
                && play::operators()
                    .iter()
                    .any(|operator| !host.figures(**epoch, *operator).is_empty())
        })
        .count();
    (gap, unbooked)
}

#[test]
fn the_inputs_reach_every_edge_of_a_sequence() {
    /// Epochs of a day.
    const YEAR: u64 = 365;
    let mut met = Met::default();
    for seed in 0..3_000 {
        let play = play::plays(&mut Source::new(seed));
        let mut host = play::start(&play);
        let mut unbooked_for_years = 0;
        for step in &play.steps {
            let before = host.clone();
            let ((_, waiting), at) = (shape(&before), before.clock().epoch());
            play::take(&mut host, step);
            let passed = u64::from(host.clock().epoch() - at);
            if passed >= 2 * YEAR {
                unbooked_for_years = waiting;
            }
            let booked = host.booked.len() - before.booked.len();
            met.note(
                "several epochs unbooked for years, then booked",
                booked > 0 && unbooked_for_years >= 3,
            );
            let (gap, waiting) = shape(&host);
            met.note("an epoch without work between others", gap);
            met.note("three final epochs unbooked", waiting >= 3);
            met.note(
                "a pause",
                !before.clock().stopped() && host.clock().stopped(),
            );
            met.note(
                "a pause ended by hand",
                matches!(step, Step::Unpause) && host != before,
            );
            met.note(
                "a strike",
                matches!(step, Step::Strike { .. }) && host != before,
            );
            met.note(
                "a refused batch",
                matches!(step, Step::Attest { .. }) && host == before,
            );
            let sum = |host: &Host, of: fn(&crate::support::host::Operator) -> u128| -> u128 {
                host.operators.iter().map(of).fold(0, u128::saturating_add)
            };
            let grew = |of| sum(&host, of) > sum(&before, of);
            met.note("unvested rewards slashed", grew(|o| o.slashed));
            met.note("a claim paid", grew(|o| o.paid));
            met.note("a bond freed by a promotion", grew(|o| o.freed));
            met.note(
                "a bond slashed",
                matches!(step, Step::Slash(..)) && host.ledger.bonds < before.ledger.bonds,
            );
            met.note(
                "three withdrawals on their way",
                host.operators
                    .iter()
                    .any(|o| o.account.bond.withdrawals().len() == 3),
            );
            met.note(
                "a withdrawal paid",
                matches!(step, Step::WithdrawBond(_)) && host.tokens < before.tokens,
            );
            met.note(
                "an epoch that paid two or more",
                host.promised
                    .values()
                    .any(|rewards| rewards.iter().filter(|r| r.amount > 0).count() > 1),
            );
            let one_unit = host
                .promised
                .values()
                .flatten()
                .any(|reward| reward.amount == 1);
            met.note("a reward of one unit", one_unit);
        }
    }
    met.all(5);
}
