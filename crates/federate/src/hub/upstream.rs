//! The hub towards the identity providers of others: it is their service provider, and what
//! they say of a person opens the hub's own session.

use super::{Hub, SignedIn};
use crate::error::{Denial, FederateError};
use crate::sp::{Connection, Login, LoginOptions, ServiceProvider, StartedLogin};
use crate::store::{Store, decode};
use crate::token::Token;
use federate_metadata::Localized;
use federate_session::{Namespace, Profile};
use federate_types::{EntityId, NameIdFormat};
use std::sync::Arc;

/// An identity provider at which people can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamChoice {
    /// The identity provider.
    pub entity_id: EntityId,
    /// What it calls itself, for people: the text of somebody else.
    pub name: String,
}

/// A person who came back from their identity provider.
#[derive(Debug)]
pub struct UpstreamSignedIn {
    /// The session.
    pub signed_in: SignedIn,
    /// The handle of the demand that waits for it, if one does.
    pub demand: Option<Token>,
    /// What the identity provider said.
    pub login: Login,
}

impl<S: Store> Hub<S> {
    /// Lets people sign in at the identity providers that this service provider trusts. What
    /// they say opens the hub's session, which ends when theirs does at the latest
    /// (SessionNotOnOrAfter, `[SAMLCore] 2.7.2`).
    ///
    /// It becomes part of the hub: it must keep its sessions in the hub's store, and takes over
    /// the hub's account and lifetimes.
    ///
    /// # Errors
    /// [`FederateError::Configuration`] when it has another store.
    pub fn with_upstream(mut self, sp: ServiceProvider<S>) -> Result<Self, FederateError> {
        if !Arc::ptr_eq(sp.store(), &self.store) {
            let why = "the service provider has another store than its hub";
            return Err(FederateError::Configuration(why));
        }
        let sp = sp.with_tenant(self.tenant.clone());
        let sp = sp.with_lifetime(self.lifetime);
        self.upstream = Some(sp.keep_ended(self.kept()));
        Ok(self)
    }

    /// What the hub is towards identity providers, if it knows any.
    #[must_use]
    pub const fn upstream(&self) -> Option<&ServiceProvider<S>> {
        self.upstream.as_ref()
    }

    /// The identity providers at which people can sign in, by name.
    #[must_use]
    pub fn upstream_choices(&self) -> Vec<UpstreamChoice> {
        let connections = self.upstream.iter().flat_map(|sp| sp.identity_providers());
        let mut choices: Vec<_> = connections.map(choice).collect();
        choices.sort_by(|a, b| (&a.name, &a.entity_id).cmp(&(&b.name, &b.entity_id)));
        choices
    }

    /// Sends the browser to an identity provider, for the demand of this handle or for the hub's
    /// own page. What the demand asks of a sign-in is asked there.
    ///
    /// # Errors
    /// As [`ServiceProvider::start_login`]; [`Denial::UnknownHandle`];
    /// [`Denial::MayNotBePassedOn`].
    pub async fn start_upstream_login(
        &self,
        identity_provider: Option<EntityId>,
        demand: Option<&Token>,
        browser: Option<Token>,
    ) -> Result<StartedLogin, FederateError> {
        let mut options = LoginOptions {
            identity_provider,
            ..LoginOptions::default()
        };
        let sp = self.service_provider()?;
        if let Some(handle) = demand {
            let key = self.handle_key(handle);
            let octets = self.store.peek(Namespace::HANDLE, &key, self.now()).await?;
            let parked: super::sign_on::Parked =
                decode(&octets.ok_or(Denial::UnknownHandle)?, "demand")?;
            let asked = options.identity_provider.as_ref();
            let asked = asked.or_else(|| sp.only_identity_provider());
            let asked = asked.ok_or(Denial::UnknownPeer)?;
            options.scoping = self.passed_on(&parked.demand, asked)?;
            options.force_authn = parked.demand.force_authn;
            options.requested_authn_context = parked.demand.requested_authn_context.clone();
            options.return_to = Some(handle.expose().to_owned());
        }
        sp.start_login_in(browser, options).await
    }

