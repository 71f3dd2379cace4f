//! Log lines on standard error, for people or as JSON.

use crate::config::{LogConfig, LogFormat};
use std::io::IsTerminal as _;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

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

/// Libraries whose debug lines hold the addresses of nodes as configured, with the keys
/// that providers put into them. By how their targets begin.
const TALKATIVE: [&str; 3] = ["jsonrpsee", "subxt", "soketto"];

/// Whether a line may be written, whatever the filter says.
fn is_discreet(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO
        || !TALKATIVE
            .iter()
            .any(|library| line.target().starts_with(library))
}

/// Begins logging.
///
/// # Errors
/// See [`LogError`].
pub fn start(config: &LogConfig) -> Result<(), LogError> {
    let ansi = std::io::stderr().is_terminal();
    lines(config, ansi, std::io::stderr)?
        .try_init()
        .map_err(|error| LogError::Twice(error.to_string()))
}

/// What writes lines to `writer`.
fn lines<W>(
    config: &LogConfig,
    ansi: bool,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + 'static, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| LogError::Filter {
        filter: config.filter.clone(),
        reason: error.to_string(),
    })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(ansi)
        .with_writer(writer);
    let lines = match config.format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok(tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(is_discreet))
        .with(lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

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

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("whole").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_filter_makes_libraries_write_the_addresses_of_nodes() {
        const URL: &str = "wss://me:word@rpc.example/key";
        for (format, filter) in [
            (LogFormat::Human, "trace"),
            (LogFormat::Json, "trace"),
            (
                LogFormat::Human,
                "trace,jsonrpsee_client_transport=trace,subxt-reconnecting-rpc-client=trace",
            ),
        ] {
            let config = LogConfig {
                filter: filter.into(),
                format,
            };
            let written = Written::default();
            let to = written.clone();
            let lines = lines(&config, false, move || to.clone()).expect("a filter");
            tracing::subscriber::with_default(lines, || {
                tracing::debug!(target: "jsonrpsee_client_transport::ws", "Connecting to {URL}");
                tracing::debug!(target: "subxt-reconnecting-rpc-client", "Connection to {URL}");
                tracing::trace!(target: "subxt_rpcs::client", "{URL}");
                tracing::info!(target: "jsonrpsee-client", "what they say aloud");
                tracing::debug!("what the keeper says");
            });
            let text = String::from_utf8(written.0.lock().expect("whole").clone()).expect("text");
            assert!(!text.contains("word"), "{text}");
            assert!(text.contains("what they say aloud"), "{text}");
            assert!(text.contains("what the keeper says"), "{text}");
        }
    }
}
