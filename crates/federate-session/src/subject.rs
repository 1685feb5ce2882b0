use crate::{ConnectionId, TenantId};
use federate_types::{EntityId, InvalidValue};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who signed in, by the words of whoever vouched for them: the key of find-or-create.
///
/// A user is found by tenant, connection, issuer and subject together, byte for byte, and
/// never by e-mail address: addresses are given to other people. `Debug` hides the subject.
///
/// ```
/// use federate_session::{ConnectionId, Subject, TenantId};
/// use federate_types::EntityId;
///
/// let subject = Subject::new(
///     TenantId::new("acme")?,
///     ConnectionId::new("okta")?,
///     EntityId::new("http://www.okta.com/exk1")?,
///     "alice@example.com",
/// )?;
/// assert_eq!(subject.subject(), "alice@example.com");
/// assert!(!format!("{subject:?}").contains("alice"));
/// # Ok::<(), federate_types::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// The account that the login belongs to.
    pub tenant: TenantId,
    /// The source of users that the login came through.
    pub connection: ConnectionId,
    /// The upstream identity provider (or OpenID Connect issuer) that vouched.
    pub issuer: EntityId,
    subject: String,
}

impl Subject {
    /// The longest subject accepted, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Checks the subject, the issuer's own stable name of the person.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is empty, longer than [`Subject::MAX_BYTES`], or contains
    /// control characters.
    pub fn new(
        tenant: TenantId,
        connection: ConnectionId,
        issuer: EntityId,
        subject: impl Into<String>,
    ) -> Result<Self, InvalidValue> {
        let subject = subject.into();
        if subject.is_empty()
            || subject.len() > Self::MAX_BYTES
            || subject.chars().any(char::is_control)
        {
            return Err(InvalidValue::new(
                "subject",
                "1 to 1024 bytes without control characters",
            ));
        }
        Ok(Self {
            tenant,
            connection,
            issuer,
            subject,
        })
    }

    /// The issuer's name of the person.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("tenant", &self.tenant)
            .field("connection", &self.connection)
            .field("issuer", &self.issuer)
            .field("subject", &"[redacted]")
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_empty_long_and_control_characters() {
        for subject in [String::new(), "a\0".into(), "a".repeat(1025)] {
            let made = Subject::new(
                TenantId::new("t").unwrap(),
                ConnectionId::new("c").unwrap(),
                EntityId::new("i").unwrap(),
                subject,
            );
            assert_eq!(made.unwrap_err().what, "subject");
        }
    }
}
