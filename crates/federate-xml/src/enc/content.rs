//! What was encrypted, as a document of its own.

use crate::c14n::{Canonicalization, canonicalize};
use crate::error::{ParseError, ParseErrorKind};
use crate::limits::Limits;
use crate::name::Name;
use crate::tree::{Document, Element};
use std::mem;
use zeroize::Zeroizing;

/// The octets of the one element that a plaintext must be (`[XMLEnc] 3.1`), or `None` if it
/// is anything else: no XML by our parser, another element, several, or text around it.
///
/// A plaintext that declares all namespaces that it uses is taken as it is. Some peers leave
/// out those that were declared around what they encrypted; then they are added, as they are
/// declared around `encrypted` (`[XMLEnc] 4.4`).
pub(super) fn standalone(
    mut plaintext: Zeroizing<Vec<u8>>,
    encrypted: Element<'_>,
    expected: Name,
    limits: &Limits,
) -> Option<Vec<u8>> {
    let leans_on_context = match Document::parse(&plaintext, limits) {
        Ok(document) if document.root().is(expected) => false,
        Ok(document) if document.root().namespace().is_empty() => true,
        Err(ParseError {
            kind: ParseErrorKind::UndeclaredPrefix,
            ..
        }) => true,
        _ => return None,
    };
    if leans_on_context {
        in_context(&plaintext, encrypted, expected, limits)
    } else {
        Some(mem::take(&mut plaintext))
    }
}

/// Parses the plaintext inside an element with the namespaces around `encrypted`, and writes
/// it again with all of them. Comments stay, so that nothing reads otherwise than before.
fn in_context(
    plaintext: &[u8],
    encrypted: Element<'_>,
    expected: Name,
    limits: &Limits,
) -> Option<Vec<u8>> {
    let around = encrypted.parent()?;
    let mut wrapped = b"<context".to_vec();
    let mut prefixes = Vec::new();
    for declaration in around.declarations_in_scope() {
        let prefix = around.document.prefix(declaration.prefix);
        let namespace = around.document.namespace(declaration.namespace);
        if namespace.is_empty() {
            continue;
        }
        let (separator, listed) = match prefix {
            "" => ("", "#default"),
            prefix => (":", prefix),
        };
        prefixes.push(listed.to_owned());
        wrapped.extend_from_slice(format!(" xmlns{separator}{prefix}=\"").as_bytes());
        crate::c14n::escape_attribute(namespace.as_bytes(), &mut wrapped);
        wrapped.push(b'"');
    }
    wrapped.push(b'>');
    // A plaintext cannot leave this element: what follows its end tag would be a second root.
    wrapped.extend_from_slice(plaintext);
    wrapped.extend_from_slice(b"</context>");
    let document = Document::parse(&wrapped, limits).ok()?;
    let mut inside = document.root().children(expected).ok()?;
    let element = inside.optional(expected)?;
    inside.finish().ok()?;
    let method = Canonicalization {
        with_comments: true,
        inclusive_prefixes: prefixes,
        ..Canonicalization::default()
    };
    let mut octets = Vec::with_capacity(wrapped.len());
    canonicalize(element, None, &method, &mut octets);
    Some(octets)
}
