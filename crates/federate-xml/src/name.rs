use std::fmt;

/// The XML namespace (`[XMLNames] 3`), bound to the prefix `xml`.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of namespace declarations (`[XMLNames] 3`).
pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
/// XML Schema, for types.
pub const XS: &str = "http://www.w3.org/2001/XMLSchema";
/// XML Schema in instances: `xsi:type`.
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// XML Signature.
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XML Encryption.
pub const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// Exclusive canonicalization.
pub const EC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// SAML assertions (`[SAMLCore] 1.1`).
pub const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// SAML protocol messages (`[SAMLCore] 1.1`).
pub const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// SAML metadata (`[SAMLMeta] 1.1`).
pub const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

/// An element or attribute name of a vocabulary that we speak.
///
/// Reading compares namespace and local name, never the prefix; writing uses the prefix.
#[derive(Clone, Copy)]
pub struct Name {
    /// The namespace name; empty for none.
    pub namespace: &'static str,
    /// The prefix we write; empty for none.
    pub prefix: &'static str,
    /// The local name.
    pub local: &'static str,
}

impl Name {
    /// A name in a namespace.
    #[must_use]
    pub const fn new(namespace: &'static str, prefix: &'static str, local: &'static str) -> Self {
        Self {
            namespace,
            prefix,
            local,
        }
    }

    /// A name in the SAML assertion namespace.
    #[must_use]
    pub const fn saml(local: &'static str) -> Self {
        Self::new(SAML, "saml", local)
    }

    /// A name in the SAML protocol namespace.
    #[must_use]
    pub const fn samlp(local: &'static str) -> Self {
        Self::new(SAMLP, "samlp", local)
    }

    /// A name in the SAML metadata namespace.
    #[must_use]
    pub const fn md(local: &'static str) -> Self {
        Self::new(MD, "md", local)
    }

    /// A name in the XML Signature namespace.
    #[must_use]
    pub const fn ds(local: &'static str) -> Self {
        Self::new(DS, "ds", local)
    }

    /// A name in no namespace, as most attributes have.
    #[must_use]
    pub const fn local(local: &'static str) -> Self {
        Self::new("", "", local)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.local == other.local
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix.is_empty() {
            f.write_str(self.local)
        } else {
            write!(f, "{}:{}", self.prefix, self.local)
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
