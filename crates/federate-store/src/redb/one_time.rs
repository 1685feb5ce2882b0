//! The verbs of one-time values, within one transaction.

use super::error::OrFailed as _;
use super::sessions::MAKE_ROOM;
use super::tables::{Hash, ONE_TIME, ONE_TIME_EXPIRY, Octets, View, sweep_second};
use super::writer::Done;
use crate::codec::{decode, encode};
use chrono::{DateTime, Utc};
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, PutNew, Redemption, StoreError};
use redb::{ReadableTable, ReadableTableMetadata as _, Table, WriteTransaction};
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

pub(crate) fn peek(view: &View, key: Key, now: DateTime<Utc>) -> Result<Option<Vec<u8>>> {
    let stored = row(&view.one_time, key)?.filter(|stored| now < stored.expires);
    Ok(stored.map(|stored| stored.value))
}

fn row(
    rows: &impl ReadableTable<(&'static str, Hash), Octets>,
    (namespace, key): Key,
) -> Result<Option<Stored>> {
    rows.get((namespace.as_str(), key.as_bytes()))
        .or_failed()?
        .map(|octets| decode(WHAT, octets.value()))
        .transpose()
}

/// The tables of one-time values.
pub(crate) struct OneTime<'txn> {
    rows: Table<'txn, (&'static str, Hash), Octets>,
    expiry: Table<'txn, (i64, &'static str, Hash), ()>,
}

impl<'txn> OneTime<'txn> {
    pub(crate) fn open(txn: &'txn WriteTransaction) -> std::result::Result<Self, redb::TableError> {
        Ok(Self {
            rows: txn.open_table(ONE_TIME)?,
            expiry: txn.open_table(ONE_TIME_EXPIRY)?,
        })
    }

    pub(crate) fn put_new(
        &mut self,
        entry: OneTimeEntry,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<Done<PutNew>> {
        entry.check(now)?;
        let before = row(&self.rows, (entry.namespace, entry.key))?;
        if before.as_ref().is_some_and(|stored| now < stored.expires) {
            return Ok(Done::Unchanged(PutNew::AlreadyPresent));
        }
        self.make_room(capacity, now)?;
        self.insert(entry, before)?;
        Ok(Done::Changed(PutNew::Inserted))
    }

    pub(crate) fn take(&mut self, key: Key, now: DateTime<Utc>) -> Result<Done<Option<Vec<u8>>>> {
        let Some(stored) = row(&self.rows, key)? else {
            return Ok(Done::Unchanged(None));
        };
        self.remove(key, stored.expires)?;
        Ok(Done::Changed(
            (now < stored.expires).then_some(stored.value),
        ))
    }

    pub(crate) fn redeem(
        &mut self,
        request: Option<Key>,
        replay: OneTimeEntry,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<Done<Redemption>> {
        replay.check(now)?;
        let before = row(&self.rows, (replay.namespace, replay.key))?;
        if before.as_ref().is_some_and(|stored| now < stored.expires) {
            return Ok(Done::Unchanged(Redemption::Replayed));
        }
        let request = match request {
            None => {
                self.make_room(capacity, now)?; // otherwise the request's own place is free
                None
            }
            Some(key) => match row(&self.rows, key)?.filter(|stored| now < stored.expires) {
                None => return Ok(Done::Unchanged(Redemption::UnknownRequest)),
                Some(stored) => {
                    self.remove(key, stored.expires)?;
                    Some(stored.value)
                }
            },
        };
        self.insert(replay, before)?;
        Ok(Done::Changed(Redemption::Redeemed { request }))
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
        Ok(self.rows.len().or_failed()? >= capacity as u64)
    }

    /// Stores an entry, in the place of an expired one.
    fn insert(&mut self, entry: OneTimeEntry, before: Option<Stored>) -> Result<()> {
        let (namespace, key) = (entry.namespace, entry.key);
        let second = sweep_second(entry.expires);
        let stored = Stored {
            expires: entry.expires,
            value: entry.value,
        };
        let octets = encode(&stored)?;
        if let Some(expired) = before {
            self.remove((namespace, key), expired.expires)?;
        }
        self.rows
            .insert((namespace.as_str(), key.as_bytes()), octets.as_slice())
            .or_failed()?;
        self.expiry
            .insert((second, namespace.as_str(), key.as_bytes()), ())
            .or_failed()?;
        Ok(())
    }

    fn remove(&mut self, (namespace, key): Key, expires: DateTime<Utc>) -> Result<()> {
        self.rows
            .remove((namespace.as_str(), key.as_bytes()))
            .or_failed()?;
        self.expiry
            .remove((sweep_second(expires), namespace.as_str(), key.as_bytes()))
            .or_failed()?;
        Ok(())
    }

    pub(crate) fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> Result<usize> {
        let mut due = Vec::new();
        let end = (now.timestamp().saturating_add(1), "", &[0; 32]);
        for entry in self
            .expiry
            .range::<(i64, &str, Hash)>(..end)
            .or_failed()?
            .take(limit)
        {
            let (entry, _) = entry.or_failed()?;
            let (second, namespace, key) = entry.value();
            due.push((second, namespace.to_owned(), *key));
        }
        for (second, namespace, key) in &due {
            self.rows.remove((namespace.as_str(), key)).or_failed()?;
            self.expiry
                .remove((*second, namespace.as_str(), key))
                .or_failed()?;
        }
        Ok(due.len())
    }
}
