//! Every key that a scenario has, with its unit and its bounds.

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number in a unit, from the least to the most allowed, both included.
    Number {
        /// The unit, as it has to be written.
        unit: &'static str,
        /// Least value.
        least: f64,
        /// Largest value.
        most: f64,
        /// Whether only whole numbers make sense.
        whole: bool,
    },
    /// A name: one of these or, if `file` is set, the path of a CSV file.
    Name {
        /// The names allowed; empty if they are looked up in the data.
        allowed: &'static [&'static str],
        /// Whether a path ending in `.csv` is allowed as well.
        file: bool,
    },
}

/// A key of the scenario.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Its table: `token`; `class` and `country` may stand several times.
    pub table: &'static str,
    /// Its name in the table.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether it may be left out.
    pub optional: bool,
}

/// Tables that may stand several times, each with a `name`.
pub const LISTS: [&str; 2] = ["class", "country"];

const fn number(
    table: &'static str,
    name: &'static str,
    unit: &'static str,
    least: f64,
    most: f64,
) -> Key {
    Key {
        table,
        name,
        kind: Kind::Number {
            unit,
            least,
            most,
            whole: false,
        },
        optional: false,
    }
}

const fn whole(
    table: &'static str,
    name: &'static str,
    unit: &'static str,
    least: f64,
    most: f64,
) -> Key {
    Key {
        table,
        name,
        kind: Kind::Number {
            unit,
            least,
            most,
            whole: true,
        },
        optional: false,
    }
}

const fn name(
    table: &'static str,
    name: &'static str,
    allowed: &'static [&'static str],
    file: bool,
) -> Key {
    Key {
        table,
        name,
        kind: Kind::Name { allowed, file },
        optional: false,
    }
}

const fn may_be_left_out(key: Key) -> Key {
    Key {
        optional: true,
        ..key
    }
}

/// Base units per million work units go up to this: 2^53 is the largest range in which a
/// scenario's numbers are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The ways of dispatch, in the order of [`super::settings::Model`].
pub const MODELS: [&str; 3] = ["open", "least-loaded", "channels"];

