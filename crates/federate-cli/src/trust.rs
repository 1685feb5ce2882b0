//! Keys, certificates and metadata from files.

use crate::input;
use crate::options::AlgorithmArgs;
use crate::problem::Problem;
use chrono::{DateTime, Utc};
use federate_crypto::{
    Certificate, CryptoProvider, DecryptionKey, PrivateKey, SignatureAlgorithm, VerifyingKey,
};
use federate_metadata::{EntityDescriptor, parse_entity};
use federate_types::EntityId;
use federate_xml::{Limits, SignaturePolicy, TrustedKeys};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The present.
pub(crate) fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// Every certificate of a file, PEM or DER.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Certificate>, Problem> {
    let octets = input::read(path)?;
    let problem = |e| Problem::of(path.display(), e);
    match std::str::from_utf8(&octets) {
        Ok(text) if text.contains("-----BEGIN") => {
            let found = Certificate::all_from_pem(text).map_err(problem)?;
            match found.is_empty() {
                true => Err(Problem::of(path.display(), "no certificate in it")),
                false => Ok(found),
            }
        }
        Ok(text) => Certificate::from_base64(text)
            .map(|c| vec![c])
            .map_err(problem),
        Err(_) => Certificate::from_der(&octets)
            .map(|c| vec![c])
            .map_err(problem),
    }
}

/// The first certificate of a file.
pub(crate) fn certificate(path: &Path) -> Result<Certificate, Problem> {
    let first = certificates(path)?.into_iter().next();
    first.ok_or_else(|| Problem::of(path.display(), "no certificate in it"))
}

pub(crate) fn private_key(path: &Path) -> Result<PrivateKey, Problem> {
    PrivateKey::from_pem(&input::read_text(path)?).map_err(|e| Problem::of(path.display(), e))
}

/// A private key that signs.
pub(crate) fn signing_key(
    provider: &CryptoProvider,
    path: &Path,
) -> Result<Arc<dyn federate_crypto::SigningKey>, Problem> {
    let key = private_key(path)?;
    let algorithm = SignatureAlgorithm::usual_for(key.key_type());
    let loaded = provider.keys.load_signing_key(&key, algorithm);
    loaded.map_err(|e| Problem::of(path.display(), e))
}

/// A private key that decrypts.
pub(crate) fn decryption_key(
    provider: &CryptoProvider,
    path: &Path,
) -> Result<Arc<dyn DecryptionKey>, Problem> {
    let loaded = provider
        .key_transport
        .load_decryption_key(&private_key(path)?);
    loaded.map_err(|e| Problem::of(path.display(), e))
}

/// The entity that a metadata file describes.
pub(crate) fn metadata(path: &Path) -> Result<EntityDescriptor, Problem> {
    parse_entity(&input::read(path)?, &Limits::default())
        .map_err(|e| Problem::of(path.display(), e))
}

/// The policy of the options.
pub(crate) fn signature_policy(args: &AlgorithmArgs) -> SignaturePolicy {
    let mut policy = SignaturePolicy::default();
    let always = DateTime::<Utc>::MAX_UTC;
    if args.dangerous_allow_sha1 {
        policy = policy.dangerous_allow_sha1(always);
    }
    if args.dangerous_allow_rsa1024 {
        policy = policy.dangerous_allow_rsa_1024(always);
    }
    if args.dangerous_allow_whole_document {
        policy = policy.dangerous_allow_whole_document(always);
    }
    if args.allow_inclusive_canonicalization {
        policy = policy.allow_inclusive_canonicalization();
    }
    policy
}

/// Whose signatures are accepted.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Who it is, if that is known.
    pub(crate) entity_id: Option<EntityId>,
    /// The certificates with its keys.
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) keys: TrustedKeys,
    /// Where the keys come from.
    pub(crate) source: &'static str,
    /// Whether its metadata is over.
    pub(crate) expired: bool,
}

impl Peer {
    /// The owner of certificates.
    pub(crate) fn of_certificates(
        provider: &CryptoProvider,
        paths: &[PathBuf],
        entity_id: Option<EntityId>,
    ) -> Result<Self, Problem> {
        let mut found = Vec::new();
        for path in paths {
            found.extend(certificates(path)?);
        }
        let keys = keys(provider, &found);
        let keys =
            keys.ok_or_else(|| Problem::new("no certificate with a key that can be used"))?;
        Ok(Self {
            entity_id,
            certificates: found,
            keys,
            source: "from the certificates given",
            expired: false,
        })
    }

    /// The identity provider of a metadata file.
    pub(crate) fn of_metadata(
        provider: &CryptoProvider,
        path: &Path,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let entity = metadata(path)?;
        let problem = |why: &str| Problem::of(path.display(), why);
        let idp = entity
            .idp
            .as_ref()
            .ok_or_else(|| problem("it describes no SAML 2.0 identity provider"))?;
        let keys = idp
            .signing_keys(provider)
            .ok_or_else(|| problem("it has no signing key that can be used"))?;
        let signing = idp.keys.iter().filter(|key| key.key_use.signs());
        Ok(Self {
            source: "from the metadata given",
            expired: entity.idp_at(now).is_err(),
            certificates: signing.flat_map(|key| key.certificates.clone()).collect(),
            entity_id: Some(entity.entity_id.clone()),
            keys,
        })
    }
}

/// The keys of certificates, those that the provider cannot use left out.
pub(crate) fn keys(provider: &CryptoProvider, certificates: &[Certificate]) -> Option<TrustedKeys> {
    let keys = certificates.iter().map(|c| c.public_key().clone());
    TrustedKeys::new(keys.filter_map(|key| VerifyingKey::new(provider, key).ok()))
}
