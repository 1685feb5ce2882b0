//! Sources that are read when they are due.

use crate::error::FeedError;
use crate::fetch::Fetch;
use crate::registry::Registry;
use crate::schedule::Schedule;
use crate::source::{Origin, Source, cache_duration, created, ends};
use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use federate_crypto::CryptoProvider;
use federate_http::{Fetched, Validators};
use federate_metadata::{
    Entities, EntitiesDescriptor, EntityChange, EntityDescriptor, EntitySource, diff,
};
use futures_util::StreamExt as _;
use futures_util::future::ready;
use futures_util::stream;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

/// What became of a source that was due.
#[derive(Debug)]
pub struct Refreshed {
    /// The source.
    pub source: Arc<str>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why no copy of what was fetched could be kept: the next start then has none, or an old
    /// one.
    pub copy: Option<FeedError>,
    /// When it is due next.
    pub next: Option<DateTime<Utc>>,
}

/// What reading a source came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// There is another document; these entities are others than before. That a document ends
    /// later than the one before it is not told.
    Changed(Vec<EntityChange>),
    /// The document is as it was.
    Unchanged,
    /// It could not be read. What the source had stays until it ends.
    Failed(FeedError),
    /// It could not be read, and what the source had has ended: now it has nothing.
    Closed(FeedError),
}

/// How a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceHealth {
    /// The source.
    pub source: Arc<str>,
    /// How many entities it has.
    pub entities: usize,
    /// When they end.
    pub valid_until: Option<DateTime<Utc>>,
    /// When it was last read.
    pub last_success: Option<DateTime<Utc>>,
    /// How often it failed since then.
    pub failures: u32,
    /// When it is due.
    pub next: Option<DateTime<Utc>>,
    /// How often it was read since the start.
    pub reads: u64,
    /// How often that failed.
    pub failed_reads: u64,
    /// The code of the last failure since it was last read.
    pub last_failure: Option<String>,
}

/// Sources, the one of highest priority first.
#[derive(Debug)]
pub struct Feed<F> {
    fetcher: F,
    provider: CryptoProvider,
    cache: Option<PathBuf>,
    registry: Arc<Registry>,
    states: Vec<Mutex<State>>,
    /// How every source was after it was last read: to look does not wait for a slow one.
    health: Vec<ArcSwap<SourceHealth>>,
}

/// How many sources are read at once.
const AT_ONCE: usize = 8;

/// One source, and what is known of it.
#[derive(Debug)]
struct State {
    source: Source,
    name: Arc<str>,
    schedule: Schedule,
    validators: Option<Validators>,
    current: Option<Current>,
    reads: u64,
    failed_reads: u64,
    last_failure: Option<String>,
}

/// What a source has.
#[derive(Debug)]
struct Current {
    entities: Arc<dyn EntitySource>,
    created: Option<DateTime<Utc>>,
    valid_until: Option<DateTime<Utc>>,
}

impl<F: Fetch> Feed<F> {
    /// A feed that has read nothing yet. Last good copies of what was fetched are kept in the
    /// folder, if there is one.
    pub fn new(
        sources: impl IntoIterator<Item = Source>,
        fetcher: F,
        provider: CryptoProvider,
        cache: Option<PathBuf>,
    ) -> Self {
        let states: Vec<State> = sources.into_iter().map(State::new).collect();
        let slots = states.iter().map(|state| {
            let filters = state.source.filters.clone().into();
            (Arc::clone(&state.name), filters)
        });
        let registry = Arc::new(Registry::new(slots));
        let health = states.iter().map(|s| ArcSwap::from_pointee(s.health()));
        Self {
            fetcher,
            provider,
            cache,
            registry,
            health: health.collect(),
            states: states.into_iter().map(Mutex::new).collect(),
        }
    }

    /// What all sources together say, now and whenever they have been read again.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Takes the last good copies of sources that have nothing yet, so that a start does not
    /// wait for the network. They are verified as if they had just come.
    pub async fn load_copies(&self, now: DateTime<Utc>) -> Vec<Refreshed> {
        let mut loaded = Vec::new();
        for (state, health) in self.states.iter().zip(&self.health) {
            let mut state = state.lock().await;
            let Some(path) = self.copy_of(&state) else {
                continue;
            };
            if state.current.is_some() || !path.exists() {
                continue;
            }
            let read = fs::read(&path).map_err(FeedError::file(path));
            let outcome = match read.and_then(|octets| state.read(&octets, &self.provider, now)) {
                Ok(group) => Outcome::Changed(state.take(group, &self.registry, &self.provider)),
                Err(error) => Outcome::Failed(error),
            };
            // The source itself stays due.
            health.store(Arc::new(state.health()));
            loaded.push(state.refreshed(outcome, None));
        }
        loaded
    }

