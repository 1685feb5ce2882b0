//! Revocations of all sessions that a person has.

use super::connection::{Connections, Locks};
use super::sessions::person_lock;
use crate::codec::{decode, encode};
use chrono::{DateTime, Utc};
use federate_session::{IndexKey, LogoutKey, Revocation, StoreError, Subject};

const WHAT: &str = "revocation";

const LAST: &str = "\
SELECT value FROM revocations WHERE subject = substring(sha256($1) FROM 1 FOR 16)";

/// Written only in the place of the one that was read.
const PUT: &str = "\
INSERT INTO revocations (subject, epoch, retain_until, value)
VALUES (substring(sha256($1) FROM 1 FOR 16), $2, $3, $4)
ON CONFLICT (subject) DO UPDATE
SET epoch = excluded.epoch, retain_until = excluded.retain_until, value = excluded.value
WHERE revocations.epoch = $5
RETURNING 1";

/// How often it is tried while others revoke the same person's sessions.
const ATTEMPTS: usize = 256;

/// Ends all sessions that the person has.
///
/// Whoever stores a new session holds the person's lock too, so the session is stored before
/// and is over, or begins after.
pub(super) async fn revoke(
    connections: &Connections,
    subject: &Subject,
    by: LogoutKey,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let index = IndexKey::of_subject(subject);
    let locks = Locks::default().alone(person_lock(&index));
    for _ in 0..ATTEMPTS {
        let last = last(connections, &index).await?;
        let next = Revocation::next(last.as_ref(), by, now);
        let value = encode(&next)?;
        let (epoch, retain_until) = (
            next.epoch.cast_signed(),
            super::instant::nanos(next.retain_until()),
        );
        let expected = Revocation::epoch(last.as_ref()).cast_signed();
        let put = connections
            .query_locked(
                &locks,
                PUT,
                &[&index.as_bytes(), &epoch, &retain_until, &value, &expected],
            )
            .await
            .map_err(|failure| failure.about(WHAT))?;
        if !put.is_empty() {
            return Ok(());
        }
    }
    Err(StoreError::unavailable(super::error::Failure::Contention))
}

async fn last(
    connections: &Connections,
    index: &IndexKey,
) -> Result<Option<Revocation>, StoreError> {
    let row = connections
        .query_opt(LAST, &[&index.as_bytes()])
        .await
        .map_err(|failure| failure.about(WHAT))?;
    row.map(|row| decode(WHAT, row.try_get(0).map_err(StoreError::unavailable)?))
        .transpose()
}
