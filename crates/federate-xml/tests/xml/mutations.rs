//! Every attack of the testkit's mutation engine on every signed document there is: what is
//! still accepted must be what the signer signed.

use crate::support::{self, provider, signer};
use crate::vectors;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{DigestAlgorithm, SignatureAlgorithm, VerifyingKey};
use federate_testkit::keys;
use federate_testkit::mutation::{ATTACKS, Mutation, mutations, sign_again, some_mutations};
use federate_xml::dsig::own_signature;
use federate_xml::{
    Canonicalization, DS, Document, Element, Limits, MD, Name, SAML, SAMLP, SignatureError,
    SignaturePolicy, TrustedKeys, canonicalize,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many mutations of one attack are tried on each document of other people.
const OF_ONE_ATTACK: usize = 10;

/// A document whose signatures are good, and what they cover.
struct Honest {
    name: String,
    octets: Vec<u8>,
    keys: TrustedKeys,
    policy: SignaturePolicy,
    /// The first signed element, which a reader looks for: its namespace, its name, and how
    /// many of that name stand before it.
    wanted: (String, String, usize),
    covered: Vec<Vec<u8>>,
}

impl Honest {
    /// With the keys that made its signatures and nobody else's; `None` if none is good.
    fn new(
        name: &str,
        octets: Vec<u8>,
        keys: &TrustedKeys,
        policy: SignaturePolicy,
    ) -> Option<Self> {
        let document = Document::parse(&octets, &Limits::default()).ok()?;
        let (mut signers, mut covered, mut wanted) = (Vec::new(), Vec::new(), None);
        let all = vectors::elements(&document);
        for (at, element) in all.iter().enumerate() {
            let Ok(signed) = vectors::verify(*element, keys, &policy) else {
                continue;
            };
            let key = signed.signed_by().key.clone();
            let key = VerifyingKey::new(&provider(), key).unwrap();
            if !signers.contains(&key) {
                signers.push(key);
            }
            covered.push(signed.octets().to_vec());
            let (namespace, local) = (element.namespace(), element.local_name());
            let same = |e: &&Element<'_>| (e.namespace(), e.local_name()) == (namespace, local);
            let before = all[..at].iter().filter(same).count();
            wanted.get_or_insert((namespace.to_owned(), local.to_owned(), before));
        }
        Some(Self {
            name: name.to_owned(),
            wanted: wanted?,
            keys: TrustedKeys::new(signers)?,
            policy,
            covered,
            octets,
        })
    }

    /// Whether a reader takes the wanted element, or why not; and whether anything at all was
    /// accepted that nobody signed.
    fn judge(&self, octets: &[u8]) -> (Result<(), &'static str>, bool) {
        let document = match Document::parse(octets, &Limits::default()) {
            Ok(document) => document,
            Err(e) => return (Err(e.code()), false),
        };
        let (mut read, mut forged, mut before) = (None, false, 0);
        for element in vectors::elements(&document) {
            let is_signed = !matches!(own_signature(element), Ok(None));
            let result = match is_signed {
                true => vectors::verify(element, &self.keys, &self.policy),
                false => Err(SignatureError::Missing),
            };
            forged |= result
                .as_ref()
                .is_ok_and(|signed| !self.covered.iter().any(|c| c == signed.octets()));
            let name = (element.namespace(), element.local_name());
            if name == (&self.wanted.0, &self.wanted.1) {
                if before == self.wanted.2 {
                    read = Some(result.map(drop).map_err(|e| e.code()));
                }
                before += 1;
            }
        }
        (read.unwrap_or(Err("signature.missing")), forged)
    }
}

#[derive(Default)]
struct Tally {
    documents: usize,
    mutations: usize,
    refused: usize,
    /// The codes of the refusals of each attack.
    codes: BTreeMap<&'static str, BTreeSet<&'static str>>,
    problems: Vec<String>,
}

impl Tally {
    /// Attacks on a document, which is accepted as it is.
    fn attack(&mut self, honest: &Honest, of_one_attack: usize) {
        let itself = honest.judge(&honest.octets);
        assert_eq!(itself, (Ok(()), false), "{}", honest.name);
        // Other ones of each attack for each document.
        let some = some_mutations(&honest.octets, of_one_attack, self.documents);
        for Mutation {
            attack,
            what,
            octets,
            ..
        } in some
        {
            self.mutations += 1;
            let codes = self.codes.entry(attack).or_default();
            let (read, forged) = honest.judge(&octets);
            if let Err(code) = read {
                self.refused += 1;
                codes.insert(code);
            }
            if forged {
                let text = String::from_utf8_lossy(&octets);
                self.problems
                    .push(format!("{}: {attack} {what}: {text}", honest.name));
            }
        }
        self.documents += 1;
    }

    fn report(&self) {
        println!(
            "{} documents, {} mutations: {} refused, {} say the same",
            self.documents,
            self.mutations,
            self.refused,
            self.mutations - self.refused
        );
        let codes = self.codes.iter().map(|(a, c)| format!("{a}:{}", c.len()));
        println!("codes of refusals: {}", codes.collect::<Vec<_>>().join(" "));
        assert!(self.problems.is_empty(), "{:#?}", self.problems);
        for attack in ATTACKS {
            let codes = self.codes.get(attack);
            assert!(codes.is_some(), "{attack} was never applied");
            assert!(
                codes.is_some_and(|c| !c.is_empty()),
                "{attack} was never refused"
            );
        }
    }
}

/// Documents of each kind, with a signature where there is a `ds:Signature`.
fn own_documents() -> Vec<(&'static str, Vec<u8>)> {
    let signature = format!("<ds:Signature xmlns:ds=\"{DS}\"/>");
    let assertion = |signature: &str| {
        format!(
            "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"_a\" Version=\"2.0\">\n <saml:Issuer>\
             https://idp.example</saml:Issuer>{signature}<saml:Subject><saml:NameID>alice@\
             example.com</saml:NameID></saml:Subject><saml:AttributeStatement><saml:Attribute \
             Name=\"groups\"><saml:AttributeValue>staff &amp; admins</saml:AttributeValue>\
             </saml:Attribute></saml:AttributeStatement>\n</saml:Assertion>"
        )
    };
    let response = |signature: &str, inside: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<samlp:Response xmlns:samlp=\"{SAMLP}\" \
             ID='_r' Destination=\"https://sp.example/acs\">{signature}<samlp:Status>\
             <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>\
             </samlp:Status>{inside}</samlp:Response>"
        )
    };
    let request = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{SAMLP}\" xmlns:saml=\"{SAML}\" ID=\"_q\">\
         <saml:Issuer>https://idp.example</saml:Issuer>{signature}<saml:NameID>alice</saml:NameID>\
         <samlp:SessionIndex>_s</samlp:SessionIndex></samlp:LogoutRequest>"
    );
    let metadata = format!(
        "<EntityDescriptor xmlns=\"{MD}\" ID=\"_m\" entityID=\"https://idp.example\">{signature}\
         <IDPSSODescriptor protocolSupportEnumeration=\"{SAMLP}\"><SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example/sso\"/></IDPSSODescriptor></EntityDescriptor>"
    );
    let plain = format!("<x ID=\"_x\"><y a=\"1\" b='2'>text</y><!-- c --><z/>{signature}</x>");
    let documents = [
        ("assertion", assertion(&signature)),
        (
            "signed assertion in a response",
            response("", &assertion(&signature)),
        ),
        ("signed response", response(&signature, &assertion(""))),
        ("both signed", response(&signature, &assertion(&signature))),
        ("request", request),
        ("metadata", metadata),
        ("plain", plain),
    ];
    let sign = |octets: &[u8]| signer().sign_octets(octets).unwrap();
    let signed = documents.map(|(name, text)| (name, sign_again(text.as_bytes(), sign).unwrap()));
    let own = ("by the crate", support::signed().into_bytes());
    signed.into_iter().chain([own]).collect()
}

