//! samlify, as a service provider of our hub and as the identity provider of our service
//! provider.

use crate::node_saml::node;
use crate::peer::{Peer, script, skipped, succeeds};
use crate::*;
use federate::hub::LogoutPhase;
use federate::types::Binding;
use federate::{CompletedLogin, Connection, FederateError, LoginOptions, LogoutReceived};
use federate_testkit::keys;
use std::sync::Arc;

const PEER_SP: &str = "https://samlify.example/sp";
const PEER_IDP: &str = "https://samlify.example/idp";
const CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
const GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";

static INSTALLED: LazyLock<bool> =
    LazyLock::new(|| succeeds(node().args(["-e", "require('samlify')"])));

/// samlify in a role, which wants or makes signatures of a part, and its metadata; none where
/// it is not installed.
fn start(
    role: &str,
    peer_metadata: &str,
    part: SignedPart,
    cipher: Option<&str>,
    format: &NameIdFormat,
) -> Option<(Peer, Value)> {
    if !*INSTALLED {
        skipped("samlify is not installed in the folder of FEDERATE_NODE_MODULES");
        return None;
    }
    let mut peer = Peer::start(node().arg(script("samlify/peer.js")));
    let entity_id = if role == "sp" { PEER_SP } else { PEER_IDP };
    let started = peer.does(&json!({
        "do": "start", "role": role, "entity_id": entity_id,
        "acs": format!("{PEER_SP}/acs"), "sso": format!("{PEER_IDP}/sso"),
        "slo": format!("{entity_id}/slo"),
        "key": keys::RSA_KEY, "certificate": keys::RSA_CERTIFICATE, "peer": peer_metadata,
        "sign_assertion": part != SignedPart::Response,
        "sign_response": part != SignedPart::Assertion, "cipher": cipher,
        "format": format.uri(),
    }));
    Some((peer, started["metadata"].clone()))
}

/// samlify signs its requests only where the identity provider's metadata wants them signed.
fn metadata_wanting_signatures() -> String {
    let limits = federate::xml::Limits::default();
    let mut entity = federate::metadata::parse_entity(hub_metadata().as_bytes(), &limits).unwrap();
    entity.idp.as_mut().unwrap().want_authn_requests_signed = true;
    String::from_utf8(entity.to_xml()).unwrap()
}

fn service_provider_peer(
    part: SignedPart,
    encrypted: bool,
    format: &NameIdFormat,
) -> Option<(Peer, Application)> {
    let cipher = encrypted.then_some("ours");
    let (peer, metadata) = start("sp", &metadata_wanting_signatures(), part, cipher, format)?;
    let mut application = application(&metadata);
    assert!(
        application
            .metadata
            .sp
            .as_ref()
            .unwrap()
            .authn_requests_signed
    );
    application.issue.signed_part = part;
    application.encrypt_assertions = encrypted;
    Some((peer, application))
}

/// Begins a login; gives the task that takes the hub's answer.
async fn response(
    peer: &mut Peer,
    hub: &Hub<MemoryStore>,
    session: &Token,
    binding: &str,
) -> Value {
    let request = peer.does(&json!({"do": "login", "binding": binding, "relay_state": STATE}));
    let response = sign_on(hub, &request["message"], session).await;
    assert_eq!(response["fields"]["RelayState"], STATE);
    json!({"do": "accept", "message": response})
}

/// Whatever is signed or encrypted, it reads what we said, and refuses what was changed.
#[tokio::test]
async fn as_a_service_provider_it_accepts_our_responses() {
    for (part, encrypted) in WAYS {
        let Some((mut peer, application)) =
            service_provider_peer(part, encrypted, &NameIdFormat::EmailAddress)
        else {
            return;
        };
        let (hub, session) = hub(application).await;
        for binding in ["redirect", "post"] {
            let mut accept = response(&mut peer, &hub, &session, binding).await;
            let read = &peer.does(&accept)["read"];
            assert_eq!(read["issuer"], HUB, "{part:?} {encrypted}");
            assert_eq!(read["nameID"], EMAIL);
            assert_eq!(read["audience"], PEER_SP);
            for (name, values) in ATTRIBUTES {
                let told = &read["attributes"][name];
                match values {
                    [value] => assert_eq!(told, value, "{part:?} {encrypted}"),
                    values => assert_eq!(told, &json!(values), "{part:?} {encrypted}"),
                }
            }
            accept["message"] = tampered(&accept["message"]);
            // What does not verify it decrypts, and then verifies again.
            let because = match encrypted {
                true => "ERR_EXCEPTION_OF_ASSERTION_DECRYPTION",
                false => "FAILED_TO_VERIFY_SIGNATURE",
            };
            peer.refuses(&accept, because);
        }
    }
}

