use crate::InvalidValue;
use serde::{Deserialize, Serialize};

/// Opaque state that travels beside a SAML message and comes back unchanged.
///
/// `[SAMLBind] 3.4.3`: at most 80 bytes. It is never followed as an address: whoever wants
/// to remember one stores it and sends a handle.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelayState(String);

impl RelayState {
    /// The longest value allowed, in bytes (`[SAMLBind] 3.4.3`).
    pub const MAX_BYTES: usize = 80;

    /// Checks the text and makes it relay state.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is longer than [`RelayState::MAX_BYTES`] or contains control
    /// characters.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let value = value.into();
        if value.len() > Self::MAX_BYTES || value.chars().any(char::is_control) {
            return Err(InvalidValue::new(
                "RelayState",
                "at most 80 bytes without control characters",
            ));
        }
        Ok(Self(value))
    }

    /// The state as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RelayState {
    type Error = InvalidValue;
    fn try_from(value: String) -> Result<Self, InvalidValue> {
        Self::new(value)
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

    #[test]
    fn a202_long_or_control_characters_are_refused() {
        assert!(RelayState::new("x".repeat(80)).is_ok());
        for value in ["x".repeat(81), "a\r\nSet-Cookie: b".into(), "\0".into()] {
            assert_eq!(RelayState::new(value).unwrap_err().what, "RelayState");
        }
    }
}
