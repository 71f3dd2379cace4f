//! What remains of a design if the largest owners open further identities where that pays.
//!
//! Honest populations hide what a design pays for names. Here the largest tenth of owners
//! (by cards) is paid three times more for the same work: with one identity for each card;
//! with half of the cards under the first name and one identity for each other card; and
//! then each owner in the way of these three that paid it most, by itself, all others doing
//! the same. A registrar vouches for the first name only; all names share stake and bond.

use super::run::Stage;
use super::till::{Due, Till};
use crate::designs::Design;
use crate::world::{Load, Operator};

/// One owner in so many is among the largest.
const ONE_IN: usize = 10;

/// How the cards of one identity are spread over several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// One identity a card.
    Single,
    /// Half of the cards with the first, one identity for each other card.
    Half,
}

/// Both ways to split.
const LAYOUTS: [Layout; 2] = [Layout::Single, Layout::Half];

/// The owners that may split.
#[derive(Clone, Debug)]
struct Splitters {
    /// By owner: whether it is one of the largest tenth.
    largest: Vec<bool>,
}

impl Splitters {
    /// The largest tenth of the owners of `operators`, by cards; of equals, those who come
    /// first. At least one.
    fn new(operators: &[Operator]) -> Self {
        let owners = operators
            .iter()
            .map(|operator| operator.owner as usize + 1)
            .max()
            .unwrap_or(0);
        let mut cards = vec![0_u64; owners];
        for operator in operators {
            cards[operator.owner as usize] += u64::from(operator.cards);
        }
        let mut order: Vec<usize> = (0..owners).filter(|owner| cards[*owner] > 0).collect();
        order.sort_by_key(|owner| (std::cmp::Reverse(cards[*owner]), *owner));
        let mut largest = vec![false; owners];
        for owner in &order[..order.len().div_ceil(ONE_IN)] {
            largest[*owner] = true;
        }
        Self { largest }
    }

    fn contains(&self, owner: u32) -> bool {
        self.largest[owner as usize]
    }

    /// By owner: the way that paid it most by itself, of `ways` and `whole` (what each
    /// operator earned). Whoever gains nothing by it does not split.
    fn best(
        &self,
        operators: &[Operator],
        whole: &[u128],
        ways: &[(Layout, &Vec<u128>)],
    ) -> Vec<Option<Layout>> {
        let mut best = vec![None; self.largest.len()];
        let mut most = self.by_owner(operators, whole);
        for (layout, earned) in ways {
            for (owner, amount) in self.by_owner(operators, earned).into_iter().enumerate() {
                if self.largest[owner] && amount > most[owner] {
                    best[owner] = Some(*layout);
                    most[owner] = amount;
                }
            }
        }
        best
    }

    fn by_owner(&self, operators: &[Operator], earned: &[u128]) -> Vec<u128> {
        let mut sums = vec![0; self.largest.len()];
        for (operator, amount) in operators.iter().zip(earned) {
            sums[operator.owner as usize] += amount;
        }
        sums
    }

    /// What all of them together earned more than without a split.
    fn gain(&self, operators: &[Operator], whole: &[u128], split: &[u128]) -> Option<f64> {
        let of = |earned: &[u128]| -> u128 {
            let sums = self.by_owner(operators, earned);
            sums.iter()
                .zip(&self.largest)
                .filter(|(_, largest)| **largest)
                .map(|(sum, _)| sum)
                .sum()
        };
        let before = of(whole);
        (before > 0).then(|| of(split) as f64 / before as f64 - 1.0)
    }
}

/// A population in which the largest owners have split in one way, paid by every design.
struct Split<'a> {
    operators: Vec<Operator>,
    /// By identity: whose work it does, and which part of how many.
    from: Vec<(usize, u64, u64)>,
    load: Load,
    active: Vec<bool>,
    players: Vec<Player<'a>>,
}

/// A design that pays it.
struct Player<'a> {
    till: Till<'a>,
    earned: Vec<u128>,
}

/// What each operator earned with a design, in base units, and what the largest tenth of
/// owners gained by splitting, as a share of what it earned without; none if that is
/// nothing.
pub struct Outcome {
    pub earned: Vec<u128>,
    pub gain: Option<f64>,
}

