//! B3 of the catalogue: keys, algorithms, trust.

use crate::support::*;
use federate_crypto::{SignatureAlgorithm as Algorithm, SigningKey, VerifyingKey};
use federate_testkit::keys;
use federate_xml::dsig::SignatureStructure as Structure;
use federate_xml::{DS, SignatureError, SignaturePolicy, Signer, TrustedKeys};
use std::sync::Arc;

const UNKNOWN: &str = "an unknown algorithm";
const SIGNATURE: &str = "the signature algorithm";
const WRONG_KEY: SignatureError = SignatureError::WrongKey { tried: 1 };

/// The honest assertion, with a SignatureMethod of this identifier and inside, signed by `key`.
fn signed_as(key: &Arc<dyn SigningKey>, uri: &str, inside: &str) -> String {
    let bare = assertion("_a", ALICE);
    let mut info = Info::new([reference("#_a", &bare)]);
    info.method = algorithm("SignatureMethod", uri, inside);
    insert(&bare, &info.sign_with(key))
}

fn own_key() -> Arc<dyn SigningKey> {
    keys::signing_key(&provider())
}

fn by_another() -> String {
    let provider = provider();
    let key = keys::other_signing_key(&provider);
    let signer = Signer::new(provider, key, keys::other_certificate()).unwrap();
    sign(&signer, "mallory@example.com")
}

#[test]
fn a071_certificate_of_the_attacker_in_key_info() {
    // Signed by the attacker, who also sends the certificate that verifies it.
    let forged = by_another();
    assert!(forged.contains(&keys::other_certificate().to_base64()));
    refused(verify(&forged), WRONG_KEY, "signature.wrong_key");
}

#[test]
fn a072_the_right_certificate_in_key_info_of_a_wrong_signature() {
    let forged = swap(
        &by_another(),
        &keys::other_certificate().to_base64(),
        &keys::certificate().to_base64(),
    );
    refused(verify(&forged), WRONG_KEY, "signature.wrong_key");
}

#[test]
fn a072_a_certificate_with_the_same_subject_is_another_key() {
    let provider = provider();
    let key = keys::other_signing_key(&provider);
    let (from, to) = (
        keys::certificate().not_before(),
        keys::certificate().not_after(),
    );
    let cloned = federate_crypto::self_signed(&provider, &*key, "Federate test", from, to).unwrap();
    assert_eq!(cloned.subject(), keys::certificate().subject());
    let signer = Signer::new(provider, key, cloned).unwrap();
    refused(
        verify(&sign(&signer, ALICE)),
        WRONG_KEY,
        "signature.wrong_key",
    );
}

#[test]
fn a073_a074_nothing_in_key_info_is_followed() {
    // Whatever stands there, the outcome is that of the configured key.
    let modulus = "AQAB".repeat(64);
    let contents = [
        String::new(),
        format!(
            "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus>\
             <ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
        ),
        "<ds11:DEREncodedKeyValue xmlns:ds11=\"http://www.w3.org/2009/xmldsig11#\">AQAB\
         </ds11:DEREncodedKeyValue>"
            .to_owned(),
        "<ds:RetrievalMethod URI=\"http://192.0.2.1/key\"/>".to_owned(),
        "<ds:RetrievalMethod URI=\"file:///etc/passwd\"/>".to_owned(),
        "<ds:RetrievalMethod URI=\"#k\"/>".to_owned(),
        "<ds11:KeyInfoReference xmlns:ds11=\"http://www.w3.org/2009/xmldsig11#\" URI=\"#k\"/>"
            .to_owned(),
        "<ds:X509Data><ds:X509Certificate>not base64!</ds:X509Certificate></ds:X509Data>"
            .to_owned(),
        "<ds:KeyName>' or 1=1</ds:KeyName>text".to_owned(),
        "<ds:X509Data/><ds:X509Data/><ds:Signature/>".to_owned(),
    ];
    for (document, good) in [(signed(), true), (by_another(), false)] {
        let (before, _, after) = cut(&document, "ds:KeyInfo");
        for content in &contents {
            let info = format!("<ds:KeyInfo Id=\"k\">{content}</ds:KeyInfo>");
            let document = format!("{before}{info}{after}");
            if good {
                assert_eq!(verify(&document).unwrap().name_id, ALICE);
            } else {
                refused(verify(&document), WRONG_KEY, "signature.wrong_key");
            }
        }
        // Without KeyInfo it is the same.
        let document = format!("{before}{after}");
        assert_eq!(verify(&document).is_ok(), good);
    }
}

