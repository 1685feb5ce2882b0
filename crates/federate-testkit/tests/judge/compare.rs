//! One document, two verdicts.

use crate::support::*;
use federate_crypto::PublicKey;
use federate_testkit::judge::{ForeignDocument, JudgeKey, Verdict};
use federate_testkit::keys;
use federate_xml::dsig::own_signature;
use federate_xml::{
    Document, Limits, ParseError, ParseErrorKind, SignatureError, SignedOctets, TrustedKeys,
    VerificationContext,
};
use std::collections::BTreeMap;
use std::path::Path;

/// The same keys for both.
pub(crate) struct Keys {
    ours: TrustedKeys,
    theirs: Vec<(PublicKey, JudgeKey)>,
}

impl Keys {
    /// `None` without any key that both can use.
    pub(crate) fn new(keys: impl IntoIterator<Item = PublicKey>) -> Option<Self> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for key in keys {
            let known = theirs.iter().any(|(k, _)| *k == key);
            let prepared = federate_crypto::VerifyingKey::new(&provider(), key.clone());
            if let (false, Ok(prepared), Ok(judge)) =
                (known, prepared, JudgeKey::from_public_key(&key))
            {
                ours.push(prepared);
                theirs.push((key, judge));
            }
        }
        let ours = TrustedKeys::new(ours)?;
        Some(Self { ours, theirs })
    }

    /// The keys that the testkit signs with.
    pub(crate) fn of_testkit() -> Self {
        let all = [keys::certificate(), keys::ec_certificate()];
        Self::new(all.map(|c| c.public_key().clone())).unwrap()
    }
}

/// What was found.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) documents: usize,
    pub(crate) both_accept: usize,
    pub(crate) both_refuse: usize,
    /// Documents that neither parses.
    pub(crate) both_unparsed: usize,
    pub(crate) octets_compared: usize,
    /// We refuse, libxmlsec1 accepts: our code and its verdict; how many, and an example.
    pub(crate) differences: BTreeMap<(String, &'static str), (usize, String)>,
    /// Documents that both parse, with an `xml:id` that is no NCName.
    pub(crate) xml_id_complaints: usize,
    /// How many examples are kept of each difference, at least the first.
    pub(crate) examples: usize,
    /// Our last refusal.
    pub(crate) last_code: String,
    /// What must not be.
    pub(crate) problems: Vec<String>,
}

const GOOD: &str = "good";
const GOOD_ELSEWHERE: &str = "good, about something else";

/// Our code, with what it alone does not tell.
fn code(error: &SignatureError) -> String {
    match error {
        SignatureError::Malformed(structure) => format!("{}: {structure}", error.code()),
        SignatureError::AlgorithmRefused { role, .. } => format!("{}: {role}", error.code()),
        _ => error.code().to_owned(),
    }
}

/// Our parser's code, with what it alone does not tell.
fn parser_code(error: &ParseError) -> String {
    match error.kind {
        ParseErrorKind::NotWellFormed(what) => format!("{}: {what}", error.code()),
        ParseErrorKind::LimitExceeded { limit, .. } => format!("{}: {limit}", error.code()),
        _ => error.code().to_owned(),
    }
}

/// The best that libxmlsec1 says of an element's signatures, with any of the keys.
fn theirs(foreign: &ForeignDocument, element: usize, keys: &Keys) -> Option<&'static str> {
    let mut best = None;
    for signature in foreign.signatures_of(element) {
        let good =
            |(_, key): &(PublicKey, JudgeKey)| foreign.verify(signature, key) == Verdict::Good;
        if keys.theirs.iter().any(good) {
            if foreign.covers(signature, element) {
                return Some(GOOD);
            }
            best = Some(GOOD_ELSEWHERE);
        }
    }
    best
}

impl Tally {
    /// Compares the verdicts on every signature of a document.
    pub(crate) fn document(&mut self, name: &str, octets: &[u8], keys: &Keys, limits: &Limits) {
        self.documents += 1;
        match (
            Document::parse(octets, limits),
            ForeignDocument::parse(octets),
        ) {
            (Err(_), Err(_)) => self.both_unparsed += 1,
            (Err(error), Ok(foreign)) => {
                for element in foreign.signed_elements() {
                    let verdict = theirs(&foreign, element, keys);
                    self.refused(name, octets, parser_code(&error), verdict);
                }
            }
            (Ok(_), Err(error)) => {
                self.problem(name, octets, &format!("only we parse it: {error}"))
            }
            (Ok(document), Ok(foreign)) => {
                for complaint in foreign.complaints() {
                    // [xml:id] 4: an error that does not make a document ill-formed.
                    match complaint.starts_with("xml:id :") {
                        true => self.xml_id_complaints += 1,
                        false => self.problem(name, octets, &format!("libxml2: {complaint}")),
                    }
                }
                self.parsed(name, octets, &document, &foreign, keys);
            }
        }
    }

