//! From a comparison to the chain: the chosen parameters as the arguments of the
//! contract, in a file that a vote can be held on and that `plimsoll propose` executes.
//!
//! ```text
//! plimsoll compare --export params.json -> a vote on the file -> plimsoll propose params.json
//! ```
//!
//! The file says everything twice: each parameter by name, with its unit and bounds, for
//! people; and the call data of `queue(Change::Params(..))`, for the chain. [`read`] takes
//! it only if both say the same, so that nobody votes on one and executes the other.

use crate::findings::Manifest;
use parity_scale_codec::{Decode, Encode};
use plimsoll_interface::{calls, Change};
use plimsoll_mechanism::math::PPM;
use plimsoll_mechanism::params::{Param, Params};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// Version of the file's format.
const FORMAT: u32 = 1;

/// The message that announces a change.
const MESSAGE: &str = "queue";

/// Its argument, in the contract's terms.
const CHANGE: &str = "Change::Params";

/// How its argument is encoded.
const ENCODING: &str = "SCALE: the variant's index (one byte, 00), then the arguments in \
    order; numbers little-endian in 4 (u32) or 16 (u128) bytes, an Option as 00, or 01 and \
    its number";

/// How a number of a parameter is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// Parts per million of something; shown as percent.
    Share,
    /// Millionths of a factor; shown as a factor.
    Factor,
    /// Base units.
    Amount,
}

/// A parameter as an argument of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The field's name in [`Params`].
    pub name: &'static str,
    /// Its type in Rust.
    pub kind: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Smallest value allowed, in `unit`.
    pub low: u128,
    /// Largest value allowed, in `unit`.
    pub high: u128,
    scale: Scale,
}

/// The arguments, in the order in which the contract encodes them.
#[must_use]
pub fn arguments() -> [Argument; 11] {
    use Scale::{Amount, Factor, Share};
    let bounded = |param: Param, unit, scale| {
        let (low, high) = param.bounds();
        Argument {
            name: param.name(),
            kind: "u32",
            unit,
            low: low.into(),
            high: high.into(),
            scale,
        }
    };
    let optional = |name, kind, unit, high, scale| Argument {
        name,
        kind,
        unit,
        low: 0,
        high,
        scale,
    };
    [
        bounded(Param::Rate, "ppm of the reserve, each epoch", Share),
        optional(
            "unit_ceiling",
            "Option<u128>",
            "base units per million work units; null is no ceiling",
            u128::MAX,
            Amount,
        ),
        optional(
            "fee_multiple",
            "Option<u32>",
            "ppm of the fees that an operator's work paid; null is no ceiling",
            u32::MAX.into(),
            Factor,
        ),
        bounded(Param::FragmentFloor, "ppm of the budget", Share),
        bounded(Param::FragmentPremium, "ppm of the plain rate", Factor),
        bounded(Param::OperatorCap, "ppm of the budget", Share),
        bounded(Param::OpenCeiling, "ppm of the budget", Share),
        bounded(Param::Uplift, "ppm of the plain entitlement", Factor),
        bounded(Param::BondLeverage, "ppm of the bond, each epoch", Share),
        bounded(Param::LiquidShare, "ppm of the reward", Share),
        bounded(Param::LiquidAllowance, "ppm of the operator cap", Share),
    ]
}

impl Argument {
    fn is_optional(&self) -> bool {
        self.kind != "u32"
    }

    /// Its value in `params`, in `unit`; none if it is not set.
    #[must_use]
    pub fn of(&self, params: &Params) -> Option<u128> {
        match self.name {
            "unit_ceiling" => params.unit_ceiling,
            "fee_multiple" => params.fee_multiple.map(u128::from),
            name => Param::ALL
                .into_iter()
                .find(|param| param.name() == name)
                .map(|param| param.of(params).into()),
        }
    }

    /// The value with what it means: `20000 (2 %)`.
    #[must_use]
    pub fn show(&self, value: Option<u128>) -> String {
        let Some(value) = value else {
            return "none".into();
        };
        match self.scale {
            Scale::Share => format!("{value} ({} %)", decimal(value, u128::from(PPM) / 100)),
            Scale::Factor => format!("{value} ({} times)", decimal(value, PPM.into())),
            Scale::Amount => value.to_string(),
        }
    }
}

