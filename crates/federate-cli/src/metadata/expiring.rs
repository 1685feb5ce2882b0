//! `federate metadata expiring`.

use super::{Loaded, load, refused};
use crate::Output;
use crate::options::ExpiringArgs;
use crate::problem::Problem;
use crate::terminal::{json, visible};
use crate::trust;
use chrono::{DateTime, Utc};
use federate_crypto::{CryptoProvider, aws_lc_provider};
use federate_metadata::{EntitiesDescriptor, EntityDescriptor};
use federate_xml::format_instant;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Something that ends.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct End {
    at: String,
    expired: bool,
    file: String,
    /// None for a document as a whole.
    entity_id: Option<String>,
    /// A certificate by its role and fingerprint, or validUntil.
    what: String,
}

pub(super) fn run(args: &ExpiringArgs) -> Result<Output, Problem> {
    let provider = aws_lc_provider();
    let now = args.at.unwrap_or_else(trust::now);
    let soon = now.checked_add_signed(args.within);
    let mut found = BTreeSet::new();
    for file in &args.file {
        let content = match load(file)? {
            Loaded::Read(content) => content,
            Loaded::Refused(failure) => return refused(file.display(), &failure, args.json),
        };
        let mut ends = Ends {
            file: file.display().to_string(),
            now,
            soon: soon.unwrap_or(DateTime::<Utc>::MAX_UTC),
            found: &mut found,
        };
        ends.of_group(&content.group, &provider);
    }
    let text = match args.json {
        true => json(&found)?,
        false => lines(&found),
    };
    Ok(Output {
        refused: !found.is_empty(),
        ..text.into()
    })
}

struct Ends<'f> {
    file: String,
    now: DateTime<Utc>,
    soon: DateTime<Utc>,
    found: &'f mut BTreeSet<End>,
}

impl Ends<'_> {
    fn of_group(&mut self, group: &EntitiesDescriptor, provider: &CryptoProvider) {
        if let Some(until) = group.valid_until {
            self.add(until, None, "validUntil of the group".to_owned());
        }
        for entity in group.entities() {
            self.of_entity(entity, group.valid_until, provider);
        }
    }

    fn of_entity(
        &mut self,
        entity: &EntityDescriptor,
        of_group: Option<DateTime<Utc>>,
        provider: &CryptoProvider,
    ) {
        // That it ends with the group was told once.
        let own = entity.valid_until.filter(|until| Some(*until) != of_group);
        if let Some(until) = own {
            self.add(until, Some(entity), "validUntil".to_owned());
        }
        let roles = [
            (
                "IDPSSODescriptor",
                entity.idp.as_ref().and_then(|idp| idp.valid_until),
            ),
            (
                "SPSSODescriptor",
                entity.sp.as_ref().and_then(|sp| sp.valid_until),
            ),
        ];
        for (role, until) in roles {
            if let Some(until) = until {
                self.add(until, Some(entity), format!("{role}: validUntil"));
            }
        }
        for key in entity.published_keys(provider) {
            if let Some(until) = key.not_after {
                let print = key.fingerprint.to_fingerprint();
                let what = format!("{}: certificate {print}", key.role);
                self.add(until, Some(entity), what);
            }
        }
    }

    fn add(&mut self, at: DateTime<Utc>, entity: Option<&EntityDescriptor>, what: String) {
        if at < self.soon {
            self.found.insert(End {
                at: format_instant(at),
                expired: at <= self.now,
                file: self.file.clone(),
                entity_id: entity.map(|entity| entity.entity_id.to_string()),
                what,
            });
        }
    }
}

/// The first end first.
fn lines(found: &BTreeSet<End>) -> String {
    let mut out = String::new();
    for end in found {
        let verb = if end.expired { "ended" } else { "ends" };
        let of = end.entity_id.as_deref().unwrap_or(&end.file);
        let (of, what) = (visible(of), visible(&end.what));
        // A String never fails.
        let _ = writeln!(out, "{} {verb:<5} {of}\n  {what}", end.at);
    }
    if found.is_empty() {
        out.push_str("nothing ends soon\n");
    }
    out
}
