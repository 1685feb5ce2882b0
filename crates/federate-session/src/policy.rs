use crate::error::{InvalidPolicy, Limit};
use crate::record::Persistence;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How long sessions last: at most `absolute`, and at most `idle` without activity.
///
/// Defaults: 7 days and 3 days. An activity is written down only when the last one on record
/// is older than `touch_granularity` (default 1 h), so an idle session may end that much
/// early, never late.
///
/// Sessions that end with the browser have limits of their own, which
/// [`with_ephemeral`](Self::with_ephemeral) sets: by default the shorter of the usual ones and
/// 24 h, as a browser that restores its cookies never ends.
///
/// ```
/// use chrono::TimeDelta;
/// use federate_session::LifetimePolicy;
///
/// let policy = LifetimePolicy::default();
/// assert_eq!(policy.absolute(), TimeDelta::days(7));
/// assert_eq!(policy.idle(), TimeDelta::days(3));
/// assert!(LifetimePolicy::new(TimeDelta::hours(8), TimeDelta::hours(9)).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LifetimePolicy {
    absolute: TimeDelta,
    idle: TimeDelta,
    touch_granularity: TimeDelta,
    ephemeral: Limits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    absolute: TimeDelta,
    idle: TimeDelta,
}

impl Limits {
    /// Of sessions that end with the browser, unless they are set.
    fn ephemeral(absolute: TimeDelta, idle: TimeDelta) -> Self {
        Self {
            absolute: absolute.min(TimeDelta::hours(24)),
            idle: idle.min(TimeDelta::hours(24)),
        }
    }
}

impl LifetimePolicy {
    /// The longest `absolute` accepted.
    pub const MAX: TimeDelta = TimeDelta::days(3660);

    const DEFAULT_GRANULARITY: TimeDelta = TimeDelta::hours(1);

    /// Checks the two limits. The granularity becomes 1 h, or less for a short idle limit.
    ///
    /// # Errors
    /// [`InvalidPolicy`] unless `0 < idle <= absolute <= LifetimePolicy::MAX`.
    pub fn new(absolute: TimeDelta, idle: TimeDelta) -> Result<Self, InvalidPolicy> {
        check(absolute, idle)?;
        Ok(Self {
            absolute,
            idle,
            touch_granularity: finest(Self::DEFAULT_GRANULARITY, idle),
            ephemeral: Limits::ephemeral(absolute, idle),
        })
    }

    /// The same limits with others for sessions that end with the browser.
    ///
    /// # Errors
    /// [`InvalidPolicy`] unless `0 < idle <= absolute <= LifetimePolicy::MAX`.
    pub fn with_ephemeral(
        self,
        absolute: TimeDelta,
        idle: TimeDelta,
    ) -> Result<Self, InvalidPolicy> {
        check(absolute, idle)?;
        Ok(Self {
            ephemeral: Limits { absolute, idle },
            ..self
        })
    }

    /// The limits that apply to sessions of this kind, as the usual ones.
    #[must_use]
    pub fn of(&self, persistence: Persistence) -> Self {
        let Limits { absolute, idle } = match persistence {
            Persistence::Persistent => return *self,
            Persistence::Ephemeral => self.ephemeral,
        };
        Self {
            absolute,
            idle,
            touch_granularity: finest(self.touch_granularity, idle),
            ephemeral: self.ephemeral,
        }
    }

    /// The same limits with another granularity; zero writes every activity.
    ///
    /// # Errors
    /// [`InvalidPolicy::Granularity`] unless `0 <= granularity <= idle / 2`: a coarser one
    /// would end the sessions of active users.
    pub fn with_touch_granularity(self, granularity: TimeDelta) -> Result<Self, InvalidPolicy> {
        if granularity < TimeDelta::zero() || granularity > self.idle / 2 {
            return Err(InvalidPolicy::Granularity);
        }
        Ok(Self {
            touch_granularity: granularity,
            ..self
        })
    }

    /// The longest a session lasts, however active its user is.
    #[must_use]
    pub const fn absolute(&self) -> TimeDelta {
        self.absolute
    }

    /// The longest a session lasts without activity.
    #[must_use]
    pub const fn idle(&self) -> TimeDelta {
        self.idle
    }

    /// How old the last activity on record must be before a new one is written.
    #[must_use]
    pub const fn touch_granularity(&self) -> TimeDelta {
        self.touch_granularity
    }
}

impl Default for LifetimePolicy {
    fn default() -> Self {
        let (absolute, idle) = (TimeDelta::days(7), TimeDelta::days(3));
        Self {
            absolute,
            idle,
            touch_granularity: Self::DEFAULT_GRANULARITY,
            ephemeral: Limits::ephemeral(absolute, idle),
        }
    }
}

fn check(absolute: TimeDelta, idle: TimeDelta) -> Result<(), InvalidPolicy> {
    if absolute <= TimeDelta::zero() || absolute > LifetimePolicy::MAX {
        return Err(InvalidPolicy::Absolute);
    }
    if idle <= TimeDelta::zero() || idle > absolute {
        return Err(InvalidPolicy::Idle);
    }
    Ok(())
}

