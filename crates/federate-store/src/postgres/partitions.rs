//! Partitions: made before they are needed, dropped when everything in them is past.
//!
//! A partition takes the sessions whose `retain_until` falls into its days. The farther away
//! the days are, the more of them share one: about an eighth of the distance, as a power of
//! two. So sessions of one policy stand in 8 to 16 partitions, whether they last a week or
//! ten years, and a lookup by key has that many indexes to probe.

use super::connection::Connections;
use super::error::Failure;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

/// Held by whoever makes or drops partitions.
const LOCK: &str = "\
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || 'partitions', 0))";

/// How long a drop waits for the statements that run, while later ones wait behind it.
const DROP_WAIT: &str = "SET LOCAL lock_timeout = 100";

/// The partitioned tables, with what a partition of each adds.
const TABLES: [(&str, &str); 2] = [
    // Room beside each row, so that a touch stays on its page.
    ("sessions", "fillfactor = 75"),
    ("session_index", "fillfactor = 100"),
];

/// Days in a row: `first..until`, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days {
    first: i32,
    until: i32,
}

impl Days {
    fn contains(self, day: i32) -> bool {
        self.first <= day && day < self.until
    }

    fn overlaps(self, other: Self) -> bool {
        self.first < other.until && other.first < self.until
    }

    /// The days of a new partition for `day`, beside the partitions that are there.
    fn around(day: i32, today: i32, others: &[Self]) -> Self {
        let distance = day.saturating_sub(today).max(0).unsigned_abs();
        let mut width = 1_i32 << (distance / 8).checked_ilog2().unwrap_or(0);
        loop {
            let first = day.div_euclid(width).saturating_mul(width);
            let until = first.saturating_add(width);
            let days = Self { first, until };
            // A single day overlaps nothing, or it would not be missing.
            if width == 1 || !others.iter().any(|other| days.overlaps(*other)) {
                return days;
            }
            width /= 2;
        }
    }
}

/// What this process knows of the partitions: those that are there, with the next one.
#[derive(Debug, Clone, Default)]
pub(super) struct Partitions {
    ready: Arc<Mutex<BTreeMap<i32, i32>>>,
}

impl Partitions {
    /// Makes the partition of `day`, and the one after it, unless they are there.
    pub(super) async fn ensure(
        &self,
        connections: &Connections,
        day: i32,
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        if self.is_ready(day) {
            return Ok(());
        }
        let mut client = connections.client().await?;
        let days = make(&mut client, day, super::instant::day(now)).await?;
        self.with(|ready| ready.insert(days.first, days.until));
        Ok(())
    }

    /// Forgets what it knows: an insert found no partition.
    pub(super) fn forget(&self) {
        self.with(BTreeMap::clear);
    }

    fn is_ready(&self, day: i32) -> bool {
        let before = self.with(|ready| ready.range(..=day).next_back().map(|(_, until)| *until));
        before.is_some_and(|until| day < until)
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<i32, i32>) -> T) -> T {
        act(&mut self.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Drops the partitions whose days are past at `now`, unless somebody else reads them for
    /// long; gives about how many sessions were in them.
    pub(super) async fn drop_past(
        &self,
        connections: &Connections,
        now: DateTime<Utc>,
    ) -> Result<usize, Failure> {
        let today = super::instant::day(now);
        let mut removed = 0;
        let mut client = connections.client().await?;
        while let Some(first) = oldest_past(&client, today).await? {
            match drop_one(&mut client, first).await {
                Ok(rows) => removed += rows,
                // A backup, perhaps: the next sweep tries again.
                Err(failure) if failure.is(&SqlState::LOCK_NOT_AVAILABLE) => break,
                Err(failure) => return Err(failure),
            }
            self.with(|ready| ready.retain(|_, until| today < *until));
        }
        Ok(removed)
    }
}

async fn make(client: &mut Client, day: i32, today: i32) -> Result<Days, Failure> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(LOCK).await?;
    let rows = transaction
        .query(
            "SELECT first, until FROM partitions WHERE until > $1",
            &[&day],
        )
        .await?;
    let mut there = Vec::new();
    for row in rows {
        there.push(Days {
            first: row.try_get(0)?,
            until: row.try_get(1)?,
        });
    }
    let days = make_one(&transaction, day, today, &mut there).await?;
    make_one(&transaction, days.until, today, &mut there).await?;
    transaction.commit().await?;
    Ok(days)
}

