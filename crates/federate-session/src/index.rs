use crate::{ParticipantQuery, SessionId, SessionSnapshot, Subject, TenantId, UpstreamQuery};

/// One of the keys by which a session is found, as octets: for the authors of backends.
///
/// A session stands under all of [`IndexKey::all`] while [`SessionSnapshot::is_open`]. What an
/// index finds is a candidate: the snapshot itself says whether it is meant. Each part is
/// preceded by its length, so different parts never give the same octets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexKey(Vec<u8>);

impl IndexKey {
    /// By the public id of the session. Under this one there is at most one session.
    #[must_use]
    pub fn of_id(tenant: &TenantId, id: &SessionId) -> Self {
        Self::new(b'i', &[tenant.as_str(), id.as_str()])
    }

    /// By the person.
    #[must_use]
    pub fn of_subject(subject: &Subject) -> Self {
        Self::new(
            b's',
            &[
                subject.tenant.as_str(),
                subject.connection.as_str(),
                subject.issuer.as_str(),
                subject.subject(),
            ],
        )
    }

    /// By an application and the value of its NameID.
    #[must_use]
    pub fn of_participant(query: &ParticipantQuery) -> Self {
        Self::participant(&query.tenant, query.issuer.as_str(), query.name_id.value())
    }

    /// By an upstream identity provider and the value of its NameID.
    #[must_use]
    pub fn of_upstream(query: &UpstreamQuery) -> Self {
        Self::new(
            b'u',
            &[
                query.tenant.as_str(),
                query.connection.as_str(),
                query.issuer.as_str(),
                query.name_id.value(),
            ],
        )
    }

    /// All keys of a session, each once.
    #[must_use]
    pub fn all(session: &SessionSnapshot) -> Vec<Self> {
        let record = &session.record;
        let subject = &record.subject;
        let mut keys = vec![
            Self::of_id(&subject.tenant, &record.id),
            Self::of_subject(subject),
        ];
        if let Some(upstream) = &record.upstream {
            keys.push(Self::new(
                b'u',
                &[
                    subject.tenant.as_str(),
                    subject.connection.as_str(),
                    upstream.issuer.as_str(),
                    upstream.name_id.value(),
                ],
            ));
        }
        keys.extend(
            session.participants.iter().map(|p| {
                Self::participant(&subject.tenant, p.entity_id.as_str(), p.name_id.value())
            }),
        );
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn participant(tenant: &TenantId, entity: &str, name: &str) -> Self {
        Self::new(b'p', &[tenant.as_str(), entity, name])
    }

    fn new(tag: u8, parts: &[&str]) -> Self {
        let mut octets = vec![tag];
        for part in parts {
            octets.extend_from_slice(&(part.len() as u64).to_be_bytes());
            octets.extend_from_slice(part.as_bytes());
        }
        Self(octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(
            IndexKey::new(b'p', &["ab", "c"]),
            IndexKey::new(b'p', &["a", "bc"])
        );
        assert_ne!(IndexKey::new(b'p', &["a"]), IndexKey::new(b's', &["a"]));
    }
}
