//! Who enters with capital, in the histories of the first runs.

use super::run::Stage;
use crate::capital::{best_cards, entrants, invest, Dates, Entrant, History, Offer, Surroundings};
use crate::findings::Capital;
use crate::metrics::Id;
use crate::random::{generator, Purpose};
use crate::statistics::Stream;
use crate::world::{Load, Operator, World};

/// Runs in whose histories capital enters: each plays every design four times more.
pub const RUNS: u64 = 12;

/// Entrants, and where they are in [`Returns`].
const COUNT: usize = 4;

/// By design: what each entrant's capital returned in a year.
pub type Returns = Vec<[f64; COUNT]>;

/// The metrics of the first three entrants.
pub const METRICS: [Id; 3] = [Id::ReturnEarly, Id::ReturnLate, Id::ReturnLarge];

/// Who enters, and with what.
#[derive(Clone, Debug)]
pub struct Entrants {
    who: [Entrant; COUNT],
    offer: Offer,
    /// By design and entrant: how many cards it buys, the best of the history of the
    /// first run; the rest of its capital is stake.
    cards: Vec<[u32; COUNT]>,
}

impl Entrants {
    /// The entrants of a scenario, who buy as many cards as returned most in run 0.
    #[must_use]
    pub fn new(stage: &Stage<'_>) -> Self {
        let settings = stage.scenario.settings();
        let (operators, loads) = recorded(stage, 0);
        let amounts = settings.capital;
        let interval = settings.designs.rocket_pool_interval;
        let dates = Dates::new(settings.run.epochs, amounts.late_epoch, interval);
        let who = entrants(amounts.small, amounts.large, dates);
        let offer = offer(stage, &operators);
        let around = Around { stage };
        let history = history(stage, &operators, &loads, &around);
        let cards = stage
            .designs
            .iter()
            .map(|design| {
                who.each_ref().map(|entrant| {
                    let mut luck = generator(settings.run.seed, 0, Purpose::Luck);
                    best_cards(design.as_ref(), &history, entrant, &offer, &mut luck)
                })
            })
            .collect();
        Self { who, offer, cards }
    }

    /// What capital returned in a run.
    #[must_use]
    pub fn returns(
        &self,
        stage: &Stage<'_>,
        run: u64,
        operators: &[Operator],
        loads: &[Load],
    ) -> Returns {
        let around = Around { stage };
        let history = history(stage, operators, loads, &around);
        stage
            .designs
            .iter()
            .zip(&self.cards)
            .map(|(design, cards)| {
                let mut place = 0;
                self.who.each_ref().map(|entrant| {
                    let cards = cards[place];
                    place += 1;
                    let seed = stage.scenario.settings().run.seed;
                    let mut luck = generator(seed, run, Purpose::Luck);
                    let design = design.as_ref();
                    invest(design, &history, entrant, &self.offer, cards, &mut luck).per_year
                })
            })
            .collect()
    }

    /// The rows of a design, whose entrants returned `streams`.
    #[must_use]
    pub fn rows(&self, design: &str, streams: &[Stream; COUNT], confidence: f64) -> Vec<Capital> {
        self.who
            .iter()
            .zip(streams)
            .map(|(entrant, stream)| Capital {
                design: design.into(),
                entrant: entrant.name.into(),
                capital: entrant.capital,
                entry: entrant.entry,
                return_per_year: stream.interval(confidence),
            })
            .collect()
    }
}

/// Who takes part in run `run`, and all of its work.
fn recorded(stage: &Stage<'_>, run: u64) -> (Vec<Operator>, Vec<Load>) {
    let operators = stage.world.population(run);
    let mut demand = stage.world.demand(run, &operators);
    let loads = (0..stage.epochs())
        .map(|_| {
            let mut load = Load::idle(operators.len());
            demand.next(&mut load);
            load
        })
        .collect();
    (operators, loads)
}

/// A card of the first class that owns its cards, at the median electricity price of its
/// operators, vetted, without a channel.
fn offer(stage: &Stage<'_>, operators: &[Operator]) -> Offer {
    let settings = stage.scenario.settings();
    let class = settings
        .classes
        .iter()
        .position(|class| class.rent_usd.is_none())
        .unwrap_or(0);
    let mut of_class: Vec<&Operator> = operators
        .iter()
        .filter(|operator| operator.class == class)
        .collect();
    if of_class.is_empty() {
        of_class.extend(operators);
    }
    of_class.sort_by(|a, b| a.electricity.total_cmp(&b.electricity));
    let like = of_class[of_class.len() / 2];
    Offer {
        card_price: settings.classes[class].card_price_usd * settings.token.eur_per_usd,
        card_capacity: like.capacity / f64::from(like.cards),
        like: Operator {
            vetted: true,
            channel: false,
            ..like.clone()
        },
    }
}

fn history<'a>(
    stage: &'a Stage<'_>,
    operators: &'a [Operator],
    loads: &'a [Load],
    around: &'a Around<'a>,
) -> History<'a> {
    let settings = stage.scenario.settings();
    History {
        operators,
        loads,
        params: settings.params,
        reserve: settings.emission.reserve,
        epochs_per_year: 1.0 / settings.run.epoch_years(),
        surroundings: around,
    }
}

/// Prices and costs of the scenario.
struct Around<'a> {
    stage: &'a Stage<'a>,
}

impl Around<'_> {
    fn world(&self) -> &World {
        self.stage.world
    }
}

impl Surroundings for Around<'_> {
    fn eur_per_base_unit(&self, epoch: u32) -> f64 {
        self.world().eur_per_base_unit(epoch)
    }

    fn market_price(&self, epoch: u32) -> u128 {
        self.world().market_price_at(epoch)
    }

    fn running_cost(&self, operator: &Operator, units: u64) -> f64 {
        self.world().running_cost(operator, units)
    }

    fn fees(&self, units: u64) -> f64 {
        self.stage.fees(units)
    }
}
