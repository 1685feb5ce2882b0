//! The results of all checks.

use crate::failure::Failure;
use crate::terminal::{visible, visible_lines};
use federate_saml::advice;
use serde::Serialize;
use std::fmt::Write as _;

/// All that is known of a response.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Whether the library accepts it.
    pub(crate) ok: bool,
    /// Why the library refuses it: what `verify` says.
    pub(crate) error: Option<Failure>,
    pub(crate) checks: Vec<Check>,
    pub(crate) certificates: Vec<TriedCertificate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) canonical: Vec<CanonicalOctets>,
}

/// A check with its result.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    check: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    citation: Option<&'static str>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Outcome {
    Passed {
        detail: Option<String>,
    },
    Failed {
        #[serde(flatten)]
        failure: Failure,
        advice: Option<&'static str>,
    },
    NotReached {
        reason: String,
    },
}

/// A certificate, and what became of trying it.
#[derive(Debug, Serialize)]
pub(crate) struct TriedCertificate {
    /// The signature that it was tried on.
    pub(crate) signature: String,
    pub(crate) subject: String,
    pub(crate) sha256: String,
    pub(crate) key: String,
    pub(crate) bits: u32,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    pub(crate) valid: bool,
    pub(crate) result: String,
}

/// What was hashed for a signature.
#[derive(Debug, Serialize)]
pub(crate) struct CanonicalOctets {
    pub(crate) element: String,
    pub(crate) octets: String,
}

impl Report {
    pub(crate) fn passed(&mut self, check: impl Into<String>, detail: impl Into<String>) {
        let detail = Some(detail.into()).filter(|d| !d.is_empty());
        self.push(check, None, Outcome::Passed { detail });
    }

    pub(crate) fn failed(&mut self, check: impl Into<String>, failure: impl Into<Failure>) {
        self.push(check, None, failed(failure.into()));
    }

    pub(crate) fn not_reached(&mut self, check: impl Into<String>, reason: impl Into<String>) {
        let reason = reason.into();
        self.push(check, None, Outcome::NotReached { reason });
    }

    /// Gives the last check its citation.
    pub(crate) fn cited(&mut self, citation: &'static str) {
        if let Some(check) = self.checks.last_mut() {
            check.citation = Some(citation);
        }
    }

    fn push(&mut self, check: impl Into<String>, citation: Option<&'static str>, outcome: Outcome) {
        self.checks.push(Check {
            check: check.into(),
            citation,
            outcome,
        });
    }

    /// Whether a check failed with this code.
    pub(crate) fn tells(&self, code: &str) -> bool {
        let is = |check: &Check| matches!(&check.outcome, Outcome::Failed { failure, .. } if failure.code == code);
        self.checks.iter().any(is)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        let mut reason = None;
        for check in &self.checks {
            let same = reason.is_some() && check.reason() == reason;
            check.write(same, &mut out);
            reason = check.reason();
        }
        if !self.certificates.is_empty() {
            out.push_str("\ncertificates\n");
        }
        for tried in &self.certificates {
            let valid = match tried.valid {
                true => "",
                false => " (not at this instant; keys count, dates do not)",
            };
            // A String never fails.
            let _ = write!(
                out,
                "  {}: {}\n    subject  {}\n    SHA-256  {}\n    key      {}, {} bits\n    valid    {} to {}{valid}\n",
                visible(&tried.signature),
                visible(&tried.result),
                visible(&tried.subject),
                tried.sha256,
                tried.key,
                tried.bits,
                tried.not_before,
                tried.not_after,
            );
        }
        for canonical in &self.canonical {
            let _ = write!(
                out,
                "\ncanonical octets of {}, {} in all\n{}\n",
                visible(&canonical.element),
                canonical.octets.len(),
                visible_lines(&canonical.octets)
            );
        }
        match &self.error {
            None => out.push_str(
                "\naccepted; whether it was used before, only the store of a service knows\n",
            ),
            Some(failure) => {
                let _ = writeln!(out, "\nrefused: {}", failure.code);
            }
        }
        out
    }
}

fn failed(failure: Failure) -> Outcome {
    Outcome::Failed {
        advice: advice(failure.code),
        failure,
    }
}

impl Check {
    /// Why it was not reached, if it was not.
    fn reason(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::NotReached { reason } => Some(reason),
            _ => None,
        }
    }

    /// The check on its lines; the reason that was told before is not told again.
    fn write(&self, same_reason: bool, out: &mut String) {
        let citation = self.citation.map_or_else(String::new, |c| format!("  {c}"));
        let name = format!("{:<34}{citation}", visible(&self.check));
        let name = name.trim_end();
        // A String never fails.
        let _ = match &self.outcome {
            Outcome::Passed { detail: None } => writeln!(out, "passed       {name}"),
            Outcome::Passed {
                detail: Some(detail),
            } => writeln!(
                out,
                "passed       {name}\n               {}",
                visible(detail)
            ),
            Outcome::Failed { failure, .. } => writeln!(
                out,
                "FAILED       {name}\n               code      {}\n{}",
                failure.code,
                failure.to_lines("               ").trim_end()
            ),
            Outcome::NotReached { .. } if same_reason => writeln!(out, "not reached  {name}"),
            Outcome::NotReached { reason } => {
                writeln!(
                    out,
                    "not reached  {name}\n               {}",
                    visible(reason)
                )
            }
        };
    }
}
