//! Progress on standard error: one line that moves on a terminal, plain lines elsewhere.

use super::figures::bar;
use std::io::{IsTerminal, Write as _};
use std::time::{Duration, Instant};

/// Width of a bar.
const BAR: usize = 30;

/// The least time between two drawings of a bar.
const REDRAW: Duration = Duration::from_millis(80);

/// Tells what is going on.
pub struct Progress {
    started: Instant,
    drawn: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// Begins to count time.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            drawn: None,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Says that so much of a stage is done.
    pub fn step(&mut self, stage: &str, done: usize, of: usize) {
        if !self.terminal || (done < of && self.drawn.is_some_and(|at| at.elapsed() < REDRAW)) {
            return;
        }
        self.drawn = Some(Instant::now());
        let bar = bar(done as f64, of as f64, BAR);
        eprint!("\r\x1b[K  {stage:<34} {bar:<BAR$} {done}/{of}");
        // Progress that cannot be shown is no reason to stop.
        let _ = std::io::stderr().flush();
    }

    /// Says something that stays, after what moves.
    pub fn line(&mut self, text: &str) {
        if self.terminal && self.drawn.take().is_some() {
            eprint!("\r\x1b[K");
        }
        eprintln!("{:>6.1} s  {text}", self.started.elapsed().as_secs_f64());
    }

    /// How long it has taken so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
