//! Keys, a fixed clock, parties in memory and the store suite that Federate's tests share.

pub mod keys;
#[cfg(feature = "parties")]
pub mod parties;
pub mod store_suite;
