//! The scenario: a TOML file in which every assumption has a value, a unit, a source
//! and, if it is uncertain, a range.
//!
//! [`keys`] lists what there is, `read` checks a file against it, [`settings`] types
//! it, `inputs` reads the data that it names.

mod document;
mod error;
mod inputs;
pub mod keys;
mod read;
pub mod settings;
mod write;

pub use document::document;
pub use error::ScenarioError;
pub use inputs::{Inputs, Member};
pub use settings::Settings;

use crate::findings::Assumption;
use read::{Document, Entry, Value};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The text of the shipped scenario.
pub const SHIPPED: &str = include_str!("../../scenarios/opg.toml");

/// A scenario that has been checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    document: Document,
    /// Where the paths in it begin.
    folder: PathBuf,
    settings: Settings,
    inputs: Arc<Inputs>,
    assumptions: Vec<Assumption>,
}

/// A choice among names, or the path of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Scenario key: `dispatch.model`.
    pub key: String,
    /// What was chosen.
    pub value: String,
    /// Why, or where it is from.
    pub source: String,
}

impl Scenario {
    /// The shipped scenario: OpenGradient's token, as far as public posts tell.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(SHIPPED, Path::new(".")).expect("a test parses the shipped scenario")
    }

    /// Reads a scenario file.
    ///
    /// # Errors
    /// A file that cannot be read, and everything that [`Scenario::parse`] refuses.
    pub fn open(path: &Path) -> Result<Self, ScenarioError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ScenarioError {
            file: Some(name.clone()),
            line: None,
            key: String::new(),
            problem: format!("it cannot be read: {error}"),
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder).map_err(|error| ScenarioError {
            file: Some(name),
            ..error
        })
    }

    /// Reads a scenario's text; the files it names are relative to `folder`.
    ///
    /// # Errors
    /// Unknown and missing keys, units that do not fit, values out of range, shares that
    /// do not sum up to 1, names without data, and files that cannot be read: the first
    /// of them, with the line.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, ScenarioError> {
        let document = read::read(text)?;
        let settings = Settings::of(&document)?;
        let (classes, countries) = (&settings.classes, &settings.countries);
        let inputs = Inputs::read(&document, classes, countries, folder)?;
        Ok(Self {
            assumptions: assumptions(&document),
            document,
            folder: folder.to_owned(),
            settings,
            inputs: Arc::new(inputs),
        })
    }

    /// The scenario with one number changed. A key that takes whole numbers gets the
    /// nearest one. A share of a class or country moves the other shares in proportion,
    /// so that all sum up to 1.
    ///
    /// # Errors
    /// A key that the scenario does not have, or a value that it does not allow.
    pub fn set(&self, key: &str, value: f64) -> Result<Self, ScenarioError> {
        let refuse = |problem| ScenarioError {
            file: None,
            line: None,
            key: key.to_owned(),
            problem,
        };
        let mut changed = self.clone();
        let entries = &mut changed.document.entries;
        add_optional(entries, key, value);
        let Some(index) = entries.iter().position(|entry| entry.key == key) else {
            let names = entries.iter().map(|entry| entry.key.as_str());
            let near = keys::nearest(key, names)
                .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(refuse(format!("the scenario does not have it{near}")));
        };
        let definition = entries[index].definition;
        let Value::Number { value: old, .. } = entries[index].value else {
            return Err(refuse("it takes a name, not a number".to_owned()));
        };
        let value = match definition.kind {
            keys::Kind::Number { whole: true, .. } => value.round(),
            _ => value,
        };
        let alone = Value::Number {
            value,
            low: None,
            high: None,
        };
        read::check(key, definition, &alone).map_err(refuse)?;
        if definition.name == "share" && keys::LISTS.contains(&definition.table) {
            let others = entries
                .iter()
                .filter(|entry| entry.definition == definition)
                .count()
                - 1;
            if others == 0 && value != 1.0 {
                let problem = format!("there is only one [[{}]]", definition.table);
                return Err(refuse(problem));
            }
            for (other, entry) in entries.iter_mut().enumerate() {
                if entry.definition != definition || other == index {
                    continue;
                }
                if let Value::Number { value: share, .. } = &mut entry.value {
                    *share = if old < 1.0 {
                        *share * (1.0 - value) / (1.0 - old)
                    } else {
                        (1.0 - value) / others as f64
                    };
                }
            }
        }
        if let Value::Number { value: number, .. } = &mut entries[index].value {
            *number = value;
        }
        changed.settings = Settings::of(&changed.document)?;
        changed.assumptions = assumptions(&changed.document);
        Ok(changed)
    }

    /// The scenario with another name chosen, or another file of one's own.
    ///
    /// # Errors
    /// A key that the scenario does not have, a name that it does not allow, and a file
    /// that cannot be read.
    pub fn choose(&self, key: &str, name: &str) -> Result<Self, ScenarioError> {
        let mut changed = self.document.clone();
        let Some(entry) = changed.entries.iter_mut().find(|entry| entry.key == key) else {
            // The same words as for a number.
            return self.set(key, 0.0);
        };
        let value = Value::Name(name.to_owned());
        read::check(key, entry.definition, &value).map_err(|problem| ScenarioError {
            file: None,
            line: None,
            key: key.to_owned(),
            problem,
        })?;
        entry.value = value;
        Self::parse(&write::toml(&changed), &self.folder)
    }

    /// Name of the scenario.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.document.name
    }

    /// What it is about, in a sentence.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.document.description
    }

    /// What it says, typed.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The data that it names.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Every number of the scenario, with unit, source and range.
    #[must_use]
    pub fn assumptions(&self) -> &[Assumption] {
        &self.assumptions
    }

    /// Every name that was chosen.
    #[must_use]
    pub fn choices(&self) -> Vec<Choice> {
        self.document
            .entries
            .iter()
            .filter_map(|entry| match &entry.value {
                Value::Name(value) => Some(Choice {
                    key: entry.key.clone(),
                    value: value.clone(),
                    source: entry.source.clone(),
                }),
                Value::Number { .. } => None,
            })
            .collect()
    }

    /// The number of `key`; none if the scenario does not have it or it is a name.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<f64> {
        self.assumptions
            .iter()
            .find(|assumption| assumption.key == key)
            .map(|assumption| assumption.value)
    }

    /// The effective scenario as TOML that reads as the same scenario: what is hashed, and
    /// what a voter reruns. The same for two files that differ in nothing but layout,
    /// another one for every value, unit, source or range that differs and for every own
    /// file whose content differs (their checksums are comments at its end).
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = write::toml(&self.document);
        for (path, sum) in &self.inputs.files {
            // Writing to a String does not fail.
            let _ = writeln!(text, "# file {path:?}: {sum}");
        }
        text
    }
}

