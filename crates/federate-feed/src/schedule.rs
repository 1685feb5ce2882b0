//! When a source is read again.

use chrono::{DateTime, TimeDelta, Utc};

/// How often a source is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Not more often than this, whatever the document says; also the first wait after a
    /// failure, which doubles with each further one.
    pub at_least: TimeDelta,
    /// Not less often than this, whatever the document says; also where it says nothing.
    pub at_most: TimeDelta,
    /// The longest wait after failures.
    pub retry_at_most: TimeDelta,
}

impl Default for RefreshPolicy {
    /// Between 5 minutes and a day; after failures, an hour at most.
    fn default() -> Self {
        Self {
            at_least: TimeDelta::minutes(5),
            at_most: TimeDelta::days(1),
            retry_at_most: TimeDelta::hours(1),
        }
    }
}

/// When one source is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    policy: RefreshPolicy,
    next: Option<DateTime<Utc>>,
    failures: u32,
    last_success: Option<DateTime<Utc>>,
}

impl Schedule {
    /// A source that was never read: it is due.
    #[must_use]
    pub const fn new(policy: RefreshPolicy) -> Self {
        Self {
            policy,
            next: None,
            failures: 0,
            last_success: None,
        }
    }

    /// When it is due; `None` means at once.
    #[must_use]
    pub const fn next(&self) -> Option<DateTime<Utc>> {
        self.next
    }

    /// Whether it is due. A clock that was set back makes nothing due earlier than a whole
    /// interval from now.
    #[must_use]
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.next.is_none_or(|next| {
            now >= next || next - now > self.policy.at_most.max(self.policy.retry_at_most)
        })
    }

    /// How often it failed since it was last read.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// When it was last read.
    #[must_use]
    pub const fn last_success(&self) -> Option<DateTime<Utc>> {
        self.last_success
    }

    /// It was read, or is as it was: the next time is when its `cacheDuration` has passed
    /// (`[SAMLMeta] 2.3.1`), and well before its `validUntil`, within the policy's bounds.
    ///
    /// `jitter` is any number; of two sources with different ones, one is read a little earlier,
    /// so that a thousand services do not all ask at once.
    pub fn succeeded(
        &mut self,
        now: DateTime<Utc>,
        cache_duration: Option<TimeDelta>,
        valid_until: Option<DateTime<Utc>>,
        jitter: u64,
    ) {
        let mut wait = cache_duration.unwrap_or(self.policy.at_most);
        if let Some(until) = valid_until {
            wait = wait.min((until - now) / 2);
        }
        self.failures = 0;
        self.last_success = Some(now);
        self.wait(now, wait.min(self.policy.at_most), jitter);
    }

    /// It could not be read.
    pub fn failed(&mut self, now: DateTime<Utc>, jitter: u64) {
        let doubled = 1_i32.checked_shl(self.failures.min(20)).unwrap_or(i32::MAX);
        let wait = self.policy.at_least.checked_mul(doubled);
        let wait = wait.unwrap_or(self.policy.retry_at_most);
        self.failures = self.failures.saturating_add(1);
        self.wait(now, wait.min(self.policy.retry_at_most), jitter);
    }

    /// Up to a tenth less than this, and not less than the policy's least.
    fn wait(&mut self, now: DateTime<Utc>, wait: TimeDelta, jitter: u64) {
        let less = wait / 1000 * i32::try_from(jitter % 100).unwrap_or(0);
        let wait = (wait - less).max(self.policy.at_least);
        self.next = now.checked_add_signed(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const NOON: &str = "2026-11-21T12:00:00Z";

    fn after(cache: Option<TimeDelta>, until: Option<&str>, jitter: u64) -> TimeDelta {
        let mut schedule = Schedule::new(RefreshPolicy::default());
        assert!(schedule.is_due(at(NOON)));
        schedule.succeeded(at(NOON), cache, until.map(at), jitter);
        schedule.next().unwrap() - at(NOON)
    }

    #[test]
    fn a234_documents_cannot_ask_for_too_much_or_too_little() {
        let hour = TimeDelta::hours(1);
        assert_eq!(after(Some(hour), None, 0), hour);
        assert_eq!(after(None, None, 0), TimeDelta::days(1));
        for little in [TimeDelta::zero(), TimeDelta::seconds(-5), TimeDelta::MIN] {
            assert_eq!(after(Some(little), None, 0), TimeDelta::minutes(5));
        }
        for much in [TimeDelta::days(366), TimeDelta::MAX] {
            assert_eq!(after(Some(much), None, 0), TimeDelta::days(1));
        }
        // Half of what is left, so that there is time for another try.
        assert_eq!(after(None, Some("2026-11-21T16:00:00Z"), 0), hour * 2);
        assert_eq!(
            after(None, Some("2026-11-21T12:00:01Z"), 0),
            TimeDelta::minutes(5)
        );
        assert_eq!(
            after(None, Some("2020-01-01T00:00:00Z"), 0),
            TimeDelta::minutes(5)
        );
    }

    #[test]
    fn sources_are_not_all_read_at_once() {
        let day = TimeDelta::days(1);
        let waits: Vec<TimeDelta> = (0..200).map(|jitter| after(None, None, jitter)).collect();
        assert!(
            waits
                .iter()
                .all(|wait| *wait <= day && *wait > day * 9 / 10)
        );
        assert!(waits.iter().min() < waits.iter().max());
    }

    #[test]
    fn failures_wait_longer_and_longer_up_to_a_bound() {
        let mut schedule = Schedule::new(RefreshPolicy::default());
        let mut waits = Vec::new();
        for _ in 0..40 {
            schedule.failed(at(NOON), 0);
            waits.push((schedule.next().unwrap() - at(NOON)).num_minutes());
        }
        assert_eq!(waits[..6], [5, 10, 20, 40, 60, 60]);
        assert_eq!(waits[39], 60);
        assert_eq!(schedule.failures(), 40);
        schedule.succeeded(at(NOON), None, None, 0);
        assert_eq!(
            (schedule.failures(), schedule.last_success()),
            (0, Some(at(NOON)))
        );
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_refreshing() {
        let mut schedule = Schedule::new(RefreshPolicy::default());
        schedule.succeeded(at(NOON), None, None, 0);
        assert!(!schedule.is_due(at(NOON)));
        assert!(schedule.is_due(at("2026-11-22T12:00:00Z")));
        assert!(schedule.is_due(at("2020-01-01T00:00:00Z")));
    }
}
