//! Aggregates: the metadata of a whole federation, which is not held in memory.

mod cache;
mod compare;
mod error;
mod index;
mod kept;
mod policy;

pub use error::AggregateError;
pub use policy::AggregatePolicy;

use crate::document::earlier;
use crate::read::GROUP;
use crate::{Diagnostic, EntitiesDescriptor, EntityDescriptor};
use cache::Cache;
use chrono::{DateTime, Utc};
use federate_crypto::{CryptoProvider, DigestAlgorithm};
use federate_types::EntityId;
use federate_xml::{FromElement, Limits, SignedBy, Stream};
use index::{Entry, Index, Indexer};
use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

/// The metadata of many entities (`[SAMLMeta] 2.3.1`), each of which is read when it is asked for.
///
/// Memory holds where each entity lies, and the descriptions that were asked for lately; the rest
/// stays in a store, such as a file. One that was verified is read from the canonical octets that
/// were hashed, and each entity again only if its octets still are those.
///
/// ```
/// use federate_metadata::{Aggregate, AggregatePolicy};
/// use federate_types::EntityId;
/// use std::io::Cursor;
///
/// let octets = br#"
///   <md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
///       validUntil="2026-01-08T00:00:00Z">
///     <md:EntityDescriptor entityID="https://idp.example"/>
///     <md:EntityDescriptor entityID="https://sp.example"/>
///   </md:EntitiesDescriptor>"#;
/// let now = "2026-01-01T00:00:00Z".parse()?;
/// let aggregate = Aggregate::parse(Cursor::new(octets), &AggregatePolicy::default(), now)?;
/// assert_eq!(aggregate.len(), 2);
///
/// let sp = aggregate.entity(&EntityId::new("https://sp.example")?)?.ok_or("no such entity")?;
/// assert!(sp.is_valid_at(now));
/// // It ends with the group that it is in.
/// assert!(!sp.is_valid_at("2026-01-08T00:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// There is no other way to one than to read it:
///
/// ```compile_fail
/// use federate_metadata::Aggregate;
/// let forged = Aggregate { signed_by: None, ..todo!() };
/// ```
pub struct Aggregate {
    store: Mutex<Box<dyn Store>>,
    /// Octets before the document in the store.
    before: u64,
    index: Index,
    limits: Limits,
    cache: Cache,
    /// What compares entities with what was verified.
    provider: Option<CryptoProvider>,
    signed_by: Option<SignedBy>,
}

trait Store: Read + Seek + Send {}

impl<S: Read + Seek + Send> Store for S {}

impl Aggregate {
    fn new(
        store: impl Store + 'static,
        before: u64,
        index: Index,
        policy: &AggregatePolicy,
        provider: Option<CryptoProvider>,
        signed_by: Option<SignedBy>,
    ) -> Self {
        Self {
            store: Mutex::new(Box::new(store)),
            before,
            index,
            limits: policy.limits.part,
            cache: Cache::new(policy.cached),
            provider,
            signed_by,
        }
    }

