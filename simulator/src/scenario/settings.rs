//! The scenario as the simulator uses it: typed, in the simulator's units.

use super::error::ScenarioError;
use super::keys::MODELS;
use super::read::{Document, Entry, Value};
use crate::data::{eurostat, vllm};
use crate::designs;
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::vesting::Vesting;

/// Everything that a scenario says.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How much is computed.
    pub run: Run,
    /// The reward token.
    pub token: Token,
    /// What is emitted.
    pub emission: Emission,
    /// Plimsoll's parameters.
    pub params: Params,
    /// Plimsoll's vesting.
    pub vesting: Vesting,
    /// Work of a client at an operator in an epoch up to this is fragment work, in work units.
    pub fragment_threshold: u64,
    /// Work that arrives.
    pub demand: Demand,
    /// How it reaches operators.
    pub dispatch: Dispatch,
    /// Who takes part.
    pub population: Population,
    /// Classes of operators; their shares sum up to 1.
    pub classes: Vec<Class>,
    /// Countries; their shares sum up to 1.
    pub countries: Vec<Country>,
    /// Constants of the other designs.
    pub designs: designs::Settings,
    /// How rewards are sold.
    pub selling: Selling,
    /// How large attackers are.
    pub attack: Attack,
    /// How much capital enters, and when.
    pub capital: Capital,
}

/// How much is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Independent runs.
    pub runs: u32,
    /// Epochs in a run.
    pub epochs: u32,
    /// Length of an epoch, in hours.
    pub epoch_hours: f64,
    /// Confidence of intervals, 0 to 1.
    pub confidence: f64,
}

impl Run {
    /// Length of an epoch, in days.
    #[must_use]
    pub fn epoch_days(&self) -> f64 {
        self.epoch_hours / 24.0
    }

    /// Length of an epoch, in years of 365.25 days.
    #[must_use]
    pub fn epoch_years(&self) -> f64 {
        self.epoch_hours / HOURS_A_YEAR
    }
}

/// Hours in a year of 365.25 days.
pub const HOURS_A_YEAR: f64 = 8_766.0;

/// The reward token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// Price at the start, in USD.
    pub price_usd: f64,
    /// EUR for a USD.
    pub eur_per_usd: f64,
    /// Change of the price in a year: 0.1 is 10 % more.
    pub price_drift: f64,
    /// Decimals: a token is 10^decimals base units.
    pub decimals: u8,
    /// All tokens there are.
    pub supply: f64,
}

impl Token {
    /// `tokens` in base units, rounded down.
    #[must_use]
    pub fn base_units(&self, tokens: f64) -> u128 {
        let one = 10_u128.pow(u32::from(self.decimals));
        let whole = tokens.floor();
        // Values and decimals are bounded: 10^15 tokens of 10^18 fit by far.
        whole as u128 * one + ((tokens - whole) * one as f64) as u128
    }
}

/// What is emitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emission {
    /// The reserve at the start, in base units.
    pub reserve: u128,
    /// Months over which the network as published emits it, linearly.
    pub months: u32,
    /// Months between the token's start and the first epoch.
    pub months_since_start: u32,
}

/// Work that arrives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Work units a day at the start.
    pub units_per_day: f64,
    /// Change in a year: 0.1 is 10 % more.
    pub growth: f64,
    /// What clients pay for a million work units, in USD.
    pub price_usd: f64,
    /// Share of fees that is burnt or goes to the protocol, 0 to 1.
    pub burnt_fees: f64,
    /// Factor on the measured variation of a client's daily work; 0 is none.
    pub client_noise: f64,
}

/// How work reaches operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Each client's operators are drawn by capacity.
    Open,
    /// The less utilised of two that are drawn.
    LeastLoaded,
    /// Large clients reach only a few operators; the others are dispatched openly.
    Channels,
}

/// How work reaches operators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dispatch {
    /// The model.
    pub model: Model,
    /// Operators that serve a client in an epoch, if they have room for it.
    pub operators_per_client: usize,
    /// Operators that large clients reach, with [`Model::Channels`].
    pub channel_operators: usize,
    /// Share of all work that comes from clients so large that they go through channels.
    pub channel_volume: f64,
}

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Population {
    /// Identities.
    pub operators: usize,
    /// Share of them that a registrar vouches for.
    pub vetted: f64,
    /// Identities to an owner, on average.
    pub identities_per_owner: f64,
    /// How far large operators are those with dear cards: 0 not at all, 1 strictly.
    pub class_by_size: f64,
    /// All stake, in base units.
    pub stake: u128,
    /// How far large operators are those with much stake: 0 not at all, 1 strictly.
    pub stake_by_size: f64,
    /// Share of an operator's stake that is its own.
    pub bond: f64,
}

