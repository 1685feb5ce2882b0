use crate::{EntityId, InvalidValue};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the value of a [`NameId`] is to be understood (`[SAMLCore] 8.3`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum NameIdFormat {
    /// Left to the parties (`[SAMLCore] 8.3.1`).
    Unspecified,
    /// An address as in RFC 2822 `addr-spec` (`[SAMLCore] 8.3.2`).
    EmailAddress,
    /// An X.509 subject name (`[SAMLCore] 8.3.3`).
    X509SubjectName,
    /// A Windows domain name (`[SAMLCore] 8.3.4`).
    WindowsDomainQualifiedName,
    /// A Kerberos principal (`[SAMLCore] 8.3.5`).
    Kerberos,
    /// The identifier of a SAML party (`[SAMLCore] 8.3.6`).
    Entity,
    /// An opaque identifier, stable for one pair of parties (`[SAMLCore] 8.3.7`).
    Persistent,
    /// An opaque identifier for one session (`[SAMLCore] 8.3.8`).
    Transient,
    /// In a NameIDPolicy: the identifier is to be encrypted (`[SAMLCore] 3.4.1.1`).
    Encrypted,
    /// Any other format, by its URI.
    Other(String),
}

impl NameIdFormat {
    const ALL: [(NameIdFormat, &'static str); 9] = [
        (
            Self::Unspecified,
            "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        ),
        (
            Self::EmailAddress,
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        ),
        (
            Self::X509SubjectName,
            "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
        ),
        (
            Self::WindowsDomainQualifiedName,
            "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
        ),
        (
            Self::Kerberos,
            "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
        ),
        (
            Self::Entity,
            "urn:oasis:names:tc:SAML:2.0:nameid-format:entity",
        ),
        (
            Self::Persistent,
            "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        ),
        (
            Self::Transient,
            "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        ),
        (
            Self::Encrypted,
            "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted",
        ),
    ];

    /// The identifier that messages and metadata use.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::Other(uri) => uri,
            known => Self::ALL
                .iter()
                .find(|(format, _)| format == known)
                .map_or("", |(_, uri)| uri),
        }
    }

    /// The format that an identifier names.
    #[must_use]
    pub fn from_uri(uri: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == uri)
            .map_or_else(|| Self::Other(uri.to_owned()), |(format, _)| format.clone())
    }
}

impl From<String> for NameIdFormat {
    fn from(uri: String) -> Self {
        Self::from_uri(&uri)
    }
}

impl From<NameIdFormat> for String {
    fn from(format: NameIdFormat) -> Self {
        format.uri().to_owned()
    }
}

impl fmt::Display for NameIdFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri())
    }
}

/// The name by which one party knows a person (`[SAMLCore] 2.2.3`).
///
/// Two are the same only if value, format and both qualifiers are, byte for byte. `Debug`
/// hides the value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NameId {
    value: String,
    /// How to understand the value; absent means unspecified.
    pub format: Option<NameIdFormat>,
    /// The domain of the value, usually the identity provider.
    pub name_qualifier: Option<EntityId>,
    /// The service provider (or affiliation) the value was made for.
    pub sp_name_qualifier: Option<EntityId>,
}

impl NameId {
    /// The longest value accepted, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// A name without qualifiers.
    ///
    /// # Errors
    /// [`InvalidValue`] when the value is empty, longer than [`NameId::MAX_BYTES`], or
    /// contains control characters or what XML cannot carry.
    pub fn new(
        value: impl Into<String>,
        format: Option<NameIdFormat>,
    ) -> Result<Self, InvalidValue> {
        let value = value.into();
        // XML cannot carry U+FFFE and U+FFFF: two names would become one.
        let refused = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
        if value.is_empty() || value.len() > Self::MAX_BYTES || value.chars().any(refused) {
            return Err(InvalidValue::new(
                "NameID",
                "1 to 1024 bytes without control characters",
            ));
        }
        Ok(Self {
            value,
            format,
            name_qualifier: None,
            sp_name_qualifier: None,
        })
    }

    /// The name itself.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The format, where absent means [`NameIdFormat::Unspecified`] (`[SAMLCore] 2.2.2`).
    #[must_use]
    pub fn format_or_unspecified(&self) -> &NameIdFormat {
        self.format.as_ref().unwrap_or(&NameIdFormat::Unspecified)
    }
}

impl fmt::Debug for NameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameId")
            .field("value", &"[redacted]")
            .field("format", &self.format)
            .field("name_qualifier", &self.name_qualifier)
            .field("sp_name_qualifier", &self.sp_name_qualifier)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_read_back() {
        for (format, uri) in NameIdFormat::ALL {
            assert_eq!(NameIdFormat::from_uri(uri), format);
            assert_eq!(format.uri(), uri);
        }
        assert_eq!(NameIdFormat::from_uri("urn:x").uri(), "urn:x");
    }

    #[test]
    fn debug_hides_the_value() {
        let name = NameId::new("alice@example.com", Some(NameIdFormat::EmailAddress)).unwrap();
        assert!(!format!("{name:?}").contains("alice"));
    }

    #[test]
    fn a148_near_spellings_are_distinct_names() {
        let name = |s: &str| NameId::new(s, None).unwrap();
        for other in [
            "alice ",
            "Alice",
            "alice\u{200b}",
            "al\u{131}ce",
            "\u{ff41}lice",
        ] {
            assert_ne!(name("alice"), name(other));
        }
        assert_ne!(name("\u{e9}"), name("e\u{301}"));
    }
}
