//! The verbs of users, within one transaction.

use super::tables::{USER_IDS, USERS};
use super::writer::Done;
use crate::codec::{decode, encode};
use federate_session::{FoundOrCreated, IndexKey, StoreError, Subject, TenantId, User, UserId};
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata as _, Table, WriteTransaction};

const WHAT: &str = "user";

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn load(txn: &ReadTransaction, tenant: &TenantId, id: &UserId) -> Result<Option<User>> {
    let ids = txn.open_table(USER_IDS).map_err(StoreError::unavailable)?;
    let users = txn.open_table(USERS).map_err(StoreError::unavailable)?;
    match ids
        .get((tenant.as_str(), id.as_str()))
        .map_err(StoreError::unavailable)?
    {
        Some(key) => row(&users, key.value()),
        None => Ok(None),
    }
}

pub(crate) fn by_subject(txn: &ReadTransaction, subject: &Subject) -> Result<Option<User>> {
    let users = txn.open_table(USERS).map_err(StoreError::unavailable)?;
    row(&users, IndexKey::of_subject(subject).as_bytes())
}

fn row(
    users: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &[u8],
) -> Result<Option<User>> {
    users
        .get(key)
        .map_err(StoreError::unavailable)?
        .map(|octets| decode(WHAT, octets.value()))
        .transpose()
}

pub(crate) fn find_or_create(
    txn: &WriteTransaction,
    candidate: User,
    capacity: usize,
) -> Result<Done<FoundOrCreated>> {
    let mut users = txn.open_table(USERS).map_err(StoreError::unavailable)?;
    let key = IndexKey::of_subject(&candidate.subject);
    if let Some(mut user) = row(&users, key.as_bytes())? {
        user.signed_in(candidate.profile, candidate.last_login);
        put(&mut users, &key, &user)?;
        return Ok(Done::Changed(FoundOrCreated::Found(user)));
    }
    let mut ids = txn.open_table(USER_IDS).map_err(StoreError::unavailable)?;
    let id = (candidate.subject.tenant.as_str(), candidate.id.as_str());
    if ids.get(id).map_err(StoreError::unavailable)?.is_some() {
        return Err(StoreError::AlreadyExists { what: WHAT });
    }
    if users.len().map_err(StoreError::unavailable)? >= capacity as u64 {
        return Err(StoreError::Full { what: WHAT });
    }
    put(&mut users, &key, &candidate)?;
    ids.insert(id, key.as_bytes())
        .map_err(StoreError::unavailable)?;
    Ok(Done::Changed(FoundOrCreated::Created(candidate)))
}

fn put(
    users: &mut Table<'_, &'static [u8], &'static [u8]>,
    key: &IndexKey,
    user: &User,
) -> Result<()> {
    let octets = encode(user)?;
    users
        .insert(key.as_bytes(), octets.as_slice())
        .map_err(StoreError::unavailable)?;
    Ok(())
}