#[test]
fn a075_hmac_with_the_public_key_as_secret() {
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512",
    ] {
        algorithm_refused(verify(&signed_as(&own_key(), uri, "")), SIGNATURE, UNKNOWN);
    }
}

#[test]
fn a076_hmac_output_length() {
    // CVE-2009-0217. No algorithm of ours has a parameter: whatever it is, it is refused.
    let length = "<ds:HMACOutputLength>1</ds:HMACOutputLength>";
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        Algorithm::RsaSha256.uri(),
    ] {
        let document = signed_as(&own_key(), uri, length);
        malformed(verify(&document), Structure::Elements);
    }
}

#[test]
fn a077_unknown_algorithms_have_no_default() {
    let lower = Algorithm::RsaSha256.uri().to_uppercase();
    let padded = format!(" {}", Algorithm::RsaSha256.uri());
    for uri in ["urn:x", "", "rsa-sha256", &lower, &padded] {
        algorithm_refused(verify(&signed_as(&own_key(), uri, "")), SIGNATURE, UNKNOWN);
    }
    // No identifier at all.
    let document = signed_as(&own_key(), Algorithm::RsaSha256.uri(), "");
    let attribute = format!(" Algorithm=\"{}\"", Algorithm::RsaSha256.uri());
    malformed(
        verify(&swap(&document, &attribute, "")),
        Structure::Elements,
    );
    // The digest's identifier is read from octets that were verified, and is no freer.
    let bare = assertion("_a", ALICE);
    let transforms = algorithm("Transform", ENVELOPED, "") + &algorithm("Transform", EXCLUSIVE, "");
    let reference = reference_raw(
        " URI=\"#_a\"",
        &transforms,
        "urn:x",
        "<ds:DigestValue>AAAA</ds:DigestValue>",
    );
    algorithm_refused(
        verify(&insert(&bare, &Info::new([reference]).sign())),
        "the digest algorithm",
        UNKNOWN,
    );
}

#[test]
fn a078_weak_algorithms() {
    // Those that we do not know at all.
    for uri in [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
    ] {
        algorithm_refused(verify(&signed_as(&own_key(), uri, "")), SIGNATURE, UNKNOWN);
    }
    // SHA-1 is known, and refused until somebody says otherwise, for as long as they say.
    let sha1 = Algorithm::RsaSha1.uri();
    let document = signed_as(&own_key(), sha1, "");
    algorithm_refused(verify(&document), SIGNATURE, sha1);
    let over = SignaturePolicy::default().dangerous_allow_sha1(keys::fixed_now());
    algorithm_refused(verify_with(&document, &trusted(), &over), SIGNATURE, sha1);
    let moment = chrono_second();
    let open = SignaturePolicy::default().dangerous_allow_sha1(keys::fixed_now() + moment);
    // Our keys never sign with SHA-1, so the value is wrong, but it is looked at now.
    refused(
        verify_with(&document, &trusted(), &open),
        WRONG_KEY,
        "signature.wrong_key",
    );
}

#[test]
fn a078_weak_keys() {
    let weak: TrustedKeys = keys::prepare(&provider(), &keys::weak_certificate()).into();
    let strict = SignaturePolicy::default();
    let unusable = SignatureError::NoUsableKey { tried: 1 };
    refused(
        verify_with(&signed(), &weak, &strict),
        unusable.clone(),
        "signature.no_usable_key",
    );
    let over = SignaturePolicy::default().dangerous_allow_rsa_1024(keys::fixed_now());
    refused(
        verify_with(&signed(), &weak, &over),
        unusable,
        "signature.no_usable_key",
    );
    let until = keys::fixed_now() + chrono_second();
    let open = SignaturePolicy::default().dangerous_allow_rsa_1024(until);
    refused(
        verify_with(&signed(), &weak, &open),
        WRONG_KEY,
        "signature.wrong_key",
    );
}

fn chrono_second() -> std::time::Duration {
    std::time::Duration::from_secs(1)
}

