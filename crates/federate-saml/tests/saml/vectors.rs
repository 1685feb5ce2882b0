//! Responses that other people's software made: `FEDERATE_VECTORS` names their folder.

use crate::support::*;
use crate::vectors_list::{ACCEPTED, REFUSED, entry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use federate_crypto::Certificate;
use federate_saml::{
    Assertion, LoginPolicy, LogoutExpectation, LogoutRequest, LogoutResponse, Response, SamlError,
    SentRequest, ValidatedLogin, validate_logout_request, validate_logout_response,
    validate_response, verify_response,
};
use federate_testkit::vectors::files;
use federate_types::{Binding, ClockSkew, EntityId};
use federate_xml::{
    Document, Element, FromElement, Limits, Name, SignaturePolicy, TrustedKeys, Unverified,
    VerificationContext,
};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

pub(crate) const SOURCES: [&str; 8] = [
    "auth0-passport-wsfed",
    "clever-saml2",
    "instructure-saml2",
    "node-saml",
    "python3-saml",
    "ruby-saml",
    "samlify",
    "simplesamlphp-saml2",
];

/// What the service providers of upstream's tests are: the tests of one field of a message
/// need what it should have been. A part of the path, the field, its value.
const UPSTREAM: &[(&str, &str, &str)] = &[
    (
        "invalid_audience",
        "sp",
        "http://stuff.com/endpoints/metadata.php",
    ),
    ("invalid_issuer", "idp", "http://idp.example.com/"),
    (
        "invalid_subjectconfirmation_",
        "acs",
        "http://stuff.com/endpoints/endpoints/acs.php",
    ),
];

/// Names with a comment inside: a part of the path, the whole name.
const WHOLE_TEXT: &[(&str, &str)] = &[
    ("node_text_attack", "support@onelogin.com"),
    (
        "instructure-saml2/spec/fixtures/test7-response",
        "testuser@example.com",
    ),
];

pub(crate) struct Row {
    pub(crate) path: String,
    verdict: String,
    encoding: String,
    pub(crate) root: String,
    pub(crate) encryption: String,
    /// By the certificate inside, as xmlsec1 sees it; the attackers' own ones do not count.
    properly_signed: bool,
}

impl Row {
    pub(crate) fn read(line: &str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let field = |number: usize| fields.get(number).copied().unwrap_or_default().to_owned();
        let judged = field(9);
        let attack = field(0).contains("attack") || field(0).contains("tampered");
        Self {
            properly_signed: judged.contains(":ok") && !judged.contains("FAIL") && !attack,
            path: field(0),
            verdict: field(1),
            encoding: field(5),
            root: field(6),
            encryption: field(8),
        }
    }

    pub(crate) fn source(&self) -> &str {
        self.path.split('/').next().unwrap()
    }

    pub(crate) fn octets(&self, folder: &Path) -> Option<Vec<u8>> {
        let octets = std::fs::read(folder.join(&self.path)).ok()?;
        let unpacked = || {
            let compact = octets.iter().copied().filter(|b| !b.is_ascii_whitespace());
            STANDARD.decode(compact.collect::<Vec<u8>>()).ok()
        };
        match self.encoding.as_str() {
            "base64" => unpacked(),
            "deflate+base64" => {
                let mut inflated = Vec::new();
                let packed = unpacked()?;
                let mut inflate = flate2::read::DeflateDecoder::new(packed.as_slice());
                inflate.read_to_end(&mut inflated).ok()?;
                Some(inflated)
            }
            _ => Some(octets),
        }
    }
}

/// The documents of the sources.
pub(crate) fn rows(folder: &Path) -> Vec<Row> {
    let table = std::fs::read_to_string(folder.join("VERDICTS.tsv")).unwrap();
    let rows = table.lines().skip(1).map(Row::read);
    rows.filter(|r| SOURCES.contains(&r.source())).collect()
}

fn walk<'d>(element: Element<'d>, found: &mut Vec<Element<'d>>) {
    found.push(element);
    for child in element.child_elements() {
        walk(child, found);
    }
}

