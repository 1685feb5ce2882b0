//! A peer: a program that answers one line of JSON with another.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A peer that runs until it is dropped.
pub(crate) struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// A file among our scripts.
pub(crate) fn script(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    folder.join(name)
}

/// Says why a test of another's software did not run; a failure where it must be there.
pub(crate) fn skipped(why: &str) {
    let required = std::env::var_os("FEDERATE_REQUIRE_PEERS").is_some_and(|v| v == "1");
    assert!(!required, "{why}");
    println!("skipped: {why}");
}

/// Whether a command succeeds.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Peer {
    /// Starts a peer. What it says on standard error is not of interest: it logs refusals.
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Gives the peer a task and takes its answer, a refusal too.
    pub(crate) fn ask(&mut self, task: &Value) -> Value {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{task}").unwrap();
        stdin.flush().unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the peer ended: {task}"))
    }

    /// Gives the peer a task that it must not refuse.
    #[track_caller]
    pub(crate) fn does(&mut self, task: &Value) -> Value {
        let answer = self.ask(task);
        assert_eq!(answer["refused"], Value::Null, "{}", task["do"]);
        answer
    }

    /// Gives the peer a task that it must refuse, for a reason that says this.
    #[track_caller]
    pub(crate) fn refuses(&mut self, task: &Value, because: &str) {
        let answer = self.ask(task);
        let reason = answer["refused"].as_str().unwrap_or("not refused");
        assert!(reason.contains(because), "{}: {reason}", task["do"]);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends with its input.
        self.stdin = None;
        let _ = self.child.wait();
    }
}
