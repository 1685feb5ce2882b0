//! Where metadata comes from, and who vouches for it.

use crate::copies::read_file;
use crate::document::Document;
use crate::error::FeedError;
use crate::filter::Filter;
use crate::schedule::RefreshPolicy;
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::CryptoProvider;
use federate_metadata::{EntitiesDescriptor, verify_entities, verify_entity};
use federate_metadata::{GroupMember, MetadataError, parse_entities};
use federate_xml::{Limits, SignaturePolicy, TrustedKeys, VerificationContext};
use std::fs;
use std::path::{Path, PathBuf};

/// Where documents of metadata are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// Every file of a directory whose name ends in `.xml`. One that cannot be read is skipped
    /// and told.
    Directory(PathBuf),
    /// An address.
    Url(String),
}

/// Who vouches for a document.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Its publisher, who signed it with one of these keys.
    Signed {
        /// The keys, which came another way than the document.
        keys: TrustedKeys,
        /// Which signatures are good enough.
        policy: SignaturePolicy,
    },
    /// Whoever can write the file, or answer at the address: for files of one's own, and for
    /// peers whose metadata one takes by `https:`, as most identity providers publish it.
    Origin,
}

/// A source of metadata.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Source {
    /// How it is called; each name once.
    pub name: String,
    /// Where it is.
    pub origin: Origin,
    /// Who vouches for it.
    pub trust: Trust,
    /// Whether its documents must say when they end: without it, who can hold back a newer
    /// document decides for how long an old one is believed.
    pub require_valid_until: bool,
    /// How far away that end may be.
    pub max_validity: Option<TimeDelta>,
    /// Which of its entities are taken: those that every filter accepts.
    pub filters: Vec<Filter>,
    /// How often it is read.
    pub refresh: RefreshPolicy,
    /// How large a document may be.
    pub limits: Limits,
}

impl Source {
    /// A source by the usual rules. A signed one must say when it ends.
    pub fn new(name: impl Into<String>, origin: Origin, trust: Trust) -> Self {
        Self {
            name: name.into(),
            origin,
            require_valid_until: trust.is_signed(),
            trust,
            max_validity: None,
            filters: Vec::new(),
            refresh: RefreshPolicy::default(),
            limits: Limits::for_aggregate(),
        }
    }

    /// Reads a document of this source.
    pub(crate) fn read(
        &self,
        octets: &[u8],
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<Document, FeedError> {
        self.read_group(octets, provider, now)
            .map(Document::of_group)
    }

    /// Every document of a folder, in the order of their names; those that cannot be read are
    /// skipped, unless none can.
    pub(crate) fn read_directory(
        &self,
        folder: &Path,
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<Document, FeedError> {
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
            let read = read_file(&path, self.limits.bytes)
                .and_then(|octets| self.read_group(&octets, provider, now));
            match read {
                Ok(group) => all.members.extend(group.members),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) if all.members.is_empty() => Err(error),
            _ => Ok(Document::of_group(all)),
        }
    }

    fn read_group(
        &self,
        octets: &[u8],
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<EntitiesDescriptor, FeedError> {
        let group = match &self.trust {
            Trust::Origin => parse_entities(octets, &self.limits)?,
            Trust::Signed { keys, policy } => {
                let context = VerificationContext {
                    provider,
                    policy,
                    now,
                };
                verified(octets, &self.limits, keys, &context)?
            }
        };
        check_end(
            ends(&group),
            self.require_valid_until,
            self.max_validity,
            now,
        )?;
        Ok(group)
    }
}

/// Whether something with this end may be used.
pub(crate) fn check_end(
    valid_until: Option<DateTime<Utc>>,
    required: bool,
    max_validity: Option<TimeDelta>,
    now: DateTime<Utc>,
) -> Result<(), FeedError> {
    match valid_until {
        None if required => Err(FeedError::NoValidUntil),
        // [SAMLMeta] 2.3.1: at this instant it is over.
        Some(until) if now >= until => Err(FeedError::Expired),
        Some(until) if max_validity.is_some_and(|most| until - now > most) => {
            Err(FeedError::ValidUntilTooFar)
        }
        _ => Ok(()),
    }
}

impl Trust {
    /// Whether a publisher vouches for documents.
    pub(crate) const fn is_signed(&self) -> bool {
        matches!(self, Self::Signed { .. })
    }
}

/// A signed group, or a signed entity, which is then alone in a group.
fn verified(
    octets: &[u8],
    limits: &Limits,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
) -> Result<EntitiesDescriptor, MetadataError> {
    match verify_entities(octets, limits, keys, context) {
        Ok(group) => Ok(group.into_inner()),
        Err(of_group) => match verify_entity(octets, limits, keys, context) {
            Ok(entity) => {
                let mut group = EntitiesDescriptor::default();
                group.members = vec![GroupMember::Entity(Box::new(entity.into_inner()))];
                Ok(group)
            }
            // Which of the two it is meant to be, the document's root tells.
            Err(of_entity) if of_group.code() == "schema.unexpected_root" => Err(of_entity),
            Err(_) => Err(of_group),
        },
    }
}

/// When a document ends: the group, or the one entity that it is.
pub(crate) fn ends(group: &EntitiesDescriptor) -> Option<DateTime<Utc>> {
    let mut entities = group.entities();
    match (group.valid_until, entities.next(), entities.next()) {
        (Some(until), _, _) => Some(until),
        (None, Some(only), None) => only.valid_until,
        _ => None,
    }
}

/// When a document is to be fetched again, as it says.
pub(crate) fn cache_duration(group: &EntitiesDescriptor) -> Option<TimeDelta> {
    let mut entities = group.entities();
    match (group.cache_duration, entities.next(), entities.next()) {
        (Some(duration), _, _) => Some(duration),
        (None, Some(only), None) => only.cache_duration,
        _ => None,
    }
}

/// When a document was made, as far as it says.
pub(crate) fn created(group: &EntitiesDescriptor) -> Option<DateTime<Utc>> {
    let publication = group.extensions.publication_info.as_ref();
    publication.and_then(|info| info.publication.creation_instant)
}
