//! Signing in: request, response, session.

use super::ServiceProvider;
use crate::error::{Denial, FederateError};
use crate::store::{Store, decode, encode, open_session};
use crate::token::{Token, hash, message_id};
use crate::transport::{Outgoing, front_channel, send};
use chrono::{DateTime, TimeDelta, Utc};
use federate_saml::binding::PostMessage;
use federate_saml::{
    AuthnRequest, LoginExpectation, MAX_REQUEST_AGE, MessageHints, MessageKind, NameIdPolicy,
    RequestedAuthnContext, Response, SentRequest, ValidatedLogin, validate_response,
    verify_response,
};
use federate_session::{
    Namespace, NewSession, OneTimeEntry, OneTimeKey, Persistence, Profile, PutNew, Redemption,
    SessionId, SessionRecord, Subject, UpstreamSession, User, UserId,
};
use federate_types::{Binding, EntityId, NameId, NameIdFormat, SessionIndex};
use federate_xml::Unverified;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long a verified login waits for the browser's next request.
const PARKED: TimeDelta = TimeDelta::minutes(2);

/// What a login is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginOptions {
    /// Where in the application the person goes afterwards: a path of our own.
    pub return_to: Option<String>,
    /// Which identity provider to ask; may be left out if only one is configured.
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
}

/// A login that has begun.
#[derive(Debug)]
pub struct StartedLogin {
    /// What takes the browser to the identity provider.
    pub outgoing: Outgoing,
    /// The value of a cookie (HttpOnly, SameSite=Lax) that ties the login to this browser.
    pub browser: Token,
}

/// What an identity provider has said about a person: verified, validated, and redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Login {
    /// Who said it.
    pub identity_provider: EntityId,
    /// The person's name between the two parties.
    pub name_id: NameId,
    /// What else is known of the person, by attribute name.
    pub attributes: Profile,
    /// When they signed in there.
    pub authn_instant: DateTime<Utc>,
    /// How.
    pub authn_context: Option<String>,
    /// The identity provider's name for the session.
    pub session_index: Option<SessionIndex>,
    /// When the session must be over.
    pub session_not_on_or_after: Option<DateTime<Utc>>,
}

/// A login that opened a session of the application.
#[derive(Debug)]
pub struct CompletedLogin {
    /// What the identity provider said.
    pub login: Login,
    /// The application's user, found or created.
    pub user: User,
    /// The session.
    pub session: SessionRecord,
    /// The value of the session's cookie (HttpOnly, SameSite=Lax).
    pub token: Token,
    /// Where in the application the person goes now.
    pub return_to: Option<String>,
}

/// A request that waits for its response.
#[derive(Serialize, Deserialize)]
struct Pending {
    sent: SentRequest,
    browser: [u8; 32],
    return_to: Option<String>,
}

/// A redeemed login that waits for the browser.
#[derive(Serialize, Deserialize)]
struct Parked {
    login: Login,
    /// None if nobody asked: then no browser began it.
    browser: Option<[u8; 32]>,
    return_to: Option<String>,
}

impl<S: Store> ServiceProvider<S> {
    /// Asks an identity provider who the person at the browser is (`[SAMLProf] 4.1.3.3`).
    ///
    /// # Errors
    /// [`Denial::UnknownPeer`] when the identity provider is not configured or several are
    /// and none is named, [`Denial::NoEndpoint`], and failures of store and key.
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
        let only = || match self.identity_providers.len() {
            1 => self.identity_providers.keys().next(),
            _ => None,
        };
        let asked = options.identity_provider.as_ref().or_else(only);
        let connection = self.connection(asked)?;
        let idp = connection.metadata.idp_at(now)?;
        let (binding, endpoint) = front_channel(&idp.single_sign_on).ok_or(Denial::NoEndpoint)?;
        let location = endpoint.location.as_str();
        let provider = self.party.provider();
        let id = message_id(provider)?;
        let browser = browser.map_or_else(|| Token::random(provider), Ok)?;
        let pending = Pending {
            sent: SentRequest {
                id: id.clone(),
                identity_provider: connection.entity_id().clone(),
                issue_instant: now,
                force_authn: options.force_authn,
                requested_authn_context: options.requested_authn_context.clone(),
            },
            browser: hash(provider, "browser", &[browser.expose().as_bytes()]),
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
        request.destination = Some(location.to_owned());
        request.force_authn = options.force_authn;
        request.is_passive = options.is_passive;
        request.requested_authn_context = options.requested_authn_context;
        request.subject = options.subject;
        let acs = self.assertion_consumer_service.as_str();
        request.assertion_consumer_service_url = Some(acs.to_owned());
        request.protocol_binding = Some(Binding::HttpPost);
        request.name_id_policy = Some(NameIdPolicy {
            format: options.name_id_format,
            sp_name_qualifier: None,
            allow_create: true,
        });
        let outgoing = send(&self.party, binding, location, &request, None)?;
        Ok(StartedLogin { outgoing, browser })
    }

