use chrono::{DateTime, TimeDelta, Utc};
use federate_types::EntityId;
use std::collections::HashMap;

/// How many LogoutRequests one peer may bring.
///
/// Each costs the sessions' lookup, a stored logout, and a message to every application of the
/// sessions. What is refused ends no session, so the limit is far above what people do, and only
/// bounds what one peer that has gone mad can make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimit {
    /// How many per second, in the long run; at least 1. 100 by default.
    pub per_second: u32,
    /// How many at once; at least 1. 10,000 by default.
    pub burst: u32,
}

impl Default for RequestLimit {
    fn default() -> Self {
        Self {
            per_second: 100,
            burst: 10_000,
        }
    }
}

/// Counts the LogoutRequests of peers against a limit, in the memory of one node.
///
/// Count a request when its signature has been verified and it is known not to have been here
/// before: neither forging nor repeating uses up what is another's.
#[derive(Debug, Clone, Default)]
pub struct RequestCounter {
    limit: RequestLimit,
    /// When each peer has all of its requests again; peers that have them are not remembered
    /// for long.
    full_at: HashMap<EntityId, DateTime<Utc>>,
}

impl RequestCounter {
    /// When more peers than this are remembered, those that have all of their requests again are
    /// forgotten.
    const MANY: usize = 1024;

    /// A counter for this limit.
    #[must_use]
    pub fn new(limit: RequestLimit) -> Self {
        Self {
            limit,
            full_at: HashMap::new(),
        }
    }

    /// Counts a request of this peer; `false` when it is one too many, which does not count.
    #[must_use]
    pub fn admits(&mut self, peer: &EntityId, now: DateTime<Utc>) -> bool {
        let interval = 1_000_000_000 / i64::from(self.limit.per_second.max(1));
        let interval = TimeDelta::nanoseconds(interval.max(1));
        let burst = i32::try_from(self.limit.burst.max(1)).unwrap_or(i32::MAX);
        let whole = interval.checked_mul(burst).unwrap_or(TimeDelta::MAX);
        let full_at = self.full_at.get(peer).copied().unwrap_or(now);
        let used = full_at.signed_duration_since(now).max(TimeDelta::zero());
        // Further ahead than it can be, it was written before the clock went back.
        let used = if used > whole {
            TimeDelta::zero()
        } else {
            used
        };
        let after = used.checked_add(&interval).filter(|used| *used <= whole);
        let Some(full_at) = after.and_then(|used| now.checked_add_signed(used)) else {
            return false;
        };
        if self.full_at.len() > Self::MANY {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        self.full_at.insert(peer.clone(), full_at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str) -> EntityId {
        EntityId::new(format!("https://{name}.example/saml")).unwrap()
    }

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
    }

    /// How many of a hundred at this moment are admitted.
    fn admitted(counter: &mut RequestCounter, peer: &EntityId, now: DateTime<Utc>) -> usize {
        (0..100).filter(|_| counter.admits(peer, now)).count()
    }

    #[test]
    fn a_burst_and_then_so_many_per_second() {
        let limit = RequestLimit {
            per_second: 10,
            burst: 5,
        };
        let mut counter = RequestCounter::new(limit);
        let (a, b) = (peer("a"), peer("b"));
        assert_eq!(admitted(&mut counter, &a, at(0)), 5);
        assert_eq!(admitted(&mut counter, &b, at(0)), 5, "each has its own");
        assert_eq!(admitted(&mut counter, &a, at(99)), 0);
        assert_eq!(admitted(&mut counter, &a, at(100)), 1);
        assert_eq!(admitted(&mut counter, &a, at(400)), 3);
        assert_eq!(
            admitted(&mut counter, &a, at(10_000)),
            5,
            "no more are saved up"
        );
    }

    #[test]
    fn a_clock_that_goes_back_keeps_nobody_out_for_long() {
        let limit = RequestLimit {
            per_second: 10,
            burst: 5,
        };
        let mut counter = RequestCounter::new(limit);
        let a = peer("a");
        assert_eq!(admitted(&mut counter, &a, at(3_600_000)), 5);
        assert_eq!(admitted(&mut counter, &a, at(0)), 5, "it begins anew");
        assert_eq!(admitted(&mut counter, &a, at(0)), 0);
    }

    #[test]
    fn who_has_all_of_its_requests_again_is_forgotten() {
        let mut counter = RequestCounter::default();
        for n in 0..5_000 {
            assert!(counter.admits(&peer(&format!("p{n}")), at(n * 10)));
        }
        assert!(counter.full_at.len() <= RequestCounter::MANY + 1);
    }

    #[test]
    fn any_limit_can_be_asked_for() {
        for (per_second, burst) in [(0, 0), (u32::MAX, u32::MAX), (1, u32::MAX), (u32::MAX, 1)] {
            let mut counter = RequestCounter::new(RequestLimit { per_second, burst });
            assert!(counter.admits(&peer("a"), at(0)));
            // No clock shows this, but nothing breaks.
            assert!(!counter.admits(&peer("b"), DateTime::<Utc>::MAX_UTC));
        }
    }
}
