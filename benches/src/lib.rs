//! What the benches measure: one sign-on, issued and validated, beside the RSA operations
//! that no implementation can do without.

pub mod federation;

use chrono::{DateTime, TimeDelta, Utc};
use federate::crypto::{
    CryptoProvider, DigestAlgorithm, SignatureAlgorithm, SigningKey, VerifyingKey, self_signed,
};
use federate::saml::{
    Attribute, IssuePolicy, Login, LoginExpectation, LoginPolicy, Response, SentRequest,
    ValidatedLogin, issue_response, validate_response, verify_response,
};
use federate::types::{EntityId, MessageId, NameId, NameIdFormat, Provenance, SessionIndex};
use federate::xml::{
    Canonicalization, Document, Limits, SignaturePolicy, Signer, TrustedKeys, Unverified,
    VerificationContext, Writer, canonicalize,
};
use std::error::Error;
use std::sync::Arc;

/// A sign-on between one identity provider and one service provider.
pub struct Workbench {
    provider: CryptoProvider,
    now: DateTime<Utc>,
    idp: EntityId,
    sp: EntityId,
    request: SentRequest,
    key: Arc<dyn SigningKey>,
    verifying_key: VerifyingKey,
    signer: Signer,
    keys: TrustedKeys,
    policy: IssuePolicy,
    attributes: Vec<Attribute>,
    signature: Vec<u8>,
}

const ACS: &str = "https://sp.example/saml/acs";
const MESSAGE: &[u8; 1024] = &[b'm'; 1024];

impl Workbench {
    /// A workbench whose responses have about this many octets.
    ///
    /// # Errors
    /// When the provider cannot make a key.
    pub fn new(provider: CryptoProvider, octets: usize) -> Result<Self, Box<dyn Error>> {
        let now = Utc::now();
        let private = provider.keys.generate_rsa(2048)?;
        let key = provider
            .keys
            .load_signing_key(&private, SignatureAlgorithm::RsaSha256)?;
        let tomorrow = now + TimeDelta::days(1);
        let certificate = self_signed(&provider, &*key, "bench", now, tomorrow)?;
        let verifying_key = VerifyingKey::new(&provider, key.public_key().clone())?;
        let idp = EntityId::new("https://idp.example/metadata")?;
        let signature = key.sign(MESSAGE)?;
        let mut bench = Self {
            provider,
            now,
            sp: EntityId::new("https://sp.example/metadata")?,
            request: SentRequest {
                id: MessageId::from_random([1; 20]),
                identity_provider: Some(idp.clone()),
                issue_instant: now,
                force_authn: false,
                requested_authn_context: None,
            },
            idp,
            signer: Signer::new(provider, key.clone(), certificate)?,
            keys: TrustedKeys::from(verifying_key.clone()),
            key,
            verifying_key,
            policy: IssuePolicy::default(),
            attributes: Vec::new(),
            signature,
        };
        while bench.response()?.len() < octets {
            let number = bench.attributes.len();
            let name = format!("https://idp.example/claims/attribute-{number}");
            let value = format!("value {number} of alice.liddell@department.example");
            bench.attributes.push(Attribute::new(name, [value]));
        }
        Ok(bench)
    }

    /// The provider's name.
    #[must_use]
    pub const fn provider(&self) -> &'static str {
        self.provider.name
    }

    /// One raw signature.
    ///
    /// # Errors
    /// When the key refuses.
    pub fn raw_sign(&self) -> Result<Vec<u8>, Box<dyn Error>> {
        Ok(self.key.sign(MESSAGE)?)
    }

    /// One raw verification.
    ///
    /// # Errors
    /// When the signature is wrong.
    pub fn raw_verify(&self) -> Result<(), Box<dyn Error>> {
        let algorithm = SignatureAlgorithm::RsaSha256;
        Ok(self
            .verifying_key
            .verify(algorithm, MESSAGE, &self.signature)?)
    }

    /// One SHA-256 over the octets.
    #[must_use]
    pub fn raw_digest(&self, octets: &[u8]) -> u8 {
        let digest = self.provider.digester;
        let digest = digest.digest(DigestAlgorithm::Sha256, octets);
        digest.as_bytes().first().copied().unwrap_or_default()
    }

    /// Builds, signs and writes one response.
    ///
    /// # Errors
    /// When the key refuses.
    pub fn issue(&self) -> Result<Vec<u8>, Box<dyn Error>> {
        self.response()
    }

    fn response(&self) -> Result<Vec<u8>, Box<dyn Error>> {
        let login = Login {
            identity_provider: &self.idp,
            service_provider: &self.sp,
            assertion_consumer_service: ACS,
            in_response_to: Some(&self.request.id),
            name_id: NameId::new("alice@example.com", Some(NameIdFormat::EmailAddress))?,
            attributes: &self.attributes,
            authn_instant: self.now,
            authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            session_index: SessionIndex::new("_session")?,
            session_not_on_or_after: self.now + TimeDelta::days(7),
            provenance: &Provenance::default(),
        };
        let ids = [2, 3].map(|n| MessageId::from_random([n; 20]));
        let [response, assertion] = ids;
        Ok(issue_response(
            &login,
            response,
            assertion,
            &self.policy,
            &self.signer,
            self.now,
        )?)
    }

    /// Signs a document that was written before.
    ///
    /// # Errors
    /// When the key refuses.
    pub fn sign(&self, written: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut w = Writer::new();
        w.embed(written);
        Ok(self.signer.sign(w, &self.request.id)?)
    }

    /// Parses octets into a tree.
    ///
    /// # Errors
    /// When they are refused.
    pub fn parse(&self, octets: &[u8]) -> Result<usize, Box<dyn Error>> {
        let document = Document::parse(octets, &Limits::default())?;
        Ok(document.root().local_name().len())
    }

    /// Canonicalizes a parsed document and hashes the result.
    pub fn canonicalize(&self, document: &Document<'_>) -> u8 {
        let mut octets = Vec::with_capacity(16 * 1024);
        let method = Canonicalization::default();
        canonicalize(document.root(), None, &method, &mut octets);
        self.raw_digest(&octets)
    }

    /// Verifies the signature of a response's assertion: parses the response, verifies, and
    /// parses what was signed.
    ///
    /// # Errors
    /// When it is refused.
    pub fn verify(&self, response: &[u8]) -> Result<usize, Box<dyn Error>> {
        let limits = Limits::default();
        let response = Document::parse(response, &limits)?;
        let assertion = response.root().child_elements().last();
        let policy = SignaturePolicy::default();
        let octets = self
            .context(&policy)
            .verify_enveloped(assertion.ok_or("an empty response")?, &self.keys)?;
        let signed = octets.document(&limits)?;
        Ok(signed.root().local_name().len())
    }

    fn context<'a>(&'a self, policy: &'a SignaturePolicy) -> VerificationContext<'a> {
        VerificationContext {
            provider: &self.provider,
            policy,
            now: self.now,
        }
    }

    /// Parses, verifies and validates one response.
    ///
    /// # Errors
    /// When it is refused.
    pub fn validate(&self, response: &[u8]) -> Result<ValidatedLogin, Box<dyn Error>> {
        let response = Unverified::<Response>::parse(response, &Limits::default())?;
        let policy = SignaturePolicy::default();
        let verified = verify_response(&response, &self.keys, &self.context(&policy), None)?;
        let expectation = LoginExpectation {
            service_provider: &self.sp,
            assertion_consumer_service: ACS,
            identity_provider: &self.idp,
            request: Some(&self.request),
            now: self.now,
            policy: &LoginPolicy::default(),
        };
        Ok(validate_response(verified, &expectation)?)
    }
}
