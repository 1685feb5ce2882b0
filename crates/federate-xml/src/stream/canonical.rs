//! Reading a document as it was signed: what is told of it is read from the canonical octets,
//! which are hashed and given to a sink while they are made.

use super::head::SIGNATURE;
use super::plain::Container;
use super::{Part, Scope, SignedHead, StreamError, StreamLimits, Visitor, check_id, is_one_of};
use crate::c14n::{
    Rendered, canonicalize_between, canonicalize_part, canonicalize_tag, nothing_rendered,
};
use crate::dsig::{SignatureError, SignatureStructure, VerificationContext};
use crate::error::{ParseError, ParseErrorKind};
use crate::name::Name;
use crate::parse::window::{LARGEST, Piece, Pieces};
use crate::tree::{Document, Element, NodeKind};
use crate::verified::Verified;
use federate_crypto::DigestContext;
use std::io::Write;

/// Octets that are hashed and written at once.
const BLOCK: usize = 64 * 1024;

pub(super) struct Canonical<'a, V, W> {
    visitor: V,
    names: &'a [Name],
    limits: &'a StreamLimits,
    head: &'a SignedHead,
    sink: W,
    digest: Box<dyn DigestContext>,
    /// Canonical octets that are not hashed yet, and how many were.
    octets: Vec<u8>,
    hashed: u64,
    /// What the output says of each prefix: outside the root, in it, and in what is open there.
    rendered: Vec<Rendered>,
    /// What is open, with what it rendered.
    containers: Vec<Container>,
    /// Whether the signature was left out.
    without_signature: bool,
}

impl<'a, V: Visitor, W: Write> Canonical<'a, V, W> {
    pub(super) fn new(
        visitor: V,
        names: &'a [Name],
        limits: &'a StreamLimits,
        head: &'a SignedHead,
        context: &VerificationContext<'_>,
        sink: W,
    ) -> Self {
        let algorithm = head.reference().digest_algorithm;
        Self {
            visitor,
            names,
            limits,
            head,
            sink,
            digest: context.provider.digester.start(algorithm),
            octets: Vec::with_capacity(2 * BLOCK),
            hashed: 0,
            rendered: Vec::new(),
            containers: Vec::new(),
            without_signature: false,
        }
    }

    /// What the visitor made, if it is what was signed.
    pub(super) fn finish(mut self) -> Result<Verified<V>, V::Error> {
        self.flush(0).map_err(V::Error::from)?;
        self.sink.flush().map_err(written)?;
        let digest = self.digest.finish();
        self.head.check(Some(&digest)).map_err(StreamError::from)?;
        Ok(Verified::new(self.visitor, self.head.signed_by().clone()))
    }

    fn flush(&mut self, keep: usize) -> Result<(), StreamError> {
        if self.octets.len() <= keep {
            return Ok(());
        }
        self.digest.update(&self.octets);
        self.sink.write_all(&self.octets).map_err(written)?;
        self.hashed += self.octets.len() as u64;
        self.octets.clear();
        self.octets.shrink_to(16 * BLOCK);
        Ok(())
    }

    fn position(&self) -> u64 {
        self.hashed + self.octets.len() as u64
    }

    /// What was appended since `start`, as a part.
    fn part<'p>(
        octets: &'p [u8],
        start: usize,
        tag: usize,
        hashed: u64,
        scope: &'p Scope,
        limits: &'p StreamLimits,
    ) -> Result<Part<'p>, StreamError> {
        let octets = octets.get(start..).unwrap_or_default();
        let octets = simdutf8::basic::from_utf8(octets)
            .map_err(|_| ParseError::new(start, ParseErrorKind::InvalidUtf8))?;
        Ok(Part {
            octets,
            tag,
            start: hashed + start as u64,
            scope,
            limits: &limits.part,
        })
    }

    /// The signature that the head is about is left out; the root has no other.
    fn is_signature(&mut self, element: Element<'_>) -> Result<bool, SignatureError> {
        if self.containers.len() != 1 || !element.is(SIGNATURE) {
            return Ok(false);
        }
        if self.without_signature {
            let several = SignatureStructure::SeveralSignatures;
            return Err(SignatureError::Malformed(several));
        }
        self.without_signature = true;
        Ok(true)
    }
}

