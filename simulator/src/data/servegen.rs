//! Clients and load of production services (ServeGen).

use super::Shipped;
use serde::Deserialize;

/// A row for each client of each model.
pub const CLIENTS: Shipped = Shipped {
    name: "servegen_clients.csv",
    text: include_str!("../../../data/servegen_clients.csv"),
    licence: "Apache-2.0",
    source: "alibaba/ServeGen",
};

/// Requests a second of each model, every ten minutes.
pub const LOAD: Shipped = Shipped {
    name: "servegen_load_10min.csv",
    text: include_str!("../../../data/servegen_load_10min.csv"),
    licence: "Apache-2.0",
    source: "alibaba/ServeGen",
};

/// A client. Own client files have these columns.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Client {
    /// Requests it sent in all.
    pub requests_total: u64,
    /// Coefficient of variation of the gaps between its requests.
    pub rate_weighted_cv: f64,
    /// Windows of ten minutes in which it sent anything.
    pub active_10min_windows: u32,
    /// Windows in all.
    pub windows: u32,
}

#[derive(Deserialize)]
struct ClientRow {
    model: String,
    requests_total: u64,
    rate_weighted_cv: Option<f64>,
    active_10min_windows: u32,
    windows: u32,
}

/// A point of a load curve. Own load files have these columns.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Point {
    /// Seconds since the beginning; every point lasts until the next.
    pub t_seconds: u64,
    /// Requests a second.
    pub rate_rps: f64,
}

#[derive(Deserialize)]
struct LoadRow {
    model: String,
    t_seconds: u64,
    rate_rps: f64,
}

/// The clients of `model` that sent anything, in the file's order; none if there is no such model.
#[must_use]
pub fn clients(model: &str) -> Vec<Client> {
    super::shipped::<ClientRow>(&CLIENTS)
        .into_iter()
        .filter(|row| row.model == model && row.requests_total > 0)
        .map(|row| Client {
            requests_total: row.requests_total,
            // The gaps of a client for which none is given are taken as those of a Poisson process.
            rate_weighted_cv: row.rate_weighted_cv.unwrap_or(1.0),
            active_10min_windows: row.active_10min_windows,
            windows: row.windows,
        })
        .collect()
}

/// The load curve of `model`, in order of time; empty if there is no such model.
#[must_use]
pub fn load(model: &str) -> Vec<Point> {
    super::shipped::<LoadRow>(&LOAD)
        .into_iter()
        .filter(|row| row.model == model)
        .map(|row| Point {
            t_seconds: row.t_seconds,
            rate_rps: row.rate_rps,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_client_sends_a_sixth() {
        let clients = clients("m-large");
        assert_eq!(clients.len(), 162);
        let total: u64 = clients.iter().map(|client| client.requests_total).sum();
        let largest = clients.iter().map(|client| client.requests_total).max();
        assert_eq!((largest, total), (Some(38_013_227), 236_892_826));
    }

    #[test]
    fn clients_and_load_count_the_same_requests() {
        let sent: f64 = load("m-large")
            .iter()
            .map(|point| point.rate_rps * 600.0)
            .sum();
        assert!((sent - 236_892_826.0).abs() < 1.0, "{sent}");
    }

    #[test]
    fn a_model_that_is_not_there_has_nobody() {
        assert!(clients("m-huge").is_empty() && load("m-huge").is_empty());
    }
}
