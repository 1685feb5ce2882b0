//! Whether somebody is signed in: what pages of applications may ask.

use super::Hub;
use crate::error::FederateError;
use crate::store::Store;
use crate::token::Token;
use federate_types::EntityId;
use serde::Serialize;

/// What an application's page learns of the session in its browser.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SsoStatus {
    /// Whether somebody is signed in at the hub.
    pub sso: bool,
    /// Of the applications to which the page belongs, those that are signed in to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub session_clients: Vec<EntityId>,
    /// Where the person signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_connection: Option<LastUsedConnection>,
}

/// Where a person signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastUsedConnection {
    /// The connection: an identity provider, or the hub's own users.
    pub name: String,
    /// By which protocol.
    pub strategy: &'static str,
}

impl<S: Store> Hub<S> {
    /// Whether somebody is signed in, for a page of this origin (the `Origin` header, such as
    /// `https://app.example`). Asking is not activity: a page that asks every minute keeps no
    /// session alive.
    ///
    /// `None` when the origin is of no application's
    /// [`web_origins`](crate::Application::web_origins): then tell it nothing, and send no
    /// `Access-Control-Allow-Origin`. A page learns of the applications of its own origin alone.
    ///
    /// # Errors
    /// [`FederateError::Store`].
    pub async fn sso_status(
        &self,
        origin: &str,
        session: Option<&Token>,
    ) -> Result<Option<SsoStatus>, FederateError> {
        let applications = self.idp.applications().iter();
        let own: Vec<&EntityId> = applications
            .filter(|(_, application)| application.web_origins.iter().any(|known| known == origin))
            .map(|(id, _)| id)
            .collect();
        if own.is_empty() {
            return Ok(None);
        }
        let Some(token) = session else {
            return Ok(Some(SsoStatus::default()));
        };
        let key = self.session_key(token);
        let (now, snapshot) = (self.now(), self.store.snapshot(&key).await?);
        let alive = snapshot.filter(|session| session.record.end_reason(now).is_none());
        let Some(session) = alive else {
            return Ok(Some(SsoStatus::default()));
        };
        let clients = own.into_iter().filter(|id| {
            let mut entities = session.participants.iter().map(|one| &one.entity_id);
            entities.any(|entity| entity == *id)
        });
        let (name, strategy) = match &session.record.upstream {
            Some(upstream) => (upstream.issuer.as_str(), "samlp"),
            None => (self.connection.as_str(), "database"),
        };
        Ok(Some(SsoStatus {
            sso: true,
            session_clients: clients.cloned().collect(),
            last_used_connection: Some(LastUsedConnection {
                name: name.to_owned(),
                strategy,
            }),
        }))
    }
}