/// The keys of each source: the certificates that lie beside its documents, and those that
/// only the KeyInfo of its good documents has.
pub(crate) fn pinned(folder: &Path, rows: &[Row]) -> BTreeMap<&'static str, TrustedKeys> {
    let mut all = BTreeMap::new();
    for source in SOURCES {
        let mut certificates = Vec::new();
        let mut paths = Vec::new();
        files(&folder.join(source), &mut paths);
        if source == "simplesamlphp-saml2" {
            let keys = folder.join("simplesamlphp-xml-security/resources");
            files(&keys, &mut paths);
        }
        let endings = ["crt", "cer", "cert", "pem"];
        for path in paths {
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            if let (true, Ok(text)) = (endings.contains(&&*ending), std::fs::read_to_string(&path))
            {
                let read = Certificate::from_pem(&text);
                certificates.extend(read.or_else(|_| Certificate::from_base64(&text)));
            }
        }
        let good = |row: &&Row| {
            // Whoever made a response that breaks a rule of the profile signed it properly.
            let good = ["accept", "crypto-ok"].contains(&row.verdict.as_str());
            row.source() == source && (good || row.properly_signed)
        };
        for octets in rows.iter().filter(good).filter_map(|r| r.octets(folder)) {
            let Ok(document) = Document::parse(&octets, &Limits::default()) else {
                continue;
            };
            let mut elements = Vec::new();
            walk(document.root(), &mut elements);
            for element in elements
                .iter()
                .filter(|e| e.is(Name::ds("X509Certificate")))
            {
                certificates.extend(Certificate::from_base64(&element.text().unwrap()));
            }
        }
        let mut prepared = Vec::new();
        for certificate in certificates {
            let key = certificate.public_key().clone();
            let key = federate_crypto::VerifyingKey::new(&provider(), key);
            prepared.extend(key.ok().filter(|k| !prepared.contains(k)));
        }
        all.insert(source, TrustedKeys::new(prepared).unwrap());
    }
    all
}

/// Old peers: what most of these documents need.
pub(crate) fn legacy(now: DateTime<Utc>) -> SignaturePolicy {
    let until = now + seconds(1);
    SignaturePolicy::default()
        .dangerous_allow_sha1(until)
        .dangerous_allow_rsa_1024(until)
}

fn verified<'i, T: FromElement, V>(
    message: &Unverified<'i, T>,
    now: DateTime<Utc>,
    policy: &SignaturePolicy,
    verify: impl FnOnce(&Unverified<'i, T>, &VerificationContext<'_>) -> Result<V, SamlError>,
) -> Result<V, SamlError> {
    let provider = provider();
    let context = VerificationContext {
        provider: &provider,
        policy,
        now,
    };
    verify(message, &context)
}

/// The moment at which the message was sent: not before it was made, nor before it holds.
fn sent(response: &Response, assertion: Option<&Assertion>) -> DateTime<Utc> {
    let conditions = assertion.and_then(|a| a.conditions.as_ref());
    let statement = assertion.and_then(|a| a.authn_statements.first());
    let instants = [
        Some(response.issue_instant),
        assertion.map(|a| a.issue_instant),
        conditions.and_then(|c| c.not_before),
        statement.map(|s| s.authn_instant),
    ];
    instants.into_iter().flatten().max().unwrap() + seconds(1)
}

