use super::shards::{Room, Shards};
use crate::{FoundOrCreated, StoreError, Subject, TenantId, User, UserId};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};

/// The users. A shard of `ids` is locked while one of `rows` is, never the other way round.
pub(super) struct Users {
    rows: Shards<HashMap<Subject, User>>,
    ids: Shards<HashMap<(TenantId, UserId), Subject>>,
    hasher: RandomState,
    room: Room,
}

impl Users {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            rows: Shards::default(),
            ids: Shards::default(),
            hasher: RandomState::new(),
            room: Room::new(capacity),
        }
    }

    pub(super) fn find_or_create(&self, candidate: User) -> Result<FoundOrCreated, StoreError> {
        let mut rows = self.rows.lock(self.shard(&candidate.subject));
        if let Some(user) = rows.get_mut(&candidate.subject) {
            user.signed_in(candidate.profile, candidate.last_login);
            return Ok(FoundOrCreated::Found(user.clone()));
        }
        let what = "user";
        let id = (candidate.subject.tenant.clone(), candidate.id.clone());
        let mut ids = self.ids.lock(self.shard(&id));
        if ids.contains_key(&id) {
            return Err(StoreError::AlreadyExists { what });
        }
        if !self.room.take() {
            return Err(StoreError::Full { what });
        }
        ids.insert(id, candidate.subject.clone());
        rows.insert(candidate.subject.clone(), candidate.clone());
        Ok(FoundOrCreated::Created(candidate))
    }

    pub(super) fn load(&self, tenant: &TenantId, id: &UserId) -> Option<User> {
        let id = (tenant.clone(), id.clone());
        let subject = self.ids.lock(self.shard(&id)).get(&id).cloned()?;
        self.by_subject(&subject)
    }

    pub(super) fn by_subject(&self, subject: &Subject) -> Option<User> {
        let rows = self.rows.lock(self.shard(subject));
        rows.get(subject).cloned()
    }

    fn shard(&self, key: &impl Hash) -> u8 {
        let [shard, ..] = self.hasher.hash_one(key).to_be_bytes();
        shard
    }
}
