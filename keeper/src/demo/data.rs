//! The measured data that the demo replays, compiled in. Sources, licences and
//! checksums: `data/README.md`.

use serde::Deserialize;

/// Conversation requests in Azure, 58 minutes of 2023 (CC BY 4.0).
pub const TRACE: &str = include_str!("../../../data/azure_llm_2023_conv.csv");

/// Clients of production services and how many requests each sent (Apache-2.0).
pub const CLIENTS: &str = include_str!("../../../data/servegen_clients.csv");

/// The 25 largest operators of Livepeer by stake (MIT).
pub const LARGEST_STAKES: &str = include_str!("../../../data/livepeer_top25_delegates_latest.csv");

/// How many operators Livepeer had, and how concentrated their stake was (MIT).
pub const CONCENTRATION: &str = include_str!("../../../data/livepeer_concentration_monthly.csv");

/// The model of [`CLIENTS`] whose clients the demo draws from: the one with the most of
/// them, so that no client alone decides an operator's epoch.
pub const CLIENTS_MODEL: &str = "m-large";

#[derive(Deserialize)]
struct ClientRow {
    model: String,
    requests_total: u64,
}

#[derive(Deserialize)]
struct StakeRow {
    bonded_lpt: f64,
    share: f64,
}

#[derive(Deserialize)]
struct ConcentrationRow {
    label: String,
    active_delegates: usize,
    delegates_gini: f64,
}

/// Stakes as published.
pub struct Stakes {
    /// The largest ones, in whole tokens, the largest first.
    pub largest: Vec<f64>,
    /// All stake, in whole tokens.
    pub total: f64,
    /// How many operators share it.
    pub operators: usize,
    /// Gini coefficient of all of them.
    pub gini: f64,
}

/// How many requests each client of [`CLIENTS_MODEL`] sent.
#[must_use]
pub fn client_requests() -> Vec<u64> {
    rows::<ClientRow>(CLIENTS)
        .into_iter()
        .filter(|row| row.model == CLIENTS_MODEL)
        .map(|row| row.requests_total)
        .collect()
}

/// The stakes of Livepeer's operators in the newest snapshot.
#[must_use]
pub fn stakes() -> Stakes {
    let largest = rows::<StakeRow>(LARGEST_STAKES);
    let newest = rows::<ConcentrationRow>(CONCENTRATION)
        .into_iter()
        .find(|row| row.label == "latest")
        .expect("the shipped file has a row `latest`");
    Stakes {
        total: largest[0].bonded_lpt / largest[0].share,
        largest: largest.iter().map(|row| row.bonded_lpt).collect(),
        operators: newest.active_delegates,
        gini: newest.delegates_gini,
    }
}

fn rows<T: for<'de> Deserialize<'de>>(csv: &str) -> Vec<T> {
    csv::Reader::from_reader(csv.as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .expect("the shipped files are the ones whose checksums are tested")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    const README: &str = include_str!("../../../data/README.md");

    #[test]
    fn shipped_data_have_the_checksums_and_sizes_that_the_readme_states() {
        for (name, content) in [
            ("azure_llm_2023_conv.csv", TRACE),
            ("servegen_clients.csv", CLIENTS),
            ("livepeer_top25_delegates_latest.csv", LARGEST_STAKES),
            ("livepeer_concentration_monthly.csv", CONCENTRATION),
        ] {
            let sum = hex::encode(Sha256::digest(content.as_bytes()));
            let rows = csv::Reader::from_reader(content.as_bytes())
                .records()
                .count();
            let line = format!("| {name} | {rows} | {} | {sum} |", content.len());
            assert!(
                README.contains(&line),
                "data/README.md lacks this line:\n{line}"
            );
        }
    }

    #[test]
    fn stakes_and_clients_are_those_of_the_files() {
        let stakes = stakes();
        assert_eq!((stakes.largest.len(), stakes.operators), (25, 197));
        assert_eq!(stakes.total.round(), 17_916_582.0);
        let clients = client_requests();
        assert_eq!(clients.len(), 162);
        assert_eq!(clients.iter().sum::<u64>(), 236_892_826);
    }
}
