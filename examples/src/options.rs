use crate::problem::Problem;
use clap::Parser;
use std::path::PathBuf;

/// A hub of single sign-on: one sign-in for every application, one logout for all of them.
///
/// Without options it serves itself and two demo applications on this machine alone.
#[derive(Debug, Parser)]
#[command(name = "hub", version)]
pub(crate) struct Options {
    /// Port of the hub; the demo applications take the two that follow
    #[arg(long, default_value_t = 4000, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,

    /// Where keys, sessions and users are kept; made at the first start
    #[arg(long, default_value = "federate-data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,

    /// TOML file with applications, users and session lifetimes (see docs/hub.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where sessions and users are kept: redis://..., rediss://... or postgresql://...; in a file
    /// of the data directory by default. FEDERATE_STORE says the same, unseen by other users
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,

    /// Serve the hub alone, without demo applications and demo users
    #[arg(long)]
    pub(crate) no_demo: bool,

    /// Address by which browsers reach the hub, through a proxy that speaks TLS:
    /// https://sso.example.com
    #[arg(long, value_name = "URL", requires = "no_demo")]
    pub(crate) base_url: Option<String>,

    /// Read a password from standard input, print its hash for the configuration, and stop
    #[arg(long, exclusive = true)]
    pub(crate) hash_password: bool,
}

/// Where the hub keeps what it remembers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    File,
    Redis(String),
    Postgres(String),
}

impl Kept {
    /// What the options say, or else the environment.
    pub(crate) fn by(options: &Options) -> Result<Self, Problem> {
        let environment = || std::env::var("FEDERATE_STORE").ok();
        match options.store.clone().or_else(environment) {
            Some(url) => Self::at(url),
            None => Ok(Self::File),
        }
    }

    fn at(url: String) -> Result<Self, Problem> {
        match url.split_once("://") {
            Some(("redis" | "rediss", _)) => Ok(Self::Redis(url)),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(url)),
            _ => Err(Problem::of(
                "--store",
                "expected an address that begins with redis://, rediss:// or postgresql://",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
        assert!(Options::try_parse_from(["hub", "--port", "0"]).is_err());
        assert!(Options::try_parse_from(["hub", "--port", "65536"]).is_err());
        let base = ["hub", "--base-url", "https://sso.example.com"];
        assert!(Options::try_parse_from(base).is_err());
    }

    #[test]
    fn a_store_is_known_by_its_scheme() {
        let at = |url: &str| Kept::at(url.to_owned());
        let redis = "rediss://:secret@redis.internal/0";
        assert_eq!(at(redis).unwrap(), Kept::Redis(redis.to_owned()));
        let postgres = "postgresql://hub@db.internal/hub";
        assert_eq!(at(postgres).unwrap(), Kept::Postgres(postgres.to_owned()));
        for other in ["", "redis", "mysql://secret@x", "/var/lib/hub.redb"] {
            let problem = at(other).unwrap_err().to_string();
            assert!(problem.starts_with("--store: expected"), "{problem}");
            assert!(!problem.contains("secret"));
        }
    }
}
