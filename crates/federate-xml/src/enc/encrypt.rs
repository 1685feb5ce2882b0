use super::method::{OAEP, OAEP_MGF1P, mgf1_uri};
use super::{
    CIPHER_DATA, CIPHER_VALUE, ENCRYPTED_DATA, ENCRYPTED_KEY, ENCRYPTION_METHOD, MGF, TYPE_ELEMENT,
};
use crate::name::Name;
use crate::write::Writer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{
    BlockCipher, Certificate, CryptoError, CryptoProvider, DigestAlgorithm, PublicKey, RsaOaep,
};
use zeroize::Zeroizing;

const KEY_INFO: Name = Name::ds("KeyInfo");
const ALGORITHM: Name = Name::local("Algorithm");

/// Encrypts to one recipient.
///
/// AES-256-GCM, and RSA-OAEP with SHA-1, which every peer has: what OAEP needs of its digest,
/// SHA-1 still has.
///
/// ```
/// use federate_crypto::aws_lc_provider;
/// use federate_xml::enc::{DecryptionContext, DecryptionKeys, DecryptionPolicy, Encryptor};
/// use federate_xml::{Document, Limits, Name, Writer};
/// let provider = aws_lc_provider();
/// let private = provider.keys.generate_rsa(2048)?;
/// let key = provider.key_transport.load_decryption_key(&private)?;
///
/// let encryptor = Encryptor::to_key(provider, key.public_key().clone())?;
/// let mut w = Writer::new();
/// w.start(Name::saml("EncryptedID"));
/// w.embed(&encryptor.encrypt(
///     br#"<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">alice</saml:NameID>"#,
/// )?);
/// let sent = w.finish();
///
/// let limits = Limits::default();
/// let document = Document::parse(&sent, &limits)?;
/// let context = DecryptionContext {
///     provider: &provider,
///     keys: &DecryptionKeys::from(key),
///     policy: &DecryptionPolicy::default(),
///     recipient: None,
///     limits: &limits,
///     now: "2026-01-31T12:00:00Z".parse()?,
/// };
/// let decrypted = context.decrypt(document.root(), Name::saml("NameID"))?;
/// assert!(decrypted.octets_hint().ends_with(b">alice</saml:NameID>"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Encryptor {
    provider: CryptoProvider,
    key: PublicKey,
    certificate: Option<Certificate>,
    recipient: Option<String>,
    cipher: BlockCipher,
    oaep: RsaOaep,
}

impl Encryptor {
    /// Encrypts to the owner of a certificate, which is named in what is sent.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedKeyType`] unless it has an RSA key, and
    /// [`CryptoError::UnsupportedKeySize`] when that has less than 2048 bits.
    pub fn new(provider: CryptoProvider, certificate: Certificate) -> Result<Self, CryptoError> {
        let mut encryptor = Self::to_key(provider, certificate.public_key().clone())?;
        encryptor.certificate = Some(certificate);
        Ok(encryptor)
    }

    /// Encrypts to the owner of a key.
    ///
    /// # Errors
    /// As [`Encryptor::new`].
    pub fn to_key(provider: CryptoProvider, key: PublicKey) -> Result<Self, CryptoError> {
        let bits = key.bits();
        match key.key_type() {
            // [SP 800-131A] 6: no key is transported with less.
            federate_crypto::KeyType::Rsa if bits >= 2048 => {}
            federate_crypto::KeyType::Rsa => return Err(CryptoError::UnsupportedKeySize { bits }),
            key => {
                let provider = provider.name;
                return Err(CryptoError::UnsupportedKeyType { provider, key });
            }
        }
        Ok(Self {
            provider,
            key,
            certificate: None,
            recipient: None,
            cipher: BlockCipher::Aes256Gcm,
            oaep: RsaOaep::SHA1,
        })
    }

