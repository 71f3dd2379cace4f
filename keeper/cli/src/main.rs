//! The keeper for chains reached over JSON-RPC.

fn main() {}
