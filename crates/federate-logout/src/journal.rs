use crate::{Effect, Event, Logout, LogoutError, LogoutStart, Moment, step};
use chrono::{DateTime, Utc};
use federate_session::{LogoutKey, LogoutStore, StoreError};

/// Running logouts in a store: each step is stored before its effects are carried out.
///
/// Two nodes that take a step at the same time are put in order by compare-and-swap; the
/// second decides again from what the first left.
#[derive(Debug)]
pub struct Journal<'a, S> {
    store: &'a S,
}

impl<S> Clone for Journal<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Journal<'_, S> {}

impl<'a, S: LogoutStore> Journal<'a, S> {
    /// How often a step is decided again before it is given up.
    const ATTEMPTS: usize = 32;

    /// The logouts of this store.
    #[must_use]
    pub const fn new(store: &'a S) -> Self {
        Self { store }
    }

    /// Begins a logout and gives what to do first.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when the key is in use, and what the store reports.
    pub async fn begin(
        &self,
        key: &LogoutKey,
        start: LogoutStart,
        moment: Moment,
    ) -> Result<Vec<Effect>, LogoutError> {
        let (logout, effects) = Logout::start(start, moment);
        let (octets, end) = (logout.encode()?, logout.retain_until());
        self.store
            .create_logout(key, octets, end, logout.due(), moment.now)
            .await?;
        Ok(effects)
    }

    /// Takes one step and gives what to do next.
    ///
    /// # Errors
    /// [`LogoutError::Unknown`], [`LogoutError::Contended`], those of [`Logout::decode`] and
    /// what the store reports; then the event did not happen, tell it again.
    pub async fn advance(
        &self,
        key: &LogoutKey,
        event: Event,
        moment: Moment,
    ) -> Result<Vec<Effect>, LogoutError> {
        for _ in 0..Self::ATTEMPTS {
            let stored = self
                .store
                .load_logout(key, moment.now)
                .await?
                .ok_or(LogoutError::Unknown)?;
            let before = Logout::decode(&stored.value)?;
            let (after, effects) = step(before.clone(), event.clone(), moment);
            if after == before {
                return Ok(effects);
            }
            let octets = after.encode()?;
            match self
                .store
                .compare_and_swap(key, stored.version, octets, after.due(), moment.now)
                .await
            {
                Ok(_) => return Ok(effects),
                Err(StoreError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(LogoutError::Contended)
    }

    /// The logout as it stands, for its pages.
    ///
    /// # Errors
    /// [`LogoutError::Unknown`], those of [`Logout::decode`] and what the store reports.
    pub async fn load(&self, key: &LogoutKey, now: DateTime<Utc>) -> Result<Logout, LogoutError> {
        let stored = self
            .store
            .load_logout(key, now)
            .await?
            .ok_or(LogoutError::Unknown)?;
        Logout::decode(&stored.value)
    }
}