/// A class of operators.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Share of operators, 0 to 1.
    pub share: f64,
    /// Whether it pays household prices for electricity; otherwise business prices.
    pub household: bool,
    /// Cards of an operator of average size.
    pub cards: f64,
    /// Work units that a card does in a second at full load.
    pub units_per_second: f64,
    /// Rated power of a card, in W.
    pub card_power: f64,
    /// Power of the rest of the machine, for each card, in W.
    pub host_power: f64,
    /// Share of full power that an idle machine draws.
    pub idle_draw: f64,
    /// Power that the building draws for each unit of power of the machine; 1 at home.
    pub pue: f64,
    /// Price of a card, in USD.
    pub card_price_usd: f64,
    /// Years over which a card is written off, linearly.
    pub life: f64,
    /// What an hour of a card costs if it is rented, in USD; then electricity and
    /// depreciation are the lessor's.
    pub rent_usd: Option<f64>,
}

/// A country.
#[derive(Clone, Debug, PartialEq)]
pub struct Country {
    /// Its name, as in Eurostat's tables.
    pub name: String,
    /// Share of operators, 0 to 1.
    pub share: f64,
    /// What households pay, in EUR per kWh.
    pub household: f64,
    /// What businesses pay, in EUR per kWh.
    pub business: f64,
}

/// How rewards are sold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selling {
    /// Share of unlocked rewards that is sold.
    pub sold: f64,
}

/// How large attackers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attack {
    /// Shares of all honest work, small to large.
    pub sizes: [f64; 3],
    /// What renting a bond costs, as a share of it in a year.
    pub bond_rent: f64,
    /// What every identity of an attacker but the first costs, in EUR a year.
    pub identity_cost: f64,
    /// Identities of an attacker that a registrar vouches for.
    pub vetted_identities: u32,
}

/// How much capital enters, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capital {
    /// A small entrant's, in EUR.
    pub small: f64,
    /// A large entrant's, in EUR.
    pub large: f64,
    /// The epoch in which late capital enters.
    pub late_epoch: u32,
}

impl Settings {
    /// Types what was read, and checks what no key can be checked for by itself.
    ///
    /// # Errors
    /// Shares that do not sum up to 1, cards and countries without data, and parameters
    /// that the contract would refuse.
    pub(super) fn of(document: &Document) -> Result<Self, ScenarioError> {
        let look = Look { document };
        let epochs = look.number("run.epochs") as u32;
        let token = Token {
            price_usd: look.number("token.price"),
            eur_per_usd: look.number("token.eur_per_usd"),
            price_drift: look.number("token.price_drift"),
            decimals: look.number("token.decimals") as u8,
            supply: look.number("token.supply"),
        };
        let run = Run {
            seed: look.number("run.seed") as u64,
            runs: look.number("run.runs") as u32,
            epochs,
            epoch_hours: look.number("run.epoch_hours"),
            confidence: look.number("run.confidence"),
        };
        let emission = Emission {
            reserve: token.base_units(look.number("emission.reserve")),
            months: look.number("emission.months") as u32,
            months_since_start: look.number("emission.months_since_start") as u32,
        };
        let settings = Self {
            run,
            token,
            emission,
            params: look.params(),
            vesting: Vesting {
                period_epochs: look.number("plimsoll.period_epochs") as u32,
                vesting_periods: look.number("plimsoll.vesting_periods") as u8,
            },
            fragment_threshold: look.number("plimsoll.fragment_threshold") as u64,
            demand: Demand {
                units_per_day: look.number("demand.units"),
                growth: look.number("demand.growth"),
                price_usd: look.number("demand.price"),
                burnt_fees: look.number("demand.burnt_fees"),
                client_noise: look.number("demand.client_noise"),
            },
            dispatch: Dispatch {
                model: look.model(),
                operators_per_client: look.number("dispatch.operators_per_client") as usize,
                channel_operators: look.number("dispatch.channel_operators") as usize,
                channel_volume: look.number("dispatch.channel_volume"),
            },
            population: Population {
                operators: look.number("population.operators") as usize,
                vetted: look.number("population.vetted"),
                identities_per_owner: look.number("population.identities_per_owner"),
                class_by_size: look.number("population.class_by_size"),
                stake: token.base_units(look.number("population.stake")),
                stake_by_size: look.number("population.stake_by_size"),
                bond: look.number("population.bond"),
            },
            classes: look.classes()?,
            countries: look.countries()?,
            designs: look.designs(token, emission, run),
            selling: Selling {
                sold: look.number("selling.sold"),
            },
            attack: Attack {
                sizes: [
                    look.number("attack.small"),
                    look.number("attack.medium"),
                    look.number("attack.large"),
                ],
                bond_rent: look.number("attack.bond_rent"),
                identity_cost: look.number("attack.identity_cost"),
                vetted_identities: look.number("attack.vetted_identities") as u32,
            },
            capital: Capital {
                small: look.number("capital.small"),
                large: look.number("capital.large"),
                late_epoch: (look.number("capital.late") * f64::from(epochs)) as u32,
            },
        };
        settings.check(&look)?;
        Ok(settings)
    }

