//! Where each entity lies, noted while an aggregate is read.

use super::{AggregateError, AggregatePolicy};
use crate::document::earlier;
use crate::read::GROUP;
use crate::{Diagnostic, EntitiesDescriptor, EntityDescriptor, MAX_GROUP_DEPTH};
use chrono::{DateTime, Utc};
use federate_crypto::{Digest, DigestAlgorithm, Digester};
use federate_types::EntityId;
use federate_xml::{
    Document, Element, FromElement, Limits, Name, Part, ReadError, ReadProblem, Scope, Visitor,
};

const EXTENSIONS: Name = Name::md("Extensions");

/// How many diagnostics are kept.
const MAX_DIAGNOSTICS: usize = 1_000;

/// Where an entity lies.
pub(super) struct Entry {
    pub entity_id: EntityId,
    pub start: u64,
    pub len: usize,
    /// The number of its group.
    pub group: usize,
    /// What its octets must be when they are read again.
    pub digest: Option<[u8; 32]>,
}

/// What a group means for what lies in it.
pub(super) struct Group {
    pub scope: Scope,
    pub valid_until: Option<DateTime<Utc>>,
}

/// Everything that is held of an aggregate.
#[derive(Default)]
pub(super) struct Index {
    /// The outermost group, without what is in it.
    pub document: EntitiesDescriptor,
    pub groups: Vec<Group>,
    /// In the order of the document.
    pub entries: Vec<Entry>,
    /// The same by entityID; of one entity, in the order of the document.
    by_id: Vec<usize>,
    pub diagnostics: Vec<Diagnostic>,
    /// How many were not kept.
    pub further: usize,
}

impl Index {
    /// The descriptions of an entity, the first of which counts.
    pub(super) fn find(&self, id: &EntityId) -> impl Iterator<Item = &Entry> {
        let entry = |number: &usize| self.entries.get(*number);
        let is_before = |number: &usize| entry(number).is_some_and(|e| e.entity_id < *id);
        let first = self.by_id.partition_point(is_before);
        let rest = self.by_id.get(first..).unwrap_or_default();
        rest.iter()
            .map_while(entry)
            .take_while(move |e| e.entity_id == *id)
    }

    fn tell(&mut self, diagnostic: Diagnostic) {
        match self.diagnostics.len() < MAX_DIAGNOSTICS {
            true => self.diagnostics.push(diagnostic),
            false => self.further += 1,
        }
    }

    fn sort(&mut self) {
        let entries = &self.entries;
        let id_of = |number: &usize| entries.get(*number).map(|entry| &entry.entity_id);
        let mut by_id: Vec<usize> = (0..entries.len()).collect();
        by_id.sort_by(|a, b| id_of(a).cmp(&id_of(b)).then(a.cmp(b)));
        let repeated = by_id.windows(2).filter_map(|pair| match pair {
            [a, b] if id_of(a) == id_of(b) => id_of(b).cloned(),
            _ => None,
        });
        let repeated: Vec<EntityId> = repeated.take(MAX_DIAGNOSTICS).collect();
        for entity_id in repeated {
            self.tell(Diagnostic::DuplicateEntity { entity_id });
        }
        self.by_id = by_id;
    }
}

/// A group that is open.
struct Open {
    /// Its number; none if it is skipped with everything inside.
    group: Option<usize>,
    /// Its place in the group around it.
    number: usize,
    /// How many members it has so far.
    members: usize,
    /// What there was before it.
    entries: usize,
    diagnostics: usize,
}

/// Notes where the entities of an aggregate lie.
pub(super) struct Indexer<'a> {
    index: Index,
    policy: &'a AggregatePolicy,
    /// Makes digests of the octets of entities, where they are to be compared.
    digester: Option<&'a dyn Digester>,
    open: Vec<Open>,
    /// The start tag of the root.
    tag: Vec<u8>,
}

impl<'a> Indexer<'a> {
    pub(super) fn new(policy: &'a AggregatePolicy, digester: Option<&'a dyn Digester>) -> Self {
        Self {
            index: Index::default(),
            policy,
            digester,
            open: Vec::new(),
            tag: Vec::new(),
        }
    }

    pub(super) fn finish(mut self) -> Index {
        self.index.sort();
        self.index
    }

    fn check_room(&self) -> Result<(), AggregateError> {
        let allowed = self.policy.entities;
        match self.index.entries.len() + self.index.groups.len() < allowed {
            true => Ok(()),
            false => Err(AggregateError::TooManyEntities { allowed }),
        }
    }

    fn push_group(&mut self, valid_until: Option<DateTime<Utc>>) -> usize {
        let around = self.open.last().and_then(|open| open.group);
        let around = around.and_then(|number| self.index.groups.get(number));
        // [SAMLMeta] 2.3.1: nothing in a group outlives it.
        let valid_until = earlier(valid_until, around.and_then(|group| group.valid_until));
        let scope = Scope::default();
        self.index.groups.push(Group { scope, valid_until });
        self.index.groups.len() - 1
    }

