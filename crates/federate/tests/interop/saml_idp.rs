//! saml-idp, as the identity provider of our service provider.

use crate::browser::Browser;
use crate::node_saml::node;
use crate::peer::{script, skipped, succeeds};
use crate::server::Server;
use crate::*;
use federate::saml::RequiredSignature;
use federate::types::Binding;
use federate::{CompletedLogin, Connection, FederateError, LoginOptions, LogoutReceived};
use federate_testkit::keys;
use std::sync::Arc;

const ENTITY_ID: &str = "https://saml-idp.example";
const PASSWORD_CLASS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
const GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const BINDINGS: [Binding; 2] = [Binding::HttpRedirect, Binding::HttpPost];

static INSTALLED: LazyLock<bool> =
    LazyLock::new(|| succeeds(node().args(["-e", "require('saml-idp/app.js')"])));

/// Our service provider and saml-idp as its identity provider.
fn pair() -> Option<(ServiceProvider<MemoryStore>, Server)> {
    if !*INSTALLED {
        skipped("saml-idp is not installed in the folder of FEDERATE_NODE_MODULES");
        return None;
    }
    let sp = service_provider();
    let mut user = json!({"userName": EMAIL, "nameIdFormat": NameIdFormat::EmailAddress.uri()});
    let described = ATTRIBUTES.map(|(name, values)| {
        user[name] = json!(values.join(","));
        json!({"id": name, "displayName": name, "multiValue": values.len() > 1})
    });
    let server = Server::start("saml-idp.test", |port, _, folder| {
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        std::fs::write(&key, keys::RSA_KEY).unwrap();
        std::fs::write(&certificate, keys::RSA_CERTIFICATE).unwrap();
        let options = json!({
            "host": "127.0.0.1", "port": port, "issuer": ENTITY_ID, "key": key, "cert": certificate,
            "audience": SP, "acsUrl": format!("{SP}/saml/acs"), "sloUrl": format!("{SP}/saml/slo"),
            "encryptionCert": OURS.1.to_pem(),
            "config": {"user": user, "metadata": described},
        });
        let mut node = node();
        node.arg(script("saml-idp/serve.js"))
            .arg(options.to_string());
        node
    });
    Some((sp, server))
}

/// Signs and encrypts so from now on; assertions are always signed.
fn set(peer: &Server, (part, cipher): (SignedPart, Option<&str>)) {
    let fields = json!({
        "signResponse": (part != SignedPart::Assertion).to_string(),
        "encryptAssertion": cipher.is_some().to_string(),
        "encryptionAlgorithm": cipher.unwrap_or(GCM),
        "disallowEncryptionWithInsecureAlgorithm": "false",
    });
    let settings = json!({ "action": peer.at("/settings"), "fields": fields });
    Browser::default().carry(&settings).page();
}

fn connection(peer: &Server) -> Connection {
    let metadata = Browser::default().open(&peer.at("/metadata")).page().text;
    Connection::from_metadata(metadata.as_bytes()).unwrap()
}

/// Signs in to our service provider at saml-idp, with the response as a function changes it.
async fn sign_in(
    sp: &ServiceProvider<MemoryStore>,
    browser: &mut Browser,
    change: impl Fn(&Value) -> Value,
) -> Result<CompletedLogin, FederateError> {
    let started = sp.start_login(LoginOptions::default()).await?;
    let page = browser.carry(&carry(&started.outgoing)).page();
    let name_format = ("nameIdFormat", NameIdFormat::EmailAddress.uri());
    let response = browser.carry(&page.filled(&[name_format])).message();
    let body = Carried::of(&change(&response));
    let handle = sp.receive_login(body.body()).await?;
    sp.complete_login(&handle, Some(&started.browser), None)
        .await
}

