//! The store suite on Redis, on one server and on a cluster of three, and what only a server
//! can show: lost connections, full memory, foreign data, crashes.

#![cfg(feature = "redis")]
// A test program: what would be a bug in library code is a verdict here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "redis/crashes.rs"]
mod crashes;
#[path = "redis/faults.rs"]
mod faults;
#[path = "redis/fixtures.rs"]
mod fixtures;
#[path = "redis/interruptions.rs"]
mod interruptions;
#[cfg(feature = "redis-tls")]
#[path = "redis/tls.rs"]
mod tls;

use federate_session::Capacity;
use federate_store::{RedisOptions, RedisStore};
use federate_testkit::servers::{Redis, RedisCluster};
use federate_testkit::store_suite::{self, Backend};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Each store under a prefix of its own, on one server or cluster.
struct Prefixes {
    urls: Vec<String>,
    made: AtomicUsize,
}

impl Prefixes {
    fn new(urls: Vec<String>) -> Self {
        let made = AtomicUsize::new(0);
        Self { urls, made }
    }

    async fn connect(&self, prefix: String) -> RedisStore {
        let options = RedisOptions {
            urls: self.urls.clone(),
            prefix,
            ..RedisOptions::new("")
        };
        RedisStore::connect(options).await.unwrap()
    }
}

impl Backend for Prefixes {
    type Store = RedisStore;

    async fn make(&self, _: Capacity) -> RedisStore {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        self.connect(format!("t{made}")).await
    }

    /// The suite asks for another instance of the store that it made last.
    async fn again(&self, _: &RedisStore) -> RedisStore {
        let last = self.made.load(Ordering::Relaxed) - 1;
        self.connect(format!("t{last}")).await
    }

    fn counts(&self) -> bool {
        false
    }

    fn sweeps(&self) -> bool {
        false
    }
}

async fn everything(urls: Vec<String>) {
    let backend = Prefixes::new(urls);
    store_suite::sessions(&backend).await;
    store_suite::one_time(&backend).await;
    store_suite::logouts(&backend).await;
    store_suite::users(&backend).await;
    store_suite::model(&backend, 32).await;
}

/// Every key lives for a limited time, but those of users and the format.
fn check_times_to_live(server: &Redis) {
    let mut seen = 0;
    let mut cursor = "0".to_owned();
    let script = "local r = redis.call('SCAN', ARGV[1], 'COUNT', 1000) local out = {r[1]} \
                  for _, k in ipairs(r[2]) do table.insert(out, redis.call('TTL', k) .. ' ' .. k) \
                  end return out";
    loop {
        let answer = server.ask(&["EVAL", script, "0", &cursor]);
        let mut lines = answer.lines();
        cursor = lines.next().unwrap().to_owned();
        for line in lines {
            let (ttl, key) = line.split_once(' ').unwrap();
            let kind = key.split(':').nth(1).unwrap();
            seen += 1;
            match kind {
                "u" | "n" | "format" => assert_eq!(ttl, "-1", "{key}"),
                _ => assert!(ttl.parse::<i64>().unwrap() > 0, "{key}: {ttl}"),
            }
        }
        if cursor == "0" {
            break;
        }
    }
    assert!(seen > 100, "the suite left {seen} keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_does_all_that_the_suite_asks() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    everything(vec![server.url()]).await;
    check_times_to_live(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_does_all_that_the_suite_asks() {
    let Some(cluster) = RedisCluster::start() else {
        return;
    };
    everything(cluster.urls()).await;
    for node in cluster.nodes() {
        check_times_to_live(node);
    }
}
