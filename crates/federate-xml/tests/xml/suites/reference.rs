//! What a `ds:Reference` leads to: the octets that are digested.
//!
//! More than the library does with signatures, by its canonicalization: references to any
//! element and to files beside, and the XPath expressions that select whole subtrees.

use federate_xml::{
    Canonicalization, Document, Element, Limits, canonicalize, canonicalize_document,
};
use std::path::Path;

use super::Why;
use super::key_info::descendants;
use crate::support::ENVELOPED;

const XPATH: &str = "http://www.w3.org/TR/1999/REC-xpath-19991116";

/// The first child element of this name.
pub(super) fn child<'d>(element: Element<'d>, local: &str) -> Option<Element<'d>> {
    element.child_elements().find(|e| e.local_name() == local)
}

pub(super) fn limits() -> Limits {
    Limits {
        processing_instructions: true,
        ..Limits::default()
    }
}

/// The canonicalization that an element names, with its list of prefixes.
pub(super) fn method(element: Element<'_>) -> Result<Canonicalization, Why> {
    let uri = element.attribute("Algorithm").unwrap_or_default();
    let method = Canonicalization::from_uri(uri).ok_or(Why::Canonicalization)?;
    let list = child(element, "InclusiveNamespaces");
    let list = list.and_then(|l| l.attribute("PrefixList"));
    let list = list.unwrap_or_default().split_ascii_whitespace();
    Ok(Canonicalization {
        inclusive_prefixes: list.map(str::to_owned).collect(),
        ..method
    })
}

/// What stands between two transforms.
enum Data<'d> {
    Octets(Vec<u8>),
    Nodes(Nodes<'d>),
}

/// Elements with all that is inside them, but for one.
struct Nodes<'d> {
    apexes: Vec<Element<'d>>,
    omit: Option<Element<'d>>,
    comments: bool,
    /// The document, where the one apex stands for all of it.
    whole: Option<&'d Document<'d>>,
}

impl<'d> Nodes<'d> {
    fn of(apex: Element<'d>, comments: bool) -> Self {
        let apexes = vec![apex];
        Self {
            apexes,
            omit: None,
            comments,
            whole: None,
        }
    }

    fn all(document: &'d Document<'d>, comments: bool) -> Self {
        Self {
            whole: Some(document),
            ..Self::of(document.root(), comments)
        }
    }

    fn canonical(&self, mut method: Canonicalization) -> Vec<u8> {
        let mut octets = Vec::new();
        method.with_comments &= self.comments;
        if let Some(document) = self.whole {
            canonicalize_document(document, self.omit, &method, &mut octets);
            return octets;
        }
        for apex in &self.apexes {
            canonicalize(*apex, self.omit, &method, &mut octets);
        }
        octets
    }
}

fn parsed(octets: &[u8]) -> Result<Document<'_>, Why> {
    Document::parse(octets, &limits()).map_err(|error| Why::of(&error))
}

/// The element with this ID, by whatever attribute.
fn by_id<'d>(root: Element<'d>, id: &str) -> Result<Element<'d>, Why> {
    let has = |e: &Element<'d>| {
        let is_id = |local: &str| local.to_ascii_lowercase().ends_with("id");
        e.attributes()
            .any(|(_, local, value)| is_id(local) && value == id)
    };
    let mut found = descendants(root);
    found.insert(0, root);
    found.into_iter().find(has).ok_or(Why::NoSuchId)
}

/// `[XMLDSig] 4.4.3.3`: the same document, without comments unless by XPointer, or a file.
fn dereference<'d>(
    uri: Option<&str>,
    document: &'d Document<'d>,
    beside: &Path,
) -> Result<Data<'d>, Why> {
    let root = document.root();
    let whole = |comments| Ok(Data::Nodes(Nodes::all(document, comments)));
    let uri = uri.ok_or(Why::Application)?;
    let nodes = |apex, comments| Ok(Data::Nodes(Nodes::of(apex, comments)));
    let Some(fragment) = uri.strip_prefix('#') else {
        if uri.is_empty() {
            return whole(false);
        }
        let octets = std::fs::read(beside.join(uri));
        return octets.map(Data::Octets).map_err(|_| Why::External);
    };
    let Some(pointer) = fragment.strip_prefix("xpointer(") else {
        return nodes(by_id(root, fragment)?, false);
    };
    let id = pointer
        .strip_prefix("id(")
        .and_then(|p| p.strip_suffix("))"));
    match id {
        _ if pointer == "/)" => whole(true),
        Some(id) => nodes(by_id(root, id.trim_matches(['\'', '"']))?, true),
        None => Err(Why::XPointer),
    }
}

