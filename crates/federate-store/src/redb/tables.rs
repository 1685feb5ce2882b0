//! The tables of the database. Changing one means another `FORMAT`.

use super::error::OrFailed as _;
use super::{logouts::Logouts, one_time::OneTime, sessions::Sessions, users::Users};
use crate::OpenError;
use chrono::{DateTime, Utc};
use federate_session::StoreError;
use redb::{
    Database, ReadOnlyTable, ReadableDatabase as _, TableDefinition, TableError, TableHandle as _,
    WriteTransaction,
};

pub(crate) type Hash = &'static [u8; 32];
/// What an index key is hashed to.
pub(crate) type Place = &'static [u8; 16];
pub(crate) type Octets = &'static [u8];

/// `"format"`: the version of this layout.
const META: TableDefinition<&str, u64> = TableDefinition::new("federate");
const FORMAT: u64 = 3;

/// Session key to the part of a session that changes, with its number.
pub(crate) const LIVES: TableDefinition<Hash, Octets> = TableDefinition::new("session_lives");
/// Session number and 0 to the part that never changes; and 1.. to its participants.
pub(crate) const SESSIONS: TableDefinition<(u64, u16), Octets> = TableDefinition::new("sessions");
/// Hash of an `IndexKey` and session number.
pub(crate) const SESSION_INDEX: TableDefinition<(Place, u64), ()> =
    TableDefinition::new("session_index");
/// Second after which a session is swept, and its number.
pub(crate) const SESSION_EXPIRY: TableDefinition<(i64, u64), ()> =
    TableDefinition::new("session_expiry");
/// Hash of `IndexKey::of_subject` to the last revocation of all of the person's sessions.
pub(crate) const REVOCATIONS: TableDefinition<Hash, Octets> = TableDefinition::new("revocations");
/// Second after which a revocation is swept, and its key.
pub(crate) const REVOCATION_EXPIRY: TableDefinition<(i64, Hash), ()> =
    TableDefinition::new("revocation_expiry");
/// Namespace and key to one-time value.
pub(crate) const ONE_TIME: TableDefinition<(&str, Hash), Octets> = TableDefinition::new("one_time");
/// Second after which a one-time value is swept, and its key.
pub(crate) const ONE_TIME_EXPIRY: TableDefinition<(i64, &str, Hash), ()> =
    TableDefinition::new("one_time_expiry");
/// Logout key to versioned state.
pub(crate) const LOGOUTS: TableDefinition<Hash, Octets> = TableDefinition::new("logouts");
/// Second after which a logout is swept, and its key.
pub(crate) const LOGOUT_EXPIRY: TableDefinition<(i64, Hash), ()> =
    TableDefinition::new("logout_expiry");
/// Instant at which a logout is due, as seconds and nanoseconds, and its key.
pub(crate) const LOGOUT_DUE: TableDefinition<(i64, u32, Hash), ()> =
    TableDefinition::new("logout_due");
/// `IndexKey::of_subject` to user.
pub(crate) const USERS: TableDefinition<Octets, Octets> = TableDefinition::new("users");
/// Tenant and user id to the key of `USERS`.
pub(crate) const USER_IDS: TableDefinition<(&str, &str), Octets> = TableDefinition::new("user_ids");

/// The first whole second at which an entry is past its expiry.
pub(crate) fn sweep_second(expires: DateTime<Utc>) -> i64 {
    let partial = i64::from(expires.timestamp_subsec_nanos() > 0);
    expires.timestamp().saturating_add(partial)
}

