//! Federate's stores in Redis or Valkey.
