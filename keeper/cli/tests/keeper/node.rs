//! A development node as a process.

use crate::programs::{neighbour, Process, PATIENCE, POLL};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

/// How far a block moves the clock, in ms: contracts see whole seconds.
const BLOCK_MS: u64 = 1_000;

/// The runtime's wasm: from the environment, as scripts/test.sh sets it, or from the
/// script that builds it where it is missing.
fn runtime_wasm() -> &'static Path {
    static WASM: OnceLock<PathBuf> = OnceLock::new();
    WASM.get_or_init(|| {
        if let Some(path) = std::env::var_os("PLIMSOLL_RUNTIME_WASM") {
            return path.into();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/build-runtime.sh");
        let output = Command::new("bash")
            .arg(script)
            .stderr(Stdio::inherit())
            .output()
            .expect("bash");
        assert!(output.status.success(), "scripts/build-runtime.sh failed");
        String::from_utf8(output.stdout)
            .expect("UTF-8")
            .trim()
            .into()
    })
}

/// A node, which ends with the test.
pub struct Node {
    process: Process,
    arguments: Vec<String>,
    log: PathBuf,
    url: String,
}

impl Node {
    /// Starts a node with a new chain in `folder` and waits until it serves.
    pub fn start(folder: &Path) -> Self {
        let base = folder.join("chain").display().to_string();
        let block = BLOCK_MS.to_string();
        let arguments = ["--base-path", &base, "--block-time-ms", &block];
        let arguments = arguments.map(String::from).to_vec();
        let log = folder.join("node.log");
        let (process, url) = serve(&arguments, "0", &log);
        Self {
            process,
            arguments,
            log,
            url,
        }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes it away; its chain is on disk.
    pub fn leave(self) -> Away {
        self.process.stop();
        Away {
            arguments: self.arguments,
            log: self.log,
            url: self.url,
        }
    }
}

/// A node that went away.
pub struct Away {
    arguments: Vec<String>,
    log: PathBuf,
    url: String,
}

impl Away {
    /// It comes back, with its chain and at its address.
    pub fn come_back(self) -> Node {
        let Self {
            arguments,
            log,
            url,
        } = self;
        let port = url
            .rsplit(':')
            .next()
            .expect("a port")
            .trim_end_matches('/')
            .to_owned();
        let (process, again) = serve(&arguments, &port, &log);
        assert_eq!(again, url);
        Node {
            process,
            arguments,
            log,
            url,
        }
    }
}

/// Starts a node at a port and gives the address that it says it serves at.
fn serve(arguments: &[String], port: &str, log: &Path) -> (Process, String) {
    let mut command = neighbour("plimsoll-node", "PLIMSOLL_NODE");
    command
        .env("PLIMSOLL_RUNTIME_WASM", runtime_wasm())
        .args(["--log", "warn", "--rpc-port", port])
        .args(arguments);
    let before = std::fs::read_to_string(log).map_or(0, |text| text.len());
    let mut process = Process::start(&mut command, log);
    let started = Instant::now();
    loop {
        let said = process.said();
        let ready = said[before..]
            .lines()
            .find_map(|line| line.strip_prefix("ready "));
        if let Some(url) = ready.and_then(|line| line.split_whitespace().next()) {
            return (process, url.to_owned());
        }
        assert!(!process.ended(), "the node ended:\n{said}");
        assert!(
            started.elapsed() < PATIENCE,
            "the node does not serve:\n{said}"
        );
        std::thread::sleep(POLL);
    }
}
