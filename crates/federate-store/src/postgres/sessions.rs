//! The session verbs.
//!
//! A change reads a session, applies the rule of `SessionSnapshot` and writes the outcome if
//! the row still has the revision that was read; otherwise it begins again. No lock is held
//! between the two.

use super::connection::{Connections, Locks};
use super::error::Failure;
use super::instant::day;
use super::partitions::Partitions;
use super::rows::{Session, State, WHAT};
use crate::codec::encode;
use chrono::{DateTime, Utc};
use federate_session::{
    AddParticipant, IndexKey, LifetimePolicy, LogoutKey, Participant, Rotation, SessionKey,
    SessionRecord, SessionSnapshot, SessionState, StoreError, Termination,
};
use tokio_postgres::error::SqlState;

/// How often a change is tried that meets other writers of the same session.
const ATTEMPTS: usize = 256;

const LOAD: &str = "\
SELECT s.day, s.revision, s.epoch, s.state, s.record, s.participants, r.value
FROM sessions s LEFT JOIN revocations r ON r.subject = s.subject AND r.epoch > s.epoch
WHERE s.key = $1 LIMIT 1";

const FIND: &str = "\
SELECT s.day, s.revision, s.epoch, s.state, s.record, s.participants, r.value
FROM session_index i
JOIN sessions s ON s.day = i.day AND s.key = i.key
LEFT JOIN revocations r ON r.subject = s.subject AND r.epoch > s.epoch
WHERE i.hash = substring(sha256($1) FROM 1 FOR 16)";

/// What only moves the last activity may be lost with the server: the session then ends
/// earlier. The setting is local to the statement's own transaction.
const TOUCH: &str = "\
UPDATE sessions SET state = $4, revision = revision + 1
WHERE day = $1 AND key = $2 AND revision = $3
RETURNING set_config('synchronous_commit', 'off', true)";

const PUT_STATE: &str = "\
UPDATE sessions SET state = $4, revision = revision + 1
WHERE day = $1 AND key = $2 AND revision = $3
RETURNING 1";

const PUT_PARTICIPANTS: &str = "\
WITH changed AS (
    UPDATE sessions SET participants = $4, revision = revision + 1
    WHERE day = $1 AND key = $2 AND revision = $3
    RETURNING 1
), indexed AS (
    INSERT INTO session_index (day, hash, key)
    SELECT $1, substring(sha256(entry) FROM 1 FOR 16), $2
    FROM changed, unnest($5::bytea[]) AS entry
)
SELECT 1 FROM changed";

const CLOSE: &str = "\
WITH changed AS (
    UPDATE sessions SET state = $4, revision = revision + 1
    WHERE day = $1 AND key = $2 AND revision = $3
    RETURNING 1
), unindexed AS (
    DELETE FROM session_index
    WHERE EXISTS (SELECT FROM changed) AND day = $1 AND key = $2
      AND hash IN (SELECT substring(sha256(entry) FROM 1 FOR 16)
                   FROM unnest($5::bytea[]) AS entry)
)
SELECT 1 FROM changed";

/// Gives a row for each session that was stored.
const CREATE: &str = "\
WITH made AS (
    INSERT INTO sessions (day, revision, epoch, key, subject, state, record, participants)
    SELECT $1, 1, coalesce((SELECT epoch FROM revocations WHERE subject = person), 0), $2,
           person, $5, $6, $7
    FROM (SELECT substring(sha256($4) FROM 1 FOR 16) AS person) AS hashed
    WHERE NOT EXISTS (SELECT FROM sessions WHERE key = $2)
      AND NOT EXISTS (SELECT FROM session_index
                      WHERE hash = substring(sha256($3) FROM 1 FOR 16))
    RETURNING 1
), indexed AS (
    INSERT INTO session_index (day, hash, key)
    SELECT $1, substring(sha256(entry) FROM 1 FOR 16), $2
    FROM made, unnest($8::bytea[]) AS entry
)
SELECT 1 FROM made";

