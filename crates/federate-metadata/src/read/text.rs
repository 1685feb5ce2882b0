//! Reading texts that are told to people, and addresses that people are shown.
//!
//! Nobody is trusted for them, so what cannot be read is left out.

use super::{SPACE, endpoint, ignored};
use crate::names::LANG;
use crate::{Diagnostic, Localized, Location};
use chrono::{DateTime, SubsecRound, Utc};
use federate_xml::{Element, Name, ReadProblem};
use std::borrow::Cow;

/// The text of an element, without white space at its ends. Without one it says nothing.
pub(super) fn text(
    element: Element<'_>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<String> {
    Some(trimmed(element, name, found)?.into_owned())
}

fn trimmed<'d>(
    element: Element<'d>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<Cow<'d, str>> {
    match element.trimmed_text() {
        Ok(text) => (!text.is_empty()).then_some(text),
        Err(error) => {
            ignored(name, error.problem, found);
            None
        }
    }
}

/// The address that an element holds.
pub(super) fn address(
    element: Element<'_>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<Location> {
    let location = Location::new(trimmed(element, name, found)?);
    if location.is_err() {
        let expected = Location::EXPECTED;
        let what = name;
        ignored(name, ReadProblem::InvalidValue { what, expected }, found);
    }
    location.ok()
}

/// The address that an attribute holds.
pub(super) fn address_attribute(
    element: Element<'_>,
    attribute: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<Location> {
    endpoint::location(element, attribute).unwrap_or_else(|reason| {
        ignored(attribute, reason, found);
        None
    })
}

/// A text in a language (`[SAMLMeta] 2.2.4`).
pub(super) fn localized(
    element: Element<'_>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<Localized> {
    Some(Localized {
        value: text(element, name, found)?,
        lang: lang(element).unwrap_or_default(),
    })
}

/// An address in a language (`[SAMLMeta] 2.2.5`).
pub(super) fn localized_address(
    element: Element<'_>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<Localized<Location>> {
    Some(Localized {
        value: address(element, name, found)?,
        lang: lang(element).unwrap_or_default(),
    })
}

pub(super) fn lang(element: Element<'_>) -> Option<String> {
    let lang = element.attribute_in(LANG.namespace, LANG.local)?;
    Some(lang.trim_matches(SPACE).to_owned())
}

/// An instant that ends nothing; in whole seconds, as we write it.
pub(super) fn instant(
    element: Element<'_>,
    attribute: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<DateTime<Utc>> {
    match element.instant(Name::local(attribute), attribute) {
        Ok(instant) => instant.map(|instant| instant.trunc_subsecs(0)),
        Err(error) => {
            ignored(attribute, error.problem, found);
            None
        }
    }
}

/// A positive number.
pub(super) fn number(
    element: Element<'_>,
    attribute: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<u32> {
    let number = positive(element.attribute(attribute)?);
    if number.is_none() {
        ignored(attribute, not_positive(attribute), found);
    }
    number
}

pub(super) fn positive(text: &str) -> Option<u32> {
    let number = text.trim_matches(SPACE).parse().ok()?;
    (number > 0).then_some(number)
}

pub(super) const fn not_positive(what: &'static str) -> ReadProblem {
    ReadProblem::InvalidValue {
        what,
        expected: "a positive number",
    }
}

/// A required attribute with a text.
pub(super) fn attribute(
    element: Element<'_>,
    name: &'static str,
    attribute: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<String> {
    let text = element
        .attribute(attribute)
        .unwrap_or("")
        .trim_matches(SPACE);
    if text.is_empty() {
        ignored(name, ReadProblem::MissingAttribute(attribute), found);
        return None;
    }
    Some(text.to_owned())
}
