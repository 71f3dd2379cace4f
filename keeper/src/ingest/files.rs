//! Files of receipts, line by line.

use super::IngestError;
use crate::receipt::Receipt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The longest line of JSON. A receipt is half a kB.
const MAX_LINE: u64 = 64 * 1_024;

/// The columns of receipts in CSV, which are also the keys in JSON.
const COLUMNS: [&str; 12] = [
    "id",
    "operator",
    "client",
    "model",
    "verification",
    "evidence",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "fee",
    "completed_at",
    "signature",
];

/// Columns that a file may lack.
const OPTIONAL: [&str; 3] = ["evidence", "cached_input_tokens", "signature"];

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with the columns' names in the first line.
    Csv,
    /// The Azure trace's columns.
    Azure,
}

/// Why a line gives no receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Which line.
    pub line: Option<u64>,
    /// What is wrong with it.
    pub reason: String,
    /// The line as it came, or what stands for it.
    pub body: String,
    /// Whether the file itself cannot be read from here on. Nothing follows, and what
    /// would have followed is not known.
    pub broken: bool,
}

impl Flaw {
    /// A line that is no receipt.
    pub(super) fn new(line: u64, reason: String, body: String) -> Self {
        Self {
            line: Some(line),
            reason,
            body,
            broken: false,
        }
    }

    /// The end of what can be read.
    pub(super) fn broken(line: u64, error: &std::io::Error) -> Self {
        Self {
            line: Some(line),
            reason: format!("line {line} and what follows cannot be read: {error}"),
            body: String::new(),
            broken: true,
        }
    }

    /// A row of `path` that cannot be taken apart. Its text is lost, so place and error
    /// stand for it: every such row is one of its own in quarantine.
    pub(super) fn row(path: &Path, line: u64, error: &csv::Error) -> Self {
        if let csv::ErrorKind::Io(error) = error.kind() {
            return Self::broken(line, error);
        }
        let body = format!("{}:{line}: {error}", path.display());
        Self::new(line, error.to_string(), body)
    }
}

/// A receipt with its line, or why there is none.
pub type Line = Result<(u64, Receipt), Flaw>;

/// The receipts of a file.
pub type Lines = Box<dyn Iterator<Item = Line> + Send>;

impl Format {
    /// What a file holds, going by its name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// The receipts in a file; `format` goes before its name.
///
/// # Errors
/// See [`IngestError`]; what is wrong with a single line is in [`Lines`].
pub fn read(path: &Path, format: Option<Format>) -> Result<Lines, IngestError> {
    let format = format
        .or_else(|| Format::of(path))
        .ok_or_else(|| IngestError::Format(path.to_owned()))?;
    let file = File::open(path).map_err(|source| IngestError::File {
        path: path.to_owned(),
        source,
    })?;
    read_from(path, format, file)
}

/// The receipts read from anywhere; `path` names it in errors.
///
/// # Errors
/// See [`IngestError`]; what is wrong with a single line is in [`Lines`].
pub fn read_from(
    path: &Path,
    format: Format,
    from: impl Read + Send + 'static,
) -> Result<Lines, IngestError> {
    match format {
        Format::Jsonl => Ok(Box::new(JsonLines::new(BufReader::new(from)))),
        Format::Csv => csv_lines(path, from),
        Format::Azure => Err(IngestError::Trace(path.to_owned())),
    }
}

struct JsonLines<R> {
    file: R,
    line: u64,
    /// The file cannot be read further; told before the end.
    broken: Option<Flaw>,
    ended: bool,
}

impl<R: BufRead> JsonLines<R> {
    fn new(file: R) -> Self {
        Self {
            file,
            line: 0,
            broken: None,
            ended: false,
        }
    }