/// Gives one row: whether key and id were free, and whether the old session was replaced. The
/// new one is stored only if it was.
const ROTATE: &str = "\
WITH free AS (
    SELECT substring(sha256($4) FROM 1 FOR 16) AS person
    WHERE NOT EXISTS (SELECT FROM sessions WHERE key = $2)
      AND NOT EXISTS (SELECT FROM session_index
                      WHERE hash = substring(sha256($3) FROM 1 FOR 16))
), replaced AS (
    UPDATE sessions SET state = $12, revision = revision + 1
    FROM free
    WHERE day = $9 AND key = $10 AND revision = $11
      AND NOT EXISTS (SELECT FROM revocations
                      WHERE revocations.subject = person
                        AND revocations.epoch > sessions.epoch)
    RETURNING person
), unindexed AS (
    DELETE FROM session_index
    WHERE EXISTS (SELECT FROM replaced) AND day = $9 AND key = $10
      AND hash IN (SELECT substring(sha256(entry) FROM 1 FOR 16)
                   FROM unnest($13::bytea[]) AS entry)
), made AS (
    INSERT INTO sessions (day, revision, epoch, key, subject, state, record, participants)
    SELECT $1, 1, coalesce((SELECT epoch FROM revocations WHERE subject = person), 0), $2,
           person, $5, $6, $7
    FROM replaced
), indexed AS (
    INSERT INTO session_index (day, hash, key)
    SELECT $1, substring(sha256(entry) FROM 1 FOR 16), $2
    FROM replaced, unnest($8::bytea[]) AS entry
)
SELECT EXISTS (SELECT FROM free), EXISTS (SELECT FROM replaced)";

type Result<T> = std::result::Result<T, StoreError>;

/// The name of the lock on everything that concerns one person.
pub(super) fn person_lock(subject: &IndexKey) -> String {
    let mut name = String::from("person ");
    for octet in subject.as_bytes() {
        name.push_str(&format!("{octet:02x}"));
    }
    name
}

/// A session with its applications, as the statement that read it saw it.
pub(super) async fn load(connections: &Connections, key: &SessionKey) -> Result<Option<Session>> {
    connections
        .query_opt(LOAD, &[&key.as_bytes().as_slice()])
        .await
        .map_err(|failure| failure.about(WHAT))?
        .map(|row| Session::read(&row))
        .transpose()
}

/// The open sessions under an index key that are meant.
pub(super) async fn find(
    connections: &Connections,
    index: &IndexKey,
    is_meant: impl Fn(&SessionSnapshot) -> bool,
) -> Result<Vec<SessionRecord>> {
    let rows = connections
        .query(FIND, &[&index.as_bytes()])
        .await
        .map_err(|failure| failure.about(WHAT))?;
    let mut found = Vec::new();
    for row in rows {
        let session = Session::read(&row)?.snapshot;
        if is_meant(&session) {
            found.push(session.record);
        }
    }
    Ok(found)
}

/// A session that is about to be stored, as parameters.
struct New {
    day: i32,
    key: [u8; 32],
    id: IndexKey,
    person: IndexKey,
    state: Vec<u8>,
    record: Vec<u8>,
    participants: Vec<u8>,
    index: Vec<IndexKey>,
}

impl New {
    fn of(session: &SessionSnapshot) -> Result<Self> {
        let record = &session.record;
        Ok(Self {
            day: day(record.retain_until),
            key: *record.key.as_bytes(),
            id: IndexKey::of_id(record.tenant(), &record.id),
            person: IndexKey::of_subject(&record.subject),
            state: encode(&State::of(record))?,
            record: encode(record)?,
            participants: encode(&session.participants)?,
            index: IndexKey::all(session),
        })
    }

    /// One at a time makes this key or this id; no revocation of the person comes between.
    fn locks(&self) -> Locks {
        let hex = |octets: &[u8]| {
            octets
                .iter()
                .map(|o| format!("{o:02x}"))
                .collect::<String>()
        };
        Locks::default()
            .alone(format!("key {}", hex(&self.key)))
            .alone(format!("id {}", hex(self.id.as_bytes())))
            .shared(person_lock(&self.person))
    }
}

