//! `federate issue`.

use crate::Output;
use crate::options::{Form, IssueArgs, Sign};
use crate::problem::Problem;
use crate::setting::entity_id;
use crate::trust;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{CryptoProvider, aws_lc_provider};
use federate_saml::{Attribute, AttributeValue, IssuePolicy, Login, SignedPart, issue_response};
use federate_types::{
    Binding, EntityId, MessageId, NameId, NameIdFormat, Provenance, SessionIndex,
};
use federate_xml::{Encryptor, Signer};
use std::path::Path;

/// How long the session of an issued response lasts.
const SESSION: TimeDelta = TimeDelta::hours(8);
/// How the person is said to have signed in.
const AUTHN_CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

pub(crate) fn run(args: &IssueArgs) -> Result<Output, Problem> {
    let provider = aws_lc_provider();
    let now = args.at.unwrap_or_else(trust::now);
    let key = trust::signing_key(&provider, &args.key)?;
    let signer = Signer::new(provider, key, trust::certificate(&args.cert)?)
        .map_err(|e| Problem::of("--cert", e))?;
    let (service_provider, acs) = service_provider(args, now)?;
    let request = args.in_response_to.as_ref().map(MessageId::new);
    let request = request
        .transpose()
        .map_err(|e| Problem::of("--in-response-to", e))?;
    let format = args.name_id_format.as_deref().map(NameIdFormat::from_uri);
    let name_id = NameId::new(&args.name_id, format).map_err(|e| Problem::of("--name-id", e))?;
    let attributes = attributes(&args.attr);
    let session_index = SessionIndex::new(fresh_id(&provider)?.as_str())
        .map_err(|e| Problem::of("session index", e))?;
    let end = now.checked_add_signed(SESSION);
    let login = Login {
        identity_provider: &entity_id("--idp-entity-id", &args.idp_entity_id)?,
        service_provider: &service_provider,
        assertion_consumer_service: &acs,
        in_response_to: request.as_ref(),
        name_id,
        attributes: &attributes,
        authn_instant: now,
        authn_context: AUTHN_CONTEXT,
        session_index,
        session_not_on_or_after: end.ok_or_else(|| Problem::of("--at", "too late"))?,
        provenance: &Provenance::default(),
    };
    let policy = IssuePolicy {
        lifetime: TimeDelta::seconds(i64::from(args.lifetime)),
        signed_part: match args.sign {
            Sign::Assertion => SignedPart::Assertion,
            Sign::Response => SignedPart::Response,
            Sign::Both => SignedPart::Both,
        },
        encryption: encryptor(&provider, args.encrypt_cert.as_deref(), &service_provider)?,
        ..IssuePolicy::default()
    };
    let (response, assertion) = (fresh_id(&provider)?, fresh_id(&provider)?);
    let mut octets = issue_response(&login, response, assertion, &policy, &signer, now)
        .map_err(|e| Problem::of("signing", e))?;
    if matches!(args.form, Form::Base64) {
        octets = STANDARD.encode(&octets).into_bytes();
    }
    octets.push(b'\n');
    Ok(Output {
        stdout: octets,
        ..Output::default()
    })
}

/// Who is told, and where.
fn service_provider(args: &IssueArgs, now: DateTime<Utc>) -> Result<(EntityId, String), Problem> {
    let Some(path) = &args.sp_metadata else {
        let id = args.sp_entity_id.as_deref().unwrap_or_default();
        let acs = args.acs.clone();
        let acs = acs.ok_or_else(|| Problem::new("--acs is needed with --sp-entity-id"))?;
        return Ok((entity_id("--sp-entity-id", id)?, acs));
    };
    let problem = |why: &dyn std::fmt::Display| Problem::of(path.display(), why);
    let entity = trust::metadata(path)?;
    let sp = entity.sp_at(now).map_err(|e| problem(&e))?;
    let consumer = match &args.acs {
        Some(url) => sp
            .assertion_consumer_by_url_for(url, Binding::HttpPost)
            .ok_or_else(|| problem(&"--acs is none of its addresses for HTTP-POST"))?,
        None => sp
            .default_assertion_consumer_for(Binding::HttpPost)
            .ok_or_else(|| problem(&"it has no assertion consumer service for HTTP-POST"))?,
    };
    let location = consumer.endpoint.location.as_str().to_owned();
    Ok((entity.entity_id.clone(), location))
}

/// One attribute per name, in the order of their first values.
fn attributes(pairs: &[(String, String)]) -> Vec<Attribute> {
    let mut found: Vec<Attribute> = Vec::new();
    for (name, value) in pairs {
        match found.iter_mut().find(|a| a.name == *name) {
            Some(attribute) => attribute.values.push(AttributeValue::Text(value.clone())),
            None => found.push(Attribute::new(name, [value])),
        }
    }
    found
}

fn encryptor(
    provider: &CryptoProvider,
    path: Option<&Path>,
    recipient: &EntityId,
) -> Result<Option<Encryptor>, Problem> {
    let Some(path) = path else {
        return Ok(None);
    };
    let encryptor = Encryptor::new(*provider, trust::certificate(path)?)
        .map_err(|e| Problem::of(path.display(), e))?;
    Ok(Some(encryptor.with_recipient(recipient.as_str())))
}

pub(crate) fn fresh_id(provider: &CryptoProvider) -> Result<MessageId, Problem> {
    let mut random = [0; 20];
    let filled = provider.random.fill(&mut random);
    filled.map_err(|e| Problem::of("identifier", e))?;
    Ok(MessageId::from_random(random))
}
