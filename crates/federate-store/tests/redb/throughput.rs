//! How fast the store is, and how large its file: a measurement, not a test.
//!
//! `cargo test --release -p federate-store --test redb throughput -- --ignored --nocapture`

use super::sessions::{key, record, with_apps};
use chrono::TimeDelta;
use federate_session::{LifetimePolicy, SessionState, SessionStore as _};
use federate_store::RedbStore;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SESSIONS: u32 = 50_000;
const TASKS: u32 = 512;

/// Calls `verb` with numbers below `SESSIONS` from many tasks for two seconds.
async fn rate<F, V>(tasks: u32, verb: V) -> f64
where
    F: Future<Output = ()> + Send,
    V: Fn(u32, u32) -> F + Send + Clone + 'static,
{
    let (start, end) = (Instant::now(), Duration::from_secs(2));
    let tasks: Vec<_> = (0..tasks)
        .map(|task| {
            let verb = verb.clone();
            tokio::spawn(async move {
                let mut n = task.wrapping_mul(0x9e37_79b9);
                let mut done = 0_u32;
                while start.elapsed() < end {
                    n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    verb((n >> 8) % SESSIONS, done).await;
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn throughput() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    let store = RedbStore::open(&path).unwrap();
    let start = Instant::now();
    let creates: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in (task..SESSIONS).step_by(TASKS as usize) {
                    with_apps(&store, n, 5).await;
                }
            })
        })
        .collect();
    for task in creates {
        task.await.unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    let size = std::fs::metadata(&path).unwrap().len();
    println!(
        "create with 5 applications: {:.0}/s",
        f64::from(SESSIONS) / took
    );
    println!("file: {} bytes per session", size / u64::from(SESSIONS));

    for tasks in [1, 2, 64] {
        let reader = store.clone();
        let loads = rate(tasks, move |n, _| {
            let store = reader.clone();
            async move {
                let state = store.load(&key(n), super::now()).await.unwrap();
                assert!(matches!(state, SessionState::Alive(_)));
            }
        });
        println!("load, {tasks} tasks: {:.0}/s", loads.await);
    }
    let policy = LifetimePolicy::default()
        .with_touch_granularity(TimeDelta::zero())
        .unwrap();
    for tasks in [1, 64, TASKS] {
        let toucher = store.clone();
        let touches = rate(tasks, move |n, done| {
            let store = toucher.clone();
            async move {
                let at = super::now() + TimeDelta::milliseconds(i64::from(done) + 1);
                let state = store.touch_if_alive(&key(n), &policy, at).await.unwrap();
                assert!(matches!(state, SessionState::Alive(_)));
            }
        });
        println!("touch, {tasks} tasks: {:.0}/s", touches.await);
    }
    let size = std::fs::metadata(&path).unwrap().len();
    println!("file: {} bytes per session", size / u64::from(SESSIONS));
    drop(store);
    let mut db = redb::Database::open(&path).unwrap();
    db.compact().unwrap();
    drop(db);
    let size = std::fs::metadata(&path).unwrap().len();
    println!(
        "file, compacted: {} bytes per session",
        size / u64::from(SESSIONS)
    );
    let _ = record(0);
}
