//! The connections to the server, and what its answers mean.

use super::functions::Functions;
use super::keys::Keys;
use super::{NotReplicated, Wait};
use crate::codec::{decode, encode};
use federate_session::StoreError;
use redis::aio::{ConnectionLike as _, ConnectionManager};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, SingleNodeRoutingInfo, SlotAddr};
use redis::{
    Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, Script, ServerErrorKind, ToRedisArgs,
    Value,
};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Names one write among all.
pub(crate) type Write = [u8; 8];

/// The server, or the cluster of them.
pub(crate) struct Server {
    pub(crate) keys: Keys,
    pub(crate) functions: Functions,
    /// Takes what the others do not.
    first: Link,
    others: Vec<Link>,
    next_link: AtomicUsize,
    wait: Option<Wait>,
    seed: u64,
    writes: AtomicU64,
}

/// A connection that many verbs share.
#[derive(Clone)]
pub(crate) enum Link {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
}

/// How much a write matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// Somebody will rely on it: it reaches the replicas that [`Wait`] asks for. It is refused
    /// when the server's memory is full.
    New,
    /// The same, but it ends something, for which there must always be room.
    Ending,
    /// Nothing is lost with it that matters. What is there changes a little, for which there
    /// is always room.
    Light,
}

impl Server {
    pub(crate) fn new(keys: Keys, first: Link, others: Vec<Link>, wait: Option<Wait>) -> Self {
        Self {
            keys,
            functions: Functions::new(),
            first,
            others,
            next_link: AtomicUsize::new(0),
            wait,
            seed: RandomState::new().build_hasher().finish(),
            writes: AtomicU64::new(0),
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.first, Link::Cluster(_))
    }

    pub(crate) const fn wait(&self) -> Option<Wait> {
        self.wait
    }

    /// A name for a new write: never twice from this process, and by 2^-64 from another.
    pub(crate) fn new_write(&self) -> Write {
        let count = self.writes.fetch_add(1, Ordering::Relaxed);
        // Steps of an odd number and bijective mixing: no value comes again.
        let mut x = self
            .seed
            .wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)).to_be_bytes()
    }

    pub(crate) async fn row<T: DeserializeOwned>(
        &self,
        what: &'static str,
        key: &str,
    ) -> Result<Option<(Write, T)>> {
        let octets: Option<Vec<u8>> = self.query(what, redis::cmd("GET").arg(key)).await?;
        octets.map(|octets| unseal(what, &octets)).transpose()
    }

    /// Puts a row in the place of the one that `former` wrote, or where none is. Gives its
    /// own write, or `None` when another was first. `ttl` in ms; `None` keeps it.
    pub(crate) async fn swap<T: Serialize>(
        &self,
        (what, care): (&'static str, Care),
        key: &str,
        former: Option<Write>,
        value: &T,
        ttl: Option<i64>,
    ) -> Result<Option<Write>> {
        let write = self.new_write();
        let swap = match care {
            Care::New => &self.functions.swap,
            Care::Ending | Care::Light => &self.functions.swap_always,
        };
        let swap = Call::new(swap, &[key])
            .arg(former.as_ref().map_or(&[][..], Write::as_slice))
            .arg(seal(write, value)?)
            .arg(ttl.map_or_else(String::new, |ttl| ttl.to_string()));
        let swapped: bool = self.call(what, care, swap).await?;
        Ok(swapped.then_some(write))
    }

    /// Removes a key whose value begins so.
    pub(crate) async fn release(
        &self,
        what: &'static str,
        key: &str,
        beginning: &[u8],
    ) -> Result<()> {
        let release = Call::new(&self.functions.release, &[key]).arg(beginning);
        self.call(what, Care::Light, release).await
    }

    /// Runs a command that needs no function.
    pub(crate) async fn query<T: FromRedisValue>(
        &self,
        what: &'static str,
        cmd: &Cmd,
    ) -> Result<T> {
        cmd.query_async(&mut self.link())
            .await
            .map_err(|error| failed(what, error))
    }

    /// The same before it is known what the server holds.
    pub(crate) async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> RedisResult<T> {
        cmd.query_async(&mut self.link()).await
    }

    /// Runs a command that writes one key.
    pub(crate) async fn write<T: FromRedisValue>(
        &self,
        (what, care): (&'static str, Care),
        key: &str,
        cmd: &Cmd,
    ) -> Result<T> {
        let value = self.send(&mut self.link(), care, key, cmd).await;
        let (value, acknowledged) = value.map_err(|error| failed(what, error))?;
        self.finish(what, value, acknowledged)
    }

    /// Runs a function, and gives it to the server if it has none of that name.
    pub(crate) async fn call<T: FromRedisValue>(
        &self,
        what: &'static str,
        care: Care,
        call: Call<'_>,
    ) -> Result<T> {
        let link = &mut self.link();
        let sent = match self.send(link, care, &call.key, &call.cmd).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                call.script
                    .load_async(link)
                    .await
                    .map_err(|error| failed(what, error))?;
                self.send(link, care, &call.key, &call.cmd).await
            }
            sent => sent,
        };
        let (value, acknowledged) = sent.map_err(|error| failed(what, error))?;
        self.finish(what, value, acknowledged)
    }

    fn finish<T: FromRedisValue>(
        &self,
        what: &'static str,
        value: Value,
        acknowledged: Option<u32>,
    ) -> Result<T> {
        if let (Some(wait), Some(acknowledged)) = (self.wait, acknowledged)
            && acknowledged < wait.replicas
        {
            return Err(StoreError::unavailable(NotReplicated {
                wanted: wait.replicas,
                acknowledged,
            }));
        }
        redis::from_redis_value(value).map_err(|error| failed(what, error.into()))
    }

    /// Sends a command, and in the same breath asks how many replicas have it.
    async fn send(
        &self,
        link: &mut Link,
        care: Care,
        key: &str,
        cmd: &Cmd,
    ) -> RedisResult<(Value, Option<u32>)> {
        let Some(wait) = self.wait.filter(|_| care != Care::Light) else {
            return Ok((link.req_packed_command(cmd).await?.extract_error()?, None));
        };
        let mut pipe = redis::pipe();
        pipe.add_command(cmd.clone());
        pipe.cmd("WAIT")
            .arg(wait.replicas)
            .arg(u64::try_from(wait.timeout.as_millis()).unwrap_or(u64::MAX));
        let values = match link {
            Link::Single(link) => link.send_packed_commands(&pipe, 0, 2).await?,
            Link::Cluster(link) => {
                let route = Route::with_key(key, SlotAddr::Master);
                let node = SingleNodeRoutingInfo::SpecificNode(route);
                link.route_pipeline(pipe, 0, 2, node).await?
            }
        };
        let mut values = values.into_iter().map(Value::extract_error);
        let value = values.next().unwrap_or(Ok(Value::Nil))?;
        let acknowledged = redis::from_redis_value(values.next().unwrap_or(Ok(Value::Nil))?)?;
        Ok((value, Some(acknowledged)))
    }

    /// One after the other.
    fn link(&self) -> Link {
        let next = self.next_link.fetch_add(1, Ordering::Relaxed);
        let at = next % self.others.len().saturating_add(1);
        self.others.get(at).unwrap_or(&self.first).clone()
    }
}

