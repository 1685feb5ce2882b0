use crate::{
    ConnectionId, EndReason, Lifetime, LifetimePolicy, SessionId, SessionKey, Subject, TenantId,
    UserId,
};
use chrono::{DateTime, Utc};
use federate_types::{EntityId, NameId, Provenance, SessionIndex};
use serde::{Deserialize, Serialize};

/// Whether the browser keeps the cookie when it is closed. The record decides all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Persistence {
    /// The cookie carries an expiry.
    Persistent,
    /// The cookie ends with the browser.
    Ephemeral,
}

/// The session at the upstream identity provider from which this one came.
///
/// Its LogoutRequest will name these (`[SAMLCore] 3.7.1`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamSession {
    /// The upstream identity provider.
    pub issuer: EntityId,
    /// How it named the person.
    pub name_id: NameId,
    /// How it named its session to us, if it did.
    pub session_index: Option<SessionIndex>,
    /// What its word rests on, and how far it may be passed on.
    pub provenance: Provenance,
}

/// What a login supplies for a new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The hash of the cookie's new token.
    pub key: SessionKey,
    /// The public name of the session.
    pub id: SessionId,
    /// Who signed in, and where.
    pub subject: Subject,
    /// The user of the hub that the subject was found to be.
    pub user: UserId,
    /// Whether the browser keeps the cookie.
    pub persistence: Persistence,
    /// When the user authenticated: AuthnInstant (`[SAMLCore] 2.7.2`).
    pub authn_instant: DateTime<Utc>,
    /// How: the AuthnContextClassRef (`[SAMLCore] 2.7.2.2`), if known.
    pub authn_context: Option<String>,
    /// The session upstream, if there is one.
    pub upstream: Option<UpstreamSession>,
    /// The end that upstream set: SessionNotOnOrAfter (`[SAMLCore] 2.7.2`).
    pub upstream_cap: Option<DateTime<Utc>>,
}

/// A session at the hub: everything that is needed to vouch for its user again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Where it is stored.
    pub key: SessionKey,
    /// Its public name.
    pub id: SessionId,
    /// Who signed in; `subject.tenant` is the account whose applications share the session.
    pub subject: Subject,
    /// The user of the hub.
    pub user: UserId,
    /// Whether the browser keeps the cookie.
    pub persistence: Persistence,
    /// When the user authenticated (`[SAMLCore] 2.7.2`).
    #[serde(with = "crate::instant")]
    pub authn_instant: DateTime<Utc>,
    /// How the user authenticated (`[SAMLCore] 2.7.2.2`), if known.
    pub authn_context: Option<String>,
    /// The session upstream, if there is one.
    pub upstream: Option<UpstreamSession>,
    /// The instants that decide when it is over.
    pub lifetime: Lifetime,
    /// When the store may forget it, whatever became of it.
    #[serde(with = "crate::instant")]
    pub retain_until: DateTime<Utc>,
    /// Set once it is known to be over; never unset.
    pub ended: Option<Ended>,
    /// The number of the last revocation of all of the person's sessions that it is past: the
    /// store sets it, see [`crate::Revocation`].
    pub epoch: u64,
}

/// That a session is over, for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why.
    pub reason: EndReason,
    /// When that was noticed.
    #[serde(with = "crate::instant")]
    pub at: DateTime<Utc>,
}

impl SessionRecord {
    /// The record of a session that begins now, with the limits that the policy has for its
    /// kind.
    #[must_use]
    pub fn open(new: NewSession, policy: &LifetimePolicy, now: DateTime<Utc>) -> Self {
        let lifetime = Lifetime::open(&policy.of(new.persistence), now, new.upstream_cap);
        Self {
            key: new.key,
            id: new.id,
            subject: new.subject,
            user: new.user,
            persistence: new.persistence,
            authn_instant: new.authn_instant,
            authn_context: new.authn_context,
            upstream: new.upstream,
            lifetime,
            retain_until: lifetime.absolute_end,
            ended: None,
            epoch: 0,
        }
    }

    /// The account whose applications share the session.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.subject.tenant
    }

    /// Why the session is over at `now`; `None` while it is alive.
    #[must_use]
    pub fn end_reason(&self, now: DateTime<Utc>) -> Option<EndReason> {
        match self.ended {
            Some(ended) => Some(ended.reason),
            None => self.lifetime.over_at(now).map(EndReason::Expired),
        }
    }
}

