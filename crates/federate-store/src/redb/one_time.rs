//! The verbs of one-time values, within one transaction.

use super::sessions::MAKE_ROOM;
use super::tables::{Hash, ONE_TIME, ONE_TIME_EXPIRY, sweep_second};
use super::writer::Done;
use crate::codec::{decode, encode};
use chrono::{DateTime, Utc};
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, PutNew, Redemption, StoreError};
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata as _, Table, WriteTransaction};
use serde::{Deserialize, Serialize};

const WHAT: &str = "one-time value";

type Result<T> = std::result::Result<T, StoreError>;
type Key = (Namespace, OneTimeKey);

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(with = "federate_session::instant")]
    expires: DateTime<Utc>,
    value: Vec<u8>,
}

pub(crate) fn put_new(
    txn: &WriteTransaction,
    entry: OneTimeEntry,
    capacity: usize,
    now: DateTime<Utc>,
) -> Result<Done<PutNew>> {
    entry.check(now)?;
    let mut tables = OneTime::open(txn)?;
    let before = row(&tables.rows, (entry.namespace, entry.key))?;
    if before.as_ref().is_some_and(|stored| now < stored.expires) {
        return Ok(Done::Unchanged(PutNew::AlreadyPresent));
    }
    tables.make_room(capacity, now)?;
    tables.insert(entry)?;
    Ok(Done::Changed(PutNew::Inserted))
}

pub(crate) fn peek(txn: &ReadTransaction, key: Key, now: DateTime<Utc>) -> Result<Option<Vec<u8>>> {
    let rows = txn.open_table(ONE_TIME).map_err(StoreError::unavailable)?;
    let stored = row(&rows, key)?.filter(|stored| now < stored.expires);
    Ok(stored.map(|stored| stored.value))
}

fn row(
    rows: &impl ReadableTable<(&'static str, Hash), &'static [u8]>,
    (namespace, key): Key,
) -> Result<Option<Stored>> {
    rows.get((namespace.as_str(), key.as_bytes()))
        .map_err(StoreError::unavailable)?
        .map(|octets| decode(WHAT, octets.value()))
        .transpose()
}

pub(crate) fn take(
    txn: &WriteTransaction,
    key: Key,
    now: DateTime<Utc>,
) -> Result<Done<Option<Vec<u8>>>> {
    let mut tables = OneTime::open(txn)?;
    let Some(stored) = row(&tables.rows, key)? else {
        return Ok(Done::Unchanged(None));
    };
    tables.remove(key, stored.expires)?;
    Ok(Done::Changed(
        (now < stored.expires).then_some(stored.value),
    ))
}

pub(crate) fn redeem(
    txn: &WriteTransaction,
    request: Option<Key>,
    replay: OneTimeEntry,
    capacity: usize,
    now: DateTime<Utc>,
) -> Result<Done<Redemption>> {
    replay.check(now)?;
    let mut tables = OneTime::open(txn)?;
    let before = row(&tables.rows, (replay.namespace, replay.key))?;
    if before.as_ref().is_some_and(|stored| now < stored.expires) {
        return Ok(Done::Unchanged(Redemption::Replayed));
    }
    let request = match request {
        None => {
            tables.make_room(capacity, now)?; // otherwise the request's own place is free
            None
        }
        Some(key) => match row(&tables.rows, key)?.filter(|stored| now < stored.expires) {
            None => return Ok(Done::Unchanged(Redemption::UnknownRequest)),
            Some(stored) => {
                tables.remove(key, stored.expires)?;
                Some(stored.value)
            }
        },
    };
    tables.insert(replay)?;
    Ok(Done::Changed(Redemption::Redeemed { request }))
}

pub(crate) fn sweep(txn: &WriteTransaction, now: DateTime<Utc>, limit: usize) -> Result<usize> {
    OneTime::open(txn)?.sweep(now, limit)
}

/// The tables of one-time values.
struct OneTime<'txn> {
    rows: Table<'txn, (&'static str, Hash), &'static [u8]>,
    expiry: Table<'txn, (i64, &'static str, Hash), ()>,
}

impl<'txn> OneTime<'txn> {
    fn open(txn: &'txn WriteTransaction) -> Result<Self> {
        Ok(Self {
            rows: txn.open_table(ONE_TIME).map_err(StoreError::unavailable)?,
            expiry: txn
                .open_table(ONE_TIME_EXPIRY)
                .map_err(StoreError::unavailable)?,
        })
    }

    fn make_room(&mut self, capacity: usize, now: DateTime<Utc>) -> Result<()> {
        if self.is_full(capacity)? {
            self.sweep(now, MAKE_ROOM)?;
        }
        if self.is_full(capacity)? {
            return Err(StoreError::Full { what: WHAT });
        }
        Ok(())
    }

    fn is_full(&self, capacity: usize) -> Result<bool> {
        let len = self.rows.len().map_err(StoreError::unavailable)?;
        Ok(len >= capacity as u64)
    }

    fn insert(&mut self, entry: OneTimeEntry) -> Result<()> {
        let (namespace, key) = (entry.namespace, entry.key);
        let second = sweep_second(entry.expires);
        let stored = Stored {
            expires: entry.expires,
            value: entry.value,
        };
        let octets = encode(&stored)?;
        if let Some(expired) = row(&self.rows, (namespace, key))? {
            self.remove((namespace, key), expired.expires)?;
        }
        self.rows
            .insert((namespace.as_str(), key.as_bytes()), octets.as_slice())
            .map_err(StoreError::unavailable)?;
        self.expiry
            .insert((second, namespace.as_str(), key.as_bytes()), ())
            .map_err(StoreError::unavailable)?;
        Ok(())
    }

    fn remove(&mut self, (namespace, key): Key, expires: DateTime<Utc>) -> Result<()> {
        self.rows
            .remove((namespace.as_str(), key.as_bytes()))
            .map_err(StoreError::unavailable)?;
        self.expiry
            .remove((sweep_second(expires), namespace.as_str(), key.as_bytes()))
            .map_err(StoreError::unavailable)?;
        Ok(())
    }

    fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> Result<usize> {
        let mut due = Vec::new();
        let end = (now.timestamp().saturating_add(1), "", &[0; 32]);
        for entry in self
            .expiry
            .range::<(i64, &str, Hash)>(..end)
            .map_err(StoreError::unavailable)?
            .take(limit)
        {
            let (entry, _) = entry.map_err(StoreError::unavailable)?;
            let (second, namespace, key) = entry.value();
            due.push((second, namespace.to_owned(), *key));
        }
        for (second, namespace, key) in &due {
            self.rows
                .remove((namespace.as_str(), key))
                .map_err(StoreError::unavailable)?;
            self.expiry
                .remove((*second, namespace.as_str(), key))
                .map_err(StoreError::unavailable)?;
        }
        Ok(due.len())
    }
}
