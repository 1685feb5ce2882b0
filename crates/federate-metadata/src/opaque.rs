use crate::MetadataError;
use federate_xml::{Canonicalization, Document, Element, Limits, Writer, canonicalize};
use std::collections::BTreeSet;

/// An element that we keep and do not interpret: an extension, or a role of another kind
/// (`[SAMLMeta] 2.4.1`).
///
/// It is held as a document of its own, in exclusive canonical form without comments, together
/// with the prefixes that only its values use.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OpaqueElement {
    octets: Box<[u8]>,
    /// The prefixes that it declares for values: a signature has to list them.
    value_prefixes: Vec<String>,
}

impl OpaqueElement {
    /// Reads an element that is to be put in as it is.
    ///
    /// # Errors
    /// [`MetadataError::Xml`] when it is no document.
    pub fn parse(octets: &[u8], limits: &Limits) -> Result<Self, MetadataError> {
        Ok(Self::of(Document::parse(octets, limits)?.root()))
    }

    /// The element as a document: to interpret it, parse it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    /// Keeps an element with the namespaces that it means.
    pub(crate) fn of(element: Element<'_>) -> Self {
        let octets = canonical(element, Vec::new());
        let possible = possible_prefixes(element);
        if possible.is_empty() {
            return Self {
                octets: octets.into(),
                value_prefixes: Vec::new(),
            };
        }
        // Values can hold qualified names, and nobody knows which do: whatever looks like a
        // prefix is declared, if it is one.
        let with_values = canonical(element, possible.iter().cloned().collect());
        let mut value_prefixes = Vec::new();
        if with_values != octets {
            let declared = declared_prefixes(&with_values);
            value_prefixes.extend(possible);
            value_prefixes.retain(|word| declared.contains(word.as_str()));
        }
        Self {
            octets: with_values.into(),
            value_prefixes,
        }
    }

    /// Writes the element where these namespaces are declared around it, so that the whole
    /// stays canonical.
    pub(crate) fn write(&self, writer: &mut Writer, around: &[(&str, &str)]) {
        for prefix in &self.value_prefixes {
            writer.values_use(prefix.clone());
        }
        let declared = declared_prefixes(&self.octets);
        if around.iter().any(|(prefix, _)| declared.contains(prefix))
            && let Some(inside) = self.inside(around)
        {
            return writer.embed(&inside);
        }
        writer.embed(&self.octets);
    }

    /// Its canonical form inside something that declares these namespaces.
    fn inside(&self, around: &[(&str, &str)]) -> Option<Vec<u8>> {
        let mut document = b"<x".to_vec();
        let mut prefixes = self.value_prefixes.clone();
        for (prefix, namespace) in around {
            document.extend_from_slice(format!(" xmlns:{prefix}=\"{namespace}\"").as_bytes());
            prefixes.push((*prefix).to_owned());
        }
        document.push(b'>');
        document.extend_from_slice(&self.octets);
        document.extend_from_slice(b"</x>");
        let limits = Limits {
            depth: usize::MAX,
            ..Limits::for_aggregate()
        };
        let document = Document::parse(&document, &limits).ok()?;
        let octets = canonical(document.root(), prefixes);
        let start = octets.iter().position(|b| *b == b'>')? + 1;
        let end = octets.len().checked_sub(b"</x>".len())?;
        Some(octets.get(start..end)?.to_vec())
    }
}

impl std::fmt::Debug for OpaqueElement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = String::from_utf8_lossy(&self.octets);
        f.debug_tuple("OpaqueElement").field(&text).finish()
    }
}

fn canonical(element: Element<'_>, inclusive_prefixes: Vec<String>) -> Vec<u8> {
    let method = Canonicalization {
        inclusive_prefixes,
        ..Canonicalization::default()
    };
    let mut octets = Vec::new();
    canonicalize(element, None, &method, &mut octets);
    octets
}

/// Every word before a colon in the values of an element and those inside it.
fn possible_prefixes(element: Element<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending = vec![element];
    while let Some(element) = pending.pop() {
        for (_, _, value) in element.attributes() {
            words_before_colons(value, &mut found);
        }
        if let Ok(text) = element.text() {
            words_before_colons(&text, &mut found);
        }
        pending.extend(element.child_elements());
    }
    found
}

fn words_before_colons(value: &str, found: &mut BTreeSet<String>) {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut pieces = value.split(':');
    // What follows the last colon is before none.
    pieces.next_back();
    for piece in pieces {
        let before = piece.trim_end_matches(in_word);
        let word = piece.strip_prefix(before).unwrap_or_default();
        if !word.is_empty() && !found.contains(word) {
            found.insert(word.to_owned());
        }
    }
}

/// The prefixes that canonical octets declare; words that only look so can be among them.
fn declared_prefixes(octets: &[u8]) -> BTreeSet<&str> {
    let text = std::str::from_utf8(octets).unwrap_or_default();
    let declarations = text.split(" xmlns:").skip(1);
    declarations
        .filter_map(|rest| Some(rest.split_once("=\"")?.0))
        .collect()
}

#[cfg(test)]
mod tests;
