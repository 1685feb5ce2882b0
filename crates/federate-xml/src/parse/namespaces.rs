//! Namespace bindings while a document is read: every prefix and namespace name gets a
//! number, so that a lookup costs the same however many declarations there are.

use super::uri::{has_scheme, is_uri};
use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::name;
use crate::tree::{
    Declaration, NO_NAMESPACE, NO_PREFIX, NamespaceId, PrefixId, XML_NAMESPACE, XML_PREFIX,
};
use std::borrow::Cow;
use std::collections::HashMap;

const UNBOUND: NamespaceId = NamespaceId::MAX;

/// The longest namespace name, in octets. Canonicalization may write a name as often as an
/// element uses it, so a long one would multiply; real ones stay below 200.
const MAX_NAME: usize = 1024;

/// Below this many, comparing them all is faster than hashing.
const FEW: usize = 32;

/// A short prefix as one number, to be compared at once; longer ones have none.
fn packed(prefix: &str) -> Option<u64> {
    let len = prefix.len() as u64;
    (len < 8).then(|| {
        let octets = prefix.bytes().fold(0, |sum, b| (sum << 8) | u64::from(b));
        octets | (len << 56)
    })
}

pub(super) struct Namespaces<'i> {
    allowed: usize,
    prefixes: Vec<&'i str>,
    /// The same, packed.
    packed: Vec<Option<u64>>,
    prefix_numbers: HashMap<&'i str, PrefixId>,
    names: Vec<Cow<'i, str>>,
    name_numbers: HashMap<Cow<'i, str>, NamespaceId>,
    /// What each prefix means here.
    bound: Vec<NamespaceId>,
    /// What it meant before, innermost last.
    undo: Vec<(PrefixId, NamespaceId)>,
}

impl<'i> Namespaces<'i> {
    pub(super) fn new(allowed: usize) -> Self {
        Self {
            allowed,
            prefixes: vec!["", "xml"],
            packed: vec![packed(""), packed("xml")],
            prefix_numbers: HashMap::new(),
            names: vec![Cow::Borrowed(""), Cow::Borrowed(name::XML)],
            name_numbers: HashMap::new(),
            bound: vec![NO_NAMESPACE, XML_NAMESPACE],
            undo: Vec::new(),
        }
    }

    pub(super) fn into_names(self) -> (Vec<&'i str>, Vec<Cow<'i, str>>) {
        (self.prefixes, self.names)
    }

    /// Exchanges the names with those of a document, which has them while it is looked at.
    pub(super) fn swap_names(
        &mut self,
        prefixes: &mut Vec<&'i str>,
        names: &mut Vec<Cow<'i, str>>,
    ) {
        std::mem::swap(&mut self.prefixes, prefixes);
        std::mem::swap(&mut self.names, names);
    }

    pub(super) fn mark(&self) -> usize {
        self.undo.len()
    }

    pub(super) fn restore(&mut self, mark: usize) {
        while self.undo.len() > mark {
            if let Some((prefix, before)) = self.undo.pop()
                && let Some(bound) = self.bound.get_mut(prefix as usize)
            {
                *bound = before;
            }
        }
    }

    fn full(&self, at: usize) -> ParseError {
        let limit = "namespaces";
        let allowed = self.allowed;
        ParseError::new(at, Kind::LimitExceeded { limit, allowed })
    }

    /// The number of a prefix, whether it is bound or not.
    pub(super) fn prefix(&mut self, prefix: &'i str, at: usize) -> Result<PrefixId, ParseError> {
        if prefix.is_empty() {
            return Ok(NO_PREFIX);
        }
        let known = if self.prefixes.len() <= FEW {
            match packed(prefix) {
                None => self.prefixes.iter().position(|p| *p == prefix),
                short => self.packed.iter().position(|p| *p == short),
            }
        } else {
            if self.prefix_numbers.is_empty() {
                let all = self.prefixes.iter().zip(0..);
                self.prefix_numbers = all.map(|(p, number)| (*p, number)).collect();
            }
            self.prefix_numbers.get(prefix).map(|n| *n as usize)
        };
        if let Some(number) = known {
            return Ok(number as PrefixId);
        }
        if self.prefixes.len() >= self.allowed {
            return Err(self.full(at));
        }
        let number = self.prefixes.len() as PrefixId;
        self.prefixes.push(prefix);
        self.packed.push(packed(prefix));
        self.bound.push(UNBOUND);
        if !self.prefix_numbers.is_empty() {
            self.prefix_numbers.insert(prefix, number);
        }
        Ok(number)
    }

