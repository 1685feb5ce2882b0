/// What a document may cost before anything in it is trusted.
///
/// Every limit is checked while reading, before the memory it would need is spent. The
/// defaults fit one SAML message; [`Limits::for_aggregate`] fits federation metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the document; 1 MiB. Real responses stay below 100 kB.
    pub bytes: usize,
    /// Nested elements; 64. The deepest SAML message known to us nests 20.
    pub depth: usize,
    /// Nodes (elements, text, comments, processing instructions) in all; 50,000.
    pub nodes: usize,
    /// Attributes and namespace declarations of one element; 64.
    pub attributes_per_element: usize,
    /// Different namespace prefixes, and different namespace names, in the document; 256.
    pub namespaces: usize,
    /// Octets of one text or attribute value; 512 KiB.
    pub value_bytes: usize,
    /// Whether processing instructions may occur. SAML messages have no use for them and
    /// they have split values in the past, so: no.
    pub processing_instructions: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1024 * 1024,
            depth: 64,
            nodes: 50_000,
            attributes_per_element: 64,
            namespaces: 256,
            value_bytes: 512 * 1024,
            processing_instructions: false,
        }
    }
}

impl Limits {
    /// Limits for a metadata document of many entities: 512 MiB, 50 million nodes.
    #[must_use]
    pub fn for_aggregate() -> Self {
        Self {
            bytes: 512 * 1024 * 1024,
            nodes: 50_000_000,
            attributes_per_element: 256,
            namespaces: 4096,
            processing_instructions: true,
            ..Self::default()
        }
    }
}
