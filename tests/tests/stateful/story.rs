//! Stories: what is played, how one that fails is made short, and where it is kept.

use crate::game::{Counts, Game};
use crate::step::{step, step_with_faults, Step};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use plimsoll_tests::{keccak, TokenKind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::fs;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};

/// One in so many stories is in a token that misbehaves.
const FAULTY: u64 = 3;

/// One in so many lets everybody leave on the way, too.
const LEAVES_EARLY: u64 = 4;

/// A sequence of steps.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Story {
    /// It begins before genesis.
    pub early: bool,
    /// The token can misbehave.
    pub faulty: bool,
    /// The guardian stands in the way of those who leave in the end.
    pub hostile: bool,
    /// Everybody leaves after so many steps, and the story goes on as if nobody had.
    pub leaves_at: Option<u32>,
    pub steps: Vec<Step>,
}

/// Games of both kinds, on the thread that asks.
#[derive(Default)]
pub struct Stage {
    ordinary: Option<Game>,
    faulty: Option<Game>,
    /// How often each message was accepted and refused, exits aside.
    pub counts: Counts,
    /// How often each fault of the token met a transfer.
    pub faults: BTreeMap<u8, u64>,
}

impl Story {
    /// The story with this number among those of `seed`.
    pub fn drawn(seed: u64, number: u64, steps: usize) -> Self {
        let bytes = keccak(&(b"plimsoll story", seed, number).encode());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let faulty = number % FAULTY == FAULTY - 1;
        let steps = if faulty {
            vec(step_with_faults(), steps).boxed()
        } else {
            vec(step(), steps).boxed()
        };
        let place = any::<prop::sample::Index>();
        let (early, hostile, place, steps) = (any::<bool>(), any::<bool>(), place, steps)
            .new_tree(&mut runner)
            .expect("nothing is filtered")
            .current();
        let leaves = number.is_multiple_of(LEAVES_EARLY) && !steps.is_empty();
        Self {
            early,
            faulty,
            hostile,
            leaves_at: leaves.then(|| place.index(steps.len()) as u32),
            steps,
        }
    }

    /// The story without some of its steps.
    fn without(&self, from: usize, count: usize) -> Self {
        let mut shorter = self.clone();
        shorter.steps.drain(from..from + count);
        shorter.leaves_at = self.leaves_at.map(|at| {
            let before = (at as usize).saturating_sub(from).min(count) as u32;
            at - before
        });
        shorter
    }

    /// Leaves out every step without which it still fails, many at once at first.
    pub fn shortest(mut self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        for change in [
            |story: &mut Self| story.hostile = false,
            |story: &mut Self| story.leaves_at = None,
            |story: &mut Self| story.faulty = false,
            |story: &mut Self| story.early = false,
        ] {
            let mut simpler = self.clone();
            change(&mut simpler);
            if simpler != self && fails(&simpler) {
                self = simpler;
            }
        }
        let mut size = self.steps.len().div_ceil(2);
        while size > 0 {
            let mut end = self.steps.len();
            while end > 0 {
                let from = end.saturating_sub(size);
                let shorter = self.without(from, end - from);
                if fails(&shorter) {
                    self = shorter;
                }
                end = from;
            }
            size /= 2;
        }
        self
    }

    /// Where stories that failed are kept.
    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stateful/regressions")
    }

    /// Keeps the story, to be played before all others from now on.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn keep(&self) -> PathBuf {
        let name = hex::encode(&keccak(&self.encode())[..8]);
        let path = Self::folder().join(name).with_extension("txt");
        fs::create_dir_all(Self::folder()).expect("the folder of kept stories can be made");
        fs::write(&path, self.text()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// How it is kept: for people behind `#`, and in SCALE.
    pub fn text(&self) -> String {
        let told: String = format!("{self:#?}")
            .lines()
            .map(|line| format!("# {line}\n"))
            .collect();
        format!("{told}{}\n", hex::encode(self.encode()))
    }

    /// The story in such a text.
    pub fn read(text: &str) -> Option<Self> {
        let line = text.lines().find(|line| !line.starts_with('#'))?;
        let bytes = hex::decode(line).ok()?;
        Self::decode_all(&mut &*bytes).ok()
    }

    /// Stories that failed before.
    pub fn kept() -> Vec<(PathBuf, Self)> {
        let Ok(files) = fs::read_dir(Self::folder()) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = files
            .map(|file| file.expect("the folder can be read").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
            .collect();
        paths.sort();
        paths
            .into_iter()
            .map(|path| {
                let text = fs::read_to_string(&path).expect("a kept story can be read");
                let story = Self::read(&text).unwrap_or_else(|| {
                    panic!(
                        "{} is of another make of steps: tell it anew or delete it",
                        path.display()
                    )
                });
                (path, story)
            })
            .collect()
    }
}

impl Stage {
    /// Plays a story to its end.
    ///
    /// # Errors
    /// What did not hold, or the panic that ended it.
    pub fn play(&mut self, story: &Story) -> Result<(), String> {
        let token = if story.faulty {
            TokenKind::Faulty
        } else {
            TokenKind::Ink
        };
        let place = if story.faulty {
            &mut self.faulty
        } else {
            &mut self.ordinary
        };
        // After a panic the chain is half-way and is not used again: it stays taken.
        let mut game = place.take().unwrap_or_else(|| Game::new(token));
        let played = catch_unwind(AssertUnwindSafe(|| {
            let told = tell(&mut game, story).map_err(|error| error.to_string());
            (game, told)
        }));
        match played {
            Ok((mut game, told)) => {
                for (name, (accepted, refused)) in std::mem::take(&mut game.counts) {
                    let count = self.counts.entry(name).or_default();
                    *count = (count.0 + accepted, count.1 + refused);
                }
                for (fault, times) in std::mem::take(&mut game.faults) {
                    *self.faults.entry(fault).or_default() += times;
                }
                *place = Some(game);
                told
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
                Err(format!("it panicked: {}", text.unwrap_or_default()))
            }
        }
    }
}

fn tell(game: &mut Game, story: &Story) -> Result<(), TestCaseError> {
    game.restart(story.early);
    for (number, step) in (0..).zip(&story.steps) {
        if story.leaves_at == Some(number) {
            game.as_if(|game| game.everybody_leaves(!story.hostile))?;
        }
        game.take(step)?;
    }
    game.finish()?;
    game.as_if(|game| game.everybody_leaves(story.hostile))
}
