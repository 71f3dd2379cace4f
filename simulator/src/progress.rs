//! How far a comparison is, on the terminal; never in its output.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Where there is no terminal, a line is written at most this often, so that a log
/// shows that the work goes on without being filled by it.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows the stages of a comparison on stderr.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    quiet: bool,
    terminal: bool,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
struct Stage {
    name: String,
    began: Instant,
    told: Instant,
}

impl Progress {
    /// Shows progress, unless `quiet`.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::new(0);
        bar.set_draw_target(if terminal && !quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        // The template is a constant; without it the bar has the default look.
        if let Ok(style) = ProgressStyle::with_template(
            "{msg:24} {bar:32} {pos}/{len}, {elapsed} gone, about {eta} to go",
        ) {
            bar.set_style(style);
        }
        Self {
            bar,
            quiet,
            terminal,
            stage: Mutex::new(Stage {
                name: String::new(),
                began: Instant::now(),
                told: Instant::now(),
            }),
        }
    }

    /// Begins a stage of `total` steps.
    pub fn begin(&self, name: &str, total: u64) {
        self.bar.reset();
        self.bar.set_length(total);
        self.bar.set_message(name.to_owned());
        if let Ok(mut stage) = self.stage.lock() {
            *stage = Stage {
                name: name.into(),
                began: Instant::now(),
                told: Instant::now(),
            };
        }
    }

    /// `steps` more steps are done.
    pub fn step(&self, steps: u64) {
        self.bar.inc(steps);
        if self.quiet || self.terminal {
            return;
        }
        // A poisoned lock means that another thread panicked: the comparison ends anyway.
        let Ok(mut stage) = self.stage.lock() else {
            return;
        };
        if stage.told.elapsed() < LINE_EVERY {
            return;
        }
        stage.told = Instant::now();
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let gone = stage.began.elapsed().as_secs_f64();
        let left = gone * total.saturating_sub(done) as f64 / done.max(1) as f64;
        eprintln!(
            "    {}: {done} of {total}, about {left:.0} s to go",
            stage.name
        );
    }

    /// Says something that stays on the terminal.
    pub fn say(&self, line: &str) {
        if self.quiet {
            return;
        }
        if self.terminal {
            self.bar.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
