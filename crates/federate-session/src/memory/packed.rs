//! A session in few octets.
//!
//! What a look at a session and an activity need lies open, in numbers of fixed size. The
//! rest is one run of octets, in this order (those that are as usual are left out):
//!
//! 1. the end that upstream set, in nanoseconds;
//! 2. why and when the session ended;
//! 3. an unusual lifetime, see [`Flags::LONG`];
//! 4. the record, with the words of [`Words`] by number;
//! 5. the applications, one after the other.

mod names;
mod octets;
mod provenance;

use super::index::Fingerprint;
use super::words::Words;
use crate::{
    EndReason, Ended, Lifetime, Limit, LogoutKey, Participant, Persistence, SessionId, SessionKey,
    SessionRecord, SessionSnapshot, Subject, Touch, UpstreamSession, UserId,
};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{Provenance, SessionIndex};
use names::{pack_name, unpack_name};
use octets::{Reader, Writer};
use provenance::{pack_provenance, unpack_provenance};

/// A session without its key.
pub(super) struct Packed {
    /// In nanoseconds since 1970, as the next.
    created: i64,
    last_activity: i64,
    /// From `created` to the absolute end, in seconds, as the next.
    absolute: u32,
    idle: u32,
    /// The person's.
    pub(super) person: Fingerprint,
    flags: u8,
    octets: Box<[u8]>,
}

/// The bits of `Packed::flags`.
struct Flags;

impl Flags {
    /// Upstream set an end.
    const CAPPED: u8 = 1;
    /// The session is marked as over.
    const ENDED: u8 = 2;
    /// The lifetime does not fit the open numbers (beyond the years 1677 to 2262, or limits
    /// of fractions of a second): it is in the octets, and the open numbers mean nothing.
    const LONG: u8 = 4;
    /// What upstream said has a provenance: it ends the record.
    const PROVENANCE: u8 = 8;
}

/// The bits of the octet before the record.
struct Parts;

impl Parts {
    const EPHEMERAL: u8 = 1;
    /// AuthnInstant is not the beginning of the session.
    const AUTHN_INSTANT: u8 = 2;
    /// The record is not kept until exactly the absolute end.
    const RETAIN_UNTIL: u8 = 4;
    const EPOCH: u8 = 8;
    const AUTHN_CONTEXT: u8 = 16;
    const UPSTREAM: u8 = 32;
    /// The upstream session is not of the subject's issuer.
    const OTHER_ISSUER: u8 = 64;
    const SESSION_INDEX: u8 = 128;
}

impl Packed {
    /// Packs a session. `person` is the fingerprint of its subject.
    pub(super) fn new(session: &SessionSnapshot, person: Fingerprint, words: &Words) -> Self {
        let record = &session.record;
        let mut to = Writer::default();
        let mut packed = Self {
            person,
            ..Self::open(&record.lifetime, &mut to)
        };
        if let Some(ended) = &record.ended {
            packed.flags |= Flags::ENDED;
            pack_ended(ended, &mut to);
        }
        if packed.flags & Flags::LONG != 0 {
            pack_lifetime(&record.lifetime, &mut to);
        }
        pack_record(record, words, &mut to);
        let upstream = record.upstream.as_ref();
        let provenance = upstream.map(|upstream| &upstream.provenance);
        if let Some(provenance) = provenance.filter(|p| **p != Provenance::default()) {
            packed.flags |= Flags::PROVENANCE;
            pack_provenance(provenance, &mut to);
        }
        for participant in &session.participants {
            pack_participant(participant, record, words, &mut to);
        }
        packed.octets = to.finish();
        packed
    }

    /// The open numbers of a lifetime, if they can hold it; the cap is written.
    fn open(lifetime: &Lifetime, to: &mut Writer) -> Self {
        let mut packed = Self {
            created: 0,
            last_activity: 0,
            absolute: 0,
            idle: 0,
            person: Fingerprint(0),
            flags: Flags::LONG,
            octets: Box::default(),
        };
        let absolute = lifetime
            .absolute_end
            .signed_duration_since(lifetime.created);
        let cap = lifetime.upstream_cap.map(nanoseconds);
        if let Some(created) = nanoseconds(lifetime.created)
            && let Some(last_activity) = nanoseconds(lifetime.last_activity)
            && let Some(absolute) = seconds(absolute)
            && let Some(idle) = seconds(lifetime.idle)
            && nanoseconds(lifetime.absolute_end).is_some()
            && cap != Some(None)
        {
            packed.created = created;
            packed.last_activity = last_activity;
            packed.absolute = absolute;
            packed.idle = idle;
            packed.flags = 0;
        }
        if packed.flags == 0
            && let Some(Some(cap)) = cap
        {
            packed.flags = Flags::CAPPED;
            to.octets(&cap.to_le_bytes());
        }
        packed
    }

