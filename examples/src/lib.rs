//! The hub as a program: a hub with a store and, unless told otherwise, two demo
//! applications, each a service provider of its own.
//!
//! Everything is read and checked before anything listens.

mod application;
mod config;
mod data_dir;
mod demo;
mod demo_app;
mod directly;
mod federation;
mod management;
mod metadata;
mod options;
mod problem;
mod serve;
mod setup;
mod upstream;

use clap::Parser as _;
use data_dir::{DataDir, with_sources};
use federate::Store;
use federate_store::{OpenError, PostgresOptions, PostgresStore, RedisOptions, RedisStore};
use options::{Kept, Options};
use problem::Problem;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use tokio::runtime::Runtime;

/// The exit code when it could not start.
const COULD_NOT_START: u8 = 2;

/// Runs the program of the command line.
#[must_use]
pub fn main() -> ExitCode {
    let options = Options::parse();
    let result = match options.hash_password {
        true => print_password_hash(),
        false => serve_hub(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(io::stderr(), "hub: {problem}"); // nobody is there to be told
            ExitCode::from(COULD_NOT_START)
        }
    }
}

fn serve_hub(options: &Options) -> Result<(), Problem> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Problem::of("the runtime cannot start", e))?;
    match Kept::by(options)? {
        Kept::File => run(options, &runtime, |data| data.store("hub.redb")),
        Kept::Redis(url) => run(options, &runtime, |_| {
            let store = runtime.block_on(RedisStore::connect(RedisOptions::new(url)));
            store.map_err(unusable)
        }),
        Kept::Postgres(url) => run(options, &runtime, |_| {
            let store = runtime.block_on(PostgresStore::connect(PostgresOptions::new(url)));
            store.map_err(unusable)
        }),
    }
}

fn run<S: Store>(
    options: &Options,
    runtime: &Runtime,
    open: impl FnOnce(&DataDir) -> Result<S, Problem>,
) -> Result<(), Problem> {
    let setup = setup::prepare(options, open)?;
    runtime.block_on(serve::serve(setup))
}

/// Its address may hold a password and is not shown.
fn unusable(error: OpenError) -> Problem {
    Problem::of("--store", with_sources(&error))
}

fn print_password_hash() -> Result<(), Problem> {
    let mut password = String::new();
    let read = io::stdin().lock().read_line(&mut password);
    read.map_err(|e| Problem::new(format!("--hash-password: cannot read the password: {e}")))?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Problem::new(
            "--hash-password: the password on stdin is empty",
        ));
    }
    let provider = federate::crypto::aws_lc_provider();
    let hash = federate::hub::hash_password(&provider, password)?;
    writeln!(io::stdout(), "{hash}")
        .map_err(|e| Problem::new(format!("--hash-password: cannot print the hash: {e}")))
}
