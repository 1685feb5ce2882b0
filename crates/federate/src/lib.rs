//! Single sign-on for Rust services: service provider, identity provider and hub.
//!
//! - [`ServiceProvider`] is an application that lets an identity provider say who its users
//!   are.
//! - [`IdentityProvider`] answers applications' requests in SAML 2.0.
//! - [`Hub`] is an identity provider with users, single sign-on sessions (at most 7 days, at
//!   most 3 days idle) and single logout.
//!
//! Each takes a store (in memory, embedded, or yours), keys, and a clock; none opens a socket.
//! `federate-axum` puts them on the web.

mod back_channel;
mod clock;
mod error;
mod federation;
pub mod hub;
pub mod idp;
mod logout_message;
mod party;
pub mod sp;
mod store;
mod token;
mod transport;

pub use back_channel::{AnyBackChannel, BackChannel, BackChannelError};
pub use clock::{Clock, SystemClock};
pub use error::{Denial, FederateError};
pub use federate_crypto as crypto;
pub use federate_logout as logout;
pub use federate_metadata as metadata;
pub use federate_saml as saml;
pub use federate_session as session;
pub use federate_types as types;
pub use federate_xml as xml;
pub use hub::Hub;
pub use idp::{Application, IdentityProvider};
pub use party::{Decryption, METADATA_CACHE_DURATION, Party, PeerPolicy};
pub use sp::{
    CompletedLogin, Connection, Login, LoginOptions, LogoutReceived, ServiceProvider, StartedLogin,
};
pub use store::Store;
pub use token::Token;
pub use transport::{Incoming, Outgoing};

/// The README's example, compiled.
#[cfg(all(doctest, feature = "aws-lc"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