/// `value / one` in decimals, exact for the powers of ten used here.
fn decimal(value: u128, one: u128) -> String {
    let digits = one.ilog10() as usize;
    let rest = format!("{:0digits$}", value % one);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() {
        (value / one).to_string()
    } else {
        format!("{}.{rest}", value / one)
    }
}

/// A parameter that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub argument: Argument,
    /// What it was; none if it was not set.
    pub before: Option<u128>,
    /// What it becomes; none if it is not set any more.
    pub after: Option<u128>,
}

/// What differs between `before` and `after`, in the order of the arguments.
#[must_use]
pub fn differences(before: &Params, after: &Params) -> Vec<Difference> {
    arguments()
        .into_iter()
        .map(|argument| Difference {
            argument,
            before: argument.of(before),
            after: argument.of(after),
        })
        .filter(|difference| difference.before != difference.after)
        .collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            argument,
            before,
            after,
        } = self;
        write!(
            f,
            "{}: {} -> {}, {}",
            argument.name,
            argument.show(*before),
            argument.show(*after),
            argument.unit
        )
    }
}

/// The comparison from which parameters were chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of the program.
    pub version: String,
    /// SHA-256 over the simulator's and the mechanism's sources, 64 hexadecimal digits.
    pub code_sha256: String,
    /// Name of the scenario.
    pub scenario: String,
    /// SHA-256 of the scenario file, sweep keys applied.
    pub scenario_sha256: String,
    /// The data files that were read.
    pub data: Vec<DataHash>,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Independent runs.
    pub runs: u32,
    /// Epochs in a run.
    pub epochs: u32,
    /// The command that makes the comparison again.
    pub command: String,
}

/// A data file of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataHash {
    /// Its name.
    pub file: String,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

impl From<&Manifest> for Provenance {
    fn from(manifest: &Manifest) -> Self {
        Self {
            version: manifest.version.clone(),
            code_sha256: manifest.code_sha256.clone(),
            scenario: manifest.scenario.clone(),
            scenario_sha256: manifest.scenario_sha256.clone(),
            data: manifest
                .data
                .iter()
                .map(|file| DataHash {
                    file: file.file.clone(),
                    sha256: file.sha256.clone(),
                })
                .collect(),
            seed: manifest.seed,
            runs: manifest.runs,
            epochs: manifest.epochs,
            command: manifest.command.clone(),
        }
    }
}

impl Provenance {
    /// Hashes that are hashes, and texts that leave the terminal alone that shows them.
    fn check(&self) -> Result<(), ExportError> {
        let wrong = |key: &str, reason| {
            Err(ExportError::Provenance {
                key: key.into(),
                reason,
            })
        };
        let hashes = [
            ("code_sha256", &self.code_sha256),
            ("scenario_sha256", &self.scenario_sha256),
        ];
        let files = self.data.iter().map(|file| ("data.sha256", &file.sha256));
        for (key, hash) in hashes.into_iter().chain(files) {
            let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            if hash.len() != 64 || !hash.chars().all(digit) {
                return wrong(key, "it is not 64 lower-case hexadecimal digits");
            }
        }
        let texts = [
            ("version", &self.version),
            ("scenario", &self.scenario),
            ("command", &self.command),
        ];
        let names = self.data.iter().map(|file| ("data.file", &file.file));
        for (key, text) in texts.into_iter().chain(names) {
            if text.chars().any(char::is_control) {
                return wrong(key, "it has control characters");
            }
        }
        Ok(())
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "program   {}, sources {}",
            self.version, self.code_sha256
        )?;
        writeln!(f, "scenario  {}, {}", self.scenario, self.scenario_sha256)?;
        for file in &self.data {
            writeln!(f, "data      {}, {}", file.file, file.sha256)?;
        }
        writeln!(
            f,
            "runs      {} of {} epochs, seed {}",
            self.runs, self.epochs, self.seed
        )?;
        write!(f, "command   {}", self.command)
    }
}

