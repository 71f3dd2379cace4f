//! Random inputs drawn from a stream of words.
//!
//! A generator is a plain function of a [`Source`]. While a property holds, the words come
//! from a small generator seeded once a case, so that drawing costs less than what is
//! tested. An input that fails is drawn again with its words written down; shrinking leaves
//! words out and lowers them and lets the generator make an input of what is left. So a
//! generator must make an input of any words, and of small words a simple one: the first of
//! several choices and the lower end of a range are the simplest.

use super::draw::scramble;
use proptest::prelude::*;
use proptest::strategy::{NewTree, ValueTree};
use proptest::test_runner::TestRunner;
use std::fmt::Debug;
use std::ops::{Range, RangeInclusive};

/// Where a generator takes its choices from.
#[derive(Clone, Debug)]
pub struct Source {
    seed: u64,
    taken: usize,
    words: Words,
}

#[derive(Clone, Debug)]
enum Words {
    /// Fresh ones.
    Fresh,
    /// Fresh ones, written down.
    Written(Vec<u64>),
    /// These, then nothing but zeros.
    Given(Vec<u64>),
}

impl Source {
    /// A source of fresh words.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            taken: 0,
            words: Words::Fresh,
        }
    }

    /// Any word.
    pub fn word(&mut self) -> u64 {
        let at = self.taken;
        self.taken += 1;
        match &mut self.words {
            Words::Fresh => scramble(self.seed, at),
            Words::Written(words) => {
                let word = scramble(self.seed, at);
                words.push(word);
                word
            }
            Words::Given(words) => words.get(at).copied().unwrap_or(0),
        }
    }

    /// Any number of 128 bits.
    pub fn wide(&mut self) -> u128 {
        u128::from(self.word()) << 64 | u128::from(self.word())
    }

    /// A number below `count`, which is not 0.
    pub fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(count)) >> 64) as u64
    }

    /// A number of `range`.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        match (high - low).checked_add(1) {
            Some(count) => low + self.below(count),
            None => self.word(),
        }
    }

    /// A `u32` of `range`.
    pub fn small(&mut self, range: RangeInclusive<u32>) -> u32 {
        let (low, high) = range.into_inner();
        self.within(u64::from(low)..=u64::from(high)) as u32
    }

    /// How many of something: a number of `range`.
    pub fn count(&mut self, range: RangeInclusive<usize>) -> usize {
        let (low, high) = range.into_inner();
        self.within(low as u64..=high as u64) as usize
    }

    /// One of `choices`.
    pub fn one<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// The position of one of several choices with these weights.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let all = weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut left = self.below(all);
        for (k, weight) in weights.iter().enumerate() {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return k,
            }
        }
        unreachable!("it is below the sum of the weights")
    }

    /// True once in `times`.
    pub fn rarely(&mut self, times: u64) -> bool {
        self.below(times) + 1 == times
    }

    /// `count` of what `item` draws.
    pub fn list<T>(&mut self, count: usize, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..count).map(|_| item(self)).collect()
    }
}

/// The inputs that `generator` draws, as a strategy.
pub fn drawn<T: Debug>(generator: impl Fn(&mut Source) -> T + Clone) -> impl Strategy<Value = T> {
    Drawn(generator)
}

#[derive(Clone)]
struct Drawn<G>(G);

impl<G> Debug for Drawn<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Drawn")
    }
}

impl<T: Debug, G: Fn(&mut Source) -> T + Clone> Strategy for Drawn<G> {
    type Tree = Tree<G>;
    type Value = T;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        Ok(Tree {
            generator: self.0.clone(),
            seed: any::<u64>().new_tree(runner)?.current(),
            shrinking: None,
        })
    }
}

/// One input, and what was made simpler of it.
struct Tree<G> {
    generator: G,
    seed: u64,
    shrinking: Option<Shrinking>,
}

impl<T: Debug, G: Fn(&mut Source) -> T> ValueTree for Tree<G> {
    type Value = T;

    fn current(&self) -> T {
        let mut source = Source::new(self.seed);
        if let Some(shrinking) = &self.shrinking {
            source.words = Words::Given(shrinking.tried());
        }
        (self.generator)(&mut source)
    }

    /// The input at hand fails: goes on from it.
    fn simplify(&mut self) -> bool {
        if let Some(shrinking) = &mut self.shrinking {
            shrinking.keep();
        } else {
            let mut source = Source {
                words: Words::Written(Vec::new()),
                ..Source::new(self.seed)
            };
            (self.generator)(&mut source);
            if let Words::Written(words) = source.words {
                self.shrinking = Some(Shrinking::new(words));
            }
        }
        self.shrinking.as_mut().is_some_and(Shrinking::next)
    }

    /// The input at hand passes: goes back, and another way.
    fn complicate(&mut self) -> bool {
        self.shrinking.as_mut().is_some_and(Shrinking::next)
    }
}

