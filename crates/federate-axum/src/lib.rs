//! Federate's routers, cookies and pages for axum.
