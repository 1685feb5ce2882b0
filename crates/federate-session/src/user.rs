use crate::{Subject, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What is known of a person, attribute by attribute. `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The values of each attribute.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl Profile {
    /// The first value of an attribute.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.first().map(String::as_str)
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.attributes.keys()).finish()
    }
}

/// A user of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's own name, which never changes.
    pub id: UserId,
    /// The one identity that is bound to it.
    pub subject: Subject,
    /// What the last login said of the person.
    pub profile: Profile,
    /// When the first login made the user.
    #[serde(with = "crate::instant")]
    pub created: DateTime<Utc>,
    /// When the last login was.
    #[serde(with = "crate::instant")]
    pub last_login: DateTime<Utc>,
}

impl User {
    /// The user that a first login makes.
    #[must_use]
    pub const fn new(id: UserId, subject: Subject, profile: Profile, now: DateTime<Utc>) -> Self {
        Self {
            id,
            subject,
            profile,
            created: now,
            last_login: now,
        }
    }

    /// Takes over what a later login says.
    pub fn signed_in(&mut self, profile: Profile, now: DateTime<Utc>) {
        self.profile = profile;
        self.last_login = self.last_login.max(now);
    }
}
