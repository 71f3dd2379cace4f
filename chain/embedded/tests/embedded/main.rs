//! What the embedded chain promises.

mod clock;
mod contracts;
mod counter;
mod runtime;