    /// Whether it is marked as over.
    pub(super) const fn is_ended(&self) -> bool {
        self.flags & Flags::ENDED != 0
    }

    /// Why it is over at `now`, if it is; `None` for what cannot be read.
    pub(super) fn end_reason(&self, now: DateTime<Utc>) -> Option<Option<EndReason>> {
        let (lifetime, ended) = self.head()?.0;
        Some(match ended {
            Some(ended) => Some(ended.reason),
            None => lifetime.over_at(now).map(EndReason::Expired),
        })
    }

    /// What an activity does to it, unless it is marked as over.
    pub(super) fn lifetime(&self) -> Option<Lifetime> {
        Some(self.head()?.0.0)
    }

    /// Writes an activity down, if that is all that `touch` changes.
    pub(super) fn write(&mut self, touch: &Touch) -> bool {
        let Touch::Write(next) = touch else {
            return *touch == Touch::Recent;
        };
        let Some(former) = self.lifetime() else {
            return false;
        };
        let moved = Lifetime {
            last_activity: next.last_activity,
            ..former
        };
        match nanoseconds(next.last_activity) {
            Some(at) if self.flags & Flags::LONG == 0 && moved == *next => {
                self.last_activity = at;
                true
            }
            _ => false,
        }
    }

    /// The session; `None` for what cannot be read.
    pub(super) fn snapshot(&self, key: SessionKey, words: &Words) -> Option<SessionSnapshot> {
        let (record, mut from) = self.read(key, words)?;
        let mut participants = Vec::new();
        while !from.is_at_end() {
            participants.push(unpack_participant(&record, words, &mut from)?);
        }
        Some(SessionSnapshot {
            record,
            participants,
        })
    }

    /// The session without its applications; `None` for what cannot be read.
    pub(super) fn record(&self, key: SessionKey, words: &Words) -> Option<SessionRecord> {
        Some(self.read(key, words)?.0)
    }

    /// When it may be forgotten; `None` for what cannot be read.
    pub(super) fn retain_until(&self) -> Option<DateTime<Utc>> {
        let ((lifetime, _), mut from) = self.head()?;
        Some(Instants::unpack(&lifetime, &mut from)?.retain_until)
    }

    /// Lifetime and end, and what follows them.
    fn head(&self) -> Option<((Lifetime, Option<Ended>), Reader<'_>)> {
        let mut from = Reader(&self.octets);
        let is = |flag| self.flags & flag != 0;
        let mut upstream_cap = None;
        if is(Flags::CAPPED) {
            let nanoseconds = i64::from_le_bytes(from.array()?);
            upstream_cap = Some(DateTime::from_timestamp_nanos(nanoseconds));
        }
        let mut ended = None;
        if is(Flags::ENDED) {
            ended = Some(unpack_ended(&mut from)?);
        }
        let lifetime = if is(Flags::LONG) {
            unpack_lifetime(&mut from)?
        } else {
            let created = DateTime::from_timestamp_nanos(self.created);
            Lifetime {
                created,
                last_activity: DateTime::from_timestamp_nanos(self.last_activity),
                absolute_end: created + TimeDelta::seconds(i64::from(self.absolute)),
                idle: TimeDelta::seconds(i64::from(self.idle)),
                upstream_cap,
            }
        };
        Some(((lifetime, ended), from))
    }

