//! Federate's benches.
