//! From TOML to entries: every key known, every value in its unit and range, with its line.

use super::error::ScenarioError;
use super::keys::{self, Key, Kind, KEYS, LISTS};
use toml::de::{DeTable, DeValue};
use toml::Spanned;

/// What one key was set to.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key with its dots: `class.home.share`.
    pub key: String,
    /// Its definition.
    pub definition: &'static Key,
    /// Its value.
    pub value: Value,
    /// Where it is from.
    pub source: String,
    /// Line in the file, from 1.
    pub line: usize,
}

/// The value of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number, and the range in which sensitivity moves it.
    Number {
        /// The value, in the key's unit.
        value: f64,
        /// Least value that sensitivity tries.
        low: Option<f64>,
        /// Largest value that sensitivity tries.
        high: Option<f64>,
    },
    /// A name or a path.
    Name(String),
}

/// A document whose keys, units and ranges are as they should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The scenario's name.
    pub name: String,
    /// What it is about, in a sentence.
    pub description: String,
    /// Names of the classes, in the file's order.
    pub classes: Vec<String>,
    /// Names of the countries, in the file's order.
    pub countries: Vec<String>,
    /// All entries, in the order of [`KEYS`], classes and countries one after the other.
    pub entries: Vec<Entry>,
}

/// Reads a scenario's text.
///
/// # Errors
/// The first thing that is not as it should be, with line and key.
pub fn read(text: &str) -> Result<Document, ScenarioError> {
    let at = |offset| line_of(text, offset);
    let root = DeTable::parse(text).map_err(|error| ScenarioError {
        file: None,
        line: error.span().map(|span| at(span.start)),
        key: String::new(),
        problem: format!("this is not TOML: {}", error.message()),
    })?;
    Reader { text }.document(root.get_ref())
}

struct Reader<'t> {
    text: &'t str,
}

