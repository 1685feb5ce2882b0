//! Keys, a fixed clock, parties in memory and the store suite that Federate's tests share.

#[cfg(feature = "xmlsec")]
pub mod judge;
pub mod keys;
#[cfg(feature = "loopback")]
pub mod loopback;
pub mod mutation;
#[cfg(feature = "parties")]
pub mod parties;
#[cfg(feature = "servers")]
pub mod servers;
pub mod store_suite;
pub mod vectors;
