//! The applications: what they were told is what a logout came to, whatever the hub says.

use crate::world::{HUB, Kind, Shares, delay, entity_id};
use crate::{Failure, locked};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{TimeDelta, Utc};
use federate::crypto::{CryptoProvider, VerifyingKey};
use federate::saml::binding::soap;
use federate::saml::{
    Extensions, LogoutRequest, LogoutResponse, REASON_USER, read_signed, signed_xml,
};
use federate::types::{EntityId, MessageId, NameId, SessionIndex, Status};
use federate::xml::{Limits, SignaturePolicy, Signer, TrustedKeys, VerificationContext, Verified};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What an application knows of one session that it was told to end.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) application: usize,
    pub(crate) name: String,
    pub(crate) first: Instant,
    /// How often it was told.
    pub(crate) times: u32,
    /// How often it said Success.
    pub(crate) confirmed: u32,
}

/// All applications.
pub(crate) struct Applications {
    provider: CryptoProvider,
    shares: Shares,
    signers: Vec<Signer>,
    hub: TrustedKeys,
    /// By the name of the session at the application, which is of no other session.
    told: Mutex<HashMap<String, Told>>,
    /// How many sessions applications know to be over.
    pub(crate) reached: AtomicU64,
    /// How many requests they took.
    pub(crate) requests: AtomicU64,
    /// Why they refused some, if they did.
    refused: Mutex<Vec<String>>,
}

impl Applications {
    pub(crate) fn new(
        provider: CryptoProvider,
        shares: Shares,
        signers: Vec<Signer>,
        hub: &Signer,
    ) -> Result<Self, Failure> {
        let hub = VerifyingKey::new(&provider, hub.certificate().public_key().clone())?;
        Ok(Self {
            provider,
            shares,
            signers,
            hub: TrustedKeys::from(hub),
            told: Mutex::default(),
            reached: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            refused: Mutex::default(),
        })
    }

    pub(crate) fn told(&self, index: &str) -> Option<Told> {
        locked(&self.told).get(index).cloned()
    }

    pub(crate) fn refused(&self) -> Vec<String> {
        locked(&self.refused).clone()
    }

    /// What a user's own wish to log out makes an application send.
    pub(crate) fn request(
        &self,
        application: usize,
        name_id: NameId,
        index: SessionIndex,
    ) -> Result<Vec<u8>, Failure> {
        let now = Utc::now();
        let request = LogoutRequest {
            id: self.id()?,
            issue_instant: now,
            destination: Some(crate::world::HUB_SOAP_SLO.to_owned()),
            not_on_or_after: Some(now + TimeDelta::minutes(5)),
            reason: Some(REASON_USER.to_owned()),
            issuer: Some(EntityId::new(entity_id(application))?),
            extensions: Extensions::default(),
            name_id,
            session_indexes: vec![index],
        };
        Ok(soap::envelope(&signed_xml(
            &request,
            self.signer(application)?,
        )?))
    }

    fn signer(&self, application: usize) -> Result<&Signer, Failure> {
        let signer = self.signers.get(application);
        signer.ok_or_else(|| "no such application".into())
    }

    fn id(&self) -> Result<MessageId, Failure> {
        let mut octets = [0; 20];
        self.provider.random.fill(&mut octets)?;
        Ok(MessageId::from_random(octets))
    }

    fn read(&self, envelope: &[u8]) -> Result<Verified<LogoutRequest>, Failure> {
        let limits = Limits::default();
        let unverified = soap::body::<LogoutRequest>(envelope, &limits)?;
        let context = VerificationContext {
            provider: &self.provider,
            policy: &SignaturePolicy::default(),
            now: Utc::now(),
        };
        let octets = context.verify_enveloped(unverified.root_hint(), &self.hub)?;
        Ok(read_signed(&octets.document(&limits)?, None)?)
    }

    fn note(&self, application: usize, request: &LogoutRequest) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut told = locked(&self.told);
        for index in &request.session_indexes {
            let entry = told.entry(index.as_str().to_owned()).or_insert_with(|| {
                self.reached.fetch_add(1, Ordering::Relaxed);
                Told {
                    application,
                    name: request.name_id.value().to_owned(),
                    first: Instant::now(),
                    times: 0,
                    confirmed: 0,
                }
            });
            entry.times += 1;
        }
    }

    /// Before the answer leaves: whatever the hub takes for a yes is one here.
    fn confirm(&self, request: &LogoutRequest) {
        let mut told = locked(&self.told);
        for index in &request.session_indexes {
            if let Some(told) = told.get_mut(index.as_str()) {
                told.confirmed += 1;
            }
        }
    }

    async fn answer(&self, application: usize, envelope: &[u8]) -> Result<Vec<u8>, Failure> {
        let request = self.read(envelope)?;
        if request.issuer.as_ref().map(EntityId::as_str) != Some(HUB) {
            return Err("a request of somebody else".into());
        }
        self.note(application, &request);
        if self.shares.kind(application) == Kind::Slow {
            let mut octets = [0; 8];
            self.provider.random.fill(&mut octets)?;
            tokio::time::sleep(delay(u64::from_le_bytes(octets))).await;
        }
        let response = LogoutResponse {
            id: self.id()?,
            issue_instant: Utc::now(),
            destination: None,
            in_response_to: Some(request.id.clone()),
            issuer: Some(EntityId::new(entity_id(application))?),
            extensions: Extensions::default(),
            status: Status::success(),
        };
        let signed = signed_xml(&response, self.signer(application)?)?;
        self.confirm(&request);
        Ok(soap::envelope(&signed))
    }
}

/// Serves the applications that there are, each at its number.
pub(crate) fn serve(applications: Arc<Applications>, listener: tokio::net::TcpListener) {
    let router = Router::new()
        .route("/{number}", post(take))
        .with_state(applications);
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn take(
    State(applications): State<Arc<Applications>>,
    Path(number): Path<usize>,
    envelope: Bytes,
) -> Response {
    if applications.shares.kind(number) == Kind::Hanging {
        std::future::pending::<()>().await;
    }
    match applications.answer(number, &envelope).await {
        Ok(answer) => ([(CONTENT_TYPE, soap::CONTENT_TYPE)], answer).into_response(),
        Err(why) => {
            locked(&applications.refused).push(why.to_string());
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}
