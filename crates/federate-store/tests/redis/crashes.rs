//! A server that is killed while it writes, and what of the acknowledged is there afterwards.

use crate::fixtures::*;
use federate_session::*;
use federate_testkit::servers::Redis;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What was acknowledged, and when.
#[derive(Default)]
struct Acknowledged {
    created: Mutex<Vec<(u32, Instant)>>,
    ended: Mutex<Vec<(u32, Instant)>>,
    recorded: Mutex<Vec<(u32, Instant)>>,
}

/// How many acknowledged writes are missing, and how long before the crash the first was.
struct Loss {
    of: usize,
    missing: usize,
    window: Duration,
}

async fn load_and_kill(policy: &str) -> Option<Loss> {
    let always = ["--appendonly", "yes", "--appendfsync", policy];
    let mut server = Redis::start(&always)?;
    let store = connect(&server).await;
    let done = Arc::new(Acknowledged::default());
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..16)
        .map(|task: u32| {
            let (store, done, stop) = (store.clone(), done.clone(), stop.clone());
            tokio::spawn(async move {
                for n in (task * 100_000).. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let record = session(n, &format!("p{n}"), start());
                    if store.create(record, start()).await.is_ok() {
                        done.created.lock().unwrap().push((n, Instant::now()));
                    }
                    let entry = one_time(Namespace::ASSERTION, n, b"");
                    if store.put_new(entry, start()).await.is_ok() {
                        done.recorded.lock().unwrap().push((n, Instant::now()));
                    }
                    if n % 2 == 0 {
                        continue;
                    }
                    let ended = store.begin_termination(&key(n), logout(1), start()).await;
                    if matches!(ended, Ok(Termination::Ended(_))) {
                        done.ended.lock().unwrap().push((n, Instant::now()));
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let killed = Instant::now();
    server.kill9();
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    server.restart();
    let store = connect(&server).await;
    let mut missing = Vec::new();
    let mut of = 0;
    let created = done.created.lock().unwrap().clone();
    for (n, at) in created {
        of += 1;
        let state = store.load(&key(n), start()).await.unwrap();
        if state == SessionState::Unknown {
            missing.push(at);
        }
    }
    let ended = done.ended.lock().unwrap().clone();
    for (n, at) in ended {
        of += 1;
        if is_alive(&store, n).await {
            missing.push(at);
        }
    }
    let recorded = done.recorded.lock().unwrap().clone();
    for (n, at) in recorded {
        of += 1;
        let entry = one_time(Namespace::ASSERTION, n, b"");
        if store.put_new(entry, start()).await.unwrap() == PutNew::Inserted {
            missing.push(at);
        }
    }
    let first = missing.iter().min();
    let window = first.map_or(Duration::ZERO, |first| {
        killed.saturating_duration_since(*first)
    });
    let missing = missing.len();
    println!("appendfsync {policy}: {missing} of {of} missing, of the last {window:?}");
    Some(Loss {
        of,
        missing,
        window,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn with_always_nothing_acknowledged_is_lost() {
    let Some(loss) = load_and_kill("always").await else {
        return;
    };
    assert!(loss.of > 100, "{} writes are no load", loss.of);
    assert_eq!(loss.missing, 0, "what ended stays ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_everysec_at_most_two_seconds_are_lost() {
    let Some(loss) = load_and_kill("everysec").await else {
        return;
    };
    assert!(loss.of > 100, "{} writes are no load", loss.of);
    assert!(loss.window < Duration::from_secs(2), "{:?}", loss.window);
}
