//! Who publishes metadata in these tests, and the documents.

use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{CryptoProvider, aws_lc_provider};
use federate_feed::{Fetch, Origin, Source, Trust};
use federate_http::{Fetched, HttpError, Validators};
use federate_metadata::{
    EntitiesDescriptor, EntityDescriptor, GroupMember, MetadataError, RegistrationInfo,
    SpDescriptor,
};
use federate_testkit::keys;
use federate_types::{EntityId, MessageId};
use federate_xml::{SignaturePolicy, Signer, TrustedKeys};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

pub(crate) const URL: &str = "https://federation.example/metadata.xml";

pub(crate) fn provider() -> CryptoProvider {
    aws_lc_provider()
}

/// Noon, and so many hours later.
pub(crate) fn at(hours: i64) -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hours)
}

pub(crate) fn id(name: &str) -> EntityId {
    EntityId::new(format!("https://{name}.example")).unwrap()
}

/// What is answered, by address.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Document(Vec<u8>),
    Status(u16),
    Broken,
    TooLarge,
    Silence,
}

/// A publisher; clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Publisher {
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Publisher {
    pub(crate) fn answers(&self, url: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(url.to_owned(), answer);
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Fetch for Publisher {
    async fn fetch(
        &self,
        url: &str,
        known: Option<&Validators>,
        sink: &mut (impl Write + Send),
    ) -> Result<Fetched, HttpError> {
        self.asked.lock().unwrap().push(url.to_owned());
        let answer = self.answers.lock().unwrap().get(url).cloned();
        match answer {
            Some(Answer::Document(octets)) => {
                let etag = Some(format!("{:?}", provider_digest(&octets)));
                if known.is_some_and(|known| known.etag == etag) {
                    return Ok(Fetched::NotModified);
                }
                sink.write_all(&octets).unwrap();
                Ok(Fetched::New {
                    validators: Validators {
                        etag,
                        last_modified: None,
                    },
                    bytes: octets.len() as u64,
                })
            }
            Some(Answer::Status(status)) => Err(HttpError::Status { status }),
            Some(Answer::Broken) => {
                sink.write_all(b"<md:EntitiesDescr").unwrap();
                let reason = "closed".to_owned();
                Err(HttpError::Incomplete { reason })
            }
            Some(Answer::TooLarge) => Err(HttpError::TooLarge { allowed: 1 }),
            Some(Answer::Silence) => Err(HttpError::Timeout { seconds: 30 }),
            None => Err(HttpError::Status { status: 404 }),
        }
    }
}

fn provider_digest(octets: &[u8]) -> Vec<u8> {
    let digest = federate_crypto::DigestAlgorithm::Sha256;
    provider()
        .digester
        .digest(digest, octets)
        .as_bytes()
        .to_vec()
}

pub(crate) fn signer() -> Signer {
    let key = keys::signing_key(&provider());
    Signer::new(provider(), key, keys::certificate()).unwrap()
}

pub(crate) fn other_signer() -> Signer {
    let key = keys::other_signing_key(&provider());
    Signer::new(provider(), key, keys::other_certificate()).unwrap()
}

/// By the publisher's key.
pub(crate) fn signed() -> Trust {
    Trust::Signed {
        keys: TrustedKeys::new([keys::verifying_key(&provider())]).unwrap(),
        policy: SignaturePolicy::default(),
    }
}

pub(crate) fn source() -> Source {
    Source::new("federation", Origin::Url(URL.to_owned()), signed())
}

/// A service provider that this authority registered.
pub(crate) fn entity(name: &str, registered_by: &str) -> EntityDescriptor {
    let mut entity = EntityDescriptor::new(id(name));
    entity.sp = Some(SpDescriptor::default());
    let mut registration = RegistrationInfo::default();
    registration.registration_authority = registered_by.to_owned();
    entity.extensions.registration_info = Some(Box::new(registration));
    entity
}

/// A group of these entities that ends so many hours after noon.
pub(crate) fn group(names: &[&str], until: Option<i64>) -> EntitiesDescriptor {
    let mut group = EntitiesDescriptor::default();
    group.valid_until = until.map(at);
    group.cache_duration = Some(TimeDelta::hours(1));
    group.members = names
        .iter()
        .map(|name| GroupMember::Entity(Box::new(entity(name, "https://federation.example"))))
        .collect();
    group
}

pub(crate) fn sign(group: &EntitiesDescriptor, signer: &Signer) -> Result<Vec<u8>, MetadataError> {
    group.to_signed_xml(signer, &MessageId::from_random([3; 20]))
}

/// A signed document of these entities that ends so many hours after noon.
pub(crate) fn document(names: &[&str], until: i64) -> Answer {
    Answer::Document(sign(&group(names, Some(until)), &signer()).unwrap())
}
