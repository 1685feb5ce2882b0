//! What happens to what a source has.

use crate::publisher::*;
use chrono::TimeDelta;
use federate_feed::{Feed, Filter, Origin, Outcome, Source, Trust};
use federate_metadata::MetadataError;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// The code of what became of the only source, and what changed.
async fn refresh(feed: &Feed<Publisher>, hours: i64) -> (String, Vec<String>) {
    let mut refreshed = feed.refresh_due(at(hours), 0).await;
    assert_eq!(refreshed.len(), 1, "due at {hours}");
    match refreshed.remove(0).outcome {
        Outcome::Changed(changes) => {
            let changes = changes.iter();
            let told = changes.map(|c| format!("{} {}", c.code(), c.entity_id()));
            ("changed".to_owned(), told.collect())
        }
        Outcome::Unchanged => ("unchanged".to_owned(), Vec::new()),
        Outcome::Failed(error) => (format!("failed: {}", error.code()), Vec::new()),
        Outcome::Closed(error) => (format!("closed: {}", error.code()), Vec::new()),
        other => panic!("{other:?}"),
    }
}

fn feed(publisher: &Publisher) -> Feed<Publisher> {
    Feed::new([source()], publisher.clone(), provider(), None)
}

fn has(feed: &Feed<Publisher>, name: &str, hours: i64) -> Result<bool, &'static str> {
    match feed.registry().entity(&id(name), at(hours)) {
        Ok(found) => Ok(found.is_some()),
        Err(MetadataError::Expired) => Err("expired"),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn entities_come_and_go_with_the_documents() {
    come_and_go(None).await;
    // The same when documents are held in files.
    let folder = tempfile::tempdir().unwrap();
    come_and_go(Some(folder.path().to_owned())).await;
}

async fn come_and_go(copies: Option<PathBuf>) {
    let publisher = Publisher::default();
    publisher.answers(URL, document(&["a", "b"], 100));
    let feed = Feed::new([source()], publisher.clone(), provider(), copies);
    let (outcome, changes) = refresh(&feed, 0).await;
    assert_eq!(outcome, "changed");
    assert_eq!(changes.len(), 2);
    assert_eq!(
        (has(&feed, "a", 0), has(&feed, "c", 0)),
        (Ok(true), Ok(false))
    );
    // Not due before its cacheDuration has passed, and then unchanged.
    assert!(
        feed.refresh_due(at(0) + TimeDelta::minutes(50), 0)
            .await
            .is_empty()
    );
    assert_eq!(refresh(&feed, 1).await.0, "unchanged");
    // Its cacheDuration counts again, though it did not come again.
    assert_eq!(feed.next_due().await, Some(at(2)));
    publisher.answers(URL, document(&["b", "c"], 101));
    let (outcome, mut changes) = refresh(&feed, 30).await;
    changes.sort();
    assert_eq!(outcome, "changed");
    let expected = [
        "diff.entity_added https://c.example",
        "diff.entity_removed https://a.example",
    ];
    assert_eq!(changes, expected);
    assert_eq!(
        (has(&feed, "a", 30), has(&feed, "c", 30)),
        (Ok(false), Ok(true))
    );
}

#[tokio::test]
async fn a247_the_last_good_copy_stays_until_it_ends_and_then_there_is_none() {
    let publisher = Publisher::default();
    publisher.answers(URL, document(&["a"], 10));
    let feed = feed(&publisher);
    refresh(&feed, 0).await;
    let answers = [
        (Answer::Status(404), "failed: http.status"),
        (Answer::Status(500), "failed: http.status"),
        (Answer::Broken, "failed: http.incomplete"),
        (Answer::TooLarge, "failed: http.too_large"),
        (Answer::Silence, "failed: http.timeout"),
        (
            Answer::Document(b"<html></html>".to_vec()),
            "failed: schema.unexpected_root",
        ),
        (document(&["a"], 1), "failed: feed.expired"),
    ];
    for (hours, (answer, expected)) in (1..).zip(answers) {
        publisher.answers(URL, answer);
        assert_eq!(refresh(&feed, hours).await.0, expected);
        assert_eq!(has(&feed, "a", hours), Ok(true), "{expected}");
    }
    let health = feed.health().remove(0);
    assert_eq!(
        (health.failures, health.reads, health.failed_reads),
        (7, 8, 7)
    );
    assert_eq!(health.last_failure.as_deref(), Some("feed.expired"));
    assert_eq!((health.entities, health.valid_until), (1, Some(at(10))));
    // At its end it is over, also before anybody has noticed.
    assert_eq!(has(&feed, "a", 10), Err("expired"));
    assert_eq!(refresh(&feed, 11).await.0, "closed: feed.expired");
    assert_eq!(has(&feed, "a", 11), Ok(false));
    publisher.answers(URL, document(&["a"], 100));
    assert_eq!(refresh(&feed, 13).await.0, "changed");
    assert_eq!(has(&feed, "a", 13), Ok(true));
}

#[tokio::test]
async fn the_last_good_copy_survives_a_restart_and_is_verified_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = || Some(folder.path().to_owned());
    let publisher = Publisher::default();
    publisher.answers(URL, document(&["a"], 100));
    let first = Feed::new([source()], publisher.clone(), provider(), cache());
    refresh(&first, 0).await;
    publisher.answers(URL, Answer::Silence);

    let second = Feed::new([source()], publisher.clone(), provider(), cache());
    assert_eq!(second.load_copies(at(1)).await.len(), 1);
    assert_eq!(has(&second, "a", 1), Ok(true));
    // The source itself is still due, and its failure changes nothing.
    assert_eq!(refresh(&second, 1).await.0, "failed: http.timeout");
    assert_eq!(has(&second, "a", 1), Ok(true));

    // A copy that somebody changed, or that has ended, is none.
    let copy = std::fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let text = std::fs::read_to_string(copy.path()).unwrap();
    std::fs::write(copy.path(), text.replace("https://a.", "https://z.")).unwrap();
    let third = Feed::new([source()], publisher.clone(), provider(), cache());
    let loaded = third.load_copies(at(1)).await.remove(0);
    let Outcome::Failed(error) = loaded.outcome else {
        panic!("{loaded:?}")
    };
    assert_eq!(error.code(), "signature.digest_mismatch");
    std::fs::write(copy.path(), text).unwrap();
    let loaded = third.load_copies(at(100)).await.remove(0);
    assert!(matches!(loaded.outcome, Outcome::Failed(_)));
}

