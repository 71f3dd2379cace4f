//! One run: every design pays the same jobs of the same operators, once with everybody
//! staying and once with whoever does not cover electricity leaving.

use super::entrants::{self, Entrants, Returns};
use super::exits::{Exits, Leaving};
use super::splitting;
use super::tally::{Periods, Tally};
use super::till::{Due, Till};
use super::unlocking::Unlocking;
use crate::designs::Design;
use crate::markets::Markets;
use crate::metrics::coverage::{self, Groups};
use crate::metrics::{self, deciles, inequality, Id, RunInput};
use crate::scenario::Scenario;
use crate::vesting::Vesting;
use crate::world::{serve_what_the_absent_leave, Load, Operator, World};

/// Points of a Lorenz curve, both ends included.
pub const LORENZ_POINTS: usize = 101;

/// The metrics that need to know what is unlocked.
const VESTING: [Id; 5] = [
    Id::CashElectricity,
    Id::CashFullSmall,
    Id::Unlocked,
    Id::UnlockedSmall,
    Id::WorstMonth,
];

/// The metrics of what remains when the largest owners split.
const SPLITTING: [Id; 4] = [
    Id::SplitGain,
    Id::SplitCoverageSmall,
    Id::SplitGini,
    Id::SplitNakamoto50,
];

/// What is the same for every run of a comparison.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The world made of it.
    pub world: &'a World,
    /// The designs, Plimsoll last.
    pub designs: &'a [Box<dyn Design>],
    /// Its ways to vest.
    pub unlocking: &'a Unlocking,
    /// Whether what unlocks is computed, with every way to vest.
    pub vesting: bool,
    /// The token's market.
    pub markets: &'a Markets,
    /// Who enters with capital, if that is wanted.
    pub entrants: Option<&'a Entrants>,
    /// Whether the largest owners are let split in three more passes.
    pub splitting: bool,
    /// Whether operators that do not cover electricity are let leave in a second pass.
    pub exits: bool,
}

/// What a run gave, for each design in the order of [`Stage::designs`].
#[derive(Clone, Debug)]
pub struct RunResult {
    /// By design.
    pub designs: Vec<DesignRun>,
    /// What capital returned, if it entered in this run.
    pub returns: Option<Returns>,
}

/// What a run gave for one design.
#[derive(Clone, Debug)]
pub struct DesignRun {
    /// All metrics, in the order of [`metrics::ALL`]; NaN where undefined.
    pub metrics: Vec<f64>,
    /// Shares of all rewards of the poorest part of identities, 0 to 1 in equal steps.
    pub lorenz_identity: Vec<f64>,
    /// The same of owners.
    pub lorenz_owner: Vec<f64>,
    /// Reward for a million work units by decile of work, in tokens; NaN where undefined.
    pub deciles: [f64; 10],
    /// Who covers its costs.
    pub coverage: Groups,
    /// Rewards of each epoch, in tokens.
    pub earned: Vec<f64>,
    /// What unlocks in each epoch, in tokens, by way to vest ([`Vesting::ALL`]).
    pub unlocked: Vec<Vec<f64>>,
    /// Part of all rewards unlocked at the end, by way to vest.
    pub unlocked_share: Vec<f64>,
    /// Who left.
    pub exits: Exits,
}

/// How `design` vests unless the table of ways to vest says otherwise: Plimsoll by its own
/// schedule, every other one at once, as published.
#[must_use]
pub fn own_vesting(design: &str) -> Vesting {
    if design == "plimsoll" {
        Vesting::Plimsoll
    } else {
        Vesting::Immediate
    }
}

/// Its place in [`Vesting::ALL`].
///
/// # Panics
/// Never: every way to vest is in the list.
#[must_use]
pub fn own_way(design: &str) -> usize {
    let own = own_vesting(design);
    Vesting::ALL
        .iter()
        .position(|vesting| *vesting == own)
        .expect("every way to vest is in the list")
}

