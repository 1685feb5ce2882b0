//! Every file of the suites that has a signature.

use federate_crypto::{PublicKey, VerifyingKey};
use federate_testkit::keys as testkit;
use federate_xml::{
    Document, Element, Name, SignatureError, SignaturePolicy, SignedOctets, TrustedKeys,
    VerificationContext,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::key_info::{below, beside};
use super::reference::limits;
use super::scope::OUT_OF_SCOPE;
use super::signature::Judgement;
use super::{SOURCES, Why, paths};
use crate::support::provider;
use crate::vectors::{elements, folder};

/// Whether a path fits a pattern with `*` in it.
fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

/// The reason that the list gives for a file, and which pattern does.
fn listed(path: &str) -> Option<(Why, &'static str)> {
    let reasons = OUT_OF_SCOPE.iter();
    reasons
        .flat_map(|(why, patterns)| patterns.iter().map(|pattern| (*why, *pattern)))
        .find(|(_, pattern)| fits(pattern, path))
}

/// What the library says of the element around a signature, by its most lenient policy.
fn accepted(
    element: Element<'_>,
    keys: &[PublicKey],
) -> Option<Result<SignedOctets, SignatureError>> {
    let provider = provider();
    let keys = keys.iter().cloned();
    let keys = TrustedKeys::new(keys.filter_map(|key| VerifyingKey::new(&provider, key).ok()))?;
    let until = testkit::fixed_now() + Duration::from_secs(1);
    let policy = SignaturePolicy::default()
        .dangerous_allow_sha1(until)
        .dangerous_allow_rsa_1024(until)
        .allow_inclusive_canonicalization();
    let context = VerificationContext {
        provider: &provider,
        policy: &policy,
        now: testkit::fixed_now(),
    };
    Some(context.verify_enveloped(element, &keys))
}

#[derive(Default)]
struct Counts {
    problems: Vec<String>,
    used: BTreeSet<&'static str>,
    out_of_scope: BTreeMap<Why, usize>,
    in_scope: usize,
    signatures: usize,
    references: usize,
    accepted: usize,
}

impl Counts {
    /// Reads one file: what is wrong with it, or why it cannot be told.
    fn read(
        &mut self,
        octets: &[u8],
        path: &str,
        at: &Path,
        beside: &[PublicKey],
    ) -> BTreeSet<Why> {
        let document = match Document::parse(octets, &limits()) {
            Ok(document) => document,
            Err(error) => return [Why::of(&error)].into(),
        };
        let mut why = BTreeSet::new();
        for signature in elements(&document) {
            if !signature.is(Name::ds("Signature")) {
                continue;
            }
            let judgement = Judgement::of(signature, &document, at, beside);
            self.signatures += usize::from(judgement.verified);
            let good = judgement.references.iter().filter(|r| r.is_ok());
            self.references += good.count();
            if let Some(parent) = signature.parent() {
                self.compare(
                    parent,
                    &judgement,
                    path,
                    &[below(signature), beside.to_vec()],
                );
            }
            why.extend(judgement.why);
        }
        why
    }

    /// What the library accepts is in scope, and the octets are those found here.
    fn compare(
        &mut self,
        parent: Element<'_>,
        judgement: &Judgement,
        path: &str,
        keys: &[Vec<PublicKey>],
    ) {
        let Some(Ok(signed)) = accepted(parent, &keys.concat()) else {
            return;
        };
        self.accepted += 1;
        let octets: Vec<_> = judgement.references.iter().flatten().collect();
        if !judgement.why.is_empty() || octets != [signed.octets()] {
            self.problems.push(format!("{path}: accepted"));
        }
    }

    fn judge(&mut self, path: &str, why: &BTreeSet<Why>) {
        let listed = listed(path);
        self.used.extend(listed.map(|(_, pattern)| pattern));
        match listed {
            None if why.is_empty() => self.in_scope += 1,
            None => self.problems.push(format!("{path}: {why:?}")),
            Some((reason, _)) if why.contains(&reason) => {
                *self.out_of_scope.entry(reason).or_default() += 1;
            }
            Some((reason, _)) => {
                self.problems
                    .push(format!("{path}: not {reason:?} but {why:?}"));
            }
        }
    }
}

/// A file that is not on the list has signatures that are good: each value is the signature of
/// the canonical SignedInfo, each digest that of the canonical octets. One that is on the list
/// is not, for the reason given. The library accepts nothing else.
#[test]
fn every_signature_is_good_or_out_of_scope() {
    let Some(folder) = folder() else { return };
    let beside: BTreeMap<_, _> = SOURCES
        .map(|source| (source, beside(&folder.join(source))))
        .into();
    let mut counts = Counts::default();
    for path in paths(&folder) {
        let file = folder.join(&path);
        let octets = std::fs::read(&file).unwrap();
        if !octets.windows(14).any(|w| w == b"SignatureValue") {
            continue;
        }
        let source = path.split('/').next().unwrap();
        let why = counts.read(&octets, &path, file.parent().unwrap(), &beside[source]);
        counts.judge(&path, &why);
    }
    println!(
        "{} files in scope; in all {} values and {} digests found right, {} signatures accepted; \
         out of scope: {:?}",
        counts.in_scope, counts.signatures, counts.references, counts.accepted, counts.out_of_scope
    );
    let unused = OUT_OF_SCOPE.iter().flat_map(|(_, patterns)| *patterns);
    let unused = unused.filter(|pattern| !counts.used.contains(**pattern));
    counts
        .problems
        .extend(unused.map(|pattern| format!("{pattern}: no such file")));
    assert!(counts.problems.is_empty(), "{:#?}", counts.problems);
    assert!(counts.in_scope > 300, "the suites are not all there");
}

#[test]
fn patterns_fit_whole_paths() {
    for (pattern, path, expected) in [
        ("a/*", "a/b/c", true),
        ("*/b-*.xml", "a/b-c.xml", true),
        ("*/b-*.xml", "a/b-c.xml.txt", false),
        ("a/b", "a/b", true),
        ("a/b", "a/bc", false),
    ] {
        assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
    }
}
