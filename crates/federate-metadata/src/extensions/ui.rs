use crate::{Localized, Location, OpaqueElement};
use federate_types::InvalidValue;

/// How to show a role to people (`[MDUI] 2.1`).
///
/// It is text of somebody else: to be escaped like any other, and no proof of anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UiInfo {
    /// What it is called.
    pub display_names: Vec<Localized>,
    /// What it is.
    pub descriptions: Vec<Localized>,
    /// Words to find it by; a `+` within stands for a space.
    pub keywords: Vec<Localized<Vec<String>>>,
    /// Its pictures.
    pub logos: Vec<Logo>,
    /// Where there is more about it.
    pub information_urls: Vec<Localized<Location>>,
    /// What it does with personal data.
    pub privacy_statement_urls: Vec<Localized<Location>>,
    /// What is not known.
    pub other: Vec<OpaqueElement>,
}

/// A picture of a party (`[MDUI] 2.1.5`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Logo {
    /// Where it is, or what it is.
    pub source: LogoSource,
    /// Its height in pixels.
    pub height: u32,
    /// Its width in pixels.
    pub width: u32,
    /// The language of the text in it, if there is any.
    pub lang: Option<String>,
}

impl Logo {
    /// A picture without text.
    #[must_use]
    pub const fn new(source: LogoSource, height: u32, width: u32) -> Self {
        Self {
            source,
            height,
            width,
            lang: None,
        }
    }
}

/// The address of a picture: a web address, or a `data:` URI with the picture itself.
///
/// It belongs into `img` and nowhere else. `data:` is allowed for images only; other kinds are
/// documents, which could hold scripts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogoSource(String);

impl LogoSource {
    /// The longest address accepted, in bytes.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// What is accepted, for messages.
    pub(crate) const EXPECTED: &'static str = "a web address, or a data: URI of an image";

    /// Checks the text and makes it the address of a picture.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is neither a [`Location`] nor `data:image/...`, or is longer
    /// than [`LogoSource::MAX_BYTES`].
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let value = value.into();
        if is_image(&value) {
            return Ok(Self(value));
        }
        match Location::new(value) {
            Ok(location) => Ok(Self(location.into())),
            Err(_) => Err(InvalidValue::new("Logo", Self::EXPECTED)),
        }
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// White space within Base64 is usual and harmless.
fn is_image(value: &str) -> bool {
    let plain = |b: u8| {
        (b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`'))
            || matches!(b, b' ' | b'\t' | b'\n' | b'\r')
    };
    let kind = "data:image/";
    value
        .get(..kind.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(kind))
        && value.len() <= LogoSource::MAX_BYTES
        && value.bytes().all(plain)
}

/// For whom a role is likely meant (`[MDUI] 2.2`): hints for a discovery service, never
/// permissions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DiscoHints {
    /// Networks of the people, as in `192.0.2.0/24`.
    pub ip_hints: Vec<String>,
    /// DNS domains of the people.
    pub domain_hints: Vec<String>,
    /// Places of the people, as `geo:` URIs.
    pub geolocation_hints: Vec<String>,
    /// What is not known.
    pub other: Vec<OpaqueElement>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_web_address_or_an_image() {
        for text in [
            "https://a.example/logo.png",
            "data:image/png;base64,iVBO\n Rw0KGgo=",
            "DATA:image/svg+xml,%3Csvg/%3E",
        ] {
            assert_eq!(LogoSource::new(text).unwrap().as_str(), text);
        }
        let long = format!("data:image/png,{}", "a".repeat(LogoSource::MAX_BYTES));
        for text in [
            "",
            "logo.png",
            "javascript:alert(1)",
            "data:text/html,x",
            "data:image/png,\"onerror=",
            "data:image/svg+xml,<svg/>",
            &long,
        ] {
            assert_eq!(LogoSource::new(text).unwrap_err().what, "Logo", "{text}");
        }
    }
}
