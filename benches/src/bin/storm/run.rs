//! The storm itself.

use crate::applications::{Applications, serve};
use crate::cluster::Cluster;
use crate::people::{End, Ending, Session, directory, endings, mix, sign_all_on};
use crate::world::{self, Kind, Shares};
use crate::{Failure, Figures, Kept, Options, connect, judge, locked, open_redb};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use federate::Store;
use federate::crypto::CryptoProvider;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How many orders are given at a time.
const ORDERS: usize = 64;

/// How many look at sessions meanwhile.
const WATCHERS: usize = 4;

/// What is known of one session's end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fate {
    /// Whether anybody asked for it.
    pub(crate) begun: bool,
    /// When a worker said that it is over.
    pub(crate) over: Option<(Instant, DateTime<Utc>)>,
    /// The application that asked.
    pub(crate) asked_by: Option<usize>,
}

/// All that the storm's tasks share.
pub(crate) struct Storm {
    pub(crate) applications: Arc<Applications>,
    pub(crate) cluster: Cluster,
    pub(crate) sessions: Vec<Session>,
    pub(crate) fates: Vec<Mutex<Fate>>,
    pub(crate) shares: Shares,
    pub(crate) faults: Mutex<Vec<String>>,
    acknowledged: AtomicU64,
    repeated: AtomicU64,
    errors: AtomicU64,
    looks: AtomicU64,
    stop: AtomicBool,
}

impl Storm {
    pub(crate) fn fault(&self, fault: String) {
        locked(&self.faults).push(fault);
    }

    fn fate(&self, n: usize) -> Fate {
        self.fates
            .get(n)
            .map_or_else(Fate::default, |fate| *locked(fate))
    }

    fn change(&self, n: usize, change: impl FnOnce(&mut Fate)) {
        if let Some(fate) = self.fates.get(n) {
            change(&mut locked(fate));
        }
    }

    /// Sessions and their places at applications that can be told, and did not ask themselves.
    pub(crate) fn to_tell(&self) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for (n, session) in self.sessions.iter().enumerate() {
            let fate = self.fate(n);
            for (which, place) in session.places.iter().enumerate() {
                let asked = fate.asked_by == Some(place.application);
                if fate.begun && !asked && self.shares.kind(place.application).listens() {
                    all.push((n, which));
                }
            }
        }
        all
    }
}

