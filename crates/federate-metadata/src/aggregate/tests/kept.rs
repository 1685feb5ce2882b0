//! Aggregates that are kept in files.

use super::*;
use std::io::{Read, Write};
use std::path::Path;

fn dated(day: u32, inside: &str) -> String {
    let until = format!("ID=\"_r\" validUntil=\"2026-06-{:02}T00:00:00Z\"", day + 10);
    group(
        &until,
        &(published(&format!("2026-05-{day:02}T00:00:00Z")) + inside),
    )
}

fn fetch(
    input: impl Read,
    path: &Path,
    before: Option<&Aggregate>,
) -> Result<Aggregate, AggregateError> {
    with_context(NOW, |context| {
        let policy = AggregatePolicy::default();
        Aggregate::fetch(input, path, before, &keys(0), context, &policy)
    })
}

fn open_at(path: &Path, number: usize, now: &str) -> Result<Aggregate, AggregateError> {
    with_context(now, |context| {
        Aggregate::open(path, &keys(number), context, &AggregatePolicy::default())
    })
}

fn open(path: &Path) -> Result<Aggregate, AggregateError> {
    open_at(path, 0, NOW)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Breaks off after so many octets.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(std::io::ErrorKind::ConnectionReset.into()),
            count => Ok(count),
        }
    }
}

#[test]
fn a247_the_last_good_copy_outlives_every_failure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("federation.kept");
    let inside = entity("a", &role_xml("SPSSODescriptor", "")) + &group("", &entity("b", ""));
    let signed = sign(&dated(10, &inside), 0);
    let first = fetch(&signed[..], &path, None).unwrap();
    assert_eq!(names(folder.path()), ["federation.kept"]);
    let kept = std::fs::read(&path).unwrap();

    let newer = sign(&dated(11, &entity("c", "")), 0);
    let wrong = sign(&dated(11, &entity("c", "")), 1);
    let half = &newer[..newer.len() - 30];
    for (result, expected) in [
        (fetch(half, &path, None), "xml.not_well_formed"),
        (fetch(&newer[..100], &path, None), "xml.not_well_formed"),
        (fetch(&b""[..], &path, None), "xml.not_well_formed"),
        (fetch(Broken(half), &path, None), "metadata.input"),
        (fetch(&wrong[..], &path, None), "signature.wrong_key"),
        (
            fetch(dated(11, "").as_bytes(), &path, None),
            "signature.missing",
        ),
        (
            fetch(&sign(&group("ID=\"_r\"", ""), 0)[..], &path, None),
            "metadata.no_valid_until",
        ),
    ] {
        assert_eq!(code(result), expected);
        assert_eq!(names(folder.path()), ["federation.kept"]);
        assert_eq!(std::fs::read(&path).unwrap(), kept);
    }
    // As long as it is valid, it is as good as on the first day; and then it is not.
    let opened = open(&path).unwrap();
    for aggregate in [&first, &opened] {
        assert_eq!(ids(aggregate), ["a", "b"]);
        assert!(aggregate.entity(&id("a")).unwrap().unwrap().sp.is_some());
        assert_eq!(aggregate.created(), Some(at("2026-05-10T00:00:00Z")));
        assert_eq!(aggregate.signed_by().unwrap(), first.signed_by().unwrap());
    }
    assert_eq!(
        code(open_at(&path, 0, "2026-06-20T00:00:00Z")),
        "metadata.expired"
    );

    let second = fetch(&newer[..], &path, Some(&first)).unwrap();
    assert_eq!(names(folder.path()), ["federation.kept"]);
    assert_eq!(ids(&second), ["c"]);
    assert_eq!(ids(&open(&path).unwrap()), ["c"]);
    // Whoever still uses the one before still can.
    assert!(opened.entity(&id("b")).unwrap().is_some());
}

#[test]
fn a233_an_older_file_is_not_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    let (older, newer) = (sign(&dated(10, ""), 0), sign(&dated(11, ""), 0));
    let kept = fetch(&newer[..], &path, None).unwrap();
    assert_eq!(
        code(fetch(&older[..], &path, Some(&kept))),
        "metadata.older"
    );
    let kept = open(&path).unwrap();
    assert_eq!(kept.created(), Some(at("2026-05-11T00:00:00Z")));
    assert_eq!(
        code(fetch(&older[..], &path, Some(&kept))),
        "metadata.older"
    );
    assert!(fetch(&newer[..], &path, Some(&kept)).is_ok());
}

#[test]
fn what_is_kept_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    let signed = sign(&dated(10, &(entity("a", "") + &entity("b", ""))), 0);
    fetch(&signed[..], &path, None).unwrap();
    let kept = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
    let refused = |octets: &str| {
        std::fs::write(&path, octets).unwrap();
        code(open(&path))
    };
    assert_eq!(code(open_at(&path, 1, NOW)), "signature.wrong_key");
    for (from, to, expected) in [
        (
            "entityID=\"a\"",
            "entityID=\"c\"",
            "signature.digest_mismatch",
        ),
        ("2026-06-20T00", "2026-06-21T00", "signature.malformed"),
        ("xmlenc#sha256", "xmlenc#sha512", "signature.wrong_key"),
        ("#_r", "#_s", "signature.wrong_key"),
        ("aggregate 1", "aggregate 2", "metadata.not_kept"),
    ] {
        // The root stands twice in it: in the head and in the octets that were signed.
        let changed = match expected {
            "signature.malformed" => kept.replacen("ID=\"_r\"", "ID=\"_t\"", 1),
            _ => kept.replacen(from, to, 1),
        };
        assert_ne!(changed, kept);
        assert_eq!(refused(&changed), expected, "{from}");
    }
    let last = kept.rfind("2026-06-20").unwrap();
    let changed = format!("{}2026-06-21{}", &kept[..last], &kept[last + 10..]);
    assert_eq!(refused(&changed), "signature.digest_mismatch");
    assert_eq!(refused(&format!("{kept} ")), "signature.digest_mismatch");
    assert_eq!(refused(&kept[..kept.len() - 10]), "xml.not_well_formed");
    for short in [0, 10, 40, 100] {
        assert_eq!(refused(&kept[..short]), "metadata.not_kept");
    }
    let long = kept.replacen("1 0", "1 9", 1);
    assert_eq!(refused(&long), "metadata.not_kept");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(code(open(&path)), "metadata.store");
    std::fs::write(&path, &kept).unwrap();
    assert!(open(&path).is_ok());
}

#[test]
fn an_entity_is_read_only_from_what_was_verified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    let signed = sign(&dated(10, &(entity("a", "") + &entity("b", ""))), 0);
    let aggregate = fetch(&signed[..], &path, None).unwrap();
    assert!(aggregate.entity(&id("a")).unwrap().is_some());
    // Somebody writes to the file that is in use.
    let kept = std::fs::read_to_string(&path).unwrap();
    let role = "<md:EntityDescriptor x=\"\" entityID=\"b\"";
    let at = kept.find("<md:EntityDescriptor").unwrap();
    let b = at + 1 + kept[at + 1..].find("<md:EntityDescriptor").unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(b as u64)).unwrap();
    file.write_all(role.as_bytes()).unwrap();
    assert_eq!(code(aggregate.entity(&id("b"))), "metadata.changed");
    // What was read before is held; and what is cut off cannot be read.
    assert!(aggregate.entity(&id("a")).unwrap().is_some());
    file.set_len(b as u64).unwrap();
    assert_eq!(code(aggregate.entity(&id("b"))), "metadata.store");
}
