//! Documents that nobody in this project wrote: `FEDERATE_VECTORS` names their folder.

use federate_crypto::{Certificate, DigestAlgorithm, SignatureAlgorithm, VerifyingKey};
use federate_testkit::keys;
use federate_testkit::vectors::files;
use federate_xml::dsig::own_signature;
use federate_xml::{
    Canonicalization, DS, Document, Element, Limits, MD, Name, SAML, SAMLP, SignatureError,
    SignaturePolicy, SignedOctets, TrustedKeys, VerificationContext, canonicalize,
};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::deviations::{GENUINE_PART, REFUSED};
use crate::support::provider;

/// The sources whose signed documents are verified here.
pub(crate) const SOURCES: [&str; 8] = [
    "auth0-passport-wsfed",
    "clever-saml2",
    "node-saml",
    "python3-saml",
    "ruby-saml",
    "samlify",
    "simplesamlphp-saml2",
    "xml-crypto",
];

pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("FEDERATE_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: FEDERATE_VECTORS is not set");
    }
    folder
}

pub(crate) struct Row {
    pub(crate) path: String,
    pub(crate) verdict: String,
    reason: String,
    encoding: String,
    /// What xmlsec1 says of each signature: `Response:ok Assertion:FAIL`.
    pub(crate) judged: String,
}

pub(crate) fn rows(folder: &Path) -> Vec<Row> {
    let table = std::fs::read_to_string(folder.join("VERDICTS.tsv")).unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let field = |number: usize| fields.get(number).copied().unwrap_or_default().to_owned();
        Row {
            path: field(0),
            verdict: field(1),
            reason: field(2),
            encoding: field(5),
            judged: field(9),
        }
    };
    table.lines().skip(1).map(row).collect()
}

impl Row {
    pub(crate) fn source(&self) -> &str {
        self.path.split('/').next().unwrap()
    }

    /// How many signatures of elements of this name xmlsec1 did not find wrong.
    fn not_wrong(&self, element: &str) -> usize {
        let good = |entry: &&str| {
            entry
                .strip_prefix(element)
                .is_some_and(|rest| matches!(rest, ":ok" | ":nokey"))
        };
        self.judged.split(' ').filter(good).count()
    }

    /// Whether it is the signature, not the meaning, for which the document is refused.
    fn has_bad_signature(&self) -> bool {
        let about = [
            "wrapp",
            "XSW",
            "changed",
            "mismatch",
            "Reference",
            "void",
            "concealed",
        ];
        self.judged.contains("FAIL")
            || self.path.contains("/signatures/invalid/")
            || self.path.contains("_attack")
            || self.path.contains("invalid_signature")
            || about.iter().any(|word| self.reason.contains(word))
    }

    pub(crate) fn octets(&self, folder: &Path) -> Option<Vec<u8>> {
        let octets = std::fs::read(folder.join(&self.path)).ok()?;
        let unpacked = || {
            use base64::Engine as _;
            let compact: Vec<u8> = octets
                .iter()
                .copied()
                .filter(|b| !b.is_ascii_whitespace())
                .collect();
            base64::engine::general_purpose::STANDARD
                .decode(compact)
                .ok()
        };
        match self.encoding.as_str() {
            "xml" => Some(octets),
            "base64" => unpacked(),
            "deflate+base64" => {
                let mut inflated = Vec::new();
                let packed = unpacked()?;
                let mut inflate = flate2::read::DeflateDecoder::new(packed.as_slice());
                inflate.read_to_end(&mut inflated).ok()?;
                Some(inflated)
            }
            _ => None,
        }
    }
}

pub(crate) fn walk<'d>(element: Element<'d>, found: &mut Vec<Element<'d>>) {
    found.push(element);
    for child in element.child_elements() {
        walk(child, found);
    }
}

pub(crate) fn elements<'d>(document: &'d Document<'d>) -> Vec<Element<'d>> {
    let mut found = Vec::new();
    walk(document.root(), &mut found);
    found
}

