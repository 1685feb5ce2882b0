//! An identity provider: `identity_provider KEY CERTIFICATE [SP-METADATA]`, at
//! <http://idp.localhost:8091>. Whoever comes is Alice; your own would ask for a password first.

use axum::{Router, extract::RawQuery, response::Response, routing::get};
use chrono::{TimeDelta, Utc};
use federate::idp::Assurance;
use federate::types::{NameId, NameIdFormat, Provenance, SessionIndex};
use federate::{Application, IdentityProvider, Incoming, Party};
use federate::{crypto::aws_lc_provider, saml::Attribute};
use federate_axum::{Failure, deliver};
use std::{env, error::Error, fs, io::ErrorKind, sync::Arc};

const SITE: &str = "http://idp.localhost:8091";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = |number| fs::read_to_string(env::args().nth(number).ok_or(ErrorKind::NotFound)?);
    let party = Party::from_pem(aws_lc_provider(), SITE, &file(1)?, &file(2)?)?;
    let mut idp = IdentityProvider::new(party, &format!("{SITE}/sso"), &format!("{SITE}/slo"))?;
    if env::args().len() > 3 {
        let application = Application::from_metadata("The App", file(3)?.as_bytes())?;
        idp = idp.with_application(application);
    }
    let (metadata, idp) = (idp.metadata(), Arc::new(idp));
    let pages = Router::new()
        .route("/metadata", get(move || async move { metadata.clone() }))
        .route(
            "/sso",
            get(move |query| async move { sign_on(&idp, query) }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8091").await?;
    Ok(axum::serve(listener, pages).await?)
}

fn sign_on(idp: &IdentityProvider, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let demand = idp.receive_sign_on(Incoming::Redirect(query.as_deref().unwrap_or_default()))?;
    let assurance = Assurance {
        name_id: NameId::new("alice@example.com", Some(NameIdFormat::EmailAddress))?,
        attributes: vec![Attribute::new("groups", ["staff"])],
        authn_instant: Utc::now(),
        authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified".to_owned(),
        session_index: SessionIndex::new("session-1")?,
        session_not_on_or_after: Utc::now() + TimeDelta::days(7),
        provenance: Provenance::default(),
    };
    let answer = idp.answer_sign_on(&demand, assurance)?.ready()?;
    deliver(answer, idp.party().signer.provider())
}
