//! Who takes part in a run.

use super::draw::uniform;
use super::Operator;
use crate::random::{generator, Purpose, Rng};
use crate::scenario::settings::{Class, Country};
use crate::scenario::{Inputs, Member, Settings};
use rand::seq::SliceRandom;

/// Everybody of run `run`, the largest first; or the scenario's own list as it stands.
///
/// Sizes are drawn from the measured distribution, one from each of as many equal parts
/// of it as there are operators, so that every run is as skewed as what was measured.
/// Who they are is drawn anew: class, country, stake, owner, tier.
pub(super) fn draw(settings: &Settings, inputs: &Inputs, run: u64) -> Vec<Operator> {
    if let Some(members) = &inputs.members {
        return members
            .iter()
            .map(|member| listed(settings, member))
            .collect();
    }
    let rng = &mut generator(settings.run.seed, run, Purpose::Population);
    let count = settings.population.operators;
    let sizes = sizes(&inputs.sizes, count, rng);
    let classes = classes(settings, count, rng);
    let countries = by_shares(
        settings.countries.iter().map(|country| country.share),
        count,
        rng,
    );
    let stakes = stakes(settings, &sizes, rng);
    let vetted = vetted(settings.population.vetted, count, rng);
    let owners = owners(
        settings.population.identities_per_owner,
        &sizes,
        &vetted,
        rng,
    );
    let channels = settings.dispatch.channel_operators;
    (0..count)
        .map(|index| {
            let class = &settings.classes[classes[index]];
            // At most 1e6 cards for an operator of average size, and 1e5 operators.
            let cards = (sizes[index] * class.cards).round().clamp(1.0, 4e9) as u32;
            Operator {
                owner: owners[index],
                class: classes[index],
                country: countries[index],
                cards,
                vetted: vetted[index],
                channel: index < channels,
                stake: stakes[index],
                bond: (stakes[index] as f64 * settings.population.bond) as u128,
                electricity: electricity(class, &settings.countries[countries[index]]),
                capacity: capacity(settings, class, cards),
            }
        })
        .collect()
}

/// An operator of the scenario's own list.
fn listed(settings: &Settings, member: &Member) -> Operator {
    let of = |name: &str| {
        settings
            .classes
            .iter()
            .position(|class| class.name == name)
            .expect("the scenario refuses a member of no class")
    };
    let country = settings
        .countries
        .iter()
        .position(|country| country.name == member.country)
        .expect("the scenario refuses a member of no country");
    let class = of(&member.class);
    Operator {
        owner: member.owner,
        class,
        country,
        cards: member.cards,
        vetted: member.vetted,
        channel: member.channel,
        stake: settings.token.base_units(member.stake),
        bond: settings.token.base_units(member.bond),
        electricity: electricity(&settings.classes[class], &settings.countries[country]),
        capacity: capacity(settings, &settings.classes[class], member.cards),
    }
}

/// What an operator of `class` in `country` pays for electricity, in EUR per kWh; 0 if
/// it rents, since then the lessor pays.
fn electricity(class: &Class, country: &Country) -> f64 {
    match (class.rent_usd, class.household) {
        (Some(_), _) => 0.0,
        (None, true) => country.household,
        (None, false) => country.business,
    }
}

/// Work units that `cards` cards do in an epoch at full load.
fn capacity(settings: &Settings, class: &Class, cards: u32) -> f64 {
    f64::from(cards) * class.units_per_second * 3_600.0 * settings.run.epoch_hours
}

/// Sizes with mean 1, the largest first.
fn sizes(measured: &[f64], count: usize, rng: &mut Rng) -> Vec<f64> {
    let mut sizes: Vec<f64> = (0..count)
        .map(|index| {
            let quantile = (index as f64 + uniform(rng)) / count as f64;
            let rank = (quantile * measured.len() as f64) as usize;
            measured[rank.min(measured.len() - 1)]
        })
        .collect();
    // The measured ones descend, and so do their quantiles.
    let mean = sizes.iter().sum::<f64>() / count as f64;
    for size in &mut sizes {
        *size /= mean;
    }
    sizes
}

