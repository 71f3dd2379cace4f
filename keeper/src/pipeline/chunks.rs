//! Lists that are too long for one transaction, sent in pieces.

use super::error::StepError;
use super::Engine;
use crate::chain::{Class, Tx};
use crate::journal::submissions::Purpose;
use crate::submit::{SubmitError, Submitted};
use plimsoll_mechanism::OperatorIndex;

/// A list in pieces of a length that shrinks when the chain refuses it.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    rest: Vec<OperatorIndex>,
    length: usize,
}

impl Pieces {
    /// The list, in pieces of at most `length`.
    pub fn new(mut list: Vec<OperatorIndex>, length: usize) -> Self {
        list.reverse();
        Self {
            rest: list,
            length: length.max(1),
        }
    }

    /// The next piece.
    pub fn next(&mut self) -> Option<Vec<OperatorIndex>> {
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
}

impl Engine {
    /// Sends one transaction for each piece of `list`, of `length` at first and of less
    /// if the chain refuses the size. `wanted` is asked about each piece just before: it
    /// gives the transaction, or nothing if the contract has it already.
    pub(super) async fn submit_pieces<W, F>(
        &self,
        list: Vec<OperatorIndex>,
        length: usize,
        wanted: W,
        mut done: impl FnMut(&[OperatorIndex], &Submitted),
    ) -> Result<(), StepError>
    where
        W: Fn(Vec<OperatorIndex>) -> F,
        F: std::future::Future<Output = Result<Option<(Purpose, Tx)>, StepError>>,
    {
        let mut pieces = Pieces::new(list, length);
        while let Some(piece) = pieces.next() {
            let result = match wanted(piece.clone()).await {
                Ok(Some((purpose, tx))) => self.submitter.submit(purpose, tx).await,
                Ok(None) => continue,
                Err(StepError::Submit(error)) => Err(error),
                Err(StepError::Contract(crate::contract::ContractError::Chain(error))) => {
                    Err(SubmitError::Chain(error))
                }
                Err(error) => return Err(error),
            };
            match result {
                Ok(submitted) => done(&piece, &submitted),
                Err(error) if error.class() == Class::Split && pieces.too_long(piece) => {
                    tracing::info!(%error, length = pieces.length, "sending less at once");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
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
    fn one_alone_cannot_be_halved() {
        let mut pieces = Pieces::new(vec![9], 4);
        let one = pieces.next().expect("one");
        assert!(!pieces.too_long(one));
    }
}
