//! node-saml, as a service provider of our hub. It reads no metadata, but writes its own.

use crate::peer::{Peer, script, skipped, succeeds};
use crate::*;
use federate::hub::LogoutPhase;
use federate::metadata::{Endpoint, Location};
use federate::types::Binding;
use federate_testkit::keys;
use std::process::Command;
use std::sync::Arc;

const PEER: &str = "https://node-saml.example";

/// State without a blank: see [`it_signs_other_octets_than_it_sends`].
const UNBROKEN: &str = "/inbox?a=b&c=d+e&f=\u{e9}%20";

/// Node.js, which finds the modules that were installed for us.
pub(crate) fn node() -> Command {
    let mut node = Command::new("node");
    if let Some(modules) = std::env::var_os("FEDERATE_NODE_MODULES") {
        node.env("NODE_PATH", modules);
    }
    node
}

pub(crate) static INSTALLED: LazyLock<bool> =
    LazyLock::new(|| succeeds(node().args(["-e", "require('@node-saml/node-saml')"])));

/// node-saml, which wants a part to be signed and names of a kind, and its metadata; none where
/// it is not installed.
fn start(part: SignedPart, format: &NameIdFormat) -> Option<(Peer, Value)> {
    if !*INSTALLED {
        skipped("node-saml is not installed in the folder of FEDERATE_NODE_MODULES");
        return None;
    }
    let mut peer = Peer::start(node().arg(script("node-saml/peer.js")));
    let started = peer.does(&json!({
        "do": "start", "entity_id": PEER, "acs": format!("{PEER}/acs"),
        "slo": format!("{PEER}/slo"),
        "key": keys::RSA_KEY, "certificate": keys::RSA_CERTIFICATE,
        "idp": HUB, "idp_sso": HUB_SSO, "idp_slo": HUB_SLO,
        "idp_certificate": OURS.1.to_base64(),
        "want_assertions_signed": part != SignedPart::Response,
        "format": format.uri(),
        "want_response_signed": part != SignedPart::Assertion,
    }));
    Some((peer, started["metadata"].clone()))
}

/// Begins a login; gives the task that takes the hub's answer.
async fn response(
    peer: &mut Peer,
    hub: &Hub<MemoryStore>,
    session: &Token,
    binding: &str,
) -> Value {
    let request = peer.does(&json!({"do": "login", "binding": binding, "relay_state": UNBROKEN}));
    let response = sign_on(hub, &request["message"], session).await;
    assert_eq!(response["fields"]["RelayState"], UNBROKEN);
    json!({"do": "accept", "message": response})
}

/// Whatever is signed or encrypted, it reads what we said; what was changed, or was there
/// before, it refuses.
#[tokio::test]
async fn it_accepts_our_responses() {
    for (part, encrypted) in WAYS {
        let Some((mut peer, metadata)) = start(part, &NameIdFormat::EmailAddress) else {
            return;
        };
        let mut application = application(&metadata);
        application.issue.signed_part = part;
        application.encrypt_assertions = encrypted;
        let (hub, session) = hub(application).await;
        for binding in ["redirect", "post"] {
            let mut accept = response(&mut peer, &hub, &session, binding).await;
            let profile = &peer.does(&accept)["profile"];
            assert_eq!(profile["issuer"], HUB, "{part:?} {encrypted}");
            assert_eq!(profile["nameID"], EMAIL);
            assert_eq!(profile["nameIDFormat"], NameIdFormat::EmailAddress.uri());
            assert!(profile["sessionIndex"].is_string());
            for (name, values) in ATTRIBUTES {
                let told = &profile["attributes"][name];
                match values {
                    [value] => assert_eq!(told, value, "{part:?} {encrypted}"),
                    values => assert_eq!(told, &json!(values), "{part:?} {encrypted}"),
                }
            }
            peer.refuses(&accept, "InResponseTo is not valid");
            accept = response(&mut peer, &hub, &session, binding).await;
            accept["message"] = tampered(&accept["message"]);
            let because = match (part, encrypted) {
                (SignedPart::Assertion, true) => "unable to authenticate data",
                (SignedPart::Assertion, false) => "Invalid signature",
                _ => "Invalid document signature",
            };
            peer.refuses(&accept, because);
        }
    }
}