/// A granularity that an idle limit of this length can bear.
fn finest(granularity: TimeDelta, idle: TimeDelta) -> TimeDelta {
    granularity.min(idle / 24)
}

/// The instants that decide when one session is over.
///
/// `expires = min(created + absolute, last_activity + idle, upstream cap)`; over when
/// `now >= expires`, as `[SAMLCore] 2.7.2` says of SessionNotOnOrAfter. The limits are those in
/// force for this session: a policy that was lengthened since does not reach it.
///
/// ```
/// use chrono::{TimeDelta, TimeZone as _, Utc};
/// use federate_session::{Lifetime, LifetimePolicy, Limit};
///
/// let start = Utc.with_ymd_and_hms(2026, 1, 1, 8, 0, 0).unwrap();
/// let lifetime = Lifetime::open(&LifetimePolicy::default(), start, None);
/// assert_eq!(lifetime.expires(), start + TimeDelta::days(3));
/// assert_eq!(lifetime.over_at(start + TimeDelta::days(3)), Some(Limit::Idle));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetime {
    /// When the user signed in.
    #[serde(with = "crate::instant")]
    pub created: DateTime<Utc>,
    /// The last activity on record, at most the touch granularity behind the real one.
    #[serde(with = "crate::instant")]
    pub last_activity: DateTime<Utc>,
    /// The end that no activity moves: what SessionNotOnOrAfter tells applications.
    #[serde(with = "crate::instant")]
    pub absolute_end: DateTime<Utc>,
    /// The idle limit in force.
    #[serde(with = "crate::instant::delta")]
    pub idle: TimeDelta,
    /// The end that the upstream identity provider set (`[SAMLCore] 2.7.2`), if any.
    #[serde(with = "crate::instant::option")]
    pub upstream_cap: Option<DateTime<Utc>>,
}

/// What an activity does to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Touch {
    /// The session is over, by this limit.
    Over(Limit),
    /// The session goes on, and the record is recent enough: nothing to write.
    Recent,
    /// The session goes on, and this replaces its lifetime on record.
    Write(Lifetime),
}

impl Lifetime {
    /// The lifetime of a session that begins now.
    #[must_use]
    pub fn open(
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
        upstream_cap: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            created: now,
            last_activity: now,
            absolute_end: later(now, policy.absolute),
            idle: policy.idle,
            upstream_cap,
        }
    }

    /// The instant at which the session is over unless there is activity before.
    #[must_use]
    pub fn expires(&self) -> DateTime<Utc> {
        self.end().0
    }

    /// The latest that this session can last, however active its user is.
    ///
    /// This is what an assertion states as SessionNotOnOrAfter (`[SAMLCore] 2.7.2`).
    #[must_use]
    pub fn not_on_or_after(&self) -> DateTime<Utc> {
        self.upstream_cap
            .map_or(self.absolute_end, |cap| cap.min(self.absolute_end))
    }

    /// The limit that has ended the session at `now`, if one has.
    #[must_use]
    pub fn over_at(&self, now: DateTime<Utc>) -> Option<Limit> {
        let (end, limit) = self.end();
        // At the limit itself the session is over.
        (now >= end).then_some(limit)
    }

    /// Decides what an activity at `now` does.
    ///
    /// A limit that the policy shortened since applies from this activity on, and already to
    /// it; a limit that it lengthened does not. A clock that went backwards changes nothing.
    pub fn touch(&self, policy: &LifetimePolicy, now: DateTime<Utc>) -> Touch {
        let in_force = Self {
            absolute_end: self.absolute_end.min(later(self.created, policy.absolute)),
            idle: self.idle.min(policy.idle),
            ..*self
        };
        if let Some(limit) = in_force.over_at(now) {
            return Touch::Over(limit);
        }
        // A session from the days of a short idle limit needs its touches more often.
        let granularity = match policy.touch_granularity <= in_force.idle / 2 {
            true => policy.touch_granularity,
            false => finest(policy.touch_granularity, in_force.idle),
        };
        let age = now.signed_duration_since(self.last_activity);
        if age > TimeDelta::zero() && age >= granularity {
            return Touch::Write(Self {
                last_activity: now,
                ..in_force
            });
        }
        if in_force == *self {
            Touch::Recent
        } else {
            Touch::Write(in_force)
        }
    }

    /// The earliest limit, with the end it sets.
    fn end(&self) -> (DateTime<Utc>, Limit) {
        let mut end = (self.absolute_end, Limit::Absolute);
        if let Some(cap) = self.upstream_cap.filter(|cap| *cap < end.0) {
            end = (cap, Limit::Upstream);
        }
        let idle_end = later(self.last_activity, self.idle);
        if idle_end < end.0 {
            end = (idle_end, Limit::Idle);
        }
        end
    }
}

/// Addition that stops at the end of the calendar.
fn later(instant: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    instant
        .checked_add_signed(by)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests;
