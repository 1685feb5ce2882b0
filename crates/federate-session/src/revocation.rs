use crate::{LifetimePolicy, LogoutKey};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// That all sessions which a person had at one moment are over: for the authors of backends.
///
/// Each revocation of a person has a higher number than the one before. A session is stored with
/// the last number at its beginning ([`crate::SessionRecord::epoch`]), and is over once there is a
/// higher one: ending any number of sessions is one write.
///
/// ```
/// use chrono::{TimeZone as _, Utc};
/// use federate_session::{LogoutKey, Revocation};
///
/// let now = Utc.with_ymd_and_hms(2026, 1, 1, 8, 0, 0).unwrap();
/// let first = Revocation::next(None, LogoutKey::new([1; 32]), now);
/// let second = Revocation::next(Some(&first), LogoutKey::new([2; 32]), now);
/// assert_eq!(second.epoch, first.epoch + 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Its number: milliseconds since 1970, or one more than the last one's where that is later.
    /// So it is higher than that of any session, even when earlier revocations are forgotten.
    pub epoch: u64,
    /// The last logout that did.
    pub by: LogoutKey,
    /// When it did.
    #[serde(with = "crate::instant")]
    pub at: DateTime<Utc>,
}

impl Revocation {
    /// What takes the place of the person's last revocation.
    #[must_use]
    pub fn next(last: Option<&Self>, by: LogoutKey, now: DateTime<Utc>) -> Self {
        Self {
            epoch: Self::epoch(last)
                .saturating_add(1)
                .max(u64::try_from(now.timestamp_millis()).unwrap_or(0)),
            by,
            at: now,
        }
    }

    /// When a store may forget it: when the last session before it is over for certain.
    #[must_use]
    pub fn retain_until(&self) -> DateTime<Utc> {
        self.at
            .checked_add_signed(LifetimePolicy::MAX)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The number for a session that begins after this revocation.
    #[must_use]
    pub fn epoch(last: Option<&Self>) -> u64 {
        last.map_or(0, |revocation| revocation.epoch)
    }
}
