//! `federate metadata sign`.

use super::{Loaded, deliver, load, refused};
use crate::Output;
use crate::issue::fresh_id;
use crate::options::SignArgs;
use crate::problem::Problem;
use crate::trust;
use chrono::{DateTime, Utc};
use federate_crypto::aws_lc_provider;
use federate_metadata::{EntitiesDescriptor, GroupMember};
use federate_types::MessageId;
use federate_xml::Signer;

pub(super) fn run(args: &SignArgs) -> Result<Output, Problem> {
    let provider = aws_lc_provider();
    let key = trust::signing_key(&provider, &args.key)?;
    let signer = Signer::new(provider, key, trust::certificate(&args.cert)?)
        .map_err(|e| Problem::of("--cert", e))?;
    let id = match &args.id {
        Some(id) => MessageId::new(id).map_err(|e| Problem::of("--id", e))?,
        None => fresh_id(&provider)?,
    };
    let now = args.at.unwrap_or_else(trust::now);
    let until = args.valid_for.map(|valid| now.checked_add_signed(valid));
    let until = until.map(|until| until.ok_or_else(|| Problem::of("--valid-for", "too long")));
    let until = until.transpose()?;
    let content = match load(&args.file)? {
        Loaded::Read(content) => content,
        Loaded::Refused(failure) => return refused(args.file.display(), &failure, false),
    };
    let left_out = left_out(&content.group);
    let entity = content.only_entity().cloned();
    let signed = if let Some(mut entity) = entity {
        entity.valid_until = until.or(entity.valid_until);
        entity.cache_duration = args.cache_duration.or(entity.cache_duration);
        entity.to_signed_xml(&signer, &id)
    } else {
        let mut group = content.group;
        if let Some(until) = until {
            renew(&mut group, until);
        }
        group.cache_duration = args.cache_duration.or(group.cache_duration);
        group.to_signed_xml(&signer, &id)
    };
    let mut octets = signed.map_err(|e| Problem::of("signing", e))?;
    octets.push(b'\n');
    let output = deliver(octets, args.out.as_deref())?;
    let told = match left_out {
        0 => String::new(),
        number => format!(
            "federate: {number} things could not be read as they stand: `federate metadata show` \
             tells what is left out\n"
        ),
    };
    Ok(Output {
        stderr: told,
        ..output
    })
}

fn left_out(group: &EntitiesDescriptor) -> usize {
    let entities = group.entities().map(|entity| entity.diagnostics.len());
    group.diagnostics.len() + entities.sum::<usize>()
}

/// Gives a group another end. What ended with it when it was read ended by its word alone.
fn renew(group: &mut EntitiesDescriptor, until: DateTime<Utc>) {
    let before = group.valid_until.replace(until);
    let mut pending: Vec<&mut GroupMember> = group.members.iter_mut().collect();
    while let Some(member) = pending.pop() {
        let end = match member {
            GroupMember::Entity(entity) => &mut entity.valid_until,
            GroupMember::Group(inner) => {
                pending.extend(inner.members.iter_mut());
                &mut inner.valid_until
            }
        };
        if before.is_some() && *end == before {
            *end = None;
        }
    }
}
