//! The routers as a browser meets them, without a browser and without sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "web/attacks.rs"]
mod attacks;
#[path = "web/bindings.rs"]
mod bindings;
#[path = "web/browser.rs"]
mod browser;
#[path = "web/choose.rs"]
mod choose;
#[path = "web/flow.rs"]
mod flow;
#[path = "web/logout.rs"]
mod logout;
#[path = "web/logout_frames.rs"]
mod logout_frames;
#[path = "web/logout_layers.rs"]
mod logout_layers;
#[path = "web/logout_soap.rs"]
mod logout_soap;
#[path = "web/management.rs"]
mod management;
#[path = "web/refusals.rs"]
mod refusals;
#[path = "web/status.rs"]
mod status;
#[path = "web/upstream.rs"]
mod upstream;
#[path = "web/world.rs"]
mod world;