/// Plays run `run`.
#[must_use]
pub fn play(stage: &Stage<'_>, run: u64) -> RunResult {
    let operators = stage.world.population(run);
    let exits: Vec<Exits> = if stage.exits {
        let mut players: Vec<Leaving<'_>> = stage
            .designs
            .iter()
            .map(|design| Leaving::new(stage, design.as_ref(), &operators, run))
            .collect();
        let mut demand = stage.world.demand(run, &operators);
        let mut load = Load::idle(operators.len());
        let mut served = Load::idle(operators.len());
        for number in 0..stage.epochs() {
            demand.next(&mut load);
            for player in &mut players {
                if player.everybody_stays() {
                    player.epoch(stage, &operators, number, &load);
                } else {
                    served.clone_from(&load);
                    serve_what_the_absent_leave(&mut served, player.active(), &operators);
                    player.epoch(stage, &operators, number, &served);
                }
            }
        }
        players
            .into_iter()
            .map(|player| player.end(stage, &operators))
            .collect()
    } else {
        vec![Exits::none(stage.classes()); stage.designs.len()]
    };

    let mut everybody = Everybody::new(operators.len());
    let mut players: Vec<Player<'_>> = stage
        .designs
        .iter()
        .map(|design| Player::new(stage, design.as_ref(), operators.len(), run))
        .collect();
    let mut demand = stage.world.demand(run, &operators);
    let mut load = Load::idle(operators.len());
    let active = vec![true; operators.len()];
    let entering = stage.entrants.filter(|_| run < entrants::RUNS);
    let mut loads = Vec::new();
    for number in 0..stage.epochs() {
        demand.next(&mut load);
        everybody.add(stage, &operators, number, &load);
        for player in &mut players {
            let due = Due {
                number,
                operators: &operators,
                active: &active,
                load: &load,
            };
            player.epoch(stage, due);
        }
        if entering.is_some() || stage.splitting {
            loads.push(load.clone());
        }
    }
    let returns = entering.map(|entrants| entrants.returns(stage, run, &operators, &loads));
    let owners: Vec<u32> = operators.iter().map(|operator| operator.owner).collect();
    let splits: Vec<Option<splitting::Outcome>> = if stage.splitting {
        let whole: Vec<&[u128]> = players.iter().map(|player| player.tally.earned()).collect();
        splitting::play(stage, &operators, &loads, &whole, run)
            .into_iter()
            .map(Some)
            .collect()
    } else {
        players.iter().map(|_| None).collect()
    };
    let mut designs: Vec<DesignRun> = players
        .into_iter()
        .zip(exits)
        .zip(splits)
        .map(|((player, exits), split)| {
            let mut run = player.end(stage, &operators, &owners, &everybody, exits);
            if let Some(split) = split {
                let values = everybody.after_split(stage, &operators, &owners, &split);
                for (id, value) in SPLITTING.iter().zip(values) {
                    run.metrics[*id as usize] = value;
                }
            }
            run
        })
        .collect();
    if let Some(returns) = &returns {
        for (design, returns) in designs.iter_mut().zip(returns) {
            for (id, value) in entrants::METRICS.iter().zip(returns) {
                design.metrics[*id as usize] = *value;
            }
        }
    }
    RunResult { designs, returns }
}

impl Stage<'_> {
    /// Epochs of a run.
    #[must_use]
    pub fn epochs(&self) -> u32 {
        self.scenario.settings().run.epochs
    }

    /// The periods in which pay is looked at.
    fn periods(&self) -> Periods {
        let run = &self.scenario.settings().run;
        Periods::new(run.epochs, run.epoch_days())
    }

    /// How many classes of operators there are.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.scenario.settings().classes.len()
    }

    /// How many countries there are.
    #[must_use]
    pub fn countries(&self) -> usize {
        self.scenario.settings().countries.len()
    }

    /// Their names.
    #[must_use]
    pub fn class_names(&self) -> Vec<String> {
        let classes = &self.scenario.settings().classes;
        classes.iter().map(|class| class.name.clone()).collect()
    }

    /// Their names.
    #[must_use]
    pub fn country_names(&self) -> Vec<String> {
        let countries = &self.scenario.settings().countries;
        countries
            .iter()
            .map(|country| country.name.clone())
            .collect()
    }

    /// What an operator is left of the fees for `units` work units, in EUR.
    #[must_use]
    pub fn fees(&self, units: u64) -> f64 {
        let settings = self.scenario.settings();
        let demand = &settings.demand;
        let price = demand.price_usd * settings.token.eur_per_usd / 1e6;
        units as f64 * price * (1.0 - demand.burnt_fees)
    }

    /// Tokens in a base unit.
    #[must_use]
    pub fn token(&self) -> f64 {
        1.0 / libm::pow(10.0, f64::from(self.scenario.settings().token.decimals))
    }
}

/// What does not depend on the design: work and cost of everybody who stays.
struct Everybody {
    work: Vec<f64>,
    /// Whether each has worked since the last whole period.
    worked: Vec<bool>,
    periods_worked: Vec<u32>,
    fees: Vec<f64>,
    electricity: Vec<f64>,
    depreciation: Vec<f64>,
}

impl Everybody {
    fn new(operators: usize) -> Self {
        Self {
            work: vec![0.0; operators],
            worked: vec![false; operators],
            periods_worked: vec![0; operators],
            fees: vec![0.0; operators],
            electricity: vec![0.0; operators],
            depreciation: vec![0.0; operators],
        }
    }

    fn add(&mut self, stage: &Stage<'_>, operators: &[Operator], number: u32, load: &Load) {
        for (index, operator) in operators.iter().enumerate() {
            let units = load.units(index);
            self.work[index] += units as f64;
            self.worked[index] |= units > 0;
            self.fees[index] += stage.fees(units);
            self.electricity[index] += stage.world.running_cost(operator, units);
            self.depreciation[index] += stage.world.depreciation(operator);
        }
        if stage.periods().ends_with(number) {
            for (periods, worked) in self.periods_worked.iter_mut().zip(&mut self.worked) {
                *periods += u32::from(std::mem::take(worked));
            }
        }
    }
}

