//! The tables of the database. Changing one means another `FORMAT`.

use crate::OpenError;
use chrono::{DateTime, Utc};
use redb::{
    Database, MultimapTableDefinition, ReadableDatabase as _, TableDefinition, TableError,
    TableHandle as _,
};

pub(crate) type Hash = &'static [u8; 32];

/// `"format"`: the version of this layout.
const META: TableDefinition<&str, u64> = TableDefinition::new("federate");
const FORMAT: u64 = 2;

/// Session key to session with participants.
pub(crate) const SESSIONS: TableDefinition<Hash, &[u8]> = TableDefinition::new("sessions");
/// `IndexKey` to session keys.
pub(crate) const SESSION_INDEX: MultimapTableDefinition<&[u8], Hash> =
    MultimapTableDefinition::new("session_index");
/// Second after which a session is swept, and its key.
pub(crate) const SESSION_EXPIRY: TableDefinition<(i64, Hash), ()> =
    TableDefinition::new("session_expiry");
/// `IndexKey::of_subject` to the last revocation of all of the person's sessions.
pub(crate) const REVOCATIONS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("revocations");
/// Second after which a revocation is swept, and its key.
pub(crate) const REVOCATION_EXPIRY: TableDefinition<(i64, &[u8]), ()> =
    TableDefinition::new("revocation_expiry");
/// Namespace and key to one-time value.
pub(crate) const ONE_TIME: TableDefinition<(&str, Hash), &[u8]> = TableDefinition::new("one_time");
/// Second after which a one-time value is swept, and its key.
pub(crate) const ONE_TIME_EXPIRY: TableDefinition<(i64, &str, Hash), ()> =
    TableDefinition::new("one_time_expiry");
/// Logout key to versioned state.
pub(crate) const LOGOUTS: TableDefinition<Hash, &[u8]> = TableDefinition::new("logouts");
/// Second after which a logout is swept, and its key.
pub(crate) const LOGOUT_EXPIRY: TableDefinition<(i64, Hash), ()> =
    TableDefinition::new("logout_expiry");
/// Instant at which a logout is due, as seconds and nanoseconds, and its key.
pub(crate) const LOGOUT_DUE: TableDefinition<(i64, u32, Hash), ()> =
    TableDefinition::new("logout_due");
/// `IndexKey::of_subject` to user.
pub(crate) const USERS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("users");
/// Tenant and user id to the key of `USERS`.
pub(crate) const USER_IDS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("user_ids");

/// The first whole second at which an entry is past its expiry.
pub(crate) fn sweep_second(expires: DateTime<Utc>) -> i64 {
    let partial = i64::from(expires.timestamp_subsec_nanos() > 0);
    expires.timestamp().saturating_add(partial)
}

/// Checks that the database is ours and makes the tables that are missing.
pub(crate) fn prepare(db: &Database) -> Result<(), OpenError> {
    check(db)?;
    let txn = db.begin_write().map_err(OpenError::from_redb)?;
    {
        let mut meta = txn.open_table(META).map_err(OpenError::from_redb)?;
        meta.insert("format", FORMAT)
            .map_err(OpenError::from_redb)?;
        txn.open_table(SESSIONS).map_err(OpenError::from_redb)?;
        txn.open_multimap_table(SESSION_INDEX)
            .map_err(OpenError::from_redb)?;
        txn.open_table(SESSION_EXPIRY)
            .map_err(OpenError::from_redb)?;
        txn.open_table(ONE_TIME).map_err(OpenError::from_redb)?;
        txn.open_table(ONE_TIME_EXPIRY)
            .map_err(OpenError::from_redb)?;
        txn.open_table(LOGOUTS).map_err(OpenError::from_redb)?;
        txn.open_table(LOGOUT_EXPIRY)
            .map_err(OpenError::from_redb)?;
        txn.open_table(LOGOUT_DUE).map_err(OpenError::from_redb)?;
        txn.open_table(REVOCATIONS).map_err(OpenError::from_redb)?;
        txn.open_table(REVOCATION_EXPIRY)
            .map_err(OpenError::from_redb)?;
        txn.open_table(USERS).map_err(OpenError::from_redb)?;
        txn.open_table(USER_IDS).map_err(OpenError::from_redb)?;
    }
    txn.commit().map_err(OpenError::from_redb)
}

/// A database without any table is new; one with tables must say that it is ours.
fn check(db: &Database) -> Result<(), OpenError> {
    let txn = db.begin_read().map_err(OpenError::from_redb)?;
    match txn.open_table(META) {
        Ok(meta) => match meta.get("format").map_err(OpenError::from_redb)? {
            Some(found) if found.value() == FORMAT => Ok(()),
            Some(found) => Err(OpenError::UnsupportedFormat {
                found: found.value(),
            }),
            None => Err(OpenError::Foreign),
        },
        Err(TableError::TableDoesNotExist(_)) => {
            let others = txn
                .list_tables()
                .map_err(OpenError::from_redb)?
                .any(|table| table.name() != META.name());
            let multimaps = txn
                .list_multimap_tables()
                .map_err(OpenError::from_redb)?
                .next()
                .is_some();
            if others || multimaps {
                return Err(OpenError::Foreign);
            }
            Ok(())
        }
        Err(error) => Err(OpenError::from_redb(error)),
    }
}
