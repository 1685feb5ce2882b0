//! What is not believed.

use crate::publisher::*;
use chrono::TimeDelta;
use federate_feed::{Feed, Outcome, Source};
use federate_metadata::{Publication, PublicationInfo};

/// Serves these one after the other, a day apart, and gives what became of each.
async fn outcomes(source: Source, answers: impl IntoIterator<Item = Answer>) -> Vec<String> {
    let publisher = Publisher::default();
    let feed = Feed::new([source], publisher.clone(), provider(), None);
    let mut outcomes = Vec::new();
    for (hours, answer) in (0..).step_by(24).zip(answers) {
        publisher.answers(URL, answer);
        let outcome = feed.refresh_due(at(hours), 0).await.remove(0).outcome;
        outcomes.push(match outcome {
            Outcome::Failed(error) => error.code().to_owned(),
            other => format!("{other:?}")
                .split('(')
                .next()
                .unwrap()
                .to_lowercase(),
        });
    }
    outcomes
}

#[tokio::test]
async fn a230_only_the_publishers_key_vouches() {
    let group = group(&["a"], Some(1000));
    let unsigned = Answer::Document(group.to_xml());
    let foreign = Answer::Document(sign(&group, &other_signer()).unwrap());
    let own = Answer::Document(sign(&group, &signer()).unwrap());
    let got = outcomes(source(), [unsigned, foreign, own]).await;
    assert_eq!(got, ["signature.missing", "signature.wrong_key", "changed"]);
}

#[tokio::test]
async fn a231_an_edited_end_is_noticed() {
    let text = String::from_utf8(sign(&group(&["a"], Some(30)), &signer()).unwrap()).unwrap();
    let until = at(30).format("%Y-%m-%dT%H:%M:%S").to_string();
    let later = at(3000).format("%Y-%m-%dT%H:%M:%S").to_string();
    assert!(text.contains(&until));
    let edited = Answer::Document(text.replace(&until, &later).into_bytes());
    assert_eq!(
        outcomes(source(), [edited]).await,
        ["signature.digest_mismatch"]
    );
}

#[tokio::test]
async fn a232_an_end_is_required_and_bounded() {
    let endless = || Answer::Document(sign(&group(&["a"], None), &signer()).unwrap());
    let got = outcomes(source(), [endless(), document(&["a"], 10)]).await;
    assert_eq!(got, ["feed.no_valid_until", "feed.expired"]);
    let mut source = source();
    source.max_validity = Some(TimeDelta::days(14));
    let day = 24;
    let got = outcomes(
        source.clone(),
        [document(&["a"], 14 * day + 1), document(&["a"], 15 * day)],
    );
    assert_eq!(got.await, ["feed.valid_until_too_far", "changed"]);
    source.require_valid_until = false;
    source.max_validity = None;
    assert_eq!(outcomes(source, [endless()]).await, ["changed"]);
}

#[tokio::test]
async fn a233_an_older_document_does_not_come_back() {
    let made = |hours: i64, until| {
        let mut group = group(&["a"], Some(until));
        let mut publication = Publication::default();
        publication.publisher = "https://federation.example".to_owned();
        publication.creation_instant = Some(at(hours));
        let mut info = PublicationInfo::default();
        info.publication = publication;
        group.extensions.publication_info = Some(Box::new(info));
        Answer::Document(sign(&group, &signer()).unwrap())
    };
    // By the time at which it was made, whatever end it has.
    let got = outcomes(source(), [made(0, 1000), made(-1, 2000), made(1, 900)]).await;
    assert_eq!(got, ["changed", "feed.rollback", "changed"]);
    // And by its end, where it does not say when it was made.
    let got = outcomes(source(), [document(&["a"], 1000), document(&["a"], 999)]).await;
    assert_eq!(got, ["changed", "feed.rollback"]);
}

#[tokio::test]
async fn a_document_may_be_one_entity() {
    let signed = |signer: &federate_xml::Signer, until| {
        let mut entity = entity("a", "x");
        entity.valid_until = Some(at(until));
        let id = federate_types::MessageId::from_random([5; 20]);
        Answer::Document(entity.to_signed_xml(signer, &id).unwrap())
    };
    let answers = [
        signed(&other_signer(), 1000),
        signed(&signer(), 1000),
        signed(&signer(), 999),
        signed(&signer(), 20),
    ];
    let got = outcomes(source(), answers).await;
    let expected = [
        "signature.wrong_key",
        "changed",
        "feed.rollback",
        "feed.expired",
    ];
    assert_eq!(got, expected);
}
