//! Requests to sign on, and the answers.

use super::{Application, IdentityProvider};
use crate::error::{Denial, FederateError};
use crate::token::message_id;
use crate::transport::Incoming;
use chrono::{DateTime, Utc};
use federate_metadata::SpDescriptor;
use federate_saml::binding::PostForm;
use federate_saml::{
    Attribute, AuthnRequest, AuthnRequestExpectation, Login, MessageHints, MessageKind, Refusal,
    RequestedAuthnContext, Response, Rule, SamlError, issue_failure, issue_response,
    validate_authn_request,
};
use federate_types::{
    Binding, EntityId, MessageId, NameId, NameIdFormat, RelayState, SessionIndex, Status,
};
use federate_xml::Encryptor;
use serde::{Deserialize, Serialize};

/// A validated wish to sign on to an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOnDemand {
    /// The application.
    pub application: EntityId,
    /// Where the answer goes: a registered assertion consumer service.
    pub assertion_consumer_service: String,
    /// The request that is answered; none if the person came from the identity provider.
    pub request_id: Option<MessageId>,
    /// State of the application, returned unchanged.
    pub relay_state: Option<RelayState>,
    /// Whether the person must prove who they are anew.
    pub force_authn: bool,
    /// Whether nothing may be shown to the person.
    pub is_passive: bool,
    /// The kind of name that the request asks for.
    pub name_id_format: Option<NameIdFormat>,
    /// For whom the name shall be, if not for the application.
    pub sp_name_qualifier: Option<EntityId>,
    /// Which ways of signing in will do.
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// Who the person must be.
    pub subject: Option<NameId>,
    /// Which identity providers may answer; any if there is none.
    pub identity_providers: Vec<EntityId>,
}

impl SignOnDemand {
    /// Whether a sign-in of this class is what was asked for (`[SAMLCore] 3.3.2.2.1`).
    #[must_use]
    pub fn accepts_authn_context(&self, class_ref: &str) -> bool {
        let requested = self.requested_authn_context.as_ref();
        requested.is_none_or(|r| r.is_satisfied_by(Some(class_ref)))
    }

    /// Whether the name shall be one for the application itself (`[SAMLCore] 3.4.1.1`); names
    /// for others, such as affiliations, are not made.
    #[must_use]
    pub fn is_for_the_application(&self) -> bool {
        let qualifier = self.sp_name_qualifier.as_ref();
        qualifier.is_none_or(|qualifier| *qualifier == self.application)
    }

    /// Whether this identity provider may answer (`[SAMLCore] 3.4.1.3`).
    #[must_use]
    pub fn accepts_identity_provider(&self, id: &EntityId) -> bool {
        self.identity_providers.is_empty() || self.identity_providers.contains(id)
    }

    /// Whether a person of this name is who was asked for (`[SAMLCore] 3.4.1.4`, `3.3.4`): what
    /// the request leaves out of the name may be anything.
    #[must_use]
    pub fn accepts_name(&self, name_id: &NameId) -> bool {
        fn fits<T: PartialEq>(wanted: Option<&T>, actual: Option<&T>) -> bool {
            wanted.is_none() || wanted == actual
        }
        self.subject.as_ref().is_none_or(|subject| {
            let format = subject.format.as_ref();
            let format = format.filter(|f| **f != NameIdFormat::Unspecified);
            subject.value() == name_id.value()
                && fits(format, name_id.format.as_ref())
                && fits(
                    subject.name_qualifier.as_ref(),
                    name_id.name_qualifier.as_ref(),
                )
                && fits(
                    subject.sp_name_qualifier.as_ref(),
                    name_id.sp_name_qualifier.as_ref(),
                )
        })
    }
}

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
}

