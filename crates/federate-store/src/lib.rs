//! Federate's store traits on redb, the embedded database.
