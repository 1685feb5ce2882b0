//! NanoIDP, as the identity provider of our service provider. It knows no logout.

use crate::browser::{Arrival, Browser};
use crate::peer::{skipped, succeeds};
use crate::server::Server;
use crate::*;
use federate::types::Binding;
use federate::{CompletedLogin, Connection, FederateError, LoginOptions};
use std::process::Command;
use std::sync::Arc;

const PASSWORD_CLASS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const BINDINGS: [Binding; 2] = [Binding::HttpRedirect, Binding::HttpPost];

fn python() -> Command {
    let own = std::env::var_os("FEDERATE_NANOIDP_PYTHON");
    Command::new(own.unwrap_or_else(|| "python3".into()))
}

static INSTALLED: LazyLock<bool> =
    LazyLock::new(|| succeeds(python().args(["-c", "import nanoidp.app"])));

/// Our service provider and NanoIDP as its identity provider, which takes signed requests only;
/// its keys are its own.
fn pair(canonicalization: &str) -> Option<(ServiceProvider<MemoryStore>, Server)> {
    if !*INSTALLED {
        skipped("nanoidp is not installed for FEDERATE_NANOIDP_PYTHON");
        return None;
    }
    let attributes: BTreeMap<_, _> = ATTRIBUTES
        .into_iter()
        .filter(|(n, _)| *n != "email")
        .collect();
    let users = json!({"users": {
        USER: {"password": PASSWORD, "email": EMAIL, "attributes": attributes},
    }});
    let server = Server::start("nanoidp.test", |port, base, folder| {
        let certificate = folder.join("ours.pem");
        std::fs::write(&certificate, OURS.1.to_pem()).unwrap();
        std::fs::write(folder.join("users.yaml"), users.to_string()).unwrap();
        // JSON is YAML.
        let settings = json!({
            "server": {"host": "127.0.0.1", "port": port},
            "oauth": {"issuer": base},
            "saml": {
                "want_authn_requests_signed": true,
                "sp_certificates": [certificate],
                "strict_binding": true,
                "c14n_algorithm": canonicalization,
            },
        });
        std::fs::write(folder.join("settings.yaml"), settings.to_string()).unwrap();
        let mut program = python();
        program
            .args(["-m", "nanoidp", "--strict-config", "--config"])
            .arg(folder);
        program.current_dir(folder);
        program
    });
    Some((service_provider(), server))
}

fn connection(peer: &Server, binding: Binding) -> Connection {
    let metadata = Browser::default()
        .open(&peer.at("/saml/metadata"))
        .page()
        .text;
    let mut connection = Connection::from_metadata(metadata.as_bytes()).unwrap();
    let idp = Arc::make_mut(&mut connection.metadata)
        .idp
        .as_mut()
        .unwrap();
    assert!(idp.want_authn_requests_signed && idp.single_logout.is_empty());
    idp.single_sign_on.retain(|e| e.is_for(binding));
    connection
}

/// Signs in to our service provider at NanoIDP, where a session may do without a password, with
/// the response as a function changes it.
async fn sign_in(
    sp: &ServiceProvider<MemoryStore>,
    browser: &mut Browser,
    change: impl Fn(&Value) -> Value,
) -> Result<(CompletedLogin, bool), FederateError> {
    let started = sp.start_login(LoginOptions::default()).await?;
    let (response, asked) = match browser.carry(&carry(&started.outgoing)) {
        Arrival::Ours(response) => (response, false),
        Arrival::Page(page) => {
            let form = page.filled(&[("username", USER), ("password", PASSWORD)]);
            (browser.carry(&form).message(), true)
        }
    };
    let body = Carried::of(&change(&response));
    let handle = sp.receive_login(body.body()).await?;
    let done = sp
        .complete_login(&handle, Some(&started.browser), None)
        .await?;
    Ok((done, asked))
}

/// We read what NanoIDP said; what was changed we refuse, and so does it.
#[tokio::test]
async fn as_an_identity_provider_it_is_believed() {
    let Some((mut sp, peer)) = pair("exc_c14n") else {
        return;
    };
    for binding in BINDINGS {
        sp = sp.with_connection(connection(&peer, binding)).unwrap();
        let mut browser = Browser::default();
        for first in [true, false] {
            let done = sign_in(&sp, &mut browser, Value::clone).await;
            let (done, asked) = done.unwrap_or_else(|e| panic!("{binding:?}: {e}"));
            assert_eq!(asked, first);
            let login = done.login;
            assert_eq!(login.identity_provider.as_str(), peer.at("/saml"));
            assert_eq!(login.name_id.value(), EMAIL);
            assert_eq!(login.authn_context.as_deref(), Some(PASSWORD_CLASS));
            for (name, values) in ATTRIBUTES {
                let told = login.attributes.attributes.get(name);
                assert_eq!(told.unwrap(), values, "{name}");
            }
        }
        let error = sign_in(&sp, &mut browser, tampered).await.unwrap_err();
        assert_eq!(error.code(), "signature.digest_mismatch");
    }
}

/// NanoIDP refuses a request of ours that was changed.
#[tokio::test]
async fn as_an_identity_provider_it_wants_signed_requests() {
    let Some((mut sp, peer)) = pair("exc_c14n") else {
        return;
    };
    for binding in BINDINGS {
        sp = sp.with_connection(connection(&peer, binding)).unwrap();
        let started = sp.start_login(LoginOptions::default()).await.unwrap();
        let request = tampered(&carry(&started.outgoing));
        let text = Browser::default().carry(&request).page().text;
        assert!(text.contains("AuthnRequest signature rejected"), "{text}");
    }
}

/// Inclusive canonicalization we do not take ([SAMLCore] 5.4.3).
#[tokio::test]
async fn as_an_identity_provider_it_must_canonicalize_exclusively() {
    for canonicalization in ["c14n", "c14n11"] {
        let Some((sp, peer)) = pair(canonicalization) else {
            return;
        };
        let sp = sp
            .with_connection(connection(&peer, Binding::HttpPost))
            .unwrap();
        let done = sign_in(&sp, &mut Browser::default(), Value::clone).await;
        assert_eq!(
            done.unwrap_err().code(),
            "signature.algorithm_refused",
            "{canonicalization}"
        );
    }
}