impl redis::aio::ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> redis::RedisFuture<'a, Value> {
        match self {
            Self::Single(link) => link.req_packed_command(cmd),
            Self::Cluster(link) => link.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a redis::Pipeline,
        offset: usize,
        count: usize,
    ) -> redis::RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(link) => link.req_packed_commands(pipeline, offset, count),
            Self::Cluster(link) => link.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(link) => link.get_db(),
            Self::Cluster(link) => link.get_db(),
        }
    }
}

/// A function with its keys and arguments.
pub(crate) struct Call<'a> {
    script: &'a Script,
    key: String,
    cmd: Cmd,
}

impl<'a> Call<'a> {
    /// The first key says which node runs it.
    pub(crate) fn new(script: &'a Script, keys: &[&str]) -> Self {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(script.get_hash()).arg(keys.len()).arg(keys);
        Self {
            script,
            key: keys.first().copied().unwrap_or_default().to_owned(),
            cmd,
        }
    }

    pub(crate) fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }
}

/// A row: the write that made it, then the value.
pub(crate) fn seal<T: Serialize>(write: Write, value: &T) -> Result<Vec<u8>> {
    let mut row = write.to_vec();
    row.append(&mut encode(value)?);
    Ok(row)
}

pub(crate) fn unseal<T: DeserializeOwned>(what: &'static str, row: &[u8]) -> Result<(Write, T)> {
    let (write, value) = row
        .split_first_chunk::<8>()
        .ok_or(StoreError::Corrupt { what })?;
    Ok((*write, decode(what, value)?))
}

/// What an error means to the caller of a verb.
pub(crate) fn failed(what: &'static str, error: RedisError) -> StoreError {
    match error.code() {
        Some("OOM") => StoreError::Full { what },
        Some("WRONGTYPE") => StoreError::Corrupt { what },
        _ => StoreError::unavailable(error),
    }
}

/// How often a change is tried anew when others are first.
pub(crate) struct Retry {
    tries: u32,
}

/// Others were first too often: nothing changed.
#[derive(Debug, thiserror::Error)]
#[error("other writers were first {tries} times")]
pub(crate) struct Contended {
    tries: u32,
}

impl Retry {
    /// Of all that try at the same time one succeeds: this is enough for some hundreds.
    const MAX: u32 = 256;

    pub(crate) const fn new() -> Self {
        Self { tries: 0 }
    }

    /// Waits a moment, which is longer the more others there seem to be.
    pub(crate) async fn again(&mut self, jitter: Write) -> Result<()> {
        self.tries += 1;
        if self.tries >= Self::MAX {
            return Err(StoreError::unavailable(Contended { tries: self.tries }));
        }
        let [.., random] = jitter;
        let longest = self.tries.min(20) * 500;
        let wait = u64::from(longest) * u64::from(random) / 256;
        tokio::time::sleep(Duration::from_micros(wait)).await;
        Ok(())
    }
}