    fn next_text(&mut self) -> Option<Result<String, Flaw>> {
        let mut text = Vec::new();
        self.line += 1;
        let read = (&mut self.file).take(MAX_LINE).read_until(b'\n', &mut text);
        match read {
            Ok(0) => None,
            Ok(length) if length as u64 == MAX_LINE && text.last() != Some(&b'\n') => {
                // What is left of the line belongs to it.
                let rest = skip_line(&mut self.file);
                self.broken = rest.err().map(|error| Flaw::broken(self.line, &error));
                let reason = format!("a line of more than {MAX_LINE} bytes");
                Some(Err(
                    self.unreadable(reason, String::from_utf8_lossy(&text).into())
                ))
            }
            Ok(_) => Some(String::from_utf8(text).map_err(|error| {
                let body = String::from_utf8_lossy(error.as_bytes()).into_owned();
                self.unreadable("not UTF-8".into(), body)
            })),
            Err(error) => {
                self.ended = true;
                Some(Err(Flaw::broken(self.line, &error)))
            }
        }
    }

    fn unreadable(&self, reason: String, body: String) -> Flaw {
        Flaw::new(self.line, reason, body)
    }
}

fn skip_line(file: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = file.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        file.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}

impl<R: BufRead> Iterator for JsonLines<R> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(broken) = self.broken.take() {
                self.ended = true;
                return Some(Err(broken));
            }
            if self.ended {
                return None;
            }
            let text = match self.next_text()? {
                Ok(text) => text,
                Err(flaw) => return Some(Err(flaw)),
            };
            if text.trim().is_empty() {
                continue;
            }
            let receipt = match text.trim() {
                object if object.starts_with('{') => serde_json::from_str::<Receipt>(object),
                // Serde would also take an array of the fields, in their order.
                _ => Err(serde::de::Error::custom("a receipt is one JSON object")),
            };
            return Some(match receipt {
                Ok(receipt) => Ok((self.line, receipt)),
                Err(error) => Err(self.unreadable(error.to_string(), text.trim_end().into())),
            });
        }
    }
}

fn csv_lines(path: &Path, file: impl Read + Send + 'static) -> Result<Lines, IngestError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(file);
    let columns = |reason: String| IngestError::Columns {
        path: path.to_owned(),
        reason,
    };
    let headers = reader
        .headers()
        .map_err(|error| columns(error.to_string()))?
        .clone();
    if headers.iter().eq(super::azure::COLUMNS) {
        return Err(IngestError::Trace(path.to_owned()));
    }
    if let Some(unknown) = headers.iter().find(|name| !COLUMNS.contains(name)) {
        return Err(columns(format!("unknown column `{unknown}`")));
    }
    let missing = COLUMNS
        .iter()
        .find(|name| !OPTIONAL.contains(name) && !headers.iter().any(|header| header == **name));
    if let Some(missing) = missing {
        return Err(columns(format!("there is no column `{missing}`")));
    }
    let mut records = reader.into_records();
    let path = path.to_owned();
    let mut ended = false;
    Ok(Box::new(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let line = records.reader().position().line();
        Some(match records.next()? {
            Err(error) => {
                let line = error.position().map_or(line, csv::Position::line);
                let flaw = Flaw::row(&path, line, &error);
                ended = flaw.broken;
                Err(flaw)
            }
            Ok(record) => {
                let line = record.position().map_or(line, csv::Position::line);
                let receipt = record.deserialize::<Receipt>(Some(&headers));
                let body = || record.iter().collect::<Vec<_>>().join(",");
                receipt
                    .map(|receipt| (line, receipt))
                    .map_err(|error| Flaw::new(line, reason_of(&error), body()))
            }
        })
    })))
}