/// Adds a key that a scenario may leave out, at its place, if it takes a number.
fn add_optional(entries: &mut Vec<Entry>, key: &str, value: f64) {
    let definition = key
        .split_once('.')
        .and_then(|(table, name)| keys::find(table, name))
        .filter(|definition| definition.optional && !keys::LISTS.contains(&definition.table))
        .filter(|definition| matches!(definition.kind, keys::Kind::Number { .. }));
    let Some(definition) = definition else { return };
    if entries.iter().any(|entry| entry.key == key) {
        return;
    }
    let place = |of: &keys::Key| keys::KEYS.iter().position(|known| known == of);
    let at = entries
        .iter()
        .position(|entry| place(entry.definition) > place(definition))
        .unwrap_or(entries.len());
    let value = Value::Number {
        value,
        low: None,
        high: None,
    };
    entries.insert(
        at,
        Entry {
            key: key.to_owned(),
            definition,
            value,
            source: "set for this comparison".to_owned(),
            line: 0,
        },
    );
}

fn assumptions(document: &Document) -> Vec<Assumption> {
    document
        .entries
        .iter()
        .filter_map(|entry| match (&entry.value, entry.definition.kind) {
            (Value::Number { value, low, high }, keys::Kind::Number { unit, .. }) => {
                Some(Assumption {
                    key: entry.key.clone(),
                    value: *value,
                    unit: unit.to_owned(),
                    source: entry.source.clone(),
                    low: *low,
                    high: *high,
                })
            }
            _ => None,
        })
        .collect()
}
