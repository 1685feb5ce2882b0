//! Signing on: a demand meets a session, or makes one.

use super::{AuthenticatedUser, Hub, PASSWORD};
use crate::error::{Denial, FederateError};
use crate::idp::{Application, Assurance, SignOnDemand};
use crate::store::{Store, decode, encode, open_session};
use crate::token::{Token, hash, message_id, short_name};
use crate::transport::Incoming;
use chrono::{DateTime, TimeDelta, Utc};
use federate_saml::binding::PostForm;
use federate_saml::{Attribute, MAX_REQUEST_AGE};
use federate_session::{
    Namespace, NewSession, OneTimeEntry, OneTimeKey, Participant, Persistence, Profile, PutNew,
    SessionId, SessionRecord, SessionState, Subject, User, UserId,
};
use federate_types::{EntityId, NameId, NameIdFormat, SessionIndex, Status, StatusCode};
use serde::{Deserialize, Serialize};

/// How long a person may take to sign in.
const SIGN_IN_TIME: TimeDelta = TimeDelta::minutes(30);

/// What becomes of a demand.
#[derive(Debug)]
#[must_use]
pub enum SignOn {
    /// Take this to the application: an assertion, or a failure.
    Respond(Box<PostForm>),
    /// The person has to sign in first.
    SignIn {
        /// The name of the application that asks.
        application: String,
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
        if let Some(id) = &demand.request_id {
            let parts = [
                demand.application.as_str().as_bytes(),
                id.as_str().as_bytes(),
            ];
            let entry = OneTimeEntry {
                namespace: Namespace::REQUEST,
                key: OneTimeKey::new(hash(self.provider(), "authn-request", &parts)),
                value: Vec::new(),
                expires: now + MAX_REQUEST_AGE + self.idp.party().skew.as_delta() * 2,
            };
            if self.store.put_new(entry, now).await? == PutNew::AlreadyPresent {
                return Err(Denial::Replayed.into());
            }
        }
        self.park(demand, now).await
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
        // [SAMLCore] 3.4.1: a forced sign-in is one that happened since the request came.
        let fits = |record: &SessionRecord| !demand.force_authn || record.authn_instant >= since;
        let record = alive.filter(fits);
        if record.is_none() && !demand.is_passive {
            let application = application.name.clone();
            return Ok(SignOn::SignIn { application });
        }
        let taken = self.store.take(Namespace::HANDLE, &key, now).await?;
        taken.ok_or(Denial::UnknownHandle)?;
        let form = match record {
            Some(record) => self.issue(&demand, application, &record, now).await?,
            None => {
                // [SAMLCore] 3.4.1: nothing may be shown, so the answer is NoPassive.
                let status = Status::with_subcode(StatusCode::Responder, StatusCode::NoPassive);
                self.idp.refuse_sign_on(&demand, status)?
            }
        };
        Ok(SignOn::Respond(Box::new(form)))
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

    /// Opens a session for a person who has just signed in. `previous` is the cookie that
    /// the browser had: a new login resets the session.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn sign_in(
        &self,
        user: &AuthenticatedUser,
        previous: Option<&Token>,
    ) -> Result<SignedIn, FederateError> {
        let now = self.now();
        let subject = Subject::new(
            self.tenant.clone(),
            self.connection.clone(),
            self.idp.party().entity_id.clone(),
            &user.name,
        )?;
        let candidate = UserId::new(message_id(self.provider())?.as_str())?;
        let profile = user.profile.clone();
        let found = self
            .store
            .find_or_create(&subject, candidate, profile, now)
            .await?;
        let token = Token::random(self.provider())?;
        let session = SessionRecord::open(
            NewSession {
                key: self.session_key(&token),
                id: SessionId::new(message_id(self.provider())?.as_str())?,
                subject,
                user: found.into_user().id,
                persistence: Persistence::Persistent,
                authn_instant: now,
                authn_context: Some(PASSWORD.to_owned()),
                upstream: None,
                upstream_cap: None,
            },
            &self.lifetime,
            now,
        );
        let previous = previous.map(|token| self.session_key(token));
        open_session(&*self.store, &session, previous, self.provider(), now).await?;
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
        Ok(match state.await? {
            SessionState::Alive(record) => Some(*record),
            _ => None,
        })
    }

    /// Tells an application who the person is. The session knows the application first: no
    /// assertion leaves that a logout would not find.
    async fn issue(
        &self,
        demand: &SignOnDemand,
        application: &Application,
        record: &SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<PostForm, FederateError> {
        let user = self.store.load_user(&self.tenant, &record.user).await?;
        let user = user.ok_or(Denial::NoSession)?;
        let format = self.idp.name_id_format(demand, application);
        let name_id = self.name_id(format, &user, record, &demand.application)?;
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
        self.idp.answer_sign_on(
            demand,
            Assurance {
                name_id,
                attributes: attributes(&user.profile),
                authn_instant: record.authn_instant,
                authn_context: context.unwrap_or_else(|| UNSPECIFIED.to_owned()),
                session_index,
                session_not_on_or_after: record.lifetime.not_on_or_after(),
            },
        )
    }

    /// The person's name at an application (`[SAMLCore] 8.3`).
    fn name_id(
        &self,
        format: NameIdFormat,
        user: &User,
        record: &SessionRecord,
        application: &EntityId,
    ) -> Result<NameId, FederateError> {
        let us = &self.idp.party().entity_id;
        let entity_id = application.as_str().as_bytes();
        let opaque = |purpose, person: &str| {
            let parts = [&self.pairwise_secret, person.as_bytes(), entity_id];
            short_name(hash(self.provider(), purpose, &parts))
        };
        let value = match format {
            // [SAMLCore] 8.3.7, 8.3.8: opaque, and different at every application.
            NameIdFormat::Persistent => opaque("persistent", user.id.as_str()),
            NameIdFormat::Transient => opaque("transient", record.id.as_str()),
            NameIdFormat::EmailAddress => match user.profile.first("email") {
                Some(email) => email.to_owned(),
                None => return Err(Denial::NoName.into()),
            },
            NameIdFormat::Unspecified => user.subject.subject().to_owned(),
            _ => return Err(Denial::NoName.into()),
        };
        let pairwise = matches!(format, NameIdFormat::Persistent | NameIdFormat::Transient);
        let mut name_id = NameId::new(value, Some(format))?;
        if pairwise {
            name_id.name_qualifier = Some(us.clone());
            name_id.sp_name_qualifier = Some(application.clone());
        }
        Ok(name_id)
    }
}

/// The way of signing in is not known (`[SAMLAuthnCxt] 3.4.25`).
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";

/// Every attribute of the profile that has a value, by its own name.
fn attributes(profile: &Profile) -> Vec<Attribute> {
    profile
        .attributes
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| Attribute::new(name, values))
        .collect()
}

/// A demand that waits for the browser.
#[derive(Serialize, Deserialize)]
struct Parked {
    demand: SignOnDemand,
    since: DateTime<Utc>,
}