impl IdentityProvider {
    /// Takes an AuthnRequest (`[SAMLProf] 4.1.4.1`).
    ///
    /// A signature must be good where there is one, and must be there where metadata says
    /// that the application signs its requests. The answer goes only to addresses that the
    /// metadata registers.
    ///
    /// # Errors
    /// [`Denial::UnknownPeer`]; [`FederateError::Saml`] with the reason;
    /// [`FederateError::Metadata`] when the application's metadata has expired.
    pub fn receive_sign_on(&self, incoming: Incoming<'_>) -> Result<SignOnDemand, FederateError> {
        let now = self.now();
        let received = incoming.receive(MessageKind::Request, &self.party)?;
        let unverified = received.unverified::<AuthnRequest>(&self.party)?;
        let application = self.application(unverified.issuer_hint().as_ref())?;
        let sp = application.metadata.sp_at(now)?;
        let keys = self.keys(sp);
        let must_be_signed = sp.authn_requests_signed || self.requires_signed_requests;
        if keys.is_none() && must_be_signed {
            return Err(Denial::NoSigningKey.into());
        }
        // A signature that nobody here could verify counts for nothing.
        let keys = keys.filter(|_| received.is_signed(&unverified));
        let signed = keys.is_some();
        let request = match keys {
            Some(keys) => received
                .verify(&unverified, &keys, &self.party, &application.policy, now)?
                .into_inner(),
            None => unverified.read_unsigned()?,
        };
        validate_authn_request(
            &request,
            &AuthnRequestExpectation {
                service_provider: application.entity_id(),
                single_sign_on_service: self.single_sign_on_service.as_str(),
                signed,
                must_be_signed,
                now,
                skew: application.policy.skew,
            },
        )?;
        let policy = request.name_id_policy.clone().unwrap_or_default();
        Ok(SignOnDemand {
            application: application.entity_id().clone(),
            assertion_consumer_service: assertion_consumer_service(sp, &request)?,
            request_id: Some(request.id),
            relay_state: received.relay_state().cloned(),
            force_authn: request.force_authn,
            is_passive: request.is_passive,
            name_id_format: policy.format,
            sp_name_qualifier: policy.sp_name_qualifier,
            requested_authn_context: request.requested_authn_context,
            subject: request.subject,
            identity_providers: request
                .scoping
                .map(|scoping| scoping.identity_providers)
                .unwrap_or_default(),
        })
    }

    /// A sign-on that begins here, without a request (`[SAMLProf] 4.1.5`).
    ///
    /// # Errors
    /// [`Denial::UnknownPeer`], [`Denial::NoEndpoint`], expired metadata.
    pub fn unsolicited_sign_on(
        &self,
        application: &EntityId,
    ) -> Result<SignOnDemand, FederateError> {
        let application = self.application(Some(application))?;
        let sp = application.metadata.sp_at(self.now())?;
        let acs = sp
            .default_assertion_consumer_for(Binding::HttpPost)
            .ok_or(Denial::NoEndpoint)?;
        Ok(SignOnDemand {
            application: application.entity_id().clone(),
            assertion_consumer_service: acs.endpoint.location.as_str().to_owned(),
            request_id: None,
            relay_state: None,
            force_authn: false,
            is_passive: false,
            name_id_format: None,
            sp_name_qualifier: None,
            requested_authn_context: None,
            subject: None,
            identity_providers: Vec::new(),
        })
    }

    /// Which kind of name the application is to be given: what the request asks for, else
    /// the first that its metadata names, else its configuration's.
    #[must_use]
    pub fn name_id_format(&self, demand: &SignOnDemand, application: &Application) -> NameIdFormat {
        let specific = |format: &&NameIdFormat| **format != NameIdFormat::Unspecified;
        let sp = application.metadata.sp.as_ref();
        demand
            .name_id_format
            .as_ref()
            .filter(specific)
            .or_else(|| sp.and_then(|sp| sp.name_id_formats.iter().find(specific)))
            .unwrap_or(&application.name_id_format)
            .clone()
    }

