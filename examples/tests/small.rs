//! The small programs: a service provider and an identity provider that know each other by
//! metadata, and a browser's part between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{TimeDelta, Utc};
use federate::crypto::{SignatureAlgorithm, aws_lc_provider, self_signed};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

const APP: &str = "http://127.0.0.1:8090";
const IDP: &str = "http://127.0.0.1:8091";

/// Ended with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
    }
}

/// A key and its certificate, as files.
fn key(folder: &Path, name: &str) -> [PathBuf; 2] {
    let provider = aws_lc_provider();
    let private = provider.keys.generate_rsa(2048).unwrap();
    let algorithm = SignatureAlgorithm::RsaSha256;
    let key = provider.keys.load_signing_key(&private, algorithm).unwrap();
    let (now, day) = (Utc::now(), TimeDelta::days(1));
    let certificate = self_signed(&provider, &*key, name, now - day, now + day).unwrap();
    let paths = ["key", "cert"].map(|kind| folder.join(format!("{name}-{kind}.pem")));
    std::fs::write(&paths[0], private.to_pem().as_bytes()).unwrap();
    std::fs::write(&paths[1], certificate.to_pem()).unwrap();
    paths
}

fn browser() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false);
    config.build().into()
}

/// Starts a program and waits until it answers.
fn start(program: &str, files: &[&Path], address: &str) -> Program {
    let program = Program(Command::new(program).args(files).spawn().unwrap());
    for _ in 0..200 {
        if browser().get(address).call().is_ok() {
            return program;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{address} does not answer");
}

fn fetch(url: &str, to: &Path) {
    let mut response = browser().get(url).call().unwrap();
    assert_eq!(response.status(), 200, "{url}");
    std::fs::write(to, response.body_mut().read_to_string().unwrap()).unwrap();
}

/// Where a response sends the browser, at the address where the program really listens.
fn location<B>(response: &ureq::http::Response<B>) -> String {
    assert_eq!(response.status(), 303);
    let location = response.headers()["location"].to_str().unwrap();
    let location = location.replace("http://app.localhost:8090", APP);
    let location = location.replace("http://idp.localhost:8091", IDP);
    match location.strip_prefix('/') {
        Some(path) => format!("{APP}/{path}"),
        None => location,
    }
}

fn cookie<B>(response: &ureq::http::Response<B>) -> String {
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn field(html: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let value = html
        .split(&start)
        .nth(1)
        .unwrap_or_else(|| panic!("{html}"));
    value.split('"').next().unwrap().to_owned()
}

#[test]
fn the_small_programs_sign_a_person_in() {
    let folder = tempfile::tempdir().unwrap();
    let [idp_key, idp_cert] = key(folder.path(), "idp");
    let [sp_key, sp_cert] = key(folder.path(), "sp");
    let (idp_metadata, sp_metadata) = (folder.path().join("idp.xml"), folder.path().join("sp.xml"));

    let first = start(
        env!("CARGO_BIN_EXE_identity_provider"),
        &[&idp_key, &idp_cert],
        IDP,
    );
    fetch(&format!("{IDP}/metadata"), &idp_metadata);
    drop(first);
    let files: [&Path; 3] = [&sp_key, &sp_cert, &idp_metadata];
    let _sp = start(env!("CARGO_BIN_EXE_service_provider"), &files, APP);
    fetch(&format!("{APP}/saml/metadata"), &sp_metadata);
    let files: [&Path; 3] = [&idp_key, &idp_cert, &sp_metadata];
    let _idp = start(env!("CARGO_BIN_EXE_identity_provider"), &files, IDP);

    let browser = browser();
    let home = browser.get(APP).call().unwrap();
    let login = browser.get(location(&home)).call().unwrap();
    let state = cookie(&login);
    let mut form = browser.get(location(&login)).call().unwrap();
    let html = form.body_mut().read_to_string().unwrap();
    let response = field(&html, "SAMLResponse");
    let acs = format!("{APP}/saml/acs");
    let posted = browser
        .post(acs)
        .send_form([("SAMLResponse", response.as_str())])
        .unwrap();
    let done = browser
        .get(location(&posted))
        .header("cookie", &state)
        .call()
        .unwrap();
    let session = cookie(&done);
    let mut page = browser
        .get(location(&done))
        .header("cookie", &session)
        .call()
        .unwrap();
    assert_eq!(
        page.body_mut().read_to_string().unwrap(),
        "Hello, alice@example.com"
    );
}
