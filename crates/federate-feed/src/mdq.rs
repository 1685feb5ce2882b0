//! Single entities, by query (the SAML profile of the Metadata Query Protocol).

use crate::error::FeedError;
use crate::fetch::Fetch;
use crate::source::{Trust, check_end};
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::CryptoProvider;
use federate_http::{Fetched, HttpError, Validators};
use federate_metadata::{
    EntityDescriptor, EntitySource, MetadataError, parse_entity, verify_entity,
};
use federate_types::EntityId;
use federate_xml::{Limits, VerificationContext};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// [RFC3986] 2.3: all but the unreserved characters are escaped, a slash among them.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What an [`Mdq`] may do.
#[derive(Debug, Clone)]
pub struct MdqOptions {
    /// The address under which the service answers, without `/entities/`.
    pub base_url: String,
    /// Who vouches for its answers.
    pub trust: Trust,
    /// Whether an answer must say when it ends: without it, who can hold back a newer one decides
    /// for how long an old one is believed.
    pub require_valid_until: bool,
    /// How far away that end may be.
    pub max_validity: Option<TimeDelta>,
    /// For how long an answer is used without asking again, at least.
    pub at_least: TimeDelta,
    /// For how long an answer is used without asking again, at most.
    pub at_most: TimeDelta,
    /// For how long an entity that is not known is not asked for again.
    pub unknown_for: TimeDelta,
    /// How many entities are kept.
    pub capacity: usize,
}

impl MdqOptions {
    /// The usual rules: a signed answer must say when it ends, answers are used for 5 minutes to a day, an entity that is not known is
    /// asked for again after 10 minutes, and 1000 are kept.
    pub fn new(base_url: impl Into<String>, trust: Trust) -> Self {
        Self {
            base_url: base_url.into(),
            require_valid_until: trust.is_signed(),
            max_validity: None,
            trust,
            at_least: TimeDelta::minutes(5),
            at_most: TimeDelta::days(1),
            unknown_for: TimeDelta::minutes(10),
            capacity: 1000,
        }
    }
}

/// Asks for entities when they are needed.
#[derive(Debug)]
pub struct Mdq<F> {
    options: MdqOptions,
    fetcher: F,
    provider: CryptoProvider,
    limits: Limits,
    kept: Arc<Cache>,
}

/// What is kept, by entity.
#[derive(Debug, Default)]
struct Cache(Mutex<HashMap<EntityId, Kept>>);

impl Cache {
    /// Whoever panicked with it left it whole: every change is one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<EntityId, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of an entity.
#[derive(Debug, Clone)]
struct Kept {
    /// None if the service does not know it.
    entity: Option<Arc<EntityDescriptor>>,
    validators: Validators,
    ask_again: DateTime<Utc>,
    used: DateTime<Utc>,
}

impl<F: Fetch> Mdq<F> {
    /// A service of this address, and nothing asked yet.
    pub fn new(options: MdqOptions, fetcher: F, provider: CryptoProvider) -> Self {
        Self {
            options,
            fetcher,
            provider,
            limits: Limits::default(),
            kept: Arc::default(),
        }
    }

    /// What is kept, to be looked up without waiting: see [`prefetch`](Self::prefetch).
    #[must_use]
    pub fn source(&self) -> MdqSource {
        MdqSource {
            kept: Arc::clone(&self.kept),
        }
    }