/// What the last committed transaction left, with its tables open: readers share it.
pub(crate) struct View {
    pub(crate) lives: ReadOnlyTable<Hash, Octets>,
    pub(crate) sessions: ReadOnlyTable<(u64, u16), Octets>,
    pub(crate) index: ReadOnlyTable<(Place, u64), ()>,
    pub(crate) revocations: ReadOnlyTable<Hash, Octets>,
    pub(crate) one_time: ReadOnlyTable<(&'static str, Hash), Octets>,
    pub(crate) logouts: ReadOnlyTable<Hash, Octets>,
    pub(crate) logout_due: ReadOnlyTable<(i64, u32, Hash), ()>,
    pub(crate) users: ReadOnlyTable<Octets, Octets>,
    pub(crate) user_ids: ReadOnlyTable<(&'static str, &'static str), Octets>,
}

impl View {
    pub(crate) fn open(db: &Database) -> Result<Self, redb::Error> {
        let txn = db.begin_read()?;
        Ok(Self {
            lives: txn.open_table(LIVES)?,
            sessions: txn.open_table(SESSIONS)?,
            index: txn.open_table(SESSION_INDEX)?,
            revocations: txn.open_table(REVOCATIONS)?,
            one_time: txn.open_table(ONE_TIME)?,
            logouts: txn.open_table(LOGOUTS)?,
            logout_due: txn.open_table(LOGOUT_DUE)?,
            users: txn.open_table(USERS)?,
            user_ids: txn.open_table(USER_IDS)?,
        })
    }
}

/// The tables of one write transaction, each kind opened by the first verb that needs it.
pub(crate) struct Tables<'txn> {
    txn: &'txn WriteTransaction,
    sessions: Option<Sessions<'txn>>,
    one_time: Option<OneTime<'txn>>,
    logouts: Option<Logouts<'txn>>,
    users: Option<Users<'txn>>,
}

impl<'txn> Tables<'txn> {
    pub(crate) const fn new(txn: &'txn WriteTransaction) -> Self {
        Self {
            txn,
            sessions: None,
            one_time: None,
            logouts: None,
            users: None,
        }
    }

    pub(crate) fn sessions(&mut self) -> Result<&mut Sessions<'txn>, StoreError> {
        match &mut self.sessions {
            Some(open) => Ok(open),
            none => Ok(none.insert(Sessions::open(self.txn).or_failed()?)),
        }
    }

    pub(crate) fn one_time(&mut self) -> Result<&mut OneTime<'txn>, StoreError> {
        match &mut self.one_time {
            Some(open) => Ok(open),
            none => Ok(none.insert(OneTime::open(self.txn).or_failed()?)),
        }
    }

    pub(crate) fn logouts(&mut self) -> Result<&mut Logouts<'txn>, StoreError> {
        match &mut self.logouts {
            Some(open) => Ok(open),
            none => Ok(none.insert(Logouts::open(self.txn).or_failed()?)),
        }
    }

    pub(crate) fn users(&mut self) -> Result<&mut Users<'txn>, StoreError> {
        match &mut self.users {
            Some(open) => Ok(open),
            none => Ok(none.insert(Users::open(self.txn).or_failed()?)),
        }
    }
}

/// Checks that the database is ours and makes the tables that are missing.
pub(crate) fn prepare(db: &Database) -> Result<(), OpenError> {
    if check(db)? {
        return Ok(());
    }
    make(db).map_err(OpenError::from_redb)
}

fn make(db: &Database) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    txn.open_table(META)?.insert("format", FORMAT)?;
    Sessions::open(&txn)?;
    OneTime::open(&txn)?;
    Logouts::open(&txn)?;
    Users::open(&txn)?;
    txn.commit()?;
    Ok(())
}

/// Whether the database has its tables. One without any is new; one with tables must say that
/// it is ours.
pub(crate) fn check(db: &Database) -> Result<bool, OpenError> {
    let txn = db.begin_read().map_err(OpenError::from_redb)?;
    match txn.open_table(META) {
        Ok(meta) => match meta.get("format").map_err(OpenError::from_redb)? {
            Some(found) if found.value() == FORMAT => {
                // All were made with the format, in one transaction.
                View::open(db).map_err(OpenError::from_redb)?;
                Ok(true)
            }
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
            Ok(false)
        }
        Err(error) => Err(OpenError::from_redb(error)),
    }
}