impl<V: Visitor, W: Write> Pieces for Canonical<'_, V, W> {
    type Error = V::Error;

    fn refuse(error: ParseError) -> V::Error {
        StreamError::from(error).into()
    }

    fn window(&mut self, document: &Document<'_>) {
        let mut rendered = nothing_rendered(document);
        self.rendered.clear();
        self.rendered.push(rendered.clone());
        for container in &self.containers {
            rendered = nothing_rendered(document);
            for (prefix, name) in container.scope.declared() {
                let prefix = document.prefixes.iter().position(|known| *known == prefix);
                let name = document.namespaces.iter().position(|known| *known == name);
                // Both were declared by what is open.
                if let (Some(prefix), Some(name)) = (prefix, name)
                    && let Some(rendered) = rendered.get_mut(prefix)
                {
                    *rendered = name as u32;
                }
            }
            self.rendered.push(rendered.clone());
        }
    }

    fn opens(&self, element: Element<'_>) -> bool {
        is_one_of(element, self.names)
    }

    fn open(&mut self, piece: &Piece<'_, '_>) -> Result<(), V::Error> {
        let document = piece.document;
        let root = document.root();
        let mut scope = Scope::default();
        match self.containers.last() {
            None => {
                let id = self.head.reference().id.as_deref();
                check_id(root, id).map_err(StreamError::from)?;
            }
            Some(container) => scope = container.scope.clone(),
        }
        let start = self.octets.len();
        let before = self.rendered.last().cloned().unwrap_or_default();
        let mut rendered = before.clone();
        let method = &self.head.reference().canonicalization;
        canonicalize_tag(root, method, &mut rendered, &mut self.octets);
        let tag = self.octets.len() - start;
        let told = Self::part(&self.octets, start, tag, self.hashed, &scope, self.limits)?;
        self.visitor.open(&told)?;
        let changed = rendered
            .iter()
            .enumerate()
            .filter(|(prefix, now)| before.get(*prefix) != Some(now))
            .map(|(prefix, now)| (document.prefix(prefix as u32), document.namespace(*now)))
            .filter(|(prefix, name)| prefix.is_empty() || !name.is_empty());
        let scope = scope.with(changed);
        self.containers.push(Container {
            scope,
            unexpected: None,
        });
        self.rendered.push(rendered);
        Ok(self.flush(BLOCK)?)
    }

    fn part(&mut self, piece: &Piece<'_, '_>) -> Result<(), V::Error> {
        let root = piece.document.root();
        if self.is_signature(root).map_err(StreamError::from)? {
            return Ok(());
        }
        let (Some(container), Some(rendered)) = (self.containers.last(), self.rendered.last_mut())
        else {
            return Ok(()); // a part always lies in a container
        };
        let start = self.octets.len();
        let method = &self.head.reference().canonicalization;
        let allowed = self.limits.part.bytes;
        let tag = canonicalize_part(root, method, rendered, allowed, &mut self.octets);
        let tag = tag.ok_or_else(|| {
            let at = usize::try_from(piece.at).unwrap_or(usize::MAX);
            let limit = LARGEST;
            Self::refuse(ParseError::new(
                at,
                ParseErrorKind::LimitExceeded { limit, allowed },
            ))
        })?;
        let scope = &container.scope;
        let told = Self::part(&self.octets, start, tag, self.hashed, scope, self.limits)?;
        self.visitor.part(&told)?;
        Ok(self.flush(BLOCK)?)
    }

    fn between(&mut self, document: &Document<'_>) -> Result<(), V::Error> {
        if let Some(container) = self.containers.last_mut() {
            container.expect(document);
            for node in &document.nodes {
                canonicalize_between(document, node, &mut self.octets);
            }
        } else if self.head.reference().id.is_none() && has_instruction(document) {
            // It would be signed with the whole document, and is no part of the root.
            let elsewhere = SignatureStructure::ReferenceElsewhere;
            return Err(StreamError::from(SignatureError::Malformed(elsewhere)).into());
        }
        Ok(self.flush(BLOCK)?)
    }

    fn close(&mut self, name: &str, _end: u64) -> Result<(), V::Error> {
        for text in ["</", name, ">"] {
            self.octets.extend_from_slice(text.as_bytes());
        }
        self.rendered.pop();
        let container = self.containers.pop().unwrap_or_default();
        self.visitor.close(self.position(), container.unexpected)?;
        Ok(self.flush(BLOCK)?)
    }
}

fn has_instruction(document: &Document<'_>) -> bool {
    let mut nodes = document.nodes.iter();
    nodes.any(|node| matches!(node.kind, NodeKind::ProcessingInstruction { .. }))
}

fn written(error: std::io::Error) -> StreamError {
    StreamError::Output(error.kind())
}
