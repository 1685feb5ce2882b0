//! The bindings that are not HTTP-Redirect and HTTP-POST.

use crate::world::{HUB, World, credentials};
use axum::body::{Body, to_bytes};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate::LoginOptions;
use federate::saml::binding::soap;
use federate::saml::ecp;
use federate::types::Binding;
use federate_axum::hub::{ARTIFACTS, ECP};
use federate_testkit::parties::{PASSWORD, USER};
use tower::ServiceExt as _;

fn by(binding: Binding) -> LoginOptions {
    LoginOptions {
        response_binding: Some(binding),
        ..LoginOptions::default()
    }
}

#[tokio::test]
async fn a_sign_in_works_by_simple_sign_and_by_artifact() {
    for binding in [Binding::HttpPostSimpleSign, Binding::HttpArtifact] {
        let world = World::with_login_options(by(binding));
        let mut browser = world.browser();
        let page = browser.go("https://a.example/inbox").await;
        let page = browser.submit(&page, &credentials(&page)).await;
        assert_eq!(page.url.as_str(), "https://a.example/inbox", "{binding}");
        assert!(page.says("inbox of alice@example.com"));
        let page = browser.go("https://b.example/inbox").await;
        assert_eq!(page.url.as_str(), "https://b.example/inbox", "{binding}");
    }
}

/// Sends a request that no browser sends.
async fn send(world: &World, host: &str, request: Request<Body>) -> Response {
    let router = world.web[host].clone();
    router.oneshot(request).await.unwrap()
}

async fn text(answer: Response) -> String {
    let octets = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(octets.into()).unwrap()
}

#[tokio::test]
async fn what_is_refused_by_soap_is_a_fault_that_tells_nothing() {
    let world = World::new();
    let post = |kind: &str, body: &'static str| {
        let request = Request::post(ARTIFACTS).header(CONTENT_TYPE, kind);
        request.body(Body::from(body)).unwrap()
    };
    let answer = send(&world, "hub.example", post("text/xml", "<a/>")).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.headers()[CONTENT_TYPE], soap::CONTENT_TYPE);
    let cached = answer.headers()[CACHE_CONTROL].to_str().unwrap();
    assert!(cached.contains("no-cache") && cached.contains("no-store"));
    let text = text(answer).await;
    assert!(
        text.contains("<faultcode>soap:Client</faultcode>"),
        "{text}"
    );
    assert!(text.contains("The request failed. Reference: "), "{text}");
    // A page of another site can make a browser send this, but not as text/xml.
    let answer = send(&world, "hub.example", post("text/plain", "<a/>")).await;
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

/// The message in an envelope, octet for octet.
fn inner(envelope: &str, element: &str) -> Vec<u8> {
    let start = envelope.find(&format!("<{element}")).unwrap();
    let end = format!("</{element}>");
    let stop = envelope.rfind(&end).unwrap() + end.len();
    envelope.as_bytes()[start..stop].to_vec()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split_once(after).unwrap().0
}

/// What the application gives a program that can sign in by itself.
async fn asked(world: &World) -> String {
    let request = Request::get("/login?return_to=/inbox")
        .header(ACCEPT, format!("text/html; q=0.3, {}", ecp::CONTENT_TYPE))
        .header(
            "PAOS",
            format!("ver=\"{}\"; \"{}\"", ecp::PAOS, ecp::SERVICE),
        );
    let request = request.body(Body::empty()).unwrap();
    let answer = send(world, "a.example", request).await;
    assert_eq!(answer.headers()[CONTENT_TYPE], ecp::CONTENT_TYPE);
    text(answer).await
}

async fn at_the_hub(world: &World, asked: &str, credentials: Option<&str>) -> Response {
    let envelope = soap::envelope(&inner(asked, "samlp:AuthnRequest"));
    let mut request = Request::post(ECP).header(CONTENT_TYPE, soap::CONTENT_TYPE);
    if let Some(credentials) = credentials {
        let basic = format!("Basic {}", STANDARD.encode(credentials));
        request = request.header(AUTHORIZATION, basic);
    }
    send(
        world,
        "hub.example",
        request.body(Body::from(envelope)).unwrap(),
    )
    .await
}

#[tokio::test]
async fn a_program_signs_in_by_itself() {
    let world = World::new();
    let asked = asked(&world).await;
    for credentials in [None, Some("alice:wrong"), Some("nobody:correct horse")] {
        let answer = at_the_hub(&world, &asked, credentials).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let challenge = answer.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        assert_eq!(challenge, "Basic realm=\"The Hub\", charset=\"UTF-8\"");
    }
    let answer = at_the_hub(&world, &asked, Some(&format!("{USER}:{PASSWORD}"))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answered = text(answer).await;
    let consumer = between(&answered, "AssertionConsumerServiceURL=\"", "\"");
    assert!(
        asked.contains(&format!("responseConsumerURL=\"{consumer}\"")),
        "{asked}"
    );

    let response = inner(&answered, "samlp:Response");
    let state = between(&asked, "<ecp:RelayState", "</ecp:RelayState>");
    let state = state.split_once('>').unwrap().1.to_owned();
    let envelope = soap::envelope_with(&response, |w| {
        w.start(ecp::ECP_RELAY_STATE);
        soap::for_next(w);
        w.text(&state);
        w.end();
    });
    // A browser can be made to send it only as another type.
    for (kind, status) in [
        ("text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (ecp::CONTENT_TYPE, StatusCode::SEE_OTHER),
        (ecp::CONTENT_TYPE, StatusCode::FORBIDDEN), // once
    ] {
        let request = Request::post("/saml/acs").header(CONTENT_TYPE, kind);
        let request = request.body(Body::from(envelope.clone())).unwrap();
        let answer = send(&world, "a.example", request).await;
        assert_eq!(answer.status(), status, "{kind}");
        if status == StatusCode::SEE_OTHER {
            assert_eq!(answer.headers()[LOCATION], "/inbox");
            assert!(answer.headers().contains_key(SET_COOKIE));
        }
    }
    // It is no session of a browser at the hub.
    let page = world.browser().go(HUB).await;
    assert!(!page.says("Signed in as"), "{}", page.body);
}
