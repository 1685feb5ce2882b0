//! pysaml2, as a service provider of our hub and as the identity provider of our service
//! provider.

use crate::peer::{Peer, script, skipped, succeeds};
use crate::*;
use federate::hub::LogoutPhase;
use federate::logout::Outcome;
use federate::saml::RequiredSignature;
use federate::types::Binding;
use federate::{CompletedLogin, Connection, FederateError, LoginOptions, LogoutReceived};
use federate_testkit::keys;
use std::process::Command;
use std::sync::Arc;

const PEER_SP: &str = "https://pysaml2.example/sp";
const PEER_IDP: &str = "https://pysaml2.example/idp";
const PASSWORD_CLASS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

pub(crate) fn python() -> Command {
    Command::new(std::env::var_os("FEDERATE_PYTHON").unwrap_or_else(|| "python3".into()))
}

/// Why it cannot be had, if it cannot.
pub(crate) static ABSENT: LazyLock<Option<&str>> = LazyLock::new(|| {
    if !succeeds(python().args(["-c", "import saml2"])) {
        Some("pysaml2 is not installed for FEDERATE_PYTHON")
    } else if !succeeds(Command::new("xmlsec1").arg("--version")) {
        Some("xmlsec1 is not installed, which pysaml2 needs")
    } else {
        None
    }
});

/// pysaml2 in a role, which asks for names of a kind, and its metadata; none where it is
/// not installed.
fn start(role: &str, peer_metadata: &str, format: &NameIdFormat) -> Option<(Peer, Value)> {
    if let Some(why) = *ABSENT {
        skipped(why);
        return None;
    }
    let mut peer = Peer::start(python().arg(script("pysaml2/peer.py")));
    let entity_id = if role == "sp" { PEER_SP } else { PEER_IDP };
    let started = peer.does(&json!({
        "do": "start", "role": role, "entity_id": entity_id,
        "acs": format!("{PEER_SP}/acs"), "sso": format!("{PEER_IDP}/sso"),
        "slo": format!("{entity_id}/slo"),
        "key": keys::RSA_KEY, "certificate": keys::RSA_CERTIFICATE, "peer": peer_metadata,
        "format": format.uri(),
    }));
    Some((peer, started["metadata"].clone()))
}

/// Signs on to pysaml2 by our hub; gives what it was sent and what it read.
async fn accepted(
    peer: &mut Peer,
    hub: &Hub<MemoryStore>,
    session: &Token,
    binding: &str,
    part: SignedPart,
) -> (Value, Value) {
    let request = peer.does(&json!({"do": "login", "binding": binding, "relay_state": STATE}));
    let response = sign_on(hub, &request["message"], session).await;
    let accept = json!({
        "do": "accept", "message": response, "request": request["id"],
        "want_assertions_signed": part != SignedPart::Response,
        "want_response_signed": part != SignedPart::Assertion,
    });
    let read = peer.does(&accept);
    assert_eq!(read["in_response_to"], request["id"]);
    (accept, read)
}

/// Whatever is signed or encrypted, it reads what we said; and refuses what was changed.
#[tokio::test]
async fn as_a_service_provider_it_accepts_our_responses() {
    let Some((mut peer, metadata)) = start("sp", &hub_metadata(), &NameIdFormat::EmailAddress)
    else {
        return;
    };
    for (part, encrypted) in WAYS {
        let mut application = application(&metadata);
        application.issue.signed_part = part;
        application.encrypt_assertions = encrypted;
        let (hub, session) = hub(application).await;
        for binding in ["redirect", "post"] {
            let (accept, read) = accepted(&mut peer, &hub, &session, binding, part).await;
            assert_eq!(read["issuer"], HUB, "{part:?} {encrypted}");
            assert_eq!(read["name_id"], EMAIL);
            assert_eq!(read["format"], NameIdFormat::EmailAddress.uri());
            assert_eq!(read["relay_state"], STATE);
            assert_eq!(read["authn_context"], json!([PASSWORD_CLASS]));
            assert!(read["session_index"].is_string());
            for (name, values) in ATTRIBUTES {
                assert_eq!(
                    read["attributes"][name],
                    json!(values),
                    "{part:?} {encrypted}"
                );
            }
            let mut changed = accept.clone();
            changed["message"] = tampered(&accept["message"]);
            let because = match (part, encrypted) {
                // What cannot be decrypted is to it as if it were not there.
                (SignedPart::Assertion, true) => "StatusInvalidAuthnResponseStatement",
                _ => "SignatureError",
            };
            peer.refuses(&changed, because);
            let mut changed = accept.clone();
            changed["request"] = json!("_another");
            peer.refuses(&changed, "UnsolicitedResponse");
        }
    }
}

