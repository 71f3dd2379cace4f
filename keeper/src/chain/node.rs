//! A chain behind a node's JSON-RPC.
