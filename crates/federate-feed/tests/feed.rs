//! A feed over months, against a publisher that does what publishers do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "feed/loopback.rs"]
mod loopback;
#[path = "feed/mdq.rs"]
mod mdq;
#[path = "feed/publisher.rs"]
mod publisher;
#[path = "feed/sign_in.rs"]
mod sign_in;
#[path = "feed/sources.rs"]
mod sources;
#[path = "feed/trust.rs"]
mod trust;