type Item<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    fn document(&self, root: &DeTable<'_>) -> Result<Document, ScenarioError> {
        let tables: Vec<&str> = KEYS.iter().map(|key| key.table).collect();
        for (key, _) in root {
            let known = key.get_ref().as_ref();
            if !tables.contains(&known) && !["name", "description"].contains(&known) {
                let names = tables.iter().copied();
                return Err(self.error(key.span().start, known, unknown(known, names)));
            }
        }
        let mut document = Document {
            name: self.plain_text(root, "name")?,
            description: self.plain_text(root, "description")?,
            classes: Vec::new(),
            countries: Vec::new(),
            entries: Vec::new(),
        };
        let mut done: Vec<&str> = Vec::new();
        for table in tables {
            if done.contains(&table) {
                continue;
            }
            done.push(table);
            let Some(item) = root.get(table) else {
                return Err(self.error(0, table, format!("the table [{table}] is missing")));
            };
            if LISTS.contains(&table) {
                let names = self.list(table, item, &mut document.entries)?;
                if table == "class" {
                    document.classes = names;
                } else {
                    document.countries = names;
                }
            } else {
                let Some(content) = item.get_ref().as_table() else {
                    let problem = format!("write it as a table, [{table}]");
                    return Err(self.error(item.span().start, table, problem));
                };
                let start = item.span().start;
                self.table(table, table, content, start, &mut document.entries)?;
            }
        }
        Ok(document)
    }

    /// A list of tables, each with a name of its own; their names.
    fn list(
        &self,
        table: &str,
        item: &Item<'_>,
        entries: &mut Vec<Entry>,
    ) -> Result<Vec<String>, ScenarioError> {
        let start = item.span().start;
        let Some(array) = item.get_ref().as_array() else {
            let problem = format!("write one [[{table}]] for each");
            return Err(self.error(start, table, problem));
        };
        let mut names: Vec<String> = Vec::new();
        for element in array.iter() {
            let start = element.span().start;
            let Some(content) = element.get_ref().as_table() else {
                return Err(self.error(start, table, format!("write one [[{table}]] for each")));
            };
            let Some(named) = content.get("name") else {
                let key = format!("{table}.name");
                return Err(self.error(start, &key, format!("this [[{table}]] has no `name`")));
            };
            let Some(name) = named.get_ref().as_str().filter(|name| !name.is_empty()) else {
                let key = format!("{table}.name");
                let problem = "a name is a text that is not empty".to_owned();
                return Err(self.error(named.span().start, &key, problem));
            };
            if names.iter().any(|other| other == name) {
                let key = format!("{table}.name");
                let problem = format!("`{name}` stands twice; put both into one [[{table}]]");
                return Err(self.error(named.span().start, &key, problem));
            }
            names.push(name.to_owned());
            let prefix = format!("{table}.{name}");
            self.table(table, &prefix, content, start, entries)?;
        }
        if names.is_empty() {
            return Err(self.error(start, table, format!("at least one [[{table}]] is needed")));
        }
        Ok(names)
    }

    /// All keys of a table, none missing and none unknown.
    fn table(
        &self,
        table: &str,
        prefix: &str,
        content: &DeTable<'_>,
        start: usize,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ScenarioError> {
        for (key, _) in content {
            let known = key.get_ref().as_ref();
            let is_name = LISTS.contains(&table) && known == "name";
            if keys::find(table, known).is_none() && !is_name {
                let names = KEYS
                    .iter()
                    .filter(|key| key.table == table)
                    .map(|key| key.name);
                let dotted = format!("{prefix}.{known}");
                return Err(self.error(key.span().start, &dotted, unknown(known, names)));
            }
        }
        for definition in KEYS.iter().filter(|key| key.table == table) {
            let key = format!("{prefix}.{}", definition.name);
            match content.get(definition.name) {
                Some(item) => entries.push(self.entry(key, definition, item)?),
                None if definition.optional => {}
                None => {
                    let problem = format!(
                        "it is missing; write {} = {}",
                        definition.name,
                        example(definition)
                    );
                    return Err(self.error(start, &key, problem));
                }
            }
        }
        Ok(())
    }

    /// One assumption: `{ value = .., unit = "..", source = "..", low = .., high = .. }`.
    fn entry(
        &self,
        key: String,
        definition: &'static Key,
        item: &Item<'_>,
    ) -> Result<Entry, ScenarioError> {
        let start = item.span().start;
        let Some(content) = item.get_ref().as_table() else {
            let problem = format!("an assumption is written as {}", example(definition));
            return Err(self.error(start, &key, problem));
        };
        let fields: &[&str] = match definition.kind {
            Kind::Number { .. } => &["value", "unit", "source", "low", "high"],
            Kind::Name { .. } => &["value", "source"],
        };
        for (field, _) in content {
            let field_name = field.get_ref().as_ref();
            if !fields.contains(&field_name) {
                let problem = format!(
                    "{}; an assumption is written as {}",
                    unknown(field_name, fields.iter().copied()),
                    example(definition)
                );
                return Err(self.error(field.span().start, &key, problem));
            }
        }
        let field = |name: &str| {
            content.get(name).ok_or_else(|| {
                let problem = format!("`{name}` is missing: {}", example(definition));
                self.error(start, &key, problem)
            })
        };
        let source = field("source")?;
        let source = match source.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => text.to_owned(),
            _ => {
                let problem = "`source` says in a text where the value is from".to_owned();
                return Err(self.error(source.span().start, &key, problem));
            }
        };
        let item = field("value")?;
        let value = match definition.kind {
            Kind::Name { .. } => match item.get_ref().as_str() {
                Some(text) => Value::Name(text.to_owned()),
                None => {
                    let problem = format!("`value` is a text here: {}", example(definition));
                    return Err(self.error(item.span().start, &key, problem));
                }
            },
            Kind::Number { unit, .. } => {
                let written = field("unit")?;
                if written.get_ref().as_str() != Some(unit) {
                    let problem = format!(
                        "the unit is {}, and this key takes \"{unit}\": convert the value",
                        written
                            .get_ref()
                            .as_str()
                            .map_or("no text".to_owned(), |unit| format!("\"{unit}\""))
                    );
                    return Err(self.error(written.span().start, &key, problem));
                }
                let end = |name: &str| {
                    content
                        .get(name)
                        .map(|item| self.number(&key, item))
                        .transpose()
                };
                Value::Number {
                    value: self.number(&key, item)?,
                    low: end("low")?,
                    high: end("high")?,
                }
            }
        };
        let line = line_of(self.text, start);
        check(&key, definition, &value).map_err(|problem| ScenarioError {
            file: None,
            line: Some(line),
            key: key.clone(),
            problem,
        })?;
        Ok(Entry {
            key,
            definition,
            value,
            source,
            line,
        })
    }

    fn number(&self, key: &str, item: &Item<'_>) -> Result<f64, ScenarioError> {
        let text = match item.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            _ => {
                let problem = "`value`, `low` and `high` are decimal numbers here".to_owned();
                return Err(self.error(item.span().start, key, problem));
            }
        };
        text.replace('_', "").parse().map_err(|_| {
            let problem = format!("`{text}` is no number that fits");
            self.error(item.span().start, key, problem)
        })
    }

    fn plain_text(&self, root: &DeTable<'_>, key: &str) -> Result<String, ScenarioError> {
        let item = root
            .get(key)
            .ok_or_else(|| self.error(0, key, format!("it is missing; write {key} = \"...\"")))?;
        item.get_ref()
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.error(item.span().start, key, "it is a text".to_owned()))
    }

    fn error(&self, offset: usize, key: &str, problem: String) -> ScenarioError {
        ScenarioError {
            file: None,
            line: Some(line_of(self.text, offset)),
            key: key.to_owned(),
            problem,
        }
    }
}

