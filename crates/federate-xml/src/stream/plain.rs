//! Reading a document as it is.

use super::{Part, Scope, StreamError, StreamLimits, Visitor, check_id, is_one_of};
use crate::error::ParseError;
use crate::name::Name;
use crate::parse::window::{Piece, Pieces};
use crate::read::ReadProblem;
use crate::tree::{Document, Element, NodeKind};

pub(super) struct Plain<'a, V> {
    visitor: V,
    names: &'a [Name],
    limits: &'a StreamLimits,
    /// The ID that the root must have.
    id: Option<&'a str>,
    containers: Vec<Container>,
}

/// A container that is open, as the visitor is told of it.
#[derive(Default)]
pub(super) struct Container {
    /// What is declared in it.
    pub scope: Scope,
    pub unexpected: Option<ReadProblem>,
}

impl Container {
    /// Notes the first thing that does not belong between elements.
    pub(super) fn expect(&mut self, document: &Document<'_>) {
        for node in &document.nodes {
            let problem = match node.kind {
                NodeKind::ProcessingInstruction { .. } => ReadProblem::UnexpectedMarkup,
                NodeKind::Text(text) if !is_blank(document.str(text)) => {
                    ReadProblem::UnexpectedText
                }
                _ => continue,
            };
            self.unexpected.get_or_insert(problem);
        }
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(crate::parse::chars::is_space)
}

impl<'a, V> Plain<'a, V> {
    pub(super) fn new(
        visitor: V,
        names: &'a [Name],
        limits: &'a StreamLimits,
        id: Option<&'a str>,
    ) -> Self {
        Self {
            visitor,
            names,
            limits,
            id,
            containers: Vec::new(),
        }
    }

    pub(super) fn into_visitor(self) -> V {
        self.visitor
    }
}

impl<V: Visitor> Pieces for Plain<'_, V> {
    type Error = V::Error;

    fn refuse(error: ParseError) -> V::Error {
        StreamError::from(error).into()
    }

    fn window(&mut self, _document: &Document<'_>) {}

    fn opens(&self, element: Element<'_>) -> bool {
        is_one_of(element, self.names)
    }

    fn open(&mut self, piece: &Piece<'_, '_>) -> Result<(), V::Error> {
        let root = piece.document.root();
        let around = self.containers.last();
        if let (Some(id), None) = (self.id, around) {
            check_id(root, Some(id)).map_err(StreamError::from)?;
        }
        let scope = around.map(|c| c.scope.clone()).unwrap_or_default();
        self.visitor.open(&part(piece, &scope, self.limits))?;
        let document = piece.document;
        let declared = document.declarations_of(&root.data()).iter();
        let declared =
            declared.map(|d| (document.prefix(d.prefix), document.namespace(d.namespace)));
        self.containers.push(Container {
            scope: scope.with(declared),
            unexpected: None,
        });
        Ok(())
    }

    fn part(&mut self, piece: &Piece<'_, '_>) -> Result<(), V::Error> {
        match self.containers.last() {
            Some(container) => self
                .visitor
                .part(&part(piece, &container.scope, self.limits)),
            None => Ok(()), // a part always lies in one
        }
    }

    fn between(&mut self, document: &Document<'_>) -> Result<(), V::Error> {
        if let Some(container) = self.containers.last_mut() {
            container.expect(document);
        }
        Ok(())
    }

    fn close(&mut self, _name: &str, end: u64) -> Result<(), V::Error> {
        let container = self.containers.pop().unwrap_or_default();
        self.visitor.close(end, container.unexpected)
    }
}

fn part<'p>(piece: &Piece<'p, '_>, scope: &'p Scope, limits: &'p StreamLimits) -> Part<'p> {
    Part {
        octets: piece.raw,
        tag: piece.tag,
        start: piece.at,
        scope,
        limits: &limits.part,
    }
}
