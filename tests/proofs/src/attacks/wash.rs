//! Work that nobody wanted, paid by the operator itself.
//!
//! A share of all fees is burnt; the rest comes back to the operator that paid itself.

use super::{at, signed, Attack, Play, Promise};
use crate::populations::Population;
use crate::world::{divide, ensure, PPM};
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;

/// What wash work an attacker adds.
struct Fake {
    who: usize,
    work: Work,
    fees: u128,
}

impl Fake {
    /// Tops up an operator's own work.
    fn add_to(&self, part: &mut Part) {
        part.work = part
            .work
            .checked_add(&self.work)
            .expect("fake work is small");
        part.fees += self.fees;
    }
}

fn fake(population: &Population, dials: &[u64]) -> Fake {
    let who = population.places(|_| true)[at(dials[0])];
    Fake {
        who,
        // From a unit to twice a large operator's month, on a scale of powers.
        work: Work {
            fragment: scaled(dials[1]),
            bulk: scaled(dials[2]),
        },
        fees: scaled(dials[3]) * 100,
    }
}

/// 0, and about 16 settings for each power of two.
fn scaled(dial: u64) -> u128 {
    if dial == 0 {
        return 0;
    }
    let (power, rest) = ((dial - 1) / 16, (dial - 1) % 16);
    ((1 << power) * u128::from(16 + rest)) / 16
}

fn fake_dials(population: &Population) -> Vec<u64> {
    vec![
        population.places(|_| true).len() as u64,
        17 * 16,
        17 * 16,
        22 * 16,
    ]
}

fn fake_words(population: &Population, dials: &[u64]) -> String {
    let fake = fake(population, dials);
    format!(
        "operator {} adds {} fragment and {} bulk units that it pays {} for itself",
        fake.who, fake.work.fragment, fake.work.bulk, fake.fees
    )
}

/// What of the fees is burnt where a multiple is set: just the multiple, in ppm.
const BURNT: u32 = 300_000;

fn burnt(fees: u128) -> u128 {
    (fees * u128::from(BURNT)).div_ceil(u128::from(PPM))
}

/// An operator that has no client but itself, with `fee_multiple` at the burnt share.
pub struct OnlyItself;

impl Attack for OnlyItself {
    fn name(&self) -> &'static str {
        "wash_only_itself"
    }

    fn promise(&self) -> Promise {
        Promise::Excluded {
            by: "G18",
            within: 0,
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        fake_dials(population)
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let fake = fake(population, dials);
        let params = Params {
            fee_multiple: Some(BURNT),
            ..population.params
        };
        let mut parts = population.parts();
        parts[fake.who].work = fake.work;
        parts[fake.who].fees = fake.fees;
        let after = divide(&params, population.reserve, &parts);
        Play {
            honest: 0,
            deviating: signed(after.rewards[fake.who].amount) - signed(burnt(fake.fees)),
            bounds: Ok(()),
        }
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        fake_words(population, dials)
    }
}

/// An operator with clients tops its work up, with `fee_multiple` at the burnt share.
pub struct TopUp;

impl Attack for TopUp {
    fn name(&self) -> &'static str {
        "wash_top_up"
    }

    fn promise(&self) -> Promise {
        Promise::Admitted {
            item: "below the ceiling that its honest fees allow, an operator can top up with \
                   fake work",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        fake_dials(population)
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let fake = fake(population, dials);
        let params = Params {
            fee_multiple: Some(BURNT),
            ..population.params
        };
        let mut parts = population.parts();
        // Prices at which honest fees allow about twice the plain rate.
        let work: u128 = parts.iter().map(|part| part.work.total()).sum();
        let plain = population.reserve * u128::from(params.rate) / u128::from(PPM) / work;
        let price = 2 * plain * u128::from(PPM) / u128::from(BURNT);
        for part in &mut parts {
            part.fees = part.work.total() * price;
        }
        let honest = divide(&params, population.reserve, &parts);
        let part = &mut parts[fake.who];
        fake.add_to(part);
        let fees = part.fees;
        let after = divide(&params, population.reserve, &parts);
        let reward = after.rewards[fake.who].amount;
        let bounds = ensure(reward <= fees * u128::from(BURNT) / u128::from(PPM), || {
            format!("G18: {reward} for fees of {fees}")
        });
        Play {
            honest: honest.rewards[fake.who].amount,
            deviating: signed(reward) - signed(burnt(fake.fees)),
            bounds,
        }
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        fake_words(population, dials)
    }
}

/// The population's own parameters, where mostly no multiple is set.
pub struct Unbounded;

impl Attack for Unbounded {
    fn name(&self) -> &'static str {
        "wash_without_multiple"
    }

    fn promise(&self) -> Promise {
        Promise::Admitted {
            item: "without fee_multiple, emission above fees rewards wash work",
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        fake_dials(population)
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let fake = fake(population, dials);
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let part = &mut parts[fake.who];
        fake.add_to(part);
        let vetted = part.vetted;
        let after = divide(&population.params, population.reserve, &parts);
        let reward = after.rewards[fake.who].amount;
        let most = if vetted {
            after.division.operator_cap
        } else {
            after.division.open_ceiling
        };
        let bounds = ensure(reward <= most, || format!("{reward} of {most}"));
        Play {
            honest: honest.rewards[fake.who].amount,
            deviating: signed(reward) - signed(burnt(fake.fees)),
            bounds,
        }
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        fake_words(population, dials)
    }
}
