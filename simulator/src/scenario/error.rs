//! What is wrong with a scenario, and where.

use std::fmt;

/// A scenario that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The scenario's file; none if it was given as text.
    pub file: Option<String>,
    /// Line in it, from 1; none if the error is not in the file.
    pub line: Option<usize>,
    /// The key: `token.price`; empty if the text is no TOML.
    pub key: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_deref().unwrap_or("scenario");
        write!(f, "{file}")?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": key `{}`", self.key)?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for ScenarioError {}