/// Attacks whose refusals have one reason.
const ONE_REASON: [(&str, &str); 8] = [
    ("A014", "xml.duplicate_id"),
    ("A041", "xml.processing_instruction_forbidden"),
    ("A045", "xml.doctype_forbidden"),
    ("A047", "xml.relative_namespace"),
    ("A100", "xml.doctype_forbidden"),
    ("A101", "xml.doctype_forbidden"),
    ("A108", "xml.limit_exceeded"),
    ("A109", "xml.limit_exceeded"),
];

/// Whether a signature holds for the element to which it refers, wherever either stands: what
/// verifiers that look for IDs were content with.
fn holds_somewhere(signature: Element<'_>, all: &[Element<'_>]) -> Option<()> {
    let mut inside = Vec::new();
    vectors::walk(signature, &mut inside);
    let named = |local| inside.iter().find(|e| e.is(Name::ds(local)));
    let base64 = |local| STANDARD.decode(named(local)?.text().ok()?.as_bytes()).ok();
    let canonical = |element: &Element<'_>, without| {
        let mut octets = Vec::new();
        canonicalize(*element, without, &Canonicalization::default(), &mut octets);
        octets
    };
    let info = canonical(named("SignedInfo")?, None);
    let (key, algorithm) = (
        keys::verifying_key(&provider()),
        SignatureAlgorithm::RsaSha256,
    );
    key.verify(algorithm, &info, &base64("SignatureValue")?)
        .ok()?;
    let id = named("Reference")?.attribute("URI")?.strip_prefix('#')?;
    let target = all.iter().find(|e| e.attribute("ID") == Some(id))?;
    // Enveloped or not, as it happens to be.
    let own = target
        .child_elements()
        .find(|c| c.is(Name::ds("Signature")));
    let octets = canonical(target, own);
    let digest = provider().digester.digest(DigestAlgorithm::Sha256, &octets);
    digest.matches(&base64("DigestValue")?).then_some(())
}

