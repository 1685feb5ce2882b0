//! The names of the keys, and how long they live.
//!
//! Names are hashes: they say nothing of persons, and all have one length. What a Lua function
//! changes together has the same part in braces, which puts it on one node of a cluster.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{IndexKey, LogoutKey, Namespace, OneTimeKey, SessionKey, TenantId, UserId};
use sha2::{Digest as _, Sha256};

/// How many orders of what is due there are: so many nodes can share the work.
pub(crate) const SHARDS: u8 = 16;

/// How much longer than its session a row lives: a clock that is so far behind still finds it.
pub(crate) const SESSION_MARGIN: TimeDelta = TimeDelta::days(1);
/// The same for one-time values.
pub(crate) const ONE_TIME_MARGIN: TimeDelta = TimeDelta::minutes(10);
/// The same for logouts.
pub(crate) const LOGOUT_MARGIN: TimeDelta = TimeDelta::hours(1);

/// The longest that anything lives but users, in days: the longest session and a bit.
const MAX_DAYS: i64 = 3700;

/// The names under one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    pub(crate) const fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub(crate) fn format(&self) -> String {
        format!("{}:format", self.prefix)
    }

    pub(crate) fn session(&self, key: &SessionKey) -> String {
        self.hashed('s', key.as_bytes())
    }

    /// Of a session's public id: the one session that has it.
    pub(crate) fn id(&self, id: &IndexKey) -> String {
        self.hashed('i', &hash(id.as_bytes()))
    }

    /// Of the sessions under an index key.
    pub(crate) fn index(&self, index: &IndexKey) -> String {
        self.tagged('x', index)
    }

    /// Of the last revocation of a person's sessions, beside the index of that person.
    pub(crate) fn revocation(&self, subject: &IndexKey) -> String {
        self.tagged('r', subject)
    }

    pub(crate) fn one_time(&self, namespace: Namespace, key: &OneTimeKey) -> String {
        let key = URL_SAFE_NO_PAD.encode(key.as_bytes());
        format!("{}:o:{}:{key}", self.prefix, namespace.as_str())
    }

    pub(crate) fn logout(&self, key: &LogoutKey) -> String {
        let name = URL_SAFE_NO_PAD.encode(key.as_bytes());
        format!("{}:l:{{l{}}}:{name}", self.prefix, shard(key))
    }

    /// Of what is due among the logouts of a shard.
    pub(crate) fn due(&self, shard: u8) -> String {
        format!("{}:d:{{l{shard}}}", self.prefix)
    }

    pub(crate) fn user(&self, subject: &IndexKey) -> String {
        self.hashed('u', &hash(subject.as_bytes()))
    }

    /// Of a user's id: the name of the user's row.
    pub(crate) fn user_id(&self, tenant: &TenantId, id: &UserId) -> String {
        let length = tenant.as_str().len() as u64;
        let digest = Sha256::new()
            .chain_update(length.to_be_bytes())
            .chain_update(tenant.as_str())
            .chain_update(id.as_str());
        self.hashed('n', &digest.finalize().into())
    }

    fn hashed(&self, kind: char, hash: &[u8; 32]) -> String {
        format!("{}:{kind}:{}", self.prefix, URL_SAFE_NO_PAD.encode(hash))
    }

    fn tagged(&self, kind: char, index: &IndexKey) -> String {
        let hash = URL_SAFE_NO_PAD.encode(hash(index.as_bytes()));
        format!("{}:{kind}:{{{hash}}}", self.prefix)
    }
}

pub(crate) fn shard(key: &LogoutKey) -> u8 {
    let [first, ..] = key.as_bytes();
    first % SHARDS
}

fn hash(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

/// How many milliseconds something lives that is over at `end`, by the caller's clock.
pub(crate) fn time_to_live(end: DateTime<Utc>, now: DateTime<Utc>, margin: TimeDelta) -> i64 {
    let left = end
        .signed_duration_since(now)
        .clamp(TimeDelta::zero(), TimeDelta::days(MAX_DAYS));
    (left + margin).num_milliseconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_together_has_one_tag() {
        let keys = Keys::new("t".into());
        let tag = |name: &str| Some(name.split_once('{')?.1.split_once('}')?.0.to_owned());
        let key = LogoutKey::new([77; 32]);
        let (row, due) = (keys.logout(&key), keys.due(shard(&key)));
        assert_eq!((tag(&row), tag(&due)), (Some("l13".into()), tag(&row)));
        let tenant = TenantId::new("acme").unwrap();
        let id = federate_session::SessionId::new("ses_1").unwrap();
        let index = IndexKey::of_id(&tenant, &id);
        let (index, revocation) = (keys.index(&index), keys.revocation(&index));
        assert!(tag(&index).is_some());
        assert_eq!(tag(&index), tag(&revocation));
    }

    #[test]
    fn lives_are_bounded_and_never_over_at_once() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let margin = TimeDelta::minutes(1);
        let ttl = |end| time_to_live(end, now, margin);
        assert_eq!(ttl(now + TimeDelta::minutes(1)), 120_000);
        assert_eq!(ttl(now - TimeDelta::days(400)), 60_000);
        let longest = TimeDelta::days(MAX_DAYS) + margin;
        assert_eq!(ttl(DateTime::<Utc>::MAX_UTC), longest.num_milliseconds());
    }
}
