use super::JudgeError;
use libxml::error::XmlErrorLevel;
use libxml::parser::{Parser, ParserOptions, XmlParseFailure};
use libxml::tree::{Document, Node};
use xmlsec::XmlSecDocumentExt as _;

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// The attributes by which references may find an element, besides `xml:id`, which libxml2
/// knows by itself: `ID` of SAML, `Id` of XML Signature and Encryption.
const IDS: [&str; 2] = ["ID", "Id"];

/// A document as libxml2 read it. Its elements are numbered in document order, from 0.
pub struct ForeignDocument {
    pub(super) document: Document,
    pub(super) elements: Vec<Node>,
    /// Why the IDs cannot be registered: two elements share one.
    pub(super) id_problem: Option<String>,
    complaints: Vec<String>,
}

/// What a `ds:Reference` says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its `URI`, if it has one.
    pub uri: Option<String>,
    /// The identifier of each transform, with the words of its `PrefixList`.
    pub transforms: Vec<(String, Vec<String>)>,
}

impl ForeignDocument {
    /// Parses octets by the strict rules of libxml2, without network, without recovery.
    ///
    /// # Errors
    /// [`JudgeError::Parse`] when they are not well-formed.
    pub fn parse(octets: &[u8]) -> Result<Self, JudgeError> {
        let options = ParserOptions {
            recover: false,
            no_net: true,
            ..ParserOptions::default()
        };
        let refused = |e: XmlParseFailure| JudgeError::Parse(e.to_string());
        let (document, diagnostics) = Parser::default()
            .parse_string_with_diagnostics(octets, options)
            .map_err(refused)?;
        let errors = diagnostics.into_iter().filter(|d| {
            let level = &d.level;
            matches!(level, XmlErrorLevel::Error | XmlErrorLevel::Fatal)
        });
        let complaint = |message: Option<String>| message.unwrap_or_default().trim().to_owned();
        let complaints = errors.map(|d| complaint(d.message)).collect();
        let root = document
            .get_root_element()
            .ok_or_else(|| JudgeError::Parse("no root element".to_owned()))?;
        let mut elements = Vec::new();
        collect(root, &mut elements);
        let id_problem = register_ids(&document, &elements).err();
        Ok(Self {
            document,
            elements,
            id_problem,
            complaints,
        })
    }

    /// What libxml2 found wrong although it made a document: undeclared prefixes, relative
    /// namespace names, doubled values of `xml:id`.
    #[must_use]
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// How many elements there are.
    #[must_use]
    pub fn element_count(&self) -> usize {
        self.elements.len()
    }

    /// The namespace name and the local name of an element.
    #[must_use]
    pub fn name_of(&self, element: usize) -> (String, String) {
        let element = self.elements.get(element);
        element.map_or_else(Default::default, |e| (namespace(e), e.get_name()))
    }

    /// The value of an element's attribute that is in no namespace.
    #[must_use]
    pub fn attribute_of(&self, element: usize, name: &str) -> Option<String> {
        self.elements.get(element)?.get_property_no_ns(name)
    }

    /// All text inside an element.
    #[must_use]
    pub fn text_of(&self, element: usize) -> String {
        let element = self.elements.get(element);
        element.map_or_else(String::new, Node::get_content)
    }

    /// The `ds:Signature` elements directly inside an element.
    #[must_use]
    pub fn signatures_of(&self, element: usize) -> Vec<usize> {
        let Some(parent) = self.elements.get(element) else {
            return Vec::new();
        };
        let children = parent.get_child_elements();
        let signatures = children.iter().filter(|c| is_ds(c, "Signature"));
        signatures
            .filter_map(|s| self.elements.iter().position(|e| e == s))
            .collect()
    }

    /// The elements that have a `ds:Signature` directly inside.
    #[must_use]
    pub fn signed_elements(&self) -> Vec<usize> {
        let signatures = self.elements.iter().filter(|e| is_ds(e, "Signature"));
        let parents = signatures.filter_map(Node::get_parent);
        let mut found: Vec<usize> = parents
            .filter_map(|p| self.elements.iter().position(|e| *e == p))
            .collect();
        found.dedup();
        found
    }

    /// The references of a `ds:Signature`.
    #[must_use]
    pub fn references_of(&self, signature: usize) -> Vec<Reference> {
        let signature = self.elements.get(signature);
        let children = signature.map(Node::get_child_elements).unwrap_or_default();
        let info = children.iter().find(|c| is_ds(c, "SignedInfo"));
        let inside = info.map(Node::get_child_elements).unwrap_or_default();
        let references = inside.iter().filter(|c| is_ds(c, "Reference"));
        references.map(reference).collect()
    }

    /// Whether anything inside an element is called a reference and leads outside the document.
    pub(super) fn refers_outside(&self, element: usize) -> bool {
        let mut inside = Vec::new();
        if let Some(element) = self.elements.get(element) {
            collect(element.clone(), &mut inside);
        }
        inside
            .iter()
            .filter(|e| e.get_name().ends_with("Reference"))
            .filter_map(|e| e.get_property("URI"))
            .any(|uri| !uri.is_empty() && !uri.starts_with('#'))
    }

    /// The whole document as text.
    #[must_use]
    pub fn text(&self) -> String {
        self.document.to_string()
    }
}

fn collect(element: Node, found: &mut Vec<Node>) {
    let children = element.get_child_elements();
    found.push(element);
    for child in children {
        collect(child, found);
    }
}

fn namespace(node: &Node) -> String {
    node.get_namespace()
        .map_or_else(String::new, |n| n.get_href())
}

fn is_ds(node: &Node, local: &str) -> bool {
    node.get_name() == local && namespace(node) == DS
}

fn register_ids(document: &Document, elements: &[Node]) -> Result<(), String> {
    for name in IDS {
        // The binding registers the first attribute of this local name, whatever its
        // namespace: choose only elements where that is the one without.
        let first = format!("@*[local-name()='{name}'][1]");
        let chosen = format!("//*[@{name}][namespace-uri({first})='']");
        if elements.iter().any(|e| e.has_property_no_ns(name)) {
            let result = document.specify_idattr(&chosen, name, None);
            result.map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

fn reference(node: &Node) -> Reference {
    let children = node.get_child_elements();
    let list = children.iter().find(|c| is_ds(c, "Transforms"));
    let inside = list.map(Node::get_child_elements).unwrap_or_default();
    let transform = |node: &Node| {
        let children = node.get_child_elements();
        let prefixes = children
            .iter()
            .find(|c| c.get_name() == "InclusiveNamespaces" && namespace(c) == EC)
            .and_then(|c| c.get_property_no_ns("PrefixList"))
            .unwrap_or_default();
        let words = prefixes.split_ascii_whitespace().map(str::to_owned);
        let algorithm = node.get_property_no_ns("Algorithm");
        (algorithm.unwrap_or_default(), words.collect())
    };
    Reference {
        uri: node.get_property_no_ns("URI"),
        transforms: inside
            .iter()
            .filter(|c| is_ds(c, "Transform"))
            .map(transform)
            .collect(),
    }
}
