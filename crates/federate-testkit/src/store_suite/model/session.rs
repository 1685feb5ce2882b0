//! What sessions are to do, said once more and as plainly as can be.

use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use federate_types::{NameId, NameIdFormat};
use std::collections::BTreeMap;

/// The sessions as they should be.
#[derive(Default)]
pub(super) struct Sessions {
    rows: BTreeMap<SessionKey, Row>,
    /// Until when the last revocation of each person is kept.
    revocations: BTreeMap<Subject, DateTime<Utc>>,
}

struct Row {
    record: SessionRecord,
    participants: Vec<Participant>,
    /// The last logout that revoked it while it was open, and when.
    revoked: Option<(LogoutKey, DateTime<Utc>)>,
}

type Answer<T> = Result<T, &'static str>;

impl Row {
    /// Whether nobody has taken its applications.
    fn is_open(&self) -> bool {
        match self.record.ended.map(|ended| ended.reason) {
            None | Some(EndReason::Expired(_)) => true,
            Some(_) => false,
        }
    }

    /// The record as the store shows it.
    fn seen(&self) -> SessionRecord {
        let mut record = self.record.clone();
        if let (true, Some((by, at))) = (self.is_open(), self.revoked) {
            let reason = EndReason::LoggedOut { by };
            record.ended = Some(Ended { reason, at });
        }
        record
    }

    fn reason(&self, now: DateTime<Utc>) -> Option<EndReason> {
        match self.seen().ended {
            Some(ended) => Some(ended.reason),
            None => over(&self.record.lifetime, now).map(EndReason::Expired),
        }
    }

    fn state(&self, now: DateTime<Utc>) -> SessionState {
        match self.reason(now) {
            Some(reason) => SessionState::Ended(reason),
            None => SessionState::Alive(Box::new(self.seen())),
        }
    }

    fn snapshot(&self) -> SessionSnapshot {
        SessionSnapshot {
            record: self.seen(),
            participants: self.participants.clone(),
        }
    }

    fn end(&mut self, reason: EndReason, at: DateTime<Utc>) {
        self.record.ended = Some(Ended { reason, at });
    }
}

/// The limit that is reached first, if it is reached.
fn over(lifetime: &Lifetime, now: DateTime<Utc>) -> Option<Limit> {
    let idle_end = lifetime.last_activity + lifetime.idle;
    let ends = [
        (Some(lifetime.absolute_end), Limit::Absolute),
        (lifetime.upstream_cap, Limit::Upstream),
        (Some(idle_end), Limit::Idle),
    ];
    let ends = ends
        .into_iter()
        .filter_map(|(end, limit)| Some((end?, limit)));
    // Of equal ends the first counts.
    let (end, limit) = ends.min_by_key(|(end, _)| *end)?;
    (end <= now).then_some(limit)
}

/// The rule of `names_agree`, part by part.
fn agree(asked: &NameId, issued: &NameId) -> bool {
    let format = |name: &NameId| match &name.format {
        Some(NameIdFormat::Unspecified) | None => None,
        Some(format) => Some(format.clone()),
    };
    if asked.value() != issued.value() {
        return false;
    }
    if let (Some(one), Some(other)) = (format(asked), format(issued))
        && one != other
    {
        return false;
    }
    let pairs = [
        (&asked.name_qualifier, &issued.name_qualifier),
        (&asked.sp_name_qualifier, &issued.sp_name_qualifier),
    ];
    pairs.iter().all(|(one, other)| match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    })
}

impl Sessions {
    /// Forgets a session that the store was free to forget.
    pub(super) fn forget(&mut self, key: &SessionKey) {
        self.rows.remove(key);
    }

    /// The sessions that a store may have forgotten on its own.
    pub(super) fn retired(&self, latest: DateTime<Utc>) -> Vec<SessionKey> {
        let rows = self.rows.values();
        rows.filter(|row| row.record.retain_until <= latest)
            .map(|row| row.record.key)
            .collect()
    }

