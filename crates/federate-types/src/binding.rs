use serde::{Deserialize, Serialize};
use std::fmt;

/// How a SAML message travels (`[SAMLBind] 3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Binding {
    /// In the query of a redirect, deflated (`[SAMLBind] 3.4`).
    HttpRedirect,
    /// In a form that the browser posts (`[SAMLBind] 3.5`).
    HttpPost,
    /// As `HttpPost`, signed over the form's values.
    HttpPostSimpleSign,
    /// By reference, resolved over SOAP (`[SAMLBind] 3.6`).
    HttpArtifact,
    /// Directly between the parties (`[SAMLBind] 3.2`).
    Soap,
    /// Reverse SOAP, for enhanced clients (`[SAMLBind] 3.3`).
    Paos,
}

impl Binding {
    const ALL: [(Binding, &'static str); 6] = [
        (
            Binding::HttpRedirect,
            "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
        ),
        (
            Binding::HttpPost,
            "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        ),
        (
            Binding::HttpPostSimpleSign,
            "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST-SimpleSign",
        ),
        (
            Binding::HttpArtifact,
            "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact",
        ),
        (Binding::Soap, "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"),
        (Binding::Paos, "urn:oasis:names:tc:SAML:2.0:bindings:PAOS"),
    ];

    /// The identifier that metadata and requests use.
    #[must_use]
    pub fn uri(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(binding, _)| *binding == self)
            .map_or("", |(_, uri)| uri)
    }

    /// The binding that an identifier names, if it is one of SAML 2.0's.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == uri)
            .map(|(binding, _)| *binding)
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_read_back() {
        for (binding, uri) in Binding::ALL {
            assert_eq!(Binding::from_uri(uri), Some(binding));
            assert_eq!(binding.uri(), uri);
        }
        assert_eq!(Binding::from_uri("urn:x"), None);
    }
}
