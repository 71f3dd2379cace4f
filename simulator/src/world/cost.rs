//! What operators pay: electricity, or rent, and the wear of their cards.

use super::{Operator, World};
use crate::scenario::settings::{Class, HOURS_A_YEAR};

/// Part of full power that a machine draws at `utilisation` (0 to 1): a straight line from
/// its idle draw to 1.
fn draw(class: &Class, utilisation: f64) -> f64 {
    class.idle_draw + (1.0 - class.idle_draw) * utilisation
}

/// Electricity of a card and its part of the host for an hour, in EUR, at
/// `utilisation` (0 to 1) and a price in EUR per kWh:
/// `(card + host) / 1000 * PUE * (idle + (1 - idle) * utilisation) * price`.
#[must_use]
pub fn electricity_per_hour(class: &Class, utilisation: f64, eur_kwh: f64) -> f64 {
    (class.card_power + class.host_power) / 1_000.0 * class.pue * draw(class, utilisation) * eur_kwh
}

/// Depreciation of a card for an hour, in EUR: straight line over its life.
#[must_use]
pub fn depreciation_per_hour(class: &Class, eur_per_usd: f64) -> f64 {
    class.card_price_usd * eur_per_usd / (class.life * HOURS_A_YEAR)
}

impl World {
    /// What it costs `operator` to be switched on for an epoch and do `units` work units,
    /// in EUR: electricity, idle and under load; or rent, whatever it does.
    #[must_use]
    pub fn running_cost(&self, operator: &Operator, units: u64) -> f64 {
        let class = &self.settings.classes[operator.class];
        let hours = f64::from(operator.cards) * self.settings.run.epoch_hours;
        if let Some(rent) = class.rent_usd {
            return hours * rent * self.settings.token.eur_per_usd;
        }
        let utilisation = (units as f64 / operator.capacity).min(1.0);
        hours * electricity_per_hour(class, utilisation, operator.electricity)
    }

    /// What `operator`'s cards lose in value in an epoch, in EUR, switched on or off; 0 if
    /// they are rented.
    #[must_use]
    pub fn depreciation(&self, operator: &Operator) -> f64 {
        let class = &self.settings.classes[operator.class];
        if class.rent_usd.is_some() {
            return 0.0;
        }
        let hours = f64::from(operator.cards) * self.settings.run.epoch_hours;
        hours * depreciation_per_hour(class, self.settings.token.eur_per_usd)
    }

    /// What the cards of `operator` cost when they were bought, in EUR; 0 if they are rented.
    #[must_use]
    pub fn capital(&self, operator: &Operator) -> f64 {
        let class = &self.settings.classes[operator.class];
        if class.rent_usd.is_some() {
            return 0.0;
        }
        f64::from(operator.cards) * class.card_price_usd * self.settings.token.eur_per_usd
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::eurostat;
    use crate::scenario::Scenario;

    fn class(name: &str) -> Class {
        let scenario = Scenario::shipped();
        let classes = &scenario.settings().classes;
        classes
            .iter()
            .find(|class| class.name == name)
            .unwrap()
            .clone()
    }

    /// EUR per million units, in full, and electricity's share in percent.
    fn per_million(class: &Class, eur_kwh: f64, utilisation: f64) -> (f64, f64) {
        let millions = class.units_per_second * 3_600.0 / 1e6 * utilisation;
        let electricity = electricity_per_hour(class, utilisation, eur_kwh) / millions;
        let full = electricity + depreciation_per_hour(class, 1.0) / millions;
        (
            (full * 1e3).round() / 1e3,
            (electricity / full * 100.0).round(),
        )
    }

    /// The table of costs per million tokens that this project started from: Llama 3 8B,
    /// at full, half and a fifth of load.
    #[test]
    fn the_cost_of_a_million_tokens_is_that_of_the_published_table() {
        let (home, centre) = (class("home"), class("data-centre"));
        let price = |prices: Vec<eurostat::Price>, country: &str| {
            let found = prices.into_iter().find(|price| price.country == country);
            found.unwrap().eur_kwh
        };
        let household = |country| price(eurostat::household(), country);
        let rows = [
            (
                &home,
                household("EU27"),
                [(0.018, 79.0), (0.025, 69.0), (0.045, 58.0)],
            ),
            (
                &home,
                household("Germany"),
                [(0.024, 84.0), (0.031, 76.0), (0.055, 65.0)],
            ),
            (
                &home,
                household("Bulgaria"),
                [(0.010, 62.0), (0.015, 49.0), (0.030, 37.0)],
            ),
            (
                &centre,
                price(eurostat::business(), "EU27"),
                [(0.046, 14.0), (0.088, 9.0), (0.212, 5.0)],
            ),
        ];
        for (class, eur_kwh, expected) in rows {
            let computed = [1.0, 0.5, 0.2].map(|load| per_million(class, eur_kwh, load));
            assert_eq!(computed, expected, "{} at {eur_kwh}", class.name);
        }
    }

    #[test]
    fn an_idle_card_draws_its_idle_power_and_a_full_one_all() {
        let home = class("home");
        // 600 W at 0.30 EUR per kWh are 0.18 EUR an hour, a fifth of it idle.
        assert!((electricity_per_hour(&home, 1.0, 0.3) - 0.18).abs() < 1e-12);
        assert!((electricity_per_hour(&home, 0.0, 0.3) - 0.036).abs() < 1e-12);
        assert!((electricity_per_hour(&home, 0.5, 0.3) - 0.108).abs() < 1e-12);
    }

    #[test]
    fn whoever_rents_pays_rent_and_nothing_else() {
        let world = World::new(&Scenario::shipped());
        let population = world.population(0);
        let renting = population
            .iter()
            .find(|operator| world.class(operator.class) == "rented")
            .unwrap();
        // 0.30 USD an hour and card, one EUR to the USD.
        let rent = f64::from(renting.cards) * 24.0 * 0.3;
        assert!((world.running_cost(renting, 0) - rent).abs() < 1e-9);
        assert!((world.running_cost(renting, 1_000_000) - rent).abs() < 1e-9);
        assert_eq!(
            (world.depreciation(renting), world.capital(renting)),
            (0.0, 0.0)
        );
    }

    #[test]
    fn an_operator_pays_for_all_its_cards_and_the_whole_epoch() {
        let world = World::new(&Scenario::shipped());
        let population = world.population(0);
        let home = population
            .iter()
            .find(|operator| world.class(operator.class) == "home")
            .unwrap();
        let hours = 24.0 * f64::from(home.cards);
        let full = hours * 0.6 * home.electricity;
        let units = home.capacity as u64 + 1;
        assert!((world.running_cost(home, units) - full).abs() < 1e-9);
        assert!((world.running_cost(home, 0) - full * 0.2).abs() < 1e-9);
        let year = world.depreciation(home) * 365.25;
        assert!((year - f64::from(home.cards) * 1_599.0 / 4.0).abs() < 1e-6);
    }
}