    /// Reads the aggregate of a file that an operator configured, once, and keeps the file to read
    /// entities from.
    ///
    /// A signature is not looked at: who configured the file vouches for it, also for that it does
    /// not change. Whatever comes from elsewhere goes through [`Aggregate::fetch`].
    ///
    /// # Errors
    /// [`AggregateError`].
    pub fn parse<S: Read + Seek + Send + 'static>(
        mut store: S,
        policy: &AggregatePolicy,
        now: DateTime<Utc>,
    ) -> Result<Self, AggregateError> {
        let before = store.stream_position().map_err(AggregateError::store)?;
        let stream = Stream::new(&mut store, &[GROUP], policy.limits);
        let index = stream.read_unsigned(Indexer::new(policy, None))?.finish();
        policy.check(index.document.valid_until, now)?;
        Ok(Self::new(store, before, index, policy, None, None))
    }

    /// The description of an entity, if there is one that can be read: the first of several.
    ///
    /// It ends no later than the groups around it.
    ///
    /// # Errors
    /// [`AggregateError::Store`] and [`AggregateError::Changed`] when it cannot be read from the
    /// store; [`AggregateError::Metadata`] when no description of the entity makes sense.
    pub fn entity(&self, id: &EntityId) -> Result<Option<Arc<EntityDescriptor>>, AggregateError> {
        if let Some(entity) = self.cache.get(id) {
            return Ok(Some(entity));
        }
        let mut refused = None;
        for entry in self.index.find(id) {
            match self.load(entry) {
                Ok(entity) => {
                    let entity = Arc::new(entity);
                    self.cache.put(&entity, entry.len);
                    return Ok(Some(entity));
                }
                // As in a group that is read as a whole, the next description counts then.
                Err(error @ AggregateError::Metadata(_)) => {
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    fn load(&self, entry: &Entry) -> Result<EntityDescriptor, AggregateError> {
        let mut octets = vec![0; entry.len];
        {
            let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
            let start = SeekFrom::Start(self.before + entry.start);
            store.seek(start).map_err(AggregateError::store)?;
            store
                .read_exact(&mut octets)
                .map_err(AggregateError::store)?;
        }
        if let (Some(provider), Some(expected)) = (&self.provider, &entry.digest) {
            let digester = provider.digester;
            let digest = digester.digest(DigestAlgorithm::Sha256, &octets);
            if !digest.matches(expected) {
                return Err(AggregateError::Changed);
            }
        }
        let group = self.index.groups.get(entry.group);
        let group = group.ok_or(AggregateError::Changed)?; // every entry has one
        let document = group.scope.parse(&octets, &self.limits)?;
        if !document.root().is(EntityDescriptor::ELEMENT) {
            return Err(AggregateError::Changed);
        }
        let mut entity = EntityDescriptor::from_element(document.root())?;
        if entity.entity_id != entry.entity_id {
            return Err(AggregateError::Changed);
        }
        entity.valid_until = earlier(entity.valid_until, group.valid_until);
        Ok(entity)
    }

    /// Every entity, in the order of the document; one that is described twice, twice.
    pub fn entity_ids(&self) -> impl Iterator<Item = &EntityId> {
        self.index.entries.iter().map(|entry| &entry.entity_id)
    }

    /// How many descriptions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The outermost group: its name, its extensions and how long it is valid, without members.
    #[must_use]
    pub const fn document(&self) -> &EntitiesDescriptor {
        &self.index.document
    }

    /// Who signed it; none if nobody looked.
    #[must_use]
    pub const fn signed_by(&self) -> Option<&SignedBy> {
        self.signed_by.as_ref()
    }

    /// What was left out, or is there twice: the first thousand of such things. What an entity
    /// itself leaves out, it tells itself.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.index.diagnostics
    }

    /// How many more such things there were.
    #[must_use]
    pub const fn further_diagnostics(&self) -> usize {
        self.index.further
    }

    /// Whether the aggregate may be used at this instant (`[SAMLMeta] 2.3.1`).
    #[must_use]
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        self.index.document.is_valid_at(now)
    }

    /// When the publisher made it, as it says (`[MDRPI]`).
    #[must_use]
    pub fn created(&self) -> Option<DateTime<Utc>> {
        let publication = self.index.document.extensions.publication_info.as_ref()?;
        publication.publication.creation_instant
    }

    /// Checks that this aggregate may take the place of the one before: that it is not older.
    ///
    /// What both say of when they were made is compared, or else until when they are valid. The
    /// very same instant is not older. If only the one before says such a thing, this one counts
    /// as older; if that says nothing, every other takes its place.
    ///
    /// # Errors
    /// [`AggregateError::Older`].
    pub fn supersedes(&self, before: &Self) -> Result<(), AggregateError> {
        let until = |aggregate: &Self| aggregate.index.document.valid_until;
        let newer = match (self.created(), before.created()) {
            (Some(this), Some(before)) => this >= before,
            _ => match (until(self), until(before)) {
                (Some(this), Some(before)) => this >= before,
                (None, Some(_)) => false,
                (_, None) => before.created().is_none(),
            },
        };
        match newer {
            true => Ok(()),
            false => Err(AggregateError::Older),
        }
    }
}

impl fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregate")
            .field("entities", &self.len())
            .field("signed_by", &self.signed_by)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::string_slice)] // at places that the tests found
mod tests;
