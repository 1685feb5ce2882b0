//! Our verdicts on signatures and our canonical octets against those of libxmlsec1 and libxml2.
//!
//! `cargo test -p federate-testkit --features xmlsec --test judge` runs it. `FEDERATE_VECTORS`
//! names the folder of other projects' documents, which are left out without it.
//! `FEDERATE_WRITE_DOCS=1` writes `docs/differences-from-libxmlsec1.md`, with which the run is
//! compared otherwise. `FEDERATE_JUDGE_SEED` is a number with which other documents are made, to
//! look further than every run does; they are not compared with the page.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "judge/bases.rs"]
mod bases;
#[path = "judge/canonical.rs"]
mod canonical;
#[path = "judge/compare.rs"]
mod compare;
#[path = "judge/differences.rs"]
mod differences;
#[path = "judge/documents.rs"]
mod documents;
#[path = "judge/mutants.rs"]
mod mutants;
#[path = "judge/page.rs"]
mod page;
#[path = "judge/random.rs"]
mod random;
#[path = "judge/shapes.rs"]
mod shapes;
#[path = "judge/signing.rs"]
mod signing;
#[path = "judge/support.rs"]
mod support;
#[path = "judge/vectors.rs"]
mod vectors;
#[path = "judge/verdicts.rs"]
mod verdicts;
