use super::ENVELOPED;
use crate::c14n::EXCLUSIVE;
use crate::name::DS;
use crate::write::Writer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{
    Certificate, CryptoError, CryptoProvider, DigestAlgorithm, SignatureAlgorithm, SigningKey,
};
use federate_types::MessageId;
use std::sync::Arc;

/// A key that signs, with the certificate by which peers know it.
#[derive(Debug, Clone)]
pub struct Signer {
    provider: CryptoProvider,
    key: Arc<dyn SigningKey>,
    certificate: Certificate,
    /// `ds:KeyInfo` with the certificate, made once.
    key_info: String,
}

impl Signer {
    /// A signer that names its certificate in every signature: several peers refuse a
    /// signature without it, or with another one for the same key.
    ///
    /// # Errors
    /// [`CryptoError::KeyTypeMismatch`] when the certificate is for another key.
    pub fn new(
        provider: CryptoProvider,
        key: Arc<dyn SigningKey>,
        certificate: Certificate,
    ) -> Result<Self, CryptoError> {
        if certificate.public_key() != key.public_key() {
            return Err(CryptoError::CertificateMismatch);
        }
        let key_info = format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
            certificate.to_base64()
        );
        Ok(Self {
            provider,
            key,
            certificate,
            key_info,
        })
    }

    /// The certificate by which peers know the key.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The algorithm of the signatures.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }

    /// The cryptography that signs.
    #[must_use]
    pub const fn provider(&self) -> &CryptoProvider {
        &self.provider
    }

    /// Signs octets: the redirect binding's query.
    ///
    /// # Errors
    /// [`CryptoError`] when the key refuses, for example a module that is offline.
    pub fn sign_octets(&self, octets: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.key.sign(octets)
    }

    /// Finishes what was written with an enveloped signature (`[SAMLCore] 5.4`) where
    /// [`Writer::signature_belongs_here`] was called, or else at the end of the element.
    ///
    /// What the writer wrote is canonical, so its octets are hashed as they stand.
    ///
    /// # Errors
    /// [`CryptoError`] when the key refuses.
    pub fn sign(&self, writer: Writer, id: &MessageId) -> Result<Vec<u8>, CryptoError> {
        let at = writer.signature_position();
        let exclusive = match writer.value_prefixes() {
            [] => format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform>"),
            prefixes => format!(
                "<ds:Transform Algorithm=\"{EXCLUSIVE}\">\
                 <ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{}\">\
                 </ec:InclusiveNamespaces></ds:Transform>",
                prefixes.join(" ")
            ),
        };
        let octets = writer.finish();
        let at = at.unwrap_or_else(|| end_tag(&octets));
        let digest_algorithm = match self.key.algorithm() {
            SignatureAlgorithm::RsaSha384
            | SignatureAlgorithm::RsaPssSha384
            | SignatureAlgorithm::EcdsaSha384 => DigestAlgorithm::Sha384,
            SignatureAlgorithm::RsaSha512
            | SignatureAlgorithm::RsaPssSha512
            | SignatureAlgorithm::EcdsaSha512 => DigestAlgorithm::Sha512,
            _ => DigestAlgorithm::Sha256,
        };
        let digest = self.provider.digester.digest(digest_algorithm, &octets);
        // The canonical form of SignedInfo on its own declares the namespace; inside
        // ds:Signature, which has declared it, the same element is written without.
        let body = format!(
            "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
             {exclusive}</ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{digest_method}\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
            method = self.key.algorithm().uri(),
            digest_method = digest_algorithm.uri(),
            digest = STANDARD.encode(digest.as_bytes()),
        );
        let signed_info = format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{body}");
        let value = STANDARD.encode(self.key.sign(signed_info.as_bytes())?);
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>{body}\
             <ds:SignatureValue>{value}</ds:SignatureValue>{}</ds:Signature>",
            self.key_info
        );
        let (before, after) = octets.split_at_checked(at).unwrap_or((&octets, &[]));
        Ok([before, signature.as_bytes(), after].concat())
    }
}

/// Where the last end tag begins.
fn end_tag(octets: &[u8]) -> usize {
    octets
        .iter()
        .rposition(|b| *b == b'<')
        .unwrap_or(octets.len())
}
