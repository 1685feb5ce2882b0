//! The application's own session, opened by a login.

use super::ServiceProvider;
use super::receive::Parked;
use crate::error::{Denial, FederateError};
use crate::store::{Store, decode, end_session, open_session};
use crate::token::{Token, message_id};
use chrono::{DateTime, Utc};
use federate_saml::ValidatedLogin;
use federate_session::{
    Namespace, NewSession, Persistence, Profile, SessionId, SessionKey, SessionRecord, Subject,
    UpstreamSession, User, UserId,
};
use federate_types::{EntityId, NameId, Provenance, SessionIndex};
use serde::{Deserialize, Serialize};

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
    /// What it said without being the one to say it: values of
    /// [`scoped_attributes`](super::Connection::scoped_attributes) out of its scopes. For the
    /// operator's log, and for nothing else.
    pub dropped: Profile,
    /// When they signed in there.
    pub authn_instant: DateTime<Utc>,
    /// How.
    pub authn_context: Option<String>,
    /// The identity provider's name for the session.
    pub session_index: Option<SessionIndex>,
    /// When the session must be over.
    pub session_not_on_or_after: Option<DateTime<Utc>>,
    /// What its word rests on, and which assertions may be based on it.
    pub provenance: Provenance,
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
    /// The session of somebody else that the browser had, and which goes on.
    pub(crate) other: Option<SessionKey>,
}

impl<S: Store> ServiceProvider<S> {
    /// Opens the application's session for a received login, in the browser that began it.
    ///
    /// The user is found by identity provider and name, or created at the first login; never
    /// by e-mail address. `previous` is the session cookie that the browser had: the new
    /// login replaces it.
    ///
    /// # Errors
    /// [`Denial::UnknownHandle`], [`Denial::OtherBrowser`]; [`Denial::SessionEnded`] when the
    /// identity provider has ended the session meanwhile; failures of the store.
    pub async fn complete_login(
        &self,
        handle: &Token,
        browser: Option<&Token>,
        previous: Option<&Token>,
    ) -> Result<CompletedLogin, FederateError> {
        let profile = |login: &Login| Ok(login.attributes.clone());
        let completed = self.complete_login_as(handle, browser, previous, profile);
        self.end_other(completed.await?).await
    }

    /// Ends the session of somebody else that the browser had.
    pub(super) async fn end_other(
        &self,
        completed: CompletedLogin,
    ) -> Result<CompletedLogin, FederateError> {
        if let Some(other) = completed.other {
            end_session(&*self.store, &other, self.party.provider(), self.now()).await?;
        }
        Ok(CompletedLogin {
            other: None,
            ..completed
        })
    }

    /// As [`complete_login`](Self::complete_login); what is kept of the person, if the login is
    /// taken at all, the caller says, who also ends [`CompletedLogin::other`].
    pub(crate) async fn complete_login_as(
        &self,
        handle: &Token,
        browser: Option<&Token>,
        previous: Option<&Token>,
        profile: impl FnOnce(&Login) -> Result<Profile, FederateError>,
    ) -> Result<CompletedLogin, FederateError> {
        let now = self.now();
        let key = self.handle_key(handle);
        let taken = self.store.take(Namespace::HANDLE, &key, now).await?;
        let octets = taken.ok_or(Denial::UnknownHandle)?;
        let parked: Parked = decode(&octets, "login")?;
        if let Some(expected) = parked.browser {
            let actual = browser.map(|browser| self.browser_hash(browser));
            if actual != Some(expected) {
                return Err(Denial::OtherBrowser.into());
            }
        }
        let profile = profile(&parked.login)?;
        self.open(parked, profile, previous, now).await
    }

    /// Opens the session of a login that is the browser's own.
    pub(super) async fn open(
        &self,
        parked: Parked,
        profile: Profile,
        previous: Option<&Token>,
        now: DateTime<Utc>,
    ) -> Result<CompletedLogin, FederateError> {
        let provider = self.party.provider();
        let login = parked.login;
        // Before it replaces a session that goes on, and again when it is there.
        if self.was_logged_out(&login, now).await? {
            return Err(Denial::SessionEnded.into());
        }
        let subject = self.subject(&login.identity_provider, &login.name_id)?;
        let candidate = UserId::new(message_id(provider)?.as_str())?;
        let found = self
            .store
            .find_or_create(&subject, candidate, profile, now)
            .await?;
        let user = found.into_user();
        let token = Token::random(provider)?;
        let mut session = SessionRecord::open(
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
                    provenance: login.provenance.clone(),
                }),
                upstream_cap: login.session_not_on_or_after,
            },
            &self.lifetime,
            now,
        );
        session.retain_until += self.kept;
        let previous = previous.map(|token| self.session_key(token));
        let other = open_session(&*self.store, &session, previous, now).await?;
        if self.was_logged_out(&login, now).await? {
            end_session(&*self.store, &session.key, provider, now).await?;
            return Err(Denial::SessionEnded.into());
        }
        Ok(CompletedLogin {
            login,
            user,
            session,
            token,
            return_to: parked.return_to,
            other,
        })
    }

    /// The key of a person: the identity provider and everything of the name, byte for byte.
    pub(crate) fn subject(
        &self,
        issuer: &EntityId,
        name: &NameId,
    ) -> Result<Subject, FederateError> {
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
        let (tenant, connection) = (self.tenant.clone(), self.connection.clone());
        Ok(Subject::new(tenant, connection, issuer.clone(), key)?)
    }
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace(' ', "%20")
}

impl Login {
    pub(super) fn new(login: &ValidatedLogin, attributes: Profile, dropped: Profile) -> Self {
        Self {
            identity_provider: login.issuer().clone(),
            name_id: login.name_id().clone(),
            attributes,
            dropped,
            authn_instant: login.authn_instant(),
            authn_context: login.authn_context().map(str::to_owned),
            session_index: login.session_index().cloned(),
            session_not_on_or_after: login.session_not_on_or_after(),
            provenance: login.provenance().clone(),
        }
    }
}
