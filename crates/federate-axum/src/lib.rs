//! Federate's routers, cookies and pages for axum.
//!
//! - [`hub_router`] is a whole hub: sign-in page, SAML endpoints, single logout with its
//!   progress page, and a page where people see their session and open applications. With
//!   [`HubState::with_management`] administrators' programs list and end sessions.
//! - [`sp_router`] gives an application `/login`, `/logout` and the SAML endpoints;
//!   [`SignedIn`] is the extractor that tells its handlers who the person is.
//! - [`Site`] says where either lives and how its cookies are called. Nothing is ever derived
//!   from a request's `Host` header.
//! - [`Page`] and [`Failure`] are the pages: no script but the one that submits a SAML form,
//!   nothing loaded from elsewhere, everything escaped.
//!
//! An application:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use federate::{ServiceProvider, session::MemoryStore};
//! use federate_axum::{SignedIn, Site, SpState, sp_router};
//! use std::sync::Arc;
//!
//! async fn home(person: SignedIn) -> String {
//!     format!("Hello, {}", person.name_id().map_or("you", |name| name.value()))
//! }
//!
//! fn router(sp: ServiceProvider<MemoryStore>) -> Result<Router, federate_axum::InvalidSite> {
//!     let site = Site::new("https://app.example", "app", "The App")?;
//!     let state = SpState::new(Arc::new(sp), site);
//!     let pages = Router::new().route("/", get(home)).with_state(state.clone());
//!     Ok(sp_router(state).merge(pages))
//! }
//! ```

mod cookie;
mod deliver;
mod failure;
mod form;
mod headers;
pub mod hub;
mod page;
mod return_to;
mod site;
pub mod sp;

pub use deliver::deliver;
pub use failure::Failure;
pub use headers::{no_such_method, no_such_page, with_safe_headers};
pub use hub::{HubState, hub_router};
pub use page::{Page, instant};
pub use return_to::local_path;
pub use site::{InvalidSite, Site};
pub use sp::{Choice, Sessions, SignedIn, SpState, sp_router};
