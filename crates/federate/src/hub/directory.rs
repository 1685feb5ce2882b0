//! The hub's own users: names, password hashes, profiles.

use crate::error::{Denial, FederateError};
use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use federate_crypto::CryptoProvider;
use federate_session::Profile;
use std::collections::BTreeMap;
use std::fmt;

/// Users who sign in at the hub itself with a password.
#[derive(Debug, Clone)]
pub struct Directory {
    users: BTreeMap<String, DirectoryUser>,
    /// Compared with where there is no user of the name, so that it takes as long.
    decoy: String,
}

/// One user of a [`Directory`].
#[derive(Clone)]
pub struct DirectoryUser {
    /// A hash in PHC form, `$argon2id$...`.
    pub password_hash: String,
    /// What applications may be told.
    pub profile: Profile,
}

impl fmt::Debug for DirectoryUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryUser")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// A user whose password was right. Only [`Directory::authenticate`] makes one.
#[derive(Debug, Clone)]
pub struct AuthenticatedUser {
    pub(crate) name: String,
    pub(crate) profile: Profile,
}

impl AuthenticatedUser {
    /// The name with which they signed in.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Directory {
    /// A directory of these users, by name.
    ///
    /// # Errors
    /// [`FederateError::Configuration`] when a password hash is not one.
    pub fn new(
        provider: &CryptoProvider,
        users: BTreeMap<String, DirectoryUser>,
    ) -> Result<Self, FederateError> {
        for user in users.values() {
            PasswordHash::new(&user.password_hash)
                .map_err(|_| FederateError::Configuration("a password hash is not in PHC form"))?;
        }
        Ok(Self {
            users,
            decoy: hash_password(provider, "")?,
        })
    }

    /// Whether nobody can sign in with a password.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Checks a password. It takes tens of milliseconds on purpose: in an asynchronous
    /// program, call it where blocking is allowed.
    ///
    /// # Errors
    /// [`Denial::WrongCredentials`], whichever of the two is wrong.
    pub fn authenticate(&self, name: &str, password: &str) -> Result<AuthenticatedUser, Denial> {
        let user = self.users.get(name);
        let hash = user.map_or(&self.decoy, |user| &user.password_hash);
        let right = PasswordHash::new(hash)
            .and_then(|hash| Argon2::default().verify_password(password.as_bytes(), &hash))
            .is_ok();
        match user.filter(|_| right) {
            Some(user) => Ok(AuthenticatedUser {
                name: name.to_owned(),
                profile: user.profile.clone(),
            }),
            None => Err(Denial::WrongCredentials),
        }
    }
}

/// The Argon2id hash of a password in PHC form, with a fresh salt.
///
/// # Errors
/// Failures of the random source.
pub fn hash_password(provider: &CryptoProvider, password: &str) -> Result<String, FederateError> {
    let mut salt = [0; 16];
    provider.random.fill(&mut salt)?;
    let failed = |_| FederateError::Configuration("the password cannot be hashed");
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    Ok(hash.map_err(failed)?.to_string())
}
