//! Keeps SAML metadata fresh.
//!
//! A [`Feed`] has sources: files, directories and addresses. It reads each when it is due,
//! verifies it with the keys configured for its publisher, and replaces what a [`Registry`]
//! gives to its readers, who never wait. When a source fails, the last good copy stays until it
//! ends by its own word, and then there is none. [`Mdq`] asks for single entities instead.
//!
//! Time comes in as `now`, and what is fetched comes by the trait [`Fetch`]: whole years of
//! refreshing run in a test in milliseconds.

mod copies;
mod document;
mod error;
mod feed;
mod fetch;
mod filter;
mod mdq;
mod registry;
mod schedule;
mod source;

pub use error::FeedError;
pub use feed::{Feed, Outcome, Refreshed, SourceHealth};
pub use fetch::Fetch;
pub use filter::{Filter, Role};
pub use mdq::{Mdq, MdqOptions, MdqSource};
pub use registry::Registry;
pub use schedule::{RefreshPolicy, Schedule};
pub use source::{Origin, Source, Trust};
