//! The contracts as they are committed, compiled in.

/// The emission contract's bytecode.
pub const EMISSION: &[u8] = include_bytes!("../../contracts/artifacts/emission.polkavm");

/// The emission contract's metadata: messages, types, events.
pub const EMISSION_METADATA: &str = include_str!("../../contracts/artifacts/emission.json");

/// The token's bytecode.
pub const TOKEN: &[u8] = include_bytes!("../../contracts/artifacts/token.polkavm");

/// The hashes of code and files, and what they were built with.
pub const MANIFEST: &str = include_str!("../../contracts/artifacts/manifest.json");
