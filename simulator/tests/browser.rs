//! The report in a real browser: it renders from a file, without a network and without a
//! complaint; nothing is cut or faint, on phones and wide screens, in light and dark; and
//! on paper the verdict is the first page.
//!
//! It looks at a report of made-up findings, or at the one in the folder that
//! `PLIMSOLL_REPORT` names. The browser is `PLIMSOLL_BROWSER`, or the first of the usual
//! names on the path; without one these tests fail.

mod sample;

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Names under which the browser is installed.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
/// A page is there within this, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// What the page has in any case.
const SECTIONS: [&str; 14] = [
    "Known history",
    "Verdict",
    "Designs",
    "Results",
    "Who gets how much",
    "Who covers costs, by country",
    "Who switches off",
    "Unlocking and selling",
    "Return on capital",
    "Attacks",
    "Sensitivity",
    "Cost on chain",
    "Assumptions",
    "How to run it again",
];
/// The parts of the verdict; [`MAYBE`] only if there is something to say in it.
const VERDICT: [&str; 6] = [
    "Where no other design is better",
    "Where another design is better, by the best one",
    "Undecided",
    "What breaks it",
    "What flips it",
    "What this does not show",
];
const MAYBE: &str = "Undecided";

struct Browser {
    program: PathBuf,
    /// Its profile, and the pages that are made for it.
    scratch: tempfile::TempDir,
}

/// A page after it was loaded.
struct Seen {
    dom: String,
    /// What it wrote to the console: errors, warnings, anything.
    console: Vec<String>,
}

