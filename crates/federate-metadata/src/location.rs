use federate_types::InvalidValue;
use std::fmt;
use url::Url;

/// The address of an endpoint: an absolute `http` or `https` URL, kept as it was written.
///
/// Browsers are sent there, so no other scheme is possible (`javascript:` in metadata has
/// been an attack), and no text that a program and a browser might read differently: it is
/// ASCII without white space, quotes, angle brackets and backslashes, and names no user.
/// Compared byte for byte (`[SAMLCore] 1.3.2`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location(String);

impl Location {
    /// The longest address accepted, in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// What is accepted, for messages.
    pub(crate) const EXPECTED: &'static str = "an absolute http or https URL";

    /// Checks the text and makes it an address.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is not an absolute `http` or `https` URL as described above,
    /// or longer than [`Location::MAX_BYTES`].
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let value = value.into();
        if is_web_address(&value) {
            Ok(Self(value))
        } else {
            Err(InvalidValue::new("Location", Self::EXPECTED))
        }
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        has_scheme(&self.0, "https://")
    }
}

fn has_scheme(value: &str, scheme: &str) -> bool {
    value
        .get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

fn is_web_address(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'`');
    if value.len() > Location::MAX_BYTES || !value.bytes().all(plain) {
        return false;
    }
    // Browsers also take `https:x`, `https:/x` and `https:///x` for the host x: the scheme and
    // the host must be where everybody sees them.
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| has_scheme(value, scheme));
    let authority = scheme
        .and_then(|scheme| value.get(scheme.len()..))
        .and_then(|rest| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| !authority.is_empty() && !authority.contains('@'))
        && Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Location {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        location.0
    }
}

impl std::str::FromStr for Location {
    type Err = InvalidValue;
    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        Self::new(value)
    }
}

impl TryFrom<String> for Location {
    type Error = InvalidValue;
    fn try_from(value: String) -> Result<Self, InvalidValue> {
        Self::new(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_addresses_as_they_were_written() {
        for text in [
            "https://sp.example/acs",
            "http://localhost:8080/acs?tenant=a&b=%20#top",
            "HTTPS://SP.example:443/a/../b",
            "https://[2001:db8::1]/",
        ] {
            assert_eq!(Location::new(text).unwrap().as_str(), text);
        }
        assert!(Location::new("HTTPS://sp.example").unwrap().is_https());
        assert!(!Location::new("http://sp.example").unwrap().is_https());
    }

    #[test]
    fn a199_only_web_addresses_are_locations() {
        let long = format!("https://sp.example/{}", "a".repeat(Location::MAX_BYTES));
        for text in [
            "",
            "javascript:alert(1)",
            "JavaScript://sp.example/%0aalert(1)",
            "java\nscript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "ftp://sp.example/",
            "//sp.example/acs",
            "/acs",
            "https:/sp.example/acs",
            "https:sp.example",
            "https:\\\\sp.example\\acs",
            "https://",
            "https:///acs",
            "https://?acs",
            "https://@sp.example/",
            "https://sp.example\\@evil.example/",
            "https://sp.example@evil.example/",
            "https://a:b@sp.example/",
            "https://sp.example/\"onload=\"",
            "https://sp.example/<script>",
            "https://sp.example/a b",
            "https://sp.example/\u{202e}",
            "https://sp.example:99999/",
            "https://sp.example/\r\nSet-Cookie: a",
            long.as_str(),
        ] {
            assert_eq!(Location::new(text).unwrap_err().what, "Location", "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(https?:)?\\PC{0,60}") {
            let _ = Location::new(text);
        }
    }
}
