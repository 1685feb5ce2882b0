//! No octets but those that the seeds' signers signed are ever given out.
#![no_main]

use federate_crypto::{Certificate, CryptoProvider, VerifyingKey, aws_lc_provider};
use federate_xml::dsig::own_signature;
use federate_xml::{Document, Element, Limits, SignaturePolicy, TrustedKeys, VerificationContext};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

/// Really signed documents: mutations of them are near acceptance.
const SEEDS: [&[u8]; 3] = [
    include_bytes!("../seeds/verify/assertion.xml"),
    include_bytes!("../seeds/verify/response.xml"),
    include_bytes!("../seeds/verify/xmlsec1.xml"),
];

const CERTIFICATE: &str = include_str!("../seeds/certificate.pem");

struct Fixed {
    provider: CryptoProvider,
    keys: TrustedKeys,
    /// The canonical octets of everything that was signed.
    signed: Vec<Vec<u8>>,
}

fn walk<'d>(element: Element<'d>, visit: &mut dyn FnMut(Element<'d>)) {
    visit(element);
    for child in element.child_elements() {
        walk(child, visit);
    }
}

fn verified(octets: &[u8], provider: &CryptoProvider, keys: &TrustedKeys) -> Vec<Vec<u8>> {
    let policy = SignaturePolicy::default();
    let context = VerificationContext {
        provider,
        policy: &policy,
        now: chrono::DateTime::UNIX_EPOCH,
    };
    let mut found = Vec::new();
    if let Ok(document) = Document::parse(octets, &Limits::default()) {
        walk(document.root(), &mut |element| {
            // One element, one signature: what has none cannot be accepted, and costs nothing.
            if matches!(own_signature(element), Ok(None)) {
                assert!(context.verify_enveloped(element, keys).is_err());
            } else if let Ok(signed) = context.verify_enveloped(element, keys) {
                found.push(signed.octets().to_vec());
            }
        });
    }
    found
}

fn fixed() -> &'static Fixed {
    static FIXED: OnceLock<Fixed> = OnceLock::new();
    FIXED.get_or_init(|| {
        let provider = aws_lc_provider();
        let certificate = Certificate::from_pem(CERTIFICATE).expect("our certificate");
        let key = VerifyingKey::new(&provider, certificate.public_key().clone());
        let keys = TrustedKeys::from(key.expect("our key"));
        let signed: Vec<_> = SEEDS
            .iter()
            .flat_map(|seed| verified(seed, &provider, &keys))
            .collect();
        assert_eq!(signed.len(), 4, "the seeds verify");
        Fixed {
            provider,
            keys,
            signed,
        }
    })
}

fuzz_target!(|octets: &[u8]| {
    let fixed = fixed();
    for accepted in verified(octets, &fixed.provider, &fixed.keys) {
        assert!(
            fixed.signed.contains(&accepted),
            "accepted what nobody signed: {}",
            String::from_utf8_lossy(&accepted)
        );
    }
});
