//! The measured data that the demo replays: the files that the comparator ships, too.
//! Sources, licences and checksums: `data/README.md`.

use plimsoll_simulator::data::{azure, livepeer, servegen};
use serde::Deserialize;

/// Conversation requests in Azure, 58 minutes of 2023 (CC BY 4.0).
pub const TRACE: &str = azure::CONVERSATIONS.text;

/// Clients of production services and how many requests each sent (Apache-2.0).
const CLIENTS: &str = servegen::CLIENTS.text;

/// The 25 largest operators of Livepeer by stake (MIT).
const LARGEST_STAKES: &str = livepeer::LARGEST.text;

/// How many operators Livepeer had, and how concentrated their stake was (MIT).
const CONCENTRATION: &str = livepeer::CONCENTRATION.text;

/// The model whose clients the demo draws from: the one with the most of
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
