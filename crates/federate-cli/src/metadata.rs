//! `federate metadata`.

use crate::Output;
use crate::failure::Failure;
use crate::input;
use crate::options::MetadataCommand;
use crate::problem::Problem;
use crate::terminal::{json, visible};
use federate_metadata::{EntitiesDescriptor, EntityDescriptor, GroupMember, parse_entities};
use federate_xml::{Document, Limits};
use serde::Serialize;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

mod changes;
mod describe;
mod expiring;
mod fetch;
mod lint;
mod query;
mod rollover;
mod show;
mod sign;
mod verify;

pub(crate) fn run(command: &MetadataCommand) -> Result<Output, Problem> {
    match command {
        MetadataCommand::Show(args) => show::run(args),
        MetadataCommand::Query(args) => query::run(args),
        MetadataCommand::Verify(args) => verify::run(args),
        MetadataCommand::Lint(args) => lint::run(args),
        MetadataCommand::Diff(args) => changes::run(args),
        MetadataCommand::Sign(args) => sign::run(args),
        MetadataCommand::Fetch(args) => fetch::run(args),
        MetadataCommand::Expiring(args) => expiring::run(args),
        MetadataCommand::Rollover(args) => rollover::run(args),
    }
}

/// From how many octets on an operator is told what takes time.
const LONG: usize = 4 * 1024 * 1024;

/// What a document holds, or why it is refused.
enum Loaded {
    Read(Box<Content>),
    Refused(Failure),
}

/// What a document holds.
struct Content {
    /// Its entities; one that is alone is in a group all the same.
    group: EntitiesDescriptor,
    /// Whether the root is an entity.
    is_entity: bool,
}

impl Content {
    /// The entity that is the document.
    fn only_entity(&self) -> Option<&EntityDescriptor> {
        match self.group.members.as_slice() {
            [GroupMember::Entity(entity)] if self.is_entity => Some(entity),
            _ => None,
        }
    }
}

/// Reads the document of a file, whichever it is.
fn load(path: &Path) -> Result<Loaded, Problem> {
    Ok(read(path, &input::read_metadata(path)?))
}

/// Reads a document, whichever it is.
fn read(path: &Path, octets: &[u8]) -> Loaded {
    if octets.len() > LONG {
        let megabytes = octets.len() / 1_000_000;
        progress(format_args!("{}: reading {megabytes} MB", path.display()));
    }
    let limits = Limits::for_aggregate();
    let group = match parse_entities(octets, &limits) {
        Ok(group) => group,
        Err(e) => return Loaded::Refused(e.into()),
    };
    // A group can hold one entity, too: then the document is small, and is looked at once more.
    let is_entity = group.members.len() == 1
        && Document::parse(octets, &limits)
            .is_ok_and(|document| document.root().local_name() == "EntityDescriptor");
    Loaded::Read(Box::new(Content { group, is_entity }))
}

/// Tells the operator at a terminal what is going on.
fn progress(line: impl Display) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let _ = writeln!(stderr, "federate: {}", visible(&line.to_string()));
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    ok: bool,
    error: &'a Failure,
}

/// A refusal, on standard output as JSON or on standard error as text.
fn refused(what: impl Display, failure: &Failure, as_json: bool) -> Result<Output, Problem> {
    let mut output = Output {
        refused: true,
        ..Output::default()
    };
    if as_json {
        let refused = Refused {
            ok: false,
            error: failure,
        };
        output.stdout = json(&refused)?.into_bytes();
    } else {
        let (what, lines) = (visible(&what.to_string()), failure.to_lines("  "));
        output.stderr = format!("{what}: refused: {}\n{lines}", failure.code);
    }
    Ok(output)
}

/// Writes a file as a whole or not at all; a secret one is its owner's alone.
fn replace(path: &Path, octets: &[u8], secret: bool) -> Result<(), Problem> {
    let problem = |e: std::io::Error| Problem::of(path.display(), e);
    // Where a link leads, so that the link stays.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = secret; // the directory's rules decide
    let mut file = options.open(&temporary).map_err(problem)?;
    let written = file
        .write_all(octets)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written.map_err(problem)?;
    // That the name is there after a crash, too; not every system can say so.
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Ok(directory) = File::open(directory.unwrap_or(Path::new("."))) {
        let _ = directory.sync_all();
    }
    Ok(())
}

/// Octets on standard output or in a file.
fn deliver(octets: Vec<u8>, out: Option<&Path>) -> Result<Output, Problem> {
    match out {
        Some(path) => replace(path, &octets, false).map(|()| Output::default()),
        None => Ok(Output {
            stdout: octets,
            ..Output::default()
        }),
    }
}
