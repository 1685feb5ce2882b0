//! Running logouts, in shards: a row and its place in the order of what is due lie on one
//! node and change in one step.

use super::keys::{LOGOUT_MARGIN, SHARDS, shard, time_to_live};
use super::server::{Call, Care, Result, Retry, Server, Write, seal};
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{Claimed, LogoutKey, LogoutScope, StoreError, Versioned};
use futures_util::future::{join_all, try_join_all};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

const WHAT: &str = "logout";

/// How many logouts are looked at at the same time.
const AT_ONCE: usize = 64;

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    #[serde(with = "federate_session::instant")]
    expires: DateTime<Utc>,
    #[serde(with = "federate_session::instant::option")]
    due: Option<DateTime<Utc>>,
    value: Vec<u8>,
}

impl Stored {
    fn new(state: &Versioned) -> Self {
        Self {
            version: state.version,
            expires: state.expires,
            due: state.due,
            value: state.value.clone(),
        }
    }

    fn into_state(self) -> Versioned {
        Versioned {
            version: self.version,
            value: self.value,
            expires: self.expires,
            due: self.due,
        }
    }
}

/// Where an instant stands in the order: in microseconds, which never puts a later one before
/// an earlier one. What is due is decided by the row.
fn score(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros()
}

impl Server {
    pub(crate) async fn create_logout(
        &self,
        key: &LogoutKey,
        state: Versioned,
        now: DateTime<Utc>,
    ) -> Result<u64> {
        state.check(now)?;
        let ttl = time_to_live(state.expires, now, LOGOUT_MARGIN);
        match self
            .schedule(Care::New, key, None, &state, Some(ttl))
            .await?
        {
            true => Ok(state.version),
            false => Err(StoreError::AlreadyExists { what: WHAT }),
        }
    }

