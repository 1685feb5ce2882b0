//! Connections, and the two ways in which a verb uses one.
//!
//! A verb is one statement, which is a transaction of its own, or one statement under advisory
//! locks. The latter goes out as `BEGIN`, the locks, the statement and `COMMIT` in one piece,
//! without waiting in between. Either way the server has all of it at once: a caller that goes
//! away, or a node that dies, leaves no transaction open.

use super::error::Failure;
use crate::OpenError;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How often a statement is tried that the server undoes for the sake of others.
const ATTEMPTS: usize = 5;

/// How much longer than the server itself a statement is waited for.
const GRACE: Duration = Duration::from_secs(1);

/// Takes locks in the order of their numbers, so that nobody waits in a circle.
const LOCK: &str = "\
SELECT CASE WHEN shared THEN pg_advisory_xact_lock_shared(id)::text
            ELSE pg_advisory_xact_lock(id)::text END
FROM (SELECT hashtextextended(current_schema() || name, 0) AS id, bool_and(shared) AS shared
      FROM unnest($1::text[], $2::bool[]) AS lock(name, shared)
      GROUP BY 1 ORDER BY 1) AS locks";

type Result<T> = std::result::Result<T, Failure>;

/// The parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The advisory locks of a transaction, held until it ends.
#[derive(Debug, Default)]
pub(super) struct Locks {
    names: Vec<String>,
    shared: Vec<bool>,
}

impl Locks {
    /// A lock that one transaction holds at a time.
    pub(super) fn alone(mut self, name: String) -> Self {
        self.names.push(name);
        self.shared.push(false);
        self
    }

    /// A lock that keeps out only those who want it alone.
    pub(super) fn shared(mut self, name: String) -> Self {
        self.names.push(name);
        self.shared.push(true);
        self
    }
}

/// How long the server and the client wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) connections: usize,
    pub(super) connect: Duration,
    pub(super) statement: Duration,
    pub(super) lock: Duration,
}

/// Connections to one schema.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    deadline: Duration,
}

impl Connections {
    pub(super) fn new(
        config: Config,
        tls: MakeRustlsConnect,
        schema: &str,
        limits: Limits,
    ) -> std::result::Result<Self, OpenError> {
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method });
        let setup = setup(schema, limits);
        let prepare = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let setup = setup.clone();
            Box::pin(async move {
                client
                    .batch_execute(&setup)
                    .await
                    .map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(limits.connections)
            .wait_timeout(Some(limits.connect))
            .create_timeout(Some(limits.connect))
            .recycle_timeout(Some(limits.connect))
            .runtime(Runtime::Tokio1)
            .post_create(prepare)
            .build()
            .map_err(|error| OpenError::Database(Box::new(error)))?;
        let deadline = limits.statement.saturating_add(GRACE);
        Ok(Self { pool, deadline })
    }

    /// A connection of one's own, for what takes several statements.
    pub(super) async fn client(&self) -> Result<Object> {
        Ok(self.pool.get().await?)
    }

    /// The rows of one statement, which is a transaction.
    pub(super) async fn query(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        for _ in 1..ATTEMPTS {
            match self.query_once(sql, params).await {
                Err(failure) if failure.is_transient() => {}
                outcome => return outcome,
            }
        }
        self.query_once(sql, params).await
    }

    /// The row of a statement that gives at most one.
    pub(super) async fn query_opt(&self, sql: &str, params: Params<'_>) -> Result<Option<Row>> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// The rows of one statement that begins when the locks are held.
    ///
    /// It sees everything that earlier holders of the locks did.
    pub(super) async fn query_locked(
        &self,
        locks: &Locks,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>> {
        for _ in 1..ATTEMPTS {
            match self.query_locked_once(locks, sql, params).await {
                Err(failure) if failure.is_transient() => {}
                outcome => return outcome,
            }
        }
        self.query_locked_once(locks, sql, params).await
    }

    async fn query_once(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let client = self.client().await?;
        let answer = tokio::time::timeout(self.deadline, async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, params).await
        });
        let answer = answer.await;
        finished(client, answer)
    }

    async fn query_locked_once(
        &self,
        locks: &Locks,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>> {
        let client = self.client().await?;
        let answer = tokio::time::timeout(self.deadline, async {
            let lock = client.prepare_cached(LOCK).await?;
            let statement = client.prepare_cached(sql).await?;
            let held: [&(dyn ToSql + Sync); 2] = [&locks.names, &locks.shared];
            // The first poll of each sends it, in this order. After a failure the server
            // skips what follows, and makes of the COMMIT a ROLLBACK.
            let (begun, locked, rows, ended) = tokio::join!(
                biased;
                client.batch_execute("BEGIN"),
                client.query(&lock, &held),
                client.query(&statement, params),
                client.batch_execute("COMMIT"),
            );
            begun?;
            locked?;
            let rows = rows?;
            ended?;
            Ok(rows)
        });
        let answer = answer.await;
        finished(client, answer)
    }
}

/// Gives the connection back, unless the server still owes an answer on it.
fn finished<T>(
    client: Object,
    answer: std::result::Result<
        std::result::Result<T, tokio_postgres::Error>,
        tokio::time::error::Elapsed,
    >,
) -> Result<T> {
    match answer {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            drop(Object::take(client));
            Err(Failure::Late)
        }
    }
}

/// What every connection begins with.
///
/// Plans are made once per connection and serve for all values: a plan of its own for each
/// execution would take longer to make than to run. They are made while a table may still be
/// empty, when reading it as a whole looks cheap. So the planner is left with what suits a
/// table of any size: one lookup by index after the other.
fn setup(schema: &str, limits: Limits) -> String {
    format!(
        "SET search_path = {schema};
         SET default_transaction_isolation = 'read committed';
         SET plan_cache_mode = force_generic_plan;
         SET enable_seqscan = off;
         SET enable_bitmapscan = off;
         SET enable_hashjoin = off;
         SET enable_mergejoin = off;
         SET max_parallel_workers_per_gather = 0;
         SET jit = off;
         SET statement_timeout = {statement};
         SET lock_timeout = {lock};
         SET idle_in_transaction_session_timeout = {statement};
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off'",
        schema = quoted(schema),
        statement = limits.statement.as_millis().max(1),
        lock = limits.lock.as_millis().max(1),
    )
}

/// A name as SQL writes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
