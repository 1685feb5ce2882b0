use federate_crypto::Certificate;

/// What a key may be used for (`[SAMLMeta] 2.4.1.1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUse {
    /// `use="signing"`: the entity signs with it.
    Signing,
    /// `use="encryption"`: others encrypt to the entity with it.
    Encryption,
    /// No `use`: both.
    Both,
}

impl KeyUse {
    /// Whether signatures of the entity may be verified with the key.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::Signing | Self::Both)
    }

    /// Whether others may encrypt with the key.
    #[must_use]
    pub const fn encrypts(self) -> bool {
        matches!(self, Self::Encryption | Self::Both)
    }

    /// The value of the attribute `use`, if there is to be one.
    #[must_use]
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::Signing => Some("signing"),
            Self::Encryption => Some("encryption"),
            Self::Both => None,
        }
    }
}

/// Keys of a role with their use (`[SAMLMeta] 2.4.1.1`).
///
/// The certificates are containers of keys (`[MetaIOP] 2.6.1`): their dates, issuers and
/// extensions do not matter, whoever published the metadata vouches for them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyDescriptor {
    /// What the keys may be used for.
    pub key_use: KeyUse,
    /// The certificates with the keys; without any, the descriptor says nothing and is not
    /// written.
    pub certificates: Vec<Certificate>,
}

impl KeyDescriptor {
    /// A descriptor of one key.
    #[must_use]
    pub fn new(key_use: KeyUse, certificate: Certificate) -> Self {
        Self {
            key_use,
            certificates: vec![certificate],
        }
    }
}
