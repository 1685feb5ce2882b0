//! What is wrong with metadata, or will be, before a peer finds out.

use crate::{EntitiesDescriptor, EntityDescriptor};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::EntityId;
use std::fmt;

mod adfs;
mod endpoints;
mod entra;
mod group;
mod keys;
mod people;
mod rules;
mod scopes;
mod validity;

pub use rules::RULES;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Some peers will refuse it, or it is weaker than it need be.
    Warning,
    /// It does not work, or is not safe.
    Error,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// For whom a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleGroup {
    /// Everybody.
    General,
    /// Those whose metadata AD FS is to read.
    Adfs,
    /// Those whose metadata Microsoft Entra is to read.
    Entra,
}

impl RuleGroup {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Adfs => "adfs",
            Self::Entra => "entra",
        }
    }
}

/// One thing that can be wrong.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The stable machine code.
    pub code: &'static str,
    /// For whom the rule is.
    pub group: RuleGroup,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, and why that matters.
    pub reason: &'static str,
    /// What to change.
    pub fix: &'static str,
}

/// A rule that is broken, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The entity; `None` for the group as a whole.
    pub entity_id: Option<EntityId>,
    /// What breaks it: an endpoint, a certificate, a scope. It can hold text of the document;
    /// [`Display`](fmt::Display) and [`message`](Self::message) escape it.
    pub subject: String,
}

impl Finding {
    /// The stable machine code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.rule.code
    }

    /// How much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.rule.severity
    }

    /// What is wrong with what.
    #[must_use]
    pub fn message(&self) -> String {
        match self.subject.as_str() {
            "" => self.rule.reason.to_owned(),
            subject => format!("{}: {}", subject.escape_debug(), self.rule.reason),
        }
    }

    /// What to change.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        self.rule.fix
    }
}

impl fmt::Display for Finding {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(entity_id) = &self.entity_id {
            write!(f, "{}: ", entity_id.as_str().escape_debug())?;
        }
        write!(f, "{} {}: ", self.severity().name(), self.code())?;
        f.write_str(&self.message())
    }
}

/// By what metadata is judged.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LintContext {
    /// The present.
    pub now: DateTime<Utc>,
    /// How long before its end a certificate is worth a finding.
    pub expiring_within: TimeDelta,
    /// How far ahead `validUntil` may lie.
    pub max_validity: TimeDelta,
    /// The registrars whose word on categories counts; empty when any registrar's does.
    pub registrars: Vec<String>,
    /// Whether the rules of AD FS count.
    pub adfs: bool,
    /// Whether the rules of Entra count.
    pub entra: bool,
}

impl LintContext {
    /// The general rules; certificates are told 30 days before they end, and metadata may be
    /// valid for 93 days.
    #[must_use]
    pub const fn new(now: DateTime<Utc>) -> Self {
        Self {
            now,
            expiring_within: TimeDelta::days(30),
            max_validity: TimeDelta::days(93),
            registrars: Vec::new(),
            adfs: false,
            entra: false,
        }
    }
}

/// What is wrong with the description of an entity, the worst first.
///
/// ```
/// use federate_metadata::{LintContext, lint, parse_entity};
/// # let octets = br#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
/// #   entityID="https://sp.example/metadata"><md:SPSSODescriptor
/// #   protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
/// #   <md:AssertionConsumerService index="0" Location="http://sp.example/acs"
/// #   Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/>
/// #   </md:SPSSODescriptor></md:EntityDescriptor>"#;
/// let entity = parse_entity(octets, &federate_xml::Limits::default())?;
/// let findings = lint(&entity, &LintContext::new("2026-01-01T00:00:00Z".parse()?));
/// assert_eq!(findings[0].code(), "lint.endpoint_http");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn lint(entity: &EntityDescriptor, context: &LintContext) -> Vec<Finding> {
    let mut report = Report::new(context);
    validity::check(entity, &mut report.of(entity));
    of_entity(entity, &mut report);
    report.finish()
}

/// What is wrong with a group and the entities in it, in the order of the document.
///
/// When the description ends is asked of the outermost group only; what its members have in
/// common that they should not is asked of all of them together.
#[must_use]
pub fn lint_group(group: &EntitiesDescriptor, context: &LintContext) -> Vec<Finding> {
    let mut report = Report::new(context);
    validity::check_group(group, &mut report);
    group::check(group, &mut report);
    let mut found = report.finish();
    for entity in group.entities() {
        let mut report = Report::new(context);
        of_entity(entity, &mut report);
        found.extend(report.finish());
    }
    found
}

fn of_entity(entity: &EntityDescriptor, report: &mut Report<'_>) {
    let mut report = report.of(entity);
    keys::check(entity, &mut report);
    endpoints::check(entity, &mut report);
    scopes::check(entity, &mut report);
    people::check(entity, &mut report);
    if report.context.adfs {
        adfs::check(entity, &mut report);
    }
    if report.context.entra {
        entra::check(entity, &mut report);
    }
}

/// What was found so far.
struct Report<'c> {
    context: &'c LintContext,
    found: Vec<Finding>,
}

/// What was found of one entity.
struct OfEntity<'r, 'c> {
    context: &'c LintContext,
    entity_id: &'r EntityId,
    found: &'r mut Vec<Finding>,
}

impl<'c> Report<'c> {
    const fn new(context: &'c LintContext) -> Self {
        Self {
            context,
            found: Vec::new(),
        }
    }

    const fn of<'r>(&'r mut self, entity: &'r EntityDescriptor) -> OfEntity<'r, 'c> {
        OfEntity {
            context: self.context,
            entity_id: &entity.entity_id,
            found: &mut self.found,
        }
    }

    fn add(&mut self, rule: &'static Rule, entity_id: Option<&EntityId>, subject: String) {
        self.found.push(Finding {
            rule,
            entity_id: entity_id.cloned(),
            subject,
        });
    }

    /// The worst first, otherwise in the order in which they were found.
    fn finish(mut self) -> Vec<Finding> {
        self.found
            .sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
        self.found
    }
}

impl OfEntity<'_, '_> {
    fn add(&mut self, rule: &'static Rule, subject: impl fmt::Display) {
        self.found.push(Finding {
            rule,
            entity_id: Some(self.entity_id.clone()),
            subject: subject.to_string(),
        });
    }
}

#[cfg(test)]
mod tests;