/// The elements of this name that are in no other one of it. A name is the prefix and the rest
/// as they are written, or the rest alone where only one element has it.
fn outermost<'d>(apex: Element<'d>, qname: &str) -> Result<Vec<Element<'d>>, Why> {
    if qname.contains(['(', '[', ' ', '*', '@']) {
        return Err(Why::XPath);
    }
    let mut all = descendants(apex);
    all.insert(0, apex);
    let written: Vec<_> = all
        .iter()
        .filter(|e| format!("{e:?}") == format!("<{qname}>"))
        .copied()
        .collect();
    let inside = |e: &Element<'d>| written.iter().any(|w| descendants(*w).contains(e));
    if !written.is_empty() {
        return Ok(written.iter().filter(|e| !inside(e)).copied().collect());
    }
    let local = qname.rsplit(':').next().unwrap_or_default();
    all.retain(|e| e.local_name() == local);
    match all.as_slice() {
        [only] => Ok(vec![*only]),
        _ => Err(Why::XPath),
    }
}

/// The XPath expressions that select whole subtrees.
fn select<'d>(xpath: &str, from: &Nodes<'d>) -> Result<Nodes<'d>, Why> {
    const SUBTREE: &str = "ancestor-or-self::";
    let inside_not = |text: &'_ str| -> Option<String> {
        let inside = text.strip_prefix("not(")?.strip_suffix(')')?;
        inside.strip_prefix(SUBTREE).map(str::to_owned)
    };
    let (&[apex], comments) = (from.apexes.as_slice(), from.comments) else {
        return Err(Why::XPath);
    };
    let one = |name: &str| match outermost(apex, name)?.as_slice() {
        [only] => Ok(*only),
        _ => Err(Why::XPath),
    };
    if let Some(name) = inside_not(xpath) {
        let omit = Some(one(&name)?);
        // The enveloped signature may have been taken out before.
        return match from.omit.is_none() || from.omit == omit {
            true => Ok(Nodes {
                omit,
                whole: from.whole,
                ..Nodes::of(apex, comments)
            }),
            false => Err(Why::XPath),
        };
    }
    if from.omit.is_some() {
        return Err(Why::XPath);
    }
    if let Some((name, without)) = xpath.split_once(" and ") {
        let apex = one(name.strip_prefix(SUBTREE).ok_or(Why::XPath)?)?;
        let omit = one(&inside_not(without).ok_or(Why::XPath)?)?;
        return Ok(Nodes {
            omit: Some(omit),
            ..Nodes::of(apex, comments)
        });
    }
    let mut apexes = Vec::new();
    for name in xpath.split(" or ") {
        apexes.extend(outermost(
            apex,
            name.strip_prefix(SUBTREE).ok_or(Why::XPath)?,
        )?);
    }
    Ok(Nodes {
        apexes,
        ..Nodes::of(apex, comments)
    })
}

fn transformed(
    data: Data<'_>,
    transforms: &[Element<'_>],
    signature: Element<'_>,
) -> Result<Vec<u8>, Why> {
    let Some((first, rest)) = transforms.split_first() else {
        return Ok(match data {
            Data::Octets(octets) => octets,
            Data::Nodes(nodes) => {
                let implied = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
                nodes.canonical(Canonicalization::from_uri(implied).unwrap())
            }
        });
    };
    let mut nodes = match data {
        Data::Nodes(nodes) => nodes,
        Data::Octets(_) if method(*first).is_err() && Why::transform(*first) != Why::XPath => {
            return Err(Why::transform(*first));
        }
        Data::Octets(octets) => {
            let document = parsed(&octets)?;
            let data = Data::Nodes(Nodes::all(&document, true));
            return transformed(data, transforms, signature);
        }
    };
    match (first.attribute("Algorithm"), nodes.apexes.as_slice()) {
        (Some(ENVELOPED), [apex]) if nodes.omit.is_none() => {
            let below = descendants(*apex);
            nodes.omit = below.into_iter().find(|e| *e == signature);
            transformed(Data::Nodes(nodes), rest, signature)
        }
        (Some(XPATH), _) => {
            let xpath = child(*first, "XPath").ok_or(Why::XPath)?;
            let xpath = xpath.text().map_err(|_| Why::XPath)?;
            let xpath = xpath.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            let nodes = select(&xpath, &nodes)?;
            transformed(Data::Nodes(nodes), rest, signature)
        }
        _ => {
            let method = method(*first).map_err(|_| Why::transform(*first))?;
            transformed(Data::Octets(nodes.canonical(method)), rest, signature)
        }
    }
}

/// The octets that a reference of this signature is the digest of.
pub(super) fn octets(
    reference: Element<'_>,
    signature: Element<'_>,
    document: &Document<'_>,
    beside: &Path,
) -> Result<Vec<u8>, Why> {
    let transforms = child(reference, "Transforms");
    let transforms: Vec<_> = transforms
        .map(|t| t.child_elements().collect())
        .unwrap_or_default();
    let data = dereference(reference.attribute("URI"), document, beside)?;
    transformed(data, &transforms, signature)
}
