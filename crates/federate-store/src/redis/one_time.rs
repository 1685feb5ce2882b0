//! Values for one use.

use super::keys::{ONE_TIME_MARGIN, time_to_live};
use super::server::{Call, Care, Result, Server, Write};
use crate::codec::{decode, encode};
use chrono::{DateTime, Utc};
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, PutNew, Redemption, StoreError};
use redis::Value;

const WHAT: &str = "one-time value";
const CORRUPT: StoreError = StoreError::Corrupt { what: WHAT };

type Key = (Namespace, OneTimeKey);

/// A row: its write, when it expires as seconds and nanoseconds, for the functions to read,
/// and the value.
fn seal(write: Write, entry: &OneTimeEntry) -> Result<Vec<u8>> {
    let mut row = write.to_vec();
    row.extend_from_slice(&entry.expires.timestamp().to_be_bytes());
    row.extend_from_slice(&entry.expires.timestamp_subsec_nanos().to_be_bytes());
    row.append(&mut encode(&entry.value)?);
    Ok(row)
}

/// The value, if it has not expired.
fn unseal(row: &[u8], now: DateTime<Utc>) -> Result<Option<Vec<u8>>> {
    let (_, rest) = row.split_first_chunk::<8>().ok_or(CORRUPT)?;
    let (second, rest) = rest.split_first_chunk::<8>().ok_or(CORRUPT)?;
    let (nano, value) = rest.split_first_chunk::<4>().ok_or(CORRUPT)?;
    let expires = (i64::from_be_bytes(*second), u32::from_be_bytes(*nano));
    let value = decode(WHAT, value)?;
    Ok(((now.timestamp(), now.timestamp_subsec_nanos()) < expires).then_some(value))
}

impl Server {
    pub(crate) async fn put_new(&self, entry: OneTimeEntry, now: DateTime<Utc>) -> Result<PutNew> {
        entry.check(now)?;
        self.put_as(self.new_write(), &entry, now).await
    }

    async fn put_as(
        &self,
        write: Write,
        entry: &OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<PutNew> {
        let key = self.keys.one_time(entry.namespace, &entry.key);
        let put = Call::new(&self.functions.put_new, &[&key]);
        let put = with_entry(put, write, entry, now)?;
        match self.call(WHAT, Care::New, put).await? {
            1 => Ok(PutNew::Inserted),
            0 => Ok(PutNew::AlreadyPresent),
            _ => Err(CORRUPT),
        }
    }

    pub(crate) async fn peek(&self, key: Key, now: DateTime<Utc>) -> Result<Option<Vec<u8>>> {
        let key = self.keys.one_time(key.0, &key.1);
        let row: Option<Vec<u8>> = self.query(WHAT, redis::cmd("GET").arg(key)).await?;
        row.map_or(Ok(None), |row| unseal(&row, now))
    }

    pub(crate) async fn take(&self, key: Key, now: DateTime<Utc>) -> Result<Option<Vec<u8>>> {
        let key = self.keys.one_time(key.0, &key.1);
        let mut take = redis::cmd("GETDEL");
        take.arg(&key);
        let row: Option<Vec<u8>> = self.write((WHAT, Care::New), &key, &take).await?;
        row.map_or(Ok(None), |row| unseal(&row, now))
    }

    pub(crate) async fn redeem(
        &self,
        request: Option<Key>,
        replay: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption> {
        replay.check(now)?;
        if self.is_cluster() {
            self.redeem_apart(request, &replay, now).await
        } else {
            self.redeem_at_once(request, &replay, now).await
        }
    }

    /// One function, for both keys are on one server.
    async fn redeem_at_once(
        &self,
        request: Option<Key>,
        replay: &OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption> {
        let replay_key = self.keys.one_time(replay.namespace, &replay.key);
        let request_key = request.map(|(namespace, key)| self.keys.one_time(namespace, &key));
        let keys: Vec<&str> = std::iter::once(replay_key.as_str())
            .chain(request_key.as_deref())
            .collect();
        let redeem = Call::new(&self.functions.redeem, &keys);
        let redeem = with_entry(redeem, self.new_write(), replay, now)?;
        let answer: Value = self.call(WHAT, Care::New, redeem).await?;
        match answer {
            Value::Int(0) => Ok(Redemption::Replayed),
            Value::Int(2) => Ok(Redemption::UnknownRequest),
            Value::Array(parts) => {
                let Some(Value::BulkString(row)) = parts.into_iter().nth(1) else {
                    return Err(CORRUPT);
                };
                let request = request.map(|_| consumed(&row)).transpose()?;
                Ok(Redemption::Redeemed { request })
            }
            _ => Err(CORRUPT),
        }
    }

    /// Two keys on two nodes: first the replay entry, then the request. When this stops in
    /// between, the assertion is used up and nobody is signed in.
    async fn redeem_apart(
        &self,
        request: Option<Key>,
        replay: &OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption> {
        let write = self.new_write();
        match self.put_as(write, replay, now).await? {
            PutNew::AlreadyPresent => return Ok(Redemption::Replayed),
            PutNew::Inserted => {}
        }
        let Some(request) = request else {
            return Ok(Redemption::Redeemed { request: None });
        };
        if request == (replay.namespace, replay.key) {
            // It was not there, or the entry could not have been written.
            let key = self.keys.one_time(replay.namespace, &replay.key);
            self.release(WHAT, &key, &write).await?;
            return Ok(Redemption::UnknownRequest);
        }
        let request = self.keys.one_time(request.0, &request.1);
        let consume = Call::new(&self.functions.consume, &[&request])
            .arg(now.timestamp())
            .arg(now.timestamp_subsec_nanos());
        match self.call(WHAT, Care::New, consume).await? {
            Value::BulkString(row) => Ok(Redemption::Redeemed {
                request: Some(consumed(&row)?),
            }),
            Value::Int(_) => Err(CORRUPT),
            _ => {
                // Only what this very attempt wrote, for the next one may have come already.
                let key = self.keys.one_time(replay.namespace, &replay.key);
                self.release(WHAT, &key, &write).await?;
                Ok(Redemption::UnknownRequest)
            }
        }
    }
}

fn with_entry<'a>(
    call: Call<'a>,
    write: Write,
    entry: &OneTimeEntry,
    now: DateTime<Utc>,
) -> Result<Call<'a>> {
    Ok(call
        .arg(seal(write, entry)?)
        .arg(time_to_live(entry.expires, now, ONE_TIME_MARGIN))
        .arg(now.timestamp())
        .arg(now.timestamp_subsec_nanos()))
}

/// The value of a row that the function found not to have expired.
fn consumed(row: &[u8]) -> Result<Vec<u8>> {
    decode(WHAT, row.get(20..).ok_or(CORRUPT)?)
}
