//! Signing on: a demand meets a session, or makes one.

use super::{AuthenticatedUser, Hub, PASSWORD, SignInWays};
use crate::error::{Denial, FederateError};
use crate::idp::{Application, Assurance, Reply, SignOnDemand};
use crate::store::{Store, decode, encode, open_session};
use crate::token::{Token, hash, message_id, short_name};
use crate::transport::{Incoming, Outgoing};
use chrono::{DateTime, TimeDelta, Utc};
use federate_saml::MAX_REQUEST_AGE;
use federate_session::{
    Namespace, NewSession, OneTimeEntry, OneTimeKey, Participant, Persistence, PutNew, SessionId,
    SessionRecord, SessionState, User, UserId,
};
use federate_types::{ClockSkew, EntityId, NameId, NameIdFormat, SessionIndex, Status, StatusCode};
use serde::{Deserialize, Serialize};

/// How long a person may take to sign in.
const SIGN_IN_TIME: TimeDelta = TimeDelta::minutes(30);

/// What becomes of a demand.
#[derive(Debug)]
#[must_use]
pub enum SignOn {
    /// Take this to the application: an assertion, or a failure.
    Respond(Box<Outgoing>),
    /// The person has to sign in first.
    SignIn {
        /// The name of the application that asks.
        application: String,
        /// How they can.
        ways: SignInWays,
    },
}

/// A person has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The value of the session's cookie (HttpOnly, SameSite=Lax).
    pub token: Token,
    /// The session.
    pub session: SessionRecord,
}

impl<S: Store> Hub<S> {
    /// Takes an AuthnRequest and gives the handle with which the browser continues.
    ///
    /// A request that was posted comes without cookies: answer it with 303 to an address of
    /// yours that calls [`Hub::continue_sign_on`]. A redirected one can continue at once.
    ///
    /// # Errors
    /// As [`crate::IdentityProvider::receive_sign_on`]; [`Denial::Replayed`]; failures of
    /// the store.
    pub async fn receive_sign_on(&self, incoming: Incoming<'_>) -> Result<Token, FederateError> {
        let now = self.now();
        let demand = self.idp.receive_sign_on(incoming)?;
        self.first_time(&demand, now).await?;
        self.park(demand, now).await
    }

    /// `[SAMLProf] 4.1.4.5`: a request is answered once.
    async fn first_time(
        &self,
        demand: &SignOnDemand,
        now: DateTime<Utc>,
    ) -> Result<(), FederateError> {
        if let Some(id) = &demand.request_id {
            let parts = [
                demand.application.as_str().as_bytes(),
                id.as_str().as_bytes(),
            ];
            let entry = OneTimeEntry {
                namespace: Namespace::REQUEST,
                key: OneTimeKey::new(hash(self.provider(), "authn-request", &parts)),
                value: Vec::new(),
                expires: now + MAX_REQUEST_AGE + ClockSkew::MAX * 2,
            };
            if self.store.put_new(entry, now).await? == PutNew::AlreadyPresent {
                return Err(Denial::Replayed.into());
            }
        }
        Ok(())
    }

    /// Begins a sign-on at the hub itself, to an application that did not ask.
    ///
    /// # Errors
    /// As [`crate::IdentityProvider::unsolicited_sign_on`], failures of the store.
    pub async fn begin_sign_on(&self, application: &EntityId) -> Result<Token, FederateError> {
        let demand = self.idp.unsolicited_sign_on(application)?;
        self.park(demand, self.now()).await
    }

    /// Answers a demand by the browser's session, or tells that the person must sign in.
    ///
    /// # Errors
    /// [`Denial::UnknownHandle`], [`Denial::SessionEnded`] when a logout came in between,
    /// failures of store and key.
    pub async fn continue_sign_on(
        &self,
        handle: &Token,
        session: Option<&Token>,
    ) -> Result<SignOn, FederateError> {
        let now = self.now();
        let key = self.handle_key(handle);
        let octets = self.store.peek(Namespace::HANDLE, &key, now).await?;
        let Parked { demand, since } = decode(&octets.ok_or(Denial::UnknownHandle)?, "demand")?;
        let application = self.idp.application(Some(&demand.application))?;
        let alive = match session {
            Some(token) => self.touch(token, now).await?,
            None => None,
        };
        let record = alive.filter(|record| {
            let class_ref = record.authn_context.as_deref().unwrap_or(PASSWORD);
            // [SAMLCore] 3.4.1: a forced sign-in is one that happened since the request came.
            (!demand.force_authn || record.authn_instant >= since)
                && (application.use_hub_session || record.lifetime.created >= since)
                && demand.accepts_authn_context(class_ref)
                && self.session_may_answer(&demand, record)
        });
        if record.is_none()
            && !demand.is_passive
            && let Ok(ways) = self.ways(&demand)
        {
            let application = application.name.clone();
            return Ok(SignOn::SignIn { application, ways });
        }
        let taken = self.store.take(Namespace::HANDLE, &key, now).await?;
        taken.ok_or(Denial::UnknownHandle)?;
        let outgoing = self.reply_by(&demand, record.as_ref(), now).await?;
        Ok(SignOn::Respond(Box::new(outgoing)))
    }

