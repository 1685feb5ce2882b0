//! `xml:base` under Canonical XML 1.1, the one matter in which libxml2 writes other octets.

use crate::canonical::ours;
use crate::page::{CANONICAL, Section};
use crate::support::*;
use federate_testkit::judge::ForeignDocument;
use federate_xml::Document;

const BASES: [&str; 16] = [
    "http://h/a/",
    "b/c",
    "../d",
    "/e",
    "http://i/f?g",
    "j/",
    "",
    "..",
    ".",
    "../../k/",
    "#l",
    "?m",
    "n//o",
    "//p",
    "http://q",
    "urn:r",
];

type IsOfKind = fn(&str, &str) -> bool;

/// Which pairs of `xml:base` may be joined otherwise, and why.
const KINDS: [(&str, IsOfKind, &str); 3] = [
    (
        "the inner one has a fragment",
        |_, inner| inner.contains('#'),
        "a fragment is no part of a base; libxml2 keeps it",
    ),
    (
        "the inner one ends in `..`",
        |_, inner| inner.ends_with(".."),
        "`[C14N11] 2.4` ends such a path with `/`; libxml2 does not",
    ),
    (
        "the inner one has no path, the outer one's is not normal",
        |outer, inner| {
            matches!(outer, "." | "n//o") && (inner.is_empty() || inner.starts_with('?'))
        },
        "we remove `.` and doubled slashes then too; libxml2 does it only where it merges paths",
    ),
];

fn join(text: &str, number: usize) -> (String, String) {
    let limits = limits(false);
    let document = Document::parse(text.as_bytes(), &limits).unwrap();
    let foreign = ForeignDocument::parse(text.as_bytes()).unwrap();
    let ours = ours(elements(&document)[number], None, C14N_11, &[]);
    (
        ours,
        foreign.canonicalize(number, None, C14N_11, &[]).unwrap(),
    )
}

/// Joins every pair in both ways; the table of what differs.
pub(crate) fn section() -> Section {
    let mut found = [const { (0, String::new()) }; KINDS.len()];
    for outer in BASES {
        for inner in BASES {
            let text = format!("<a xml:base='{outer}'><b xml:base='{inner}'><c/></b></a>");
            let (ours, theirs) = join(&text, 2);
            if ours == theirs {
                continue;
            }
            let kind = KINDS.iter().position(|(_, is, _)| is(outer, inner));
            let kind = kind.unwrap_or_else(|| panic!("{text}: {ours} {theirs}"));
            found[kind].0 += 1;
            if found[kind].1.is_empty() {
                found[kind].1 =
                    format!("`{outer}` and `{inner}`: ours `{ours}`, libxml2's `{theirs}`");
            }
        }
    }
    // A base that is there and says nothing: only the apex of a subset is fixed up.
    let (ours, theirs) = join("<a><b xml:base=''/></a>", 0);
    assert_eq!(ours, "<a><b xml:base=\"\"></b></a>");
    assert_eq!(theirs, "<a><b></b></a>");

    let mut text = "\nThe six methods, with and without prefix lists, give libxml2's octets for every \
         generated\nelement, but for `xml:base` under Canonical XML 1.1, which SAML has no use for:\n\n\
         | pair of `xml:base` | of 256 | example | reason |\n|---|---|---|---|\n"
        .to_owned();
    for ((what, _, reason), (number, example)) in KINDS.iter().zip(&found) {
        assert!(*number > 0, "no longer differs: {what}");
        text.push_str(&format!("| {what} | {number} | {example} | {reason} |\n"));
    }
    text.push_str(
        "| an empty one inside the canonicalized element | - | `<a><b xml:base=''/></a>` | only what \
         was left out is joined (`[C14N11] 2.4`); libxml2 drops every empty one |\n",
    );
    (CANONICAL, text)
}
