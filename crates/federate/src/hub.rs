//! The hub: an identity provider with users, single sign-on sessions and single logout.

mod administration;
mod directory;
mod logout;
mod proxying;
mod return_to;
mod sign_on;
mod status;
mod upstream;

pub use administration::UserSessions;
pub use directory::{AuthenticatedUser, Directory, DirectoryUser, hash_password};
pub use logout::{LogoutOptions, LogoutPage, LogoutPhase, LogoutWork, NamedOutcome, PeerFailure};
pub use proxying::SignInWays;
pub use return_to::{InvalidReturnTo, ReturnToList};
pub use sign_on::{SignOn, SignedIn};
pub use status::{LastUsedConnection, SsoStatus};
pub use upstream::{UpstreamChoice, UpstreamSignedIn};

use crate::back_channel::AnyBackChannel;
use crate::error::FederateError;
use crate::idp::IdentityProvider;
use crate::sp::ServiceProvider;
use crate::store::Store;
use crate::token::{Token, hash, session_key};
use chrono::{DateTime, Utc};
use federate_crypto::CryptoProvider;
use federate_logout::LogoutPolicy;
use federate_session::{
    ConnectionId, LifetimePolicy, LogoutKey, LogoutScope, OneTimeKey, Participant, SessionKey,
    SessionRecord, TenantId, User,
};
use std::sync::Arc;

/// How people sign in at the hub's own page: with a password (`[SAMLAuthnCxt] 3.4.9`).
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// A hub of single sign-on: applications on one side, users on the other, and one session
/// per person in between.
pub struct Hub<S> {
    idp: IdentityProvider,
    lifetime: LifetimePolicy,
    tenant: TenantId,
    connection: ConnectionId,
    /// From which persistent names are made; whoever has it can link a person's names.
    pairwise_secret: Vec<u8>,
    /// What the hub is towards the identity providers of others.
    upstream: Option<ServiceProvider<S>>,
    /// Whether people may have a password here.
    has_passwords: bool,
    logout_policy: LogoutPolicy,
    /// Whether applications are told of sessions that have expired.
    tell_expiry: bool,
    /// Where browsers may return to after a logout that names no application.
    return_to: ReturnToList,
    back_channel: AnyBackChannel,
    backlog: logout::Backlog,
    store: Arc<S>,
}

/// A session as the hub's own page shows it.
#[derive(Debug)]
pub struct SessionView {
    /// The session.
    pub record: SessionRecord,
    /// Whose it is.
    pub user: User,
    /// The applications that received an assertion in it.
    pub participants: Vec<Participant>,
}

impl<S: Store> Hub<S> {
    /// A hub with one tenant and sessions of the usual lifetime.
    ///
    /// The pairwise secret (32 random octets or more) must stay the same as long as
    /// applications know people by persistent names.
    ///
    /// # Errors
    /// [`FederateError::Configuration`] when the secret is shorter than 32 octets.
    pub fn new(
        idp: IdentityProvider,
        pairwise_secret: &[u8],
        store: Arc<S>,
    ) -> Result<Self, FederateError> {
        if pairwise_secret.len() < 32 {
            let why = "the pairwise secret has fewer than 32 octets";
            return Err(FederateError::Configuration(why));
        }
        Ok(Self {
            idp,
            lifetime: LifetimePolicy::default(),
            tenant: TenantId::new("default")?,
            connection: ConnectionId::new("directory")?,
            pairwise_secret: pairwise_secret.to_vec(),
            upstream: None,
            has_passwords: true,
            logout_policy: LogoutPolicy::default(),
            tell_expiry: false,
            return_to: ReturnToList::default(),
            back_channel: AnyBackChannel::default(),
            backlog: logout::Backlog::default(),
            store,
        })
    }

