use federate_types::InvalidValue;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Checks what every identifier of this module must satisfy.
fn checked(what: &'static str, value: String) -> Result<String, InvalidValue> {
    if value.is_empty()
        || value.len() > MAX_BYTES
        || value.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(InvalidValue::new(
            what,
            "1 to 256 bytes without whitespace and control characters",
        ));
    }
    Ok(value)
}

const MAX_BYTES: usize = 256;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// 1 to 256 bytes without whitespace and control characters, compared byte for byte.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text and makes it an identifier.
            ///
            /// # Errors
            /// [`InvalidValue`] when it is empty, longer than 256 bytes, or contains
            /// whitespace or control characters.
            pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
                checked($what, value.into()).map(Self)
            }

            /// The identifier as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;
            fn try_from(value: String) -> Result<Self, InvalidValue> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

identifier! {
    /// One account of the hub: its applications share sessions, nothing crosses its border.
    TenantId, "tenant id"
}
identifier! {
    /// One source of users within a tenant, such as an upstream identity provider.
    ConnectionId, "connection id"
}
identifier! {
    /// One user of the hub, an opaque name that says nothing about the person.
    UserId, "user id"
}
identifier! {
    /// The public name of a session, for operators and interfaces.
    ///
    /// It opens nothing: the cookie's token does, and of that only the hash is stored.
    SessionId, "session id"
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// The caller computes the hash, so a copy of the store opens nothing. `Debug` shows
        /// the first four octets, enough to follow one key through a log.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps the hash.
            #[must_use]
            pub const fn new(hash: [u8; 32]) -> Self {
                Self(hash)
            }

            /// The hash.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl From<[u8; 32]> for $name {
            fn from(hash: [u8; 32]) -> Self {
                Self(hash)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [a, b, c, d, ..] = self.0;
                write!(f, concat!(stringify!($name), "({:02x}{:02x}{:02x}{:02x}..)"), a, b, c, d)
            }
        }
    };
}

key! {
    /// Where a session is stored: the hash of the cookie's token.
    SessionKey
}
key! {
    /// Where a value for one use is stored: the hash of a request id, an assertion id or a
    /// handle.
    OneTimeKey
}
key! {
    /// Where the state of one single logout is stored: the hash of its handle, of which the last
    /// octets are those of the hub whose logout it is.
    LogoutKey
}

/// Whose logouts these are, where several hubs keep theirs in one store: what is due of one is
/// work for its own workers, who know its peers and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogoutScope([u8; 8]);

impl LogoutScope {
    /// Wraps what is different for each hub, such as the beginning of a hash.
    #[must_use]
    pub const fn new(octets: [u8; 8]) -> Self {
        Self(octets)
    }

    /// What was wrapped: the last octets of each key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl LogoutKey {
    /// Where the octets of the scope begin.
    pub const SCOPE_AT: usize = 24;

    /// The same key as one of this hub's.
    #[must_use]
    pub fn within(mut self, scope: LogoutScope) -> Self {
        for (octet, of_scope) in self.0.iter_mut().skip(Self::SCOPE_AT).zip(scope.0) {
            *octet = of_scope;
        }
        self
    }

    /// Whether it is one of this hub's.
    #[must_use]
    pub fn is_within(&self, scope: LogoutScope) -> bool {
        self.0.ends_with(&scope.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_refuse_empty_long_and_spaced_text() {
        for value in ["", "a b", "a\n", &"a".repeat(257)] {
            assert_eq!(TenantId::new(value).unwrap_err().what, "tenant id");
        }
        assert_eq!(UserId::new("u|1").unwrap().as_str(), "u|1");
    }

    #[test]
    fn a_logout_belongs_to_one_hub() {
        let (ours, theirs) = (LogoutScope::new([1; 8]), LogoutScope::new([2; 8]));
        let key = LogoutKey::new([7; 32]).within(ours);
        assert!(key.is_within(ours) && !key.is_within(theirs));
        assert_eq!(key.as_bytes()[..LogoutKey::SCOPE_AT], [7; 24]);
    }

    #[test]
    fn debug_of_a_key_is_short() {
        let key = SessionKey::new([0xab; 32]);
        assert_eq!(format!("{key:?}"), "SessionKey(abababab..)");
    }
}
