//! The store suite on the store in memory.

use federate_session::MemoryStore;
use federate_testkit::store_suite;

#[tokio::test(flavor = "multi_thread")]
async fn sessions() {
    store_suite::sessions(&MemoryStore::with_capacity).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_time() {
    store_suite::one_time(&MemoryStore::with_capacity).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logouts() {
    store_suite::logouts(&MemoryStore::with_capacity).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users() {
    store_suite::users(&MemoryStore::with_capacity).await;
}
