//! The canonical form of an element whose surroundings were written before: of one part of a
//! document that is never held as a whole.

use super::{Canonicalization, UNRENDERED, Walk, processing_instruction};
use crate::tree::{Document, Element, NO_NAMESPACE, NO_PREFIX, NamespaceId, Node, NodeKind};

/// What each prefix means in the output so far, by the numbers of a document.
pub(crate) type Rendered = Vec<NamespaceId>;

/// Of the prefixes of this document, none was written so far.
pub(crate) fn nothing_rendered(document: &Document<'_>) -> Rendered {
    let mut rendered = vec![UNRENDERED; document.prefixes.len()];
    if let Some(default) = rendered.get_mut(NO_PREFIX as usize) {
        *default = NO_NAMESPACE;
    }
    rendered
}

/// Appends the form of an element and everything inside it, and tells how long its start tag is.
/// It can be much longer than the element; `None` if it has more octets than are allowed.
pub(crate) fn canonicalize_part(
    element: Element<'_>,
    method: &Canonicalization,
    rendered: &mut Rendered,
    allowed: usize,
    out: &mut Vec<u8>,
) -> Option<usize> {
    inside(element, method, rendered, out, |walk| {
        let start = walk.out.len();
        walk.most = start.saturating_add(allowed);
        walk.run(&[]);
        (walk.out.len() <= walk.most).then_some(walk.tag - start)
    })
}

/// Appends the form of an element's start tag; what it renders stays rendered.
pub(crate) fn canonicalize_tag(
    element: Element<'_>,
    method: &Canonicalization,
    rendered: &mut Rendered,
    out: &mut Vec<u8>,
) {
    inside(element, method, rendered, out, |walk| {
        walk.start(&element.data(), false);
    });
}

/// Appends the form of a node between elements.
pub(crate) fn canonicalize_between(document: &Document<'_>, node: &Node, out: &mut Vec<u8>) {
    match node.kind {
        NodeKind::Text(text) => super::text(document, text, out),
        NodeKind::ProcessingInstruction { target, data } => {
            processing_instruction(document, target, data, out);
        }
        NodeKind::Comment(_) | NodeKind::Element(_) => {}
    }
}

fn inside<'d, T>(
    element: Element<'d>,
    method: &Canonicalization,
    rendered: &mut Rendered,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Walk<'d, '_>) -> T,
) -> T {
    // Its document may know more prefixes than the one before.
    rendered.resize(element.document.prefixes.len(), UNRENDERED);
    let mut walk = Walk::new(element, method, std::mem::take(rendered), out);
    walk.alone = false;
    let result = write(&mut walk);
    *rendered = walk.rendered;
    result
}
