//! Bad input: a plain page with a reference, and nothing has changed.

use crate::browser::{Browser, Page, encode};
use crate::world::{A, B, HUB, World};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use federate::saml::binding::{PostForm, redirect_url};
use federate::saml::{AuthnRequest, LogoutRequest, MessageKind, signed_xml};
use federate::types::{MessageId, NameId};
use federate_testkit::keys;
use url::Url;

const SSO: &str = "https://hub.example/saml/sso";
const HUB_SLO: &str = "https://hub.example/saml/slo";
const A_ACS: &str = "https://a.example/saml/acs";
const A_SLO: &str = "https://a.example/saml/slo";

fn assert_refused(page: &Page, status: StatusCode, what: &str) {
    assert_eq!(page.status, status, "{what}: {}", page.body);
    let correlation = page.between("id=\"correlation\">", "</code>");
    assert_eq!(correlation.len(), 16, "{what}");
    // No reason, no echo: the page is the same for all but the reference.
    for word in [
        "signature",
        "base64",
        "assertion",
        "alice",
        "digest",
        "expired",
        "<script",
    ] {
        let text = page.body.split("<body").nth(1).unwrap().to_lowercase();
        assert!(!text.contains(word), "{what}: {word}");
    }
}

/// Everybody is signed in as before.
async fn assert_unchanged(browser: &mut Browser, what: &str) {
    for application in [A, B] {
        let page = browser.go(application).await;
        assert!(page.says("signed in as alice@example.com"), "{what}");
    }
    assert!(browser.go(HUB).await.says("Signed in as Alice"), "{what}");
}

async fn get(browser: &mut Browser, address: &str) -> Page {
    let url = Url::parse(address).unwrap();
    browser.send(&Method::GET, &url, None, None).await
}

async fn post(browser: &mut Browser, address: &str, parameter: &str, value: &str) -> Page {
    let body = encode(&[(parameter.to_owned(), value.to_owned())]);
    let url = Url::parse(address).unwrap();
    browser.send(&Method::POST, &url, Some(body), None).await
}

/// A fresh response of the hub for application A, as the browser would post it.
async fn response(browser: &mut Browser) -> String {
    let begin = get(browser, "https://a.example/login").await;
    let sso = begin.headers[LOCATION].to_str().unwrap().to_owned();
    let page = get(browser, &sso).await;
    let mut fields = page.form(0).fields.into_iter();
    fields.find(|(name, _)| name == "SAMLResponse").unwrap().1
}

fn changed(value: &str, change: impl FnOnce(String) -> String) -> String {
    let xml = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
    let changed = change(xml.clone());
    assert_ne!(xml, changed);
    STANDARD.encode(changed)
}

fn without_signature(xml: String) -> String {
    let (before, rest) = xml.split_once("<ds:Signature").unwrap();
    let (_, after) = rest.split_once("</ds:Signature>").unwrap();
    format!("{before}{after}")
}

#[tokio::test]
async fn malformed_messages_are_refused_at_every_endpoint() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let xml = STANDARD.encode("<a><b></a>");
    let dtd = STANDARD.encode("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>");
    for (address, parameter) in [
        (SSO, "SAMLRequest"),
        (HUB_SLO, "SAMLRequest"),
        (HUB_SLO, "SAMLResponse"),
        (A_ACS, "SAMLResponse"),
        (A_SLO, "SAMLRequest"),
        (A_SLO, "SAMLResponse"),
    ] {
        for value in ["", "%%%", "AAAA", "bm90IHhtbA==", &xml, &dtd] {
            let page = post(&mut browser, address, parameter, value).await;
            assert_refused(&page, StatusCode::BAD_REQUEST, address);
        }
        let page = post(&mut browser, address, "Other", "").await;
        assert_refused(&page, StatusCode::BAD_REQUEST, address);
        if address != A_ACS {
            for query in [
                "",
                "?",
                "?SAMLRequest=a&SAMLResponse=b",
                "?SAMLRequest=%FF",
                "?SAMLRequest=AAAA",
            ] {
                let page = get(&mut browser, &format!("{address}{query}")).await;
                assert_refused(&page, StatusCode::BAD_REQUEST, address);
            }
        }
    }
    assert_unchanged(&mut browser, "malformed").await;
}

