//! When a description ends.

use super::rules::*;
use super::{LintContext, OfEntity, Report, Rule};
use crate::parts::roles;
use crate::{EntitiesDescriptor, EntityDescriptor};
use chrono::{DateTime, TimeDelta, Utc};
use federate_xml::format_instant;

pub(super) fn check(entity: &EntityDescriptor, report: &mut OfEntity<'_, '_>) {
    let found = of(entity.valid_until, entity.cache_duration, report.context);
    for (rule, subject) in found {
        report.add(rule, subject);
    }
    for role in roles(entity) {
        // [SAMLMeta] 2.4.1: a role may end before the entity.
        if let Some(until) = role
            .valid_until
            .filter(|until| *until <= report.context.now)
        {
            let subject = format!("{}, {}", role.element, format_instant(until));
            report.add(&VALID_UNTIL_PAST, subject);
        }
    }
}

pub(super) fn check_group(group: &EntitiesDescriptor, report: &mut Report<'_>) {
    for (rule, subject) in of(group.valid_until, group.cache_duration, report.context) {
        report.add(rule, None, subject);
    }
}

fn of(
    valid_until: Option<DateTime<Utc>>,
    cache_duration: Option<TimeDelta>,
    context: &LintContext,
) -> Vec<(&'static Rule, String)> {
    let mut found = Vec::new();
    let Some(until) = valid_until else {
        found.push((&VALID_UNTIL_MISSING, String::new()));
        return found;
    };
    let left = until - context.now;
    let subject = format_instant(until);
    if left <= TimeDelta::zero() {
        found.push((&VALID_UNTIL_PAST, subject));
    } else if left > context.max_validity {
        found.push((&VALID_UNTIL_FAR, subject));
    } else if cache_duration.is_some_and(|cache| cache > left) {
        found.push((&CACHE_OUTLIVES, subject));
    }
    found
}