    /// A group in another.
    fn inner(&mut self, tag: &Part<'_>) -> Result<(Option<usize>, usize), AggregateError> {
        let depth = self.open.len();
        let Some(around) = self.open.last_mut() else {
            return Ok((None, 0));
        };
        let number = around.members;
        around.members += 1;
        if around.group.is_none() {
            return Ok((None, number));
        }
        if depth >= MAX_GROUP_DEPTH {
            self.index.tell(Diagnostic::GroupTooDeep);
            return Ok((None, number));
        }
        match EntitiesDescriptor::from_element(tag.tag()?.root()) {
            Ok(group) => {
                self.check_room()?;
                let group = self.push_group(group.valid_until);
                Ok((Some(group), number))
            }
            Err(reason) => {
                self.index
                    .tell(Diagnostic::MemberSkipped { number, reason });
                Ok((None, number))
            }
        }
    }

    fn root(&mut self, tag: &Part<'_>) -> Result<usize, AggregateError> {
        let document = tag.tag()?;
        if !document.root().is(GROUP) {
            return Err(ReadError::new(GROUP.local, ReadProblem::UnexpectedRoot).into());
        }
        let mut group = EntitiesDescriptor::from_element(document.root())?;
        for diagnostic in std::mem::take(&mut group.diagnostics) {
            self.index.tell(diagnostic);
        }
        self.tag = tag.octets().to_vec();
        let valid_until = group.valid_until;
        self.index.document = group;
        Ok(self.push_group(valid_until))
    }

    /// An entity in a group. Of it only the attributes are read: the rest when it is asked for.
    fn entity(&mut self, part: &Part<'_>, tag: Element<'_>) -> Result<(), AggregateError> {
        let Some(around) = self.open.last_mut() else {
            return Ok(());
        };
        let number = around.members;
        around.members += 1;
        let Some(group) = around.group else {
            return Ok(());
        };
        let entity_id = match EntityDescriptor::from_element(tag) {
            Ok(entity) => entity.entity_id,
            Err(reason) => {
                self.index
                    .tell(Diagnostic::MemberSkipped { number, reason });
                return Ok(());
            }
        };
        self.check_room()?;
        if let Some(group) = self.index.groups.get_mut(group)
            && !group.scope.is_same(part.scope())
        {
            group.scope = part.scope().clone();
        }
        let digest = self
            .digester
            .map(|digester| digester.digest(DigestAlgorithm::Sha256, part.octets()));
        self.index.entries.push(Entry {
            entity_id,
            start: part.range().start,
            len: part.octets().len(),
            group,
            digest: digest.as_ref().and_then(octets_of),
        });
        Ok(())
    }

    /// The extensions of the root, which tell when the document was made.
    fn extensions(&mut self, part: &Part<'_>) -> Result<(), AggregateError> {
        let tag = self.tag.as_slice();
        let name = tag.get(1..).unwrap_or_default();
        let ends = |octet: &u8| octet.is_ascii_whitespace() || *octet == b'>';
        let len = name.iter().position(ends).unwrap_or(name.len());
        let name = name.get(..len).unwrap_or_default();
        let octets = [tag, part.octets(), b"</", name, b">"].concat();
        let limits = Limits {
            bytes: octets.len(),
            nodes: usize::MAX,
            depth: usize::MAX,
            ..self.policy.limits.part
        };
        let document = Document::parse(&octets, &limits)?;
        let mut group = EntitiesDescriptor::from_element(document.root())?;
        for diagnostic in std::mem::take(&mut group.diagnostics) {
            self.index.tell(diagnostic);
        }
        if self.index.document.extensions.is_empty() {
            self.index.document = group;
        }
        Ok(())
    }
}

impl Visitor for Indexer<'_> {
    type Error = AggregateError;

    fn open(&mut self, tag: &Part<'_>) -> Result<(), AggregateError> {
        let (group, number) = match self.open.is_empty() {
            true => (Some(self.root(tag)?), 0),
            false => self.inner(tag)?,
        };
        self.open.push(Open {
            group,
            number,
            members: 0,
            entries: self.index.entries.len(),
            diagnostics: self.index.diagnostics.len(),
        });
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>) -> Result<(), AggregateError> {
        let is_read = self.open.last().is_some_and(|open| open.group.is_some());
        if !is_read {
            return Ok(());
        }
        let tag = part.tag()?;
        if tag.root().is(EntityDescriptor::ELEMENT) {
            return self.entity(part, tag.root());
        }
        if self.open.len() == 1 && tag.root().is(EXTENSIONS) {
            return self.extensions(part);
        }
        Ok(())
    }

    fn close(&mut self, _end: u64, unexpected: Option<ReadProblem>) -> Result<(), AggregateError> {
        let Some(closed) = self.open.pop() else {
            return Ok(());
        };
        // Between elements, processing instructions are harmless, but text has no meaning.
        if closed.group.is_none() || unexpected != Some(ReadProblem::UnexpectedText) {
            return Ok(());
        }
        let reason = ReadError::new(GROUP.local, ReadProblem::UnexpectedText);
        if self.open.is_empty() {
            return Err(reason.into());
        }
        self.index.entries.truncate(closed.entries);
        self.index.diagnostics.truncate(closed.diagnostics);
        let number = closed.number;
        self.index
            .tell(Diagnostic::MemberSkipped { number, reason });
        Ok(())
    }
}

fn octets_of(digest: &Digest) -> Option<[u8; 32]> {
    digest.as_bytes().try_into().ok()
}