/// What the one expects to whom the document says it was sent.
pub(crate) fn context(row: &Row, response: &Response) -> Expect {
    let assertion = response.assertions.first();
    let confirmation = assertion
        .and_then(|a| a.subject.as_ref())
        .and_then(|s| s.confirmations.first());
    let audience = assertion
        .and_then(|a| a.conditions.as_ref())
        .and_then(|c| c.audience_restrictions.first()?.first());
    let known = |field: &str| {
        let of = |u: &&(&str, &str, &str)| row.path.contains(u.0) && u.1 == field;
        UPSTREAM.iter().find(of).map(|u| u.2.to_owned())
    };
    let idp = assertion.map(|a| &a.issuer).or(response.issuer.as_ref());
    let idp = known("idp")
        .map(|k| entity(&k))
        .or(idp.cloned())
        .unwrap_or(entity(IDP));
    let sp = known("sp")
        .or(audience.cloned())
        .and_then(|a| EntityId::new(a).ok());
    let recipient = confirmation.and_then(|c| c.recipient.clone());
    let acs = known("acs").or(recipient).or(response.destination.clone());
    let request = known("request")
        .map(|k| id(&k))
        .or(response.in_response_to.clone());
    let now = known("now").and_then(|k| federate_xml::parse_instant(&k));
    let now = now.unwrap_or(sent(response, assertion));
    Expect {
        sp: sp.unwrap_or(entity(SP)),
        acs: acs.unwrap_or(ACS.to_owned()),
        idp: idp.clone(),
        request: request.map(|id| SentRequest {
            id,
            identity_provider: Some(idp),
            issue_instant: now - seconds(60),
            force_authn: false,
            requested_authn_context: None,
        }),
        now,
        policy: LoginPolicy::default(),
    }
}

fn response(row: &Row, octets: &[u8], keys: &TrustedKeys) -> Result<ValidatedLogin, SamlError> {
    let message = Unverified::<Response>::parse(octets, &Limits::default())?;
    let expect = context(row, &message.read_unsigned()?);
    let verify =
        |m: &Unverified<'_, _>, c: &VerificationContext<'_>| verify_response(m, keys, c, None);
    let now = expect.now;
    let verified_response = verified(&message, now, &legacy(now), verify)?;
    let signed_by = verified_response.signed_by().clone();
    let login = validate_response(verified_response, &expect.as_expectation())?;
    // What is weak is refused unless it was allowed.
    let strict = verified(&message, now, &SignaturePolicy::default(), verify);
    let weak = signed_by.algorithm == federate_crypto::SignatureAlgorithm::RsaSha1
        || signed_by.key.bits() < SignaturePolicy::MIN_RSA_BITS;
    match strict {
        Ok(_) => assert!(!weak, "{}", row.path),
        Err(e) => assert!(
            weak && ["signature.algorithm_refused", "signature.no_usable_key"].contains(&e.code()),
            "{}: {e:?}",
            row.path
        ),
    }
    Ok(login)
}

fn logout(row: &Row, octets: &[u8], keys: &TrustedKeys) -> Result<(), SamlError> {
    let limits = Limits::default();
    let nobody = entity(IDP);
    if row.root.ends_with("LogoutRequest") {
        let message = Unverified::<LogoutRequest>::parse(octets, &limits)?;
        let now = message.read_unsigned()?.issue_instant + seconds(1);
        let request = verified(&message, now, &legacy(now), |m, c| Ok(m.verify(keys, c)?))?;
        let expect = LogoutExpectation {
            peer: request.issuer.as_ref().unwrap_or(&nobody),
            single_logout_service: request.destination.as_deref().unwrap_or(SLO),
            binding: Binding::HttpPost,
            now,
            skew: ClockSkew::default(),
        };
        Ok(validate_logout_request(&request, &expect)?)
    } else {
        let message = Unverified::<LogoutResponse>::parse(octets, &limits)?;
        let now = message.read_unsigned()?.issue_instant + seconds(1);
        let response = verified(&message, now, &legacy(now), |m, c| Ok(m.verify(keys, c)?))?;
        let expect = LogoutExpectation {
            peer: response.issuer.as_ref().unwrap_or(&nobody),
            single_logout_service: response.destination.as_deref().unwrap_or(SLO),
            binding: Binding::HttpPost,
            now,
            skew: ClockSkew::default(),
        };
        Ok(validate_logout_response(
            &response,
            response.in_response_to.as_ref(),
            &expect,
        )?)
    }
}

/// How many messages of a source we treat as it does, and which otherwise.
#[derive(Default)]
pub(crate) struct Agreement {
    pub(crate) accepted: usize,
    pub(crate) refused: usize,
    /// The path, what we say, and the reason.
    pub(crate) otherwise: Vec<(String, String, String)>,
}

#[derive(Default)]
struct Findings {
    sources: BTreeMap<String, Agreement>,
    accepted: usize,
    accepted_logouts: usize,
    excepted: usize,
    rejected: usize,
    problems: Vec<String>,
}

