//! A server behind TLS.

use crate::fixtures::*;
use federate_session::{Namespace, OneTimeStore as _, PutNew};
use federate_store::{RedisOptions, RedisStore};
use federate_testkit::servers::Redis;
use std::path::Path;
use std::process::Command;

/// Makes a key and a certificate for this machine that vouches for itself.
fn make_certificate(dir: &Path) -> Option<Vec<u8>> {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(dir)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: TLS with Redis: no openssl to make a certificate");
        return None;
    }
    Some(std::fs::read(dir.join("cert.pem")).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_decide_who_is_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let Some(certificate) = make_certificate(dir.path()) else {
        return;
    };
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let Some(_server) = Redis::start(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &file("cert.pem"),
        "--tls-key-file",
        &file("key.pem"),
        "--tls-auth-clients",
        "no",
    ]) else {
        return;
    };
    let url = format!("rediss://localhost:{port}");
    let stranger = RedisStore::connect(RedisOptions::new(&url)).await;
    assert_eq!(stranger.unwrap_err().code(), "store.unreachable");
    let known = RedisOptions {
        certificate_authorities: Some(certificate),
        ..RedisOptions::new(&url)
    };
    let store = RedisStore::connect(known).await.unwrap();
    let entry = one_time(Namespace::ASSERTION, 1, b"");
    assert_eq!(
        store.put_new(entry, start()).await.unwrap(),
        PutNew::Inserted
    );
}
