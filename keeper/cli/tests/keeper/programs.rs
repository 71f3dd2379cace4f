//! The programs under test, as processes that end with the test.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything that happens once, on a machine that is busy otherwise.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How often a state is looked at that is waited for.
pub const POLL: Duration = Duration::from_millis(50);

/// `plimsoll` with the environment of a user who has set nothing.
pub fn plimsoll() -> Command {
    clean(Path::new(env!("CARGO_BIN_EXE_plimsoll")))
}

/// A program of another package of the workspace: next to `plimsoll`, where
/// scripts/test.sh builds it.
pub fn neighbour(name: &str, variable: &str) -> Command {
    let beside = Path::new(env!("CARGO_BIN_EXE_plimsoll")).with_file_name(name);
    let program = std::env::var_os(variable).map_or(beside, PathBuf::from);
    assert!(
        program.exists(),
        "{} is not built: run scripts/test.sh, which builds it, or set {variable} to a {name}",
        program.display()
    );
    clean(&program)
}

fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("PLIMSOLL") && name != "PLIMSOLL_RUNTIME_WASM" {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// What a command that ended has said.
pub struct Said {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Said {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program starts");
    Said {
        status,
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// Runs a command that must succeed; gives its standard output.
pub fn succeed(command: &mut Command) -> String {
    let said = run(command);
    assert!(
        said.status.success(),
        "{command:?}\n{}\n{}",
        said.out,
        said.err
    );
    said.out
}

/// Runs a command that must fail with each of `words` in its error.
pub fn fail(command: &mut Command, words: &[&str]) -> Said {
    let said = run(command);
    assert!(
        !said.status.success(),
        "{command:?} succeeded:\n{}",
        said.out
    );
    for word in words {
        assert!(
            said.err.contains(word),
            "{command:?}: no `{word}` in:\n{}",
            said.err
        );
    }
    said
}

/// A process that is killed when the test is done with it.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command that writes what it says into the file `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log");
        let err = out.try_clone().expect("a log");
        let child = command
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("the program starts");
        Self {
            child,
            log: log.to_owned(),
        }
    }

    /// What it and its predecessors with the same log have said.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Ends it with SIGKILL: it cannot do anything about it.
    pub fn kill(mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
    }

    /// Tells it to stop as a service manager would, and waits until it has.
    pub fn stop(mut self) {
        // The shell's own kill: the program of that name is not everywhere.
        let command = format!("kill -TERM {}", self.child.id());
        let told = Command::new("sh")
            .args(["-c", &command])
            .status()
            .expect("a shell");
        assert!(told.success(), "it had ended before:\n{}", self.said());
        let started = Instant::now();
        while !self.ended() {
            assert!(
                started.elapsed() < PATIENCE,
                "it does not stop:\n{}",
                self.said()
            );
            std::thread::sleep(POLL);
        }
        let status = self.child.wait().expect("a child");
        assert!(status.success(), "it ended with {status}:\n{}", self.said());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Local addresses at which nobody listens.
pub fn free_addresses(count: usize) -> Vec<SocketAddr> {
    // All are held until each has one, so that no two are the same.
    let held: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"))
        .collect();
    held.iter()
        .map(|one| one.local_addr().expect("bound"))
        .collect()
}

/// Writes a file that only its owner may read, as secrets must be.
pub fn write_private(path: &Path, text: &str) {
    plimsoll_keeper::keys::write_secret(path, text).expect("a new file");
}