/// Every kind of name, by every binding.
fn in_every_way() -> impl Iterator<Item = (NameIdFormat, &'static str)> {
    let formats = FORMATS.into_iter();
    formats.flat_map(|format| ["redirect", "post"].map(|binding| (format.clone(), binding)))
}

/// The hub ends what pysaml2 asks to end, and pysaml2 takes the answer.
#[tokio::test]
async fn as_a_service_provider_it_logs_out() {
    for (format, binding) in in_every_way() {
        let Some((mut peer, metadata)) = start("sp", &hub_metadata(), &format) else {
            return;
        };
        let part = SignedPart::Assertion;
        let (hub, session) = hub(application(&metadata)).await;
        let (_, read) = accepted(&mut peer, &hub, &session, binding, part).await;
        assert_eq!(read["format"], format.uri());
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
        peer.refuses(&changed, "ignature");
        let read = peer.does(&json!({"do": "logout_response", "message": answer}));
        assert_eq!(read["in_response_to"], request["id"]);
        assert_eq!(read["issuer"], HUB);
        assert_eq!(read["success"], true);
    }
}

/// pysaml2 verifies the hub's LogoutRequest, and its answer completes the hub's logout.
#[tokio::test]
async fn as_a_service_provider_it_is_logged_out() {
    for (format, binding) in in_every_way() {
        let Some((mut peer, metadata)) = start("sp", &hub_metadata(), &format) else {
            return;
        };
        let only = match binding {
            "redirect" => Binding::HttpRedirect,
            _ => Binding::HttpPost,
        };
        let mut application = application(&metadata);
        let sp = Arc::make_mut(&mut application.metadata)
            .sp
            .as_mut()
            .unwrap();
        sp.single_logout.retain(|endpoint| endpoint.is_for(only));
        let (hub, session) = hub(application).await;
        let part = SignedPart::Assertion;
        let (_, read) = accepted(&mut peer, &hub, &session, binding, part).await;
        assert_eq!(read["format"], format.uri());
        let handle = hub.log_out(&session).await.unwrap();
        let request = carry(&hub.next_logout(&handle).await.unwrap().unwrap());
        assert_eq!(request["location"].is_string(), binding == "redirect");

        let changed = json!({"do": "logout_request", "message": tampered(&request)});
        peer.refuses(&changed, "IncorrectlySigned");
        let taken = peer.does(&json!({"do": "logout_request", "message": request}));
        assert_eq!(taken["name_id"], read["name_id"]);
        assert_eq!(taken["session_index"], json!([read["session_index"]]));

        let answer = Carried::of(&taken["message"]);
        hub.receive_logout(answer.incoming()).await.unwrap();
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(page.phase, LogoutPhase::Done { complete: true });
        let [peer] = &page.applications[..] else {
            panic!("one application")
        };
        assert_eq!(
            (peer.name.as_str(), &peer.outcome),
            ("Peer", &Outcome::Confirmed)
        );
    }
}