fn deceives(document: &Document<'_>) -> bool {
    let all = vectors::elements(document);
    let mut signatures = all.iter().filter(|e| e.is(Name::ds("Signature")));
    signatures.any(|s| holds_somewhere(*s, &all).is_some())
}

/// The attacks are real ones: they deceive whoever verifies one element and reads another.
#[test]
fn wrapped_documents_deceive_a_careless_verifier() {
    let mut deceived = BTreeSet::new();
    for (name, octets) in own_documents() {
        let document = Document::parse(&octets, &Limits::default()).unwrap();
        assert!(deceives(&document), "{name}");
        for mutation in mutations(&octets) {
            let Ok(document) = Document::parse(&mutation.octets, &Limits::default()) else {
                continue;
            };
            let mallory = |e: &Element<'_>| e.text().is_ok_and(|t| t == "mallory@evil.example");
            let names = vectors::elements(&document);
            let mut names = names.iter().filter(|e| e.is(Name::saml("NameID")));
            if names.any(mallory) && deceives(&document) {
                deceived.insert(mutation.attack);
            }
        }
    }
    for attack in [
        "A001", "A002", "A003", "A004", "A005", "A006", "A007", "A008", "A009", "A010", "A012",
        "A013", "A015", "A026", "A028",
    ] {
        assert!(
            deceived.contains(attack),
            "{attack} is harmless: {deceived:?}"
        );
    }
}

#[test]
fn attacks_on_our_documents_are_refused_or_change_nothing() {
    let mut tally = Tally::default();
    for (name, octets) in own_documents() {
        let policy = SignaturePolicy::default();
        let honest = Honest::new(name, octets, &support::trusted(), policy).unwrap();
        tally.attack(&honest, usize::MAX);
    }
    tally.report();
    assert_eq!(tally.documents, 8);
    for (attack, code) in ONE_REASON {
        assert_eq!(tally.codes[attack], BTreeSet::from([code]), "{attack}");
    }
}

#[test]
fn attacks_on_other_peoples_documents_are_refused_or_change_nothing() {
    let Some(folder) = vectors::folder() else {
        return;
    };
    let rows = vectors::rows(&folder);
    let mut sources = vectors::SOURCES.to_vec();
    sources.extend(["instructure-saml2", "santuario-java"]);
    let good = ["accept", "crypto-ok", "accept-signed-part"];
    let good = |row: &&vectors::Row| good.contains(&&*row.verdict) && !row.judged.is_empty();
    let keys = vectors::trusted(&folder, &rows, &sources);
    let mut tally = Tally::default();
    for row in rows.iter().filter(good) {
        let (octets, keys) = (row.octets(&folder), keys.get(row.source()));
        let (Some(octets), Some(keys)) = (octets, keys) else {
            continue;
        };
        let Some(honest) = Honest::new(&row.path, octets, keys, vectors::legacy()) else {
            continue;
        };
        tally.attack(&honest, OF_ONE_ATTACK);
    }
    tally.report();
    assert!(tally.documents > 60, "the vectors are not all there");
}
