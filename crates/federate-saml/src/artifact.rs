//! Artifacts, which stand for a message that is fetched directly from its sender
//! (`[SAMLBind] 3.6`), and the two messages by which it is fetched (`[SAMLCore] 3.5`).

mod message;
mod verified;

pub use message::{ArtifactResolve, ArtifactResponse};
pub use verified::{verify_artifact_message, verify_artifact_response};

use crate::validate::{Refusal, Rule};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{CryptoProvider, DigestAlgorithm};
use federate_types::{EntityId, InvalidValue};
use std::fmt;

/// `[SAMLBind] 3.6.4`: the type code of the one format there is.
const TYPE_CODE: [u8; 2] = [0x00, 0x04];

/// Who issued an artifact: the SHA-1 digest of the entity identifier (`[SAMLBind] 3.6.4.2`).
///
/// It serves to find a known party. It is a name that anybody can write, so it proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceId([u8; 20]);

impl SourceId {
    /// That of a party.
    #[must_use]
    pub fn of(entity_id: &EntityId, provider: &CryptoProvider) -> Self {
        let octets = entity_id.as_str().as_bytes();
        let digest = provider.digester.digest(DigestAlgorithm::Sha1, octets);
        let mut source_id = [0; 20];
        for (to, from) in source_id.iter_mut().zip(digest.as_bytes()) {
            *to = *from;
        }
        Self(source_id)
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

/// An artifact of type 0x0004 (`[SAMLBind] 3.6.4.2`).
///
/// Whoever has it can fetch the message, so it is a secret until it was used: `Debug` does not
/// show its handle. That it is used once only is for whoever stores the message: taking it out
/// and giving it away are one step there (`[SAMLCore] 3.5.3`).
///
/// ```
/// use federate_saml::{Artifact, SourceId};
/// # let provider = federate_crypto::aws_lc_provider();
/// let issuer = federate_types::EntityId::new("https://idp.example/saml")?;
/// let artifact = Artifact::new(SourceId::of(&issuer, &provider), 0, [7; 20]);
/// let parameter = artifact.to_string();
/// assert_eq!(Artifact::parse(&parameter)?, artifact);
/// assert!(artifact.is_from(&issuer, &provider));
/// # Ok::<(), federate_types::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Artifact {
    source_id: SourceId,
    endpoint_index: u16,
    handle: [u8; 20],
}

impl Artifact {
    /// An artifact whose handle is 20 random octets, to be resolved at the issuer's artifact
    /// resolution service of that index.
    #[must_use]
    pub const fn new(source_id: SourceId, endpoint_index: u16, handle: [u8; 20]) -> Self {
        Self {
            source_id,
            endpoint_index,
            handle,
        }
    }

    /// Reads an artifact from its base64.
    ///
    /// # Errors
    /// [`InvalidValue`] unless it is one of type 0x0004, with 44 octets, in the one way in which
    /// base64 writes them.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let invalid = || InvalidValue::new("Artifact", "an artifact of type 0x0004");
        let octets = STANDARD.decode(text).map_err(|_| invalid())?;
        let rest = octets.strip_prefix(&TYPE_CODE).ok_or_else(invalid)?;
        let (index, rest) = rest.split_first_chunk::<2>().ok_or_else(invalid)?;
        let (source_id, handle) = rest.split_first_chunk::<20>().ok_or_else(invalid)?;
        Ok(Self {
            source_id: SourceId(*source_id),
            endpoint_index: u16::from_be_bytes(*index),
            handle: handle.try_into().map_err(|_| invalid())?,
        })
    }

    /// Who issued it, as it says itself.
    #[must_use]
    pub const fn source_id(&self) -> SourceId {
        self.source_id
    }

    /// The index of the issuer's artifact resolution service.
    #[must_use]
    pub const fn endpoint_index(&self) -> u16 {
        self.endpoint_index
    }

    /// What names the message at its issuer.
    #[must_use]
    pub const fn handle(&self) -> &[u8; 20] {
        &self.handle
    }

    /// Whether it names this party as its issuer.
    #[must_use]
    pub fn is_from(&self, entity_id: &EntityId, provider: &CryptoProvider) -> bool {
        self.source_id == SourceId::of(entity_id, provider)
    }

    /// The address at which it is resolved, among those that the issuer's metadata has, each
    /// with its index (`[SAMLBind] 3.6.4`, `[SAMLMeta] 2.2.3`).
    ///
    /// # Errors
    /// [`Rule::ArtifactEndpoint`] when none has this index: there is no default for it.
    pub fn resolution_service<'e>(
        &self,
        endpoints: impl IntoIterator<Item = (u16, &'e str)>,
    ) -> Result<&'e str, Refusal> {
        let index = self.endpoint_index;
        let found = endpoints.into_iter().find(|(i, _)| *i == index);
        found.map(|(_, location)| location).ok_or_else(|| {
            let expected = "the index of an artifact resolution service";
            Refusal::new(Rule::ArtifactEndpoint, expected, index.to_string())
        })
    }
}

/// As it travels, in base64.
impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.endpoint_index.to_be_bytes();
        let parts = [&TYPE_CODE[..], &index, self.source_id.as_bytes()];
        let octets = [&parts.concat()[..], &self.handle].concat();
        f.write_str(&STANDARD.encode(octets))
    }
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact")
            .field("source_id", &self.source_id)
            .field("endpoint_index", &self.endpoint_index)
            .finish_non_exhaustive()
    }
}
