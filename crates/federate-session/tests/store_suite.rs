//! The store suite on the store in memory.

use federate_session::{Capacity, MemoryStore};
use federate_testkit::store_suite::{self, Backend};

struct InMemory;

impl Backend for InMemory {
    type Store = MemoryStore;

    async fn make(&self, capacity: Capacity) -> MemoryStore {
        MemoryStore::with_capacity(capacity)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions() {
    store_suite::sessions(&InMemory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_time() {
    store_suite::one_time(&InMemory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logouts() {
    store_suite::logouts(&InMemory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users() {
    store_suite::users(&InMemory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model() {
    store_suite::model(&InMemory, 400).await;
}
