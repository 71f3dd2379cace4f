//! What electricity costs, by country.

use super::Shipped;

/// Households, band 2,500 to 4,999 kWh a year, all taxes (nrg_pc_204).
pub const HOUSEHOLD: Shipped = Shipped {
    name: "eurostat_electricity_household_eur_kwh.csv",
    text: include_str!("../../../data/eurostat_electricity_household_eur_kwh.csv"),
    licence: "Eurostat: reuse with the source named",
    source: "Eurostat nrg_pc_204, by way of Qery-Data/Energy",
};

/// Businesses, band 500 to 1,999 MWh a year, without VAT (nrg_pc_205).
pub const BUSINESS: Shipped = Shipped {
    name: "eurostat_electricity_nonhousehold_eur_kwh.csv",
    text: include_str!("../../../data/eurostat_electricity_nonhousehold_eur_kwh.csv"),
    licence: "Eurostat: reuse with the source named",
    source: "Eurostat nrg_pc_205, by way of Qery-Data/Energy",
};

/// What a country's electricity costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// The country, as Eurostat's file names it.
    pub country: String,
    /// The half-year of the price: `2024 December`.
    pub half_year: String,
    /// Price, in EUR per kWh.
    pub eur_kwh: f64,
}

/// The newest price of every country for households.
#[must_use]
pub fn household() -> Vec<Price> {
    newest(HOUSEHOLD.text)
}

/// The newest price of every country for businesses.
#[must_use]
pub fn business() -> Vec<Price> {
    newest(BUSINESS.text)
}

/// The last half-year with a price, for every country: December 2024 for all but the
/// few that report late or no longer (North Macedonia and, for businesses, Iceland:
/// June 2024; Ukraine: June 2021; United Kingdom: June 2020).
fn newest(text: &str) -> Vec<Price> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader
        .headers()
        .expect("the shipped files are the ones whose checksums are tested")
        .clone();
    reader
        .records()
        .filter_map(|record| {
            let record = record.expect("the shipped files are the ones whose checksums are tested");
            let (half_year, price) = headers
                .iter()
                .zip(record.iter())
                .skip(1)
                .filter_map(|(header, field)| Some((header, field.parse().ok()?)))
                .last()?;
            Some(Price {
                country: record[0].to_owned(),
                half_year: half_year.to_owned(),
                eur_kwh: price,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(prices: &[Price], country: &str) -> (f64, String) {
        let price = prices
            .iter()
            .find(|price| price.country == country)
            .unwrap();
        (price.eur_kwh, price.half_year.clone())
    }

    #[test]
    fn the_newest_half_year_counts() {
        let (household, business) = (household(), business());
        assert_eq!((household.len(), business.len()), (43, 43));
        assert_eq!(of(&household, "Germany"), (0.3943, "2024 December".into()));
        assert_eq!(of(&business, "EU27"), (0.1899, "2024 December".into()));
    }

    #[test]
    fn a_country_that_reports_no_longer_has_its_last_price() {
        assert_eq!(
            of(&household(), "United Kingdom"),
            (0.2203, "2020 June".into())
        );
        assert_eq!(of(&business(), "Iceland"), (0.086, "2024 June".into()));
    }
}
