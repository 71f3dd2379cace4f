//! Configuration: a TOML file, and every key of it also as a flag and an environment
//! variable.
//!
//! `keeper/config/maximal.toml` lists and explains all keys; it is compiled in, and
//! flags, environment variables and their help are made from it, so it cannot be
//! incomplete. A flag goes before the environment, both before the file, the file
//! before the default. A key that does not exist is refused, with its line.

use crate::batch::Policy;
use crate::meter::Meters;
use crate::receipt::decimal;
use clap::{Arg, ArgMatches, Command};
use plimsoll_interface::H160;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use toml::{Table, Value};

/// All keys, with what they mean and an example of each.
pub const MAXIMAL: &str = include_str!("../config/maximal.toml");

/// What a keeper needs at least.
pub const MINIMAL: &str = include_str!("../config/minimal.toml");

/// Environment variables of keys begin with this.
const ENV_PREFIX: &str = "PLIMSOLL__";

/// The most entries of a batch that fit into a call of 128 KiB, with a kB to spare for
/// header and signatures of 16 attesters.
const MOST_ENTRIES: u32 = 6_143;

/// The configuration of a keeper, or of an attester.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How the chain is reached.
    pub chain: ChainConfig,
    /// Where the keeper's journal is.
    pub journal: JournalConfig,
    /// Which receipts count.
    pub receipts: ReceiptsConfig,
    /// How work is measured.
    pub meters: Meters,
    /// How batches are cut.
    pub batch: Policy,
    /// Who attests.
    pub attesters: AttestersConfig,
    /// What the daemon does, and how often.
    pub run: RunConfig,
    /// Where the daemon can be asked.
    pub server: ServerConfig,
    /// What is logged.
    pub log: LogConfig,
    /// The attester's service.
    pub attester: AttesterConfig,
}

/// `[chain]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainConfig {
    /// Addresses of nodes; empty takes the one in the deployment file.
    pub urls: Vec<String>,
    /// The deployment file.
    pub deployment: PathBuf,
    /// File with the account's secret URI; without one `PLIMSOLL_SURI` has it.
    pub suri_file: Option<PathBuf>,
    /// Limit for one request, in ms.
    pub request_timeout_ms: u64,
    /// When a transaction that is not final is looked for again, in ms.
    pub finality_timeout_ms: u64,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            deployment: "deployment.toml".into(),
            suri_file: None,
            request_timeout_ms: 30_000,
            finality_timeout_ms: 120_000,
        }
    }
}

/// `[journal]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalConfig {
    /// The file.
    pub file: PathBuf,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self {
            file: "keeper.sqlite".into(),
        }
    }
}

/// `[receipts]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptsConfig {
    /// The network's name, part of what receipts' signers sign.
    pub network: String,
    /// Whose receipts count.
    pub signers: Vec<H160>,
    /// Whether receipts without a signature count.
    pub allow_unsigned: bool,
    /// The folder that `run` takes files from.
    pub spool: Option<PathBuf>,
    /// How far ahead of the chain's clock a receipt may be, in ms.
    pub max_ahead_ms: u64,
}

impl Default for ReceiptsConfig {
    fn default() -> Self {
        Self {
            network: "plimsoll".into(),
            signers: Vec::new(),
            allow_unsigned: false,
            spool: None,
            max_ahead_ms: 600_000,
        }
    }
}

/// `[attesters]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttestersConfig {
    /// Addresses of their services.
    pub urls: Vec<String>,
    /// Limit for one answer, in ms.
    pub timeout_ms: u64,
}

impl Default for AttestersConfig {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            timeout_ms: 30_000,
        }
    }
}

/// `[run]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Time between two looks at the chain, in ms.
    pub interval_ms: u64,
    /// The longest pause after failures, in ms.
    pub backoff_max_ms: u64,
    /// Whether to book.
    pub book: bool,
    /// How many final epochs are booked together.
    pub book_epochs: u32,
    /// Whether to claim.
    pub claim: bool,
    /// The least that is claimed, in base units.
    #[serde(with = "decimal")]
    pub claim_min: u128,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            interval_ms: 6_000,
            backoff_max_ms: 300_000,
            book: true,
            book_epochs: 1,
            claim: true,
            claim_min: 1,
        }
    }
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// The address; it must be a local one.
    pub listen: SocketAddr,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 9_500).into(),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// How lines look.
    pub format: LogFormat,
    /// A level, or targets with levels, as `tracing_subscriber::EnvFilter` has them.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            filter: "info".into(),
        }
    }
}

/// `[attester]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttesterConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its journal.
    pub journal: PathBuf,
    /// File with its key; without one `PLIMSOLL_ATTESTER_KEY` has it.
    pub key_file: Option<PathBuf>,
    /// The largest request, in bytes.
    pub max_request_bytes: usize,
    /// A keeper that answers for its embedded chain.
    pub gateway: Option<String>,
}

