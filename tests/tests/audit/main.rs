//! The audit of a deployment against the contract's bytecode: an honest history adds up
//! after every message, and whatever is tampered with is found, where it is.

mod altered;
mod honest;
mod play;
mod tampered;
