//! Lists that are too long for one transaction, sent in pieces.

use super::error::StepError;
use super::Engine;
use crate::chain::Class;
use crate::journal::submissions::Purpose;
use crate::submit::{SubmitError, Submitted, Useful};
use plimsoll_mechanism::OperatorIndex;

/// A list in pieces of a length that shrinks when the chain refuses it.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    rest: Vec<OperatorIndex>,
    length: usize,
    /// Parts of pieces in which a culprit is looked for, the next one last.
    halves: Vec<Vec<OperatorIndex>>,
}

impl Pieces {
    /// The list, in pieces of at most `length`.
    pub fn new(mut list: Vec<OperatorIndex>, length: usize) -> Self {
        list.reverse();
        Self {
            rest: list,
            length: length.max(1),
            halves: Vec::new(),
        }
    }

    /// The next piece.
    pub fn next(&mut self) -> Option<Vec<OperatorIndex>> {
        if let Some(half) = self.halves.pop() {
            return Some(half);
        }
        if self.rest.is_empty() {
            return None;
        }
        let at = self.rest.len().saturating_sub(self.length);
        let mut piece = self.rest.split_off(at);
        piece.reverse();
        Some(piece)
    }

    /// Takes a piece back that was too long. False if it cannot be made shorter.
    pub fn too_long(&mut self, mut piece: Vec<OperatorIndex>) -> bool {
        if piece.len() <= 1 {
            return false;
        }
        self.length = piece.len().div_ceil(2);
        piece.reverse();
        self.rest.extend(piece);
        true
    }

    /// Takes a piece back that somebody in it spoils, to come in halves; later pieces keep
    /// their length. Gives the culprit if the piece is that one alone.
    pub fn spoilt(&mut self, mut piece: Vec<OperatorIndex>) -> Option<OperatorIndex> {
        if piece.len() <= 1 {
            return piece.pop();
        }
        let second = piece.split_off(piece.len().div_ceil(2));
        self.halves.extend([second, piece]);
        None
    }
}

/// How a list is sent.
pub(super) struct Sending<M> {
    /// How long a piece is at first.
    pub length: usize,
    /// What a piece is about, and the message that is sent for it.
    pub message: M,
    /// Whether a piece's transaction does anything, from what it would return.
    pub useful: Useful,
    /// Whether a refusal is the fault of one in the piece.
    pub spoilt: fn(&SubmitError) -> bool,
}

impl Engine {
    /// Sends one transaction for each piece of `list`, of less if the chain refuses the
    /// size, and none for a piece with which the contract would do nothing. Gives those
    /// who spoil any transaction that they are in: the others' are sent without them.
    pub(super) async fn submit_pieces<M>(
        &self,
        list: Vec<OperatorIndex>,
        sending: Sending<M>,
        mut done: impl FnMut(&Submitted),
    ) -> Result<Vec<OperatorIndex>, StepError>
    where
        M: Fn(&[OperatorIndex]) -> (Purpose, Vec<u8>),
    {
        let mut pieces = Pieces::new(list, sending.length);
        let mut culprits = Vec::new();
        while let Some(piece) = pieces.next() {
            let (purpose, data) = (sending.message)(&piece);
            let tx = self.emission.message(data);
            match self.submitter.submit_if(purpose, tx, sending.useful).await {
                Ok(submitted) => submitted.iter().for_each(&mut done),
                Err(error) if (sending.spoilt)(&error) => culprits.extend(pieces.spoilt(piece)),
                Err(error) if error.class() == Class::Split && pieces.too_long(piece) => {
                    tracing::info!(%error, length = pieces.length, "sending less at once");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(culprits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &mut Pieces) -> Vec<Vec<OperatorIndex>> {
        std::iter::from_fn(|| pieces.next()).collect()
    }

    #[test]
    fn pieces_come_in_order_and_whole() {
        let mut pieces = Pieces::new((0..7).collect(), 3);
        assert_eq!(all(&mut pieces), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
    }

    #[test]
    fn a_piece_that_is_too_long_comes_again_in_halves() {
        let mut pieces = Pieces::new((0..5).collect(), 4);
        let first = pieces.next().expect("four");
        assert!(pieces.too_long(first));
        assert_eq!(all(&mut pieces), [vec![0, 1], vec![2, 3], vec![4]]);
    }

    #[test]
    fn a_culprit_is_found_by_halves_and_later_pieces_keep_their_length() {
        let mut pieces = Pieces::new((0..12).collect(), 5);
        let (mut sent, mut culprits, mut tries) = (Vec::new(), Vec::new(), 0);
        while let Some(piece) = pieces.next() {
            tries += 1;
            if piece.contains(&1) {
                culprits.extend(pieces.spoilt(piece));
            } else {
                sent.push(piece);
            }
        }
        assert_eq!(culprits, [1]);
        assert_eq!(
            sent,
            [
                vec![0],
                vec![2],
                vec![3, 4],
                vec![5, 6, 7, 8, 9],
                vec![10, 11]
            ]
        );
        assert_eq!(tries, 9);
    }

    #[test]
    fn one_alone_cannot_be_halved() {
        let mut pieces = Pieces::new(vec![9], 4);
        let one = pieces.next().expect("one");
        assert!(!pieces.too_long(one));
    }
}
