//! What the client does with servers that do not do what they should.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use federate::{BackChannel as _, BackChannelError};
use federate_http::{Client, Fetched, HttpError, Options, Validators};
use federate_testkit::loopback::{Answer, serve};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::time::Duration;
use tokio::net::TcpListener;

/// A client that may reach these servers.
fn client(options: impl FnOnce(&mut Options)) -> Client {
    let mut all = Options {
        allow_http: true,
        allow_private_addresses: true,
        ..Options::default()
    };
    options(&mut all);
    Client::new(&all).unwrap()
}

async fn fetch(client: &Client, answers: Vec<Answer>) -> (Result<Fetched, HttpError>, Vec<u8>) {
    let (url, _task) = serve(answers).await;
    let mut sink = Vec::new();
    let result = client.fetch(&url, None, &mut sink).await;
    (result, sink)
}

fn code<T: std::fmt::Debug>(result: Result<T, HttpError>) -> &'static str {
    result.unwrap_err().code()
}

#[tokio::test]
async fn a_document_comes_once_and_then_only_when_it_changed() {
    let client = client(|_| {});
    let first = Answer::new(
        "200 OK\r\nETag: \"1\"\r\nLast-Modified: Sat, 21 Nov 2026 00:00:00 GMT",
        b"<a/>",
    );
    let (url, asked) = serve(vec![first, Answer::new("304 Not Modified", b"")]).await;
    let mut sink = Vec::new();
    let validators = Validators {
        etag: Some("\"1\"".to_owned()),
        last_modified: Some("Sat, 21 Nov 2026 00:00:00 GMT".to_owned()),
    };
    let expected = Fetched::New {
        validators: validators.clone(),
        bytes: 4,
    };
    assert_eq!(client.fetch(&url, None, &mut sink).await.unwrap(), expected);
    assert_eq!(sink, b"<a/>");
    let again = client.fetch(&url, Some(&validators), &mut sink).await;
    assert_eq!(again.unwrap(), Fetched::NotModified);
    let asked = asked.await.unwrap();
    assert!(!asked[0].contains("if-none-match"));
    assert!(asked[1].contains("if-none-match: \"1\"") && asked[1].contains("if-modified-since: "));
}

#[tokio::test]
async fn an_answer_that_is_no_document_is_none() {
    let client = client(|_| {});
    for (head, expected) in [
        ("404 Not Found", "http.status"),
        ("500 Internal Server Error", "http.status"),
        ("204 No Content", "http.status"),
        // Nobody asked whether it had changed.
        ("304 Not Modified", "http.status"),
    ] {
        let (result, sink) = fetch(&client, vec![Answer::new(head, b"")]).await;
        assert_eq!((code(result), sink.len()), (expected, 0), "{head}");
    }
}

#[tokio::test]
async fn a246_truncated_downloads_are_no_documents() {
    let client = client(|_| {});
    let cut = Answer::new("200 OK", b"<EntityDescriptor/>").without_last(3);
    assert_eq!(code(fetch(&client, vec![cut]).await.0), "http.incomplete");
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(b"<EntityDescriptor/>").unwrap();
    let mut packed = packed.finish().unwrap();
    packed.truncate(packed.len() - 9);
    let cut = Answer::new("200 OK\r\nContent-Encoding: gzip", &packed);
    assert_eq!(code(fetch(&client, vec![cut]).await.0), "http.incomplete");
}

