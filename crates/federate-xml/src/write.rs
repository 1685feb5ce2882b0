//! Writing XML: what comes out is already in exclusive canonical form.
//!
//! So the octets written are the octets hashed when a part of them is signed: there is no
//! second parse and no tree. Attributes are sorted, namespaces are declared where they are
//! first used, everything is escaped as `[C14N] 2.3` says; markup cannot be injected through
//! a value.

use crate::c14n::{escape_attribute, escape_text};
use crate::name::Name;
use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::ops::Range;

/// Writes one element with everything inside it.
///
/// ```
/// use federate_xml::{Name, Writer};
/// let mut writer = Writer::new();
/// writer.start(Name::saml("Issuer"));
/// writer.attribute(Name::local("Format"), "a\"b");
/// writer.text("x < y");
/// writer.end();
/// assert_eq!(
///     String::from_utf8(writer.finish())?,
///     r#"<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Format="a&quot;b">x &lt; y</saml:Issuer>"#
/// );
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    open: Vec<Open>,
    /// The namespaces that the output declares here, innermost last.
    declared: Vec<(&'static str, &'static str)>,
    /// The start tag that can still take attributes.
    pending: Option<Name>,
    /// What it declares for values.
    for_values: Vec<(&'static str, &'static str)>,
    /// Its attributes, each with the end of its escaped value in `values`.
    attributes: Vec<(Name, Range<usize>)>,
    values: Vec<u8>,
    signature_at: Option<usize>,
    /// Prefixes that only values use: the signature has to list them.
    value_prefixes: Vec<Cow<'static, str>>,
}

#[derive(Debug)]
struct Open {
    name: Name,
    declared: usize,
}

impl Writer {
    /// An empty output.
    #[must_use]
    pub fn new() -> Self {
        Self {
            out: Vec::with_capacity(8 * 1024),
            ..Self::default()
        }
    }

    /// Begins an element inside the current one.
    pub fn start(&mut self, name: Name) {
        self.flush();
        self.pending = Some(name);
    }

    /// Adds an attribute to the element that was just begun.
    pub fn attribute(&mut self, name: Name, value: &str) {
        debug_assert!(self.pending.is_some(), "no start tag is open");
        let start = self.values.len();
        push_escaped(value, &mut self.values, escape_attribute);
        self.attributes.push((name, start..self.values.len()));
    }

    /// Adds an attribute if there is a value for it.
    pub fn optional_attribute(&mut self, name: Name, value: Option<&str>) {
        if let Some(value) = value {
            self.attribute(name, value);
        }
    }

    /// Adds an attribute of type `xs:dateTime`.
    pub fn instant(&mut self, name: Name, value: DateTime<Utc>) {
        self.attribute(name, &crate::time::format_instant(value));
    }

    /// Declares, on the element that was just begun, a prefix that is used in values only, as
    /// in `xsi:type="xs:string"`.
    ///
    /// Exclusive canonicalization keeps such a declaration only if the signature lists the
    /// prefix, which [`Signer::sign`](crate::dsig::Signer::sign) then does.
    pub fn declare_for_values(&mut self, prefix: &'static str, namespace: &'static str) {
        debug_assert!(self.pending.is_some(), "no start tag is open");
        self.for_values.push((prefix, namespace));
        self.values_use(prefix);
    }

    /// Notes that something embedded declares a prefix for values.
    pub fn values_use(&mut self, prefix: impl Into<Cow<'static, str>>) {
        let prefix = prefix.into();
        if !self.value_prefixes.contains(&prefix) {
            self.value_prefixes.push(prefix);
        }
    }

    pub(crate) fn value_prefixes(&self) -> &[Cow<'static, str>] {
        &self.value_prefixes
    }

    /// Writes text into the current element. Characters that XML cannot carry (`[XML] 2.2`)
    /// become U+FFFD.
    pub fn text(&mut self, text: &str) {
        self.flush();
        push_escaped(text, &mut self.out, escape_text);
    }

    /// Ends the current element.
    pub fn end(&mut self) {
        self.flush();
        if let Some(open) = self.open.pop() {
            self.declared.truncate(open.declared);
            self.out.extend_from_slice(b"</");
            push_qname(&mut self.out, open.name);
            self.out.push(b'>');
        }
    }

    /// Writes an element that holds only text.
    pub fn element(&mut self, name: Name, text: &str) {
        self.start(name);
        self.text(text);
        self.end();
    }

    /// Puts an element in that was written (and perhaps signed) on its own.
    ///
    /// The whole stays canonical as long as nothing around it declares a namespace that the
    /// element declares itself: so it is with an assertion inside a response.
    pub fn embed(&mut self, canonical: &[u8]) {
        self.flush();
        self.out.extend_from_slice(canonical);
    }

    /// Notes that the signature of the outermost element belongs here: for SAML right after
    /// the Issuer.
    pub fn signature_belongs_here(&mut self) {
        self.flush();
        self.signature_at = Some(self.out.len());
    }