    /// Names the recipient's entity identifier (`[XMLEnc] 3.5`), by which one of several
    /// finds its key.
    #[must_use]
    pub fn with_recipient(mut self, recipient: impl Into<String>) -> Self {
        self.recipient = Some(recipient.into());
        self
    }

    /// Encrypts with another cipher.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncryption`] for CBC.
    pub fn with_cipher(mut self, cipher: BlockCipher) -> Result<Self, CryptoError> {
        if !cipher.is_authenticated() {
            return Err(CryptoError::UnsupportedEncryption {
                provider: self.provider.name,
                algorithm: cipher.uri(),
            });
        }
        self.cipher = cipher;
        Ok(self)
    }

    /// Encrypts the key with other digests. Whether the provider has them is seen when it
    /// encrypts.
    #[must_use]
    pub const fn with_key_transport(mut self, oaep: RsaOaep) -> Self {
        self.oaep = oaep;
        self
    }

    /// Encrypts an element to the octets of an `xenc:EncryptedData`, with a fresh key that is
    /// inside its KeyInfo; they are for [`Writer::embed`] and in canonical form.
    ///
    /// `element` must declare all namespaces that it uses, also those of prefixes inside
    /// values such as `xsi:type`: peers parse it alone. What a [`Writer`] has written on its
    /// own does.
    ///
    /// # Errors
    /// [`CryptoError`] when the provider lacks an algorithm or randomness.
    pub fn encrypt(&self, element: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut key = Zeroizing::new(vec![0; self.cipher.key_len()]);
        self.provider.random.fill(&mut key)?;
        let mut iv = vec![0; self.cipher.iv_len()];
        self.provider.random.fill(&mut iv)?;
        let octets = self
            .provider
            .ciphers
            .encrypt(self.cipher, &key, &iv, element)?;
        let key = self
            .provider
            .key_transport
            .encrypt_key(&self.key, self.oaep, &key)?;

        let mut w = Writer::new();
        w.start(ENCRYPTED_DATA);
        w.attribute(Name::local("Type"), TYPE_ELEMENT);
        w.start(ENCRYPTION_METHOD);
        w.attribute(ALGORITHM, self.cipher.uri());
        w.end();
        w.start(KEY_INFO);
        self.write_key(&mut w, &key)?;
        w.end();
        write_cipher_data(&mut w, &octets);
        w.end();
        Ok(w.finish())
    }

    fn write_key(&self, w: &mut Writer, key: &[u8]) -> Result<(), CryptoError> {
        w.start(ENCRYPTED_KEY);
        w.optional_attribute(Name::local("Recipient"), self.recipient.as_deref());
        w.start(ENCRYPTION_METHOD);
        // [XMLEnc] 5.5.2: the older identifier where it suffices.
        let names_mgf = self.oaep.mgf1 != DigestAlgorithm::Sha1;
        w.attribute(ALGORITHM, if names_mgf { OAEP } else { OAEP_MGF1P });
        w.start(Name::ds("DigestMethod"));
        w.attribute(ALGORITHM, self.oaep.digest.uri());
        w.end();
        if names_mgf {
            let uri = mgf1_uri(self.oaep.mgf1).ok_or(CryptoError::UnsupportedEncryption {
                provider: self.provider.name,
                algorithm: "MGF1 with this digest",
            })?;
            w.start(MGF);
            w.attribute(ALGORITHM, uri);
            w.end();
        }
        w.end();
        if let Some(certificate) = &self.certificate {
            w.start(KEY_INFO);
            w.start(Name::ds("X509Data"));
            w.element(Name::ds("X509Certificate"), &certificate.to_base64());
            w.end();
            w.end();
        }
        write_cipher_data(w, key);
        w.end();
        Ok(())
    }
}

fn write_cipher_data(w: &mut Writer, octets: &[u8]) {
    w.start(CIPHER_DATA);
    w.element(CIPHER_VALUE, &STANDARD.encode(octets));
    w.end();
}
