//! A message for people to read: its canonical form, indented. For display only.

use crate::terminal::visible;
use federate_xml::{Canonicalization, CanonicalizationAlgorithm, Document, canonicalize_document};

/// Elements of which the content names or describes a person, by their local name, whatever
/// their namespace is.
const PERSONAL: [&str; 5] = [
    "AttributeValue",
    "NameID",
    "NameIdentifier",
    "BaseID",
    "NewID",
];

/// Elements of which the content is base64, where white space means nothing.
const BASE64: [&str; 5] = [
    "CipherValue",
    "DigestValue",
    "Modulus",
    "SignatureValue",
    "X509Certificate",
];

/// What stands in the place of a value that is not shown.
pub(crate) const REDACTED: &str = "[redacted]";

/// A piece of canonical XML.
enum Piece<'t> {
    Start(&'t str),
    End(&'t str),
    Text(&'t str),
    /// A comment or processing instruction.
    Other(&'t str),
}

/// The document on several lines, values that name a person redacted unless `show_values`.
pub(crate) fn indented(document: &Document<'_>, show_values: bool) -> String {
    let method = Canonicalization {
        algorithm: CanonicalizationAlgorithm::Inclusive10, // which leaves out nothing
        with_comments: true,
        ..Canonicalization::default()
    };
    let mut octets = Vec::new();
    canonicalize_document(document, None, &method, &mut octets);
    Printer {
        out: String::with_capacity(octets.len() * 2),
        depth: 0,
        hidden: 0,
        open: false,
        base64: false,
        show_values,
    }
    .print(&String::from_utf8_lossy(&octets))
}

struct Printer {
    out: String,
    depth: usize,
    /// How many elements are open of which nothing is shown.
    hidden: usize,
    /// Whether the last thing written on this line is a start tag, or text after one.
    open: bool,
    /// Whether the last start tag was of an element with base64.
    base64: bool,
    show_values: bool,
}

impl Printer {
    fn print(mut self, text: &str) -> String {
        let mut rest = text;
        while let Some((piece, after)) = next(rest) {
            rest = after;
            match piece {
                Piece::Start(_) if self.hidden > 0 => self.hidden += 1,
                Piece::Start(tag) => self.start(tag),
                Piece::End(_) if self.hidden > 1 => self.hidden -= 1,
                Piece::End(tag) => self.end(tag),
                _ if self.hidden > 0 => {}
                Piece::Text(text) if text.trim().is_empty() => {}
                Piece::Text(text) => {
                    if !self.open {
                        self.line();
                    }
                    if self.base64 {
                        let compact: String = text.split_ascii_whitespace().collect();
                        self.out.push_str(&visible(&compact));
                    } else {
                        self.out.push_str(&visible(text));
                    }
                }
                Piece::Other(text) => {
                    self.line();
                    self.out.push_str(&visible(text));
                    self.open = false;
                }
            }
        }
        self.out.push('\n');
        self.out
    }

    fn start(&mut self, tag: &str) {
        self.line();
        let name = local_name(tag);
        self.base64 = BASE64.contains(&name);
        if !self.show_values && PERSONAL.contains(&name) {
            self.hidden = 1;
            let shown = match name {
                "AttributeValue" => without_values(tag),
                _ => tag.to_owned(),
            };
            self.out.push_str(&visible(&shown));
            self.out.push_str(REDACTED);
        } else {
            self.out.push_str(&visible(tag));
        }
        self.depth += 1;
        self.open = true;
    }

    fn end(&mut self, tag: &str) {
        self.hidden = 0;
        self.depth = self.depth.saturating_sub(1);
        if !self.open {
            self.line();
        }
        self.out.push_str(&visible(tag));
        self.open = false;
    }

    fn line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }
}

/// The first piece of canonical text, in which `<` begins markup and nothing else.
fn next(text: &str) -> Option<(Piece<'_>, &str)> {
    if text.is_empty() {
        return None;
    }
    if !text.starts_with('<') {
        let (text, rest) = text.split_at(text.find('<').unwrap_or(text.len()));
        return Some((Piece::Text(text), rest));
    }
    let end = if text.starts_with("<!--") {
        text.find("-->").map(|at| at + 3)
    } else if text.starts_with("<?") {
        text.find("?>").map(|at| at + 2)
    } else {
        tag_end(text)
    };
    let (markup, rest) = text.split_at(end.unwrap_or(text.len()));
    let piece = match markup.as_bytes().get(1) {
        Some(b'!' | b'?') => Piece::Other(markup),
        Some(b'/') => Piece::End(markup),
        _ => Piece::Start(markup),
    };
    Some((piece, rest))
}

/// After the `>` that ends a tag: one inside an attribute value does not.
fn tag_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn local_name(tag: &str) -> &str {
    let name = tag.trim_start_matches('<');
    let name = name.split([' ', '>']).next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

/// The start tag with namespaces and type only: other attributes could hold a part of the value.
fn without_values(tag: &str) -> String {
    let mut out = String::new();
    let mut rest = tag.trim_end_matches('>');
    if let Some((name, after)) = rest.split_once(' ') {
        out.push_str(name);
        rest = after;
        while let Some((name, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap_or((after, ""));
            let kept = name.trim();
            let typed = kept.ends_with(":type") || kept.ends_with(":nil");
            if kept.starts_with("xmlns") || typed {
                out.push_str(&format!(" {kept}=\"{value}\""));
            }
            rest = after;
        }
    } else {
        out.push_str(rest);
    }
    out.push('>');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use federate_xml::Limits;

    #[test]
    fn base64_loses_its_white_space_and_other_text_does_not() {
        let xml = "<a><X509Certificate>\n MII\n A\t==\n</X509Certificate><b>x\ny </b></a>";
        let expected = "<a>\n  <X509Certificate>MIIA==</X509Certificate>\n  \
                        <b>x\\u{a}y </b>\n</a>\n";
        assert_eq!(printed(xml, false), expected);
    }

    fn printed(xml: &str, show_values: bool) -> String {
        let document = Document::parse(xml.as_bytes(), &Limits::default()).unwrap();
        indented(&document, show_values)
    }

    #[test]
    fn elements_are_indented_and_text_stays_beside_its_tags() {
        let xml = "<a x='1>2'> <b>text</b>\n<c/><!-- note --></a>";
        let expected = "<a x=\"1>2\">\n  <b>text</b>\n  <c></c>\n  <!-- note -->\n</a>\n";
        assert_eq!(printed(xml, false), expected);
    }

    #[test]
    fn personal_values_are_redacted_whatever_is_inside() {
        let xml = "<s:Attribute xmlns:s='urn:s' Name='mail'><s:AttributeValue secret='alice'>\
                   <s:NameID>alice</s:NameID> alice<!-- alice --><b a='alice'>alice</b>\
                   </s:AttributeValue><s:AttributeValue/></s:Attribute>";
        let text = printed(xml, false);
        assert!(!text.contains("alice"), "{text}");
        assert_eq!(text.matches(REDACTED).count(), 2, "{text}");
        assert!(text.ends_with("</s:Attribute>\n"), "{text}");
        assert_eq!(printed(xml, true).matches("alice").count(), 6);
    }
}
