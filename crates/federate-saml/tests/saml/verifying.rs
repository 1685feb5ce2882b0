//! B3 and A117 at the level of responses: the signature first, and nothing instead of it.

use crate::support::*;
use federate_crypto::{
    CryptoError, CryptoProvider, Curve, KeyBackend, PrivateKey, PublicKey, SignatureAlgorithm,
    SigningKey, Verifier, VerifyingKey,
};
use federate_saml::{Response, SamlError, SignedPart, VerifiedResponse, verify_response};
use federate_testkit::keys;
use federate_xml::{
    Limits, ReadError, ReadProblem, SignatureError, TrustedKeys, Unverified, XmlError,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const WRONG_KEY: SignatureError = SignatureError::WrongKey { tried: 1 };

/// Keys that say of a signature what they are told to say, whatever it is.
struct Puppets(fn() -> bool);

impl KeyBackend for Puppets {
    fn verifier(&self, _: &PublicKey) -> Result<Box<dyn Verifier>, CryptoError> {
        Ok(Box::new(Puppets(self.0)))
    }

    fn load_signing_key(
        &self,
        _: &PrivateKey,
        _: SignatureAlgorithm,
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        Err(CryptoError::Random)
    }

    fn generate_rsa(&self, _: u32) -> Result<PrivateKey, CryptoError> {
        Err(CryptoError::Random)
    }

    fn generate_ec(&self, _: Curve) -> Result<PrivateKey, CryptoError> {
        Err(CryptoError::Random)
    }

    fn generate_ed25519(&self) -> Result<PrivateKey, CryptoError> {
        Err(CryptoError::Random)
    }
}

impl Verifier for Puppets {
    fn verify(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Result<(), CryptoError> {
        if (self.0)() {
            Ok(())
        } else {
            Err(CryptoError::BadSignature)
        }
    }
}

fn keys_of(puppets: &'static Puppets) -> TrustedKeys {
    let provider = CryptoProvider {
        keys: puppets,
        ..provider()
    };
    let key = keys::certificate().public_key().clone();
    VerifyingKey::new(&provider, key).unwrap().into()
}

fn verified_by(xml: &str, keys: &TrustedKeys) -> Result<VerifiedResponse, SamlError> {
    let response = Unverified::<Response>::parse(xml.as_bytes(), &Limits::default())?;
    with_context(|c| verify_response(&response, keys, c, None))
}

/// The honest message without any signature.
fn stripped(message: &Honest) -> String {
    around(&message.response, &[&assertion_text(&message.assertion)])
}

/// The message signed by the attacker, in the same places.
fn forged(message: &Honest) -> String {
    let mut text = assertion_text(&message.assertion);
    if message.part != SignedPart::Response {
        text = sign_text(&attacker(), &text, &message.assertion.id);
    }
    let text = around(&message.response, &[&text]);
    match message.part {
        SignedPart::Assertion => text,
        _ => sign_text(&attacker(), &text, &message.response.id),
    }
}

/// A key that says nothing against a signature is not asked where there is none, and vouches for
/// no other content than the signature's. One that says no is believed, and one that does not
/// fit says nothing.
#[test]
fn a084_returning_is_not_success() {
    static YES: Puppets = Puppets(|| true);
    static NO: Puppets = Puppets(|| false);
    let (yes, no) = (keys_of(&YES), keys_of(&NO));
    let of_another_kind = keys::prepare(&provider(), &keys::ec_certificate()).into();
    for part in PARTS {
        let message = honest(part);
        assert!(verified_by(&message.xml(), &yes).is_ok());
        let missing = verified_by(&stripped(&message), &yes);
        unsigned(missing, SignatureError::Missing, "signature.missing");
        let changed = swap(&message.xml(), ALICE, "mallory@example.com");
        let mismatch = verified_by(&changed, &yes);
        unsigned(
            mismatch,
            SignatureError::DigestMismatch,
            "signature.digest_mismatch",
        );
        let wrong = verified_by(&message.xml(), &no);
        unsigned(wrong, WRONG_KEY, "signature.wrong_key");
        let unusable = verified_by(&message.xml(), &of_another_kind);
        unsigned(
            unusable,
            SignatureError::NoUsableKey { tried: 1 },
            "signature.no_usable_key",
        );
    }
}

/// Whatever else there is to say of a message, the signature's result comes first; and nothing
/// is accepted before every one of its signatures was asked about.
#[test]
fn a085_no_result_before_the_signatures() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    static COUNTING: Puppets = Puppets(|| {
        CALLS.fetch_add(1, Ordering::Relaxed);
        true
    });
    static FIRST_ONLY: Puppets = Puppets(|| CALLS.fetch_add(1, Ordering::Relaxed) == 0);
    for (part, signatures) in PARTS.into_iter().zip([1, 1, 2]) {
        let message = honest(part);
        CALLS.store(0, Ordering::Relaxed);
        assert!(verified_by(&message.xml(), &keys_of(&COUNTING)).is_ok());
        assert_eq!(CALLS.load(Ordering::Relaxed), signatures);
        CALLS.store(0, Ordering::Relaxed);
        let result = verified_by(&message.xml(), &keys_of(&FIRST_ONLY));
        match signatures {
            1 => drop(result.unwrap()),
            _ => unsigned(result, WRONG_KEY, "signature.wrong_key"),
        }

        // Wrong by every rule, and not told which.
        let mut wrong = message;
        wrong.response.destination = Some("https://other.example".to_owned());
        wrong.response.issuer = Some(entity("https://other.example"));
        wrong.assertion.issuer = entity("https://other.example");
        wrong.assertion.conditions = None;
        wrong.assertion.authn_statements.clear();
        let mut late = expect();
        late.now += seconds(1_000_000);
        unsigned(
            accept(&forged(&wrong), &late),
            WRONG_KEY,
            "signature.wrong_key",
        );
        let missing = accept(&stripped(&wrong), &late);
        unsigned(missing, SignatureError::Missing, "signature.missing");
    }
}

/// Attributes that cannot be read are noticed only once a signature was verified: before that
/// nobody has read them.
#[test]
fn a117_nothing_of_an_assertion_is_read_before_its_signature() {
    let (from, to) = (
        "<saml:AttributeValue",
        "<saml:Gadget></saml:Gadget><saml:AttributeValue",
    );
    let code = "schema.unexpected_element";
    let error = ReadError::new("Attribute", ReadProblem::UnexpectedElement);
    for part in PARTS {
        let message = honest(part);
        let honest = message.xml_edited(|a| swap(a, from, to), str::to_owned);
        fails(
            accept(&honest, &expect()),
            XmlError::from(error.clone()),
            code,
        );
        let bent = swap(&stripped(&message), from, to);
        let missing = accept(&bent, &expect());
        unsigned(missing, SignatureError::Missing, "signature.missing");
        let forged = forged(&message);
        unsigned(accept(&forged, &expect()), WRONG_KEY, "signature.wrong_key");
        let bent = swap(&forged, from, to);
        unsigned(accept(&bent, &expect()), WRONG_KEY, "signature.wrong_key");
        let changed = swap(&message.xml(), from, to);
        let mismatch = SignatureError::DigestMismatch;
        unsigned(
            accept(&changed, &expect()),
            mismatch,
            "signature.digest_mismatch",
        );
    }
}
