use std::fmt;

/// A status code (`[SAMLCore] 3.2.2.2`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the names are the specification's
pub enum StatusCode {
    Success,
    Requester,
    Responder,
    VersionMismatch,
    AuthnFailed,
    InvalidAttrNameOrValue,
    InvalidNameIdPolicy,
    NoAuthnContext,
    NoAvailableIdp,
    NoPassive,
    NoSupportedIdp,
    PartialLogout,
    ProxyCountExceeded,
    RequestDenied,
    RequestUnsupported,
    UnknownPrincipal,
    UnsupportedBinding,
    /// Any other code, by its URI.
    Other(String),
}

const PREFIX: &str = "urn:oasis:names:tc:SAML:2.0:status:";

impl StatusCode {
    const ALL: [(StatusCode, &'static str); 17] = [
        (Self::Success, "Success"),
        (Self::Requester, "Requester"),
        (Self::Responder, "Responder"),
        (Self::VersionMismatch, "VersionMismatch"),
        (Self::AuthnFailed, "AuthnFailed"),
        (Self::InvalidAttrNameOrValue, "InvalidAttrNameOrValue"),
        (Self::InvalidNameIdPolicy, "InvalidNameIDPolicy"),
        (Self::NoAuthnContext, "NoAuthnContext"),
        (Self::NoAvailableIdp, "NoAvailableIDP"),
        (Self::NoPassive, "NoPassive"),
        (Self::NoSupportedIdp, "NoSupportedIDP"),
        (Self::PartialLogout, "PartialLogout"),
        (Self::ProxyCountExceeded, "ProxyCountExceeded"),
        (Self::RequestDenied, "RequestDenied"),
        (Self::RequestUnsupported, "RequestUnsupported"),
        (Self::UnknownPrincipal, "UnknownPrincipal"),
        (Self::UnsupportedBinding, "UnsupportedBinding"),
    ];

    /// The identifier that messages use.
    #[must_use]
    pub fn uri(&self) -> String {
        match self {
            Self::Other(uri) => uri.clone(),
            known => Self::ALL
                .iter()
                .find(|(code, _)| code == known)
                .map_or_else(String::new, |(_, name)| format!("{PREFIX}{name}")),
        }
    }

    /// The code that an identifier names.
    #[must_use]
    pub fn from_uri(uri: &str) -> Self {
        uri.strip_prefix(PREFIX)
            .and_then(|name| Self::ALL.iter().find(|(_, known)| *known == name))
            .map_or_else(|| Self::Other(uri.to_owned()), |(code, _)| code.clone())
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri())
    }
}

/// The outcome that a response reports (`[SAMLCore] 3.2.2.1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The top-level code: Success, Requester, Responder or VersionMismatch.
    pub code: StatusCode,
    /// The second-level code, which says more.
    pub subcode: Option<StatusCode>,
    /// Text for the operator; a peer wrote it, so it is never shown to a browser.
    pub message: Option<String>,
}

impl Status {
    /// Success, without more to say.
    #[must_use]
    pub const fn success() -> Self {
        Self {
            code: StatusCode::Success,
            subcode: None,
            message: None,
        }
    }

    /// A top-level code with a second-level one.
    #[must_use]
    pub const fn with_subcode(code: StatusCode, subcode: StatusCode) -> Self {
        Self {
            code,
            subcode: Some(subcode),
            message: None,
        }
    }

    /// Whether the top-level code is Success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == StatusCode::Success
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back() {
        for (code, _) in StatusCode::ALL {
            assert_eq!(StatusCode::from_uri(&code.uri()), code);
        }
        assert_eq!(StatusCode::from_uri("urn:x").uri(), "urn:x");
    }
}
