//! Database servers of this machine, each started for one test on a port and in a directory
//! of its own, and stopped with it.

mod postgres;
mod redis;

pub use postgres::Postgres;
