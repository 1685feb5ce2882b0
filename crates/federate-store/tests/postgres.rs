//! The store suite on PostgreSQL, and what only a database server can show.

#![cfg(feature = "postgres")]
// A test program: what would be a bug in library code is a verdict here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "postgres/crash.rs"]
mod crash;
#[path = "postgres/fixtures.rs"]
mod fixtures;
#[path = "postgres/races.rs"]
mod races;
#[path = "postgres/schema.rs"]
mod schema;
#[path = "postgres/server.rs"]
mod server;
#[path = "postgres/tables.rs"]
mod tables;

use federate_session::Capacity;
use federate_store::PostgresStore;
use federate_testkit::store_suite::{self, Backend};
use fixtures::{Shared, server};

/// Every store is a schema of its own.
struct Schemas(Shared);

impl Backend for Schemas {
    type Store = PostgresStore;

    async fn make(&self, _: Capacity) -> PostgresStore {
        PostgresStore::connect(self.0.options()).await.unwrap()
    }

    async fn again(&self, store: &PostgresStore) -> PostgresStore {
        let mut options = self.0.options();
        options.schema = fixtures::schema_of(store);
        PostgresStore::connect(options).await.unwrap()
    }

    // The bound is the disk's.
    fn counts(&self) -> bool {
        false
    }

    // Sessions go by the day; `tables` checks what goes one by one.
    fn sweeps(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions() {
    let Some(server) = server() else { return };
    store_suite::sessions(&Schemas(server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_time() {
    let Some(server) = server() else { return };
    store_suite::one_time(&Schemas(server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logouts() {
    let Some(server) = server() else { return };
    store_suite::logouts(&Schemas(server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users() {
    let Some(server) = server() else { return };
    store_suite::users(&Schemas(server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model() {
    let Some(server) = server() else { return };
    store_suite::model(&Schemas(server), 24).await;
}
