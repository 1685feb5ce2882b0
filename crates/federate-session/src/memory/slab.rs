use super::expiry::Expiry;
use super::index::Place;
use super::packed::Packed;
use crate::SessionKey;
use chrono::{DateTime, Utc};
use hashbrown::HashTable;

/// The sessions of one shard, by key and by slot.
#[derive(Default)]
pub(super) struct Slab {
    slots: Slots,
    by_key: HashTable<u32>,
    expiry: Expiry,
}

/// Rows of slots: growing moves nothing.
#[derive(Default)]
struct Slots {
    rows: Vec<Vec<Option<Slot>>>,
    /// Slots that were left.
    free: Vec<u32>,
    next: u32,
}

struct Slot {
    key: SessionKey,
    session: Packed,
}

/// How many slots a row has.
const ROW: u32 = 128;

impl Slab {
    /// The slot of a session.
    pub(super) fn find(&self, key: &SessionKey) -> Option<u32> {
        let is_it = |slot: &u32| self.slots.at(*slot).is_some_and(|slot| slot.key == *key);
        self.by_key.find(hash(key), is_it).copied()
    }

    /// What lies in a slot.
    pub(super) fn at(&self, slot: u32) -> Option<(&SessionKey, &Packed)> {
        self.slots.at(slot).map(|slot| (&slot.key, &slot.session))
    }

    /// What lies in a slot, to be changed.
    pub(super) fn at_mut(&mut self, slot: u32) -> Option<&mut Packed> {
        self.slots
            .at_mut(slot)?
            .as_mut()
            .map(|slot| &mut slot.session)
    }

    /// The slot that the next session takes; `None` when there are as many as a place can say.
    pub(super) fn next_slot(&self) -> Option<u32> {
        let next = self.slots.free.last().copied();
        let next = next.unwrap_or(self.slots.next);
        (next < Place::SLOTS).then_some(next)
    }

    /// Puts a session into the slot that [`Slab::next_slot`] gave.
    pub(super) fn insert(&mut self, key: SessionKey, session: Packed, retain_until: DateTime<Utc>) {
        let slot = self.slots.insert(Slot { key, session });
        let Self { slots, by_key, .. } = self;
        let hash_at = |slot: &u32| slots.at(*slot).map_or(0, |slot| hash(&slot.key));
        by_key.insert_unique(hash(&key), slot, hash_at);
        self.expiry.insert(retain_until, slot);
    }

    /// The next slot whose session may be forgotten: it must be [`Slab::remove`]d.
    pub(super) fn pop_due(&mut self, now: DateTime<Utc>) -> Option<u32> {
        let Self { slots, expiry, .. } = self;
        expiry.pop_due(now, |slot| {
            let retained = slots.at(slot).and_then(|slot| slot.session.retain_until());
            retained.unwrap_or(DateTime::<Utc>::MIN_UTC)
        })
    }

    pub(super) fn remove(&mut self, slot: u32) {
        let Some(left) = self.slots.remove(slot) else {
            return;
        };
        if let Ok(entry) = self.by_key.find_entry(hash(&left.key), |at| *at == slot) {
            entry.remove();
        }
    }
}

impl Slots {
    fn at(&self, slot: u32) -> Option<&Slot> {
        let row = self.rows.get(usize::try_from(slot / ROW).ok()?)?;
        row.get(usize::try_from(slot % ROW).ok()?)?.as_ref()
    }

    fn at_mut(&mut self, slot: u32) -> Option<&mut Option<Slot>> {
        let row = self.rows.get_mut(usize::try_from(slot / ROW).ok()?)?;
        row.get_mut(usize::try_from(slot % ROW).ok()?)
    }

    fn insert(&mut self, session: Slot) -> u32 {
        if let Some(slot) = self.free.pop() {
            if let Some(place) = self.at_mut(slot) {
                *place = Some(session);
            }
            return slot;
        }
        let slot = self.next;
        if slot.is_multiple_of(ROW) {
            self.rows.push(Vec::with_capacity(ROW as usize));
        }
        if let Some(row) = self.rows.last_mut() {
            row.push(Some(session));
        }
        self.next += 1;
        slot
    }

    fn remove(&mut self, slot: u32) -> Option<Slot> {
        let left = self.at_mut(slot)?.take();
        if left.is_some() {
            self.free.push(slot);
        }
        left
    }
}

/// The hash of a key, which is a hash: other octets than those that chose the shard.
fn hash(key: &SessionKey) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *key.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