    /// Answers a demand: the person is who the assurance says.
    ///
    /// # Errors
    /// [`Denial::UnknownPeer`] when the application is no longer configured, failures of the
    /// key.
    pub fn answer_sign_on(
        &self,
        demand: &SignOnDemand,
        assurance: Assurance,
    ) -> Result<PostForm, FederateError> {
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
        };
        let (response_id, assertion_id) = (message_id(provider)?, message_id(provider)?);
        let mut issue = application.issue.clone();
        if application.encrypt_assertions && issue.encryption.is_none() {
            issue.encryption = Some(self.encryptor(application)?);
        }
        let xml = issue_response(
            &login,
            response_id,
            assertion_id,
            &issue,
            application.signer.as_ref().unwrap_or(&self.party.signer),
            self.now(),
        )?;
        Ok(self.response_form(demand, &xml))
    }

    /// Answers a demand with a failure, such as NoPassive (`[SAMLCore] 3.2.2.2`).
    ///
    /// # Errors
    /// As [`answer_sign_on`](Self::answer_sign_on).
    pub fn refuse_sign_on(
        &self,
        demand: &SignOnDemand,
        status: Status,
    ) -> Result<PostForm, FederateError> {
        let response = Response {
            id: message_id(self.party.provider())?,
            issue_instant: self.now(),
            destination: Some(demand.assertion_consumer_service.clone()),
            in_response_to: demand.request_id.clone(),
            issuer: Some(self.party.entity_id.clone()),
            status,
            assertions: Vec::new(),
        };
        let application = self.application(Some(&demand.application))?;
        let signer = application.signer.as_ref().unwrap_or(&self.party.signer);
        let xml = issue_failure(&response, signer)?;
        Ok(self.response_form(demand, &xml))
    }

    /// Encrypts to the first key of the application's metadata that can be used.
    fn encryptor(&self, application: &Application) -> Result<Encryptor, FederateError> {
        let sp = application.metadata.sp_at(self.now())?;
        let provider = self.party.provider();
        let encryptor = sp
            .encryption_certificates()
            .find_map(|certificate| Encryptor::new(*provider, certificate.clone()).ok())
            .ok_or(Denial::NoEncryptionKey)?;
        Ok(encryptor.with_recipient(application.entity_id().as_str()))
    }

    fn response_form(&self, demand: &SignOnDemand, xml: &[u8]) -> PostForm {
        PostForm::new(
            &demand.assertion_consumer_service,
            MessageKind::Response,
            xml,
            demand.relay_state.clone(),
        )
    }
}

/// `[SAMLProf] 4.1.4.1`: where the answer goes, and only to a registered address; without a
/// wish, the default of the metadata.
fn assertion_consumer_service(
    sp: &SpDescriptor,
    request: &AuthnRequest,
) -> Result<String, FederateError> {
    let post = Binding::HttpPost;
    let wished = (
        request.assertion_consumer_service_url.as_deref(),
        request.assertion_consumer_service_index,
    );
    let found = match wished {
        (Some(url), _) => sp.assertion_consumer_by_url_for(url, post),
        (None, Some(index)) => sp
            .assertion_consumer_by_index(index)
            .filter(|acs| acs.endpoint.is_for(post)),
        (None, None) => sp.default_assertion_consumer_for(post),
    };
    // The answer travels by HTTP-POST; whoever insists on another binding is refused.
    let by_post = request
        .protocol_binding
        .is_none_or(|binding| binding == post);
    match found.filter(|_| by_post) {
        Some(acs) => Ok(acs.endpoint.location.as_str().to_owned()),
        None => {
            let actual = match wished {
                (Some(url), _) => url.to_owned(),
                (None, Some(index)) => format!("index {index}"),
                (None, None) => "the default".to_owned(),
            };
            let expected = "an HTTP-POST address of the application's metadata";
            Err(SamlError::from(Refusal {
                rule: Rule::AcsNotRegistered,
                expected: expected.to_owned(),
                actual,
            })
            .into())
        }
    }
}