/// Why parameters are not exported, or an export is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no export. The reason names the key and the line.
    #[error("it is no export of parameters: {0}")]
    Json(String),
    /// It is of another version.
    #[error("its format is {0}, and this program reads {FORMAT}")]
    Format(u32),
    /// A parameter is missing, twice there, unknown or out of order.
    #[error("argument {at} is {found}, and the contract has {expected} there")]
    Order {
        /// The position, from 1.
        at: usize,
        /// The contract's parameter.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The file is for a contract of another version.
    #[error("the file says that {name} has the {what} {file}, and the contract's is {ours}")]
    Described {
        /// Which parameter, or key.
        name: String,
        /// `type`, `unit`, `smallest value`, `largest value`, ...
        what: &'static str,
        /// What the file says.
        file: String,
        /// What is so.
        ours: String,
    },
    /// A value is no number of its parameter's type.
    #[error("{name}: {reason}")]
    Value {
        /// Which parameter.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The contract would refuse a value.
    #[error("{name} is {value}, and the contract takes {low} to {high}")]
    OutOfBounds {
        /// Which parameter.
        name: &'static str,
        /// Its value.
        value: u32,
        /// The smallest that is taken.
        low: u32,
        /// The largest that is taken.
        high: u32,
    },
    /// Bytes that are none.
    #[error("call.{key}: {reason}; bytes are 0x and two hexadecimal digits each")]
    Hex {
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The call data is not its own parts.
    #[error("call.data is not call.selector and call.arguments, one after the other")]
    Parts,
    /// The call data cannot be decoded.
    #[error("call.arguments cannot be decoded as a change: {0}")]
    Undecodable(String),
    /// There is more than the arguments.
    #[error("call.arguments goes on for {0} bytes after its change")]
    Trailing(usize),
    /// The call data announces something else.
    #[error("the call data announces {0}, and not parameters")]
    OtherChange(&'static str),
    /// The call data has other parameters.
    #[error("the file and its call data differ: {}", told(.0))]
    Differs(Vec<Difference>),
    /// What is said of the comparison cannot be.
    #[error("from.{key}: {reason}")]
    Provenance {
        /// Which key.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What the file says and what its call data says, where they differ.
fn told(differences: &[Difference]) -> String {
    let one = |difference: &Difference| {
        let show = |value| difference.argument.show(value);
        format!(
            "the file says {} {}, its call data says {}",
            difference.argument.name,
            show(difference.before),
            show(difference.after)
        )
    };
    let all: Vec<String> = differences.iter().map(one).collect();
    all.join("; ")
}

/// Parameters out of a file, whose call data was found to say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The parameters, within their bounds.
    pub params: Params,
    /// The call data: `queue(Change::Params(params))`.
    pub data: Vec<u8>,
    /// The comparison they were chosen from, as the file says.
    pub from: Provenance,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    arguments: Vec<Line>,
    call: Call,
    from: Provenance,
}

/// An argument.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    // What may be null must be there all the same.
    #[serde(deserialize_with = "Option::deserialize")]
    value: Option<Number>,
    unit: String,
    low: Number,
    high: Number,
}

/// The call.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    message: String,
    change: String,
    encoding: String,
    selector: String,
    arguments: String,
    data: String,
}

/// A number: what has more than 32 bits is written as a text, because many readers of
/// JSON would round it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Number {
    Short(u32),
    Long(u128),
}

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Short(number) => to.serialize_u32(*number),
            Self::Long(number) => to.serialize_str(&number.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number below 2^32, or a text of decimal digits below 2^128")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Number, E> {
                let wide = || E::invalid_value(serde::de::Unexpected::Unsigned(number), &self);
                u32::try_from(number).map(Number::Short).map_err(|_| wide())
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                let wrong = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                let number: u128 = text.parse().map_err(|_| wrong())?;
                // One text for each number: neither signs nor leading zeros.
                if number.to_string() == text {
                    Ok(Number::Long(number))
                } else {
                    Err(wrong())
                }
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(number) => write!(f, "{number}"),
            Self::Long(number) => write!(f, "{number}"),
        }
    }
}

impl Argument {
    /// `value` as the file has it.
    fn number(&self, value: u128) -> Number {
        match u32::try_from(value) {
            Ok(short) if !self.kind.contains("u128") => Number::Short(short),
            _ => Number::Long(value),
        }
    }

    fn line(&self, params: &Params) -> Line {
        Line {
            name: self.name.into(),
            kind: self.kind.into(),
            value: self.of(params).map(|value| self.number(value)),
            unit: self.unit.into(),
            low: self.number(self.low),
            high: self.number(self.high),
        }
    }

