//! The verbs of one-time values: each is one statement, but for rare cases.

use super::connection::Connections;
use super::error::Failure;
use super::instant::nanos;
use crate::codec::{decode, encode};
use chrono::{DateTime, Utc};
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, PutNew, Redemption, StoreError};
use tokio_postgres::error::SqlState;

const WHAT: &str = "one-time value";

/// How often a redemption is tried that meets others, or an entry that has expired.
const ATTEMPTS: usize = 16;

/// Takes the place of an entry that has expired.
const PUT_NEW: &str = "\
INSERT INTO one_time (namespace, key, expires, value) VALUES ($1, $2, $3, $4)
ON CONFLICT (key, namespace) DO UPDATE
SET expires = excluded.expires, value = excluded.value
WHERE one_time.expires <= $5
RETURNING 1";

const PEEK: &str = "\
SELECT value FROM one_time WHERE namespace = $1 AND key = $2 AND expires > $3";

const TAKE: &str = "\
DELETE FROM one_time WHERE namespace = $1 AND key = $2 RETURNING value, expires";

/// Consumes the request and records the assertion, or fails as a whole where another is
/// recording the same assertion.
const REDEEM: &str = "\
WITH request AS (
    DELETE FROM one_time
    WHERE namespace = $1 AND key = $2 AND expires > $7
      AND NOT EXISTS (SELECT FROM one_time
                      WHERE namespace = $3 AND key = $4 AND expires > $7)
    RETURNING value
), replay AS (
    INSERT INTO one_time (namespace, key, expires, value)
    SELECT $3, $4, $5, $6 FROM request
)
SELECT value FROM request";

const REMOVE_EXPIRED: &str = "\
DELETE FROM one_time WHERE namespace = $1 AND key = $2 AND expires <= $3";

const SWEEP: &str = "\
WITH past AS (
    SELECT key, namespace FROM one_time WHERE expires <= $1
    ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM one_time USING past
WHERE one_time.key = past.key AND one_time.namespace = past.namespace
RETURNING 1";

type Result<T> = std::result::Result<T, StoreError>;
type Key = (Namespace, OneTimeKey);

fn about(failure: Failure) -> StoreError {
    failure.about(WHAT)
}

/// An entry as it is stored: the value stands behind the version of the format.
struct Stored {
    namespace: &'static [u8],
    key: [u8; 32],
    expires: i64,
    value: Vec<u8>,
}

impl Stored {
    fn of(entry: &OneTimeEntry) -> Result<Self> {
        Ok(Self {
            namespace: entry.namespace.as_str().as_bytes(),
            key: *entry.key.as_bytes(),
            expires: nanos(entry.expires),
            value: encode(&entry.value)?,
        })
    }
}

fn value(row: &tokio_postgres::Row) -> Result<Vec<u8>> {
    decode(WHAT, row.try_get(0).map_err(StoreError::unavailable)?)
}

pub(super) async fn put_new(
    connections: &Connections,
    entry: &OneTimeEntry,
    now: DateTime<Utc>,
) -> Result<PutNew> {
    entry.check(now)?;
    let stored = Stored::of(entry)?;
    let (key, now) = (stored.key.as_slice(), nanos(now));
    let row = connections
        .query_opt(
            PUT_NEW,
            &[
                &stored.namespace,
                &key,
                &stored.expires,
                &stored.value,
                &now,
            ],
        )
        .await
        .map_err(about)?;
    Ok(match row {
        Some(_) => PutNew::Inserted,
        None => PutNew::AlreadyPresent,
    })
}

pub(super) async fn peek(
    connections: &Connections,
    (namespace, key): Key,
    now: DateTime<Utc>,
) -> Result<Option<Vec<u8>>> {
    let (namespace, key) = (namespace.as_str().as_bytes(), key.as_bytes().as_slice());
    let row = connections
        .query_opt(PEEK, &[&namespace, &key, &nanos(now)])
        .await
        .map_err(about)?;
    row.map(|row| value(&row)).transpose()
}

pub(super) async fn take(
    connections: &Connections,
    (namespace, key): Key,
    now: DateTime<Utc>,
) -> Result<Option<Vec<u8>>> {
    let (namespace, key) = (namespace.as_str().as_bytes(), key.as_bytes().as_slice());
    let row = connections
        .query_opt(TAKE, &[&namespace, &key])
        .await
        .map_err(about)?;
    let Some(row) = row else { return Ok(None) };
    let expires: i64 = row.try_get(1).map_err(StoreError::unavailable)?;
    match nanos(now) < expires {
        true => value(&row).map(Some),
        false => Ok(None),
    }
}

pub(super) async fn redeem(
    connections: &Connections,
    request: Option<Key>,
    replay: &OneTimeEntry,
    now: DateTime<Utc>,
) -> Result<Redemption> {
    let Some(request) = request else {
        return Ok(match put_new(connections, replay, now).await? {
            PutNew::Inserted => Redemption::Redeemed { request: None },
            PutNew::AlreadyPresent => Redemption::Replayed,
        });
    };
    replay.check(now)?;
    for _ in 0..ATTEMPTS {
        if let Some(outcome) = redeem_once(connections, request, replay, now).await? {
            return Ok(outcome);
        }
    }
    Err(StoreError::unavailable(Failure::Contention))
}

/// `None` when an expired entry was in the way, or one that is gone: try again.
async fn redeem_once(
    connections: &Connections,
    (namespace, key): Key,
    replay: &OneTimeEntry,
    now: DateTime<Utc>,
) -> Result<Option<Redemption>> {
    let (namespace, key) = (namespace.as_str().as_bytes(), key.as_bytes().as_slice());
    let stored = Stored::of(replay)?;
    let (replay_key, at) = (stored.key.as_slice(), nanos(now));
    let row = connections
        .query_opt(
            REDEEM,
            &[
                &namespace,
                &key,
                &stored.namespace,
                &replay_key,
                &stored.expires,
                &stored.value,
                &at,
            ],
        )
        .await;
    let is_replayed = async || {
        let seen = peek(connections, (replay.namespace, replay.key), now).await?;
        Ok::<_, StoreError>(seen.is_some())
    };
    match row {
        Ok(Some(row)) => {
            let request = Some(value(&row)?);
            Ok(Some(Redemption::Redeemed { request }))
        }
        Ok(None) => Ok(Some(match is_replayed().await? {
            true => Redemption::Replayed,
            false => Redemption::UnknownRequest,
        })),
        Err(failure) if failure.is(&SqlState::UNIQUE_VIOLATION) => {
            if is_replayed().await? {
                return Ok(Some(Redemption::Replayed));
            }
            connections
                .query(REMOVE_EXPIRED, &[&stored.namespace, &replay_key, &at])
                .await
                .map_err(about)?;
            Ok(None)
        }
        Err(failure) => Err(about(failure)),
    }
}

pub(super) async fn sweep(
    connections: &Connections,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize> {
    let rows = connections.query(SWEEP, &[&nanos(now), &limit]).await;
    Ok(rows.map_err(about)?.len())
}
