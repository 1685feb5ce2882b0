//! Fills a store with sessions and prints what each takes, how fast they are looked at,
//! touched and found, and how long forgetting all of them takes.
//!
//! Time is virtual: the sessions began within two days, one after the other.

#[path = "sessions/people.rs"]
mod people;

use clap::Parser;
use federate::session::{
    Capacity, LifetimePolicy, MemoryStore, SessionCheck, SessionState, SessionStore, Sweep,
};
use federate_store::{
    PostgresOptions, PostgresStore, RedbOptions, RedbStore, RedisOptions, RedisStore,
};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes, rates and times of a store with many sessions.
#[derive(Parser, Clone)]
struct Options {
    /// The store: memory, redb, redis or postgres.
    #[arg(long, default_value = "memory")]
    store: String,
    /// Where the server of redis or postgres is; what is there of Federate's is used.
    #[arg(long)]
    url: Option<String>,
    /// How many MiB of its file redb may keep in memory.
    #[arg(long, default_value_t = 4096)]
    cache_mib: usize,
    /// How many sessions.
    #[arg(long, default_value_t = 5_000_000)]
    sessions: u64,
    /// How many applications each session has while its bytes are measured.
    #[arg(long, default_value_t = 0)]
    participants: u64,
    /// How long each rate is measured, in milliseconds.
    #[arg(long, default_value_t = 3_000)]
    milliseconds: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A failure that a task can hand over.
type Failure = Box<dyn Error + Send + Sync>;

/// How many tasks ask a database at once: writes that wait together are committed together.
const TASKS: u64 = 512;
/// How many sessions are given applications to look for, if they have none.
const WITH_APPLICATIONS: u64 = 100_000;
/// How many sessions a sweep forgets before it is called again.
const SWEEP: usize = 10_000;

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let before = resident()?;
    let capacity = Capacity {
        sessions: usize::try_from(options.sessions)?,
        ..Capacity::default()
    };
    let figures = match options.store.as_str() {
        "memory" => {
            let store = MemoryStore::with_capacity(capacity);
            runtime.block_on(measure(store, &options, before, 1, None))?
        }
        "redb" => {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("sessions.redb");
            let redb = RedbOptions {
                capacity,
                cache_bytes: options.cache_mib * 1024 * 1024,
                ..RedbOptions::default()
            };
            let store = RedbStore::open_with(&path, redb)?;
            runtime.block_on(measure(store, &options, before, TASKS, Some(&path)))?
        }
        "redis" => runtime.block_on(async {
            let store = RedisStore::connect(RedisOptions::new(url(&options)?)).await?;
            measure(store, &options, before, TASKS, None).await
        })?,
        "postgres" => runtime.block_on(async {
            let store = PostgresStore::connect(PostgresOptions::new(url(&options)?)).await?;
            measure(store, &options, before, TASKS, None).await
        })?,
        other => {
            let why = "expected memory, redb, redis or postgres";
            return Err(format!("--store {other}: {why}").into());
        }
    };
    print(&figures, options.json);
    Ok(())
}

fn url(options: &Options) -> Result<&str, Failure> {
    options
        .url
        .as_deref()
        .ok_or_else(|| "--url is missing".into())
}

/// The figures, in the order of their measurement.
#[derive(Default)]
struct Figures(Vec<(String, Value)>);

impl Figures {
    fn add(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        eprintln!("{name}: {value}"); // it takes minutes: what is known is told
        self.0.push((name.to_owned(), value));
    }
}

async fn measure<S: SessionStore + Sweep + Clone + 'static>(
    store: S,
    options: &Options,
    before: u64,
    tasks: u64,
    file: Option<&Path>,
) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let all = options.sessions;
    figures.add("store", options.store.as_str());
    figures.add("sessions", all);
    figures.add("participants", options.participants);
    let start = Instant::now();
    fill(&store, options, tasks).await?;
    let rate = all as f64 / start.elapsed().as_secs_f64();
    figures.add("creations_per_second", rate as u64);
    figures.add("bytes_per_session", (resident()? - before) / all);
    if let Some(file) = file {
        let length = std::fs::metadata(file)?.len();
        figures.add("file_bytes_per_session", length / all);
    }
    let time = Duration::from_millis(options.milliseconds);
    // One task shows a core's rate; a database is asked by many.
    let cores = u64::try_from(std::thread::available_parallelism()?.get())?;
    let many = tasks.max(cores);
    for (suffix, tasks) in [("_by_one_task", 1), ("", many)] {
        let n = rate_of(&store, tasks, all, time, load).await?;
        figures.add(&format!("loads_per_second{suffix}"), n);
        let n = rate_of(&store, tasks, all, time, check).await?;
        figures.add(&format!("checks_per_second{suffix}"), n);
    }
    let n = rate_of(&store, tasks, all, time, touch).await?;
    figures.add("written_touches_per_second", n);
    let found = match options.participants {
        0 => {
            let few = WITH_APPLICATIONS.min(all);
            in_tasks(&store, tasks, few, |store, n| async move {
                people::sign_on(&store, n, 2).await
            })
            .await?;
            few
        }
        _ => all,
    };
    let n = rate_of(&store, many, found, time, by_participant).await?;
    figures.add("by_participant_per_second", n);
    sweep(&store, all, &mut figures).await?;
    Ok(figures)
}

