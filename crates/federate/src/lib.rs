//! Single sign-on for Rust services: service provider, identity provider and hub.