    /// Answers an enhanced client that has proved who its person is (`[SAMLProf] 4.2.3`): what
    /// it asks in an envelope is answered by one. Its session here is the application's alone,
    /// as no browser has a cookie for it.
    ///
    /// # Errors
    /// As [`crate::IdentityProvider::receive_sign_on`]; [`Denial::Replayed`]; failures of
    /// store and key. Answer these with a SOAP fault that tells nothing.
    pub async fn answer_ecp(
        &self,
        envelope: &[u8],
        user: &AuthenticatedUser,
    ) -> Result<Outgoing, FederateError> {
        let now = self.now();
        let demand = self.idp.receive_sign_on(Incoming::Soap(envelope))?;
        self.first_time(&demand, now).await?;
        let session = match self.is_met_here(&demand) {
            true => {
                let persistence = Persistence::Ephemeral;
                Some(self.sign_in(user, persistence, None).await?.session)
            }
            false => None,
        };
        self.reply_by(&demand, session.as_ref(), now).await
    }

    /// Answers an application that asks for the response of an artifact.
    ///
    /// # Errors
    /// As [`crate::IdentityProvider::resolve_artifact`].
    pub async fn resolve_artifact(&self, envelope: &[u8]) -> Result<Outgoing, FederateError> {
        self.idp.resolve_artifact(envelope, &*self.store).await
    }

    /// Answers a demand by a session, or by saying why it cannot be met.
    async fn reply_by(
        &self,
        demand: &SignOnDemand,
        record: Option<&SessionRecord>,
        now: DateTime<Utc>,
    ) -> Result<Outgoing, FederateError> {
        let answer = match record {
            Some(record) => self.issue(demand, record, now).await?,
            // [SAMLCore] 3.4.1: nothing may be shown.
            None => Err(self.ways(demand).err().unwrap_or(StatusCode::NoPassive)),
        };
        let reply = match answer {
            Ok(reply) => reply,
            Err(code) => {
                let status = Status::with_subcode(StatusCode::Responder, code);
                self.idp.refuse_sign_on(demand, status)?
            }
        };
        self.idp.keep(reply, &*self.store).await
    }

    /// What a form of the hub's own pages must carry so that only the browser to which it was
    /// shown can send it: `browser` is the value of a cookie (HttpOnly, SameSite=Lax), `form`
    /// names the form and what it is about.
    #[must_use]
    pub fn form_proof(&self, browser: &Token, form: &str) -> String {
        let parts = [browser.expose().as_bytes(), form.as_bytes()];
        short_name(hash(self.provider(), "form", &parts))
    }

    /// A fresh value for the cookie of [`Hub::form_proof`].
    ///
    /// # Errors
    /// Failures of the random source.
    pub fn browser_token(&self) -> Result<Token, FederateError> {
        Token::random(self.provider())
    }