    /// Sets how long sessions last; 7 days, 3 days idle by default.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: LifetimePolicy) -> Self {
        self.lifetime = lifetime;
        self.upstream = self.upstream.map(|sp| sp.with_lifetime(lifetime));
        self
    }

    /// Sets the account whose applications share a session, where a store holds several; another
    /// account's cookies open nothing here, its users and sessions are not found, and its logouts
    /// are for its own workers.
    #[must_use]
    pub fn with_tenant(mut self, tenant: TenantId) -> Self {
        self.upstream = self.upstream.map(|sp| sp.with_tenant(tenant.clone()));
        self.tenant = tenant;
        self
    }

    /// Tells applications that a session has expired, as far as they can be told without a
    /// browser, as other due work ([`due_work`](Self::due_work)). By default they are not: their
    /// assertions say when it ends. It counts for sessions that begin from now on, and
    /// each of them costs one more row in the store.
    #[must_use]
    pub fn with_expiry_told(mut self) -> Self {
        self.tell_expiry = true;
        let kept = self.kept();
        self.upstream = self.upstream.map(|sp| sp.keep_ended(kept));
        self
    }

    /// Says that nobody has a password here: people sign in at the identity providers
    /// [upstream](Self::with_upstream) only, and a demand that these may not meet is refused.
    #[must_use]
    pub const fn without_passwords(mut self) -> Self {
        self.has_passwords = false;
        self
    }

    /// Sets where a browser may return to after a logout at the hub's own address that names no
    /// application; nowhere by default.
    #[must_use]
    pub fn with_return_to(mut self, list: ReturnToList) -> Self {
        self.return_to = list;
        self
    }

    /// The identity provider that it is towards applications.
    #[must_use]
    pub const fn identity_provider(&self) -> &IdentityProvider {
        &self.idp
    }

    /// What it remembers.
    #[must_use]
    pub const fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// The session of a cookie, for the hub's own page. Looking is not activity.
    ///
    /// # Errors
    /// [`FederateError::Store`].
    pub async fn session(&self, token: &Token) -> Result<Option<SessionView>, FederateError> {
        let (key, now) = (self.session_key(token), self.now());
        let snapshot = self.store.snapshot(&key).await?;
        let alive = snapshot.filter(|session| session.record.end_reason(now).is_none());
        let Some(session) = alive else {
            return Ok(None);
        };
        let user = self
            .store
            .load_user(&self.tenant, &session.record.user)
            .await?;
        Ok(user.map(|user| SessionView {
            record: session.record,
            user,
            participants: session.participants,
        }))
    }

    /// Removes what has expired, a bounded number of rows at a time; `true` when there may
    /// be more. Call it now and then.
    ///
    /// # Errors
    /// [`FederateError::Store`].
    pub async fn sweep(&self) -> Result<bool, FederateError> {
        Ok(self.store.sweep(self.now(), 1000).await?.more)
    }

    fn now(&self) -> DateTime<Utc> {
        self.idp.party().clock.now()
    }

    fn provider(&self) -> &CryptoProvider {
        self.idp.party().provider()
    }

    fn session_key(&self, token: &Token) -> SessionKey {
        session_key(self.provider(), &self.tenant, token)
    }

    fn handle_key(&self, handle: &Token) -> OneTimeKey {
        OneTimeKey::new(self.hash("handle", handle.expose()))
    }

    fn logout_key(&self, handle: &Token) -> LogoutKey {
        LogoutKey::new(self.hash("logout", handle.expose())).within(self.logout_scope())
    }

    /// Of several hubs that share a store, each goes on with its own logouts.
    fn logout_scope(&self) -> LogoutScope {
        let parts = [
            self.tenant.as_str().as_bytes(),
            self.idp.party().entity_id.as_str().as_bytes(),
        ];
        let [a, b, c, d, e, f, g, h, ..] = hash(self.provider(), "logout-scope", &parts);
        LogoutScope::new([a, b, c, d, e, f, g, h])
    }

    fn hash(&self, purpose: &str, text: &str) -> [u8; 32] {
        let parts = [self.tenant.as_str().as_bytes(), text.as_bytes()];
        hash(self.provider(), purpose, &parts)
    }
}
