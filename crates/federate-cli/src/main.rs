//! The `federate` command: decode, verify, explain and issue SAML messages.

mod decode;
mod explain;
mod failure;
mod files;
mod input;
mod issue;
mod keygen;
mod metadata;
mod options;
mod pretty;
mod problem;
mod setting;
mod summary;
mod terminal;
mod trust;
mod verify;
mod xml;

use clap::Parser as _;
use options::{Cli, Command};
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

/// What a command has to say, and whether it accepted what it was given.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// For standard output.
    pub(crate) stdout: Vec<u8>,
    /// For standard error.
    pub(crate) stderr: String,
    /// Something was refused.
    pub(crate) refused: bool,
}

impl From<String> for Output {
    fn from(text: String) -> Self {
        Self {
            stdout: text.into_bytes(),
            ..Self::default()
        }
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Decode(args) => decode::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Issue(args) => issue::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::Xml(command) => xml::run(&command),
        Command::Metadata(command) => metadata::run(&command),
        Command::Completions(args) => files::completions(&args),
        Command::Man(args) => files::man(&args),
    };
    // That whoever reads has stopped reading is no failure of the command.
    let mut stderr = std::io::stderr().lock();
    match result {
        Ok(output) => {
            let _ = stderr.write_all(output.stderr.as_bytes());
            let mut stdout = std::io::stdout().lock();
            let written = stdout
                .write_all(&output.stdout)
                .and_then(|()| stdout.flush());
            match written {
                Err(e) if e.kind() != ErrorKind::BrokenPipe => {
                    let _ = writeln!(stderr, "federate: standard output: {e}");
                    ExitCode::from(2)
                }
                _ => ExitCode::from(u8::from(output.refused)),
            }
        }
        Err(problem) => {
            let _ = writeln!(stderr, "federate: {problem}");
            ExitCode::from(2)
        }
    }
}
