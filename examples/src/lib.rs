//! Federate's examples.