/// Every kind of name, by every binding.
fn in_every_way() -> impl Iterator<Item = (NameIdFormat, &'static str, Binding)> {
    let bindings = [
        ("redirect", Binding::HttpRedirect),
        ("post", Binding::HttpPost),
    ];
    let formats = FORMATS.into_iter();
    formats.flat_map(move |format| bindings.map(|(name, b)| (format.clone(), name, b)))
}

/// The hub ends what samlify asks to end, and samlify takes the answer.
#[tokio::test]
async fn as_a_service_provider_it_logs_out() {
    for (format, binding, _) in in_every_way() {
        let Some((mut peer, application)) =
            service_provider_peer(SignedPart::Assertion, false, &format)
        else {
            return;
        };
        let (hub, session) = hub(application).await;
        let accept = response(&mut peer, &hub, &session, binding).await;
        peer.does(&accept);
        let request = peer.does(&json!({"do": "logout", "binding": binding}));

        let changed = Carried::of(&tampered(&request["message"]));
        let error = hub.receive_logout(changed.incoming()).await.unwrap_err();
        assert!(error.code().starts_with("signature."), "{}", error.code());
        assert!(hub.session(&session).await.unwrap().is_some());

        let carried = Carried::of(&request["message"]);
        let handle = hub.receive_logout(carried.incoming()).await.unwrap();
        assert!(hub.session(&session).await.unwrap().is_none());
        let answer = carry(&hub.finish_logout(&handle).await.unwrap().unwrap());
        let changed = json!({"do": "logout_response", "message": tampered(&answer)});
        peer.refuses(&changed, "VERIF");
        let read = peer.does(&json!({"do": "logout_response", "message": answer}));
        assert_eq!(read["read"]["response"]["inResponseTo"], request["id"]);
    }
}

/// samlify verifies the hub's LogoutRequest, and its answer completes the hub's logout.
#[tokio::test]
async fn as_a_service_provider_it_is_logged_out() {
    for (format, _, only) in in_every_way() {
        let Some((mut peer, mut application)) =
            service_provider_peer(SignedPart::Assertion, false, &format)
        else {
            return;
        };
        let sp = Arc::make_mut(&mut application.metadata)
            .sp
            .as_mut()
            .unwrap();
        sp.single_logout.retain(|endpoint| endpoint.is_for(only));
        let (hub, session) = hub(application).await;
        let accept = response(&mut peer, &hub, &session, "redirect").await;
        let login = peer.does(&accept)["read"].clone();
        let handle = hub.log_out(&session).await.unwrap();
        let request = carry(&hub.next_logout(&handle).await.unwrap().unwrap());
        assert_eq!(
            request["location"].is_string(),
            only == Binding::HttpRedirect
        );
        let changed = json!({"do": "logout_request", "message": tampered(&request)});
        peer.refuses(&changed, "VERIF");
        let taken = peer.does(&json!({"do": "logout_request", "message": request}));
        assert_eq!(taken["read"]["nameID"], login["nameID"]);
        assert_eq!(
            taken["read"]["sessionIndex"],
            login["sessionIndex"]["sessionIndex"]
        );
        let answer = Carried::of(&taken["message"]);
        hub.receive_logout(answer.incoming()).await.unwrap();
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(page.phase, LogoutPhase::Done { complete: true });
    }
}

/// Our service provider and samlify as its identity provider.
fn pair(
    part: SignedPart,
    cipher: Option<&str>,
    only: Option<Binding>,
) -> Option<(ServiceProvider<MemoryStore>, Peer)> {
    let sp = service_provider();
    let metadata = String::from_utf8(sp.metadata()).unwrap();
    let (peer, metadata) = start("idp", &metadata, part, cipher, &NameIdFormat::EmailAddress)?;
    let mut connection = Connection::from_metadata(metadata.as_str().unwrap().as_bytes()).unwrap();
    connection.require_encryption = cipher.is_some();
    if let Some(binding) = only {
        let idp = Arc::make_mut(&mut connection.metadata)
            .idp
            .as_mut()
            .unwrap();
        idp.single_logout
            .retain(|endpoint| endpoint.is_for(binding));
    }
    Some((sp.with_connection(connection).unwrap(), peer))
}