#[tokio::test]
async fn oversized_and_foreign_bodies_are_refused_at_every_endpoint() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let own = [
        "https://hub.example/sign-in",
        "https://hub.example/open",
        "https://hub.example/logout",
    ];
    for address in [SSO, HUB_SLO, A_ACS, A_SLO].into_iter().chain(own) {
        let page = post(
            &mut browser,
            address,
            "SAMLResponse",
            &"A".repeat(1_600_000),
        )
        .await;
        assert_refused(&page, StatusCode::PAYLOAD_TOO_LARGE, address);
        let url = Url::parse(address).unwrap();
        for (kind, body) in [
            ("text/plain", Body::from("SAMLResponse=AAAA")),
            (
                "application/x-www-form-urlencoded",
                Body::from(vec![0xff, 0xfe]),
            ),
        ] {
            let request = Request::post(url.path())
                .header(CONTENT_TYPE, kind)
                .body(body)
                .unwrap();
            let page = browser.answer(&url, request).await;
            assert_refused(&page, StatusCode::UNSUPPORTED_MEDIA_TYPE, address);
        }
    }
    assert_unchanged(&mut browser, "oversized").await;
}

#[tokio::test]
async fn bad_requests_to_sign_on_are_refused() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let begin = get(&mut browser, "https://a.example/login").await;
    let honest = begin.headers[LOCATION].to_str().unwrap().to_owned();
    let unsigned = honest.split("&SigAlg").next().unwrap();
    let tampered = format!("{}{}", unsigned, "&RelayState=x") + &honest[unsigned.len()..];
    for address in [unsigned, &tampered] {
        let page = get(&mut browser, address).await;
        assert_refused(&page, StatusCode::BAD_REQUEST, address);
    }
    let party = world.applications[0].party();
    let id = MessageId::from_random([2; 20]);
    let mut request = AuthnRequest::new(id, keys::fixed_now(), party.entity_id.clone());
    request.destination = Some("https://other.example/saml/sso".to_owned());
    let address = redirect_url(SSO, &request, None, Some(&party.signer)).unwrap();
    let page = get(&mut browser, &address).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, "wrongly addressed");
    request.destination = Some(SSO.to_owned());
    request.assertion_consumer_service_url = Some("https://evil.example/acs".to_owned());
    let address = redirect_url(SSO, &request, None, Some(&party.signer)).unwrap();
    let page = get(&mut browser, &address).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, "foreign answer address");

    // None of this used the honest request up; it works once.
    let page = get(&mut browser, &honest).await;
    assert_eq!(page.status, StatusCode::OK);
    let page = get(&mut browser, &honest).await;
    assert_refused(&page, StatusCode::FORBIDDEN, "replayed");

    let begin = get(&mut browser, "https://a.example/login").await;
    world.clock.advance(TimeDelta::minutes(13));
    let expired = begin.headers[LOCATION].to_str().unwrap().to_owned();
    let page = get(&mut browser, &expired).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, "expired");
    assert_unchanged(&mut browser, "requests").await;
}

#[tokio::test]
async fn bad_responses_are_refused() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let honest = response(&mut browser).await;
    let other = |xml: String| xml.replace("alice@", "admin@");
    for (what, value) in [
        ("unsigned", changed(&honest, without_signature)),
        ("tampered", changed(&honest, other)),
    ] {
        let page = post(&mut browser, A_ACS, "SAMLResponse", &value).await;
        assert_refused(&page, StatusCode::BAD_REQUEST, what);
    }
    let page = post(
        &mut browser,
        "https://b.example/saml/acs",
        "SAMLResponse",
        &honest,
    )
    .await;
    assert_refused(&page, StatusCode::FORBIDDEN, "for another application");

    // The honest one still counts, once.
    let page = post(&mut browser, A_ACS, "SAMLResponse", &honest).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let page = post(&mut browser, A_ACS, "SAMLResponse", &honest).await;
    assert_refused(&page, StatusCode::FORBIDDEN, "replayed");

    let late = response(&mut browser).await;
    world.clock.advance(TimeDelta::minutes(9));
    let page = post(&mut browser, A_ACS, "SAMLResponse", &late).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, "expired");
    let page = get(&mut browser, "https://a.example/login/complete?handle=x").await;
    assert_refused(
        &page,
        StatusCode::BAD_REQUEST,
        "a handle that cannot be one",
    );
    let unknown = format!("https://a.example/login/complete?handle={}", "A".repeat(43));
    let page = get(&mut browser, &unknown).await;
    assert_refused(&page, StatusCode::FORBIDDEN, "an unknown handle");
    assert_unchanged(&mut browser, "responses").await;
}

