//! A row of a session, and what it means.

use crate::codec::decode;
use federate_session::{
    Ended, Lifetime, Participant, Revocation, SessionRecord, SessionSnapshot, StoreError,
};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;

pub(super) const WHAT: &str = "session";

/// The part of a session that touches and ends write. The record, as it was when the session
/// began, is never written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    lifetime: Lifetime,
    ended: Option<Ended>,
}

impl State {
    pub(super) fn of(record: &SessionRecord) -> Self {
        Self {
            lifetime: record.lifetime,
            ended: record.ended,
        }
    }
}

/// A session with its applications, and where it stands.
pub(super) struct Session {
    pub(super) day: i32,
    pub(super) revision: i64,
    /// As it is stored, revocations left aside.
    pub(super) stored: State,
    pub(super) snapshot: SessionSnapshot,
}

impl Session {
    /// Reads day, revision, epoch, state, record, participants and the value of a later
    /// revocation, in this order.
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        let octets = |column| {
            row.try_get::<_, &[u8]>(column)
                .map_err(StoreError::unavailable)
        };
        let epoch: i64 = row.try_get(2).map_err(StoreError::unavailable)?;
        let stored: State = decode(WHAT, octets(3)?)?;
        let mut record: SessionRecord = decode(WHAT, octets(4)?)?;
        let participants: Vec<Participant> = decode(WHAT, octets(5)?)?;
        let revocation = row
            .try_get::<_, Option<&[u8]>>(6)
            .map_err(StoreError::unavailable)?
            .map(|octets| decode::<Revocation>("revocation", octets))
            .transpose()?;
        record.lifetime = stored.lifetime;
        record.ended = stored.ended;
        record.epoch = epoch.cast_unsigned();
        let mut snapshot = SessionSnapshot {
            record,
            participants,
        };
        snapshot.revoke(revocation.as_ref());
        Ok(Self {
            day: row.try_get(0).map_err(StoreError::unavailable)?,
            revision: row.try_get(1).map_err(StoreError::unavailable)?,
            stored,
            snapshot,
        })
    }
}
