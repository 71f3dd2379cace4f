//! What a scenario reads beside itself: shipped data by name, or own CSV files.

use super::error::ScenarioError;
use super::read::{Document, Value};
use super::settings::{Class, Country};
use crate::data::{self, azure, livepeer, opg, rocketpool, servegen};
use serde::de::DeserializeOwned;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::Path;

/// What worlds are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Sizes of jobs, in work units.
    pub jobs: Vec<u64>,
    /// Clients.
    pub clients: Vec<servegen::Client>,
    /// The load curve, repeated.
    pub load: Vec<servegen::Point>,
    /// Sizes of operators, the largest first, in any unit.
    pub sizes: Vec<f64>,
    /// Operators given one by one; none if they are drawn.
    pub members: Option<Vec<Member>>,
    /// Buckets of the token's supply but the one that is emitted here.
    pub other_buckets: Vec<opg::Bucket>,
    /// Own files that were read: path as written, SHA-256.
    pub files: Vec<(String, String)>,
}

/// An operator of an own population.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The person or company behind it.
    pub owner: u32,
    /// Name of a class of the scenario.
    pub class: String,
    /// Name of a country of the scenario.
    pub country: String,
    /// Cards, at least 1.
    pub cards: u32,
    /// Whether a registrar vouches for it.
    pub vetted: bool,
    /// Whether large clients reach it.
    pub channel: bool,
    /// Stake behind it, in tokens.
    pub stake: f64,
    /// Its own part of the stake, in tokens.
    pub bond: f64,
}

#[derive(Deserialize)]
struct SizeRow {
    size: f64,
}

impl Inputs {
    /// Reads everything that `document` names; paths are relative to `folder`.
    ///
    /// # Errors
    /// A file that cannot be read or does not fit, with the line of the key that names it.
    pub(super) fn read(
        document: &Document,
        classes: &[Class],
        countries: &[Country],
        folder: &Path,
    ) -> Result<Self, ScenarioError> {
        let mut reader = Reader {
            document,
            folder,
            files: Vec::new(),
        };
        let inputs = Self {
            jobs: reader.jobs()?,
            clients: reader.clients()?,
            load: reader.load()?,
            sizes: reader.sizes()?,
            members: reader.members(classes, countries)?,
            other_buckets: reader.other_buckets()?,
            files: Vec::new(),
        };
        Ok(Self {
            files: reader.files,
            ..inputs
        })
    }
}

struct Reader<'a> {
    document: &'a Document,
    folder: &'a Path,
    files: Vec<(String, String)>,
}