fn octets(index: &[IndexKey]) -> Vec<&[u8]> {
    index.iter().map(IndexKey::as_bytes).collect()
}

pub(super) async fn create(
    connections: &Connections,
    partitions: &Partitions,
    session: &SessionSnapshot,
    now: DateTime<Utc>,
) -> Result<()> {
    let new = New::of(session)?;
    let (key, index) = (new.key.as_slice(), octets(&new.index));
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 8] = [
        &new.day,
        &key,
        &new.id.as_bytes(),
        &new.person.as_bytes(),
        &new.state,
        &new.record,
        &new.participants,
        &index,
    ];
    let rows = insert(connections, partitions, &new, CREATE, &params, now).await?;
    match rows.is_empty() {
        true => Err(StoreError::AlreadyExists { what: WHAT }),
        false => Ok(()),
    }
}

/// Runs a statement that stores a new session, and makes its partition if it is missing.
async fn insert(
    connections: &Connections,
    partitions: &Partitions,
    new: &New,
    sql: &str,
    params: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    now: DateTime<Utc>,
) -> Result<Vec<tokio_postgres::Row>> {
    let about = |failure: Failure| failure.about(WHAT);
    let locks = new.locks();
    partitions
        .ensure(connections, new.day, now)
        .await
        .map_err(about)?;
    match connections.query_locked(&locks, sql, params).await {
        // The server's word for a row that no partition takes.
        Err(failure) if failure.is(&SqlState::CHECK_VIOLATION) => {
            partitions.forget();
            partitions
                .ensure(connections, new.day, now)
                .await
                .map_err(about)?;
            connections
                .query_locked(&locks, sql, params)
                .await
                .map_err(about)
        }
        outcome => outcome.map_err(about),
    }
}

pub(super) async fn touch(
    connections: &Connections,
    key: &SessionKey,
    policy: &LifetimePolicy,
    now: DateTime<Utc>,
) -> Result<SessionState> {
    for _ in 0..ATTEMPTS {
        let Some(mut session) = load(connections, key).await? else {
            return Ok(SessionState::Unknown);
        };
        let before = session.snapshot.record.lifetime;
        if !session.snapshot.touch(policy, now) {
            return Ok(session.snapshot.state(now));
        }
        let record = &session.snapshot.record;
        let mut moved = before;
        moved.last_activity = record.lifetime.last_activity;
        // What ends a session or shortens its limits is never lost.
        let statement = match record.ended.is_none() && moved == record.lifetime {
            true => TOUCH,
            false => PUT_STATE,
        };
        if put_state(connections, &session, statement).await? {
            return Ok(session.snapshot.state(now));
        }
    }
    Err(StoreError::unavailable(Failure::Contention))
}

async fn put_state(connections: &Connections, session: &Session, statement: &str) -> Result<bool> {
    let record = &session.snapshot.record;
    let (key, state) = (
        record.key.as_bytes().as_slice(),
        encode(&State::of(record))?,
    );
    connections
        .query_opt(statement, &[&session.day, &key, &session.revision, &state])
        .await
        .map(|row| row.is_some())
        .map_err(|failure| failure.about(WHAT))
}

pub(super) async fn add_participant(
    connections: &Connections,
    key: &SessionKey,
    participant: &Participant,
    now: DateTime<Utc>,
) -> Result<AddParticipant> {
    for _ in 0..ATTEMPTS {
        let Some(mut session) = load(connections, key).await? else {
            return Ok(AddParticipant::Unknown);
        };
        let before = IndexKey::all(&session.snapshot);
        let outcome = session.snapshot.add_participant(participant.clone(), now)?;
        if outcome != AddParticipant::Added {
            return Ok(outcome);
        }
        let mut added = IndexKey::all(&session.snapshot);
        added.retain(|index| before.binary_search(index).is_err());
        let (key, index) = (key.as_bytes().as_slice(), octets(&added));
        let participants = encode(&session.snapshot.participants)?;
        let changed = connections
            .query_opt(
                PUT_PARTICIPANTS,
                &[&session.day, &key, &session.revision, &participants, &index],
            )
            .await
            .map_err(|failure| failure.about(WHAT))?;
        if changed.is_some() {
            return Ok(outcome);
        }
    }
    Err(StoreError::unavailable(Failure::Contention))
}