    /// Takes what the identity provider had the browser post: verifies, validates, redeems.
    ///
    /// The request comes from another site and so without cookies. Answer it with 303 to an
    /// address of yours with the handle that this gives; that request has them.
    ///
    /// # Errors
    /// [`FederateError::Saml`] with the reason, [`Denial::UnknownRequest`],
    /// [`Denial::Unsolicited`], [`Denial::Replayed`], failures of the store. Nothing has
    /// happened then: the request can still be answered by a proper response.
    pub async fn receive_login(&self, form: &str) -> Result<Token, FederateError> {
        let now = self.now();
        let limits = &self.party.limits;
        let posted = PostMessage::parse(form, MessageKind::Response, limits)?;
        let response = Unverified::<Response>::parse(posted.xml(), limits)?;
        let pending = match response.in_response_to_hint() {
            Some(id) => Some(self.pending(id.as_str(), now).await?),
            None => None,
        };
        // Whoever was asked must answer; otherwise the claimed issuer must be configured.
        let asked = match &pending {
            Some(pending) => Some(pending.sent.identity_provider.clone()),
            None => response.issuer_hint(),
        };
        let connection = self.connection(asked.as_ref())?;
        if pending.is_none() && !connection.allow_unsolicited {
            return Err(Denial::Unsolicited.into());
        }
        let (_, keys) = connection.trusted(&self.party, now)?;
        let verification = self.party.verification(&connection.policy, now);
        let decryption = self.party.decryption(&connection.policy, now);
        let verified = verify_response(&response, &keys, &verification, decryption.as_ref())?;
        let login = validate_response(
            verified,
            &LoginExpectation {
                service_provider: &self.party.entity_id,
                assertion_consumer_service: self.assertion_consumer_service.as_str(),
                identity_provider: connection.entity_id(),
                request: pending.as_ref().map(|p| &p.sent),
                now,
                policy: &connection.login_policy(),
            },
        )?;
        self.redeem(&login, now).await?;
        let (browser, return_to) = match pending {
            Some(pending) => (Some(pending.browser), pending.return_to),
            None => (None, None),
        };
        self.park(Parked {
            login: Login::new(login),
            browser,
            return_to,
        })
        .await
    }

    /// Opens the application's session for a received login, in the browser that began it.
    ///
    /// The user is found by identity provider and name, or created at the first login; never
    /// by e-mail address. `previous` is the session cookie that the browser had: the new
    /// login replaces it.
    ///
    /// # Errors
    /// [`Denial::UnknownHandle`], [`Denial::OtherBrowser`], failures of the store.
    pub async fn complete_login(
        &self,
        handle: &Token,
        browser: Option<&Token>,
        previous: Option<&Token>,
    ) -> Result<CompletedLogin, FederateError> {
        let now = self.now();
        let provider = self.party.provider();
        let key = self.handle_key(handle);
        let taken = self.store.take(Namespace::HANDLE, &key, now).await?;
        let octets = taken.ok_or(Denial::UnknownHandle)?;
        let parked: Parked = decode(&octets, "login")?;
        if let Some(expected) = parked.browser {
            let actual = browser.map(|b| hash(provider, "browser", &[b.expose().as_bytes()]));
            if actual != Some(expected) {
                return Err(Denial::OtherBrowser.into());
            }
        }
        let login = parked.login;
        let subject = self.subject(&login)?;
        let candidate = UserId::new(message_id(provider)?.as_str())?;
        let found = self
            .store
            .find_or_create(&subject, candidate, login.attributes.clone(), now)
            .await?;
        let user = found.into_user();
        let token = Token::random(provider)?;
        let session = SessionRecord::open(
            NewSession {
                key: self.session_key(&token),
                id: SessionId::new(message_id(provider)?.as_str())?,
                subject,
                user: user.id.clone(),
                persistence: Persistence::Persistent,
                authn_instant: login.authn_instant,
                authn_context: login.authn_context.clone(),
                upstream: Some(UpstreamSession {
                    issuer: login.identity_provider.clone(),
                    name_id: login.name_id.clone(),
                    session_index: login.session_index.clone(),
                }),
                upstream_cap: login.session_not_on_or_after,
            },
            &self.lifetime,
            now,
        );
        let previous = previous.map(|token| self.session_key(token));
        open_session(&*self.store, &session, previous, provider, now).await?;
        Ok(CompletedLogin {
            login,
            user,
            session,
            token,
            return_to: parked.return_to,
        })
    }