impl Reader<'_> {
    fn jobs(&mut self) -> Result<Vec<u64>, ScenarioError> {
        let key = "demand.trace";
        let requests: Vec<azure::Request> = match self.own(key)? {
            Some(rows) => rows,
            None => azure::requests(),
        };
        let jobs: Vec<u64> = requests
            .iter()
            .map(azure::Request::units)
            .filter(|units| *units > 0)
            .collect();
        self.some(key, &jobs, "a job with tokens")?;
        Ok(jobs)
    }

    fn clients(&mut self) -> Result<Vec<servegen::Client>, ScenarioError> {
        let key = "demand.clients";
        let mut clients: Vec<servegen::Client> = match self.own(key)? {
            Some(rows) => rows,
            None => servegen::clients(self.model(key)),
        };
        clients.retain(|client| client.requests_total > 0);
        self.some(key, &clients, "a client that sends requests")?;
        for client in &clients {
            let cv = client.rate_weighted_cv;
            if !(cv.is_finite() && cv >= 0.0) || client.active_10min_windows > client.windows {
                let problem =
                    "a client's variation is a number from 0 up, and it is active in no more \
                               windows than there are";
                return Err(self.error(key, problem.to_owned()));
            }
        }
        Ok(clients)
    }

    fn load(&mut self) -> Result<Vec<servegen::Point>, ScenarioError> {
        let key = "demand.load";
        let load: Vec<servegen::Point> = match self.own(key)? {
            Some(rows) => rows,
            None => servegen::load(self.model(key)),
        };
        let rising = load
            .windows(2)
            .all(|pair| pair[0].t_seconds < pair[1].t_seconds);
        let sane = load
            .iter()
            .all(|point| point.rate_rps.is_finite() && point.rate_rps >= 0.0);
        let sum: f64 = load.iter().map(|point| point.rate_rps).sum();
        if load.len() < 2 || !rising || !sane || sum <= 0.0 {
            let problem =
                "a load curve has at least two points in rising time, rates from 0 up, and \
                           not all of them 0";
            return Err(self.error(key, problem.to_owned()));
        }
        Ok(load)
    }

    fn sizes(&mut self) -> Result<Vec<f64>, ScenarioError> {
        let key = "population.skew";
        let mut sizes: Vec<f64> = match self.own::<SizeRow>(key)? {
            Some(rows) => rows.into_iter().map(|row| row.size).collect(),
            None if self.name(key) == "rocket-pool" => rocketpool::pool_shares(),
            None => livepeer::stakes(),
        };
        if sizes.iter().any(|size| !(size.is_finite() && *size > 0.0)) {
            let problem = "sizes are numbers above 0".to_owned();
            return Err(self.error(key, problem));
        }
        self.some(key, &sizes, "a size")?;
        sizes.sort_by(|a, b| b.total_cmp(a));
        Ok(sizes)
    }

    fn members(
        &mut self,
        classes: &[Class],
        countries: &[Country],
    ) -> Result<Option<Vec<Member>>, ScenarioError> {
        let key = "population.members";
        let Some(members) = self.own::<Member>(key)? else {
            return Ok(None);
        };
        self.some(key, &members, "an operator")?;
        for (index, member) in members.iter().enumerate() {
            // The first line of the file names the columns.
            let line = index + 2;
            let problem = if !classes.iter().any(|class| class.name == member.class) {
                format!("there is no [[class]] `{}`", member.class)
            } else if !countries
                .iter()
                .any(|country| country.name == member.country)
            {
                format!("there is no [[country]] `{}`", member.country)
            } else if member.cards == 0 {
                "an operator has at least one card".to_owned()
            } else if !(member.bond >= 0.0 && member.bond <= member.stake && member.stake < 1e15) {
                "a bond is from 0 up to the stake it is part of".to_owned()
            } else {
                continue;
            };
            let file = self.name(key);
            return Err(self.error(key, format!("line {line} of {file}: {problem}")));
        }
        Ok(Some(members))
    }

    fn other_buckets(&mut self) -> Result<Vec<opg::Bucket>, ScenarioError> {
        let key = "emission.allocation";
        let mut buckets: Vec<opg::Bucket> = match self.own(key)? {
            Some(rows) => rows,
            None => opg::allocation(),
        };
        let all = buckets.len();
        let emitted = self.name("emission.bucket");
        buckets.retain(|bucket| bucket.bucket != emitted);
        if buckets.len() + 1 != all {
            let problem = format!("the allocation has not one bucket `{emitted}`");
            return Err(self.error("emission.bucket", problem));
        }
        Ok(buckets)
    }

    /// The rows of the own file that `key` names; none if it names shipped data.
    fn own<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<Vec<T>>, ScenarioError> {
        let name = self.name(key).to_owned();
        if !name.ends_with(".csv") {
            return Ok(None);
        }
        let path = self.folder.join(&name);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let problem = format!(
                "{} cannot be read: {error}; paths are relative to the scenario's folder",
                path.display()
            );
            self.error(key, problem)
        })?;
        let rows = data::rows(&text).map_err(|error| {
            let line = error.position().map_or(String::new(), |position| {
                format!(" line {}", position.line())
            });
            self.error(key, format!("{}{line}: {error}", path.display()))
        })?;
        let sum = hex::encode(Sha256::digest(text.as_bytes()));
        self.files.push((name, sum));
        Ok(Some(rows))
    }

    fn some<T>(&self, key: &str, items: &[T], what: &str) -> Result<(), ScenarioError> {
        if items.is_empty() {
            return Err(self.error(key, format!("`{}` has not {what}", self.name(key))));
        }
        Ok(())
    }

    /// The model of ServeGen that `key` names.
    fn model(&self, key: &str) -> &str {
        let name = self.name(key);
        name.strip_prefix("servegen:").unwrap_or(name)
    }

    fn name(&self, key: &str) -> &str {
        let entry = self.document.entries.iter().find(|entry| entry.key == key);
        match entry.map(|entry| &entry.value) {
            Some(Value::Name(name)) => name,
            _ => "",
        }
    }

    fn error(&self, key: &str, problem: String) -> ScenarioError {
        let entry = self.document.entries.iter().find(|entry| entry.key == key);
        ScenarioError {
            file: None,
            line: entry.map(|entry| entry.line),
            key: key.to_owned(),
            problem,
        }
    }
}
