//! The demo: a measured workload, attested, settled, vested and paid, and every amount
//! recomputed from the receipts.

pub mod audit;
pub mod data;
pub mod figures;
pub mod population;
