//! `federate metadata lint`.

use super::{Loaded, load, progress, refused};
use crate::Output;
use crate::options::{LintArgs, LintGroup};
use crate::problem::Problem;
use crate::terminal::{json, visible};
use crate::trust;
use federate_metadata::{Finding, LintContext, RULES, Severity, lint, lint_group};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Debug, Serialize)]
struct Found<'a> {
    entity_id: Option<&'a str>,
    code: &'static str,
    severity: &'static str,
    message: String,
    fix: &'static str,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    ok: bool,
    errors: usize,
    warnings: usize,
    notes: usize,
    counts: BTreeMap<&'static str, usize>,
    /// None with --summary.
    findings: Option<Vec<Found<'a>>>,
}

pub(super) fn run(args: &LintArgs) -> Result<Output, Problem> {
    let content = match load(&args.file)? {
        Loaded::Read(content) => content,
        Loaded::Refused(failure) => return refused(args.file.display(), &failure, args.json),
    };
    let mut context = LintContext::new(args.at.unwrap_or_else(trust::now));
    context.max_validity = args.max_validity;
    context.registrars.clone_from(&args.registrar);
    context.adfs = args.group.contains(&LintGroup::Adfs);
    context.entra = args.group.contains(&LintGroup::Entra);
    let findings = match content.only_entity() {
        Some(entity) => lint(entity, &context),
        None => {
            progress(format_args!(
                "{} entities",
                content.group.entities().count()
            ));
            lint_group(&content.group, &context)
        }
    };
    let report = Report::of(&findings, args.summary);
    let text = match (args.json, args.summary) {
        (true, _) => json(&report)?,
        (false, true) => report.to_counts() + &report.to_total(),
        (false, false) => lines(&findings) + &report.to_total(),
    };
    Ok(Output {
        refused: !report.ok,
        ..text.into()
    })
}

impl<'a> Report<'a> {
    fn of(findings: &'a [Finding], summary: bool) -> Self {
        let number = |severity| {
            let all = findings.iter();
            all.filter(|finding| finding.severity() == severity).count()
        };
        let mut counts = BTreeMap::new();
        for finding in findings {
            *counts.entry(finding.code()).or_default() += 1;
        }
        let found = |finding: &'a Finding| Found {
            entity_id: finding.entity_id.as_ref().map(|id| id.as_str()),
            code: finding.code(),
            severity: finding.severity().name(),
            message: finding.message(),
            fix: finding.fix(),
        };
        let errors = number(Severity::Error);
        Self {
            ok: errors == 0,
            errors,
            warnings: number(Severity::Warning),
            notes: number(Severity::Note),
            counts,
            findings: (!summary).then(|| findings.iter().map(found).collect()),
        }
    }

    fn to_total(&self) -> String {
        let (errors, warnings, notes) = (self.errors, self.warnings, self.notes);
        format!("{errors} errors, {warnings} warnings, {notes} notes\n")
    }

    fn to_counts(&self) -> String {
        let mut out = String::new();
        for rule in RULES {
            if let Some(number) = self.counts.get(rule.code) {
                let severity = rule.severity.name();
                // A String never fails.
                let _ = writeln!(out, "{number:>6} {severity:<8} {}", rule.code);
            }
        }
        out
    }
}

/// The findings, under the entities that they are of.
fn lines(findings: &[Finding]) -> String {
    let mut out = String::new();
    let mut of = None;
    for finding in findings {
        // A String never fails.
        if of != Some(&finding.entity_id) {
            let id = finding.entity_id.as_ref().map(|id| visible(id.as_str()));
            let _ = writeln!(out, "{}", id.as_deref().unwrap_or("the group"));
        }
        of = Some(&finding.entity_id);
        let (severity, code) = (finding.severity().name(), finding.code());
        let message = visible(&finding.message());
        let _ = writeln!(out, "  {severity:<8} {code}\n           {message}");
        let _ = writeln!(out, "           {}", finding.fix());
    }
    out
}
