//! `federate metadata query`.

use super::describe::Description;
use super::verify::any_validity;
use super::{LONG, Loaded, read, refused};
use crate::Output;
use crate::failure::Failure;
use crate::input;
use crate::options::QueryArgs;
use crate::problem::Problem;
use crate::setting::entity_id;
use crate::terminal::{json, visible};
use chrono::{DateTime, Utc};
use federate_crypto::aws_lc_provider;
use federate_metadata::{Aggregate, EntitiesDescriptor, EntityDescriptor, SearchIndex};
use federate_types::EntityId;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Cursor;
use std::sync::Arc;

#[derive(Debug, Serialize)]
struct Found<'a> {
    entity_id: &'a str,
    display_name: &'a str,
    score: u32,
}

pub(super) fn run(args: &QueryArgs) -> Result<Output, Problem> {
    let id = args.entity_id.as_deref();
    let id = id.map(|id| entity_id("ENTITY_ID", id)).transpose()?;
    let octets = input::read_metadata(&args.file)?;
    if let Some(id) = &id
        && let Some(found) = in_aggregate(&octets, id)
    {
        return tell(args, found.as_deref());
    }
    let content = match read(&args.file, &octets) {
        Loaded::Read(content) => content,
        Loaded::Refused(failure) => return refused(args.file.display(), &failure, args.json),
    };
    match id {
        Some(id) => tell(args, content.group.entity(&id)),
        None => search(args, &content.group),
    }
}

/// The entity of a large group, if it can be looked up without reading all that is in the group.
fn in_aggregate(octets: &[u8], id: &EntityId) -> Option<Option<Arc<EntityDescriptor>>> {
    if octets.len() <= LONG {
        return None;
    }
    // Whether it holds is not asked here.
    let now = DateTime::<Utc>::MIN_UTC;
    let aggregate = Aggregate::parse(Cursor::new(octets.to_vec()), &any_validity(), now).ok()?;
    aggregate.entity(id).ok()
}

fn tell(args: &QueryArgs, entity: Option<&EntityDescriptor>) -> Result<Output, Problem> {
    let Some(entity) = entity else {
        let id = args.entity_id.as_deref().unwrap_or_default();
        return refused(args.file.display(), &unknown(id), args.json);
    };
    let description = Description::of(entity, &aws_lc_provider());
    Ok(match args.json {
        true => json(&description)?.into(),
        false => description.to_text().into(),
    })
}

/// There is no such entity.
fn unknown(id: &str) -> Failure {
    Failure {
        code: "metadata.no_such_entity",
        message: "the document does not describe the entity".to_owned(),
        expected: Some(id.to_owned()),
        actual: None,
    }
}

fn search(args: &QueryArgs, group: &EntitiesDescriptor) -> Result<Output, Problem> {
    let index = SearchIndex::new(group.entities());
    let hits = index.search(args.search.as_deref().unwrap_or_default(), args.limit);
    let found: Vec<_> = hits
        .iter()
        .map(|hit| Found {
            entity_id: hit.entity_id.as_str(),
            display_name: hit.display_name,
            score: hit.score,
        })
        .collect();
    let text = if args.json {
        json(&found)?
    } else {
        found.iter().fold(String::new(), |mut out, found| {
            let (name, id) = (visible(found.display_name), visible(found.entity_id));
            let _ = writeln!(out, "{name}\n  {id}"); // a String never fails
            out
        })
    };
    Ok(Output {
        refused: found.is_empty(),
        ..text.into()
    })
}