#[tokio::test]
async fn a246_large_answers_are_bounded_also_when_they_are_packed() {
    let client = client(|options| options.max_bytes = 100_000);
    let large = Answer::new("200 OK", &vec![b' '; 100_001]);
    let (result, sink) = fetch(&client, vec![large]).await;
    assert_eq!(code(result), "http.too_large");
    assert!(sink.len() <= 100_000);
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..100 {
        bomb.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 110_000, "100 MiB in {} bytes", bomb.len());
    let bomb = Answer::new("200 OK\r\nContent-Encoding: gzip", &bomb);
    let (result, sink) = fetch(&client, vec![bomb]).await;
    assert_eq!(code(result), "http.too_large");
    assert!(sink.len() <= 100_000);
    let fits = Answer::new("200 OK", &vec![b' '; 100_000]);
    assert!(fetch(&client, vec![fits]).await.0.is_ok());
}

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_peer_is_waited_for_as_long_as_its_caller_waits() {
    let client = client(|_| {});
    // It takes the connection, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let within = Duration::from_secs(1);
    let asked = client.exchange(&url, Vec::new(), within);
    let error = tokio::time::timeout(SOON / 3, asked).await.unwrap();
    assert!(
        matches!(error, Err(BackChannelError::NoAnswer(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a246_slow_answers_are_given_up() {
    let client = client(|options| options.timeout = Duration::from_millis(300));
    let long = Duration::from_secs(30);
    let silent = Answer::new("200 OK", b"")
        .without_last(1000)
        .then_waiting(long);
    assert_eq!(code(fetch(&client, vec![silent]).await.0), "http.timeout");
    let stuck = Answer::new("200 OK", b"<EntityDescriptor/>").without_last(3);
    let stuck = stuck.then_waiting(long);
    assert_eq!(code(fetch(&client, vec![stuck]).await.0), "http.timeout");
}

#[tokio::test]
async fn a245_redirects_lead_to_no_other_place_than_an_address_would() {
    let client = client(|options| options.max_redirects = 2);
    let to = |location: &str| Answer::new(&format!("302 Found\r\nLocation: {location}"), b"");
    for (location, expected) in [
        ("file:///etc/passwd", "http.scheme"),
        ("gopher://127.0.0.1/", "http.scheme"),
        ("http://[", "http.redirect"),
    ] {
        let (result, _) = fetch(&client, vec![to(location)]).await;
        assert_eq!(code(result), expected, "{location}");
    }
    let two = vec![to("/b"), to("/c"), Answer::new("200 OK", b"<a/>")];
    assert!(fetch(&client, two).await.0.is_ok());
    let three = vec![to("/b"), to("/c"), to("/d")];
    assert_eq!(code(fetch(&client, three).await.0), "http.redirect");
}

#[tokio::test]
async fn a245_private_addresses_are_not_asked() {
    let client = Client::new(&Options {
        allow_http: true,
        ..Options::default()
    })
    .unwrap();
    let (url, _task) = serve(Vec::new()).await;
    let port = url.rsplit(':').next().unwrap();
    for url in [
        url.as_str(),
        // A name for it, which is resolved when the connection is made.
        &format!("http://localhost:{port}"),
        &format!("http://[::1]:{port}"),
        &format!("http://2130706433:{port}"),
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
    ] {
        let result = client.fetch(url, None, &mut Vec::new()).await;
        assert_eq!(code(result), "http.address_refused", "{url}");
        let asked = client.exchange(url, Vec::new(), SOON).await.unwrap_err();
        assert!(asked.to_string().contains("http.address_refused"), "{url}");
    }
    let client = Client::new(&Options::default()).unwrap();
    let result = client.fetch(&url, None, &mut Vec::new()).await;
    assert_eq!(code(result), "http.scheme");
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let client = client(|_| {});
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let result = client.fetch(&url, None, &mut Vec::new()).await;
    assert_eq!(code(result), "http.unreachable");
}

#[tokio::test]
async fn a_peer_is_asked_as_the_binding_has_it() {
    let client = client(|_| {});
    let xml = "Content-Type: text/xml; charset=utf-8";
    let (url, asked) = serve(vec![Answer::new(&format!("200 OK\r\n{xml}"), b"<answer/>")]).await;
    let got = client
        .exchange(&url, b"<question/>".to_vec(), SOON)
        .await
        .unwrap();
    assert_eq!(got, b"<answer/>");
    let asked = asked.await.unwrap().remove(0);
    for expected in [
        "post /metadata http/1.1",
        "content-type: text/xml; charset=utf-8",
        "soapaction: \"http://www.oasis-open.org/committees/security\"",
        "<question/>",
    ] {
        assert!(asked.contains(expected), "{asked}");
    }
    for (head, expected) in [
        (format!("500 Internal Server Error\r\n{xml}"), None),
        // As pysaml2 answers.
        (
            "200 OK\r\nContent-Type: application/soap+xml".to_owned(),
            None,
        ),
        (format!("403 Forbidden\r\n{xml}"), Some("http.status")),
        (
            "200 OK\r\nContent-Type: text/html".to_owned(),
            Some("http.not_an_envelope"),
        ),
        ("200 OK".to_owned(), Some("http.not_an_envelope")),
        (
            format!("307 Moved\r\nLocation: /b\r\n{xml}"),
            Some("http.redirect"),
        ),
    ] {
        let (url, _task) = serve(vec![Answer::new(&head, b"<fault/>")]).await;
        let result = client.exchange(&url, Vec::new(), SOON).await;
        match expected {
            None => assert_eq!(result.unwrap(), b"<fault/>"),
            Some(code) => {
                let error = result.unwrap_err().to_string();
                assert!(error.contains(code), "{head}: {error}");
            }
        }
    }
}
