//! The single sign-on session: lifetime policy, record, store traits and the in-memory store.
