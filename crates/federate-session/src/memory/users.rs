use crate::{FoundOrCreated, StoreError, Subject, TenantId, User, UserId};
use std::collections::HashMap;

/// The users.
#[derive(Default)]
pub(super) struct Users {
    rows: HashMap<Subject, User>,
    ids: HashMap<(TenantId, UserId), Subject>,
}

impl Users {
    pub(super) fn find_or_create(
        &mut self,
        candidate: User,
        capacity: usize,
    ) -> Result<FoundOrCreated, StoreError> {
        if let Some(user) = self.rows.get_mut(&candidate.subject) {
            user.signed_in(candidate.profile, candidate.last_login);
            return Ok(FoundOrCreated::Found(user.clone()));
        }
        let what = "user";
        let id = (candidate.subject.tenant.clone(), candidate.id.clone());
        if self.ids.contains_key(&id) {
            return Err(StoreError::AlreadyExists { what });
        }
        if self.rows.len() >= capacity {
            return Err(StoreError::Full { what });
        }
        self.ids.insert(id, candidate.subject.clone());
        self.rows
            .insert(candidate.subject.clone(), candidate.clone());
        Ok(FoundOrCreated::Created(candidate))
    }

    pub(super) fn load(&self, tenant: &TenantId, id: &UserId) -> Option<User> {
        let subject = self.ids.get(&(tenant.clone(), id.clone()))?;
        self.by_subject(subject)
    }

    pub(super) fn by_subject(&self, subject: &Subject) -> Option<User> {
        self.rows.get(subject).cloned()
    }
}