impl Everybody {
    /// The metrics of [`SPLITTING`]. Rewards are worth what the token is at the start: a
    /// design's other metrics count each epoch at its own price.
    fn after_split(
        &self,
        stage: &Stage<'_>,
        operators: &[Operator],
        owners: &[u32],
        split: &splitting::Outcome,
    ) -> [f64; 4] {
        let earned = &split.earned;
        let price = stage.world.eur_per_base_unit(0);
        let cards: Vec<u32> = operators.iter().map(|operator| operator.cards).collect();
        let tokens: Vec<f64> = earned
            .iter()
            .map(|amount| *amount as f64 * stage.token())
            .collect();
        let income: Vec<f64> = earned
            .iter()
            .zip(&self.fees)
            .map(|(amount, fees)| *amount as f64 * price + fees)
            .collect();
        let cost: Vec<f64> = self
            .electricity
            .iter()
            .zip(&self.depreciation)
            .map(|(electricity, depreciation)| electricity + depreciation)
            .collect();
        let [covering, gini, nakamoto] =
            metrics::after_split(owners, &cards, &tokens, &income, &cost);
        [split.gain.unwrap_or(f64::NAN), covering, gini, nakamoto]
    }
}

/// A design that pays in a run in which everybody stays.
struct Player<'a> {
    till: Till<'a>,
    tally: Tally,
}

impl<'a> Player<'a> {
    fn new(stage: &Stage<'_>, design: &'a dyn Design, operators: usize, run: u64) -> Self {
        Self {
            till: Till::new(stage, design, operators, run),
            tally: Tally::new(
                operators,
                stage.epochs(),
                stage.periods(),
                own_way(design.facts().id),
            ),
        }
    }

    fn epoch(&mut self, stage: &Stage<'_>, due: Due<'_>) {
        let (epoch, returned) = self.till.pay(stage, due);
        self.tally.add(stage, &epoch, &self.till.pay, returned);
    }

    fn end(
        self,
        stage: &Stage<'_>,
        operators: &[Operator],
        owners: &[u32],
        everybody: &Everybody,
        exits: Exits,
    ) -> DesignRun {
        let facts = self.till.design.facts();
        let tally = self.tally.finish(stage, operators);
        let own = own_way(facts.id);
        let cards: Vec<u32> = operators.iter().map(|operator| operator.cards).collect();
        let vetted: Vec<bool> = operators.iter().map(|operator| operator.vetted).collect();
        let with_fees = |rewards: &[f64]| -> Vec<f64> {
            rewards
                .iter()
                .zip(&everybody.fees)
                .map(|(reward, fees)| reward + fees)
                .collect()
        };
        let (income, cash) = (with_fees(&tally.income), with_fees(&tally.cash));
        let input = RunInput {
            owner: owners,
            cards: &cards,
            vetted: &vetted,
            work: &everybody.work,
            earned: &tally.earned,
            received: &tally.received[own],
            income: &income,
            cash: &cash,
            electricity: &everybody.electricity,
            depreciation: &everybody.depreciation,
            periods_worked: &everybody.periods_worked,
            periods_paid: &tally.periods_paid,
            variance: &tally.variance,
            budget: tally.budget,
            paid: tally.paid,
        };
        let mut values = metrics::measure(&input);
        values[Id::Returned as usize] = if tally.budget > 0.0 {
            tally.returned / tally.budget
        } else {
            f64::NAN
        };
        values[Id::ExitShare as usize] = if stage.exits { exits.share() } else { f64::NAN };

        values[Id::WorstMonth as usize] = stage.markets.worst_month(&tally.unlocked[own]);
        if !stage.vesting {
            for id in VESTING {
                values[id as usize] = f64::NAN;
            }
        }

        let mut groups = Groups::new(stage.classes(), stage.countries());
        let class: Vec<usize> = operators.iter().map(|operator| operator.class).collect();
        let country: Vec<usize> = operators.iter().map(|operator| operator.country).collect();
        groups.add(&coverage::Run {
            class: &class,
            country: &country,
            income: &income,
            electricity: &everybody.electricity,
            depreciation: &everybody.depreciation,
        });
        let per_million: Vec<f64> = everybody.work.iter().map(|units| units / 1e6).collect();
        let owner_earned = inequality::by_owner(&tally.earned, owners);
        DesignRun {
            metrics: values,
            lorenz_identity: heights(&tally.earned),
            lorenz_owner: heights(&owner_earned),
            deciles: deciles::pay_per_unit(&per_million, &tally.earned).unwrap_or([f64::NAN; 10]),
            coverage: groups,
            earned: tally.each_epoch,
            unlocked: tally.unlocked,
            unlocked_share: tally
                .received
                .iter()
                .map(|received| received.iter().sum::<f64>() / tally.paid)
                .collect(),
            exits,
        }
    }
}

/// The heights of a Lorenz curve; the diagonal if nobody earned anything.
fn heights(values: &[f64]) -> Vec<f64> {
    inequality::lorenz(values, LORENZ_POINTS).map_or_else(
        || {
            (0..LORENZ_POINTS)
                .map(|k| k as f64 / (LORENZ_POINTS - 1) as f64)
                .collect()
        },
        |curve| curve.into_iter().map(|(_, height)| height).collect(),
    )
}