/// Every key, in the order in which tables and documents show them.
pub const KEYS: &[Key] = &[
    whole("run", "seed", "number", 0.0, EXACT),
    whole("run", "runs", "runs", 1.0, 1e6),
    whole("run", "epochs", "epochs", 1.0, 36_500.0),
    whole("run", "epoch_hours", "h", 1.0, 8_766.0),
    number("run", "confidence", "share", 0.5, 0.9999),
    number("token", "price", "USD/token", 1e-9, 1e6),
    number("token", "eur_per_usd", "EUR/USD", 0.01, 100.0),
    number("token", "price_drift", "share/year", -0.99, 100.0),
    whole("token", "decimals", "digits", 0.0, 18.0),
    number("token", "supply", "token", 1.0, 1e15),
    number("emission", "reserve", "token", 0.0, 1e15),
    whole("emission", "months", "months", 1.0, 1_200.0),
    whole("emission", "months_since_start", "months", 0.0, 1_200.0),
    name("emission", "allocation", &["opg"], true),
    name("emission", "bucket", &[], false),
    whole("plimsoll", "rate", "ppm", 0.0, 1e6),
    may_be_left_out(whole(
        "plimsoll",
        "unit_ceiling",
        "base units/million units",
        0.0,
        EXACT,
    )),
    may_be_left_out(whole(
        "plimsoll",
        "fee_multiple",
        "ppm",
        0.0,
        4_294_967_295.0,
    )),
    whole("plimsoll", "fragment_floor", "ppm", 0.0, 500_000.0),
    whole("plimsoll", "fragment_premium", "ppm", 1e6, 1e8),
    whole("plimsoll", "operator_cap", "ppm", 1_000.0, 1e6),
    whole("plimsoll", "open_ceiling", "ppm", 0.0, 1e6),
    whole("plimsoll", "uplift", "ppm", 1e6, 1e9),
    whole("plimsoll", "bond_leverage", "ppm", 0.0, 1e9),
    whole("plimsoll", "liquid_share", "ppm", 0.0, 1e6),
    whole("plimsoll", "liquid_allowance", "ppm", 0.0, 1e6),
    whole("plimsoll", "period_epochs", "epochs", 1.0, 36_500.0),
    whole("plimsoll", "vesting_periods", "periods", 1.0, 12.0),
    whole("plimsoll", "fragment_threshold", "units", 0.0, EXACT),
    number("demand", "units", "units/day", 0.0, 1e15),
    number("demand", "growth", "share/year", -0.99, 100.0),
    number("demand", "price", "USD/million units", 0.0, 1e6),
    number("demand", "burnt_fees", "share", 0.0, 1.0),
    number("demand", "client_noise", "factor", 0.0, 10.0),
    name("demand", "trace", &["azure-conv"], true),
    name("demand", "clients", SERVEGEN, true),
    name("demand", "load", SERVEGEN, true),
    name("dispatch", "model", &MODELS, false),
    whole("dispatch", "operators_per_client", "operators", 1.0, 1e6),
    whole("dispatch", "channel_operators", "operators", 1.0, 1e6),
    number("dispatch", "channel_volume", "share", 0.0, 1.0),
    whole("population", "operators", "operators", 1.0, 1e5),
    name("population", "skew", &["livepeer", "rocket-pool"], true),
    name("population", "members", &["drawn"], true),
    number("population", "vetted", "share", 0.0, 1.0),
    number("population", "identities_per_owner", "ratio", 1.0, 100.0),
    number("population", "class_by_size", "share", 0.0, 1.0),
    number("population", "stake", "token", 0.0, 1e15),
    number("population", "stake_by_size", "share", 0.0, 1.0),
    number("population", "bond", "share", 0.0, 1.0),
    name("throughput", "model", &[], false),
    number("throughput", "requests", "requests/s", 0.001, 1e6),
    number("class", "share", "share", 0.0, 1.0),
    name("class", "card", &[], false),
    name("class", "electricity", &["household", "business"], false),
    number("class", "cards", "cards", 0.01, 1e6),
    number("class", "card_power", "W", 1.0, 1e5),
    number("class", "host_power", "W", 0.0, 1e5),
    number("class", "idle_draw", "share", 0.0, 1.0),
    number("class", "pue", "ratio", 1.0, 10.0),
    number("class", "card_price", "USD", 0.0, 1e7),
    number("class", "life", "years", 0.1, 100.0),
    may_be_left_out(number("class", "rent", "USD/h", 0.0, 1e4)),
    number("country", "share", "share", 0.0, 1.0),
    number("designs", "livepeer_redeem_cost", "token", 0.0, 1e9),
    whole("designs", "livepeer_face_multiple", "ratio", 1.0, 1e6),
    whole("designs", "rocket_pool_interval", "epochs", 1.0, 36_500.0),
    whole("designs", "rocket_pool_fee", "ppm", 0.0, 1e6),
    whole("designs", "cardano_k", "pools", 1.0, 1e6),
    whole("designs", "cardano_a0", "ppm", 0.0, 1e8),
    whole("designs", "cardano_leverage", "ratio", 1.0, 1e6),
    number("designs", "graph_lambda", "ratio", 0.0, 100.0),
    number("designs", "graph_epochs", "epochs", 0.01, 36_500.0),
    whole("designs", "helium_cap", "ppm", 0.0, 1e9),
    whole("designs", "render_free_cards", "cards", 0.0, 1e6),
    number("designs", "render_decay", "1/card", 0.0, 100.0),
    whole("designs", "csm_full", "ppm", 1.0, 1e6),
    whole("designs", "csm_base", "ppm", 0.0, 1e6),
    whole("designs", "csm_full_cards", "cards", 0.0, 1e6),
    may_be_left_out(whole("designs", "flat_cap", "ppm", 0.0, 1e6)),
    number("selling", "sold", "share", 0.0, 1.0),
    number("attack", "small", "share", 0.0, 1.0),
    number("attack", "medium", "share", 0.0, 1.0),
    number("attack", "large", "share", 0.0, 1.0),
    number("attack", "bond_rent", "share/year", 0.0, 100.0),
    number("attack", "identity_cost", "EUR/year", 0.0, 1e6),
    whole("attack", "vetted_identities", "identities", 0.0, 1e3),
    number("capital", "small", "EUR", 1.0, 1e12),
    number("capital", "large", "EUR", 1.0, 1e12),
    number("capital", "late", "share of the run", 0.05, 0.95),
];

/// The models of ServeGen with clients and a load curve.
const SERVEGEN: &[&str] = &[
    "servegen:m-large",
    "servegen:m-mid",
    "servegen:m-small",
    "servegen:deepseek-r1",
];

/// The key `name` of `table`.
#[must_use]
pub fn find(table: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter()
        .find(|key| key.table == table && key.name == name)
}

/// The key most like `wrong` among `names`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name)
}

/// Edits (Levenshtein) between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_mechanism::params::Param;

    #[test]
    fn no_key_stands_twice() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(
                KEYS[..index]
                    .iter()
                    .all(|other| (other.table, other.name) != (key.table, key.name)),
                "{}.{}",
                key.table,
                key.name
            );
        }
    }

    #[test]
    fn the_bounds_of_the_parameters_are_the_contract_s() {
        for param in Param::ALL {
            let Some(Key {
                kind: Kind::Number { least, most, .. },
                ..
            }) = find("plimsoll", param.name())
            else {
                panic!("no key for {}", param.name());
            };
            let (low, high) = param.bounds();
            assert_eq!((*least, *most), (f64::from(low), f64::from(high)));
        }
    }

    #[test]
    fn a_misspelt_key_finds_its_neighbour_and_nonsense_finds_none() {
        let names = || KEYS.iter().map(|key| key.name);
        assert_eq!(nearest("pirce", names()), Some("price"));
        assert_eq!(nearest("epoch_hour", names()), Some("epoch_hours"));
        assert_eq!(nearest("xylophone", names()), None);
    }
}
