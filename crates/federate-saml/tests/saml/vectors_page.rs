//! The page of other people's messages, which the run makes and is compared with.

use crate::encrypted_vectors::OUTCOMES;
use crate::vectors::Agreement;
use federate_saml::Coverage;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# Messages of others

Responses and logout messages from the test suites of other projects, each with the verdict of its
authors. They are verified and validated as in the context in which they were sent: with the keys of
their source, at their time, by a policy that allows SHA-1 and RSA of 1024 bits. What is weak is
refused by the default policy, which the run checks too. Messages that their authors only parse are
left out.

A message that we treat otherwise than its authors do is listed with the reason; one without a reason
fails the run. The run makes this page: `FEDERATE_WRITE_DOCS=1 FEDERATE_VECTORS=... cargo test -p
federate-saml --test saml other_peoples_responses`.

";

/// Compares the page with what the run found, or writes it.
pub(crate) fn compare(sources: &BTreeMap<String, Agreement>) {
    let mut page = INTRODUCTION.to_owned();
    page += "| source | accepted there and here | refused there and here | otherwise |\n|---|---|---|---|\n";
    for (source, found) in sources {
        let (accepted, refused) = (found.accepted, found.refused);
        let otherwise = found.otherwise.len();
        let _ = writeln!(page, "| {source} | {accepted} | {refused} | {otherwise} |");
    }
    page += "\n## Otherwise\n\n| message | ours | reason |\n|---|---|---|\n";
    for (path, ours, reason) in sources.values().flat_map(|found| &found.otherwise) {
        let _ = writeln!(page, "| {path} | {ours} | {reason} |");
    }
    page += "\n## Encrypted responses\n\nWith the keys that lie beside them, CBC and small keys \
             allowed; named by the beginning of their paths.\n\n| messages | ours | remark |\n|---|---|---|\n";
    for (path, outcome) in OUTCOMES {
        let _ = match outcome {
            Ok((Coverage::Response, _)) => writeln!(page, "| {path} | accepted | signed outside |"),
            Ok((Coverage::Assertion, _)) => writeln!(page, "| {path} | accepted | signed inside |"),
            Ok((Coverage::Both, _)) => writeln!(page, "| {path} | accepted | signed twice |"),
            Err((code, reason)) => writeln!(page, "| {path} | `{code}` | {reason} |"),
        };
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/messages-of-others.md"
    );
    if std::env::var_os("FEDERATE_WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == page, "{path} says otherwise; the run:\n{page}");
}