impl Default for AttesterConfig {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 9_501).into(),
            journal: "attester.sqlite".into(),
            key_file: None,
            max_request_bytes: 128 << 20,
            gateway: None,
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration {}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no configuration. The reason names the line and the key.
    #[error("configuration {}: {reason}", .path.display())]
    Toml {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A flag or a variable has no value of its key's kind.
    #[error("{place}: {reason}")]
    Override {
        /// The flag and variable.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An environment variable that stands for no key.
    #[error("environment variable {0} stands for no key; see the list in `plimsoll run --help`")]
    UnknownVariable(String),
    /// A value out of its range.
    #[error("configuration key {key}: {reason}")]
    Range {
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// A key of the configuration.
#[derive(Debug)]
struct Key {
    /// For example `chain.urls`.
    path: String,
    /// For example `chain-urls`.
    flag: String,
    /// For example `PLIMSOLL__CHAIN__URLS`.
    variable: String,
    /// What stands above it in the maximal configuration.
    help: String,
    /// The value there.
    example: Value,
}

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let table: Table = MAXIMAL
        .parse()
        .expect("the compiled-in file is TOML, see the tests");
    let mut keys = Vec::new();
    for (section, value) in &table {
        match value {
            Value::Table(values) => {
                for (name, value) in values {
                    keys.push(key(
                        &format!("{section}.{name}"),
                        &[section.as_str(), name.as_str()],
                        value,
                    ));
                }
            }
            other => keys.push(key(section, &[section.as_str()], other)),
        }
    }
    keys
});

fn key(path: &str, parts: &[&str], example: &Value) -> Key {
    Key {
        path: path.into(),
        flag: parts.join("-").replace('_', "-"),
        variable: format!("{ENV_PREFIX}{}", parts.join("__").to_uppercase()),
        help: help(parts),
        example: example.clone(),
    }
}

/// The comment above a key in the maximal configuration.
fn help(parts: &[&str]) -> String {
    let name = parts[parts.len() - 1];
    let section = if parts.len() == 2 { parts[0] } else { "" };
    let mut here = "";
    let mut comment: Vec<&str> = Vec::new();
    for line in MAXIMAL.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            comment.push(text);
            continue;
        }
        let list = format!("[[{name}]]");
        if let Some(title) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            if section.is_empty() && line == list {
                break;
            }
            here = title;
        } else if here == section && line.starts_with(&format!("{name} =")) {
            break;
        }
        comment.clear();
    }
    comment.join(" ")
}

/// Values given by flags and environment variables.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    values: Vec<(&'static str, String)>,
}

