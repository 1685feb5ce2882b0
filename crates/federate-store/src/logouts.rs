//! The verbs of running logouts, within one transaction.

use crate::codec::{decode, encode};
use crate::sessions::MAKE_ROOM;
use crate::tables::{Hash, LOGOUT_EXPIRY, LOGOUTS, sweep_second};
use crate::writer::Done;
use chrono::{DateTime, Utc};
use federate_session::{LogoutKey, StoreError, Versioned};
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata as _, Table, WriteTransaction};
use serde::{Deserialize, Serialize};

const WHAT: &str = "logout";

type Result<T> = std::result::Result<T, StoreError>;

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    #[serde(with = "federate_session::instant")]
    expires: DateTime<Utc>,
    value: Vec<u8>,
}

impl From<Stored> for Versioned {
    fn from(stored: Stored) -> Self {
        Self {
            version: stored.version,
            value: stored.value,
            expires: stored.expires,
        }
    }
}

impl From<Versioned> for Stored {
    fn from(state: Versioned) -> Self {
        Self {
            version: state.version,
            value: state.value,
            expires: state.expires,
        }
    }
}

pub(crate) fn load(
    txn: &ReadTransaction,
    key: &LogoutKey,
    now: DateTime<Utc>,
) -> Result<Option<Versioned>> {
    let rows = txn.open_table(LOGOUTS).map_err(StoreError::unavailable)?;
    Ok(row(&rows, key)?.filter(|state| now < state.expires))
}

fn row(
    rows: &impl ReadableTable<Hash, &'static [u8]>,
    key: &LogoutKey,
) -> Result<Option<Versioned>> {
    rows.get(key.as_bytes())
        .map_err(StoreError::unavailable)?
        .map(|octets| decode::<Stored>(WHAT, octets.value()).map(Versioned::from))
        .transpose()
}

pub(crate) fn create(
    txn: &WriteTransaction,
    key: &LogoutKey,
    state: Versioned,
    capacity: usize,
    now: DateTime<Utc>,
) -> Result<Done<u64>> {
    state.check(now)?;
    let mut tables = Logouts::open(txn)?;
    if row(&tables.rows, key)?.is_some() {
        return Err(StoreError::AlreadyExists { what: WHAT });
    }
    if tables.is_full(capacity)? {
        tables.sweep(now, MAKE_ROOM)?;
    }
    if tables.is_full(capacity)? {
        return Err(StoreError::Full { what: WHAT });
    }
    let version = state.version;
    let second = sweep_second(state.expires);
    tables.put(key, state)?;
    tables
        .expiry
        .insert((second, key.as_bytes()), ())
        .map_err(StoreError::unavailable)?;
    Ok(Done::Changed(version))
}

pub(crate) fn compare_and_swap(
    txn: &WriteTransaction,
    key: &LogoutKey,
    version: u64,
    value: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<Done<u64>> {
    let mut tables = Logouts::open(txn)?;
    let state = row(&tables.rows, key)?.ok_or(StoreError::Conflict)?;
    let next = state.next(version, value, now)?;
    let version = next.version;
    tables.put(key, next)?;
    Ok(Done::Changed(version))
}

pub(crate) fn sweep(txn: &WriteTransaction, now: DateTime<Utc>, limit: usize) -> Result<usize> {
    Logouts::open(txn)?.sweep(now, limit)
}

/// The tables of running logouts.
struct Logouts<'txn> {
    rows: Table<'txn, Hash, &'static [u8]>,
    expiry: Table<'txn, (i64, Hash), ()>,
}

impl<'txn> Logouts<'txn> {
    fn open(txn: &'txn WriteTransaction) -> Result<Self> {
        Ok(Self {
            rows: txn.open_table(LOGOUTS).map_err(StoreError::unavailable)?,
            expiry: txn
                .open_table(LOGOUT_EXPIRY)
                .map_err(StoreError::unavailable)?,
        })
    }

    fn is_full(&self, capacity: usize) -> Result<bool> {
        let len = self.rows.len().map_err(StoreError::unavailable)?;
        Ok(len >= capacity as u64)
    }

    fn put(&mut self, key: &LogoutKey, state: Versioned) -> Result<()> {
        let octets = encode(&Stored::from(state))?;
        self.rows
            .insert(key.as_bytes(), octets.as_slice())
            .map_err(StoreError::unavailable)?;
        Ok(())
    }

    fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> Result<usize> {
        let mut due = Vec::new();
        let end = (now.timestamp().saturating_add(1), &[0; 32]);
        for entry in self
            .expiry
            .range::<(i64, Hash)>(..end)
            .map_err(StoreError::unavailable)?
            .take(limit)
        {
            let (entry, _) = entry.map_err(StoreError::unavailable)?;
            let (second, key) = entry.value();
            due.push((second, *key));
        }
        for (second, key) in &due {
            self.rows.remove(key).map_err(StoreError::unavailable)?;
            self.expiry
                .remove((*second, key))
                .map_err(StoreError::unavailable)?;
        }
        Ok(due.len())
    }
}
