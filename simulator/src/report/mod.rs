//! The report: one HTML page that needs nothing else, and beside it every number of it
//! as CSV and JSON.
//!
//! [`write()`] puts these files in a folder, each whole or not at all:
//!
//! | file | holds |
//! |---|---|
//! | `report.html` | what a voter reads |
//! | `findings.json` | all of [`Findings`] |
//! | `manifest.json` | what it was computed from |
//! | `scenario.toml` | the scenario, changes applied |
//! | `results.csv`, `coverage.csv`, ... | the tables, a row each |
//! | `charts/ID.csv` | the points of a chart |
//!
//! The same findings give the same bytes.

mod atomic;
pub mod numbers;
mod page;
pub mod svg;
mod tables;

use crate::findings::Findings;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A table could not be made.
    #[error("cannot make a table: {0}")]
    Table(#[from] csv::Error),
    /// JSON could not be made.
    #[error("cannot make JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The page could not be made.
    #[error("cannot make the page: {0}")]
    Page(#[from] askama::Error),
    /// A chart's id names a file and a place in the page: it must be of small letters,
    /// digits and hyphens, begin with a letter, and be used once.
    #[error("chart id '{0}' is used twice or is not of small letters, digits and hyphens")]
    ChartId(String),
}

/// Writes a report into `folder`, which is made if it is not there, and returns the
/// files written, in that order: tables first, the page last, so that whatever stops it
/// leaves whole files.
///
/// `scenario_text` is the scenario that was computed, with all changes applied.
///
/// # Errors
/// If a chart has no usable id (before anything is written), if the findings cannot be
/// shown, or if a file cannot be written.
pub fn write(
    findings: &Findings,
    scenario_text: &str,
    folder: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    check_ids(findings)?;
    let mut written = Vec::new();
    let mut put = |name: &str, content: &[u8]| -> Result<(), ReportError> {
        let path = folder.join(name);
        atomic::write(&path, content).map_err(|source| ReportError::Io {
            path: path.clone(),
            source,
        })?;
        written.push(path);
        Ok(())
    };
    put("scenario.toml", scenario_text.as_bytes())?;
    put("manifest.json", &json(&findings.manifest)?)?;
    for (name, content) in tables::all(findings)? {
        put(&name, &content)?;
    }
    put("findings.json", &json(findings)?)?;
    put("report.html", page::render(findings)?.as_bytes())?;
    Ok(written)
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, ReportError> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

fn check_ids(findings: &Findings) -> Result<(), ReportError> {
    let mut seen = BTreeSet::new();
    for chart in &findings.charts {
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits =
            chart.id.starts_with(|c: char| c.is_ascii_lowercase()) && chart.id.chars().all(letters);
        if !fits || !seen.insert(&chart.id) {
            return Err(ReportError::ChartId(chart.id.clone()));
        }
    }
    Ok(())
}
