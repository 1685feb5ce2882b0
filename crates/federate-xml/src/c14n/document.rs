use super::{Canonicalization, canonicalize, comment, processing_instruction};
use crate::tree::{Document, Element, NodeKind};

/// Appends the canonical form of a whole document, but for `omit`: of its root element, and
/// of the processing instructions and comments before and after that, each on its own line
/// (`[C14N] 2.3`).
///
/// SAML signs elements; this is for what signs files.
///
/// ```
/// use federate_xml::{Canonicalization, Document, Limits, canonicalize_document};
/// let limits = Limits { processing_instructions: true, ..Limits::default() };
/// let document = Document::parse(b"<?x  y?> <a/><!-- c -->", &limits)?;
/// let method = Canonicalization { with_comments: true, ..Canonicalization::default() };
/// let mut octets = Vec::new();
/// canonicalize_document(&document, None, &method, &mut octets);
/// assert_eq!(octets, b"<?x y?>\n<a></a>\n<!-- c -->");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn canonicalize_document(
    document: &Document<'_>,
    omit: Option<Element<'_>>,
    method: &Canonicalization,
    out: &mut Vec<u8>,
) {
    let mut number = 0;
    while let Some(node) = document.node(number) {
        let after = number > document.root;
        number = node.end;
        if after && !matches!(node.kind, NodeKind::Comment(_) if !method.with_comments) {
            out.push(b'\n');
        }
        match node.kind {
            NodeKind::Element(_) => canonicalize(document.root(), omit, method, out),
            NodeKind::Comment(text) if method.with_comments => comment(document, text, out),
            NodeKind::ProcessingInstruction { target, data } => {
                processing_instruction(document, target, data, out);
            }
            NodeKind::Comment(_) | NodeKind::Text(_) => continue,
        }
        if number <= document.root {
            out.push(b'\n');
        }
    }
}
