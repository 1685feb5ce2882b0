//! `federate verify`.

use crate::Output;
use crate::failure::Failure;
use crate::input::{self, Encodings};
use crate::options::ResponseArgs;
use crate::problem::Problem;
use crate::setting::Setting;
use crate::terminal::{json, visible};
use chrono::{DateTime, Utc};
use federate_saml::{
    AttributeValue, Response, SamlError, ValidatedLogin, validate_response, verify_response,
};
use federate_xml::{Unverified, format_instant};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A login that was accepted.
#[derive(Debug, Serialize)]
pub(crate) struct Accepted {
    ok: bool,
    issuer: String,
    name_id: Name,
    attributes: BTreeMap<String, Vec<Option<String>>>,
    session_index: Option<String>,
    authn_instant: String,
    authn_context: Option<String>,
    /// Until when it may be presented.
    not_on_or_after: String,
    session_not_on_or_after: Option<String>,
}

#[derive(Debug, Serialize)]
struct Name {
    value: String,
    format: String,
}

#[derive(Serialize)]
struct Refused<'a> {
    ok: bool,
    error: &'a Failure,
}

impl Accepted {
    fn of(login: &ValidatedLogin, not_on_or_after: DateTime<Utc>) -> Self {
        let mut attributes = BTreeMap::<_, Vec<_>>::new();
        for attribute in login.attributes() {
            let values = attributes.entry(attribute.name.clone()).or_default();
            let text = |value: &AttributeValue| value.as_text().map(str::to_owned);
            values.extend(attribute.values.iter().map(text));
        }
        Self {
            ok: true,
            issuer: login.issuer().as_str().to_owned(),
            name_id: Name {
                value: login.name_id().value().to_owned(),
                format: login.name_id().format_or_unspecified().uri().to_owned(),
            },
            attributes,
            session_index: login.session_index().map(|i| i.as_str().to_owned()),
            authn_instant: format_instant(login.authn_instant()),
            authn_context: login.authn_context().map(str::to_owned),
            not_on_or_after: format_instant(not_on_or_after),
            session_not_on_or_after: login.session_not_on_or_after().map(format_instant),
        }
    }

    fn to_text(&self) -> String {
        let mut out = "accepted\n".to_owned();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(out, "  {name:<24}{}", visible(value)); // a String never fails
        };
        line("issuer", &self.issuer);
        line("name identifier", &self.name_id.value);
        line("its format", &self.name_id.format);
        for (name, values) in &self.attributes {
            for value in values {
                let value = value.as_deref().unwrap_or("(other markup)");
                line("attribute", &format!("{name} = {value}"));
            }
        }
        for (name, value) in [
            ("session index", self.session_index.as_ref()),
            ("signed in at", Some(&self.authn_instant)),
            ("signed in by", self.authn_context.as_ref()),
            ("holds until", Some(&self.not_on_or_after)),
            ("session ends at", self.session_not_on_or_after.as_ref()),
        ] {
            line(name, value.map_or("none", String::as_str));
        }
        out
    }
}

/// Judges a response as a service does. Whether it was used before, only a store can tell.
pub(crate) fn judge(setting: &Setting, xml: &[u8]) -> Result<Accepted, Failure> {
    if setting.peer.expired {
        return Err(Failure::metadata_expired());
    }
    let response = Unverified::<Response>::parse(xml, &setting.limits).map_err(SamlError::from)?;
    let decryption = setting.decryption();
    let context = setting.verification();
    let verified = verify_response(&response, &setting.peer.keys, &context, decryption.as_ref())?;
    let conditions = verified.assertion().conditions.as_ref();
    let conditions = conditions.and_then(|c| c.not_on_or_after);
    let expectation = setting.expectation(&verified);
    let login = validate_response(verified, &expectation.as_ref()).map_err(SamlError::from)?;
    // Until then the login must be remembered: the confirmation's end, and the skew.
    let confirmed = login.replay_until() - setting.policy.skew.as_delta();
    Ok(Accepted::of(&login, conditions.unwrap_or(confirmed)))
}

pub(crate) fn run(args: &ResponseArgs) -> Result<Output, Problem> {
    let setting = Setting::load(args)?;
    let verdict = match input::message(input::read(&args.file)?, Encodings::Post) {
        Ok(message) => judge(&setting, &message.xml),
        Err(e) => Err(SamlError::from(e).into()),
    };
    let text = match (&verdict, args.json) {
        (Ok(accepted), true) => json(accepted)?,
        (Ok(accepted), false) => accepted.to_text(),
        (Err(failure), true) => json(&Refused {
            ok: false,
            error: failure,
        })?,
        (Err(failure), false) => refusal(failure),
    };
    Ok(Output {
        stdout: text.into_bytes(),
        stderr: setting.remark().to_owned(),
        refused: verdict.is_err(),
    })
}

/// A refusal for people.
fn refusal(failure: &Failure) -> String {
    format!("refused: {}\n{}", failure.code, failure.to_lines("  "))
}
