//! A table as the template shows it.

/// A table whose every number is in a file.
pub(super) struct Table {
    /// Unique in the page.
    pub id: String,
    pub caption: String,
    /// The file with these numbers; empty if they are in `manifest.json` alone.
    pub file: String,
    pub head: Vec<Head>,
    pub rows: Vec<Row>,
}

/// The head of a column.
pub(super) struct Head {
    pub text: String,
    /// Unit, direction: small below it.
    pub note: String,
    /// `num` for numbers.
    pub class: &'static str,
}

/// A row, which begins with its name.
pub(super) struct Row {
    pub name: String,
    /// Small below the name.
    pub note: String,
    /// `own` for Plimsoll's.
    pub class: &'static str,
    pub cells: Vec<Cell>,
}

/// A cell.
#[derive(Default)]
pub(super) struct Cell {
    pub pieces: Vec<Piece>,
    /// Small below it.
    pub note: String,
    /// `num` for numbers.
    pub class: &'static str,
    pub mark: Option<Mark>,
}

/// A piece of a text: plain, or the address of a source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub text: String,
    pub link: bool,
}

/// What a cell says, in a sign and a word.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub sign: &'static str,
    pub word: &'static str,
    pub class: &'static str,
}

pub(super) const BETTER: Mark = Mark {
    sign: "▲",
    word: "better",
    class: "better",
};
pub(super) const WORSE: Mark = Mark {
    sign: "▼",
    word: "worse",
    class: "worse",
};
pub(super) const UNDECIDED: Mark = Mark {
    sign: "≈",
    word: "undecided",
    class: "undecided",
};
pub(super) const GAINS: Mark = Mark {
    sign: "!",
    word: "pays",
    class: "worse",
};
pub(super) const PASSED: Mark = Mark {
    sign: "✓",
    word: "agrees",
    class: "better",
};
pub(super) const FAILED: Mark = Mark {
    sign: "✗",
    word: "does not agree",
    class: "worse",
};

impl Head {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            note: String::new(),
            class: "",
        }
    }

    pub(super) fn number(text: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            note: note.into(),
            class: "num",
        }
    }
}

impl Row {
    pub(super) fn new(name: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self {
            name: name.into(),
            note: String::new(),
            class: "",
            cells,
        }
    }

    /// The same row, set off if it is Plimsoll's.
    pub(super) fn of(mut self, design: &str) -> Self {
        if design == super::names::PLIMSOLL {
            self.class = "own";
        }
        self
    }
}

impl Cell {
    /// A text, in which addresses of the web become links.
    pub(super) fn text(text: &str) -> Self {
        Self {
            pieces: linked(text),
            ..Self::default()
        }
    }

    pub(super) fn number(text: impl Into<String>) -> Self {
        Self {
            pieces: vec![Piece {
                text: text.into(),
                link: false,
            }],
            class: "num",
            ..Self::default()
        }
    }

    /// A file's name or a key.
    pub(super) fn code(text: &str) -> Self {
        Self {
            class: "code",
            ..Self::text(text)
        }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    pub(super) fn mark(mut self, mark: Option<Mark>) -> Self {
        self.mark = mark;
        self
    }
}

/// Cuts a text at the addresses in it. Only what begins with `https://` or `http://` is
/// one, so that no text can become a link that runs something.
fn linked(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = address(rest) {
        let (before, from) = rest.split_at(start);
        let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')' | ']' | ';');
        let length = from.find(ends).unwrap_or(from.len());
        let link = from[..length].trim_end_matches(['.', ',', ':']);
        if !before.is_empty() {
            pieces.push(Piece {
                text: before.into(),
                link: false,
            });
        }
        pieces.push(Piece {
            text: link.into(),
            link: true,
        });
        rest = &from[link.len()..];
    }
    if !rest.is_empty() {
        pieces.push(Piece {
            text: rest.into(),
            link: false,
        });
    }
    pieces
}

fn address(text: &str) -> Option<usize> {
    ["https://", "http://"]
        .iter()
        .filter_map(|scheme| text.find(scheme))
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(String, bool)> {
        linked(text)
            .into_iter()
            .map(|piece| (piece.text, piece.link))
            .collect()
    }

    #[test]
    fn an_address_in_a_text_is_a_link() {
        assert_eq!(
            pieces("see https://a.org/b, and (http://c.org)."),
            [
                ("see ".into(), false),
                ("https://a.org/b".into(), true),
                (", and (".into(), false),
                ("http://c.org".into(), true),
                (").".into(), false),
            ]
        );
        assert_eq!(pieces("plain"), [("plain".to_owned(), false)]);
        assert!(pieces("").is_empty());
    }

    #[test]
    fn nothing_but_an_address_is_a_link() {
        let text = "javascript:alert(1) data:text/html,x ftp://x";
        assert_eq!(pieces(text), [(text.to_owned(), false)]);
    }
}
