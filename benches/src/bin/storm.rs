//! A storm of logouts: many sessions are ended at once while applications are dead or slow and
//! workers are killed in the middle of their work. Prints figures, and fails when anything was
//! lost or came back.
//!
//! This process plays the applications, which note what they are told, and ends the sessions. The
//! hub is in worker processes, which know the sessions by their store alone: several at a time over
//! PostgreSQL, one over redb. What a worker has acknowledged must hold, whoever is killed next.

#[path = "storm/applications.rs"]
mod applications;
#[path = "storm/cluster.rs"]
mod cluster;
#[path = "storm/judge.rs"]
mod judge;
#[path = "storm/people.rs"]
mod people;
#[path = "storm/run.rs"]
mod run;
#[path = "storm/worker.rs"]
mod worker;
#[path = "storm/world.rs"]
mod world;

use clap::Parser;
use federate_store::{PostgresOptions, PostgresStore, RedbOptions, RedbStore};
use federate_testkit::servers::Postgres;
use serde_json::{Map, Value, json};
use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ends many sessions while applications are dead and workers are killed, and says what came of it.
#[derive(Parser, Clone)]
struct Options {
    /// The store: redb or postgres.
    #[arg(long, default_value = "redb")]
    store: String,
    /// Where PostgreSQL is, with no tables of Federate's yet; otherwise a server is started.
    #[arg(long)]
    url: Option<String>,
    /// How many sessions end; a twentieth more do not.
    #[arg(long, default_value_t = 20_000)]
    sessions: usize,
    /// How many applications there are.
    #[arg(long, default_value_t = 50)]
    applications: usize,
    /// How many of them each session has.
    #[arg(long, default_value_t = 5)]
    participants: usize,
    /// How many of a hundred applications are dead: half of them refuse connections, the others
    /// never answer.
    #[arg(long, default_value_t = 10)]
    dead: usize,
    /// How many of a hundred applications are slow, and sometimes too slow.
    #[arg(long, default_value_t = 10)]
    slow: usize,
    /// How many worker processes there are, where the store takes more than one.
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// How often a worker is killed, and started again.
    #[arg(long, default_value_t = 12)]
    kills: usize,
    /// Which sessions, applications and moments are chosen.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seconds nothing may happen before the storm counts as over.
    #[arg(long, default_value_t = 90)]
    patience: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Be a worker, with the files of this folder.
    #[arg(long, hide = true)]
    worker: Option<PathBuf>,
}

/// A failure that a task can hand over.
type Failure = Box<dyn Error + Send + Sync>;

/// Where a store is.
#[derive(Debug, Clone)]
enum Kept {
    Redb(PathBuf),
    Postgres(String),
}

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let provider = federate::crypto::aws_lc_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if let Some(folder) = &options.worker {
        let kept = kept(&options, folder, options.url.as_deref())?;
        return runtime.block_on(worker::run(provider, folder, &kept));
    }
    let folder = tempfile::tempdir()?;
    let server = match (options.store.as_str(), &options.url) {
        ("postgres", None) => Some(Postgres::start().ok_or("PostgreSQL is not installed")?),
        _ => None,
    };
    let url = options.url.clone().or_else(|| Some(server.as_ref()?.url()));
    let kept = kept(&options, folder.path(), url.as_deref())?;
    let data = server
        .as_ref()
        .map(|server| server.folder().join("data/base"));
    let ran = runtime.block_on(run::run(provider, &options, folder.path(), &kept, data));
    // Before the files that they have open.
    drop(runtime);
    let (figures, faults) = ran?;
    print(&figures, options.json);
    for fault in faults.iter().take(20) {
        eprintln!("FAULT: {fault}");
    }
    match faults.len() {
        0 => Ok(()),
        faults => Err(format!("the storm was not weathered: {faults} faults").into()),
    }
}

fn kept(options: &Options, folder: &Path, url: Option<&str>) -> Result<Kept, Failure> {
    Ok(match options.store.as_str() {
        "redb" => Kept::Redb(folder.join("hub.redb")),
        "postgres" => Kept::Postgres(url.ok_or("--url is missing")?.to_owned()),
        other => return Err(format!("--store {other}: expected redb or postgres").into()),
    })
}

fn open_redb(path: &Path) -> Result<RedbStore, Failure> {
    Ok(RedbStore::open_with(path, RedbOptions::default())?)
}

async fn connect(url: &str) -> Result<PostgresStore, Failure> {
    Ok(PostgresStore::connect(PostgresOptions::new(url)).await?)
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

/// One line in one write, so that a kill leaves it whole or away.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let line = format!("{line}\n");
    // Nobody may listen any more.
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

/// Nothing panics while it holds one of these locks.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