/// A table is made by itself and then attached: unlike making it as a partition, that lets
/// statements on the other partitions go on.
async fn make_one(
    transaction: &Transaction<'_>,
    day: i32,
    today: i32,
    there: &mut Vec<Days>,
) -> Result<Days, Failure> {
    if let Some(days) = there.iter().find(|days| days.contains(day)) {
        return Ok(*days);
    }
    let days = Days::around(day, today, there);
    let Days { first, until } = days;
    for (table, with) in TABLES {
        let make = format!(
            "CREATE TABLE \"{table}_{first}\" (LIKE {table}) WITH ({with});
             ALTER TABLE {table} ATTACH PARTITION \"{table}_{first}\"
             FOR VALUES FROM ({first}) TO ({until})"
        );
        transaction.batch_execute(&make).await?;
    }
    transaction
        .execute("INSERT INTO partitions VALUES ($1, $2)", &[&first, &until])
        .await?;
    there.push(days);
    Ok(days)
}

async fn oldest_past(client: &Client, today: i32) -> Result<Option<i32>, Failure> {
    let row = client
        .query_opt(
            "SELECT first FROM partitions WHERE until <= $1 ORDER BY first LIMIT 1",
            &[&today],
        )
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Drops one partition of each table.
///
/// A drop locks the whole partitioned table for a moment, so each has a transaction of its
/// own: holding one such lock while waiting for the other could end in a circle with the
/// statements that use both. The entry in `partitions` goes last: what a crash leaves behind
/// is done by the next sweep.
async fn drop_one(client: &mut Client, first: i32) -> Result<usize, Failure> {
    let mut rows = 0;
    for (table, _) in TABLES {
        let transaction = client.transaction().await?;
        transaction.batch_execute(DROP_WAIT).await?;
        transaction.batch_execute(LOCK).await?;
        let partition = format!("\"{table}_{first}\"");
        if table == "sessions" {
            let counted = transaction
                .query_one(
                    "SELECT coalesce(pg_stat_get_live_tuples(to_regclass($1)), 0)",
                    &[&partition],
                )
                .await?;
            rows = usize::try_from(counted.try_get::<_, i64>(0)?).unwrap_or(0);
        } else {
            transaction
                .execute("DELETE FROM partitions WHERE first = $1", &[&first])
                .await?;
        }
        let drop = format!("DROP TABLE IF EXISTS {partition}");
        transaction.batch_execute(&drop).await?;
        transaction.commit().await?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_days_stand_alone_and_far_ones_together() {
        for (distance, width) in [
            (0, 1),
            (7, 1),
            (15, 1),
            (16, 2),
            (30, 2),
            (365, 32),
            (3660, 256),
        ] {
            let days = Days::around(20_000 + distance, 20_000, &[]);
            assert_eq!(days.until - days.first, width, "{distance} days ahead");
            assert!(days.contains(20_000 + distance));
        }
        let past = Days::around(-5, 20_000, &[]);
        assert_eq!((past.first, past.until), (-5, -4));
    }

    #[test]
    fn partitions_never_overlap() {
        let mut there = Vec::new();
        // Policies of many lengths, over the years, in an order that mixes them.
        for step in 0..4000_i32 {
            let today = 20_000 + step / 4;
            let day = today + [7, 1, 3660, 90][(step % 4) as usize];
            if !there.iter().any(|days: &Days| days.contains(day)) {
                let days = Days::around(day, today, &there);
                assert!(!there.iter().any(|other| days.overlaps(*other)));
                assert!(days.contains(day));
                there.push(days);
            }
            there.retain(|days| days.until > today);
            assert!(there.len() < 64, "{} partitions", there.len());
        }
    }
}
