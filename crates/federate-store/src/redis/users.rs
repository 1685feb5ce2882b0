//! Users, who do not expire.
//!
//! The row lies by identity, and beside it lies the id. The id is taken first: two identities
//! never have the same one. A crash in between leaves an id that nobody else can take, which
//! only its own identity could have wanted.

use super::server::{Care, Result, Retry, Server};
use federate_session::{FoundOrCreated, IndexKey, StoreError, Subject, TenantId, User, UserId};

const WHAT: &str = "user";
const CAREFUL: (&str, Care) = (WHAT, Care::New);

impl Server {
    pub(crate) async fn find_or_create(&self, candidate: User) -> Result<FoundOrCreated> {
        let subject = &candidate.subject;
        let key = self.keys.user(&IndexKey::of_subject(subject));
        let id = self.keys.user_id(&subject.tenant, &candidate.id);
        let mut held = false;
        let mut retry = Retry::new();
        loop {
            if let Some((write, mut user)) = self.row::<User>(WHAT, &key).await? {
                if held && user.id != candidate.id {
                    self.release(WHAT, &id, key.as_bytes()).await?;
                    held = false;
                }
                user.signed_in(candidate.profile.clone(), candidate.last_login);
                let what = (WHAT, Care::Light);
                if self
                    .swap(what, &key, Some(write), &user, None)
                    .await?
                    .is_some()
                {
                    return Ok(FoundOrCreated::Found(user));
                }
            } else {
                self.take_id(&id, &key).await?;
                held = true;
                match self.swap(CAREFUL, &key, None, &candidate, None).await {
                    Ok(Some(_)) => return Ok(FoundOrCreated::Created(candidate)),
                    Ok(None) => {}
                    Err(error @ StoreError::Unavailable(_)) => return Err(error),
                    Err(error) => {
                        self.release(WHAT, &id, key.as_bytes()).await?;
                        return Err(error);
                    }
                }
            }
            retry.again(self.new_write()).await?;
        }
    }

    /// Takes the id for the row of this name, which may have it already.
    async fn take_id(&self, id: &str, row: &str) -> Result<()> {
        let mut set = redis::cmd("SET");
        set.arg(id).arg(row).arg("NX").arg("GET");
        let before: Option<Vec<u8>> = self.write(CAREFUL, id, &set).await?;
        match before {
            Some(other) if other != row.as_bytes() => Err(StoreError::AlreadyExists { what: WHAT }),
            _ => Ok(()),
        }
    }

    pub(crate) async fn load_user(&self, tenant: &TenantId, id: &UserId) -> Result<Option<User>> {
        let held = self.keys.user_id(tenant, id);
        let row: Option<String> = self.query(WHAT, redis::cmd("GET").arg(held)).await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let user = self.row::<User>(WHAT, &row).await?.map(|(_, user)| user);
        // An id may be taken before its user is there, and be given back.
        Ok(user.filter(|user| user.id == *id && user.subject.tenant == *tenant))
    }

    pub(crate) async fn user_by_subject(&self, subject: &Subject) -> Result<Option<User>> {
        let key = self.keys.user(&IndexKey::of_subject(subject));
        Ok(self.row::<User>(WHAT, &key).await?.map(|(_, user)| user))
    }
}