impl Agreement {
    fn note(&mut self, row: &Row, ours: &str, reason: &str) {
        let noted = (row.path.clone(), ours.to_owned(), reason.to_owned());
        self.otherwise.push(noted);
    }
}

impl Findings {
    fn judge(&mut self, row: &Row, outcome: Result<Option<ValidatedLogin>, SamlError>) {
        let listed = entry(&row.path);
        let allowed = ACCEPTED.iter().any(|a| a.0 == row.path);
        let must_fail = row.verdict.starts_with("reject");
        let may_fail = row.verdict == "accept-signed-part" || row.verdict == "disputed";
        let source = self.sources.entry(row.source().to_owned()).or_default();
        match (outcome, listed) {
            (Ok(_), _) if must_fail && !allowed => self.note(row, "accepted"),
            (Ok(_), Some(_)) => self.note(row, "accepted although it is on the list"),
            (Ok(login), None) => {
                if must_fail {
                    let reason = ACCEPTED.iter().find(|a| a.0 == row.path).unwrap().1;
                    source.note(row, "accepted", reason);
                } else {
                    source.accepted += 1;
                }
                self.excepted += usize::from(must_fail);
                self.accepted_logouts += usize::from(login.is_none());
                self.accepted += usize::from(login.is_some() && !must_fail);
                let signed = login.as_ref().map(|l| l.name_id().value());
                if may_fail && signed != Some("someone@example.org") {
                    // The whole of the text, never a part of it.
                    let attack = |r: &&(&str, &str)| row.path.contains(r.0) && signed == Some(r.1);
                    if !WHOLE_TEXT.iter().any(|r| attack(&r)) {
                        self.note(row, &format!("accepted {signed:?}"));
                    }
                }
            }
            (Err(_), _) if must_fail && allowed => self.note(row, "no longer accepted"),
            (Err(_), _) if must_fail => {
                source.refused += 1;
                self.rejected += 1;
            }
            (Err(e), Some(listed)) if listed.code == e.code() => {
                source.note(row, &format!("`{}`", listed.code), listed.reason);
                self.excepted += 1;
            }
            (Err(_), None) if may_fail => {
                source.refused += 1;
                self.rejected += 1;
            }
            (Err(e), _) => self.note(row, &format!("{} {e:?}", e.code())),
        }
    }

    fn note(&mut self, row: &Row, what: &str) {
        self.problems
            .push(format!("{} [{}]: {what}", row.path, row.verdict));
    }
}

/// Every signed response that is not encrypted is accepted in the context in which it was
/// sent, or listed with the reason why not; what upstream rejects is refused.
#[test]
fn other_peoples_responses() {
    let Some(folder) = std::env::var_os("FEDERATE_VECTORS").map(PathBuf::from) else {
        println!("skipped: FEDERATE_VECTORS is not set");
        return;
    };
    let rows = rows(&folder);
    let keys = pinned(&folder, &rows);
    let mut findings = Findings::default();
    for row in &rows {
        let judged = !["-", "parse"].contains(&row.verdict.as_str());
        let good = !row.verdict.starts_with("reject");
        if !judged || (good && !row.encryption.is_empty()) {
            continue;
        }
        let octets = row.octets(&folder).unwrap_or_default();
        let keys = &keys[row.source()];
        if row.root.ends_with("}Response") || row.root == "NOT-WELL-FORMED" {
            findings.judge(row, response(row, &octets, keys).map(Some));
        } else if row.root.contains("}Logout") {
            findings.judge(row, logout(row, &octets, keys).map(|()| None));
        }
    }
    println!(
        "{} responses and {} logout messages accepted, {} refused as they should be, {} listed",
        findings.accepted, findings.accepted_logouts, findings.rejected, findings.excepted
    );
    assert!(findings.problems.is_empty(), "{:#?}", findings.problems);
    assert!(findings.accepted >= 15);
    crate::vectors_page::compare(&findings.sources);
    let known = |path: &str| rows.iter().any(|r| r.path == path);
    assert!(REFUSED.iter().all(|r| known(r.path)) && ACCEPTED.iter().all(|a| known(a.0)));
}