    /// Sees to it that [`source`](Self::source) has the entity, as fresh as the rules want it, if
    /// the service knows it; gives whether it does.
    ///
    /// Await it before each step that needs the entity: before a login or a logout begins, and
    /// before a message is handed over, with the issuer that the message claims to have. That
    /// name is a hint which anybody can make up, and each new one costs a question: bound how
    /// many messages you take from one address.
    ///
    /// # Errors
    /// As [`entity`](Self::entity).
    pub async fn prefetch(
        &self,
        entity_id: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<bool, FeedError> {
        Ok(self.entity(entity_id, now).await?.is_some())
    }

    /// The entity of this identifier, if the service knows it: as it was kept, or asked for.
    ///
    /// When the service does not answer, what was kept is given until it ends.
    ///
    /// # Errors
    /// [`FeedError::Http`]; [`FeedError::Metadata`] and [`FeedError::Expired`] for an answer
    /// that cannot be used; [`FeedError::WrongEntity`].
    pub async fn entity(
        &self,
        entity_id: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<EntityDescriptor>>, FeedError> {
        let known = self.kept(entity_id, now);
        let usable = known.as_ref().is_some_and(|kept| {
            let valid = kept.entity.as_ref().is_none_or(|e| e.is_valid_at(now));
            // A clock that was set back asks again.
            valid && now < kept.ask_again && kept.ask_again - now <= self.options.at_most
        });
        if let Some(kept) = known.clone().filter(|_| usable) {
            return Ok(kept.entity);
        }
        match self.ask(entity_id, known.as_ref(), now).await {
            Ok(entity) => Ok(entity),
            Err(error) => {
                let kept = known.and_then(|kept| kept.entity);
                let kept = kept.filter(|entity| entity.is_valid_at(now));
                kept.map(Some).ok_or(error)
            }
        }
    }

    fn kept(&self, entity_id: &EntityId, now: DateTime<Utc>) -> Option<Kept> {
        let mut kept = self.kept.lock();
        let found = kept.get_mut(entity_id)?;
        found.used = now;
        Some(found.clone())
    }

    async fn ask(
        &self,
        entity_id: &EntityId,
        known: Option<&Kept>,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<EntityDescriptor>>, FeedError> {
        let base = self.options.base_url.trim_end_matches('/');
        let escaped = utf8_percent_encode(entity_id.as_str(), ESCAPED);
        let url = format!("{base}/entities/{escaped}");
        let before = known.filter(|kept| kept.entity.is_some());
        let validators = before.map(|kept| &kept.validators);
        let mut octets = Vec::new();
        let fetched = self.fetcher.fetch(&url, validators, &mut octets).await;
        let (entity, validators) = match fetched {
            Ok(Fetched::New { validators, .. }) => {
                let entity = self.read(&octets, entity_id, now)?;
                let before = before.and_then(|kept| kept.entity.as_ref());
                let ends = before.and_then(|before| before.valid_until);
                // It does not say when it was made: its end stands in for that.
                if self.options.trust.is_signed() && entity.valid_until < ends {
                    return Err(FeedError::Rollback);
                }
                (Some(entity), validators)
            }
            Ok(Fetched::NotModified) => {
                let kept = before.ok_or(FeedError::Http(HttpError::Status { status: 304 }))?;
                let valid = kept.entity.as_ref().is_some_and(|e| e.is_valid_at(now));
                if !valid {
                    return Err(FeedError::Expired);
                }
                (kept.entity.clone(), kept.validators.clone())
            }
            Err(HttpError::Status { status: 404 }) => (None, Validators::default()),
            Err(error) => return Err(error.into()),
        };
        self.keep(entity_id, entity.clone(), validators, now);
        Ok(entity)
    }

    /// Reads an answer, which must be about the entity that was asked for.
    fn read(
        &self,
        octets: &[u8],
        entity_id: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<Arc<EntityDescriptor>, FeedError> {
        let entity = match &self.options.trust {
            Trust::Origin => parse_entity(octets, &self.limits)?,
            Trust::Signed { keys, policy } => {
                let context = VerificationContext {
                    provider: &self.provider,
                    policy,
                    now,
                };
                verify_entity(octets, &self.limits, keys, &context)?.into_inner()
            }
        };
        if entity.entity_id != *entity_id {
            return Err(FeedError::WrongEntity);
        }
        let options = &self.options;
        check_end(
            entity.valid_until,
            options.require_valid_until,
            options.max_validity,
            now,
        )?;
        Ok(Arc::new(entity))
    }

    fn keep(
        &self,
        entity_id: &EntityId,
        entity: Option<Arc<EntityDescriptor>>,
        validators: Validators,
        now: DateTime<Utc>,
    ) {
        let options = &self.options;
        let wait = match &entity {
            Some(entity) => {
                let wait = entity.cache_duration.unwrap_or(options.at_most);
                wait.clamp(options.at_least.min(options.at_most), options.at_most)
            }
            None => options.unknown_for.min(options.at_most),
        };
        let answer = Kept {
            entity,
            validators,
            ask_again: now.checked_add_signed(wait).unwrap_or(now),
            used: now,
        };
        let mut kept = self.kept.lock();
        if kept.len() >= options.capacity.max(1) && !kept.contains_key(entity_id) {
            // Names that nobody knows cost nothing to invent: they go first.
            let least = kept
                .iter()
                .min_by_key(|(_, kept)| (kept.entity.is_some(), kept.used))
                .map(|(id, _)| id.clone());
            if let Some(least) = least {
                kept.remove(&least);
            }
        }
        kept.insert(entity_id.clone(), answer);
    }
}

/// What an [`Mdq`] has kept of its answers. It asks nothing itself: what was never asked for,
/// or gave way to others, it does not have.
///
/// A service provider or an identity provider takes it as a federation; the program awaits
/// [`Mdq::prefetch`] before it hands a message over:
///
/// ```
/// # use federate::{Incoming, ServiceProvider, Store, Token};
/// # use federate_feed::{Fetch, Mdq};
/// # use std::{error::Error, sync::Arc};
/// # fn join<F: Fetch, S: Store>(mdq: &Mdq<F>, sp: ServiceProvider<S>) -> ServiceProvider<S> {
/// sp.with_federation(Arc::new(mdq.source()), |_| {})
/// # }
/// // In the handler of a posted response:
/// # async fn posted<F: Fetch, S: Store>(
/// #     mdq: &Mdq<F>, sp: &ServiceProvider<S>, form: &str, now: chrono::DateTime<chrono::Utc>,
/// # ) -> Result<Token, Box<dyn Error>> {
/// if let Some(issuer) = Incoming::Post(form).issuer_hint(&sp.party().limits) {
///     mdq.prefetch(&issuer, now).await?;
/// }
/// let handle = sp.receive_login(form).await?;
/// # Ok(handle)
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MdqSource {
    kept: Arc<Cache>,
}

impl EntitySource for MdqSource {
    fn entity(&self, entity_id: &EntityId) -> Result<Option<Arc<EntityDescriptor>>, MetadataError> {
        let kept = self.kept.lock();
        Ok(kept.get(entity_id).and_then(|kept| kept.entity.clone()))
    }

    fn entity_ids(&self) -> Vec<EntityId> {
        let kept = self.kept.lock();
        let known = kept.iter().filter(|(_, kept)| kept.entity.is_some());
        known.map(|(id, _)| id.clone()).collect()
    }

    /// Each answer has its own end.
    fn valid_until(&self) -> Option<DateTime<Utc>> {
        None
    }
}
