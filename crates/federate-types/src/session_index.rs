use crate::InvalidValue;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The handle by which an identity provider names one session to one service provider.
///
/// `[SAMLCore] 2.7.2`: opaque text, carried in `AuthnStatement/@SessionIndex` and repeated in
/// a LogoutRequest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionIndex(String);

impl SessionIndex {
    /// The longest index accepted, in bytes.
    pub const MAX_BYTES: usize = 512;

    /// Checks the text and makes it a session index.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is empty, longer than [`SessionIndex::MAX_BYTES`], or
    /// contains control characters.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let value = value.into();
        if value.is_empty() || value.len() > Self::MAX_BYTES || value.chars().any(char::is_control)
        {
            return Err(InvalidValue::new(
                "SessionIndex",
                "1 to 512 bytes without control characters",
            ));
        }
        Ok(Self(value))
    }

    /// The index as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SessionIndex {
    type Error = InvalidValue;
    fn try_from(value: String) -> Result<Self, InvalidValue> {
        Self::new(value)
    }
}

impl From<SessionIndex> for String {
    fn from(value: SessionIndex) -> Self {
        value.0
    }
}