    /// Takes what an identity provider had the browser post, and gives the handle for
    /// [`complete_upstream_login`](Self::complete_upstream_login).
    ///
    /// # Errors
    /// As [`ServiceProvider::receive_login`].
    pub async fn receive_upstream_login(&self, form: &str) -> Result<Token, FederateError> {
        self.service_provider()?.receive_login(form).await
    }

    /// Opens the hub's session for a received login, in the browser that began it. `previous` is
    /// the session cookie that the browser had: the new login resets the session.
    ///
    /// # Errors
    /// As [`ServiceProvider::complete_login`]; [`Denial::OwnWord`].
    pub async fn complete_upstream_login(
        &self,
        handle: &Token,
        browser: Option<&Token>,
        previous: Option<&Token>,
    ) -> Result<UpstreamSignedIn, FederateError> {
        let sp = self.service_provider()?;
        let completed = sp
            .complete_login_as(handle, browser, previous, |login| {
                self.is_not_our_own(login)?;
                let connection = sp.connection(Some(&login.identity_provider))?;
                Ok(profile(login, &connection))
            })
            .await?;
        self.end_other(completed.other).await?;
        self.watch(&completed.session).await?;
        Ok(UpstreamSignedIn {
            signed_in: SignedIn {
                token: completed.token,
                session: completed.session,
            },
            demand: completed.return_to.as_deref().and_then(Token::parse),
            login: completed.login,
        })
    }

    pub(super) fn service_provider(&self) -> Result<&ServiceProvider<S>, FederateError> {
        Ok(self.upstream.as_ref().ok_or(Denial::UnknownPeer)?)
    }
}

fn choice(connection: &Connection) -> UpstreamChoice {
    let entity_id = connection.entity_id().clone();
    let idp = connection.metadata.idp.as_ref();
    let ui_info = idp.and_then(|idp| idp.details.extensions.ui_info.as_ref());
    let name = ui_info
        .and_then(|info| Localized::best_of(&info.display_names, &["en"]))
        .map(|name| name.trim())
        .filter(|name| !name.is_empty());
    UpstreamChoice {
        name: name.unwrap_or(entity_id.as_str()).to_owned(),
        entity_id,
    }
}

/// By which names identity providers tell a person's e-mail address, the best first.
const EMAIL: [&str; 6] = [
    "email",
    "mail",
    "emailaddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "User.Email",
];

/// By which names they tell a person's name.
const NAME: [&str; 5] = [
    "name",
    "displayName",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
];

/// What the hub keeps of what an identity provider says: everything by the name that it gave,
/// and the e-mail address and the name by the hub's own names, too. E-mail addresses only in the
/// domains in which it may vouch for them, by whatever name they come.
fn profile(login: &Login, connection: &Connection) -> Profile {
    let mut profile = login.attributes.clone();
    for name in EMAIL {
        if let Some(values) = profile.attributes.get_mut(name) {
            values.retain(|value| vouches_for(connection, value));
        }
    }
    profile.attributes.retain(|_, values| !values.is_empty());
    // [SAMLCore] 8.3.2: the name itself may be the address.
    let name_id = &login.name_id;
    if name_id.format == Some(NameIdFormat::EmailAddress)
        && vouches_for(connection, name_id.value())
    {
        let address = || vec![name_id.value().to_owned()];
        profile
            .attributes
            .entry("email".to_owned())
            .or_insert_with(address);
    }
    for (ours, theirs) in [("email", &EMAIL[..]), ("name", &NAME[..])] {
        let found = theirs.iter().find_map(|name| profile.attributes.get(*name));
        if let Some(found) = found.cloned() {
            profile.attributes.insert(ours.to_owned(), found);
        }
    }
    profile
}

/// Whether an identity provider may say that a person has this e-mail address.
fn vouches_for(connection: &Connection, address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let domain = domain.to_ascii_lowercase();
    let one_at = !local.is_empty() && !local.contains('@');
    let known = |allowed: &String| allowed == "*" || *allowed == domain;
    one_at && connection.email_domains.iter().any(known)
}

#[cfg(test)]
mod tests;