/// Our service provider and pysaml2 as its identity provider.
fn pair() -> Option<(ServiceProvider<MemoryStore>, Peer, Value)> {
    let sp = service_provider();
    let metadata = String::from_utf8(sp.metadata()).unwrap();
    let (peer, metadata) = start("idp", &metadata, &NameIdFormat::EmailAddress)?;
    Some((sp, peer, metadata))
}

fn connection(metadata: &Value) -> Connection {
    Connection::from_metadata(metadata.as_str().unwrap().as_bytes()).unwrap()
}

/// pysaml2 tells the attributes that it knows by their registered names.
fn told_as(name: &str) -> &str {
    match name {
        "email" => "urn:oid:1.2.840.113549.1.9.1.1",
        "displayName" => "urn:oid:2.16.840.1.113730.3.1.241",
        other => other,
    }
}

/// Signs in to our service provider at pysaml2, with the response as a function changes it.
async fn sign_in(
    sp: &ServiceProvider<MemoryStore>,
    peer: &mut Peer,
    (part, cipher): (SignedPart, Option<&str>),
    change: impl Fn(&Value) -> Value,
) -> Result<CompletedLogin, FederateError> {
    let options = LoginOptions {
        force_authn: true,
        ..LoginOptions::default()
    };
    let started = sp.start_login(options).await?;
    let request = json!({ "location": location(&started) });
    let changed = json!({"do": "request", "message": tampered(&request)});
    peer.refuses(&changed, "IncorrectlySigned");
    let taken = peer.does(&json!({"do": "request", "message": request}));
    assert_eq!(taken["issuer"], SP);
    assert_eq!(taken["force_authn"], "true");
    let attributes: BTreeMap<_, _> = ATTRIBUTES.into_iter().collect();
    let response = peer.does(&json!({
        "do": "respond", "user": EMAIL, "attributes": attributes,
        "sign_assertion": part != SignedPart::Response,
        "sign_response": part != SignedPart::Assertion,
        "cipher": cipher,
    }));
    let body = Carried::of(&change(&response["message"]));
    let handle = sp.receive_login(body.body()).await?;
    sp.complete_login(&handle, Some(&started.browser), None)
        .await
}

/// The identity provider must sign and encrypt as it is going to.
fn insisting(metadata: &Value, (part, cipher): (SignedPart, Option<&str>)) -> Connection {
    let mut connection = connection(metadata);
    connection.require_encryption = cipher.is_some();
    connection.required_signature = match part {
        SignedPart::Assertion => RequiredSignature::Assertion,
        SignedPart::Response => RequiredSignature::Response,
        SignedPart::Both => RequiredSignature::Both,
    };
    connection
}

/// Whatever pysaml2 signs or encrypts, we read what it said; what was changed we refuse.
#[tokio::test]
async fn as_an_identity_provider_it_is_believed() {
    let Some((mut sp, mut peer, metadata)) = pair() else {
        return;
    };
    let (gcm, cbc) = (Some("aes256-gcm"), Some("aes256-cbc"));
    for way in [
        (SignedPart::Assertion, None),
        (SignedPart::Response, None),
        (SignedPart::Both, None),
        (SignedPart::Assertion, gcm),
        (SignedPart::Response, gcm),
        (SignedPart::Both, gcm),
        (SignedPart::Response, cbc),
        (SignedPart::Both, cbc),
    ] {
        sp = sp.with_connection(insisting(&metadata, way)).unwrap();
        let done = sign_in(&sp, &mut peer, way, Value::clone).await;
        let login = done.unwrap_or_else(|e| panic!("{way:?}: {e}")).login;
        assert_eq!(login.identity_provider.as_str(), PEER_IDP);
        assert_eq!(login.name_id.value(), EMAIL);
        assert_eq!(login.authn_context.as_deref(), Some(PASSWORD_CLASS));
        assert!(login.session_index.is_some() && login.session_not_on_or_after.is_some());
        for (name, values) in ATTRIBUTES {
            let told = login.attributes.attributes.get(told_as(name));
            assert_eq!(told.unwrap(), values, "{name} {way:?}");
        }
        let error = sign_in(&sp, &mut peer, way, tampered).await.unwrap_err();
        let expected = match way {
            (SignedPart::Assertion, Some(_)) => "encryption.failed",
            _ => "signature.digest_mismatch",
        };
        assert_eq!(error.code(), expected, "{way:?}");
    }
}

