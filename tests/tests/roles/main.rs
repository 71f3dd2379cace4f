//! What each role can do at worst, played out on the contract's bytecode.
//!
//! The table in `SECURITY.md` says for every role what it can do at worst and what bounds
//! it; each row names the tests here that show it, and [`table`] checks that it does. A
//! bound that is a number is asserted as that number.

mod anyone;
mod attesters;
mod author;
mod guardian;
mod keeper;
mod operator;
mod owner;
mod quorum;
mod registrar;
mod scene;
#[expect(dead_code, reason = "not all of it is needed here")]
#[path = "../contracts/stage.rs"]
mod stage;
mod table;
mod token;
