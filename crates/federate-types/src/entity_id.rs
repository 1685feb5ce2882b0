use crate::InvalidValue;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The unique identifier of a SAML party: its `entityID`.
///
/// `[SAMLCore] 8.3.6`: a URI of at most 1024 characters. Real applications also use plain
/// names (`Dropbox`, `box.net`), so any text without whitespace and control characters is
/// accepted. Compared byte for byte: a trailing slash makes another entity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityId(String);

impl EntityId {
    /// The longest identifier allowed, in characters (`[SAMLCore] 8.3.6`).
    pub const MAX_CHARS: usize = 1024;

    /// Checks the text and makes it an entity identifier.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is empty, longer than [`EntityId::MAX_CHARS`], or contains
    /// whitespace or control characters.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let value = value.into();
        if value.is_empty()
            || value.chars().count() > Self::MAX_CHARS
            || value.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(InvalidValue::new(
                "entityID",
                "1 to 1024 characters without whitespace",
            ));
        }
        Ok(Self(value))
    }

    /// The identifier as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EntityId {
    type Error = InvalidValue;
    fn try_from(value: String) -> Result<Self, InvalidValue> {
        Self::new(value)
    }
}

impl std::str::FromStr for EntityId {
    type Err = InvalidValue;
    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        Self::new(value)
    }
}

impl From<EntityId> for String {
    fn from(value: EntityId) -> Self {
        value.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_uris_and_plain_names() {
        for id in ["https://slack.com", "Dropbox", "box.net", "urn:example:sp"] {
            assert_eq!(EntityId::new(id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn a237_near_spellings_are_distinct_entities() {
        let id = |s: &str| EntityId::new(s).unwrap();
        assert_ne!(id("https://sp.example"), id("https://sp.example/"));
        assert_ne!(id("https://sp.example/A"), id("https://sp.example/a"));
        assert_ne!(id("https://sp.example/%41"), id("https://sp.example/A"));
    }

    #[test]
    fn refuses_empty_long_and_spaced_text() {
        let long = "a".repeat(1025);
        for id in ["", " ", "a b", "a\n", "a\u{a0}b", long.as_str()] {
            assert_eq!(EntityId::new(id).unwrap_err().what, "entityID");
        }
    }
}
