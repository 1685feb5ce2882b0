use chrono::{DateTime, Utc};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Which sessions of a shard are to be forgotten next.
///
/// All but the nearest lie in heaps of about an hour, unordered, at four octets each. Only
/// when its hour begins is a heap put in order. A session leaves when it is forgotten, and
/// never before: nothing moves `retain_until`.
#[derive(Default)]
pub(super) struct Expiry {
    /// By the number of the hour: those whose hour has not begun.
    later: BTreeMap<i64, Vec<u32>>,
    /// The others, the earliest on top.
    near: BinaryHeap<Reverse<(DateTime<Utc>, u32)>>,
    /// The first hour that has not begun.
    next: Option<i64>,
}

/// How long one of the hours is, in seconds.
const HOUR: i64 = 4096;

impl Expiry {
    pub(super) fn insert(&mut self, at: DateTime<Utc>, slot: u32) {
        let hour = hour(at);
        if self.next.is_some_and(|next| hour < next) {
            self.near.push(Reverse((at, slot)));
            return;
        }
        let slots = self.later.entry(hour).or_default();
        if slots.len() == slots.capacity() {
            slots.reserve_exact(slots.len() / 4 + 4); // doubling would waste a third
        }
        slots.push(slot);
    }

    /// Takes out the earliest session, if it may be forgotten at `now`. `retain_until` tells
    /// when that is.
    pub(super) fn pop_due(
        &mut self,
        now: DateTime<Utc>,
        retain_until: impl Fn(u32) -> DateTime<Utc>,
    ) -> Option<u32> {
        let this = hour(now);
        while self
            .later
            .first_key_value()
            .is_some_and(|(h, _)| *h <= this)
        {
            if let Some((hour, slots)) = self.later.pop_first() {
                self.next = self.next.max(Some(hour.saturating_add(1)));
                let slots = slots.into_iter();
                self.near
                    .extend(slots.map(|slot| Reverse((retain_until(slot), slot))));
            }
        }
        let Reverse((at, _)) = self.near.peek()?;
        if *at > now {
            return None;
        }
        self.near.pop().map(|Reverse((_, slot))| slot)
    }
}

fn hour(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    proptest! {
        /// Whatever comes in between: what is due comes out, in order, and nothing else does.
        #[test]
        fn gives_what_is_due(steps in proptest::collection::vec((0_i64..40_000, any::<bool>()), 1..80)) {
            let mut expiry = Expiry::default();
            let mut model: Vec<(i64, u32)> = Vec::new();
            let mut times = Vec::new();
            for (second, is_sweep) in steps {
                if !is_sweep {
                    let slot = u32::try_from(times.len()).unwrap();
                    times.push(second);
                    expiry.insert(at(second), slot);
                    model.push((second, slot));
                    continue;
                }
                let mut found = Vec::new();
                while let Some(slot) = expiry.pop_due(at(second), |slot| at(times[slot as usize])) {
                    found.push((times[slot as usize], slot));
                }
                let mut due: Vec<_> = model.iter().copied().filter(|(s, _)| *s <= second).collect();
                due.sort_unstable();
                model.retain(|(s, _)| *s > second);
                prop_assert_eq!(found, due);
            }
        }
    }
}