    fn check(&self, look: &Look<'_>) -> Result<(), ScenarioError> {
        let token = self.token;
        if self.emission.reserve > token.base_units(token.supply) {
            let problem = "the reserve is larger than token.supply".to_owned();
            return Err(look.error("emission.reserve", problem));
        }
        if self.population.stake > token.base_units(token.supply) {
            let problem = "more is staked than token.supply".to_owned();
            return Err(look.error("population.stake", problem));
        }
        // Amounts of the mechanism are below 2^96.
        if token.base_units(token.supply) >= 1 << 96 {
            let problem =
                "the supply in base units does not fit in 96 bits: use fewer decimals".to_owned();
            return Err(look.error("token.decimals", problem));
        }
        if let Err(param) = self.params.check() {
            let (low, high) = param.bounds();
            let problem = format!("the contract takes {low} to {high}");
            return Err(look.error(&format!("plimsoll.{}", param.name()), problem));
        }
        if !self.vesting.valid() {
            let problem = "the contract refuses this vesting schedule".to_owned();
            return Err(look.error("plimsoll.vesting_periods", problem));
        }
        if self.designs.csm_base > self.designs.csm_full {
            let problem = "other cards earn more than the first ones, designs.csm_full".to_owned();
            return Err(look.error("designs.csm_base", problem));
        }
        let sizes = self.attack.sizes;
        if sizes[0] > sizes[1] || sizes[1] > sizes[2] {
            let problem = "attack.small, medium and large are in rising order".to_owned();
            return Err(look.error("attack.medium", problem));
        }
        if self.capital.small > self.capital.large {
            let problem = "capital.small is larger than capital.large".to_owned();
            return Err(look.error("capital.small", problem));
        }
        Ok(())
    }
}

/// Shares of one may miss it by so much: what twelve decimal figures leave over.
const SHARES_OFF: f64 = 1e-9;

struct Look<'d> {
    document: &'d Document,
}