impl clap::FromArgMatches for Overrides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |key: &'static Key| {
            let value = matches.get_one::<String>(&key.flag)?;
            Some((key.path.as_str(), value.clone()))
        };
        Ok(Self {
            values: KEYS.iter().filter_map(given).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Overrides {
    fn augment_args(command: Command) -> Command {
        KEYS.iter().fold(command, |command, key| {
            command.arg(
                Arg::new(key.flag.as_str())
                    .long(key.flag.as_str())
                    .env(key.variable.as_str())
                    .value_name("VALUE")
                    .help(key.help.as_str())
                    .help_heading("Configuration keys")
                    .hide_short_help(true)
                    .hide_env_values(true),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl Overrides {
    /// Sets a key, as a flag would.
    #[must_use]
    pub fn with(mut self, path: &'static str, value: impl Into<String>) -> Self {
        self.values.push((path, value.into()));
        self
    }
}

impl Config {
    /// The configuration in `file` (defaults without one) with `overrides`.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        refuse_unknown_variables(
            std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()),
        )?;
        let text = match file {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path).map_err(|source| ConfigError::File {
                path: path.to_owned(),
                source,
            })?,
        };
        Self::parse(&text, file.unwrap_or(Path::new("(none)")), overrides)
    }

    /// The configuration in `text`, which came from the file `path`, with `overrides`.
    /// Paths in the file are relative to its folder.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn parse(text: &str, path: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        let wrong = |reason: String| ConfigError::Toml {
            path: path.to_owned(),
            reason,
        };
        // By itself first: its errors name lines, those of what is merged cannot.
        let mut config: Self =
            toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().into()))?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        for (name, value) in &overrides.values {
            config = config.set(name, value)?;
        }
        config.check()?;
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        let paths = [
            Some(&mut self.chain.deployment),
            self.chain.suri_file.as_mut(),
            Some(&mut self.journal.file),
            self.receipts.spool.as_mut(),
            Some(&mut self.attester.journal),
            self.attester.key_file.as_mut(),
        ];
        for path in paths.into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }

    fn set(self, name: &str, text: &str) -> Result<Self, ConfigError> {
        let key = KEYS.iter().find(|key| key.path == name);
        let place = key.map_or_else(
            || name.to_owned(),
            |key| format!("--{} or {}", key.flag, key.variable),
        );
        let wrong = |reason: String| ConfigError::Override {
            place: place.clone(),
            reason,
        };
        let key = key.ok_or_else(|| wrong("there is no such key".into()))?;
        let value = value(text, &key.example).map_err(&wrong)?;
        let mut table = Table::try_from(&self).map_err(|error| wrong(error.to_string()))?;
        match name.split_once('.') {
            Some((section, name)) => {
                let section = table.entry(section).or_insert_with(|| Table::new().into());
                section
                    .as_table_mut()
                    .expect("a section of the configuration is a table")
                    .insert(name.into(), value);
            }
            None => {
                table.insert(name.into(), value);
            }
        }
        table
            .try_into()
            .map_err(|error: toml::de::Error| wrong(error.message().into()))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let range = |key, reason: &str| {
            Err(ConfigError::Range {
                key,
                reason: reason.into(),
            })
        };
        if !(1..=MOST_ENTRIES).contains(&self.batch.max_entries) {
            return range(
                "batch.max_entries",
                &format!("{} is not 1 to {MOST_ENTRIES}", self.batch.max_entries),
            );
        }
        if self.batch.max_items < 2 {
            return range(
                "batch.max_items",
                "one operator touches two items: at least 2",
            );
        }
        if self.batch.max_receipts == 0 {
            return range("batch.max_receipts", "at least 1");
        }
        if self.run.book_epochs == 0 {
            return range("run.book_epochs", "at least 1");
        }
        // Without a pause a loop is busy, without time nothing is ever answered.
        for (key, ms) in [
            ("run.interval_ms", self.run.interval_ms),
            ("run.backoff_max_ms", self.run.backoff_max_ms),
            ("chain.request_timeout_ms", self.chain.request_timeout_ms),
            ("chain.finality_timeout_ms", self.chain.finality_timeout_ms),
            ("attesters.timeout_ms", self.attesters.timeout_ms),
        ] {
            if ms == 0 {
                return range(key, "at least 1");
            }
        }
        if !self.server.listen.ip().is_loopback() {
            return range(
                "server.listen",
                &format!(
                    "{} is no local address; put a proxy that checks who asks before it",
                    self.server.listen
                ),
            );
        }
        Ok(())
    }
}

/// The value of a flag or variable: text where the key is text; a list of texts also as
/// `a,b`; anything else as in TOML.
fn value(text: &str, example: &Value) -> Result<Value, String> {
    let list_of_texts = match example {
        Value::String(_) => return Ok(Value::String(text.into())),
        Value::Array(items) => matches!(items.first(), Some(Value::String(_))),
        _ => false,
    };
    if list_of_texts && !text.trim_start().starts_with('[') {
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        return Ok(Value::Array(
            items.map(|item| Value::String(item.into())).collect(),
        ));
    }
    let mut table: Table = format!("value = {text}")
        .parse()
        .map_err(|_| format!("`{text}` is no value like `{example}`"))?;
    let value = table.remove("value").expect("the key just written");
    if table.is_empty() {
        Ok(value)
    } else {
        Err(format!("`{text}` is more than one value"))
    }
}

