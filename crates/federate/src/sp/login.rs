//! Asking: what goes to the identity provider, and what is remembered until it answers.

use super::ServiceProvider;
use crate::error::{Denial, FederateError};
use crate::store::{Store, encode};
use crate::token::{Token, hash, message_id};
use crate::transport::{Outgoing, front_channel, send};
use chrono::{DateTime, Utc};
use federate_saml::{
    AuthnRequest, MAX_REQUEST_AGE, NameIdPolicy, RequestedAuthnContext, Scoping, SentRequest,
};
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, PutNew};
use federate_types::{Binding, EntityId, NameId, NameIdFormat};
use serde::{Deserialize, Serialize};

/// What a login is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginOptions {
    /// Where in the application the person goes afterwards: a path of our own.
    pub return_to: Option<String>,
    /// Which identity provider to ask, one that is configured or of a federation; may be left
    /// out if only one is configured.
    pub identity_provider: Option<EntityId>,
    /// Whether the person must prove who they are anew.
    pub force_authn: bool,
    /// Whether the identity provider must not show anything.
    pub is_passive: bool,
    /// Which kind of name is wanted.
    pub name_id_format: Option<NameIdFormat>,
    /// Which ways of signing in will do.
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// Who the person must be: the name that the identity provider gave them before.
    pub subject: Option<NameId>,
    /// By which binding the response shall come, one of those that this service provider takes;
    /// none leaves it at HTTP-POST.
    pub response_binding: Option<Binding>,
    /// Who else may answer, and for whom the question is asked.
    pub scoping: Option<Scoping>,
    /// Which set of attributes is asked for, by its number in our metadata.
    pub attribute_consuming_service_index: Option<u16>,
}

/// A login that has begun.
#[derive(Debug)]
pub struct StartedLogin {
    /// What takes the browser to the identity provider.
    pub outgoing: Outgoing,
    /// The value of a cookie (HttpOnly, SameSite=Lax) that ties the login to this browser.
    pub browser: Token,
}

/// A request that waits for its response.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) sent: SentRequest,
    pub(super) browser: [u8; 32],
    pub(super) return_to: Option<String>,
}

impl<S: Store> ServiceProvider<S> {
    /// Asks an identity provider who the person at the browser is (`[SAMLProf] 4.1.3.3`).
    ///
    /// # Errors
    /// [`Denial::UnknownPeer`] when the identity provider is neither configured nor of a
    /// federation, or none is named and not exactly one is configured; [`Denial::NoEndpoint`],
    /// [`FederateError::Metadata`] when its metadata has ended or is not of an identity provider, [`FederateError::Configuration`] when this
    /// service provider does not take the response's binding, and failures of store and key.
    pub async fn start_login(&self, options: LoginOptions) -> Result<StartedLogin, FederateError> {
        self.start_login_in(None, options).await
    }

    /// As [`start_login`](Self::start_login), for a browser that may have the cookie of an
    /// earlier login: it keeps the cookie's value, so that several logins can be under way
    /// in it at once.
    ///
    /// # Errors
    /// As [`start_login`](Self::start_login).
    pub async fn start_login_in(
        &self,
        browser: Option<Token>,
        options: LoginOptions,
    ) -> Result<StartedLogin, FederateError> {
        let now = self.now();
        let asked = options.identity_provider.as_ref();
        let connection = self.connection(asked.or_else(|| self.only_identity_provider()))?;
        let metadata = self.metadata_of(&connection)?;
        let idp = metadata.idp_at(now)?;
        let (binding, endpoint) = front_channel(&idp.single_sign_on).ok_or(Denial::NoEndpoint)?;
        let location = endpoint.location.as_str();
        let browser = browser.map_or_else(|| Token::random(self.party.provider()), Ok)?;
        let answerer = Some(connection.entity_id());
        let mut request = self.ask(answerer, &browser, options, now).await?;
        request.destination = Some(location.to_owned());
        let outgoing = send(&self.party, binding, location, &request, None)?;
        Ok(StartedLogin { outgoing, browser })
    }

    /// The identity provider that is asked if none is named: the only one that is configured.
    pub(crate) fn only_identity_provider(&self) -> Option<&EntityId> {
        match self.identity_providers.len() {
            1 => self.identity_providers.keys().next(),
            _ => None,
        }
    }

    /// Makes a request, and remembers it for its answer. Without a name of who shall answer,
    /// any that is trusted may.
    pub(super) async fn ask(
        &self,
        answerer: Option<&EntityId>,
        browser: &Token,
        options: LoginOptions,
        now: DateTime<Utc>,
    ) -> Result<AuthnRequest, FederateError> {
        let response_binding = options.response_binding.unwrap_or(Binding::HttpPost);
        if !self.response_bindings.contains(&response_binding) {
            let why = "this service provider does not take responses by that binding";
            return Err(FederateError::Configuration(why));
        }
        if let (Some(answerer), Binding::HttpArtifact) = (answerer, response_binding) {
            self.expect_artifacts_of(answerer, now).await?;
        }
        let provider = self.party.provider();
        let id = message_id(provider)?;
        let pending = Pending {
            sent: SentRequest {
                id: id.clone(),
                identity_provider: answerer.cloned(),
                issue_instant: now,
                force_authn: options.force_authn,
                requested_authn_context: options.requested_authn_context.clone(),
            },
            browser: self.browser_hash(browser),
            return_to: options.return_to,
        };
        let entry = OneTimeEntry {
            namespace: Namespace::REQUEST,
            key: self.request_key(id.as_str()),
            value: encode(&pending)?,
            expires: now + MAX_REQUEST_AGE,
        };
        if self.store.put_new(entry, now).await? == PutNew::AlreadyPresent {
            return Err(Denial::Replayed.into()); // 160 random bits twice: a broken source
        }
        let mut request = AuthnRequest::new(id, now, self.party.entity_id.clone());
        request.force_authn = options.force_authn;
        request.is_passive = options.is_passive;
        request.requested_authn_context = options.requested_authn_context;
        request.subject = options.subject;
        request.scoping = options.scoping;
        request.attribute_consuming_service_index = options.attribute_consuming_service_index;
        let acs = self.assertion_consumer_service.as_str();
        request.assertion_consumer_service_url = Some(acs.to_owned());
        request.protocol_binding = Some(response_binding);
        request.name_id_policy = Some(NameIdPolicy {
            format: options.name_id_format,
            sp_name_qualifier: None,
            allow_create: true,
        });
        Ok(request)
    }

    /// By which we know a browser again.
    pub(super) fn browser_hash(&self, browser: &Token) -> [u8; 32] {
        let octets = browser.expose().as_bytes();
        hash(self.party.provider(), "browser", &[octets])
    }

    pub(super) fn request_key(&self, id: &str) -> OneTimeKey {
        OneTimeKey::new(hash(self.party.provider(), "request", &[id.as_bytes()]))
    }
}