    /// Reads every source that is due, several at once. `jitter` is a random number of the
    /// caller's.
    pub async fn refresh_due(&self, now: DateTime<Utc>, jitter: u64) -> Vec<Refreshed> {
        let sources = (1_u64..).zip(self.states.iter().zip(&self.health));
        let due = sources.map(|(number, (state, health))| async move {
            let mut state = state.lock().await;
            if !state.schedule.is_due(now) {
                return None;
            }
            let jitter = jitter.wrapping_mul(number) >> 7;
            let (outcome, copy) = self.refresh(&mut state, now, jitter).await;
            health.store(Arc::new(state.health()));
            Some(state.refreshed(outcome, copy))
        });
        let refreshed = stream::iter(due).buffered(AT_ONCE);
        refreshed.filter_map(ready).collect().await
    }

    /// When the next source is due; `None` means now.
    pub async fn next_due(&self) -> Option<DateTime<Utc>> {
        let mut earliest = None;
        for state in &self.states {
            let next = state.lock().await.schedule.next()?;
            earliest = earliest.into_iter().chain([next]).min();
        }
        earliest
    }

    /// How every source was after it was last read.
    #[must_use]
    pub fn health(&self) -> Vec<Arc<SourceHealth>> {
        self.health.iter().map(ArcSwap::load_full).collect()
    }

    async fn refresh(
        &self,
        state: &mut State,
        now: DateTime<Utc>,
        jitter: u64,
    ) -> (Outcome, Option<FeedError>) {
        state.reads += 1;
        match self.obtain(state, now).await {
            Ok(Obtained::Unchanged) => {
                let until = state.current.as_ref().and_then(|c| c.valid_until);
                state.succeeded(now, None, until, jitter);
                (Outcome::Unchanged, None)
            }
            Ok(Obtained::New { group, copy }) => {
                let (duration, until) = (cache_duration(&group), ends(&group));
                let changes = state.take(*group, &self.registry, &self.provider);
                state.succeeded(now, duration, until, jitter);
                (Outcome::Changed(changes), copy)
            }
            Err(error) => {
                state.failed(&error, now, jitter);
                let until = state.current.as_ref().and_then(|c| c.valid_until);
                if state.current.is_some() && until.is_some_and(|until| now >= until) {
                    state.current = None;
                    state.validators = None;
                    self.registry.publish(&state.name, None);
                    return (Outcome::Closed(error), None);
                }
                (Outcome::Failed(error), None)
            }
        }
    }

    /// Reads a source's documents, and keeps a copy of what was fetched.
    async fn obtain(&self, state: &mut State, now: DateTime<Utc>) -> Result<Obtained, FeedError> {
        match &state.source.origin {
            Origin::File(path) => {
                let octets = read_file(path, state.source.limits.bytes)?;
                let group = state.read(&octets, &self.provider, now)?;
                Ok(Obtained::of(group, None))
            }
            Origin::Directory(path) => {
                let group = state.read_directory(path, &self.provider, now)?;
                Ok(Obtained::of(group, None))
            }
            Origin::Url(url) => {
                let mut octets = Vec::new();
                let known = state
                    .validators
                    .as_ref()
                    .filter(|_| state.current.is_some());
                let fetched = self.fetcher.fetch(url, known, &mut octets).await?;
                let Fetched::New { validators, .. } = fetched else {
                    return Ok(Obtained::Unchanged);
                };
                let group = state.read(&octets, &self.provider, now)?;
                let kept = self.copy_of(state).map(|path| keep(&path, &octets));
                state.validators = Some(validators);
                Ok(Obtained::of(group, kept.and_then(Result::err)))
            }
        }
    }

    /// Where the last good copy of a source is kept: only what is fetched has one.
    fn copy_of(&self, state: &State) -> Option<PathBuf> {
        let Origin::Url(_) = state.source.origin else {
            return None;
        };
        let safe = |c: char| match c {
            c if c.is_ascii_alphanumeric() => c.to_string(),
            c => format!("_{:x}", u32::from(c)),
        };
        let name: String = state.name.chars().map(safe).collect();
        Some(self.cache.as_ref()?.join(format!("{name}.xml")))
    }
}

enum Obtained {
    Unchanged,
    New {
        group: Box<EntitiesDescriptor>,
        /// Why no copy could be kept.
        copy: Option<FeedError>,
    },
}

impl Obtained {
    fn of(group: EntitiesDescriptor, copy: Option<FeedError>) -> Self {
        let group = Box::new(group);
        Self::New { group, copy }
    }
}

impl State {
    fn new(source: Source) -> Self {
        Self {
            name: source.name.as_str().into(),
            schedule: Schedule::new(source.refresh),
            source,
            validators: None,
            current: None,
            reads: 0,
            failed_reads: 0,
            last_failure: None,
        }
    }