    /// The value of a line that describes this argument as it is.
    fn value(&self, line: &Line) -> Result<Option<u128>, ExportError> {
        same(self.name, "type", &line.kind, self.kind)?;
        same(self.name, "unit", &line.unit, self.unit)?;
        let (low, high) = (self.number(self.low), self.number(self.high));
        same(self.name, "smallest value", &line.low, low)?;
        same(self.name, "largest value", &line.high, high)?;
        let wrong = |reason: &str| {
            Err(ExportError::Value {
                name: self.name,
                reason: reason.into(),
            })
        };
        match (&line.value, self.kind.contains("u128")) {
            (None, _) if self.is_optional() => Ok(None),
            (None, _) => wrong("it must have a value"),
            (Some(Number::Short(value)), false) => Ok(Some((*value).into())),
            (Some(Number::Long(value)), true) => Ok(Some(*value)),
            (Some(Number::Long(_)), false) => wrong("a number is wanted, not a text"),
            (Some(Number::Short(_)), true) => wrong("a text of digits is wanted, not a number"),
        }
    }
}

/// Refuses what the file says of something if it is not so.
fn same(
    name: &str,
    what: &'static str,
    file: &impl ToString,
    ours: impl ToString,
) -> Result<(), ExportError> {
    let (file, ours) = (file.to_string(), ours.to_string());
    if file == ours {
        return Ok(());
    }
    Err(ExportError::Described {
        name: name.into(),
        what,
        file,
        ours,
    })
}

/// Refuses what the contract would refuse.
fn check(params: &Params) -> Result<(), ExportError> {
    params.check().map_err(|param| {
        let (low, high) = param.bounds();
        ExportError::OutOfBounds {
            name: param.name(),
            value: param.of(params),
            low,
            high,
        }
    })
}

