//! The same division once more, in exact fractions and by sorting: written from
//! the text, not from the crate.

use super::draw::Epoch;
use num_bigint::BigUint;

/// A non-negative fraction.
#[derive(Clone, Debug)]
pub struct Fraction {
    /// What is divided.
    pub numerator: BigUint,
    /// By what; not 0.
    pub denominator: BigUint,
}

impl Fraction {
    /// Whether it is at most `units` away from `value`.
    pub fn within(&self, units: u32, value: u128) -> bool {
        let value = BigUint::from(value) * &self.denominator;
        let slack = &self.denominator * units;
        value <= &self.numerator + &slack && self.numerator <= value + slack
    }
}

/// The sum of a figure over `parts`, in any precision.
fn sum(values: impl Iterator<Item = u128>) -> BigUint {
    values.map(BigUint::from).sum()
}

fn big(value: impl Into<BigUint>) -> BigUint {
    value.into()
}

/// The share of fragments in the budget, as `numerator / denominator`.
pub fn fragment_share(epoch: &Epoch) -> Fraction {
    let fragment = sum(epoch.parts.iter().map(|p| p.work.fragment));
    let bulk = sum(epoch.parts.iter().map(|p| p.work.bulk));
    share_of(epoch, &fragment, &bulk)
}

fn share_of(epoch: &Epoch, fragment: &BigUint, bulk: &BigUint) -> Fraction {
    let all = fragment + bulk;
    if bulk == &big(0_u32) {
        // All of it to fragments, or nothing to anybody.
        return Fraction {
            numerator: big(u32::from(fragment > &big(0_u32))),
            denominator: big(1_u32),
        };
    }
    let plain = fragment * 1_000_000_u32;
    let floor = &all * epoch.params.fragment_floor;
    let premium = fragment * epoch.params.fragment_premium;
    Fraction {
        numerator: plain.max(floor.min(premium)),
        denominator: all * 1_000_000_u32,
    }
}

/// Who takes part in the division: a vetted operator, or the open pool.
#[derive(Clone, Debug)]
pub struct Participant {
    /// Position among the parts; `None` is the open pool.
    pub who: Option<usize>,
    weight: BigUint,
    cap: u128,
    /// What it gets.
    pub gets: Fraction,
}

/// The weighted max-min fair division of `budget` with individual ceilings
/// `min(cap, uplift * plain entitlement)`, by sorting.
pub fn division(epoch: &Epoch, budget: u128) -> Vec<Participant> {
    let params = &epoch.params;
    let fragment = sum(epoch.parts.iter().map(|p| p.work.fragment));
    let bulk = sum(epoch.parts.iter().map(|p| p.work.bulk));
    let zero = big(0_u32);
    if fragment == zero && bulk == zero {
        return Vec::new();
    }
    // weight / scale = the plain entitlement in base units.
    let share = share_of(epoch, &fragment, &bulk);
    let one = big(1_u32);
    let (per_fragment, per_bulk) = (fragment.clone().max(one.clone()), bulk.clone().max(one));
    let scale = &share.denominator * &per_fragment * &per_bulk;
    let fragment_rate = &share.numerator * &per_bulk;
    let bulk_rate = (&share.denominator - &share.numerator) * &per_fragment;
    let weigh =
        |fragment: BigUint, bulk: BigUint| (fragment * &fragment_rate + bulk * &bulk_rate) * budget;
    let cap_of = |share: u32| u128::try_from(big(budget) * share / 1_000_000_u32).expect("< E");
    let mut participants: Vec<Participant> = epoch
        .parts
        .iter()
        .enumerate()
        .filter(|(_, part)| part.vetted)
        .map(|(k, part)| {
            let weight = weigh(big(part.work.fragment), big(part.work.bulk));
            (Some(k), weight, cap_of(params.operator_cap))
        })
        .chain(std::iter::once({
            let open = || epoch.parts.iter().filter(|p| !p.vetted);
            let weight = weigh(
                sum(open().map(|p| p.work.fragment)),
                sum(open().map(|p| p.work.bulk)),
            );
            (None, weight, cap_of(params.open_ceiling))
        }))
        .filter(|(_, weight, cap)| *weight > zero && *cap > 0)
        .map(|(who, weight, cap)| Participant {
            who,
            weight,
            cap,
            gets: Fraction {
                numerator: big(cap),
                denominator: big(1_u32),
            },
        })
        .collect();
    // Who reaches its cap at the lowest level comes first.
    participants.sort_by(|a, b| (big(a.cap) * &b.weight).cmp(&(big(b.cap) * &a.weight)));
    let mut left = big(budget);
    let mut weight: BigUint = participants.iter().map(|p| &p.weight).sum();
    let lift = big(params.uplift);
    let capped = participants
        .iter()
        .take_while(|p| {
            let level_gives_it = &p.weight * &left >= big(p.cap) * &weight;
            let uplift_allows_it = &p.weight * &lift >= big(p.cap) * &scale * 1_000_000_u32;
            let full = level_gives_it && uplift_allows_it;
            if full {
                left -= p.cap;
                weight -= &p.weight;
            }
            full
        })
        .count();
    for p in &mut participants[capped..] {
        let by_level = Fraction {
            numerator: &p.weight * &left,
            denominator: weight.clone(),
        };
        let by_uplift = Fraction {
            numerator: &p.weight * &lift,
            denominator: &scale * 1_000_000_u32,
        };
        let level_is_less = &by_level.numerator * &by_uplift.denominator
            <= &by_uplift.numerator * &by_level.denominator;
        let gets = if level_is_less { by_level } else { by_uplift };
        if gets.numerator < big(p.cap) * &gets.denominator {
            p.gets = gets;
        }
    }
    participants
}
