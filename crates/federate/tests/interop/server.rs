//! A peer that is a server on this machine.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    base: String,
    folder: Folder,
}

/// A folder of its own, which is removed with it.
struct Folder(PathBuf);

/// A port that nobody uses. Below 32768 it is nobody's by chance: connections begin from higher
/// ones.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id() * 64 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (number % 12_000) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

impl Server {
    /// Starts a server at this host and waits until it answers; `command` is given its port, its
    /// address and a folder for it. A server may fall over as it starts: then another is started.
    pub(crate) fn start(host: &str, command: impl Fn(u16, &str, &Path) -> Command) -> Self {
        let mut ended = None;
        for _ in 0..3 {
            let port = free_port();
            let base = format!("http://{host}:{port}");
            let folder = Folder(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{port}")));
            std::fs::create_dir_all(&folder.0).unwrap();
            let mut command = command(port, &base, &folder.0);
            let command = command.stdin(Stdio::null()).stdout(Stdio::null());
            let child = command.stderr(Stdio::null()).spawn().unwrap();
            let mut server = Self {
                child,
                base,
                folder,
            };
            match server.wait(port) {
                Ok(()) => return server,
                Err(status) => ended = Some(status),
            }
        }
        panic!("the server ended: {ended:?}");
    }

    fn wait(&mut self, port: u16) -> Result<(), ExitStatus> {
        let answers = || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
            stream
                .write_all(b"GET /favicon.ico HTTP/1.0\r\n\r\n")
                .ok()?;
            stream.read_exact(&mut [0]).ok()
        };
        let begun = Instant::now();
        while answers().is_none() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(status);
            }
            let patience = Duration::from_secs(60);
            assert!(begun.elapsed() < patience, "the server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What is its own.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// The address of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