    /// Reads a document, which must not be older than what is there.
    fn read(
        &self,
        octets: &[u8],
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<EntitiesDescriptor, FeedError> {
        let group = self.source.read(octets, provider, now)?;
        if let Some(current) = &self.current {
            let older = match (created(&group), current.created) {
                (Some(new), Some(old)) => new < old,
                // Without a time of creation, the one that ends earlier is the older one.
                _ => ends(&group)
                    .zip(current.valid_until)
                    .is_some_and(|(new, old)| new < old),
            };
            if older && matches!(self.source.trust, crate::Trust::Signed { .. }) {
                return Err(FeedError::Rollback);
            }
        }
        Ok(group)
    }

    /// Every document of a folder, in the order of their names; those that cannot be read are
    /// skipped, unless none can.
    fn read_directory(
        &self,
        folder: &Path,
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<EntitiesDescriptor, FeedError> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(FeedError::file(folder))? {
            let path = entry.map_err(FeedError::file(folder))?.path();
            if path.extension().is_some_and(|extension| extension == "xml") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut all = EntitiesDescriptor::default();
        let mut failed = None;
        for path in paths {
            let read = read_file(&path, self.source.limits.bytes)
                .and_then(|octets| self.source.read(&octets, provider, now));
            match read {
                Ok(group) => all.members.extend(group.members),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) if all.members.is_empty() => Err(error),
            _ => Ok(all),
        }
    }

    /// Replaces what the source has, under its readers, and tells what is different.
    fn take(
        &mut self,
        group: EntitiesDescriptor,
        registry: &Registry,
        provider: &CryptoProvider,
    ) -> Vec<EntityChange> {
        let (created, valid_until) = (created(&group), ends(&group));
        let before = self.current.as_ref().map(|current| all(&*current.entities));
        let entities: Arc<dyn EntitySource> = Arc::new(Entities::of_group(group));
        let (before, after) = (before.unwrap_or_default(), all(&*entities));
        let mut changes = diff(
            before.iter().map(|entity| &**entity),
            after.iter().map(|entity| &**entity),
            provider,
        );
        changes.retain(|change| !change.is_routine());
        registry.publish(&self.name, Some(&entities));
        self.current = Some(Current {
            entities,
            created,
            valid_until,
        });
        changes
    }

    fn succeeded(
        &mut self,
        now: DateTime<Utc>,
        cache_duration: Option<chrono::TimeDelta>,
        valid_until: Option<DateTime<Utc>>,
        jitter: u64,
    ) {
        self.last_failure = None;
        self.schedule
            .succeeded(now, cache_duration, valid_until, jitter);
    }

    fn failed(&mut self, error: &FeedError, now: DateTime<Utc>, jitter: u64) {
        self.failed_reads += 1;
        self.last_failure = Some(error.code().to_owned());
        self.schedule.failed(now, jitter);
    }

    fn refreshed(&self, outcome: Outcome, copy: Option<FeedError>) -> Refreshed {
        Refreshed {
            source: Arc::clone(&self.name),
            outcome,
            copy,
            next: self.schedule.next(),
        }
    }

    fn health(&self) -> SourceHealth {
        let current = self.current.as_ref();
        SourceHealth {
            source: Arc::clone(&self.name),
            entities: current.map_or(0, |current| current.entities.len()),
            valid_until: current.and_then(|current| current.valid_until),
            last_success: self.schedule.last_success(),
            failures: self.schedule.failures(),
            next: self.schedule.next(),
            reads: self.reads,
            failed_reads: self.failed_reads,
            last_failure: self.last_failure.clone(),
        }
    }
}

/// Every entity of a source that can be read.
fn all(source: &dyn EntitySource) -> Vec<Arc<EntityDescriptor>> {
    let ids = source.entity_ids();
    let read = ids.iter().filter_map(|id| source.entity(id).ok().flatten());
    read.collect()
}

fn read_file(path: &Path, most: usize) -> Result<Vec<u8>, FeedError> {
    let mut octets = Vec::new();
    let most = most as u64;
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut octets));
    let read = match read {
        Ok(_) if octets.len() as u64 > most => {
            let why = format!("the file is larger than {most} bytes");
            Err(io::Error::new(io::ErrorKind::FileTooLarge, why))
        }
        other => other,
    };
    read.map_err(FeedError::file(path))?;
    Ok(octets)
}

/// Replaces a file as a whole: whoever reads it finds the old one or the new one.
fn keep(path: &Path, octets: &[u8]) -> Result<(), FeedError> {
    let temporary = path.with_extension("xml.new");
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(FeedError::file(path))
}
