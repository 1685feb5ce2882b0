//! The verbs of users, within one transaction.

use super::error::OrFailed as _;
use super::tables::{Octets, USER_IDS, USERS, View};
use super::writer::Done;
use crate::codec::{decode, encode};
use federate_session::{FoundOrCreated, IndexKey, StoreError, Subject, TenantId, User, UserId};
use redb::{ReadableTable, ReadableTableMetadata as _, Table, WriteTransaction};

const WHAT: &str = "user";

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn load(view: &View, tenant: &TenantId, id: &UserId) -> Result<Option<User>> {
    let id = (tenant.as_str(), id.as_str());
    match view.user_ids.get(id).or_failed()? {
        Some(key) => row(&view.users, key.value()),
        None => Ok(None),
    }
}

pub(crate) fn by_subject(view: &View, subject: &Subject) -> Result<Option<User>> {
    row(&view.users, IndexKey::of_subject(subject).as_bytes())
}

fn row(users: &impl ReadableTable<Octets, Octets>, key: &[u8]) -> Result<Option<User>> {
    users
        .get(key)
        .or_failed()?
        .map(|octets| decode(WHAT, octets.value()))
        .transpose()
}

/// The tables of users.
pub(crate) struct Users<'txn> {
    rows: Table<'txn, Octets, Octets>,
    ids: Table<'txn, (&'static str, &'static str), Octets>,
}

impl<'txn> Users<'txn> {
    pub(crate) fn open(txn: &'txn WriteTransaction) -> std::result::Result<Self, redb::TableError> {
        Ok(Self {
            rows: txn.open_table(USERS)?,
            ids: txn.open_table(USER_IDS)?,
        })
    }

    pub(crate) fn find_or_create(
        &mut self,
        candidate: User,
        capacity: usize,
    ) -> Result<Done<FoundOrCreated>> {
        let key = IndexKey::of_subject(&candidate.subject);
        if let Some(mut user) = row(&self.rows, key.as_bytes())? {
            user.signed_in(candidate.profile, candidate.last_login);
            self.put(&key, &user)?;
            return Ok(Done::Changed(FoundOrCreated::Found(user)));
        }
        let id = (candidate.subject.tenant.as_str(), candidate.id.as_str());
        if self.ids.get(id).or_failed()?.is_some() {
            return Err(StoreError::AlreadyExists { what: WHAT });
        }
        if self.rows.len().or_failed()? >= capacity as u64 {
            return Err(StoreError::Full { what: WHAT });
        }
        self.put(&key, &candidate)?;
        self.ids.insert(id, key.as_bytes()).or_failed()?;
        Ok(Done::Changed(FoundOrCreated::Created(candidate)))
    }

    fn put(&mut self, key: &IndexKey, user: &User) -> Result<()> {
        let octets = encode(user)?;
        self.rows
            .insert(key.as_bytes(), octets.as_slice())
            .or_failed()?;
        Ok(())
    }
}
