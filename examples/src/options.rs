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
}