    pub(crate) fn signature_position(&self) -> Option<usize> {
        self.signature_at
    }

    /// Ends every open element and gives the octets.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() || self.pending.is_some() {
            self.end();
        }
        self.out
    }

    /// Notes a namespace for declaration unless the output declares it here already.
    fn declare(&mut self, prefix: &'static str, namespace: &'static str) {
        let here = self.declared.iter().rev().find(|d| d.0 == prefix);
        let known = here.map_or("", |d| d.1);
        if prefix != "xml" && known != namespace {
            self.declared.push((prefix, namespace));
        }
    }

    /// Writes the start tag that was waiting for attributes.
    fn flush(&mut self) {
        let Some(name) = self.pending.take() else {
            return;
        };
        let before = self.declared.len();
        self.declare(name.prefix, name.namespace);
        let mut attributes = std::mem::take(&mut self.attributes);
        for (attribute, _) in attributes.iter().filter(|(a, _)| !a.prefix.is_empty()) {
            self.declare(attribute.prefix, attribute.namespace);
        }
        while let Some((prefix, namespace)) = self.for_values.pop() {
            self.declare(prefix, namespace);
        }
        self.out.push(b'<');
        push_qname(&mut self.out, name);
        let new = self.declared.get_mut(before..).unwrap_or_default();
        new.sort_unstable();
        for (prefix, namespace) in new {
            self.out.extend_from_slice(b" xmlns");
            if !prefix.is_empty() {
                self.out.push(b':');
                self.out.extend_from_slice(prefix.as_bytes());
            }
            self.out.extend_from_slice(b"=\"");
            escape_attribute(namespace.as_bytes(), &mut self.out);
            self.out.push(b'"');
        }
        attributes.sort_unstable_by_key(|(a, _)| (a.namespace, a.local));
        for (attribute, value) in attributes.drain(..) {
            self.out.push(b' ');
            push_qname(&mut self.out, attribute);
            self.out.extend_from_slice(b"=\"");
            let value = self.values.get(value).unwrap_or_default();
            self.out.extend_from_slice(value);
            self.out.push(b'"');
        }
        self.values.clear();
        self.attributes = attributes;
        self.out.push(b'>');
        self.open.push(Open {
            name,
            declared: before,
        });
    }
}

fn push_qname(out: &mut Vec<u8>, name: Name) {
    if !name.prefix.is_empty() {
        out.extend_from_slice(name.prefix.as_bytes());
        out.push(b':');
    }
    out.extend_from_slice(name.local.as_bytes());
}

/// Appends a value, escaped where it has to be; characters that XML cannot carry become
/// U+FFFD.
fn push_escaped(value: &str, out: &mut Vec<u8>, escape: fn(&[u8], &mut Vec<u8>)) {
    // Without early exit, so that the compiler can use vectors: nearly no value has any.
    let special = value.bytes().fold(false, |found, b| {
        found | (b < 0x20) | matches!(b, b'&' | b'<' | b'>' | b'"' | 0xef)
    });
    if !special {
        return out.extend_from_slice(value.as_bytes());
    }
    let is_char = crate::parse::chars::is_char;
    if value.chars().all(is_char) {
        return escape(value.as_bytes(), out);
    }
    let replace = |c| if is_char(c) { c } else { '\u{fffd}' };
    let value: String = value.chars().map(replace).collect();
    escape(value.as_bytes(), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Canonicalization, Document, Limits, canonicalize};

    #[test]
    fn what_is_written_is_canonical() {
        let mut w = Writer::new();
        w.start(Name::samlp("Response"));
        w.attribute(Name::local("Version"), "2.0");
        w.attribute(Name::local("ID"), "_1");
        w.element(Name::saml("Issuer"), "a & b\r\n");
        w.start(Name::samlp("Status"));
        w.start(Name::saml("Inner"));
        w.attribute(Name::new(crate::name::XSI, "xsi", "type"), "\t\"<");
        w.attribute(Name::local("Z"), "]]>");
        w.end();
        let octets = w.finish();
        let document = Document::parse(&octets, &Limits::default()).unwrap();
        let mut canonical = Vec::new();
        let method = Canonicalization::default();
        canonicalize(document.root(), None, &method, &mut canonical);
        assert_eq!(
            String::from_utf8(octets).unwrap(),
            String::from_utf8(canonical).unwrap()
        );
    }

    #[test]
    fn a211_values_cannot_inject_markup() {
        let hostile = "</saml:AttributeValue><saml:Attribute Name=\"admin\">\u{0}";
        let mut w = Writer::new();
        w.start(Name::saml("AttributeValue"));
        w.attribute(Name::local("A"), hostile);
        w.text(hostile);
        let octets = w.finish();
        let document = Document::parse(&octets, &Limits::default()).unwrap();
        let expected = hostile.replace('\0', "\u{fffd}");
        assert_eq!(document.root().text().unwrap(), expected);
        assert_eq!(document.root().attribute("A"), Some(expected.as_str()));
    }
}
