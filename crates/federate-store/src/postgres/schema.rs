//! The tables, made and migrated by whoever connects first.

use super::connection::quoted;
use crate::OpenError;
use tokio_postgres::{Client, Error, Transaction};

/// The migrations, oldest first. One that has been released is never changed: add another.
const MIGRATIONS: [&str; 1] = [V1];

/// The oldest server that suits, as `server_version_num` counts.
const OLDEST: u32 = 130_000;

/// `hash` and `subject` are the first half of the SHA-256 of an `IndexKey`.
const V1: &str = "\
CREATE TABLE partitions (
    -- Days since 1970: from the first one to the one before `until`.
    first int PRIMARY KEY,
    until int NOT NULL
);
CREATE TABLE sessions (
    day int NOT NULL,
    revision bigint NOT NULL,
    epoch bigint NOT NULL,
    key bytea NOT NULL,
    subject bytea NOT NULL,
    state bytea NOT NULL,
    record bytea NOT NULL,
    participants bytea NOT NULL,
    PRIMARY KEY (key, day)
) PARTITION BY RANGE (day);
CREATE TABLE session_index (
    day int NOT NULL,
    hash bytea NOT NULL,
    key bytea NOT NULL
) PARTITION BY RANGE (day);
CREATE INDEX ON session_index (hash);
CREATE TABLE revocations (
    subject bytea PRIMARY KEY,
    epoch bigint NOT NULL,
    retain_until bigint NOT NULL,
    value bytea NOT NULL
);
CREATE INDEX ON revocations (retain_until);
CREATE TABLE one_time (
    expires bigint NOT NULL,
    namespace bytea NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (key, namespace)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX ON one_time (expires);
CREATE TABLE logouts (
    version bigint NOT NULL,
    expires bigint NOT NULL,
    due bigint,
    key bytea PRIMARY KEY,
    value bytea NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX ON logouts (expires);
CREATE INDEX ON logouts (due) WHERE due IS NOT NULL;
CREATE TABLE users (
    revision bigint NOT NULL,
    subject bytea PRIMARY KEY,
    tenant bytea NOT NULL,
    id bytea NOT NULL,
    value bytea NOT NULL,
    UNIQUE (tenant, id)
) WITH (fillfactor = 90);
";

/// Checks the server, and brings the schema to this version.
///
/// Of those who come at the same time one does it, and the others find it done.
pub(super) async fn prepare(client: &mut Client, schema: &str) -> Result<(), OpenError> {
    check_server(client).await?;
    let transaction = client.transaction().await.map_err(refused)?;
    transaction
        .execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
            &[&format!("federate migrates {schema}")],
        )
        .await
        .map_err(refused)?;
    let done = match version(&transaction, schema).await? {
        Some(done) => done,
        None => begin(&transaction, schema).await?,
    };
    let known = MIGRATIONS.len() as u64;
    if done > known {
        return Err(OpenError::UnsupportedFormat { found: done });
    }
    let search_path = format!("SET LOCAL search_path = {}", quoted(schema));
    transaction
        .batch_execute(&search_path)
        .await
        .map_err(refused)?;
    for (migration, number) in MIGRATIONS.iter().zip(1_u64..) {
        if number > done {
            transaction
                .batch_execute(migration)
                .await
                .map_err(refused)?;
        }
    }
    if done < known {
        transaction
            .execute("UPDATE federate SET version = $1", &[&known.cast_signed()])
            .await
            .map_err(refused)?;
    }
    transaction.commit().await.map_err(refused)
}

async fn check_server(client: &Client) -> Result<(), OpenError> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num'), current_setting('server_version'),
                    current_setting('fsync')",
            &[],
        )
        .await
        .map_err(refused)?;
    let column = |column| row.try_get::<_, String>(column).map_err(refused);
    check_settings(&column(0)?, &column(1)?, &column(2)?)
}

fn check_settings(number: &str, version: &str, fsync: &str) -> Result<(), OpenError> {
    if number.parse().unwrap_or(0) < OLDEST {
        return Err(OpenError::Unsuitable {
            expected: "PostgreSQL 13 or later",
            found: version.to_owned(),
        });
    }
    if fsync != "on" {
        return Err(OpenError::Unsuitable {
            expected: "fsync = on",
            found: format!("fsync = {fsync}"),
        });
    }
    Ok(())
}

/// How many migrations the schema has had; `None` when it is empty or not there.
async fn version(transaction: &Transaction<'_>, schema: &str) -> Result<Option<u64>, OpenError> {
    let names = transaction
        .query(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1",
            &[&schema],
        )
        .await
        .map_err(refused)?;
    if names.is_empty() {
        return Ok(None);
    }
    let is_ours = names.iter().any(|row| {
        row.try_get::<_, &str>(0)
            .is_ok_and(|name| name == "federate")
    });
    if !is_ours {
        return Err(OpenError::Foreign);
    }
    let query = format!("SELECT version FROM {}.federate", quoted(schema));
    let row = transaction.query_opt(&query, &[]).await;
    let found: Option<i64> = row.ok().flatten().and_then(|row| row.try_get(0).ok());
    match found.and_then(|found| u64::try_from(found).ok()) {
        Some(found) => Ok(Some(found)),
        None => Err(OpenError::Foreign),
    }
}

async fn begin(transaction: &Transaction<'_>, schema: &str) -> Result<u64, OpenError> {
    // Whoever may not make schemas may find an empty one that was made for them.
    let is_there = transaction
        .query_opt("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema])
        .await
        .map_err(refused)?
        .is_some();
    let schema = quoted(schema);
    if !is_there {
        let create = format!("CREATE SCHEMA {schema}");
        transaction.batch_execute(&create).await.map_err(refused)?;
    }
    let create = format!(
        "CREATE TABLE {schema}.federate (version bigint NOT NULL);
         INSERT INTO {schema}.federate VALUES (0)"
    );
    transaction.batch_execute(&create).await.map_err(refused)?;
    Ok(0)
}

/// The connection was there: what fails now is a matter of the database.
fn refused(error: Error) -> OpenError {
    match error.is_closed() {
        true => OpenError::Unreachable(Box::new(error)),
        false => OpenError::Database(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_do_not_suit_are_told() {
        check_settings("130000", "13.0", "on").unwrap();
        for (number, fsync) in [("120018", "on"), ("", "on"), ("150000", "off")] {
            let refused = check_settings(number, "x", fsync).unwrap_err();
            assert_eq!(refused.code(), "store.unsuitable");
        }
    }
}