/// An application that received an assertion in a session, and will be told of its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The application: the service provider's entityID.
    pub entity_id: EntityId,
    /// How the assertion named the person.
    pub name_id: NameId,
    /// How the assertion named the session (`[SAMLCore] 2.7.2`).
    pub session_index: SessionIndex,
    /// Where the assertion was sent.
    pub acs: String,
    /// When the application first received one.
    #[serde(with = "crate::instant")]
    pub added_at: DateTime<Utc>,
}

impl Participant {
    /// Whether both entries mean the same session of the same person at the same application.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.entity_id == other.entity_id
            && self.name_id == other.name_id
            && self.session_index == other.session_index
    }
}

/// The sessions that a LogoutRequest from an application means (`[SAMLCore] 3.7.1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantQuery {
    /// The account at whose endpoint the request arrived.
    pub tenant: TenantId,
    /// The verified issuer of the request: only its own participations are searched.
    pub issuer: EntityId,
    /// The person, as the request names them.
    pub name_id: NameId,
    /// The sessions named; none means all of the person's sessions at this issuer.
    pub session_indexes: Vec<SessionIndex>,
}

impl ParticipantQuery {
    /// Whether the request means this participant.
    #[must_use]
    pub fn matches(&self, participant: &Participant) -> bool {
        self.issuer == participant.entity_id
            && names_agree(&self.name_id, &participant.name_id)
            && (self.session_indexes.is_empty()
                || self.session_indexes.contains(&participant.session_index))
    }
}

/// The sessions that a LogoutRequest from an upstream identity provider means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamQuery {
    /// The account at whose endpoint the request arrived.
    pub tenant: TenantId,
    /// The connection whose keys verified the request.
    pub connection: ConnectionId,
    /// The verified issuer of the request.
    pub issuer: EntityId,
    /// The person, as the request names them.
    pub name_id: NameId,
    /// The sessions named; none means all of the person's sessions from this issuer.
    pub session_indexes: Vec<SessionIndex>,
}

impl UpstreamQuery {
    /// Whether the request means this session.
    ///
    /// A session whose assertion carried no SessionIndex cannot be told apart from the one
    /// named, so it is meant too.
    #[must_use]
    pub fn matches(&self, record: &SessionRecord) -> bool {
        record.subject.tenant == self.tenant
            && record.subject.connection == self.connection
            && record.upstream.as_ref().is_some_and(|upstream| {
                upstream.issuer == self.issuer
                    && names_agree(&self.name_id, &upstream.name_id)
                    && (self.session_indexes.is_empty()
                        || upstream
                            .session_index
                            .as_ref()
                            .is_none_or(|index| self.session_indexes.contains(index)))
            })
    }
}

/// Whether a LogoutRequest's NameID may mean the one that was issued.
///
/// `[SAMLCore] 3.7.3.2` wants a strong match, but many service providers repeat the value
/// alone. So the values must be equal, and whatever both sides state must be equal; an
/// absent Format and `unspecified` state nothing (`[SAMLCore] 2.2.2`). This is sound only
/// among the names of one verified issuer.
#[must_use]
pub fn names_agree(asked: &NameId, issued: &NameId) -> bool {
    use federate_types::NameIdFormat::Unspecified;
    fn both_agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
        a.zip(b).is_none_or(|(a, b)| a == b)
    }
    let stated = |name: &'_ NameId| name.format.clone().filter(|f| *f != Unspecified);
    asked.value() == issued.value()
        && both_agree(stated(asked).as_ref(), stated(issued).as_ref())
        && both_agree(
            asked.name_qualifier.as_ref(),
            issued.name_qualifier.as_ref(),
        )
        && both_agree(
            asked.sp_name_qualifier.as_ref(),
            issued.sp_name_qualifier.as_ref(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use federate_types::NameIdFormat;

    fn name(value: &str, format: Option<NameIdFormat>, sp: Option<&str>) -> NameId {
        let mut name = NameId::new(value, format).unwrap();
        name.sp_name_qualifier = sp.map(|sp| EntityId::new(sp).unwrap());
        name
    }

    #[test]
    fn names_agree_in_what_both_state() {
        use NameIdFormat::{EmailAddress, Persistent, Unspecified};
        let issued = name("n", Some(Persistent), Some("sp"));
        assert!(names_agree(&name("n", None, None), &issued));
        assert!(names_agree(&name("n", Some(Unspecified), None), &issued));
        assert!(names_agree(
            &name("n", Some(Persistent), Some("sp")),
            &issued
        ));
        assert!(!names_agree(&name("N", None, None), &issued));
        assert!(!names_agree(&name("n", Some(EmailAddress), None), &issued));
        assert!(!names_agree(&name("n", None, Some("other")), &issued));
        assert!(names_agree(&issued, &name("n", None, None)));
    }
}