/// A LogoutRequest for the one person, by whoever the caller says.
fn logout_request(issuer: &str, destination: &str, number: u8) -> LogoutRequest {
    let now = keys::fixed_now();
    LogoutRequest {
        id: MessageId::from_random([number; 20]),
        issue_instant: now,
        destination: Some(destination.to_owned()),
        not_on_or_after: Some(now + TimeDelta::minutes(5)),
        reason: None,
        issuer: Some(federate::types::EntityId::new(issuer).unwrap()),
        extensions: Default::default(),
        name_id: NameId::new("alice@example.com", None).unwrap(),
        session_indexes: Vec::new(),
    }
}

#[tokio::test]
async fn bad_logout_requests_are_refused() {
    let world = World::new();
    let hub = world.hub.identity_provider().party().signer.clone();
    let [a, b] = [0, 1].map(|i| world.applications[i].party().signer.clone());
    for (location, issuer, right, wrong) in [
        (HUB_SLO, "https://a.example", &a, &b),
        (A_SLO, "https://hub.example", &hub, &b),
    ] {
        let mut browser = world.signed_in().await;
        let request = logout_request(issuer, location, 3);
        let signed = redirect_url(location, &request, None, Some(right)).unwrap();
        let unsigned = redirect_url(location, &request, None, None).unwrap();
        let forged = redirect_url(location, &request, None, Some(wrong)).unwrap();
        let tampered = signed.replace("&SigAlg", "&RelayState=x&SigAlg");
        let elsewhere = logout_request(issuer, "https://other.example/slo", 4);
        let elsewhere = redirect_url(location, &elsewhere, None, Some(right)).unwrap();
        for (what, address) in [
            ("unsigned", &unsigned),
            ("forged", &forged),
            ("tampered", &tampered),
            ("wrongly addressed", &elsewhere),
        ] {
            let page = get(&mut browser, address).await;
            assert_refused(&page, StatusCode::BAD_REQUEST, what);
        }
        let stranger = logout_request("https://stranger.example", location, 5);
        let stranger = redirect_url(location, &stranger, None, Some(wrong)).unwrap();
        let page = get(&mut browser, &stranger).await;
        assert_refused(&page, StatusCode::FORBIDDEN, "a stranger");
        let xml = signed_xml(&request, right).unwrap();
        let form = PostForm::new(location, MessageKind::Request, &xml, None);
        let posted = changed(&form.value, |xml| xml.replace("alice@", "admin@"));
        let page = post(&mut browser, location, "SAMLRequest", &posted).await;
        assert_refused(&page, StatusCode::BAD_REQUEST, "tampered by POST");
        assert_unchanged(&mut browser, location).await;

        // The honest one counts, once.
        let page = get(&mut browser, &signed).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        let page = get(&mut browser, &signed).await;
        assert_refused(&page, StatusCode::FORBIDDEN, "replayed");
    }
    // Logins of that very instant would be older than the logout.
    world.clock.advance(TimeDelta::seconds(1));
    let mut browser = world.signed_in().await;
    let late = logout_request("https://a.example", HUB_SLO, 6);
    let late = redirect_url(HUB_SLO, &late, None, Some(&a)).unwrap();
    world.clock.advance(TimeDelta::minutes(9));
    let page = get(&mut browser, &late).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, "expired");
    assert_unchanged(&mut browser, "expired").await;
}

#[tokio::test]
async fn addresses_that_lead_nowhere_are_plain_pages() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let unknown = "A".repeat(43);
    let logout = |rest: &str| format!("https://hub.example/logout/{unknown}{rest}");
    for (address, status) in [
        (
            "https://hub.example/nothing".to_owned(),
            StatusCode::NOT_FOUND,
        ),
        (logout(""), StatusCode::NOT_FOUND),
        (logout("/next"), StatusCode::NOT_FOUND),
        (logout("/finish"), StatusCode::NOT_FOUND),
        (
            "https://hub.example/logout/x".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        (
            "https://hub.example/logout/%FF".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        (
            "https://hub.example/logout".to_owned(),
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            "https://hub.example/saml/sso/continue".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        (
            "https://hub.example/sign-in?handle=x".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        (
            format!("https://hub.example/sign-in?handle={unknown}"),
            StatusCode::FORBIDDEN,
        ),
    ] {
        let page = get(&mut browser, &address).await;
        assert_refused(&page, status, &address);
    }
    assert_unchanged(&mut browser, "addresses").await;
}
