use federate_crypto::{Certificate, PublicKey};

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
    /// Names of the keys. A name alone is no key.
    pub key_names: Vec<String>,
    /// The certificates with the keys.
    pub certificates: Vec<Certificate>,
    /// Keys without a certificate (`ds:KeyValue`). They are read where no certificate is; a
    /// descriptor without certificates and keys says nothing and is not written.
    pub key_values: Vec<PublicKey>,
    /// How to encrypt to the entity with these keys, in its order of preference.
    pub encryption_methods: Vec<EncryptionMethod>,
}

impl KeyDescriptor {
    /// A descriptor of one key.
    #[must_use]
    pub fn new(key_use: KeyUse, certificate: Certificate) -> Self {
        Self {
            certificates: vec![certificate],
            ..Self::empty(key_use)
        }
    }

    /// A descriptor of one key without a certificate.
    #[must_use]
    pub fn from_key(key_use: KeyUse, key: PublicKey) -> Self {
        Self {
            key_values: vec![key],
            ..Self::empty(key_use)
        }
    }

    pub(crate) const fn empty(key_use: KeyUse) -> Self {
        Self {
            key_use,
            key_names: Vec::new(),
            certificates: Vec::new(),
            key_values: Vec::new(),
            encryption_methods: Vec::new(),
        }
    }

    /// Every key: of the certificates, and without one.
    pub fn public_keys(&self) -> impl Iterator<Item = &PublicKey> {
        let certified = self.certificates.iter().map(Certificate::public_key);
        certified.chain(&self.key_values)
    }
}

/// How to encrypt to an entity: `md:EncryptionMethod` (`[SAMLMeta] 2.4.1.1`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct EncryptionMethod {
    /// The algorithm, by URI: of the data, or of the key transport.
    pub algorithm: String,
    /// The size of the key in bits.
    pub key_size: Option<u32>,
    /// The parameters of RSA-OAEP, in Base64.
    pub oaep_params: Option<String>,
    /// The digest of RSA-OAEP, by URI.
    pub digest_method: Option<String>,
    /// The mask generation function of RSA-OAEP, by URI.
    pub mgf: Option<String>,
}