pub(super) async fn terminate(
    connections: &Connections,
    key: &SessionKey,
    by: LogoutKey,
    now: DateTime<Utc>,
) -> Result<Termination> {
    for _ in 0..ATTEMPTS {
        let Some(mut session) = load(connections, key).await? else {
            return Ok(Termination::Unknown);
        };
        let outcome = session.snapshot.terminate(by, now);
        let record = &session.snapshot.record;
        if !matches!(outcome, Termination::Ended(_)) || session.stored == State::of(record) {
            return Ok(outcome);
        }
        let all = IndexKey::all(&session.snapshot);
        let (key, index) = (key.as_bytes().as_slice(), octets(&all));
        let state = encode(&State::of(record))?;
        let closed = connections
            .query_opt(
                CLOSE,
                &[&session.day, &key, &session.revision, &state, &index],
            )
            .await
            .map_err(|failure| failure.about(WHAT))?;
        if closed.is_some() {
            return Ok(outcome);
        }
    }
    Err(StoreError::unavailable(Failure::Contention))
}

pub(super) async fn rotate(
    connections: &Connections,
    partitions: &Partitions,
    old: &SessionKey,
    record: SessionRecord,
    now: DateTime<Utc>,
) -> Result<Rotation> {
    let mut new = SessionSnapshot::new(record);
    for _ in 0..ATTEMPTS {
        let old = load(connections, old).await?;
        let Some(mut old) = old.filter(|old| old.snapshot.is_open()) else {
            new.participants.clear();
            create(connections, partitions, &new, now).await?;
            return Ok(Rotation::Rotated { carried: 0 });
        };
        if old.snapshot.record.subject != new.record.subject {
            return Ok(Rotation::OtherSubject);
        }
        let index = IndexKey::all(&old.snapshot);
        new.participants = old.snapshot.replace(now);
        if replace(connections, partitions, &old, &index, &new, now).await? {
            let carried = new.participants.len();
            return Ok(Rotation::Rotated { carried });
        }
    }
    Err(StoreError::unavailable(Failure::Contention))
}

/// Puts the new session in the place of the old one, unless that has changed.
async fn replace(
    connections: &Connections,
    partitions: &Partitions,
    old: &Session,
    old_index: &[IndexKey],
    session: &SessionSnapshot,
    now: DateTime<Utc>,
) -> Result<bool> {
    let new = New::of(session)?;
    let (key, index) = (new.key.as_slice(), octets(&new.index));
    let old_record = &old.snapshot.record;
    let (old_key, old_index) = (old_record.key.as_bytes().as_slice(), octets(old_index));
    let old_state = encode(&State::of(old_record))?;
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 13] = [
        &new.day,
        &key,
        &new.id.as_bytes(),
        &new.person.as_bytes(),
        &new.state,
        &new.record,
        &new.participants,
        &index,
        &old.day,
        &old_key,
        &old.revision,
        &old_state,
        &old_index,
    ];
    let rows = insert(connections, partitions, &new, ROTATE, &params, now).await?;
    let row = rows.first().ok_or(StoreError::Unavailable(None))?;
    let column = |column| {
        row.try_get::<_, bool>(column)
            .map_err(StoreError::unavailable)
    };
    let (free, replaced) = (column(0)?, column(1)?);
    match free {
        true => Ok(replaced),
        false => Err(StoreError::AlreadyExists { what: WHAT }),
    }
}
