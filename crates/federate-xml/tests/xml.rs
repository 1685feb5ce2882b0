//! What the crate promises, seen from outside: attacks by name, properties, other people's
//! software and other people's documents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "xml/algorithms.rs"]
mod algorithms;
#[path = "xml/canonicalization.rs"]
mod canonicalization;
#[path = "xml/deviations.rs"]
mod deviations;
#[path = "xml/encoding.rs"]
mod encoding;
#[path = "xml/encryption.rs"]
mod encryption;
#[path = "xml/limits.rs"]
mod limits;
#[path = "xml/mutations.rs"]
mod mutations;
#[path = "xml/parser.rs"]
mod parser;
#[path = "xml/peers.rs"]
mod peers;
#[path = "xml/properties.rs"]
mod properties;
#[path = "xml/stream.rs"]
mod stream;
#[path = "xml/structure.rs"]
mod structure;
#[path = "xml/suites.rs"]
mod suites;
#[path = "xml/support.rs"]
mod support;
#[path = "xml/vectors.rs"]
mod vectors;
#[path = "xml/wrapping.rs"]
mod wrapping;
