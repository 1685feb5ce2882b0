//! `federate metadata show`.

use super::describe::Description;
use super::{Loaded, load, refused};
use crate::Output;
use crate::options::ShowArgs;
use crate::problem::Problem;
use crate::summary::Lines;
use crate::terminal::json;
use federate_crypto::aws_lc_provider;
use federate_metadata::EntitiesDescriptor;
use federate_xml::format_instant;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a group is.
#[derive(Debug, Serialize)]
struct Group {
    name: Option<String>,
    valid_until: Option<String>,
    /// In seconds.
    cache_duration: Option<i64>,
    entities: usize,
    identity_providers: usize,
    service_providers: usize,
    attribute_authorities: usize,
    registrars: BTreeMap<String, usize>,
    diagnostics: BTreeMap<&'static str, usize>,
}

pub(super) fn run(args: &ShowArgs) -> Result<Output, Problem> {
    let content = match load(&args.file)? {
        Loaded::Read(content) => content,
        Loaded::Refused(failure) => return refused(args.file.display(), &failure, args.json),
    };
    if let Some(entity) = content.only_entity() {
        let description = Description::of(entity, &aws_lc_provider());
        return Ok(match args.json {
            true => json(&description)?.into(),
            false => description.to_text().into(),
        });
    }
    let group = Group::of(&content.group);
    Ok(match args.json {
        true => json(&group)?.into(),
        false => group.to_text().into(),
    })
}

impl Group {
    fn of(group: &EntitiesDescriptor) -> Self {
        let mut found = Self {
            name: group.name.clone(),
            valid_until: group.valid_until.map(format_instant),
            cache_duration: group.cache_duration.map(|cache| cache.num_seconds()),
            entities: 0,
            identity_providers: 0,
            service_providers: 0,
            attribute_authorities: 0,
            registrars: BTreeMap::new(),
            diagnostics: BTreeMap::new(),
        };
        for diagnostic in &group.diagnostics {
            *found.diagnostics.entry(diagnostic.code()).or_default() += 1;
        }
        for entity in group.entities() {
            found.entities += 1;
            found.identity_providers += usize::from(entity.idp.is_some());
            found.service_providers += usize::from(entity.sp.is_some());
            found.attribute_authorities += usize::from(entity.attribute_authority.is_some());
            if let Some(info) = &entity.extensions.registration_info {
                let registrar = info.registration_authority.clone();
                *found.registrars.entry(registrar).or_default() += 1;
            }
            for diagnostic in &entity.diagnostics {
                *found.diagnostics.entry(diagnostic.code()).or_default() += 1;
            }
        }
        found
    }

    fn to_text(&self) -> String {
        let mut lines = Lines::default();
        lines.line("group", self.name.as_deref().unwrap_or("without a name"));
        lines.line("valid until", self.valid_until.as_deref().unwrap_or("none"));
        if let Some(seconds) = self.cache_duration {
            lines.line("cache duration", &format!("{seconds} s"));
        }
        for (name, number) in [
            ("entities", self.entities),
            ("identity providers", self.identity_providers),
            ("service providers", self.service_providers),
            ("attribute auth.", self.attribute_authorities),
        ] {
            lines.line(name, &number.to_string());
        }
        for (registrar, number) in &self.registrars {
            lines.line("registrar", &format!("{number:>6} {registrar}"));
        }
        for (code, number) in &self.diagnostics {
            lines.line("left out", &format!("{number:>6} {code}"));
        }
        lines.finish()
    }
}
