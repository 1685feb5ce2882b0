//! The page of the differences: written on demand, compared otherwise.

use crate::compare::Tally;
use crate::differences::REASONS;
use std::fmt::Write as _;
use std::path::PathBuf;

pub(crate) const GENERATED: &str = "Generated documents";
pub(crate) const SHAPES: &str = "Good signatures of other shapes";
pub(crate) const VECTORS: &str = "Documents of other projects";
pub(crate) const CANONICAL: &str = "Canonical octets";

const INTRODUCTION: &str = "\
# Differences from libxmlsec1

Our verdicts on signatures are compared with those of libxmlsec1, our canonical octets with those
of libxml2: the same element, the same keys, and a policy that allows SHA-1, RSA of 1024 bits and
inclusive canonicalization, so that what is compared is the signature. Why it is the judge, and not
the engine: [design 0006](design/0006-why-libxmlsec1-is-the-judge-and-not-the-engine.md).

- What we accept and libxmlsec1 refuses: nothing. One such document fails the run.
- What both accept: over the same octets, one by one.
- What libxmlsec1 accepts and we refuse: the tables below, by our code, each with its reason. One
  without a reason fails the run, and so does any other count than the one that stands here.

\"Good, about something else\" means that libxmlsec1 verified a reference that is not to the
element in which the signature stands; its verdict does not tell the two apart.

The run makes this page: `FEDERATE_WRITE_DOCS=1 FEDERATE_VECTORS=... cargo test -p
federate-testkit --features xmlsec --test judge`. Without `FEDERATE_VECTORS` the documents of other
projects are left out. It was made with libxmlsec1 1.2.37 and libxml2 2.9.14, those of Debian 12;
other versions may count otherwise.
";

/// A part of the page: its title and its text.
pub(crate) type Section = (&'static str, String);

/// The table of what was found.
pub(crate) fn section(title: &'static str, tally: &Tally) -> Section {
    let mut text = format!(
        "\n{} documents. Signatures that both accept: {}, with {} times the same octets; that both\n\
         refuse: {}. Documents that neither parses: {}.\n\n\
         | our code | libxmlsec1 | number | example | reason |\n|---|---|---|---|---|\n",
        tally.documents,
        tally.both_accept,
        tally.octets_compared,
        tally.both_refuse,
        tally.both_unparsed
    );
    for ((code, verdict), (number, example)) in &tally.differences {
        let reason = REASONS.iter().find(|(known, _)| known == code);
        let reason = reason.map_or("", |(_, reason)| reason);
        let _ = writeln!(
            text,
            "| `{code}` | {verdict} | {number} | {} | {reason} |",
            example.replace('|', "\\|").replace('<', "&lt;")
        );
    }
    if tally.xml_id_complaints > 0 {
        let _ = writeln!(
            text,
            "\nDocuments that both parse although an `xml:id` is no NCName: {}. `[xml:id] 4` calls that an\n\
         error that leaves the document well-formed; we never look for an `xml:id`.",
            tally.xml_id_complaints
        );
    }
    (title, text)
}

fn path() -> PathBuf {
    let name = "../../docs/differences-from-libxmlsec1.md";
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The section of the committed page.
fn committed(page: &str, title: &str) -> Option<String> {
    let start = page.find(&format!("\n## {title}\n"))?;
    let rest = &page[start + title.len() + 5..];
    let end = rest.find("\n## ").unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}

/// Compares the sections that the run made with those of the page, or writes them.
pub(crate) fn compare(sections: &[Section]) {
    let before = std::fs::read_to_string(path()).unwrap_or_default();
    if std::env::var_os("FEDERATE_WRITE_DOCS").is_none() {
        assert!(
            before.starts_with(INTRODUCTION),
            "the page's introduction differs"
        );
        for (title, text) in sections {
            let same = committed(&before, title).as_ref() == Some(text);
            assert!(same, "the page says otherwise; the run: ## {title}\n{text}");
        }
        return;
    }
    let mut page = INTRODUCTION.to_owned();
    for title in [GENERATED, SHAPES, VECTORS, CANONICAL] {
        let made = sections.iter().find(|(made, _)| *made == title);
        let text = made.map(|(_, text)| text.clone());
        if let Some(text) = text.or_else(|| committed(&before, title)) {
            let _ = write!(page, "\n## {title}\n{text}");
        }
    }
    std::fs::write(path(), page).unwrap();
}
