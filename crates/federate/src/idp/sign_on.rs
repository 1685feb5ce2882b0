//! Requests to sign on.

use super::{Application, IdentityProvider};
use crate::error::{Denial, FederateError};
use crate::transport::Incoming;
use federate_metadata::{Endpoint, SpDescriptor};
use federate_saml::{
    AuthnRequest, AuthnRequestExpectation, MessageHints, MessageKind, Refusal,
    RequestedAuthnContext, Rule, SamlError, validate_authn_request,
};
use federate_types::{Binding, EntityId, MessageId, NameId, NameIdFormat, RelayState};
use serde::{Deserialize, Serialize};

/// A validated wish to sign on to an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOnDemand {
    /// The application.
    pub application: EntityId,
    /// Where the answer goes: a registered assertion consumer service.
    pub assertion_consumer_service: String,
    /// By which binding it goes there.
    pub binding: Binding,
    /// The request that is answered; none if the person came from the identity provider.
    pub request_id: Option<MessageId>,
    /// Whether the request was signed, and the signature verified.
    pub request_is_signed: bool,
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
    /// How many identity providers may pass the question on; any number if absent, none at 0.
    pub proxy_count: Option<u32>,
    /// For whom those ask that passed the question on, the first asker first.
    pub requesters: Vec<EntityId>,
    /// Which set of attributes is asked for, by its number in the application's metadata.
    pub attribute_consuming_service_index: Option<u16>,
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
        let by_soap = received.binding() == Binding::Soap;
        let service = match &self.ecp_service {
            Some(ecp) if by_soap => ecp,
            None if by_soap => return Err(Denial::NoEndpoint.into()),
            _ => &self.single_sign_on_service,
        };
        let unverified = received.unverified::<AuthnRequest>(&self.party)?;
        let application = self.application(unverified.issuer_hint().as_ref())?;
        let metadata = self.metadata_of(&application)?;
        let sp = metadata.sp_at(now)?;
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
                single_sign_on_service: service.as_str(),
                binding: received.binding(),
                signed,
                must_be_signed,
                now,
                skew: application.policy.skew,
            },
        )?;
        let policy = request.name_id_policy.clone().unwrap_or_default();
        let scoping = request.scoping.clone().unwrap_or_default();
        let bindings = self.response_bindings(by_soap);
        let (binding, acs) = assertion_consumer_service(sp, &request, bindings)?;
        Ok(SignOnDemand {
            application: application.entity_id().clone(),
            assertion_consumer_service: acs.location.as_str().to_owned(),
            binding,
            request_id: Some(request.id),
            request_is_signed: signed,
            relay_state: received.relay_state().cloned(),
            force_authn: request.force_authn,
            is_passive: request.is_passive,
            name_id_format: policy.format,
            sp_name_qualifier: policy.sp_name_qualifier,
            requested_authn_context: request.requested_authn_context,
            subject: request.subject,
            identity_providers: scoping.identity_providers,
            proxy_count: scoping.proxy_count,
            requesters: scoping.requesters,
            attribute_consuming_service_index: request.attribute_consuming_service_index,
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
        let metadata = self.metadata_of(&application)?;
        let sp = metadata.sp_at(self.now())?;
        let (binding, acs) =
            default_consumer(sp, self.response_bindings(false)).ok_or(Denial::NoEndpoint)?;
        Ok(SignOnDemand {
            application: application.entity_id().clone(),
            assertion_consumer_service: acs.location.as_str().to_owned(),
            binding,
            request_id: None,
            request_is_signed: false,
            relay_state: None,
            force_authn: false,
            is_passive: false,
            name_id_format: None,
            sp_name_qualifier: None,
            requested_authn_context: None,
            subject: None,
            identity_providers: Vec::new(),
            proxy_count: None,
            requesters: Vec::new(),
            attribute_consuming_service_index: None,
        })
    }

    /// Which kind of name the application is to be given: what the request asks for, else
    /// the first that its metadata names and that it [can be
    /// given](Application::name_id_formats), else its configuration's. What the request asks for
    /// may be a kind that it cannot be given: then there is no answer with a name.
    #[must_use]
    pub fn name_id_format(&self, demand: &SignOnDemand, application: &Application) -> NameIdFormat {
        let specific = |format: &&NameIdFormat| **format != NameIdFormat::Unspecified;
        let given = |format: &&NameIdFormat| application.takes_name_id_format(format);
        let metadata = self.metadata_of(application).ok();
        let sp = metadata.as_ref().and_then(|metadata| metadata.sp.as_ref());
        demand
            .name_id_format
            .as_ref()
            .filter(specific)
            .or_else(|| sp?.name_id_formats.iter().filter(specific).find(given))
            .unwrap_or(&application.name_id_format)
            .clone()
    }

    /// By which bindings answers can go, the usual one first.
    fn response_bindings(&self, by_soap: bool) -> &'static [Binding] {
        match (by_soap, &self.artifact_resolution_service) {
            // [SAMLProf] 4.2.3.6: whoever asks by SOAP takes the answer along.
            (true, _) => &[Binding::Paos],
            (false, None) => &[Binding::HttpPost, Binding::HttpPostSimpleSign],
            (false, Some(_)) => &[
                Binding::HttpPost,
                Binding::HttpPostSimpleSign,
                Binding::HttpArtifact,
            ],
        }
    }
}

/// The default of the metadata, by the first of these bindings that it has.
fn default_consumer<'a>(
    sp: &'a SpDescriptor,
    bindings: &[Binding],
) -> Option<(Binding, &'a Endpoint)> {
    bindings.iter().find_map(|binding| {
        let acs = sp.default_assertion_consumer_for(*binding)?;
        Some((*binding, &acs.endpoint))
    })
}

/// `[SAMLProf] 4.1.4.1`: where the answer goes, and only to a registered address; without a
/// wish, the default of the metadata.
fn assertion_consumer_service<'a>(
    sp: &'a SpDescriptor,
    request: &AuthnRequest,
    bindings: &[Binding],
) -> Result<(Binding, &'a Endpoint), FederateError> {
    let asked = request.protocol_binding;
    let bindings: Vec<Binding> = bindings
        .iter()
        .copied()
        .filter(|binding| asked.is_none_or(|asked| asked == *binding))
        .collect();
    let url = request.assertion_consumer_service_url.as_deref();
    let index = request.assertion_consumer_service_index;
    let found = match (url, index) {
        (Some(url), _) => bindings.iter().find_map(|binding| {
            let acs = sp.assertion_consumer_by_url_for(url, *binding)?;
            Some((*binding, &acs.endpoint))
        }),
        (None, Some(index)) => sp.assertion_consumer_by_index(index).and_then(|acs| {
            let binding = bindings.iter().find(|b| acs.endpoint.is_for(**b))?;
            Some((*binding, &acs.endpoint))
        }),
        (None, None) => default_consumer(sp, &bindings),
    };
    found.ok_or_else(|| {
        let place = match (url, index) {
            (Some(url), _) => url.to_owned(),
            (None, Some(index)) => format!("index {index}"),
            (None, None) => "the default".to_owned(),
        };
        let refusal = Refusal {
            rule: Rule::AcsNotRegistered,
            expected: "an address and a binding of the application's metadata that we speak"
                .to_owned(),
            actual: match asked {
                Some(binding) => format!("{place} by {binding}"),
                None => place,
            },
        };
        SamlError::from(refusal).into()
    })
}
