//! Algorithms and the values they make: A050, A075 to A083, A103 to A105.

mod transforms;

use super::attacker::{bare_pem, digest, hmac};
use super::canonical::canonical;
use super::forge::{Id, forged};
use super::names::{DS, RSA_SHA1, RSA_SHA256, SHA1, SHA256};
use super::tree::{Element, Path, Tree};
use super::{Engine, Signed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const HMAC_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
const HMAC_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const DSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#dsa-sha1";

struct Parts {
    info: Path,
    method: Path,
    value: Path,
    digest: Path,
    digest_method: Path,
    canonicalization: Path,
}

impl Parts {
    fn of(engine: &Engine, s: &Signed) -> Option<Self> {
        let part = |local| engine.first(&s.at, DS, local);
        Some(Self {
            info: part("SignedInfo")?,
            method: part("SignatureMethod")?,
            value: part("SignatureValue")?,
            digest: part("DigestValue")?,
            digest_method: part("DigestMethod")?,
            canonicalization: part("CanonicalizationMethod")?,
        })
    }
}

pub(super) fn apply(engine: &mut Engine) {
    for s in engine.signatures.clone() {
        let Some(parts) = Parts::of(engine, &s) else {
            continue;
        };
        confusion(engine, &s, &parts);
        unknown(engine, &parts);
        weak(engine, &s, &parts);
        signature_values(engine, &parts);
        digest_values(engine, &parts);
        transforms::apply(engine, &s, &parts);
    }
}

/// The content forged, its digest right, and whatever else the attacker can make themselves.
fn forge(tree: &mut Tree, s: &Signed, p: &Parts, method: &str) {
    if s.parent == s.target {
        let signature = tree.element(&s.at).clone();
        let mut evil = forged(&tree.element(&s.target).clone(), Id::Same);
        while evil.children.len() < s.at[s.at.len() - 1] {
            evil.children.push(super::tree::Node::text(""));
        }
        evil.children.insert(s.at[s.at.len() - 1], signature.into());
        tree.replace(&s.target, evil);
        let right = digest(method, canonical(tree, &s.target, Some(&s.at)).as_bytes());
        tree.element_mut(&p.digest).set_text(&right);
        tree.element_mut(&p.digest_method).set("Algorithm", method);
    }
}

/// The public key as the secret of an HMAC.
fn confusion(engine: &mut Engine, s: &Signed, p: &Parts) {
    let own = engine.first(&[], DS, "X509Certificate");
    let own = own.and_then(|c| engine.tree.element(&c).only_text().map(str::to_owned));
    let base64: String = own
        .unwrap_or_else(|| bare_pem(crate::keys::RSA_CERTIFICATE))
        .split_whitespace()
        .collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    let der = STANDARD.decode(&base64).unwrap_or_default();
    for (what, secret) in [
        ("the certificate", der),
        ("its base64", base64.into_bytes()),
        ("its PEM", pem.into_bytes()),
        ("nothing", Vec::new()),
    ] {
        for (sha1, uri) in [(true, HMAC_SHA1), (false, HMAC_SHA256)] {
            let hmac_of = |t: &Tree| hmac(sha1, &secret, canonical(t, &p.info, None).as_bytes());
            engine.edit("A075", format!("{uri} by {what}"), |t| {
                forge(t, s, p, SHA256);
                t.element_mut(&p.method).set("Algorithm", uri);
                let value = STANDARD.encode(hmac_of(t));
                t.element_mut(&p.value).set_text(&value);
            });
            engine.edit("A075", format!("{uri} by {what}, content as it was"), |t| {
                t.element_mut(&p.method).set("Algorithm", uri);
                let value = STANDARD.encode(hmac_of(t));
                t.element_mut(&p.value).set_text(&value);
            });
        }
    }
    for (bits, octets) in [
        ("0", 0),
        ("1", 1),
        ("8", 1),
        ("-1", 0),
        ("", 0),
        ("160", 20),
    ] {
        for uri in [HMAC_SHA1, HMAC_SHA256, RSA_SHA256] {
            engine.edit("A076", format!("HMACOutputLength {bits} for {uri}"), |t| {
                let method = t.element_mut(&p.method);
                let name = method.beside("HMACOutputLength");
                if uri != RSA_SHA256 {
                    method.set("Algorithm", uri);
                }
                let mut length = Element::parse("<x/>");
                length.name = name;
                length.set_text(bits);
                method.children.push(length.into());
                let value = hmac(
                    uri == HMAC_SHA1,
                    b"",
                    canonical(t, &p.info, None).as_bytes(),
                );
                t.element_mut(&p.value)
                    .set_text(&STANDARD.encode(&value[..octets]));
            });
        }
    }
}

/// Algorithms that nobody knows must not become a default.
fn unknown(engine: &mut Engine, p: &Parts) {
    let places = [&p.method, &p.digest_method, &p.canonicalization];
    for path in places {
        let name = engine.tree.element(path).local().to_owned();
        for uri in [
            "urn:x",
            "",
            "none",
            "http://www.w3.org/2000/09/xmldsig#",
            "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
            " http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
            "http://www.w3.org/2001/04/xmlenc#sha256#",
        ] {
            engine.edit("A077", format!("{name} {uri:?}"), |t| {
                t.element_mut(path).set("Algorithm", uri);
            });
        }
        engine.edit("A077", format!("{name} without algorithm"), |t| {
            t.element_mut(path).unset("Algorithm");
        });
        engine.edit("A077", format!("{name} with a parameter"), |t| {
            t.element_mut(path)
                .children
                .push(Element::parse("<Parameter>1</Parameter>").into());
        });
        engine.edit("A077", format!("no {name}"), |t| drop(t.remove(path)));
        engine.edit("A077", format!("{name} of the attacker in front"), |t| {
            let mut other = t.element(path).clone();
            other.set("Algorithm", "urn:x");
            t.insert(path, other);
        });
    }
}

fn weak(engine: &mut Engine, s: &Signed, p: &Parts) {
    for uri in [
        RSA_SHA1,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224",
    ] {
        engine.edit("A078", format!("SignatureMethod {uri}"), |t| {
            t.element_mut(&p.method).set("Algorithm", uri);
        });
    }
    for uri in [
        SHA1,
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "http://www.w3.org/2001/04/xmlenc#ripemd160",
    ] {
        engine.edit(
            "A078",
            format!("DigestMethod {uri}, digest made again"),
            |t| {
                if s.parent == s.target {
                    let octets = canonical(t, &s.target, Some(&s.at));
                    t.element_mut(&p.digest)
                        .set_text(&digest(uri, octets.as_bytes()));
                }
                t.element_mut(&p.digest_method).set("Algorithm", uri);
            },
        );
        engine.edit("A078", format!("DigestMethod {uri}, content forged"), |t| {
            forge(t, s, p, uri)
        });
    }
    for uri in [
        ECDSA_SHA256,
        DSA_SHA1,
        "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
    ] {
        engine.edit("A079", format!("{uri} for a key of another kind"), |t| {
            t.element_mut(&p.method).set("Algorithm", uri);
        });
    }
}

fn signature_values(engine: &mut Engine, p: &Parts) {
    let text = engine
        .tree
        .element(&p.value)
        .only_text()
        .unwrap_or_default();
    let compact: String = super::canonical::plain(text, false)
        .split_whitespace()
        .collect();
    let own = STANDARD.decode(&compact).unwrap_or_default();
    let length = own.len();
    let with = |extra: &[u8]| [&own[..], extra].concat();
    let mut flipped = own.clone();
    flipped.iter_mut().take(1).for_each(|b| *b ^= 1);
    let variants: Vec<(&'static str, &str, Vec<u8>)> = vec![
        ("A080", "all zero", vec![0; length]),
        (
            "A080",
            "one",
            [vec![0; length.saturating_sub(1)], vec![1]].concat(),
        ),
        ("A080", "all ones", vec![0xff; length]),
        ("A080", "a zero in front", [&[0], &own[..]].concat()),
        ("A080", "a zero behind", with(&[0])),
        ("A080", "itself twice", with(&own)),
        (
            "A080",
            "without its last octet",
            own[..length.saturating_sub(1)].to_vec(),
        ),
        (
            "A080",
            "without its first octet",
            own.get(1..).unwrap_or_default().to_vec(),
        ),
        ("A080", "one bit changed", flipped),
        (
            "A080",
            "in the other order",
            own.iter().rev().copied().collect(),
        ),
        ("A083", "one octet", vec![1]),
        ("A083", "one octet too short for any hash", vec![1; 19]),
        ("A083", "a mebibit", vec![1; 131_072]),
    ];
    for (attack, what, value) in variants {
        engine.edit(attack, format!("SignatureValue {what}"), |t| {
            t.element_mut(&p.value).set_text(&STANDARD.encode(&value));
        });
    }
    for raw in [
        "",
        " ",
        "=",
        "====",
        "A",
        "!!!!",
        "-_-_",
        &format!("{compact}="),
        &compact.replace('=', ""),
    ] {
        let short: String = raw.chars().take(20).collect();
        engine.edit("A083", format!("SignatureValue {short:?}"), |t| {
            t.element_mut(&p.value).set_text(raw);
        });
    }
    let der = |r: u8, s: u8| vec![0x30, 6, 2, 1, r, 2, 1, s];
    for (what, value) in [
        ("(0, 0)", vec![0; 64]),
        ("(0, 0) as DER", der(0, 0)),
        ("(1, 1) as DER", der(1, 1)),
        ("beyond the order", vec![0xff; 64]),
        ("of 48 octets each", vec![0; 96]),
    ] {
        engine.edit("A081", format!("ECDSA {what}"), |t| {
            t.element_mut(&p.method).set("Algorithm", ECDSA_SHA256);
            t.element_mut(&p.value).set_text(&STANDARD.encode(value));
        });
    }
}

/// Digests that a loose comparison takes for equal.
fn digest_values(engine: &mut Engine, p: &Parts) {
    let text = engine
        .tree
        .element(&p.digest)
        .only_text()
        .unwrap_or_default();
    let compact: String = super::canonical::plain(text, false)
        .split_whitespace()
        .collect();
    let own = STANDARD.decode(&compact).unwrap_or_default();
    let swapped: String = compact
        .chars()
        .map(|c| {
            if c.is_lowercase() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    let hex: String = own.iter().map(|b| format!("{b:02x}")).collect();
    let half = own[..own.len() / 2].to_vec();
    for value in [
        STANDARD.encode(half),
        STANDARD.encode([&own[..], &[0]].concat()),
        STANDARD.encode([&own[..], &own[..]].concat()),
        compact.replace('=', ""),
        format!("{compact}{compact}"),
        swapped,
        hex,
        "0".to_owned(),
        "0e0=".to_owned(),
        String::new(),
        "*".to_owned(),
        "true".to_owned(),
    ] {
        engine.edit("A082", format!("DigestValue {value:?}"), |t| {
            t.element_mut(&p.digest).set_text(&value);
        });
    }
}