/// Lets the largest owners split in a run of `loads`, in which they earned `whole` (by
/// design and operator) without. By design.
pub fn play(
    stage: &Stage<'_>,
    operators: &[Operator],
    loads: &[Load],
    whole: &[&[u128]],
    run: u64,
) -> Vec<Outcome> {
    let splitters = Splitters::new(operators);
    let all: Vec<&dyn Design> = stage.designs.iter().map(AsRef::as_ref).collect();
    let tried = LAYOUTS.map(|layout| {
        let way = |owner| splitters.contains(owner).then_some(layout);
        Split::new(stage, &all, operators, way, run).play(stage, loads)
    });
    all.iter()
        .enumerate()
        .map(|(place, design)| {
            let [single, half] = &tried;
            let ways = splitters.best(
                operators,
                whole[place],
                &[
                    (Layout::Single, &single[place]),
                    (Layout::Half, &half[place]),
                ],
            );
            let way = |owner: u32| ways[owner as usize];
            let earned = Split::new(stage, &[*design], operators, way, run)
                .play(stage, loads)
                .swap_remove(0);
            let gain = splitters.gain(operators, whole[place], &earned);
            Outcome { earned, gain }
        })
        .collect()
}

impl<'a> Split<'a> {
    /// `designs` at the start of run `run`; `way` is how an owner splits, if it does.
    fn new(
        stage: &Stage<'_>,
        designs: &[&'a dyn Design],
        operators: &[Operator],
        way: impl Fn(u32) -> Option<Layout>,
        run: u64,
    ) -> Self {
        let mut split = Vec::new();
        let mut from = Vec::new();
        for (index, operator) in operators.iter().enumerate() {
            match way(operator.owner).filter(|_| operator.cards > 1) {
                Some(layout) => {
                    for (part, cards) in parts(operator.cards, layout) {
                        split.push(piece(operator, part, cards, layout));
                        from.push((index, u64::from(cards), u64::from(operator.cards)));
                    }
                }
                None => {
                    split.push(operator.clone());
                    from.push((index, 1, 1));
                }
            }
        }
        let count = split.len();
        let players = designs
            .iter()
            .map(|design| Player {
                till: Till::new(stage, *design, count, run),
                earned: vec![0; count],
            })
            .collect();
        Self {
            operators: split,
            from,
            load: Load::idle(count),
            active: vec![true; count],
            players,
        }
    }

    /// Plays all of a run; by design, what each operator of before the split earned with
    /// all of its identities, in base units.
    fn play(mut self, stage: &Stage<'_>, loads: &[Load]) -> Vec<Vec<u128>> {
        for (number, load) in (0..).zip(loads) {
            self.epoch(stage, number, load);
        }
        let operators = loads.first().map_or(0, Load::len);
        let from = self.from;
        self.players
            .into_iter()
            .map(|player| {
                let mut earned = vec![0; operators];
                for ((index, _, _), amount) in from.iter().zip(player.earned) {
                    earned[*index] += amount;
                }
                earned
            })
            .collect()
    }

    /// Pays epoch `number`, in which the identities before the split did `load`.
    fn epoch(&mut self, stage: &Stage<'_>, number: u32, load: &Load) {
        self.share_out(load);
        for player in &mut self.players {
            player.till.pay(
                stage,
                Due {
                    number,
                    operators: &self.operators,
                    active: &self.active,
                    load: &self.load,
                },
            );
            for (earned, pay) in player.earned.iter_mut().zip(&player.till.pay) {
                *earned += pay.amount;
            }
        }
    }

    /// Gives every identity its part of the work, by cards; what does not divide goes to the
    /// last one of an operator's.
    fn share_out(&mut self, load: &Load) {
        let mut left = (usize::MAX, 0, [0_u64; 3], 0);
        for (identity, (index, cards, all)) in self.from.iter().copied().enumerate() {
            let whole = [load.jobs[index], load.fragment[index], load.bulk[index]];
            if left.0 != index {
                left = (index, 0, whole, all);
            }
            left.1 += cards;
            let mine = if left.1 == all {
                left.2
            } else {
                // Work figures and cards are far below 2^32 each.
                whole
                    .map(|figure| (u128::from(figure) * u128::from(cards) / u128::from(all)) as u64)
            };
            for (rest, figure) in left.2.iter_mut().zip(mine) {
                *rest -= figure;
            }
            self.load.jobs[identity] = mine[0];
            self.load.fragment[identity] = mine[1];
            self.load.bulk[identity] = mine[2];
        }
    }
}

/// The identities of an operator of `cards` cards: their places and cards.
fn parts(cards: u32, layout: Layout) -> impl Iterator<Item = (u32, u32)> {
    let first = match layout {
        Layout::Single => 1,
        Layout::Half => (cards / 2).max(1),
    };
    (0..=cards - first).map(move |part| (part, if part == 0 { first } else { 1 }))
}

/// One of the identities that `operator` opens.
fn piece(operator: &Operator, part: u32, cards: u32, layout: Layout) -> Operator {
    let others = match layout {
        Layout::Single => operator.cards - 1,
        Layout::Half => operator.cards - (operator.cards / 2).max(1),
    };
    // Nothing is lost: what does not divide stays with the first.
    let of = |amount: u128| {
        let each = amount / u128::from(others + 1);
        if part == 0 {
            amount - each * u128::from(others)
        } else {
            each
        }
    };
    Operator {
        cards,
        vetted: operator.vetted && part == 0,
        stake: of(operator.stake),
        bond: of(operator.bond),
        capacity: operator.capacity * f64::from(cards) / f64::from(operator.cards),
        ..operator.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(owner: u32, cards: u32) -> Operator {
        Operator {
            owner,
            class: 0,
            country: 0,
            cards,
            vetted: true,
            channel: false,
            stake: 100,
            bond: 10,
            electricity: 0.2,
            capacity: f64::from(cards),
        }
    }

    #[test]
    fn the_largest_tenth_of_owners_is_taken_by_all_their_cards() {
        // Owner 1 has two identities of 3 cards and so more than owner 2 with 5.
        let mut operators = vec![
            operator(0, 1),
            operator(1, 3),
            operator(2, 5),
            operator(1, 3),
        ];
        operators.extend((3..12).map(|owner| operator(owner, 1)));
        let splitters = Splitters::new(&operators);
        // Twelve owners: two of them.
        let largest: Vec<u32> = (0..12).filter(|owner| splitters.contains(*owner)).collect();
        assert_eq!(largest, [1, 2]);
    }

    #[test]
    fn splitting_keeps_cards_stake_and_bond_and_one_vetted_name() {
        for layout in LAYOUTS {
            let whole = operator(0, 7);
            let pieces: Vec<Operator> = parts(7, layout)
                .map(|(part, cards)| piece(&whole, part, cards, layout))
                .collect();
            assert_eq!(pieces.iter().map(|piece| piece.cards).sum::<u32>(), 7);
            assert_eq!(pieces.iter().map(|piece| piece.stake).sum::<u128>(), 100);
            assert_eq!(pieces.iter().map(|piece| piece.bond).sum::<u128>(), 10);
            assert_eq!(pieces.iter().filter(|piece| piece.vetted).count(), 1);
            assert!(pieces[1..].iter().all(|piece| piece.cards == 1));
        }
        assert_eq!(parts(7, Layout::Single).count(), 7);
        assert_eq!(parts(7, Layout::Half).next(), Some((0, 3)));
    }

    #[test]
    fn work_is_shared_out_by_cards_and_none_is_lost() {
        let mut split = Split {
            operators: Vec::new(),
            from: vec![(0, 1, 1), (1, 2, 4), (1, 1, 4), (1, 1, 4)],
            load: Load::idle(4),
            active: Vec::new(),
            players: Vec::new(),
        };
        split.share_out(&Load {
            jobs: vec![5, 7],
            fragment: vec![1, 10],
            bulk: vec![0, 3],
        });
        assert_eq!(split.load.jobs, [5, 3, 1, 3]);
        assert_eq!(split.load.fragment, [1, 5, 2, 3]);
        assert_eq!(split.load.bulk, [0, 1, 0, 2]);
    }

    #[test]
    fn each_owner_takes_the_way_that_pays_it_and_stays_whole_if_none_does() {
        let mut operators = vec![operator(0, 9), operator(1, 8), operator(2, 7)];
        operators.extend((3..30).map(|owner| operator(owner, 1)));
        let splitters = Splitters::new(&operators);
        let earned = |first: [u128; 4]| {
            let mut all = vec![1; operators.len()];
            all[..4].copy_from_slice(&first);
            all
        };
        let whole = earned([10, 10, 10, 1]);
        let single = earned([12, 9, 10, 5]);
        let half = earned([11, 13, 10, 5]);
        let ways = [(Layout::Single, &single), (Layout::Half, &half)];
        let best = splitters.best(&operators, &whole, &ways);
        // The third of them gains nothing, and owner 3 is not one of the largest.
        assert_eq!(
            best[..4],
            [Some(Layout::Single), Some(Layout::Half), None, None]
        );
        // 12 + 13 + 9 for 30.
        let gain = splitters.gain(&operators, &whole, &earned([12, 13, 9, 0]));
        assert!((gain.expect("earned") - 4.0 / 30.0).abs() < 1e-12);
        assert_eq!(
            splitters.gain(&operators, &earned([0, 0, 0, 5]), &whole),
            None
        );
    }
}
