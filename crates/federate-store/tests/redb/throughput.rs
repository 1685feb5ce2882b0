//! How fast the store is, and how large its file: a measurement, not a test.
//!
//! `cargo test --release -p federate-store --test redb throughput -- --ignored --nocapture`

use super::sessions::{key, with_apps};
use chrono::TimeDelta;
use federate_session::{LifetimePolicy, SessionState, SessionStore as _};
use federate_store::RedbStore;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SESSIONS: u32 = 20_000;
const TASKS: u32 = 512;

/// The processor time of this process, in seconds: on a machine that others use as well, it
/// says more than the clock.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|word| word.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// Calls `verb` with numbers below `SESSIONS` from many tasks for two seconds, and gives how
/// often by the clock and by processor time.
async fn rate<F, V>(tasks: u32, verb: V) -> (f64, f64)
where
    F: Future<Output = ()> + Send,
    V: Fn(u32, u32) -> F + Send + Clone + 'static,
{
    let (start, end, before) = (Instant::now(), Duration::from_secs(2), cpu());
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
    let done = f64::from(done);
    (
        done / start.elapsed().as_secs_f64(),
        done / (cpu() - before),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn throughput() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    let store = RedbStore::open(&path).unwrap();
    let (start, before) = (Instant::now(), cpu());
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
    let busy = f64::from(SESSIONS) / (cpu() - before);
    let size = std::fs::metadata(&path).unwrap().len();
    let clock = f64::from(SESSIONS) / took;
    println!("create with 5 applications: {clock:.0}/s, {busy:.0} per second of processor");
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
        let (clock, cpu) = loads.await;
        println!("load, {tasks} tasks: {clock:.0}/s, {cpu:.0} per second of processor");
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
        let (clock, cpu) = touches.await;
        println!("touch, {tasks} tasks: {clock:.0}/s, {cpu:.0} per second of processor");
    }
    let size = std::fs::metadata(&path).unwrap().len();
    println!("file: {} bytes per session", size / u64::from(SESSIONS));
    drop(store);
    let mut db = redb::Database::open(&path).unwrap();
    let stats = db.begin_write().unwrap().stats().unwrap();
    println!(
        "bytes per session: {} stored, {} fragmented",
        stats.stored_bytes() / u64::from(SESSIONS),
        stats.fragmented_bytes() / u64::from(SESSIONS)
    );
    db.compact().unwrap();
    drop(db);
    let size = std::fs::metadata(&path).unwrap().len();
    println!(
        "file, compacted: {} bytes per session",
        size / u64::from(SESSIONS)
    );
}
