//! Log lines on standard error, for people or as JSON.

use crate::config::{LogConfig, LogFormat};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("configuration key log.filter: `{filter}`: {reason}; for example `info` or `plimsoll_keeper=debug,warn`")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It began already.
    #[error("logging began already: {0}")]
    Twice(String),
}

/// Begins logging.
///
/// # Errors
/// See [`LogError`].
pub fn start(config: &LogConfig) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| LogError::Filter {
        filter: config.filter.clone(),
        reason: error.to_string(),
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.format {
        LogFormat::Human => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|error| LogError::Twice(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_named() {
        let config = LogConfig {
            filter: "plimsoll=loud".into(),
            ..LogConfig::default()
        };
        let error = start(&config).expect_err("no such level").to_string();
        assert!(
            error.contains("log.filter") && error.contains("plimsoll=loud"),
            "{error}"
        );
    }
}