/// node-saml signs a blank of the RelayState as `%20` and sends `+`. The signature is over the
/// octets of the query (`[SAMLBind] 3.4.4.1`), so it is not a good one. By HTTP-POST there is
/// no such thing.
#[tokio::test]
async fn it_signs_other_octets_than_it_sends() {
    let Some((mut peer, metadata)) = start(SignedPart::Assertion, &NameIdFormat::EmailAddress)
    else {
        return;
    };
    let (hub, session) = hub(application(&metadata)).await;
    let login = json!({"do": "login", "binding": "redirect", "relay_state": STATE});
    let request = peer.does(&login)["message"].clone();
    let location = request["location"].as_str().unwrap();
    let incoming = Carried::of(&request);
    let error = hub.receive_sign_on(incoming.incoming()).await.unwrap_err();
    assert_eq!(error.code(), "signature.wrong_key");
    assert!(location.contains("in+box"));
    let as_signed = json!({ "location": location.replace("in+box", "in%20box") });
    let response = sign_on(&hub, &as_signed, &session).await;
    assert_eq!(response["fields"]["RelayState"], STATE);
}

/// The hub ends what node-saml asks to end, and node-saml takes the answer.
#[tokio::test]
async fn it_logs_out() {
    for (format, binding) in in_every_way() {
        let Some((mut peer, metadata)) = start(SignedPart::Assertion, &format) else {
            return;
        };
        let (hub, session) = hub(reached_by(binding, &metadata)).await;
        let accept = response(&mut peer, &hub, &session, "redirect").await;
        let profile = &peer.does(&accept)["profile"];
        assert_eq!(profile["nameIDFormat"], format.uri());
        let request = peer.does(&json!({"do": "logout"}));

        let changed = Carried::of(&tampered(&request["message"]));
        let error = hub.receive_logout(changed.incoming()).await.unwrap_err();
        assert_eq!(error.code(), "signature.wrong_key");
        assert!(hub.session(&session).await.unwrap().is_some());

        let carried = Carried::of(&request["message"]);
        let handle = hub.receive_logout(carried.incoming()).await.unwrap();
        assert!(hub.session(&session).await.unwrap().is_none());
        let answer = carry(&hub.finish_logout(&handle).await.unwrap().unwrap());
        assert_eq!(
            answer["location"].is_string(),
            binding == Binding::HttpRedirect
        );
        peer.refuses(
            &json!({"do": "logout_response", "message": tampered(&answer)}),
            "Invalid",
        );
        let taken = peer.does(&json!({"do": "logout_response", "message": answer}));
        assert_eq!(taken["logged_out"], true);
    }
}

/// node-saml verifies the hub's LogoutRequest, and its answer completes the hub's logout.
#[tokio::test]
async fn it_is_logged_out() {
    for (format, binding) in in_every_way() {
        let Some((mut peer, metadata)) = start(SignedPart::Assertion, &format) else {
            return;
        };
        let (hub, session) = hub(reached_by(binding, &metadata)).await;
        let accept = response(&mut peer, &hub, &session, "redirect").await;
        let profile = peer.does(&accept)["profile"].clone();
        let handle = hub.log_out(&session).await.unwrap();
        let request = carry(&hub.next_logout(&handle).await.unwrap().unwrap());
        assert_eq!(
            request["location"].is_string(),
            binding == Binding::HttpRedirect
        );

        peer.refuses(
            &json!({"do": "logout_request", "message": tampered(&request)}),
            "Invalid",
        );
        let taken = peer.does(&json!({"do": "logout_request", "message": request}));
        assert_eq!(taken["profile"]["issuer"], HUB);
        assert_eq!(taken["profile"]["nameID"], profile["nameID"]);
        assert_eq!(taken["profile"]["sessionIndex"], profile["sessionIndex"]);

        let answer = Carried::of(&taken["message"]);
        hub.receive_logout(answer.incoming()).await.unwrap();
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(page.phase, LogoutPhase::Done { complete: true });
    }
}

/// Every kind of name, by every binding.
fn in_every_way() -> impl Iterator<Item = (NameIdFormat, Binding)> {
    let formats = FORMATS.into_iter();
    let bindings = [Binding::HttpPost, Binding::HttpRedirect];
    formats.flat_map(move |format| bindings.map(|binding| (format.clone(), binding)))
}

/// The application, where logout messages reach it by this binding. Its metadata names only
/// HTTP-POST, but it takes redirects, too.
fn reached_by(binding: Binding, metadata: &Value) -> Application {
    let mut application = application(metadata);
    let sp = Arc::make_mut(&mut application.metadata)
        .sp
        .as_mut()
        .unwrap();
    assert!(sp.single_logout.iter().all(|e| e.is_for(Binding::HttpPost)));
    let location = Location::new(format!("{PEER}/slo")).unwrap();
    sp.single_logout = vec![Endpoint::new(binding, location)];
    application
}