pub(crate) async fn run(
    provider: CryptoProvider,
    options: &Options,
    folder: &Path,
    kept: &Kept,
    data: Option<PathBuf>,
) -> Result<(Figures, Vec<String>), Failure> {
    let mut figures = Figures::default();
    let shares = Shares {
        applications: options.applications,
        dead: options.dead,
        slow: options.slow,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let signers = world::make(&provider, folder, shares, &address)?;
    let hub = world::hub_party(provider, folder)?;
    let applications = Applications::new(provider, shares, signers, &hub.signer)?;
    let applications = Arc::new(applications);
    serve(Arc::clone(&applications), listener);
    for (name, value) in [
        ("sessions", options.sessions),
        ("applications", options.applications),
        ("participants", options.participants),
        ("dead_percent", options.dead),
        ("slow_percent", options.slow),
    ] {
        figures.add(name, value);
    }
    figures.add("store", options.store.as_str());
    let start = Instant::now();
    let sessions = match kept {
        Kept::Redb(path) => sign_on(provider, options, shares, folder, open_redb(path)?).await?,
        Kept::Postgres(url) => {
            sign_on(provider, options, shares, folder, connect(url).await?).await?
        }
    };
    let took = start.elapsed().as_secs_f64();
    figures.add("sign_ins_per_second", (sessions.len() as f64 / took) as u64);
    let (count, mut arguments) = match kept {
        Kept::Redb(_) => (1, Vec::new()),
        Kept::Postgres(url) => (options.workers, vec!["--url".into(), url.into()]),
    };
    let own: [OsString; 4] = [
        "--worker".into(),
        folder.into(),
        "--store".into(),
        (&options.store).into(),
    ];
    arguments.extend(own);
    let storm = Arc::new(Storm {
        applications,
        cluster: Cluster::new(count, arguments),
        fates: sessions.iter().map(|_| Mutex::default()).collect(),
        sessions,
        shares,
        faults: Mutex::default(),
        acknowledged: AtomicU64::new(0),
        repeated: AtomicU64::new(0),
        errors: AtomicU64::new(0),
        looks: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    weather(&storm, options, &mut figures).await?;
    for node in 0..storm.cluster.len() {
        storm.cluster.kill(node)?;
    }
    figures.add("worker_memory_mib", storm.cluster.memory());
    let bytes = match (kept, data) {
        (Kept::Redb(path), _) => std::fs::metadata(path)?.len(),
        (Kept::Postgres(_), Some(data)) => size(&data)?,
        (Kept::Postgres(_), None) => 0,
    };
    figures.add("store_mib", bytes / 1024 / 1024);
    match kept {
        Kept::Redb(path) => judge::judge(&storm, &open_redb(path)?, &mut figures).await?,
        Kept::Postgres(url) => judge::judge(&storm, &connect(url).await?, &mut figures).await?,
    }
    let faults = locked(&storm.faults).clone();
    Ok((figures, faults))
}

/// The sessions that end, and a twentieth more that do not.
async fn sign_on<S: Store>(
    provider: CryptoProvider,
    options: &Options,
    shares: Shares,
    folder: &Path,
    store: S,
) -> Result<Vec<Session>, Failure> {
    let all = options.sessions + options.sessions / 20;
    let hub = Arc::new(world::hub(provider, folder, Arc::new(store))?);
    let directory = Arc::new(directory(&provider, all)?);
    sign_all_on(
        &hub,
        &directory,
        all,
        options.participants,
        shares,
        options.seed,
    )
    .await
}

/// Ends the sessions, kills workers meanwhile, and waits until all is done or nothing happens
/// any more.
async fn weather(
    storm: &Arc<Storm>,
    options: &Options,
    figures: &mut Figures,
) -> Result<(), Failure> {
    for node in 0..storm.cluster.len() {
        storm.cluster.start(node)?;
    }
    let start = Instant::now();
    let watching: Vec<_> = (0..WATCHERS)
        .map(|watcher| {
            let seed = options.seed ^ (watcher as u64) << 32;
            tokio::spawn(watch(Arc::clone(storm), seed))
        })
        .collect();
    let orders = Arc::new(endings(options.sessions, options.seed));
    let tells = options.sessions * options.participants;
    let killing = {
        let (storm, options) = (Arc::clone(storm), options.clone());
        let work = orders.len() + tells * (100 - options.dead) / 100;
        tokio::task::spawn_blocking(move || kill(&storm, &options, work as u64))
    };
    let next = Arc::new(AtomicUsize::new(0));
    let ordering: Vec<_> = (0..ORDERS)
        .map(|_| {
            let (storm, orders, next) = (Arc::clone(storm), Arc::clone(&orders), Arc::clone(&next));
            tokio::spawn(async move {
                while let Some(ending) = orders.get(next.fetch_add(1, Ordering::Relaxed)) {
                    end(&storm, ending).await?;
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    for task in ordering {
        task.await??;
    }
    let taken = start.elapsed().as_secs_f64();
    figures.add("logouts", orders.len());
    figures.add("taken_in_seconds", rounded(taken));
    figures.add("taken_in_per_second", (orders.len() as f64 / taken) as u64);
    let patience = Duration::from_secs(options.patience);
    let told = told(storm, patience).await;
    let last = told
        .unwrap_or_else(Instant::now)
        .duration_since(start)
        .as_secs_f64();
    figures.add("all_told_seconds", rounded(last));
    figures.add("logouts_per_second", (orders.len() as f64 / last) as u64);
    let requests = storm.applications.requests.load(Ordering::Relaxed) as f64;
    figures.add("messages_per_second", (requests / last) as u64);
    done(storm, patience).await;
    figures.add("all_done_seconds", rounded(start.elapsed().as_secs_f64()));
    storm.stop.store(true, Ordering::Relaxed);
    for task in watching {
        task.await?;
    }
    let (kills, longest) = killing.await??;
    figures.add("kills", kills);
    figures.add("longest_start_ms", longest.as_millis() as u64);
    figures.add(
        "nobody_alive_seconds",
        rounded(storm.cluster.nobody().as_secs_f64()),
    );
    figures.add("repeated_orders", storm.repeated.load(Ordering::Relaxed));
    figures.add("failed_orders", storm.errors.load(Ordering::Relaxed));
    figures.add("looks", storm.looks.load(Ordering::Relaxed));
    Ok(())
}

/// Gives an order until it is acknowledged.
async fn end(storm: &Storm, ending: &Ending) -> Result<(), Failure> {
    let first = ending.sessions.first().copied().unwrap_or_default();
    let session = storm.sessions.get(first).ok_or("no such session")?;
    let asked_by = match ending.end {
        End::Application => session.places.first().map(|place| place.application),
        End::Session | End::User => None,
    };
    for &n in &ending.sessions {
        storm.change(n, |fate| (fate.begun, fate.asked_by) = (true, asked_by));
    }
    loop {
        let order = match (ending.end, session.places.first()) {
            (End::Session, _) => format!("session {}", session.id.as_str()),
            (End::User, _) => format!("user {}", session.user.as_str()),
            (End::Application, Some(place)) => {
                let (name_id, index) = (place.name_id.clone(), place.index.clone());
                let request = storm
                    .applications
                    .request(place.application, name_id, index)?;
                format!("application {}", STANDARD.encode(request))
            }
            (End::Application, None) => return Err("nobody to ask".into()),
        };
        match storm.cluster.ask(&order).await.as_deref() {
            Some("over") => break,
            Some(other) => {
                if storm.errors.fetch_add(1, Ordering::Relaxed) < 5 {
                    eprintln!("{:?}: {other}", ending.end);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            None => {
                storm.repeated.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    let now = (Instant::now(), Utc::now());
    for &n in &ending.sessions {
        storm.change(n, |fate| fate.over = Some(now));
    }
    storm.acknowledged.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Looks at sessions, and signs on to applications with some: what is over stays so, and what
/// nobody ended goes on.
async fn watch(storm: Arc<Storm>, seed: u64) {
    let mut random = mix(seed);
    while !storm.stop.load(Ordering::Relaxed) {
        random = mix(random);
        let n = (random >> 8) as usize % storm.sessions.len();
        let Some(session) = storm.sessions.get(n) else {
            return;
        };
        let before = storm.fate(n);
        let token = session.token.expose();
        let order = match random % 8 {
            0 => {
                let application = (random >> 40) as usize % storm.shares.applications;
                if storm.shares.kind(application) != Kind::Live {
                    continue;
                }
                format!("enter {token} {}", world::entity_id(application))
            }
            _ => format!("look {token}"),
        };
        let said = storm.cluster.ask(&order).await;
        match said.as_deref() {
            Some("alive") if before.over.is_some() => {
                storm.fault(format!("session {n} is over, and alive by {order}"));
            }
            Some("over") if !storm.fate(n).begun => {
                storm.fault(format!("session {n} is over, and nobody ended it"));
            }
            _ => {}
        }
        storm.looks.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Kills workers at moments that are spread over the work.
fn kill(storm: &Storm, options: &Options, work: u64) -> Result<(usize, Duration), Failure> {
    let mut random = mix(options.seed ^ 0xdead);
    let mut next = || {
        random = mix(random);
        random
    };
    let mut moments: Vec<u64> = (0..options.kills)
        .map(|_| next() % (work * 95 / 100))
        .collect();
    moments.sort_unstable();
    let (mut kills, mut longest) = (0, Duration::ZERO);
    for moment in moments {
        let progress = || {
            let reached = storm.applications.reached.load(Ordering::Relaxed);
            reached + storm.acknowledged.load(Ordering::Relaxed)
        };
        while progress() < moment {
            if storm.stop.load(Ordering::Relaxed) {
                return Ok((kills, longest));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(next() % 100));
        let nodes = storm.cluster.len();
        let one = next() as usize % nodes;
        // Now and then all die at once.
        let dying: Vec<usize> = match next() % 4 {
            0 => (0..nodes).collect(),
            _ => vec![one],
        };
        for &node in &dying {
            storm.cluster.kill(node)?;
            kills += 1;
        }
        std::thread::sleep(Duration::from_millis(50 + next() % 500));
        for &node in &dying {
            let start = Instant::now();
            storm.cluster.start(node)?;
            longest = longest.max(start.elapsed());
        }
    }
    Ok((kills, longest))
}

/// Waits until every application that can be told was; gives when the last one was.
async fn told(storm: &Storm, patience: Duration) -> Option<Instant> {
    let mut missing = storm.to_tell();
    let (mut last, mut since) = (None, Instant::now());
    loop {
        let before = missing.len();
        missing.retain(|&(n, which)| {
            let place = storm
                .sessions
                .get(n)
                .and_then(|session| session.places.get(which));
            let told = place.and_then(|place| storm.applications.told(place.index.as_str()));
            last = last.max(told.as_ref().map(|told| told.first));
            told.is_none()
        });
        if missing.is_empty() {
            return last;
        }
        if missing.len() < before {
            since = Instant::now();
        } else if since.elapsed() > patience {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until the store says of each logout that it is decided, and of each live application that
/// it confirmed. Slow ones may be asked for as long as the policy has it.
async fn done(storm: &Storm, patience: Duration) {
    let ended = |n: &usize| storm.fate(*n).over.is_some();
    let mut missing: Vec<usize> = (0..storm.sessions.len()).filter(ended).collect();
    let mut since = Instant::now();
    while !missing.is_empty() && since.elapsed() < patience {
        let mut left = Vec::new();
        for &n in &missing {
            let Some(session) = storm.sessions.get(n) else {
                continue;
            };
            let order = format!("logout {}", STANDARD.encode(session.key.as_bytes()));
            let said = storm.cluster.ask(&order).await.unwrap_or_default();
            let mut words = said.split(' ');
            let all = words.next() == Some("done")
                && words.all(|word| match word.strip_prefix('-') {
                    Some(id) => world::number_of(id)
                        .is_some_and(|number| storm.shares.kind(number) != Kind::Live),
                    None => true,
                });
            if !all {
                left.push(n);
            }
        }
        if left.len() < missing.len() {
            since = Instant::now();
        }
        missing = left;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// The bytes of all files of a folder.
fn size(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += match metadata.is_dir() {
            true => size(&entry.path())?,
            false => metadata.len(),
        };
    }
    Ok(bytes)
}