    fn parsed(
        &mut self,
        name: &str,
        octets: &[u8],
        document: &Document<'_>,
        foreign: &ForeignDocument,
        keys: &Keys,
    ) {
        let all = elements(document);
        if all.len() != foreign.element_count() {
            return self.problem(name, octets, "another number of elements");
        }
        let provider = provider();
        let context = VerificationContext {
            provider: &provider,
            policy: &lenient(),
            now: keys::fixed_now(),
        };
        for (number, element) in all.iter().enumerate() {
            let name_of = (
                element.namespace().to_owned(),
                element.local_name().to_owned(),
            );
            if name_of != foreign.name_of(number) {
                return self.problem(name, octets, "another element");
            }
            let ours = !matches!(own_signature(*element), Ok(None));
            let signatures = foreign.signatures_of(number);
            if ours == signatures.is_empty() {
                return self.problem(name, octets, "another element is signed");
            }
            if !ours {
                continue;
            }
            match context.verify_enveloped(*element, &keys.ours) {
                Err(error) => {
                    let verdict = theirs(foreign, number, keys);
                    self.refused(name, octets, code(&error), verdict);
                }
                Ok(accepted) => match self.accepted(number, &accepted, foreign, keys) {
                    Ok(()) => self.both_accept += 1,
                    Err(what) => self.problem(name, octets, &what),
                },
            }
        }
    }

    /// What we accept, libxmlsec1 must accept, with the same key and over the same octets.
    fn accepted(
        &mut self,
        element: usize,
        accepted: &SignedOctets,
        foreign: &ForeignDocument,
        keys: &Keys,
    ) -> Result<(), String> {
        let signatures = foreign.signatures_of(element);
        let [signature] = signatures.as_slice() else {
            return Err("accepted with several signatures".to_owned());
        };
        let signer = &accepted.signed_by().key;
        let key = keys.theirs.iter().find(|(k, _)| k == signer);
        let (_, key) = key.ok_or("accepted with an unknown key")?;
        let verdict = foreign.verify(*signature, key);
        if verdict != Verdict::Good {
            return Err(format!("we accept, libxmlsec1 says {verdict:?}"));
        }
        if !foreign.covers(*signature, element) {
            return Err("we accept, libxmlsec1 verified something else".to_owned());
        }
        let references = foreign.references_of(*signature);
        let mut transforms = references.iter().flat_map(|r| &r.transforms);
        let form = transforms.rfind(|(uri, _)| uri != ENVELOPED);
        let (uri, list) = form.map_or((C14N_10, [].as_slice()), |(u, l)| (u.as_str(), l));
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let octets = foreign.canonicalize(element, Some(*signature), uri, &list);
        self.octets_compared += 1;
        match octets {
            Ok(octets) if octets.as_bytes() == accepted.octets() => Ok(()),
            other => Err(format!(
                "other octets: {:?} {other:?}",
                String::from_utf8_lossy(accepted.octets())
            )),
        }
    }

    fn refused(&mut self, name: &str, octets: &[u8], code: String, verdict: Option<&'static str>) {
        self.last_code.clone_from(&code);
        let Some(verdict) = verdict else {
            self.both_refuse += 1;
            return;
        };
        let number = self.differences.len();
        let entry = self.differences.entry((code, verdict));
        let (count, examples) = entry.or_default();
        *count += 1;
        if *count == 1 {
            keep(&format!("difference-{number}.xml"), octets);
            name.clone_into(examples);
        } else if *count <= self.examples {
            examples.push_str("; ");
            examples.push_str(name);
        }
    }

    /// Notes what fails the run, and keeps the document beside cargo's output.
    pub(crate) fn problem(&mut self, name: &str, octets: &[u8], what: &str) {
        let number = self.problems.len();
        let kept = match number < 20 {
            true => keep(&format!("problem-{number}.xml"), octets),
            false => String::new(),
        };
        self.problems.push(format!("{name}: {what} {kept}"));
    }
}

/// Writes a document where a person can look at it.
fn keep(name: &str, octets: &[u8]) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, octets).unwrap();
    path.display().to_string()
}
