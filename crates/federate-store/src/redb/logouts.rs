//! The verbs of running logouts, within one transaction.

use super::error::OrFailed as _;
use super::sessions::MAKE_ROOM;
use super::tables::{Hash, LOGOUT_DUE, LOGOUT_EXPIRY, LOGOUTS, Octets, View, sweep_second};
use super::writer::Done;
use crate::codec::{decode, encode};
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{Claimed, LogoutKey, LogoutScope, StoreError, Versioned};
use redb::{ReadableTable, ReadableTableMetadata as _, Table, WriteTransaction};
use serde::{Deserialize, Serialize};

const WHAT: &str = "logout";

type Result<T> = std::result::Result<T, StoreError>;

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    #[serde(with = "federate_session::instant")]
    expires: DateTime<Utc>,
    #[serde(with = "federate_session::instant::option")]
    due: Option<DateTime<Utc>>,
    value: Vec<u8>,
}

impl From<Stored> for Versioned {
    fn from(stored: Stored) -> Self {
        Self {
            version: stored.version,
            value: stored.value,
            expires: stored.expires,
            due: stored.due,
        }
    }
}

impl From<Versioned> for Stored {
    fn from(state: Versioned) -> Self {
        Self {
            version: state.version,
            value: state.value,
            expires: state.expires,
            due: state.due,
        }
    }
}

pub(crate) fn load(view: &View, key: &LogoutKey, now: DateTime<Utc>) -> Result<Option<Versioned>> {
    Ok(row(&view.logouts, key)?.filter(|state| now < state.expires))
}

fn row(rows: &impl ReadableTable<Hash, Octets>, key: &LogoutKey) -> Result<Option<Versioned>> {
    rows.get(key.as_bytes())
        .or_failed()?
        .map(|octets| decode::<Stored>(WHAT, octets.value()).map(Versioned::from))
        .transpose()
}

pub(crate) fn is_any_due(view: &View, scope: LogoutScope, now: DateTime<Utc>) -> Result<bool> {
    Ok(!due(&view.logout_due, scope, now, 1)?.is_empty())
}

/// What is due, the longest due first.
fn due(
    order: &impl ReadableTable<(i64, u32, Hash), ()>,
    scope: LogoutScope,
    now: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<(Instant, LogoutKey)>> {
    let (second, nano) = parts(now);
    let last = (second, nano, &[0xff; 32]);
    let entries = order.range::<(i64, u32, Hash)>(..=last).or_failed()?;
    let due = entries.map(|entry| {
        let (entry, _) = entry.or_failed()?;
        let (second, nano, key) = entry.value();
        Ok(((second, nano), LogoutKey::new(*key)))
    });
    let ours = |entry: &Result<(Instant, LogoutKey)>| match entry {
        Ok((_, key)) => key.is_within(scope),
        Err(_) => true,
    };
    due.filter(ours).take(limit).collect()
}

/// The tables of running logouts.
pub(crate) struct Logouts<'txn> {
    rows: Table<'txn, Hash, Octets>,
    expiry: Table<'txn, (i64, Hash), ()>,
    due: Table<'txn, (i64, u32, Hash), ()>,
}

type Instant = (i64, u32);

fn parts(instant: DateTime<Utc>) -> Instant {
    (instant.timestamp(), instant.timestamp_subsec_nanos())
}

impl<'txn> Logouts<'txn> {
    pub(crate) fn open(txn: &'txn WriteTransaction) -> std::result::Result<Self, redb::TableError> {
        Ok(Self {
            rows: txn.open_table(LOGOUTS)?,
            expiry: txn.open_table(LOGOUT_EXPIRY)?,
            due: txn.open_table(LOGOUT_DUE)?,
        })
    }

    pub(crate) fn create(
        &mut self,
        key: &LogoutKey,
        state: Versioned,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<Done<u64>> {
        state.check(now)?;
        if row(&self.rows, key)?.is_some() {
            return Err(StoreError::AlreadyExists { what: WHAT });
        }
        if self.is_full(capacity)? {
            self.sweep(now, MAKE_ROOM)?;
        }
        if self.is_full(capacity)? {
            return Err(StoreError::Full { what: WHAT });
        }
        let version = state.version;
        let second = sweep_second(state.expires);
        self.put(key, state, None)?;
        self.expiry
            .insert((second, key.as_bytes()), ())
            .or_failed()?;
        Ok(Done::Changed(version))
    }

    pub(crate) fn compare_and_swap(
        &mut self,
        key: &LogoutKey,
        version: u64,
        value: Vec<u8>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Done<u64>> {
        let state = row(&self.rows, key)?.ok_or(StoreError::Conflict)?;
        let next = state.next(version, value, due, now)?;
        let version = next.version;
        self.put(key, next, state.due)?;
        Ok(Done::Changed(version))
    }

    pub(crate) fn claim_due(
        &mut self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> Result<Done<Vec<Claimed>>> {
        let mut claimed = Vec::new();
        for (instant, key) in due(&self.due, scope, now, limit)? {
            match row(&self.rows, &key)?.filter(|state| now < state.expires) {
                Some(mut state) => {
                    let former = state.due;
                    state.due = now.checked_add_signed(lease);
                    self.put(&key, state.clone(), former)?;
                    claimed.push(Claimed { key, state });
                }
                None => self.forget_due(instant, &key)?,
            }
        }
        Ok(Done::Changed(claimed))
    }

    fn is_full(&self, capacity: usize) -> Result<bool> {
        let len = self.rows.len().or_failed()?;
        Ok(len >= capacity as u64)
    }

    /// Stores a state, which was due at `former` until now.
    fn put(
        &mut self,
        key: &LogoutKey,
        state: Versioned,
        former: Option<DateTime<Utc>>,
    ) -> Result<()> {
        if let Some(former) = former {
            self.forget_due(parts(former), key)?;
        }
        if let Some((second, nano)) = state.due.map(parts) {
            self.due
                .insert((second, nano, key.as_bytes()), ())
                .or_failed()?;
        }
        let octets = encode(&Stored::from(state))?;
        self.rows
            .insert(key.as_bytes(), octets.as_slice())
            .or_failed()?;
        Ok(())
    }

    fn forget_due(&mut self, (second, nano): Instant, key: &LogoutKey) -> Result<()> {
        self.due
            .remove((second, nano, key.as_bytes()))
            .or_failed()?;
        Ok(())
    }

    pub(crate) fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> Result<usize> {
        let mut due = Vec::new();
        let end = (now.timestamp().saturating_add(1), &[0; 32]);
        for entry in self
            .expiry
            .range::<(i64, Hash)>(..end)
            .or_failed()?
            .take(limit)
        {
            let (entry, _) = entry.or_failed()?;
            let (second, key) = entry.value();
            due.push((second, *key));
        }
        for (second, key) in &due {
            let due = self
                .rows
                .remove(key)
                .or_failed()?
                .and_then(|octets| decode::<Stored>(WHAT, octets.value()).ok())
                .and_then(|stored| stored.due);
            if let Some(due) = due {
                self.forget_due(parts(due), &LogoutKey::new(*key))?;
            }
            self.expiry.remove((*second, key)).or_failed()?;
        }
        Ok(due.len())
    }
}