    fn read(&self, key: SessionKey, words: &Words) -> Option<(SessionRecord, Reader<'_>)> {
        let ((lifetime, ended), mut from) = self.head()?;
        let from_there = &mut from;
        let instants = Instants::unpack(&lifetime, from_there)?;
        let is = |part| instants.parts & part != 0;
        let tenant = from_there.word(&words.tenants)?;
        let connection = from_there.word(&words.connections)?;
        let issuer = from_there.word(&words.entities)?;
        let id = SessionId::new(from_there.text()?).ok()?;
        let user = UserId::new(from_there.text()?).ok()?;
        let subject = Subject::new(tenant, connection, issuer, from_there.text()?).ok()?;
        let mut authn_context = None;
        if is(Parts::AUTHN_CONTEXT) {
            authn_context = Some(from_there.word(&words.contexts)?);
        }
        let mut upstream = None;
        if is(Parts::UPSTREAM) {
            let issuer = match is(Parts::OTHER_ISSUER) {
                true => from_there.word(&words.entities)?,
                false => subject.issuer.clone(),
            };
            let name_id = unpack_name(&issuer, &subject, words, from_there)?;
            let session_index = match is(Parts::SESSION_INDEX) {
                true => Some(SessionIndex::new(from_there.text()?).ok()?),
                false => None,
            };
            let provenance = match self.flags & Flags::PROVENANCE != 0 {
                true => unpack_provenance(from_there)?,
                false => Provenance::default(),
            };
            upstream = Some(UpstreamSession {
                issuer,
                name_id,
                session_index,
                provenance,
            });
        }
        let record = SessionRecord {
            key,
            id,
            subject,
            user,
            persistence: match is(Parts::EPHEMERAL) {
                true => Persistence::Ephemeral,
                false => Persistence::Persistent,
            },
            authn_instant: instants.authn_instant,
            authn_context,
            upstream,
            lifetime,
            retain_until: instants.retain_until,
            ended,
            epoch: instants.epoch,
        };
        Some((record, from))
    }
}

/// What stands at the beginning of the record.
struct Instants {
    parts: u8,
    authn_instant: DateTime<Utc>,
    retain_until: DateTime<Utc>,
    epoch: u64,
}

impl Instants {
    fn unpack(lifetime: &Lifetime, from: &mut Reader<'_>) -> Option<Self> {
        let base = lifetime.created.timestamp();
        let parts = from.byte()?;
        let mut instants = Self {
            parts,
            authn_instant: lifetime.created,
            retain_until: lifetime.absolute_end,
            epoch: 0,
        };
        if parts & Parts::AUTHN_INSTANT != 0 {
            instants.authn_instant = from.instant(base)?;
        }
        if parts & Parts::RETAIN_UNTIL != 0 {
            instants.retain_until = from.instant(base)?;
        }
        if parts & Parts::EPOCH != 0 {
            instants.epoch = from.number()?;
        }
        Some(instants)
    }
}

/// Since 1970, if that is the whole truth about this instant: not in a leap second.
fn nanoseconds(at: DateTime<Utc>) -> Option<i64> {
    (at.timestamp_subsec_nanos() < 1_000_000_000)
        .then(|| at.timestamp_nanos_opt())
        .flatten()
}

/// The seconds of a duration that has nothing else.
fn seconds(delta: TimeDelta) -> Option<u32> {
    let seconds = delta.num_seconds();
    let is_whole = delta == TimeDelta::try_seconds(seconds)?;
    is_whole.then(|| u32::try_from(seconds).ok()).flatten()
}

fn pack_ended(ended: &Ended, to: &mut Writer) {
    match ended.reason {
        EndReason::Expired(Limit::Absolute) => to.byte(0),
        EndReason::Expired(Limit::Idle) => to.byte(1),
        EndReason::Expired(Limit::Upstream) => to.byte(2),
        EndReason::Replaced => to.byte(3),
        EndReason::LoggedOut { by } => {
            to.byte(4);
            to.octets(by.as_bytes());
        }
    }
    to.instant(ended.at, 0);
}

fn unpack_ended(from: &mut Reader<'_>) -> Option<Ended> {
    let reason = match from.byte()? {
        0 => EndReason::Expired(Limit::Absolute),
        1 => EndReason::Expired(Limit::Idle),
        2 => EndReason::Expired(Limit::Upstream),
        3 => EndReason::Replaced,
        4 => EndReason::LoggedOut {
            by: LogoutKey::new(from.array()?),
        },
        _ => return None,
    };
    let at = from.instant(0)?;
    Some(Ended { reason, at })
}

