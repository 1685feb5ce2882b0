//! Federate's stores in PostgreSQL.