/// Whether the value of `key` is in its range; otherwise what is wrong.
pub fn check(key: &str, definition: &Key, value: &Value) -> Result<(), String> {
    match (definition.kind, value) {
        (
            Kind::Number {
                unit,
                least,
                most,
                whole,
            },
            Value::Number { value, low, high },
        ) => {
            for number in [Some(*value), *low, *high].into_iter().flatten() {
                if !(least..=most).contains(&number) {
                    return Err(format!(
                        "{number} is out of range: {least} to {most} {unit} are allowed"
                    ));
                }
                if whole && number.fract() != 0.0 {
                    return Err(format!("{number} is not whole; only whole {unit} count"));
                }
            }
            match (low, high) {
                (None, None) => Ok(()),
                (Some(low), Some(high)) if low <= value && value <= high => Ok(()),
                (Some(low), Some(high)) => Err(format!(
                    "the value {value} is not between low = {low} and high = {high}"
                )),
                _ => Err("give both `low` and `high`, or neither".to_owned()),
            }
        }
        (Kind::Name { allowed, file }, Value::Name(name)) => {
            let is_path = file && name.ends_with(".csv");
            if allowed.is_empty() || is_path || allowed.contains(&name.as_str()) {
                return Ok(());
            }
            let path = if file {
                ", or the path of a .csv file"
            } else {
                ""
            };
            Err(format!(
                "`{name}` is not known; `{key}` takes {}{path}",
                allowed.join(", ")
            ))
        }
        _ => Err("a number and a text were mixed up".to_owned()),
    }
}

/// How an assumption of this kind is written.
fn example(definition: &Key) -> String {
    match definition.kind {
        Kind::Number { unit, .. } => {
            format!("{{ value = .., unit = \"{unit}\", source = \"..\" }}, with low and high if it is uncertain")
        }
        Kind::Name { .. } => "{ value = \"..\", source = \"..\" }".to_owned(),
    }
}

fn unknown<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    match keys::nearest(wrong, names) {
        Some(near) => format!("`{wrong}` is not known; did you mean `{near}`?"),
        None => format!("`{wrong}` is not known; take it out"),
    }
}

/// The line of a byte, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}