#[test]
fn a079_key_of_another_type() {
    let provider = provider();
    let ec: TrustedKeys = keys::prepare(&provider, &keys::ec_certificate()).into();
    let strict = SignaturePolicy::default();
    let unusable = SignatureError::NoUsableKey { tried: 1 };
    refused(
        verify_with(&signed(), &ec, &strict),
        unusable.clone(),
        "signature.no_usable_key",
    );
    // An ECDSA identifier on an RSA signature, with only an RSA key trusted.
    let document = signed_as(&own_key(), Algorithm::EcdsaSha256.uri(), "");
    refused(
        verify(&document),
        unusable.clone(),
        "signature.no_usable_key",
    );
    let document = signed_as(&own_key(), Algorithm::Ed25519.uri(), "");
    refused(verify(&document), unusable, "signature.no_usable_key");
}

#[test]
fn a080_other_rsa_paddings_and_digests() {
    // A good PKCS#1 v1.5 signature under the name of another algorithm, and the reverse.
    let pss = keys::signing_key_with(&provider(), Algorithm::RsaPssSha256);
    for (key, named) in [
        (own_key(), Algorithm::RsaPssSha256),
        (own_key(), Algorithm::RsaSha512),
        (pss.clone(), Algorithm::RsaSha256),
        (pss.clone(), Algorithm::RsaPssSha512),
    ] {
        refused(
            verify(&signed_as(&key, named.uri(), "")),
            WRONG_KEY,
            "signature.wrong_key",
        );
    }
    let good = signed_as(&pss, Algorithm::RsaPssSha256.uri(), "");
    assert_eq!(verify(&good).unwrap().name_id, ALICE);
}

#[test]
fn a080_a083_values_of_every_wrong_length() {
    let bare = assertion("_a", ALICE);
    let info = Info::new([reference("#_a", &bare)]).inside();
    let octets = format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{info}</ds:SignedInfo>");
    let good = own_key().sign(octets.as_bytes()).unwrap();
    assert!(verify(&insert(&bare, &signature(&info, &good))).is_ok());
    let with_zero = [&[0], &good[..]].concat();
    let with_more = [&good[..], &[0]].concat();
    let half = good.len() / 2;
    for value in [
        &[0][..],
        &[1],
        &[0; 256],
        &[0xff; 256],
        &good[1..],
        &good[..half],
        &with_zero,
        &with_more,
        &vec![1; 100_000],
    ] {
        refused(
            verify(&insert(&bare, &signature(&info, value))),
            WRONG_KEY,
            "signature.wrong_key",
        );
    }
}

#[test]
fn a081_ecdsa_edge_values() {
    let provider = provider();
    let key = keys::ec_signing_key(&provider);
    let signer = Signer::new(provider, key.clone(), keys::ec_certificate()).unwrap();
    let trusted: TrustedKeys = keys::prepare(&provider, &keys::ec_certificate()).into();
    let strict = SignaturePolicy::default();
    let document = sign(&signer, ALICE);
    let verified = verify_with(&document, &trusted, &strict).unwrap();
    assert_eq!(verified.signed_by().algorithm, Algorithm::EcdsaSha256);

    let bare = assertion("_a", ALICE);
    let mut info = Info::new([reference("#_a", &bare)]);
    info.method = algorithm("SignatureMethod", Algorithm::EcdsaSha256.uri(), "");
    let info = info.inside();
    let octets = format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{info}</ds:SignedInfo>");
    let good = key.sign(octets.as_bytes()).unwrap();
    assert_eq!(good.len(), 64);
    assert!(verify_with(&insert(&bare, &signature(&info, &good)), &trusted, &strict).is_ok());
    let (r, s) = good.split_at(32);
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    // As DER, which XML signatures do not use.
    let part = |value: &[u8]| [&[2, 33, 0][..], value].concat();
    let der = [&[0x30, 70][..], &part(r), &part(s)].concat();
    for value in [
        vec![0; 64], // CVE-2022-21449
        [r, &[0; 32]].concat(),
        [&[0; 32], s].concat(),
        [r, &order].concat(),
        [&order[..], &order].concat(),
        [s, r].concat(),
        [&[0], r, &[0], s].concat(),
        good[..63].to_vec(),
        der,
    ] {
        refused(
            verify_with(&insert(&bare, &signature(&info, &value)), &trusted, &strict),
            WRONG_KEY,
            "signature.wrong_key",
        );
    }
}

