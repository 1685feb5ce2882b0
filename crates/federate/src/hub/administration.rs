//! What administrators look at: who a person is here, and which sessions they have.
//!
//! They end sessions with [`Hub::end_session`] and [`Hub::end_sessions_of`].

use super::Hub;
use crate::error::FederateError;
use crate::store::Store;
use federate_logout::Logout;
use federate_session::{SessionId, SessionSnapshot, Subject, User, UserId};
use federate_types::{EntityId, NameId, NameIdFormat};
use std::cmp::Reverse;

/// The formats of name under which a person is looked for when none is given; identity providers
/// rarely use others for people who come back.
static USUAL_FORMATS: [NameIdFormat; 3] = [
    NameIdFormat::Unspecified,
    NameIdFormat::EmailAddress,
    NameIdFormat::Persistent,
];

/// The sessions of a user that are alive.
#[derive(Debug)]
pub struct UserSessions {
    /// Whose they are.
    pub user: User,
    /// Each with its applications, the last used first; at most [`Logout::MAX_SESSIONS`].
    pub sessions: Vec<SessionSnapshot>,
    /// How many more there are.
    pub left_out: usize,
}

impl<S: Store> Hub<S> {
    /// The sessions of a user, for administrators; `None` when there is no such user. Looking is
    /// not activity.
    ///
    /// # Errors
    /// [`FederateError::Store`].
    pub async fn sessions_of(&self, user: &UserId) -> Result<Option<UserSessions>, FederateError> {
        let Some(user) = self.store.load_user(&self.tenant, user).await? else {
            return Ok(None);
        };
        let now = self.now();
        let mut alive = self.store.by_subject(&user.subject).await?;
        alive.retain(|record| record.end_reason(now).is_none());
        alive.sort_by_key(|record| Reverse(record.lifetime.last_activity));
        let left_out = alive.len().saturating_sub(Logout::MAX_SESSIONS);
        let mut sessions = Vec::new();
        for record in alive.into_iter().take(Logout::MAX_SESSIONS) {
            let snapshot = self.store.snapshot(&record.key).await?;
            // It may have ended since.
            sessions.extend(snapshot.filter(|session| session.record.end_reason(now).is_none()));
        }
        Ok(Some(UserSessions {
            user,
            sessions,
            left_out,
        }))
    }

    /// The session of a public id with its applications, for administrators; `None` when there is
    /// none that is alive. Looking is not activity.
    ///
    /// # Errors
    /// [`FederateError::Store`].
    pub async fn session_of_id(
        &self,
        id: &SessionId,
    ) -> Result<Option<SessionSnapshot>, FederateError> {
        let Some(record) = self.store.by_id(&self.tenant, id).await? else {
            return Ok(None);
        };
        let (now, snapshot) = (self.now(), self.store.snapshot(&record.key).await?);
        Ok(snapshot.filter(|session| session.record.end_reason(now).is_none()))
    }

    /// The users whom a connection ([`connection_of`](Self::connection_of)) knows by a name: the
    /// name with which people sign in at the hub, or the NameID that an identity provider gives
    /// them.
    ///
    /// A user is bound to the whole of a NameID, of which administrators know the value. So it is
    /// looked for with and without the names of the identity provider and of the hub as qualifiers,
    /// and in this format, or in the usual ones (unspecified, e-mail address, persistent). That may
    /// find several users.
    ///
    /// # Errors
    /// [`FederateError::Value`] for what cannot be a connection or a name,
    /// [`FederateError::Store`].
    pub async fn users_named(
        &self,
        connection: &str,
        name: &str,
        format: Option<&NameIdFormat>,
    ) -> Result<Vec<User>, FederateError> {
        let subjects = match connection == self.connection.as_str() {
            true => vec![self.own_subject(name)?],
            false => self.upstream_subjects(&EntityId::new(connection)?, name, format)?,
        };
        let mut users = Vec::new();
        for subject in &subjects {
            users.extend(self.store.user_by_subject(subject).await?);
        }
        Ok(users)
    }

    /// How the connection of a user is called: the entity ID of an identity provider, or
    /// `directory` for the hub's own users.
    #[must_use]
    pub fn connection_of<'a>(&'a self, subject: &'a Subject) -> &'a str {
        match subject.connection == self.connection {
            true => self.connection.as_str(),
            false => subject.issuer.as_str(),
        }
    }

    /// Who signs in at the hub itself with this name.
    pub(super) fn own_subject(&self, name: &str) -> Result<Subject, FederateError> {
        let issuer = self.idp.party().entity_id.clone();
        let (tenant, connection) = (self.tenant.clone(), self.connection.clone());
        Ok(Subject::new(tenant, connection, issuer, name)?)
    }

    /// Whom an identity provider may mean by this value of a NameID.
    fn upstream_subjects(
        &self,
        issuer: &EntityId,
        value: &str,
        format: Option<&NameIdFormat>,
    ) -> Result<Vec<Subject>, FederateError> {
        let Some(sp) = &self.upstream else {
            return Ok(Vec::new());
        };
        let formats = format.map_or(USUAL_FORMATS.as_slice(), std::slice::from_ref);
        let own = &sp.party().entity_id;
        let mut subjects = Vec::new();
        for format in formats {
            let mut name = NameId::new(value, Some(format.clone()))?;
            for by in [None, Some(issuer)] {
                for at in [None, Some(own)] {
                    name.name_qualifier = by.cloned();
                    name.sp_name_qualifier = at.cloned();
                    subjects.push(sp.subject(issuer, &name)?);
                }
            }
        }
        Ok(subjects)
    }
}