fn refuse_unknown_variables(names: impl Iterator<Item = String>) -> Result<(), ConfigError> {
    let unknown = |name: &String| {
        name.starts_with(ENV_PREFIX) && !KEYS.iter().any(|key| key.variable == *name)
    };
    match names.into_iter().find(unknown) {
        Some(name) => Err(ConfigError::UnknownVariable(name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, FromArgMatches as _};
    use std::collections::BTreeSet;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("keeper.toml"), &Overrides::default())
    }

    fn paths(table: &Table) -> BTreeSet<String> {
        table
            .iter()
            .flat_map(|(section, value)| match value {
                Value::Table(values) => values
                    .keys()
                    .map(|name| format!("{section}.{name}"))
                    .collect(),
                _ => vec![section.clone()],
            })
            .collect()
    }

    #[test]
    fn the_maximal_file_has_every_key_and_explains_it() {
        let config: Config = toml::from_str(MAXIMAL).expect("parses");
        let written = Table::try_from(&config).expect("plain data");
        assert_eq!(paths(&written), paths(&MAXIMAL.parse().expect("parses")));
        for key in KEYS.iter() {
            assert!(key.help.ends_with('.'), "{} has no comment", key.path);
        }
    }

    #[test]
    fn the_maximal_file_has_the_defaults_where_there_are_any() {
        let maximal: Config = toml::from_str(MAXIMAL).expect("parses");
        let mut defaults = Config::default();
        defaults.chain.urls = maximal.chain.urls.clone();
        defaults.chain.suri_file = maximal.chain.suri_file.clone();
        defaults.receipts.signers = maximal.receipts.signers.clone();
        defaults.receipts.spool = maximal.receipts.spool.clone();
        defaults.attesters.urls = maximal.attesters.urls.clone();
        defaults.attester.key_file = maximal.attester.key_file.clone();
        defaults.attester.gateway = maximal.attester.gateway.clone();
        assert_eq!(maximal, defaults);
    }

    #[test]
    fn the_minimal_file_is_enough() {
        assert_eq!(parse(MINIMAL).expect("parses").attesters.urls.len(), 3);
    }

    #[test]
    fn unknown_keys_are_refused_with_their_line() {
        let error = parse("[chain]\nurls = []\nurl = \"x\"\n")
            .expect_err("unknown")
            .to_string();
        assert!(
            error.contains("line 3") && error.contains("`url`"),
            "{error}"
        );
        let error = parse("[chains]\n").expect_err("unknown").to_string();
        assert!(
            error.contains("line 1") && error.contains("`chains`"),
            "{error}"
        );
        let names = ["PLIMSOLL__CHAIN__URL".to_owned()];
        let error = refuse_unknown_variables(names.into_iter()).expect_err("unknown");
        assert!(error.to_string().contains("PLIMSOLL__CHAIN__URL"));
        let names = [
            "PLIMSOLL__CHAIN__URLS".to_owned(),
            "PLIMSOLL_SURI".to_owned(),
        ];
        refuse_unknown_variables(names.into_iter()).expect("known");
    }

    #[test]
    fn every_key_is_a_flag_that_goes_before_the_file() {
        let command = Overrides::augment_args(Command::new("test"));
        let arguments = [
            "test",
            "--chain-urls=ws://a,ws://b",
            "--receipts-allow-unsigned=true",
            "--batch-max-entries=7",
            "--run-claim-min=340282366920938463463374607431768211455",
            "--meters=[{version=3,prefill=1,cached_prefill=1,decode=1,fragment_threshold=5}]",
        ];
        let matches = command
            .try_get_matches_from(arguments)
            .expect("known flags");
        let overrides = Overrides::from_arg_matches(&matches).expect("given");
        let text = "[chain]\nurls = [\"ws://file\"]\n[batch]\nmax_entries = 9\nmax_items = 50\n";
        let config = Config::parse(text, Path::new("keeper.toml"), &overrides).expect("parses");
        assert_eq!(config.chain.urls, ["ws://a", "ws://b"]);
        assert!(config.receipts.allow_unsigned);
        assert_eq!((config.batch.max_entries, config.batch.max_items), (7, 50));
        assert_eq!(config.run.claim_min, u128::MAX);
        assert_eq!(config.meters.at(0).version, 3);
    }

    #[test]
    fn a_wrong_flag_and_a_value_out_of_range_are_named() {
        let wrong = Overrides::default().with("batch.max_entries", "many");
        let error = Config::parse("", Path::new("x"), &wrong).expect_err("no number");
        assert!(error.to_string().contains("--batch-max-entries"), "{error}");
        let wrong = Overrides::default().with("batch.max_entries", "7\nmax_items = 9");
        let error = Config::parse("", Path::new("x"), &wrong).expect_err("two keys");
        assert!(error.to_string().contains("more than one value"), "{error}");
        let error = parse("[batch]\nmax_entries = 0").expect_err("range");
        assert!(error.to_string().contains("batch.max_entries"), "{error}");
        let error = parse("[server]\nlisten = \"0.0.0.0:80\"").expect_err("not local");
        assert!(error.to_string().contains("server.listen"), "{error}");
    }

    #[test]
    fn no_time_at_all_is_out_of_range() {
        for key in [
            "run.interval_ms",
            "run.backoff_max_ms",
            "chain.request_timeout_ms",
            "chain.finality_timeout_ms",
            "attesters.timeout_ms",
        ] {
            let (section, name) = key.split_once('.').expect("two parts");
            let error = parse(&format!("[{section}]\n{name} = 0")).expect_err("range");
            assert!(error.to_string().contains(key), "{error}");
            parse(&format!("[{section}]\n{name} = 1")).expect("in range");
        }
    }

    #[test]
    fn paths_in_a_file_are_relative_to_it() {
        let config = Config::parse(
            MINIMAL,
            Path::new("/etc/plimsoll/keeper.toml"),
            &Overrides::default(),
        )
        .expect("parses");
        assert_eq!(
            config.journal.file,
            Path::new("/etc/plimsoll/keeper.sqlite")
        );
    }
}
