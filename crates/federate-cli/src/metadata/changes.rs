//! `federate metadata diff`.

use super::{Loaded, load, refused};
use crate::Output;
use crate::options::DiffArgs;
use crate::problem::Problem;
use crate::terminal::{json, visible};
use federate_crypto::aws_lc_provider;
use federate_metadata::{Difference, EntityChange, diff};
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Debug, Serialize)]
struct Change<'a> {
    entity_id: &'a str,
    code: &'static str,
    routine: bool,
    differences: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    code: &'static str,
    message: String,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    /// How many entities changed only as they do at every publication.
    routine: usize,
    changes: Vec<Change<'a>>,
}

pub(super) fn run(args: &DiffArgs) -> Result<Output, Problem> {
    let mut groups = Vec::new();
    for path in [&args.old, &args.new] {
        match load(path)? {
            Loaded::Read(content) => groups.push(content.group),
            Loaded::Refused(failure) => return refused(path.display(), &failure, args.json),
        }
    }
    let [old, new] = groups.as_slice() else {
        return Err(Problem::new("two documents are compared"));
    };
    let changes = diff(old.entities(), new.entities(), &aws_lc_provider());
    let routine = changes.iter().filter(|change| change.is_routine()).count();
    let told: Vec<&EntityChange> = changes
        .iter()
        .filter(|change| args.all || !change.is_routine())
        .collect();
    let text = match args.json {
        true => json(&Report {
            routine,
            changes: told.iter().map(|change| of(change)).collect(),
        })?,
        false => lines(&told, routine),
    };
    Ok(Output {
        refused: changes.len() > routine,
        ..text.into()
    })
}

fn of(change: &EntityChange) -> Change<'_> {
    let told = |difference: &Difference| Told {
        code: difference.code(),
        message: difference.to_string(),
    };
    Change {
        entity_id: change.entity_id().as_str(),
        code: change.code(),
        routine: change.is_routine(),
        differences: change.differences().iter().map(told).collect(),
    }
}

fn lines(changes: &[&EntityChange], routine: usize) -> String {
    let mut out = String::new();
    for change in changes {
        let sign = match change.code() {
            "diff.entity_added" => '+',
            "diff.entity_removed" => '-',
            _ => '~',
        };
        // A String never fails.
        let _ = writeln!(out, "{sign} {}", visible(change.entity_id().as_str()));
        for difference in change.differences() {
            let _ = writeln!(out, "    {}", visible(&difference.to_string()));
        }
    }
    let _ = writeln!(out, "{routine} entities were only published anew");
    out
}
