//! The parameters of a query or form, kept as the raw octets in which they came.

use crate::error::BindingError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// [RFC3986] 2.3: all but the unreserved characters are escaped.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The parameters that the bindings define. Each may occur once.
const KNOWN: [&str; 7] = [
    "SAMLRequest",
    "SAMLResponse",
    "SAMLart",
    "RelayState",
    "SigAlg",
    "Signature",
    "SAMLEncoding",
];

/// The raw values of the parameters that the bindings define.
#[derive(Debug, Default)]
pub(super) struct Parameters<'q> {
    values: [Option<&'q str>; KNOWN.len()],
}

impl<'q> Parameters<'q> {
    /// Splits `a=b&c=d`; parameters of other names are left alone.
    ///
    /// A known parameter must not occur twice, and no name may be escaped so that it
    /// becomes a known one: two readers would disagree on what was said.
    pub(super) fn split(text: &'q str) -> Result<Self, BindingError> {
        let mut found = Self::default();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = percent_decode_str(name).decode_utf8_lossy();
            for (known, slot) in KNOWN.iter().zip(&mut found.values) {
                if decoded != *known {
                    continue;
                }
                if name != *known {
                    return Err(BindingError::EscapedName);
                }
                if slot.replace(value).is_some() {
                    return Err(BindingError::Ambiguous(known));
                }
            }
        }
        Ok(found)
    }

    /// The raw value, as it was sent.
    pub(super) fn raw(&self, name: &str) -> Option<&'q str> {
        let at = KNOWN.iter().position(|known| *known == name)?;
        self.values.get(at).copied().flatten()
    }

    /// The decoded value.
    pub(super) fn value(&self, name: &'static str) -> Result<Option<String>, BindingError> {
        self.raw(name).map(|raw| decode(raw, name)).transpose()
    }
}

/// Undoes `application/x-www-form-urlencoded`: `+` is a space, `%` must be followed by two
/// hexadecimal digits, the result is UTF-8.
pub(super) fn decode(raw: &str, name: &'static str) -> Result<String, BindingError> {
    let mut rest = raw;
    while let Some((_, after)) = rest.split_once('%') {
        let digits = after.as_bytes().get(..2);
        if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
            return Err(BindingError::Escaping(name));
        }
        rest = after;
    }
    let spaced = raw.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| BindingError::Escaping(name))
}

/// Escapes a value for a query.
pub(super) fn encode(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}
