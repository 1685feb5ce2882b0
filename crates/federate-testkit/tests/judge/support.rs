//! What the tests share.

use federate_crypto::{CryptoProvider, aws_lc_provider};
use federate_xml::{Document, Element, Limits, SignaturePolicy};
use std::process::Command;
use std::time::Duration;

use federate_testkit::keys;

pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const C14N_10: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
pub(crate) const C14N_11: &str = "http://www.w3.org/2006/12/xml-c14n11";

/// Runs a test in a process of its own, so that what libxmlsec1 writes to the standard error
/// stream stays out of sight, and a crash of it is a failure with a name.
pub(crate) fn apart(test: &str, run: impl FnOnce()) {
    const INSIDE: &str = "FEDERATE_JUDGE_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return run();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--include-ignored"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        println!("{line}");
    }
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let ours = errors.lines().filter(|line| !line.starts_with("func="));
        let ours: Vec<&str> = ours.collect();
        panic!("{}\n{}", output.status, ours.join("\n"));
    }
}

/// Where the numbers of the documents start: 0, or `FEDERATE_JUDGE_SEED` to try others.
pub(crate) fn first_seed() -> u64 {
    let given = std::env::var("FEDERATE_JUDGE_SEED");
    given.map_or(0, |seed| seed.parse().unwrap())
}

pub(crate) fn provider() -> CryptoProvider {
    aws_lc_provider()
}

/// The policy that refuses no signature for its age: what is compared is the signature.
pub(crate) fn lenient() -> SignaturePolicy {
    let until = keys::fixed_now() + Duration::from_secs(1);
    SignaturePolicy::default()
        .dangerous_allow_sha1(until)
        .dangerous_allow_rsa_1024(until)
        .allow_inclusive_canonicalization()
}

pub(crate) fn limits(processing_instructions: bool) -> Limits {
    Limits {
        processing_instructions,
        ..Limits::default()
    }
}

fn walk<'d>(element: Element<'d>, found: &mut Vec<Element<'d>>) {
    found.push(element);
    for child in element.child_elements() {
        walk(child, found);
    }
}

/// Every element in document order.
pub(crate) fn elements<'d>(document: &'d Document<'d>) -> Vec<Element<'d>> {
    let mut found = Vec::new();
    walk(document.root(), &mut found);
    found
}
