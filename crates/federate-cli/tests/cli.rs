//! The command as its users run it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "cli/decoding.rs"]
mod decoding;
#[path = "cli/explaining.rs"]
mod explaining;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/metadata.rs"]
mod metadata;
#[path = "cli/rollover.rs"]
mod rollover;
#[path = "cli/round_trip.rs"]
mod round_trip;
#[path = "cli/support.rs"]
mod support;
#[path = "cli/usage.rs"]
mod usage;
#[path = "cli/vectors.rs"]
mod vectors;
