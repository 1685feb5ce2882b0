//! A directory with keys, and the command that runs in it.

use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub(crate) const IDP: &str = "https://idp.example/saml";
pub(crate) const SP: &str = "https://sp.example/saml";
pub(crate) const ACS: &str = "https://sp.example/saml/acs";
pub(crate) const AT: &str = "2026-01-31T12:00:00Z";
pub(crate) const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// A directory of its own.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A place with the keys `idp` (P-256), `other` (P-256) and `sp` (RSA).
    pub(crate) fn with_keys() -> Self {
        let place = Self::new();
        place.keygen("idp", "p-256");
        place.keygen("other", "p-256");
        place.keygen("sp", "rsa-2048");
        place
    }

    pub(crate) fn keygen(&self, name: &str, kind: &str) {
        let (key, cert) = (format!("{name}.key"), format!("{name}.pem"));
        let args = ["keygen", "--key", &key, "--cert", &cert, "--type", kind];
        self.run(&args).ok();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, b"")
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &[u8]) -> Ran {
        run_in(self.0.path(), args, stdin)
    }

    /// Issues a response to `file` with these options beside the usual ones.
    pub(crate) fn issue(&self, file: &str, more: &[&str]) -> String {
        let usual = [
            "issue",
            "--key",
            "idp.key",
            "--cert",
            "idp.pem",
            "--idp-entity-id",
            IDP,
            "--sp-entity-id",
            SP,
            "--acs",
            ACS,
            "--name-id",
            "alice@example.com",
            "--name-id-format",
            EMAIL,
            "--attr",
            "groups=staff",
            "--attr",
            "groups=admins",
            "--attr",
            "mail=alice@example.com",
            "--in-response-to",
            "_request",
            "--at",
            AT,
        ];
        let text = self.run(&[&usual, more].concat()).ok();
        self.write(file, &text);
        text
    }

    /// Runs `verify` or `explain` with the usual options and these.
    pub(crate) fn judge(&self, command: &str, file: &str, more: &[&str]) -> Ran {
        self.judge_as(command, file, "idp.pem", SP, ACS, more)
    }

    pub(crate) fn judge_as(
        &self,
        command: &str,
        file: &str,
        cert: &str,
        sp: &str,
        acs: &str,
        more: &[&str],
    ) -> Ran {
        let usual = [
            command,
            file,
            "--idp-cert",
            cert,
            "--sp-entity-id",
            sp,
            "--acs",
            acs,
            "--json",
        ];
        let at: &[&str] = match more.contains(&"--at") {
            true => &[],
            false => &["--at", AT],
        };
        self.run(&[&usual, at, more].concat())
    }
}

pub(crate) fn run_in(dir: &Path, args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_federate"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command may stop before it reads anything.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Asserts a refusal by this code.
#[track_caller]
pub(crate) fn refused(ran: &Ran, code: &str) -> Value {
    assert_eq!(ran.code, 1, "{ran:?}");
    let json = ran.json();
    assert_eq!(json["ok"], false);
    assert_eq!(json["error"]["code"], code, "{ran:?}");
    assert!(json["error"]["message"].is_string());
    json["error"].clone()
}
