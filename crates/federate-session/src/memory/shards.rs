use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many parts a [`Shards`] has: an octet chooses one.
pub(super) const SHARDS: usize = 256;

/// 256 parts of one thing, each with a lock of its own, so that verbs about different parts
/// do not wait for each other.
pub(super) struct Shards<T> {
    first: Mutex<T>,
    others: Box<[Mutex<T>]>,
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        let others = (1..SHARDS).map(|_| Mutex::default());
        Self {
            first: Mutex::default(),
            others: others.collect(),
        }
    }
}

impl<T> Shards<T> {
    /// The part with this number.
    pub(super) fn lock(&self, number: u8) -> MutexGuard<'_, T> {
        let place = usize::from(number).checked_sub(1);
        let part = place.and_then(|place| self.others.get(place));
        lock(part.unwrap_or(&self.first))
    }

    /// Two parts at once, which may be the same. The lower number is locked first, so two
    /// callers never wait for each other.
    pub(super) fn lock_two(&self, one: u8, other: u8) -> Two<'_, T> {
        let lower = one.min(other);
        let higher = one.max(other);
        Two {
            lower: self.lock(lower),
            higher: (lower != higher).then(|| (higher, self.lock(higher))),
        }
    }
}

/// One or two parts, locked.
pub(super) struct Two<'a, T> {
    lower: MutexGuard<'a, T>,
    higher: Option<(u8, MutexGuard<'a, T>)>,
}

impl<T> Two<'_, T> {
    /// The part with this number, which must be one of those that were locked.
    pub(super) fn part(&mut self, number: u8) -> &mut T {
        match &mut self.higher {
            Some((higher, part)) if *higher == number => part,
            _ => &mut self.lower,
        }
    }
}

/// No verb panics while it holds a lock, so what a poisoned one guards is whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many more entries of one kind may be stored, over all shards.
pub(super) struct Room {
    used: AtomicUsize,
    capacity: usize,
}

impl Room {
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            capacity,
        }
    }

    /// Whether nothing more fits.
    pub(super) fn is_full(&self) -> bool {
        self.used.load(Ordering::SeqCst) >= self.capacity
    }

    /// Whether there is nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.used.load(Ordering::SeqCst) == 0
    }

    /// Takes the place of one entry; false when the last one was taken.
    pub(super) fn take(&self) -> bool {
        let next = |used| (used < self.capacity).then_some(used + 1);
        self.used
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next)
            .is_ok()
    }

    /// Gives places back that were taken.
    pub(super) fn give_back(&self, places: usize) {
        self.used.fetch_sub(places, Ordering::SeqCst);
    }
}