/// How words are made fewer and smaller: pieces are left out, then set to zero, then each
/// word lowered bit by bit; all of it again while it helps.
#[derive(Debug)]
struct Shrinking {
    /// The simplest words that fail.
    best: Vec<u64>,
    /// What is made simpler of them at the moment, if anything.
    trying: bool,
    way: Way,
    /// Length of a piece.
    piece: usize,
    /// Where the piece, or the word, is.
    at: usize,
    /// Whether the next try is at the next place.
    moves: bool,
    /// Whether anything helped since the first way was begun.
    helped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    LeaveOut,
    Zero,
    /// Takes this bit's value off.
    Lower(u32),
}

/// The bits of a word that matter: a choice takes its highest ones.
const LOWERED: Range<u32> = 24..64;

impl Shrinking {
    fn new(words: Vec<u64>) -> Self {
        Self {
            piece: words.len(),
            trying: false,
            best: words,
            way: Way::LeaveOut,
            at: 0,
            moves: false,
            helped: false,
        }
    }

    /// The words at hand. Trying is cheap until they are asked for, because a runner that
    /// gives up asks for all the rest of the tries.
    fn tried(&self) -> Vec<u64> {
        let mut words = self.best.clone();
        if self.trying {
            match self.way {
                Way::LeaveOut => drop(words.drain(self.place())),
                Way::Zero => words[self.place()].fill(0),
                Way::Lower(bit) => words[self.at] -= 1 << bit,
            }
        }
        words
    }

    fn place(&self) -> Range<usize> {
        self.at..(self.at + self.piece).min(self.best.len())
    }

    /// What was tried fails too.
    fn keep(&mut self) {
        self.best = self.tried();
        self.helped = true;
        // What followed a piece that was left out is in its place now.
        self.moves = self.way != Way::LeaveOut;
    }

    /// Goes on to something simpler to try; `false`, and back to the simplest that fails, if
    /// there is nothing left.
    fn next(&mut self) -> bool {
        self.trying = false;
        loop {
            if self.moves && !self.step() {
                return false;
            }
            self.moves = true;
            let words = self.best.get(self.place()).unwrap_or_default();
            self.trying = match self.way {
                Way::LeaveOut => !words.is_empty(),
                Way::Zero => words.iter().any(|word| *word > 0),
                Way::Lower(bit) => words.first().is_some_and(|word| *word >= 1 << bit),
            };
            if self.trying {
                return true;
            }
        }
    }

    /// Moves to the next place, piece or way; `false` after the last one.
    fn step(&mut self) -> bool {
        match self.way {
            Way::Lower(bit) if bit > LOWERED.start => self.way = Way::Lower(bit - 1),
            Way::Lower(_) => {
                self.at += 1;
                self.way = Way::Lower(LOWERED.end - 1);
            }
            _ => self.at += self.piece,
        }
        if self.at < self.best.len() {
            return true;
        }
        self.at = 0;
        if self.piece > 1 {
            self.piece = self.piece.div_ceil(2);
            return true;
        }
        self.way = match self.way {
            Way::LeaveOut => Way::Zero,
            Way::Zero => Way::Lower(LOWERED.end - 1),
            Way::Lower(_) => {
                if !std::mem::take(&mut self.helped) {
                    return false;
                }
                Way::LeaveOut
            }
        };
        if !matches!(self.way, Way::Lower(_)) {
            self.piece = self.best.len().max(1);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::test_runner::{Config, TestError};

    /// What is left of a failing input is about as small as it can be.
    #[test]
    fn what_fails_is_shrunk() {
        let mut runner = TestRunner::new(Config {
            failure_persistence: None,
            cases: 1_000,
            // Whatever the environment says of shrinking, here it is what is tested.
            max_shrink_iters: u32::MAX,
            ..Config::default()
        });
        let lists = drawn(|source| {
            let count = source.count(0..=50);
            source.list(count, |source| source.within(0..=100_000))
        });
        let outcome = runner.run(&lists, |list| {
            prop_assert!(list.iter().filter(|number| **number >= 1_000).count() < 2);
            Ok(())
        });
        let Err(TestError::Fail(_, list)) = outcome else {
            panic!("a list that long has two numbers above a thousand: {outcome:?}");
        };
        assert_eq!(list.len(), 2, "{list:?}");
        assert!(list.iter().all(|number| *number < 2_100), "{list:?}");
    }

    #[test]
    fn a_source_keeps_to_its_ranges_and_reaches_their_ends() {
        let mut source = Source::new(7);
        let drawn = source.list(1_000, |source| source.within(3..=5));
        assert!(drawn.iter().all(|number| (3..=5).contains(number)));
        assert!([3, 4, 5].iter().all(|number| drawn.contains(number)));
        let picked = source.list(1_000, |source| source.weighted(&[1, 0, 3]));
        assert!(picked.iter().all(|choice| *choice != 1));
        assert!(picked.contains(&0) && picked.contains(&2));
    }
}
