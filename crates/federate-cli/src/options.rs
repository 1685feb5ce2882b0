//! The command line.

mod making;
mod metadata;
mod response;
mod xml;

pub(crate) use making::{Form, IssueArgs, KeyKind, KeygenArgs, Sign};
pub(crate) use metadata::{
    DiffArgs, ExpiringArgs, FetchArgs, JudgingArgs, LintArgs, LintGroup, MetadataCommand,
    MetadataVerifyArgs, QueryArgs, RolloverArgs, ShowArgs, SignArgs,
};
pub(crate) use response::{AlgorithmArgs, ExplainArgs, ResponseArgs};
pub(crate) use xml::{C14nArgs, XmlCommand, XmlVerifyArgs};

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Decode, verify, explain and issue SAML 2.0 messages.
///
/// The command is for operators. It judges a message with the library that the services use:
/// what it refuses, they refuse.
#[derive(Debug, Parser)]
#[command(
    name = "federate",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 accepted or done, 1 refused, 2 wrong usage or an unreadable file."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Decode(DecodeArgs),
    Verify(ResponseArgs),
    Explain(ExplainArgs),
    Issue(IssueArgs),
    Keygen(KeygenArgs),
    /// Canonicalize XML, and verify its signatures
    #[command(subcommand)]
    Xml(XmlCommand),
    /// Show, judge, sign, fetch and compare metadata, and change keys
    #[command(subcommand)]
    Metadata(MetadataCommand),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Print a message and a summary of it
///
/// The message is XML, base64 of XML, deflated XML in base64 (also escaped for a URL), or a
/// whole URL, query or form with SAMLRequest or SAMLResponse. Nothing of it is verified.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    federate decode response.xml\n  \
    pbpaste | federate decode --show-values\n  \
    federate decode 'https://idp.example/sso?SAMLRequest=fZ...'")]
pub(crate) struct DecodeArgs {
    /// The file to read, `-` for standard input, or an `https://` address with the message in it
    #[arg(default_value = "-", value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Print attribute values and the values of name identifiers, which are redacted otherwise
    #[arg(long)]
    pub(crate) show_values: bool,
}

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    federate completions bash > ~/.local/share/bash-completion/completions/federate")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Print the manual page, or write one per command
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    federate man | man -l -\n  \
    federate man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The directory for the pages; without it, the first page is printed
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.to_utc())
        .map_err(|_| "expected an instant such as 2026-01-31T12:00:00Z".to_owned())
}

/// A number of seconds, minutes, hours, days or weeks.
fn duration(text: &str) -> Result<TimeDelta, String> {
    let seconds = |unit: char| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        'w' => Some(7 * 86_400),
        _ => None,
    };
    let read = || {
        let unit = text.chars().next_back()?;
        let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
        let number = number.checked_mul(seconds(unit)?)?;
        // A hundred years are enough for anything.
        (0..=36_524 * 86_400)
            .contains(&number)
            .then(|| TimeDelta::seconds(number))
    };
    read().ok_or_else(|| "expected a duration such as 90s, 30m, 6h, 14d or 8w".to_owned())
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, seconds) in [("0s", 0), ("90m", 5400), ("6h", 21_600), ("1w", 604_800)] {
            assert_eq!(duration(text), Ok(TimeDelta::seconds(seconds)), "{text}");
        }
        for text in [
            "",
            "d",
            "1",
            "-1d",
            "1y",
            "1 d",
            "99999999999999w",
            "1é",
            "36525d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
