//! What a response says, said otherwise: A130 to A149. Signed again, it must break a rule.

mod message;
mod subject;

use super::names::{SAML, SAMLP};
use super::tree::{Path, Tree};
use super::{Engine, Expect};

const PAST: &str = "2000-01-01T00:00:00Z";
const FUTURE: &str = "2100-01-01T00:00:00Z";
const OTHER: &str = "https://other.example/saml";

/// The parts of a response that are changed.
struct Parts {
    response: Path,
    assertion: Path,
    response_is_signed: bool,
}

pub(super) fn apply(engine: &mut Engine) {
    let response = engine.tree.root();
    let assertion = engine.first(&[], SAML, "Assertion");
    let is_response = engine
        .elements
        .first()
        .is_some_and(|e| e.is(SAMLP, "Response"));
    let Some(assertion) = assertion.filter(|_| is_response) else {
        return;
    };
    let response_is_signed = engine.signatures.iter().any(|s| s.parent == response);
    let parts = Parts {
        response,
        assertion,
        response_is_signed,
    };
    subject::audience(engine, &parts);
    subject::addresses(engine, &parts);
    subject::requests(engine, &parts);
    subject::windows(engine, &parts);
    subject::confirmation(engine, &parts);
    message::issuers(engine, &parts);
    message::headers(engine, &parts);
    message::status(engine, &parts);
    message::assertions(engine, &parts);
    message::statements(engine, &parts);
    message::conditions(engine, &parts);
    subject::names(engine, &parts);
}

/// Adds a mutation with its expectation.
fn say(
    engine: &mut Engine,
    attack: &'static str,
    expect: Expect,
    what: impl Into<String>,
    change: impl FnOnce(&mut Tree),
) {
    let before = engine.found.len();
    engine.edit(attack, what, change);
    engine
        .found
        .iter_mut()
        .skip(before)
        .for_each(|m| m.expect = expect);
}

/// Values near to one that must be met exactly.
fn near(value: &str) -> Vec<String> {
    let upper = value.to_uppercase();
    let mut all = vec![
        OTHER.to_owned(),
        String::new(),
        format!("{value}.evil.example"),
        format!("{value}/"),
        format!("{value} "),
        format!(" {value}"),
        format!("{value}\u{200b}"),
        format!("{value}?x=y"),
        value.replacen("https:", "http:", 1),
        if upper == value {
            value.to_lowercase()
        } else {
            upper
        },
    ];
    let shorter: String = value
        .chars()
        .take(value.chars().count().saturating_sub(1))
        .collect();
    all.push(shorter);
    all.retain(|v| v != value);
    all
}