fn pack_lifetime(lifetime: &Lifetime, to: &mut Writer) {
    for at in [
        lifetime.created,
        lifetime.last_activity,
        lifetime.absolute_end,
    ] {
        to.instant(at, 0);
    }
    to.delta(lifetime.idle);
    to.byte(u8::from(lifetime.upstream_cap.is_some()));
    if let Some(cap) = lifetime.upstream_cap {
        to.instant(cap, 0);
    }
}

fn unpack_lifetime(from: &mut Reader<'_>) -> Option<Lifetime> {
    Some(Lifetime {
        created: from.instant(0)?,
        last_activity: from.instant(0)?,
        absolute_end: from.instant(0)?,
        idle: from.delta()?,
        upstream_cap: match from.byte()? {
            0 => None,
            _ => Some(from.instant(0)?),
        },
    })
}

/// Which parts a record has.
fn parts(record: &SessionRecord) -> u8 {
    let lifetime = &record.lifetime;
    let upstream = record.upstream.as_ref();
    let has = [
        (
            Parts::EPHEMERAL,
            record.persistence == Persistence::Ephemeral,
        ),
        (
            Parts::AUTHN_INSTANT,
            record.authn_instant != lifetime.created,
        ),
        (
            Parts::RETAIN_UNTIL,
            record.retain_until != lifetime.absolute_end,
        ),
        (Parts::EPOCH, record.epoch != 0),
        (Parts::AUTHN_CONTEXT, record.authn_context.is_some()),
        (Parts::UPSTREAM, upstream.is_some()),
        (
            Parts::OTHER_ISSUER,
            upstream.is_some_and(|up| up.issuer != record.subject.issuer),
        ),
        (
            Parts::SESSION_INDEX,
            upstream.is_some_and(|up| up.session_index.is_some()),
        ),
    ];
    let parts = has.into_iter().filter(|(_, has)| *has);
    parts.fold(0, |parts, (part, _)| parts | part)
}

fn pack_record(record: &SessionRecord, words: &Words, to: &mut Writer) {
    let parts = parts(record);
    to.byte(parts);
    let base = record.lifetime.created.timestamp();
    if parts & Parts::AUTHN_INSTANT != 0 {
        to.instant(record.authn_instant, base);
    }
    if parts & Parts::RETAIN_UNTIL != 0 {
        to.instant(record.retain_until, base);
    }
    if parts & Parts::EPOCH != 0 {
        to.number(record.epoch);
    }
    let subject = &record.subject;
    let issuer = &subject.issuer;
    let tenant = words.tenants.number_or_add(&subject.tenant);
    to.word(&subject.tenant, tenant);
    let connection = words.connections.number_or_add(&subject.connection);
    to.word(&subject.connection, connection);
    to.word(issuer, words.entities.number_or_add(issuer));
    to.text(record.id.as_str());
    to.text(record.user.as_str());
    to.text(subject.subject());
    if let Some(context) = &record.authn_context {
        to.word(context, words.contexts.number_or_add(context));
    }
    if let Some(upstream) = &record.upstream {
        if upstream.issuer != *issuer {
            let number = words.entities.number_or_add(&upstream.issuer);
            to.word(&upstream.issuer, number);
        }
        // Its words are the upstream's choice: they are not learnt.
        pack_name(
            &upstream.name_id,
            &upstream.issuer,
            subject,
            words,
            false,
            to,
        );
        if let Some(index) = &upstream.session_index {
            to.text(index.as_str());
        }
    }
}

fn pack_participant(one: &Participant, record: &SessionRecord, words: &Words, to: &mut Writer) {
    let application = &one.entity_id;
    to.word(application, words.entities.number_or_add(application));
    pack_name(&one.name_id, application, &record.subject, words, true, to);
    to.text(one.session_index.as_str());
    to.word(&one.acs, words.addresses.number_or_add(&one.acs));
    to.instant(one.added_at, record.lifetime.created.timestamp());
}

fn unpack_participant(
    record: &SessionRecord,
    words: &Words,
    from: &mut Reader<'_>,
) -> Option<Participant> {
    let entity_id = from.word(&words.entities)?;
    let name_id = unpack_name(&entity_id, &record.subject, words, from)?;
    Some(Participant {
        entity_id,
        name_id,
        session_index: SessionIndex::new(from.text()?).ok()?,
        acs: from.word(&words.addresses)?,
        added_at: from.instant(record.lifetime.created.timestamp())?,
    })
}

#[cfg(test)]
mod tests;
