//! What floods, crowds, long lists and years of neglect cost: no input, population or
//! sequence makes a settlement, a raise, a booking or a claim outgrow a block, or stands
//! in the way of others.
//!
//! On the contract's bytecode, with the weights of a block. Weights and proof sizes are
//! what the runtime says, the same on every machine; times of this machine are not asked.

mod batches;
mod block;
mod caps;
mod deposits;
mod flood;
mod lists;
mod years;
