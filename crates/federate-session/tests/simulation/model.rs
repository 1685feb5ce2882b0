//! What a session should be, by the rules and its exact last activity alone.

use crate::MS;
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use std::collections::BTreeSet;

/// One session.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) key: SessionKey,
    created: DateTime<Utc>,
    absolute: TimeDelta,
    idle: TimeDelta,
    cap: Option<DateTime<Utc>>,
    /// To the nanosecond, as the store need not know it.
    last_activity: DateTime<Utc>,
    /// How far the store may be behind.
    granularity: TimeDelta,
    /// The finest granularity that there ever was.
    finest: TimeDelta,
    /// When the record says that it is over.
    pub(crate) expires: DateTime<Utc>,
    pub(crate) applications: BTreeSet<i64>,
    pub(crate) written: i64,
    retain_until: DateTime<Utc>,
}

/// What must be true at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Alive,
    Over,
}

impl Model {
    pub(crate) fn new(record: &SessionRecord, policy: &LifetimePolicy, now: DateTime<Utc>) -> Self {
        Self {
            key: record.key,
            created: now,
            absolute: policy.absolute(),
            idle: policy.idle(),
            cap: record.lifetime.upstream_cap,
            last_activity: now,
            granularity: TimeDelta::zero(),
            finest: policy.touch_granularity(),
            expires: record.lifetime.expires(),
            applications: BTreeSet::new(),
            written: 0,
            retain_until: record.retain_until,
        }
    }

    /// The limits that apply at an activity under this policy: shorter ones do.
    pub(crate) fn in_force(&mut self, policy: &LifetimePolicy) {
        self.absolute = self.absolute.min(policy.absolute());
        self.idle = self.idle.min(policy.idle());
    }

    pub(crate) fn activity(&mut self, policy: &LifetimePolicy, now: DateTime<Utc>) {
        self.in_force(policy);
        self.last_activity = self.last_activity.max(now);
        self.granularity = policy.touch_granularity();
        // The store touches more often than the policy says where the idle limit is short.
        let finest = policy.touch_granularity().min(self.idle / 24);
        self.finest = self.finest.min(finest);
    }

    /// Whether the store may have forgotten it, by a clock that was up to this far ahead.
    pub(crate) fn is_forgotten(&self, now: DateTime<Utc>, ahead: TimeDelta) -> bool {
        now + ahead >= self.retain_until
    }

    /// The end that no activity moves.
    fn hard_end(&self) -> DateTime<Utc> {
        let absolute = self.created + self.absolute;
        self.cap.map_or(absolute, |cap| cap.min(absolute))
    }

    /// From here on it is over.
    fn latest_end(&self) -> DateTime<Utc> {
        self.hard_end().min(self.last_activity + self.idle)
    }

    /// Before this it is not over: the granularity may take the rest of the idle limit.
    fn earliest_end(&self) -> DateTime<Utc> {
        let idle_end = self.last_activity + self.idle - self.granularity;
        self.hard_end().min(idle_end)
    }

    /// Both sides of each limit.
    pub(crate) fn edges(&self) -> [(DateTime<Utc>, Verdict); 7] {
        use Verdict::{Alive, Over};
        [
            (self.earliest_end() - MS, Alive),
            (self.expires - MS, Alive),
            (self.expires, Over),
            (self.latest_end(), Over),
            (self.latest_end() + MS, Over),
            (self.hard_end(), Over),
            (self.created + self.absolute, Over),
        ]
    }

    /// Checks what the store says at `now`: alive, or why not.
    pub(crate) fn may_be(&self, over: Option<EndReason>, now: DateTime<Utc>) {
        match over {
            None => assert!(now < self.latest_end(), "alive at {now}: {self:?}"),
            Some(EndReason::Expired(limit)) => {
                assert!(now >= self.earliest_end(), "over at {now}: {self:?}");
                match limit {
                    Limit::Absolute => assert!(now >= self.created + self.absolute),
                    Limit::Upstream => assert!(self.cap.is_some_and(|cap| now >= cap)),
                    Limit::Idle => {
                        let idle_for = now - self.last_activity;
                        assert!(idle_for >= self.idle - self.granularity, "{self:?}");
                    }
                }
            }
            Some(other) => panic!("{other:?} at {now}: {self:?}"),
        }
    }

    /// At most one write in a granularity, and one for each change of the policy.
    pub(crate) fn check_writes(&self, changes: i64) {
        let lasted = (self.last_activity - self.created).num_milliseconds();
        let most = lasted / self.finest.num_milliseconds().max(1) + changes;
        assert!(self.written <= most, "more than {most} writes: {self:?}");
    }
}