#[test]
fn a082_digests_are_compared_whole() {
    use base64::Engine as _;
    let bare = assertion("_a", ALICE);
    let transforms = algorithm("Transform", ENVELOPED, "") + &algorithm("Transform", EXCLUSIVE, "");
    let sha256 = federate_crypto::DigestAlgorithm::Sha256;
    let full = provider().digester.digest(sha256, bare.as_bytes());
    let full = full.as_bytes();
    let encode = |octets: &[u8]| base64::engine::general_purpose::STANDARD.encode(octets);
    let signed_with = |text: &str| {
        let value = format!("<ds:DigestValue>{text}</ds:DigestValue>");
        let reference = reference_raw(" URI=\"#_a\"", &transforms, sha256.uri(), &value);
        insert(&bare, &Info::new([reference]).sign())
    };
    assert!(verify(&signed_with(&encode(full))).is_ok());
    let longer = [full, &[0]].concat();
    for value in [&full[..31], &full[..1], &longer, &[0; 32], b"0e1234"] {
        refused(
            verify(&signed_with(&encode(value))),
            SignatureError::DigestMismatch,
            "signature.digest_mismatch",
        );
    }
    // Base64 in another case is another value. (Of the last character only some bits count.)
    let text = encode(full);
    let (text, last) = text.split_at(42);
    let swapped: String = text
        .chars()
        .map(|c| {
            if c.is_lowercase() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    refused(
        verify(&signed_with(&(swapped + last))),
        SignatureError::DigestMismatch,
        "signature.digest_mismatch",
    );
    for text in ["", " ", "="] {
        malformed(verify(&signed_with(text)), Structure::Base64);
    }
}

/// A certificate is how a trusted key was handed over: its dates end nothing and begin nothing.
#[test]
fn a086_certificates_that_have_expired_or_do_not_hold_yet() {
    let provider = provider();
    let (now, day) = (keys::fixed_now(), chrono::TimeDelta::days(1));
    for (from, to) in [(-2, -1), (1, 2)] {
        let key = own_key();
        let (from, to) = (now + day * from, now + day * to);
        let certificate =
            federate_crypto::self_signed(&provider, &*key, "Federate test", from, to).unwrap();
        assert!(!certificate.is_valid_at(now));
        let trusted = keys::prepare(&provider, &certificate).into();
        let signer = Signer::new(provider, key, certificate).unwrap();
        let document = sign(&signer, ALICE);
        let strict = SignaturePolicy::default();
        let verified = verify_with(&document, &trusted, &strict).unwrap();
        assert_eq!(verified.name_id, ALICE);
        // Nor do the dates of the one in the message.
        assert_eq!(verify(&document).unwrap().name_id, ALICE);
        let other = keys::prepare(&provider, &keys::other_certificate()).into();
        refused(
            verify_with(&document, &other, &strict),
            WRONG_KEY,
            "signature.wrong_key",
        );
    }
}

#[test]
fn a087_keys_during_a_rollover() {
    let provider = provider();
    let old = keys::prepare(&provider, &keys::other_certificate());
    let new = keys::prepare(&provider, &keys::certificate());
    let strict = SignaturePolicy::default();
    let both = |keys: [VerifyingKey; 2]| TrustedKeys::new(keys).unwrap();
    for keys in [
        both([old.clone(), new.clone()]),
        both([new.clone(), old.clone()]),
    ] {
        let verified = verify_with(&signed(), &keys, &strict).unwrap();
        assert_eq!(verified.signed_by().key, *new.public_key());
    }
    // Once removed, the old key is nothing; and no keys are not "no signature needed".
    refused(verify(&by_another()), WRONG_KEY, "signature.wrong_key");
    assert!(TrustedKeys::new([]).is_none());
}

#[test]
fn every_algorithm_that_signs_verifies() {
    let provider = provider();
    for algorithm in Algorithm::ALL {
        if algorithm.key_type() != federate_crypto::KeyType::Rsa || algorithm == Algorithm::RsaSha1
        {
            continue;
        }
        let key = keys::signing_key_with(&provider, algorithm);
        let signer = Signer::new(provider, key, keys::certificate()).unwrap();
        let verified = verify(&sign(&signer, ALICE)).unwrap();
        assert_eq!(verified.signed_by().algorithm, algorithm);
    }
}

#[test]
fn a_certificate_of_another_key_makes_no_signer() {
    let provider = provider();
    let key = keys::signing_key(&provider);
    let error = Signer::new(provider, key, keys::other_certificate()).unwrap_err();
    assert_eq!(error.code(), "crypto.certificate_mismatch");
}