fn show(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn bytes(key: &'static str, text: &str) -> Result<Vec<u8>, ExportError> {
    let wrong = |reason: String| ExportError::Hex { key, reason };
    let digits = text
        .strip_prefix("0x")
        .ok_or_else(|| wrong("it does not begin with 0x".into()))?;
    hex::decode(digits).map_err(|error| wrong(error.to_string()))
}

/// The text of a file with `params`, chosen from the comparison `from`: JSON, the same
/// bytes for the same arguments.
///
/// # Errors
/// [`ExportError::OutOfBounds`] and [`ExportError::Provenance`].
pub fn params_json(params: &Params, from: &Provenance) -> Result<String, ExportError> {
    check(params)?;
    from.check()?;
    let change = Change::Params(*params);
    let file = File {
        format: FORMAT,
        arguments: arguments().iter().map(|one| one.line(params)).collect(),
        call: Call {
            message: MESSAGE.into(),
            change: CHANGE.into(),
            encoding: ENCODING.into(),
            selector: show(&calls::selector(MESSAGE)),
            arguments: show(&change.encode()),
            data: show(&calls::queue(&change)),
        },
        from: from.clone(),
    };
    let text = serde_json::to_string_pretty(&file);
    text.map(|text| text + "\n")
        .map_err(|error| ExportError::Json(error.to_string()))
}

/// Writes `params`, chosen from the comparison `from`, to a file; what was in it is
/// replaced.
///
/// # Errors
/// As [`params_json`], and [`ExportError::File`].
pub fn write(path: &Path, params: &Params, from: &Provenance) -> Result<(), ExportError> {
    let text = params_json(params, from)?;
    std::fs::write(path, text).map_err(|source| ExportError::File {
        path: path.to_owned(),
        source,
    })
}

/// Reads a file.
///
/// # Errors
/// See [`ExportError`].
pub fn load(path: &Path) -> Result<Exported, ExportError> {
    let text = std::fs::read_to_string(path).map_err(|source| ExportError::File {
        path: path.to_owned(),
        source,
    })?;
    read(&text)
}

/// Reads the text of a file. Whatever does not follow from the parameters' names and
/// values is compared with what does.
///
/// # Errors
/// See [`ExportError`].
pub fn read(text: &str) -> Result<Exported, ExportError> {
    let file: File =
        serde_json::from_str(text).map_err(|error| ExportError::Json(error.to_string()))?;
    if file.format != FORMAT {
        return Err(ExportError::Format(file.format));
    }
    file.from.check()?;
    let params = params(&file.arguments)?;
    check(&params)?;
    let data = data(&file.call)?;
    let called = called(&data[calls::selector(MESSAGE).len()..])?;
    let differences = differences(&params, &called);
    if !differences.is_empty() {
        return Err(ExportError::Differs(differences));
    }
    Ok(Exported {
        params,
        data,
        from: file.from,
    })
}

/// The parameters by their names and values.
fn params(lines: &[Line]) -> Result<Params, ExportError> {
    let arguments = arguments();
    let nothing = || "nothing".to_owned();
    for at in 0..arguments.len().max(lines.len()) {
        let expected = arguments.get(at).map(|argument| argument.name);
        let found = lines.get(at).map(|line| line.name.as_str());
        if expected != found {
            return Err(ExportError::Order {
                at: at + 1,
                expected: expected.map_or_else(nothing, ToOwned::to_owned),
                found: found.map_or_else(nothing, |name| format!("`{}`", name.escape_debug())),
            });
        }
    }
    // As the contract would be told them, to be read as it reads them.
    let mut encoded = Vec::new();
    for (argument, line) in arguments.iter().zip(lines) {
        let value = argument.value(line)?;
        let short = |value: u128| {
            u32::try_from(value).map_err(|_| ExportError::Value {
                name: argument.name,
                reason: "it has more than 32 bits".into(),
            })
        };
        match (argument.kind, value) {
            ("Option<u128>", value) => value.encode_to(&mut encoded),
            ("Option<u32>", value) => value.map(short).transpose()?.encode_to(&mut encoded),
            (_, value) => short(value.unwrap_or_default())?.encode_to(&mut encoded),
        }
    }
    Ok(Params::decode(&mut encoded.as_slice()).expect("every argument, in the contract's order"))
}

/// The call data, which its parts agree with.
fn data(call: &Call) -> Result<Vec<u8>, ExportError> {
    same("call.message", "value", &call.message, MESSAGE)?;
    same("call.change", "value", &call.change, CHANGE)?;
    same("call.encoding", "value", &call.encoding, ENCODING)?;
    let selector = bytes("selector", &call.selector)?;
    let ours = calls::selector(MESSAGE);
    same("call.selector", "value", &show(&selector), show(&ours))?;
    let data = bytes("data", &call.data)?;
    let parts = [selector, bytes("arguments", &call.arguments)?].concat();
    if data == parts {
        Ok(data)
    } else {
        Err(ExportError::Parts)
    }
}

/// The parameters that call data announces.
fn called(mut arguments: &[u8]) -> Result<Params, ExportError> {
    let change = Change::decode(&mut arguments)
        .map_err(|error| ExportError::Undecodable(error.to_string()))?;
    if !arguments.is_empty() {
        return Err(ExportError::Trailing(arguments.len()));
    }
    match change {
        Change::Params(params) => Ok(params),
        Change::Registrar(_) => Err(ExportError::OtherChange("a registrar")),
        Change::Guardian(_) => Err(ExportError::OtherChange("a guardian")),
        Change::Attesters(_) => Err(ExportError::OtherChange("attesters")),
        Change::Slash { .. } => Err(ExportError::OtherChange("a slash")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{json, Value};

    const PARAMS: Params = Params {
        rate: 10_000,
        unit_ceiling: Some(9_007_199_254_740_993),
        fee_multiple: None,
        fragment_floor: 400_000,
        fragment_premium: 4_000_000,
        operator_cap: 20_000,
        open_ceiling: 150_000,
        uplift: 4_000_000,
        bond_leverage: 10_000,
        liquid_share: 250_000,
        liquid_allowance: 100_000,
    };

    fn provenance() -> Provenance {
        Provenance {
            version: "0.1.0".into(),
            code_sha256: "0c".repeat(32),
            scenario: "opg".into(),
            scenario_sha256: "5e".repeat(32),
            data: vec![DataHash {
                file: "jobs.csv".into(),
                sha256: "da".repeat(32),
            }],
            seed: u64::MAX,
            runs: 100,
            epochs: 365,
            command: "plimsoll compare".into(),
        }
    }

    fn file() -> Value {
        let text = params_json(&PARAMS, &provenance()).expect("in bounds");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Reads the file with what is at a JSON pointer replaced.
    fn with(pointer: &str, value: Value) -> Result<Exported, ExportError> {
        let mut file = file();
        *file.pointer_mut(pointer).expect("there") = value;
        read(&file.to_string())
    }

    /// Reads the file with other arguments of the call, and the data that belongs to them.
    fn with_arguments(arguments: &[u8]) -> Result<Exported, ExportError> {
        let mut file = file();
        let data = [&calls::selector("queue"), arguments].concat();
        file["call"]["arguments"] = show(arguments).into();
        file["call"]["data"] = show(&data).into();
        read(&file.to_string())
    }

    fn any_params() -> impl Strategy<Value = Params> {
        let bounded = Param::ALL.map(|param| {
            let (low, high) = param.bounds();
            low..=high
        });
        (bounded, any::<Option<u128>>(), any::<Option<u32>>()).prop_map(
            |(values, unit_ceiling, fee_multiple)| {
                let [rate, fragment_floor, fragment_premium, operator_cap, open_ceiling, uplift, bond_leverage, liquid_share, liquid_allowance] =
                    values;
                Params {
                    rate,
                    unit_ceiling,
                    fee_multiple,
                    fragment_floor,
                    fragment_premium,
                    operator_cap,
                    open_ceiling,
                    uplift,
                    bond_leverage,
                    liquid_share,
                    liquid_allowance,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_is_exported_is_read_as_it_was(params in any_params()) {
            let text = params_json(&params, &provenance()).expect("in bounds");
            let exported = read(&text).expect("just written");
            prop_assert_eq!(exported.params, params);
            prop_assert_eq!(exported.from, provenance());
            prop_assert_eq!(exported.data, calls::queue(&Change::Params(params)));
        }
    }

    #[test]
    fn call_data_with_any_bit_changed_is_refused() {
        let arguments = Change::Params(PARAMS).encode();
        assert!(with_arguments(&arguments).is_ok());
        for bit in 0..arguments.len() * 8 {
            let mut changed = arguments.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(with_arguments(&changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn the_arguments_are_those_that_the_contract_encodes_in_its_order() {
        let params = Params {
            fee_multiple: Some(7),
            ..PARAMS
        };
        let mut encoded = Vec::new();
        for argument in arguments() {
            let value = argument.of(&params).expect("all are set");
            if argument.is_optional() {
                encoded.push(1);
            }
            let bytes = if argument.kind.contains("u128") {
                16
            } else {
                4
            };
            encoded.extend_from_slice(&value.to_le_bytes()[..bytes]);
        }
        assert_eq!(encoded, params.encode());
    }

    #[test]
    fn the_file_has_what_a_voter_reads_and_what_a_chain_is_sent() {
        let file = file();
        assert_eq!(
            file["arguments"][0],
            json!({"name": "rate", "type": "u32", "value": 10_000, "low": 0, "high": 1_000_000,
                "unit": "ppm of the reserve, each epoch"})
        );
        // Beyond 2^53, so as a text; and one that is not set.
        assert_eq!(file["arguments"][1]["value"], "9007199254740993");
        assert_eq!(file["arguments"][2]["value"], Value::Null);
        assert_eq!(file["call"]["selector"], show(&calls::selector("queue")));
        let data = show(&calls::queue(&Change::Params(PARAMS)));
        assert_eq!(file["call"]["data"], data);
    }

    #[test]
    fn the_same_parameters_give_the_same_bytes_in_the_order_of_a_reader() {
        let text = params_json(&PARAMS, &provenance()).expect("in bounds");
        assert_eq!(text, params_json(&PARAMS, &provenance()).expect("again"));
        let at = |key: &str| text.find(&format!("\"{key}\":")).expect("there");
        assert!(at("format") < at("arguments") && at("arguments") < at("call"));
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn parameters_out_of_bounds_are_neither_written_nor_read_and_the_bounds_are_told() {
        let params = Params {
            fragment_floor: 500_001,
            ..PARAMS
        };
        let error = params_json(&params, &provenance()).expect_err("out of bounds");
        let told = "fragment_floor is 500001, and the contract takes 0 to 500000";
        assert_eq!(error.to_string(), told);
        let error = with("/arguments/3/value", json!(500_001)).expect_err("out of bounds");
        assert_eq!(error.to_string(), told);
        // Also where the call data says the same.
        let mut file = file();
        file["arguments"][3]["value"] = json!(500_001);
        let change = Change::Params(params);
        file["call"]["arguments"] = show(&change.encode()).into();
        file["call"]["data"] = show(&calls::queue(&change)).into();
        let error = read(&file.to_string()).expect_err("out of bounds");
        assert_eq!(error.to_string(), told);
    }

    #[test]
    fn every_value_that_differs_from_the_call_data_is_refused_with_both() {
        for (at, argument) in arguments().into_iter().enumerate() {
            let value = match argument.of(&PARAMS) {
                None => json!(5),
                Some(_) if argument.kind.contains("u128") => json!("5"),
                Some(value) => json!(u64::try_from(value).expect("32 bits") + 1),
            };
            let refused = with(&format!("/arguments/{at}/value"), value);
            let Err(error @ ExportError::Differs(_)) = refused else {
                panic!("{}: {refused:?}", argument.name);
            };
            let text = error.to_string();
            let says = format!("the file says {}", argument.name);
            assert!(
                text.contains(&says) && text.contains("its call data says"),
                "{text}"
            );
        }
        let error = with("/arguments/0/value", json!(20_000)).expect_err("another rate");
        assert_eq!(
            error.to_string(),
            "the file and its call data differ: the file says rate 20000 (2 %), \
             its call data says 10000 (1 %)"
        );
    }

    #[test]
    fn every_word_about_an_argument_is_compared_with_the_contracts() {
        for at in 0..arguments().len() {
            for (key, value) in [
                ("name", json!("rat")),
                ("type", json!("u64")),
                ("unit", json!("percent")),
                ("low", json!(3)),
                ("high", json!(4_000_000_000_u32)),
            ] {
                let refused = with(&format!("/arguments/{at}/{key}"), value);
                assert!(
                    matches!(
                        refused,
                        Err(ExportError::Described { .. } | ExportError::Order { .. })
                    ),
                    "{at} {key}: {refused:?}"
                );
            }
        }
    }

    #[test]
    fn every_other_key_of_the_call_is_compared_too() {
        for (key, value) in [
            ("message", "cancel"),
            ("change", "Change::Guardian"),
            ("encoding", "JSON"),
            ("selector", "0x00000000"),
            ("selector", "00000000"),
            ("arguments", "0x00"),
            ("arguments", "0x0"),
            ("data", "0x00"),
            ("data", "0xzz"),
        ] {
            let refused = with(&format!("/call/{key}"), value.into());
            assert!(refused.is_err(), "{key} = {value}");
        }
        assert!(matches!(
            with("/call/data", "0x00".into()),
            Err(ExportError::Parts)
        ));
    }

    #[test]
    fn call_data_that_goes_on_or_ends_early_or_announces_something_else_is_refused() {
        let mut arguments = Change::Params(PARAMS).encode();
        let short = with_arguments(&arguments[..arguments.len() - 1]);
        assert!(
            matches!(short, Err(ExportError::Undecodable(_))),
            "{short:?}"
        );
        arguments.push(0);
        let long = with_arguments(&arguments);
        assert!(matches!(long, Err(ExportError::Trailing(1))), "{long:?}");
        let guardian = with_arguments(&Change::Guardian(Default::default()).encode());
        let text = guardian.expect_err("a guardian").to_string();
        assert!(text.contains("announces a guardian"), "{text}");
    }

    #[test]
    fn unknown_missing_and_doubled_keys_are_refused_with_their_line() {
        for pointer in ["", "/arguments/0", "/call", "/from", "/from/data/0"] {
            let mut more = file();
            let object = more.pointer_mut(pointer).and_then(Value::as_object_mut);
            object.expect("an object").insert("extra".into(), json!(1));
            let text = serde_json::to_string_pretty(&more).expect("JSON");
            let error = read(&text).expect_err("an unknown key").to_string();
            assert!(
                error.contains("`extra`") && error.contains("line "),
                "{error}"
            );

            let whole = file();
            let object = whole.pointer(pointer).and_then(Value::as_object);
            for key in object.expect("an object").keys() {
                let mut less = file();
                let object = less.pointer_mut(pointer).and_then(Value::as_object_mut);
                object.expect("an object").remove(key);
                let error = read(&less.to_string())
                    .expect_err("a missing key")
                    .to_string();
                assert!(
                    error.contains(&format!("`{key}`")),
                    "{pointer} {key}: {error}"
                );
            }
        }
        let text = params_json(&PARAMS, &provenance()).expect("in bounds");
        let twice = text.replacen("\"format\": 1,", "\"format\": 1, \"format\": 1,", 1);
        let error = read(&twice).expect_err("a key twice").to_string();
        assert!(error.contains("duplicate field `format`"), "{error}");
        assert!(read(&format!("{text}{{}}")).is_err(), "more than a file");
    }

    #[test]
    fn arguments_must_all_be_there_once_and_in_order() {
        let change = |act: fn(&mut Vec<Value>)| {
            let mut file = file();
            act(file["arguments"].as_array_mut().expect("a list"));
            read(&file.to_string())
                .expect_err("another list")
                .to_string()
        };
        let error = change(|list| drop(list.remove(2)));
        let told = "argument 3 is `fragment_floor`, and the contract has fee_multiple there";
        assert_eq!(error, told);
        let error = change(|list| list.push(list[10].clone()));
        assert!(
            error.contains("argument 12") && error.contains("nothing"),
            "{error}"
        );
        let error = change(|list| list.swap(0, 3));
        assert!(error.starts_with("argument 1 "), "{error}");
    }

    #[test]
    fn numbers_are_whole_in_range_and_written_in_one_way() {
        for (at, value) in [
            (0, json!(-1)),
            (0, json!(1.5)),
            (0, json!("10000")),
            (0, json!(u64::from(u32::MAX) + 1)),
            (0, Value::Null),
            (1, json!(5)),
            (1, json!("+5")),
            (1, json!("05")),
            (1, json!("")),
            (1, json!("340282366920938463463374607431768211456")),
            (2, json!("5")),
        ] {
            let refused = with(&format!("/arguments/{at}/value"), value.clone());
            assert!(
                matches!(
                    refused,
                    Err(ExportError::Json(_) | ExportError::Value { .. })
                ),
                "{at} {value}: {refused:?}"
            );
        }
        assert!(matches!(
            with("/format", json!(2)),
            Err(ExportError::Format(2))
        ));
    }

    #[test]
    fn what_is_said_of_the_comparison_is_shown_as_it_is_or_refused() {
        for key in ["code_sha256", "scenario_sha256", "data/0/sha256"] {
            for hash in ["", &"0C".repeat(32), &"0c".repeat(31)] {
                let refused = with(&format!("/from/{key}"), json!(hash));
                assert!(
                    matches!(refused, Err(ExportError::Provenance { .. })),
                    "{key} {hash}: {refused:?}"
                );
            }
        }
        for key in ["version", "scenario", "command", "data/0/file"] {
            let refused = with(&format!("/from/{key}"), json!("a\u{1b}[2Jb"));
            assert!(
                matches!(refused, Err(ExportError::Provenance { .. })),
                "{key}"
            );
            let shown = with(&format!("/from/{key}"), json!("another")).expect("a text");
            assert!(shown.from.to_string().contains("another"), "{key}");
        }
        for key in ["seed", "runs", "epochs"] {
            let shown = with(&format!("/from/{key}"), json!(987)).expect("a number");
            assert!(shown.from.to_string().contains("987"), "{key}");
        }
    }

    #[test]
    fn what_differs_is_told_with_units_and_what_it_means() {
        let after = Params {
            rate: 12_345,
            unit_ceiling: None,
            uplift: 2_500_000,
            ..PARAMS
        };
        let told: Vec<String> = differences(&PARAMS, &after)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "rate: 10000 (1 %) -> 12345 (1.2345 %), ppm of the reserve, each epoch",
                "unit_ceiling: 9007199254740993 -> none, base units per million work units; \
                 null is no ceiling",
                "uplift: 4000000 (4 times) -> 2500000 (2.5 times), ppm of the plain entitlement",
            ]
        );
        assert_eq!(differences(&PARAMS, &PARAMS), []);
    }

    #[test]
    fn a_manifest_is_where_an_export_is_from() {
        let manifest = Manifest {
            version: "1".into(),
            code_sha256: "aa".repeat(32),
            scenario: "s".into(),
            scenario_sha256: "bb".repeat(32),
            data: vec![crate::findings::DataFile {
                file: "f.csv".into(),
                sha256: "cc".repeat(32),
                licence: "CC0".into(),
                source: "there".into(),
            }],
            seed: 1,
            runs: 2,
            epochs: 3,
            command: "c".into(),
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("params.json");
        write(&path, &PARAMS, &(&manifest).into()).expect("writable");
        let exported = load(&path).expect("just written");
        assert_eq!(exported.from, (&manifest).into());
        let shown = exported.from.to_string();
        for part in ["1", "s", "f.csv", "seed 1"] {
            assert!(shown.contains(part), "{shown}");
        }
        for hash in ["aa", "bb", "cc"] {
            assert!(shown.contains(&hash.repeat(32)), "{shown}");
        }
        let error = load(&folder.path().join("none")).expect_err("no file");
        assert!(error.to_string().contains("none"), "{error}");
    }
}