async fn fill<S: SessionStore + Clone + 'static>(
    store: &S,
    options: &Options,
    tasks: u64,
) -> Result<(), Failure> {
    let (all, participants) = (options.sessions, options.participants);
    let done = Arc::new(AtomicU64::new(0));
    in_tasks(store, tasks, all, move |store, n| {
        let done = Arc::clone(&done);
        async move {
            let (record, now) = people::session(n, all);
            store.create(record, now).await?;
            people::sign_on(&store, n, participants).await?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of((all / 10).max(1)) {
                eprintln!("{done} sessions");
            }
            Ok(())
        }
    })
    .await
}

/// Does something once for each number, in so many tasks at once.
async fn in_tasks<S, D, F>(store: &S, tasks: u64, all: u64, run: D) -> Result<(), Failure>
where
    S: Clone + Send + 'static,
    D: Fn(S, u64) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Failure>> + Send,
{
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let (store, run) = (store.clone(), run.clone());
            tokio::spawn(async move {
                for n in (task..all).step_by(usize::try_from(tasks)?) {
                    run(store.clone(), n).await?;
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    for task in running {
        task.await??;
    }
    Ok(())
}

/// How often per second something can be done with sessions chosen at random.
async fn rate_of<S, D, F>(
    store: &S,
    tasks: u64,
    all: u64,
    time: Duration,
    run: D,
) -> Result<u64, Failure>
where
    S: Clone + Send + Sync + 'static,
    D: Fn(S, u64, u64) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Failure>> + Send,
{
    let start = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let (store, run) = (store.clone(), run.clone());
            tokio::spawn(async move {
                let mut count = 0;
                while start.elapsed() < time {
                    for _ in 0..16 {
                        let chosen = people::mix(task << 40 | count) % all;
                        run(store.clone(), chosen, all).await?;
                        count += 1;
                    }
                }
                Ok::<_, Failure>(count)
            })
        })
        .collect();
    let mut count = 0;
    for task in running {
        count += task.await??;
    }
    Ok((count as f64 / start.elapsed().as_secs_f64()) as u64)
}

async fn load<S: SessionStore>(store: S, n: u64, _: u64) -> Result<(), Failure> {
    match store.load(&people::key(n), people::noon()).await? {
        SessionState::Alive(record) => {
            black_box(record);
            Ok(())
        }
        _ => Err("a session is not alive".into()),
    }
}

async fn check<S: SessionStore>(store: S, n: u64, _: u64) -> Result<(), Failure> {
    match store.check(&people::key(n), people::noon()).await? {
        SessionCheck::Alive => Ok(()),
        _ => Err("a session is not alive".into()),
    }
}

/// A touch that is written: granularity zero, and each a little later.
async fn touch<S: SessionStore>(store: S, n: u64, _: u64) -> Result<(), Failure> {
    static LATER: AtomicU64 = AtomicU64::new(0);
    let later = LATER.fetch_add(1, Ordering::Relaxed);
    let now = people::noon() + chrono::TimeDelta::microseconds(i64::try_from(later)?);
    let policy = LifetimePolicy::default().with_touch_granularity(chrono::TimeDelta::zero())?;
    let state = store.touch_if_alive(&people::key(n), &policy, now).await?;
    let _ = black_box(state);
    Ok(())
}

async fn by_participant<S: SessionStore>(store: S, n: u64, _: u64) -> Result<(), Failure> {
    match store.by_participant(&people::query(n)).await?.len() {
        1 => Ok(()),
        other => Err(format!("{other} sessions found").into()),
    }
}

/// Forgets all, while another task looks at sessions and notes how long it waits at most.
async fn sweep<S: SessionStore + Sweep + Clone + 'static>(
    store: &S,
    all: u64,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let is_over = Arc::new(AtomicBool::new(false));
    let looking = {
        let (store, is_over) = (store.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let (mut longest, mut n) = (Duration::ZERO, 0);
            while !is_over.load(Ordering::Relaxed) {
                let start = Instant::now();
                let key = people::key(people::mix(n) % all);
                let _ = black_box(store.check(&key, people::noon()).await?);
                longest = longest.max(start.elapsed());
                n += 1;
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
            Ok::<_, Failure>(longest)
        })
    };
    let store = store.clone();
    let sweeping = tokio::spawn(async move {
        let (mut removed, mut longest) = (0, Duration::ZERO);
        let start = Instant::now();
        loop {
            let step = Instant::now();
            let swept = store.sweep(people::long_after(), SWEEP).await?;
            longest = longest.max(step.elapsed());
            removed += swept.removed;
            if !swept.more {
                return Ok::<_, Failure>((removed, start.elapsed(), longest));
            }
        }
    });
    let (removed, took, longest) = sweeping.await??;
    is_over.store(true, Ordering::Relaxed);
    figures.add("swept", removed);
    figures.add("sweep_seconds", took.as_secs_f64());
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    figures.add("longest_sweep_of_10000_ms", ms(longest));
    figures.add("longest_check_meanwhile_ms", ms(looking.await??));
    Ok(())
}

/// The memory of this process, in bytes.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    Ok(kilobytes.ok_or("no VmRSS")?.trim().parse::<u64>()? * 1024)
}

fn print(figures: &Figures, json: bool) {
    if json {
        let all: Map<_, _> = figures.0.iter().cloned().collect();
        println!("{}", json!(all));
        return;
    }
    for (name, value) in &figures.0 {
        println!("{name:<34} {value:>14}");
    }
}
