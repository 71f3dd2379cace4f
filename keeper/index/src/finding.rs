//! What does not add up, and where.

use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use std::fmt;

/// What kind of thing does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The history does not begin with the deployment, or has a second one, or was deployed
    /// with terms that the contract refuses.
    Deployment,
    /// The contract emitted what no contract of this version emits.
    Foreign,
    /// An event cannot come there: what it needs has not happened, or is over, or what must
    /// follow it does not.
    OutOfTurn,
    /// A figure in an event is not what follows from the history before it.
    Figure,
    /// A batch is not the next one of its epoch and lane.
    Sequence,
    /// A batch's digest is not that of its header and entries.
    Digest,
    /// The transaction with a batch does not carry enough signatures of its epoch's attesters.
    Signatures,
    /// Something is taken that is not there, or a figure leaves its range.
    Ledger,
    /// The contract's own view of its state is not what the history comes to.
    State,
    /// The contract's code is another one.
    Code,
    /// The contract holds less of the token than it owes.
    Balance,
    /// A receipt is not under the root of the batch that should have counted it.
    Receipt,
    /// A receipt was counted twice.
    Twice,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Deployment,
        Self::Foreign,
        Self::OutOfTurn,
        Self::Figure,
        Self::Sequence,
        Self::Digest,
        Self::Signatures,
        Self::Ledger,
        Self::State,
        Self::Code,
        Self::Balance,
        Self::Receipt,
        Self::Twice,
    ];

    /// Its name, as it is shown and listed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Foreign => "foreign",
            Self::OutOfTurn => "out_of_turn",
            Self::Figure => "figure",
            Self::Sequence => "sequence",
            Self::Digest => "digest",
            Self::Signatures => "signatures",
            Self::Ledger => "ledger",
            Self::State => "state",
            Self::Code => "code",
            Self::Balance => "balance",
            Self::Receipt => "receipt",
            Self::Twice => "twice",
        }
    }
}

/// Where something was found. What is not known, or does not matter, is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The block.
    pub block: Option<u64>,
    /// The epoch.
    pub epoch: Option<Epoch>,
    /// The lane of a batch.
    pub lane: Option<u32>,
    /// The number of a batch in its epoch and lane.
    pub seq: Option<u64>,
    /// The operator.
    pub operator: Option<OperatorIndex>,
    /// The number of an announced change.
    pub change: Option<u32>,
    /// The event or the view, by its name.
    pub of: String,
}

impl Place {
    /// In an event or a view of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self {
            of: name.to_owned(),
            ..Self::default()
        }
    }

    /// There, in an epoch.
    #[must_use]
    pub fn epoch(self, epoch: Epoch) -> Self {
        Self {
            epoch: Some(epoch),
            ..self
        }
    }

    /// There, in a batch.
    #[must_use]
    pub fn batch(self, (epoch, lane, seq): (Epoch, u32, u64)) -> Self {
        Self {
            epoch: Some(epoch),
            lane: Some(lane),
            seq: Some(seq),
            ..self
        }
    }

    /// There, of an operator.
    #[must_use]
    pub fn operator(self, operator: OperatorIndex) -> Self {
        Self {
            operator: Some(operator),
            ..self
        }
    }

    /// There, of an announced change.
    #[must_use]
    pub fn change(self, change: u32) -> Self {
        Self {
            change: Some(change),
            ..self
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("block", self.block),
            ("epoch", self.epoch.map(u64::from)),
            ("lane", self.lane.map(u64::from)),
            ("batch", self.seq),
            ("operator", self.operator.map(u64::from)),
            ("change", self.change.map(u64::from)),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, "{name} {value}, ")?;
            }
        }
        f.write_str(&self.of)
    }
}

/// The first thing that does not add up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// Where.
    pub place: Box<Place>,
    /// Which field there; empty if it is about the whole.
    pub field: String,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.place, self.kind.name())?;
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)
    }
}

impl Finding {
    /// A finding about the whole of `place`.
    pub fn new(
        kind: Kind,
        place: Place,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            place: Box::new(place),
            field: String::new(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// The same about a field.
    #[must_use]
    pub fn field(self, field: &str) -> Self {
        Self {
            field: field.to_owned(),
            ..self
        }
    }
}

/// Where two values of a type first differ: the path of the field, what is expected there
/// and what was found. Both are compared as they are shown, field by field.
pub(crate) fn difference(
    expected: &impl fmt::Debug,
    found: &impl fmt::Debug,
) -> (String, String, String) {
    let (expected, found) = (format!("{expected:#?}"), format!("{found:#?}"));
    let (mut left, mut right) = (expected.lines(), found.lines());
    // The names of the fields that the line at hand is in, each with its indentation.
    let mut path: Vec<(usize, &str)> = Vec::new();
    loop {
        let (a, b) = (left.next(), right.next());
        let Some(line) = a.or(b) else {
            return (String::new(), expected, found);
        };
        let indentation = line.len() - line.trim_start().len();
        path.retain(|(outer, _)| *outer < indentation);
        let named = line.trim_start().split_once(": ");
        if let Some((name, _)) = named {
            path.push((indentation, name));
        }
        if a != b {
            let value = |line: Option<&str>| {
                let text = line.map_or("nothing", str::trim);
                let text = text.split_once(": ").map_or(text, |(_, value)| value);
                text.trim_end_matches([',', ' ', '{', '(', '[']).to_owned()
            };
            let names: Vec<&str> = path.iter().map(|(_, name)| *name).collect();
            return (names.join("."), value(a), value(b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Inner {
        #[allow(dead_code, reason = "it is shown")]
        deep: Option<u8>,
    }

    #[derive(Debug)]
    struct Outer {
        #[allow(dead_code, reason = "it is shown")]
        first: u8,
        #[allow(dead_code, reason = "it is shown")]
        inner: Inner,
    }

    fn outer(first: u8, deep: Option<u8>) -> Outer {
        Outer {
            first,
            inner: Inner { deep },
        }
    }

    #[test]
    fn the_first_field_that_differs_is_named_with_what_it_is_in() {
        let (path, expected, found) = difference(&outer(1, Some(2)), &outer(3, Some(2)));
        assert_eq!((&path[..], &expected[..], &found[..]), ("first", "1", "3"));
        let (path, expected, found) = difference(&outer(1, Some(2)), &outer(1, None));
        assert_eq!(
            (&path[..], &expected[..], &found[..]),
            ("inner.deep", "Some", "None")
        );
        let (path, expected, found) = difference(&outer(1, Some(2)), &outer(1, Some(7)));
        assert_eq!(
            (&path[..], &expected[..], &found[..]),
            ("inner.deep", "2", "7")
        );
        let (path, expected, found) = difference(&7_u64, &8_u64);
        assert_eq!((&path[..], &expected[..], &found[..]), ("", "7", "8"));
    }

    #[test]
    fn a_finding_says_what_where_and_both_figures() {
        let place = Place {
            block: Some(17),
            ..Place::of("RewardsBooked").epoch(3).operator(5)
        };
        let finding = Finding::new(Kind::Figure, place, "100", "101").field("amount");
        assert_eq!(
            finding.to_string(),
            "block 17, epoch 3, operator 5, RewardsBooked (figure), amount: expected 100, found 101"
        );
    }

    #[test]
    fn kinds_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = Kind::ALL.map(Kind::name).into();
        assert_eq!(names.len(), Kind::ALL.len());
    }
}