    /// Why a session of this record is refused. It may be that two reasons are equally good.
    fn refusals(&self, new: &SessionRecord, now: DateTime<Utc>) -> Vec<&'static str> {
        let mut codes = Vec::new();
        if over(&new.lifetime, now).is_some() {
            codes.push("store.already_expired");
        }
        if self.rows.contains_key(&new.key) || !self.by_id(&new.subject.tenant, &new.id).is_empty()
        {
            codes.push("store.already_exists");
        }
        codes
    }

    /// Whether the id is that of a session of which a logout has taken the applications: the
    /// store may refuse it or not.
    fn is_id_retired(&self, new: &SessionRecord) -> bool {
        self.rows.values().any(|row| {
            !row.is_open()
                && row.record.subject.tenant == new.subject.tenant
                && row.record.id == new.id
        })
    }

    fn insert(&mut self, record: SessionRecord, participants: Vec<Participant>) {
        let row = Row {
            record,
            participants,
            revoked: None,
        };
        self.rows.insert(row.record.key, row);
    }

    pub(super) fn create(
        &mut self,
        new: SessionRecord,
        now: DateTime<Utc>,
        answer: &Answer<()>,
    ) -> Result<(), String> {
        let codes = self.refusals(&new, now);
        match answer {
            Err(code) if codes.contains(code) => Ok(()),
            Err("store.already_exists") if self.is_id_retired(&new) => Ok(()),
            Ok(()) if codes.is_empty() => {
                self.insert(new, Vec::new());
                Ok(())
            }
            _ => Err(format!("expected one of {codes:?}, got {answer:?}")),
        }
    }

    pub(super) fn rotate(
        &mut self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
        answer: &Answer<Rotation>,
    ) -> Result<(), String> {
        let codes = self.refusals(&new, now);
        let former = self.rows.get(old);
        let former = former.filter(|row| row.is_open() && row.revoked.is_none());
        let other = former.is_some_and(|row| row.record.subject != new.subject);
        let carried = former.map_or(Vec::new(), |row| last_of_each(&row.participants));
        let expected = match other {
            true => Rotation::OtherSubject,
            false => Rotation::Rotated {
                carried: carried.len(),
            },
        };
        match answer {
            Err(code) if codes.contains(code) => Ok(()),
            Err("store.already_exists") if self.is_id_retired(&new) => Ok(()),
            Ok(Rotation::OtherSubject) if other => Ok(()),
            Ok(answer) if codes.is_empty() && *answer == expected => {
                if let Some(row) = self.rows.get_mut(old)
                    && row.is_open()
                    && row.revoked.is_none()
                {
                    row.end(EndReason::Replaced, now);
                }
                self.insert(new, carried);
                Ok(())
            }
            _ => Err(format!(
                "expected {expected:?} or one of {codes:?}, got {answer:?}"
            )),
        }
    }

    pub(super) fn load(&self, key: &SessionKey, now: DateTime<Utc>) -> SessionState {
        let row = self.rows.get(key);
        row.map_or(SessionState::Unknown, |row| row.state(now))
    }

    pub(super) fn snapshot(&self, key: &SessionKey) -> Option<SessionSnapshot> {
        self.rows.get(key).map(Row::snapshot)
    }

    pub(super) fn touch(
        &mut self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> SessionState {
        let Some(row) = self.rows.get_mut(key) else {
            return SessionState::Unknown;
        };
        if row.seen().ended.is_none() {
            // A shortened limit holds at once, a lengthened one never.
            let mut lifetime = row.record.lifetime;
            let absolute_end = lifetime.created + policy.absolute();
            lifetime.absolute_end = lifetime.absolute_end.min(absolute_end);
            lifetime.idle = lifetime.idle.min(policy.idle());
            if let Some(limit) = over(&lifetime, now) {
                row.end(EndReason::Expired(limit), now);
            } else {
                let mut granularity = policy.touch_granularity();
                if granularity > lifetime.idle / 2 {
                    granularity = granularity.min(lifetime.idle / 24);
                }
                let age = now - lifetime.last_activity;
                if age > TimeDelta::zero() && age >= granularity {
                    lifetime.last_activity = now;
                }
                row.record.lifetime = lifetime;
            }
        }
        row.state(now)
    }

    pub(super) fn add(
        &mut self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> AddParticipant {
        let Some(row) = self.rows.get_mut(key) else {
            return AddParticipant::Unknown;
        };
        if let Some(reason) = row.reason(now) {
            return AddParticipant::SessionEnded(reason);
        }
        for there in &row.participants {
            if there.entity_id == participant.entity_id
                && there.name_id == participant.name_id
                && there.session_index == participant.session_index
            {
                return AddParticipant::AlreadyPresent;
            }
        }
        row.participants.push(participant);
        AddParticipant::Added
    }

    pub(super) fn terminate(
        &mut self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Termination {
        let Some(row) = self.rows.get_mut(key) else {
            return Termination::Unknown;
        };
        let reason = EndReason::LoggedOut { by };
        match (row.is_open(), row.revoked) {
            (true, None) => row.end(reason, now),
            (true, Some((first, at))) if first == by => row.end(reason, at),
            (true, Some(_)) => return Termination::AlreadyEnded,
            (false, _) if row.reason(now) == Some(reason) => {}
            (false, _) => return Termination::AlreadyEnded,
        }
        Termination::Ended(Box::new(row.snapshot()))
    }

    pub(super) fn revoke(&mut self, subject: &Subject, by: LogoutKey, now: DateTime<Utc>) {
        for row in self.rows.values_mut() {
            if row.record.subject == *subject && row.is_open() {
                row.revoked = Some((by, now));
            }
        }
        self.revocations
            .insert(subject.clone(), now + TimeDelta::days(3660));
    }

    pub(super) fn by_id(&self, tenant: &TenantId, id: &SessionId) -> Vec<SessionRecord> {
        self.open(|row| row.record.subject.tenant == *tenant && row.record.id == *id)
    }

    pub(super) fn by_subject(&self, subject: &Subject) -> Vec<SessionRecord> {
        self.open(|row| row.record.subject == *subject)
    }

    pub(super) fn by_participant(&self, query: &ParticipantQuery) -> Vec<SessionRecord> {
        let named = &query.session_indexes;
        self.open(|row| {
            row.record.subject.tenant == query.tenant
                && row.participants.iter().any(|there| {
                    there.entity_id == query.issuer
                        && agree(&query.name_id, &there.name_id)
                        && (named.is_empty() || named.contains(&there.session_index))
                })
        })
    }

    pub(super) fn by_upstream(&self, query: &UpstreamQuery) -> Vec<SessionRecord> {
        let named = &query.session_indexes;
        self.open(|row| match &row.record.upstream {
            None => false,
            Some(upstream) => {
                row.record.subject.tenant == query.tenant
                    && row.record.subject.connection == query.connection
                    && upstream.issuer == query.issuer
                    && agree(&query.name_id, &upstream.name_id)
                    && match &upstream.session_index {
                        Some(index) => named.is_empty() || named.contains(index),
                        None => true,
                    }
            }
        })
    }

    /// In the order of their keys.
    fn open(&self, is_meant: impl Fn(&Row) -> bool) -> Vec<SessionRecord> {
        let rows = self.rows.values();
        rows.filter(|row| row.is_open() && is_meant(row))
            .map(Row::seen)
            .collect()
    }

    /// Forgets what is past its time, and says how much that was.
    pub(super) fn sweep(&mut self, now: DateTime<Utc>) -> usize {
        let before = self.rows.len() + self.revocations.len();
        self.rows.retain(|_, row| row.record.retain_until > now);
        self.revocations.retain(|_, until| *until > now);
        before - self.rows.len() - self.revocations.len()
    }
}

/// What a new login takes over.
fn last_of_each(all: &[Participant]) -> Vec<Participant> {
    let later = |n: usize, one: &Participant| {
        let later = all.iter().skip(n + 1);
        later.filter(|p| p.entity_id == one.entity_id).count()
    };
    let each = all.iter().enumerate();
    each.filter(|(n, one)| later(*n, one) < SessionSnapshot::CARRIED)
        .map(|(_, one)| one.clone())
        .collect()
}
