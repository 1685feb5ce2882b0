//! Sources that are read when they are due.

use crate::copies::{Copies, Sink, read_file};
use crate::document::Document;
use crate::error::FeedError;
use crate::fetch::Fetch;
use crate::registry::Registry;
use crate::schedule::Schedule;
use crate::source::{Origin, Source};
use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use federate_crypto::CryptoProvider;
use federate_http::{Fetched, Validators};
use federate_metadata::EntityChange;
use futures_util::StreamExt as _;
use futures_util::future::ready;
use futures_util::stream;
use std::path::PathBuf;
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
    current: Option<Document>,
    reads: u64,
    failed_reads: u64,
    last_failure: Option<String>,
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
            let copies = self.copies_of(&state);
            let Some(copies) = copies.filter(|copies| copies.exist()) else {
                continue;
            };
            if state.current.is_some() {
                continue;
            }
            let outcome = match copies.open(&state.source, &self.provider, now) {
                Ok(document) => {
                    Outcome::Changed(state.take(document, &self.registry, &self.provider))
                }
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
        let due: Vec<_> = due.collect();
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
                state.succeeded(now, jitter);
                (Outcome::Unchanged, None)
            }
            Ok(Obtained::New { document, copy }) => {
                let changes = state.take(*document, &self.registry, &self.provider);
                state.succeeded(now, jitter);
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
        let (source, before) = (&state.source, state.current.as_ref());
        let (document, copy) = match &source.origin {
            Origin::File(path) => {
                let provider = &self.provider;
                let group = self
                    .copies_of(state)
                    .map(|copies| copies.take_group(path, source, before, provider, now));
                let document = match group.transpose()?.flatten() {
                    Some(group) => group,
                    None => {
                        let octets = read_file(path, source.limits.bytes)?;
                        source.read(&octets, provider, now)?
                    }
                };
                (document, None)
            }
            Origin::Directory(path) => (source.read_directory(path, &self.provider, now)?, None),
            Origin::Url(url) => {
                let known = state.validators.as_ref().filter(|_| before.is_some());
                let copies = self.copies_of(state);
                let mut sink = Sink::new(copies.as_ref())?;
                let fetched = self.fetcher.fetch(url, known, &mut sink).await?;
                let Fetched::New { validators, .. } = fetched else {
                    return Ok(Obtained::Unchanged);
                };
                let read = sink.read(source, before, &self.provider, now)?;
                state.validators = Some(validators);
                read
            }
        };
        let document = state.source.in_order(document, state.current.as_ref())?;
        let document = Box::new(document);
        Ok(Obtained::New { document, copy })
    }

    /// Where the last good copy of a source is kept. Folders of documents have none.
    fn copies_of(&self, state: &State) -> Option<Copies> {
        match state.source.origin {
            Origin::Directory(_) => None,
            _ => Some(Copies::new(self.cache.as_ref()?, &state.name)),
        }
    }
}

enum Obtained {
    Unchanged,
    New {
        document: Box<Document>,
        /// Why no copy could be kept.
        copy: Option<FeedError>,
    },
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

    /// Replaces what the source has, under its readers, and tells what is different.
    fn take(
        &mut self,
        document: Document,
        registry: &Registry,
        provider: &CryptoProvider,
    ) -> Vec<EntityChange> {
        let changes = document.changes(self.current.as_ref(), provider);
        registry.publish(&self.name, Some(&document.entities));
        self.current = Some(document);
        changes
    }

    fn succeeded(&mut self, now: DateTime<Utc>, jitter: u64) {
        let current = self.current.as_ref();
        let cache_duration = current.and_then(|current| current.cache_duration);
        let valid_until = current.and_then(|current| current.valid_until);
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