impl Look<'_> {
    fn entry(&self, key: &str) -> Option<&Entry> {
        self.document.entries.iter().find(|entry| entry.key == key)
    }

    fn optional(&self, key: &str) -> Option<f64> {
        match self.entry(key)?.value {
            Value::Number { value, .. } => Some(value),
            Value::Name(_) => None,
        }
    }

    /// The number of a key that the reader has insisted on.
    fn number(&self, key: &str) -> f64 {
        self.optional(key)
            .expect("the reader refuses a scenario without it")
    }

    fn name(&self, key: &str) -> &str {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Name(name)) => name,
            _ => "",
        }
    }

    fn params(&self) -> Params {
        let of = |name: &str| self.number(&format!("plimsoll.{name}")) as u32;
        Params {
            rate: of("rate"),
            unit_ceiling: self
                .optional("plimsoll.unit_ceiling")
                .map(|value| value as u128),
            fee_multiple: self
                .optional("plimsoll.fee_multiple")
                .map(|value| value as u32),
            fragment_floor: of("fragment_floor"),
            fragment_premium: of("fragment_premium"),
            operator_cap: of("operator_cap"),
            open_ceiling: of("open_ceiling"),
            uplift: of("uplift"),
            bond_leverage: of("bond_leverage"),
            liquid_share: of("liquid_share"),
            liquid_allowance: of("liquid_allowance"),
        }
    }

    fn designs(&self, token: Token, emission: Emission, run: Run) -> designs::Settings {
        let of = |name: &str| self.number(&format!("designs.{name}"));
        let whole = |name: &str| of(name) as u32;
        designs::Settings {
            // Whole hours, by the bounds of the key.
            epoch_hours: run.epoch_hours.round().max(1.0) as u32,
            opg_pool: emission.reserve,
            opg_months: emission.months,
            livepeer_redeem_cost: token.base_units(of("livepeer_redeem_cost")),
            livepeer_face_multiple: whole("livepeer_face_multiple"),
            rocket_pool_interval: whole("rocket_pool_interval"),
            rocket_pool_fee: whole("rocket_pool_fee"),
            cardano_k: whole("cardano_k"),
            cardano_a0: whole("cardano_a0"),
            cardano_leverage: whole("cardano_leverage"),
            graph_lambda: of("graph_lambda"),
            graph_epochs: of("graph_epochs"),
            helium_cap: whole("helium_cap"),
            render_free_cards: whole("render_free_cards"),
            render_decay: of("render_decay"),
            csm_full: whole("csm_full"),
            csm_base: whole("csm_base"),
            csm_full_cards: whole("csm_full_cards"),
            flat_cap: self.optional("designs.flat_cap").map(|value| value as u32),
        }
    }

    fn model(&self) -> Model {
        let name = self.name("dispatch.model");
        match MODELS.iter().position(|model| *model == name) {
            Some(1) => Model::LeastLoaded,
            Some(2) => Model::Channels,
            _ => Model::Open,
        }
    }

    fn classes(&self) -> Result<Vec<Class>, ScenarioError> {
        let names = &self.document.classes;
        self.shares("class", names)?;
        let model = self.name("throughput.model");
        let requests = self.number("throughput.requests");
        names
            .iter()
            .map(|name| {
                let key = |field: &str| format!("class.{name}.{field}");
                let of = |field: &str| self.number(&key(field));
                let card = self.name(&key("card"));
                let Some(units_per_second) = vllm::tokens_per_second(card, model, requests) else {
                    return Err(self.error(
                        &key("card"),
                        format!(
                            "`{card}` was not measured with {model} at {requests} requests a \
                             second; data/vllm_rtx4090_vs_h100.csv has what was"
                        ),
                    ));
                };
                Ok(Class {
                    name: name.clone(),
                    share: of("share"),
                    household: self.name(&key("electricity")) == "household",
                    cards: of("cards"),
                    units_per_second,
                    card_power: of("card_power"),
                    host_power: of("host_power"),
                    idle_draw: of("idle_draw"),
                    pue: of("pue"),
                    card_price_usd: of("card_price"),
                    life: of("life"),
                    rent_usd: self.optional(&key("rent")),
                })
            })
            .collect()
    }

    fn countries(&self) -> Result<Vec<Country>, ScenarioError> {
        let names = &self.document.countries;
        self.shares("country", names)?;
        let (household, business) = (eurostat::household(), eurostat::business());
        let price = |prices: &[eurostat::Price], name: &str| {
            prices
                .iter()
                .find(|price| price.country == name)
                .map(|price| price.eur_kwh)
        };
        names
            .iter()
            .map(|name| {
                let key = format!("country.{name}.share");
                match (price(&household, name), price(&business, name)) {
                    (Some(household), Some(business)) => Ok(Country {
                        name: name.clone(),
                        share: self.number(&key),
                        household,
                        business,
                    }),
                    _ => {
                        let countries = household.iter().map(|price| price.country.as_str());
                        let near = super::keys::nearest(name, countries)
                            .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                        let problem = format!("Eurostat's tables have no `{name}`{near}");
                        Err(self.error(&key, problem))
                    }
                }
            })
            .collect()
    }

    /// Whether the shares of a list sum up to 1.
    fn shares(&self, table: &str, names: &[String]) -> Result<(), ScenarioError> {
        let keys: Vec<String> = names
            .iter()
            .map(|name| format!("{table}.{name}.share"))
            .collect();
        let sum: f64 = keys.iter().map(|key| self.number(key)).sum();
        if (sum - 1.0).abs() <= SHARES_OFF {
            return Ok(());
        }
        // The reader has refused an empty list.
        let last = keys.last().map_or("", String::as_str);
        let problem = format!("the shares of all [[{table}]] sum up to {sum:.6}, not to 1");
        Err(self.error(last, problem))
    }

    fn error(&self, key: &str, problem: String) -> ScenarioError {
        ScenarioError {
            file: None,
            line: self.entry(key).map(|entry| entry.line),
            key: key.to_owned(),
            problem,
        }
    }
}
