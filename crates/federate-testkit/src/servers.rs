//! Database servers of this machine, each started for one test on a port and in a directory
//! of its own, and stopped with it.

mod postgres;
mod redis;

pub use self::postgres::Postgres;
pub use self::redis::{Redis, RedisCluster};