    fn name(&mut self, uri: Cow<'i, str>, at: usize) -> Result<NamespaceId, ParseError> {
        let known = if self.names.len() <= FEW {
            self.names.iter().position(|n| *n == uri)
        } else {
            if self.name_numbers.is_empty() {
                let all = self.names.iter().zip(0..);
                self.name_numbers = all.map(|(n, number)| (n.clone(), number)).collect();
            }
            self.name_numbers.get(&uri).map(|n| *n as usize)
        };
        if let Some(number) = known {
            return Ok(number as NamespaceId);
        }
        if self.names.len() >= self.allowed {
            return Err(self.full(at));
        }
        let number = self.names.len() as NamespaceId;
        if !self.name_numbers.is_empty() {
            self.name_numbers.insert(uri.clone(), number);
        }
        self.names.push(uri);
        Ok(number)
    }

    /// Notes a declaration of the tag that is being read.
    pub(super) fn declare(
        &mut self,
        prefix: &'i str,
        uri: Cow<'i, str>,
        at: usize,
    ) -> Result<Declaration, ParseError> {
        // [XMLNames] 3: `xml` means its own namespace only, `xmlns` is never declared, and
        // neither namespace has another prefix; 5: a prefix cannot be undeclared.
        let reserved = match prefix {
            "xmlns" => true,
            "xml" => uri != name::XML,
            _ => uri == name::XML || uri == name::XMLNS || (uri.is_empty() && !prefix.is_empty()),
        };
        if reserved {
            return Err(ParseError::new(at, Kind::InvalidNamespaceDeclaration));
        }
        // [C14N] 1.3: documents with relative namespace names have no canonical form.
        if !uri.is_empty() && !has_scheme(&uri) {
            return Err(ParseError::new(at, Kind::RelativeNamespace));
        }
        // [XMLNames] 2.2: a namespace name is a URI. libxml2 writes an empty canonical form of an
        // element whose namespace name is none; nothing that it refuses shall be accepted here.
        if !uri.is_empty() && !is_uri(&uri) {
            return Err(ParseError::new(at, Kind::InvalidNamespaceDeclaration));
        }
        if uri.len() > MAX_NAME {
            let limit = "octets of a namespace name";
            let allowed = MAX_NAME;
            return Err(ParseError::new(at, Kind::LimitExceeded { limit, allowed }));
        }
        let prefix = self.prefix(prefix, at)?;
        let namespace = self.name(uri, at)?;
        let Some(bound) = self.bound.get_mut(prefix as usize) else {
            return Err(ParseError::new(at, Kind::UndeclaredPrefix));
        };
        self.undo.push((prefix, *bound));
        *bound = namespace;
        Ok(Declaration { prefix, namespace })
    }

    /// What the prefix of an element means here.
    pub(super) fn resolve(
        &mut self,
        prefix: &'i str,
        at: usize,
    ) -> Result<(PrefixId, NamespaceId), ParseError> {
        let number = self.prefix(prefix, at)?;
        Ok((number, self.bound(number, at)?))
    }

    /// What the prefix of an attribute means here; without prefix it has no namespace.
    pub(super) fn of_attribute(
        &self,
        prefix: PrefixId,
        at: usize,
    ) -> Result<NamespaceId, ParseError> {
        match prefix {
            NO_PREFIX => Ok(NO_NAMESPACE),
            XML_PREFIX => Ok(XML_NAMESPACE),
            other => self.bound(other, at),
        }
    }

    fn bound(&self, prefix: PrefixId, at: usize) -> Result<NamespaceId, ParseError> {
        match self.bound.get(prefix as usize).copied() {
            None | Some(UNBOUND) => Err(ParseError::new(at, Kind::UndeclaredPrefix)),
            Some(namespace) => Ok(namespace),
        }
    }
}