    pub(crate) async fn load_logout(
        &self,
        key: &LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Versioned>> {
        let state = self.logout(key).await?.map(|(_, state)| state);
        Ok(state.filter(|state| now < state.expires))
    }

    pub(crate) async fn swap_logout(
        &self,
        key: &LogoutKey,
        version: u64,
        value: Vec<u8>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64> {
        let mut retry = Retry::new();
        loop {
            let (write, state) = self.logout(key).await?.ok_or(StoreError::Conflict)?;
            let next = state.next(version, value.clone(), due, now)?;
            if self
                .schedule(Care::Ending, key, Some(write), &next, None)
                .await?
            {
                return Ok(next.version);
            }
            // It has another version now, or somebody was given it under a lease.
            retry.again(self.new_write()).await?;
        }
    }

    pub(crate) async fn claim_due(
        &self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> Result<Vec<Claimed>> {
        let mut due = self.due(scope, now, limit).await?;
        due.sort_unstable_by_key(|(_, claimed)| (claimed.state.due, claimed.key));
        let mut due = due.into_iter().peekable();
        let mut given = Vec::new();
        // Others may be given some of them first: then those that come next are tried.
        while given.len() < limit && due.peek().is_some() {
            let missing = limit.saturating_sub(given.len());
            let tries = due.by_ref().take(missing.min(AT_ONCE));
            let tries = tries.map(async |(write, mut claimed)| {
                claimed.state.due = now.checked_add_signed(lease);
                let state = &claimed.state;
                self.schedule(Care::Light, &claimed.key, Some(write), state, None)
                    .await
                    .map(|is_ours| is_ours.then_some(claimed))
            });
            given.extend(try_join_all(tries).await?.into_iter().flatten());
        }
        Ok(given)
    }

    /// What is due, of each shard at most `limit`, and the writes that made it so.
    async fn due(
        &self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<(Write, Claimed)>> {
        let shards = (0..SHARDS).map(|shard| self.due_in(shard, scope, now, limit));
        let keys = try_join_all(shards).await?;
        let looks = keys
            .into_iter()
            .flatten()
            .map(async |key| self.logout(&key).await.map(|row| (key, row)));
        let looked: Vec<_> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        let (mut due, mut over) = (Vec::new(), Vec::new());
        for (key, row) in looked {
            match row {
                Some((write, state)) if now < state.expires => {
                    if state.due.is_some_and(|due| due <= now) {
                        due.push((write, Claimed { key, state }));
                    }
                }
                row => over.push((key, row.map(|(write, _)| write))),
            }
        }
        join_all(over.into_iter().map(async |(key, write)| {
            let _ = self.forget(&key, write).await; // they do no harm
        }))
        .await;
        Ok(due)
    }

    /// What stands in a shard's order as due.
    async fn due_in(
        &self,
        shard: u8,
        scope: LogoutScope,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<LogoutKey>> {
        let page = limit.max(AT_ONCE);
        let (mut due, mut offset) = (Vec::new(), 0_usize);
        while due.len() < limit {
            let mut range = redis::cmd("ZRANGEBYSCORE");
            range
                .arg(self.keys.due(shard))
                .arg("-inf")
                .arg(score(now))
                .arg("LIMIT")
                .arg(offset)
                .arg(page);
            let members = self.query::<Vec<Vec<u8>>>(WHAT, &range).await?;
            let is_last = members.len() < page;
            for member in members {
                let key: [u8; 32] = member
                    .try_into()
                    .map_err(|_| StoreError::Corrupt { what: WHAT })?;
                due.push(LogoutKey::new(key));
            }
            due.retain(|key| key.is_within(scope));
            if is_last {
                break;
            }
            offset = offset.saturating_add(page);
        }
        due.truncate(limit);
        Ok(due)
    }

    async fn logout(&self, key: &LogoutKey) -> Result<Option<(Write, Versioned)>> {
        let row = self.row::<Stored>(WHAT, &self.keys.logout(key)).await?;
        Ok(row.map(|(write, stored)| (write, stored.into_state())))
    }

    async fn schedule(
        &self,
        care: Care,
        key: &LogoutKey,
        former: Option<Write>,
        state: &Versioned,
        ttl: Option<i64>,
    ) -> Result<bool> {
        let keys = [self.keys.logout(key), self.keys.due(shard(key))];
        let schedule = match care {
            Care::New => &self.functions.schedule,
            Care::Ending | Care::Light => &self.functions.schedule_always,
        };
        let schedule = Call::new(schedule, &[&keys[0], &keys[1]])
            .arg(former.as_ref().map_or(&[][..], <[u8; 8]>::as_slice))
            .arg(seal(self.new_write(), &Stored::new(state))?)
            .arg(ttl.map_or_else(String::new, |ttl| ttl.to_string()))
            .arg(key.as_bytes())
            .arg(
                state
                    .due
                    .map_or_else(String::new, |due| score(due).to_string()),
            );
        self.call(WHAT, care, schedule).await
    }

    /// Takes what is over out of the order, unless it was written anew.
    async fn forget(&self, key: &LogoutKey, write: Option<Write>) -> Result<()> {
        let keys = [self.keys.logout(key), self.keys.due(shard(key))];
        let forget = Call::new(&self.functions.forget, &[&keys[0], &keys[1]])
            .arg(write.as_ref().map_or(&[][..], <[u8; 8]>::as_slice))
            .arg(key.as_bytes());
        self.call(WHAT, Care::Light, forget).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::server::unseal;

    #[test]
    fn rows_keep_every_instant_exactly() {
        let at = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
        let state = Versioned {
            version: 7,
            value: vec![1, 2],
            expires: DateTime::<Utc>::MAX_UTC,
            due: Some(at),
        };
        let row = seal([9; 8], &Stored::new(&state)).unwrap();
        let (write, stored) = unseal::<Stored>(WHAT, &row).unwrap();
        assert_eq!((write, stored.into_state()), ([9; 8], state));
    }
}