/// The keys of each source: the certificates that lie beside its documents, and those that
/// only the KeyInfo of its good documents has.
pub(crate) fn trusted(
    folder: &Path,
    rows: &[Row],
    sources: &[&'static str],
) -> BTreeMap<&'static str, TrustedKeys> {
    let mut all = BTreeMap::new();
    for &source in sources {
        let mut certificates = Vec::new();
        let mut paths = Vec::new();
        files(&folder.join(source), &mut paths);
        if source == "simplesamlphp-saml2" {
            files(
                &folder.join("simplesamlphp-xml-security/resources"),
                &mut paths,
            );
        }
        for path in paths {
            if let Ok(text) = std::fs::read_to_string(&path)
                && path
                    .extension()
                    .is_some_and(|e| ["crt", "cer", "cert", "pem"].iter().any(|n| e == *n))
            {
                certificates.extend(
                    Certificate::from_pem(&text).or_else(|_| Certificate::from_base64(&text)),
                );
            }
        }
        let good = |row: &&Row| {
            row.source() == source && ["accept", "crypto-ok"].contains(&row.verdict.as_str())
        };
        for row in rows.iter().filter(good) {
            let Some(octets) = row.octets(folder) else {
                continue;
            };
            let Ok(document) = Document::parse(&octets, &Limits::default()) else {
                continue;
            };
            for element in elements(&document) {
                if element.is(Name::new(DS, "ds", "X509Certificate")) {
                    certificates.extend(Certificate::from_base64(&element.text().unwrap()));
                }
            }
        }
        let provider = provider();
        let mut prepared: Vec<VerifyingKey> = Vec::new();
        for certificate in certificates {
            if let Ok(key) = VerifyingKey::new(&provider, certificate.public_key().clone())
                && !prepared.contains(&key)
            {
                prepared.push(key);
            }
        }
        all.insert(source, TrustedKeys::new(prepared).unwrap());
    }
    all
}

/// Old peers: what most of these documents need.
pub(crate) fn legacy() -> SignaturePolicy {
    let until = keys::fixed_now() + Duration::from_secs(1);
    SignaturePolicy::default()
        .dangerous_allow_sha1(until)
        .dangerous_allow_rsa_1024(until)
}

pub(crate) fn verify(
    element: Element<'_>,
    keys: &TrustedKeys,
    policy: &SignaturePolicy,
) -> Result<SignedOctets, SignatureError> {
    let provider = provider();
    let context = VerificationContext {
        provider: &provider,
        policy,
        now: keys::fixed_now(),
    };
    context.verify_enveloped(element, keys)
}

/// The default policy refuses what is weak, says so exactly, and accepts everything else.
fn default_policy_is_exact(path: &str, element: Element<'_>, accepted: &SignedOctets) {
    let signer = accepted.signed_by();
    let key: TrustedKeys = VerifyingKey::new(&provider(), signer.key.clone())
        .unwrap()
        .into();
    let result = verify(element, &key, &SignaturePolicy::default());
    let sha1 = SignatureAlgorithm::RsaSha1;
    match result {
        Ok(_) => assert!(
            signer.algorithm != sha1 && signer.key.bits() >= 2048,
            "{path}"
        ),
        Err(error) if signer.algorithm == sha1 => assert_eq!(
            error,
            SignatureError::AlgorithmRefused {
                role: "the signature algorithm",
                uri: sha1.uri()
            },
            "{path}"
        ),
        Err(error) if signer.key.bits() < 2048 => {
            assert_eq!(error, SignatureError::NoUsableKey { tried: 1 }, "{path}");
        }
        Err(error) => assert_eq!(
            error,
            SignatureError::AlgorithmRefused {
                role: "the digest algorithm",
                uri: DigestAlgorithm::Sha1.uri()
            },
            "{path}"
        ),
    }
}

#[derive(Default)]
struct Findings {
    problems: Vec<String>,
    accepted: usize,
    refused: usize,
    documents: usize,
    used: Vec<&'static str>,
}

impl Findings {
    fn note(&mut self, row: &Row, what: impl std::fmt::Display) {
        self.problems.push(format!(
            "{} [{}; {}; {}]: {what}",
            row.path, row.verdict, row.judged, row.reason
        ));
    }

    /// Whether a refusal is on the list, with this code.
    fn listed(&mut self, row: &Row, code: &str) -> bool {
        let found = REFUSED
            .iter()
            .find(|entry| row.path == entry.0 && code == entry.1);
        self.used.extend(found.map(|entry| entry.0));
        found.is_some()
    }

