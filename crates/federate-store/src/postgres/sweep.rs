//! Forgetting what has expired.

use super::connection::Connections;
use super::instant::nanos;
use super::partitions::Partitions;
use super::rows::WHAT;
use super::{logouts, one_time};
use chrono::{DateTime, Utc};
use federate_session::{StoreError, Swept};

const REVOCATIONS: &str = "\
WITH past AS (
    SELECT subject FROM revocations WHERE retain_until <= $1
    ORDER BY retain_until LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM revocations USING past WHERE revocations.subject = past.subject
RETURNING 1";

/// Drops the partitions that are past, and removes up to `limit` of every other kind.
pub(super) async fn sweep(
    connections: &Connections,
    partitions: &Partitions,
    now: DateTime<Utc>,
    limit: usize,
) -> Result<Swept, StoreError> {
    if limit == 0 {
        return Ok(Swept {
            removed: 0,
            more: false,
        });
    }
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let revocations = connections
        .query(REVOCATIONS, &[&nanos(now), &most])
        .await
        .map_err(|failure| failure.about("revocation"))?;
    let removed = [
        revocations.len(),
        one_time::sweep(connections, now, most).await?,
        logouts::sweep(connections, now, most).await?,
    ];
    let sessions = partitions
        .drop_past(connections, now)
        .await
        .map_err(|failure| failure.about(WHAT))?;
    Ok(Swept {
        removed: removed.iter().sum::<usize>().saturating_add(sessions),
        more: removed.contains(&limit),
    })
}