    async fn pending(&self, id: &str, now: DateTime<Utc>) -> Result<Pending, FederateError> {
        let key = self.request_key(id);
        let octets = self.store.peek(Namespace::REQUEST, &key, now).await?;
        Ok(decode(&octets.ok_or(Denial::UnknownRequest)?, "request")?)
    }

    /// Consumes the request and remembers the assertion, in one step of the store.
    async fn redeem(
        &self,
        login: &ValidatedLogin,
        now: DateTime<Utc>,
    ) -> Result<(), FederateError> {
        let issuer = login.issuer().as_str().as_bytes();
        let id = login.assertion_id().as_str().as_bytes();
        let request = login
            .in_response_to()
            .map(|id| (Namespace::REQUEST, self.request_key(id.as_str())));
        let replay = OneTimeEntry {
            namespace: Namespace::ASSERTION,
            key: OneTimeKey::new(hash(self.party.provider(), "assertion", &[issuer, id])),
            value: Vec::new(),
            expires: login.replay_until(),
        };
        match self.store.redeem(request, replay, now).await? {
            Redemption::Redeemed { .. } => Ok(()),
            Redemption::Replayed => Err(Denial::Replayed.into()),
            Redemption::UnknownRequest => Err(Denial::UnknownRequest.into()),
        }
    }

    async fn park(&self, parked: Parked) -> Result<Token, FederateError> {
        let now = self.now();
        let handle = Token::random(self.party.provider())?;
        let entry = OneTimeEntry {
            namespace: Namespace::HANDLE,
            key: self.handle_key(&handle),
            value: encode(&parked)?,
            expires: now + PARKED,
        };
        match self.store.put_new(entry, now).await? {
            PutNew::Inserted => Ok(handle),
            PutNew::AlreadyPresent => Err(Denial::Replayed.into()),
        }
    }

    fn request_key(&self, id: &str) -> OneTimeKey {
        OneTimeKey::new(hash(self.party.provider(), "request", &[id.as_bytes()]))
    }

    fn handle_key(&self, handle: &Token) -> OneTimeKey {
        let octets = handle.expose().as_bytes();
        OneTimeKey::new(hash(self.party.provider(), "handle", &[octets]))
    }

    /// The key of a person: the identity provider and everything of the name, byte for byte.
    fn subject(&self, login: &Login) -> Result<Subject, FederateError> {
        let name = &login.name_id;
        let qualifier = |id: &Option<EntityId>| match id {
            Some(id) => escaped(id.as_str()),
            None => String::new(),
        };
        // The name comes last, so that the blanks before it are the separators.
        let key = format!(
            "{} {} {} {}",
            escaped(name.format_or_unspecified().uri()),
            qualifier(&name.name_qualifier),
            qualifier(&name.sp_name_qualifier),
            name.value(),
        );
        let issuer = login.identity_provider.clone();
        let (tenant, connection) = (self.tenant.clone(), self.connection.clone());
        Ok(Subject::new(tenant, connection, issuer, key)?)
    }
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace(' ', "%20")
}

impl Login {
    fn new(login: ValidatedLogin) -> Self {
        let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for attribute in login.attributes() {
            let values = attribute.values.iter().filter_map(|v| v.as_text());
            attributes
                .entry(attribute.name.clone())
                .or_default()
                .extend(values.map(str::to_owned));
        }
        Self {
            identity_provider: login.issuer().clone(),
            name_id: login.name_id().clone(),
            attributes: Profile { attributes },
            authn_instant: login.authn_instant(),
            authn_context: login.authn_context().map(str::to_owned),
            session_index: login.session_index().cloned(),
            session_not_on_or_after: login.session_not_on_or_after(),
        }
    }
}