    fn judge(&mut self, row: &Row, octets: &[u8], keys: &TrustedKeys) {
        let must_verify = ["accept", "crypto-ok"].contains(&row.verdict.as_str());
        let document = match Document::parse(octets, &Limits::default()) {
            Ok(document) => document,
            Err(error) if must_verify => {
                if !self.listed(row, error.code()) {
                    self.note(row, error);
                }
                return;
            }
            Err(_) => return,
        };
        self.documents += 1;
        let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
        for element in elements(&document) {
            let signed = !matches!(own_signature(element), Ok(None));
            if !signed || ![SAML, SAMLP, MD].contains(&element.namespace()) {
                continue;
            }
            match verify(element, keys, &legacy()) {
                Ok(octets) => {
                    self.accepted += 1;
                    default_policy_is_exact(&row.path, element, &octets);
                    *accepted.entry(element.local_name()).or_default() += 1;
                }
                Err(error) => {
                    self.refused += 1;
                    if must_verify && !self.listed(row, error.code()) {
                        self.note(row, format_args!("{}: {error}", element.local_name()));
                    }
                }
            }
        }
        for (element, number) in accepted {
            // What xmlsec1 refuses we never accept, whatever upstream says of the document.
            let entry = GENUINE_PART
                .iter()
                .find(|e| row.path == e.0 && element == e.1);
            self.used.extend(entry.map(|e| e.0));
            if entry.is_none() && number > row.not_wrong(element) {
                self.note(
                    row,
                    format_args!("{number} times {element} accepted, xmlsec1 disagrees"),
                );
            }
            let bad = row.verdict.starts_with("reject") && row.has_bad_signature();
            if entry.is_none() && bad {
                self.note(row, format_args!("{element} accepted"));
            }
        }
    }
}

#[test]
fn every_verdict_on_a_signature_is_ours_too() {
    let Some(folder) = folder() else { return };
    let rows = rows(&folder);
    let keys = trusted(&folder, &rows, &SOURCES);
    let mut findings = Findings::default();
    for row in &rows {
        let Some(keys) = keys.get(row.source()) else {
            continue;
        };
        if let Some(octets) = row.octets(&folder) {
            findings.judge(row, &octets, keys);
        }
    }
    println!(
        "{} documents, {} signatures accepted, {} refused",
        findings.documents, findings.accepted, findings.refused
    );
    assert!(findings.problems.is_empty(), "{:#?}", findings.problems);
    for path in REFUSED
        .iter()
        .map(|e| e.0)
        .chain(GENUINE_PART.iter().map(|e| e.0))
    {
        assert!(findings.used.contains(&path), "no longer deviates: {path}");
    }
    assert!(findings.accepted > 80, "the vectors are not all there");
}

#[test]
fn no_document_panics_and_canonical_forms_are_stable() {
    let Some(folder) = folder() else { return };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    let (mut parsed, mut refused) = (0, 0);
    for path in paths {
        let octets = std::fs::read(&path).unwrap();
        for limits in [Limits::default(), Limits::for_aggregate()] {
            let Ok(document) = Document::parse(&octets, &limits) else {
                refused += 1;
                continue;
            };
            parsed += 1;
            let mut once = Vec::new();
            canonicalize(
                document.root(),
                None,
                &Canonicalization::default(),
                &mut once,
            );
            let again = Document::parse(&once, &limits).unwrap();
            let mut twice = Vec::new();
            canonicalize(again.root(), None, &Canonicalization::default(), &mut twice);
            assert!(once == twice, "{}", path.display());
        }
    }
    println!("{parsed} times parsed, {refused} times refused");
    assert!(parsed > 3_000);
}

#[test]
fn canonical_forms_of_others_are_ours() {
    let Some(folder) = folder() else { return };
    let examples =
        folder.join("santuario-java/src/test/resources/org/apache/xml/security/c14n/inExcl");
    for (input, element, output) in [
        (
            "example2_2_1.xml",
            "elem2",
            "example2_2_c14nized_exclusive.xml",
        ),
        (
            "example2_2_2.xml",
            "elem2",
            "example2_2_c14nized_exclusive.xml",
        ),
        (
            "example2_2_3.xml",
            "p",
            "example2_2_3_c14nized_exclusive.xml",
        ),
    ] {
        let octets = std::fs::read(examples.join(input)).unwrap();
        // They begin with a processing instruction.
        let document = Document::parse(&octets, &Limits::for_aggregate()).unwrap();
        let all = elements(&document);
        let element = all.iter().find(|e| e.local_name() == element).unwrap();
        let method = Canonicalization {
            with_comments: true,
            ..Canonicalization::default()
        };
        let mut canonical = Vec::new();
        canonicalize(*element, None, &method, &mut canonical);
        let expected = std::fs::read_to_string(examples.join(output)).unwrap();
        assert_eq!(String::from_utf8(canonical).unwrap(), expected, "{input}");
    }
}
