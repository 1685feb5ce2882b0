//! The verbs of users.

use super::connection::Connections;
use super::error::Failure;
use crate::codec::{decode, encode};
use federate_session::{FoundOrCreated, IndexKey, StoreError, Subject, TenantId, User, UserId};

const WHAT: &str = "user";

/// How often a login is tried while others of the same identity are written.
const ATTEMPTS: usize = 256;

const BY_SUBJECT: &str = "SELECT value, revision FROM users WHERE subject = sha256($1)";

const BY_ID: &str = "SELECT value, revision FROM users WHERE tenant = $1 AND id = $2";

const CREATE: &str = "\
INSERT INTO users (revision, subject, tenant, id, value) VALUES (1, sha256($1), $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING 1";

const PUT: &str = "\
UPDATE users SET value = $3, revision = revision + 1
WHERE subject = sha256($1) AND revision = $2
RETURNING 1";

type Result<T> = std::result::Result<T, StoreError>;

fn about(failure: Failure) -> StoreError {
    failure.about(WHAT)
}

pub(super) async fn load(
    connections: &Connections,
    tenant: &TenantId,
    id: &UserId,
) -> Result<Option<User>> {
    let (tenant, id) = (tenant.as_str().as_bytes(), id.as_str().as_bytes());
    let row = connections
        .query_opt(BY_ID, &[&tenant, &id])
        .await
        .map_err(about)?;
    row.map(|row| decode(WHAT, row.try_get(0).map_err(StoreError::unavailable)?))
        .transpose()
}

pub(super) async fn by_subject(
    connections: &Connections,
    subject: &Subject,
) -> Result<Option<User>> {
    let found = row(connections, &IndexKey::of_subject(subject)).await?;
    Ok(found.map(|(user, _)| user))
}

/// A user with the revision of the row.
async fn row(connections: &Connections, index: &IndexKey) -> Result<Option<(User, i64)>> {
    let Some(row) = connections
        .query_opt(BY_SUBJECT, &[&index.as_bytes()])
        .await
        .map_err(about)?
    else {
        return Ok(None);
    };
    let user = decode(WHAT, row.try_get(0).map_err(StoreError::unavailable)?)?;
    let revision = row.try_get(1).map_err(StoreError::unavailable)?;
    Ok(Some((user, revision)))
}

pub(super) async fn find_or_create(
    connections: &Connections,
    candidate: User,
) -> Result<FoundOrCreated> {
    let index = IndexKey::of_subject(&candidate.subject);
    for _ in 0..ATTEMPTS {
        if let Some((mut user, revision)) = row(connections, &index).await? {
            user.signed_in(candidate.profile.clone(), candidate.last_login);
            let put = connections
                .query_opt(PUT, &[&index.as_bytes(), &revision, &encode(&user)?])
                .await
                .map_err(about)?;
            if put.is_some() {
                return Ok(FoundOrCreated::Found(user));
            }
            continue;
        }
        let tenant = candidate.subject.tenant.as_str().as_bytes();
        let id = candidate.id.as_str().as_bytes();
        let made = connections
            .query_opt(
                CREATE,
                &[&index.as_bytes(), &tenant, &id, &encode(&candidate)?],
            )
            .await
            .map_err(about)?;
        if made.is_some() {
            return Ok(FoundOrCreated::Created(candidate));
        }
        // Either the identity was first seen by another at this moment, or the id is used.
        if row(connections, &index).await?.is_none() {
            return Err(StoreError::AlreadyExists { what: WHAT });
        }
    }
    Err(StoreError::unavailable(Failure::Contention))
}
