//! The verbs of running logouts: each is one statement.

use super::connection::Connections;
use super::error::Failure;
use super::instant::{instant, nanos};
use crate::codec::{decode, encode};
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{Claimed, LogoutKey, LogoutScope, StoreError, Versioned};
use tokio_postgres::Row;

const WHAT: &str = "logout";

const CREATE: &str = "\
INSERT INTO logouts (key, version, expires, due, value) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (key) DO NOTHING
RETURNING 1";

const LOAD: &str = "\
SELECT value, version, expires, due FROM logouts WHERE key = $1 AND expires > $2";

const SWAP: &str = "\
UPDATE logouts SET version = version + 1, value = $3, due = $4
WHERE key = $1 AND version = $2 AND expires > $5
RETURNING version";

/// Leaves out what another worker is claiming at this moment.
const CLAIM: &str = "\
WITH due AS (
    SELECT key, due FROM logouts
    WHERE due <= $1 AND expires > $1 AND substring(key FROM 25) = $4
    ORDER BY due, key LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE logouts SET due = $2 FROM due WHERE logouts.key = due.key
RETURNING value, version, expires, logouts.due, logouts.key, due.due";

const SWEEP: &str = "\
WITH past AS (
    SELECT key FROM logouts WHERE expires <= $1
    ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM logouts USING past WHERE logouts.key = past.key
RETURNING 1";

type Result<T> = std::result::Result<T, StoreError>;

fn about(failure: Failure) -> StoreError {
    failure.about(WHAT)
}

/// Reads value, version, expires and due, in this order.
fn state(row: &Row) -> Result<Versioned> {
    let column = |column| {
        row.try_get::<_, i64>(column)
            .map_err(StoreError::unavailable)
    };
    Ok(Versioned {
        version: column(1)?.cast_unsigned(),
        value: decode(WHAT, row.try_get(0).map_err(StoreError::unavailable)?)?,
        expires: instant(column(2)?),
        due: row
            .try_get::<_, Option<i64>>(3)
            .map_err(StoreError::unavailable)?
            .map(instant),
    })
}

pub(super) async fn create(
    connections: &Connections,
    key: &LogoutKey,
    state: &Versioned,
    now: DateTime<Utc>,
) -> Result<u64> {
    state.check(now)?;
    let row = connections
        .query_opt(
            CREATE,
            &[
                &key.as_bytes().as_slice(),
                &state.version.cast_signed(),
                &nanos(state.expires),
                &state.due.map(nanos),
                &encode(&state.value)?,
            ],
        )
        .await
        .map_err(about)?;
    match row {
        Some(_) => Ok(state.version),
        None => Err(StoreError::AlreadyExists { what: WHAT }),
    }
}

pub(super) async fn load(
    connections: &Connections,
    key: &LogoutKey,
    now: DateTime<Utc>,
) -> Result<Option<Versioned>> {
    connections
        .query_opt(LOAD, &[&key.as_bytes().as_slice(), &nanos(now)])
        .await
        .map_err(about)?
        .map(|row| state(&row))
        .transpose()
}

pub(super) async fn compare_and_swap(
    connections: &Connections,
    key: &LogoutKey,
    version: u64,
    value: &[u8],
    due: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<u64> {
    if value.len() > Versioned::MAX_BYTES {
        return Err(StoreError::TooLarge { what: WHAT });
    }
    // No state has a version beyond this.
    let version = i64::try_from(version).map_err(|_| StoreError::Conflict)?;
    let row = connections
        .query_opt(
            SWAP,
            &[
                &key.as_bytes().as_slice(),
                &version,
                &encode(&value)?,
                &due.map(nanos),
                &nanos(now),
            ],
        )
        .await
        .map_err(about)?;
    let row = row.ok_or(StoreError::Conflict)?;
    let version: i64 = row.try_get(0).map_err(StoreError::unavailable)?;
    Ok(version.cast_unsigned())
}

pub(super) async fn claim_due(
    connections: &Connections,
    scope: LogoutScope,
    now: DateTime<Utc>,
    lease: TimeDelta,
    limit: usize,
) -> Result<Vec<Claimed>> {
    let due = now.checked_add_signed(lease).map(nanos);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = connections
        .query(
            CLAIM,
            &[&nanos(now), &due, &limit, &scope.as_bytes().as_slice()],
        )
        .await
        .map_err(about)?;
    let mut claimed = Vec::new();
    for row in rows {
        let key: &[u8] = row.try_get(4).map_err(StoreError::unavailable)?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| StoreError::Corrupt { what: WHAT })?;
        let former: i64 = row.try_get(5).map_err(StoreError::unavailable)?;
        let (key, state) = (LogoutKey::new(key), state(&row)?);
        claimed.push((former, Claimed { key, state }));
    }
    claimed.sort_by_key(|(former, claimed)| (*former, claimed.key));
    Ok(claimed.into_iter().map(|(_, claimed)| claimed).collect())
}

pub(super) async fn sweep(
    connections: &Connections,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize> {
    let rows = connections.query(SWEEP, &[&nanos(now), &limit]).await;
    Ok(rows.map_err(about)?.len())
}