impl Browser {
    fn find() -> Self {
        let program = match std::env::var_os("PLIMSOLL_BROWSER") {
            Some(program) => Some(PathBuf::from(program)),
            None => on_the_path(),
        };
        Self {
            program: program.unwrap_or_else(|| {
                panic!(
                    "no browser: none of {NAMES:?} is on the path. Run scripts/setup.sh test \
                     (on Debian: apt-get install chromium), or name one in PLIMSOLL_BROWSER"
                )
            }),
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    fn run(&self, page: &Path, dark: bool, more: &[&str]) -> (String, String) {
        let file = |name: &str| self.scratch.path().join(name);
        let scheme = if dark { 0 } else { 1 };
        let mut browser = Command::new(&self.program)
            .args([
                "--headless=new",
                // The sandbox wants rights that root and containers do not have; what is
                // opened is our own.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-extensions",
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--enable-logging=stderr",
                "--v=0",
                "--window-size=1280,900",
            ])
            .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
            .arg(format!("--user-data-dir={}", file("profile").display()))
            .args(more)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(File::create(file("out")).unwrap())
            .stderr(File::create(file("err")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", self.program.display()));
        let started = Instant::now();
        let status = loop {
            if let Some(status) = browser.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > PATIENCE {
                browser.kill().unwrap();
                browser.wait().unwrap();
                panic!("the browser took longer than {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let read = |name: &str| {
            let bytes = std::fs::read(file(name)).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        assert!(status.success(), "{status}: {}", read("err"));
        (read("out"), read("err"))
    }

    fn open(&self, page: &Path, dark: bool) -> Seen {
        let (dom, log) = self.run(page, dark, &["--dump-dom"]);
        let is_console = |line: &&str| line.contains(":CONSOLE");
        Seen {
            dom,
            console: log.lines().filter(is_console).map(str::to_owned).collect(),
        }
    }

    fn print(&self, page: &Path) -> String {
        let pdf = self.scratch.path().join("printed.pdf");
        let to = format!("--print-to-pdf={}", pdf.display());
        let outline = "--generate-pdf-document-outline";
        self.run(page, false, &[&to, outline, "--no-pdf-header-footer"]);
        String::from_utf8_lossy(&std::fs::read(pdf).unwrap()).into_owned()
    }

    /// Writes a page and says where.
    fn page(&self, name: &str, content: &str) -> PathBuf {
        let path = self.scratch.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Shows copies of a page side by side, each in a frame of its own width (a window
    /// cannot be as narrow as a phone), lets the probe look at them in its mode, and
    /// returns what it says.
    fn probe(&self, frames: &[(u32, &str, String)], dark: bool) -> (Vec<Value>, Vec<String>) {
        let probe = include_str!("browser/probe.js");
        let mut outer = "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>x</title>".into();
        let mut said: Vec<String> = Vec::new();
        for (index, (width, mode, content)) in frames.iter().enumerate() {
            let script = format!(
                "<script>addEventListener('load',()=>{{const said=({probe})('{mode}');\
                 parent.document.getElementById('said-{index}').textContent=JSON.stringify(said)}})\
                 </script></body>"
            );
            let inner = content.replace("</body>", &script);
            assert_ne!(&inner, content);
            outer = format!(
                "{outer}<pre id=said-{index}></pre><iframe style='border:0;width:{width}px;\
                 height:900px' srcdoc=\"{}\"></iframe>",
                inner.replace('&', "&amp;").replace('"', "&quot;")
            );
            said.push(format!("<pre id=\"said-{index}\">"));
        }
        let seen = self.open(&self.page("frames.html", &outer), dark);
        let answers = said.iter().map(|start| {
            let from = seen.dom.find(start).expect(start) + start.len();
            let text = &seen.dom[from..];
            let text = &text[..text.find("</pre>").unwrap()];
            let text = text
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&nbsp;", "\u{a0}")
                .replace("&amp;", "&");
            serde_json::from_str(&text)
                .unwrap_or_else(|_| panic!("the probe did not answer: {:?}", seen.console))
        });
        let answers = answers.collect();
        (answers, seen.console)
    }
}

fn on_the_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|program| program.is_file())
}

/// The report to look at, and what keeps its folder in being.
fn report() -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(folder) = std::env::var_os("PLIMSOLL_REPORT") {
        let page = PathBuf::from(folder).join("report.html");
        return (page.canonicalize().unwrap(), None);
    }
    let folder = tempfile::tempdir().unwrap();
    let findings = sample::findings();
    plimsoll_simulator::report::write(&findings, sample::SCENARIO, folder.path()).unwrap();
    let page = folder.path().join("report.html");
    (page.canonicalize().unwrap(), Some(folder))
}

fn none(said: &Value, what: &str) {
    assert_eq!(said[what], Value::Array(Vec::new()), "{what}");
}

#[test]
fn the_page_renders_from_its_file_and_the_console_stays_empty() {
    let browser = Browser::find();
    let (page, _folder) = report();
    for dark in [false, true] {
        let seen = browser.open(&page, dark);
        assert_eq!(seen.console, Vec::<String>::new());
        for section in SECTIONS {
            assert!(seen.dom.contains(&format!(">{section}</h2>")), "{section}");
        }
        for part in VERDICT.into_iter().filter(|part| *part != MAYBE) {
            assert!(seen.dom.contains(&format!("</span> {part}</h3>")), "{part}");
        }
    }
}

#[test]
fn a_page_that_complains_is_noticed() {
    let browser = Browser::find();
    for (complaint, said) in [
        ("<script>console.error('an error')</script>", "an error"),
        ("<script>console.warn('a warning')</script>", "a warning"),
        ("<script>throw new Error('thrown')</script>", "thrown"),
    ] {
        let content = format!("<!DOCTYPE html><title>x</title><body>{complaint}</body>");
        let page = browser.page("complains.html", &content);
        let console = browser.open(&page, false).console;
        assert!(
            console.iter().any(|line| line.contains(said)),
            "{complaint}: {console:?}"
        );
    }
}

#[test]
fn it_is_whole_on_phones_and_wide_screens_in_light_and_dark() {
    let browser = Browser::find();
    let (page, _folder) = report();
    let content = std::fs::read_to_string(page).unwrap();
    let widths = [320, 390, 1280];
    for dark in [false, true] {
        let frames = widths.map(|width| (width, "screen", content.clone()));
        let (answers, console) = browser.probe(&frames, dark);
        assert_eq!(console, Vec::<String>::new());
        for (width, said) in widths.iter().zip(&answers) {
            assert_eq!(said["inner"], *width);
            assert_eq!(said["dark"], dark);
            let content = said["content"].as_u64().unwrap();
            assert!(content <= u64::from(*width), "{content} in {width}");
            for what in [
                "twice",
                "loaded",
                "dangling",
                "unnamed",
                "unreachable",
                "faint",
                "outside",
            ] {
                none(said, what);
            }
            assert!(said["tables"].as_u64().unwrap() > 15);
            assert!(said["charts"].as_u64().unwrap() > 5);
            headings_are_in_order(&said["headings"]);
        }
    }
}

/// One of the first rank, and none that is more than a rank below the one before.
fn headings_are_in_order(headings: &Value) {
    let ranks: Vec<u64> = headings
        .as_array()
        .unwrap()
        .iter()
        .map(|head| head[0].as_u64().unwrap())
        .collect();
    assert_eq!(ranks[0], 1);
    assert_eq!(ranks.iter().filter(|rank| **rank == 1).count(), 1);
    for pair in ranks.windows(2) {
        assert!(pair[1] <= pair[0] + 1, "{headings}");
    }
}

#[test]
fn the_probe_notices_what_it_looks_for() {
    let browser = Browser::find();
    let bad = "<!DOCTYPE html><html lang=en><body><p id=a style='width:900px'>x</p><p id=a \
               style='color:#aaa;background:#fff'>faint</p><a href='#nowhere'>x</a>\
               <img src='missing.png'><table><tr><th>x</table><h3>x</h3>\
               <div style='overflow:auto;width:50px'><p style='width:90px'>x</p></div>\
               <svg class=chart role=img width=50 height=20><text x=40 y=15>outside</text></svg>\
               </body></html>";
    let frames = [320, 320].map(|width| (width, bad.to_owned()));
    let modes = ["screen", "portrait"];
    let frames: Vec<_> = frames
        .into_iter()
        .zip(modes)
        .map(|((width, content), mode)| {
            let wide = content.replace("<table", "<table style='width:400px'");
            (width, mode, wide)
        })
        .collect();
    let (answers, _) = browser.probe(&frames, false);
    let said = &answers[0];
    assert!(said["content"].as_u64().unwrap() >= 900);
    for what in [
        "twice",
        "loaded",
        "dangling",
        "unnamed",
        "unreachable",
        "faint",
        "outside",
    ] {
        assert!(!said[what].as_array().unwrap().is_empty(), "{what}");
    }
    assert!(!answers[1]["cut"].as_array().unwrap().is_empty());
    let order = std::panic::catch_unwind(|| headings_are_in_order(&said["headings"]));
    assert!(order.is_err());
}

#[test]
fn nothing_is_cut_on_paper() {
    let browser = Browser::find();
    let (page, _folder) = report();
    let content = std::fs::read_to_string(page).unwrap();
    // The print's style on a screen as wide as what the margins leave of A4, at 96 dots
    // an inch: 184 mm upright, 271 mm lying, as the results do.
    let printed = content.replace("@media print", "@media all");
    assert_ne!(printed, content);
    let frames = [
        (695, "portrait", printed.clone()),
        (1024, "landscape", printed),
    ];
    let (answers, _) = browser.probe(&frames, false);
    for said in &answers {
        none(said, "cut");
        none(said, "faint");
        none(said, "outside");
    }
}

#[test]
fn the_first_page_of_the_print_is_the_verdict() {
    let browser = Browser::find();
    let (page, _folder) = report();
    let pages = outline(&browser.print(&page));
    let page_of = |title: &str| {
        pages
            .get(title)
            .unwrap_or_else(|| panic!("{title}: {pages:?}"))
    };
    let first = page_of("Verdict");
    assert_eq!(page_of("Known history"), first);
    for part in VERDICT.into_iter().filter(|part| *part != MAYBE) {
        assert!(pages.keys().any(|title| title.ends_with(part)), "{part}");
    }
    for (title, place) in &pages {
        let in_verdict = VERDICT.iter().any(|part| title.ends_with(part));
        let on_first = in_verdict
            || title.starts_with("Plimsoll compared")
            || ["Known history", "Verdict"].contains(&title.as_str());
        assert_eq!(place == first, on_first, "{title}: {pages:?}");
    }
    // Alone, what belongs on the first page is one page.
    let alone = std::fs::read_to_string(&page).unwrap().replace(
        "</style>",
        "main > section:not(#backtests):not(#verdict) { display: none }</style>",
    );
    let alone = browser.print(&browser.page("alone.html", &alone));
    assert_eq!(count_pages(&alone), 1);
}

/// The headings of a print and the number of the object of their page, by the PDF's
/// outline.
fn outline(pdf: &str) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    for entry in pdf.split("<</Title ").skip(1) {
        let (title, rest) = entry.split_once('\n').unwrap_or_default();
        let Some((_, place)) = rest.split_once("/Dest [") else {
            continue;
        };
        let place = place.split(' ').next().unwrap_or_default();
        pages.insert(title_of(title), place.to_owned());
    }
    pages
}

/// A title of a PDF: in brackets, or as UTF-16 in hexadecimal digits.
fn title_of(written: &str) -> String {
    let Some(digits) = written.strip_prefix("<FEFF") else {
        let text = written.trim_start_matches('(');
        return text.strip_suffix(')').unwrap_or(text).to_owned();
    };
    let digits = digits.trim_end_matches('>').as_bytes();
    let units: Vec<u16> = digits
        .chunks(4)
        .map(|digits| u16::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
    String::from_utf16(&units).unwrap()
}

fn count_pages(pdf: &str) -> usize {
    pdf.matches("/Type /Page\n").count()
}

#[test]
fn a_hostile_title_is_shown_and_does_not_run() {
    let browser = Browser::find();
    let folder = tempfile::tempdir().unwrap();
    let findings = sample::findings();
    plimsoll_simulator::report::write(&findings, sample::SCENARIO, folder.path()).unwrap();
    let page = folder.path().join("report.html").canonicalize().unwrap();
    let seen = browser.open(&page, false);
    assert_eq!(seen.console, Vec::<String>::new());
    let shown = sample::HOSTILE
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    // In the page and in the drawings: the browser wrote it out again from what it read.
    assert!(seen.dom.matches(&shown).count() > 10);
    assert!(!seen.dom.contains("<script"));
}