    /// Opens a session for a person who has just signed in with a password. `previous` is the
    /// cookie that the browser had: a new login resets the session, and logs out whoever else was
    /// signed in there. An ephemeral session's cookie is to end with the browser.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn sign_in(
        &self,
        user: &AuthenticatedUser,
        persistence: Persistence,
        previous: Option<&Token>,
    ) -> Result<SignedIn, FederateError> {
        let now = self.now();
        let subject = self.own_subject(&user.name)?;
        let candidate = UserId::new(message_id(self.provider())?.as_str())?;
        let profile = user.profile.clone();
        let found = self
            .store
            .find_or_create(&subject, candidate, profile, now)
            .await?;
        let token = Token::random(self.provider())?;
        let mut session = SessionRecord::open(
            NewSession {
                key: self.session_key(&token),
                id: SessionId::new(message_id(self.provider())?.as_str())?,
                subject,
                user: found.into_user().id,
                persistence,
                authn_instant: now,
                authn_context: Some(PASSWORD.to_owned()),
                upstream: None,
                upstream_cap: None,
            },
            &self.lifetime,
            now,
        );
        let previous = previous.map(|token| self.session_key(token));
        session.retain_until += self.kept();
        let other = open_session(&*self.store, &session, previous, now).await?;
        self.end_other(other).await?;
        self.watch(&session).await?;
        Ok(SignedIn { token, session })
    }

    async fn park(&self, demand: SignOnDemand, now: DateTime<Utc>) -> Result<Token, FederateError> {
        let handle = Token::random(self.provider())?;
        let entry = OneTimeEntry {
            namespace: Namespace::HANDLE,
            key: self.handle_key(&handle),
            value: encode(&Parked { demand, since: now })?,
            expires: now + SIGN_IN_TIME,
        };
        match self.store.put_new(entry, now).await? {
            PutNew::Inserted => Ok(handle),
            PutNew::AlreadyPresent => Err(Denial::Replayed.into()),
        }
    }

    /// The session of a cookie, if it lasts; an authorization is activity.
    async fn touch(
        &self,
        token: &Token,
        now: DateTime<Utc>,
    ) -> Result<Option<SessionRecord>, FederateError> {
        let key = self.session_key(token);
        let state = self.store.touch_if_alive(&key, &self.lifetime, now);
        match state.await? {
            SessionState::Alive(record) => Ok(Some(*record)),
            SessionState::Ended(_) | SessionState::Unknown => Ok(None),
        }
    }

    /// Tells an application who the person is, or why not. The session knows the application
    /// first: no assertion leaves that a logout would not find.
    async fn issue(
        &self,
        demand: &SignOnDemand,
        record: &SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Result<Reply, StatusCode>, FederateError> {
        let application = self.idp.application(Some(&demand.application))?;
        let user = self.store.load_user(&self.tenant, &record.user).await?;
        let user = user.ok_or(Denial::NoSession)?;
        let format = self.idp.name_id_format(demand, &application);
        let taken = application.takes_name_id_format(&format);
        let name_id = self.name_id(format, &user, record, &application)?;
        let Some(name_id) = name_id.filter(|_| taken && demand.is_for_the_application()) else {
            // [SAMLCore] 3.4.1.1: there is no name of the kind that was asked for.
            return Ok(Err(StatusCode::InvalidNameIdPolicy));
        };
        if !demand.accepts_name(&name_id) {
            // [SAMLCore] 3.4.1.4: it is somebody else.
            return Ok(Err(StatusCode::UnknownPrincipal));
        }
        let audience = application.audience.as_ref().unwrap_or(&demand.application);
        let provenance = match self.provenance(record.upstream.as_ref(), audience) {
            Ok(provenance) => provenance,
            Err(code) => return Ok(Err(code)),
        };
        let entity_id = demand.application.as_str().as_bytes();
        let parts = [record.id.as_str().as_bytes(), entity_id];
        let index = short_name(hash(self.provider(), "session-index", &parts));
        let session_index = SessionIndex::new(index)?;
        let participant = Participant {
            entity_id: demand.application.clone(),
            name_id: name_id.clone(),
            session_index: session_index.clone(),
            acs: demand.assertion_consumer_service.clone(),
            added_at: now,
        };
        let added = self.store.add_participant(&record.key, participant, now);
        if !added.await?.may_issue() {
            return Err(Denial::SessionEnded.into());
        }
        let context = record.authn_context.clone();
        let reply = self.idp.answer_sign_on(
            demand,
            Assurance {
                name_id,
                attributes: self.idp.attributes(demand, &application, &user.profile),
                authn_instant: record.authn_instant,
                authn_context: context.unwrap_or_else(|| UNSPECIFIED.to_owned()),
                session_index,
                session_not_on_or_after: record.lifetime.not_on_or_after(),
                provenance,
            },
        );
        reply.map(Ok)
    }

    /// The person's name at an application, if there is one of this kind (`[SAMLCore] 8.3`).
    fn name_id(
        &self,
        format: NameIdFormat,
        user: &User,
        record: &SessionRecord,
        application: &Application,
    ) -> Result<Option<NameId>, FederateError> {
        let entity_id = application.entity_id();
        let opaque = |purpose, person: &str| {
            let parts = [
                &self.pairwise_secret,
                person.as_bytes(),
                entity_id.as_str().as_bytes(),
            ];
            short_name(hash(self.provider(), purpose, &parts))
        };
        // [SAMLCore] 8.3.7, 8.3.8: opaque, and different at every application.
        let made = match format {
            NameIdFormat::Persistent => Some(opaque("persistent", user.id.as_str())),
            NameIdFormat::Transient => Some(opaque("transient", record.id.as_str())),
            _ => None,
        };
        if let Some(value) = made {
            let mut name_id = NameId::new(value, Some(format))?;
            name_id.name_qualifier = Some(self.idp.party().entity_id.clone());
            name_id.sp_name_qualifier = Some(entity_id.clone());
            return Ok(Some(name_id));
        }
        // Encrypted names ([SAMLCore] 3.4.1.1) and what nobody knows are not made.
        if matches!(format, NameIdFormat::Encrypted | NameIdFormat::Other(_)) {
            return Ok(None);
        }
        let probes = application.name_id_probes.iter().map(String::as_str);
        let attributes: Vec<&str> = match format {
            _ if !application.name_id_probes.is_empty() => probes.collect(),
            NameIdFormat::EmailAddress => vec!["email"],
            _ => Vec::new(),
        };
        // The hub's own account names mean one person each; the names that different identity
        // providers give may be the same.
        let ours = user.subject.connection == self.connection;
        let account = match (&format, attributes.is_empty()) {
            (NameIdFormat::Unspecified, true) if ours => Some(user.subject.subject()),
            _ => None,
        };
        let found = attributes
            .into_iter()
            .filter_map(|name| user.profile.attributes.get(name))
            .flatten()
            .map(String::as_str)
            .chain(account);
        // The first that can be a name.
        let mut names = found.filter_map(|value| NameId::new(value, Some(format.clone())).ok());
        Ok(names.next())
    }
}

/// The way of signing in is not known (`[SAMLAuthnCxt] 3.4.25`).
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";

/// A demand that waits for the browser.
#[derive(Serialize, Deserialize)]
pub(super) struct Parked {
    pub(super) demand: SignOnDemand,
    pub(super) since: DateTime<Utc>,
}