/// A class for everybody, by shares; the larger an operator, the likelier it is one of
/// those with dear cards, as far as the scenario says.
fn classes(settings: &Settings, count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut drawn = by_shares(settings.classes.iter().map(|class| class.share), count, rng);
    // Dearest cards first; equally dear ones stay mixed.
    drawn.sort_by(|a, b| {
        let price = |index: &usize| settings.classes[*index].card_price_usd;
        price(b).total_cmp(&price(a))
    });
    let order = ordered_by_size(settings.population.class_by_size, count, rng);
    let mut classes = vec![0; count];
    for (position, class) in order.into_iter().zip(drawn) {
        classes[position] = class;
    }
    classes
}

/// Stakes as skewed as sizes, summing up to the scenario's total or little less.
fn stakes(settings: &Settings, sizes: &[f64], rng: &mut Rng) -> Vec<u128> {
    let total = settings.population.stake as f64;
    let sum: f64 = sizes.iter().sum();
    let order = ordered_by_size(settings.population.stake_by_size, sizes.len(), rng);
    let mut stakes = vec![0; sizes.len()];
    for (position, size) in order.into_iter().zip(sizes) {
        stakes[position] = (total * (size / sum)) as u128;
    }
    stakes
}

/// Everybody's position by size, more or less: with `strictly` 1 in order of size, with 0 in
/// any order, and in between by a mean of rank and chance.
fn ordered_by_size(strictly: f64, count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut scores: Vec<(f64, usize)> = (0..count)
        .map(|index| {
            let rank = index as f64 / count as f64;
            (strictly * rank + (1.0 - strictly) * uniform(rng), index)
        })
        .collect();
    scores.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    scores.into_iter().map(|(_, index)| index).collect()
}

/// `count` draws of a kind, in any order, as many of each as its share says: whole numbers
/// that miss a share by less than one, by systematic sampling.
fn by_shares(shares: impl Iterator<Item = f64>, count: usize, rng: &mut Rng) -> Vec<usize> {
    let shares: Vec<f64> = shares.collect();
    let offset = uniform(rng);
    let mut kinds = Vec::with_capacity(count);
    let mut kind = 0;
    let mut end = shares[0] * count as f64;
    for index in 0..count {
        while index as f64 + offset >= end && kind + 1 < shares.len() {
            kind += 1;
            end += shares[kind] * count as f64;
        }
        kinds.push(kind);
    }
    kinds.shuffle(rng);
    kinds
}

/// Who is vetted: the share of those of every size, by systematic sampling.
fn vetted(share: f64, count: usize, rng: &mut Rng) -> Vec<bool> {
    let offset = uniform(rng);
    (0..count)
        .map(|index| {
            let upto = |index: usize| (index as f64 * share + offset).floor();
            upto(index + 1) > upto(index)
        })
        .collect()
}

/// Who owns whom. All but so many identities are owners; those are open ones as far as
/// there are any, since a registrar vouches for a person once, and each belongs to an
/// owner drawn by size: who runs much runs it under several names.
fn owners(per_owner: f64, sizes: &[f64], vetted: &[bool], rng: &mut Rng) -> Vec<u32> {
    let count = sizes.len();
    let owners = ((count as f64 / per_owner).round() as usize).clamp(1, count);
    let mut candidates: Vec<usize> = (0..count).collect();
    candidates.shuffle(rng);
    // A stable sort: the open ones first, both in the order of the shuffle.
    candidates.sort_by_key(|index| vetted[*index]);
    let (others, owning) = candidates.split_at(count - owners);
    let mut owning = owning.to_vec();
    owning.sort_unstable();
    let mut owner = vec![0; count];
    for (number, index) in owning.iter().enumerate() {
        owner[*index] = number as u32;
    }
    let total: f64 = owning.iter().map(|index| sizes[*index]).sum();
    for index in others {
        let mut left = uniform(rng) * total;
        let drawn = owning.iter().position(|candidate| {
            left -= sizes[*candidate];
            left < 0.0
        });
        // Rounding may leave a rest beyond the last.
        owner[*index] = drawn.unwrap_or(owning.len() - 1) as u32;
    }
    owner
}
