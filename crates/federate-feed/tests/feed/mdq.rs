//! Single entities, by query.

use crate::publisher::*;
use chrono::TimeDelta;
use federate_feed::{FeedError, Mdq, MdqOptions};
use federate_metadata::EntityDescriptor;
use federate_types::{EntityId, MessageId};
use federate_xml::Signer;

const BASE: &str = "https://mdq.example/";

fn mdq(publisher: &Publisher) -> Mdq<Publisher> {
    Mdq::new(
        MdqOptions::new(BASE, signed()),
        publisher.clone(),
        provider(),
    )
}

fn answer(entity: &EntityDescriptor, signer: &Signer) -> Answer {
    let id = MessageId::from_random([4; 20]);
    Answer::Document(entity.to_signed_xml(signer, &id).unwrap())
}

fn described(name: &str, until: i64) -> EntityDescriptor {
    let mut entity = entity(name, "https://federation.example");
    entity.valid_until = Some(at(until));
    entity.cache_duration = Some(TimeDelta::hours(6));
    entity
}

const A: &str = "https://mdq.example/entities/https%3A%2F%2Fa.example";

fn code<T: std::fmt::Debug>(result: Result<T, FeedError>) -> String {
    result.unwrap_err().code().to_owned()
}

#[tokio::test]
async fn an_entity_is_asked_for_when_it_is_needed_and_kept() {
    let publisher = Publisher::default();
    publisher.answers(A, answer(&described("a", 100), &signer()));
    let mdq = mdq(&publisher);
    let found = mdq.entity(&id("a"), at(0)).await.unwrap().unwrap();
    assert_eq!(found.entity_id, id("a"));
    mdq.entity(&id("a"), at(5)).await.unwrap().unwrap();
    assert_eq!(publisher.asked(), [A]);
    // Its cacheDuration has passed: asked again, and unchanged.
    mdq.entity(&id("a"), at(7)).await.unwrap().unwrap();
    mdq.entity(&id("a"), at(8)).await.unwrap().unwrap();
    assert_eq!(publisher.asked(), [A]);
    // The service is away: what was kept serves until it ends.
    publisher.answers(A, Answer::Silence);
    mdq.entity(&id("a"), at(99)).await.unwrap().unwrap();
    assert_eq!(code(mdq.entity(&id("a"), at(100)).await), "http.timeout");
}

#[tokio::test]
async fn a_name_that_is_not_known_is_not_asked_for_all_the_time() {
    let publisher = Publisher::default();
    let mdq = mdq(&publisher);
    for _ in 0..3 {
        assert!(mdq.entity(&id("a"), at(0)).await.unwrap().is_none());
    }
    assert_eq!(publisher.asked().len(), 1);
    publisher.answers(A, answer(&described("a", 100), &signer()));
    assert!(mdq.entity(&id("a"), at(1)).await.unwrap().is_some());
    // It is taken from the list: no longer known, whatever was kept.
    publisher.answers(A, Answer::Status(404));
    assert!(mdq.entity(&id("a"), at(8)).await.unwrap().is_none());
}

#[tokio::test]
async fn a244_the_answer_is_about_whom_was_asked_for() {
    let publisher = Publisher::default();
    let mdq = mdq(&publisher);
    publisher.answers(A, answer(&described("b", 100), &signer()));
    assert_eq!(code(mdq.entity(&id("a"), at(0)).await), "feed.wrong_entity");
    publisher.answers(A, answer(&described("a", 100), &other_signer()));
    assert_eq!(
        code(mdq.entity(&id("a"), at(0)).await),
        "signature.wrong_key"
    );
    publisher.answers(A, Answer::Document(described("a", 100).to_xml()));
    assert_eq!(code(mdq.entity(&id("a"), at(0)).await), "signature.missing");
    publisher.answers(A, answer(&described("a", 0), &signer()));
    assert_eq!(code(mdq.entity(&id("a"), at(0)).await), "feed.expired");
    publisher.answers(A, answer(&described("a", 100), &signer()));
    assert!(mdq.entity(&id("a"), at(0)).await.unwrap().is_some());
}

#[tokio::test]
async fn a232_a_signed_answer_has_an_end_that_is_not_too_far() {
    let publisher = Publisher::default();
    let mut endless = described("a", 0);
    endless.valid_until = None;
    publisher.answers(A, answer(&endless, &signer()));
    let usual = mdq(&publisher);
    assert_eq!(
        code(usual.entity(&id("a"), at(0)).await),
        "feed.no_valid_until"
    );
    let mut options = MdqOptions::new(BASE, signed());
    options.max_validity = Some(TimeDelta::hours(10));
    let bounded = Mdq::new(options.clone(), publisher.clone(), provider());
    options.require_valid_until = false;
    let lenient = Mdq::new(options, publisher.clone(), provider());
    assert!(lenient.entity(&id("a"), at(0)).await.unwrap().is_some());
    publisher.answers(A, answer(&described("a", 11), &signer()));
    assert_eq!(
        code(bounded.entity(&id("a"), at(0)).await),
        "feed.valid_until_too_far"
    );
    assert!(bounded.entity(&id("a"), at(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a233_an_older_answer_does_not_come_back() {
    let publisher = Publisher::default();
    let mdq = mdq(&publisher);
    let until = async |until, now| {
        publisher.answers(A, answer(&described("a", until), &signer()));
        let found = mdq.entity(&id("a"), at(now)).await.unwrap().unwrap();
        found.valid_until.unwrap()
    };
    assert_eq!(until(100, 0).await, at(100));
    // What was kept serves on.
    assert_eq!(until(50, 10).await, at(100));
    assert_eq!(until(101, 20).await, at(101));
}

#[tokio::test]
async fn a244_a_name_is_one_segment_of_the_address() {
    let publisher = Publisher::default();
    let mdq = mdq(&publisher);
    for (name, expected) in [
        ("../../admin", "..%2F..%2Fadmin"),
        ("{sha1}abc", "%7Bsha1%7Dabc"),
        ("urn:x?y#z", "urn%3Ax%3Fy%23z"),
        (
            "https://\u{e9}.example/%2e",
            "https%3A%2F%2F%C3%A9.example%2F%252e",
        ),
    ] {
        let id = EntityId::new(name).unwrap();
        assert!(mdq.entity(&id, at(0)).await.unwrap().is_none());
        assert_eq!(publisher.asked(), [format!("{BASE}entities/{expected}")]);
    }
}

#[tokio::test]
async fn names_that_are_made_up_do_not_push_out_what_is_used() {
    let publisher = Publisher::default();
    publisher.answers(A, answer(&described("a", 100), &signer()));
    let mut options = MdqOptions::new(BASE, signed());
    options.capacity = 10;
    let mdq = Mdq::new(options, publisher.clone(), provider());
    mdq.entity(&id("a"), at(0)).await.unwrap().unwrap();
    for number in 0..50 {
        let made_up = id(&format!("n{number}"));
        assert!(mdq.entity(&made_up, at(1)).await.unwrap().is_none());
    }
    publisher.asked();
    mdq.entity(&id("a"), at(1)).await.unwrap().unwrap();
    assert!(publisher.asked().is_empty());
}