/// Left to itself, pysaml2 encrypts with Triple DES, which we never take; CBC we take only
/// under a signature.
#[tokio::test]
async fn as_an_identity_provider_it_must_encrypt_well() {
    let Some((mut sp, mut peer, metadata)) = pair() else {
        return;
    };
    for (part, cipher) in [
        (SignedPart::Assertion, "tripledes-cbc"),
        (SignedPart::Both, "tripledes-cbc"),
        (SignedPart::Assertion, "aes256-cbc"),
    ] {
        let way = (part, Some(cipher));
        sp = sp.with_connection(insisting(&metadata, way)).unwrap();
        let done = sign_in(&sp, &mut peer, way, Value::clone).await;
        let code = done.unwrap_err().code();
        assert_eq!(code, "encryption.algorithm_refused", "{way:?}");
    }
}

/// pysaml2 takes our LogoutRequest, and we its answer.
#[tokio::test]
async fn as_an_identity_provider_it_is_asked_to_log_out() {
    let Some((mut sp, mut peer, metadata)) = pair() else {
        return;
    };
    for only in [Binding::HttpRedirect, Binding::HttpPost] {
        let mut connection = connection(&metadata);
        let idp = Arc::make_mut(&mut connection.metadata)
            .idp
            .as_mut()
            .unwrap();
        idp.single_logout.retain(|endpoint| endpoint.is_for(only));
        sp = sp.with_connection(connection).unwrap();
        let way = (SignedPart::Assertion, None);
        let done = sign_in(&sp, &mut peer, way, Value::clone).await.unwrap();
        let request = carry(&sp.start_logout(&done.token).await.unwrap().unwrap());
        assert_eq!(
            request["location"].is_string(),
            only == Binding::HttpRedirect
        );
        let changed = json!({"do": "logout_request", "message": tampered(&request)});
        peer.refuses(&changed, "IncorrectlySigned");
        let taken = peer.does(&json!({"do": "logout_request", "message": request}));
        assert_eq!(taken["name_id"], EMAIL);
        let index = done.login.session_index.unwrap();
        assert_eq!(taken["session_index"], json!([index.as_str()]));
        let answer = Carried::of(&taken["message"]);
        let LogoutReceived::Finished { status } =
            sp.receive_logout(answer.incoming()).await.unwrap()
        else {
            panic!("a response");
        };
        assert!(status.is_success() && status.subcode.is_none());
    }
}

/// We end what pysaml2 asks to end, and it takes our answer.
#[tokio::test]
async fn as_an_identity_provider_it_asks_to_log_out() {
    let Some((mut sp, mut peer, metadata)) = pair() else {
        return;
    };
    for (binding, only) in [
        ("redirect", Binding::HttpRedirect),
        ("post", Binding::HttpPost),
    ] {
        let mut connection = connection(&metadata);
        let idp = Arc::make_mut(&mut connection.metadata)
            .idp
            .as_mut()
            .unwrap();
        idp.single_logout.retain(|endpoint| endpoint.is_for(only));
        sp = sp.with_connection(connection).unwrap();
        let way = (SignedPart::Assertion, None);
        let done = sign_in(&sp, &mut peer, way, Value::clone).await.unwrap();
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
        let because = match only {
            Binding::HttpPost => "SignatureError",
            _ => "the signature of the query is wrong",
        };
        peer.refuses(&changed, because);
        let read = peer.does(&json!({"do": "logout_response", "message": answer}));
        assert_eq!(read["in_response_to"], request["id"]);
        assert_eq!(read["issuer"], SP);
        assert_eq!(read["success"], true);
    }
}
