//! Lets every design pay the same work, run by run.

pub mod aggregate;
pub mod entrants;
pub mod exits;
pub mod pool;
mod reserve;
pub mod run;
mod splitting;
mod tally;
mod till;
pub mod unlocking;

pub use aggregate::Aggregate;
pub use entrants::Entrants;
pub use reserve::Reserve;
pub use run::{own_vesting, play, Stage};
pub use unlocking::Unlocking;