#[tokio::test]
async fn a236_a_later_source_does_not_take_the_place_of_an_earlier_one() {
    let partner = "https://partner.example/metadata";
    let publisher = Publisher::default();
    let mut victim = group(&["victim"], Some(100));
    victim.name = Some("the real one".to_owned());
    let documents = [
        (partner, sign(&victim, &signer()).unwrap()),
        (
            URL,
            sign(&group(&["victim", "other"], Some(100)), &signer()).unwrap(),
        ),
    ];
    for (url, octets) in documents {
        publisher.answers(url, Answer::Document(octets));
    }
    let first = Source::new("partner", Origin::Url(partner.to_owned()), signed());
    let mut second = source();
    let feed = Feed::new(
        [first.clone(), second.clone()],
        publisher.clone(),
        provider(),
        None,
    );
    feed.refresh_due(at(0), 0).await;
    let registry = feed.registry();
    let names = registry.sources_of(&id("victim"));
    assert_eq!(
        names.iter().map(|n| &**n).collect::<Vec<_>>(),
        ["partner", "federation"]
    );
    let taken = registry.entity(&id("victim"), at(0)).unwrap().unwrap();
    let own = registry.source("partner").unwrap();
    assert!(std::ptr::eq(
        &*taken,
        &*own.entity(&id("victim")).unwrap().unwrap()
    ));

    // And of a source only those count that its authority registered.
    let authorities = BTreeSet::from(["https://elsewhere.example".to_owned()]);
    second.filters = vec![Filter::RegisteredBy(authorities)];
    let feed = Feed::new([second], publisher, provider(), None);
    feed.refresh_due(at(0), 0).await;
    assert_eq!(has(&feed, "other", 0), Ok(false));
}

#[tokio::test]
async fn files_and_folders_are_sources_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    file("a.xml", &group(&["a"], None).to_xml());
    file("b.xml", &entity("b", "x").to_xml());
    file("broken.xml", b"<md:");
    file("notes.txt", b"nothing");
    let own = |origin| Source::new("own", origin, Trust::Origin);
    let feed = |origin| Feed::new([own(origin)], Publisher::default(), provider(), None);
    let folders = feed(Origin::Directory(folder.path().to_owned()));
    assert_eq!(refresh(&folders, 0).await.1.len(), 2);
    assert_eq!(
        (has(&folders, "a", 0), has(&folders, "b", 0)),
        (Ok(true), Ok(true))
    );
    let one = feed(Origin::File(folder.path().join("b.xml")));
    refresh(&one, 0).await;
    assert_eq!(
        (has(&one, "a", 0), has(&one, "b", 0)),
        (Ok(false), Ok(true))
    );
    let none = feed(Origin::File(folder.path().join("none.xml")));
    assert_eq!(refresh(&none, 0).await.0, "failed: feed.file");
}

#[tokio::test]
async fn what_cannot_be_kept_counts_all_the_same_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let no_folder = folder.path().join("none").join("there");
    let publisher = Publisher::default();
    publisher.answers(URL, document(&["a"], 100));
    let feed = Feed::new([source()], publisher, provider(), Some(no_folder));
    let refreshed = feed.refresh_due(at(0), 0).await.remove(0);
    assert!(matches!(refreshed.outcome, Outcome::Changed(_)));
    assert_eq!(refreshed.copy.unwrap().code(), "feed.file");
    assert_eq!(has(&feed, "a", 0), Ok(true));
}

#[test]
fn readers_see_one_document_or_the_other_and_never_none() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let publisher = Publisher::default();
    publisher.answers(URL, document(&["a", "always"], 10_000));
    let feed = feed(&publisher);
    runtime.block_on(refresh(&feed, 0));
    let registry = feed.registry();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let read = || {
            let mut looked = 0_u32;
            while !done.load(Ordering::Relaxed) {
                assert!(registry.entity(&id("always"), at(0)).unwrap().is_some());
                looked += 1;
            }
            looked
        };
        let readers = [threads.spawn(read), threads.spawn(read)];
        for hours in 1..20 {
            let other = ["a", "b"][usize::try_from(hours % 2).unwrap()];
            publisher.answers(URL, document(&[other, "always"], 10_000 + hours));
            assert_eq!(runtime.block_on(refresh(&feed, hours * 2)).0, "changed");
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}
