//! Answers to a demand, and how each goes to the application.

use super::{Application, IdentityProvider, SignOnDemand};
use crate::error::{Denial, FederateError};
use crate::token::message_id;
use crate::transport::Outgoing;
use chrono::{DateTime, Utc};
use federate_crypto::CryptoError;
use federate_saml::binding::{PostForm, SimpleSignForm};
use federate_saml::ecp::{ResponseHeaders, response_envelope};
use federate_saml::{
    Attribute, Extensions, Login, MessageKind, Response, SignedPart, issue_failure, issue_response,
};
use federate_types::{Binding, EntityId, NameId, Provenance, RelayState, SessionIndex, Status};
use federate_xml::{Encryptor, Signer, Writer};

/// What is known of a person's sign-in, to be told to an application.
#[derive(Debug, Clone)]
pub struct Assurance {
    /// The person's name at the application.
    pub name_id: NameId,
    /// What else the application is told.
    pub attributes: Vec<Attribute>,
    /// When the person signed in.
    pub authn_instant: DateTime<Utc>,
    /// How: an `AuthnContextClassRef`.
    pub authn_context: String,
    /// The name of the session at the application.
    pub session_index: SessionIndex,
    /// When the session must be over.
    pub session_not_on_or_after: DateTime<Utc>,
    /// What the answer rests on, if another identity provider asked the person: then whoever
    /// answers must have seen that [it may](Provenance::allows).
    pub provenance: Provenance,
}

/// An answer.
#[derive(Debug)]
#[must_use]
pub enum Reply {
    /// It is ready to go.
    Ready(Outgoing),
    /// The browser takes an artifact to the application, which fetches the answer: give this to
    /// [`IdentityProvider::keep`], which makes it ready.
    Artifact(KeptResponse),
}

impl Reply {
    /// The answer of an identity provider that lets nothing travel as an artifact.
    ///
    /// # Errors
    /// [`FederateError::Configuration`] when it does after all, and so must
    /// [`keep`](IdentityProvider::keep) answers.
    pub fn ready(self) -> Result<Outgoing, FederateError> {
        match self {
            Self::Ready(outgoing) => Ok(outgoing),
            Self::Artifact(_) => {
                let why = "an answer that travels as an artifact was not kept";
                Err(FederateError::Configuration(why))
            }
        }
    }
}

/// A response to be kept until its application asks for it. `Debug` does not show it.
pub struct KeptResponse {
    pub(super) application: EntityId,
    pub(super) assertion_consumer_service: String,
    pub(super) relay_state: Option<RelayState>,
    pub(super) xml: Vec<u8>,
}

impl std::fmt::Debug for KeptResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptResponse")
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}

impl IdentityProvider {
    /// Answers a demand: the person is who the assurance says.
    ///
    /// # Errors
    /// [`Denial::UnknownPeer`] when the application is no longer known, failures of the key.
    pub fn answer_sign_on(
        &self,
        demand: &SignOnDemand,
        assurance: Assurance,
    ) -> Result<Reply, FederateError> {
        let application = self.application(Some(&demand.application))?;
        let provider = self.party.provider();
        let login = Login {
            identity_provider: &self.party.entity_id,
            service_provider: application.audience.as_ref().unwrap_or(&demand.application),
            assertion_consumer_service: &demand.assertion_consumer_service,
            in_response_to: demand.request_id.as_ref(),
            name_id: assurance.name_id,
            attributes: &assurance.attributes,
            authn_instant: assurance.authn_instant,
            authn_context: application
                .authn_context_class_ref
                .as_ref()
                .unwrap_or(&assurance.authn_context),
            session_index: assurance.session_index,
            session_not_on_or_after: assurance.session_not_on_or_after,
            provenance: &assurance.provenance,
        };
        let (response_id, assertion_id) = (message_id(provider)?, message_id(provider)?);
        let mut issue = application.issue.clone();
        if demand.binding == Binding::HttpPostSimpleSign {
            // [SimpleSign] 2.5: the form's signature is the response's.
            issue.signed_part = SignedPart::Assertion;
        }
        if application.encrypt_assertions && issue.encryption.is_none() {
            issue.encryption = Some(self.encryptor(&application)?);
        }
        let xml = issue_response(
            &login,
            response_id,
            assertion_id,
            &issue,
            self.signer(&application),
            self.now(),
        )?;
        Ok(self.reply(demand, &application, xml)?)
    }

    /// Answers a demand with a failure, such as NoPassive (`[SAMLCore] 3.2.2.2`).
    ///
    /// # Errors
    /// As [`answer_sign_on`](Self::answer_sign_on).
    pub fn refuse_sign_on(
        &self,
        demand: &SignOnDemand,
        status: Status,
    ) -> Result<Reply, FederateError> {
        let response = Response {
            id: message_id(self.party.provider())?,
            issue_instant: self.now(),
            destination: Some(demand.assertion_consumer_service.clone()),
            in_response_to: demand.request_id.clone(),
            issuer: Some(self.party.entity_id.clone()),
            extensions: Extensions::default(),
            status,
            assertions: Vec::new(),
        };
        let application = self.application(Some(&demand.application))?;
        let xml = if demand.binding == Binding::HttpPostSimpleSign {
            let mut unsigned = Writer::new();
            response.write_around(&mut unsigned, &[]);
            unsigned.finish()
        } else {
            issue_failure(&response, self.signer(&application))?
        };
        Ok(self.reply(demand, &application, xml)?)
    }

    /// Encrypts to the first key of the application's metadata that can be used.
    fn encryptor(&self, application: &Application) -> Result<Encryptor, FederateError> {
        let metadata = self.metadata_of(application)?;
        let sp = metadata.sp_at(self.now())?;
        let provider = self.party.provider();
        let encryptor = sp
            .encryption_certificates()
            .find_map(|certificate| Encryptor::new(*provider, certificate.clone()).ok())
            .ok_or(Denial::NoEncryptionKey)?;
        Ok(encryptor.with_recipient(application.entity_id().as_str()))
    }

    fn signer<'a>(&'a self, application: &'a Application) -> &'a Signer {
        application.signer.as_ref().unwrap_or(&self.party.signer)
    }

    fn reply(
        &self,
        demand: &SignOnDemand,
        application: &Application,
        xml: Vec<u8>,
    ) -> Result<Reply, CryptoError> {
        let acs = &demand.assertion_consumer_service;
        let kind = MessageKind::Response;
        let relay_state = demand.relay_state.clone();
        Ok(Reply::Ready(match demand.binding {
            Binding::HttpArtifact => {
                return Ok(Reply::Artifact(KeptResponse {
                    application: demand.application.clone(),
                    assertion_consumer_service: acs.clone(),
                    relay_state,
                    xml,
                }));
            }
            Binding::HttpPostSimpleSign => {
                let signer = self.signer(application);
                let form = SimpleSignForm::new(acs, kind, &xml, relay_state, signer)?;
                Outgoing::SimpleSign(form)
            }
            Binding::Paos => {
                let headers = ResponseHeaders {
                    assertion_consumer_service: acs,
                    request_authenticated: demand.request_is_signed,
                };
                Outgoing::Soap(response_envelope(&headers, &xml))
            }
            _ => Outgoing::Post(PostForm::new(acs, kind, &xml, relay_state)),
        }))
    }
}
