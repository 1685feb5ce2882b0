//! A reader of XML signatures of every form that the library's canonicalization can serve.

use federate_crypto::{
    CryptoProvider, DigestAlgorithm, PublicKey, SignatureAlgorithm, VerifyingKey, aws_lc_provider,
    rustcrypto_provider,
};
use federate_xml::{Document, Element, canonicalize};
use std::collections::BTreeSet;
use std::path::Path;

use super::Why;
use super::key_info::{below, decoded};
use super::reference::{child, method, octets};

/// Keys of HMAC that the suites name in their descriptions.
const SECRETS: [&[u8]; 3] = [b"secret", b"test", b"testkey"];

/// What became of a signature.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// What could not be judged, or was found wrong.
    pub(super) why: BTreeSet<Why>,
    /// The canonical form of SignedInfo.
    pub(super) signed_info: Option<Vec<u8>>,
    /// Whether the value is the signature of that form.
    pub(super) verified: bool,
    /// The octets of each reference, and whether they have the digest.
    pub(super) references: Vec<Result<Vec<u8>, Why>>,
}

/// [RFC2104], of any digest.
fn hmac(algorithm: DigestAlgorithm, key: &[u8], octets: &[u8]) -> Vec<u8> {
    let digest = |octets: &[u8]| {
        let provider = aws_lc_provider();
        provider
            .digester
            .digest(algorithm, octets)
            .as_bytes()
            .to_vec()
    };
    let block = match algorithm {
        DigestAlgorithm::Sha1 | DigestAlgorithm::Sha256 => 64,
        _ => 128,
    };
    let pad = |with: u8| {
        let mut pad: Vec<u8> = key.iter().map(|b| b ^ with).collect();
        pad.resize(block, with);
        pad
    };
    let inner = digest(&[&pad(0x36), octets].concat());
    digest(&[pad(0x5c), inner].concat())
}

fn hmac_algorithm(uri: &str) -> Option<DigestAlgorithm> {
    Some(match uri.split_once("#hmac-")?.1 {
        "sha1" => DigestAlgorithm::Sha1,
        "sha256" => DigestAlgorithm::Sha256,
        "sha384" => DigestAlgorithm::Sha384,
        "sha512" => DigestAlgorithm::Sha512,
        _ => return None,
    })
}

/// Why there is no such signature algorithm here.
fn unknown(uri: &str) -> Why {
    let name = uri.rsplit('#').next().unwrap_or_default();
    let has = |part: &str| name.contains(part);
    match () {
        () if has("hmac") => Why::Hmac,
        () if has("slh-dsa") || has("ml-dsa") || has("mldsa") => Why::Signature,
        () if has("ecdsa") => Why::Ecdsa,
        () if has("eddsa") => Why::Signature,
        () if has("dsa") => Why::Dsa,
        () if has("rsa") => Why::Rsa,
        () => Why::Signature,
    }
}

fn made_by(
    keys: &[PublicKey],
    algorithm: SignatureAlgorithm,
    signed: &[u8],
    value: &[u8],
    providers: &[CryptoProvider],
) -> bool {
    let mut fitting = keys.iter().filter(|key| algorithm.accepts(key.key_type()));
    fitting.any(|key| {
        providers.iter().any(|provider| {
            VerifyingKey::new(provider, key.clone())
                .is_ok_and(|key| key.verify(algorithm, signed, value).is_ok())
        })
    })
}

impl Judgement {
    /// Judges the signature by the keys that it brings, or else by those that lie beside it.
    pub(super) fn of(
        signature: Element<'_>,
        document: &Document<'_>,
        folder: &Path,
        beside: &[PublicKey],
    ) -> Self {
        let mut judgement = Self::default();
        if let Err(why) = judgement.value(signature, beside) {
            judgement.why.insert(why);
        }
        let signed_info = child(signature, "SignedInfo");
        let inside = signed_info.into_iter().flat_map(|e| e.child_elements());
        for reference in inside.filter(|e| e.local_name() == "Reference") {
            let result = digested(reference, signature, document, folder);
            judgement.why.extend(result.as_ref().err());
            judgement.references.push(result);
        }
        if judgement.why.contains(&Why::Template) {
            judgement.why = [Why::Template].into();
        }
        judgement
    }

    fn value(&mut self, signature: Element<'_>, beside: &[PublicKey]) -> Result<(), Why> {
        let signed_info = child(signature, "SignedInfo").ok_or(Why::Template)?;
        let value = child(signature, "SignatureValue").ok_or(Why::Template)?;
        let value = value.text().ok().and_then(|text| decoded(&text));
        let value = value.filter(|v| !v.is_empty()).ok_or(Why::Template)?;
        let canonicalization =
            child(signed_info, "CanonicalizationMethod").ok_or(Why::Canonicalization)?;
        let mut octets = Vec::new();
        let canonicalization = method(canonicalization)?;
        canonicalize(signed_info, None, &canonicalization, &mut octets);
        let signed = &*self.signed_info.insert(octets);

        let signature_method = child(signed_info, "SignatureMethod").ok_or(Why::Signature)?;
        let uri = signature_method.attribute("Algorithm").unwrap_or_default();
        if let Some(algorithm) = hmac_algorithm(uri) {
            // A cut one says little of what it is over.
            if child(signature_method, "HMACOutputLength").is_some() {
                return Err(Why::Hmac);
            }
            let made = |secret: &&[u8]| hmac(algorithm, secret, signed) == value;
            self.verified = SECRETS.iter().any(made);
            return if self.verified {
                Ok(())
            } else {
                Err(Why::NoKey)
            };
        }
        let algorithm = SignatureAlgorithm::from_uri(uri).ok_or_else(|| unknown(uri))?;
        let inside = below(signature);
        let providers = [aws_lc_provider(), rustcrypto_provider()];
        let made = |keys| made_by(keys, algorithm, signed, &value, &providers);
        self.verified = made(&inside) || made(beside);
        let fits = |key: &PublicKey| algorithm.accepts(key.key_type());
        match self.verified {
            true => Ok(()),
            false if inside.iter().any(fits) => Err(Why::BadValue),
            false => Err(Why::NoKey),
        }
    }
}

/// The octets that a reference leads to, if they have its digest.
fn digested(
    reference: Element<'_>,
    signature: Element<'_>,
    document: &Document<'_>,
    folder: &Path,
) -> Result<Vec<u8>, Why> {
    let algorithm = child(reference, "DigestMethod").ok_or(Why::Digest)?;
    let algorithm = algorithm.attribute("Algorithm").unwrap_or_default();
    let algorithm = DigestAlgorithm::from_uri(algorithm).ok_or(Why::Digest)?;
    let octets = octets(reference, signature, document, folder)?;
    let value = child(reference, "DigestValue").ok_or(Why::Template)?;
    let value = value.text().ok().and_then(|text| decoded(&text));
    let value = value.filter(|v| !v.is_empty()).ok_or(Why::Template)?;
    let digest = aws_lc_provider().digester.digest(algorithm, &octets);
    match digest.matches(&value) {
        true => Ok(octets),
        false => Err(Why::BadDigest),
    }
}