/// Whatever saml-idp signs or encrypts, we read what it said; what was changed we refuse.
#[tokio::test]
async fn as_an_identity_provider_it_is_believed() {
    let Some((mut sp, peer)) = pair() else {
        return;
    };
    for (part, cipher) in [
        (SignedPart::Both, None),
        (SignedPart::Assertion, None),
        (SignedPart::Both, Some(GCM)),
        (SignedPart::Assertion, Some(GCM)),
        (SignedPart::Both, Some(CBC)),
        (SignedPart::Assertion, Some(CBC)),
    ] {
        let way = (part, cipher);
        set(&peer, way);
        for binding in BINDINGS {
            let mut connection = connection(&peer);
            connection.require_encryption = cipher.is_some();
            connection.required_signature = match part {
                SignedPart::Both => RequiredSignature::Both,
                _ => RequiredSignature::Assertion,
            };
            let idp = Arc::make_mut(&mut connection.metadata)
                .idp
                .as_mut()
                .unwrap();
            idp.single_sign_on.retain(|e| e.is_for(binding));
            sp = sp.with_connection(connection).unwrap();
            let done = sign_in(&sp, &mut Browser::default(), Value::clone).await;
            // CBC we take under a signature alone.
            if way == (SignedPart::Assertion, Some(CBC)) {
                assert_eq!(done.unwrap_err().code(), "encryption.algorithm_refused");
                continue;
            }
            let login = done.unwrap_or_else(|e| panic!("{way:?}: {e}")).login;
            assert_eq!(login.identity_provider.as_str(), ENTITY_ID);
            assert_eq!(login.name_id.value(), EMAIL);
            assert_eq!(login.name_id.format, Some(NameIdFormat::EmailAddress));
            assert_eq!(login.authn_context.as_deref(), Some(PASSWORD_CLASS));
            for (name, values) in ATTRIBUTES {
                let told = login.attributes.attributes.get(name);
                assert_eq!(told.unwrap(), values, "{name}");
            }
            let error = sign_in(&sp, &mut Browser::default(), tampered).await;
            let expected = match way {
                (SignedPart::Assertion, Some(_)) => "encryption.failed",
                _ => "signature.digest_mismatch",
            };
            assert_eq!(error.unwrap_err().code(), expected, "{way:?}");
        }
    }
}

/// saml-idp takes our LogoutRequest, and we its answer; we end what it asks to end, and it takes
/// our answer. Its sessions afterwards have another name.
#[tokio::test]
async fn as_an_identity_provider_it_logs_out_both_ways() {
    let Some((mut sp, peer)) = pair() else {
        return;
    };
    for binding in BINDINGS {
        let mut connection = connection(&peer);
        let idp = Arc::make_mut(&mut connection.metadata)
            .idp
            .as_mut()
            .unwrap();
        idp.single_logout.retain(|e| e.is_for(binding));
        sp = sp.with_connection(connection).unwrap();
        let mut browser = Browser::default();
        let first = sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        let again = sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        assert_eq!(first.login.session_index, again.login.session_index);

        let request = carry(&sp.start_logout(&first.token).await.unwrap().unwrap());
        let answer = browser.carry(&request).message();
        let answer = Carried::of(&answer);
        let LogoutReceived::Finished { status } =
            sp.receive_logout(answer.incoming()).await.unwrap()
        else {
            panic!("a response");
        };
        assert!(status.is_success() && status.subcode.is_none());
        let second = sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        assert_ne!(first.login.session_index, second.login.session_index);

        let request = browser.open(&peer.at("/signout")).message();
        let changed = Carried::of(&tampered(&request));
        let error = sp.receive_logout(changed.incoming()).await.unwrap_err();
        assert!(error.code().starts_with("signature."), "{}", error.code());
        assert!(sp.session(&second.token).await.unwrap().is_some());
        let carried = Carried::of(&request);
        let LogoutReceived::Answer(answer) = sp.receive_logout(carried.incoming()).await.unwrap()
        else {
            panic!("a request");
        };
        assert!(sp.session(&second.token).await.unwrap().is_none());
        assert_eq!(browser.carry(&carry(&answer)).page().text, "OK");
        let third = sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        assert_ne!(second.login.session_index, third.login.session_index);
    }
}
