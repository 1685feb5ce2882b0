//! A federation on real sockets, with everything that goes wrong on them: each time with the
//! expected outcome, and nothing lost.

use crate::publisher::{at, group, id, provider, sign, signed, signer};
use chrono::TimeDelta;
use federate_feed::{Feed, Mdq, MdqOptions, Origin, Outcome, RefreshPolicy, Source};
use federate_http::{Client, Options};
use federate_testkit::loopback::{Answer, serve};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::time::Duration;

fn client() -> Client {
    let options = Options {
        allow_http: true,
        allow_private_addresses: true,
        timeout: Duration::from_secs(3),
        max_bytes: 200_000,
        max_redirects: 1,
        ..Options::default()
    };
    Client::new(&options).unwrap()
}

fn document(names: &[&str]) -> Vec<u8> {
    sign(&group(names, Some(1000)), &signer()).unwrap()
}

fn packed(octets: &[u8]) -> Answer {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(octets).unwrap();
    Answer::new(
        "200 OK\r\nContent-Encoding: gzip",
        &packed.finish().unwrap(),
    )
}

#[tokio::test]
async fn a_feed_takes_what_is_good_and_loses_nothing_by_the_rest() {
    let first = document(&["a"]);
    let redirect = |to: &str| Answer::new(&format!("302 Found\r\nLocation: {to}"), b"");
    let steps = [
        (Answer::new("200 OK\r\nETag: \"1\"", &first), "changed"),
        (Answer::new("304 Not Modified", b""), "unchanged"),
        (Answer::new("404 Not Found", b""), "http.status"),
        (
            Answer::new("500 Internal Server Error", b"<html/>"),
            "http.status",
        ),
        (Answer::new("503 Service Unavailable", b""), "http.status"),
        (
            Answer::new("200 OK", &first).without_last(9),
            "http.incomplete",
        ),
        (
            Answer::new("200 OK", &first)
                .without_last(9)
                .then_waiting(Duration::from_secs(20)),
            "http.timeout",
        ),
        (
            Answer::new("200 OK", &vec![b' '; 200_001]),
            "http.too_large",
        ),
        (packed(&vec![b' '; 50_000_000]), "http.too_large"),
        (redirect("file:///etc/passwd"), "http.scheme"),
        (redirect("ftp://127.0.0.1/"), "http.scheme"),
        (
            Answer::new("200 OK", b"<html>Welcome</html>"),
            "signature.missing",
        ),
        (
            Answer::new("200 OK", &group(&["a"], Some(1000)).to_xml()),
            "signature.missing",
        ),
        (packed(&document(&["a", "b"])), "changed"),
    ];
    let (answers, expected): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
    let (url, asked) = serve(answers).await;
    let folder = tempfile::tempdir().unwrap();
    let copies = Some(folder.path().to_owned());
    let mut source = Source::new("federation", Origin::Url(url), signed());
    // Every hour, whatever happened.
    source.refresh = RefreshPolicy {
        at_least: TimeDelta::hours(1),
        at_most: TimeDelta::hours(1),
        retry_at_most: TimeDelta::hours(1),
    };
    let feed = Feed::new([source], client(), provider(), copies);
    let mut copy = Vec::new();
    for (hour, expected) in (0..).zip(expected) {
        let refreshed = feed.refresh_due(at(hour), 0).await.remove(0);
        let outcome = match refreshed.outcome {
            Outcome::Changed(_) => "changed".to_owned(),
            Outcome::Unchanged => "unchanged".to_owned(),
            Outcome::Failed(error) => error.code().to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(outcome, expected, "at {hour}");
        let found = feed.registry().entity(&id("a"), at(hour)).unwrap();
        assert!(found.is_some(), "{expected}");
        let kept = std::fs::read(folder.path().join("federation.aggregate")).unwrap();
        match expected {
            "changed" => copy = kept,
            _ => assert!(kept == copy, "the copy is as it was: {expected}"),
        }
        // Nothing lies about that is not the copy.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    let asked = asked.await.unwrap();
    assert!(!asked[0].contains("if-none-match") && asked[1].contains("if-none-match: \"1\""));
    let found = feed.registry().entity(&id("b"), at(20)).unwrap();
    assert!(found.is_some());
}

#[tokio::test]
async fn a245_a_feed_does_not_ask_inside_its_own_network() {
    let (url, _task) = serve(Vec::new()).await;
    let public_only = Options {
        allow_http: true,
        ..Options::default()
    };
    let client = Client::new(&public_only).unwrap();
    let source = Source::new("federation", Origin::Url(url.clone()), signed());
    let feed = Feed::new([source], client.clone(), provider(), None);
    let refreshed = feed.refresh_due(at(0), 0).await.remove(0);
    let Outcome::Failed(error) = refreshed.outcome else {
        panic!("{refreshed:?}")
    };
    assert_eq!(error.code(), "http.address_refused");
    let mdq = Mdq::new(MdqOptions::new(url, signed()), client, provider());
    let error = mdq.entity(&id("a"), at(0)).await.unwrap_err();
    assert_eq!(error.code(), "http.address_refused");
}
