//! The management API of the hub's program: switched on by a file with a token, and otherwise not
//! there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice
)]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const TOKEN: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";

/// Ended with the test.
struct Hub {
    child: Child,
    base: String,
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

/// The hub alone, with this configuration.
fn command(folder: &Path, config: &str, port: u16) -> Command {
    let file = folder.join("hub.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
    command.args(["--no-demo", "--port", &port.to_string(), "--config"]);
    command.arg(file).arg("--data-dir").arg(folder.join("data"));
    command
}

/// Starts it, and waits until it is ready.
fn start(folder: &Path, config: &str) -> Hub {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut command = command(folder, config, port);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let base = format!("http://127.0.0.1:{port}");
    let mut hub = Hub { child, base };
    let said = BufReader::new(hub.child.stdout.take().unwrap()).lines();
    let ready = said
        .map_while(Result::ok)
        .any(|line| line.contains("Ctrl-C"));
    assert!(ready, "the hub ended");
    hub
}

/// Writes the file of the token, which is as private as this.
fn token_file(folder: &Path, text: &str, mode: u32) {
    let path = folder.join("token");
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, mode).unwrap();
    }
}

/// What is answered to whoever asks for nobody's sessions, with this token.
fn asked(hub: &Hub, token: &str) -> (u16, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.max_redirects(0).build().into();
    let request = agent.delete(format!("{}/api/v2/users/nobody/sessions", hub.base));
    let request = request.header("authorization", format!("Bearer {token}"));
    let mut answer = request.call().unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), body)
}

const CONFIG: &str = "[management]\ntoken_file = \"token\"\n";

#[test]
fn the_program_has_a_management_api_if_it_is_given_a_token() {
    let folder = tempfile::tempdir().unwrap();
    // The group may be the hub's own.
    token_file(folder.path(), &format!("{TOKEN}\n"), 0o640);
    let hub = start(folder.path(), CONFIG);
    let (status, body) = asked(&hub, TOKEN);
    assert!(
        status == 404 && body.contains("management.no_such_user"),
        "{body}"
    );
    assert_eq!(asked(&hub, &format!("{TOKEN}0")).0, 401);
    drop(hub);
    let hub = start(folder.path(), "");
    let (status, body) = asked(&hub, TOKEN);
    assert!(status == 404 && body.contains("Page not found"), "{body}");
}

#[test]
fn a_token_that_is_no_secret_is_told_before_anything_listens() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |expected: &str| {
        let output = command(folder.path(), CONFIG, 4000).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        let (what, why) = told.trim_end().split_once(": management.").unwrap();
        assert!(
            what.starts_with("hub: ") && what.ends_with("hub.toml"),
            "{told}"
        );
        assert!(
            why.starts_with(&format!("token_file token: {expected}")),
            "{told}"
        );
        assert!(!told.contains("c0ffee") && !why.contains('\n'), "{told}");
    };
    refused("No such file");
    token_file(folder.path(), &TOKEN[1..], 0o600);
    refused("a token of the management API has 32 characters or more");
    token_file(folder.path(), "", 0o600);
    refused("a token of the management API has 32 characters or more");
    token_file(folder.path(), &format!("{TOKEN}\n{TOKEN}\n"), 0o600);
    refused("a token of the management API has letters, digits and - . _ ~ + / = alone");
    if cfg!(unix) {
        for mode in [0o604, 0o602, 0o644, 0o666] {
            token_file(folder.path(), TOKEN, mode);
            refused("other users of this machine may open it (mode 06");
        }
    }
}