/// What is wrong with a row, without the position that is given beside it.
fn reason_of(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => match err.field() {
            Some(field) => format!("column {}: {}", field + 1, err.kind()),
            None => err.kind().to_string(),
        },
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::tests::receipt;

    fn write(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        (folder, path)
    }

    fn csv_of(receipts: &[Receipt]) -> String {
        let rows = receipts.iter().map(|r| {
            let evidence = r.evidence.map(crate::hexes::show).unwrap_or_default();
            format!(
                "{},{},{},{},tee,{evidence},{},{},{},{},{},",
                crate::hexes::show(r.id),
                r.operator,
                crate::hexes::show(r.client),
                r.model,
                r.input_tokens,
                r.cached_input_tokens,
                r.output_tokens,
                r.fee,
                r.completed_at
            )
        });
        let mut lines = vec![COLUMNS.join(",")];
        lines.extend(rows);
        lines.join("\n")
    }

    #[test]
    fn a_bad_line_of_json_is_named_and_the_rest_goes_on() {
        let fine = serde_json::to_string(&receipt(0, 1, 3)).expect("plain data");
        let long = "x".repeat(2 * MAX_LINE as usize);
        let (_folder, path) = write(
            "a.jsonl",
            &format!("{fine}\n\n{{\"id\": 1}}\n{long}\n{fine}"),
        );
        let lines: Vec<_> = read(&path, None).expect("a file").collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], Ok((1, receipt(0, 1, 3))));
        let bad = lines[1].as_ref().expect_err("no receipt");
        assert_eq!((bad.line, bad.broken), (Some(3), false));
        let long = lines[2].as_ref().expect_err("too long");
        assert_eq!(long.line, Some(4));
        assert_eq!(lines[3], Ok((5, receipt(0, 1, 3))));
    }

    #[test]
    fn a_bad_row_of_csv_is_named_with_its_column_and_the_rest_goes_on() {
        let text = csv_of(&[receipt(0, 1, 3), receipt(0, 2, 4), receipt(0, 3, 5)]);
        let text = text.replacen(",4,0x", ",four,0x", 1);
        let (_folder, path) = write("a.csv", &text);
        let lines: Vec<_> = read(&path, None).expect("a file").collect();
        assert_eq!(lines[0], Ok((2, receipt(0, 1, 3))));
        let bad = lines[1].as_ref().expect_err("no receipt");
        assert_eq!(bad.line, Some(3));
        assert!(bad.reason.contains("column 2"), "{}", bad.reason);
        assert_eq!(lines[2], Ok((4, receipt(0, 3, 5))));
    }

    /// Text, and then a disk that fails.
    fn failing(text: &str) -> impl std::io::Read + Send {
        struct Fails;
        impl std::io::Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("the disk fails"))
            }
        }
        std::io::Cursor::new(text.to_owned().into_bytes()).chain(Fails)
    }

    #[test]
    fn a_file_that_cannot_be_read_to_its_end_says_so_and_where() {
        let fine = serde_json::to_string(&receipt(0, 1, 3)).expect("plain data");
        let long = "x".repeat(2 * MAX_LINE as usize);
        for (text, good, bad) in [
            (format!("{fine}\n{fine}\n"), 2, 3),
            (format!("{fine}\n{long}"), 1, 2),
        ] {
            let lines: Vec<_> = JsonLines::new(BufReader::new(failing(&text))).collect();
            assert!(lines[..good].iter().all(Result::is_ok));
            let last = lines.last().expect("a line").as_ref().expect_err("broken");
            assert_eq!((last.broken, last.line), (true, Some(bad)));
            assert!(last.reason.contains("the disk fails"), "{}", last.reason);
        }
        let text = csv_of(&[receipt(0, 1, 3)]) + "\n";
        let lines: Vec<_> = csv_lines(Path::new("a.csv"), failing(&text))
            .expect("its columns can be read")
            .collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].is_ok());
        assert!(lines[1].as_ref().expect_err("broken").broken);
    }

    #[test]
    fn rows_that_cannot_be_taken_apart_are_told_apart() {
        let text = csv_of(&[receipt(0, 1, 3)]) + "\n1,2\n1,2\n";
        let (_folder, path) = write("a.csv", &text);
        let lines: Vec<_> = read(&path, None).expect("a file").collect();
        let flaw = |line: usize| lines[line].as_ref().expect_err("no receipt");
        assert_eq!((flaw(1).line, flaw(2).line), (Some(3), Some(4)));
        assert_ne!(flaw(1).body, flaw(2).body);
        assert!(flaw(1).body.contains("a.csv:3"), "{}", flaw(1).body);
    }

    #[test]
    fn a_file_without_the_right_columns_is_refused_as_a_whole() {
        let (_folder, path) = write("a.csv", "id,operators\n");
        let error = read(&path, None).err().expect("refused").to_string();
        assert!(
            error.contains("line 1: unknown column `operators`"),
            "{error}"
        );
        let (_folder, path) = write("a.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n");
        assert!(matches!(read(&path, None), Err(IngestError::Trace(_))));
        let (_folder, path) = write("a.txt", "");
        assert!(matches!(read(&path, None), Err(IngestError::Format(_))));
    }
}
