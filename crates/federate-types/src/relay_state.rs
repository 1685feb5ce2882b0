use crate::InvalidValue;
use serde::{Deserialize, Serialize};

/// Opaque state that travels beside a SAML message and comes back unchanged.
///
/// `[SAMLBind] 3.4.3`: at most 80 bytes, and ours keeps to it. Applications send whole addresses
/// all the same, so what is received may be longer, and goes back as it came. It is never
/// followed as an address: whoever wants to remember one stores it and sends a handle.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelayState(String);

impl RelayState {
    /// The longest value that we make, in bytes (`[SAMLBind] 3.4.3`).
    pub const MAX_BYTES: usize = 80;
    /// The longest value that we take from a peer, in bytes.
    pub const MAX_RECEIVED_BYTES: usize = 2048;

    /// Relay state of our own.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is longer than [`RelayState::MAX_BYTES`] or contains control
    /// characters.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let expected = "at most 80 bytes without control characters";
        Self::checked(value.into(), Self::MAX_BYTES, expected)
    }

    /// Relay state of a peer, to be returned to it.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is longer than [`RelayState::MAX_RECEIVED_BYTES`] or contains
    /// control characters.
    pub fn received(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let expected = "at most 2048 bytes without control characters";
        Self::checked(value.into(), Self::MAX_RECEIVED_BYTES, expected)
    }

    fn checked(value: String, max: usize, expected: &'static str) -> Result<Self, InvalidValue> {
        if value.len() > max || value.chars().any(char::is_control) {
            return Err(InvalidValue::new("RelayState", expected));
        }
        Ok(Self(value))
    }

    /// The state as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As [`RelayState::received`]: what was stored may be a peer's.
impl TryFrom<String> for RelayState {
    type Error = InvalidValue;
    fn try_from(value: String) -> Result<Self, InvalidValue> {
        Self::received(value)
    }
}

impl From<RelayState> for String {
    fn from(value: RelayState) -> Self {
        value.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::StrDeserializer;

    #[test]
    fn a202_long_or_control_characters_are_refused() {
        assert!(RelayState::new("x".repeat(80)).is_ok());
        for value in ["x".repeat(81), "a\r\nSet-Cookie: b".into(), "\0".into()] {
            assert_eq!(RelayState::new(value).unwrap_err().what, "RelayState");
        }
        assert!(RelayState::received("x".repeat(2048)).is_ok());
        for value in ["x".repeat(2049), "a\r\nSet-Cookie: b".into(), "\0".into()] {
            assert_eq!(RelayState::received(value).unwrap_err().what, "RelayState");
        }
    }

    #[test]
    fn what_a_peer_sent_survives_being_stored() {
        let stored = |text: &str| {
            let stored = StrDeserializer::<serde::de::value::Error>::new(text);
            RelayState::deserialize(stored)
        };
        let state = RelayState::received("https://app.example/?q=".repeat(40)).unwrap();
        assert_eq!(stored(&String::from(state.clone())), Ok(state));
        assert!(stored(&"x".repeat(2049)).is_err());
    }
}
