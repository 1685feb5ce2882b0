use crate::InvalidValue;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The `ID` of a SAML message or assertion.
///
/// `[SAMLCore] 1.3.4`: an `xs:ID`, hence an NCName, unique with at least 128 bits of
/// randomness when it was made at random.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId(String);

impl MessageId {
    /// The longest identifier accepted, in bytes; longer ones serve only to fill stores.
    pub const MAX_BYTES: usize = 256;

    /// Checks the text and makes it a message identifier.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is not an NCName or longer than [`MessageId::MAX_BYTES`].
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let value = value.into();
        if value.len() > Self::MAX_BYTES || !is_ncname(&value) {
            return Err(InvalidValue::new("ID", "an NCName of at most 256 bytes"));
        }
        Ok(Self(value))
    }

    /// Makes an identifier of 160 random bits, which the caller takes from its
    /// cryptographic random source.
    #[must_use]
    pub fn from_random(random: [u8; 20]) -> Self {
        let mut id = String::with_capacity(41);
        id.push('_'); // an NCName may not begin with a digit
        let digits = random.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        id.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
        Self(id)
    }

    /// The identifier as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// [XMLNames] production 4, simplified in the direction of refusal: beyond ASCII every
/// alphanumeric character counts as a name character.
fn is_ncname(value: &str) -> bool {
    let mut chars = value.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for MessageId {
    type Error = InvalidValue;
    fn try_from(value: String) -> Result<Self, InvalidValue> {
        Self::new(value)
    }
}

impl From<MessageId> for String {
    fn from(value: MessageId) -> Self {
        value.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_are_ncnames() {
        let id = MessageId::from_random([0xab; 20]);
        assert_eq!(id.as_str().len(), 41);
        assert_eq!(MessageId::new(id.as_str()).unwrap(), id);
    }

    #[test]
    fn refuses_what_is_not_an_ncname() {
        for id in ["", "1a", "-a", "a b", "a:b", "#x", "a'", "a\"] | //*["] {
            assert!(MessageId::new(id).is_err(), "{id}");
        }
        assert!(MessageId::new("a".repeat(257)).is_err());
    }
}
