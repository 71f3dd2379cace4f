//! The water level as a root.
//!
//! A participant of weight `w` and cap `c` gets `min(w * l, c)` at level `l`. What all get
//! together, `T(l)`, is continuous, piecewise linear and never falls; it bends at `c / w`
//! of each participant. The level is the smallest `l` with `T(l) = E`, but never above the
//! uplift. Bisection over the bends finds the piece that has it, and there it is one
//! division. Nobody is sorted and nobody is raised.

use super::number::{Fraction, Whole};

/// Who takes part in a division.
#[derive(Clone, Debug)]
pub struct Participant<W> {
    /// What it is entitled to, in units of `1 / scale` base units.
    pub weight: W,
    /// The most it may get, in base units.
    pub cap: W,
}

/// A level: what it gives to a weight of 1.
#[derive(Clone, Debug)]
pub struct Level<W> {
    /// Base units for each unit of weight.
    pub rate: Fraction<W>,
}

impl<W: Whole> Level<W> {
    /// The level at which `participants` share `budget`. No weight may get more than
    /// `uplift` base units for each of its units.
    pub fn find(budget: &W, participants: &[Participant<W>], uplift: &Fraction<W>) -> Self {
        let rate = if total_at(uplift, participants) <= budget.times(&uplift.bottom) {
            uplift.clone()
        } else {
            root(budget, participants)
        };
        Self { rate }
    }

    /// What a participant gets.
    pub fn gives(&self, participant: &Participant<W>) -> Fraction<W> {
        self.rate
            .times(&participant.weight)
            .min(Fraction::whole(participant.cap.clone()))
    }

    /// Proves that this level is the max-min fair one of `participants`: nobody gets more
    /// than its own ceiling, together they get no more than `budget`, everybody below its
    /// own ceiling gets the same for each unit of weight and nobody gets more than that,
    /// and something is left only if everybody is at its own ceiling. Whatever would give
    /// one of them more takes it from somebody who has no more for its weight.
    ///
    /// # Errors
    /// Which of it is false.
    pub fn certify(
        &self,
        budget: &W,
        participants: &[Participant<W>],
        uplift: &Fraction<W>,
    ) -> Result<(), &'static str> {
        let mut given = Fraction::whole(W::of(0));
        let mut all_full = true;
        for participant in participants {
            let gets = self.gives(participant);
            let cap = Fraction::whole(participant.cap.clone());
            let ceiling = cap.min(uplift.times(&participant.weight));
            if gets > ceiling {
                return Err("nobody gets more than its own ceiling");
            }
            let by_weight = self.rate.times(&participant.weight);
            if gets > by_weight {
                return Err("nobody gets more for its weight than the level");
            }
            if gets < ceiling {
                all_full = false;
                if gets != by_weight {
                    return Err("who is below its ceiling gets the level");
                }
            }
            given = given.plus(&gets).reduced();
        }
        match given.cmp(&Fraction::whole(budget.clone())) {
            std::cmp::Ordering::Greater => Err("together they get no more than the budget"),
            std::cmp::Ordering::Less if !all_full => Err("something is left and somebody wants it"),
            _ => Ok(()),
        }
    }
}

/// `T(level) * level.bottom`.
fn total_at<W: Whole>(level: &Fraction<W>, participants: &[Participant<W>]) -> W {
    participants.iter().fold(W::of(0), |sum, p| {
        let by_level = p.weight.times(&level.top);
        sum.plus(&by_level.min(p.cap.times(&level.bottom)))
    })
}

/// The level at which all of `budget` is given; there is one, because at the uplift more
/// would be.
fn root<W: Whole>(budget: &W, participants: &[Participant<W>]) -> Fraction<W> {
    // What is known of a participant: it is full below the root, or not below it, or
    // nothing yet.
    let (mut full, mut part) = (W::of(0), W::of(0));
    let mut open: Vec<&Participant<W>> = participants
        .iter()
        .filter(|p| p.weight > W::of(0))
        .collect();
    while !open.is_empty() {
        let pivot = open[open.len() / 2];
        let bend = Fraction::new(pivot.cap.clone(), pivot.weight.clone());
        let given = total_at(&bend, participants);
        let enough = given >= budget.times(&bend.bottom);
        open.retain(|p| {
            let order = p.cap.times(&bend.bottom).cmp(&bend.top.times(&p.weight));
            if enough && order.is_ge() {
                // The root is at or below this bend.
                part = part.plus(&p.weight);
                return false;
            }
            if !enough && order.is_le() {
                full = full.plus(&p.cap);
                return false;
            }
            true
        });
    }
    // On this piece T(l) = full + part * l. At the last bend something was missing, so
    // somebody is still to rise.
    Fraction::new(budget.minus(&full), part)
}