/// Signs in to our service provider at samlify, with the response as a function changes it.
async fn sign_in(
    sp: &ServiceProvider<MemoryStore>,
    peer: &mut Peer,
    change: impl Fn(&Value) -> Value,
) -> Result<CompletedLogin, FederateError> {
    let started = sp.start_login(LoginOptions::default()).await?;
    let request = json!({ "location": location(&started) });
    let changed = json!({"do": "request", "message": tampered(&request)});
    peer.refuses(&changed, "ERR_FAILED_MESSAGE_SIGNATURE_VERIFICATION");
    let taken = peer.does(&json!({"do": "request", "message": request}));
    assert_eq!(taken["read"]["issuer"], SP);
    let attributes: BTreeMap<_, _> = ATTRIBUTES.into_iter().collect();
    let response = peer.does(&json!({"do": "respond", "user": EMAIL, "attributes": attributes}));
    let body = Carried::of(&change(&response["message"]));
    let handle = sp.receive_login(body.body()).await?;
    sp.complete_login(&handle, Some(&started.browser), None)
        .await
}

/// Whatever samlify signs or encrypts, we read what it said; what was changed we refuse.
#[tokio::test]
async fn as_an_identity_provider_it_is_believed() {
    for (part, cipher) in [
        (SignedPart::Assertion, None),
        (SignedPart::Both, None),
        (SignedPart::Assertion, Some(GCM)),
        (SignedPart::Both, Some(GCM)),
        (SignedPart::Both, Some(CBC)),
    ] {
        let way = (part, cipher);
        let Some((sp, mut peer)) = pair(part, cipher, None) else {
            return;
        };
        let done = sign_in(&sp, &mut peer, Value::clone).await;
        let login = done.unwrap_or_else(|e| panic!("{way:?}: {e}")).login;
        assert_eq!(login.identity_provider.as_str(), PEER_IDP);
        assert_eq!(login.name_id.value(), EMAIL);
        for (name, values) in ATTRIBUTES {
            let told = login.attributes.attributes.get(name);
            assert_eq!(told.unwrap(), values, "{name} {way:?}");
        }
        let error = sign_in(&sp, &mut peer, tampered).await.unwrap_err();
        let expected = match way {
            (SignedPart::Assertion, Some(_)) => "encryption.failed",
            _ => "signature.digest_mismatch",
        };
        assert_eq!(error.code(), expected, "{way:?}");
    }
}

/// samlify takes our LogoutRequest, and we its answer; we end what it asks to end, and it takes
/// our answer.
#[tokio::test]
async fn as_an_identity_provider_it_logs_out_both_ways() {
    for (binding, only) in [
        ("redirect", Binding::HttpRedirect),
        ("post", Binding::HttpPost),
    ] {
        let Some((sp, mut peer)) = pair(SignedPart::Assertion, None, Some(only)) else {
            return;
        };
        let done = sign_in(&sp, &mut peer, Value::clone).await.unwrap();
        let request = carry(&sp.start_logout(&done.token).await.unwrap().unwrap());
        assert_eq!(request["location"].is_string(), binding == "redirect");
        let changed = json!({"do": "logout_request", "message": tampered(&request)});
        peer.refuses(&changed, "VERIF");
        let taken = peer.does(&json!({"do": "logout_request", "message": request}));
        assert_eq!(taken["read"]["nameID"], EMAIL);
        let index = done.login.session_index.unwrap();
        assert_eq!(taken["read"]["sessionIndex"], index.as_str());
        let answer = Carried::of(&taken["message"]);
        let LogoutReceived::Finished { status } =
            sp.receive_logout(answer.incoming()).await.unwrap()
        else {
            panic!("a response");
        };
        assert!(status.is_success());

        let done = sign_in(&sp, &mut peer, Value::clone).await.unwrap();
        let request = peer.does(&json!({"do": "logout", "binding": binding}));
        let changed = Carried::of(&tampered(&request["message"]));
        let error = sp.receive_logout(changed.incoming()).await.unwrap_err();
        assert!(error.code().starts_with("signature."), "{}", error.code());
        assert!(sp.session(&done.token).await.unwrap().is_some());
        let carried = Carried::of(&request["message"]);
        let LogoutReceived::Answer(answer) = sp.receive_logout(carried.incoming()).await.unwrap()
        else {
            panic!("a request");
        };
        assert!(sp.session(&done.token).await.unwrap().is_none());
        let answer = carry(&answer);
        let changed = json!({"do": "logout_response", "message": tampered(&answer)});
        peer.refuses(&changed, "VERIF");
        let read = peer.does(&json!({"do": "logout_response", "message": answer}));
        assert_eq!(read["read"]["response"]["inResponseTo"], request["id"]);
    }
}
